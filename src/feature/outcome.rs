//! How a call counts: the definitions behind the windows.

use std::time::Duration;

use crate::base::time::At;
use crate::call::{Call, ReleasedBy};
use crate::feature::window::MEASURES;

/// Longest ringing of a *short unanswered* call. Senders of flash calls cut within 2 s of alerting and handsets that
/// read the code reject after 0.5 to 4 s, while people who give up ring for some 15 s.
pub const SHORT_RING_MAX: Duration = Duration::from_secs(4);
/// Least ringing of a short unanswered call that the called side ended: sooner it is an ordinary busy (SIP 486,
/// cause 17) behind a hasty 180.
pub const REJECT_RING_MIN: Duration = Duration::from_millis(300);
/// Longest time from setup to release of a short unanswered call that never alerted and the calling side cut:
/// post-dial delays are 2 to 6 s.
pub const SHORT_SETUP_MAX: Duration = Duration::from_secs(8);
/// Least ringing of a *one ring* call: the called phone must have rung to show a missed call.
pub const ONE_RING_MIN: Duration = Duration::from_secs(1);
/// Longest ringing of a one ring call: two rings of the slowest ringing cadence (ITU-T E.180: up to 6 s).
pub const ONE_RING_MAX: Duration = Duration::from_secs(12);

/// How a call counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// It was answered.
    pub answered: bool,
    /// It ended soon, unanswered, by the will of one side: cut, or rejected.
    pub short_unanswered: bool,
    /// The calling side let it ring once or twice.
    pub one_ring: bool,
}

impl Outcome {
    /// How `call` counts; it has been answered or has ended.
    #[must_use]
    pub fn of(call: &Call) -> Self {
        if call.answer_at.is_some() {
            return Self { answered: true, ..Self::default() };
        }
        let (Some(end_at), Some(released_by)) = (call.end_at, call.released_by) else {
            return Self::default();
        };
        Self {
            answered: false,
            short_unanswered: is_short_unanswered(call, end_at, released_by),
            one_ring: released_by == ReleasedBy::Calling
                && call.ring_time().is_some_and(|ring| (ONE_RING_MIN..=ONE_RING_MAX).contains(&ring)),
        }
    }

    /// What it adds to the counts of attempts, answered, short unanswered and one ring calls.
    #[must_use]
    pub const fn increments(self) -> [u16; MEASURES] {
        [1, self.answered as u16, self.short_unanswered as u16, self.one_ring as u16]
    }
}

fn is_short_unanswered(call: &Call, end_at: At, released_by: ReleasedBy) -> bool {
    match (released_by, call.ring_time()) {
        (ReleasedBy::Calling, Some(ring)) => ring <= SHORT_RING_MAX,
        (ReleasedBy::Calling, None) => end_at.since(call.setup_at) <= SHORT_SETUP_MAX,
        (ReleasedBy::Called, Some(ring)) => (REJECT_RING_MIN..=SHORT_RING_MAX).contains(&ring),
        (ReleasedBy::Called, None) | (ReleasedBy::Network | ReleasedBy::Timeout, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::tests::call;

    #[test]
    fn tells_flash_reject_busy_and_people_apart() {
        use ReleasedBy::{Called, Calling, Network, Timeout};
        // Alerted after, ended after (ms from setup), by whom → short unanswered, one ring.
        let table = [
            (Some(2_000), 2_000, Calling, true, false),
            (Some(2_000), 2_900, Calling, true, false),
            (Some(2_000), 6_000, Calling, true, true),
            (Some(2_000), 6_001, Calling, false, true),
            (Some(2_000), 14_000, Calling, false, true),
            (Some(2_000), 14_001, Calling, false, false),
            (None, 8_000, Calling, true, false),
            (None, 8_001, Calling, false, false),
            (None, 1_000, Called, false, false),
            (Some(2_000), 2_100, Called, false, false),
            (Some(2_000), 2_300, Called, true, false),
            (Some(2_000), 6_001, Called, false, false),
            (Some(2_000), 4_000, Network, false, false),
            (Some(2_000), 4_000, Timeout, false, false),
        ];
        for (alert, end, by, short_unanswered, one_ring) in table {
            let mut call = call("48600000001", "48700000001");
            let after = |ms| call.setup_at + Duration::from_millis(ms);
            (call.alert_at, call.end_at, call.released_by) = (alert.map(after), Some(after(end)), Some(by));
            let expected = Outcome { answered: false, short_unanswered, one_ring };
            assert_eq!(Outcome::of(&call), expected, "{alert:?} {end} {by:?}");
        }
    }
}
