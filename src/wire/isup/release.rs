//! Release: either side ends the call, and says why. ITU-T Q.763 table 33, cause indicators §3.12; values in Q.850.

use crate::base::fault::Kind;
use crate::wire::DecodeError;
use crate::wire::isup::parameter::{Parameter, Pointers};
use crate::wire::isup::{HEADER_LENGTH, Message, MessageType, emit_header};

const POINTERS: Pointers = Pointers { start: HEADER_LENGTH, end: HEADER_LENGTH.saturating_add(2) };
/// Coding standard of ITU-T, under which the value is one of Q.850's.
pub const CODING_ITU: u8 = 0;
/// Location: the user (Q.850 §2.2.3).
pub const LOCATION_USER: u8 = 0;
/// Location: the public network serving the remote user (Q.850 §2.2.3).
pub const LOCATION_REMOTE_PUBLIC: u8 = 4;

/// Cause indicators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Coding standard, 2 bits; [`CODING_ITU`] as a rule.
    pub coding: u8,
    /// Where the cause arose, 4 bits (Q.850 §2.2.3).
    pub location: u8,
    /// Cause value, 7 bits (Q.850 §2.2.5).
    pub value: u8,
}

impl Cause {
    /// Reads the content of a parameter; diagnostics are skipped.
    ///
    /// # Errors
    /// [`Kind::BadLength`] when it ends before the value.
    #[inline]
    pub fn parse(parameter: Parameter<'_>) -> Result<Self, DecodeError> {
        // A first octet with its extension bit clear goes on in an octet 1a, the recommendation (Q.850 §2.2.1).
        let (first, value) = match *parameter.content {
            [first, value, ..] if first & 0x80 != 0 => (first, value),
            [first, _, value, ..] if first & 0x80 == 0 => (first, value),
            _ => return Err(parameter.error(Kind::BadLength)),
        };
        Ok(Self { coding: first >> 5 & 3, location: first & 0xF, value: value & 0x7F })
    }

    /// Content of the parameter that says it.
    #[must_use]
    pub const fn content(self) -> [u8; 2] {
        [0x80 | (self.coding & 3) << 5 | self.location & 0xF, 0x80 | self.value & 0x7F]
    }
}

/// A release message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Release {
    /// Why.
    pub cause: Cause,
}

impl Release {
    /// Reads it.
    ///
    /// # Errors
    /// When the cause indicators cannot be found or read.
    #[inline]
    pub fn parse(message: &Message<'_>) -> Result<Self, DecodeError> {
        Ok(Self { cause: Cause::parse(message.variable(POINTERS)?)? })
    }

    /// Writes the whole message, without optional part.
    pub fn emit(self, cic: u16, out: &mut Vec<u8>) {
        emit_header(cic, MessageType::RELEASE, out);
        out.extend([2, 0, 2]);
        out.extend(self.cause.content());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn parse(bytes: &[u8]) -> Result<Release, DecodeError> {
        Release::parse(&Message::parse(bytes).unwrap())
    }

    #[test]
    fn skips_octet_1a() {
        let cause = Cause { coding: CODING_ITU, location: 2, value: 31 };
        assert_eq!(parse(&[1, 0, 0x0C, 2, 0, 3, 0x02, 0x80, 0x9F]), Ok(Release { cause }));
        assert!(parse(&[1, 0, 0x0C, 2, 0, 2, 0x02, 0x80]).is_err());
        assert!(parse(&[1, 0, 0x0C, 2, 0, 1, 0x82]).is_err());
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(coding in 0..4_u8, location in 0..16_u8, value in 0..0x80_u8) {
            let release = Release { cause: Cause { coding, location, value } };
            let mut bytes = Vec::new();
            release.emit(300, &mut bytes);
            prop_assert_eq!(parse(&bytes), Ok(release));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 3..40)) {
            let _ = parse(&bytes);
        }
    }
}
