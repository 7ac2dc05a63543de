//! What an encapsulated ISUP message adds to a SIP message. ITU-T Q.1912.5 (SIP-I), RFC 3372 (SIP-T).
//!
//! SIP goes first, and what it leaves out is filled in. Where both name a number and they are not the same, that is kept as a
//! fact: a switch that goes on in ISUP calls by the one, a switch that goes on in SIP by the other.

use crate::base::fault::{Kind, Layer};
use crate::base::number::{Number, Party};
use crate::base::route::{Direction, NumberFormat};
use crate::signal::isup;
use crate::signal::{Context, Counts, Setup};
use crate::wire::DecodeError;
use crate::wire::isup::iam::Iam;
use crate::wire::isup::release::{CODING_ITU, Cause, Release};
use crate::wire::isup::{Lax, Message as IsupMessage, MessageType, Variant};
use crate::wire::sip::Message;
use crate::wire::sip::body::{self, Version};

/// The encapsulated message, when there is one that can be read. Faults of the body are counted.
fn enclosed<'a>(message: &Message<'a>, counts: &mut Counts) -> (Option<IsupMessage<'a>>, bool) {
    // Nearly all bodies are session descriptions.
    let content_type = message.head.content_type.unwrap_or_default();
    if message.body.is_empty()
        || content_type.is_empty()
        || content_type.eq_ignore_ascii_case(b"application/sdp")
    {
        return (None, false);
    }
    let found = body::find(content_type, message.body);
    if let Some(kind) = found.fault {
        counts.faults.count(Layer::Sip, kind);
    }
    let isup = found.isup.and_then(|isup| {
        let variant = match isup.version {
            Version::Ansi => Variant::Ansi,
            Version::Itu => Variant::Itu,
            Version::Other => {
                counts.faults.count(Layer::Isup, Kind::Unsupported);
                return None;
            }
        };
        let read = IsupMessage::parse_without_circuit(variant, isup.bytes);
        read.inspect_err(|fault| count(Some(*fault), counts)).ok()
    });
    (isup, found.fault == Some(Kind::Conflict))
}

/// Holds an encapsulated IAM against the setup that carries it, and fills in what the setup leaves out.
pub(super) fn take_setup(message: &Message<'_>, setup: &mut Setup, context: &Context, counts: &mut Counts) {
    let (isup, is_ambiguous) = enclosed(message, counts);
    setup.claims.is_ambiguous |= is_ambiguous;
    let Some(isup) = isup.filter(|isup| isup.message_type == MessageType::INITIAL_ADDRESS) else { return };
    let fault = match Iam::parse(&isup) {
        Ok(Lax { repr: iam, fault }) => {
            take_iam(isup.variant, &iam, setup, context);
            fault
        }
        // A switch that goes on in SIP has a call; one that goes on in ISUP has none, or another.
        Err(fault) => Some(fault),
    };
    count(fault, counts);
    // What the capture cut, the switch has whole.
    let is_cut = message.faults.iter().any(|fault| fault.kind == Kind::BadLength);
    setup.claims.is_ambiguous |= fault.is_some() && !is_cut && Iam::is_ambiguous(&isup);
}

fn count(fault: Option<DecodeError>, counts: &mut Counts) {
    if let Some(fault) = fault {
        counts.faults.count(fault.layer, fault.kind);
    }
}

fn take_iam(variant: Variant, iam: &Iam, setup: &mut Setup, context: &Context) {
    let is_inbound = setup.direction == Direction::Inbound;
    let format = |is_theirs| -> NumberFormat { context.network.routes.route(setup.route).format(is_theirs) };
    let (callers, called) = (format(is_inbound), format(!is_inbound));
    let party = |number: &_| isup::party(number, callers, context);
    let calling = iam.calling.as_ref().map(party).unwrap_or_default();
    let called = isup::called(variant, iam, called, context);
    let differs = |sip: Option<Number>, isup: &Party| sip.zip(isup.number).map(|(sip, isup)| sip != isup);
    let said = isup::claims(variant, iam, calling.number, party);
    setup.claims.isup_caller_differs = differs(setup.calling.number, &calling);
    setup.claims.isup_called_differs = differs(setup.called.number, &called);
    setup.calling.restricted |= calling.restricted;
    if setup.calling.number.is_none() && calling.number.is_some() {
        setup.calling = Party { restricted: setup.calling.restricted, ..calling };
    }
    let claims = &mut setup.claims;
    claims.category = claims.category.or(said.category);
    claims.hops = claims.hops.or(said.hops);
    if setup.diverting.is_none() {
        setup.diverting = isup::diverting(iam).map(party);
        (claims.diversions, claims.first_called) = (said.diversions, said.first_called);
    }
}

/// Cause of an encapsulated REL, and where it arose.
pub(super) fn cause(message: &Message<'_>, counts: &mut Counts) -> (Option<u8>, Option<u8>) {
    let isup = enclosed(message, counts).0.filter(|isup| isup.message_type == MessageType::RELEASE);
    let Some(isup) = isup else { return (None, None) };
    match Release::parse(&isup) {
        Ok(Release { cause: Cause { coding, location, value } }) => {
            ((coding == CODING_ITU).then_some(value), Some(location))
        }
        Err(fault) => {
            count(Some(fault), counts);
            (None, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::number::Shape;
    use crate::signal::Category;
    use crate::signal::What;
    use crate::signal::sip::tests::decode_with;
    use crate::wire::isup::number::{NatureOfAddress, Number as IsupNumber, Presentation};

    const SDP: &str = "Content-Type: application/sdp\r\n\r\nv=0\r\n";

    fn number(digits: &str) -> IsupNumber {
        let digits = digits.bytes().collect();
        IsupNumber { nature: NatureOfAddress::INTERNATIONAL, digits, ..IsupNumber::default() }
    }

    fn iam() -> Iam {
        let calling = Some(number("48601000001"));
        Iam { category: 0x0F, called: number("48701000001"), calling, hop_counter: Some(9), ..Iam::default() }
    }

    /// An INVITE whose body has two parts, the second of them this ISUP message without its circuit.
    fn invite(more: &str, isup: &[u8]) -> Vec<u8> {
        let head = format!(
            "INVITE sip:+48701000001@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nTo: <sip:2@b>\r\nCall-ID: 1\r\n\
             CSeq: 1 INVITE\r\n{more}Content-Type: multipart/mixed;boundary=\"b 1\"\r\n\r\n--b 1\r\n{SDP}\r\n--b 1\r\n\
             Content-Type: application/ISUP;version=itu-t92+;base=itu-t92+\r\n\
             Content-Disposition: signal;handling=optional\r\n\r\n"
        );
        [head.as_bytes(), &isup[2..], b"\r\n--b 1--\r\n"].concat()
    }

    fn setup(more: &str, iam: &Iam) -> (Setup, Counts) {
        let mut isup = Vec::new();
        iam.emit(0, &mut isup);
        let (bytes, mut counts) = (invite(more, &isup), Counts::default());
        match decode_with(&bytes, &mut counts).unwrap().unwrap().what {
            What::Setup(setup) => (setup, counts),
            other => panic!("{other:?}"),
        }
    }

    const FROM: &str = "From: <sip:+48601000001@a>;tag=1\r\n";

    #[test]
    fn holds_the_numbers_of_both_against_each_other() {
        let (setup_of_both, counts) = setup(FROM, &iam());
        let claims = setup_of_both.claims;
        assert_eq!((claims.isup_caller_differs, claims.isup_called_differs), (Some(false), Some(false)));
        assert_eq!((claims.category, claims.hops), (Some(Category::Payphone), Some(9)));
        assert_eq!(counts.faults, Counts::default().faults);
        let other = Iam { calling: Some(number("447700900123")), called: number("48701000002"), ..iam() };
        let claims = setup(&format!("{FROM}Max-Forwards: 70\r\n"), &other).0.claims;
        assert_eq!((claims.isup_caller_differs, claims.isup_called_differs), (Some(true), Some(true)));
        assert_eq!(claims.hops, Some(70));
        let silent = Iam { calling: None, ..iam() };
        assert_eq!(setup(FROM, &silent).0.claims.isup_caller_differs, None);
    }

    #[test]
    fn fills_in_what_sip_leaves_out() {
        let presentation = Presentation::Restricted;
        let hidden = Iam {
            calling: Some(IsupNumber { presentation, ..number("48601000001") }),
            redirecting: Some(number("48601000003")),
            original_called: Some(number("48601000004")),
            redirection_information: Some([0, 2]),
            ..iam()
        };
        let anonymous = "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1\r\n";
        let setup = setup(anonymous, &hidden).0;
        assert_eq!(setup.calling.number.map(|number| number.value()), Some(48_601_000_001));
        assert_eq!((setup.calling.shape, setup.calling.restricted), (Shape::Valid, true));
        assert_eq!(setup.claims.diversions, 2);
        assert_eq!(setup.claims.first_called.map(|number| number.value()), Some(48_601_000_004));
        assert!(setup.diverting.is_some());
    }

    #[test]
    fn a_cause_is_taken_from_a_release_when_no_reason_is_given() {
        let mut release = Vec::new();
        Release { cause: Cause { coding: CODING_ITU, location: 4, value: 21 } }.emit(0, &mut release);
        for (start, reason, expected) in [
            ("BYE sip:1@h SIP/2.0", "", (Some(21), Some(4))),
            ("SIP/2.0 486 Busy Here", "", (Some(21), Some(4))),
            ("SIP/2.0 486 Busy Here", "Reason: Q.850;cause=17\r\n", (Some(17), None)),
            ("SIP/2.0 183 Progress", "", (None, None)),
        ] {
            let method = if start.starts_with("BYE") { "BYE" } else { "INVITE" };
            let head = format!(
                "{start}\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\nt: <sip:2@b>;tag=2\r\n{FROM}i: 1\r\nCSeq: 1 {method}\r\n\
                 {reason}c: application/isup;base=itu-t92+\r\n\r\n"
            );
            let bytes = [head.as_bytes(), &release[2..]].concat();
            let signal = decode_with(&bytes, &mut Counts::default()).unwrap().unwrap();
            assert_eq!((signal.q850_cause, signal.cause_location), expected, "{start} {reason}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_counted_and_the_call_goes_on() {
        let broken = invite(FROM, &[0, 0, 1, 0]);
        let unknown = String::from_utf8_lossy(&broken).replace("itu-t92+", "own").into_bytes();
        for (bytes, kind) in [(&broken, Kind::Truncated), (&unknown, Kind::Unsupported)] {
            let mut counts = Counts::default();
            let signal = decode_with(bytes, &mut counts).unwrap().unwrap();
            assert!(matches!(signal.what, What::Setup(_)));
            assert_eq!(counts.faults.of(Layer::Isup, kind), 1, "{kind:?}");
        }
    }
}
