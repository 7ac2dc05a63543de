//! User packets of a mobile network: GTP-U version 1. 3GPP TS 29.281 §5.

use super::link::Next;

/// As registered.
pub(super) const PORT: u16 = 2152;

const FIXED: usize = 8;
/// A user packet (table 6.1-1).
const G_PDU: u8 = 255;
const VERSION_AND_TYPE: u8 = 0xf0;
const VERSION_1: u8 = 0x30;
const EXTENSION: u8 = 0x04;
/// Any of extension, sequence number and N-PDU number brings the place of all three.
const OPTIONAL: u8 = 0x07;
/// Extension headers of a packet, at most (§5.2.1 names eight).
const EXTENSIONS_MAX: usize = 8;

/// `None` when it is not GTP-U, or carries no user packet.
pub(super) fn next(payload: &[u8]) -> Option<Next<'_>> {
    let (&[flags, kind, high, low, _, _, _, _], rest) = payload.split_first_chunk::<FIXED>()?;
    if flags & VERSION_AND_TYPE != VERSION_1 || kind != G_PDU {
        return None;
    }
    let length = usize::from(u16::from_be_bytes([high, low]));
    // Less is there when the capture cut it.
    let rest = rest.get(..length).unwrap_or(rest);
    let packet = if flags & OPTIONAL == 0 { rest } else { behind_options(flags, rest)? };
    match packet.first()? >> 4 {
        4 | 6 => Some(Next::Ip(packet)),
        // A session of Ethernet frames.
        _ => Some(Next::Ethernet(packet)),
    }
}

/// Sequence number, N-PDU number, type of the first extension header; then each with its length in fours and the next
/// one's type at its end.
fn behind_options(flags: u8, bytes: &[u8]) -> Option<&[u8]> {
    let (&[_, _, _, mut kind], mut rest) = bytes.split_first_chunk::<4>()?;
    if flags & EXTENSION == 0 {
        return Some(rest);
    }
    for _ in 0..EXTENSIONS_MAX {
        if kind == 0 {
            return Some(rest);
        }
        let length = usize::from(*rest.first()?).saturating_mul(4);
        let (header, tail) = rest.split_at_checked(length)?;
        (kind, rest) = (*header.last()?, tail);
    }
    (kind == 0).then_some(rest)
}
