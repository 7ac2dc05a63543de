//! What two test calls say about a switch. Pure.

use std::fmt;

/// What became of a test call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It came to the far end, or rang, or was answered.
    Reached,
    /// The switch refused it with this status.
    Refused(u16),
    /// The switch said nothing final in time.
    Silent,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reached => f.write_str("reached the far end"),
            Self::Refused(status) => write!(f, "was refused with {status}"),
            Self::Silent => f.write_str("had no final answer in time"),
        }
    }
}

/// What it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conclusion {
    /// Every call is refused, also the one to be allowed.
    AllRefused,
    /// Blocked calls pass and allowed calls are refused.
    Inverted,
    /// The switch does not answer.
    NoAnswer,
    /// Every call passes, also the one to be blocked.
    NothingBlocked,
    /// Block blocks and allow advances.
    Sound,
    /// The blocked call is refused, but with this status instead of the wanted one.
    WrongStatus(u16),
}

impl Conclusion {
    /// Of the call to be blocked and the one to be allowed; `wanted` is the status that the caller's side shall see.
    pub(super) fn of(blocked: Outcome, allowed: Outcome, wanted: Option<u16>) -> Self {
        use Outcome::{Reached, Refused, Silent};
        match (blocked, allowed) {
            (Refused(status), Reached) if wanted.is_some_and(|wanted| wanted != status) => {
                Self::WrongStatus(status)
            }
            (Refused(_), Reached) => Self::Sound,
            (Reached, Refused(_) | Silent) => Self::Inverted,
            (Reached, Reached) => Self::NothingBlocked,
            (Refused(_), Refused(_) | Silent) => Self::AllRefused,
            (Silent, _) => Self::NoAnswer,
        }
    }

    /// What it means, and what to set.
    pub(super) const fn advice(self) -> &'static str {
        match self {
            Self::AllRefused => {
                "The switch ends calls that Tollgate allows. Tell it to take its next route at the answer for\n\
                 allow (404, unless your profile says otherwise), and see that the test numbers have a route.\n\
                 It may also be that a rule blocks the number to be allowed: the records of Tollgate say so."
            }
            Self::Inverted => {
                "The switch has it the wrong way round: it ends calls that Tollgate allows and goes on with those\n\
                 it blocks. Some switches do so until they are told: set \"stop\" for 603 (and 608), and\n\
                 \"continue\", \"next route\" or \"route advance\" for the answer for allow (404)."
            }
            Self::NoAnswer => {
                "The switch did not answer. Is the address its signalling address, does it take calls from\n\
                 here, and over UDP?"
            }
            Self::NothingBlocked => {
                "The switch goes on with calls that Tollgate blocks. Either it does not ask Tollgate about calls\n\
                 from here (its dip timed out, or no route leads there: the metrics of Tollgate count questions),\n\
                 or no rule blocks the test number, or it takes its next route at 603: set \"stop\" for 603."
            }
            Self::Sound => "Block blocks and allow advances.",
            Self::WrongStatus(_) => {
                "The call was refused, but the caller's side is told another reason than wanted: look for a\n\
                 mapping of SIP responses in the switch. What reads as a failure of a route makes the exchange\n\
                 before it try another way."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::{Reached, Refused, Silent};

    #[test]
    fn every_pair_means_one_thing() {
        for (blocked, allowed, wanted, expected) in [
            (Refused(603), Reached, None, Conclusion::Sound),
            (Refused(603), Reached, Some(603), Conclusion::Sound),
            (Refused(480), Reached, Some(603), Conclusion::WrongStatus(480)),
            (Reached, Refused(404), Some(603), Conclusion::Inverted),
            (Reached, Silent, None, Conclusion::Inverted),
            (Reached, Reached, None, Conclusion::NothingBlocked),
            (Refused(603), Refused(404), None, Conclusion::AllRefused),
            (Silent, Silent, None, Conclusion::NoAnswer),
            (Silent, Reached, None, Conclusion::NoAnswer),
        ] {
            assert_eq!(Conclusion::of(blocked, allowed, wanted), expected, "{blocked} {allowed}");
        }
    }
}
