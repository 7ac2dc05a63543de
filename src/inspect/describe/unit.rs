//! A frame that holds no message of a call: what it is all the same. SCTP chunk types RFC 9260 §3.2, M3UA message classes
//! and types RFC 4666 §3.1, those of other adaptation layers by the names of their counters.

use std::fmt::Write;
use std::net::SocketAddr;

use arrayvec::ArrayString;

use crate::base::frame::Frame;
use crate::inspect::describe::Place;
use crate::wire::net::{self, Packet, Tcp, Udp};
use crate::wire::sctp;
use crate::wire::sigtran::{self, Adaptation};

/// Longest text about a frame, in octets; a packet with more chunks is described by its first ones.
const TEXT_MAX: usize = 120;

/// What a frame is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    /// Sender and receiver, of an IP packet; ports are 0 where there are none.
    pub between: Option<(Place, Place)>,
    /// Its protocol and what of it: `SCTP HEARTBEAT`, `M3UA ASPUP`, `TCP`, `UDP`.
    pub what: ArrayString<TEXT_MAX>,
}

impl Unit {
    /// Looks at a frame by itself; what cannot be read is left out.
    #[must_use]
    pub fn of(frame: &Frame<'_>) -> Self {
        let mut unit = Self::default();
        let Ok(Some(packet)) = Packet::parse(frame) else { return unit };
        let is_first = packet.fragment.is_none_or(|place| place.offset == 0);
        let ports = match packet.protocol {
            _ if !is_first => unit.say("IP fragment", (0, 0)),
            net::UDP => match Udp::parse(packet.payload) {
                Ok(udp) => unit.say("UDP", (udp.src_port, udp.dst_port)),
                Err(_) => unit.say("UDP", (0, 0)),
            },
            net::TCP => match Tcp::parse(packet.payload) {
                Ok(tcp) => unit.say("TCP", (tcp.src_port, tcp.dst_port)),
                Err(_) => unit.say("TCP", (0, 0)),
            },
            net::SCTP => unit.sctp(packet.payload),
            other => {
                let _ = write!(unit.what, "IP protocol {other}");
                (0, 0)
            }
        };
        let place = |address, port| Place::Address(SocketAddr::new(address, port));
        unit.between = Some((place(packet.src, ports.0), place(packet.dst, ports.1)));
        unit
    }

    fn say(&mut self, what: &str, ports: (u16, u16)) -> (u16, u16) {
        let _ = self.what.try_push_str(what);
        ports
    }

    /// Chunk by chunk; of DATA with a message of SIGTRAN the message.
    fn sctp(&mut self, bytes: &[u8]) -> (u16, u16) {
        let Ok((header, chunks)) = sctp::Header::parse(bytes) else { return self.say("SCTP", (0, 0)) };
        let mut separator = "";
        for chunk in chunks.flatten() {
            let data = if chunk.kind == sctp::DATA { sctp::Data::parse(chunk).ok() } else { None };
            let message = data.filter(|data| data.first && data.last).and_then(|data| {
                let adaptation = Adaptation::of_payload_protocol(data.protocol)?;
                Some((adaptation, sigtran::Message::parse(adaptation.layer(), data.payload).ok()?))
            });
            let mut one: ArrayString<48> = ArrayString::new();
            let _ = match (message, chunk_name(chunk.kind)) {
                (Some((adaptation, message)), _) => {
                    let sigtran::Message { class, kind, .. } = message;
                    match message_name(class, kind).or_else(|| sigtran::kind_name(class, kind)) {
                        Some(name) => write!(one, "{} {name}", layer_name(adaptation)),
                        None => write!(one, "{} {class}.{kind}", layer_name(adaptation)),
                    }
                }
                (None, Some(name)) => write!(one, "SCTP {name}"),
                (None, None) => write!(one, "SCTP chunk {}", chunk.kind),
            };
            if self.what.len() + separator.len() + one.len() > TEXT_MAX {
                break;
            }
            let _ = write!(self.what, "{separator}{one}");
            separator = ", ";
        }
        (header.src_port, header.dst_port)
    }
}

const fn chunk_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "DATA",
        1 => "INIT",
        2 => "INIT ACK",
        3 => "SACK",
        4 => "HEARTBEAT",
        5 => "HEARTBEAT ACK",
        6 => "ABORT",
        7 => "SHUTDOWN",
        8 => "SHUTDOWN ACK",
        9 => "ERROR",
        10 => "COOKIE ECHO",
        11 => "COOKIE ACK",
        14 => "SHUTDOWN COMPLETE",
        64 => "I-DATA",
        128 => "ASCONF ACK",
        130 => "RE-CONFIG",
        192 => "FORWARD TSN",
        193 => "ASCONF",
        _ => return None,
    })
}

const fn layer_name(adaptation: Adaptation) -> &'static str {
    match adaptation {
        Adaptation::Iua => "IUA",
        Adaptation::M2pa => "M2PA",
        Adaptation::M2ua => "M2UA",
        Adaptation::M3ua => "M3UA",
        Adaptation::Sua => "SUA",
    }
}

const fn message_name(class: u8, kind: u8) -> Option<&'static str> {
    Some(match (class, kind) {
        (0, 0) => "ERR",
        (0, 1) => "NTFY",
        (1, 1) => "DATA",
        (2, 1) => "DUNA",
        (2, 2) => "DAVA",
        (2, 3) => "DAUD",
        (2, 4) => "SCON",
        (2, 5) => "DUPU",
        (2, 6) => "DRST",
        (3, 1) => "ASPUP",
        (3, 2) => "ASPDN",
        (3, 3) => "BEAT",
        (3, 4) => "ASPUP ACK",
        (3, 5) => "ASPDN ACK",
        (3, 6) => "BEAT ACK",
        (4, 1) => "ASPAC",
        (4, 2) => "ASPIA",
        (4, 3) => "ASPAC ACK",
        (4, 4) => "ASPIA ACK",
        (9, 1) => "REG REQ",
        (9, 2) => "REG RSP",
        (9, 3) => "DEREG REQ",
        (9, 4) => "DEREG RSP",
        _ => return None,
    })
}
