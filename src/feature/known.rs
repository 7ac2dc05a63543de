//! Which keys were seen within some days: a set that forgets by itself, four octets a key.
//!
//! A key is a tag of 24 bits in a bucket of eight, with the day it was last seen; a key that was never put in is taken
//! for one that was about once in two million look-ups. Numbers of a whole country fit: a hundred million keys take
//! some 540 MB. When a bucket is full, the key seen longest ago gives way.

use std::fmt;
use std::hash::BuildHasher;
use std::ops::{Range, RangeInclusive};

use serde::de::{Error, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base::map::Seed;
use crate::feature::slices::{self, Page, Part, Slots};

/// Cells in a bucket; two buckets share a cache line.
const WAYS: usize = 8;
/// Buckets swept with each key put in, until the day's sweep is through.
const SWEPT_AT_ONCE: usize = 8;
/// Days that keys may be kept for.
const DAYS: RangeInclusive<u8> = 1..=30;
/// Most buckets: those of the highest limit.
const BUCKETS_MAX: usize = 1 << 31;
/// Days after which a sweep that had too few keys to ride on is done in one go: before any cell written since the last
/// one, and kept by it, has an age of 256 days, which would be 0.
const SWEPT_WITHIN: u32 = 255 - 30 - 30;

/// Days since the Unix epoch; a cell holds them modulo 256.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Day(pub u32);

impl Day {
    /// The day that holds this second since the Unix epoch.
    #[must_use]
    pub const fn of(second: u32) -> Self {
        Self(second / 86_400)
    }
}

/// What an insertion found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was there already.
    Before,
    /// It is new.
    New,
    /// It is new, and another that was still in force gave way.
    NewForOther,
}

/// A set of keys, each kept for some days after it was last seen.
///
/// A cell says its day modulo 256, so cells that are too old are emptied before their day comes round again: a few with
/// each key put in, and all at once where months went by with few keys.
#[derive(Clone, Debug)]
pub struct Known {
    seed: Seed,
    /// Tag × 256 + day; 0 is free.
    buckets: Box<[[u32; WAYS]]>,
    days: u8,
    /// Cells that are not free.
    held: u64,
    /// The day a key was last put in.
    latest: Day,
    /// The day the sweep under way began, buckets that it has behind it, and the day the one before began.
    sweep: Day,
    swept: u64,
    swept_before: Day,
}

impl Known {
    /// Room for about `limit` keys, each kept for `days` days (1 to 30).
    #[must_use]
    pub fn new(limit: usize, days: u8, seed: Seed) -> Self {
        // Buckets fill unevenly: at three quarters of the cells hardly any overflows.
        let buckets = (limit.clamp(1, 1 << 33) * 4 / 3).div_ceil(WAYS).next_power_of_two();
        Self {
            seed,
            buckets: vec![[0; WAYS]; buckets].into(),
            days: days.clamp(*DAYS.start(), *DAYS.end()),
            held: 0,
            latest: Day::default(),
            sweep: Day::default(),
            swept: 0,
            swept_before: Day::default(),
        }
    }

    /// Whether `key` was seen within the set's days before `today`.
    #[must_use]
    pub fn contains(&self, key: u64, today: Day) -> bool {
        let (bucket, tag) = self.place(key);
        !self.is_long_ago(today)
            && self.buckets[bucket].iter().any(|cell| cell >> 8 == tag && self.is_in_force(*cell, today))
    }

    /// Notes that `key` was seen today.
    pub fn insert(&mut self, key: u64, today: Day) -> Seen {
        self.sweep(today);
        let (bucket, tag) = self.place(key);
        let days = self.days;
        let fresh = tag << 8 | today.0 & 0xff;
        let bucket = &mut self.buckets[bucket];
        if let Some(cell) = bucket.iter_mut().find(|cell| **cell >> 8 == tag) {
            let seen = if age(*cell, today) <= u32::from(days) { Seen::Before } else { Seen::New };
            *cell = fresh;
            return seen;
        }
        // A free cell is older than any.
        let rank = |cell: u32| if cell == 0 { u32::MAX } else { age(cell, today) };
        let oldest = (0..WAYS).max_by_key(|way| rank(bucket[*way])).unwrap_or_default();
        let gave_way = rank(bucket[oldest]) <= u32::from(days);
        self.held += u64::from(bucket[oldest] == 0);
        bucket[oldest] = fresh;
        if gave_way { Seen::NewForOther } else { Seen::New }
    }

    /// Keys held, with some that are too old to count.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.held as usize
    }

    /// Whether none is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Octets of memory when full.
    #[must_use]
    pub const fn bytes_max(&self) -> usize {
        self.buckets.len() * WAYS * size_of::<u32>()
    }

    /// Whether nothing was put in for so long that nothing is in force.
    const fn is_long_ago(&self, today: Day) -> bool {
        today.0.saturating_sub(self.latest.0) > self.days as u32
    }

    /// Empties cells that are too old.
    fn sweep(&mut self, today: Day) {
        if self.latest == Day::default() {
            (self.sweep, self.swept_before) = (today, today);
            self.swept = self.buckets.len() as u64;
        } else if self.is_long_ago(today) {
            self.empty(0..self.buckets.len(), |_| true);
            (self.sweep, self.swept_before) = (today, today);
            self.swept = self.buckets.len() as u64;
        }
        self.latest = self.latest.max(today);
        let (today, days, buckets) = (self.latest, u32::from(self.days), self.buckets.len());
        let is_old = |cell| age(cell, today) > days;
        let mut from = usize::try_from(self.swept).unwrap_or(buckets).min(buckets);
        if from == buckets && self.sweep == today {
            return;
        }
        if from == buckets {
            (self.swept_before, self.sweep) = (self.sweep, today);
            from = 0;
        }
        let is_late = today.0.saturating_sub(self.swept_before.0) > SWEPT_WITHIN;
        let to = if is_late { buckets } else { buckets.min(from + SWEPT_AT_ONCE) };
        self.empty(from..to, is_old);
        self.swept = to as u64;
    }

    fn empty(&mut self, buckets: Range<usize>, is_old: impl Fn(u32) -> bool) {
        // Only what changes is written: memory that was never used stays so.
        let cells = self.buckets[buckets].iter_mut().flatten();
        for cell in cells.filter(|cell| **cell != 0 && is_old(**cell)) {
            *cell = 0;
            self.held = self.held.saturating_sub(1);
        }
    }

    fn place(&self, key: u64) -> (usize, u32) {
        let hash = self.seed.hash_one(key);
        // No tag is 0: a cell of tag 0 and day 0 would look free.
        (hash as usize & (self.buckets.len() - 1), ((hash >> 40) as u32).max(1))
    }

    fn is_in_force(&self, cell: u32, today: Day) -> bool {
        age(cell, today) <= u32::from(self.days)
    }
}

/// The head stands before the buckets: a sweep goes on where it was when the first of them was written, and passes again over
/// those that were swept meanwhile.
impl Slots for Known {
    /// Seed, days, how many buckets; the latest day, the sweep's, how many it has behind it, and the day of the one before.
    type Head = (Seed, u8, usize, Day, (Day, u64, Day));
    type Slot = Bucket;

    fn head(&self) -> Self::Head {
        let sweep = (self.sweep, self.swept, self.swept_before);
        (self.seed, self.days, self.buckets.len(), self.latest, sweep)
    }

    fn slot(&self, index: usize) -> Option<impl Serialize> {
        self.buckets.get(index).copied().map(Bucket)
    }

    fn take<E: Error>(
        (seed, days, length, latest, (sweep, swept, swept_before)): Self::Head,
        mut next: impl FnMut() -> Result<Option<Self::Slot>, E>,
    ) -> Result<Self, E> {
        if !DAYS.contains(&days) || !length.is_power_of_two() || length > BUCKETS_MAX {
            return Err(E::custom("a set of keys has an impossible size"));
        }
        slices::check_room::<Bucket, E>(length)?;
        let (mut buckets, mut held) = (vec![[0; WAYS]; length].into_boxed_slice(), 0);
        for bucket in &mut buckets {
            let Some(Bucket(cells)) = next()? else { return Err(E::custom("a set of keys is too short")) };
            let full = cells.iter().filter(|cell| **cell != 0).count() as u64;
            // Only what changes is written: memory that was never used stays so.
            if full > 0 {
                *bucket = cells;
                held += full;
            }
        }
        if next()?.is_some() {
            return Err(E::custom("a set of keys is too long"));
        }
        Ok(Self { seed, buckets, days, held, latest, sweep, swept, swept_before })
    }
}

impl Part for Known {
    fn write(&self, place: usize, page: &mut Page<'_>) -> postcard::Result<Option<usize>> {
        slices::write(self, place, page)
    }
}

impl<'de> Deserialize<'de> for Known {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        slices::read(from)
    }
}

/// A bucket as it is kept in a file: a bit for each cell that is not free, then these.
pub(super) struct Bucket([u32; WAYS]);

impl Serialize for Bucket {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let is_full = (0..WAYS).fold(0_u8, |bits, way| bits | u8::from(self.0[way] != 0) << way);
        let mut to = to.serialize_tuple(1 + is_full.count_ones() as usize)?;
        to.serialize_element(&is_full)?;
        for cell in self.0.iter().filter(|cell| **cell != 0) {
            to.serialize_element(cell)?;
        }
        to.end()
    }
}

impl<'de> Deserialize<'de> for Bucket {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_tuple(1 + WAYS, ReadingBucket)
    }
}

struct ReadingBucket;

impl<'de> Visitor<'de> for ReadingBucket {
    type Value = Bucket;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bucket of keys")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Bucket, A::Error> {
        let too_short = || A::Error::custom("a bucket of keys is too short");
        let is_full: u8 = from.next_element()?.ok_or_else(too_short)?;
        let mut cells = [0; WAYS];
        for way in (0..WAYS).filter(|way| is_full >> way & 1 != 0) {
            cells[way] = from.next_element()?.ok_or_else(too_short)?;
        }
        Ok(Bucket(cells))
    }
}

/// Days since a cell was written, 0 to 255.
const fn age(cell: u32, today: Day) -> u32 {
    today.0.wrapping_sub(cell) & 0xff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_for_its_days_and_no_longer() {
        let mut known = Known::new(100, 30, Seed(1));
        assert_eq!(known.insert(7, Day(1_000)), Seen::New);
        assert_eq!(known.insert(7, Day(1_000)), Seen::Before);
        assert!(known.contains(7, Day(1_030)));
        assert!(!known.contains(7, Day(1_031)));
        assert!(!known.contains(8, Day(1_000)));
        assert_eq!(known.insert(7, Day(1_031)), Seen::New);
        assert!(known.contains(7, Day(1_061)));
    }

    #[test]
    fn what_is_forgotten_does_not_come_back_when_days_repeat() {
        // One key a day in a small set and in a large one, which that never sweeps; none for long; many.
        for (limit, each_day) in [(100, 1), (100_000, 1), (100, 0), (20_000, 500)] {
            let mut known = Known::new(limit, 30, Seed(1));
            (0..50).for_each(|key| _ = known.insert(key, Day(20_000)));
            for day in 20_001..20_600 {
                (0..each_day).for_each(|key| _ = known.insert(u64::from(day) * 1_000 + key, Day(day)));
                let is_known = (0..50).any(|key| known.contains(key, Day(day)));
                assert!(!is_known || day <= 20_030, "{limit} {each_day}: known on day {day}");
            }
            assert_eq!(known.insert(7, Day(20_600)), Seen::New);
            let held = known.buckets.iter().flatten().filter(|cell| **cell != 0).count();
            assert_eq!(known.len(), held);
            assert!(known.contains(7, Day(20_630)));
        }
    }

    #[test]
    fn a_flood_is_bounded_and_the_oldest_give_way() {
        let mut known = Known::new(1_000, 30, Seed(1));
        let bytes = known.bytes_max();
        (0..1_000).for_each(|key| _ = known.insert(key, Day(1)));
        let gave_way = (1_000..51_000).filter(|key| known.insert(*key, Day(2)) == Seen::NewForOther).count();
        assert!(gave_way > 45_000, "{gave_way}");
        assert_eq!(known.bytes_max(), bytes);
        let old = (0..1_000).filter(|key| known.contains(*key, Day(2))).count();
        assert!(old < 5, "{old} of the oldest are still there");
    }

    #[test]
    fn within_its_limit_hardly_a_key_is_lost_or_invented() {
        let mut known = Known::new(100_000, 30, Seed(3));
        (0..100_000).for_each(|key| _ = known.insert(key, Day(9)));
        let kept = (0..100_000).filter(|key| known.contains(*key, Day(9))).count();
        assert!(kept > 99_500, "{kept}");
        let invented = (100_000..400_000).filter(|key| known.contains(*key, Day(9))).count();
        assert!(invented <= 2, "{invented}");
    }
}
