//! TCP segments → SIP messages, a direction of a connection at a time. RFC 9293 §3.4, §3.10.
//!
//! In: segments with packet time. Out: SIP messages, by way of [`framing`](super::framing). Segments come late, twice
//! and overlapping; of an octet sent twice the first copy counts. Octets that the capture missed are waited for, for
//! a time and up to a number of octets; then the stream goes on behind the gap, at the next start line. Connections
//! that carry no SIP are not kept.

use std::net::SocketAddr;
use std::time::Duration;

use super::framing::{Found, Framer};
use super::pieces::Pieces;
use super::start_line::looks_like_sip;
use super::table::Table;
use super::{SIP_PORTS, Sink, Skip};
use crate::base::fault::{Kind, Layer};
use crate::base::frame::{Envelope, Pdu, Transport};
use crate::base::map::Seed;
use crate::base::time::At;
use crate::wire::net::Tcp;

/// A segment further than this from the expected one belongs to another life of the connection, octets.
const WINDOW: u64 = 1 << 20;
/// Separate parts waiting behind gaps, a flow.
const PIECES_MAX: usize = 128;

/// Sender and receiver: one direction of a connection.
type Key = (SocketAddr, SocketAddr);

/// Bounds of [`Streams`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Flows kept.
    pub flows_max: usize,
    /// Octets waiting behind gaps, a flow.
    pub flow_bytes_max: usize,
    /// Octets held, all flows.
    pub bytes_max: usize,
    /// How long a gap is waited for.
    pub gap_wait: Duration,
}

/// Flows that carry SIP; the one longest silent first.
#[derive(Debug)]
pub(super) struct Streams {
    flows: Table<Key, Flow>,
    /// When to give up on a flow's gap, earliest first: every wait is equally long.
    waiting: Table<Key, At>,
    held: usize,
    limits: Limits,
}

#[derive(Debug)]
struct Flow {
    /// Sequence number after the SYN, to know the SYN again.
    initial: Option<u32>,
    /// Position expected next. Its low 32 bits are the sequence number.
    next: u64,
    pending: Pieces,
    framer: Framer,
    /// Frame that last brought something.
    frame: u64,
    /// Position of the gap that is being waited for.
    gap: Option<u64>,
}

impl Streams {
    pub fn new(limits: Limits, seed: Seed) -> Self {
        let flows_max = limits.flows_max;
        Self { flows: Table::new(flows_max, seed), waiting: Table::new(flows_max, seed), held: 0, limits }
    }

    /// Gives up on gaps waited for too long. What is found behind them has the time of the deadline.
    pub fn expire<F: FnMut(Pdu<'_>)>(&mut self, at: At, sink: &mut Sink<'_, F>) {
        while let Some((key, deadline)) =
            self.waiting.oldest().copied().filter(|(_, deadline)| *deadline <= at)
        {
            let Some(flow) = self.flows.get_mut(&key) else {
                self.waiting.remove(&key);
                continue;
            };
            let before = flow.cost();
            (sink.at, sink.frame) = (deadline, flow.frame);
            flow.skip_gap(key, sink);
            self.settle(key, before, sink);
        }
    }

    /// Takes a segment.
    pub fn push<F: FnMut(Pdu<'_>)>(&mut self, key: Key, segment: &Tcp<'_>, sink: &mut Sink<'_, F>) {
        let may_be_sip = SIP_PORTS.contains(&segment.src_port) || SIP_PORTS.contains(&segment.dst_port);
        if segment.payload.is_empty() && !(segment.syn && may_be_sip) && !segment.fin && !segment.rst {
            sink.skip(Skip::TcpEmpty);
            return;
        }
        let first = if segment.syn { segment.sequence.wrapping_add(1) } else { segment.sequence };
        let before = match self.flows.touch(&key) {
            Some(flow) => {
                let before = flow.cost();
                if segment.syn && flow.initial != Some(first) {
                    *flow = Flow::opened(first);
                }
                before
            }
            None if segment.syn && may_be_sip => self.open(key, Flow::opened(first), sink),
            None if !segment.payload.is_empty() && (may_be_sip || looks_like_sip(segment.payload)) => {
                self.open(key, Flow::found(first), sink)
            }
            None => {
                return sink.skip(if segment.payload.is_empty() { Skip::TcpEmpty } else { Skip::TcpOther });
            }
        };
        let Some(flow) = self.flows.get_mut(&key) else { return };
        flow.frame = sink.frame;
        flow.accept(first, segment, key, sink);
        if flow.pending.cost() > self.limits.flow_bytes_max || flow.pending.count() > PIECES_MAX {
            flow.skip_gap(key, sink);
        }
        self.settle(key, before, sink);
    }

    fn open<F: FnMut(Pdu<'_>)>(&mut self, key: Key, flow: Flow, sink: &mut Sink<'_, F>) -> usize {
        if let Some((evicted, flow)) = self.flows.insert(key, flow) {
            self.forget(evicted, &flow, sink);
        }
        0
    }

    /// Books what a flow holds after a change, starts or stops its wait, and keeps the total within bounds.
    fn settle<F: FnMut(Pdu<'_>)>(&mut self, key: Key, before: usize, sink: &mut Sink<'_, F>) {
        let Some(flow) = self.flows.get_mut(&key) else { return };
        self.held = self.held - before + flow.cost();
        let gap = (!flow.pending.is_empty()).then_some(flow.next);
        if gap != flow.gap {
            flow.gap = gap;
            self.waiting.remove(&key);
            if gap.is_some() {
                self.waiting.insert(key, sink.at + self.limits.gap_wait);
            }
        }
        while self.held > self.limits.bytes_max {
            let Some((evicted, flow)) = self.flows.pop_oldest() else { return };
            self.forget(evicted, &flow, sink);
        }
    }

    fn forget<F: FnMut(Pdu<'_>)>(&mut self, key: Key, flow: &Flow, sink: &mut Sink<'_, F>) {
        self.held -= flow.cost();
        self.waiting.remove(&key);
        sink.fault(Layer::Tcp, Kind::Evicted);
    }
}

impl Flow {
    fn opened(first: u32) -> Self {
        Self { initial: Some(first), framer: Framer::default(), ..Self::found(first) }
    }

    /// The capture began in its middle.
    fn found(first: u32) -> Self {
        let (pending, framer) = (Pieces::default(), Framer::lost());
        Self { initial: None, next: 1 << 32 | u64::from(first), pending, framer, frame: 0, gap: None }
    }

    fn cost(&self) -> usize {
        self.pending.cost() + self.framer.held()
    }

    fn accept<F: FnMut(Pdu<'_>)>(&mut self, first: u32, segment: &Tcp<'_>, key: Key, sink: &mut Sink<'_, F>) {
        let payload = segment.payload;
        let mut position =
            self.next.wrapping_add_signed(i64::from(first.wrapping_sub(self.next as u32) as i32));
        if position.abs_diff(self.next) > WINDOW {
            if segment.rst || payload.is_empty() {
                return;
            }
            sink.fault(Layer::Tcp, Kind::Gap);
            *self = Self { frame: self.frame, gap: self.gap, ..Self::found(first) };
            position = self.next;
        }
        let end = position + payload.len() as u64;
        let known = usize::try_from(self.next.saturating_sub(position)).unwrap_or(usize::MAX);
        match payload.get(known..) {
            Some(fresh) if !fresh.is_empty() => {
                if known == 0 && position > self.next || !self.pending.is_empty() {
                    if !self.pending.insert(position.max(self.next), fresh) {
                        sink.fault(Layer::Tcp, Kind::Overlap);
                    }
                    self.drain(key, sink);
                } else {
                    self.next = end;
                    self.feed(fresh, key, sink);
                }
            }
            _ if payload.is_empty() => {}
            _ => sink.fault(Layer::Tcp, Kind::Duplicate),
        }
        // Nothing follows; a RST counts only where it is expected (RFC 5961 §3.2).
        if (segment.fin || segment.rst) && end == self.next && self.framer.held() > 0 {
            self.framer.break_off();
            sink.fault(Layer::Tcp, Kind::Truncated);
        }
    }

    fn drain<F: FnMut(Pdu<'_>)>(&mut self, key: Key, sink: &mut Sink<'_, F>) {
        while let Some(bytes) = self.pending.take_at(self.next) {
            self.next += bytes.len() as u64;
            self.feed(&bytes, key, sink);
        }
    }

    /// Goes on behind the gap.
    fn skip_gap<F: FnMut(Pdu<'_>)>(&mut self, key: Key, sink: &mut Sink<'_, F>) {
        let Some(start) = self.pending.start() else { return };
        sink.fault(Layer::Tcp, Kind::Gap);
        self.framer.break_off();
        self.next = start;
        self.drain(key, sink);
    }

    fn feed<F: FnMut(Pdu<'_>)>(&mut self, bytes: &[u8], (src, dst): Key, sink: &mut Sink<'_, F>) {
        self.framer.feed(bytes, &mut |found| match found {
            Found::Message(message) => {
                sink.emit(Envelope::Sip { src, dst, transport: Transport::Tcp }, message);
            }
            Found::Fault(layer, kind) => sink.fault(layer, kind),
        });
    }
}
