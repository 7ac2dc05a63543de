//! The report of a run: what a person wants to know first, as one value that prints as text or JSON.

use serde::Serialize;

use crate::base::class::{Class, Decision, Subject};
use crate::base::fault::Faults;
use crate::base::field::{FieldSpec, Type};
use crate::base::network::Network;
use crate::base::range::Range;
use crate::base::route::RouteClass;
use crate::judge::Finding;
use crate::metrics::{RouteTally, Tally};
use crate::rule::Ruleset;

/// What a run found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Version of the program.
    pub version: &'static str,
    /// Hash of the rules.
    pub ruleset: String,
    /// Ended by Ctrl-C before the captures' end.
    pub interrupted: bool,
    /// Octets of the captures, as on disk.
    pub bytes: u64,
    /// Frames read.
    pub frames: u64,
    /// Wall time, in seconds.
    pub seconds: f64,
    /// Times of the first and last setup, RFC 3339.
    pub first_setup_at: Option<String>,
    /// See `first_setup_at`.
    pub last_setup_at: Option<String>,
    /// Call attempts.
    pub calls: u64,
    /// By route, those with calls.
    pub routes: Vec<RouteLine>,
    /// By what the calls turned out to be, and what was decided.
    pub classes: Vec<ClassLine>,
    /// Ranges found, the largest first.
    pub ranges: Vec<RangeLine>,
    /// Ranges found in all; `ranges` holds the first of them.
    pub ranges_total: usize,
    /// What would be billed.
    pub billing: Vec<BillLine>,
    /// Hash of the last billing record: the end of the chain, to be kept apart from the file.
    pub billing_last_hash: String,
    /// Signalling messages.
    pub messages: Vec<Count>,
    /// Messages of the adaptation layers that carry signalling, or keep its way open.
    pub adaptation: Vec<Count>,
    /// What was dropped or malformed, by reason.
    pub faults: Vec<Count>,
    /// Frames that carry no signalling.
    pub skipped: Vec<Count>,
    /// Captures that could not be read to their end.
    pub problems: Vec<String>,
    /// Files written.
    pub files: Vec<String>,
}

/// Calls of one route.
#[derive(Debug, Serialize)]
pub struct RouteLine {
    /// Name.
    pub route: String,
    /// Class.
    pub class: &'static str,
    /// SIP attempts.
    pub sip: u64,
    /// ISUP attempts.
    pub isup: u64,
    /// Answered attempts.
    pub answered: u64,
    /// Attempts allowed, those without their calling number among them.
    pub allowed: u64,
    /// Attempts blocked or sent elsewhere.
    pub blocked: u64,
    /// Attempts monetised.
    pub monetised: u64,
    /// Attempts allowed that turned out not to be normal.
    pub missed: u64,
}

/// Calls of one class.
#[derive(Debug, Serialize)]
pub struct ClassLine {
    /// Final class.
    pub class: &'static str,
    /// Attempts allowed, those without their calling number among them.
    pub allowed: u64,
    /// Attempts blocked or sent elsewhere.
    pub blocked: u64,
    /// Attempts monetised.
    pub monetised: u64,
}

/// A range found, and why.
#[derive(Debug, Serialize)]
pub struct RangeLine {
    /// The range, or the number alone; or the equipment, by its fingerprint.
    pub range: String,
    /// Route it was found on.
    pub route: String,
    /// What it is the source of.
    pub class: &'static str,
    /// Rule that the sentence and the evidence are of: the latest that matched.
    pub rule: String,
    /// Calls that confirmed it at their end; blocked calls confirm nothing.
    pub calls: u64,
    /// When it was found, RFC 3339.
    pub since: String,
    /// When it was last seen at it, RFC 3339.
    pub last: String,
    /// What the rule says of it, for people.
    pub because: Option<String>,
    /// The evidence in a sentence, to be checked.
    pub evidence: String,
}

/// What one sender would pay in one currency.
#[derive(Debug, Serialize)]
pub struct BillLine {
    /// Contracted sender.
    pub sender: String,
    /// ISO 4217.
    pub currency: String,
    /// Monetised calls.
    pub records: u64,
    /// Those that are charged.
    pub billable: u64,
    /// Sum, as a decimal.
    pub amount: String,
}

/// A count under a name.
#[derive(Debug, Serialize)]
pub struct Count {
    /// Protocol or layer.
    pub of: String,
    /// Kind or reason.
    pub what: String,
    /// How many.
    pub count: u64,
}

impl Count {
    /// From what the counters give.
    pub fn new(of: &str, what: &str, count: u64) -> Self {
        Self { of: of.to_owned(), what: what.to_owned(), count }
    }
}

/// Most ranges shown.
const RANGES_SHOWN: usize = 20;

/// By route, those with calls.
pub fn route_lines(tally: &Tally, network: &Network) -> Vec<RouteLine> {
    let routes = network.routes.all().iter().zip(&tally.routes);
    routes
        .filter(|(_, tally)| tally.total() > 0)
        .map(|(route, tally)| route_line(&route.name, RouteClass::NAMES[route.class as usize], tally))
        .collect()
}

/// One line of counts.
pub fn route_line(name: &str, class: &'static str, tally: &RouteTally) -> RouteLine {
    RouteLine {
        route: name.to_owned(),
        class,
        sip: tally.calls[0],
        isup: tally.calls[1],
        answered: tally.answered,
        allowed: tally.with_decision(Decision::Allow) + tally.with_decision(Decision::Mask),
        blocked: tally.with_decision(Decision::Block) + tally.with_decision(Decision::Divert),
        monetised: tally.with_decision(Decision::Monetise),
        missed: tally.missed(),
    }
}

/// By what the calls turned out to be.
pub fn class_lines(total: &RouteTally) -> Vec<ClassLine> {
    let count = |decision: Decision, class: Class| total.turned_out[decision as usize][class as usize];
    Class::ALL
        .into_iter()
        .filter(|class| total.with_final_class(*class) > 0)
        .map(|class| ClassLine {
            class: class.name(),
            allowed: count(Decision::Allow, class) + count(Decision::Mask, class),
            blocked: count(Decision::Block, class) + count(Decision::Divert, class),
            monetised: count(Decision::Monetise, class),
        })
        .collect()
}

/// The ranges with the most calls, and how many there are in all. Of ranges within each other the widest stands for
/// all.
pub fn range_lines(
    findings: &[Finding],
    (network, ruleset, fields): (&Network, &Ruleset, &[FieldSpec]),
) -> (Vec<RangeLine>, usize) {
    let mut top: Vec<&Finding> =
        findings.iter().filter(|finding| !is_inside_another(finding, findings)).collect();
    top.sort_by_key(|finding| (std::cmp::Reverse(finding.calls), finding.since));
    let total = top.len();
    top.truncate(RANGES_SHOWN);
    let lines = top
        .into_iter()
        .map(|finding| RangeLine {
            range: source(finding),
            route: network.routes.route(finding.route).name.clone(),
            class: finding.class.name(),
            rule: ruleset
                .rules()
                .get(usize::from(finding.rule))
                .map_or(String::new(), |rule| rule.id.to_string()),
            calls: finding.calls,
            since: finding.since.rfc3339().to_string(),
            last: finding.last.rfc3339().to_string(),
            because: because(finding, ruleset, fields),
            evidence: sentence(finding, ruleset, fields),
        })
        .collect();
    (lines, total)
}

/// The numbers a finding is about, or the equipment.
fn source(finding: &Finding) -> String {
    match finding.subject {
        Subject::Equipment => format!("equipment {:08x}", finding.equipment),
        _ => finding.range.to_string(),
    }
}

fn is_inside_another(finding: &Finding, findings: &[Finding]) -> bool {
    let is_numbers = finding.subject != Subject::Equipment;
    is_numbers
        && findings.iter().any(|other| {
            other.range.width() > finding.range.width()
                && other.class == finding.class
                && other.route == finding.route
                && Range::of(finding.caller, other.range.width()) == other.range
        })
}

fn because(finding: &Finding, ruleset: &Ruleset, fields: &[FieldSpec]) -> Option<String> {
    let mut sentence = String::new();
    ruleset.because(finding.rule, &finding.evidence, fields, &mut sentence).then_some(sentence)
}

/// `By its block of 100 on this route: calls in 10 minutes 34 (>= 20), answered share of calls in 1 hour 0.0 % (<= 2%).`
fn sentence(finding: &Finding, ruleset: &Ruleset, fields: &[FieldSpec]) -> String {
    let figures: Vec<(&str, String)> = finding
        .evidence
        .iter()
        .filter(|piece| !piece.is_told())
        .filter_map(|piece| {
            let field = fields.get(usize::from(piece.field.0))?;
            let is_figure = !matches!(field.ty, Type::Bool | Type::Enum(_));
            let shown = format!("{} ({})", piece.value.shown(field.ty), ruleset.bound_text(piece.bound));
            is_figure.then_some((field.meaning, shown))
        })
        .collect();
    let Some((first, _)) = figures.first() else { return String::new() };
    // Whose figures they are is said once, in front.
    let is_shared = |end: &&str| figures.iter().all(|(meaning, _)| meaning.ends_with(end));
    let whose = first.match_indices(" by ").map(|(at, _)| &first[at..]).find(is_shared).unwrap_or_default();
    let of = |meaning: &str| lower_first(&meaning[..meaning.len() - whose.len()]);
    let told: Vec<String> =
        figures.iter().map(|(meaning, shown)| format!("{} {shown}", of(meaning))).collect();
    let told = told.join(", ");
    if whose.is_empty() { format!("{told}.") } else { format!("B{}: {told}.", &whose[2..]) }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What was wrong, the most frequent first.
pub fn fault_counts(faults: &Faults) -> Vec<Count> {
    let mut counts: Vec<Count> =
        faults.nonzero().map(|(layer, kind, count)| Count::new(layer, kind, count)).collect();
    counts.sort_by_key(|count| std::cmp::Reverse(count.count));
    counts
}
