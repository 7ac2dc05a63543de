//! Tollgate in the path of SIP: three network namespaces, real callers and called, a real queue of the kernel. A scripted
//! decision loop blocks callers named `spam`, masks those named `hidden` and allows the rest.

#[path = "common/namespaces.rs"]
mod namespaces;
#[path = "common/scripted.rs"]
mod scripted;

use std::fs;
use std::io::Write;
use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tollgate::adapter::inline::InlineOptions;
use tollgate::base::network::Network;
use tollgate::capture::Capture;
use tollgate::inline::sip::{SipJudge, SipOptions};
use tollgate::inline::udp::Seen;
use tollgate::judge::Treatment;
use tollgate::wire::sip::start::Start;
use tollgate::wire::sip::{Message, Method};

use namespaces::{CARRIER_IP, Hosts, ROLE, Role, SWITCH_IP, wait_for};
use scripted::play_tollgate;

/// Makes the test program play a role.
const AS_ROLE: [&str; 4] = ["--exact", "role", "--ignored", "--nocapture"];

#[test]
fn calls_are_refused_masked_or_left_alone() {
    let hosts = match Hosts::new("sip") {
        Ok(hosts) => hosts,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let scene = Scene::new(&hosts);
    let tollgate = Hosts::role(&hosts.tollgate, "tollgate", &AS_ROLE);

    scene.call("alice", 200);
    scene.call("hidden", 200);
    scene.call("spam", 603);
    scene.probe();

    let carrier = wait_for("the last ACK", || {
        Some(scene.seen("carrier")).filter(|seen| seen.iter().any(|one| one.is("ACK", "probe")))
    });
    let counts = tollgate.stop("COUNTS");
    // Calls pass when Tollgate is gone, and its rules with it.
    scene.call("spam", 200);
    let switch = wait_for("the last BYE", || {
        Some(scene.seen("switch")).filter(|seen| seen.iter().any(|one| one.is("BYE", "spam")))
    });

    // Whom it allows it leaves alone: headers but for the hops, and every octet of the message.
    let alice = |seen: &[SeenPacket], dst| {
        let of_call = |one: &&SeenPacket| one.caller() == "alice" && one.dst == dst;
        seen.iter().filter(of_call).map(|one| one.packet.clone()).collect::<Vec<_>>()
    };
    for dst in [SWITCH_IP, CARRIER_IP] {
        let (before, after) = (alice(&carrier, dst), alice(&switch, dst));
        assert!(before.len() >= 3, "{counts}");
        assert_eq!(before, after);
    }

    // A refused call never reached the switch while Tollgate was there, nor did its ACK.
    let probes = switch.iter().filter(|one| one.caller() == "probe").count();
    let refused = carrier.iter().filter(|one| one.start("SIP/2.0 603 Decline")).count();
    assert_eq!((probes, refused), (0, 3), "{counts}");
    let spam_calls = switch.iter().filter(|one| one.is("INVITE", "spam")).count();
    assert_eq!(spam_calls, 1, "{counts}");

    masked_one_way(&scene, &carrier, &switch);
    assert!(counts.contains("bypassed=0") && counts.contains("fail_open=0"), "{counts}");
}

/// The switch sees an anonymous caller in every message, the carrier its own.
fn masked_one_way(scene: &Scene<'_>, carrier: &[SeenPacket], switch: &[SeenPacket]) {
    let call_ids: Vec<_> =
        carrier.iter().filter(|one| one.is("INVITE", "hidden")).map(SeenPacket::call_id).collect();
    assert_eq!(call_ids.len(), 1);
    let of_call = |seen: &[SeenPacket]| {
        seen.iter()
            .filter(|one| call_ids.contains(&one.call_id()))
            .map(|one| one.text.clone())
            .collect::<Vec<_>>()
    };
    let (before, after) = (of_call(carrier), of_call(switch));
    assert!(before.len() >= 6 && before.len() == after.len());
    for text in &before {
        assert!(text.contains("<sip:hidden@") && !text.contains("anonymous"), "{text}");
    }
    for text in &after {
        assert!(text.contains("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="), "{text}");
        assert!(!text.contains("hidden"), "{text}");
    }
    assert!(after[0].contains("\r\nPrivacy: id\r\n") && after[0].contains("<sip:anonymous@10.77.1.2:"));
    // Checksums as another program computes them; only of what came through, for what a host sends it leaves to its card.
    let call_id = call_ids.first().unwrap();
    for (link, ip) in [("switch", SWITCH_IP), ("carrier", CARRIER_IP)] {
        let (good, bad) = scene.checksums(link, ip, call_id);
        assert!(good >= 3 && bad == 0, "{link}: {good} good, {bad} bad");
    }
}

#[test]
fn calls_pass_when_it_is_killed() {
    let hosts = match Hosts::new("kill") {
        Ok(hosts) => hosts,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let scene = Scene::new(&hosts);
    let tollgate = Hosts::role(&hosts.tollgate, "tollgate", &AS_ROLE);
    scene.call("spam", 603);
    tollgate.kill();
    // The rules are still there, and bypass the queue that nobody has.
    scene.call("spam", 200);
    // The next one takes over, with the rules of the one before.
    let again = Hosts::role(&hosts.tollgate, "tollgate", &AS_ROLE);
    scene.call("spam", 603);
    let counts = again.stop("COUNTS");
    assert!(counts.contains("dropped=2"), "{counts}");
}

#[test]
fn calls_pass_when_nobody_answers() {
    let hosts = match Hosts::new("late") {
        Ok(hosts) => hosts,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let scene = Scene::new(&hosts);
    let tollgate = Hosts::role(&hosts.tollgate, "silent", &AS_ROLE);
    scene.call("spam", 200);
    let counts = tollgate.stop("COUNTS");
    assert!(counts.contains("fail_open=1") && counts.contains("dropped=0"), "{counts}");
}

// --- roles ---------------------------------------------------------------------------------------------------------

#[test]
#[ignore = "a part of the others: they start it in a namespace"]
fn role() {
    match std::env::var(ROLE).as_deref() {
        Ok("tollgate") => play_tollgate(judge(), InlineOptions::default(), Some(treatment)),
        Ok("silent") => play_tollgate(judge(), InlineOptions::default(), None),
        Ok("probe") => play_probe(),
        _ => {}
    }
}

fn judge() -> Box<SipJudge> {
    Box::new(SipJudge::new(Arc::new(Network::unknown()), SipOptions::default()))
}

fn treatment(message: &[u8]) -> Treatment {
    match Message::parse(message).unwrap().from.uri.user {
        b"spam" | b"probe" => Treatment::Block { sip: 603, q850: 21, reason: Arc::from("scripted") },
        b"hidden" => Treatment::Mask,
        _ => Treatment::Allow,
    }
}

/// A caller that sends its INVITE twice, as one does whose response was lost: both get the same octets.
fn play_probe() {
    let socket = UdpSocket::bind((CARRIER_IP, 5070)).unwrap();
    socket.connect((SWITCH_IP, 5060)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let request = |method: &str, tag: &str| {
        format!(
            "{method} sip:1@{SWITCH_IP} SIP/2.0\r\nVia: SIP/2.0/UDP {CARRIER_IP}:5070;branch=z9hG4bKprobe\r\n\
             From: <sip:probe@{CARRIER_IP}>;tag=p\r\nTo: <sip:1@{SWITCH_IP}>{tag}\r\nCall-ID: probe\r\n\
             CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
    };
    let mut responses = Vec::new();
    for _ in 0..2 {
        socket.send(request("INVITE", "").as_bytes()).unwrap();
        let mut buffer = [0; 2_000];
        let length = socket.recv(&mut buffer).unwrap();
        responses.push(String::from_utf8(buffer[..length].to_vec()).unwrap());
    }
    assert_eq!(responses[0], responses[1]);
    let tag =
        responses[0].split("To: ").nth(1).unwrap().split(';').nth(1).unwrap().split("\r\n").next().unwrap();
    socket.send(request("ACK", &format!(";{tag}")).as_bytes()).unwrap();
    println!("READY");
    println!("RESPONSE {}", responses[0].replace("\r\n", "|"));
}

// --- callers and called --------------------------------------------------------------------------------------------

/// A called side that answers, and a capture on both links, in a directory of their own.
struct Scene<'a> {
    hosts: &'a Hosts,
    directory: tempfile::TempDir,
    children: Vec<Child>,
}

impl<'a> Scene<'a> {
    fn new(hosts: &'a Hosts) -> Self {
        let mut scene = Self { hosts, directory: tempfile::tempdir().unwrap(), children: Vec::new() };
        for (namespace, link) in [(&hosts.carrier, "carrier"), (&hosts.switch, "switch")] {
            let file = scene.file(link);
            let log = scene.directory.path().join(format!("{link}.log"));
            let child = Hosts::command(namespace, "tcpdump")
                .args(["-i", "eth0", "--immediate-mode", "-U", "-w", file.to_str().unwrap(), "udp"])
                .stderr(fs::File::create(&log).unwrap())
                .spawn();
            scene.children.push(child.unwrap());
            wait_for("tcpdump", || fs::read_to_string(&log).ok()?.contains("listening on").then_some(()));
        }
        let uas = Hosts::command(&hosts.switch, "sipp")
            .args(["-sn", "uas", "-i", SWITCH_IP, "-p", "5060", "-nostdin"])
            .current_dir(scene.directory.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let sockets = format!("/proc/{}/net/udp", uas.id());
        scene.children.push(uas);
        wait_for("the called side", || fs::read_to_string(&sockets).ok()?.contains(":13C4 ").then_some(()));
        scene
    }

    fn file(&self, link: &str) -> PathBuf {
        self.directory.path().join(format!("{link}.pcap"))
    }

    /// Places a call that ends with this status.
    fn call(&self, caller: &str, status: u16) {
        let scenario = self.directory.path().join(format!("{caller}-{status}.xml"));
        fs::File::create(&scenario).unwrap().write_all(scenario_of(caller, status).as_bytes()).unwrap();
        let output = Hosts::command(&self.hosts.carrier, "sipp")
            .args([
                SWITCH_IP,
                "-sf",
                scenario.to_str().unwrap(),
                "-s",
                "+48601234567",
                "-i",
                CARRIER_IP,
                "-p",
                "5061",
            ])
            .args(["-m", "1", "-nostdin", "-timeout", "8s", "-timeout_error"])
            .current_dir(self.directory.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{caller} did not get {status}: {said}");
    }

    fn probe(&self) {
        let mut probe: Role = Hosts::role(&self.hosts.carrier, "probe", &AS_ROLE);
        let response = probe.line("RESPONSE");
        assert!(response.contains("Reason: Q.850;cause=21;text=\"scripted\"|"), "{response}");
    }

    /// SIP messages seen on a link so far.
    fn seen(&self, link: &str) -> Vec<SeenPacket> {
        let mut seen = Vec::new();
        let Ok(mut capture) = Capture::open(&[self.file(link)]) else { return seen };
        while let Some(frame) = capture.next() {
            let Some(packet) = frame.bytes.get(14..) else { continue };
            let Seen::Datagram(datagram) = Seen::of(packet) else { continue };
            let Ok(text) = String::from_utf8(datagram.payload.to_vec()) else { continue };
            if Message::parse(text.as_bytes()).is_err() {
                continue;
            }
            let mut packet = packet.to_vec();
            // Hops, and checksums that a card would have filled in.
            for octet in [8, 10, 11, 26, 27] {
                packet[octet] = 0;
            }
            seen.push(SeenPacket { dst: datagram.dst.ip().to_string(), packet, text });
        }
        seen
    }

    /// Packets of a call to `dst` with good checksums, and with bad ones.
    fn checksums(&self, link: &str, dst: &str, call_id: &str) -> (usize, usize) {
        let filter = format!("ip.dst == {dst} && sip.Call-ID == \"{call_id}\"");
        let output = Command::new("tshark")
            .args(["-r", self.file(link).to_str().unwrap(), "-o", "udp.check_checksum:TRUE"])
            .args(["-o", "ip.check_checksum:TRUE", "-Y", &filter, "-T", "fields"])
            .args(["-e", "ip.checksum.status", "-e", "udp.checksum.status"])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let good = text.lines().filter(|line| matches!(*line, "1\t1" | "Good\tGood")).count();
        (good, text.lines().count() - good)
    }
}

impl Drop for Scene<'_> {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

struct SeenPacket {
    dst: String,
    packet: Vec<u8>,
    text: String,
}

impl SeenPacket {
    fn message(&self) -> Message<'_> {
        Message::parse(self.text.as_bytes()).unwrap()
    }

    fn caller(&self) -> String {
        String::from_utf8_lossy(self.message().from.uri.user).into_owned()
    }

    fn call_id(&self) -> String {
        String::from_utf8_lossy(self.message().call_id).into_owned()
    }

    fn is(&self, method: &str, caller: &str) -> bool {
        let is_request = matches!(self.message().start, Start::Request { .. });
        is_request && self.message().method == Method::of(method.as_bytes()) && self.caller() == caller
    }

    fn start(&self, line: &str) -> bool {
        self.text.starts_with(line)
    }
}

/// A caller for sipp: an INVITE, what it ends with, and a BYE when it was answered.
fn scenario_of(caller: &str, status: u16) -> String {
    let request = |method: &str, cseq: u8, more: &str| {
        format!(
            "<send{}><![CDATA[\n{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0\n\
             Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch{}]\n\
             From: \"Bell\" <sip:{caller}@[local_ip]>;tag=[call_number]\nTo: <sip:[service]@[remote_ip]>[peer_tag_param]\n\
             Call-ID: [call_id]\nCSeq: {cseq} {}\nContact: <sip:{caller}@[local_ip]:[local_port]>\nMax-Forwards: 70\n\
             {more}Content-Length: 0\n\n]]></send>\n",
            if method == "ACK" { "" } else { " retrans=\"500\"" },
            // The ACK of a refusal belongs to the INVITE, four steps before (RFC 3261 §17.1.1.3).
            if method == "ACK" && status != 200 { "-4" } else { "" },
            method,
        )
    };
    let asserted = format!("P-Asserted-Identity: <sip:{caller}@[local_ip]>\n");
    let mut steps = request("INVITE", 1, &asserted);
    steps.push_str("<recv response=\"100\" optional=\"true\"/><recv response=\"180\" optional=\"true\"/>\n");
    steps.push_str(&format!("<recv response=\"{status}\"/>\n"));
    steps.push_str(&request("ACK", 1, ""));
    if status == 200 {
        steps.push_str(&request("BYE", 2, ""));
        steps.push_str("<recv response=\"200\"/>\n");
    }
    format!(
        "<?xml version=\"1.0\"?><!DOCTYPE scenario SYSTEM \"sipp.dtd\"><scenario name=\"{caller}\">\n{steps}</scenario>\n"
    )
}
