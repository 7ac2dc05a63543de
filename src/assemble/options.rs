//! Limits of assembly, and how long what is missing is waited for.

use std::time::Duration;

use super::wrappers::Wrappers;
use crate::base::frame::MtpPlan;
use crate::base::map::Seed;

/// Limits of assembly. At all of them together it takes about 70 MiB.
#[derive(Clone, Debug)]
pub struct AssembleOptions {
    /// Seed of the tables' hashes.
    pub seed: Seed,
    /// IP datagrams waiting for fragments; the oldest makes room.
    pub datagrams_max: usize,
    /// Octets of IP fragments; the oldest datagram makes room.
    pub fragment_bytes_max: usize,
    /// How long a datagram waits for its fragments.
    pub fragment_wait: Duration,
    /// Datagrams and fragments that are remembered, to know one that comes twice; 0 for none. A newer one takes the place.
    pub duplicates_max: usize,
    /// For how long. Less than 500 ms: then SIP sends again what was not answered.
    pub duplicate_window: Duration,
    /// Directions of TCP connections with SIP; the one longest silent makes room.
    pub flows_max: usize,
    /// Octets behind a gap in one direction of a TCP connection; then the gap is skipped.
    pub flow_bytes_max: usize,
    /// Octets held in all TCP connections; the one longest silent makes room.
    pub stream_bytes_max: usize,
    /// How long octets missing from a TCP stream are waited for.
    pub gap_wait: Duration,
    /// Directions of SCTP associations with signalling; the one longest silent makes room.
    pub associations_max: usize,
    /// Octets of fragmented user messages in one direction of an SCTP association, then they are dropped; and of messages
    /// that wait for one before them, then they go on without it.
    pub association_bytes_max: usize,
    /// Octets held in all SCTP associations; the one longest silent makes room.
    pub chunk_bytes_max: usize,
    /// How long an ordered user message of SCTP waits for one that is missing before it.
    pub order_wait: Duration,
    /// Whose point codes each SS7 network has.
    pub mtp: MtpPlan,
    /// Whose tunnels and packets of capture agents are opened.
    pub wrappers: Wrappers,
}

impl Default for AssembleOptions {
    fn default() -> Self {
        Self {
            seed: Seed::default(),
            datagrams_max: 8192,
            fragment_bytes_max: 16 << 20,
            fragment_wait: Duration::from_secs(30),
            duplicates_max: 4096,
            duplicate_window: Duration::from_millis(100),
            flows_max: 32_768,
            flow_bytes_max: 256 << 10,
            stream_bytes_max: 32 << 20,
            gap_wait: Duration::from_secs(3),
            associations_max: 4096,
            association_bytes_max: 64 << 10,
            chunk_bytes_max: 8 << 20,
            // What is lost is sent again after a round trip, at the latest after RTO.Min of 1 s (RFC 9260 §16).
            order_wait: Duration::from_millis(300),
            mtp: MtpPlan::default(),
            wrappers: Wrappers::default(),
        }
    }
}
