//! Draws from the distributions that calls follow.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, Gamma, StandardNormal, Zipf};

/// The generator of every source.
pub type Rng = ChaCha8Rng;

/// Seconds as a span; nothing for what is negative or no number, a day for more than that.
#[must_use]
pub fn seconds(seconds: f64) -> Duration {
    Duration::from_secs_f64(if seconds > 0.0 { seconds.min(86_400.0) } else { 0.0 })
}

/// True in this share of cases, 0 to 1.
pub fn chance(rng: &mut Rng, share: f64) -> bool {
    rng.random::<f64>() < share
}

/// 0 to `bound`, without it; 0 when `bound` is 0.
pub fn below(rng: &mut Rng, bound: u64) -> u64 {
    if bound == 0 { 0 } else { rng.random_range(0..bound) }
}

/// A span between two, in seconds.
pub fn between(rng: &mut Rng, from: f64, to: f64) -> Duration {
    seconds(from + rng.random::<f64>() * (to - from))
}

/// One of these; `None` of nothing.
pub fn choose<'a, T>(rng: &mut Rng, from: &'a [T]) -> Option<&'a T> {
    from.get(below(rng, from.len() as u64) as usize)
}

/// Index of one of these, each as likely as its weight; 0 when no weight is positive.
pub fn weighted(rng: &mut Rng, weights: impl Iterator<Item = f64> + Clone) -> usize {
    let total: f64 = weights.clone().filter(|weight| *weight > 0.0).sum();
    let mut left = rng.random::<f64>() * total;
    let mut last = 0;
    for (index, weight) in weights.enumerate().filter(|(_, weight)| *weight > 0.0) {
        last = index;
        if left < weight {
            break;
        }
        left -= weight;
    }
    last
}

/// Exponential with this mean, in seconds.
pub fn exponential(rng: &mut Rng, mean: f64) -> Duration {
    let unit: f64 = Exp1.sample(rng);
    seconds(unit * mean)
}

/// Normal with mean 0 and deviation 1.
pub fn normal(rng: &mut Rng) -> f64 {
    StandardNormal.sample(rng)
}

/// Lognormal with this median, in seconds, and this sigma; at most `most` seconds.
pub fn lognormal(rng: &mut Rng, median: f64, sigma: f64, most: f64) -> Duration {
    seconds((median * (sigma * normal(rng)).exp()).min(most))
}

/// Gamma with this mean, in seconds, and this shape; at most `most` seconds. The mean itself when a figure is not
/// positive.
pub fn gamma(rng: &mut Rng, mean: f64, shape: f64, most: f64) -> Duration {
    let drawn = Gamma::new(shape, mean / shape).map_or(mean, |distribution| distribution.sample(rng));
    seconds(drawn.min(most))
}

/// A rank below `count` by Zipf's law with this exponent: 0 is the likeliest. 0 when the figures make no sense.
pub fn zipf(rng: &mut Rng, count: u64, exponent: f64) -> u64 {
    let drawn = Zipf::new(count as f64, exponent).map_or(1.0, |distribution| distribution.sample(rng));
    (drawn as u64).saturating_sub(1)
}
