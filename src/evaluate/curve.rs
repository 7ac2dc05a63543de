//! Counts along an axis, in a number of bins that does not grow with the calls.

use crate::base::time::At;

/// Bins of a timeline, at most.
const BINS_MAX: usize = 240;
/// Width of a bin to begin with, in seconds.
const WIDTH_FIRST: u64 = 1;
/// Positions that have a bin of their own; further ones share bins that grow by an eighth each.
const SINGLE: u64 = 32;
/// Bins of positions: enough for ten million calls of one campaign.
const POSITION_BINS: usize = 150;

/// How many things happened when, since the first of them. When time runs out of bins, each becomes twice as wide.
#[derive(Clone, Debug)]
pub struct Timeline {
    first_at: Option<At>,
    width_s: u64,
    bins: Vec<u64>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { first_at: None, width_s: WIDTH_FIRST, bins: Vec::new() }
    }
}

impl Timeline {
    /// Begins at this moment, unless it has begun. What happens earlier counts as then.
    pub fn begin(&mut self, at: At) {
        self.first_at.get_or_insert(at);
    }

    /// One thing happened.
    pub fn count(&mut self, at: At) {
        self.begin(at);
        let seconds = at.since(self.first_at.unwrap_or(at)).as_secs();
        self.add(seconds, 1);
    }

    /// Adds another timeline, second for second since the start of each.
    pub fn merge(&mut self, other: &Self) {
        let Some(first_at) = other.first_at else { return };
        self.begin(first_at);
        for (bin, count) in (0..).zip(&other.bins).filter(|(_, count)| **count > 0) {
            self.add(bin * other.width_s, *count);
        }
    }

    /// Seconds since the start and how many things there were by then, at the end of every bin.
    pub fn sums(&self) -> impl Iterator<Item = (f64, u64)> {
        let ends = (1..).map(|bin: u64| (bin * self.width_s) as f64);
        let mut sum = 0;
        ends.zip(&self.bins).map(move |(end, count)| {
            sum += count;
            (end, sum)
        })
    }

    fn add(&mut self, seconds: u64, count: u64) {
        while seconds / self.width_s >= BINS_MAX as u64 {
            self.bins = self.bins.chunks(2).map(|pair| pair.iter().sum()).collect();
            self.width_s *= 2;
        }
        let bin = (seconds / self.width_s) as usize;
        if self.bins.len() <= bin {
            self.bins.resize(bin + 1, 0);
        }
        self.bins[bin] += count;
    }
}

/// How many of the *n*-th calls of campaigns were stopped.
#[derive(Clone, Debug)]
pub struct Positions {
    /// Calls and stopped calls by bin.
    bins: Vec<(u64, u64)>,
}

impl Default for Positions {
    fn default() -> Self {
        Self { bins: vec![(0, 0); POSITION_BINS] }
    }
}

impl Positions {
    /// The call at `position` of its campaign, from 1.
    pub fn count(&mut self, position: u64, is_stopped: bool) {
        let (calls, stopped) = &mut self.bins[bin_of(position)];
        *calls += 1;
        *stopped += u64::from(is_stopped);
    }

    /// Adds others.
    pub fn merge(&mut self, other: &Self) {
        for (own, other) in self.bins.iter_mut().zip(&other.bins) {
            own.0 += other.0;
            own.1 += other.1;
        }
    }

    /// First position of a bin, and the share stopped there; bins without calls are left out.
    pub fn shares(&self) -> impl Iterator<Item = (f64, f64)> {
        let starts = (0..POSITION_BINS).map(start_of);
        starts
            .zip(&self.bins)
            .filter(|(_, (calls, _))| *calls > 0)
            .map(|(start, (calls, stopped))| (start as f64, *stopped as f64 / *calls as f64))
    }
}

fn bin_of(position: u64) -> usize {
    let position = position.max(1);
    if position <= SINGLE {
        return position as usize - 1;
    }
    // The last bin whose start is not beyond.
    let (mut low, mut high) = (SINGLE as usize - 1, POSITION_BINS);
    while high - low > 1 {
        let middle = usize::midpoint(low, high);
        if start_of(middle) <= position { low = middle } else { high = middle }
    }
    low
}

fn start_of(bin: usize) -> u64 {
    match bin as u64 {
        bin if bin < SINGLE => bin + 1,
        bin => ((SINGLE + 1) as f64 * 1.125_f64.powi((bin - SINGLE) as i32)).round() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_timeline_loses_nothing(times in proptest::collection::vec(0_u64..10_000_000, 1..60)) {
            let mut times = times;
            times.sort_unstable();
            let mut line = Timeline::default();
            times.iter().for_each(|second| line.count(At::from_nanos(second * 1_000_000_000)));
            prop_assert!(line.bins.len() <= BINS_MAX);
            let first = times[0];
            for (end, sum) in line.sums() {
                let expected = times.iter().filter(|second| ((*second - first) as f64) < end).count() as u64;
                prop_assert_eq!(sum, expected);
            }
            let mut twice = line.clone();
            twice.merge(&line);
            prop_assert_eq!(twice.sums().last().unwrap().1, 2 * times.len() as u64);
        }

        #[test]
        fn a_position_is_in_its_bin(position in 1_u64..5_000_000) {
            let bin = bin_of(position);
            prop_assert!(start_of(bin) <= position);
            prop_assert!(bin + 1 == POSITION_BINS || position < start_of(bin + 1));
        }
    }

    #[test]
    fn shares_are_of_the_calls_at_a_position() {
        let mut positions = Positions::default();
        positions.count(1, false);
        positions.count(2, true);
        positions.count(2, false);
        positions.count(u64::MAX, true);
        let mut other = positions.clone();
        other.merge(&positions);
        let shares: Vec<_> = other.shares().map(|(_, share)| share).collect();
        assert_eq!(shares, [0.0, 0.5, 1.0]);
    }
}
