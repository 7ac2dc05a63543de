//! Why a call passed without a verdict: the conditions under which Tollgate stands aside.

/// Why a call passed without having been judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum FailOpen {
    /// The operator told Tollgate to stand aside.
    Bypass,
    /// The decision loop did not answer in time.
    Deadline,
    /// The daemon is about to end.
    Draining,
    /// The setup could not be read.
    NotUnderstood,
    /// The queue to the decision loop was full.
    QueueFull,
    /// The adapter holds as many calls or connections as it may.
    StateFull,
    /// The decision loop is gone.
    Stopped,
}

impl FailOpen {
    /// Names in metrics and logs, in the order of the enum.
    pub const NAMES: [&'static str; 7] =
        ["bypass", "deadline", "draining", "not_understood", "queue_full", "state_full", "stopped"];

    /// Every reason, in the order of the enum.
    pub const ALL: [FailOpen; 7] = [
        FailOpen::Bypass,
        FailOpen::Deadline,
        FailOpen::Draining,
        FailOpen::NotUnderstood,
        FailOpen::QueueFull,
        FailOpen::StateFull,
        FailOpen::Stopped,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}
