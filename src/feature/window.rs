//! Sliding windows of counts, in rings of 12 buckets aligned to absolute packet time.
//!
//! A window of length W covers the current bucket of W/12 and the 11 before it, so between 11/12 W and W. All buckets
//! are whole numbers of one [`Tick`], so that a list of events stamped with ticks and a ring count the same.

use serde::{Deserialize, Serialize};

use crate::base::time::At;

/// Buckets in a window.
pub const BUCKETS: usize = 12;
/// Measures counted side by side in a bucket: see [`Outcome::increments`](super::outcome::Outcome::increments).
pub const MEASURES: usize = 4;

/// Packet time in steps of 50 s since the Unix epoch: the bucket of the shortest window. Fits in 29 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tick(pub u32);

impl Tick {
    /// Length in seconds.
    pub const SECONDS: u64 = 50;
    /// The last one.
    pub const MAX: Self = Self::of(At::from_nanos(u64::MAX));

    /// The tick that holds `at`.
    #[must_use]
    pub const fn of(at: At) -> Self {
        // u64::MAX nanoseconds are 369 million ticks.
        Self((at.nanos() / (Self::SECONDS * 1_000_000_000)) as u32)
    }
}

/// Packet time in steps of 5 s since the Unix epoch: the bucket of one minute, which ticks are too coarse for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Beat(pub u32);

impl Beat {
    /// Length in seconds.
    pub const SECONDS: u64 = 5;

    /// The beat that holds `at`.
    #[must_use]
    pub const fn of(at: At) -> Self {
        // u64::MAX nanoseconds are 3,690 million beats.
        Self((at.nanos() / (Self::SECONDS * 1_000_000_000)) as u32)
    }

    /// The tick that holds it.
    #[must_use]
    pub const fn tick(self) -> Tick {
        Tick(self.0 / (Tick::SECONDS / Self::SECONDS) as u32)
    }

    /// First beat that the last minute covers at this one.
    #[must_use]
    pub const fn minute_since(self) -> Self {
        Self(self.0.saturating_sub(BUCKETS as u32 - 1))
    }
}

/// Length of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Window {
    /// 10 minutes, buckets of 50 s.
    TenMinutes = 1,
    /// 1 hour, buckets of 5 minutes.
    Hour = 6,
    /// 24 hours, buckets of 2 hours.
    Day = 144,
    /// 7 days, buckets of 14 hours.
    Week = 1008,
}

impl Window {
    /// Ticks in a bucket.
    #[must_use]
    pub const fn bucket_ticks(self) -> u32 {
        self as u32
    }

    /// First tick the window covers at `now`; it covers all from there.
    #[must_use]
    pub const fn since(self, now: Tick) -> Tick {
        let bucket = now.0 / self.bucket_ticks();
        Tick(bucket.saturating_sub(BUCKETS as u32 - 1) * self.bucket_ticks())
    }
}

/// Counts of four measures over the window whose buckets are `TICKS` ticks long. A bucket counts to 65,535 of each
/// and stays there; the totals are the sum of the buckets.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Buckets")]
pub struct Ring<const TICKS: u32> {
    /// Number of the newest bucket since the epoch.
    head: u32,
    #[serde(skip_serializing)]
    totals: [u32; MEASURES],
    buckets: [[u16; MEASURES]; BUCKETS],
}

/// A ring as it is in a file: the totals follow from it.
#[derive(Deserialize)]
struct Buckets {
    head: u32,
    buckets: [[u16; MEASURES]; BUCKETS],
}

impl<const TICKS: u32> From<Buckets> for Ring<TICKS> {
    fn from(Buckets { head, buckets }: Buckets) -> Self {
        let mut totals = [0; MEASURES];
        for bucket in buckets {
            totals.iter_mut().zip(bucket).for_each(|(total, count)| *total += u32::from(count));
        }
        Self { head, totals, buckets }
    }
}

impl<const TICKS: u32> Ring<TICKS> {
    /// Counts an event at `tick`. One from before the newest bucket is counted there: time never goes back.
    pub fn add(&mut self, tick: Tick, increments: [u16; MEASURES]) {
        self.advance(tick.0 / TICKS);
        let bucket = &mut self.buckets[slot(self.head)];
        for ((count, total), more) in bucket.iter_mut().zip(&mut self.totals).zip(increments) {
            let sum = count.saturating_add(more);
            *total += u32::from(sum - *count);
            *count = sum;
        }
    }

    /// What the window holds at `now`.
    #[must_use]
    pub fn counts(&self, now: Tick) -> [u32; MEASURES] {
        let behind = (now.0 / TICKS).saturating_sub(self.head) as usize;
        if behind >= BUCKETS {
            return [0; MEASURES];
        }
        let mut totals = self.totals;
        for step in 1..=behind {
            subtract(&mut totals, self.buckets[slot(self.head + step as u32)]);
        }
        totals
    }

    /// Reads the newest bucket.
    pub(super) fn warm(&self) -> u32 {
        u32::from(self.buckets[slot(self.head)][0])
    }

    fn advance(&mut self, bucket: u32) {
        let behind = bucket.saturating_sub(self.head) as usize;
        if behind >= BUCKETS {
            *self = Self { head: bucket, ..Self::default() };
            return;
        }
        for _ in 0..behind {
            self.head += 1;
            let oldest = std::mem::take(&mut self.buckets[slot(self.head)]);
            subtract(&mut self.totals, oldest);
        }
    }
}

/// The counts of a [`Ring`] over one minute, in buckets of one [`Beat`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Minute(Ring<1>);

impl Minute {
    /// Counts an event at `beat`; see [`Ring::add`].
    pub fn add(&mut self, beat: Beat, increments: [u16; MEASURES]) {
        self.0.add(Tick(beat.0), increments);
    }

    /// What the minute holds at `now`.
    #[must_use]
    pub fn counts(&self, now: Beat) -> [u32; MEASURES] {
        self.0.counts(Tick(now.0))
    }
}

/// One measure over the window whose buckets are `TICKS` ticks long, in buckets of type `C`. A bucket that cannot hold
/// more stays as it is. Smaller than a [`Ring`]: the total is added up when somebody asks.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Sum<const TICKS: u32, C> {
    /// Number of the newest bucket since the epoch.
    head: u32,
    buckets: [C; BUCKETS],
}

impl<const TICKS: u32, C: Copy + Default + Into<u64> + TryFrom<u64>> Sum<TICKS, C> {
    /// Adds `more` at `tick`; before the newest bucket it counts there.
    pub fn add(&mut self, tick: Tick, more: u32) {
        let bucket = tick.0 / TICKS;
        let behind = bucket.saturating_sub(self.head).min(BUCKETS as u32);
        for step in 1..=behind {
            self.buckets[slot(self.head.wrapping_add(step))] = C::default();
        }
        self.head = self.head.max(bucket);
        // With all buckets passed, the loop above has emptied each of them once, whichever slot the head is now in.
        let newest = &mut self.buckets[slot(self.head)];
        if let Ok(sum) = C::try_from((*newest).into() + u64::from(more)) {
            *newest = sum;
        }
    }

    /// What the window holds at `now`.
    #[must_use]
    pub fn total(&self, now: Tick) -> u64 {
        let behind = (now.0 / TICKS).saturating_sub(self.head) as usize;
        let live = 0..BUCKETS.saturating_sub(behind);
        live.map(|age| self.buckets[slot(self.head.wrapping_add((BUCKETS - age) as u32))].into()).sum()
    }
}

const fn slot(bucket: u32) -> usize {
    bucket as usize % BUCKETS
}

fn subtract(totals: &mut [u32; MEASURES], bucket: [u16; MEASURES]) {
    for (total, count) in totals.iter_mut().zip(bucket) {
        *total -= u32::from(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_the_current_bucket_and_eleven_before() {
        let mut ring = Ring::<1>::default();
        ring.add(Tick(100), [1, 0, 1, 0]);
        ring.add(Tick(105), [1, 1, 0, 0]);
        assert_eq!(ring.counts(Tick(105)), [2, 1, 1, 0]);
        assert_eq!(ring.counts(Tick(111)), [2, 1, 1, 0]);
        assert_eq!(ring.counts(Tick(112)), [1, 1, 0, 0]);
        assert_eq!(ring.counts(Tick(117)), [0; 4]);
        assert_eq!(Window::TenMinutes.since(Tick(111)), Tick(100));
        assert_eq!(Window::Hour.since(Tick(6 * 20 + 5)), Tick(6 * 9));
    }

    #[test]
    fn a_bucket_saturates_and_its_total_with_it() {
        let mut ring = Ring::<1>::default();
        for _ in 0..70_000 {
            ring.add(Tick(7), [1, 0, 0, 0]);
        }
        assert_eq!(ring.counts(Tick(7)), [65_535, 0, 0, 0]);
        assert_eq!(ring.counts(Tick(18)), [65_535, 0, 0, 0]);
        assert_eq!(ring.counts(Tick(19)), [0; 4]);
    }

    #[test]
    fn a_sum_keeps_what_it_can_hold() {
        let mut sum = Sum::<1, u16>::default();
        sum.add(Tick(7), 65_000);
        sum.add(Tick(7), 600);
        sum.add(Tick(6), 500);
        assert_eq!(sum.total(Tick(18)), 65_500, "600 more do not fit, and the past counts now");
        assert_eq!(sum.total(Tick(19)), 0);
        sum.add(Tick(1_000), 3);
        assert_eq!(sum.total(Tick(1_000)), 3);
    }

    #[test]
    fn an_event_from_the_past_counts_now() {
        let mut ring = Ring::<1>::default();
        ring.add(Tick(100), [1, 0, 0, 0]);
        ring.add(Tick(50), [1, 0, 0, 0]);
        assert_eq!(ring.counts(Tick(100))[0], 2);
    }
}
