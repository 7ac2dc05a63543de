//! Verifies who signed for a call's numbers (STIR, SHAKEN), before the call is judged. RFC 8224 §6.2, RFC 8225, RFC 8226, RFC 8588,
//! RFC 8946; ATIS-1000074, ATIS-1000080.
//!
//! In: the heads of signed setups. Out: for each what is to be said of it, given to [`Judge::verified`], so that to the judge it
//! is an input like any other. Certificates come from files, and from the network where it is told to fetch them; then every
//! answer is written down and can be replayed.
//!
//! Not on the packets' thread, and no verdict waits for it beyond a deadline: what is not verified in time is unverified. Time is
//! packet time: a replay finds what the service found. Must not: ask whether a certificate was revoked; nothing here reads such
//! lists, so a certificate that is withdrawn is to be taken out of the files, or lasts as long as it is held.

pub mod answers;
pub mod case;
pub mod certificates;
pub mod chain;
pub mod fetch;
pub mod pool;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use crate::base::number::Party;
use crate::base::route::{Direction, RouteId};
use crate::base::time::At;
use crate::call::{Call, CallEvent, CallId, Stir, StirReason};
use crate::judge::Judge;
use crate::lookup::Resolver;

pub use answers::{Recorded, parse_answers};
pub use certificates::Local;
pub use chain::{Anchors, Chain};
pub use fetch::FetchOptions;
pub use pool::Verifier;

/// How to verify.
#[derive(Clone, Debug)]
pub struct Options {
    /// Who may vouch for certificates.
    pub anchors: Arc<Anchors>,
    /// Certificates that are known beforehand.
    pub local: Arc<Local>,
    /// How to fetch others; they are not without it.
    pub fetch: Option<FetchOptions>,
    /// How far the time of a signature may be from that of the setup, either way.
    pub freshness: Duration,
    /// Longest that a verdict waits.
    pub deadline: Duration,
    /// Most fetched certificates held.
    pub certificates_max: usize,
    /// Threads that verify.
    pub threads: usize,
}

/// A signed setup.
#[derive(Clone, Debug)]
pub struct Question {
    /// Number of its call: unique in a run.
    pub seq: u64,
    /// Its call, for whoever compares records.
    pub call: CallId,
    /// Packet time of the setup.
    pub at: At,
    /// Route it came by.
    pub route: RouteId,
    /// And which way.
    pub direction: Direction,
    /// Calling number, as the call has it.
    pub calling: Party,
    /// Called number.
    pub called: Party,
    /// Head of the setup.
    pub head: Arc<[u8]>,
    /// How often it has waited for a certificate.
    pub waits: u8,
}

impl Question {
    /// What is to be verified of a call; nothing of one that is not signed.
    #[must_use]
    pub fn of(call: &Call) -> Option<Self> {
        Some(Self {
            seq: call.seq,
            call: call.id,
            at: call.setup_at,
            route: call.route,
            direction: call.direction,
            calling: call.calling.clone(),
            called: call.called.clone(),
            head: Arc::clone(call.identity.as_ref()?),
            waits: 0,
        })
    }
}

/// Whoever can say what is to be said of signed setups.
pub trait Source: Send {
    /// Answers all questions, in their order.
    fn ask(&mut self, questions: &[Question]) -> Vec<Stir>;
}

/// Asks for all setups of a batch at once, holds the answers until they are needed, writes them down.
pub struct Verifications<W> {
    source: Box<dyn Source>,
    fetched: BTreeMap<u64, Stir>,
    /// Where answers go that do not depend on the input alone.
    journal: Option<W>,
    error: Option<io::Error>,
}

impl<W: Write> Verifications<W> {
    /// Asks `source`; answers are written to `journal`, if there is one.
    pub fn new(source: Box<dyn Source>, journal: Option<W>) -> Self {
        Self { source, fetched: BTreeMap::new(), journal, error: None }
    }

    /// Gives back what answers were written to.
    ///
    /// # Errors
    /// The first that occurred in writing.
    pub fn finish(self) -> io::Result<Option<W>> {
        self.error.map_or(Ok(self.journal), Err)
    }
}

impl<W: Write> Resolver for Verifications<W> {
    fn fetch(&mut self, _: &Judge, events: &mut dyn Iterator<Item = &CallEvent>) {
        let questions: Vec<Question> = events.filter_map(question).collect();
        let answers = if questions.is_empty() { Vec::new() } else { self.source.ask(&questions) };
        self.fetched = questions.iter().map(|question| question.seq).zip(answers).collect();
    }

    fn resolve(&mut self, judge: &mut Judge, event: &CallEvent) {
        let Some(question) = question(event) else { return };
        let stir = self.fetched.remove(&question.seq).unwrap_or(Stir::unverified(StirReason::Timeout));
        judge.verified(question.seq, stir);
        if let Some(journal) = self.journal.as_mut().filter(|_| self.error.is_none()) {
            self.error = answers::write(journal, &question, stir).err();
        }
    }
}

fn question(event: &CallEvent) -> Option<Question> {
    match event {
        CallEvent::Setup(call) => Question::of(call),
        CallEvent::Answer(_) | CallEvent::End(_) => None,
    }
}
