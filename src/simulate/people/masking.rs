//! Numbers that stand between driver and rider, each used by many pairs in turn.

use std::sync::Arc;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::draw::{below, between, chance, lognormal};
use crate::simulate::people::check;
use crate::simulate::people::paced::{Maker, Note, Paced};
use crate::simulate::people::post::{BUSINESSES, Post, block, number_of};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// The numbers of a ride-hailing service. Every figure here is an assumption.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Masking {
    /// Numbers of the pool, consecutive; 1 to 10,000.
    pub numbers: u64,
    /// Rides a day, each with one to three calls.
    pub rides_per_day: f64,
    /// Share of calls answered: somewhat more than of other businesses' (0.53, Hiya 2019), as they are waited for.
    #[serde(default = "answered")]
    pub answered: f64,
    /// Share of calls that ring only briefly: the other one is already in sight.
    #[serde(default = "in_sight")]
    pub in_sight: f64,
    /// Mean duration in seconds.
    #[serde(default = "talk_mean_s")]
    pub talk_mean_s: f64,
    /// Where the pool's numbers are: letters of a country; home when left out.
    pub country: Option<String>,
    /// The trunk it comes by; by country when left out.
    pub trunk: Option<String>,
}

const fn answered() -> f64 {
    0.6
}

const fn in_sight() -> f64 {
    0.12
}

const fn talk_mean_s() -> f64 {
    25.0
}

impl Masking {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::count("numbers", self.numbers, 10_000)?;
        check::positive("rides-per-day", self.rides_per_day, 10_000_000.0)?;
        check::share("answered", self.answered)?;
        check::share("in-sight", self.in_sight)?;
        check::positive("talk-mean-s", self.talk_mean_s, 3_600.0)?;
        let nation = check::country(world, self.country.as_deref())?;
        let is_home = nation.iso == world.home().iso;
        let classes: &[RouteClass] = if is_home { &BUSINESSES } else { &[RouteClass::International] };
        let trunks = check::trunks(world, self.trunk.as_deref(), classes, false)?;
        let mut post = Post::new(world, name, trunks).and_out(world.trunks_for(classes, true));
        let pool = block(world, &mut post.rng, nation, 4);
        let moments = Arrivals::daily(world, self.rides_per_day);
        Ok(vec![Paced::boxed(world, name, [moments], Rides { post, pool, spec: self.clone() })])
    }
}

struct Rides {
    post: Post,
    pool: String,
    spec: Masking,
}

impl Maker for Rides {
    fn make(&mut self, mut at: At, out: &mut Agenda) {
        let number = number_of(&self.pool, 4, below(&mut self.post.rng, self.spec.numbers));
        let subscriber = self.post.subscriber();
        for _ in 0..1 + below(&mut self.post.rng, 3) {
            let rng = &mut self.post.rng;
            let is_brief = chance(rng, self.spec.in_sight);
            let ring = between(rng, 2.0, 7.0);
            // The service hangs up for both sides, so that neither learns the other's number.
            let course = match is_brief {
                true => self.post.given_up(ring),
                false => {
                    self.post.course(self.spec.answered / (1.0 - self.spec.in_sight), self.spec.talk_mean_s)
                }
            };
            // Riders call the pool as well.
            let attempt = match chance(&mut self.post.rng, 0.35) {
                true => self.post.outbound(at, (subscriber.clone(), number.clone()), course, "masking"),
                false => self.post.inbound(at, (number.clone(), subscriber.clone()), course, "masking"),
            };
            let Some(attempt) = attempt else { continue };
            at = attempt.end_at() + lognormal(&mut self.post.rng, 60.0, 0.8, 1_200.0);
            out.note(Some(attempt));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::simulate::attempt::Attempt;
    use crate::simulate::people::testing::{attempts_of, called, calling, distinct, is_answered, share};

    #[test]
    fn each_number_is_used_by_many_for_short_calls() {
        let attempts = attempts_of("kind = \"masking\"\nnumbers = 80\nrides-per-day = 2_000");
        let inbound: Vec<Attempt> = attempts.iter().filter(|one| !one.is_outbound).cloned().collect();
        assert_eq!(distinct(&inbound, calling), 80);
        assert!(distinct(&inbound, called) > 800);
        let answered = share(&attempts, is_answered);
        assert!((0.55..0.65).contains(&answered), "{answered}");
        let outbound = share(&attempts, |one| one.is_outbound);
        assert!((0.30..0.40).contains(&outbound), "{outbound}");
    }
}
