//! The engine on several threads, with the same output:
//!
//! ```text
//! capture ─▶ dispatcher ─▶ shard 0..N ─▶ judge ─▶ sink
//! ```
//!
//! The dispatcher assembles PDUs, finds each one's leg and cuts numbered batches; every shard gets a part of every
//! batch, empty or not. A shard decodes and follows the calls of its legs. The judge takes batch *n* from all shards
//! and merges their events by time, timers before messages, then PDU number. What must be looked up outside for a batch
//! is asked for at once, before its first event is judged. So the output depends neither on the number of shards nor on the size of batches. Between the threads run bounded channels with one sender and one
//! receiver; a batch holds some hundred messages, so that their cost does not show and all batches under way together
//! fit into the processor's second-level caches.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

use crate::assemble::{AssembleOptions, Assembler};
use crate::base::frame::{Frame, Pdu};
use crate::base::map::Seed;
use crate::base::network::Network;
use crate::call::{LegCounts, Legs, Placed, Stamped};
use crate::engine::batch::Batch;
use crate::engine::{Options, Shard};
use crate::judge::{Judge, JudgeOptions, Output};
use crate::lookup::Resolver;
use crate::rule::Ruleset;
use crate::signal::{self, Counts, Key};
use crate::simulate::Traffic;

/// How the work is cut.
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    /// Shards, 1 to 64.
    pub shards: usize,
    /// Messages in a batch, at most.
    pub batch_pdus: usize,
    /// Octets in a batch, at most, but for its last message.
    pub batch_bytes: usize,
}

impl Default for Threads {
    fn default() -> Self {
        Self { shards: 1, batch_pdus: 256, batch_bytes: 128 * 1024 }
    }
}

/// Batches to a shard, and those it has worked off, to be filled again.
type ToShard = (SyncSender<Batch>, Receiver<Batch>);
/// Events of a shard, and those that were judged, to be filled again.
type FromShard = (Receiver<Vec<Stamped>>, Sender<Vec<Stamped>>);
/// Batches under way between two threads.
const DEPTH: usize = 4;

/// Where frames come from.
pub trait Frames {
    /// The next frame; `None` at the end.
    fn next(&mut self) -> Option<Frame<'_>>;
}

impl Frames for Traffic {
    fn next(&mut self) -> Option<Frame<'_>> {
        self.next_frame()
    }
}

/// What a run leaves.
#[derive(Debug)]
pub struct Finished<S> {
    /// The judge, with its findings.
    pub judge: Judge,
    /// Messages counted, and the faults of every layer from assembly on.
    pub counts: Counts,
    /// Which legs were joined.
    pub legs: LegCounts,
    /// The assembler, for what it skipped.
    pub assembler: Assembler,
    /// The sink, back from the judge's thread.
    pub sink: S,
}

/// Takes what the judge says, in order, on the judge's thread.
pub trait Sink: Send {
    /// One output.
    fn take(&mut self, judge: &Judge, output: Output);

    /// Whoever looks up what the judge must know before an event; nobody, unless told.
    fn resolver(&mut self) -> Option<&mut dyn Resolver> {
        None
    }
}

/// Runs all frames through `threads.shards` shards.
pub fn run<S: Sink>(
    frames: &mut dyn Frames,
    network: &Arc<Network>,
    ruleset: &Arc<Ruleset>,
    (options, threads): (&Options, Threads),
    sink: S,
) -> Finished<S> {
    run_with(frames, network, judge(network, ruleset, (options, threads)), (options, threads), sink)
}

/// A judge for so many shards: it has room for a verdict on every call that they can hold.
#[must_use]
pub fn judge(
    network: &Arc<Network>,
    ruleset: &Arc<Ruleset>,
    (options, threads): (&Options, Threads),
) -> Judge {
    let verdicts_max = options.judge.verdicts_max.saturating_mul(threads.shards.clamp(1, 64));
    let judge_options = JudgeOptions { verdicts_max, ..options.judge };
    Judge::new(Arc::clone(ruleset), Arc::clone(network), judge_options)
}

/// As [`run`], with a judge that may know something already.
pub fn run_with<S: Sink>(
    frames: &mut dyn Frames,
    network: &Arc<Network>,
    mut judge: Judge,
    (options, threads): (&Options, Threads),
    mut sink: S,
) -> Finished<S> {
    let shard_count = threads.shards.clamp(1, 64);
    let mut assembler = Assembler::new(AssembleOptions { mtp: network.mtp, ..options.assemble.clone() });
    let mut counts = Counts::default();
    let mut legs = Legs::new(options.call.legs, network, options.call.seed);
    thread::scope(|scope| {
        let mut to_shards = Vec::new();
        let mut from_shards = Vec::new();
        let mut shards = Vec::new();
        for index in 0..shard_count {
            let (batch_in, batch_out) = sync_channel::<Batch>(DEPTH);
            let (events_in, events_out) = sync_channel::<Vec<Stamped>>(DEPTH);
            let (used_batch_in, used_batch_out) = channel::<Batch>();
            let (used_events_in, used_events_out) = channel::<Vec<Stamped>>();
            to_shards.push((batch_in, used_batch_out));
            from_shards.push((events_out, used_events_in));
            let shard = Shard::new(network, options.call, index == 0);
            let ends = ShardEnds {
                batches: batch_out,
                used_batches: used_batch_in,
                events: events_in,
                used_events: used_events_out,
            };
            shards.push(spawn(scope, format!("shard-{index}"), move || ends.run(shard)));
        }
        let (judge, legs, sink) = (&mut judge, &mut legs, &mut sink);
        let judging = spawn(scope, "judge".to_owned(), move || judge_all((legs, judge), &from_shards, sink));
        dispatch(frames, &mut assembler, &to_shards, (threads, options.call.seed));
        drop(to_shards);
        for shard in shards {
            // A shard that panicked takes the run with it: its calls would be missing from every figure.
            counts.merge(&shard.join().expect("a shard stopped"));
        }
        judging.join().expect("the judge stopped");
    });
    counts.faults.merge(assembler.faults());
    counts.faults.merge(&judge.faults());
    Finished { judge, counts, legs: *legs.counts(), assembler, sink }
}

/// A thread with a name, for those who watch the process.
fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    name: String,
    work: impl FnOnce() -> T + Send + 'scope,
) -> thread::ScopedJoinHandle<'scope, T> {
    // Without a thread there is no run; the system says so at its start.
    thread::Builder::new().name(name).spawn_scoped(scope, work).expect("the system gives no thread")
}

/// Reads all frames, and sends each PDU to the shard of its leg.
fn dispatch(
    frames: &mut dyn Frames,
    assembler: &mut Assembler,
    to_shards: &[ToShard],
    (threads, seed): (Threads, Seed),
) {
    let shard_count = to_shards.len();
    let mut batches: Vec<Batch> = (0..shard_count).map(|_| Batch::default()).collect();
    let (mut pdus, mut bytes) = (0, 0);
    let share = |pdu: &Pdu<'_>, batches: &mut [Batch]| match signal::key(pdu, seed) {
        key @ Key::Leg(hash) => batches[(hash >> 32) as usize % shard_count].push(pdu, key),
        key @ Key::All => batches.iter_mut().for_each(|batch| batch.push(pdu, key)),
        key @ Key::None => batches[0].push(pdu, key),
    };
    while let Some(frame) = frames.next() {
        let at = frame.at;
        assembler.push(frame, &mut |pdu| {
            pdus += 1;
            bytes += pdu.bytes.len();
            share(&pdu, &mut batches);
        });
        batches.iter_mut().for_each(|batch| batch.until = at);
        if pdus >= threads.batch_pdus || bytes >= threads.batch_bytes {
            send(&mut batches, to_shards);
            (pdus, bytes) = (0, 0);
        }
    }
    assembler.finish(&mut |pdu| share(&pdu, &mut batches));
    send(&mut batches, to_shards);
}

/// Sends every shard its part, and takes back used ones to fill again.
fn send(batches: &mut [Batch], to_shards: &[ToShard]) {
    for (batch, (sender, used)) in batches.iter_mut().zip(to_shards) {
        let mut next = used.try_recv().unwrap_or_default();
        next.clear(batch.until);
        // A shard only goes away by panicking, which the join reports.
        let _ = sender.send(std::mem::replace(batch, next));
    }
}

/// The channels of one shard.
struct ShardEnds {
    batches: Receiver<Batch>,
    used_batches: Sender<Batch>,
    events: SyncSender<Vec<Stamped>>,
    used_events: Receiver<Vec<Stamped>>,
}

impl ShardEnds {
    /// Works off all batches, then tells the calls still open.
    fn run(self, mut shard: Shard) -> Counts {
        for batch in &self.batches {
            let mut events = self.used_events.try_recv().unwrap_or_default();
            shard.warm_due(batch.until);
            for group in batch.groups() {
                group.clone().for_each(|(_, key)| shard.warm(key));
                group.for_each(|(pdu, key)| shard.handle(&pdu, key, &mut events));
            }
            shard.advance(batch.until, &mut events);
            let _ = self.events.send(events);
            let _ = self.used_batches.send(batch);
        }
        let mut events = Vec::new();
        shard.finish(&mut events);
        let _ = self.events.send(events);
        shard.counts()
    }
}

/// Takes one batch of events from every shard at a time, in one order. Further legs of a call are not judged again.
fn judge_all((legs, judge): (&mut Legs, &mut Judge), from_shards: &[FromShard], sink: &mut impl Sink) {
    let mut outputs = Vec::new();
    while let Some(mut parts) =
        from_shards.iter().map(|(events, _)| events.recv().ok()).collect::<Option<Vec<_>>>()
    {
        parts.iter().flatten().for_each(|stamped| judge.warm(&stamped.event));
        if let Some(resolver) = sink.resolver() {
            resolver.fetch(judge, &mut parts.iter().flatten().map(|stamped| &stamped.event));
        }
        merge(&mut parts, |stamped| {
            let at = stamped.stamp.at;
            let placed = legs.place(stamped);
            if let (Placed::Call(event) | Placed::Entry { event, .. }, Some(resolver)) =
                (&placed, sink.resolver())
            {
                resolver.resolve(judge, event);
            }
            judge.handle_placed(at, placed, &mut outputs);
            outputs.drain(..).for_each(|output| sink.take(judge, output));
        });
        for (part, (_, used)) in parts.into_iter().zip(from_shards) {
            let _ = used.send(part);
        }
    }
}

/// Hands on the events of all parts in the order of their stamps, leaving the parts empty. Each part is in order.
fn merge(parts: &mut [Vec<Stamped>], mut take: impl FnMut(Stamped)) {
    let mut parts: Vec<_> = parts.iter_mut().map(|part| part.drain(..)).collect();
    loop {
        let heads = parts.iter().enumerate();
        let next = heads.filter_map(|(index, part)| Some((part.as_slice().first()?.stamp, index))).min();
        let Some((_, index)) = next else { return };
        if let Some(stamped) = parts[index].next() {
            take(stamped);
        }
    }
}
