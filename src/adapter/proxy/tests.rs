//! A proxy between a carrier and a core of the tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::os::fd::AsFd;

use crossbeam_channel::{Receiver, Sender, bounded};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::*;
use crate::adapter::Query;
use crate::adapter::contract::{self, Heard, Switch, TestCall};
use crate::base::fail_open::FailOpen;
use crate::base::frame::Envelope;
use crate::base::map::Seed;
use crate::base::network::Network;
use crate::base::time::At;
use crate::judge::{Answer, Treatment};
use crate::metrics::Live;
use crate::wire::sip::Message;
use crate::wire::sip::start::Start;

const PATIENCE: Duration = Duration::from_secs(10);

/// Who sent something to the tests, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Came {
    AtCarrier(String),
    AtCore(String),
}

/// Keeps what the loop would be shown.
#[derive(Clone)]
struct Ear(Sender<Box<[u8]>>);

impl Tap for Ear {
    fn see(&mut self, _at: At, _envelope: Envelope, message: &[u8]) {
        let _ = self.0.try_send(message.into());
    }
}

/// Carrier, proxy and core; each with an address of its own.
struct World {
    proxy: Box<Proxy>,
    carrier: UdpSocket,
    core: UdpSocket,
    seen: Receiver<Box<[u8]>>,
}

impl World {
    fn new(gate: Gate, host: &str, change: impl FnOnce(&mut ProxyOptions)) -> Self {
        let bind = |last: &str| UdpSocket::bind(host.replace('#', last)).unwrap();
        let (carrier, core) = (bind("2"), bind("3"));
        let side = |listen: &str, peer: &UdpSocket| SideOptions {
            listen: host.replace('#', listen).parse().unwrap(),
            networks: vec![peer.local_addr().unwrap().ip().into()],
            next_hops: Vec::new(),
        };
        let mut options = ProxyOptions::between(side("1", &carrier), side("4", &core), Seed(5));
        options.core.next_hops = vec![core.local_addr().unwrap()];
        options.probe_every = None;
        change(&mut options);
        let (ear, seen) = bounded(64);
        let counts = ProxyCounts::new(&prometheus::Registry::new()).unwrap();
        let proxy = Box::new(Proxy::start(options, gate, &Ear(ear), counts).unwrap());
        Self { proxy, carrier, core, seen }
    }

    fn carrier_sends(&self, text: &str) {
        self.carrier.send_to(text.as_bytes(), self.proxy.addresses()[0]).unwrap();
    }

    fn core_sends(&self, text: &str) {
        self.core.send_to(text.as_bytes(), self.proxy.addresses()[1]).unwrap();
    }

    fn came(&self, within: Duration) -> Option<Came> {
        let timeout = PollTimeout::try_from(within).unwrap();
        let mut wanted =
            [&self.carrier, &self.core].map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN));
        poll(&mut wanted, timeout).unwrap();
        let is_ready = wanted.map(|wanted| wanted.any() == Some(true));
        let mut buffer = [0; 4_096];
        let mut read = |socket: &UdpSocket| {
            let length = socket.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..length].to_vec()).unwrap()
        };
        match is_ready {
            [true, _] => Some(Came::AtCarrier(read(&self.carrier))),
            [false, true] => Some(Came::AtCore(read(&self.core))),
            [false, false] => None,
        }
    }

    fn at_carrier(&self) -> String {
        match self.came(PATIENCE) {
            Some(Came::AtCarrier(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    fn at_core(&self) -> String {
        match self.came(PATIENCE) {
            Some(Came::AtCore(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    fn count(&self, kind: Kind) -> u64 {
        self.proxy.shared.counts.of(kind)
    }

    /// First words of the messages that the loop was shown so far, `count` of them.
    fn seen(&self, count: usize) -> Vec<String> {
        let first_word = |_| {
            let bytes = self.seen.recv_timeout(PATIENCE).expect("the loop was shown too little");
            let text = str::from_utf8(&bytes).unwrap();
            text.strip_prefix("SIP/2.0 ").unwrap_or(text).split(' ').next().unwrap().to_owned()
        };
        (0..count).map(first_word).collect()
    }

    fn invite(&self, call: &TestCall) -> String {
        let (host, TestCall { id, called }) = (self.carrier.local_addr().unwrap(), call);
        format!(
            "INVITE sip:{called}@{proxy} SIP/2.0\r\nVia: SIP/2.0/UDP {host};branch=z9hG4bK{tag}\r\nMax-Forwards: 70\r\n\
             From: \"Ann\" <sip:+447946000000@a>;tag=1\r\nTo: <sip:{called}@fw>\r\nCall-ID: {id}\r\nCSeq: 1 INVITE\r\n\
             Contact: <sip:+447946000000@{host}>\r\nContent-Length: 4\r\n\r\nv=0\n",
            proxy = self.proxy.addresses()[0],
            tag = id.replace(' ', "-"),
        )
    }
}

fn gate(room: usize) -> (Gate, Receiver<Query>) {
    let (sender, queries) = bounded(room);
    let shared = (Arc::new(Network::unknown()), Arc::default());
    (Gate::new(sender, shared, Live::new().unwrap().adapter("sip-proxy")), queries)
}

fn call(id: &str) -> TestCall {
    TestCall { id: id.to_owned(), called: "+48601234567" }
}

/// The answer to a request, as the core gives it.
fn response(request: &str, status: &str) -> String {
    let lines = request.lines().filter(|line| {
        ["Via:", "From:", "Call-ID:", "CSeq:", "Record-Route:"].iter().any(|name| line.starts_with(name))
    });
    let to = request.lines().find(|line| line.starts_with("To:")).unwrap();
    let to = if to.contains("tag=") { to.to_owned() } else { format!("{to};tag=9") };
    let lines: Vec<&str> = lines.chain([to.as_str()]).collect();
    format!("SIP/2.0 {status}\r\n{}\r\nContent-Length: 0\r\n\r\n", lines.join("\r\n"))
}

fn line<'a>(message: &'a str, name: &str) -> &'a str {
    message.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name} in {message}"))
}

fn block() -> Answer {
    let treatment = Treatment::Block { sip: 603, q850: 21, reason: "test".into() };
    Answer { treatment, ..Answer::default() }
}

impl Switch for World {
    fn set_up(&mut self, call: &TestCall) {
        self.carrier_sends(&self.invite(call));
    }

    fn hears(&mut self, within: Duration) -> Option<Heard> {
        let came = self.came(within)?;
        let (Came::AtCarrier(said) | Came::AtCore(said)) = &came;
        let message = Message::parse(said.as_bytes()).unwrap();
        assert_eq!(message.faults.as_slice(), []);
        let passed = matches!(came, Came::AtCore(_));
        assert_eq!(passed, matches!(message.start, Start::Request { .. }), "{said}");
        let call = String::from_utf8(message.call_id.to_vec()).unwrap();
        Some(Heard { call, passed, said: said.clone().into_bytes() })
    }
}

#[test]
fn keeps_the_contract() {
    for host in ["127.0.0.#:0", "[::1]:0"] {
        contract::holds(&|gate| Box::new(World::new(gate, host, |_| {})));
    }
}

#[test]
fn keeps_the_contract_with_one_address() {
    // Both sides listen at the same address, whose port must be known beforehand.
    let free = || UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    contract::holds(&|gate| {
        let address = free();
        Box::new(World::new(gate, "127.0.0.#:0", |options| {
            (options.carriers.listen, options.core.listen) = (address, address);
        }))
    });
}

#[test]
fn a_call_passes_there_and_back() {
    let (gate, queries) = gate(8);
    let world = World::new(gate, "127.0.0.#:0", |_| {});
    let invite = world.invite(&call("1"));
    world.carrier_sends(&invite);
    queries.recv_timeout(PATIENCE).unwrap().reply.answer(Ok(Answer::default()));
    let passed = world.at_core();
    let [outer, inner] = world.proxy.addresses();
    let ours = format!("Via: SIP/2.0/UDP {inner};branch=");
    assert!(line(&passed, "Via:").starts_with(&ours), "{passed}");
    let added = passed.lines().skip(1).take(3).map(|line| format!("{line}\r\n")).collect::<String>();
    assert!(
        added.ends_with(&format!("Record-Route: <sip:{inner};lr>\r\nRecord-Route: <sip:{outer};lr>\r\n"))
    );
    assert_eq!(passed.replacen(&added, "", 1).replacen(": 69", ": 70", 1), invite);
    for status in ["100 Trying", "180 Ringing", "200 OK"] {
        world.core_sends(&response(&passed, status));
        let back = world.at_carrier();
        assert_eq!(
            back,
            response(&passed, status).replacen(&format!("{}\r\n", line(&passed, "Via:")), "", 1)
        );
    }
    let ack = invite.replace("INVITE", "ACK").replace("@fw>", "@fw>;tag=9").replace("bK1", "bK2").replacen(
        &format!("sip:+48601234567@{outer}"),
        &format!("sip:2@{}", world.core.local_addr().unwrap()),
        1,
    );
    let route = format!("Route: <sip:{outer};lr>\r\nRoute: <sip:{inner};lr>\r\nFrom:");
    world.carrier_sends(&ack.replacen("From:", &route, 1));
    assert!(!world.at_core().contains("Route:"));
    let bye = format!(
        "BYE sip:+447946000000@{carrier} SIP/2.0\r\nVia: SIP/2.0/UDP {core};branch=z9hG4bKbye\r\nMax-Forwards: 70\r\n\
         Route: <sip:{inner};lr>,<sip:{outer};lr>\r\nFrom: <sip:2@h>;tag=9\r\nTo: <sip:1@h>;tag=1\r\nCall-ID: 1\r\n\
         CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n",
        carrier = world.carrier.local_addr().unwrap(),
        core = world.core.local_addr().unwrap(),
    );
    world.core_sends(&bye);
    let bye = world.at_carrier();
    assert!(bye.starts_with("BYE ") && line(&bye, "Via:").contains(&outer.to_string()), "{bye}");
    world.carrier_sends(&response(&bye, "200 OK"));
    assert!(world.at_core().starts_with("SIP/2.0 200 OK"));
    assert_eq!(world.seen(7), ["INVITE", "100", "180", "200", "ACK", "BYE", "200"]);
    assert_eq!((world.count(Kind::Request), world.count(Kind::Response)), (3, 4));
}

/// At the limit a call is not asked about, and passes.
#[test]
fn what_cannot_be_held_passes() {
    let (gate, queries) = gate(64);
    let world = World::new(gate, "127.0.0.#:0", |options| {
        (options.limits.held, options.deadline) = (4, Duration::from_millis(250));
    });
    let invites: Vec<String> = (0..20).map(|id| world.invite(&call(&id.to_string()))).collect();
    invites.iter().for_each(|invite| world.carrier_sends(invite));
    let mut came: Vec<String> = (0..20).map(|_| line(&world.at_core(), "Call-ID:").to_owned()).collect();
    let mut sent: Vec<String> = invites.iter().map(|invite| line(invite, "Call-ID:").to_owned()).collect();
    came.sort();
    sent.sort();
    assert_eq!(came, sent);
    // Four at a time, of which nobody answers the questions.
    assert!((4..20).contains(&queries.len()), "{}", queries.len());
}

#[test]
fn a_caller_hangs_up_while_the_call_is_held() {
    let (gate, queries) = gate(8);
    let world = World::new(gate, "127.0.0.#:0", |options| options.deadline = DEADLINE_MAX);
    let invite = world.invite(&call("1"));
    world.carrier_sends(&invite);
    let query = queries.recv_timeout(PATIENCE).unwrap();
    world.carrier_sends(&invite);
    let cancel = invite.replace("INVITE", "CANCEL");
    world.carrier_sends(&cancel);
    let (ok, gone) = (world.at_carrier(), world.at_carrier());
    assert!(ok.starts_with("SIP/2.0 200 OK") && ok.contains("CSeq: 1 CANCEL"), "{ok}");
    assert!(gone.starts_with("SIP/2.0 487 ") && gone.contains("CSeq: 1 INVITE"), "{gone}");
    // The answer is nobody's any more.
    query.reply.answer(Ok(Answer::default()));
    let to = line(&gone, "To:");
    world.carrier_sends(&invite.replace("INVITE", "ACK").replacen("To: <sip:+48601234567@fw>", to, 1));
    // A CANCEL that finds nothing held goes after its INVITE.
    world.carrier_sends(&cancel);
    assert!(world.at_core().starts_with("CANCEL "));
    assert_eq!(world.seen(4), ["INVITE", "CANCEL", "487", "CANCEL"]);
    let counted = [Kind::Repeated, Kind::Cancelled, Kind::Absorbed].map(|kind| world.count(kind));
    assert_eq!(counted, [1, 1, 1]);
}

#[test]
fn refuses_and_diverts() {
    let (gate, queries) = gate(8);
    let world = World::new(gate, "127.0.0.#:0", |_| {});
    let invite = world.invite(&call("1"));
    world.carrier_sends(&invite);
    queries.recv_timeout(PATIENCE).unwrap().reply.answer(Ok(block()));
    let refused = world.at_carrier();
    assert!(refused.starts_with("SIP/2.0 603 Decline\r\n"), "{refused}");
    assert_eq!(line(&refused, "Reason:"), "Reason: Q.850;cause=21;text=\"test\"");
    let ack = invite.replace("INVITE", "ACK");
    world.carrier_sends(&ack.replacen("To: <sip:+48601234567@fw>", line(&refused, "To:"), 1));
    world.carrier_sends(&world.invite(&call("2")));
    let treatment = Treatment::Divert { target: "sip:9@screen".into() };
    queries.recv_timeout(PATIENCE).unwrap().reply.answer(Ok(Answer { treatment, ..Answer::default() }));
    let diverted = world.at_carrier();
    assert!(diverted.starts_with("SIP/2.0 302 "), "{diverted}");
    assert_eq!(line(&diverted, "Contact:"), "Contact: <sip:9@screen>");
    // An ACK with another's tag is none of ours.
    world.carrier_sends(&ack.replace("@fw>", "@fw>;tag=9"));
    assert!(world.at_core().starts_with("ACK "));
    assert_eq!(world.count(Kind::Absorbed), 1);
    assert_eq!(world.seen(1), ["ACK"]);
}

#[test]
fn hides_a_number_and_brings_it_back() {
    let (gate, queries) = gate(8);
    let world = World::new(gate, "127.0.0.#:0", |options| options.record_route = false);
    let invite = world.invite(&call("1"));
    world.carrier_sends(&invite);
    let treatment = Treatment::Mask;
    queries.recv_timeout(PATIENCE).unwrap().reply.answer(Ok(Answer { treatment, ..Answer::default() }));
    let passed = world.at_core();
    assert!(!passed.contains("447946") && passed.contains("\r\nPrivacy: id\r\n"), "{passed}");
    assert_eq!(line(&passed, "From:"), "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1");
    world.core_sends(&response(&passed, "200 OK"));
    let back = world.at_carrier();
    assert_eq!(line(&back, "From:"), line(&invite, "From:"));
    let [outer, inner] = world.proxy.addresses();
    let bye = format!(
        "BYE {target} SIP/2.0\r\nVia: SIP/2.0/UDP {core};branch=z9hG4bKbye\r\nRoute: <sip:{inner};lr>,<sip:{outer};lr>\r\n\
         From: <sip:2@h>;tag=9\r\nTo: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1\r\nCall-ID: 1\r\nCSeq: 1 BYE\r\n\r\n",
        target = line(&passed, "Contact:").trim_start_matches("Contact: <").trim_end_matches('>'),
        core = world.core.local_addr().unwrap(),
    );
    world.core_sends(&bye);
    let bye = world.at_carrier();
    assert!(bye.starts_with("BYE sip:+447946000000@"), "{bye}");
    assert_eq!(line(&bye, "To:"), "To: \"Ann\" <sip:+447946000000@a>;tag=1");
    assert_eq!((world.count(Kind::Masked), world.count(Kind::NotMasked)), (3, 0));
}

#[test]
fn charges_by_a_header() {
    let (gate, queries) = gate(8);
    let world = World::new(gate, "127.0.0.#:0", |options| {
        options.record_route = false;
        options.monetise_header = Some(("X-Tariff".to_owned(), "a2p".to_owned()));
    });
    for (treatment, expected) in [(Treatment::Monetise, true), (Treatment::Allow, false)] {
        world.carrier_sends(&world.invite(&call(treatment.decision().name())));
        queries.recv_timeout(PATIENCE).unwrap().reply.answer(Ok(Answer { treatment, ..Answer::default() }));
        let passed = world.at_core();
        assert_eq!(passed.contains("\r\nX-Tariff: a2p\r\n\r\nv=0"), expected, "{passed}");
        assert!(!passed.contains("Record-Route"));
    }
}

#[test]
fn answers_what_is_for_itself_and_what_cannot_pass() {
    let (gate, queries) = gate(8);
    let world = World::new(gate, "127.0.0.#:0", |_| {});
    let invite = world.invite(&call("1"));
    let own = world.proxy.addresses()[0];
    let options = invite.replace("INVITE", "OPTIONS").replacen("sip:+48601234567@", "sip:", 1);
    let foreign = format!("Route: <sip:{own};lr>,<sip:192.0.2.1;lr>\r\nFrom:");
    let transaction_via = line(&invite, "Via:");
    for (request, status, kind) in [
        (options, "200 OK", Kind::Options),
        (
            invite.replacen("Max-Forwards: 70", "Max-Forwards: 0", 1).replace("INVITE", "INFO"),
            "483 ",
            Kind::TooManyHops,
        ),
        (invite.replacen("From:", &foreign, 1), "403 ", Kind::Foreign),
        (invite.replacen("CSeq: 1", "CSeq: x", 1), "400 ", Kind::Malformed),
        (
            invite
                .replace("INVITE", "MESSAGE")
                .replacen("From:", "To: <a:b>\r\nFrom:", 1)
                .replacen(": 70", ": 0", 1),
            "483 ",
            Kind::TooManyHops,
        ),
    ] {
        let before = world.count(kind);
        world.carrier_sends(&request);
        let said = world.at_carrier();
        assert!(said.starts_with(&format!("SIP/2.0 {status}")), "{said}");
        assert!(line(&said, "Via:").starts_with(transaction_via));
        assert_eq!(world.count(kind), before + 1);
    }
    // Strangers: neither relay nor door.
    let stranger = UdpSocket::bind("127.0.0.9:0").unwrap();
    stranger.set_read_timeout(Some(PATIENCE)).unwrap();
    stranger.send_to(invite.replacen(";branch", ";rport;branch", 1).as_bytes(), own).unwrap();
    let mut buffer = [0; 12];
    let _ = stranger.recv(&mut buffer).unwrap();
    assert_eq!((&buffer, world.count(Kind::Stranger)), (b"SIP/2.0 403 ", 1));
    for silent in ["\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", "\u{1}\u{2}", ""] {
        world.carrier_sends(silent);
    }
    world.carrier_sends(&response(&invite, "200 OK"));
    world.carrier_sends(&invite);
    queries.recv_timeout(PATIENCE).unwrap().reply.answer(Ok(Answer::default()));
    let passed = world.at_core();
    assert_eq!(world.count(Kind::NotOurs), 1);
    // A loop: the core sends it back to us by way of the carrier.
    let looped = passed.replacen("Via:", &format!("{transaction_via}0\r\nVia:"), 1);
    world.carrier_sends(&looped);
    assert!(world.at_carrier().starts_with("SIP/2.0 482 "));
    // A response that would go to a stranger does not.
    let strange = response(&passed, "200 OK").replace("127.0.0.2", "127.0.0.9");
    world.core_sends(&strange);
    world.core_sends(&response(&passed, "200 OK"));
    assert!(world.at_carrier().starts_with("SIP/2.0 200 "));
    assert_eq!(world.count(Kind::Foreign), 2);
}

#[test]
fn passes_over_a_silent_next_hop() {
    let (gate, _queries) = gate(8);
    let silent = UdpSocket::bind("127.0.0.3:0").unwrap();
    let world = World::new(gate, "127.0.0.#:0", |options| {
        options.core.next_hops.push(silent.local_addr().unwrap());
        options.probe_every = Some(Duration::from_millis(1));
        options.probes_missed_max = 1;
    });
    // Alive is who answers; the other one is asked in vain until it counts as gone.
    let hops = || &world.proxy.shared.sides.at(Side::Core).hops;
    let is_spread = || {
        let chosen: Vec<_> = (0..64_u8).map(|call| hops().choose(&[call])).collect();
        chosen.iter().any(|hop| *hop != chosen[0])
    };
    assert!(is_spread());
    let mut answered = 0;
    while is_spread() || hops().choose(b"1") != Some(world.core.local_addr().unwrap()) {
        let probe = world.at_core();
        assert!(probe.starts_with("OPTIONS "), "{probe}");
        world.core_sends(&response(&probe, "200 OK"));
        answered += 1;
        assert!(answered < 5_000, "the silent one was never passed over");
    }
    assert!(world.count(Kind::Probed) > 0);
    assert_eq!(world.proxy.trouble(), None);
}

#[test]
fn ends_when_nothing_waits() {
    let (gate, queries) = gate(8);
    let world = World::new(gate.clone(), "127.0.0.#:0", |_| {});
    world.carrier_sends(&world.invite(&call("1")));
    let query = queries.recv_timeout(PATIENCE).unwrap();
    let World { proxy, core, carrier: _carrier, .. } = world;
    let stopped = thread::spawn(|| proxy.stop());
    query.reply.answer(Ok(Answer::default()));
    stopped.join().unwrap();
    core.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut buffer = [0; 6];
    let _ = core.recv(&mut buffer).unwrap();
    assert_eq!(&buffer, b"INVITE");
    assert_eq!(gate.metrics.fail_open_count(FailOpen::Deadline), 0);
}

#[test]
fn refuses_options_that_cannot_be() {
    let side = |listen: &str| SideOptions {
        listen: listen.parse().unwrap(),
        networks: vec!["127.0.0.0/8".parse().unwrap()],
        next_hops: Vec::new(),
    };
    let start = |listen: &str, change: fn(&mut ProxyOptions)| {
        let mut options = ProxyOptions::between(side(listen), side("127.0.0.1:0"), Seed(1));
        change(&mut options);
        let counts = ProxyCounts::new(&prometheus::Registry::new()).unwrap();
        Proxy::start(options, gate(1).0, &Ear(bounded(1).0), counts).map(|_| ()).unwrap_err().to_string()
    };
    assert!(start("0.0.0.0:0", |_| {}).starts_with("0.0.0.0:0: "));
    assert!(start("127.0.0.1:0", |options| options.deadline = Duration::from_secs(1)).contains("250 ms"));
    assert!(start("127.0.0.1:0", |options| options.core.networks.clear()).contains("next hop"));
    let broken =
        |options: &mut ProxyOptions| options.monetise_header = Some(("X".into(), "a\r\nVia: b".into()));
    assert!(start("127.0.0.1:0", broken).contains("line break"));
}
