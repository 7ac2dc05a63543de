//! Services that call people because they asked for it: call back at a lower price, one-time passwords under contract.

use std::sync::Arc;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::attempt::{Attempt, End, Side, TrunkId, Truth};
use crate::simulate::draw::{below, between, chance, gamma};
use crate::simulate::people::check;
use crate::simulate::people::habits::lognormal_of_mean;
use crate::simulate::people::paced::{Maker, Paced, within};
use crate::simulate::people::post::{Post, block, number_of};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// A service abroad that is rung, cuts, and calls back from another of its numbers. Reference list of hard negatives,
/// item 6; its figures are assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CallBackService {
    /// Letters of the country it is in.
    pub country: String,
    /// Numbers it calls from; 1 to 1,000.
    pub numbers: u64,
    /// Calls a day.
    pub calls_per_day: f64,
    /// Share of its calls answered: people wait for them.
    #[serde(default = "waited_for")]
    pub answered: f64,
}

/// A contracted sender of flash calls on a white route: label `flash`, to be allowed and billed. Reference list of hard
/// negatives, item 21.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct ContractedFlash {
    /// The trunk, of class white.
    pub trunk: String,
    /// Letters of the country its block of 10,000 numbers is in; home when left out.
    pub country: Option<String>,
    /// Calls in all.
    pub calls: f64,
    /// Start, in seconds after that of the scenario.
    #[serde(default)]
    pub after_s: f64,
    /// How long it lasts, in seconds.
    pub for_s: f64,
    /// Longest ring time in seconds: below 2 by what GMS says of flash calls.
    #[serde(default = "ring_most_s")]
    pub ring_most_s: f64,
    /// Share that the handset refuses when it has read the number, as Sinch's Android kit does; the others the sender
    /// cuts. Assumption.
    #[serde(default = "by_handset")]
    pub by_handset: f64,
    /// Share tried again from another number. Assumption.
    #[serde(default = "retried")]
    pub retried: f64,
}

const fn waited_for() -> f64 {
    0.9
}

const fn ring_most_s() -> f64 {
    1.8
}

const fn by_handset() -> f64 {
    0.3
}

const fn retried() -> f64 {
    0.05
}

impl CallBackService {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::count("numbers", self.numbers, 1_000)?;
        check::positive("calls-per-day", self.calls_per_day, 10_000_000.0)?;
        check::share("answered", self.answered)?;
        let nation = check::country(world, Some(&self.country))?;
        let abroad = [RouteClass::International];
        let inbound = check::trunks(world, None, &abroad, false)?;
        let mut post = Post::new(world, name, inbound).and_out(check::trunks(world, None, &abroad, true)?);
        let pool = block(world, &mut post.rng, nation, 3);
        let moments = Arrivals::daily(world, self.calls_per_day);
        Ok(vec![Paced::boxed(world, name, [moments], CallsBack { post, pool, spec: self.clone() })])
    }
}

struct CallsBack {
    post: Post,
    pool: String,
    spec: CallBackService,
}

impl Maker for CallsBack {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let subscriber = self.post.subscriber();
        let rng = &mut self.post.rng;
        // The first number is the one to ring.
        let access = number_of(&self.pool, 3, 0);
        let alert_after = self.post.habits.alerting(rng);
        let refused = End::Refused { after: between(rng, 0.5, 2.5), cause: 17 };
        let parties = (subscriber.clone(), access);
        let course = (Some(alert_after), refused);
        let Some(trigger) = self.post.outbound(at, parties, course, "call_back_trigger") else { return };
        let later = trigger.end_at() + between(&mut self.post.rng, 3.0, 10.0);
        out.push(trigger);
        let number = number_of(&self.pool, 3, below(&mut self.post.rng, self.spec.numbers));
        let course = match chance(&mut self.post.rng, self.spec.answered) {
            true => {
                let rng = &mut self.post.rng;
                let (ring, talk) = (gamma(rng, 4.0, 2.2, 30.0), lognormal_of_mean(rng, 180.0, 1.1, 7_200.0));
                self.post.machine(ring, talk, Side::Called)
            }
            false => self.post.missed(),
        };
        if let Some(mut call) = self.post.inbound(later, (number, subscriber), course, "call_back_service") {
            call.equipment = 64;
            out.push(call);
        }
    }
}

impl ContractedFlash {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::positive("calls", self.calls, 100_000_000.0)?;
        check::after("after-s", self.after_s)?;
        check::span("for-s", self.for_s)?;
        check::positive("ring-most-s", self.ring_most_s, 30.0)?;
        check::share("by-handset", self.by_handset)?;
        check::share("retried", self.retried)?;
        let trunk = check::trunk(world, &self.trunk)?;
        if world.trunk(trunk).class != RouteClass::White {
            return Err(format!("trunk: `{}` is not of class white", self.trunk));
        }
        let mut post = Post::new(world, name, vec![trunk]);
        let nation = check::country(world, self.country.as_deref())?;
        let pool = block(world, &mut post.rng, nation, 4);
        let moments = within(world, self.calls / (1.0 + self.retried), (self.after_s, self.for_s));
        Ok(vec![Paced::boxed(world, name, moments, Sender { post, trunk, pool, spec: self.clone() })])
    }
}

struct Sender {
    post: Post,
    trunk: TrunkId,
    pool: String,
    spec: ContractedFlash,
}

impl Sender {
    fn call(&mut self, at: At, called: String) -> Attempt {
        let rng = &mut self.post.rng;
        let number = number_of(&self.pool, 4, below(rng, 10_000));
        let after = between(rng, 0.3, self.spec.ring_most_s.max(0.3));
        let end = match chance(rng, self.spec.by_handset) {
            true => End::Refused { after, cause: if chance(rng, 0.6) { 21 } else { 17 } },
            false => End::GivenUp { after, cause: 16 },
        };
        let course = (Some(self.post.habits.alerting(rng)), end);
        let truth = Truth { label: "flash", ..Truth::normal("contracted") };
        let attempt = Attempt::new(at, self.trunk, (number, called), truth).with(course);
        Attempt { equipment: 65, ..attempt }
    }
}

impl Maker for Sender {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let called = self.post.subscriber();
        let call = self.call(at, called.clone());
        let later = call.end_at() + between(&mut self.post.rng, 20.0, 60.0);
        out.push(call);
        if chance(&mut self.post.rng, self.spec.retried) {
            out.push(self.call(later, called));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::people::testing::{
        attempts_of, calling, distinct, is_answered, of_kind, percentile, refusal_of, share, unanswered_rings,
    };

    #[test]
    fn who_rings_is_called_back_within_seconds() {
        let attempts =
            attempts_of("kind = \"call-back-service\"\ncountry = \"LT\"\nnumbers = 40\ncalls-per-day = 400");
        let triggers = of_kind(&attempts, "call_back_trigger");
        let calls = of_kind(&attempts, "call_back_service");
        assert_eq!(share(&triggers, is_answered), 0.0);
        assert!((0.85..0.95).contains(&share(&calls, is_answered)));
        for call in &calls {
            let fits = |one: &Attempt| {
                calling(one) == call.called && (3..=10).contains(&call.setup_at.since(one.end_at()).as_secs())
            };
            assert!(triggers.iter().any(fits));
        }
        assert!(distinct(&calls, calling) > 30);
    }

    #[test]
    fn contracted_senders_flash_on_their_route() {
        let population = "kind = \"contracted-flash\"\ntrunk = \"otp-1\"\ncalls = 1_000\nfor-s = 3_600";
        let attempts = attempts_of(population);
        assert!((880..1_120).contains(&attempts.len()));
        assert!(attempts.iter().all(|one| one.truth.label == "flash" && one.truth.kind == "contracted"));
        assert_eq!(share(&attempts, is_answered), 0.0);
        assert!(percentile(&unanswered_rings(&attempts), 1.0) < 2.0);
        assert!(distinct(&attempts, calling) > 850);
        let refused = refusal_of(&population.replace("otp-1", "nat-sip-1"));
        assert_eq!(refused, "trunk: `nat-sip-1` is not of class white");
    }
}
