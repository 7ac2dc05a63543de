//! How much is kept at most.

use crate::feature::behaviour;
use crate::feature::people::{PeopleLimits, PeopleSizes};
use crate::feature::presence::PresenceLimits;

/// Most keys in each table. Memory grows as they fill, up to
/// [`Store::bytes_max`](crate::feature::Store::bytes_max).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calling numbers.
    pub callers: usize,
    /// Blocks of 100 calling numbers × route.
    pub ranges_100: usize,
    /// Blocks of 10,000 calling numbers × route.
    pub ranges_10k: usize,
    /// Pairs of a subscriber and a block of 100 numbers it missed a call from.
    pub missed: usize,
    /// Marks.
    pub marks: usize,
    /// Calling numbers, blocks of them and fingerprints with evidence.
    pub suspects: usize,
    /// Who is known for a person.
    pub people: PeopleLimits,
    /// Slots that sets of distinct numbers grow by, 5 octets each. With none left, sets sample more thinly.
    pub distinct_slots: usize,
    /// Who is where.
    pub presence: PresenceLimits,
    /// Of the tables of behaviour.
    pub behaviour: behaviour::Limits,
}

/// Subscribers that the default limits are for.
const SUBSCRIBERS: usize = 1_000_000;
/// Numbers that are known, and pairs of numbers, for each subscriber.
const KNOWN_EACH: usize = 2;
const PAIRS_EACH: usize = 5;
/// As many times the default at most: tables of numbers with windows hold those of the last hours, not every number.
const LATELY_MAX: usize = 8;

impl Limits {
    /// Room for what calls of so many subscribers, and of whoever calls them, teach: who is known and whom they know in
    /// full, windows and evidence for the numbers that called last, eight times as many as by default at most.
    #[must_use]
    pub fn for_subscribers(subscribers: usize) -> Self {
        let lately = subscribers.div_ceil(SUBSCRIBERS).clamp(1, LATELY_MAX);
        let Self { people, presence, behaviour, .. } = Self::default();
        let PeopleLimits { known, pairs, called, blocks, refused } = people;
        let mut limits = Self::default();
        for limit in [
            &mut limits.callers,
            &mut limits.ranges_100,
            &mut limits.ranges_10k,
            &mut limits.missed,
            &mut limits.marks,
            &mut limits.suspects,
            &mut limits.distinct_slots,
        ] {
            *limit *= lately;
        }
        limits.people = PeopleLimits {
            known: known.max(subscribers.saturating_mul(KNOWN_EACH)),
            pairs: pairs.max(subscribers.saturating_mul(PAIRS_EACH)),
            called: called * lately,
            blocks: blocks * lately,
            refused: refused * lately,
        };
        limits.presence = PresenceLimits {
            at_home: presence.at_home * lately,
            pairs: presence.pairs * lately,
            answers: presence.answers * lately,
        };
        limits.behaviour = behaviour::Limits {
            callers: behaviour.callers * lately,
            called: behaviour.called * lately,
            payers: behaviour.payers * lately,
            contacts: behaviour.contacts * lately,
            cuts: behaviour.cuts * lately,
            routes: behaviour.routes,
        };
        limits
    }

    /// Most entries of each table, by the table's name in metrics, as in [`Sizes::by_table`].
    pub fn by_table(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let full = Sizes {
            callers: self.callers,
            ranges_100: self.ranges_100,
            ranges_10k: self.ranges_10k,
            missed: self.missed,
            marks: self.marks,
            suspects: self.suspects,
            people: PeopleSizes {
                talked: self.people.known,
                reached: self.people.known,
                pairs: self.people.pairs,
                tried: self.people.pairs,
                called: self.people.called,
                blocks: self.people.blocks,
                refused: self.people.refused,
                cut: self.people.refused,
            },
            presence: [self.presence.at_home, self.presence.pairs, self.presence.answers],
            behaviour: behaviour::Sizes {
                callers: self.behaviour.callers,
                called: self.behaviour.called,
                payers: self.behaviour.payers,
                contacts: self.behaviour.contacts,
                cuts: self.behaviour.cuts,
            },
        };
        full.by_table()
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            callers: 1_000_000,
            ranges_100: 250_000,
            ranges_10k: 50_000,
            missed: 500_000,
            marks: 50_000,
            suspects: 2_000_000,
            people: PeopleLimits::default(),
            distinct_slots: 16_000_000,
            presence: PresenceLimits::default(),
            behaviour: behaviour::Limits::default(),
        }
    }
}

/// Keys in each table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Calling numbers.
    pub callers: usize,
    /// Blocks of 100 calling numbers × route.
    pub ranges_100: usize,
    /// Blocks of 10,000 calling numbers × route.
    pub ranges_10k: usize,
    /// Pairs with a missed call, with those too old to count.
    pub missed: usize,
    /// Marks, with expired ones.
    pub marks: usize,
    /// Numbers, blocks and fingerprints with evidence.
    pub suspects: usize,
    /// Of the tables of people.
    pub people: PeopleSizes,
    /// Subscribers who made a call at home, pairs of who called whom, answers about roaming; with those too old to count.
    pub presence: [usize; 3],
    /// Of the tables of behaviour.
    pub behaviour: behaviour::Sizes,
}

impl Sizes {
    /// Entries held by each table, by the table's name in metrics.
    pub fn by_table(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let people = &self.people;
        let tables = [
            ("callers", self.callers),
            ("caller_ranges_100", self.ranges_100),
            ("caller_ranges_10k", self.ranges_10k),
            ("missed", self.missed),
            ("marks", self.marks),
            ("suspects", self.suspects),
            ("people_talked", people.talked),
            ("people_reached", people.reached),
            ("people_pairs", people.pairs),
            ("people_tried", people.tried),
            ("people_called", people.called),
            ("people_blocks", people.blocks),
            ("people_refused", people.refused),
            ("people_cut", people.cut),
            ("at_home", self.presence[0]),
            ("called_pairs", self.presence[1]),
            ("roaming_answers", self.presence[2]),
            ("behaviour_callers", self.behaviour.callers),
            ("behaviour_called", self.behaviour.called),
            ("behaviour_payers", self.behaviour.payers),
            ("behaviour_contacts", self.behaviour.contacts),
            ("behaviour_cuts", self.behaviour.cuts),
        ];
        tables.into_iter().map(|(name, held)| (name, held as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_grow_with_the_subscribers() {
        for few in [0, 1, SUBSCRIBERS] {
            assert_eq!(Limits::for_subscribers(few), Limits::default());
        }
        let many = Limits::for_subscribers(50_000_000);
        assert_eq!((many.people.known, many.people.pairs), (100_000_000, 250_000_000));
        assert_eq!((many.callers, many.behaviour.called), (8_000_000, 8_000_000));
        assert_eq!(many.behaviour.routes, Limits::default().behaviour.routes);
    }
}
