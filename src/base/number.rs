//! Telephone numbers: an E.164 number that exists is valid, what arrived on the wire is kept beside it.
//!
//! ITU-T E.164 §6: at most 15 digits, the first of which is never 0.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::RangeInclusive;

use arrayvec::ArrayVec;
use serde::{Deserialize, Serialize};

use crate::base::digits::{self, Digits};

/// Longest E.164 number, in digits (ITU-T E.164 §6.2.1).
pub const DIGITS_MAX: u32 = 15;
/// Shortest number taken for a subscriber's, in digits with the country code; shorter ones are used for surcharge
/// fraud and are never dialable from abroad.
pub const DIGITS_MIN: u32 = 5;

/// An international number of 5 to 15 digits, country code first, without the `+`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Number(NonZeroU64);

impl Number {
    /// Reads ASCII digits (country code first, no `+`).
    ///
    /// # Errors
    /// The [`Shape`] that is wrong: empty, a character that is no digit, a leading zero, too short, too long.
    pub fn from_digits(digits: &[u8]) -> Result<Self, Shape> {
        // One digit more than a number has is enough to tell what is wrong.
        let kept = digits.get(..=DIGITS_MAX as usize).unwrap_or(digits);
        Self::try_from(Digits::parse(kept).ok_or(Shape::NotDigits)?)
    }

    /// The digits as one integer.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0.get()
    }

    /// How many digits it has (5 to 15).
    #[must_use]
    pub const fn digit_count(self) -> u32 {
        self.0.get().ilog10() + 1
    }

    /// The digits in ASCII.
    #[must_use]
    pub fn digits(self) -> ArrayVec<u8, 15> {
        let mut text = ArrayVec::new();
        let mut unit = 10_u64.pow(self.digit_count() - 1);
        while unit > 0 {
            text.push(b'0' + (self.value() / unit % 10) as u8);
            unit /= 10;
        }
        text
    }
}

/// Country code first, no international prefix. Refused as by [`Number::from_digits`].
impl TryFrom<Digits> for Number {
    type Error = Shape;

    #[inline]
    fn try_from(digits: Digits) -> Result<Self, Shape> {
        const LENGTHS: RangeInclusive<usize> = DIGITS_MIN as usize..=DIGITS_MAX as usize;
        let value = digits.value().filter(|_| LENGTHS.contains(&digits.len()) && !digits.begin_with_zero());
        value.and_then(NonZeroU64::new).map(Self).ok_or_else(|| shape(digits))
    }
}

/// What is wrong with digits that are no number.
fn shape(digits: Digits) -> Shape {
    if digits.is_empty() {
        Shape::Absent
    } else if !digits.are_decimal() {
        Shape::NotDigits
    } else if digits.len() > DIGITS_MAX as usize {
        Shape::TooLong
    } else if digits.len() < DIGITS_MIN as usize {
        Shape::TooShort
    } else {
        Shape::NoCountryCode
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

/// What is wrong, if anything, with a number as it arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shape {
    /// No number was sent, or a name without a digit in it, or it was sent as unavailable.
    #[default]
    Absent,
    /// It became a [`Number`].
    Valid,
    /// Fewer than [`DIGITS_MIN`] digits.
    TooShort,
    /// More than [`DIGITS_MAX`] digits.
    TooLong,
    /// Letters or marks among digits.
    NotDigits,
    /// Begins with zero, so no country code can be read.
    NoCountryCode,
}

impl Shape {
    /// Every shape, in the order of the enum: the closed list that rules see.
    pub const NAMES: [&'static str; 6] =
        ["absent", "valid", "too_short", "too_long", "not_digits", "no_country_code"];
}

/// Longest number kept as seen; what is longer is cut, which no E.164 number is.
pub const RAW_MAX: usize = digits::CAPACITY;
/// A number as seen on the wire (SIP: the user part; ISUP: the digits), cut at [`RAW_MAX`] bytes.
pub type Raw = ArrayVec<u8, RAW_MAX>;

/// Calling, called or diverting number of a call: as seen, and as the E.164 number it means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// The E.164 number, when the raw form means one.
    pub number: Option<Number>,
    /// Why there is no number, or `Valid`.
    pub shape: Shape,
    /// The caller asked that the number not be shown (RFC 3323 `Privacy: id`, Q.763 §3.10 presentation restricted).
    pub restricted: bool,
    /// As seen.
    pub raw: Raw,
}

impl From<Number> for Party {
    /// A valid number, which may be shown, seen with its country code and no more.
    fn from(number: Number) -> Self {
        let raw = number.digits().into_iter().collect();
        Self { number: Some(number), shape: Shape::Valid, restricted: false, raw }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        let number = Number::from_digits(b"48601234567").unwrap();
        assert_eq!(number.to_string(), "+48601234567");
        assert_eq!(number.digit_count(), 11);
        assert_eq!(number.digits().as_slice(), b"48601234567");
    }

    #[test]
    fn names_what_is_wrong() {
        for (text, shape) in [
            ("", Shape::Absent),
            ("1234", Shape::TooShort),
            ("1234567890123456", Shape::TooLong),
            ("48x12345", Shape::NotDigits),
            ("0601234567", Shape::NoCountryCode),
            ("12345/", Shape::NotDigits),
            ("12345:", Shape::NotDigits),
            ("1234567:", Shape::NotDigits),
            ("12345678/0", Shape::NotDigits),
            ("123456789012345x", Shape::NotDigits),
            ("1234567890123456x", Shape::TooLong),
            ("é1234", Shape::NotDigits),
            ("00000", Shape::NoCountryCode),
        ] {
            assert_eq!(Number::from_digits(text.as_bytes()), Err(shape), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_number_is_the_value_of_its_digits(value in 10_000_u64..1_000_000_000_000_000) {
            let number = Number::from_digits(value.to_string().as_bytes()).unwrap();
            proptest::prop_assert_eq!(number.value(), value);
        }

        #[test]
        fn an_octet_that_is_no_digit_is_found(at in 0..12_usize, octet: u8) {
            let mut text = *b"481234567890";
            text[at] = octet;
            let is_number = octet.is_ascii_digit() && (at > 0 || octet != b'0');
            proptest::prop_assert_eq!(Number::from_digits(&text).is_ok(), is_number);
        }
    }
}
