//! Capture files that another program writes, followed as they grow: `tcpdump -w` with `-G` or `-C`, `dumpcap`.
//!
//! In: [`GrowingOptions`]. Out: batches, by [`Feeder`]. Read are pcap and pcapng, not packed. A record is read when all
//! of it has been written. When a newer file appears, the one before is read to its end first; one that was cut or
//! written anew is read from its start; one that was renamed or removed is read on as long as nothing newer is there.
//! Must not: write or remove anything.

mod listing;
mod tail;

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::fault::{Kind, Layer};
use crate::source::{FeedOptions, Feeder, Outlet, Running, start};

use listing::{Entry, Id, Place};
use tail::Tail;

/// Which files are followed, and how.
#[derive(Clone, Debug)]
pub struct GrowingOptions {
    /// A directory, whose files are all meant; or a file, in whose name `*` stands for any letters and `?` for any one.
    pub path: PathBuf,
    /// Where to begin among the files that are there already.
    pub begin: Begin,
    /// How often it is looked whether something was written.
    pub poll: Duration,
    /// How batches are cut. The time that is told stays behind by more than the writer may hold frames back.
    pub feed: FeedOptions,
}

impl Default for GrowingOptions {
    fn default() -> Self {
        Self {
            path: PathBuf::new(),
            begin: Begin::NewestFile,
            poll: Duration::from_millis(50),
            feed: FeedOptions { tick_lag: Duration::from_secs(5), ..FeedOptions::default() },
        }
    }
}

/// Where to begin among the files that are there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At the start of the oldest.
    AllFiles,
    /// At the start of the newest.
    NewestFile,
}

/// Starts following.
///
/// # Errors
/// The directory cannot be read. That there are no files yet is no error.
pub fn run(options: &GrowingOptions, outlet: &Outlet) -> io::Result<Running> {
    let place = Place::of(&options.path);
    let files = place.list().map_err(|error| {
        let text =
            format!("{}: {error}; name a directory that this program may read", place.directory().display());
        io::Error::new(error.kind(), text)
    })?;
    let mut follower =
        Follower { place, poll: options.poll, current: None, since: None, passed: BTreeMap::new() };
    if options.begin == Begin::NewestFile {
        let older = files.len().saturating_sub(1);
        follower.passed.extend(files.iter().take(older).map(|entry| (entry.id, Passed::of(entry))));
    }
    let (feed, outlet) = (options.feed.clone(), outlet.clone());
    start(
        options.path.display().to_string(),
        vec![Box::new(move |stop, tally| {
            let mut feeder = Feeder::of_any_time((outlet, stop, tally), feed);
            while follower.round(&mut feeder) {}
            feeder.finish();
        })],
    )
}

/// Goes from file to file.
struct Follower {
    place: Place,
    poll: Duration,
    current: Option<Tail>,
    /// When the current file was last written to as it was opened: what is older is not next.
    since: Option<(i64, i64)>,
    /// Files that are not to be read, or not again, as they were then.
    passed: BTreeMap<Id, Passed>,
}

/// What a file was like when it was left.
struct Passed {
    modified: (i64, i64),
    length: u64,
    /// What it began with; not known of a file that was never read.
    head: Option<Vec<u8>>,
}

impl Passed {
    const fn of(entry: &Entry) -> Self {
        Self { modified: entry.modified, length: entry.length, head: None }
    }

    /// The file's place on disk holds another capture now.
    fn is_anew(&self, entry: &Entry) -> bool {
        if self.modified == entry.modified {
            return false;
        }
        let is_other = |head: &Vec<u8>| tail::head(&entry.path).is_ok_and(|now| !now.starts_with(head));
        entry.length < self.length || self.head.as_ref().is_some_and(is_other)
    }
}

impl Follower {
    /// Reads what there is, and goes to the next file or waits a little. False when told to stop.
    fn round(&mut self, feeder: &mut Feeder) -> bool {
        // Looked for before the last read of the current file: its writer ends one file before it begins another.
        let next = self.next();
        if let Some(tail) = &mut self.current {
            tail.read(feeder);
        }
        feeder.idle();
        if feeder.is_over() {
            return false;
        }
        match next {
            Some(next) => {
                self.leave(feeder);
                self.begin(&next, feeder);
                true
            }
            None => {
                let wait = feeder.wait().clamp(Duration::from_millis(1), self.poll);
                !feeder.pause(wait)
            }
        }
    }

    /// The oldest file that is to be read after the current one.
    fn next(&mut self) -> Option<Entry> {
        let files = match self.place.list() {
            Ok(files) => files,
            Err(error) => {
                tracing::debug!(%error, "the directory cannot be listed now");
                return None;
            }
        };
        let current = self.current.as_ref().map(Tail::id);
        let next = files.iter().find(|entry| {
            Some(entry.id) != current
                && self.since.is_none_or(|since| entry.modified >= since)
                && self.passed.get(&entry.id).is_none_or(|passed| passed.is_anew(entry))
        });
        let next = next.cloned();
        let mut there: Vec<_> = files.iter().map(|entry| entry.id).collect();
        there.sort_unstable();
        self.passed.retain(|id, _| there.binary_search(id).is_ok());
        next
    }

    fn leave(&mut self, feeder: &mut Feeder) {
        let Some(tail) = self.current.take() else { return };
        if tail.is_within() {
            feeder.fault(Layer::File, Kind::Truncated);
            tracing::warn!(file = %tail, "ends within a record");
        }
        if let Some((modified, length)) = tail.state() {
            self.passed.insert(tail.id(), Passed { modified, length, head: Some(tail.into_head()) });
        }
    }

    fn begin(&mut self, entry: &Entry, feeder: &mut Feeder) {
        match Tail::open(entry) {
            Ok(tail) => {
                tracing::info!(file = %tail, "reading");
                feeder.counts().opened += 1;
                self.since = Some(entry.modified);
                self.current = Some(tail);
            }
            Err(error) => {
                // Not looked at again until it is written anew.
                feeder.fault(Layer::File, Kind::Gap);
                tracing::warn!(file = %entry.path.display(), %error, "cannot be read");
                self.passed.insert(entry.id, Passed::of(entry));
            }
        }
    }
}
