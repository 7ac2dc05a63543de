//! The dip over UDP: one thread a socket that receives, asks, and answers.
//!
//! It alone knows what waits: answers of the decision loop come to it by a queue, with the number of their question, and
//! whichever is first, answer or deadline, takes the question away. The decision loop sends nothing itself.
//!
//! The deadline runs from when a question came to the host. Of more questions than the loop can judge, those that have lain
//! in the socket for half of it pass at once; of more than can even pass, those that have lain there for nearly all of
//! it are dropped, so that the ones behind them are answered in time. First come, first served would answer all too late.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use crate::adapter::batch::{BATCH, Datagram, Inbox, Outbox};
use crate::adapter::dip::DipLimits;
use crate::adapter::dip::counts::Kind;
use crate::adapter::dip::desk::{Desk, Request, Step, head};
use crate::adapter::passed::Passed;
use crate::adapter::ring::Ring;
use crate::adapter::slot::{Answers, Numbered};
use crate::adapter::{Asked, Query, Waker};
use crate::base::fail_open::FailOpen;
use crate::base::frame::{Envelope, Transport};
use crate::clock::{Deadline, Stopwatch};
use crate::judge::Answer;
use crate::wire::sip::Message;
use crate::wire::sip::respond::destination;

/// Longest that datagrams wait in the socket while the loop is busy.
const NAP: Duration = Duration::from_micros(200);

/// Parts of the deadline. A question that lay in the socket for so much is not asked about: one of two.
const ASKED_WITHIN: u32 = 2;
/// What is left for an answer's way from the loop to this thread, and half of it from here to the switch: one of ten.
const WAY_BACK: u32 = 10;
/// Questions that lay in the socket until so little is left are dropped, when ever more come: one of five.
const DROPPED_AT: u32 = 5;

/// What becomes of a question that lay in the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Ask,
    Drop,
    Pass,
}

impl Fate {
    /// With so much of the deadline left; `is_swamped` when ever more come.
    fn of(left: Duration, deadline: Duration, is_swamped: bool) -> Self {
        if left >= deadline / ASKED_WITHIN {
            Self::Ask
        } else if left < deadline / DROPPED_AT && is_swamped {
            Self::Drop
        } else {
            Self::Pass
        }
    }
}

/// What an answer needs of the question.
struct Waiting {
    head: Box<[u8]>,
    source: SocketAddr,
    to: SocketAddr,
    since: Stopwatch,
    transaction: u64,
}

/// One socket.
pub(super) struct Listener {
    desk: Arc<Desk>,
    local: SocketAddr,
    socket: UdpSocket,
    answers: Answers,
    answered: Receiver<Numbered>,
    limits: DipLimits,
}

impl Listener {
    pub fn new(desk: Arc<Desk>, socket: UdpSocket, limits: DipLimits) -> io::Result<Self> {
        let (queue, answered) = bounded(limits.waiting);
        let answers = Answers { queue, waker: Arc::new(Waker::new()?) };
        Ok(Self { local: socket.local_addr()?, desk, socket, answers, answered, limits })
    }

    /// Where it listens.
    pub const fn local(&self) -> SocketAddr {
        self.local
    }

    /// To wake the thread with.
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.answers.waker)
    }

    /// Receives and answers, until the dip is told to end and nothing waits.
    pub fn run(self) {
        let mut inbox = Inbox::new();
        let mut worker = Worker {
            waiting: Ring::new(self.limits.waiting),
            passed: Passed::new(self.limits.passed, self.desk.seed),
            outbox: Outbox::new(),
            full_since: None,
            listener: &self,
        };
        loop {
            // Read before the socket is: what came before the end is answered.
            let is_stopping = self.desk.is_stopping();
            let received = inbox.receive(&self.socket, |datagram| worker.take(datagram));
            worker.note_received(received, inbox.take_dropped());
            let answered = worker.take_answers();
            worker.give_up();
            worker.flush();
            if received == BATCH || answered == BATCH || is_stopping && received > 0 {
                continue;
            }
            if is_stopping && worker.waiting.left().is_none() {
                return;
            }
            worker.sleep();
        }
    }
}

/// What the thread of a socket knows.
struct Worker<'a> {
    listener: &'a Listener,
    waiting: Ring<Waiting>,
    passed: Passed,
    outbox: Outbox,
    /// Since when the socket held more than was taken from it each time.
    full_since: Option<Stopwatch>,
}

impl Worker<'_> {
    fn note_received(&mut self, count: usize, dropped: u32) {
        self.listener.desk.counts.count_more(Kind::Kernel, u64::from(dropped));
        self.full_since =
            if count < BATCH { None } else { self.full_since.or_else(|| Some(Stopwatch::start())) };
    }

    /// Whether more comes than can be answered, and not just for a moment.
    fn is_swamped(&self) -> bool {
        self.full_since.is_some_and(|since| since.elapsed() > self.listener.desk.deadline)
    }

    fn take(&mut self, datagram: Datagram<'_>) {
        let Datagram { bytes, source, age } = datagram;
        let desk = &self.listener.desk;
        let fate = Fate::of(desk.deadline.saturating_sub(age), desk.deadline, self.is_swamped());
        if fate == Fate::Drop && desk.may_drop(bytes) {
            return desk.counts.count(Kind::Overdue);
        }
        match desk.look(bytes) {
            Step::Skip(kind) => desk.counts.count(kind),
            Step::Say { message, said } => {
                let request = Request { bytes, source, since: Stopwatch::start() };
                let to = destination(&message, source);
                self.put(to, |out| desk.say(&message, said, &request, out));
            }
            Step::Ask { message, transaction } => self.ask((datagram, fate), &message, transaction),
        }
    }

    fn ask(
        &mut self,
        (Datagram { bytes, source, age }, fate): (Datagram<'_>, Fate),
        message: &Message<'_>,
        transaction: u64,
    ) {
        let desk = &self.listener.desk;
        let to = destination(message, source);
        let since = Stopwatch::start();
        let request = Request { bytes, source, since };
        if self.passed.contains(transaction) {
            desk.counts.count(Kind::Repeated);
            return self.put(to, |out| desk.repeat(&Answer::default(), transaction, &request, out));
        }
        let number = match (fate, self.waiting.next()) {
            (Fate::Ask, Some(number)) => number,
            (fate, _) => {
                let why = if fate == Fate::Ask { FailOpen::StateFull } else { FailOpen::QueueFull };
                self.passed.note(transaction);
                return self.put(to, |out| desk.settle(Err(why), transaction, &request, out));
            }
        };
        let head = head(bytes, message).into();
        let (left, way_back) = (desk.deadline.saturating_sub(age), desk.deadline / WAY_BACK);
        let waits = Deadline::after(left.saturating_sub(way_back / 2));
        self.waiting.push(waits, Waiting { head, source, to, since, transaction });
        let src = desk.ingress(bytes, source);
        let envelope = Envelope::Sip { src, dst: self.listener.local, transport: Transport::Udp };
        desk.gate.ask(Query {
            asked: Asked::Message { envelope, bytes: bytes.into() },
            deadline: Deadline::after(left.saturating_sub(way_back)),
            reply: self.listener.answers.slot(number),
        });
    }

    fn take_answers(&mut self) -> usize {
        let mut count = 0;
        while count < BATCH
            && let Ok((number, answer)) = self.listener.answered.try_recv()
        {
            count += 1;
            // Too late: the deadline answered.
            let Some(waiting) = self.waiting.take(number) else { continue };
            self.settle(answer, &waiting);
        }
        count
    }

    fn give_up(&mut self) {
        while let Some(waiting) = self.waiting.overdue() {
            self.settle(Err(FailOpen::Deadline), &waiting);
        }
    }

    fn settle(&mut self, answer: Result<Answer, FailOpen>, waiting: &Waiting) {
        let Waiting { head, source, to, since, transaction } = waiting;
        if answer.is_err() {
            self.passed.note(*transaction);
        }
        let desk = &self.listener.desk;
        let request = Request { bytes: head, source: *source, since: *since };
        self.put(*to, |out| desk.settle(answer, *transaction, &request, out));
    }

    fn put(&mut self, to: SocketAddr, write: impl FnOnce(&mut Vec<u8>)) {
        if self.outbox.is_full() {
            self.flush();
        }
        self.outbox.add(to, write);
    }

    fn flush(&mut self) {
        for _ in 0..self.outbox.send(&self.listener.socket) {
            self.listener.desk.counts.count(Kind::Unsent);
        }
    }

    /// Until a datagram or an answer is there, or the first deadline is over. While the loop has more than enough to do,
    /// datagrams wait in the socket and are then taken together: woken for each, the thread would do little else.
    fn sleep(&self) {
        let Listener { desk, socket, answers, answered, .. } = self.listener;
        let left = self.waiting.left();
        let (source, left) = if left.is_some() && desk.gate.is_busy() {
            (None, left.map(|left| left.min(NAP)))
        } else {
            (Some(socket.as_fd()), left)
        };
        answers.waker.sleep(source, left, || !answered.is_empty() || desk.is_stopping() && left.is_none());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_question_passes_and_is_dropped_only_when_ever_more_come() {
        let fate =
            |left, is_swamped| Fate::of(Duration::from_millis(left), Duration::from_millis(50), is_swamped);
        for (left, calm, swamped) in [
            (50, Fate::Ask, Fate::Ask),
            (25, Fate::Ask, Fate::Ask),
            (24, Fate::Pass, Fate::Pass),
            (10, Fate::Pass, Fate::Pass),
            (9, Fate::Pass, Fate::Drop),
            (0, Fate::Pass, Fate::Drop),
        ] {
            assert_eq!((fate(left, false), fate(left, true)), (calm, swamped), "{left} ms");
        }
    }
}
