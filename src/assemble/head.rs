//! The head of a SIP message at the beginning of some octets, in one pass: where it ends, and its Content-Length.
//!
//! For the message that is as it should be. Whatever is not (a head that is cut, no length or several, a folded one) is left to
//! [`framing`](super::framing), which reads line by line and says what is wrong.
//!
//! Where a line ends is hard to foretell for a processor, and costs it more than the octets. So a stretch of octets is asked
//! as a whole which lines that begin in it matter; most do not.

use wide::u8x16;

use super::start_line::{START_LINE_MAX, is_start_line};
use crate::wire::sip::near::near;

/// Octets asked at once.
const STRETCH: usize = 64;
/// Octets behind a line feed that are looked at: as far as the L of Content-Length.
const AHEAD: usize = 9;

/// Length of the message that `bytes` begin with, head and body, when its head is whole and beyond doubt.
pub(super) fn message_length(bytes: &[u8]) -> Option<usize> {
    let first = near([b'\n'], &bytes[..bytes.len().min(START_LINE_MAX)])?;
    // Nothing is folded into a start line: a header that begins with white space is one to some.
    if !is_start_line(&bytes[..first]) || matches!(bytes.get(first + 1), Some(b' ' | b'\t')) {
        return None;
    }
    let (mut from, mut stated) = (first, None::<usize>);
    while from < bytes.len() {
        let mut feeds = feeds_that_matter(&bytes[from..]);
        while feeds != 0 {
            let feed = from + feeds.trailing_zeros() as usize;
            feeds &= feeds - 1;
            match &bytes[feed + 1..] {
                [b'\n', ..] => return stated?.checked_add(feed + 2),
                [b'\r', b'\n', ..] => return stated?.checked_add(feed + 3),
                line @ [b'c' | b'C' | b'l' | b'L', ..] => match value(line) {
                    Value::None => {}
                    Value::Plain(length) if stated.is_none() => stated = Some(length),
                    Value::Doubtful | Value::Plain(_) => return None,
                },
                _ => {}
            }
        }
        from += STRETCH;
    }
    None
}

/// Line feeds among the first [`STRETCH`] octets, a bit for each, behind which the empty line may stand or a Content-Length, which
/// has an L as the first octet or as the ninth.
#[inline]
fn feeds_that_matter(bytes: &[u8]) -> u64 {
    match bytes.first_chunk() {
        Some(window) => in_window(window),
        None => {
            let mut window = [0; STRETCH + AHEAD];
            window[..bytes.len()].copy_from_slice(bytes);
            in_window(&window)
        }
    }
}

#[inline]
fn in_window(window: &[u8; STRETCH + AHEAD]) -> u64 {
    let at = |place: usize| window[place..].first_chunk().map_or(u8x16::ZERO, |block| u8x16::new(*block));
    let is_l = |block: u8x16| (block | u8x16::splat(0x20)).simd_eq(u8x16::splat(b'l'));
    let mut feeds = 0;
    for place in (0..STRETCH).step_by(size_of::<u8x16>()) {
        let (feed, first, ninth) = (at(place), at(place + 1), at(place + AHEAD));
        let may_be_end = first.min(u8x16::splat(b'\r')).simd_eq(first);
        let found = feed.simd_eq(u8x16::splat(b'\n')) & (may_be_end | is_l(first) | is_l(ninth));
        feeds |= u64::from(found.to_bitmask()) << place;
    }
    feeds
}

/// What a line says about the length of the body.
enum Value {
    /// It is cut, folded, or no number.
    Doubtful,
    /// Nothing.
    None,
    Plain(usize),
}

/// Of the line that `bytes` begin with.
fn value(bytes: &[u8]) -> Value {
    let Some(end) = near([b'\n'], bytes) else { return Value::Doubtful };
    let Some(value) = content_length(&bytes[..end]) else { return Value::None };
    let is_folded = matches!(bytes.get(end + 1), None | Some(b' ' | b'\t'));
    // Fewer digits than could run over; more are no honest length.
    if is_folded || value.is_empty() || value.len() > 9 || !value.iter().all(u8::is_ascii_digit) {
        return Value::Doubtful;
    }
    Value::Plain(value.iter().fold(0, |number, digit| number * 10 + usize::from(digit - b'0')))
}

/// Value of a Content-Length line, long or compact form.
#[inline]
pub(super) fn content_length(line: &[u8]) -> Option<&[u8]> {
    const NAME: &[u8] = b"Content-Length";
    let rest = match line {
        [b'l' | b'L', rest @ ..] => rest,
        [b'c' | b'C', ..] => {
            let (name, rest) = line.split_at_checked(NAME.len())?;
            name.eq_ignore_ascii_case(NAME).then_some(rest)?
        }
        _ => return None,
    };
    rest.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_doubt_and_what_is_not() {
        let length = |head: &str| message_length(format!("BYE sip:a SIP/2.0\r\n{head}").as_bytes());
        assert_eq!(length("Content-Length: 4\r\n\r\nbo"), Some(19 + 21 + 4));
        assert_eq!(length("l:0\n\n"), Some(19 + 5));
        let head = "Subject: l: 9\r\n l: 8\r\nCONTENT-LENGTH \t: 07 \r\nCall-ID: x\r\n\r\n";
        assert_eq!(length(head), Some(19 + head.len() + 7));
        for doubtful in [
            "l: 4\r\nContent-Length: 4\r\n\r\n",
            "l: 4\r\n 5\r\n\r\n",
            "l: 4\r\n",
            "l: 4\r\n\r",
            "l:\r\n\r\n",
            "l: -1\r\n\r\n",
            "l: 4x\r\n\r\n",
            "l: 9999999999\r\n\r\n",
            "Content-Type: x\r\n\r\n",
        ] {
            assert_eq!(length(doubtful), None, "{doubtful:?}");
        }
        assert_eq!(message_length(b"Via: SIP/2.0/TCP x\r\nl: 0\r\n\r\n"), None);
    }

    #[test]
    fn a_length_is_found_wherever_it_stands() {
        for before in 0..200 {
            for name in ["Content-Length", "content-length", "l", "L"] {
                let head =
                    format!("BYE sip:a SIP/2.0\r\nX: {:before$}\r\n{name}: 3\r\nV: {:99}\r\n\r\n", "", "");
                let bytes = format!("{head}abc{:99}", "");
                assert_eq!(message_length(bytes.as_bytes()), Some(head.len() + 3), "{before} {name}");
            }
        }
    }
}
