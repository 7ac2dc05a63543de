//! What capture and assembly hand on: a frame is bytes with a time, a PDU is one whole signalling message.

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
    /// One message a user message of an association (RFC 4168).
    Sctp,
    /// Cut from a stream by Content-Length (RFC 3261 §18.3).
    Tcp,
    /// One message a datagram.
    Udp,
    /// One message a WebSocket message (RFC 7118 §5).
    WebSocket,
}

/// MTP3 routing label of an ISUP message (Q.704 §2.2; 14-bit point codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RoutingLabel {
    /// Originating point code.
    pub opc: u32,
    /// Destination point code.
    pub dpc: u32,
    /// Network indicator: 0 international, 2 national (Q.704 §14.2.4).
    pub network_indicator: u8,
    /// Signalling link selection.
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
    /// `bytes` is one ISUP message, from its circuit identification code on.
    Isup {
        /// Routing label.
        label: RoutingLabel,
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
