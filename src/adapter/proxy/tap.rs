//! What passes the proxy on its carriers' side, shown to the decision loop, so that it sees how calls go on and end.

use std::net::SocketAddr;

use crossbeam_channel::Sender;

use crate::base::frame::{Envelope, Pdu, Transport};
use crate::base::map::Seed;
use crate::clock;
use crate::engine::batch::Batch;
use crate::signal;

/// Where messages are shown: the loop's queue, and the key of its hashes.
#[derive(Clone, Debug)]
pub struct View {
    /// Messages on their way to the loop.
    pub batches: Sender<Batch>,
    /// The seed of this run.
    pub seed: Seed,
}

/// Collects what one thread has seen.
pub(super) struct Tap {
    view: View,
    batch: Batch,
    count: u64,
}

impl Tap {
    pub fn new(view: View) -> Self {
        Self { view, batch: Batch::default(), count: 0 }
    }

    /// A message went from `src` to `dst`.
    pub fn see(&mut self, (src, dst): (SocketAddr, SocketAddr), bytes: &[u8]) {
        let envelope = Envelope::Sip { src, dst, transport: Transport::Udp };
        let pdu = Pdu { at: clock::now(), seq: 0, frame: 0, envelope, bytes };
        self.batch.push(&pdu, signal::key(&pdu, self.view.seed));
        self.count += 1;
    }

    /// Hands on what was seen; how many messages the loop had no room for.
    pub fn flush(&mut self) -> u64 {
        let count = std::mem::take(&mut self.count);
        if count == 0 {
            return 0;
        }
        let mut batch = std::mem::take(&mut self.batch);
        batch.until = clock::now();
        // The proxy waits for nobody.
        if self.view.batches.try_send(batch).is_ok() { 0 } else { count }
    }
}
