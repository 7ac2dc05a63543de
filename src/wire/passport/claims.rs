//! What a PASSporT says of itself and of the call. Header: RFC 8225 §4; payload: RFC 8225 §5, RFC 8588 §4–§5, RFC 8946 §3,
//! RFC 9795 §5. Names that are not read are passed over; one that is there twice makes all of it unreadable, for two readers
//! would take two meanings.

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny};

use crate::base::fault::Kind;
use crate::base::number::DIGITS_MIN;
use crate::wire::DecodeError;
use crate::wire::passport::number::Canonical;
use crate::wire::passport::{base64, error};
use crate::wire::sip::address::Uri;

/// Most called parties of one PASSporT, numbers and URIs each.
pub const DEST_MAX: usize = 32;

/// Fewest digits of a user part that is taken for a telephone number without being called one.
const TELEPHONE_MIN: usize = DIGITS_MIN as usize;

/// The header of a PASSporT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Header {
    /// Algorithm of the signature.
    pub alg: String,
    /// `passport`.
    pub typ: String,
    /// Kind of PASSporT; none is the plain one.
    #[serde(default)]
    pub ppt: Option<String>,
    /// Where the certificate is.
    #[serde(default)]
    pub x5u: Option<String>,
    /// Names that must be understood (RFC 7515 §4.1.11): none is.
    #[serde(default, deserialize_with = "is_there", rename = "crit")]
    pub is_critical: bool,
}

impl Header {
    /// Reads it from base64url.
    ///
    /// # Errors
    /// [`Kind::BadSyntax`].
    pub fn parse(text: &[u8]) -> Result<Self, DecodeError> {
        read(text)
    }

    /// The one text that stands for a plain header of ES256, as compact form signs it (RFC 8225 §7, §9).
    #[must_use]
    pub fn rebuilt(x5u: &str) -> String {
        let x5u = serde_json::Value::from(x5u);
        base64::encode(format!("{{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":{x5u}}}").as_bytes())
    }
}

/// Kinds of PASSporT by what they are here for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kin {
    /// `div`, `div-o`: the call was sent on (RFC 8946).
    Div,
    /// None that is known here.
    Other,
    /// The plain one (RFC 8225).
    Plain,
    /// `rcd`, `rph`: tells more of a caller or of the call, and says who calls all the same (RFC 9795, RFC 9027).
    Rich,
    /// `shaken` (RFC 8588).
    Shaken,
}

impl Kin {
    /// Of the value of `ppt`.
    #[must_use]
    pub fn of(ppt: Option<&str>) -> Self {
        match ppt {
            None => Self::Plain,
            Some("shaken") => Self::Shaken,
            Some("div" | "div-o") => Self::Div,
            Some("rcd" | "rph") => Self::Rich,
            Some(_) => Self::Other,
        }
    }
}

/// One party: a telephone number or a URI, never both (RFC 8225 §5.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Party {
    /// `tn`, as written.
    Number(String),
    /// `uri`, as written.
    Uri(String),
}

impl Party {
    /// The number as it is compared. A URI that means a telephone number is that number (RFC 8224 §8.1): one that says so, begins
    /// with `+`, or is digits as many as a number has.
    #[must_use]
    pub fn number(&self) -> Option<Canonical> {
        let uri = match self {
            Self::Number(text) => return Canonical::parse(text.as_bytes()),
            Self::Uri(text) => Uri::parse(text.as_bytes())?,
        };
        let number = Canonical::parse(uri.user)?;
        let is_long = number.as_str().len() >= TELEPHONE_MIN;
        (is_long || uri.says_telephone() || uri.user.starts_with(b"+")).then_some(number)
    }
}

/// Rich call data (RFC 9795 §5): what may be shown to the called person. Not used to judge.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Rcd {
    /// Name of the caller.
    #[serde(default)]
    pub nam: Option<String>,
    /// Address of an icon.
    #[serde(default)]
    pub icn: Option<String>,
    /// Address of a jCard.
    #[serde(default)]
    pub jcl: Option<String>,
    /// A jCard is in it.
    #[serde(default, deserialize_with = "is_there", rename = "jcd")]
    pub has_card: bool,
}

/// The payload of a PASSporT.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Claims {
    /// When it was signed, in seconds since the Unix epoch.
    pub iat: u64,
    /// Who calls.
    #[serde(deserialize_with = "party")]
    pub orig: Party,
    /// Who is called.
    #[serde(deserialize_with = "parties")]
    pub dest: Vec<Party>,
    /// `attest` of shaken: `A`, `B` or `C`.
    #[serde(default)]
    pub attest: Option<String>,
    /// `origid` of shaken: where the call came in, in the terms of who signed.
    #[serde(default)]
    pub origid: Option<String>,
    /// Who was called before the call was sent on.
    #[serde(default, deserialize_with = "some_party")]
    pub div: Option<Party>,
    /// The whole earlier PASSporT, of `div-o`.
    #[serde(default)]
    pub opt: Option<String>,
    /// Rich call data.
    #[serde(default)]
    pub rcd: Option<Rcd>,
    /// Reason of the call in words (RFC 9795 §5.2).
    #[serde(default)]
    pub crn: Option<String>,
}

impl Claims {
    /// Reads them from base64url.
    ///
    /// # Errors
    /// [`Kind::BadSyntax`] when they are not JSON, lack one that must be there, or have one of another type;
    /// [`Kind::TooMany`] beyond [`DEST_MAX`].
    pub fn parse(text: &[u8]) -> Result<Self, DecodeError> {
        let claims: Self = read(text)?;
        if claims.dest.len() > DEST_MAX { Err(error(Kind::TooMany)) } else { Ok(claims) }
    }

    /// The one text that stands for the claims of a plain PASSporT between two numbers, as compact form signs it (RFC 8225
    /// §7, §9).
    #[must_use]
    pub fn rebuilt(orig: Canonical, dest: Canonical, iat: u64) -> String {
        let (orig, dest) = (orig.as_str(), dest.as_str());
        let json =
            format!("{{\"dest\":{{\"tn\":[\"{dest}\"]}},\"iat\":{iat},\"orig\":{{\"tn\":\"{orig}\"}}}}");
        base64::encode(json.as_bytes())
    }
}

fn read<T: for<'de> Deserialize<'de>>(text: &[u8]) -> Result<T, DecodeError> {
    // Length is bounded by the token's; `serde_json` bounds the nesting of what is read, and walks over the rest.
    let json = base64::decode(text).ok_or_else(|| error(Kind::BadSyntax))?;
    serde_json::from_slice(&json).map_err(|_| error(Kind::BadSyntax))
}

#[derive(Deserialize)]
struct One {
    #[serde(default)]
    tn: Option<String>,
    #[serde(default)]
    uri: Option<String>,
}

#[derive(Deserialize)]
struct Many {
    #[serde(default)]
    tn: Vec<String>,
    #[serde(default)]
    uri: Vec<String>,
}

fn party<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Party, D::Error> {
    match One::deserialize(deserializer)? {
        One { tn: Some(tn), uri: None } => Ok(Party::Number(tn)),
        One { tn: None, uri: Some(uri) } => Ok(Party::Uri(uri)),
        One { .. } => Err(D::Error::custom("neither a number nor a URI, or both")),
    }
}

fn some_party<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Party>, D::Error> {
    party(deserializer).map(Some)
}

fn parties<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Party>, D::Error> {
    let Many { tn, uri } = Many::deserialize(deserializer)?;
    let all: Vec<Party> = tn.into_iter().map(Party::Number).chain(uri.into_iter().map(Party::Uri)).collect();
    if all.is_empty() { Err(D::Error::custom("nobody is called")) } else { Ok(all) }
}

fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn claims(json: &str) -> Result<Claims, Kind> {
        Claims::parse(base64::encode(json.as_bytes()).as_bytes()).map_err(|error| error.kind)
    }

    #[test]
    fn a_uri_that_means_a_telephone_number_is_that_number() {
        for (uri, number) in [
            ("sip:+1-215-555-1212@a.example", Some("12155551212")),
            ("sips:12155551212@a.example;user=phone", Some("12155551212")),
            ("tel:+12155551212", Some("12155551212")),
            ("sip:12155551212@a.example", Some("12155551212")),
            ("sip:911@a.example;user=phone", Some("911")),
            ("sip:1001@a.example", None),
            ("sip:alice@a.example", None),
            ("alice", None),
        ] {
            let found = Party::Uri(uri.to_owned()).number();
            assert_eq!(found.as_ref().map(Canonical::as_str), number, "{uri}");
        }
    }

    #[test]
    fn reads_shaken_div_and_rcd() {
        let shaken = claims(
            r#"{"attest":"A","dest":{"tn":["12155551213","12155551214"],"uri":["sip:a@b"]},"iat":1443208345,
            "orig":{"tn":"12155551212"},"origid":"123e4567-e89b-12d3-a456-426655440000","new":[{"x":[1,null]}]}"#,
        )
        .unwrap();
        assert_eq!((shaken.iat, shaken.attest.as_deref(), shaken.dest.len()), (1_443_208_345, Some("A"), 3));
        assert_eq!(shaken.orig.number().unwrap().as_str(), "12155551212");
        assert_eq!(shaken.origid.as_deref(), Some("123e4567-e89b-12d3-a456-426655440000"));
        let div = claims(
            r#"{"dest":{"tn":["12155551214"]},"div":{"tn":"12155551213","hi":"1.1"},"iat":1,"opt":"a.b.c",
            "orig":{"uri":"sip:alice@example.com"}}"#,
        )
        .unwrap();
        assert_eq!(div.div, Some(Party::Number("12155551213".to_owned())));
        assert_eq!((div.opt.as_deref(), div.orig.number()), (Some("a.b.c"), None));
        let rcd = claims(
            r#"{"crn":"Your order","dest":{"tn":["1"]},"iat":1,"orig":{"tn":"2"},
            "rcd":{"nam":"Alice","icn":"https://e.example/i","jcd":["vcard",[]],"jcl":"https://e.example/c"}}"#,
        )
        .unwrap();
        assert_eq!(rcd.crn.as_deref(), Some("Your order"));
        let data = rcd.rcd.unwrap();
        assert_eq!((data.nam.as_deref(), data.has_card), (Some("Alice"), true));
    }

    #[test]
    fn refuses_what_can_be_read_in_two_ways_or_not_at_all() {
        for json in [
            "",
            "{}",
            "[]",
            r#"{"dest":{"tn":["1"]},"orig":{"tn":"2"}}"#,
            r#"{"dest":{"tn":["1"]},"ia":1,"orig":{"tn":"2"}}"#,
            r#"{"dest":{"tn":["1"]},"iat":-1,"orig":{"tn":"2"}}"#,
            r#"{"dest":{"tn":["1"]},"iat":1.5,"orig":{"tn":"2"}}"#,
            r#"{"dest":{"tn":["1"]},"iat":"1","orig":{"tn":"2"}}"#,
            r#"{"dest":{"tn":["1"]},"iat":99999999999999999999,"orig":{"tn":"2"}}"#,
            r#"{"dest":{"tn":"1"},"iat":1,"orig":{"tn":"2"}}"#,
            r#"{"dest":{"tn":[]},"iat":1,"orig":{"tn":"2"}}"#,
            r#"{"dest":{},"iat":1,"orig":{"tn":"2"}}"#,
            r#"{"dest":{"tn":["1"]},"iat":1,"orig":{}}"#,
            r#"{"dest":{"tn":["1"]},"iat":1,"orig":{"tn":["2"]}}"#,
            r#"{"dest":{"tn":["1"]},"iat":1,"orig":{"tn":"2","uri":"sip:a@b"}}"#,
            r#"{"dest":{"tn":["1"]},"iat":1,"orig":{"tn":"2"},"orig":{"tn":"3"}}"#,
            r#"{"dest":{"tn":["1"]},"iat":1,"orig":{"tn":"2","tn":"3"}}"#,
            r#"{"attest":"A","attest":"B","dest":{"tn":["1"]},"iat":1,"orig":{"tn":"2"}}"#,
            r#"{"dest":{"tn":["1"]},"iat":1,"orig":{"tn":"2"}} x"#,
        ] {
            assert_eq!(claims(json), Err(Kind::BadSyntax), "{json}");
        }
        let many =
            format!(r#"{{"dest":{{"tn":["1"{}]}},"iat":1,"orig":{{"tn":"2"}}}}"#, ",\"1\"".repeat(DEST_MAX));
        assert_eq!(claims(&many), Err(Kind::TooMany));
    }

    #[test]
    fn nesting_has_an_end() {
        let nested = |depth: usize| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            claims(&format!(r#"{{"dest":{{"tn":["1"]}},"iat":1,"orig":{{"tn":"2"}},"x":{open}{close}}}"#))
        };
        // What is passed over is not built, however deep it is.
        assert!(nested(100).is_ok() && nested(2_000_000).is_ok());
        let open = format!(r#"{{"orig":{}"#, r#"{"tn":"#.repeat(1_000_000));
        assert_eq!(claims(&open), Err(Kind::BadSyntax));
    }

    #[test]
    fn headers_are_read_and_rebuilt() {
        let header = |json: &str| Header::parse(base64::encode(json.as_bytes()).as_bytes());
        let read =
            header(r#"{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://c.example/a"}"#).unwrap();
        assert_eq!((read.alg.as_str(), read.typ.as_str()), ("ES256", "passport"));
        assert_eq!((Kin::of(read.ppt.as_deref()), read.is_critical), (Kin::Shaken, false));
        assert!(header(r#"{"alg":"ES256","crit":["x"],"typ":"passport"}"#).unwrap().is_critical);
        assert!(header(r#"{"alg":["ES256"],"typ":"passport"}"#).is_err());
        let rebuilt = Header::parse(Header::rebuilt("https://c.example/\"").as_bytes()).unwrap();
        assert_eq!((rebuilt.ppt, rebuilt.x5u.as_deref()), (None, Some("https://c.example/\"")));
        // The example of RFC 8225 §7 is built of these.
        let number = |text: &str| Canonical::parse(text.as_bytes()).unwrap();
        let text = Claims::rebuilt(number("+12155551212"), number("12155551213"), 1_443_208_345);
        let json = r#"{"dest":{"tn":["12155551213"]},"iat":1443208345,"orig":{"tn":"12155551212"}}"#;
        assert_eq!(base64::decode(text.as_bytes()).unwrap(), json.as_bytes());
    }
}
