//! M2PA: MTP level 2 between peers over SCTP. RFC 4165 §2. User Data carries a message of MTP level 3 behind an octet of
//! priority (§2.3.1); Link Status keeps the link up (§2.3.2).

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;
use crate::wire::sigtran;

/// Message class of M2PA.
pub const CLASS: u8 = 11;
/// User Data.
pub const USER_DATA: u8 = 1;
/// Link Status.
pub const LINK_STATUS: u8 = 2;
/// Sequence numbers have 24 bits.
const SEQUENCE: u32 = 0x00ff_ffff;

/// One message of User Data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserData<'a> {
    /// Backward sequence number, 24 bits: the last message received.
    pub backward: u32,
    /// Forward sequence number, 24 bits: this message.
    pub forward: u32,
    /// Priority, 0 to 3, of national networks that use it; in Japan the two high bits of the length indicator (§2.3.1).
    pub priority: u8,
    /// The message of level 3, from its service information octet on.
    pub mtp3: &'a [u8],
}

impl<'a> UserData<'a> {
    /// Reads a message. `None` when it carries nothing: link status, or User Data that only acknowledges (§4.2.1).
    ///
    /// # Errors
    /// As [`sigtran::Message::parse`]; [`Kind::Truncated`] when shorter than its sequence numbers, [`Kind::Unsupported`]
    /// when it is of another class or type.
    pub fn parse(bytes: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        let message = sigtran::Message::parse(Layer::M2pa, bytes)?;
        let mut cursor = Cursor::new(Layer::M2pa, message.body);
        match (message.class, message.kind) {
            (CLASS, USER_DATA) => {}
            (CLASS, LINK_STATUS) => return Ok(None),
            _ => return Err(cursor.error(Kind::Unsupported)),
        }
        let (backward, forward) = (cursor.u32()? & SEQUENCE, cursor.u32()? & SEQUENCE);
        if cursor.is_empty() {
            return Ok(None);
        }
        let priority = cursor.u8()? >> 6;
        Ok(Some(Self { backward, forward, priority, mtp3: cursor.rest() }))
    }

    /// Writes the message with its header.
    pub fn emit(&self, out: &mut Vec<u8>) {
        sigtran::emit_header(CLASS, USER_DATA, self.mtp3.len().saturating_add(9), out);
        out.extend_from_slice(&(self.backward & SEQUENCE).to_be_bytes());
        out.extend_from_slice(&(self.forward & SEQUENCE).to_be_bytes());
        out.push(self.priority << 6);
        out.extend_from_slice(self.mtp3);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_keeps_the_link_up_carries_nothing() {
        let status = [1, 0, 11, 2, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
        assert_eq!(UserData::parse(&status), Ok(None));
        let acknowledgement = [1, 0, 11, 1, 0, 0, 0, 16, 0, 0, 0, 7, 0, 0, 0, 8];
        assert_eq!(UserData::parse(&acknowledgement), Ok(None));
        assert_eq!(UserData::parse(&acknowledgement[..12]).unwrap_err().kind, Kind::Truncated);
        let other = [1, 0, 11, 3, 0, 0, 0, 8];
        assert_eq!(UserData::parse(&other).unwrap_err().kind, Kind::Unsupported);
        let short = [1, 0, 11, 1, 0, 0, 0, 12, 0, 0, 0, 7];
        assert_eq!(UserData::parse(&short).unwrap_err().kind, Kind::Truncated);
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_read_back(
            backward in 0..=SEQUENCE, forward in 0..=SEQUENCE, priority in 0..4_u8,
            mtp3 in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let data = UserData { backward, forward, priority, mtp3: &mtp3 };
            let mut bytes = Vec::new();
            data.emit(&mut bytes);
            prop_assert_eq!(UserData::parse(&bytes), Ok(Some(data)));
        }

        #[test]
        fn any_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 8..60), real: bool) {
            if real {
                bytes[..7].copy_from_slice(&[1, 0, CLASS, USER_DATA, 0, 0, 0]);
            }
            let _ = UserData::parse(&bytes);
        }
    }
}
