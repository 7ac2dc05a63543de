//! The other legs of a call, as its record names them.

use arrayvec::ArrayVec;

use crate::base::route::{Direction, RouteId};
use crate::base::time::At;
use crate::call::event::CallKey;
use crate::call::hop::Hop;

/// What told that a leg is of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum JoinedBy {
    /// The same Call-ID: a further hop, or a fork.
    CallId,
    /// A header by which one leg names the other.
    Header,
    /// `icid-value` of P-Charging-Vector (RFC 7315 §4.6).
    Icid,
    /// Calling and called number, and time.
    Numbers,
    /// Session-ID (RFC 7989).
    Session,
}

impl JoinedBy {
    /// Names in records and metrics, in the order of the enum.
    pub const NAMES: [&'static str; 5] = ["call_id", "header", "icid", "numbers", "session"];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// One further leg of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLeg {
    /// Name in its own protocol.
    pub key: CallKey,
    /// Route it was seen on.
    pub route: RouteId,
    /// Into or out of the operator's network.
    pub direction: Direction,
    /// From where to where its INVITE went.
    pub hop: Hop,
    /// Its INVITE or IAM.
    pub setup_at: At,
    /// What told that it is of the call.
    pub by: JoinedBy,
}

/// Legs of a call that its record names; further ones are counted.
pub const NAMED_MAX: usize = 4;

/// The other legs of a call, in the order in which they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegList {
    /// The first of them.
    pub named: ArrayVec<CallLeg, NAMED_MAX>,
    /// How many there were beyond.
    pub more: u32,
}

impl LegList {
    /// Takes one in.
    pub fn push(&mut self, leg: CallLeg) {
        if let Err(surplus) = self.named.try_push(leg) {
            drop(surplus);
            self.more = self.more.saturating_add(1);
        }
    }

    /// Takes in those of another list.
    pub fn append(&mut self, other: Self) {
        other.named.into_iter().for_each(|leg| self.push(leg));
        self.more = self.more.saturating_add(other.more);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.named.len() as u64 + u64::from(self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_are_named_and_all_are_counted() {
        let leg = |cic| CallLeg {
            key: CallKey::Isup { opc: 1, dpc: 2, cic },
            route: RouteId(1),
            direction: Direction::Outbound,
            hop: Hop::default(),
            setup_at: At::default(),
            by: JoinedBy::Numbers,
        };
        let mut list = LegList::default();
        (0..3).for_each(|cic| list.push(leg(cic)));
        let mut other = LegList::default();
        (3..9).for_each(|cic| other.push(leg(cic)));
        list.append(other);
        assert_eq!((list.named.len(), list.more, list.count()), (4, 5, 9));
        assert_eq!(list.named[3], leg(3));
    }
}
