//! One call as taps see it: on several hops, in SIP and ISUP, made by hand. And what comes out of it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tollgate::base::frame::{Frame, Link, Mtp, RoutingLabel};
use tollgate::base::network::Network;
use tollgate::base::time::At;
use tollgate::call::{LegCounts, LegOptions};
use tollgate::config;
use tollgate::engine::Options;
use tollgate::feature::fields::FIELDS;
use tollgate::journal::CallsWriter;
use tollgate::judge::{Judge, Output};
use tollgate::pipeline::{self, Frames, Sink, Threads};
use tollgate::rule::Ruleset;
use tollgate::simulate::render::{m3ua, packet, sctp};
use tollgate::wire::isup::MessageType;
use tollgate::wire::isup::iam::Iam;
use tollgate::wire::isup::number::{NatureOfAddress, Number, PLAN_E164};
use tollgate::wire::isup::release::{Cause, Release};

/// A carrier from abroad.
pub const CARRIER: [u8; 4] = [192, 0, 2, 1];
/// Another one.
pub const OTHER: [u8; 4] = [198, 51, 100, 1];
/// A customer's exchange.
pub const PBX: [u8; 4] = [198, 51, 100, 129];
/// Two elements of our own that no route names.
pub const BORDER: [u8; 4] = [10, 0, 0, 1];
pub const INNER: [u8; 4] = [10, 0, 0, 2];
/// Our own subscribers' exchange.
pub const CORE: [u8; 4] = [203, 0, 113, 1];
/// Point codes: our gateway, our exchange, a carrier's.
pub const GATEWAY_CODE: u32 = 1;
pub const CORE_CODE: u32 = 2;
pub const CARRIER_CODE: u32 = 3;

const NETWORK: &str = r#"
home = "PL"
[[route]]
name = "carrier"
class = "international"
peers = ["192.0.2.0/28"]
point-codes = [3]
network-indicator = "national"
[[route]]
name = "other"
class = "international"
peers = ["198.51.100.0/28"]
[[route]]
name = "pbx"
class = "enterprise"
peers = ["198.51.100.129"]
[[route]]
name = "core"
class = "on-net"
peers = ["203.0.113.0/28"]
point-codes = [2]
network-indicator = "national"
"#;

/// The network of all this.
pub fn network() -> Network {
    let read = |_: &Path| Ok(NETWORK.to_owned());
    config::load_network_by(Path::new("network.toml"), &read).unwrap().network
}

/// One SIP leg.
#[derive(Clone)]
pub struct Hop {
    pub between: ([u8; 4], [u8; 4]),
    pub call_id: String,
    pub branch: String,
    pub calling: String,
    pub called: String,
    /// Further lines of the INVITE, each with its end.
    pub headers: String,
}

impl Hop {
    /// From one to the other; the Call-ID names the branch too.
    pub fn new(between: ([u8; 4], [u8; 4]), call_id: &str) -> Self {
        Self {
            between,
            call_id: call_id.to_owned(),
            branch: format!("{call_id}{}", between.1.map(|octet| format!("-{octet}")).concat()),
            calling: "+447700900123".to_owned(),
            called: "+48601000001".to_owned(),
            headers: String::new(),
        }
    }

    pub fn numbers(self, calling: &str, called: &str) -> Self {
        Self { calling: calling.to_owned(), called: called.to_owned(), ..self }
    }

    pub fn header(mut self, line: &str) -> Self {
        self.headers += &format!("{line}\r\n");
        self
    }

    pub fn icid(self, value: &str) -> Self {
        self.header(&format!("P-Charging-Vector: icid-value=\"{value}\";orig-ioi=home1.example"))
    }

    pub fn branch(self, branch: &str) -> Self {
        Self { branch: branch.to_owned(), ..self }
    }

    fn message(&self, start: &str, cseq: &str, headers: &str) -> Vec<u8> {
        let Self { call_id, branch, calling, called, .. } = self;
        format!(
            "{start}\r\nVia: SIP/2.0/UDP hop.example;branch=z9hG4bK{branch}\r\n\
             From: <sip:{calling}@a.example;user=phone>;tag=t{call_id}\r\n\
             To: <sip:{called}@b.example;user=phone>\r\nCall-ID: {call_id}\r\nCSeq: {cseq}\r\n\
             Max-Forwards: 70\r\n{headers}Content-Length: 0\r\n\r\n"
        )
        .into_bytes()
    }
}

/// What is seen at once.
#[derive(Clone)]
enum Seen {
    /// A frame.
    Frame(Vec<u8>),
    /// An ISUP message between two point codes; its frame is numbered in the order of time.
    Isup((u32, u32), Vec<u8>),
}

/// What is seen, and when.
#[derive(Clone, Default)]
pub struct Scene {
    seen: Vec<(u64, Seen)>,
    pub legs: LegOptions,
}

impl Scene {
    pub fn new() -> Self {
        Self::default()
    }

    /// Numbers tell too, within this many milliseconds.
    pub fn by_numbers(mut self, milliseconds: u64) -> Self {
        self.legs.numbers = Duration::from_millis(milliseconds);
        self
    }

    fn udp(&mut self, at_ms: u64, (src, dst): ([u8; 4], [u8; 4]), payload: &[u8]) {
        let socket = |address: [u8; 4]| (Ipv4Addr::from(address), 5060);
        let frame = packet::udp((socket(src), socket(dst)), at_ms as u16, payload);
        self.seen.push((at_ms, Seen::Frame(frame)));
    }

    /// An INVITE alone.
    pub fn invite(&mut self, at_ms: u64, hop: &Hop) -> &mut Self {
        let start = format!("INVITE sip:{}@b.example;user=phone SIP/2.0", hop.called);
        self.udp(at_ms, hop.between, &hop.message(&start, "1 INVITE", &hop.headers));
        self
    }

    fn back(&mut self, at_ms: u64, hop: &Hop, status: &str) {
        let (src, dst) = hop.between;
        self.udp(at_ms, (dst, src), &hop.message(&format!("SIP/2.0 {status}"), "1 INVITE", ""));
    }

    /// A leg set up, rung, answered after a second and released by the caller after five.
    pub fn talk(&mut self, at_ms: u64, hop: &Hop) -> &mut Self {
        self.invite(at_ms, hop);
        self.back(at_ms + 200, hop, "180 Ringing");
        self.back(at_ms + 1_000, hop, "200 OK");
        let bye = Hop { branch: format!("{}-bye", hop.branch), ..hop.clone() };
        self.udp(at_ms + 5_000, hop.between, &bye.message("BYE sip:b.example SIP/2.0", "2 BYE", ""));
        self
    }

    /// A leg set up and refused.
    pub fn refused(&mut self, at_ms: u64, hop: &Hop, status: &str, after_ms: u64) -> &mut Self {
        self.invite(at_ms, hop);
        self.back(at_ms + after_ms, hop, status);
        self
    }

    fn isup(&mut self, at_ms: u64, between: (u32, u32), message: &[u8]) {
        self.seen.push((at_ms, Seen::Isup(between, message.to_vec())));
    }

    /// A circuit seized for a call and released by the caller after four seconds, unanswered.
    pub fn circuit(
        &mut self,
        at_ms: u64,
        (opc, dpc, cic): (u32, u32, u32),
        (calling, called): (&str, &str),
    ) -> &mut Self {
        let number = |digits: &str| Number {
            nature: NatureOfAddress::INTERNATIONAL,
            plan: PLAN_E164,
            digits: digits.trim_start_matches('+').bytes().collect(),
            ..Number::default()
        };
        let mut iam = Vec::new();
        Iam { called: number(called), calling: Some(number(calling)), ..Iam::default() }.emit(cic, &mut iam);
        self.isup(at_ms, (opc, dpc), &iam);
        let mut release = Vec::new();
        Release { cause: Cause { coding: 0, location: 0, value: 16 } }.emit(cic, &mut release);
        self.isup(at_ms + 4_000, (opc, dpc), &release);
        let mut complete = Vec::new();
        tollgate::wire::isup::emit_bare(cic, MessageType::RELEASE_COMPLETE, &mut complete);
        self.isup(at_ms + 4_010, (dpc, opc), &complete);
        self
    }

    /// Everything, in the order of time.
    fn sorted(&self) -> Vec<(At, Vec<u8>)> {
        let mut seen = self.seen.clone();
        seen.sort_by_key(|(at, _)| *at);
        let start = 1_790_000_000_000;
        let mut tsn = 0;
        let frames = seen.into_iter().map(|(at, seen)| {
            let frame = match seen {
                Seen::Frame(frame) => frame,
                Seen::Isup(between, message) => {
                    tsn += 1;
                    isup_frame(tsn, between, &message)
                }
            };
            (At::from_nanos((start + at) * 1_000_000), frame)
        });
        frames.collect()
    }

    /// Every frame, in the order of time.
    pub fn each_frame(&self, mut take: impl FnMut(Frame<'_>)) {
        let mut frames = Given { frames: self.sorted(), next: 0 };
        while let Some(frame) = frames.next() {
            take(frame);
        }
    }

    /// Plays it through so many shards, with the shipped rules.
    pub fn play(&self, threads: Threads) -> Played {
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let ruleset = Arc::new(config::load_rules(&rules, &FIELDS).unwrap());
        self.play_by(threads, &ruleset)
    }

    pub fn play_by(&self, threads: Threads, ruleset: &Arc<Ruleset>) -> Played {
        let network = Arc::new(network());
        let mut options = Options::default();
        options.call.legs = self.legs;
        let mut frames = Given { frames: self.sorted(), next: 0 };
        let sink = Lines { writer: CallsWriter::new(Vec::new(), &FIELDS), network: Arc::clone(&network) };
        let finished = pipeline::run(&mut frames, &network, ruleset, (&options, threads), sink);
        let lines = String::from_utf8(finished.sink.writer.into_inner()).unwrap();
        Played { lines, counts: finished.legs }
    }

    /// The records, as they were written, through one shard.
    pub fn records(&self) -> Vec<Value> {
        self.play(Threads::default()).records()
    }
}

fn isup_frame(tsn: u32, (opc, dpc): (u32, u32), message: &[u8]) -> Vec<u8> {
    let label = RoutingLabel { standard: Mtp::Itu, opc, dpc, network_indicator: 2, sls: 1 };
    let place = sctp::Place { tsn, stream: 1, ssn: tsn as u16, ends: (true, true) };
    let chunk = sctp::data(place, &m3ua::data(label, message));
    let ip = packet::Ip {
        between: (Ipv4Addr::new(10, 0, 0, 8), Ipv4Addr::new(10, 0, 0, 9)),
        protocol: packet::PROTOCOL_SCTP,
        identification: tsn as u16,
    };
    packet::ipv4(ip, &sctp::packet((2905, 2905), 7, &chunk))
}

/// What came of it.
pub struct Played {
    pub lines: String,
    pub counts: LegCounts,
}

impl Played {
    pub fn records(&self) -> Vec<Value> {
        self.lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

struct Given {
    frames: Vec<(At, Vec<u8>)>,
    next: usize,
}

impl Frames for Given {
    fn next(&mut self) -> Option<Frame<'_>> {
        let (at, bytes) = self.frames.get(self.next)?;
        self.next += 1;
        let number = self.next as u64;
        Some(Frame { at: *at, number, link: Link::Ethernet, bytes, wire_length: bytes.len() as u32 })
    }
}

struct Lines {
    writer: CallsWriter<Vec<u8>>,
    network: Arc<Network>,
}

impl Sink for Lines {
    fn take(&mut self, _: &Judge, output: Output) {
        if let Output::Record(record) = output {
            self.writer.write(&record, &self.network).unwrap();
        }
    }
}

/// Of each record its Call-ID or circuit, its route and its legs as `call_key@route:by`.
pub fn shown(records: &[Value]) -> Vec<(String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let leg =
        |leg: &Value| format!("{}@{}:{}", text(&leg["call_key"]), text(&leg["route"]), text(&leg["by"]));
    let legs = |record: &Value| record["legs"].as_array().into_iter().flatten().map(leg).collect();
    let mut all: Vec<_> = records
        .iter()
        .map(|record| (text(&record["call_key"]), text(&record["route"]), legs(record)))
        .collect();
    all.sort();
    all
}
