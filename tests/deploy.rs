//! `deploy/tollgate-replay`: a day goes on with what the days before it taught, and can be repeated. And the alerts are tested.

#[path = "common/moved.rs"]
mod moved;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const CASE: &str = "sip-flash-cancel";

/// Runs the script for a day; its call records.
fn run(folder: &Path, day: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = PathBuf::from(env!("CARGO_BIN_EXE_tollgate"));
    let path = std::env::var("PATH").unwrap();
    let run = Command::new("sh")
        .arg(root.join("deploy/tollgate-replay"))
        .arg(day)
        .env("PATH", format!("{}:{path}", program.parent().unwrap().display()))
        .env("TOLLGATE_SPOOL", folder.join("spool"))
        .env("TOLLGATE_STATE", folder.join("state"))
        .env("TOLLGATE_METRICS", folder.join("metrics"))
        .env("TOLLGATE_NETWORK", root.join("captures").join(CASE).join("network.toml"))
        .output()
        .unwrap();
    assert!(run.status.success(), "{day}: {run:?}");
    assert!(folder.join("metrics/tollgate.prom").exists());
    let results = folder.join("state").join(day);
    for name in ["billing.jsonl", "learned.state", "report.json"] {
        assert!(results.join(name).exists(), "{day}: no {name}");
    }
    assert!(!results.join("learned.state.next").exists(), "{day}");
    fs::read_to_string(results.join("calls.jsonl")).unwrap()
}

#[test]
fn a_day_goes_on_where_the_one_before_ended_and_can_be_repeated() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    ["spool", "state", "metrics"].into_iter().for_each(|name| fs::create_dir(folder.join(name)).unwrap());
    fs::write(folder.join("spool/2026-11-21.pcap"), moved::moved(CASE, 0)).unwrap();
    // Within the life of what was learned.
    fs::write(folder.join("spool/2026-11-22T00.pcap"), moved::moved(CASE, 1_200)).unwrap();
    let cold = run(folder, "2026-11-22");
    run(folder, "2026-11-21");
    let second = run(folder, "2026-11-22");
    assert_ne!(cold, second, "nothing was learned");
    assert_eq!(run(folder, "2026-11-22"), second, "a day goes on with its own state");
    // With the state of a later day it would be refused.
    run(folder, "2026-11-21");
}

/// The words of a run of promtool; `None`, said loudly, when it is not there.
fn promtool(arguments: &[&str]) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/prometheus");
    match Command::new("promtool").args(arguments).current_dir(folder).output() {
        Ok(run) => {
            let said = String::from_utf8_lossy(&[run.stdout, run.stderr].concat()).into_owned();
            assert!(run.status.success(), "promtool {arguments:?}:\n{said}");
            Some(said)
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "SKIPPED: promtool: {error}");
            None
        }
    }
}

#[test]
fn alerts_fire_when_they_should_and_not_otherwise() {
    for name in ["tollgate-rules", "tollgate-service-rules"] {
        let Some(said) = promtool(&["check", "rules", &format!("{name}.yml")]) else { return };
        assert!(said.contains("rules found"), "{said}");
        promtool(&["test", "rules", &format!("{name}-test.yml")]);
    }
}
