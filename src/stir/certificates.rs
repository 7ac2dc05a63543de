//! Certificates by their address: those known beforehand, and those fetched, held for as long as they may be. Bounded: the one that
//! came first goes first.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Deadline;
use crate::stir::case::Found;
use crate::stir::{Chain, Question};

/// Most setups that wait for certificates, over all addresses.
pub const WAITING_MAX: usize = 1_024;

/// Certificates known beforehand, by address.
#[derive(Debug, Default)]
pub struct Local(BTreeMap<String, Arc<Chain>>);

impl Local {
    /// Adds one; `false` when there is one of this address already.
    pub fn add(&mut self, x5u: &str, chain: Chain) -> bool {
        let is_new = !self.0.contains_key(x5u);
        self.0.entry(x5u.to_owned()).or_insert_with(|| Arc::new(chain));
        is_new
    }

    /// The one at this address.
    #[must_use]
    pub fn find(&self, x5u: &str) -> Option<&Arc<Chain>> {
        self.0.get(x5u)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What is known of an address.
enum Entry {
    /// Fetched, or not to be had, until then.
    Held(Found, Deadline),
    /// Under way, and who waits for it.
    Wanted(Vec<Question>),
}

/// Certificates fetched.
pub(super) struct Fetched {
    entries: BTreeMap<String, Entry>,
    /// Addresses held, the oldest first.
    order: VecDeque<String>,
    waiting: usize,
    max: usize,
}

/// What became of a wish to wait.
#[derive(Debug)]
pub(super) enum Wait {
    /// It waits, and the address is to be fetched.
    Fetch,
    /// It waits for what is under way.
    Joined,
    /// Too many wait.
    Full(Question),
}

impl Fetched {
    pub(super) const fn new(max: usize) -> Self {
        Self { entries: BTreeMap::new(), order: VecDeque::new(), waiting: 0, max }
    }

    /// What is held of an address.
    pub(super) fn find(&self, x5u: &str) -> Option<Found> {
        match self.entries.get(x5u) {
            Some(Entry::Held(found, until)) if !until.left().is_zero() => Some(found.clone()),
            _ => None,
        }
    }

    /// Waits for an address that is not held.
    pub(super) fn wait(&mut self, x5u: &str, question: Question) -> Wait {
        if self.waiting >= WAITING_MAX {
            return Wait::Full(question);
        }
        self.waiting += 1;
        match self.entries.get_mut(x5u) {
            Some(Entry::Wanted(waiting)) => {
                waiting.push(question);
                Wait::Joined
            }
            Some(held) => {
                *held = Entry::Wanted(vec![question]);
                Wait::Fetch
            }
            None => {
                self.entries.insert(x5u.to_owned(), Entry::Wanted(vec![question]));
                self.order.push_back(x5u.to_owned());
                self.make_room();
                Wait::Fetch
            }
        }
    }

    /// Holds what was found at an address; who waited for it.
    pub(super) fn put(&mut self, x5u: &str, found: Found, hold: Duration) -> Vec<Question> {
        let Some(entry) = self.entries.get_mut(x5u) else { return Vec::new() };
        match std::mem::replace(entry, Entry::Held(found, Deadline::after(hold))) {
            Entry::Wanted(waiting) => {
                self.waiting -= waiting.len();
                waiting
            }
            Entry::Held(..) => Vec::new(),
        }
    }

    /// The oldest goes; one that is under way goes to the end. Those are fewer than fit into the queue of fetches.
    fn make_room(&mut self) {
        for _ in 0..2 {
            if self.order.len() <= self.max {
                return;
            }
            let Some(oldest) = self.order.pop_front() else { return };
            match self.entries.get(&oldest) {
                Some(Entry::Wanted(_)) => self.order.push_back(oldest),
                _ => drop(self.entries.remove(&oldest)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::number::Party;
    use crate::base::route::{Direction, RouteId};
    use crate::base::time::At;
    use crate::call::{CallId, StirReason};

    const HOUR: Duration = Duration::from_secs(3600);

    fn question(seq: u64) -> Question {
        Question {
            seq,
            call: CallId(0),
            at: At::default(),
            route: RouteId::UNKNOWN,
            direction: Direction::Inbound,
            calling: Party::default(),
            called: Party::default(),
            head: b"".as_slice().into(),
            waits: 0,
        }
    }

    #[test]
    fn an_address_is_fetched_once_for_all_who_wait() {
        let mut fetched = Fetched::new(2);
        assert!(matches!(fetched.wait("a", question(1)), Wait::Fetch));
        assert!(matches!(fetched.wait("a", question(2)), Wait::Joined));
        assert!(fetched.find("a").is_none());
        let waited: Vec<u64> =
            fetched.put("a", Err(StirReason::FetchFailed), HOUR).iter().map(|one| one.seq).collect();
        assert_eq!((waited, fetched.waiting), (vec![1, 2], 0));
        assert!(matches!(fetched.find("a"), Some(Err(StirReason::FetchFailed))));
        // When it no longer holds, it is fetched again.
        fetched.put("a", Err(StirReason::FetchFailed), Duration::ZERO);
        assert!(fetched.find("a").is_none());
        assert!(matches!(fetched.wait("a", question(3)), Wait::Fetch));
    }

    #[test]
    fn the_oldest_makes_room_and_waiting_has_a_limit() {
        let mut fetched = Fetched::new(2);
        for x5u in ["a", "b", "c"] {
            assert!(matches!(fetched.wait(x5u, question(1)), Wait::Fetch));
            fetched.put(x5u, Err(StirReason::FetchFailed), HOUR);
        }
        let held = ["a", "b", "c"].map(|x5u| fetched.find(x5u).is_some());
        assert_eq!((held, fetched.order.len()), ([false, true, true], 2));
        for seq in 0..WAITING_MAX as u64 {
            assert!(!matches!(fetched.wait("d", question(seq)), Wait::Full(_)));
        }
        assert!(matches!(fetched.wait("d", question(0)), Wait::Full(_)));
    }
}
