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
use crate::wire::sctp::{Chunk, DATA, Data, Header};

/// Ports of SIGTRAN: M2UA and old M3UA, M3UA, SUA.
const SIGTRAN_PORTS: [u16; 3] = [2904, 2905, 14_001];
const PROTOCOL_M3UA: u32 = 3;

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
                        association = Self::find(&mut self.associations, &mut self.held, key, data.tsn, sink);
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

    fn find<'t, F: FnMut(Pdu<'_>)>(
        table: &'t mut Table<Key, Association>,
        held: &mut usize,
        key: Key,
        tsn: u32,
        sink: &mut Sink<'_, F>,
    ) -> Option<&'t mut Association> {
        if table.touch(&key).is_none()
            && let Some((_, evicted)) = table.insert(key, Association::new(tsn))
        {
            *held -= evicted.cost;
            sink.fault(Layer::Sctp, Kind::Evicted);
        }
        table.get_mut(&key)
    }
}

/// The chunk's data when it belongs to M3UA.
fn read_m3ua(header: Header, chunk: Chunk<'_>) -> Result<Option<Data<'_>>, crate::wire::DecodeError> {
    if chunk.kind != DATA {
        return Ok(None);
    }
    let data = Data::parse(chunk)?;
    let sigtran = SIGTRAN_PORTS.contains(&header.src_port) || SIGTRAN_PORTS.contains(&header.dst_port);
    let carries = match data.protocol {
        PROTOCOL_M3UA => true,
        // Some senders leave it out, some write it in the byte order of their own (§3.3.1 asks for neither).
        0 => sigtran,
        other => other == PROTOCOL_M3UA.swap_bytes(),
    };
    Ok(carries.then_some(data))
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
        let ahead = tsn.wrapping_sub(self.newest);
        if ahead == 0 || ahead > RECENT {
            let behind = self.newest.wrapping_sub(tsn);
            if behind >= RECENT {
                self.seen = [0; RECENT as usize / 64];
                self.newest = tsn;
            }
        } else {
            for step in 1..=ahead {
                let (word, bit) = place(self.newest.wrapping_add(step));
                self.seen[word] &= !bit;
            }
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
