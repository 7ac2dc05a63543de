//! HEP over both transports, with much between the packets that is none.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use tollgate::base::fault::{Kind, Layer};
use tollgate::base::frame::{Envelope, Mtp, RoutingLabel, Transport, UserPart};
use tollgate::base::time::At;
use tollgate::clock;
use tollgate::source::hep::{HepOptions, Listener};
use tollgate::source::{Inlet, Loss, Running, queue};
use tollgate::wire::hep::{M3UA, Packet, Payload, SIP};
use tollgate::wire::m3ua::ProtocolData;

use super::{await_that, common, messages, take, tick};

pub struct Ears {
    pub udp: SocketAddr,
    pub tcp: SocketAddr,
    pub running: Running,
    pub inlet: Inlet,
}

pub fn listen(options: HepOptions) -> Ears {
    let here = Some("127.0.0.1:0".parse().unwrap());
    let listener = Listener::bind(HepOptions { udp: here, tcp: here, ..options }).unwrap();
    let (udp, tcp) = (listener.udp().unwrap(), listener.tcp().unwrap());
    let (outlet, inlet) = queue(64);
    Ears { udp, tcp, running: listener.run(&outlet).unwrap(), inlet }
}

pub fn packet(payload: &[u8]) -> Packet<'_> {
    Packet {
        src: "192.0.2.1:5060".parse().unwrap(),
        dst: "[2001:db8::2]:5070".parse().unwrap(),
        ip_protocol: 17,
        at: Some(At::from_nanos(clock::now().nanos() / 1_000 * 1_000)),
        protocol: SIP,
        agent: 7,
        key: Some(b"word"),
        correlation: None,
        payload: Payload::Plain(payload),
    }
}

pub fn bytes_of(packet: &Packet<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet.emit(&mut bytes);
    bytes
}

#[test]
fn messages_come_by_udp_with_their_addresses_and_time() {
    let ears = listen(HepOptions::default());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let sent = messages("sip-wangiri");
    let mut times = Vec::new();
    for message in &sent {
        let packet = packet(&message.bytes);
        times.push(packet.at.unwrap());
        socket.send_to(&bytes_of(&packet), ears.udp).unwrap();
        socket.send_to(b"HEP3 is not this", ears.udp).unwrap();
    }
    let seen = take(&ears.inlet, sent.len());
    for ((seen, sent), at) in seen.iter().zip(&sent).zip(times) {
        let (src, dst) = ("192.0.2.1:5060".parse().unwrap(), "[2001:db8::2]:5070".parse().unwrap());
        assert_eq!(seen.envelope, Envelope::Sip { src, dst, transport: Transport::Udp });
        assert!(seen.bytes == sent.bytes && seen.at == at);
    }
    await_that("all is counted", || ears.running.counts().packets == 2 * sent.len() as u64);
    let counts = ears.running.stop();
    assert_eq!(counts.faults.of(Layer::Hep, Kind::Truncated), sent.len() as u64, "{counts:?}");
    assert_eq!(counts.faults.nonzero().count(), 1, "{counts:?}");
}

#[test]
fn messages_come_by_tcp_with_garbage_between() {
    let ears = listen(HepOptions { connections_max: 1, ..HepOptions::default() });
    let mut stream = TcpStream::connect(ears.tcp).unwrap();
    let sent = messages("sip-wangiri");
    let mut bytes = Vec::new();
    for (index, message) in sent.iter().enumerate() {
        bytes.extend(bytes_of(&Packet { ip_protocol: 6, ..packet(&message.bytes) }));
        if index % 10 == 0 {
            bytes.extend(b"\r\n\r\nHEP, HEP2 and other noise");
        }
    }
    for piece in bytes.chunks(1_009) {
        stream.write_all(piece).unwrap();
    }
    let seen = take(&ears.inlet, sent.len());
    assert!(seen.iter().map(|seen| &seen.bytes).eq(sent.iter().map(|sent| &sent.bytes)));
    assert!(matches!(seen[0].envelope, Envelope::Sip { transport: Transport::Tcp, .. }));

    // There is room for one; it makes room by going.
    let mut other = TcpStream::connect(ears.tcp).unwrap();
    assert_eq!(other.read(&mut [0; 1]).unwrap_or(0), 0);
    stream.write_all(b"HEP3\0").unwrap();
    drop(stream);
    await_that("the end is seen", || ears.running.counts().faults.of(Layer::Hep, Kind::Truncated) == 1);
    let mut third = TcpStream::connect(ears.tcp).unwrap();
    third.write_all(&bytes_of(&packet(&sent[0].bytes))).unwrap();
    take(&ears.inlet, 1);
    let counts = ears.running.stop();
    assert_eq!((counts.opened, counts.lost(Loss::Crowded)), (2, 1));
    assert_eq!(counts.faults.of(Layer::Hep, Kind::NotRecognised), sent.len().div_ceil(10) as u64);
}

#[test]
fn what_is_not_believed_or_not_read_is_counted() {
    let ears = listen(HepOptions { key: Some("word".to_owned()), ..HepOptions::default() });
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let send = |packet: Packet<'_>| socket.send_to(&bytes_of(&packet), ears.udp).unwrap();
    let sip = b"OPTIONS sip:a SIP/2.0\r\nCall-ID: 1\r\nContent-Length: 0\r\n\r\n";
    send(Packet { key: Some(b"other"), ..packet(sip) });
    send(Packet { key: None, ..packet(sip) });
    send(Packet { protocol: 5, ..packet(b"{}") });
    send(Packet { payload: Payload::Compressed(b"not packed"), ..packet(sip) });
    send(packet(b"\r\n\r\n"));
    send(packet(b"no SIP at all"));

    let began = clock::now();
    send(Packet { at: Some(At::from_nanos(1_000_000_000)), ..packet(sip) });
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
    zlib.write_all(sip).unwrap();
    send(Packet { at: None, payload: Payload::Compressed(&zlib.finish().unwrap()), ..packet(sip) });
    let seen = take(&ears.inlet, 2);
    assert!(seen.iter().all(|seen| seen.bytes == sip && seen.at >= began), "{seen:?}");
    let counts = ears.running.stop();
    let lost = [Loss::Key, Loss::Payload, Loss::Compressed].map(|loss| counts.lost(loss));
    assert_eq!((lost, counts.times_mended, counts.packets), ([2, 1, 1], 2, 8));
    assert_eq!(counts.skips.iter().map(|(_, count)| count).sum::<u64>(), 1);
    assert_eq!(counts.faults.nonzero().collect::<Vec<_>>(), [("sip", "not_recognised", 1)]);
}

#[test]
fn a_queue_that_nobody_empties_stops_the_reading_and_the_kernel_counts_what_is_lost() {
    let mut options = HepOptions::default();
    options.feed.batch_pdus = 1;
    let ears = listen(options);
    let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
    let message = messages("sip-wangiri").remove(0);
    let datagram = bytes_of(&packet(&message.bytes));
    // More than its receive buffer of 8 MiB holds.
    for _ in 0..20_000 {
        sender.send_to(&datagram, ears.udp).unwrap();
    }
    await_that("a full queue blocks", || ears.running.counts().batches_held == 1);
    // What was lost the kernel says with the next datagram that it hands over.
    await_that("the kernel's count", || {
        ears.inlet.batches.try_iter().for_each(drop);
        let _ = sender.send_to(&datagram, ears.udp);
        ears.running.counts().lost(Loss::Kernel) > 0
    });
}

#[test]
fn m3ua_carries_isup() {
    let ears = listen(HepOptions::default());
    let label = RoutingLabel { standard: Mtp::Itu, opc: 100, dpc: 200, network_indicator: 2, sls: 1 };
    let release_complete = [1, 0, 0x10, 0];
    let mut message = Vec::new();
    ProtocolData { label, service_indicator: 5, priority: 0, user: &release_complete }.emit(&mut message);
    let packet = Packet { protocol: M3UA, ip_protocol: 132, ..packet(&message) };
    UdpSocket::bind("127.0.0.1:0").unwrap().send_to(&bytes_of(&packet), ears.udp).unwrap();
    let seen = take(&ears.inlet, 1);
    assert_eq!(
        (seen[0].envelope, &seen[0].bytes[..]),
        (Envelope::Isup { label, part: UserPart::Isup }, &release_complete[..])
    );
}

#[test]
fn silence_has_its_time_and_ends_a_connection() {
    let silence_max = Duration::from_millis(1);
    let ears = listen(HepOptions { silence_max, ..HepOptions::default() });
    let mut stream = TcpStream::connect(ears.tcp).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    let first = tick(&ears.inlet);
    await_that("time passes", || tick(&ears.inlet) > first);
    let counts = ears.running.stop();
    assert_eq!((counts.opened, counts.interrupted), (1, 1));
}

#[test]
fn packets_of_other_makers_read_the_same() {
    let Some(folder) = common::test_data().map(|folder| folder.join("hep")) else { return };
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    let bytes = read("sip3-hep-PACKET_1.bin");
    let second = Packet::parse(&bytes).unwrap();
    assert_eq!(
        (second.src.to_string(), second.dst.to_string()),
        ("10.0.0.4:5060".into(), "10.0.0.4:5062".into())
    );
    assert_eq!(
        (second.at, second.payload),
        (Some(At::from_nanos(1_571_254_062_044_436_000)), Payload::Plain(b"SIP/2.0"))
    );
    // Cut after its first chunks, but for its length.
    let mut bytes = read("sip3-hep-PACKET_2.bin");
    assert_eq!(Packet::parse(&bytes).unwrap_err().kind, Kind::Truncated);
    let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
    bytes[4..6].copy_from_slice(&length);
    let second = Packet::parse(&bytes).unwrap();
    assert_eq!(
        (second.src.to_string(), second.dst.to_string()),
        ("79.142.86.118:5063".into(), "212.48.197.150:5060".into())
    );
    assert_eq!((second.key, second.payload), (Some(&b"myhep"[..]), Payload::Plain(b"NOTIFY")));
    let bytes = read("sip3-hep-PACKET_3.bin");
    let third = Packet::parse(&bytes).unwrap();
    assert_eq!((third.src.to_string(), third.protocol), ("192.168.9.119:17969".into(), 5));
    assert_eq!(Packet::parse(&bytes_of(&third)), Ok(third));
}
