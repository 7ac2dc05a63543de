//! Commands from the outside, where something is in their way: what they say, what they leave, and their exit codes.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const CASE: &str = "captures/sip-wangiri";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments);
    command
}

/// Exit code, standard output, standard error.
fn outcome(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// A scenario that takes longer than any test: whoever begins with it does not end.
fn endless(folder: &Path) -> String {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/small.toml")).unwrap();
    let path = folder.join("endless.toml");
    fs::write(&path, text.replace("hours = 0.2", "hours = 8_000")).unwrap();
    shown(&path)
}

#[test]
fn a_place_that_cannot_be_written_to_is_known_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let (file, nowhere) = (shown(&file), shown(&folder.path().join("no/where")));
    let scenario = endless(folder.path());
    let evaluate = ["evaluate", "--scenario", &scenario];
    for more in [["--markdown", &nowhere], ["--out", &file], ["--out", &format!("{file}/in")]] {
        let (code, printed, said) = outcome(&[&evaluate[..], &more].concat());
        assert_eq!((code, printed.as_str()), (73, ""), "{more:?}: {said}");
        assert!(said.contains(more[1]) && !said.contains("os error"), "{said}");
    }
    let capture = format!("{CASE}/input.pcap.zst");
    let (code, printed, said) = outcome(&["replay", &capture, "--state", &nowhere]);
    assert_eq!((code, printed.as_str()), (73, ""), "{said}");
    assert!(said.starts_with(&nowhere), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_costs_the_files_and_not_the_report() {
    let folder = tempfile::tempdir().unwrap();
    // What is written to the temporary file meets a disk that is always full.
    let fill = |name: &str| {
        std::os::unix::fs::symlink("/dev/full", folder.path().join(format!("{name}.part"))).unwrap();
    };
    ["evaluation.json", "labels.csv", "calls.jsonl", "truth.csv"].into_iter().for_each(fill);
    let out = shown(folder.path());
    let (code, printed, said) = outcome(&["evaluate", "--truth", CASE, "--out", &out]);
    assert_eq!(code, 74, "{said}");
    assert!(printed.starts_with("How well calls are judged\n"), "{printed}");
    assert!(printed.contains(&format!("Written: {out}/report.html")), "{printed}");
    assert!(said.contains("evaluation.json: no space is left"), "{said}");
    let capture = format!("{CASE}/input.pcap.zst");
    assert_eq!(outcome(&["replay", "--out", &out, &capture]).0, 74);
    assert_eq!(outcome(&["simulate", "--scenario", "scenarios/small.toml", "--out", &out]).0, 74);
    let prefixes = shown(&folder.path().join("prefixes.csv"));
    fs::write(&prefixes, "prefix,service\n+4474001,app\n").unwrap();
    assert_eq!(outcome(&["campaign", "import", &prefixes, "--labels", &format!("{out}/labels.csv")]).0, 74);
}

#[cfg(unix)]
#[test]
fn a_run_that_is_ended_keeps_what_it_read_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let out = shown(folder.path());
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join(CASE);
    let capture = zstd::decode_all(&fs::read(case.join("input.pcap.zst")).unwrap()[..]).unwrap();
    // draft-ietf-opsawg-pcap: a header of 24 octets, then records, which may come again and again.
    let (header, records) = capture.split_at(24);
    for signal in ["-TERM", "-INT"] {
        let mut run = command(&["replay", "--out", &out, "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = run.stdin.take().unwrap();
        input.write_all(header).unwrap();
        // More than fits into the pipe and the reader's buffers: when it is written, the run is under way.
        let many = (8 << 20) / records.len() + 1;
        (0..many).for_each(|_| input.write_all(records).unwrap());
        let sent = Command::new("kill").args([signal, &run.id().to_string()]).status().unwrap();
        assert!(sent.success());
        while input.write_all(records).is_ok() {}
        let output = run.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{signal}: {said}");
        assert!(String::from_utf8(output.stdout).unwrap().contains("Interrupted"), "{signal}");
        for name in ["calls.jsonl", "billing.jsonl", "metrics.prom"] {
            fs::remove_file(folder.path().join(name)).unwrap();
        }
    }
}

#[test]
fn what_is_written_and_kept_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (out, bounds) = (shown(&folder.path().join("out")), folder.path().join("bounds.toml"));
    fs::write(&bounds, "[all]\nlegitimate_min = 1\nunwanted_min = 1\n").unwrap();
    let asked = ["evaluate", "--truth", CASE, "--out", &out, "--require", &shown(&bounds)];
    let (code, printed, said) = outcome(&asked);
    assert_eq!(code, 0, "{said}");
    assert!(printed.contains(&format!("Bounds kept: 2 of 2 in {}", bounds.display())), "{printed}");
    assert!(printed.ends_with(&format!("Written: {out}/evaluation.json, {out}/report.html\n")), "{printed}");
    fs::write(&bounds, "# none\n").unwrap();
    assert_eq!(outcome(&asked).0, 3);
    assert_eq!(outcome(&["evaluate", "--truth", CASE, "--seeds", "1..2"]).0, 2);
}

#[test]
fn inputs_that_are_missing_or_of_another_kind_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    for name in ["network.toml", "input.pcap.zst"] {
        let case = Path::new(env!("CARGO_MANIFEST_DIR")).join(CASE);
        fs::copy(case.join(name), path.join(name)).unwrap();
    }
    let (code, _, said) = outcome(&["evaluate", "--truth", &shown(path)]);
    assert!(code == 66 && said.contains("truth.csv: no such file"), "{code}: {said}");
    fs::write(path.join("truth.csv"), "call_key,kind\n").unwrap();
    let (code, _, said) = outcome(&["evaluate", "--truth", &shown(path)]);
    assert!(code == 65 && said.contains("truth.csv:1:1: there is no column `label`"), "{code}: {said}");
    for (arguments, code, words) in [
        (["check", "--rules", "README.md"], 74, "README.md: not a directory"),
        (["check", "--network", "captures"], 74, "captures: a directory"),
        (["replay", "--shards=1", "captures"], 74, "captures: a directory; name the captures in it"),
    ] {
        let (got, _, said) = outcome(&arguments);
        assert_eq!(got, code, "{said}");
        assert!(said.starts_with(words) && !said.contains("os error"), "{said}");
    }
}

#[test]
fn a_range_is_told_by_the_rule_that_its_evidence_is_of() {
    let (code, printed, said) =
        outcome(&["replay", "--format", "json", "captures/interconnect/input.pcap.zst"]);
    assert_eq!(code, 0, "{said}");
    let report: Value = serde_json::from_str(&printed).unwrap();
    let ranges = report["ranges"].as_array().unwrap();
    assert!(ranges.len() > 3, "{ranges:?}");
    let sentences = sentences();
    for range in ranges {
        let (rule, because) = (range["rule"].as_str().unwrap(), range["because"].as_str().unwrap());
        // Around its fields a sentence is as the rule has it, and none of them is blank.
        let mut rest = because;
        let parts =
            sentences[rule].split('{').map(|part| part.split_once('}').map_or(part, |(_, text)| text));
        for (index, part) in parts.enumerate() {
            let at = rest.find(part).unwrap_or_else(|| panic!("{rule}: {because}"));
            assert!((index == 0) == (at == 0), "{rule}: {because}");
            rest = &rest[at + part.len()..];
        }
    }
}

/// What the shipped rules say of themselves, by id.
fn sentences() -> std::collections::BTreeMap<String, String> {
    let rules = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("rules")).unwrap();
    let mut sentences = std::collections::BTreeMap::new();
    for path in rules.map(|entry| entry.unwrap().path()) {
        let file: toml::Table = fs::read_to_string(path).unwrap().parse().unwrap();
        for rule in file["rule"].as_array().unwrap() {
            if let Some(because) = rule.get("because") {
                sentences
                    .insert(rule["id"].as_str().unwrap().to_owned(), because.as_str().unwrap().to_owned());
            }
        }
    }
    sentences
}

#[test]
fn a_sweep_that_cannot_be_says_what_can() {
    let sweep = |sweep: &str| {
        let (code, _, said) = outcome(&["evaluate", "--truth", CASE, "--sweep", sweep]);
        assert_eq!(code, 2, "{sweep}: {said}");
        said
    };
    let said = sweep("FC-200");
    assert!(said.contains(tollgate::evaluate::sweep::EXAMPLE), "{said}");
    let said = sweep("FC-200:caller_range.purity=a");
    assert!(said.starts_with("--sweep FC-200:caller_range.purity=a: ") && !said.contains(".toml"), "{said}");
    let said = sweep("FC-200:caller_range.attempts_10m=10");
    assert!(said.contains("caller_range.evidence, caller_range.numbers, caller_range.purity"), "{said}");
}

#[test]
fn the_sweep_that_is_shown_changes_what_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let out = shown(folder.path());
    let example = tollgate::evaluate::sweep::EXAMPLE;
    let help = outcome(&["evaluate", "--help"]).1;
    assert!(help.contains(&format!("--sweep {example}\n")), "{help}");
    let (code, _, said) =
        outcome(&["evaluate", "--truth", "captures/interconnect", "--sweep", example, "--out", &out]);
    assert_eq!(code, 0, "{said}");
    let json: Value =
        serde_json::from_slice(&fs::read(folder.path().join("evaluation.json")).unwrap()).unwrap();
    let passed: Vec<_> = json["sweeps"][0]["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|point| point["figures"]["all.passed"]["value"].as_f64().unwrap())
        .collect();
    assert!(passed.len() > 2 && passed.first() != passed.last(), "{passed:?}");
}

#[test]
fn a_bill_that_ends_too_soon_is_found_by_its_last_hash() {
    let folder = tempfile::tempdir().unwrap();
    let (out, bill) = (shown(folder.path()), folder.path().join("billing.jsonl"));
    let case = "captures/sip-white-route";
    let (network, capture) = (format!("{case}/network.toml"), format!("{case}/input.pcap.zst"));
    let asked = ["replay", "--format", "json", "--network", &network, "--out", &out, &capture];
    let report: Value = serde_json::from_str(&outcome(&asked).1).unwrap();
    let last = report["billing_last_hash"].as_str().unwrap();
    let verify = |last: &str| outcome(&["verify", &shown(&bill), "--last", last]);
    assert_eq!(verify(last).0, 0);
    let text = fs::read_to_string(&bill).unwrap();
    let end = text.trim_end().rfind('\n').unwrap() + 1;
    for cut in [&text[..end], ""] {
        fs::write(&bill, cut).unwrap();
        assert_eq!(outcome(&["verify", &shown(&bill)]).0, 0);
        let (code, _, said) = verify(last);
        assert!(code == 65 && said.contains("lines are missing"), "{said}");
    }
    assert!(outcome(&["verify", &shown(&bill)]).1.contains("an empty bill"));

    // A service's files, one a day: the chain goes on from one to the next.
    let (first, second) = text.split_at(text.match_indices('\n').nth(4).unwrap().0 + 1);
    let after = first.trim_end().rsplit('"').nth(1).unwrap();
    let days = [("billing-20261121.jsonl", first), ("billing-20261122.jsonl", second)];
    let [one, two] = days.map(|(name, lines)| {
        let path = folder.path().join(name);
        fs::write(&path, lines).unwrap();
        shown(&path)
    });
    assert_eq!(outcome(&["verify", &one, &two, "--last", last]).0, 0);
    assert_eq!(outcome(&["verify", &two, "--after", after, "--last", last]).0, 0);
    assert_eq!(outcome(&["verify", &two, &one, "--after", after]).0, 65);
    let (code, _, said) = outcome(&["verify", &two]);
    assert!(code == 65 && said.contains("--after"), "{said}");
}

#[test]
fn fields_are_found_by_a_word() {
    let (code, all, _) = outcome(&["fields"]);
    assert!(code == 0 && !all.contains("UPDATE_EXPECT") && all.lines().count() > 100, "{all}");
    let (_, some, _) = outcome(&["fields", "Purity"]);
    assert!(some.lines().count() > 3 && some.lines().skip(2).all(|line| line.contains("purity")), "{some}");
    let (code, _, said) = outcome(&["fields", "caller.nmber"]);
    assert!(code == 1 && said.contains("did you mean `caller.number`?"), "{said}");
}

#[test]
fn made_traffic_says_what_it_is_asked_wrongly_and_how_long_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let out = shown(folder.path());
    let simulate = ["simulate", "--scenario", "scenarios/small.toml", "--out", &out];
    let with = |more: &[&str]| outcome(&[&simulate, more].concat());
    for (more, words) in [
        (["--seed", "-1"], "a whole number from 0"),
        (["--start", "1999-11-16T08:00:00Z"], "a year from 2000 to 2199"),
    ] {
        let (code, _, said) = with(&more);
        assert!(code == 2 && said.contains(words), "{said}");
    }
    let (code, printed, said) = with(&[]);
    assert_eq!(code, 0, "{said}");
    let octets = fs::metadata(folder.path().join("capture.pcap")).unwrap().len();
    assert!(printed.contains(&format!("capture.pcap of {octets} octets")), "{printed}");
}
