//! Start line. RFC 3261 §7.1, §7.2, §25.1.

use memchr::{memchr, memchr2, memrchr};

use crate::base::fault::Kind;
use crate::wire::sip::Method;

/// What a message begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start<'a> {
    /// Request line.
    Request {
        /// Method.
        method: Method,
        /// Its name as sent: a token.
        token: &'a [u8],
        /// Request-URI, without white space or brackets around it.
        uri: &'a [u8],
    },
    /// Status line.
    Response {
        /// 100 to 699.
        status: u16,
    },
}

/// A start line, and whether it was read in spite of a flaw (white space, brackets around the URI).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StartLine<'a> {
    pub(super) start: Start<'a>,
    pub(super) flawed: bool,
    /// The method is one that is known, but for its case.
    pub(super) is_misspelt: bool,
}

const VERSION: &[u8] = b"SIP/2.0";

impl<'a> StartLine<'a> {
    /// Reads a start line.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, Kind> {
        match line.split_at_checked(VERSION.len()) {
            Some((version, after)) if is_version(version) => Self::response(after),
            _ => Self::request(line),
        }
    }

    fn response(after_version: &[u8]) -> Result<Self, Kind> {
        let [b' ', code @ ..] = after_version else { return Err(Kind::BadSyntax) };
        let trimmed = code.trim_ascii_start();
        let ([a, b, c] | [a, b, c, b' ', ..]) = trimmed else { return Err(Kind::BadSyntax) };
        let status = [a, b, c].into_iter().try_fold(0_u16, |value, byte| {
            let digit = byte.is_ascii_digit().then(|| u16::from(byte.wrapping_sub(b'0')))?;
            Some(value.saturating_mul(10).saturating_add(digit))
        });
        match status {
            Some(status @ 100..=699) => Ok(Self {
                start: Start::Response { status },
                flawed: trimmed.len() != code.len(),
                is_misspelt: false,
            }),
            _ => Err(Kind::BadSyntax),
        }
    }

    fn request(line: &'a [u8]) -> Result<Self, Kind> {
        let trimmed = line.trim_ascii_end();
        let (token, rest) = memchr(b' ', trimmed)
            .and_then(|end| trimmed.split_at_checked(end))
            .ok_or_else(|| wrong_version(trimmed))?;
        let (target, version) =
            memrchr(b' ', rest).and_then(|end| rest.split_at_checked(end)).ok_or(Kind::NotRecognised)?;
        let version = version.trim_ascii_start();
        if !is_version(version) {
            return Err(wrong_version(if token.starts_with(b"SIP/") { token } else { version }));
        }
        let exact = Method::of(token);
        let method = if exact == Method::Other { Method::of_any_case(token) } else { exact };
        let is_misspelt = method != exact;
        let uri = match target.trim_ascii() {
            [b'<', uri @ .., b'>'] => uri,
            uri => uri,
        };
        if uri.is_empty() || (method == Method::Other && !is_token(token)) {
            return Err(Kind::BadSyntax);
        }
        // One space stands between method and URI, and none elsewhere.
        let flawed = trimmed.len() != line.len()
            || target.len() != uri.len().saturating_add(1)
            || memchr2(b' ', b'\t', uri).is_some()
            || is_misspelt;
        Ok(Self { start: Start::Request { method, token, uri }, flawed, is_misspelt })
    }
}

fn is_version(text: &[u8]) -> bool {
    text.eq_ignore_ascii_case(VERSION)
}

/// Another version of SIP, or not SIP at all.
fn wrong_version(text: &[u8]) -> Kind {
    match text.get(..4) {
        Some(name) if name.eq_ignore_ascii_case(b"SIP/") => Kind::Unsupported,
        _ => Kind::NotRecognised,
    }
}

/// The token that `text` begins with (RFC 3261 §25.1).
pub(super) fn token(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|octet| !is_token_octet(*octet)).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && token(text).len() == text.len()
}

/// Whether an octet may stand in a token (RFC 3261 §25.1).
#[must_use]
pub const fn is_token_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric()
        || matches!(octet, b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_both_kinds() {
        let invite = StartLine::parse(b"INVITE sip:1@h sip/2.0").unwrap();
        let start = Start::Request { method: Method::Invite, token: b"INVITE", uri: b"sip:1@h" };
        assert_eq!(invite, StartLine { start, flawed: false, is_misspelt: false });
        for line in [&b"SIP/2.0 180 Ringing"[..], b"SIP/2.0 180", b"SIP/2.0 180 "] {
            let start = Start::Response { status: 180 };
            assert_eq!(StartLine::parse(line), Ok(StartLine { start, flawed: false, is_misspelt: false }));
        }
    }

    #[test]
    fn reads_flawed_request_lines_and_says_so() {
        for (line, uri) in [
            (&b"INVITE <sip:1@h> SIP/2.0"[..], &b"sip:1@h"[..]),
            (b"INVITE  sip:1@h SIP/2.0", b"sip:1@h"),
            (b"INVITE sip:1@h  SIP/2.0", b"sip:1@h"),
            (b"INVITE sip:1@h; lr SIP/2.0", b"sip:1@h; lr"),
            (b"INVITE sip:1@h SIP/2.0 ", b"sip:1@h"),
        ] {
            let start = Start::Request { method: Method::Invite, token: b"INVITE", uri };
            assert_eq!(
                StartLine::parse(line),
                Ok(StartLine { start, flawed: true, is_misspelt: false }),
                "{line:?}"
            );
        }
    }

    #[test]
    fn refuses_the_rest() {
        for (line, kind) in [
            (&b"INVITE sip:1@h SIP/7.0"[..], Kind::Unsupported),
            (b"SIP/3.0 200 OK", Kind::Unsupported),
            (b"SIP/2.0 099 Low", Kind::BadSyntax),
            (b"SIP/2.0 700 High", Kind::BadSyntax),
            (b"SIP/2.0 2000 Long", Kind::BadSyntax),
            (b"SIP/2.0 20", Kind::BadSyntax),
            (b"SIP/2.0", Kind::BadSyntax),
            (b"GET / HTTP/1.1", Kind::NotRecognised),
            (b"INVITE SIP/2.0", Kind::BadSyntax),
            (b" sip:1@h SIP/2.0", Kind::BadSyntax),
            (b"IN<VITE sip:1@h SIP/2.0", Kind::BadSyntax),
            (b"\x80\x00\x12", Kind::NotRecognised),
            (b"", Kind::NotRecognised),
        ] {
            assert_eq!(StartLine::parse(line), Err(kind), "{line:?}");
        }
    }
}
