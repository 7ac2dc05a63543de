//! What an ISUP message says. ITU-T Q.763; causes by their names in Q.850.

use std::fmt;

use arrayvec::ArrayVec;

use crate::base::number::RAW_MAX;
use crate::base::text::hex;
use crate::inspect::describe::{Said, Word};
use crate::wire::isup::acm::{Acm, CalledStatus};
use crate::wire::isup::cpg::Cpg;
use crate::wire::isup::iam::Iam;
use crate::wire::isup::indicator::event_name;
use crate::wire::isup::number::{NatureOfAddress, Number, Presentation};
use crate::wire::isup::release::{CODING_ITU, Release};
use crate::wire::isup::reset::GroupReset;
use crate::wire::isup::sam::Sam;
use crate::wire::isup::{Message, MessageType, Variant};

/// Octets of a message on one line of its dump.
const DUMPED: usize = 32;

/// Adds what the message says to where it came from.
pub(super) fn describe<'a>(bytes: &'a [u8], variant: Variant, mut said: Said<'a>) -> Said<'a> {
    let message = match Message::parse_as(variant, bytes) {
        Ok(message) => message,
        Err(fault) => {
            said.fault(fault);
            return said;
        }
    };
    said.cic = Some(message.cic);
    said.kind = match message.message_type.name() {
        Some(name) => Word::Named(name),
        None => Word::Made(format!("0x{:02X}", message.message_type.0).bytes().collect()),
    };
    match message.message_type {
        MessageType::INITIAL_ADDRESS => match Iam::parse(&message) {
            Ok(iam) => {
                set_up(&iam.repr, &mut said);
                iam.fault.into_iter().for_each(|fault| said.fault(fault));
            }
            Err(fault) => said.fault(fault),
        },
        MessageType::SUBSEQUENT_ADDRESS => match Sam::parse(&message) {
            Ok(Sam { number }) => said.fact("digits", Word::Made(number.digits.text().into_iter().collect())),
            Err(fault) => said.fault(fault),
        },
        MessageType::ADDRESS_COMPLETE => match Acm::parse(&message).map(Acm::called_status) {
            Ok(CalledStatus::SubscriberFree) => said.reason = b"subscriber free",
            Ok(_) => {}
            Err(fault) => said.fault(fault),
        },
        MessageType::CALL_PROGRESS => match Cpg::parse(&message) {
            Ok(progress) => said.reason = event_name(progress.event.0).as_bytes(),
            Err(fault) => said.fault(fault),
        },
        MessageType::RELEASE => match Release::parse(&message) {
            Ok(Release { cause }) => {
                said.cause = (cause.coding == CODING_ITU).then_some(cause.value);
                said.fact("location", location(cause.location));
            }
            Err(fault) => said.fault(fault),
        },
        MessageType::GROUP_RESET => match GroupReset::parse(&message) {
            Ok(GroupReset { count }) => said.fact("circuits", Word::Count(count.into())),
            Err(fault) => said.fault(fault),
        },
        _ => {}
    }
    said
}

fn set_up(iam: &Iam, said: &mut Said<'_>) {
    said.to = Some(shown(&iam.called));
    said.from = iam.calling.as_ref().map(shown);
    match iam.calling.as_ref().map(|number| number.presentation) {
        Some(Presentation::Restricted) => said.fact("privacy", Word::Named("restricted")),
        Some(Presentation::NotAvailable) => said.fact("privacy", Word::Named("not available")),
        _ => {}
    }
    if let Some(by) = &iam.redirecting {
        said.fact("diverted by", shown(by));
    }
    if let Some(first) = &iam.original_called {
        said.fact("first called", shown(first));
    }
}

/// Digits, with `+` before an international number.
fn shown(number: &Number) -> Word<'static> {
    let mut text: ArrayVec<u8, { RAW_MAX + 1 }> = ArrayVec::new();
    if number.nature == NatureOfAddress::INTERNATIONAL {
        text.push(b'+');
    }
    text.extend(number.digits.text());
    Word::Made(text)
}

/// Where the cause arose (Q.850 §2.2.3).
const fn location(location: u8) -> Word<'static> {
    Word::Named(match location {
        0 => "user",
        1 => "private network of the local user",
        2 => "public network of the local user",
        3 => "transit network",
        4 => "public network of the remote user",
        5 => "private network of the remote user",
        7 => "international network",
        10 => "beyond an interworking point",
        _ => "reserved",
    })
}

/// Every parameter by its name, then the octets from the circuit identification code on.
pub(super) fn detail(bytes: &[u8], variant: Variant, line: &mut dyn FnMut(&dyn fmt::Display)) {
    if let Ok(message) = Message::parse_as(variant, bytes) {
        for found in message.parameters() {
            match found.and_then(|found| Ok((found, found.content()?))) {
                Ok((found, content)) => {
                    let code = found.parameter.code;
                    let name = found.name().unwrap_or("parameter");
                    line(&format_args!("{name} (0x{code:02x}): {content}"));
                }
                Err(fault) => {
                    line(&format_args!("! {} at octet {}", fault.kind.name(), fault.offset));
                }
            }
        }
    }
    for (index, octets) in bytes.chunks(DUMPED).enumerate() {
        line(&format_args!("{:04x}  {}", index * DUMPED, hex(octets)));
    }
}
