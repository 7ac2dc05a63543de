//! The report's parts on routes and countries: shares as they truly are, and as an operator would estimate them.

use crate::base::text::grouped;
use crate::evaluate::counts::Place;
use crate::evaluate::document::{Section, Table};
use crate::evaluate::estimate::{Estimate, everywhere, unnoticed, wrongly_blocked};
use crate::evaluate::report::Evaluation;
use crate::evaluate::report::format::{NOTHING, percent};
use crate::evaluate::statistics::Share;

/// Countries shown, those with most calls.
const COUNTRIES_MAX: usize = 25;

pub(super) fn shares(evaluation: &Evaluation) -> Section {
    let mut section = Section::of(
        "Shares by route and country",
        &[
            "Of the calls that are not people's, unwanted and contracted. `Late` was found out at its end only.",
        ],
        table("route", &routes(evaluation)),
    );
    section.tables.push(table("country", &countries(evaluation)));
    section
}

pub(super) fn estimates(evaluation: &Evaluation) -> Section {
    let all = [("all".to_owned(), everywhere(&evaluation.whole.counts))];
    let found: Vec<Estimate> = all
        .iter()
        .chain(&routes(evaluation))
        .chain(&countries(evaluation))
        .filter_map(|(name, place)| unnoticed(name, place))
        .collect();
    let probed = wrongly_blocked(&evaluation.whole.counts);
    let mut section = Section {
        title: "What an operator can estimate".to_owned(),
        text: vec![format!(
            "Unnoticed unwanted calls, from test calls: one unwanted call in {} counts as one to a number kept for tests.",
            grouped(evaluation.test_one_in)
        )],
        tables: vec![estimate_table("unnoticed in", "test calls", &found)],
        charts: Vec::new(),
    };
    if !probed.is_empty() {
        section
            .text
            .push("Calls blocked wrongly, from probes whose end did not confirm their class.".to_owned());
        section.tables.push(estimate_table("legitimate, taken for", "let through", &probed));
    }
    let estimates = found.len() + probed.len();
    if estimates > 0 {
        let held = found.iter().chain(&probed).filter(|estimate| estimate.holds()).count();
        section.text.push(format!("The truth is within the bounds in {held} of {estimates} estimates."));
    }
    section
}

fn routes(evaluation: &Evaluation) -> Vec<(String, Place)> {
    let routes = evaluation.whole.counts.routes.iter();
    routes.map(|(name, place)| (name.clone(), *place)).collect()
}

fn countries(evaluation: &Evaluation) -> Vec<(String, Place)> {
    let named = evaluation.whole.counts.countries.iter().map(|(country, place)| {
        (country.map_or("no country".to_owned(), |country| country.to_string()), *place)
    });
    let mut countries: Vec<_> = named.collect();
    countries
        .sort_by_key(|(name, place)| (std::cmp::Reverse(place.unwanted + place.contracted), name.clone()));
    countries.truncate(COUNTRIES_MAX);
    countries
}

fn table(first: &str, places: &[(String, Place)]) -> Table {
    let mut table =
        Table::new(&[first, "unwanted", "contracted", "blocked", "monetised", "late", "unnoticed"]);
    for (name, place) in places.iter().filter(|(_, place)| place.unwanted + place.contracted > 0) {
        let of_all = |count: u64| {
            Share::new(count, place.unwanted + place.contracted).value().map_or(NOTHING.to_owned(), percent)
        };
        table.rows.push(vec![
            name.clone(),
            grouped(place.unwanted),
            grouped(place.contracted),
            of_all(place.blocked),
            of_all(place.monetised),
            of_all(place.late),
            of_all(place.unnoticed),
        ]);
    }
    table
}

fn estimate_table(first: &str, sample: &str, estimates: &[Estimate]) -> Table {
    let mut table = Table::new(&[first, sample, "estimate", "95 %", "truth", "within"]);
    for estimate in estimates {
        let bounds = [estimate.bounds.low, estimate.bounds.high].map(percent);
        table.rows.push(vec![
            estimate.of.clone(),
            grouped(estimate.sample),
            percent(estimate.estimate),
            format!("{}–{}", bounds[0].trim_end_matches(" %"), bounds[1]),
            estimate.truth.map_or(NOTHING.to_owned(), percent),
            if estimate.holds() { "yes" } else { "no" }.to_owned(),
        ]);
    }
    table
}
