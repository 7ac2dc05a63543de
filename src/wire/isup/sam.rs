//! Subsequent address: more digits of the called number, after the IAM and before the ACM. ITU-T Q.763 table 35,
//! subsequent number §3.51; overlap operation in Q.764 §2.1.2.

use crate::wire::DecodeError;
use crate::wire::isup::number::SubsequentNumber;
use crate::wire::isup::parameter::Pointers;
use crate::wire::isup::{Message, MessageType, emit_header};

const POINTERS: Pointers = Pointers::with_optional(0, 1);

/// A subsequent address message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sam {
    /// The digits that follow those sent before.
    pub number: SubsequentNumber,
}

impl Sam {
    /// Reads it.
    ///
    /// # Errors
    /// When the number cannot be found or read.
    #[inline]
    pub fn parse(message: &Message<'_>) -> Result<Self, DecodeError> {
        Ok(Self { number: SubsequentNumber::parse(message.variable(POINTERS, 0)?)? })
    }

    /// Writes the whole message, without optional part.
    pub fn emit(&self, cic: u32, out: &mut Vec<u8>) {
        emit_header(cic, MessageType::SUBSEQUENT_ADDRESS, out);
        let content = self.number.content();
        out.extend([2, 0, u8::try_from(content.len()).unwrap_or(u8::MAX)]);
        out.extend(content);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::wire::isup::number::tests::any_number;

    #[test]
    fn reads_digits_and_their_end() {
        let message = [9, 0, 2, 2, 0, 4, 0x00, 0x54, 0x76, 0xF8];
        let sam = Sam::parse(&Message::parse(&message).unwrap()).unwrap();
        assert_eq!((sam.number.digits.text().as_slice(), sam.number.ended), (&b"45678"[..], true));
        assert!(Sam::parse(&Message::parse(&[9, 0, 2, 2, 0, 0]).unwrap()).is_err());
        assert!(Sam::parse(&Message::parse(&[9, 0, 2, 0, 0, 1, 0]).unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(number in any_number()) {
            let sam = Sam { number: SubsequentNumber { digits: number.digits, ended: number.ended } };
            let mut bytes = Vec::new();
            sam.emit(12, &mut bytes);
            prop_assert_eq!(Sam::parse(&Message::parse(&bytes).unwrap()), Ok(sam));
        }
    }
}
