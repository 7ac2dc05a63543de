//! What is wrong with a message in places that no call depends on: for whoever looks at a message, not for the path of calls.
//! RFC 3261 §7.3, §8.1.1.7, §19.1, §20, §25.1.
//!
//! In: a message. Out: notes, each with its place and a reason in words. What [`Message::parse`](crate::wire::sip::Message::parse)
//! notes as a fault is not repeated. Must not: decide whether the message is used.

use arrayvec::ArrayVec;
use memchr::memchr;

use crate::wire::sip::address::{Address, Scheme, Uri};
use crate::wire::sip::lines::Lines;
use crate::wire::sip::place::sent_by;
use crate::wire::sip::start::{Start, StartLine, is_token_octet};
use crate::wire::sip::value::{elements, number, parameter, quoted_length};
use crate::wire::sip::view::{Field, fields};

/// Most notes on one message, the first ones.
pub const NOTES_MAX: usize = 8;

/// Something that is not as the standard has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// Where its line begins, in octets from the start of the message.
    pub offset: usize,
    /// What it is.
    pub what: &'static str,
}

/// The branch of every Via begins with it since RFC 3261 (§8.1.1.7).
const COOKIE: &[u8] = b"z9hG4bK";
const MAGNITUDE: &str = "a number over 32 bits";

/// What is wrong with a message where no call depends on it.
#[must_use]
pub fn lint(message: &[u8]) -> ArrayVec<Note, NOTES_MAX> {
    let mut notes = ArrayVec::new();
    let mut lines = Lines::new(message);
    let start = lines.next().and_then(|line| StartLine::parse(line.bytes).ok()).map(|line| line.start);
    if let Some(Start::Request { uri, .. }) = start {
        if has_headers(uri) {
            note(&mut notes, 0, "headers in the Request-URI");
        }
        if scheme(uri) == Some(Scheme::Other) {
            note(&mut notes, 0, "a scheme in the Request-URI that is not sip, sips or tel");
        }
        if has_bad_port(uri) {
            note(&mut notes, 0, "a port in the Request-URI that is no number");
        }
    }
    let is_response = matches!(start, Some(Start::Response { .. }));
    let mut has_via = false;
    for field in fields(message) {
        let is = |names: &[&str]| names.iter().any(|name| field.name.eq_ignore_ascii_case(name.as_bytes()));
        let what = if is(&["Via", "v"]) {
            let is_top = !std::mem::replace(&mut has_via, true);
            via(field.value, is_top, is_response)
        } else if is(&["From", "f", "To", "t"]) {
            address(field.value)
        } else if is(&["Contact", "m", "P-Asserted-Identity", "Remote-Party-ID", "Diversion", "Route"]) {
            addresses(&field)
        } else if is(&["Date"]) {
            let is_gmt = field.value.ends_with(b" GMT");
            (!is_gmt).then_some("a Date that is not in GMT")
        } else if is(&["Expires", "Min-Expires"]) {
            number(field.value).is_none_or(|value| value > u32::MAX.into()).then_some(MAGNITUDE)
        } else {
            None
        };
        if let Some(what) = what {
            note(&mut notes, field.offset, what);
        }
    }
    notes
}

fn note(notes: &mut ArrayVec<Note, NOTES_MAX>, offset: usize, what: &'static str) {
    // The first ones tell the story.
    let _ = notes.try_push(Note { offset, what });
}

/// A question mark may stand in the user part (RFC 3261 §25.1 `user-unreserved`).
fn has_headers(uri: &[u8]) -> bool {
    let host = memchr(b'@', uri).and_then(|at| uri.get(at..)).unwrap_or(uri);
    memchr(b'?', host).is_some()
}

fn scheme(uri: &[u8]) -> Option<Scheme> {
    Uri::parse(uri).map(|uri| uri.scheme)
}

/// As of an IPv6 address without its brackets (RFC 5118 §4.2).
fn has_bad_port(uri: &[u8]) -> bool {
    let Some(read) = Uri::parse(uri).filter(|read| matches!(read.scheme, Scheme::Sip | Scheme::Sips)) else {
        return false;
    };
    let before = memchr(b'@', uri).or_else(|| memchr(b':', uri)).and_then(|at| at.checked_add(1));
    let after = before.and_then(|start| uri.get(start..)).and_then(|rest| rest.strip_prefix(read.host));
    let Some([b':', port @ ..]) = after else { return false };
    let port = port.split(|octet| matches!(octet, b';' | b'?')).next().unwrap_or_default();
    port.is_empty() || !port.iter().all(u8::is_ascii_digit)
}

fn empty(value: &[u8]) -> Option<&'static str> {
    has_empty(value).then_some("an empty value or parameter")
}

/// Only the topmost names the transaction; the one below it says where a response goes on to.
fn via(value: &[u8], is_top: bool, is_response: bool) -> Option<&'static str> {
    let to_all = |via| sent_by(via).is_some_and(|(host, _)| host == b"255.255.255.255");
    if is_response && elements(value).any(to_all) {
        return Some("a response to everybody: the sent-by is a broadcast address");
    }
    match elements(value).next().and_then(|top| parameter(top, b"branch")) {
        _ if has_empty(value) => empty(value),
        Some(branch) if is_top && branch == COOKIE => Some("a branch that names no transaction"),
        Some(branch) if branch.starts_with(COOKIE) => None,
        _ => is_top.then_some("a transaction named as RFC 2543 has it"),
    }
}

fn addresses(field: &Field<'_>) -> Option<&'static str> {
    if field.value == b"*" {
        return None;
    }
    empty(field.value).or_else(|| elements(field.value).find_map(address))
}

fn address(value: &[u8]) -> Option<&'static str> {
    let Some(read) = Address::parse(value) else {
        return Some("no address can be read");
    };
    let bracket = memchr(b'<', value);
    let is_quoted = value.starts_with(b"\"");
    let is_plain = |octet: &u8| is_token_octet(*octet) || octet.is_ascii_whitespace();
    if !is_quoted && bracket.is_some() && !read.name.iter().all(is_plain) {
        return Some("a display name that must be quoted");
    }
    let after_name = if is_quoted { value.get(quoted_length(value)..)? } else { value };
    let inside = memchr(b'<', after_name).and_then(|start| after_name.get(start.checked_add(1)?..));
    let uri = inside.map(|inside| inside.split(|octet| *octet == b'>').next().unwrap_or_default());
    match uri {
        Some(uri) if uri.trim_ascii() != uri => Some("white space between the brackets of an address"),
        None if has_headers(value) => Some("a URI with headers outside brackets"),
        _ if read.uri.scheme == Scheme::Other => Some("a scheme that is not sip, sips or tel"),
        _ => None,
    }
}

/// Whether there is nothing between two separators, or behind the last one.
fn has_empty(value: &[u8]) -> bool {
    let mut rest = value;
    // As if a comma came before: a value cannot begin with a separator.
    let mut is_after_separator = true;
    while let [first, after @ ..] = rest {
        rest = match first {
            b'"' => rest.get(quoted_length(rest)..).unwrap_or_default(),
            b'<' => memchr(b'>', rest).and_then(|end| rest.get(end..)).unwrap_or_default(),
            _ => after,
        };
        match first {
            b',' | b';' if is_after_separator => return true,
            b',' | b';' => is_after_separator = true,
            _ if first.is_ascii_whitespace() => {}
            _ => is_after_separator = false,
        }
    }
    is_after_separator
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn notes(start: &str, header: &str) -> Vec<&'static str> {
        let text = format!("{start}\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n{header}\r\n\r\n");
        lint(text.as_bytes()).into_iter().map(|note| note.what).collect()
    }

    #[test]
    fn says_in_words_what_is_wrong() {
        const REQUEST: &str = "INVITE sip:1@h SIP/2.0";
        for (start, header, expected) in [
            (REQUEST, "To: \"Watson, T\" <sip:1@h>;tag=1", None),
            ("INVITE sip:a?b@h SIP/2.0", "Contact: *", None),
            (REQUEST, "m: <sip:1@h;x=\";;\">;q=1, \"a;;b\" <tel:2>", None),
            ("INVITE sip:1@h?Route=x SIP/2.0", "X: 1", Some("headers in the Request-URI")),
            (
                "INVITE soap:1 SIP/2.0",
                "X: 1",
                Some("a scheme in the Request-URI that is not sip, sips or tel"),
            ),
            ("INVITE sip:1@[2001:db8::1]:5060;lr SIP/2.0", "X: 1", None),
            ("INVITE sip:2001:db8::1 SIP/2.0", "X: 1", Some("a port in the Request-URI that is no number")),
            (REQUEST, "Contact: <sip:1@h>;;", Some("an empty value or parameter")),
            (REQUEST, "v: SIP/2.0/UDP h;branch=z9hG4bK2,", Some("an empty value or parameter")),
            (REQUEST, "v: SIP/2.0/UDP h", None),
            (REQUEST, "To: < sip:1@h >", Some("white space between the brackets of an address")),
            (REQUEST, "t: Bell, A <sip:1@h>", Some("a display name that must be quoted")),
            (REQUEST, "Contact: sip:1@h?Route=x", Some("a URI with headers outside brackets")),
            (REQUEST, "Contact: <isbn:2983792873>", Some("a scheme that is not sip, sips or tel")),
            (REQUEST, "Date: Fri, 01 Jan 2010 16:00:00 EST", Some("a Date that is not in GMT")),
            (REQUEST, "Expires: 99999999999", Some(MAGNITUDE)),
        ] {
            assert_eq!(notes(start, header), Vec::from_iter(expected), "{start} {header}");
        }
    }

    #[test]
    fn looks_at_where_a_via_leads() {
        const ALL: &str = "SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1";
        for (start, via, expected) in [
            ("BYE tel:1 SIP/2.0", "SIP/2.0/UDP h;branch=z9hG4bK", Some("a branch that names no transaction")),
            ("BYE tel:1 SIP/2.0", "SIP/2.0/UDP h", Some("a transaction named as RFC 2543 has it")),
            ("BYE tel:1 SIP/2.0", ALL, None),
            ("SIP/2.0 200 OK", ALL, Some("a response to everybody: the sent-by is a broadcast address")),
        ] {
            let text = format!("{start}\r\nVia: {via}\r\n\r\n");
            let found: Vec<_> = lint(text.as_bytes()).into_iter().map(|note| note.what).collect();
            assert_eq!(found, Vec::from_iter(expected), "{via}");
        }
    }

    proptest! {
        #[test]
        fn any_header_is_looked_at_without_panic(header in "(Contact|Via|To): [<>\"\\\\@:;?,= sip.]{0,40}") {
            prop_assert!(notes("OPTIONS sip:1@h SIP/2.0", &header).len() <= NOTES_MAX);
        }
    }
}
