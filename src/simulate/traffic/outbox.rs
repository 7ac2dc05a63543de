//! Frames on their way out: they are made almost in order of time, and given in order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::Ipv4Addr;

use crate::base::frame::{Frame, Link};
use crate::base::time::At;
use crate::simulate::render::Micros;
use crate::simulate::render::association::{LAG_MAX, Packets};
use crate::simulate::render::packet::{self, Ip, PROTOCOL_SCTP, Segment, Socket};
use crate::simulate::render::sip::Sent;
use crate::simulate::render::sip_text::PORT;
use crate::simulate::render::tcp::Segments;

/// No frame lies further before the moment at which it is made: associations' [`LAG_MAX`], and the handshake of TCP.
const LAG: Micros = LAG_MAX + 1_000;

/// Frames by time; at the same time in the order they were made.
#[derive(Debug, Default)]
pub struct Outbox {
    frames: BinaryHeap<Reverse<(Micros, u64, Vec<u8>)>>,
    made: u64,
    given: u64,
    /// The frame given last.
    current: Vec<u8>,
}

impl Outbox {
    /// Whether the first frame can be given: nothing made at `now` or later comes before it.
    pub fn is_ready(&self, now: Micros) -> bool {
        self.frames.peek().is_some_and(|Reverse((at, ..))| at.saturating_add(LAG) <= now)
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// The first frame.
    pub fn pop(&mut self) -> Option<Frame<'_>> {
        let Reverse((at, _, bytes)) = self.frames.pop()?;
        self.current = bytes;
        self.given += 1;
        Some(Frame {
            at: At::from_nanos(at * 1_000),
            number: self.given,
            link: Link::Ethernet,
            bytes: &self.current,
            wire_length: self.current.len() as u32,
        })
    }

    /// A SIP message as a datagram.
    pub fn udp(&mut self, message: &Sent) {
        let (src, dst) = message.between;
        let frame = packet::udp(((src, PORT), (dst, PORT)), self.made as u16, message.text.as_bytes());
        self.push(message.at, frame);
    }

    fn push(&mut self, at: Micros, frame: Vec<u8>) {
        self.frames.push(Reverse((at, self.made, frame)));
        self.made += 1;
    }
}

impl Packets for Outbox {
    fn sctp(&mut self, at: Micros, between: (Ipv4Addr, Ipv4Addr), packet: &[u8]) {
        let ip = Ip { between, protocol: PROTOCOL_SCTP, identification: self.made as u16 };
        self.push(at, packet::ipv4(ip, packet));
    }
}

impl Segments for Outbox {
    fn segment(&mut self, at: Micros, between: (Socket, Socket), segment: Segment, payload: &[u8]) {
        let frame = packet::tcp(between, self.made as u16, segment, payload);
        self.push(at, frame);
    }
}
