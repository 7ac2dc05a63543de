//! What is peculiar to the equipment that sends a call: order of headers, User-Agent, session lines; optional
//! parameters and indicators in ISUP. Names of products are invented.

use crate::wire::isup::iam::{CATEGORY_ORDINARY, MEDIUM_AUDIO};

/// A header of a SIP message, or several that stay together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// Call-ID.
    CallId,
    /// Contact and Content-Type, with a session description.
    Contact,
    /// CSeq.
    CSeq,
    /// From.
    From,
    /// Who calls, and what else this message alone has.
    Identity,
    /// Content-Length.
    Length,
    /// Max-Forwards, in requests.
    MaxForwards,
    /// To.
    To,
    /// User-Agent, when the style has one.
    UserAgent,
    /// Via.
    Via,
}

/// How equipment writes SIP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SipStyle {
    /// Order of headers.
    pub order: &'static [Header],
    /// User-Agent.
    pub user_agent: Option<String>,
    /// Short names of headers (RFC 3261 §7.3.3).
    pub is_compact: bool,
    /// Max-Forwards.
    pub max_forwards: u8,
    /// Allow.
    pub allow: &'static str,
    /// Supported; empty for none.
    pub supported: &'static str,
    /// P-Charging-Vector is sent.
    pub has_charging_vector: bool,
    /// User name in the origin line.
    pub origin: &'static str,
    /// Session name.
    pub session: &'static str,
    /// Formats of the media line and their attributes.
    pub media: (&'static str, &'static str),
}

/// How equipment writes an IAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IsupStyle {
    /// Calling party's category (Q.763 §3.11).
    pub category: u8,
    /// Transmission medium requirement (§3.54).
    pub medium: u8,
    /// Second octet of the forward call indicators (§3.23).
    pub access: u8,
    /// Hop counter (§3.80).
    pub hop_counter: Option<u8>,
    /// More optional parameters: code and content.
    pub optional: Vec<(u8, &'static [u8])>,
}

const MEDIA: [(&str, &str); 5] = [
    ("8 101", "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"),
    (
        "8 0 101",
        "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n\
         a=sendrecv\r\n",
    ),
    (
        "18 8 96",
        "a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\na=rtpmap:96 telephone-event/8000\r\na=ptime:20\r\n",
    ),
    ("0", "a=rtpmap:0 PCMU/8000\r\na=ptime:30\r\n"),
    (
        "9 8 3 101",
        "a=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:3 GSM/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
         a=maxptime:150\r\na=sendrecv\r\n",
    ),
];
const ALLOW: [&str; 4] = [
    "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE",
    "INVITE,ACK,BYE,CANCEL,OPTIONS,PRACK,INFO,UPDATE,REFER,NOTIFY",
    "INVITE, ACK, OPTIONS, CANCEL, BYE, SUBSCRIBE, NOTIFY, INFO, REFER, UPDATE",
    "INVITE, BYE, CANCEL, ACK",
];
const SUPPORTED: [&str; 4] = ["timer", "100rel, timer", "replaces, timer", ""];
const PRODUCTS: [&str; 8] =
    ["Borderline", "Kestrel-SBC", "pbx-one", "Dialworks", "softline", "Trunkmaster", "voxgate", "SIPstone"];
const SESSIONS: [(&str, &str); 6] = [
    ("-", "-"),
    ("root", "session"),
    ("Dialworks", "Dialworks"),
    ("sbc", "SIP Media Capabilities"),
    ("user", "call"),
    ("-", "voice"),
];
/// The order of the project's first captures, which [`SipStyle::plain`] keeps.
const PLAIN: [Header; 9] = {
    use Header::{CSeq, CallId, Contact, From, Identity, Length, MaxForwards, To, Via};
    [Via, From, To, CallId, CSeq, MaxForwards, Contact, Identity, Length]
};
const ORDERS: [[Header; 10]; 5] = {
    use Header::{CSeq, CallId, Contact, From, Identity, Length, MaxForwards, To, UserAgent, Via};
    [
        [Via, MaxForwards, From, To, CallId, CSeq, UserAgent, Contact, Identity, Length],
        [Via, From, To, Contact, CallId, CSeq, UserAgent, MaxForwards, Identity, Length],
        [Via, To, From, CallId, CSeq, MaxForwards, Identity, UserAgent, Contact, Length],
        [Via, MaxForwards, Contact, To, From, CallId, CSeq, Identity, UserAgent, Length],
        [Via, CallId, From, To, CSeq, Identity, MaxForwards, Contact, UserAgent, Length],
    ]
};

impl SipStyle {
    /// Of equipment of which nothing is peculiar.
    #[must_use]
    pub const fn plain() -> Self {
        Self {
            order: &PLAIN,
            user_agent: None,
            is_compact: false,
            max_forwards: 66,
            allow: ALLOW[0],
            supported: SUPPORTED[0],
            has_charging_vector: true,
            origin: "-",
            session: "-",
            media: MEDIA[0],
        }
    }

    /// Of equipment number `equipment`.
    #[must_use]
    pub fn of(equipment: u16) -> Self {
        let mut dice = Dice::new(equipment);
        let order = &ORDERS[dice.below(ORDERS.len())];
        let product = PRODUCTS[dice.below(PRODUCTS.len())];
        let version = (dice.below(20) + 1, dice.below(10), dice.below(1_000));
        let user_agent = match dice.below(5) {
            0 => None,
            _ => Some(format!("{product}/{}.{}.{}", version.0, version.1, version.2)),
        };
        let (origin, session) = SESSIONS[dice.below(SESSIONS.len())];
        Self {
            order,
            user_agent,
            is_compact: dice.below(12) == 0,
            max_forwards: 60 + dice.below(11) as u8,
            allow: ALLOW[dice.below(ALLOW.len())],
            supported: SUPPORTED[dice.below(SUPPORTED.len())],
            has_charging_vector: dice.below(3) == 0,
            origin,
            session,
            media: MEDIA[dice.below(MEDIA.len())],
        }
    }
}

impl IsupStyle {
    /// Of equipment of which nothing is peculiar: ISDN access, twenty more exchanges.
    #[must_use]
    pub const fn plain() -> Self {
        Self {
            category: CATEGORY_ORDINARY,
            medium: MEDIUM_AUDIO,
            access: 0x01,
            hop_counter: Some(20),
            optional: Vec::new(),
        }
    }

    /// Of equipment number `equipment`.
    #[must_use]
    pub fn of(equipment: u16) -> Self {
        /// Optional forward call indicators (§3.38), user service information (§3.57), propagation delay counter
        /// (§3.42), access transport with a progress indicator (§3.3), user teleservice information (§3.59).
        const OPTIONAL: [(u8, &[u8]); 5] = [
            (0x08, &[0x00]),
            (0x1D, &[0x90, 0x90, 0xA3]),
            (0x31, &[0x00, 0x1E]),
            (0x03, &[0x1E, 0x02, 0x81, 0x83]),
            (0x34, &[0x91, 0x81]),
        ];
        let mut dice = Dice::new(equipment);
        let optional = OPTIONAL.into_iter().filter(|_| dice.below(5) < 2).collect();
        Self {
            category: CATEGORY_ORDINARY,
            // Speech for some, 3.1 kHz audio for most.
            medium: if dice.below(4) == 0 { 0x00 } else { MEDIUM_AUDIO },
            access: dice.below(2) as u8,
            hop_counter: [None, Some(10), Some(15), Some(20), Some(31)][dice.below(5)],
            optional,
        }
    }
}

/// Choices that follow from the equipment's number alone (SplitMix64).
struct Dice(u64);

impl Dice {
    fn new(equipment: u16) -> Self {
        Self(u64::from(equipment).wrapping_mul(0xD6E8_FEB8_6659_FD93))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) % bound.max(1) as u64) as usize
    }
}
