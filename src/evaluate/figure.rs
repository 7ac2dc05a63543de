//! The figures of an evaluation: one flat list of names and values, from which requirements, spreads over runs, sweeps
//! and `evaluation.json` are all made. `docs/evaluate.md` defines each.

use std::collections::BTreeMap;

use crate::base::class::Class;
use crate::evaluate::campaigns::{Run, Runs, Scope};
use crate::evaluate::counts::{Counts, Legitimate, Unwanted};
use crate::evaluate::course::After;
use crate::evaluate::names::Names;
use crate::evaluate::release::Released;
use crate::evaluate::statistics::{Share, quantile};

/// A name, such as `class.flash.recall_setup`, and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Parts joined by dots.
    pub name: String,
    /// None when there was nothing to count; infinite when it never came.
    pub value: Option<f64>,
    /// Exact bounds at 95 %, of a share.
    pub bounds: Option<(f64, f64)>,
}

/// Figures by name, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    list: Vec<Figure>,
    places: BTreeMap<String, usize>,
}

impl Figures {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Figure] {
        &self.list
    }

    /// The figure with this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Figure> {
        self.places.get(name).and_then(|place| self.list.get(*place))
    }

    /// Its value.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<f64> {
        self.find(name)?.value
    }

    /// Adds a count.
    pub fn count(&mut self, group: &str, name: &str, value: u64) {
        self.number(group, name, Some(value as f64));
    }

    /// Adds a number.
    pub fn number(&mut self, group: &str, name: &str, value: Option<f64>) {
        self.add(format!("{group}.{name}"), value, None);
    }

    /// Adds a share with its bounds, times `unit`: 1 for a share, a million for so many in a million.
    pub fn share(&mut self, group: &str, name: &str, (share, unit): (Share, f64)) {
        let bounds = (share.trials > 0).then(|| share.interval());
        let bounds = bounds.map(|bounds| (bounds.low * unit, bounds.high * unit));
        self.add(format!("{group}.{name}"), share.value().map(|value| value * unit), bounds);
    }

    fn add(&mut self, name: String, value: Option<f64>, bounds: Option<(f64, f64)>) {
        self.places.insert(name.clone(), self.list.len());
        self.list.push(Figure { name, value, bounds });
    }
}

/// All figures but those of speed.
#[must_use]
pub fn figures(counts: &Counts, runs: &Runs, (names, held_out): (&Names, &[String])) -> Figures {
    let mut figures = Figures::default();
    all(&mut figures, counts, runs);
    for class in unwanted_classes(counts) {
        of_class(&mut figures, class, counts, runs);
    }
    of_families(&mut figures, (counts, runs), (names, held_out));
    for (kind, of_kind) in &counts.legitimate {
        legitimate(&mut figures, &format!("kind.{}", names.word(*kind)), of_kind);
    }
    let contracted = counts.contracted;
    figures.count("contracted", "calls", contracted.calls);
    let charged = Share::new(contracted.monetised, contracted.calls);
    figures.share("contracted", "monetised_share", (charged, 1.0));
    figures.count("contracted", "blocked", contracted.blocked);
    released(&mut figures, &runs.releases);
    figures
}

/// Classes of which there were unwanted calls.
#[must_use]
pub fn unwanted_classes(counts: &Counts) -> Vec<Class> {
    let has = |class: &Class| counts.unwanted.keys().any(|(label, _)| label == class);
    Class::ALL.into_iter().filter(has).collect()
}

/// All legitimate calls.
#[must_use]
pub fn legitimate_total(counts: &Counts) -> Legitimate {
    let mut total = Legitimate::default();
    counts.legitimate.values().for_each(|kind| total.add(kind));
    total
}

fn all(figures: &mut Figures, counts: &Counts, runs: &Runs) {
    let total = legitimate_total(counts);
    legitimate(figures, "all", &total);
    figures.count("all", "charged_legitimate", total.charged);
    let misclassed = Share::new(total.misclassed, total.calls);
    figures.share("all", "misclassed_per_million", (misclassed, 1e6));
    figures.count("all", "records_without_truth", counts.records_unmatched);
    figures.count("all", "truth_without_record", counts.truth_unmatched);
    let mut unwanted = Unwanted::default();
    counts.unwanted.values().for_each(|group| unwanted.add(group));
    recall(figures, "all", &unwanted);
    after_catch(figures, "all", runs.courses.iter());
}

fn of_class(figures: &mut Figures, class: Class, counts: &Counts, runs: &Runs) {
    let group = format!("class.{}", class.name());
    let taken = counts.taken[class as usize];
    let precision =
        [("precision_setup", taken.setup_right, taken.setup), ("precision_end", taken.end_right, taken.end)];
    for (name, right, of) in precision {
        figures.share(&group, name, (Share::new(right, of), 1.0));
    }
    let mut unwanted = Unwanted::default();
    let of_class = counts.unwanted.iter().filter(|((label, _), _)| *label == class);
    of_class.for_each(|(_, family)| unwanted.add(family));
    recall(figures, &group, &unwanted);
    let courses = || runs.courses.iter().filter(|run| run.class == class);
    after_catch(figures, &group, courses());
    leak(figures, &format!("leak.{}", class.name()), courses().filter(|run| run.scope == Scope::Campaign));
    leak(figures, &format!("leak_range.{}", class.name()), courses().filter(|run| run.scope == Scope::Range));
    if class == Class::Wangiri {
        let numbers = courses().filter(|run| run.scope == Scope::Number);
        leak(figures, "leak_number.wangiri", numbers);
    }
}

/// Each family, and those held out of development beside the others.
fn of_families(
    figures: &mut Figures,
    (counts, runs): (&Counts, &Runs),
    (names, held_out): (&Names, &[String]),
) {
    let mut families: BTreeMap<String, Unwanted> = BTreeMap::new();
    for ((_, family), unwanted) in counts.unwanted.iter().filter(|((_, family), _)| !family.is_empty()) {
        families.entry(names.word(*family)).or_default().add(unwanted);
    }
    let campaigns = || runs.courses.iter().filter(|run| run.scope == Scope::Campaign);
    for (family, unwanted) in &families {
        let group = format!("family.{family}");
        recall(figures, &group, unwanted);
        let of_family = |run: &&Run| names.word(run.family) == *family;
        after_catch(figures, &group, runs.courses.iter().filter(of_family));
        leak(figures, &group, campaigns().filter(of_family));
    }
    if held_out.is_empty() {
        return;
    }
    for (group, is_held_out) in [("group.held_out", true), ("group.development", false)] {
        let mut unwanted = Unwanted::default();
        let chosen = families.iter().filter(|(family, _)| held_out.contains(family) == is_held_out);
        chosen.for_each(|(_, family)| unwanted.add(family));
        recall(figures, group, &unwanted);
        let of_group =
            |run: &&Run| !run.family.is_empty() && held_out.contains(&names.word(run.family)) == is_held_out;
        after_catch(figures, group, runs.courses.iter().filter(of_group));
        leak(figures, group, campaigns().filter(of_group));
    }
}

fn legitimate(figures: &mut Figures, group: &str, counts: &Legitimate) {
    figures.count(group, "legitimate", counts.calls);
    figures.count(group, "false_positives", counts.blocked);
    let share = Share::new(counts.blocked, counts.calls);
    figures.share(group, "fp_per_million", (share, 1e6));
    let high = (share.trials > 0).then(|| share.interval().high * 1e6);
    figures.number(group, "fp_per_million_high", high);
}

fn recall(figures: &mut Figures, group: &str, counts: &Unwanted) {
    figures.count(group, "unwanted", counts.calls);
    figures.count(group, "passed", counts.calls - counts.stopped - counts.probes);
    figures.count(group, "probes", counts.probes);
    let without = Share::new(counts.stopped, counts.calls - counts.probes);
    figures.share(group, "recall_setup", (without, 1.0));
    figures.share(group, "recall_setup_with_probes", (Share::new(counts.stopped, counts.calls), 1.0));
    figures.share(group, "recall_end", (Share::new(counts.right_at_end, counts.calls), 1.0));
}

/// Recall from the catch of each range on.
fn after_catch<'a>(figures: &mut Figures, group: &str, runs: impl Iterator<Item = &'a Run>) {
    let mut after = After::default();
    for run in runs.filter(|run| run.scope == Scope::Range && run.ended.caught.is_some()) {
        after.calls += run.ended.after.calls;
        after.stopped += run.ended.after.stopped;
    }
    figures.share(group, "recall_after_catch", (Share::new(after.stopped, after.calls), 1.0));
}

/// What passed before the catch. Those never caught count as endless; those with too few calls to be caught are told
/// apart.
fn leak<'a>(figures: &mut Figures, group: &str, runs: impl Iterator<Item = &'a Run>) {
    let (countable, small): (Vec<&Run>, Vec<&Run>) = runs.partition(|run| run.ended.is_countable());
    let caught: Vec<_> = countable.iter().filter_map(|run| run.ended.caught).collect();
    let never = (countable.len() - caught.len()) as u64;
    figures.count(group, "followed", countable.len() as u64);
    figures.count(group, "too_small", small.len() as u64);
    figures.count(group, "never_caught", never);
    let mut passed: Vec<f64> = countable.iter().map(|run| run.ended.passed as f64).collect();
    let mut attempts: Vec<f64> = caught.iter().map(|caught| caught.passed as f64).collect();
    let mut seconds: Vec<f64> = caught.iter().map(|caught| caught.seconds).collect();
    for (name, q) in [("median", 0.5), ("p90", 0.9), ("max", 1.0)] {
        figures.number(group, &format!("leak_calls_{name}"), quantile(&mut attempts, never, q));
        figures.number(group, &format!("leak_seconds_{name}"), quantile(&mut seconds, never, q));
        figures.number(group, &format!("passed_{name}"), quantile(&mut passed, 0, q));
    }
}

fn released(figures: &mut Figures, releases: &[Released]) {
    figures.count("release", "ranges", releases.len() as u64);
    figures.count("release", "blocked", releases.iter().map(|range| range.blocked).sum());
    let open = releases.iter().filter(|range| !range.is_over).count() as u64;
    figures.count("release", "not_released", open);
    let over = || releases.iter().filter(|range| range.is_over);
    let mut seconds: Vec<f64> = over().map(|range| range.seconds).collect();
    let mut calls: Vec<f64> = over().map(|range| range.calls_until as f64).collect();
    for (name, q) in [("median", 0.5), ("max", 1.0)] {
        figures.number("release", &format!("seconds_{name}"), quantile(&mut seconds, open, q));
        figures.number("release", &format!("calls_{name}"), quantile(&mut calls, open, q));
    }
}

/// A figure over several runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Name of the figure.
    pub name: String,
    /// Runs that had something to count.
    pub runs: usize,
    /// Smallest value.
    pub min: f64,
    /// Middle value.
    pub median: f64,
    /// Largest value.
    pub max: f64,
}

/// The spread of each figure of `whole` over runs.
#[must_use]
pub fn spreads(whole: &Figures, runs: &[Figures]) -> Vec<Spread> {
    let spread = |figure: &Figure| {
        let mut values: Vec<f64> = runs.iter().filter_map(|run| run.value(&figure.name)).collect();
        let median = quantile(&mut values, 0, 0.5)?;
        let (min, max) = (*values.first()?, *values.last()?);
        Some(Spread { name: figure.name.clone(), runs: values.len(), min, median, max })
    };
    whole.all().iter().filter_map(spread).collect()
}
