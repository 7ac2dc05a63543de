//! Random choices that are the same for the same seed.

use crate::call::Micros;

/// A SplitMix64 generator: a counter through a mixing function; enough for traffic, and short.
pub struct Random(u64);

impl Random {
    /// Starts from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Any value.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// 0 to `bound`, without it.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// 0.0 to 1.0, without it.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True in this share of cases.
    pub fn chance(&mut self, share: f64) -> bool {
        self.unit() < share
    }

    /// A span between two, in seconds.
    pub fn seconds(&mut self, from: f64, to: f64) -> Micros {
        micros(from + self.unit() * (to - from))
    }

    /// A span from a lognormal distribution with this median, in seconds, and this sigma; at most `most` seconds.
    pub fn lognormal(&mut self, median: f64, sigma: f64, most: f64) -> Micros {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (std::f64::consts::TAU * self.unit()).cos();
        micros((median * (sigma * normal).exp()).min(most))
    }

    /// One of these.
    pub fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    /// `count` different values below `bound`, in random order.
    pub fn distinct(&mut self, count: usize, bound: u64) -> Vec<u64> {
        let mut all: Vec<u64> = (0..bound).collect();
        for index in 0..count {
            let other = index + self.below(bound - index as u64) as usize;
            all.swap(index, other);
        }
        all.truncate(count);
        all
    }
}

/// Seconds to microseconds.
pub fn micros(seconds: f64) -> Micros {
    (seconds * 1e6) as Micros
}
