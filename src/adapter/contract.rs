//! What every adapter promises, as tests: it answers once and in time, fails open, never holds an emergency call, and
//! answers retransmissions the same.
//!
//! An adapter brings a [`Switch`] that asks it; the suite is the decision loop at the other end of the queue.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use crate::adapter::{Gate, Query, Standing};
use crate::base::fail_open::FailOpen;
use crate::base::network::Network;
use crate::judge::{Answer, Treatment};
use crate::metrics::{AdapterMetrics, Live};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// A call that a test sets up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestCall {
    /// Call-ID, or what stands for it.
    pub id: String,
    /// Called number as dialled.
    pub called: &'static str,
}

impl TestCall {
    fn new(id: &str) -> Self {
        Self { id: id.to_owned(), called: "+48601234567" }
    }
}

/// What an adapter did about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The call's id.
    pub call: String,
    /// Whether the call may go on as it is.
    pub passed: bool,
    /// All that was said, for comparison.
    pub said: Vec<u8>,
}

/// Somebody who asks an adapter, with a deadline of 50 ms.
pub trait Switch {
    /// Sends the setup of a call, again when it was sent before.
    fn set_up(&mut self, call: &TestCall);
    /// What the adapter does next; nothing when it does nothing for so long.
    fn hears(&mut self, within: Duration) -> Option<Heard>;
    /// Whether the protocol sends setups again of itself.
    fn repeats(&self) -> bool {
        true
    }
}

/// An adapter under test with the other end of its queue.
struct Bench<'a> {
    switch: Box<dyn Switch + 'a>,
    queries: Receiver<Query>,
    standing: Arc<Standing>,
    metrics: AdapterMetrics,
}

impl<'a> Bench<'a> {
    fn new(start: &dyn Fn(Gate) -> Box<dyn Switch + 'a>, room: usize) -> Self {
        let (sender, queries) = bounded(room);
        let metrics = Live::new().unwrap().adapter("test");
        let standing = Arc::new(Standing::default());
        let shared = (Arc::new(Network::unknown()), Arc::clone(&standing));
        let gate = Gate::new(sender, shared, metrics.clone());
        Self { switch: start(gate), queries, standing, metrics }
    }

    fn query(&self) -> Query {
        self.queries.recv_timeout(PATIENCE).expect("nothing was asked")
    }

    fn hears(&mut self) -> Heard {
        self.switch.hears(PATIENCE).expect("no answer")
    }

    /// A call that is refused at once, to see that nothing came before its answer.
    fn hears_nothing_else(&mut self, id: &str) {
        self.switch.set_up(&TestCall::new(id));
        self.query().reply.answer(Ok(block()));
        let heard = self.hears();
        assert_eq!((heard.call.as_str(), heard.passed), (id, false));
    }
}

fn block() -> Answer {
    let treatment = Treatment::Block { sip: 603, q850: 21, reason: "test".into() };
    Answer { treatment, ..Answer::default() }
}

/// Runs the suite.
pub fn holds<'a>(start: &dyn Fn(Gate) -> Box<dyn Switch + 'a>) {
    answers_once(start);
    passes_what_is_not_answered(start);
    passes_when_the_queue_is_full(start);
    passes_when_nobody_judges(start);
    passes_what_the_loop_cannot_judge(start);
    passes_while_every_call_shall(start);
    never_holds_an_emergency_call(start);
    answers_again_the_same(start);
}

fn answers_once<'a>(start: &dyn Fn(Gate) -> Box<dyn Switch + 'a>) {
    let mut bench = Bench::new(start, 8);
    bench.switch.set_up(&TestCall::new("refused"));
    bench.query().reply.answer(Ok(block()));
    let heard = bench.hears();
    assert_eq!((heard.call.as_str(), heard.passed), ("refused", false));
    bench.switch.set_up(&TestCall::new("allowed"));
    bench.query().reply.answer(Ok(Answer::default()));
    let heard = bench.hears();
    assert_eq!((heard.call.as_str(), heard.passed), ("allowed", true));
    // Two at a time, answered in the other order.
    bench.switch.set_up(&TestCall::new("first"));
    let first = bench.query();
    bench.switch.set_up(&TestCall::new("second"));
    let second = bench.query();
    second.reply.answer(Ok(Answer::default()));
    first.reply.answer(Ok(Answer::default()));
    let mut heard = [bench.hears(), bench.hears()].map(|heard| (heard.call, heard.passed));
    heard.sort();
    assert_eq!(heard, [("first".to_owned(), true), ("second".to_owned(), true)]);
    bench.hears_nothing_else("last");
}

fn passes_what_is_not_answered<'a>(start: &dyn Fn(Gate) -> Box<dyn Switch + 'a>) {
    let mut bench = Bench::new(start, 8);
    bench.switch.set_up(&TestCall::new("late"));
    let late = bench.query();
    let heard = bench.hears();
    assert_eq!((heard.call.as_str(), heard.passed), ("late", true));
    assert_eq!(bench.metrics.fail_open_count(FailOpen::Deadline), 1);
    // It comes after all, and is not heard of.
    assert!(late.deadline.left().is_zero());
    late.reply.answer(Ok(block()));
    bench.hears_nothing_else("other");
    bench.switch.set_up(&TestCall::new("thrown away"));
    drop(bench.query());
    let heard = bench.hears();
    assert_eq!((heard.call.as_str(), heard.passed), ("thrown away", true));
    bench.hears_nothing_else("last");
}

fn passes_when_the_queue_is_full<'a>(start: &dyn Fn(Gate) -> Box<dyn Switch + 'a>) {
    let mut bench = Bench::new(start, 1);
    bench.switch.set_up(&TestCall::new("waits"));
    while bench.queries.is_empty() {
        std::thread::yield_now();
    }
    bench.switch.set_up(&TestCall::new("finds no room"));
    let mut heard = [bench.hears(), bench.hears()].map(|heard| (heard.call, heard.passed));
    heard.sort();
    assert_eq!(heard, [("finds no room".to_owned(), true), ("waits".to_owned(), true)]);
    assert_eq!(bench.metrics.fail_open_count(FailOpen::QueueFull), 1);
}

fn passes_when_nobody_judges<'a>(start: &dyn Fn(Gate) -> Box<dyn Switch + 'a>) {
    let mut bench = Bench::new(start, 8);
    bench.queries = bounded(0).1;
    bench.switch.set_up(&TestCall::new("alone"));
    let heard = bench.hears();
    assert_eq!((heard.call.as_str(), heard.passed), ("alone", true));
    assert_eq!(bench.metrics.fail_open_count(FailOpen::Stopped), 1);
}

fn passes_what_the_loop_cannot_judge<'a>(start: &dyn Fn(Gate) -> Box<dyn Switch + 'a>) {
    let mut bench = Bench::new(start, 8);
    for why in [FailOpen::Deadline, FailOpen::NotUnderstood, FailOpen::Stopped] {
        bench.switch.set_up(&TestCall::new(why.name()));
        bench.query().reply.answer(Err(why));
        let heard = bench.hears();
        assert_eq!((heard.call.as_str(), heard.passed), (why.name(), true));
        assert_eq!(bench.metrics.fail_open_count(why), 1, "{}", why.name());
    }
    bench.hears_nothing_else("last");
}

fn passes_while_every_call_shall<'a>(start: &dyn Fn(Gate) -> Box<dyn Switch + 'a>) {
    let mut bench = Bench::new(start, 8);
    let passes = |bench: &mut Bench<'a>, why: FailOpen| {
        bench.switch.set_up(&TestCall::new(why.name()));
        let heard = bench.hears();
        assert_eq!((heard.call.as_str(), heard.passed), (why.name(), true));
        assert!(bench.queries.is_empty(), "{} was asked about", why.name());
        assert_eq!(bench.metrics.fail_open_count(why), 1, "{}", why.name());
    };
    bench.standing.bypass(true);
    passes(&mut bench, FailOpen::Bypass);
    bench.standing.bypass(false);
    bench.hears_nothing_else("judged again");
    bench.standing.drain();
    passes(&mut bench, FailOpen::Draining);
}

fn never_holds_an_emergency_call<'a>(start: &dyn Fn(Gate) -> Box<dyn Switch + 'a>) {
    let mut bench = Bench::new(start, 8);
    for called in ["112", "911", "1-1-2"] {
        bench.switch.set_up(&TestCall { called, ..TestCall::new(called) });
        let heard = bench.hears();
        assert_eq!((heard.call.as_str(), heard.passed), (called, true));
        assert!(bench.queries.is_empty(), "{called} was asked about");
    }
    bench.hears_nothing_else("last");
}

fn answers_again_the_same<'a>(start: &dyn Fn(Gate) -> Box<dyn Switch + 'a>) {
    let mut bench = Bench::new(start, 8);
    let call = TestCall::new("again");
    let mut said = Vec::new();
    for _ in 0..2 {
        bench.switch.set_up(&call);
        bench.query().reply.answer(Ok(block()));
        said.push(bench.hears());
    }
    assert_eq!(said[0], said[1]);
    if !bench.switch.repeats() {
        return;
    }
    // One that passed unjudged passes for good.
    let call = TestCall::new("passed");
    bench.switch.set_up(&call);
    let unanswered = bench.query();
    let first = bench.hears();
    unanswered.reply.answer(Ok(block()));
    bench.switch.set_up(&call);
    if let Ok(query) = bench.queries.recv_timeout(Duration::from_millis(20)) {
        query.reply.answer(Ok(block()));
    }
    assert_eq!(bench.hears(), first);
    assert!(first.passed);
}
