//! Distinguished encoding of ASN.1: tag, length, contents. ITU-T X.690 §8.1, §10.1; as far as certificates need it.

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// Tag octets, class and form included (X.690 §8.1.2).
pub mod tag {
    /// BOOLEAN.
    pub const BOOLEAN: u8 = 0x01;
    /// INTEGER.
    pub const INTEGER: u8 = 0x02;
    /// BIT STRING.
    pub const BIT_STRING: u8 = 0x03;
    /// OCTET STRING.
    pub const OCTET_STRING: u8 = 0x04;
    /// OBJECT IDENTIFIER.
    pub const OID: u8 = 0x06;
    /// SEQUENCE.
    pub const SEQUENCE: u8 = 0x30;
    /// IA5String.
    pub const IA5_STRING: u8 = 0x16;
    /// UTCTime.
    pub const UTC_TIME: u8 = 0x17;
    /// GeneralizedTime.
    pub const GENERALIZED_TIME: u8 = 0x18;
    /// Context-specific, constructed, number 0; further numbers follow.
    pub const CONTEXT: u8 = 0xA0;
}

/// Reads values one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Der<'a>(Cursor<'a>);

impl<'a> Der<'a> {
    /// Starts at the first octet of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(Cursor::new(Layer::Sip, bytes))
    }

    /// Nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the next value has this tag.
    #[must_use]
    pub fn is_next(&self, tag: u8) -> bool {
        self.0.rest().first() == Some(&tag)
    }

    /// The next value: its tag and contents.
    ///
    /// # Errors
    /// [`Kind::Truncated`]; [`Kind::BadLength`] when the length is longer than four octets, indefinite, or not the shortest.
    pub fn any(&mut self) -> Result<(u8, &'a [u8]), DecodeError> {
        let tag = self.0.u8()?;
        if tag & 0x1F == 0x1F {
            return Err(self.error(Kind::Unsupported));
        }
        let first = self.0.u8()?;
        let length = match first {
            0..=0x7F => usize::from(first),
            0x81..=0x84 => {
                let octets = self.0.take(usize::from(first & 0x7F))?;
                let length = octets.iter().fold(0_usize, |length, octet| length << 8 | usize::from(*octet));
                if length < 0x80 || octets.first() == Some(&0) {
                    return Err(self.error(Kind::BadLength));
                }
                length
            }
            _ => return Err(self.error(Kind::BadLength)),
        };
        Ok((tag, self.0.take(length)?))
    }

    /// The contents of the next value, which has this tag.
    ///
    /// # Errors
    /// As [`Self::any`]; [`Kind::BadSyntax`] for another tag.
    pub fn value(&mut self, tag: u8) -> Result<&'a [u8], DecodeError> {
        let start = *self;
        match self.any()? {
            (found, contents) if found == tag => Ok(contents),
            _ => Err(start.error(Kind::BadSyntax)),
        }
    }

    /// The contents of the next value when it has this tag.
    ///
    /// # Errors
    /// As [`Self::any`].
    pub fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, DecodeError> {
        if self.is_next(tag) { self.value(tag).map(Some) } else { Ok(None) }
    }

    /// The values in the next one.
    ///
    /// # Errors
    /// As [`Self::value`].
    pub fn inner(&mut self, tag: u8) -> Result<Self, DecodeError> {
        self.value(tag).map(Self::new)
    }

    /// An error here.
    #[must_use]
    pub fn error(&self, kind: Kind) -> DecodeError {
        self.0.error(kind)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_values_within_values() {
        let mut der = Der::new(&[0x30, 0x06, 0x02, 0x01, 0x07, 0x16, 0x01, b'x', 0x01, 0x01, 0xFF]);
        let mut inner = der.inner(tag::SEQUENCE).unwrap();
        assert_eq!(inner.value(tag::INTEGER).unwrap(), [7]);
        assert_eq!(inner.optional(tag::OID).unwrap(), None);
        assert_eq!(inner.optional(tag::IA5_STRING).unwrap(), Some(&b"x"[..]));
        assert!(inner.is_empty() && !der.is_empty());
        assert_eq!(der.value(tag::INTEGER).unwrap_err().kind, Kind::BadSyntax);
        let long = [&[0x04, 0x82, 0x01, 0x00][..], &[9; 256]].concat();
        assert_eq!(Der::new(&long).value(tag::OCTET_STRING).unwrap(), [9; 256]);
    }

    #[test]
    fn a_length_has_one_form() {
        for (bytes, kind) in [
            (&[][..], Kind::Truncated),
            (&[0x04], Kind::Truncated),
            (&[0x04, 0x02, 1], Kind::Truncated),
            (&[0x04, 0x80, 0, 0], Kind::BadLength),
            (&[0x04, 0x81, 0x01, 1], Kind::BadLength),
            (&[0x04, 0x82, 0x00, 0x80], Kind::BadLength),
            (&[0x04, 0x85, 0, 0, 0, 0, 1], Kind::BadLength),
            (&[0x04, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], Kind::Truncated),
            (&[0x1F, 0x01, 1], Kind::Unsupported),
        ] {
            assert_eq!(Der::new(bytes).any().unwrap_err().kind, kind, "{bytes:?}");
        }
    }
}
