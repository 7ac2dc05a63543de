//! Limits and timers of a table of calls.

use std::time::Duration;

use crate::base::map::Seed;
use crate::call::legs::LegOptions;

/// Limits and timers of a table of calls.
#[derive(Clone, Copy, Debug)]
pub struct CallOptions {
    /// Most calls held at once, live or lingering; each takes about 600 octets, and up to 128 more of timers.
    pub calls_max: usize,
    /// An attempt with no answer and no end is closed after this. Longer than SIP's Timer C (over 3 minutes, RFC 3261
    /// §16.6) and ISUP's T9 (90 seconds to 3 minutes, Q.764 annex A).
    pub setup_max: Duration,
    /// A cancelled INVITE whose final response is not seen ends after 64·T1 (RFC 3261 §9.1).
    pub cancel_max: Duration,
    /// An answered call with no end is closed after this.
    pub talk_max: Duration,
    /// A call that was asked about and one seen on a tap are the same when their numbers are, and their setups are no
    /// further apart than this. Zero: they are joined by Call-ID only.
    pub join: Duration,
    /// How long an ended SIP call absorbs retransmissions: Timer H, 64·T1 (RFC 3261 §17.2.1).
    pub linger: Duration,
    /// A call that was only asked about is closed after this, without an end, when nobody has told one.
    pub told_wait: Duration,
    /// How long calls are remembered by what their call records name, so that each is recorded once: longer than
    /// `told_wait`.
    pub told_hold: Duration,
    /// Most calls, and call records, remembered so; each takes about 200 octets. Zero where nobody tells of calls.
    pub told_max: usize,
    /// How legs of one call are joined.
    pub legs: LegOptions,
    /// Seed of keyed hashes; the same as of the signals' hashes.
    pub seed: Seed,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            calls_max: 400_000,
            setup_max: Duration::from_secs(240),
            cancel_max: Duration::from_secs(32),
            talk_max: Duration::from_secs(4 * 3600),
            join: Duration::ZERO,
            linger: Duration::from_secs(32),
            told_wait: Duration::from_secs(240),
            told_hold: Duration::from_secs(24 * 3600),
            told_max: 0,
            legs: LegOptions::default(),
            seed: Seed::default(),
        }
    }
}
