//! Digits that are no telephone number: which network a call goes by, who pays, where it comes from. ITU-T Q.763 §3.24
//! (generic digits), §3.53 (transit network selection); T1.113.3 carrier identification, jurisdiction information.

use arrayvec::ArrayVec;

use crate::base::fault::Kind;
use crate::base::number::RAW_MAX;
use crate::wire::DecodeError;
use crate::wire::isup::number::{packed, unpacked};
use crate::wire::isup::parameter::Parameter;

/// Digits in ASCII, cut after [`RAW_MAX`].
type Digits = ArrayVec<u8, RAW_MAX>;

/// How generic digits are coded (§3.24 a), 3 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding(pub u8);

impl Encoding {
    /// Two digits an octet, an even number of them.
    pub const BCD_EVEN: Self = Self(0);
    /// Two digits an octet, an odd number of them.
    pub const BCD_ODD: Self = Self(1);
    /// Characters of IA5.
    pub const IA5: Self = Self(2);
}

/// Generic digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenericDigits<'a> {
    /// How they are coded.
    pub encoding: Encoding,
    /// Type of digits (§3.24 b), 5 bits: 0 account code, 1 authorisation code, 2 private network travelling class mark.
    pub kind: u8,
    octets: &'a [u8],
}

impl<'a> GenericDigits<'a> {
    /// Reads the content of a parameter.
    ///
    /// # Errors
    /// [`Kind::BadLength`] when it is empty.
    pub fn parse(parameter: Parameter<'a>) -> Result<Self, DecodeError> {
        let [first, octets @ ..] = parameter.content else {
            return Err(parameter.error(Kind::BadLength));
        };
        Ok(Self { encoding: Encoding(first >> 5), kind: first & 0x1F, octets })
    }

    /// The digits; `None` when they are coded in a way of the network's own, or not as characters that can be shown.
    #[must_use]
    pub fn digits(&self) -> Option<Digits> {
        match self.encoding {
            Encoding::BCD_EVEN => Some(unpacked(self.octets, false)),
            Encoding::BCD_ODD => Some(unpacked(self.octets, true)),
            Encoding::IA5 if self.octets.iter().all(u8::is_ascii_graphic) => {
                Some(self.octets.iter().copied().take(RAW_MAX).collect())
            }
            _ => None,
        }
    }
}

/// Transit network selection, or carrier identification: which network the caller chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// Type of network identification, 3 bits: 0 as of ITU-T E.212 or X.121, 2 national.
    pub kind: u8,
    /// Network identification plan, 4 bits.
    pub plan: u8,
    /// Its identification code.
    pub digits: Digits,
}

impl Carrier {
    /// Reads a transit network selection (§3.53), whose first bit says whether the number of digits is odd.
    ///
    /// # Errors
    /// [`Kind::BadLength`] when it is empty.
    pub fn parse_transit(parameter: Parameter<'_>) -> Result<Self, DecodeError> {
        let [first, octets @ ..] = parameter.content else {
            return Err(parameter.error(Kind::BadLength));
        };
        Ok(Self { kind: first >> 4 & 7, plan: first & 0xF, digits: unpacked(octets, first & 0x80 != 0) })
    }

    /// Reads a carrier identification (T1.113.3), or a transit network selection of T1.113: of plan 1 three digits, of
    /// plan 2 four.
    ///
    /// # Errors
    /// [`Kind::BadLength`] when it is empty.
    pub fn parse_ansi(parameter: Parameter<'_>) -> Result<Self, DecodeError> {
        let [first, octets @ ..] = parameter.content else {
            return Err(parameter.error(Kind::BadLength));
        };
        let octets = octets.get(..2).unwrap_or(octets);
        Ok(Self { kind: first >> 4 & 7, plan: first & 0xF, digits: unpacked(octets, first & 0xF == 1) })
    }

    /// Content of the transit network selection that says it.
    #[must_use]
    pub fn transit_content(&self) -> ArrayVec<u8, { RAW_MAX / 2 + 2 }> {
        let is_odd = self.digits.len() & 1 == 1;
        let mut content = ArrayVec::new();
        content.push(u8::from(is_odd) << 7 | (self.kind & 7) << 4 | self.plan & 0xF);
        content.extend(packed(&self.digits));
        content
    }
}

/// The six digits of a jurisdiction information (T1.113.3): area and exchange that the call comes from.
#[must_use]
pub fn jurisdiction(parameter: Parameter<'_>) -> Digits {
    unpacked(parameter.content, false)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn parameter(content: &[u8]) -> Parameter<'_> {
        Parameter { code: 0, offset: 3, content }
    }

    #[test]
    fn reads_digits_of_every_coding() {
        for (content, kind, expected) in [
            (&[0x00, 0x21, 0x43][..], 0, Some(&b"1234"[..])),
            (&[0x21, 0x21, 0x03], 1, Some(b"123")),
            (&[0x42, b'4', b'2'], 2, Some(b"42")),
            (&[0x42, 7], 2, None),
            (&[0x62, 1], 2, None),
        ] {
            let generic = GenericDigits::parse(parameter(content)).unwrap();
            assert_eq!((generic.kind, generic.digits().as_deref()), (kind, expected), "{content:02X?}");
        }
        assert!(GenericDigits::parse(parameter(&[])).is_err());
    }

    #[test]
    fn reads_the_carrier_of_t1_113() {
        let three = Carrier::parse_ansi(parameter(&[0x21, 0x82, 0x08])).unwrap();
        assert_eq!((three.kind, three.digits.as_slice()), (2, &b"288"[..]));
        let four = Carrier::parse_ansi(parameter(&[0x22, 0x20, 0x88, 0x00])).unwrap();
        assert_eq!(four.digits.as_slice(), b"0288");
        assert_eq!(jurisdiction(parameter(&[0x12, 0x52, 0x55])).as_slice(), b"212555");
        assert!(Carrier::parse_ansi(parameter(&[])).is_err());
    }

    proptest! {
        #[test]
        fn reads_the_transit_network_it_wrote(
            kind in 0..8_u8,
            plan in 0..16_u8,
            digits in proptest::collection::vec(b'0'..=b'9', 0..=RAW_MAX),
        ) {
            let carrier = Carrier { kind, plan, digits: digits.into_iter().collect() };
            prop_assert_eq!(Carrier::parse_transit(parameter(&carrier.transit_content())), Ok(carrier));
        }
    }
}
