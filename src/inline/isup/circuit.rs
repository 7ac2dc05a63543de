//! Circuits with a call that began a moment ago, and those with a blocked call on them. Bounded in number and in time.

use std::collections::VecDeque;
use std::time::Duration;

use super::block::{Block, Mark};
use crate::base::frame::RoutingLabel;
use crate::base::map::{Map, Seed};
use crate::base::time::At;

/// A circuit between two exchanges, the same from either side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Circuit {
    low: u32,
    high: u32,
    network_indicator: u8,
    cic: u32,
}

impl Circuit {
    /// The circuit of a message. `None` when an exchange talks to itself: its two sides cannot be told apart.
    pub fn of(label: RoutingLabel, cic: u32) -> Option<Self> {
        let RoutingLabel { opc, dpc, network_indicator, .. } = label;
        (opc != dpc).then(|| Self { low: opc.min(dpc), high: opc.max(dpc), network_indicator, cic })
    }

    /// The circuit `step` codes up.
    pub const fn plus(self, step: u16) -> Self {
        Self { cic: self.cic.wrapping_add(step as u32), ..self }
    }
}

/// What is known of a circuit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// A blocked call, and near, who made it.
    pub blocked: Option<(u32, Block)>,
    /// The latest IAM that passed.
    pub seized: Option<Seized>,
    /// What follows an IAM came before it: from whom.
    pub early: Option<u32>,
    /// The latest message of a call from either side, the lower point code's first.
    pub latest: [Option<Mark>; 2],
    /// Who reset the circuit, and has had no answer yet.
    pub reset_by: Option<u32>,
}

/// An IAM that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seized {
    /// Who sent it.
    pub by: u32,
    pub mark: Mark,
    /// The other side has said something about the call.
    pub is_answered: bool,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    entry: Entry,
    stamp: u64,
    /// When it is forgotten.
    until: At,
}

/// The circuits in use.
#[derive(Debug)]
pub(super) struct Circuits {
    slots: Map<Circuit, Slot>,
    /// Every slot once, with its stamp, and some that are gone. No longer than `max`.
    queue: VecDeque<(At, Circuit, u64)>,
    stamps: u64,
    now: At,
    max: usize,
    hold: Duration,
}

impl Circuits {
    pub fn new(max: usize, hold: Duration, seed: Seed) -> Self {
        Self {
            slots: Map::with_hasher(seed),
            queue: VecDeque::new(),
            stamps: 0,
            now: At::default(),
            max,
            hold,
        }
    }

    pub fn get(&self, circuit: Circuit) -> Option<Entry> {
        self.slots.get(&circuit).filter(|slot| slot.until > self.now).map(|slot| slot.entry)
    }

    /// Whether another circuit can be kept.
    pub fn has_room(&self) -> bool {
        self.queue.len() < self.max
    }

    /// Keeps an entry for a while from now on; one that says nothing is forgotten. When there is no room a new one is
    /// not kept.
    pub fn set(&mut self, circuit: Circuit, entry: Entry) {
        if entry == Entry::default() {
            self.slots.remove(&circuit);
            return;
        }
        #[expect(clippy::arithmetic_side_effects, reason = "adding to a moment saturates")]
        let until = self.now + self.hold;
        if let Some(slot) = self.slots.get_mut(&circuit) {
            (slot.entry, slot.until) = (entry, until);
        } else if self.has_room() {
            self.stamps = self.stamps.wrapping_add(1);
            self.queue.push_back((until, circuit, self.stamps));
            self.slots.insert(circuit, Slot { entry, stamp: self.stamps, until });
        }
    }

    /// It is now `at`: forgets what is due, and hands over each that was.
    pub fn advance(&mut self, at: At, mut gone: impl FnMut(Entry)) {
        self.now = self.now.max(at);
        while let Some((due, circuit, stamp)) = self.queue.front().copied()
            && due <= self.now
        {
            self.queue.pop_front();
            match self.slots.get(&circuit) {
                Some(slot) if slot.stamp == stamp && slot.until > self.now => {
                    self.queue.push_back((slot.until, circuit, stamp));
                }
                Some(slot) if slot.stamp == stamp => {
                    gone(slot.entry);
                    self.slots.remove(&circuit);
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use crate::base::frame::Mtp;

    const SEIZED: Entry =
        Entry { blocked: None, seized: None, early: None, latest: [None; 2], reset_by: Some(1) };

    fn circuit(cic: u32) -> Circuit {
        Circuit::of(RoutingLabel { standard: Mtp::Itu, opc: 1, dpc: 2, network_indicator: 0, sls: 0 }, cic)
            .unwrap()
    }

    #[test]
    fn both_sides_mean_the_same_circuit() {
        let label = RoutingLabel { standard: Mtp::Itu, opc: 2, dpc: 1, network_indicator: 0, sls: 9 };
        assert_eq!(Circuit::of(label, 7), Some(circuit(7)));
        assert_ne!(Circuit::of(RoutingLabel { network_indicator: 2, ..label }, 7), Some(circuit(7)));
        assert_eq!(Circuit::of(RoutingLabel { dpc: 2, ..label }, 7), None);
    }

    #[test]
    fn an_entry_lives_on_from_its_last_change() {
        let mut circuits = Circuits::new(10, Duration::from_nanos(10), Seed(1));
        let mut gone = 0;
        for (nanos, cic, entry) in
            [(0, 1, SEIZED), (5, 1, SEIZED), (5, 2, SEIZED), (6, 2, Entry::default()), (7, 2, SEIZED)]
        {
            circuits.advance(At::from_nanos(nanos), |_| gone += 1);
            circuits.set(circuit(cic), entry);
        }
        circuits.advance(At::from_nanos(14), |_| gone += 1);
        assert_eq!(gone, 0);
        circuits.advance(At::from_nanos(15), |_| gone += 1);
        // One that is forgotten later than it is due is not found meanwhile.
        assert!(circuits.get(circuit(1)).is_none() && circuits.get(circuit(2)).is_some());
        circuits.advance(At::from_nanos(17), |_| gone += 1);
        assert_eq!((gone, circuits.slots.len(), circuits.queue.len()), (2, 0, 0));
    }

    #[test]
    fn no_more_than_the_limit_are_kept() {
        let mut circuits = Circuits::new(2, Duration::from_nanos(10), Seed(1));
        for cic in 0..5 {
            circuits.set(circuit(cic), SEIZED);
            circuits.set(circuit(cic), Entry::default());
        }
        assert!(!circuits.has_room() && circuits.queue.len() == 2);
        circuits.advance(At::from_nanos(10), |_| panic!("nothing was there"));
        assert!(circuits.has_room());
    }
}
