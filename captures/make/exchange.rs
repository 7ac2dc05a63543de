//! Two exchanges and the SCTP association between them: handshake, M3UA activation, data in both directions with
//! acknowledgements, heartbeats. The operator's exchange is the application server process.

use std::net::Ipv4Addr;

use tollgate::base::frame::RoutingLabel;

use crate::call::Micros;
use crate::m3ua;
use crate::pcap::{PROTOCOL_SCTP, Recording};
use crate::sctp;

/// M3UA's port.
const PORT: u16 = 2905;
/// How long a receiver holds back an acknowledgement (RFC 9260 §6.2).
const ACK_DELAY: Micros = 200_000;
/// How close together messages must be to travel in one packet.
const BUNDLE_SPAN: Micros = 3_000;
/// Most messages in one packet.
const BUNDLE_MAX: usize = 3;
const HEARTBEAT_EVERY: Micros = 30_000_000;
/// From one end of the association to the other and back.
const ROUND_TRIP: Micros = 8_000;
/// How long before its first message the association is set up.
const LEAD: Micros = 500_000;

/// Which of the two exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Far,
    Own,
}

impl End {
    const fn other(self) -> Self {
        match self {
            Self::Far => Self::Own,
            Self::Own => Self::Far,
        }
    }
}

/// An ISUP message to be sent.
pub struct Sent {
    pub at: Micros,
    pub from: End,
    pub bytes: Vec<u8>,
}

/// The far and the own exchange.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub network_indicator: u8,
    pub far_code: u32,
    pub own_code: u32,
    pub far_address: Ipv4Addr,
    pub own_address: Ipv4Addr,
    /// User messages longer than this, in octets, are cut into fragments.
    pub fragment_over: usize,
}

impl Link {
    /// Plays the messages, in order of time, on one association.
    pub fn play(&self, mut messages: Vec<Sent>, recording: &mut Recording) {
        messages.sort_by_key(|message| message.at);
        let Some(first) = messages.first() else { return };
        let mut association = Association::new(*self, recording);
        association.set_up(first.at - LEAD);
        let mut rest = &messages[..];
        while let Some(head) = rest.first() {
            let with_head = |message: &&Sent| message.from == head.from && message.at < head.at + BUNDLE_SPAN;
            let count = rest.iter().take(BUNDLE_MAX).take_while(with_head).count();
            let (bundle, later) = rest.split_at(count);
            association.advance(head.at);
            association.send(bundle);
            rest = later;
        }
        let end = messages.last().map_or(0, |last| last.at + ACK_DELAY * 2);
        association.advance(end);
    }

    fn label(&self, from: End, cic: u16) -> RoutingLabel {
        let (opc, dpc) = match from {
            End::Far => (self.far_code, self.own_code),
            End::Own => (self.own_code, self.far_code),
        };
        // The low bits of the circuit code choose the link (Q.704 §2.2.4).
        RoutingLabel { opc, dpc, network_indicator: self.network_indicator, sls: (cic & 0xF) as u8 }
    }
}

/// One end's counters.
struct Endpoint {
    tag: u32,
    next_tsn: u32,
    next_ssn: [u16; sctp::STREAMS as usize],
    /// Highest transmission sequence number received and not yet acknowledged, and when it must be.
    owed: Option<(u32, Micros)>,
}

struct Association<'a> {
    link: Link,
    recording: &'a mut Recording,
    far: Endpoint,
    own: Endpoint,
    heartbeat_at: Micros,
}

impl<'a> Association<'a> {
    fn new(link: Link, recording: &'a mut Recording) -> Self {
        let endpoint = |seed: u32| Endpoint {
            tag: seed.wrapping_mul(0x9E37_79B1) | 1,
            next_tsn: seed.wrapping_mul(0x85EB_CA6B),
            next_ssn: [0; sctp::STREAMS as usize],
            owed: None,
        };
        let (far, own) = (endpoint(link.far_code), endpoint(link.own_code));
        Self { link, recording, far, own, heartbeat_at: 0 }
    }

    fn end(&mut self, end: End) -> &mut Endpoint {
        match end {
            End::Far => &mut self.far,
            End::Own => &mut self.own,
        }
    }

    fn packet(&mut self, at: Micros, from: End, chunks: &[u8]) {
        let tag = self.end(from.other()).tag;
        self.packet_with_tag(at, from, tag, chunks);
    }

    fn packet_with_tag(&mut self, at: Micros, from: End, tag: u32, chunks: &[u8]) {
        let Link { far_address, own_address, .. } = self.link;
        let between = match from {
            End::Far => (far_address, own_address),
            End::Own => (own_address, far_address),
        };
        let packet = sctp::packet((PORT, PORT), tag, chunks);
        self.recording.ip(at, between, PROTOCOL_SCTP, &packet);
    }

    /// Four-way handshake, ASP up, ASP active, notify.
    fn set_up(&mut self, at: Micros) {
        let cookie: Vec<u8> = (0..48_u8).map(|index| index.wrapping_mul(37)).collect();
        let init = sctp::init(self.own.tag, self.own.next_tsn, None);
        let init_ack = sctp::init(self.far.tag, self.far.next_tsn, Some(&cookie));
        self.packet_with_tag(at, End::Own, 0, &init);
        self.packet(at + ROUND_TRIP, End::Far, &init_ack);
        self.packet(at + ROUND_TRIP + 100, End::Own, &sctp::cookie_echo(&cookie));
        self.packet(at + 2 * ROUND_TRIP, End::Far, &sctp::cookie_ack());
        self.heartbeat_at = at + HEARTBEAT_EVERY;
        let [up, up_ack] = m3ua::asp_up();
        let [active, active_ack] = m3ua::asp_active();
        let talk = [
            (End::Own, up),
            (End::Far, up_ack),
            (End::Own, active),
            (End::Far, active_ack),
            (End::Far, m3ua::notify_active()),
        ];
        for (step, (from, message)) in talk.into_iter().enumerate() {
            let at = at + (3 + step as u64) * ROUND_TRIP;
            let chunks = self.with_owed_ack(from);
            let data = self.chunks_of(from, 0, &message);
            self.packet(at, from, &[chunks, data.concat()].concat());
            self.received(at, from.other());
        }
    }

    /// Sends one packet with these messages; more when one of them must be cut.
    fn send(&mut self, bundle: &[Sent]) {
        let [first, ..] = bundle else { return };
        let (from, at) = (first.from, bundle[bundle.len() - 1].at);
        let mut packets = vec![self.with_owed_ack(from)];
        for message in bundle {
            let cic = u16::from_le_bytes([message.bytes[0], message.bytes[1]]);
            let label = self.link.label(from, cic);
            let stream = 1 + u16::from(label.sls) % (sctp::STREAMS - 1);
            let chunks = self.chunks_of(from, stream, &m3ua::data(label, &message.bytes));
            let is_whole = chunks.len() == 1;
            for chunk in chunks {
                if !is_whole && packets.last().is_some_and(|packet| !packet.is_empty()) {
                    packets.push(Vec::new());
                }
                packets.last_mut().expect("never empty").extend(chunk);
            }
        }
        for (index, chunks) in packets.iter().enumerate() {
            self.packet(at + index as u64 * 40, from, chunks);
        }
        self.received(at + packets.len() as u64 * 40, from.other());
    }

    /// The DATA chunks of one user message.
    fn chunks_of(&mut self, from: End, stream: u16, message: &[u8]) -> Vec<Vec<u8>> {
        let piece = self.link.fragment_over;
        let endpoint = self.end(from);
        let ssn = endpoint.next_ssn[usize::from(stream)];
        endpoint.next_ssn[usize::from(stream)] = ssn.wrapping_add(1);
        let pieces: Vec<&[u8]> = message.chunks(piece).collect();
        let mut chunks = Vec::new();
        for (index, part) in pieces.iter().enumerate() {
            let tsn = endpoint.next_tsn;
            endpoint.next_tsn = tsn.wrapping_add(1);
            let ends = (index == 0, index + 1 == pieces.len());
            chunks.push(sctp::data(sctp::Place { tsn, stream, ssn, ends }, part));
        }
        chunks
    }

    /// A SACK to travel with data, when one is owed.
    fn with_owed_ack(&mut self, from: End) -> Vec<u8> {
        self.end(from).owed.take().map(|(tsn, _)| sctp::sack(tsn)).unwrap_or_default()
    }

    /// Every second packet is acknowledged at once, others after a while.
    fn received(&mut self, at: Micros, by: End) {
        let tsn = self.end(by.other()).next_tsn.wrapping_sub(1);
        if self.end(by).owed.replace((tsn, at + ACK_DELAY)).is_some() {
            self.end(by).owed = None;
            self.packet(at + 50, by, &sctp::sack(tsn));
        }
    }

    /// Sends what falls due before `now`: acknowledgements held back, heartbeats.
    fn advance(&mut self, now: Micros) {
        for end in [End::Far, End::Own] {
            if let Some((tsn, due)) = self.end(end).owed.filter(|(_, due)| *due < now) {
                self.end(end).owed = None;
                self.packet(due, end, &sctp::sack(tsn));
            }
        }
        while self.heartbeat_at + ROUND_TRIP < now {
            let at = self.heartbeat_at;
            self.heartbeat_at += HEARTBEAT_EVERY;
            for end in [End::Far, End::Own] {
                self.packet(at, end, &sctp::heartbeat(false, at));
                self.packet(at + ROUND_TRIP, end.other(), &sctp::heartbeat(true, at));
            }
        }
    }
}
