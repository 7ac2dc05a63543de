//! A call attempt in this program's own short hand: times in microseconds, routes by name.

use std::time::Duration;

use tollgate::base::time::At;
use tollgate::simulate::attempt::{self, Attempt, Calling, TrunkId};

pub use tollgate::simulate::attempt::Side;
pub use tollgate::simulate::render::Micros;

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

    /// The same for the library to play.
    pub fn attempt(&self) -> Attempt {
        let calling = self.calling.clone();
        let truth = attempt::Truth { label: self.truth.label, ..attempt::Truth::normal(self.truth.kind) };
        Attempt {
            setup_at: At::from_nanos(self.setup_at * 1_000),
            trunk: TrunkId(0),
            is_outbound: self.outbound,
            calling: match self.shown {
                Shown::Yes => Calling::Shown(calling),
                Shown::Withheld => Calling::Withheld(calling),
                Shown::Unavailable => Calling::Unavailable,
            },
            presented: None,
            called: self.called.clone(),
            diverting: self.diverting.clone(),
            alert_after: self.alert_after.map(Duration::from_micros),
            end: self.end.of_attempt(),
            oddity: match self.oddity {
                Oddity::None => attempt::Oddity::None,
                Oddity::Retransmitted => attempt::Oddity::Retransmitted { times: 1 },
                Oddity::Reinvited => attempt::Oddity::Reinvited,
                Oddity::Forked => attempt::Oddity::Forked,
                Oddity::OnCircuit(cic) => attempt::Oddity::OnCircuit(cic),
            },
            equipment: 0,
            truth,
        }
    }
}

impl End {
    fn of_attempt(self) -> attempt::End {
        let span = Duration::from_micros;
        match self {
            Self::Answered { ring, talk, by } => {
                attempt::End::Answered { ring: span(ring), talk: span(talk), by }
            }
            Self::GivenUp { after, cause } => attempt::End::GivenUp { after: span(after), cause },
            Self::Refused { after, cause } => attempt::End::Refused { after: span(after), cause },
            Self::Reset { after } => attempt::End::Reset { after: span(after) },
            Self::Silent => attempt::End::Silent { after: Duration::ZERO },
            Self::Never => attempt::End::Never,
        }
    }
}
