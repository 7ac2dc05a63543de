//! Ethernet and the tags behind its addresses: IEEE 802.3 §3.2; VLAN tags, IEEE 802.1Q §9, also those that came before
//! it (0x9100, 0x9200); E-tags, IEEE 802.1BR §7.5; VN-tags.

use super::link::Next;
use super::{macsec, ppp};
use crate::base::fault::Layer;
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
/// Of Linux cooked capture only: a frame of logical link control.
const COOKED_LLC: u16 = 0x0004;
/// Smaller values are the length of what follows (IEEE 802.3 §3.2.6).
const SMALLEST: u16 = 0x0600;

/// From the receiver's address on.
pub(super) fn next(bytes: &[u8]) -> Result<Next<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Link, bytes);
    cursor.skip(12)?;
    let ethertype = cursor.u16()?;
    let rest = cursor.rest();
    if ethertype < SMALLEST {
        return Ok(Next::Llc(rest.get(..usize::from(ethertype)).unwrap_or(rest)));
    }
    Ok(Next::EtherType(ethertype, rest))
}

/// What follows an EtherType.
pub(super) fn payload(ethertype: u16, bytes: &[u8]) -> Result<Next<'_>, DecodeError> {
    let tagged = |octets| {
        let mut cursor = Cursor::new(Layer::Link, bytes);
        cursor.skip(octets)?;
        let ethertype = cursor.u16()?;
        let rest = cursor.rest();
        Ok(if ethertype < SMALLEST { Next::Llc(rest) } else { Next::EtherType(ethertype, rest) })
    };
    match ethertype {
        IPV4 | IPV6 => Ok(Next::Ip(bytes)),
        0x8100 | 0x88a8 | 0x9100 | 0x9200 => tagged(2),
        0x8847 | 0x8848 => Ok(Next::Mpls(bytes)),
        0x8864 => ppp::session(bytes),
        0x88e5 => macsec::next(bytes),
        0x893f => tagged(6),
        0x8926 => tagged(4),
        0x6558 => Ok(Next::Ethernet(bytes)),
        0x880b => Ok(Next::Ppp(bytes)),
        COOKED_LLC => Ok(Next::Llc(bytes)),
        _ => Ok(Next::Other),
    }
}

/// An Ethernet frame by the looks of it, which leads to IP or to a tag.
pub(super) fn is_likely(bytes: &[u8]) -> bool {
    let Some([ethertype @ .., version]) = bytes.get(12..).and_then(<[u8]>::first_chunk::<3>) else {
        return false;
    };
    match u16::from_be_bytes(*ethertype) {
        IPV4 => version >> 4 == 4,
        IPV6 => version >> 4 == 6,
        0x0806 | 0x8100 | 0x88a8 | 0x8847 | 0x8848 | 0x8864 => true,
        _ => false,
    }
}
