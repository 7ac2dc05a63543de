//! Offices with a block of 10,000 numbers, any of which may call.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::attempt::End;
use crate::simulate::draw::{below, chance, lognormal};
use crate::simulate::people::check;
use crate::simulate::people::hash::mix;
use crate::simulate::people::paced::{Hours, Maker, Note, Paced, at_hours};
use crate::simulate::people::post::{BUSINESSES, Post, block, number_of};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// An office with a block of 10,000 numbers, any of which may call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Enterprise {
    /// Calls out of the office a working day.
    pub calls_per_day: f64,
    /// Extensions in use; 1 to 10,000. Assumption.
    #[serde(default = "extensions")]
    pub extensions: u64,
    /// Share answered: 0.53 for a known business. Hiya 2019.
    #[serde(default = "answered")]
    pub answered: f64,
    /// Share of calls to somebody the extension has called before. Assumption.
    #[serde(default = "known")]
    pub known: f64,
    /// Share that shows the main number in place of the extension. Assumption.
    #[serde(default = "main_number")]
    pub main_number: f64,
    /// The trunk it comes by; those of businesses and other operators when left out.
    pub trunk: Option<String>,
}

const fn extensions() -> u64 {
    4_000
}

const fn answered() -> f64 {
    0.53
}

const fn known() -> f64 {
    0.6
}

const fn main_number() -> f64 {
    0.3
}

impl Enterprise {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::positive("calls-per-day", self.calls_per_day, 10_000_000.0)?;
        check::count("extensions", self.extensions, 10_000)?;
        check::share("answered", self.answered)?;
        check::share("known", self.known)?;
        check::share("main-number", self.main_number)?;
        let trunk = self.trunk.as_deref();
        let trunks = check::trunks(world, trunk, &BUSINESSES, false)?;
        let back = match trunk {
            Some(_) => trunks.iter().copied().filter(|id| world.trunk(*id).takes(true)).collect(),
            None => world.trunks_for(&BUSINESSES, true),
        };
        let mut post = Post::new(world, name, trunks).and_out(back);
        let office = block(world, &mut post.rng, world.home(), 4);
        let salt = below(&mut post.rng, u64::MAX);
        let hours = Hours { from: 8.0, to: 18.0, weekends: false };
        let moments = at_hours(world, self.calls_per_day, hours);
        Ok(vec![Paced::boxed(world, name, moments, Office { post, office, salt, spec: self.clone() })])
    }
}

struct Office {
    post: Post,
    office: String,
    salt: u64,
    spec: Enterprise,
}

impl Maker for Office {
    fn make(&mut self, at: At, out: &mut Agenda) {
        // Extensions in use lie all over the block.
        let which = below(&mut self.post.rng, self.spec.extensions) * 10_000 / self.spec.extensions;
        let extension = number_of(&self.office, 4, which);
        let called = match chance(&mut self.post.rng, self.spec.known) {
            true => {
                let contact = mix(mix(self.salt, which), below(&mut self.post.rng, 5));
                self.post.world.subscriber(contact % self.post.world.subscribers())
            }
            false => self.post.subscriber(),
        };
        let course = self.post.course(self.spec.answered, self.post.habits.talk_mean_s);
        let parties = (extension.clone(), called.clone());
        let Some(mut call) = self.post.inbound(at, parties, course, "enterprise") else { return };
        let is_missed = !matches!(call.end, End::Answered { .. }) && call.alert_after.is_some();
        let mut known_as = extension;
        if chance(&mut self.post.rng, self.spec.main_number) {
            known_as = number_of(&self.office, 4, 0);
            call.presented = Some(known_as.clone());
        }
        let later = call.end_at() + lognormal(&mut self.post.rng, 900.0, 1.2, 4.0 * 3_600.0);
        call.equipment = 62;
        out.push(call);
        if is_missed && chance(&mut self.post.rng, self.post.habits.called_back) {
            let course = self.post.course(0.8, self.post.habits.talk_mean_s);
            let later = later.max(at + Duration::from_secs(1));
            out.note(self.post.outbound(later, (called, known_as), course, "enterprise_call_back"));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::simulate::people::testing::{
        attempts_of, called, calling, distinct, is_answered, of_kind, share,
    };

    #[test]
    fn any_extension_calls_and_half_are_answered() {
        let attempts = attempts_of("kind = \"enterprise\"\ncalls-per-day = 5_000");
        let calls = of_kind(&attempts, "enterprise");
        assert!((4_700..5_300).contains(&calls.len()), "{}", calls.len());
        assert!(distinct(&calls, calling) > 2_000);
        let block = &calling(&calls[0])[..7];
        assert!(calls.iter().all(|one| calling(one).starts_with(block)));
        let answered = share(&calls, is_answered);
        assert!((0.50..0.58).contains(&answered), "{answered}");
        assert!(distinct(&calls, called) < calls.len() * 9 / 10, "partners are called again");
        let main = share(&calls, |one| one.presented.is_some());
        assert!((0.27..0.33).contains(&main), "{main}");
        assert!(of_kind(&attempts, "enterprise_call_back").iter().all(|one| one.is_outbound));
    }
}
