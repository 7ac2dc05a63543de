//! What became of records: written, waiting, lost; bills and their sums.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use nix::sys::statvfs::statvfs;
use prometheus::{CounterVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::base::network::Network;
use crate::billing::BillingRecord;
use crate::metrics::prom::{NAMED_MAX, OTHER};

/// Bounds of the time until records were on the disk, in seconds.
const SYNC_SECONDS: [f64; 8] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0];

/// Counts of what became of records.
#[derive(Clone, Debug)]
pub struct RecordsMetrics {
    /// Records by file that are written, or about to be.
    pub(super) written: IntCounterVec,
    dropped: IntCounterVec,
    bills: IntCounterVec,
    amounts: CounterVec,
    /// Charged calls of which there is no bill yet that is written.
    pub(super) waiting: IntGauge,
    /// 1 while any of the files cannot be written.
    pub(super) failing: IntGauge,
    /// Damaged files of bills in the directory.
    pub(super) set_aside: IntGauge,
    free: IntGauge,
    /// Time until records were on the disk.
    pub(super) sync_seconds: Histogram,
    /// Senders with series of their own.
    senders: Arc<BTreeSet<String>>,
}

impl RecordsMetrics {
    /// Registers them; `network` names the senders.
    ///
    /// # Errors
    /// When the library refuses a name.
    pub fn new(registry: &Registry, network: &Network) -> Result<Self, prometheus::Error> {
        let counter = |name, help, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let sync = HistogramOpts::new(
            "tollgate_records_sync_duration_seconds",
            "Time until records were on the disk",
        );
        let metrics = Self {
            written: counter(
                "tollgate_records_written_total",
                "Records on their way to the disk",
                &["file"],
            )?,
            dropped: counter(
                "tollgate_records_dropped_total",
                "Records that could not be written",
                &["file", "reason"],
            )?,
            bills: counter("tollgate_billing_records_total", "Billing records", &["sender", "result"])?,
            amounts: CounterVec::new(
                Opts::new("tollgate_billed_amount_total", "Sum of what was billed, in units of the currency"),
                &["sender", "currency"],
            )?,
            waiting: IntGauge::new("tollgate_billing_waiting_records", "Bills that are not written yet")?,
            failing: IntGauge::new("tollgate_records_failing", "1 while calls or bills cannot be written")?,
            set_aside: IntGauge::new(
                "tollgate_billing_set_aside_files",
                "Damaged files of bills that nobody has taken away yet",
            )?,
            free: IntGauge::new("tollgate_records_free_bytes", "Room on the disk of the records")?,
            sync_seconds: Histogram::with_opts(sync.buckets(SYNC_SECONDS.to_vec()))?,
            senders: Arc::new(senders(network)),
        };
        metrics.register(registry)?;
        for file in FILES {
            metrics.written.with_label_values(&[file]);
            for reason in REASONS {
                metrics.dropped.with_label_values(&[file, reason]);
            }
        }
        for sender in metrics.senders.iter() {
            metrics.bills.with_label_values(&[sender, "rated"]);
        }
        Ok(metrics)
    }

    fn register(&self, registry: &Registry) -> Result<(), prometheus::Error> {
        registry.register(Box::new(self.written.clone()))?;
        registry.register(Box::new(self.dropped.clone()))?;
        registry.register(Box::new(self.bills.clone()))?;
        registry.register(Box::new(self.amounts.clone()))?;
        registry.register(Box::new(self.waiting.clone()))?;
        registry.register(Box::new(self.failing.clone()))?;
        registry.register(Box::new(self.set_aside.clone()))?;
        registry.register(Box::new(self.free.clone()))?;
        registry.register(Box::new(self.sync_seconds.clone()))
    }

    pub(super) fn dropped(&self, file: &str, reason: &str) -> IntCounter {
        self.dropped.with_label_values(&[file, reason])
    }

    /// Counts what is lost from now on.
    pub(super) fn losses(&self) -> Losses {
        Losses { metrics: self.clone(), before: self.lost() }
    }

    /// Records and bills lost so far.
    fn lost(&self) -> [u64; 2] {
        FILES.map(|file| REASONS.map(|reason| self.dropped(file, reason).get()).iter().sum())
    }

    /// Bills will never be written.
    pub(super) fn lose_bills(&self, reason: &str, count: u64) {
        self.dropped("billing", reason).inc_by(count);
        self.waiting.sub(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A call of this sender was rated.
    pub(super) fn billed(&self, sender: &str, rated: &BillingRecord) {
        let sender = if self.senders.contains(sender) { sender } else { OTHER };
        let result = rated.reason.map_or("rated", |reason| reason.name());
        self.bills.with_label_values(&[sender, result]).inc();
        let amount = rated.amount.parse().unwrap_or(0.0);
        if let Some(currency) = rated.currency.as_deref().filter(|_| amount > 0.0) {
            self.amounts.with_label_values(&[sender, currency]).inc_by(amount);
        }
    }

    /// Looks how much room there is.
    pub(super) fn look_at_disk(&self, directory: &Path) {
        if let Ok(disk) = statvfs(directory) {
            let free = disk.blocks_available().saturating_mul(disk.fragment_size());
            self.free.set(i64::try_from(free).unwrap_or(i64::MAX));
        }
    }
}

/// Files, and why something is not in them.
const FILES: [&str; 2] = ["calls", "billing"];
const REASONS: [&str; 2] = ["queue_full", "disk"];

/// What is lost from some moment on.
pub struct Losses {
    metrics: RecordsMetrics,
    before: [u64; 2],
}

impl Losses {
    /// Records of calls, and bills.
    #[must_use]
    pub fn so_far(&self) -> [u64; 2] {
        let [calls, bills] = self.metrics.lost();
        [calls.saturating_sub(self.before[0]), bills.saturating_sub(self.before[1])]
    }
}

fn senders(network: &Network) -> BTreeSet<String> {
    let mut senders = BTreeSet::new();
    for sender in network.routes.all().iter().filter_map(|route| route.sender.as_ref()) {
        if senders.len() < NAMED_MAX {
            senders.insert(sender.clone());
        }
    }
    senders
}
