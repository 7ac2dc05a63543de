//! The progress line of a long run, on a terminal only: octets or share done, calls, rate, time left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::frame::Frame;
use crate::capture::Capture;
use crate::clock::Stopwatch;
use crate::evaluate::live::Live;
use crate::pipeline::Frames;

/// Seconds between two pictures of the line.
const EVERY_SECONDS: f64 = 0.1;
/// Frames between two looks at the clock.
const EVERY_FRAMES: u64 = 4096;
/// Steps of a line that shows a share.
const STEPS: f64 = 10_000.0;

/// The line itself, and since when it runs.
pub struct Line {
    bar: ProgressBar,
    started: Stopwatch,
    shown_at: f64,
}

impl Line {
    /// A line that counts octets, of so many when that is known.
    pub fn of_octets(total: Option<u64>) -> Self {
        match total {
            Some(total) => Self::new(
                ProgressBar::new(total),
                "{bar:24} {bytes} of {total_bytes} · {msg} · {binary_bytes_per_sec} · {eta} left",
            ),
            None => Self::new(ProgressBar::no_length(), "{spinner} {bytes} · {msg} · {binary_bytes_per_sec}"),
        }
    }

    /// A line that shows which share of traffic is made.
    pub fn of_share() -> Self {
        Self::new(ProgressBar::new(STEPS as u64), "{bar:24} {percent} % · {msg} · {eta} left")
    }

    fn new(bar: ProgressBar, template: &str) -> Self {
        let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = bar.with_style(style);
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        Self { bar, started: Stopwatch::start(), shown_at: 0.0 }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.seconds()
    }

    /// Whether the line should be drawn anew after so many frames.
    pub fn is_due(&self, frames: u64) -> bool {
        frames.is_multiple_of(EVERY_FRAMES) && self.seconds() - self.shown_at >= EVERY_SECONDS
    }

    /// Shows a share, 0 to 1.
    pub fn show_share(&mut self, done: f64, calls: u64) {
        self.show((done * STEPS) as u64, calls);
    }

    /// Shows how far it is, and how many calls that were.
    pub fn show(&mut self, position: u64, calls: u64) {
        self.shown_at = self.seconds();
        self.bar.set_message(format!("{calls} calls, {:.0}/s", calls as f64 / self.shown_at));
        self.bar.set_position(position);
    }

    /// Ends the line.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// Frames of a capture, with a progress line as they pass; ends early when interrupted.
pub struct Watched {
    capture: Capture,
    line: Line,
    calls: Arc<AtomicU64>,
    interrupted: Arc<AtomicBool>,
}

impl Watched {
    /// Watches `capture`; `calls` is counted up by the judge's thread, `interrupted` set by Ctrl-C.
    pub fn new(capture: Capture, calls: Arc<AtomicU64>, interrupted: Arc<AtomicBool>) -> Self {
        let line = Line::of_octets(capture.total_bytes());
        Self { capture, line, calls, interrupted }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.line.seconds()
    }

    /// Ends the line and gives the capture back.
    pub fn finish(self) -> Capture {
        self.line.finish();
        self.capture
    }
}

impl Frames for Watched {
    fn next(&mut self) -> Option<Frame<'_>> {
        if self.interrupted.load(Ordering::Relaxed) {
            return None;
        }
        if self.line.is_due(self.capture.frames()) {
            self.line.show(self.capture.bytes_read(), self.calls.load(Ordering::Relaxed));
        }
        self.capture.next()
    }
}

/// Frames of traffic that is made as they pass, with a progress line; ends early when interrupted.
pub struct Played {
    live: Live,
    line: Line,
    calls: Arc<AtomicU64>,
    interrupted: Arc<AtomicBool>,
}

impl Played {
    /// Watches made traffic; the others as for [`Watched::new`].
    pub fn new(live: Live, calls: Arc<AtomicU64>, interrupted: Arc<AtomicBool>) -> Self {
        Self { live, line: Line::of_share(), calls, interrupted }
    }

    /// Ends the line.
    pub fn finish(self) {
        self.line.finish();
    }
}

impl Frames for Played {
    fn next(&mut self) -> Option<Frame<'_>> {
        if self.interrupted.load(Ordering::Relaxed) {
            return None;
        }
        if self.line.is_due(self.live.frames()) {
            self.line.show_share(self.live.done(), self.calls.load(Ordering::Relaxed));
        }
        self.live.next()
    }
}
