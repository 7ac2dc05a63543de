//! Does this begin like SIP? RFC 3261 §7.1, §7.2, read generously: the parser says what is wrong with it.

use memchr::memchr;

use crate::wire::sip::Method;
use crate::wire::sip::near::near;
use crate::wire::sip::start::is_token_octet;

/// A start line may be as long as a message: the decoder reads it all, and so may a switch.
pub(super) const START_LINE_MAX: usize = 65_536;
const METHOD_MAX: usize = 32;

/// True when the bytes begin with a SIP request line or status line, after any empty lines (§7.5). Refuses media by
/// its first octet.
#[must_use]
pub fn looks_like_sip(bytes: &[u8]) -> bool {
    let bytes = trim_empty_lines(bytes);
    // RTP and RTCP begin with 0x80 to 0xbf, STUN with 0 to 3, DTLS with 20 to 63 (RFC 7983 §7); a method is a token.
    if !bytes.first().is_some_and(|octet| is_token_octet(*octet)) || !may_be_start_line(bytes) {
        return false;
    }
    let window = &bytes[..bytes.len().min(START_LINE_MAX)];
    // To the decoder a CR alone is a part of the line; there are senders for whom it is its end.
    let line = memchr(b'\n', window).map_or(window, |end| &window[..end]);
    is_start_line(line) || memchr(b'\r', line).is_some_and(|end| is_start_line(&line[..end]))
}

/// Whether octets may go on to be a start line: they begin with a method or a version and a space, as far as they go.
pub(super) fn may_be_start_line(bytes: &[u8]) -> bool {
    let beginning = &bytes[..bytes.len().min(METHOD_MAX + 1)];
    match beginning.iter().position(|octet| *octet == b' ') {
        Some(space) => {
            is_version(&bytes[..space]) || bytes[..space].iter().all(|octet| is_token_octet(*octet))
        }
        None => bytes.len() <= METHOD_MAX,
    }
}

/// Without the CR and LF octets that it begins with.
pub(super) fn trim_empty_lines(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().position(|octet| !matches!(octet, b'\r' | b'\n'));
    start.map_or(&[], |start| &bytes[start..])
}

/// One line, with or without its end: `SIP/2.0 200 …` or `METHOD … SIP/2.0`. The version may be any (§21.5.7) and in
/// any case (§7.1). Takes no header field for one: `Via: SIP/2.0/UDP …` has a colon.
pub(super) fn is_start_line(line: &[u8]) -> bool {
    let line = line.trim_ascii_end();
    let beginning = &line[..line.len().min(METHOD_MAX + 1)];
    let Some(space) = near([b' '], beginning) else { return false };
    let (first, rest) = line.split_at(space);
    if is_version(first) {
        return rest.trim_ascii_start().first().is_some_and(u8::is_ascii_digit);
    }
    // Nearly every request line ends so; what does not is looked at octet by octet.
    let ends_with_version = rest.ends_with(b" SIP/2.0") || {
        let space = rest.iter().rposition(u8::is_ascii_whitespace);
        is_version(space.map_or(rest, |space| &rest[space + 1..]))
    };
    let is_method = || Method::of(first) != Method::Other || first.iter().all(|octet| is_token_octet(*octet));
    space > 0 && ends_with_version && is_method()
}

fn is_version(word: &[u8]) -> bool {
    word == b"SIP/2.0"
        || word.split_first_chunk::<4>().is_some_and(|(name, number)| {
            name.eq_ignore_ascii_case(b"SIP/")
                && number.iter().all(|octet| matches!(octet, b'0'..=b'9' | b'.'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tells_sip_from_its_look_alikes() {
        let long = format!("INVITE sip:+48601234567;x={}@h SIP/2.0\r\nVia: x", "y".repeat(60_000));
        let sip: [&[u8]; 11] = [
            long.as_bytes(),
            b"INVITE sip:2\r@h SIP/2.0\r\nVia: x",
            b"INVITE sip:bob@example.com SIP/2.0\r\nVia: ",
            b"\r\n\r\nSIP/2.0 200 OK\r\n",
            b"NEWMETHOD  sip:bob@example.com  SIP/2.0  \r\n",
            b"OPTIONS sip:a SIP/7.0\r\n",
            b"invite sip:a sip/2.0\n",
            b"INVITE sip:\xff SIP/2.0",
            b"CANCEL sip:a SIP/2.0\rVia: x",
            b"sip/2.0 486 Busy Here\r\n",
            b"!interesting-Method0123456789_*+`.% sip:a SIP/2.0"[15..].as_ref(),
        ];
        sip.iter().for_each(|bytes| assert!(looks_like_sip(bytes), "{}", bytes.escape_ascii()));
        let other: [&[u8]; 10] = [
            b"NOTIFY * HTTP/1.1\r\nHOST: x\r\n",
            b"Via: SIP/2.0/TCP 10.0.0.1\r\n",
            b"Via : SIP/2.0/TCP 10.0.0.1\r\n",
            b"SIP/2.0/TCP 10.0.0.1\r\n",
            b"SIP/2.0\r\n",
            b"\x80\x00\x12\x34",
            b"\x00\x01\x00\x00\x21\x12\xa4\x42",
            b" INVITE sip:a SIP/2.0\r\n",
            b"\r\n\r\n",
            b"",
        ];
        other.iter().for_each(|bytes| assert!(!looks_like_sip(bytes), "{}", bytes.escape_ascii()));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes: Vec<u8>) {
            let _ = looks_like_sip(&bytes);
            is_start_line(&bytes);
        }
    }
}
