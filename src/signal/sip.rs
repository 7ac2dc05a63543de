//! SIP message → signal. RFC 3261 §12, §15, §16; RFC 3325 for the calling number; RFC 5806, RFC 7044 for diversion.

use std::net::SocketAddr;

use arrayvec::ArrayVec;
use memchr::memchr;

use crate::base::frame::Pdu;
use crate::base::map::keyed_hash;
use crate::base::number::{Party, RAW_MAX, Raw, Shape};
use crate::base::numbering::{Nature, Numbering};
use crate::base::route::NumberFormat;
use crate::signal::{Context, Counts, Leg, Setup, Signal, What};
use crate::wire::DecodeError;
use crate::wire::sip::address::{Address, Uri};
use crate::wire::sip::start::Start;
use crate::wire::sip::value::{elements, hides_caller, parameter, q850_cause};
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
    let (what, sip_status) = match message.start {
        Start::Request { method, uri, .. } => {
            counts.sip_requests[method as usize] += 1;
            (request(&message, uri, between, context), None)
        }
        Start::Response { status } => {
            counts.sip_responses[usize::from(status / 100)] += 1;
            (response(message.method, status), Some(status))
        }
    };
    Ok(what.map(|what| Signal {
        at: pdu.at,
        seq: pdu.seq,
        leg: Leg::Sip(message.call_id),
        what,
        sender: message.from.tag().map_or(0, |tag| keyed_hash(context.seed, tag) as u32),
        cseq: message.cseq.number,
        branch: branch(&message).map_or(0, |branch| keyed_hash(context.seed, branch) as u32),
        sip_status,
        progress_183: sip_status == Some(183) && message.method == Method::Invite,
        q850_cause: message.head.reasons.iter().find_map(|reason| q850_cause(reason)),
        cause_location: None,
    }))
}

fn request(
    message: &Message<'_>,
    target: &[u8],
    (src, dst): (SocketAddr, SocketAddr),
    context: &Context,
) -> Option<What> {
    match message.method {
        Method::Invite if is_in_dialog(message) => Some(What::Other),
        Method::Invite => {
            let network = &context.network;
            let (route, direction) = network.routes.of_addresses(src.ip(), dst.ip());
            let plan = Plan {
                numbering: &network.numbering,
                hint: network.routes.route(route).number_format,
            };
            let target = Uri::parse(target).unwrap_or_default();
            Some(What::Setup(Setup {
                route,
                direction,
                calling: calling(message, plan),
                called: party(&target, plan),
                diverting: diverting(message, &target, plan),
            }))
        }
        Method::Cancel => Some(What::Cancel),
        Method::Bye => Some(What::Release),
        Method::Ack | Method::Prack | Method::Update => Some(What::Other),
        _ => None,
    }
}

/// Branch of the top Via; none before RFC 3261.
fn branch<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    parameter(elements(message.head.via?).next()?, b"branch")
}

/// A To tag says that the INVITE belongs to a dialog (RFC 3261 §12.2.2).
fn is_in_dialog(message: &Message<'_>) -> bool {
    message.head.to.and_then(Address::parse).is_some_and(|to| to.tag().is_some())
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

/// How numbers of this call's route are read.
#[derive(Clone, Copy)]
struct Plan<'a> {
    numbering: &'a Numbering,
    hint: NumberFormat,
}

/// P-Asserted-Identity when it holds a telephone number, else From. A network asserts up to two identities, one of
/// them a number (RFC 3325 §9.1).
fn calling(message: &Message<'_>, plan: Plan<'_>) -> Party {
    let from = &message.from.uri;
    let mut identities = message.head.asserted.iter().flat_map(|line| elements(line));
    let asserted = identities.find_map(|one| Address::parse(one).filter(|a| is_telephone(a.uri.user)));
    let mut calling = party(asserted.as_ref().map_or(from, |address| &address.uri), plan);
    calling.restricted |=
        message.head.privacy.is_some_and(hides_caller) || absence(from) == Some(Absence::Withheld);
    calling
}

/// The top Diversion; else the last entry of History-Info, before the one that stands for this request, that names
/// someone else than is called now. An entry for the called user himself is a change of host, not a diversion.
fn diverting(message: &Message<'_>, target: &Uri<'_>, plan: Plan<'_>) -> Option<Party> {
    if let Some(line) = message.head.diversion
        && let Some(address) = elements(line).next().and_then(Address::parse)
    {
        let mut diverting = party(&address.uri, plan);
        diverting.restricted |= parameter(address.parameters, b"privacy")
            .is_some_and(|privacy| [&b"full"[..], b"uri"].iter().any(|p| privacy.eq_ignore_ascii_case(p)));
        return Some(diverting);
    }
    let entries = message.head.history.iter().flat_map(|line| elements(line)).filter_map(Address::parse);
    let (mut current, mut previous) = (None, None);
    for entry in entries {
        previous = current.filter(|uri: &Uri<'_>| uri.user != target.user).or(previous);
        current = Some(entry.uri);
    }
    previous.map(|uri| party(&uri, plan))
}

/// The number that a URI's user part means.
fn party(uri: &Uri<'_>, plan: Plan<'_>) -> Party {
    let mut room = Room::new();
    let user = unescaped(uri.user, &mut room);
    let raw: Raw = user.iter().copied().take(RAW_MAX).collect();
    if let Some(absence) = absence(uri) {
        return Party {
            number: None,
            shape: Shape::Absent,
            restricted: absence == Absence::Withheld,
            raw,
        };
    }
    let mut composed = Room::new();
    let (text, nature) = match (user, uri.phone_context()) {
        ([b'+', ..], _) => (user, Nature::International),
        // RFC 3966 §5.1.4: a local number within a global prefix.
        (_, Some(prefix @ [b'+', ..])) if prefix.len() + user.len() <= ROOM => {
            composed.extend(prefix.iter().chain(user).copied());
            (&composed[..], Nature::International)
        }
        _ => (user, Nature::Unknown),
    };
    Party { raw, ..plan.numbering.party(text, nature, plan.hint) }
}

/// Why a URI names no caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absence {
    /// The caller asked for it (RFC 3323 §4.1.1.3).
    Withheld,
    /// The network does not know it (3GPP TS 24.229 §5.7.1.4 and its interworking, TS 29.163 §7.2.3.2.2).
    Unavailable,
}

fn absence(uri: &Uri<'_>) -> Option<Absence> {
    // Nearly all users are numbers.
    if matches!(uri.user.first(), Some(b'+' | b'0'..=b'9')) && !is_named(uri.host, b"anonymous.invalid") {
        return None;
    }
    let is_user = |names: &[&[u8]]| names.iter().any(|name| is_named(uri.user, name));
    if is_user(&[b"anonymous", b"restricted", b"private"]) || is_named(uri.host, b"anonymous.invalid") {
        Some(Absence::Withheld)
    } else if uri.user.is_empty()
        || is_user(&[b"unavailable", b"unknown"])
        || is_named(uri.host, b"unknown.invalid")
    {
        Some(Absence::Unavailable)
    } else {
        None
    }
}

fn is_named(text: &[u8], name: &[u8]) -> bool {
    text.eq_ignore_ascii_case(name)
}

/// Digits, perhaps after `+`, with visual separators (RFC 3966 §3).
fn is_telephone(user: &[u8]) -> bool {
    let mut room = Room::new();
    let user = unescaped(user, &mut room);
    user.iter().any(u8::is_ascii_digit)
        && user.iter().all(|byte| byte.is_ascii_digit() || b"+-.()*# ".contains(byte))
}

/// Longest user part whose escapes are undone, in octets; a telephone number has none or few.
const ROOM: usize = 64;
type Room = ArrayVec<u8, ROOM>;

/// The user part with its escapes undone (RFC 3261 §19.1.2): `%2B48` is `+48`. As sent when it has none, a broken one,
/// or does not fit.
fn unescaped<'a>(user: &'a [u8], room: &'a mut Room) -> &'a [u8] {
    if memchr(b'%', user).is_none() {
        return user;
    }
    let mut rest = user;
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => return user,
            },
            (b'%', _) => return user,
            _ => (*first, after),
        };
        if room.try_push(byte).is_err() {
            return user;
        }
        rest = after;
    }
    room
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}
