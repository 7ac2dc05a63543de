//! Reminders of hospitals and schools: thousands of calls within minutes.

use std::sync::Arc;

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::attempt::Side;
use crate::simulate::draw::{below, between, chance, seconds};
use crate::simulate::people::check;
use crate::simulate::people::paced::{Maker, Note, Paced, within};
use crate::simulate::people::post::{BUSINESSES, Post, block, number_of};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// Reminders of a hospital, or news of a school: thousands of calls in ten minutes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reminders {
    /// Calling numbers; 1 to 100.
    #[serde(default = "one")]
    pub numbers: u64,
    /// Calls in all: thousands. Reference list of hard negatives, item 4.
    pub calls: f64,
    /// Start, in seconds after that of the scenario.
    pub after_s: f64,
    /// How long it lasts, in seconds: ten minutes. The same.
    #[serde(default = "ten_minutes")]
    pub for_s: f64,
    /// Share answered: 0.30 to 0.50. The same.
    #[serde(default = "answered")]
    pub answered: f64,
    /// How long it lets the phone ring, in seconds. Assumption.
    #[serde(default = "patience_s")]
    pub patience_s: f64,
    /// How long the message lasts, in seconds. Assumption.
    #[serde(default = "message_s")]
    pub message_s: f64,
    /// The trunk it comes by; those of businesses and other operators when left out.
    pub trunk: Option<String>,
}

const fn one() -> u64 {
    1
}

const fn ten_minutes() -> f64 {
    600.0
}

const fn answered() -> f64 {
    0.4
}

const fn patience_s() -> f64 {
    25.0
}

const fn message_s() -> f64 {
    18.0
}

impl Reminders {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::count("numbers", self.numbers, 100)?;
        check::positive("calls", self.calls, 10_000_000.0)?;
        check::after("after-s", self.after_s)?;
        check::span("for-s", self.for_s)?;
        check::share("answered", self.answered)?;
        check::positive("patience-s", self.patience_s, 120.0)?;
        check::positive("message-s", self.message_s, 600.0)?;
        let trunks = check::trunks(world, self.trunk.as_deref(), &BUSINESSES, false)?;
        let mut post = Post::new(world, name, trunks);
        let office = block(world, &mut post.rng, world.home(), 2);
        let moments = within(world, self.calls, (self.after_s, self.for_s));
        Ok(vec![Paced::boxed(world, name, moments, Blast { post, office, spec: self.clone() })])
    }
}

struct Blast {
    post: Post,
    office: String,
    spec: Reminders,
}

impl Maker for Blast {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let number = number_of(&self.office, 2, below(&mut self.post.rng, self.spec.numbers));
        let called = self.post.subscriber();
        let rng = &mut self.post.rng;
        let course = match chance(rng, self.spec.answered) {
            true => {
                let ring = self.post.habits.answer(rng);
                // Some hang up before the message ends.
                let heard = if chance(rng, 0.3) { between(rng, 0.1, 1.0).as_secs_f64() } else { 1.0 };
                let by = if heard < 1.0 { Side::Called } else { Side::Calling };
                self.post.machine(ring, seconds(self.spec.message_s * heard), by)
            }
            false if chance(rng, 0.35) => self.post.missed(),
            false => self.post.given_up(seconds(self.spec.patience_s)),
        };
        out.note(self.post.inbound(at, (number, called), course, "reminder"));
    }
}

#[cfg(test)]
mod tests {
    use crate::simulate::people::testing::{
        attempts_of, called, calling, distinct, is_answered, median, share, unanswered_rings,
    };

    #[test]
    fn thousands_are_called_in_ten_minutes_and_a_part_answers() {
        for numbers in [1, 8] {
            let attempts = attempts_of(&format!(
                "kind = \"reminders\"\nnumbers = {numbers}\ncalls = 3_000\nafter-s = 36_000"
            ));
            assert!((2_800..3_200).contains(&attempts.len()), "{}", attempts.len());
            let first = attempts.first().map(|one| one.setup_at).unwrap_or_default();
            assert!(attempts.iter().all(|one| one.setup_at.since(first).as_secs() <= 600));
            assert_eq!(distinct(&attempts, calling), numbers);
            assert!(distinct(&attempts, called) > 1_000);
            let answered = share(&attempts, is_answered);
            assert!((0.35..0.48).contains(&answered), "{answered}");
            assert!((24.0..26.0).contains(&median(&unanswered_rings(&attempts))));
        }
    }
}
