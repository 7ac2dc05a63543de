//! Calls in flight of one key.

use serde::{Deserialize, Serialize};

use crate::feature::window::Tick;

/// Longest that a call can be in flight: calls that were answered are closed after 4 hours, see [`crate::call`], and
/// take some minutes to be answered. A count that nothing was added to for longer is the trace of ends that were lost.
const LONGEST: u32 = (4 * 3600 + 600) / Tick::SECONDS as u32;

/// A count of calls that have begun and have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InFlight {
    /// Not kept in a file: calls do not outlive the run that follows them.
    #[serde(skip)]
    count: u16,
    last: Tick,
}

impl InFlight {
    /// A call begins.
    pub fn begin(&mut self, now: Tick) {
        self.count = (self.count(now) as u16).saturating_add(1);
        self.last = self.last.max(now);
    }

    /// A call ends. One whose begin was not seen ends nothing.
    pub fn end(&mut self) {
        self.count = self.count.saturating_sub(1);
    }

    /// Calls in flight, 65,535 at most.
    #[must_use]
    pub fn count(&self, now: Tick) -> u32 {
        if now.0.saturating_sub(self.last.0) > LONGEST { 0 } else { u32::from(self.count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_that_were_lost_are_forgotten() {
        let mut flight = InFlight::default();
        flight.end();
        flight.begin(Tick(1_000));
        flight.begin(Tick(1_001));
        flight.end();
        assert_eq!(flight.count(Tick(1_001 + LONGEST)), 1);
        assert_eq!(flight.count(Tick(1_002 + LONGEST)), 0);
        flight.begin(Tick(2_000));
        assert_eq!(flight.count(Tick(2_000)), 1);
    }
}
