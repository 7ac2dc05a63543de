//! Half an hour without a way through, and everybody who tries again.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::attempt::{Attempt, Calling, End, TrunkId, Truth};
use crate::simulate::draw::{below, chance, lognormal};
use crate::simulate::people::check;
use crate::simulate::people::habits::{Course, Habits, Relation, network_failure};
use crate::simulate::people::paced::{Maker, Paced, seconds_long, within};
use crate::simulate::people::talk::{Call, Talk};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// A part of a trunk that fails; what other populations send over the rest goes on. Reference list of hard negatives,
/// item 16; its figures are assumptions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Outage {
    /// The trunk.
    pub trunk: String,
    /// Start, in seconds after that of the scenario.
    pub after_s: f64,
    /// How long it lasts, in seconds: 10 to 30 minutes.
    #[serde(default = "twenty_minutes")]
    pub for_s: f64,
    /// People who want to call meanwhile.
    pub callers: f64,
    /// Share of failing calls that people abandon before anything is heard; the others the network refuses.
    #[serde(default = "abandoned")]
    pub abandoned: f64,
    /// Median time until the next try, in seconds.
    #[serde(default = "redial_s")]
    pub redial_s: f64,
    /// Most tries of one caller.
    #[serde(default = "tries")]
    pub tries: u64,
    /// How people call.
    #[serde(default)]
    pub habits: Habits,
}

const fn twenty_minutes() -> f64 {
    1_200.0
}

const fn abandoned() -> f64 {
    0.4
}

const fn redial_s() -> f64 {
    30.0
}

const fn tries() -> u64 {
    12
}

impl Outage {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::after("after-s", self.after_s)?;
        check::span("for-s", self.for_s)?;
        check::positive("callers", self.callers, 1_000_000.0)?;
        check::share("abandoned", self.abandoned)?;
        check::positive("redial-s", self.redial_s, 3_600.0)?;
        check::count("tries", self.tries, 100)?;
        let trunk = check::trunk(world, &self.trunk)?;
        let talk = Talk::new(world, name, &self.habits)?;
        let moments = within(world, self.callers, (self.after_s, self.for_s));
        let over = world.start() + seconds_long(self.after_s + self.for_s);
        Ok(vec![Paced::boxed(world, name, moments, Failing { talk, trunk, over, spec: self.clone() })])
    }
}

struct Failing {
    talk: Talk,
    trunk: TrunkId,
    /// When calls go through again.
    over: At,
    spec: Outage,
}

impl Failing {
    fn no_way(&mut self) -> Course {
        let rng = &mut self.talk.rng;
        match chance(rng, self.spec.abandoned) {
            true => {
                let after = Duration::from_millis(500) + lognormal(rng, 6.0, 0.6, 40.0);
                (None, End::GivenUp { after, cause: 16 })
            }
            false => network_failure(rng),
        }
    }
}

impl Maker for Failing {
    fn make(&mut self, mut at: At, out: &mut Agenda) {
        let talk = &mut self.talk;
        let class = talk.world.trunk(self.trunk).class;
        let abroad = if class == RouteClass::International { 1.0 } else { 0.0 };
        let index = below(&mut talk.rng, talk.world.subscribers());
        let contact = talk.contact_of(index);
        let (own, peer) = (talk.world.subscriber(index), talk.person(contact, abroad));
        let trunk = talk.world.trunk(self.trunk);
        let is_outbound = match (trunk.takes(false), trunk.takes(true)) {
            (true, true) => chance(&mut talk.rng, 0.5),
            (_, takes_outbound) => takes_outbound,
        };
        let mut shown: Option<Calling> = None;
        for _ in 0..self.spec.tries {
            let relation = Relation::Contact;
            let call = Call { at, own: &own, peer: &peer, is_outbound, relation, is_away: false };
            let is_over = at >= self.over;
            let course = match is_over {
                true => self.talk.habits.course(&mut self.talk.rng, relation),
                false => self.no_way(),
            };
            let kind = if is_over { "redial_storm" } else { "outage" };
            let attempt = self.talk.play(&call, (self.trunk, course), Truth::normal(kind));
            // Nobody hides their number in one try and shows it in the next.
            let calling = shown.get_or_insert_with(|| attempt.calling.clone()).clone();
            at = attempt.end_at() + Duration::from_secs(2);
            at = at + lognormal(&mut self.talk.rng, self.spec.redial_s, 0.8, 900.0);
            out.push(Attempt { calling, ..attempt });
            if is_over {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::people::testing::{attempts_of, is_answered, of_kind, share, world_of};

    #[test]
    fn nobody_gets_through_until_it_is_over() {
        let attempts = attempts_of(
            "kind = \"outage\"\ntrunk = \"intl-isup-1\"\nafter-s = 36_000\nfor-s = 1_200\ncallers = 800",
        );
        let over = world_of("").start() + Duration::from_secs(37_200);
        let (during, after) = (of_kind(&attempts, "outage"), of_kind(&attempts, "redial_storm"));
        assert!(during.iter().all(|one| one.setup_at < over && one.alert_after.is_none()));
        assert!(after.iter().all(|one| one.setup_at >= over));
        assert_eq!(share(&during, is_answered), 0.0);
        let abandoned = share(&during, |one| matches!(one.end, End::GivenUp { .. }));
        assert!((0.37..0.43).contains(&abandoned), "{abandoned}");
        assert!(during.len() > 4_000, "people redial: {}", during.len());
        let answered = share(&after, is_answered);
        assert!((0.66..0.80).contains(&answered), "{answered}");
        let soon = share(&after, |one| one.setup_at.since(over).as_secs() < 120);
        assert!(soon > 0.8, "{soon}");
    }
}
