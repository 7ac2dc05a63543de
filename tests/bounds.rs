//! What nobody on the wire may bring about: growth beyond a limit, or a loss that no counter names. Each table of the
//! whole program is flooded with its limit set low, and garbage of each kind is given to the program itself.

#[path = "common/frames.rs"]
mod frames;

use std::path::Path;
use std::sync::Arc;

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

// --- the program itself ------------------------------------------------------------------------------------------

/// Garbage of one kind: what the frames are, and under which names the report counts it.
#[derive(Clone)]
struct Garbage {
    name: &'static str,
    /// Time in milliseconds, frame, octets that the snap length cut.
    frames: Vec<(u32, Vec<u8>, u32)>,
    faults: &'static [(&'static str, &'static str, u64)],
}

impl Garbage {
    fn of(name: &'static str, frame: Vec<u8>, faults: &'static [(&'static str, &'static str, u64)]) -> Self {
        Self { name, frames: vec![(0, frame, 0)], faults }
    }
}

#[test]
fn garbage_is_counted_under_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("garbage.pcap");
    let kinds = [lying_lengths(), broken_sip(), broken_signalling_system_7(), broken_in_time()].concat();
    for Garbage { name, mut frames, faults } in kinds {
        // An honest call comes after it, and passes.
        frames.push((90_000, frames::udp(frames::sip("INVITE", LATE_CALL).as_bytes()), 0));
        std::fs::write(&path, frames::pcap(&frames)).unwrap();
        let report = report_on(&path);
        assert_eq!(counted(&report), expected(faults), "{name}");
        assert_eq!(report["frames"], frames.len() as u64, "{name}");
        let calls = &report["routes"][0];
        assert!(calls["allowed"].as_u64().unwrap() >= 1, "{name}: {calls}");
    }
}

fn lying_lengths() -> Vec<Garbage> {
    let honest = frames::udp(frames::sip("INVITE", 1).as_bytes());
    let with = |offset: usize, octets: &[u8]| altered(&honest, offset, octets);
    let signalling = frames::sctp(7, 1, (true, true), &frames::iam(1));
    let mut cut = Garbage::of(
        "snap length",
        honest[..honest.len() - 10].to_vec(),
        &[("ip", "truncated", 1), ("sip", "truncated", 1)],
    );
    cut.frames[0].2 = 10;
    vec![
        cut,
        Garbage::of("frame ends in the IP header", honest[..20].to_vec(), &[("ip", "truncated", 1)]),
        Garbage::of(
            "IP longer than its frame",
            with(frames::IP_LENGTH, &[0xff, 0xff]),
            &[("ip", "bad_length", 1)],
        ),
        Garbage::of("IP header of no length", with(14, &[0x40]), &[("ip", "bad_length", 1)]),
        Garbage::of("IP of no version", with(14, &[0xf5]), &[("ip", "bad_syntax", 1)]),
        Garbage::of(
            "UDP longer than IP",
            with(frames::UDP_LENGTH, &[0xff, 0xff]),
            &[("udp", "bad_length", 1)],
        ),
        Garbage::of("UDP of no length", with(frames::UDP_LENGTH, &[0, 0]), &[("udp", "bad_length", 1)]),
        Garbage::of(
            "SCTP chunk longer than its packet",
            altered(&signalling, frames::SCTP_CHUNK + 2, &[0xff, 0xff]),
            &[("sctp", "truncated", 1)],
        ),
        Garbage::of(
            "SCTP chunk of no length",
            altered(&signalling, frames::SCTP_CHUNK + 2, &[0, 0]),
            &[("sctp", "bad_length", 1)],
        ),
        Garbage::of(
            "M3UA longer than its chunk",
            altered(&signalling, frames::M3UA + 4, &[0xff; 4]),
            &[("m3ua", "truncated", 1)],
        ),
        Garbage::of(
            "M3UA shorter than its header",
            altered(&signalling, frames::M3UA + 4, &[0, 0, 0, 7]),
            &[("m3ua", "bad_length", 1)],
        ),
        Garbage::of(
            "M3UA parameter of no length",
            altered(&signalling, frames::M3UA + 10, &[0, 0]),
            &[("m3ua", "bad_length", 1)],
        ),
    ]
}

fn broken_sip() -> Vec<Garbage> {
    let invite = frames::sip("INVITE", 1);
    let sent = |name, text: String, faults| Garbage::of(name, frames::udp(text.as_bytes()), faults);
    vec![
        sent("not SIP", "\u{7}what is this".to_owned(), &[("sip", "not_recognised", 1)]),
        sent("SIP of the future", invite.replacen("SIP/2.0\r", "SIP/9.0\r", 1), &[("sip", "unsupported", 1)]),
        sent(
            "a line of 9,000 octets",
            invite.replace("CSeq", &format!("X-A: {}\r\nCSeq", "a".repeat(9_000))),
            &[("sip", "too_many", 1)],
        ),
        sent("letters in CSeq", invite.replace("CSeq: 1", "CSeq: one"), &[("sip", "bad_syntax", 1)]),
        sent(
            "letters in Content-Length",
            invite.replace("Length: 0", "Length: none"),
            &[("sip", "bad_syntax", 1)],
        ),
        sent("body longer than sent", invite.replace("Length: 0", "Length: 9"), &[("sip", "bad_length", 1)]),
        sent("no Call-ID", invite.replace("Call-ID", "X-ID"), &[("sip", "missing", 1)]),
        sent(
            "two callers",
            invite.replace("To:", "From: <sip:+48600000000@a>;tag=b\r\nTo:"),
            &[("sip", "conflict", 1)],
        ),
        sent("a release of no call", frames::sip("BYE", 1), &[("call", "unexpected", 1)]),
    ]
}

fn broken_signalling_system_7() -> Vec<Garbage> {
    let sent = |name, m3ua: &[u8], faults| Garbage::of(name, frames::sctp(7, 1, (true, true), m3ua), faults);
    vec![
        sent("M3UA of version 9", &altered(&frames::iam(1), 0, &[9]), &[("m3ua", "unsupported", 1)]),
        sent("M3UA without protocol data", &altered(&frames::iam(1), 8, &[0, 4]), &[("m3ua", "missing", 1)]),
        sent("ISUP without type", &frames::m3ua(5, &[1, 0]), &[("isup", "truncated", 1)]),
        sent("IAM that ends early", &frames::m3ua(5, &[1, 0, 1, 0, 0]), &[("isup", "truncated", 1)]),
        sent(
            "pointer behind the end",
            &frames::m3ua(5, &[1, 0, 1, 0, 0, 0, 10, 3, 99, 0]),
            &[("isup", "bad_length", 1)],
        ),
        sent("BICC, cut short", &frames::m3ua(13, &[1, 0, 0, 0, 1]), &[("isup", "truncated", 1)]),
    ]
}

fn broken_in_time() -> Vec<Garbage> {
    let invite = || frames::sip("INVITE", 1).into_bytes();
    let datagram = frames::datagram(&invite());
    let head = frames::fragment(17, (1, 0, true), &datagram[..64]);
    let other = frames::fragment(17, (1, 56, true), &[0; 64]);
    let half = frames::tcp(10_000, 1, &invite()[..100]);
    let whole = |at_ms| (at_ms, frames::udp(&invite()), 0);
    vec![
        Garbage {
            name: "a clock that runs backwards",
            frames: vec![whole(60_000), whole(0), whole(30_000)],
            faults: &[("file", "clock_backwards", 2)],
        },
        Garbage {
            name: "fragments that contradict each other",
            frames: vec![(0, head.clone(), 0), (1, other, 0)],
            faults: &[("ip", "overlap", 1)],
        },
        Garbage { name: "a lost fragment", frames: vec![(0, head, 0)], faults: &[("ip", "expired", 1)] },
        Garbage {
            name: "a lost segment",
            frames: vec![(0, half, 0), (1, frames::tcp(10_000, 150, &invite()), 0)],
            faults: &[("tcp", "gap", 1)],
        },
        Garbage {
            name: "a segment sent twice",
            frames: vec![
                (0, frames::tcp(10_000, 1, &invite()), 0),
                (1, frames::tcp(10_000, 1, &invite()), 0),
            ],
            faults: &[("tcp", "duplicate", 1)],
        },
        Garbage {
            name: "a chunk sent twice",
            frames: vec![(0, frames::sctp(7, 1, (true, true), &frames::iam(1)), 0); 2],
            faults: &[("sctp", "duplicate", 1)],
        },
    ]
}

fn altered(bytes: &[u8], offset: usize, octets: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[offset..offset + octets.len()].copy_from_slice(octets);
    bytes
}

/// A number with letters is no fault of the message but a fact about the call, on which a rule acts.
#[test]
fn a_number_with_letters_is_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letters.pcap");
    let frame = frames::udp(frames::sip_from("INVITE", 1, "+4860CALLME").as_bytes());
    std::fs::write(&path, frames::pcap(&[(0, frame, 0)])).unwrap();
    let report = report_on(&path);
    assert_eq!(counted(&report), []);
    assert_eq!(report["classes"][0]["class"], "spoofed");
    assert_eq!(report["classes"][0]["blocked"], 1);
}

/// What is there of a capture is read, and the report says where it ends.
#[test]
fn a_capture_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.pcap");
    let frame = frames::udp(frames::sip("INVITE", 1).as_bytes());
    let whole = frames::pcap(&[(0, frame.clone(), 0), (1, frame, 0)]);
    std::fs::write(&path, &whole[..whole.len() - 10]).unwrap();
    let report = report_on(&path);
    assert_eq!(counted(&report), expected(&[("file", "truncated", 1)]));
    assert_eq!((&report["frames"], &report["calls"]), (&1.into(), &1.into()));
    let problem = report["problems"][0].as_str().unwrap();
    assert!(problem.contains("cut.pcap: at octet") && problem.contains("ends within a record"), "{problem}");
}

/// What the program reports on a capture.
fn report_on(path: &Path) -> serde_json::Value {
    let output = tollgate(&["replay", "--format", "json", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Faults of a report, in order of name.
fn counted(report: &serde_json::Value) -> Vec<(String, String, u64)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let faults = report["faults"].as_array().unwrap().iter();
    let mut counts: Vec<_> = faults
        .map(|fault| (text(&fault["of"]), text(&fault["what"]), fault["count"].as_u64().unwrap()))
        .collect();
    counts.sort();
    counts
}

fn expected(faults: &[(&str, &str, u64)]) -> Vec<(String, String, u64)> {
    faults.iter().map(|(of, what, count)| ((*of).to_owned(), (*what).to_owned(), *count)).collect()
}

fn tollgate(arguments: &[&str]) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_tollgate")).args(arguments).output().unwrap()
}

#[test]
fn exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = file("good.pcap", &frames::pcap(&[(0, frames::udp(frames::sip("INVITE", 1).as_bytes()), 0)]));
    let text = file("text.pcap", b"this is no capture at all, whatever its name");
    let empty = file("empty.pcap", b"");
    let radio = file("radio.pcap", &altered(&frames::pcap(&[(0, vec![0; 60], 0)]), 20, &[127]));
    let network = file("network.toml", b"home = \"PL\"\nhouse = 1\n\n[[route]]\nname = 3\n");
    let rule = file(
        "rules/a.toml",
        b"schema = 1\n[[rule]]\nid = \"A-1\"\nname = \"A\"\nmode = \"live\"\nphase = \"fraud\"\non = \"setup\"\n\
          class = \"flash\"\nwhen = \"caller.setup_5m > 3\"\naction = \"allow\"\n",
    );
    let rules = rule.trim_end_matches("/a.toml");
    let missing = format!("{good}.not");
    let cases: [(&[&str], i32, &[&str]); 11] = [
        (&["replay", &good], 0, &[]),
        (&["replay", &missing], 66, &["good.pcap.not: no such file"]),
        (&["replay", &good, &missing], 66, &["good.pcap.not: no such file"]),
        (&["replay", &text], 65, &["text.pcap: not a capture"]),
        (&["replay", &empty], 65, &["empty.pcap: not a capture"]),
        (&["replay", &radio], 65, &["radio.pcap: frames of link type 127 are not read"]),
        (
            &["replay", "--network", &network, &good],
            3,
            &["network.toml:2:1:", "network.toml:5:8:", "\n  house", "^^^^^"],
        ),
        (&["replay", "--rules", rules, &good], 3, &["a.toml:9:9:", "caller.setup_5m > 3", "^^^^^^^^^^^^^^^"]),
        (&["check", "--rules", rules], 3, &["a.toml:9:9:", "^^^^^^^^^^^^^^^"]),
        (&["replay", "--network", &missing, &good], 66, &["good.pcap.not: no such file"]),
        (&["replay", "--colour", &good], 2, &["unexpected argument '--colour'", "Usage: tollgate replay"]),
    ];
    for (arguments, code, said) in cases {
        let output = tollgate(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert_eq!(output.stdout.is_empty(), code != 0, "{arguments:?}");
        said.iter().for_each(|text| assert!(errors.contains(text), "{arguments:?}: {text:?} in\n{errors}"));
    }
}
