//! Switches ask, the decision loop answers: what every adapter shares.
//!
//! In: a call setup in the switch's own protocol. Out: the answer in it, once, before the deadline. An adapter fails open:
//! whatever keeps it from an answer (deadline, full queue, a setup that cannot be read) lets the call pass, and is counted
//! by reason. It answers retransmissions the same. Emergency calls are answered at once, without being asked about.
//! Must not: judge.

mod batch;
#[cfg(test)]
pub(crate) mod contract;
pub mod dip;
pub mod feed;
pub mod http;
pub mod inline;
pub mod nfqueue;
mod passed;
pub mod proxy;
pub mod push;
mod ring;
mod slot;
mod waker;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Sender, TrySendError};

use crate::base::fail_open::FailOpen;
use crate::base::frame::Envelope;
use crate::base::network::Network;
use crate::clock::{Deadline, Stopwatch};
use crate::judge::Answer;
use crate::metrics::AdapterMetrics;
use crate::signal::Setup;

pub use waker::Waker;

/// What is asked about.
#[derive(Clone, Debug)]
pub enum Asked {
    /// A message that sets a call up: INVITE or IAM.
    Message {
        /// How it came.
        envelope: Envelope,
        /// The message.
        bytes: Box<[u8]>,
    },
    /// A setup that was told in another form.
    Setup {
        /// What names the call to whoever asks; a SIP Call-ID where there is one, so that a tap knows the call again.
        call_id: Box<[u8]>,
        /// The setup.
        setup: Box<Setup>,
    },
}

/// A question about one call setup.
pub struct Query {
    /// About what.
    pub asked: Asked,
    /// When nobody waits any more; the loop does not judge a question that it finds later.
    pub deadline: Deadline,
    /// Where the answer goes.
    pub reply: Box<dyn Reply>,
}

/// Takes an answer, on the decision loop's thread: it must not wait, and forgets answers that come too late.
pub trait Reply: Send {
    /// The answer, or why there is none; whom to wake for it. Whoever has more answers to hand over may wake them later.
    fn hand_over(self: Box<Self>, answer: Result<Answer, FailOpen>) -> Option<Arc<Waker>>;
}

impl dyn Reply {
    /// Hands an answer over, and wakes whoever waits for it.
    pub fn answer(self: Box<Self>, answer: Result<Answer, FailOpen>) {
        if let Some(waker) = self.hand_over(answer) {
            waker.wake();
        }
    }
}

/// Who answers a call first, the decision loop or the deadline: one of them may.
#[derive(Clone, Debug, Default)]
pub struct Once(Arc<AtomicBool>);

impl Once {
    /// `true` for the first who asks.
    #[must_use]
    pub fn is_first(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// What an adapter may do, for all adapters at once.
#[derive(Debug, Default)]
pub struct Standing {
    /// The operator wants every call to pass.
    is_bypassed: AtomicBool,
    /// The service is about to end: calls pass.
    is_draining: AtomicBool,
}

impl Standing {
    /// Lets every call pass, or no longer.
    pub fn bypass(&self, is_bypassed: bool) {
        self.is_bypassed.store(is_bypassed, Ordering::Relaxed);
    }

    /// From now on calls pass: the service is about to end.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// Whether calls pass unasked, and why.
    #[must_use]
    pub fn fail_open(&self) -> Option<FailOpen> {
        if self.is_bypassed.load(Ordering::Relaxed) {
            Some(FailOpen::Bypass)
        } else if self.is_draining.load(Ordering::Relaxed) {
            Some(FailOpen::Draining)
        } else {
            None
        }
    }
}

/// An adapter at work.
pub trait Adapter: Send {
    /// Its name in metrics and logs.
    fn name(&self) -> &'static str;

    /// What keeps it from working, if anything does.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Reads again what it read from files, when the operator changed them.
    ///
    /// # Errors
    /// In words for the operator; it goes on with what it has.
    fn reload(&self) -> Result<(), String> {
        Ok(())
    }

    /// Answers what it has, and ends.
    fn stop(self: Box<Self>);
}

/// An adapter's way to the decision loop.
#[derive(Clone, Debug)]
pub struct Gate {
    queries: Sender<Query>,
    network: Arc<Network>,
    standing: Arc<Standing>,
    /// Counts of this adapter.
    pub metrics: AdapterMetrics,
}

impl Gate {
    /// A way through `queries`.
    #[must_use]
    pub fn new(
        queries: Sender<Query>,
        (network, standing): (Arc<Network>, Arc<Standing>),
        metrics: AdapterMetrics,
    ) -> Self {
        Self { queries, network, standing, metrics }
    }

    /// The operator's network, for what an adapter must know before it asks: emergency numbers.
    #[must_use]
    pub const fn network(&self) -> &Arc<Network> {
        &self.network
    }

    /// Asks. A question that cannot be put comes back to its reply at once.
    pub fn ask(&self, query: Query) {
        if let Some(why) = self.standing.fail_open() {
            query.reply.answer(Err(why));
        } else if let Err(error) = self.queries.try_send(query) {
            let (query, why) = match error {
                TrySendError::Full(query) => (query, FailOpen::QueueFull),
                TrySendError::Disconnected(query) => (query, FailOpen::Stopped),
            };
            query.reply.answer(Err(why));
        }
    }

    /// Whether the loop has questions that it has not taken yet.
    fn is_busy(&self) -> bool {
        !self.queries.is_empty()
    }

    /// Counts an answer that the switch was given, `since` it asked; what the switch is told then.
    #[must_use]
    pub fn settle(&self, answer: Result<Answer, FailOpen>, since: Stopwatch) -> Answer {
        match answer {
            Ok(answer) => {
                self.metrics.answered(answer.treatment.decision(), since.seconds());
                answer
            }
            Err(why) => {
                self.metrics.failed_open(why, since.seconds());
                Answer::default()
            }
        }
    }
}
