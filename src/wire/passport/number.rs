//! Telephone numbers as they are compared. RFC 8224 §8.3: without visual separators and without `+`.

use std::fmt;

use arrayvec::ArrayString;

/// Longest number compared, in digits: E.164 has 15, local ones with `*` and `#` some more.
const DIGITS_MAX: usize = 32;

/// Digits, `*` and `#`; never empty.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Canonical(ArrayString<DIGITS_MAX>);

impl Canonical {
    /// Reads a number with or without `+`, separators (RFC 3966 §3) in it or not; `None` when it is none.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let text = text.trim_ascii();
        let text = text.strip_prefix(b"+").unwrap_or(text);
        let mut digits = ArrayString::new();
        for byte in text {
            match byte {
                b'0'..=b'9' | b'*' | b'#' => digits.try_push(char::from(*byte)).ok()?,
                b'-' | b'.' | b'(' | b')' | b' ' => {}
                _ => return None,
            }
        }
        (!digits.is_empty()).then_some(Self(digits))
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Canonical {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_away_what_is_for_the_eye() {
        for (text, digits) in [
            ("+12155551212", Some("12155551212")),
            ("1 (215) 555-1212", Some("12155551212")),
            ("911", Some("911")),
            ("*69", Some("*69")),
            ("", None),
            ("+", None),
            ("alice", None),
            ("1+2", None),
            ("123456789012345678901234567890123", None),
        ] {
            let number = Canonical::parse(text.as_bytes());
            assert_eq!(number.as_ref().map(Canonical::as_str), digits, "{text}");
        }
    }
}
