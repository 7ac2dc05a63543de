//! Where a running daemon gets signalling from: the wire, capture agents, files that another program writes.
//!
//! In: an options struct for each kind ([`live::LiveOptions`], [`hep::HepOptions`], [`growing::GrowingOptions`]) and an
//! [`Outlet`]. Out: batches of assembled messages, and what a source has counted, at any time. Each source works on
//! threads of its own, up to the assembled message; a batch is handed on when it is full or when its first message has
//! waited long enough, and an empty one tells the time of a wire on which nothing happens. When nobody takes the batches
//! a source stops reading, and what is lost then is lost, and counted, where it waits: in the kernel.
//! Must not: decode messages or judge.

mod counts;
mod feeder;
pub mod growing;
pub mod hep;
pub mod live;

use std::convert::Infallible;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded, never};

use crate::engine::batch::Batch;

pub use counts::{Loss, SourceCounts};
pub use feeder::{FeedOptions, Feeder};

use counts::Tally;

/// The end of the queue at which sources put their batches.
#[derive(Clone, Debug)]
pub struct Outlet {
    batches: Sender<Batch>,
    used: Receiver<Batch>,
}

impl Outlet {
    /// For whoever makes batches of its own.
    #[must_use]
    pub const fn sender(&self) -> &Sender<Batch> {
        &self.batches
    }
}

impl From<Sender<Batch>> for Outlet {
    /// A queue whose batches are not given back: each has memory of its own.
    fn from(batches: Sender<Batch>) -> Self {
        Self { batches, used: never() }
    }
}

/// The end of the queue at which batches are taken.
#[derive(Debug)]
pub struct Inlet {
    /// Batches of all sources. Each source numbers its messages from 1; whoever takes them numbers them anew.
    pub batches: Receiver<Batch>,
    used: Sender<Batch>,
}

impl Inlet {
    /// Gives a batch back to be filled again.
    pub fn give_back(&self, batch: Batch) {
        // Enough are under way when the queue of used ones is full; then this one's memory is freed.
        let _ = self.used.try_send(batch);
    }
}

/// A queue of at most `depth` batches, for all sources together.
#[must_use]
pub fn queue(depth: usize) -> (Outlet, Inlet) {
    let (batches_in, batches_out) = bounded(depth);
    let (used_in, used_out) = bounded(depth);
    (Outlet { batches: batches_in, used: used_out }, Inlet { batches: batches_out, used: used_in })
}

/// A source at work. It stops when this is dropped.
#[derive(Debug)]
pub struct Running {
    name: String,
    stop: Option<Sender<Infallible>>,
    threads: Vec<JoinHandle<()>>,
    tallies: Vec<Tally>,
}

impl Running {
    /// What it was told to read, for log lines and as the label `source` of its counters.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether a thread of it has ended, which none does before it is told to.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// What all its threads have counted so far.
    #[must_use]
    pub fn counts(&self) -> SourceCounts {
        self.counting().counts()
    }

    /// Its counts, for whoever reads them while it runs and after.
    #[must_use]
    pub fn counting(&self) -> Counting {
        Counting { name: self.name.clone(), tallies: self.tallies.clone() }
    }

    /// Stops it, waits until its threads have ended, and says what they counted.
    #[must_use]
    pub fn stop(mut self) -> SourceCounts {
        self.end();
        self.counts()
    }

    fn end(&mut self) {
        self.stop = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!(source = %self.name, "a thread of the source panicked");
            }
        }
    }
}

/// Counts of a source, to be read at any time.
#[derive(Clone, Debug)]
pub struct Counting {
    name: String,
    tallies: Vec<Tally>,
}

impl Counting {
    /// Name of the source.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What all its threads have counted so far.
    #[must_use]
    pub fn counts(&self) -> SourceCounts {
        let mut sum = SourceCounts::default();
        self.tallies.iter().for_each(|tally| tally.add_to(&mut sum));
        sum
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a thread of a source does with what it feeds.
type Work = Box<dyn FnOnce(Stop, Tally) + Send>;

/// Starts a thread for each piece of work.
fn start(name: String, works: Vec<Work>) -> io::Result<Running> {
    let (stop_in, stop_out) = bounded(0);
    let mut running = Running { name, stop: Some(stop_in), threads: Vec::new(), tallies: Vec::new() };
    for (index, work) in works.into_iter().enumerate() {
        let (stop, tally) = (Stop(stop_out.clone()), Tally::default());
        running.tallies.push(tally.clone());
        let thread =
            thread::Builder::new().name(format!("source-{index}")).spawn(move || work(stop, tally))?;
        running.threads.push(thread);
    }
    Ok(running)
}

/// Whether a source has been told to stop.
#[derive(Clone, Debug)]
pub struct Stop(Receiver<Infallible>);

impl Stop {
    /// It has.
    #[must_use]
    pub fn is_set(&self) -> bool {
        matches!(self.0.try_recv(), Err(TryRecvError::Disconnected))
    }

    /// Waits that long, or until it has; says whether it has.
    #[must_use]
    pub fn wait(&self, span: Duration) -> bool {
        matches!(self.0.recv_timeout(span), Err(RecvTimeoutError::Disconnected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Deadline;

    #[test]
    fn a_thread_that_ends_before_it_is_told_to_is_noticed() {
        let waits: Work = Box::new(|stop, _| while !stop.wait(Duration::from_secs(1)) {});
        let sound = start("sound".to_owned(), vec![waits]).unwrap();
        let broken = start("broken".to_owned(), vec![Box::new(|_, _| panic!("as a test wants"))]).unwrap();
        let patience = Deadline::after(Duration::from_secs(10));
        while !broken.has_ended() && !patience.left().is_zero() {
            thread::yield_now();
        }
        assert!(broken.has_ended() && !sound.has_ended());
    }
}
