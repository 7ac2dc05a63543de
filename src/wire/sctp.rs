//! SCTP packets, chunks and DATA chunks. RFC 9260 §3.
//!
//! Reading does not verify the CRC32c: taps cut packets and cards fill it in late. [`Header::emit`] writes it as zero;
//! whoever sends a packet [`seal`]s it, and whoever changes one asks [`is_sealed`] first.

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::crc32c::crc32c;
use crate::wire::cursor::Cursor;

/// Chunk type of payload data (§3.3.1).
pub const DATA: u8 = 0;
/// Payload protocol identifier of M3UA (RFC 4666 §1.4.7).
pub const PROTOCOL_M3UA: u32 = 3;
/// Octets of the common header.
pub const HEADER_LENGTH: usize = 12;

/// Ports of SIGTRAN: M2UA and old M3UA, M3UA, SUA.
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

/// Whether the checksum of a whole packet is right (§6.8). One of zero was left for the card to fill in.
#[must_use]
pub fn is_sealed(packet: &[u8]) -> bool {
    let Some((head, [c0, c1, c2, c3, chunks @ ..])) = packet.split_first_chunk::<8>() else { return false };
    let stated = u32::from_le_bytes([*c0, *c1, *c2, *c3]);
    stated == 0 || stated == crc32c(&[head, &[0; 4], chunks])
}

/// Writes the checksum of a whole packet (§6.8). What is shorter than a header is left as it is.
pub fn seal(packet: &mut [u8]) {
    if let Some((head, [c0, c1, c2, c3, chunks @ ..])) = packet.split_first_chunk_mut::<8>() {
        [*c0, *c1, *c2, *c3] = crc32c(&[head, &[0; 4], chunks]).to_le_bytes();
    }
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
        let (last, first, unordered) = (chunk.flags & 1 != 0, chunk.flags & 2 != 0, chunk.flags & 4 != 0);
        Ok(Self { tsn, stream, stream_sequence, protocol, first, last, unordered, payload: cursor.rest() })
    }

    /// Whether the user data are M3UA's.
    #[inline]
    #[must_use]
    pub fn is_m3ua(&self, header: Header) -> bool {
        match self.protocol {
            PROTOCOL_M3UA => true,
            // Some senders leave it out, some write it in the byte order of their own (§3.3.1 asks for neither).
            0 => SIGTRAN_PORTS.contains(&header.src_port) || SIGTRAN_PORTS.contains(&header.dst_port),
            other => other == PROTOCOL_M3UA.swap_bytes(),
        }
    }

    /// Writes the chunk with its header and padding. The payload must be shorter than 65,520 octets.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let flags = u8::from(self.last) | u8::from(self.first) << 1 | u8::from(self.unordered) << 2;
        let length = u16::try_from(self.payload.len().saturating_add(16)).unwrap_or(u16::MAX);
        out.extend_from_slice(&[DATA, flags]);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&self.tsn.to_be_bytes());
        out.extend_from_slice(&self.stream.to_be_bytes());
        out.extend_from_slice(&self.stream_sequence.to_be_bytes());
        out.extend_from_slice(&self.protocol.to_be_bytes());
        out.extend_from_slice(self.payload);
        let padding = self.payload.len().wrapping_neg() & 3;
        out.extend(std::iter::repeat_n(0, padding));
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
        assert!(!is_sealed(&packet[..11]));
        seal(&mut packet[..11]);
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
