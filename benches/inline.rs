//! What Tollgate costs in the path: packets a second and added latency, over three network namespaces.
//!
//!     cargo bench --bench inline
//!
//! Needs root, ip, iptables or nft. A blaster sends SIP messages of 900 octets through a forwarding host whose rules send them to
//! a queue; delivered is what the switch's interface received. Latency is that of a datagram there and back, which meets the queue
//! twice: what is printed as added is half of what the round trip takes longer than without rules, the median.
//!
//! Budget: 200,000 packets a second and none lost; 30 µs added.

#[path = "../tests/common/namespaces.rs"]
mod namespaces;

use std::hint::black_box;
use std::io::{IoSlice, Read};
use std::net::UdpSocket;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, sendmmsg};

use tollgate::adapter::inline::{Inline, InlineOptions, Tap};
use tollgate::adapter::nfqueue::rules::{RuleOptions, Rules};
use tollgate::adapter::{Gate, Query};
use tollgate::base::fail_open::FailOpen;
use tollgate::base::frame::Envelope;
use tollgate::base::network::Network;
use tollgate::base::time::At;
use tollgate::clock::{Deadline, Stopwatch};
use tollgate::inline::sip::{SipJudge, SipOptions};
use tollgate::judge::Answer;
use tollgate::metrics::Live;

use namespaces::{CARRIER_IP, Hosts, ROLE, Role, SWITCH_IP};

const PACKETS: u64 = 600_000;
const OCTETS: usize = 900;
const ROUNDS: usize = 20_000;

fn main() {
    match std::env::var(ROLE).as_deref() {
        Ok("tollgate") => play_tollgate(),
        Ok("blaster") => play_blaster(),
        Ok("sink") => play_sink(false),
        Ok("echo") => play_sink(true),
        Ok("pinger") => play_pinger("OPTIONS"),
        Ok("caller") => play_pinger("INVITE"),
        _ => measure(),
    }
}

fn measure() {
    let hosts = match Hosts::new("bench") {
        Ok(hosts) => hosts,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let sink = Hosts::role(&hosts.switch, "sink", &[]);
    flood(&hosts, "no rules");
    for _ in 0..3 {
        let tollgate = Hosts::role(&hosts.tollgate, "tollgate", &[]);
        flood(&hosts, "tollgate");
        println!("  {}", tollgate.stop("COUNTS"));
    }
    drop(sink);

    let _echo = Hosts::role(&hosts.switch, "echo", &[]);
    for role in ["pinger", "caller"] {
        let (p50, p99) = latency(&hosts, role);
        println!("{role}, no rules: p50 {p50:.1} µs, p99 {p99:.1} µs");
        let tollgate = Hosts::role(&hosts.tollgate, "tollgate", &[]);
        let (with_p50, with_p99) = latency(&hosts, role);
        let added = (with_p50 - p50) / 2.0;
        println!(
            "{role}, tollgate: p50 {with_p50:.1} µs, p99 {with_p99:.1} µs; added {added:.1} µs a packet"
        );
        println!("  {}", tollgate.stop("COUNTS"));
    }
}

fn flood(hosts: &Hosts, label: &str) {
    let before = received(hosts);
    let mut blaster = Hosts::role(&hosts.carrier, "blaster", &[]);
    let seconds: f64 = blaster.line("SECONDS").parse().unwrap();
    let (deadline, mut delivered) = (Deadline::after(Duration::from_secs(3)), 0);
    while delivered < PACKETS && !deadline.left().is_zero() {
        delivered = received(hosts) - before;
    }
    let rate = PACKETS as f64 / seconds / 1_000.0;
    println!("{label}: {rate:.0} k packets/s sent, {delivered} of {PACKETS} delivered");
}

/// Packets that came in at the switch.
fn received(hosts: &Hosts) -> u64 {
    let output = Command::new("ip")
        .args(["netns", "exec", &hosts.switch, "cat", "/sys/class/net/eth0/statistics/rx_packets"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn latency(hosts: &Hosts, role: &str) -> (f64, f64) {
    let mut pinger: Role = Hosts::role(&hosts.carrier, role, &[]);
    let line = pinger.line("MICROSECONDS");
    let (p50, p99) = line.split_once(' ').unwrap();
    (p50.parse().unwrap(), p99.parse().unwrap())
}

// --- roles ---------------------------------------------------------------------------------------------------------

struct Counting(u64);

impl Tap for Counting {
    fn see(&mut self, _: At, _: Envelope, message: &[u8]) {
        self.0 += message.len() as u64;
    }
}

fn play_tollgate() {
    let network = Arc::new(Network::unknown());
    let metrics = Live::new().unwrap().adapter("inline");
    let (queries, asked) = bounded::<Query>(65_536);
    let gate = Gate::new(queries, (Arc::clone(&network), Arc::default()), metrics.clone());
    let judge = SipJudge::new(network, SipOptions::default());
    let inline =
        Inline::open(InlineOptions::default(), vec![Box::new(judge)], gate, Box::new(Counting(0))).unwrap();
    let rules = Rules::install(RuleOptions { ipv6: false, ..RuleOptions::default() }).unwrap();
    let (stopper, counts) = (inline.stopper(), inline.counts());
    thread::spawn(move || {
        for query in asked {
            query.reply.answer(Ok(Answer::default()));
        }
    });
    let met = Arc::new(rules);
    let running = thread::spawn(move || inline.run(None));
    println!("READY");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    let met_rules = met.meter().packets().unwrap_or_default();
    drop(met);
    stopper.stop();
    running.join().unwrap().unwrap();
    let fail_open: u64 = FailOpen::ALL.into_iter().map(|why| metrics.fail_open_count(why)).sum();
    let packets = counts.packets.load(Ordering::Relaxed);
    let cpu = processor_seconds() * 1e6 / packets.max(1) as f64;
    println!(
        "COUNTS met the rules {met_rules}, queued {packets}, gaps {}, fail open {fail_open}; {cpu:.1} µs of \
         processor time a packet",
        counts.bypassed.load(Ordering::Relaxed)
    );
}

/// What this program has used, in hundredths: user and system time, proc(5).
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let ticks = stat.rsplit(')').next().unwrap().split_ascii_whitespace().skip(11).take(2);
    ticks.map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
}

/// A message of a call that is up, or one that sets a call up, of the same length.
fn message(method: &str, number: usize) -> Vec<u8> {
    let tag = if method == "INVITE" { "" } else { ";tag=b" };
    let head = format!(
        "{method} sip:+48601234567@{SWITCH_IP} SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER_IP}:5061;branch=z9hG4bK{number:08}\r\n\
         From: \"Bell\" <sip:+48221234567@{CARRIER_IP};user=phone>;tag=a\r\nTo: <sip:+48601234567@{SWITCH_IP}>{tag}\r\n\
         Call-ID: {number:08}@carrier.example\r\nCSeq: 1 {method}\r\nMax-Forwards: 70\r\n\
         Contact: <sip:+48221234567@{CARRIER_IP}:5061>\r\nUser-Agent: blaster\r\nContent-Type: application/sdp\r\n"
    );
    let body = OCTETS - head.len() - "Content-Length: 000\r\n\r\n".len();
    let mut message = format!("{head}Content-Length: {body:03}\r\n\r\n").into_bytes();
    message.resize(OCTETS, b'x');
    message
}

fn play_blaster() {
    const BATCH: usize = 64;
    let socket = UdpSocket::bind((CARRIER_IP, 5061)).unwrap();
    socket.connect((SWITCH_IP, 5060)).unwrap();
    let message = message("OPTIONS", 1);
    let mut headers = MultiHeaders::<SockaddrIn>::preallocate(BATCH, None);
    println!("READY");
    let watch = Stopwatch::start();
    let mut sent = 0;
    while sent < PACKETS {
        let left = (PACKETS - sent).min(BATCH as u64) as usize;
        let slices = vec![[IoSlice::new(&message)]; left];
        let addresses = vec![None; left];
        let results =
            sendmmsg(socket.as_raw_fd(), &mut headers, &slices, addresses, [], MsgFlags::empty()).unwrap();
        sent += results.count() as u64;
    }
    println!("SECONDS {}", watch.seconds());
}

/// Takes what comes to the port of SIP; sends it back, or lets it lie.
fn play_sink(echoes: bool) {
    let socket = UdpSocket::bind((SWITCH_IP, 5060)).unwrap();
    println!("READY");
    if echoes {
        thread::spawn(move || {
            let mut buffer = [0; 2_000];
            while let Ok((length, from)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(&buffer[..length], from);
            }
        });
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
    } else {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        black_box(&socket);
    }
}

fn play_pinger(method: &str) {
    let socket = UdpSocket::bind((CARRIER_IP, 5061)).unwrap();
    socket.connect((SWITCH_IP, 5060)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    println!("READY");
    let mut micros = Vec::with_capacity(ROUNDS);
    let mut buffer = [0; 2_000];
    for number in 0..ROUNDS {
        let message = message(method, number);
        let watch = Stopwatch::start();
        socket.send(&message).unwrap();
        socket.recv(&mut buffer).unwrap();
        micros.push(watch.seconds() * 1e6);
    }
    micros.sort_by(f64::total_cmp);
    println!("MICROSECONDS {} {}", micros[ROUNDS / 2], micros[ROUNDS * 99 / 100]);
}
