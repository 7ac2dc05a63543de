//! One function for each entry point of untrusted bytes. Shared by the fuzzers in `fuzz_targets` and by the short run
//! in `tests/fuzz_smoke.rs`. None may panic, whatever the bytes; each asserts what its output promises, and says whether
//! it could make anything of the input.
#![allow(dead_code, reason = "each fuzzer uses one of them")]

use std::io::Cursor;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tollgate::assemble::{AssembleOptions, Assembler};
use tollgate::base::caret::Caret;
use tollgate::base::fault::{Kind, Layer};
use tollgate::base::field::{Country, Facts, FieldId, Value};
use tollgate::base::frame::{Envelope, Frame, Link, Mtp, MtpPlan, Pdu, RoutingLabel, Transport, UserPart};
use tollgate::base::map::Seed;
use tollgate::base::network::Network;
use tollgate::base::number::{Number, Party};
use tollgate::base::numbering::Numbering;
use tollgate::base::roaming::RoamingStates;
use tollgate::base::route::{Direction, RouteId, Routes};
use tollgate::base::time::At;
use tollgate::billing::rate_card::RateCard;
use tollgate::call::{CallId, CallOptions, StirReason, StirVerdict};
use tollgate::capture::Capture;
use tollgate::config::raw::{Findings, RawNetwork};
use tollgate::config::roaming::parse_roaming;
use tollgate::feature::fields::FIELDS;
use tollgate::inline;
use tollgate::inline::isup::{Answered, Options, Outcome, Rewriter};
use tollgate::inline::packet::Ip;
use tollgate::inline::sip::{SipJudge, SipOptions};
use tollgate::inline::udp::Seen;
use tollgate::inline::{Look, PacketJudge, Ruling, Work};
use tollgate::inspect::fields::{self as message_fields, MessageFacts};
use tollgate::inspect::ladder::{Ladder, Paper};
use tollgate::inspect::text::is_plain;
use tollgate::inspect::{Follower, Said};
use tollgate::judge::Treatment;
use tollgate::rule::{Condition, Evidence, Ruleset, Source};
use tollgate::signal::{self, Context, Counts, Key};
use tollgate::stir;
use tollgate::wire::sctp::control::Control;
use tollgate::wire::sctp::interleaved::InterleavedData;
use tollgate::wire::sip::forward;
use tollgate::wire::{
    certificate, hep, isup, m2pa, m2ua, m3ua, mtp3, nfnetlink, passport, sctp, sigtran, sip,
};

/// Every link type, for the first octet of the input of [`frames`].
pub const LINKS: [Link; 8] = [
    Link::Ethernet,
    Link::LinuxSll,
    Link::LinuxSll2,
    Link::RawIp,
    Link::Null,
    Link::Mtp2WithHeader,
    Link::Mtp2,
    Link::Mtp3,
];

/// A capture file, packed or plain.
pub fn capture(bytes: &[u8]) -> bool {
    let Ok(mut capture) = Capture::from_reader("fuzz", Cursor::new(bytes.to_vec())) else { return false };
    let (mut now, mut number) = (At::default(), 0);
    while let Some(frame) = capture.next() {
        number += 1;
        assert_eq!(frame.number, number);
        assert!(frame.at >= now, "time goes backwards");
        assert!(frame.wire_length as usize >= frame.bytes.len());
        now = frame.at;
    }
    number > 0
}

/// Frames of one link, put together and decoded: an octet for the link, then for each frame an octet for the pause
/// before it (a power of two of milliseconds), two for its length, and the frame.
pub fn frames(bytes: &[u8]) -> bool {
    let Some((link, mut rest)) = bytes.split_first() else { return false };
    let link = LINKS[usize::from(*link) % LINKS.len()];
    // Small enough for the limits to be met.
    let options = AssembleOptions {
        datagrams_max: 4,
        fragment_bytes_max: 4096,
        flows_max: 4,
        flow_bytes_max: 2048,
        stream_bytes_max: 4096,
        associations_max: 4,
        association_bytes_max: 2048,
        chunk_bytes_max: 4096,
        ..AssembleOptions::default()
    };
    let mut assembler = Assembler::new(options);
    let (mut at, mut number, mut seq, mut is_understood) = (At::default(), 0, 0, false);
    let mut told = at;
    while let Some(([pause, length @ ..], tail)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(tail.len());
        let (frame, tail) = tail.split_at(length);
        rest = tail;
        number += 1;
        at = at + Duration::from_millis(1 << (pause % 20));
        let frame = Frame { at, number, link, bytes: frame, wire_length: length as u32 };
        assembler.push(frame, &mut |pdu| {
            seq += 1;
            assert_eq!(pdu.seq, seq);
            assert!(pdu.at >= told && pdu.at <= at, "time goes backwards");
            told = pdu.at;
            is_understood |= decode(&pdu);
        });
    }
    is_understood
}

/// One direction of a TCP connection on port 5060, from its SYN on: an octet that says how it is cut, then what is sent.
/// However it is cut, turned round or repeated, the messages are the same.
pub fn stream(bytes: &[u8]) -> bool {
    let Some((how, stream)) = bytes.split_first() else { return false };
    let stream = &stream[..stream.len().min(60_000)];
    let whole = messages(&[(0, stream)]);
    let size = 16 + 8 * usize::from(how & 0x3f);
    let parts = stream.chunks(size).enumerate().map(|(place, part)| (place * size, part));
    let mut parts: Vec<_> =
        if how & 0x80 == 0 { parts.collect() } else { parts.flat_map(|part| [part, part]).collect() };
    if how & 0x40 != 0 {
        parts.chunks_mut(3).for_each(<[_]>::reverse);
    }
    let cut = messages(&parts);
    // Where WebSocket makes no sense, it is looked for at the next segment.
    if whole.is_sound && cut.is_sound {
        assert_eq!(whole.messages, cut.messages);
    }
    !whole.messages.is_empty()
}

/// What follows a handshake of WebSocket, as [`stream`] has it.
pub fn websocket(bytes: &[u8]) -> bool {
    let handshake =
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
    let Some((how, frames)) = bytes.split_first() else { return false };
    stream(&[&[*how], &handshake[..], frames].concat())
}

/// What segments were put together to.
struct Together {
    messages: Vec<Vec<u8>>,
    is_sound: bool,
}

/// Segments by their place in the stream, a millisecond apart.
fn messages(segments: &[(usize, &[u8])]) -> Together {
    let mut assembler = Assembler::new(AssembleOptions::default());
    let mut found = Vec::new();
    let syn = (u32::MAX - 100, 2, &[][..]);
    let data =
        segments.iter().map(|(place, part)| ((u32::MAX - 99).wrapping_add(*place as u32), 0x18, *part));
    for (number, (sequence, flags, part)) in (1..).zip([syn].into_iter().chain(data)) {
        let mut bytes = vec![0x45, 0];
        bytes.extend(u16::try_from(40 + part.len()).expect("a packet").to_be_bytes());
        bytes.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0x9c, 0x40, 0x13, 0xc4]);
        bytes.extend(sequence.to_be_bytes());
        bytes.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        bytes.extend(part);
        let at = At::from_nanos(number * 1_000_000);
        let frame = Frame { at, number, link: Link::RawIp, bytes: &bytes, wire_length: bytes.len() as u32 };
        assembler.push(frame, &mut |pdu| {
            let _ = decode(&pdu);
            found.push(pdu.bytes.to_vec());
        });
    }
    let faults = assembler.faults();
    let is_sound =
        [Kind::BadSyntax, Kind::BadLength].iter().all(|kind| faults.of(Layer::WebSocket, *kind) == 0);
    Together { messages: found, is_sound }
}

/// A packet of a capture agent.
pub fn hep(bytes: &[u8]) -> bool {
    let Ok(packet) = hep::Packet::parse(bytes) else { return false };
    if bytes.len() < 65_000 {
        let mut again = Vec::new();
        packet.emit(&mut again);
        assert_eq!(again.first_chunk().and_then(hep::length), Some(again.len()));
        assert_eq!(hep::Packet::parse(&again), Ok(packet));
    }
    true
}

/// A SIP message.
pub fn sip(bytes: &[u8]) -> bool {
    let between = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let envelope = Envelope::Sip { src: between(5060), dst: between(5061), transport: Transport::Udp };
    decode(&pdu(envelope, bytes));
    sip::Message::parse(bytes)
        .is_ok_and(|message| sip::find_call_id(bytes).expect("what was read") == message.call_id)
}

/// The value of an Identity header, alone and in a setup that is to be verified: whatever it is, it is not valid without a
/// certificate.
pub fn passport(bytes: &[u8]) -> bool {
    let head = [
        b"INVITE sip:+12155551213@b SIP/2.0\r\nFrom: <sip:+12155551212@a>;tag=1\r\nTo: <sip:+12155551213@b>\r\n\
          Call-ID: x\r\nCSeq: 1 INVITE\r\nDate: Tue, 14 Nov 2023 22:16:40 GMT\r\nIdentity: ",
        bytes,
        b"\r\n\r\n",
    ];
    let party = |digits: &[u8]| Party { number: Number::from_digits(digits).ok(), ..Party::default() };
    let question = stir::Question {
        seq: 1,
        call: CallId(1),
        at: At::from_nanos(1_700_000_200_000_000_000),
        route: RouteId::UNKNOWN,
        direction: Direction::Inbound,
        calling: party(b"12155551212"),
        called: party(b"12155551213"),
        head: head.concat().into(),
        waits: 0,
    };
    let (anchors, freshness) = (stir::Anchors::new(), Duration::from_secs(60));
    let said = match stir::case::Case::read(&question, &NETWORK) {
        Ok(case) => case.judge(|_| Err(StirReason::NoCertificate), (&anchors, freshness)),
        Err(stir) => stir,
    };
    assert!(matches!(said.verdict, StirVerdict::Invalid | StirVerdict::Unverified), "{said:?}");
    let Ok(identity) = passport::Identity::parse(bytes) else { return false };
    let token = identity.token.to_string();
    assert_eq!(passport::Token::parse(token.as_bytes()), Ok(identity.token));
    let _ = stir::fetch::checked(&String::from_utf8_lossy(identity.info));
    passport::Header::parse(identity.token.header).is_ok()
        && passport::Claims::parse(identity.token.payload).is_ok()
}

/// A certificate, in DER and in PEM.
pub fn certificate(bytes: &[u8]) -> bool {
    let _ = stir::Chain::parse(bytes);
    let Ok(read) = certificate::Certificate::parse(bytes) else { return false };
    let number = passport::number::Canonical::parse(b"12155551212").expect("a number");
    let _ = read.authority.is_some_and(|authority| authority.covers(&number));
    assert!(read.key.is_none_or(|key| key.len() == 65));
    true
}

static NETWORK: LazyLock<Network> = LazyLock::new(|| Network {
    numbering: Numbering::new(Country(*b"US")).expect("a country"),
    ..Network::unknown()
});

/// A SIP message through a proxy, there and back: what goes on is the same message, and the same whenever it is sent again.
pub fn sip_forward(bytes: &[u8]) -> bool {
    let own = [SocketAddr::from(([192, 0, 2, 1], 5060)), SocketAddr::from(([192, 0, 2, 2], 5060))];
    let mut back = Vec::new();
    if let Some(next) = forward::backward(bytes, &mut back) {
        let _ = sip::place::response_address(next);
        assert!(back.len() < bytes.len());
    }
    let Ok(before) = sip::Message::parse(bytes) else { return false };
    let branch = forward::Branch::of(Seed(1), &before, own[0]);
    let _ = branch.is_loop(bytes, &own);
    let how = forward::Forward {
        source: own[1],
        sent_by: own[0],
        branch,
        own: &own,
        record_route: &own,
        extra: Some(("X-Note", "1")),
    };
    let (mut sent, mut again) = (Vec::new(), Vec::new());
    if forward::forward(bytes, &how, &mut sent).is_err() {
        assert!(sent.is_empty());
        return false;
    }
    assert!(forward::forward(bytes, &how, &mut again).is_ok() && sent == again);
    // The lines added may be those too many.
    let Ok(after) = sip::Message::parse(&sent) else { return true };
    assert_eq!((after.start, after.call_id, after.cseq), (before.start, before.call_id, before.cseq));
    let via = forward::top_via(&after).expect("ours");
    assert_eq!(forward::Branch::transaction_of(via), Some(branch.transaction));
    true
}

/// An ISUP message, from its circuit identification code on.
pub fn isup(bytes: &[u8]) -> bool {
    let label = RoutingLabel { standard: Mtp::Itu, opc: 1, dpc: 2, network_indicator: 2, sls: 3 };
    let Ok(message) = isup::Message::parse(bytes) else { return false };
    if let Ok(iam) = isup::iam::Iam::parse(&message) {
        let mut again = Vec::new();
        iam.repr.emit(message.cic, &mut again);
        let message = isup::Message::parse(&again).expect("what was emitted");
        let lax = isup::iam::Iam::parse(&message).expect("what was emitted");
        assert_eq!((lax.repr, lax.fault), (iam.repr, None));
    }
    decode(&pdu(Envelope::Isup { label, part: UserPart::Isup }, bytes))
}

/// An M3UA message.
pub fn m3ua(bytes: &[u8]) -> bool {
    let read =
        |bytes| m3ua::Message::parse(bytes).and_then(|message| message.protocol_data(MtpPlan::default()));
    let Ok(data) = read(bytes) else {
        let draft = m3ua::Message::parse(bytes).and_then(|message| message.draft_data(MtpPlan::default()));
        return draft.is_ok();
    };
    if data.user.len() < 65_000 {
        let mut again = Vec::new();
        data.emit(&mut again);
        let again =
            m3ua::Message::parse(&again).and_then(|message| message.protocol_data(MtpPlan::default()));
        assert_eq!(again, Ok(data));
    }
    true
}

/// An M2PA message.
pub fn m2pa(bytes: &[u8]) -> bool {
    let Ok(data) = m2pa::UserData::parse(bytes) else { return false };
    if let Some(data) = data {
        let mut again = Vec::new();
        data.emit(&mut again);
        assert_eq!(m2pa::UserData::parse(&again), Ok(Some(data)));
    }
    true
}

/// An M2UA message.
pub fn m2ua(bytes: &[u8]) -> bool {
    let Ok(data) = m2ua::Data::parse(bytes) else { return false };
    if let Some(data) = data.filter(|data| data.mtp3.len() < 65_000) {
        let mut again = Vec::new();
        data.emit(&mut again);
        assert_eq!(m2ua::Data::parse(&again), Ok(Some(data)));
    }
    true
}

/// A message of any adaptation layer, with its parameters.
pub fn sigtran(bytes: &[u8]) -> bool {
    let Ok(message) = sigtran::Message::parse(Layer::Sua, bytes) else { return false };
    let mut again = Vec::new();
    let mut count = 0;
    for parameter in message.parameters() {
        count += 1;
        assert!(count <= bytes.len() / 4, "a parameter is at least four octets");
        let Ok(sigtran::Parameter { tag, value }) = parameter else { return true };
        sigtran::Parameter::emit(tag, value, &[], &mut again);
    }
    let mut whole = Vec::new();
    sigtran::emit_header(message.class, message.kind, again.len(), &mut whole);
    whole.extend(again);
    let again = sigtran::Message::parse(Layer::Sua, &whole).expect("what was emitted");
    assert_eq!(again.parameters().count(), message.parameters().count());
    true
}

/// An MTP signal unit: an octet for the link, then the unit.
pub fn mtp(bytes: &[u8]) -> bool {
    let Some((link, unit)) = bytes.split_first() else { return false };
    let Ok(Some(unit)) = mtp3::strip_link(LINKS[usize::from(*link) % LINKS.len()], unit) else {
        return false;
    };
    let mut is_understood = false;
    for plan in [Mtp::Ansi, Mtp::China, Mtp::Itu].map(MtpPlan::all) {
        let Ok(message) = mtp3::Message::parse(unit, plan) else { continue };
        let mut again = Vec::new();
        message.emit(&mut again);
        assert_eq!(mtp3::Message::parse(&again, plan), Ok(message));
        is_understood = true;
    }
    is_understood
}

/// An SCTP packet.
pub fn sctp(bytes: &[u8]) -> bool {
    let Ok((_, chunks)) = sctp::Header::parse(bytes) else { return false };
    let (mut count, mut is_understood) = (0, false);
    for chunk in chunks {
        count += 1;
        assert!(count <= bytes.len() / 4, "a chunk is at least four octets");
        let Ok(chunk) = chunk else { break };
        if let Ok(Some(Control::Forward(forward))) = Control::parse(chunk) {
            assert!(forward.streams().count() <= chunk.value.len() / 4);
        }
        let mut again = vec![0; 12];
        if let Ok(data) = sctp::Data::parse(chunk) {
            data.emit(&mut again);
            assert_eq!(sctp::Data::parse(first_chunk(&again)), Ok(data));
            is_understood = true;
        }
        again.truncate(12);
        if let Ok(data) = InterleavedData::parse(chunk) {
            data.emit(&mut again);
            assert_eq!(InterleavedData::parse(first_chunk(&again)), Ok(data));
        }
    }
    is_understood
}

fn first_chunk(packet: &[u8]) -> sctp::Chunk<'_> {
    let (_, mut chunks) = sctp::Header::parse(packet).expect("what was emitted");
    chunks.next().expect("what was emitted").expect("what was emitted")
}

/// A datagram of the kernel's packet queue.
pub fn nfnetlink(bytes: &[u8]) -> bool {
    let mut is_understood = false;
    for message in nfnetlink::messages(bytes) {
        let Ok(nfnetlink::Message::Packet(packet)) = message else { continue };
        let mut again = Vec::new();
        nfnetlink::put_packet(&mut again, 0, &packet);
        let read = nfnetlink::messages(&again).next();
        assert_eq!(read, Some(Ok(nfnetlink::Message::Packet(packet))));
        is_understood = true;
    }
    is_understood
}

/// An IP packet in the path, masked, refused, diverted and allowed by turns.
pub fn inline_sip(bytes: &[u8]) -> bool {
    let block = Treatment::Block { sip: 603, q850: 21, reason: Arc::from("fuzz") };
    let divert = Treatment::Divert { target: Arc::from("sip:a@b") };
    let mut is_understood = false;
    for treatment in [Treatment::Mask, block, divert, Treatment::Allow] {
        let mut judge = SipJudge::new(Arc::clone(&CONTEXT.network), SipOptions::default());
        // The packet, and again: what is remembered of it.
        for _ in 0..2 {
            let mut work = Work::default();
            let mut look = judge.look(At::default(), bytes, &mut work);
            if look == Look::Held {
                is_understood = true;
                let key = work.questions.first().map_or(0, |question| question.key);
                let answered = inline::Answered { key, treatment: treatment.clone() };
                work.clear();
                look = Look::Done(judge.rule(At::default(), bytes, &[answered], &mut work));
            }
            let replaced = (look == Look::Done(Ruling::Replace)).then_some(&work.packet);
            for packet in work.forged.iter().chain(replaced) {
                assert!(matches!(Seen::of(packet), Seen::Datagram(_)), "a packet that nobody can read");
            }
        }
    }
    is_understood
}

/// IP packets in the path of two exchanges: for each an octet for the ruling about its calls and the pause before it, two
/// for its length, and the packet.
pub fn inline_isup(bytes: &[u8]) -> bool {
    // Small enough for the limits to be met.
    let options = Options { mtu: 200, circuits_max: 4, flows_max: 3, ..Options::default() };
    let mut rewriter = Rewriter::new(options, Arc::clone(&CONTEXT.network));
    let (mut at, mut rest, mut is_understood) = (At::default(), bytes, false);
    while let Some(([how, length @ ..], tail)) = rest.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(tail.len());
        let (packet, tail) = tail.split_at(length);
        rest = tail;
        at = at + Duration::from_millis(1 << (how >> 2 & 15));
        let questions = rewriter.questions(at, packet);
        let treatment = match how & 3 {
            0 => Treatment::Allow,
            1 => Treatment::Mask,
            q850 => Treatment::Block { sip: 603, q850, reason: "fuzz".into() },
        };
        let rulings: Vec<_> = questions
            .iter()
            .map(|question| Answered { tsn: question.tsn, treatment: treatment.clone() })
            .collect();
        is_understood |= !questions.is_empty();
        let outcome = rewriter.handle(at, packet, &rulings, |_, pdu| is_understood |= pdu.bytes.len() >= 3);
        if let Outcome::Replace(other) = &outcome {
            let ip = Ip::parse(other).expect("what was made");
            assert!(sctp::is_sealed(ip.payload));
            assert!(other.len() <= packet.len().max(options.mtu));
        }
        rewriter.handle(at, packet, &[], |_, _| {});
    }
    is_understood
}

/// A file of rules.
pub fn rule(bytes: &[u8]) -> bool {
    let source = Source { path: "fuzz.toml".into(), text: String::from_utf8_lossy(bytes).into_owned() };
    match Ruleset::compile(&[source], &FIELDS) {
        Ok(rules) => {
            let mut evidence = Evidence::new();
            for index in 0..rules.rules().len() {
                for value in [Value::Unknown, Value::Bool(true)] {
                    rules.matches(index as u16, &Same(value), &mut evidence);
                }
            }
            true
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            assert!(errors.iter().all(|error| !error.to_string().is_empty()));
            false
        }
    }
}

/// A message as a person sees it: an octet that says which protocol, then the message. Nothing a terminal would obey may
/// come out.
pub fn inspect(bytes: &[u8]) -> bool {
    let Some((which, bytes)) = bytes.split_first() else { return false };
    let label = RoutingLabel { standard: Mtp::Itu, opc: 1, dpc: 2, network_indicator: 2, sls: 3 };
    let (src, dst) = (SocketAddr::from((Ipv4Addr::LOCALHOST, 1)), SocketAddr::from((Ipv4Addr::LOCALHOST, 2)));
    let envelope = match which % 3 {
        0 => Envelope::Sip { src, dst, transport: Transport::Udp },
        1 => Envelope::Isup { label, part: UserPart::Isup },
        _ => Envelope::Isup { label, part: UserPart::Bicc },
    };
    let mut follower = Follower::new(&CONTEXT.network, CallOptions::default());
    let (pdu, mut ladder, mut shown) = (pdu(envelope, bytes), Ladder::new(4), Vec::new());
    let entry = follower.take(&pdu, &mut Vec::new());
    ladder.push(&entry);
    shown.extend(ladder.draw(Paper { width: 100, ascii: false }).into_iter().map(|line| line.text));
    let said = &entry.said;
    shown.push(said.kind.to_string());
    shown.extend(said.from.iter().chain(&said.to).map(ToString::to_string));
    shown.extend(said.facts.iter().map(|(_, value)| value.to_string()));
    Said::detail(&pdu, &mut |line| shown.push(line.to_string()));
    let drawing = |mark: char| "…│─▶◀↻→".contains(mark);
    assert!(shown.iter().all(|text| text.chars().all(|mark| is_plain(mark) || drawing(mark))), "{shown:?}");
    let facts = MessageFacts::new(&entry, &CONTEXT.network);
    for index in 0..message_fields::FIELDS.len() as u16 {
        let _ = (facts.value(FieldId(index)), facts.text(FieldId(index)).map(<[u8]>::len));
    }
    said.faults.is_empty()
}

/// A condition about messages.
pub fn filter(bytes: &[u8]) -> bool {
    match Condition::parse("--filter", &String::from_utf8_lossy(bytes), &message_fields::FIELDS) {
        Ok(condition) => {
            let _ = condition.matches(&Same(Value::Unknown));
            true
        }
        Err(errors) => {
            assert!(!errors.is_empty() && errors.iter().all(|error| !error.to_string().is_empty()));
            false
        }
    }
}

/// A network file.
pub fn network(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut findings = Findings::new("fuzz.toml", &text);
    RawNetwork::read(&text, &mut findings);
    all_shown(findings.into_sorted())
}

/// The roaming states of subscribers.
pub fn roaming(bytes: &[u8]) -> bool {
    let read = parse_roaming("fuzz.csv", &String::from_utf8_lossy(bytes), &CONTEXT.network.numbering);
    all_shown(read.err().unwrap_or_default())
}

/// A rate card.
pub fn rate_card(bytes: &[u8]) -> bool {
    all_shown(RateCard::parse("fuzz.csv", &String::from_utf8_lossy(bytes)).err().unwrap_or_default())
}

/// Shows every finding; whether there was none.
fn all_shown(findings: Vec<Caret>) -> bool {
    assert!(findings.iter().all(|finding| !finding.to_string().is_empty()));
    findings.is_empty()
}

/// The same value in every field, whether it fits or not.
struct Same(Value);

impl Facts for Same {
    fn value(&self, _: FieldId) -> Value {
        self.0
    }
}

fn pdu(envelope: Envelope, bytes: &[u8]) -> Pdu<'_> {
    Pdu { at: At::default(), seq: 1, frame: 1, envelope, bytes }
}

static CONTEXT: LazyLock<Context> = LazyLock::new(|| {
    let home = Country::parse("PL").expect("a country");
    let network = Network {
        routes: Routes::new(Vec::new()),
        numbering: Numbering::new(home).expect("a country with a plan"),
        roaming: RoamingStates::default(),
        emergency: vec!["112".into()],
        ..Network::unknown()
    };
    Context { network: Arc::new(network), seed: Seed(1) }
});

/// Decodes a whole message; one that is a signal has a shard.
fn decode(pdu: &Pdu<'_>) -> bool {
    let key = signal::key(pdu, CONTEXT.seed);
    let is_signal = matches!(signal::decode(pdu, &CONTEXT, &mut Counts::default()), Ok(Some(_)));
    assert!(!is_signal || key != Key::None);
    is_signal
}
