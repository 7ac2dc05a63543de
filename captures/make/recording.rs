//! Frames to be written to a capture file, in any order.

use std::io::{self, Write};
use std::net::Ipv4Addr;

use tollgate::simulate::render::association::Packets;
use tollgate::simulate::render::packet::{self, Ip, PROTOCOL_SCTP};
use tollgate::simulate::render::sip::Sent;

use crate::call::Micros;

const SIP_PORT: u16 = 5060;
/// Where an IPv4 header begins behind one of Ethernet, and in a frame the time to live, the checksum and the source.
const IP: usize = 14;
const TIME_TO_LIVE: usize = IP + 8;
const CHECKSUM: usize = IP + 10;
const SOURCE: usize = IP + 12;
/// An 802.1Q tag: VLAN 20.
const VLAN_TAG: [u8; 4] = [0x81, 0x00, 0x00, 20];
const SECOND_TAP_AFTER: Micros = 400;

/// Frames with their times.
#[derive(Default)]
pub struct Recording {
    frames: Vec<(Micros, Vec<u8>)>,
}

impl Recording {
    /// Adds a SIP message as a UDP datagram.
    pub fn sip(&mut self, message: &Sent) {
        let Sent { at, between: (src, dst), text, .. } = message;
        let identification = self.frames.len() as u16;
        let frame = packet::udp(((*src, SIP_PORT), (*dst, SIP_PORT)), identification, text.as_bytes());
        self.frames.push((*at, frame));
    }

    /// Adds what a second tap point sees of all between two addresses: the same packets a moment later, one hop on, in a VLAN.
    pub fn pass_second_tap(&mut self, (one, other): (Ipv4Addr, Ipv4Addr)) {
        let is_between = |frame: &[u8]| {
            let ends = (&frame[SOURCE..SOURCE + 4], &frame[SOURCE + 4..SOURCE + 8]);
            ends == (&one.octets(), &other.octets()) || ends == (&other.octets(), &one.octets())
        };
        let seen = self.frames.iter().filter(|(_, frame)| is_between(frame));
        let again: Vec<_> = seen.map(|(at, frame)| (at + SECOND_TAP_AFTER, one_hop_on(frame))).collect();
        self.frames.extend(again);
    }

    /// Writes the file, frames in order of time.
    pub fn write(mut self, out: &mut impl Write) -> io::Result<()> {
        self.frames.sort_by_key(|(at, _)| *at);
        out.write_all(&packet::file_header())?;
        for (at, frame) in &self.frames {
            out.write_all(&packet::record_header(*at, frame.len()))?;
            out.write_all(frame)?;
        }
        Ok(())
    }
}

impl Packets for Recording {
    fn sctp(&mut self, at: Micros, between: (Ipv4Addr, Ipv4Addr), packet: &[u8]) {
        let ip = Ip { between, protocol: PROTOCOL_SCTP, identification: self.frames.len() as u16 };
        self.frames.push((at, packet::ipv4(ip, packet)));
    }
}

/// A frame as it is behind a router: a hop less to live, which the checksum follows (RFC 1624), and in a VLAN.
fn one_hop_on(frame: &[u8]) -> Vec<u8> {
    let mut frame = frame.to_vec();
    frame[TIME_TO_LIVE] -= 1;
    let sum = u16::from_be_bytes([frame[CHECKSUM], frame[CHECKSUM + 1]]);
    let (sum, carry) = sum.overflowing_add(0x0100);
    frame[CHECKSUM..CHECKSUM + 2].copy_from_slice(&(sum + u16::from(carry)).to_be_bytes());
    frame.splice(IP - 2..IP - 2, VLAN_TAG);
    frame
}
