//! What capture and assembly hand on: a frame is bytes with a time, a PDU is one whole signalling message.

use std::fmt;
use std::net::SocketAddr;

use crate::base::time::At;

/// Data-link type of a captured frame (LINKTYPE_ values of the tcpdump registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Link {
    /// LINKTYPE_ETHERNET (1).
    Ethernet,
    /// LINKTYPE_LINUX_SLL (113).
    LinuxSll,
    /// LINKTYPE_LINUX_SLL2 (276).
    LinuxSll2,
    /// LINKTYPE_RAW (101), LINKTYPE_IPV4 (228), LINKTYPE_IPV6 (229), and DLT_RAW as 12 or 14.
    RawIp,
    /// LINKTYPE_NULL (0) and LINKTYPE_LOOP (108): four octets of address family, then IP.
    Null,
    /// LINKTYPE_MTP2_WITH_PHDR (139).
    Mtp2WithHeader,
    /// LINKTYPE_MTP2 (140).
    Mtp2,
    /// LINKTYPE_MTP3 (141).
    Mtp3,
}

/// One captured frame.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Packet time. Never goes backwards within a run: whoever feeds frames moves a frame from the past to now.
    pub at: At,
    /// Number of the frame within the run, from 1.
    pub number: u64,
    /// What the bytes begin with.
    pub link: Link,
    /// The captured bytes.
    pub bytes: &'a [u8],
    /// Length on the wire, in octets; more than `bytes.len()` when the snap length cut the frame.
    pub wire_length: u32,
}

/// How a SIP message travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One user message of an association (RFC 4168).
    Sctp,
    /// Cut from a stream by Content-Length (RFC 3261 §18.3).
    Tcp,
    /// One message a datagram.
    Udp,
    /// One message of a WebSocket (RFC 7118).
    WebSocket,
}

/// Whose message transfer part a signalling network uses: the width of its point codes, and the ISUP above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mtp {
    /// ANSI T1.111: point codes of 24 bits, link selection of 5 or 8.
    Ansi,
    /// China's GF 001-9001: point codes of 24 bits, link selection of 4.
    China,
    /// ITU-T Q.704: point codes of 14 bits, link selection of 4.
    #[default]
    Itu,
}

impl Mtp {
    /// Bits of a point code.
    #[must_use]
    pub const fn bits(self) -> u32 {
        match self {
            Self::Ansi | Self::China => 24,
            Self::Itu => 14,
        }
    }

    /// A point code as the network file writes it: a number, or its three parts with hyphens between: network, cluster and
    /// member of 8 bits each (T1.111.8), or zone, area and signalling point of 3, 8 and 3 bits (ITU-T Q.708). `None` when
    /// it is none, or too large.
    #[must_use]
    pub fn read_point_code(self, text: &str) -> Option<u32> {
        let parts: Vec<u32> = text.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        match (parts.as_slice(), self) {
            ([code], _) => (code >> self.bits() == 0).then_some(*code),
            ([zone @ 0..=7, area @ 0..=255, point @ 0..=7], Self::Itu) => {
                Some(zone << 11 | area << 3 | point)
            }
            ([network @ 0..=255, cluster @ 0..=255, member @ 0..=255], Self::Ansi | Self::China) => {
                Some(network << 16 | cluster << 8 | member)
            }
            _ => None,
        }
    }

    /// The three parts of a point code, from the left.
    #[must_use]
    pub const fn point_code_parts(self, code: u32) -> [u32; 3] {
        match self {
            Self::Ansi | Self::China => [code >> 16, code >> 8 & 0xff, code & 0xff],
            Self::Itu => [code >> 11, code >> 3 & 0xff, code & 7],
        }
    }
}

/// Whose message transfer part each network uses, by network indicator: an operator in a country of 24-bit point codes
/// has them on its national network, and codes of 14 bits on the international one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MtpPlan([Mtp; 4]);

impl MtpPlan {
    /// The same on every network.
    #[must_use]
    pub const fn all(standard: Mtp) -> Self {
        Self([standard; 4])
    }

    /// Says it of one network; indicators have two bits.
    pub const fn set(&mut self, network_indicator: u8, standard: Mtp) {
        self.0[(network_indicator & 3) as usize] = standard;
    }

    /// That of a network.
    #[must_use]
    pub const fn of(self, network_indicator: u8) -> Mtp {
        self.0[(network_indicator & 3) as usize]
    }

    /// That of a message whose point codes came in wide fields. Codes of more than 14 bits are of 24, whatever was said:
    /// then it is the first standard of that width which any network uses, and ANSI's when none does.
    #[must_use]
    pub fn of_point_codes(self, network_indicator: u8, opc: u32, dpc: u32) -> Mtp {
        let said = self.of(network_indicator);
        if (opc | dpc) >> said.bits() == 0 {
            return said;
        }
        self.0.into_iter().find(|standard| *standard != Mtp::Itu).unwrap_or(Mtp::Ansi)
    }
}

/// A point code; prints as its three parts, `2-17-5`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PointCode {
    /// Whose.
    pub standard: Mtp,
    /// Its value.
    pub code: u32,
}

impl fmt::Display for PointCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third] = self.standard.point_code_parts(self.code);
        write!(f, "{first}-{second}-{third}")
    }
}

/// Which user part of the MTP sets up calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UserPart {
    /// Q.1902.3, Q.1902.4: service indicator 13, calls named by a call instance code of 4 octets.
    Bicc,
    /// Q.763, T1.113: service indicator 5, calls named by a circuit of 2 octets.
    #[default]
    Isup,
}

/// MTP3 routing label of an ISUP or BICC message (Q.704 §2.2, T1.111.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoutingLabel {
    /// Whose point codes these are.
    pub standard: Mtp,
    /// Originating point code.
    pub opc: u32,
    /// Destination point code.
    pub dpc: u32,
    /// Network indicator: 0 international, 2 national (Q.704 §14.2.4).
    pub network_indicator: u8,
    /// Signalling link selection: 4 bits, of ANSI 5 or 8.
    pub sls: u8,
}

/// Where a PDU came from and what its bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// `bytes` is one SIP message.
    Sip {
        /// Sender.
        src: SocketAddr,
        /// Receiver.
        dst: SocketAddr,
        /// Transport.
        transport: Transport,
    },
    /// `bytes` is one ISUP or BICC message, from its circuit identification or call instance code on.
    Isup {
        /// Routing label.
        label: RoutingLabel,
        /// Which of the two.
        part: UserPart,
    },
}

/// One whole signalling message.
#[derive(Clone, Copy, Debug)]
pub struct Pdu<'a> {
    /// Time of the frame that completed it.
    pub at: At,
    /// Number of the PDU within the run, from 1: breaks ties of time.
    pub seq: u64,
    /// Number of the frame that completed it.
    pub frame: u64,
    /// Envelope.
    pub envelope: Envelope,
    /// The message.
    pub bytes: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn point_codes_are_read_as_they_print() {
        for (standard, text, code) in [
            (Mtp::Itu, "2-17-5", 4237),
            (Mtp::Itu, "7-255-7", 0x3fff),
            (Mtp::Ansi, "1-2-3", 0x01_02_03),
            (Mtp::China, "255-0-255", 0xff_00_ff),
        ] {
            assert_eq!(standard.read_point_code(text), Some(code));
            assert_eq!(standard.read_point_code(&code.to_string()), Some(code));
            assert_eq!(PointCode { standard, code }.to_string(), text);
        }
        for text in ["16384", "8-0-0", "0-0-8", "1-2", "-1", "", "1-2-3-4"] {
            assert_eq!(Mtp::Itu.read_point_code(text), None, "{text}");
        }
        assert_eq!(Mtp::Ansi.read_point_code("16777216"), None);
        assert_eq!(Mtp::Ansi.read_point_code("256-0-0"), None);
    }

    #[test]
    fn wide_point_codes_are_never_of_14_bits() {
        let mut plan = MtpPlan::default();
        assert_eq!(plan.of_point_codes(2, 0x3fff, 1), Mtp::Itu);
        assert_eq!(plan.of_point_codes(2, 1, 0x4000), Mtp::Ansi);
        plan.set(2, Mtp::China);
        assert_eq!([0, 2].map(|indicator| plan.of(indicator)), [Mtp::Itu, Mtp::China]);
        assert_eq!(plan.of_point_codes(2, 1, 2), Mtp::China);
        assert_eq!(plan.of_point_codes(0, 1, 2), Mtp::Itu);
        assert_eq!(plan.of_point_codes(0, 1, 0x01_02_03), Mtp::China);
        assert_eq!(MtpPlan::all(Mtp::Ansi).of(3), Mtp::Ansi);
    }
}
