//! What is counted of a push, by switch.

use prometheus::{Gauge, GaugeVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// Counts of one push; cheap to copy.
#[derive(Clone, Debug)]
pub(super) struct Metrics {
    switch: String,
    pub(super) wanted: IntGauge,
    pub(super) acknowledged: IntGauge,
    pub(super) lag_seconds: Gauge,
    pushes: IntCounterVec,
    reconciliations: IntCounterVec,
    left: IntCounterVec,
}

/// What became of a change.
const RESULTS: [&str; 4] = ["acknowledged", "dry_run", "refused", "unreachable"];
/// Why a list was compared.
const CAUSES: [&str; 6] = ["others", "out_of_step", "restart", "scheduled", "short", "start"];
/// Why a mark is not in the list.
const REASONS: [&str; 6] = ["emergency", "ended", "known_good", "list_full", "not_chosen", "queue_full"];

impl Metrics {
    /// Registers the families when they are not there, and the series of this switch.
    pub(super) fn new(registry: &Registry, switch: &str) -> Result<Self, prometheus::Error> {
        let constant = |name: &str, help: &str| Opts::new(name, help).const_label("switch", switch);
        let counters = |name: &str, help: &str, (label, values): (&str, &[&str])| {
            let counters = IntCounterVec::new(constant(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            for value in values {
                let _ = counters.with_label_values(&[value]);
            }
            Ok::<_, prometheus::Error>(counters)
        };
        let entries = IntGaugeVec::new(
            constant("tollgate_push_entries", "Entries of a switch's list, by state"),
            &["state"],
        )?;
        registry.register(Box::new(entries.clone()))?;
        let lag = constant(
            "tollgate_push_lag_seconds",
            "Age of the oldest change that a switch has not acknowledged",
        );
        let lag = GaugeVec::new(lag, &[])?;
        registry.register(Box::new(lag.clone()))?;
        let none: &[&str] = &[];
        Ok(Self {
            switch: switch.to_owned(),
            wanted: entries.with_label_values(&["wanted"]),
            acknowledged: entries.with_label_values(&["acknowledged"]),
            lag_seconds: lag.with_label_values(none),
            pushes: counters(
                "tollgate_push_changes_total",
                "Changes told to a switch, by what became of them",
                ("result", &RESULTS),
            )?,
            reconciliations: counters(
                "tollgate_push_reconciliations_total",
                "Comparisons of a switch's list with what it should be, by cause",
                ("cause", &CAUSES),
            )?,
            left: counters(
                "tollgate_push_left_out_total",
                "Marks that did not become an entry, by reason",
                ("reason", &REASONS),
            )?,
        })
    }

    /// So many changes had this result.
    pub(super) fn pushed(&self, result: &str, changes: u64) {
        self.pushes.with_label_values(&[result]).inc_by(changes);
    }

    /// The list is compared for this cause.
    pub(super) fn reconciled(&self, cause: &str) {
        tracing::info!(switch = self.switch, cause, "the switch's list is compared with what it should be");
        self.reconciliations.with_label_values(&[cause]).inc();
    }

    /// A mark did not become an entry.
    pub(super) fn left(&self, reason: &str) {
        self.left.with_label_values(&[reason]).inc();
    }
}
