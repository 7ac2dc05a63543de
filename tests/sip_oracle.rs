//! The SIP scanner against two other parsers, rsip and sipx-sip, over valid messages made at random and over the same with
//! something put in: all must read the same method, status, Call-ID, CSeq, user and tag of From and To, top branch,
//! Content-Length and body.
//!
//! Kept out of the messages for rsip, because it refuses or misreads them: compact forms, folding, methods it does not list,
//! octets outside ASCII and escaped quotes in names, `%` that is no escape, `;` in the user part, unknown URI schemes,
//! tabs and space before the colon, an empty reason phrase. Messages for sipx-sip have all of them.

use proptest::prelude::*;
use proptest::sample::select;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::HeadersExt;
use sipx_sip::headers::{CSeq, CallId, ContentLength as SipxLength, From, To, Via};
use sipx_sip::{Limits, parse_datagram};
use tollgate::wire::sip::address::Address;
use tollgate::wire::sip::start::Start;
use tollgate::wire::sip::value::{elements, parameter};
use tollgate::wire::sip::{Message, find_call_id};

const METHODS: [&str; 14] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "REGISTER",
    "OPTIONS",
    "PRACK",
    "UPDATE",
    "INFO",
    "SUBSCRIBE",
    "NOTIFY",
    "PUBLISH",
    "MESSAGE",
    "REFER",
];

/// A valid message, its headers in any order.
fn messages() -> impl Strategy<Value = String> {
    let start = prop_oneof![
        Just(None),
        select(&[100_u16, 180, 183, 200, 302, 404, 486, 487, 503, 603][..]).prop_map(Some)
    ];
    let names = (
        select(&["Call-ID", "CALL-ID", "call-id"][..]),
        select(&["From", "FROM", "from"][..]),
        select(&["To", "TO", "to"][..]),
        select(&["Via", "VIA", "via"][..]),
    );
    let from = (
        select(&["", "Alice ", "\"Bell, A.\" ", "\"a;tag=no\" "][..]),
        "\\+?[0-9]{3,15}|[a-z]{1,8}",
        select(&["", ";x=y", ";lr"][..]),
        "[a-zA-Z0-9.!*_+~-]{1,20}",
    );
    (select(&METHODS[..]), start, names, from, "[a-z0-9]{1,20}(@[a-z0-9.]{1,12})?", 0..i32::MAX as u32)
        .prop_map(|(method, status, names, from, call_id, cseq)| {
            let first = match status {
                Some(status) => format!("SIP/2.0 {status} Some Reason"),
                None => format!("{method} sip:+48601@h.example SIP/2.0"),
            };
            let headers = vec![
                format!("{}: {call_id}", names.0),
                format!("{}: {}<sip:{}@a.example>{};tag={}", names.1, from.0, from.1, from.2, from.3),
                format!("{}: <sip:b@b.example>;tag=to-{cseq}", names.2),
                format!("{}: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{cseq}", names.3),
                format!("CSeq: {cseq} {method}"),
                "Max-Forwards: 70".to_owned(),
                "X-Identity: i: no; f: no".to_owned(),
                "Content-Length: 4".to_owned(),
            ];
            (first, headers)
        })
        .prop_flat_map(|(first, headers)| {
            Just(headers)
                .prop_shuffle()
                .prop_map(move |headers| format!("{first}\r\n{}\r\n\r\nbody", headers.join("\r\n")))
        })
}

/// What both read of a message.
#[derive(Debug, PartialEq, Eq)]
struct Reading {
    first: String,
    call_id: String,
    cseq: (u32, String),
    from: (String, Option<String>),
    to: (String, Option<String>),
    branch: Option<String>,
    content_length: Option<u32>,
    body: Vec<u8>,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn ours(message: &Message<'_>) -> Reading {
    let party = |value: &[u8]| {
        let address = Address::parse(value).unwrap_or_default();
        (text(address.uri.user), address.tag().map(text))
    };
    Reading {
        first: match message.start {
            Start::Request { token, .. } => text(token),
            Start::Response { status } => status.to_string(),
        },
        call_id: text(message.call_id),
        cseq: (message.cseq.number, text(message.cseq.token)),
        from: (text(message.from.uri.user), message.from.tag().map(text)),
        to: party(message.head.to.unwrap_or_default()),
        branch: message.head.via.and_then(top_via).and_then(|via| parameter(via, b"branch")).map(text),
        content_length: message.head.content_length.and_then(|text| str::from_utf8(text).ok()?.parse().ok()),
        body: message.body.to_vec(),
    }
}

fn top_via(line: &[u8]) -> Option<&[u8]> {
    elements(line).next()
}

/// Nothing when it refuses the message, or one of the headers.
fn theirs(message: &rsip::SipMessage) -> Option<Reading> {
    let cseq = message.cseq_header().ok()?.typed().ok()?;
    let from = message.from_header().ok()?.typed().ok()?;
    let to = message.to_header().ok()?.typed().ok()?;
    let via = message.via_header().ok()?.typed().ok()?;
    let user = |uri: &rsip::Uri| uri.user().unwrap_or_default().to_owned();
    let length = message.all_headers_content_length();
    Some(Reading {
        first: match message {
            rsip::SipMessage::Request(request) => request.method.to_string(),
            rsip::SipMessage::Response(response) => response.status_code.code().to_string(),
        },
        call_id: message.call_id_header().ok()?.value().to_owned(),
        cseq: (cseq.seq, cseq.method.to_string()),
        from: (user(&from.uri), from.tag().map(|tag| tag.value().to_owned()).filter(|tag| !tag.is_empty())),
        to: (user(&to.uri), to.tag().map(|tag| tag.value().to_owned()).filter(|tag| !tag.is_empty())),
        branch: via.branch().map(|branch| branch.value().to_owned()),
        content_length: length,
        body: message.body().clone(),
    })
}

trait ContentLength {
    fn all_headers_content_length(&self) -> Option<u32>;
}

impl ContentLength for rsip::SipMessage {
    fn all_headers_content_length(&self) -> Option<u32> {
        use rsip::message::HasHeaders;
        self.headers().iter().find_map(|header| match header {
            rsip::Header::ContentLength(length) => length.value().parse().ok(),
            _ => None,
        })
    }
}

/// What is put into messages: harmless headers, folds aside, and octets that break something.
const PIECES: [&str; 12] = [
    "X-A: b\r\n",
    "Via: SIP/2.0/UDP other;branch=z9hG4bKother\r\n",
    "Subject: From: <sip:9@h>;tag=9\r\n",
    "Record-Route: <sip:192.0.2.9;lr>\r\n",
    "User-Agent: x\r\n",
    "Supported: a, b\r\n",
    "x",
    "7",
    ";",
    "=",
    "@",
    "\r\n",
];

/// A message with pieces put in.
fn changed(mut text: String, changes: &[(proptest::sample::Index, &str)]) -> String {
    for (at, piece) in changes {
        // A whole line goes before another; else the change is anywhere.
        let places: Vec<usize> = if piece.ends_with("\r\n") && piece.len() > 2 {
            let head = text.find("\r\n\r\n").unwrap_or(text.len());
            text.match_indices("\r\n")
                .map(|(place, _)| place + 2)
                .filter(|place| *place <= head + 2)
                .collect()
        } else {
            (0..text.len()).filter(|place| text.is_char_boundary(*place)).collect()
        };
        text.insert_str(*at.get(&places), piece);
    }
    text
}

proptest! {
    #[test]
    fn agrees_with_rsip(text in messages()) {
        let own = Message::parse(text.as_bytes()).unwrap();
        prop_assert!(own.faults.is_empty() && !own.is_ambiguous, "{:?}", own.faults);
        let other = rsip::SipMessage::try_from(text.as_bytes()).unwrap();
        prop_assert_eq!(Some(ours(&own)), theirs(&other));
        prop_assert_eq!(find_call_id(text.as_bytes()), Some(own.call_id));
        prop_assert_eq!(own.method.name().as_bytes(), own.cseq.token);
    }

    /// What both read without complaint, they read alike.
    #[test]
    fn agrees_with_rsip_on_what_was_changed(
        text in messages(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), select(&PIECES[..])), 1..4),
    ) {
        let text = changed(text, &changes);
        let own = Message::parse(text.as_bytes()).ok().filter(|own| own.faults.is_empty() && !own.is_ambiguous);
        let other = rsip::SipMessage::try_from(text.as_bytes()).ok();
        if let (Some(own), Some(other)) = (&own, other.as_ref().and_then(theirs)) {
            prop_assert_eq!(explained(ours(own), &other), other, "{}", text);
        }
    }
}

/// What we read, as rsip reads it where that is not what RFC 3261 says:
/// - the body is all that follows the head, also beyond Content-Length (§18.3);
/// - a URI of another scheme has a user, which we take for a name as a whole;
/// - a parameter's value ends where a token ends, though more is there, and so do the parameters;
/// - parameters of a telephone number, and what is behind a second `@`, are part of the user (§19.1.2, §25.1).
fn explained(own: Reading, other: &Reading) -> Reading {
    let mut own = own;
    if other.body.starts_with(&own.body) {
        own.body.clone_from(&other.body);
    }
    for (own, other) in [(&mut own.from, &other.from), (&mut own.to, &other.to)] {
        let rest = other.0.strip_prefix(own.0.as_str());
        let is_named = own.0.strip_prefix(other.0.as_str()).is_some_and(|rest| rest.starts_with(':'));
        if is_named || rest.is_some_and(|rest| rest.starts_with([';', '@'])) {
            own.0.clone_from(&other.0);
        }
    }
    let values =
        [(&mut own.from.1, &other.from.1), (&mut own.to.1, &other.to.1), (&mut own.branch, &other.branch)];
    for (own, other) in values {
        if other.is_none() || own.as_ref().and_then(|own| own.split(['=', '@']).next()) == other.as_deref() {
            own.clone_from(other);
        }
    }
    own
}

// --- sipx-sip ---------------------------------------------------------------------------------------------------------

/// A valid message as few send them: compact names, white space wherever it may stand, folds, methods and schemes of any
/// name, escapes and quotes.
fn odd_messages() -> impl Strategy<Value = String> {
    let colon = select(&[":", ": ", " : ", "\t:", ":\r\n ", " :\t\r\n\t "][..]);
    let colons = proptest::collection::vec(colon, 6);
    let names = (
        select(&["Call-ID", "i", "I", "cALL-id"][..]),
        select(&["From", "f", "FrOm"][..]),
        select(&["To", "t", "TO"][..]),
        select(&["Via", "v", "VIA"][..]),
        select(&["Content-Length", "l", "CONTENT-LENGTH"][..]),
    );
    let name =
        select(&["", "Ann ", "\"a \\\" <sip:9@h>;tag=9\" ", "\"Zażółć, <\" ", "\"\\\\\"", "A. b-c!\t"][..]);
    let user = "[0-9a-zA-Z_.!~*'()&=+$,?/-]{1,12}(%[0-9A-F]{2}[a-z]{0,3}){0,2}(;[a-z]{1,5}=[0-9]{1,3}){0,2}";
    let from =
        (name, user, select(&["", ";x", " ; x = \"a;b\"", "\r\n ;y=%41"][..]), "[a-zA-Z0-9.!*_+`'~-]{1,20}");
    let to = prop_oneof![
        Just("sip:h.example".to_owned()),
        "tel:\\+[0-9]{3,15}(;[a-z]{1,5}=[0-9]{1,3})?",
        "sips:[0-9]{1,9}@\\[2001:db8::[0-9]\\]:5061;user=phone",
        "urn:service:sos\\.[a-z]{1,5}",
    ];
    let start = prop_oneof![Just(None), (100..700_u16).prop_map(Some)];
    let method = prop_oneof![select(&METHODS[..]).prop_map(str::to_owned), "[A-Z!%*_+`'~.-]{1,12}"];
    let rest =
        (method, start, "[a-zA-Z0-9.!%*_+`'~()<>:/?{}-]{1,30}(@[a-z0-9.]{1,12})?", 0..=i32::MAX as u32);
    (colons, names, from, to, rest).prop_flat_map(
        |(colons, names, from, to, (method, status, call_id, cseq))| {
            let first = match status {
                Some(status) => format!("SIP/2.0 {status} "),
                None => format!("{method} sip:+48601@h.example SIP/2.0"),
            };
            let headers = vec![
                format!("{}{}{call_id}", names.0, colons[0]),
                format!(
                    "{}{}{}<sip:{}@a.example>{};tag={}",
                    names.1, colons[1], from.0, from.1, from.2, from.3
                ),
                format!("{}{}<{to}>;tag=to-{cseq}", names.2, colons[2]),
                format!(
                    "{}{}SIP/2.0/UDP 192.0.2.1:5060 ;branch=z9hG4bK{cseq} , SIP/2.0/TCP h",
                    names.3, colons[3]
                ),
                format!("CSeq{}{cseq}\t {method}", colons[4]),
                format!("{}{}4", names.4, colons[5]),
                "X-Identity: i: no\r\n f: no".to_owned(),
            ];
            Just(headers)
                .prop_shuffle()
                .prop_map(move |headers| format!("{first}\r\n{}\r\n\r\nbody and more", headers.join("\r\n")))
        },
    )
}

/// Nothing when it refuses the message, or one of the headers.
fn theirs_of_sipx(bytes: &[u8]) -> Option<Reading> {
    let message = parse_datagram(bytes.to_vec().into(), &Limits::datagram()).ok()?;
    let headers = message.headers();
    let cseq: CSeq = headers.typed()?.ok()?;
    let From(from) = headers.typed()?.ok()?;
    let To(to) = headers.typed()?.ok()?;
    let via: Via = headers.typed_all().next()?.ok()?;
    let call_id: CallId = headers.typed()?.ok()?;
    let length: Option<SipxLength> = headers.typed().transpose().ok()?;
    let party = |address: &sipx_sip::Address| (sipx_user(&address.uri), address.tag().map(text));
    Some(Reading {
        first: match &message {
            sipx_sip::Message::Request(request) => text(request.method.as_bytes()),
            sipx_sip::Message::Response(response) => response.status.code().to_string(),
        },
        call_id: text(&call_id.0),
        cseq: (cseq.sequence, text(cseq.method.as_bytes())),
        from: party(&from),
        to: party(&to),
        branch: via.branch().map(text),
        content_length: length.and_then(|length| u32::try_from(length.0).ok()),
        body: message.body().to_vec(),
    })
}

/// The user without parameters of a number, as we take it; of a URI of another scheme all of it.
fn sipx_user(uri: &sipx_sip::Uri) -> String {
    let whole = uri.to_bytes();
    let user = match (uri.tel_parts(), uri.scheme().is_sip()) {
        (Some(number), _) => number.subscriber(),
        (None, true) => uri.user().unwrap_or_default(),
        (None, false) => return text(&whole),
    };
    text(user.split(|octet| *octet == b';').next().unwrap_or_default())
}

proptest! {
    #[test]
    fn agrees_with_sipx(text in odd_messages()) {
        let own = Message::parse(text.as_bytes()).unwrap();
        prop_assert!(own.faults.is_empty() && !own.is_ambiguous, "{:?}\n{}", own.faults, text);
        prop_assert_eq!(Some(ours(&own)), theirs_of_sipx(text.as_bytes()), "{}", text);
        prop_assert_eq!(find_call_id(text.as_bytes()), Some(own.call_id));
    }

    /// What both read without complaint, they read alike.
    #[test]
    fn agrees_with_sipx_on_what_was_changed(
        text in odd_messages(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), select(&PIECES[..])), 1..4),
    ) {
        let text = changed(text, &changes);
        let own = Message::parse(text.as_bytes()).ok().filter(|own| own.faults.is_empty() && !own.is_ambiguous);
        if let (Some(own), Some(other)) = (&own, theirs_of_sipx(text.as_bytes())) {
            prop_assert_eq!(without_folds(ours(own)), without_folds(other), "{}", text);
        }
    }
}

/// A reading without what differs and is no call's matter: folds in a Call-ID, which has no white space (RFC 3261 §25.1), are
/// kept by us, and read as one space by sipx-sip.
fn without_folds(reading: Reading) -> Reading {
    let call_id = reading.call_id.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    Reading { call_id, ..reading }
}
