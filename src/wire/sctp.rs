//! SCTP packets, chunks and DATA chunks. RFC 9260 §3. I-DATA chunks are in [`interleaved`], others in [`control`].
//!
//! Reading does not verify the checksum: taps cut packets and cards fill it in late. [`Header::emit`] writes it as zero;
//! whoever sends a packet [`seal`]s it, whoever changes one asks [`is_sealed`] first, and whoever counts asks for its
//! [`Checksum`].

pub mod control;
pub mod interleaved;

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::crc32c::crc32c;
use crate::wire::cursor::Cursor;
use crate::wire::sigtran::Adaptation;

/// Chunk type of payload data (§3.3.1).
pub const DATA: u8 = 0;
/// Octets of the common header.
pub const HEADER_LENGTH: usize = 12;

/// Ports of SIGTRAN on which a chunk without a name is M3UA: M2UA and old M3UA, M3UA, SUA.
const SIGTRAN_PORTS: [u16; 3] = [2904, 2905, 14_001];

/// Common header (§3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Sender's port.
    pub src_port: u16,
    /// Receiver's port.
    pub dst_port: u16,
    /// Verification tag: names the association in this direction.
    pub verification_tag: u32,
}

impl Header {
    /// Reads the header; the chunks follow.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when shorter than 12 octets.
    #[inline]
    pub fn parse(bytes: &[u8]) -> Result<(Self, Chunks<'_>), DecodeError> {
        let mut cursor = Cursor::new(Layer::Sctp, bytes);
        let (src_port, dst_port) = (cursor.u16()?, cursor.u16()?);
        let verification_tag = cursor.u32()?;
        cursor.skip(4)?;
        Ok((Self { src_port, dst_port, verification_tag }, Chunks { cursor }))
    }

    /// Writes the header with a checksum of zero.
    pub fn emit(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.src_port.to_be_bytes());
        out.extend_from_slice(&self.dst_port.to_be_bytes());
        out.extend_from_slice(&self.verification_tag.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
    }
}

/// What the checksum of a whole packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// Adler-32, of RFC 2960 §6.8 before RFC 3309 replaced it.
    Adler32,
    /// Zero: left for the card to fill in, or agreed on (RFC 9653).
    Absent,
    /// CRC32c (RFC 9260 §6.8).
    Crc32c,
    /// None of them.
    Wrong,
}

impl Checksum {
    /// That of a packet; one shorter than its header is wrong.
    #[must_use]
    pub fn of(packet: &[u8]) -> Self {
        let Some((head, [c0, c1, c2, c3, chunks @ ..])) = packet.split_first_chunk::<8>() else {
            return Self::Wrong;
        };
        let stated = [*c0, *c1, *c2, *c3];
        let parts = [&head[..], &[0; 4], chunks];
        match u32::from_le_bytes(stated) {
            0 => Self::Absent,
            stated if stated == crc32c(&parts) => Self::Crc32c,
            _ if u32::from_be_bytes(stated) == adler32(&parts) => Self::Adler32,
            _ => Self::Wrong,
        }
    }
}

/// RFC 1950 §8.2: two sums modulo 65,521.
fn adler32(parts: &[&[u8]]) -> u32 {
    const MODULUS: u32 = 65_521;
    /// As many octets as may be added before 32 bits overflow.
    const BLOCK: usize = 5552;
    let (mut low, mut high) = (1_u32, 0_u32);
    for block in parts.iter().flat_map(|part| part.chunks(BLOCK)) {
        for octet in block {
            low = low.wrapping_add(u32::from(*octet));
            high = high.wrapping_add(low);
        }
        (low, high) = (low % MODULUS, high % MODULUS);
    }
    high << 16 | low
}

/// Whether the checksum of a whole packet is that of RFC 9260 §6.8, or was left for the card to fill in.
#[must_use]
pub fn is_sealed(packet: &[u8]) -> bool {
    matches!(Checksum::of(packet), Checksum::Absent | Checksum::Crc32c)
}

/// Writes the checksum of a whole packet (§6.8). What is shorter than a header is left as it is.
pub fn seal(packet: &mut [u8]) {
    if let Some((head, [c0, c1, c2, c3, chunks @ ..])) = packet.split_first_chunk_mut::<8>() {
        [*c0, *c1, *c2, *c3] = crc32c(&[head, &[0; 4], chunks]).to_le_bytes();
    }
}

/// First fragment, last fragment, unordered: bits B, E and U of a chunk of data (§3.3.1).
const fn read_flags(flags: u8) -> (bool, bool, bool) {
    (flags & 2 != 0, flags & 1 != 0, flags & 4 != 0)
}

fn flags_of(first: bool, last: bool, unordered: bool) -> u8 {
    u8::from(last) | u8::from(first) << 1 | u8::from(unordered) << 2
}

fn emit_chunk(kind: u8, flags: u8, value: &[&[u8]], out: &mut Vec<u8>) {
    let value_length = value.iter().map(|part| part.len()).fold(0, usize::saturating_add);
    let length = u16::try_from(value_length.saturating_add(4)).unwrap_or(u16::MAX);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&length.to_be_bytes());
    value.iter().for_each(|part| out.extend_from_slice(part));
    out.extend(std::iter::repeat_n(0, value_length.wrapping_neg() & 3));
}

/// One chunk (§3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk<'a> {
    /// Chunk type.
    pub kind: u8,
    /// Chunk flags.
    pub flags: u8,
    /// Chunk value, without padding.
    pub value: &'a [u8],
}

/// Chunks of a packet, in order; ends at the first error.
#[derive(Clone, Copy, Debug)]
pub struct Chunks<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Chunks<'a> {
    /// Octets of the packet before the next chunk.
    #[must_use]
    pub const fn consumed(&self) -> usize {
        self.cursor.position()
    }

    #[inline]
    fn read(&mut self) -> Result<Chunk<'a>, DecodeError> {
        let (kind, flags) = (self.cursor.u8()?, self.cursor.u8()?);
        let length = usize::from(self.cursor.u16()?).checked_sub(4);
        let length = length.ok_or_else(|| self.cursor.error(Kind::BadLength))?;
        let value = self.cursor.take(length)?;
        // The last chunk's padding may be missing (§3.2: the length does not count it).
        let padding = length.wrapping_neg() & 3;
        self.cursor.skip(padding.min(self.cursor.rest().len()))?;
        Ok(Chunk { kind, flags, value })
    }
}

impl<'a> Iterator for Chunks<'a> {
    type Item = Result<Chunk<'a>, DecodeError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.cursor.is_empty() {
            return None;
        }
        let chunk = self.read();
        if chunk.is_err() {
            self.cursor = Cursor::new(Layer::Sctp, &[]);
        }
        Some(chunk)
    }
}

/// DATA chunk (§3.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// Transmission sequence number.
    pub tsn: u32,
    /// Stream identifier.
    pub stream: u16,
    /// Stream sequence number; without meaning when `unordered`.
    pub stream_sequence: u16,
    /// Payload protocol identifier; 3 is M3UA.
    pub protocol: u32,
    /// B bit: first fragment of a user message.
    pub first: bool,
    /// E bit: last fragment of a user message.
    pub last: bool,
    /// U bit.
    pub unordered: bool,
    /// User data.
    pub payload: &'a [u8],
}

impl<'a> Data<'a> {
    /// Reads the value of a DATA chunk.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when the fixed part is cut, [`Kind::BadLength`] when there is no user data (§3.3.1).
    #[inline]
    pub fn parse(chunk: Chunk<'a>) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Sctp, chunk.value);
        let tsn = cursor.u32()?;
        let (stream, stream_sequence) = (cursor.u16()?, cursor.u16()?);
        let protocol = cursor.u32()?;
        if cursor.is_empty() {
            return Err(cursor.error(Kind::BadLength));
        }
        let (first, last, unordered) = read_flags(chunk.flags);
        Ok(Self { tsn, stream, stream_sequence, protocol, first, last, unordered, payload: cursor.rest() })
    }

    /// Whether the user data are M3UA's.
    #[inline]
    #[must_use]
    pub fn is_m3ua(&self, header: Header) -> bool {
        match self.protocol {
            // Some senders leave it out, some write it in the byte order of their own (§3.3.1 asks for neither).
            0 => SIGTRAN_PORTS.contains(&header.src_port) || SIGTRAN_PORTS.contains(&header.dst_port),
            named => Adaptation::of_payload_protocol(named) == Some(Adaptation::M3ua),
        }
    }

    /// Writes the chunk with its header and padding. The payload must be shorter than 65,520 octets.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let mut fixed = [0; 12];
        let octets = self.tsn.to_be_bytes().into_iter().chain(self.stream.to_be_bytes());
        let octets = octets.chain(self.stream_sequence.to_be_bytes()).chain(self.protocol.to_be_bytes());
        fixed.iter_mut().zip(octets).for_each(|(place, octet)| *place = octet);
        let flags = flags_of(self.first, self.last, self.unordered);
        emit_chunk(DATA, flags, &[&fixed, self.payload], out);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_chunk_length_below_four_ends_the_walk() {
        let mut packet = Vec::new();
        Header { src_port: 1, dst_port: 2, verification_tag: 3 }.emit(&mut packet);
        packet.extend_from_slice(&[3, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 4]);
        let (_, chunks) = Header::parse(&packet).unwrap();
        let kinds: Vec<_> = chunks.map(|chunk| chunk.map(|chunk| chunk.kind).map_err(|e| e.kind)).collect();
        assert_eq!(kinds, [Ok(3), Err(Kind::BadLength)]);
    }

    #[test]
    fn a_sealed_packet_is_known_from_a_damaged_one() {
        let mut packet = Vec::new();
        Header { src_port: 1, dst_port: 2, verification_tag: 3 }.emit(&mut packet);
        packet.extend([10, 0, 0, 8, 1, 2, 3, 4]);
        assert!(is_sealed(&packet), "zero: not filled in yet");
        seal(&mut packet);
        assert!(is_sealed(&packet));
        for index in 0..packet.len() {
            let mut damaged = packet.clone();
            damaged[index] ^= 0x10;
            assert!(!is_sealed(&damaged), "octet {index}");
        }
        assert_eq!(Checksum::of(&packet), Checksum::Crc32c);
        assert!(!is_sealed(&packet[..11]));
        seal(&mut packet[..11]);
    }

    #[test]
    fn the_checksum_of_the_first_standard_is_known() {
        assert_eq!(adler32(&[b"Wiki", b"pedia"]), 0x11e6_0398);
        let mut packet = Vec::new();
        Header { src_port: 1, dst_port: 2, verification_tag: 3 }.emit(&mut packet);
        assert_eq!(Checksum::of(&packet), Checksum::Absent);
        let sum = adler32(&[&packet]);
        packet[8..12].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(Checksum::of(&packet), Checksum::Adler32);
        assert!(!is_sealed(&packet), "nobody who changes a packet writes it");
        packet[11] ^= 1;
        assert_eq!(Checksum::of(&packet), Checksum::Wrong);
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_read_back(
            tsn: u32, stream: u16, stream_sequence: u16, protocol: u32, flags in 0..8_u8,
            payload in prop::collection::vec(any::<u8>(), 1..40), count in 1..4_usize,
        ) {
            let (first, last, unordered) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
            let data = Data { tsn, stream, stream_sequence, protocol, first, last, unordered, payload: &payload };
            let mut packet = Vec::new();
            Header { src_port: 2905, dst_port: 2905, verification_tag: tsn }.emit(&mut packet);
            (0..count).for_each(|_| data.emit(&mut packet));
            let (header, chunks) = Header::parse(&packet).unwrap();
            prop_assert_eq!(header.verification_tag, tsn);
            let read: Vec<_> = chunks.map(|chunk| Data::parse(chunk.unwrap()).unwrap()).collect();
            prop_assert_eq!(read, vec![data; count]);
        }

        #[test]
        fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            if let Ok((_, chunks)) = Header::parse(&bytes) {
                chunks.flatten().for_each(|chunk| assert!(Data::parse(chunk).is_ok() || chunk.value.len() <= 12));
            }
        }
    }
}
