//! What a call is, and what is done with it: the closed lists that rules, records, metrics and bills share.

use serde::{Deserialize, Serialize};

/// What a call is. One list for the class at setup and the final class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Class {
    /// Nothing speaks against it.
    #[default]
    Normal,
    /// A one-time password in the last digits of the calling number of a call that is not meant to be answered.
    Flash,
    /// One ring, hoping for a call back.
    Wangiri,
    /// A subscriber calls a Wangiri number back.
    WangiriCallback,
    /// The calling number cannot be the caller's.
    Spoofed,
    /// Automated calls: one number calls very many who hang up soon, or fills their voicemail.
    Robocall,
    /// International revenue share fraud: calls driven to expensive numbers abroad at a customer's cost.
    Irsf,
    /// Calls from abroad that enter as a home mobile's, through a bank of SIM cards.
    SimBox,
    /// Answered for money by an exchange before the called side answers: false answer supervision.
    FalseAnswer,
    /// Tries number after number to learn which exist.
    Scan,
    /// Calls that keep a called number busy: telephony denial of service.
    Tdos,
    /// The calling number was replaced on the way to get a better price.
    Refiled,
}

impl Class {
    /// Names in records, rules and metrics, in the order of the enum.
    pub const NAMES: [&'static str; 12] = [
        "normal",
        "flash",
        "wangiri",
        "wangiri_callback",
        "spoofed",
        "robocall",
        "irsf",
        "sim_box",
        "false_answer",
        "scan",
        "tdos",
        "refiled",
    ];
    /// Every class, in the order of the enum.
    pub const ALL: [Class; 12] = [
        Class::Normal,
        Class::Flash,
        Class::Wangiri,
        Class::WangiriCallback,
        Class::Spoofed,
        Class::Robocall,
        Class::Irsf,
        Class::SimBox,
        Class::FalseAnswer,
        Class::Scan,
        Class::Tdos,
        Class::Refiled,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// The class with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.name() == name)
    }
}

/// What the switch is told at setup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Decision {
    /// Let it pass.
    #[default]
    Allow,
    /// Refuse it.
    Block,
    /// Let it pass and charge the sender.
    Monetise,
    /// Let it pass without its calling number.
    Mask,
    /// Send it elsewhere: to an announcement, or to a question that only people can answer.
    Divert,
}

impl Decision {
    /// Names in records, rules and metrics, in the order of the enum.
    pub const NAMES: [&'static str; 5] = ["allow", "block", "monetise", "mask", "divert"];
    /// Every decision, in the order of the enum.
    pub const ALL: [Decision; 5] =
        [Decision::Allow, Decision::Block, Decision::Monetise, Decision::Mask, Decision::Divert];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Whether the call does not get to whom it was for.
    #[must_use]
    pub const fn keeps_away(self) -> bool {
        matches!(self, Self::Block | Self::Divert)
    }
}

/// What a mark is about, taken from the call that taught it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Subject {
    /// The calling number, on whatever route.
    Caller,
    /// The block of 100 numbers around the calling number, on the call's route.
    CallerRange100,
    /// The block of 10,000 numbers around the calling number, on the call's route.
    CallerRange10k,
    /// The block of 100 to 1,000,000 numbers around the calling number that the evidence is about.
    CallerRange,
    /// The equipment that sent the setup, known by its fingerprint.
    Equipment,
}

impl Subject {
    /// Names in rules, in the order of the enum.
    pub const NAMES: [&'static str; 5] =
        ["caller", "caller_range_100", "caller_range_10k", "caller_range", "equipment"];
    /// How many last digits of the calling number it leaves open; of [`Subject::CallerRange`] that is learned.
    #[must_use]
    pub const fn width(self) -> u8 {
        match self {
            Self::Caller | Self::CallerRange | Self::Equipment => 0,
            Self::CallerRange100 => 2,
            Self::CallerRange10k => 4,
        }
    }

    /// Every subject, in the order of the enum.
    pub const ALL: [Subject; 5] = [
        Subject::Caller,
        Subject::CallerRange100,
        Subject::CallerRange10k,
        Subject::CallerRange,
        Subject::Equipment,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}
