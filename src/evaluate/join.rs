//! Takes the judge's outputs on its thread, joins records to the truth, and puts them in the order of their setup where
//! that matters.
//!
//! Records come in the order in which calls end. A call waits until every call set up before it has ended, in 24 octets
//! if its order does not matter; the table of live calls bounds how long that can be.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::field::Country;
use crate::base::map::{Seed, keyed_hash};
use crate::base::network::Network;
use crate::base::time::At;
use crate::evaluate::campaigns::{Campaigns, Runs};
use crate::evaluate::counts::Counts;
use crate::evaluate::judged::{Judged, Probes, REASSIGNED, Standing};
use crate::evaluate::names::{Name, Names};
use crate::evaluate::process;
use crate::evaluate::truth::{Truths, call_hash};
use crate::judge::{CallRecord, Judge, Output};
use crate::pipeline::Sink;
use crate::rule::Ruleset;

/// Legitimate calls that were blocked, kept as examples.
pub(super) const EXAMPLES_MAX: usize = 30;
/// Those of them of one kind that one rule blocked.
pub(super) const ALIKE_MAX: usize = 3;
/// Records between two looks at the thread's processor time.
const LOOK_EVERY: u64 = 1 << 14;
/// Chooses calls for the test numbers; has nothing to do with any hash that judges.
const TEST_SEED: Seed = Seed(0x7465_7374_6361_6c6c);

/// A legitimate call that was blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its record's id.
    pub id: String,
    /// Its kind.
    pub kind: Name,
    /// Index of the rule that blocked it.
    pub rule: Option<u16>,
    /// Its setup.
    pub setup_at: At,
}

/// What a run was held against, and what came out.
#[derive(Clone, Debug, Default)]
pub struct Outcomes {
    /// Counts of all calls.
    pub counts: Counts,
    /// Campaigns.
    pub runs: Runs,
    /// The first legitimate calls that were blocked.
    pub examples: Vec<Example>,
    /// Records.
    pub records: u64,
    /// First and last setup.
    pub setups: Option<(At, At)>,
    /// Records, and the processor time in seconds that the judge's thread took for them; joining to the truth is part
    /// of it. None where the system does not tell.
    pub judged_in: Option<(u64, f64)>,
}

/// A call in the order of setups.
#[derive(Debug)]
enum Slot {
    /// Has not ended.
    Live,
    /// Ended; its order does not matter.
    Over,
    /// Ended; waits for its turn.
    Waiting(Box<Judged>),
}

/// The sink.
pub struct Join {
    network: Arc<Network>,
    truths: Box<dyn Truths>,
    probes: Probes,
    reassigned: Name,
    /// One call in this many reaches a test number.
    test_one_in: u64,
    /// Calls by number, from the oldest that lives.
    slots: VecDeque<(u64, Slot)>,
    campaigns: Campaigns,
    outcomes: Outcomes,
    seen: Arc<AtomicU64>,
}

impl Join {
    /// Joins to these truths; `seen` is counted up with every record.
    #[must_use]
    pub fn new(
        (network, ruleset): (&Arc<Network>, &Ruleset),
        (truths, names): (Box<dyn Truths>, &Names),
        test_one_in: u64,
        seen: Arc<AtomicU64>,
    ) -> Self {
        Self {
            network: Arc::clone(network),
            truths,
            probes: Probes::new(ruleset),
            reassigned: names.name(REASSIGNED),
            test_one_in: test_one_in.max(1),
            slots: VecDeque::new(),
            campaigns: Campaigns::default(),
            outcomes: Outcomes::default(),
            seen,
        }
    }

    /// The end of the run.
    #[must_use]
    pub fn finish(mut self) -> Outcomes {
        // Every call has a record by now; a slot without one would be a call without an end.
        for (_, slot) in std::mem::take(&mut self.slots) {
            if let Slot::Waiting(call) = slot {
                self.campaigns.take(&call);
            }
        }
        self.outcomes.runs = self.campaigns.finish();
        self.outcomes.counts.truth_unmatched = self.truths.left();
        self.outcomes
    }

    fn record(&mut self, record: &CallRecord) {
        self.outcomes.records += 1;
        let records = self.outcomes.records;
        if records.is_multiple_of(LOOK_EVERY) || records.is_power_of_two() {
            self.outcomes.judged_in = process::thread_seconds().map(|seconds| (records, seconds));
        }
        self.seen.fetch_add(1, Ordering::Relaxed);
        let at = record.call.setup_at;
        let (first, last) = self.outcomes.setups.unwrap_or((at, at));
        self.outcomes.setups = Some((first.min(at), last.max(at)));
        self.outcomes.counts.leak.begin(at);
        let slot = match self.truths.take(&record.call) {
            Some(truth) => self.count(Judged::new(record, truth, &self.network, &self.probes), record),
            None => {
                self.outcomes.counts.records_unmatched += 1;
                Slot::Over
            }
        };
        self.order(record.call.seq, slot);
    }

    fn count(&mut self, call: Judged, record: &CallRecord) -> Slot {
        let Outcomes { counts, examples, .. } = &mut self.outcomes;
        counts.count(&call);
        if call.standing != Standing::Legitimate || call.is_seen() {
            let is_test = keyed_hash(TEST_SEED, &call_hash(&record.call.key).to_be_bytes())
                .wrapping_add(call.setup_at.nanos())
                .is_multiple_of(self.test_one_in);
            let country: Option<Country> =
                call.number.and_then(|number| self.network.numbering.country(number));
            counts.place(&call, &self.network.routes.route(call.route).name, (country, is_test));
        }
        let is_false = call.standing != Standing::Unwanted && call.decision.keeps_away();
        let alike = examples.iter().filter(|known| (known.rule, known.kind) == (call.rule, call.truth.kind));
        if is_false && examples.len() < EXAMPLES_MAX && alike.count() < ALIKE_MAX {
            examples.push(Example {
                id: record.call.id.to_string(),
                kind: call.truth.kind,
                rule: call.rule,
                setup_at: call.setup_at,
            });
        }
        if Campaigns::wants(&call, self.reassigned) { Slot::Waiting(Box::new(call)) } else { Slot::Over }
    }

    /// Fills the call's slot, and hands on the calls whose turn it is.
    fn order(&mut self, seq: u64, slot: Slot) {
        match self.slots.binary_search_by_key(&seq, |(seq, _)| *seq) {
            Ok(index) => self.slots[index].1 = slot,
            // A record without a setup before it: it has no place to wait for.
            Err(_) => {
                if let Slot::Waiting(call) = slot {
                    self.campaigns.take(&call);
                }
            }
        }
        while let Some((_, slot)) = self.slots.pop_front_if(|(_, slot)| !matches!(slot, Slot::Live)) {
            if let Slot::Waiting(call) = slot {
                self.campaigns.take(&call);
            }
        }
    }
}

impl Sink for Join {
    fn take(&mut self, _: &Judge, output: Output) {
        match output {
            Output::Verdict { seq, .. } => self.slots.push_back((seq, Slot::Live)),
            Output::Record(record) => self.record(&record),
            Output::Marked(_) => {}
            Output::Withdrawn { seq } => self.order(seq, Slot::Over),
        }
    }
}
