//! TCP connections between SIP elements. RFC 9293; RFC 3261 §18: a request opens one, its responses come back on it.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::simulate::render::Micros;
use crate::simulate::render::packet::{Segment, Socket};

const SERVER_PORT: u16 = 5060;
/// Ports that clients open connections from.
const FIRST_CLIENT_PORT: u16 = 32_768;
/// Longest payload of a segment: what fits into an Ethernet frame.
const SEGMENT_MAX: usize = 1_460;
const SYN: u8 = 2;
const PUSH: u8 = 8;
const ACK: u8 = 16;

/// Which of the two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Who opened it.
    Client,
    /// Who was called.
    Server,
}

/// A connection, by the order of opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionId(usize);

/// Takes segments.
pub trait Segments {
    /// One segment.
    fn segment(&mut self, at: Micros, between: (Socket, Socket), segment: Segment, payload: &[u8]);
}

/// Every connection: they stay open.
#[derive(Debug, Default)]
pub struct Connections {
    by_ends: BTreeMap<(Ipv4Addr, Ipv4Addr), usize>,
    all: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    client: Socket,
    server: Socket,
    /// Next sequence numbers of client and server.
    next: [u32; 2],
    /// Whether client and server have received what they have not acknowledged.
    owes: [bool; 2],
}

impl Connections {
    /// Sends `text` from `client` to `server`, or back; opens the connection when it is the first. The receiver owes an
    /// acknowledgement for it, which [`Self::acknowledge`] gives.
    pub fn send(
        &mut self,
        at: Micros,
        (client, server, from): (Ipv4Addr, Ipv4Addr, Peer),
        text: &[u8],
        out: &mut dyn Segments,
    ) -> ConnectionId {
        let index = match self.by_ends.get(&(client, server)) {
            Some(index) => *index,
            None => self.open(at, (client, server), out),
        };
        let connection = &mut self.all[index];
        let pieces = text.len().div_ceil(SEGMENT_MAX);
        for (piece, payload) in text.chunks(SEGMENT_MAX).enumerate() {
            let push = if piece + 1 == pieces { PUSH } else { 0 };
            connection.emit((at + piece as Micros, from), ACK | push, payload, out);
        }
        connection.owes[other(from) as usize] = true;
        ConnectionId(index)
    }

    /// The end `by` acknowledges what it received, unless something that it sent has done so.
    pub fn acknowledge(&mut self, at: Micros, (id, by): (ConnectionId, Peer), out: &mut dyn Segments) {
        let Some(connection) = self.all.get_mut(id.0) else { return };
        if connection.owes[by as usize] {
            connection.emit((at, by), ACK, &[], out);
        }
    }

    /// Three-way handshake just before `at`.
    fn open(&mut self, at: Micros, (client, server): (Ipv4Addr, Ipv4Addr), out: &mut dyn Segments) -> usize {
        let index = self.all.len();
        let port = FIRST_CLIENT_PORT + (index % 28_000) as u16;
        let seed = (index as u32 + 1).wrapping_mul(0x9E37_79B1);
        let mut connection = Connection {
            client: (client, port),
            server: (server, SERVER_PORT),
            next: [seed, seed.wrapping_mul(0x85EB_CA6B)],
            owes: [false; 2],
        };
        connection.emit((at.saturating_sub(900), Peer::Client), SYN, &[], out);
        connection.emit((at.saturating_sub(600), Peer::Server), SYN | ACK, &[], out);
        connection.emit((at.saturating_sub(300), Peer::Client), ACK, &[], out);
        self.all.push(connection);
        self.by_ends.insert((client, server), index);
        index
    }
}

impl Connection {
    fn emit(&mut self, (at, from): (Micros, Peer), flags: u8, payload: &[u8], out: &mut dyn Segments) {
        let to = other(from);
        let between = match from {
            Peer::Client => (self.client, self.server),
            Peer::Server => (self.server, self.client),
        };
        let acknowledged = if flags & ACK != 0 { self.next[to as usize] } else { 0 };
        let segment = Segment { sequence: self.next[from as usize], acknowledged, flags };
        out.segment(at, between, segment, payload);
        let length = payload.len() as u32 + u32::from(flags & SYN != 0);
        self.next[from as usize] = segment.sequence.wrapping_add(length);
        self.owes[from as usize] = false;
    }
}

const fn other(peer: Peer) -> Peer {
    match peer {
        Peer::Client => Peer::Server,
        Peer::Server => Peer::Client,
    }
}
