//! Many who call one: missed-call banking, televotes, people who return a call that was never made.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::attempt::{End, Side};
use crate::simulate::draw::{below, between, chance, exponential, lognormal};
use crate::simulate::people::check;
use crate::simulate::people::habits::{Habits, Relation, network_failure};
use crate::simulate::people::paced::{Maker, Note, Paced, seconds_long, within};
use crate::simulate::people::post::Post;
use crate::simulate::people::talk::{Call, Kinds, Talk};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// A bank that people ring to get a message: many call one, who cuts. Reference list of hard negatives, item 8; its
/// figures are assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct MissedCalls {
    /// Calls a day.
    pub calls_per_day: f64,
    /// Customers; the same ones call again.
    pub customers: u64,
    /// Mean ring time until the bank cuts, in seconds.
    #[serde(default = "ring_s")]
    pub ring_s: f64,
    /// Share of calls from the operator's own subscribers to a bank elsewhere, the others from elsewhere to a bank that
    /// is the operator's customer.
    #[serde(default = "half")]
    pub outbound: f64,
}

/// Votes for a show: many call few numbers within minutes. Its figures are assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Televote {
    /// Calls in all.
    pub calls: f64,
    /// Numbers to vote by; 1 to 100.
    #[serde(default = "candidates")]
    pub candidates: u64,
    /// Start, in seconds after that of the scenario.
    pub after_s: f64,
    /// How long it lasts, in seconds.
    #[serde(default = "ten_minutes")]
    pub for_s: f64,
    /// Share that finds no way through.
    #[serde(default = "congested")]
    pub congested: f64,
}

/// People call back a number that was shown to them by somebody else: its owner, who called nobody, gets hundreds to
/// thousands of calls (Prasad et al. 2020 saw callbacks by the thousand).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct VictimStorm {
    /// Calls back, redials aside.
    pub calls: u64,
    /// Start, in seconds after that of the scenario.
    pub after_s: f64,
    /// Mean time after the start at which people call back, in seconds, exponential. Assumption.
    #[serde(default = "an_hour")]
    pub mean_s: f64,
    /// Share answered while the victim still does. Assumption.
    #[serde(default = "victim_answers")]
    pub answered: f64,
}

const fn ring_s() -> f64 {
    1.8
}

const fn half() -> f64 {
    0.5
}

const fn candidates() -> u64 {
    6
}

const fn ten_minutes() -> f64 {
    600.0
}

const fn congested() -> f64 {
    0.2
}

const fn an_hour() -> f64 {
    3_600.0
}

const fn victim_answers() -> f64 {
    0.15
}

const PEOPLE: [RouteClass; 1] = [RouteClass::National];

impl MissedCalls {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::positive("calls-per-day", self.calls_per_day, 10_000_000.0)?;
        check::count("customers", self.customers, 10_000_000)?;
        check::positive("ring-s", self.ring_s, 30.0)?;
        check::share("outbound", self.outbound)?;
        let inbound = check::trunks(world, None, &PEOPLE, false)?;
        let outbound = check::trunks(world, None, &PEOPLE, true)?;
        let mut post = Post::new(world, name, inbound).and_out(outbound);
        let index = below(&mut post.rng, 1 << 30);
        let moments = Arrivals::daily(world, self.calls_per_day);
        Ok(vec![Paced::boxed(world, name, [moments], Bank { post, index, spec: self.clone() })])
    }
}

struct Bank {
    post: Post,
    index: u64,
    spec: MissedCalls,
}

impl Maker for Bank {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let customer = below(&mut self.post.rng, self.spec.customers);
        let rng = &mut self.post.rng;
        let after = Duration::from_millis(300) + lognormal(rng, self.spec.ring_s, 0.3, 10.0);
        let cause = if chance(rng, 0.7) { 17 } else { 21 };
        // Some let go first.
        let end = match chance(rng, 0.1) {
            true => End::GivenUp { after, cause: 16 },
            false => End::Refused { after, cause },
        };
        let course = (Some(self.post.habits.alerting(rng)), end);
        let is_outbound = chance(rng, self.spec.outbound);
        out.note(match is_outbound {
            true => {
                let subscriber = self.post.world.subscriber(customer % self.post.world.subscribers());
                let bank = self.post.world.other_fixed(self.index);
                self.post.outbound(at, (subscriber, bank), course, "missed_call")
            }
            false => {
                let caller = self.post.world.other_mobile(self.index + 1 + customer);
                let bank = self.post.world.own_fixed(10_200 + self.index % 9_800);
                self.post.inbound(at, (caller, bank), course, "missed_call")
            }
        });
    }
}

impl Televote {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::positive("calls", self.calls, 10_000_000.0)?;
        check::count("candidates", self.candidates, 100)?;
        check::after("after-s", self.after_s)?;
        check::span("for-s", self.for_s)?;
        check::share("congested", self.congested)?;
        let inbound = check::trunks(world, None, &PEOPLE, false)?;
        let outbound = check::trunks(world, None, &PEOPLE, true)?;
        let post = Post::new(world, name, inbound).and_out(outbound);
        let moments = within(world, self.calls, (self.after_s, self.for_s));
        Ok(vec![Paced::boxed(world, name, moments, Voters { post, spec: self.clone() })])
    }
}

struct Voters {
    post: Post,
    spec: Televote,
}

impl Maker for Voters {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let candidate = below(&mut self.post.rng, self.spec.candidates);
        let rng = &mut self.post.rng;
        let course = match chance(rng, self.spec.congested) {
            true => network_failure(rng),
            false => {
                let (ring, talk) = (between(rng, 0.3, 2.0), between(rng, 4.0, 8.0));
                self.post.machine(ring, talk, Side::Called)
            }
        };
        let is_outbound = chance(&mut self.post.rng, 0.5);
        out.note(match is_outbound {
            true => {
                let parties = (self.post.subscriber(), self.post.world.other_fixed(800_000 + candidate));
                self.post.outbound(at, parties, course, "televote")
            }
            false => {
                let voter = below(&mut self.post.rng, 1 << 30);
                let parties =
                    (self.post.world.other_mobile(voter), self.post.world.own_fixed(10_000 + candidate));
                self.post.inbound(at, parties, course, "televote")
            }
        });
    }
}

impl VictimStorm {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::count("calls", self.calls, 100_000)?;
        check::after("after-s", self.after_s)?;
        check::span("mean-s", self.mean_s)?;
        check::share("answered", self.answered)?;
        // Nobody returns the call of somebody who returns a call, and the victim is mostly busy.
        let habits =
            Habits { called_back_stranger: 0.0, abroad: 0.05, answered_stranger: 0.0, ..Habits::default() };
        let mut talk = Talk::new(world, name, &habits)?;
        let victim = world.pick_at_home(&mut talk.rng).ok_or("every subscriber is abroad")?;
        // One occasion that brings all of them: its moment is the start.
        let moments = within(world, 100.0, (self.after_s, 1.0));
        let storm = Storm { talk, victim: Some(world.subscriber(victim)), spec: self.clone() };
        Ok(vec![Paced::boxed(world, name, moments, storm)])
    }
}

struct Storm {
    talk: Talk,
    /// Who gets the calls, until they are made.
    victim: Option<String>,
    spec: VictimStorm,
}

impl Maker for Storm {
    fn make(&mut self, start: At, out: &mut Agenda) {
        let Some(victim) = self.victim.take() else { return };
        for _ in 0..self.spec.calls {
            let talk = &mut self.talk;
            let after = seconds_long(exponential(&mut talk.rng, self.spec.mean_s).as_secs_f64());
            let caller = below(&mut talk.rng, u64::MAX);
            let peer = talk.person(caller, talk.habits.abroad);
            // The victim gives up answering.
            let answers = (-after.as_secs_f64() / self.spec.mean_s).exp() * 2.0 * self.spec.answered;
            talk.habits.answered_stranger = answers.min(0.5);
            talk.habits.busy = 0.3;
            let relation = Relation::Stranger;
            let at = start + after;
            let call = Call { at, own: &victim, peer: &peer, is_outbound: false, relation, is_away: false };
            talk.converse(call, Kinds::all("victim_storm"), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::attempt::Attempt;
    use crate::simulate::people::testing::{
        attempts_of, called, calling, distinct, is_answered, median, share, unanswered_rings,
    };

    #[test]
    fn banks_cut_many_callers() {
        let attempts = attempts_of("kind = \"missed-calls\"\ncalls-per-day = 2_000\ncustomers = 1_500");
        assert_eq!(share(&attempts, is_answered), 0.0);
        assert_eq!(distinct(&attempts, called), 2);
        assert!(distinct(&attempts, calling) > 1_000);
        assert!((1.7..2.6).contains(&median(&unanswered_rings(&attempts))));
        let by_bank = share(&attempts, |one| matches!(one.end, End::Refused { .. }));
        assert!((0.85..0.95).contains(&by_bank), "{by_bank}");
    }

    #[test]
    fn votes_go_to_few_within_minutes() {
        let attempts = attempts_of("kind = \"televote\"\ncalls = 4_000\nafter-s = 72_000");
        assert!((3_800..4_200).contains(&attempts.len()), "{}", attempts.len());
        assert_eq!(distinct(&attempts, called), 12);
        let answered = share(&attempts, is_answered);
        assert!((0.77..0.83).contains(&answered), "{answered}");
    }

    #[test]
    fn a_victim_is_called_by_many_and_answers_few() {
        let attempts = attempts_of("kind = \"victim-storm\"\ncalls = 1_500\nafter-s = 36_000");
        assert_eq!(distinct(&attempts, called), 1);
        assert!(distinct(&attempts, calling) > 1_300);
        let answered = share(&attempts, is_answered);
        assert!((0.08..0.22).contains(&answered), "{answered}");
        let first = attempts.first().map(|one: &Attempt| one.setup_at).unwrap_or_default();
        let in_hour = share(&attempts, |one| one.setup_at.since(first).as_secs() < 3_600);
        assert!((0.5..0.72).contains(&in_hour), "{in_hour}");
        let busy = busy_share(&attempts);
        assert!(busy > 0.2, "{busy}");
    }

    fn busy_share(attempts: &[Attempt]) -> f64 {
        share(attempts, |one| one.alert_after.is_none() && matches!(one.end, End::Refused { cause: 17, .. }))
    }
}
