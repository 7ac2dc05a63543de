//! IPv4. RFC 791 §3.1.

use std::net::{IpAddr, Ipv4Addr};

use super::{Fragment, Packet, believe};
use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

#[inline]
pub(super) fn parse(bytes: &[u8], cut: bool) -> Result<Packet<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Ip, bytes);
    let [first, _, length @ .., i0, i1, f0, f1, _, protocol, _, _] = cursor.array::<12>()?;
    let (src, dst) = (cursor.array::<4>()?, cursor.array::<4>()?);
    let header_length = usize::from(first & 0x0f).saturating_mul(4);
    if header_length < 20 {
        return Err(cursor.error(Kind::BadLength));
    }
    cursor.skip(header_length.saturating_sub(20))?;
    let payload_length = usize::from(u16::from_be_bytes(length)).checked_sub(header_length);
    let (payload, flaw) = match payload_length {
        // Cards that cut segments themselves leave the total length 0 for the capture to see.
        None if length == [0, 0] => (cursor.rest(), None),
        length => believe(cursor.rest(), length, cut),
    };
    let (flags, offset) = (f0 >> 5, u32::from(u16::from_be_bytes([f0 & 0x1f, f1])).saturating_mul(8));
    let more = flags & 1 != 0;
    let identification = u16::from_be_bytes([i0, i1]);
    let fragment =
        (more || offset != 0).then_some(Fragment { identification: u32::from(identification), offset, more });
    let (src, dst) = (IpAddr::V4(Ipv4Addr::from(src)), IpAddr::V4(Ipv4Addr::from(dst)));
    Ok(Packet { src, dst, protocol, fragment, identification, depth: 0, payload, flaw })
}
