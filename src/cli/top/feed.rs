//! Where the screen's messages come from: a capture at the pace at which it was taken, an interface, capture agents. Each
//! is judged as a service judges, by the same table of calls and the same judge.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::assemble::{AssembleOptions, Assembler};
use crate::base::frame::{MtpPlan, Pdu};
use crate::base::network::Network;
use crate::base::time::At;
use crate::capture::Capture;
use crate::cli::load::{SEED, SetUp};
use crate::cli::top::state::State;
use crate::clock::Stopwatch;
use crate::inspect::{Follower, Told};
use crate::judge::{Judge, Output};
use crate::rule::Ruleset;
use crate::source::{Inlet, Running};

/// The longest wait after which it is looked whether to stop.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// Follows and judges calls, and tells the state.
pub struct Taker {
    state: Arc<Mutex<State>>,
    follower: Follower,
    judge: Judge,
    mtp: MtpPlan,
    ruleset: Arc<Ruleset>,
    told: Vec<Told>,
    outputs: Vec<Output>,
}

impl Taker {
    /// Tells what it sees to `state`.
    pub fn new(
        set_up: SetUp,
        (network, ruleset): (&Arc<Network>, Arc<Ruleset>),
        state: Arc<Mutex<State>>,
    ) -> Self {
        let SetUp { options, judge, .. } = set_up;
        let follower = Follower::new(network, options.call);
        let mtp = network.mtp;
        Self { state, follower, judge, mtp, ruleset, told: Vec::new(), outputs: Vec::new() }
    }

    fn message(&mut self, pdu: &Pdu<'_>) {
        let Self { state, follower, judge, ruleset, told, outputs, .. } = self;
        let entry = follower.take(pdu, told);
        let mut state = locked(state);
        state.pass(pdu.at);
        tell(&mut state, judge, ruleset, (told, outputs));
        state.message(&entry);
    }

    fn pass(&mut self, until: At) {
        let Self { state, follower, judge, ruleset, told, outputs, .. } = self;
        follower.advance(until, told);
        let mut state = locked(state);
        state.pass(until);
        tell(&mut state, judge, ruleset, (told, outputs));
    }
}

/// Judges what happened.
fn tell(
    state: &mut State,
    judge: &mut Judge,
    ruleset: &Ruleset,
    (told, outputs): (&mut Vec<Told>, &mut Vec<Output>),
) {
    for (at, placed) in told.drain(..) {
        state.placed(&placed);
        judge.handle_placed(at, placed, outputs);
        outputs.drain(..).for_each(|output| state.output(&output, ruleset));
    }
}

/// A state that nobody holds for long; one whose holder panicked is as good as it was.
pub fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Messages on their way to the screen. They stop when this is dropped.
pub struct Feed {
    stop: Option<Sender<Infallible>>,
    /// None when it may wait for a pipe in which nothing comes: the end of the program is its end.
    thread: Option<JoinHandle<()>>,
    _source: Option<Running>,
}

impl Feed {
    /// Plays a capture, so many times as fast as it was taken; `None` is as fast as it goes.
    pub fn of_capture(
        (capture, is_pipe): (Capture, bool),
        speed: Option<f64>,
        taker: Taker,
    ) -> io::Result<Self> {
        let (stop_in, stop_out) = bounded(0);
        let play = move || play(capture, speed, (taker, stop_out));
        let mut feed = Self::start(stop_in, None, Box::new(play))?;
        if is_pipe {
            feed.thread = None;
        }
        Ok(feed)
    }

    /// Takes what a source puts into its queue.
    pub fn of_source(source: Running, inlet: Inlet, taker: Taker) -> io::Result<Self> {
        let (stop_in, stop_out) = bounded(0);
        Self::start(stop_in, Some(source), Box::new(move || take(&inlet, (taker, stop_out))))
    }

    fn start(
        stop: Sender<Infallible>,
        source: Option<Running>,
        work: Box<dyn FnOnce() + Send>,
    ) -> io::Result<Self> {
        let thread = thread::Builder::new().name("top".to_owned()).spawn(work)?;
        Ok(Self { stop: Some(stop), thread: Some(thread), _source: source })
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // What it panicked with has been said.
            let _ = thread.join();
        }
    }
}

/// Plays a capture to its end, or until told to stop.
pub fn play(mut capture: Capture, speed: Option<f64>, (mut taker, stop): (Taker, Receiver<Infallible>)) {
    let options = AssembleOptions { seed: SEED, mtp: taker.mtp, ..AssembleOptions::default() };
    let mut assembler = Assembler::new(options);
    let (watch, mut first) = (Stopwatch::start(), None);
    while let Some(frame) = capture.next() {
        let since = frame.at.since(*first.get_or_insert(frame.at));
        loop {
            let due = speed.map_or(Duration::ZERO, |speed| since.div_f64(speed));
            let left = due.saturating_sub(watch.elapsed());
            match stop.recv_timeout(left.min(WAIT_MAX)) {
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) if left <= WAIT_MAX => break,
                _ => {}
            }
        }
        assembler.push(frame, &mut |pdu| taker.message(&pdu));
        taker.pass(frame.at);
    }
    assembler.finish(&mut |pdu| taker.message(&pdu));
    locked(&taker.state).has_ended = true;
}

fn take(inlet: &Inlet, (mut taker, stop): (Taker, Receiver<Infallible>)) {
    loop {
        crossbeam_channel::select! {
            recv(stop) -> _ => return,
            recv(inlet.batches) -> batch => {
                let Ok(batch) = batch else { return };
                batch.groups().flatten().for_each(|(pdu, _)| taker.message(&pdu));
                taker.pass(batch.until);
                inlet.give_back(batch);
            }
        }
    }
}
