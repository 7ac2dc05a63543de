//! TCP segments → SIP messages, a direction of a connection at a time. RFC 9293 §3.4, §3.10.
//!
//! In: segments with packet time. Out: SIP messages, by way of [`framing`](super::framing). Segments come late, twice
//! and overlapping; of an octet sent twice the first copy counts. Octets that the capture missed are waited for, for
//! a time and up to a number of octets; then the stream goes on behind the gap, at the next start line. Connections
//! that carry no SIP are not kept.

use std::net::SocketAddr;
use std::time::Duration;

use super::framing::{Found, Framer};
use super::pieces::{Known, Pieces};
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
        while self.waiting.oldest().is_some_and(|(_, deadline)| *deadline <= at) {
            let Some((key, deadline)) = self.waiting.pop_oldest() else { return };
            let Some(flow) = self.flows.get_mut(&key) else { continue };
            let before = flow.cost();
            flow.gap = None;
            (sink.at, sink.frame) = (deadline, flow.frame);
            flow.skip_gap(key, sink);
            self.settle(key, before, sink);
        }
    }

    /// Takes a segment.
    pub fn push<F: FnMut(Pdu<'_>)>(&mut self, key: Key, segment: &Tcp<'_>, sink: &mut Sink<'_, F>) {
        let may_be_sip = SIP_PORTS.contains(&segment.src_port) || SIP_PORTS.contains(&segment.dst_port);
        let control = segment.fin || segment.rst || (segment.syn && may_be_sip);
        if segment.payload.is_empty() && !control {
            return sink.skip(Skip::TcpEmpty);
        }
        let first = if segment.syn { segment.sequence.wrapping_add(1) } else { segment.sequence };
        let before = match self.flows.touch(&key) {
            Some(flow) => {
                let before = flow.cost();
                if segment.syn && flow.initial != Some(first) {
                    if before > 0 {
                        sink.fault(Layer::Tcp, Kind::Truncated);
                    }
                    *flow = Flow { gap: flow.gap, ..Flow::opened(first) };
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
        let Some(flow) = self.flows.newest() else { return };
        flow.frame = sink.frame;
        flow.accept(first, segment, key, sink);
        if flow.pending.cost() > self.limits.flow_bytes_max || flow.pending.count() > PIECES_MAX {
            flow.skip_gap(key, sink);
        }
        let as_before = flow.cost() == before && flow.pending.is_empty() && flow.gap.is_none();
        if !as_before {
            self.settle(key, before, sink);
        }
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
        self.pending.cost() + self.framer.cost()
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
                if position > self.next || !self.pending.is_empty() {
                    if self.pending.insert(position.max(self.next), fresh) == Known::Differs {
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
        if (segment.fin || segment.rst) && end == self.next && self.framer.cost() > 0 {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::{AssembleOptions, Assembler};
    use crate::base::frame::{Frame, Link};
    use crate::wire::net::{TCP, build};
    use proptest::prelude::*;

    const FIN: u8 = 1;
    const SYN: u8 = 2;
    const ACK: u8 = 16;

    /// Segments, one a second: messages with the second they came out, and faults.
    struct Wire {
        assembler: Assembler,
        second: u64,
        found: Vec<(u64, String)>,
    }

    impl Wire {
        fn new(options: AssembleOptions) -> Self {
            Self { assembler: Assembler::new(options), second: 0, found: Vec::new() }
        }

        fn send(&mut self, sequence: u32, flags: u8, payload: &[u8]) {
            self.send_over((40_000, 5060), sequence, flags, payload);
        }

        fn send_over(&mut self, ports: (u16, u16), sequence: u32, flags: u8, payload: &[u8]) {
            let bytes = build::ipv4(TCP, &build::tcp(ports, sequence, flags, payload));
            self.second += 1;
            let frame = Frame {
                at: At::from_nanos(self.second * 1_000_000_000),
                number: self.second,
                link: Link::RawIp,
                bytes: &bytes,
                wire_length: bytes.len() as u32,
            };
            let found = &mut self.found;
            self.assembler.push(frame, &mut |pdu| {
                found.push((pdu.at.nanos() / 1_000_000_000, pdu.bytes.escape_ascii().to_string()));
            });
        }

        fn messages(&self) -> Vec<&str> {
            self.found.iter().map(|(_, text)| text.as_str()).collect()
        }

        fn faults(&self) -> Vec<(&'static str, &'static str, u64)> {
            self.assembler.faults().nonzero().collect()
        }
    }

    fn message(name: &str) -> Vec<u8> {
        format!("INVITE sip:{name} SIP/2.0\r\nl: 4\r\n\r\nbody").into_bytes()
    }

    fn shown(name: &str) -> String {
        message(name).escape_ascii().to_string()
    }

    #[test]
    fn begins_in_the_middle_at_a_start_line() {
        let mut wire = Wire::new(AssembleOptions::default());
        wire.send(7, ACK, &[b"tail of a header\r\n\r\n", &message("a")[..]].concat());
        assert_eq!((wire.messages(), wire.faults()), (vec![shown("a").as_str()], vec![]));
    }

    #[test]
    fn other_connections_are_not_kept() {
        let mut wire = Wire::new(AssembleOptions::default());
        wire.send_over((40_000, 443), 0, SYN, b"");
        wire.send_over((40_000, 443), 1, ACK, b"\x16\x03\x01 not SIP");
        assert_eq!(wire.assembler.streams.flows.len(), 0);
        assert_eq!(wire.assembler.skips().of(Skip::TcpOther), 1);
        wire.send_over((40_000, 9999), 1, ACK, &message("a"));
        assert_eq!(wire.messages(), [shown("a")]);
    }

    #[test]
    fn a_gap_is_given_up_at_its_deadline() {
        let mut wire = Wire::new(AssembleOptions::default());
        let (a, b) = (message("a"), message("b"));
        wire.send(99, SYN, b"");
        wire.send(100, ACK, &a[..10]);
        wire.send(100 + a.len() as u32, ACK, &b);
        wire.assembler.tick(At::from_nanos(5_999_999_999), &mut |_| unreachable!());
        assert_eq!(wire.messages(), [""; 0]);
        wire.second = 8;
        wire.send_over((1, 2), 0, ACK, b"");
        assert_eq!(wire.found, [(6, shown("b"))]);
        assert_eq!(wire.faults(), [("tcp", "gap", 1)]);
        assert_eq!(wire.assembler.streams.waiting.len(), 0);
        // What was given up comes after all: too late.
        wire.send(110, ACK, &a[10..]);
        assert_eq!(wire.faults(), [("tcp", "gap", 1), ("tcp", "duplicate", 1)]);
    }

    #[test]
    fn the_first_copy_counts() {
        let mut wire = Wire::new(AssembleOptions::default());
        let a = message("a");
        let mut forged = a.clone();
        forged[11] = b'z';
        wire.send(99, SYN, b"");
        wire.send(105, ACK, &a[5..]);
        wire.send(100, ACK, &forged);
        wire.send(99, SYN, b"");
        wire.send(100, ACK, &a);
        assert_eq!(wire.messages(), [shown("a")]);
        assert_eq!(wire.faults(), [("tcp", "duplicate", 1), ("tcp", "overlap", 1)]);
    }

    #[test]
    fn a_port_used_again_begins_anew() {
        let mut wire = Wire::new(AssembleOptions::default());
        wire.send(99, SYN, b"");
        wire.send(100, ACK, b"INVITE sip:");
        wire.send(150, ACK, b"behind a gap");
        wire.send(500, SYN, b"");
        wire.send(501, ACK, &message("b"));
        wire.send(3_000_000_000, ACK, &message("c"));
        assert_eq!(wire.messages(), [shown("b"), shown("c")]);
        assert_eq!(wire.faults(), [("tcp", "truncated", 1), ("tcp", "gap", 1)]);
        assert_eq!((wire.assembler.streams.held, wire.assembler.streams.waiting.len()), (0, 0));
    }

    #[test]
    fn what_a_close_leaves_unfinished_is_counted() {
        let mut wire = Wire::new(AssembleOptions::default());
        wire.send(99, SYN, b"");
        wire.send(100, ACK | FIN, b"INVITE sip:");
        assert_eq!((wire.faults(), wire.assembler.streams.held), (vec![("tcp", "truncated", 1)], 0));
    }

    #[test]
    fn floods_stay_within_bounds() {
        let options = AssembleOptions {
            flows_max: 8,
            flow_bytes_max: 2000,
            stream_bytes_max: 5000,
            ..Default::default()
        };
        let mut wire = Wire::new(options);
        for step in 0..2000_u32 {
            wire.second = 0;
            wire.send_over((step as u16, 5060), step, ACK, b"INVITE sip:a");
            wire.send_over((step as u16, 5060), step + 100, ACK, &[b'x'; 900]);
            wire.send_over((1, 5060), step.wrapping_mul(7919) % 60_000, ACK, b"yyy");
            let streams = &wire.assembler.streams;
            assert!(streams.held <= 5000 && streams.flows.len() <= 8 && streams.waiting.len() <= 8);
        }
        assert!(wire.assembler.faults().of(Layer::Tcp, Kind::Evicted) > 1000);
    }

    proptest! {
        #[test]
        fn any_order_of_segments_gives_the_same(
            names in prop::collection::vec("[a-z]{1,20}", 1..6),
            cuts in prop::collection::btree_set(1..200_usize, 0..20),
            keys in prop::collection::vec(any::<u32>(), 21),
            first in prop::sample::select(vec![0_u32, 77, u32::MAX - 50]),
            twice: bool,
        ) {
            let stream: Vec<u8> = names.iter().flat_map(|name| message(name)).collect();
            let mut edges: Vec<usize> = cuts.into_iter().filter(|cut| *cut < stream.len()).collect();
            edges.insert(0, 0);
            edges.push(stream.len());
            let parts = edges.windows(2).map(|edge| (edge[0], &stream[edge[0]..edge[1]]));
            let mut parts: Vec<_> = keys.into_iter().zip(parts).collect();
            parts.sort_unstable();
            let wait = Duration::from_secs(1000);
            let mut wire = Wire::new(AssembleOptions { gap_wait: wait, ..AssembleOptions::default() });
            wire.send(first.wrapping_sub(1), SYN, b"");
            for (_, (start, part)) in parts {
                for _ in 0..=u8::from(twice) {
                    wire.send(first.wrapping_add(start as u32), ACK, part);
                }
            }
            let expected: Vec<String> = names.iter().map(|name| shown(name)).collect();
            prop_assert_eq!(wire.messages(), expected);
            prop_assert_eq!((wire.assembler.streams.held, wire.assembler.streams.waiting.len()), (0, 0));
        }
    }
}
