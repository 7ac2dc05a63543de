//! A bounded map that knows which of its entries is the oldest. Every operation is O(1).

use std::hash::Hash;

use crate::base::map::{Map, Seed};

const NONE: u32 = u32::MAX;

/// At most `max` entries, in a list from oldest to newest.
#[derive(Debug)]
pub(super) struct Table<K, V> {
    index: Map<K, u32>,
    slots: Vec<Slot<K, V>>,
    free: Vec<u32>,
    oldest: u32,
    newest: u32,
    max: usize,
}

#[derive(Debug)]
struct Slot<K, V> {
    older: u32,
    newer: u32,
    entry: Option<(K, V)>,
}

impl<K: Copy + Eq + Hash, V> Table<K, V> {
    /// Holds 1 to `max` entries.
    pub fn new(max: usize, seed: Seed) -> Self {
        let max = max.clamp(1, NONE as usize - 1);
        Self {
            index: Map::with_hasher(seed),
            slots: Vec::new(),
            free: Vec::new(),
            oldest: NONE,
            newest: NONE,
            max,
        }
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let slot = *self.index.get(key)?;
        self.value(slot)
    }

    /// The entry, which becomes the newest.
    pub fn touch(&mut self, key: &K) -> Option<&mut V> {
        let slot = *self.index.get(key)?;
        if slot != self.newest {
            self.unlink(slot);
            self.link(slot);
        }
        self.value(slot)
    }

    /// The entry last touched or inserted, found without hashing.
    fn newest(&mut self) -> Option<&mut V> {
        self.slots.get_mut(self.newest as usize)?.entry.as_mut().map(|(_, value)| value)
    }

    /// The entry, when it is the one last touched or inserted: found without hashing.
    pub fn newest_if(&mut self, key: &K) -> Option<&mut V> {
        let (newest, value) = self.slots.get_mut(self.newest as usize)?.entry.as_mut()?;
        (newest == key).then_some(value)
    }

    /// The entry, made if need be, which becomes the newest. And the oldest, when it had to make room.
    pub fn touch_or_insert(&mut self, key: K, make: impl FnOnce() -> V) -> (Option<&mut V>, Option<(K, V)>) {
        let evicted = if self.touch(&key).is_some() { None } else { self.insert(key, make()) };
        (self.newest(), evicted)
    }

    /// Adds an entry as the newest. The key must not be there. Returns the oldest when it had to make room.
    pub fn insert(&mut self, key: K, value: V) -> Option<(K, V)> {
        let evicted = if self.index.len() >= self.max { self.pop_oldest() } else { None };
        let entry = Some((key, value));
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize].entry = entry;
                slot
            }
            None => {
                self.slots.push(Slot { older: NONE, newer: NONE, entry });
                (self.slots.len() - 1) as u32
            }
        };
        self.index.insert(key, slot);
        self.link(slot);
        evicted
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let slot = self.index.remove(key)?;
        self.unlink(slot);
        self.free.push(slot);
        self.slots[slot as usize].entry.take().map(|(_, value)| value)
    }

    pub fn oldest(&self) -> Option<&(K, V)> {
        self.slots.get(self.oldest as usize)?.entry.as_ref()
    }

    pub fn pop_oldest(&mut self) -> Option<(K, V)> {
        let key = self.oldest()?.0;
        self.remove(&key).map(|value| (key, value))
    }

    fn value(&mut self, slot: u32) -> Option<&mut V> {
        self.slots[slot as usize].entry.as_mut().map(|(_, value)| value)
    }

    fn link(&mut self, slot: u32) {
        let older = self.newest;
        self.newest = slot;
        let place = &mut self.slots[slot as usize];
        (place.older, place.newer) = (older, NONE);
        match self.slots.get_mut(older as usize) {
            Some(neighbour) => neighbour.newer = slot,
            None => self.oldest = slot,
        }
    }

    fn unlink(&mut self, slot: u32) {
        let Slot { older, newer, .. } = self.slots[slot as usize];
        match self.slots.get_mut(older as usize) {
            Some(neighbour) => neighbour.newer = newer,
            None => self.oldest = newer,
        }
        match self.slots.get_mut(newer as usize) {
            Some(neighbour) => neighbour.older = older,
            None => self.newest = older,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a plain list from oldest to newest.
        #[test]
        fn keeps_the_order_of_a_plain_list(steps in prop::collection::vec((0..4_u8, 0..8_u8), 0..200)) {
            let mut table = Table::new(5, Seed(1));
            let mut list: Vec<u8> = Vec::new();
            for (step, key) in steps {
                let place = list.iter().position(|k| *k == key);
                match (step, place) {
                    (0, None) => {
                        let evicted = (list.len() == 5).then(|| list.remove(0));
                        list.push(key);
                        prop_assert_eq!(table.insert(key, key).map(|(k, _)| k), evicted);
                    }
                    (1, _) => {
                        prop_assert_eq!(table.touch(&key).is_some(), place.is_some());
                        if let Some(place) = place {
                            list.remove(place);
                            list.push(key);
                        }
                    }
                    (2, _) => {
                        prop_assert_eq!(table.remove(&key), place.map(|place| list.remove(place)));
                    }
                    _ => prop_assert_eq!(table.get_mut(&key).copied(), place.map(|_| key)),
                }
                prop_assert_eq!(table.oldest().map(|(k, _)| *k), list.first().copied());
                prop_assert_eq!(table.len(), list.len());
            }
        }
    }
}
