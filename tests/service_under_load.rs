//! A service that is asked a hundred times a second while its operator changes the rules, breaks them, or kills it.

#[path = "common/daemon.rs"]
mod daemon;

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::tick;
use serde_json::{Value, json};
use tollgate::clock;

use daemon::{Daemon, wait_for};

/// Who ask at the same time, and how long each waits from one question to the next: a hundred questions a second.
const ASKING: u64 = 4;
const PAUSE: Duration = Duration::from_millis(40);

#[test]
fn every_question_is_answered_while_rules_are_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let [admin, http] = free_addresses();
    configure(folder.path(), admin, http);
    let mut daemon = Daemon::start(folder.path(), None, &admin.to_string());
    let load = Load::start(http, "load");
    load.wait_for_more(20);

    let mut cause_in_force = 21;
    for (cause, is_broken) in [(16, false), (20, false), (55, true), (17, false), (21, false)] {
        let before = hash_of_rules(&daemon);
        write_rules(folder.path(), cause, is_broken);
        daemon.reload();
        wait_for("the reload", || {
            let good = daemon.metrics().sum("tollgate_config_last_reload_successful", &[]) == 1;
            let is_done = good != is_broken && (is_broken || hash_of_rules(&daemon) != before);
            is_done.then_some(())
        });
        if is_broken {
            assert_eq!(hash_of_rules(&daemon), before);
        } else {
            cause_in_force = cause;
        }
        assert_eq!(daemon.get("/readyz").map(|(status, _)| status), Some(200));
        load.wait_for_more(20);
        let answer = ask(http, &question("probe", u64::from(cause), Kind::Spoofed)).unwrap();
        assert_eq!(answer["treatment"]["q850_cause"], json!(cause_in_force), "{answer}");
    }
    load.wait_for_more(100);
    let (asked, lost) = load.stop();
    assert_eq!(lost, 0, "of {asked} questions");
    let answered = daemon.metrics().sum("tollgate_switch_responses_total", &["adapter=\"http\""]);
    assert_eq!(answered, asked + 5);

    daemon.stop();
    // Calls that were asked about and never heard of again are told in the end, as they stand.
    assert_eq!(daemon.records("calls-").len() as u64, asked + 5);
    verify_bills(&daemon);
}

#[test]
fn a_killed_service_leaves_whole_records_and_a_chain_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let [admin, http] = free_addresses();
    configure(folder.path(), admin, http);
    let mut daemon = Daemon::start(folder.path(), None, &admin.to_string());
    for round in ["first", "second", "third"] {
        let load = Load::start(http, round);
        let before = bills(&daemon);
        wait_for("bills", || (bills(&daemon) >= before + 20).then_some(()));
        if round == "third" {
            let (asked, lost) = load.stop();
            assert_eq!(lost, 0, "of {asked} questions");
            break;
        }
        daemon.kill();
        load.wait_for_lost();
        load.stop();
        daemon.start_again();
        let answer = ask(http, &question(round, 1, Kind::Spoofed)).unwrap();
        assert_eq!(answer["decision"], "block", "{answer}");
    }
    daemon.stop();
    // Calls that lived when it was killed have none.
    assert!(daemon.records("calls-").len() >= 3 * 30);
    assert!(daemon.records("billing-").len() >= 3 * 20);
    verify_bills(&daemon);
}

// --- the service ---------------------------------------------------------------------------------------------------

/// Rules of its own, a route that pays and one that does not.
fn configure(folder: &Path, admin: SocketAddr, http: SocketAddr) {
    for name in ["records", "rules"] {
        fs::create_dir(folder.join(name)).unwrap();
    }
    write_rules(folder, 21, false);
    let network = "home = \"PL\"\n[billing]\nrate-card = \"rates.csv\"\n[[route]]\nname = \"acme\"\nclass = \"white\"\n\
                   peers = [\"192.0.2.1\"]\nsender = \"acme\"\n[[route]]\nname = \"carrier\"\n\
                   class = \"international\"\npeers = [\"192.0.2.2\"]\n";
    fs::write(folder.join("network.toml"), network).unwrap();
    let rates = "sender,dest_prefix,valid_from,valid_to,tier_from,currency,price,unit\n\
                 acme,+48,2020-01-01,,0,EUR,0.0045,attempt\n";
    fs::write(folder.join("rates.csv"), rates).unwrap();
    // Patience for busy computers; what is asked takes less than a millisecond.
    let service = format!(
        "rules = \"rules\"\n[admin]\nlisten = \"{admin}\"\n[records]\ndirectory = \"records\"\nsync = \"50ms\"\n\
         [http]\nlisten = \"{http}\"\ndeadline = \"5s\"\n"
    );
    fs::write(folder.join("tollgate.toml"), service).unwrap();
}

/// The shipped rules, refusing with another Q.850 cause than theirs; and one rule that is none, if they are to be broken.
fn write_rules(folder: &Path, cause: u16, is_broken: bool) {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap().replace("q850 = 21", &format!("q850 = {cause}"));
        fs::write(folder.join("rules").join(path.file_name().unwrap()), text).unwrap();
    }
    let broken = folder.join("rules/99-broken.toml");
    if is_broken {
        fs::write(broken, "schema = 1\n[[rule]]\nid = \"XX-100\"\nwhen = \"caller.\"\n").unwrap();
    } else if broken.exists() {
        fs::remove_file(broken).unwrap();
    }
}

fn hash_of_rules(daemon: &Daemon) -> String {
    let text = daemon.metrics().0;
    text.lines().find(|line| line.starts_with("tollgate_ruleset_info{")).unwrap().to_owned()
}

/// Bills written so far, to a file that may end with half of one.
fn bills(daemon: &Daemon) -> usize {
    let files = daemon.files("billing-");
    files.iter().map(|file| fs::read(file).unwrap().iter().filter(|octet| **octet == b'\n').count()).sum()
}

fn verify_bills(daemon: &Daemon) {
    let files = daemon.files("billing-");
    assert!(!files.is_empty());
    let verified = Command::new(env!("CARGO_BIN_EXE_tollgate")).arg("verify").args(files).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// Addresses that were free a moment ago.
fn free_addresses() -> [SocketAddr; 2] {
    let held = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    held.map(|listener| listener.local_addr().unwrap())
}

// --- those who ask -------------------------------------------------------------------------------------------------

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Person,
    Spoofed,
    White,
}

impl Kind {
    fn decision(self) -> &'static str {
        match self {
            Self::Person => "allow",
            Self::Spoofed => "block",
            Self::White => "monetise",
        }
    }
}

/// Questions, each about a call of its own; calls on the white route end as soon as they are answered.
struct Load {
    asked: Arc<AtomicU64>,
    lost: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(http: SocketAddr, name: &'static str) -> Self {
        let (asked, lost, stop) = <(Arc<AtomicU64>, Arc<AtomicU64>, Arc<AtomicBool>)>::default();
        let threads = (0..ASKING).map(|asking| {
            let (asked, lost, stop) = (Arc::clone(&asked), Arc::clone(&lost), Arc::clone(&stop));
            thread::spawn(move || {
                let kinds = [Kind::White, Kind::Spoofed, Kind::Person].into_iter().cycle();
                for (number, kind) in (asking * 10_000..).zip(kinds) {
                    if tick(PAUSE).recv().is_err() || stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let count = if is_well(http, name, number, kind) { &asked } else { &lost };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        });
        let threads = threads.collect();
        Self { asked, lost, stop, threads }
    }

    /// Waits for so many more answers.
    fn wait_for_more(&self, more: u64) {
        let until = self.asked.load(Ordering::Relaxed) + more;
        wait_for("answers", || (self.asked.load(Ordering::Relaxed) >= until).then_some(()));
    }

    /// Waits until somebody is not answered.
    fn wait_for_lost(&self) {
        wait_for("a question in vain", || (self.lost.load(Ordering::Relaxed) > 0).then_some(()));
    }

    /// Questions answered, and not answered.
    fn stop(self) -> (u64, u64) {
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        (self.asked.load(Ordering::Relaxed), self.lost.load(Ordering::Relaxed))
    }
}

/// Asks, and says what became of the call; whether there was an answer. It must be the right one then.
fn is_well(http: SocketAddr, name: &str, number: u64, kind: Kind) -> bool {
    let question = question(name, number, kind);
    let Some(answer) = ask(http, &question) else { return false };
    assert_eq!((&answer["decision"], &answer["judged"]), (&json!(kind.decision()), &json!(true)), "{answer}");
    if kind != Kind::White {
        return true;
    }
    let now = clock::now().to_string();
    let told = json!({
        "call_id": question["call_id"], "calling": question["calling"], "called": question["called"], "route": "acme",
        "setup_at": now, "end_at": now, "sip_status": 487,
    });
    post(http, "feed", "application/x-ndjson", &told).is_some()
}

fn question(name: &str, number: u64, kind: Kind) -> Value {
    let (calling, route) = match kind {
        Kind::Person => (format!("+4930231{number:05}"), "carrier"),
        Kind::Spoofed => (format!("+48220{number:06}"), "carrier"),
        Kind::White => (format!("+447700{number:06}"), "acme"),
    };
    let called = format!("+48699{number:06}");
    json!({"call_id": format!("{name}-{number}"), "calling": calling, "called": called, "route": route})
}

fn ask(http: SocketAddr, question: &Value) -> Option<Value> {
    post(http, "decisions", "application/json", question)
}

/// `None` when nobody answers. An answer is always 200.
fn post(http: SocketAddr, path: &str, kind: &str, body: &Value) -> Option<Value> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into();
    let url = format!("http://{http}/v1/{path}");
    let mut answer = agent.post(&url).content_type(kind).send(body.to_string()).ok()?;
    let text = answer.body_mut().read_to_string().ok()?;
    assert_eq!(answer.status().as_u16(), 200, "{text}");
    serde_json::from_str(&text).ok()
}
