//! Contact URIs with holes: where a switch is sent on to. RFC 3261 §19.1, §20.10; RFC 4904 (trunk groups); RFC 5806.
//!
//! In: the operator's text, checked once; later the request and the answer. Out: one URI for the space between angle
//! brackets. Nothing that a peer wrote can end the brackets, the line or the part of the URI that it stands in: what may not
//! stand in a user part is escaped. Must not: decide who is sent where.

use std::fmt::{self, Write};

use crate::judge::Answer;
use crate::wire::sip::Message;
use crate::wire::sip::address::{Address, Uri};
use crate::wire::sip::start::Start;

/// Longest template, in octets.
pub const TEMPLATE_MAX: usize = 512;
/// Octets taken of one value of the request; a number has 15 digits, a host name 253 octets.
const VALUE_MAX: usize = 256;

/// What may be filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hole {
    /// `{call}`: the call, as its record names it.
    Call,
    /// `{called}`: user part of the request URI.
    Called,
    /// `{calling}`: user part of From.
    Calling,
    /// `{class}`: what the call is taken for.
    Class,
    /// `{host}`: host of the request URI.
    Host,
    /// `{rule}`: id of the rule that decided; empty without one.
    Rule,
    /// `{trunk}`: trunk group (RFC 4904 `tgrp`) of the request URI, else of Contact; empty without one.
    Trunk,
}

impl Hole {
    const ALL: [Self; 7] =
        [Self::Call, Self::Called, Self::Calling, Self::Class, Self::Host, Self::Rule, Self::Trunk];

    const fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Called => "called",
            Self::Calling => "calling",
            Self::Class => "class",
            Self::Host => "host",
            Self::Rule => "rule",
            Self::Trunk => "trunk",
        }
    }
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// It does not begin with `sip:`, `sips:` or `tel:` and something behind it.
    NoUri,
    /// A brace without its other half.
    OpenBrace,
    /// Longer than [`TEMPLATE_MAX`].
    TooLong,
    /// No hole has this name.
    UnknownHole(String),
    /// An octet that may not stand in a URI between angle brackets.
    WrongOctet(char),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoUri => f.write_str("it must begin with `sip:`, `sips:` or `tel:`"),
            Self::OpenBrace => f.write_str("a brace without its other half"),
            Self::TooLong => write!(f, "longer than {TEMPLATE_MAX} octets"),
            Self::UnknownHole(name) => {
                let known = Hole::ALL.map(Hole::name).join("}, {");
                write!(f, "`{{{}}}` is not known; known are {{{known}}}", name.escape_debug())
            }
            Self::WrongOctet(octet) => write!(f, "`{}` may not stand in it", octet.escape_debug()),
        }
    }
}

impl std::error::Error for TemplateError {}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Hole(Hole),
    Text(String),
}

/// A checked template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

impl Template {
    /// Checks a text such as `sip:{called}@192.0.2.1:5060;tgrp=charged`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.len() > TEMPLATE_MAX {
            return Err(TemplateError::TooLong);
        }
        let after = ["sip:", "sips:", "tel:"].iter().find_map(|scheme| text.strip_prefix(scheme));
        if after.is_none_or(str::is_empty) {
            return Err(TemplateError::NoUri);
        }
        let wrong = |c: &char| !c.is_ascii_graphic() || matches!(c, '<' | '>' | '"' | '\\' | ',');
        if let Some(wrong) = text.chars().find(wrong) {
            return Err(TemplateError::WrongOctet(wrong));
        }
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or(TemplateError::OpenBrace)?;
            let hole = Hole::ALL.into_iter().find(|hole| hole.name() == name);
            push_text(&mut pieces, before)?;
            pieces.push(Piece::Hole(hole.ok_or_else(|| TemplateError::UnknownHole(name.to_owned()))?));
            rest = after;
        }
        push_text(&mut pieces, rest)?;
        Ok(Self(pieces))
    }

    /// The URI for this request and this answer, without its brackets.
    #[must_use]
    pub fn fill(&self, request: &Message<'_>, answer: &Answer) -> String {
        let target = match request.start {
            Start::Request { uri, .. } => Uri::parse(uri).unwrap_or_default(),
            Start::Response { .. } => Uri::default(),
        };
        let mut out = String::with_capacity(128);
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Hole(Hole::Call) => put(&mut out, &answer.call.text(), is_user_octet),
                Piece::Hole(Hole::Called) => put(&mut out, target.user, is_user_octet),
                Piece::Hole(Hole::Calling) => put(&mut out, request.from.uri.user, is_user_octet),
                Piece::Hole(Hole::Class) => out.push_str(answer.class.name()),
                Piece::Hole(Hole::Host) => put(&mut out, target.host, is_host_octet),
                Piece::Hole(Hole::Rule) => {
                    put(&mut out, answer.rule.as_deref().unwrap_or_default().as_bytes(), is_user_octet);
                }
                Piece::Hole(Hole::Trunk) => put(&mut out, trunk(&target, request), is_user_octet),
            }
        }
        out
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) -> Result<(), TemplateError> {
    if text.contains('}') {
        return Err(TemplateError::OpenBrace);
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text.to_owned()));
    }
    Ok(())
}

fn trunk<'a>(target: &Uri<'a>, request: &Message<'a>) -> &'a [u8] {
    let of_contact =
        || request.head.contact.and_then(Address::parse).and_then(|contact| contact.uri.trunk_group());
    target.trunk_group().or_else(of_contact).unwrap_or_default()
}

/// What stands in a user part, or in the value of a parameter, as it is: of the octets that RFC 3261 §25.1 allows in both,
/// those that end neither.
const fn is_user_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'+')
}

/// Host names and addresses, IPv6 with its brackets.
const fn is_host_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'[' | b']' | b':')
}

/// Appends a value; octets that may not stand there are escaped, escapes that are there stay.
fn put(out: &mut String, value: &[u8], may_stand: impl Fn(u8) -> bool) {
    let mut rest = value.get(..VALUE_MAX).unwrap_or(value);
    while let [octet, after @ ..] = rest {
        match rest {
            [b'%', a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => out.push('%'),
            _ if may_stand(*octet) => out.push(char::from(*octet)),
            _ => {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{octet:02X}");
            }
        }
        rest = after;
    }
}

/// A URI of a rule as it may stand between angle brackets: what would end them is escaped.
#[must_use]
pub fn bracketed(uri: &str) -> String {
    let mut out = String::with_capacity(uri.len());
    put(&mut out, uri.as_bytes(), |octet| octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>' | b'"'));
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::base::class::Class;
    use proptest::prelude::*;

    fn invite(target: &str, from: &str) -> Vec<u8> {
        format!(
            "INVITE {target} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:{from}@a>;tag=1\r\n\
             To: <sip:2@h>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContact: <sip:x;tgrp=in-7@a>\r\n\r\n"
        )
        .into_bytes()
    }

    fn filled(template: &str, request: &[u8]) -> String {
        let answer = Answer { class: Class::Flash, rule: Some("FC 1".into()), ..Answer::default() };
        Template::parse(template).unwrap().fill(&Message::parse(request).unwrap(), &answer)
    }

    #[test]
    fn fills_what_is_asked_for() {
        let request = invite("sip:+48601234567;tgrp=out@[2001:db8::1]:5060;user=phone", "+4479");
        assert_eq!(
            filled("sip:{called};tgrp={trunk}@{host};x-class={class};x-rule={rule};a={calling}", &request),
            "sip:+48601234567;tgrp=out@[2001:db8::1];x-class=flash;x-rule=FC%201;a=+4479"
        );
        assert_eq!(filled("tel:{called}", &invite("sip:2@h", "1")), "tel:2");
        assert_eq!(filled("sip:{trunk}@h", &invite("sip:2@h", "1")), "sip:in-7@h");
        assert_eq!(filled("sip:{called}@h", &invite("sip:%31%2@h", "1")), "sip:%31%252@h");
    }

    #[test]
    fn refuses_what_is_none() {
        for (text, error) in [
            ("", TemplateError::NoUri),
            ("sip:", TemplateError::NoUri),
            ("http://x", TemplateError::NoUri),
            ("sip:{called@h", TemplateError::OpenBrace),
            ("sip:called}@h", TemplateError::OpenBrace),
            ("sip:{number}@h", TemplateError::UnknownHole("number".into())),
            ("sip:a@h>;x", TemplateError::WrongOctet('>')),
            ("sip:a@h\r\nVia: x", TemplateError::WrongOctet('\r')),
            ("sip:a b@h", TemplateError::WrongOctet(' ')),
            ("sip:ü@h", TemplateError::WrongOctet('ü')),
        ] {
            assert_eq!(Template::parse(text), Err(error), "{text:?}");
        }
        assert_eq!(Template::parse(&format!("sip:{}", "x".repeat(600))), Err(TemplateError::TooLong));
    }

    proptest! {
        /// Whatever a peer writes, the frame of the template stays: its brackets, its host, its parameters.
        #[test]
        fn nothing_breaks_out(called in "\\PC{0,40}", calling in "[^\r\n]{0,40}", host in "\\PC{0,20}") {
            let request = invite(&format!("sip:{called}@{host}"), &calling);
            prop_assume!(Message::parse(&request).is_ok());
            let uri = filled("sip:{called}@192.0.2.1;a={calling};t={trunk};end", &request);
            prop_assert!(uri.bytes().all(|octet| octet.is_ascii_graphic() && !matches!(octet, b'<' | b'>' | b'"')));
            prop_assert_eq!(uri.matches('@').count(), 1);
            prop_assert_eq!(uri.matches(';').count(), 3);
            prop_assert!(uri.ends_with(";end"));
            prop_assert!(!bracketed(&called).contains(['<', '>', '"', '\r', '\n', ' ']));
        }
    }
}
