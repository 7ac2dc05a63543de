//! The built program as a service: started on a configuration, looked at from outside, told and killed by signals.
#![allow(dead_code, reason = "not everyone who shares this file needs all of it")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use tollgate::clock::Deadline;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(40);
/// Last lines of its log that a failed test shows.
const LINES_SHOWN: usize = 40;

/// `tollgate run` on a directory with `tollgate.toml`, whose records go to `records` in it. Killed when dropped.
pub struct Daemon {
    child: Child,
    folder: PathBuf,
    namespace: Option<String>,
    admin: String,
    starts: u32,
}

impl Daemon {
    /// One that is ready; its listener for operators is at `admin`, in `namespace` if there is one.
    pub fn start(folder: &Path, namespace: Option<&str>, admin: &str) -> Self {
        let mut daemon = Self {
            child: spawn(folder, namespace, 0),
            folder: folder.to_owned(),
            namespace: namespace.map(str::to_owned),
            admin: admin.to_owned(),
            starts: 0,
        };
        daemon.wait_until_ready();
        daemon
    }

    /// Starts it again, once it has ended.
    pub fn start_again(&mut self) {
        self.starts += 1;
        self.child = spawn(&self.folder, self.namespace.as_deref(), self.starts);
        self.wait_until_ready();
    }

    fn wait_until_ready(&mut self) {
        wait_for("/readyz", || {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("it ended with {status} instead of becoming ready");
            }
            self.get("/readyz").filter(|(status, _)| *status == 200)
        });
    }

    /// Status and body of a page for operators; `None` when nobody listens.
    pub fn get(&self, path: &str) -> Option<(u16, String)> {
        let url = format!("http://{}{path}", self.admin);
        let mut command = in_namespace(self.namespace.as_deref(), "curl");
        let output = command.args(["-s", "-m", "10", "-w", "\n%{http_code}", &url]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (body, status) = text.rsplit_once('\n')?;
        Some((status.parse().ok().filter(|status| *status != 0)?, body.to_owned()))
    }

    /// Its metrics.
    pub fn metrics(&self) -> Metrics {
        Metrics(self.get("/metrics").expect("it listens").1)
    }

    /// Objects in the files of records whose names begin so, oldest first; every line must be whole.
    pub fn records(&self, start: &str) -> Vec<Value> {
        let mut records = Vec::new();
        for path in self.files(start) {
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.is_empty() || text.ends_with('\n'), "{}: half a line at its end", path.display());
            records.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).expect(line)));
        }
        records
    }

    /// Files of records whose names begin so, oldest first.
    pub fn files(&self, start: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.join("records")).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with(start));
        files.sort();
        files
    }

    /// Asks it to read rules and prices again.
    pub fn reload(&self) {
        self.signal("-HUP");
    }

    /// Ends it as an operator does.
    pub fn stop(&mut self) {
        let status = self.end();
        assert!(status.success(), "it ended with {status}");
    }

    /// Ends it as an operator does, whatever it says of that.
    pub fn end(&mut self) -> ExitStatus {
        self.signal("-TERM");
        wait_for("its end", || self.child.try_wait().unwrap())
    }

    /// What it has logged since it was started.
    pub fn log(&self) -> String {
        fs::read_to_string(log_of(&self.folder, self.starts)).unwrap()
    }

    /// How often it has logged an event since it was started.
    pub fn logged(&self, event: &str) -> usize {
        self.log().matches(&format!("\"event\":\"{event}\"")).count()
    }

    /// Ends it as a crash does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let text = fs::read_to_string(log_of(&self.folder, self.starts)).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            let shown = lines.get(lines.len().saturating_sub(LINES_SHOWN)..).unwrap_or_default();
            eprintln!("--- its log ends with\n{}\n---", shown.join("\n"));
        }
    }
}

fn spawn(folder: &Path, namespace: Option<&str>, starts: u32) -> Child {
    in_namespace(namespace, env!("CARGO_BIN_EXE_tollgate"))
        .args(["run", "--config"])
        .arg(folder)
        .stdin(Stdio::null())
        .stderr(File::create(log_of(folder, starts)).unwrap())
        .spawn()
        .unwrap()
}

fn log_of(folder: &Path, starts: u32) -> PathBuf {
    folder.join(format!("service-{starts}.log"))
}

/// A program here or in a namespace, not yet started.
fn in_namespace(namespace: Option<&str>, program: &str) -> Command {
    let Some(namespace) = namespace else { return Command::new(program) };
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace, program]);
    command
}

/// A page of metrics in Prometheus' text format.
pub struct Metrics(pub String);

impl Metrics {
    /// The sum over all series of a family that have all these labels, such as `adapter="dip"`.
    pub fn sum(&self, family: &str, labels: &[&str]) -> u64 {
        let lines = self.0.lines().filter(|line| line.split(['{', ' ']).next() == Some(family));
        let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
        let values = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        values.sum::<f64>() as u64
    }
}

/// Looks every few milliseconds until there is something.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Deadline::after(PATIENCE);
    let (_open, never) = mpsc::channel::<()>();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(!deadline.left().is_zero(), "waited in vain for {what}");
        let _ = never.recv_timeout(Duration::from_millis(50));
    }
}
