//! Calls between people with what comes of them: an answer, another try, a call back.

use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::attempt::{Attempt, Calling, End, Oddity, TrunkId, Truth};
use crate::simulate::countries::Nation;
use crate::simulate::draw::{Rng, below, chance, lognormal, zipf};
use crate::simulate::people::habits::{Course, Habits, Relation, network_failure};
use crate::simulate::people::hash::mix;
use crate::simulate::people::routes::Routes;
use crate::simulate::source::Agenda;
use crate::simulate::world::World;

/// How often people try at most.
const TRIES_MAX: u32 = 6;

/// Somebody who is no subscriber of the operator.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    /// With country code.
    pub number: String,
    /// Whose plan the number is of.
    pub nation: &'static Nation,
    /// The trunk all calls take; by country when `None`.
    pub trunk: Option<TrunkId>,
}

/// What the calls of an occasion are called in the truth.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kinds {
    /// The first.
    pub first: &'static str,
    /// Those that try again.
    pub redial: &'static str,
    /// Those that return a missed call.
    pub call_back: &'static str,
}

impl Kinds {
    /// The same name for all.
    pub(super) const fn all(kind: &'static str) -> Self {
        Self { first: kind, redial: kind, call_back: kind }
    }
}

/// Two people, and one of them calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    /// When.
    pub at: At,
    /// The subscriber.
    pub own: &'a str,
    /// The other one.
    pub peer: &'a Peer,
    /// The subscriber calls.
    pub is_outbound: bool,
    /// What they are to each other.
    pub relation: Relation,
    /// The subscriber is abroad: its own calls do not leave by the operator's trunks.
    pub is_away: bool,
}

/// What people's calls need.
pub(super) struct Talk {
    pub world: Arc<World>,
    pub routes: Routes,
    pub habits: Habits,
    pub rng: Rng,
    pub salt: u64,
}

impl Talk {
    /// # Errors
    /// A figure out of its range; no trunk for people's calls.
    pub(super) fn new(world: &Arc<World>, name: &str, habits: &Habits) -> Result<Self, String> {
        habits.check()?;
        let mut salt_rng = world.rng(&format!("{name}/salt"));
        let salt = below(&mut salt_rng, u64::MAX);
        // Trunks fail and are preferred alike for every population.
        let routes = Routes::new(world, below(&mut world.rng("population/routes"), u64::MAX))?;
        let mut habits = habits.clone();
        match (routes.reaches_home(), routes.reaches_abroad()) {
            (true, false) => habits.abroad = 0.0,
            (false, true) => habits.abroad = 1.0,
            _ => {}
        }
        Ok(Self { world: Arc::clone(world), routes, habits, rng: world.rng(name), salt })
    }

    /// The person of this hash: the same one each time.
    pub(super) fn person(&self, hash: u64, abroad: f64) -> Peer {
        let mut rng = Rng::seed_from_u64(hash);
        let is_abroad = chance(&mut rng, abroad);
        let nation = if is_abroad { self.world.pick_nation(&mut rng) } else { self.world.home() };
        let is_mobile = chance(&mut rng, self.habits.mobiles);
        let index = below(&mut rng, u64::from(u32::MAX));
        let number = match (is_abroad, is_mobile) {
            (true, true) => self.world.mobile_in(nation, index),
            (true, false) => self.world.fixed_in(nation, index),
            (false, true) => self.world.other_mobile(index),
            (false, false) => self.world.other_fixed(index),
        };
        Peer { number, nation, trunk: None }
    }

    /// A contact of somebody: the first few get most of the calls.
    pub(super) fn contact_of(&mut self, somebody: u64) -> u64 {
        let rank = zipf(&mut self.rng, self.habits.contacts, 1.0);
        mix(mix(self.salt, somebody), rank)
    }

    /// Whether people there sleep, and do not call or like to be called.
    pub(super) fn sleeps(&mut self, at: At, nation: &Nation) -> bool {
        let hour = self.world.hour_at(at, nation);
        nation.iso != self.world.home().iso && !(7.0..23.0).contains(&hour) && chance(&mut self.rng, 0.8)
    }

    /// Notes this call and what comes of it.
    pub(super) fn converse(&mut self, mut call: Call<'_>, kinds: Kinds, out: &mut Agenda) {
        let (mut kind, was_outbound) = (kinds.first, call.is_outbound);
        for _ in 0..TRIES_MAX {
            if call.is_outbound && call.is_away {
                return;
            }
            let Some(attempt) = self.attempt(&call, Truth::normal(kind)) else { return };
            let ended_at = attempt.end_at();
            let was_answered = matches!(attempt.end, End::Answered { .. });
            let rang = attempt.alert_after.is_some() && matches!(attempt.calling, Calling::Shown(_));
            out.push(attempt);
            let called_back = match call.relation {
                Relation::Business | Relation::Contact => self.habits.called_back,
                Relation::Stranger => self.habits.called_back_stranger,
            };
            if was_answered {
                return;
            }
            if rang && chance(&mut self.rng, called_back) {
                call.at =
                    ended_at + lognormal(&mut self.rng, self.habits.called_back_after_s, 1.3, 6.0 * 3_600.0);
                call.is_outbound = !call.is_outbound;
            } else if chance(&mut self.rng, self.habits.redials) {
                call.at = ended_at
                    + Duration::from_secs(2)
                    + lognormal(&mut self.rng, self.habits.redial_after_s, 1.2, 3_600.0);
            } else {
                return;
            }
            kind = if call.is_outbound == was_outbound { kinds.redial } else { kinds.call_back };
        }
    }

    /// One call of people; `None` when no trunk takes it.
    pub(super) fn attempt(&mut self, call: &Call<'_>, truth: Truth) -> Option<Attempt> {
        let trunk = match call.peer.trunk {
            Some(trunk) => trunk,
            None => self.routes.pick(&mut self.rng, call.peer.nation, call.is_outbound)?,
        };
        let course = self.course(call, trunk);
        Some(self.play(call, (trunk, course), truth))
    }

    /// What becomes of it on this trunk.
    pub(super) fn course(&mut self, call: &Call<'_>, trunk: TrunkId) -> Course {
        if self.routes.fails(&mut self.rng, (trunk, call.at), self.habits.network_failures) {
            return network_failure(&mut self.rng);
        }
        self.habits.course(&mut self.rng, call.relation)
    }

    /// This call on this trunk with this course.
    pub(super) fn play(
        &mut self,
        call: &Call<'_>,
        (trunk, course): (TrunkId, Course),
        truth: Truth,
    ) -> Attempt {
        let (own, peer) = (call.own.to_owned(), call.peer.number.clone());
        let parties = if call.is_outbound { (own, peer) } else { (peer, own) };
        let mut attempt = Attempt::new(call.at, trunk, parties, truth).with(course);
        attempt.is_outbound = call.is_outbound;
        if matches!(attempt.end, End::Answered { .. }) && chance(&mut self.rng, self.habits.reinvited) {
            attempt.oddity = Oddity::Reinvited;
        }
        if !call.is_outbound {
            attempt.equipment = exchange_of(&call.peer.number);
            let is_abroad = self.world.trunk(trunk).class == RouteClass::International;
            if is_abroad && chance(&mut self.rng, self.habits.unavailable) {
                attempt.calling = Calling::Unavailable;
            }
        }
        if chance(&mut self.rng, self.habits.withheld)
            && let Calling::Shown(number) = attempt.calling
        {
            attempt.calling = Calling::Withheld(number);
        }
        attempt
    }
}

/// Style of the exchange that serves a number: a few makers' for all of the world, 0 where a border controller hides
/// it.
fn exchange_of(number: &str) -> u16 {
    let operator = number.bytes().take(5).fold(0, |hash, byte| mix(hash, u64::from(byte)));
    (operator % 12) as u16
}
