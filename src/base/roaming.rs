//! Where subscribers are and since when, as somebody told the operator: looked up by number and moment.
//!
//! Tens of millions of subscribers have one state that never changes, so that one takes 8 octets; a change takes 16.

use std::time::Duration;

use crate::base::network::RoamingState;
use crate::base::number::Number;
use crate::base::time::At;

/// How long a change to `home` proves nothing: telephones near a border change networks every few minutes, and the
/// update of who has just left again races the call.
pub const GRACE: Duration = Duration::from_secs(600);

/// States of subscribers, from the beginning of time or from a moment on.
#[derive(Debug, Default)]
pub struct RoamingStates {
    /// From the beginning of time: number and, in the lowest bit, state; sorted, each number once.
    first: Vec<u64>,
    /// Sorted by number, then time; each differs from the state before.
    changes: Vec<Change>,
}

impl RoamingStates {
    /// Where the subscriber is known to be. `None` when nobody told, and for [`GRACE`] after a change to `home`. A
    /// change to `roaming` counts at once: the visited network asked for the subscriber, who must be there.
    #[must_use]
    pub fn at(&self, number: Number, at: At) -> Option<RoamingState> {
        let (state, since) = self.told(number, at)?;
        let is_settled = since.is_none_or(|since| at.since(since) >= GRACE);
        (state == RoamingState::Roaming || is_settled).then_some(state)
    }

    /// Whether the subscriber is abroad, or was within [`GRACE`].
    #[must_use]
    pub fn is_abroad(&self, number: Number, at: At) -> bool {
        match self.told(number, at) {
            Some((RoamingState::Home, Some(since))) if at.since(since) < GRACE => {
                let before = match since.nanos().checked_sub(1) {
                    Some(nanos) => self.told(number, At::from_nanos(nanos)).map(|(state, _)| state),
                    None => first_of(&self.first, number.value()),
                };
                before == Some(RoamingState::Roaming)
            }
            told => told.is_some_and(|(state, _)| state == RoamingState::Roaming),
        }
    }

    /// How many states and changes there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.first.len() + self.changes.len()
    }

    /// Whether nobody told anything.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The state in force and since when; from the beginning of time when `None`.
    fn told(&self, number: Number, at: At) -> Option<(RoamingState, Option<At>)> {
        let until = self.changes.partition_point(|change| change.key() <= (number.value(), at));
        match until.checked_sub(1).and_then(|last| self.changes.get(last)) {
            Some(change) if number_of(change.word) == number.value() => {
                Some((state_of(change.word), Some(change.since)))
            }
            _ => first_of(&self.first, number.value()).map(|state| (state, None)),
        }
    }
}

/// The same while rows come in, in any order.
#[derive(Debug, Default)]
pub struct RoamingRows {
    first: Vec<u64>,
    changes: Vec<Change>,
}

/// A number's digits as one integer, and the moment of which two rows say different states.
pub type Contradiction = (u64, Option<At>);

impl RoamingRows {
    /// Notes a state that holds from `since` until the number's next row; from the beginning of time when `None`.
    pub fn push(&mut self, number: Number, since: Option<At>, state: RoamingState) {
        let word = number.value() << 1 | state as u64;
        match since {
            Some(since) => self.changes.push(Change { word, since }),
            None => self.first.push(word),
        }
    }

    /// The states, without rows that say again what held before.
    ///
    /// # Errors
    /// Every number and moment with two states, sorted.
    pub fn finish(self) -> Result<RoamingStates, Vec<Contradiction>> {
        let Self { mut first, mut changes } = self;
        first.sort_unstable();
        first.dedup();
        changes.sort_unstable_by_key(|change| (change.key(), change.word));
        changes.dedup();
        let twice = first.windows(2).filter(|two| number_of(two[0]) == number_of(two[1]));
        let dated_twice = changes.windows(2).filter(|two| two[0].key() == two[1].key());
        let undated = twice.map(|two| (number_of(two[0]), None));
        let dated = dated_twice.map(|two| (number_of(two[0].word), Some(two[0].since)));
        let mut contradictions: Vec<Contradiction> = undated.chain(dated).collect();
        if !contradictions.is_empty() {
            contradictions.sort_unstable();
            return Err(contradictions);
        }
        let mut last: Option<u64> = None;
        changes.retain(|change| {
            let number = number_of(change.word);
            let before = match last.filter(|word| number_of(*word) == number) {
                Some(word) => Some(state_of(word)),
                None => first_of(&first, number),
            };
            last = Some(change.word);
            before != Some(state_of(change.word))
        });
        first.shrink_to_fit();
        changes.shrink_to_fit();
        Ok(RoamingStates { first, changes })
    }
}

/// A state from a moment on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Change {
    /// Number and state, as those without a time.
    word: u64,
    since: At,
}

impl Change {
    const fn key(&self) -> (u64, At) {
        (number_of(self.word), self.since)
    }
}

/// A number has 15 digits at most, which are 50 bits.
const fn number_of(word: u64) -> u64 {
    word >> 1
}

const fn state_of(word: u64) -> RoamingState {
    if word & 1 == RoamingState::Home as u64 { RoamingState::Home } else { RoamingState::Roaming }
}

fn first_of(first: &[u64], number: u64) -> Option<RoamingState> {
    let index = first.partition_point(|word| number_of(*word) < number);
    first.get(index).filter(|word| number_of(**word) == number).map(|word| state_of(*word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use RoamingState::{Home, Roaming};

    type Row = (u8, Option<u16>, bool);

    fn number(index: u8) -> Number {
        Number::from_digits(format!("4860100000{index}").as_bytes()).unwrap()
    }

    fn minute(minute: u16) -> At {
        At::from_nanos(u64::from(minute) * 60_000_000_000)
    }

    fn of(rows: &[(Option<u16>, RoamingState)]) -> RoamingStates {
        let mut states = RoamingRows::default();
        rows.iter().for_each(|(since, state)| states.push(number(1), since.map(minute), *state));
        states.finish().unwrap()
    }

    #[test]
    fn a_return_is_believed_after_the_grace_and_a_departure_at_once() {
        let states = of(&[(None, Home), (Some(100), Roaming), (Some(200), Home)]);
        let (at, is_abroad) =
            (|m| states.at(number(1), minute(m)), |m| states.is_abroad(number(1), minute(m)));
        assert_eq!((at(0), at(99), at(100), at(199)), (Some(Home), Some(Home), Some(Roaming), Some(Roaming)));
        assert_eq!((at(200), at(209), at(210)), (None, None, Some(Home)));
        assert_eq!([99, 100, 199, 200, 209, 210].map(is_abroad), [false, true, true, true, true, false]);
        assert_eq!(states.at(number(2), minute(0)), None);
        assert!(!states.is_abroad(number(2), minute(0)));
    }

    #[test]
    fn what_is_said_again_is_no_change() {
        let states = of(&[(Some(105), Home), (None, Home), (Some(100), Home), (None, Home)]);
        assert_eq!(states.len(), 1);
        assert_eq!(states.at(number(1), minute(101)), Some(Home));
        let states = of(&[(Some(105), Home), (Some(100), Home)]);
        assert_eq!(
            [99, 100, 109, 110].map(|m| states.at(number(1), minute(m))),
            [None, None, None, Some(Home)]
        );
        assert!(!states.is_abroad(number(1), minute(105)), "nobody said so");
    }

    #[test]
    fn two_states_of_one_moment_contradict() {
        let mut rows = RoamingRows::default();
        for (since, state) in
            [(Some(7), Home), (None, Roaming), (Some(7), Roaming), (None, Home), (Some(8), Home)]
        {
            rows.push(number(1), since.map(minute), state);
            rows.push(number(2), since.map(minute), Home);
        }
        let value = number(1).value();
        assert_eq!(rows.finish().unwrap_err(), [(value, None), (value, Some(minute(7)))]);
    }

    /// State and when it began, by a scan of all rows.
    fn scan(rows: &[Row], who: u8, at: u16) -> Option<(bool, Option<u16>)> {
        let mut own: Vec<(Option<u16>, bool)> =
            rows.iter().filter(|row| row.0 == who).map(|row| (row.1, row.2)).collect();
        own.sort_unstable();
        let mut told: Option<(bool, Option<u16>)> = None;
        for (since, is_abroad) in own.into_iter().filter(|(since, _)| since.is_none_or(|since| since <= at)) {
            if told.is_none_or(|(before, _)| before != is_abroad) {
                told = Some((is_abroad, since));
            }
        }
        told
    }

    proptest! {
        #[test]
        fn equals_a_scan_of_the_rows(
            rows in proptest::collection::vec((0_u8..4, proptest::option::of(0_u16..60), any::<bool>()), 0..40),
            at in 0_u16..80,
        ) {
            let mut kept: Vec<Row> = Vec::new();
            for row in rows {
                if !kept.iter().any(|other| (other.0, other.1) == (row.0, row.1)) {
                    kept.push(row);
                }
            }
            let mut states = RoamingRows::default();
            for (who, since, is_abroad) in &kept {
                states.push(number(*who), since.map(minute), if *is_abroad { Roaming } else { Home });
            }
            let states = states.finish().unwrap();
            for who in 0..5 {
                let told = scan(&kept, who, at);
                let is_unsettled = |since: Option<u16>| since.is_some_and(|since| at - since < 10);
                let expected = match told {
                    Some((true, _)) => Some(Roaming),
                    Some((false, since)) if !is_unsettled(since) => Some(Home),
                    _ => None,
                };
                prop_assert_eq!(states.at(number(who), minute(at)), expected);
                let was_abroad = match told {
                    Some((false, Some(0))) if at < 10 => kept.contains(&(who, None, true)),
                    Some((false, Some(since))) if is_unsettled(Some(since)) => {
                        scan(&kept, who, since - 1).is_some_and(|(is_abroad, _)| is_abroad)
                    }
                    told => told.is_some_and(|(is_abroad, _)| is_abroad),
                };
                prop_assert_eq!(states.is_abroad(number(who), minute(at)), was_abroad);
            }
        }
    }
}
