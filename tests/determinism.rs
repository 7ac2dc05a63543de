//! The same capture gives the same bytes: twice, through any number of shards, and through the engine in one thread.

#[path = "common/replay.rs"]
#[expect(dead_code, reason = "each test uses its part")]
mod replay;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use replay::Case;
use tollgate::base::frame::Frame;
use tollgate::capture::Capture;
use tollgate::config;
use tollgate::engine::Options;
use tollgate::feature::fields::FIELDS;
use tollgate::journal::CallsWriter;
use tollgate::judge::{Judge, Output};
use tollgate::pipeline::{self, Frames, Sink, Threads};

const FILES: [&str; 3] = ["calls.jsonl", "billing.jsonl", "metrics.prom"];

fn demonstration() -> Case {
    Case::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/interconnect"))
}

#[test]
fn files_are_the_same_bytes_for_1_2_and_8_shards() {
    let first = replayed_files("1");
    assert!(first.iter().all(|file| !file.is_empty()));
    for shards in ["1", "2", "8"] {
        for (name, (own, other)) in FILES.iter().zip(first.iter().zip(replayed_files(shards))) {
            assert!(*own == other, "{name} differs with {shards} shards");
        }
    }
}

fn replayed_files(shards: &str) -> [Vec<u8>; 3] {
    let case = demonstration();
    let out = tempfile::tempdir().unwrap();
    let run = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(["replay", "--shards", shards, "--out"])
        .arg(out.path())
        .arg("--network")
        .arg(case.folder.join("network.toml"))
        .arg(case.input())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    FILES.map(|name| fs::read(out.path().join(name)).unwrap())
}

#[test]
fn threads_equal_the_engine_whatever_the_size_of_batches() {
    let case = demonstration();
    let expected = case.run().lines;
    for (shards, batch_pdus) in [(1, 1), (1, 1_024), (2, 7), (3, 100), (8, 1), (8, 5_000)] {
        let lines = piped_lines(&case, Threads { shards, batch_pdus, ..Threads::default() });
        assert!(lines == expected, "{shards} shards, batches of {batch_pdus}");
    }
}

/// Frames of a capture, as the pipeline asks for them.
struct Whole(Capture);

impl Frames for Whole {
    fn next(&mut self) -> Option<Frame<'_>> {
        self.0.next()
    }
}

/// Writes records as `calls.jsonl` has them.
struct Lines {
    writer: CallsWriter<Vec<u8>>,
    network: Arc<tollgate::base::network::Network>,
}

impl Sink for Lines {
    fn take(&mut self, _: &Judge, output: Output) {
        if let Output::Record(record) = output {
            self.writer.write(&record, &self.network).unwrap();
        }
    }
}

fn piped_lines(case: &Case, threads: Threads) -> Vec<String> {
    let network = Arc::new(config::load_network(&case.folder.join("network.toml")).unwrap().network);
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let ruleset = Arc::new(config::load_rules(&rules, &FIELDS).unwrap());
    let sink = Lines { writer: CallsWriter::new(Vec::new(), &FIELDS), network: Arc::clone(&network) };
    let mut frames = Whole(Capture::open(&[case.input()]).unwrap());
    let finished = pipeline::run(&mut frames, &network, &ruleset, (&Options::default(), threads), sink);
    let text = String::from_utf8(finished.sink.writer.into_inner()).unwrap();
    let hash = format!(",\"ruleset\":\"{}\"", ruleset.hash());
    text.lines().map(|line| line.replace(&hash, "")).collect()
}
