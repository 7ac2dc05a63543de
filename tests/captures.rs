//! Every folder in `captures/` against what it expects, and against the truth about its calls.
//!
//! `UPDATE_EXPECT=1 cargo test --test captures` renews `expect.jsonl`; read the difference before committing it.

#[path = "common/replay.rs"]
mod replay;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use replay::{Case, Run, Truth, campaigns};
use serde_json::Value;

/// Calls of one flash campaign that may pass before it is caught: some ten that the evidence wants to see, and those in
/// flight by then.
const FLASH_LEAK_MAX: usize = 25;
/// The same where people live among its numbers: strangers pass until robots outnumber the people met a hundredfold,
/// there and around.
const AMONG_PEOPLE_LEAK_MAX: (&str, usize) = ("interconnect", 110);
/// The same of one Wangiri campaign.
const WANGIRI_LEAK_MAX: usize = 30;
/// People of whom nothing is known yet, who call for the first time from the midst of a sender's numbers: the captures
/// begin with the campaigns, so nobody could be met before. As many of their calls may be blocked in one capture.
const NEIGHBOURS_BLOCKED_MAX: usize = 10;
/// Short calls of such people, and of friends who ring once, look like the sender's at their end.
const NAMED_LIKE_THEIR_BLOCK: [&str; 4] = ["hunting", "misdial", "neighbour", "ring_once_friend"];

#[test]
fn every_capture_gives_the_records_it_expects() {
    let mut wrong = Vec::new();
    for case in cases() {
        let lines = case.run().lines;
        let expected = case.expected();
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            case.write_expected(&lines);
        } else if expected != lines {
            let at = lines.iter().zip(&expected).position(|(own, other)| own != other);
            let at = at.unwrap_or(lines.len().min(expected.len()));
            let show = |lines: &[String]| lines.get(at).cloned().unwrap_or_else(|| "(no more lines)".into());
            wrong.push(format!(
                "{}: {} lines, expected {}; line {}:\n  got      {}\n  expected {}",
                case.name,
                lines.len(),
                expected.len(),
                at + 1,
                show(&lines),
                show(&expected)
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_call_is_judged_by_what_it_truly_is() {
    let mut judged = 0;
    let mut wrong = Vec::new();
    for case in cases() {
        let Some(truth) = case.truth() else { continue };
        let Run { lines, .. } = case.run();
        let records: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
        let calls: usize = truth.values().map(Vec::len).sum();
        assert_eq!(records.len(), calls, "{}: calls", case.name);
        judged += records.len();
        wrong.extend(judge(&case.name, &records, truth));
    }
    assert!(judged > 6_000, "only {judged} calls have a truth to be held against");
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// People's calls are never blocked, save first ones from a sender's midst, nor classed as anything else; spoofed
/// numbers are blocked from the first; of the others only the first of a campaign pass.
fn judge(case: &str, records: &[Value], truth: BTreeMap<String, Vec<Truth>>) -> Vec<String> {
    let mut truth = truth;
    let mut wrong = Vec::new();
    let mut leaked: BTreeMap<(String, String), usize> = BTreeMap::new();
    let (mut neighbours, mut neighbours_blocked) = (0, 0);
    let mut by_setup: Vec<&Value> = records.iter().collect();
    by_setup.sort_by_key(|record| record["setup_at"].as_str().unwrap().to_owned());
    for record in by_setup {
        let text = |field: &str| record[field].as_str().unwrap_or_default().to_owned();
        let Some(rows) = truth.get_mut(&text("call_key")).filter(|rows| !rows.is_empty()) else {
            wrong.push(format!("{case}: no such call in truth.csv: {record}"));
            continue;
        };
        let row = rows.remove(0);
        let is_right = match row.label.as_str() {
            "normal" if row.kind == "neighbour" => {
                neighbours += 1;
                neighbours_blocked += usize::from(text("decision") != "allow");
                true
            }
            "normal" => {
                let may_be_misnamed = NAMED_LIKE_THEIR_BLOCK.contains(&row.kind.as_str());
                text("decision") == "allow" && (text("final_class") == "normal" || may_be_misnamed)
            }
            // Whom the call came through to before its number was caught calls back sooner, too.
            "wangiri_callback" => true,
            "spoofed" => text("decision") == "block" && text("final_class") == row.label,
            label => {
                let is_caught = text("decision") != "allow" && text("class") == label;
                if !is_caught {
                    *leaked.entry((text("route"), label.to_owned())).or_default() += 1;
                }
                true
            }
        };
        if !is_right {
            wrong.push(format!("{case}: {} ({}) judged wrongly: {record}", row.kind, row.label));
        }
    }
    for ((route, label), count) in leaked {
        let campaigns = campaigns(case, &route, &label);
        let leak_max = match label.as_str() {
            "flash" if case == AMONG_PEOPLE_LEAK_MAX.0 => AMONG_PEOPLE_LEAK_MAX.1,
            "flash" => FLASH_LEAK_MAX,
            _ => WANGIRI_LEAK_MAX,
        };
        if count > leak_max * campaigns {
            wrong.push(format!("{case}: {count} {label} calls leaked on {route}, {campaigns} campaigns"));
        }
    }
    if neighbours_blocked > NEIGHBOURS_BLOCKED_MAX {
        wrong.push(format!("{case}: {neighbours_blocked} of {neighbours} calls of neighbours blocked"));
    }
    wrong
}

/// Where a case says what legs a call has, it is recorded where it comes in, and names them.
#[test]
fn every_call_has_its_legs() {
    let (mut legs, mut alone) = (0, 0);
    for case in cases() {
        let truth = case.truth().unwrap_or_default();
        for line in case.run().lines.iter().filter(|_| truth.values().flatten().any(|row| row.legs.is_some()))
        {
            let record: Value = serde_json::from_str(line).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let named = |leg: &Value| {
                format!("{}@{}:{}", text(&leg["call_key"]), text(&leg["route"]), text(&leg["by"]))
            };
            let named: Vec<_> = record["legs"].as_array().into_iter().flatten().map(named).collect();
            (legs, alone) = (legs + named.len(), alone + usize::from(named.is_empty()));
            let rows =
                truth.get(&text(&record["call_key"])).unwrap_or_else(|| panic!("{}: {line}", case.name));
            let seen = Some((text(&record["route"]), named.join(" ")));
            assert!(rows.iter().any(|row| row.legs == seen), "{}: {seen:?} of {rows:?}", case.name);
        }
    }
    assert!(legs > 200 && alone > 5, "{legs} legs, {alone} calls with none");
}

/// Counters see a call once, wherever it is seen: what comes in is judged, on the same evidence, as if taps saw that hop alone.
#[test]
fn calls_on_three_hops_are_judged_as_on_one() {
    /// Where an Ethernet frame without a VLAN tag has the addresses of IPv4.
    const ADDRESSES: std::ops::Range<usize> = 26..34;
    const CARRIER: [u8; 4] = [198, 51, 100, 10];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/legs-sip-hops");
    let case = Case::new(folder);
    let is_first_hop = |frame: &[u8]| frame[ADDRESSES].chunks_exact(4).any(|address| address == CARRIER);
    let judged = |run: &Run| -> BTreeMap<String, Vec<Value>> {
        let records = run.lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let incoming = records.filter(|record| record["route"] == "intl-sip-1");
        let told = ["decision", "class", "final_class", "rule", "evidence", "setup_at", "released_by"];
        incoming
            .map(|record| {
                let key = record["call_key"].as_str().unwrap().to_owned();
                (key, told.map(|field| record[field].clone()).to_vec())
            })
            .collect()
    };
    let (all, first) = (judged(&case.run()), judged(&case.run_of(is_first_hop)));
    assert!(all.values().filter(|told| told[0] == "block").count() >= 30);
    for (key, told) in &all {
        assert_eq!(Some(told), first.get(key), "{key}");
    }
}

#[test]
fn each_detection_case_holds_a_look_alike_that_passes() {
    for case in cases() {
        let Some(truth) = case.truth() else { continue };
        let labels: Vec<&str> = truth.values().flatten().map(|row| row.label.as_str()).collect();
        if labels.iter().any(|label| *label != "normal") {
            assert!(labels.contains(&"normal"), "{} has no look-alike", case.name);
        }
    }
}

#[test]
fn every_capture_says_what_it_shows() {
    let cases = cases();
    assert!(cases.len() >= 10, "{} captures", cases.len());
    for case in &cases {
        assert!(fs::read_to_string(case.folder.join("README.md")).unwrap().len() > 100, "{}", case.name);
    }
}

#[test]
fn the_document_has_the_bounds_of_these_tests() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/README.md");
    let text = fs::read_to_string(path).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
    let (case, most) = AMONG_PEOPLE_LEAK_MAX;
    for said in [
        format!(
            "more than {FLASH_LEAK_MAX} calls of a flash campaign ({most} in `{case}`), or {WANGIRI_LEAK_MAX} of a Wangiri"
        ),
        format!("at most {NEIGHBOURS_BLOCKED_MAX} of a capture"),
        NAMED_LIKE_THEIR_BLOCK.map(|kind| format!("`{kind}`")).join(", "),
    ] {
        assert!(text.contains(&said), "captures/README.md does not say: {said}");
    }
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("network.toml").exists())
        .collect();
    folders.sort();
    folders.into_iter().map(Case::new).collect()
}
