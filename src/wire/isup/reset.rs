//! Circuit group reset: forget all calls on these circuits. ITU-T Q.763 §3.43, range and status; procedure in
//! Q.764 §2.9.3.2. The reset of one circuit (RSC) is a header and no more.

use crate::base::fault::Kind;
use crate::wire::DecodeError;
use crate::wire::isup::parameter::Pointers;
use crate::wire::isup::{Message, MessageType, emit_header};

const POINTERS: Pointers = Pointers::after(0, 1);
/// Most circuits that one message resets (§3.43 a).
pub const GROUP_MAX: u16 = 32;

/// A circuit group reset, or its acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupReset {
    /// How many circuits from the message's own on: the range octet plus one, 1 to [`GROUP_MAX`].
    pub count: u16,
}

impl GroupReset {
    /// Reads it.
    ///
    /// # Errors
    /// [`Kind::BadLength`] when there is no range or it is over [`GROUP_MAX`] circuits.
    #[inline]
    pub fn parse(message: &Message<'_>) -> Result<Self, DecodeError> {
        let parameter = message.variable(POINTERS, 0)?;
        let count = match parameter.content {
            [range, ..] => u16::from(*range).saturating_add(1),
            [] => 0,
        };
        if (1..=GROUP_MAX).contains(&count) {
            Ok(Self { count })
        } else {
            Err(parameter.error(Kind::BadLength))
        }
    }

    /// Writes the whole GRS.
    pub fn emit(self, cic: u32, out: &mut Vec<u8>) {
        emit_header(cic, MessageType::GROUP_RESET, out);
        out.extend([1, 1, self.range()]);
    }

    /// Writes the whole GRA that answers it: range, and a status bit for each circuit, all clear (none blocked).
    pub fn emit_ack(self, cic: u32, out: &mut Vec<u8>) {
        emit_header(cic, MessageType::GROUP_RESET_ACK, out);
        let status_length = self.count.div_ceil(8);
        out.extend([1, u8::try_from(status_length).unwrap_or(u8::MAX).saturating_add(1), self.range()]);
        out.extend((0..status_length).map(|_| 0));
    }

    fn range(self) -> u8 {
        u8::try_from(self.count.clamp(1, GROUP_MAX).saturating_sub(1)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(bytes: &[u8]) -> Result<GroupReset, DecodeError> {
        GroupReset::parse(&Message::parse(bytes).unwrap())
    }

    #[test]
    fn reads_what_it_wrote() {
        for count in 1..=GROUP_MAX {
            let (mut reset, mut ack) = (Vec::new(), Vec::new());
            GroupReset { count }.emit(64, &mut reset);
            GroupReset { count }.emit_ack(64, &mut ack);
            assert_eq!(parse(&reset), Ok(GroupReset { count }));
            assert_eq!(parse(&ack), Ok(GroupReset { count }));
        }
    }

    #[test]
    fn refuses_a_range_that_is_missing_or_too_wide() {
        for bytes in [&[1, 0, 0x17][..], &[1, 0, 0x17, 1, 0], &[1, 0, 0x17, 1, 1, 32], &[1, 0, 0x17, 2, 1, 3]]
        {
            assert!(parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
