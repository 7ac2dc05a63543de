//! A capture file read, assembled and decoded, without calls or judgement, beside a loop of libpcap that looks at nothing.
//! Budget: at least 60 % of that loop's speed. The loop has one thread; ours is measured with one, and with as many more that
//! decode as the machine has processors: as a replay with so many shards, one thread reads, assembles and cuts batches.
//!
//! `cargo bench --bench capture [FILE [REPETITIONS]]`; FILE is a plain pcap file that fits the page cache. Without one, the
//! demonstration capture many times over, in `target/`. The ways take turns, so that whatever else the machine does falls
//! on all of them.

mod common;

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::mem;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Duration;

use tollgate::assemble::{AssembleOptions, Assembler};
use tollgate::base::map::Seed;
use tollgate::base::time::At;
use tollgate::capture::Capture;
use tollgate::clock::Stopwatch;
use tollgate::engine::batch::Batch;
use tollgate::signal::{self, Context, Counts, Key};

/// How often the demonstration capture is written, and for how long each is over, in seconds.
const COPIES: u32 = 40;
const SPACING: u32 = 86_400;

/// What is done to a file, by name; how many frames or messages it found.
type Way = (&'static str, fn(&Path, &Context) -> u64);

const WAYS: [Way; 5] = [
    ("libpcap, one thread", libpcap),
    ("read, one thread", read),
    ("read and assembled, one thread", assembled),
    ("and decoded, one thread", decoded),
    ("and decoded, all processors", decoded_apart),
];
/// Messages and octets of a batch, at most, and batches on their way to a thread: as in a replay.
const BATCH: (usize, usize) = (256, 128 << 10);
const DEPTH: usize = 4;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let path = arguments.next().map_or_else(demonstration, PathBuf::from);
    let repetitions = arguments.next().map_or(9, |count| count.parse().expect("a number of repetitions"));
    let context = Context { network: common::network("benches/network.toml"), seed: Seed(1) };
    let mut spans = WAYS.map(|_| Vec::new());
    let mut found = WAYS.map(|_| 0);
    for _ in 0..repetitions {
        for (number, (_, way)) in WAYS.iter().enumerate() {
            let watch = Stopwatch::start();
            found[number] = way(&path, &context);
            spans[number].push(watch.elapsed());
        }
    }
    println!("{} processors", processors());
    println!(
        "{}: {repetitions} repetitions, milliseconds: best, median; share of libpcap's speed",
        path.display()
    );
    let floor = best_and_median(&mut spans[0]);
    for ((name, _), (spans, found)) in WAYS.iter().zip(spans.iter_mut().zip(found)) {
        let (best, median) = best_and_median(spans);
        let share = |floor: Duration, span: Duration| 100.0 * floor.as_secs_f64() / span.as_secs_f64();
        println!(
            "{name:32} {found:>10} {:>8.1} {:>8.1}   {:>5.1} % {:>5.1} %",
            best.as_secs_f64() * 1e3,
            median.as_secs_f64() * 1e3,
            share(floor.0, best),
            share(floor.1, median),
        );
    }
}

fn best_and_median(spans: &mut [Duration]) -> (Duration, Duration) {
    spans.sort_unstable();
    (spans[0], spans[spans.len() / 2])
}

fn libpcap(path: &Path, _: &Context) -> u64 {
    let mut capture = pcap::Capture::from_file(path).expect("libpcap reads it");
    let mut frames = 0;
    while let Ok(packet) = capture.next_packet() {
        black_box(packet.data.len());
        frames += 1;
    }
    frames
}

fn read(path: &Path, _: &Context) -> u64 {
    let mut capture = Capture::open(&[path]).expect("a capture");
    let mut frames = 0;
    while let Some(frame) = capture.next() {
        black_box(frame.bytes.len());
        frames += 1;
    }
    frames
}

fn assembled(path: &Path, _: &Context) -> u64 {
    let mut capture = Capture::open(&[path]).expect("a capture");
    let mut assembler = Assembler::new(AssembleOptions::default());
    while let Some(frame) = capture.next() {
        assembler.push(frame, &mut |pdu| {
            black_box(pdu.bytes.len());
        });
    }
    assembler.pdus()
}

fn decoded(path: &Path, context: &Context) -> u64 {
    let mut capture = Capture::open(&[path]).expect("a capture");
    let mut assembler = Assembler::new(AssembleOptions::default());
    let (mut counts, mut signals) = (Counts::default(), 0);
    while let Some(frame) = capture.next() {
        assembler.push(frame, &mut |pdu| {
            signals += u64::from(signal::decode(&pdu, context, &mut counts).is_ok());
        });
    }
    signals
}

/// One thread reads, assembles and cuts batches, which threads take in turn.
fn decoded_apart(path: &Path, context: &Context) -> u64 {
    thread::scope(|scope| {
        let (mut links, mut decoding) = (Vec::new(), Vec::new());
        for _ in 0..processors() {
            let (full, batches) = sync_channel::<Batch>(DEPTH);
            let (give_back, used) = channel::<Batch>();
            links.push((full, used));
            decoding.push(scope.spawn(move || {
                let (mut counts, mut signals) = (Counts::default(), 0);
                for batch in batches {
                    for (pdu, _) in batch.groups().flatten() {
                        signals += u64::from(signal::decode(&pdu, context, &mut counts).is_ok());
                    }
                    // At the end nobody wants it back.
                    let _ = give_back.send(batch);
                }
                signals
            }));
        }
        deal(path, &links);
        drop(links);
        decoding.into_iter().map(|thread| thread.join().expect("a thread stopped")).sum()
    })
}

/// Cuts batches, and sends one to each thread in turn.
fn deal(path: &Path, links: &[(SyncSender<Batch>, Receiver<Batch>)]) {
    let mut capture = Capture::open(&[path]).expect("a capture");
    let mut assembler = Assembler::new(AssembleOptions::default());
    let (mut batch, mut links) = (Batch::default(), links.iter().cycle());
    let mut send = |batch: &mut Batch| {
        let Some((full, used)) = links.next() else { return };
        let mut next = used.try_recv().unwrap_or_default();
        next.clear(At::default());
        full.send(mem::replace(batch, next)).expect("a thread stopped");
    };
    while let Some(frame) = capture.next() {
        assembler.push(frame, &mut |pdu| batch.push(&pdu, Key::None));
        if batch.pdus() >= BATCH.0 || batch.octets() >= BATCH.1 {
            send(&mut batch);
        }
    }
    assembler.finish(&mut |pdu| batch.push(&pdu, Key::None));
    send(&mut batch);
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// The demonstration capture, again and again a day later, as a plain file.
fn demonstration() -> PathBuf {
    let path = common::path("target/capture-bench.pcap");
    let frames = common::Frames::read("captures/sip-wangiri/input.pcap.zst");
    let mut out = BufWriter::new(File::create(&path).expect("target/ can be written to"));
    put(&mut out, &[0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x0004_0000, 1]);
    for copy in 0..COPIES {
        for frame in frames.iter() {
            let (seconds, micros) =
                (frame.at.nanos() / 1_000_000_000, frame.at.nanos() % 1_000_000_000 / 1_000);
            let length = frame.bytes.len() as u32;
            put(&mut out, &[seconds as u32 + copy * SPACING, micros as u32, length, frame.wire_length]);
            out.write_all(frame.bytes).expect("written");
        }
    }
    out.flush().expect("written");
    path
}

fn put(out: &mut impl Write, words: &[u32]) {
    words.iter().for_each(|word| out.write_all(&word.to_le_bytes()).expect("written"));
}
