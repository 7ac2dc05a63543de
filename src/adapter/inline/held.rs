//! Packets held until their questions are answered, and those that wait behind them. A question may have several packets
//! (retransmissions), a packet several questions (setups bundled in one), and a line of packets is taken in its order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::base::map::{Map, Seed};
use crate::clock::{Deadline, Stopwatch};
use crate::inline::{Answered, Question};
use crate::judge::Treatment;

/// Most retransmissions held of one setup; further ones are dropped, for the first packets will be sent on.
const PACKETS_OF_QUESTION_MAX: usize = 8;

/// Since when a packet is here, and until when it may wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wait {
    pub(super) since: Stopwatch,
    pub(super) deadline: Deadline,
}

impl Wait {
    /// One that begins now.
    pub(super) fn begin(span: Duration) -> Self {
        Self { since: Stopwatch::start(), deadline: Deadline::after(span) }
    }

    /// It may wait no longer.
    pub(super) fn is_over(self) -> bool {
        self.deadline.left().is_zero()
    }
}

/// A line of packets: the judge that needs it, and the name it gives.
pub(super) type Line = (usize, u64);

/// A packet to be held or looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Waiting<'a> {
    pub(super) id: u32,
    /// From the IP header on.
    pub(super) bytes: &'a [u8],
    pub(super) wait: Wait,
}

/// A packet that waits behind another.
#[derive(Debug)]
pub(super) struct Follower {
    id: u32,
    bytes: Box<[u8]>,
    wait: Wait,
}

impl Follower {
    pub(super) fn waiting(&self) -> Waiting<'_> {
        Waiting { id: self.id, bytes: &self.bytes, wait: self.wait }
    }
}

/// A packet, and what is known of its answers.
#[derive(Debug)]
pub(super) struct HeldPacket {
    /// From the IP header on.
    pub(super) bytes: Box<[u8]>,
    /// Which judge has it.
    pub(super) judge: usize,
    /// The line that waits behind it.
    pub(super) line: Option<Line>,
    /// One for each question of the packet, in their order.
    pub(super) answers: Vec<Answered>,
    unanswered: usize,
}

/// A question that was asked.
#[derive(Debug)]
struct Asked {
    wait: Wait,
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

/// The packets of one line.
#[derive(Debug, Default)]
struct Queued {
    /// The packet they wait for; `None` between two.
    head: Option<u32>,
    followers: VecDeque<Follower>,
}

/// Packets and questions, bounded.
#[derive(Debug)]
pub(super) struct Held {
    packets: BTreeMap<u32, HeldPacket>,
    asked: BTreeMap<u64, Asked>,
    /// Those that are asked about, by when they may wait no longer: one that was asked late may have waited in a line before.
    by_deadline: BTreeSet<(Deadline, u64)>,
    number_of: Map<(usize, u64), u64>,
    lines: Map<Line, Queued>,
    following: usize,
    octets: usize,
    next: u64,
    packets_max: usize,
    octets_max: usize,
}

impl Held {
    /// Holds at most `packets_max` packets of `octets_max` octets in all.
    pub(super) fn new(packets_max: usize, octets_max: usize) -> Self {
        Self {
            packets: BTreeMap::new(),
            asked: BTreeMap::new(),
            by_deadline: BTreeSet::new(),
            // Keys are keyed hashes.
            number_of: Map::with_hasher(Seed::default()),
            lines: Map::with_hasher(Seed::default()),
            following: 0,
            octets: 0,
            next: 0,
            packets_max,
            octets_max,
        }
    }

    fn has_room(&self, octets: usize) -> bool {
        self.packets.len() + self.following < self.packets_max && self.octets + octets <= self.octets_max
    }

    /// Holds a packet of `judge` for its questions; its line, if it stands in one, waits behind it.
    pub(super) fn hold(
        &mut self,
        packet: Waiting<'_>,
        (judge, line): (usize, Option<u64>),
        questions: &[Question],
    ) -> Holding {
        let Waiting { id, bytes, wait } = packet;
        if !self.has_room(bytes.len()) {
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
            let asked = self.asked.entry(number).or_insert_with(|| {
                self.by_deadline.insert((wait.deadline, number));
                Asked { wait, key, packets: Vec::new() }
            });
            asked.packets.push((id, place));
        }
        let line = line.map(|line| (judge, line));
        if let Some(line) = line {
            self.lines.entry(line).or_default().head = Some(id);
        }
        self.octets += bytes.len();
        let answers: Vec<_> = questions.iter().map(unanswered).collect();
        let unanswered = answers.len();
        let packet = HeldPacket { bytes: Box::from(bytes), judge, line, answers, unanswered };
        self.packets.insert(id, packet);
        Holding::Held(new)
    }

    /// Nobody waits behind another.
    pub(super) fn has_no_lines(&self) -> bool {
        self.lines.is_empty()
    }

    /// A packet of the line is held.
    pub(super) fn is_held(&self, line: Line) -> bool {
        self.lines.contains_key(&line)
    }

    /// Puts a packet at the end of its line; `false` when there is no room for it.
    pub(super) fn follow(&mut self, line: Line, packet: Waiting<'_>) -> bool {
        let Waiting { id, bytes, wait } = packet;
        let has_room = self.has_room(bytes.len());
        let Some(queued) = self.lines.get_mut(&line).filter(|_| has_room) else { return false };
        queued.followers.push_back(Follower { id, bytes: Box::from(bytes), wait });
        self.following += 1;
        self.octets += bytes.len();
        true
    }

    /// Takes the next packet of a line whose head is ruled on; `None` while one is held, and when there is none.
    pub(super) fn next_of(&mut self, line: Line) -> Option<Follower> {
        let queued = self.lines.get_mut(&line).filter(|queued| queued.head.is_none())?;
        let Some(follower) = queued.followers.pop_front() else {
            self.lines.remove(&line);
            return None;
        };
        self.following = self.following.saturating_sub(1);
        self.octets = self.octets.saturating_sub(follower.bytes.len());
        Some(follower)
    }

    /// What the head of a line is asked about.
    pub(super) fn questions_of(&self, line: Line) -> Vec<u64> {
        let head = self.lines.get(&line).and_then(|queued| queued.head);
        let packet = head.and_then(|id| self.packets.get(&id));
        let keys = packet.into_iter().flat_map(|packet| &packet.answers).map(|answer| (line.0, answer.key));
        keys.filter_map(|key| self.number_of.get(&key).copied()).collect()
    }

    /// When a question was asked; `None` when it is answered.
    pub(super) fn since(&self, number: u64) -> Option<Stopwatch> {
        self.asked.get(&number).map(|asked| asked.wait.since)
    }

    /// Notes an answer; appends the packets that wait for nothing else to `free`.
    pub(super) fn settle(&mut self, number: u64, treatment: &Treatment, free: &mut Vec<(u32, HeldPacket)>) {
        let Some(asked) = self.asked.remove(&number) else { return };
        self.by_deadline.remove(&(asked.wait.deadline, number));
        self.number_of.remove(&asked.key);
        for (id, place) in asked.packets {
            let Some(packet) = self.packets.get_mut(&id) else { continue };
            if let Some(answer) = packet.answers.get_mut(place) {
                answer.treatment = treatment.clone();
            }
            packet.unanswered = packet.unanswered.saturating_sub(1);
            if packet.unanswered == 0
                && let Some(packet) = self.packets.remove(&id)
            {
                self.octets = self.octets.saturating_sub(packet.bytes.len());
                if let Some(queued) = packet.line.and_then(|line| self.lines.get_mut(&line)) {
                    queued.head = None;
                }
                free.push((id, packet));
            }
        }
    }

    /// How long the question whose deadline comes first may still wait; `None` when none does.
    pub(super) fn patience(&self) -> Option<Duration> {
        self.by_deadline.first().map(|(deadline, _)| deadline.left())
    }

    /// The question whose deadline comes first.
    pub(super) fn oldest(&self) -> Option<u64> {
        self.by_deadline.first().map(|(_, number)| *number)
    }
}

/// The answer to a question that nothing was answered to yet.
pub(super) fn unanswered(question: &Question) -> Answered {
    Answered { key: question.key, treatment: Treatment::Allow }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::base::frame::{Envelope, Mtp, RoutingLabel, UserPart};

    fn question(key: u64) -> Question {
        let label = RoutingLabel { standard: Mtp::Itu, opc: 1, dpc: 2, network_indicator: 2, sls: 0 };
        Question { key, envelope: Envelope::Isup { label, part: UserPart::Isup }, message: Box::default() }
    }

    fn packet(id: u32, bytes: &[u8]) -> Waiting<'_> {
        Waiting { id, bytes, wait: Wait::begin(Duration::from_secs(1)) }
    }

    #[test]
    fn frees_a_packet_with_its_last_answer() {
        let mut held = Held::new(4, 1_000);
        assert_eq!(
            held.hold(packet(1, b"one"), (0, None), &[question(5), question(6)]),
            Holding::Held(vec![(0, 0), (1, 1)])
        );
        // A retransmission of the second setup, and the same key with another judge.
        assert_eq!(held.hold(packet(2, b"two"), (0, None), &[question(6)]), Holding::Held(vec![]));
        assert_eq!(held.hold(packet(3, b"three"), (1, None), &[question(6)]), Holding::Held(vec![(2, 0)]));
        let mut free = Vec::new();
        held.settle(1, &Treatment::Mask, &mut free);
        assert_eq!(free.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [2]);
        assert_eq!((held.oldest(), held.since(1).is_some()), (Some(0), false));
        held.settle(0, &Treatment::Monetise, &mut free);
        held.settle(0, &Treatment::Mask, &mut free);
        let (id, packet) = free.pop().unwrap();
        let answered = |key, treatment| Answered { key, treatment };
        assert_eq!(
            (id, packet.answers),
            (1, vec![answered(5, Treatment::Monetise), answered(6, Treatment::Mask)])
        );
        held.settle(2, &Treatment::Allow, &mut free);
        assert_eq!((held.octets, held.packets.len(), held.number_of.len()), (0, 0, 0));
        assert!(held.patience().is_none());
    }

    #[test]
    fn holds_so_much_and_no_more() {
        let mut held = Held::new(10, 100);
        assert_eq!(held.hold(packet(1, &[0; 101]), (0, None), &[question(1)]), Holding::Full);
        for id in 1..=8 {
            assert!(matches!(held.hold(packet(id, b"x"), (0, None), &[question(1)]), Holding::Held(_)));
        }
        assert_eq!(held.hold(packet(9, b"x"), (0, None), &[question(1)]), Holding::Surplus);
        assert!(matches!(held.hold(packet(9, b"x"), (0, None), &[question(2)]), Holding::Held(_)));
        assert!(matches!(held.hold(packet(10, b"x"), (0, None), &[question(3)]), Holding::Held(_)));
        assert_eq!(held.hold(packet(11, b"x"), (0, None), &[question(4)]), Holding::Full);
    }

    #[test]
    fn a_line_waits_behind_its_head() {
        let (mut held, mut free) = (Held::new(4, 100), Vec::new());
        let line = (0, 7);
        assert!(held.has_no_lines() && !held.follow(line, packet(1, b"early")));
        assert_eq!(held.hold(packet(1, b"a"), (0, Some(7)), &[question(1)]), Holding::Held(vec![(0, 0)]));
        for id in 2..=4 {
            assert!(held.is_held(line) && held.follow(line, packet(id, b"b")));
        }
        // As many as may be.
        assert!(!held.follow(line, packet(5, b"c")));
        assert_eq!(held.hold(packet(5, b"c"), (0, Some(8)), &[question(2)]), Holding::Full);
        assert!(held.next_of(line).is_none());
        assert_eq!(held.questions_of(line), [0]);
        held.settle(0, &Treatment::Mask, &mut free);
        assert_eq!(free.pop().unwrap().1.line, Some(line));
        assert_eq!(held.next_of(line).unwrap().waiting().id, 2);
        // The next has a question, too: those behind it go on waiting.
        let next = held.next_of(line).unwrap();
        assert_eq!(held.hold(next.waiting(), (0, Some(7)), &[question(3)]), Holding::Held(vec![(1, 0)]));
        assert!(held.next_of(line).is_none());
        held.settle(1, &Treatment::Mask, &mut free);
        assert_eq!(held.next_of(line).unwrap().waiting().id, 4);
        assert!(held.next_of(line).is_none() && held.has_no_lines());
        assert_eq!((held.octets, held.following, held.by_deadline.len()), (0, 0, 0));
    }

    #[test]
    fn who_has_waited_in_a_line_is_due_first() {
        let mut held = Held::new(4, 100);
        let early = Wait::begin(Duration::from_secs(1));
        let late = Waiting { wait: Wait::begin(Duration::from_secs(9)), ..packet(1, b"late") };
        held.hold(late, (0, None), &[question(1)]);
        held.hold(Waiting { id: 2, bytes: b"early", wait: early }, (0, Some(7)), &[question(2)]);
        assert_eq!(held.oldest(), Some(1));
        assert!(held.patience().unwrap() <= Duration::from_secs(1));
    }
}
