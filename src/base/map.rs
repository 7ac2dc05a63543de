//! Hash maps for pure code: keyed, and never walked in hash order.
//!
//! The seed comes from the options of whoever owns the table, so that an attacker who chooses keys (a Call-ID, a
//! number) cannot aim at a bucket. No output depends on it.

use std::hash::{BuildHasher, Hash, Hasher};

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

/// Builds keyed hashers from a seed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Seed(pub u64);

impl BuildHasher for Seed {
    type Hasher = <foldhash::quality::FixedState as BuildHasher>::Hasher;

    fn build_hasher(&self) -> Self::Hasher {
        foldhash::quality::FixedState::with_seed(self.0).build_hasher()
    }
}

/// A map for pure code. Its owner bounds it.
pub type Map<K, V> = hashbrown::HashMap<K, V, Seed>;
/// A set for pure code. Its owner bounds it.
pub type Set<K> = hashbrown::HashSet<K, Seed>;

/// Maps that a [`Parts`] is made of: growing one of them stalls for a sixty-fourth of what growing all would.
const PARTS: usize = 64;

/// A map of many keys that come and go, for a thread that must not stand still: a map that grows, or clears out the traces of
/// keys that went, moves every key at once, which takes some 60 ms of a million. This one does so part by part. Its owner
/// bounds it.
#[derive(Clone, Debug)]
pub struct Parts<K, V> {
    seed: Seed,
    parts: Box<[Map<K, V>]>,
}

impl<K: Hash + Eq, V> Parts<K, V> {
    /// An empty map.
    #[must_use]
    pub fn with_hasher(seed: Seed) -> Self {
        Self { seed, parts: (0..PARTS).map(|_| Map::with_hasher(seed)).collect() }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V> {
        self.parts.get(self.part(key))?.get(key)
    }

    /// The value of a key, to be changed.
    #[must_use]
    pub fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let part = self.part(key);
        self.parts.get_mut(part)?.get_mut(key)
    }

    /// Puts a value in; that which the key had before.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let part = self.part(&key);
        self.parts.get_mut(part)?.insert(key, value)
    }

    /// Takes a key out, with its value.
    pub fn remove(&mut self, key: &K) -> Option<V> {
        let part = self.part(key);
        self.parts.get_mut(part)?.remove(key)
    }

    /// Keys held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().map(Map::len).sum()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(Map::is_empty)
    }

    /// Of the hash, bits in the middle: a map goes by the others.
    fn part(&self, key: &K) -> usize {
        (self.seed.hash_one(key) >> 32) as usize % PARTS
    }
}

/// Keyed SipHash-1-3 of bytes that a peer chose, before they become a key of a table or choose a shard.
#[must_use]
pub fn keyed_hash(seed: Seed, bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(seed.0, 0x746f_6c6c_6761_7465);
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_map_in_parts_is_a_map() {
        let mut map = Parts::with_hasher(Seed(7));
        assert!(map.is_empty());
        assert!((0..10_000_u64).all(|key| map.insert(key, key).is_none()));
        assert_eq!((map.len(), map.insert(5, 50)), (10_000, Some(5)));
        *map.get_mut(&6).unwrap() += 54;
        assert_eq!((map.get(&5), map.get(&6), map.get(&10_000)), (Some(&50), Some(&60), None));
        assert!((0..10_000).all(|key| map.remove(&key).is_some()));
        assert!(map.is_empty() && map.remove(&5).is_none());
        // None of the parts has more than a few times its share.
        assert!((0..64_000).all(|key| map.insert(key, 0).is_none()));
        assert!(map.parts.iter().all(|part| (700..1_400).contains(&part.len())));
    }
}
