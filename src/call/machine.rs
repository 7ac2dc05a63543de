//! The life of a call attempt, for both protocols: RFC 3261 §9, §13, §15; ITU-T Q.764 §2.1–§2.3, §2.9.
//!
//! ```text
//!             Alert               Answer
//! Proceeding ───────▶ Alerting ──────────▶ Answered ──┐
//!     │  │               │ │                  ▲       │ Release, Reset
//!     │  └── Cancel ─────┼─┴─▶ Cancelled ─────┘       │
//!     │                  │         │ Refuse    Answer │ (crossed the CANCEL)
//!     └── Refuse, Release, Reset ──┴──────────────▶ Ended
//! ```

use crate::call::event::ReleasedBy;
use crate::signal::What;

/// Where a call attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Set up, not alerted.
    Proceeding,
    /// The called side is alerted.
    Alerting,
    /// Cancelled by the calling side; its final response is awaited.
    Cancelled,
    /// Answered.
    Answered,
    /// Over.
    Ended,
}

/// Which side of the call sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The side that set it up.
    Calling,
    /// The other.
    Called,
}

/// What a message does to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing that anyone is told.
    Nothing,
    /// Alerting began.
    Alert,
    /// Answered.
    Answer,
    /// Cancelled; the end comes with the final response.
    Cancel,
    /// Ended.
    End(ReleasedBy),
}

/// The message's codes that tell who released.
#[derive(Clone, Copy, Debug, Default)]
pub struct Codes {
    /// SIP status of a response.
    pub sip_status: Option<u16>,
    /// Q.850 cause.
    pub q850_cause: Option<u8>,
    /// Location of the cause.
    pub cause_location: Option<u8>,
}

/// The next state, and what happened.
#[must_use]
pub fn step(state: State, what: &What, from: Side, codes: Codes) -> (State, Effect) {
    use State::{Alerting, Answered, Cancelled, Ended, Proceeding};
    match (state, what) {
        (Ended, _) | (_, What::Setup(_) | What::More(_) | What::Progress | What::Reinvite | What::Other) => {
            (state, Effect::Nothing)
        }
        (_, What::Reset | What::GroupReset { .. } | What::ReleaseComplete) => {
            (Ended, Effect::End(ReleasedBy::Network))
        }

        (Proceeding, What::Alert) => (Alerting, Effect::Alert),
        (Alerting | Cancelled | Answered, What::Alert) => (state, Effect::Nothing),

        (Proceeding | Alerting | Cancelled, What::Answer) => (Answered, Effect::Answer),
        (Answered, What::Answer) => (state, Effect::Nothing),

        (Proceeding | Alerting, What::Cancel) => (Cancelled, Effect::Cancel),
        (Cancelled | Answered, What::Cancel) => (state, Effect::Nothing),

        // A challenge (RFC 3261 §22): the caller tries again with credentials, in the same call.
        (Proceeding | Alerting, What::Refuse) if matches!(codes.sip_status, Some(401 | 407)) => {
            (Proceeding, Effect::Nothing)
        }
        (Proceeding | Alerting, What::Refuse) => (Ended, Effect::End(refused_by(codes.sip_status))),
        (Cancelled, What::Refuse) => (Ended, Effect::End(ReleasedBy::Calling)),
        // Answers a re-INVITE.
        (Answered, What::Refuse) => (state, Effect::Nothing),

        (Proceeding | Alerting, What::Release) => (Ended, Effect::End(released_unanswered_by(from, codes))),
        (Cancelled, What::Release) => (Ended, Effect::End(ReleasedBy::Calling)),
        (Answered, What::Release) => (Ended, Effect::End(side_name(from))),
    }
}

const fn side_name(side: Side) -> ReleasedBy {
    match side {
        Side::Calling => ReleasedBy::Calling,
        Side::Called => ReleasedBy::Called,
    }
}

/// Who refused, by final status: the called person's own refusals (RFC 3261 §21.4, §21.6, RFC 8197), a CANCEL that was
/// not seen, else the network.
const fn refused_by(status: Option<u16>) -> ReleasedBy {
    match status {
        Some(480 | 486 | 600 | 603 | 607) => ReleasedBy::Called,
        Some(487) => ReleasedBy::Calling,
        _ => ReleasedBy::Network,
    }
}

/// Who released an unanswered ISUP call: the calling side when the REL goes forward; backward, the user when the cause
/// says so (Q.850: 16 normal, 17 busy, 21 rejected, or location "user"), else the network. A forward REL with a cause of
/// the network's classes (Q.850 §2.2.5: 34 to 47, 102) is the network's too.
fn released_unanswered_by(from: Side, codes: Codes) -> ReleasedBy {
    match (from, codes.q850_cause) {
        (_, Some(34..=47 | 102)) => ReleasedBy::Network,
        (Side::Calling, _) => ReleasedBy::Calling,
        (Side::Called, Some(16 | 17 | 21)) => ReleasedBy::Called,
        (Side::Called, Some(31)) if codes.cause_location == Some(0) => ReleasedBy::Called,
        (Side::Called, _) => ReleasedBy::Network,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(steps: &[(What, Side, Codes)]) -> (State, Vec<Effect>) {
        let mut effects = Vec::new();
        let mut state = State::Proceeding;
        for (what, side, codes) in steps {
            let (next, effect) = step(state, what, *side, *codes);
            state = next;
            effects.push(effect);
        }
        (state, effects)
    }

    const NONE: Codes = Codes { sip_status: None, q850_cause: None, cause_location: None };

    fn sip(status: u16) -> Codes {
        Codes { sip_status: Some(status), ..NONE }
    }

    fn isup(cause: u8, location: u8) -> Codes {
        Codes { q850_cause: Some(cause), cause_location: Some(location), ..NONE }
    }

    #[test]
    fn cancelled_by_the_caller() {
        let (state, effects) = run(&[
            (What::Alert, Side::Called, sip(180)),
            (What::Cancel, Side::Calling, NONE),
            (What::Refuse, Side::Called, sip(487)),
        ]);
        assert_eq!(state, State::Ended);
        assert_eq!(effects, [Effect::Alert, Effect::Cancel, Effect::End(ReleasedBy::Calling)]);
    }

    #[test]
    fn answer_crosses_the_cancel() {
        let (_, effects) = run(&[
            (What::Cancel, Side::Calling, NONE),
            (What::Answer, Side::Called, sip(200)),
            (What::Release, Side::Calling, NONE),
        ]);
        assert_eq!(effects, [Effect::Cancel, Effect::Answer, Effect::End(ReleasedBy::Calling)]);
    }

    #[test]
    fn challenge_is_not_an_end() {
        let (state, _) = run(&[(What::Refuse, Side::Called, sip(407))]);
        assert_eq!(state, State::Proceeding);
    }

    #[test]
    fn says_who_released() {
        for (what, side, codes, by) in [
            (What::Refuse, Side::Called, sip(603), ReleasedBy::Called),
            (What::Refuse, Side::Called, sip(404), ReleasedBy::Network),
            (What::Release, Side::Calling, isup(16, 0), ReleasedBy::Calling),
            (What::Release, Side::Calling, isup(34, 5), ReleasedBy::Network),
            (What::Release, Side::Called, isup(21, 0), ReleasedBy::Called),
            (What::Release, Side::Called, isup(1, 4), ReleasedBy::Network),
            (What::Reset, Side::Called, NONE, ReleasedBy::Network),
        ] {
            assert_eq!(run(&[(what, side, codes)]).1, [Effect::End(by)], "{codes:?}");
        }
    }
}
