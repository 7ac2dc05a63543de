//! What was found out about callers, kept as a list in a switch: a switch that looks numbers up itself blocks known
//! sources without asking, and goes on when it cannot ask.
//!
//! In: marks, from the decision loop. Out: changes to the switch's list, each acknowledged, with its end. One thread for
//! each switch, on which everything waits; the decision loop only ever leaves a mark in a queue. When that is full, or the
//! daemon has just begun, the loop is asked for all its marks at once. When the switch has lost its list it gets all of
//! it again. Must not: judge, or name an emergency number or a caller known to be good.

pub mod client;
pub mod kamailio;
pub mod list;
mod metrics;
mod spare;
#[cfg(test)]
mod tests;
pub mod webhook;
mod worker;

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError, bounded};
use prometheus::Registry;

use crate::base::class::{Class, Subject};
use crate::base::network::Network;
use crate::judge::Marked;

use list::{Change, Key, Value};
use metrics::Metrics;
use worker::Worker;

/// What is pushed, and how fast.
#[derive(Clone, Debug)]
pub struct PushOptions {
    /// Name of the switch, for metrics and logs.
    pub name: String,
    /// Classes that go into the list. Default: flash, wangiri.
    pub classes: Vec<Class>,
    /// Subjects that do. Default: caller, caller_range. Marks on equipment have no number and never do.
    pub subjects: Vec<Subject>,
    /// Most entries; when it is full, what ends first gives way. Default 100,000.
    pub entries_max: usize,
    /// Most changes told in a second. Default 500.
    pub per_second: u32,
    /// Most marks that wait to be taken; beyond it they are counted, and all marks asked for anew. Default 4,096.
    pub queue_max: usize,
    /// Time between two looks at whether the switch still has its list. Default 5 s.
    pub check_every: Duration,
    /// Time between two comparisons of the whole list. Default 10 min.
    pub reconcile_every: Duration,
    /// First and longest pause after a failure; it doubles in between. Default 250 ms, 30 s.
    pub pause: (Duration, Duration),
    /// Tell nobody; count and log what would be told. Default no.
    pub dry_run: bool,
}

impl PushOptions {
    /// The defaults, for a switch of this name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            classes: vec![Class::Flash, Class::Wangiri],
            subjects: vec![Subject::Caller, Subject::CallerRange],
            entries_max: 100_000,
            per_second: 500,
            queue_max: 4_096,
            check_every: Duration::from_secs(5),
            reconcile_every: Duration::from_secs(600),
            pause: (Duration::from_millis(250), Duration::from_secs(30)),
            dry_run: false,
        }
    }
}

/// Why a switch was not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It holds another list than it should, and says so.
    OutOfStep,
    /// It answered, and refused.
    Refused(String),
    /// It cannot be reached, or does not answer.
    Unreachable(String),
}

/// Whether a switch still has its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// The mark that the last push left is gone: it was started anew.
    Anew,
    /// Somebody else's mark is in its place.
    Others,
    /// It holds fewer entries than it has acknowledged.
    Short,
    /// As it should be.
    Whole,
}

/// A switch that keeps a list. Every call may take as long as its time limit.
pub trait Switch: Send {
    /// Tells changes in order; `taken` is called with each that is acknowledged.
    ///
    /// # Errors
    /// What kept it from taking the rest.
    fn tell(&mut self, changes: &[Change], taken: &mut dyn FnMut(Change)) -> Result<(), Trouble>;

    /// What it holds; `None` when it cannot say.
    ///
    /// # Errors
    /// What kept it from saying.
    fn held(&mut self) -> Result<Option<BTreeMap<Key, Value>>, Trouble>;

    /// Takes the whole list at once, if it can; `false`: it has to be told one by one.
    ///
    /// # Errors
    /// What kept it from taking it.
    fn replace(&mut self, list: &[Change]) -> Result<bool, Trouble>;

    /// Leaves a mark in it that is gone when the switch is started anew.
    ///
    /// # Errors
    /// What kept it from taking it.
    fn seal(&mut self) -> Result<(), Trouble>;

    /// Whether it has that mark, and `entries` entries at least.
    ///
    /// # Errors
    /// What kept it from saying.
    fn check(&mut self, entries: usize) -> Result<Health, Trouble>;
}

/// All marks of the decision loop at a moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The network, for routes and for numbers that are never pushed.
    pub network: Arc<Network>,
    /// The marks that hold.
    pub marks: Vec<Marked>,
}

/// A push, running. Dropping it ends it; what the switch holds stays there until its end.
#[derive(Debug)]
pub struct Push {
    inputs: Sender<Input>,
    is_short: Arc<AtomicBool>,
    metrics: Metrics,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Push {
    /// Starts it. Until the first snapshot comes, nothing is removed from the switch.
    ///
    /// # Errors
    /// When the thread cannot be started, or a metric not be registered.
    pub fn start(
        options: PushOptions,
        network: Arc<Network>,
        switch: Box<dyn Switch>,
        registry: &Registry,
    ) -> io::Result<Self> {
        let metrics = Metrics::new(registry, &options.name).map_err(io::Error::other)?;
        let (inputs, input) = bounded(options.queue_max.max(1));
        let (stop, stopped) = bounded(0);
        // At first nothing is known, of what an earlier run found out either.
        let is_short = Arc::new(AtomicBool::new(true));
        let name = format!("push {}", options.name);
        let worker = Worker::new(options, &network, (switch, metrics.clone()));
        let thread = thread::Builder::new().name(name).spawn(move || worker.run(&input, &stopped))?;
        Ok(Self { inputs, is_short, metrics, stop: Some(stop), thread: Some(thread) })
    }

    /// Leaves a mark for the switch. Never waits.
    pub fn offer(&self, marked: &Marked) {
        if let Err(TrySendError::Full(_)) = self.inputs.try_send(Input::Mark(marked.clone())) {
            self.metrics.left("queue_full");
            self.is_short.store(true, Ordering::Relaxed);
        }
    }

    /// Whether all marks are wanted at once, and there is room for them: at the start, and after the queue was full.
    #[must_use]
    pub fn wants_snapshot(&self) -> bool {
        self.is_short.load(Ordering::Relaxed) && !self.inputs.is_full()
    }

    /// Gives all marks at once, in place of those given before. Never waits: when there is no room, it is asked for again.
    pub fn snapshot(&self, snapshot: Snapshot) {
        let is_short = self.inputs.try_send(Input::All(Box::new(snapshot))).is_err();
        self.is_short.store(is_short, Ordering::Relaxed);
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a worker hears, in the order in which the loop said it.
#[derive(Debug)]
enum Input {
    All(Box<Snapshot>),
    Mark(Marked),
}
