//! Initial address message → [`Setup`]: route, parties and claims. ITU-T Q.763, T1.113.3. For one in an INVITE too.

use crate::base::fingerprint::Fingerprint;
use crate::base::frame::{Pdu, RoutingLabel};
use crate::base::number::{Number as E164, Party, Shape};
use crate::base::numbering::Nature;
use crate::base::route::{Direction, NumberFormat};
use crate::signal::equipment;
use crate::signal::{Category, Claims, Context, Correlation, Counts, Overlap, Setup};
use crate::wire::DecodeError;
use crate::wire::isup::iam::Iam;
use crate::wire::isup::number::{NatureOfAddress, Number, PLAN_E164, PLAN_UNKNOWN, Presentation};
use crate::wire::isup::{Message, Variant};

/// Bits of the redirection counter, 1 to 5 (Q.763 §3.45 e).
const REDIRECTION_COUNTER: u8 = 0x07;

/// What an IAM says of a call. Faults that leave it usable are counted.
///
/// # Errors
/// As [`Iam::parse`].
#[inline]
pub(super) fn read(
    pdu: &Pdu<'_>,
    message: &Message<'_>,
    label: RoutingLabel,
    context: &Context,
    counts: &mut Counts,
) -> Result<Setup, DecodeError> {
    let (mut iam, mut print) = (Iam::default(), Fingerprint::default());
    let fault = iam.read(message, |parameter| equipment::optional(parameter, &mut print))?;
    let is_ambiguous = fault.is_some_and(|error| {
        counts.faults.count(error.layer, error.kind);
        is_ambiguous(message.variant, pdu)
    });
    let network = &context.network;
    let (route, direction) = network.routes.of_point_codes(label.network_indicator, label.opc, label.dpc);
    let is_inbound = direction == Direction::Inbound;
    let format = |is_theirs| network.routes.route(route).format(is_theirs);
    let of_few = |number: &Number| party_of_few(number, format(is_inbound), context);
    let mut calling = match &iam.calling {
        Some(number) => party(number, format(is_inbound), context),
        None => Party::default(),
    };
    if iam.calling.as_ref().is_some_and(need_not_be_whole) {
        keep_whole(&mut calling, context);
    }
    let overlap = Overlap { nature: nature(iam.called.nature), format: format(!is_inbound) };
    Ok(Setup {
        route,
        direction,
        called: called(message.variant, &iam, overlap.format, context),
        diverting: diverting(&iam).map(of_few),
        overlap: (!iam.called.ended && !is_routing_number(message.variant, &iam.called)).then_some(overlap),
        claims: Claims { is_ambiguous, ..claims(message.variant, &iam, calling.number, of_few) },
        calling,
        correlation: Correlation::default(),
        equipment: equipment::of_iam(&iam, print),
    })
}

/// Few messages have a fault: one is read once more then, rather than kept at hand for all.
#[cold]
#[inline(never)]
fn is_ambiguous(variant: Variant, pdu: &Pdu<'_>) -> bool {
    Message::parse_as(variant, pdu.bytes).is_ok_and(|message| Iam::is_ambiguous(&message))
}

/// A party that few calls have. Only the reading of those that every call has is part of [`read`] itself.
#[inline(never)]
pub(in crate::signal) fn party_of_few(number: &Number, format: NumberFormat, context: &Context) -> Party {
    let mut party = party(number, format, context);
    if need_not_be_whole(number) {
        keep_whole(&mut party, context);
    }
    party
}

/// Whether a number says that it is incomplete (Q.763 §3.10 b, §3.26 c), or of another plan than the telephone's: then it is no
/// offence that it is no telephone number.
#[inline]
const fn need_not_be_whole(number: &Number) -> bool {
    number.flag || !matches!(number.plan, PLAN_UNKNOWN | PLAN_E164)
}

/// Leaves of such a party the number only when it is as long as numbers are: whoever shows it to somebody may not look at what
/// it says of itself.
#[cold]
fn keep_whole(party: &mut Party, context: &Context) {
    if !party.number.is_some_and(|number| context.network.numbering.is_possible(number)) {
        (party.number, party.shape) = (None, Shape::Absent);
    }
}

/// The party that is called.
#[inline(always)] // See `shown`.
pub(in crate::signal) fn called(
    variant: Variant,
    iam: &Iam,
    format: NumberFormat,
    context: &Context,
) -> Party {
    if is_routing_number(variant, &iam.called) {
        return called_behind_routing(iam, format, context);
    }
    shown(&iam.called, format, context)
}

/// Where a routing number stands in the place of the called number, that may be in a parameter of its own (Q.763 §3.86); else
/// it is not known.
#[cold]
fn called_behind_routing(iam: &Iam, format: NumberFormat, context: &Context) -> Party {
    match &iam.called_directory {
        Some(directory) if iam.called.nature != NatureOfAddress::ROUTING_CONCATENATED => {
            shown(directory, format, context)
        }
        _ => Party { raw: iam.called.digits.text(), ..Party::default() },
    }
}

/// Whether a called number is one of a network, or begins with one (Q.763 §3.9 b, national use). T1.113 has none.
#[inline]
fn is_routing_number(variant: Variant, number: &Number) -> bool {
    let natures = NatureOfAddress::ROUTING_NATIONAL.0..=NatureOfAddress::ROUTING_CONCATENATED.0;
    natures.contains(&number.nature.0) && variant != Variant::Ansi
}

/// Who forwarded the call last.
pub(in crate::signal) fn diverting(iam: &Iam) -> Option<&Number> {
    iam.redirecting.as_ref().or(iam.original_called.as_ref())
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

/// What it says beside its numbers, of which that of the caller is known. Of a redirection without its counter (Q.763 §3.45:
/// the second octet may be missing) it is known that it happened.
#[inline]
pub(in crate::signal) fn claims(
    variant: Variant,
    iam: &Iam,
    calling: Option<E164>,
    party: impl Fn(&Number) -> Party,
) -> Claims {
    let number = |number: &Option<Number>| number.as_ref().and_then(|number| party(number).number);
    let is_diverted = iam.redirecting.is_some() || iam.original_called.is_some();
    let counter = iam.redirection_information.map_or(1, |[_, reason]| reason & REDIRECTION_COUNTER).max(1);
    let additional = number(&iam.additional_calling);
    Claims {
        diversions: if is_diverted { counter } else { 0 },
        first_called: number(&iam.original_called),
        shows_other: additional.zip(calling).map(|(additional, calling)| additional != calling),
        category: category(variant, iam.category),
        hops: iam.hop_counter,
        ..Claims::default()
    }
}

/// The party that a number names, unless it says that its digits are not available.
#[inline(always)] // See `shown`.
fn party(number: &Number, format: NumberFormat, context: &Context) -> Party {
    if number.presentation == Presentation::NotAvailable {
        return Party::default();
    }
    // The one reserved is for a restriction by the network (Q.763 §3.10 e).
    let restricted = matches!(number.presentation, Presentation::Restricted | Presentation::Reserved);
    Party { restricted, ..shown(number, format, context) }
}

/// The party that the digits name. Of a called number it is all there is: its presentation bits are spare, and whatever
/// they hold, the call goes where the digits say.
// Always in place: a party that a call hands back is moved as a whole right after its parts were written one by one, and the
// processor has to wait for all of them.
#[inline(always)]
pub(in crate::signal) fn shown(number: &Number, format: NumberFormat, context: &Context) -> Party {
    if number.digits.is_empty() {
        return Party::default();
    }
    context.network.numbering.party_of(number.digits, nature(number.nature), format)
}

const fn nature(nature: NatureOfAddress) -> Nature {
    match nature {
        NatureOfAddress::SUBSCRIBER => Nature::Subscriber,
        NatureOfAddress::NATIONAL => Nature::National,
        NatureOfAddress::INTERNATIONAL => Nature::International,
        _ => Nature::Unknown,
    }
}
