//! Warm restart: two runs with a state file between them say what one run says.

#[path = "common/moved.rs"]
mod moved;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use moved::moved;

/// Captures whose calls all end, so that a run may end after them without cutting one. SIP: of a repeated SCTP
/// association the second half would be duplicates.
const CASES: [&str; 3] = ["sip-flash-cancel", "sip-flash-reject", "sip-wangiri"];

fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name)
}

struct Runs<'a> {
    folder: &'a Path,
    case: &'a str,
}

impl Runs<'_> {
    fn run(&self, out: &str, inputs: &[&str], more: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.arg("replay").arg("--network").arg(case(self.case).join("network.toml"));
        command.arg("--out").arg(self.folder.join(out)).args(more);
        command.args(inputs.iter().map(|input| self.folder.join(input))).output().unwrap()
    }

    fn records(&self, out: &str, inputs: &[&str], more: &[&str]) -> String {
        let run = self.run(out, inputs, more);
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        fs::read_to_string(self.folder.join(out).join("calls.jsonl")).unwrap()
    }
}

#[test]
fn two_runs_say_what_one_says() {
    for name in CASES {
        let folder = tempfile::tempdir().unwrap();
        let runs = Runs { folder: folder.path(), case: name };
        fs::write(folder.path().join("a.pcap"), moved(name, 0)).unwrap();
        // Behind the last timer of a call, and within the life of what was learned.
        fs::write(folder.path().join("b.pcap"), moved(name, 1_200)).unwrap();
        let state = folder.path().join("state").display().to_string();
        // One seed: by it calls are drawn that put a mark to the test.
        let keep = ["--state", state.as_str(), "--state-seed", "7"];
        let other = folder.path().join("other").display().to_string();
        let whole = runs.records("whole", &["a.pcap", "b.pcap"], &["--state", &other, "--state-seed", "7"]);
        let first = runs.records("first", &["a.pcap"], &keep);
        let cold = runs.records("cold", &["b.pcap"], &[]);
        let second = runs.records("second", &["b.pcap"], &keep);
        assert_ne!(cold, second, "{name}: nothing was learned");
        assert!(whole == first + &second, "{name}: the second run does not go on where the first ended");
    }
}

#[test]
fn a_state_that_cannot_be_taken_stops_the_run() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pcap"), moved("isup-wangiri", 0)).unwrap();
    let state = folder.path().join("state");
    let shown = state.display().to_string();
    let runs = Runs { folder: folder.path(), case: "isup-wangiri" };
    runs.records("out", &["a.pcap"], &["--state", &shown]);
    let bytes = fs::read(&state).unwrap();
    let other = Runs { folder: folder.path(), case: "sip-flash-cancel" };
    let run = other.run("other", &["a.pcap"], &["--state", &shown]);
    assert_eq!(run.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&run.stderr).contains("another network"), "{run:?}");
    fs::write(&state, &bytes[..bytes.len() - 9]).unwrap();
    let run = runs.run("cut", &["a.pcap"], &["--state", &shown]);
    assert_eq!(run.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&run.stderr).contains("damaged"), "{run:?}");
    assert_eq!(fs::read(&state).unwrap().len(), bytes.len() - 9, "an unread state was overwritten");
}

/// Sender, amount, tier and reason of each bill.
fn bills(folder: &Path, out: &str) -> Vec<String> {
    let text = fs::read_to_string(folder.join(out).join("billing.jsonl")).unwrap();
    let bill = |line: &str| {
        let bill: serde_json::Value = serde_json::from_str(line).unwrap();
        ["id", "amount", "tier", "reason"].map(|member| bill[member].to_string()).join(" ")
    };
    text.lines().map(bill).collect()
}

#[test]
fn two_runs_charge_what_one_charges() {
    let folder = tempfile::tempdir().unwrap();
    let runs = Runs { folder: folder.path(), case: "sip-white-route" };
    fs::write(folder.path().join("a.pcap"), moved("sip-white-route", 0)).unwrap();
    fs::write(folder.path().join("b.pcap"), moved("sip-white-route", 300)).unwrap();
    let state = folder.path().join("state").display().to_string();
    let keep = ["--state", state.as_str()];
    runs.records("whole", &["a.pcap", "b.pcap"], &[]);
    runs.records("first", &["a.pcap"], &keep);
    runs.records("cold", &["b.pcap"], &[]);
    runs.records("second", &["b.pcap"], &keep);
    let [whole, first, cold, second] =
        ["whole", "first", "cold", "second"].map(|out| bills(folder.path(), out));
    assert_ne!(cold, second, "tiers go on");
    assert_eq!(whole, [first, second].concat());
}

#[test]
fn what_is_in_no_records_is_not_learned() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pcap"), moved("sip-wangiri", 0)).unwrap();
    let state = folder.path().join("state").display().to_string();
    // A directory stands where the records are to be: they cannot get their name.
    fs::create_dir_all(folder.path().join("out/calls.jsonl/taken")).unwrap();
    let runs = Runs { folder: folder.path(), case: "sip-wangiri" };
    let run = runs.run("out", &["a.pcap"], &["--state", &state]);
    assert!(!run.status.success());
    assert!(!Path::new(&state).exists(), "learned from calls of which there are no records");
}

#[test]
fn nothing_is_learned_twice() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.pcap"), moved("sip-wangiri", 0)).unwrap();
    fs::write(folder.path().join("b.pcap"), moved("sip-wangiri", 1_200)).unwrap();
    let state = folder.path().join("state").display().to_string();
    let runs = Runs { folder: folder.path(), case: "sip-wangiri" };
    runs.records("out", &["a.pcap"], &["--state", &state]);
    let before = fs::read(&state).unwrap();
    let run = runs.run("again", &["a.pcap", "b.pcap"], &["--state", &state]);
    assert_eq!(run.status.code(), Some(65));
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(said.contains("until 2026-") && said.contains("the capture begins at 2026-"), "{said}");
    assert!(fs::read(&state).unwrap() == before && !folder.path().join("again/calls.jsonl").exists());
}
