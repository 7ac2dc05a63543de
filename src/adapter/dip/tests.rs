//! A dip over each transport, asked by a switch of the tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::*;
use crate::adapter::contract::{self, Heard, Switch, TestCall};
use crate::adapter::dip::framer::{Framer, Next};
use crate::base::network::Network;
use crate::clock::Deadline;
use crate::metrics::Live;
use crate::wire::sip::Message;
use crate::wire::sip::ingress::PEER_HEADER;
use crate::wire::sip::start::Start;

const LOOPBACKS: [&str; 2] = ["127.0.0.1:0", "[::1]:0"];

fn options() -> DipOptions {
    DipOptions {
        udp: Vec::new(),
        tcp: Vec::new(),
        tls: Vec::new(),
        certificates: None,
        peer_header: PEER_HEADER.to_owned(),
        deadline: Duration::from_millis(50),
        profile: Profile::new(&ProfileOptions::default()).unwrap(),
        seed: Seed(7),
        limits: DipLimits::default(),
    }
}

fn counts() -> DipCounts {
    DipCounts::new(&prometheus::Registry::new()).unwrap()
}

fn invite(call: &TestCall, via: &str) -> String {
    let TestCall { id, called } = call;
    format!(
        "INVITE sip:{called}@fw SIP/2.0\r\nVia: SIP/2.0/{via};branch=z9hG4bK{tag};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:+447946000000@a>;tag=1\r\nTo: <sip:{called}@fw>\r\nCall-ID: {id}\r\nCSeq: 1 INVITE\r\n\
         Content-Length: 4\r\n\r\nv=0\n",
        tag = id.replace(' ', "-"),
    )
}

fn heard(bytes: &[u8]) -> Heard {
    let message = Message::parse(bytes).unwrap();
    let Start::Response { status } = message.start else { panic!("{}", bytes.escape_ascii()) };
    assert_eq!(message.faults.as_slice(), []);
    assert!(matches!(status, 404 | 603), "{status}");
    let call = String::from_utf8(message.call_id.to_vec()).unwrap();
    Heard { call, passed: status == 404, said: bytes.to_vec() }
}

struct UdpSwitch {
    // Kept so that it runs.
    _dip: Dip,
    socket: UdpSocket,
}

impl UdpSwitch {
    fn new(gate: Gate, address: &str) -> Self {
        let options = DipOptions { udp: vec![address.parse().unwrap()], ..options() };
        let dip = Dip::start(&options, gate, counts()).unwrap();
        let socket = UdpSocket::bind(address).unwrap();
        socket.connect(dip.udp_addresses().next().unwrap()).unwrap();
        Self { _dip: dip, socket }
    }

    fn receive(&self, within: Duration) -> Option<Vec<u8>> {
        let mut buffer = [0; 4_096];
        self.socket.set_read_timeout(Some(within)).unwrap();
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(buffer[..length].to_vec())
    }
}

impl Switch for UdpSwitch {
    fn set_up(&mut self, call: &TestCall) {
        let via = format!("UDP {}", self.socket.local_addr().unwrap());
        self.socket.send(invite(call, &via).as_bytes()).unwrap();
    }

    fn hears(&mut self, within: Duration) -> Option<Heard> {
        self.receive(within).map(|bytes| heard(&bytes))
    }
}

#[test]
fn keeps_the_contract_over_udp() {
    for address in LOOPBACKS {
        contract::holds(&|gate| Box::new(UdpSwitch::new(gate, address)));
    }
}

/// A connection of either kind.
trait Both: Read + Write {}

impl<T: Read + Write> Both for T {}

struct StreamSwitch {
    _dip: Dip,
    stream: Box<dyn Both>,
    socket: TcpStream,
    framer: Framer,
}

impl StreamSwitch {
    fn new(dip: Dip, socket: TcpStream, stream: Box<dyn Both>) -> Self {
        Self { _dip: dip, stream, socket, framer: Framer::new(65_535) }
    }

    fn tcp(gate: Gate, address: &str, limits: DipLimits) -> Self {
        let options = DipOptions { tcp: vec![address.parse().unwrap()], limits, ..options() };
        let dip = Dip::start(&options, gate, counts()).unwrap();
        let socket = TcpStream::connect(dip.tcp_addresses()[0]).unwrap();
        let stream = Box::new(socket.try_clone().unwrap());
        Self::new(dip, socket, stream)
    }

    fn tls(gate: Gate, address: &str, identity: &Identity) -> Self {
        let files = Some(identity.options.clone());
        let options = DipOptions { tls: vec![address.parse().unwrap()], certificates: files, ..options() };
        let dip = Dip::start(&options, gate, counts()).unwrap();
        let (socket, stream) = identity.connect(dip.tls_addresses()[0], true);
        Self::new(dip, socket, Box::new(stream))
    }

    fn receive(&mut self, within: Duration) -> Option<Vec<u8>> {
        self.socket.set_read_timeout(Some(within)).unwrap();
        loop {
            match self.framer.next() {
                Next::Message(range) => return Some(self.framer.bytes(range).to_vec()),
                Next::More => {}
                other => panic!("{other:?}"),
            }
            let mut buffer = [0; 2_048];
            let length = self.stream.read(&mut buffer).ok().filter(|length| *length > 0)?;
            self.framer.push(&buffer[..length]);
        }
    }
}

impl Switch for StreamSwitch {
    fn set_up(&mut self, call: &TestCall) {
        let request = invite(call, "TCP 192.0.2.1");
        // In two pieces.
        let (head, rest) = request.split_at(100);
        self.stream.write_all(head.as_bytes()).unwrap();
        self.stream.flush().unwrap();
        self.stream.write_all(rest.as_bytes()).unwrap();
        self.stream.flush().unwrap();
    }

    fn hears(&mut self, within: Duration) -> Option<Heard> {
        self.receive(within).map(|bytes| heard(&bytes))
    }

    fn repeats(&self) -> bool {
        false
    }
}

/// A certificate that is its own root, and a client that knows it.
struct Identity {
    _directory: tempfile::TempDir,
    options: TlsOptions,
}

impl Identity {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["fw.example".to_owned()]).unwrap();
        let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| directory.path().join(name));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let options = TlsOptions { client_ca: Some(certificate.clone()), certificate, key };
        Self { _directory: directory, options }
    }

    fn connect(
        &self,
        address: SocketAddr,
        shows_certificate: bool,
    ) -> (TcpStream, StreamOwned<ClientConnection, TcpStream>) {
        let certificate = || CertificateDer::from_pem_file(&self.options.certificate).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let key = || PrivateKeyDer::from_pem_file(&self.options.key).unwrap();
        let config = if shows_certificate {
            builder.with_client_auth_cert(vec![certificate()], key()).unwrap()
        } else {
            builder.with_no_client_auth()
        };
        let socket = TcpStream::connect(address).unwrap();
        let client = ClientConnection::new(Arc::new(config), "fw.example".try_into().unwrap()).unwrap();
        (socket.try_clone().unwrap(), StreamOwned::new(client, socket))
    }
}

#[test]
fn keeps_the_contract_over_tcp() {
    for address in LOOPBACKS {
        contract::holds(&|gate| Box::new(StreamSwitch::tcp(gate, address, DipLimits::default())));
    }
}

#[test]
fn keeps_the_contract_over_tls() {
    let identity = Identity::new();
    for address in LOOPBACKS {
        contract::holds(&|gate| Box::new(StreamSwitch::tls(gate, address, &identity)));
    }
}

#[test]
fn lets_nobody_in_without_a_certificate() {
    let (gate, _queries) = gate(Network::unknown());
    let identity = Identity::new();
    let switch = StreamSwitch::tls(gate, LOOPBACKS[0], &identity);
    let dip = &switch._dip;
    let (socket, mut stranger) = identity.connect(dip.tls_addresses()[0], false);
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let refused = stranger.write_all(b"OPTIONS").and_then(|()| stranger.flush());
    assert!(refused.and_then(|()| stranger.read(&mut [0; 9])).is_err());
    // It is told before it is counted.
    let patience = Deadline::after(Duration::from_secs(10));
    while dip.desk.counts.of(Kind::TlsFailed) == 0 && !patience.left().is_zero() {
        thread::yield_now();
    }
    assert_eq!(dip.desk.counts.of(Kind::TlsFailed), 1);
    // A reload with a broken file keeps what there is.
    std::fs::write(&identity.options.key, "no key").unwrap();
    let error = dip.reload_certificates().unwrap_err();
    assert!(error.to_string().contains("key.pem"), "{error}");
    let mut switch = switch;
    switch.set_up(&TestCall { id: "112".into(), called: "112" });
    assert!(switch.hears(Duration::from_secs(10)).unwrap().passed);
}

#[test]
fn answers_keep_alives_and_closes_what_is_no_sip() {
    let (gate, _queries) = gate(Network::unknown());
    let mut switch = StreamSwitch::tcp(gate, LOOPBACKS[0], DipLimits::default());
    switch.socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut buffer = [0; 9];
    switch.stream.write_all(b"\r\n\r\n").unwrap();
    assert_eq!(switch.stream.read(&mut buffer).unwrap(), 2);
    assert_eq!(&buffer[..2], b"\r\n");
    switch.stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(switch.stream.read(&mut buffer).unwrap(), 0);
    assert_eq!(switch._dip.desk.counts.of(Kind::NotSip), 1);
}

#[test]
fn closes_connections_that_are_too_many_or_too_slow() {
    let (gate, _queries) = gate(Network::unknown());
    let limits =
        DipLimits { connections: 1, message_time: Duration::from_millis(30), ..DipLimits::default() };
    let mut switch = StreamSwitch::tcp(gate, LOOPBACKS[0], limits);
    switch.stream.write_all(b"\r\n\r\n").unwrap();
    switch.stream.read_exact(&mut [0; 2]).unwrap();
    let mut second = TcpStream::connect(switch._dip.tcp_addresses()[0]).unwrap();
    second.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    assert_eq!(second.read(&mut [0; 9]).unwrap(), 0);
    assert_eq!(switch._dip.desk.counts.of(Kind::ConnectionRefused), 1);
    switch.socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    switch.stream.write_all(b"INVITE sip:").unwrap();
    assert_eq!(switch.stream.read(&mut [0; 9]).unwrap(), 0);
    assert_eq!(switch._dip.desk.counts.of(Kind::ConnectionTimedOut), 1);
}

fn gate(network: Network) -> (Gate, crossbeam_channel::Receiver<crate::adapter::Query>) {
    let (sender, queries) = bounded(8);
    let shared = (Arc::new(network), Arc::default());
    (Gate::new(sender, shared, Live::new().unwrap().adapter("dip")), queries)
}

#[test]
fn answers_what_sets_no_call_up() {
    let (gate, queries) = gate(Network::unknown());
    let switch = UdpSwitch::new(gate, LOOPBACKS[0]);
    let counts = switch._dip.desk.counts.clone();
    let call = TestCall { id: "1".into(), called: "+48601234567" };
    let request = invite(&call, "UDP 127.0.0.1:9");
    let ask = |request: &str| {
        switch.socket.send(request.as_bytes()).unwrap();
        switch.receive(Duration::from_secs(10)).map(|bytes| String::from_utf8(bytes).unwrap()).unwrap()
    };
    let silent = ["ACK", "200"].map(|kind| match kind {
        "ACK" => request.replace("INVITE", "ACK"),
        _ => request.replacen("INVITE sip:+48601234567@fw SIP/2.0", "SIP/2.0 200 OK", 1),
    });
    for silent in silent.iter().map(String::as_bytes).chain([
        &b"\r\n\r\n"[..],
        b"\x80\x00",
        b"",
        b"BYE a SIP/2.0\r\n\r\n",
    ]) {
        switch.socket.send(silent).unwrap();
    }
    let options = ask(&request.replace("INVITE", "OPTIONS"));
    assert!(
        options.starts_with("SIP/2.0 200 OK\r\n") && options.contains("\r\nAllow: INVITE, ACK"),
        "{options}"
    );
    assert!(options.contains(";rport=") && options.contains(";received=127.0.0.1"), "{options}");
    assert!(ask(&request.replace("INVITE", "CANCEL")).starts_with("SIP/2.0 200 OK\r\n"));
    let refused = ask(&request.replace("INVITE", "BYE"));
    assert!(refused.starts_with("SIP/2.0 405 ") && refused.contains("\r\nAllow: "), "{refused}");
    assert!(ask(&request.replace("+48601234567@fw>", "+48601234567@fw>;tag=x")).starts_with("SIP/2.0 481 "));
    assert!(queries.is_empty());
    for (kind, number) in [
        (Kind::Ack, 1),
        (Kind::Response, 1),
        (Kind::KeepAlive, 2),
        (Kind::NotSip, 1),
        (Kind::Unreadable, 1),
        (Kind::Options, 1),
        (Kind::Cancel, 1),
        (Kind::MethodNotAllowed, 1),
        (Kind::InDialog, 1),
    ] {
        assert_eq!(counts.of(kind), number, "{kind:?}");
    }
}

#[test]
fn answers_what_waits_when_it_ends() {
    let (gate, queries) = gate(Network::unknown());
    let mut switch = UdpSwitch::new(gate, LOOPBACKS[0]);
    switch.set_up(&TestCall { id: "waits".into(), called: "+48601234567" });
    let query = queries.recv_timeout(Duration::from_secs(10)).unwrap();
    let UdpSwitch { _dip: dip, socket } = switch;
    Box::new(dip).stop();
    assert!(query.deadline.left().is_zero());
    let mut buffer = [0; 2_048];
    let length = socket.recv(&mut buffer).unwrap();
    assert!(heard(&buffer[..length]).passed);
    query.reply.answer(Ok(crate::judge::Answer::default()));
}

#[test]
fn says_where_it_cannot_listen() {
    let (gate, _queries) = gate(Network::unknown());
    let taken = UdpSocket::bind(LOOPBACKS[0]).unwrap();
    for (address, kind) in [
        (taken.local_addr().unwrap(), io::ErrorKind::AddrInUse),
        ("0.0.0.0:0".parse::<SocketAddr>().unwrap(), io::ErrorKind::InvalidInput),
    ] {
        let options = DipOptions { udp: vec![address], ..options() };
        let error = Dip::start(&options, gate.clone(), counts()).unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(error.to_string().starts_with(&address.to_string()));
    }
}
