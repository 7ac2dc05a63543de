//! Names of headers that are kept. RFC 3261 §7.3.1 (case), §7.3.3 (compact forms); where each is defined: [`HEADERS`].
//!
//! [`HEADERS`]: crate::wire::sip::view::HEADERS

/// Headers that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Asserted,
    Attestation,
    CSeq,
    CallId,
    ChargingVector,
    Contact,
    ContentLength,
    ContentType,
    Correlation,
    Diversion,
    From,
    History,
    Identity,
    MaxForwards,
    Privacy,
    Reason,
    RemoteParty,
    Session,
    To,
    UserAgent,
    Via,
}

impl Name {
    /// By length and first letter, then one comparison: most headers are none of these.
    #[inline]
    pub(super) fn of(name: &[u8]) -> Option<Self> {
        let first = name.first()? | 0x20;
        match (name.len(), first) {
            (1, _) => Self::compact(first),
            (2, b't') => is(name, b"to", Self::To),
            (3, b'v') => is(name, b"via", Self::Via),
            (4, b'c') => is(name, b"cseq", Self::CSeq),
            (4, b'f') => is(name, b"from", Self::From),
            (5, b'x') => is(name, b"x-cid", Self::Correlation),
            (6, b'r') => is(name, b"reason", Self::Reason),
            (7, b'c') => is(name, b"call-id", Self::CallId).or_else(|| is(name, b"contact", Self::Contact)),
            (7, b'p') => is(name, b"privacy", Self::Privacy),
            (8, b'i') => is(name, b"identity", Self::Identity),
            (9, b'd') => is(name, b"diversion", Self::Diversion),
            (9, b'x') => is(name, b"x-call-id", Self::Correlation),
            (10, b's') => is(name, b"session-id", Self::Session),
            (10, b'u') => is(name, b"user-agent", Self::UserAgent),
            (12, b'c') => is(name, b"content-type", Self::ContentType),
            (12, b'h') => is(name, b"history-info", Self::History),
            (12, b'm') => is(name, b"max-forwards", Self::MaxForwards),
            (14, b'c') => is(name, b"content-length", Self::ContentLength)
                .or_else(|| is(name, b"correlation-id", Self::Correlation)),
            (15, b'r') => is(name, b"remote-party-id", Self::RemoteParty),
            (16, b'a') => is(name, b"attestation-info", Self::Attestation),
            (16, b'x') => is(name, b"x-correlation-id", Self::Correlation),
            (17, b'p') => is(name, b"p-charging-vector", Self::ChargingVector),
            (19, b'p') => is(name, b"p-asserted-identity", Self::Asserted),
            (23, b'p') => is(name, b"p-attestation-indicator", Self::Attestation),
            (28, b'x') => is(name, b"x-broadsoft-correlation-info", Self::Correlation),
            _ => None,
        }
    }

    const fn compact(letter: u8) -> Option<Self> {
        Some(match letter {
            b'c' => Self::ContentType,
            b'f' => Self::From,
            b'i' => Self::CallId,
            b'l' => Self::ContentLength,
            b'm' => Self::Contact,
            b't' => Self::To,
            b'v' => Self::Via,
            b'y' => Self::Identity,
            _ => return None,
        })
    }

    /// Headers that are there in some calls of a sender and not in others.
    pub(super) const fn is_of_every_call(self) -> bool {
        !matches!(self, Self::Diversion | Self::History | Self::Privacy | Self::Reason)
    }
}

/// Compares all octets without a branch between them, which takes half the time of comparing slices.
#[inline]
fn is<const N: usize>(name: &[u8], lower: &[u8; N], found: Name) -> Option<Name> {
    let name: &[u8; N] = name.try_into().ok()?;
    let same = name.iter().zip(lower).fold(true, |same, (a, b)| same & (a.to_ascii_lowercase() == *b));
    same.then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_in_any_case_and_only_whole() {
        for (name, expected) in [
            ("v", Some(Name::Via)),
            ("Y", Some(Name::Identity)),
            ("x", None),
            ("@", None),
            ("To", Some(Name::To)),
            ("CSEQ", Some(Name::CSeq)),
            ("contact", Some(Name::Contact)),
            ("Call-Id", Some(Name::CallId)),
            ("Content-Typo", None),
            ("correlation-ID", Some(Name::Correlation)),
            ("p-ASSERTED-identity", Some(Name::Asserted)),
            ("X-Broadsoft-Correlation-Info", Some(Name::Correlation)),
            ("X-Broadsoft-Correlation-Inf", None),
            ("", None),
        ] {
            assert_eq!(Name::of(name.as_bytes()), expected, "{name}");
        }
    }
}
