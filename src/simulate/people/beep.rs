//! "Beep me": people who ring once on purpose and are called back, so that the other one pays.

use std::sync::Arc;

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::attempt::{End, Truth};
use crate::simulate::draw::{below, chance, lognormal};
use crate::simulate::people::check;
use crate::simulate::people::habits::{Habits, Relation};
use crate::simulate::people::hash::{is_away, mix};
use crate::simulate::people::paced::{Maker, Note, Paced};
use crate::simulate::people::talk::{Call, Talk};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

/// Pairs of people, one of whom beeps the other.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Beep {
    /// How many beep; each one 1 to 3 others. 1 to 10,000,000.
    pub people: u64,
    /// Beeps of one of them a day. Assumption.
    #[serde(default = "per_day")]
    pub per_day: f64,
    /// Share of them abroad. Assumption.
    #[serde(default = "abroad")]
    pub abroad: f64,
    /// Median ring time in seconds: one ring, of 6 s at most where it is longest (ucall). Assumption.
    #[serde(default = "ring_median_s")]
    pub ring_median_s: f64,
    /// Its sigma, lognormal. Assumption.
    #[serde(default = "ring_sigma")]
    pub ring_sigma: f64,
    /// Share of beeps that are called back. Assumption.
    #[serde(default = "called_back")]
    pub called_back: f64,
}

const fn per_day() -> f64 {
    3.0
}

const fn abroad() -> f64 {
    0.5
}

const fn ring_median_s() -> f64 {
    3.0
}

const fn ring_sigma() -> f64 {
    0.5
}

const fn called_back() -> f64 {
    0.6
}

impl Beep {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::count("people", self.people, 10_000_000)?;
        check::positive("per-day", self.per_day, 1_000.0)?;
        check::share("abroad", self.abroad)?;
        check::positive("ring-median-s", self.ring_median_s, 30.0)?;
        check::positive("ring-sigma", self.ring_sigma, 3.0)?;
        check::share("called-back", self.called_back)?;
        let talk = Talk::new(world, name, &Habits { abroad: self.abroad, ..Habits::default() })?;
        let moments = Arrivals::daily(world, self.people as f64 * self.per_day);
        Ok(vec![Paced::boxed(world, name, [moments], Beepers { talk, spec: self.clone() })])
    }
}

struct Beepers {
    talk: Talk,
    spec: Beep,
}

impl Maker for Beepers {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let talk = &mut self.talk;
        let beeper = mix(talk.salt, below(&mut talk.rng, self.spec.people));
        // One friend, two or three.
        let friend = below(&mut talk.rng, 1 + beeper % 3);
        let index = mix(beeper, friend) % talk.world.subscribers();
        if is_away(&talk.world, index) {
            return;
        }
        let own = talk.world.subscriber(index);
        let peer = talk.person(beeper, talk.habits.abroad);
        // Half of those who beep are subscribers.
        let is_outbound = beeper & 0x100 == 0;
        let mut call =
            Call { at, own: &own, peer: &peer, is_outbound, relation: Relation::Contact, is_away: false };
        let Some(trunk) = talk.routes.pick(&mut talk.rng, peer.nation, is_outbound) else { return };
        let ring = lognormal(&mut talk.rng, self.spec.ring_median_s, self.spec.ring_sigma, 20.0);
        let alert_after = Some(talk.habits.alerting(&mut talk.rng));
        let course = (alert_after, End::GivenUp { after: ring, cause: 16 });
        let beep = talk.play(&call, (trunk, course), Truth::normal("beep"));
        call.at = beep.end_at() + lognormal(&mut talk.rng, 90.0, 1.2, 6.0 * 3_600.0);
        out.push(beep);
        if chance(&mut talk.rng, self.spec.called_back) {
            call.is_outbound = !is_outbound;
            out.note(talk.attempt(&call, Truth::normal("beep_call_back")));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::simulate::people::testing::{
        attempts_of, calling, distinct, is_answered, median, of_kind, share, unanswered_rings,
    };

    #[test]
    fn rings_once_for_few_and_is_called_back() {
        let attempts = attempts_of("kind = \"beep\"\npeople = 800");
        let beeps = of_kind(&attempts, "beep");
        assert!((2_000..2_800).contains(&beeps.len()), "{}", beeps.len());
        assert_eq!(share(&beeps, is_answered), 0.0);
        let rings = unanswered_rings(&beeps);
        assert!((2.5..3.5).contains(&median(&rings)), "{}", median(&rings));
        assert!(distinct(&beeps, calling) < 1_000);
        let pairs: std::collections::BTreeSet<_> =
            beeps.iter().map(|one| (calling(one), one.called.as_str())).collect();
        assert!((pairs.len() as f64) < 0.8 * beeps.len() as f64, "pairs repeat: {}", pairs.len());
        let backs = of_kind(&attempts, "beep_call_back");
        let called_back = backs.len() as f64 / beeps.len() as f64;
        assert!((0.5..0.62).contains(&called_back), "{called_back}");
        assert!(share(&backs, is_answered) > 0.6);
    }
}
