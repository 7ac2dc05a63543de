//! `tollgate evaluate`: captures and the truth about their calls in, or a scenario; figures out.

use std::fs;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::base::network::Network;
use crate::capture::Capture;
use crate::cli::progress::{Played, Watched};
use crate::cli::replay::{SEED, watch_for_interrupt};
use crate::cli::{EvaluateArguments, Failure, Format, load, simulate};
use crate::engine::Options;
use crate::evaluate::live::Live;
use crate::evaluate::names::Names;
use crate::evaluate::process;
use crate::evaluate::report::{Evaluation, RunResult, SweepPoint, json};
use crate::evaluate::require::{self, Requirement};
use crate::evaluate::run::{self, Setting};
use crate::evaluate::truth::{TruthFile, Truths};
use crate::journal::WholeFile;
use crate::pipeline::{Frames, Threads};
use crate::rule::Ruleset;

/// Seeds of one evaluation: more would take days.
const SEEDS_MAX: u64 = 1_000;

/// Evaluates captures, or made traffic.
pub fn run(arguments: &EvaluateArguments) -> Result<(), Failure> {
    let sources = load::rule_sources(arguments.rules.as_deref())?;
    let ruleset = Arc::new(load::compile(&sources)?);
    let bounds = arguments.require.as_deref().map(Bounds::read).transpose()?;
    // What is wrong with a sweep is said before the first run, not after it.
    let swept = arguments
        .sweep
        .iter()
        .map(|sweep| {
            let changed = |value: &String| {
                let sources = sweep.apply(&sources, value).map_err(|message| Failure::new(2, message))?;
                Ok((value.clone(), Arc::new(load::compile(&sources)?)))
            };
            sweep.values.iter().map(changed).collect::<Result<Vec<_>, Failure>>()
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    if let Some(out) = &arguments.out {
        fs::create_dir_all(out).map_err(|error| Failure::output(out, &error))?;
    }
    let runner = Runner { arguments, names: Names::default(), interrupted: watch_for_interrupt()? };
    let mut evaluation = runner.evaluate(&ruleset)?;
    for (sweep, values) in arguments.sweep.iter().zip(swept) {
        let point = |(value, ruleset): (String, Arc<Ruleset>)| {
            Ok(SweepPoint { value, figures: runner.evaluate(&ruleset)?.figures })
        };
        let points = values.into_iter().map(point).collect::<Result<Vec<_>, Failure>>()?;
        evaluation.sweeps.push((sweep.clone(), points));
    }
    evaluation.memory = process::memory();
    write(&evaluation, arguments)?;
    bounds.map_or(Ok(()), |bounds| bounds.check(&evaluation))
}

/// Runs every directory with one set of rules.
struct Runner<'a> {
    arguments: &'a EvaluateArguments,
    names: Names,
    interrupted: Arc<AtomicBool>,
}

impl Runner<'_> {
    fn evaluate(&self, ruleset: &Arc<Ruleset>) -> Result<Evaluation, Failure> {
        let runs: Result<Vec<RunResult>, Failure> = match &self.arguments.scenario {
            Some(scenario) => {
                self.arguments.seeds.clone().map(|seed| self.scenario(scenario, seed, ruleset)).collect()
            }
            None => self.arguments.truth.iter().map(|directory| self.directory(directory, ruleset)).collect(),
        };
        let ids = ruleset.rules().iter().map(|rule| rule.id.clone()).collect();
        Ok(Evaluation::new(
            runs?,
            (ruleset.hash().to_owned(), ids),
            (self.names.clone(), self.arguments.hold_out.clone()),
            self.arguments.test_calls,
        ))
    }

    fn directory(&self, directory: &Path, ruleset: &Arc<Ruleset>) -> Result<RunResult, Failure> {
        let loaded = load::network(Some(&directory.join("network.toml")))?;
        let truth = TruthFile::open(&directory.join("truth.csv"), &self.names)
            .map_err(|message| Failure::new(65, message))?;
        let capture =
            Capture::open(&captures(directory)?).map_err(|error| Failure::new(error.exit_code(), error))?;
        let calls = Arc::new(AtomicU64::new(0));
        let mut frames = Watched::new(capture, Arc::clone(&calls), Arc::clone(&self.interrupted));
        let network = Arc::new(loaded.network);
        let name = directory.display().to_string();
        let result = self.run(&name, (&mut frames, Box::new(truth)), (&network, ruleset), calls);
        let capture = frames.finish();
        capture.problems().iter().for_each(|problem| eprintln!("{problem}"));
        result
    }

    /// Makes the traffic and judges it at once; nothing is written down in between.
    fn scenario(&self, path: &Path, seed: u64, ruleset: &Arc<Ruleset>) -> Result<RunResult, Failure> {
        let traffic = simulate::open(path, seed, None)?;
        let network = Arc::new(load::made_network(&traffic)?);
        let calls = Arc::new(AtomicU64::new(0));
        let (live, truths) = Live::new(traffic, &self.names);
        let mut frames = Played::new(live, Arc::clone(&calls), Arc::clone(&self.interrupted));
        let name = format!("{}, seed {seed}", path.display());
        let result = self.run(&name, (&mut frames, Box::new(truths)), (&network, ruleset), calls);
        frames.finish();
        result
    }

    fn run(
        &self,
        name: &str,
        (frames, truths): (&mut dyn Frames, Box<dyn Truths>),
        (network, ruleset): (&Arc<Network>, &Arc<Ruleset>),
        seen: Arc<AtomicU64>,
    ) -> Result<RunResult, Failure> {
        let setting = Setting {
            network,
            ruleset,
            options: &Options::default().seeded(SEED),
            threads: Threads { shards: usize::from(self.arguments.shards), ..Threads::default() },
            names: &self.names,
            test_one_in: self.arguments.test_calls,
            seen,
        };
        let result = run::run(name, frames, truths, &setting);
        if self.interrupted.load(Ordering::Relaxed) {
            // Half a run has campaigns that were never caught only because it ended.
            return Err(Failure::new(130, "interrupted; nothing was written"));
        }
        Ok(result)
    }
}

/// Reads the value of `--seeds`; both ends belong to it.
pub(super) fn parse_seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let (first, last) = text.split_once("..").unwrap_or((text, text));
    let seed = |text: &str| text.parse().map_err(|_| format!("`{text}` is no seed: a number from 0 on"));
    let (first, last): (u64, u64) = (seed(first)?, seed(last)?);
    match last.checked_sub(first) {
        Some(more) if more < SEEDS_MAX => Ok(first..=last),
        Some(_) => Err(format!("more than {SEEDS_MAX} seeds")),
        None => Err("the first seed is beyond the last".to_owned()),
    }
}

/// All captures of a directory, by name.
fn captures(directory: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: io::Error| Failure::input(directory, &error);
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.contains(".pcap") && !name.ends_with(".part") && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    match paths.is_empty() {
        true => Err(Failure::new(66, format!("{}: no capture here (*.pcap*)", directory.display()))),
        false => Ok(paths),
    }
}

/// A file of bounds.
struct Bounds {
    path: String,
    text: String,
    requirements: Vec<Requirement>,
}

impl Bounds {
    fn read(path: &Path) -> Result<Self, Failure> {
        let text = fs::read_to_string(path).map_err(|error| Failure::input(path, &error))?;
        let path = path.display().to_string();
        let requirements = require::read(&path, &text).map_err(|findings| Failure::new(3, findings))?;
        Ok(Self { path, text, requirements })
    }

    fn check(&self, evaluation: &Evaluation) -> Result<(), Failure> {
        let unknown = require::unknown(&self.requirements, &evaluation.figures, (&self.path, &self.text));
        if !unknown.is_empty() {
            return Err(Failure::new(3, unknown.join("\n")));
        }
        match require::regressions(&self.requirements, &evaluation.figures) {
            lines if lines.is_empty() => Ok(()),
            lines => Err(Failure::new(1, format!("Out of bounds:\n  {}", lines.join("\n  ")))),
        }
    }
}

/// Writes the files that were asked for, and the report to standard output.
fn write(evaluation: &Evaluation, arguments: &EvaluateArguments) -> Result<(), Failure> {
    let document = evaluation.document();
    let json = serde_json::to_string_pretty(&json(evaluation))
        .map_err(|error| Failure::new(1, format!("evaluation.json: {error}")))?;
    if let Some(out) = &arguments.out {
        write_file(&out.join("evaluation.json"), &format!("{json}\n"))?;
        write_file(&out.join("report.html"), &document.html())?;
    }
    if let Some(path) = &arguments.markdown {
        write_file(path, &document.markdown())?;
    }
    let shown = match arguments.format {
        Format::Text => document.text(),
        Format::Json => json + "\n",
    };
    match io::stdout().lock().write_all(shown.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(74, format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    let written = WholeFile::create(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.finish()
    });
    written.map_err(|error| Failure::output(path, &error))
}
