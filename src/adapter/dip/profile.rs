//! What each treatment becomes for one kind of switch: no two take the same answer for the same thing.
//!
//! In: the operator's words. Out: a checked profile, or everything that is wrong with them. A switch that asks must be set
//! to go on with the call at the answer for *allow*, and to end it at the one for *block*; some do the opposite until they
//! are told. 603+: 47 CFR 64.1200(k), ATIS-1000099; 608: RFC 8688; locations: RFC 8606 §3.

use std::fmt;
use std::sync::Arc;

use crate::adapter::dip::template::{Template, TemplateError};

/// Longest URL, telephone number or address for redress, in octets.
const REDRESS_MAX: usize = 256;

/// A profile in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileOptions {
    /// Answer to a call that may go on: a status of 400 to 599 at which the switch takes its next route (`404`, `503`), or
    /// `302` and a URI to send it to, such as `302 sip:{called}@192.0.2.1`. Default `404`.
    pub allow: String,
    /// Answer to a call that is refused: `603`, `603+` (ATIS-1000099), `608` (RFC 8688) or `rule`, the status that the rule
    /// names. Default `603`.
    pub block: String,
    /// Where calls go that lose their calling number: a URI such as `sip:{called}@192.0.2.1?Privacy=id`. As allowed when
    /// not given.
    pub mask: Option<String>,
    /// Where calls go that are charged: a URI of the charging trunk, or with the parameter that the switch charges by, such
    /// as `sip:{called};tgrp=charged@192.0.2.1`. As allowed when not given.
    pub monetise: Option<String>,
    /// Whether refusals carry the rule's Q.850 cause and words in a Reason header (RFC 3326). Default `true`.
    pub reason: bool,
    /// Whom a caller may ask why the call was blocked; `603+` needs one of them, `608` may carry the URL.
    pub redress: Redress,
}

impl Default for ProfileOptions {
    fn default() -> Self {
        Self {
            allow: "404".to_owned(),
            block: "603".to_owned(),
            mask: None,
            monetise: None,
            reason: true,
            redress: Redress::default(),
        }
    }
}

/// Whom a caller may ask, and where the call was blocked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redress {
    /// `https://` URL of a page; with `608` of a signed contact card (RFC 8688 §3.2).
    pub url: Option<String>,
    /// Telephone number, `+` and 4 to 15 digits.
    pub telephone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Where in the call's path this network stands: `LN`, `TN`, `RLN`, `LPN` or `RPN` (RFC 8606 §3). Default `TN`.
    pub location: String,
}

impl Default for Redress {
    fn default() -> Self {
        Self { url: None, telephone: None, email: None, location: "TN".to_owned() }
    }
}

/// One thing that is wrong with a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileError {
    /// No answer that lets a call go on.
    Allow(String),
    /// No answer that refuses.
    Block(String),
    /// No location.
    Location(String),
    /// `603+` without anybody to ask.
    NobodyToAsk,
    /// No contact for redress.
    Redress(String),
    /// A template with a fault; its key.
    Template(&'static str, TemplateError),
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allow(text) => write!(
                f,
                "allow: `{}` lets no call go on; write a status such as 404 or 503, or `302 sip:...`",
                text.escape_debug()
            ),
            Self::Block(text) => {
                write!(f, "block: `{}` is none of 603, 603+, 608, rule", text.escape_debug())
            }
            Self::Location(text) => {
                write!(f, "location: `{}` is none of {}", text.escape_debug(), LOCATIONS.join(", "))
            }
            Self::NobodyToAsk => {
                f.write_str("block: 603+ names a url, a telephone number or an e-mail address")
            }
            Self::Redress(text) => {
                write!(f, "redress: `{}` is no https URL, number or e-mail address", text.escape_debug())
            }
            Self::Template(key, error) => write!(f, "{key}: {error}"),
        }
    }
}

impl std::error::Error for ProfileError {}

/// Codes of ISUP locations (RFC 8606 §3) that a network between caller and called may have.
const LOCATIONS: [&str; 5] = ["LN", "TN", "RLN", "LPN", "RPN"];

/// How a call is let pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// A failure at which the switch takes its next route.
    Advance(u16),
    /// 302 to this URI.
    Redirect(Template),
}

/// How a call is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refuse {
    /// With the rule's status.
    ByRule,
    /// 603 Decline.
    Decline,
    /// 603 Network Blocked; the part of its Reason between the version and the id, and the location.
    NetworkBlocked { contacts: String, location: &'static str },
    /// 608 Rejected; the value of its Call-Info.
    Rejected(Option<String>),
}

/// A checked profile; cheap to copy.
#[derive(Clone, Debug)]
pub struct Profile(pub(super) Arc<Checked>);

#[derive(Debug)]
pub(super) struct Checked {
    pub allow: Pass,
    pub block: Refuse,
    pub mask: Option<Template>,
    pub monetise: Option<Template>,
    pub reason: bool,
}

impl Profile {
    /// Checks a profile.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn new(options: &ProfileOptions) -> Result<Self, Vec<ProfileError>> {
        let mut errors = Vec::new();
        let mut template = |key, text: &Option<String>| {
            let parsed = text.as_ref().map(|text| Template::parse(text)).transpose();
            parsed.map_err(|error| errors.push(ProfileError::Template(key, error))).ok().flatten()
        };
        let (mask, monetise) = (template("mask", &options.mask), template("monetise", &options.monetise));
        let allow = pass(&options.allow).map_err(|error| errors.push(error)).ok();
        let block = refuse(options).map_err(|found| errors.extend(found)).ok();
        match (allow, block) {
            (Some(allow), Some(block)) if errors.is_empty() => {
                Ok(Self(Arc::new(Checked { allow, block, mask, monetise, reason: options.reason })))
            }
            _ => Err(errors),
        }
    }
}

fn pass(text: &str) -> Result<Pass, ProfileError> {
    let wrong = || ProfileError::Allow(text.to_owned());
    if let Some(uri) = text.strip_prefix("302 ") {
        let template = Template::parse(uri.trim());
        return template.map(Pass::Redirect).map_err(|error| ProfileError::Template("allow", error));
    }
    match text.parse() {
        // These ask for something else of the switch: to authenticate, to wait, to end a call that was cancelled.
        Ok(401 | 407 | 408 | 487 | 491) => Err(wrong()),
        Ok(status @ 400..=599) => Ok(Pass::Advance(status)),
        _ => Err(wrong()),
    }
}

fn refuse(options: &ProfileOptions) -> Result<Refuse, Vec<ProfileError>> {
    let redress = &options.redress;
    let mut errors = Vec::new();
    let location = LOCATIONS.into_iter().find(|known| *known == redress.location);
    if location.is_none() {
        errors.push(ProfileError::Location(redress.location.clone()));
    }
    let mut contacts = String::new();
    let given = [
        ("url", &redress.url, is_url as fn(&str) -> bool),
        ("tel", &redress.telephone, is_telephone),
        ("email", &redress.email, is_email),
    ];
    for (name, value, is_valid) in given {
        let Some(value) = value else { continue };
        if !is_valid(value) || !is_plain(value) {
            errors.push(ProfileError::Redress(value.clone()));
        }
        contacts.push_str(&format!(";{name}={value}"));
    }
    let refuse = match options.block.as_str() {
        "603" => Some(Refuse::Decline),
        "603+" if contacts.is_empty() => {
            errors.push(ProfileError::NobodyToAsk);
            None
        }
        "603+" => location.map(|location| Refuse::NetworkBlocked { contacts, location }),
        "608" => Some(Refuse::Rejected(redress.url.as_ref().map(|url| format!("<{url}>;purpose=jwscard")))),
        "rule" => Some(Refuse::ByRule),
        other => {
            errors.push(ProfileError::Block(other.to_owned()));
            None
        }
    };
    refuse.filter(|_| errors.is_empty()).ok_or(errors)
}

/// What may stand in the quoted text of a Reason, whose parts are set off by semicolons, and between angle brackets.
fn is_plain(value: &str) -> bool {
    let may_stand =
        |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'"' | b'\\' | b';' | b'<' | b'>');
    value.len() <= REDRESS_MAX && value.bytes().all(may_stand)
}

fn is_url(value: &str) -> bool {
    value.strip_prefix("https://").is_some_and(|rest| !rest.is_empty())
}

fn is_telephone(value: &str) -> bool {
    value.strip_prefix('+').is_some_and(|digits| {
        (4..=15).contains(&digits.len()) && digits.bytes().all(|octet| octet.is_ascii_digit())
    })
}

fn is_email(value: &str) -> bool {
    value.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn errors(options: &ProfileOptions) -> Vec<ProfileError> {
        Profile::new(options).map(|_| ()).unwrap_err()
    }

    #[test]
    fn says_everything_that_is_wrong() {
        let options = ProfileOptions {
            allow: "200".into(),
            block: "486".into(),
            mask: Some("sip:{who}@h".into()),
            redress: Redress { url: Some("http://x".into()), location: "XN".into(), ..Redress::default() },
            ..ProfileOptions::default()
        };
        assert_eq!(
            errors(&options),
            [
                ProfileError::Template("mask", TemplateError::UnknownHole("who".into())),
                ProfileError::Allow("200".into()),
                ProfileError::Location("XN".into()),
                ProfileError::Redress("http://x".into()),
                ProfileError::Block("486".into()),
            ]
        );
    }

    #[test]
    fn needs_somebody_to_ask_for_603_plus() {
        let options = ProfileOptions { block: "603+".into(), ..ProfileOptions::default() };
        assert_eq!(errors(&options), [ProfileError::NobodyToAsk]);
        for (url, telephone, email) in [
            (Some("https://a\";b"), None, None),
            (None, Some("0800"), None),
            (None, None, Some("no address")),
        ] {
            let [url, telephone, email] = [url, telephone, email].map(|value| value.map(str::to_owned));
            let redress = Redress { url, telephone, email, ..Redress::default() };
            let options = ProfileOptions { redress, ..options.clone() };
            assert!(matches!(errors(&options).as_slice(), [ProfileError::Redress(_)]));
        }
    }

    #[test]
    fn takes_the_answers_that_switches_know() {
        for allow in ["404", "503", "480", "302 sip:{called}@h"] {
            let options = ProfileOptions { allow: allow.into(), ..ProfileOptions::default() };
            assert!(Profile::new(&options).is_ok(), "{allow}");
        }
        for allow in ["302", "302 ", "180", "603", "401", "many", ""] {
            let options = ProfileOptions { allow: allow.into(), ..ProfileOptions::default() };
            assert_eq!(errors(&options).len(), 1, "{allow}");
        }
    }
}
