//! The decision loop: one thread that owns live calls, windows, marks and rules. Everything else asks it or tells it.
//!
//! In: questions of switches, batches of messages from sources, what switches tell of finished calls, orders of whoever
//! runs the service. Out: answers, records, marks, counts. Questions go first: a switch waits for them. It waits for
//! nobody: a full queue behind it is counted and passed over.

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use crossbeam_channel::{Receiver, Select, Sender, TrySendError};
use prometheus::Histogram;

use crate::adapter::{Asked, Query, Reply, Waker};
use crate::base::fail_open::FailOpen;
use crate::base::fault::{Faults, Kind, Layer};
use crate::base::frame::Pdu;
use crate::base::network::Network;
use crate::base::time::At;
use crate::call::{AskedCall, Call, CallEvent, LegCounts, Legs, Placed, Stamped, Stir, StirReason, Told};
use crate::clock::{self, Deadline, Stopwatch};
use crate::engine::Shard;
use crate::engine::batch::Batch;
use crate::feature::{Sizes, Store};
use crate::judge::{Answer, Judge, Marked, Output, Treatment};
use crate::metrics::Tally;
use crate::rule::Ruleset;
use crate::service::copying::{Copying, Piece, Step};
use crate::service::given::Given;
use crate::service::look_ups::{LookUps, Then, Waiting};
use crate::service::records::Desk;
use crate::signal::Counts;
use crate::source::Inlet;

/// What the loop takes things from. Each is bounded by whoever made it.
pub struct Inbox {
    /// Questions of switches.
    pub queries: Receiver<Query>,
    /// Messages from sources.
    pub batches: Inlet,
    /// What switches tell of finished calls.
    pub told: Receiver<Vec<Told>>,
    /// What the operator wants.
    pub orders: Receiver<Order>,
}

/// What the operator wants of the loop.
pub enum Order {
    /// Judge by these rules from now on.
    Load(Arc<Ruleset>),
    /// Tell what was counted.
    Count(Sender<Counted>),
    /// Tell the marks in force.
    Marks(Sender<Vec<Marked>>),
    /// Hand out what was learned, in slices. Not while that is under way for somebody else: then this end is dropped at once.
    Copy(Sender<Piece>),
    /// Tell the records of calls that live, and end.
    Stop,
}

/// What was learned so far.
pub struct Learned {
    /// Windows, marks, evidence.
    pub store: Store,
    /// Rules in force.
    pub ruleset: Arc<Ruleset>,
    /// The latest moment it is about.
    pub at: At,
}

/// What the loop has counted since it began.
pub struct Counted {
    /// Calls that are over.
    pub tally: Tally,
    /// Rules in force.
    pub ruleset: Arc<Ruleset>,
    /// Since when, by the wall clock.
    pub ruleset_since: At,
    /// Matches of shadow rules, by index of the rule.
    pub shadow_matches: Vec<u64>,
    /// Messages, and what was wrong with them.
    pub counts: Counts,
    /// Entries held by the tables of windows, marks and people.
    pub sizes: Sizes,
    /// Roaming states needed, by what became of the questions.
    pub look_ups: Vec<(&'static str, u64)>,
    /// Signed calls: verdict on their signatures, reason, count.
    pub stir: Vec<(&'static str, &'static str, u64)>,
    /// Calls held, live and lingering.
    pub calls: usize,
    /// Which legs were joined.
    pub legs: LegCounts,
    /// Marks that could not be handed on because nobody took them in time.
    pub marks_dropped: u64,
}

/// What the loop tells, and how.
pub struct Outlets {
    /// Takes records.
    pub desk: Desk,
    /// Takes marks, where lists are pushed to a switch.
    pub marks: Option<Sender<Marked>>,
    /// From setup to verdict, in seconds.
    pub setup_seconds: Histogram,
    /// How far the sources' time stays behind the clock: time on an idle wire goes on no faster.
    pub lag: Duration,
    /// Called at least every 100 ms, and after every piece of work: the loop is alive.
    pub pulse: Box<dyn FnMut() + Send>,
}

/// Most questions answered in a row before messages from sources have their turn.
const QUERIES_IN_A_ROW: usize = 256;
/// Questions answered together, at most: few enough that the first waits little for the last.
const BURST: usize = 16;
/// Most finished calls taken in before questions have their turn again.
const TOLD_IN_A_ROW: usize = 64;
/// Longest that the loop sleeps: timers of calls fire that often at least.
const SLEEP_MAX: Duration = Duration::from_millis(100);
/// Packet times this far ahead of the wall clock are a source's fault.
const AHEAD_MAX: Duration = Duration::from_secs(2);

/// A question that was read.
struct Question {
    call: AskedCall,
    /// Who asked; gone when they wait for an answer from outside.
    then: Option<Then>,
    deadline: Deadline,
    /// What was judged just now.
    answer: Option<Answer>,
}

/// The loop's state.
pub struct Decision {
    shard: Shard,
    legs: Legs,
    judge: Judge,
    outlets: Outlets,
    network: Arc<Network>,
    ruleset_since: At,
    tally: Tally,
    given: Given,
    /// Finished calls of a delivery that are not taken in yet.
    deliveries: std::vec::IntoIter<Told>,
    look_ups: Option<LookUps>,
    copying: Option<Copying>,
    faults: Faults,
    marks_dropped: u64,
    /// The latest time known.
    latest: At,
    seq: u64,
    events: Vec<Stamped>,
    outputs: Vec<Output>,
    /// Threads that have answers and do not know it yet.
    to_wake: Vec<Arc<Waker>>,
}

impl Decision {
    /// A loop that has seen nothing, but may have learned something before.
    #[must_use]
    pub fn new(
        network: &Arc<Network>,
        (shard, legs, judge): (Shard, Legs, Judge),
        (outlets, look_ups): (Outlets, Option<LookUps>),
    ) -> Self {
        Self {
            shard,
            legs,
            judge,
            outlets,
            network: Arc::clone(network),
            ruleset_since: clock::now(),
            tally: Tally::new(network.routes.all().len()),
            given: Given::default(),
            deliveries: Vec::new().into_iter(),
            look_ups,
            copying: None,
            faults: Faults::default(),
            marks_dropped: 0,
            latest: At::default(),
            seq: 0,
            events: Vec::new(),
            outputs: Vec::new(),
            to_wake: Vec::new(),
        }
    }

    /// Works until it is told to stop, or nobody is left to tell it anything; what was learned then.
    pub fn run(mut self, inbox: &Inbox) -> Learned {
        loop {
            let mut worked = false;
            for _ in 0..QUERIES_IN_A_ROW / BURST {
                let burst: ArrayVec<Query, BURST> = inbox.queries.try_iter().take(BURST).collect();
                if burst.is_empty() {
                    break;
                }
                self.queries(burst);
                self.look_up();
                worked = true;
            }
            if let Ok(batch) = inbox.batches.batches.try_recv() {
                self.batch(&batch);
                inbox.batches.give_back(batch);
                self.look_up();
                worked = true;
            }
            if self.deliveries.len() == 0
                && let Ok(told) = inbox.told.try_recv()
            {
                self.deliveries = told.into_iter();
            }
            for _ in 0..TOLD_IN_A_ROW {
                let Some(told) = self.deliveries.next() else { break };
                self.told(told);
                worked = true;
            }
            match inbox.orders.try_recv() {
                Ok(Order::Stop) => break,
                Ok(order) => self.obey(order),
                Err(error) if error.is_disconnected() => break,
                Err(_) => {}
            }
            worked |= self.look_up();
            self.wake();
            if !worked {
                self.tick();
            }
            worked |= self.copy();
            if !worked {
                self.sleep(inbox);
            }
            (self.outlets.pulse)();
        }
        self.finish(inbox)
    }

    /// Answers questions that came together. All are read before the first is judged, so that what judging them needs is
    /// fetched from memory at once; and whoever asked is woken once.
    fn queries(&mut self, burst: ArrayVec<Query, BURST>) {
        self.shard.warm_evicted(burst.len());
        let mut questions = burst.into_iter().filter_map(|query| self.ask(query)).collect();
        let store = self.judge.store();
        self.events.iter().for_each(|stamped| store.warm(stamped.event.call(), &self.network));
        self.judge_for(&mut questions);
        for Question { then, answer, .. } in questions {
            let then = match (then, &mut self.look_ups) {
                (Some(then), Some(look_ups)) if answer.is_none() => {
                    let seq = self.legs.call_of(then.call.seq).map_or(then.call.seq, |(seq, _)| seq);
                    look_ups.join(seq, then)
                }
                (then, _) => then,
            };
            if let Some(then) = then {
                self.reply(then, answer);
            }
        }
        self.wake();
    }

    /// Takes a question in, unless it can be answered with that.
    fn ask(&mut self, query: Query) -> Option<Question> {
        let watch = Stopwatch::start();
        if query.deadline.left().is_zero() {
            self.hand_over(query.reply, Err(FailOpen::Deadline));
            return None;
        }
        let (at, seq) = self.now();
        let call = match query.asked {
            Asked::Message { envelope, bytes } => {
                let pdu = Pdu { at, seq, frame: seq, envelope, bytes: &bytes };
                self.shard.ask(&pdu, &mut self.events)
            }
            Asked::Setup { call_id, setup } => {
                self.shard.ask_setup((&call_id, *setup), (at, seq), &mut self.events)
            }
        };
        let Some(call) = call else {
            self.hand_over(query.reply, Err(FailOpen::NotUnderstood));
            return None;
        };
        let then = Then { call, reply: query.reply, watch };
        Some(Question { call: then.call, then: Some(then), deadline: query.deadline, answer: None })
    }

    /// Answers a switch, with what was `judged` just now or before. A call that it will refuse is over.
    fn reply(&mut self, Then { call, reply, watch }: Then, judged: Option<Answer>) {
        let answer = judged.unwrap_or_else(|| self.answer(call));
        self.hand_over(reply, Ok(answer.clone()));
        self.outlets.setup_seconds.observe(watch.seconds());
        if let Treatment::Block { sip, q850, .. } = &answer.treatment {
            let codes = (*sip, *q850);
            self.given.keep(call.seq, self.latest, answer);
            self.shard.refuse(call, self.latest, codes, &mut self.events);
            self.judge();
        }
    }

    fn hand_over(&mut self, reply: Box<dyn Reply>, answer: Result<Answer, FailOpen>) {
        if let Some(waker) = reply.hand_over(answer)
            && !self.to_wake.iter().any(|other| Arc::ptr_eq(other, &waker))
        {
            self.to_wake.push(waker);
        }
    }

    fn wake(&mut self) {
        self.to_wake.drain(..).for_each(|waker| waker.wake());
    }

    /// The answer for a call: that which was given, if it was refused, since its verdict is gone with its record. A further
    /// leg has that of its call.
    fn answer(&self, call: AskedCall) -> Answer {
        let (seq, id) = self.legs.call_of(call.seq).unwrap_or((call.seq, call.id));
        let given = self.given.of(call.seq).or_else(|| self.given.of(seq));
        given.cloned().unwrap_or_else(|| self.judge.answer(seq, id))
    }

    fn batch(&mut self, batch: &Batch) {
        let wall = clock::now();
        for (pdu, key) in batch.groups().flatten() {
            let (at, seq) = self.arrival(pdu.at, wall);
            self.shard.handle(&Pdu { at, seq, ..pdu }, key, &mut self.events);
            self.judge();
        }
        let (at, _) = self.arrival(batch.until, wall);
        self.shard.advance(at, &mut self.events);
        self.judge();
    }

    fn told(&mut self, told: Told) {
        let (at, seq) = self.now();
        self.shard.told(told, (at, seq), &mut self.events);
        self.judge();
    }

    fn tick(&mut self) {
        // What sources have on its way to us shall not find its timers fired.
        let at = clock::now().before(self.outlets.lag);
        self.latest = self.latest.max(at);
        self.shard.advance(at, &mut self.events);
        self.judge();
        self.outlets.desk.flush();
    }

    /// The time and number of what comes now.
    fn now(&mut self) -> (At, u64) {
        let at = clock::now();
        (self.latest, self.seq) = (self.latest.max(at), self.seq + 1);
        (at, self.seq)
    }

    /// The time and number of what a source saw at `at`. Sources lag behind each other, and behind questions, by the time
    /// that their messages lay in buffers: a call's times are its source's all the same, and only timers and windows go
    /// on from the latest time known. A time that is ahead of the wall clock is no time.
    fn arrival(&mut self, at: At, wall: At) -> (At, u64) {
        let at = if at.since(wall) > AHEAD_MAX {
            self.faults.count(Layer::File, Kind::ClockForwards);
            self.latest.max(wall)
        } else {
            at
        };
        (self.latest, self.seq) = (self.latest.max(at), self.seq + 1);
        (at, self.seq)
    }

    /// Judges what happened.
    fn judge(&mut self) {
        self.judge_for(&mut ArrayVec::new());
    }

    /// Judges what happened, and notes the answers to `questions` about it: a call may end within the same burst. Who asked
    /// about a setup that waits for an answer from outside is taken away.
    fn judge_for(&mut self, questions: &mut ArrayVec<Question, BURST>) {
        let mut events = std::mem::take(&mut self.events);
        for stamped in events.drain(..) {
            let (at, stamp) = (stamped.stamp.at, stamped.stamp);
            let (event, instead) = match self.legs.place(stamped) {
                Placed::Call(event) => (event, None),
                Placed::Entry { event, instead_of, is_exit } => (event, Some((instead_of, is_exit))),
                placed => {
                    self.leg(at, placed);
                    continue;
                }
            };
            let Call { seq, id, .. } = *event.call();
            let taken_back = instead.as_ref().map(|(call, _)| call.seq);
            // Those that are only due wait for `look_up`: each that is refused comes by here again.
            for seq in [Some(seq), taken_back].into_iter().flatten() {
                if let Some(waiting) = self.look_ups.as_mut().and_then(|look_ups| look_ups.take(seq)) {
                    self.settle(waiting);
                }
            }
            let is_setup = matches!(event, CallEvent::Setup(_));
            let mut question = questions.iter_mut().find(|question| is_setup && question.call.seq == seq);
            let placed = match instead {
                Some((instead_of, is_exit)) => {
                    // Its first leg was held as long as a setup may be.
                    let is_verified = |look_ups: &LookUps| look_ups.verified_answers().is_some();
                    if event.call().identity.is_some() && self.look_ups.as_ref().is_some_and(is_verified) {
                        self.judge.verified(seq, Stir::unverified(StirReason::Timeout));
                    }
                    Placed::Entry { event, instead_of, is_exit }
                }
                None if is_setup => {
                    let stamped = Stamped { stamp, event };
                    match self.hold(stamped, &mut question) {
                        Some(stamped) => Placed::Call(stamped.event),
                        None => continue,
                    }
                }
                None => Placed::Call(event),
            };
            self.judge.handle_placed(at, placed, &mut self.outputs);
            if let Some(question) = question {
                question.answer = Some(self.judge.answer(seq, id));
            }
        }
        self.events = events;
        self.hand_on();
    }

    /// Holds a setup back whose judgement needs an answer from outside, with who asked about it; gives it back otherwise.
    fn hold(&mut self, stamped: Stamped, question: &mut Option<&mut Question>) -> Option<Stamped> {
        let Some(look_ups) = &mut self.look_ups else { return Some(stamped) };
        let asked = question.as_mut().map(|question| (question.then.take(), question.deadline));
        let (then, deadline) = asked.unzip();
        let (stamped, then) =
            look_ups.hold((&mut self.judge, &self.network), stamped, (then.flatten(), deadline))?;
        if let Some(question) = question {
            question.then = then;
        }
        Some(stamped)
    }

    /// A further leg: its way out is judged, if it has one. Whoever asks about it is told what holds for its call.
    fn leg(&mut self, at: At, placed: Placed) {
        if let Placed::Exit { of, .. } = &placed
            && let Some(waiting) = self.look_ups.as_mut().and_then(|look_ups| look_ups.take(of.seq))
        {
            // The call goes on without the answer it waits for.
            self.settle(waiting);
        }
        self.judge.handle_placed(at, placed, &mut self.outputs);
    }

    /// Judges a setup that has waited, and answers who asked about it.
    fn settle(&mut self, waiting: Waiting) {
        if waiting.is_verifying {
            let seq = waiting.stamped.event.call().seq;
            self.judge.verified(seq, Stir::unverified(StirReason::Timeout));
        }
        self.judge.handle(waiting.stamped.stamp.at, waiting.stamped.event, &mut self.outputs);
        self.hand_on();
        waiting.then.into_iter().for_each(|then| self.reply(then, None));
    }

    /// Takes in what was answered from outside, and judges what waited for it or can wait no longer.
    fn look_up(&mut self) -> bool {
        let Some(look_ups) = &mut self.look_ups else { return false };
        let mut worked = false;
        while let Ok(answered) = look_ups.answers().try_recv() {
            look_ups.answered(&mut self.judge, answered);
            worked = true;
        }
        while let Some(verified) = look_ups.verified_answers().and_then(|answers| answers.try_recv().ok()) {
            look_ups.verified(&mut self.judge, verified);
            worked = true;
        }
        while let Some(waiting) = self.look_ups.as_mut().and_then(|look_ups| look_ups.next_due()) {
            self.settle(waiting);
            worked = true;
        }
        worked
    }

    /// Hands on what follows from what was judged.
    fn hand_on(&mut self) {
        let Self { outputs, tally, outlets, marks_dropped, network, .. } = self;
        for output in outputs.drain(..) {
            match output {
                Output::Verdict { .. } | Output::Withdrawn { .. } => {}
                Output::Record(record) => {
                    tally.count(&record, &network.lists.known_good);
                    outlets.desk.take(record);
                }
                Output::Marked(marked) => {
                    let Some(marks) = &outlets.marks else { continue };
                    if let Err(TrySendError::Full(_)) = marks.try_send(marked) {
                        *marks_dropped += 1;
                    }
                }
            }
        }
    }

    /// Hands on a slice of what was learned, if somebody wants it and has room; whether it did anything.
    fn copy(&mut self) -> bool {
        let Some(copying) = &mut self.copying else { return false };
        let step = copying.step(self.judge.store(), self.latest);
        if step == Step::Over {
            self.copying = None;
        }
        step != Step::Waiting
    }

    /// Waits for whatever comes first.
    fn sleep(&self, inbox: &Inbox) {
        let mut select = Select::new();
        select.recv(&inbox.queries);
        select.recv(&inbox.batches.batches);
        select.recv(&inbox.told);
        select.recv(&inbox.orders);
        let mut patience = SLEEP_MAX;
        if let Some(look_ups) = &self.look_ups {
            select.recv(look_ups.answers());
            if let Some(verified) = look_ups.verified_answers() {
                select.recv(verified);
            }
            patience = patience.min(look_ups.patience().unwrap_or(SLEEP_MAX));
        }
        if let Some(copying) = &self.copying {
            copying.wakes(&mut select);
        }
        let _ = select.ready_timeout(patience);
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Load(ruleset) => {
                if ruleset.hash() != self.judge.ruleset().hash() {
                    self.ruleset_since = clock::now();
                }
                self.judge.load(ruleset);
            }
            Order::Count(reply) => drop(reply.send(self.counted())),
            Order::Marks(reply) => drop(reply.send(self.judge.marks(self.latest))),
            Order::Copy(to) if self.copying.is_none() => {
                self.copying = Some(Copying::begin(to, self.judge.ruleset_shared()));
            }
            Order::Copy(_) => {}
            Order::Stop => {}
        }
    }

    fn counted(&self) -> Counted {
        let mut counts = self.shard.counts();
        counts.faults.merge(&self.judge.faults());
        counts.faults.merge(&self.faults);
        Counted {
            tally: self.tally.clone(),
            ruleset: self.judge.ruleset_shared(),
            ruleset_since: self.ruleset_since,
            shadow_matches: self.judge.shadow_matches().to_vec(),
            counts,
            sizes: self.judge.store().sizes(),
            look_ups: self.look_ups.as_ref().map(LookUps::by_outcome).unwrap_or_default(),
            stir: self.judge.stir_counts(),
            calls: self.shard.calls(),
            legs: *self.legs.counts(),
            marks_dropped: self.marks_dropped,
        }
    }

    /// What is still waiting is worked off, so that nothing that was taken in is lost; then live calls are told as they
    /// stand.
    fn finish(mut self, inbox: &Inbox) -> Learned {
        for query in inbox.queries.try_iter() {
            query.reply.answer(Err(FailOpen::Stopped));
        }
        inbox.batches.batches.try_iter().for_each(|batch| self.batch(&batch));
        std::mem::take(&mut self.deliveries)
            .chain(inbox.told.try_iter().flatten())
            .for_each(|told| self.told(told));
        while let Some(waiting) = self.look_ups.as_mut().and_then(LookUps::next_of_all) {
            self.settle(waiting);
        }
        self.shard.finish(&mut self.events);
        self.judge();
        self.wake();
        Learned { ruleset: self.judge.ruleset_shared(), at: self.latest, store: self.judge.into_store() }
    }
}
