//! What every message passes through asks for no memory: assembled and decoded, it stays where it was captured.
//!
//! `allocation-counter` is the test's allocator and counts by thread.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use allocation_counter::measure;
use tollgate::assemble::{AssembleOptions, Assembler};
use tollgate::base::frame::{Envelope, Frame, Link, Pdu};
use tollgate::base::map::Seed;
use tollgate::base::time::At;
use tollgate::capture::Capture;
use tollgate::config;
use tollgate::signal::{self, Context, Counts};

/// Captures of both protocols, over all that carries them; see `captures/README.md`.
const CAPTURES: [&str; 10] = [
    "interconnect",
    "isup-fragmented",
    "isup-resets",
    "isup-spoofed-cli",
    "isup-wangiri",
    "sip-flash-cancel",
    "sip-ipv6",
    "sip-proxy-forks",
    "sip-tcp",
    "sip-white-route",
];

/// A frame with its bytes.
struct Kept {
    at: At,
    link: Link,
    wire_length: u32,
    bytes: Vec<u8>,
}

impl Kept {
    fn frame(&self, number: u64) -> Frame<'_> {
        let Self { at, link, wire_length, ref bytes } = *self;
        Frame { at, number, link, bytes, wire_length }
    }
}

fn folder(capture: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(capture)
}

fn frames(capture: &str) -> Vec<Kept> {
    let names = ["input.pcap", "input.pcap.zst"].map(|name| folder(capture).join(name));
    let path = names.into_iter().find(|path| path.exists()).unwrap();
    let mut capture = Capture::open(&[path]).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = capture.next() {
        let Frame { at, link, wire_length, bytes, .. } = frame;
        frames.push(Kept { at, link, wire_length, bytes: bytes.to_vec() });
    }
    frames
}

fn is_isup(pdu: &Pdu<'_>) -> bool {
    matches!(pdu.envelope, Envelope::Isup { .. })
}

#[test]
fn decoding_a_message_allocates_nothing() {
    let mut signals = [0_u64; 2];
    for capture in CAPTURES {
        let network = config::load_network(&folder(capture).join("network.toml")).unwrap().network;
        let context = Context { network: Arc::new(network), seed: Seed(1) };
        let mut counts = Counts::default();
        let mut assembler = Assembler::new(AssembleOptions::default());
        for (frame, number) in frames(capture).iter().zip(1..) {
            assembler.push(frame.frame(number), &mut |pdu: Pdu<'_>| {
                if is_isup(&pdu) && counts.isup.is_empty() {
                    // The first of them makes the table that they are counted in.
                    let _ = signal::decode(&pdu, &context, &mut counts);
                }
                let mut is_signal = false;
                let used = measure(|| {
                    is_signal =
                        signal::decode(&pdu, &context, &mut counts).is_ok_and(|signal| signal.is_some());
                });
                let shown = String::from_utf8_lossy(pdu.bytes);
                assert_eq!(used.count_total, 0, "{capture}, frame {number}: {shown}");
                signals[usize::from(is_isup(&pdu))] += u64::from(is_signal);
            });
        }
    }
    let [sip, isup] = signals;
    assert!(sip > 10_000 && isup > 10_000, "{sip} signals of SIP and {isup} of ISUP");
}

/// Of SIP in datagrams, and of ISUP in M3UA. What is left out: a stream of TCP, a datagram or message in pieces, and an
/// association with a further stream, which all take memory until they are whole or end.
#[test]
fn assembling_a_message_allocates_nothing_once_it_runs() {
    let mut messages = [0_u64; 2];
    for capture in ["interconnect", "isup-spoofed-cli", "sip-wangiri"] {
        let frames = frames(capture);
        let mut assembler = Assembler::new(AssembleOptions::default());
        let (begun, running) = frames.split_at(frames.len() / 2);
        begun.iter().zip(1..).for_each(|(frame, number)| assembler.push(frame.frame(number), &mut |_| {}));
        let used = measure(|| {
            for (frame, number) in running.iter().zip(begun.len() as u64 + 1..) {
                assembler
                    .push(frame.frame(number), &mut |pdu: Pdu<'_>| messages[usize::from(is_isup(&pdu))] += 1);
            }
        });
        assert_eq!(used.count_total, 0, "{capture}");
    }
    let [sip, isup] = messages;
    assert!(sip > 1_000 && isup > 1_000, "{sip} messages of SIP and {isup} of ISUP");
}
