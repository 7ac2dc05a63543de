//! The built program as a service beside a bench: started on a directory, asked for its figures, told by signals.

#![allow(dead_code, reason = "no bench needs all of it")]

use std::fmt::Write;
use std::fs::{self, File};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tollgate::clock::Deadline;

/// Longest wait for its start, its end or a page.
const PATIENCE: Duration = Duration::from_secs(120);

/// Where it listens.
#[derive(Clone, Copy, Debug)]
pub struct Addresses {
    pub dip: SocketAddr,
    pub admin: SocketAddr,
    pub http: SocketAddr,
    pub hep: SocketAddr,
}

impl Addresses {
    /// Addresses that were free a moment ago.
    pub fn free() -> Self {
        let udp = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").expect("a free port"));
        let tcp = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let [dip, hep] = udp.map(|socket| socket.local_addr().expect("it is bound"));
        let [admin, http] = tcp.map(|listener| listener.local_addr().expect("it is bound"));
        Self { dip, admin, http, hep }
    }
}

/// `tollgate run`, killed when dropped. Its log goes to `log` in its directory.
pub struct Service {
    child: Child,
    folder: PathBuf,
    pages: Pages,
}

impl Service {
    /// One that is ready. It does not hear the terminal's Ctrl-C: whoever started it ends it.
    ///
    /// # Errors
    /// When it cannot be started, or ends before it is ready.
    pub fn start(program: &Path, folder: &Path, admin: SocketAddr) -> io::Result<Self> {
        let child = Command::new(program)
            .args(["run", "--config"])
            .arg(folder)
            .stdin(Stdio::null())
            .stderr(File::create(folder.join("log"))?)
            .process_group(0)
            .spawn()?;
        let mut service = Self { child, folder: folder.to_owned(), pages: Pages::new(admin) };
        let deadline = Deadline::after(PATIENCE);
        while service.pages.get("readyz").is_none() {
            if let Some(status) = service.child.try_wait()? {
                let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("it ended with {status}: {log}")));
            }
            if deadline.left().is_zero() {
                return Err(io::Error::other("it is not ready"));
            }
            pause(Duration::from_millis(50));
        }
        Ok(service)
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its pages for operators.
    pub fn pages(&self) -> Pages {
        self.pages.clone()
    }

    /// How it ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends it as an operator does; how it ended, or `None` when it does not.
    pub fn stop(&mut self) -> Option<ExitStatus> {
        signal(self.id(), "-TERM");
        let deadline = Deadline::after(PATIENCE);
        while !deadline.left().is_zero() {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            pause(Duration::from_millis(50));
        }
        None
    }

    /// Lines of its log that tell of an error.
    pub fn errors(&self) -> Vec<String> {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        log.lines().filter(|line| line.contains("\"level\":\"ERROR\"")).map(str::to_owned).collect()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Tells a process by a signal.
pub fn signal(process: u32, signal: &str) {
    let _ = Command::new("kill").args([signal, &process.to_string()]).status();
}

/// Waits so long.
pub fn pause(span: Duration) {
    let _ = crossbeam_channel::never::<()>().recv_timeout(span);
}

/// Pages for operators.
#[derive(Clone)]
pub struct Pages {
    agent: ureq::Agent,
    admin: SocketAddr,
}

impl Pages {
    fn new(admin: SocketAddr) -> Self {
        let options = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(10)));
        Self { agent: options.build().into(), admin }
    }

    /// A page; `None` when it is not there.
    pub fn get(&self, path: &str) -> Option<String> {
        let mut answer = self.agent.get(format!("http://{}/{path}", self.admin)).call().ok()?;
        answer.body_mut().read_to_string().ok()
    }

    /// Its metrics.
    pub fn metrics(&self) -> Option<Metrics> {
        self.get("metrics").map(Metrics)
    }
}

/// Metrics in Prometheus' text format.
#[derive(Clone, Debug, Default)]
pub struct Metrics(String);

impl Metrics {
    /// Every series of a family: its labels, and its value.
    pub fn series<'a>(&'a self, family: &'a str) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix(family)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            let is_family = labels.is_empty() || labels.starts_with('{');
            is_family.then_some((labels, value.parse().ok()?))
        })
    }

    /// The sum of a family's series with this label, such as `adapter="dip"`.
    pub fn sum(&self, family: &str, label: &str) -> u64 {
        self.series(family).filter(|(labels, _)| labels.contains(label)).map(|(_, value)| value as u64).sum()
    }

    /// Series of a family that are not zero, by the value of a label.
    pub fn by(&self, family: &str, label: &str) -> String {
        let mut text = String::new();
        for (labels, value) in self.series(family).filter(|(_, value)| *value > 0.0) {
            let name = labels.split(label).nth(1).and_then(|rest| rest.split('"').nth(1)).unwrap_or("?");
            write!(text, "{}{name} {value}", if text.is_empty() { "" } else { ", " })
                .expect("memory takes it");
        }
        if text.is_empty() { "none".to_owned() } else { text }
    }
}

/// What the system says of a process: proc(5).
#[derive(Clone, Copy, Debug, Default)]
pub struct Process {
    /// Octets of resident memory.
    pub resident: u64,
    /// Descriptors that are open.
    pub descriptors: usize,
    pub threads: usize,
    /// Octets that went to the disk.
    pub written: u64,
    /// Seconds of processor time.
    pub processor: f64,
}

impl Process {
    /// As it is now; `None` when it is gone.
    pub fn look(id: u32) -> Option<Self> {
        let directory = Path::new("/proc").join(id.to_string());
        let figure = |file: &str, name: &str| {
            let text = fs::read_to_string(directory.join(file)).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.split_ascii_whitespace().next()?.parse::<u64>().ok()
        };
        let stat = fs::read_to_string(directory.join("stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let ticks = |field: usize| fields.get(field).and_then(|text| text.parse::<u64>().ok());
        Some(Self {
            resident: figure("status", "VmRSS")? << 10,
            descriptors: fs::read_dir(directory.join("fd")).ok()?.count(),
            threads: fs::read_dir(directory.join("task")).ok()?.count(),
            written: figure("io", "write_bytes").unwrap_or(0),
            // A tick is a hundredth of a second for every program (USER_HZ).
            processor: (ticks(11)? + ticks(12)?) as f64 / 100.0,
        })
    }
}
