//! What all sources do with their frames: tell the time, put messages together, cut batches, hand them on.

use std::mem;
use std::time::Duration;

use crossbeam_channel::{SendTimeoutError, TrySendError};

use crate::assemble::{AssembleOptions, Assembler, Whole};
use crate::base::fault::{Kind, Layer};
use crate::base::frame::{Frame, Link, Pdu};
use crate::base::time::At;
use crate::capture::Timeline;
use crate::clock::{self, Stopwatch};
use crate::engine::batch::Batch;
use crate::signal;
use crate::source::counts::{Loss, SourceCounts, Tally};
use crate::source::{Outlet, Stop};

/// How long a source blocked by a full queue goes on without looking whether it is to stop.
const BLOCKED_LOOK: Duration = Duration::from_millis(10);

/// How a source cuts its batches.
#[derive(Clone, Debug)]
pub struct FeedOptions {
    /// Messages in a batch, at most, but for those that its last frame makes whole together.
    pub batch_pdus: usize,
    /// Octets in a batch, at most, but for its last message.
    pub batch_bytes: usize,
    /// How long the first message of a batch waits for others.
    pub batch_wait: Duration,
    /// How often the time is told when there are no messages.
    pub tick: Duration,
    /// How far the time that is told stays behind the clock when there are no frames: longer than a frame may be under
    /// way from its stamp to the source.
    pub tick_lag: Duration,
    /// Limits of assembly, for each thread of the source. Its seed is also that of the messages' keys.
    pub assemble: AssembleOptions,
}

impl Default for FeedOptions {
    fn default() -> Self {
        Self {
            batch_pdus: 256,
            batch_bytes: 128 * 1024,
            batch_wait: Duration::from_millis(5),
            tick: Duration::from_millis(100),
            tick_lag: Duration::from_millis(50),
            assemble: AssembleOptions::default(),
        }
    }
}

/// One thread's way from frames to batches.
#[derive(Debug)]
pub struct Feeder {
    options: FeedOptions,
    outlet: Outlet,
    stop: Stop,
    tally: Tally,
    assembler: Assembler,
    timeline: Timeline,
    batch: Batch,
    /// Since the first message of the batch.
    open: Option<Stopwatch>,
    /// Since the last batch was handed on.
    sent: Stopwatch,
    /// Since the last frame, and what time it was then.
    heard: (Stopwatch, At),
    /// Frames have come since [`idle`](Self::idle).
    is_moving: bool,
    is_cut_off: bool,
    counts: SourceCounts,
}

impl Feeder {
    /// For frames that are stamped now: there is a time before the first of them.
    pub(super) fn of_now(ends: (Outlet, Stop, Tally), options: FeedOptions) -> Self {
        // The first frame may be under way already.
        let begin = clock::now().before(options.tick_lag);
        Self::begin(ends, options, Timeline::from(begin))
    }

    /// For frames of any time: it is that of the first.
    pub(super) fn of_any_time(ends: (Outlet, Stop, Tally), options: FeedOptions) -> Self {
        Self::begin(ends, options, Timeline::default())
    }

    fn begin((outlet, stop, tally): (Outlet, Stop, Tally), options: FeedOptions, timeline: Timeline) -> Self {
        Self {
            assembler: Assembler::new(options.assemble.clone()),
            options,
            outlet,
            stop,
            tally,
            timeline,
            batch: Batch::default(),
            open: None,
            sent: Stopwatch::start(),
            heard: (Stopwatch::start(), timeline.now()),
            is_moving: false,
            is_cut_off: false,
            counts: SourceCounts::default(),
        }
    }

    /// Takes a frame, whose length on the wire is `wire_length`.
    pub fn frame(&mut self, at: At, link: Link, (bytes, wire_length): (&[u8], u32)) {
        let at = self.begin_packet(at, bytes.len());
        let frame = Frame { at, number: self.counts.packets, link, bytes, wire_length };
        let mut into = Into { batch: &mut self.batch, open: &mut self.open, options: &self.options };
        self.assembler.push(frame, &mut |pdu| into.push(&pdu));
        self.send_if_full();
    }

    /// Takes what was put together elsewhere, out of a packet of so many octets.
    pub fn whole(&mut self, at: At, whole: Whole<'_>, packet_octets: usize) {
        let at = self.begin_packet(at, packet_octets);
        let mut into = Into { batch: &mut self.batch, open: &mut self.open, options: &self.options };
        self.assembler.push_whole((at, self.counts.packets), whole, &mut |pdu| into.push(&pdu));
        self.send_if_full();
    }

    /// Takes a packet that is of no use.
    pub fn useless(&mut self, octets: usize) {
        self.counts.packets += 1;
        self.counts.bytes += octets as u64;
    }

    fn begin_packet(&mut self, at: At, octets: usize) -> At {
        self.useless(octets);
        self.is_moving = true;
        self.timeline.tell(at, &mut self.counts.faults)
    }

    fn send_if_full(&mut self) {
        if self.batch.pdus() >= self.options.batch_pdus || self.batch.octets() >= self.options.batch_bytes {
            self.send();
        }
    }

    /// Hands on what has waited long enough, and tells the time when it is due. To be called between frames, and
    /// again after [`wait`](Self::wait) when there are none.
    pub fn idle(&mut self) {
        if mem::take(&mut self.is_moving) {
            self.heard = (Stopwatch::start(), self.timeline.now());
        }
        if self.open.is_some_and(|open| open.elapsed() >= self.options.batch_wait) {
            self.send();
        } else if self.sent.elapsed() >= self.options.tick {
            self.tick();
        }
    }

    /// How long the source may wait for its next frame before it must call [`idle`](Self::idle).
    #[must_use]
    pub fn wait(&self) -> Duration {
        let tick = self.options.tick.saturating_sub(self.sent.elapsed());
        self.open.map_or(tick, |open| tick.min(self.options.batch_wait.saturating_sub(open.elapsed())))
    }

    /// Nobody wants any more of it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_cut_off || self.stop.is_set()
    }

    /// Waits that long, or until the source is told to stop; says whether it is.
    #[must_use]
    pub fn pause(&self, span: Duration) -> bool {
        self.is_cut_off || self.stop.wait(span)
    }

    /// What the source counts itself.
    pub(super) const fn counts(&mut self) -> &mut SourceCounts {
        &mut self.counts
    }

    /// Counts something broken.
    pub fn fault(&mut self, layer: Layer, kind: Kind) {
        self.counts.faults.count(layer, kind);
    }

    /// Hands on the last batch, if there is room for it, and tells the last counts.
    pub fn finish(mut self) {
        let mut into = Into { batch: &mut self.batch, open: &mut self.open, options: &self.options };
        self.assembler.finish(&mut |pdu| into.push(&pdu));
        if !self.batch.is_empty() {
            self.send();
        }
        self.tell();
    }

    /// Time has passed without a batch.
    fn tick(&mut self) {
        let (since, at) = self.heard;
        if self.timeline.has_begun() {
            self.timeline.pass(at + since.elapsed().saturating_sub(self.options.tick_lag));
            let mut into = Into { batch: &mut self.batch, open: &mut self.open, options: &self.options };
            self.assembler.tick(self.timeline.now(), &mut |pdu| into.push(&pdu));
            if !self.batch.is_empty() {
                return self.send();
            }
            let mut batch = self.outlet.used.try_recv().unwrap_or_default();
            batch.clear(self.timeline.now());
            // A queue that is full has no need of the time: what is before it tells it.
            self.is_cut_off |=
                matches!(self.outlet.batches.try_send(batch), Err(TrySendError::Disconnected(_)));
        }
        self.sent = Stopwatch::start();
        self.tell();
    }

    fn send(&mut self) {
        let mut next = self.outlet.used.try_recv().unwrap_or_default();
        next.clear(At::default());
        let mut batch = mem::replace(&mut self.batch, next);
        batch.until = self.timeline.now();
        self.open = None;
        let pdus = batch.pdus() as u64;
        match self.outlet.batches.try_send(batch) {
            Ok(()) => self.is_sent(pdus),
            Err(TrySendError::Full(batch)) => self.send_later(batch, pdus),
            Err(TrySendError::Disconnected(_)) => self.is_cut_off = true,
        }
        self.sent = Stopwatch::start();
        self.tell();
    }

    /// Waits until there is room in the queue, or the source is told to stop.
    fn send_later(&mut self, mut batch: Batch, pdus: u64) {
        self.counts.batches_held += 1;
        loop {
            let since = Stopwatch::start();
            let result = self.outlet.batches.send_timeout(batch, BLOCKED_LOOK);
            self.counts.blocked += since.elapsed();
            match result {
                Ok(()) => return self.is_sent(pdus),
                Err(SendTimeoutError::Timeout(back)) if !self.stop.is_set() => batch = back,
                Err(SendTimeoutError::Timeout(_)) => return self.counts.lose(Loss::Stopped, pdus),
                Err(SendTimeoutError::Disconnected(_)) => {
                    self.is_cut_off = true;
                    return self.counts.lose(Loss::Stopped, pdus);
                }
            }
            self.tell();
        }
    }

    const fn is_sent(&mut self, pdus: u64) {
        self.counts.pdus += pdus;
        self.counts.batches += 1;
    }

    /// Tells what was counted, for others to read.
    fn tell(&self) {
        let mut counts = self.counts.clone();
        counts.faults.merge(self.assembler.faults());
        counts.skips.merge(self.assembler.skips());
        self.tally.tell(&counts);
    }
}

/// The batch being filled.
struct Into<'f> {
    batch: &'f mut Batch,
    open: &'f mut Option<Stopwatch>,
    options: &'f FeedOptions,
}

impl Into<'_> {
    fn push(&mut self, pdu: &Pdu<'_>) {
        self.open.get_or_insert_with(Stopwatch::start);
        self.batch.push(pdu, signal::key(pdu, self.options.assemble.seed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::frame::Transport;
    use crate::source::{Inlet, queue};
    use crossbeam_channel::{Sender, bounded};
    use std::convert::Infallible;

    const INVITE: &[u8] = b"INVITE sip:a SIP/2.0\r\nCall-ID: 1\r\nl: 0\r\n\r\n";

    fn feeder(options: FeedOptions, depth: usize) -> (Feeder, Inlet, Sender<Infallible>, Tally) {
        let (outlet, inlet) = queue(depth);
        let (stop_in, stop_out) = bounded(0);
        let tally = Tally::default();
        let feeder = Feeder::of_any_time((outlet, Stop(stop_out), tally.clone()), options);
        (feeder, inlet, stop_in, tally)
    }

    fn sip(feeder: &mut Feeder, at: u64) {
        let (src, dst) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap());
        let whole = Whole::Sip { src, dst, transport: Transport::Udp, bytes: INVITE };
        feeder.whole(At::from_nanos(at), whole, INVITE.len());
    }

    fn counts(tally: &Tally) -> SourceCounts {
        let mut sum = SourceCounts::default();
        tally.add_to(&mut sum);
        sum
    }

    #[test]
    fn a_batch_is_cut_when_it_is_full() {
        let options =
            FeedOptions { batch_pdus: 3, batch_wait: Duration::from_secs(60), ..FeedOptions::default() };
        let (mut feeder, inlet, _stop, tally) = feeder(options, 4);
        (1..=7).for_each(|at| sip(&mut feeder, at));
        assert_eq!(inlet.batches.iter().take(2).map(|batch| batch.pdus()).collect::<Vec<_>>(), [3, 3]);
        assert!(inlet.batches.is_empty());
        feeder.finish();
        let last = inlet.batches.recv().unwrap();
        assert_eq!((last.pdus(), last.until), (1, At::from_nanos(7)));
        let counts = counts(&tally);
        assert_eq!((counts.packets, counts.pdus, counts.batches, counts.batches_held), (7, 7, 3, 0));
    }

    #[test]
    fn a_message_is_not_held_back_and_a_silent_wire_tells_the_time() {
        let none = Duration::ZERO;
        let options = FeedOptions { batch_wait: none, tick: none, tick_lag: none, ..FeedOptions::default() };
        let (mut feeder, inlet, _stop, _) = feeder(options, 4);
        feeder.idle();
        assert!(inlet.batches.is_empty(), "there is no time before the first frame");
        sip(&mut feeder, 5);
        feeder.idle();
        assert_eq!(inlet.batches.recv().unwrap().pdus(), 1);
        feeder.idle();
        let tick = inlet.batches.recv().unwrap();
        assert!(tick.is_empty() && tick.until > At::from_nanos(5));
        inlet.give_back(tick);
        sip(&mut feeder, 6);
        feeder.idle();
        let moved = inlet.batches.recv().unwrap();
        assert!(moved.until > At::from_nanos(6), "time does not go back behind what was told");
    }

    #[test]
    fn a_full_queue_blocks_until_the_source_is_told_to_stop() {
        let options = FeedOptions { batch_pdus: 1, ..FeedOptions::default() };
        let (mut feeder, inlet, stop, tally) = feeder(options, 1);
        sip(&mut feeder, 1);
        drop(stop);
        sip(&mut feeder, 2);
        assert!(feeder.is_over());
        feeder.finish();
        assert_eq!(inlet.batches.len(), 1);
        let counts = counts(&tally);
        assert_eq!((counts.pdus, counts.batches_held, counts.lost(Loss::Stopped)), (1, 1, 1));
        assert!(counts.blocked > Duration::ZERO);
    }

    #[test]
    fn nobody_listening_ends_a_source() {
        let (mut feeder, inlet, _stop, _) =
            feeder(FeedOptions { batch_pdus: 1, ..FeedOptions::default() }, 1);
        drop(inlet);
        sip(&mut feeder, 1);
        assert!(feeder.is_over());
    }
}
