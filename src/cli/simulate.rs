//! `tollgate simulate`: scenario in; capture, network file, roaming states and truth out.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use toml::value::Datetime;

use crate::cli::progress::Line;
use crate::cli::{Failure, SimulateArguments};
use crate::clock::Stopwatch;
use crate::journal::WholeFile;
use crate::simulate::render::{micros, packet};
use crate::simulate::{Scenario, Traffic, TrueCall};

/// Plays a scenario into a directory.
pub fn run(arguments: &SimulateArguments) -> Result<(), Failure> {
    let traffic = open(&arguments.scenario, arguments.seed, arguments.start)?;
    let out = &arguments.out;
    fs::create_dir_all(out).map_err(|error| Failure::output(out, &error))?;
    let started = Stopwatch::start();
    let made = write_all(traffic, out)?;
    // Nobody reading the summary is no failure.
    let _ = print(&made, out, started.seconds());
    Ok(())
}

/// Reads the scenario and makes its traffic ready.
pub(super) fn open(path: &Path, seed: u64, start: Option<Datetime>) -> Result<Traffic, Failure> {
    let bytes = fs::read(path).map_err(|error| Failure::input(path, &error))?;
    let name = path.display().to_string();
    let text = String::from_utf8(bytes)
        .map_err(|_| Failure::new(3, format!("{name}: the file is not UTF-8 text")))?;
    let mut scenario = Scenario::parse(&name, &text).map_err(|findings| {
        let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        Failure::new(3, lines.join("\n"))
    })?;
    if let Some(start) = start {
        scenario.start_at(start);
    }
    Traffic::new(&scenario, seed).map_err(|finding| Failure::new(3, finding.caret(&name, &text)))
}

/// Reads the value of `--start`.
pub fn parse_start(text: &str) -> Result<Datetime, String> {
    let start: Datetime = text.parse().map_err(|_| "a time such as 2026-11-16T08:00:00Z")?;
    match (start.date, start.time, start.offset) {
        (Some(date), ..) if !(2000..2200).contains(&date.year) => Err("a year from 2000 to 2199".into()),
        (Some(_), Some(_), Some(_)) => Ok(start),
        _ => Err("date, time and offset, such as 2026-11-16T08:00:00Z".into()),
    }
}

/// Reads the value of `--seed`.
pub fn parse_seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("a whole number from 0 to {}", u64::MAX))
}

/// What was made.
#[derive(Default)]
struct Made {
    calls: u64,
    frames: u64,
    bytes: u64,
    lost: u64,
    by_label: BTreeMap<&'static str, u64>,
}

/// Writes every file; each gets its name when all are complete.
fn write_all(mut traffic: Traffic, out: &Path) -> Result<Made, Failure> {
    let mut capture = Output::create(out, "capture.pcap")?;
    let mut truth = Output::create(out, "truth.csv")?;
    let mut roaming = Output::create(out, "roaming.csv")?;
    for row in traffic.roaming_csv() {
        roaming.put(row.as_bytes())?;
    }
    let mut network = Output::create(out, "network.toml")?;
    network.put(traffic.network_toml().as_bytes())?;
    let mut rest = vec![roaming, network];
    for (name, text) in [("rates.csv", traffic.rates_csv()), ("cli-exempt.csv", traffic.exempt_csv())] {
        if let Some(text) = text {
            let mut file = Output::create(out, name)?;
            file.put(text.as_bytes())?;
            rest.push(file);
        }
    }
    let made = play(&mut traffic, (&mut capture, &mut truth))?;
    for output in rest.into_iter().chain([truth, capture]) {
        output.finish()?;
    }
    Ok(made)
}

/// Plays the traffic into capture and truth.
fn play(traffic: &mut Traffic, (capture, truth): (&mut Output, &mut Output)) -> Result<Made, Failure> {
    let (mut made, mut line) = (Made::default(), Line::of_share());
    let header = packet::file_header();
    capture.put(&header)?;
    made.bytes += header.len() as u64;
    truth.put(TrueCall::HEADER.as_bytes())?;
    let world = std::sync::Arc::clone(traffic.world());
    while let Some(frame) = traffic.next_frame() {
        let header = packet::record_header(micros(frame.at), frame.bytes.len());
        capture.put(&header)?;
        capture.put(frame.bytes)?;
        made.frames += 1;
        made.bytes += (header.len() + frame.bytes.len()) as u64;
        while let Some(call) = traffic.pop_truth() {
            truth.put(call.row(&world).as_bytes())?;
            made.calls += 1;
            *made.by_label.entry(call.truth.label).or_default() += 1;
        }
        if line.is_due(made.frames) {
            line.show_share(traffic.done(), made.calls);
        }
    }
    made.lost = traffic.lost();
    line.finish();
    Ok(made)
}

fn print(made: &Made, out: &Path, seconds: f64) -> io::Result<()> {
    let mut to = io::stdout().lock();
    let Made { calls, frames, bytes, lost, by_label } = made;
    writeln!(to, "{calls} calls, {frames} frames; capture.pcap of {bytes} octets in {}", out.display())?;
    for (label, count) in by_label {
        writeln!(to, "  {label} {count}")?;
    }
    if *lost > 0 {
        writeln!(
            to,
            "{lost} attempts found no free circuit and were left out; give their trunks more `circuits`"
        )?;
    }
    writeln!(to, "made in {seconds:.1} s, {:.0} calls/s", *calls as f64 / seconds.max(0.001))
}

/// A file being written.
struct Output(WholeFile);

impl Output {
    fn create(out: &Path, name: &str) -> Result<Self, Failure> {
        let path = out.join(name);
        WholeFile::create(&path).map(Self).map_err(|error| Failure::output(&path, &error))
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.0.write_all(bytes).map_err(|error| Failure::output(self.0.path(), &error))
    }

    fn finish(self) -> Result<(), Failure> {
        let path = self.0.path().to_owned();
        self.0.finish().map_err(|error| Failure::output(&path, &error))
    }
}
