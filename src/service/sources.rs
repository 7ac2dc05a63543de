//! Sources as parts of a service, and their counts for Prometheus.

use std::io;
use std::sync::{Mutex, PoisonError};

use prometheus::proto::MetricFamily;

use crate::adapter::Adapter;
use crate::assemble::Skips;
use crate::base::fault::Faults;
use crate::metrics::prom;
use crate::service::{Hub, Part};
use crate::source::growing::{self, GrowingOptions};
use crate::source::hep::{HepOptions, Listener};
use crate::source::live::{self, LiveOptions};
use crate::source::{Counting, FeedOptions, Running, SourceCounts};
use crate::tls::Certificates;

/// A live capture.
#[must_use]
pub fn capture(mut options: LiveOptions) -> Part {
    Box::new(move |hub| {
        key(&mut options.feed, hub);
        let running = live::run(&options, &hub.outlet).map_err(|error| format!("capture: {error}"))?;
        Ok(part(running, None, hub))
    })
}

/// A listener for capture agents.
#[must_use]
pub fn hep(mut options: HepOptions) -> Part {
    Box::new(move |hub| {
        key(&mut options.feed, hub);
        let failed = |error: io::Error| format!("hep: {error}");
        let listener = Listener::bind(options).map_err(failed)?;
        let certificates = listener.certificates();
        Ok(part(listener.run(&hub.outlet).map_err(failed)?, certificates, hub))
    })
}

/// Files that grow.
#[must_use]
pub fn follow(mut options: GrowingOptions) -> Part {
    Box::new(move |hub| {
        key(&mut options.feed, hub);
        let running = growing::run(&options, &hub.outlet)
            .map_err(|error| format!("follow: {}: {error}", options.path.display()))?;
        Ok(part(running, None, hub))
    })
}

/// A source reads the point codes of this network, and finds the leg of each message by the key of this run.
fn key(feed: &mut FeedOptions, hub: &Hub) {
    feed.assemble.seed = hub.seed;
    feed.assemble.mtp = hub.network.mtp;
}

fn part(running: Running, certificates: Option<Certificates>, hub: &Hub) -> Box<dyn Adapter> {
    tracing::info!(event = "source_started", source = running.name(), "messages are read");
    hub.sources.add(running.counting());
    Box::new(SourcePart { running, certificates })
}

struct SourcePart {
    running: Running,
    /// Of a listener over TLS.
    certificates: Option<Certificates>,
}

impl Adapter for SourcePart {
    fn name(&self) -> &'static str {
        "source"
    }

    fn trouble(&self) -> Option<String> {
        let why = || format!("source {}: a thread has ended, and reads no more", self.running.name());
        self.running.has_ended().then(why)
    }

    fn reload(&self) -> Result<(), String> {
        self.certificates.as_ref().map_or(Ok(()), |held| held.renew().map_err(|error| error.to_string()))
    }

    fn stop(self: Box<Self>) {
        let _ = self.running.stop();
    }
}

/// Counts of all sources, those too that have stopped.
#[derive(Debug, Default)]
pub struct Sources(Mutex<Vec<Counting>>);

impl Sources {
    fn add(&self, counting: Counting) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(counting);
    }

    /// What is broken, and what is no signalling, in what all of them read.
    #[must_use]
    pub fn faults(&self) -> (Faults, Skips) {
        let (mut faults, mut skips) = (Faults::default(), Skips::default());
        for counting in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let counts = counting.counts();
            faults.merge(&counts.faults);
            skips.merge(&counts.skips);
        }
        (faults, skips)
    }

    /// Counts by source.
    ///
    /// # Errors
    /// When the library refuses a name or label.
    pub fn families(&self) -> Result<Vec<MetricFamily>, prometheus::Error> {
        let read: Vec<_> = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let counts: Vec<_> = read.iter().map(|counting| (counting.name(), counting.counts())).collect();
        let of = |name, help, pick: fn(&SourceCounts) -> u64| {
            let values = counts.iter().map(|(source, counts)| (vec![*source], pick(counts)));
            prom::counters((name, help, &["source"]), values)
        };
        let dropped = counts.iter().flat_map(|(source, counts)| {
            counts.losses().map(|(reason, count)| (vec![*source, reason], count))
        });
        let interrupted = "Interfaces that went down, files cut, connections closed";
        Ok([
            of("tollgate_capture_packets_total", "Frames or agents' packets read", |counts| counts.packets)?,
            of("tollgate_capture_bytes_total", "Octets of those", |counts| counts.bytes)?,
            of("tollgate_capture_messages_total", "Messages handed on", |counts| counts.pdus)?,
            of("tollgate_capture_held_total", "Batches that had to wait", |counts| counts.batches_held)?,
            of("tollgate_capture_interruptions_total", interrupted, |counts| counts.interrupted)?,
            prom::counters(
                ("tollgate_capture_dropped_total", "Packets and messages lost", &["source", "reason"]),
                dropped,
            )?,
        ]
        .concat())
    }
}
