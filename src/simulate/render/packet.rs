//! Frames and the capture file around them: Ethernet, IPv4, UDP, TCP. RFC 791, RFC 768, RFC 9293; pcap with
//! microseconds.

use std::net::Ipv4Addr;

use crate::simulate::render::Micros;

/// IP protocol number of SCTP.
pub const PROTOCOL_SCTP: u8 = 132;
/// IP protocol number of TCP.
pub const PROTOCOL_TCP: u8 = 6;
const PROTOCOL_UDP: u8 = 17;
const LINKTYPE_ETHERNET: u32 = 1;
/// Octets of Ethernet and IPv4 headers.
const HEAD: usize = 34;

/// An address and a port.
pub type Socket = (Ipv4Addr, u16);

/// What an IPv4 header says of its packet.
#[derive(Clone, Copy, Debug)]
pub struct Ip {
    /// Source and destination.
    pub between: (Ipv4Addr, Ipv4Addr),
    /// Protocol of the payload.
    pub protocol: u8,
    /// Identification.
    pub identification: u16,
}

/// A TCP segment without its payload.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgement number; 0 without the flag.
    pub acknowledged: u32,
    /// Flags: FIN 1, SYN 2, RST 4, PSH 8, ACK 16.
    pub flags: u8,
}

/// A frame with this IPv4 payload.
#[must_use]
pub fn ipv4(ip: Ip, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(ip, payload.len());
    frame.extend_from_slice(payload);
    frame
}

/// A frame with a UDP datagram.
#[must_use]
pub fn udp((src, dst): (Socket, Socket), identification: u16, payload: &[u8]) -> Vec<u8> {
    let length = 8 + payload.len();
    let ip = Ip { between: (src.0, dst.0), protocol: PROTOCOL_UDP, identification };
    let mut frame = head(ip, length);
    for field in [src.1, dst.1, length as u16, 0] {
        frame.extend_from_slice(&field.to_be_bytes());
    }
    frame.extend_from_slice(payload);
    // A sum of zero would mean that there is none.
    let sum = match sum_with_pseudo_header(ip, &frame[HEAD..]) {
        0 => 0xFFFF,
        sum => sum,
    };
    frame[HEAD + 6..HEAD + 8].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// A frame with a TCP segment. A SYN offers segments of 1,460 octets.
#[must_use]
pub fn tcp((src, dst): (Socket, Socket), identification: u16, segment: Segment, payload: &[u8]) -> Vec<u8> {
    const WINDOW: u16 = 65_535;
    const SYN: u8 = 2;
    let options: &[u8] = if segment.flags & SYN != 0 { &[2, 4, 0x05, 0xB4] } else { &[] };
    let ip = Ip { between: (src.0, dst.0), protocol: PROTOCOL_TCP, identification };
    let mut frame = head(ip, 20 + options.len() + payload.len());
    frame.extend_from_slice(&src.1.to_be_bytes());
    frame.extend_from_slice(&dst.1.to_be_bytes());
    frame.extend_from_slice(&segment.sequence.to_be_bytes());
    frame.extend_from_slice(&segment.acknowledged.to_be_bytes());
    frame.extend_from_slice(&[((5 + options.len() / 4) << 4) as u8, segment.flags]);
    frame.extend_from_slice(&WINDOW.to_be_bytes());
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(options);
    frame.extend_from_slice(payload);
    let sum = sum_with_pseudo_header(ip, &frame[HEAD..]);
    frame[HEAD + 16..HEAD + 18].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// What a capture file of Ethernet frames begins with.
#[must_use]
pub fn file_header() -> Vec<u8> {
    let mut header = 0xA1B2_C3D4_u32.to_le_bytes().to_vec();
    for field in [2_u16, 4] {
        header.extend(field.to_le_bytes());
    }
    for field in [0, 0, 65_535, LINKTYPE_ETHERNET] {
        header.extend(field.to_le_bytes());
    }
    header
}

/// What stands before each frame in a capture file.
#[must_use]
pub fn record_header(at: Micros, length: usize) -> [u8; 16] {
    let mut header = [0; 16];
    let fields = [(at / 1_000_000) as u32, (at % 1_000_000) as u32, length as u32, length as u32];
    for (place, field) in header.chunks_exact_mut(4).zip(fields) {
        place.copy_from_slice(&field.to_le_bytes());
    }
    header
}

/// Ethernet and IPv4 headers, with room for the payload behind them.
fn head(ip: Ip, payload_length: usize) -> Vec<u8> {
    let (src, dst) = ip.between;
    let mut frame = Vec::with_capacity(HEAD + payload_length);
    frame.extend_from_slice(&mac(dst));
    frame.extend_from_slice(&mac(src));
    frame.extend_from_slice(&[0x08, 0x00, 0x45, 0x00]);
    frame.extend_from_slice(&((20 + payload_length) as u16).to_be_bytes());
    frame.extend_from_slice(&ip.identification.to_be_bytes());
    // Do not fragment; 62 hops left.
    frame.extend_from_slice(&[0x40, 0x00, 62, ip.protocol, 0, 0]);
    frame.extend_from_slice(&src.octets());
    frame.extend_from_slice(&dst.octets());
    let sum = !fold(sum(&frame[14..HEAD]));
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame
}

/// A locally administered address made from an IP address.
fn mac(address: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = address.octets();
    [0x02, 0x00, a, b, c, d]
}

/// Internet checksum (RFC 1071) over the payload and what UDP and TCP take of the IP header.
fn sum_with_pseudo_header(ip: Ip, payload: &[u8]) -> u16 {
    let (src, dst) = ip.between;
    let addresses = sum(&src.octets()) + sum(&dst.octets());
    !fold(addresses + u32::from(ip.protocol) + payload.len() as u32 + sum(payload))
}

/// Sum of 16-bit words; at most 65,535 octets, so that it cannot overflow.
fn sum(bytes: &[u8]) -> u32 {
    let mut words = bytes.chunks_exact(2);
    let whole: u32 = words.by_ref().map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    whole + words.remainder().first().map_or(0, |last| u32::from(*last) << 8)
}

fn fold(mut sum: u32) -> u16 {
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    sum as u16
}
