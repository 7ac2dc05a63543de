//! The SIP scanner against another parser, rsip, over valid messages made at random: both must read the same method,
//! status, Call-ID, CSeq and From tag.
//!
//! Kept out of the messages, because rsip refuses or misreads them: compact forms, folding, methods it does not list,
//! octets outside ASCII and escaped quotes in names, `%` that is no escape, `;` in the user part, unknown URI schemes,
//! tabs and space before the colon, an empty reason phrase. Those are in the unit tests and the torture messages.

use proptest::prelude::*;
use proptest::sample::select;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::HeadersExt;
use tollgate::wire::sip::start::Start;
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
                format!("{}: <sip:b@b.example>", names.2),
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

proptest! {
    #[test]
    fn agrees_with_rsip(text in messages()) {
        let own = Message::parse(text.as_bytes()).unwrap();
        prop_assert!(own.faults.is_empty(), "{:?}", own.faults);
        let other = rsip::SipMessage::try_from(text.as_bytes()).unwrap();
        match (&own.start, &other) {
            (Start::Request { token, .. }, rsip::SipMessage::Request(request)) => {
                let method = request.method.to_string();
 prop_assert_eq!(*token, method.as_bytes());
            }
            (Start::Response { status }, rsip::SipMessage::Response(response)) => {
                prop_assert_eq!(*status, response.status_code.code());
            }
            _ => prop_assert!(false, "a request for one, a response for the other"),
        }
        prop_assert_eq!(own.call_id, other.call_id_header().unwrap().value().as_bytes());
        prop_assert_eq!(find_call_id(text.as_bytes()), Some(own.call_id));
        let cseq = other.cseq_header().unwrap().typed().unwrap();
        prop_assert_eq!(own.cseq.number, cseq.seq);
        prop_assert_eq!(own.method.name(), cseq.method.to_string());
        let from = other.from_header().unwrap().typed().unwrap();
        prop_assert_eq!(own.from.tag().unwrap(), from.tag().unwrap().value().as_bytes());
        prop_assert_eq!(own.from.uri.user, from.uri.user().unwrap_or_default().as_bytes());
        prop_assert_eq!(own.body, other.body().as_slice());
    }
}
