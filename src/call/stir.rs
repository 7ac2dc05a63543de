//! What verification says of the signatures on a call's numbers: words that rules, records and counters share. Who verifies is
//! elsewhere: here is what it comes to.

use std::fmt;

use crate::signal::Attestation;

/// Whether the signatures of a setup hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum StirVerdict {
    /// One does not, or speaks of another call.
    Invalid,
    /// There is none.
    #[default]
    None,
    /// They hold, but were made for an earlier call: too long ago, or for a time to come.
    Stale,
    /// Not known: they could not be verified, or not in time.
    Unverified,
    /// They hold.
    Valid,
}

impl StirVerdict {
    /// Words in records, rules and counters, in the order of the enum.
    pub const NAMES: [&'static str; 5] = ["invalid", "none", "stale", "unverified", "valid"];

    /// All, in the order of the names.
    pub const ALL: [Self; 5] = [Self::Invalid, Self::None, Self::Stale, Self::Unverified, Self::Valid];

    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// Why a verdict is what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum StirReason {
    /// Invalid: not signed with ES256, or `alg` of the header says otherwise (RFC 8225 §6).
    Algorithm,
    /// Invalid: what is at the address is no certificate with a key on P-256.
    BadCertificate,
    /// Invalid: signed for another called number (RFC 8224 §6.2).
    Dest,
    /// Invalid: the call was sent on, and the PASSporTs about that do not follow one from the other (RFC 8946 §5).
    /// Unverified: it was sent on, and nobody signed for its caller.
    Div,
    /// Invalid: the certificate, or one above it, did not hold when the call was set up.
    Expired,
    /// Unverified: a kind of PASSporT that is not read here, or one that must be understood wholly.
    Extension,
    /// Unverified: the certificate could not be fetched.
    FetchFailed,
    /// Invalid: cannot be read, or lacks what must be there.
    Malformed,
    /// Unverified: the certificate is not known here, and is not to be fetched.
    NoCertificate,
    /// Nothing is to be said.
    #[default]
    None,
    /// Unverified: nobody was told to verify.
    NotConfigured,
    /// Invalid: the certificate does not speak for the number (RFC 8226 §9).
    NotCovered,
    /// Invalid: signed for another calling number. Unverified: the call shows none.
    Orig,
    /// Unverified: too many wait.
    QueueFull,
    /// Invalid: the signature is not of this text and key.
    Signature,
    /// Stale.
    Stale,
    /// Unverified: not done in time.
    Timeout,
    /// Unverified: more signatures, or more headers, than are read.
    TooMany,
    /// Unverified: the recorded answers hold none for this call.
    Unrecorded,
    /// Invalid: nobody who is trusted vouches for the certificate.
    Untrusted,
    /// Invalid: the address of the certificate is none by https, or the header has another than the PASSporT.
    X5u,
    /// Unverified: certificates are not fetched from there.
    X5uRefused,
}

impl StirReason {
    /// Words in records, rules and counters, in the order of the enum.
    pub const NAMES: [&'static str; 22] = [
        "algorithm",
        "bad_certificate",
        "dest",
        "div",
        "expired",
        "extension",
        "fetch_failed",
        "malformed",
        "no_certificate",
        "none",
        "not_configured",
        "not_covered",
        "orig",
        "queue_full",
        "signature",
        "stale",
        "timeout",
        "too_many",
        "unrecorded",
        "untrusted",
        "x5u",
        "x5u_refused",
    ];

    /// All, in the order of the names.
    pub const ALL: [Self; 22] = [
        Self::Algorithm,
        Self::BadCertificate,
        Self::Dest,
        Self::Div,
        Self::Expired,
        Self::Extension,
        Self::FetchFailed,
        Self::Malformed,
        Self::NoCertificate,
        Self::None,
        Self::NotConfigured,
        Self::NotCovered,
        Self::Orig,
        Self::QueueFull,
        Self::Signature,
        Self::Stale,
        Self::Timeout,
        Self::TooMany,
        Self::Unrecorded,
        Self::Untrusted,
        Self::X5u,
        Self::X5uRefused,
    ];

    /// Its word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// Where a call came in, in the terms of who signed: a UUID (RFC 8588 §5, RFC 9562).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origid([u8; 16]);

impl Origid {
    /// Reads 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_marked =
            text.bytes().enumerate().all(|(at, byte)| (byte == b'-') == matches!(at, 8 | 13 | 18 | 23));
        if text.len() != 36 || !is_marked {
            return None;
        }
        let mut digits = text.chars().filter(|letter| *letter != '-').map(|letter| letter.to_digit(16));
        let mut octets = [0; 16];
        for octet in &mut octets {
            let (high, low) = (digits.next()??, digits.next()??);
            *octet = (high << 4 | low) as u8;
        }
        Some(Self(octets))
    }
}

impl fmt::Display for Origid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, octet) in self.0.iter().enumerate() {
            let mark = if matches!(at, 4 | 6 | 8 | 10) { "-" } else { "" };
            write!(f, "{mark}{octet:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Origid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What verification says of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stir {
    /// Whether its signatures hold.
    pub verdict: StirVerdict,
    /// Why.
    pub reason: StirReason,
    /// How well who signed knows the caller, as claimed: true only if the verdict is [`StirVerdict::Valid`].
    pub attestation: Option<Attestation>,
    /// Where the call came in, as claimed.
    pub origid: Option<Origid>,
}

impl Stir {
    /// This verdict for this reason, of a call of which nothing else is claimed.
    #[must_use]
    pub const fn new(verdict: StirVerdict, reason: StirReason) -> Self {
        Self { verdict, reason, attestation: None, origid: None }
    }

    /// It could not be verified, for this reason.
    #[must_use]
    pub const fn unverified(reason: StirReason) -> Self {
        Self::new(StirVerdict::Unverified, reason)
    }

    /// The signatures do not hold, for this reason.
    #[must_use]
    pub const fn invalid(reason: StirReason) -> Self {
        Self::new(StirVerdict::Invalid, reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_order() {
        assert!(StirVerdict::ALL.iter().enumerate().all(|(index, verdict)| *verdict as usize == index));
        assert!(StirReason::ALL.iter().enumerate().all(|(index, reason)| *reason as usize == index));
        assert!(StirReason::NAMES.is_sorted() && StirVerdict::NAMES.is_sorted());
        assert_eq!(StirReason::X5uRefused.name(), "x5u_refused");
    }

    #[test]
    fn an_origid_is_a_uuid() {
        let text = "c99d9e7f-d1b3-4c92-b333-e5e5eff03af1";
        assert_eq!(Origid::parse(text).map(|id| id.to_string()).as_deref(), Some(text));
        assert_eq!(Origid::parse(&text.to_uppercase()), Origid::parse(text));
        for bad in
            ["", "ref", "c99d9e7fd1b34c92b333e5e5eff03af1", "c99d9e7f-d1b3-4c92-b333-e5e5eff03afg", "é"]
        {
            assert_eq!(Origid::parse(bad), None, "{bad}");
        }
    }
}
