//! A service that ends, or is killed, knows after its next start what it knew before: a campaign of flash calls that it was
//! asked about over TLS and TCP, and whose ends it was told. The switch's TLS is OpenSSL's.

#[path = "common/daemon.rs"]
mod daemon;
#[path = "common/stage.rs"]
mod stage;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use tollgate::clock::{self, Deadline};

use daemon::{Daemon, wait_for};
use stage::Stage;

/// Longest until a service is ready. A build without optimisation reads its state several times as long.
const READY_WITHIN: Duration = Duration::from_secs(if cfg!(debug_assertions) { 40 } else { 10 });
/// More calls than a campaign of one block needs until it is caught.
const CALLS_MAX: u32 = 300;
/// The rule that lets two calls in a hundred of a known block pass, to see whether it still is what it was.
const TEST_OF_A_MARK: &str = "FC-190";

#[test]
fn what_was_learned_survives_an_end_and_a_crash() {
    if let Err(why) = Command::new("openssl").arg("version").output() {
        return println!("SKIPPED: openssl: {why}");
    }
    let folder = tempfile::tempdir().unwrap();
    let (tls, tcp) = (free_address(), free_address());
    let stage = Stage::new(
        folder.path(),
        "",
        &format!(
            "[state]\nfile = \"state\"\nevery = \"1s\"\n[feed]\nwait = \"5m\"\n[dip]\ntls = [\"{tls}\"]\ntcp = [\"{tcp}\"]\n\
             certificate = \"certificate.pem\"\nkey = \"key.pem\"\ndeadline = \"5s\"\n"
        ),
    );
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    fs::write(folder.path().join("certificate.pem"), certificate.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    let mut world = World { stage: &stage, folder: folder.path(), tls, asked: 0, tests: Vec::new() };

    let mut daemon = stage.start();
    world.teach();
    daemon.stop();

    start_again(&mut daemon);
    let over_tcp = world.ask(&mut Switch::tcp(tcp), &Call::flash(900));
    assert!(over_tcp.is_blocked || world.is_test(&over_tcp), "over TCP");
    world.knows_the_campaign(901, true);

    // A file of this start, written while it runs.
    let state = folder.path().join("state");
    fs::remove_file(&state).unwrap();
    wait_for("the state file", || state.exists().then_some(()));
    daemon.kill();
    start_again(&mut daemon);
    world.knows_the_campaign(911, true);

    // It is the file that knows.
    daemon.stop();
    fs::remove_file(&state).unwrap();
    start_again(&mut daemon);
    world.knows_the_campaign(921, false);

    daemon.stop();
    let records = daemon.records("calls-");
    for call_id in &world.tests {
        let record = records.iter().find(|record| record["call_key"] == **call_id);
        assert_eq!(record.expect(call_id)["rule"], TEST_OF_A_MARK);
    }
}

fn start_again(daemon: &mut Daemon) {
    let deadline = Deadline::after(READY_WITHIN);
    daemon.start_again();
    assert!(!deadline.left().is_zero(), "it is ready too late");
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A call, and how it goes if it is let pass.
struct Call {
    calling: String,
    called: String,
    ring_s: u64,
    talk_s: Option<u64>,
}

impl Call {
    /// A one-time password in a number of one block of a thousand.
    fn flash(n: u32) -> Self {
        let calling = format!("+447700900{:03}", n * 37 % 1_000);
        Self { calling, called: format!("+48699000{n:03}"), ring_s: 1, talk_s: None }
    }

    /// People in Berlin who talk.
    fn person(n: u32) -> Self {
        let calling = format!("+493023125{n:03}");
        Self { calling, called: format!("+48699001{n:03}"), ring_s: 4, talk_s: Some(20) }
    }
}

struct Answer {
    call_id: String,
    is_blocked: bool,
}

/// The carrier's calls, and what became of them.
struct World<'a> {
    stage: &'a Stage<'a>,
    folder: &'a Path,
    tls: SocketAddr,
    asked: u32,
    /// Call-IDs of calls of the campaign that passed though it is known.
    tests: Vec<String>,
}

impl World<'_> {
    /// Calls until five of the campaign in a row are blocked; people call between them.
    fn teach(&mut self) {
        let mut switch = Switch::tls(self.tls, self.folder);
        let (mut passed, mut in_a_row) = (0, 0);
        for n in 0..CALLS_MAX {
            let is_blocked = self.ask(&mut switch, &Call::flash(n)).is_blocked;
            passed += u32::from(!is_blocked);
            in_a_row = if is_blocked { in_a_row + 1 } else { 0 };
            if n % 6 == 0 {
                assert!(!self.ask(&mut switch, &Call::person(n)).is_blocked, "a person, after {n} calls");
            }
            if in_a_row == 5 {
                assert!(passed >= 10, "{passed} calls taught it");
                return;
            }
        }
        panic!("{passed} of {CALLS_MAX} calls passed");
    }

    /// Whether the first call of the campaign is blocked at once, while people's calls pass. Of calls `n` and the next, none
    /// was placed before: who places a call that was refused again gets through.
    fn knows_the_campaign(&mut self, n: u32, expected: bool) {
        let mut switch = Switch::tls(self.tls, self.folder);
        let first = self.ask(&mut switch, &Call::flash(n));
        let is_known = first.is_blocked
            || expected && self.is_test(&first) && self.ask(&mut switch, &Call::flash(n + 1)).is_blocked;
        assert_eq!(is_known, expected);
        // One that was there before, and strangers.
        for person in [0, n, n + 1, n + 2] {
            assert!(!self.ask(&mut switch, &Call::person(person)).is_blocked, "a person is blocked");
        }
    }

    /// Notes that this call is to have passed as a test, which its record must say.
    fn is_test(&mut self, answer: &Answer) -> bool {
        self.tests.push(answer.call_id.clone());
        true
    }

    /// Asks about a call, and tells how it went when it was let pass.
    fn ask(&mut self, switch: &mut Switch, call: &Call) -> Answer {
        self.asked += 1;
        let call_id = format!("{}@carrier", self.asked);
        let is_blocked = match switch.ask(call, &call_id) {
            404 => false,
            603 => true,
            status => panic!("{call_id}: {status}"),
        };
        if !is_blocked {
            self.tell(call, &call_id);
        }
        Answer { call_id, is_blocked }
    }

    fn tell(&self, call: &Call, call_id: &str) {
        let now = clock::now();
        let ago = |seconds: u64| now.before(Duration::from_secs(seconds)).to_string();
        let talk = call.talk_s.unwrap_or(0);
        let mut ended = json!({"call_id": call_id, "calling": call.calling, "called": call.called, "route": "carrier",
            "setup_at": ago(talk + call.ring_s + 1), "alert_at": ago(talk + call.ring_s), "end_at": now.to_string(),
            "released_by": "calling", "sip_status": 487});
        if call.talk_s.is_some() {
            ended["answer_at"] = ago(talk).into();
            ended["sip_status"] = 200.into();
        }
        let url = format!("http://{}/v1/feed", self.stage.http);
        let mut answer =
            ureq::post(&url).content_type("application/x-ndjson").send(format!("{ended}\n")).unwrap();
        let said = answer.body_mut().read_to_string().unwrap();
        assert!(said.contains("\"accepted\":1"), "{said}");
    }
}

/// A connection of a switch to the dip.
struct Switch {
    transport: &'static str,
    input: Box<dyn Write>,
    output: BufReader<Box<dyn Read>>,
    client: Option<Child>,
}

impl Switch {
    fn tcp(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        let output: Box<dyn Read> = Box::new(stream.try_clone().unwrap());
        Self { transport: "TCP", input: Box::new(stream), output: BufReader::new(output), client: None }
    }

    fn tls(address: SocketAddr, folder: &Path) -> Self {
        let mut client = Command::new("openssl")
            .args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", "localhost"])
            .args(["-connect", &address.to_string(), "-CAfile"])
            .arg(folder.join("certificate.pem"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let input = Box::new(client.stdin.take().unwrap());
        let output: Box<dyn Read> = Box::new(client.stdout.take().unwrap());
        Self { transport: "TLS", input, output: BufReader::new(output), client: Some(client) }
    }

    /// The final status of a question.
    fn ask(&mut self, call: &Call, call_id: &str) -> u16 {
        self.say("INVITE", call, call_id);
        let status = loop {
            let status = self.hear(call_id);
            if status >= 200 {
                break status;
            }
        };
        self.say("ACK", call, call_id);
        status
    }

    fn say(&mut self, method: &str, Call { calling, called, .. }: &Call, call_id: &str) {
        let request = format!(
            "{method} sip:{called}@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/{} 192.0.2.9;branch=z9hG4bK{call_id}\r\n\
             From: <sip:{calling}@192.0.2.2>;tag=1\r\nTo: <sip:{called}@192.0.2.9>\r\nCall-ID: {call_id}\r\n\
             CSeq: 1 {method}\r\nMax-Forwards: 70\r\nX-Tollgate-Peer: 192.0.2.2\r\nContent-Length: 0\r\n\r\n",
            self.transport
        );
        self.input.write_all(request.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// The status of the next response, which has no body.
    fn hear(&mut self, call_id: &str) -> u16 {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).unwrap();
            assert!(length > 0, "the connection ended: {lines:?}");
            if line == "\r\n" {
                break;
            }
            lines.push(line);
        }
        assert!(lines.contains(&format!("Call-ID: {call_id}\r\n")), "{lines:?}");
        lines[0].split(' ').nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        if let Some(client) = &mut self.client {
            let _ = client.kill();
            let _ = client.wait();
        }
    }
}
