//! The Prometheus text format (exposition format 0.0.4), through the `prometheus` crate.

use prometheus::proto::MetricFamily;
use prometheus::{Encoder, Gauge, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder};

use crate::base::class::{Class, Decision};
use crate::base::fault::Faults;
use crate::base::network::Network;
use crate::call::LegCounts;
use crate::metrics::tally::Tally;
use crate::rule::{Mode, Ruleset};

/// Most routes, rules and senders that have series of their own; those beyond share [`OTHER`].
pub const NAMED_MAX: usize = 500;
/// The label of what has no series of its own.
pub const OTHER: &str = "other";

/// Everything that is exported.
#[derive(Debug)]
pub struct Snapshot<'a> {
    /// Routes' names.
    pub network: &'a Network,
    /// Rules' ids.
    pub ruleset: &'a Ruleset,
    /// Counts of calls.
    pub tally: &'a Tally,
    /// Matches of shadow rules, by index of the rule.
    pub shadow_matches: &'a [u64],
    /// What was wrong with the input.
    pub faults: &'a Faults,
    /// Signalling messages: protocol, kind, count.
    pub messages: Vec<(&'static str, &'static str, u64)>,
    /// Which legs were joined.
    pub legs: LegCounts,
    /// Frames that carry no signalling: reason, count.
    pub skipped: Vec<(&'static str, u64)>,
    /// Entries held: table, count.
    pub state_keys: Vec<(&'static str, u64)>,
    /// Most entries: table, count.
    pub state_limits: Vec<(&'static str, u64)>,
    /// Questions about subscribers' roaming: result, count.
    pub look_ups: Vec<(&'static str, u64)>,
    /// Signed calls: verdict on their signatures, reason, count.
    pub stir: Vec<(&'static str, &'static str, u64)>,
    /// Billing records: sender, result, count.
    pub billing: Vec<(String, &'static str, u64)>,
}

/// Collects all series and prints them.
///
/// # Errors
/// When the library refuses a name or label.
pub fn encode(snapshot: &Snapshot<'_>) -> Result<Vec<u8>, prometheus::Error> {
    let registry = Registry::new();
    calls(&registry, snapshot)?;
    rules(&registry, snapshot)?;
    input(&registry, snapshot)?;
    let state = gauge(&registry, "tollgate_state_keys", "Entries held, by table", &["table"])?;
    let limits = gauge(&registry, "tollgate_state_limit_keys", "Most entries, by table", &["table"])?;
    for (gauge, values) in [(state, &snapshot.state_keys), (limits, &snapshot.state_limits)] {
        for (table, count) in values {
            gauge.with_label_values(&[table]).set(i64::try_from(*count).unwrap_or(i64::MAX));
        }
    }
    let look_ups = counter(
        &registry,
        "tollgate_roaming_lookups_total",
        "Roaming states needed, by result",
        &["result"],
    )?;
    for (result, count) in &snapshot.look_ups {
        look_ups.with_label_values(&[result]).inc_by(*count);
    }
    let stir = counter(
        &registry,
        "tollgate_stir_verdicts_total",
        "Signed calls by what verification said of them",
        &["verdict", "reason"],
    )?;
    for (verdict, reason, count) in &snapshot.stir {
        stir.with_label_values(&[verdict, reason]).inc_by(*count);
    }
    let billing =
        counter(&registry, "tollgate_billing_records_total", "Billing records", &["sender", "result"])?;
    for (sender, result, count) in &snapshot.billing {
        billing.with_label_values(&[sender.as_str(), result]).inc_by(*count);
    }
    print(&registry.gather())
}

/// Prints families that were gathered.
///
/// # Errors
/// When the library refuses one.
pub fn print(families: &[MetricFamily]) -> Result<Vec<u8>, prometheus::Error> {
    let mut text = Vec::new();
    TextEncoder::new().encode(families, &mut text)?;
    Ok(text)
}

/// A gauge for each value of one label: its name, its help and the label's name, then the label's values.
///
/// # Errors
/// When the library refuses a name.
pub fn labelled(
    (name, help, label): (&str, &str, &str),
    values: impl IntoIterator<Item = (impl AsRef<str>, u64)>,
) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let registry = Registry::new();
    let gauges = gauge(&registry, name, help, &[label])?;
    for (value, count) in values {
        gauges.with_label_values(&[value.as_ref()]).set(i64::try_from(count).unwrap_or(i64::MAX));
    }
    Ok(registry.gather())
}

/// A family of counters: name, help and labels; then the labels' values and the count of each.
///
/// # Errors
/// When the library refuses a name or label.
pub fn counters<'a>(
    (name, help, labels): (&str, &str, &[&str]),
    values: impl Iterator<Item = (Vec<&'a str>, u64)>,
) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let registry = Registry::new();
    let family = counter(&registry, name, help, labels)?;
    for (labels, count) in values {
        family.with_label_values(&labels).inc_by(count);
    }
    Ok(registry.gather())
}

/// Families of one gauge each, without labels: name, help and value.
///
/// # Errors
/// When the library refuses a name.
pub fn gauges(values: &[(&str, &str, f64)]) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let registry = Registry::new();
    for (name, help, value) in values {
        let gauge = Gauge::new(*name, *help)?;
        gauge.set(*value);
        registry.register(Box::new(gauge))?;
    }
    Ok(registry.gather())
}

fn calls(registry: &Registry, snapshot: &Snapshot<'_>) -> Result<(), prometheus::Error> {
    let calls = counter(registry, "tollgate_calls_total", "Call attempts", &["route", "protocol"])?;
    let directions =
        counter(registry, "tollgate_calls_direction_total", "Call attempts", &["route", "direction"])?;
    let answered =
        counter(registry, "tollgate_calls_answered_total", "Attempts that were answered", &["route"])?;
    let missed = counter(
        registry,
        "tollgate_calls_missed_total",
        "Attempts allowed at setup that turned out not to be normal",
        &["route"],
    )?;
    let decisions =
        counter(registry, "tollgate_decisions_total", "Verdicts at setup, of attempts that are over", &["route", "verdict", "class"])?;
    let classes =
        counter(registry, "tollgate_final_class_total", "What calls turned out to be", &["route", "class"])?;
    let routes = snapshot.network.routes.all().iter().zip(&snapshot.tally.routes);
    for (index, (route, tally)) in routes.enumerate() {
        let name = named(index, &route.name);
        calls.with_label_values(&[name, "sip"]).inc_by(tally.calls[0]);
        calls.with_label_values(&[name, "isup"]).inc_by(tally.calls[1]);
        directions.with_label_values(&[name, "inbound"]).inc_by(tally.directions[0]);
        directions.with_label_values(&[name, "outbound"]).inc_by(tally.directions[1]);
        answered.with_label_values(&[name]).inc_by(tally.answered);
        missed.with_label_values(&[name]).inc_by(tally.missed());
        for (row, verdict) in tally.decided.iter().zip(Decision::NAMES) {
            for (count, class) in row.iter().zip(Class::NAMES).filter(|(count, _)| **count > 0) {
                decisions.with_label_values(&[name, verdict, class]).inc_by(*count);
            }
        }
        for class in Class::ALL.into_iter().filter(|class| tally.with_final_class(*class) > 0) {
            classes.with_label_values(&[name, class.name()]).inc_by(tally.with_final_class(class));
        }
    }
    Ok(())
}

fn rules(registry: &Registry, snapshot: &Snapshot<'_>) -> Result<(), prometheus::Error> {
    let matches =
        counter(registry, "tollgate_rule_matches_total", "Calls by the rule that spoke", &["rule", "mode"])?;
    let known_good = counter(
        registry,
        "tollgate_known_good_blocked_total",
        "Calls kept away although the known-good list has the caller, by rule",
        &["rule"],
    )?;
    for (index, rule) in snapshot.ruleset.rules().iter().enumerate() {
        let (mode, count) = match rule.mode {
            Mode::Live => ("live", snapshot.tally.rules.get(&rule.id)),
            Mode::Shadow => ("shadow", snapshot.shadow_matches.get(index)),
            Mode::Off => continue,
        };
        let name = named(index, &rule.id);
        matches.with_label_values(&[name, mode]).inc_by(count.copied().unwrap_or_default());
        if rule.mode == Mode::Live {
            let blocked = snapshot.tally.known_good_blocked.get(&rule.id).copied().unwrap_or_default();
            known_good.with_label_values(&[name]).inc_by(blocked);
        }
    }
    let info = gauge(registry, "tollgate_ruleset_info", "Rules in force; always 1", &["hash"])?;
    info.with_label_values(&[snapshot.ruleset.hash()]).set(1);
    Ok(())
}

fn input(registry: &Registry, snapshot: &Snapshot<'_>) -> Result<(), prometheus::Error> {
    let faults =
        counter(registry, "tollgate_faults_total", "What was wrong with the input", &["layer", "reason"])?;
    for (layer, reason, count) in snapshot.faults.nonzero() {
        faults.with_label_values(&[layer, reason]).inc_by(count);
    }
    let messages =
        counter(registry, "tollgate_messages_total", "Signalling messages", &["protocol", "kind"])?;
    for (protocol, kind, count) in &snapshot.messages {
        messages.with_label_values(&[protocol, kind]).inc_by(*count);
    }
    let legs = counter(registry, "tollgate_call_legs_total", "Further legs of calls, by what told", &["by"])?;
    for (by, count) in snapshot.legs.by_kind() {
        legs.with_label_values(&[by]).inc_by(count);
    }
    let apart = counter(
        registry,
        "tollgate_call_legs_apart_total",
        "Setups that shared a name with a call and were taken for another, by why",
        &["reason"],
    )?;
    for (reason, count) in snapshot.legs.by_reason() {
        apart.with_label_values(&[reason]).inc_by(count);
    }
    let skipped =
        counter(registry, "tollgate_frames_skipped_total", "Frames without signalling", &["reason"])?;
    for (reason, count) in &snapshot.skipped {
        skipped.with_label_values(&[reason]).inc_by(*count);
    }
    Ok(())
}

/// The label of what comes at this place of a list.
fn named(index: usize, name: &str) -> &str {
    if index < NAMED_MAX { name } else { OTHER }
}

fn counter(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, prometheus::Error> {
    let vector = IntCounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(vector.clone()))?;
    Ok(vector)
}

fn gauge(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntGaugeVec, prometheus::Error> {
    let vector = IntGaugeVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(vector.clone()))?;
    Ok(vector)
}
