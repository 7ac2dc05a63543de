//! How likely a calling number, a block of them or a piece of equipment is a robot's: evidence that adds up call by
//! call.
//!
//! Page's cumulative sum: every ended call adds the logarithm of how many times likelier its [`Ending`] is for a sender
//! of a [`Model`] than for the route's own people ([`Baselines`]); the sum never falls below zero, fades by half in a
//! day, and is kept for the number itself, for its blocks of 10² to 10⁶ numbers on the route, and for the fingerprint of
//! the sending equipment on the route. Where people answer it returns to zero; where nobody ever answers it climbs. So
//! evidence has no window to stay below: slow senders take longer, not shorter.
//!
//! Only the first call of a pair in a day counts, and none to a number that everybody calls: whoever repeats calls, or
//! has an accomplice answer them, says nothing. Towards a block only numbers count that were not proven a person's and
//! against which little is known, so that a few cannot condemn their neighbours.

use serde::Deserialize;

use crate::base::map::Seed;
use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::route::RouteId;
use crate::feature::baseline::Baselines;
use crate::feature::ending::Ending;
use crate::feature::evidence::{About, Finished, MODELS, Model, Nats, Row, weigh};
use crate::feature::people::Cut;
use crate::feature::slices::Part;
use crate::feature::table::Table;

/// Widths of blocks: 10² to 10⁶ numbers.
pub const WIDTHS: std::ops::RangeInclusive<u8> = 2..=6;
/// Tenths of a block, of a hundred its numbers, that bad calls must come from for the evidence to be the block's: a
/// few numbers, which anybody can forge, speak against themselves.
const TENTHS_MIN: u32 = 4;
/// Width of the blocks that show what is usual on a route: 10,000 numbers.
const USUAL_WIDTH: u8 = 4;
/// Least digits before the free ones of a block: a country code and two more.
const PREFIX_MIN: u32 = 5;
/// Stands for all equipment of a route.
const ANY_EQUIPMENT: u32 = u32::MAX;
/// Calls of people through other equipment of the route, and none through this, that show it for a sender's own.
const OTHERS_MIN: u32 = 200;

/// All evidence.
#[derive(Clone, Debug, Deserialize)]
pub struct Suspicion {
    rows: Table<u64, Row>,
    baselines: Baselines,
}

impl Suspicion {
    /// Room for `limit` numbers, blocks and fingerprints.
    #[must_use]
    pub fn new(limit: usize, seed: Seed) -> Self {
        Self { rows: Table::new(limit, seed), baselines: Baselines::default() }
    }

    /// What is kept in a file, in the order of the fields.
    pub(super) fn parts(&self) -> [&dyn Part; 2] {
        let Self { rows, baselines } = self;
        [rows, baselines]
    }

    /// What is known of a subject of a call.
    #[must_use]
    pub fn row(&self, about: About, caller: Number, route: RouteId, equipment: u32) -> Row {
        self.rows.get(&key(about, caller, route, equipment)).copied().unwrap_or_default()
    }

    /// What is known of a calling number.
    #[must_use]
    pub fn caller(&self, caller: Number) -> Row {
        self.row(About::Caller, caller, RouteId::UNKNOWN, 0)
    }

    /// What is known of a block.
    #[must_use]
    pub fn block(&self, width: u8, caller: Number, route: RouteId) -> Row {
        self.row(About::Block(width), caller, route, 0)
    }

    /// What is usual on each route.
    #[must_use]
    pub const fn baselines(&self) -> &Baselines {
        &self.baselines
    }

    /// Counts a call in flight: set up, neither answered nor ended. How many rows gave way for want of room.
    pub fn begun(&mut self, caller: Number, second: u32) -> u32 {
        let (row, evicted) = self.caller_mut(caller, second);
        row.in_flight = row.in_flight.saturating_add(1);
        evicted
    }

    /// Counts it out again. How many rows gave way.
    pub fn landed(&mut self, caller: Number, second: u32) -> u32 {
        let (row, evicted) = self.caller_mut(caller, second);
        row.in_flight = row.in_flight.saturating_sub(1);
        evicted
    }

    /// Takes what it says that a call was answered: of a call as fresh and as much a probe as told. How many rows gave
    /// way.
    pub fn answered(
        &mut self,
        (caller, equipment): (Number, u32),
        place: (RouteId, u32),
        kind: (bool, bool),
    ) -> u32 {
        let says = self.baselines.answer_says(place.0, place.1).map(|says| weigh(says, false, kind));
        self.each((caller, equipment), place, |_, row| row.add(says, place.1))
    }

    /// Takes back what a call that was cut before it rang said: it came again by another route. How many rows gave way.
    pub fn take_back(&mut self, caller: Number, cut: Cut, second: u32) -> u32 {
        let says =
            self.baselines.says(cut.route, second, Ending::CutBeforeRinging).map(|says| -says.max(0.0));
        self.each((caller, cut.equipment), (cut.route, second), |_, row| {
            row.bad = row.bad.saturating_sub(1);
            row.add(says, second)
        })
    }

    /// Counts a number among the people of its blocks, or no longer; whether it was, and how many rows gave way.
    pub fn count_caller(&mut self, caller: Number, second: u32, is_counted: bool) -> (bool, u32) {
        let (row, evicted) = self.caller_mut(caller, second);
        (std::mem::replace(&mut row.is_counted, is_counted), evicted)
    }

    /// Takes what a call that is over says. How many rows gave way.
    pub fn ended(&mut self, call: &Finished) -> u32 {
        let says = self.baselines.says(call.route, call.second, call.ending);
        let is_robots = says.iter().any(|says| *says > 0.0);
        let own = self.caller(call.caller).highest(call.second);
        let mut is_usual = false;
        let mut evicted = self.count_people(call);
        evicted += self.each((call.caller, call.equipment), (call.route, call.second), |about, row| {
            let may_speak = call.may_speak(about, own);
            let says = row.with_regularity(says, call);
            let peak = row.add(call.heard(says, may_speak), call.second);
            row.note(about, call, is_robots && may_speak);
            // Only of people's calls: what senders do must not become usual by being done often.
            is_usual |= call.is_proven && about == About::Block(USUAL_WIDTH) && row.is_usual(call.second);
            peak
        });
        if is_usual {
            self.baselines.count(call.route, call.second, call.ending);
        }
        evicted
    }

    /// The row of a calling number, and how many gave way for it.
    fn caller_mut(&mut self, caller: Number, second: u32) -> (&mut Row, u32) {
        let (row, gave_way) = self.rows.touch(key(About::Caller, caller, RouteId::UNKNOWN, 0), second);
        (row, u32::from(gave_way.is_some()))
    }

    /// Changes the row of every subject of a call; `change` gives the peak of evidence that is gone now. How many rows
    /// gave way.
    fn each(
        &mut self,
        (caller, equipment): (Number, u32),
        (route, second): (RouteId, u32),
        mut change: impl FnMut(About, &mut Row) -> Option<Nats>,
    ) -> u32 {
        let mut evicted = 0;
        for about in subjects(equipment) {
            let (row, gave_way) = self.rows.touch(key(about, caller, route, equipment), second);
            evicted += u32::from(gave_way.is_some());
            let peak = change(about, row);
            if let (About::Block(USUAL_WIDTH), Some(peak)) = (about, peak) {
                self.baselines.excursion(route, peak);
            }
        }
        evicted
    }

    /// Most evidence of each model against a block around `caller` whose bad calls come from several tenths of it.
    #[must_use]
    pub fn against_blocks(&self, caller: Number, route: RouteId, second: u32) -> [Nats; MODELS] {
        let mut most: [Nats; MODELS] = [0.0; MODELS];
        for row in
            WIDTHS.map(|width| self.block(width, caller, route)).filter(|row| row.tenths() >= TENTHS_MIN)
        {
            for (most, evidence) in most.iter_mut().zip(row.all(second)) {
                *most = most.max(evidence);
            }
        }
        most
    }

    /// Robots among the strangers who call from equipment. `None` while too few people are known to use other equipment on
    /// the route: where a border element writes all calls alike, the fingerprint is everybody's.
    #[must_use]
    pub fn equipment_purity(&self, caller: Number, route: RouteId, equipment: u32) -> Option<f32> {
        let row = self.row(About::Equipment, caller, route, equipment);
        let all = self.row(About::Equipment, caller, route, ANY_EQUIPMENT).people;
        let robots = row.bad as f32;
        (all.saturating_sub(row.people) >= OTHERS_MIN)
            .then(|| robots / (robots + row.good.max(row.people) as f32).max(1.0))
    }

    /// Counts a person's call for its equipment, and for all equipment of the route. How many rows gave way.
    fn count_people(&mut self, call: &Finished) -> u32 {
        if !call.is_persons {
            return 0;
        }
        let mut evicted = 0;
        for equipment in [ANY_EQUIPMENT, call.equipment] {
            let key = key(About::Equipment, call.caller, call.route, equipment);
            let (row, gave_way) = self.rows.touch(key, call.second);
            row.people = row.people.saturating_add(1);
            evicted += u32::from(gave_way.is_some());
        }
        evicted
    }

    /// The block with most evidence of a model around `caller`.
    #[must_use]
    pub fn strongest(&self, model: Model, caller: Number, (route, second): (RouteId, u32)) -> Row {
        let rows = WIDTHS.map(|width| self.block(width, caller, route));
        rows.max_by(|one, other| one.evidence(model, second).total_cmp(&other.evidence(model, second)))
            .unwrap_or_default()
    }

    /// The block around `caller` that the evidence is about: the narrowest that has `enough` of it, widened tenfold for
    /// as long as the wider block has enough too and `is_pure` holds. Enough comes from several tenths of a block. `None`
    /// when no block has enough.
    #[must_use]
    pub fn widest(
        &self,
        caller: Number,
        (route, second): (RouteId, u32),
        enough: Nats,
        is_pure: impl Fn(Range, &Row) -> bool,
    ) -> Option<Range> {
        let is_found = |width: u8| {
            let row = self.block(width, caller, route);
            (row.highest(second) >= enough && row.tenths() >= TENTHS_MIN).then_some(row)
        };
        let mut width = WIDTHS.into_iter().find(|width| is_found(*width).is_some())?;
        // Of a short number, a wide block is a country's and its neighbours'.
        let widest = caller.digit_count().saturating_sub(PREFIX_MIN).min(u32::from(*WIDTHS.end()));
        while u32::from(width) < widest {
            let wider = Range::of(caller, width + 1);
            let Some(row) = is_found(width + 1) else { break };
            if !is_pure(wider, &row) {
                break;
            }
            width += 1;
        }
        Some(Range::of(caller, width))
    }

    /// Rows kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing was ever learned.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Octets of memory with all rows in use.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.rows.bytes_max()
    }
}

/// What a call is evidence for or against.
fn subjects(equipment: u32) -> impl Iterator<Item = About> {
    let sender = (equipment != 0).then_some(About::Equipment);
    [About::Caller].into_iter().chain(sender).chain(WIDTHS.map(About::Block))
}

/// Width, route and prefix in one word: a prefix of 13 digits has 44 bits. A caller is a block of one on no route.
fn key(about: About, caller: Number, route: RouteId, equipment: u32) -> u64 {
    /// No width of a block.
    const EQUIPMENT: u64 = 7;
    let packed = |width: u64, route: RouteId, prefix: u64| width << 60 | u64::from(route.0) << 44 | prefix;
    match about {
        About::Caller => (caller.value() & ((1 << 60) - 1)) | 8 << 60,
        About::Block(width) => packed(u64::from(width), route, Range::of(caller, width).prefix()),
        About::Equipment => packed(EQUIPMENT, route, u64::from(equipment)),
    }
}
