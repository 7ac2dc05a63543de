//! Callers with a dishonest reason: one file a family of attacks, and what families share.
//!
//! An `[[attack]]` is a [`Campaign`] (when, where, how often) and a [`Family`] (how). Figures that are published are
//! defaults with their source; the others are assumptions, and can be swept: [`Sweep`].

mod called;
mod campaign;
mod false_answer;
mod flash;
mod hours;
mod irsf;
mod numbers;
mod ranges;
mod refiled;
mod robocall;
mod scan;
mod sim_box;
mod spoofed;
mod sweep;
mod tdos;
#[cfg(test)]
mod testing;
mod wangiri;

use std::sync::Arc;

use serde::Deserialize;
use serde::de::Error;

use crate::simulate::source::Source;
use crate::simulate::world::World;

pub use called::{Called, Dialled};
pub use campaign::Campaign;
pub use false_answer::{Answers, FalseAnswer};
pub use flash::{Ends, Flash};
pub use hours::Hours;
pub use irsf::{Irsf, Through};
pub use numbers::{Line, Numbers, Order};
pub use refiled::Refiled;
pub use robocall::{Ringless, Robocall};
pub use scan::Scan;
pub use sim_box::{Cards, SimBox};
pub use spoofed::{Claim, Spoofed};
pub use sweep::Sweep;
pub use tdos::Tdos;
pub use wangiri::Wangiri;

use campaign::{Desk, Identity, Method};

/// One `[[attack]]` of a scenario.
#[derive(Clone, Debug)]
pub struct Attack {
    /// When, where and how often it calls.
    pub campaign: Campaign,
    /// How it calls.
    pub family: Family,
}

impl<'de> Deserialize<'de> for Attack {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Both parts refuse keys they do not know, so each gets its own.
        let (mut campaign, mut family) = (toml::Table::new(), toml::Table::new());
        for (key, value) in toml::Table::deserialize(deserializer)? {
            let part = if Campaign::KEYS.contains(&key.as_str()) { &mut campaign } else { &mut family };
            part.insert(key, value);
        }
        let message = |error: toml::de::Error| error.message().to_owned();
        // The family first: a misspelt key of the campaign is in its part.
        let family = family.try_into().map_err(message).map_err(|said| D::Error::custom(with_keys(said)))?;
        Ok(Self { campaign: campaign.try_into().map_err(message).map_err(D::Error::custom)?, family })
    }
}

/// A complaint of the family about a key it does not know, with the campaign's keys among those that are known.
fn with_keys(mut said: String) -> String {
    if said.starts_with("unknown field") {
        said.extend(Campaign::KEYS.iter().map(|key| format!(", `{key}`")));
    }
    said
}

/// How an attack calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum Family {
    /// A carrier that answers in place of the called party.
    FalseAnswer(FalseAnswer),
    /// One-time passwords in the last digits of calling numbers.
    Flash(Flash),
    /// Calls out to numbers that pay whoever holds them.
    Irsf(Irsf),
    /// Rewritten origin.
    Refiled(Refiled),
    /// Messages left in voicemail without a ring.
    Ringless(Ringless),
    /// A voice from a machine.
    Robocall(Robocall),
    /// Which numbers are alive.
    Scan(Scan),
    /// Calls from abroad through SIM cards.
    SimBox(SimBox),
    /// Calling numbers that are not the caller's.
    Spoofed(Spoofed),
    /// A flood of one called number.
    Tdos(Tdos),
    /// One ring, and a number that costs much.
    Wangiri(Wangiri),
}

impl Family {
    /// Its name in the truth.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::FalseAnswer(_) => "false_answer",
            Self::Flash(_) => "flash",
            Self::Irsf(_) => "irsf",
            Self::Refiled(_) => "refiled",
            Self::Ringless(_) => "ringless",
            Self::Robocall(_) => "robocall",
            Self::Scan(_) => "scan",
            Self::SimBox(_) => "sim_box",
            Self::Spoofed(_) => "spoofed",
            Self::Tdos(_) => "tdos",
            Self::Wangiri(_) => "wangiri",
        }
    }

    /// Whether its calls are set up by the operator's side.
    #[must_use]
    pub const fn is_outbound(&self) -> bool {
        matches!(self, Self::FalseAnswer(_) | Self::Irsf(_))
    }

    fn method(&self, desk: &mut Desk, trunk: &str) -> Result<Box<dyn Method>, String> {
        match self {
            Self::FalseAnswer(family) => family.method(desk),
            Self::Flash(family) => family.method(desk),
            Self::Irsf(family) => family.method(desk),
            Self::Refiled(family) => family.method(desk),
            Self::Ringless(family) => family.method(desk),
            Self::Robocall(family) => family.method(desk),
            Self::Scan(family) => family.method(desk),
            Self::SimBox(family) => family.method(desk, trunk),
            Self::Spoofed(family) => family.method(desk),
            Self::Tdos(family) => family.method(desk),
            Self::Wangiri(family) => family.method(desk),
        }
    }
}

impl Attack {
    /// How many campaigns it has.
    #[must_use]
    pub const fn campaigns(&self) -> u32 {
        self.campaign.campaigns
    }

    /// The sources of this attack, the `index`th of the scenario: one for each campaign, the first of which has the
    /// number `first`.
    ///
    /// # Errors
    /// What cannot be: a figure out of its range, a trunk that is not there.
    pub fn sources(
        &self,
        world: &Arc<World>,
        index: usize,
        first: u32,
    ) -> Result<Vec<Box<dyn Source>>, String> {
        self.campaign.check(world.end().since(world.start()).as_secs_f64())?;
        (0..self.campaigns()).map(|nth| self.source(world, (index, nth), first.saturating_add(nth))).collect()
    }

    fn source(
        &self,
        world: &Arc<World>,
        (index, nth): (usize, u32),
        number: u32,
    ) -> Result<Box<dyn Source>, String> {
        let rng = world.rng(&format!("attack/{index}/{nth}"));
        let of = Identity { family: self.family.name(), number, is_outbound: self.family.is_outbound() };
        let mut desk = self.campaign.begin(world, rng, of)?;
        let method = self.family.method(&mut desk, &self.campaign.trunk)?;
        Ok(self.campaign.run(desk, method))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::base::class::Class;
    use crate::simulate::scenario::Scenario;
    use crate::simulate::source::Merge;

    const DEVELOP: &str = include_str!("../../../scenarios/attacks-develop.toml");
    const HELD_OUT: &str = include_str!("../../../scenarios/attacks-held-out.toml");

    /// How many calls of attacks there are by campaign, and the labels of the scenario.
    fn calls(text: &str) -> (BTreeMap<u32, u32>, BTreeMap<&'static str, u32>) {
        let mut scenario = Scenario::parse("t.toml", text).unwrap();
        let world = Arc::new(World::new(&scenario, 3).unwrap());
        // Populations must be had, but are not counted.
        scenario.sources(&world).unwrap();
        scenario.populations.clear();
        let mut merge = Merge::new(scenario.sources(&world).unwrap());
        let (mut campaigns, mut labels) = (BTreeMap::new(), BTreeMap::new());
        while let Some(attempt) = merge.next() {
            *labels.entry(attempt.truth.label).or_default() += 1;
            if attempt.truth.position > 0 {
                let last =
                    campaigns.insert(attempt.truth.campaign, attempt.truth.position).unwrap_or_default();
                assert_eq!(attempt.truth.position, last + 1);
            }
        }
        (campaigns, labels)
    }

    #[test]
    fn shipped_scenarios_hold_every_class_and_sizes_of_all_orders() {
        for text in [DEVELOP, HELD_OUT] {
            let (campaigns, labels) = calls(text);
            assert!(Class::NAMES.iter().all(|name| labels.contains_key(name)), "{labels:?}");
            assert!(campaigns.keys().copied().eq(1..=campaigns.len() as u32), "{campaigns:?}");
            assert!(campaigns.values().all(|count| *count >= 30), "{campaigns:?}");
            assert!(campaigns.values().any(|count| *count > 3_000), "{campaigns:?}");
        }
    }
    #[test]
    fn shipped_scenarios_can_be_had_with_any_seed() {
        for text in [DEVELOP, HELD_OUT] {
            let mut scenario = Scenario::parse("t.toml", text).unwrap();
            scenario.populations.clear();
            for seed in 0..30 {
                let world = Arc::new(World::new(&scenario, seed).unwrap());
                assert!(scenario.sources(&world).is_ok(), "seed {seed}");
            }
        }
    }
}
