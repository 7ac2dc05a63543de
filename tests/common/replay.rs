//! A capture with its network, replayed in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tollgate::capture::Capture;
use tollgate::config;
use tollgate::engine::{Engine, Options};
use tollgate::feature::fields::FIELDS;
use tollgate::journal::CallsWriter;
use tollgate::judge::Output;

/// A folder of `captures/`.
pub struct Case {
    pub name: String,
    pub folder: PathBuf,
}

/// What a replay gave.
pub struct Run {
    /// Lines of `calls.jsonl`, without the hash of the rules.
    pub lines: Vec<String>,
}

/// What a call truly is.
#[derive(Clone, Debug)]
pub struct Truth {
    pub kind: String,
    pub label: String,
    /// Where it is recorded, and its further legs as `call_key@route:by`; of cases that say so.
    pub legs: Option<(String, String)>,
}

impl Case {
    pub fn new(folder: PathBuf) -> Self {
        Self { name: folder.file_name().unwrap().to_str().unwrap().to_owned(), folder }
    }

    pub fn input(&self) -> PathBuf {
        let plain = self.folder.join("input.pcap");
        if plain.exists() { plain } else { self.folder.join("input.pcap.zst") }
    }

    /// Replays it through the engine, with the shipped rules.
    pub fn run(&self) -> Run {
        self.run_of(|_| true)
    }

    /// The same of some frames only.
    pub fn run_of(&self, is_seen: impl Fn(&[u8]) -> bool) -> Run {
        let loaded = config::load_network(&self.folder.join("network.toml")).unwrap();
        let network = Arc::new(loaded.network);
        let mut options = Options::default();
        options.call.legs = loaded.legs;
        let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
        let ruleset = Arc::new(config::load_rules(&rules, &FIELDS).unwrap());
        let mut engine = Engine::new(&network, Arc::clone(&ruleset), options);
        let mut capture = Capture::open(&[self.input()]).unwrap();
        let mut out = Vec::new();
        while let Some(frame) = capture.next() {
            if is_seen(frame.bytes) {
                engine.frame(frame, &mut out);
            }
        }
        engine.finish(&mut out);
        let mut writer = CallsWriter::new(Vec::new(), &FIELDS);
        for output in &out {
            if let Output::Record(record) = output {
                writer.write(record, &network).unwrap();
            }
        }
        let text = String::from_utf8(writer.into_inner()).unwrap();
        let hash = format!(",\"ruleset\":\"{}\"", ruleset.hash());
        Run { lines: text.lines().map(|line| line.replace(&hash, "")).collect() }
    }

    pub fn expected(&self) -> Vec<String> {
        let text = match fs::read(self.expect_path()) {
            Ok(bytes) if self.is_large() => zstd::decode_all(&bytes[..]).unwrap(),
            Ok(bytes) => bytes,
            Err(_) => Vec::new(),
        };
        String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
    }

    pub fn write_expected(&self, lines: &[String]) {
        let text: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        let bytes =
            if self.is_large() { zstd::encode_all(text.as_bytes(), 19).unwrap() } else { text.into_bytes() };
        fs::write(self.expect_path(), bytes).unwrap();
    }

    /// Rows of `truth.csv` by the call's key, in the order of setup.
    pub fn truth(&self) -> Option<BTreeMap<String, Vec<Truth>>> {
        let text = fs::read_to_string(self.folder.join("truth.csv")).ok()?;
        let mut rows = csv::Reader::from_reader(text.as_bytes());
        let headers = rows.headers().unwrap().clone();
        let column = |name: &str| headers.iter().position(|header| header == name);
        let [key, kind, label] = ["call_key", "kind", "label"].map(|name| column(name).unwrap());
        let legs = column("legs").map(|legs| (column("route").unwrap(), legs));
        let mut truth: BTreeMap<String, Vec<Truth>> = BTreeMap::new();
        for row in rows.records().map(Result::unwrap) {
            let legs = legs.map(|(route, legs)| (row[route].to_owned(), row[legs].to_owned()));
            let one = Truth { kind: row[kind].to_owned(), label: row[label].to_owned(), legs };
            truth.entry(row[key].to_owned()).or_default().push(one);
        }
        Some(truth)
    }

    /// The demonstration's records are kept compressed.
    fn is_large(&self) -> bool {
        self.name == "interconnect"
    }

    fn expect_path(&self) -> PathBuf {
        self.folder.join(if self.is_large() { "expect.jsonl.zst" } else { "expect.jsonl" })
    }
}

/// How many campaigns of a kind a case has on a route.
pub fn campaigns(case: &str, route: &str, label: &str) -> usize {
    match (case, route, label) {
        ("interconnect", "intl-isup-1", "flash") => 2,
        _ => 1,
    }
}
