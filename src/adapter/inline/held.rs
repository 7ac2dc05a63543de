//! Packets held until their questions are answered. A question may have several packets (retransmissions), a packet several
//! questions (setups bundled in one).

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::map::{Map, Seed};
use crate::clock::{Deadline, Stopwatch};
use crate::inline::Question;
use crate::judge::Treatment;

/// Most retransmissions held of one setup; further ones are dropped, for the first packets will be sent on.
const PACKETS_OF_QUESTION_MAX: usize = 8;

/// A packet, and what is known of its answers.
#[derive(Debug)]
pub(super) struct HeldPacket {
    /// From the IP header on.
    pub(super) bytes: Box<[u8]>,
    /// Which judge has it.
    pub(super) judge: usize,
    /// One for each question of the packet, in their order.
    pub(super) treatments: Vec<Treatment>,
    unanswered: usize,
}

/// A question that was asked.
#[derive(Debug)]
struct Asked {
    since: Stopwatch,
    deadline: Deadline,
    key: (usize, u64),
    /// Packets that wait for it, and the place of the question in each.
    packets: Vec<(u32, usize)>,
}

/// What holding a packet came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Holding {
    /// There is no room for it.
    Full,
    /// It is held; these are to be asked: number of the question, and its place in the packet.
    Held(Vec<(u64, usize)>),
    /// Enough copies of it are held.
    Surplus,
}

/// Packets and questions, bounded.
#[derive(Debug)]
pub(super) struct Held {
    packets: BTreeMap<u32, HeldPacket>,
    /// By number: those that wait longest come first, and so does their deadline.
    asked: BTreeMap<u64, Asked>,
    number_of: Map<(usize, u64), u64>,
    octets: usize,
    next: u64,
    packets_max: usize,
    octets_max: usize,
    span: Duration,
}

impl Held {
    /// Holds at most `packets_max` packets of `octets_max` octets in all, each for `span`.
    pub(super) fn new(packets_max: usize, octets_max: usize, span: Duration) -> Self {
        Self {
            packets: BTreeMap::new(),
            asked: BTreeMap::new(),
            // Keys are keyed hashes.
            number_of: Map::with_hasher(Seed::default()),
            octets: 0,
            next: 0,
            packets_max,
            octets_max,
            span,
        }
    }

    /// Holds a packet of `judge` for its questions.
    pub(super) fn hold(&mut self, id: u32, judge: usize, bytes: &[u8], questions: &[Question]) -> Holding {
        if self.packets.len() >= self.packets_max || self.octets + bytes.len() > self.octets_max {
            return Holding::Full;
        }
        let number_of = |question: &Question| self.number_of.get(&(judge, question.key)).copied();
        let copies = |number: u64| self.asked.get(&number).map_or(0, |asked| asked.packets.len());
        if questions.iter().filter_map(number_of).any(|number| copies(number) >= PACKETS_OF_QUESTION_MAX) {
            return Holding::Surplus;
        }
        let mut new = Vec::new();
        for (place, question) in questions.iter().enumerate() {
            let key = (judge, question.key);
            let number = *self.number_of.entry(key).or_insert_with(|| {
                new.push((self.next, place));
                self.next
            });
            self.next = self.next.max(number + 1);
            let (since, deadline) = (Stopwatch::start(), Deadline::after(self.span));
            let asked = self.asked.entry(number);
            asked
                .or_insert_with(|| Asked { since, deadline, key, packets: Vec::new() })
                .packets
                .push((id, place));
        }
        self.octets += bytes.len();
        let treatments = vec![Treatment::Allow; questions.len()];
        let packet = HeldPacket { bytes: Box::from(bytes), judge, treatments, unanswered: questions.len() };
        self.packets.insert(id, packet);
        Holding::Held(new)
    }

    /// When a question was asked; `None` when it is answered.
    pub(super) fn since(&self, number: u64) -> Option<Stopwatch> {
        self.asked.get(&number).map(|asked| asked.since)
    }

    /// Notes an answer; appends the packets that wait for nothing else to `free`.
    pub(super) fn settle(&mut self, number: u64, treatment: &Treatment, free: &mut Vec<(u32, HeldPacket)>) {
        let Some(asked) = self.asked.remove(&number) else { return };
        self.number_of.remove(&asked.key);
        for (id, place) in asked.packets {
            let Some(packet) = self.packets.get_mut(&id) else { continue };
            if let Some(slot) = packet.treatments.get_mut(place) {
                *slot = treatment.clone();
            }
            packet.unanswered = packet.unanswered.saturating_sub(1);
            if packet.unanswered == 0
                && let Some(packet) = self.packets.remove(&id)
            {
                self.octets = self.octets.saturating_sub(packet.bytes.len());
                free.push((id, packet));
            }
        }
    }

    /// How long the question that waits longest may still wait; `None` when none does.
    pub(super) fn patience(&self) -> Option<Duration> {
        self.asked.values().next().map(|asked| asked.deadline.left())
    }

    /// The question that waits longest.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.asked.keys().next().copied()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::base::frame::{Envelope, RoutingLabel};

    fn question(key: u64) -> Question {
        let label = RoutingLabel { opc: 1, dpc: 2, network_indicator: 2, sls: 0 };
        Question { key, envelope: Envelope::Isup { label }, message: Box::default() }
    }

    #[test]
    fn frees_a_packet_with_its_last_answer() {
        let mut held = Held::new(4, 1_000, Duration::from_secs(1));
        assert_eq!(held.hold(1, 0, b"one", &[question(5), question(6)]), Holding::Held(vec![(0, 0), (1, 1)]));
        // A retransmission of the second setup, and the same key with another judge.
        assert_eq!(held.hold(2, 0, b"two", &[question(6)]), Holding::Held(vec![]));
        assert_eq!(held.hold(3, 1, b"three", &[question(6)]), Holding::Held(vec![(2, 0)]));
        let mut free = Vec::new();
        held.settle(1, &Treatment::Mask, &mut free);
        assert_eq!(free.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2]);
        assert_eq!((held.oldest(), held.since(1).is_some()), (Some(0), false));
        held.settle(0, &Treatment::Monetise, &mut free);
        held.settle(0, &Treatment::Mask, &mut free);
        let (id, packet) = free.pop().unwrap();
        assert_eq!((id, packet.treatments), (1, vec![Treatment::Monetise, Treatment::Mask]));
        held.settle(2, &Treatment::Allow, &mut free);
        assert_eq!((held.octets, held.packets.len(), held.number_of.len()), (0, 0, 0));
        assert!(held.patience().is_none());
    }

    #[test]
    fn holds_so_much_and_no_more() {
        let mut held = Held::new(10, 100, Duration::from_secs(1));
        assert_eq!(held.hold(1, 0, &[0; 101], &[question(1)]), Holding::Full);
        for id in 1..=8 {
            assert!(matches!(held.hold(id, 0, b"x", &[question(1)]), Holding::Held(_)));
        }
        assert_eq!(held.hold(9, 0, b"x", &[question(1)]), Holding::Surplus);
        assert!(matches!(held.hold(9, 0, b"x", &[question(2)]), Holding::Held(_)));
        assert!(matches!(held.hold(10, 0, b"x", &[question(3)]), Holding::Held(_)));
        assert_eq!(held.hold(11, 0, b"x", &[question(4)]), Holding::Full);
    }
}
