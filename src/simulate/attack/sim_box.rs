//! Calls from abroad that enter through SIM cards, as if their owners called.

use std::time::Duration;

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::attack::called::conversation;
use crate::simulate::attack::campaign::{Desk, Method};
use crate::simulate::attack::sweep::Sweep;
use crate::simulate::attempt::{Attempt, TrunkId};
use crate::simulate::draw::{below, chance};
use crate::simulate::world::World;

/// A gateway full of SIM cards. What people say through it is real: answers and talks are those of conversations.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SimBox {
    /// Whose SIM cards they are.
    pub cards_of: Cards,
    /// How many, 1 to 10,000 (assumption). Each is in one call at a time.
    #[serde(default = "cards")]
    pub cards: Sweep,
    /// Seconds until every card is changed for a new one, 600 to 31,622,400; never when left out.
    pub renewed_every_s: Option<Sweep>,
    /// Calls to the cards for each call from them, 0 to 1, made to look like people: an evasion (assumption).
    #[serde(default = "none")]
    pub incoming_share: Sweep,
}

/// Whose SIM cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cards {
    /// Those of other operators of the country.
    National,
    /// The operator's own.
    Own,
}

const fn cards() -> Sweep {
    Sweep::between(8.0, 256.0)
}

const fn none() -> Sweep {
    Sweep::fixed(0.0)
}

impl SimBox {
    pub(super) fn method(&self, desk: &mut Desk, trunk: &str) -> Result<Box<dyn Method>, String> {
        let (world, rng) = (&desk.world, &mut desk.rng);
        let incoming_share = self.incoming_share.share("incoming-share")?.draw(rng);
        let back_by = match incoming_share > 0.0 {
            true => Some(world.trunk_towards(("trunk", trunk), true)?),
            false => None,
        };
        let cards = self.cards.within("cards", 1.0, 10_000.0)?.count(rng);
        let renewed_every = match self.renewed_every_s {
            Some(span) => {
                Some(Duration::from_secs_f64(span.within("renewed-every-s", 600.0, 31_622_400.0)?.draw(rng)))
            }
            None => None,
        };
        Ok(Box::new(Gateway {
            cards_of: self.cards_of,
            first: below(rng, 1_000_000),
            free_at: vec![At::default(); cards as usize],
            renewed_at: world.start(),
            renewed_every,
            incoming_share,
            back_by,
        }))
    }
}

struct Gateway {
    cards_of: Cards,
    /// Index of the first card; the others follow.
    first: u64,
    free_at: Vec<At>,
    renewed_at: At,
    renewed_every: Option<Duration>,
    incoming_share: f64,
    back_by: Option<TrunkId>,
}

impl Method for Gateway {
    fn call(&mut self, at: At, desk: &mut Desk) {
        self.renew(at);
        let Some(card) = self.free_card(at, desk) else { return };
        let world = &desk.world;
        let number = self.number(card, world);
        let person = world.subscriber(below(&mut desk.rng, world.subscribers()));
        let back_by = self.back_by.filter(|_| chance(&mut desk.rng, self.incoming_share));
        let course = conversation(&mut desk.rng);
        let kind = match self.cards_of {
            Cards::National => "sim_box_national",
            Cards::Own => "sim_box_own",
        };
        let attempt = match back_by {
            Some(trunk) => {
                // An accomplice calls the card.
                let truth = desk.truth("sim_box", "sim_box_incoming");
                Attempt::new(at, trunk, (person, number), truth).outbound()
            }
            None => desk.attempt(at, (number, person), desk.truth("sim_box", kind)),
        };
        let attempt = attempt.with(course);
        self.free_at[card] = attempt.end_at();
        desk.push(attempt);
    }
}

impl Gateway {
    fn renew(&mut self, at: At) {
        if let Some(every) = self.renewed_every.filter(|every| at.since(self.renewed_at) >= *every) {
            let times = at.since(self.renewed_at).as_nanos() / every.as_nanos().max(1);
            self.renewed_at = at;
            self.first = self.first.wrapping_add(self.free_at.len() as u64 * times as u64);
        }
    }

    fn free_card(&self, at: At, desk: &mut Desk) -> Option<usize> {
        const TRIES: usize = 32;
        let count = self.free_at.len() as u64;
        (0..TRIES).map(|_| below(&mut desk.rng, count) as usize).find(|card| self.free_at[*card] <= at)
    }

    fn number(&self, card: usize, world: &World) -> String {
        let index = self.first.wrapping_add(card as u64);
        match self.cards_of {
            // Behind the subscribers of the populations: nobody calls a card, and none is known to be abroad.
            Cards::Own => world.subscriber(world.subscribers().wrapping_add(index)),
            Cards::National => world.other_mobile(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::simulate::attack::testing::{attempts, is_answered, share};

    fn run(rest: &str) -> Vec<Attempt> {
        attempts(4.0, &format!("family = 'sim-box'\ncalls-per-s = 0.2\n{rest}"))
    }

    #[test]
    fn each_card_is_in_one_call_at_a_time() {
        let calls = run("trunk = 'onnet'\ncards-of = 'own'\ncards = 60");
        let mut until: BTreeMap<&str, At> = BTreeMap::new();
        for call in &calls {
            let number = call.calling.text().unwrap();
            let before = until.insert(number, call.end_at());
            assert!(before.is_none_or(|before| before <= call.setup_at));
        }
        assert!(until.len() > 50 && until.len() <= 60, "{}", until.len());
        let answered = share(&calls, is_answered);
        assert!((0.5..0.75).contains(&answered), "{answered}");
    }

    #[test]
    fn cards_are_changed_and_called() {
        let calls = run(
            "trunk = 'nat'\ncards-of = 'national'\ncards = 60\nrenewed-every-s = 3600\nincoming-share = 0.2",
        );
        let from: BTreeSet<&str> =
            calls.iter().filter(|call| !call.is_outbound).filter_map(|call| call.calling.text()).collect();
        assert!(from.len() > 180, "{}", from.len());
        let incoming = share(&calls, |call| call.is_outbound);
        assert!((0.16..0.24).contains(&incoming), "{incoming}");
    }
}
