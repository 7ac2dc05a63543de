//! People who call each other, at the hours people do.

use std::sync::Arc;

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::draw::{below, chance};
use crate::simulate::people::check;
use crate::simulate::people::habits::{Habits, Relation};
use crate::simulate::people::hash::{is_away, pick_subscriber};
use crate::simulate::people::paced::{Maker, Paced, afternoon, attempts_an_occasion};
use crate::simulate::people::talk::{Call, Kinds, Talk};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

const CONTACT: Kinds =
    Kinds { first: "ordinary_contact", redial: "ordinary_redial", call_back: "ordinary_call_back" };
const STRANGER: Kinds = Kinds { first: "ordinary_stranger", ..CONTACT };
const BUSINESS: Kinds = Kinds { first: "ordinary_business", ..CONTACT };

/// People's calls over all trunks.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ordinary {
    /// Calls of one subscriber a day over trunks, both directions together; above 0, at most 1,000. Hiya 2019: 101 made
    /// and 114 received a month, that is 7 to 8 a day.
    #[serde(default = "calls_per_day")]
    pub calls_per_day: f64,
    /// How people call.
    #[serde(default)]
    pub habits: Habits,
}

const fn calls_per_day() -> f64 {
    7.2
}

impl Ordinary {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::positive("calls-per-day", self.calls_per_day, 1_000.0)?;
        let talk = |part| Talk::new(world, &format!("{name}/{part}"), &self.habits);
        // One call has others for its consequence; all of them are to be as many as asked for.
        let each = attempts_an_occasion(&mut Subscribers { talk: talk("trial")? }, afternoon(world));
        let occasions = self.calls_per_day * world.subscribers() as f64 / each;
        let moments = Arrivals::daily(world, occasions);
        Ok(vec![Paced::boxed(world, name, [moments], Subscribers { talk: talk("calls")? })])
    }
}

struct Subscribers {
    talk: Talk,
}

impl Maker for Subscribers {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let talk = &mut self.talk;
        let index = pick_subscriber(&talk.world, &mut talk.rng);
        let (relation, kinds) = match chance(&mut talk.rng, talk.habits.strangers) {
            false => (Relation::Contact, CONTACT),
            true if chance(&mut talk.rng, talk.habits.businesses) => (Relation::Business, BUSINESS),
            true => (Relation::Stranger, STRANGER),
        };
        let person = match relation {
            Relation::Contact => talk.contact_of(index),
            // Everybody's businesses are the same ones.
            Relation::Business => below(&mut talk.rng, 1 + talk.world.subscribers() / 20),
            Relation::Stranger => below(&mut talk.rng, u64::MAX),
        };
        let peer = talk.person(person, talk.habits.abroad);
        if talk.sleeps(at, peer.nation) {
            return;
        }
        // 101 of 215 calls are made, not received.
        let is_away = is_away(&talk.world, index);
        let is_outbound = !is_away && chance(&mut talk.rng, 101.0 / 215.0);
        let own = talk.world.subscriber(index);
        let call = Call { at, own: &own, peer: &peer, is_outbound, relation, is_away };
        talk.converse(call, kinds, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::attempt::Attempt;
    use crate::simulate::people::testing::{
        attempts_of, called, calling, distinct, is_answered, median, of_kind, refusal_of, share,
        unanswered_rings, world_of,
    };

    fn attempts() -> Vec<Attempt> {
        attempts_of("kind = \"ordinary\"")
    }

    #[test]
    fn as_many_calls_as_people_make_of_the_relations_they_have() {
        let (world, attempts) = (world_of(""), attempts());
        let each = attempts.len() as f64 / world.subscribers() as f64;
        assert!((6.3..8.0).contains(&each), "{each}");
        let outbound = share(&attempts, |attempt| attempt.is_outbound);
        assert!((0.40..0.54).contains(&outbound), "{outbound}");
        let contacts = of_kind(&attempts, CONTACT.first).len() as f64;
        let firsts = contacts
            + (of_kind(&attempts, STRANGER.first).len() + of_kind(&attempts, BUSINESS.first).len()) as f64;
        assert!((contacts / firsts - 0.72).abs() < 0.02, "{}", contacts / firsts);
    }

    #[test]
    fn answered_as_networks_and_people_count() {
        let attempts = attempts();
        let all = share(&attempts, is_answered);
        assert!((0.45..0.65).contains(&all), "{all}");
        for (kind, expected) in [(CONTACT.first, 0.70), (BUSINESS.first, 0.53), (STRANGER.first, 0.24)] {
            let found = share(&of_kind(&attempts, kind), is_answered);
            // Voicemail answers some that nobody else does.
            assert!((expected - 0.03..expected + 0.07).contains(&found), "{kind} {found}");
        }
        let rings = unanswered_rings(&of_kind(&attempts, STRANGER.first));
        assert!((11.0..16.0).contains(&median(&rings)));
    }

    #[test]
    fn the_busiest_hour_has_its_share_and_nights_are_quiet() {
        let (world, attempts) = (world_of(""), attempts());
        let mut hours = [0_u32; 24];
        attempts.iter().for_each(|one| hours[world.hour_at(one.setup_at, world.home()) as usize] += 1);
        let share = |calls: u32| f64::from(calls) / attempts.len() as f64;
        let busiest = share(hours.iter().copied().max().unwrap_or_default());
        assert!((0.065..0.12).contains(&busiest), "{busiest}");
        assert!(share(hours[1..5].iter().sum()) < 0.03);
    }

    #[test]
    fn contacts_come_back_and_strangers_do_not() {
        let attempts = attempts();
        let spread = |kind| {
            let calls: Vec<Attempt> =
                of_kind(&attempts, kind).into_iter().filter(|one| !one.is_outbound).collect();
            distinct(&calls, calling) as f64 / calls.len() as f64
        };
        assert!(spread(CONTACT.first) < 0.85, "{}", spread(CONTACT.first));
        assert!(spread(STRANGER.first) > 0.95, "{}", spread(STRANGER.first));
        assert!(distinct(&attempts, called) > 1_000);
    }

    #[test]
    fn refuses_figures_out_of_range() {
        assert_eq!(
            refusal_of("kind = \"ordinary\"\ncalls-per-day = 0"),
            "calls-per-day: above 0, at most 1000"
        );
        assert_eq!(refusal_of("kind = \"ordinary\"\nhabits = { voicemail = 1.5 }"), "voicemail: 0 to 1");
    }
}
