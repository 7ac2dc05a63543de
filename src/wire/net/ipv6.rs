//! IPv6 and its extension headers. RFC 8200 §3, §4; RFC 4302 §2.2 for the authentication header.

use std::net::{IpAddr, Ipv6Addr};

use super::{Fragment, Packet, believe};
use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// Extension headers of a packet, at most. RFC 8200 §4.1 names seven.
const EXTENSION_HEADERS_MAX: usize = 8;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;

pub(super) fn parse(bytes: &[u8], cut: bool) -> Result<Packet<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Ip, bytes);
    let [_, _, _, _, length @ .., next, _] = cursor.array::<8>()?;
    let (src, dst) = (cursor.array::<16>()?, cursor.array::<16>()?);
    let (rest, flaw) = match u16::from_be_bytes(length) {
        0 => (cursor.rest(), None),
        length => believe(cursor.rest(), Some(usize::from(length)), cut),
    };
    let Chain { protocol, fragment, payload } = Chain::walk(next, rest)?;
    let (src, dst) = (IpAddr::V6(Ipv6Addr::from(src)), IpAddr::V6(Ipv6Addr::from(dst)));
    Ok(Packet { src, dst, protocol, fragment, identification: 0, depth: 0, payload, flaw })
}

pub(super) const fn is_extension(protocol: u8) -> bool {
    matches!(protocol, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION | MOBILITY)
}

/// Where the headers end: at what they carry, or at a fragment.
pub(super) struct Chain<'a> {
    pub protocol: u8,
    pub fragment: Option<Fragment>,
    pub payload: &'a [u8],
}

impl<'a> Chain<'a> {
    pub fn walk(mut protocol: u8, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Ip, bytes);
        let mut fragment = None;
        for _ in 0..=EXTENSION_HEADERS_MAX {
            if fragment.is_some() || !is_extension(protocol) {
                return Ok(Self { protocol, fragment, payload: cursor.rest() });
            }
            let header = protocol;
            if header == FRAGMENT {
                let [next, _, o0, o1] = cursor.array()?;
                let (offset, more) = (u32::from(u16::from_be_bytes([o0, o1 & 0xf8])), o1 & 1 != 0);
                let identification = cursor.u32()?;
                // A fragment alone in its datagram is whole (RFC 6946).
                let is_part = offset != 0 || more;
                fragment = is_part.then_some(Fragment { identification, offset, more });
                protocol = next;
                continue;
            }
            let [next, units] = cursor.array()?;
            // The length leaves out the first eight octets, and counts in fours for the authentication header.
            let unit = if header == AUTHENTICATION { 4 } else { 8 };
            cursor.skip(usize::from(units).saturating_mul(unit).saturating_add(6))?;
            protocol = next;
        }
        Err(cursor.error(Kind::TooMany))
    }
}
