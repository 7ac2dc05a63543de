//! One direction of an SCTP association: which transmission sequence numbers (TSNs) have been seen, and how their chunks
//! were changed. RFC 9260 §6.
//!
//! A TSN must never carry two contents. So a chunk is looked at when its TSN comes first; a copy of it, whatever it is
//! bundled with, is changed as the first was, or not at all. Acknowledgements are not read: one can be lost, and the
//! copy that comes then must still be what the first was. A change is kept as long as its TSN is within [`WINDOW`] of
//! the newest, which is more than a sender may have in flight.
//!
//! A direction is known by its ports and its verification tag, not by addresses: the same association may use several.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::time::Duration;

use super::message::Change;
use crate::base::map::{Map, Seed};
use crate::base::time::At;
use crate::wire::sctp::Header;

/// TSNs remembered, back from the newest. A message of ISUP takes 44 octets at least, so this is a window of 180 KB.
pub(super) const WINDOW: u32 = 4096;
/// A TSN so far behind is no late copy: the numbers began again.
const RESTART: u32 = 1 << 20;

/// How long a missing TSN may be on its way; after that it went by unseen. Senders wait for a second at least, and for
/// a little more in all but the worst of networks (RFC 9260 §16, RTO.Min and RTO.Initial).
const MISSING_MAX: Duration = Duration::from_secs(3);

/// What a TSN says of its chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// It was not here before.
    First,
    /// It was, and its chunk passed as it came, as far as is known.
    Passed,
    /// It was, and its chunk was changed so.
    Changed(Change),
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    tsn: u32,
    digest: u64,
    change: Change,
}

/// One direction of an association.
#[derive(Debug)]
pub(super) struct Flow {
    newest: u32,
    /// A bit for each of the [`WINDOW`] TSNs up to `newest`, by TSN modulo `WINDOW`.
    seen: Box<[u64; WINDOW as usize / 64]>,
    /// All up to this one have been seen, or given up on.
    whole: u32,
    /// Since when it is what it is.
    whole_since: At,
    /// In order of TSN.
    kept: VecDeque<Kept>,
    /// Used since eviction last looked at it.
    is_active: bool,
}

impl Flow {
    /// What came before `tsn` came before we looked, and is not to be touched.
    fn before(tsn: u32) -> Self {
        let seen = Box::new([u64::MAX; WINDOW as usize / 64]);
        let newest = tsn.wrapping_sub(1);
        Self {
            newest,
            seen,
            whole: newest,
            whole_since: At::default(),
            kept: VecDeque::new(),
            is_active: true,
        }
    }

    /// What is known of a chunk with this TSN and user message.
    pub fn sight(&self, tsn: u32, user: &[u8]) -> Sight {
        if !self.has_seen(tsn) {
            return Sight::First;
        }
        let kept =
            self.kept.get(self.place(tsn)).filter(|kept| kept.tsn == tsn && kept.digest == digest(user));
        kept.map_or(Sight::Passed, |kept| Sight::Changed(kept.change))
    }

    /// Whether a chunk shall be treated as lost, because one before it is missing that may decide what becomes of it. Its
    /// sender will send both again, in order.
    pub fn turns_back(&self, at: At, tsn: u32) -> bool {
        tsn.wrapping_sub(self.whole).cast_signed() > 1 && at.since(self.whole_since) <= MISSING_MAX
    }

    /// Remembers a TSN that came first, and how its chunk was changed.
    pub fn note(&mut self, at: At, tsn: u32, changed: Option<(&[u8], Change)>) {
        let (ahead, behind) = (tsn.wrapping_sub(self.newest), self.newest.wrapping_sub(tsn));
        if (1..=WINDOW).contains(&ahead) {
            for step in 1..=ahead {
                self.set(self.newest.wrapping_add(step), false);
            }
            self.newest = tsn;
        } else if behind >= WINDOW {
            *self = Self::before(tsn.wrapping_add(1));
        }
        self.set(tsn, true);
        if at.since(self.whole_since) > MISSING_MAX && self.whole != self.newest {
            (self.whole, self.whole_since) = (self.newest, at);
        }
        while self.whole != self.newest && self.has_seen(self.whole.wrapping_add(1)) {
            (self.whole, self.whole_since) = (self.whole.wrapping_add(1), at);
        }
        if let Some((user, change)) = changed {
            self.kept.insert(self.place(tsn), Kept { tsn, digest: digest(user), change });
        }
        while self.kept.front().is_some_and(|kept| self.newest.wrapping_sub(kept.tsn) >= WINDOW) {
            self.kept.pop_front();
        }
    }

    fn has_seen(&self, tsn: u32) -> bool {
        match self.newest.wrapping_sub(tsn) {
            0..WINDOW => {
                let (word, bit) = cell(tsn);
                self.seen.get(word).is_some_and(|word| word & bit != 0)
            }
            // Behind the window it is a late copy; ahead of it, or so far behind that the numbers began again, it is new.
            behind => behind < RESTART,
        }
    }

    fn set(&mut self, tsn: u32, seen: bool) {
        let (word, bit) = cell(tsn);
        if let Some(word) = self.seen.get_mut(word) {
            *word = if seen { *word | bit } else { *word & !bit };
        }
    }

    fn place(&self, tsn: u32) -> usize {
        self.kept.partition_point(|kept| kept.tsn.wrapping_sub(tsn).cast_signed() < 0)
    }
}

fn cell(tsn: u32) -> (usize, u64) {
    ((tsn % WINDOW / 64) as usize, 1 << (tsn % 64))
}

/// So that a change is never made to what it was not meant for, should two associations have the same tag.
fn digest(user: &[u8]) -> u64 {
    Seed(0).hash_one(user)
}

/// Ports and verification tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key(u16, u16, u32);

/// Directions of associations; at the limit one goes that has been silent since its last turn.
#[derive(Debug)]
pub(super) struct Flows {
    flows: Map<Key, Flow>,
    order: VecDeque<Key>,
    max: usize,
}

impl Flows {
    pub fn new(max: usize, seed: Seed) -> Self {
        Self { flows: Map::with_hasher(seed), order: VecDeque::new(), max: max.max(1) }
    }

    pub fn get(&self, header: Header) -> Option<&Flow> {
        self.flows.get(&key(header))
    }

    /// The flow of a packet whose first chunk has this TSN, and whether another had to go for it.
    pub fn touch(&mut self, header: Header, tsn: u32) -> (&mut Flow, bool) {
        let key = key(header);
        let mut evicted = false;
        if !self.flows.contains_key(&key) {
            evicted = self.flows.len() >= self.max && self.evict();
            self.order.push_back(key);
        }
        let flow = self.flows.entry(key).or_insert_with(|| Flow::before(tsn));
        flow.is_active = true;
        (flow, evicted)
    }

    /// Every flow in turn loses its mark, and goes when it has none; so a second turn always ends it.
    fn evict(&mut self) -> bool {
        for _ in 0..self.order.len().saturating_mul(2) {
            let Some(key) = self.order.pop_front() else { return false };
            match self.flows.get_mut(&key) {
                Some(flow) if flow.is_active => {
                    flow.is_active = false;
                    self.order.push_back(key);
                }
                _ => return self.flows.remove(&key).is_some(),
            }
        }
        false
    }
}

const fn key(header: Header) -> Key {
    Key(header.src_port, header.dst_port, header.verification_tag)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use proptest::prelude::*;

    const HEADER: Header = Header { src_port: 1, dst_port: 2, verification_tag: 3 };

    #[test]
    fn a_copy_is_changed_as_the_first_was() {
        let mut flow = Flow::before(u32::MAX);
        for tsn in [u32::MAX, 1, 0] {
            assert_eq!(flow.sight(tsn, b"a"), Sight::First);
            flow.note(At::default(), tsn, (tsn != 1).then_some((b"a", Change::Release(tsn as u8))));
        }
        assert_eq!(flow.sight(u32::MAX, b"a"), Sight::Changed(Change::Release(255)));
        assert_eq!(flow.sight(0, b"a"), Sight::Changed(Change::Release(0)));
        assert_eq!(flow.sight(1, b"a"), Sight::Passed);
        assert_eq!(flow.sight(0, b"other"), Sight::Passed, "another association with the same tag");
        assert_eq!(flow.sight(u32::MAX - 1, b"a"), Sight::Passed, "from before we looked");
        assert_eq!(flow.sight(2, b"a"), Sight::First);
    }

    #[test]
    fn changes_are_forgotten_behind_the_window() {
        let mut flow = Flow::before(10);
        for tsn in 10..10 + 3 * WINDOW {
            flow.note(At::default(), tsn, Some((b"a", Change::Filler)));
            assert!(flow.kept.len() <= WINDOW as usize);
        }
        assert_eq!(flow.kept.len(), WINDOW as usize);
        assert_eq!(flow.sight(10, b"a"), Sight::Passed);
        let far = 10 + 9 * WINDOW;
        flow.note(At::default(), far, None);
        assert_eq!(flow.sight(far - 1, b"a"), Sight::Passed, "skipped: others may have let it pass");
        assert_eq!(flow.sight(far.wrapping_sub(RESTART + 5), b"a"), Sight::First);
    }

    #[test]
    fn at_the_limit_a_silent_flow_goes() {
        let mut flows = Flows::new(3, Seed(1));
        let header = |tag| Header { verification_tag: tag, ..HEADER };
        for tag in 0..3 {
            assert!(!flows.touch(header(tag), 1).1);
        }
        assert!(flows.touch(header(3), 1).1);
        flows.touch(header(1), 1);
        assert!(flows.touch(header(4), 1).1);
        assert!(flows.get(header(1)).is_some() && flows.get(header(2)).is_none());
        for tag in 5..100 {
            flows.touch(header(tag), 1);
        }
        assert_eq!((flows.flows.len(), flows.order.len()), (3, 3));
    }

    proptest! {
        #[test]
        fn first_is_said_once(start: u32, steps in prop::collection::vec(-40..80_i32, 1..50)) {
            let mut flow = Flow::before(start);
            let mut noted = std::collections::BTreeSet::new();
            let mut tsn = start;
            for step in steps {
                tsn = tsn.wrapping_add_signed(step);
                let sight = flow.sight(tsn, b"a");
                let is_before = tsn.wrapping_sub(start).cast_signed() < 0;
                prop_assert_eq!(sight == Sight::First, !is_before && !noted.contains(&tsn));
                if sight == Sight::First {
                    flow.note(At::default(), tsn, Some((b"a", Change::Release(tsn as u8))));
                    noted.insert(tsn);
                }
                for tsn in &noted {
                    prop_assert_eq!(flow.sight(*tsn, b"a"), Sight::Changed(Change::Release(*tsn as u8)));
                }
            }
        }
    }
}
