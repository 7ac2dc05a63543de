//! The thread of one socket: receives, asks about calls, passes on.
//!
//! It alone knows which INVITEs it holds: the loop's answers come to it by a queue, and whichever is first, answer, deadline
//! or CANCEL, takes the INVITE away. While it holds one it says nothing, not even 100 (Trying), which a stateless proxy must
//! not send (RFC 3261 §16.11): the sender repeats itself after T1, 500 ms, and the deadline is well before that.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use crate::adapter::batch::{BATCH, Inbox};
use crate::adapter::inline::Tap;
use crate::adapter::passed::Passed;
use crate::adapter::proxy::Shared;
use crate::adapter::proxy::counts::Kind;
use crate::adapter::proxy::post::{Post, Received, Refusal};
use crate::adapter::proxy::sides::Side;
use crate::adapter::ring::Ring;
use crate::adapter::slot::{Answers, Numbered};
use crate::adapter::{Asked, Query, Waker};
use crate::base::fail_open::FailOpen;
use crate::base::frame::{Envelope, Transport};
use crate::base::map::Map;
use crate::clock::{Deadline, Stopwatch};
use crate::judge::{Answer, Treatment};
use crate::signal::sip::is_emergency;
use crate::wire::sip::respond::{to_tag, transaction};
use crate::wire::sip::start::Start;
use crate::wire::sip::{Message, Method};

/// An INVITE that waits for its answer.
struct Held {
    key: HeldKey,
    source: SocketAddr,
    bytes: Box<[u8]>,
    since: Stopwatch,
}

/// The transaction, and who sent it: nobody's call is kept away by what another has sent.
type HeldKey = (u64, IpAddr);

/// What a thread is given.
pub(super) struct Seat {
    /// The sides that its socket serves: one, or both where they share it.
    pub here: Vec<Side>,
    /// To wake it with.
    pub answers: Answers,
    answered: Receiver<Numbered>,
}

impl Seat {
    pub fn new(here: Vec<Side>, held_max: usize) -> nix::Result<Self> {
        // Nobody asks about what comes from the core.
        let (queue, answered) = bounded(if here.contains(&Side::Carriers) { held_max } else { 0 });
        Ok(Self { here, answers: Answers { queue, waker: Arc::new(Waker::new()?) }, answered })
    }
}

/// A thread's knowledge.
pub(super) struct Worker {
    shared: Arc<Shared>,
    seat: Seat,
    post: Post,
    waiting: Ring<Held>,
    held: Map<HeldKey, u64>,
    passed: Passed,
    probe_at: Option<Deadline>,
}

impl Worker {
    /// For the thread that it is to run in.
    pub fn new(shared: Arc<Shared>, seat: Seat, tap: Box<dyn Tap>) -> Self {
        let (limits, seed) = (shared.options.limits, shared.options.seed);
        Self {
            post: Post::new(Arc::clone(&shared), tap),
            waiting: Ring::new(limits.held),
            held: Map::with_hasher(seed),
            passed: Passed::new(limits.passed, seed),
            probe_at: shared.options.probe_every.map(|_| Deadline::after(Duration::ZERO)),
            shared,
            seat,
        }
    }

    /// Works until it is told to end and nothing waits.
    pub fn run(mut self) {
        let mut inbox = Inbox::new();
        let socket = match self.seat.here.first() {
            Some(Side::Core) => Arc::clone(&self.shared.sockets[1]),
            _ => Arc::clone(&self.shared.sockets[0]),
        };
        loop {
            // Read before the socket is: what came before the end goes on.
            let is_stopping = self.shared.is_stopping();
            let received = inbox.receive(&socket, |datagram| self.take(datagram.bytes, datagram.source));
            let answered = self.take_answers();
            self.give_up();
            self.probe();
            self.post.flush();
            if received > 0 || answered > 0 {
                continue;
            }
            if is_stopping && self.waiting.left().is_none() {
                return;
            }
            self.sleep(&socket);
        }
    }

    fn take(&mut self, bytes: &[u8], source: SocketAddr) {
        // Keep-alives (RFC 5626 §3.5.1, and NULs as some send them).
        if bytes.iter().all(|octet| matches!(octet, b'\r' | b'\n' | b' ' | 0)) {
            return self.shared.counts.count(Kind::KeepAlive);
        }
        let side = self.shared.sides.of(&self.seat.here, source);
        let stranger = side.is_none();
        let Some(side) = side.or_else(|| self.seat.here.first().copied()) else { return };
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(_) if stranger => return self.shared.counts.count(Kind::Stranger),
            Err(_) => return self.post.say_malformed((side, source), bytes),
        };
        let received = Received { side, source, bytes, message: &message };
        match message.start {
            Start::Response { .. } if stranger => self.shared.counts.count(Kind::Stranger),
            Start::Request { .. } if stranger => self.post.refuse(&received, Refusal::STRANGER),
            Start::Response { status } => self.post.pass_back(&received, status),
            Start::Request { uri, .. } => self.request(&received, uri),
        }
    }

    fn request(&mut self, received: &Received<'_>, uri: &[u8]) {
        let shared = Arc::clone(&self.shared);
        let is_call = received.side == Side::Carriers && received.to_tag().is_none();
        match received.message.method {
            Method::Ack if self.is_to_ours(received) => shared.counts.count(Kind::Absorbed),
            Method::Cancel if is_call => self.cancel(received),
            Method::Options if shared.sides.is_for_us(received.message, received.bytes) => {
                shared.counts.count(Kind::Options);
                let is_ready =
                    !shared.is_stopping() && shared.sides.at(received.side.other()).hops.is_alive();
                let status = if is_ready { (200, "OK") } else { (503, "Service Unavailable") };
                self.post.say(received, status, None);
            }
            Method::Invite if is_call && is_emergency(uri, shared.gate.network()) => {
                shared.counts.count(Kind::Emergency);
                self.post.pass(received, &Treatment::Allow);
            }
            Method::Invite if is_call => self.invite(received),
            _ => self.post.pass(received, &Treatment::Allow),
        }
    }

    /// Whether it acknowledges a response of ours: nobody else could have made its tag.
    fn is_to_ours(&self, ack: &Received<'_>) -> bool {
        let tag = to_tag(transaction(self.shared.options.seed, ack.message));
        ack.to_tag() == Some(tag.as_bytes())
    }

    fn key(&self, received: &Received<'_>) -> HeldKey {
        (transaction(self.shared.options.seed, received.message), received.source.ip())
    }

    fn invite(&mut self, received: &Received<'_>) {
        let key = self.key(received);
        if self.held.contains_key(&key) {
            return self.shared.counts.count(Kind::Repeated);
        }
        if self.passed.contains(key.0) {
            return self.post.pass(received, &Treatment::Allow);
        }
        if let Err(refusal) = self.post.way(received) {
            return self.post.refuse(received, refusal);
        }
        let since = Stopwatch::start();
        let Received { source, bytes, .. } = *received;
        let Some(number) = self.waiting.next() else {
            self.passed.note(key.0);
            let answer = self.shared.gate.settle(Err(FailOpen::StateFull), since);
            return self.post.pass(received, &answer.treatment);
        };
        let deadline = Deadline::after(self.shared.options.deadline);
        self.waiting.push(deadline, Held { key, source, bytes: bytes.into(), since });
        self.held.insert(key, number);
        let dst = self.shared.sides.at(Side::Carriers).local;
        self.shared.gate.ask(Query {
            asked: Asked::Message {
                envelope: Envelope::Sip { src: source, dst, transport: Transport::Udp },
                bytes: bytes.into(),
            },
            deadline,
            reply: self.seat.answers.slot(number),
        });
    }

    /// Ends a held call; any other CANCEL goes after its INVITE.
    fn cancel(&mut self, cancel: &Received<'_>) {
        let held = self.held.remove(&self.key(cancel)).and_then(|number| self.waiting.take(number));
        let Some(held) = held else { return self.post.pass(cancel, &Treatment::Allow) };
        self.shared.counts.count(Kind::Cancelled);
        // It was read before it was held.
        let Ok(message) = Message::parse(&held.bytes) else { return };
        let invite =
            Received { side: cancel.side, source: held.source, bytes: &held.bytes, message: &message };
        self.post.cancel(&invite, cancel);
    }

    fn take_answers(&mut self) -> usize {
        let mut count = 0;
        while count < BATCH
            && let Ok((number, answer)) = self.seat.answered.try_recv()
        {
            count += 1;
            // Too late: the deadline answered, or the caller has hung up.
            let Some(held) = self.waiting.take(number) else { continue };
            self.settle(answer, &held);
        }
        count
    }

    fn give_up(&mut self) {
        while let Some(held) = self.waiting.overdue() {
            self.settle(Err(FailOpen::Deadline), &held);
        }
    }

    fn settle(&mut self, answer: Result<Answer, FailOpen>, held: &Held) {
        self.held.remove(&held.key);
        if answer.is_err() {
            // What has gone on unjudged goes on, whatever is known by the time it comes again.
            self.passed.note(held.key.0);
        }
        let answer = self.shared.gate.settle(answer, held.since);
        // It was read before it was held.
        let Ok(message) = Message::parse(&held.bytes) else { return };
        let Held { source, bytes, .. } = held;
        let received = Received { side: Side::Carriers, source: *source, bytes, message: &message };
        self.post.turn_away(&received, &answer.treatment);
    }

    fn probe(&mut self) {
        let Some(every) = self.shared.options.probe_every else { return };
        if !self.probe_at.is_some_and(|at| at.left().is_zero()) {
            return;
        }
        self.probe_at = Some(Deadline::after(every));
        let (shared, post) = (Arc::clone(&self.shared), &mut self.post);
        for side in self.seat.here.iter().copied() {
            let place = shared.sides.at(side);
            place.hops.probe(place.local, |to, probe| {
                post.put(side, to, |outbox| outbox.extend_from_slice(probe));
            });
        }
    }

    /// Until a datagram or an answer is there, or something is due.
    fn sleep(&self, socket: &impl AsFd) {
        let Seat { answers, answered, .. } = &self.seat;
        let waits = self.waiting.left();
        let left = [waits, self.probe_at.map(Deadline::left)].into_iter().flatten().min();
        let is_wanted = || !answered.is_empty() || self.shared.is_stopping() && waits.is_none();
        answers.waker.sleep(Some(socket.as_fd()), left, is_wanted);
    }
}
