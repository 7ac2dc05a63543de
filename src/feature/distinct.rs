//! How many distinct numbers were seen in the last 10 minutes and the last hour.
//!
//! A set of 32-bit hashes, each with the tick it was last seen in. Exact while it is small. When it may grow no
//! further it keeps only the hashes that begin with one more zero bit, so that about half stay, and the estimate is
//! what is kept × 2^level. The standard error is below 1.2/√[`KEPT_MAX`] for the hour; for 10 minutes it grows with
//! the share of the hour that is older. The level falls back to 0 when an hour has passed without a kept number.
//!
//! Hashes and stamps lie in two arrays: the stamps are one octet each, so counting those in a window is a scan of a few
//! cache lines, once a tick.

use serde::{Deserialize, Serialize};

use crate::feature::window::{Tick, Window};

/// Slots of a new set.
const SLOTS_MIN: usize = 16;
/// Most slots a set grows to.
const SLOTS_MAX: usize = 1024;
/// Most hashes a set keeps: three quarters of its slots.
pub const KEPT_MAX: usize = SLOTS_MAX / 4 * 3;
/// Most ticks between the base of the stamps and now; a stamp is an octet, and 0 means an empty slot.
const STAMP_TICKS_MAX: u32 = 254;

/// Slots that all sets together may take beyond what each begins with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pool {
    slots: usize,
    /// By sets that are there; counted anew when a file is read.
    #[serde(skip)]
    taken: usize,
}

impl Pool {
    /// A pool of `slots`.
    #[must_use]
    pub const fn new(slots: usize) -> Self {
        Self { slots, taken: 0 }
    }

    /// Slots left.
    #[must_use]
    pub const fn left(&self) -> usize {
        self.slots.saturating_sub(self.taken)
    }

    /// Says how many slots the sets of a file hold. They may be more than there are: a set that gave way while the file was written
    /// may be in it beside one that took its slots.
    pub(super) const fn hold(&mut self, taken: usize) {
        self.taken = taken;
    }

    /// Takes `slots` if there are as many.
    fn take(&mut self, slots: usize) -> bool {
        let enough = self.left() >= slots;
        if enough {
            self.taken += slots;
        }
        enough
    }

    /// Takes back what a dropped set held, see [`Distinct::borrowed`].
    pub const fn give_back(&mut self, slots: usize) {
        self.taken = self.taken.saturating_sub(slots);
    }
}

/// A set of numbers seen, by hash.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Distinct {
    hashes: Box<[u32]>,
    /// Last seen, in ticks from `base`, plus 1; 0 is an empty slot. Never emptied in place: probing relies on it.
    stamps: Box<[u8]>,
    used: u16,
    level: u8,
    base: Tick,
    /// The tick the two counts below are of.
    head: Tick,
    kept_10m: u16,
    kept_1h: u16,
}

/// A set as it is in a file: what it says of itself may be wrong.
#[derive(Deserialize)]
struct Stored {
    hashes: Box<[u32]>,
    stamps: Box<[u8]>,
    used: u16,
    level: u8,
    base: Tick,
    head: Tick,
    kept_10m: u16,
    kept_1h: u16,
}

impl TryFrom<Stored> for Distinct {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let Stored { hashes, stamps, used, level, base, head, kept_10m, kept_1h } = stored;
        let slots = hashes.len();
        let is_sized = slots.is_power_of_two() && (SLOTS_MIN..=SLOTS_MAX).contains(&slots);
        let full = stamps.iter().filter(|stamp| **stamp != 0).count();
        // Probing ends at an empty slot.
        let is_used = full == usize::from(used) && full <= slots / 4 * 3;
        let is_kept = kept_10m.max(kept_1h) <= used && u32::from(level) < u32::BITS;
        if !is_sized || stamps.len() != slots || !is_used || !is_kept || base > head || head > Tick::MAX {
            return Err("a set of numbers does not fit together");
        }
        Ok(Self { hashes, stamps, used, level, base, head, kept_10m, kept_1h })
    }
}

impl Distinct {
    /// Octets on the heap of a set that has taken nothing from the pool.
    pub const HEAP_BYTES_MIN: usize = SLOTS_MIN * (size_of::<u32>() + size_of::<u8>());

    /// An empty set.
    #[must_use]
    pub fn new(now: Tick) -> Self {
        Self {
            hashes: vec![0; SLOTS_MIN].into(),
            stamps: vec![0; SLOTS_MIN].into(),
            used: 0,
            level: 0,
            base: now,
            head: now,
            kept_10m: 0,
            kept_1h: 0,
        }
    }

    /// Slots taken from the pool.
    #[must_use]
    pub fn borrowed(&self) -> usize {
        self.hashes.len() - SLOTS_MIN
    }

    /// Notes that the number with this hash was seen. A tick from the past counts as the newest one seen.
    pub fn insert(&mut self, hash: u32, tick: Tick, pool: &mut Pool) {
        self.advance(tick, pool);
        loop {
            if hash.leading_zeros() < u32::from(self.level) {
                return;
            }
            let index = self.find(hash);
            let old = self.stamps[index];
            if old == 0 && usize::from(self.used) >= self.hashes.len() / 4 * 3 {
                // Leaves at least a quarter of the slots free, or raises the level; the level has an end.
                self.rebuild(pool);
                continue;
            }
            self.used += u16::from(old == 0);
            self.kept_1h += u16::from(old < self.stamp(Window::Hour.since(self.head)));
            self.kept_10m += u16::from(old < self.stamp(Window::TenMinutes.since(self.head)));
            self.hashes[index] = hash;
            self.stamps[index] = self.stamp(self.head);
            return;
        }
    }

    /// Distinct numbers in the last 10 minutes and in the last hour at `now`.
    #[must_use]
    pub fn counts(&self, now: Tick) -> [u32; 2] {
        let (kept_10m, kept_1h) =
            if now <= self.head { (self.kept_10m, self.kept_1h) } else { self.kept(now) };
        [u32::from(kept_10m) << self.level, u32::from(kept_1h) << self.level]
    }

    /// Reads the slot that `hash` would begin with.
    pub(super) fn warm(&self, hash: u32) -> u32 {
        let index = hash as usize & (self.hashes.len() - 1);
        self.hashes[index] ^ u32::from(self.stamps[index])
    }

    fn advance(&mut self, now: Tick, pool: &mut Pool) {
        if now <= self.head {
            return;
        }
        (self.kept_10m, self.kept_1h) = self.kept(now);
        self.head = now;
        if self.kept_1h == 0 {
            pool.give_back(self.borrowed());
            *self = Self::new(now);
        } else if now.0 - self.base.0 > STAMP_TICKS_MAX {
            let live = self.live();
            self.refill(self.hashes.len(), &live);
        }
    }

    fn kept(&self, now: Tick) -> (u16, u16) {
        let count = |window: Window| {
            let since = window.since(now);
            if since.0.saturating_sub(self.base.0) > STAMP_TICKS_MAX {
                return 0;
            }
            let least = self.stamp(since);
            // There are at most SLOTS_MAX; a checked sum would keep the compiler from counting 16 at a time.
            self.stamps.iter().fold(0_u16, |kept, stamp| kept.wrapping_add(u16::from(*stamp >= least)))
        };
        (count(Window::TenMinutes), count(Window::Hour))
    }

    /// Stamp of a tick; 1 for those before the base, so that it is the least stamp of all that came since.
    const fn stamp(&self, tick: Tick) -> u8 {
        let ticks = tick.0.saturating_sub(self.base.0);
        1 + if ticks < STAMP_TICKS_MAX { ticks } else { STAMP_TICKS_MAX } as u8
    }

    /// The slot that holds `hash`, or the empty one it belongs in. There is always one: a quarter of the slots is.
    fn find(&self, hash: u32) -> usize {
        let mask = self.hashes.len() - 1;
        let mut index = hash as usize & mask;
        while self.stamps[index] != 0 && self.hashes[index] != hash {
            index = (index + 1) & mask;
        }
        index
    }

    /// Drops what the hour has passed; grows when what is left fills half of the slots, or samples more thinly when it
    /// may not.
    fn rebuild(&mut self, pool: &mut Pool) {
        let mut live = self.live();
        let mut slots = self.hashes.len();
        if live.len() > slots / 2 {
            if slots < SLOTS_MAX && pool.take(slots) {
                slots *= 2;
            } else {
                self.level += 1;
                live.retain(|(hash, _)| hash.leading_zeros() >= u32::from(self.level));
            }
        }
        self.refill(slots, &live);
        (self.kept_10m, self.kept_1h) = self.kept(self.head);
    }

    fn live(&self) -> Vec<(u32, Tick)> {
        let least = self.stamp(Window::Hour.since(self.head));
        let slots = self.hashes.iter().zip(&self.stamps);
        slots
            .filter(|(_, stamp)| **stamp >= least)
            .map(|(hash, stamp)| (*hash, Tick(self.base.0 + u32::from(*stamp) - 1)))
            .collect()
    }

    fn refill(&mut self, slots: usize, live: &[(u32, Tick)]) {
        self.hashes = vec![0; slots].into();
        self.stamps = vec![0; slots].into();
        self.base = Window::Hour.since(self.head);
        for (hash, tick) in live {
            let index = self.find(*hash);
            self.hashes[index] = *hash;
            self.stamps[index] = self.stamp(*tick);
        }
        self.used = live.len() as u16;
    }
}
