//! What a proxy counts beside its answers: messages that went on, and why others did not.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// The ACK to a refusal of ours: taken.
    Absorbed,
    /// A CANCEL while its INVITE was held: both were answered.
    Cancelled,
    /// An emergency call, which went on unasked.
    Emergency,
    /// For an address that the other side's networks do not hold; a request was answered 403.
    Foreign,
    /// Empty lines that keep a way open.
    KeepAlive,
    /// It came back by the way it had gone: answered 482.
    Loop,
    /// It cannot be read; answered 400 where it says enough for an answer.
    Malformed,
    /// Went on with the caller's number hidden or brought back.
    Masked,
    /// The oldest of the calls without their number was forgotten.
    MaskedEvicted,
    /// The number was to be hidden and could not be; it went on as it was.
    NotMasked,
    /// A response that does not name us, or that nobody asked for: dropped.
    NotOurs,
    /// An OPTIONS for the proxy itself, answered.
    Options,
    /// An answer to a probe of ours.
    Probed,
    /// An INVITE again that is held: dropped, the first gets the answer.
    Repeated,
    /// A request that went on.
    Request,
    /// A response that went on.
    Response,
    /// From nobody we know; a request was answered 403.
    Stranger,
    /// Max-Forwards was used up: answered 483.
    TooManyHops,
    /// No next hop for it: answered 404.
    Unroutable,
    /// The system did not send it.
    Unsent,
}

impl Kind {
    /// Names in metrics, in the order of the enum.
    pub const NAMES: [&'static str; 20] = [
        "absorbed",
        "cancelled",
        "emergency",
        "foreign",
        "keep_alive",
        "loop",
        "malformed",
        "masked",
        "masked_evicted",
        "not_masked",
        "not_ours",
        "options",
        "probed",
        "repeated",
        "request",
        "response",
        "stranger",
        "too_many_hops",
        "unroutable",
        "unsent",
    ];
}

/// Counters of all proxies together; cheap to copy.
#[derive(Clone, Debug)]
pub struct ProxyCounts([IntCounter; Kind::NAMES.len()]);

impl ProxyCounts {
    /// Registers the family, all at zero and visible.
    ///
    /// # Errors
    /// When the registry has it.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let opts = Opts::new(
            "tollgate_proxy_messages_total",
            "Messages through the SIP proxy, and what it dropped, by kind",
        );
        let family = IntCounterVec::new(opts, &["kind"])?;
        registry.register(Box::new(family.clone()))?;
        Ok(Self(Kind::NAMES.map(|kind| family.with_label_values(&[kind]))))
    }

    /// Counts one.
    pub fn count(&self, kind: Kind) {
        self.add(kind, 1);
    }

    /// Counts some.
    pub fn add(&self, kind: Kind, count: u64) {
        if let Some(counter) = self.0.get(kind as usize) {
            counter.inc_by(count);
        }
    }

    /// How many so far.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u64 {
        self.0.get(kind as usize).map_or(0, IntCounter::get)
    }
}
