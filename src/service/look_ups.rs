//! Setups that wait to be judged until somebody has said where a subscriber is, or who signed for the call; everything else goes on
//! meanwhile.
//!
//! In: setups, and answers from threads that ask. Out: setups, each once, in the order of their deadlines or as soon as
//! what they wait for is known. A setup never waits beyond its deadline: then the state is not known, and unknown never
//! blocks; then the signatures are not verified.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arrayvec::ArrayVec;
use crossbeam_channel::{Receiver, Sender, bounded};

use crate::adapter::Reply;
use crate::base::fail_open::FailOpen;
use crate::base::map::{Map, Seed};
use crate::base::network::Network;
use crate::base::number::Number;
use crate::call::{AskedCall, Call, CallEvent, Stamped, Stir, StirReason};
use crate::clock::{Deadline, Stopwatch};
use crate::judge::Judge;
use crate::lookup::{Answer, Counts, Outcome, Question, Source, needed};
use crate::stir::pool::Answered;
use crate::stir::{self, Verifier};

/// How to look up.
pub struct LookUpOptions {
    /// Whoever can be asked; each works on a thread of its own.
    pub sources: Vec<Box<dyn Source>>,
    /// Longest that a setup waits.
    pub deadline: Duration,
    /// How long an answer holds, in packet time.
    pub hold: Duration,
    /// Whoever verifies the signatures of setups.
    pub verifier: Option<Verifier>,
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
    /// Its signatures are being verified.
    pub is_verifying: bool,
    /// By when answers about its numbers must have come, and about its signatures.
    patience: [Deadline; 2],
    deadline: Deadline,
}

impl Waiting {
    /// The latest moment at which an answer may come that it still waits for.
    fn deadline(&self) -> Deadline {
        let [numbers, signatures] = self.patience;
        match (self.numbers.is_empty(), self.is_verifying) {
            (false, true) => numbers.max(signatures),
            (true, true) => signatures,
            _ => numbers,
        }
    }
}

/// Setups that wait, and questions under way.
pub struct LookUps {
    questions: Sender<Question>,
    answers: Receiver<(Question, Answer)>,
    /// By number of the call, which is the order in which they came.
    waiting: BTreeMap<u64, Waiting>,
    /// Those that wait for nothing any more.
    ready: BTreeSet<u64>,
    /// All, by when they must be judged.
    deadlines: BTreeSet<(Deadline, u64)>,
    /// Numbers asked about, and the setups that wait for them.
    under_way: Map<Number, BTreeSet<u64>>,
    counts: Counts,
    /// There is somebody who knows where subscribers are.
    is_asking: bool,
    deadline: Duration,
    hold: Duration,
    verifier: Option<Verifier>,
}

impl LookUps {
    /// Starts a thread for each source.
    ///
    /// # Errors
    /// As the system says when it gives no thread.
    pub fn start(options: LookUpOptions) -> std::io::Result<Self> {
        let (questions, asked) = bounded(WAITING_MAX);
        let (answered, answers) = bounded(WAITING_MAX);
        let is_asking = !options.sources.is_empty();
        for (index, source) in options.sources.into_iter().enumerate() {
            let (asked, answered) = (asked.clone(), answered.clone());
            std::thread::Builder::new()
                .name(format!("look-ups-{index}"))
                .spawn(move || ask(source, &asked, &answered))?;
        }
        Ok(Self {
            questions,
            answers,
            waiting: BTreeMap::new(),
            ready: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            under_way: Map::with_hasher(Seed::default()),
            counts: [0; Outcome::ALL.len()],
            is_asking,
            deadline: options.deadline,
            hold: options.hold,
            verifier: options.verifier,
        })
    }

    /// Answers that have come, for whoever waits for several things at once.
    #[must_use]
    pub const fn answers(&self) -> &Receiver<(Question, Answer)> {
        &self.answers
    }

    /// What was said of signatures, for whoever waits for several things at once.
    #[must_use]
    pub fn verified_answers(&self) -> Option<&Receiver<Answered>> {
        self.verifier.as_ref().map(Verifier::answers)
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
        (judge, network): (&mut Judge, &Network),
        stamped: Stamped,
        (then, deadline): (Option<Then>, Option<Deadline>),
    ) -> Option<(Stamped, Option<Then>)> {
        let CallEvent::Setup(call) = &stamped.event else { return Some((stamped, then)) };
        let seq = call.seq;
        let numbers = self.ask_about(judge, network, call);
        let is_verifying = self.verify(judge, call);
        if numbers.is_empty() && !is_verifying {
            return Some((stamped, then));
        }
        let verifying = self.verifier.as_ref().map_or(self.deadline, Verifier::deadline);
        let patience = [self.deadline, verifying].map(|own| within(own, deadline));
        let then = then.into_iter().collect();
        let mut waiting = Waiting { stamped, then, numbers, is_verifying, patience, deadline: patience[0] };
        waiting.deadline = waiting.deadline();
        self.deadlines.insert((waiting.deadline, seq));
        self.waiting.insert(seq, waiting);
        None
    }

    /// Asks where the subscribers are on whom the call depends; the numbers that it has to wait for.
    fn ask_about(&mut self, judge: &Judge, network: &Network, call: &Call) -> ArrayVec<Number, 2> {
        if !self.is_asking {
            return ArrayVec::new();
        }
        let (at, seq) = (call.setup_at, call.seq);
        let mut numbers = needed(network, call);
        let presence = judge.store().presence();
        let before = numbers.len();
        numbers.retain(|number| presence.answered(*number, at).is_none());
        self.counts[Outcome::Cached as usize] += (before - numbers.len()) as u64;
        if numbers.is_empty() {
            return numbers;
        }
        let is_asked = self.waiting.len() < WAITING_MAX
            && numbers.iter().all(|number| self.ask(seq, Question { at, call: call.id, number: *number }));
        if !is_asked {
            self.forget(seq, &numbers);
            self.counts[Outcome::Skipped as usize] += 1;
            numbers.clear();
        }
        numbers
    }

    /// Has a call's signatures verified, if it has some and there is room; whether it has to wait for that.
    fn verify(&self, judge: &mut Judge, call: &Call) -> bool {
        let Some((verifier, question)) = self.verifier.as_ref().zip(stir::Question::of(call)) else {
            return false;
        };
        let is_under_way = self.waiting.len() < WAITING_MAX && verifier.submit(question);
        if !is_under_way {
            judge.verified(call.seq, Stir::unverified(StirReason::QueueFull));
        }
        is_under_way
    }

    /// Joins a question to the setup that waits for the same call, `seq`; gives it back when none does.
    pub fn join(&mut self, seq: u64, then: Then) -> Option<Then> {
        match self.waiting.get_mut(&seq) {
            Some(waiting) => {
                if let Err(surplus) = waiting.then.try_push(then) {
                    surplus.element().reply.answer(Err(FailOpen::StateFull));
                }
                None
            }
            None => Some(then),
        }
    }

    /// Whether it is under way to somebody, for the call `seq` too.
    fn ask(&mut self, seq: u64, question: Question) -> bool {
        if !self.under_way.contains_key(&question.number) && self.questions.try_send(question).is_err() {
            return false;
        }
        self.under_way.entry(question.number).or_default().insert(seq);
        true
    }

    /// The call no longer waits for these numbers.
    fn forget(&mut self, seq: u64, numbers: &[Number]) {
        for number in numbers {
            if let Some(calls) = self.under_way.get_mut(number) {
                calls.remove(&seq);
            }
        }
    }

    /// Takes in an answer.
    pub fn answered(&mut self, judge: &mut Judge, (question, answer): (Question, Answer)) {
        let calls = self.under_way.remove(&question.number).unwrap_or_default();
        self.counts[answer.outcome as usize] += 1;
        judge.roaming(question.number, answer.state, (question.at, question.at + self.hold));
        for seq in calls {
            let Some(waiting) = self.waiting.get_mut(&seq) else { continue };
            waiting.numbers.retain(|number| *number != question.number);
            self.go_on(seq);
        }
    }

    /// Takes in what was said of a call's signatures; what comes too late is dropped.
    pub fn verified(&mut self, judge: &mut Judge, (seq, stir): Answered) {
        let Some(waiting) = self.waiting.get_mut(&seq).filter(|waiting| waiting.is_verifying) else { return };
        waiting.is_verifying = false;
        judge.verified(seq, stir);
        self.go_on(seq);
    }

    /// The call waits for less than before: perhaps for nothing, perhaps not as long.
    fn go_on(&mut self, seq: u64) {
        let Some(waiting) = self.waiting.get_mut(&seq) else { return };
        if waiting.numbers.is_empty() && !waiting.is_verifying {
            self.ready.insert(seq);
            return;
        }
        self.deadlines.remove(&(waiting.deadline, seq));
        waiting.deadline = waiting.deadline();
        self.deadlines.insert((waiting.deadline, seq));
    }

    /// The next setup that is to be judged now: nothing it waits for is missing, or its deadline is over.
    pub fn next_due(&mut self) -> Option<Waiting> {
        let seq = self.ready.first().copied().or_else(|| {
            let (deadline, seq) = self.deadlines.first()?;
            deadline.left().is_zero().then_some(*seq)
        })?;
        self.take(seq)
    }

    /// The setup of this call, if it waits: something more happened to the call.
    pub fn take(&mut self, seq: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&seq)?;
        self.ready.remove(&seq);
        self.deadlines.remove(&(waiting.deadline, seq));
        self.forget(seq, &waiting.numbers);
        Some(waiting)
    }

    /// The next setup that waits, whether or not it is due: in the end.
    pub fn next_of_all(&mut self) -> Option<Waiting> {
        let seq = *self.waiting.first_key_value()?.0;
        self.take(seq)
    }

    /// How long until a setup must be judged at the latest.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        Some(self.deadlines.first()?.0.left())
    }
}

/// The end of a span from now on, or what a switch's own deadline leaves of it.
fn within(span: Duration, deadline: Option<Deadline>) -> Deadline {
    match deadline {
        Some(other) if other.left() < span + MARGIN => Deadline::after(other.left().saturating_sub(MARGIN)),
        _ => Deadline::after(span),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::network::RoamingState;
    use crate::base::number::Party;
    use crate::base::numbering::Numbering;
    use crate::base::route::{Direction, Route, RouteClass, RouteId, Routes};
    use crate::base::time::At;
    use crate::call::{CallKey, Setup, Stamp};
    use crate::feature::fields;
    use crate::judge::JudgeOptions;
    use crate::rule::Ruleset;

    struct Bench {
        look_ups: LookUps,
        judge: Judge,
        network: Arc<Network>,
        /// What was asked; nobody answers but the test.
        asked: Receiver<Question>,
    }

    impl Bench {
        fn new() -> Self {
            let poland = crate::base::field::Country::parse("PL").unwrap();
            let network = Arc::new(Network {
                routes: Routes::new(vec![Route::new("abroad", RouteClass::International)]),
                numbering: Numbering::new(poland).unwrap(),
                ..Network::unknown()
            });
            let options = LookUpOptions {
                sources: Vec::new(),
                deadline: Duration::from_secs(600),
                hold: Duration::ZERO,
                verifier: None,
            };
            let mut look_ups = LookUps::start(options).unwrap();
            look_ups.is_asking = true;
            let (questions, asked) = bounded(WAITING_MAX);
            look_ups.questions = questions;
            let ruleset = Arc::new(Ruleset::compile(&[], &fields::FIELDS).unwrap());
            let judge = Judge::new(ruleset, Arc::clone(&network), JudgeOptions::default());
            Self { look_ups, judge, network, asked }
        }

        /// A setup of one of our subscribers from abroad; whether it waits.
        fn hold(&mut self, seq: u64, caller: &str) -> bool {
            let party = |digits: &str| Party::from(Number::from_digits(digits.as_bytes()).unwrap());
            let setup = Setup {
                route: RouteId(1),
                direction: Direction::Inbound,
                calling: party(caller),
                called: party("48221234567"),
                ..Setup::default()
            };
            let key = CallKey::Isup { opc: 1, dpc: 2, cic: 3 };
            let call = Call::new(key, seq, At::from_nanos(seq), setup);
            let event = CallEvent::Setup(call);
            let stamped = Stamped { stamp: Stamp::message(At::from_nanos(seq), seq), event };
            self.look_ups.hold((&mut self.judge, &self.network), stamped, (None, None)).is_none()
        }

        fn answer_next(&mut self) {
            let question = self.asked.try_recv().unwrap();
            let answer = Answer { state: Some(RoamingState::Roaming), outcome: Outcome::Answered };
            self.look_ups.answered(&mut self.judge, (question, answer));
        }
    }

    fn seq(waiting: Option<Waiting>) -> Option<u64> {
        waiting.map(|waiting| waiting.stamped.event.call().seq)
    }

    #[test]
    fn each_setup_comes_back_once() {
        let mut bench = Bench::new();
        for (call, caller) in [(1, "48601000001"), (2, "48601000002"), (3, "48601000001"), (4, "48601000003")]
        {
            assert!(bench.hold(call, caller));
        }
        assert_eq!(bench.asked.len(), 3, "a number is asked about once");
        assert!(bench.look_ups.patience().unwrap() > Duration::from_secs(60));
        // Something more happens to a call.
        assert_eq!(seq(bench.look_ups.take(3)), Some(3));
        assert_eq!((seq(bench.look_ups.take(3)), seq(bench.look_ups.take(9))), (None, None));
        assert_eq!(seq(bench.look_ups.next_due()), None);
        bench.answer_next();
        assert_eq!(seq(bench.look_ups.next_due()), Some(1));
        assert_eq!(seq(bench.look_ups.next_due()), None);
        bench.answer_next();
        let rest: Vec<_> = std::iter::from_fn(|| seq(bench.look_ups.next_of_all())).collect();
        assert_eq!((rest, bench.look_ups.patience()), (vec![2, 4], None));
        bench.answer_next();
        let LookUps { waiting, ready, deadlines, under_way, .. } = &bench.look_ups;
        assert!(waiting.is_empty() && ready.is_empty() && deadlines.is_empty() && under_way.is_empty());
    }

    /// With somebody who verifies, too.
    fn with_verifier() -> Bench {
        let mut bench = Bench::new();
        let options = stir::Options {
            anchors: Arc::default(),
            local: Arc::default(),
            fetch: None,
            freshness: Duration::from_secs(60),
            deadline: Duration::from_secs(300),
            certificates_max: 16,
            threads: 1,
        };
        bench.look_ups.verifier = Some(Verifier::start(&options, &bench.network).unwrap());
        bench
    }

    /// A signed setup of somebody abroad, on whom no look-up depends; whether it waits.
    fn hold_signed(bench: &mut Bench, seq: u64, caller: &str) -> bool {
        let party = |digits: &str| Party::from(Number::from_digits(digits.as_bytes()).unwrap());
        let setup = Setup {
            route: RouteId(1),
            calling: party(caller),
            called: party("48221234567"),
            ..Setup::default()
        };
        let mut call = Call::new(CallKey::Isup { opc: 1, dpc: 2, cic: 3 }, seq, At::from_nanos(seq), setup);
        let head = b"INVITE sip:1@h SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nIdentity: garbage\r\n\r\n";
        call.identity = Some(Arc::from(&head[..]));
        let event = CallEvent::Setup(call);
        let stamped = Stamped { stamp: Stamp::message(At::from_nanos(seq), seq), event };
        bench.look_ups.hold((&mut bench.judge, &bench.network), stamped, (None, None)).is_none()
    }

    fn judged(bench: &mut Bench, waiting: Waiting) -> Stir {
        let mut out = Vec::new();
        let call = waiting.stamped.event.call().clone();
        bench.judge.handle(call.setup_at, waiting.stamped.event, &mut out);
        bench.judge.handle(call.setup_at, CallEvent::End(call), &mut out);
        let record = out.into_iter().find_map(|output| match output {
            crate::judge::Output::Record(record) => Some(record.call.stir),
            _ => None,
        });
        record.unwrap()
    }

    #[test]
    fn a_signed_setup_waits_until_it_is_verified() {
        let mut bench = with_verifier();
        assert!(!bench.hold(1, "4930123456"), "neither signed nor looked up");
        assert!(hold_signed(&mut bench, 2, "4930123456"));
        assert!(bench.look_ups.next_due().is_none());
        let answer = bench.look_ups.verified_answers().unwrap().recv().unwrap();
        bench.look_ups.verified(&mut bench.judge, answer);
        let waiting = bench.look_ups.next_due().unwrap();
        assert!(!waiting.is_verifying);
        assert_eq!(judged(&mut bench, waiting), Stir::invalid(StirReason::Malformed));
        // Said once more, of a call that no longer waits.
        bench.look_ups.verified(&mut bench.judge, answer);
        assert!(bench.look_ups.next_due().is_none() && bench.look_ups.deadlines.is_empty());
    }

    #[test]
    fn a_setup_waits_for_both_and_for_neither_beyond_its_deadline() {
        let mut bench = with_verifier();
        assert!(hold_signed(&mut bench, 1, "48601000001"));
        let minutes = |bench: &Bench| (bench.look_ups.patience().unwrap().as_secs() + 30) / 60;
        assert_eq!(minutes(&bench), 10, "a number is asked about for longer than a signature");
        bench.answer_next();
        assert!(bench.look_ups.next_due().is_none());
        assert_eq!(minutes(&bench), 5);
        let waiting = bench.look_ups.take(1).unwrap();
        assert!(waiting.is_verifying);
        // The other way about.
        assert!(hold_signed(&mut bench, 2, "48601000002"));
        for _ in 0..2 {
            let answer = bench.look_ups.verified_answers().unwrap().recv().unwrap();
            bench.look_ups.verified(&mut bench.judge, answer);
        }
        assert!(bench.look_ups.next_due().is_none());
        assert_eq!(minutes(&bench), 10);
        bench.answer_next();
        assert_eq!(seq(bench.look_ups.next_due()), Some(2));
    }

    #[test]
    fn a_setup_is_due_at_its_deadline() {
        let mut bench = Bench::new();
        assert!(bench.hold(1, "48601000001"));
        bench.look_ups.deadline = Duration::ZERO;
        assert!(bench.hold(2, "48601000002"));
        assert_eq!(bench.look_ups.patience(), Some(Duration::ZERO));
        assert_eq!((seq(bench.look_ups.next_due()), seq(bench.look_ups.next_due())), (Some(2), None));
    }
}
