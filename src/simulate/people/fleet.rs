//! Couriers and taxi drivers: one number, a day full of strangers, many of whom do not answer.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::draw::{Rng, below, between, chance, lognormal};
use crate::simulate::people::check;
use crate::simulate::people::habits::Course;
use crate::simulate::people::hash::{mix, unit};
use crate::simulate::people::paced::{Hours, Maker, Note, Paced, at_hours};
use crate::simulate::people::post::Post;
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// Called people of a courier a day. Reference list of hard negatives, item 2.
const CALLS_A_DAY: (f64, f64) = (40.0, 120.0);
/// Share of a courier's calls that are not answered. The same.
const UNANSWERED: (f64, f64) = (0.30, 0.60);
/// Ring time of those, in seconds. The same.
const RING_S: (f64, f64) = (8.0, 25.0);

/// Couriers and taxi drivers of other operators of the country.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Couriers {
    /// How many couriers, 40 to 120 calls a day each.
    pub couriers: u64,
    /// How many taxi drivers.
    #[serde(default = "one")]
    pub taxis: u64,
    /// Calls of a taxi driver a day. Assumption.
    #[serde(default = "taxi_calls")]
    pub taxi_calls_per_day: f64,
    /// Share of those that only say "I am outside": one ring or two. Assumption.
    #[serde(default = "outside")]
    pub outside: f64,
    /// Share of missed calls that the courier tries again. Assumption.
    #[serde(default = "retried")]
    pub retried: f64,
    /// Share of missed calls that the called person returns. Assumption.
    #[serde(default = "called_back")]
    pub called_back: f64,
    /// The trunk they come by; every national one when left out.
    pub trunk: Option<String>,
}

const fn one() -> u64 {
    1
}

const fn taxi_calls() -> f64 {
    20.0
}

const fn outside() -> f64 {
    0.4
}

const fn retried() -> f64 {
    0.3
}

const fn called_back() -> f64 {
    0.15
}

impl Couriers {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::count("couriers", self.couriers, 1_000_000)?;
        check::count("taxis", self.taxis, 1_000_000)?;
        check::positive("taxi-calls-per-day", self.taxi_calls_per_day, 1_000.0)?;
        check::share("outside", self.outside)?;
        check::share("retried", self.retried)?;
        check::share("called-back", self.called_back)?;
        let classes = [RouteClass::National];
        let inbound = check::trunks(world, self.trunk.as_deref(), &classes, false)?;
        let outbound = world.trunks_for(&classes, true);
        let post =
            |part| Post::new(world, &format!("{name}/{part}"), inbound.clone()).and_out(outbound.clone());
        let salt = below(&mut world.rng(&format!("{name}/salt")), 1 << 31);
        let deliveries = self.couriers as f64 * (CALLS_A_DAY.0 + CALLS_A_DAY.1) / 2.0;
        let couriers = Deliveries { post: post("courier"), salt, spec: self.clone() };
        // Retries are calls as well.
        let first_calls = deliveries / (1.0 + self.retried * (UNANSWERED.0 + UNANSWERED.1) / 2.0);
        let by_day = Hours { from: 8.0, to: 20.0, weekends: true };
        let taxis = Taxis { post: post("taxi"), salt: salt + self.couriers, spec: self.clone() };
        let rides = self.taxis as f64 * self.taxi_calls_per_day;
        let day_and_night = Hours { from: 0.0, to: 24.0, weekends: true };
        Ok(vec![
            Paced::boxed(world, &format!("{name}/courier"), at_hours(world, first_calls, by_day), couriers),
            Paced::boxed(world, &format!("{name}/taxi"), at_hours(world, rides, day_and_night), taxis),
        ])
    }
}

struct Deliveries {
    post: Post,
    salt: u64,
    spec: Couriers,
}

impl Deliveries {
    /// A courier, the busier the likelier, and the share of theirs that nobody answers.
    fn pick(&mut self) -> (u64, f64) {
        loop {
            let index = self.salt + below(&mut self.post.rng, self.spec.couriers);
            let calls = within(CALLS_A_DAY, unit(mix(index, 1)));
            if chance(&mut self.post.rng, calls / CALLS_A_DAY.1) {
                return (index, within(UNANSWERED, unit(mix(index, 2))));
            }
        }
    }
}

impl Maker for Deliveries {
    fn make(&mut self, mut at: At, out: &mut Agenda) {
        let (index, unanswered) = self.pick();
        let (courier, customer) = (self.post.world.other_mobile(index), self.post.subscriber());
        for _ in 0..2 {
            let is_missed = chance(&mut self.post.rng, unanswered);
            let course = match is_missed {
                true => missed(&mut self.post),
                false => self.post.answered(30.0),
            };
            let parties = (courier.clone(), customer.clone());
            let Some(call) = self.post.inbound(at, parties, course, "courier") else { return };
            at = call.end_at() + lognormal(&mut self.post.rng, 90.0, 0.6, 1_800.0);
            out.push(call);
            if is_missed && chance(&mut self.post.rng, self.spec.called_back) {
                let course = self.post.course(0.8, 30.0);
                out.note(self.post.outbound(at, (customer, courier), course, "courier_call_back"));
                return;
            }
            if !is_missed || !chance(&mut self.post.rng, self.spec.retried) {
                return;
            }
        }
    }
}

struct Taxis {
    post: Post,
    salt: u64,
    spec: Couriers,
}

impl Maker for Taxis {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let index = self.salt + below(&mut self.post.rng, self.spec.taxis);
        let parties = (self.post.world.other_mobile(index), self.post.subscriber());
        if chance(&mut self.post.rng, self.spec.outside) {
            let ring = lognormal(&mut self.post.rng, 5.0, 0.4, 15.0);
            let course = self.post.given_up(ring);
            out.note(self.post.inbound(at, parties, course, "taxi_outside"));
            return;
        }
        let course = self.post.course(0.7, 25.0);
        out.note(self.post.inbound(at, parties, course, "taxi"));
    }
}

/// Nobody answers the courier: mostly it rings out.
fn missed(post: &mut Post) -> Course {
    if chance(&mut post.rng, 0.85) {
        let after = ring_out(&mut post.rng);
        return post.given_up(after);
    }
    post.missed()
}

fn ring_out(rng: &mut Rng) -> Duration {
    between(rng, RING_S.0, RING_S.1)
}

fn within((from, to): (f64, f64), unit: f64) -> f64 {
    from + unit * (to - from)
}

#[cfg(test)]
mod tests {
    use crate::simulate::people::testing::{
        attempts_of, called, calling, distinct, is_answered, median, of_kind, percentile, share,
        unanswered_rings,
    };

    #[test]
    fn couriers_call_many_and_half_of_them_do_not_answer() {
        let attempts = attempts_of("kind = \"couriers\"\ncouriers = 40\ntaxis = 30");
        let calls = of_kind(&attempts, "courier");
        let each = calls.len() as f64 / 40.0;
        assert!((70.0..90.0).contains(&each), "{each}");
        assert_eq!(distinct(&calls, calling), 40);
        assert!(distinct(&calls, called) > 1_000);
        let unanswered = share(&calls, |one| !is_answered(one));
        assert!((0.38..0.52).contains(&unanswered), "{unanswered}");
        let rings = unanswered_rings(&calls);
        assert!((14.0..19.0).contains(&median(&rings)), "{}", median(&rings));
        assert!(percentile(&rings, 0.08) >= 7.0 && percentile(&rings, 0.92) <= 27.0);
        for number in calls.iter().map(calling).collect::<std::collections::BTreeSet<_>>() {
            let count = calls.iter().filter(|one| calling(one) == number).count();
            assert!((25..140).contains(&count), "{number} {count}");
        }
    }

    #[test]
    fn taxis_ring_once_outside() {
        let attempts = attempts_of("kind = \"couriers\"\ncouriers = 1\ntaxis = 60");
        let outside = of_kind(&attempts, "taxi_outside");
        assert_eq!(share(&outside, is_answered), 0.0);
        assert!((4.0..6.0).contains(&median(&unanswered_rings(&outside))));
        let rides = (outside.len() + of_kind(&attempts, "taxi").len()) as f64 / 60.0;
        assert!((18.0..22.0).contains(&rides), "{rides}");
    }
}
