//! Labels end to end: imported, begun with, and measured against.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn tollgate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tollgate")).args(arguments).output().unwrap()
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

fn case() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/isup-flash-range")
}

/// Replays the case with a network file, and gives its records.
fn replay(folder: &Path, network: &str) -> Vec<Value> {
    let out = path(folder, "out");
    let input = path(&case(), "input.pcap");
    let run = tollgate(&["replay", "--network", network, "--out", &out, &input]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let text = fs::read_to_string(path(folder, "out/calls.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn allowed_from(records: &[Value], prefix: &str) -> usize {
    let is_sent =
        |record: &&Value| record["calling"].as_str().is_some_and(|calling| calling.starts_with(prefix));
    records.iter().filter(is_sent).filter(|record| record["decision"] == "allow").count()
}

#[test]
fn a_label_blocks_from_the_first_call_and_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let (prefixes, labels) = (path(folder, "prefixes.csv"), path(folder, "labels.csv"));
    fs::write(&prefixes, "prefix,service,at\n+3360000,app,2026-11-15T00:00:00Z\n").unwrap();
    for changed in ["1 labels new", "0 labels new"] {
        let run = tollgate(&["campaign", "import", &prefixes, "--labels", &labels]);
        assert!(String::from_utf8_lossy(&run.stdout).contains(changed), "{run:?}");
    }
    let plain = path(&case(), "network.toml");
    let labelled = path(folder, "network.toml");
    let text = fs::read_to_string(&plain).unwrap();
    fs::write(&labelled, format!("{text}\n[campaigns]\nlabels = \"labels.csv\"\n")).unwrap();

    let without = replay(folder, &plain);
    let with = replay(folder, &labelled);
    let (before, after) = (allowed_from(&without, "+3360000"), allowed_from(&with, "+3360000"));
    assert!(before >= 3 && after < before, "{after} of {before} calls leaked");
    assert_eq!(with[0]["decision"], "block", "{}", with[0]);

    let first = &with[0];
    let calls = path(folder, "calls.csv");
    let (called, at) = (first["called"].as_str().unwrap(), first["setup_at"].as_str().unwrap());
    fs::write(&calls, format!("called,at,service,seen_cli\n{called},{at},app,\n+48603999999,{at},app,\n"))
        .unwrap();
    assert!(tollgate(&["campaign", "import", &calls, "--labels", &labels]).status.success());
    let records = path(folder, "out/calls.jsonl");
    let run = tollgate(&["campaign", "recall", "--labels", &labels, "--calls", &records, "--format", "json"]);
    let recall: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((&recall["shares"][0]["blocked"], &recall["without_record"]), (&1.into(), &1.into()));
    let low = recall["shares"][0]["recognised_95"][0].as_f64().unwrap();
    assert!((low - 0.025).abs() < 1e-9, "{low}");
    let run = tollgate(&["campaign", "recall", "--labels", &labels, "--calls", &records]);
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(text.contains("100.0 % (2.5 to 100.0)"), "{text}");
}

#[test]
fn labels_are_begun_with_when_calls_are_evaluated() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for name in ["input.pcap", "network.toml", "truth.csv"] {
        fs::copy(case().join(name), folder.join(name)).unwrap();
    }
    let passed = || {
        let run = tollgate(&["evaluate", "--truth", &folder.display().to_string(), "--format", "json"]);
        let json: Value = serde_json::from_slice(&run.stdout).unwrap();
        json["figures"]["all.passed"]["value"].as_f64().unwrap()
    };
    let without = passed();
    let labels = "source,service,range,called,seen_cli,first_seen,last_seen,expires\n\
                  published,app,+3360000xxxx,,,2026-11-15T00:00:00Z,2026-11-15T00:00:00Z,2026-12-15T00:00:00Z\n";
    fs::write(folder.join("labels.csv"), labels).unwrap();
    let text = fs::read_to_string(case().join("network.toml")).unwrap();
    fs::write(folder.join("network.toml"), format!("{text}\n[campaigns]\nlabels = \"labels.csv\"\n"))
        .unwrap();
    let with = passed();
    assert!(with < without, "{with} of {without} unwanted calls passed");
}

#[test]
fn a_wrong_file_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (wrong, labels) = (path(folder.path(), "wrong.csv"), path(folder.path(), "labels.csv"));
    fs::write(&wrong, "prefix,service\n+4474001,app\n+44,app\n").unwrap();
    let run = tollgate(&["campaign", "import", &wrong, "--labels", &labels]);
    assert_eq!(run.status.code(), Some(65));
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(said.contains("wrong.csv:3:1: a prefix is") && said.contains("nothing was imported"), "{said}");
    assert!(!Path::new(&labels).exists());
    let missing = tollgate(&["campaign", "import", &path(folder.path(), "none.csv"), "--labels", &labels]);
    assert_eq!(missing.status.code(), Some(66));
}
