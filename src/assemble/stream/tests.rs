//! Streams through an assembler, a segment a second.

use super::*;
use crate::assemble::{AssembleOptions, Assembler};
use crate::base::frame::{Frame, Link};
use crate::wire::hep;
use crate::wire::net::{TCP, build};
use crate::wire::websocket::{Header, Opcode, unmask};
use proptest::prelude::*;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// Segments, one a second: messages with the second they came out, and faults.
struct Wire {
    assembler: Assembler,
    second: u64,
    found: Vec<(u64, String)>,
}

impl Wire {
    fn new(options: AssembleOptions) -> Self {
        Self { assembler: Assembler::new(options), second: 0, found: Vec::new() }
    }

    fn send(&mut self, sequence: u32, flags: u8, payload: &[u8]) {
        self.send_over((40_000, 5060), sequence, flags, payload);
    }

    fn send_over(&mut self, ports: (u16, u16), sequence: u32, flags: u8, payload: &[u8]) {
        let bytes = build::ipv4(TCP, &build::tcp(ports, sequence, flags, payload));
        self.second += 1;
        let frame = Frame {
            at: At::from_nanos(self.second * 1_000_000_000),
            number: self.second,
            link: Link::RawIp,
            bytes: &bytes,
            wire_length: bytes.len() as u32,
        };
        let found = &mut self.found;
        self.assembler.push(frame, &mut |pdu| {
            found.push((pdu.at.nanos() / 1_000_000_000, pdu.bytes.escape_ascii().to_string()));
        });
    }

    fn messages(&self) -> Vec<&str> {
        self.found.iter().map(|(_, text)| text.as_str()).collect()
    }

    fn faults(&self) -> Vec<(&'static str, &'static str, u64)> {
        self.assembler.faults().nonzero().collect()
    }
}

fn message(name: &str) -> Vec<u8> {
    format!("INVITE sip:{name} SIP/2.0\r\nl: 4\r\n\r\nbody").into_bytes()
}

fn shown(name: &str) -> String {
    message(name).escape_ascii().to_string()
}

#[test]
fn begins_in_the_middle_at_a_start_line() {
    let mut wire = Wire::new(AssembleOptions::default());
    wire.send(7, ACK, &[b"tail of a header\r\n\r\n", &message("a")[..]].concat());
    assert_eq!((wire.messages(), wire.faults()), (vec![shown("a").as_str()], vec![]));
}

#[test]
fn other_connections_are_not_kept() {
    let mut wire = Wire::new(AssembleOptions::default());
    wire.send_over((40_000, 443), 0, SYN, b"");
    wire.send_over((40_000, 443), 1, ACK, b"\x16\x03\x01 not SIP");
    assert_eq!(wire.assembler.streams.flows.len(), 0);
    assert_eq!(wire.assembler.skips().of(Skip::TcpOther), 1);
    wire.send_over((40_000, 9999), 1, ACK, &message("a"));
    assert_eq!(wire.messages(), [shown("a")]);
}

#[test]
fn a_gap_is_given_up_at_its_deadline() {
    let mut wire = Wire::new(AssembleOptions::default());
    let (a, b) = (message("a"), message("b"));
    wire.send(99, SYN, b"");
    wire.send(100, ACK, &a[..10]);
    wire.send(100 + a.len() as u32, ACK, &b);
    wire.assembler.tick(At::from_nanos(5_999_999_999), &mut |_| unreachable!());
    assert_eq!(wire.messages(), [""; 0]);
    wire.second = 8;
    wire.send_over((1, 2), 0, ACK, b"");
    assert_eq!(wire.found, [(6, shown("b"))]);
    assert_eq!(wire.faults(), [("tcp", "gap", 1)]);
    assert_eq!(wire.assembler.streams.waiting.len(), 0);
    // What was given up comes after all: too late.
    wire.send(110, ACK, &a[10..]);
    assert_eq!(wire.faults(), [("tcp", "gap", 1), ("tcp", "duplicate", 1)]);
}

#[test]
fn the_first_copy_counts() {
    let mut wire = Wire::new(AssembleOptions::default());
    let a = message("a");
    let mut forged = a.clone();
    forged[11] = b'z';
    wire.send(99, SYN, b"");
    wire.send(105, ACK, &a[5..]);
    wire.send(100, ACK, &forged);
    wire.send(99, SYN, b"");
    wire.send(100, ACK, &a);
    assert_eq!(wire.messages(), [shown("a")]);
    assert_eq!(wire.faults(), [("tcp", "duplicate", 1), ("tcp", "overlap", 1)]);
}

#[test]
fn a_port_used_again_begins_anew() {
    let mut wire = Wire::new(AssembleOptions::default());
    wire.send(99, SYN, b"");
    wire.send(100, ACK, b"INVITE sip:");
    wire.send(150, ACK, b"behind a gap");
    wire.send(500, SYN, b"");
    wire.send(501, ACK, &message("b"));
    wire.send(3_000_000_000, ACK, &message("c"));
    assert_eq!(wire.messages(), [shown("b"), shown("c")]);
    // What the first life left is given up at its deadline; after as much silence as ends it, another takes its place.
    assert_eq!(wire.faults(), [("tcp", "gap", 2)]);
    wire.second += 40;
    wire.send(2_000_000_000, SYN, b"");
    wire.send(2_000_000_001, ACK, &message("d"));
    assert_eq!(wire.messages(), [shown("b"), shown("c"), shown("d")]);
    assert_eq!((wire.assembler.streams.held, wire.assembler.streams.waiting.len()), (0, 0));
}

#[test]
fn what_a_close_leaves_unfinished_is_counted() {
    let mut wire = Wire::new(AssembleOptions::default());
    wire.send(99, SYN, b"");
    wire.send(100, ACK | FIN, b"INVITE sip:");
    assert_eq!((wire.faults(), wire.assembler.streams.held), (vec![("tcp", "truncated", 1)], 0));
}

#[test]
fn what_a_receiver_ignores_hides_nothing() {
    let (a, b) = (message("a"), message("b"));
    let (head, tail) = a.split_at(10);
    let forged = message("forged");
    let decoys: [&dyn Fn(&mut Wire); 5] = [
        // Outside the window (RFC 9293 §3.4), twice in a row.
        &|wire| {
            wire.send(100 + (1 << 30), ACK, &forged);
            wire.send(100 + (3 << 29), ACK, b"INVITE sip:");
        },
        // A SYN within a connection (RFC 5961 §4), and data as if it counted.
        &|wire| {
            wire.send(2_000_000_000, SYN, b"");
            wire.send(2_000_000_001, ACK, &forged);
        },
        // A reset outside the window, within it, and where it is expected.
        &|wire| wire.send(2_000_000_000, RST, b""),
        &|wire| wire.send(150, RST, b""),
        &|wire| wire.send(110, RST, b""),
    ];
    for (number, decoy) in decoys.iter().enumerate() {
        let mut wire = Wire::new(AssembleOptions::default());
        wire.send(99, SYN, b"");
        wire.send(100, ACK, head);
        decoy(&mut wire);
        wire.send(110, ACK, tail);
        wire.send(100 + a.len() as u32, ACK, &b);
        let found: Vec<_> = wire.messages().into_iter().filter(|text| !text.contains("forged")).collect();
        assert_eq!(found, [shown("a"), shown("b")], "decoy {number}");
    }
}

#[test]
fn the_other_side_is_asked_whether_it_is_there() {
    let mut wire = Wire::new(AssembleOptions::default());
    let a = message("a");
    wire.send(99, SYN, b"");
    wire.send(100, ACK, &a);
    wire.send(99 + a.len() as u32, ACK, b"\0");
    wire.send(99 + a.len() as u32, ACK, b"");
    wire.send(100 + a.len() as u32, ACK, b"\r\n\r\n");
    wire.send(104 + a.len() as u32, ACK, &message("b"));
    assert_eq!((wire.messages(), wire.faults()), (vec![&shown("a")[..], &shown("b")], vec![]));
    assert_eq!(wire.assembler.skips().of(Skip::KeepAlive), 1);
}

#[test]
fn a_syn_may_bring_data() {
    let mut wire = Wire::new(AssembleOptions::default());
    wire.send(99, SYN, &message("a"));
    wire.send(99, SYN, &message("a"));
    wire.send(100 + message("a").len() as u32, ACK, &message("b"));
    assert_eq!(wire.messages(), [shown("a"), shown("b")]);
    assert_eq!(wire.faults(), [("tcp", "duplicate", 1)]);
}

#[test]
fn a_port_closed_and_used_again_begins_anew() {
    for close in [FIN, RST] {
        let mut wire = Wire::new(AssembleOptions::default());
        wire.send(99, SYN, b"");
        wire.send(100, ACK, &message("a"));
        wire.send(100 + message("a").len() as u32, ACK | close, b"");
        // So near that it might be the old connection.
        wire.send(5_000, SYN, b"");
        wire.send(5_001, ACK, &message("b"));
        assert_eq!((wire.messages(), wire.faults()), (vec![&shown("a")[..], &shown("b")], vec![]));
        assert_eq!(wire.assembler.streams.flows.len(), 1);
    }
}

/// A handshake, and two messages in one frame each.
fn websocket(mask: Option<[u8; 4]>) -> Vec<u8> {
    let mut stream = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n".to_vec();
    for name in ["a", "b"] {
        stream.extend_from_slice(&websocket_frame(mask, &message(name)));
    }
    stream
}

fn websocket_frame(mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut payload = payload.to_vec();
    let length = payload.len() as u64;
    let header = Header { is_final: true, is_extended: false, opcode: Opcode::Data, mask, length, size: 0 };
    let mut frame = Vec::new();
    header.emit(&mut frame);
    unmask(&mut payload, mask.unwrap_or_default());
    frame.extend_from_slice(&payload);
    frame
}

#[test]
fn websocket_on_any_port() {
    let stream = websocket(Some([1, 2, 3, 4]));
    let mut wire = Wire::new(AssembleOptions::default());
    wire.send_over((40_000, 80), 0, SYN, b"");
    wire.send_over((40_000, 80), 1, ACK, &stream);
    wire.send_over((80, 40_000), 1, ACK, b"HTTP/1.1 404 Not Found\r\nUpgrade: websocket\r\n\r\n");
    // Begun before the capture, from either side.
    wire.send_over((40_001, 8080), 7, ACK, &websocket_frame(Some([1, 2, 3, 4]), &message("c")));
    wire.send_over((8080, 40_001), 9, ACK, &websocket_frame(None, &message("d")));
    wire.send_over((8080, 40_002), 9, ACK, &websocket_frame(None, b"chat"));
    assert_eq!(wire.messages(), [shown("a"), shown("b"), shown("c"), shown("d")]);
    assert_eq!((wire.faults(), wire.assembler.skips().of(Skip::TcpOther)), (vec![], 2));
}

#[test]
fn http_on_a_port_of_sip_is_no_sip() {
    let mut wire = Wire::new(AssembleOptions::default());
    wire.send(99, SYN, b"");
    wire.send(100, ACK, b"GET / HT");
    wire.send(108, ACK, b"TP/1.1\r\nHost: a\r\n\r\n");
    wire.send(127, ACK, &message("a"));
    assert_eq!((wire.messages(), wire.faults()), (vec![&shown("a")[..]], vec![("sip", "not_recognised", 1)]));
}

#[test]
fn a_capture_agent_is_heard() {
    let packet = hep::Packet {
        src: "192.0.2.1:5060".parse().unwrap(),
        dst: "192.0.2.2:5060".parse().unwrap(),
        ip_protocol: 17,
        at: None,
        protocol: hep::SIP,
        agent: 1,
        key: None,
        correlation: None,
        payload: hep::Payload::Plain(b"BYE sip:a SIP/2.0\r\n\r\n"),
    };
    let mut stream = Vec::new();
    packet.emit(&mut stream);
    hep::Packet { protocol: 5, ..packet }.emit(&mut stream);
    packet.emit(&mut stream);
    let mut wire = Wire::new(AssembleOptions::default());
    let mut sequence = 1;
    for part in stream.chunks(50) {
        wire.send_over((40_000, 9060), sequence, ACK, part);
        sequence += part.len() as u32;
    }
    assert_eq!(wire.messages(), [r"BYE sip:a SIP/2.0\r\n\r\n"; 2]);
    assert_eq!((wire.faults(), wire.assembler.skips().of(Skip::HepOther)), (vec![], 1));
}

#[test]
fn floods_stay_within_bounds() {
    let options =
        AssembleOptions { flows_max: 8, flow_bytes_max: 2000, stream_bytes_max: 5000, ..Default::default() };
    let mut wire = Wire::new(options);
    for step in 0..2000_u32 {
        wire.second = 0;
        wire.send_over((step as u16, 5060), step, ACK, b"INVITE sip:a");
        wire.send_over((step as u16, 5060), step + 100, ACK, &[b'x'; 900]);
        wire.send_over((1, 5060), step.wrapping_mul(7919) % 60_000, ACK, b"yyy");
        let streams = &wire.assembler.streams;
        assert!(streams.held <= 5000 && streams.flows.len() <= 8 && streams.waiting.len() <= 8);
    }
    assert!(wire.assembler.faults().of(Layer::Tcp, Kind::Evicted) > 1000);
}

proptest! {
    #[test]
    fn any_order_of_segments_gives_the_same(
        names in prop::collection::vec("[a-z]{1,20}", 1..6),
        cuts in prop::collection::btree_set(1..200_usize, 0..20),
        keys in prop::collection::vec(any::<u32>(), 21),
        first in prop::sample::select(vec![0_u32, 77, u32::MAX - 50]),
        twice: bool,
    ) {
        let stream: Vec<u8> = names.iter().flat_map(|name| message(name)).collect();
        let mut edges: Vec<usize> = cuts.into_iter().filter(|cut| *cut < stream.len()).collect();
        edges.insert(0, 0);
        edges.push(stream.len());
        let parts = edges.windows(2).map(|edge| (edge[0], &stream[edge[0]..edge[1]]));
        let mut parts: Vec<_> = keys.into_iter().zip(parts).collect();
        parts.sort_unstable();
        let wait = Duration::from_secs(1000);
        let mut wire = Wire::new(AssembleOptions { gap_wait: wait, ..AssembleOptions::default() });
        wire.send(first.wrapping_sub(1), SYN, b"");
        for (_, (start, part)) in parts {
            for _ in 0..=u8::from(twice) {
                wire.send(first.wrapping_add(start as u32), ACK, part);
            }
        }
        let expected: Vec<String> = names.iter().map(|name| shown(name)).collect();
        prop_assert_eq!(wire.messages(), expected);
        prop_assert_eq!((wire.assembler.streams.held, wire.assembler.streams.waiting.len()), (0, 0));
    }

    /// However WebSocket is cut, wherever the sequence numbers begin.
    #[test]
    fn any_segments_give_the_same_websocket(
        cuts in prop::collection::vec(1..40_usize, 1..20),
        first in prop::sample::select(vec![0_u32, 77, u32::MAX - 50]),
        mask: Option<[u8; 4]>,
    ) {
        let stream = websocket(mask);
        let mut wire = Wire::new(AssembleOptions::default());
        wire.send(first.wrapping_sub(1), SYN, b"");
        let (mut at, mut cuts) = (0, cuts.iter().cycle());
        while at < stream.len() {
            let end = stream.len().min(at + cuts.next().unwrap());
            wire.send(first.wrapping_add(at as u32), ACK, &stream[at..end]);
            at = end;
        }
        prop_assert_eq!(wire.messages(), [shown("a"), shown("b")]);
        prop_assert_eq!((wire.faults(), wire.assembler.streams.held), (vec![], 0));
    }
}
