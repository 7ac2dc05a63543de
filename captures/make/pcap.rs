//! Capture file of Ethernet frames: IPv4, and UDP on it. RFC 791, RFC 768, pcap with microseconds.

use std::io::{self, Write};
use std::net::Ipv4Addr;

use crate::call::Micros;

const PROTOCOL_UDP: u8 = 17;
/// IP protocol number of SCTP.
pub const PROTOCOL_SCTP: u8 = 132;
const LINKTYPE_ETHERNET: u32 = 1;

/// Frames to be written, in any order.
#[derive(Default)]
pub struct Recording {
    frames: Vec<(Micros, Vec<u8>)>,
}

impl Recording {
    /// Adds an IPv4 packet.
    pub fn ip(&mut self, at: Micros, between: (Ipv4Addr, Ipv4Addr), protocol: u8, payload: &[u8]) {
        let (src, dst) = between;
        let mut frame = Vec::with_capacity(34 + payload.len());
        frame.extend(mac(dst));
        frame.extend(mac(src));
        frame.extend([0x08, 0x00]);
        let total = (20 + payload.len()) as u16;
        let identification = self.frames.len() as u16;
        let mut header = Vec::with_capacity(20);
        header.extend([0x45, 0x00]);
        header.extend(total.to_be_bytes());
        header.extend(identification.to_be_bytes());
        // Do not fragment; 62 hops left.
        header.extend([0x40, 0x00, 62, protocol, 0, 0]);
        header.extend(src.octets());
        header.extend(dst.octets());
        let sum = checksum(&[&header]);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        frame.extend(header);
        frame.extend(payload);
        self.frames.push((at, frame));
    }

    /// Adds a UDP datagram.
    pub fn udp(&mut self, at: Micros, between: ((Ipv4Addr, u16), (Ipv4Addr, u16)), payload: &[u8]) {
        let ((src, src_port), (dst, dst_port)) = between;
        let length = (8 + payload.len()) as u16;
        let mut datagram = Vec::with_capacity(8 + payload.len());
        for field in [src_port, dst_port, length, 0] {
            datagram.extend(field.to_be_bytes());
        }
        datagram.extend(payload);
        let pseudo = [&src.octets()[..], &dst.octets(), &[0, PROTOCOL_UDP], &length.to_be_bytes()].concat();
        let sum = match checksum(&[&pseudo, &datagram]) {
            0 => 0xFFFF,
            sum => sum,
        };
        datagram[6..8].copy_from_slice(&sum.to_be_bytes());
        self.ip(at, (src, dst), PROTOCOL_UDP, &datagram);
    }

    /// Writes the file, frames in order of time.
    pub fn write(mut self, out: &mut impl Write) -> io::Result<()> {
        self.frames.sort_by_key(|(at, _)| *at);
        out.write_all(&0xA1B2_C3D4_u32.to_le_bytes())?;
        for field in [2_u16, 4] {
            out.write_all(&field.to_le_bytes())?;
        }
        for field in [0, 0, 65_535, LINKTYPE_ETHERNET] {
            out.write_all(&field.to_le_bytes())?;
        }
        for (at, frame) in &self.frames {
            let length = frame.len() as u32;
            for field in [(at / 1_000_000) as u32, (at % 1_000_000) as u32, length, length] {
                out.write_all(&field.to_le_bytes())?;
            }
            out.write_all(frame)?;
        }
        Ok(())
    }
}

/// A locally administered address made from an IP address.
fn mac(address: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = address.octets();
    [0x02, 0x00, a, b, c, d]
}

/// Internet checksum (RFC 1071) over parts, all but the last of even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for pair in parts.iter().flat_map(|part| part.chunks(2)) {
        sum += u32::from(u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or_default()]));
    }
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}
