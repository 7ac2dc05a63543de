//! SIPp as both switches, each with its log of messages.

use std::fs::{self, File};
use std::io::Write;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use tollgate::clock::Stopwatch;

const CALLER_HOST: &str = "127.0.0.2";
const CALLEE_HOST: &str = "127.0.0.3";
/// A call must be over by then, and what a test waits for be there; in seconds.
const PATIENCE_S: u32 = 20;

/// What happens in a call.
#[derive(Clone, Copy)]
pub struct Call {
    /// How it ends: `caller`, `callee`, `cancel`, `refused`.
    pub end: &'static str,
    pub called: &'static str,
    pub record_route: bool,
}

impl Call {
    pub fn new(end: &'static str, called: &'static str) -> Self {
        Self { end, called, record_route: true }
    }

    /// One that is answered, and ended by the side named.
    pub fn answered(by: &'static str, called: &'static str) -> Self {
        Self::new(by, called)
    }
}

/// Whether SIPp is there; says loudly when it is not.
pub fn is_sipp_there() -> bool {
    let version = Command::new("sipp").arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if version.is_err() {
        // Not `eprintln!`, whose output the harness keeps to itself when a test passes.
        let _ = writeln!(std::io::stderr(), "SKIPPED: no sipp (Debian: sip-tester)");
    }
    version.is_ok()
}

/// A SIPp that runs.
struct Sipp {
    folder: TempDir,
    child: Child,
}

impl Sipp {
    fn start(scenario: &str, local: SocketAddr, more: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        fs::write(file("scenario.xml"), scenario).unwrap();
        let child = Command::new("sipp")
            .current_dir(folder.path())
            .args(["-sf", "scenario.xml", "-m", "1", "-nostdin", "-trace_msg", "-message_file", "messages"])
            .args([
                "-trace_err",
                "-error_file",
                "errors",
                "-timeout",
                &PATIENCE_S.to_string(),
                "-timeout_error",
            ])
            .args(["-i", &local.ip().to_string(), "-p", &local.port().to_string()])
            .args(more)
            .stdin(Stdio::null())
            .stdout(File::create(file("screen")).unwrap())
            .stderr(File::create(file("stderr")).unwrap())
            .spawn()
            .unwrap();
        Self { folder, child }
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    fn end(mut self, who: &str) -> Log {
        let status = self.child.wait().unwrap();
        let (log, errors) = (self.log("messages"), self.log("errors"));
        assert!(status.success(), "{who}: {status}\n{errors}\n{log}");
        Log { log }
    }
}

/// The one who calls.
pub struct Caller(Sipp);

impl Caller {
    pub fn start(call: &Call, proxy: SocketAddr) -> Self {
        let local = free(CALLER_HOST);
        Self(Sipp::start(&scenario("caller", call), local, &["-s", call.called, &proxy.to_string()]))
    }
}

/// The one who is called.
pub struct Callee {
    sipp: Option<Sipp>,
    address: SocketAddr,
}

impl Callee {
    /// Starts it, and returns when it listens.
    pub fn start(call: &Call) -> Self {
        let address = free(CALLEE_HOST);
        if call.end == "refused" {
            return Self { sipp: None, address };
        }
        // Another program may take the port before SIPp does.
        (0..5).find_map(|_| Self::listen(call)).expect("sipp found no port")
    }

    fn listen(call: &Call) -> Option<Self> {
        let address = free(CALLEE_HOST);
        let mut sipp = Sipp::start(&scenario("callee", call), address, &[]);
        let watch = Stopwatch::start();
        while !is_bound(address) {
            if sipp.child.try_wait().unwrap().is_some() {
                let _ =
                    writeln!(std::io::stderr(), "sipp ended: {}{}", sipp.log("stderr"), sipp.log("errors"));
                return None;
            }
            assert!(watch.seconds() < f64::from(PATIENCE_S), "sipp does not listen");
            std::thread::yield_now();
        }
        Some(Self { sipp: Some(sipp), address })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// What one side logged.
pub struct Log {
    pub log: String,
}

impl Log {
    /// The first message sent that begins so.
    pub fn sent(&self, start: &str) -> String {
        self.message("message sent", start)
    }

    /// The first message received that begins so.
    pub fn received(&self, start: &str) -> String {
        self.message("message received", start)
    }

    fn message(&self, way: &str, start: &str) -> String {
        let found = self.log.split("-----------------------------------------------").find_map(|part| {
            let (head, message) = part.split_once("\n\n")?;
            (head.contains(way) && message.starts_with(start)).then(|| message.trim_end().to_owned())
        });
        found.unwrap_or_else(|| panic!("no {way} {start} in\n{}", self.log))
    }
}

/// A call that is over, with both logs.
pub struct Ended {
    pub caller: Log,
    pub callee: Log,
}

impl Ended {
    pub fn wait(caller: Caller, callee: Callee) -> Self {
        let caller = caller.0.end("caller");
        let callee = callee.sipp.map_or_else(|| Log { log: String::new() }, |sipp| sipp.end("callee"));
        Self { caller, callee }
    }
}

/// Whether a program listens there; to try the port would take it from SIPp.
fn is_bound(address: SocketAddr) -> bool {
    let IpAddr::V4(host) = address.ip() else { return false };
    let entry = format!("{:08X}:{:04X} ", u32::from(host).swap_bytes(), address.port());
    fs::read_to_string("/proc/net/udp").unwrap().lines().any(|line| line.contains(&entry))
}

fn free(host: &str) -> SocketAddr {
    UdpSocket::bind((host, 0)).unwrap().local_addr().unwrap()
}

fn scenario(side: &str, call: &Call) -> String {
    let file = format!("{side}-{}.xml", call.end);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/proxy");
    fs::read_to_string(folder.join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}
