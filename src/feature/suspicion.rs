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

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::map::Seed;
use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::route::RouteId;
use crate::feature::baseline::Baselines;
use crate::feature::clock::left;
use crate::feature::ending::Ending;
use crate::feature::table::Table;

/// Natural logarithm of a likelihood ratio.
pub type Nats = f32;

/// How many models of senders there are.
pub const MODELS: usize = 3;
/// Evidence that more calls do not add to (152 dB), so that it can be lost again.
pub const CAP: Nats = 35.0;
/// Evidence from which on a block is suspected: answers to its strangers no longer show that people live there.
pub const SUSPECTED: Nats = 5.0;
/// Half-life of evidence, in seconds.
const HALF_LIFE_S: f32 = 86_400.0;
/// Widths of blocks: 10² to 10⁶ numbers.
pub const WIDTHS: std::ops::RangeInclusive<u8> = 2..=6;
/// Different digits in the next place that show that evidence belongs to a block as a whole.
const SPREAD_MIN: u32 = 3;
/// Width of the blocks that show what is usual on a route: 10,000 numbers.
const USUAL_WIDTH: u8 = 4;
/// Seconds between two calls of such a block that count towards it.
const USUAL_EVERY_S: u32 = 60;

/// How far the talk of spoken codes of one sender lies from their mean: quartiles are within 1.5 s of each other.
const REGULAR_TALK_S: f32 = 1.5;
/// What a brief call says at most when it lies so: some nine in ten of a sender's do, one in four of people's.
const REGULAR_SAYS: Nats = 1.8;
/// What it says at most otherwise.
const IRREGULAR_SAYS: Nats = -1.0;
/// Stands for all equipment of a route.
const ANY_EQUIPMENT: u32 = u32::MAX;
/// Calls of people through other equipment of the route, and none through this, that show it for a sender's own.
const OTHERS_MIN: u32 = 300;
/// Evidence against a number (40 dB) from which on its calls count against it alone, not against its blocks.
pub const OWN_MAX: Nats = 9.2;
/// What a person's call weighs when it is one of the few that a mark lets pass: three such and the mark is gone.
const PROBE_WEIGHT: Nats = 4.0;

/// Ways in which senders of unwanted calls behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Model {
    /// Flash calls cut by the caller or rejected by the called handset.
    Cut,
    /// One or two rings: Wangiri, and flash calls cut late.
    Ring,
    /// Answered, a code spoken, and over.
    Spoken,
}

/// What evidence is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The calling number, on whatever route.
    Caller,
    /// The block of 10^width numbers around it, on the call's route.
    Block(u8),
    /// The fingerprint of the sending equipment, on the call's route.
    Equipment,
}

/// What is known of a calling number, a block or a fingerprint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Evidence by [`Model`], as of `at`.
    evidence: [Nats; MODELS],
    /// Second the evidence was last faded to.
    at: u32,
    /// Highest evidence of [`Model::Cut`] since it was last zero.
    peak: Nats,
    /// Calls of strangers that spoke for a robot since the evidence was last zero.
    pub bad: u32,
    /// Calls of strangers that only people make, in the same time.
    pub good: u32,
    /// Digits seen in the place before the block's free ones … of bad calls: bit *d* for digit *d*.
    digits: u16,
    /// Of equipment: calls that only people make, ever.
    people: u32,
    /// Set up and neither answered nor ended. Not kept in a file: calls do not outlive the run that follows them.
    #[serde(skip)]
    pub in_flight: u16,
    /// Bad calls that had been refused once and came again.
    pub insisted: u16,
    /// Second a call last counted towards what is usual.
    usual_at: u32,
    /// Running mean of the talk of brief calls, in seconds.
    talk_s: f32,
    /// Running mean of the ring time of bad calls, and of its distance from that mean, in seconds.
    ring_s: f32,
    ring_spread_s: f32,
}

impl Row {
    /// Evidence for a model at this second.
    #[must_use]
    pub fn evidence(&self, model: Model, second: u32) -> Nats {
        self.evidence[model as usize] * fade(self.at, second)
    }

    /// Whether its bad calls come from more than one tenth of the block: from one alone it would be that tenth's, or a
    /// single number's.
    fn is_of_several(&self) -> bool {
        self.digits.count_ones() > 1
    }

    /// Highest evidence of all models at this second.
    #[must_use]
    pub fn highest(&self, second: u32) -> Nats {
        self.evidence.iter().copied().fold(0.0, Nats::max) * fade(self.at, second)
    }

    /// Adds what a call says; the peak if that took all evidence away.
    fn add(&mut self, says: [Nats; MODELS], second: u32) -> Option<Nats> {
        let fade = fade(self.at, second);
        for (sum, says) in self.evidence.iter_mut().zip(says) {
            *sum = (*sum * fade + says).clamp(0.0, CAP);
        }
        self.at = second;
        self.peak = self.peak.max(self.evidence[Model::Cut as usize]);
        if self.evidence != [0.0; MODELS] {
            return None;
        }
        let peak = self.peak;
        *self = Self {
            at: second,
            in_flight: self.in_flight,
            usual_at: self.usual_at,
            talk_s: self.talk_s,
            people: self.people,
            ..Self::default()
        };
        (peak > 0.0).then_some(peak)
    }
}

fn fade(from: u32, to: u32) -> f32 {
    // Most calls of a busy block come within seconds: nothing has faded.
    if to.saturating_sub(from) < 60 { 1.0 } else { left(from, to, HALF_LIFE_S) }
}

/// A call, as evidence takes it.
#[derive(Clone, Copy, Debug)]
pub struct Finished {
    /// Calling number.
    pub caller: Number,
    /// Fingerprint of the sending equipment; 0 is none.
    pub equipment: u32,
    /// Route.
    pub route: RouteId,
    /// Second it ended at.
    pub second: u32,
    /// How.
    pub ending: Ending,
    /// Only a person lets a call end so.
    pub is_persons: bool,
    /// How long it rang, in seconds.
    pub ring_s: f32,
    /// How long it was talked, in seconds.
    pub talk_s: f32,
    /// The caller was known for a person before.
    pub is_known: bool,
    /// The called number is one the caller has not called lately, and not one that everybody calls.
    pub is_fresh: bool,
    /// It passed although its caller is marked, and stands for many that did not.
    pub is_probe: bool,
    /// The same call was refused before.
    pub insists: bool,
}

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
        let mut most = [0.0; MODELS];
        for row in WIDTHS.map(|width| self.block(width, caller, route)).filter(Row::is_of_several) {
            let fade = fade(row.at, second);
            for (most, evidence) in most.iter_mut().zip(row.evidence) {
                *most = Nats::max(*most, evidence * fade);
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
            (row.highest(second) >= enough && row.is_of_several()).then_some(row)
        };
        let mut width = WIDTHS.into_iter().find(|width| is_found(*width).is_some())?;
        while width < *WIDTHS.end() {
            let wider = Range::of(caller, width + 1);
            let Some(row) = is_found(width + 1) else { break };
            if row.digits.count_ones() < SPREAD_MIN || !is_pure(wider, &row) {
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

impl Row {
    /// Mean distance of the ring times of bad calls from their mean; flash calls are cut after always the same time.
    #[must_use]
    pub fn ring_spread(&self) -> Duration {
        Duration::try_from_secs_f32(self.ring_spread_s).unwrap_or_default()
    }

    fn note_ring(&mut self, ring_s: f32) {
        let first = self.bad == 1;
        let distance = (ring_s - self.ring_s).abs();
        self.ring_s = if first { ring_s } else { self.ring_s + (ring_s - self.ring_s) * 0.1 };
        self.ring_spread_s += (if first { 0.0 } else { distance } - self.ring_spread_s) * 0.2;
    }

    /// A spoken code always takes the same time: a brief call speaks for one when it is as long as those before it.
    fn with_regularity(&mut self, mut says: [Nats; MODELS], call: &Finished) -> [Nats; MODELS] {
        if call.ending != Ending::AnsweredBriefly {
            return says;
        }
        let is_regular = (call.talk_s - self.talk_s).abs() <= REGULAR_TALK_S;
        self.talk_s += (call.talk_s - self.talk_s) * if self.talk_s == 0.0 { 1.0 } else { 0.2 };
        let spoken = &mut says[Model::Spoken as usize];
        *spoken = spoken.min(if is_regular { REGULAR_SAYS } else { IRREGULAR_SAYS });
        says
    }

    /// Whether a call of this block counts towards what is usual now; it is then the last to, for a while.
    fn is_usual(&mut self, second: u32) -> bool {
        let is_due = second.saturating_sub(self.usual_at) >= USUAL_EVERY_S;
        let is_usual = is_due && self.highest(second) < SUSPECTED;
        if is_usual {
            self.usual_at = second;
        }
        is_usual
    }

    /// Counts what kind of call it was.
    fn note(&mut self, about: About, call: &Finished, is_bad: bool) {
        if self.evidence == [0.0; MODELS] {
            return;
        }
        if is_bad {
            self.bad = self.bad.saturating_add(1);
            self.note_ring(call.ring_s);
            self.insisted = self.insisted.saturating_add(u16::from(call.insists));
            if let About::Block(width) = about {
                self.digits |= 1 << digit(call.caller, width - 1);
            }
        } else if call.is_persons && !call.is_known {
            self.good = self.good.saturating_add(1);
        }
    }
}

/// What a call is evidence for or against.
fn subjects(equipment: u32) -> impl Iterator<Item = About> {
    let sender = (equipment != 0).then_some(About::Equipment);
    [About::Caller].into_iter().chain(sender).chain(WIDTHS.map(About::Block))
}

/// What a call says to a subject: for a robot only when a robot could not help it. `own` is the evidence against the
/// caller: a number that speaks against itself says nothing more against those around it.
fn heard(says: [Nats; MODELS], (about, own): (About, Nats), call: &Finished) -> [Nats; MODELS] {
    let may_speak = call.is_fresh && !call.is_known && (about == About::Caller || own < OWN_MAX);
    let mut heard = says.map(|says| match () {
        () if says > 0.0 => {
            if may_speak {
                says
            } else {
                0.0
            }
        }
        () if call.is_probe => says * PROBE_WEIGHT,
        () => says,
    });
    if call.insists && may_speak && says[Model::Cut as usize] > 0.0 {
        heard[Model::Cut as usize] *= 2.0;
    }
    heard
}

/// The digit of a number with `place` digits after it.
const fn digit(number: Number, place: u8) -> u32 {
    (number.value() / 10_u64.pow(place as u32) % 10) as u32
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
