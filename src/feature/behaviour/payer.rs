//! Who pays for calls to high-cost numbers abroad: how many such calls, to how many numbers, how new these are.
//!
//! A hacked exchange, a hijacked forwarding and a web form filled in by a robot have this in common: one customer's
//! number suddenly calls expensive numbers it has never called before.

use arrayvec::ArrayVec;
use serde::{Deserialize, Serialize};

use crate::feature::behaviour::flight::InFlight;
use crate::feature::window::{Ring, Sum, Tick, Window};

/// Called numbers told apart; of more than these the newest count.
pub const CALLED_MAX: usize = 32;

/// When a payer first called a high-cost number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    first: Tick,
}

impl Contact {
    /// Ticks for which a contact is new: fraud is over within hours, who still calls after a day has a reason.
    const NEW: u32 = (24 * 3600 / Tick::SECONDS) as u32;

    /// The number is called; whether the contact is new.
    pub fn meet(&mut self, now: Tick) -> bool {
        if self.first == Tick(0) {
            self.first = now;
        }
        self.is_new(now)
    }

    /// Whether the number was first called less than 24 hours ago.
    #[must_use]
    pub const fn is_new(self, now: Tick) -> bool {
        now.0.saturating_sub(self.first.0) < Self::NEW
    }
}

/// What one number pays for.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Payer {
    /// Calls in flight.
    pub in_flight: InFlight,
    /// Attempts; of these to new contacts.
    attempts: Ring<{ Window::Hour.bucket_ticks() }>,
    /// Hashes of called numbers and when each was last called, in no order.
    called: ArrayVec<(u32, Tick), CALLED_MAX>,
    talk: Sum<{ Window::Day.bucket_ticks() }, u32>,
}

/// Figures of a payer at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Calls counted in 1 hour.
    pub attempts_1h: u32,
    /// Of these, to numbers first called less than 24 hours before.
    pub new_1h: u32,
    /// Distinct called numbers in 10 minutes, [`CALLED_MAX`] at most.
    pub called_10m: u32,
    /// Distinct called numbers in 1 hour, [`CALLED_MAX`] at most.
    pub called_1h: u32,
    /// How long the talks that ended in 24 hours were in all, in tenths of a second.
    pub talk_24h: u64,
    /// Calls in flight.
    pub in_flight: u32,
    /// The number called now was first called 24 hours ago or earlier.
    pub is_known: bool,
}

impl Payer {
    /// Counts an attempt to the number with this hash.
    pub fn attempt(&mut self, tick: Tick, called: u32, is_new: bool) {
        self.attempts.add(tick, [1, u16::from(is_new), 0, 0]);
        if let Some((_, last)) = self.called.iter_mut().find(|(known, _)| *known == called) {
            *last = tick;
            return;
        }
        if self.called.is_full() {
            let oldest = (0..CALLED_MAX).min_by_key(|index| self.called[*index].1).unwrap_or(0);
            self.called.swap_remove(oldest);
        }
        self.called.push((called, tick));
    }

    /// Counts a talk that is over.
    pub fn talked(&mut self, tick: Tick, deciseconds: u32) {
        self.talk.add(tick, deciseconds);
    }

    /// The figures at `now`, but for the number called.
    #[must_use]
    pub fn figures(&self, now: Tick) -> Figures {
        let [attempts_1h, new_1h, ..] = self.attempts.counts(now);
        let called_since = |since: Tick| self.called.iter().filter(|(_, last)| *last >= since).count() as u32;
        Figures {
            attempts_1h,
            new_1h,
            called_10m: called_since(Window::TenMinutes.since(now)),
            called_1h: called_since(Window::Hour.since(now)),
            talk_24h: self.talk.total(now),
            in_flight: self.in_flight.count(now),
            is_known: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_new_for_a_day() {
        let mut contact = Contact::default();
        assert!(contact.meet(Tick(10_000)));
        assert!(contact.meet(Tick(10_000 + Contact::NEW - 1)));
        assert!(!contact.meet(Tick(10_000 + Contact::NEW)));
    }

    #[test]
    fn numbers_called_are_told_apart_up_to_a_limit() {
        let mut payer = Payer::default();
        for called in 1..=100_u32 {
            payer.attempt(Tick(6_000 + called / 10), called, true);
            payer.attempt(Tick(6_000 + called / 10), called, true);
        }
        let figures = payer.figures(Tick(6_010));
        assert_eq!((figures.attempts_1h, figures.new_1h), (200, 200));
        assert_eq!((figures.called_10m, figures.called_1h), (32, 32));
        let later = payer.figures(Tick(6_020));
        assert_eq!(later.called_10m, 11, "ticks 6,009 and 6,010");
    }
}
