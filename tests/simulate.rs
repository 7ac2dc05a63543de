//! Made traffic: the same for the same seed, in order, and every call of the truth is a call to Tollgate, with nothing
//! that its readers find fault with.

#[path = "common/scripts.rs"]
mod scripts;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tollgate::assemble::{AssembleOptions, Assembler};
use tollgate::base::frame::Frame;
use tollgate::base::map::Seed;
use tollgate::base::network::Network;
use tollgate::base::time::At;
use tollgate::call::{Call, CallEvent, CallKey, CallOptions, Stamped};
use tollgate::config::load_network;
use tollgate::engine::Shard;
use tollgate::signal;
use tollgate::simulate::attempt::End;
use tollgate::simulate::source::{Merge, Source};
use tollgate::simulate::world::World;
use tollgate::simulate::{Scenario, Traffic, TrueCall};

/// Every shipped scenario that takes seconds to play.
const SHORT: [&str; 2] = ["people.toml", "small.toml"];

fn scenario(name: &str) -> Scenario {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    Scenario::parse(name, &fs::read_to_string(path).unwrap()).unwrap()
}

/// Hash of every frame with its time, and how many there are; checks that time does not go back.
fn digest(scenario: &Scenario, seed: u64) -> (String, u64) {
    let mut traffic = Traffic::new(scenario, seed).unwrap();
    let (mut hash, mut count, mut last) = (Sha256::new(), 0, At::from_nanos(0));
    while let Some(frame) = traffic.next_frame() {
        assert!(frame.at >= last, "frame {} goes back in time", frame.number);
        last = frame.at;
        count += 1;
        assert_eq!(frame.number, count);
        hash.update(frame.at.nanos().to_be_bytes());
        hash.update(frame.bytes);
    }
    (hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(), count)
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let scenario = scenario("small.toml");
    let first = digest(&scenario, 1);
    assert!(first.1 > 10_000, "only {} frames", first.1);
    assert_eq!(first, digest(&scenario, 1));
    assert_ne!(first.0, digest(&scenario, 2).0);
}

#[test]
fn every_source_is_in_order_and_none_depends_on_another() {
    for name in SHORT {
        let mut scenario = scenario(name);
        let attacks = |scenario: &Scenario| -> Vec<String> {
            let world = Arc::new(World::new(scenario, 3).unwrap());
            let mut found = Vec::new();
            for mut source in scenario.sources(&world).unwrap() {
                let mut last = world.start();
                while let Some(attempt) = source.next() {
                    assert!(
                        attempt.setup_at >= last && attempt.setup_at < world.end(),
                        "{name}: {attempt:?}"
                    );
                    last = attempt.setup_at;
                    if attempt.truth.campaign > 0 {
                        found.push(format!("{attempt:?}"));
                    }
                }
                assert!(source.next().is_none());
            }
            found
        };
        let with = attacks(&scenario);
        scenario.populations.clear();
        assert_eq!(with, attacks(&scenario), "{name}: attacks change with the populations");
        assert_eq!(with.is_empty(), scenario.attacks.is_empty(), "{name}");
    }
}

#[test]
fn every_true_call_is_a_call_to_the_readers() {
    for name in SHORT {
        let mut traffic = Traffic::new(&scenario(name), 5).unwrap();
        let mut reader = Reader::new(network(&traffic));
        let mut truth = BTreeSet::new();
        let mut calls = 0;
        while let Some(frame) = traffic.next_frame() {
            reader.frame(frame);
            while let Some(call) = traffic.pop_truth() {
                calls += 1;
                truth.insert((call.call_key, call.setup_at, traffic.world().trunk(call.trunk).name.clone()));
            }
        }
        reader.finish();
        assert_eq!(truth.len(), calls, "{name}: two calls have one key and time");
        assert!(calls > 1_000, "{name}: only {calls} calls");
        assert_eq!(traffic.lost(), 0, "{name}");
        let missing: Vec<_> = truth.difference(&reader.setups).take(3).collect();
        let unknown: Vec<_> = reader.setups.difference(&truth).take(3).collect();
        assert!(
            missing.is_empty() && unknown.is_empty(),
            "{name}: not read {missing:?}, not true {unknown:?}"
        );
        let faults: Vec<_> = reader.faults();
        assert!(faults.is_empty(), "{name}: {faults:?}");
    }
}

#[test]
fn every_script_is_read_as_it_was_meant() {
    let world = Arc::new(World::new(&scenario("small.toml"), 1).unwrap());
    let attempts = scripts::every(&world);
    let mut traffic = scripts::play(&world, attempts.clone());
    let mut reader = Reader::new(network(&traffic));
    while let Some(frame) = traffic.next_frame() {
        reader.frame(frame);
    }
    reader.finish();
    let told: Vec<TrueCall> = std::iter::from_fn(|| traffic.pop_truth()).collect();
    assert_eq!(told.len(), attempts.len());
    assert_eq!(reader.setups.len(), attempts.len());
    assert!(reader.faults().is_empty(), "{:?}", reader.faults());
    for (call, attempt) in told.iter().zip(&attempts) {
        let read = &reader.ended[&(call.call_key.clone(), call.setup_at)];
        let near = |moment: At| {
            move |read: At| read.since(moment).max(moment.since(read)) < Duration::from_millis(4)
        };
        if attempt.alert_after.is_some() && !matches!(attempt.end, End::EarlyMedia { .. }) {
            assert!(read.alert_at.is_some_and(near(attempt.alert_at())), "{attempt:?} {read:?}");
        } else if let End::EarlyMedia { .. } = attempt.end {
            assert_eq!(read.alert_at, None, "{attempt:?}");
        }
        let End::Answered { ring, .. } = attempt.end else {
            assert_eq!(read.answer_at, None, "{attempt:?}");
            continue;
        };
        assert!(read.answer_at.is_some_and(near(attempt.alert_at() + ring)), "{attempt:?} {read:?}");
        assert!(read.end_at.is_some_and(near(attempt.end_at())), "{attempt:?} {read:?}");
    }
}

#[test]
fn memory_follows_the_calls_under_way() {
    // Ten times the hours with the same calls a second: no more waits at once.
    let most = |hours: f64| {
        let mut scenario = scenario("small.toml");
        scenario.attacks.clear();
        scenario.scenario.hours = toml::Spanned::new(0..0, hours);
        let mut traffic = Traffic::new(&scenario, 1).unwrap();
        let mut most = 0;
        while traffic.next_frame().is_some() {
            most = most.max(traffic.pending());
            while traffic.pop_truth().is_some() {}
        }
        most
    };
    let (short, long) = (most(0.5), most(5.0));
    assert!(long < short * 3, "{short} messages waited in half an hour, {long} in five");
}

#[test]
fn merged_sources_give_what_they_give_alone() {
    let scenario = scenario("small.toml");
    let world = Arc::new(World::new(&scenario, 9).unwrap());
    let alone: usize = scenario
        .sources(&world)
        .unwrap()
        .into_iter()
        .map(|mut source| std::iter::from_fn(|| source.next()).count())
        .sum();
    let mut merge = Merge::new(scenario.sources(&world).unwrap());
    assert_eq!(std::iter::from_fn(|| merge.next()).count(), alone);
}

#[test]
fn the_command_writes_whole_files_or_none() {
    let dir = tempfile::tempdir().unwrap();
    let simulate = |scenario: &Path, out: &Path| {
        let run = Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args(["simulate", "--start", "2027-01-04T10:00:00+01:00", "--scenario"])
            .arg(scenario)
            .arg("--out")
            .arg(out)
            .output()
            .unwrap();
        (run.status.code(), String::from_utf8_lossy(&run.stderr).into_owned())
    };
    let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/small.toml");
    let (made, none) = (dir.path().join("made"), dir.path().join("none"));
    assert_eq!(simulate(&small, &made), (Some(0), String::new()));
    let mut names: Vec<String> = fs::read_dir(&made)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["capture.pcap", "network.toml", "roaming.csv", "truth.csv"]);
    assert!(load_network(&made.join("network.toml")).is_ok());
    let truth = fs::read_to_string(made.join("truth.csv")).unwrap();
    assert!(truth.lines().count() > 1_000);
    assert!(
        truth.lines().skip(1).all(|line| line.split(',').count() == 8 && line.contains(",2027-01-04T09:"))
    );

    let wrong = dir.path().join("wrong.toml");
    fs::write(&wrong, fs::read_to_string(&small).unwrap().replace("hours = 0.2", "hours = -1")).unwrap();
    let (code, said) = simulate(&wrong, &none);
    assert_eq!(code, Some(3));
    assert!(said.contains("wrong.toml:6:9: hours: above 0"), "{said}");
    assert!(!none.exists());
}

/// The network that the traffic's own files describe.
fn network(traffic: &Traffic) -> Arc<Network> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("network.toml"), traffic.network_toml()).unwrap();
    fs::write(dir.path().join("roaming.csv"), traffic.roaming_csv().collect::<String>()).unwrap();
    for (name, text) in [("rates.csv", traffic.rates_csv()), ("cli-exempt.csv", traffic.exempt_csv())] {
        if let Some(text) = text {
            fs::write(dir.path().join(name), text).unwrap();
        }
    }
    Arc::new(load_network(&dir.path().join("network.toml")).unwrap_or_else(|error| panic!("{error}")).network)
}

/// Assembler, decoders and call table.
struct Reader {
    assembler: Assembler,
    shard: Shard,
    network: Arc<Network>,
    events: Vec<Stamped>,
    /// Key, time and route of every call set up.
    setups: BTreeSet<(String, At, String)>,
    /// Every call at its end.
    ended: BTreeMap<(String, At), Call>,
}

const SEED: Seed = Seed(7);

impl Reader {
    fn new(network: Arc<Network>) -> Self {
        let call = CallOptions { seed: SEED, ..CallOptions::default() };
        Self {
            assembler: Assembler::new(AssembleOptions { seed: SEED, ..AssembleOptions::default() }),
            shard: Shard::new(&network, call, true),
            network,
            events: Vec::new(),
            setups: BTreeSet::new(),
            ended: BTreeMap::new(),
        }
    }

    fn frame(&mut self, frame: Frame<'_>) {
        let Self { assembler, shard, events, .. } = self;
        assembler.push(frame, &mut |pdu| shard.handle(&pdu, signal::key(&pdu, SEED), events));
        shard.advance(frame.at, events);
        self.note();
    }

    fn finish(&mut self) {
        self.shard.finish(&mut self.events);
        self.note();
    }

    fn note(&mut self) {
        for stamped in self.events.drain(..) {
            let call = stamped.event.call();
            let key = match &call.key {
                CallKey::Sip(call_id) => String::from_utf8_lossy(call_id).into_owned(),
                CallKey::Isup { opc, dpc, cic } => format!("{opc}-{dpc}-{cic}"),
            };
            let setup_at = call.setup_at;
            match stamped.event {
                CallEvent::Setup(call) => {
                    let route = self.network.routes.route(call.route).name.clone();
                    self.setups.insert((key, setup_at, route));
                }
                CallEvent::Answer(_) => {}
                CallEvent::End(call) => {
                    self.ended.insert((key, setup_at), call);
                }
            }
        }
    }

    fn faults(&self) -> Vec<String> {
        let mut faults = self.shard.counts().faults;
        faults.merge(self.assembler.faults());
        faults.nonzero().map(|fault| format!("{fault:?}")).collect()
    }
}
