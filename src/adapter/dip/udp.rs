//! The dip over UDP: one thread a socket that receives, asks, and answers.
//!
//! It alone knows what waits: answers of the decision loop come to it by a queue, with the number of their question, and
//! whichever is first, answer or deadline, takes the question away. The decision loop sends nothing itself.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use crate::adapter::batch::{BATCH, Inbox, Outbox};
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
            listener: &self,
        };
        loop {
            // Read before the socket is: what came before the end is answered.
            let is_stopping = self.desk.is_stopping();
            let received = inbox.receive(&self.socket, |bytes, source| worker.take(bytes, source));
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
}

impl Worker<'_> {
    fn take(&mut self, bytes: &[u8], source: SocketAddr) {
        let desk = &self.listener.desk;
        match desk.look(bytes) {
            Step::Skip(kind) => desk.counts.count(kind),
            Step::Say { message, said } => {
                let request = Request { bytes, source, since: Stopwatch::start() };
                let to = destination(&message, source);
                self.put(to, |out| desk.say(&message, said, &request, out));
            }
            Step::Ask { message, transaction } => self.ask(bytes, source, &message, transaction),
        }
    }

    fn ask(&mut self, bytes: &[u8], source: SocketAddr, message: &Message<'_>, transaction: u64) {
        let to = destination(message, source);
        let desk = &self.listener.desk;
        let since = Stopwatch::start();
        let request = Request { bytes, source, since };
        if self.passed.contains(transaction) {
            desk.counts.count(Kind::Repeated);
            return self.put(to, |out| desk.repeat(&Answer::default(), transaction, &request, out));
        }
        let Some(number) = self.waiting.next() else {
            self.passed.note(transaction);
            return self.put(to, |out| desk.settle(Err(FailOpen::StateFull), transaction, &request, out));
        };
        let deadline = Deadline::after(desk.deadline);
        let head = head(bytes, message).into();
        self.waiting.push(deadline, Waiting { head, source, to, since, transaction });
        let src = desk.ingress(bytes, source);
        let envelope = Envelope::Sip { src, dst: self.listener.local, transport: Transport::Udp };
        desk.gate.ask(Query {
            asked: Asked::Message { envelope, bytes: bytes.into() },
            deadline,
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
