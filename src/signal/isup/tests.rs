use std::sync::Arc;

use super::*;
use crate::base::fault::{Faults, Layer};
use crate::base::field::Country;
use crate::base::frame::{Envelope, Mtp};
use crate::base::network::Network;
use crate::base::number::{Party, Shape};
use crate::base::numbering::{Nature, Numbering};
use crate::base::roaming::RoamingStates;
use crate::base::route::{Route, RouteClass, RouteId, Routes};
use crate::base::time::At;
use crate::signal::{Category, Setup};
use crate::wire::isup::emit_bare;
use crate::wire::isup::iam::Iam;
use crate::wire::isup::number::{NatureOfAddress, Number, PLAN_E164, Presentation};
use crate::wire::isup::parameter::Parameter;

const FORWARD: RoutingLabel =
    RoutingLabel { standard: Mtp::Itu, opc: 2, dpc: 1, network_indicator: 0, sls: 0 };
const BACKWARD: RoutingLabel =
    RoutingLabel { standard: Mtp::Itu, opc: 1, dpc: 2, network_indicator: 0, sls: 0 };

fn context() -> Context {
    let route = Route { point_codes: vec![(0, 2)], ..Route::new("intl-isup-1", RouteClass::International) };
    let network = Network {
        routes: Routes::new(vec![route]),
        numbering: Numbering::new(Country(*b"PL")).unwrap(),
        roaming: RoamingStates::default(),
        emergency: Vec::new(),
        ..Network::unknown()
    };
    Context { network: Arc::new(network), seed: Seed(7) }
}

fn decode_as<'a>(
    label: RoutingLabel,
    bytes: &'a [u8],
    counts: &mut Counts,
) -> Result<Signal<'a>, DecodeError> {
    let pdu = Pdu {
        at: At::from_nanos(1),
        seq: 2,
        frame: 3,
        envelope: Envelope::Isup { label, part: UserPart::Isup },
        bytes,
    };
    decode(&pdu, label, UserPart::Isup, &context(), counts).map(Option::unwrap)
}

fn iam(calling: Number) -> Vec<u8> {
    let called = Number {
        nature: NatureOfAddress::INTERNATIONAL,
        presentation: Presentation::NotAvailable,
        digits: b"48601234567".iter().copied().collect(),
        ..Number::default()
    };
    let mut bytes = Vec::new();
    Iam { called, calling: Some(calling), ..Iam::default() }.emit(5, &mut bytes);
    bytes
}

fn british() -> Number {
    let digits = b"447700900123".iter().copied().collect();
    Number { nature: NatureOfAddress::INTERNATIONAL, digits, ..Number::default() }
}

#[test]
fn sets_up_by_route_and_direction() {
    let bytes = iam(Number { presentation: Presentation::Restricted, ..british() });
    for (label, expected) in [(FORWARD, Direction::Inbound), (BACKWARD, Direction::Outbound)] {
        let signal = decode_as(label, &bytes, &mut Counts::default()).unwrap();
        let What::Setup(setup) = signal.what else { panic!("{:?}", signal.what) };
        assert_eq!((setup.route, setup.direction), (RouteId(1), expected));
        assert!(setup.calling.restricted && !setup.called.restricted);
        assert_eq!(setup.diverting, None);
        assert_eq!(signal.sender, label.opc);
    }
}

fn setup_of(signal: Signal<'_>) -> Setup {
    match signal.what {
        What::Setup(setup) => setup,
        what => panic!("{what:?}"),
    }
}

#[test]
fn reads_the_calls_of_every_standard() {
    let iam = Iam { called: british(), calling: Some(british()), category: 0xE0, ..Iam::default() };
    for (standard, part, variant, category) in [
        (Mtp::Itu, UserPart::Isup, Variant::Itu, Category::Other),
        (Mtp::China, UserPart::Isup, Variant::China, Category::Other),
        (Mtp::Ansi, UserPart::Isup, Variant::Ansi, Category::Emergency),
        (Mtp::Itu, UserPart::Bicc, Variant::Bicc, Category::Other),
        (Mtp::Ansi, UserPart::Bicc, Variant::Bicc, Category::Other),
    ] {
        let label = RoutingLabel { standard, ..FORWARD };
        let mut bytes = Vec::new();
        iam.emit_as(variant, u32::MAX, &mut bytes);
        let envelope = Envelope::Isup { label, part };
        let pdu = Pdu { at: At::from_nanos(1), seq: 2, frame: 3, envelope, bytes: &bytes };
        let (context, mut counts) = (context(), Counts::default());
        let signal = decode(&pdu, label, part, &context, &mut counts).unwrap().unwrap();
        assert_eq!(signal.leg, Leg::Isup(Circuit::new(label, part, variant.cic_max())));
        assert_eq!(key(label, part, &bytes, Seed(7)), Key::Leg(signal.leg.hash(Seed(7))));
        let setup = setup_of(signal);
        assert_eq!(setup.called.number, setup.calling.number);
        assert_eq!(setup.claims.category, Some(category), "{variant:?}");
        assert_eq!((counts.isup[1], counts.faults), (1, Faults::default()));
    }
}

#[test]
fn a_called_number_without_its_end_may_go_on() {
    let overlap = |ended| {
        let mut bytes = Vec::new();
        Iam { called: Number { ended, ..british() }, ..Iam::default() }.emit(5, &mut bytes);
        setup_of(decode_as(FORWARD, &bytes, &mut Counts::default()).unwrap()).overlap
    };
    assert_eq!(overlap(true), None);
    assert_eq!(overlap(false).map(|overlap| overlap.nature), Some(Nature::International));
    let mut bytes = Vec::new();
    let number = SubsequentNumber { digits: b"12".iter().copied().collect(), ended: true };
    Sam { number }.emit(5, &mut bytes);
    let signal = decode_as(FORWARD, &bytes, &mut Counts::default()).unwrap();
    let What::More(more) = signal.what else { panic!("{:?}", signal.what) };
    assert_eq!((more.digits.as_slice(), more.is_last), (&b"12"[..], true));
}

#[test]
fn tells_a_number_that_is_shown_for_another() {
    let other = Number { digits: b"447700900999".iter().copied().collect(), ..british() };
    for (additional, expected) in [(None, None), (Some(british()), Some(false)), (Some(other), Some(true))] {
        let mut bytes = Vec::new();
        let calling = Some(british());
        Iam { called: british(), calling, additional_calling: additional, ..Iam::default() }
            .emit(5, &mut bytes);
        let setup = setup_of(decode_as(FORWARD, &bytes, &mut Counts::default()).unwrap());
        assert_eq!(setup.claims.shows_other, expected);
    }
    // In an SGM, behind a parameter that is of no interest and a generic number of another kind.
    let generic = |qualifier| GenericNumber { qualifier, number: british() }.content();
    let mut segment = vec![5, 0, 0x38, 1];
    Parameter::emit(0x03, &[0], &mut segment);
    Parameter::emit(GENERIC_NUMBER, &generic(5), &mut segment);
    Parameter::emit(GENERIC_NUMBER, &[], &mut segment);
    Parameter::emit(GENERIC_NUMBER, &generic(ADDITIONAL_CALLING), &mut segment);
    Parameter::emit_end(&mut segment);
    let mut counts = Counts::default();
    let signal = decode_as(FORWARD, &segment, &mut counts).unwrap();
    let What::More(more) = signal.what else { panic!("{:?}", signal.what) };
    assert_eq!(more.shown.map(|number| number.to_string()).as_deref(), Some("+447700900123"));
    assert_eq!(counts.faults.of(Layer::Isup, Kind::BadLength), 1);
}

#[test]
fn a_number_restricted_by_the_network_is_restricted() {
    let bytes = iam(Number { presentation: Presentation::Reserved, ..british() });
    let setup = setup_of(decode_as(FORWARD, &bytes, &mut Counts::default()).unwrap());
    assert!(setup.calling.restricted && setup.calling.number.is_some());
}

#[test]
fn an_incomplete_number_of_a_caller_is_none_and_no_wrong_one() {
    let part = Number { digits: b"44".iter().copied().collect(), ..british() };
    for (calling, number, shape) in [
        (british(), true, Shape::Valid),
        (part, false, Shape::TooShort),
        (Number { flag: true, ..part }, false, Shape::Absent),
        (
            Number { flag: true, digits: b"4860123".iter().copied().collect(), ..british() },
            false,
            Shape::Absent,
        ),
        // What is whole is one all the same: else whoever says that it is not would hide it.
        (Number { flag: true, ..british() }, true, Shape::Valid),
        (Number { plan: PLAN_E164, ..british() }, true, Shape::Valid),
        // Data and telex numbers are no telephone numbers.
        (Number { plan: 3, ..part }, false, Shape::Absent),
        (Number { plan: 4, ..british() }, true, Shape::Valid),
    ] {
        let raw = calling.digits.text();
        let bytes = iam(calling);
        let found = setup_of(decode_as(FORWARD, &bytes, &mut Counts::default()).unwrap()).calling;
        assert_eq!((found.number.is_some(), found.shape, found.raw), (number, shape, raw));
    }
    // In a called number that bit is of routing, in a redirecting number it is spare.
    let mut bytes = Vec::new();
    let flagged = || Number { flag: true, ..british() };
    let additional_calling = Some(Number { flag: true, ..part });
    Iam { called: flagged(), redirecting: Some(flagged()), additional_calling, ..Iam::default() }
        .emit(5, &mut bytes);
    let setup = setup_of(decode_as(FORWARD, &bytes, &mut Counts::default()).unwrap());
    assert!(setup.called.number.is_some() && setup.diverting.unwrap().number.is_some());
    assert_eq!(setup.claims.shows_other, None);
}

#[test]
fn a_routing_number_is_not_who_is_called() {
    let routing = |nature| Number {
        nature: NatureOfAddress(nature),
        digits: b"99601234567".iter().copied().collect(),
        ..british()
    };
    for (nature, has_directory, number) in [
        (4, true, Some("+99601234567")),
        (5, false, Some("+99601234567")),
        (6, true, Some("+447700900123")),
        (7, true, Some("+447700900123")),
        (6, false, None),
        (7, false, None),
        (8, false, None),
        (8, true, None),
    ] {
        let mut bytes = Vec::new();
        let called_directory = has_directory.then(british);
        Iam { called: routing(nature), called_directory, ..Iam::default() }.emit(5, &mut bytes);
        let setup = setup_of(decode_as(FORWARD, &bytes, &mut Counts::default()).unwrap());
        let found = setup.called.number.map(|number| number.to_string());
        assert_eq!(found.as_deref(), number, "{nature} {has_directory}");
        assert_eq!(setup.overlap.is_none(), nature > 5, "{nature}");
    }
}

#[test]
fn knows_how_often_a_call_was_forwarded_and_whom_it_was_for_first() {
    let first = british();
    for (redirecting, original_called, information, expected) in [
        (None, None, None, (0, None)),
        (None, None, Some([0, 3]), (0, None)),
        (Some(british()), None, None, (1, None)),
        (Some(british()), Some(first), Some([0, 0x22]), (2, Some("+447700900123"))),
        // Who forwarded it is there: that the octet with the counter is missing does not undo it.
        (Some(british()), None, Some([0, 0]), (1, None)),
    ] {
        let mut bytes = Vec::new();
        let redirection_information = information;
        Iam { called: british(), redirecting, original_called, redirection_information, ..Iam::default() }
            .emit(5, &mut bytes);
        let signal = decode_as(FORWARD, &bytes, &mut Counts::default()).unwrap();
        let What::Setup(setup) = signal.what else { panic!("{:?}", signal.what) };
        let found = (setup.claims.diversions, setup.claims.first_called.map(|number| number.to_string()));
        assert_eq!(found, (expected.0, expected.1.map(str::to_owned)));
    }
}

#[test]
fn knows_a_calling_number_that_is_not_available() {
    let bytes = iam(Number { presentation: Presentation::NotAvailable, ..british() });
    let signal = decode_as(FORWARD, &bytes, &mut Counts::default()).unwrap();
    let What::Setup(setup) = signal.what else { panic!("{:?}", signal.what) };
    assert_eq!(setup.calling, Party::default());
}

#[test]
fn tells_what_backward_messages_say() {
    let mut counts = Counts::default();
    for (bytes, expected) in [
        (&[5, 0, 0x06, 0x16, 0x14, 0][..], "Alert"),
        (&[5, 0, 0x06, 0x12, 0x14, 0], "Progress"),
        (&[5, 0, 0x06], "Progress"),
        (&[5, 0, 0x2C, 1, 0], "Alert"),
        (&[5, 0, 0x2C, 2, 0], "Progress"),
        (&[5, 0, 0x07, 0x16, 0x14, 0], "Answer"),
        (&[5, 0, 0x09, 0], "Answer"),
        (&[5, 0, 0x0C, 2, 0, 2, 0x80, 0x90], "Release"),
        (&[5, 0, 0x10, 0], "ReleaseComplete"),
        (&[5, 0, 0x12], "Reset"),
        (&[5, 0, 0x17, 1, 1, 7], "GroupReset { count: 8 }"),
        (&[5, 0, 0x0D, 0, 0], "Other"),
    ] {
        let signal = decode_as(BACKWARD, bytes, &mut counts).unwrap();
        assert_eq!(format!("{:?}", signal.what), expected, "{bytes:?}");
        assert_eq!(signal.leg, Leg::Isup(Circuit::new(FORWARD, UserPart::Isup, 5)));
    }
    assert_eq!(counts.isup.iter().sum::<u64>(), 12);
    assert_eq!(counts.isup.get(0x06), Some(&3));
    assert_eq!(counts.faults.of(Layer::Isup, Kind::Truncated), 1);
}

#[test]
fn says_why_and_where_a_call_was_released() {
    let mut counts = Counts::default();
    let rejected = decode_as(BACKWARD, &[5, 0, 0x0C, 2, 0, 2, 0x84, 0x95], &mut counts).unwrap();
    assert_eq!((rejected.q850_cause, rejected.cause_location), (Some(21), Some(4)));
    let national = decode_as(BACKWARD, &[5, 0, 0x0C, 2, 0, 2, 0xC4, 0x95], &mut counts).unwrap();
    assert_eq!((national.q850_cause, national.cause_location), (None, Some(4)));
    let broken = decode_as(BACKWARD, &[5, 0, 0x0C, 9, 0, 2, 0x84, 0x95], &mut counts).unwrap();
    assert!(matches!(broken.what, What::Release) && broken.q850_cause.is_none());
    assert_eq!(counts.faults.of(Layer::Isup, Kind::BadLength), 1);
}

#[test]
fn refuses_what_is_no_message() {
    let mut counts = Counts::default();
    for (bytes, kind) in [
        (&[5, 0][..], Kind::Truncated),
        (&[5, 0, 0xFE], Kind::Unsupported),
        (&[5, 0, 0x01, 0, 0], Kind::Truncated),
    ] {
        assert_eq!(decode_as(FORWARD, bytes, &mut counts).unwrap_err().kind, kind, "{bytes:?}");
    }
}

#[test]
fn both_directions_of_a_circuit_have_one_key() {
    let seed = Seed(99);
    let mut release_complete = Vec::new();
    emit_bare(5, MessageType::RELEASE_COMPLETE, &mut release_complete);
    let call = iam(british());
    assert_eq!(
        key(FORWARD, UserPart::Isup, &call, seed),
        key(BACKWARD, UserPart::Isup, &release_complete, seed)
    );
    let other = RoutingLabel { network_indicator: 2, ..FORWARD };
    assert_ne!(key(FORWARD, UserPart::Isup, &call, seed), key(other, UserPart::Isup, &call, seed));
    assert_eq!(key(FORWARD, UserPart::Isup, &[5, 0, 0x17, 1, 1, 7], seed), Key::All);
    assert_eq!(key(FORWARD, UserPart::Isup, &[5], seed), Key::None);
}
