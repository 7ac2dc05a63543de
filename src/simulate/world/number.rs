//! Whose number is whose: the operator's subscribers, others of the country, people abroad.

use crate::base::route::RouteClass;
use crate::simulate::attempt::TrunkId;
use crate::simulate::countries::{Block, Nation};
use crate::simulate::draw::{Rng, below, chance};
use crate::simulate::world::World;

/// Turns indices into numbers that do not follow each other; coprime to every power of ten.
const STRIDE: u64 = 7_368_787;
/// Share of calls to and from mobiles, where the plan has both.
const MOBILE_SHARE: f64 = 0.8;

impl World {
    /// Mobile number of a subscriber, from 0: digits, country code first. Indices from [`Self::subscribers`] on give
    /// numbers of the operator that nobody has, until they begin again.
    #[must_use]
    pub fn subscriber(&self, index: u64) -> String {
        number_in(own(self.home.mobile), index)
    }

    /// A fixed number of the operator, such as those of its business customers; consecutive indices are consecutive
    /// numbers, 10,000 a block.
    #[must_use]
    pub fn own_fixed(&self, index: u64) -> String {
        let blocks = own(self.home.fixed);
        let (prefix, digits) = block_at(blocks, index / 10_000);
        sequential(prefix, digits, index % 10_000)
    }

    /// Somebody of another operator of the country, mobile.
    #[must_use]
    pub fn other_mobile(&self, index: u64) -> String {
        number_in(others(self.home.mobile), index)
    }

    /// Somebody of another operator of the country, fixed.
    #[must_use]
    pub fn other_fixed(&self, index: u64) -> String {
        number_in(others(self.home.fixed), index)
    }

    /// Somebody's mobile number in a country.
    #[must_use]
    pub fn mobile_in(&self, nation: &Nation, index: u64) -> String {
        number_in(nation.mobile, index)
    }

    /// Somebody's fixed number in a country.
    #[must_use]
    pub fn fixed_in(&self, nation: &Nation, index: u64) -> String {
        number_in(nation.fixed, index)
    }

    /// Somebody abroad, mobile, by weight of countries.
    pub fn foreign_mobile(&self, rng: &mut Rng) -> String {
        let nation = self.pick_nation(rng);
        number_in(nation.mobile, below(rng, u64::from(u32::MAX)))
    }

    /// Somebody abroad, by weight of countries, mobile or fixed.
    pub fn foreign_person(&self, rng: &mut Rng) -> String {
        let nation = self.pick_nation(rng);
        let blocks = if chance(rng, MOBILE_SHARE) { nation.mobile } else { nation.fixed };
        number_in(blocks, below(rng, u64::from(u32::MAX)))
    }

    /// Somebody at the far end of a trunk: abroad on an international one, else of another operator of the country.
    pub fn other_end(&self, trunk: TrunkId, rng: &mut Rng) -> String {
        if self.trunk(trunk).class == RouteClass::International {
            return self.foreign_person(rng);
        }
        let is_mobile = chance(rng, MOBILE_SHARE);
        let index = below(rng, u64::from(u32::MAX));
        if is_mobile { self.other_mobile(index) } else { self.other_fixed(index) }
    }
}

/// The operator's own blocks: the first half of the country's.
pub(super) fn own(blocks: &'static [Block]) -> &'static [Block] {
    &blocks[..blocks.len().div_ceil(2)]
}

/// The other operators' blocks.
fn others(blocks: &'static [Block]) -> &'static [Block] {
    &blocks[blocks.len() / 2..]
}

/// Numbers that differ, from index 0 on.
pub(super) fn capacity(blocks: &[Block]) -> u64 {
    let smallest = blocks.iter().map(|(_, digits)| 10_u64.pow(*digits)).min().unwrap_or_default();
    smallest * blocks.len() as u64
}

fn block_at(blocks: &'static [Block], index: u64) -> Block {
    blocks.get((index % blocks.len().max(1) as u64) as usize).copied().unwrap_or(("", 0))
}

fn number_in(blocks: &'static [Block], index: u64) -> String {
    let (prefix, digits) = block_at(blocks, index);
    let room = 10_u64.pow(digits);
    let within = (index / blocks.len().max(1) as u64) % room;
    sequential(prefix, digits, within * STRIDE % room)
}

fn sequential(prefix: &str, digits: u32, index: u64) -> String {
    format!("{prefix}{:0width$}", index % 10_u64.pow(digits), width = digits as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_differ_up_to_the_capacity() {
        let blocks: &[Block] = &[("481", 3), ("482", 3)];
        let numbers: std::collections::BTreeSet<String> =
            (0..capacity(blocks)).map(|index| number_in(blocks, index)).collect();
        assert_eq!(numbers.len(), 2_000);
    }
}
