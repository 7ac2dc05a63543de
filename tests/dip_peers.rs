//! The redirect dip asked by real switches: Kamailio that forwards by its answer, and SIPp. `SKIPPED` where they are not
//! installed.

use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use tollgate::adapter::dip::{Dip, DipCounts, DipLimits, DipOptions, Profile, ProfileOptions};
use tollgate::adapter::{Asked, Gate, Query};
use tollgate::base::map::Seed;
use tollgate::base::network::Network;
use tollgate::judge::{Answer, Treatment};
use tollgate::metrics::Live;
use tollgate::wire::sip::Message;

/// The calling number that is blocked.
const BLOCKED: &[u8] = b"+99100000001";

/// A dip at these addresses, with a decision loop that blocks one number.
fn dip(udp: &[&str], tcp: &[&str]) -> Dip {
    let (sender, queries) = bounded(1_024);
    std::thread::spawn(move || decide(&queries));
    let live = Live::new().unwrap();
    let gate = Gate::new(sender, (Arc::new(Network::unknown()), Arc::default()), live.adapter("dip"));
    let addresses = |all: &[&str]| all.iter().map(|address| address.parse().unwrap()).collect();
    let options = DipOptions {
        udp: addresses(udp),
        tcp: addresses(tcp),
        tls: Vec::new(),
        certificates: None,
        peer_header: tollgate::wire::sip::ingress::PEER_HEADER.to_owned(),
        deadline: Duration::from_secs(2),
        profile: Profile::new(&ProfileOptions::default()).unwrap(),
        seed: Seed(1),
        limits: DipLimits::default(),
    };
    Dip::start(&options, gate, DipCounts::new(live.registry()).unwrap()).unwrap()
}

fn decide(queries: &Receiver<Query>) {
    for query in queries {
        let Asked::Message { bytes, .. } = &query.asked else { panic!("a dip asks about messages") };
        let is_blocked = Message::parse(bytes).unwrap().from.uri.user == BLOCKED;
        let block = || Treatment::Block { sip: 603, q850: 21, reason: "test".into() };
        let treatment = if is_blocked { block() } else { Treatment::Allow };
        query.reply.answer(Ok(Answer { treatment, ..Answer::default() }));
    }
}

fn free_port() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).unwrap()
}

fn is_installed(program: &str) -> bool {
    let found = Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("SKIPPED: {program} is not installed");
    }
    found
}

struct Kamailio(Child);

impl Kamailio {
    /// A switch that asks `dip` about every call and sends it to `far_end` at the status `advance`.
    fn start(
        directory: &Path,
        (listen, dip, far_end): (SocketAddr, SocketAddr, SocketAddr),
        advance: u16,
    ) -> Self {
        let config = format!(
            "#!KAMAILIO\ndebug=0\nlog_stderror=yes\nfork=yes\nchildren=1\nauto_aliases=no\ndisable_tcp=yes\n\
             loadmodule \"tm.so\"\nloadmodule \"sl.so\"\nloadmodule \"pv.so\"\nloadmodule \"textops.so\"\nloadmodule \"siputils.so\"\n\
             request_route {{\n  if (is_method(\"OPTIONS\")) {{ sl_send_reply(\"200\", \"OK\"); exit; }}\n\
             if (is_method(\"CANCEL|ACK\")) {{ if (t_check_trans()) {{ t_relay(); }} exit; }}\n\
             t_on_failure(\"VERDICT\");\n  $du = \"sip:{dip}\";\n  t_relay();\n  exit;\n}}\n\
             failure_route[VERDICT] {{\n  if (t_check_status(\"{advance}\")) {{ $du = \"sip:{far_end}\"; t_relay(); }}\n  exit;\n}}\n"
        );
        let file = directory.join("switch.cfg");
        std::fs::write(&file, config).unwrap();
        let mut command = Command::new("kamailio");
        command.args(["-DD", "-E", "-m", "64", "-M", "8", "-l", &format!("udp:{listen}"), "-f"]).arg(&file);
        command.arg("-P").arg(directory.join("pid")).arg("-Y").arg(directory);
        let started = Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        // Not connected: nobody tells it that the port is not open yet.
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let options = format!(
            "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:x>\r\n\
             Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 9\r\nContent-Length: 0\r\n\r\n",
            socket.local_addr().unwrap()
        );
        let is_there = (0..400).any(|_| {
            socket.send_to(options.as_bytes(), listen).is_ok() && socket.recv(&mut [0; 2_048]).is_ok()
        });
        assert!(is_there, "kamailio does not answer");
        started
    }
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        // So that it ends its children.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn selftest(switch: SocketAddr, far_end: SocketAddr) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(["selftest", "--called", "+99100000009", "--expect", "603"]);
    command.args(["--switch", &switch.to_string(), "--far-end", &far_end.to_string()]);
    command.output().unwrap()
}

#[test]
fn a_selftest_tells_a_sound_switch_from_an_inverted_one() {
    if !is_installed("kamailio") {
        return;
    }
    let dip = dip(&["127.0.0.1:0"], &[]);
    let asked = dip.udp_addresses().next().unwrap();
    for (advance, code, words) in [(404, 0, "sound: Block blocks"), (603, 1, "the wrong way round")] {
        let directory = tempfile::tempdir().unwrap();
        let (listen, far_end) = (free_port(), free_port());
        let _switch = Kamailio::start(directory.path(), (listen, asked, far_end), advance);
        let output = selftest(listen, far_end);
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words), "{said}");
    }
    // A switch that takes every final answer for the end.
    let directory = tempfile::tempdir().unwrap();
    let (listen, far_end) = (free_port(), free_port());
    let _switch = Kamailio::start(directory.path(), (listen, asked, far_end), 500);
    let output = selftest(listen, far_end);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("was refused with 404"));
}

/// INVITE, the expected status, ACK.
const SCENARIO: &str = r#"<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="dip">
  <send retrans="500"><![CDATA[
INVITE sip:+48601234567@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:CALLER@[local_ip]:[local_port]>;tag=[pid]-[call_number]
To: <sip:+48601234567@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Max-Forwards: 70
Contact: <sip:CALLER@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
  <recv response="STATUS" rtd="true"></recv>
  <send><![CDATA[
ACK sip:+48601234567@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:CALLER@[local_ip]:[local_port]>;tag=[pid]-[call_number]
To: <sip:+48601234567@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
</scenario>
"#;

#[test]
fn sipp_hears_the_verdict_over_each_transport() {
    if !is_installed("sipp") {
        return;
    }
    let dip = dip(&["127.0.0.1:0", "[::1]:0"], &["127.0.0.1:0", "[::1]:0"]);
    let udp = dip.udp_addresses().map(|address| ("u1", address));
    let tcp = dip.tcp_addresses().iter().map(|address| ("t1", *address));
    for (transport, address) in udp.chain(tcp) {
        for (caller, status) in [("+99100000001", "603"), ("+99100000002", "404")] {
            let mut scenario = tempfile::NamedTempFile::new().unwrap();
            let text = SCENARIO.replace("CALLER", caller).replace("STATUS", status);
            scenario.write_all(text.as_bytes()).unwrap();
            let mut command = Command::new("sipp");
            command.args(["-nostdin", "-m", "200", "-r", "1000", "-timeout", "30s", "-timeout_error"]);
            command.args(["-t", transport, "-i", &address.ip().to_string(), "-sf"]).arg(scenario.path());
            let output = command.arg(address.to_string()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{transport} {address} {status}: {said}");
        }
    }
}
