//! Every way to an IP packet leads to the same packet.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::*;
use crate::base::frame::Link;
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
    assert_eq!((cut.flaw, Udp::parse(cut.payload).unwrap().payload), (Some(Kind::Truncated), &b"hel"[..]));
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

/// The innermost packet.
fn innermost(mut packet: Packet<'_>) -> Result<Option<Packet<'_>>, DecodeError> {
    loop {
        match packet.inside()? {
            Inside::Other => return Ok(None),
            Inside::Packet(inner) => packet = inner,
            Inside::Payload => return Ok(Some(packet)),
        }
    }
}

fn parse(link: Link, bytes: &[u8]) -> Result<Option<Packet<'_>>, DecodeError> {
    Packet::parse(&frame(link, bytes))?.map_or(Ok(None), innermost)
}

#[test]
fn every_framing_leads_to_the_same_packet() {
    let ip = build::ipv4(UDP, &build::udp(5060, 5061, b"hello"));
    for (name, mut bytes) in build::framings(&ip) {
        bytes.extend_from_slice(&[0xee; 16]);
        let packet = parse(Link::Ethernet, &bytes).unwrap().unwrap_or_else(|| panic!("{name}"));
        assert_eq!((packet.protocol, packet.payload, packet.flaw), (UDP, &ip[20..], None), "{name}");
    }
}

#[test]
fn every_tunnel_leads_to_the_same_packet() {
    let v4 = build::ipv4(UDP, &build::udp(5060, 5061, b"hello"));
    let v6 = build::ipv6(UDP, &build::udp(5060, 5061, b"hello"));
    for (ip, header) in [(&v4, 20), (&v6, 40)] {
        for (name, bytes) in build::tunnels(ip) {
            let Some(packet) = parse(Link::RawIp, &bytes).unwrap_or_else(|error| panic!("{name}: {error:?}"))
            else {
                panic!("{name}");
            };
            assert_eq!((packet.protocol, packet.payload), (UDP, &ip[header..]), "{name}");
            assert_eq!((packet.depth, packet.flaw), (1, None), "{name}");
        }
    }
}

#[test]
fn a_tunnel_that_is_cut_is_refused_or_says_so() {
    let ip = build::ipv4(UDP, &build::udp(5060, 5061, b"hello"));
    for (name, bytes) in build::tunnels(&ip) {
        for length in 20..bytes.len() {
            let cut = Frame { wire_length: bytes.len() as u32, ..frame(Link::RawIp, &bytes[..length]) };
            let outer = Packet::parse(&cut).unwrap().unwrap();
            assert_eq!(outer.flaw, Some(Kind::Truncated), "{name}");
            if let Ok(Some(packet)) = innermost(outer) {
                assert_eq!(packet.flaw, Some(Kind::Truncated), "{name} at {length}");
            }
        }
    }
}

#[test]
fn what_is_no_tunnel_stays_a_datagram() {
    let sip = b"INVITE sip:a SIP/2.0\r\nl: 0\r\n\r\n";
    for port in [2152, 4789, 4790, 6081, 8472] {
        for payload in [&sip[..], b"SIP/2.0 200 OK\r\n", b"\r\n\r\n", b"\0\0\0\0\0\0\0\0", b"", b"\xff\xff"] {
            let bytes = build::ipv4(UDP, &build::udp(9, port, payload));
            let packet = parse(Link::RawIp, &bytes).unwrap().unwrap();
            assert_eq!((packet.depth, Udp::parse(packet.payload).unwrap().payload), (0, payload), "{port}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_refused_with_its_reason() {
    let refusal = |link, bytes: &[u8]| {
        parse(link, bytes).map(|packet| packet.is_some()).map_err(|error| (error.layer, error.kind))
    };
    let ip = build::ipv4(UDP, b"");
    let encrypted = build::ethernet_of(0x88e5, &[0x2c; 40]);
    assert_eq!(refusal(Link::Ethernet, &encrypted), Err((Layer::Link, Kind::Unsupported)));
    let tagged = (0..20)
        .fold(build::ethernet(&ip), |frame, _| [&frame[..12], &[0x81, 0, 0, 1], &frame[12..]].concat());
    assert_eq!(refusal(Link::Ethernet, &tagged), Err((Layer::Link, Kind::TooMany)));
    let labels = build::ethernet_of(0x8847, &[0; 80]);
    assert_eq!(refusal(Link::Ethernet, &labels), Err((Layer::Link, Kind::TooMany)));
    let gre = |head: &[u8]| refusal(Link::RawIp, &build::ipv4(47, head));
    assert_eq!(gre(&[0, 2, 8, 0]), Err((Layer::Tunnel, Kind::Unsupported)));
    assert_eq!(gre(&[0x20, 0, 8, 0, 1]), Err((Layer::Tunnel, Kind::Truncated)));
    assert_eq!(gre(&[&[0x40, 0, 8, 0][..], &[1; 200]].concat()), Err((Layer::Tunnel, Kind::TooMany)));
    assert_eq!(
        gre(&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x70, 0, 0, 0, 0, 0, 0, 0]),
        Err((Layer::Tunnel, Kind::Unsupported))
    );
    assert_eq!(gre(&[0, 0, 0x88, 0xcc, 1]), Ok(false));
}

#[test]
fn wrappings_have_an_end() {
    let ip = build::ipv4(UDP, &build::udp(5060, 5061, b"hello"));
    let wrapped = |count: usize| (0..count).fold(ip.clone(), |inner, _| build::ipv4(IPV4_IN_IP, &inner));
    let deepest = wrapped(usize::from(WRAPPINGS_MAX));
    assert_eq!(parse(Link::RawIp, &deepest).unwrap().unwrap().depth, WRAPPINGS_MAX);
    let deeper = wrapped(usize::from(WRAPPINGS_MAX) + 1);
    let error = parse(Link::RawIp, &deeper).unwrap_err();
    assert_eq!((error.layer, error.kind), (Layer::Ip, Kind::TooMany));
}

#[test]
fn extension_headers_may_follow_a_fragment() {
    let bytes = build::ipv6(44, &[60, 0, 0, 1, 0, 0, 0, 7, UDP, 0, 0, 0, 0, 0, 0, 0]);
    let part = Packet::parse(&frame(Link::RawIp, &bytes)).unwrap().unwrap();
    assert_eq!((part.protocol, part.fragment.unwrap().identification), (60, 7));
    let rest = [part.payload, b"data"].concat();
    let whole = part.put_together(part.protocol, &rest).unwrap();
    assert_eq!((whole.protocol, whole.payload, whole.fragment), (UDP, &b"data"[..], None));
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
                let _ = innermost(packet);
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

    /// Any tunnel in any other, over any framing.
    #[test]
    fn wrappings_nest(
        ways in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        framing: prop::sample::Index,
        cut in 0..400_usize,
        noise in prop::collection::vec((0..300_usize, any::<u8>()), 0..4),
    ) {
        let ip = build::ipv4(UDP, &build::udp(5060, 5061, b"hello"));
        let wrapped = ways.iter().fold(ip.clone(), |inner, way| way.get(&build::tunnels(&inner)).1.clone());
        let mut bytes = framing.get(&build::framings(&wrapped)).1.clone();
        let packet = parse(Link::Ethernet, &bytes).unwrap().unwrap();
        prop_assert_eq!((usize::from(packet.depth), packet.payload), (ways.len(), &ip[20..]));
        for (place, octet) in noise {
            if let Some(damaged) = bytes.get_mut(place) {
                *damaged = octet;
            }
        }
        let _ = parse(Link::Ethernet, &bytes[..bytes.len().min(cut)]);
    }

    /// The same packet behind tags as etherparse finds.
    #[test]
    fn agrees_with_etherparse_behind_tags(
        tags in prop::collection::vec(prop::sample::select(vec![
            &[0x81, 0, 0, 1][..], &[0x88, 0xa8, 0, 2], &[0x91, 0, 0, 3], &[0x88, 0xe5, 0, 0, 0, 0, 0, 1],
        ]), 0..4),
        payload: Vec<u8>,
        v6: bool,
    ) {
        let ip = if v6 { build::ipv6(UDP, &payload) } else { build::ipv4(UDP, &payload) };
        let ethertype: &[u8] = if v6 { &[0x86, 0xdd] } else { &[8, 0] };
        let bytes = [&[1; 12], &tags.concat()[..], ethertype, &ip].concat();
        let ours = Packet::parse(&frame(Link::Ethernet, &bytes)).unwrap().unwrap();
        prop_assert_eq!((ours.protocol, ours.payload), (UDP, &payload[..]));
        // It reads three headers between Ethernet and IP, at most.
        if let Some(net) = LaxSlicedPacket::from_ethernet(&bytes).unwrap().net {
            let theirs = match &net {
                LaxNetSlice::Ipv4(ip) => ip.payload(),
                LaxNetSlice::Ipv6(ip) => ip.payload(),
                _ => return Ok(()),
            };
            prop_assert_eq!((ours.protocol, ours.payload), (theirs.ip_number.0, theirs.payload));
        } else {
            prop_assert!(tags.len() > 2, "etherparse stopped");
        }
    }
}
