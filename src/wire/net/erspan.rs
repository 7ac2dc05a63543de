//! Frames mirrored over GRE: ERSPAN types II and III, draft-foschiano-erspan-03 §4.

use super::link::Next;
use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// GRE protocol of types I and II, of which only II has a sequence number in GRE.
pub(super) const ETHERTYPE: u16 = 0x88be;
/// GRE protocol of type III.
pub(super) const ETHERTYPE_3: u16 = 0x22eb;

const VERSION_2: u8 = 1;
const VERSION_3: u8 = 2;
const HAS_SUBHEADER: u8 = 1;

/// Eight octets, then the frame.
pub(super) fn type_2(bytes: &[u8]) -> Result<Next<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Tunnel, bytes);
    let [first, ..] = cursor.array::<8>()?;
    if first >> 4 != VERSION_2 {
        return Err(cursor.error(Kind::Unsupported));
    }
    Ok(Next::Ethernet(cursor.rest()))
}

/// Twelve octets, in some eight more, then what the frame type says.
pub(super) fn type_3(bytes: &[u8]) -> Result<Next<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Tunnel, bytes);
    let [first, .., kind, last] = cursor.array::<12>()?;
    if first >> 4 != VERSION_3 {
        return Err(cursor.error(Kind::Unsupported));
    }
    if last & HAS_SUBHEADER != 0 {
        cursor.skip(8)?;
    }
    Ok(match kind >> 2 & 0x1f {
        0 => Next::Ethernet(cursor.rest()),
        2 => Next::Ip(cursor.rest()),
        _ => Next::Other,
    })
}
