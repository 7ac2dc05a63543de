//! What rating remembers from one call to the next, and from one run to the next: billable calls of the month, by which
//! tiers are told, and those of the last minutes, whose repetitions cost nothing.

use std::collections::{BTreeMap, VecDeque};
use std::string::FromUtf8Error;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::time::At;

/// A call like one that was billable this long ago or less is a repetition of it and costs nothing: same sender and
/// called number, times of setup. A verification is tried again from another number of the sender's block, so the
/// calling number does not count.
pub const DUPLICATE_WITHIN: Duration = Duration::from_secs(120);
/// How long a billable call is remembered for that, in time of setup. Calls are charged when they end, so a call may
/// come to be charged after one that was set up later.
const REMEMBERED_FOR: Duration = Duration::from_secs(600);
/// Most billable calls remembered; beyond, the oldest goes first and its repetitions are billed.
const REMEMBERED_MAX: usize = 1_000_000;
/// Months kept from one run to the next: a call is charged some hours after its setup at most.
const MONTHS_KEPT: usize = 2;

/// Month (as in `2026-11`, UTC, by setup), sender, destination prefix and currency.
pub(super) type Counter = [String; 4];
/// Sender and called number.
pub(super) type Pair = [String; 2];

/// What rating remembers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct Memory {
    /// Billable calls. As many counters as the card has rates, for each month seen.
    pub(super) billable: BTreeMap<Counter, u64>,
    pub(super) recent: Recent,
}

/// Billable calls of the last minutes.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    /// Latest setup of a billable call.
    last: BTreeMap<Pair, At>,
    /// In the order they were charged.
    order: VecDeque<(At, Pair)>,
    /// Latest setup of all.
    newest: At,
}

impl Recent {
    pub fn holds(&self, pair: &Pair, at: At) -> bool {
        self.last.get(pair).is_some_and(|last| at.since(*last).max(last.since(at)) <= DUPLICATE_WITHIN)
    }

    pub fn add(&mut self, pair: Pair, at: At) {
        self.newest = self.newest.max(at);
        self.order.push_back((at, pair.clone()));
        let last = self.last.entry(pair).or_insert(at);
        *last = at.max(*last);
        while let Some((oldest, _)) = self.order.front()
            && (self.newest.since(*oldest) > REMEMBERED_FOR || self.order.len() > REMEMBERED_MAX)
            && let Some((oldest, pair)) = self.order.pop_front()
        {
            if self.last.get(&pair) == Some(&oldest) {
                self.last.remove(&pair);
            }
        }
    }

    #[cfg(test)]
    pub fn sizes(&self) -> (usize, usize) {
        (self.order.len(), self.last.len())
    }
}

/// Memory as it is kept in a file: texts as octets, which can be read one by one.
#[derive(Serialize, Deserialize)]
struct Stored {
    billable: Vec<([Vec<u8>; 4], u64)>,
    recent: Vec<(At, [Vec<u8>; 2])>,
}

impl From<Memory> for Stored {
    fn from(memory: Memory) -> Self {
        let months = memory.billable.keys().map(|[month, ..]| month.as_str());
        let mut months: Vec<&str> = months.collect();
        months.dedup();
        let first = months.get(months.len().saturating_sub(MONTHS_KEPT)).map(|month| (*month).to_owned());
        let is_kept = |counter: &Counter| Some(&counter[0]) >= first.as_ref();
        let octets = |counter: Counter| counter.map(String::into_bytes);
        let billable = memory.billable.into_iter().filter(|(counter, _)| is_kept(counter));
        let recent = memory.recent.order.into_iter();
        Self {
            billable: billable.map(|(counter, count)| (octets(counter), count)).collect(),
            recent: recent.map(|(at, pair)| (at, pair.map(String::into_bytes))).collect(),
        }
    }
}

impl TryFrom<Stored> for Memory {
    type Error = FromUtf8Error;

    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        let mut memory = Self::default();
        for ([month, sender, prefix, currency], count) in stored.billable {
            let text = String::from_utf8;
            memory.billable.insert([text(month)?, text(sender)?, text(prefix)?, text(currency)?], count);
        }
        for (at, [sender, called]) in stored.recent {
            memory.recent.add([String::from_utf8(sender)?, String::from_utf8(called)?], at);
        }
        Ok(memory)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_kept_as_it_was_but_for_months_long_over() {
        let mut memory = Memory::default();
        let text = |text: &str| text.to_owned();
        for (month, count) in [("2026-09", 7), ("2026-11", 5), ("2026-12", 3)] {
            memory.billable.insert([text(month), text("acme"), text("48"), text("EUR")], count);
        }
        let at = At::parse("2026-12-01T00:00:05Z").unwrap();
        memory.recent.add([text("acme"), text("+48601000001")], at);
        let read = Memory::try_from(Stored::from(memory)).unwrap();
        let counts: Vec<_> =
            read.billable.iter().map(|([month, ..], count)| (month.as_str(), *count)).collect();
        assert_eq!(counts, [("2026-11", 5), ("2026-12", 3)]);
        let again = |seconds| at + Duration::from_secs(seconds);
        assert!(read.recent.holds(&[text("acme"), text("+48601000001")], again(120)));
        assert!(!read.recent.holds(&[text("acme"), text("+48601000001")], again(121)));
        assert!(!read.recent.holds(&[text("acme"), text("+48601000002")], again(1)));
    }

    #[test]
    fn a_flood_is_bounded_and_the_oldest_goes() {
        let mut recent = Recent::default();
        let pair = |called: &str| ["acme".to_owned(), called.to_owned()];
        let at = At::from_nanos(1);
        recent.add(pair("first"), at);
        assert!(recent.holds(&pair("first"), at));
        (0..REMEMBERED_MAX).for_each(|_| recent.add(pair("other"), at));
        assert_eq!(recent.sizes(), (REMEMBERED_MAX, 1));
        assert!(!recent.holds(&pair("first"), at) && recent.holds(&pair("other"), at));
    }
}
