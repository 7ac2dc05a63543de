//! TCP segments → SIP messages, a direction of a connection at a time. RFC 9293 §3.4, §3.10.
//!
//! In: segments with packet time. Out: what a [`Carrier`](super::carrier) cuts from the octets in order. Segments come
//! late, twice and overlapping; of an octet sent twice the first copy counts. Octets that the capture missed are waited
//! for, for a time and up to a number of octets; then the stream goes on behind the gap, at the next start line.
//! Connections that carry no signalling are not kept.
//!
//! Whoever wants to go unseen sends what the receiver ignores: a SYN within the connection, octets far outside its window.
//! Which of two places in the sequence is the true one cannot be told from one side; so a connection has a second life
//! beside the first, where what does not fit the first goes, and both are read.

use std::hash::{Hash, Hasher};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::carrier::{Carrier, begins_signalling};
use super::paths::SIP_PORTS;
use super::pieces::{Known, Pieces};
use super::sink::Sink;
use super::skip::Skip;
use super::table::Table;
use crate::base::fault::{Kind, Layer};
use crate::base::frame::Pdu;
use crate::base::map::Seed;
use crate::base::time::At;
use crate::wire::net::Tcp;

/// A segment further than this from the expected one belongs to another life of the connection, octets.
const WINDOW: u64 = 1 << 20;
/// Separate parts waiting behind gaps, a flow.
const PIECES_MAX: usize = 128;
/// A life that was silent for so long has ended if another begins: as long as a SIP transaction lasts (RFC 3261 §17.1.1.2).
const SILENCE: Duration = Duration::from_secs(32);

/// One direction of a connection, sender first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    src: SocketAddr,
    dst: SocketAddr,
    /// The other life of the connection.
    is_second: bool,
}

impl Hash for Key {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ports = u64::from(self.src.port()) << 16 | u64::from(self.dst.port());
        state.write_u64(u64::from(self.is_second) << 32 | ports);
        match (self.src.ip(), self.dst.ip()) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                state.write_u64(u64::from(src.to_bits()) << 32 | u64::from(dst.to_bits()));
            }
            addresses => addresses.hash(state),
        }
    }
}

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
    carrier: Carrier,
    /// Frame that last brought something.
    frame: u64,
    /// Position of the gap that is being waited for.
    gap: Option<u64>,
    /// When a segment last fitted.
    heard: At,
    /// A FIN or RST was where it is expected.
    is_closed: bool,
    /// There may be a second life.
    is_contested: bool,
}

impl Streams {
    pub fn new(limits: Limits, seed: Seed) -> Self {
        let flows_max = limits.flows_max;
        Self { flows: Table::new(flows_max, seed), waiting: Table::new(flows_max, seed), held: 0, limits }
    }

    /// When the next wait ends.
    pub fn due(&self) -> Option<At> {
        self.waiting.oldest().map(|(_, deadline)| *deadline)
    }

    /// Gives up on gaps waited for too long. What is found behind them has the time of the deadline.
    pub fn expire<F: FnMut(Pdu<'_>)>(&mut self, at: At, sink: &mut Sink<'_, F>) {
        while self.due().is_some_and(|deadline| deadline <= at) {
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
    pub fn push<F: FnMut(Pdu<'_>)>(
        &mut self,
        (src, dst): (SocketAddr, SocketAddr),
        segment: &Tcp<'_>,
        sink: &mut Sink<'_, F>,
    ) {
        let may_be_sip = SIP_PORTS.contains(&segment.src_port) || SIP_PORTS.contains(&segment.dst_port);
        let control = segment.fin || segment.rst || (segment.syn && may_be_sip);
        if segment.payload.is_empty() && !control {
            return sink.skip(Skip::TcpEmpty);
        }
        let key = Key { src, dst, is_second: false };
        let first = if segment.syn { segment.sequence.wrapping_add(1) } else { segment.sequence };
        let (key, before) = match self.flows.touch(&key) {
            Some(flow) if !flow.is_contested && flow.distance(first, segment.syn).is_some() => {
                (key, flow.cost())
            }
            Some(_) => match self.contest(key, first, segment, sink) {
                Some(chosen) => chosen,
                None => return sink.skip(Skip::TcpEmpty),
            },
            None if segment.syn && may_be_sip => (key, self.open(key, Flow::opened(first), sink)),
            None if !segment.payload.is_empty() && (may_be_sip || begins_signalling(segment.payload)) => {
                (key, self.open(key, Flow::found(first, segment.payload), sink))
            }
            None => {
                return sink.skip(if segment.payload.is_empty() { Skip::TcpEmpty } else { Skip::TcpOther });
            }
        };
        let Some(flow) = self.flows.newest_if(&key) else { return };
        (flow.frame, flow.heard) = (sink.frame, sink.at);
        flow.accept(first, segment, key, sink);
        if flow.pending.cost() > self.limits.flow_bytes_max || flow.pending.count() > PIECES_MAX {
            flow.skip_gap(key, sink);
        }
        let as_before = flow.cost() == before && flow.pending.is_empty() && flow.gap.is_none();
        if !as_before {
            self.settle(key, before, sink);
        }
    }

    /// Which life of a connection a segment belongs to, and what that held before: the one that it is nearer to. One that
    /// is near to neither begins a new life, in place of the first if that has ended. `None` when it has nothing to
    /// begin with. The chosen one becomes the newest.
    #[cold]
    fn contest<F: FnMut(Pdu<'_>)>(
        &mut self,
        key: Key,
        first: u32,
        segment: &Tcp<'_>,
        sink: &mut Sink<'_, F>,
    ) -> Option<(Key, usize)> {
        let second = Key { is_second: true, ..key };
        let distance = |flow: &mut Flow| flow.distance(first, segment.syn);
        let to_second = self.flows.get_mut(&second).and_then(distance);
        let flow = self.flows.get_mut(&key)?;
        let to_first = flow.distance(first, segment.syn);
        let is_over = flow.is_closed || sink.at.since(flow.heard) >= SILENCE;
        let is_new = to_first.is_none() && to_second.is_none();
        if is_new && segment.payload.is_empty() && !segment.syn {
            return None;
        }
        let chosen = match (to_first, to_second) {
            (Some(to_first), Some(to_second)) if to_second < to_first => second,
            (None, Some(_)) => second,
            (None, None) if !is_over => second,
            _ => key,
        };
        flow.is_contested |= chosen == second;
        let fresh = || if segment.syn { Flow::opened(first) } else { Flow::found(first, segment.payload) };
        let Some(flow) = self.flows.touch(&chosen) else {
            return Some((chosen, self.open(chosen, fresh(), sink)));
        };
        let before = flow.cost();
        if is_new {
            if before > 0 {
                sink.fault(Layer::Tcp, Kind::Truncated);
            }
            *flow = Flow { gap: flow.gap, is_contested: flow.is_contested, ..fresh() };
        }
        if is_new && !segment.syn {
            sink.fault(Layer::Tcp, Kind::Gap);
        }
        Some((chosen, before))
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
        self.held = self.held.saturating_sub(before) + flow.cost();
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
        self.held = self.held.saturating_sub(flow.cost());
        self.waiting.remove(&key);
        sink.fault(Layer::Tcp, Kind::Evicted);
    }
}

impl Flow {
    /// Seen from its first octet on.
    fn opened(first: u32) -> Self {
        Self { initial: Some(first), ..Self::at(first, Carrier::opening()) }
    }

    /// The capture began in its middle.
    fn found(first: u32, payload: &[u8]) -> Self {
        Self::at(first, Carrier::midway(payload))
    }

    fn at(first: u32, carrier: Carrier) -> Self {
        Self {
            initial: None,
            next: 1 << 32 | u64::from(first),
            pending: Pieces::default(),
            carrier,
            frame: 0,
            gap: None,
            heard: At::default(),
            is_closed: false,
            is_contested: false,
        }
    }

    fn cost(&self) -> usize {
        self.pending.cost() + self.carrier.cost()
    }

    /// Position of a sequence number.
    fn position(&self, sequence: u32) -> u64 {
        self.next.wrapping_add_signed(i64::from(sequence.wrapping_sub(self.next as u32) as i32))
    }

    /// How far a segment is from the one that is expected; `None` when it belongs to another life.
    #[inline]
    fn distance(&self, first: u32, is_syn: bool) -> Option<u64> {
        if is_syn {
            return (self.initial == Some(first)).then_some(0);
        }
        Some(self.position(first).abs_diff(self.next)).filter(|distance| *distance <= WINDOW)
    }

    #[inline]
    fn accept<F: FnMut(Pdu<'_>)>(&mut self, first: u32, segment: &Tcp<'_>, key: Key, sink: &mut Sink<'_, F>) {
        let payload = segment.payload;
        let position = self.position(first);
        let end = position.wrapping_add(payload.len() as u64);
        let known = usize::try_from(self.next.saturating_sub(position)).unwrap_or(usize::MAX);
        match payload.get(known..) {
            Some(fresh) if !fresh.is_empty() => {
                self.is_closed = false;
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
            // Asks whether the other side is still there: the last octet once more, or any (RFC 1122 §4.2.3.6).
            _ if payload.len() == 1 && end == self.next => sink.skip(Skip::KeepAlive),
            _ => sink.fault(Layer::Tcp, Kind::Duplicate),
        }
        if (segment.fin || segment.rst) && end == self.next {
            self.close(segment, sink);
        }
    }

    /// A FIN or RST where it is expected (RFC 5961 §3.2). An RST may be forged: what follows it will tell.
    fn close<F: FnMut(Pdu<'_>)>(&mut self, segment: &Tcp<'_>, sink: &mut Sink<'_, F>) {
        self.is_closed = true;
        if segment.fin && self.carrier.break_off() {
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
        self.carrier.break_off();
        self.next = start;
        self.drain(key, sink);
    }

    #[inline]
    fn feed<F: FnMut(Pdu<'_>)>(&mut self, bytes: &[u8], key: Key, sink: &mut Sink<'_, F>) {
        self.carrier.feed(bytes, (key.src, key.dst), sink);
    }
}

#[cfg(test)]
mod tests;
