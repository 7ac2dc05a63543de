//! People's calls that look like more than they are, by the way networks carry them: hunting over several trunks,
//! several phones that ring at once, messages sent again and again.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::attempt::{Attempt, End, Oddity, TrunkId, Truth};
use crate::simulate::draw::{below, between, chance};
use crate::simulate::people::check;
use crate::simulate::people::habits::{Course, Habits, Relation};
use crate::simulate::people::paced::{Maker, Note, Paced, within};
use crate::simulate::people::talk::{Call, Peer, Talk};
use crate::simulate::scenario::Transport;
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// A carrier that tries one human call over two to four trunks: it cancels what does not alert in time, and advances
/// on 503. Reference list of hard negatives, item 13; its figures are assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Hunting {
    /// Human calls a day.
    pub calls_per_day: f64,
    /// Share of tries that are cancelled, the others are refused.
    #[serde(default = "cancelled")]
    pub cancelled: f64,
    /// How people call.
    #[serde(default)]
    pub habits: Habits,
}

/// Calls that ring several phones: one leg is answered, the others end as completed elsewhere. Reference list of hard
/// negatives, item 14; its figures are assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Forking {
    /// Calls a day whose branches go to two elements of ours.
    pub forked_per_day: f64,
    /// Calls a day of which the subscriber gets one leg, and somebody elsewhere may answer first.
    pub groups_per_day: f64,
    /// How people call.
    #[serde(default)]
    pub habits: Habits,
}

/// A trunk that loses messages, so that they are sent again. Reference list of hard negatives, item 15; its figures are
/// assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Retransmissions {
    /// The trunk, of SIP over UDP.
    pub trunk: String,
    /// Start, in seconds after that of the scenario.
    pub after_s: f64,
    /// How long it lasts, in seconds.
    pub for_s: f64,
    /// Calls in all.
    pub calls: f64,
    /// How people call.
    #[serde(default)]
    pub habits: Habits,
}

const fn cancelled() -> f64 {
    0.5
}

impl Hunting {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::positive("calls-per-day", self.calls_per_day, 10_000_000.0)?;
        check::share("cancelled", self.cancelled)?;
        let both = [RouteClass::International, RouteClass::National];
        let sets = both.into_iter().map(|class| world.trunks_for(&[class], false));
        let sets: Vec<Vec<TrunkId>> = sets.filter(|trunks| trunks.len() > 1).collect();
        if sets.is_empty() {
            return Err("needs two trunks of class international or national".into());
        }
        let talk = Talk::new(world, name, &self.habits)?;
        let moments = Arrivals::daily(world, self.calls_per_day);
        Ok(vec![Paced::boxed(world, name, [moments], Hunts { talk, sets, spec: self.clone() })])
    }
}

/// A stranger or contact calls a subscriber.
fn caller(talk: &mut Talk, abroad: f64) -> (String, Peer) {
    let index = below(&mut talk.rng, talk.world.subscribers());
    let is_stranger = chance(&mut talk.rng, talk.habits.strangers);
    let person = if is_stranger { below(&mut talk.rng, u64::MAX) } else { talk.contact_of(index) };
    (talk.world.subscriber(index), talk.person(person, abroad))
}

fn inbound<'a>(at: At, own: &'a str, peer: &'a Peer) -> Call<'a> {
    Call { at, own, peer, is_outbound: false, relation: Relation::Contact, is_away: false }
}

struct Hunts {
    talk: Talk,
    /// Trunks of one class each, two at least.
    sets: Vec<Vec<TrunkId>>,
    spec: Hunting,
}

impl Maker for Hunts {
    fn make(&mut self, mut at: At, out: &mut Agenda) {
        let talk = &mut self.talk;
        let set = &self.sets[below(&mut talk.rng, self.sets.len() as u64) as usize];
        let is_abroad = set.iter().any(|id| talk.world.trunk(*id).class == RouteClass::International);
        let (own, peer) = caller(talk, if is_abroad { 1.0 } else { 0.0 });
        // From a trunk on, round the set.
        let first = below(&mut talk.rng, set.len() as u64);
        let tries = (2 + below(&mut talk.rng, 3)).min(set.len() as u64 + 1);
        for round in 0..tries {
            let trunk = set[((first + round) % set.len() as u64) as usize];
            let call = inbound(at, &own, &peer);
            let course = match round + 1 == tries {
                true => talk.course(&call, trunk),
                false => no_way(talk, self.spec.cancelled),
            };
            let attempt = talk.play(&call, (trunk, course), Truth::normal("hunting"));
            at = attempt.end_at() + between(&mut talk.rng, 0.02, 0.3);
            out.push(attempt);
        }
    }
}

/// A try that leads nowhere: cancelled while waiting, or just as it alerts; or refused.
fn no_way(talk: &mut Talk, cancelled: f64) -> Course {
    let rng = &mut talk.rng;
    if !chance(rng, cancelled) {
        let cause = [34, 42, 41, 38][below(rng, 4) as usize];
        return (None, End::Refused { after: between(rng, 0.03, 1.0), cause });
    }
    if chance(rng, 0.3) {
        return (Some(between(rng, 3.0, 5.0)), End::GivenUp { after: between(rng, 0.02, 0.8), cause: 31 });
    }
    (None, End::GivenUp { after: between(rng, 2.0, 5.0), cause: 31 })
}

impl Forking {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::positive("forked-per-day", self.forked_per_day, 10_000_000.0)?;
        check::positive("groups-per-day", self.groups_per_day, 10_000_000.0)?;
        let is_sip = |id: &TrunkId| world.trunk(*id).transport != Transport::Isup;
        let all = check::trunks(world, None, &[RouteClass::National, RouteClass::Enterprise], false)?;
        let sip: Vec<TrunkId> = all.iter().copied().filter(is_sip).collect();
        if sip.is_empty() {
            return Err("no SIP trunk of class national or enterprise takes calls in".into());
        }
        let maker = |part, trunks| {
            let talk = Talk::new(world, &format!("{name}/{part}"), &self.habits)?;
            Ok::<_, String>(Forks { talk, trunks, is_group: part == "group" })
        };
        let (forks, groups) = (maker("fork", sip)?, maker("group", all)?);
        let daily = |per_day| [Arrivals::daily(world, per_day)];
        Ok(vec![
            Paced::boxed(world, &format!("{name}/fork"), daily(self.forked_per_day), forks),
            Paced::boxed(world, &format!("{name}/group"), daily(self.groups_per_day), groups),
        ])
    }
}

struct Forks {
    talk: Talk,
    trunks: Vec<TrunkId>,
    is_group: bool,
}

impl Maker for Forks {
    fn make(&mut self, at: At, out: &mut Agenda) {
        out.note(self.call(at));
    }
}

impl Forks {
    fn call(&mut self, at: At) -> Option<Attempt> {
        let talk = &mut self.talk;
        let trunk = talk.world.pick_trunk(&self.trunks, &mut talk.rng)?;
        let (own, peer) = caller(talk, 0.0);
        let call = inbound(at, &own, &peer);
        if !self.is_group {
            let course = talk.course(&call, trunk);
            let fork = talk.play(&call, (trunk, course), Truth::normal("forked"));
            return Some(Attempt { oddity: Oddity::Forked, ..fork });
        }
        // Two phones ring alike; each is the first to answer in half of the cases.
        let is_elsewhere = chance(&mut talk.rng, 0.5);
        let course = match is_elsewhere {
            true => {
                // Q.850 26, non-selected user clearing; RFC 3326 has it as "call completed elsewhere".
                let after = talk.habits.answer(&mut talk.rng);
                (Some(talk.habits.alerting(&mut talk.rng)), End::GivenUp { after, cause: 26 })
            }
            false => talk.course(&call, trunk),
        };
        Some(talk.play(&call, (trunk, course), Truth::normal("ring_group")))
    }
}

impl Retransmissions {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::after("after-s", self.after_s)?;
        check::span("for-s", self.for_s)?;
        check::positive("calls", self.calls, 1_000_000.0)?;
        let trunk = check::trunk(world, &self.trunk)?;
        if world.trunk(trunk).transport != Transport::SipUdp || !world.trunk(trunk).takes(false) {
            return Err(format!("trunk: `{}` is not SIP over UDP, or takes no calls in", self.trunk));
        }
        let talk = Talk::new(world, name, &self.habits)?;
        let moments = within(world, self.calls, (self.after_s, self.for_s));
        Ok(vec![Paced::boxed(world, name, moments, Lossy { talk, trunk })])
    }
}

struct Lossy {
    talk: Talk,
    trunk: TrunkId,
}

impl Maker for Lossy {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let talk = &mut self.talk;
        let is_abroad = talk.world.trunk(self.trunk).class == RouteClass::International;
        let (own, peer) = caller(talk, if is_abroad { 1.0 } else { 0.0 });
        let call = inbound(at, &own, &peer);
        let mut course = talk.course(&call, self.trunk);
        // Messages sent again after T1 doubled six times come late: what follows waits for them.
        let times = 1 + below(&mut talk.rng, 6) as u8;
        course.0 = course.0.map(|alert_after| alert_after + Duration::from_millis(500));
        let call = talk.play(&call, (self.trunk, course), Truth::normal("retransmitted"));
        out.push(Attempt { oddity: Oddity::Retransmitted { times }, ..call });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::simulate::people::testing::{
        attempts_of, calling, is_answered, median, of_kind, refusal_of, share, unanswered_rings,
    };

    #[test]
    fn one_human_call_is_tried_over_several_trunks() {
        let attempts = attempts_of("kind = \"hunting\"\ncalls-per-day = 600");
        let mut hunts: BTreeMap<(&str, &str), Vec<&Attempt>> = BTreeMap::new();
        for one in attempts.iter().filter(|one| one.calling.text().is_some()) {
            hunts.entry((calling(one), one.called.as_str())).or_default().push(one);
        }
        let tries: Vec<f64> = hunts.values().map(|tries| tries.len() as f64).collect();
        assert!((2.0..=4.0).contains(&median(&tries)));
        for tries in hunts.values().filter(|tries| tries.len() < 5) {
            assert!(tries.windows(2).any(|two| two[0].trunk != two[1].trunk) || tries.len() == 1);
            assert!(tries.iter().filter(|one| is_answered(one)).count() <= 2);
        }
        let answered =
            share(&hunts.into_values().collect::<Vec<_>>(), |tries| tries.iter().any(|one| is_answered(one)));
        assert!((0.62..0.76).contains(&answered), "{answered}");
    }

    #[test]
    fn what_is_answered_elsewhere_rings_as_long_as_people_take() {
        let attempts = attempts_of("kind = \"forking\"\nforked-per-day = 400\ngroups-per-day = 1_000");
        let forked = of_kind(&attempts, "forked");
        assert!(forked.iter().all(|one| one.oddity == Oddity::Forked) && forked.len() > 300);
        let groups = of_kind(&attempts, "ring_group");
        let is_elsewhere = |one: &Attempt| matches!(one.end, End::GivenUp { cause: 26, .. });
        let elsewhere: Vec<Attempt> = groups.iter().filter(|one| is_elsewhere(one)).cloned().collect();
        let found = elsewhere.len() as f64 / groups.len() as f64;
        assert!((0.45..0.55).contains(&found), "{found}");
        assert!((6.5..8.0).contains(&median(&unanswered_rings(&elsewhere))));
    }

    #[test]
    fn a_lossy_trunk_sends_again() {
        let population =
            "kind = \"retransmissions\"\ntrunk = \"intl-sip-1\"\nafter-s = 40_000\nfor-s = 120\ncalls = 300";
        let attempts = attempts_of(population);
        assert!((240..360).contains(&attempts.len()));
        let again = |one: &Attempt| matches!(one.oddity, Oddity::Retransmitted { times: 1..=6 });
        assert!(attempts.iter().all(again));
        let refused = refusal_of(&population.replace("intl-sip-1", "nat-isup-1"));
        assert_eq!(refused, "trunk: `nat-isup-1` is not SIP over UDP, or takes no calls in");
    }
}
