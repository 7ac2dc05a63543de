//! The one place that reads wall time: for progress lines, deadlines of adapters and file names.
//!
//! Pure code takes its time from the input ([`crate::base::time::At`]).

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::base::time::At;

/// The wall clock's time; 1970 when the clock is set before that.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this module is where wall time is read")]
pub fn now() -> At {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    At::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

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

    /// Time since the start.
    #[must_use]
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// Seconds since the start.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0.elapsed().as_secs_f64()
    }
}

/// A moment of wall time by which something outside must have answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// That far from now.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is where wall time is read")]
    pub fn after(span: Duration) -> Self {
        Self(Instant::now() + span)
    }

    /// What is left of it; zero when it is over.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this module is where wall time is read")]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }
}
