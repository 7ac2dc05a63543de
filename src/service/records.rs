//! Records of a running service: one thread writes down every call, rates the charged ones and appends their bills.
//!
//! The decision loop hands records over and never waits. When the disk cannot follow, records of calls are dropped and
//! counted; bills wait in memory, as many as fit there, until they can be written.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, SendTimeoutError, Sender, TrySendError, bounded};

use crate::base::class::Decision;
use crate::base::network::Network;
use crate::base::time::At;
use crate::billing::{Charge, Ledger, Memory, RateCard, Rater};
use crate::clock::{self, Deadline, Stopwatch};
use crate::feature::fields;
use crate::journal::{CallsWriter, DirectoryLock, Every, Rolling};
use crate::judge::CallRecord;
use crate::service::chain;
use crate::service::ending::joining;
use crate::service::exposition::Watched;
use crate::service::records_failing::Failing;
use crate::service::records_metrics::{Losses, RecordsMetrics};

/// Where and how records are kept.
#[derive(Clone, Debug)]
pub struct RecordsOptions {
    /// Directory of the files; it must exist.
    pub directory: PathBuf,
    /// How long a bill may lie in memory before it is on the disk.
    pub sync_every: Duration,
    /// Most records on their way to the disk.
    pub queue: usize,
}

/// Most bills held in memory while they cannot be written; beyond, they are lost, and counted as lost.
const BILLS_MAX: usize = 1_000_000;
/// Octets of call records written at once.
const CHUNK: usize = 1 << 18;

/// How often the lock's file is touched, so that whoever deletes files by age leaves it alone.
const TOUCH_EVERY: Duration = Duration::from_secs(3_600);

/// A thread that takes nothing and comes no further for so long waits for a disk that hangs.
const HUNG_AFTER: Duration = Duration::from_secs(15);

/// Longest wait for what was rated, to find room for the question and again for the answer.
const RATED_WITHIN: Duration = Duration::from_secs(5);

/// What the thread is given.
enum Job {
    Record(Box<CallRecord>),
    Memory(Sender<Memory>),
    Card(RateCard),
    /// A fault of the program.
    #[cfg(test)]
    Panic,
    Stop,
}

/// The loop's way to the thread.
pub struct Desk {
    jobs: Sender<Job>,
    /// Charged calls that did not fit into the queue.
    waiting: VecDeque<Box<CallRecord>>,
    metrics: RecordsMetrics,
}

impl Desk {
    /// Takes a record, without waiting.
    pub fn take(&mut self, record: Box<CallRecord>) {
        self.flush();
        let is_charged = record.verdict.decision == Decision::Monetise;
        if is_charged {
            self.metrics.waiting.inc();
        }
        let Err(record) = self.offer(record) else { return };
        if !is_charged {
            self.metrics.dropped("calls", "queue_full").inc();
        } else if self.waiting.len() < BILLS_MAX {
            self.waiting.push_back(record);
        } else {
            self.metrics.lose_bills("queue_full", 1);
        }
    }

    /// Hands over charged calls that have waited, as far as there is room.
    pub fn flush(&mut self) {
        while let Some(first) = self.waiting.pop_front() {
            if let Err(first) = self.offer(first) {
                self.waiting.push_front(first);
                break;
            }
        }
    }

    fn offer(&self, record: Box<CallRecord>) -> Result<(), Box<CallRecord>> {
        match self.jobs.try_send(Job::Record(record)) {
            Err(
                TrySendError::Full(Job::Record(record)) | TrySendError::Disconnected(Job::Record(record)),
            ) => Err(record),
            _ => Ok(()),
        }
    }
}

impl Drop for Desk {
    /// Charged calls are handed over in the end, for as long as the thread takes them.
    fn drop(&mut self) {
        while let Some(record) = self.waiting.pop_front() {
            if self.jobs.send_timeout(Job::Record(record), HUNG_AFTER).is_err() {
                let bills = self.waiting.len() as u64 + 1;
                self.metrics.lose_bills("queue_full", bills);
                tracing::error!(event = "bills_lost", bills, "nobody took these charged calls to be written");
                return;
            }
        }
    }
}

/// What the thread ends with.
pub struct Ended {
    /// What was rated.
    pub memory: Memory,
    /// Whether the last that it was given is on the disk.
    pub is_synced: bool,
}

/// The thread, for whoever runs the service.
pub struct Records {
    jobs: Sender<Job>,
    thread: JoinHandle<Ended>,
    /// Goes on with every piece of work.
    progress: Arc<AtomicU64>,
    /// Prices that have found no room in the queue yet.
    card: Option<RateCard>,
    metrics: RecordsMetrics,
}

impl Records {
    /// Starts the thread; `lock` is the directory's, and `rated` what an earlier run has rated. The chain of bills goes on where
    /// its last file ends.
    ///
    /// # Errors
    /// As the operating system says of the directory and its files.
    pub fn start(
        options: &RecordsOptions,
        lock: DirectoryLock,
        network: &Arc<Network>,
        (card, rated): (RateCard, Memory),
        metrics: RecordsMetrics,
    ) -> io::Result<(Self, Desk)> {
        let bills = Rolling::new(options.directory.clone(), "billing", Every::Day);
        let calls_file = Rolling::new(options.directory.clone(), "calls", Every::Hour);
        calls_file.mend()?;
        let last_hash = chain::resume(&options.directory)?;
        let mut rater = Rater::new(card);
        rater.resume(rated);
        let mut writer = Writer {
            directory: options.directory.clone(),
            lock,
            touched: Stopwatch::start(),
            set_aside: chain::set_aside(&options.directory)?,
            network: Arc::clone(network),
            calls: CallsWriter::new(Vec::with_capacity(CHUNK), &fields::FIELDS),
            calls_file,
            rater,
            ledger: Ledger::new(Vec::new(), &last_hash),
            bills,
            bills_waiting: 0,
            failing: Failing::new(metrics.failing.clone()),
            progress: Arc::default(),
            metrics: metrics.clone(),
        };
        writer.look_around();
        let (jobs, inbox) = bounded(options.queue.max(1));
        let sync_every = options.sync_every;
        let progress = Arc::clone(&writer.progress);
        let thread = thread::Builder::new()
            .name("records".to_owned())
            .spawn(move || writer.run(&inbox, sync_every))?;
        let desk = Desk { jobs: jobs.clone(), waiting: VecDeque::new(), metrics: metrics.clone() };
        Ok((Self { jobs, thread, progress, card: None, metrics }, desk))
    }

    /// Its queue.
    #[must_use]
    pub fn queue(&self) -> Watched {
        Watched::sender("records", &self.jobs)
    }

    /// Rates by this card as soon as the thread takes it.
    pub fn load(&mut self, card: RateCard) {
        self.card = Some(card);
        self.turn();
    }

    /// Hands over what has found no room before, without waiting.
    pub fn turn(&mut self) {
        let Some(card) = self.card.take() else { return };
        if let Err(TrySendError::Full(Job::Card(card))) = self.jobs.try_send(Job::Card(card)) {
            self.card = Some(card);
        }
    }

    /// Whether the thread is gone.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Has the thread panic.
    #[cfg(test)]
    pub(super) fn panic(&self) {
        let _ = self.jobs.send(Job::Panic);
    }

    /// For whoever wants to know what was rated, and can wait.
    #[must_use]
    pub fn rated(&self) -> Rated {
        Rated(self.jobs.clone())
    }

    /// Counts what is lost from now on.
    #[must_use]
    pub fn losses(&self) -> Losses {
        self.metrics.losses()
    }

    /// Writes what there is, and ends. `None` when the thread panicked, or goes no further: its disk hangs, and what is not
    /// written is lost.
    #[must_use]
    pub fn stop(self, by: Deadline) -> Option<Ended> {
        // Nobody is left to hear it when the thread panicked: then that is told below.
        let told = || match self.jobs.send_timeout(Job::Stop, HUNG_AFTER.min(by.left())) {
            Err(SendTimeoutError::Timeout(_)) => None,
            _ => Some(()),
        };
        if while_going_on(&self.progress, by, told).is_some() {
            let ended = joining(self.thread)?;
            let ended = || ended.recv_timeout(HUNG_AFTER.min(by.left())).ok();
            match while_going_on(&self.progress, by, ended) {
                Some(Ok(ended)) => return Some(ended),
                Some(Err(_)) => {
                    tracing::error!(event = "records_panicked", "what was not written is lost");
                    return None;
                }
                None => {}
            }
        }
        tracing::error!(
            event = "records_hung",
            bills = self.metrics.waiting.get(),
            records = self.jobs.len(),
            "the disk does not answer: these are lost, with the call records of the last moment"
        );
        None
    }
}

/// Tries until there is something, the time is over, or a try saw no progress.
fn while_going_on<T>(progress: &AtomicU64, by: Deadline, attempt: impl Fn() -> Option<T>) -> Option<T> {
    loop {
        let before = progress.load(Ordering::Relaxed);
        if let Some(found) = attempt() {
            return Some(found);
        }
        if by.left().is_zero() || progress.load(Ordering::Relaxed) == before {
            return None;
        }
    }
}

/// Asks what was rated.
pub struct Rated(Sender<Job>);

impl Rated {
    /// What was rated so far; `None` when the thread is gone, or does not answer soon.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        let (reply, answer) = bounded(1);
        self.0.send_timeout(Job::Memory(reply), RATED_WITHIN).ok()?;
        answer.recv_timeout(RATED_WITHIN).ok()
    }
}

struct Writer {
    directory: PathBuf,
    /// For as long as something may be written.
    lock: DirectoryLock,
    /// Since the lock was.
    touched: Stopwatch,
    /// Damaged files of bills that the operator has not taken away yet.
    set_aside: Vec<PathBuf>,
    network: Arc<Network>,
    calls: CallsWriter<Vec<u8>>,
    calls_file: Rolling,
    rater: Rater,
    ledger: Ledger<Vec<u8>>,
    bills: Rolling,
    /// Bills in the ledger's buffer.
    bills_waiting: u64,
    failing: Failing,
    progress: Arc<AtomicU64>,
    metrics: RecordsMetrics,
}

impl Writer {
    fn run(mut self, inbox: &Receiver<Job>, sync_every: Duration) -> Ended {
        let mut since_sync = Stopwatch::start();
        loop {
            match inbox.recv_timeout(sync_every) {
                Ok(Job::Record(record)) => self.record(&record),
                Ok(Job::Memory(reply)) => drop(reply.send(self.rater.memory().clone())),
                Ok(Job::Card(card)) => self.rater.load(card),
                #[cfg(test)]
                Ok(Job::Panic) => panic!("as a test wants"),
                Ok(Job::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.progress.fetch_add(1, Ordering::Relaxed);
            if since_sync.seconds() >= sync_every.as_secs_f64() {
                self.sync();
                since_sync = Stopwatch::start();
            } else if self.calls.get_ref().len() >= CHUNK
                && let Err(error) = self.write_calls()
            {
                self.failing.begin("calls", &error);
            }
        }
        let is_synced = self.sync();
        if self.bills_waiting > 0 {
            self.metrics.lose_bills("disk", self.bills_waiting);
            tracing::error!(
                event = "bills_lost",
                bills = self.bills_waiting,
                "they could not be written before the end"
            );
        }
        Ended { memory: self.rater.take_memory(), is_synced }
    }

    fn record(&mut self, record: &CallRecord) {
        // Writing to memory does not fail.
        let _ = self.calls.write(record, &self.network);
        self.metrics.written.with_label_values(&["calls"]).inc();
        if record.verdict.decision == Decision::Monetise {
            self.bill(record);
        }
    }

    fn bill(&mut self, record: &CallRecord) {
        let charge = Charge::new(record, &self.network);
        if self.bills_waiting >= BILLS_MAX as u64 {
            self.metrics.lose_bills("disk", 1);
            return;
        }
        let rated = self.rater.rate(&charge);
        self.metrics.billed(charge.sender, &rated);
        if self.ledger.append(&rated).is_err() {
            self.metrics.lose_bills("disk", 1);
            return;
        }
        self.bills_waiting += 1;
    }

    /// Whether there was anything to write. What cannot be written is lost.
    fn write_calls(&mut self) -> io::Result<bool> {
        if self.calls.get_ref().is_empty() {
            return Ok(false);
        }
        let written = self.calls_file.append(clock::now(), self.calls.get_ref());
        if written.is_err() {
            let lost = memchr::memchr_iter(b'\n', self.calls.get_ref()).count();
            self.metrics.dropped("calls", "disk").inc_by(lost as u64);
        }
        self.calls.get_mut().clear();
        written.map(|()| true)
    }

    /// Everything that was taken is on the disk, or counted, or, if it is a bill, still waiting. Whether it is on the disk.
    fn sync(&mut self) -> bool {
        let calls = self.write_calls();
        let watch = Stopwatch::start();
        let bills = self.write_bills(clock::now()).and_then(|wrote| Ok(self.bills.sync()? || wrote));
        let calls = calls.and_then(|wrote| Ok(self.calls_file.sync()? || wrote));
        self.metrics.sync_seconds.observe(watch.seconds());
        self.failing.look_at("billing", &bills);
        self.failing.look_at("calls", &calls);
        self.look_around();
        bills.is_ok() && calls.is_ok()
    }

    /// What is to be seen of the directory.
    fn look_around(&mut self) {
        self.metrics.look_at_disk(&self.directory);
        self.set_aside.retain(|path| path.exists());
        self.metrics.set_aside.set(i64::try_from(self.set_aside.len()).unwrap_or(i64::MAX));
        if self.touched.elapsed() >= TOUCH_EVERY {
            self.touched = Stopwatch::start();
            self.lock.touch();
        }
    }

    /// Whether there was anything to write.
    fn write_bills(&mut self, at: At) -> io::Result<bool> {
        if self.ledger.get_ref().is_empty() {
            return Ok(false);
        }
        self.bills.append(at, self.ledger.get_ref())?;
        self.ledger.get_mut().clear();
        self.metrics.written.with_label_values(&["billing"]).inc_by(self.bills_waiting);
        self.metrics.waiting.sub(i64::try_from(self.bills_waiting).unwrap_or(i64::MAX));
        self.bills_waiting = 0;
        Ok(true)
    }
}
