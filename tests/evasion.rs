//! Messages written so that a firewall and a switch read different calls in them. Each is read as switches read it, or is said
//! to be ambiguous, by the fact that rules see and a fault that is counted; none is lost.
//!
//! Where it says what a switch does, Kamailio 5.6 was asked: lines end at a bare LF and not at a bare CR; a NUL in a header it
//! does not need goes unseen; of two CSeq the first counts, of two From, To or Call-ID the message is refused; `invite` is an
//! INVITE; escapes in a user part are left as they are; a second `@` is no URI; 300 headers are all read; digits of other
//! scripts and parameters of a number stay in the user part as they are. Of two Content-Length it cuts a TCP stream at the first,
//! and then answers neither message nor reads a header behind the second; a length that is no number ends the connection.

#[path = "common/frames.rs"]
#[allow(dead_code, reason = "shared with tests that need more of it")]
mod frames;

use std::net::SocketAddr;
use std::sync::Arc;

use tollgate::assemble::{AssembleOptions, Assembler};
use tollgate::base::fault::{Faults, Kind, Layer};
use tollgate::base::field::Country;
use tollgate::base::frame::{Envelope, Frame, Link, Mtp, Pdu, RoutingLabel, Transport, UserPart};
use tollgate::base::map::Seed;
use tollgate::base::network::Network;
use tollgate::base::number::Shape;
use tollgate::base::numbering::Numbering;
use tollgate::base::time::At;
use tollgate::signal::{self, Context, Counts, Leg, Setup, What};
use tollgate::wire::isup::iam::Iam;
use tollgate::wire::isup::number::{NatureOfAddress, Number, PLAN_E164};
use tollgate::wire::isup::parameter::{self, Parameter};

const CALLER: &str = "+48601000001";
const FROM: &str = "From: <sip:+48601000001@a.example>;tag=1\r\n";
const TO: &str = "To: <sip:+48701000001@b.example>\r\n";
const NAMES: &str = "Call-ID: one\r\nCSeq: 1 INVITE\r\n";
const SMUGGLED: &str = "P-Asserted-Identity: <sip:+48602000002@a.example>";

/// What was read of a message that is an INVITE to someone.
struct Read {
    setup: Setup,
    counts: Counts,
    call_id: Vec<u8>,
}

impl Read {
    fn caller(&self) -> String {
        self.setup.calling.number.map(|number| number.to_string()).unwrap_or_default()
    }

    fn called(&self) -> String {
        self.setup.called.number.map(|number| number.to_string()).unwrap_or_default()
    }

    fn is_flagged(&self) -> bool {
        let fault = |kind| self.counts.faults.of(Layer::Sip, kind) > 0;
        let has_fault =
            [Kind::BadSyntax, Kind::Conflict, Kind::TooMany, Kind::Truncated].into_iter().any(fault);
        assert!(has_fault || !self.setup.claims.is_ambiguous, "ambiguous, but no fault is counted");
        self.setup.claims.is_ambiguous
    }
}

fn context() -> Context {
    let numbering = Numbering::new(Country(*b"PL")).unwrap();
    let network = Network { numbering, ..Network::unknown() };
    Context { network: Arc::new(network), seed: Seed(1) }
}

fn read(bytes: &[u8]) -> Read {
    let context = context();
    let address = |port| SocketAddr::from(([192, 0, 2, 1], port));
    let envelope = Envelope::Sip { src: address(5060), dst: address(5061), transport: Transport::Udp };
    let pdu = Pdu { at: At::default(), seq: 1, frame: 1, envelope, bytes };
    let mut counts = Counts::default();
    let signal = signal::decode(&pdu, &context, &mut counts).unwrap().expect("it says something of a call");
    let Leg::Sip(call_id) = signal.leg else { panic!("{:?}", signal.leg) };
    let call_id = call_id.to_vec();
    match signal.what {
        What::Setup(setup) => Read { setup, counts, call_id },
        other => panic!("{other:?}: {}", String::from_utf8_lossy(bytes)),
    }
}

fn invite(start: &str, headers: &[&str]) -> Vec<u8> {
    let via = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n";
    format!("{start}\r\n{via}{}\r\n", headers.concat()).into_bytes()
}

const START: &str = "INVITE sip:+48701000001@b.example SIP/2.0";

#[test]
fn an_honest_call_is_not_ambiguous() {
    let plain = read(&invite(START, &[FROM, TO, NAMES, "Content-Length: 0\r\nl: 0\r\n"]));
    assert_eq!((plain.caller().as_str(), plain.called().as_str()), (CALLER, "+48701000001"));
    assert!(!plain.is_flagged());
    assert_eq!(plain.counts.faults, Counts::default().faults);
}

#[test]
fn of_headers_that_contradict_each_other_the_first_counts() {
    for (name, headers) in [
        ("From", &[FROM, "f: <sip:+48602000002@a.example>;tag=2\r\n", TO, NAMES][..]),
        ("To", &[FROM, TO, "To: <sip:+48702000002@b.example>;tag=3\r\n", NAMES]),
        ("Call-ID", &[FROM, TO, NAMES, "i: two\r\n"]),
        ("CSeq", &[FROM, TO, NAMES, "CSeq: 2 BYE\r\n"]),
        ("Content-Length", &[FROM, TO, NAMES, "Content-Length: 0\r\nContent-Length: 4\r\n"]),
        ("Content-Type", &[FROM, TO, NAMES, "Content-Type: application/sdp\r\nc: application/isup\r\n"]),
        ("Max-Forwards", &[FROM, TO, NAMES, "Max-Forwards: 70\r\nMax-Forwards: 1\r\n"]),
        (
            "two identities",
            &[FROM, TO, NAMES, "P-Asserted-Identity: <tel:+48601000001>, <tel:+48602000002>\r\n"],
        ),
    ] {
        let found = read(&invite(START, headers));
        assert_eq!((found.caller().as_str(), found.call_id.as_slice()), (CALLER, &b"one"[..]), "{name}");
        assert!(found.is_flagged(), "{name}");
        assert!(found.counts.faults.of(Layer::Sip, Kind::Conflict) > 0, "{name}");
    }
}

/// A header that only some see: it is read where switches read it, and the message is ambiguous in any case.
#[test]
fn headers_smuggled_past_line_ends_are_noticed() {
    for (name, more, caller) in [
        ("LF alone", format!("X: a\n{SMUGGLED}\r\n"), "+48602000002"),
        ("CR alone", format!("X: a\r{SMUGGLED}\r\n"), CALLER),
        ("NUL", format!("X: a\0\r\n{SMUGGLED}\r\n"), "+48602000002"),
        ("NUL for a line end", format!("X: a\0{SMUGGLED}\r\n"), CALLER),
        ("CR CR LF", format!("X: a\r\r\n{SMUGGLED}\r\n"), "+48602000002"),
        ("a line that is no header", format!("no header\r\n{SMUGGLED}\r\n"), "+48602000002"),
        ("LF for the empty line", format!("\n{SMUGGLED}\r\n"), CALLER),
    ] {
        let found = read(&invite(START, &[FROM, TO, NAMES, &more]));
        assert_eq!((found.caller().as_str(), found.is_flagged()), (caller, true), "{name}");
    }
    let quoted = format!("From: \"x\r\n{SMUGGLED}\r\n\" <sip:+48601000001@a.example>;tag=1\r\n");
    let found = read(&invite(START, &[&quoted, TO, NAMES]));
    assert!(found.is_flagged(), "a line end in a quoted name");
    assert_eq!(found.caller(), "+48602000002");
    let folded = format!("From: \"x\r\n {SMUGGLED}\r\n \" <sip:+48601000001@a.example>;tag=1\r\n");
    let found = read(&invite(START, &[&folded, TO, NAMES]));
    assert_eq!(
        (found.caller().as_str(), found.is_flagged()),
        (CALLER, false),
        "folded, it is part of the name"
    );
}

#[test]
fn a_number_is_read_however_its_user_part_is_dressed() {
    for (user, is_flagged) in [
        ("+48601000001", false),
        ("+48601000001;ext=1", false),
        ("+48601000001;phone-context=+1;cpc=ordinary", false),
        ("+48601000001:password", false),
        ("+48601000001:pass;word=x", false),
        ("%2B48601000001", false),
        ("+48-601-000.001", false),
        ("+48(601)000001", false),
        ("%2B4860100000%31", true),
        ("%2b%34%38%36%30%31%30%30%30%30%30%31", true),
    ] {
        for uri in [
            format!("sip:{user}@a.example"),
            format!("sips:{user}@a.example;user=phone"),
            format!("tel:{user}"),
        ] {
            if uri.starts_with("tel:") && user.contains(":p") {
                continue;
            }
            let from = format!("From: \"Mum\" <{uri}>;tag=1\r\n");
            let found = read(&invite(START, &[&from, TO, NAMES]));
            assert_eq!((found.caller().as_str(), found.is_flagged()), (CALLER, is_flagged), "{uri}");
            let called = read(&invite(&format!("INVITE {uri} SIP/2.0"), &[FROM, TO, NAMES]));
            assert_eq!((called.called().as_str(), called.is_flagged()), (CALLER, is_flagged), "{uri}");
        }
    }
}

#[test]
fn digits_of_other_scripts_and_second_hosts_are_noticed() {
    for (user, shape) in [
        ("+٤٨٦٠١٠٠٠٠٠١", Shape::NotDigits),
        ("٤٨٦٠١٠٠٠٠٠١", Shape::NotDigits),
        ("+４８６０１０００００１", Shape::NotDigits),
        ("%D9%A4%D9%A8601000001", Shape::NotDigits),
        ("+48601000001@evil", Shape::Valid),
    ] {
        let from = format!("From: <sip:{user}@a.example>;tag=1\r\n");
        let found = read(&invite(START, &[&from, TO, NAMES]));
        assert_eq!((found.setup.calling.shape, found.is_flagged()), (shape, true), "{user}");
        let start = format!("INVITE sip:{user}@a.example SIP/2.0");
        let found = read(&invite(&start, &[FROM, TO, NAMES]));
        assert_eq!((found.setup.called.shape, found.is_flagged()), (shape, true), "{user}");
    }
    // Letters of other scripts are a name, and nothing is hidden.
    let named = "From: \"Zażółć\" <sip:zażółć@a.example>;tag=1\r\n";
    let found = read(&invite(START, &[named, TO, NAMES]));
    assert_eq!((found.setup.calling.shape, found.is_flagged()), (Shape::Absent, false));
}

#[test]
fn a_display_name_that_shows_another_number_is_a_fact() {
    for (name, expected) in [
        ("\"+48 602 000 002\"", Some(true)),
        ("\"+٤٨602000002\"", Some(true)),
        ("+48602000002", Some(true)),
        ("\"+48 601 000 001\"", Some(false)),
        ("\"Mum\"", None),
    ] {
        let from = format!("From: {name} <sip:+48601000001@a.example>;tag=1\r\n");
        let found = read(&invite(START, &[&from, TO, NAMES]));
        assert_eq!(found.setup.claims.name_shows_other, expected, "{name}");
        assert_eq!(found.caller(), CALLER, "{name}");
    }
}

#[test]
fn an_address_that_is_never_closed_is_noticed() {
    for (from, caller) in [
        ("From: <sip:+48601000001@a.example;tag=1\r\n", CALLER),
        ("From: \"Mum <sip:+48601000001@a.example>;tag=1\r\n", ""),
    ] {
        let found = read(&invite(START, &[from, TO, NAMES]));
        assert_eq!((found.caller().as_str(), found.is_flagged()), (caller, true), "{from}");
    }
    let to = "To: \"Mum <sip:+48701000001@b.example>\r\n";
    assert!(read(&invite(START, &[FROM, to, NAMES])).is_flagged());
}

/// Switches look at the Request-URI, and so do we: To is what the caller's telephone was told.
#[test]
fn the_call_goes_where_the_request_says_and_not_where_to_says() {
    let to = "To: <sip:+48112@b.example>\r\n";
    let found = read(&invite(START, &[FROM, to, NAMES]));
    assert_eq!((found.called().as_str(), found.is_flagged()), ("+48701000001", false));
}

#[test]
fn loops_of_vias_and_routes_change_nothing() {
    let via = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nRoute: <sip:192.0.2.1;lr>\r\n".repeat(400);
    let found = read(&invite(START, &[&via, FROM, TO, NAMES]));
    assert_eq!((found.caller().as_str(), found.is_flagged()), (CALLER, false));
}

#[test]
fn headers_behind_thousands_of_others_are_read() {
    let many = "X:\r\n".repeat(15_000);
    let found = read(&invite(START, &[&many, FROM, TO, NAMES, SMUGGLED, "\r\n"]));
    assert_eq!((found.caller().as_str(), found.is_flagged()), ("+48602000002", false));
    let long = format!("X: {}\r\n", "y".repeat(30_000));
    let found = read(&invite(START, &[&long, FROM, TO, NAMES]));
    assert_eq!((found.caller().as_str(), found.counts.faults.of(Layer::Sip, Kind::TooMany)), (CALLER, 1));
    let user = "1".repeat(5_000);
    let found = read(&invite(&format!("INVITE sip:{user}@b SIP/2.0"), &[FROM, TO, NAMES]));
    assert_eq!(found.setup.called.shape, Shape::TooLong);
}

#[test]
fn a_method_in_another_case_is_that_method() {
    for method in ["invite", "Invite", "INVITe"] {
        let start = format!("{method} sip:+48701000001@b.example SIP/2.0");
        for cseq in [method, "INVITE"] {
            let names = format!("Call-ID: one\r\nCSeq: 1 {cseq}\r\n");
            let found = read(&invite(&start, &[FROM, TO, &names]));
            assert_eq!((found.called().as_str(), found.is_flagged()), ("+48701000001", true), "{method}");
        }
    }
}

#[test]
fn a_method_that_cseq_does_not_name_is_what_the_request_line_says() {
    for cseq in ["1 BYE", "1 INV\u{80}TE", "1INVITE", "1"] {
        let names = format!("Call-ID: one\r\nCSeq: {cseq}\r\n");
        let found = read(&invite(START, &[FROM, TO, &names]));
        assert_eq!((found.caller().as_str(), found.is_flagged()), (CALLER, true), "{cseq}");
    }
}

#[test]
fn two_isup_messages_in_a_body_are_noticed() {
    let part = |octet: char| format!("--b\r\nContent-Type: application/ISUP\r\n\r\n{octet}\r\n");
    let body = |parts: &str| {
        let kind = "Content-Type: multipart/mixed;boundary=b\r\n";
        let mut bytes = invite(START, &[FROM, TO, NAMES, kind]);
        bytes.extend_from_slice(format!("{parts}--b--\r\n").as_bytes());
        bytes
    };
    assert!(read(&body(&(part('\u{2}') + &part('\u{5}')))).is_flagged());
    assert!(!read(&body(&part('\u{2}'))).is_flagged());
    let twice = body(&part('\u{2}'));
    let twice = String::from_utf8(twice).unwrap().replace("boundary=b", "boundary=x;boundary=b");
    assert!(read(twice.as_bytes()).is_flagged());
}

// --- cut, and told twice ----------------------------------------------------------------------------------------------

/// The messages that come out of these frames, and what is counted.
fn assembled(frames: &[Vec<u8>]) -> (Vec<Vec<u8>>, Faults) {
    let mut assembler = Assembler::new(AssembleOptions::default());
    let mut messages = Vec::new();
    for (number, bytes) in (1..).zip(frames) {
        let at = At::from_nanos(number * 1_000_000);
        let wire_length = bytes.len() as u32;
        let frame = Frame { at, number, link: Link::Ethernet, bytes, wire_length };
        assembler.push(frame, &mut |pdu| messages.push(pdu.bytes.to_vec()));
    }
    (messages, assembler.faults().clone())
}

/// An INVITE, and the same from another caller, and where they differ first.
fn two_callers() -> (Vec<u8>, Vec<u8>, usize) {
    let honest = invite(START, &[FROM, TO, NAMES, "Content-Length: 0\r\n"]);
    let forged = String::from_utf8(honest.clone()).unwrap().replace(CALLER, "+48602000002").into_bytes();
    let differ = honest.iter().zip(&forged).position(|(one, other)| one != other).unwrap();
    (honest, forged, differ)
}

/// Linux drops a datagram whose fragments overlap (RFC 5722 §3, which it keeps for IPv4 too); others take the first or the
/// last copy. So nothing of it is read, whichever comes first.
#[test]
fn fragments_that_overlap_are_not_read() {
    let (honest, forged, differ) = two_callers();
    let (honest, forged) = (frames::datagram(&honest), frames::datagram(&forged));
    let cut = (8 + differ) / 8 * 8 - 16;
    for (first, second) in [(&honest, &forged), (&forged, &honest)] {
        for overlap in [8, 16, 64] {
            let head = frames::fragment(17, (7, 0, true), &first[..cut + overlap]);
            let tail = frames::fragment(17, (7, cut as u16, false), &second[cut..]);
            for order in [[head.clone(), tail.clone()], [tail, head]] {
                let (messages, faults) = assembled(&order);
                assert!(messages.is_empty(), "{overlap}");
                assert!(faults.of(Layer::Ip, Kind::Overlap) > 0, "{overlap}");
            }
        }
    }
    // A fragment that comes twice, as it was, is no overlap.
    let head = frames::fragment(17, (7, 0, true), &honest[..cut]);
    let tail = frames::fragment(17, (7, cut as u16, false), &honest[cut..]);
    let (messages, faults) = assembled(&[head.clone(), head, tail]);
    assert_eq!((messages, faults.of(Layer::Ip, Kind::Overlap)), (vec![honest[8..].to_vec()], 0));
}

/// TCP as Linux has it: of octets that come twice those count that came first. Where they wait for others before them, it is
/// counted that the copies differ; what was handed on is known to have been received.
#[test]
fn of_segments_that_overlap_the_first_counts() {
    let (honest, forged, differ) = two_callers();
    let (start, end, whole) = (differ - 10, differ + 20, honest.len());
    let of = |bytes: &[u8], from: usize, to: usize| frames::tcp(10_000, 1 + from as u32, &bytes[from..to]);
    for (name, segments, differences) in [
        ("sent again", vec![of(&honest, 0, end), of(&forged, start, whole)], 0),
        (
            "ahead of a gap",
            vec![of(&honest, start, end), of(&forged, start, whole), of(&honest, 0, start)],
            1,
        ),
        ("around a piece", vec![of(&honest, start, end), of(&forged, 0, whole)], 1),
    ] {
        let (messages, faults) = assembled(&[vec![frames::tcp(10_000, 0, b"")], segments].concat());
        assert_eq!(messages.len(), 1, "{name}");
        assert_eq!(read(&messages[0]).caller(), CALLER, "{name}");
        assert_eq!(faults.of(Layer::Tcp, Kind::Overlap), differences, "{name}");
    }
}

/// A message that one length makes the body of another, and the other length a message: it is read, and the lengths are counted as
/// a conflict, in whatever order they stand.
#[test]
fn a_message_hidden_by_two_lengths_is_read() {
    let hidden = invite(START, &[FROM, TO, "Call-ID: hidden\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n"]);
    let length = format!("Content-Length: {}\r\n", hidden.len());
    for lengths in
        [["Content-Length: 0\r\n", &length], [&length, "l: 0\r\n"], [&length, "Content-Length:\r\n 0\r\n"]]
    {
        let outer = invite(START, &[FROM, TO, NAMES, lengths[0], lengths[1]]);
        let stream = [outer, hidden.clone()].concat();
        let (messages, faults) = assembled(&[frames::tcp(10_000, 0, b""), frames::tcp(10_000, 1, &stream)]);
        let found: Vec<Read> = messages.iter().map(|message| read(message)).collect();
        let call_ids: Vec<&[u8]> = found.iter().map(|read| read.call_id.as_slice()).collect();
        assert_eq!(call_ids, [&b"one"[..], b"hidden"], "{lengths:?}");
        assert!(found[0].is_flagged() && faults.of(Layer::Tcp, Kind::Conflict) > 0, "{lengths:?}");
    }
}

// --- ISUP -------------------------------------------------------------------------------------------------------------

/// Caller and called number of a setup, and whether it is ambiguous.
type Parties = Option<(String, String, bool)>;

/// What is read of an IAM, nothing when it is no setup; and layer, reason and count of what is wrong with it.
fn read_iam(bytes: &[u8]) -> (Parties, Vec<(&'static str, &'static str, u64)>) {
    let label = RoutingLabel { standard: Mtp::Itu, opc: 100, dpc: 200, network_indicator: 2, sls: 1 };
    let envelope = Envelope::Isup { label, part: UserPart::Isup };
    let pdu = Pdu { at: At::default(), seq: 1, frame: 1, envelope, bytes };
    let mut counts = Counts::default();
    let signal = signal::decode(&pdu, &context(), &mut counts);
    let faults = match &signal {
        Err(error) => vec![(error.layer, error.kind)],
        Ok(_) => Vec::new(),
    };
    faults.into_iter().for_each(|(layer, kind)| counts.faults.count(layer, kind));
    let shown = |number: Option<tollgate::base::number::Number>| {
        number.map(|number| number.to_string()).unwrap_or_default()
    };
    let found = signal.ok().flatten().map(|signal| match signal.what {
        What::Setup(setup) => {
            (shown(setup.calling.number), shown(setup.called.number), setup.claims.is_ambiguous)
        }
        other => panic!("{other:?}"),
    });
    (found, counts.faults.nonzero().collect())
}

fn number(digits: &[u8]) -> Number {
    Number {
        nature: NatureOfAddress::INTERNATIONAL,
        plan: PLAN_E164,
        digits: digits.iter().copied().collect(),
        ..Number::default()
    }
}

/// Where an IAM has its two pointers: to the called number, and to the optional part.
const CALLED_POINTER: usize = 8;
const OPTIONAL_POINTER: usize = 9;

/// An exchange goes where pointers lead (Q.763 §1.5). Where they lie, the message is refused or says so.
#[test]
fn pointers_that_lie_are_followed_or_refused() {
    let mut honest = Vec::new();
    Iam { called: number(b"48701000001"), calling: Some(number(b"48601000001")), ..Iam::default() }
        .emit(1, &mut honest);
    let read_with = |at: usize, value: u8| {
        let mut bytes = honest.clone();
        bytes[at] = value;
        read_iam(&bytes)
    };
    let (caller, called) = (CALLER.to_owned(), "+48701000001".to_owned());
    assert_eq!(read_iam(&honest), (Some((caller.clone(), called.clone(), false)), vec![]));
    // Behind the end, or nowhere: no call can be made of it.
    for pointer in [0, 200, 255] {
        let (found, faults) = read_with(CALLED_POINTER, pointer);
        assert!(found.is_none() && !faults.is_empty(), "{pointer}: {found:?}");
    }
    // The called number is called with its own number: the octets of the calling number.
    let to_calling = honest[OPTIONAL_POINTER] + 2;
    let (found, faults) = read_with(CALLED_POINTER, to_calling);
    assert_eq!(found, Some((caller.clone(), CALLER.to_owned(), true)));
    assert_eq!(faults, [("isup", "overlap", 1)]);
    // The optional part cannot be found, or is none: a call without a calling number, and a fault where there is one.
    let (found, faults) = read_with(OPTIONAL_POINTER, 200);
    assert_eq!(found, Some((String::new(), called.clone(), true)));
    assert_eq!(faults, [("isup", "bad_length", 1)]);
    let (found, faults) = read_with(OPTIONAL_POINTER, 0);
    assert_eq!((found, faults), (Some((String::new(), called.clone(), false)), vec![]));
    // Into the called number: digits are read for parameters, up to one that does not fit.
    let (found, faults) = read_with(OPTIONAL_POINTER, 3);
    assert_eq!(found.map(|(_, to, _)| to), Some(called));
    assert!(!faults.is_empty());
}

/// An IAM with these optional parameters, and without the octet that ends them when there is none.
fn iam_with(parameters: &[(u8, &[u8])], end: &[u8]) -> Vec<u8> {
    let (mut bytes, mut optional) = (Vec::new(), Vec::new());
    Iam { called: number(b"48701000001"), hop_counter: Some(9), ..Iam::default() }.emit(1, &mut bytes);
    parameters.iter().for_each(|(code, content)| Parameter::emit(*code, content, &mut optional));
    bytes.truncate(OPTIONAL_POINTER + usize::from(bytes[OPTIONAL_POINTER]));
    [&bytes[..], &optional, end].concat()
}

/// What Q.763 gives an IAM once may differ the second time, and lengths may lie: which of them an exchange goes by is its own
/// affair. It does not matter where in the message it stands, nor whether a bare circuit or an INVITE carries it.
#[test]
fn an_iam_that_exchanges_read_in_two_ways_says_so() {
    use parameter::{
        ADDITIONAL_CALLING, CALLING_NUMBER, GENERIC_NUMBER, HOP_COUNTER, REDIRECTION_INFORMATION,
    };
    let (caller, other) = (number(b"48601000001").content(), number(b"48602000002").content());
    let generic = |number: &[u8]| [&[ADDITIONAL_CALLING], number].concat();
    let (shown, shown_other) = (generic(&caller), generic(&other));
    let from: (u8, &[u8]) = (CALLING_NUMBER, &caller);
    let [hops, broken]: [(u8, &[u8]); 2] = [(HOP_COUNTER, &[9]), (HOP_COUNTER, &[])];
    let cut = &[CALLING_NUMBER, 99, 1][..];
    for (parameters, end, is_ambiguous) in [
        (&[from, hops][..], &[0][..], false),
        // Read alike by all: the same again, one that is broken and stands alone, the missing octet at the end.
        (&[from, hops, from, hops], &[0], false),
        (&[from, broken], &[0], false),
        (&[(CALLING_NUMBER, &[3])], &[0], false),
        (&[from, hops], &[], false),
        (&[(GENERIC_NUMBER, &shown), (GENERIC_NUMBER, &[5, 4, 0x10, 0x84])], &[0], false),
        // Not alike: a second one that says something else, in front or behind, also behind a fault of another kind.
        (&[from, (CALLING_NUMBER, &other)], &[0], true),
        (&[broken, from, (CALLING_NUMBER, &other)], &[0], true),
        (&[(CALLING_NUMBER, &[3]), from], &[0], true),
        (&[from, (CALLING_NUMBER, &[3])], &[0], true),
        (&[from, hops, (HOP_COUNTER, &[3])], &[0], true),
        (&[from, (REDIRECTION_INFORMATION, &[3, 1]), (REDIRECTION_INFORMATION, &[3, 2])], &[0], true),
        (&[(GENERIC_NUMBER, &shown), (GENERIC_NUMBER, &shown_other)], &[0], true),
        (&[from, hops, from], &[CALLED_TWICE, 1], true),
        (&[from], cut, true),
        (&[broken, from], cut, true),
    ] {
        let bytes = iam_with(parameters, end);
        let found = read_iam(&bytes).0.unwrap();
        assert_eq!((&*found.1, found.2), ("+48701000001", is_ambiguous), "{bytes:02x?}");
        assert_eq!(carried(&bytes).setup.claims.is_ambiguous, is_ambiguous, "in SIP: {bytes:02x?}");
    }
    // What is told of the pointers holds in an INVITE, too: one to the octets of another number, behind the end, or nowhere.
    for (at, pointer) in
        [(CALLED_POINTER, 22), (CALLED_POINTER, 200), (CALLED_POINTER, 0), (OPTIONAL_POINTER, 200)]
    {
        let mut bytes = iam_with(&[from], &[0]);
        bytes[at] = pointer;
        let read = carried(&bytes);
        assert!(read.setup.claims.is_ambiguous, "{at}: {pointer}");
        assert!(read.counts.faults.nonzero().all(|(layer, _, _)| layer == "isup"), "counted once");
    }
}

/// The start of a parameter that the message ends in.
const CALLED_TWICE: u8 = parameter::CALLED_DIRECTORY_NUMBER;

/// What is read of an INVITE with this IAM as its body (Q.1912.5 §5.4), which has no circuit there.
fn carried(iam: &[u8]) -> Read {
    let kind = "Content-Type: application/ISUP;version=itu-t92+\r\n";
    let mut bytes = invite(START, &[FROM, TO, NAMES, kind]);
    bytes.extend_from_slice(&iam[2..]);
    read(&bytes)
}

/// A capture that cuts frames leaves half an IAM, of which the switch has the whole.
#[test]
fn an_iam_that_the_capture_cut_is_not_ambiguous_for_that() {
    let iam = iam_with(&[(parameter::CALLING_NUMBER, &number(b"48601000001").content())], &[0]);
    let kind = "Content-Type: application/ISUP;version=itu-t92+\r\n";
    let length = format!("Content-Length: {}\r\n", iam.len() - 2);
    for (kept, is_cut) in [(iam.len(), false), (iam.len() - 4, true)] {
        let mut bytes = invite(START, &[FROM, TO, NAMES, kind, &length]);
        bytes.extend_from_slice(&iam[2..kept]);
        let read = read(&bytes);
        assert!(!read.setup.claims.is_ambiguous);
        let faults: Vec<_> = read.counts.faults.nonzero().map(|(layer, kind, _)| (layer, kind)).collect();
        assert_eq!(faults.contains(&("sip", "bad_length")), is_cut, "{faults:?}");
        assert_eq!(faults.iter().any(|(layer, _)| *layer == "isup"), is_cut, "{faults:?}");
    }
}

/// Q.763 gives an IAM one; which of two an exchange takes is its own affair.
#[test]
fn of_two_calling_numbers_the_first_counts() {
    let mut bytes = Vec::new();
    Iam { called: number(b"48701000001"), calling: Some(number(b"48601000001")), ..Iam::default() }
        .emit(1, &mut bytes);
    let second = {
        let mut whole = Vec::new();
        Iam { called: number(b"1"), calling: Some(number(b"48602000002")), ..Iam::default() }
            .emit(1, &mut whole);
        let start = OPTIONAL_POINTER + usize::from(whole[OPTIONAL_POINTER]);
        whole[start..whole.len() - 1].to_vec()
    };
    assert_eq!(second[0], parameter::CALLING_NUMBER);
    assert_eq!(bytes.pop(), Some(0));
    bytes.extend(second);
    Parameter::emit_end(&mut bytes);
    let (found, faults) = read_iam(&bytes);
    assert_eq!(found, Some((CALLER.to_owned(), "+48701000001".to_owned(), true)));
    assert_eq!(faults, [("isup", "conflict", 1)]);
}
