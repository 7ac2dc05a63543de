//! Traffic that is made and judged at once: frames to the pipeline, and the truth about each call to the judge's
//! thread.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::base::class::Class;
use crate::base::frame::Frame;
use crate::base::map::Map;
use crate::base::time::At;
use crate::call::Call;
use crate::evaluate::names::Names;
use crate::evaluate::truth::{NEAR, Truth, Truths, call_hash, key_hash};
use crate::pipeline::Frames;
use crate::simulate::{Traffic, TrueCall};

/// Key and setup of a call, and what it is.
type Told = (u64, At, Truth);

/// Traffic that tells the truth about its calls as it is played.
pub struct Live {
    traffic: Traffic,
    names: Names,
    sender: Sender<Told>,
    frames: u64,
}

/// What the traffic told and no record has asked for: the calls that live.
pub struct LiveTruths {
    receiver: Receiver<Told>,
    waiting: Map<u64, VecDeque<(At, Truth)>>,
}

impl Live {
    /// Both ends.
    #[must_use]
    pub fn new(traffic: Traffic, names: &Names) -> (Self, LiveTruths) {
        let (sender, receiver) = channel();
        let live = Self { traffic, names: names.clone(), sender, frames: 0 };
        (live, LiveTruths { receiver, waiting: Map::default() })
    }

    /// How many frames were asked for.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// How far the playing is, 0 to 1.
    #[must_use]
    pub fn done(&self) -> f64 {
        self.traffic.done()
    }
}

impl Frames for Live {
    fn next(&mut self) -> Option<Frame<'_>> {
        let Self { traffic, names, sender, frames } = self;
        // The truth of a call comes with its first frame. It is told before the second, and no call ends with one
        // frame.
        while let Some(call) = traffic.pop_truth() {
            tell(names, sender, &call);
        }
        *frames += 1;
        traffic.next_frame()
    }
}

fn tell(names: &Names, sender: &Sender<Told>, call: &TrueCall) {
    // A label that is no class leaves the call without a truth, and those are counted.
    let Some(label) = Class::from_name(call.truth.label) else { return };
    let truth = Truth {
        label,
        kind: names.name(call.truth.kind),
        family: names.name(call.truth.family),
        campaign: call.truth.campaign,
    };
    // Nobody takes it only when the judge's thread is gone, which the pipeline reports.
    let _ = sender.send((key_hash(call.call_key.as_bytes()), call.setup_at, truth));
}

impl LiveTruths {
    fn receive(&mut self) {
        while let Ok((key, at, truth)) = self.receiver.try_recv() {
            self.waiting.entry(key).or_default().push_back((at, truth));
        }
    }
}

impl Truths for LiveTruths {
    fn take(&mut self, call: &Call) -> Option<Truth> {
        self.receive();
        let key = call_hash(&call.key);
        let calls = self.waiting.get_mut(&key)?;
        let distance = |at: At| at.since(call.setup_at).max(call.setup_at.since(at));
        let near = (0..calls.len()).filter(|index| distance(calls[*index].0) <= NEAR);
        let nearest = near.min_by_key(|index| distance(calls[*index].0))?;
        let (_, truth) = calls.remove(nearest)?;
        if calls.is_empty() {
            self.waiting.remove(&key);
        }
        Some(truth)
    }

    fn left(&mut self) -> u64 {
        self.receive();
        self.waiting.values().map(|calls| calls.len() as u64).sum()
    }
}
