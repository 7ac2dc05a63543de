//! SIP message → signal. RFC 3261 §12, §15, §16; RFC 3325 for the calling number; RFC 5806, RFC 7044 for diversion.

use std::net::SocketAddr;

use arrayvec::ArrayVec;
use memchr::{memchr, memchr2};

use crate::base::frame::Pdu;
use crate::base::map::keyed_hash;
use crate::base::network::Network;
use crate::base::number::{Party, RAW_MAX, Raw, Shape};
use crate::base::numbering::{Nature, Numbering};
use crate::base::route::{Direction, NumberFormat};
use crate::signal::equipment;
use crate::signal::{Claims, Context, Correlation, Counts, Leg, Setup, Signal, What};
use crate::wire::DecodeError;
use crate::wire::sip::address::{Address, Uri};
use crate::wire::sip::start::Start;
use crate::wire::sip::value::{elements, hides_caller, parameter, plain_parameters, q850_cause};
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
        identity: [b""; 2],
    }))
}

/// Whether a call to this request URI is an emergency call, told before anything else is known of it.
#[must_use]
pub fn is_emergency(request_uri: &[u8], network: &Network) -> bool {
    let uri = Uri::parse(request_uri).unwrap_or_default();
    let mut room = Room::new();
    let user = unescaped(uri.user, &mut room);
    let raw = Raw::try_from(&user[..user.len().min(RAW_MAX)]).unwrap_or_default();
    network.is_emergency(&Party { raw, ..Party::default() })
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
            let plan = |is_theirs| {
                let hint = network.routes.route(route).format(is_theirs);
                Plan { numbering: &network.numbering, hint }
            };
            let is_inbound = direction == Direction::Inbound;
            let (callers, called) = (plan(is_inbound), plan(!is_inbound));
            let target = Uri::parse(target).unwrap_or_default();
            let diverting = diverting(message, &target, callers);
            Some(What::Setup(Setup {
                route,
                direction,
                calling: calling(message, callers),
                called: party(&target, called),
                claims: claims(message, (&target, diverting.is_some()), callers),
                diverting,
                correlation: Correlation::default(),
                equipment: equipment::of_invite(message),
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
    let via = message.head.via?;
    if memchr2(b'"', b'<', via).is_some() {
        return parameter(elements(via).next()?, b"branch");
    }
    plain_parameters(via).find_map(|(name, value)| {
        name.trim_ascii().eq_ignore_ascii_case(b"branch").then(|| value.trim_ascii())
    })
}

/// A To tag says that the INVITE belongs to a dialog (RFC 3261 §12.2.2).
fn is_in_dialog(message: &Message<'_>) -> bool {
    message.head.to.is_some_and(|to| {
        // Most of them: an address in brackets, and nothing after it.
        let is_bare = to.starts_with(b"<") && memchr(b'>', to).is_some_and(|end| end + 1 == to.len());
        !is_bare && Address::parse(to).is_some_and(|to| to.tag().is_some())
    })
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

/// How numbers of one side of this call's route are read.
#[derive(Clone, Copy)]
pub(super) struct Plan<'a> {
    pub(super) numbering: &'a Numbering,
    pub(super) hint: NumberFormat,
}

/// P-Asserted-Identity when it holds a telephone number, else From. A network asserts up to two identities, one of
/// them a number (RFC 3325 §9.1).
fn calling(message: &Message<'_>, plan: Plan<'_>) -> Party {
    let from = &message.from.uri;
    let mut identities = message.head.asserted.iter().flat_map(|line| elements(line));
    let asserted = identities.find_map(|one| {
        Address::parse(one).filter(|a| is_telephone(unescaped(a.uri.user, &mut Room::new())))
    });
    let mut calling = party(asserted.as_ref().map_or(from, |address| &address.uri), plan);
    calling.restricted |=
        message.head.privacy.is_some_and(hides_caller) || absence(from, from.user) == Some(Absence::Withheld);
    calling
}

/// The top Diversion; else the last entry of History-Info, before the one that stands for this request, that names
/// someone else than is called now. An entry for the called user himself is a change of host, not a diversion.
fn diverting(message: &Message<'_>, target: &Uri<'_>, plan: Plan<'_>) -> Option<Party> {
    if let Some(line) = message.head.diversions.first()
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

fn claims(message: &Message<'_>, (target, is_diverted): (&Uri<'_>, bool), plan: Plan<'_>) -> Claims {
    let number = |uri: &Uri<'_>| party(uri, plan).number;
    let mut identities = message.head.asserted.iter().flat_map(|line| elements(line));
    let asserted = identities.find_map(|one| number(&Address::parse(one)?.uri));
    let mut claims = Claims {
        shows_other: asserted.zip(number(&message.from.uri)).map(|(asserted, shown)| asserted != shown),
        ..Claims::default()
    };
    if !is_diverted {
        return claims;
    }
    for address in addresses(&message.head.diversions) {
        // Once, unless it says more often (RFC 5806 §4).
        let counter = parameter(address.parameters, b"counter")
            .and_then(|text| str::from_utf8(text).ok()?.parse().ok());
        claims.diversions = claims.diversions.saturating_add(counter.unwrap_or(1));
        claims.first_called = number(&address.uri);
    }
    if claims.diversions == 0 {
        for address in addresses(&message.head.history).filter(|address| address.uri.user != target.user) {
            claims.diversions = claims.diversions.saturating_add(1);
            claims.first_called = claims.first_called.or_else(|| number(&address.uri));
        }
    }
    claims
}

fn addresses<'a>(lines: &[&'a [u8]]) -> impl Iterator<Item = Address<'a>> {
    lines.iter().flat_map(|line| elements(line)).filter_map(Address::parse)
}

/// The number that a URI's user part means.
pub(super) fn party(uri: &Uri<'_>, plan: Plan<'_>) -> Party {
    let mut room = Room::new();
    let user = unescaped(uri.user, &mut room);
    let raw = Raw::try_from(&user[..user.len().min(RAW_MAX)]).unwrap_or_default();
    if let Some(absence) = absence(uri, user) {
        return Party { number: None, shape: Shape::Absent, restricted: absence == Absence::Withheld, raw };
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
    /// It names somebody or something otherwise: `operator1`, `urn:service:sos`.
    Named,
    /// The caller asked for it (RFC 3323 §4.1.1.3).
    Withheld,
    /// The network does not know it: nothing, zeros, or one of its words (3GPP TS 24.229 §5.7.1.4 and its interworking, TS 29.163 §7.2.3.2.2).
    Unavailable,
}

/// `user` is the user part with its escapes undone.
fn absence(uri: &Uri<'_>, user: &[u8]) -> Option<Absence> {
    let is_filler = uri.user.iter().all(|byte| matches!(byte, b'0' | b'+'));
    if is_filler {
        return Some(Absence::Unavailable);
    }
    // Nearly all users are numbers.
    if is_telephone(user) && !is_named(uri.host, b"anonymous.invalid") {
        return None;
    }
    let is_user = |names: &[&[u8]]| names.iter().any(|name| is_named(uri.user, name));
    if is_user(&[b"anonymous", b"restricted", b"private"]) || is_named(uri.host, b"anonymous.invalid") {
        Some(Absence::Withheld)
    } else if is_user(&[b"unavailable", b"unknown"]) || is_named(uri.host, b"unknown.invalid") {
        Some(Absence::Unavailable)
    } else if uri.says_telephone() || looks_like_telephone(user) {
        None
    } else {
        Some(Absence::Named)
    }
}

/// A user who begins with `+` and a digit means a telephone number, if a wrong one; so does one who begins with a digit and
/// is mostly digits.
fn looks_like_telephone(user: &[u8]) -> bool {
    let digits = user.iter().filter(|byte| byte.is_ascii_digit()).count();
    match user {
        [b'+', b'0'..=b'9', ..] => true,
        [b'+' | b'(' | b'0'..=b'9', ..] => digits * 2 > user.len(),
        _ => false,
    }
}

fn is_named(text: &[u8], name: &[u8]) -> bool {
    text.eq_ignore_ascii_case(name)
}

/// Digits, perhaps after `+`, with visual separators (RFC 3966 §3).
fn is_telephone(user: &[u8]) -> bool {
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use proptest::prelude::*;

    use super::*;
    use crate::base::fault::{Kind, Layer};
    use crate::base::field::Country;
    use crate::base::frame::{Envelope, Transport};
    use crate::base::map::Seed;
    use crate::base::network::Network;
    use crate::base::number::Number;
    use crate::base::roaming::RoamingStates;
    use crate::base::route::{Direction, Route, RouteClass, RouteId, Routes};
    use crate::base::time::At;

    static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
        let route = Route {
            peers: vec!["192.0.2.0/24".parse().unwrap()],
            ..Route::new("abroad", RouteClass::International)
        };
        let network = Network {
            routes: Routes::new(vec![route]),
            numbering: Numbering::new(Country(*b"PL")).unwrap(),
            roaming: RoamingStates::default(),
            emergency: vec!["112".into()],
            ..Network::unknown()
        };
        Context { network: Arc::new(network), seed: Seed(1) }
    });

    fn decode_with<'a>(bytes: &'a [u8], counts: &mut Counts) -> Result<Option<Signal<'a>>, DecodeError> {
        let between = ("192.0.2.1:5060".parse().unwrap(), "198.51.100.1:5060".parse().unwrap());
        let envelope = Envelope::Sip { src: between.0, dst: between.1, transport: Transport::Udp };
        let pdu = Pdu { at: At::from_nanos(5), seq: 7, frame: 9, envelope, bytes };
        decode(&pdu, between, &CONTEXT, counts)
    }

    fn signal(bytes: &[u8]) -> Option<Signal<'_>> {
        decode_with(bytes, &mut Counts::default()).unwrap()
    }

    /// A message without faults: start line, CSeq method, headers beside the usual.
    fn message(start: &str, method: &str, more: &[&str]) -> Vec<u8> {
        let own = |name: &str| more.iter().any(|line| line.starts_with(name));
        let from = if own("From") { "" } else { "From: <sip:+48601@a.example>;tag=one\r\n" };
        let to = if own("To") { "" } else { "To: <sip:+48701@b.example>\r\n" };
        let more: String = more.iter().flat_map(|line| [line, "\r\n"]).collect();
        let via = "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1";
        format!("{start}\r\n{via}\r\n{from}{to}Call-ID: leg\r\nCSeq: 3 {method}\r\n{more}\r\n").into_bytes()
    }

    fn setup(target: &str, more: &[&str]) -> Setup {
        let bytes = message(&format!("INVITE {target} SIP/2.0"), "INVITE", more);
        match signal(&bytes).map(|signal| signal.what) {
            Some(What::Setup(setup)) => setup,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn tells_messages_by_method_status_and_dialog() {
        const IN_DIALOG: &str = "To: <sip:2@h>;tag=two";
        for (start, method, more, expected) in [
            ("INVITE sip:2@h SIP/2.0", "INVITE", "X: 1", "Some(Setup"),
            ("INVITE sip:2@h SIP/2.0", "INVITE", "To: <sip:2@h>;tag=", "Some(Setup"),
            ("INVITE sip:2@h SIP/2.0", "INVITE", IN_DIALOG, "Some(Other)"),
            ("ACK sip:2@h SIP/2.0", "ACK", IN_DIALOG, "Some(Other)"),
            ("PRACK sip:2@h SIP/2.0", "PRACK", IN_DIALOG, "Some(Other)"),
            ("UPDATE sip:2@h SIP/2.0", "UPDATE", IN_DIALOG, "Some(Other)"),
            ("CANCEL sip:2@h SIP/2.0", "CANCEL", "X: 1", "Some(Cancel)"),
            ("BYE sip:2@h SIP/2.0", "BYE", IN_DIALOG, "Some(Release)"),
            ("SIP/2.0 100 Trying", "INVITE", "X: 1", "Some(Progress)"),
            ("SIP/2.0 180 Ringing", "INVITE", IN_DIALOG, "Some(Alert)"),
            ("SIP/2.0 181 Forwarded", "INVITE", IN_DIALOG, "Some(Progress)"),
            ("SIP/2.0 183 Progress", "INVITE", IN_DIALOG, "Some(Progress)"),
            ("SIP/2.0 199 Ended", "INVITE", IN_DIALOG, "Some(Progress)"),
            ("SIP/2.0 200 OK", "INVITE", IN_DIALOG, "Some(Answer)"),
            ("SIP/2.0 202 Accepted", "INVITE", IN_DIALOG, "Some(Answer)"),
            ("SIP/2.0 302 Moved", "INVITE", IN_DIALOG, "Some(Refuse)"),
            ("SIP/2.0 407 Proxy Authentication", "INVITE", IN_DIALOG, "Some(Refuse)"),
            ("SIP/2.0 487 Terminated", "INVITE", IN_DIALOG, "Some(Refuse)"),
            ("SIP/2.0 603 Decline", "INVITE", IN_DIALOG, "Some(Refuse)"),
            ("SIP/2.0 200 OK", "BYE", IN_DIALOG, "Some(Other)"),
            ("SIP/2.0 481 Gone", "CANCEL", IN_DIALOG, "Some(Other)"),
            ("SIP/2.0 200 OK", "REGISTER", IN_DIALOG, "None"),
            ("OPTIONS sip:h SIP/2.0", "OPTIONS", "X: 1", "None"),
            ("INFO sip:h SIP/2.0", "INFO", IN_DIALOG, "None"),
        ] {
            let bytes = message(start, method, &[more]);
            let signal = signal(&bytes);
            if let Some(signal) = &signal {
                assert_eq!((signal.leg, signal.cseq), (Leg::Sip(b"leg"), 3), "{start}");
                let status = start.strip_prefix("SIP/2.0 ").map(|rest| rest[..3].parse().unwrap());
                assert_eq!(
                    (signal.sip_status, signal.progress_183),
                    (status, status == Some(183)),
                    "{start}"
                );
            }
            let what = format!("{:?}", signal.map(|signal| signal.what));
            assert!(what.starts_with(expected), "{start} {method}: {what}");
        }
    }

    #[test]
    fn counts_messages_and_faults() {
        let mut counts = Counts::default();
        for bytes in [
            message("OPTIONS sip:h SIP/2.0", "OPTIONS", &[]),
            message("SIP/2.0 503 Busy", "REGISTER", &[]),
            message("BYE sip:h SIP/2.0", "INVITE", &["l: 4"]),
        ] {
            decode_with(&bytes, &mut counts).unwrap();
        }
        assert_eq!(counts.sip_requests[Method::Options as usize], 1);
        assert_eq!(counts.sip_requests[Method::Bye as usize], 1);
        assert_eq!(counts.sip_responses, [0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(counts.faults.of(Layer::Sip, Kind::Conflict), 1);
        assert_eq!(counts.faults.of(Layer::Sip, Kind::BadLength), 1);
        assert!(decode_with(b"INVITE sip:2@h SIP/2.0\r\n\r\n", &mut counts).is_err());
    }

    #[test]
    fn tells_the_sides_by_the_from_tag() {
        let sender = |from: &str| signal(&message("BYE sip:2@h SIP/2.0", "BYE", &[from])).unwrap().sender;
        assert_eq!(sender("From: <sip:1@h>;tag=a"), sender("From: \"x\" <sip:9@h>;q=1;tag=a"));
        assert_ne!(sender("From: <sip:1@h>;tag=a"), sender("From: <sip:1@h>;tag=b"));
        assert_eq!(sender("From: <sip:1@h>"), 0);
    }

    #[test]
    fn reads_the_q850_cause_from_any_reason() {
        for (more, cause) in [
            (&["Reason: Q.850;cause=16;text=\"Normal, call clearing\""][..], Some(16)),
            (&["Reason: SIP;cause=200;text=\"a, Q.850;cause=1\", Q.850 ;cause=21"], Some(21)),
            (&["Reason: SIP;cause=487", "Reason: Q.850;cause=17"], Some(17)),
            (&["Reason: SIP;cause=487"], None),
            (&[], None),
        ] {
            let bytes = message("SIP/2.0 486 Busy Here", "INVITE", more);
            assert_eq!(signal(&bytes).unwrap().q850_cause, cause, "{more:?}");
        }
    }

    #[test]
    fn takes_the_calling_number_from_the_asserted_identity_first() {
        const HIDDEN: &str = "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1";
        for (more, raw, restricted) in [
            (&["X: 1"][..], "+48601", false),
            (&["P-Asserted-Identity: <sip:+48602@h>"], "+48602", false),
            (&["P-Asserted-Identity: \"A, B\" <sip:alice@h>, <tel:+48-603;x=y>"], "+48-603", false),
            (&["P-Asserted-Identity: <sip:alice@h>", "P-Asserted-Identity: <tel:604>"], "604", false),
            (&["P-Asserted-Identity: <sip:alice@h>"], "+48601", false),
            (&["P-Asserted-Identity: <sip:%2b48605@h>", "Privacy: id;critical"], "+48605", true),
            (&["Privacy: none"], "+48601", false),
            (&[HIDDEN, "P-Asserted-Identity: <sip:+48602@h>"], "+48602", true),
            (&[HIDDEN], "anonymous", true),
            (&["From: <sip:+48601@anonymous.invalid>;tag=1"], "+48601", true),
            (&["From: <sip:unavailable@unknown.invalid>;tag=1"], "unavailable", false),
            (&["From: <sip:pbx.example>;tag=1"], "", false),
            (&["From: sip:alice:pw@h;tag=1"], "alice", false),
        ] {
            let calling = setup("sip:2@h", more).calling;
            let found = (std::str::from_utf8(&calling.raw).unwrap(), calling.restricted);
            assert_eq!(found, (raw, restricted), "{more:?}");
        }
        assert_eq!(setup("sip:2@h", &[HIDDEN]).calling.shape, Shape::Absent);
    }

    #[test]
    fn reads_the_called_user_from_the_target() {
        let long = format!("sip:{}@h", "1".repeat(90));
        for (target, raw) in [
            ("sip:+48601@h;user=phone", "+48601"),
            ("tel:+48-601", "+48-601"),
            ("sip:%31%31%32@h", "112"),
            ("sip:112;phone-context=+48@h", "112"),
            ("sip:112;phone-context=ims.example@h", "112"),
            ("sip:100%@h", "100%"),
            ("sip:1%zz@h", "1%zz"),
            ("urn:service:sos.police", "urn:service:sos.police"),
            (&long, "11111111111111111111111111111111"),
        ] {
            assert_eq!(setup(target, &[]).called.raw.as_slice(), raw.as_bytes(), "{target}");
        }
    }

    #[test]
    fn counts_diversions_and_knows_who_was_called_first() {
        for (more, diversions, first) in [
            (&["X: 1"][..], 0, None),
            (&["Diversion: <tel:+48601000001>"], 1, Some("48601000001")),
            (
                &[
                    "Diversion: <tel:+48601000003>;counter=2, <tel:+48601000002>",
                    "Diversion: <tel:+48601000001>",
                ],
                4,
                Some("48601000001"),
            ),
            (&["Diversion: <tel:+48601000001>;counter=x"], 1, Some("48601000001")),
            (&["Diversion: <tel:+48601000001>;counter=255,<tel:1>;counter=9"], 255, None),
            (&["History-Info: <tel:+48601000001>, <sip:2@h>, <sip:+48701@a>"], 2, Some("48601000001")),
            (
                &["Diversion: nonsense", "History-Info: <sip:+48601000005@a>, <sip:+48701@b>"],
                1,
                Some("48601000005"),
            ),
        ] {
            let claims = setup("sip:+48701@b.example", more).claims;
            let expected = first.map(|digits| Number::from_digits(digits.as_bytes()).unwrap());
            assert_eq!((claims.diversions, claims.first_called), (diversions, expected), "{more:?}");
        }
    }

    #[test]
    fn compares_the_number_shown_with_the_number_asserted() {
        for (more, expected) in [
            (&["From: <sip:+48601000001@h>;tag=1"][..], None),
            (&["From: <sip:+48601000001@h>;tag=1", "P-Asserted-Identity: <tel:+48601000001>"], Some(false)),
            (
                &["From: <sip:+48601000001@h>;tag=1", "P-Asserted-Identity: <sip:x@h>, <tel:+48601000002>"],
                Some(true),
            ),
            (&["From: <sip:anonymous@h>;tag=1", "P-Asserted-Identity: <tel:+48601000002>"], None),
        ] {
            assert_eq!(setup("sip:2@h", more).claims.shows_other, expected, "{more:?}");
        }
    }

    #[test]
    fn emergency_calls_are_known_however_written() {
        let network = &CONTEXT.network;
        let written = ["sip:112@h", "sip:1%312@h", "tel:1-1-2", "sip:112;phone-context=+48@h"];
        for target in written {
            assert!(network.is_emergency(&setup(target, &[]).called), "{target}");
        }
        assert!(!network.is_emergency(&setup("sip:+48112345678@h", &[]).called));
    }

    #[test]
    fn finds_the_last_diverting_number() {
        for (more, raw) in [
            (&["X: 1"][..], None),
            (
                &["Diversion: \"x\" <sip:+48603@h>;reason=busy, <tel:+48602>", "Diversion: <tel:1>"],
                Some("+48603"),
            ),
            (&["History-Info: <sip:+48701@h>;index=1"], None),
            (&["History-Info: <sip:+48603@h>;index=1, <sip:+48701@h>;index=1.1"], Some("+48603")),
            (
                &[
                    "History-Info: <sip:1@h>;index=1",
                    "History-Info: <sip:2@h?Reason=SIP>;index=1.1,<sip:3@h>",
                ],
                Some("2"),
            ),
            (&["History-Info: <sip:603@h>, <sip:+48701@a>, <sip:+48701@b>"], Some("603")),
            (&["History-Info: <sip:+48701@a>, <sip:+48701@b>"], None),
            (&["Diversion: nonsense", "History-Info: <sip:5@a>, <sip:+48701@b>"], Some("5")),
        ] {
            let diverting = setup("sip:+48701@b.example", more).diverting;
            assert_eq!(
                diverting.as_ref().map(|party| party.raw.as_slice()),
                raw.map(str::as_bytes),
                "{more:?}"
            );
        }
        let hidden = setup("sip:2@h", &["Diversion: <tel:+48603>;privacy=full"]).diverting;
        assert!(hidden.unwrap().restricted);
    }

    #[test]
    fn finds_the_route_by_address() {
        let setup = setup("sip:2@h", &[]);
        assert_eq!((setup.route, setup.direction), (RouteId(1), Direction::Inbound));
    }

    const ADDRESS: &str = "[<>\"%@:;,=+ a-f0-9sipteltag]{0,60}";

    proptest! {
        #[test]
        fn any_address_is_read_without_panic(
            target in ADDRESS,
            addresses in proptest::collection::vec(ADDRESS, 4),
        ) {
            let [from, asserted, diversion, history] = &addresses[..] else { unreachable!() };
            let more = [
                format!("From: {from}"),
                format!("P-Asserted-Identity: {asserted}"),
                format!("Diversion: {diversion}"),
                format!("History-Info: {history}"),
                format!("Reason: {history}"),
            ];
            let more: Vec<&str> = more.iter().map(String::as_str).collect();
            let bytes = message(&format!("INVITE sip:{target} SIP/2.0"), "INVITE", &more);
            prop_assert!(matches!(signal(&bytes).unwrap().what, What::Setup(_)));
        }
    }
}
