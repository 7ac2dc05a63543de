//! Sources of signalling as a daemon runs them: what is sent, written or passes on a wire comes out as messages, each
//! once, with its addresses.

#[path = "../common/mod.rs"]
mod common;

mod growing;
mod hep;
mod hep_tls;
mod kamailio;
mod live;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tollgate::assemble::{AssembleOptions, Assembler};
use tollgate::base::frame::{Envelope, Link};
use tollgate::base::time::At;
use tollgate::capture::Capture;
use tollgate::clock::Deadline;
use tollgate::source::Inlet;

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message as it came out.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    at: At,
    envelope: Envelope,
    bytes: Vec<u8>,
}

impl Seen {
    fn starts_with(&self, text: &str) -> bool {
        self.bytes.starts_with(text.as_bytes())
    }
}

/// Takes batches until enough messages have come.
fn take_until(inlet: &Inlet, seen: &mut Vec<Seen>, is_enough: impl Fn(&[Seen]) -> bool) {
    let deadline = Deadline::after(PATIENCE);
    while !is_enough(seen) {
        let Ok(batch) = inlet.batches.recv_timeout(deadline.left()) else {
            panic!("only {} messages: {seen:#?}", seen.len());
        };
        for (pdu, _) in batch.groups().flatten() {
            assert!(pdu.at <= batch.until, "a message later than its batch");
            seen.push(Seen { at: pdu.at, envelope: pdu.envelope, bytes: pdu.bytes.to_vec() });
        }
        inlet.give_back(batch);
    }
}

/// So many messages.
fn take(inlet: &Inlet, count: usize) -> Vec<Seen> {
    let mut seen = Vec::new();
    take_until(inlet, &mut seen, |seen| seen.len() >= count);
    seen
}

/// The next batch without messages.
fn tick(inlet: &Inlet) -> At {
    loop {
        let batch = inlet.batches.recv_timeout(PATIENCE).expect("a tick");
        if batch.is_empty() {
            return batch.until;
        }
    }
}

/// Waits until something is so.
fn await_that(what: &str, is_so: impl Fn() -> bool) {
    let deadline = Deadline::after(PATIENCE);
    let (_never, pause) = crossbeam_channel::bounded::<()>(0);
    while !is_so() {
        assert!(!deadline.left().is_zero(), "{what}");
        let _ = pause.recv_timeout(Duration::from_millis(5));
    }
}

/// Says loudly why a test does not run: not by `eprintln!`, whose output the harness keeps to itself.
fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED: {why}");
}

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name).join("input.pcap.zst")
}

/// Frames of a capture that comes with the project: time, link, bytes.
fn frames(name: &str) -> Vec<(At, Link, Vec<u8>)> {
    let mut capture = Capture::open(&[case(name)]).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = capture.next() {
        frames.push((frame.at, frame.link, frame.bytes.to_vec()));
    }
    assert!(frames.len() > 50, "{name}");
    frames
}

/// Its messages.
fn messages(name: &str) -> Vec<Seen> {
    let mut capture = Capture::open(&[case(name)]).unwrap();
    let mut assembler = Assembler::new(AssembleOptions::default());
    let mut seen = Vec::new();
    while let Some(frame) = capture.next() {
        assembler.push(frame, &mut |pdu| {
            seen.push(Seen { at: pdu.at, envelope: pdu.envelope, bytes: pdu.bytes.to_vec() });
        });
    }
    assert!(seen.len() > 50, "{name}");
    seen
}
