//! Messages that an adapter in the path of calls lets by: copies go to the decision loop, so that it sees how calls end.

use std::io;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use prometheus::IntCounter;

use crate::adapter::inline::Tap;
use crate::base::frame::{Envelope, Pdu};
use crate::base::map::Seed;
use crate::base::time::At;
use crate::clock::Stopwatch;
use crate::engine::batch::Batch;
use crate::service::{Hub, spawn};
use crate::signal;
use crate::source::FeedOptions;

/// Copies on their way to the batches; beyond, they are dropped and counted.
const MESSAGES_MAX: usize = 8_192;

struct Heard {
    at: At,
    envelope: Envelope,
    bytes: Box<[u8]>,
}

/// Takes copies, without waiting.
#[derive(Clone)]
pub struct Ear {
    messages: Sender<Heard>,
    dropped: IntCounter,
}

impl Tap for Ear {
    fn see(&mut self, at: At, envelope: Envelope, message: &[u8]) {
        if self.messages.try_send(Heard { at, envelope, bytes: message.into() }).is_err() {
            self.dropped.inc();
        }
    }
}

/// An ear, and the thread that cuts batches of what it hears; the thread ends when the ear is gone.
///
/// # Errors
/// When there is no thread.
pub fn listen(hub: &Hub) -> Result<(Ear, JoinHandle<()>), String> {
    let dropped = hub.live.overheard_dropped();
    let (messages, heard) = bounded(MESSAGES_MAX);
    let (outlet, seed) = (hub.outlet.sender().clone(), hub.seed);
    let thread = spawn("overheard", move || drop(cut(&heard, &outlet, seed)))?;
    Ok((Ear { messages, dropped }, thread))
}

/// Cuts batches when they are full, and when their first message has waited long enough.
fn cut(heard: &Receiver<Heard>, outlet: &Sender<Batch>, seed: Seed) -> io::Result<()> {
    let options = FeedOptions::default();
    let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    let mut batch = Batch::default();
    let mut since = Stopwatch::start();
    loop {
        let left = options.batch_wait.as_secs_f64() - since.seconds();
        let received = if batch.is_empty() {
            heard.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            heard.recv_timeout(std::time::Duration::from_secs_f64(left.max(0.0)))
        };
        match received {
            Ok(Heard { at, envelope, bytes }) => {
                if batch.is_empty() {
                    since = Stopwatch::start();
                }
                let pdu = Pdu { at, seq: 0, frame: 0, envelope, bytes: &bytes };
                batch.push(&pdu, signal::key(&pdu, seed));
                batch.until = batch.until.max(at);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return outlet.send(batch).map_err(gone);
            }
        }
        let is_full = batch.pdus() >= options.batch_pdus || batch.octets() >= options.batch_bytes;
        if is_full || !batch.is_empty() && since.seconds() >= options.batch_wait.as_secs_f64() {
            outlet.send(std::mem::take(&mut batch)).map_err(gone)?;
        }
    }
}
