//! Generic routing encapsulation: RFC 2784, with key and sequence number (RFC 2890) and with routing (RFC 1701); version 1
//! for PPP (RFC 2637 §4.1).

use super::erspan;
use super::link::Next;
use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const ACKNOWLEDGEMENT: u16 = 0x0080;
const VERSION: u16 = 0x0007;
const PPP: u16 = 0x880b;

/// Source routes of a packet, at most.
const ROUTES_MAX: usize = 16;

/// From the flags on.
pub(super) fn next(bytes: &[u8]) -> Result<Next<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Tunnel, bytes);
    let (flags, protocol) = (cursor.u16()?, cursor.u16()?);
    match flags & VERSION {
        0 => skip_options(flags, &mut cursor)?,
        1 if protocol == PPP => return version_1(flags, cursor),
        _ => return Err(cursor.error(Kind::Unsupported)),
    }
    let rest = cursor.rest();
    match protocol {
        erspan::ETHERTYPE if flags & SEQUENCE != 0 => erspan::type_2(rest),
        // Type I has no header of its own.
        erspan::ETHERTYPE => Ok(Next::Ethernet(rest)),
        erspan::ETHERTYPE_3 => erspan::type_3(rest),
        protocol => Ok(Next::EtherType(protocol, rest)),
    }
}

fn skip_options(flags: u16, cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
    let has = |flag| flags & flag != 0;
    if has(CHECKSUM) || has(ROUTING) {
        cursor.skip(4)?;
    }
    if has(KEY) {
        cursor.skip(4)?;
    }
    if has(SEQUENCE) {
        cursor.skip(4)?;
    }
    if !has(ROUTING) {
        return Ok(());
    }
    for _ in 0..ROUTES_MAX {
        let (family, [_, length]) = (cursor.u16()?, cursor.array()?);
        if (family, length) == (0, 0) {
            return Ok(());
        }
        cursor.skip(usize::from(length))?;
    }
    Err(cursor.error(Kind::TooMany))
}

/// Payload length and call; the sequence number only where there is a payload.
fn version_1(flags: u16, mut cursor: Cursor<'_>) -> Result<Next<'_>, DecodeError> {
    let length = usize::from(cursor.u16()?);
    cursor.skip(2)?;
    if flags & SEQUENCE != 0 {
        cursor.skip(4)?;
    }
    if flags & ACKNOWLEDGEMENT != 0 {
        cursor.skip(4)?;
    }
    let rest = cursor.rest();
    let payload = rest.get(..length).unwrap_or(rest);
    Ok(if flags & SEQUENCE == 0 || payload.is_empty() { Next::Other } else { Next::Ppp(payload) })
}
