//! A capture agent: copies of the messages of calls that nobody asks about, as proxies send them (HEP).

use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tollgate::clock::{self, Stopwatch};
use tollgate::wire::hep::{Packet, Payload, SIP};

use crate::calls::Plan;
use crate::service::pause;

/// Calls a second.
const RATE: u32 = 75;
/// What ends the Call-ID of one.
pub const DOMAIN: &str = "@copy.example";
/// Numbers of calls that are unlike those of the others.
const FIRST: u32 = 1 << 29;

/// Sends copies until told to stop; how many calls were begun is counted. Each rings after a second and is cut in the next.
pub fn run(agent: SocketAddr, begun: Arc<AtomicU64>, stop: Arc<AtomicBool>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.connect(agent).expect("loopback");
    let (clock, mut next) = (Stopwatch::start(), 0_u32);
    let (mut text, mut packet) = (Vec::new(), Vec::new());
    while !stop.load(Ordering::Relaxed) {
        while f64::from(next) < clock.seconds() * f64::from(RATE) {
            let messages = [
                (Some(next), "INVITE"),
                (next.checked_sub(RATE), "180"),
                (next.checked_sub(2 * RATE), "CANCEL"),
            ];
            let ended = (next.checked_sub(2 * RATE), "487");
            for (number, message) in messages.into_iter().chain([ended]) {
                let Some(number) = number else { continue };
                text.clear();
                packet.clear();
                let is_down = write(number, message, &mut text);
                wrap(&text, is_down, &mut packet);
                let _ = socket.send(&packet);
            }
            next += 1;
            begun.store(u64::from(next), Ordering::Relaxed);
        }
        pause(Duration::from_millis(10));
    }
}

/// Writes a message; whether it goes to the called side.
fn write(number: u32, message: &str, out: &mut Vec<u8>) -> bool {
    let Plan { calling, called, .. } = Plan::of(FIRST | number);
    let is_down = matches!(message, "INVITE" | "CANCEL");
    let (first, tag) = match message {
        "180" => ("SIP/2.0 180 Ringing".to_owned(), ";tag=b"),
        "487" => ("SIP/2.0 487 Request Terminated".to_owned(), ";tag=b"),
        method => (format!("{method} sip:+{called}@192.0.2.1;user=phone SIP/2.0"), ""),
    };
    let method = if message == "CANCEL" { "CANCEL" } else { "INVITE" };
    write!(
        out,
        "{first}\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK{number:08x}\r\n\
         From: <sip:+{calling}@192.0.2.9;user=phone>;tag={number:08x}\r\nTo: <sip:+{called}@192.0.2.1;user=phone>{tag}\r\n\
         Call-ID: {number:08x}{DOMAIN}\r\nCSeq: 1 {method}\r\nMax-Forwards: 69\r\nContent-Length: 0\r\n\r\n"
    )
    .expect("memory takes it");
    is_down
}

fn wrap(text: &[u8], is_down: bool, out: &mut Vec<u8>) {
    let ends: [SocketAddr; 2] =
        ["192.0.2.9:5060", "203.0.113.1:5060"].map(|end| end.parse().expect("an address"));
    let [src, dst] = if is_down { ends } else { [ends[1], ends[0]] };
    let packet = Packet {
        src,
        dst,
        ip_protocol: 17,
        at: Some(clock::now()),
        protocol: SIP,
        agent: 7,
        key: None,
        correlation: None,
        payload: Payload::Plain(text),
    };
    packet.emit(out);
}
