//! Bounds that an evaluation must keep: a TOML file whose tables and keys are names of figures, each with `_max` or
//! `_min`.
//!
//! ```toml
//! [all]
//! fp_per_million_max = 10
//! [class.flash]
//! recall_after_catch_min = 0.99
//! ```

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::base::caret::{Caret, nearest};
use crate::evaluate::figure::Figures;

/// Nesting that names of figures have, with room.
const DEPTH_MAX: usize = 8;

/// One bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    /// Name of the figure.
    pub name: String,
    /// Which side.
    pub side: Side,
    /// The bound; a figure may be equal to it.
    pub bound: f64,
    span: Range<usize>,
}

/// Which side of a figure is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It may not be above.
    Max,
    /// It may not be below.
    Min,
}

/// Reads a file of bounds; `path` is for findings.
///
/// # Errors
/// Every finding, ready to be shown.
pub fn read(path: &str, text: &str) -> Result<Vec<Requirement>, String> {
    let table = DeTable::parse(text)
        .map_err(|error| Caret::new(path, text, error.span().unwrap_or(0..0), error.message()).to_string())?;
    let mut requirements = Vec::new();
    let mut findings = Vec::new();
    collect(table.get_ref(), &mut Vec::new(), &mut requirements, &mut findings);
    if findings.is_empty() {
        return Ok(requirements);
    }
    let mut shown: Vec<Caret> =
        findings.into_iter().map(|(span, message)| Caret::new(path, text, span, message)).collect();
    shown.sort();
    Err(shown.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

fn collect(
    table: &DeTable<'_>,
    parts: &mut Vec<String>,
    requirements: &mut Vec<Requirement>,
    findings: &mut Vec<(Range<usize>, String)>,
) {
    for (key, value) in table {
        if let DeValue::Table(inner) = value.get_ref() {
            if parts.len() == DEPTH_MAX {
                findings.push((key.span(), format!("tables lie more than {DEPTH_MAX} deep")));
                continue;
            }
            parts.push(key.get_ref().to_string());
            collect(inner, parts, requirements, findings);
            parts.pop();
            continue;
        }
        match requirement(parts, key.get_ref(), value) {
            Ok(requirement) => requirements.push(requirement),
            Err(message) => findings.push((key.span(), message)),
        }
    }
}

fn requirement(parts: &[String], key: &str, value: &Spanned<DeValue<'_>>) -> Result<Requirement, String> {
    let (name, side) = match (key.strip_suffix("_max"), key.strip_suffix("_min")) {
        (Some(name), _) => (name, Side::Max),
        (_, Some(name)) => (name, Side::Min),
        _ => return Err("a bound's name ends in `_max` or `_min`".to_owned()),
    };
    let bound = match value.get_ref() {
        DeValue::Integer(number) => number.to_string().parse::<f64>().ok(),
        DeValue::Float(number) => number.to_string().parse::<f64>().ok(),
        _ => None,
    };
    let bound = bound.filter(|bound| bound.is_finite()).ok_or("a bound is a number")?;
    let name = parts.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".");
    Ok(Requirement { name, side, bound, span: value.span() })
}

/// Bounds that no figure has, each as a finding ready to be shown.
#[must_use]
pub fn unknown(requirements: &[Requirement], figures: &Figures, (path, text): (&str, &str)) -> Vec<String> {
    let names = || figures.all().iter().map(|figure| figure.name.as_str());
    let missing = requirements.iter().filter(|requirement| figures.find(&requirement.name).is_none());
    let finding = |requirement: &Requirement| {
        let message = format!("there is no figure `{}`", requirement.name);
        let finding = Caret::new(path, text, requirement.span.clone(), message);
        let finding = match nearest(&requirement.name, names()) {
            Some(name) => finding.with_help(format!("did you mean `{name}`?")),
            None => finding.with_help("evaluation.json has the names"),
        };
        finding.to_string()
    };
    missing.map(finding).collect()
}

/// What is out of bounds, a line each; a figure that could not be had is, too.
#[must_use]
pub fn regressions(requirements: &[Requirement], figures: &Figures) -> Vec<String> {
    let regression = |requirement: &Requirement| {
        let Requirement { name, side, bound, .. } = requirement;
        let value = figures.value(name);
        let holds = match side {
            Side::Max => value.is_some_and(|value| value <= *bound),
            Side::Min => value.is_some_and(|value| value >= *bound),
        };
        let shown = value.map_or("nothing to count".to_owned(), |value| value.to_string());
        let words = if *side == Side::Max { "at most" } else { "at least" };
        (!holds).then(|| format!("{name}: {shown}, required {words} {bound}"))
    };
    requirements.iter().filter_map(regression).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let mut figures = Figures::default();
        figures.number("all", "fp_per_million", Some(12.0));
        figures.number("class.flash", "recall_setup", Some(0.97));
        figures.number("leak.flash", "leak_calls_median", Some(f64::INFINITY));
        figures.number("leak.irsf", "leak_calls_median", None);
        figures
    }

    #[test]
    fn bounds_are_kept_or_named() {
        let text = "[all]\nfp_per_million_max = 10\n[class.flash]\nrecall_setup_min = 0.97\n\
                    [leak]\nflash.leak_calls_median_max = 25\nirsf.leak_calls_median_max = 25\n";
        let requirements = read("bounds.toml", text).unwrap();
        assert_eq!(requirements.len(), 4);
        assert_eq!(unknown(&requirements, &figures(), ("bounds.toml", text)), Vec::<String>::new());
        assert_eq!(
            regressions(&requirements, &figures()),
            [
                "all.fp_per_million: 12, required at most 10",
                "leak.flash.leak_calls_median: inf, required at most 25",
                "leak.irsf.leak_calls_median: nothing to count, required at most 25",
            ]
        );
    }

    #[test]
    fn what_is_no_bound_is_shown_in_its_place() {
        let text = "[all]\nfp_per_milion_max = 10\nprobes = 3\npassed_max = \"few\"\n";
        let error = read("b.toml", text).unwrap_err();
        assert!(
            error.contains("b.toml:3:1: a bound's name ends in") && error.contains("b.toml:4:1: a bound is"),
            "{error}"
        );
        let text = "[all]\nfp_per_milion_max = 10\n";
        let findings = unknown(&read("b.toml", text).unwrap(), &figures(), ("b.toml", text));
        assert!(findings[0].starts_with("b.toml:2:21: there is no figure"), "{}", findings[0]);
        assert!(findings[0].contains("all.fp_per_million"), "{}", findings[0]);
        assert!(read("b.toml", "[all").is_err());
        let deep = read("b.toml", "[a.b.c.d.e.f.g.h.i]\nx_max = 1\n").unwrap_err();
        assert!(deep.starts_with("b.toml:1:18: tables lie more than 8 deep"), "{deep}");
    }
}
