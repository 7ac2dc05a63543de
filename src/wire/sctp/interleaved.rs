//! I-DATA chunks: user messages whose fragments may come between those of others. RFC 8260 §2.1.

use super::{Chunk, flags_of, read_flags};
use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// Chunk type of payload data with interleaving (RFC 8260 §2.1).
pub const I_DATA: u8 = 64;

/// I-DATA chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterleavedData<'a> {
    /// Transmission sequence number.
    pub tsn: u32,
    /// Stream identifier.
    pub stream: u16,
    /// Message identifier: counts the ordered, and apart from them the unordered messages of a stream.
    pub message: u32,
    /// Payload protocol identifier, in the first fragment; the others hold their number in its place.
    pub protocol: Option<u32>,
    /// Fragment sequence number: 0 for the first.
    pub fragment: u32,
    /// B bit is told by `protocol`; this is the E bit: last fragment of a user message.
    pub last: bool,
    /// U bit.
    pub unordered: bool,
    /// User data.
    pub payload: &'a [u8],
}

impl<'a> InterleavedData<'a> {
    /// Reads the value of an I-DATA chunk.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when the fixed part is cut, [`Kind::BadLength`] when there is no user data.
    #[inline]
    pub fn parse(chunk: Chunk<'a>) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Sctp, chunk.value);
        let (tsn, stream) = (cursor.u32()?, cursor.u16()?);
        cursor.skip(2)?;
        let (message, shared) = (cursor.u32()?, cursor.u32()?);
        if cursor.is_empty() {
            return Err(cursor.error(Kind::BadLength));
        }
        let (first, last, unordered) = read_flags(chunk.flags);
        let (protocol, fragment) = if first { (Some(shared), 0) } else { (None, shared) };
        Ok(Self { tsn, stream, message, protocol, fragment, last, unordered, payload: cursor.rest() })
    }

    /// Writes the chunk with its header and padding. The payload must be shorter than 65,512 octets.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let mut fixed = [0; 16];
        let stream = [self.stream.to_be_bytes(), [0; 2]];
        let shared = self.protocol.unwrap_or(self.fragment);
        let octets = self.tsn.to_be_bytes().into_iter().chain(stream.into_iter().flatten());
        let octets = octets.chain(self.message.to_be_bytes()).chain(shared.to_be_bytes());
        fixed.iter_mut().zip(octets).for_each(|(place, octet)| *place = octet);
        let flags = flags_of(self.protocol.is_some(), self.last, self.unordered);
        super::emit_chunk(I_DATA, flags, &[&fixed, self.payload], out);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::wire::sctp::Header;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_emitted_is_read_back(
            tsn: u32, stream: u16, message: u32, protocol: Option<u32>, number: u32, last: bool, unordered: bool,
            payload in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            let fragment = if protocol.is_some() { 0 } else { number };
            let data =
                InterleavedData { tsn, stream, message, protocol, fragment, last, unordered, payload: &payload };
            let mut packet = Vec::new();
            Header { src_port: 2905, dst_port: 2905, verification_tag: tsn }.emit(&mut packet);
            data.emit(&mut packet);
            data.emit(&mut packet);
            let (_, chunks) = Header::parse(&packet).unwrap();
            let read: Vec<_> = chunks.map(|chunk| InterleavedData::parse(chunk.unwrap()).unwrap()).collect();
            prop_assert_eq!(read, vec![data; 2]);
        }

        #[test]
        fn any_bytes_never_panic(flags: u8, value in prop::collection::vec(any::<u8>(), 0..40)) {
            let read = InterleavedData::parse(Chunk { kind: I_DATA, flags, value: &value });
            prop_assert_eq!(read.is_ok(), value.len() > 16);
        }
    }
}
