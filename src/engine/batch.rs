//! PDUs on their way from one thread to another: their bytes in one buffer that is used again.

use crate::base::frame::{Envelope, Pdu};
use crate::base::time::At;
use crate::signal::Key;

/// PDUs that travel together; in the pipeline, a shard's part of them.
#[derive(Debug, Default)]
pub struct Batch {
    /// Time of the last frame of the whole batch, or of a wire on which there was none: timers up to it may fire.
    pub until: At,
    bytes: Vec<u8>,
    items: Vec<Item>,
}

/// PDUs in a group.
const GROUP: usize = 16;

#[derive(Debug)]
struct Item {
    at: At,
    seq: u64,
    frame: u64,
    envelope: Envelope,
    key: Key,
    start: usize,
    end: usize,
}

impl Batch {
    /// Adds a copy of a PDU.
    pub fn push(&mut self, pdu: &Pdu<'_>, key: Key) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(pdu.bytes);
        let Pdu { at, seq, frame, envelope, .. } = *pdu;
        self.items.push(Item { at, seq, frame, envelope, key, start, end: self.bytes.len() });
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self, until: At) {
        self.until = until;
        self.bytes.clear();
        self.items.clear();
    }

    /// How many PDUs are in it.
    #[must_use]
    pub const fn pdus(&self) -> usize {
        self.items.len()
    }

    /// Octets of all its PDUs.
    #[must_use]
    pub const fn octets(&self) -> usize {
        self.bytes.len()
    }

    /// There is nothing in it but its time.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Its PDUs, in the order they were added, in groups whose calls fit into the processor's first cache.
    pub fn groups(&self) -> impl Iterator<Item = impl Iterator<Item = (Pdu<'_>, Key)> + Clone> {
        self.items.chunks(GROUP).map(|group| group.iter().map(|item| self.pdu(item)))
    }

    fn pdu(&self, item: &Item) -> (Pdu<'_>, Key) {
        let Item { at, seq, frame, envelope, key, start, end } = *item;
        (Pdu { at, seq, frame, envelope, bytes: &self.bytes[start..end] }, key)
    }
}
