//! Which trunk a call takes, and when a trunk fails.

use std::sync::Arc;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::attempt::TrunkId;
use crate::simulate::countries::Nation;
use crate::simulate::draw::{Rng, chance, choose};
use crate::simulate::people::hash::{mix, unit};
use crate::simulate::world::World;

/// Share of a country's calls that take the trunk most used for it. Assumption: least-cost routing prefers one.
const PREFERRED: f64 = 0.7;
/// How long a trunk's state lasts before it may change.
const SPELL_S: u64 = 300;
/// Share of spells in which a trunk fails a lot, and the share it then fails. Assumption.
const BAD_SPELLS: f64 = 0.03;
const FAILS_IN_BAD_SPELL: f64 = 0.35;

/// The trunks between the operator and the rest of the world.
pub(super) struct Routes {
    world: Arc<World>,
    salt: u64,
    /// Into the network, and out of it.
    national: [Vec<TrunkId>; 2],
    international: [Vec<TrunkId>; 2],
}

impl Routes {
    /// # Errors
    /// When no trunk takes people's calls.
    pub(super) fn new(world: &Arc<World>, salt: u64) -> Result<Self, String> {
        let of = |class| [world.trunks_for(&[class], false), world.trunks_for(&[class], true)];
        let (national, international) = (of(RouteClass::National), of(RouteClass::International));
        if national.iter().chain(&international).all(Vec::is_empty) {
            return Err("no trunk takes people's calls".into());
        }
        Ok(Self { world: Arc::clone(world), salt, national, international })
    }

    /// Whether calls within the country have a trunk.
    pub(super) fn reaches_home(&self) -> bool {
        self.national.iter().any(|trunks| !trunks.is_empty())
    }

    /// Whether calls abroad have a trunk.
    pub(super) fn reaches_abroad(&self) -> bool {
        self.international.iter().any(|trunks| !trunks.is_empty())
    }

    /// A trunk to or from this country; `None` when none takes calls this way.
    pub(super) fn pick(&self, rng: &mut Rng, nation: &Nation, is_outbound: bool) -> Option<TrunkId> {
        let is_home = nation.iso == self.world.home().iso;
        let among = &(if is_home { &self.national } else { &self.international })[usize::from(is_outbound)];
        if !is_home && chance(rng, PREFERRED) {
            let country = nation.iso.bytes().fold(self.salt, |hash, byte| mix(hash, u64::from(byte)));
            return among.get((country % among.len().max(1) as u64) as usize).copied();
        }
        self.world.pick_trunk(among, rng).or_else(|| choose(rng, among).copied())
    }

    /// Whether a trunk fails a call at this moment, when it fails this share of all.
    pub(super) fn fails(&self, rng: &mut Rng, (trunk, at): (TrunkId, At), share: f64) -> bool {
        let spell = at.nanos() / (SPELL_S * 1_000_000_000);
        let in_bursts = (BAD_SPELLS * FAILS_IN_BAD_SPELL).min(share);
        let is_bad = unit(mix(mix(self.salt, u64::from(trunk.0)), spell)) < in_bursts / FAILS_IN_BAD_SPELL;
        let now = if is_bad { FAILS_IN_BAD_SPELL } else { share - in_bursts };
        chance(rng, now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::simulate::people::testing::world_of;

    #[test]
    fn trunks_fail_their_share_in_bursts() {
        let world = world_of("");
        let routes = Routes::new(&world, 11).unwrap();
        let mut rng = world.rng("test");
        let mut spells = Vec::new();
        for spell in 0..4_000_u64 {
            let at = world.start() + Duration::from_secs(spell * SPELL_S);
            let failed = (0..50).filter(|_| routes.fails(&mut rng, (TrunkId(0), at), 0.02)).count();
            spells.push(failed as f64 / 50.0);
        }
        let mean = spells.iter().sum::<f64>() / spells.len() as f64;
        assert!((0.01..0.05).contains(&mean), "{mean}");
        let bad = spells.iter().filter(|share| **share > 0.15).count() as f64 / spells.len() as f64;
        assert!((0.02..0.04).contains(&bad), "{bad}");
    }
}
