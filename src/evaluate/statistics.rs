//! Figures of samples: shares with their exact bounds, quantiles in which what never came counts as endless, how many
//! calls a claim needs, and how many calls nobody saw.

use crate::base::interval::{Interval, exact_95};

/// A count out of a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// How many are.
    pub hits: u64,
    /// Of how many.
    pub trials: u64,
}

impl Share {
    /// `hits` of `trials`.
    #[must_use]
    pub const fn new(hits: u64, trials: u64) -> Self {
        Self { hits, trials }
    }

    /// From 0 to 1; none of nothing.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.trials > 0).then(|| self.hits as f64 / self.trials as f64)
    }

    /// Exact bounds at 95 %.
    #[must_use]
    pub fn interval(self) -> Interval {
        exact_95(self.hits, self.trials)
    }
}

/// The value below or at which the share `q` (0 to 1) of all lies, by nearest rank; `endless` more are above every
/// value. None when there are none, infinity when it falls among the endless. Sorts `values`.
#[must_use]
pub fn quantile(values: &mut [f64], endless: u64, q: f64) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let total = values.len() as u64 + endless;
    let rank = ((q * total as f64).ceil() as u64).clamp(1, total.max(1));
    (total > 0).then(|| values.get(rank as usize - 1).copied().unwrap_or(f64::INFINITY))
}

/// Trials without a hit that are needed to say, at 95 %, that the true share is at most `share`: the rule of three
/// (J. A. Hanley, A. Lippman-Hand, "If nothing goes wrong, is everything all right?", JAMA 249, 1983).
#[must_use]
pub fn trials_for(share: f64) -> u64 {
    (3.0 / share).round() as u64
}

/// A population of which one observer saw `first`, another `second`, and both the same `both`.
///
/// Chapman's estimate of its size is nearly unbiased if the two see independently (D. G. Chapman, "Some properties of
/// the hypergeometric distribution with applications to zoological sample censuses", 1951). Its variance is that of G.
/// A. F. Seber ("The Estimation of Animal Abundance", 1982, §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recapture {
    /// Seen by the first.
    pub first: u64,
    /// Seen by the second.
    pub second: u64,
    /// Seen by both.
    pub both: u64,
}

impl Recapture {
    /// Estimated size.
    #[must_use]
    pub fn size(self) -> f64 {
        let (first, second, both) = self.floats();
        (first + 1.0) * (second + 1.0) / (both + 1.0) - 1.0
    }

    /// Standard error of that estimate. It is 0 when one saw all that the other saw, which is no proof that nothing was
    /// missed: [`Recapture::missed`] has bounds that know of it.
    #[must_use]
    pub fn standard_error(self) -> f64 {
        let (first, second, both) = self.floats();
        let above = (first + 1.0) * (second + 1.0) * (first - both) * (second - both);
        (above / ((both + 1.0) * (both + 1.0) * (both + 2.0))).sqrt()
    }

    /// Share of the population that the first missed, and its exact bounds at 95 %: what the second saw is a sample of
    /// the population.
    #[must_use]
    pub fn missed(self) -> Option<(f64, Interval)> {
        let seen = exact_95(self.both, self.second);
        let share = (1.0 - self.first as f64 / self.size()).clamp(0.0, 1.0);
        (self.second > 0).then_some((share, Interval { low: 1.0 - seen.high, high: 1.0 - seen.low }))
    }

    fn floats(self) -> (f64, f64, f64) {
        let both = self.both.min(self.first).min(self.second);
        (self.first as f64, self.second as f64, both as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rabbits_and_turtles() {
        // Cottontail rabbits of Edwards and Eberhardt (1967): 87 marked, 14 caught, 7 of them marked. Often printed as
        // 164 with a standard error of 36.
        let rabbits = Recapture { first: 87, second: 14, both: 7 };
        assert!((rabbits.size() - 164.0).abs() < 1e-9);
        assert!((rabbits.standard_error() - 35.824).abs() < 1e-3, "{}", rabbits.standard_error());
        let turtles = Recapture { first: 10, second: 15, both: 5 };
        assert!((turtles.size() - 28.333).abs() < 1e-3);
        let (missed, interval) = rabbits.missed().unwrap();
        assert!((missed - (1.0 - 87.0 / 164.0)).abs() < 1e-9);
        // 7 of 14: 23 % to 77 %.
        assert!((interval.low - 0.230_4).abs() < 1e-4 && (interval.high - 0.769_6).abs() < 1e-4);
    }

    #[test]
    fn seeing_all_is_no_proof() {
        let all = Recapture { first: 1000, second: 20, both: 20 };
        let (missed, interval) = all.missed().unwrap();
        assert_eq!((missed, interval.low), (0.0, 0.0));
        assert!((interval.high - (1.0 - 0.025_f64.powf(1.0 / 20.0))).abs() < 1e-9);
        assert_eq!(Recapture { first: 5, second: 0, both: 0 }.missed(), None);
        assert!(Recapture { first: 1, second: 1, both: 9 }.standard_error().is_finite());
    }

    #[test]
    fn the_endless_are_above_every_value() {
        let mut values = [3.0, 1.0, 2.0];
        assert_eq!(quantile(&mut values, 0, 0.5), Some(2.0));
        assert_eq!(quantile(&mut values, 2, 0.5), Some(3.0));
        assert_eq!(quantile(&mut values, 1, 0.9), Some(f64::INFINITY));
        assert_eq!(quantile(&mut values, 0, 1.0), Some(3.0));
        assert_eq!(quantile(&mut [], 0, 0.5), None);
        assert_eq!(quantile(&mut [], 1, 0.5), Some(f64::INFINITY));
    }

    #[test]
    fn ten_in_a_million_takes_three_hundred_thousand() {
        assert_eq!(trials_for(1e-5), 300_000);
        assert!(exact_95(0, trials_for(1e-5)).high < 1.3e-5);
        assert_eq!((Share::new(1, 4).value(), Share::new(0, 0).value()), (Some(0.25), None));
    }
}
