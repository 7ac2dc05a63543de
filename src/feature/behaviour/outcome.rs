//! How a call counts as behaviour: the definitions behind the windows.

use std::time::Duration;

use crate::base::network::Network;
use crate::base::number::{Party, Shape};
use crate::base::numbering::NumberKind;
use crate::base::time::At;
use crate::call::Call;

/// Longest talk of a *brief* call: nuisance calls last some 11 s and calls from numbers not known 35 s (Hiya's figures
/// for 2019); false answers show at 15 s and less (US 9,203,952).
pub const BRIEF_MAX: Duration = Duration::from_secs(15);
/// Longest ringing of a call *answered at once*: people take 8.7 s on average.
pub const AT_ONCE_MAX: Duration = Duration::from_secs(1);

/// Final SIP statuses of numbers that do not exist: not found, gone, address incomplete, does not exist anywhere
/// (RFC 3261 §21.4, §21.6).
const INVALID_SIP: [u16; 4] = [404, 410, 484, 604];
/// Q.850 causes of numbers that do not exist: unallocated, number changed, invalid number format.
const INVALID_Q850: [u8; 3] = [1, 22, 28];

/// Whether a call failed because the called number does not exist.
#[must_use]
pub fn is_invalid(call: &Call) -> bool {
    call.answer_at.is_none()
        && (call.sip_status.is_some_and(|status| INVALID_SIP.contains(&status))
            || call.q850_cause.is_some_and(|cause| INVALID_Q850.contains(&cause)))
}

/// Whether a call was answered within [`AT_ONCE_MAX`] of alerting.
#[must_use]
pub fn is_answered_at_once(call: &Call) -> bool {
    call.answer_at.is_some() && call.ring_time().is_some_and(|ring| ring <= AT_ONCE_MAX)
}

/// Whether a calling number is none that a person has: malformed, of a country code nobody has, on the list of numbers
/// that nobody has, or a home number in no allocated block. A number that was withheld or not sent is not odd.
#[must_use]
pub fn is_odd(calling: &Party, network: &Network, at: At) -> bool {
    let numbering = &network.numbering;
    match calling.number {
        None => !matches!(calling.shape, Shape::Absent | Shape::Valid),
        Some(number) => {
            !numbering.is_assigned(number)
                || network.lists.unallocated.covers(number, at)
                || (numbering.is_home(number) && numbering.kind(number) == NumberKind::Unallocated)
        }
    }
}
