//! Messages → signals, header by header.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::*;
use crate::base::fault::{Kind, Layer};
use crate::base::field::Country;
use crate::base::frame::{Envelope, Transport};
use crate::base::map::Seed;
use crate::base::network::Network;
use crate::base::number::{Number, Shape};
use crate::base::numbering::Numbering;
use crate::base::roaming::RoamingStates;
use crate::base::route::{Direction, Route, RouteClass, RouteId, Routes};
use crate::base::time::At;

static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
    let route = Route {
        peers: vec!["192.0.2.0/24".parse().unwrap()],
        ..Route::new("abroad", RouteClass::International)
    };
    let network = Network {
        routes: Routes::new(vec![route]),
        numbering: Numbering::new(Country(*b"PL")).unwrap(),
        roaming: RoamingStates::default(),
        emergency: vec!["112".into()],
        ..Network::unknown()
    };
    Context { network: Arc::new(network), seed: Seed(1) }
});

pub(super) fn decode_with<'a>(
    bytes: &'a [u8],
    counts: &mut Counts,
) -> Result<Option<Signal<'a>>, DecodeError> {
    let between = ("192.0.2.1:5060".parse().unwrap(), "198.51.100.1:5060".parse().unwrap());
    let envelope = Envelope::Sip { src: between.0, dst: between.1, transport: Transport::Udp };
    let pdu = Pdu { at: At::from_nanos(5), seq: 7, frame: 9, envelope, bytes };
    decode(&pdu, between, &CONTEXT, counts)
}

fn signal(bytes: &[u8]) -> Option<Signal<'_>> {
    decode_with(bytes, &mut Counts::default()).unwrap()
}

/// A message without faults: start line, CSeq method, headers beside the usual.
fn message(start: &str, method: &str, more: &[&str]) -> Vec<u8> {
    let own = |name: &str| more.iter().any(|line| line.starts_with(name));
    let from = if own("From") { "" } else { "From: <sip:+48601@a.example>;tag=one\r\n" };
    let to = if own("To") { "" } else { "To: <sip:+48701@b.example>\r\n" };
    let more: String = more.iter().flat_map(|line| [line, "\r\n"]).collect();
    let via = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1";
    format!("{start}\r\n{via}\r\n{from}{to}Call-ID: leg\r\nCSeq: 3 {method}\r\n{more}\r\n").into_bytes()
}

fn setup(target: &str, more: &[&str]) -> Setup {
    let bytes = message(&format!("INVITE {target} SIP/2.0"), "INVITE", more);
    match signal(&bytes).map(|signal| signal.what) {
        Some(What::Setup(setup)) => setup,
        other => panic!("{other:?}"),
    }
}

#[test]
fn tells_messages_by_method_status_and_dialog() {
    const IN_DIALOG: &str = "To: <sip:2@h>;tag=two";
    for (start, method, more, expected) in [
        ("INVITE sip:2@h SIP/2.0", "INVITE", "X: 1", "Some(Setup"),
        ("INVITE sip:2@h SIP/2.0", "INVITE", "To: <sip:2@h>;tag=", "Some(Setup"),
        ("INVITE sip:2@h SIP/2.0", "INVITE", IN_DIALOG, "Some(Reinvite)"),
        ("ACK sip:2@h SIP/2.0", "ACK", IN_DIALOG, "Some(Other)"),
        ("PRACK sip:2@h SIP/2.0", "PRACK", IN_DIALOG, "Some(Other)"),
        ("UPDATE sip:2@h SIP/2.0", "UPDATE", IN_DIALOG, "Some(Other)"),
        ("CANCEL sip:2@h SIP/2.0", "CANCEL", "X: 1", "Some(Cancel)"),
        ("BYE sip:2@h SIP/2.0", "BYE", IN_DIALOG, "Some(Release)"),
        ("SIP/2.0 100 Trying", "INVITE", "X: 1", "Some(Progress)"),
        ("SIP/2.0 180 Ringing", "INVITE", IN_DIALOG, "Some(Alert)"),
        ("SIP/2.0 181 Forwarded", "INVITE", IN_DIALOG, "Some(Progress)"),
        ("SIP/2.0 183 Progress", "INVITE", IN_DIALOG, "Some(Progress)"),
        ("SIP/2.0 199 Ended", "INVITE", IN_DIALOG, "Some(Progress)"),
        ("SIP/2.0 200 OK", "INVITE", IN_DIALOG, "Some(Answer)"),
        ("SIP/2.0 202 Accepted", "INVITE", IN_DIALOG, "Some(Answer)"),
        ("SIP/2.0 302 Moved", "INVITE", IN_DIALOG, "Some(Refuse)"),
        ("SIP/2.0 407 Proxy Authentication", "INVITE", IN_DIALOG, "Some(Refuse)"),
        ("SIP/2.0 487 Terminated", "INVITE", IN_DIALOG, "Some(Refuse)"),
        ("SIP/2.0 603 Decline", "INVITE", IN_DIALOG, "Some(Refuse)"),
        ("SIP/2.0 200 OK", "BYE", IN_DIALOG, "Some(Other)"),
        ("SIP/2.0 481 Gone", "CANCEL", IN_DIALOG, "Some(Other)"),
        ("SIP/2.0 200 OK", "REGISTER", IN_DIALOG, "None"),
        ("OPTIONS sip:h SIP/2.0", "OPTIONS", "X: 1", "None"),
        ("INFO sip:h SIP/2.0", "INFO", IN_DIALOG, "None"),
    ] {
        let bytes = message(start, method, &[more]);
        let signal = signal(&bytes);
        if let Some(signal) = &signal {
            assert_eq!((signal.leg, signal.cseq), (Leg::Sip(b"leg"), 3), "{start}");
            let status = start.strip_prefix("SIP/2.0 ").map(|rest| rest[..3].parse().unwrap());
            assert_eq!((signal.sip_status, signal.progress_183), (status, status == Some(183)), "{start}");
        }
        let what = format!("{:?}", signal.map(|signal| signal.what));
        assert!(what.starts_with(expected), "{start} {method}: {what}");
    }
}

#[test]
fn counts_messages_and_faults() {
    let mut counts = Counts::default();
    for bytes in [
        message("OPTIONS sip:h SIP/2.0", "OPTIONS", &[]),
        message("SIP/2.0 503 Busy", "REGISTER", &[]),
        message("BYE sip:h SIP/2.0", "INVITE", &["l: 4"]),
    ] {
        decode_with(&bytes, &mut counts).unwrap();
    }
    assert_eq!(counts.sip_requests[Method::Options as usize], 1);
    assert_eq!(counts.sip_requests[Method::Bye as usize], 1);
    assert_eq!(counts.sip_responses, [0, 0, 0, 0, 0, 1, 0]);
    assert_eq!(counts.faults.of(Layer::Sip, Kind::Conflict), 1);
    assert_eq!(counts.faults.of(Layer::Sip, Kind::BadLength), 1);
    assert!(decode_with(b"INVITE sip:2@h SIP/2.0\r\n\r\n", &mut counts).is_err());
}

#[test]
fn tells_the_sides_by_the_from_tag() {
    let sender = |from: &str| signal(&message("BYE sip:2@h SIP/2.0", "BYE", &[from])).unwrap().sender;
    assert_eq!(sender("From: <sip:1@h>;tag=a"), sender("From: \"x\" <sip:9@h>;q=1;tag=a"));
    assert_ne!(sender("From: <sip:1@h>;tag=a"), sender("From: <sip:1@h>;tag=b"));
    assert_eq!(sender("From: <sip:1@h>"), 0);
}

#[test]
fn reads_the_q850_cause_from_any_reason() {
    for (more, cause) in [
        (&["Reason: Q.850;cause=16;text=\"Normal, call clearing\""][..], Some(16)),
        (&["Reason: SIP;cause=200;text=\"a, Q.850;cause=1\", Q.850 ;cause=21"], Some(21)),
        (&["Reason: SIP;cause=487", "Reason: Q.850;cause=17"], Some(17)),
        (&["Reason: SIP;cause=487"], None),
        (&[], None),
    ] {
        let bytes = message("SIP/2.0 486 Busy Here", "INVITE", more);
        assert_eq!(signal(&bytes).unwrap().q850_cause, cause, "{more:?}");
    }
}

#[test]
fn takes_the_calling_number_from_the_asserted_identity_first() {
    const HIDDEN: &str = "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1";
    for (more, raw, restricted) in [
        (&["X: 1"][..], "+48601", false),
        (&["P-Asserted-Identity: <sip:+48602@h>"], "+48602", false),
        (&["P-Asserted-Identity: \"A, B\" <sip:alice@h>, <tel:+48-603;x=y>"], "+48-603", false),
        (&["P-Asserted-Identity: <sip:alice@h>", "P-Asserted-Identity: <tel:604>"], "604", false),
        (&["P-Asserted-Identity: <sip:alice@h>"], "+48601", false),
        (&["P-Asserted-Identity: <sip:%2b48605@h>", "Privacy: id;critical"], "+48605", true),
        (&["Privacy: none"], "+48601", false),
        (&[HIDDEN, "P-Asserted-Identity: <sip:+48602@h>"], "+48602", true),
        (&[HIDDEN], "anonymous", true),
        (&["From: <sip:+48601@anonymous.invalid>;tag=1"], "+48601", true),
        (&["From: <sip:unavailable@unknown.invalid>;tag=1"], "unavailable", false),
        (&["From: <sip:pbx.example>;tag=1"], "", false),
        (&["From: sip:alice:pw@h;tag=1"], "alice", false),
    ] {
        let calling = setup("sip:2@h", more).calling;
        let found = (std::str::from_utf8(&calling.raw).unwrap(), calling.restricted);
        assert_eq!(found, (raw, restricted), "{more:?}");
    }
    assert_eq!(setup("sip:2@h", &[HIDDEN]).calling.shape, Shape::Absent);
}

#[test]
fn reads_the_called_user_from_the_target() {
    let long = format!("sip:{}@h", "1".repeat(90));
    for (target, raw) in [
        ("sip:+48601@h;user=phone", "+48601"),
        ("tel:+48-601", "+48-601"),
        ("sip:%31%31%32@h", "112"),
        ("sip:112;phone-context=+48@h", "+48112"),
        ("sip:112;phone-context=ims.example@h", "112"),
        ("sip:100%@h", "100%"),
        ("sip:1%zz@h", "1%zz"),
        ("urn:service:sos.police", "urn:service:sos.police"),
        (&long, "11111111111111111111111111111111"),
    ] {
        assert_eq!(setup(target, &[]).called.raw.as_slice(), raw.as_bytes(), "{target}");
    }
}

#[test]
fn counts_diversions_and_knows_who_was_called_first() {
    for (more, diversions, first) in [
        (&["X: 1"][..], 0, None),
        (&["Diversion: <tel:+48601000001>"], 1, Some("48601000001")),
        (
            &["Diversion: <tel:+48601000003>;counter=2, <tel:+48601000002>", "Diversion: <tel:+48601000001>"],
            4,
            Some("48601000001"),
        ),
        (&["Diversion: <tel:+48601000001>;counter=x"], 1, Some("48601000001")),
        (&["Diversion: <tel:+48601000001>;counter=0"], 1, Some("48601000001")),
        (
            &["Diversion: nonsense, <tel:+48601000002>", "Diversion: <tel:+48601000001>"],
            2,
            Some("48601000001"),
        ),
        (&["Diversion: <tel:+48601000001>;counter=255,<tel:1>;counter=9"], 255, None),
        (&["History-Info: <tel:+48601000001>, <sip:2@h>, <sip:+48701@a>"], 2, Some("48601000001")),
        (
            &["Diversion: nonsense", "History-Info: <sip:+48601000005@a>, <sip:+48701@b>"],
            1,
            Some("48601000005"),
        ),
    ] {
        let claims = setup("sip:+48701@b.example", more).claims;
        let expected = first.map(|digits| Number::from_digits(digits.as_bytes()).unwrap());
        assert_eq!((claims.diversions, claims.first_called), (diversions, expected), "{more:?}");
    }
}

#[test]
fn compares_the_number_shown_with_the_number_asserted() {
    for (more, expected) in [
        (&["From: <sip:+48601000001@h>;tag=1"][..], None),
        (&["From: <sip:+48601000001@h>;tag=1", "P-Asserted-Identity: <tel:+48601000001>"], Some(false)),
        (
            &["From: <sip:+48601000001@h>;tag=1", "P-Asserted-Identity: <sip:x@h>, <tel:+48601000002>"],
            Some(true),
        ),
        (&["From: <sip:anonymous@h>;tag=1", "P-Asserted-Identity: <tel:+48601000002>"], None),
    ] {
        assert_eq!(setup("sip:2@h", more).claims.shows_other, expected, "{more:?}");
    }
}

#[test]
fn emergency_calls_are_known_however_written() {
    let network = &CONTEXT.network;
    let written = ["sip:112@h", "sip:1%312@h", "tel:1-1-2", "sip:112;phone-context=+48@h"];
    for target in written {
        assert!(network.is_emergency(&setup(target, &[]).called), "{target}");
    }
    assert!(!network.is_emergency(&setup("sip:+48112345678@h", &[]).called));
}

#[test]
fn a_call_dressed_as_an_emergency_call_is_none() {
    let (network, separators) = (&CONTEXT.network, "-".repeat(28));
    let escaped = "%2D".repeat(28);
    for (target, number) in [
        (format!("sip:+112{separators}123456789@gw"), Some("112123456789")),
        (format!("sip:+112{escaped}123456789@gw"), Some("112123456789")),
        (format!("tel:+1(1)2.{separators}123456789"), Some("112123456789")),
        ("sip:112;phone-context=+88213000001@gw".into(), Some("88213000001112")),
        ("tel:112;phone-context=+88213000001".into(), Some("88213000001112")),
        ("sip:112;phone-context=%2B88213000001@gw".into(), Some("88213000001112")),
        ("sip:112;a=\";phone-context=+88213000001;b=\"@gw".into(), Some("88213000001112")),
        ("sip:112;phone-context=\"+88213000001\"@gw".into(), Some("88213000001112")),
        ("sip:112;phone-context=+1@gw".into(), None),
        ("sip:112٨٨٢@gw".into(), None),
        (format!("sip:112{}1@gw", "%2D".repeat(90)), None),
    ] {
        let called = setup(&target, &[]).called;
        let expected = number.map(|digits| Number::from_digits(digits.as_bytes()).unwrap());
        assert_eq!(called.number, expected, "{target}");
        assert!(!network.is_emergency(&called), "{target}");
        assert!(!is_emergency(target.as_bytes(), network), "{target}");
    }
    for target in [
        "sip:112@h",
        "sip:+48112@h",
        "sip:0048112@h",
        "sip:112;phone-context=+48@h",
        "sip:112;phone-context=%2B48@h",
        "sip:112;phone-context=+4822@h",
        "sip:112;phone-context=ims.mnc001.mcc260.3gppnetwork.org@h;user=phone",
        "tel:112;phone-context=operator.example",
        "urn:service:sos.ambulance.of.a.very.long.name",
    ] {
        assert!(is_emergency(target.as_bytes(), network), "{target}");
        assert!(network.is_emergency(&setup(target, &[]).called), "{target}");
    }
}

#[test]
fn a_called_number_does_not_hide_behind_escapes_and_lengths() {
    let long = "-".repeat(70);
    for (target, number, is_ambiguous) in [
        ("sip:1234567;phone-context=+8821@gw".to_owned(), Some("88211234567"), false),
        ("sip:1234567;phone-context=%2B8821@gw".to_owned(), Some("88211234567"), false),
        ("sip:1234567;phone-context=+8%3821@gw".to_owned(), Some("88211234567"), true),
        // As long as what it stands for.
        ("sip:%30%379460123;phone-context=+442@h".to_owned(), Some("442079460123"), true),
        (format!("tel:1234567;phone-context=+8821{long}"), Some("88211234567"), false),
        (format!("sip:123{long}4567;phone-context=+8821@gw"), Some("88211234567"), false),
        (format!("sip:+882{}11234567@gw", "%2D".repeat(70)), Some("88211234567"), false),
        (format!("sip:+882{}1@gw", "%31".repeat(70)), None, true),
        (format!("tel:1234567;phone-context=+8821{}", "1".repeat(70)), None, true),
        ("sip:601234567;phone-context=a.example@gw".to_owned(), Some("48601234567"), false),
        (
            "sip:601234567;phone-context=a.example;phone-context=+8821@gw".to_owned(),
            Some("48601234567"),
            true,
        ),
        ("sip:601234567;a=\";phone-context=a.example\"@gw".to_owned(), Some("48601234567"), true),
        ("sip:+48601234567;phone-context=+48@gw".to_owned(), Some("48601234567"), false),
        ("sip:%2B48601234567@gw;user=phone".to_owned(), Some("48601234567"), false),
    ] {
        let Setup { called, claims, .. } = setup(&target, &[]);
        let expected = number.map(|digits| Number::from_digits(digits.as_bytes()).unwrap());
        assert_eq!((called.number, claims.is_ambiguous), (expected, is_ambiguous), "{target}");
    }
}

#[test]
fn finds_the_last_diverting_number() {
    for (more, raw) in [
        (&["X: 1"][..], None),
        (
            &["Diversion: \"x\" <sip:+48603@h>;reason=busy, <tel:+48602>", "Diversion: <tel:1>"],
            Some("+48603"),
        ),
        (&["History-Info: <sip:+48701@h>;index=1"], None),
        (&["History-Info: <sip:+48603@h>;index=1, <sip:+48701@h>;index=1.1"], Some("+48603")),
        (
            &["History-Info: <sip:1@h>;index=1", "History-Info: <sip:2@h?Reason=SIP>;index=1.1,<sip:3@h>"],
            Some("2"),
        ),
        (&["History-Info: <sip:603@h>, <sip:+48701@a>, <sip:+48701@b>"], Some("603")),
        (&["History-Info: <sip:+48701@a>, <sip:+48701@b>"], None),
        (&["Diversion: nonsense", "History-Info: <sip:5@a>, <sip:+48701@b>"], Some("5")),
    ] {
        let diverting = setup("sip:+48701@b.example", more).diverting;
        assert_eq!(diverting.as_ref().map(|party| party.raw.as_slice()), raw.map(str::as_bytes), "{more:?}");
    }
    const ABROAD: &str = "History-Info: <sip:+447700900123@a>;index=1";
    for (more, number, diversions) in [
        // The called number, written in two ways.
        (
            &[ABROAD, "History-Info: <sip:601234567@b>;index=1.1, <sip:+48601234567@b>;index=1.1.1"][..],
            Some("447700900123"),
            1,
        ),
        (&["History-Info: <sip:601234567@b>;index=1, <sip:+48601234567@b>;index=1.1"], None, 0),
        (&["History-Info: <sip:0048-601-234-567@b>, <tel:+48-601-234-567>, <sip:+48601234567@b>"], None, 0),
        // A contact in the place of the called is no diversion where entries say what is.
        (
            &[
                ABROAD,
                "History-Info: <sip:+48601000001@b>;index=1.1;mp=1, <sip:+48601234567@c>;index=1.1.1;rc=1.1",
            ],
            Some("447700900123"),
            1,
        ),
        (
            &[
                ABROAD,
                "History-Info: <sip:+48601000001@b>;index=1.1;mp=1, <sip:+48601234567@c>;index=1.2;mp=1.1",
            ],
            Some("48601000001"),
            2,
        ),
        (
            &[
                ABROAD,
                "History-Info: <sip:+48601000001@b;cause=302>;index=1.1,<sip:+48601234567@c>;index=1.1.1",
            ],
            Some("447700900123"),
            1,
        ),
        (&[ABROAD, "History-Info: <sip:+48601234567@c>;index=1.1;mp=7"], Some("447700900123"), 1),
    ] {
        let Setup { diverting, claims, .. } = setup("sip:+48601234567@b.example", more);
        let found = diverting.and_then(|party| party.number);
        let expected = number.map(|digits| Number::from_digits(digits.as_bytes()).unwrap());
        assert_eq!((found, claims.diversions), (expected, diversions), "{more:?}");
    }
    let first = "History-Info: <sip:+48601000001@a>";
    let mut many: Vec<String> =
        (2..30).map(|one| format!("History-Info: <sip:+486010000{one:02}@a>")).collect();
    many.insert(0, first.to_owned());
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(
        setup("sip:+48601234567@b", &many).claims.first_called,
        Number::from_digits(b"48601000001").ok()
    );
    let hidden = setup("sip:2@h", &["Diversion: <tel:+48603>;privacy=full"]).diverting;
    assert!(hidden.unwrap().restricted);
}

#[test]
fn what_stands_in_more_lines_than_are_read_is_said() {
    const THREE: [&str; 3] = ["<tel:+48601000001>", "<sip:alice@h>", "<tel:+48601000002>"];
    for header in ["P-Asserted-Identity", "Remote-Party-ID"] {
        let lines = THREE.map(|value| format!("{header}: {value}"));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let again = [lines[0], lines[1], lines[0]];
        let mut counts = Counts::default();
        let bytes = message("INVITE sip:2@h SIP/2.0", "INVITE", &lines);
        decode_with(&bytes, &mut counts).unwrap();
        assert_eq!(counts.faults.of(Layer::Sip, Kind::TooMany), 1, "{header}");
        assert!(setup("sip:2@h", &lines).claims.is_ambiguous, "{header}");
        assert!(!setup("sip:2@h", &lines[..2]).claims.is_ambiguous, "{header}");
        assert!(!setup("sip:2@h", &again).claims.is_ambiguous, "{header}");
    }
    for (lines, restricted) in [
        (&["Privacy: none", "Privacy: id"][..], true),
        (&["Privacy: id", "Privacy: none"], true),
        (&["Privacy: history", "Privacy: none"], false),
    ] {
        assert_eq!(setup("sip:2@h", lines).calling.restricted, restricted, "{lines:?}");
    }
}

#[test]
fn a_second_at_is_seen_wherever_it_is() {
    for (target, is_ambiguous) in [
        ("sip:+48601234567@h;x=@z", true),
        ("sip:+48601234567@h:5060@z", true),
        ("sip:+48601234567@h@z", true),
        ("sip:+48601234567@h?x=@z", true),
        ("sip:+48601234567@h:5060;transport=udp?x=y", false),
        ("sip:+48601234567@[2001:db8::1]:5060;lr", false),
    ] {
        assert_eq!(setup(target, &[]).claims.is_ambiguous, is_ambiguous, "{target}");
    }
}

#[test]
fn nothing_is_folded_into_a_start_line() {
    let bytes = message("INVITE sip:+48701@h SIP/2.0", "INVITE", &["X: 1"]);
    let text = String::from_utf8(bytes).unwrap();
    for (from, to) in [("\r\nVia", "\r\n Via"), ("\r\nVia", "\r\n\tx\r\nVia")] {
        let bytes = text.replacen(from, to, 1).into_bytes();
        let mut counts = Counts::default();
        let signal = decode_with(&bytes, &mut counts).unwrap().unwrap();
        let What::Setup(setup) = signal.what else { panic!("{:?}", signal.what) };
        assert_eq!(setup.called.raw.as_slice(), b"+48701");
        assert!(setup.claims.is_ambiguous);
        assert!(counts.faults.of(Layer::Sip, Kind::BadSyntax) > 0);
    }
    // A CR alone is no white space that folds: this is no Call-ID to anybody.
    assert_eq!(crate::wire::sip::find_call_id(b"BYE sip:2@h SIP/2.0\r\n\ri: 1\r\n\r\n"), None);
    // The header that names the call is found by all who look for it.
    let first = text.replacen("\r\nVia", "\r\n Call-ID: other\r\nVia", 1);
    assert_eq!(signal(first.as_bytes()).unwrap().leg, Leg::Sip(b"other"));
    assert_eq!(crate::wire::sip::find_call_id(first.as_bytes()), Some(&b"other"[..]));
}

#[test]
fn finds_the_route_by_address() {
    let setup = setup("sip:2@h", &[]);
    assert_eq!((setup.route, setup.direction), (RouteId(1), Direction::Inbound));
}

#[test]
fn remote_party_id_stands_in_for_an_asserted_identity() {
    const REMOTE: &str = "Remote-Party-ID: \"A, B\" <sip:+48602@h>;party=calling;screen=yes;privacy=off";
    for (more, raw, restricted) in [
        (&[REMOTE][..], "+48602", false),
        (&[REMOTE, "P-Asserted-Identity: <tel:+48603>"], "+48603", false),
        (&[REMOTE, "P-Asserted-Identity: <sip:alice@h>"], "+48602", false),
        (&[REMOTE, "P-Preferred-Identity: <tel:+48604>"], "+48602", false),
        (&["P-Preferred-Identity: <tel:+48604>"], "+48601", false),
        (&["Remote-Party-ID: <sip:+48602@h>"], "+48602", false),
        (&["Remote-Party-ID: <sip:+48602@h>;party=called"], "+48601", false),
        (&["Remote-Party-ID: <sip:+48602@h>;screen=no;party=calling"], "+48601", false),
        (&["Remote-Party-ID: <sip:alice@h>;party=calling"], "+48601", false),
        (
            &["Remote-Party-ID: <sip:9@h>;party=called, <sip:+48602@h>;privacy=full;party=calling"],
            "+48602",
            true,
        ),
    ] {
        let calling = setup("sip:2@h", more).calling;
        let found = (std::str::from_utf8(&calling.raw).unwrap(), calling.restricted);
        assert_eq!(found, (raw, restricted), "{more:?}");
    }
    let asserted = "From: <sip:+48601000001@h>;tag=1";
    let remote = "Remote-Party-ID: <sip:+48601000002@h>";
    assert_eq!(setup("sip:2@h", &[asserted, remote]).claims.shows_other, Some(true));
}

#[test]
fn reads_what_parameters_say_of_the_caller() {
    use crate::signal::{Attestation, Category, Verstat};
    for (more, category, verstat, attestation) in [
        (&["X: 1"][..], None, None, None),
        (&["From: <sip:+48601;cpc=payphone@h;user=phone>;tag=1"], Some(Category::Payphone), None, None),
        (
            &["From: <sip:+48601@h;user=phone;CPC=mobile-vplmn>;tag=1"],
            Some(Category::MobileVisited),
            None,
            None,
        ),
        (
            &[
                "P-Asserted-Identity: <tel:+48601;cpc=test;verstat=TN-Validation-Passed-B>",
                "Attestation-Info: A",
            ],
            Some(Category::Test),
            Some(Verstat::Passed),
            Some(Attestation::B),
        ),
        (
            &[
                "P-Asserted-Identity: <sip:x@h>, <tel:+48601;verstat=TN-Validation-Failed>",
                "Attestation-Info: \"C\"",
            ],
            None,
            Some(Verstat::Failed),
            Some(Attestation::C),
        ),
        (
            &[
                "From: <sip:+48601;verstat=TN-Validation-Passed;cpc=operator@h>;tag=1",
                "P-Asserted-Identity: <tel:+48601;verstat=No-TN-Validation>",
            ],
            Some(Category::Operator),
            Some(Verstat::NotDone),
            None,
        ),
        (&["P-Attestation-Indicator: a;x"], None, None, Some(Attestation::A)),
        (&["Attestation-Info: D"], None, None, None),
    ] {
        let claims = setup("sip:2@h", more).claims;
        let found = (claims.category, claims.verstat, claims.attestation);
        assert_eq!(found, (category, verstat, attestation), "{more:?}");
    }
}

#[test]
fn reads_what_is_said_of_the_called_number_and_of_the_way() {
    for (target, more, ported, routing, trunk, hops) in [
        ("sip:+48701@h", &["Max-Forwards: 69"][..], None, None, "", Some(69)),
        ("tel:+48701;rn=+48-500-000-001;npdi", &[], Some(true), Some("+48500000001"), "", None),
        ("sip:+48701;npdi;rn=C0500@h", &[], Some(true), None, "", None),
        ("sip:+48701@h;npdi;user=phone", &["Max-Forwards: 256"], Some(false), None, "", None),
        ("sip:+48701;tgrp=out7;trunk-context=h@h", &[], None, None, "out7", None),
        (
            "sip:+48701;tgrp=out7@h",
            &["Contact: <sip:+48601;tgrp=in-3;trunk-context=peer.example@192.0.2.1>"],
            None,
            None,
            "in-3",
            None,
        ),
        ("sip:+48701@h", &["m: <sip:+48601@192.0.2.1;tgrp=in-3>", "Max-Forwards: x"], None, None, "", None),
    ] {
        let claims = setup(target, more).claims;
        let found = (claims.is_ported, claims.routing_number.map(|number| number.to_string()));
        assert_eq!(found, (ported, routing.map(str::to_owned)), "{target}");
        assert_eq!((claims.trunk_group.name(), claims.hops), (trunk, hops), "{target} {more:?}");
    }
}

#[test]
fn two_legs_of_a_call_have_something_in_common() {
    let of = |more: &[&str]| setup("sip:2@h", more).correlation;
    let one = of(&["P-Charging-Vector: icid-value=\"AyretyU0dm+6O2IrT5t\";icid-generated-at=[::1]"]);
    let other = of(&["P-Charging-Vector: orig-ioi=h; ICID-value = AyretyU0dm+6O2IrT5t"]);
    assert_eq!(one, other);
    assert!(one.icid != 0 && one.session == 0 && one.call == 0);
    let (a, b) = ("ab30317f1a784dc48ff824d0d3715d86", "47755a9de7794ba387653f2099600ef2");
    let both = of(&[&format!("Session-ID: {a};remote={b}")]);
    assert_eq!(both, of(&[&format!("Session-ID: {b};remote={}", a.to_uppercase())]));
    let null = "0".repeat(32);
    let first = of(&[&format!("Session-ID: {a};remote={null}")]);
    assert_eq!(first, of(&[&format!("Session-ID: {a}")]));
    assert!(first.session != 0 && first.session != both.session);
    assert_eq!(of(&[&format!("Session-ID: {null};remote={null}"), "X-CID: "]), Default::default());
    // A back-to-back user agent names the other leg by its Call-ID.
    let leg = Leg::Sip(b"a1b2@pbx.example").hash(CONTEXT.seed);
    for name in ["X-CID", "X-Call-ID", "Correlation-ID", "X-Correlation-ID", "X-BroadSoft-Correlation-Info"] {
        assert_eq!(of(&[&format!("{name}: a1b2@pbx.example")]).call, leg, "{name}");
    }
}

#[test]
fn knows_a_display_name_that_is_another_number() {
    for (from, expected) in [
        ("\"+48 601-000-002\" <sip:+48601000001@h>;tag=1", Some(true)),
        ("\"+48 (601) 000 001\" <sip:+48601000001@h>;tag=1", Some(false)),
        ("\"+٤٨٦٠١٠٠٠٠٠٢\" <sip:+48601000001@h>;tag=1", Some(true)),
        ("\"＋４８６０１００００02\" <sip:+48601000001@h>;tag=1", Some(true)),
        ("\"Bank 24\" <sip:+48601000001@h>;tag=1", None),
        ("\"112\" <sip:+48601000001@h>;tag=1", None),
        ("<sip:+48601000001@h>;tag=1", None),
    ] {
        let claims = setup("sip:2@h", &[&format!("From: {from}")]).claims;
        assert_eq!(claims.name_shows_other, expected, "{from}");
    }
}

#[test]
fn hands_on_what_was_signed() {
    let bytes = message("INVITE sip:2@h SIP/2.0", "INVITE", &["Identity: a..b;info=<x>", "y: c"]);
    let with_body = [&bytes[..], b"v=0\r\n"].concat();
    assert_eq!(signal(&bytes).unwrap().identity, bytes);
    assert_eq!(signal(&with_body).unwrap().identity, bytes);
    let long = message("INVITE sip:2@h SIP/2.0", "INVITE", &["y: c", &format!("X: {}", "x".repeat(20_000))]);
    assert_eq!(signal(&long).unwrap().identity, &long[..16_384]);
    for (start, method) in [("INVITE sip:2@h SIP/2.0", "INVITE"), ("BYE sip:2@h SIP/2.0", "BYE")] {
        let more: &[&str] = if method == "BYE" { &["Identity: a..b;info=<x>"] } else { &[] };
        assert_eq!(signal(&message(start, method, more)).unwrap().identity, b"", "{start}");
    }
}

const ADDRESS: &str = "[<>\"%@:;,=+ a-f0-9sipteltag]{0,60}";

proptest! {
    #[test]
    fn any_address_is_read_without_panic(
        target in ADDRESS,
        addresses in proptest::collection::vec(ADDRESS, 4),
    ) {
        let [from, asserted, diversion, history] = &addresses[..] else { unreachable!() };
        let more = [
            format!("From: {from}"),
            format!("P-Asserted-Identity: {asserted}"),
            format!("Diversion: {diversion}"),
            format!("History-Info: {history}"),
            format!("Reason: {history}"),
        ];
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        let bytes = message(&format!("INVITE sip:{target} SIP/2.0"), "INVITE", &more);
        prop_assert!(matches!(signal(&bytes).unwrap().what, What::Setup(_)));
    }
}
