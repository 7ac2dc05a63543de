//! The one place that reads wall time: for progress lines, deadlines of adapters and file names.
//!
//! Pure code takes its time from the input ([`crate::base::time::At`]).

use std::time::Instant;

/// A running stopwatch of wall time.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is where wall time is read")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Seconds since the start.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}
