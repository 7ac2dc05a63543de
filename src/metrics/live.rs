//! What is counted while a daemon runs, outside the decision loop: adapters count as they answer.
//!
//! The counts of calls are the decision loop's own; `prom` prints both.

use prometheus::proto::MetricFamily;
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};

use crate::base::class::Decision;
use crate::base::fail_open::FailOpen;

/// Bounds of durations, in seconds: from what a decision takes to what a switch waits.
const SECONDS: [f64; 12] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5];

/// All families, and the registry that prints them.
#[derive(Clone, Debug)]
pub struct Live {
    registry: Registry,
    responses: IntCounterVec,
    fail_open: IntCounterVec,
    seconds: HistogramVec,
    overheard_dropped: IntCounter,
}

impl Live {
    /// Registers every family.
    ///
    /// # Errors
    /// When the library refuses a name.
    pub fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let responses = IntCounterVec::new(
            Opts::new("tollgate_switch_responses_total", "Answers to switches, by treatment"),
            &["adapter", "treatment"],
        )?;
        let fail_open = IntCounterVec::new(
            Opts::new("tollgate_fail_open_total", "Calls that passed without a verdict, by reason"),
            &["adapter", "reason"],
        )?;
        let buckets =
            HistogramOpts::new("tollgate_switch_response_duration_seconds", "From a question to its answer");
        let seconds = HistogramVec::new(buckets.buckets(SECONDS.to_vec()), &["adapter"])?;
        registry.register(Box::new(responses.clone()))?;
        registry.register(Box::new(fail_open.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        let overheard_dropped = IntCounter::new(
            "tollgate_overheard_dropped_total",
            "Copies of messages in the path that the decision loop did not get",
        )?;
        registry.register(Box::new(overheard_dropped.clone()))?;
        Ok(Self { registry, responses, fail_open, seconds, overheard_dropped })
    }

    /// Counters of one adapter, all at zero and visible.
    #[must_use]
    pub fn adapter(&self, name: &'static str) -> AdapterMetrics {
        AdapterMetrics {
            responses: Decision::NAMES.map(|treatment| self.responses.with_label_values(&[name, treatment])),
            fail_open: FailOpen::NAMES.map(|reason| self.fail_open.with_label_values(&[name, reason])),
            seconds: self.seconds.with_label_values(&[name]),
        }
    }

    /// Counts messages that an adapter let by and the decision loop had no room for.
    #[must_use]
    pub fn overheard_dropped(&self) -> IntCounter {
        self.overheard_dropped.clone()
    }

    /// For families that a part of the program keeps itself.
    #[must_use]
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Everything counted so far.
    #[must_use]
    pub fn gather(&self) -> Vec<MetricFamily> {
        self.registry.gather()
    }
}

/// Counts of one adapter; cheap to copy.
#[derive(Clone, Debug)]
pub struct AdapterMetrics {
    responses: [IntCounter; Decision::NAMES.len()],
    fail_open: [IntCounter; FailOpen::NAMES.len()],
    seconds: Histogram,
}

impl AdapterMetrics {
    /// A switch was told what was decided, so many seconds after it asked.
    pub fn answered(&self, decision: Decision, seconds: f64) {
        self.responses[decision as usize].inc();
        self.seconds.observe(seconds);
    }

    /// A call passed unjudged, so many seconds after it was asked about.
    pub fn failed_open(&self, why: FailOpen, seconds: f64) {
        self.fail_open[why as usize].inc();
        self.seconds.observe(seconds);
    }

    /// Calls that passed unjudged for this reason so far.
    #[must_use]
    pub fn fail_open_count(&self, why: FailOpen) -> u64 {
        self.fail_open[why as usize].get()
    }
}
