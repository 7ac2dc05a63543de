//! Subscribers abroad who call home, and calls that come home by way of abroad.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::attempt::{Attempt, Truth};
use crate::simulate::countries::Nation;
use crate::simulate::draw::{below, between, chance, lognormal, weighted};
use crate::simulate::people::check;
use crate::simulate::people::habits::{Habits, Relation};
use crate::simulate::people::hash::mix;
use crate::simulate::people::paced::{Maker, Note, Paced};
use crate::simulate::people::talk::{Call, Peer, Talk};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::whereabouts::Stay;
use crate::simulate::world::World;

/// Subscribers abroad, who call with their own numbers over trunks from abroad. Reference list of hard negatives, item
/// 10; the shares are assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Roamers {
    /// Calls a day.
    pub calls_per_day: f64,
    /// Share of them by subscribers who are abroad all day and known to be.
    #[serde(default = "known")]
    pub known: f64,
    /// Share by subscribers who have crossed the border within two hours. As long as the operator believes them at home
    /// they are stale, then known.
    #[serde(default = "stale")]
    pub stale: f64,
    /// Share by subscribers of whose state nothing is known; none where every state is known.
    #[serde(default = "unknown")]
    pub unknown: f64,
    /// Share by people at the border, whose phones change network within minutes.
    #[serde(default = "border")]
    pub border: f64,
    /// How people call.
    #[serde(default)]
    pub habits: Habits,
}

/// Calls between people of the country which come back from abroad, as the called one forwards them from there.
/// Reference list of hard negatives, item 11; its figures are assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Forwarded {
    /// Calls a day.
    pub calls_per_day: f64,
    /// Share forwarded by a subscriber who is abroad; the others by people there.
    #[serde(default = "half")]
    pub by_roamers: f64,
    /// How people call.
    #[serde(default)]
    pub habits: Habits,
}

/// Share of the calls of those who have just arrived that are made as soon as the telephone is on. Assumption.
const ON_ARRIVAL: f64 = 0.3;
/// Seconds until such a call: the median of a lognormal with this sigma. Assumption.
const ON_ARRIVAL_S: (f64, f64) = (120.0, 1.0);
/// Seconds within which their other calls are. Assumption.
const ARRIVED_S: f64 = 7_200.0;

const fn known() -> f64 {
    0.8
}

const fn stale() -> f64 {
    0.05
}

const fn unknown() -> f64 {
    0.1
}

const fn border() -> f64 {
    0.05
}

const fn half() -> f64 {
    0.5
}

impl Roamers {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::positive("calls-per-day", self.calls_per_day, 10_000_000.0)?;
        for (field, share) in
            [("known", self.known), ("stale", self.stale), ("unknown", self.unknown), ("border", self.border)]
        {
            check::share(field, share)?;
        }
        check::trunks(world, None, &[RouteClass::International], false)?;
        let talk = Talk::new(world, name, &self.habits)?;
        let moments = Arrivals::daily(world, self.calls_per_day);
        Ok(vec![Paced::boxed(world, name, [moments], Travellers { talk, spec: self.clone() })])
    }
}

struct Travellers {
    talk: Talk,
    spec: Roamers,
}

impl Travellers {
    /// A subscriber who lives so; `None` when hardly any does.
    fn pick(&mut self, stay: Stay, is_so: impl Fn(&World, u64) -> bool) -> Option<u64> {
        const TRIES: usize = 20_000;
        let talk = &mut self.talk;
        (0..TRIES)
            .map(|_| below(&mut talk.rng, talk.world.subscribers()))
            .find(|i| talk.world.whereabouts().stay(*i) == stay && is_so(&talk.world, *i))
    }

    /// A call home, from where this subscriber is; the same country for all of its calls.
    fn call_home(&mut self, at: At, index: u64, kind: &'static str) -> Option<Attempt> {
        let talk = &mut self.talk;
        let nation = visited(talk, index);
        let is_stranger = chance(&mut talk.rng, talk.habits.strangers);
        let relation = if is_stranger { Relation::Stranger } else { Relation::Contact };
        let called = talk.contact_of(index) % talk.world.subscribers();
        let (own, number) = (talk.world.subscriber(called), talk.world.subscriber(index));
        let peer = Peer { number, nation, trunk: None };
        let call = Call { at, own: &own, peer: &peer, is_outbound: false, relation, is_away: false };
        talk.attempt(&call, Truth::normal(kind))
    }
}

/// Where a subscriber is when abroad.
fn visited(talk: &mut Talk, index: u64) -> &'static Nation {
    talk.person(mix(talk.salt, index), 1.0).nation
}

impl Maker for Travellers {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let spec = &self.spec;
        let shares = [spec.known, spec.stale, spec.unknown, spec.border];
        match weighted(&mut self.talk.rng, shares.into_iter()) {
            0 => {
                let roamer = self.pick(Stay::Abroad, World::is_state_known);
                out.note(roamer.and_then(|index| self.call_home(at, index, "roamer_known")));
            }
            1 => out.note(self.arrived(at)),
            2 => {
                let roamer = self.pick(Stay::Abroad, |world, i| !world.is_state_known(i));
                out.note(roamer.and_then(|index| self.call_home(at, index, "roamer_unknown")));
            }
            _ => self.border(at, out),
        }
    }
}

impl Travellers {
    /// A call by the next to cross the border, soon after that.
    fn arrived(&mut self, at: At) -> Option<Attempt> {
        /// Nobody calls sooner than that.
        const SOONEST: Duration = Duration::from_secs(10);
        let world = Arc::clone(&self.talk.world);
        let (index, crossing, heard) =
            world.whereabouts().next_traveller(at, |index| world.is_state_known(index))?;
        let rng = &mut self.talk.rng;
        let after = match chance(rng, ON_ARRIVAL) {
            true => lognormal(rng, ON_ARRIVAL_S.0, ON_ARRIVAL_S.1, ARRIVED_S),
            false => between(rng, 0.0, ARRIVED_S),
        };
        let at = crossing + SOONEST + after;
        self.call_home(at, index, if at < heard { "roamer_stale" } else { "roamer_known" })
    }

    /// A call by somebody near the border, and minutes later another.
    fn border(&mut self, at: At, out: &mut Agenda) {
        let Some(index) = self.pick(Stay::Border, |_, _| true) else { return };
        let first = self.near_border(at, index);
        let later = first.as_ref().map_or(at, Attempt::end_at) + between(&mut self.talk.rng, 60.0, 600.0);
        out.note(first);
        out.note(self.near_border(later, index));
    }

    /// By the network that the telephone is in.
    fn near_border(&mut self, at: At, index: u64) -> Option<Attempt> {
        const KIND: &str = "roamer_border";
        if self.talk.world.whereabouts().is_abroad(index, at) {
            return self.call_home(at, index, KIND);
        }
        let talk = &mut self.talk;
        let contact = talk.contact_of(index);
        let (own, peer) = (talk.world.subscriber(index), talk.person(contact, 0.0));
        let relation = Relation::Contact;
        let call = Call { at, own: &own, peer: &peer, is_outbound: true, relation, is_away: false };
        talk.attempt(&call, Truth::normal(KIND))
    }
}

impl Forwarded {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::positive("calls-per-day", self.calls_per_day, 10_000_000.0)?;
        check::share("by-roamers", self.by_roamers)?;
        check::trunks(world, None, &[RouteClass::International], false)?;
        let talk = Talk::new(world, name, &self.habits)?;
        let moments = Arrivals::daily(world, self.calls_per_day);
        let by_roamers = self.by_roamers;
        Ok(vec![Paced::boxed(world, name, [moments], Forwarders { talk, by_roamers })])
    }
}

struct Forwarders {
    talk: Talk,
    by_roamers: f64,
}

impl Maker for Forwarders {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let talk = &mut self.talk;
        let subscribers = talk.world.subscribers();
        let caller = below(&mut talk.rng, u64::MAX);
        let caller = talk.person(caller, 0.0).number;
        let roamer = match chance(&mut talk.rng, self.by_roamers) {
            true => talk.world.pick_roamer(&mut talk.rng),
            false => None,
        };
        let (nation, diverting) = match roamer {
            Some(index) => (visited(talk, index), talk.world.subscriber(index)),
            None => {
                let person = below(&mut talk.rng, 2_000);
                let person = talk.person(mix(talk.salt, person), 1.0);
                (person.nation, person.number)
            }
        };
        // Who forwards does so to one number.
        let target = diverting.bytes().fold(talk.salt, |hash, byte| mix(hash, u64::from(byte)));
        let own = talk.world.subscriber(target % subscribers);
        let peer = Peer { number: caller, nation, trunk: None };
        let relation = Relation::Contact;
        let call = Call { at, own: &own, peer: &peer, is_outbound: false, relation, is_away: false };
        if let Some(attempt) = talk.attempt(&call, Truth::normal("forwarded")) {
            out.push(Attempt { diverting: Some(diverting), ..attempt });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::network::RoamingState;
    use crate::simulate::people::testing::{attempts_of, calling, is_answered, of_kind, share, world_of};

    #[test]
    fn roamers_call_home_with_their_own_numbers_over_trunks_from_abroad() {
        let world = world_of("");
        let attempts = attempts_of("kind = \"roamers\"\ncalls-per-day = 2_000\nhabits = { withheld = 0.0 }");
        let numbers = |is_so: &dyn Fn(u64) -> bool| -> BTreeSet<String> {
            (0..world.subscribers()).filter(|i| is_so(*i)).map(|i| world.subscriber(i)).collect()
        };
        let stays = |i, stay| world.whereabouts().stay(i) == stay;
        let known =
            numbers(&|i| (stays(i, Stay::Abroad) || stays(i, Stay::Traveller)) && world.is_state_known(i));
        let unknown = numbers(&|i| stays(i, Stay::Abroad) && !world.is_state_known(i));
        let travellers = numbers(&|i| stays(i, Stay::Traveller) && world.is_state_known(i));
        for (kind, expected, among) in [
            ("roamer_known", 0.8, known),
            ("roamer_stale", 0.015, travellers),
            ("roamer_unknown", 0.1, unknown),
        ] {
            let calls = of_kind(&attempts, kind);
            let found = calls.len() as f64 / attempts.len() as f64;
            assert!((found - expected).abs() < 0.06 && !calls.is_empty(), "{kind} {found}");
            let fits = |one: &Attempt| one.calling.text().is_none_or(|number| among.contains(number));
            assert!(calls.iter().all(fits), "{kind}");
            let is_abroad = |one: &Attempt| world.trunk(one.trunk).class == RouteClass::International;
            assert!(calls.iter().all(|one| is_abroad(one) && !one.is_outbound));
        }
        let answered = share(&attempts, is_answered);
        assert!((0.5..0.66).contains(&answered), "{answered}");
    }

    /// What the operator believes of a number at a moment, and where it is.
    fn whereabouts_of(world: &World, number: &str, at: At) -> (Option<RoamingState>, bool) {
        let index = (0..world.subscribers()).find(|index| world.subscriber(*index) == number).unwrap();
        let (first, updates) = world.whereabouts().updates(index);
        let told = updates.take_while(|(since, _)| *since <= at).last().map_or(first, |(_, state)| state);
        (world.is_state_known(index).then_some(told), world.whereabouts().is_abroad(index, at))
    }

    #[test]
    fn the_operator_is_late_for_some_of_those_who_arrive() {
        let world = world_of("");
        let attempts = attempts_of(
            "kind = \"roamers\"\ncalls-per-day = 1_000\nknown = 0\nunknown = 0\nborder = 0\nstale = 1",
        );
        let mut stale = 0;
        for attempt in &attempts {
            let (Some(number), at) = (attempt.calling.text(), attempt.setup_at) else { continue };
            let expected = match attempt.truth.kind {
                "roamer_stale" => RoamingState::Home,
                _ => RoamingState::Roaming,
            };
            assert_eq!(whereabouts_of(&world, number, at), (Some(expected), true), "{attempt:?}");
            stale += usize::from(attempt.truth.kind == "roamer_stale");
        }
        let stale = stale as f64 / attempts.len() as f64;
        assert!((0.15..0.4).contains(&stale), "{stale}");
    }

    #[test]
    fn people_at_the_border_call_by_the_network_they_are_in() {
        let world = world_of("");
        let attempts = attempts_of(
            "kind = \"roamers\"\ncalls-per-day = 1_000\nknown = 0\nunknown = 0\nborder = 1\nstale = 0",
        );
        let (mut abroad, mut late) = (0, 0);
        for attempt in &attempts {
            let Some(number) = attempt.calling.text() else { continue };
            let (told, is_abroad) = whereabouts_of(&world, number, attempt.setup_at);
            assert_eq!(is_abroad, !attempt.is_outbound, "{attempt:?}");
            abroad += usize::from(is_abroad);
            late += usize::from(is_abroad && told == Some(RoamingState::Home));
        }
        let of = |part: usize, whole: usize| part as f64 / whole as f64;
        assert!((0.3..0.7).contains(&of(abroad, attempts.len())), "{abroad} of {}", attempts.len());
        assert!(late > 0 && of(late, abroad) < 0.1, "{late} of {abroad}");
    }

    #[test]
    fn forwarded_calls_name_who_forwarded_them() {
        let attempts = attempts_of("kind = \"forwarded\"\ncalls-per-day = 500");
        assert!(attempts.iter().all(|one| one.diverting.is_some() && !one.is_outbound));
        let is_national = |one: &Attempt| one.calling.text().is_none_or(|number| number.starts_with("48"));
        assert!(attempts.iter().all(is_national) && !calling(&attempts[0]).is_empty());
        let by_roamers =
            share(&attempts, |one| one.diverting.as_deref().is_some_and(|number| number.starts_with("48")));
        assert!((0.42..0.58).contains(&by_roamers), "{by_roamers}");
    }
}
