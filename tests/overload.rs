//! A service that is asked more at once than its queues hold: everybody is answered, and afterwards calls are judged again.

#[path = "common/daemon.rs"]
mod daemon;

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::time::Duration;

use daemon::Daemon;

/// Calls at a time, and how often: far more than the one question that the queue holds.
const AT_ONCE: u32 = 100;
const ROUNDS: u32 = 20;

#[test]
fn a_burst_beyond_every_queue_is_answered_and_then_calls_are_judged_again() {
    let folder = tempfile::tempdir().unwrap();
    let admin = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dip = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    configure(folder.path(), admin, dip);
    let mut daemon = Daemon::start(folder.path(), None, &admin.to_string());
    let switch = Switch::new(dip);

    let (mut judged, mut passed) = (0, 0);
    for round in 0..ROUNDS {
        let calls = round * AT_ONCE..(round + 1) * AT_ONCE;
        calls.clone().for_each(|call| switch.invite(call));
        let mut answered = Vec::new();
        for _ in calls.clone() {
            let (call, status) = switch.answer();
            answered.push(call);
            match status {
                603 => judged += 1,
                404 => passed += 1,
                status => panic!("{status}"),
            }
        }
        answered.sort_unstable();
        assert_eq!(answered, calls.collect::<Vec<_>>());
    }
    assert!(passed > 0, "the queue was never full");
    let metrics = daemon.metrics();
    assert_eq!(metrics.sum("tollgate_fail_open_total", &["reason=\"queue_full\""]), passed);
    assert_eq!(metrics.sum("tollgate_fail_open_total", &[]), passed);
    assert_eq!(metrics.sum("tollgate_switch_responses_total", &["adapter=\"dip\""]), judged);

    let after = ROUNDS * AT_ONCE;
    for call in after..after + 10 {
        switch.invite(call);
        assert_eq!(switch.answer(), (call, 603));
    }
    daemon.stop();
    // Blocked calls are recorded; of those that passed unjudged nobody tells more.
    assert_eq!(daemon.records("calls-").len() as u64, judged + 10);
}

/// One question at a time waits for the loop. Patience for busy computers.
fn configure(folder: &Path, admin: SocketAddr, dip: SocketAddr) {
    fs::create_dir(folder.join("records")).unwrap();
    let network =
        "home = \"PL\"\n[[route]]\nname = \"carrier\"\nclass = \"international\"\npeers = [\"192.0.2.2\"]\n";
    fs::write(folder.join("network.toml"), network).unwrap();
    let service = format!(
        "[admin]\nlisten = \"{admin}\"\n[records]\ndirectory = \"records\"\n[calls]\nqueue-max = 1\n\
         [dip]\nudp = [\"{dip}\"]\ndeadline = \"10s\"\n"
    );
    fs::write(folder.join("tollgate.toml"), service).unwrap();
}

struct Switch(UdpSocket);

impl Switch {
    fn new(dip: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(dip).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(socket)
    }

    /// Asks about a fixed number of this country that calls from abroad.
    fn invite(&self, call: u32) {
        let local = self.0.local_addr().unwrap();
        let text = format!(
            "INVITE sip:+48699{call:06}@fw SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{call}\r\n\
             Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK-{call}\r\nFrom: <sip:+48220{call:06}@a>;tag={call}\r\n\
             To: <sip:+48699{call:06}@fw>\r\nCall-ID: {call}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
        );
        self.0.send(text.as_bytes()).unwrap();
    }

    /// Which call was answered, and how.
    fn answer(&self) -> (u32, u16) {
        let mut buffer = [0; 4_096];
        let length = self.0.recv(&mut buffer).expect("an answer");
        let text = std::str::from_utf8(&buffer[..length]).unwrap();
        let call = text.split("\r\n").find_map(|line| line.strip_prefix("Call-ID: ")).unwrap();
        (call.parse().unwrap(), text[8..11].parse().unwrap())
    }
}
