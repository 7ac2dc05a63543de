//! What a dip counts beside its answers: messages that ask nothing, and what it dropped.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// An ACK: taken, nothing is said.
    Ack,
    /// A CANCEL, answered 200: its INVITE is or will be answered at once.
    Cancel,
    /// A connection that was closed: as many are open as may be.
    ConnectionRefused,
    /// A connection that was closed: silent, too slow with a message, or not reading.
    ConnectionTimedOut,
    /// An INVITE within a dialog, answered 481: a dip has none.
    InDialog,
    /// Empty lines that keep a way open.
    KeepAlive,
    /// A datagram that found no room in the system's buffer of the socket, whatever it was.
    Kernel,
    /// A method that a dip does not have, answered 405.
    MethodNotAllowed,
    /// Not SIP: dropped, and its connection closed.
    NotSip,
    /// An OPTIONS, answered.
    Options,
    /// An INVITE that lay in the socket for nearly the whole deadline while ever more came: dropped, the switch goes on by its
    /// timer.
    Overdue,
    /// An INVITE that passed unjudged and came again: it passes.
    Repeated,
    /// A response: dropped.
    Response,
    /// A TLS handshake that failed.
    TlsFailed,
    /// A request without what an answer needs: dropped.
    Unreadable,
    /// An answer that the system did not send: dropped, the switch asks again.
    Unsent,
}

impl Kind {
    /// Names in metrics, in the order of the enum.
    pub const NAMES: [&'static str; 16] = [
        "ack",
        "cancel",
        "connection_refused",
        "connection_timed_out",
        "in_dialog",
        "keep_alive",
        "kernel",
        "method_not_allowed",
        "not_sip",
        "options",
        "overdue",
        "repeated",
        "response",
        "tls_failed",
        "unreadable",
        "unsent",
    ];
}

/// Counters of all dips together; cheap to copy.
#[derive(Clone, Debug)]
pub struct DipCounts([IntCounter; Kind::NAMES.len()]);

impl DipCounts {
    /// Registers the family, all at zero and visible.
    ///
    /// # Errors
    /// When the registry has it.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let opts = Opts::new(
            "tollgate_dip_messages_total",
            "Messages to the SIP redirect dip other than call setups, and what it dropped, by kind",
        );
        let family = IntCounterVec::new(opts, &["kind"])?;
        registry.register(Box::new(family.clone()))?;
        Ok(Self(Kind::NAMES.map(|kind| family.with_label_values(&[kind]))))
    }

    /// Counts one.
    pub fn count(&self, kind: Kind) {
        self.count_more(kind, 1);
    }

    /// Counts so many.
    pub fn count_more(&self, kind: Kind, more: u64) {
        if let Some(counter) = self.0.get(kind as usize) {
            counter.inc_by(more);
        }
    }

    /// How many so far.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u64 {
        self.0.get(kind as usize).map_or(0, IntCounter::get)
    }
}
