//! People who call each other, at the hours people do.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::attempt::{Attempt, End, Side, TrunkId, Truth};
use crate::simulate::draw::{Rng, below, chance, gamma, lognormal};
use crate::simulate::source::Source;
use crate::simulate::world::World;

/// People's calls over all trunks.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ordinary {
    /// Calls of one subscriber a day, both directions together; above 0, at most 1,000.
    #[serde(default = "calls_per_day")]
    pub calls_per_day: f64,
}

const fn calls_per_day() -> f64 {
    7.5
}

impl Ordinary {
    pub(super) fn sources(&self, world: &Arc<World>, index: usize) -> Result<Vec<Box<dyn Source>>, String> {
        if !(self.calls_per_day > 0.0 && self.calls_per_day <= 1_000.0) {
            return Err("calls-per-day: above 0, at most 1000".into());
        }
        let classes = [RouteClass::International, RouteClass::National];
        let (inbound, outbound) = (world.trunks_for(&classes, false), world.trunks_for(&classes, true));
        if inbound.is_empty() && outbound.is_empty() {
            return Err("no trunk takes people's calls".into());
        }
        Ok(vec![Box::new(People {
            arrivals: Arrivals::daily(world, self.calls_per_day * world.subscribers() as f64),
            rng: world.rng(&format!("population/{index}/ordinary")),
            world: Arc::clone(world),
            inbound,
            outbound,
        })])
    }
}

struct People {
    world: Arc<World>,
    arrivals: Arrivals,
    rng: Rng,
    inbound: Vec<TrunkId>,
    outbound: Vec<TrunkId>,
}

impl Source for People {
    fn next(&mut self) -> Option<Attempt> {
        let at = self.arrivals.next(&mut self.rng)?;
        let rng = &mut self.rng;
        let is_outbound = self.inbound.is_empty() || !self.outbound.is_empty() && chance(rng, 0.5);
        let trunk = self.world.pick_trunk(if is_outbound { &self.outbound } else { &self.inbound }, rng)?;
        let own = self.world.subscriber(below(rng, self.world.subscribers()));
        let other = self.world.other_end(trunk, rng);
        let (kind, course) = course(rng);
        let truth = Truth::normal(kind);
        Some(match is_outbound {
            true => Attempt::new(at, trunk, (own, other), truth).outbound().with(course),
            false => Attempt::new(at, trunk, (other, own), truth).with(course),
        })
    }
}

fn course(rng: &mut Rng) -> (&'static str, (Option<Duration>, End)) {
    let alert_after = Duration::from_millis(300) + lognormal(rng, 1.5, 0.5, 8.0);
    match below(rng, 100) {
        0..60 => {
            let ring = Duration::from_millis(500) + gamma(rng, 8.2, 2.2, 55.0);
            let talk = lognormal(rng, 65.0, 1.1, 7_200.0);
            let by = if chance(rng, 0.5) { Side::Calling } else { Side::Called };
            ("answered", (Some(alert_after), End::Answered { ring, talk, by }))
        }
        60..88 => {
            let after = lognormal(rng, 15.0, 0.6, 60.0);
            ("unanswered", (Some(alert_after), End::GivenUp { after, cause: 16 }))
        }
        _ => ("busy", (None, End::Refused { after: alert_after, cause: 17 })),
    }
}
