//! One-time passwords in the last digits of calling numbers of calls that are cut at once.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::simulate::arrivals::Arrivals;
use crate::simulate::attempt::{Attempt, End, TrunkId, Truth};
use crate::simulate::draw::{Rng, below, between, lognormal, seconds};
use crate::simulate::source::Source;
use crate::simulate::world::World;

/// A sender that rents a block of 10,000 numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Flash {
    /// Name of the trunk it comes by.
    pub trunk: String,
    /// Start in seconds after that of the scenario.
    #[serde(default)]
    pub after_s: f64,
    /// How long it lasts, in seconds.
    pub for_s: f64,
    /// Calls a second.
    pub calls_per_s: f64,
}

impl Flash {
    pub(super) fn sources(&self, world: &Arc<World>, index: usize) -> Result<Vec<Box<dyn Source>>, String> {
        let trunk =
            world.trunk_named(&self.trunk).ok_or_else(|| format!("trunk: there is no `{}`", self.trunk))?;
        let mut rng = world.rng(&format!("attack/{index}/flash"));
        let number = world.foreign_mobile(&mut rng);
        let when = (world.start() + seconds(self.after_s), seconds(self.for_s));
        Ok(vec![Box::new(Sender {
            arrivals: Arrivals::even(world, self.calls_per_s, when),
            block: number[..number.len() - 4].to_owned(),
            campaign: index as u32 + 1,
            position: 0,
            trunk,
            rng,
            world: Arc::clone(world),
        })])
    }
}

struct Sender {
    world: Arc<World>,
    arrivals: Arrivals,
    rng: Rng,
    trunk: TrunkId,
    block: String,
    campaign: u32,
    position: u32,
}

impl Source for Sender {
    fn next(&mut self) -> Option<Attempt> {
        let at = self.arrivals.next(&mut self.rng)?;
        let rng = &mut self.rng;
        self.position += 1;
        let truth = Truth {
            label: "flash",
            kind: "flash_cut",
            family: "flash",
            campaign: self.campaign,
            position: self.position,
        };
        let calling = format!("{}{:04}", self.block, below(rng, 10_000));
        let called = self.world.subscriber(below(rng, self.world.subscribers()));
        let alert_after = Duration::from_millis(300) + lognormal(rng, 1.5, 0.5, 8.0);
        let end = End::GivenUp { after: between(rng, 0.2, 1.2), cause: 16 };
        Some(Attempt::new(at, self.trunk, (calling, called), truth).with((Some(alert_after), end)))
    }
}
