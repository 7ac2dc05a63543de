//! Ringless voicemail: a first attempt occupies the line, is cut before it is noticed, and a second one reaches the
//! voicemail (US 11,303,754).
//!
//! Kept: the last attempt of a pair that its caller cut within [`CUT_MAX`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::map::Seed;
use crate::base::time::At;
use crate::call::{Call, ReleasedBy};
use crate::feature::behaviour::outcome::AT_ONCE_MAX;
use crate::feature::slices::Part;
use crate::feature::table::Table;

/// Longest first attempt, from setup to its cut.
pub const CUT_MAX: Duration = Duration::from_secs(3);
/// Longest time from the setup of the first attempt to that of the second.
pub const APART_MAX: Duration = Duration::from_secs(60);

/// An attempt that its caller cut early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Cut {
    setup_at: At,
    end_at: At,
}

/// Pairs whose last attempt was cut early.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Cuts {
    table: Table<(u64, u64), Cut>,
}

impl Cuts {
    /// Room for `limit` pairs.
    pub fn new(limit: usize, seed: Seed) -> Self {
        Self { table: Table::new(limit, seed) }
    }

    /// What is kept in a file.
    pub fn part(&self) -> &dyn Part {
        let Self { table } = self;
        table
    }

    /// Notes a call that ended unanswered, if it was cut early; something when another pair had to give way.
    pub fn counted(&mut self, call: &Call, rank: u32) -> Option<()> {
        let end_at = call.end_at.filter(|_| call.answer_at.is_none())?;
        let is_cut = call.released_by == Some(ReleasedBy::Calling) && end_at.since(call.setup_at) <= CUT_MAX;
        let pair = pair(call).filter(|_| is_cut)?;
        let (cut, evicted) = self.table.touch(pair, rank);
        *cut = Cut { setup_at: call.setup_at, end_at };
        evicted.map(drop)
    }

    /// Whether a call that was answered is the second attempt of a pair whose first was cut early: answered at once, with
    /// or without alerting, or set up while the first still occupied the line.
    pub fn is_ringless(&self, call: &Call) -> bool {
        let (Some(pair), Some(answer_at)) = (pair(call), call.answer_at) else { return false };
        let Some(cut) = self.table.get(&pair) else { return false };
        let is_second = cut.setup_at < call.setup_at && call.setup_at.since(cut.setup_at) <= APART_MAX;
        let is_at_once = answer_at.since(call.alert_at.unwrap_or(call.setup_at)) <= AT_ONCE_MAX;
        is_second && (is_at_once || call.setup_at < cut.end_at)
    }

    /// Pairs kept.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Octets of memory at the limit.
    pub fn bytes_max(&self) -> usize {
        self.table.bytes_max()
    }
}

fn pair(call: &Call) -> Option<(u64, u64)> {
    Some((call.calling.number?.value(), call.called.number?.value()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::tests::call;

    const SECOND: Duration = Duration::from_secs(1);

    /// A first attempt cut after 2 s; a second one set up `gap` after it, alerting after `alert` and answered after
    /// `answer` from its own setup.
    fn is_ringless(gap: Duration, alert: Option<Duration>, answer: Duration) -> bool {
        let mut cuts = Cuts::new(10, Seed(1));
        let mut first = call("12025550100", "48600000001");
        first.end_at = Some(first.setup_at + 2 * SECOND);
        first.released_by = Some(ReleasedBy::Calling);
        assert_eq!(cuts.counted(&first, 0), None);
        let mut second = first.clone();
        second.setup_at = first.setup_at + gap;
        second.alert_at = alert.map(|after| second.setup_at + after);
        second.answer_at = Some(second.setup_at + answer);
        cuts.is_ringless(&second)
    }

    #[test]
    fn the_second_attempt_reaches_voicemail_at_once() {
        assert!(is_ringless(SECOND, None, SECOND));
        assert!(is_ringless(SECOND, Some(2 * SECOND), 9 * SECOND), "while the first occupied the line");
        assert!(is_ringless(60 * SECOND, Some(2 * SECOND), 3 * SECOND));
        assert!(!is_ringless(61 * SECOND, Some(2 * SECOND), 3 * SECOND));
        assert!(!is_ringless(10 * SECOND, Some(2 * SECOND), 9 * SECOND), "somebody picked up");
        assert!(!is_ringless(10 * SECOND, None, 9 * SECOND));
    }
}
