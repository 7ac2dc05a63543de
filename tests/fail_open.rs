//! Conditions under which Tollgate stands aside, provoked in a running service: calls pass, it is counted, and it ends.
//! The table is in `docs/fail-open.md`. What an adapter does when the decision loop is late, full or gone is held by the
//! contract that all adapters share (`src/adapter/contract.rs`).

#[path = "common/daemon.rs"]
mod daemon;
#[path = "common/roaming_server.rs"]
#[allow(dead_code, reason = "shared with the tests of look-ups in a replay")]
mod roaming_server;
#[path = "common/stage.rs"]
mod stage;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use daemon::wait_for;
use stage::{SPOOFED, Stage};

/// A home mobile number, of which it must be asked where its owner is.
const MOBILE: &str = "+48601234567";

#[test]
fn a_full_disk_drops_records_and_keeps_bills_and_calls_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), "", "");
    let records = folder.path().join("records");
    let Some(_disk) = SmallDisk::mount(&records) else {
        println!("SKIPPED: a full disk needs root, to mount a small one");
        return;
    };
    let mut daemon = stage.start();
    fs::write(records.join("filler"), vec![0; 1 << 20]).unwrap_err();
    for index in 0..50 {
        assert_eq!(stage.decide(&format!("full-{index}"), SPOOFED, "carrier")["decision"], "block");
    }
    assert_eq!(stage.decide("bill", "+33123456789", "acme")["decision"], "monetise");
    stage.tell("bill");
    wait_for("a failing disk", || {
        let metrics = daemon.metrics();
        let is_failing = metrics.sum("tollgate_records_failing", &[]) == 1;
        let dropped = metrics.sum("tollgate_records_dropped_total", &["file=\"calls\"", "reason=\"disk\""]);
        (is_failing && dropped > 0 && metrics.sum("tollgate_billing_waiting_records", &[]) == 1).then_some(())
    });
    assert_eq!(stage.decide("still", SPOOFED, "carrier")["judged"], true);

    fs::remove_file(records.join("filler")).unwrap();
    wait_for("the bill on the disk", || {
        (daemon.metrics().sum("tollgate_billing_waiting_records", &[]) == 0).then_some(())
    });
    daemon.stop();
    assert_eq!(daemon.records("billing-").len(), 1);

    daemon.start_again();
    fs::write(records.join("filler"), vec![0; 1 << 20]).unwrap_err();
    assert_eq!(stage.decide("lost", "+33123456789", "acme")["decision"], "monetise");
    stage.tell("lost");
    // Until no bill fits into what is left of the last page.
    let mut asked = 0;
    wait_for("a bill that does not fit", || {
        asked += 1;
        assert_eq!(stage.decide(&format!("lost-{asked}"), "+33123456789", "acme")["decision"], "monetise");
        stage.tell(&format!("lost-{asked}"));
        daemon.log().contains("\"event\":\"records_failing\",\"file\":\"billing\"").then_some(())
    });
    assert_eq!(daemon.end().code(), Some(1));
    for (event, times) in [("bills_lost", 1), ("records_lost", 1), ("ended", 0)] {
        assert_eq!(daemon.logged(event), times, "{event}: {}", daemon.log());
    }
}

#[test]
fn whoever_is_asked_where_a_subscriber_is_and_does_not_answer_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let roaming =
        format!("[roaming]\nurl = \"http://{}/v1\"\ndeadline = \"60ms\"\n", silent.local_addr().unwrap());
    let stage = Stage::new(folder.path(), &roaming, "");
    let mut daemon = stage.start();
    for index in 0..3 {
        let answer = stage.decide(&format!("away-{index}"), MOBILE, "carrier");
        assert_eq!((&answer["decision"], &answer["judged"]), (&json!("allow"), &json!(true)), "{answer}");
    }
    let metrics = daemon.metrics();
    let unanswered = ["timed_out", "skipped", "failed"]
        .map(|result| metrics.sum("tollgate_roaming_lookups_total", &[&format!("result=\"{result}\"")]));
    assert!(unanswered.iter().sum::<u64>() > 0, "{unanswered:?}");
    daemon.stop();
}

#[test]
fn an_answer_from_outside_decides() {
    let folder = tempfile::tempdir().unwrap();
    let server = roaming_server::Server::start(|request| roaming_server::roaming(false, request));
    let stage = Stage::new(folder.path(), &format!("[roaming]\nurl = \"{}\"\n", server.url()), "");
    let mut daemon = stage.start();
    let answer = stage.decide("home", MOBILE, "carrier");
    assert_eq!((&answer["decision"], &answer["class"]), (&json!("block"), &json!("spoofed")), "{answer}");
    assert_eq!(server.asked(), 1);
    assert_eq!(stage.decide("home-again", MOBILE, "carrier")["decision"], "block");
    assert_eq!(server.asked(), 1, "an answer holds for a while");
    daemon.stop();
}

#[test]
fn a_full_table_of_calls_judges_on() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), "", "[calls]\nlive-max = 10\n");
    let mut daemon = stage.start();
    for index in 0..50 {
        let caller = format!("+3312345{index:04}");
        assert_eq!(stage.decide(&format!("many-{index}"), &caller, "carrier")["judged"], true);
    }
    assert_eq!(stage.decide("spoofed", SPOOFED, "carrier")["decision"], "block");
    let evicted = daemon.metrics().sum("tollgate_faults_total", &["layer=\"call\"", "reason=\"evicted\""]);
    assert!(evicted >= 40, "{evicted}");
    daemon.stop();
    assert_eq!(daemon.records("calls-").len(), 51, "what made room was told too");
}

#[test]
fn the_operator_lets_every_call_pass() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path(), "", "");
    let mut daemon = stage.start();
    stage.bypass(true);
    let answer = stage.decide("passed", SPOOFED, "carrier");
    assert_eq!((&answer["decision"], &answer["unjudged"]), (&json!("allow"), &json!("bypass")), "{answer}");
    let metrics = daemon.metrics();
    assert_eq!(metrics.sum("tollgate_fail_open_total", &["adapter=\"http\"", "reason=\"bypass\""]), 1);
    assert_eq!(metrics.sum("tollgate_bypass_active", &[]), 1);
    stage.bypass(false);
    assert_eq!(stage.decide("judged", SPOOFED, "carrier")["decision"], "block");
    daemon.stop();
    let recorded: Vec<_> = daemon.records("calls-").iter().map(|record| record["call_key"].clone()).collect();
    assert_eq!(recorded, [json!("judged")], "of a call that passed unjudged there is a count, and no record");
}

#[test]
fn no_service_starts_without_rules_it_was_told_to_use() {
    let folder = tempfile::tempdir().unwrap();
    let _ = Stage::new(folder.path(), "", "");
    let text = fs::read_to_string(folder.path().join("tollgate.toml")).unwrap();
    fs::create_dir(folder.path().join("rules")).unwrap();
    fs::write(folder.path().join("tollgate.toml"), format!("rules = \"rules\"\n{text}")).unwrap();
    for command in ["check", "run"] {
        let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args([command, "--config"])
            .arg(folder.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("no rules here"), "{said}");
    }
}

/// A file system with room for some pages.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(path: &'a Path) -> Option<Self> {
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(path).output();
        mount.is_ok_and(|mount| mount.status.success()).then_some(Self(path))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}
