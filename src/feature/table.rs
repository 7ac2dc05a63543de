//! A keyed table with a limit: when it is full, a new key takes the slot of an old one.
//!
//! Slots lie in one array in order of arrival, found through heads of chains: a look-up touches the head and the slot,
//! nothing is ever moved, and neither growth nor deletion costs a pause. Both arrays are reserved at once and become
//! resident memory as they fill. The slot that gives way is the least recently touched of the next [`LOOK`] under a
//! hand that goes round: decided by input time and order of arrival alone, in a fixed number of steps.

use std::hash::{BuildHasher, Hash};

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer, Serialize};

use crate::base::map::Seed;
use crate::feature::slices::{self, Page, Part, Slots};

/// Slots compared when one must give way.
pub const LOOK: usize = 4;
/// End of a chain.
const NIL: u32 = u32::MAX;

/// Aligned so that a slot of a tally is two cache lines, not three.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[repr(align(64))]
pub(super) struct Slot<K, V> {
    key: K,
    #[serde(skip)]
    next: u32,
    rank: u32,
    value: V,
}

/// A table of at most `limit` keys.
#[derive(Clone, Debug)]
pub struct Table<K, V> {
    seed: Seed,
    /// First slot of each chain, plus 1: 0 is an empty chain, so that untouched heads cost no memory.
    heads: Box<[u32]>,
    slots: Vec<Slot<K, V>>,
    limit: usize,
    hand: usize,
}

impl<K: Copy + Eq + Hash, V: Default> Table<K, V> {
    /// The same keys with another limit; where they are too many, those touched last.
    #[must_use]
    pub fn resized(self, limit: usize) -> Self {
        let (mut slots, limit) = (self.slots, limit.clamp(1, 1 << 31));
        if slots.len() > limit {
            slots.sort_by_key(|slot| std::cmp::Reverse(slot.rank));
            slots.truncate(limit);
        }
        let mut table = Self::new(limit, self.seed);
        for slot in slots {
            let head = table.head(&slot.key);
            table.push(head, slot);
        }
        table
    }

    /// An empty table for `limit` keys, at least 1 and at most 2^31.
    #[must_use]
    pub fn new(limit: usize, seed: Seed) -> Self {
        let limit = limit.clamp(1, 1 << 31);
        Self { seed, heads: heads(limit), slots: Vec::with_capacity(limit), limit, hand: 0 }
    }

    /// Keys in the table.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no key was ever put in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Most keys it holds.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Octets of memory at the limit, without what the values hold elsewhere.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.limit * size_of::<Slot<K, V>>() + self.heads.len() * size_of::<u32>()
    }

    /// Value of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        if self.is_empty() {
            return None;
        }
        let (_, found) = self.find(key);
        self.slots.get(found as usize).map(|slot| &slot.value)
    }

    /// Value of the first key in the chain of `key`: nearly always its own, without a comparison to wait for. Good for
    /// fetching memory before it is needed.
    #[must_use]
    pub fn first(&self, key: &K) -> Option<&V> {
        let first = self.heads[self.head(key)].wrapping_sub(1);
        self.slots.get(first as usize).map(|slot| &slot.value)
    }

    /// Value of a key, made if it is not there; and the value that had to give way to it. `rank` is when the key was
    /// touched, in seconds of packet time: the least gives way first.
    pub fn touch(&mut self, key: K, rank: u32) -> (&mut V, Option<V>) {
        let (head, found) = self.find(&key);
        if found != NIL {
            let slot = &mut self.slots[found as usize];
            slot.rank = rank;
            return (&mut slot.value, None);
        }
        let fresh = Slot { key, next: NIL, rank, value: V::default() };
        if self.slots.len() < self.limit {
            let index = self.push(head, fresh);
            return (&mut self.slots[index].value, None);
        }
        let index = self.unlink_oldest();
        // Read after unlinking: the chain may be the same.
        let next = std::mem::replace(&mut self.heads[head], index as u32 + 1).wrapping_sub(1);
        let evicted = std::mem::replace(&mut self.slots[index], Slot { next, ..fresh });
        (&mut self.slots[index].value, Some(evicted.value))
    }

    /// All keys and values, in an order that depends on the input alone.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots.iter().map(|slot| (&slot.key, &slot.value))
    }

    fn head(&self, key: &K) -> usize {
        self.seed.hash_one(key) as usize & (self.heads.len() - 1)
    }

    /// Chain of a key, and its slot or `NIL`.
    fn find(&self, key: &K) -> (usize, u32) {
        let head = self.head(key);
        let mut at = self.heads[head].wrapping_sub(1);
        while at != NIL {
            let slot = &self.slots[at as usize];
            if slot.key == *key {
                break;
            }
            at = slot.next;
        }
        (head, at)
    }

    /// Adds a slot in front of a chain, where there is room for it.
    fn push(&mut self, head: usize, mut slot: Slot<K, V>) -> usize {
        let index = self.slots.len();
        slot.next = std::mem::replace(&mut self.heads[head], index as u32 + 1).wrapping_sub(1);
        self.slots.push(slot);
        index
    }

    fn unlink_oldest(&mut self) -> usize {
        let looked_at = LOOK.min(self.slots.len());
        let wrapped = |step| (self.hand + step) % self.slots.len();
        let oldest = (0..looked_at).map(wrapped).min_by_key(|index| self.slots[*index].rank).unwrap_or(0);
        self.hand = wrapped(looked_at);
        let Slot { key, next, .. } = self.slots[oldest];
        let head = self.head(&key);
        if self.heads[head] == oldest as u32 + 1 {
            self.heads[head] = next.wrapping_add(1);
            return oldest;
        }
        let mut at = self.heads[head].wrapping_sub(1);
        while at != NIL {
            let slot = &mut self.slots[at as usize];
            if slot.next == oldest as u32 {
                slot.next = next;
                break;
            }
            at = slot.next;
        }
        oldest
    }
}

/// In the order of the slots, as what gives way in a full table depends on it; chains are made anew.
impl<K, V> Slots for Table<K, V>
where
    K: Copy + Eq + Hash + Serialize + DeserializeOwned,
    V: Default + Serialize + DeserializeOwned,
{
    /// Seed, limit and hand.
    type Head = (Seed, usize, usize);
    type Slot = Slot<K, V>;

    fn head(&self) -> Self::Head {
        (self.seed, self.limit, self.hand)
    }

    fn slot(&self, index: usize) -> Option<impl Serialize> {
        self.slots.get(index)
    }

    fn take<E: Error>(
        (seed, limit, hand): Self::Head,
        mut next: impl FnMut() -> Result<Option<Self::Slot>, E>,
    ) -> Result<Self, E> {
        if !(1..=1 << 31).contains(&limit) || hand > limit {
            return Err(E::custom("a table has an impossible limit"));
        }
        slices::check_room::<Self::Slot, E>(limit)?;
        let mut table = Self { hand, ..Self::new(limit, seed) };
        while let Some(slot) = next()? {
            let (head, found) = table.find(&slot.key);
            if let Some(known) = table.slots.get_mut(found as usize) {
                // It gave way and came back while the table was written.
                (known.rank, known.value) = (slot.rank, slot.value);
            } else if table.slots.len() < limit {
                table.push(head, slot);
            } else {
                return Err(E::custom("a table is larger than its limit"));
            }
        }
        Ok(table)
    }
}

impl<K, V> Part for Table<K, V>
where
    Self: Slots,
{
    fn write(&self, place: usize, page: &mut Page<'_>) -> postcard::Result<Option<usize>> {
        slices::write(self, place, page)
    }
}

impl<'de, K, V> Deserialize<'de> for Table<K, V>
where
    Self: Slots,
{
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        slices::read(from)
    }
}

fn heads(limit: usize) -> Box<[u32]> {
    vec![0; (limit * 2).next_power_of_two()].into()
}

#[cfg(test)]
mod tests {
    #[test]
    fn resized_it_keeps_what_was_touched_last() {
        let mut table = Table::new(10, Seed(1));
        (0..10_u64).for_each(|key| *table.touch(key, 100 - key as u32).0 = key);
        let mut table = table.resized(4);
        let kept: Vec<u64> = (0..10).filter(|key| table.get(key) == Some(key)).collect();
        assert_eq!((kept, table.limit()), (vec![0, 1, 2, 3], 4));
        assert!(table.touch(77, 200).1.is_some(), "it is full");
        let mut table = table.resized(6);
        assert!(table.touch(78, 201).1.is_none() && table.touch(79, 202).1.is_none());
        assert!(table.touch(80, 203).1.is_some(), "it is full again");
    }

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_least_recently_touched_gives_way() {
        let mut table: Table<u64, u64> = Table::new(4, Seed(1));
        for key in 0..4 {
            *table.touch(key, key as u32).0 = key;
        }
        table.touch(0, 10);
        let (_, evicted) = table.touch(99, 11);
        assert_eq!(evicted, Some(1));
        assert_eq!((table.get(&0), table.get(&1), table.get(&99)), (Some(&0), None, Some(&0)));
        assert_eq!(table.len(), 4);
    }

    #[test]
    fn a_key_touched_often_survives_a_flood() {
        let mut table: Table<u64, u64> = Table::new(1_000, Seed(1));
        *table.touch(u64::MAX, 0).0 = 7;
        for key in 0..100_000 {
            table.touch(key, key as u32);
            if key % 100 == 0 {
                table.touch(u64::MAX, key as u32);
            }
        }
        assert_eq!(table.get(&u64::MAX), Some(&7));
        assert_eq!(table.len(), 1_000);
    }

    proptest! {
        /// Whatever the seed, the same keys stay.
        #[test]
        fn holds_what_it_says_and_does_not_depend_on_the_seed(
            keys in prop::collection::vec(0_u16..64, 0..400),
            limit in 1_usize..40,
        ) {
            let run = |seed| {
                let mut table: Table<u16, u16> = Table::new(limit, Seed(seed));
                for (time, key) in keys.iter().enumerate() {
                    *table.touch(*key, time as u32).0 = *key;
                }
                table
            };
            let (one, other) = (run(1), run(2));
            let kept: Vec<_> = one.iter().collect();
            prop_assert_eq!(&kept, &other.iter().collect::<Vec<_>>());
            prop_assert!(kept.len() <= limit);
            for key in 0..64 {
                prop_assert_eq!(one.get(&key), kept.iter().find(|(kept, _)| **kept == key).map(|(_, value)| *value));
            }
        }
    }
}
