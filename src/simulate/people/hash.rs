//! Facts about people that nobody stores: who their contacts are, how much they call. Made again from numbers each
//! time, always the same.

use std::sync::Arc;

use crate::simulate::draw::{Rng, below, chance};
use crate::simulate::world::World;

/// One number from two (the finaliser of SplitMix64).
pub(super) const fn mix(one: u64, other: u64) -> u64 {
    let mut mixed = (one.rotate_left(32) ^ other).wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

/// From 0 to 1.
pub(super) fn unit(hash: u64) -> f64 {
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// A subscriber, those who call more more often: people's use is spread exponentially, five times the mean at most.
pub(super) fn pick_subscriber(world: &Arc<World>, rng: &mut Rng) -> u64 {
    loop {
        let index = below(rng, world.subscribers());
        let activity = -(1.0 - unit(mix(index, 0xAC71))).ln();
        // A subscriber is taken sooner or later: the first index alone has an activity above 0.
        if chance(rng, (activity / 5.0).clamp(0.001, 1.0)) {
            return index;
        }
    }
}

/// Whether this subscriber is abroad at any time. Populations other than roamers leave out what such people call from
/// home, as they are few.
pub(super) fn is_away(world: &World, index: u64) -> bool {
    world.is_roaming(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::people::testing::world_of;

    #[test]
    fn some_subscribers_call_more_than_others() {
        let world = world_of("");
        let mut rng = world.rng("test");
        let mut calls = vec![0_u32; world.subscribers() as usize];
        (0..40_000).for_each(|_| calls[pick_subscriber(&world, &mut rng) as usize] += 1);
        calls.sort_unstable();
        let (low, high) = (calls[calls.len() / 10], calls[calls.len() * 9 / 10]);
        assert!(low <= 3 && (18..32).contains(&high), "{low} {high}");
    }
}
