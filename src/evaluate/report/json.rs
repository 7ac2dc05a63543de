//! `evaluation.json`: everything in the report, for programs. Members may be added; none is renamed or given another
//! meaning.

use serde_json::{Map, Value, json};

use crate::base::class::{Class, Decision};
use crate::evaluate::counts::Place;
use crate::evaluate::estimate::{Estimate, everywhere, unnoticed, wrongly_blocked};
use crate::evaluate::figure::{Figure, Figures};
use crate::evaluate::report::Evaluation;

/// The whole evaluation.
#[must_use]
pub fn json(evaluation: &Evaluation) -> Value {
    let counts = &evaluation.whole.counts;
    let places = counts.routes.iter().map(|(name, place)| (name.clone(), of_place(name, place)));
    let countries = counts.countries.iter().map(|(country, place)| {
        let name = country.map_or("none".to_owned(), |country| country.to_string());
        (name.clone(), of_place(&name, place))
    });
    let spreads = evaluation.spreads.iter().map(|spread| {
        let values = json!({
            "runs": spread.runs,
            "min": finite(spread.min),
            "median": finite(spread.median),
            "max": finite(spread.max),
        });
        (spread.name.clone(), values)
    });
    let probes = wrongly_blocked(counts);
    json!({
        "version": evaluation.version,
        "ruleset": evaluation.ruleset,
        "held_out": evaluation.held_out,
        "test_one_in": evaluation.test_one_in,
        "runs": evaluation.runs.iter().map(|run| json!({
            "name": run.name,
            "records": run.outcomes.records,
            "first_setup_at": run.outcomes.setups.map(|(first, _)| first.to_string()),
            "last_setup_at": run.outcomes.setups.map(|(_, last)| last.to_string()),
            "seconds": run.seconds,
            "judge_records": run.outcomes.judged_in.map(|(records, _)| records),
            "judge_seconds": run.outcomes.judged_in.map(|(_, seconds)| seconds),
        })).collect::<Vec<_>>(),
        "memory_octets": evaluation.memory.map(|(now, _)| now),
        "memory_octets_max": evaluation.memory.map(|(_, most)| most),
        "figures": of_figures(&evaluation.figures),
        "spreads": spreads.collect::<Map<_, _>>(),
        "confusion": matrix(&counts.confusion, &Class::NAMES),
        "decisions": matrix(&counts.decisions, &Decision::NAMES),
        "routes": places.collect::<Map<_, _>>(),
        "countries": countries.collect::<Map<_, _>>(),
        "unnoticed": unnoticed("all", &everywhere(counts)).map(|estimate| of_estimate(&estimate)),
        "blocked_wrongly": probes.iter().map(of_estimate).collect::<Vec<_>>(),
        "false_by_rule": counts.false_by_rule.iter().map(|((rule, kind), calls)| json!({
            "rule": evaluation.rules.get(usize::from(*rule)), "kind": evaluation.names.word(*kind), "calls": calls,
        })).collect::<Vec<_>>(),
        "sweeps": evaluation.sweeps.iter().map(|(sweep, points)| json!({
            "rule": sweep.rule,
            "field": sweep.field,
            "points": points.iter().map(|point| json!({
                "value": point.value, "figures": of_figures(&point.figures),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

/// By name: `value`, null when there was nothing to count or when it never came, which `never` tells apart; bounds of
/// shares.
fn of_figures(figures: &Figures) -> Value {
    let member = |figure: &Figure| {
        let mut value = json!({ "value": figure.value.and_then(finite) });
        if figure.value.is_some_and(f64::is_infinite) {
            value["never"] = Value::Bool(true);
        }
        if let Some((low, high)) = figure.bounds {
            value["low"] = json!(low);
            value["high"] = json!(high);
        }
        (figure.name.clone(), value)
    };
    Value::Object(figures.all().iter().map(member).collect())
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// Rows by true class, the last of decisions by `flash_contracted`; members that are not 0.
fn matrix<const N: usize>(rows: &[[u64; N]], columns: &[&str]) -> Value {
    let names = Class::NAMES.into_iter().chain(["flash_contracted"]);
    let row = |cells: &[u64; N]| -> Map<String, Value> {
        let cells = columns.iter().zip(cells).filter(|(_, count)| **count > 0);
        cells.map(|(name, count)| ((*name).to_owned(), json!(count))).collect()
    };
    let rows = names.zip(rows).map(|(name, cells)| (name.to_owned(), row(cells)));
    Value::Object(
        rows.filter(|(_, cells)| !cells.is_empty()).map(|(name, cells)| (name, cells.into())).collect(),
    )
}

fn of_place(name: &str, place: &Place) -> Value {
    json!({
        "unwanted": place.unwanted,
        "contracted": place.contracted,
        "blocked": place.blocked,
        "monetised": place.monetised,
        "late": place.late,
        "unnoticed": place.unnoticed,
        "estimate": unnoticed(name, place).map(|estimate| of_estimate(&estimate)),
    })
}

fn of_estimate(estimate: &Estimate) -> Value {
    json!({
        "of": estimate.of,
        "sample": estimate.sample,
        "estimate": estimate.estimate,
        "low": estimate.bounds.low,
        "high": estimate.bounds.high,
        "truth": estimate.truth,
    })
}
