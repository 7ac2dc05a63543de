//! Frame → IP packet → UDP or TCP. Ethernet with VLAN tags (IEEE 802.1Q §9), Linux cooked capture, null and raw links;
//! IPv4 (RFC 791), IPv6 with its extension headers (RFC 8200 §4), IP in IP once (RFC 2003, RFC 2473); UDP (RFC 768),
//! TCP (RFC 9293 §3.1).
//!
//! Length fields are believed before the length of the frame, so padding never leaks into a payload; one that cannot
//! be true is a [`Packet::flaw`], and the bytes that are there are used. Checksums are not verified: network cards
//! leave them to be filled in later, and taps show them unfilled.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::base::fault::{Kind, Layer};
use crate::base::frame::{Frame, Link};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// IP protocol number of TCP.
pub const TCP: u8 = 6;
/// IP protocol number of UDP.
pub const UDP: u8 = 17;
/// IP protocol number of SCTP.
pub const SCTP: u8 = 132;

const IPV4_IN_IP: u8 = 4;
const IPV6_IN_IP: u8 = 41;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const VLAN_TAGS_MAX: usize = 3;
const EXTENSION_HEADERS_MAX: usize = 8;

/// One IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Sender.
    pub src: IpAddr,
    /// Receiver.
    pub dst: IpAddr,
    /// What the payload is: [`UDP`], [`TCP`], [`SCTP`] or another number of the IANA list.
    pub protocol: u8,
    /// Set when the payload is only a part of a datagram.
    pub fragment: Option<Fragment>,
    /// What follows the IP headers.
    pub payload: &'a [u8],
    /// [`Kind::Truncated`] when the snap length cut the packet, [`Kind::BadLength`] when its length field lies. The
    /// payload is then what is there.
    pub flaw: Option<Kind>,
}

/// Place of a fragment in its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification, 16 bits in IPv4, 32 in IPv6.
    pub identification: u32,
    /// Octets of the datagram before it, 0 to 65,528.
    pub offset: u32,
    /// More follow.
    pub more: bool,
}

impl<'a> Packet<'a> {
    /// Reads a frame down to its innermost IP packet. `None` when the frame carries no IP.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when a header is cut, [`Kind::BadLength`] when a header is shorter than its fixed part,
    /// [`Kind::BadSyntax`] when the version is neither 4 nor 6, [`Kind::TooMany`] extension headers.
    pub fn parse(frame: &Frame<'a>) -> Result<Option<Self>, DecodeError> {
        let Some(bytes) = strip_link(frame.link, frame.bytes)? else { return Ok(None) };
        let cut = usize::try_from(frame.wire_length).unwrap_or(usize::MAX) > frame.bytes.len();
        let outer = parse_ip(bytes, cut)?;
        if !matches!(outer.protocol, IPV4_IN_IP | IPV6_IN_IP) || outer.fragment.is_some() {
            return Ok(Some(outer));
        }
        let inner = parse_ip(outer.payload, cut)?;
        Ok(Some(Self { flaw: outer.flaw.or(inner.flaw), ..inner }))
    }
}

fn strip_link(link: Link, bytes: &[u8]) -> Result<Option<&[u8]>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Link, bytes);
    match link {
        Link::Ethernet => cursor.skip(12)?,
        Link::LinuxSll => cursor.skip(14)?,
        Link::LinuxSll2 => {
            let protocol = cursor.u16()?;
            cursor.skip(18)?;
            return strip_tags(protocol, cursor);
        }
        Link::RawIp => return Ok(Some(bytes)),
        Link::Null => return strip_family(cursor),
        Link::Mtp2WithHeader | Link::Mtp2 | Link::Mtp3 => return Ok(None),
    }
    let ethertype = cursor.u16()?;
    strip_tags(ethertype, cursor)
}

fn strip_tags(mut ethertype: u16, mut cursor: Cursor<'_>) -> Result<Option<&[u8]>, DecodeError> {
    for _ in 0..=VLAN_TAGS_MAX {
        match ethertype {
            ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => return Ok(Some(cursor.rest())),
            0x8100 | 0x88a8 | 0x9100 => {
                cursor.skip(2)?;
                ethertype = cursor.u16()?;
            }
            _ => return Ok(None),
        }
    }
    Err(cursor.error(Kind::TooMany))
}

/// The address family is in the byte order of the capturing host, and IPv6 differs from system to system.
fn strip_family(mut cursor: Cursor<'_>) -> Result<Option<&[u8]>, DecodeError> {
    let family = match cursor.array()? {
        [family, 0, 0, 0] | [0, 0, 0, family] => family,
        _ => return Ok(None),
    };
    Ok(matches!(family, 2 | 10 | 24 | 28 | 30).then(|| cursor.rest()))
}

fn parse_ip(bytes: &[u8], cut: bool) -> Result<Packet<'_>, DecodeError> {
    match bytes.first().map(|octet| octet >> 4) {
        Some(4) => parse_ipv4(bytes, cut),
        Some(6) => parse_ipv6(bytes, cut),
        Some(_) => Err(Cursor::new(Layer::Ip, bytes).error(Kind::BadSyntax)),
        None => Err(Cursor::new(Layer::Ip, bytes).error(Kind::Truncated)),
    }
}

#[inline]
fn parse_ipv4(bytes: &[u8], cut: bool) -> Result<Packet<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Ip, bytes);
    let [first, _, length @ .., i0, i1, f0, f1, _, protocol, _, _] = cursor.array::<12>()?;
    let (src, dst) = (cursor.array::<4>()?, cursor.array::<4>()?);
    let header_length = usize::from(first & 0x0f).saturating_mul(4);
    if header_length < 20 {
        return Err(cursor.error(Kind::BadLength));
    }
    cursor.skip(header_length.saturating_sub(20))?;
    let payload_length = usize::from(u16::from_be_bytes(length)).checked_sub(header_length);
    let (payload, flaw) = match payload_length {
        // Cards that cut segments themselves leave the total length 0 for the capture to see.
        None if length == [0, 0] => (cursor.rest(), None),
        length => believe(cursor.rest(), length, cut),
    };
    let (flags, offset) = (f0 >> 5, u32::from(u16::from_be_bytes([f0 & 0x1f, f1])).saturating_mul(8));
    let more = flags & 1 != 0;
    let identification = u32::from(u16::from_be_bytes([i0, i1]));
    let fragment = (more || offset != 0).then_some(Fragment { identification, offset, more });
    let (src, dst) = (IpAddr::V4(Ipv4Addr::from(src)), IpAddr::V4(Ipv4Addr::from(dst)));
    Ok(Packet { src, dst, protocol, fragment, payload, flaw })
}

fn parse_ipv6(bytes: &[u8], cut: bool) -> Result<Packet<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Ip, bytes);
    let [_, _, _, _, length @ .., mut protocol, _] = cursor.array::<8>()?;
    let (src, dst) = (cursor.array::<16>()?, cursor.array::<16>()?);
    let (rest, flaw) = match u16::from_be_bytes(length) {
        0 => (cursor.rest(), None),
        length => believe(cursor.rest(), Some(usize::from(length)), cut),
    };
    let mut cursor = Cursor::new(Layer::Ip, rest);
    let mut fragment = None;
    for _ in 0..EXTENSION_HEADERS_MAX {
        let header = protocol;
        match header {
            // Hop-by-hop, routing, destination options (RFC 8200 §4.3, §4.4, §4.6): units of eight octets after the first.
            0 | 43 | 60 => {
                let [next, units] = cursor.array()?;
                cursor.skip(usize::from(units).saturating_mul(8).saturating_add(6))?;
                protocol = next;
            }
            // Authentication header (RFC 4302 §2.2): units of four octets, less two.
            51 => {
                let [next, units] = cursor.array()?;
                cursor.skip(usize::from(units).saturating_mul(4).saturating_add(6))?;
                protocol = next;
            }
            44 => {
                let [next, _, o0, o1] = cursor.array()?;
                let (offset, more) = (u32::from(u16::from_be_bytes([o0, o1 & 0xf8])), o1 & 1 != 0);
                fragment = Some(Fragment { identification: cursor.u32()?, offset, more });
                protocol = next;
                // A fragment alone in its datagram is whole (RFC 6946).
                if offset == 0 && !more {
                    fragment = None;
                }
            }
            _ => {}
        }
        if fragment.is_some() || header == protocol {
            let (src, dst) = (IpAddr::V6(Ipv6Addr::from(src)), IpAddr::V6(Ipv6Addr::from(dst)));
            return Ok(Packet { src, dst, protocol, fragment, payload: cursor.rest(), flaw });
        }
    }
    Err(cursor.error(Kind::TooMany))
}

/// Cuts `bytes` to the length a header states, or says why it cannot be so.
fn believe(bytes: &[u8], length: Option<usize>, cut: bool) -> (&[u8], Option<Kind>) {
    match length.map(|length| bytes.get(..length)) {
        Some(Some(exact)) => (exact, None),
        Some(None) if cut => (bytes, Some(Kind::Truncated)),
        _ => (bytes, Some(Kind::BadLength)),
    }
}

/// One UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp<'a> {
    /// Sender's port.
    pub src_port: u16,
    /// Receiver's port.
    pub dst_port: u16,
    /// The data.
    pub payload: &'a [u8],
    /// The length field differs from the length of the IP payload. When it is smaller, the payload ends there.
    pub length_differs: bool,
}

impl<'a> Udp<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when shorter than 8 octets.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Udp, bytes);
        let [s0, s1, d0, d1, l0, l1, _, _] = cursor.array()?;
        let stated = usize::from(u16::from_be_bytes([l0, l1])).checked_sub(8);
        let rest = cursor.rest();
        Ok(Self {
            src_port: u16::from_be_bytes([s0, s1]),
            dst_port: u16::from_be_bytes([d0, d1]),
            payload: stated.and_then(|length| rest.get(..length)).unwrap_or(rest),
            length_differs: stated != Some(rest.len()),
        })
    }
}

/// One TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp<'a> {
    /// Sender's port.
    pub src_port: u16,
    /// Receiver's port.
    pub dst_port: u16,
    /// Sequence number of the first octet, or of the SYN.
    pub sequence: u32,
    /// FIN flag.
    pub fin: bool,
    /// SYN flag.
    pub syn: bool,
    /// RST flag.
    pub rst: bool,
    /// The data.
    pub payload: &'a [u8],
}

impl<'a> Tcp<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when the header is cut, [`Kind::BadLength`] when the data offset is less than 5.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Tcp, bytes);
        let (src_port, dst_port) = (cursor.u16()?, cursor.u16()?);
        let (sequence, _acknowledgement) = (cursor.u32()?, cursor.u32()?);
        let [data_offset, flags] = cursor.array()?;
        let options = usize::from(data_offset >> 4).saturating_mul(4).checked_sub(20);
        let options = options.ok_or_else(|| cursor.error(Kind::BadLength))?;
        cursor.skip(options.saturating_add(6))?;
        let (fin, syn, rst) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
        Ok(Self { src_port, dst_port, sequence, fin, syn, rst, payload: cursor.rest() })
    }
}

/// Honest packets, for tests.
#[cfg(test)]
pub(crate) mod build {
    #![allow(clippy::arithmetic_side_effects)]

    /// Untagged, IPv4.
    pub fn ethernet(ip: &[u8]) -> Vec<u8> {
        [&[0; 12], &[0x08, 0x00][..], ip].concat()
    }

    /// From 10.0.0.1 to 10.0.0.2, not fragmented.
    pub fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
        ipv4_fragment(protocol, (0, 0, false), payload)
    }

    /// From 10.0.0.1 to 10.0.0.2; identification, offset in octets, more.
    pub fn ipv4_fragment(protocol: u8, place: (u16, u16, bool), payload: &[u8]) -> Vec<u8> {
        let (identification, offset, more) = place;
        let mut bytes = vec![0x45, 0];
        bytes.extend_from_slice(&(20 + payload.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&identification.to_be_bytes());
        bytes.extend_from_slice(&((offset / 8) | (u16::from(more) << 13)).to_be_bytes());
        bytes.extend_from_slice(&[64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        bytes.extend_from_slice(payload);
        bytes
    }

    /// One datagram.
    pub fn udp(src_port: u16, dst_port: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = [src_port.to_be_bytes(), dst_port.to_be_bytes()].concat();
        bytes.extend_from_slice(&(8 + payload.len() as u16).to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(payload);
        bytes
    }

    /// One segment; flags as on the wire (FIN 1, SYN 2, RST 4, ACK 16).
    pub fn tcp(ports: (u16, u16), sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = [ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat();
        bytes.extend_from_slice(&sequence.to_be_bytes());
        bytes.extend_from_slice(&[0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        bytes.extend_from_slice(payload);
        bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use crate::base::time::At;
    use etherparse::{LaxNetSlice, LaxSlicedPacket};
    use proptest::prelude::*;

    fn frame(link: Link, bytes: &[u8]) -> Frame<'_> {
        Frame { at: At::default(), number: 1, link, bytes, wire_length: bytes.len() as u32 }
    }

    fn udp_over_ipv4(payload: &[u8]) -> Vec<u8> {
        build::ethernet(&build::ipv4(UDP, &build::udp(5060, 5061, payload)))
    }

    #[test]
    fn padding_is_not_payload() {
        let mut bytes = udp_over_ipv4(b"hello");
        bytes.resize(60, 0xee);
        let packet = Packet::parse(&frame(Link::Ethernet, &bytes)).unwrap().unwrap();
        let udp = Udp::parse(packet.payload).unwrap();
        assert_eq!((udp.payload, udp.length_differs, packet.flaw), (&b"hello"[..], false, None));
    }

    #[test]
    fn says_cut_when_cut_and_lying_when_lying() {
        let bytes = udp_over_ipv4(b"hello");
        let short = &bytes[..bytes.len() - 2];
        let lying = Packet::parse(&frame(Link::Ethernet, short)).unwrap().unwrap();
        assert_eq!(lying.flaw, Some(Kind::BadLength));
        let cut = Frame { wire_length: bytes.len() as u32, ..frame(Link::Ethernet, short) };
        let cut = Packet::parse(&cut).unwrap().unwrap();
        assert_eq!(
            (cut.flaw, Udp::parse(cut.payload).unwrap().payload),
            (Some(Kind::Truncated), &b"hel"[..])
        );
    }

    #[test]
    fn every_link_leads_to_the_same_packet() {
        let ethernet = udp_over_ipv4(b"hello");
        let ip = &ethernet[14..];
        let with = |head: &[u8]| [head, ip].concat();
        let tagged = [&[0; 12], &[0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0][..]].concat();
        let frames = [
            (Link::Ethernet, ethernet.clone()),
            (Link::Ethernet, with(&tagged)),
            (Link::LinuxSll, with(&[&[0; 14][..], &[8, 0]].concat())),
            (Link::LinuxSll2, with(&[&[8, 0][..], &[0; 18]].concat())),
            (Link::RawIp, ip.to_vec()),
            (Link::Null, with(&[2, 0, 0, 0])),
            (Link::Null, with(&[0, 0, 0, 2])),
        ];
        for (link, bytes) in &frames {
            let packet = Packet::parse(&frame(*link, bytes)).unwrap().unwrap();
            assert_eq!((packet.protocol, packet.payload), (UDP, &ip[20..]), "{link:?}");
        }
        assert_eq!(Packet::parse(&frame(Link::Ethernet, &[0; 14])), Ok(None));
    }

    #[test]
    fn looks_into_ip_in_ip_once() {
        let inner = &udp_over_ipv4(b"hello")[14..];
        let mut outer =
            vec![0x45, 0, 0, 20 + inner.len() as u8, 0, 0, 0, 0, 64, 4, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
        outer.extend_from_slice(inner);
        let packet = Packet::parse(&frame(Link::RawIp, &outer)).unwrap().unwrap();
        assert_eq!((packet.protocol, packet.src), (UDP, IpAddr::from([10, 0, 0, 1])));
    }

    #[test]
    fn ipv6_fragment_behind_options() {
        let mut bytes = vec![0x60, 0, 0, 0, 0, 20, 0, 64];
        bytes.extend_from_slice(&[1; 32]);
        bytes.extend_from_slice(&[44, 0, 1, 4, 0, 0, 0, 0]);
        bytes.extend_from_slice(&[UDP, 0, 0x05, 0xa9, 0, 0, 0, 7]);
        bytes.extend_from_slice(b"data");
        let packet = Packet::parse(&frame(Link::RawIp, &bytes)).unwrap().unwrap();
        assert_eq!(packet.fragment, Some(Fragment { identification: 7, offset: 1448, more: true }));
        assert_eq!((packet.protocol, packet.payload, packet.flaw), (UDP, &b"data"[..], None));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..120), extra in 0..9_u32) {
            for link in [Link::Ethernet, Link::LinuxSll, Link::LinuxSll2, Link::RawIp, Link::Null, Link::Mtp3] {
                let frame = Frame { wire_length: bytes.len() as u32 + extra, ..frame(link, &bytes) };
                if let Ok(Some(packet)) = Packet::parse(&frame) {
                    let _ = Udp::parse(packet.payload);
                    let _ = Tcp::parse(packet.payload);
                }
            }
        }

        /// The same packets as etherparse reads them: addresses, protocol and payload.
        #[test]
        fn agrees_with_etherparse(
            mut bytes in prop::collection::vec(any::<u8>(), 20..120),
            first in prop::sample::select(vec![0x45, 0x46, 0x60]),
            protocol in prop::sample::select(vec![UDP, TCP, SCTP, 0, 43, 44, 60]),
            length in 0..140_u16,
        ) {
            bytes[0] = first;
            let v6 = first == 0x60;
            if v6 {
                bytes[4..6].copy_from_slice(&length.to_be_bytes());
                bytes[6] = protocol;
            } else {
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
                bytes[9] = if protocol > TCP { protocol } else { UDP };
            }
            let Ok(Some(ours)) = Packet::parse(&frame(Link::RawIp, &bytes)) else { return Ok(()) };
            let nested = matches!(bytes[if v6 { 6 } else { 9 }], IPV4_IN_IP | IPV6_IN_IP);
            let theirs = LaxSlicedPacket::from_ip(&bytes).unwrap();
            let (source, payload) = match theirs.net.as_ref().unwrap() {
                LaxNetSlice::Ipv4(ip) => (IpAddr::V4(ip.header().source_addr()), ip.payload()),
                LaxNetSlice::Ipv6(ip) => (IpAddr::V6(ip.header().source_addr()), ip.payload()),
                _ => return Ok(()),
            };
            // After a fragment header it reads on where we stop, so only whole packets compare.
            if ours.fragment.is_none() && !nested && !payload.fragmented && ours.src == source {
                prop_assert_eq!((ours.protocol, ours.payload), (payload.ip_number.0, payload.payload));
            }
        }
    }
}
