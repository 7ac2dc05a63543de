//! The report's parts on time: what passes before the catch, contracted senders, ranges that changed hands, curves.

use crate::base::class::Class;
use crate::evaluate::document::{Section, Table};
use crate::evaluate::figure::unwanted_classes;
use crate::evaluate::report::Evaluation;
use crate::evaluate::report::format::Cells;
use crate::evaluate::svg::{Chart, Series};

pub(super) fn leak(evaluation: &Evaluation) -> Section {
    let cells = Cells(&evaluation.figures);
    let mut table = Table::new(&[
        "of each",
        "followed",
        "too small",
        "never caught",
        "passed before the catch",
        "time to the catch",
        "passed in all",
    ]);
    let scopes = [("campaign", "leak"), ("range", "leak_range"), ("number", "leak_number")];
    for class in unwanted_classes(&evaluation.whole.counts) {
        for (scope, group) in scopes {
            let figure = |name: &str| format!("{group}.{}.{name}", class.name());
            if evaluation.figures.find(&figure("followed")).is_none() {
                continue;
            }
            table.rows.push(vec![
                format!("{} {scope}", class.name()),
                cells.number(&figure("followed")),
                cells.number(&figure("too_small")),
                cells.number(&figure("never_caught")),
                cells.three(&figure("leak_calls"), Cells::number),
                cells.three(&figure("leak_seconds"), Cells::seconds),
                cells.three(&figure("passed"), Cells::number),
            ]);
        }
    }
    let text = "Median / nine tenths / most. A campaign that is never caught counts as one that is caught last. A catch is the \
                first stopped call from which on 18 of 20 are stopped; probes count on neither side. Fewer than 5 calls are too \
                few to tell.";
    Section::of("Leak before the catch", &[text], table)
}

pub(super) fn treatment(evaluation: &Evaluation) -> Section {
    let cells = Cells(&evaluation.figures);
    let mut contracted = Table::new(&["contracted calls", "charged", "blocked"]);
    if evaluation.whole.counts.contracted.calls > 0 {
        contracted.rows.push(vec![
            cells.number("contracted.calls"),
            cells.bounded("contracted.monetised_share"),
            cells.number("contracted.blocked"),
        ]);
    }
    let mut released = Table::new(&[
        "ranges that changed hands",
        "not released",
        "people's calls blocked",
        "time until none was",
        "calls until none was",
    ]);
    if !evaluation.whole.runs.releases.is_empty() {
        let pair = |name: &str, shown: &dyn Fn(&str) -> String| {
            format!(
                "{} / {}",
                shown(&format!("release.{name}_median")),
                shown(&format!("release.{name}_max"))
            )
        };
        released.rows.push(vec![
            cells.number("release.ranges"),
            cells.number("release.not_released"),
            cells.number("release.blocked"),
            pair("seconds", &|name| cells.seconds(name)),
            pair("calls", &|name| cells.number(name)),
        ]);
    }
    let mut section = Section::of("Contracted senders and released ranges", &[], contracted);
    section.tables.push(released);
    section
}

pub(super) fn curves(evaluation: &Evaluation) -> Section {
    let runs = &evaluation.whole.runs;
    let stopped = unwanted_classes(&evaluation.whole.counts)
        .into_iter()
        .map(|class: Class| Series::new(class.name(), runs.positions[class as usize].shares()));
    let recall = Chart {
        title: "Calls stopped, by their place in the campaign".to_owned(),
        x: "call of the campaign".to_owned(),
        y: "share stopped".to_owned(),
        is_log: true,
        series: stopped.filter(|series| !series.points.is_empty()).collect(),
    };
    let seconds = evaluation.whole.counts.leak.sums().map(|(second, _)| second).fold(0.0, f64::max);
    let (unit, unit_s) = if seconds > 3.0 * 3_600.0 { ("hours", 3_600.0) } else { ("minutes", 60.0) };
    let sums = evaluation.whole.counts.leak.sums().map(|(second, sum)| (second / unit_s, sum as f64));
    let leak = Chart {
        title: "Unwanted calls passed since the start".to_owned(),
        x: unit.to_owned(),
        y: "calls".to_owned(),
        is_log: false,
        series: vec![Series::new("all runs", sums)],
    };
    let charts = [recall, leak]
        .into_iter()
        .filter(|chart| chart.series.iter().any(|series| !series.points.is_empty()));
    Section { title: "Curves".to_owned(), charts: charts.collect(), ..Section::default() }
}
