//! Frame → IP packet → UDP, TCP or SCTP, or the packet that is wrapped in it.
//!
//! In: a [`Frame`]. Out: its [`Packet`], behind whatever stands before IP (`link`); and from a packet the one inside it
//! ([`Packet::inside`]): IP in IP (RFC 2003, RFC 2473), GRE with PPP and ERSPAN, MPLS, VXLAN, GENEVE, GTP-U. One protocol
//! a file. Wrappings are looked into [`WRAPPINGS_MAX`] deep.
//!
//! Length fields are believed before the length of the frame, so padding never leaks into a payload; one that cannot
//! be true is a [`Packet::flaw`], and the bytes that are there are used. Checksums are not verified: network cards
//! leave them to be filled in later, and taps show them unfilled.

#[cfg(test)]
pub(crate) mod build;
mod erspan;
mod ethernet;
mod geneve;
mod gre;
mod gtp;
mod ipv4;
mod ipv6;
mod link;
mod llc;
mod macsec;
mod mpls;
mod ppp;
mod tcp;
#[cfg(test)]
mod tests;
mod udp;
mod vxlan;

use std::net::IpAddr;

pub use self::link::HEADERS_MAX;
use self::link::Next;
pub use self::tcp::Tcp;
pub use self::udp::Udp;
use crate::base::fault::{Kind, Layer};
use crate::base::frame::Frame;
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// IP protocol number of TCP.
pub const TCP: u8 = 6;
/// IP protocol number of UDP.
pub const UDP: u8 = 17;
/// IP protocol number of SCTP.
pub const SCTP: u8 = 132;
/// IP packets in IP packets, at most: a mirror's tunnel across an operator's backbone takes three.
pub const WRAPPINGS_MAX: u8 = 8;

const IPV4_IN_IP: u8 = 4;
const IPV6_IN_IP: u8 = 41;
const GRE: u8 = 47;
const MPLS_IN_IP: u8 = 137;

/// One IP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Sender.
    pub src: IpAddr,
    /// Receiver.
    pub dst: IpAddr,
    /// What the payload is: [`UDP`], [`TCP`], [`SCTP`] or another number of the IANA list.
    pub protocol: u8,
    /// Set when the payload is only a part of a datagram.
    pub fragment: Option<Fragment>,
    /// Identification of an IPv4 packet; 0 in IPv6.
    pub identification: u16,
    /// Packets that it is wrapped in.
    pub depth: u8,
    /// What follows the IP headers.
    pub payload: &'a [u8],
    /// [`Kind::Truncated`] when the snap length cut the packet, [`Kind::BadLength`] when its length field lies. The
    /// payload is then what is there.
    pub flaw: Option<Kind>,
}

/// Place of a fragment in its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Identification, 16 bits in IPv4, 32 in IPv6.
    pub identification: u32,
    /// Octets of the datagram before it, 0 to 65,528.
    pub offset: u32,
    /// More follow.
    pub more: bool,
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inside<'a> {
    /// Something wrapped that is not IP: ARP, spanning tree.
    Other,
    /// Another packet.
    Packet(Packet<'a>),
    /// No other packet: its payload is what it is about.
    Payload,
}

impl<'a> Packet<'a> {
    /// Reads a frame down to its outermost IP packet. `None` when the frame carries no IP.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when a header is cut, [`Kind::BadLength`] when a header is shorter than its fixed part,
    /// [`Kind::BadSyntax`] when the version is neither 4 nor 6, [`Kind::TooMany`] headers, [`Kind::Unsupported`] when
    /// it is encrypted.
    #[inline]
    pub fn parse(frame: &Frame<'a>) -> Result<Option<Self>, DecodeError> {
        let cut = usize::try_from(frame.wire_length).unwrap_or(usize::MAX) > frame.bytes.len();
        let bytes = match link::plain(frame) {
            Some(bytes) => bytes,
            None => match link::first(frame.link, frame.bytes)?.to_ip()? {
                Some(bytes) => bytes,
                None => return Ok(None),
            },
        };
        parse_ip(bytes, cut).map(Some)
    }

    /// The packet that is wrapped in this one, which must be whole. UDP is looked into where both its port and what
    /// follows are a tunnel's.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); [`Kind::TooMany`] also when it is [`WRAPPINGS_MAX`] deep already.
    #[inline]
    pub fn inside(&self) -> Result<Inside<'a>, DecodeError> {
        let next = match self.protocol {
            TCP | SCTP => return Ok(Inside::Payload),
            UDP => match tunnel(self.payload) {
                Some(next) => next,
                None => return Ok(Inside::Payload),
            },
            IPV4_IN_IP | IPV6_IN_IP => Next::Ip(self.payload),
            GRE => gre::next(self.payload)?,
            MPLS_IN_IP => Next::Mpls(self.payload),
            _ => return Ok(Inside::Payload),
        };
        self.unwrap(next)
    }

    fn unwrap(&self, next: Next<'a>) -> Result<Inside<'a>, DecodeError> {
        let Some(bytes) = next.to_ip()? else { return Ok(Inside::Other) };
        if self.depth >= WRAPPINGS_MAX {
            return Err(Cursor::new(Layer::Ip, bytes).error(Kind::TooMany));
        }
        let inner = parse_ip(bytes, self.flaw == Some(Kind::Truncated))?;
        let depth = self.depth.saturating_add(1);
        Ok(Inside::Packet(Self { flaw: self.flaw.or(inner.flaw), depth, ..inner }))
    }

    /// The datagram that this fragment belongs to, with its payload. In IPv6 extension headers may begin it, even another
    /// fragment header; so it counts as wrapped.
    ///
    /// # Errors
    /// As [`inside`](Self::inside).
    pub fn put_together<'b>(&self, protocol: u8, payload: &'b [u8]) -> Result<Packet<'b>, DecodeError> {
        let whole = Packet {
            src: self.src,
            dst: self.dst,
            protocol,
            fragment: None,
            identification: self.identification,
            depth: self.depth,
            payload,
            flaw: None,
        };
        if self.src.is_ipv4() || !ipv6::is_extension(protocol) {
            return Ok(whole);
        }
        let chain = ipv6::Chain::walk(protocol, payload)?;
        if self.depth >= WRAPPINGS_MAX {
            return Err(Cursor::new(Layer::Ip, payload).error(Kind::TooMany));
        }
        let ipv6::Chain { protocol, fragment, payload } = chain;
        Ok(Packet { protocol, fragment, payload, depth: self.depth.saturating_add(1), ..whole })
    }
}

/// What a UDP datagram wraps, if it does.
#[inline]
fn tunnel(datagram: &[u8]) -> Option<Next<'_>> {
    // Only the port, at first: most datagrams go to none of these.
    let [_, _, high, low, ..] = *datagram else { return None };
    match u16::from_be_bytes([high, low]) {
        gtp::PORT => gtp::next(Udp::parse(datagram).ok()?.payload),
        vxlan::PORT | vxlan::LINUX_PORT | vxlan::GPE_PORT => vxlan::next(Udp::parse(datagram).ok()?.payload),
        geneve::PORT => geneve::next(Udp::parse(datagram).ok()?.payload),
        _ => None,
    }
}

#[inline]
fn parse_ip(bytes: &[u8], cut: bool) -> Result<Packet<'_>, DecodeError> {
    match bytes.first().map(|octet| octet >> 4) {
        Some(4) => ipv4::parse(bytes, cut),
        Some(6) => ipv6::parse(bytes, cut),
        Some(_) => Err(Cursor::new(Layer::Ip, bytes).error(Kind::BadSyntax)),
        None => Err(Cursor::new(Layer::Ip, bytes).error(Kind::Truncated)),
    }
}

/// Cuts `bytes` to the length a header states, or says why it cannot be so.
fn believe(bytes: &[u8], length: Option<usize>, cut: bool) -> (&[u8], Option<Kind>) {
    match length.map(|length| bytes.get(..length)) {
        Some(Some(exact)) => (exact, None),
        Some(None) if cut => (bytes, Some(Kind::Truncated)),
        _ => (bytes, Some(Kind::BadLength)),
    }
}
