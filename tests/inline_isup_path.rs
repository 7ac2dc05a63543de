//! Tollgate in the path of ISUP: three network namespaces, two exchanges whose association is carried in packets of IP, and
//! a real queue of the kernel between them. The exchanges check every message they get against Q.764; their time runs four
//! times as fast as ours. A scripted decision loop allows two calls of five, masks one and blocks two.

#[path = "inline_isup/association.rs"]
#[allow(dead_code, reason = "not everyone who shares this file needs all of it")]
mod association;
#[path = "inline_isup/exchange.rs"]
#[allow(dead_code, reason = "not everyone who shares this file needs all of it")]
mod exchange;
#[path = "common/namespaces.rs"]
mod namespaces;

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn};
use nix::sys::socket::{recv, sendto, socket};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tollgate::adapter::inline::{Inline, InlineOptions, Tap};
use tollgate::adapter::nfqueue::rules::{RuleOptions, Rules};
use tollgate::adapter::{Asked, Gate, Query};
use tollgate::base::fail_open::FailOpen;
use tollgate::base::frame::{Envelope, RoutingLabel};
use tollgate::base::network::Network;
use tollgate::base::time::At;
use tollgate::capture::Capture;
use tollgate::clock::{Deadline, Stopwatch};
use tollgate::inline::isup::Options;
use tollgate::inline::isup_judge::IsupJudge;
use tollgate::judge::{Answer, Treatment};
use tollgate::metrics::Live;
use tollgate::simulate::render::m3ua;
use tollgate::wire::isup::Message;
use tollgate::wire::{m3ua as read, sctp};

use association::Endpoint;
use exchange::{Ending, Exchange, Wish, call_of};
use namespaces::{CARRIER_IP, Hosts, ROLE, Role, SWITCH_IP, wait_for};

/// Microseconds.
type Micros = u64;
const SECOND: Micros = 1_000_000;
/// Microseconds of the exchanges in one of ours.
const SPEED: f64 = 4.0;
const CODES: [u32; 2] = [200, 100];
const CIRCUITS: u16 = 8;
const CALLS: u32 = 40;

/// Makes the test program play a role.
const AS_ROLE: [&str; 4] = ["--exact", "role", "--ignored", "--nocapture"];

#[test]
fn calls_are_blocked_masked_or_left_alone() {
    let hosts = match Hosts::new("isup") {
        Ok(hosts) => hosts,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let links = Links::new(&hosts);
    let tollgate = Hosts::role(&hosts.tollgate, "tollgate", &AS_ROLE);
    let (near, far) = play(&hosts, "near");
    let counts = tollgate.stop("COUNTS");
    let (mut blocked, mut rang) = (0, 0);
    for call in 0..CALLS {
        let (sent, arrived) = (near.iams("sent", call), far.iams("rang", call));
        match treatment(call) {
            Treatment::Block { .. } => {
                assert_eq!(near.ending(call), "Released(21)", "call {call} {counts}");
                assert!(arrived.is_empty(), "call {call} rang");
                blocked += 1;
            }
            Treatment::Mask => assert_eq!(arrived, sent.iter().map(|iam| masked(iam)).collect::<Vec<_>>()),
            _ => {
                assert_eq!(arrived, sent, "call {call}");
                rang += 1;
            }
        }
    }
    assert!(blocked == 16 && rang == 16);
    assert!(counts.contains("fail_open=0") && counts.contains("bypassed=0"), "{counts}");
    assert!(counts.contains("(\"isup\", \"blocked\", 16), (\"isup\", \"masked\", 8)"), "{counts}");
    only_what_must_be_changed(&links, &counts);
}

/// Both ends of the path saw the same packets, but for hops and those that Tollgate says it rewrote.
fn only_what_must_be_changed(links: &Links, counts: &str) {
    let [carrier, switch] = ["carrier", "switch"].map(|link| links.packets(link));
    let mut changed = 0;
    for (before, after) in [(&carrier[0], &switch[0]), (&switch[1], &carrier[1])] {
        assert!(before.len() > 100 && before.len() == after.len(), "{} {}", before.len(), after.len());
        changed += before.iter().zip(after).filter(|(before, after)| before != after).count();
    }
    assert!(changed > 0 && counts.contains(&format!(" replaced={changed} ")), "{changed} {counts}");
}

#[test]
fn calls_pass_in_order_when_nobody_answers() {
    let hosts = match Hosts::new("mute") {
        Ok(hosts) => hosts,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let links = Links::new(&hosts);
    let tollgate = Hosts::role(&hosts.tollgate, "silent", &AS_ROLE);
    let (near, far) = play(&hosts, "near");
    let counts = tollgate.stop("COUNTS");
    for call in 0..CALLS {
        assert_eq!(near.iams("sent", call), far.iams("rang", call), "call {call}");
    }
    let [carrier, switch] = ["carrier", "switch"].map(|link| links.packets(link));
    assert_eq!((&carrier[0], &carrier[1]), (&switch[0], &switch[1]));
    assert!(counts.contains(&format!("fail_open={CALLS} ")) && counts.contains("replaced=0 "), "{counts}");
    // Else nothing was to be kept in order.
    assert!(!counts.contains(" queued=0 "), "{counts}");
}

#[test]
fn the_service_blocks_spoofed_callers() {
    let hosts = match Hosts::new("run") {
        Ok(hosts) => hosts,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let service = Service::new(&hosts);
    let (near, far) = play(&hosts, "spoofing");
    for call in 0..CALLS {
        let (sent, arrived) = (near.iams("sent", call), far.iams("rang", call));
        if is_spoofed(call) {
            assert_eq!((near.ending(call), arrived.len()), ("Released(21)", 0), "call {call}");
        } else {
            assert_eq!(arrived, sent, "call {call}");
        }
    }
    let records = service.records();
    let blocked: Vec<_> = records.iter().filter(|record| record.contains("\"decision\":\"block\"")).collect();
    assert_eq!(blocked.len(), 16);
    for record in blocked {
        let is_whole = record.contains("\"rule\":\"SP-200\"") && record.contains("\"q850_cause\":21");
        assert!(is_whole && record.contains("\"calling\":\"+48225000"), "{record}");
    }
    // Those that were let go ended as the exchanges ended them.
    let normal = |record: &&String| record.contains("420601007") && record.contains("\"end_at\":\"");
    assert_eq!(records.iter().filter(normal).count(), 24);
    for (series, count) in [
        ("tollgate_inline_events_total{event=\"blocked\",protocol=\"isup\"}", 16),
        ("tollgate_inline_events_total{event=\"released\",protocol=\"isup\"}", 16),
        ("tollgate_inline_packets_total{result=\"unseen\"}", 0),
    ] {
        let metrics = service.metrics();
        assert!(metrics.lines().any(|line| line == format!("{series} {count}")), "{series} {metrics}");
    }
}

/// Runs the calls; what either exchange has to report.
fn play(hosts: &Hosts, caller: &str) -> (Report, Report) {
    let far = Hosts::role(&hosts.switch, "far", &AS_ROLE);
    let mut near: Role = Hosts::role(&hosts.carrier, caller, &AS_ROLE);
    near.line("DONE");
    let far = Report(far.stop("REPORT"));
    (Report(near.stop("REPORT")), far)
}

/// Words of an exchange: `sent/CALL/HEX`, `rang/CALL/HEX`, `ended/CALL/HOW`.
struct Report(String);

impl Report {
    fn of(&self, what: &str, call: u32) -> impl Iterator<Item = &str> {
        let start = format!("{what}/{call}/");
        self.0.split(' ').filter_map(move |word| word.strip_prefix(&start))
    }

    fn iams(&self, what: &str, call: u32) -> Vec<Vec<u8>> {
        let octets = |text: &str| {
            let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
            pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
        };
        self.of(what, call).map(octets).collect()
    }

    fn ending(&self, call: u32) -> &str {
        self.of("ended", call).next().unwrap_or("nothing")
    }
}

fn is_spoofed(call: u32) -> bool {
    call % 5 > 2
}

/// What becomes of a call.
fn treatment(call: u32) -> Treatment {
    match call % 5 {
        0 | 1 => Treatment::Allow,
        2 => Treatment::Mask,
        _ => Treatment::Block { sip: 603, q850: 21, reason: "scripted".into() },
    }
}

/// The IAM with both numbers restricted, found by where its encoder puts them.
fn masked(iam: &[u8]) -> Vec<u8> {
    let mut masked = iam.to_vec();
    for (pattern, skip) in [(&[0x0A, 7][..], 3), (&[0xC0, 9], 4)] {
        let at = masked.windows(2).position(|window| window == pattern).unwrap();
        masked[at + skip] |= 0x04;
    }
    masked
}

// --- roles ---------------------------------------------------------------------------------------------------------

#[test]
#[ignore = "a part of the others: they start it in a namespace"]
fn role() {
    match std::env::var(ROLE).as_deref() {
        Ok("tollgate") => play_tollgate(true),
        Ok("silent") => play_tollgate(false),
        Ok("near") => Host::new(0).run(),
        Ok("spoofing") => {
            let mut host = Host::new(0);
            // Fixed telephones of Poland do not call from abroad; those of Czechia do.
            host.exchange.caller = |call| if is_spoofed(call) { "48225000" } else { "420601007" };
            host.run();
        }
        Ok("far") => Host::new(1).run(),
        _ => {}
    }
}

struct NoTap;

impl Tap for NoTap {
    fn see(&mut self, _: At, _: Envelope, _: &[u8]) {}
}

/// The loop, until its input ends.
fn play_tollgate(answers: bool) {
    let network = Arc::new(Network::unknown());
    let metrics = Live::new().unwrap().adapter("inline");
    let (queries, asked) = bounded(1_024);
    let gate = Gate::new(queries, (Arc::clone(&network), Arc::default()), metrics.clone());
    let judge = IsupJudge::new(network, Options::default());
    // A scripted loop is never late; but the system may be slow.
    let deadline = Duration::from_millis(if answers { 5_000 } else { 20 });
    let options = InlineOptions { deadline, ..InlineOptions::default() };
    let inline = Inline::open(options, vec![Box::new(judge)], gate, Box::new(NoTap)).unwrap();
    let rules = Rules::install(RuleOptions { ipv6: false, ..RuleOptions::default() }).unwrap();
    let (stopper, counts) = (inline.stopper(), inline.counts());
    let decider = thread::spawn(move || decide(&asked, answers));
    let running = thread::spawn(move || inline.run(Some(rules)));
    println!("READY");
    let _ = io::stdin().read_to_end(&mut Vec::new());
    stopper.stop();
    running.join().unwrap().unwrap();
    decider.join().unwrap();
    let fail_open: u64 = FailOpen::ALL.into_iter().map(|why| metrics.fail_open_count(why)).sum();
    println!(
        "COUNTS packets={} queued={} dropped={} replaced={} bypassed={} fail_open={fail_open} {:?}",
        counts.packets.load(Ordering::Relaxed),
        counts.queued.load(Ordering::Relaxed),
        counts.dropped.load(Ordering::Relaxed),
        counts.replaced.load(Ordering::Relaxed),
        counts.bypassed.load(Ordering::Relaxed),
        counts.judges.lock().unwrap(),
    );
}

fn decide(asked: &Receiver<Query>, answers: bool) {
    let mut silent = Vec::new();
    for query in asked {
        let Asked::Message { bytes, .. } = &query.asked else { continue };
        let treatment = treatment(call_of(&Message::parse(bytes).unwrap()));
        if answers {
            query.reply.answer(Ok(Answer { treatment, ..Answer::default() }));
        } else {
            silent.push(query.reply);
        }
    }
}

/// An exchange, its end of the association, and a socket that carries SCTP.
struct Host {
    side: usize,
    exchange: Exchange,
    end: Endpoint,
    socket: OwnedFd,
    wishes: VecDeque<(Micros, Wish)>,
    flush_at: Option<Micros>,
    since: Stopwatch,
    rng: ChaCha8Rng,
}

impl Host {
    fn new(side: usize) -> Self {
        // The same at both ends: they know each other's tags and numbers, as after an INIT.
        let [first, second] = Endpoint::pair(&mut ChaCha8Rng::seed_from_u64(7));
        let mut end = if side == 0 { first } else { second };
        end.is_ipv6 = false;
        let mut rng = ChaCha8Rng::seed_from_u64(side as u64);
        let name = ["near", "far"][side];
        let exchange = Exchange::new(
            name,
            CODES[side] > CODES[1 - side],
            CIRCUITS,
            ChaCha8Rng::seed_from_u64(rng.random()),
        );
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Inet, SockType::Raw, flags, SockProtocol::Sctp).unwrap();
        let [up, ack] = m3ua::asp_up();
        end.push(0, if side == 0 { &up } else { &ack });
        let mut wishes = VecDeque::new();
        let mut at = SECOND / 2;
        for call in (0..CALLS).filter(|_| side == 0) {
            // Some come at once, in one packet or one behind the other.
            at += if rng.random_bool(0.3) { 0 } else { rng.random_range(0..SECOND / 2) };
            let sends_more = rng.random_bool(0.3);
            wishes.push_back((at, Wish { call, is_emergency: false, sends_more, patience: 60 * SECOND }));
        }
        let (since, flush_at) = (Stopwatch::start(), Some(0));
        Self { side, exchange, end, socket, wishes, flush_at, since, rng }
    }

    fn now(&self) -> Micros {
        (self.since.seconds() * SPEED * 1e6) as Micros
    }

    /// Until the input ends and nothing is left to do.
    fn run(mut self) {
        println!("READY");
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&has_ended);
        thread::spawn(move || {
            let _ = io::stdin().read_to_end(&mut Vec::new());
            ended.store(true, Ordering::Release);
        });
        let deadline = Deadline::after(Duration::from_secs(60));
        let mut is_done = false;
        loop {
            self.turn();
            let is_quiet = self.wishes.is_empty() && self.exchange.is_idle() && self.end.is_quiet();
            if is_quiet && !std::mem::replace(&mut is_done, true) {
                println!("DONE");
            }
            if is_quiet && has_ended.load(Ordering::Acquire) {
                break;
            }
            assert!(!deadline.left().is_zero(), "{}: {}", self.exchange.name, self.exchange.states());
        }
        println!("REPORT {}", self.report());
    }

    fn turn(&mut self) {
        // Ten milliseconds of an exchange at the most.
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        let _ = poll(&mut fds, PollTimeout::from(2_u8));
        let now = self.now();
        self.exchange.set_now(now);
        self.receive(now);
        while self.wishes.front().is_some_and(|(at, _)| *at <= now) && self.has_idle() {
            let (_, wish) = self.wishes.pop_front().unwrap();
            self.exchange.call(wish);
        }
        self.exchange.run_due();
        if self.end.t3.is_some_and(|at| at <= now) {
            let packets = self.end.retransmit(now, &mut self.rng);
            self.send(packets);
        }
        for (cic, isup) in std::mem::take(&mut self.exchange.outbox) {
            let sls = (cic % 4) as u8;
            let (opc, dpc) = (CODES[self.side], CODES[1 - self.side]);
            let label = RoutingLabel { opc, dpc, network_indicator: 2, sls };
            self.end.push(1 + u16::from(sls), &m3ua::data(label, &isup));
            self.flush_at = self.flush_at.or(Some(now));
        }
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_at = None;
            let packets = self.end.flush(now, &mut self.rng);
            self.send(packets);
        }
    }

    fn has_idle(&self) -> bool {
        self.exchange.states().split(", ").filter(|state| !state.is_empty()).count() < usize::from(CIRCUITS)
    }

    fn receive(&mut self, now: Micros) {
        let mut buffer = [0; 65_536];
        while let Ok(length) = recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()) {
            let packet = &buffer[..length];
            assert_eq!(usize::from(u16::from_be_bytes([packet[2], packet[3]])), length);
            assert!(packet[28..32] != [0; 4] && sctp::is_sealed(&packet[20..]), "CRC32c");
            for message in self.end.receive(now, packet) {
                let message = read::Message::parse(&message).unwrap();
                if message.is_data() {
                    self.exchange.hear(message.protocol_data().unwrap().user);
                }
            }
            self.flush_at = self.flush_at.or(Some(now + SECOND / 50));
        }
    }

    fn send(&self, packets: Vec<Vec<u8>>) {
        let to: Ipv4Addr = [SWITCH_IP, CARRIER_IP][self.side].parse().unwrap();
        for packet in packets {
            let to = SockaddrIn::from(SocketAddrV4::new(to, 0));
            sendto(self.socket.as_raw_fd(), &packet[20..], &to, MsgFlags::empty()).unwrap();
        }
    }

    fn report(&self) -> String {
        let Exchange { sent, rang, endings, .. } = &self.exchange;
        let hex = |iam: &Vec<u8>| iam.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
        let iams = |what: &'static str, of: &BTreeMap<u32, Vec<Vec<u8>>>| {
            let words = of.iter().flat_map(|(call, iams)| iams.iter().map(move |iam| (call, iam)));
            words.map(|(call, iam)| format!("{what}/{call}/{} ", hex(iam))).collect::<String>()
        };
        let ended = endings.iter().map(|(call, ending)| match ending {
            Ending::Released(cause, _) => format!("ended/{call}/Released({cause}) "),
            other => format!("ended/{call}/{other:?} "),
        });
        iams("sent", sent) + &iams("rang", rang) + &ended.collect::<String>()
    }
}

/// The headers of IP are the kernel's.
fn ipv4(_: (u8, u8), _: u8, payload: &[u8]) -> Vec<u8> {
    [&[0; 20], payload].concat()
}

fn ipv6(_: (u8, u8), _: u8, _: &[u8]) -> Vec<u8> {
    Vec::new()
}

// --- the service ---------------------------------------------------------------------------------------------------

/// The real program in the middle, which judges by the rules it ships with.
struct Service<'a> {
    hosts: &'a Hosts,
    folder: tempfile::TempDir,
    program: Child,
}

impl<'a> Service<'a> {
    fn new(hosts: &'a Hosts) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let network = "home = \"PL\"\n[[route]]\nname = \"abroad\"\nclass = \"international\"\n\
                       point-codes = [200]\nnetwork-indicator = 2\n";
        let options = "[admin]\nlisten = \"10.77.1.1:9090\"\n[records]\ndirectory = \"records\"\nsync = \"100ms\"\n\
                       [inline]\ndeadline = \"5s\"\nipv6 = false\nisup = true\nmtu = 1500\n";
        fs::create_dir(folder.path().join("records")).unwrap();
        fs::write(folder.path().join("network.toml"), network).unwrap();
        fs::write(folder.path().join("tollgate.toml"), options).unwrap();
        let log = folder.path().join("log");
        let program = Hosts::command(&hosts.tollgate, env!("CARGO_BIN_EXE_tollgate"))
            .args(["run", "--config", folder.path().to_str().unwrap()])
            .stderr(fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let service = Self { hosts, folder, program };
        wait_for("the service", || {
            fs::read_to_string(&log).ok()?.contains("\"event\":\"started\"").then_some(())
        });
        service
    }

    /// One line for each call, once there is one for all.
    fn records(&self) -> Vec<String> {
        wait_for("the records", || {
            let files = fs::read_dir(self.folder.path().join("records")).ok()?;
            let texts = files.filter_map(|file| fs::read_to_string(file.ok()?.path()).ok());
            let lines = texts.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>());
            let lines: Vec<_> = lines.filter(|line| line.contains("\"protocol\":\"isup\"")).collect();
            (lines.len() >= CALLS as usize).then_some(lines)
        })
    }

    fn metrics(&self) -> String {
        let mut curl = Hosts::command(&self.hosts.carrier, "curl");
        let output = curl.args(["-s", "http://10.77.1.1:9090/metrics"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Service<'_> {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

// --- captures ------------------------------------------------------------------------------------------------------

/// A capture on both links, in a directory of their own.
struct Links {
    directory: tempfile::TempDir,
    children: Vec<Child>,
}

impl Links {
    fn new(hosts: &Hosts) -> Self {
        let mut links = Self { directory: tempfile::tempdir().unwrap(), children: Vec::new() };
        for (namespace, link) in [(&hosts.carrier, "carrier"), (&hosts.switch, "switch")] {
            let file = links.file(link);
            let log = links.directory.path().join(format!("{link}.log"));
            let child = Hosts::command(namespace, "tcpdump")
                .args(["-i", "eth0", "--immediate-mode", "-U", "-w", file.to_str().unwrap(), "ip proto 132"])
                .stderr(fs::File::create(&log).unwrap())
                .stdout(Stdio::null())
                .spawn();
            links.children.push(child.unwrap());
            wait_for("tcpdump", || fs::read_to_string(&log).ok()?.contains("listening on").then_some(()));
        }
        links
    }

    fn file(&self, link: &str) -> PathBuf {
        self.directory.path().join(format!("{link}.pcap"))
    }

    /// Packets to the switch and to the carrier, without hops and the sum over them; once all are there.
    fn packets(&self, link: &str) -> [Vec<Vec<u8>>; 2] {
        let mut last = None;
        wait_for("the last packets", || {
            let seen = self.packets_so_far(link);
            let is_all = last.as_ref() == Some(&seen);
            last = Some(seen.clone());
            is_all.then_some(seen)
        })
    }

    fn packets_so_far(&self, link: &str) -> [Vec<Vec<u8>>; 2] {
        let mut seen = [Vec::new(), Vec::new()];
        let Ok(mut capture) = Capture::open(&[self.file(link)]) else { return seen };
        while let Some(frame) = capture.next() {
            let Some(packet) = frame.bytes.get(14..).filter(|packet| packet.len() >= 20) else { continue };
            let mut packet = packet.to_vec();
            for octet in [8, 10, 11] {
                packet[octet] = 0;
            }
            let is_to_carrier = packet[16..20] == CARRIER_IP.parse::<Ipv4Addr>().unwrap().octets();
            seen[usize::from(is_to_carrier)].push(packet);
        }
        seen
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
