//! `docs/records.md` and `docs/billing.md` name everything that a run writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tollgate::base::class::{Class, Decision};
use tollgate::base::fault::{Kind, Layer};

#[test]
fn every_member_of_a_record_is_documented() {
    let run = replayed();
    let document = document();
    let mut wrong = Vec::new();
    for name in ["calls.jsonl", "billing.jsonl"] {
        let text = fs::read_to_string(run.path().join(name)).unwrap();
        let mut members = BTreeSet::new();
        for line in text.lines() {
            collect_members(&serde_json::from_str(line).unwrap(), &mut members);
        }
        assert!(members.len() > 15, "{name}: only {} members", members.len());
        wrong.extend(
            members.iter().filter(|member| !names(&document, member)).map(|m| format!("{name}: {m}")),
        );
    }
    assert!(wrong.is_empty(), "not in the documents: {wrong:#?}");
}

#[test]
fn every_metric_and_label_is_documented() {
    let run = replayed();
    let document = document();
    let text = fs::read_to_string(run.path().join("metrics.prom")).unwrap();
    let mut found = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (metric, rest) = line.split_once('{').unwrap();
        found.insert(metric.to_owned());
        let labels = rest.split("\",").filter_map(|label| label.split_once("=\""));
        found.extend(labels.map(|(label, _)| label.to_owned()));
    }
    // Not every run has faults.
    found.insert("tollgate_faults_total".to_owned());
    assert!(found.len() > 15, "{found:?}");
    let wrong: Vec<_> = found.iter().filter(|name| !names(&document, name)).collect();
    assert!(wrong.is_empty(), "not in the documents: {wrong:?}");
}

#[test]
fn every_word_of_a_closed_list_is_documented() {
    let document = document();
    let words = Class::NAMES.iter().chain(&Decision::NAMES).chain(&Layer::NAMES).chain(&Kind::NAMES);
    let wrong: Vec<_> = words.filter(|word| !names(&document, word)).collect();
    assert!(wrong.is_empty(), "not in the documents: {wrong:?}");
}

#[test]
fn the_record_that_is_shown_is_a_real_one() {
    const START: &str = "<!-- record: tests/records_doc.rs -->\n";
    const END: &str = "<!-- end of record -->";
    let path = root().join("docs/records.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(START).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    let records = fs::read_to_string(root().join("captures/sip-flash-cancel/expect.jsonl")).unwrap();
    let record = records.lines().find(|line| line.contains("\"decision\":\"block\"")).unwrap();
    // Expected records leave out the hash of the rules: it changes with every rule.
    let record = record.replace("}]}", "}],\"ruleset\":\"fd6bc33c329a2019\"}");
    let block = format!("```json\n{}\n```\n", wrapped(&record));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, format!("{before}{START}{block}{END}{after}")).unwrap();
    } else {
        assert!(shown == block, "renew with UPDATE_EXPECT=1 cargo test --test records_doc");
    }
}

/// A line of JSON in lines for people, cut before members.
fn wrapped(record: &str) -> String {
    const WIDTH: usize = 118;
    let mut lines = vec![String::new()];
    for (index, member) in record.split(",\"").enumerate() {
        let member = if index == 0 { member.to_owned() } else { format!("\"{member}") };
        let line = lines.last_mut().unwrap();
        if index > 0 {
            line.push(',');
        }
        if line.len() + member.len() < WIDTH {
            line.push_str(&member);
        } else {
            lines.push(format!(" {member}"));
        }
    }
    lines.join("\n")
}

fn replayed() -> tempfile::TempDir {
    let case = root().join("captures/sip-white-route");
    let out = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .arg("replay")
        .arg("--out")
        .arg(out.path())
        .arg("--network")
        .arg(case.join("network.toml"))
        .arg(case.join("input.pcap.zst"))
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    out
}

fn document() -> String {
    ["docs/records.md", "docs/billing.md"].map(|path| fs::read_to_string(root().join(path)).unwrap()).concat()
}

fn names(document: &str, word: &str) -> bool {
    document.contains(&format!("`{word}`"))
}

fn collect_members(value: &Value, members: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            for (member, value) in object {
                members.insert(member.clone());
                collect_members(value, members);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| collect_members(value, members)),
        _ => {}
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
