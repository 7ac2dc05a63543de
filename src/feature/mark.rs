//! Marks: what ended calls taught about a calling number, a block of numbers or a piece of equipment.
//!
//! A mark holds on routes of the class it was learned on: a number forged abroad says nothing against its owner at home.
//! For call-backs, which leave by another route, marks on numbers are kept once more for any route.
//!
//! A mark is put to the test. While calls confirm it every few minutes, every call is judged by it. Ten minutes after the
//! last one that did, 2 % of calls are drawn by a keyed hash and pass; the share doubles every hour, so that a block
//! that has changed hands is soon free, and one still in use soon confirmed.

use std::hash::{BuildHasher, Hash, Hasher};
use std::time::Duration;

use arrayvec::ArrayVec;
use serde::{Deserialize, Serialize};

use crate::base::class::{Class, Subject};
use crate::base::map::Seed;
use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::route::{RouteClass, RouteId};
use crate::base::time::At;
use crate::call::CallId;
use crate::feature::clock::seconds;
use crate::feature::slices::Part;
use crate::feature::table::Table;

/// How long after the last confirmation a mark stands without a test, in seconds.
const CONFIRMED_FOR_S: u32 = 600;
/// Share of calls that are tests from then on.
const PROBE_SHARE: f32 = 0.02;
/// Time in which the share doubles, in seconds.
const PROBE_DOUBLES_S: f32 = 3_600.0;

/// What a rule wants remembered of a call.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// What to mark.
    pub subject: Subject,
    /// As what.
    pub class: Class,
    /// For how long from now.
    pub ttl: Duration,
}

/// Where a mark holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// On every route.
    Any,
    /// On routes of this class.
    Class(RouteClass),
}

/// What a mark is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkKey {
    /// Prefix of the block, or the fingerprint.
    prefix: u64,
    /// Free digits of the block: 0 for a number.
    width: u8,
    subject: Subject,
    place: Place,
}

impl MarkKey {
    /// Key of a mark on a block, or on a number.
    #[must_use]
    pub const fn block(subject: Subject, range: Range, place: Place) -> Self {
        Self { prefix: range.prefix(), width: range.width(), subject, place }
    }

    /// Key of the mark on `number` itself.
    #[must_use]
    pub const fn number(number: Number, place: Place) -> Self {
        Self::block(Subject::Caller, Range::of(number, 0), place)
    }

    /// Key of the mark on equipment with this fingerprint.
    #[must_use]
    pub const fn equipment(fingerprint: u32, place: Place) -> Self {
        Self { prefix: fingerprint as u64, width: 0, subject: Subject::Equipment, place }
    }
}

/// Two words: a derived hash would feed five parts to the hasher.
impl Hash for MarkKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.prefix);
        let place = match self.place {
            Place::Any => 0,
            Place::Class(class) => class as u64 + 1,
        };
        state.write_u64(place << 16 | u64::from(self.width) << 8 | self.subject as u64);
    }
}

/// A mark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// As what.
    pub class: Class,
    /// Until when.
    until: At,
    /// Second it was last confirmed at.
    confirmed: u32,
    /// Route the evidence came by.
    pub route: RouteId,
    /// Given by the operator's own test calls, not learned.
    pub seeded: bool,
}

impl Mark {
    /// Whether it lasts until then, or longer.
    #[must_use]
    pub fn holds_at(&self, at: At) -> bool {
        self.until >= at
    }

    /// Share of calls that are let pass to test the mark at this second, 0 to 1.
    #[must_use]
    pub fn probe_share(&self, second: u32) -> f32 {
        let unconfirmed = second.saturating_sub(self.confirmed);
        if unconfirmed < CONFIRMED_FOR_S {
            return 0.0;
        }
        (PROBE_SHARE * ((unconfirmed - CONFIRMED_FOR_S) as f32 / PROBE_DOUBLES_S).exp2()).min(1.0)
    }

    /// Whether this call is a test: the same answer for the same call, whoever asks, and none that a sender could
    /// foresee.
    #[must_use]
    pub fn is_probe(&self, call: CallId, second: u32, seed: Seed) -> bool {
        let drawn = seed.hash_one(call.0) >> 40;
        (drawn as f32) < self.probe_share(second) * (1_u32 << 24) as f32
    }
}

/// All marks.
#[derive(Clone, Debug, Deserialize)]
pub struct Marks {
    table: Table<MarkKey, Mark>,
    /// How many marks on blocks of each width were ever made: most widths have none, and need no look-up.
    widths: [u32; 10],
}

impl Marks {
    /// Room for `limit` marks.
    #[must_use]
    pub fn new(limit: usize, seed: Seed) -> Self {
        Self { table: Table::new(limit, seed), widths: [0; 10] }
    }

    /// Makes or confirms a mark: one of the same class in force is prolonged, one of another gives way. How many marks
    /// gave way for want of room.
    pub fn learn(&mut self, key: MarkKey, at: At, mark: (Class, Duration, RouteId)) -> u32 {
        self.put(key, at, mark, false)
    }

    /// Makes a mark of what the operator's own test calls showed.
    pub fn seed(&mut self, key: MarkKey, at: At, (class, ttl): (Class, Duration)) -> u32 {
        self.put(key, at, (class, ttl, RouteId::UNKNOWN), true)
    }

    /// Confirms marks that the operator's own test calls gave the blocks around a number: a call showed what they say.
    pub fn confirm(&mut self, number: Number, class: Class, at: At) {
        for width in (0..10).filter(|width| self.widths[usize::from(*width)] > 0) {
            let key = MarkKey::block(Subject::CallerRange, Range::of(number, width), Place::Any);
            let given = self.get(key, at).filter(|mark| mark.seeded && mark.class == class);
            if let Some(until) = given.map(|mark| mark.until) {
                self.table.touch(key, seconds(until)).0.confirmed = seconds(at);
            }
        }
    }

    /// The mark in force at `at`.
    #[must_use]
    pub fn get(&self, key: MarkKey, at: At) -> Option<&Mark> {
        self.table.get(&key).filter(|mark| at < mark.until)
    }

    /// The blocks around a number that are marked on routes of a class, or by test calls for any; narrowest first.
    #[must_use]
    pub fn around(&self, number: Number, class: RouteClass, at: At) -> ArrayVec<(Range, &Mark), 10> {
        let widths = (0..self.widths.len() as u8).filter(|width| self.widths[usize::from(*width)] > 0);
        let marked = |range| {
            let on = |place| self.get(MarkKey::block(Subject::CallerRange, range, place), at);
            Some((range, on(Place::Class(class)).or_else(|| on(Place::Any))?))
        };
        widths.filter_map(|width| marked(Range::of(number, width))).collect()
    }

    /// Marks on numbers and blocks in force at `at`, with how long they last, in an order that depends on the input alone; one may
    /// be there for a class of routes and for all.
    pub fn in_force(&self, at: At) -> impl Iterator<Item = (Subject, Range, &Mark, Duration)> {
        let marks =
            self.table.iter().filter(move |(key, mark)| key.subject != Subject::Equipment && at < mark.until);
        marks.filter_map(move |(key, mark)| {
            let range = Range::from_prefix(&key.prefix.to_string(), key.width)?;
            Some((key.subject, range, mark, mark.until.since(at)))
        })
    }

    /// What is kept in a file, in the order of the fields. The widths come last: of every mark in the table they then know.
    pub(super) fn parts(&self) -> [&dyn Part; 2] {
        let Self { table, widths } = self;
        [table, widths]
    }

    /// Marks kept, with copies and expired ones.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether nothing was ever marked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Octets of memory at the limit.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.table.bytes_max()
    }

    fn put(&mut self, key: MarkKey, at: At, mark: (Class, Duration, RouteId), seeded: bool) -> u32 {
        let (class, ttl, route) = mark;
        let mut until = at + ttl;
        // What expires first gives way first.
        let (mark, evicted) = self.table.touch(key, seconds(until));
        if mark.class == class && at < mark.until {
            until = until.max(mark.until);
        }
        *mark = Mark { class, until, confirmed: seconds(at), route, seeded };
        if key.subject == Subject::CallerRange {
            let count = &mut self.widths[usize::from(key.width.min(9))];
            *count = count.saturating_add(1);
        }
        u32::from(evicted.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);
    const START: At = At::from_nanos(1_700_000_000_000_000_000);

    fn key(tail: u64) -> MarkKey {
        let number = Number::from_digits((48_600_000_000 + tail).to_string().as_bytes()).unwrap();
        MarkKey::number(number, Place::Any)
    }

    #[test]
    fn expires_is_prolonged_and_is_replaced() {
        let mut marks = Marks::new(10, Seed(1));
        let mut learn = |at, class, ttl| {
            marks.learn(key(1), at, (class, ttl, RouteId::UNKNOWN));
            [HOUR / 2, HOUR, HOUR * 3 / 2]
                .map(|later| marks.get(key(1), START + later).map(|mark| mark.class))
        };
        let (flash, wangiri) = (Some(Class::Flash), Some(Class::Wangiri));
        assert_eq!(learn(START, Class::Flash, HOUR), [flash, None, None]);
        assert_eq!(learn(START + HOUR / 2, Class::Flash, HOUR), [flash, flash, None]);
        assert_eq!(learn(START + HOUR / 2, Class::Flash, HOUR / 60), [flash, flash, None], "never shortened");
        assert_eq!(learn(START + HOUR, Class::Wangiri, HOUR), [wangiri, wangiri, wangiri]);
    }

    #[test]
    fn what_expires_first_makes_room() {
        let mut marks = Marks::new(3, Seed(1));
        for tail in 0..5 {
            // What is marked first lasts longest.
            let ttl = HOUR * (10 - tail as u32);
            let evicted = marks.learn(key(tail), START, (Class::Flash, ttl, RouteId::UNKNOWN));
            assert_eq!(evicted, u32::from(tail >= 3));
        }
        let is_kept = |tail| marks.get(key(tail), START).is_some();
        assert_eq!((0..5).map(is_kept).collect::<Vec<_>>(), [true, true, false, false, true]);
        assert_eq!(marks.len(), 3);
    }

    #[test]
    fn the_longer_unconfirmed_the_more_calls_test_a_mark() {
        let mut marks = Marks::new(3, Seed(1));
        marks.learn(key(1), START, (Class::Flash, HOUR * 24, RouteId::UNKNOWN));
        let mark = marks.get(key(1), START).unwrap();
        for (minutes, share) in [(0, 0.0), (9, 0.0), (10, 0.02), (70, 0.04), (130, 0.08), (600, 1.0)] {
            let second = seconds(START) + minutes * 60;
            assert!((mark.probe_share(second) - share).abs() < 1e-6, "{minutes} min");
            let probes = (0..10_000).filter(|id| mark.is_probe(CallId(*id), second, Seed(7))).count();
            assert!(
                (probes as f32 - share * 10_000.0).abs() < 60.0,
                "{probes} of 10,000 after {minutes} min"
            );
        }
    }

    #[test]
    fn marks_around_a_number_are_found_on_their_class_of_routes_only() {
        let mut marks = Marks::new(10, Seed(1));
        let number = Number::from_digits(b"447400001234").unwrap();
        let international = Place::Class(RouteClass::International);
        for width in [2, 4] {
            let key = MarkKey::block(Subject::CallerRange, Range::of(number, width), international);
            marks.learn(key, START, (Class::Flash, HOUR, RouteId(2)));
        }
        let found = |class| -> Vec<u8> {
            marks.around(number, class, START).iter().map(|(range, _)| range.width()).collect()
        };
        assert_eq!(found(RouteClass::International), [2, 4]);
        assert!(found(RouteClass::National).is_empty());
    }
}
