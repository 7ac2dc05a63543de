//! A call attempt as a script that any protocol can play.

use std::time::Duration;

use crate::base::time::At;

/// A trunk, by its place in [`World::trunks`](crate::simulate::world::World::trunks).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrunkId(pub u16);

/// One of the two parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The one who sets the call up.
    Calling,
    /// The one who is called.
    Called,
}

impl Side {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Calling => Self::Called,
            Self::Called => Self::Calling,
        }
    }
}

/// The calling number as it is sent. Digits have their country code first, without `+`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Calling {
    /// As the sender wrote it, whatever that is: SIP sends the text as it is, ISUP its digits as an international
    /// number.
    Malformed(String),
    /// Sent and shown.
    Shown(String),
    /// Not sent.
    Unavailable,
    /// Sent, but not to be shown.
    Withheld(String),
}

impl Calling {
    /// The digits or the text, when anything is sent.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Malformed(text) | Self::Shown(text) | Self::Withheld(text) => Some(text),
            Self::Unavailable => None,
        }
    }
}

/// How the attempt ends. Spans count from alerting, or from setup when there was none. Causes are Q.850's; SIP says
/// 1 as 404, 17 as 486, 18 as 408, 19 and 20 as 480, 21 as 603, 28 as 484, 34 as 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Answered after `ring`, ended after `talk` more.
    Answered {
        /// From alerting to answer.
        ring: Duration,
        /// From answer to end.
        talk: Duration,
        /// Who hangs up.
        by: Side,
    },
    /// Media without alerting (an announcement, a tone) from `alert_after` on, and no answer.
    EarlyMedia {
        /// How long the media last.
        after: Duration,
        /// Who ends it.
        by: Side,
        /// Why.
        cause: u8,
    },
    /// The calling side gives up: 16, or 31 where another network translated a CANCEL.
    GivenUp {
        /// Until then.
        after: Duration,
        /// Why.
        cause: u8,
    },
    /// Nothing more is heard of it, and no circuit is freed.
    Never,
    /// The called side, or the network for it, refuses.
    Refused {
        /// Until then.
        after: Duration,
        /// Why.
        cause: u8,
    },
    /// ISUP: the called exchange resets the circuit. SIP: as refused with 503.
    Reset {
        /// Until then.
        after: Duration,
    },
    /// Nothing more is said; ISUP frees the circuit by a group reset.
    Silent {
        /// Until the group reset.
        after: Duration,
    },
}

/// What is unusual about how it is signalled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Oddity {
    /// SIP: the INVITE reaches two elements; the second branch is cancelled when the first answers.
    Forked,
    /// Nothing.
    #[default]
    None,
    /// ISUP: on this circuit.
    OnCircuit(u16),
    /// SIP: the media change in the middle of the call.
    Reinvited,
    /// SIP over UDP: INVITE and final response are sent this many times more, by the timers of RFC 3261 §17.
    Retransmitted {
        /// 1 to 6.
        times: u8,
    },
}

/// What it is in truth, for `truth.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Name of its class as in [`Class::NAMES`](crate::base::class::Class::NAMES): `normal` when legitimate.
    pub label: &'static str,
    /// What kind of behaviour made it, such as `delivery` or `flash_cut`. Letters, digits and `_`.
    pub kind: &'static str,
    /// Family of the attack; empty for legitimate calls.
    pub family: &'static str,
    /// Which campaign of the scenario, from 1; 0 for none.
    pub campaign: u32,
    /// Which call of its campaign, from 1; 0 outside campaigns.
    pub position: u32,
}

impl Truth {
    /// A legitimate call of this kind.
    #[must_use]
    pub const fn normal(kind: &'static str) -> Self {
        Self { label: "normal", kind, family: "", campaign: 0, position: 0 }
    }
}

/// A call attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct Attempt {
    /// When the INVITE or IAM is sent.
    pub setup_at: At,
    /// The trunk it takes.
    pub trunk: TrunkId,
    /// The operator's side sets it up.
    pub is_outbound: bool,
    /// Calling number.
    pub calling: Calling,
    /// What is shown in its place, when the sender says two things: From beside P-Asserted-Identity in SIP, generic
    /// number beside the calling number in ISUP. Digits with country code.
    pub presented: Option<String>,
    /// Called number: digits, country code first; a short code (fewer than 5 digits) as it is.
    pub called: String,
    /// Who forwarded it; digits, country code first.
    pub diverting: Option<String>,
    /// From setup to alerting, or to the media of [`End::EarlyMedia`]; `None` when it never gets there.
    pub alert_after: Option<Duration>,
    /// How it ends.
    pub end: End,
    /// What is unusual about it.
    pub oddity: Oddity,
    /// Style of the equipment that sent it: User-Agent, order of headers, session lines; optional parameters in ISUP.
    /// Equal numbers look equal on every trunk. 0: the trunk's own border controller, which makes all look alike.
    pub equipment: u16,
    /// What it is.
    pub truth: Truth,
}

impl Attempt {
    /// An inbound attempt that shows its number and is signalled in the ordinary way; without alerting or end yet.
    #[must_use]
    pub fn new(setup_at: At, trunk: TrunkId, parties: (String, String), truth: Truth) -> Self {
        let (calling, called) = parties;
        Self {
            setup_at,
            trunk,
            is_outbound: false,
            calling: Calling::Shown(calling),
            presented: None,
            called,
            diverting: None,
            alert_after: None,
            end: End::Never,
            oddity: Oddity::None,
            equipment: 0,
            truth,
        }
    }

    /// The same, set up by the operator's side.
    #[must_use]
    pub fn outbound(self) -> Self {
        Self { is_outbound: true, ..self }
    }

    /// The same with this course: time to alerting, and end.
    #[must_use]
    pub fn with(self, (alert_after, end): (Option<Duration>, End)) -> Self {
        Self { alert_after, end, ..self }
    }

    /// When it alerts; its setup when it never does.
    #[must_use]
    pub fn alert_at(&self) -> At {
        self.setup_at + self.alert_after.unwrap_or_default()
    }

    /// When the last word is said, acknowledgements aside.
    #[must_use]
    pub fn end_at(&self) -> At {
        let after = match self.end {
            End::Answered { ring, talk, .. } => ring.saturating_add(talk),
            End::EarlyMedia { after, .. }
            | End::GivenUp { after, .. }
            | End::Refused { after, .. }
            | End::Reset { after }
            | End::Silent { after } => after,
            End::Never => Duration::ZERO,
        };
        self.alert_at() + after
    }
}
