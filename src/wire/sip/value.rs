//! Pieces of header values: lists and parameters. RFC 3261 §7.3.1, §25.1; Reason: RFC 3326; Privacy: RFC 3323 §4.2.

use crate::wire::sip::near::near;

/// Splits a value at a separator that is neither inside a quoted string nor inside angle brackets, up to a `LAST` that is in
/// neither: the separator itself where nothing else ends the value. Pieces are trimmed of white space; empty ones are skipped.
#[derive(Clone, Debug)]
pub struct Split<'a, const SEPARATOR: u8, const LAST: u8 = SEPARATOR> {
    rest: &'a [u8],
}

/// Elements of a comma-separated header value.
#[must_use]
pub const fn elements(value: &[u8]) -> Split<'_, b','> {
    Split { rest: value }
}

/// Parameters, from `;tag=1;x` or `tag=1;x`.
#[must_use]
pub const fn parameters(value: &[u8]) -> Split<'_, b';'> {
    Split { rest: value }
}

/// Parameters of the first element of a comma-separated header value, with what stands before them.
#[must_use]
pub const fn first_parameters(value: &[u8]) -> Split<'_, b';', b','> {
    Split { rest: value }
}

impl<'a, const SEPARATOR: u8, const LAST: u8> Iterator for Split<'a, SEPARATOR, LAST> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            while let [found, after @ ..] = self.rest
                && *found == SEPARATOR
            {
                self.rest = after;
            }
            if self.rest.is_empty() {
                return None;
            }
            let end = end_of_piece::<SEPARATOR, LAST>(self.rest);
            let (piece, after) = self.rest.split_at_checked(end)?;
            self.rest = if after.first() == Some(&SEPARATOR) { after } else { b"" };
            let piece = piece.trim_ascii();
            if !piece.is_empty() {
                return Some(piece);
            }
        }
    }
}

/// Octets before the first separator outside quotes and brackets.
#[inline]
fn end_of_piece<const SEPARATOR: u8, const LAST: u8>(bytes: &[u8]) -> usize {
    // Most pieces are the last one, or have neither quotes nor brackets.
    let Some(end) = near([SEPARATOR, LAST], bytes) else { return bytes.len() };
    match near([b'"', b'<'], bytes.get(..end).unwrap_or_default()) {
        None => end,
        Some(opening) => end_behind_quotes(bytes, opening, [SEPARATOR, LAST]),
    }
}

/// The same, from the first quote or bracket on.
fn end_behind_quotes(bytes: &[u8], opening: usize, [separator, last]: [u8; 2]) -> usize {
    let mut at = opening;
    loop {
        match bytes.get(at..) {
            Some(quoted @ [b'"', ..]) => at = at.saturating_add(quoted_length(quoted)),
            Some(bracketed @ [b'<', ..]) => {
                let closed = near([b'>'], bracketed).unwrap_or(bracketed.len());
                at = at.saturating_add(closed.max(1));
            }
            _ => return at.min(bytes.len()),
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let Some(found) = near([separator, last, b'"', b'<'], rest) else {
            return bytes.len();
        };
        at = at.saturating_add(found);
    }
}

/// Octets of the quoted string that `bytes` begins with, both quotes included; all of them when it is not closed.
pub(super) fn quoted_length(bytes: &[u8]) -> usize {
    let mut at = 1_usize;
    while let Some(byte) = bytes.get(at) {
        at = at.saturating_add(1);
        match byte {
            b'"' => return at,
            b'\\' => at = at.saturating_add(1),
            _ => {}
        }
    }
    bytes.len()
}

/// Value of the parameter with this name, without quotes around it; empty when it has none.
#[must_use]
pub fn parameter<'a>(value: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    named(parameters(value), name)
}

/// Value of the first parameter with this name among pieces.
#[inline]
#[must_use]
pub fn named<'a>(pieces: impl Iterator<Item = &'a [u8]>, name: &[u8]) -> Option<&'a [u8]> {
    for piece in pieces {
        let Some((found, after)) = piece.split_at_checked(name.len()) else { continue };
        if is_word(found, name) {
            match after.trim_ascii_start() {
                [b'=', value @ ..] => return Some(unquoted(value)),
                [] => return Some(b""),
                _ => {}
            }
        }
    }
    None
}

/// Names and values of all parameters, without quotes around a value; empty where there is none. For who wants several of them.
pub fn named_values(value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    parameters(value).map(|piece| match near([b'='], piece).and_then(|end| piece.split_at_checked(end)) {
        Some((name, value)) => (name.trim_ascii_end(), unquoted(value.get(1..).unwrap_or_default())),
        None => (piece, &b""[..]),
    })
}

/// Whether two words are the same but for their case. Nearly all that differ do so in their first letter or length.
#[inline]
#[must_use]
pub fn is_word(word: &[u8], known: &[u8]) -> bool {
    word.len() == known.len()
        && word.first().map(u8::to_ascii_lowercase) == known.first().map(u8::to_ascii_lowercase)
        && word.eq_ignore_ascii_case(known)
}

/// Names and values of the parameters of a value without quotes, as they are written, up to the first comma. Faster than
/// [`parameters`], which minds quotes and brackets.
#[inline]
pub fn plain_parameters(value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = near([b';', b','], value).and_then(|end| value.get(end..)).unwrap_or_default();
    std::iter::from_fn(move || {
        let [b';', piece @ ..] = rest else { return None };
        let end = near([b';', b'=', b','], piece).unwrap_or(piece.len());
        let (name, after) = piece.split_at_checked(end)?;
        let [b'=', after @ ..] = after else {
            rest = after;
            return Some((name, &b""[..]));
        };
        let (value, after) = after.split_at_checked(near([b';', b','], after).unwrap_or(after.len()))?;
        rest = after;
        Some((name, value))
    })
}

fn unquoted(value: &[u8]) -> &[u8] {
    match value.trim_ascii() {
        [b'"', inner @ .., b'"'] => inner,
        other => other,
    }
}

/// Cause in a Reason header whose protocol is Q.850 (RFC 3326 §2), 0 to 127.
#[must_use]
pub fn q850_cause(reason: &[u8]) -> Option<u8> {
    elements(reason).find_map(|element| {
        let protocol = parameters(element).next()?;
        let cause = || number(parameter(element, b"cause")?).and_then(|cause| u8::try_from(cause).ok());
        if protocol.eq_ignore_ascii_case(b"Q.850") { cause().filter(|cause| *cause < 128) } else { None }
    })
}

/// Whether a Privacy header asks that the caller's identity be hidden: `id`, `header`, `user`, or `critical`, which
/// only stands beside one of them.
#[must_use]
pub fn hides_caller(privacy: &[u8]) -> bool {
    let hiding: [&[u8]; 4] = [b"id", b"header", b"user", b"critical"];
    privacy.split(|byte| matches!(byte, b';' | b',')).any(|word| {
        let word = word.trim_ascii();
        hiding.iter().any(|known| word.eq_ignore_ascii_case(known))
    })
}

/// A decimal number, saturating; `None` when it is empty or holds anything but digits.
pub(super) fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte.wrapping_sub(b'0')))?;
        Some(value.saturating_mul(10).saturating_add(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_outside_quotes_and_brackets() {
        let list = br#""a, \", b" <sip:1,2@h>;x , <sip:3@h>,, 4"#;
        let pieces: Vec<&[u8]> = elements(list).collect();
        assert_eq!(pieces, [&br#""a, \", b" <sip:1,2@h>;x"#[..], b"<sip:3@h>", b"4"]);
        for open in [&b"\"never, closed"[..], b"<never, closed", b"\"\\"] {
            assert_eq!(elements(open).collect::<Vec<_>>(), [open]);
        }
    }

    #[test]
    fn finds_a_parameter_by_name() {
        let value = b";a;b=\";tag=no\";\r\n TAG = yes ; tag=later";
        assert_eq!(parameter(value, b"tag"), Some(&b"yes"[..]));
        assert_eq!(parameter(value, b"a"), Some(&b""[..]));
        assert_eq!(parameter(value, b"b"), Some(&b";tag=no"[..]));
        assert_eq!(parameter(value, b"c"), None);
        let all: Vec<_> = named_values(value).collect();
        assert_eq!(all, [(&b"a"[..], &b""[..]), (b"b", b";tag=no"), (b"TAG", b"yes"), (b"tag", b"later")]);
    }

    #[test]
    fn the_first_element_ends_at_a_comma_outside_quotes() {
        let branch = |value| named(first_parameters(value), b"branch");
        assert_eq!(branch(b"SIP/2.0/UDP h ; branch = z9 ;x, SIP/2.0/UDP i;branch=z8"), Some(&b"z9"[..]));
        assert_eq!(branch(b"SIP/2.0/UDP h;x=\",\";branch=z9"), Some(&b"z9"[..]));
        assert_eq!(branch(b"SIP/2.0/UDP h;x, SIP/2.0/UDP i;branch=z8"), None);
    }

    #[test]
    fn plain_parameters_are_split_as_others() {
        let all = |value: &'static [u8]| plain_parameters(value).collect::<Vec<_>>();
        assert_eq!(
            all(b"SIP/2.0/UDP h:5060;rport;branch=z9,SIP/2.0/UDP i;x"),
            [(&b"rport"[..], &b""[..]), (b"branch", b"z9")]
        );
        assert_eq!(all(b";;=;a=="), [(&b""[..], &b""[..]), (b"", b""), (b"a", b"=")]);
        assert!(all(b"h").is_empty() && all(b"h,i;x").is_empty());
    }

    #[test]
    fn reads_the_q850_cause_only() {
        for (reason, cause) in [
            (&br#"Q.850;cause=16;text="Normal, call clearing""#[..], Some(16)),
            (b"SIP;cause=487", None),
            (br#"SIP ;cause=200 ;text="Call completed; elsewhere", q.850 ; cause = 21"#, Some(21)),
            (b"Q.850;cause=400", None),
            (b"Q.850", None),
            (b"", None),
        ] {
            assert_eq!(q850_cause(reason), cause, "{reason:?}");
        }
    }

    #[test]
    fn knows_which_privacy_hides_the_caller() {
        for hiding in ["id", "header;critical", "none; ID", "session, user"] {
            assert!(hides_caller(hiding.as_bytes()), "{hiding}");
        }
        for open in ["", "none", "session", "history", "identity"] {
            assert!(!hides_caller(open.as_bytes()), "{open}");
        }
    }
}
