//! Frames to verdicts and records in one thread: assembly, decoding, call state, judge. What the threaded `pipeline`
//! must equal, byte for byte.

pub mod batch;

use std::sync::Arc;

use crate::assemble::{AssembleOptions, Assembler};
use crate::base::fault::Faults;
use crate::base::frame::{Frame, Pdu};
use crate::base::map::Seed;
use crate::base::network::Network;
use crate::base::time::At;
use crate::call::{AskedCall, Call, CallOptions, CallTable, Legs, Stamped, Told};
use crate::judge::{Judge, JudgeOptions, Output};
use crate::rule::Ruleset;
use crate::signal::{self, Context, Counts, Key, Leg, Setup, Signal, What};

/// Every limit and timer of the pure part.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Assembly.
    pub assemble: AssembleOptions,
    /// Call state; of one shard.
    pub call: CallOptions,
    /// Windows, marks, verdicts.
    pub judge: JudgeOptions,
}

impl Options {
    /// The same limits with all hashes keyed by `seed`.
    #[must_use]
    pub fn seeded(mut self, seed: Seed) -> Self {
        self.assemble.seed = seed;
        self.call.seed = seed;
        self.judge.seed = seed;
        self
    }
}

/// Decodes the PDUs of its legs and follows their calls.
#[derive(Debug)]
pub struct Shard {
    context: Context,
    calls: CallTable,
    counts: Counts,
    /// Only one shard counts a PDU that goes to all.
    counts_shared: bool,
}

impl Shard {
    /// A shard with no calls; `first` of its kind or one of several.
    #[must_use]
    pub fn new(network: &Arc<Network>, options: CallOptions, first: bool) -> Self {
        Self {
            context: Context { network: Arc::clone(network), seed: options.seed },
            calls: CallTable::new(options, Arc::clone(network)),
            counts: Counts::default(),
            counts_shared: first,
        }
    }

    /// Fetches the call of a leg into the processor's caches, if there is one. Calls that are known some messages ahead
    /// are fetched all at once instead of one after the other.
    pub fn warm(&self, key: Key) {
        if let Key::Leg(hash) = key {
            self.calls.warm(hash);
        }
    }

    /// The same for calls whose timers fire at or before `until`.
    pub fn warm_due(&self, until: At) {
        self.calls.warm_due(until);
    }

    /// The same for calls that will make room for the next `count` setups.
    pub fn warm_evicted(&self, count: usize) {
        self.calls.warm_evicted(count);
    }

    /// Takes one PDU of a leg of this shard.
    pub fn handle(&mut self, pdu: &Pdu<'_>, key: Key, out: &mut Vec<Stamped>) {
        let mut uncounted;
        let counts = if key == Key::All && !self.counts_shared {
            uncounted = Counts::default();
            &mut uncounted
        } else {
            &mut self.counts
        };
        match signal::decode(pdu, &self.context, counts) {
            Ok(Some(signal)) => {
                let hash = if let Key::Leg(hash) = key { hash } else { 0 };
                self.calls.handle(hash, signal, out);
            }
            Ok(None) => {}
            Err(error) => counts.faults.count(error.layer, error.kind),
        }
    }

    /// Takes a message by which a switch asks about a call; the call, unless it is no setup that can be read.
    pub fn ask(&mut self, pdu: &Pdu<'_>, out: &mut Vec<Stamped>) -> Option<AskedCall> {
        match signal::decode(pdu, &self.context, &mut self.counts) {
            Ok(Some(signal)) => self.calls.ask(signal.leg.hash(self.context.seed), signal, out),
            Ok(None) => None,
            Err(error) => {
                self.counts.faults.count(error.layer, error.kind);
                None
            }
        }
    }

    /// The same for a setup that was told otherwise than by a message, at `at` as input number `seq`.
    pub fn ask_setup(
        &mut self,
        (call_id, setup): (&[u8], Setup),
        (at, seq): (At, u64),
        out: &mut Vec<Stamped>,
    ) -> Option<AskedCall> {
        let leg = Leg::Sip(call_id);
        let hash = leg.hash(self.context.seed);
        let signal = Signal {
            at,
            seq,
            leg,
            what: What::Setup(setup),
            sender: 0,
            receiver: 0,
            between: None,
            cseq: 0,
            branch: 0,
            sip_status: None,
            progress_183: false,
            q850_cause: None,
            cause_location: None,
            identity: b"",
        };
        self.calls.ask(hash, signal, out)
    }

    /// The switch was told to refuse a call with these SIP and Q.850 codes.
    pub fn refuse(&mut self, call: AskedCall, at: At, codes: (u16, u8), out: &mut Vec<Stamped>) {
        self.calls.refuse(call, at, codes, out);
    }

    /// Takes what a switch tells of a finished call, at `at` as input number `seq`.
    pub fn told(&mut self, told: Told, (at, seq): (At, u64), out: &mut Vec<Stamped>) {
        let hash = told.call_id.as_deref().map_or(0, |call_id| Leg::Sip(call_id).hash(self.context.seed));
        self.calls.told(told, (hash, at, seq), out);
    }

    /// The call that a message of this leg belongs to now, as far as it has been seen.
    #[must_use]
    pub fn call_of(&self, key: Key) -> Option<&Call> {
        if let Key::Leg(hash) = key { self.calls.of_leg(hash) } else { None }
    }

    /// Calls held, live and lingering.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Fires the timers due at or before `now`.
    pub fn advance(&mut self, now: At, out: &mut Vec<Stamped>) {
        self.calls.advance(now, out);
    }

    /// Ends the run: tells the calls that have not ended.
    pub fn finish(&mut self, out: &mut Vec<Stamped>) {
        self.calls.finish(out);
    }

    /// Messages and faults counted so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = self.counts.clone();
        counts.faults.merge(self.calls.faults());
        counts
    }
}

/// The whole of it.
#[derive(Debug)]
pub struct Engine {
    assembler: Assembler,
    shard: Shard,
    legs: Legs,
    judge: Judge,
    seed: Seed,
    events: Vec<Stamped>,
}

impl Engine {
    /// An engine that has seen nothing.
    #[must_use]
    pub fn new(network: &Arc<Network>, ruleset: Arc<Ruleset>, options: Options) -> Self {
        Self {
            shard: Shard::new(network, options.call, true),
            legs: Legs::new(options.call.legs, network, options.call.seed),
            judge: Judge::new(ruleset, Arc::clone(network), options.judge),
            seed: options.call.seed,
            assembler: Assembler::new(AssembleOptions { mtp: network.mtp, ..options.assemble }),
            events: Vec::new(),
        }
    }

    /// Takes one frame.
    pub fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<Output>) {
        let Self { assembler, shard, legs, judge, seed, events } = self;
        let mut judge = |events: &mut Vec<Stamped>| {
            events
                .drain(..)
                .for_each(|stamped| judge.handle_placed(stamped.stamp.at, legs.place(stamped), out));
        };
        assembler.push(frame, &mut |pdu| {
            shard.handle(&pdu, signal::key(&pdu, *seed), events);
            judge(events);
        });
        shard.advance(frame.at, events);
        judge(events);
    }

    /// Ends the run.
    pub fn finish(&mut self, out: &mut Vec<Output>) {
        let Self { assembler, shard, legs, judge, seed, events } = self;
        assembler.finish(&mut |pdu| shard.handle(&pdu, signal::key(&pdu, *seed), events));
        shard.finish(events);
        events.drain(..).for_each(|stamped| judge.handle_placed(stamped.stamp.at, legs.place(stamped), out));
    }

    /// Which legs were joined.
    #[must_use]
    pub const fn legs(&self) -> &Legs {
        &self.legs
    }

    /// The judge, for its findings and sizes.
    #[must_use]
    pub const fn judge(&self) -> &Judge {
        &self.judge
    }

    /// Messages counted, and every fault of every layer.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = self.shard.counts();
        counts.faults.merge(self.assembler.faults());
        counts.faults.merge(&self.judge.faults());
        counts
    }

    /// Faults so far.
    #[must_use]
    pub fn faults(&self) -> Faults {
        self.counts().faults
    }
}
