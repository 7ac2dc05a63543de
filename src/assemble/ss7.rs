//! User messages of SCTP, and frames of MTP links, → messages of a user part, or of SIP. RFC 4666 §3.3.1 (M3UA), RFC 3331
//! §3.3.1 (M2UA), RFC 4165 §2.3 (M2PA), RFC 4168 (SIP), ITU-T Q.704 §14.2.1. SUA and IUA are counted.

use std::net::SocketAddr;

use super::paths::{SIP_PORTS, sip};
use super::sink::Sink;
use super::skip::Skip;
use super::start_line::looks_like_sip;
use crate::base::frame::{Envelope, Link, Pdu, RoutingLabel, Transport, UserPart};
use crate::wire::m2pa::UserData;
use crate::wire::sigtran::{self, Adaptation};
use crate::wire::{m2ua, m3ua, mtp3};

/// Payload protocol identifier of what has none (RFC 9260 §3.3.1): SIP, and SIGTRAN of some senders.
const UNSPECIFIED: u32 = 0;

/// What a user message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum User {
    Adaptation(Adaptation),
    Sip,
}

/// Whether a chunk shows by itself that its association carries signalling.
pub(super) fn is_signalling(protocol: Option<u32>, ports: (u16, u16), payload: &[u8]) -> bool {
    match protocol {
        Some(UNSPECIFIED) => user_of_ports(ports).is_some() || user_of_bytes(payload).is_some(),
        Some(named) => Adaptation::of_payload_protocol(named).is_some(),
        None => user_of_ports(ports).is_some(),
    }
}

/// Whether messages of a payload protocol are looked at, in an association that carries signalling.
pub(super) fn may_be_signalling(protocol: Option<u32>) -> bool {
    protocol
        .is_none_or(|protocol| protocol == UNSPECIFIED || Adaptation::of_payload_protocol(protocol).is_some())
}

fn user_of_ports((src, dst): (u16, u16)) -> Option<User> {
    if SIP_PORTS.contains(&src) || SIP_PORTS.contains(&dst) {
        return Some(User::Sip);
    }
    Adaptation::of_port(dst).or_else(|| Adaptation::of_port(src)).map(User::Adaptation)
}

/// What bytes of an unnamed protocol surely are.
fn user_of_bytes(bytes: &[u8]) -> Option<User> {
    if looks_like_sip(bytes) {
        return Some(User::Sip);
    }
    let is_sure = sigtran::Message::is_sure(bytes);
    // Classes that several layers share keep links up; M3UA is the one most in use.
    is_sure.then(|| User::Adaptation(adaptation_of(bytes).unwrap_or(Adaptation::M3ua)))
}

/// By the class in a common header.
fn adaptation_of(bytes: &[u8]) -> Option<Adaptation> {
    bytes.get(2).copied().and_then(Adaptation::of_class)
}

fn user_of(protocol: Option<u32>, ports: (u16, u16), bytes: &[u8]) -> Option<User> {
    match protocol {
        None | Some(UNSPECIFIED) => match (user_of_bytes(bytes), user_of_ports(ports)) {
            (Some(User::Sip), _) | (None, Some(User::Sip)) => Some(User::Sip),
            (_, Some(User::Adaptation(of_port))) => {
                Some(User::Adaptation(adaptation_of(bytes).unwrap_or(of_port)))
            }
            (Some(sure), _) => Some(sure),
            (None, None) => None,
        },
        Some(named) => Adaptation::of_payload_protocol(named).map(User::Adaptation),
    }
}

/// One user message of an association.
pub(super) fn user_message<F: FnMut(Pdu<'_>)>(
    protocol: Option<u32>,
    (src, dst): (SocketAddr, SocketAddr),
    bytes: &[u8],
    sink: &mut Sink<'_, F>,
) {
    match user_of(protocol, (src.port(), dst.port()), bytes) {
        Some(User::Adaptation(adaptation)) => adapted(adaptation, bytes, sink),
        Some(User::Sip) => sip((src, dst, Transport::Sctp), bytes, sink),
        None => sink.skip(Skip::SctpOther),
    }
}

/// One message of an adaptation layer.
pub(super) fn adapted<F: FnMut(Pdu<'_>)>(adaptation: Adaptation, bytes: &[u8], sink: &mut Sink<'_, F>) {
    match sigtran::Message::parse(adaptation.layer(), bytes) {
        Ok(message) => sink.counts.skips.adapted(adaptation, message.class, message.kind),
        Err(error) => return sink.refuse(error),
    }
    match adaptation {
        Adaptation::M2pa => match UserData::parse(bytes) {
            Ok(Some(data)) => level_3(data.mtp3, sink),
            Ok(None) => sink.skip(Skip::Management),
            Err(error) => sink.refuse(error),
        },
        Adaptation::M2ua => match m2ua::Data::parse(bytes) {
            Ok(Some(data)) => level_3(data.mtp3, sink),
            Ok(None) => sink.skip(Skip::Management),
            Err(error) => sink.refuse(error),
        },
        Adaptation::M3ua => m3ua(bytes, sink),
        Adaptation::Iua | Adaptation::Sua => sink.skip(Skip::OtherUserPart),
    }
}

fn m3ua<F: FnMut(Pdu<'_>)>(bytes: &[u8], sink: &mut Sink<'_, F>) {
    let message = match m3ua::Message::parse(bytes) {
        Ok(message) if message.is_data() => message,
        Ok(_) => return sink.skip(Skip::Management),
        Err(error) => return sink.refuse(error),
    };
    match message.protocol_data(sink.mtp) {
        Ok(data) => user_part(data.service_indicator, data.label, data.user, sink),
        Err(error) => match message.draft_data(sink.mtp) {
            Ok(draft) => user_part(draft.service_indicator, draft.label, draft.user, sink),
            Err(_) => sink.refuse(error),
        },
    }
}

/// One frame of an MTP link.
pub(super) fn link<F: FnMut(Pdu<'_>)>(link: Link, bytes: &[u8], sink: &mut Sink<'_, F>) {
    match mtp3::strip_link(link, bytes) {
        Ok(Some(bytes)) => level_3(bytes, sink),
        Ok(None) => sink.skip(Skip::Mtp2Status),
        Err(error) => sink.refuse(error),
    }
}

/// One message of MTP level 3.
fn level_3<F: FnMut(Pdu<'_>)>(bytes: &[u8], sink: &mut Sink<'_, F>) {
    match mtp3::Message::parse(bytes, sink.mtp) {
        Ok(message) => user_part(message.service_indicator, message.label, message.user, sink),
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
