//! Tollgate in the path of packets: takes them from a queue of the kernel, holds those that set up a call until the decision
//! loop has answered, and lets everything else go at once.
//!
//! One thread a queue. In: packets; answers of the decision loop, which wake it. Out: verdicts, forged packets, and for the
//! tap the messages that nobody asks about. It fails open: a question that cannot be put or is not answered before its deadline
//! counts as allowed, by reason; what it has no room for passes. Retransmissions of a held setup wait with it, and packets
//! that must not overtake it wait behind it. When it is stopped, the rules go first, then whatever is held passes, then the queue is given back. Must not: judge, or wait for
//! anything but the kernel and the deadline.

mod held;
mod raw;
mod take;

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use crate::adapter::inline::held::Held;
use crate::adapter::inline::raw::RawSockets;
use crate::adapter::nfqueue::rules::Rules;
use crate::adapter::nfqueue::{Batch, Queue, QueueOptions};
use crate::adapter::slot::{Answers, Numbered};
use crate::adapter::{Gate, Waker};
use crate::base::fail_open::FailOpen;
use crate::base::frame::Envelope;
use crate::base::time::At;
use crate::clock;
use crate::inline::{PacketJudge, Work};
use crate::wire::nfnetlink::messages;

/// A queue, and what may be held of it.
#[derive(Clone, Copy, Debug)]
pub struct InlineOptions {
    /// The queue.
    pub queue: QueueOptions,
    /// How long a setup waits for its answer.
    pub deadline: Duration,
    /// Most packets held.
    pub held_max: usize,
    /// Most octets of held packets.
    pub held_octets_max: usize,
}

impl Default for InlineOptions {
    fn default() -> Self {
        Self {
            queue: QueueOptions::default(),
            deadline: Duration::from_millis(50),
            held_max: 8_192,
            held_octets_max: 32 * 1_024 * 1_024,
        }
    }
}

/// Takes the messages that nobody asks about, in their order. Called between two verdicts: it must not wait.
pub trait Tap: Send {
    /// A message went by.
    fn see(&mut self, at: At, envelope: Envelope, message: &[u8]);
}

/// What became of packets. Read while the loop runs.
#[derive(Debug, Default)]
pub struct InlineCounts {
    /// Packets taken from the queue.
    pub packets: AtomicU64,
    /// Packets that passed unseen because the queue or its socket was full. Exact when the loop has ended, if the rules were ours;
    /// before that only what left a gap in the numbers of packets, and [`InlineCounts::unseen`] knows the rest.
    pub bypassed: AtomicU64,
    /// Packets dropped on purpose.
    pub dropped: AtomicU64,
    /// Packets that went on rewritten.
    pub replaced: AtomicU64,
    /// Packets forged and sent.
    pub forged: AtomicU64,
    /// Forged packets that could not be sent.
    pub forge_failed: AtomicU64,
    /// Packets that passed because they were cut, or several in one.
    pub unreadable: AtomicU64,
    /// Packets that passed because no judge knows their protocol.
    pub unclaimed: AtomicU64,
    /// Packets that waited behind a held one.
    pub queued: AtomicU64,
    /// Copies of held setups that were dropped because enough of them are held.
    pub surplus: AtomicU64,
    /// Verdicts that the kernel refused, and messages of it that could not be read.
    pub kernel_faults: AtomicU64,
    /// What each judge counts, by its name and that of the count; renewed every second.
    pub judges: Mutex<Vec<(&'static str, &'static str, u64)>>,
}

impl InlineCounts {
    /// Packets that passed unseen, when so many met the rules ([`Meter::packets`]); those on their way through the queue are
    /// among them.
    ///
    /// [`Meter::packets`]: crate::adapter::nfqueue::rules::Meter::packets
    #[must_use]
    pub fn unseen(&self, met: u64) -> u64 {
        met.saturating_sub(self.packets.load(Ordering::Relaxed))
    }
}

/// Ends a loop, from any thread.
#[derive(Clone, Debug)]
pub struct Stopper {
    is_stopped: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

impl Stopper {
    /// The loop ends soon after.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// The loop of one queue.
pub struct Inline {
    queue: Queue,
    judges: Vec<Box<dyn PacketJudge>>,
    gate: Gate,
    tap: Box<dyn Tap>,
    raw: RawSockets,
    held: Held,
    answers: Answers,
    answered: Receiver<Numbered>,
    stopper: Stopper,
    counts: Arc<InlineCounts>,
    options: InlineOptions,
    work: Work,
    /// Why nothing is held now.
    refusing: Option<FailOpen>,
    /// Second of the last renewal of the judges' counts.
    renewed_s: u64,
}

impl Inline {
    /// Takes the queue over. Of the judges, the first that knows a packet's protocol gets it.
    ///
    /// # Errors
    /// What the system says: it takes `CAP_NET_ADMIN` and `CAP_NET_RAW`, and a queue that nobody else has.
    pub fn open(
        options: InlineOptions,
        judges: Vec<Box<dyn PacketJudge>>,
        gate: Gate,
        tap: Box<dyn Tap>,
    ) -> io::Result<Self> {
        let waker = Arc::new(Waker::new()?);
        let (queue, answered) = bounded(options.held_max.saturating_mul(2).max(1));
        Ok(Self {
            raw: RawSockets::open()?,
            queue: Queue::open(&options.queue)?,
            judges,
            gate,
            tap,
            held: Held::new(options.held_max, options.held_octets_max),
            answers: Answers { queue, waker: Arc::clone(&waker) },
            answered,
            stopper: Stopper { is_stopped: Arc::default(), waker },
            counts: Arc::default(),
            options,
            work: Work::default(),
            refusing: None,
            renewed_s: 0,
        })
    }

    /// What ends it.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// What it counts.
    #[must_use]
    pub fn counts(&self) -> Arc<InlineCounts> {
        Arc::clone(&self.counts)
    }

    /// Runs until it is stopped. `rules` are those that fill the queue, when they are ours.
    ///
    /// # Errors
    /// What the system says when the queue can no longer be read or answered; the rules are then removed all the same.
    pub fn run(mut self, rules: Option<Rules>) -> io::Result<()> {
        let mut batch = Batch::new();
        while !self.stopper.is_stopped.load(Ordering::Acquire) {
            if !self.turn(&mut batch)? {
                self.wait();
            }
        }
        let met = rules.as_ref().and_then(|rules| rules.meter().packets());
        drop(rules);
        let counts = self.counts();
        self.drain(&mut batch)?;
        if let Some(met) = met {
            counts.bypassed.fetch_max(counts.unseen(met), Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes what is there and answers what can be answered; whether there may be more.
    fn turn(&mut self, batch: &mut Batch) -> io::Result<bool> {
        let has_more = batch.receive(&self.queue)?;
        let at = clock::now();
        let mut count = 0;
        for message in batch.datagrams().flat_map(messages) {
            if let Some(packet) = self.queue.read(message) {
                count += 1;
                self.take(at, &packet);
            }
        }
        self.settle_answers();
        self.settle_late();
        self.queue.flush()?;
        self.counts.packets.fetch_add(count, Ordering::Relaxed);
        self.renew_counts(at);
        Ok(has_more)
    }

    /// Until the queue can be read, an answer is there, or a packet is held too long.
    fn wait(&self) {
        let is_wanted = || !self.answered.is_empty() || self.stopper.is_stopped.load(Ordering::Acquire);
        self.answers.waker.sleep(Some(self.queue.as_fd()), self.held.patience(), is_wanted);
    }

    fn renew_counts(&mut self, at: At) {
        self.counts.bypassed.store(self.queue.bypassed, Ordering::Relaxed);
        self.counts.kernel_faults.store(self.queue.refused + self.queue.malformed, Ordering::Relaxed);
        let second = at.nanos() / 1_000_000_000;
        if second != self.renewed_s {
            self.renewed_s = second;
            self.renew_judges();
        }
    }

    fn renew_judges(&self) {
        let counts = self.judges.iter().flat_map(|judge| named_counts(&**judge)).collect();
        *self.counts.judges.lock().unwrap_or_else(PoisonError::into_inner) = counts;
    }

    /// Lets everything pass that is still held or queued, and gives the queue back.
    fn drain(mut self, batch: &mut Batch) -> io::Result<()> {
        self.refusing = Some(FailOpen::Draining);
        while let Some(number) = self.held.oldest() {
            self.settle(number, Err(FailOpen::Draining));
        }
        loop {
            let has_more = batch.receive(&self.queue)?;
            let at = clock::now();
            for message in batch.datagrams().flat_map(messages) {
                if let Some(packet) = self.queue.read(message) {
                    self.counts.packets.fetch_add(1, Ordering::Relaxed);
                    self.take(at, &packet);
                }
            }
            self.queue.flush()?;
            if !has_more {
                break;
            }
        }
        self.renew_judges();
        self.queue.close()
    }
}

fn named_counts(judge: &dyn PacketJudge) -> impl Iterator<Item = (&'static str, &'static str, u64)> + use<> {
    let name = judge.name();
    judge.counts().into_iter().map(move |(what, count)| (name, what, count))
}
