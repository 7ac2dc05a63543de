//! UDP datagrams with their IP headers, to be read, rewritten and made. RFC 791 §3.1, RFC 8200 §3, §8.1, RFC 768; checksums
//! by RFC 1071.
//!
//! Fragments and IPv6 packets with extension headers are left alone.

use std::net::{IpAddr, SocketAddr};

use crate::base::frame::{Frame, Link};
use crate::base::time::At;
use crate::wire::net::{Packet, UDP, Udp};

const IPV4_HEADER: usize = 20;
const IPV6_HEADER: usize = 40;
const UDP_HEADER: usize = 8;
/// Hops of a forged packet.
const HOPS: u8 = 64;

/// One datagram in a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Sender.
    pub src: SocketAddr,
    /// Receiver.
    pub dst: SocketAddr,
    /// The data.
    pub payload: &'a [u8],
    /// Octets of the packet before the UDP header.
    header: usize,
}

/// What a packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen<'a> {
    /// A whole datagram.
    Datagram(Datagram<'a>),
    /// A part of one.
    Fragment,
    /// Anything else, or flawed.
    Other,
}

impl<'a> Seen<'a> {
    /// Looks at a packet, from its IP header on.
    #[must_use]
    pub fn of(packet: &'a [u8]) -> Self {
        let wire_length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
        let frame = Frame { at: At::default(), number: 0, link: Link::RawIp, bytes: packet, wire_length };
        let Ok(Some(ip)) = Packet::parse(&frame) else { return Self::Other };
        if ip.fragment.is_some() && ip.protocol == UDP {
            return Self::Fragment;
        }
        let header = match packet {
            [first, ..] if first >> 4 == 4 => usize::from(first & 0x0f).saturating_mul(4),
            _ => IPV6_HEADER,
        };
        // A tunnel or an extension header stands between.
        let is_direct = packet.get(header..).is_some_and(|rest| rest.as_ptr() == ip.payload.as_ptr());
        if ip.protocol != UDP || ip.fragment.is_some() || ip.flaw.is_some() || !is_direct {
            return Self::Other;
        }
        match Udp::parse(ip.payload) {
            Ok(udp) if !udp.length_differs => Self::Datagram(Datagram {
                src: SocketAddr::new(ip.src, udp.src_port),
                dst: SocketAddr::new(ip.dst, udp.dst_port),
                payload: udp.payload,
                header,
            }),
            _ => Self::Other,
        }
    }
}

/// Writes `packet`, which holds `datagram`, with another payload: lengths and checksums are made to fit, all else of the
/// headers stays, but an IPv4 packet that grows may be fragmented. Whether it could: not when it would be too long, nor when an
/// IPv6 packet would grow beyond `mtu` octets, for nobody on its way may fragment it. `out` is then empty.
#[must_use]
pub fn replace(
    packet: &[u8],
    datagram: &Datagram<'_>,
    payload: &[u8],
    mtu: usize,
    out: &mut Vec<u8>,
) -> bool {
    out.clear();
    let length = datagram.header.saturating_add(UDP_HEADER).saturating_add(payload.len());
    let grows = length > packet.len();
    let is_ipv6 = datagram.src.is_ipv6();
    let Some(header) = packet.get(..datagram.header) else { return false };
    if length > usize::from(u16::MAX) || is_ipv6 && grows && length > mtu {
        return false;
    }
    out.extend_from_slice(header);
    if grows
        && let [_, _, _, _, _, _, flags, _, ..] = out.as_mut_slice()
        && !is_ipv6
    {
        *flags &= !0x40;
    }
    put_datagram(out, (datagram.src, datagram.dst), payload);
    true
}

/// Writes a packet that was never sent. Whether it could: not when the addresses are of two families, or it would be too
/// long.
#[must_use]
pub fn forge(src: SocketAddr, dst: SocketAddr, payload: &[u8], out: &mut Vec<u8>) -> bool {
    out.clear();
    if payload.len().saturating_add(IPV6_HEADER).saturating_add(UDP_HEADER) > usize::from(u16::MAX) {
        return false;
    }
    match (src.ip(), dst.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            out.extend_from_slice(&[0x45, 0, 0, 0, 0, 0, 0, 0, HOPS, UDP, 0, 0]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            out.extend_from_slice(&[0x60, 0, 0, 0, 0, 0, UDP, HOPS]);
            out.extend_from_slice(&from.octets());
            out.extend_from_slice(&to.octets());
        }
        _ => return false,
    }
    put_datagram(out, (src, dst), payload);
    true
}

/// Appends the datagram to the IP header in `out`, and fills in the lengths and checksums of both.
fn put_datagram(out: &mut Vec<u8>, (src, dst): (SocketAddr, SocketAddr), payload: &[u8]) {
    let header = out.len();
    let udp_length = UDP_HEADER.saturating_add(payload.len()) as u16;
    out.extend_from_slice(&src.port().to_be_bytes());
    out.extend_from_slice(&dst.port().to_be_bytes());
    out.extend_from_slice(&udp_length.to_be_bytes());
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(payload);
    let total = out.len() as u16;
    let Some((ip, udp)) = out.split_at_mut_checked(header) else { return };

    let mut sum = Sum::default();
    match ip.first().map(|first| first >> 4) {
        Some(4) => {
            set_word(ip, 2, total);
            set_word(ip, 10, 0);
            let mut own = Sum::default();
            own.add(ip);
            set_word(ip, 10, own.finish());
            sum.add(ip.get(12..IPV4_HEADER).unwrap_or_default());
        }
        _ => {
            set_word(ip, 4, udp_length);
            sum.add(ip.get(8..IPV6_HEADER).unwrap_or_default());
        }
    }
    sum.add(&[0, UDP]);
    sum.add(&udp_length.to_be_bytes());
    sum.add(udp);
    // 0 says that there is none.
    let checksum = match sum.finish() {
        0 => 0xffff,
        checksum => checksum,
    };
    set_word(udp, 6, checksum);
}

fn set_word(bytes: &mut [u8], at: usize, word: u16) {
    if let Some(place) = bytes.get_mut(at..).and_then(|rest| rest.first_chunk_mut::<2>()) {
        *place = word.to_be_bytes();
    }
}

/// Internet checksum (RFC 1071) over pieces of even length, but the last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sum(u64);

impl Sum {
    pub fn add(&mut self, bytes: &[u8]) {
        let (words, last) = bytes.as_chunks::<2>();
        let whole: u64 = words.iter().map(|word| u64::from(u16::from_be_bytes(*word))).sum();
        let last = last.first().map_or(0, |octet| u64::from(*octet) << 8);
        self.0 = self.0.saturating_add(whole).saturating_add(last);
    }

    pub fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff).saturating_add(sum >> 16);
        }
        !(sum as u16)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use etherparse::{SlicedPacket, TransportSlice};
    use proptest::prelude::*;

    fn datagram(packet: &[u8]) -> Datagram<'_> {
        match Seen::of(packet) {
            Seen::Datagram(datagram) => datagram,
            other => panic!("{other:?}"),
        }
    }

    fn packet(is_ipv6: bool, payload: &[u8]) -> Vec<u8> {
        let address = |last| if is_ipv6 { IpAddr::from([last; 16]) } else { IpAddr::from([192, 0, 2, last]) };
        let (src, dst) = (SocketAddr::new(address(1), 5060), SocketAddr::new(address(2), 5080));
        let mut packet = Vec::new();
        assert!(forge(src, dst, payload, &mut packet));
        packet
    }

    /// Lengths and checksums are as etherparse makes them.
    fn is_sound(packet: &[u8]) {
        let sliced = SlicedPacket::from_ip(packet).unwrap();
        let Some(TransportSlice::Udp(udp)) = sliced.transport else { panic!("no UDP") };
        let header = udp.to_header();
        let expected = match sliced.net.unwrap() {
            etherparse::NetSlice::Ipv4(ip) => {
                assert_eq!(ip.header().header_checksum(), ip.header().to_header().calc_header_checksum());
                header.calc_checksum_ipv4(&ip.header().to_header(), udp.payload()).unwrap()
            }
            etherparse::NetSlice::Ipv6(ip) => {
                header.calc_checksum_ipv6(&ip.header().to_header(), udp.payload()).unwrap()
            }
            _ => panic!("no IP"),
        };
        assert_eq!(header.checksum, expected);
    }

    proptest! {
        #[test]
        fn checksums_fit(old in prop::collection::vec(any::<u8>(), 0..200), new in prop::collection::vec(any::<u8>(), 0..200), v6: bool) {
            let packet = packet(v6, &old);
            is_sound(&packet);
            let seen = datagram(&packet);
            prop_assert_eq!(seen.payload, &old[..]);
            let mut out = Vec::new();
            prop_assert!(replace(&packet, &seen, &new, 1_500, &mut out));
            is_sound(&out);
            let read = datagram(&out);
            prop_assert_eq!((read.src, read.dst, read.payload), (seen.src, seen.dst, &new[..]));
            prop_assert!(forge(seen.dst, seen.src, &new, &mut out));
            is_sound(&out);
            let read = datagram(&out);
            prop_assert_eq!((read.src, read.dst, read.payload), (seen.dst, seen.src, &new[..]));
        }

        #[test]
        fn any_bytes_never_panic(mut packet in prop::collection::vec(any::<u8>(), 0..120), first in prop::sample::select(vec![0x45, 0x46, 0x60])) {
            if let Some(octet) = packet.first_mut() {
                *octet = first;
            }
            if let Seen::Datagram(datagram) = Seen::of(&packet) {
                let mut out = Vec::new();
                let _ = replace(&packet, &datagram, b"other", 1_500, &mut out);
            }
        }
    }

    #[test]
    fn leaves_alone_what_it_cannot_rewrite() {
        let mut packet = packet(false, b"x");
        let mut fragment = packet.clone();
        fragment[6] |= 0x20;
        assert_eq!(Seen::of(&fragment), Seen::Fragment);
        let mut tunnelled =
            vec![0x45, 0, 0, 20 + packet.len() as u8, 0, 0, 0, 0, 64, 4, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2];
        tunnelled.extend_from_slice(&packet);
        assert_eq!(Seen::of(&tunnelled), Seen::Other);
        assert_eq!(Seen::of(b""), Seen::Other);

        // Not to be fragmented, until it grows.
        packet[6] = 0x40;
        let (seen, mut out) = (datagram(&packet), Vec::new());
        assert!(replace(&packet, &seen, b"longer", 0, &mut out));
        assert_eq!(out[6] & 0x40, 0);
        assert!(!replace(&packet, &seen, &[0; 65_530], 0, &mut out));
        let packet = super::tests::packet(true, b"x");
        assert!(!replace(&packet, &datagram(&packet), &[0; 1_500], 1_500, &mut out));
    }
}
