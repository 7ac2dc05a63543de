//! ISUP message → signal. ITU-T Q.763, Q.764 §2.

use std::hash::BuildHasher;

use crate::base::fault::Kind;
use crate::base::fingerprint::Fingerprint;
use crate::base::frame::{Pdu, RoutingLabel, UserPart};
use crate::base::map::Seed;
use crate::base::number::Party;
use crate::base::numbering::Nature;
use crate::base::route::{Direction, NumberFormat};
use crate::signal::equipment;
use crate::signal::{
    Category, Circuit, Claims, Context, Correlation, Counts, Key, Leg, More, Overlap, Setup, Signal, What,
};
use crate::wire::DecodeError;
use crate::wire::isup::acm::{Acm, CalledStatus};
use crate::wire::isup::cpg::{Cpg, Event};
use crate::wire::isup::iam::Iam;
use crate::wire::isup::number::{GenericNumber, NatureOfAddress, Number, Presentation, SubsequentNumber};
use crate::wire::isup::parameter::{ADDITIONAL_CALLING, GENERIC_NUMBER, Pointers};
use crate::wire::isup::release::{CODING_ITU, Cause, Release};
use crate::wire::isup::reset::GroupReset;
use crate::wire::isup::sam::Sam;
use crate::wire::isup::{Lax, Message, MessageType, Variant};

/// Bits of the redirection counter, 1 to 5 (Q.763 §3.45 e).
const REDIRECTION_COUNTER: u8 = 0x07;
/// A segmentation message has optional parameters only (Q.763 §4).
const SEGMENT: Pointers = Pointers::with_optional(0, 0);
/// Message type codes are one octet.
const TYPE_COUNT: usize = 256;

/// Decodes one ISUP message. A message of a known type is counted under it.
///
/// # Errors
/// When its type, or a mandatory part of a message that matters to a call, cannot be read. A backward message or a
/// release with unreadable indicators still says that the call goes on or ends: it is used, and the fault counted.
pub fn decode<'a>(
    pdu: &Pdu<'a>,
    label: RoutingLabel,
    part: UserPart,
    context: &Context,
    counts: &mut Counts,
) -> Result<Option<Signal<'a>>, DecodeError> {
    let message = Message::parse_as(Variant::of(label.standard, part), pdu.bytes)?;
    if message.layout().is_none() {
        return Err(message.error_at_type(Kind::Unsupported));
    }
    count(message.message_type, counts);
    let cause = if message.message_type == MessageType::RELEASE {
        or_counted(Release::parse(&message), counts).map(|release| release.cause)
    } else {
        None
    };
    Ok(Some(Signal {
        at: pdu.at,
        seq: pdu.seq,
        leg: Leg::Isup(Circuit::new(label, part, message.cic)),
        what: what(&message, label, context, counts)?,
        sender: label.opc,
        cseq: 0,
        branch: 0,
        sip_status: None,
        progress_183: false,
        // Causes of another standard's coding are not Q.850's (Q.850 §2.2.2).
        q850_cause: cause.filter(|cause| cause.coding == CODING_ITU).map(|cause| cause.value),
        cause_location: cause.map(|Cause { location, .. }| location),
        identity: b"",
    }))
}

/// Shard key: by circuit; a group reset goes to all.
#[must_use]
pub fn key(label: RoutingLabel, part: UserPart, bytes: &[u8], seed: Seed) -> Key {
    match Message::parse_as(Variant::of(label.standard, part), bytes) {
        Ok(message) if message.message_type == MessageType::GROUP_RESET => Key::All,
        Ok(message) => Key::Leg(seed.hash_one(Circuit::new(label, part, message.cic))),
        Err(_) => Key::None,
    }
}

fn count(message_type: MessageType, counts: &mut Counts) {
    if counts.isup.is_empty() {
        counts.isup.resize(TYPE_COUNT, 0);
    }
    if let Some(cell) = counts.isup.get_mut(usize::from(message_type.0)) {
        *cell += 1;
    }
}

/// The value, or nothing and one more in the counts.
fn or_counted<T>(result: Result<T, DecodeError>, counts: &mut Counts) -> Option<T> {
    result.inspect_err(|error| counts.faults.count(error.layer, error.kind)).ok()
}

fn what(
    message: &Message<'_>,
    label: RoutingLabel,
    context: &Context,
    counts: &mut Counts,
) -> Result<What, DecodeError> {
    Ok(match message.message_type {
        MessageType::INITIAL_ADDRESS => {
            let mut print = Fingerprint::default();
            let Lax { repr: iam, fault } =
                Iam::parse_noting(message, |parameter| equipment::optional(parameter, &mut print))?;
            if let Some(error) = fault {
                counts.faults.count(error.layer, error.kind);
            }
            let equipment = equipment::of_iam(&iam, print);
            let mut setup = Setup { equipment, ..setup(message.variant, &iam, label, context) };
            setup.claims.is_ambiguous =
                fault.is_some_and(|error| matches!(error.kind, Kind::Conflict | Kind::Overlap));
            What::Setup(setup)
        }
        MessageType::SUBSEQUENT_ADDRESS => {
            let SubsequentNumber { digits, ended } = Sam::parse(message)?.number;
            What::More(More { digits, is_last: ended, shown: None })
        }
        MessageType::SEGMENTATION => What::More(more(message, label, context, counts)),
        MessageType::ADDRESS_COMPLETE => {
            match or_counted(Acm::parse(message), counts).map(Acm::called_status) {
                Some(CalledStatus::SubscriberFree) => What::Alert,
                _ => What::Progress,
            }
        }
        MessageType::CALL_PROGRESS => {
            match or_counted(Cpg::parse(message), counts).map(|progress| progress.event) {
                Some(Event::ALERTING) => What::Alert,
                _ => What::Progress,
            }
        }
        MessageType::CONNECT | MessageType::ANSWER => What::Answer,
        MessageType::RELEASE => What::Release,
        MessageType::RELEASE_COMPLETE => What::ReleaseComplete,
        MessageType::RESET_CIRCUIT => What::Reset,
        // The far exchange does not have this circuit (Q.764 §2.12): the call attempt on it is over.
        MessageType::UNEQUIPPED_CIRCUIT => What::Reset,
        MessageType::GROUP_RESET => What::GroupReset { count: GroupReset::parse(message)?.count },
        _ => What::Other,
    })
}

fn setup(variant: Variant, iam: &Iam, label: RoutingLabel, context: &Context) -> Setup {
    let network = &context.network;
    let (route, direction) = network.routes.of_point_codes(label.network_indicator, label.opc, label.dpc);
    let is_inbound = direction == Direction::Inbound;
    let format = |is_theirs| network.routes.route(route).format(is_theirs);
    let party = |number: &Number| party(number, format(is_inbound), context);
    let called = &iam.called;
    let overlap = Overlap { nature: nature(called.nature), format: format(!is_inbound) };
    Setup {
        route,
        direction,
        calling: iam.calling.as_ref().map(party).unwrap_or_default(),
        called: shown(called, format(!is_inbound), context),
        diverting: diverting(iam).map(party),
        overlap: (!called.ended).then_some(overlap),
        claims: claims(variant, iam, party),
        correlation: Correlation::default(),
        equipment: 0,
    }
}

/// Who forwarded the call last.
pub(super) fn diverting(iam: &Iam) -> Option<&Number> {
    iam.redirecting.as_ref().or(iam.original_called.as_ref())
}

/// What a segmentation message adds to the IAM before it, of what is read from an IAM.
fn more(message: &Message<'_>, label: RoutingLabel, context: &Context, counts: &mut Counts) -> More {
    let (route, direction) =
        context.network.routes.of_point_codes(label.network_indicator, label.opc, label.dpc);
    let format = context.network.routes.route(route).format(direction == Direction::Inbound);
    let mut more = More::default();
    for parameter in message.optional(SEGMENT) {
        let generic = parameter.and_then(|parameter| match parameter.code {
            GENERIC_NUMBER => GenericNumber::parse(parameter).map(Some),
            _ => Ok(None),
        });
        if let Some(Some(generic)) = or_counted(generic, counts)
            && generic.qualifier == ADDITIONAL_CALLING
        {
            more.shown = more.shown.or(party(&generic.number, format, context).number);
        }
    }
    more
}

/// Calling party's category, with the values that T1.113 has for emergencies.
fn category(variant: Variant, code: u8) -> Option<Category> {
    match (variant, code) {
        (Variant::Ansi, 0xE0 | 0xE1) => Some(Category::Emergency),
        (Variant::Ansi, 0xE2) => Some(Category::Priority),
        (Variant::Ansi, 0x0E | 0x10 | 0x11) => Some(Category::Other),
        _ => Category::of_isup(code),
    }
}

/// Of a redirection without its counter it is known that it happened.
pub(super) fn claims(variant: Variant, iam: &Iam, party: impl Fn(&Number) -> Party) -> Claims {
    let is_diverted = iam.redirecting.is_some() || iam.original_called.is_some();
    let number = |number: &Option<Number>| number.as_ref().and_then(|number| party(number).number);
    let additional = number(&iam.additional_calling);
    let calling = additional.and_then(|_| number(&iam.calling));
    let counter = iam.redirection_information.map_or(1, |[_, reason]| reason & REDIRECTION_COUNTER);
    Claims {
        diversions: if is_diverted { counter } else { 0 },
        first_called: iam.original_called.as_ref().and_then(|number| party(number).number),
        shows_other: additional.zip(calling).map(|(additional, calling)| additional != calling),
        category: category(variant, iam.category),
        hops: iam.hop_counter,
        ..Claims::default()
    }
}

/// The party that a number names, unless it says that its digits are not available.
pub(super) fn party(number: &Number, format: NumberFormat, context: &Context) -> Party {
    match number.presentation {
        Presentation::NotAvailable => Party::default(),
        // The one reserved is for a restriction by the network (Q.763 §3.10 e).
        Presentation::Restricted | Presentation::Reserved => {
            Party { restricted: true, ..shown(number, format, context) }
        }
        Presentation::Allowed => shown(number, format, context),
    }
}

/// The party that the digits name. Of a called number it is all there is: its presentation bits are spare, and whatever
/// they hold, the call goes where the digits say.
pub(super) fn shown(number: &Number, format: NumberFormat, context: &Context) -> Party {
    if number.digits.is_empty() {
        return Party::default();
    }
    context.network.numbering.party(&number.digits, nature(number.nature), format)
}

const fn nature(nature: NatureOfAddress) -> Nature {
    match nature {
        NatureOfAddress::SUBSCRIBER => Nature::Subscriber,
        NatureOfAddress::NATIONAL => Nature::National,
        NatureOfAddress::INTERNATIONAL => Nature::International,
        _ => Nature::Unknown,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use super::*;
    use crate::base::fault::{Faults, Layer};
    use crate::base::field::Country;
    use crate::base::frame::{Envelope, Mtp};
    use crate::base::network::Network;
    use crate::base::numbering::Numbering;
    use crate::base::roaming::RoamingStates;
    use crate::base::route::{Route, RouteClass, RouteId, Routes};
    use crate::base::time::At;
    use crate::wire::isup::emit_bare;
    use crate::wire::isup::parameter::Parameter;

    const FORWARD: RoutingLabel =
        RoutingLabel { standard: Mtp::Itu, opc: 2, dpc: 1, network_indicator: 0, sls: 0 };
    const BACKWARD: RoutingLabel =
        RoutingLabel { standard: Mtp::Itu, opc: 1, dpc: 2, network_indicator: 0, sls: 0 };

    fn context() -> Context {
        let route =
            Route { point_codes: vec![(0, 2)], ..Route::new("intl-isup-1", RouteClass::International) };
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
        for (additional, expected) in
            [(None, None), (Some(british()), Some(false)), (Some(other), Some(true))]
        {
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
    fn knows_how_often_a_call_was_forwarded_and_whom_it_was_for_first() {
        let first = british();
        for (redirecting, original_called, information, expected) in [
            (None, None, None, (0, None)),
            (None, None, Some([0, 3]), (0, None)),
            (Some(british()), None, None, (1, None)),
            (Some(british()), Some(first.clone()), Some([0, 0x22]), (2, Some("+447700900123"))),
            (Some(british()), None, Some([0, 0]), (0, None)),
        ] {
            let mut bytes = Vec::new();
            let redirection_information = information;
            Iam {
                called: british(),
                redirecting,
                original_called,
                redirection_information,
                ..Iam::default()
            }
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
}
