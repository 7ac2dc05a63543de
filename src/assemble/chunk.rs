//! SCTP DATA chunks → user messages of M3UA. RFC 9260 §3.3.1, §6.9.
//!
//! In: SCTP packets. Out: user messages, each as soon as it is whole, in the order of the capture: ISUP does not need
//! the order of streams restored. A message in one chunk is handed on without a copy. A transmission sequence number
//! seen before is not delivered again. An association of several addresses is one association for each pair of them,
//! so what is sent again on another path is delivered again.

use std::net::{IpAddr, SocketAddr};

use super::table::Table;
use super::{Sink, Skip, ss7};
use crate::base::fault::{Kind, Layer};
use crate::base::frame::Pdu;
use crate::base::map::Seed;
use crate::wire::DecodeError;
use crate::wire::sctp::{Chunk, DATA, Data, Header};

/// Sequence numbers that are remembered, back from the newest. A sender has fewer in flight.
const RECENT: u32 = 1024;
/// Fragments that wait, an association.
const PARTS_MAX: usize = 64;
/// Octets a fragment costs beside its data.
const PART_OVERHEAD: usize = 48;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    src: SocketAddr,
    dst: SocketAddr,
    verification_tag: u32,
}

/// Bounds of [`Chunks`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Association directions kept.
    pub associations_max: usize,
    /// Octets of fragments, an association.
    pub association_bytes_max: usize,
    /// Octets of fragments, all associations.
    pub bytes_max: usize,
}

/// Directions of associations that carry M3UA; the one longest silent first.
#[derive(Debug)]
pub(super) struct Chunks {
    associations: Table<Key, Association>,
    held: usize,
    limits: Limits,
}

#[derive(Debug)]
struct Association {
    newest: u32,
    /// A bit for each of the [`RECENT`] numbers up to `newest`, by number modulo `RECENT`.
    seen: [u64; RECENT as usize / 64],
    /// Fragments of user messages, in order of sequence number.
    parts: Vec<Part>,
    cost: usize,
}

#[derive(Debug)]
struct Part {
    tsn: u32,
    first: bool,
    last: bool,
    bytes: Vec<u8>,
}

impl Chunks {
    pub fn new(limits: Limits, seed: Seed) -> Self {
        Self { associations: Table::new(limits.associations_max, seed), held: 0, limits }
    }

    /// Takes a packet.
    pub fn push<F: FnMut(Pdu<'_>)>(
        &mut self,
        (src, dst): (IpAddr, IpAddr),
        bytes: &[u8],
        sink: &mut Sink<'_, F>,
    ) {
        let (header, chunks) = match Header::parse(bytes) {
            Ok(packet) => packet,
            Err(error) => return sink.refuse(error),
        };
        let key = Key {
            src: SocketAddr::new(src, header.src_port),
            dst: SocketAddr::new(dst, header.dst_port),
            verification_tag: header.verification_tag,
        };
        let mut carried = false;
        let mut association = None;
        for chunk in chunks {
            match chunk.and_then(|chunk| read_m3ua(header, chunk)) {
                Ok(Some(data)) => {
                    carried = true;
                    if association.is_none() {
                        let make = || Association::new(data.tsn);
                        let (found, evicted) = self.associations.touch_or_insert(key, make);
                        association = found;
                        if let Some((_, evicted)) = evicted {
                            self.held -= evicted.cost;
                            sink.fault(Layer::Sctp, Kind::Evicted);
                        }
                    }
                    let Some(association) = &mut association else { continue };
                    let before = association.cost;
                    association.accept(&data, self.limits.association_bytes_max, sink);
                    self.held = self.held - before + association.cost;
                }
                Ok(None) => {}
                Err(error) => {
                    carried = true;
                    sink.refuse(error);
                }
            }
        }
        if !carried {
            sink.skip(Skip::SctpOther);
        }
        while self.held > self.limits.bytes_max {
            let Some((_, evicted)) = self.associations.pop_oldest() else { return };
            self.held -= evicted.cost;
            sink.fault(Layer::Sctp, Kind::Evicted);
        }
    }
}

/// The chunk's data when it belongs to M3UA.
fn read_m3ua(header: Header, chunk: Chunk<'_>) -> Result<Option<Data<'_>>, DecodeError> {
    if chunk.kind != DATA {
        return Ok(None);
    }
    let data = Data::parse(chunk)?;
    Ok(data.is_m3ua(header).then_some(data))
}

impl Association {
    fn new(tsn: u32) -> Self {
        Self { newest: tsn.wrapping_sub(1), seen: [0; RECENT as usize / 64], parts: Vec::new(), cost: 0 }
    }

    fn accept<F: FnMut(Pdu<'_>)>(&mut self, data: &Data<'_>, bytes_max: usize, sink: &mut Sink<'_, F>) {
        if !self.note(data.tsn) {
            sink.fault(Layer::Sctp, Kind::Duplicate);
            return;
        }
        if data.first && data.last {
            ss7::m3ua(data.payload, sink);
            return;
        }
        self.drop_stale(sink);
        self.keep(data);
        if let Some(message) = self.take_whole(data.tsn) {
            ss7::m3ua(&message, sink);
        }
        if self.parts.len() > PARTS_MAX || self.cost > bytes_max {
            self.parts.clear();
            self.cost = 0;
            sink.fault(Layer::Sctp, Kind::TooMany);
        }
    }

    /// Remembers a sequence number; false when it was there. One far from the others begins a new window: the
    /// association was opened again.
    fn note(&mut self, tsn: u32) -> bool {
        let (ahead, behind) = (tsn.wrapping_sub(self.newest), self.newest.wrapping_sub(tsn));
        if (1..=RECENT).contains(&ahead) {
            for step in 1..=ahead {
                let (word, bit) = place(self.newest.wrapping_add(step));
                self.seen[word] &= !bit;
            }
            self.newest = tsn;
        } else if behind >= RECENT {
            self.seen = [0; RECENT as usize / 64];
            self.newest = tsn;
        }
        let (word, bit) = place(tsn);
        let fresh = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        fresh
    }

    fn keep(&mut self, data: &Data<'_>) {
        let place = self.parts.partition_point(|part| part.tsn.wrapping_sub(data.tsn) as i32 <= 0);
        let part = Part { tsn: data.tsn, first: data.first, last: data.last, bytes: data.payload.to_vec() };
        self.cost += part.bytes.len() + PART_OVERHEAD;
        self.parts.insert(place, part);
    }

    /// The message that the fragment with this number completes: a run without a hole, from a first to a last.
    fn take_whole(&mut self, tsn: u32) -> Option<Vec<u8>> {
        let here = self.parts.iter().position(|part| part.tsn == tsn)?;
        let joined =
            |pair: &[Part]| pair[1].tsn == pair[0].tsn.wrapping_add(1) && !pair[0].last && !pair[1].first;
        let mut start = here;
        while start > 0 && joined(&self.parts[start - 1..=start]) {
            start -= 1;
        }
        let mut end = here + 1;
        while end < self.parts.len() && joined(&self.parts[end - 1..=end]) {
            end += 1;
        }
        if !self.parts[start].first || !self.parts[end - 1].last {
            return None;
        }
        let mut message = Vec::new();
        for part in self.parts.drain(start..end) {
            self.cost -= part.bytes.len() + PART_OVERHEAD;
            message.extend_from_slice(&part.bytes);
        }
        Some(message)
    }

    /// Fragments so old that what they lack will not come.
    fn drop_stale<F: FnMut(Pdu<'_>)>(&mut self, sink: &mut Sink<'_, F>) {
        let newest = self.newest;
        let before = self.parts.len();
        self.parts.retain(|part| newest.wrapping_sub(part.tsn) < RECENT);
        if self.parts.len() < before {
            self.cost = self.parts.iter().map(|part| part.bytes.len() + PART_OVERHEAD).sum();
            sink.fault(Layer::Sctp, Kind::Gap);
        }
    }
}

fn place(tsn: u32) -> (usize, u64) {
    let slot = tsn % RECENT;
    ((slot / 64) as usize, 1 << (slot % 64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::{AssembleOptions, Assembler};
    use crate::base::frame::{Envelope, Frame, Link, Mtp, RoutingLabel, UserPart};
    use crate::base::time::At;
    use crate::wire::m3ua::ProtocolData;
    use crate::wire::net::{SCTP, build};
    use proptest::prelude::*;

    const LABEL: RoutingLabel =
        RoutingLabel { standard: Mtp::Itu, opc: 200, dpc: 400, network_indicator: 2, sls: 5 };
    const WHOLE: (bool, bool) = (true, true);

    fn m3ua(user: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        ProtocolData { label: LABEL, service_indicator: 5, priority: 0, user }.emit(&mut bytes);
        bytes
    }

    fn data(tsn: u32, (first, last): (bool, bool), payload: &[u8]) -> Data<'_> {
        Data { tsn, stream: 1, stream_sequence: 0, protocol: 3, first, last, unordered: false, payload }
    }

    fn push(assembler: &mut Assembler, tag: u32, chunks: &[Data<'_>]) -> Vec<Vec<u8>> {
        let mut packet = Vec::new();
        Header { src_port: 2905, dst_port: 2905, verification_tag: tag }.emit(&mut packet);
        chunks.iter().for_each(|chunk| chunk.emit(&mut packet));
        let bytes = build::ethernet(&build::ipv4(SCTP, &packet));
        let wire_length = bytes.len() as u32;
        let frame = Frame { at: At::default(), number: 1, link: Link::Ethernet, bytes: &bytes, wire_length };
        let mut found = Vec::new();
        assembler.push(frame, &mut |pdu| {
            assert_eq!(pdu.envelope, Envelope::Isup { label: LABEL, part: UserPart::Isup });
            found.push(pdu.bytes.to_vec());
        });
        found
    }

    #[test]
    fn several_chunks_of_a_packet_and_none_twice() {
        let mut assembler = Assembler::new(AssembleOptions::default());
        let (a, b, c) = (m3ua(b"a"), m3ua(b"bb"), m3ua(b"ccc"));
        let chunks = [data(5, WHOLE, &a), data(6, WHOLE, &b), data(7, WHOLE, &c)];
        assert_eq!(push(&mut assembler, 1, &chunks), [&b"a"[..], b"bb", b"ccc"]);
        assert_eq!(push(&mut assembler, 1, &chunks[1..]), [b""; 0]);
        assert_eq!(assembler.faults().of(Layer::Sctp, Kind::Duplicate), 2);
        // Another association, and this one opened again.
        assert_eq!(push(&mut assembler, 2, &chunks[..1]), [b"a"]);
        assert_eq!(push(&mut assembler, 1, &[data(5 + 5000, WHOLE, &a)]), [b"a"]);
        assert_eq!(push(&mut assembler, 1, &[data(5, WHOLE, &a)]), [b"a"]);
    }

    #[test]
    fn remembers_exactly_the_recent_numbers() {
        let mut association = Association::new(u32::MAX - 5);
        let numbers = || (0..3 * RECENT).map(|step| step.wrapping_sub(6));
        assert!(numbers().all(|tsn| association.note(tsn)));
        assert!(numbers().skip(2 * RECENT as usize).all(|tsn| !association.note(tsn)));
    }

    #[test]
    fn other_payload_protocols_are_skipped() {
        let mut assembler = Assembler::new(AssembleOptions::default());
        let other = Data { protocol: 46, ..data(1, WHOLE, b"diameter") };
        assert_eq!(push(&mut assembler, 1, &[other]), [b""; 0]);
        let unnamed = m3ua(b"a");
        assert_eq!(push(&mut assembler, 1, &[Data { protocol: 0, ..data(2, WHOLE, &unnamed) }]), [b"a"]);
        assert_eq!(assembler.skips().of(Skip::SctpOther), 1);
    }

    #[test]
    fn floods_stay_within_bounds() {
        let options = AssembleOptions {
            associations_max: 8,
            association_bytes_max: 3000,
            chunk_bytes_max: 5000,
            ..AssembleOptions::default()
        };
        let mut assembler = Assembler::new(options);
        for step in 0..3000_u32 {
            push(&mut assembler, step % 30, &[data(step * 2, (true, false), &[1; 500])]);
            push(&mut assembler, 1, &[data(step * 3, (false, false), &[1; 100])]);
            let chunks = &assembler.chunks;
            assert!(chunks.held <= 5000 && chunks.associations.len() <= 8);
        }
        let faults = assembler.faults();
        assert!(faults.of(Layer::Sctp, Kind::Evicted) > 0 && faults.of(Layer::Sctp, Kind::TooMany) > 0);
    }

    proptest! {
        #[test]
        fn fragments_in_any_order_give_the_message(
            mut users in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), 1..5),
            size in 8..40_usize,
            keys in prop::collection::vec(any::<u32>(), PARTS_MAX),
            tsn in prop::sample::select(vec![0, 9, u32::MAX - 3]),
        ) {
            let messages: Vec<_> = users.iter().map(|user| m3ua(user)).collect();
            let parts = messages.iter().flat_map(|message| {
                let count = message.len().div_ceil(size);
                message.chunks(size).enumerate().map(move |(place, part)| ((place == 0, place + 1 == count), part))
            });
            let mut parts: Vec<_> = keys.into_iter().zip(0..).zip(parts).collect();
            parts.sort_unstable();
            let mut assembler = Assembler::new(AssembleOptions::default());
            let mut found = Vec::new();
            for ((_, step), (ends, part)) in parts {
                found.extend(push(&mut assembler, 1, &[data(tsn.wrapping_add(step), ends, part)]));
            }
            found.sort_unstable();
            users.sort_unstable();
            prop_assert_eq!(found, users);
            prop_assert_eq!(assembler.chunks.held, 0);
            prop_assert_eq!(assembler.faults().nonzero().count(), 0);
        }
    }
}
