//! Transactions that passed unjudged: their retransmissions pass too, whatever is known by then. RFC 3261 §17.1.1.2: an
//! INVITE is sent again for 32 seconds at most.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::map::{Seed, Set};
use crate::clock::Deadline;

/// 64 × T1, after which nobody sends an INVITE again.
const SPAN: Duration = Duration::from_secs(32);

/// The last of them, as [`crate::wire::sip::respond::transaction`] numbers them.
#[derive(Debug)]
pub(super) struct Passed {
    known: Set<u64>,
    order: VecDeque<(Deadline, u64)>,
    max: usize,
}

impl Passed {
    /// Remembers up to `max` transactions, the oldest goes first.
    pub fn new(max: usize, seed: Seed) -> Self {
        Self { known: Set::with_hasher(seed), order: VecDeque::new(), max }
    }

    /// Remembers one.
    pub fn note(&mut self, transaction: u64) {
        if self.max == 0 || !self.known.insert(transaction) {
            return;
        }
        while self.order.len() >= self.max || self.order.front().is_some_and(|(end, _)| end.left().is_zero())
        {
            let Some((_, oldest)) = self.order.pop_front() else { break };
            self.known.remove(&oldest);
        }
        self.order.push_back((Deadline::after(SPAN), transaction));
    }

    /// Whether this one passed.
    pub fn contains(&self, transaction: u64) -> bool {
        !self.known.is_empty() && self.known.contains(&transaction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_last() {
        let mut passed = Passed::new(2, Seed(1));
        [1, 2, 2, 3].into_iter().for_each(|transaction| passed.note(transaction));
        assert_eq!([1, 2, 3].map(|transaction| passed.contains(transaction)), [false, true, true]);
        let mut none = Passed::new(0, Seed(1));
        none.note(1);
        assert!(!none.contains(1));
    }
}
