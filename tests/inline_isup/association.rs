//! One end of an SCTP association, as far as it matters to what is between the ends: numbers, order within streams,
//! acknowledgements, retransmission bundled anew, duplicates. RFC 9260 §6.

use std::collections::{BTreeMap, VecDeque};

use rand::{Rng, RngExt};
use tollgate::simulate::render::sctp::{self, Place};

use super::{Micros, ipv4, ipv6};

/// Longest packet that an end sends.
pub const MTU: usize = 1500;
const PORT: u16 = 2905;
const RTO: Micros = 300_000;
const RTO_MAX: Micros = 1_200_000;

struct Outstanding {
    tsn: u32,
    chunk: Vec<u8>,
}

/// One end.
pub struct Endpoint {
    is_first: bool,
    tag_to_peer: u32,
    tag_to_self: u32,
    next_tsn: u32,
    next_ssn: BTreeMap<u16, u16>,
    /// Sent and not acknowledged, or not even sent (from `unsent` on).
    outstanding: VecDeque<Outstanding>,
    unsent: usize,
    rto: Micros,
    /// When the oldest is sent again.
    pub t3: Option<Micros>,
    cumulative: u32,
    early: BTreeMap<u32, ()>,
    waiting: BTreeMap<(u16, u16), Vec<u8>>,
    expected_ssn: BTreeMap<u16, u16>,
    owes_sack: bool,
    pub is_ipv6: bool,
}

impl Endpoint {
    /// The two ends of an association.
    pub fn pair(rng: &mut impl Rng) -> [Self; 2] {
        let (tags, tsns): ([u32; 2], [u32; 2]) = (rng.random(), rng.random());
        let is_ipv6 = rng.random();
        [0, 1].map(|index| Self {
            is_first: index == 0,
            tag_to_peer: tags[index],
            tag_to_self: tags[1 - index],
            next_tsn: tsns[index],
            next_ssn: BTreeMap::new(),
            outstanding: VecDeque::new(),
            unsent: 0,
            rto: RTO,
            t3: None,
            cumulative: tsns[1 - index].wrapping_sub(1),
            early: BTreeMap::new(),
            waiting: BTreeMap::new(),
            expected_ssn: BTreeMap::new(),
            owes_sack: false,
            is_ipv6,
        })
    }

    /// Takes a user message.
    pub fn push(&mut self, stream: u16, payload: &[u8]) {
        let ssn = self.next_ssn.entry(stream).or_default();
        let place = Place { tsn: self.next_tsn, stream, ssn: *ssn, ends: (true, true) };
        *ssn = ssn.wrapping_add(1);
        self.outstanding.push_back(Outstanding { tsn: self.next_tsn, chunk: sctp::data(place, payload) });
        self.next_tsn = self.next_tsn.wrapping_add(1);
    }

    /// Whether everything sent has arrived.
    pub fn is_quiet(&self) -> bool {
        self.outstanding.is_empty() && !self.owes_sack
    }

    /// What is to be sent now: acknowledgement and new chunks, bundled at random.
    pub fn flush(&mut self, now: Micros, rng: &mut impl Rng) -> Vec<Vec<u8>> {
        let fresh: Vec<_> = self.outstanding.range(self.unsent..).map(|sent| sent.chunk.clone()).collect();
        self.unsent = self.outstanding.len();
        if !fresh.is_empty() && self.t3.is_none() {
            self.t3 = Some(now + self.rto);
        }
        self.bundle(fresh, rng, false)
    }

    /// T3 ran out: sends again what is not acknowledged.
    pub fn retransmit(&mut self, now: Micros, rng: &mut impl Rng) -> Vec<Vec<u8>> {
        let again: Vec<_> = self.outstanding.range(..self.unsent).map(|sent| sent.chunk.clone()).collect();
        self.rto = (self.rto * 2).min(RTO_MAX);
        self.t3 = (!again.is_empty()).then_some(now + self.rto);
        self.bundle(again, rng, true)
    }

    fn bundle(&mut self, chunks: Vec<Vec<u8>>, rng: &mut impl Rng, is_full: bool) -> Vec<Vec<u8>> {
        let mut packets = Vec::new();
        let mut open = Vec::new();
        if std::mem::take(&mut self.owes_sack) {
            open.extend(sctp::sack(self.cumulative));
        }
        for chunk in chunks {
            if !open.is_empty() && (60 + open.len() + chunk.len() > MTU || !is_full && rng.random_bool(0.4)) {
                packets.push(std::mem::take(&mut open));
            }
            open.extend(chunk);
        }
        if !open.is_empty() {
            packets.push(open);
        }
        let ends = if self.is_first { (1, 2) } else { (2, 1) };
        let path = u8::from(is_full);
        let ip = |chunks: Vec<u8>| {
            let payload = sctp::packet((PORT, PORT), self.tag_to_peer, &chunks);
            if self.is_ipv6 { ipv6(ends, path, &payload) } else { ipv4(ends, path, &payload) }
        };
        packets.into_iter().map(ip).collect()
    }

    /// Takes a packet; gives the user messages that are next in their streams.
    pub fn receive(&mut self, now: Micros, packet: &[u8]) -> Vec<Vec<u8>> {
        let payload = if self.is_ipv6 { &packet[40..] } else { &packet[20..] };
        assert_eq!(payload[4..8], self.tag_to_self.to_be_bytes());
        let (mut rest, mut given) = (&payload[12..], Vec::new());
        while let [kind, _, l0, l1, ..] = *rest {
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let value = &rest[4..length];
            let (chunk, tail) = rest.split_at(length.next_multiple_of(4));
            assert!(chunk[length..].iter().all(|octet| *octet == 0), "padding is zero");
            rest = tail;
            let number = u32::from_be_bytes(value[..4].try_into().unwrap());
            match kind {
                0 => self.take(number, value),
                3 => self.acknowledged(now, number),
                _ => panic!("chunk {kind}"),
            }
        }
        for (stream, next) in &mut self.expected_ssn {
            while let Some(message) = self.waiting.remove(&(*stream, *next)) {
                given.push(message);
                *next = next.wrapping_add(1);
            }
        }
        given
    }

    fn take(&mut self, tsn: u32, value: &[u8]) {
        self.owes_sack = true;
        let is_old = tsn.wrapping_sub(self.cumulative).cast_signed() <= 0;
        if is_old || self.early.insert(tsn, ()).is_some() {
            return;
        }
        while self.early.remove(&self.cumulative.wrapping_add(1)).is_some() {
            self.cumulative = self.cumulative.wrapping_add(1);
        }
        let stream = u16::from_be_bytes(value[4..6].try_into().unwrap());
        let ssn = u16::from_be_bytes(value[6..8].try_into().unwrap());
        self.expected_ssn.entry(stream).or_default();
        assert!(self.waiting.insert((stream, ssn), value[12..].to_vec()).is_none());
    }

    fn acknowledged(&mut self, now: Micros, tsn: u32) {
        let before = self.outstanding.len();
        while self.outstanding.front().is_some_and(|sent| tsn.wrapping_sub(sent.tsn).cast_signed() >= 0) {
            self.outstanding.pop_front();
            self.unsent -= 1;
        }
        if self.outstanding.len() < before {
            self.rto = RTO;
            self.t3 = (self.unsent > 0).then_some(now + self.rto);
        }
    }
}
