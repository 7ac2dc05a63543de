//! Businesses of the country whose telephone system is hosted abroad: national numbers from abroad, with proof.

use std::sync::Arc;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::draw::{below, chance};
use crate::simulate::people::check;
use crate::simulate::people::hash::mix;
use crate::simulate::people::paced::{Hours, Maker, Note, Paced, at_hours};
use crate::simulate::people::post::{Post, block, number_of};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// A cloud exchange abroad for businesses of the country. Reference list of hard negatives, item 12.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CloudPbx {
    /// Numbers; 1 to 1,000, which is its block.
    pub numbers: u64,
    /// Calls a working day.
    pub calls_per_day: f64,
    /// Share answered: 0.53 for a known business. Hiya 2019.
    #[serde(default = "answered")]
    pub answered: f64,
    /// The trunk it comes by; every international one when left out.
    pub trunk: Option<String>,
}

const fn answered() -> f64 {
    0.53
}

impl CloudPbx {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::count("numbers", self.numbers, 1_000)?;
        check::positive("calls-per-day", self.calls_per_day, 10_000_000.0)?;
        check::share("answered", self.answered)?;
        let trunks = check::trunks(world, self.trunk.as_deref(), &[RouteClass::International], false)?;
        let post = Post::new(world, name, trunks);
        let hours = Hours { from: 8.0, to: 18.0, weekends: false };
        let moments = at_hours(world, self.calls_per_day, hours);
        let cloud = Cloud { post, prefix: self.exempt(world, name), spec: self.clone() };
        Ok(vec![Paced::boxed(world, name, moments, cloud)])
    }

    /// Beginning of its numbers, for which there is proof.
    pub(super) fn exempt(&self, world: &World, name: &str) -> String {
        block(world, &mut world.rng(&format!("{name}/block")), world.home(), 3)
    }
}

struct Cloud {
    post: Post,
    prefix: String,
    spec: CloudPbx,
}

impl Maker for Cloud {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let which = below(&mut self.post.rng, self.spec.numbers);
        let number = number_of(&self.prefix, 3, which);
        // Half of the calls go to customers who were called before. Assumption.
        let called = match chance(&mut self.post.rng, 0.5) {
            true => {
                let customer = mix(which, below(&mut self.post.rng, 8));
                self.post.world.subscriber(customer % self.post.world.subscribers())
            }
            false => self.post.subscriber(),
        };
        let course = self.post.course(self.spec.answered, self.post.habits.talk_mean_s);
        let call = self.post.inbound(at, (number, called), course, "cloud_pbx");
        out.note(call.map(|mut call| {
            call.equipment = 63;
            call
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::people::testing::{attempts_of, calling, exempt_of, is_answered, share, world_of};

    #[test]
    fn national_numbers_come_from_abroad_and_are_exempt() {
        let population = "kind = \"cloud-pbx\"\nnumbers = 60\ncalls-per-day = 2_000";
        let (world, attempts) = (world_of(""), attempts_of(population));
        let exempt = exempt_of(population);
        assert_eq!(exempt.len(), 1);
        assert!(exempt[0].starts_with("48"));
        assert!(attempts.iter().all(|one| calling(one).starts_with(&exempt[0])));
        assert!(attempts.iter().all(|one| world.trunk(one.trunk).class == RouteClass::International));
        let answered = share(&attempts, is_answered);
        assert!((0.49..0.59).contains(&answered), "{answered}");
    }
}
