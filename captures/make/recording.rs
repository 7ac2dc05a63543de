//! Frames to be written to a capture file, in any order.

use std::io::{self, Write};
use std::net::Ipv4Addr;

use tollgate::simulate::render::association::Packets;
use tollgate::simulate::render::packet::{self, Ip, PROTOCOL_SCTP};
use tollgate::simulate::render::sip::Sent;

use crate::call::Micros;

const SIP_PORT: u16 = 5060;

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
