//! Callers with a dishonest reason: one file a family of attacks, and what families share.
//!
//! An `[[attack]]` is a [`Campaign`] (when, where, how often) and a [`Family`] (how). Figures that are published are
//! defaults with their source; the others are assumptions, and can be swept: [`Sweep`](sweep::Sweep).

mod called;
mod campaign;
mod flash;
mod hours;
mod numbers;
mod ranges;
mod sweep;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use serde::Deserialize;
use serde::de::Error;

use crate::simulate::source::Source;
use crate::simulate::world::World;

pub use called::{Called, Dialled};
pub use campaign::Campaign;
pub use flash::{Ends, Flash};
pub use hours::Hours;
pub use numbers::{Line, Numbers, Order};
pub use sweep::Sweep;

use campaign::Identity;

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
        Ok(Self {
            campaign: campaign
                .try_into()
                .map_err(|error: toml::de::Error| D::Error::custom(error.message()))?,
            family: family.try_into().map_err(|error: toml::de::Error| D::Error::custom(error.message()))?,
        })
    }
}

/// How an attack calls.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "family", rename_all = "kebab-case")]
pub enum Family {
    /// One-time passwords in the last digits of calling numbers.
    Flash(Flash),
}

impl Family {
    /// Its name in the truth.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Flash(_) => "flash",
        }
    }

    /// Whether its calls are set up by the operator's side.
    #[must_use]
    pub const fn is_outbound(&self) -> bool {
        false
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
        self.campaign.check()?;
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
        let method = match &self.family {
            Family::Flash(flash) => flash.method(&mut desk)?,
        };
        Ok(self.campaign.run(desk, method))
    }
}
