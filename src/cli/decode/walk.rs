//! Captures read through once, message by message.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::assemble::{AssembleOptions, Assembler, Skips};
use crate::base::fault::Faults;
use crate::base::frame::{Frame, Pdu};
use crate::base::network::Network;
use crate::base::time::At;
use crate::call::{CallOptions, LegOptions};
use crate::capture::Capture;
use crate::cli::Failure;
use crate::cli::load::SEED;
use crate::cli::progress::Line;
use crate::inspect::describe::unit::Unit;
use crate::inspect::{Entry, Follower, Passed, Told};

/// Whoever looks at what passes. Any error ends the walk.
pub trait Visitor {
    /// A frame, before the messages that it makes whole.
    fn frame(&mut self, frame: &Frame<'_>) {
        let _ = frame;
    }

    /// A message.
    fn message(&mut self, entry: &Entry<'_>) -> io::Result<()>;

    /// A message, of which it can be left to another what it says.
    fn passed(&mut self, passed: &Passed<'_>) -> io::Result<()> {
        self.message(&passed.entry())
    }

    /// A frame, after its messages: how many there were.
    fn seen(&mut self, frame: &Frame<'_>, messages: u64) -> io::Result<()> {
        let _ = (frame, messages);
        Ok(())
    }

    /// Whether it wants to know of what is no message.
    fn wants_asides(&self) -> bool {
        false
    }

    /// What a frame was beside messages.
    fn aside(&mut self, aside: &Aside) -> io::Result<()> {
        let _ = aside;
        Ok(())
    }
}

/// Something that came without a message, or was wrong below messages.
#[derive(Clone, Debug)]
pub struct Aside {
    /// When.
    pub at: At,
    /// Number of the frame.
    pub frame: u64,
    /// Something was wrong; else it was passed over.
    pub fault: bool,
    /// Where it was wrong, as counters name it; empty when nothing was.
    pub layer: &'static str,
    /// What was wrong, or why it was passed over, as counters name it.
    pub why: &'static str,
    /// What the frame is by itself.
    pub unit: Unit,
}

/// What a walk leaves.
pub struct Walked {
    /// Messages that were put together.
    pub messages: u64,
    /// Calls set up.
    pub calls: u64,
    /// Frames read.
    pub frames: u64,
    /// What was wrong, from the file to calls.
    pub faults: Faults,
    /// What was no signalling.
    pub skips: Skips,
    /// Sentences about files that were not read in full.
    pub problems: Vec<String>,
    /// It was ended by Ctrl-C.
    pub interrupted: bool,
    /// What ended it, if the visitor did.
    pub stopped: Option<io::Error>,
}

/// What to read, and how.
pub struct Route<'r> {
    /// Capture files.
    pub captures: &'r [PathBuf],
    /// The network, whose numbering and routes calls are read with.
    pub network: &'r Arc<Network>,
    /// How legs of one call are joined.
    pub legs: LegOptions,
    /// Set by Ctrl-C.
    pub interrupted: &'r AtomicBool,
    /// Whether a progress line may be drawn.
    pub progress: bool,
}

/// Reads all captures as one run.
pub fn walk(route: &Route<'_>, visitor: &mut dyn Visitor) -> Result<Walked, Failure> {
    let mut capture =
        Capture::open(route.captures).map_err(|error| Failure::new(error.exit_code(), error))?;
    let assemble = AssembleOptions {
        seed: SEED,
        mtp: route.network.mtp,
        // Messages are shown as they passed, not as their receiver took them.
        order_wait: Duration::ZERO,
        ..AssembleOptions::default()
    };
    let call = CallOptions { seed: SEED, legs: route.legs, ..CallOptions::default() };
    let mut steps = Steps {
        assembler: Assembler::new(assemble),
        follower: Follower::new(route.network, call),
        told: Vec::new(),
    };
    let mut line = route.progress.then(|| Line::of_octets(capture.total_bytes()));
    let mut stopped = None;
    while !route.interrupted.load(Ordering::Relaxed) {
        if let Some(line) = line.as_mut().filter(|line| line.is_due(capture.frames())) {
            line.show(capture.bytes_read(), steps.follower.calls());
        }
        let Some(frame) = capture.next() else { break };
        if let Err(error) = steps.frame(frame, visitor) {
            stopped = Some(error);
            break;
        }
    }
    if let Some(line) = line {
        line.finish();
    }
    if stopped.is_none() {
        stopped = steps.rest(visitor).err();
    }
    steps.follower.finish(&mut steps.told);
    let mut faults = steps.follower.counts().faults;
    faults.merge(steps.assembler.faults());
    faults.merge(capture.faults());
    Ok(Walked {
        messages: steps.assembler.pdus(),
        calls: steps.follower.calls(),
        frames: capture.frames(),
        faults,
        skips: steps.assembler.skips().clone(),
        problems: capture.problems().to_vec(),
        interrupted: route.interrupted.load(Ordering::Relaxed),
        stopped,
    })
}

struct Steps {
    assembler: Assembler,
    follower: Follower,
    told: Vec<Told>,
}

impl Steps {
    fn frame(&mut self, frame: Frame<'_>, visitor: &mut dyn Visitor) -> io::Result<()> {
        let Self { assembler, follower, told } = self;
        let before = visitor.wants_asides().then(|| (assembler.faults().clone(), assembler.skips().clone()));
        visitor.frame(&frame);
        let (mut shown, mut messages) = (Ok(()), 0);
        assembler.push(frame, &mut |pdu| {
            messages += 1;
            show(follower, (&pdu, told), visitor, &mut shown);
        });
        shown?;
        follower.advance(frame.at, told);
        told.clear();
        visitor.seen(&frame, messages)?;
        match before {
            Some((faults, skips)) => asides(&frame, (&faults, &skips), assembler, visitor),
            None => Ok(()),
        }
    }

    /// What still waited when the captures ended.
    fn rest(&mut self, visitor: &mut dyn Visitor) -> io::Result<()> {
        let Self { assembler, follower, told } = self;
        let mut shown = Ok(());
        assembler.finish(&mut |pdu| show(follower, (&pdu, told), visitor, &mut shown));
        shown
    }
}

/// Shows a message, unless one before it could not be shown.
fn show(
    follower: &mut Follower,
    (pdu, told): (&Pdu<'_>, &mut Vec<Told>),
    visitor: &mut dyn Visitor,
    shown: &mut io::Result<()>,
) {
    let passed = follower.follow(pdu, told);
    if shown.is_ok() {
        *shown = visitor.passed(&passed);
    }
    told.clear();
}

/// Tells what has been counted since `before`.
fn asides(
    frame: &Frame<'_>,
    before: (&Faults, &Skips),
    assembler: &Assembler,
    visitor: &mut dyn Visitor,
) -> io::Result<()> {
    let (faults, skips) = before;
    if faults == assembler.faults() && skips == assembler.skips() {
        return Ok(());
    }
    let unit = Unit::of(frame);
    let aside = |fault, layer, why| Aside {
        at: frame.at,
        frame: frame.number,
        fault,
        layer,
        why,
        unit: unit.clone(),
    };
    for (layer, kind, count) in assembler.faults().nonzero() {
        let known = faults.nonzero().find(|row| (row.0, row.1) == (layer, kind)).map_or(0, |row| row.2);
        (known..count).try_for_each(|_| visitor.aside(&aside(true, layer, kind)))?;
    }
    for ((why, count), (_, known)) in assembler.skips().iter().zip(skips.iter()) {
        (known..count).try_for_each(|_| visitor.aside(&aside(false, "", why)))?;
    }
    Ok(())
}
