//! Where each subscriber is at each moment, and when the operator hears of it. Worked out anew from the seed each time:
//! nothing is stored.
//!
//! A telephone cannot call before its home network knows where it is. What is late is the feed to those who judge
//! calls: all spans here are assumptions, which keep to "minutes at most".

use std::time::Duration;

use crate::base::network::RoamingState;
use crate::base::time::At;

/// One in so many leaves the country while the scenario lasts: as many as make 3 % abroad in trips of five days, were
/// the scenario a day. Assumption.
const TRAVELLER_EVERY: u64 = 167;
/// Seconds after which the operator hears of a traveller. Assumption.
const TRAVELLER_LAG_S: (u64, u64) = (60, 600);
/// Share of subscribers who live on the border. Assumption.
const BORDER: f64 = 0.005;
/// A telephone near the border changes network once in each of these spans, at any moment of its first part: every 5 to
/// 60 minutes. Assumption.
const FLIP_EVERY_S: u64 = 1_950;
/// The first part.
const FLIP_WITHIN_S: u64 = 1_650;
/// Seconds, at most, after which the operator hears of such a change; less than lies between two. Assumption.
const FLIP_LAG_S: u64 = 180;

/// How somebody lives while the scenario lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stay {
    /// Abroad all the time.
    Abroad,
    /// Near a border: the telephone is in the home network and in that over the border by turns.
    Border,
    /// At home all the time.
    Home,
    /// At home first, then abroad.
    Traveller,
}

/// Where everybody is.
#[derive(Clone, Copy, Debug)]
pub struct Whereabouts {
    /// Seed of the scenario.
    pub seed: u64,
    /// When it begins.
    pub start: At,
    /// How long it lasts.
    pub span: Duration,
    /// How many subscribers there are.
    pub subscribers: u64,
    /// Share of them who are abroad all the time; when it is 0, nobody else moves either.
    pub abroad: f64,
}

impl Whereabouts {
    /// How this subscriber lives.
    #[must_use]
    pub fn stay(&self, index: u64) -> Stay {
        if unit_of(index, self.seed) < self.abroad {
            Stay::Abroad
        } else if self.abroad <= 0.0 {
            Stay::Home
        } else if self.traveller(index / TRAVELLER_EVERY) == Some(index) {
            Stay::Traveller
        } else if unit_of(index, self.seed ^ 0xB0DE) < BORDER {
            Stay::Border
        } else {
            Stay::Home
        }
    }

    /// Whether the subscriber is abroad at this moment.
    #[must_use]
    pub fn is_abroad(&self, index: u64, at: At) -> bool {
        match self.stay(index) {
            Stay::Abroad => true,
            Stay::Border => {
                let nth = at.since(self.start).as_secs() / FLIP_EVERY_S;
                let has_flipped = at >= self.flip(index, nth);
                self.begins_abroad(index) ^ ((nth + u64::from(has_flipped)) % 2 == 1)
            }
            Stay::Home => false,
            Stay::Traveller => at >= self.crossing(index),
        }
    }

    /// What the operator is told: the state at the beginning, then each other state with the moment at which it hears.
    pub fn updates(&self, index: u64) -> (RoamingState, impl Iterator<Item = (At, RoamingState)> + '_) {
        let (first, count) = match self.stay(index) {
            Stay::Abroad => (true, 0),
            Stay::Border => (self.begins_abroad(index), 1 + self.span.as_secs() / FLIP_EVERY_S),
            Stay::Home => (false, 0),
            Stay::Traveller => (false, 1),
        };
        let updates = (0..count).map(move |nth| {
            let at = match self.stay(index) {
                Stay::Traveller => self.crossing(index) + self.lag(index),
                _ => self.flip(index, nth) + seconds(self.whole(index, 2 * nth + 1, FLIP_LAG_S + 1)),
            };
            (at, state_of(first ^ (nth % 2 == 0)))
        });
        (state_of(first), updates)
    }

    /// The next traveller from `at` on of whom `fits` is true: who leaves, when, and when the operator hears of it. Of
    /// those who follow each other soon, one may be left out.
    pub fn next_traveller(&self, at: At, fits: impl Fn(u64) -> bool) -> Option<(u64, At, At)> {
        let passed = at.since(self.start).as_secs_f64() / self.span.as_secs_f64() * self.travellers() as f64;
        let after = passed as u64 + 1;
        (after..self.travellers())
            .filter_map(|nth| self.traveller(nth))
            .find(|index| self.stay(*index) == Stay::Traveller && fits(*index))
            .map(|index| (index, self.crossing(index), self.crossing(index) + self.lag(index)))
    }

    /// How many may travel, one after the other.
    const fn travellers(&self) -> u64 {
        self.subscribers.div_ceil(TRAVELLER_EVERY)
    }

    /// Index of the one who may travel as the `nth`.
    fn traveller(&self, nth: u64) -> Option<u64> {
        (nth < self.travellers()).then_some(())?;
        let place = unit_of(nth, self.seed ^ 0x7A5E) * TRAVELLER_EVERY as f64;
        // The last of them may come after the last subscriber.
        Some(nth * TRAVELLER_EVERY + place as u64).filter(|index| *index < self.subscribers)
    }

    /// When a traveller crosses the border: they do so in turn, each in a part of the scenario of its own.
    fn crossing(&self, index: u64) -> At {
        let nth = (index / TRAVELLER_EVERY) as f64 + unit_of(index, self.seed ^ 0xC105);
        self.start + Duration::from_secs((nth / self.travellers() as f64 * self.span.as_secs_f64()) as u64)
    }

    /// How long the operator does not hear of it.
    fn lag(&self, index: u64) -> Duration {
        let (least, most) = TRAVELLER_LAG_S;
        seconds(least + self.whole(index, 0, most - least + 1))
    }

    fn begins_abroad(&self, index: u64) -> bool {
        unit_of(index, self.seed ^ 0x51DE) < 0.5
    }

    /// When a telephone near the border changes network for the `nth` time, from 0.
    fn flip(&self, index: u64, nth: u64) -> At {
        self.start + seconds(nth * FLIP_EVERY_S + self.whole(index, 2 * nth, FLIP_WITHIN_S + 1))
    }

    /// The `nth` whole number of this subscriber, below a bound.
    fn whole(&self, index: u64, nth: u64, below: u64) -> u64 {
        let own = unit_of(index, self.seed ^ 0xF11B).to_bits();
        (unit_of(nth, own) * below as f64) as u64
    }
}

/// A value from 0 to 1 that depends on these two alone (the finaliser of SplitMix64).
pub(super) fn unit_of(index: u64, seed: u64) -> f64 {
    let mut mixed = (index ^ seed).wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ mixed >> 31) >> 11) as f64 / (1_u64 << 53) as f64
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn state_of(is_abroad: bool) -> RoamingState {
    if is_abroad { RoamingState::Roaming } else { RoamingState::Home }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_S: u64 = 86_400;

    fn everybody() -> Whereabouts {
        let start = At::of_date("2026-11-16").unwrap();
        Whereabouts { seed: 7, start, span: seconds(DAY_S), subscribers: 20_000, abroad: 0.03 }
    }

    fn who(is_so: Stay) -> Vec<u64> {
        let everybody = everybody();
        (0..everybody.subscribers).filter(|index| everybody.stay(*index) == is_so).collect()
    }

    #[test]
    fn each_lives_one_way_in_its_share() {
        for (stay, expected) in [(Stay::Abroad, 600), (Stay::Border, 100), (Stay::Traveller, 117)] {
            let found = who(stay).len();
            assert!((expected * 3 / 4..expected * 5 / 4).contains(&found), "{stay:?} {found}");
        }
        let nobody = Whereabouts { abroad: 0.0, ..everybody() };
        assert!((0..20_000).all(|index| nobody.stay(index) == Stay::Home));
        let other = Whereabouts { seed: 8, ..everybody() };
        assert!(who(Stay::Traveller).iter().any(|index| other.stay(*index) != Stay::Traveller));
    }

    #[test]
    fn the_operator_hears_of_a_traveller_minutes_after_the_border() {
        let everybody = everybody();
        let travellers = who(Stay::Traveller);
        let mut crossings = Vec::new();
        for index in travellers {
            let crossing = everybody.crossing(index);
            let before = At::from_nanos(crossing.nanos() - 1);
            assert!(everybody.is_abroad(index, crossing) && !everybody.is_abroad(index, before));
            let (first, updates) = everybody.updates(index);
            let updates: Vec<(At, RoamingState)> = updates.collect();
            let [(heard, RoamingState::Roaming)] = updates[..] else { panic!("{updates:?}") };
            assert_eq!(first, RoamingState::Home);
            assert!((60..=600).contains(&heard.since(crossing).as_secs()));
            assert_eq!(everybody.next_traveller(before, |other| other == index).map(|found| found.0), None);
            crossings.push(crossing);
        }
        assert!(crossings.is_sorted());
        let noon = everybody.start + seconds(DAY_S / 2);
        let (index, crossing, heard) = everybody.next_traveller(noon, |_| true).unwrap();
        assert!(crossing >= noon && crossing.since(noon) < seconds(DAY_S / 20) && heard > crossing);
        assert_eq!(everybody.stay(index), Stay::Traveller);
        assert_eq!(everybody.next_traveller(everybody.start + everybody.span, |_| true), None);
        assert_eq!(everybody.stay(u64::MAX), Stay::Home);
        for subscribers in 0..2 * TRAVELLER_EVERY {
            let few = Whereabouts { subscribers, ..everybody };
            let found = few.next_traveller(few.start, |_| true);
            assert!(found.is_none_or(|(index, ..)| index < subscribers), "{found:?} of {subscribers}");
        }
    }

    #[test]
    fn telephones_at_the_border_change_network_and_the_operator_follows() {
        let everybody = everybody();
        for index in who(Stay::Border) {
            let (first, updates) = everybody.updates(index);
            let updates: Vec<(At, RoamingState)> = updates.collect();
            let mut believed = updates.iter().peekable();
            let (mut state, mut truth) = (first, first);
            let (mut changed, mut is_late) = (0, 0);
            let mut last_change = None;
            for second in 0..DAY_S {
                let at = everybody.start + seconds(second);
                let now = state_of(everybody.is_abroad(index, at));
                if now != truth {
                    let pause = last_change.map(|last| second - last);
                    assert!(pause.is_none_or(|pause| (300..=3_600).contains(&pause)), "{pause:?}");
                    (truth, last_change, changed) = (now, Some(second), changed + 1);
                }
                if let Some((_, told)) = believed.next_if(|(since, _)| *since <= at) {
                    assert_ne!(*told, state);
                    state = *told;
                }
                is_late = if state == truth { 0 } else { is_late + 1 };
                assert!(is_late <= FLIP_LAG_S, "{index} at {second}");
            }
            assert!((40..=46).contains(&changed), "{changed}");
        }
    }
}
