//! Setups that wait to be judged until somebody outside has said where a subscriber is; everything else goes on meanwhile.
//!
//! In: setups, and answers from threads that ask. Out: setups, each once, in the order of their deadlines or as soon as
//! what they wait for is known. A setup never waits beyond its deadline: then the state is not known, and unknown never
//! blocks.

use std::collections::VecDeque;
use std::time::Duration;

use arrayvec::ArrayVec;
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::adapter::Reply;
use crate::base::fail_open::FailOpen;
use crate::base::map::{Map, Seed};
use crate::base::network::Network;
use crate::base::number::Number;
use crate::base::time::At;
use crate::call::{AskedCall, CallEvent, Stamped};
use crate::clock::{Deadline, Stopwatch};
use crate::judge::Judge;
use crate::lookup::{Answer, Counts, Outcome, Question, Source, needed};

/// How to look up.
pub struct LookUpOptions {
    /// Whoever can be asked; each works on a thread of its own.
    pub sources: Vec<Box<dyn Source>>,
    /// Longest that a setup waits.
    pub deadline: Duration,
    /// How long an answer holds, in packet time.
    pub hold: Duration,
}

/// Most setups that wait; further ones are judged at once, with the state not known.
const WAITING_MAX: usize = 10_000;
/// Questions asked in one go.
const ROUND: usize = 64;
/// A switch must have its answer before its own deadline.
const MARGIN: Duration = Duration::from_millis(5);

/// Where an answer to a switch goes once its call is judged.
pub struct Then {
    /// The call.
    pub call: AskedCall,
    /// The switch.
    pub reply: Box<dyn Reply>,
    /// Since it asked.
    pub watch: Stopwatch,
}

/// Most questions about one call that wait together; further ones pass.
const REPETITIONS_MAX: usize = 4;

/// A setup that waits.
pub struct Waiting {
    /// The setup.
    pub stamped: Stamped,
    /// Switches that asked: one, and its repetitions.
    pub then: ArrayVec<Then, REPETITIONS_MAX>,
    numbers: ArrayVec<Number, 2>,
    deadline: Deadline,
}

/// Setups that wait, and questions under way.
pub struct LookUps {
    questions: Sender<Question>,
    answers: Receiver<(Question, Answer)>,
    waiting: VecDeque<Waiting>,
    /// Numbers asked about, and since when.
    under_way: Map<Number, At>,
    counts: Counts,
    deadline: Duration,
    hold: Duration,
}

impl LookUps {
    /// Starts a thread for each source.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn start(options: LookUpOptions) -> std::io::Result<Self> {
        let (questions, asked) = bounded(WAITING_MAX);
        let (answered, answers) = bounded(WAITING_MAX);
        for (index, source) in options.sources.into_iter().enumerate() {
            let (asked, answered) = (asked.clone(), answered.clone());
            std::thread::Builder::new()
                .name(format!("look-ups-{index}"))
                .spawn(move || ask(source, &asked, &answered))?;
        }
        Ok(Self {
            questions,
            answers,
            waiting: VecDeque::new(),
            under_way: Map::with_hasher(Seed::default()),
            counts: [0; Outcome::ALL.len()],
            deadline: options.deadline,
            hold: options.hold,
        })
    }

    /// Answers that have come, for whoever waits for several things at once.
    #[must_use]
    pub const fn answers(&self) -> &Receiver<(Question, Answer)> {
        &self.answers
    }

    /// What became of questions, by outcome.
    #[must_use]
    pub fn by_outcome(&self) -> Vec<(&'static str, u64)> {
        Outcome::NAMES.into_iter().zip(self.counts).collect()
    }

    /// Takes a setup whose judgement needs an answer, and asks; gives it back, with who asked, when it needs none or
    /// cannot wait: then it is to be judged at once.
    pub fn hold(
        &mut self,
        (judge, network): (&Judge, &Network),
        stamped: Stamped,
        (then, deadline): (Option<Then>, Option<Deadline>),
    ) -> Option<(Stamped, Option<Then>)> {
        let CallEvent::Setup(call) = &stamped.event else { return Some((stamped, then)) };
        let at = call.setup_at;
        let mut numbers = needed(network, call);
        let presence = judge.store().presence();
        let before = numbers.len();
        numbers.retain(|number| presence.answered(*number, at).is_none());
        self.counts[Outcome::Cached as usize] += (before - numbers.len()) as u64;
        if numbers.is_empty() {
            return Some((stamped, then));
        }
        let is_asked = self.waiting.len() < WAITING_MAX
            && numbers.iter().all(|number| self.ask(Question { at, call: call.id, number: *number }));
        if !is_asked {
            self.counts[Outcome::Skipped as usize] += 1;
            return Some((stamped, then));
        }
        let own = Deadline::after(self.deadline);
        let deadline = match deadline {
            Some(other) if other.left() < own.left() + MARGIN => {
                Deadline::after(other.left().saturating_sub(MARGIN))
            }
            _ => own,
        };
        self.waiting.push_back(Waiting { stamped, then: then.into_iter().collect(), numbers, deadline });
        None
    }

    /// Joins a question to the setup that waits for the same call; gives it back when none does.
    pub fn join(&mut self, then: Then) -> Option<Then> {
        match self.waiting.iter_mut().find(|waiting| waiting.stamped.event.call().seq == then.call.seq) {
            Some(waiting) => {
                if let Err(surplus) = waiting.then.try_push(then) {
                    surplus.element().reply.answer(Err(FailOpen::StateFull));
                }
                None
            }
            None => Some(then),
        }
    }

    /// Whether it is under way to somebody.
    fn ask(&mut self, question: Question) -> bool {
        if self.under_way.contains_key(&question.number) {
            return true;
        }
        let is_sent = self.questions.try_send(question).is_ok();
        if is_sent {
            self.under_way.insert(question.number, question.at);
        }
        is_sent
    }

    /// Takes in an answer.
    pub fn answered(&mut self, judge: &mut Judge, (question, answer): (Question, Answer)) {
        self.under_way.remove(&question.number);
        self.counts[answer.outcome as usize] += 1;
        judge.roaming(question.number, answer.state, (question.at, question.at + self.hold));
        for waiting in &mut self.waiting {
            waiting.numbers.retain(|number| *number != question.number);
        }
    }

    /// The next setup that is to be judged now: nothing it waits for is missing, its deadline is over, or something more
    /// happened to the call `urgent`.
    pub fn next(&mut self, urgent: Option<u64>) -> Option<Waiting> {
        let is_due = |waiting: &Waiting| {
            waiting.numbers.is_empty()
                || urgent == Some(waiting.stamped.event.call().seq)
                || waiting.deadline.left().is_zero()
        };
        let index = self.waiting.iter().position(is_due)?;
        self.waiting.remove(index)
    }

    /// The next setup that waits, whether or not it is due: in the end.
    pub fn next_of_all(&mut self) -> Option<Waiting> {
        self.waiting.pop_front()
    }

    /// How long until a setup must be judged at the latest.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        self.waiting.iter().map(|waiting| waiting.deadline.left()).min()
    }
}

/// Asks until nobody has questions any more.
fn ask(mut source: Box<dyn Source>, asked: &Receiver<Question>, answered: &Sender<(Question, Answer)>) {
    while let Ok(first) = asked.recv() {
        let mut round = vec![first];
        round.extend(asked.try_iter().take(ROUND - 1));
        for pair in round.iter().copied().zip(source.ask(&round)) {
            if answered.send(pair).is_err() {
                return;
            }
        }
    }
}
