//! What a setup says beside its numbers: who the caller is said to be, who vouches for the number, how the call came here, and
//! what names the same call on another leg. Small values, copied into every live call; nothing in them is proven.

use std::fmt;
use std::hash::BuildHasher;

use crate::base::map::{Seed, keyed_hash};
use crate::base::number::Number;

/// What a setup says of how its numbers came about, of its caller and of its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// How often the call was forwarded. SIP: Diversion values with their counters (RFC 5806 §4), else History-Info
    /// entries for others than is called. ISUP: redirection counter (Q.763 §3.45), 1 when it is not sent.
    pub diversions: u8,
    /// Who was called first. SIP: last Diversion, first History-Info; ISUP: original called number.
    pub first_called: Option<Number>,
    /// Whether another number is shown than the network asserts; `None` when they are not both numbers. SIP: From; ISUP:
    /// the generic number "additional calling party number" (Q.763 §3.26).
    pub shows_other: Option<bool>,
    /// SIP: whether the display name of From is a telephone number, and another than the caller's; `None` when it is none.
    pub name_shows_other: Option<bool>,
    /// Calling party's category. SIP: `cpc`; ISUP: Q.763 §3.11. `None`: not said, or said to be unknown.
    pub category: Option<Category>,
    /// What a network before us found when it verified the calling number: `verstat` (3GPP TS 24.229 §7.2A.20).
    pub verstat: Option<Verstat>,
    /// How well the originating network knows that the caller may use the number: from `verstat`, Attestation-Info or
    /// P-Attestation-Indicator. As stated; not yet verified.
    pub attestation: Option<Attestation>,
    /// Whether the called number is ported, when a database was asked (RFC 4694 §5: `npdi`, or `rn` is there).
    pub is_ported: Option<bool>,
    /// Where the call to a ported number is routed (RFC 4694 `rn`), when it is a global number.
    pub routing_number: Option<Number>,
    /// Trunk group that the caller came by (RFC 4904: `tgrp` in Contact), else the one it shall go by (Request-URI).
    pub trunk_group: TrunkGroup,
    /// How many more hops the call may take. SIP: Max-Forwards; ISUP: hop counter (Q.763 §3.80).
    pub hops: Option<u8>,
    /// Whether an encapsulated ISUP message names another calling number than SIP does; `None` when they do not both
    /// name one.
    pub isup_caller_differs: Option<bool>,
    /// The same of the called number.
    pub isup_called_differs: Option<bool>,
    /// Switches may read it in more than one way: two From or Call-ID that differ, line breaks that some take for one,
    /// digits hidden from those who do not undo escapes; an ISUP parameter given twice, or octets that are of two.
    pub is_ambiguous: bool,
}

/// Calling party's category: what kind of subscriber calls (Q.763 §3.11; SIP `cpc`, 3GPP TS 24.229 §7.2A.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Category {
    /// A data call.
    Data,
    /// An emergency service.
    Emergency,
    /// A mobile subscriber in its home network.
    MobileHome,
    /// A mobile subscriber in a visited network.
    MobileVisited,
    /// An operator.
    Operator,
    /// An ordinary subscriber.
    Ordinary,
    /// One that is on no list here.
    Other,
    /// A payphone.
    Payphone,
    /// A subscriber with priority, and preferential call set-up in an emergency (IEPS).
    Priority,
    /// A test call.
    Test,
}

impl Category {
    /// Words that rules see, in the order of the enum.
    pub const NAMES: [&'static str; 10] = [
        "data",
        "emergency",
        "mobile_home",
        "mobile_visited",
        "operator",
        "ordinary",
        "other",
        "payphone",
        "priority",
        "test",
    ];

    /// From the code of ITU-T Q.763 §3.11; `None` for 0, unknown at this time.
    #[must_use]
    pub const fn of_isup(code: u8) -> Option<Self> {
        Some(match code {
            0x00 => return None,
            0x01..=0x05 | 0x09 => Self::Operator,
            0x0A => Self::Ordinary,
            0x0B | 0x0E => Self::Priority,
            0x0C => Self::Data,
            0x0D => Self::Test,
            0x0F => Self::Payphone,
            0x10 => Self::MobileHome,
            0x11 => Self::MobileVisited,
            _ => Self::Other,
        })
    }

    /// From the value of a `cpc` parameter; `None` for `unknown` and nothing.
    #[must_use]
    pub fn of_cpc(word: &[u8]) -> Option<Self> {
        const WORDS: [(&[u8], Category); 12] = [
            (b"ordinary", Category::Ordinary),
            (b"payphone", Category::Payphone),
            (b"operator", Category::Operator),
            (b"test", Category::Test),
            (b"priority", Category::Priority),
            (b"ieps", Category::Priority),
            (b"data", Category::Data),
            (b"emergency", Category::Emergency),
            (b"mobile-hplmn", Category::MobileHome),
            (b"mobile-vplmn", Category::MobileVisited),
            // As draft-mahy-iptel-cpc had them.
            (b"cellular", Category::MobileHome),
            (b"cellular-roaming", Category::MobileVisited),
        ];
        if word.is_empty() || word.eq_ignore_ascii_case(b"unknown") {
            return None;
        }
        let known = WORDS.iter().find(|(known, _)| word.eq_ignore_ascii_case(known));
        Some(known.map_or(Self::Other, |(_, category)| *category))
    }
}

/// What a verification of the calling number found (3GPP TS 24.229 §7.2A.20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Verstat {
    /// `TN-Validation-Failed`
    Failed,
    /// `No-TN-Validation`
    NotDone,
    /// `TN-Validation-Passed`
    Passed,
}

impl Verstat {
    /// Words that rules see, in the order of the enum.
    pub const NAMES: [&'static str; 3] = ["failed", "not_done", "passed"];

    /// From the value of a `verstat` parameter, with the attestation that some append to it: `TN-Validation-Passed-B`.
    #[must_use]
    pub fn parse(word: &[u8]) -> Option<(Self, Option<Attestation>)> {
        const WORDS: [(&[u8], Verstat); 3] = [
            (b"TN-Validation-Passed", Verstat::Passed),
            (b"TN-Validation-Failed", Verstat::Failed),
            (b"No-TN-Validation", Verstat::NotDone),
        ];
        WORDS.iter().find_map(|(known, verstat)| {
            let (start, suffix) = word.split_at_checked(known.len())?;
            let attestation = match suffix {
                [] => None,
                [b'-', letter @ ..] => Some(Attestation::parse(letter)?),
                _ => return None,
            };
            (start == *known || start.eq_ignore_ascii_case(known)).then_some((*verstat, attestation))
        })
    }
}

/// How well the network that signed or sent a call knows its caller (RFC 8588 §4 `attest`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Attestation {
    /// Full: it knows the caller, and that the caller may use the number.
    A,
    /// Partial: it knows the caller, not whether the number is the caller's.
    B,
    /// Gateway: it knows only where the call came in.
    C,
}

impl Attestation {
    /// Words that rules see, in the order of the enum.
    pub const NAMES: [&'static str; 3] = ["a", "b", "c"];

    /// From its letter.
    #[must_use]
    pub const fn parse(letter: &[u8]) -> Option<Self> {
        match letter {
            [b'A' | b'a'] => Some(Self::A),
            [b'B' | b'b'] => Some(Self::B),
            [b'C' | b'c'] => Some(Self::C),
            _ => None,
        }
    }
}

/// Longest name of a trunk group kept, in octets; what is longer is cut.
const TRUNK_GROUP_MAX: usize = 16;

/// Name of a trunk group (RFC 4904 §4), cut at 16 octets; empty when there is none.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct TrunkGroup([u8; TRUNK_GROUP_MAX]);

impl TrunkGroup {
    /// The name as it was sent; from an octet that cannot stand in a name on it is cut.
    #[must_use]
    pub fn new(name: &[u8]) -> Self {
        let mut octets = [0; TRUNK_GROUP_MAX];
        let visible = name.iter().take_while(|octet| octet.is_ascii_graphic());
        octets.iter_mut().zip(visible).for_each(|(to, from)| *to = *from);
        Self(octets)
    }

    /// Its name; empty when there is none.
    #[must_use]
    pub fn name(&self) -> &str {
        let length = self.0.iter().position(|octet| *octet == 0).unwrap_or(TRUNK_GROUP_MAX);
        self.0.get(..length).and_then(|name| str::from_utf8(name).ok()).unwrap_or_default()
    }
}

impl fmt::Debug for TrunkGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().fmt(f)
    }
}

/// What names a call on all its legs, as keyed hashes; 0 where there is none. Of two legs of one call at least one of
/// these is the same, if the elements between them pass it on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Correlation {
    /// `icid-value` of P-Charging-Vector (RFC 7315 §4.6): one for the session, in all IMS networks it passes.
    pub icid: u64,
    /// The two identifiers of Session-ID (RFC 7989 §5), whichever comes first; a single one is paired with the null one.
    pub session: u64,
    /// A header by which a back-to-back user agent names the other leg, most often by its Call-ID: it is then the same as
    /// [`Leg::hash`](crate::signal::Leg::hash) of that leg.
    pub call: u64,
}

impl Correlation {
    /// Hash of an identifier as it was sent, without quotes and white space around it; 0 when it is empty.
    #[must_use]
    pub fn of_text(seed: Seed, text: &[u8]) -> u64 {
        if text.is_empty() { 0 } else { keyed_hash(seed, text) }
    }

    /// Hash of the two halves of a Session-ID, in either order; 0 when both are null.
    #[must_use]
    pub fn of_session(seed: Seed, local: u128, remote: u128) -> u64 {
        if local == 0 && remote == 0 { 0 } else { seed.hash_one((local.min(remote), local.max(remote))) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_category_is_read_from_both_protocols() {
        for (code, word, category) in [
            (0x00, "unknown", None),
            (0x0A, "ordinary", Some(Category::Ordinary)),
            (0x0D, "test", Some(Category::Test)),
            (0x0F, "Payphone", Some(Category::Payphone)),
            (0x09, "operator", Some(Category::Operator)),
            (0x0B, "priority", Some(Category::Priority)),
            (0x10, "mobile-hplmn", Some(Category::MobileHome)),
            (0x11, "mobile-vplmn", Some(Category::MobileVisited)),
            (0xF0, "hotel", Some(Category::Other)),
        ] {
            assert_eq!((Category::of_isup(code), Category::of_cpc(word.as_bytes())), (category, category));
        }
        assert_eq!(Category::NAMES[Category::Test as usize], "test");
    }

    #[test]
    fn a_verstat_may_carry_an_attestation() {
        for (word, expected) in [
            ("TN-Validation-Passed", Some((Verstat::Passed, None))),
            ("tn-validation-passed-b", Some((Verstat::Passed, Some(Attestation::B)))),
            ("TN-Validation-Failed-C", Some((Verstat::Failed, Some(Attestation::C)))),
            ("No-TN-Validation", Some((Verstat::NotDone, None))),
            ("TN-Validation-PassedA", None),
            ("TN-Validation-Passed-D", None),
            ("", None),
        ] {
            assert_eq!(Verstat::parse(word.as_bytes()), expected, "{word}");
        }
    }

    #[test]
    fn a_trunk_group_is_cut_and_cleaned() {
        for (sent, kept) in
            [("tg55", "tg55"), ("", ""), ("a b", "a"), ("a-very-long-trunk-group-name", "a-very-long-trun")]
        {
            assert_eq!(TrunkGroup::new(sent.as_bytes()).name(), kept);
        }
    }

    #[test]
    fn a_session_is_the_same_from_both_sides() {
        let of = |local, remote| Correlation::of_session(Seed(3), local, remote);
        assert_eq!(of(5, 9), of(9, 5));
        assert_ne!(of(5, 0), of(5, 9));
        assert_eq!(of(0, 0), 0);
    }
}
