//! `docs/operations.md` and `docs/metrics.md` against the code: every event, metric and alert is explained.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What the code says between `before` and the next quotation mark, where it is a name.
fn said(before: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in rust_files(&root().join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        for (place, _) in text.match_indices(before) {
            let rest = &text[place + before.len()..];
            let name: String = rest.chars().take_while(|letter| *letter != '"').collect();
            let is_name = !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
            if is_name {
                found.insert(name);
            }
        }
    }
    found
}

#[test]
fn every_event_of_the_log_is_explained() {
    let events = said("event = \"");
    assert!(events.len() > 15, "{events:?}");
    let text = document("docs/operations.md");
    let missing: Vec<_> = events.iter().filter(|event| !text.contains(&format!("\n| `{event}` |"))).collect();
    assert!(missing.is_empty(), "not in docs/operations.md: {missing:?}");
    let rows = text.lines().skip_while(|line| !line.starts_with("| `event`")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).filter_map(|line| line.split('`').nth(1));
    let gone: Vec<_> = rows.filter(|row| !events.contains(*row)).collect();
    assert!(gone.is_empty(), "no longer in the code: {gone:?}");
}

#[test]
fn every_metric_is_explained() {
    // `tollgate_state` is the first word of a state file.
    let mut metrics: BTreeSet<_> =
        said("\"tollgate_").into_iter().map(|rest| format!("tollgate_{rest}")).collect();
    metrics.remove("tollgate_state");
    assert!(metrics.len() > 45, "{metrics:?}");
    let text = document("docs/metrics.md");
    let missing: Vec<_> = metrics.iter().filter(|metric| !text.contains(&format!("`{metric}`"))).collect();
    assert!(missing.is_empty(), "not in docs/metrics.md: {missing:?}");
    let named = text.split('`').filter(|word| word.starts_with("tollgate_") && !word.contains('{'));
    let gone: Vec<_> = named.filter(|word| !metrics.contains(*word)).collect();
    assert!(gone.is_empty(), "no longer in the code: {gone:?}");
}

#[test]
fn every_reason_to_pass_unjudged_is_explained() {
    let text = document("docs/operations.md");
    for reason in tollgate::base::fail_open::FailOpen::NAMES {
        assert!(text.contains(&format!("\n| `{reason}` |")), "{reason}");
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let rules = document("deploy/prometheus/tollgate-service-rules.yml");
    let text = document("docs/operations.md");
    let alerts: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 20, "{alerts:?}");
    let runbooks: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    assert_eq!(alerts, runbooks, "the same, in the same order");
    for alert in alerts {
        let link = format!("runbook: \"operations.md#{}\"", alert.to_ascii_lowercase());
        assert!(rules.contains(&link), "{alert} has no `{link}`");
    }
}

fn document(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
