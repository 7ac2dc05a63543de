//! One whole IP packet as a queue hands it over: where its payload lies, and a packet around another payload.
//! IPv4 (RFC 791), IPv6 with options and routing headers (RFC 8200 §4).

use crate::base::fault::{Kind, Layer};
use crate::inline::udp::Sum;
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

const IPV6_HEADER_LENGTH: usize = 40;
const EXTENSION_HEADERS_MAX: usize = 8;

/// Headers and payload of an IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip<'a> {
    /// Everything before the payload, with the extension headers of IPv6.
    pub headers: &'a [u8],
    /// What the payload is: a number of the IANA list.
    pub protocol: u8,
    /// It is a part of a datagram.
    pub is_fragment: bool,
    /// What follows the headers, up to the length that they state.
    pub payload: &'a [u8],
}

impl<'a> Ip<'a> {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when the packet is shorter than it says, [`Kind::BadLength`] for lengths that cannot be,
    /// [`Kind::BadSyntax`] for another version, [`Kind::TooMany`] extension headers.
    pub fn parse(packet: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Ip, packet);
        match packet.first().map(|octet| octet >> 4) {
            Some(4) => Self::parse_v4(packet, cursor),
            Some(6) => Self::parse_v6(packet, cursor),
            _ => Err(cursor.u8().map_or_else(|error| error, |_| cursor.error(Kind::BadSyntax))),
        }
    }

    fn parse_v4(packet: &'a [u8], mut cursor: Cursor<'a>) -> Result<Self, DecodeError> {
        let [first, _, l0, l1, _, _, f0, f1, _, protocol] = cursor.array()?;
        let header_length = usize::from(first & 0x0F) * 4;
        let total_length = usize::from(u16::from_be_bytes([l0, l1]));
        if header_length < 20 || total_length < header_length {
            return Err(cursor.error(Kind::BadLength));
        }
        let is_fragment = u16::from_be_bytes([f0 & 0x3F, f1]) != 0;
        let (headers, payload) = split(packet, header_length, total_length, &cursor)?;
        Ok(Self { headers, protocol, is_fragment, payload })
    }

    fn parse_v6(packet: &'a [u8], mut cursor: Cursor<'a>) -> Result<Self, DecodeError> {
        let [_, _, _, _, l0, l1, mut protocol, _] = cursor.array()?;
        let total_length = IPV6_HEADER_LENGTH.saturating_add(usize::from(u16::from_be_bytes([l0, l1])));
        cursor.skip(32)?;
        for _ in 0..EXTENSION_HEADERS_MAX {
            match protocol {
                // Hop-by-hop, routing, destination options: units of eight octets after the first.
                0 | 43 | 60 => {
                    let [next, units] = cursor.array()?;
                    cursor.skip(usize::from(units).saturating_mul(8).saturating_add(6))?;
                    protocol = next;
                }
                _ => {
                    // A fragment header hides what follows, and so is left for last.
                    let is_fragment = protocol == 44;
                    let (headers, payload) = split(packet, cursor.position(), total_length, &cursor)?;
                    return Ok(Self { headers, protocol, is_fragment, payload });
                }
            }
        }
        Err(cursor.error(Kind::TooMany))
    }

    /// The packet with another payload; lengths and the checksum of IPv4 are made right. `None` when it would be longer
    /// than its length field can say.
    #[must_use]
    pub fn with_payload(&self, payload: &[u8]) -> Option<Vec<u8>> {
        let mut packet = Vec::with_capacity(self.headers.len().saturating_add(payload.len()));
        packet.extend_from_slice(self.headers);
        packet.extend_from_slice(payload);
        let is_v4 = packet.first()? >> 4 == 4;
        let counted = if is_v4 { packet.len() } else { packet.len().checked_sub(IPV6_HEADER_LENGTH)? };
        let length = u16::try_from(counted).ok()?.to_be_bytes();
        packet.get_mut(if is_v4 { 2..4 } else { 4..6 })?.copy_from_slice(&length);
        if is_v4 {
            packet.get_mut(10..12)?.fill(0);
            let mut sum = Sum::default();
            sum.add(packet.get(..self.headers.len())?);
            packet.get_mut(10..12)?.copy_from_slice(&sum.finish().to_be_bytes());
        }
        Some(packet)
    }
}

fn split<'a>(
    packet: &'a [u8],
    header_length: usize,
    total_length: usize,
    cursor: &Cursor<'_>,
) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
    let whole = packet.get(..total_length).ok_or_else(|| cursor.error(Kind::Truncated))?;
    whole.split_at_checked(header_length).ok_or_else(|| cursor.error(Kind::BadLength))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use proptest::prelude::*;

    const V4: [u8; 24] = [0x46, 0, 0, 27, 0, 1, 0x40, 0, 64, 132, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 1];

    fn checksum(bytes: &[u8]) -> u16 {
        let mut sum = Sum::default();
        sum.add(bytes);
        sum.finish()
    }

    fn v6(extension: &[u8], next: u8) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, extension.len() as u8 + 3, next, 64];
        packet.extend([1; 32]);
        packet.extend(extension);
        packet.extend(b"abc");
        packet
    }

    #[test]
    fn finds_the_payload_behind_options_and_before_padding() {
        let packet = [&V4[..], b"abc", b"padding"].concat();
        let ip = Ip::parse(&packet).unwrap();
        assert_eq!(
            (ip.headers.len(), ip.protocol, ip.is_fragment, ip.payload),
            (24, 132, false, &b"abc"[..])
        );
        let packet = v6(&[132, 0, 1, 4, 0, 0, 0, 0], 60);
        let ip = Ip::parse(&packet).unwrap();
        assert_eq!(
            (ip.headers.len(), ip.protocol, ip.is_fragment, ip.payload),
            (48, 132, false, &b"abc"[..])
        );
    }

    #[test]
    fn knows_fragments() {
        for (octet, value) in [(6, 0x20), (7, 1), (6, 0x1F)] {
            let mut packet = [&V4[..], b"abc"].concat();
            packet[octet] = value;
            assert!(Ip::parse(&packet).unwrap().is_fragment);
        }
        assert!(Ip::parse(&v6(&[132, 0, 0, 1, 0, 0, 0, 9], 44)).unwrap().is_fragment);
    }

    #[test]
    fn another_payload_gets_right_lengths_and_a_right_checksum() {
        let packet = [&V4[..], b"abc"].concat();
        let longer = Ip::parse(&packet).unwrap().with_payload(b"defgh").unwrap();
        let ip = Ip::parse(&longer).unwrap();
        assert_eq!((ip.payload, checksum(ip.headers)), (&b"defgh"[..], 0));
        let packet = v6(&[132, 0, 1, 4, 0, 0, 0, 0], 60);
        let shorter = Ip::parse(&packet).unwrap().with_payload(b"d").unwrap();
        assert_eq!(Ip::parse(&shorter).unwrap().payload, b"d");
        assert_eq!(Ip::parse(&packet).unwrap().with_payload(&vec![0; 65_536]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..80), version in 0..3_u8) {
            if let Some(first) = bytes.first_mut() {
                *first = [0x45, 0x60, *first][usize::from(version)];
            }
            if let Ok(ip) = Ip::parse(&bytes) {
                let again = ip.with_payload(ip.payload).unwrap();
                prop_assert_eq!(Ip::parse(&again).unwrap().payload, ip.payload);
            }
        }
    }
}
