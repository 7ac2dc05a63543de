//! Two exchanges and the SCTP association between them: handshake, M3UA activation, data in both directions with
//! acknowledgements, heartbeats. The operator's exchange is the application server process.

use std::net::Ipv4Addr;

use crate::base::frame::{Mtp, RoutingLabel};
use crate::simulate::render::{Micros, m3ua, sctp};

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
pub const LEAD: Micros = 500_000;
/// How far the time of a packet may lie before the moment that makes it: a heartbeat waits for its answer.
pub const LAG_MAX: Micros = ROUND_TRIP + BUNDLE_SPAN;

/// Which of the two exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The other side's.
    Far,
    /// The operator's.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When.
    pub at: Micros,
    /// By whom.
    pub from: End,
    /// The message, circuit first.
    pub bytes: Vec<u8>,
}

/// The far and the own exchange.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// Network indicator: 0 international, 2 national.
    pub network_indicator: u8,
    /// Point code of the far exchange.
    pub far_code: u32,
    /// Point code of the operator's exchange.
    pub own_code: u32,
    /// Address of the far exchange.
    pub far_address: Ipv4Addr,
    /// Address of the operator's exchange.
    pub own_address: Ipv4Addr,
    /// User messages longer than this, in octets, are cut into fragments.
    pub fragment_over: usize,
    /// The home country's code, which national networks leave out.
    pub home_code: &'static str,
}

impl Link {
    fn label(&self, from: End, cic: u16) -> RoutingLabel {
        let (opc, dpc) = match from {
            End::Far => (self.far_code, self.own_code),
            End::Own => (self.own_code, self.far_code),
        };
        // The low bits of the circuit code choose the link (Q.704 §2.2.4).
        RoutingLabel {
            standard: Mtp::Itu,
            opc,
            dpc,
            network_indicator: self.network_indicator,
            sls: (cic & 0xF) as u8,
        }
    }
}

/// Takes SCTP packets.
pub trait Packets {
    /// One packet, from and to these addresses.
    fn sctp(&mut self, at: Micros, between: (Ipv4Addr, Ipv4Addr), packet: &[u8]);
}

/// One end's counters.
#[derive(Debug)]
struct Endpoint {
    tag: u32,
    next_tsn: u32,
    next_ssn: [u16; sctp::STREAMS as usize],
    /// Highest transmission sequence number received and not yet acknowledged, and when it must be.
    owed: Option<(u32, Micros)>,
}

/// An association. Messages come in order of time; packets may be a little out of it, by [`LAG_MAX`] at most.
#[derive(Debug)]
pub struct Association {
    link: Link,
    far: Endpoint,
    own: Endpoint,
    heartbeat_at: Micros,
    /// Messages that wait for others to travel with.
    bundle: Vec<Sent>,
}

impl Association {
    /// One between these exchanges, not set up yet.
    #[must_use]
    pub fn new(link: Link) -> Self {
        let endpoint = |seed: u32| Endpoint {
            tag: seed.wrapping_mul(0x9E37_79B1) | 1,
            next_tsn: seed.wrapping_mul(0x85EB_CA6B),
            next_ssn: [0; sctp::STREAMS as usize],
            owed: None,
        };
        let (far, own) = (endpoint(link.far_code), endpoint(link.own_code));
        Self { link, far, own, heartbeat_at: 0, bundle: Vec::new() }
    }

    /// Sends a message, together with those just before or after it.
    pub fn push(&mut self, message: Sent, out: &mut dyn Packets) {
        if let [head, ..] = &self.bundle[..]
            && (self.bundle.len() == BUNDLE_MAX
                || head.from != message.from
                || message.at >= head.at + BUNDLE_SPAN)
        {
            self.flush(out);
        }
        self.bundle.push(message);
    }

    /// Sends a message at its own moment: nothing waits behind it.
    pub fn push_last(&mut self, message: Sent, out: &mut dyn Packets) {
        self.push(message, out);
        self.flush(out);
    }

    /// When [`Self::advance`] has something to do next, if nothing else is sent.
    #[must_use]
    pub fn due_at(&self) -> Micros {
        let acks = [&self.far, &self.own].into_iter().filter_map(|end| end.owed).map(|(_, due)| due + 1);
        let bundle = self.bundle.first().map(|head| head.at + BUNDLE_SPAN);
        acks.chain(bundle).fold(self.heartbeat_at + ROUND_TRIP + 1, Micros::min)
    }

    /// Sends what falls due before `now`: messages that waited, acknowledgements held back, heartbeats.
    pub fn advance(&mut self, now: Micros, out: &mut dyn Packets) {
        if self.bundle.first().is_some_and(|head| head.at + BUNDLE_SPAN <= now) {
            self.flush(out);
        }
        self.keep(now, out);
    }

    /// Sends what waits, and the last acknowledgements.
    pub fn finish(&mut self, out: &mut dyn Packets) {
        if let Some(last) = self.bundle.last() {
            let end = last.at + ACK_DELAY * 2;
            self.flush(out);
            self.keep(end, out);
        }
    }

    fn flush(&mut self, out: &mut dyn Packets) {
        let bundle = std::mem::take(&mut self.bundle);
        if let [head, ..] = &bundle[..] {
            self.keep(head.at, out);
            self.send(&bundle, out);
        }
    }

    fn end(&mut self, end: End) -> &mut Endpoint {
        match end {
            End::Far => &mut self.far,
            End::Own => &mut self.own,
        }
    }

    fn packet(&mut self, out: &mut dyn Packets, at: Micros, from: End, chunks: &[u8]) {
        let tag = self.end(from.other()).tag;
        self.packet_with_tag(out, (at, from), tag, chunks);
    }

    fn packet_with_tag(&mut self, out: &mut dyn Packets, (at, from): (Micros, End), tag: u32, chunks: &[u8]) {
        let Link { far_address, own_address, .. } = self.link;
        let between = match from {
            End::Far => (far_address, own_address),
            End::Own => (own_address, far_address),
        };
        let packet = sctp::packet((PORT, PORT), tag, chunks);
        out.sctp(at, between, &packet);
    }

    /// Four-way handshake, ASP up, ASP active, notify.
    pub fn set_up(&mut self, at: Micros, out: &mut dyn Packets) {
        let cookie: Vec<u8> = (0..48_u8).map(|index| index.wrapping_mul(37)).collect();
        let init = sctp::init(self.own.tag, self.own.next_tsn, None);
        let init_ack = sctp::init(self.far.tag, self.far.next_tsn, Some(&cookie));
        self.packet_with_tag(out, (at, End::Own), 0, &init);
        self.packet(out, at + ROUND_TRIP, End::Far, &init_ack);
        self.packet(out, at + ROUND_TRIP + 100, End::Own, &sctp::cookie_echo(&cookie));
        self.packet(out, at + 2 * ROUND_TRIP, End::Far, &sctp::cookie_ack());
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
            self.packet(out, at, from, &[chunks, data.concat()].concat());
            self.received(out, at, from.other());
        }
    }

    /// Sends one packet with these messages; more when one of them must be cut.
    fn send(&mut self, bundle: &[Sent], out: &mut dyn Packets) {
        let [first, ..] = bundle else { return };
        let (from, at) = (first.from, bundle[bundle.len() - 1].at);
        let mut packets = vec![self.with_owed_ack(from)];
        for message in bundle {
            let cic = message.bytes.first_chunk().map_or(0, |first| u16::from_le_bytes(*first));
            let label = self.link.label(from, cic);
            let stream = 1 + u16::from(label.sls) % (sctp::STREAMS - 1);
            let chunks = self.chunks_of(from, stream, &m3ua::data(label, &message.bytes));
            let is_whole = chunks.len() == 1;
            for chunk in chunks {
                if !is_whole && packets.last().is_some_and(|packet| !packet.is_empty()) {
                    packets.push(Vec::new());
                }
                if let Some(packet) = packets.last_mut() {
                    packet.extend(chunk);
                }
            }
        }
        for (index, chunks) in packets.iter().enumerate() {
            self.packet(out, at + index as u64 * 40, from, chunks);
        }
        self.received(out, at + packets.len() as u64 * 40, from.other());
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
    fn received(&mut self, out: &mut dyn Packets, at: Micros, by: End) {
        let tsn = self.end(by.other()).next_tsn.wrapping_sub(1);
        if self.end(by).owed.replace((tsn, at + ACK_DELAY)).is_some() {
            self.end(by).owed = None;
            self.packet(out, at + 50, by, &sctp::sack(tsn));
        }
    }

    /// Sends acknowledgements held back and heartbeats that fall due before `now`.
    fn keep(&mut self, now: Micros, out: &mut dyn Packets) {
        for end in [End::Far, End::Own] {
            if let Some((tsn, due)) = self.end(end).owed.filter(|(_, due)| *due < now) {
                self.end(end).owed = None;
                self.packet(out, due, end, &sctp::sack(tsn));
            }
        }
        while self.heartbeat_at + ROUND_TRIP < now {
            let at = self.heartbeat_at;
            self.heartbeat_at += HEARTBEAT_EVERY;
            for end in [End::Far, End::Own] {
                self.packet(out, at, end, &sctp::heartbeat(false, at));
                self.packet(out, at + ROUND_TRIP, end.other(), &sctp::heartbeat(true, at));
            }
        }
    }
}
