//! ISUP message → signal. ITU-T Q.763, Q.764 §2.

mod setup;
#[cfg(test)]
mod tests;

use std::hash::BuildHasher;

use crate::base::fault::Kind;
use crate::base::frame::{Pdu, RoutingLabel, UserPart};
use crate::base::map::Seed;
use crate::base::route::Direction;
use crate::signal::{Circuit, Context, Counts, Key, Leg, More, Signal, What};
use crate::wire::DecodeError;
use crate::wire::isup::acm::{Acm, CalledStatus};
use crate::wire::isup::cpg::{Cpg, Event};
use crate::wire::isup::number::{GenericNumber, SubsequentNumber};
use crate::wire::isup::parameter::{ADDITIONAL_CALLING, GENERIC_NUMBER, Pointers};
use crate::wire::isup::release::{CODING_ITU, Cause, Release};
use crate::wire::isup::reset::GroupReset;
use crate::wire::isup::sam::Sam;
use crate::wire::isup::{Message, MessageType, Variant};

pub(super) use setup::{called, claims, diverting, party_of_few as party};

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
    let signal = |what, cause: Option<Cause>| Signal {
        at: pdu.at,
        seq: pdu.seq,
        leg: Leg::Isup(Circuit::new(label, part, message.cic)),
        what,
        sender: label.opc,
        receiver: 0,
        between: None,
        cseq: 0,
        branch: 0,
        sip_status: None,
        progress_183: false,
        // Causes of another standard's coding are not Q.850's (Q.850 §2.2.2).
        q850_cause: cause.filter(|cause| cause.coding == CODING_ITU).map(|cause| cause.value),
        cause_location: cause.map(|Cause { location, .. }| location),
        identity: b"",
    };
    // Apart from the others, which are small: so each part of a setup is written once, to where it is handed back.
    if message.message_type == MessageType::INITIAL_ADDRESS {
        let setup = setup::read(pdu, &message, label, context, counts)?;
        return Ok(Some(signal(What::Setup(setup), None)));
    }
    let cause = if message.message_type == MessageType::RELEASE {
        or_counted(Release::parse(&message), counts).map(|release| release.cause)
    } else {
        None
    };
    Ok(Some(signal(what(&message, label, context, counts)?, cause)))
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

/// What any but an initial address message says.
fn what(
    message: &Message<'_>,
    label: RoutingLabel,
    context: &Context,
    counts: &mut Counts,
) -> Result<What, DecodeError> {
    Ok(match message.message_type {
        MessageType::SUBSEQUENT_ADDRESS => {
            let SubsequentNumber { digits, ended } = Sam::parse(message)?.number;
            What::More(More { digits: digits.text(), is_last: ended, shown: None })
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
