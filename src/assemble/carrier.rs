//! What a TCP stream carries, told by how it begins: SIP, WebSocket with SIP in it, or packets of a capture agent.

use std::net::SocketAddr;

use super::framing::{Found, Framer};
use super::hep;
use super::paths::sip;
use super::sink::Sink;
use super::start_line::looks_like_sip;
use super::websocket::{self, Fed, HANDSHAKES, Reader};

use crate::base::fault::{Kind, Layer};
use crate::base::frame::{Envelope, Pdu, Transport};
use crate::wire::hep::MAGIC;

/// Cuts one direction of one connection.
#[derive(Debug)]
pub(super) enum Carrier {
    /// Packets of a capture agent.
    Hep(Box<hep::Framer>),
    /// SIP, as far as it is known.
    Sip(Framer),
    /// Too little has come to tell.
    Unknown(Vec<u8>),
    /// WebSocket.
    WebSocket(Box<Reader>),
}

/// Whether a segment from the middle of a connection, on any port, begins something that is read.
pub(super) fn begins_signalling(bytes: &[u8]) -> bool {
    looks_like_sip(bytes)
        || bytes.starts_with(&MAGIC)
        || HANDSHAKES.iter().any(|start| bytes.starts_with(start)) && websocket::is_likely_handshake(bytes)
        || websocket::begins_sip(bytes)
}

impl Carrier {
    /// From the first octet of the connection on.
    pub const fn opening() -> Self {
        Self::Unknown(Vec::new())
    }

    /// From the middle of a connection on, at a segment with these octets.
    pub fn midway(bytes: &[u8]) -> Self {
        match Self::told(bytes) {
            Some(carrier @ (Self::Hep(_) | Self::WebSocket(_))) => carrier,
            _ if websocket::begins_sip(bytes) => Self::WebSocket(Box::new(Reader::midway())),
            _ => Self::Sip(Framer::lost()),
        }
    }

    /// By the first octets; `None` when there are too few.
    fn told(bytes: &[u8]) -> Option<Self> {
        // SIP begins with none of them.
        if !matches!(bytes.first(), None | Some(b'G' | b'H')) {
            return Some(Self::Sip(Framer::default()));
        }
        if bytes.starts_with(&MAGIC) {
            return Some(Self::Hep(Box::default()));
        }
        if HANDSHAKES.iter().any(|start| bytes.starts_with(start)) {
            return Some(Self::WebSocket(Box::new(Reader::opening())));
        }
        let may_become = HANDSHAKES.iter().chain([&&MAGIC[..]]).any(|start| start.starts_with(bytes));
        if may_become { None } else { Some(Self::Sip(Framer::default())) }
    }

    /// Octets of memory beside its own; 0 when nothing is begun.
    #[inline]
    pub fn cost(&self) -> usize {
        match self {
            Self::Hep(framer) => framer.cost(),
            Self::Sip(framer) => framer.cost(),
            Self::Unknown(held) => held.capacity(),
            Self::WebSocket(reader) => reader.cost(),
        }
    }

    /// Drops what is not whole, because what comes next does not continue it. True when there was something.
    pub fn break_off(&mut self) -> bool {
        match self {
            Self::Hep(framer) => {
                let was_within = framer.is_within();
                **framer = hep::Framer::lost();
                was_within
            }
            Self::Sip(framer) => framer.break_off(),
            Self::Unknown(held) => {
                let was_begun = !held.is_empty();
                *self = Self::Sip(Framer::lost());
                was_begun
            }
            Self::WebSocket(reader) => {
                let was_within = reader.is_within();
                reader.break_off();
                was_within
            }
        }
    }

    /// Takes the next octets of the stream.
    #[inline]
    pub fn feed<F: FnMut(Pdu<'_>)>(
        &mut self,
        bytes: &[u8],
        between: (SocketAddr, SocketAddr),
        sink: &mut Sink<'_, F>,
    ) {
        match self {
            Self::Sip(framer) => feed_sip(framer, bytes, between, sink),
            _ => self.feed_other(bytes, between, sink),
        }
    }

    fn feed_other<F: FnMut(Pdu<'_>)>(
        &mut self,
        bytes: &[u8],
        (src, dst): (SocketAddr, SocketAddr),
        sink: &mut Sink<'_, F>,
    ) {
        match self {
            Self::Hep(framer) => framer.feed(bytes, &mut |found| match found {
                hep::Found::Lost => sink.fault(Layer::Hep, Kind::NotRecognised),
                hep::Found::Packet(packet) => sink.agent(src.ip(), packet),
            }),
            Self::Sip(framer) => feed_sip(framer, bytes, (src, dst), sink),
            Self::Unknown(held) => {
                held.extend_from_slice(bytes);
                if let Some(carrier) = Self::told(held) {
                    let held = std::mem::take(held);
                    *self = carrier;
                    self.feed_other(&held, (src, dst), sink);
                }
            }
            Self::WebSocket(reader) => {
                let fed = reader.feed(bytes, &mut |found| match found {
                    Found::Message(message) => sip((src, dst, Transport::WebSocket), message, sink),
                    Found::Fault(layer, kind) => sink.fault(layer, kind),
                });
                if fed == Fed::NoHandshake {
                    let held = reader.take_held();
                    let mut framer = Framer::default();
                    feed_sip(&mut framer, &held, (src, dst), sink);
                    *self = Self::Sip(framer);
                }
            }
        }
    }
}

fn feed_sip<F: FnMut(Pdu<'_>)>(
    framer: &mut Framer,
    bytes: &[u8],
    (src, dst): (SocketAddr, SocketAddr),
    sink: &mut Sink<'_, F>,
) {
    framer.feed(bytes, &mut |found| match found {
        Found::Message(message) => {
            sink.emit(Envelope::Sip { src, dst, transport: Transport::Tcp }, message);
        }
        Found::Fault(layer, kind) => sink.fault(layer, kind),
    });
}
