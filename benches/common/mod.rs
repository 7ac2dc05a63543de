//! What the benches share: a network, the shipped rules, and the frames of a capture in memory.

#![allow(dead_code, reason = "no bench needs all of it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tollgate::assemble::{AssembleOptions, Assembler};
use tollgate::base::frame::{Envelope, Frame, Link, Pdu};
use tollgate::base::network::Network;
use tollgate::base::time::At;
use tollgate::capture::Capture;
use tollgate::config;
use tollgate::feature::fields;
use tollgate::rule::Ruleset;

/// A file of the repository.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The network of a file.
pub fn network(name: &str) -> Arc<Network> {
    Arc::new(config::load_network(&path(name)).expect("the network file is sound").network)
}

/// The rules in `rules/`.
pub fn rules() -> Arc<Ruleset> {
    Arc::new(config::load_rules(&path("rules"), &fields::FIELDS).expect("the rules are sound"))
}

/// Frames with their bytes.
pub struct Frames(Vec<(At, Link, u32, Vec<u8>)>);

impl Frames {
    /// All frames of a capture.
    pub fn read(name: &str) -> Self {
        let mut capture = Capture::open(&[path(name)]).expect("the capture can be read");
        let mut frames = Vec::new();
        while let Some(frame) = capture.next() {
            frames.push((frame.at, frame.link, frame.wire_length, frame.bytes.to_vec()));
        }
        Self(frames)
    }

    /// One after the other, numbered from 1.
    pub fn iter(&self) -> impl Iterator<Item = Frame<'_>> {
        self.0.iter().zip(1..).map(|((at, link, wire_length, bytes), number)| Frame {
            at: *at,
            number,
            link: *link,
            bytes,
            wire_length: *wire_length,
        })
    }

    /// Messages in them.
    pub fn message_count(&self) -> u64 {
        let mut assembler = Assembler::new(AssembleOptions::default());
        self.iter().for_each(|frame| assembler.push(frame, &mut |_| {}));
        assembler.pdus()
    }

    /// The first message that is `wanted`, with its envelope.
    pub fn first_message(&self, wanted: impl Fn(&[u8]) -> bool) -> Message {
        let mut assembler = Assembler::new(AssembleOptions::default());
        let mut found = None;
        for frame in self.iter() {
            assembler.push(frame, &mut |pdu| {
                if found.is_none() && wanted(pdu.bytes) {
                    found = Some(Message { at: pdu.at, envelope: pdu.envelope, bytes: pdu.bytes.to_vec() });
                }
            });
        }
        found.expect("the capture holds such a message")
    }
}

/// A message with its bytes.
pub struct Message {
    at: At,
    envelope: Envelope,
    bytes: Vec<u8>,
}

impl Message {
    /// As the assembler hands it on.
    pub fn pdu(&self) -> Pdu<'_> {
        Pdu { at: self.at, seq: 1, frame: 1, envelope: self.envelope, bytes: &self.bytes }
    }
}
