//! `tollgate evaluate` from the outside: a small scenario keeps its bounds, made traffic is judged the same from a
//! file, and what fails says so.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

const SMALL: &str = "scenarios/small.toml";

fn tollgate(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output().unwrap()
}

fn succeeds(arguments: &[&str]) -> String {
    let output = tollgate(arguments);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {:?}\n{error}", output.status.code());
    String::from_utf8(output.stdout).unwrap()
}

fn evaluation(directory: &Path) -> Value {
    serde_json::from_slice(&fs::read(directory.join("evaluation.json")).unwrap()).unwrap()
}

#[test]
fn a_small_scenario_keeps_its_bounds() {
    let required = ["--require", "scenarios/require-small.toml"];
    succeeds(&[&["evaluate", "--scenario", SMALL, "--seeds", "1..3"], &required[..]].concat());
}

#[test]
fn made_traffic_is_judged_the_same_from_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (made, live, filed) = (path("made"), path("live"), path("filed"));
    succeeds(&["simulate", "--scenario", SMALL, "--seed", "7", "--out", &made]);
    succeeds(&["evaluate", "--scenario", SMALL, "--seeds", "7", "--out", &live]);
    succeeds(&["evaluate", "--truth", &made, "--out", &filed, "--shards", "3"]);
    let (live, filed) = (evaluation(Path::new(&live)), evaluation(Path::new(&filed)));
    let calls = live["figures"]["all.legitimate"]["value"].as_f64().unwrap();
    assert!(calls > 1_000.0, "{calls}");
    for member in ["figures", "confusion", "decisions", "routes", "countries", "unnoticed", "blocked_wrongly"]
    {
        assert_eq!(live[member], filed[member], "{member}");
    }
}

/// A day of roamers, and of callers who claim numbers of subscribers at home.
const BORDER: &str = r#"
[scenario]
name = "border"
start = 2026-11-16T00:00:00Z
hours = 24

[operator]
country = "PL"
subscribers = 10_000
roaming = 0.03

[[trunk]]
name = "intl-sip-1"
class = "international"
transport = "sip-udp"

[[trunk]]
name = "nat-sip-1"
class = "national"
transport = "sip-udp"

[[population]]
kind = "roamers"
calls-per-day = 3_000
known = 0.4
stale = 0.3
unknown = 0
border = 0.3

[[attack]]
family = "spoofed"
claims = "own-at-home"
trunk = "intl-sip-1"
calls-per-s = 0.05
calls = 2_000
"#;

#[test]
fn roamers_are_blocked_while_the_operator_is_late_and_no_longer() {
    let directory = tempfile::tempdir().unwrap();
    let (scenario, out) = (directory.path().join("border.toml"), directory.path().join("out"));
    fs::write(&scenario, BORDER).unwrap();
    succeeds(&["evaluate", "--scenario", scenario.to_str().unwrap(), "--out", out.to_str().unwrap()]);
    let json = evaluation(&out);
    let figure = |name: &str| json["figures"][name]["value"].as_f64().unwrap_or_else(|| panic!("{name}"));
    let of = |kind: &str| {
        let count = |what: &str| figure(&format!("kind.{kind}.{what}"));
        (count("false_positives"), count("legitimate"))
    };
    let (stale, border) = (of("roamer_stale"), of("roamer_border"));
    assert_eq!(of("roamer_known").0, 0.0);
    assert!(stale.0 > 0.0 && stale.1 < 0.4 * of("roamer_known").1, "{stale:?}");
    // The operator is late by 90 s of 32 minutes on average; half of these calls are made at home.
    assert!(border.1 > 500.0 && border.0 < 0.05 * border.1, "{border:?}");
    assert_eq!(figure("all.false_positives"), stale.0 + border.0);
    assert!(figure("class.spoofed.recall_setup") > 0.99, "{}", figure("class.spoofed.recall_setup"));
}

#[test]
fn captures_are_joined_to_their_truth_call_by_call() {
    let directory = tempfile::tempdir().unwrap();
    let (out, markdown) = (directory.path().join("out"), directory.path().join("report.md"));
    let files = ["--out", out.to_str().unwrap(), "--markdown", markdown.to_str().unwrap()];
    let captures = ["captures/interconnect", "captures/sip-proxy-forks", "captures/isup-resets"];
    let text = succeeds(&[&["evaluate", "--truth"], &captures[..], &files[..]].concat());
    let json = evaluation(&out);
    let figure = |name: &str| json["figures"][name]["value"].as_f64();
    assert_eq!(figure("all.records_without_truth"), Some(0.0));
    assert_eq!(figure("all.truth_without_record"), Some(0.0));
    assert_eq!(figure("contracted.monetised_share"), Some(1.0));
    assert_eq!(json["runs"].as_array().unwrap().len(), 3);
    assert!(
        json["spreads"]["all.legitimate"]["min"].as_f64() < json["spreads"]["all.legitimate"]["max"].as_f64()
    );
    assert!(text.contains("Spread over runs") && text.contains("wangiri_callback"), "{text}");
    assert!(fs::read_to_string(&markdown).unwrap().starts_with("# How well calls are judged\n"));
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
    assert!(page.matches("<svg").count() >= 2 && !page.contains("NaN"));
    let mut names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["evaluation.json", "report.html"], "no half file stays");
}

#[test]
fn a_swept_bound_gives_a_point_for_each_value() {
    let directory = tempfile::tempdir().unwrap();
    let rules = directory.path().join("rules");
    fs::create_dir(&rules).unwrap();
    let rule = "schema = 1\n[[rule]]\nid = \"T-1\"\nname = \"Loud\"\nmode = \"live\"\nphase = \"fraud\"\non = \"setup\"\n\
                class = \"flash\"\nbecause = \"Too many calls.\"\n\
                when = \"caller_range_10k.attempts_1h >= 1000000\"\n\
                action = { block = { sip = 603, q850 = 21, reason = \"test\" } }\n";
    fs::write(rules.join("t.toml"), rule).unwrap();
    let sweep = "T-1:caller_range_10k.attempts_1h=5,1000000";
    let out = directory.path().join("out");
    let from = ["evaluate", "--truth", "captures/isup-flash-range", "--rules", rules.to_str().unwrap()];
    succeeds(&[&from[..], &["--sweep", sweep, "--out", out.to_str().unwrap()]].concat());
    let json = evaluation(&out);
    let passed =
        |point: usize| json["sweeps"][0]["points"][point]["figures"]["all.passed"]["value"].as_f64().unwrap();
    assert_eq!(Some(passed(1)), json["figures"]["all.unwanted"]["value"].as_f64());
    assert!(passed(0) < passed(1), "{} {}", passed(0), passed(1));
}

#[test]
fn what_fails_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let bounds = directory.path().join("bounds.toml");
    let outcome = |arguments: &[&str]| {
        let output = tollgate(&[&["evaluate"], arguments].concat());
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let with_bounds = |text: &str| {
        fs::write(&bounds, text).unwrap();
        outcome(&["--truth", "captures/isup-resets", "--require", bounds.to_str().unwrap()])
    };
    let (code, said) = with_bounds("[all]\nlegitimate_min = 1_000_000\n");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("all.legitimate: ") && said.contains("required at least 1000000"), "{said}");
    let (code, said) = with_bounds("[all]\nlegitimat_min = 1\n");
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("did you mean `all.legitimate`?"), "{said}");
    let missing = directory.path().to_str().unwrap();
    assert_eq!(outcome(&["--truth", missing]).0, 66);
    assert_eq!(outcome(&[]).0, 2);
    assert_eq!(outcome(&["--scenario", SMALL, "--seeds", "5..1"]).0, 2);
    assert_eq!(outcome(&["--truth", "captures/isup-resets", "--sweep", "NO-1:x=1"]).0, 2);
}
