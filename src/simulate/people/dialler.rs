//! Call centres with predictive diallers.

use std::sync::Arc;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::attempt::{Attempt, End, Side};
use crate::simulate::draw::{below, between, chance, seconds};
use crate::simulate::people::check;
use crate::simulate::people::paced::{Hours, Maker, Note, Paced, at_hours};
use crate::simulate::people::post::{BUSINESSES, Post, block, number_of};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// When people may be called. Assumption.
const HOURS: Hours = Hours { from: 9.0, to: 20.0, weekends: false };

/// A call centre that dials ahead of its agents and shows one of a pool of numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Diallers {
    /// Numbers of the pool; 1 to 10,000.
    pub numbers: u64,
    /// Calls a working day.
    pub calls_per_day: f64,
    /// Share answered: 0.20 to 0.40. Reference list of hard negatives, item 3.
    #[serde(default = "answered")]
    pub answered: f64,
    /// Share of answered calls without an agent, cut at once: 0.03. The same.
    #[serde(default = "abandoned")]
    pub abandoned: f64,
    /// How long it lets the phone ring, in seconds, always alike. Assumption.
    #[serde(default = "patience_s")]
    pub patience_s: f64,
    /// Mean duration with an agent, in seconds: unidentified callers' 35. Hiya 2019.
    #[serde(default = "talk_mean_s")]
    pub talk_mean_s: f64,
    /// Share of unanswered people who are called again on the day, from any number of the pool. Assumption.
    #[serde(default = "retried")]
    pub retried: f64,
    /// Where the pool's numbers are: letters of a country; home when left out.
    pub country: Option<String>,
    /// The trunk it comes by; by country when left out.
    pub trunk: Option<String>,
}

const fn answered() -> f64 {
    0.3
}

const fn abandoned() -> f64 {
    0.03
}

const fn patience_s() -> f64 {
    18.0
}

const fn talk_mean_s() -> f64 {
    35.0
}

const fn retried() -> f64 {
    0.2
}

impl Diallers {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::count("numbers", self.numbers, 10_000)?;
        check::positive("calls-per-day", self.calls_per_day, 10_000_000.0)?;
        check::share("answered", self.answered)?;
        check::share("abandoned", self.abandoned)?;
        check::positive("patience-s", self.patience_s, 120.0)?;
        check::positive("talk-mean-s", self.talk_mean_s, 3_600.0)?;
        check::share("retried", self.retried)?;
        let nation = check::country(world, self.country.as_deref())?;
        let is_home = nation.iso == world.home().iso;
        let classes: &[RouteClass] = if is_home { &BUSINESSES } else { &[RouteClass::International] };
        let trunks = check::trunks(world, self.trunk.as_deref(), classes, false)?;
        let mut post = Post::new(world, name, trunks);
        let pool = block(world, &mut post.rng, nation, 4);
        // People who do not answer are called again.
        let first_calls = self.calls_per_day / (1.0 + self.retried * (1.0 - self.answered));
        let moments = at_hours(world, first_calls, HOURS);
        Ok(vec![Paced::boxed(world, name, moments, Centre { post, pool, spec: self.clone() })])
    }
}

struct Centre {
    post: Post,
    pool: String,
    spec: Diallers,
}

impl Centre {
    fn call(&mut self, at: At, called: String) -> Option<Attempt> {
        let number = number_of(&self.pool, 4, below(&mut self.post.rng, self.spec.numbers));
        let course = match chance(&mut self.post.rng, self.spec.answered) {
            true if chance(&mut self.post.rng, self.spec.abandoned) => {
                let (ring, cut) =
                    (self.post.habits.answer(&mut self.post.rng), between(&mut self.post.rng, 0.8, 2.0));
                self.post.machine(ring, cut, Side::Calling)
            }
            true => self.post.answered(self.spec.talk_mean_s),
            // Some are busy, off or refuse; the others ring for as long as the machine lets them.
            false if chance(&mut self.post.rng, 0.3) => self.post.missed(),
            false => {
                let patience = self.spec.patience_s + between(&mut self.post.rng, 0.0, 0.3).as_secs_f64();
                self.post.given_up(seconds(patience))
            }
        };
        let mut attempt = self.post.inbound(at, (number, called), course, "predictive_dialler")?;
        attempt.equipment = 61;
        Some(attempt)
    }
}

impl Maker for Centre {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let called = self.post.subscriber();
        let Some(attempt) = self.call(at, called.clone()) else { return };
        let was_answered = matches!(attempt.end, End::Answered { .. });
        let later = attempt.end_at() + between(&mut self.post.rng, 3_600.0, 3.0 * 3_600.0);
        out.push(attempt);
        let is_late = self.post.world.hour_at(later, self.post.world.home()) >= HOURS.to;
        if !was_answered && !is_late && chance(&mut self.post.rng, self.spec.retried) {
            out.note(self.call(later, called));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::people::testing::{
        attempts_in, attempts_of, called, calling, distinct, is_answered, median, share, unanswered_rings,
        world_of,
    };

    const CENTRE: &str = "kind = \"diallers\"\nnumbers = 50\ncalls-per-day = 6_000";

    #[test]
    fn few_answer_and_some_of_those_hear_nobody() {
        let attempts = attempts_of(CENTRE);
        assert!((5_500..6_500).contains(&attempts.len()), "{}", attempts.len());
        assert_eq!(distinct(&attempts, calling), 50);
        assert!(distinct(&attempts, called) > 1_500);
        let answered: Vec<Attempt> = attempts.iter().filter(|one| is_answered(one)).cloned().collect();
        let found = answered.len() as f64 / attempts.len() as f64;
        assert!((0.27..0.36).contains(&found), "{found}");
        let is_cut = |one: &Attempt| matches!(one.end, End::Answered { talk, by: Side::Calling, .. } if talk.as_secs_f64() <= 2.0);
        let abandoned = share(&answered, is_cut);
        assert!((0.02..0.06).contains(&abandoned), "{abandoned}");
        assert!((18.0..18.4).contains(&median(&unanswered_rings(&attempts))));
    }

    #[test]
    fn works_in_its_hours_only() {
        let span = "start = 2026-11-21T00:00:00Z\nhours = 72";
        let world = world_of(span);
        let attempts = attempts_in(span, CENTRE);
        assert!(attempts.iter().all(|one| world.weekday_at(one.setup_at) < 5));
        assert!(
            attempts.iter().all(|one| { (9.0..20.0).contains(&world.hour_at(one.setup_at, world.home())) })
        );
    }
}
