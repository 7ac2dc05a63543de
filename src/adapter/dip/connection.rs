//! One connection of the dip: messages in, answers out, until it is closed by either side.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::select;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use crate::adapter::dip::DipLimits;
use crate::adapter::dip::counts::Kind;
use crate::adapter::dip::desk::{Desk, Request, Step, head};
use crate::adapter::dip::framer::{Framer, Next};
use crate::adapter::dip::stream::{Shared, stopped};
use crate::adapter::ring::Ring;
use crate::adapter::slot::{Numbered, Slot};
use crate::adapter::{Asked, Query};
use crate::base::fail_open::FailOpen;
use crate::base::frame::{Envelope, Transport};
use crate::clock::{Deadline, Stopwatch};
use crate::judge::Answer;
use crate::wire::sip::Message;

/// Octets read at once.
const READ: usize = 16 << 10;

/// What an answer needs of the question.
struct Waiting {
    head: Box<[u8]>,
    since: Stopwatch,
    transaction: u64,
}

/// A connection.
pub(super) struct Connection<'a> {
    desk: &'a Desk,
    limits: DipLimits,
    local: SocketAddr,
    peer: SocketAddr,
    stop: watch::Receiver<bool>,
    answers: mpsc::Sender<Numbered>,
    answered: mpsc::Receiver<Numbered>,
    waiting: Ring<Waiting>,
    framer: Framer,
    out: Vec<u8>,
    /// Nothing more is read: the peer said so, or what it says is no SIP.
    is_closing: bool,
    /// When it was silent, or slow, for too long.
    patience: Deadline,
    is_inside: bool,
}

/// What woke a connection.
enum Event {
    Answered(Numbered),
    Overdue,
    Read(Option<usize>),
    Stop,
    TimedOut,
}

impl<'a> Connection<'a> {
    pub fn new(shared: &'a Shared, local: SocketAddr, peer: SocketAddr) -> Self {
        let limits = shared.limits;
        let (answers, answered) = mpsc::channel(limits.waiting_of_connection.max(1));
        Self {
            desk: &shared.desk,
            limits,
            local,
            peer,
            stop: shared.stop.clone(),
            answers,
            answered,
            waiting: Ring::new(limits.waiting_of_connection),
            framer: Framer::new(limits.message),
            out: Vec::new(),
            is_closing: false,
            patience: Deadline::after(limits.idle),
            is_inside: false,
        }
    }

    /// Serves it to its end.
    pub async fn serve(mut self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut buffer = vec![0; READ];
        loop {
            if !self.out.is_empty() && !self.write(&mut stream).await {
                return;
            }
            self.is_closing |= self.desk.is_stopping();
            if self.is_closing && self.waiting.left().is_none() {
                // A peer that is gone does not mind.
                let _ = timeout(self.limits.write_timeout, stream.shutdown()).await;
                return;
            }
            match self.wait(&mut stream, &mut buffer).await {
                Event::Answered((number, answer)) => {
                    // Too late when it is gone: the deadline answered.
                    if let Some(waiting) = self.waiting.take(number) {
                        self.settle(answer, &waiting);
                    }
                }
                Event::Overdue => {
                    while let Some(waiting) = self.waiting.overdue() {
                        self.settle(Err(FailOpen::Deadline), &waiting);
                    }
                }
                Event::Read(Some(length)) => {
                    self.framer.push(buffer.get(..length).unwrap_or_default());
                    self.take_messages();
                }
                Event::Read(None) | Event::Stop => self.is_closing = true,
                Event::TimedOut => return self.desk.counts.count(Kind::ConnectionTimedOut),
            }
        }
    }

    async fn wait(&mut self, stream: &mut (impl AsyncRead + Unpin), buffer: &mut [u8]) -> Event {
        let overdue = self.waiting.left();
        let (is_open, patience) = (!self.is_closing, self.patience.left());
        select! {
            Some(answer) = self.answered.recv() => Event::Answered(answer),
            () = sleep(overdue.unwrap_or(Duration::ZERO)), if overdue.is_some() => Event::Overdue,
            read = stream.read(buffer), if is_open => {
                Event::Read(read.ok().filter(|length| *length > 0))
            }
            () = stopped(&mut self.stop), if is_open => Event::Stop,
            () = sleep(patience), if is_open => Event::TimedOut,
        }
    }

    /// Sends what there is to say; whether the peer took it.
    async fn write(&mut self, stream: &mut (impl AsyncWrite + Unpin)) -> bool {
        let written = timeout(self.limits.write_timeout, async {
            stream.write_all(&self.out).await?;
            stream.flush().await
        });
        let written = written.await;
        if written.is_err() {
            self.desk.counts.count(Kind::ConnectionTimedOut);
        }
        self.out.clear();
        matches!(written, Ok(Ok(())))
    }

    fn take_messages(&mut self) {
        loop {
            match self.framer.next() {
                Next::Bad => {
                    self.desk.counts.count(Kind::NotSip);
                    self.is_closing = true;
                    return;
                }
                Next::Message(range) => {
                    // Taken out of the framer, so that both can be used; its octets stay where they are.
                    let framer = std::mem::replace(&mut self.framer, Framer::new(0));
                    self.take(framer.bytes(range));
                    self.framer = framer;
                    self.is_inside = false;
                }
                Next::More => break,
                Next::Ping => {
                    self.desk.counts.count(Kind::KeepAlive);
                    self.out.extend_from_slice(b"\r\n");
                }
            }
        }
        // A message that has begun must end in time, however its octets come.
        let is_inside = self.framer.is_inside();
        if !is_inside {
            self.patience = Deadline::after(self.limits.idle);
        } else if !self.is_inside {
            self.patience = Deadline::after(self.limits.message_time);
        }
        self.is_inside = is_inside;
    }

    fn take(&mut self, bytes: &[u8]) {
        match self.desk.look(bytes) {
            Step::Skip(kind) => self.desk.counts.count(kind),
            Step::Say { message, said } => {
                let request = Request { bytes, source: self.peer, since: Stopwatch::start() };
                self.desk.say(&message, said, &request, &mut self.out);
            }
            Step::Ask { message, transaction } => self.ask(bytes, &message, transaction),
        }
    }

    /// A stream loses nothing, so nothing is sent again, and what passed need not be remembered.
    fn ask(&mut self, bytes: &[u8], message: &Message<'_>, transaction: u64) {
        let since = Stopwatch::start();
        let Some(number) = self.waiting.next() else {
            let request = Request { bytes, source: self.peer, since };
            let full = Err(FailOpen::StateFull);
            return self.desk.settle(full, transaction, &request, &mut self.out);
        };
        let deadline = Deadline::after(self.desk.deadline);
        self.waiting.push(deadline, Waiting { head: head(bytes, message).into(), since, transaction });
        let src = self.desk.ingress(bytes, self.peer);
        let envelope = Envelope::Sip { src, dst: self.local, transport: Transport::Tcp };
        let answers = self.answers.clone();
        self.desk.gate.ask(Query {
            asked: Asked::Message { envelope, bytes: bytes.into() },
            deadline,
            // When there is no room, or nobody to take it, the deadline answers.
            reply: Box::new(Slot::new(number, move |answer| {
                let _ = answers.try_send(answer);
                None
            })),
        });
    }

    fn settle(&mut self, answer: Result<Answer, FailOpen>, waiting: &Waiting) {
        let request = Request { bytes: &waiting.head, source: self.peer, since: waiting.since };
        self.desk.settle(answer, waiting.transaction, &request, &mut self.out);
    }
}
