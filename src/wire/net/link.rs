//! What stands before IP in a frame, header by header, up to [`HEADERS_MAX`] of them.

use super::{ethernet, llc, mpls, ppp};
use crate::base::fault::{Kind, Layer};
use crate::base::frame::{Frame, Link};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// Headers before an IP header, at most: tags, labels of one stack together, pseudowires, sessions.
pub const HEADERS_MAX: usize = 16;

/// What follows a header, and the octets from there on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// Ethernet, from the receiver's address on.
    Ethernet(&'a [u8]),
    /// What an EtherType says.
    EtherType(u16, &'a [u8]),
    /// IP of either version.
    Ip(&'a [u8]),
    /// Logical link control.
    Llc(&'a [u8]),
    /// MPLS labels.
    Mpls(&'a [u8]),
    /// Nothing with IP in it.
    Other,
    /// PPP, from its protocol field on.
    Ppp(&'a [u8]),
}

impl<'a> Next<'a> {
    /// Follows the headers to IP; `None` when there is none.
    pub fn to_ip(self) -> Result<Option<&'a [u8]>, DecodeError> {
        let mut next = self;
        for _ in 0..=HEADERS_MAX {
            next = match next {
                Self::Ethernet(bytes) => ethernet::next(bytes)?,
                Self::EtherType(ethertype, bytes) => ethernet::payload(ethertype, bytes)?,
                Self::Ip(bytes) => return Ok(Some(bytes)),
                Self::Llc(bytes) => llc::next(bytes)?,
                Self::Mpls(bytes) => mpls::next(bytes)?,
                Self::Other => return Ok(None),
                Self::Ppp(bytes) => ppp::next(bytes)?,
            };
        }
        Err(Cursor::new(Layer::Link, &[]).error(Kind::TooMany))
    }
}

/// The IP packet of the commonest frame: Ethernet with nothing between.
#[inline]
pub(super) fn plain<'a>(frame: &Frame<'a>) -> Option<&'a [u8]> {
    match *frame.bytes {
        [_, _, _, _, _, _, _, _, _, _, _, _, 0x08, 0x00, ref ip @ ..] if frame.link == Link::Ethernet => {
            Some(ip)
        }
        _ => None,
    }
}

/// What a frame begins with.
pub(super) fn first(link: Link, bytes: &[u8]) -> Result<Next<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Link, bytes);
    match link {
        Link::Ethernet => Ok(Next::Ethernet(bytes)),
        // Packet type, device type, address with its length.
        Link::LinuxSll => {
            cursor.skip(14)?;
            Ok(Next::EtherType(cursor.u16()?, cursor.rest()))
        }
        // The same and the interface, behind the protocol.
        Link::LinuxSll2 => {
            let protocol = cursor.u16()?;
            cursor.skip(18)?;
            Ok(Next::EtherType(protocol, cursor.rest()))
        }
        Link::RawIp => Ok(Next::Ip(bytes)),
        Link::Null => {
            let family = cursor.array()?;
            Ok(if is_ip_family(family) { Next::Ip(cursor.rest()) } else { Next::Other })
        }
        Link::Mtp2WithHeader | Link::Mtp2 | Link::Mtp3 => Ok(Next::Other),
    }
}

/// The address family is in the byte order of the capturing host, and IPv6 differs from system to system.
const fn is_ip_family(family: [u8; 4]) -> bool {
    matches!(family, [2 | 10 | 24 | 28 | 30, 0, 0, 0] | [0, 0, 0, 2 | 10 | 24 | 28 | 30])
}
