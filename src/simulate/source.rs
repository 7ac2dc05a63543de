//! Where attempts come from, and how many sources become one.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::base::time::At;
use crate::simulate::attempt::Attempt;

/// A source of attempts. It makes them one by one, so that days of traffic need no more memory than an hour.
pub trait Source: Send {
    /// The next attempt, set up no earlier than the one before; `None` at the end, and from then on.
    fn next(&mut self) -> Option<Attempt>;
}

/// Attempts in the order of their setup; at the same moment in the order they were pushed.
///
/// For sources that know of later attempts while they make earlier ones: a retry, a call back.
#[derive(Debug, Default)]
pub struct Agenda {
    heap: BinaryHeap<Entry>,
    pushed: u64,
}

impl Agenda {
    /// Notes an attempt for later.
    pub fn push(&mut self, attempt: Attempt) {
        self.heap.push(Entry { attempt, order: self.pushed });
        self.pushed += 1;
    }

    /// The earliest attempt, when it is set up at `until` or before.
    pub fn pop_until(&mut self, until: At) -> Option<Attempt> {
        match self.heap.peek()?.attempt.setup_at <= until {
            true => self.pop(),
            false => None,
        }
    }

    /// The earliest attempt.
    pub fn pop(&mut self) -> Option<Attempt> {
        self.heap.pop().map(|entry| entry.attempt)
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

/// One source made of many, in the order of setup; at the same moment in the order of the sources.
pub struct Merge {
    sources: Vec<Box<dyn Source>>,
    heads: BinaryHeap<Entry>,
}

impl Merge {
    /// Merges these.
    #[must_use]
    pub fn new(mut sources: Vec<Box<dyn Source>>) -> Self {
        let first = |(order, source): (usize, &mut Box<dyn Source>)| {
            source.next().map(|attempt| Entry { attempt, order: order as u64 })
        };
        let heads = sources.iter_mut().enumerate().filter_map(first).collect();
        Self { sources, heads }
    }
}

impl Source for Merge {
    fn next(&mut self) -> Option<Attempt> {
        let mut head = self.heads.peek_mut()?;
        match self.sources[head.order as usize].next() {
            Some(following) => Some(std::mem::replace(&mut head.attempt, following)),
            None => Some(PeekMut::pop(head).attempt),
        }
    }
}

/// An attempt in a heap: the earliest is the greatest.
#[derive(Debug)]
struct Entry {
    attempt: Attempt,
    order: u64,
}

impl Entry {
    const fn key(&self) -> (At, u64) {
        (self.attempt.setup_at, self.order)
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key().cmp(&self.key())
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::attempt::{TrunkId, Truth};
    use proptest::prelude::*;

    struct Listed(std::vec::IntoIter<Attempt>);

    impl Source for Listed {
        fn next(&mut self) -> Option<Attempt> {
            self.0.next()
        }
    }

    fn attempt(at: u64) -> Attempt {
        let parties = ("48601000001".into(), "48601000002".into());
        Attempt::new(At::from_nanos(at), TrunkId(0), parties, Truth::normal("people"))
    }

    proptest! {
        #[test]
        fn merges_in_order(lists in proptest::collection::vec(proptest::collection::vec(0_u64..50, 0..20), 0..6)) {
            let mut expected: Vec<u64> = lists.concat();
            expected.sort_unstable();
            let sources = lists.into_iter().map(|mut list| {
                list.sort_unstable();
                let attempts: Vec<Attempt> = list.into_iter().map(attempt).collect();
                Box::new(Listed(attempts.into_iter())) as Box<dyn Source>
            });
            let mut merge = Merge::new(sources.collect());
            let merged: Vec<u64> =
                std::iter::from_fn(|| merge.next()).map(|attempt| attempt.setup_at.nanos()).collect();
            prop_assert_eq!(merged, expected);
        }

        #[test]
        fn an_agenda_gives_the_earliest(times in proptest::collection::vec(0_u64..50, 0..40)) {
            let mut agenda = Agenda::default();
            times.iter().for_each(|at| agenda.push(attempt(*at)));
            let mut expected: Vec<u64> = times.into_iter().filter(|at| *at <= 25).collect();
            expected.sort_unstable();
            let until = At::from_nanos(25);
            let early: Vec<u64> =
                std::iter::from_fn(|| agenda.pop_until(until)).map(|attempt| attempt.setup_at.nanos()).collect();
            prop_assert_eq!(early, expected);
        }
    }
}
