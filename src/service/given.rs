//! Answers given to calls that were refused: their record is written, their verdict forgotten, and still a retransmission
//! is answered the same.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::map::{Map, Seed};
use crate::base::time::At;
use crate::judge::Answer;

/// Longer than a switch repeats an INVITE (Timer B, 64·T1 = 32 s, RFC 3261 §17.1.1.2).
const HOLD: Duration = Duration::from_secs(64);
/// Most answers held; beyond, the oldest goes, and a repetition of its call is allowed.
const MAX: usize = 200_000;

/// Refusals by number of the call.
#[derive(Debug)]
pub struct Given {
    answers: Map<u64, Answer>,
    order: VecDeque<(At, u64)>,
}

impl Default for Given {
    fn default() -> Self {
        Self { answers: Map::with_hasher(Seed::default()), order: VecDeque::new() }
    }
}

impl Given {
    /// Keeps an answer given at `at`.
    pub fn keep(&mut self, call: u64, at: At, answer: Answer) {
        while let Some((oldest, gone)) = self.order.front().copied()
            && (self.order.len() >= MAX || at.since(oldest) > HOLD)
        {
            self.order.pop_front();
            self.answers.remove(&gone);
        }
        if self.answers.insert(call, answer).is_none() {
            self.order.push_back((at, call));
        }
    }

    /// The answer given, if the call was refused.
    #[must_use]
    pub fn of(&self, call: u64) -> Option<&Answer> {
        self.answers.get(&call)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_held_for_a_while_and_bounded() {
        let mut given = Given::default();
        let at = |seconds: u64| At::from_nanos(seconds * 1_000_000_000);
        given.keep(1, at(0), Answer::default());
        given.keep(2, at(60), Answer::default());
        assert!(given.of(1).is_some());
        given.keep(3, at(65), Answer::default());
        assert!(given.of(1).is_none() && given.of(2).is_some());
        for call in 10..MAX as u64 + 20 {
            given.keep(call, at(66), Answer::default());
        }
        assert_eq!((given.answers.len(), given.order.len()), (MAX, MAX));
    }
}
