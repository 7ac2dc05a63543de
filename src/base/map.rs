//! Hash maps for pure code: keyed, and never walked in hash order.
//!
//! The seed comes from the options of whoever owns the table, so that an attacker who chooses keys (a Call-ID, a
//! number) cannot aim at a bucket. No output depends on it.

use std::hash::{BuildHasher, Hasher};

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

/// Keyed SipHash-1-3 of bytes that a peer chose, before they become a key of a table or choose a shard.
#[must_use]
pub fn keyed_hash(seed: Seed, bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new_with_keys(seed.0, 0x746f_6c6c_6761_7465);
    hasher.write(bytes);
    hasher.finish()
}
