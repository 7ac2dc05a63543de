//! Release: either side ends the call, and says why. ITU-T Q.763 table 33, cause indicators §3.12; values in Q.850.

use crate::base::fault::Kind;
use crate::wire::DecodeError;
use crate::wire::isup::parameter::{Parameter, Pointers};
use crate::wire::isup::{Message, MessageType, emit_header};

const POINTERS: Pointers = Pointers::with_optional(0, 1);
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
    /// Reads the content of a parameter; recommendation and diagnostics are skipped.
    ///
    /// # Errors
    /// [`Kind::BadLength`] when it ends before the value.
    #[inline]
    pub fn parse(parameter: Parameter<'_>) -> Result<Self, DecodeError> {
        CauseIndicators::parse(parameter).map(|indicators| indicators.cause)
    }

    /// Content of the parameter that says it.
    #[must_use]
    pub const fn content(self) -> [u8; 2] {
        [0x80 | (self.coding & 3) << 5 | self.location & 0xF, 0x80 | self.value & 0x7F]
    }
}

/// Cause indicators with all that may be in them (Q.850 §2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CauseIndicators<'a> {
    /// The cause.
    pub cause: Cause,
    /// The recommendation whose procedures the cause belongs to, 7 bits; as a rule not sent.
    pub recommendation: Option<u8>,
    /// What the cause is about, such as the parameters that were not known.
    pub diagnostics: &'a [u8],
}

impl<'a> CauseIndicators<'a> {
    /// Reads the content of a parameter.
    ///
    /// # Errors
    /// [`Kind::BadLength`] when it ends before the value.
    #[inline]
    pub fn parse(parameter: Parameter<'a>) -> Result<Self, DecodeError> {
        // A first octet with its extension bit clear goes on in an octet 1a, the recommendation (Q.850 §2.2.1).
        let (first, recommendation, rest) = match parameter.content {
            [first, rest @ ..] if first & 0x80 != 0 => (first, None, rest),
            [first, recommendation, rest @ ..] => (first, Some(recommendation & 0x7F), rest),
            _ => return Err(parameter.error(Kind::BadLength)),
        };
        let [value, diagnostics @ ..] = rest else { return Err(parameter.error(Kind::BadLength)) };
        let cause = Cause { coding: first >> 5 & 3, location: first & 0xF, value: value & 0x7F };
        Ok(Self { cause, recommendation, diagnostics })
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
        Ok(Self { cause: Cause::parse(message.variable(POINTERS, 0)?)? })
    }

    /// Writes the whole message, without optional part.
    pub fn emit(self, cic: u32, out: &mut Vec<u8>) {
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
        let content = &[0x02, 0x80, 0x9F, 7, 8];
        let whole = CauseIndicators::parse(Parameter { code: 0x12, offset: 0, content }).unwrap();
        assert_eq!((whole.recommendation, whole.diagnostics), (Some(0), &[7, 8][..]));
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
