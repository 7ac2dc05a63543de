//! A call attempt as a script that any protocol can play.

/// Microseconds; moments count from the Unix epoch.
pub type Micros = u64;

/// One of the two parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Calling,
    Called,
}

impl Side {
    pub const fn other(self) -> Self {
        match self {
            Self::Calling => Self::Called,
            Self::Called => Self::Calling,
        }
    }
}

/// How the calling number is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    Yes,
    /// Sent, but not to be shown.
    Withheld,
    /// Not sent.
    Unavailable,
}

/// How the attempt ends. Spans count from alerting, or from setup when there was none.
#[derive(Clone, Copy, Debug)]
pub enum End {
    Answered {
        ring: Micros,
        talk: Micros,
        by: Side,
    },
    /// The calling side gives up; the cause is Q.850's.
    GivenUp {
        after: Micros,
        cause: u8,
    },
    /// The called side, or the network for it, refuses; the cause is Q.850's.
    Refused {
        after: Micros,
        cause: u8,
    },
    /// ISUP: the called exchange resets the circuit.
    Reset {
        after: Micros,
    },
    /// ISUP: cut without a word; the case sends a group reset for its circuit.
    Silent,
    /// Nothing more is heard of it.
    Never,
}

/// What is unusual about how it is signalled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Oddity {
    None,
    /// SIP: INVITE and final response are sent twice.
    Retransmitted,
    /// SIP: the media changes in the middle of the call.
    Reinvited,
    /// SIP: one INVITE reaches both border controllers; the second branch is cancelled when the first answers.
    Forked,
    /// ISUP: on this circuit.
    OnCircuit(u16),
}

/// What it is in truth, for `truth.csv`.
#[derive(Clone, Copy, Debug)]
pub struct Truth {
    /// What kind of behaviour made it.
    pub kind: &'static str,
    /// Its class: `normal`, `flash`, `wangiri`, `wangiri_callback`, `spoofed`.
    pub label: &'static str,
}

/// A call attempt.
#[derive(Clone, Debug)]
pub struct Call {
    pub setup_at: Micros,
    /// Name of the route it takes.
    pub route: &'static str,
    /// The operator's side sets it up.
    pub outbound: bool,
    /// Digits, country code first.
    pub calling: String,
    pub shown: Shown,
    /// Digits, country code first; a short code as it is.
    pub called: String,
    /// Who forwarded it.
    pub diverting: Option<String>,
    /// From setup to alerting.
    pub alert_after: Option<Micros>,
    pub end: End,
    pub oddity: Oddity,
    pub truth: Truth,
}

impl Call {
    /// An inbound call that shows its number and is signalled in the ordinary way.
    pub fn new(setup_at: Micros, route: &'static str, parties: (String, String), truth: Truth) -> Self {
        let (calling, called) = parties;
        Self {
            setup_at,
            route,
            outbound: false,
            calling,
            shown: Shown::Yes,
            called,
            diverting: None,
            alert_after: None,
            end: End::Never,
            oddity: Oddity::None,
            truth,
        }
    }

    /// The same call with this course: time to alerting, and end.
    pub fn with(self, (alert_after, end): (Option<Micros>, End)) -> Self {
        Self { alert_after, end, ..self }
    }

    /// When it alerts; its setup when it never does.
    pub fn alert_at(&self) -> Micros {
        self.setup_at + self.alert_after.unwrap_or_default()
    }

    /// When the last word is said, acknowledgements aside.
    pub fn end_at(&self) -> Micros {
        self.alert_at()
            + match self.end {
                End::Answered { ring, talk, .. } => ring + talk,
                End::GivenUp { after, .. } | End::Refused { after, .. } | End::Reset { after } => after,
                End::Silent | End::Never => 0,
            }
    }
}
