//! How likely a calling number, a block of them or a piece of equipment is a robot's: evidence that adds up call by
//! call.
//!
//! Page's cumulative sum: every ended call adds the logarithm of how many times likelier its [`Ending`] is for a sender
//! of a [`Model`] than for the route's own people ([`Baselines`]); the sum never falls below zero, fades by half in a
//! day, and is kept for the number itself, for its blocks of 10² to 10⁶ numbers on the route, and for the fingerprint of
//! the sending equipment on the route. Where people answer it returns to zero; where nobody ever answers it climbs. So
//! evidence has no window to stay below: slow senders take longer, not shorter.
//!
//! Only calls that a robot cannot help making count towards it: from a number not known for a person's, to a number
//! it has not called before and that not everybody calls; and towards a block only from numbers against which little is
//! known, so that one number cannot condemn its neighbours. All calls count against it.

use serde::{Deserialize, Serialize};

use crate::base::map::Seed;
use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::route::RouteId;
use crate::feature::baseline::Baselines;
use crate::feature::ending::Ending;
use crate::feature::evidence::{About, Finished, MODELS, Model, Nats, Row, heard};
use crate::feature::table::Table;

/// Widths of blocks: 10² to 10⁶ numbers.
pub const WIDTHS: std::ops::RangeInclusive<u8> = 2..=6;
/// Different digits in the next place that show that evidence belongs to a block as a whole.
const SPREAD_MIN: u32 = 3;
/// Width of the blocks that show what is usual on a route: 10,000 numbers.
const USUAL_WIDTH: u8 = 4;
/// Stands for all equipment of a route.
const ANY_EQUIPMENT: u32 = u32::MAX;
/// Calls of people through other equipment of the route, and none through this, that show it for a sender's own.
const OTHERS_MIN: u32 = 300;

/// All evidence.
#[derive(Debug, Serialize, Deserialize)]
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
        let (row, gave_way) = self.rows.touch(key(About::Caller, caller, RouteId::UNKNOWN, 0), second);
        row.in_flight = row.in_flight.saturating_add(1);
        u32::from(gave_way.is_some())
    }

    /// Counts it out again. How many rows gave way.
    pub fn landed(&mut self, caller: Number, second: u32) -> u32 {
        let (row, gave_way) = self.rows.touch(key(About::Caller, caller, RouteId::UNKNOWN, 0), second);
        row.in_flight = row.in_flight.saturating_sub(1);
        u32::from(gave_way.is_some())
    }

    /// Takes what it says that a call was answered. How many rows gave way.
    pub fn answered(&mut self, caller: Number, (route, second): (RouteId, u32), equipment: u32) -> u32 {
        let says = self.baselines.answer_says(route, second);
        self.each((caller, equipment), (route, second), |_, row| row.add(says, second))
    }

    /// Takes back what a call that was cut before it rang said on `route`: it came again by another. How many rows gave
    /// way.
    pub fn take_back(&mut self, caller: Number, (route, second): (RouteId, u32), equipment: u32) -> u32 {
        let says = self.baselines.says(route, second, Ending::CutBeforeRinging).map(|says| -says.max(0.0));
        self.each((caller, equipment), (route, second), |_, row| {
            row.bad = row.bad.saturating_sub(1);
            row.add(says, second)
        })
    }

    /// Takes what a call that is over says. How many rows gave way.
    pub fn ended(&mut self, call: &Finished) -> u32 {
        let says = self.baselines.says(call.route, call.second, call.ending);
        let is_bad = says.iter().any(|says| *says > 0.0) && call.is_fresh && !call.is_known;
        let own = self.caller(call.caller).highest(call.second);
        let mut is_usual = false;
        let mut evicted = self.count_people(call);
        evicted += self.each((call.caller, call.equipment), (call.route, call.second), |about, row| {
            let says = row.with_regularity(says, call);
            let peak = row.add(heard(says, (about, own), call), call.second);
            row.note(about, call, is_bad);
            is_usual |= about == About::Block(USUAL_WIDTH) && row.is_usual(call.second);
            peak
        });
        if is_usual {
            self.baselines.count(call.route, call.second, call.ending);
        }
        evicted
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

    /// Most evidence of each model against a block around `caller` whose bad calls come from more than one tenth of it.
    #[must_use]
    pub fn against_blocks(&self, caller: Number, route: RouteId, second: u32) -> [Nats; MODELS] {
        let mut most: [Nats; MODELS] = [0.0; MODELS];
        for row in WIDTHS.map(|width| self.block(width, caller, route)).filter(|row| row.tenths() > 1) {
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
    /// as long as the wider block has enough too, its bad calls come from at least three different tenths of it, and
    /// `is_pure` holds. `None` when no block has enough.
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
            (row.highest(second) >= enough && row.tenths() > 1).then_some(row)
        };
        let mut width = WIDTHS.into_iter().find(|width| is_found(*width).is_some())?;
        while width < *WIDTHS.end() {
            let wider = Range::of(caller, width + 1);
            let Some(row) = is_found(width + 1) else { break };
            if row.tenths() < SPREAD_MIN || !is_pure(wider, &row) {
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
