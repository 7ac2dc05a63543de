//! Signed calls from a capture to their records, judged by rules that read what verification said; the same in a replay of its answers,
//! and in a service that is asked.

#[path = "common/frames.rs"]
#[allow(dead_code, reason = "not everyone who shares this file needs all of it")]
mod frames;
#[path = "stir/made.rs"]
mod made;

use std::fs;
use std::path::Path;
use std::process::Command;

use made::{CALLED, CALLER, NOW, Trust, X5U, invite, shaken};
use serde_json::Value;

const RULES: &str = r#"schema = 1
[[rule]]
id      = "T-1"
name    = "full attestation that is not true"
mode    = "live"
phase   = "identity"
on      = "setup"
class   = "spoofed"
when    = "caller.attestation == a and stir.verdict == invalid and stir.reason != malformed"
because = "Whoever sent it claims to know the caller, and the signature is {stir.verdict} ({stir.reason})."
action  = { block = { sip = 603, q850 = 21, reason = "invalid signature" } }
"#;

struct Bench {
    folder: tempfile::TempDir,
    calls: Vec<(&'static str, Vec<String>)>,
}

impl Bench {
    /// Four signed calls and one that is not, 100 ms apart.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir_all(at("anchors")).unwrap();
        fs::create_dir_all(at("rules")).unwrap();
        let trust = Trust::new("STI");
        let (signer, stranger) = (trust.usual(), trust.usual());
        fs::write(at("anchors/root.pem"), &trust.root).unwrap();
        fs::write(at("a.pem"), &signer.pem).unwrap();
        fs::write(at("certificates.csv"), format!("x5u,file\n{X5U},a.pem\n")).unwrap();
        fs::write(at("rules/t.toml"), RULES).unwrap();
        let stir = "[stir]\nanchors = \"anchors\"\n";
        fs::write(at("bare.toml"), "home = \"US\"\n").unwrap();
        fs::write(at("n.toml"), format!("home = \"US\"\n{stir}certificates = \"certificates.csv\"\n"))
            .unwrap();
        // The same, and whatever else is named is to be fetched; nobody is at that address.
        let fetch = "certificates = \"certificates.csv\"\nfetch-from = [\"localhost:1\"]\nprivate-addresses = true\ndeadline = \"10s\"\n";
        fs::write(at("fetch.toml"), format!("home = \"US\"\n{stir}{fetch}")).unwrap();
        let stale = signer.identity("shaken", X5U, &shaken("B", CALLER, CALLED, NOW - 3_600));
        let elsewhere =
            signer.identity("shaken", "https://localhost:1/b.pem", &shaken("C", CALLER, CALLED, NOW));
        let calls = vec![
            ("valid", vec![signer.shaken("A")]),
            ("forged", vec![stranger.shaken("A")]),
            ("stale", vec![stale]),
            ("elsewhere", vec![elsewhere]),
            ("unsigned", vec![]),
        ];
        let frames: Vec<_> = (0..)
            .zip(&calls)
            .map(|(index, (call, identities))| {
                let lines: Vec<String> =
                    identities.iter().map(|value| format!("Identity: {value}")).collect();
                (200_000 + index * 100, frames::udp(invite(call, CALLED, CALLED, &lines).as_bytes()), 0)
            })
            .collect();
        fs::write(at("calls.pcap"), frames::pcap(&frames)).unwrap();
        Self { folder, calls }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Records by Call-ID, and the directory they are in.
    fn replay(&self, network: &str, more: &[&str]) -> Vec<Value> {
        let out = self.path().join("out");
        let _ = fs::remove_dir_all(&out);
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.current_dir(self.path()).args(["replay", "calls.pcap", "--rules", "rules", "--out", "out"]);
        let run = command.args(["--network", network]).args(more).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let text = fs::read_to_string(out.join("calls.jsonl")).unwrap();
        let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let order =
            |record: &Value| self.calls.iter().position(|(call, _)| record["call_key"] == *call).unwrap();
        let mut records = records;
        records.sort_by_key(order);
        assert_eq!(records.len(), self.calls.len());
        records
    }

    fn metrics(&self) -> String {
        fs::read_to_string(self.path().join("out/metrics.prom")).unwrap()
    }
}

/// Verdict, reason and attestation of each, `-` where there is none; and who decided.
fn said(records: &[Value]) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let said = |record: &Value| {
        let stir = &record["stir"];
        let words = [&stir["verdict"], &stir["reason"], &stir["attestation"], &record["rule"]].map(word);
        words.join(" ")
    };
    records.iter().map(said).collect()
}

#[test]
fn records_and_rules_have_what_verification_said() {
    let bench = Bench::new();
    let records = bench.replay("n.toml", &[]);
    let expected = [
        "valid none a -",
        "invalid signature a T-1",
        "stale stale b -",
        "unverified no_certificate c -",
        "- - - -",
    ];
    assert_eq!(said(&records), expected);
    assert_eq!(records[0]["stir"]["origid"], made::ORIGID);
    let because = "Whoever sent it claims to know the caller, and the signature is invalid (signature).";
    assert_eq!(records[1]["because"], because);
    let metrics = bench.metrics();
    for (verdict, reason) in
        [("valid", "none"), ("invalid", "signature"), ("stale", "stale"), ("unverified", "no_certificate")]
    {
        let line = format!("tollgate_stir_verdicts_total{{reason=\"{reason}\",verdict=\"{verdict}\"}} 1");
        assert!(metrics.contains(&line), "{line}");
    }
    assert!(!bench.path().join("out/stir-answers.jsonl").exists(), "what files say can be found again");
    // Nobody was told to verify.
    let bare = bench.replay("bare.toml", &[]);
    assert_eq!(said(&bare), [&["unverified not_configured - -"; 4][..], &["- - - -"]].concat());
    // What is claimed is known all the same.
    let rules =
        RULES.replace("stir.verdict == invalid and stir.reason != malformed", "stir.verdict == unverified");
    fs::write(bench.path().join("rules/t.toml"), rules).unwrap();
    let rules: Vec<_> =
        bench.replay("bare.toml", &[]).iter().map(|record| record["rule"].is_string()).collect();
    assert_eq!(rules, [true, true, false, false, false]);
}

#[test]
fn the_answers_of_a_run_give_the_same_records_again() {
    let bench = Bench::new();
    let first = bench.replay("fetch.toml", &[]);
    assert_eq!(said(&first)[3], "unverified fetch_failed c -");
    let answers = fs::read_to_string(bench.path().join("out/stir-answers.jsonl")).unwrap();
    assert_eq!(answers.lines().count(), 4);
    let kept = bench.path().join("kept.jsonl");
    fs::write(&kept, &answers).unwrap();
    let again = bench.replay("bare.toml", &["--stir-answers", kept.to_str().unwrap(), "--shards", "2"]);
    assert_eq!(first, again);
    assert_eq!(fs::read_to_string(bench.path().join("out/stir-answers.jsonl")).unwrap(), answers);
    fs::write(&kept, "").unwrap();
    let none = bench.replay("n.toml", &["--stir-answers", kept.to_str().unwrap()]);
    assert_eq!(said(&none)[0], "unverified unrecorded - -");
    fs::write(&kept, "{}\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(["replay", "x.pcap", "--stir-answers"]).arg(&kept).current_dir(bench.path());
    fs::copy(bench.path().join("calls.pcap"), bench.path().join("x.pcap")).unwrap();
    let refused = command.output().unwrap();
    assert_eq!(refused.status.code(), Some(65), "{}", String::from_utf8_lossy(&refused.stderr));
}
