//! M3UA or MTP level 3 → the message of a user part. RFC 4666 §3.3.1, ITU-T Q.704 §14.2.1.

use super::{Sink, Skip};
use crate::base::frame::{Envelope, Link, Pdu, RoutingLabel, UserPart};
use crate::wire::{m3ua, mtp3};

/// One M3UA message.
pub(super) fn m3ua<F: FnMut(Pdu<'_>)>(bytes: &[u8], sink: &mut Sink<'_, F>) {
    match m3ua::Message::parse(bytes) {
        Ok(message) if !message.is_data() => sink.skip(Skip::M3uaManagement),
        Ok(message) => match message.protocol_data() {
            Ok(data) => user_part(data.service_indicator, data.label, data.user, sink),
            Err(error) => sink.refuse(error),
        },
        Err(error) => sink.refuse(error),
    }
}

/// One frame of an MTP link.
pub(super) fn link<F: FnMut(Pdu<'_>)>(link: Link, bytes: &[u8], sink: &mut Sink<'_, F>) {
    match mtp3::strip_link(link, bytes) {
        Ok(Some(bytes)) => match mtp3::Message::parse(bytes) {
            Ok(message) => user_part(message.service_indicator, message.label, message.user, sink),
            Err(error) => sink.refuse(error),
        },
        Ok(None) => sink.skip(Skip::Mtp2Status),
        Err(error) => sink.refuse(error),
    }
}

fn user_part<F: FnMut(Pdu<'_>)>(indicator: u8, label: RoutingLabel, user: &[u8], sink: &mut Sink<'_, F>) {
    match indicator {
        mtp3::ISUP => sink.emit(Envelope::Isup { label, part: UserPart::Isup }, user),
        mtp3::BICC => sink.emit(Envelope::Isup { label, part: UserPart::Bicc }, user),
        _ => sink.skip(Skip::OtherUserPart),
    }
}
