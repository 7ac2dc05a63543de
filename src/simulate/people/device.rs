//! Machines that call one number: doorbells and alarms that ring without being answered, gates that open by a call,
//! fax.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::attempt::{End, Side};
use crate::simulate::draw::{below, between, chance, lognormal, seconds, weighted};
use crate::simulate::people::check;
use crate::simulate::people::hash::{mix, unit};
use crate::simulate::people::paced::{Hours, Maker, Note, Paced, at_hours};
use crate::simulate::people::post::{BUSINESSES, Post};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// Doorbells, alarms and gates: one calling number to one called number, unanswered by design. Reference list of hard
/// negatives, item 7; every figure here is an assumption.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Devices {
    /// How many of each kind.
    pub each: u64,
    /// Times a doorbell or gate calls a day.
    #[serde(default = "per_day")]
    pub per_day: f64,
    /// How long a doorbell rings, in seconds, always alike.
    #[serde(default = "doorbell_s")]
    pub doorbell_s: f64,
    /// How long an alarm rings, in seconds, three times in a row.
    #[serde(default = "alarm_s")]
    pub alarm_s: f64,
    /// After how many seconds of ringing a gate refuses, having seen who calls.
    #[serde(default = "gate_s")]
    pub gate_s: f64,
    /// The trunk they come by; those of businesses and other operators when left out.
    pub trunk: Option<String>,
}

/// Fax machines of other operators and of the operator's business customers. Every figure here is an assumption.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Fax {
    /// Calls a working day.
    pub calls_per_day: f64,
    /// Machines on the operator's side.
    #[serde(default = "machines")]
    pub machines: u64,
    /// Share busy, tried again after some minutes.
    #[serde(default = "busy")]
    pub busy: f64,
    /// The trunk they come by; those of businesses and other operators when left out.
    pub trunk: Option<String>,
}

const fn per_day() -> f64 {
    3.0
}

const fn doorbell_s() -> f64 {
    12.0
}

const fn alarm_s() -> f64 {
    20.0
}

const fn gate_s() -> f64 {
    1.5
}

const fn machines() -> u64 {
    200
}

const fn busy() -> f64 {
    0.15
}

impl Devices {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::count("each", self.each, 10_000_000)?;
        check::positive("per-day", self.per_day, 1_000.0)?;
        check::positive("doorbell-s", self.doorbell_s, 60.0)?;
        check::positive("alarm-s", self.alarm_s, 60.0)?;
        check::positive("gate-s", self.gate_s, 30.0)?;
        let trunks = check::trunks(world, self.trunk.as_deref(), &BUSINESSES, false)?;
        let mut post = Post::new(world, name, trunks).and_out(world.trunks_for(&BUSINESSES, true));
        let salt = below(&mut post.rng, u64::MAX);
        // Alarms hardly ever go off.
        let calls = self.each as f64 * (2.0 * self.per_day + 0.1);
        let moments = Arrivals::daily(world, calls);
        Ok(vec![Paced::boxed(world, name, [moments], Machines { post, salt, spec: self.clone() })])
    }
}

struct Machines {
    post: Post,
    salt: u64,
    spec: Devices,
}

impl Maker for Machines {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let which = below(&mut self.post.rng, self.spec.each);
        let shares = [self.spec.per_day, self.spec.per_day, 0.1].into_iter();
        let sort = weighted(&mut self.post.rng, shares);
        let machine = mix(mix(self.salt, sort as u64), which);
        let number = self.post.world.other_mobile(machine);
        let owner = self.post.world.subscriber(mix(machine, 1) % self.post.world.subscribers());
        let rng = &mut self.post.rng;
        let jitter = between(rng, 0.0, 0.4).as_secs_f64();
        match sort {
            0 => {
                let course = self.post.given_up(seconds(self.spec.doorbell_s + jitter));
                out.note(self.post.inbound(at, (number, owner), course, "doorbell"));
            }
            1 => {
                let cause = if unit(mix(machine, 2)) < 0.5 { 17 } else { 21 };
                let refused = End::Refused { after: seconds(self.spec.gate_s + jitter), cause };
                let course = (Some(self.post.habits.alerting(rng)), refused);
                // The gate has the subscription, or the one who opens it.
                out.note(match unit(mix(machine, 3)) < 0.5 {
                    true => self.post.inbound(at, (number, owner), course, "gate"),
                    false => self.post.outbound(at, (owner, number), course, "gate"),
                });
            }
            _ => {
                let mut at = at;
                for _ in 0..3 {
                    let course = self.post.given_up(seconds(self.spec.alarm_s + jitter));
                    let parties = (number.clone(), owner.clone());
                    let Some(call) = self.post.inbound(at, parties, course, "alarm") else { return };
                    at = call.end_at() + Duration::from_secs(5);
                    out.push(call);
                }
            }
        }
    }
}

impl Fax {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::positive("calls-per-day", self.calls_per_day, 1_000_000.0)?;
        check::count("machines", self.machines, 10_000)?;
        check::share("busy", self.busy)?;
        let trunks = check::trunks(world, self.trunk.as_deref(), &BUSINESSES, false)?;
        let post = Post::new(world, name, trunks);
        let hours = Hours { from: 7.0, to: 19.0, weekends: false };
        let moments = at_hours(world, self.calls_per_day, hours);
        Ok(vec![Paced::boxed(world, name, moments, Pages { post, spec: self.clone() })])
    }
}

struct Pages {
    post: Post,
    spec: Fax,
}

impl Maker for Pages {
    fn make(&mut self, mut at: At, out: &mut Agenda) {
        const TRIES: u32 = 4;
        let sender = below(&mut self.post.rng, 5_000);
        let sender = self.post.world.other_fixed(900_000 + sender);
        // Machines lie apart from each other in the operator's first fixed block.
        let which = below(&mut self.post.rng, self.spec.machines) * 10_000 / self.spec.machines;
        let called = self.post.world.own_fixed(which);
        for _ in 0..TRIES {
            let rng = &mut self.post.rng;
            let is_busy = chance(rng, self.spec.busy);
            let course = match is_busy {
                true => (None, End::Refused { after: between(rng, 0.3, 2.0), cause: 17 }),
                false => {
                    // A machine answers after one ring or two; a page takes most of a minute.
                    let (ring, talk) = (between(rng, 2.0, 8.0), lognormal(rng, 70.0, 0.6, 1_200.0));
                    self.post.machine(ring, talk, Side::Calling)
                }
            };
            let parties = (sender.clone(), called.clone());
            let Some(call) = self.post.inbound(at, parties, course, "fax") else { return };
            at = call.end_at() + between(&mut self.post.rng, 120.0, 180.0);
            out.push(call);
            if !is_busy {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::simulate::people::testing::{
        attempts_of, calling, distinct, is_answered, of_kind, percentile, share, unanswered_rings,
    };

    #[test]
    fn one_number_calls_one_and_is_never_answered() {
        let attempts = attempts_of("kind = \"devices\"\neach = 300");
        assert_eq!(share(&attempts, is_answered), 0.0);
        for (kind, ring_s) in [("doorbell", 12.0), ("gate", 1.5), ("alarm", 20.0)] {
            let calls = of_kind(&attempts, kind);
            assert!(calls.len() > 20, "{kind} {}", calls.len());
            let rings = unanswered_rings(&calls);
            assert!(percentile(&rings, 0.0) >= ring_s && percentile(&rings, 1.0) < ring_s + 0.5, "{kind}");
            let pairs: std::collections::BTreeSet<_> =
                calls.iter().map(|one| (calling(one), one.called.as_str())).collect();
            let callers = distinct(&calls, calling);
            // Owners of several gates call several numbers.
            assert!(pairs.len() <= callers + callers / 10 + 1, "{kind} {} {callers}", pairs.len());
        }
    }

    #[test]
    fn fax_machines_answer_and_busy_ones_are_tried_again() {
        let attempts = attempts_of("kind = \"fax\"\ncalls-per-day = 1_500");
        let answered = share(&attempts, is_answered);
        assert!((0.82..0.88).contains(&answered), "{answered}");
        assert!((1_600..1_950).contains(&attempts.len()), "{}", attempts.len());
    }
}
