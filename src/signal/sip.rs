//! SIP message → signal. RFC 3261 §12, §15, §16; what an INVITE says of its numbers is in `setup`, of a URI's number in `party`,
//! of an ISUP message inside in `enclosed`.

mod enclosed;
mod party;
mod setup;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;

use crate::base::fault::{Kind, Layer};
use crate::base::frame::Pdu;
use crate::base::map::keyed_hash;
use crate::base::network::Network;
use crate::base::number::Party;
use crate::base::route::Direction;
use crate::signal::equipment;
pub(super) use crate::signal::sip::party::{Plan, party};
use crate::signal::sip::party::{is_disguised, written};
use crate::signal::sip::setup::Called;
use crate::signal::{Claims, Context, Counts, Leg, Setup, Signal, What};
use crate::wire::DecodeError;
use crate::wire::sip::address::{Address, Uri};
use crate::wire::sip::near::near;
use crate::wire::sip::start::Start;
use crate::wire::sip::value::{first_parameters, named, q850_cause};
use crate::wire::sip::{Message, Method};

/// Decodes one SIP message.
///
/// # Errors
/// When it has no usable start line, Call-ID or CSeq.
pub fn decode<'a>(
    pdu: &Pdu<'a>,
    between: (SocketAddr, SocketAddr),
    context: &Context,
    counts: &mut Counts,
) -> Result<Option<Signal<'a>>, DecodeError> {
    let message = Message::parse(pdu.bytes)?;
    for fault in &message.faults {
        counts.faults.count(fault.layer, fault.kind);
    }
    let (q850_cause, cause_location) = cause(&message, counts);
    let signal = |what, sip_status| Signal {
        at: pdu.at,
        seq: pdu.seq,
        leg: Leg::Sip(message.call_id),
        what,
        sender: message.from.tag().map_or(0, |tag| keyed_hash(context.seed, tag) as u32),
        receiver: receiver(&message).map_or(0, |tag| keyed_hash(context.seed, tag) as u32),
        between: Some(between),
        cseq: message.cseq.number,
        branch: branch(&message).map_or(0, |branch| keyed_hash(context.seed, branch) as u32),
        sip_status,
        progress_183: sip_status == Some(183) && message.method == Method::Invite,
        q850_cause,
        cause_location,
        identity: identity(pdu.bytes, &message),
    };
    match message.start {
        Start::Request { method, uri, .. } => {
            counts.sip_requests[method as usize] += 1;
            // Apart from the others, which are small: so each part of a setup is written once, to where it is handed back.
            if method == Method::Invite && !is_in_dialog(&message) {
                let setup = setup(&message, uri, between, (context, counts));
                return Ok(Some(signal(What::Setup(setup), None)));
            }
            Ok(request(method).map(|what| signal(what, None)))
        }
        Start::Response { status } => {
            counts.sip_responses[usize::from(status / 100)] += 1;
            Ok(response(message.method, status).map(|what| signal(what, Some(status))))
        }
    }
}

/// Longest head kept of a signed setup, in octets; one with three signatures has some 4,000.
pub(super) const SIGNED_HEAD_MAX: usize = 16_384;

/// The head of a signed setup; empty for anything else.
fn identity<'a>(bytes: &'a [u8], message: &Message<'a>) -> &'a [u8] {
    let is_signed = message.head.identity.iter().any(|value| !value.is_empty());
    if !is_signed || !matches!(message.start, Start::Request { method: Method::Invite, .. }) {
        return b"";
    }
    let length = bytes.len() - message.body.len();
    let body_at = message.body.as_ptr().addr().saturating_sub(bytes.as_ptr().addr());
    let end = if message.body.is_empty() { length } else { body_at };
    &bytes[..end.min(bytes.len()).min(SIGNED_HEAD_MAX)]
}

/// Whether a call to this request URI is an emergency call, told before anything else is known of it.
#[must_use]
pub fn is_emergency(request_uri: &[u8], network: &Network) -> bool {
    let uri = Uri::parse(request_uri).unwrap_or_default();
    network.is_emergency(&Party { raw: written(&uri), ..Party::default() })
}

/// What a request says, an INVITE within a dialog.
const fn request(method: Method) -> Option<What> {
    match method {
        Method::Cancel => Some(What::Cancel),
        Method::Bye => Some(What::Release),
        Method::Invite => Some(What::Reinvite),
        Method::Ack | Method::Prack | Method::Update => Some(What::Other),
        _ => None,
    }
}

#[inline]
fn setup(
    message: &Message<'_>,
    target: &[u8],
    (src, dst): (SocketAddr, SocketAddr),
    (context, counts): (&Context, &mut Counts),
) -> Setup {
    let network = &context.network;
    let (route, direction) = network.routes.of_addresses(src.ip(), dst.ip());
    let plan = |is_theirs| {
        let hint = network.routes.route(route).format(is_theirs);
        Plan { numbering: &network.numbering, hint }
    };
    let is_inbound = direction == Direction::Inbound;
    let (callers, called) = (plan(is_inbound), plan(!is_inbound));
    let target = Uri::parse(target).unwrap_or_default();
    let mut claims = Claims::default();
    let calling = setup::calling(message, callers, &mut claims);
    setup::take_rest(message, &target, called, &mut claims);
    let plan = called;
    let called = party(&target, plan);
    let is_called = Called { target: &target, number: called.number, plan };
    let diverting = setup::diverting(message, is_called, callers, &mut claims);
    claims.is_ambiguous |= message.is_ambiguous || is_disguised(&target, &called);
    let mut setup = Setup {
        overlap: None,
        route,
        direction,
        calling,
        called,
        diverting,
        claims,
        correlation: setup::correlation(&message.head, context.seed),
        equipment: equipment::of_invite(message),
    };
    if setup.claims.is_ambiguous && !message.is_ambiguous {
        counts.faults.count(Layer::Sip, Kind::Conflict);
    }
    // What is wrong with an enclosed message is counted there.
    enclosed::take_setup(message, &mut setup, context, counts);
    setup
}

/// Q.850 cause and its location: of a Reason header, else of the REL that the message carries (Q.1912.5 §6.11).
fn cause(message: &Message<'_>, counts: &mut Counts) -> (Option<u8>, Option<u8>) {
    let said = message.head.reasons.iter().find_map(|reason| q850_cause(reason));
    let may_carry = match message.start {
        Start::Request { method, .. } => matches!(method, Method::Bye | Method::Cancel),
        Start::Response { status } => message.method == Method::Invite && status >= 300,
    };
    if said.is_none() && may_carry { enclosed::cause(message, counts) } else { (said, None) }
}

/// Branch of the top Via; none before RFC 3261.
fn branch<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    named(first_parameters(message.head.via?), b"branch")
}

/// A To tag says that the INVITE belongs to a dialog (RFC 3261 §12.2.2).
fn is_in_dialog(message: &Message<'_>) -> bool {
    message.head.to.is_some_and(|to| {
        // Most of them: an address in brackets, and nothing after it.
        let is_bare = to.starts_with(b"<") && near([b'>'], to).is_some_and(|end| end + 1 == to.len());
        !is_bare && Address::parse(to).is_some_and(|to| to.tag().is_some())
    })
}

/// The To tag of what makes a dialog or ends one (RFC 3261 §12): a response to an INVITE, a BYE.
fn receiver<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    match (message.method, message.start) {
        (Method::Invite, Start::Response { .. }) | (Method::Bye, Start::Request { .. }) => {
            message.head.to.and_then(Address::parse)?.tag()
        }
        _ => None,
    }
}

/// A response to a re-INVITE reads the same as one to the first: call state tells them apart by CSeq.
fn response(method: Method, status: u16) -> Option<What> {
    match (method, status) {
        (Method::Invite, 180) => Some(What::Alert),
        (Method::Invite, ..200) => Some(What::Progress),
        (Method::Invite, 200..300) => Some(What::Answer),
        (Method::Invite, _) => Some(What::Refuse),
        (Method::Ack | Method::Bye | Method::Cancel | Method::Prack | Method::Update, _) => Some(What::Other),
        _ => None,
    }
}
