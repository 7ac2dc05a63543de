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
            (2, b't') => is(name, b"To", Self::To),
            (3, b'v') => is(name, b"Via", Self::Via),
            (4, b'c') => is(name, b"CSeq", Self::CSeq),
            (4, b'f') => is(name, b"From", Self::From),
            (5, b'x') => is(name, b"X-CID", Self::Correlation),
            (6, b'r') => is(name, b"Reason", Self::Reason),
            (7, b'c') => is(name, b"Call-ID", Self::CallId).or_else(|| is(name, b"Contact", Self::Contact)),
            (7, b'p') => is(name, b"Privacy", Self::Privacy),
            (8, b'i') => is(name, b"Identity", Self::Identity),
            (9, b'd') => is(name, b"Diversion", Self::Diversion),
            (9, b'x') => is(name, b"X-Call-ID", Self::Correlation),
            (10, b's') => is(name, b"Session-ID", Self::Session),
            (10, b'u') => is(name, b"User-Agent", Self::UserAgent),
            (12, b'c') => is(name, b"Content-Type", Self::ContentType),
            (12, b'h') => is(name, b"History-Info", Self::History),
            (12, b'm') => is(name, b"Max-Forwards", Self::MaxForwards),
            (14, b'c') => is(name, b"Content-Length", Self::ContentLength)
                .or_else(|| is(name, b"Correlation-ID", Self::Correlation)),
            (15, b'r') => is(name, b"Remote-Party-ID", Self::RemoteParty),
            (16, b'a') => is(name, b"Attestation-Info", Self::Attestation),
            (16, b'x') => is(name, b"X-Correlation-ID", Self::Correlation),
            (17, b'p') => is(name, b"P-Charging-Vector", Self::ChargingVector),
            (19, b'p') => is(name, b"P-Asserted-Identity", Self::Asserted),
            (23, b'p') => is(name, b"P-Attestation-Indicator", Self::Attestation),
            (28, b'x') => is(name, b"X-Broadsoft-Correlation-Info", Self::Correlation),
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

/// Nearly all names are spelt as in their standard: that is one comparison of a known length.
#[inline]
fn is<const N: usize>(name: &[u8], usual: &[u8; N], found: Name) -> Option<Name> {
    let name: &[u8; N] = name.try_into().ok()?;
    if name == usual || name.eq_ignore_ascii_case(usual) { Some(found) } else { None }
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
