//! Frames → whole messages.
//!
//! In: a [`Frame`] with packet time. Out: zero or more [`Pdu`]s, in the order in which they become whole, numbered
//! from 1: SIP from UDP datagrams, TCP streams and SCTP, ISUP and BICC from M3UA, M2UA, M2PA and MTP. Frames that are not signalling are counted
//! by [`Skip`], frames that are broken by [`Faults`]; nothing else keeps a frame from coming out.
//! Must not: know what a message says, or read a clock.

mod carrier;
mod chunk;
mod fragment;
mod framing;
pub mod hep;
mod hep_stream;
mod pieces;
mod recent;
mod ss7;
mod start_line;
mod stream;
mod table;
mod websocket;

use std::net::SocketAddr;
use std::time::Duration;

use self::chunk::Chunks;
use self::fragment::Fragments;
use self::hep::Useless;
use self::recent::Recent;
pub use self::start_line::looks_like_sip;
use self::start_line::trim_empty_lines;
use self::stream::Streams;
use crate::base::fault::{Faults, Kind, Layer};
use crate::base::frame::{Envelope, Frame, Link, MtpPlan, Pdu, Transport};
use crate::base::map::Seed;
use crate::base::time::At;
use crate::wire::DecodeError;
use crate::wire::net::{self, Fragment, Inside, Packet, Tcp, Udp};
use crate::wire::sigtran::{self, Adaptation};

/// Ports on which anything but SIP is a surprise: 5060 and 5061 (RFC 3261 §18.2), and 5080, much used.
const SIP_PORTS: [u16; 3] = [5060, 5061, 5080];

/// Limits of assembly. At all of them together it takes about 70 MiB.
#[derive(Clone, Copy, Debug)]
pub struct AssembleOptions {
    /// Seed of the tables' hashes.
    pub seed: Seed,
    /// IP datagrams waiting for fragments; the oldest makes room.
    pub datagrams_max: usize,
    /// Octets of IP fragments; the oldest datagram makes room.
    pub fragment_bytes_max: usize,
    /// How long a datagram waits for its fragments.
    pub fragment_wait: Duration,
    /// Datagrams and fragments that are remembered, to know one that comes twice; 0 for none. A newer one takes the place.
    pub duplicates_max: usize,
    /// For how long. Less than 500 ms: then SIP sends again what was not answered.
    pub duplicate_window: Duration,
    /// Directions of TCP connections with SIP; the one longest silent makes room.
    pub flows_max: usize,
    /// Octets behind a gap in one direction of a TCP connection; then the gap is skipped.
    pub flow_bytes_max: usize,
    /// Octets held in all TCP connections; the one longest silent makes room.
    pub stream_bytes_max: usize,
    /// How long octets missing from a TCP stream are waited for.
    pub gap_wait: Duration,
    /// Directions of SCTP associations with signalling; the one longest silent makes room.
    pub associations_max: usize,
    /// Octets of fragmented user messages in one direction of an SCTP association, then they are dropped; and of messages
    /// that wait for one before them, then they go on without it.
    pub association_bytes_max: usize,
    /// Octets held in all SCTP associations; the one longest silent makes room.
    pub chunk_bytes_max: usize,
    /// How long an ordered user message of SCTP waits for one that is missing before it.
    pub order_wait: Duration,
    /// Whose point codes each SS7 network has.
    pub mtp: MtpPlan,
}

impl Default for AssembleOptions {
    fn default() -> Self {
        Self {
            seed: Seed::default(),
            datagrams_max: 8192,
            fragment_bytes_max: 16 << 20,
            fragment_wait: Duration::from_secs(30),
            duplicates_max: 4096,
            duplicate_window: Duration::from_millis(100),
            flows_max: 32_768,
            flow_bytes_max: 256 << 10,
            stream_bytes_max: 32 << 20,
            gap_wait: Duration::from_secs(3),
            associations_max: 4096,
            association_bytes_max: 64 << 10,
            chunk_bytes_max: 8 << 20,
            // What is lost is sent again after a round trip, at the latest after RTO.Min of 1 s (RFC 9260 §16).
            order_wait: Duration::from_millis(300),
            mtp: MtpPlan::default(),
        }
    }
}

/// Why a frame, or a unit within it, is not signalling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Skip {
    /// ARP, spanning tree and whatever else is not IP.
    NotIp,
    /// IP, but not UDP, TCP or SCTP.
    IpOther,
    /// UDP that is not SIP: media, mostly.
    UdpOther,
    /// A keep-alive on a SIP port: empty, CR LF, zeros or STUN.
    KeepAlive,
    /// TCP of connections without SIP.
    TcpOther,
    /// TCP without data.
    TcpEmpty,
    /// What capture agents send of other protocols.
    HepOther,
    /// A datagram or fragment that another tap point showed a moment ago.
    Duplicate,
    /// SCTP without signalling: heartbeats, acknowledgements, other payload protocols.
    SctpOther,
    /// M3UA, M2UA and M2PA that keep links up.
    Management,
    /// MTP level 2 that keeps the link up.
    Mtp2Status,
    /// User parts of SS7 that are neither ISUP nor BICC: SCCP (that of SUA too), network management, tests; ISDN by IUA.
    OtherUserPart,
}

impl Skip {
    /// Names for counters, in the order of the enum.
    pub const NAMES: [&'static str; 12] = [
        "not_ip",
        "ip_other",
        "udp_other",
        "keep_alive",
        "tcp_other",
        "tcp_empty",
        "hep_other",
        "duplicate",
        "sctp_other",
        "management",
        "mtp2_status",
        "other_user_part",
    ];
}

/// Counts of what is not signalling, and of messages of SIGTRAN's adaptation layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Skips {
    skips: [u64; Skip::NAMES.len()],
    /// By adaptation layer, class and type; empty until the first.
    adapted: Vec<u64>,
}

/// Counts of one adaptation layer; a type that is not numbered is counted as class 1, type 0, which none is.
const ADAPTED: usize = sigtran::CLASSES * sigtran::KINDS;
const NOT_NUMBERED: usize = sigtran::KINDS;

impl Skips {
    /// How many of this kind.
    #[must_use]
    pub const fn of(&self, skip: Skip) -> u64 {
        self.skips[skip as usize]
    }

    /// Name and count of each kind, in the order of the enum.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Skip::NAMES.into_iter().zip(self.skips.iter().copied())
    }

    /// Adaptation layer, class and type, and count of the messages that occurred.
    pub fn messages(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> + '_ {
        let name =
            |index: usize| sigtran::kind_name((index / sigtran::KINDS) as u8, (index % sigtran::KINDS) as u8);
        let layers = Adaptation::ALL.into_iter().zip(self.adapted.chunks(ADAPTED));
        layers.flat_map(move |(layer, counts)| {
            let counted = counts.iter().enumerate().filter(|(_, count)| **count > 0);
            counted.map(move |(index, count)| (layer.name(), name(index).unwrap_or("other"), *count))
        })
    }

    /// Counts a message of an adaptation layer.
    fn adapted(&mut self, adaptation: Adaptation, class: u8, kind: u8) {
        if self.adapted.is_empty() {
            self.adapted.resize(Adaptation::ALL.len() * ADAPTED, 0);
        }
        let numbered = usize::from(class) * sigtran::KINDS + usize::from(kind);
        let index = if sigtran::kind_name(class, kind).is_some() { numbered } else { NOT_NUMBERED };
        self.adapted[adaptation as usize * ADAPTED + index] += 1;
    }
}

impl Skips {
    /// Adds another's counts to these.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.skips.iter_mut().zip(other.skips) {
            *count += more;
        }
        self.adapted.resize(self.adapted.len().max(other.adapted.len()), 0);
        self.adapted.iter_mut().zip(&other.adapted).for_each(|(count, more)| *count += more);
    }
}

/// What came without frames, as a capture agent sends it: put together by someone else.
#[derive(Clone, Copy, Debug)]
pub enum Whole<'a> {
    /// One message of an adaptation layer of SIGTRAN.
    Adapted(Adaptation, &'a [u8]),
    /// What travelled as one SIP message.
    Sip {
        /// Sender.
        src: SocketAddr,
        /// Receiver.
        dst: SocketAddr,
        /// How it travelled.
        transport: Transport,
        /// The message.
        bytes: &'a [u8],
    },
}

/// Puts messages together. Its output depends on the frames only, not on [`Assembler::tick`].
#[derive(Debug)]
pub struct Assembler {
    fragments: Fragments,
    recent: Recent,
    streams: Streams,
    chunks: Chunks,
    mtp: MtpPlan,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    faults: Faults,
    skips: Skips,
    pdus: u64,
}

impl Assembler {
    /// With nothing seen yet.
    #[must_use]
    pub fn new(options: AssembleOptions) -> Self {
        let AssembleOptions { seed, datagrams_max, fragment_bytes_max, fragment_wait, .. } = options;
        let streams = stream::Limits {
            flows_max: options.flows_max,
            flow_bytes_max: options.flow_bytes_max,
            bytes_max: options.stream_bytes_max,
            gap_wait: options.gap_wait,
        };
        let chunks = chunk::Limits {
            associations_max: options.associations_max,
            association_bytes_max: options.association_bytes_max,
            bytes_max: options.chunk_bytes_max,
            order_wait: options.order_wait,
        };
        Self {
            fragments: Fragments::new(datagrams_max, fragment_bytes_max, fragment_wait, seed),
            recent: Recent::new(options.duplicates_max, options.duplicate_window, seed),
            streams: Streams::new(streams, seed),
            chunks: Chunks::new(chunks, seed),
            mtp: options.mtp,
            counts: Counts::default(),
        }
    }

    /// Takes a frame and hands on the messages it makes whole. Frames come in order of time.
    pub fn push(&mut self, frame: Frame<'_>, out: &mut impl FnMut(Pdu<'_>)) {
        self.tick(frame.at, out);
        let counts = &mut self.counts;
        let mut sink = Sink { out, counts, mtp: self.mtp, at: frame.at, frame: frame.number };
        if matches!(frame.link, Link::Mtp2WithHeader | Link::Mtp2 | Link::Mtp3) {
            return ss7::link(frame.link, frame.bytes, &mut sink);
        }
        match Packet::parse(&frame) {
            Ok(Some(packet)) => {
                let Self { fragments, recent, streams, chunks, .. } = self;
                Paths { fragments, recent, streams, chunks }.take(packet, &mut sink);
            }
            Ok(None) => sink.skip(Skip::NotIp),
            Err(error) => sink.refuse(error),
        }
    }

    /// Takes what is whole already, as number `number` among the frames, at a time that never goes backwards.
    pub fn push_whole(&mut self, (at, number): (At, u64), whole: Whole<'_>, out: &mut impl FnMut(Pdu<'_>)) {
        self.tick(at, out);
        Sink { out, counts: &mut self.counts, mtp: self.mtp, at, frame: number }.whole(whole);
    }

    /// Lets time pass without a frame: what was waited for in vain until `at` is given up, and what was found behind
    /// it comes out, with the time of the deadline.
    pub fn tick(&mut self, at: At, out: &mut impl FnMut(Pdu<'_>)) {
        self.fragments.expire(at, &mut self.counts.faults);
        self.tick_until(at, out);
    }

    /// The input has ended: what waits for something that did not come comes out, with the time of its deadline.
    pub fn finish(&mut self, out: &mut impl FnMut(Pdu<'_>)) {
        self.tick_until(At::from_nanos(u64::MAX), out);
    }

    fn tick_until(&mut self, at: At, out: &mut impl FnMut(Pdu<'_>)) {
        let Self { streams, chunks, counts, mtp, .. } = self;
        let mut sink = Sink { out, counts, mtp: *mtp, at, frame: 0 };
        // One deadline after the other, whoever's it is: what comes out never goes backwards in time.
        while let Some(due) =
            [streams.due(), chunks.due()].into_iter().flatten().min().filter(|due| *due <= at)
        {
            streams.expire(due, &mut sink);
            chunks.expire(due, &mut sink);
        }
    }

    /// What was broken so far.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.counts.faults
    }

    /// What was no signalling so far.
    #[must_use]
    pub const fn skips(&self) -> &Skips {
        &self.counts.skips
    }

    /// Messages handed on so far.
    #[must_use]
    pub const fn pdus(&self) -> u64 {
        self.counts.pdus
    }
}

/// The ways a packet may go.
struct Paths<'a> {
    fragments: &'a mut Fragments,
    recent: &'a mut Recent,
    streams: &'a mut Streams,
    chunks: &'a mut Chunks,
}

impl Paths<'_> {
    /// Takes a packet, or the one that is wrapped in it: to its transport, or to the other fragments.
    #[inline]
    fn take<F: FnMut(Pdu<'_>)>(&mut self, mut packet: Packet<'_>, sink: &mut Sink<'_, F>) {
        loop {
            if let Some(place) = packet.fragment {
                return self.fragment(&packet, place, sink);
            }
            match packet.inside() {
                Ok(Inside::Payload) => return self.transport(&packet, sink),
                Ok(Inside::Packet(inner)) => packet = inner,
                Ok(Inside::Other) => return sink.skip(Skip::NotIp),
                Err(error) => return sink.refuse(error),
            }
        }
    }

    /// What is put together may be wrapped again, and again in fragments: as deep as wrappings go.
    fn fragment<F: FnMut(Pdu<'_>)>(&mut self, packet: &Packet<'_>, place: Fragment, sink: &mut Sink<'_, F>) {
        if self.recent.has_seen(sink.at, packet) {
            return sink.skip(Skip::Duplicate);
        }
        let Some(payload) = self.fragments.push(sink.at, packet, place, &mut sink.counts.faults) else {
            return;
        };
        match packet.put_together(&payload) {
            Ok(whole) => self.take(whole, sink),
            Err(error) => sink.refuse(error),
        }
    }

    fn transport<F: FnMut(Pdu<'_>)>(&mut self, packet: &Packet<'_>, sink: &mut Sink<'_, F>) {
        if let Some(flaw) = packet.flaw {
            sink.fault(Layer::Ip, flaw);
        }
        match packet.protocol {
            net::UDP => match Udp::parse(packet.payload) {
                Ok(udp) => self.datagram(packet, &udp, sink),
                Err(error) => sink.refuse(error),
            },
            net::TCP => match Tcp::parse(packet.payload) {
                Ok(tcp) => {
                    let src = SocketAddr::new(packet.src, tcp.src_port);
                    let dst = SocketAddr::new(packet.dst, tcp.dst_port);
                    self.streams.push((src, dst), &tcp, sink);
                }
                Err(error) => sink.refuse(error),
            },
            net::SCTP => {
                let Packet { src, dst, payload, flaw, .. } = *packet;
                self.chunks.push(chunk::Packet { src, dst, bytes: payload, is_whole: flaw.is_none() }, sink);
            }
            _ => sink.skip(Skip::IpOther),
        }
    }

    fn datagram<F: FnMut(Pdu<'_>)>(&mut self, packet: &Packet<'_>, udp: &Udp<'_>, sink: &mut Sink<'_, F>) {
        if udp.length_differs && packet.flaw.is_none() {
            sink.fault(Layer::Udp, Kind::BadLength);
        }
        let ports = (udp.src_port, udp.dst_port);
        let is_sip_port = SIP_PORTS.contains(&ports.0) || SIP_PORTS.contains(&ports.1);
        let is_agent = hep::is_likely(ports, udp.payload);
        if !is_agent && !is_sip_port && !looks_like_sip(udp.payload) {
            return sink.skip(Skip::UdpOther);
        }
        if self.recent.has_seen(sink.at, packet) {
            return sink.skip(Skip::Duplicate);
        }
        if is_agent {
            return sink.agent(udp.payload);
        }
        let src = SocketAddr::new(packet.src, udp.src_port);
        let dst = SocketAddr::new(packet.dst, udp.dst_port);
        sip((src, dst, Transport::Udp), udp.payload, sink);
    }
}

/// What should be one SIP message.
fn sip<F: FnMut(Pdu<'_>)>(
    (src, dst, transport): (SocketAddr, SocketAddr, Transport),
    bytes: &[u8],
    sink: &mut Sink<'_, F>,
) {
    if looks_like_sip(bytes) {
        sink.emit(Envelope::Sip { src, dst, transport }, trim_empty_lines(bytes));
    } else if is_keep_alive(bytes) {
        sink.skip(Skip::KeepAlive);
    } else {
        sink.fault(Layer::Sip, Kind::NotRecognised);
    }
}

/// What phones send to keep a path through address translators open: RFC 5626 §3.5, RFC 6223, or only zeros.
fn is_keep_alive(bytes: &[u8]) -> bool {
    const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
    bytes.get(4..8) == Some(&STUN_COOKIE)
        || bytes.iter().all(|octet| matches!(octet, b'\r' | b'\n' | b' ' | 0))
}

/// Where messages go, and what is counted on the way.
struct Sink<'s, F> {
    out: &'s mut F,
    counts: &'s mut Counts,
    mtp: MtpPlan,
    at: At,
    frame: u64,
}

impl<F: FnMut(Pdu<'_>)> Sink<'_, F> {
    fn emit(&mut self, envelope: Envelope, bytes: &[u8]) {
        self.counts.pdus += 1;
        (self.out)(Pdu { at: self.at, seq: self.counts.pdus, frame: self.frame, envelope, bytes });
    }

    fn whole(&mut self, whole: Whole<'_>) {
        match whole {
            Whole::Adapted(adaptation, bytes) => ss7::adapted(adaptation, bytes, self),
            Whole::Sip { src, dst, transport, bytes } => sip((src, dst, transport), bytes, self),
        }
    }

    /// A packet of a capture agent. The message has the time of the frame that brought it.
    fn agent(&mut self, bytes: &[u8]) {
        match crate::wire::hep::Packet::parse(bytes) {
            Ok(packet) => match hep::open(&packet, |whole| self.whole(whole)) {
                Ok(()) => {}
                Err(Useless::Compressed) => self.fault(Layer::Hep, Kind::BadSyntax),
                Err(Useless::Payload) => self.skip(Skip::HepOther),
            },
            Err(error) => self.refuse(error),
        }
    }

    fn fault(&mut self, layer: Layer, kind: Kind) {
        self.counts.faults.count(layer, kind);
    }

    fn refuse(&mut self, error: DecodeError) {
        self.fault(error.layer, error.kind);
    }

    fn skip(&mut self, skip: Skip) {
        self.counts.skips.skips[skip as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::net::{UDP, build};
    use proptest::prelude::*;

    const INVITE: &[u8] = b"INVITE sip:a SIP/2.0\r\nl: 0\r\n\r\n";

    /// Number, frame and bytes of the messages in a frame that was `extra` octets longer on the wire.
    fn push(assembler: &mut Assembler, link: Link, bytes: &[u8], extra: u32) -> Vec<(u64, u64, Vec<u8>)> {
        let wire_length = bytes.len() as u32 + extra;
        let frame = Frame { at: At::from_nanos(9), number: 4, link, bytes, wire_length };
        let mut found = Vec::new();
        assembler.push(frame, &mut |pdu| found.push((pdu.seq, pdu.frame, pdu.bytes.to_vec())));
        found
    }

    #[test]
    fn sip_on_any_port_and_faults_on_its_own() {
        let mut assembler = Assembler::new(AssembleOptions::default());
        let mut send = |ports: (u16, u16), payload: &[u8]| {
            push(&mut assembler, Link::RawIp, &build::ipv4(UDP, &build::udp(ports.0, ports.1, payload)), 0)
                .len()
        };
        assert_eq!(send((7000, 7001), &[b"\r\n", INVITE].concat()), 1);
        assert_eq!(send((7000, 7001), b"\x80\x08 media"), 0);
        assert_eq!(send((5060, 7001), b"\r\n\r\n"), 0);
        assert_eq!(send((7000, 5061), b""), 0);
        assert_eq!(send((7000, 5060), b"\0\x01\0\0\x21\x12\xa4\x42stun"), 0);
        assert_eq!(send((7000, 5060), b"what is this"), 0);
        let skips = assembler.skips();
        assert_eq!((skips.of(Skip::UdpOther), skips.of(Skip::KeepAlive)), (1, 3));
        assert_eq!(assembler.faults().nonzero().collect::<Vec<_>>(), [("sip", "not_recognised", 1)]);
    }

    #[test]
    fn a_cut_datagram_comes_out_as_far_as_it_goes() {
        let mut assembler = Assembler::new(AssembleOptions::default());
        let bytes = build::ethernet(&build::ipv4(UDP, &build::udp(5060, 5060, INVITE)));
        let found = push(&mut assembler, Link::Ethernet, &bytes[..bytes.len() - 4], 4);
        assert_eq!(found, [(1, 4, INVITE[..INVITE.len() - 4].to_vec())]);
        assert_eq!(assembler.faults().nonzero().collect::<Vec<_>>(), [("ip", "truncated", 1)]);
    }

    #[test]
    fn a_fragmented_datagram_comes_out_once() {
        let mut assembler = Assembler::new(AssembleOptions::default());
        let datagram = build::udp(5060, 5060, INVITE);
        let (head, tail) = datagram.split_at(16);
        let first = build::ipv4_fragment(UDP, (7, 0, true), head);
        let last = build::ipv4_fragment(UDP, (7, 16, false), tail);
        assert_eq!(push(&mut assembler, Link::RawIp, &last, 0), []);
        assert_eq!(push(&mut assembler, Link::RawIp, &first, 0), [(1, 4, INVITE.to_vec())]);
    }

    /// Cuts a packet from 10.0.0.1 into two fragments.
    fn cut_in_two(packet: &[u8], identification: u16) -> [Vec<u8>; 2] {
        let payload = &packet[20..];
        let half = payload.len() / 2 / 8 * 8;
        [
            build::ipv4_fragment(packet[9], (identification, 0, true), &payload[..half]),
            build::ipv4_fragment(packet[9], (identification, half as u16, false), &payload[half..]),
        ]
    }

    #[test]
    fn fragments_of_tunnels_that_carry_fragments() {
        let inner = build::ipv4(UDP, &build::udp(5060, 5060, INVITE));
        for tunnel in 0..build::tunnels(&inner).len() {
            let mut assembler = Assembler::new(AssembleOptions::default());
            let mut found = Vec::new();
            for (number, part) in cut_in_two(&inner, 7).iter().enumerate() {
                let (name, outer) = build::tunnels(part).swap_remove(tunnel);
                for part in cut_in_two(&outer, 20 + number as u16) {
                    assert_eq!(found, [], "{name}");
                    found = push(&mut assembler, Link::Ethernet, &build::ethernet(&part), 0);
                }
            }
            assert_eq!(found, [(1, 4, INVITE.to_vec())]);
            assert_eq!(assembler.faults(), &Faults::default());
        }
    }

    #[test]
    fn what_two_tap_points_show_comes_out_once() {
        let mut assembler = Assembler::new(AssembleOptions::default());
        let bytes = build::ethernet(&build::ipv4(UDP, &build::udp(5060, 5060, INVITE)));
        let tagged = [&bytes[..12], &[0x81, 0, 0, 9], &bytes[12..]].concat();
        let mut hop = bytes.clone();
        hop[14 + 8] -= 1;
        let found: Vec<_> =
            [&bytes, &tagged, &hop].map(|bytes| push(&mut assembler, Link::Ethernet, bytes, 0).len()).into();
        assert_eq!((found, assembler.skips().of(Skip::Duplicate)), (vec![1, 0, 0], 2));
        // Sent again, and not seen again.
        let mut again = bytes;
        again[14 + 5] += 1;
        assert_eq!(push(&mut assembler, Link::Ethernet, &again, 0).len(), 1);
    }

    #[test]
    fn fragments_seen_twice_begin_no_datagram() {
        let mut assembler = Assembler::new(AssembleOptions::default());
        let whole = build::ipv4(UDP, &build::udp(5060, 5060, INVITE));
        let found: Vec<_> = cut_in_two(&whole, 7)
            .iter()
            .flat_map(|part| [part, part])
            .map(|part| push(&mut assembler, Link::RawIp, part, 0).len())
            .collect();
        assert_eq!((found, assembler.skips().of(Skip::Duplicate)), (vec![0, 0, 1, 0], 2));
        assembler.tick(At::from_nanos(60_000_000_000), &mut |_| {});
        assert_eq!(assembler.faults(), &Faults::default());
    }

    #[test]
    fn a_capture_agent_in_a_capture_is_unpacked() {
        let packet = crate::wire::hep::Packet {
            src: "192.0.2.1:5060".parse().unwrap(),
            dst: "192.0.2.2:5060".parse().unwrap(),
            ip_protocol: 6,
            at: None,
            protocol: crate::wire::hep::SIP,
            agent: 1,
            key: None,
            correlation: None,
            payload: crate::wire::hep::Payload::Plain(INVITE),
        };
        let mut bytes = Vec::new();
        packet.emit(&mut bytes);
        let mut version_1 = vec![1, 16, 2, 17, 0x13, 0xc4, 0x13, 0xc4, 10, 0, 0, 1, 10, 0, 0, 2];
        version_1.extend_from_slice(INVITE);
        let mut assembler = Assembler::new(AssembleOptions::default());
        let mut send = |port: u16, bytes: &[u8]| {
            push(&mut assembler, Link::RawIp, &build::ipv4(UDP, &build::udp(9, port, bytes)), 0)
        };
        assert_eq!(send(4711, &bytes), [(1, 4, INVITE.to_vec())]);
        assert_eq!(send(9060, &version_1), [(2, 4, INVITE.to_vec())]);
        assert_eq!(send(9061, &version_1), []);
        assert_eq!(send(9060, b"HEP3\0\x07x"), []);
        let faults: Vec<_> = assembler.faults().nonzero().collect();
        assert_eq!((faults, assembler.skips().of(Skip::UdpOther)), (vec![("hep", "truncated", 1)], 1));
    }

    #[test]
    fn user_parts_are_told_apart() {
        let mut assembler = Assembler::new(AssembleOptions::default());
        let mut send = |bytes: &[u8]| push(&mut assembler, Link::Mtp3, bytes, 0);
        assert_eq!(send(&[0x85, 7, 0x44, 2, 0x52, 1, 0, 1]), [(1, 4, vec![1, 0, 1])]);
        assert_eq!(send(&[0x83, 7, 0x44, 2, 0x52, 1, 0, 1]), []);
        assert_eq!(send(&[0x8d, 7, 0x44, 2, 0x52, 1, 0, 0, 0, 1]), [(2, 4, vec![1, 0, 0, 0, 1])]);
        assert_eq!(assembler.skips().of(Skip::OtherUserPart), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(
            frames in prop::collection::vec(
                (prop::sample::select(vec![6_u8, 17, 132]), any::<Vec<u8>>(), 0..8_u16, any::<bool>()),
                0..30,
            ),
        ) {
            let mut assembler = Assembler::new(AssembleOptions::default());
            for (protocol, mut payload, offset, sip) in frames {
                if sip && payload.len() > 4 {
                    payload[..4].copy_from_slice(&[0x13, 0xc4, 0x13, 0xc4]);
                }
                push(&mut assembler, Link::Mtp2WithHeader, &payload, 0);
                push(&mut assembler, Link::Ethernet, &payload, 1);
                push(&mut assembler, Link::RawIp, &build::ipv4(protocol, &payload), 0);
                let place = (1, offset * 8, offset < 5);
                push(&mut assembler, Link::RawIp, &build::ipv4_fragment(protocol, place, &payload), 0);
            }
        }
    }
}
