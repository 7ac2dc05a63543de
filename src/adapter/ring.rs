//! Questions that wait for their answers, in the order of their deadlines.
//!
//! They came nearly in the order of their deadlines; one that would be due before another counts as due with it. Each is taken once: by its answer,
//! or by its deadline. Must not: grow beyond its maximum, counted with the answered ones that an older one holds up.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Deadline;

/// What waits, and until when.
#[derive(Debug)]
pub(super) struct Ring<T> {
    /// Number of the first entry.
    first: u64,
    entries: VecDeque<(Deadline, Option<T>)>,
    max: usize,
}

impl<T> Ring<T> {
    /// Room for `max` entries.
    pub fn new(max: usize) -> Self {
        Self { first: 0, entries: VecDeque::new(), max }
    }

    /// The number that the next entry will have; `None` when there is no room for it.
    pub fn next(&self) -> Option<u64> {
        (self.entries.len() < self.max).then(|| self.first.wrapping_add(self.entries.len() as u64))
    }

    /// Adds an entry, when [`Self::next`] found room.
    pub fn push(&mut self, deadline: Deadline, entry: T) {
        let deadline = self.entries.back().map_or(deadline, |(last, _)| deadline.max(*last));
        self.entries.push_back((deadline, Some(entry)));
    }

    /// Takes an entry by its number, unless it was taken.
    pub fn take(&mut self, number: u64) -> Option<T> {
        let index = usize::try_from(number.wrapping_sub(self.first)).ok()?;
        let taken = self.entries.get_mut(index)?.1.take();
        self.drop_taken();
        taken
    }

    /// Takes the first entry whose deadline is over.
    pub fn overdue(&mut self) -> Option<T> {
        self.left().filter(Duration::is_zero)?;
        self.first = self.first.wrapping_add(1);
        let (_, entry) = self.entries.pop_front()?;
        self.drop_taken();
        entry
    }

    /// How long until the first deadline; `None` when nothing waits.
    pub fn left(&self) -> Option<Duration> {
        self.entries.front().map(|(deadline, _)| deadline.left())
    }

    /// The first entry, if there is one, is one that waits.
    fn drop_taken(&mut self) {
        while let Some((_, None)) = self.entries.front() {
            self.entries.pop_front();
            self.first = self.first.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn push(ring: &mut Ring<char>, span: u64, entry: char) -> Option<u64> {
        let number = ring.next()?;
        ring.push(Deadline::after(Duration::from_secs(span)), entry);
        Some(number)
    }

    #[test]
    fn each_is_taken_once() {
        let mut ring = Ring::new(3);
        let a = push(&mut ring, 0, 'a').unwrap();
        let b = push(&mut ring, 0, 'b').unwrap();
        let c = push(&mut ring, 9, 'c').unwrap();
        assert_eq!(push(&mut ring, 9, 'd'), None);
        assert_eq!((ring.take(b), ring.take(b)), (Some('b'), None));
        // `b` still takes room, behind `a`.
        assert_eq!(ring.next(), None);
        assert_eq!((ring.overdue(), ring.overdue(), ring.take(a)), (Some('a'), None, None));
        assert!(ring.left().unwrap() > Duration::from_secs(1));
        assert_eq!(ring.take(c), Some('c'));
        assert_eq!((ring.left(), ring.next(), ring.take(7)), (None, Some(3), None));
    }
}
