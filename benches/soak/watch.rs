//! Looks at the service from outside, says once a minute how it is, and judges in the end.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::asking::Asked;
use crate::records::Seen;
use crate::service::{Metrics, Pages, Process};
use crate::telling::ToldCounts;

/// Share by which memory may be larger in the last third of the time than in the middle one.
const GROWTH_MAX: f64 = 0.02;
/// How full a table is that has come to its limit: slots that have run out go to others first.
const FULL: f64 = 0.99;

/// What everybody counts.
#[derive(Default)]
pub struct Counts {
    pub asked: Arc<Asked>,
    pub told: Arc<ToldCounts>,
    pub seen: Arc<Seen>,
    /// Calls that copies told of.
    pub copied: Arc<AtomicU64>,
}

/// Looks at a service.
pub struct Watch {
    pub process: u32,
    pub pages: Pages,
    pub folder: PathBuf,
    pub counts: Counts,
    pub samples: Vec<Process>,
    pub metrics: Metrics,
}

impl Watch {
    /// Looks once, under load; what cannot be seen, if anything.
    pub fn look(&mut self) -> Result<(), String> {
        self.samples.push(Process::look(self.process).ok_or("the service is gone")?);
        self.scrape()
    }

    /// Reads the metrics; says so when they are not to be had.
    pub fn scrape(&mut self) -> Result<(), String> {
        self.metrics = self.pages.metrics().ok_or("the service shows no metrics")?;
        Ok(())
    }

    /// A line about the last minute.
    pub fn print(&self, minute: u64) {
        let Counts { asked, told, seen, .. } = &self.counts;
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let now = self.samples.last().copied().unwrap_or_default();
        println!(
            "minute {minute:3}: {} calls, {} open, {} late, p99 {:.1} ms, {} blocked, {} redirected, passed unjudged: {}; \
             {} told, {} going on; {} records, {} twice; RSS {:.1} MiB, {} fds, {} threads, {:.0} s of processor, \
             {} MiB written, {} MiB on disk; not full: {}",
            count(&asked.sent),
            asked.open(),
            count(&asked.late),
            asked.take_percentile(0.99),
            count(&asked.blocked),
            count(&asked.redirected),
            self.metrics.by("tollgate_fail_open_total", "reason="),
            count(&told.accepted),
            count(&told.going_on),
            count(&seen.lines),
            count(&seen.twice),
            now.resident as f64 / 1_048_576.0,
            now.descriptors,
            now.threads,
            now.processor,
            now.written >> 20,
            octets_on_disk(&self.folder) >> 20,
            self.not_full(),
        );
    }

    /// Tables below their limits, and how full they are.
    fn not_full(&self) -> String {
        let most = |labels: &str| {
            let mut limits = self.metrics.series("tollgate_state_limit_keys");
            limits.find(|(theirs, _)| *theirs == labels).map_or(0.0, |(_, most)| most)
        };
        let held = self.metrics.series("tollgate_state_keys");
        let held = held.filter(|(labels, held)| *held < most(labels) * FULL);
        let names = held.map(|(labels, held)| {
            let name = labels.trim_start_matches("{table=\"").trim_end_matches("\"}");
            format!("{name} {held}/{}", most(labels))
        });
        let names: Vec<_> = names.collect();
        if self.metrics.series("tollgate_state_keys").next().is_none() {
            return "not told in time".to_owned();
        }
        if names.is_empty() { "none".to_owned() } else { names.join(" ") }
    }

    /// What is wrong with what was seen over the time.
    pub fn judge(&self) -> Vec<String> {
        let third = self.samples.len() / 3;
        if third < 2 {
            return vec!["too short to judge memory".to_owned()];
        }
        let (middle, last) = (&self.samples[third..2 * third], &self.samples[self.samples.len() - third..]);
        let mut wrong = Vec::new();
        let resident = [middle, last].map(|samples| median(samples.iter().map(|sample| sample.resident)));
        let growth = resident[1] as f64 / resident[0] as f64 - 1.0;
        println!(
            "resident memory: {:.1} MiB in the middle third, {:.1} MiB in the last: {:+.2} %",
            resident[0] as f64 / 1_048_576.0,
            resident[1] as f64 / 1_048_576.0,
            growth * 100.0
        );
        if growth > GROWTH_MAX {
            wrong.push(format!("resident memory has grown by {:.1} %", growth * 100.0));
        }
        // Some come and go, for a scrape and while a state file is written; none may stay.
        let least = |samples: &[Process]| {
            let descriptors = samples.iter().map(|sample| sample.descriptors).min();
            (descriptors, samples.iter().map(|sample| sample.threads).min())
        };
        let [before, after] = [middle, last].map(|samples| format!("{:?}", least(samples)));
        println!("least descriptors and threads: {before} in the middle third, {after} in the last");
        if after != before {
            wrong.push(format!("descriptors and threads: {before} in the middle third, {after} in the last"));
        }
        wrong
    }
}

fn median(figures: impl Iterator<Item = u64>) -> u64 {
    let mut figures: Vec<u64> = figures.collect();
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().unwrap_or(0)
}

/// Room that the files of a directory and of those in it take.
fn octets_on_disk(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(data) if data.is_dir() => octets_on_disk(&entry.path()),
        Ok(data) => data.blocks() * 512,
        Err(_) => 0,
    });
    sizes.sum()
}
