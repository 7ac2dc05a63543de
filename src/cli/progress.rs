//! The progress line of a long run, on a terminal only: octets, calls, rate, time left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::frame::Frame;
use crate::capture::Capture;
use crate::cli::simulate;
use crate::clock::Stopwatch;
use crate::evaluate::live::Live;
use crate::pipeline::Frames;

/// Seconds between two looks at the clock's line.
const EVERY_SECONDS: f64 = 0.1;
/// Frames between two looks at the clock.
const EVERY_FRAMES: u64 = 4096;

/// Frames of a capture, with a progress line as they pass; ends early when interrupted.
pub struct Watched {
    capture: Capture,
    bar: ProgressBar,
    calls: Arc<AtomicU64>,
    interrupted: Arc<AtomicBool>,
    started: Stopwatch,
    shown_at: f64,
}

impl Watched {
    /// Watches `capture`; `calls` is counted up by the judge's thread, `interrupted` set by Ctrl-C.
    pub fn new(capture: Capture, calls: Arc<AtomicU64>, interrupted: Arc<AtomicBool>) -> Self {
        let bar = match capture.total_bytes() {
            Some(total) => ProgressBar::new(total).with_style(style(
                "{bar:24} {bytes} of {total_bytes} · {msg} · {binary_bytes_per_sec} · {eta} left",
            )),
            None => ProgressBar::no_length()
                .with_style(style("{spinner} {bytes} · {msg} · {binary_bytes_per_sec}")),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        Self { capture, bar, calls, interrupted, started: Stopwatch::start(), shown_at: 0.0 }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.started.seconds()
    }

    /// Ends the line and gives the capture back.
    pub fn finish(self) -> Capture {
        self.bar.finish_and_clear();
        self.capture
    }

    fn show(&mut self) {
        let seconds = self.started.seconds();
        if seconds - self.shown_at < EVERY_SECONDS {
            return;
        }
        self.shown_at = seconds;
        let calls = self.calls.load(Ordering::Relaxed);
        self.bar.set_message(format!("{calls} calls, {:.0}/s", calls as f64 / seconds));
        self.bar.set_position(self.capture.bytes_read());
    }
}

impl Frames for Watched {
    fn next(&mut self) -> Option<Frame<'_>> {
        if self.interrupted.load(Ordering::Relaxed) {
            return None;
        }
        if self.capture.frames().is_multiple_of(EVERY_FRAMES) {
            self.show();
        }
        self.capture.next()
    }
}

/// Frames of traffic that is made as they pass, with a progress line; ends early when interrupted.
pub struct Played {
    live: Live,
    bar: ProgressBar,
    calls: Arc<AtomicU64>,
    interrupted: Arc<AtomicBool>,
    started: Stopwatch,
    shown_at: f64,
}

impl Played {
    /// Watches made traffic; the others as for [`Watched::new`].
    pub fn new(live: Live, calls: Arc<AtomicU64>, interrupted: Arc<AtomicBool>) -> Self {
        Self {
            live,
            bar: simulate::progress(),
            calls,
            interrupted,
            started: Stopwatch::start(),
            shown_at: 0.0,
        }
    }

    /// Ends the line.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }

    fn show(&mut self) {
        let seconds = self.started.seconds();
        if seconds - self.shown_at < EVERY_SECONDS {
            return;
        }
        self.shown_at = seconds;
        let calls = self.calls.load(Ordering::Relaxed);
        self.bar.set_message(format!("{calls} calls, {:.0}/s", calls as f64 / seconds));
        self.bar.set_position((self.live.done() * simulate::STEPS) as u64);
    }
}

impl Frames for Played {
    fn next(&mut self) -> Option<Frame<'_>> {
        if self.interrupted.load(Ordering::Relaxed) {
            return None;
        }
        if self.live.frames().is_multiple_of(EVERY_FRAMES) {
            self.show();
        }
        self.live.next()
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
