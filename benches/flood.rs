//! What a flood costs when a table is full: each table of assembly, of call state and of what is shown of calls is given far
//! more than it holds, of what stays in it, and the time and the memory of the messages before and after are set side by side. Budget: from the
//! first time it is full to the end, neither memory nor the cost of a message grows by a fifth.
//!
//! `cargo bench --bench flood [NAME]`, and about two minutes. Time is that of the processor in this thread, the least of
//! several parts of each window.

mod common;
#[path = "../tests/common/frames.rs"]
#[allow(dead_code, reason = "no bench needs all of it")]
mod frames;

use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tollgate::assemble::{AssembleOptions, Assembler};
use tollgate::base::frame::{Frame, Link};
use tollgate::base::map::Seed;
use tollgate::base::time::At;
use tollgate::call::CallOptions;
use tollgate::engine::{Engine, Options, Shard};
use tollgate::evaluate::process;
use tollgate::inspect::Follower;
use tollgate::signal;

/// How often a table's worth of messages comes: once to fill it, and then at its limit.
const ROUNDS: u32 = 6;
/// Parts of a round; the cheapest of them counts, so that what else runs on the machine does not.
const PARTS: u32 = 8;
/// Between two messages: a flood of 100,000 a second.
const EVERY: Duration = Duration::from_micros(10);

/// What takes frames.
type Sink = Box<dyn FnMut(Frame<'_>)>;

/// One table, and what fills it.
struct Flood {
    name: &'static str,
    /// Messages that fill it.
    fills: u32,
    frame: fn(u32) -> Vec<u8>,
    /// Takes a frame; makes a sink that is empty.
    sink: fn() -> Sink,
}

const FLOODS: [Flood; 13] = [
    Flood { name: "IP fragments", fills: 8_192, frame: fragment, sink: assembler },
    Flood { name: "holes in IP datagrams", fills: 262_144, frame: hole, sink: assembler },
    Flood { name: "datagrams remembered", fills: 4_096, frame: invite, sink: assembler },
    Flood { name: "TCP streams", fills: 32_768, frame: segment, sink: assembler },
    Flood { name: "octets behind gaps of TCP", fills: 327_680, frame: ahead, sink: assembler },
    Flood { name: "SIP that does not end", fills: 24_576, frame: endless, sink: assembler },
    Flood { name: "WebSocket handshakes", fills: 65_536, frame: handshake, sink: assembler },
    Flood { name: "HEP that does not end", fills: 24_576, frame: agent, sink: assembler },
    Flood { name: "SCTP associations", fills: 4_096, frame: chunk, sink: assembler },
    Flood { name: "SCTP messages out of order", fills: 65_536, frame: late, sink: assembler },
    Flood { name: "live calls", fills: 400_000, frame: invite, sink: calls },
    Flood { name: "calls shown, on circuits", fills: 1_000_000, frame: circuit, sink: follower },
    Flood { name: "live calls, callers, windows", fills: 1_000_000, frame: invite, sink: engine },
];

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    println!(
        "{:<30} {:>10} {:>12} {:>12} {:>7} {:>14}",
        "table", "holds", "full, ns", "end, ns", "ratio", "memory, MiB"
    );
    for flood in FLOODS {
        if wanted.is_empty() || wanted.iter().any(|word| flood.name.contains(word.as_str())) {
            run(&flood);
        }
    }
}

fn run(flood: &Flood) {
    let mut sink = (flood.sink)();
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let parts = (0..PARTS).map(|part| {
            let size = flood.fills / PARTS;
            let first = round * flood.fills + part * size;
            nanoseconds_each(first..first + size, flood.frame, &mut sink)
        });
        let least = parts.fold(f64::INFINITY, f64::min);
        rounds.push((least, process::memory().map_or(0, |(now, _)| now >> 20)));
    }
    let ((full, before), (end, after)) = (rounds[1], rounds[rounds.len() - 1]);
    let ratio = end / full;
    println!(
        "{:<30} {:>10} {full:>12.0} {end:>12.0} {ratio:>7.2} {before:>6} → {after:>5}",
        flood.name, flood.fills
    );
}

fn nanoseconds_each(
    numbers: std::ops::Range<u32>,
    frame: fn(u32) -> Vec<u8>,
    sink: &mut dyn FnMut(Frame<'_>),
) -> f64 {
    let frames: Vec<(u32, Vec<u8>)> = numbers.map(|number| (number, frame(number))).collect();
    let before = processor_time();
    for (number, bytes) in &frames {
        let at = At::from_nanos(1_700_000_000_000_000_000) + EVERY * *number;
        let wire_length = bytes.len() as u32;
        sink(Frame { at, number: u64::from(*number) + 1, link: Link::Ethernet, bytes, wire_length });
    }
    (processor_time() - before).as_nanos() as f64 / frames.len() as f64
}

fn processor_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("every system has this clock").into()
}

// --- sinks ------------------------------------------------------------------------------------------------------------

fn assembler() -> Sink {
    let mut assembler = Assembler::new(AssembleOptions::default());
    Box::new(move |frame| assembler.push(frame, &mut |_| {}))
}

fn calls() -> Sink {
    let network = common::network("captures/interconnect/network.toml");
    let mut assembler = Assembler::new(AssembleOptions::default());
    let mut shard = Shard::new(&network, CallOptions::default(), true);
    let mut out = Vec::new();
    Box::new(move |frame| {
        assembler.push(frame, &mut |pdu| shard.handle(&pdu, signal::key(&pdu, Seed::default()), &mut out));
        out.clear();
    })
}

fn follower() -> Sink {
    let network = common::network("captures/interconnect/network.toml");
    let mut assembler = Assembler::new(AssembleOptions::default());
    let mut follower = Follower::new(&network, CallOptions::default());
    let mut told = Vec::new();
    Box::new(move |frame| {
        assembler.push(frame, &mut |pdu| drop(follower.take(&pdu, &mut told)));
        told.clear();
    })
}

fn engine() -> Sink {
    let network = common::network("captures/interconnect/network.toml");
    let mut engine = Engine::new(&network, Arc::clone(&common::rules()), Options::default());
    let mut out = Vec::new();
    Box::new(move |frame| {
        engine.frame(frame, &mut out);
        out.clear();
    })
}

// --- frames that stay -------------------------------------------------------------------------------------------------

/// Where a frame keeps its sender's IPv4 address.
const SOURCE: usize = 26;

/// Everyone who sends is somebody else.
fn from(number: u32, mut frame: Vec<u8>) -> Vec<u8> {
    frame[SOURCE..SOURCE + 4].copy_from_slice(&number.to_be_bytes());
    frame
}

/// The first part of a datagram whose rest does not come.
fn fragment(number: u32) -> Vec<u8> {
    from(number, frames::fragment(17, (number as u16, 0, true), &[b'x'; 1_000]))
}

/// Parts of datagrams with a hole before each, 32 a datagram.
fn hole(number: u32) -> Vec<u8> {
    let offset = (number % 32 * 16) as u16;
    from(number / 32, frames::fragment(17, (1, offset, true), b"01234567"))
}

/// The beginning of a message that does not go on.
fn segment(number: u32) -> Vec<u8> {
    from(number, frames::tcp(10_000, 1, b"INVITE sip:+48221234567@b.example SIP/2.0\r\nSubject: "))
}

/// What comes behind octets that never do, 10 pieces a stream.
fn ahead(number: u32) -> Vec<u8> {
    let (stream, piece) = (number / 10, number % 10);
    let bytes: &[u8] = if piece == 0 { b"INVITE sip:a SIP/2.0\r\n" } else { b"x" };
    from(stream, frames::tcp(10_000, 1 + 100 * piece, bytes))
}

/// A stream in segments of 1,400 octets, 40 of them: one message, as far as it goes.
fn endless(number: u32) -> Vec<u8> {
    stream(number, b"INVITE sip:a SIP/2.0\r\nSubject: ", (40, 1_400))
}

/// The same of a handshake, in small ones.
fn handshake(number: u32) -> Vec<u8> {
    stream(number, b"GET / HTTP/1.1\r\nCookie: ", (120, 120))
}

/// The same of a packet from a capture agent.
fn agent(number: u32) -> Vec<u8> {
    let mut frame = stream(number, b"HEP3\xff\xff", (40, 1_400));
    frame[DST_PORT..DST_PORT + 2].copy_from_slice(&9_060_u16.to_be_bytes());
    frame
}

/// Where a frame keeps the port that a segment is for.
const DST_PORT: usize = 36;

/// One segment of a stream that begins like this; each stream has so many, of so many octets.
fn stream(number: u32, begin: &[u8], (count, size): (u32, u32)) -> Vec<u8> {
    let (stream, piece) = (number / count, number % count);
    let mut bytes = vec![b'x'; size as usize];
    if piece == 0 {
        bytes[..begin.len()].copy_from_slice(begin);
    }
    from(stream, frames::tcp(10_000, 1 + piece * size, &bytes))
}

/// A message that waits for one before it, 60 an association.
fn late(number: u32) -> Vec<u8> {
    let (association, place) = (number / 60, number % 60);
    let sequence = if place == 0 { 0 } else { place as u16 + 1 };
    from(association, frames::in_stream(association, 1 + place, sequence, &frames::iam(place as u16)))
}

/// A call on each circuit between many exchanges, and its release.
fn circuit(number: u32) -> Vec<u8> {
    let (call, is_release) = (number / 2, number % 2 == 1);
    let cic = (call % 4_096) as u16;
    let [low, high] = cic.to_le_bytes();
    let message =
        if is_release { frames::m3ua(5, &[low, high, 0x0c, 2, 0, 2, 0x80, 0x90]) } else { frames::iam(cic) };
    let mut frame = frames::in_stream(1, 1 + number, number as u16, &message);
    let exchange = (call / 4_096 % 8_000).to_be_bytes();
    frame[ORIGIN..ORIGIN + 4].copy_from_slice(&exchange);
    frame
}

/// Where a frame keeps the point code that M3UA says a message is from.
const ORIGIN: usize = frames::M3UA + 12;

/// The first chunk of a message whose last does not come.
fn chunk(number: u32) -> Vec<u8> {
    from(number, frames::sctp(number, 1, (true, false), &frames::iam(number as u16 & 0xfff)))
}

/// A setup of which nothing more is heard, from one of three million callers.
fn invite(number: u32) -> Vec<u8> {
    let caller = format!("+48{}", 600_000_000 + number.wrapping_mul(7_919) % 3_000_000);
    frames::udp(frames::sip_from("INVITE", number, &caller).as_bytes())
}
