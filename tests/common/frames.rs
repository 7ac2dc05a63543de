//! Hand-made frames: Ethernet, IPv4 from 192.0.2.1 to 198.51.100.1, and what travels in it; and the capture file around
//! them. Lengths are true, save where a test makes them lie.

use tollgate::base::frame::{Mtp, RoutingLabel};
use tollgate::wire::isup::iam::Iam;
use tollgate::wire::isup::number::{NatureOfAddress, Number, PLAN_E164};
use tollgate::wire::{m3ua, mtp3, sctp};

/// Where a frame keeps the total length of its IPv4 packet.
pub const IP_LENGTH: usize = 16;
/// Where a frame keeps the length of its UDP datagram.
pub const UDP_LENGTH: usize = 38;
/// Where a frame keeps its first SCTP chunk.
pub const SCTP_CHUNK: usize = 46;
/// Where a frame keeps its M3UA message, in one chunk.
pub const M3UA: usize = 62;

/// Ethernet and IPv4 around a whole payload.
pub fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    fragment(protocol, (0, 0, false), payload)
}

/// A part of a datagram: its identification, octets before it, and whether more follow.
pub fn fragment(protocol: u8, (identification, offset, more): (u16, u16, bool), payload: &[u8]) -> Vec<u8> {
    let [l0, l1] = (20 + payload.len() as u16).to_be_bytes();
    let [i0, i1] = identification.to_be_bytes();
    let [o0, o1] = ((offset / 8) | (u16::from(more) << 13)).to_be_bytes();
    let ip = [0x45, 0, l0, l1, i0, i1, o0, o1, 64, protocol, 0, 0, 192, 0, 2, 1, 198, 51, 100, 1];
    [&[2; 12][..], &[0x08, 0x00], &ip, payload].concat()
}

/// A datagram between SIP ports, without IP.
pub fn datagram(payload: &[u8]) -> Vec<u8> {
    let [high, low] = (8 + payload.len() as u16).to_be_bytes();
    [&[0x13, 0xc4, 0x13, 0xc4, high, low, 0, 0], payload].concat()
}

/// A frame with a datagram between SIP ports; a response goes back.
pub fn udp(payload: &[u8]) -> Vec<u8> {
    let mut frame = ipv4(17, &datagram(payload));
    if payload.starts_with(b"SIP/2.0") {
        frame[26..34].rotate_left(4);
    }
    frame
}

/// A frame with a segment to port 5060; one without payload is a SYN.
pub fn tcp(src_port: u16, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let flags = if payload.is_empty() { 0x02 } else { 0x18 };
    let ports = [src_port.to_be_bytes(), 5060_u16.to_be_bytes()].concat();
    let rest = [0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0];
    ipv4(6, &[&ports, &sequence.to_be_bytes()[..], &rest, payload].concat())
}

/// A frame with one chunk of M3UA; `edges` says whether it is the first and the last of its message.
pub fn sctp(verification_tag: u32, tsn: u32, edges: (bool, bool), payload: &[u8]) -> Vec<u8> {
    chunk(verification_tag, tsn, (1, 0), edges, payload)
}

/// The same of a whole message, with its number in its stream.
pub fn in_stream(verification_tag: u32, tsn: u32, stream_sequence: u16, payload: &[u8]) -> Vec<u8> {
    on_stream(verification_tag, tsn, (1, stream_sequence), payload)
}

/// The same, of a stream and its number in that.
pub fn on_stream(verification_tag: u32, tsn: u32, place: (u16, u16), payload: &[u8]) -> Vec<u8> {
    chunk(verification_tag, tsn, place, (true, true), payload)
}

fn chunk(
    verification_tag: u32,
    tsn: u32,
    (stream, stream_sequence): (u16, u16),
    (first, last): (bool, bool),
    payload: &[u8],
) -> Vec<u8> {
    let mut packet = Vec::new();
    sctp::Header { src_port: 2905, dst_port: 2905, verification_tag }.emit(&mut packet);
    let unordered = false;
    let data = sctp::Data { tsn, stream, stream_sequence, protocol: 3, first, last, unordered, payload };
    data.emit(&mut packet);
    ipv4(132, &packet)
}

/// M3UA around the message of a user part.
pub fn m3ua(service_indicator: u8, user: &[u8]) -> Vec<u8> {
    let label = RoutingLabel { standard: Mtp::Itu, opc: 100, dpc: 200, network_indicator: 0, sls: 1 };
    let mut message = Vec::new();
    m3ua::ProtocolData { label, service_indicator, priority: 0, user }.emit(&mut message);
    message
}

/// M3UA around an IAM on this circuit.
pub fn iam(cic: u16) -> Vec<u8> {
    let number = |digits: &[u8]| Number {
        nature: NatureOfAddress::INTERNATIONAL,
        plan: PLAN_E164,
        digits: digits.iter().copied().collect(),
        ..Number::default()
    };
    let iam = Iam { called: number(b"48221234567"), calling: Some(number(b"48601234567")), ..Iam::default() };
    let mut message = Vec::new();
    iam.emit(u32::from(cic), &mut message);
    m3ua(mtp3::ISUP, &message)
}

/// A SIP message of the call with this number: a request when `first` is a method, else a response to its INVITE. Each
/// call comes from another block of 10,000 numbers.
pub fn sip(first: &str, call: u32) -> String {
    sip_from(first, call, &caller(call))
}

/// The same, from a given number.
pub fn sip_from(first: &str, call: u32, caller: &str) -> String {
    let is_method = first.bytes().all(|byte| byte.is_ascii_uppercase());
    let (start, method) = match (is_method, first) {
        (true, method) => (format!("{method} sip:+48221234567@b.example SIP/2.0"), method),
        (false, status) => (format!("SIP/2.0 {status}"), "INVITE"),
    };
    format!(
        "{start}\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK{call}\r\nFrom: <sip:{caller}@a.example>;tag=a{call}\r\n\
         To: <sip:+48221234567@b.example>\r\nCall-ID: call-{call}@a.example\r\nCSeq: 1 {method}\r\n\
         Content-Length: 0\r\n\r\n"
    )
}

/// Calling number of a call.
pub fn caller(call: u32) -> String {
    format!("+48{}", 601_000_000 + call * 10_000)
}

/// A capture file on Ethernet: of each frame its time in milliseconds and, beyond its bytes, octets that the snap length
/// cut.
pub fn pcap(frames: &[(u32, Vec<u8>, u32)]) -> Vec<u8> {
    let mut file = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0].to_vec();
    file.extend([0, 0, 65_535, 1].map(u32::to_le_bytes).concat());
    for (at_ms, frame, cut) in frames {
        let length = frame.len() as u32;
        let header = [1_700_000_000 + at_ms / 1000, at_ms % 1000 * 1000, length, length + cut];
        file.extend(header.map(u32::to_le_bytes).concat());
        file.extend(frame);
    }
    file
}
