//! What a peer sent, made safe to show: a terminal obeys control characters, and marks of writing direction reorder a
//! line, so a Call-ID could paint a screen or hide half of another message. Printable ASCII and Latin letters are shown as
//! they are, each one column wide; all else is escaped.

use std::fmt::{self, Write};

/// Most characters of one value that are shown.
pub const SHOWN_MAX: usize = 120;

/// Octets as a person may see them: control characters and octets that are no UTF-8 as `\x1b`, other characters as
/// `\u{202e}`, a backslash doubled; cut after a number of characters, with `…`.
#[derive(Clone, Copy, Debug)]
pub struct Visible<'a> {
    bytes: &'a [u8],
    max: usize,
}

impl<'a> Visible<'a> {
    /// At most [`SHOWN_MAX`] characters of it.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, max: SHOWN_MAX }
    }

    /// At most so many characters of it.
    #[must_use]
    pub const fn up_to(bytes: &'a [u8], max: usize) -> Self {
        Self { bytes, max }
    }
}

impl fmt::Display for Visible<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |byte: &u8| matches!(byte, b' '..=b'~') && *byte != b'\\';
        if self.bytes.len() <= self.max && self.bytes.iter().all(plain) {
            return f.write_str(std::str::from_utf8(self.bytes).unwrap_or_default());
        }
        let mut left = self.max;
        for chunk in self.bytes.utf8_chunks() {
            for character in chunk.valid().chars() {
                if left == 0 {
                    return f.write_char('…');
                }
                left -= 1;
                show(character, f)?;
            }
            for octet in chunk.invalid() {
                if left == 0 {
                    return f.write_char('…');
                }
                left -= 1;
                write!(f, "\\x{octet:02x}")?;
            }
        }
        Ok(())
    }
}

fn show(character: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match character {
        '\\' => f.write_str("\\\\"),
        '\r' => f.write_str("\\r"),
        '\n' => f.write_str("\\n"),
        '\t' => f.write_str("\\t"),
        _ if is_plain(character) => f.write_char(character),
        '\0'..='\u{ff}' => write!(f, "\\x{:02x}", u32::from(character)),
        _ => write!(f, "\\u{{{:x}}}", u32::from(character)),
    }
}

/// Printable ASCII, and the letters of Latin-1 and Latin Extended A and B.
#[must_use]
pub const fn is_plain(character: char) -> bool {
    matches!(character, ' '..='~' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{24f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(bytes: &[u8]) -> String {
        Visible::new(bytes).to_string()
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(shown(b"a84b4c76e66710@pc33"), "a84b4c76e66710@pc33");
        assert_eq!(shown(b"\x1b[2J\x07\r\n\t\x7f"), "\\x1b[2J\\x07\\r\\n\\t\\x7f");
        assert_eq!(shown("\u{9b}31m".as_bytes()), "\\x9b31m");
        assert_eq!(shown("a\u{202e}b\u{200b}\u{2066}".as_bytes()), "a\\u{202e}b\\u{200b}\\u{2066}");
        assert_eq!(shown("Łódź żółć × \u{5d0} e\u{301}".as_bytes()), "Łódź żółć \\xd7 \\u{5d0} e\\u{301}");
        assert_eq!(shown(b"\xff\\x\xc3"), "\\xff\\\\x\\xc3");
    }

    #[test]
    fn what_is_long_is_cut() {
        let long = "x".repeat(10_000);
        assert_eq!(shown(long.as_bytes()), format!("{}…", "x".repeat(SHOWN_MAX)));
        assert_eq!(Visible::up_to(b"12345", 5).to_string(), "12345");
        assert_eq!(Visible::up_to(b"1\x1b345", 2).to_string(), "1\\x1b…");
    }

    proptest! {
        #[test]
        fn nothing_else_comes_out(bytes in any::<Vec<u8>>(), max in 0usize..40) {
            let text = Visible::up_to(&bytes, max).to_string();
            prop_assert!(text.chars().all(|character| is_plain(character) || character == '…'), "{text:?}");
            prop_assert!(text.chars().count() <= max * 10 + 1);
        }
    }
}
