//! One packet through the judges: looked at, held or put behind one that is held, ruled on, and let go.

use std::sync::atomic::Ordering;

use crate::adapter::inline::Inline;
use crate::adapter::inline::held::{HeldPacket, Holding, Line, Wait, Waiting, unanswered};
use crate::adapter::{Asked, Query};
use crate::base::fail_open::FailOpen;
use crate::base::time::At;
use crate::clock;
use crate::inline::{Answered, Look, Ruling};
use crate::judge::Answer;
use crate::wire::nfnetlink::{Packet, Verdict};

impl Inline {
    /// A packet came from the queue.
    pub(super) fn take(&mut self, at: At, packet: &Packet<'_>) {
        if packet.is_cut || packet.is_many {
            self.counts.unreadable.fetch_add(1, Ordering::Relaxed);
            return self.queue.answer(packet.id, Verdict::Accept);
        }
        let wait = Wait::begin(self.options.deadline);
        let packet = Waiting { id: packet.id, bytes: packet.payload, wait };
        if let Some(line) = self.held_line(packet.bytes) {
            if self.held.follow(line, packet) {
                self.counts.queued.fetch_add(1, Ordering::Relaxed);
                return;
            }
            // Its turn comes when those before it have gone.
            self.release(line);
        }
        self.look(at, packet);
    }

    /// The line that a packet must wait in, because one of its packets is held.
    fn held_line(&self, bytes: &[u8]) -> Option<Line> {
        if self.held.has_no_lines() {
            return None;
        }
        let lines = self.judges.iter().enumerate().filter_map(|(judge, one)| Some((judge, one.line(bytes)?)));
        lines.into_iter().find(|line| self.held.is_held(*line))
    }

    /// Lets a whole line go, in its order.
    fn release(&mut self, line: Line) {
        let refusing = self.refusing.replace(FailOpen::StateFull);
        for number in self.held.questions_of(line) {
            self.settle(number, Err(FailOpen::StateFull));
        }
        self.refusing = refusing;
    }

    fn look(&mut self, at: At, packet: Waiting<'_>) {
        for judge in 0..self.judges.len() {
            self.work.clear();
            let Some(one) = self.judges.get_mut(judge) else { break };
            match one.look(at, packet.bytes, &mut self.work) {
                Look::NotMine => continue,
                Look::Done(ruling) => self.finish(at, packet.id, ruling),
                Look::Held => self.hold(at, judge, packet),
            }
            return;
        }
        self.counts.unclaimed.fetch_add(1, Ordering::Relaxed);
        self.queue.answer(packet.id, Verdict::Accept);
    }

    fn hold(&mut self, at: At, judge: usize, packet: Waiting<'_>) {
        // What goes by in the same packet as a setup.
        self.show(at);
        let mut questions = std::mem::take(&mut self.work.questions);
        let line = self.judges.get(judge).and_then(|judge| judge.line(packet.bytes));
        let is_late = packet.wait.is_over().then_some(FailOpen::Deadline);
        let holding = match self.refusing.or(is_late) {
            Some(why) => Err(why),
            None => match self.held.hold(packet, (judge, line), &questions) {
                Holding::Full => Err(FailOpen::StateFull),
                Holding::Held(numbers) => Ok(numbers),
                Holding::Surplus => {
                    self.counts.surplus.fetch_add(1, Ordering::Relaxed);
                    return self.finish(at, packet.id, Ruling::Drop);
                }
            },
        };
        let numbers = match holding {
            Ok(numbers) => numbers,
            Err(why) => {
                for _ in &questions {
                    let _ = self.gate.settle(Err(why), packet.wait.since);
                }
                let answers: Vec<_> = questions.iter().map(unanswered).collect();
                return self.rule(at, packet.id, (judge, packet.bytes), &answers);
            }
        };
        for (number, place) in numbers {
            let Some(question) = questions.get_mut(place) else { continue };
            let bytes = std::mem::take(&mut question.message);
            let asked = Asked::Message { envelope: question.envelope, bytes };
            let reply = self.answers.slot(number);
            self.gate.ask(Query { asked, deadline: packet.wait.deadline, reply });
        }
    }

    pub(super) fn settle_answers(&mut self) {
        while let Ok((number, answer)) = self.answered.try_recv() {
            self.settle(number, answer);
        }
    }

    pub(super) fn settle_late(&mut self) {
        while self.held.patience().is_some_and(|left| left.is_zero())
            && let Some(number) = self.held.oldest()
        {
            self.settle(number, Err(FailOpen::Deadline));
        }
    }

    /// One answer, unless it comes too late.
    pub(super) fn settle(&mut self, number: u64, answer: Result<Answer, FailOpen>) {
        let Some(since) = self.held.since(number) else { return };
        // Whatever follows from the answer comes after it: call state has a setup before what its circuit says next.
        let at = clock::now();
        let answer = self.gate.settle(answer, since);
        let mut free = Vec::new();
        self.held.settle(number, &answer.treatment, &mut free);
        for (id, HeldPacket { bytes, judge, answers, line, .. }) in free {
            self.rule(at, id, (judge, &bytes), &answers);
            while let Some(follower) = line.and_then(|line| self.held.next_of(line)) {
                self.look(at, follower.waiting());
            }
        }
    }

    fn rule(&mut self, at: At, id: u32, (judge, bytes): (usize, &[u8]), answers: &[Answered]) {
        self.work.clear();
        let Some(judge) = self.judges.get_mut(judge) else { return };
        let ruling = judge.rule(at, bytes, answers, &mut self.work);
        self.finish(at, id, ruling);
    }

    /// Carries out what was found, with all that was left in the work.
    fn finish(&mut self, at: At, id: u32, ruling: Ruling) {
        let verdict = match ruling {
            Ruling::Accept => Verdict::Accept,
            Ruling::Drop => {
                self.counts.dropped.fetch_add(1, Ordering::Relaxed);
                Verdict::Drop
            }
            Ruling::Replace => {
                self.counts.replaced.fetch_add(1, Ordering::Relaxed);
                Verdict::Replace(&self.work.packet)
            }
        };
        self.queue.answer(id, verdict);
        for packet in &self.work.forged {
            let counter =
                if self.raw.send(packet).is_ok() { &self.counts.forged } else { &self.counts.forge_failed };
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.show(at);
    }

    fn show(&mut self, at: At) {
        for (envelope, message) in self.work.seen.drain(..) {
            self.tap.see(at, envelope, &message);
        }
    }
}
