//! What was done, and why something was not.

/// What is counted. Those from `Fragmented` on are calls or messages that passed as they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Tally {
    /// An IAM became a probe: the call is blocked.
    Blocked,
    /// An IAM lost its calling number.
    Masked,
    /// A message became the REL of a blocked call.
    Released,
    /// A message became the RLC of a blocked call that was given up.
    Completed,
    /// A message became one without effect.
    Filled,
    /// A message became an RSC, for a call of the far exchange that met a blocked one.
    Reset,
    /// A retransmitted chunk was changed as its first copy.
    Repeated,
    /// A chunk was left to be retransmitted: with what the packet had grown by it no longer fitted, or one before it that
    /// may decide what becomes of it was missing.
    Deferred,
    /// A user message of M3UA in several chunks.
    Fragmented,
    /// An IP fragment of SCTP.
    IpFragment,
    /// A packet whose checksum is wrong.
    Checksum,
    /// An IAM to be blocked that met one of the far exchange (dual seizure).
    DualSeizure,
    /// An IAM to be blocked that came when more of its call had gone through.
    Late,
    /// An IAM to be blocked on a circuit that the far exchange has just reset.
    Resetting,
    /// An IAM to be blocked that may not be: an emergency or a test call.
    Untouchable,
    /// An IAM to be masked that shows no calling number.
    NothingToMask,
    /// An IAM to be diverted, which an exchange in the path cannot be made to do.
    NotPossible,
    /// An IAM to be blocked when as many calls were being blocked as may be.
    TableFull,
    /// An IAM that nothing was answered about in time, or not asked about because there were too many in its packet.
    Unruled,
    /// A blocked call whose probe was not answered: near releases it by its own timer (T7).
    Unanswered,
    /// A blocked call that was let go before near had its REL, when a message came that does not fit: the far exchange
    /// had the call after all, or one of them reset the circuit.
    Abandoned,
    /// A direction of an association was forgotten to make room.
    FlowEvicted,
}

impl Tally {
    /// Names for counters, in the order of the enum.
    pub const NAMES: [&'static str; 22] = [
        "blocked",
        "masked",
        "released",
        "completed",
        "filled",
        "reset",
        "repeated",
        "deferred",
        "fragmented",
        "ip_fragment",
        "checksum",
        "dual_seizure",
        "late",
        "resetting",
        "untouchable",
        "nothing_to_mask",
        "not_possible",
        "table_full",
        "unruled",
        "unanswered",
        "abandoned",
        "flow_evicted",
    ];
}

/// Counts since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Tally::NAMES.len()]);

impl Counts {
    pub(super) fn count(&mut self, tally: Tally) {
        if let Some(cell) = self.0.get_mut(tally as usize) {
            *cell = cell.saturating_add(1);
        }
    }

    /// How many of one.
    #[must_use]
    pub fn of(&self, tally: Tally) -> u64 {
        self.0.get(tally as usize).copied().unwrap_or_default()
    }

    /// Every name with its count.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, u64)> + '_ {
        Tally::NAMES.into_iter().zip(self.0)
    }
}
