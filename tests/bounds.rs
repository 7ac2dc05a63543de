//! What nobody on the wire may bring about: growth beyond a limit, or a loss that no counter names. Each table of the
//! whole program is flooded with its limit set low, and so is each datagram, stream, association and call. What gives way
//! is counted, and a call that comes then passes.

#[path = "common/frames.rs"]
#[allow(dead_code, reason = "shared with tests that need more of it")]
mod frames;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tollgate::assemble::{AssembleOptions, Assembler, Skip};
use tollgate::base::class::Decision;
use tollgate::base::fault::{Kind, Layer};
use tollgate::base::frame::{Frame, Link};
use tollgate::base::network::Network;
use tollgate::base::time::At;
use tollgate::call::ReleasedBy;
use tollgate::config;
use tollgate::engine::{Engine, Options};
use tollgate::feature::people::PeopleLimits;
use tollgate::feature::{Limits, Sizes, fields};
use tollgate::judge::{CallRecord, Output, Verdict};
use tollgate::rule::{Ruleset, Source};
use tollgate::wire::websocket::{Header, Opcode};

/// How many of each a flood brings.
const FLOOD: u32 = 500;
/// How many of them a table under test holds.
const LIMIT: u32 = 50;
/// How many must give way.
const EVICTED: u64 = (FLOOD - LIMIT) as u64;
/// A call that comes when everything is full.
const LATE_CALL: u32 = 5_000;

/// An engine, a millisecond between frames, and all that came out of it.
struct Run {
    engine: Engine,
    frames: u64,
    verdicts: Vec<Verdict>,
    records: Vec<CallRecord>,
}

impl Run {
    /// With the shipped rules.
    fn new(change: impl FnOnce(&mut Options)) -> Self {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        Self::with_rules(config::load_rules(&rules, &fields::FIELDS).unwrap(), change)
    }

    fn with_rules(rules: Ruleset, change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options::default();
        change(&mut options);
        let engine = Engine::new(&Arc::new(Network::unknown()), Arc::new(rules), options);
        Self { engine, frames: 0, verdicts: Vec::new(), records: Vec::new() }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.frames += 1;
        let at = At::from_nanos(self.frames * 1_000_000);
        let wire_length = bytes.len() as u32;
        let mut outputs = Vec::new();
        self.engine
            .frame(Frame { at, number: self.frames, link: Link::Ethernet, bytes, wire_length }, &mut outputs);
        self.keep(outputs);
    }

    fn sip(&mut self, first: &str, call: u32) {
        self.send(&frames::udp(frames::sip(first, call).as_bytes()));
    }

    fn keep(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Verdict { verdict, .. } => self.verdicts.push(verdict),
                Output::Record(record) => self.records.push(*record),
                Output::Marked(_) | Output::Withdrawn { .. } => {}
            }
        }
    }

    fn evicted(&self, layer: Layer) -> u64 {
        self.engine.faults().of(layer, Kind::Evicted)
    }

    /// A call still passes, and at the end there is a record for each verdict.
    fn finish(mut self) -> Self {
        let before = self.verdicts.len();
        self.sip("INVITE", LATE_CALL);
        assert_eq!(self.verdicts.len(), before + 1);
        assert_eq!(self.verdicts[before].decision, Decision::Allow);
        let mut outputs = Vec::new();
        self.engine.finish(&mut outputs);
        self.keep(outputs);
        assert_eq!(self.verdicts.len(), self.records.len());
        self
    }

    fn all_allowed(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.decision == Decision::Allow)
    }
}

#[test]
fn live_calls() {
    let mut run = Run::new(|options| options.call.calls_max = LIMIT as usize);
    (0..FLOOD).for_each(|call| run.sip("INVITE", call));
    assert_eq!(run.evicted(Layer::Call), EVICTED);
    // Those that gave way are told at once, closed by us; the rest is what the table held.
    assert_eq!(run.records.len() as u64, EVICTED);
    assert!(run.records.iter().all(|record| record.call.released_by == Some(ReleasedBy::Timeout)));
    let run = run.finish();
    assert_eq!(run.verdicts.len() as u32, FLOOD + 1);
    assert!(run.all_allowed());
}

#[test]
fn lingering_calls() {
    let mut run = Run::new(|options| options.call.calls_max = LIMIT as usize);
    for call in 0..FLOOD {
        run.sip("INVITE", call);
        run.sip("486 Busy Here", call);
    }
    assert_eq!(run.evicted(Layer::Call), EVICTED);
    assert_eq!(run.records.len() as u32, FLOOD);
    assert!(run.records.iter().all(|record| record.call.released_by == Some(ReleasedBy::Called)));
    // The newest are still known, so their INVITEs sent again are no new calls; the one before them has been forgotten.
    (FLOOD - LIMIT..FLOOD).for_each(|call| run.sip("INVITE", call));
    assert_eq!(run.verdicts.len() as u32, FLOOD);
    run.sip("INVITE", FLOOD - LIMIT - 1);
    assert_eq!(run.verdicts.len() as u32, FLOOD + 1);
    assert!(run.finish().all_allowed());
}

#[test]
fn datagrams_in_fragments() {
    let mut run = Run::new(|options| options.assemble.datagrams_max = LIMIT as usize);
    flood_with_halves(&mut run, Layer::Ip, |call| {
        let datagram = frames::datagram(frames::sip("INVITE", call).as_bytes());
        let (head, tail) = datagram.split_at(64);
        let id = call as u16;
        [frames::fragment(17, (id, 0, true), head), frames::fragment(17, (id, 64, false), tail)]
    });
}

#[test]
fn connections() {
    let mut run = Run::new(|options| options.assemble.flows_max = LIMIT as usize);
    flood_with_halves(&mut run, Layer::Tcp, tcp_halves);
}

#[test]
fn associations() {
    let mut run = Run::new(|options| options.assemble.associations_max = LIMIT as usize);
    flood_with_halves(&mut run, Layer::Sctp, sctp_halves);
}

/// Sends the first halves of many messages, then the second halves, the newest first: those whose first half was kept
/// come out whole. One is kept for each place in the table, and no more.
fn flood_with_halves(run: &mut Run, layer: Layer, halves: impl Fn(u32) -> [Vec<u8>; 2]) {
    (0..FLOOD).for_each(|call| run.send(&halves(call)[0]));
    assert_eq!(run.evicted(layer), EVICTED);
    (0..FLOOD).rev().for_each(|call| run.send(&halves(call)[1]));
    assert_eq!(run.verdicts.len() as u32, LIMIT);
    run.sip("INVITE", LATE_CALL);
    assert_eq!(run.verdicts.len() as u32, LIMIT + 1);
    assert!(run.all_allowed());
}

/// An INVITE in two segments of a connection of its own.
fn tcp_halves(call: u32) -> [Vec<u8>; 2] {
    let message = frames::sip("INVITE", call).into_bytes();
    let (head, tail) = message.split_at(100);
    [frames::tcp(10_000 + call as u16, 1, head), frames::tcp(10_000 + call as u16, 101, tail)]
}

/// An IAM in two chunks of an association of its own.
fn sctp_halves(call: u32) -> [Vec<u8>; 2] {
    let message = frames::iam(call as u16);
    let (head, tail) = message.split_at(20);
    [frames::sctp(call, 1, (true, false), head), frames::sctp(call, 2, (false, true), tail)]
}

/// Messages that wait for one before them are handed on when their association makes room, when they are too many, and at
/// the end.
#[test]
fn messages_out_of_order() {
    let begin = |run: &mut Run, tag| run.send(&frames::in_stream(tag, 1, 0, &[1, 0, 3, 1, 0, 0, 0, 8]));
    let mut run = Run::new(|options| options.assemble.associations_max = LIMIT as usize);
    for call in 0..FLOOD {
        begin(&mut run, call);
        run.send(&frames::in_stream(call, 3, 2, &frames::iam(call as u16)));
    }
    assert_eq!((run.evicted(Layer::Sctp), run.verdicts.len() as u64), (EVICTED, EVICTED));
    assert_eq!(run.finish().verdicts.len() as u32, FLOOD + 1);

    let mut run = Run::new(|_| {});
    begin(&mut run, 7);
    for call in 0..64 {
        run.send(&frames::in_stream(7, 3 + u32::from(call), 2 + call, &frames::iam(call)));
    }
    assert_eq!(run.verdicts.len(), 0);
    run.send(&frames::in_stream(7, 100, 99, &frames::iam(64)));
    assert_eq!(run.verdicts.len(), 65);
    assert_eq!(run.engine.faults().of(Layer::Sctp, Kind::TooMany), 1);
    run.finish();
}

/// The limits on octets hold where those on entries leave room.
#[test]
fn octets_held() {
    let payload = [b'x'; 1_000];
    let mut run = Run::new(|options| options.assemble.fragment_bytes_max = 50_000);
    (0..FLOOD).for_each(|call| run.send(&frames::fragment(17, (call as u16, 0, true), &payload)));
    assert_between(run.evicted(Layer::Ip), EVICTED);
    run.finish();

    let head = [b"INVITE sip:a SIP/2.0\r\nSubject: ", &payload[..]].concat();
    let mut run = Run::new(|options| options.assemble.stream_bytes_max = 50_000);
    (0..FLOOD).for_each(|call| run.send(&frames::tcp(10_000 + call as u16, 1, &head)));
    assert_between(run.evicted(Layer::Tcp), EVICTED);
    run.finish();

    let mut run = Run::new(|options| options.assemble.chunk_bytes_max = 50_000);
    (0..FLOOD).for_each(|call| run.send(&frames::sctp(call, 1, (true, false), &payload)));
    assert_between(run.evicted(Layer::Sctp), EVICTED);
    run.finish();

    let mut run = Run::new(|options| options.assemble.association_bytes_max = 50_000);
    (0..FLOOD).for_each(|tsn| run.send(&frames::sctp(7, 2 * tsn, (true, false), &payload)));
    assert_eq!(run.engine.faults().of(Layer::Sctp, Kind::TooMany), u64::from(FLOOD / 48));
    run.finish();
}

/// As many or a tenth more: an entry costs a little beside its payload.
fn assert_between(evicted: u64, at_least: u64) {
    assert!((at_least..at_least + at_least / 10).contains(&evicted), "{evicted} of {at_least}");
}

#[test]
fn windows() {
    let limits = Limits {
        callers: 40,
        ranges_100: 20,
        ranges_10k: 10,
        missed: 30,
        distinct_slots: 100,
        ..Limits::default()
    };
    let mut run = Run::new(|options| options.judge.features = limits);
    for call in 0..FLOOD {
        run.sip("INVITE", call);
        run.sip("486 Busy Here", call);
    }
    let sizes = run.engine.judge().store().sizes();
    // Every call is to the same subscriber, and missed by it from another block.
    assert_eq!(sizes, Sizes { callers: 40, ranges_100: 20, ranges_10k: 10, missed: 30, ..sizes });
    assert_eq!(run.evicted(Layer::Feature), u64::from(4 * FLOOD) - 100);
    assert!(run.finish().all_allowed());
}

#[test]
fn evidence_and_people() {
    let mut run = Run::new(|options| {
        options.judge.features.suspects = LIMIT as usize;
        options.judge.features.people =
            PeopleLimits { known: 1, pairs: 1, called: LIMIT as usize, blocks: 1, refused: 1 };
    });
    for call in 0..FLOOD {
        run.sip("INVITE", call);
        run.sip("486 Busy Here", call);
    }
    assert_eq!(run.engine.judge().store().sizes().suspects as u32, LIMIT);
    // At the least a number and a block of 100 gave way with every call.
    assert!(run.evicted(Layer::Feature) > u64::from(2 * (FLOOD - LIMIT)));
    assert!(run.finish().all_allowed());
}

#[test]
fn marks_and_findings() {
    let rules = "schema = 1\n[[rule]]\nid = \"T-300\"\nname = \"All\"\nmode = \"live\"\nphase = \"fraud\"\n\
                 on = \"end\"\nclass = \"wangiri\"\nwhen = \"direction == inbound\"\nbecause = \"All.\"\n\
                 mark = [ { subject = \"caller\", ttl = \"24h\" } ]\n";
    let mut run = Run::with_rules(compile(rules), |options| {
        options.judge.features.marks = LIMIT as usize;
        options.judge.findings_max = LIMIT as usize;
    });
    for call in 0..FLOOD {
        run.sip("INVITE", call);
        run.sip("486 Busy Here", call);
    }
    assert_eq!(run.engine.judge().store().sizes().marks as u32, LIMIT);
    assert_eq!(run.engine.judge().findings().len() as u32, LIMIT);
    // Of a number each call leaves two marks: on routes of its class, and for call-backs on any.
    let evicted = (run.evicted(Layer::Feature), run.evicted(Layer::Judge));
    assert_eq!(evicted, (EVICTED + u64::from(FLOOD), EVICTED));
    assert!(run.finish().all_allowed());
}

#[test]
fn verdicts() {
    let mut run = Run::new(|options| options.judge.verdicts_max = LIMIT as usize);
    for call in 0..FLOOD {
        run.send(&frames::udp(frames::sip_from("INVITE", call, "+48221234567").as_bytes()));
    }
    // The switch is answered all the same; only the records of those beyond the limit do not know what was said.
    assert!(run.verdicts.iter().all(|verdict| verdict.decision == Decision::Block));
    assert_eq!(run.verdicts.len() as u32, FLOOD);
    assert_eq!(run.evicted(Layer::Judge), EVICTED);
    let run = run.finish();
    let blocked = run.records.iter().filter(|record| record.verdict.decision == Decision::Block);
    assert_eq!(blocked.count() as u32, LIMIT);
}

fn compile(text: &str) -> Ruleset {
    let source = Source { path: "test.toml".to_owned(), text: text.to_owned() };
    Ruleset::compile(&[source], &fields::FIELDS).unwrap()
}

// --- one datagram, stream, association or call -------------------------------------------------------------------------

#[test]
fn pieces_of_one_datagram() {
    let mut run = Run::new(|_| {});
    // Between any two there is a hole.
    (0..600_u16).for_each(|piece| run.send(&frames::fragment(17, (7, piece * 16, true), b"01234567")));
    assert_eq!(run.engine.faults().of(Layer::Ip, Kind::TooMany), 1);
    assert!(run.finish().all_allowed());
}

#[test]
fn pieces_behind_a_gap() {
    let mut run = Run::new(|_| {});
    run.send(&frames::tcp(10_000, 1, b"INVITE sip:a SIP/2.0\r\n"));
    // Of one octet each, none next to another.
    (0..1_000).for_each(|piece| run.send(&frames::tcp(10_000, 100 + 2 * piece, b"x")));
    assert!(run.engine.faults().of(Layer::Tcp, Kind::Gap) >= 1_000 / 129);
    // In the same connection, behind all that, once the gaps are given up.
    run.send(&frames::tcp(10_000, 3_000, frames::sip("INVITE", 1).as_bytes()));
    run.frames += 4_000;
    let run = run.finish();
    assert_eq!(run.verdicts.len(), 2);
    assert!(run.all_allowed());
}

#[test]
fn a_message_without_an_end() {
    let mut run = Run::new(|_| {});
    let mut at = 1;
    let mut send = |run: &mut Run, bytes: &[u8]| {
        run.send(&frames::tcp(10_000, at, bytes));
        at += bytes.len() as u32;
    };
    send(&mut run, b"INVITE sip:a SIP/2.0\r\n");
    (0..2_000).for_each(|_| send(&mut run, b"X: 0123456789012345678901234567890123456789\r\n"));
    assert_eq!(run.engine.faults().of(Layer::Tcp, Kind::BadLength), 1);
    send(&mut run, frames::sip("INVITE", 1).as_bytes());
    assert_eq!(run.verdicts.len(), 1);
    assert!(run.finish().all_allowed());
}

#[test]
fn a_websocket_message_without_an_end() {
    let open = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
    let frame = |is_final, opcode, payload: &[u8]| {
        let length = payload.len() as u64;
        let mut bytes = Vec::new();
        Header { is_final, is_extended: false, opcode, mask: None, length, size: 0 }.emit(&mut bytes);
        [&bytes, payload].concat()
    };
    let mut run = Run::new(|_| {});
    let mut at = 1;
    let mut send = |run: &mut Run, bytes: &[u8]| {
        run.send(&frames::tcp(10_000, at, bytes));
        at += bytes.len() as u32;
    };
    send(&mut run, open);
    send(&mut run, &frame(false, Opcode::Data, b"INVITE sip:a SIP/2.0\r\n"));
    (0..100).for_each(|_| send(&mut run, &frame(false, Opcode::Continuation, &[b'x'; 1_000])));
    send(&mut run, &frame(true, Opcode::Continuation, b"x"));
    assert_eq!(run.engine.faults().of(Layer::WebSocket, Kind::BadLength), 1);
    send(&mut run, &frame(true, Opcode::Data, frames::sip("INVITE", 1).as_bytes()));
    assert_eq!(run.verdicts.len(), 1);

    // A handshake that does not end is none.
    let mut run = Run::new(|_| {});
    run.send(&frames::tcp(10_000, 1, b"GET / HTTP/1.1\r\n"));
    let header = [b'x'; 1_000];
    (0..100_u32).for_each(|piece| run.send(&frames::tcp(10_000, 17 + piece * 1_000, &header)));
    assert_eq!(run.engine.faults().of(Layer::Sip, Kind::NotRecognised), 1);
    assert!(run.finish().all_allowed());
}

/// Of streams beyond those whose order is kept, messages go on as they come.
#[test]
fn streams_of_one_association() {
    let mut run = Run::new(|_| {});
    let mut tsn = 0;
    let mut send = |run: &mut Run, stream, sequence, cic| {
        tsn += 1;
        run.send(&frames::on_stream(7, tsn, (stream, sequence), &frames::iam(cic)));
    };
    (0..FLOOD as u16).for_each(|stream| send(&mut run, stream, 0, stream));
    assert_eq!(run.verdicts.len() as u32, FLOOD);
    // The message before this one is missing.
    (0..50).for_each(|stream| send(&mut run, stream, 2, 1_000 + stream));
    assert_eq!(run.verdicts.len() as u32, FLOOD);
    (450..500).for_each(|stream| send(&mut run, stream, 2, 2_000 + stream));
    assert_eq!(run.verdicts.len() as u32, FLOOD + 50);
    assert_eq!(run.finish().verdicts.len() as u32, FLOOD + 101);
}

/// What is no longer remembered is taken for new, and is then a message sent again.
#[test]
fn datagrams_remembered() {
    let duplicate_window = Duration::from_secs(3_600);
    let options = AssembleOptions { duplicates_max: 64, duplicate_window, ..AssembleOptions::default() };
    let mut assembler = Assembler::new(options);
    let mut messages = 0;
    let mut send = |assembler: &mut Assembler, call| {
        let bytes = frames::udp(frames::sip("INVITE", call).as_bytes());
        let wire_length = bytes.len() as u32;
        let frame = Frame { at: At::default(), number: 1, link: Link::Ethernet, bytes: &bytes, wire_length };
        assembler.push(frame, &mut |_| messages += 1);
        assembler.skips().of(Skip::Duplicate)
    };
    let found: Vec<u64> = (0..FLOOD).map(|call| send(&mut assembler, call)).collect();
    assert_eq!(found, [0; FLOOD as usize]);
    let known = (0..FLOOD).map(|call| send(&mut assembler, call)).max().unwrap();
    assert!(known <= 64, "{known}");
    assert_eq!(send(&mut assembler, FLOOD - 1), known + 1);
    assert_eq!(messages, u64::from(2 * FLOOD) - known);
}

#[test]
fn forks_of_one_call() {
    let mut run = Run::new(|_| {});
    for fork in 0..FLOOD {
        let branch = format!("branch=z9hG4bK{fork}");
        run.send(&frames::udp(frames::sip("INVITE", 1).replace("branch=z9hG4bK1", &branch).as_bytes()));
    }
    assert_eq!(run.engine.faults().of(Layer::Call, Kind::TooMany), u64::from(FLOOD - 4));
    assert_eq!(run.verdicts.len(), 1);
    assert!(run.finish().all_allowed());
}

#[test]
fn calls_that_legs_may_join() {
    let mut run = Run::new(|options| options.call.legs.calls_max = LIMIT as usize);
    for call in 0..FLOOD {
        run.sip("INVITE", call);
        assert!(run.engine.legs().sizes()[0] as u32 <= LIMIT);
    }
    let counts = run.engine.legs().counts();
    assert_eq!(counts.by_reason().find(|(name, _)| *name == "full").map(|(_, count)| count), Some(EVICTED));
    assert!(run.finish().all_allowed());
}
