//! PPP, and its sessions over Ethernet. RFC 1661 §2, RFC 1662 §3.1, RFC 2516 §4.

use super::link::Next;
use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// From the address and control octets on, or from the protocol on where they are left out (RFC 1661 §6.6).
pub(super) fn next(bytes: &[u8]) -> Result<Next<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Link, bytes.strip_prefix(&[0xff, 0x03]).unwrap_or(bytes));
    let first = cursor.u8()?;
    // The last octet of a protocol is odd, the first even; small ones may be sent as one octet (RFC 1661 §6.5).
    let protocol = match first {
        odd if odd & 1 == 1 => u16::from(odd),
        even => u16::from_be_bytes([even, cursor.u8()?]),
    };
    Ok(match protocol {
        0x0021 | 0x0057 => Next::Ip(cursor.rest()),
        0x0281 | 0x0283 => Next::Mpls(cursor.rest()),
        _ => Next::Other,
    })
}

/// The session stage of PPP over Ethernet.
pub(super) fn session(bytes: &[u8]) -> Result<Next<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Link, bytes);
    let [version, code, _, _] = cursor.array()?;
    if version != 0x11 {
        return Err(cursor.error(Kind::Unsupported));
    }
    let length = usize::from(cursor.u16()?);
    let rest = cursor.rest();
    Ok(if code == 0 { Next::Ppp(rest.get(..length).unwrap_or(rest)) } else { Next::Other })
}
