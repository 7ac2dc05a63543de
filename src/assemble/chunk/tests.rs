use proptest::prelude::*;

use super::*;
use crate::assemble::{AssembleOptions, Assembler};
use crate::base::frame::{Envelope, Frame, Link, Mtp, RoutingLabel, Transport, UserPart};
use crate::wire::m2pa::UserData;
use crate::wire::m3ua::ProtocolData;
use crate::wire::net::{SCTP, build};
use crate::wire::sctp::Data;
use crate::wire::sctp::interleaved::InterleavedData;
use crate::wire::{m2ua, mtp3, sctp};

const LABEL: RoutingLabel =
    RoutingLabel { standard: Mtp::Itu, opc: 200, dpc: 400, network_indicator: 2, sls: 5 };
const WHOLE: (bool, bool) = (true, true);
const INVITE: &[u8] = b"INVITE sip:a SIP/2.0\r\nl: 0\r\n\r\n";

fn m3ua(user: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    ProtocolData { label: LABEL, service_indicator: 5, priority: 0, user }.emit(&mut bytes);
    bytes
}

fn level_3(user: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    mtp3::Message { service_indicator: 5, label: LABEL, user }.emit(&mut bytes);
    bytes
}

fn data(tsn: u32, (first, last): (bool, bool), payload: &[u8]) -> Data<'_> {
    Data { tsn, stream: 1, stream_sequence: 0, protocol: 3, first, last, unordered: false, payload }
}

/// A tag as it is drawn.
const TAG: u32 = 0x1f2e_3d4c;

/// A wire with an assembler at its end.
struct Wire {
    assembler: Assembler,
    /// Milliseconds.
    now: u64,
    src: [u8; 4],
    ports: (u16, u16),
}

impl Default for Wire {
    fn default() -> Self {
        Self::new(AssembleOptions::default())
    }
}

impl Wire {
    fn new(options: AssembleOptions) -> Self {
        Self { assembler: Assembler::new(options), now: 0, src: [192, 0, 2, 1], ports: (2906, 2905) }
    }

    fn packet(&self, tag: u32, emit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut packet = Vec::new();
        Header { src_port: self.ports.0, dst_port: self.ports.1, verification_tag: tag }.emit(&mut packet);
        emit(&mut packet);
        packet
    }

    /// The user parts of the messages that come out.
    fn push(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        self.send(packet).into_iter().map(|(_, bytes)| bytes).collect()
    }

    fn send(&mut self, packet: &[u8]) -> Vec<(Envelope, Vec<u8>)> {
        let mut datagram = build::ipv4(SCTP, packet);
        datagram[12..16].copy_from_slice(&self.src);
        let wire_length = datagram.len() as u32;
        let at = At::from_nanos(self.now * 1_000_000);
        let frame = Frame { at, number: 1, link: Link::RawIp, bytes: &datagram, wire_length };
        let mut found = Vec::new();
        self.assembler.push(frame, &mut |pdu| found.push((pdu.envelope, pdu.bytes.to_vec())));
        found
    }

    fn data(&mut self, tag: u32, chunks: &[Data<'_>]) -> Vec<Vec<u8>> {
        let packet = self.packet(tag, |packet| chunks.iter().for_each(|chunk| chunk.emit(packet)));
        self.push(&packet)
    }

    /// One chunk with one message, by number and stream sequence number.
    fn one(&mut self, tsn: u32, stream_sequence: u16) -> Vec<Vec<u8>> {
        let message = m3ua(&[stream_sequence as u8]);
        self.data(TAG, &[Data { stream_sequence, ..data(tsn, WHOLE, &message) }])
    }

    /// A chunk of another kind.
    fn other(&mut self, tag: u32, kind: u8, flags: u8, value: &[u8]) -> Vec<Vec<u8>> {
        let packet = self.packet(tag, |packet| {
            packet.extend([kind, flags, 0, 4 + value.len() as u8]);
            packet.extend_from_slice(value);
        });
        self.push(&packet)
    }

    /// Sends in the other direction from here on.
    fn turn(&mut self) {
        self.ports = (self.ports.1, self.ports.0);
    }

    fn faults(&self, kind: Kind) -> u64 {
        self.assembler.faults().of(Layer::Sctp, kind)
    }
}

#[test]
fn several_chunks_of_a_packet_and_none_twice() {
    let mut wire = Wire::default();
    let (a, b, c) = (m3ua(b"a"), m3ua(b"bb"), m3ua(b"ccc"));
    let chunks = [data(5, WHOLE, &a), data(6, WHOLE, &b), data(7, WHOLE, &c)];
    assert_eq!(wire.data(1, &chunks), [&b"a"[..], b"bb", b"ccc"]);
    assert_eq!(wire.data(1, &chunks[1..]), [b""; 0]);
    assert_eq!(wire.faults(Kind::Duplicate), 2);
    // Another association, and this one opened again.
    assert_eq!(wire.data(2, &chunks[..1]), [b"a"]);
    assert_eq!(wire.data(1, &[data(5 + 5000, WHOLE, &a)]), [b"a"]);
    assert_eq!(wire.data(1, &[data(5, WHOLE, &a)]), [b"a"]);
}

#[test]
fn another_path_is_the_same_association() {
    let mut wire = Wire::default();
    assert_eq!(wire.one(5, 0), [[0]]);
    assert_eq!(wire.one(7, 2), [[0; 0]; 0]);
    wire.src = [198, 51, 100, 1];
    assert_eq!(wire.one(5, 0), [[0; 0]; 0], "sent again");
    assert_eq!(wire.one(6, 1), [[1], [2]]);
    assert_eq!((wire.faults(Kind::Duplicate), wire.assembler.chunks.associations.len()), (1, 1));
}

#[test]
fn the_same_tag_between_others_is_another_association() {
    let mut wire = Wire::default();
    assert_eq!(wire.one(5, 0), [[0]]);
    wire.src = [198, 51, 100, 1];
    assert_eq!(wire.one(50_000, 9), [[9]]);
    assert_eq!(wire.one(50_001, 10), [[10]]);
    wire.src = [192, 0, 2, 1];
    assert_eq!(wire.one(6, 1), [[1]]);
    assert_eq!(wire.assembler.chunks.associations.len(), 2);
    assert_eq!(wire.assembler.faults().nonzero().count(), 0);
}

#[test]
fn a_tag_that_was_not_drawn_says_nothing_of_other_addresses() {
    let mut wire = Wire::default();
    let message = m3ua(b"a");
    for (src, tag) in [(1, 0), (2, 0), (1, 7), (2, 7)] {
        wire.src[3] = src;
        assert_eq!(wire.data(tag, &[data(5, WHOLE, &message)]), [b"a"], "{src} {tag}");
        assert_eq!(wire.data(tag, &[data(5, WHOLE, &message)]), [b""; 0], "{src} {tag}");
    }
}

#[test]
fn what_is_sent_again_comes_in_its_place() {
    let mut wire = Wire::default();
    assert_eq!(wire.one(5, 0), [[0]]);
    assert_eq!(wire.one(7, 2), [[0; 0]; 0]);
    assert_eq!(wire.one(8, 3), [[0; 0]; 0]);
    wire.now = 290;
    assert_eq!(wire.one(6, 1), [[1], [2], [3]]);
    assert_eq!(wire.assembler.faults().nonzero().count(), 0);
}

#[test]
fn what_never_comes_is_waited_for_in_vain_only_so_long() {
    let mut wire = Wire::default();
    assert_eq!(wire.one(5, 0), [[0]]);
    wire.now = 100;
    assert_eq!(wire.one(7, 2), [[0; 0]; 0]);
    let mut found = Vec::new();
    let mut at = |millis: u64, found: &mut Vec<_>| {
        wire.assembler
            .tick(At::from_nanos(millis * 1_000_000), &mut |pdu| found.push((pdu.at, pdu.bytes.to_vec())));
    };
    at(399, &mut found);
    assert_eq!(found, []);
    at(9000, &mut found);
    assert_eq!(found, [(At::from_nanos(400_000_000), vec![2])]);
    wire.now = 9000;
    assert_eq!(wire.one(8, 3), [[3]]);
    assert_eq!(wire.one(6, 1), [[1]], "too late, but not lost");
    assert_eq!(wire.faults(Kind::Gap), 1);
}

#[test]
fn an_unordered_message_waits_for_nothing() {
    let mut wire = Wire::default();
    assert_eq!(wire.one(5, 0), [[0]]);
    let message = m3ua(b"now");
    let chunk = Data { unordered: true, stream_sequence: 99, ..data(9, WHOLE, &message) };
    assert_eq!(wire.data(TAG, &[chunk]), [b"now"]);
    assert_eq!(wire.one(6, 1), [[1]]);
}

#[test]
fn other_protocols_keep_their_places_in_a_stream() {
    let mut wire = Wire::default();
    assert_eq!(wire.one(5, 0), [[0]]);
    let other = Data { protocol: 46, stream_sequence: 1, ..data(6, WHOLE, b"diameter") };
    assert_eq!(wire.data(TAG, &[other]), [[0; 0]; 0]);
    assert_eq!(wire.one(7, 2), [[2]]);
    assert_eq!(wire.assembler.skips().of(Skip::SctpOther), 1);
}

#[test]
fn an_end_or_a_beginning_forgets_what_was() {
    for (kind, flags, value) in [(6, 0, &[][..]), (14, 1, &[]), (8, 0, &[]), (2, 0, &[0, 0, 0, 8])] {
        let mut wire = Wire::default();
        assert_eq!(wire.one(5, 0), [[0]]);
        assert_eq!(wire.one(7, 2), [[0; 0]; 0]);
        // The other side, which knows no better, sends our tag back.
        if flags == 1 {
            wire.turn();
        }
        assert_eq!(wire.other(TAG, kind, flags, value), [[2]], "{kind}");
        if flags == 1 {
            wire.turn();
        }
        assert_eq!(wire.one(5, 0), [[0]], "{kind}");
    }
    let mut wire = Wire::default();
    assert_eq!(wire.one(5, 0), [[0]]);
    wire.other(9, 6, 0, &[]);
    assert_eq!(wire.one(5, 0), [[0; 0]; 0], "the tag of another");
}

#[test]
fn what_the_sender_gives_up_on_is_not_waited_for() {
    let mut wire = Wire::default();
    assert_eq!(wire.one(5, 0), [[0]]);
    assert_eq!(wire.one(8, 3), [[0; 0]; 0]);
    assert_eq!(wire.data(TAG, &[data(6, (true, false), b"half")]), [[0; 0]; 0]);
    assert_eq!(wire.other(TAG, 192, 0, &[0, 0, 0, 7, 0, 1, 0, 2]), [[3]]);
    assert_eq!(wire.faults(Kind::Gap), 1);
    assert_eq!(wire.assembler.chunks.associations.oldest().unwrap().1.cost(), 8);
}

#[test]
fn interleaved_fragments_are_put_together_by_message() {
    let mut wire = Wire::default();
    let messages = [m3ua(b"one one one"), m3ua(b"two two two")];
    let mut tsn = u32::MAX - 2;
    let mut chunk = |message: usize, fragment: usize| {
        let payload = messages[message].chunks(12).nth(fragment).unwrap();
        let last = fragment + 1 == messages[message].len().div_ceil(12);
        let protocol = (fragment == 0).then_some(3);
        tsn = tsn.wrapping_add(1);
        let (message, fragment) = (message as u32, fragment as u32);
        let unordered = false;
        InterleavedData { tsn, stream: 0, message, protocol, fragment, last, unordered, payload }
    };
    let chunks = [chunk(0, 0), chunk(1, 0), chunk(1, 2), chunk(0, 2), chunk(1, 1), chunk(0, 1)];
    let mut found = Vec::new();
    for chunk in chunks {
        let packet = wire.packet(1, |packet| chunk.emit(packet));
        found.push(wire.push(&packet));
    }
    let last = found.pop().unwrap();
    // The first message of a stream that is seen begins it; the other came whole before it.
    assert_eq!((found.concat(), last), (vec![b"two two two".to_vec()], vec![b"one one one".to_vec()]));
    assert_eq!(wire.assembler.faults().nonzero().count(), 0);
}

#[test]
fn other_payload_protocols_are_skipped() {
    let mut wire = Wire::default();
    let other = Data { protocol: 46, ..data(1, WHOLE, b"diameter") };
    assert_eq!(wire.data(1, &[other]), [b""; 0]);
    let unnamed = m3ua(b"a");
    assert_eq!(wire.data(1, &[Data { protocol: 0, ..data(2, WHOLE, &unnamed) }]), [b"a"]);
    assert_eq!(wire.assembler.skips().of(Skip::SctpOther), 1);
    wire.ports = (1000, 1001);
    assert_eq!(wire.data(3, &[Data { protocol: 0, ..data(2, WHOLE, b"what") }]), [b""; 0]);
    assert_eq!(wire.data(3, &[Data { protocol: 0, ..data(2, WHOLE, &unnamed) }]), [b"a"], "by its header");
    assert_eq!(wire.data(3, &[Data { protocol: 0, ..data(3, WHOLE, b"what") }]), [b""; 0]);
    assert_eq!(wire.assembler.skips().of(Skip::SctpOther), 3);
}

#[test]
fn each_adaptation_layer_is_read_or_counted() {
    let mut wire = Wire::default();
    let (mut m2pa, mut m2ua) = (Vec::new(), Vec::new());
    UserData { backward: 1, forward: 2, priority: 0, mtp3: &level_3(b"pa") }.emit(&mut m2pa);
    m2ua::Data { interface: Some(7), is_ttc: false, mtp3: &level_3(b"ua") }.emit(&mut m2ua);
    let mut tsn = 0;
    let mut say = |wire: &mut Wire, protocol, payload: &[u8]| {
        tsn += 1;
        wire.data(1, &[Data { protocol, ..data(tsn, WHOLE, payload) }])
    };
    assert_eq!(say(&mut wire, 5, &m2pa), [b"pa"]);
    assert_eq!(say(&mut wire, 2, &m2ua), [b"ua"]);
    assert_eq!(say(&mut wire, 0, &m2pa), [b"pa"], "by its class");
    for (protocol, bytes) in
        [(4, [1, 0, 7, 1, 0, 0, 0, 8]), (1, [1, 0, 5, 1, 0, 0, 0, 8]), (3, [1, 0, 3, 1, 0, 0, 0, 8])]
    {
        assert_eq!(say(&mut wire, protocol, &bytes), [b""; 0]);
    }
    assert_eq!(say(&mut wire, 3, &[1, 0, 99, 1, 0, 0, 0, 8]), [b""; 0]);
    assert_eq!(say(&mut wire, 3, &[2, 0, 3, 1, 0, 0, 0, 8]), [b""; 0]);
    let counted: Vec<_> = wire.assembler.skips().messages().collect();
    let expected = [
        ("iua", "qptm_data_req", 1),
        ("m2pa", "user_data", 2),
        ("m2ua", "maup_data", 1),
        ("m3ua", "other", 1),
        ("m3ua", "aspsm_up", 1),
        ("sua", "cl_cldt", 1),
    ];
    assert_eq!(counted, expected);
    assert_eq!(wire.assembler.faults().nonzero().collect::<Vec<_>>(), [("m3ua", "unsupported", 1)]);
}

#[test]
fn sip_comes_over_sctp() {
    let mut wire = Wire { ports: (40_000, 5060), ..Wire::default() };
    let (head, tail) = INVITE.split_at(9);
    let sip = |tsn, ends, payload| Data { protocol: 0, ..data(tsn, ends, payload) };
    let packet = wire.packet(1, |packet| sip(1, WHOLE, INVITE).emit(packet));
    let found = wire.send(&packet);
    let [(Envelope::Sip { src, transport: Transport::Sctp, .. }, bytes)] = &found[..] else {
        panic!("{found:?}")
    };
    assert_eq!((src.to_string(), &bytes[..]), ("192.0.2.1:40000".to_owned(), INVITE));
    wire.ports = (40_000, 40_001);
    assert_eq!(wire.data(2, &[sip(1, (true, false), head), sip(2, (false, true), tail)]), [b""; 0]);
    assert_eq!(wire.data(2, &[sip(3, WHOLE, INVITE)]), [INVITE]);
}

#[test]
fn a_wrong_checksum_is_counted_and_the_message_read() {
    let mut wire = Wire::default();
    let message = m3ua(b"a");
    let mut packet = wire.packet(1, |packet| data(1, WHOLE, &message).emit(packet));
    sctp::seal(&mut packet);
    assert_eq!(wire.push(&packet), [b"a"]);
    let mut packet = wire.packet(1, |packet| data(2, WHOLE, &message).emit(packet));
    packet[8..12].copy_from_slice(&[1, 2, 3, 4]);
    assert_eq!(wire.push(&packet), [b"a"]);
    assert_eq!(wire.assembler.faults().nonzero().collect::<Vec<_>>(), [("sctp", "bad_checksum", 1)]);
    let envelope = Envelope::Isup { label: LABEL, part: UserPart::Isup };
    let packet = wire.packet(1, |packet| data(3, WHOLE, &message).emit(packet));
    assert_eq!(wire.send(&packet), [(envelope, b"a".to_vec())]);
}

#[test]
fn floods_stay_within_bounds() {
    let options = AssembleOptions {
        associations_max: 8,
        association_bytes_max: 3000,
        chunk_bytes_max: 5000,
        ..AssembleOptions::default()
    };
    let mut wire = Wire::new(options);
    let message = m3ua(&[7; 100]);
    for step in 0..3000_u32 {
        wire.now = u64::from(step);
        wire.src[3] = step as u8;
        wire.data(TAG + step % 30, &[data(step * 2, (true, false), &[1; 500])]);
        wire.src[3] = 0;
        wire.data(1, &[data(step * 3, (false, false), &[1; 100])]);
        let ahead =
            Data { stream: step as u16, stream_sequence: step as u16 % 7, ..data(step * 5, WHOLE, &message) };
        wire.data(2, &[ahead, Data { tsn: step * 5 + 2, stream_sequence: 9, ..ahead }]);
        let chunks = &wire.assembler.chunks;
        assert!(chunks.held <= 5000 && chunks.associations.len() <= 8 && chunks.waiting.len() <= 8);
    }
    assert!(wire.faults(Kind::Evicted) > 0 && wire.faults(Kind::TooMany) > 0);
}

proptest! {
    /// A stream of messages, cut, bundled and mixed in any way, is the same stream.
    #[test]
    fn any_fragments_bundles_and_order_give_the_stream(
        users in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..60), 1..6),
        size in 8..40_usize,
        keys in prop::collection::vec(any::<u32>(), 64),
        bundles in prop::collection::vec(1..4_usize, 64),
        (tsn, stream_sequence) in prop::sample::select(vec![(0_u32, 0_u16), (9, u16::MAX - 1), (u32::MAX - 3, 7)]),
        is_interleaved: bool,
    ) {
        let messages: Vec<_> = users.iter().map(|user| m3ua(user)).collect();
        let mut wire = Wire::default();
        // The first message of the stream, so that what follows has its place.
        let mut chunks = Vec::new();
        let mut next = tsn;
        let begun = m3ua(b"begun");
        for (sequence, message) in (0_u32..).zip(std::iter::once(&begun).chain(&messages)) {
            let count = message.len().div_ceil(size);
            for (place, payload) in message.chunks(size).enumerate() {
                let (first, last) = (place == 0, place + 1 == count);
                let mut chunk = Vec::new();
                if is_interleaved {
                    InterleavedData {
                        tsn: next, stream: 1, message: sequence.wrapping_add(tsn), protocol: first.then_some(3),
                        fragment: place as u32, last, unordered: false, payload,
                    }
                    .emit(&mut chunk);
                } else {
                    let stream_sequence = stream_sequence.wrapping_add(sequence as u16);
                    Data { stream_sequence, ..data(next, (first, last), payload) }.emit(&mut chunk);
                }
                next = next.wrapping_add(1);
                chunks.push((sequence > 0, chunk));
            }
        }
        let mut chunks: Vec<_> = keys.into_iter().zip(chunks).collect();
        chunks.sort_by_key(|(key, (follows, _))| follows.then_some(*key));
        let mut found = Vec::new();
        let mut chunks = chunks.into_iter().map(|(_, (_, chunk))| chunk).peekable();
        for count in bundles {
            if chunks.peek().is_none() {
                break;
            }
            let packet = wire.packet(1, |packet| chunks.by_ref().take(count).for_each(|chunk| packet.extend(chunk)));
            found.extend(wire.push(&packet));
        }
        let expected: Vec<_> = std::iter::once(b"begun".to_vec()).chain(users).collect();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(wire.assembler.chunks.held, 8);
        prop_assert_eq!(wire.assembler.faults().nonzero().count(), 0);
    }
}

/// What stands behind an ABORT in a packet belongs to no association (RFC 9260 §3.3.7), least of all to another that is there.
#[test]
fn nothing_behind_an_abort_counts() {
    let mut wire = Wire::default();
    let message = m3ua(b"a");
    let long = m3ua(&[0x55; 1000]);
    assert_eq!(wire.one(5, 0), [[0]]);
    wire.src = [198, 51, 100, 1];
    for (kind, flags) in [(6, 0), (8, 0), (14, 0)] {
        let packet = wire.packet(TAG + 1, |packet| {
            data(90_000, WHOLE, &message).emit(packet);
            packet.extend([kind, flags, 0, 4]);
            data(7_000_000, (true, false), &long).emit(packet);
        });
        wire.push(&packet);
    }
    wire.src = [192, 0, 2, 1];
    assert_eq!(wire.one(6, 1), [[1]]);
    assert_eq!((wire.assembler.chunks.held, wire.assembler.chunks.associations.len()), (8, 1));
}

#[test]
fn one_kept_apart_is_forgotten_at_its_end_too() {
    let mut wire = Wire::default();
    assert_eq!(wire.one(5, 0), [[0]]);
    wire.src = [198, 51, 100, 1];
    assert_eq!(wire.one(50_000, 9), [[9]]);
    assert_eq!(wire.assembler.chunks.associations.len(), 2);
    wire.other(TAG, 6, 0, b"");
    assert_eq!(wire.assembler.chunks.associations.len(), 0);
}
