//! Who is a person: numbers that behaved like one, pairs that talked, and how many people live in a block.
//!
//! A number is *known* for 30 days after it talked for 20 s, waited 20 s for an answer, or was called from our network
//! and talked; a subscriber does one of these with nearly every call. Waiting costs a robot nothing, so it spares the
//! number and clears nothing: *proven* is only who talked.

use std::hash::BuildHasher;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::base::map::Seed;
use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::route::RouteId;
use crate::feature::clock::left;
use crate::feature::known::{Day, Known, Seen};
use crate::feature::slices::Part;
use crate::feature::table::Table;

/// Days a number or a pair stays known.
const KNOWN_DAYS: u8 = 30;
/// Days a pair counts as tried: today and yesterday.
const TRIED_DAYS: u8 = 1;
/// How long a caller who was refused insists when the same call comes again, in seconds.
const INSISTS_S: u32 = 600;
/// How soon a call that was cut before it rang comes by another way when people's exchange hunts for one, in seconds.
const HUNT_S: u32 = 60;
/// Half-life of the count of calls to a number, in seconds.
const FAN_HALF_LIFE_S: f32 = 600.0;
/// Count of calls from which on everybody calls a number: a televote, a bank's missed-call service, a victim.
const FAN_MIN: f32 = 5.5;
/// Half-life of the number of people in a block, in seconds: 30 days.
const CENSUS_HALF_LIFE_S: f32 = 30.0 * 86_400.0;

/// Widths of blocks whose numbers are close to each other: they are given out together.
const CLOSE: RangeInclusive<u8> = 2..=3;
/// Width of the widest blocks that senders rent whole.
pub const RENTED_WIDTH: u8 = 4;
/// Wider ones: whatever is sent from them, people live there.
const FAR: RangeInclusive<u8> = RENTED_WIDTH + 1..=6;

/// Most keys of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeopleLimits {
    /// Numbers known for people's, and as many that were called; 5.4 octets each.
    pub known: usize,
    /// Pairs that talked, and as many that tried; 5.4 octets each.
    pub pairs: usize,
    /// Called numbers with calls of the last minutes.
    pub called: usize,
    /// Blocks in which people live.
    pub blocks: usize,
    /// Calls refused in the last minutes, and as many cut before they rang.
    pub refused: usize,
}

impl Default for PeopleLimits {
    fn default() -> Self {
        Self { known: 4_000_000, pairs: 8_000_000, called: 250_000, blocks: 500_000, refused: 50_000 }
    }
}

/// Keys in each table of people, with those too old to count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeopleSizes {
    /// Numbers that talked or waited.
    pub talked: usize,
    /// Numbers called from our network that answered.
    pub reached: usize,
    /// Pairs that talked.
    pub pairs: usize,
    /// Pairs that tried.
    pub tried: usize,
    /// Called numbers with calls of the last minutes.
    pub called: usize,
    /// Blocks in which people live.
    pub blocks: usize,
    /// Calls refused in the last minutes.
    pub refused: usize,
    /// Calls cut before they rang in the last minutes.
    pub cut: usize,
}

/// A number that fades with time.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Fading {
    count: f32,
    at: u32,
}

impl Fading {
    fn now(self, second: u32, half_life_s: f32) -> f32 {
        self.count * left(self.at, second, half_life_s)
    }

    fn add(&mut self, count: f32, second: u32, half_life_s: f32) {
        *self = Self { count: (self.now(second, half_life_s) + count).max(0.0), at: second };
    }
}

/// Everything known of people.
#[derive(Clone, Debug, Deserialize)]
pub struct People {
    seed: Seed,
    /// Numbers that talked.
    talked: Known,
    /// Numbers that waited long for an answer.
    waited: Known,
    /// Numbers called from our network that answered.
    reached: Known,
    pairs: Known,
    tried: Known,
    called: Table<u64, Fading>,
    census: Table<u64, Fading>,
    refused: Table<u64, u32>,
    cut: Table<u64, Cut>,
}

/// A call that was cut before it rang.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// Second it was cut at.
    pub second: u32,
    /// Route it was tried on.
    pub route: RouteId,
    /// What sent it.
    pub equipment: u32,
    /// It counted against its caller, and that was taken back: what comes of the next attempt counts in its place.
    is_taken_back: bool,
}

impl Cut {
    /// A call cut now.
    #[must_use]
    pub const fn new(second: u32, route: RouteId, equipment: u32) -> Self {
        Self { second, route, equipment, is_taken_back: false }
    }
}

/// How a caller behaved like a person.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// It talked; otherwise it waited.
    pub has_talked: bool,
    /// [`People::answered`] was told of this call.
    pub is_counted: bool,
    /// Its block is suspected.
    pub is_suspected: bool,
}

impl People {
    /// Nobody is known yet.
    #[must_use]
    pub fn new(limits: PeopleLimits, seed: Seed) -> Self {
        Self {
            seed,
            talked: Known::new(limits.known, KNOWN_DAYS, seed),
            waited: Known::new(limits.known, KNOWN_DAYS, seed),
            reached: Known::new(limits.known, KNOWN_DAYS, seed),
            pairs: Known::new(limits.pairs, KNOWN_DAYS, seed),
            tried: Known::new(limits.pairs, TRIED_DAYS, seed),
            called: Table::new(limits.called, seed),
            census: Table::new(limits.blocks, seed),
            refused: Table::new(limits.refused, seed),
            cut: Table::new(limits.refused, seed),
        }
    }

    /// What is kept in a file, in the order of the fields.
    pub(super) fn parts(&self) -> [&dyn Part; 10] {
        let Self { seed, talked, waited, reached, pairs, tried, called, census, refused, cut } = self;
        [seed, talked, waited, reached, pairs, tried, called, census, refused, cut]
    }

    /// Whether a number talked lately.
    #[must_use]
    pub fn has_talked(&self, number: Number, second: u32) -> bool {
        self.talked.contains(number.value(), Day::of(second))
    }

    /// Whether a number talked lately, or was called from our network and did.
    #[must_use]
    pub fn is_proven(&self, number: Number, second: u32) -> bool {
        self.has_talked(number, second) || self.reached.contains(number.value(), Day::of(second))
    }

    /// Whether a number behaved like a person's lately: waiting long for an answer shows it too, but costs nothing, so it
    /// spares without clearing.
    #[must_use]
    pub fn is_known(&self, number: Number, second: u32) -> bool {
        self.has_behaved(number, second) || self.reached.contains(number.value(), Day::of(second))
    }

    /// Whether a number talked or waited lately, as callers that [`Self::behaved`] knows did.
    #[must_use]
    pub fn has_behaved(&self, number: Number, second: u32) -> bool {
        self.has_talked(number, second) || self.waited.contains(number.value(), Day::of(second))
    }

    /// Whether two numbers talked lately, whoever called.
    #[must_use]
    pub fn is_pair(&self, one: Number, other: Number, second: u32) -> bool {
        self.pairs.contains(self.pair(one, other), Day::of(second))
    }

    /// Whether a call is one that says something of its caller: the first of the pair in a day or two, and not to a
    /// number that everybody calls.
    #[must_use]
    pub fn is_fresh(&self, caller: Number, called: Number, second: u32) -> bool {
        !self.tried.contains(self.pair(caller, called), Day::of(second))
            && self
                .called
                .get(&called.value())
                .is_none_or(|calls| calls.now(second, FAN_HALF_LIFE_S) < FAN_MIN)
    }

    /// Notes that a call between two numbers is over. How many keys gave way.
    pub fn tried(&mut self, caller: Number, called: Number, second: u32) -> u32 {
        u32::from(self.tried.insert(self.pair(caller, called), Day::of(second)) == Seen::NewForOther)
    }

    /// Notes that somebody calls a number. How many keys gave way.
    pub fn calls(&mut self, called: Number, second: u32) -> u32 {
        let (calls, evicted) = self.called.touch(called.value(), second);
        calls.add(1.0, second, FAN_HALF_LIFE_S);
        u32::from(evicted.is_some())
    }

    /// Notes that a caller has just been answered: people live close by, until the end of the call says otherwise. How
    /// many keys gave way.
    pub fn answered(&mut self, caller: Number, second: u32) -> u32 {
        self.count_in(caller, CLOSE, (1.0, second))
    }

    /// Takes back what [`Self::answered`] noted: the call was too short for a person's. How many keys gave way.
    pub fn hung_up(&mut self, caller: Number, second: u32) -> u32 {
        self.count_in(caller, CLOSE, (-1.0, second))
    }

    /// Notes that a caller behaved like a person. While its block is suspected that shows only that people live close by:
    /// a robot that is answered now and then must not clear its whole block. How many keys gave way.
    pub fn behaved(&mut self, caller: Number, second: u32, manner: Manner) -> u32 {
        let was_known = self.has_behaved(caller, second);
        let set = if manner.has_talked { &mut self.talked } else { &mut self.waited };
        let mut evicted = u32::from(set.insert(caller.value(), Day::of(second)) == Seen::NewForOther);
        if was_known {
            return evicted;
        }
        if !manner.is_counted {
            evicted += self.count_in(caller, CLOSE, (1.0, second));
        }
        if !manner.is_suspected {
            evicted += self.count_in(caller, RENTED_WIDTH..=RENTED_WIDTH, (1.0, second));
        }
        evicted + self.count_in(caller, FAR, (1.0, second))
    }

    fn count_in(&mut self, caller: Number, widths: RangeInclusive<u8>, (people, second): (f32, u32)) -> u32 {
        let mut evicted = 0;
        for width in widths {
            let (census, gave_way) = self.census.touch(block_key(Range::of(caller, width)), second);
            census.add(people, second, CENSUS_HALF_LIFE_S);
            evicted += u32::from(gave_way.is_some());
        }
        evicted
    }

    /// Notes that a number called from our network answered. How many keys gave way.
    pub fn reached(&mut self, called: Number, second: u32) -> u32 {
        u32::from(self.reached.insert(called.value(), Day::of(second)) == Seen::NewForOther)
    }

    /// Notes that two numbers talked. How many keys gave way.
    pub fn talked(&mut self, one: Number, other: Number, second: u32) -> u32 {
        u32::from(self.pairs.insert(self.pair(one, other), Day::of(second)) == Seen::NewForOther)
    }

    /// How many people are known to live in a block, lately known ones counting more.
    #[must_use]
    pub fn in_block(&self, range: Range, second: u32) -> f32 {
        self.census.get(&block_key(range)).map_or(0.0, |people| people.now(second, CENSUS_HALF_LIFE_S))
    }

    /// Notes that a call was refused.
    pub fn refused(&mut self, caller: Number, called: Number, second: u32) -> u32 {
        let (refused_at, evicted) = self.refused.touch(self.pair(caller, called), second);
        *refused_at = second;
        u32::from(evicted.is_some())
    }

    /// Whether the same caller was refused a call to the same number within ten minutes.
    #[must_use]
    pub fn insists(&self, caller: Number, called: Number, second: u32) -> bool {
        let refused_at = self.refused.get(&self.pair(caller, called));
        refused_at.is_some_and(|at| second.saturating_sub(*at) <= INSISTS_S)
    }

    /// Notes that a call was cut before it rang, and counted against its caller. How many keys gave way.
    pub fn cut(&mut self, caller: Number, called: Number, cut: Cut) -> u32 {
        let (place, evicted) = self.cut.touch(self.pair(caller, called), cut.second);
        *place = cut;
        u32::from(evicted.is_some())
    }

    /// The same call within a minute on another route, where it was cut before it rang: an exchange hunts for a way. Told
    /// once, and what was said of that call is to be taken back: [`Self::is_hunting`] then lets this one speak.
    pub fn hunted(&mut self, caller: Number, called: Number, (route, second): (RouteId, u32)) -> Option<Cut> {
        let pair = self.pair(caller, called);
        let cut = self.cut.get(&pair).copied()?;
        let is_hunting =
            cut.route != route && second.saturating_sub(cut.second) <= HUNT_S && !cut.is_taken_back;
        is_hunting.then(|| self.cut.touch(pair, second).0.is_taken_back = true)?;
        Some(cut)
    }

    /// Whether a call stands for one that was taken back. Told once.
    pub fn is_hunting(&mut self, caller: Number, called: Number) -> bool {
        let pair = self.pair(caller, called);
        let is_taken_back = self.cut.get(&pair).is_some_and(|cut| cut.is_taken_back);
        if is_taken_back {
            self.cut.touch(pair, 0).0.is_taken_back = false;
        }
        is_taken_back
    }

    /// Keys in each table.
    #[must_use]
    pub fn sizes(&self) -> PeopleSizes {
        PeopleSizes {
            talked: self.talked.len(),
            reached: self.reached.len(),
            pairs: self.pairs.len(),
            tried: self.tried.len(),
            called: self.called.len(),
            blocks: self.census.len(),
            refused: self.refused.len(),
            cut: self.cut.len(),
        }
    }

    /// Octets of memory when everything is full.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        [&self.talked, &self.waited, &self.reached, &self.pairs, &self.tried]
            .iter()
            .map(|set| set.bytes_max())
            .sum::<usize>()
            + self.called.bytes_max()
            + self.census.bytes_max()
            + self.refused.bytes_max()
            + self.cut.bytes_max()
    }

    fn pair(&self, one: Number, other: Number) -> u64 {
        self.seed.hash_one((one.min(other), one.max(other)))
    }
}

/// A width of 2 to 6 and a prefix of 44 bits in one word.
const fn block_key(range: Range) -> u64 {
    (range.width() as u64) << 60 | range.prefix()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u32 = 1_700_000_000;
    const DAY: u32 = 86_400;

    fn number(digits: &str) -> Number {
        Number::from_digits(digits.as_bytes()).unwrap()
    }

    #[test]
    fn people_are_counted_once_a_month_in_every_block_around_them() {
        let mut people = People::new(PeopleLimits::default(), Seed(1));
        let (one, other) = (number("447400000001"), number("447400000002"));
        people.answered(one, NOW);
        let manner = |has_talked, is_counted, is_suspected| Manner { has_talked, is_counted, is_suspected };
        people.behaved(one, NOW, manner(true, true, false));
        people.behaved(one, NOW + DAY, manner(false, false, false));
        people.behaved(other, NOW, manner(false, false, true));
        let brief = number("447400000003");
        people.answered(brief, NOW);
        people.hung_up(brief, NOW);
        assert!(people.is_known(one, NOW + 31 * DAY) && people.is_known(other, NOW));
        assert!(!people.is_known(one, NOW + 32 * DAY));
        for width in 2..=6 {
            let count = people.in_block(Range::of(other, width), NOW);
            let expected = if width == RENTED_WIDTH { 1.0 } else { 2.0 };
            assert!((count - expected).abs() < 0.01, "{count} in 10^{width}");
        }
        let later = people.in_block(Range::of(one, 2), NOW + 30 * DAY);
        assert!((later - 1.0).abs() < 0.01, "{later}");
    }

    #[test]
    fn a_number_that_everybody_calls_says_nothing_of_its_callers() {
        let mut people = People::new(PeopleLimits::default(), Seed(1));
        let televote = number("48700000001");
        let voter = |index: u32| number(&format!("4860000{index:04}"));
        for index in 0..9 {
            people.calls(televote, NOW + index);
            assert_eq!(people.is_fresh(voter(index), televote, NOW + index), index < 5, "{index}");
            people.tried(voter(index), televote, NOW + index);
        }
        assert!(!people.is_fresh(voter(9), televote, NOW + 9));
        assert!(people.is_fresh(voter(9), televote, NOW + 3_600));
        assert!(!people.is_fresh(voter(8), televote, NOW + 3_600), "the same pair again");
    }

    #[test]
    fn who_is_refused_and_calls_again_insists() {
        let mut people = People::new(PeopleLimits::default(), Seed(1));
        let (caller, called) = (number("447400000001"), number("48700000001"));
        people.refused(caller, called, NOW);
        assert!(people.insists(caller, called, NOW + INSISTS_S));
        assert!(!people.insists(caller, called, NOW + INSISTS_S + 1));
        assert!(!people.insists(caller, number("48700000002"), NOW));
    }
}
