//! MACsec that only protects, or whose taps have decrypted it. IEEE 802.1AE §9.3.
//!
//! The octets of the integrity check at the end are left: what is inside knows its own length.

use super::link::Next;
use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

const VERSION: u8 = 0x80;
const HAS_CHANNEL: u8 = 0x20;
const ENCRYPTED: u8 = 0x08;
const CHANGED: u8 = 0x04;

/// From the control octet on.
pub(super) fn next(bytes: &[u8]) -> Result<Next<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Link, bytes);
    let control = cursor.u8()?;
    if control & (VERSION | ENCRYPTED | CHANGED) != 0 {
        return Err(cursor.error(Kind::Unsupported));
    }
    // Short length, packet number, and the channel's identifier.
    cursor.skip(if control & HAS_CHANNEL != 0 { 13 } else { 5 })?;
    Ok(Next::EtherType(cursor.u16()?, cursor.rest()))
}
