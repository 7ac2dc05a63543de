//! How much one subject — a calling number, a block of them, a piece of equipment — speaks for a robot, and what one
//! call adds to that.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::number::Number;
use crate::base::route::RouteId;
use crate::feature::clock::left;
use crate::feature::ending::Ending;

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
/// Seconds in which so little fades that it is not worth reckoning.
const FADES_EVERY_S: u32 = 60;
/// Seconds between two calls of a block that count towards what is usual on its route.
const USUAL_EVERY_S: u32 = 60;
/// How far the talk of spoken codes of one sender lies from their mean: quartiles are within 1.5 s of each other.
const REGULAR_TALK_S: f32 = 1.5;
/// What a brief call says at most when it lies so: some nine in ten of a sender's do, one in four of people's.
const REGULAR_SAYS: Nats = 1.8;
/// What it says at most otherwise.
const IRREGULAR_SAYS: Nats = -1.0;
/// Evidence against a number (40 dB) from which on its calls count against it alone, not against its blocks.
const OWN_MAX: Nats = 9.2;
/// What a person's call weighs when it is one of the few that a mark lets pass: a few such and the mark is gone.
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
    /// Tenths of the block that bad calls came from, see `tenth`: a bit for each.
    digits: u16,
    /// Of equipment: calls that only people make, ever.
    pub(super) people: u32,
    /// Set up and neither answered nor ended. Not kept in a file: calls do not outlive the run that follows them.
    #[serde(skip)]
    pub in_flight: u16,
    /// Of a number: it is counted among the people of its blocks until one of its answered calls is over.
    #[serde(skip)]
    pub(super) is_counted: bool,
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

    /// Evidence for every model at this second.
    pub(super) fn all(&self, second: u32) -> [Nats; MODELS] {
        let fade = fade(self.at, second);
        self.evidence.map(|evidence| evidence * fade)
    }

    /// How many tenths of the block its bad calls come from, of a hundred about how many numbers: where it is one alone, the
    /// evidence is that tenth's, or a single number's.
    pub(super) const fn tenths(&self) -> u32 {
        self.digits.count_ones()
    }

    /// Highest evidence of all models at this second.
    #[must_use]
    pub fn highest(&self, second: u32) -> Nats {
        self.evidence.iter().copied().fold(0.0, Nats::max) * fade(self.at, second)
    }

    /// Adds what a call says; the peak if that took all evidence away.
    pub(super) fn add(&mut self, says: [Nats; MODELS], second: u32) -> Option<Nats> {
        // Most calls of a busy block come within seconds: nothing has faded yet.
        if second.saturating_sub(self.at) >= FADES_EVERY_S {
            self.evidence = self.all(second);
            self.at = second;
        }
        for (sum, says) in self.evidence.iter_mut().zip(says) {
            *sum = (*sum + says).clamp(0.0, CAP);
        }
        self.peak = self.peak.max(self.evidence[Model::Cut as usize]);
        if self.evidence != [0.0; MODELS] {
            return None;
        }
        let peak = self.peak;
        *self = Self {
            at: second,
            in_flight: self.in_flight,
            is_counted: self.is_counted,
            usual_at: self.usual_at,
            talk_s: self.talk_s,
            people: self.people,
            ..Self::default()
        };
        (peak > 0.0).then_some(peak)
    }

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
    pub(super) fn with_regularity(&mut self, mut says: [Nats; MODELS], call: &Finished) -> [Nats; MODELS] {
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
    pub(super) fn is_usual(&mut self, second: u32) -> bool {
        let is_due = second.saturating_sub(self.usual_at) >= USUAL_EVERY_S;
        let is_usual = is_due && self.highest(second) < SUSPECTED;
        if is_usual {
            self.usual_at = second;
        }
        is_usual
    }

    /// Counts what kind of call it was.
    pub(super) fn note(&mut self, about: About, call: &Finished, is_bad: bool) {
        if self.evidence == [0.0; MODELS] {
            return;
        }
        if is_bad {
            self.bad = self.bad.saturating_add(1);
            self.note_ring(call.ring_s);
            self.insisted = self.insisted.saturating_add(u16::from(call.insists));
            if let About::Block(width) = about {
                self.digits |= 1 << tenth(call.caller, width);
            }
        } else if call.is_persons && !call.is_proven {
            self.good = self.good.saturating_add(1);
        }
    }
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
    /// The caller was proven a person's before, or had talked with the called number.
    pub is_proven: bool,
    /// The called number is one the caller has not called lately, and not one that everybody calls.
    pub is_fresh: bool,
    /// It passed although its caller is marked, and stands for many that did not.
    pub is_probe: bool,
    /// The same call was refused before.
    pub insists: bool,
}

impl Finished {
    /// Whether what the call says for a robot counts: a robot could help none of its calls that count. `own` is the
    /// evidence against the caller: a number that speaks against itself says nothing more against those around it. A
    /// number that was proven a person's speaks against itself alone.
    pub(super) fn may_speak(&self, about: About, own: Nats) -> bool {
        self.is_fresh && (about == About::Caller || !self.is_proven && own < OWN_MAX)
    }

    /// What the call says to a subject. Calls that were made before say nothing, for it or against: whoever makes them can
    /// make as many as he likes.
    pub(super) fn heard(&self, says: [Nats; MODELS], may_speak: bool) -> [Nats; MODELS] {
        let mut heard = says.map(|says| weigh(says, may_speak, (self.is_fresh, self.is_probe)));
        if self.insists && may_speak && says[Model::Cut as usize] > 0.0 {
            heard[Model::Cut as usize] *= 2.0;
        }
        heard
    }
}

/// What counts of what a call says.
pub(super) fn weigh(says: Nats, may_speak: bool, (is_fresh, is_probe): (bool, bool)) -> Nats {
    match says > 0.0 {
        true if may_speak => says,
        true => 0.0,
        false if !is_fresh => 0.0,
        false if is_probe => says * PROBE_WEIGHT,
        false => says,
    }
}

fn fade(from: u32, to: u32) -> f32 {
    if to.saturating_sub(from) < FADES_EVERY_S { 1.0 } else { left(from, to, HALF_LIFE_S) }
}

/// Which tenth of its block of 10^width numbers a number is in. Of a hundred a sender may use ten in a row, so there it
/// is the sum of both digits that tells numbers apart.
fn tenth(number: Number, width: u8) -> u32 {
    let digit = |place: u32| (number.value() / 10_u64.pow(place) % 10) as u32;
    if width == 2 { (digit(0) + digit(1)) % 10 } else { digit(width as u32 - 1) }
}
