//! What a source counts, and how it is read while the source runs.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::assemble::Skips;
use crate::base::fault::Faults;

/// Why something was lost before it could be read as a frame or a message. Faults and skips come after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Loss {
    /// A compressed payload that does not unpack, or not to one message's length.
    Compressed,
    /// A connection refused because there are too many.
    Crowded,
    /// The interface or its driver had no room.
    Interface,
    /// The kernel's buffer was full: the source did not read fast enough.
    Kernel,
    /// A HEP packet without the word that is asked for.
    Key,
    /// A HEP packet whose payload is of a protocol that is not read.
    Payload,
    /// A message that was under way when the source was told to stop.
    Stopped,
    /// A HEP packet or connection of somebody who is not named.
    Stranger,
    /// A connection that TLS could not be agreed on with, or went wrong in.
    Tls,
}

impl Loss {
    /// Names for counters, in the order of the enum.
    pub const NAMES: [&'static str; 9] =
        ["compressed", "crowded", "interface", "kernel", "key", "payload", "stopped", "stranger", "tls"];
}

/// Counts of one source since its start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Frames, or packets of capture agents.
    pub packets: u64,
    /// Octets of those as far as they were captured.
    pub bytes: u64,
    /// Messages handed on.
    pub pdus: u64,
    /// Batches handed on with messages in them.
    pub batches: u64,
    /// Batches that had to wait because the queue was full.
    pub batches_held: u64,
    /// How long they waited in all.
    pub blocked: Duration,
    /// Files begun; connections taken; sockets opened on an interface.
    pub opened: u64,
    /// Interfaces that went down, files that were cut or written anew, connections that were closed for what they sent.
    pub interrupted: u64,
    /// Packets whose own time was not believed; they got the time of their arrival.
    pub times_mended: u64,
    losses: [u64; Loss::NAMES.len()],
    /// What was broken.
    pub faults: Faults,
    /// What was no signalling.
    pub skips: Skips,
}

impl SourceCounts {
    /// How many were lost for this reason.
    #[must_use]
    pub const fn lost(&self, loss: Loss) -> u64 {
        self.losses[loss as usize]
    }

    /// Name and count of each reason for losses, in the order of the enum.
    pub fn losses(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Loss::NAMES.into_iter().zip(self.losses)
    }

    /// Counts some.
    pub(super) fn lose(&mut self, loss: Loss, count: u64) {
        self.losses[loss as usize] += count;
    }

    fn merge(&mut self, other: &Self) {
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.pdus += other.pdus;
        self.batches += other.batches;
        self.batches_held += other.batches_held;
        self.blocked += other.blocked;
        self.opened += other.opened;
        self.interrupted += other.interrupted;
        self.times_mended += other.times_mended;
        for (count, more) in self.losses.iter_mut().zip(other.losses) {
            *count += more;
        }
        self.faults.merge(&other.faults);
        self.skips.merge(&other.skips);
    }
}

/// The counts of one thread, as it last told them.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(Arc<Mutex<SourceCounts>>);

impl Tally {
    /// Tells the counts.
    pub fn tell(&self, counts: &SourceCounts) {
        // Counts are whole at any time, whoever panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone_from(counts);
    }

    /// Adds what was told last.
    pub fn add_to(&self, sum: &mut SourceCounts) {
        sum.merge(&self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
