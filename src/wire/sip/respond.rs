//! Responses, written from the lines of the request they answer. RFC 3261 §8.2.6 (what is copied), §17.1.1.3 (how an ACK
//! names what it acknowledges), §18.2.1 and RFC 3581 §4 (`received`, `rport`).
//!
//! In: the bytes of a request, and what to answer. Out: the bytes of the response, the same whenever the same request is
//! answered the same way, so that retransmissions need no memory. Via, From, Call-ID and CSeq are copied as they stand,
//! folds and compact names too; the To line gets a tag. Must not: decide what to answer or where to send it.

use std::net::SocketAddr;

use crate::base::map::{Seed, keyed_hash};
use crate::wire::sip::Message;
use crate::wire::sip::address::Address;
use crate::wire::sip::head::split_header;
use crate::wire::sip::lines::{End, Line, Lines};
use crate::wire::sip::place::{SIP_PORT, read_address, sent_by};
use crate::wire::sip::value::{elements, parameter};

/// What to answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Response<'a> {
    /// Status code, 100 to 699.
    pub status: u16,
    /// Reason phrase.
    pub phrase: &'a str,
    /// Tag for the To line, a token; not added when the line has one, nor to a 100 (RFC 3261 §8.2.6.2).
    pub to_tag: Option<&'a str>,
    /// Where the request came from, to be noted in the topmost Via (`received`, `rport`); `None` leaves it as it is.
    pub source: Option<SocketAddr>,
    /// Further header lines: name and value. Line breaks in them become spaces.
    pub extra: &'a [(&'a str, &'a str)],
}

/// Appends the response to `request` to `out`; whether it could: not when the head is cut short or one of Via, From, To,
/// Call-ID and CSeq is missing. `out` is then as it was.
#[must_use]
pub fn respond(request: &[u8], response: &Response<'_>, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    out.extend_from_slice(format!("SIP/2.0 {:03} ", response.status).as_bytes());
    put_text(out, response.phrase);
    out.extend_from_slice(b"\r\n");
    if !copy_lines(request, response, out) {
        out.truncate(start);
        return false;
    }
    for (name, value) in response.extra {
        put_text(out, name);
        out.extend_from_slice(b": ");
        put_text(out, value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"Content-Length: 0\r\n\r\n");
    true
}

/// The Reason header's value for a cause of ITU-T Q.850 (RFC 3326 §2), 0 to 127, with a text when it is not empty.
#[must_use]
pub fn reason(cause: u8, text: &str) -> String {
    // A quoted string may hold neither a quote nor a backslash as it is (RFC 3261 §25.1).
    let text: String = text.chars().filter(|c| !matches!(c, '"' | '\\') && !c.is_control()).collect();
    if text.is_empty() {
        format!("Q.850;cause={cause}")
    } else {
        format!("Q.850;cause={cause};text=\"{text}\"")
    }
}

/// Names an INVITE transaction to one who answers it without keeping it: its retransmissions, its CANCEL and the ACK to
/// its final response when that is none of success give the same number, and nobody without the seed can choose it.
///
/// Made of Call-ID, tag of From, number of CSeq, and the branch of the topmost Via; of all of that Via when the branch is
/// from before RFC 3261 (§17.2.3).
#[must_use]
pub fn transaction(seed: Seed, request: &Message<'_>) -> u64 {
    let via = request.head.via.and_then(|line| elements(line).next()).unwrap_or_default();
    let branch = parameter(via, b"branch").filter(|branch| branch.starts_with(b"z9hG4bK")).unwrap_or(via);
    let parts = [request.call_id, request.from.tag().unwrap_or_default(), branch];
    let mut named = Vec::with_capacity(160);
    for part in parts {
        named.extend_from_slice(&part.len().to_be_bytes());
        named.extend_from_slice(part);
    }
    named.extend_from_slice(&request.cseq.number.to_be_bytes());
    keyed_hash(seed, &named)
}

/// The To tag of a response to this transaction, as [`transaction`] numbers it: sixteen hexadecimal digits.
#[must_use]
pub fn to_tag(transaction: u64) -> String {
    format!("{transaction:016x}")
}

/// Headers that a response copies.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Copied {
    CSeq = 1,
    CallId = 2,
    From = 4,
    To = 8,
    Via = 16,
}

const ALL_COPIED: u8 = 31;

impl Copied {
    fn of(name: &[u8]) -> Option<Self> {
        let is = |long: &[u8]| name.eq_ignore_ascii_case(long);
        match name {
            [b'f' | b'F'] => Some(Self::From),
            [b'i' | b'I'] => Some(Self::CallId),
            [b't' | b'T'] => Some(Self::To),
            [b'v' | b'V'] => Some(Self::Via),
            _ if is(b"cseq") => Some(Self::CSeq),
            _ if is(b"call-id") => Some(Self::CallId),
            _ if is(b"from") => Some(Self::From),
            _ if is(b"to") => Some(Self::To),
            _ if is(b"via") => Some(Self::Via),
            _ => None,
        }
    }
}

/// Copies what a response copies, in the order of the request; whether all of it was there. Of a header that may stand
/// once, the first counts.
fn copy_lines(request: &[u8], response: &Response<'_>, out: &mut Vec<u8>) -> bool {
    let mut lines = Lines::new(request);
    let mut seen = 0_u8;
    // The request line.
    let _ = lines.next();
    while let Some(Line { bytes, .. }) = lines.next() {
        let Some((name, value)) = split_header(bytes) else { continue };
        let Some(copied) = Copied::of(name) else { continue };
        let first = seen & copied as u8 == 0;
        seen |= copied as u8;
        match copied {
            Copied::Via if first => put_top_via(out, bytes, value, response.source),
            Copied::To if first => put_to(out, bytes, value, response),
            _ if first || copied == Copied::Via => out.extend_from_slice(bytes),
            _ => continue,
        }
        out.extend_from_slice(b"\r\n");
    }
    lines.end == End::Blank && seen == ALL_COPIED
}

fn put_to(out: &mut Vec<u8>, line: &[u8], value: &[u8], response: &Response<'_>) {
    out.extend_from_slice(line.trim_ascii_end());
    let has_tag = Address::parse(value).is_some_and(|to| to.tag().is_some());
    if let Some(tag) = response.to_tag
        && !has_tag
        && response.status > 100
    {
        out.extend_from_slice(b";tag=");
        put_text(out, tag);
    }
}

/// Notes in the first value of a Via line where the request came from: `received` when the sent-by is not that address or
/// the sender asks with `rport`, which gets the port. What the sender itself noted there does not count.
pub(super) fn put_top_via(out: &mut Vec<u8>, line: &[u8], value: &[u8], source: Option<SocketAddr>) {
    let (Some(source), Some(top)) = (source, elements(value).next()) else {
        return out.extend_from_slice(line);
    };
    let is_source = |host: &[u8]| read_address(host) == Some(source.ip());
    let asks_port = parameter(top, b"rport").is_some();
    let says_address = sent_by(top).is_some_and(|(host, _)| is_source(host));
    let noted = parameter(top, b"received");
    let before = top.as_ptr().addr().saturating_sub(line.as_ptr().addr());
    let (Some(head), Some(tail)) = (line.get(..before), line.get(before.saturating_add(top.len())..)) else {
        return out.extend_from_slice(line);
    };
    out.extend_from_slice(head);
    for (index, piece) in top.split(|octet| *octet == b';').enumerate() {
        let name = piece.split(|octet| *octet == b'=').next().unwrap_or_default().trim_ascii();
        let is = |known: &[u8]| index > 0 && name.eq_ignore_ascii_case(known);
        if is(b"received") && !noted.is_some_and(is_source) {
            continue;
        }
        if index > 0 {
            out.push(b';');
        }
        if is(b"rport") {
            out.extend_from_slice(format!("rport={}", source.port()).as_bytes());
        } else {
            out.extend_from_slice(piece);
        }
    }
    if (asks_port || !says_address) && !noted.is_some_and(is_source) {
        out.extend_from_slice(format!(";received={}", source.ip()).as_bytes());
    }
    out.extend_from_slice(tail);
}

/// Where a response goes by the topmost Via of its request over UDP, which came from `source` (RFC 3261 §18.2.2, RFC 3581
/// §4): the address it came from, and of the ports that it came from when `rport` is there, else that of the sent-by.
#[must_use]
pub fn destination(request: &Message<'_>, source: SocketAddr) -> SocketAddr {
    let via = request.head.via.and_then(|line| elements(line).next()).unwrap_or_default();
    if parameter(via, b"rport").is_some() {
        return source;
    }
    SocketAddr::new(source.ip(), sent_by(via).and_then(|(_, port)| port).unwrap_or(SIP_PORT))
}

/// Text of ours between header names: never a line of its own.
fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().map(|octet| if matches!(octet, b'\r' | b'\n') { b' ' } else { octet }));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::wire::sip::start::Start;
    use proptest::prelude::*;

    const INVITE: &str = "INVITE sip:2@h SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5080;branch=z9hG4bK1;rport , SIP/2.0/UDP b\r\n\
        v:\tSIP/2.0/UDP c;branch=z9hG4bK3\r\nMax-Forwards: 70\r\nFrom: \"Ünï\" <sip:1@h>;tag=a\r\n\
        t: <sip:2@h>\r\n ;x=y\r\nCall-ID: 1@a\r\nCSeq: 7 INVITE\r\nContent-Length: 3\r\n\r\nv=0";

    fn answer(request: &str, response: &Response<'_>) -> String {
        let mut out = Vec::new();
        assert!(respond(request.as_bytes(), response, &mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn copies_what_a_response_copies() {
        let reason = reason(21, "call \"rejected\"");
        let extra = [("Reason", reason.as_str()), ("X-Note", "a\r\nVia: no")];
        let response =
            Response { status: 603, phrase: "Decline", to_tag: Some("0f"), source: None, extra: &extra };
        assert_eq!(
            answer(INVITE, &response),
            "SIP/2.0 603 Decline\r\nVia: SIP/2.0/UDP 192.0.2.1:5080;branch=z9hG4bK1;rport , SIP/2.0/UDP b\r\n\
             v:\tSIP/2.0/UDP c;branch=z9hG4bK3\r\nFrom: \"Ünï\" <sip:1@h>;tag=a\r\nt: <sip:2@h>\r\n ;x=y;tag=0f\r\n\
             Call-ID: 1@a\r\nCSeq: 7 INVITE\r\nReason: Q.850;cause=21;text=\"call rejected\"\r\n\
             X-Note: a  Via: no\r\nContent-Length: 0\r\n\r\n"
        );
    }

    #[test]
    fn keeps_a_tag_and_gives_none_to_a_100() {
        let tagged = INVITE.replace("<sip:2@h>\r\n ;x=y", "<sip:2@h>;tag=there");
        let response = Response { status: 481, to_tag: Some("0f"), ..Response::default() };
        assert!(answer(&tagged, &response).contains("t: <sip:2@h>;tag=there\r\n"));
        let trying = Response { status: 100, to_tag: Some("0f"), ..Response::default() };
        assert!(!answer(INVITE, &trying).contains("0f"));
    }

    #[test]
    fn notes_where_the_request_came_from() {
        for (via, source, expected) in [
            ("192.0.2.1:5080;rport;x", "192.0.2.1:9", "192.0.2.1:5080;rport=9;x;received=192.0.2.1"),
            ("192.0.2.1;branch=1", "192.0.2.1:9", "192.0.2.1;branch=1"),
            ("192.0.2.9;branch=1", "192.0.2.1:9", "192.0.2.9;branch=1;received=192.0.2.1"),
            ("host;branch=1, d", "192.0.2.1:9", "host;branch=1;received=192.0.2.1, d"),
            ("[2001:db8::1]:5061;x", "[2001:db8::1]:9", "[2001:db8::1]:5061;x"),
            ("h;received=203.0.113.1;rport=7;x", "192.0.2.1:9", "h;rport=9;x;received=192.0.2.1"),
            ("h;received=192.0.2.1;x", "192.0.2.1:9", "h;received=192.0.2.1;x"),
        ] {
            let request = INVITE.replace("192.0.2.1:5080;branch=z9hG4bK1;rport , SIP/2.0/UDP b", via);
            let response =
                Response { status: 200, source: Some(source.parse().unwrap()), ..Response::default() };
            let text = answer(&request, &response);
            assert!(text.contains(&format!("Via: SIP/2.0/UDP {expected}\r\n")), "{text}");
        }
    }

    #[test]
    fn goes_where_the_via_says() {
        for (via, expected) in [
            ("192.0.2.1:5080;branch=1;rport", "198.51.100.7:9"),
            ("192.0.2.1:5080;branch=1", "198.51.100.7:5080"),
            ("[2001:db8::1]:5081", "198.51.100.7:5081"),
            ("[2001:db8::1]", "198.51.100.7:5060"),
            ("host:99999", "198.51.100.7:5060"),
            ("host", "198.51.100.7:5060"),
        ] {
            let request = INVITE.replace("192.0.2.1:5080;branch=z9hG4bK1;rport , SIP/2.0/UDP b", via);
            let message = Message::parse(request.as_bytes()).unwrap();
            assert_eq!(
                destination(&message, "198.51.100.7:9".parse().unwrap()),
                expected.parse().unwrap(),
                "{via}"
            );
        }
    }

    #[test]
    fn one_number_for_a_transaction() {
        let seed = Seed(7);
        let of = |text: &str| transaction(seed, &Message::parse(text.as_bytes()).unwrap());
        let invite = of(INVITE);
        let ack = INVITE
            .replace("INVITE", "ACK")
            .replace(" , SIP/2.0/UDP b", "")
            .replace("v:\tSIP/2.0/UDP c;branch=z9hG4bK3\r\n", "")
            .replace(" ;x=y", " ;tag=0f");
        assert_eq!(of(&ack), invite);
        assert_eq!(of(&INVITE.replace("INVITE", "CANCEL")), invite);
        for (from, to) in [("bK1", "bK2"), ("tag=a", "tag=b"), ("1@a", "1@b"), ("7 INV", "8 INV")] {
            assert_ne!(of(&INVITE.replacen(from, to, 1)), invite, "{from}");
        }
        assert_ne!(transaction(Seed(8), &Message::parse(INVITE.as_bytes()).unwrap()), invite);
        assert_eq!(to_tag(0x0f), "000000000000000f");
    }

    #[test]
    fn answers_no_half_request() {
        for cut in ["Via:", "v:", "From:", "t:", "Call-ID:", "CSeq:", "\r\n\r\n"] {
            let request = match cut {
                "\r\n\r\n" => INVITE.split(cut).next().unwrap().to_owned(),
                "v:" | "Via:" => INVITE.replace("Via:", "x:").replace("v:", "x:"),
                name => INVITE.replace(name, "x:"),
            };
            let mut out = b"before".to_vec();
            assert!(!respond(request.as_bytes(), &Response::default(), &mut out), "{cut}");
            assert_eq!(out, b"before");
        }
    }

    proptest! {
        /// A response reads as one, to the same call, whatever the request holds.
        #[test]
        fn reads_as_a_response(mut bytes in Just(INVITE.as_bytes().to_vec()), changes in prop::collection::vec((0..360_usize, any::<u8>()), 0..6)) {
            for (at, octet) in changes {
                if let Some(place) = bytes.get_mut(at) {
                    *place = octet;
                }
            }
            let source = Some("192.0.2.1:9".parse().unwrap());
            let response = Response { status: 603, phrase: "Decline", to_tag: Some("0f"), source, extra: &[] };
            let mut out = Vec::new();
            if let Ok(request) = Message::parse(&bytes)
                && respond(&bytes, &response, &mut out)
            {
                let read = Message::parse(&out).unwrap();
                prop_assert_eq!(read.start, Start::Response { status: 603 });
                prop_assert_eq!(read.call_id, request.call_id);
                prop_assert_eq!(read.cseq, request.cseq);
            }
        }
    }
}
