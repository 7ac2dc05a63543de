//! Frames → messages: the same SIP messages in UDP datagrams and in TCP segments, a message in each, alone and with their
//! decoding. Budget: TCP costs at most 15 % more than UDP with decoding; a message in UDP 0.15 µs without.
//!
//! The ways take turns, a pass over all messages each, so that whatever else the machine does falls on all of them.

mod common;

use std::hint::black_box;

use tollgate::assemble::{AssembleOptions, Assembler};
use tollgate::base::frame::{Envelope, Frame, Link};
use tollgate::base::map::Seed;
use tollgate::base::time::At;
use tollgate::clock::Stopwatch;
use tollgate::signal::{self, Context, Counts};
use tollgate::wire::net::{TCP, UDP};

/// Connections that the messages are spread over.
const CONNECTIONS: usize = 16;
/// Messages, at most: few enough for the second-level cache, as in a program that reads a file in blocks.
const MESSAGES: usize = 1000;
/// Turns of each way.
const TURNS: usize = 4000;

fn main() {
    let messages = messages();
    let datagrams: Vec<_> = (0..).zip(&messages).map(|(number, message)| datagram(number, message)).collect();
    let mut sent = [0_u32; CONNECTIONS];
    let segments: Vec<_> = messages
        .iter()
        .enumerate()
        .map(|(number, message)| segment(number % CONNECTIONS, &mut sent[number % CONNECTIONS], message))
        .collect();
    let network = common::network("captures/interconnect/network.toml");
    let context = Context { network, seed: Seed(1) };
    let mut counts = Counts::default();
    let mut spans = [const { Vec::new() }; 4];
    for _ in 0..TURNS {
        for (way, spans) in spans.iter_mut().enumerate() {
            let frames = if way % 2 == 0 { &datagrams } else { &segments };
            let watch = Stopwatch::start();
            run(frames, |pdu| {
                if way < 2 {
                    black_box(pdu.bytes.len());
                } else {
                    black_box(signal::decode(black_box(&pdu), &context, &mut counts).is_ok());
                }
            });
            spans.push(watch.elapsed().as_nanos() as f64 / frames.len() as f64);
        }
    }
    println!("{} messages, {TURNS} turns; ns a message: best, median", messages.len());
    let found = spans.map(|mut spans| {
        spans.sort_by(f64::total_cmp);
        (spans[0], spans[TURNS / 2])
    });
    for (name, (best, median)) in ["UDP", "TCP", "UDP, decoded", "TCP, decoded"].iter().zip(found) {
        println!("{name:14} {best:>8.1} {median:>8.1}");
    }
    let [_, _, udp, tcp] = found;
    let more = |tcp: f64, udp: f64| 100.0 * (tcp / udp - 1.0);
    println!("TCP, decoded, costs more by {:.1} %, {:.1} %", more(tcp.0, udp.0), more(tcp.1, udp.1));
}

/// Assembles frames a microsecond apart.
fn run(frames: &[Vec<u8>], mut take: impl FnMut(tollgate::base::frame::Pdu<'_>)) {
    let mut assembler = Assembler::new(AssembleOptions::default());
    for (number, bytes) in (1..).zip(frames) {
        let at = At::from_nanos(1_000_000_000 + number * 1_000);
        let frame = Frame { at, number, link: Link::Ethernet, bytes, wire_length: bytes.len() as u32 };
        assembler.push(frame, &mut take);
    }
    assert_eq!(assembler.pdus(), frames.len() as u64, "{:?}", assembler.faults());
}

/// Messages of the demonstration capture.
fn messages() -> Vec<Vec<u8>> {
    let frames = common::Frames::read("captures/sip-wangiri/input.pcap.zst");
    let mut assembler = Assembler::new(AssembleOptions::default());
    let mut messages = Vec::new();
    for frame in frames.iter() {
        assembler.push(frame, &mut |pdu| {
            if messages.len() < MESSAGES && matches!(pdu.envelope, Envelope::Sip { .. }) {
                messages.push(pdu.bytes.to_vec());
            }
        });
    }
    messages
}

fn datagram(number: u16, message: &[u8]) -> Vec<u8> {
    let length = (8 + message.len() as u16).to_be_bytes();
    let head = [&[0x13, 0xc4, 0x13, 0xc4], &length[..], &[0, 0]].concat();
    ethernet(UDP, number, &[&head, message].concat())
}

fn segment(connection: usize, sent: &mut u32, message: &[u8]) -> Vec<u8> {
    let port = (40_000 + connection as u16).to_be_bytes();
    let head =
        [&port[..], &[0x13, 0xc4], &sent.to_be_bytes(), &[0, 0, 0, 1, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]];
    *sent += message.len() as u32;
    ethernet(TCP, 0, &[&head.concat(), message].concat())
}

fn ethernet(protocol: u8, identification: u16, payload: &[u8]) -> Vec<u8> {
    let ([l0, l1], [i0, i1]) = ((20 + payload.len() as u16).to_be_bytes(), identification.to_be_bytes());
    let ip = [0x45, 0, l0, l1, i0, i1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    [&[2; 12][..], &[8, 0], &ip, payload].concat()
}
