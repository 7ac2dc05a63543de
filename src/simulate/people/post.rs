//! What populations of machines and businesses share: trunks, numbers in blocks, and people who answer them.

use std::sync::Arc;
use std::time::Duration;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::attempt::{Attempt, End, Side, TrunkId, Truth};
use crate::simulate::countries::Nation;
use crate::simulate::draw::{Rng, below, chance};
use crate::simulate::people::habits::{Course, Habits, Relation, lognormal_of_mean};
use crate::simulate::people::hash::{is_away, pick_subscriber};
use crate::simulate::world::World;

/// Trunks that businesses of the country call by.
pub(super) const BUSINESSES: [RouteClass; 2] = [RouteClass::Enterprise, RouteClass::National];

/// Where a population's calls enter or leave the network.
pub(super) struct Post {
    pub world: Arc<World>,
    pub rng: Rng,
    /// Into the network.
    pub inbound: Vec<TrunkId>,
    /// Out of it.
    pub outbound: Vec<TrunkId>,
    pub habits: Habits,
}

impl Post {
    /// A post that calls in by these trunks.
    pub(super) fn new(world: &Arc<World>, name: &str, inbound: Vec<TrunkId>) -> Self {
        let (world, rng) = (Arc::clone(world), world.rng(name));
        Self { world, rng, inbound, outbound: Vec::new(), habits: Habits::default() }
    }

    /// The same, which calls out by these trunks, too.
    pub(super) fn and_out(self, outbound: Vec<TrunkId>) -> Self {
        Self { outbound, ..self }
    }

    /// A call of `parties.0` to the subscriber `parties.1`.
    pub(super) fn inbound(
        &mut self,
        at: At,
        parties: (String, String),
        course: Course,
        kind: &'static str,
    ) -> Option<Attempt> {
        let trunk = self.world.pick_trunk(&self.inbound, &mut self.rng)?;
        Some(Attempt::new(at, trunk, parties, Truth::normal(kind)).with(course))
    }

    /// A call of the subscriber `parties.0` to `parties.1`.
    pub(super) fn outbound(
        &mut self,
        at: At,
        parties: (String, String),
        course: Course,
        kind: &'static str,
    ) -> Option<Attempt> {
        let trunk = self.world.pick_trunk(&self.outbound, &mut self.rng)?;
        Some(Attempt::new(at, trunk, parties, Truth::normal(kind)).outbound().with(course))
    }

    /// Somebody among the subscribers who is at home.
    pub(super) fn subscriber(&mut self) -> String {
        const TRIES: usize = 1_000;
        let mut index = pick_subscriber(&self.world, &mut self.rng);
        for _ in 0..TRIES {
            if !is_away(&self.world, index) {
                break;
            }
            index = pick_subscriber(&self.world, &mut self.rng);
        }
        self.world.subscriber(index)
    }

    /// Answered by a human with this probability; talk lasts `talk_mean_s` on average. Otherwise as [`Self::missed`].
    pub(super) fn course(&mut self, answered: f64, talk_mean_s: f64) -> Course {
        if chance(&mut self.rng, answered) {
            return self.answered(talk_mean_s);
        }
        self.missed()
    }

    /// Answered by a human.
    pub(super) fn answered(&mut self, talk_mean_s: f64) -> Course {
        let (alert_after, mut end) = self.habits.answered(&mut self.rng, Relation::Contact);
        if let End::Answered { talk, .. } = &mut end {
            *talk = lognormal_of_mean(&mut self.rng, talk_mean_s, self.habits.talk_sigma, 7_200.0);
        }
        (alert_after, end)
    }

    /// Busy, off, refused or rung out.
    pub(super) fn missed(&mut self) -> Course {
        let habits = Habits { answered_contact: 0.0, ..self.habits.clone() };
        habits.course(&mut self.rng, Relation::Contact)
    }

    /// Given up by the calling side after `after` of alerting.
    pub(super) fn given_up(&mut self, after: Duration) -> Course {
        (Some(self.habits.alerting(&mut self.rng)), End::GivenUp { after, cause: 16 })
    }

    /// Answered by a machine after `ring`, ended by `by` after `talk`.
    pub(super) fn machine(&mut self, ring: Duration, talk: Duration, by: Side) -> Course {
        (Some(self.habits.alerting(&mut self.rng)), End::Answered { ring, talk, by })
    }
}

/// Beginning of a block of numbers with this many digits to follow, of another operator there.
pub(super) fn block(world: &World, rng: &mut Rng, nation: &Nation, digits: usize) -> String {
    let index = below(rng, u64::from(u32::MAX));
    let is_home = nation.iso == world.home().iso;
    let mut number = if is_home { world.other_fixed(index) } else { world.fixed_in(nation, index) };
    number.truncate(number.len().saturating_sub(digits));
    number
}

/// A number of a block.
pub(super) fn number_of(block: &str, digits: usize, index: u64) -> String {
    format!("{block}{index:0digits$}")
}
