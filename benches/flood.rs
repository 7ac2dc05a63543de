//! What a flood costs when a table is full: each table of assembly and of call state is given far more than it holds, of
//! what stays in it, and the time and the memory of the messages before and after are set side by side. Budget: from the
//! first time it is full to the end, neither memory nor the cost of a message grows by a fifth.
//!
//! `cargo bench --bench flood [NAME]`, and about a minute. Time is that of the processor in this thread, the least of
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

const FLOODS: [Flood; 5] = [
    Flood { name: "IP fragments", fills: 8_192, frame: fragment, sink: assembler },
    Flood { name: "TCP streams", fills: 32_768, frame: segment, sink: assembler },
    Flood { name: "SCTP associations", fills: 4_096, frame: chunk, sink: assembler },
    Flood { name: "live calls", fills: 400_000, frame: invite, sink: calls },
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

/// The beginning of a message that does not go on.
fn segment(number: u32) -> Vec<u8> {
    from(number, frames::tcp(10_000, 1, b"INVITE sip:+48221234567@b.example SIP/2.0\r\nSubject: "))
}

/// The first chunk of a message whose last does not come.
fn chunk(number: u32) -> Vec<u8> {
    from(number, frames::sctp(number, 1, (true, false), &frames::iam(number as u16 & 0xfff)))
}

/// A setup of which nothing more is heard, from one of three million callers.
fn invite(number: u32) -> Vec<u8> {
    let caller = format!("+48{}", 600_000_000 + number.wrapping_mul(7_919) % 3_000_000);
    frames::udp(frames::sip_from("INVITE", number, &caller).as_bytes())
}
