//! People and machines that call for an honest reason: `[[population]]` → sources of attempts.
//!
//! Figures come from what was published; what nobody published is an assumption, a parameter, and to be swept:
//! `docs/simulate-people.md`. Nothing here knows how a call is judged.

mod beep;
mod check;
mod circuit;
mod cloud;
mod crowd;
mod device;
mod dialler;
mod emergency;
mod enterprise;
mod fleet;
mod habits;
mod hash;
mod masking;
mod ordinary;
mod outage;
mod paced;
mod post;
mod reminder;
mod residents;
mod roaming;
mod routes;
mod service;
mod signalling;
mod talk;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use serde::Deserialize;

use crate::simulate::source::Source;
use crate::simulate::world::World;

pub use beep::Beep;
pub use circuit::Circuits;
pub use cloud::CloudPbx;
pub use crowd::{MissedCalls, Televote, VictimStorm};
pub use device::{Devices, Fax};
pub use dialler::Diallers;
pub use emergency::Emergency;
pub use enterprise::Enterprise;
pub use fleet::Couriers;
pub use habits::Habits;
pub use masking::Masking;
pub use ordinary::Ordinary;
pub use outage::Outage;
pub use reminder::Reminders;
pub use residents::{Neighbours, Reassigned};
pub use roaming::{Forwarded, Roamers};
pub use service::{CallBackService, ContractedFlash};
pub use signalling::{Forking, Hunting, Retransmissions};

/// One `[[population]]` of a scenario.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Population {
    /// People who ring once on purpose and are called back.
    Beep(Beep),
    /// Services that are rung and call back.
    CallBackService(CallBackService),
    /// ISUP circuits seized twice or reset.
    Circuits(Circuits),
    /// Telephone systems abroad with national numbers and proof.
    CloudPbx(CloudPbx),
    /// Contracted flash calls on a white route.
    ContractedFlash(ContractedFlash),
    /// Couriers and taxi drivers.
    Couriers(Couriers),
    /// Doorbells, alarms and gates.
    Devices(Devices),
    /// Call centres with predictive diallers.
    Diallers(Diallers),
    /// Emergency calls.
    Emergency(Emergency),
    /// Offices with a block of numbers.
    Enterprise(Enterprise),
    /// Fax machines.
    Fax(Fax),
    /// Several phones that ring at once.
    Forking(Forking),
    /// National calls forwarded by way of abroad.
    Forwarded(Forwarded),
    /// One human call tried over several trunks.
    Hunting(Hunting),
    /// Number-masking pools of ride-hailing.
    Masking(Masking),
    /// Missed-call banking.
    MissedCalls(MissedCalls),
    /// People in the blocks of a campaign's numbers.
    Neighbours(Neighbours),
    /// People who call each other.
    Ordinary(Ordinary),
    /// A part of a trunk fails, and everybody redials.
    Outage(Outage),
    /// A campaign's former range, given to people.
    Reassigned(Reassigned),
    /// Reminders of hospitals and schools.
    Reminders(Reminders),
    /// A trunk where messages are sent again and again.
    Retransmissions(Retransmissions),
    /// Subscribers abroad who call home.
    Roamers(Roamers),
    /// Votes by call.
    Televote(Televote),
    /// Calls back to somebody whose number others show.
    VictimStorm(VictimStorm),
}

impl Population {
    /// The sources of this population, the `index`th of the scenario.
    ///
    /// # Errors
    /// What cannot be: a figure out of its range, a trunk that is not there.
    pub fn sources(&self, world: &Arc<World>, index: usize) -> Result<Vec<Box<dyn Source>>, String> {
        let name = name_of(index);
        match self {
            Self::Beep(spec) => spec.sources(world, &name),
            Self::CallBackService(spec) => spec.sources(world, &name),
            Self::Circuits(spec) => spec.sources(world, &name),
            Self::CloudPbx(spec) => spec.sources(world, &name),
            Self::ContractedFlash(spec) => spec.sources(world, &name),
            Self::Couriers(spec) => spec.sources(world, &name),
            Self::Devices(spec) => spec.sources(world, &name),
            Self::Diallers(spec) => spec.sources(world, &name),
            Self::Emergency(spec) => spec.sources(world, &name),
            Self::Enterprise(spec) => spec.sources(world, &name),
            Self::Fax(spec) => spec.sources(world, &name),
            Self::Forking(spec) => spec.sources(world, &name),
            Self::Forwarded(spec) => spec.sources(world, &name),
            Self::Hunting(spec) => spec.sources(world, &name),
            Self::Masking(spec) => spec.sources(world, &name),
            Self::MissedCalls(spec) => spec.sources(world, &name),
            Self::Neighbours(spec) => spec.sources(world, &name),
            Self::Ordinary(spec) => spec.sources(world, &name),
            Self::Outage(spec) => spec.sources(world, &name),
            Self::Reassigned(spec) => spec.sources(world, &name),
            Self::Reminders(spec) => spec.sources(world, &name),
            Self::Retransmissions(spec) => spec.sources(world, &name),
            Self::Roamers(spec) => spec.sources(world, &name),
            Self::Televote(spec) => spec.sources(world, &name),
            Self::VictimStorm(spec) => spec.sources(world, &name),
        }
    }

    /// Beginnings of national calling numbers that may come from abroad, for there is proof of them: what a network
    /// file lists as exempt. Of the `index`th population of the scenario.
    #[must_use]
    pub fn exempt(&self, world: &World, index: usize) -> Vec<String> {
        match self {
            Self::CloudPbx(spec) => vec![spec.exempt(world, &name_of(index))],
            _ => Vec::new(),
        }
    }
}

fn name_of(index: usize) -> String {
    format!("population/{index}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::simulate::scenario::Scenario;
    use crate::simulate::source::Merge;

    #[test]
    fn a_day_has_calls_of_every_population_in_order() {
        let scenario = Scenario::parse("day.toml", include_str!("../../../scenarios/day.toml")).unwrap();
        let world = Arc::new(World::new(&scenario, 3).unwrap());
        let (mut all, mut kinds) = (0, BTreeSet::new());
        for (index, population) in scenario.populations.iter().enumerate() {
            let mut source = Merge::new(population.get_ref().sources(&world, index).unwrap());
            let (mut calls, mut last) = (0, world.start());
            while let Some(attempt) = source.next() {
                assert!(attempt.setup_at >= last && attempt.setup_at < world.end(), "{attempt:?}");
                assert!(matches!(attempt.truth.label, "normal" | "flash"));
                last = attempt.setup_at;
                calls += 1;
                kinds.insert(attempt.truth.kind);
            }
            assert!(calls > 50, "{:?}: {calls}", population.get_ref());
            all += calls;
        }
        assert!(all > 700_000, "{all}");
        assert_eq!(kinds.len(), 47, "{kinds:?}");
    }
}
