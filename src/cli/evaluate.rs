//! `tollgate evaluate`: captures and the truth about their calls in, or a scenario; figures out.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::base::network::Network;
use crate::call::LegOptions;
use crate::capture::Capture;
use crate::cli::failure::say;
use crate::cli::load::SetUp;
use crate::cli::progress::{Played, Watched};
use crate::cli::{EvaluateArguments, Failure, Format, interrupt, load, simulate};
use crate::evaluate::document::Document;
use crate::evaluate::live::Live;
use crate::evaluate::names::Names;
use crate::evaluate::process;
use crate::evaluate::report::{Evaluation, RunResult, SweepPoint, json};
use crate::evaluate::require::{self, Requirement};
use crate::evaluate::run::{self, Setting};
use crate::evaluate::sweep::Sweep;
use crate::evaluate::truth::{TruthFile, Truths};
use crate::feature::{Limits, fields};
use crate::journal::WholeFile;
use crate::pipeline::Frames;
use crate::rule::{Ruleset, Source};

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
            let changed =
                |value: &String| Ok((value.clone(), Arc::new(swept_rules(sweep, &sources, value)?)));
            sweep.values.iter().map(changed).collect::<Result<Vec<_>, Failure>>()
        })
        .collect::<Result<Vec<_>, Failure>>()?;
    let outputs = Outputs::create(arguments)?;
    let runner = Runner { arguments, names: Names::default(), interrupted: interrupt::watch()? };
    match runner.evaluate_all(&ruleset, swept) {
        Ok(evaluation) => write(&evaluation, (outputs, bounds.as_ref()), arguments.format),
        Err(failure) => {
            outputs.discard();
            Err(failure)
        }
    }
}

/// The rules with one value of a sweep. What is wrong is wrong with the value, not with a file.
fn swept_rules(sweep: &Sweep, sources: &[Source], value: &str) -> Result<Ruleset, Failure> {
    let failed = |message: String| {
        Failure::new(2, format!("--sweep {}:{}={value}: {message}", sweep.rule, sweep.field))
    };
    let changed = sweep.apply(sources, value).map_err(failed)?;
    Ruleset::compile(&changed, &fields::FIELDS).map_err(|findings| {
        let said: Vec<&str> = findings.iter().map(|finding| finding.message.as_str()).collect();
        failed(format!("no value for this bound: {}", said.join("; ")))
    })
}

/// Runs every directory with one set of rules.
struct Runner<'a> {
    arguments: &'a EvaluateArguments,
    names: Names,
    interrupted: Arc<AtomicBool>,
}

impl Runner<'_> {
    /// With the rules as they are, then with each value of each sweep.
    fn evaluate_all(
        &self,
        ruleset: &Arc<Ruleset>,
        swept: Vec<Vec<(String, Arc<Ruleset>)>>,
    ) -> Result<Evaluation, Failure> {
        let mut evaluation = self.evaluate(ruleset)?;
        for (sweep, values) in self.arguments.sweep.iter().zip(swept) {
            let point = |(value, ruleset): (String, Arc<Ruleset>)| {
                Ok(SweepPoint { value, figures: self.evaluate(&ruleset)?.figures })
            };
            let points = values.into_iter().map(point).collect::<Result<Vec<_>, Failure>>()?;
            evaluation.sweeps.push((sweep.clone(), points));
        }
        evaluation.memory = process::memory();
        Ok(evaluation)
    }

    fn evaluate(&self, ruleset: &Arc<Ruleset>) -> Result<Evaluation, Failure> {
        let runs: Result<Vec<RunResult>, Failure> = match &self.arguments.scenario {
            Some(scenario) => {
                self.arguments.seeds.clone().map(|seed| self.scenario(scenario, seed, ruleset)).collect()
            }
            None => self.arguments.truth.iter().map(|directory| self.directory(directory, ruleset)).collect(),
        };
        let ids = ruleset.rules().iter().map(|rule| rule.id.to_string()).collect();
        Ok(Evaluation::new(
            runs?,
            (ruleset.hash().to_owned(), ids),
            (self.names.clone(), self.arguments.hold_out.clone()),
            self.arguments.test_calls,
        ))
    }

    fn directory(&self, directory: &Path, ruleset: &Arc<Ruleset>) -> Result<RunResult, Failure> {
        let loaded = load::network(Some(&directory.join("network.toml")))?;
        let path = directory.join("truth.csv");
        let file = File::open(&path).map_err(|error| Failure::input(&path, &error))?;
        let truth = TruthFile::read(&path.display().to_string(), file, &self.names)
            .map_err(|message| Failure::new(65, message))?;
        let capture =
            Capture::open(&captures(directory)?).map_err(|error| Failure::new(error.exit_code(), error))?;
        let calls = Arc::new(AtomicU64::new(0));
        let mut frames = Watched::new(capture, Arc::clone(&calls), Arc::clone(&self.interrupted));
        let limits = load::limits(&loaded);
        let network = Arc::new(loaded.network);
        let name = directory.display().to_string();
        let under = (&network, ruleset);
        let marks = loaded.labels.seeds();
        let set_up = load::set_up(under, (&marks, limits, loaded.legs), (self.arguments.shards, load::SEED));
        let result = self.run(&name, (&mut frames, Box::new(truth)), under, (set_up, calls));
        let capture = frames.finish();
        capture.problems().iter().for_each(say);
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
        let under = (&network, ruleset);
        let set_up = load::set_up(
            under,
            (&[], Limits::default(), LegOptions::default()),
            (self.arguments.shards, load::SEED),
        );
        let result = self.run(&name, (&mut frames, Box::new(truths)), under, (set_up, calls));
        frames.finish();
        result
    }

    fn run(
        &self,
        name: &str,
        input: (&mut dyn Frames, Box<dyn Truths>),
        (network, ruleset): (&Arc<Network>, &Arc<Ruleset>),
        (SetUp { options, threads, judge }, seen): (SetUp, Arc<AtomicU64>),
    ) -> Result<RunResult, Failure> {
        let setting = Setting {
            network,
            ruleset,
            options: &options,
            threads,
            names: &self.names,
            test_one_in: self.arguments.test_calls,
            seen,
        };
        let result = run::run(name, input, judge, &setting);
        if self.interrupted.load(Ordering::Relaxed) {
            // Half a run has campaigns that were never caught only because it ended.
            return Err(Failure::new(interrupt::CODE, "interrupted; nothing was written"));
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
        if requirements.is_empty() {
            return Err(Failure::new(3, format!("{path}: there is no bound in it")));
        }
        Ok(Self { path, text, requirements })
    }

    /// That all are kept, in a sentence.
    fn check(&self, evaluation: &Evaluation) -> Result<String, Failure> {
        let unknown = require::unknown(&self.requirements, &evaluation.figures, (&self.path, &self.text));
        if !unknown.is_empty() {
            return Err(Failure::new(3, unknown.join("\n")));
        }
        match require::regressions(&self.requirements, &evaluation.figures) {
            lines if lines.is_empty() => Ok(format!(
                "Bounds kept: {} of {} in {}",
                self.requirements.len(),
                self.requirements.len(),
                self.path
            )),
            lines => Err(Failure::new(1, format!("Out of bounds:\n  {}", lines.join("\n  ")))),
        }
    }
}

/// The files that were asked for. They are made before the first run, so that a place that cannot be written to is known
/// then.
struct Outputs {
    json: Option<WholeFile>,
    html: Option<WholeFile>,
    markdown: Option<WholeFile>,
}

impl Outputs {
    fn create(arguments: &EvaluateArguments) -> Result<Self, Failure> {
        let create = |path: PathBuf| WholeFile::create(&path).map_err(|error| Failure::output(&path, &error));
        let mut outputs = Self { json: None, html: None, markdown: None };
        outputs.markdown = arguments.markdown.clone().map(create).transpose()?;
        if let Some(out) = &arguments.out {
            fs::create_dir_all(out).map_err(|error| Failure::output(out, &error))?;
            outputs.json = Some(create(out.join("evaluation.json"))?);
            outputs.html = Some(create(out.join("report.html"))?);
        }
        Ok(outputs)
    }

    /// Takes them away when there is nothing to write.
    fn discard(self) {
        for file in self.all() {
            // It is empty, and what went wrong before is told.
            let _ = file.discard();
        }
    }

    fn all(self) -> impl Iterator<Item = WholeFile> {
        [self.json, self.html, self.markdown].into_iter().flatten()
    }

    /// Writes each of them; the names of those written, and why others are not.
    fn write(self, document: &Document, json: &str) -> (Vec<String>, Option<Failure>) {
        let (mut written, mut failure) = (Vec::new(), None);
        let files = [
            (self.json, json.to_owned()),
            (self.html, document.html()),
            (self.markdown, document.markdown()),
        ];
        for (file, text) in files {
            let Some(mut file) = file else { continue };
            let path = file.path().to_owned();
            match file.write_all(text.as_bytes()).and_then(|()| file.finish()) {
                Ok(()) => written.push(path.display().to_string()),
                Err(error) => failure = failure.or(Some(Failure::output(&path, &error))),
            }
        }
        (written, failure)
    }
}

/// Writes the files that were asked for and prints the report, the latter also when a file cannot be written.
fn write(
    evaluation: &Evaluation,
    (outputs, bounds): (Outputs, Option<&Bounds>),
    format: Format,
) -> Result<(), Failure> {
    let document = evaluation.document();
    let json = serde_json::to_string_pretty(&json(evaluation))
        .map_err(|error| Failure::new(1, format!("evaluation.json: {error}")))?;
    let json = json + "\n";
    let (written, failure) = outputs.write(&document, &json);
    let checked = bounds.map(|bounds| bounds.check(evaluation)).transpose();
    let shown = match format {
        Format::Json => json,
        Format::Text => {
            let mut text = document.text();
            if let Ok(Some(kept)) = &checked {
                text += &format!("\n{kept}\n");
            }
            if !written.is_empty() {
                text += &format!("\nWritten: {}\n", written.join(", "));
            }
            text
        }
    };
    Failure::printed(io::stdout().lock().write_all(shown.as_bytes()))?;
    failure.map_or(Ok(()), Err)?;
    checked.map(|_| ())
}
