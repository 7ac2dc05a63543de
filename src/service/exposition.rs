//! Everything counted, in Prometheus' text format: what parts count themselves, what the decision loop hands out, and how
//! the service is. `docs/metrics.md` names every family.

use crossbeam_channel::{Receiver, Sender, bounded};
use prometheus::IntCounter;
use prometheus::core::Collector;
use prometheus::process_collector::ProcessCollector;
use prometheus::proto::MetricFamily;

use crate::assemble::Skips;
use crate::base::fail_open::FailOpen;
use crate::metrics::prom;
use crate::service::admin::{COUNT_WITHIN, Shown};
use crate::service::decision::{Counted, Order};

/// A queue whose depth is shown.
pub struct Watched {
    name: &'static str,
    read: Box<dyn Fn() -> (usize, Option<usize>) + Send + Sync>,
}

impl Watched {
    /// A queue, by the end that puts things in.
    #[must_use]
    pub fn sender<T: Send + 'static>(name: &'static str, queue: &Sender<T>) -> Self {
        let queue = queue.clone();
        Self { name, read: Box::new(move || (queue.len(), queue.capacity())) }
    }

    /// A queue, by the end that takes things out.
    #[must_use]
    pub fn receiver<T: Send + 'static>(name: &'static str, queue: &Receiver<T>) -> Self {
        let queue = queue.clone();
        Self { name, read: Box::new(move || (queue.len(), queue.capacity())) }
    }
}

/// Everything counted. Without the loop's own counts when it does not answer.
///
/// # Errors
/// When the library refuses a name or label.
pub fn text(shown: &Shown) -> Result<Vec<u8>, prometheus::Error> {
    let (reply, answer) = bounded(1);
    let asked = shown.orders.send_timeout(Order::Count(reply), COUNT_WITHIN);
    let counted = asked.ok().and_then(|()| answer.recv_timeout(COUNT_WITHIN).ok());
    let mut families = shown.live.gather();
    families.extend(process(shown)?);
    families.extend(health(shown, counted.is_some())?);
    families.extend(queues(shown)?);
    families.extend(shown.sources.families()?);
    let mut text = prom::print(&families)?;
    if let Some(mut counted) = counted {
        let (faults, skips) = shown.sources.faults();
        counted.counts.faults.merge(&faults);
        text.extend(prom::encode(&snapshot(&counted, &skips, shown))?);
        text.extend(prom::print(&loop_counts(&counted)?)?);
    }
    Ok(text)
}

/// What the system knows of the process. It cannot tell when the process began where most of `/proc` is hidden, as in our
/// unit; we can.
fn process(shown: &Shown) -> Result<Vec<MetricFamily>, prometheus::Error> {
    const BEGAN: &str = "process_start_time_seconds";
    let mut families = ProcessCollector::for_self().collect();
    families.retain(|family| family.name() != BEGAN);
    families.extend(prom::gauges(&[(BEGAN, "When the process began", shown.status.began_s() as f64)])?);
    let build = ("tollgate_build_info", "Version of the program; always 1", "version");
    families.extend(prom::labelled(build, [(env!("CARGO_PKG_VERSION"), 1)])?);
    Ok(families)
}

fn health(shown: &Shown, is_turning: bool) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let flag = |is_set| f64::from(u8::from(is_set));
    let (is_reload_good, reloaded_s) = shown.status.reload();
    let passing = shown.standing.fail_open();
    let mut families = prom::gauges(&[
        ("tollgate_up", "1 while the decision loop turns", flag(is_turning)),
        ("tollgate_ready", "1 while /readyz says so", flag(shown.status.unready().is_empty())),
        (
            "tollgate_bypass_active",
            "1 while the operator lets every call pass",
            flag(passing == Some(FailOpen::Bypass)),
        ),
        (
            "tollgate_config_last_reload_successful",
            "1 when the configuration could be read the last time",
            flag(is_reload_good),
        ),
        (
            "tollgate_config_last_reload_success_timestamp_seconds",
            "When the configuration was last read",
            reloaded_s as f64,
        ),
    ])?;
    let active = ("tollgate_fail_open_active", "1 while every call passes unjudged, by reason", "reason");
    let reasons = [
        (FailOpen::Bypass, passing == Some(FailOpen::Bypass)),
        (FailOpen::Draining, passing == Some(FailOpen::Draining)),
        (FailOpen::Stopped, !is_turning),
    ];
    let reasons = reasons.map(|(reason, is_active)| (reason.name(), u64::from(is_active)));
    families.extend(prom::labelled(active, reasons)?);
    Ok(families)
}

fn queues(shown: &Shown) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let read: Vec<_> = shown.queues.iter().map(|queue| (queue.name, (queue.read)())).collect();
    let depths = read.iter().map(|(name, (depth, _))| (*name, *depth as u64));
    let capacities =
        read.iter().filter_map(|(name, (_, capacity))| capacity.map(|capacity| (*name, capacity as u64)));
    let lists = shown.network.lists.sizes().map(|(list, entries)| (list, entries as u64));
    Ok([
        prom::labelled(("tollgate_queue_depth", "Things waiting, by queue", "queue"), depths)?,
        prom::labelled(
            ("tollgate_queue_capacity", "Room for things waiting, by queue", "queue"),
            capacities,
        )?,
        prom::labelled(
            ("tollgate_list_entries", "Entries, with those that have ended, by list", "list"),
            lists,
        )?,
    ]
    .concat())
}

fn loop_counts(counted: &Counted) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let mut families = prom::gauges(&[
        ("tollgate_calls_active", "Calls held, live and lingering", counted.calls as f64),
        (
            "tollgate_ruleset_activated_timestamp_seconds",
            "Since when these rules are in force",
            (counted.ruleset_since.nanos() / 1_000_000_000) as f64,
        ),
    ])?;
    let dropped = IntCounter::new("tollgate_marks_dropped_total", "Marks that nobody took in time")?;
    dropped.inc_by(counted.marks_dropped);
    families.extend(dropped.collect());
    Ok(families)
}

fn snapshot<'a>(counted: &'a Counted, skips: &Skips, shown: &'a Shown) -> prom::Snapshot<'a> {
    const CALLS: &str = "calls";
    let options = &shown.options;
    prom::Snapshot {
        network: &shown.network,
        ruleset: &counted.ruleset,
        tally: &counted.tally,
        shadow_matches: &counted.shadow_matches,
        faults: &counted.counts.faults,
        messages: counted.counts.by_kind().chain(skips.messages()).collect(),
        legs: counted.legs,
        skipped: skips.iter().filter(|(_, count)| *count > 0).collect(),
        state_keys: counted.sizes.by_table().chain([(CALLS, counted.calls as u64)]).collect(),
        state_limits: options
            .judge
            .features
            .by_table()
            .chain([(CALLS, options.call.calls_max as u64)])
            .collect(),
        look_ups: counted.look_ups.clone(),
        stir: counted.stir.clone(),
        billing: Vec::new(),
    }
}
