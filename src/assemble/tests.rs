//! Frames in, messages out.

use proptest::prelude::*;

use super::*;
use crate::wire::net::{UDP, build};

const INVITE: &[u8] = b"INVITE sip:a SIP/2.0\r\nl: 0\r\n\r\n";

/// Number, frame and bytes of the messages in a frame that was `extra` octets longer on the wire.
fn push(assembler: &mut Assembler, link: Link, bytes: &[u8], extra: u32) -> Vec<(u64, u64, Vec<u8>)> {
    let wire_length = bytes.len() as u32 + extra;
    let frame = Frame { at: At::from_nanos(9), number: 4, link, bytes, wire_length };
    let mut found = Vec::new();
    assembler.push(frame, &mut |pdu| found.push((pdu.seq, pdu.frame, pdu.bytes.to_vec())));
    found
}

#[test]
fn sip_on_any_port_and_faults_on_its_own() {
    let mut assembler = Assembler::new(AssembleOptions::default());
    let mut send = |ports: (u16, u16), payload: &[u8]| {
        push(&mut assembler, Link::RawIp, &build::ipv4(UDP, &build::udp(ports.0, ports.1, payload)), 0).len()
    };
    assert_eq!(send((7000, 7001), &[b"\r\n", INVITE].concat()), 1);
    assert_eq!(send((7000, 7001), b"\x80\x08 media"), 0);
    assert_eq!(send((5060, 7001), b"\r\n\r\n"), 0);
    assert_eq!(send((7000, 5061), b""), 0);
    assert_eq!(send((7000, 5060), b"\0\x01\0\0\x21\x12\xa4\x42stun"), 0);
    assert_eq!(send((7000, 5060), b"what is this"), 0);
    let skips = assembler.skips();
    assert_eq!((skips.of(Skip::UdpOther), skips.of(Skip::KeepAlive)), (1, 3));
    assert_eq!(assembler.faults().nonzero().collect::<Vec<_>>(), [("sip", "not_recognised", 1)]);
}

#[test]
fn a_cut_datagram_comes_out_as_far_as_it_goes() {
    let mut assembler = Assembler::new(AssembleOptions::default());
    let bytes = build::ethernet(&build::ipv4(UDP, &build::udp(5060, 5060, INVITE)));
    let found = push(&mut assembler, Link::Ethernet, &bytes[..bytes.len() - 4], 4);
    assert_eq!(found, [(1, 4, INVITE[..INVITE.len() - 4].to_vec())]);
    assert_eq!(assembler.faults().nonzero().collect::<Vec<_>>(), [("ip", "truncated", 1)]);
}

#[test]
fn a_fragmented_datagram_comes_out_once() {
    let mut assembler = Assembler::new(AssembleOptions::default());
    let datagram = build::udp(5060, 5060, INVITE);
    let (head, tail) = datagram.split_at(16);
    let first = build::ipv4_fragment(UDP, (7, 0, true), head);
    let last = build::ipv4_fragment(UDP, (7, 16, false), tail);
    assert_eq!(push(&mut assembler, Link::RawIp, &last, 0), []);
    assert_eq!(push(&mut assembler, Link::RawIp, &first, 0), [(1, 4, INVITE.to_vec())]);
}

/// Cuts a packet from 10.0.0.1 into two fragments.
fn cut_in_two(packet: &[u8], identification: u16) -> [Vec<u8>; 2] {
    let payload = &packet[20..];
    let half = payload.len() / 2 / 8 * 8;
    [
        build::ipv4_fragment(packet[9], (identification, 0, true), &payload[..half]),
        build::ipv4_fragment(packet[9], (identification, half as u16, false), &payload[half..]),
    ]
}

#[test]
fn fragments_of_tunnels_that_carry_fragments() {
    let inner = build::ipv4(UDP, &build::udp(5060, 5060, INVITE));
    for tunnel in 0..build::tunnels(&inner).len() {
        let mut assembler = Assembler::new(AssembleOptions::default());
        let mut found = Vec::new();
        for (number, part) in cut_in_two(&inner, 7).iter().enumerate() {
            let (name, outer) = build::tunnels(part).swap_remove(tunnel);
            for part in cut_in_two(&outer, 20 + number as u16) {
                assert_eq!(found, [], "{name}");
                found = push(&mut assembler, Link::Ethernet, &build::ethernet(&part), 0);
            }
        }
        assert_eq!(found, [(1, 4, INVITE.to_vec())]);
        assert_eq!(assembler.faults(), &Faults::default());
    }
}

#[test]
fn what_two_tap_points_show_comes_out_once() {
    let mut assembler = Assembler::new(AssembleOptions::default());
    let bytes = build::ethernet(&build::ipv4(UDP, &build::udp(5060, 5060, INVITE)));
    let tagged = [&bytes[..12], &[0x81, 0, 0, 9], &bytes[12..]].concat();
    let mut hop = bytes.clone();
    hop[14 + 8] -= 1;
    let found: Vec<_> =
        [&bytes, &tagged, &hop].map(|bytes| push(&mut assembler, Link::Ethernet, bytes, 0).len()).into();
    assert_eq!((found, assembler.skips().of(Skip::Duplicate)), (vec![1, 0, 0], 2));
    // Sent again, and not seen again.
    let mut again = bytes;
    again[14 + 5] += 1;
    assert_eq!(push(&mut assembler, Link::Ethernet, &again, 0).len(), 1);
}

#[test]
fn fragments_seen_twice_begin_no_datagram() {
    let mut assembler = Assembler::new(AssembleOptions::default());
    let whole = build::ipv4(UDP, &build::udp(5060, 5060, INVITE));
    let found: Vec<_> = cut_in_two(&whole, 7)
        .iter()
        .flat_map(|part| [part, part])
        .map(|part| push(&mut assembler, Link::RawIp, part, 0).len())
        .collect();
    assert_eq!((found, assembler.skips().of(Skip::Duplicate)), (vec![0, 0, 1, 0], 2));
    assembler.tick(At::from_nanos(60_000_000_000), &mut |_| {});
    assert_eq!(assembler.faults(), &Faults::default());
}

#[test]
fn a_capture_agent_in_a_capture_is_unpacked() {
    let packet = crate::wire::hep::Packet {
        src: "192.0.2.1:5060".parse().unwrap(),
        dst: "192.0.2.2:5060".parse().unwrap(),
        ip_protocol: 6,
        at: None,
        protocol: crate::wire::hep::SIP,
        agent: 1,
        key: None,
        correlation: None,
        payload: crate::wire::hep::Payload::Plain(INVITE),
    };
    let mut bytes = Vec::new();
    packet.emit(&mut bytes);
    let mut version_1 = vec![1, 16, 2, 17, 0x13, 0xc4, 0x13, 0xc4, 10, 0, 0, 1, 10, 0, 0, 2];
    version_1.extend_from_slice(INVITE);
    let mut assembler = Assembler::new(AssembleOptions::default());
    let mut send = |port: u16, bytes: &[u8]| {
        push(&mut assembler, Link::RawIp, &build::ipv4(UDP, &build::udp(9, port, bytes)), 0)
    };
    assert_eq!(send(4711, &bytes), [(1, 4, INVITE.to_vec())]);
    assert_eq!(send(9060, &version_1), [(2, 4, INVITE.to_vec())]);
    assert_eq!(send(9061, &version_1), []);
    assert_eq!(send(9060, b"HEP3\0\x07x"), []);
    let faults: Vec<_> = assembler.faults().nonzero().collect();
    assert_eq!((faults, assembler.skips().of(Skip::UdpOther)), (vec![("hep", "truncated", 1)], 1));
}

#[test]
fn user_parts_are_told_apart() {
    let mut assembler = Assembler::new(AssembleOptions::default());
    let mut send = |bytes: &[u8]| push(&mut assembler, Link::Mtp3, bytes, 0);
    assert_eq!(send(&[0x85, 7, 0x44, 2, 0x52, 1, 0, 1]), [(1, 4, vec![1, 0, 1])]);
    assert_eq!(send(&[0x83, 7, 0x44, 2, 0x52, 1, 0, 1]), []);
    assert_eq!(send(&[0x8d, 7, 0x44, 2, 0x52, 1, 0, 0, 0, 1]), [(2, 4, vec![1, 0, 0, 0, 1])]);
    assert_eq!(assembler.skips().of(Skip::OtherUserPart), 1);
}

proptest! {
    #[test]
    fn any_bytes_never_panic(
        frames in prop::collection::vec(
            (prop::sample::select(vec![6_u8, 17, 132]), any::<Vec<u8>>(), 0..8_u16, any::<bool>()),
            0..30,
        ),
    ) {
        let mut assembler = Assembler::new(AssembleOptions::default());
        for (protocol, mut payload, offset, sip) in frames {
            if sip && payload.len() > 4 {
                payload[..4].copy_from_slice(&[0x13, 0xc4, 0x13, 0xc4]);
            }
            push(&mut assembler, Link::Mtp2WithHeader, &payload, 0);
            push(&mut assembler, Link::Ethernet, &payload, 1);
            push(&mut assembler, Link::RawIp, &build::ipv4(protocol, &payload), 0);
            let place = (1, offset * 8, offset < 5);
            push(&mut assembler, Link::RawIp, &build::ipv4_fragment(protocol, place, &payload), 0);
        }
    }
}
