//! An evaluation as a [`Document`] for people and as JSON for programs.

pub mod format;
mod json;
mod leak;
mod places;
mod quality;

use crate::base::text::grouped;
use crate::base::time::At;
use crate::evaluate::document::{Document, Section, Table};
use crate::evaluate::figure::{Figures, Spread, figures, spreads};
use crate::evaluate::join::Outcomes;
use crate::evaluate::names::Names;
use crate::evaluate::report::format::number;
use crate::evaluate::svg::{Chart, Series};
use crate::evaluate::sweep::Sweep;

pub use json::json;

/// Runs named at the top; the table of speeds has all.
const RUNS_NAMED: usize = 8;

/// One run: a capture, or a scenario with a seed.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// What it was.
    pub name: String,
    /// What came out.
    pub outcomes: Outcomes,
    /// Wall time, in seconds.
    pub seconds: f64,
}

/// What one value of a swept bound gave.
#[derive(Clone, Debug)]
pub struct SweepPoint {
    /// The value.
    pub value: String,
    /// All figures with it.
    pub figures: Figures,
}

/// Everything that was found.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Version of the program.
    pub version: &'static str,
    /// Hash of the rules.
    pub ruleset: String,
    /// Ids of the rules, by index.
    pub rules: Vec<String>,
    /// Words of the truth.
    pub names: Names,
    /// Families held out of development.
    pub held_out: Vec<String>,
    /// One call in this many reached a test number.
    pub test_one_in: u64,
    /// Each run.
    pub runs: Vec<RunResult>,
    /// All runs together.
    pub whole: Outcomes,
    /// Figures of all runs together.
    pub figures: Figures,
    /// Spread of the figures over runs; empty for one run.
    pub spreads: Vec<Spread>,
    /// Bounds that were swept.
    pub sweeps: Vec<(Sweep, Vec<SweepPoint>)>,
    /// Memory that the process holds, and the most it held, in octets.
    pub memory: Option<(u64, u64)>,
}

impl Evaluation {
    /// Puts runs together; `rules` are the rules' hash and ids.
    #[must_use]
    pub fn new(
        runs: Vec<RunResult>,
        rules: (String, Vec<String>),
        (names, held_out): (Names, Vec<String>),
        test_one_in: u64,
    ) -> Self {
        let whole = together(&runs);
        let own = |outcomes: &Outcomes| figures(&outcomes.counts, &outcomes.runs, (&names, &held_out));
        let figures = own(&whole);
        let spreads = match runs.len() {
            0 | 1 => Vec::new(),
            _ => spreads(&figures, &runs.iter().map(|run| own(&run.outcomes)).collect::<Vec<_>>()),
        };
        let (ruleset, rules) = rules;
        let version = env!("CARGO_PKG_VERSION");
        let (sweeps, memory) = (Vec::new(), None);
        Self {
            version,
            ruleset,
            rules,
            names,
            held_out,
            test_one_in,
            runs,
            whole,
            figures,
            spreads,
            sweeps,
            memory,
        }
    }

    /// The report.
    #[must_use]
    pub fn document(&self) -> Document {
        let mut sections = vec![quality::summary(self)];
        sections.extend([quality::classes(self), quality::families(self), quality::false_positives(self)]);
        sections.extend([leak::leak(self), leak::treatment(self), leak::curves(self)]);
        sections.extend([places::shares(self), places::estimates(self), quality::confusion(self)]);
        sections.extend(self.sweeps.iter().map(|(sweep, points)| swept(sweep, points)));
        sections.extend([self.spread(), self.speed()]);
        sections.retain(|section| !section.is_empty());
        Document { title: "How well calls are judged".to_owned(), about: self.about(), sections }
    }

    /// Which runs, and when their calls were.
    fn about(&self) -> String {
        let named = self.runs.iter().take(RUNS_NAMED).map(|run| run.name.as_str());
        let mut about = named.collect::<Vec<_>>().join("; ");
        if let Some(more) = self.runs.len().checked_sub(RUNS_NAMED).filter(|more| *more > 0) {
            about += &format!("; and {more} more");
        }
        match self.whole.setups {
            Some((first, last)) => {
                format!("{about}. Calls set up from {} to {}.", second(first), second(last))
            }
            None => format!("{about}. No call."),
        }
    }

    fn spread(&self) -> Section {
        let mut table = Table::new(&["figure", "runs", "min", "median", "max"]);
        // What is the same in every run says little, and kinds and ranges fill pages: the JSON has them all.
        let is_told = |name: &str| {
            let is_main =
                ["all.", "class.", "group.", "leak.", "release."].iter().any(|group| name.starts_with(group));
            is_main && !name.ends_with("_with_probes") && !name.ends_with("_p90")
        };
        let told = self.spreads.iter().filter(|spread| spread.min < spread.max && is_told(&spread.name));
        table.rows = told
            .map(|spread| {
                let values = [spread.min, spread.median, spread.max].map(number);
                [vec![spread.name.clone(), spread.runs.to_string()], values.to_vec()].concat()
            })
            .collect();
        let text: &[&str] = match self.spreads.is_empty() {
            true => &[],
            false => {
                &["The main figures of every run by itself; those that are the same in all are left out."]
            }
        };
        Section::of("Spread over runs", text, table)
    }

    fn speed(&self) -> Section {
        let mut table =
            Table::new(&["run", "records", "seconds", "records/s", "records/s of the judge's thread"]);
        for run in &self.runs {
            let judged = run.outcomes.judged_in.filter(|(_, seconds)| *seconds > 0.0);
            let judged = judged
                .map_or("–".to_owned(), |(records, seconds)| number((records as f64 / seconds).round()));
            table.rows.push(vec![
                run.name.clone(),
                grouped(run.outcomes.records),
                format!("{:.2}", run.seconds),
                number((run.outcomes.records as f64 / run.seconds.max(1e-9)).round()),
                judged,
            ]);
        }
        let memory = self.memory.map(|(now, most)| {
            let mebibytes = |octets: u64| grouped(octets >> 20);
            format!("Memory at the end: {} MiB; at most: {} MiB.", mebibytes(now), mebibytes(most))
        });
        let mut section = Section::of(
            "Speed",
            &[
                "The judge's thread is measured by its processor time; joining records to the truth is part of it.",
            ],
            table,
        );
        section.text.extend(memory);
        section
    }
}

/// A time without its fraction.
fn second(at: At) -> String {
    let time = at.to_string();
    time.split_once('.').map_or(time.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// The outcomes of all runs as one.
fn together(runs: &[RunResult]) -> Outcomes {
    let mut whole = Outcomes::default();
    for RunResult { outcomes, .. } in runs {
        whole.counts.merge(&outcomes.counts);
        whole.runs.merge(&outcomes.runs);
        whole.examples.extend_from_slice(&outcomes.examples);
        whole.records += outcomes.records;
        whole.setups = match (whole.setups, outcomes.setups) {
            (Some((first, last)), Some((from, to))) => Some((first.min(from), last.max(to))),
            (own, other) => own.or(other),
        };
    }
    whole
}

/// False positives and leak as a bound moves.
fn swept(sweep: &Sweep, points: &[SweepPoint]) -> Section {
    let mut table = Table::new(&[
        "bound",
        "false positives in a million",
        "at most (95 %)",
        "unwanted passed",
        "recall at setup",
        "recall after the catch",
    ]);
    let mut series = Series { name: "bound".to_owned(), points: Vec::new() };
    for SweepPoint { value, figures } in points {
        let cells = format::Cells(figures);
        table.rows.push(vec![
            value.clone(),
            cells.number("all.fp_per_million"),
            cells.number("all.fp_per_million_high"),
            cells.number("all.passed"),
            cells.percent("all.recall_setup"),
            cells.percent("all.recall_after_catch"),
        ]);
        if let (Some(x), Some(y)) = (figures.value("all.fp_per_million"), figures.value("all.passed")) {
            series.points.push((x, y, value.clone()));
        }
    }
    let title = format!("Sweep of {} in {}", sweep.field, sweep.rule);
    let mut section =
        Section::of(&title, &["The same calls, judged by the same rules with another bound."], table);
    section.charts.push(Chart {
        title,
        x: "legitimate calls blocked in a million".to_owned(),
        y: "unwanted calls passed".to_owned(),
        is_log: false,
        series: vec![series],
    });
    section
}
