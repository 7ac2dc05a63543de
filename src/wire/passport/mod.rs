//! Signed caller identity. Identity header: RFC 8224 §4; PASSporT: RFC 8225, with its extensions shaken (RFC 8588), div and
//! div-o (RFC 8946), rcd (RFC 9795), rph (RFC 8443, RFC 9027).
//!
//! In: the value of one Identity header, or a token. Out: its pieces, and what the token claims. Whether any of it is
//! true is said elsewhere: nothing here knows a key. Claims are read where packets do not wait, for JSON takes memory; what
//! is read is bounded by [`TOKEN_MAX`].

pub mod base64;
pub mod claims;
pub mod number;

use std::fmt;

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::sip::value::{parameter, parameters};

pub use claims::{Claims, Header, Kin, Party, Rcd};

/// Longest token read, in octets: a line of a SIP head (RFC 8224 sets no limit; one with rich call data has some 2,000).
pub const TOKEN_MAX: usize = 8_192;

/// One Identity header value (RFC 8224 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    /// The PASSporT, in full or compact form.
    pub token: Token<'a>,
    /// `info`: where the certificate is. Never empty.
    pub info: &'a [u8],
    /// `alg`; `ES256` when it is not given.
    pub alg: Option<&'a [u8]>,
    /// `ppt`: the kind of PASSporT.
    pub ppt: Option<&'a [u8]>,
}

impl<'a> Identity<'a> {
    /// Reads one value; a header line may hold several, parted by commas.
    ///
    /// # Errors
    /// [`Kind::BadSyntax`] when the token is none, [`Kind::Missing`] without `info`, [`Kind::TooMany`] when it is too long.
    pub fn parse(value: &'a [u8]) -> Result<Self, DecodeError> {
        let token = parameters(value).next().unwrap_or_default();
        let rest = value.get(token.len()..).unwrap_or_default();
        let info = parameter(rest, b"info").map(unbracketed).filter(|info| !info.is_empty());
        Ok(Self {
            token: Token::parse(token)?,
            info: info.ok_or_else(|| error(Kind::Missing))?,
            alg: parameter(rest, b"alg"),
            ppt: parameter(rest, b"ppt"),
        })
    }
}

/// A PASSporT in the compact serialisation of JSON Web Signature (RFC 7515 §3.1): `header.payload.signature`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Token<'a> {
    /// Header in base64url; empty in compact form.
    pub header: &'a [u8],
    /// Payload in base64url; empty in compact form.
    pub payload: &'a [u8],
    /// Signature in base64url.
    pub signature: &'a [u8],
    /// What the signature is over: header and payload as sent, and the dot between them.
    pub signed: &'a [u8],
}

impl<'a> Token<'a> {
    /// Splits a token.
    ///
    /// # Errors
    /// [`Kind::TooMany`] beyond [`TOKEN_MAX`]; [`Kind::BadSyntax`] when it has not three parts of base64url, or one of header
    /// and payload but not the other.
    pub fn parse(text: &'a [u8]) -> Result<Self, DecodeError> {
        if text.len() > TOKEN_MAX {
            return Err(error(Kind::TooMany));
        }
        let mut parts = text.split(|byte| *byte == b'.');
        let (Some(header), Some(payload), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(error(Kind::BadSyntax));
        };
        let is_half = header.is_empty() != payload.is_empty();
        let is_text = [header, payload, signature].iter().all(|part| base64::is_alphabet(part));
        if is_half || signature.is_empty() || !is_text {
            return Err(error(Kind::BadSyntax));
        }
        let length = header.len().saturating_add(payload.len()).saturating_add(1);
        Ok(Self { header, payload, signature, signed: text.get(..length).unwrap_or_default() })
    }

    /// Header and payload are left out: they are to be built again from the message (RFC 8224 §4.1.1, RFC 8225 §7).
    #[must_use]
    pub const fn is_compact(&self) -> bool {
        self.header.is_empty()
    }

    /// The signature: two numbers of 32 octets (RFC 7518 §3.4).
    #[must_use]
    pub fn signature(&self) -> Option<[u8; 64]> {
        base64::decode(self.signature)?.try_into().ok()
    }
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [self.header, b".", self.payload, b".", self.signature] {
            f.write_str(str::from_utf8(part).unwrap_or_default())?;
        }
        Ok(())
    }
}

/// The letter of `attest` in the payload of the first PASSporT of an Identity line, written as RFC 8225 §9 has it; without memory
/// and in one walk, for where packets wait. Nothing else of it is looked at.
#[must_use]
pub fn claimed_attestation(line: &[u8]) -> Option<u8> {
    /// `"attest":"?"`, the letter left out.
    const PATTERN: u128 = 0x22_61_74_74_65_73_74_22_3A_22_00_22;
    const MASK: u128 = 0xFFFF_FFFF_FFFF_FFFF_FFFF_00FF;
    let token = line.split(|byte| matches!(byte, b';' | b',')).next()?;
    let payload = token.get(..token.len().min(TOKEN_MAX))?.split(|byte| *byte == b'.').nth(1)?;
    let mut last = 0_u128;
    base64::octets(payload).find_map(|octet| {
        last = last << 8 | u128::from(octet);
        (last & MASK == PATTERN).then_some((last >> 8) as u8)
    })
}

/// A URI without the angle brackets around it.
fn unbracketed(value: &[u8]) -> &[u8] {
    match value {
        [b'<', inner @ .., b'>'] => inner.trim_ascii(),
        other => other,
    }
}

const fn error(kind: Kind) -> DecodeError {
    DecodeError { layer: Layer::Sip, offset: 0, kind }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_a_header_value() {
        let value =
            b"aGVhZA.cGF5.c2ln ; info = <https://c.example/a;b?x=1,2> ;alg=ES256;ppt=\"shaken\";other";
        let identity = Identity::parse(value).unwrap();
        assert_eq!(identity.info, b"https://c.example/a;b?x=1,2");
        assert_eq!((identity.alg, identity.ppt), (Some(&b"ES256"[..]), Some(&b"shaken"[..])));
        assert_eq!((identity.token.header, identity.token.payload), (&b"aGVhZA"[..], &b"cGF5"[..]));
        assert_eq!((identity.token.signed, identity.token.is_compact()), (&b"aGVhZA.cGF5"[..], false));
        assert_eq!(identity.token.to_string(), "aGVhZA.cGF5.c2ln");
        let bare = Identity::parse(b"..c2ln;info=https://c.example/a").unwrap();
        assert_eq!((bare.info, bare.alg, bare.ppt), (&b"https://c.example/a"[..], None, None));
        assert!(bare.token.is_compact());
    }

    #[test]
    fn sees_what_is_claimed_in_passing() {
        let line = |payload: &str| {
            format!("e30.{}.c2ln;info=<https://c.example/a>", base64::encode(payload.as_bytes()))
        };
        for (payload, letter) in [
            (r#"{"attest":"A","dest":{"tn":["1"]}}"#, Some(b'A')),
            (r#"{"aaattest":"A","attest":"C"}"#, Some(b'C')),
            (r#"{"attest":"AB"}"#, None),
            (r#"{"iat":1}"#, None),
            ("", None),
        ] {
            assert_eq!(claimed_attestation(line(payload).as_bytes()), letter, "{payload}");
        }
        for bad in ["", "x", "..c2ln;info=<x>", "a.!!!.c"] {
            assert_eq!(claimed_attestation(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn refuses_what_is_no_token() {
        let long = [b"a.".as_slice(), &b"a".repeat(TOKEN_MAX), b".a;info=<x>"].concat();
        for (value, kind) in [
            (&b""[..], Kind::BadSyntax),
            (b";info=<x>", Kind::BadSyntax),
            (b"a.b;info=<x>", Kind::BadSyntax),
            (b"a.b.c.d;info=<x>", Kind::BadSyntax),
            (b"a..c;info=<x>", Kind::BadSyntax),
            (b".b.c;info=<x>", Kind::BadSyntax),
            (b"a.b.;info=<x>", Kind::BadSyntax),
            (b"..;info=<x>", Kind::BadSyntax),
            (b"a.b=.c;info=<x>", Kind::BadSyntax),
            (b"a.b\r\n c.d;info=<x>", Kind::BadSyntax),
            (b"\"a.b.c\";info=<x>", Kind::BadSyntax),
            (b"a.b.c", Kind::Missing),
            (b"a.b.c;info=<>", Kind::Missing),
            (b"a.b.c;alg=ES256", Kind::Missing),
            (&long, Kind::TooMany),
        ] {
            let error = Identity::parse(value).unwrap_err();
            assert_eq!(error.kind, kind, "{}", String::from_utf8_lossy(value));
        }
    }
}
