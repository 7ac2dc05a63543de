//! What was decided a while ago: a bounded memory that forgets after a fixed time, the oldest first.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::map::{Map, Seed};
use crate::base::time::At;

/// Values by keyed hash, each kept for the same time since it was put in.
#[derive(Clone, Debug)]
pub struct Recent<V> {
    values: Map<u64, V>,
    /// Keys in the order they came, each once.
    order: VecDeque<(At, u64)>,
    span: Duration,
    max: usize,
}

impl<V> Recent<V> {
    /// Keeps at most `max` values, each for `span`.
    #[must_use]
    pub fn new(seed: Seed, span: Duration, max: usize) -> Self {
        Self { values: Map::with_hasher(seed), order: VecDeque::new(), span, max }
    }

    /// The value, unless its time is over.
    #[must_use]
    pub fn get(&mut self, at: At, key: u64) -> Option<&V> {
        while let Some((since, oldest)) = self.order.front()
            && at.since(*since) >= self.span
        {
            self.values.remove(oldest);
            self.order.pop_front();
        }
        self.values.get(&key)
    }

    /// Keeps a value, unless one is there; whether the oldest had to go for it.
    pub fn insert(&mut self, at: At, key: u64, value: V) -> bool {
        if self.max == 0 || self.get(at, key).is_some() {
            return false;
        }
        let is_full = self.values.len() >= self.max;
        if is_full && let Some((_, oldest)) = self.order.pop_front() {
            self.values.remove(&oldest);
        }
        self.values.insert(key, value);
        self.order.push_back((at, key));
        is_full
    }

    /// How many are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forgets_the_oldest() {
        let mut recent = Recent::new(Seed(1), Duration::from_secs(32), 2);
        let at = |seconds: u64| At::from_nanos(seconds.saturating_mul(1_000_000_000));
        assert!(!recent.insert(at(0), 1, 'a'));
        assert!(!recent.insert(at(0), 1, 'b'));
        assert!(!recent.insert(at(10), 2, 'c'));
        assert_eq!(recent.get(at(31), 1), Some(&'a'));
        assert_eq!(recent.get(at(32), 1), None);
        assert!(!recent.insert(at(33), 3, 'd'));
        assert!(recent.insert(at(33), 4, 'e'));
        assert_eq!(recent.get(at(33), 2), None);
        assert_eq!(recent.get(at(33), 3), Some(&'d'));
        assert_eq!(recent.len(), 2);
    }
}
