//! Whether two setups are of one call, once something names them alike. A name alone proves nothing: whoever sends a call
//! writes it, and a forwarded call keeps it (RFC 7315 §5.6). So the numbers must agree, the order of the two along the way
//! must make sense, and what comes in from somebody else is a call of its own.

use std::time::Duration;

use crate::base::number::{Number, Party};
use crate::base::route::{Direction, Place, Routes};
use crate::base::time::At;
use crate::call::event::Call;
use crate::call::leg::JoinedBy;
use crate::call::legs::LegOptions;

/// What a later setup is to a call known before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alike {
    /// A further leg of it.
    Leg,
    /// The place where it comes in, which is seen only now.
    Entry,
}

/// Why a setup with the name of a call is none of its legs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Apart {
    /// Numbers and time point to more than one call.
    Ambiguous,
    /// It comes in from somebody else.
    ComesIn,
    /// The call is over, or was set up too long ago.
    Ended,
    /// It was forwarded in between.
    Forwarded,
    /// There is no room to follow it.
    Full,
    /// It is for another number, or from one.
    OtherNumbers,
    /// It goes between the same two elements as the call or a leg of it: it was set up beside it.
    SameHop,
    /// The call has as many legs as one may have.
    TooMany,
}

impl Apart {
    /// Names in metrics, in the order of the enum.
    pub const NAMES: [&'static str; 8] =
        ["ambiguous", "comes_in", "ended", "forwarded", "full", "other_numbers", "same_hop", "too_many"];
}

/// Digits that must agree at the end of two called numbers of which one has more in front: a national number without its
/// country code, or a routing number put before it (ITU-T Q.769.1 §6, concatenated addressing).
const TAIL_MIN: u32 = 7;
/// Longest country code (ITU-T E.164 §6.2.1), which the shorter of the two may lack.
const COUNTRY_CODE_MAX: u32 = 3;

/// What `later` is to the call `known`, which was seen first and ended at `over`.
pub(super) fn compare(
    (known, over): (&Call, Option<At>),
    later: &Call,
    by: JoinedBy,
    (routes, options): (&Routes, &LegOptions),
) -> Result<Alike, Apart> {
    let [known_place, later_place] = [known, later].map(|call| routes.place(call.way()));
    let is_numbers = by == JoinedBy::Numbers;
    // Clocks of two tap points are not quite the same. Numbers alone are too weak to bend time for them.
    let skew = if is_numbers || later_place < Place::In { Duration::ZERO } else { options.skew };
    let is_sooner = later.setup_at <= known.setup_at + skew;
    let alike = if later_place > known_place && is_sooner { Alike::Entry } else { Alike::Leg };
    if alike == Alike::Leg && later_place == Place::In {
        return Err(Apart::ComesIn);
    }
    let (first, then) = if alike == Alike::Entry { (later, known) } else { (known, later) };
    // What went out before the call came in may be on its way back.
    if routes.place(first.way()) == Place::In && first.setup_at > then.setup_at + options.skew {
        return Err(Apart::ComesIn);
    }
    let window = if is_numbers { options.numbers } else { options.within };
    let distance = first.setup_at.since(then.setup_at).max(then.setup_at.since(first.setup_at));
    // What is over may still have a leg that is told late; but it has its record, and comes in nowhere else.
    let is_over = over.is_some_and(|over| alike == Alike::Entry || later.setup_at > over);
    if is_over || distance > window {
        return Err(Apart::Ended);
    }
    if is_forwarded(first, then) {
        return Err(Apart::Forwarded);
    }
    let is_strict = is_numbers || later_place == Place::Unknown;
    if !have_same_numbers(first, then, is_strict) {
        return Err(Apart::OtherNumbers);
    }
    let goes_through = (first.direction, then.direction) == (Direction::Inbound, Direction::Outbound);
    if is_numbers && !(goes_through && first.setup_at <= then.setup_at) {
        return Err(Apart::ComesIn);
    }
    Ok(alike)
}

/// Whether the call was forwarded between the two.
fn is_forwarded(first: &Call, then: &Call) -> bool {
    let forwarder = |call: &Call| call.diverting.as_ref().map(|party| (party.number, party.raw.clone()));
    let is_same = match (forwarder(first), forwarder(then)) {
        (_, None) => true,
        (Some((Some(one), _)), Some((Some(other), _))) => one == other,
        (one, other) => one == other,
    };
    !is_same || then.claims.diversions > first.claims.diversions
}

/// Whether two setups are between the same two. `is_strict`: nothing is taken for the same that is not known.
fn have_same_numbers(first: &Call, then: &Call, is_strict: bool) -> bool {
    let (callings, calleds) =
        (first.calling.number.zip(then.calling.number), first.called.number.zip(then.called.number));
    if is_strict {
        return callings.is_some_and(|(one, other)| one == other)
            && calleds.is_some_and(|(one, other)| one == other);
    }
    callings.is_none_or(|(one, other)| one == other) && is_same_called(&first.called, &then.called)
}

/// The same number; or one with a routing number before it, or without its country code.
pub(in crate::call) fn is_same_called(one: &Party, other: &Party) -> bool {
    match (one.number, other.number) {
        (Some(one), Some(other)) => one == other || ends_alike(one, other),
        (None, None) => !one.raw.is_empty() && one.raw == other.raw,
        _ => false,
    }
}

fn ends_alike(one: Number, other: Number) -> bool {
    let (short, long) = if one.digit_count() < other.digit_count() { (one, other) } else { (other, one) };
    let tail = short.digit_count().saturating_sub(COUNTRY_CODE_MAX).max(TAIL_MIN);
    let unit = 10_u64.pow(tail);
    short.digit_count() < long.digit_count()
        && short.digit_count() >= tail
        && short.value() % unit == long.value() % unit
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(digits: &str) -> Number {
        Number::from_digits(digits.as_bytes()).unwrap()
    }

    #[test]
    fn a_routing_number_in_front_is_no_other_number() {
        for (one, other, expected) in [
            ("48601000001", "48260601000001", true),
            ("48601000001", "601000001", true),
            ("48601000001", "48601000002", false),
            ("48601000001", "48260601000002", false),
            // As many digits: another number, however much is the same.
            ("48601000001", "49601000001", false),
            ("481234567", "1234567", true),
            ("48234567", "991234567", false),
        ] {
            let (one, other) = (number(one), number(other));
            let is_same = |one, other| is_same_called(&Party::from(one), &Party::from(other));
            assert_eq!((is_same(one, other), is_same(other, one)), (expected, expected), "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_number_is_compared_as_written() {
        let party = |raw: &str| Party { raw: raw.bytes().collect(), ..Party::default() };
        assert!(is_same_called(&party("112"), &party("112")));
        assert!(!is_same_called(&party("112"), &party("113")));
        assert!(!is_same_called(&party(""), &party("")));
        assert!(!is_same_called(&party("112"), &Party::from(number("48601000001"))));
    }
}
