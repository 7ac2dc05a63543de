//! The report's parts on right and wrong: summary and claims, classes, families, false positives, confusion.

use crate::base::class::{Class, Decision};
use crate::base::text::grouped;
use crate::evaluate::counts::CLASSES;
use crate::evaluate::document::{Section, Table};
use crate::evaluate::figure::{legitimate_total, unwanted_classes};
use crate::evaluate::join::{ALIKE_MAX, EXAMPLES_MAX};
use crate::evaluate::report::Evaluation;
use crate::evaluate::report::format::{Cells, NOTHING, number};
use crate::evaluate::statistics::{Share, trials_for};

/// Goals that claims are held against: false positives over all legitimate calls, and of each kind.
const GOAL_ALL: f64 = 1e-5;
const GOAL_KIND: f64 = 1e-4;
/// Kinds named in one sentence.
const NAMED_MAX: usize = 12;

pub(super) fn summary(evaluation: &Evaluation) -> Section {
    let cells = Cells(&evaluation.figures);
    let mut text = vec![format!(
        "Tollgate {}, rules {}, {}, {} calls.",
        evaluation.version,
        evaluation.ruleset,
        match evaluation.runs.len() {
            1 => "one run".to_owned(),
            runs => format!("{runs} runs"),
        },
        grouped(evaluation.whole.records)
    )];
    let unmatched = evaluation.whole.counts.records_unmatched + evaluation.whole.counts.truth_unmatched;
    if unmatched > 0 {
        text.push(format!(
            "{} records have no truth and {} rows of the truth have no record; they count nowhere below.",
            grouped(evaluation.whole.counts.records_unmatched),
            grouped(evaluation.whole.counts.truth_unmatched)
        ));
    }
    if evaluation.whole.runs.unfollowed > 0 {
        let calls = grouped(evaluation.whole.runs.unfollowed);
        text.push(format!("More campaigns than can be followed: {calls} calls are missing from leaks."));
    }
    let mut table = Table::new(&["", "all", "95 %"]);
    let mut row =
        |name: &str, value: String, bounds: String| table.rows.push(vec![name.to_owned(), value, bounds]);
    let plain = || NOTHING.to_owned();
    row("legitimate calls", cells.number("all.legitimate"), plain());
    row("of these blocked", cells.number("all.false_positives"), plain());
    row("blocked in a million", cells.number("all.fp_per_million"), cells.bounds("all.fp_per_million"));
    row("unwanted calls", cells.number("all.unwanted"), plain());
    row("of these passed, but for probes", cells.number("all.passed"), plain());
    let shares = [
        ("stopped at setup", "all.recall_setup"),
        ("stopped at setup, probes counted as passed", "all.recall_setup_with_probes"),
        ("stopped after the catch of their range", "all.recall_after_catch"),
        ("classed rightly at the end", "all.recall_end"),
    ];
    for (name, figure) in shares {
        row(
            name,
            cells.percent(figure),
            cells
                .bounded(figure)
                .split_once('(')
                .map_or(plain(), |(_, bounds)| bounds.trim_end_matches(')').to_owned()),
        );
    }
    text.extend(claims(evaluation));
    Section { title: "Summary".to_owned(), text, tables: vec![table], charts: Vec::new() }
}

/// What the number of legitimate calls allows to say.
fn claims(evaluation: &Evaluation) -> Vec<String> {
    let counts = &evaluation.whole.counts;
    let total = legitimate_total(counts);
    let mut text = vec![claim(Share::new(total.blocked, total.calls), GOAL_ALL)];
    let needed = trials_for(GOAL_KIND);
    let mut few: Vec<String> = counts
        .legitimate
        .iter()
        .filter(|(_, kind)| kind.blocked == 0 && kind.calls < needed)
        .map(|(name, _)| evaluation.names.word(*name))
        .collect();
    few.sort();
    if !few.is_empty() {
        let more = few.len().saturating_sub(NAMED_MAX);
        few.truncate(NAMED_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        text.push(format!(
            "Too few calls to say 1 in {} of a kind, which needs {} without a blocked one: {}{more}.",
            grouped((1.0 / GOAL_KIND).round() as u64),
            grouped(needed),
            few.join(", "),
        ));
    }
    text
}

fn claim(share: Share, goal: f64) -> String {
    let needed = trials_for(goal);
    let goal_text = number(goal * 1e6);
    match (share.hits, share.trials) {
        (_, 0) => "No legitimate call was judged: nothing can be said about false positives.".to_owned(),
        (0, calls) => {
            let most = number(3e6 / calls as f64);
            let short = if calls < needed {
                format!(" To say {goal_text} in a million takes {} calls without one.", grouped(needed))
            } else {
                String::new()
            };
            format!(
                "None of {} legitimate calls was blocked: at most {most} in a million at 95 %, one-sided \
                 (rule of three); the bounds in the table are two-sided.{short}",
                grouped(calls)
            )
        }
        (hits, calls) => {
            let high = share.interval().high;
            let verdict = if high <= goal { "which is within" } else { "which does not show" };
            format!(
                "{} of {} legitimate calls were blocked: at most {} in a million (upper of the two-sided \
                 bounds at 95 %), {verdict} the goal of {goal_text}.",
                grouped(hits),
                grouped(calls),
                number(high * 1e6)
            )
        }
    }
}

pub(super) fn classes(evaluation: &Evaluation) -> Section {
    let cells = Cells(&evaluation.figures);
    let mut table = Table::new(&[
        "class",
        "unwanted",
        "precision, setup",
        "recall, setup",
        "with probes",
        "after the catch",
        "precision, end",
        "recall, end",
    ]);
    for class in unwanted_classes(&evaluation.whole.counts) {
        let figure = |name: &str| format!("class.{}.{name}", class.name());
        table.rows.push(vec![
            class.name().to_owned(),
            cells.number(&figure("unwanted")),
            cells.bounded(&figure("precision_setup")),
            cells.bounded(&figure("recall_setup")),
            cells.percent(&figure("recall_setup_with_probes")),
            cells.bounded(&figure("recall_after_catch")),
            cells.percent(&figure("precision_end")),
            cells.percent(&figure("recall_end")),
        ]);
    }
    let text = "Contracted calls on white routes are not among these. Brackets are exact bounds at 95 %.";
    Section::of("Classes", &[text], table)
}

pub(super) fn families(evaluation: &Evaluation) -> Section {
    let cells = Cells(&evaluation.figures);
    let mut table = Table::new(&[
        "family",
        "unwanted",
        "recall, setup",
        "after the catch",
        "recall, end",
        "campaigns",
        "never caught",
        "leak, calls",
    ]);
    let groups = |prefix: &'static str| {
        let names = evaluation.figures.all().iter().filter_map(move |figure| {
            figure.name.strip_prefix(prefix)?.strip_suffix(".unwanted").map(str::to_owned)
        });
        names.map(move |name| (prefix, name))
    };
    for (prefix, name) in groups("family.").chain(groups("group.")) {
        let figure = |part: &str| format!("{prefix}{name}.{part}");
        let mark = if evaluation.held_out.contains(&name) { " (held out)" } else { "" };
        let shown = if prefix == "group." {
            format!("all of {}", name.replace('_', " "))
        } else {
            format!("{name}{mark}")
        };
        table.rows.push(vec![
            shown,
            cells.number(&figure("unwanted")),
            cells.bounded(&figure("recall_setup")),
            cells.percent(&figure("recall_after_catch")),
            cells.percent(&figure("recall_end")),
            cells.number(&figure("followed")),
            cells.number(&figure("never_caught")),
            cells.three(&figure("leak_calls"), Cells::number),
        ]);
    }
    let mut text = Vec::new();
    if !evaluation.held_out.is_empty() {
        text.push(format!("Held out of development: {}.", evaluation.held_out.join(", ")));
    }
    let is_absent =
        |family: &&String| evaluation.figures.find(&format!("family.{family}.unwanted")).is_none();
    let absent = evaluation.held_out.iter().filter(is_absent);
    text.extend(absent.map(|family| format!("No unwanted call is of the family {family}.")));
    Section { title: "Families of attacks".to_owned(), text, tables: vec![table], charts: Vec::new() }
}

pub(super) fn false_positives(evaluation: &Evaluation) -> Section {
    let cells = Cells(&evaluation.figures);
    let counts = &evaluation.whole.counts;
    let mut table =
        Table::new(&["kind", "legitimate", "blocked", "in a million", "95 %", "charged", "misclassed"]);
    let mut kinds: Vec<_> =
        counts.legitimate.iter().map(|(name, kind)| (evaluation.names.word(*name), kind)).collect();
    kinds.sort_by_key(|(name, kind)| (std::cmp::Reverse(kind.blocked), name.clone()));
    for (name, kind) in kinds {
        let figure = format!("kind.{name}.fp_per_million");
        table.rows.push(vec![
            name,
            grouped(kind.calls),
            grouped(kind.blocked),
            cells.number(&figure),
            cells.bounds(&figure),
            grouped(kind.charged),
            grouped(kind.misclassed),
        ]);
    }
    let rule = |index: u16| evaluation.rules.get(usize::from(index)).cloned().unwrap_or_default();
    let mut by_rule = Table::new(&["rule", "kind", "legitimate calls blocked"]);
    for ((index, kind), blocked) in &counts.false_by_rule {
        by_rule.rows.push(vec![rule(*index), evaluation.names.word(*kind), grouped(*blocked)]);
    }
    let mut examples = Table::new(&["record", "kind", "rule", "setup"]);
    for example in &evaluation.whole.examples {
        let rule = example.rule.map(rule).unwrap_or_default();
        examples.rows.push(vec![
            example.id.clone(),
            evaluation.names.word(example.kind),
            rule,
            example.setup_at.to_string(),
        ]);
    }
    let mut section =
        Section::of("False positives", &["Legitimate calls that were blocked, by what they were."], table);
    if !examples.rows.is_empty() {
        let text = format!(
            "The last table has examples: the first {ALIKE_MAX} records of each rule and kind, at most {EXAMPLES_MAX} of a run."
        );
        section.text.push(text);
    }
    section.tables.extend([by_rule, examples]);
    section
}

pub(super) fn confusion(evaluation: &Evaluation) -> Section {
    let counts = &evaluation.whole.counts;
    let has_row = |class: &Class| counts.confusion[*class as usize].iter().any(|count| *count > 0);
    let has_column = |class: &Class| counts.confusion.iter().any(|row| row[*class as usize] > 0);
    let columns: Vec<Class> = Class::ALL.into_iter().filter(has_column).collect();
    let names = |first: &'static str, names: &mut dyn Iterator<Item = &'static str>| {
        let head: Vec<&str> = std::iter::once(first).chain(names).collect();
        Table::new(&head)
    };
    let mut classes = names("truly \\ final class", &mut columns.iter().map(|class| class.name()));
    for class in Class::ALL.into_iter().filter(has_row) {
        let cells = columns.iter().map(|column| grouped(counts.confusion[class as usize][*column as usize]));
        classes.rows.push(std::iter::once(class.name().to_owned()).chain(cells).collect());
    }
    let mut decisions = names("truly \\ decision", &mut Decision::NAMES.into_iter());
    let rows = Class::NAMES.into_iter().chain(["flash, contracted"]).zip(counts.decisions);
    for (name, cells) in rows.take(CLASSES + 1).filter(|(_, cells)| cells.iter().any(|count| *count > 0)) {
        decisions.rows.push(std::iter::once(name.to_owned()).chain(cells.map(grouped)).collect());
    }
    let mut section = Section::of("Confusion", &[], classes);
    section.tables.push(decisions);
    section
}
