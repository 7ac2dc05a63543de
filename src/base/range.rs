//! Ranges of numbers: blocks of 10^w numbers that share all but their last *w* digits.

use std::fmt;

use arrayvec::ArrayVec;

use crate::base::number::Number;

/// A block of 10^`width` consecutive numbers of the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    prefix: u64,
    width: u8,
}

impl Range {
    /// The block of 10^`width` numbers that holds `number`; `width` is 0 (the number alone) to 9.
    #[must_use]
    pub const fn of(number: Number, width: u8) -> Self {
        let width = if width > 9 { 9 } else { width };
        Self { prefix: number.value() / 10_u64.pow(width as u32), width }
    }

    /// The block of numbers that begin with the digits of `prefix` and have `width` more; `None` unless that makes a
    /// telephone number, and `width` is 0 to 9.
    #[must_use]
    pub fn from_prefix(prefix: &str, width: u8) -> Option<Self> {
        let free = std::iter::repeat_n(b'0', usize::from(width));
        let digits: ArrayVec<u8, 32> = prefix.bytes().chain(free).take(32).collect();
        (width <= 9).then(|| Number::from_digits(&digits).ok().map(|number| Self::of(number, width)))?
    }

    /// Reads what it prints as: `+4860123xxxx`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let prefix = digits.trim_end_matches('x');
        Self::from_prefix(prefix, u8::try_from(digits.len() - prefix.len()).ok()?)
    }

    /// How many last digits are free (0 to 9).
    #[must_use]
    pub const fn width(self) -> u8 {
        self.width
    }

    /// The digits all its numbers begin with, as an integer.
    #[must_use]
    pub const fn prefix(self) -> u64 {
        self.prefix
    }
}

/// `+4860123xxxx`
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}{:x<width$}", self.prefix, "", width = self.width as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_the_numbers_that_share_its_prefix() {
        let one = Number::from_digits(b"48601234567").unwrap();
        let sibling = Number::from_digits(b"48601234999").unwrap();
        assert_eq!(Range::of(one, 3), Range::of(sibling, 3));
        assert_ne!(Range::of(one, 2), Range::of(sibling, 2));
        assert_eq!(Range::of(one, 4).to_string(), "+4860123xxxx");
    }

    #[test]
    fn reads_what_it_prints() {
        for text in ["+4860123xxxx", "+48601234567", "+44740xxxxxxxxx"] {
            assert_eq!(Range::parse(text).unwrap().to_string(), text);
        }
        for text in
            ["", "+", "+xxxxxxxx", "48601234xxx", "+48x01", "+4860123456789xxxxx", "+0860123xxxx", "+4x"]
        {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }
}
