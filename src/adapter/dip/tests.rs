//! A dip over each transport, asked by a switch of the tests.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::bounded;

use super::*;
use crate::adapter::contract::{self, Heard, Switch, TestCall};
use crate::base::network::Network;
use crate::metrics::Live;
use crate::wire::sip::Message;
use crate::wire::sip::start::Start;

const LOOPBACKS: [&str; 2] = ["127.0.0.1:0", "[::1]:0"];

fn options() -> DipOptions {
    DipOptions {
        udp: Vec::new(),
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

fn gate(network: Network) -> (Gate, crossbeam_channel::Receiver<crate::adapter::Query>) {
    let (sender, queries) = bounded(8);
    (Gate::new(sender, Arc::new(network), Live::new().unwrap().adapter("dip")), queries)
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
    for silent in silent.iter().map(String::as_bytes).chain([&b"\r\n\r\n"[..], b"\x80\x00", b"", b"BYE a SIP/2.0\r\n\r\n"]) {
        switch.socket.send(silent).unwrap();
    }
    let options = ask(&request.replace("INVITE", "OPTIONS"));
    assert!(options.starts_with("SIP/2.0 200 OK\r\n") && options.contains("\r\nAllow: INVITE, ACK"), "{options}");
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
    dip.stop();
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
