//! Threads that verify, and threads that fetch certificates for them. A setup whose certificate is under way waits beside, not on a
//! thread; what is fetched too late for it serves the next.
//!
//! ```text
//! questions ─▶ verifying threads ─▶ answers
//!                │          ▲
//!                ▼ no certificate yet
//!          those who wait ─▶ fetching threads
//! ```

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError, bounded};

use crate::base::network::Network;
use crate::call::{Stir, StirReason};
use crate::clock::Deadline;
use crate::stir::case::{Case, Found, PASSPORTS_MAX};
use crate::stir::certificates::{Fetched, Wait};
use crate::stir::fetch::{FAILURE_HOLD, Fetcher};
use crate::stir::{Options, Question, Source};

/// Most setups on their way to a thread; further ones are not verified.
const QUEUE_MAX: usize = 1_024;
/// Most addresses on their way to be fetched.
const FETCHES_MAX: usize = 256;

/// An answer: number of the call, and what is to be said of it.
pub type Answered = (u64, Stir);

/// Verifies. Its threads end soon after it is dropped.
#[derive(Debug)]
pub struct Verifier {
    questions: Sender<Question>,
    answers: Receiver<Answered>,
    /// How long to wait for a round; without an end when nothing is fetched, for then every answer comes.
    patience: Option<Duration>,
    deadline: Duration,
}

impl Verifier {
    /// Starts its threads.
    ///
    /// # Errors
    /// A file that cannot be read; as the system says when it gives no thread.
    pub fn start(options: &Options, network: &Arc<Network>) -> io::Result<Self> {
        let (questions, asked) = bounded::<Question>(QUEUE_MAX);
        let (answered, answers) = bounded(QUEUE_MAX);
        let (fetches, wanted) = bounded(FETCHES_MAX);
        let shared = Arc::new(Shared {
            fetcher: options.fetch.as_ref().map(Fetcher::new).transpose()?,
            fetched: Mutex::new(Fetched::new(options.certificates_max)),
            options: options.clone(),
            network: Arc::clone(network),
            answered,
            fetches,
        });
        for index in 0..options.threads.max(1) {
            let (shared, asked) = (Arc::clone(&shared), asked.clone());
            let work = move || asked.iter().for_each(|question| shared.take(question));
            thread::Builder::new().name(format!("stir-{index}")).spawn(work)?;
        }
        for index in 0..options.fetch.as_ref().map_or(0, |fetch| fetch.concurrency.max(1)) {
            let (shared, wanted) = (Arc::downgrade(&shared), wanted.clone());
            thread::Builder::new()
                .name(format!("stir-fetch-{index}"))
                .spawn(move || fetch_all(&shared, &wanted))?;
        }
        let patience = options.fetch.as_ref().map(|_| options.deadline);
        Ok(Self { questions, answers, patience, deadline: options.deadline })
    }

    /// Hands over a setup to be verified; `false` when too many wait.
    #[must_use]
    pub fn submit(&self, question: Question) -> bool {
        self.questions.try_send(question).is_ok()
    }

    /// Answers as they come, in any order.
    #[must_use]
    pub const fn answers(&self) -> &Receiver<Answered> {
        &self.answers
    }

    /// Longest that a verdict is to wait for an answer.
    #[must_use]
    pub const fn deadline(&self) -> Duration {
        self.deadline
    }
}

impl Source for Verifier {
    fn ask(&mut self, questions: &[Question]) -> Vec<Stir> {
        let deadline = self.patience.map(Deadline::after);
        let mut stirs = vec![Stir::unverified(StirReason::Timeout); questions.len()];
        let mut sent = questions.iter();
        let (mut next, mut open) = (sent.next(), 0_usize);
        while next.is_some() || open > 0 {
            if let Some(question) = next {
                match self.questions.try_send(question.clone()) {
                    Ok(()) => {
                        open += 1;
                        next = sent.next();
                        continue;
                    }
                    Err(TrySendError::Full(_)) => {}
                    Err(TrySendError::Disconnected(_)) => break,
                }
            }
            let answer = match deadline {
                Some(deadline) => self.answers.recv_timeout(deadline.left()),
                None => self.answers.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let Ok((seq, stir)) = answer else { break };
            // An answer to an earlier round came too late.
            if let Some(index) = questions.iter().position(|question| question.seq == seq) {
                stirs[index] = stir;
                open = open.saturating_sub(1);
            }
        }
        stirs
    }
}

/// What all threads share.
struct Shared {
    options: Options,
    network: Arc<Network>,
    fetcher: Option<Fetcher>,
    fetched: Mutex<Fetched>,
    answered: Sender<Answered>,
    fetches: Sender<String>,
}

impl Shared {
    /// Verifies a setup, or has it wait for a certificate.
    fn take(&self, question: Question) {
        let case = match Case::read(&question, &self.network) {
            Ok(case) => case,
            Err(stir) => return self.answer(question.seq, stir),
        };
        if let Some(x5u) = case.addresses().find(|x5u| self.is_wanted(x5u)) {
            return self.wait(x5u, question);
        }
        let stir = case.judge(|x5u| self.find(x5u), (&self.options.anchors, self.options.freshness));
        self.answer(question.seq, stir);
    }

    /// Whether a certificate is to be fetched first.
    fn is_wanted(&self, x5u: &str) -> bool {
        let may_be = self.fetcher.as_ref().is_some_and(|fetcher| fetcher.admit(x5u).is_ok());
        may_be && self.options.local.find(x5u).is_none() && self.lock().find(x5u).is_none()
    }

    fn find(&self, x5u: &str) -> Found {
        if let Some(chain) = self.options.local.find(x5u) {
            return Ok(Arc::clone(chain));
        }
        crate::stir::fetch::checked(x5u)?;
        let Some(fetcher) = &self.fetcher else { return Err(StirReason::NoCertificate) };
        fetcher.admit(x5u)?;
        self.lock().find(x5u).unwrap_or(Err(StirReason::Timeout))
    }

    fn wait(&self, x5u: &str, mut question: Question) {
        // One certificate after the other may have made room for yet another while it waited.
        if usize::from(question.waits) >= PASSPORTS_MAX {
            return self.answer(question.seq, Stir::unverified(StirReason::Timeout));
        }
        question.waits += 1;
        let wait = self.lock().wait(x5u, question);
        match wait {
            Wait::Joined => {}
            Wait::Full(question) => self.answer(question.seq, Stir::unverified(StirReason::QueueFull)),
            Wait::Fetch => {
                if self.fetches.try_send(x5u.to_owned()).is_err() {
                    self.found(x5u, Err(StirReason::QueueFull), Duration::ZERO);
                }
            }
        }
    }

    /// Holds what came of a fetch, and goes on with those who waited for it.
    fn found(&self, x5u: &str, found: Found, hold: Duration) {
        let is_full = matches!(found, Err(StirReason::QueueFull));
        let waited = self.lock().put(x5u, found, hold);
        for question in waited {
            if is_full {
                self.answer(question.seq, Stir::unverified(StirReason::QueueFull));
            } else {
                self.take(question);
            }
        }
    }

    fn answer(&self, seq: u64, stir: Stir) {
        // Whoever asked is gone when the run is over.
        let _ = self.answered.send((seq, stir));
    }

    fn lock(&self) -> MutexGuard<'_, Fetched> {
        self.fetched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fetch_all(shared: &Weak<Shared>, wanted: &Receiver<String>) {
    for x5u in wanted {
        let Some(shared) = shared.upgrade() else { return };
        let Some(fetcher) = &shared.fetcher else { return };
        let (found, hold) = fetcher.fetch(&x5u);
        shared.found(&x5u, found.map(Arc::new), hold.max(FAILURE_HOLD));
    }
}
