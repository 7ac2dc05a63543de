//! The SIP proxy between two real peers: SIPp as a carrier's switch, the proxy, SIPp as the operator's core, over loopback.
//! The test is the decision loop at the other end of the queue. What both sides logged is checked.

#[path = "proxy/peers.rs"]
mod peers;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

use peers::{Call, Callee, Caller, Ended, is_sipp_there};
use tollgate::adapter::inline::Tap;
use tollgate::adapter::proxy::{Kind, Proxy, ProxyCounts, ProxyOptions, SideOptions};
use tollgate::adapter::{Adapter, Gate, Query};
use tollgate::base::fail_open::FailOpen;
use tollgate::base::frame::Envelope;
use tollgate::base::map::Seed;
use tollgate::base::network::Network;
use tollgate::base::time::At;
use tollgate::judge::{Answer, Treatment};
use tollgate::metrics::{AdapterMetrics, Live};
use tollgate::wire::sip::Message;
use tollgate::wire::sip::start::Start;

const CALLED: &str = "+48601234567";
/// What the carrier's switch writes in From.
const CALLER: &str = "+447946000000";

/// Takes what the loop would see: status or method of each message.
#[derive(Clone)]
struct Ear(Sender<String>);

impl Tap for Ear {
    fn see(&mut self, _at: At, _envelope: Envelope, message: &[u8]) {
        let message = Message::parse(message).unwrap();
        assert_eq!(message.faults.as_slice(), []);
        let _ = self.0.send(match message.start {
            Start::Request { method, .. } => method.to_string(),
            Start::Response { status } => status.to_string(),
        });
    }
}

/// A proxy with its peers' networks, and the loop's end of it.
struct World {
    proxy: Box<Proxy>,
    counts: ProxyCounts,
    metrics: AdapterMetrics,
    seen: Receiver<String>,
}

/// What is there after a call.
struct Told {
    call: Ended,
    seen: Vec<String>,
    counts: ProxyCounts,
    metrics: AdapterMetrics,
}

impl World {
    fn new(record_route: bool, callee: &Callee, queries: Sender<Query>) -> Self {
        let side = |listen: &str, peer: &str| SideOptions {
            listen: listen.parse().unwrap(),
            networks: vec![peer.parse().unwrap()],
            next_hops: Vec::new(),
        };
        let (carriers, core) = (side("127.0.0.1:0", "127.0.0.2/32"), side("127.0.0.4:0", "127.0.0.3/32"));
        let mut options = ProxyOptions::between(carriers, core, Seed(11));
        options.core.next_hops = vec![callee.address()];
        options.record_route = record_route;
        options.probe_every = None;
        let metrics = Live::new().unwrap().adapter("sip-proxy");
        let gate = Gate::new(queries, (Arc::new(Network::unknown()), Arc::default()), metrics.clone());
        let counts = ProxyCounts::new(&prometheus::Registry::new()).unwrap();
        let (ear, seen) = bounded(1_000);
        let proxy = Box::new(Proxy::start(options, gate, &Ear(ear), counts.clone()).unwrap());
        Self { proxy, counts, metrics, seen }
    }
}

/// One call between the peers, with the decision loop doing this.
fn call(call: &Call, decide: impl FnOnce(Receiver<Query>, AdapterMetrics) + Send + 'static) -> Option<Told> {
    if !is_sipp_there() {
        return None;
    }
    let (sender, queries) = bounded(8);
    let callee = Callee::start(call);
    let world = World::new(call.record_route, &callee, sender);
    let metrics = world.metrics.clone();
    let decision = thread::spawn(move || decide(queries, metrics));
    let caller = Caller::start(call, world.proxy.addresses()[0]);
    let call = Ended::wait(caller, callee);
    let World { proxy, counts, metrics, seen } = world;
    proxy.stop();
    decision.join().unwrap();
    Some(Told { call, seen: seen.try_iter().collect(), counts, metrics })
}

/// A loop that gives every question the same answer.
fn always(treatment: Treatment) -> impl FnOnce(Receiver<Query>, AdapterMetrics) + Send + 'static {
    move |queries, _| {
        for query in queries {
            query.reply.answer(Ok(Answer { treatment: treatment.clone(), ..Answer::default() }));
        }
    }
}

#[test]
fn an_allowed_call_is_answered_and_ended_by_its_caller() {
    let Some(told) = call(&Call::answered("caller", CALLED), always(Treatment::Allow)) else { return };
    assert_eq!(told.seen, ["INVITE", "180", "200", "ACK", "BYE", "200"]);
    let (sent, arrived) = (told.call.caller.sent("INVITE"), told.call.callee.received("INVITE"));
    // Unchanged but for what a proxy changes.
    let kept = |message: &str| -> Vec<String> {
        let is_ours = |line: &&str| {
            ["Via:", "Record-Route:", "Max-Forwards:"].iter().any(|name| line.starts_with(name))
        };
        message.lines().filter(|line| !is_ours(line)).map(str::to_owned).collect()
    };
    assert_eq!(kept(&arrived), kept(&sent));
    assert!(arrived.contains("Max-Forwards: 69") && sent.contains("Max-Forwards: 70"));
    assert_eq!(
        (arrived.matches("Via:").count(), arrived.matches("Record-Route:").count()),
        (2, 2),
        "{arrived}"
    );
    assert!(!told.call.callee.received("BYE").contains("Route:"));
    assert_eq!((told.counts.of(Kind::Request), told.counts.of(Kind::Response)), (3, 3));
}

#[test]
fn an_allowed_call_is_ended_by_its_callee() {
    let Some(told) = call(&Call::answered("callee", CALLED), always(Treatment::Allow)) else { return };
    assert_eq!(told.seen, ["INVITE", "180", "200", "ACK", "BYE", "200"]);
    assert!(told.call.caller.received("BYE").contains("Max-Forwards: 69"));
}

#[test]
fn nothing_is_recorded_unless_it_is_wanted() {
    let call_plain = Call { record_route: false, ..Call::answered("caller", CALLED) };
    let Some(told) = call(&call_plain, always(Treatment::Allow)) else { return };
    assert!(!told.call.callee.received("INVITE").contains("Record-Route"));
    // SIPp sends all of a call to where its INVITE went, as some switches do: that is passed on, too.
    assert_eq!(told.seen, ["INVITE", "180", "200", "ACK", "BYE", "200"]);
}

#[test]
fn a_call_that_rings_is_cancelled() {
    let Some(told) = call(&Call::new("cancel", CALLED), always(Treatment::Allow)) else { return };
    assert_eq!(told.seen, ["INVITE", "180", "CANCEL", "200", "487", "ACK"]);
    let branch = |message: &str| {
        message
            .lines()
            .find(|line| line.starts_with("Via:"))
            .unwrap()
            .split("branch=")
            .nth(1)
            .unwrap()
            .to_owned()
    };
    let [invite, cancel, ack] =
        ["INVITE", "CANCEL", "ACK"].map(|name| branch(&told.call.callee.received(name)));
    assert_eq!((&cancel, &ack), (&invite, &invite));
}

#[test]
fn a_blocked_call_reaches_nobody() {
    let treatment = Treatment::Block { sip: 603, q850: 21, reason: "fraud".into() };
    let Some(told) = call(&Call::new("refused", CALLED), always(treatment)) else { return };
    assert!(told.seen.is_empty(), "{:?}", told.seen);
    assert!(told.call.callee.log.is_empty(), "{}", told.call.callee.log);
    let refusal = told.call.caller.received("SIP/2.0 603");
    assert!(refusal.contains("Reason: Q.850;cause=21;text=\"fraud\""), "{refusal}");
    assert_eq!(told.counts.of(Kind::Absorbed), 1);
}

#[test]
fn a_masked_call_shows_no_number() {
    let Some(told) = call(&Call::answered("callee", CALLED), always(Treatment::Mask)) else { return };
    let (caller, callee) = (&told.call.caller, &told.call.callee);
    assert!(!callee.log.contains(CALLER.trim_start_matches('+')), "{}", callee.log);
    assert!(callee.received("INVITE").contains("From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="));
    assert!(!caller.log.contains("nonymous"), "{}", caller.log);
    assert_eq!(told.seen, ["INVITE", "180", "200", "ACK", "BYE", "200"]);
    assert_eq!(told.counts.of(Kind::NotMasked), 0);
}

#[test]
fn a_call_passes_when_the_answer_comes_late() {
    let late = |queries: Receiver<Query>, metrics: AdapterMetrics| {
        let query = queries.recv_timeout(Duration::from_secs(10)).unwrap();
        while metrics.fail_open_count(FailOpen::Deadline) == 0 {
            thread::yield_now();
        }
        assert!(query.deadline.left().is_zero());
        let treatment = Treatment::Block { sip: 603, q850: 21, reason: "late".into() };
        query.reply.answer(Ok(Answer { treatment, ..Answer::default() }));
        assert!(queries.recv().is_err(), "the call was asked about again");
    };
    let Some(told) = call(&Call::answered("caller", CALLED), late) else { return };
    assert_eq!(told.seen, ["INVITE", "180", "200", "ACK", "BYE", "200"]);
    assert_eq!(told.metrics.fail_open_count(FailOpen::Deadline), 1);
}

#[test]
fn a_call_passes_when_the_loop_is_gone() {
    let Some(told) = call(&Call::answered("caller", CALLED), |queries, _| drop(queries)) else { return };
    assert_eq!(told.seen, ["INVITE", "180", "200", "ACK", "BYE", "200"]);
    assert_eq!(told.metrics.fail_open_count(FailOpen::Stopped), 1);
}

#[test]
fn an_emergency_call_is_never_held() {
    let never =
        |queries: Receiver<Query>, _| assert!(queries.recv().is_err(), "an emergency call was asked about");
    let Some(told) = call(&Call::answered("caller", "112"), never) else { return };
    assert_eq!(told.seen, ["INVITE", "180", "200", "ACK", "BYE", "200"]);
    assert_eq!(told.counts.of(Kind::Emergency), 1);
    assert!(FailOpen::ALL.iter().all(|why| told.metrics.fail_open_count(*why) == 0));
}
