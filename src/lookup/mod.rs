//! Asks outside where a subscriber is, before a call is judged that this decides: a home mobile number from abroad.
//!
//! In: events on their way to the judge. Out: the same events, and before them answers, given to [`Judge::roaming`], so
//! that to the judge an answer is an input like any other. Every answer is written down and can be replayed.
//!
//! A verdict waits for one deadline at most, then the state is not known, and unknown never blocks. Whether a number is
//! asked for depends on packet time and the numbers alone, never on batches or on how fast an answer came.

pub mod answers;
pub mod camara;
pub mod pool;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;

use crate::base::map::{Map, Seed};
use crate::base::network::{Network, RoamingState};
use crate::base::number::Number;
use crate::base::numbering::NumberKind;
use crate::base::route::{Direction, RouteClass};
use crate::base::time::At;
use crate::call::{Call, CallEvent, CallId};
use crate::judge::Judge;

pub use answers::{Recorded, parse_answers};
pub use camara::{Client, ClientOptions};
pub use pool::Pool;

/// How to ask.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whom, and how to be let in.
    pub client: ClientOptions,
    /// Longest that a verdict waits for an answer.
    pub deadline: Duration,
    /// How long an answer holds, in packet time; nobody is asked again before.
    pub hold: Duration,
    /// Most answers held.
    pub answers_max: usize,
    /// Most questions under way at a time.
    pub concurrency: usize,
}

/// A question about one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Packet time of the call that needs it.
    pub at: At,
    /// That call, for whoever compares logs.
    pub call: CallId,
    /// The number.
    pub number: Number,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    /// A state was told.
    Answered,
    /// Not asked: an earlier answer holds.
    Cached,
    /// No connection, an error, or an answer that cannot be read.
    Failed,
    /// Not asked: too many questions wait, or nobody has answered for a while.
    Skipped,
    /// No answer before the deadline.
    TimedOut,
    /// Whoever was asked does not know the number.
    Unknown,
    /// The recorded answers hold none for this question.
    Unrecorded,
}

impl Outcome {
    /// Names in records, in the order of the enum.
    pub const NAMES: [&'static str; 7] =
        ["answered", "cached", "failed", "skipped", "timed_out", "unknown", "unrecorded"];

    /// All, in the order of the names.
    pub const ALL: [Self; 7] = [
        Self::Answered,
        Self::Cached,
        Self::Failed,
        Self::Skipped,
        Self::TimedOut,
        Self::Unknown,
        Self::Unrecorded,
    ];
}

/// An answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The state; `Some` when it was answered.
    pub state: Option<RoamingState>,
    /// How it went.
    pub outcome: Outcome,
}

impl Answer {
    /// No state, and why.
    #[must_use]
    pub const fn none(outcome: Outcome) -> Self {
        Self { state: None, outcome }
    }
}

/// Whoever can be asked.
pub trait Source: Send {
    /// Answers all questions, in their order.
    fn ask(&mut self, questions: &[Question]) -> Vec<Answer>;
}

/// Counts by [`Outcome`].
pub type Counts = [u64; Outcome::ALL.len()];

/// What the pipeline needs of look-ups.
pub trait Resolver {
    /// Asks at once all that a batch of events will need, in any order.
    fn fetch(&mut self, judge: &Judge, events: &mut dyn Iterator<Item = &CallEvent>);

    /// Gives the judge the answers that the next event needs.
    fn resolve(&mut self, judge: &mut Judge, event: &CallEvent);
}

/// Asks, holds answers of a batch until they are needed, writes them down, counts.
pub struct LookUps<W> {
    network: Arc<Network>,
    source: Box<dyn Source>,
    hold: Duration,
    fetched: Map<Number, Answer>,
    counts: Counts,
    journal: W,
    error: Option<io::Error>,
}

impl<W: Write> LookUps<W> {
    /// Asks `source`; answers hold for `hold` of packet time and are written to `journal`.
    pub fn new(network: Arc<Network>, source: Box<dyn Source>, hold: Duration, journal: W) -> Self {
        Self {
            network,
            source,
            hold,
            fetched: Map::with_hasher(Seed::default()),
            counts: [0; Outcome::ALL.len()],
            journal,
            error: None,
        }
    }

    /// What became of questions, by the order of [`Outcome::ALL`].
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Gives back what answers were written to.
    ///
    /// # Errors
    /// The first that occurred in writing.
    pub fn finish(self) -> io::Result<W> {
        self.error.map_or(Ok(self.journal), Err)
    }

    fn answer(&mut self, question: Question) -> Answer {
        let fetched = self.fetched.remove(&question.number);
        let mut ask = || self.source.ask(&[question]).first().copied();
        fetched.or_else(&mut ask).unwrap_or(Answer::none(Outcome::Failed))
    }
}

impl<W: Write> Resolver for LookUps<W> {
    fn fetch(&mut self, judge: &Judge, events: &mut dyn Iterator<Item = &CallEvent>) {
        self.fetched.clear();
        // By number the first call that asks: the others will find its answer.
        let mut first: BTreeMap<Number, (At, u64, CallId)> = BTreeMap::new();
        for call in events.filter_map(setup) {
            for number in needed(&self.network, call) {
                if judge.store().presence().answered(number, call.setup_at).is_none() {
                    let asker = (call.setup_at, call.seq, call.id);
                    first.entry(number).and_modify(|known| *known = asker.min(*known)).or_insert(asker);
                }
            }
        }
        let questions: Vec<Question> =
            first.into_iter().map(|(number, (at, _, call))| Question { at, call, number }).collect();
        if !questions.is_empty() {
            let answers = self.source.ask(&questions);
            self.fetched.extend(questions.iter().map(|question| question.number).zip(answers));
        }
    }

    fn resolve(&mut self, judge: &mut Judge, event: &CallEvent) {
        let Some(call) = setup(event) else { return };
        for number in needed(&self.network, call) {
            if judge.store().presence().answered(number, call.setup_at).is_some() {
                self.counts[Outcome::Cached as usize] += 1;
                continue;
            }
            let question = Question { at: call.setup_at, call: call.id, number };
            let answer = self.answer(question);
            self.counts[answer.outcome as usize] += 1;
            judge.roaming(number, answer.state, (question.at, question.at + self.hold));
            if self.error.is_none() {
                self.error = answers::write(&mut self.journal, question, answer).err();
            }
        }
    }
}

const fn setup(event: &CallEvent) -> Option<&Call> {
    match event {
        CallEvent::Setup(call) => Some(call),
        CallEvent::Answer(_) | CallEvent::End(_) => None,
    }
}

/// Numbers whose state may decide a call: the calling number, and the diverting one, of our mobile subscribers on a call
/// from abroad. Not of calls that pass or are refused whatever the answer.
#[must_use]
pub fn needed(network: &Network, call: &Call) -> ArrayVec<Number, 2> {
    let mut numbers = ArrayVec::new();
    let is_from_abroad = call.direction == Direction::Inbound
        && network.routes.route(call.route).class == RouteClass::International;
    let Some(caller) = call.calling.number.filter(|_| is_from_abroad) else { return numbers };
    let lists = &network.lists;
    let at = call.setup_at;
    let is_decided = !network.numbering.is_home(caller)
        || network.is_emergency(&call.called)
        || lists.exemption(call.route, caller, at).is_some()
        || lists.dno.covers(caller, at);
    if is_decided {
        return numbers;
    }
    let diverting = call.diverting.as_ref().and_then(|party| party.number).filter(|number| *number != caller);
    let is_mobile = |number: &Number| {
        network.numbering.is_home(*number)
            && matches!(network.numbering.kind(*number), NumberKind::Mobile | NumberKind::FixedOrMobile)
    };
    numbers.extend([Some(caller), diverting].into_iter().flatten().filter(is_mobile));
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_in_order() {
        assert!(Outcome::ALL.iter().enumerate().all(|(index, outcome)| *outcome as usize == index));
    }
}
