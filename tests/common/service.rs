//! A running service: the real program with a configuration of its own, on addresses that the system chose.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use tollgate::clock::Stopwatch;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that ends with the test.
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A service that follows the captures in its `spool`, answers over HTTP, and writes to its `records`.
pub struct Service {
    pub folder: tempfile::TempDir,
    pub admin: SocketAddr,
    pub http: SocketAddr,
    _program: Running,
}

impl Service {
    /// Starts one whose routes are `carrier-a` and `acme`, which pays until 2100.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let [admin, http] = free_addresses();
        let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/sip-white-route");
        for name in ["spool", "records"] {
            fs::create_dir(path.join(name)).unwrap();
        }
        fs::copy(case.join("network.toml"), path.join("network.toml")).unwrap();
        let rates = fs::read_to_string(case.join("rates.csv")).unwrap();
        fs::write(path.join("rates.csv"), rates.replace(",2020-01-01,,", ",2020-01-01,2100-01-01,")).unwrap();
        let configuration = format!(
            "[admin]\nlisten = \"{admin}\"\n[records]\ndirectory = \"records\"\nsync = \"100ms\"\n\
             [state]\nfile = \"state\"\n[[follow]]\npath = \"spool\"\nbegin = \"all\"\n[http]\nlisten = \"{http}\"\n"
        );
        fs::write(path.join("tollgate.toml"), configuration).unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args(["run", "--config"])
            .arg(path)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(program.stderr.take().unwrap());
        let (told, hears) = mpsc::channel();
        std::thread::spawn(move || log.lines().map_while(Result::ok).for_each(|line| drop(told.send(line))));
        let program = Running(program);
        let mut lines = Vec::new();
        while !lines.last().is_some_and(|line: &String| line.contains("\"event\":\"started\"")) {
            lines.push(hears.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("did not start: {lines:#?}")));
        }
        Self { folder, admin, http, _program: program }
    }

    /// Gives it a capture to read.
    pub fn feed(&self, name: &str, capture: &[u8]) {
        // Whole at once: a file is followed from its first octets on.
        let part = self.folder.path().join(name);
        fs::write(&part, capture).unwrap();
        fs::rename(part, self.folder.path().join("spool").join(name)).unwrap();
    }

    /// Asks for a decision; the answer's status and body.
    pub fn ask(&self, body: &str) -> (u16, String) {
        let agent = agent();
        let url = format!("http://{}/v1/decisions", self.http);
        let mut answer = agent.post(&url).content_type("application/json").send(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    /// Its metrics.
    pub fn scrape(&self) -> String {
        get(&format!("http://{}/metrics", self.admin)).1
    }
}

/// Status and body of a page.
pub fn get(url: &str) -> (u16, String) {
    let mut answer = agent().get(url).call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into()
}

/// Addresses that were free a moment ago.
pub fn free_addresses<const N: usize>() -> [SocketAddr; N] {
    let held = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap())
}

/// Looks again and again until there is something.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let (_held, never) = mpsc::channel::<()>();
    let since = Stopwatch::start();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.seconds() < PATIENCE.as_secs_f64(), "waited in vain for {what}");
        let _ = never.recv_timeout(Duration::from_millis(100));
    }
}

/// The sum over all series of a family whose labels contain `part`.
pub fn sum(text: &str, family: &str, part: &str) -> f64 {
    text.lines()
        .filter(|line| line.split(['{', ' ']).next() == Some(family) && line.contains(part))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}
