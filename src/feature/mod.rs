//! Call events → sliding windows and learned marks → the fields that rules read.
//!
//! In: answered and ended [`Call`]s in time order, and what rules teach. Out: a [`Moment`], which gives the value of any
//! field ([`fields`]) for one call at one time. Every call counts once: when it is answered, or when it ends unanswered
//! (so a long call counts as answered while it lasts, and shares never pass 1).
//!
//! Must not: judge, read a clock, or walk a table in hash order. Every table has a limit; what gives way is counted.

pub mod baseline;
pub mod behaviour;
mod clock;
pub mod distinct;
pub mod ending;
pub mod evidence;
pub mod fields;
pub mod known;
mod learn;
mod limits;
pub mod mark;
pub mod outcome;
pub mod people;
pub mod presence;
mod slices;
pub mod standing;
pub mod suspicion;
pub mod table;
pub mod tally;
pub mod window;

use std::hash::BuildHasher;
use std::hint::black_box;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::base::class::{Class, Subject};
use crate::base::fault::{Faults, Kind, Layer};
use crate::base::field::Point;
use crate::base::map::Seed;
use crate::base::network::{Network, RoamingState};
use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::route::{Direction, RouteClass, RouteId};
use crate::base::time::At;
use crate::call::Call;
use crate::feature::behaviour::{Behaviour, Shared};
use crate::feature::clock::seconds;
use crate::feature::distinct::Pool;
use crate::feature::mark::{Lesson, MarkKey, Marks, Place};
use crate::feature::outcome::Outcome;
use crate::feature::people::People;
use crate::feature::presence::Presence;
use crate::feature::slices::{Part, SLICE_OCTETS};
use crate::feature::suspicion::Suspicion;
use crate::feature::table::Table;
use crate::feature::tally::{Event, Figures, Scope, Tally};
use crate::feature::window::Tick;

pub use fields::Moment;
pub use limits::{Limits, Sizes};
pub use slices::Cursor;

/// How long a missed call is remembered for `pair.missed_24h`.
pub const MISSED_FOR: Duration = Duration::from_secs(24 * 3600);

/// All windows and marks: everything that is learned from calls, and what a state file holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(remote = "Self")]
pub struct Store {
    seed: Seed,
    callers: Table<u64, Tally>,
    ranges_100: Table<u64, Tally>,
    ranges_10k: Table<u64, Tally>,
    missed: Table<(Number, u64), At>,
    marks: Marks,
    suspicion: Suspicion,
    people: People,
    presence: Presence,
    behaviour: Behaviour,
    pool: Pool,
    #[serde(skip)]
    faults: Faults,
}

impl Store {
    /// An empty store. No output depends on the seed, save the error of estimates.
    #[must_use]
    pub fn new(limits: Limits, seed: Seed) -> Self {
        Self {
            seed,
            callers: Table::new(limits.callers, seed),
            ranges_100: Table::new(limits.ranges_100, seed),
            ranges_10k: Table::new(limits.ranges_10k, seed),
            missed: Table::new(limits.missed, seed),
            marks: Marks::new(limits.marks, seed),
            suspicion: Suspicion::new(limits.suspects, seed),
            people: People::new(limits.people, seed),
            presence: Presence::new(limits.presence, seed),
            behaviour: Behaviour::new(limits.behaviour, seed),
            pool: Pool::new(limits.distinct_slots),
            faults: Faults::default(),
        }
    }

    /// Writes what comes next for a state file behind what is in `out`, about 64 KiB, and moves the cursor on; whether there is
    /// more. The store may change between two slices: all slices of a cursor are a store that can be read again.
    ///
    /// # Errors
    /// None that a store can cause.
    pub fn slice(&self, cursor: &mut Cursor, out: &mut Vec<u8>) -> postcard::Result<bool> {
        cursor.slice(&self.parts(), out, SLICE_OCTETS)
    }

    /// What is kept in a file, in the order of the fields.
    fn parts(&self) -> Vec<&dyn Part> {
        let Self {
            seed,
            callers,
            ranges_100,
            ranges_10k,
            missed,
            marks,
            suspicion,
            people,
            presence,
            behaviour,
            pool,
            faults: _,
        } = self;
        let tables: [&dyn Part; 5] = [seed, callers, ranges_100, ranges_10k, missed];
        let mut parts = tables.to_vec();
        parts.extend(marks.parts());
        parts.extend(suspicion.parts());
        parts.extend(people.parts());
        parts.extend(presence.parts());
        parts.extend(behaviour.parts());
        parts.push(pool);
        parts
    }

    /// Slots that sets took from the pool.
    fn borrowed(&self) -> usize {
        let tables = [&self.callers, &self.ranges_100, &self.ranges_10k];
        let tallies = tables.iter().flat_map(|table| table.iter());
        tallies.map(|(_, tally)| tally.borrowed()).sum::<usize>() + self.behaviour.borrowed()
    }

    /// Fetches what the figures of a call are made of into the processor's caches, all keys at once instead of one after
    /// the other. Changes nothing; helps most when it is called a few events ahead.
    pub fn warm(&self, call: &Call, network: &Network) {
        black_box(self.behaviour.warm(call));
        let Some(caller) = call.calling.number else { return };
        let (caller_hash, called_hash) = self.hashes(call, caller);
        let first = [
            self.callers.first(&caller.value()),
            self.ranges_100.first(&range_key(caller, 2, call.route)),
            self.ranges_10k.first(&range_key(caller, 4, call.route)),
        ];
        if let Some(pair) = missed_pair(call, network) {
            black_box(self.missed.first(&pair).copied());
        }
        for tally in first.into_iter().flatten() {
            black_box(tally.warm(caller_hash, called_hash));
        }
    }

    /// Takes note of where a call that has just begun shows its caller to be; it was not refused.
    pub fn present(&mut self, call: &Call, network: &Network) {
        for _ in 0..self.presence.setup(call, network) {
            self.faults.count(Layer::Feature, Kind::Evicted);
        }
    }

    /// Takes note of an answer about where a subscriber is, given at `at` and good before `until`; `None` when there
    /// was no answer. It counts before the state in the network file.
    pub fn roaming(&mut self, number: Number, state: Option<RoamingState>, (at, until): (At, At)) {
        if self.presence.answer(number, state, (at, until)) {
            self.faults.count(Layer::Feature, Kind::Evicted);
        }
    }

    /// Sets how many answers about where a subscriber is are held.
    pub fn hold_answers(&mut self, limit: usize) {
        self.presence.hold_answers(limit);
    }

    /// Who is where.
    #[must_use]
    pub const fn presence(&self) -> &Presence {
        &self.presence
    }

    /// Counts a call that has just been answered. `is_probe`: it passed although its caller is marked.
    pub fn answered(&mut self, call: &Call, network: &Network, is_probe: bool) {
        if let Some(at) = call.answer_at {
            self.landed(call, at);
            self.count(call, at, network);
            if let (Direction::Inbound, Some(caller)) = (call.direction, call.calling.number) {
                self.picked_up(call, caller, at, is_probe);
            }
        }
    }

    /// Counts a call set up and not refused as in flight.
    pub fn begun(&mut self, call: &Call, network: &Network) {
        if let (Direction::Inbound, Some(caller)) = (call.direction, call.calling.number) {
            self.rings(call, caller);
        }
        let (behaviour, shared) = self.behaviour();
        behaviour.begun(call, network, shared);
    }

    /// A call that came in leaves by this leg. What is spent on it is counted once: `is_counted` when it was already known
    /// to leave.
    pub fn goes_out(&mut self, leg: &Call, network: &Network, is_counted: bool) {
        if !is_counted {
            let (behaviour, shared) = self.behaviour();
            behaviour.goes_out(leg, network, shared);
        }
    }

    /// What was said in a call that was not refused and is over, answered or not. Before [`Store::ended`].
    pub fn hung_up(&mut self, call: &Call, network: &Network) {
        let (behaviour, shared) = self.behaviour();
        behaviour.hung_up(call, call.end_at.unwrap_or(call.setup_at), network, shared);
    }

    /// Remembers that a call was refused: one that comes again is a person's, if it behaves so.
    pub fn refused(&mut self, call: &Call, network: &Network) {
        if let (Some(caller), Some(called)) = (call.calling.number, call.called.number) {
            let evicted = self.people.refused(caller, called, seconds(call.setup_at));
            self.evicted(evicted);
        }
        let (behaviour, shared) = self.behaviour();
        behaviour.refused(call, network, shared);
    }

    /// Counts a call that has just ended. `is_probe`: it passed although its caller is marked.
    pub fn ended(&mut self, call: &Call, network: &Network, is_probe: bool) {
        let Some(at) = call.end_at else { return };
        if call.answer_at.is_none() {
            self.landed(call, at);
            self.count(call, at, network);
            self.missed(call, network);
        }
        let (Some(caller), Some(called)) = (call.calling.number, call.called.number) else { return };
        if call.direction == Direction::Inbound {
            self.learn(call, (caller, called), at, is_probe);
        }
        if call.leaves_by.is_some() || network.is_leaving(call.way(), Some(called)) {
            self.reached(call, (caller, called), at);
        }
    }

    /// Remembers what a rule learned from a call; what was marked, if there was anything to mark.
    pub fn mark(&mut self, call: &Call, network: &Network, at: At, lesson: Lesson) -> Option<Range> {
        let caller = call.calling.number?;
        let place = Place::Class(network.routes.route(call.route).class);
        let range = match lesson.subject {
            Subject::CallerRange => {
                self.marks.confirm(caller, lesson.class, at);
                self.widest(caller, call.route, seconds(at))?
            }
            subject => Range::of(caller, subject.width()),
        };
        let key = match lesson.subject {
            Subject::Equipment if call.equipment == 0 => return None,
            Subject::Equipment => MarkKey::equipment(call.equipment, place),
            subject => MarkKey::block(subject, range, place),
        };
        let mark = (lesson.class, lesson.ttl, call.route);
        let mut evicted = self.marks.learn(key, at, mark);
        if matches!(lesson.subject, Subject::Caller | Subject::CallerRange100) {
            evicted += self.marks.learn(MarkKey::block(lesson.subject, range, Place::Any), at, mark);
        }
        self.evicted(evicted);
        Some(range)
    }

    /// The marks.
    #[must_use]
    pub const fn marks(&self) -> &Marks {
        &self.marks
    }

    /// Begins with a mark on a block, on routes of every class, from a source outside.
    pub fn seed(&mut self, (range, class): (Range, Class), at: At, ttl: Duration) {
        let key = MarkKey::block(Subject::CallerRange, range, Place::Any);
        // What is marked already has been tested since, and shall not begin anew with every start.
        if self.marks.get(key, at).is_some_and(|mark| mark.class == class && mark.holds_at(at + ttl)) {
            return;
        }
        let evicted = self.marks.seed(key, at, (class, ttl));
        self.evicted(evicted);
    }

    /// The fields of a call at one moment.
    #[must_use]
    pub fn moment<'a>(&'a self, network: &'a Network, call: &'a Call, point: Point, at: At) -> Moment<'a> {
        Moment::new(self, network, call, point, at)
    }

    /// What had to give way.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Keys in each table.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        Sizes {
            callers: self.callers.len(),
            ranges_100: self.ranges_100.len(),
            ranges_10k: self.ranges_10k.len(),
            missed: self.missed.len(),
            marks: self.marks.len(),
            suspects: self.suspicion.len(),
            people: self.people.sizes(),
            presence: self.presence.sizes(),
            behaviour: self.behaviour.sizes(),
        }
    }

    /// Octets of memory with every table full and every key busy.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        const SLOT_BYTES: usize = size_of::<u32>() + size_of::<u8>();
        let tallies = [&self.callers, &self.ranges_100, &self.ranges_10k]
            .map(|table| table.bytes_max() + table.limit() * Tally::BUSY_BYTES);
        tallies.iter().sum::<usize>()
            + self.missed.bytes_max()
            + self.marks.bytes_max()
            + self.suspicion.bytes_max()
            + self.people.bytes_max()
            + self.presence.bytes_max()
            + self.behaviour.bytes_max()
            + self.pool.left() * SLOT_BYTES
    }

    fn count(&mut self, call: &Call, at: At, network: &Network) {
        let (behaviour, shared) = self.behaviour();
        behaviour.counted(call, at, network, shared);
        let Some(caller) = call.calling.number else { return };
        let (caller_hash, called_hash) = self.hashes(call, caller);
        let event = Event::new(Tick::of(at), Outcome::of(call), caller_hash, called_hash);
        let rank = seconds(at);
        let keys = [
            (&mut self.callers, caller.value(), Scope::Caller),
            (&mut self.ranges_100, range_key(caller, 2, call.route), Scope::Range),
            (&mut self.ranges_10k, range_key(caller, 4, call.route), Scope::Range),
        ];
        for (table, key, scope) in keys {
            let (tally, evicted) = table.touch(key, rank);
            tally.add(scope, event, &mut self.pool);
            if let Some(evicted) = evicted {
                self.pool.give_back(evicted.borrowed());
                self.faults.count(Layer::Feature, Kind::Evicted);
            }
        }
    }

    const fn behaviour(&mut self) -> (&mut Behaviour, Shared<'_>) {
        (&mut self.behaviour, Shared { pool: &mut self.pool, faults: &mut self.faults })
    }

    fn landed(&mut self, call: &Call, at: At) {
        if let (Direction::Inbound, Some(caller)) = (call.direction, call.calling.number) {
            let evicted = self.suspicion.landed(caller, seconds(at));
            self.evicted(evicted);
        }
    }

    /// Remembers whom a subscriber missed a call from.
    pub fn missed(&mut self, call: &Call, network: &Network) {
        let (None, Some(at), Some(pair)) = (call.answer_at, call.end_at, missed_pair(call, network)) else {
            return;
        };
        let (missed_at, evicted) = self.missed.touch(pair, seconds(at));
        *missed_at = at;
        let evicted = u32::from(evicted.is_some());
        self.evicted(evicted);
    }

    fn evicted(&mut self, count: u32) {
        for _ in 0..count {
            self.faults.count(Layer::Feature, Kind::Evicted);
        }
    }

    /// Hashes by which sets know the calling and the called number; 0 stands for none.
    fn hashes(&self, call: &Call, caller: Number) -> (u32, u32) {
        let hash = |number: Number| ((self.seed.hash_one(number) >> 32) as u32).max(1);
        (hash(caller), call.called.number.map_or(0, hash))
    }

    fn caller_figures(&self, caller: Number, now: Tick) -> Figures {
        figures(self.callers.get(&caller.value()), Scope::Caller, now)
    }

    fn range_100_figures(&self, caller: Number, route: RouteId, now: Tick) -> Figures {
        figures(self.ranges_100.get(&range_key(caller, 2, route)), Scope::Range, now)
    }

    fn range_10k_figures(&self, caller: Number, route: RouteId, now: Tick) -> Figures {
        figures(self.ranges_10k.get(&range_key(caller, 4, route)), Scope::Range, now)
    }

    /// Whether `subscriber` missed a call from the block of 100 around `number` within 24 hours.
    fn has_missed(&self, subscriber: Number, number: Number, at: At) -> bool {
        self.missed.get(&missed_key(subscriber, number)).is_some_and(|missed| at.since(*missed) <= MISSED_FOR)
    }
}

/// What spans several tables is counted anew.
impl<'de> Deserialize<'de> for Store {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        // The derived one, which `remote` makes a function of the type itself.
        let mut store = Self::deserialize(from)?;
        store.pool.hold(store.borrowed());
        Ok(store)
    }
}

fn figures(tally: Option<&Tally>, scope: Scope, now: Tick) -> Figures {
    tally.map_or_else(Figures::default, |tally| tally.figures(scope, now))
}

/// A block and a route in one word: a prefix of 13 digits has 44 bits.
fn range_key(number: Number, width: u8, route: RouteId) -> u64 {
    Range::of(number, width).prefix() << 16 | u64::from(route.0)
}

/// Who missed a call from where, when it is one that may be meant to be called back: from abroad.
fn missed_pair(call: &Call, network: &Network) -> Option<(Number, u64)> {
    let is_from_abroad = call.direction == Direction::Inbound
        && network.routes.route(call.route).class == RouteClass::International;
    is_from_abroad.then_some(())?;
    Some(missed_key(call.called.number?, call.calling.number?))
}

fn missed_key(subscriber: Number, caller: Number) -> (Number, u64) {
    (subscriber, Range::of(caller, 2).prefix())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::class::Class;
    use crate::base::field::{Country, Facts, Value};
    use crate::base::number::{Party, Raw, Shape};
    use crate::base::numbering::Numbering;
    use crate::base::roaming::RoamingStates;
    use crate::base::route::{Route, Routes};
    use crate::call::{CallId, CallKey, ReleasedBy, Setup};
    use crate::feature::people::PeopleSizes;

    pub(super) fn call(calling: &str, called: &str) -> Call {
        let setup = Setup { calling: party(calling), called: party(called), ..Setup::default() };
        Call {
            id: CallId(1),
            ..Call::new(
                CallKey::Isup { opc: 1, dpc: 2, cic: 3 },
                1,
                At::from_nanos(1_700_000_000_000_000_000),
                setup,
            )
        }
    }

    fn party(digits: &str) -> Party {
        let number = Number::from_digits(digits.as_bytes()).ok();
        Party { number, shape: Shape::Valid, restricted: false, raw: Raw::new() }
    }

    fn network() -> Network {
        Network {
            routes: Routes::new(Vec::new()),
            numbering: Numbering::new(Country(*b"PL")).unwrap(),
            roaming: RoamingStates::default(),
            emergency: Vec::new(),
            ..Network::unknown()
        }
    }

    fn flash(calling: &str, called: &str) -> Call {
        let mut call = call(calling, called);
        call.alert_at = Some(call.setup_at + Duration::from_secs(2));
        call.end_at = Some(call.setup_at + Duration::from_secs(3));
        call.released_by = Some(ReleasedBy::Calling);
        call
    }

    fn small() -> Store {
        Store::new(Limits { callers: 10, marks: 10, ..Limits::default() }, Seed(7))
    }

    fn value(store: &Store, network: &Network, call: &Call, at: At, name: &str) -> Value {
        store.moment(network, call, Point::Setup, at).value(fields::find(name).unwrap())
    }

    #[test]
    fn a_long_call_counts_once_from_its_answer_on() {
        let (mut store, network) = (small(), network());
        let mut long = call("48600000001", "48700000001");
        long.answer_at = Some(long.setup_at + Duration::from_secs(9));
        store.answered(&long, &network, false);
        let now = long.setup_at + Duration::from_secs(10);
        assert_eq!(value(&store, &network, &long, now, "caller.attempts_1h"), Value::Int(1));
        assert_eq!(value(&store, &network, &long, now, "caller.answered_share_1h"), Value::Ratio(1.0));
        long.end_at = Some(now);
        store.ended(&long, &network, false);
        assert_eq!(value(&store, &network, &long, now, "caller.attempts_1h"), Value::Int(1));
        let later = now + Duration::from_secs(2 * 3600);
        assert_eq!(value(&store, &network, &long, later, "caller.answered_share_1h"), Value::Unknown);
        assert_eq!(value(&store, &network, &long, later, "caller.answered_24h"), Value::Int(1));
    }

    #[test]
    fn every_table_of_people_has_its_size() {
        let (mut store, network) = (small(), network());
        let mut talk = call("24770000010", "48600000001");
        talk.answer_at = Some(talk.setup_at + Duration::from_secs(9));
        talk.end_at = Some(talk.setup_at + Duration::from_secs(90));
        let out = Call { direction: Direction::Outbound, ..talk.clone() };
        let mut cut = call("24770000011", "48600000001");
        cut.end_at = Some(cut.setup_at + Duration::from_secs(2));
        cut.released_by = Some(ReleasedBy::Calling);
        let refused = call("24770000012", "48600000001");
        for call in [&talk, &out, &cut] {
            store.begun(call, &network);
            store.answered(call, &network, false);
            store.ended(call, &network, false);
        }
        store.refused(&refused, &network);
        let one = PeopleSizes {
            talked: 1,
            reached: 1,
            pairs: 1,
            tried: 2,
            called: 1,
            blocks: 5,
            refused: 1,
            cut: 1,
        };
        assert_eq!(store.sizes().people, one);
    }

    #[test]
    fn a_call_without_a_called_number_is_in_flight_all_the_same() {
        let (mut store, network) = (small(), network());
        let mut call = call("48600000001", "48700000001");
        call.called.number = None;
        store.begun(&call, &network);
        assert_eq!(store.sizes().behaviour.callers, 1);
        assert_eq!(value(&store, &network, &call, call.setup_at, "caller.in_flight"), Value::Int(1));
    }

    #[test]
    fn blocks_are_counted_by_route_and_end_fields_are_unknown_at_setup() {
        let (mut store, network) = (small(), network());
        for tail in 10..30 {
            store.ended(&flash(&format!("487000000{tail}"), &format!("486000000{tail}")), &network, false);
        }
        let mut next = flash("48700000099", "48600000099");
        let now = next.setup_at + Duration::from_secs(60);
        for (name, expected) in [
            ("caller.attempts_10m", Value::Int(0)),
            ("caller.short_unanswered_share_10m", Value::Unknown),
            ("caller_range_100.attempts_10m", Value::Int(20)),
            ("caller_range_10k.distinct_callers_10m", Value::Int(20)),
            ("caller_range_10k.distinct_called_share_1h", Value::Ratio(1.0)),
            ("caller_range_100.short_unanswered_share_10m", Value::Ratio(1.0)),
            ("caller_range_100.one_ring_1h", Value::Int(20)),
            ("ring_time", Value::Unknown),
        ] {
            assert_eq!(value(&store, &network, &next, now, name), expected, "{name}");
        }
        next.route = RouteId(9);
        assert_eq!(value(&store, &network, &next, now, "caller_range_100.attempts_10m"), Value::Int(0));
    }

    #[test]
    fn a_flood_of_keys_is_bounded_and_counted() {
        let (mut store, network) = (small(), network());
        for tail in 100..200 {
            store.ended(&flash(&format!("48700000{tail}"), "48600000001"), &network, false);
        }
        assert_eq!(store.sizes().callers, 10);
        assert_eq!(store.faults().of(Layer::Feature, Kind::Evicted), 90);
        assert_eq!(store.pool.left() + store.borrowed(), Limits::default().distinct_slots);
    }

    #[test]
    fn a_flood_of_behaviour_is_bounded_and_counted() {
        let limits =
            behaviour::Limits { callers: 10, called: 20, payers: 5, contacts: 15, cuts: 8, routes: 3 };
        let network = network();
        let mut store = Store::new(Limits { behaviour: limits, ..Limits::default() }, Seed(7));
        let most = store.bytes_max();
        for tail in 100..200 {
            let mut call = flash(&format!("48700000{tail}"), &format!("881651400{tail}"));
            (call.direction, call.route) = (Direction::Outbound, RouteId(tail - 98));
            store.begun(&call, &network);
            store.hung_up(&call, &network);
            store.ended(&call, &network, false);
        }
        let sizes = behaviour::Sizes { callers: 10, called: 20, payers: 5, contacts: 15, cuts: 8 };
        assert_eq!(store.sizes().behaviour, sizes);
        // One hundred calls, and one route of them within the limit: number 2.
        assert_eq!(store.faults().of(Layer::Feature, Kind::Evicted), 90 + 80 + 95 + 85 + 92 + 99);
        assert!(store.bytes_max() <= most);
    }

    #[test]
    fn a_call_back_within_a_day_is_seen_on_any_number_of_the_block() {
        let (mut store, network) = (small(), network());
        let missed = flash("24770000010", "48600000001");
        store.ended(&missed, &network, false);
        let mut back = call("48600000001", "24770000099");
        back.direction = Direction::Outbound;
        let day = missed.end_at.unwrap() + MISSED_FOR;
        assert_eq!(value(&store, &network, &back, day, "pair.missed_24h"), Value::Bool(true));
        let late = day + Duration::from_nanos(1);
        assert_eq!(value(&store, &network, &back, late, "pair.missed_24h"), Value::Bool(false));
        back.called = party("24770000110");
        assert_eq!(value(&store, &network, &back, day, "pair.missed_24h"), Value::Bool(false));
    }

    #[test]
    fn a_call_from_an_own_trunk_to_a_number_abroad_leaves() {
        let (mut store, mut network) = (small(), network());
        let classes = [
            RouteClass::OnNet,
            RouteClass::Enterprise,
            RouteClass::National,
            RouteClass::White,
            RouteClass::Outbound,
        ];
        network.routes = Routes::new(classes.map(|class| Route::new("", class)).into());
        store.ended(&flash("24770000010", "48600000001"), &network, false);
        for (route, direction, called, leaves) in [
            (1, Direction::Inbound, "24770000010", true),
            (2, Direction::Inbound, "24770000010", true),
            (1, Direction::Inbound, "48600000002", false),
            (0, Direction::Inbound, "24770000010", false),
            (3, Direction::Inbound, "24770000010", false),
            (4, Direction::Inbound, "24770000010", false),
            (0, Direction::Outbound, "24770000010", true),
            (5, Direction::Outbound, "24770000010", true),
        ] {
            let back = Call { route: RouteId(route), direction, ..call("48600000001", called) };
            let at = back.setup_at + Duration::from_secs(60);
            for name in ["leaving", "pair.missed_24h"] {
                let found = value(&store, &network, &back, at, name);
                assert_eq!(found, Value::Bool(leaves), "{name} {route} {direction:?} {called}");
            }
        }
        let mut nobody = call("48600000001", "");
        nobody.route = RouteId(1);
        assert_eq!(value(&store, &network, &nobody, nobody.setup_at, "leaving"), Value::Bool(false));
    }

    #[test]
    fn marks_hold_for_routes_of_their_class_and_for_call_backs_on_any() {
        let (mut store, mut network) = (small(), network());
        network.routes = Routes::new(vec![Route::new("country", RouteClass::National)]);
        let taught = flash("24770000010", "48600000001");
        let lesson = Lesson {
            subject: Subject::CallerRange100,
            class: Class::Wangiri,
            ttl: Duration::from_secs(3600),
        };
        store.mark(&taught, &network, taught.setup_at, lesson);
        let wangiri = Value::Word(1 + Class::Wangiri as u8);
        let mut inbound = call("24770000077", "48600000005");
        let now = inbound.setup_at;
        assert_eq!(value(&store, &network, &inbound, now, "caller_range_100.mark"), wangiri);
        inbound.route = RouteId(1);
        assert_eq!(network.routes.route(inbound.route).name, "country");
        assert_eq!(value(&store, &network, &inbound, now, "caller_range_100.mark"), Value::Word(0));
        let back = call("48600000001", "24770000010");
        assert_eq!(value(&store, &network, &back, now, "called_range_100.mark"), wangiri);
        let late = now + lesson.ttl;
        assert_eq!(value(&store, &network, &back, late, "called_range_100.mark"), Value::Word(0));
        assert_eq!(value(&store, &network, &back, now, "called.mark"), Value::Word(0));
    }
}
