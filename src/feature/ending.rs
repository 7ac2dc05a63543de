//! The ways a call can end, as far as they tell a robot from a person.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::call::{Call, ReleasedBy};
use crate::feature::outcome::{ONE_RING_MAX, REJECT_RING_MIN, SHORT_RING_MAX, SHORT_SETUP_MAX};

/// Talk in which a code is spoken: 3 to 12 s, and hanging up.
pub const SPOKEN_TALK: RangeInclusive<Duration> = Duration::from_secs(3)..=Duration::from_secs(15);
/// Longest talk of a call that is dropped as soon as it is answered, as a handset does that has read the code: sooner
/// than anybody says a word.
const DROPPED_TALK_MAX: Duration = Duration::from_secs(2);
/// Least talk that only people have.
pub const PERSON_TALK_MIN: Duration = Duration::from_secs(20);
/// Least ringing that only a person waits: robots that want no answer give up long before, and those that wait for the
/// called handset to reject do so for 17 s at most, as published settings of such software say.
pub const PATIENT_RING_MIN: Duration = Duration::from_secs(20);
/// Least ringing that shows a missed call on any telephone.
const RING_SHOWN_MIN: Duration = Duration::from_secs(1);

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ending {
    /// The caller cut within 8 s of setup, before the called side was alerted.
    CutBeforeRinging,
    /// The caller cut within 1 s of alerting.
    CutAtRinging,
    /// The caller cut after 1 to 4 s of ringing.
    CutFirstRing,
    /// The called side rejected after 0.3 to 4 s of ringing.
    RejectedSoon,
    /// The caller cut after 4 to 12 s of ringing.
    CutSecondRing,
    /// Answered, and the caller hung up after 3 to 15 s.
    AnsweredBriefly,
    /// Answered, and dropped within 2 s.
    AnsweredDropped,
    /// Answered, and otherwise.
    Answered,
    /// It rang for more than 12 s, unanswered.
    RangOut,
    /// Busy, unreachable, no such number, refused at once, network failure, and all else.
    Failed,
}

/// How many endings there are.
pub const ENDINGS: usize = 10;

impl Ending {
    /// How `call`, which is over, ended.
    #[must_use]
    pub fn of(call: &Call) -> Self {
        if call.answer_at.is_some() {
            if call.talk_time().is_some_and(|talk| talk <= DROPPED_TALK_MAX) {
                return Self::AnsweredDropped;
            }
            let is_brief = call.talk_time().is_some_and(|talk| SPOKEN_TALK.contains(&talk));
            return if is_brief && call.released_by == Some(ReleasedBy::Calling) {
                Self::AnsweredBriefly
            } else {
                Self::Answered
            };
        }
        match (call.released_by, call.ring_time()) {
            (_, Some(ring)) if ring > ONE_RING_MAX => Self::RangOut,
            (Some(ReleasedBy::Calling), Some(ring)) if ring > SHORT_RING_MAX => Self::CutSecondRing,
            (Some(ReleasedBy::Calling), Some(ring)) if ring >= RING_SHOWN_MIN => Self::CutFirstRing,
            (Some(ReleasedBy::Calling), Some(_)) => Self::CutAtRinging,
            (Some(ReleasedBy::Calling), None) if is_soon_after_setup(call) => Self::CutBeforeRinging,
            (Some(ReleasedBy::Called), Some(ring)) if (REJECT_RING_MIN..=SHORT_RING_MAX).contains(&ring) => {
                Self::RejectedSoon
            }
            _ => Self::Failed,
        }
    }

    /// Whether only a person lets a call end so: a conversation, or long waiting for one.
    #[must_use]
    pub fn is_persons(call: &Call) -> bool {
        match call.talk_time() {
            Some(talk) => talk >= PERSON_TALK_MIN,
            None => call.ring_time().is_some_and(|ring| ring >= PATIENT_RING_MIN),
        }
    }
}

fn is_soon_after_setup(call: &Call) -> bool {
    call.end_at.is_some_and(|end| end.since(call.setup_at) <= SHORT_SETUP_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::tests::call;

    #[test]
    fn endings_are_told_apart_at_their_bounds() {
        use Ending::{
            Answered, AnsweredBriefly, AnsweredDropped, CutAtRinging, CutBeforeRinging, CutFirstRing,
            CutSecondRing, Failed, RangOut, RejectedSoon,
        };
        use ReleasedBy::{Called, Calling, Network, Timeout};
        // Alerted, answered, ended (ms after setup), by whom → ending, a person's.
        let table = [
            (None, None, 8_000, Calling, CutBeforeRinging, false),
            (None, None, 8_001, Calling, Failed, false),
            (None, None, 900, Called, Failed, false),
            (Some(2_000), None, 2_999, Calling, CutAtRinging, false),
            (Some(2_000), None, 3_000, Calling, CutFirstRing, false),
            (Some(2_000), None, 6_000, Calling, CutFirstRing, false),
            (Some(2_000), None, 6_001, Calling, CutSecondRing, false),
            (Some(2_000), None, 14_000, Calling, CutSecondRing, false),
            (Some(2_000), None, 14_001, Calling, RangOut, false),
            (Some(2_000), None, 21_999, Calling, RangOut, false),
            (Some(2_000), None, 22_000, Calling, RangOut, true),
            (Some(2_000), None, 2_299, Called, Failed, false),
            (Some(2_000), None, 6_000, Called, RejectedSoon, false),
            (Some(2_000), None, 9_000, Called, Failed, false),
            (Some(2_000), None, 3_000, Network, Failed, false),
            (Some(2_000), None, 62_000, Timeout, RangOut, true),
            (Some(2_000), Some(9_000), 24_000, Calling, AnsweredBriefly, false),
            (Some(2_000), Some(9_000), 24_000, Called, Answered, false),
            (Some(2_000), Some(9_000), 24_001, Calling, Answered, false),
            (Some(2_000), Some(9_000), 11_999, Calling, Answered, false),
            (Some(2_000), Some(9_000), 11_000, Called, AnsweredDropped, false),
            (Some(2_000), Some(9_000), 11_001, Calling, Answered, false),
            (None, Some(9_000), 29_000, Calling, Answered, true),
        ];
        for (alert, answer, end, by, ending, is_persons) in table {
            let mut call = call("48600000001", "48700000001");
            let after = |ms| call.setup_at + Duration::from_millis(ms);
            (call.alert_at, call.answer_at) = (alert.map(after), answer.map(after));
            (call.end_at, call.released_by) = (Some(after(end)), Some(by));
            assert_eq!(Ending::of(&call), ending, "{alert:?} {answer:?} {end} {by:?}");
            assert_eq!(Ending::is_persons(&call), is_persons, "{alert:?} {answer:?} {end} {by:?}");
        }
    }
}
