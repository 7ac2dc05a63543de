//! MPLS label stacks, and Ethernet carried over them. RFC 3032 §2.1, RFC 4448 §4.6, RFC 4385 §3.
//!
//! Labels do not say what they lead to. Its first four bits do as far as they can: 4 and 6 are IP, 0 is the control word of
//! a pseudowire, and a frame may begin with any of them (RFC 4928 §3).

use super::ethernet;
use super::link::Next;
use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// Labels of a stack, at most. Segment routing stacks a dozen.
const LABELS_MAX: usize = 16;
const BOTTOM: u32 = 0x100;
const CONTROL_WORD: usize = 4;

/// From the first label on.
pub(super) fn next(bytes: &[u8]) -> Result<Next<'_>, DecodeError> {
    let mut cursor = Cursor::new(Layer::Link, bytes);
    for _ in 0..LABELS_MAX {
        if cursor.u32()? & BOTTOM != 0 {
            return Ok(below(cursor.rest()));
        }
    }
    Err(cursor.error(Kind::TooMany))
}

fn below(bytes: &[u8]) -> Next<'_> {
    let behind_word = bytes.get(CONTROL_WORD..).unwrap_or_default();
    match bytes.first().map(|octet| octet >> 4) {
        Some(4 | 6) if is_long_enough(bytes) || !ethernet::is_likely(bytes) => Next::Ip(bytes),
        Some(0) if ethernet::is_likely(behind_word) => Next::Ethernet(behind_word),
        Some(_) if ethernet::is_likely(bytes) => Next::Ethernet(bytes),
        _ => Next::Other,
    }
}

/// As IP, it has all the octets that its length says.
fn is_long_enough(bytes: &[u8]) -> bool {
    match *bytes {
        [first, _, high, low, ..] if first >> 4 == 4 => {
            let length = usize::from(u16::from_be_bytes([high, low]));
            first & 0x0f >= 5 && (20..=bytes.len()).contains(&length)
        }
        [_, _, _, _, high, low, ..] => {
            usize::from(u16::from_be_bytes([high, low])).saturating_add(40) <= bytes.len()
        }
        _ => false,
    }
}
