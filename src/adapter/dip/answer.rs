//! An answer in a switch's words: status, phrase and headers. RFC 3261 §21, RFC 3326, RFC 8688, ATIS-1000099.
//!
//! In: what was decided, the profile of the switch, the request. Out: what to say. Must not: decide; say anything of a block
//! at which an exchange tries another way.

use arrayvec::ArrayVec;

use crate::adapter::dip::profile::{Pass, Profile, Refuse};
use crate::adapter::dip::template::{Template, bracketed};
use crate::judge::{Answer, Treatment};
use crate::wire::sip::Message;
use crate::wire::sip::respond::reason;

/// Most headers of one answer.
const HEADERS_MAX: usize = 2;

/// What a switch is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Status code.
    pub status: u16,
    /// Reason phrase.
    pub phrase: &'static str,
    /// Header names and values.
    pub headers: ArrayVec<(&'static str, String), HEADERS_MAX>,
}

impl Told {
    fn status(status: u16) -> Self {
        Self { status, phrase: phrase(status), headers: ArrayVec::new() }
    }

    fn redirect(uri: &str) -> Self {
        Self::status(302).with("Contact", format!("<{uri}>"))
    }

    fn with(mut self, name: &'static str, value: String) -> Self {
        // No answer has more than two.
        let _ = self.headers.try_push((name, value));
        self
    }
}

/// What a switch of this profile is told about the call that `request` sets up.
#[must_use]
pub fn tell(profile: &Profile, answer: &Answer, request: &[u8]) -> Told {
    let profile = &profile.0;
    let to = |template: &Template| {
        let uri = Message::parse(request).map(|request| template.fill(&request, answer));
        // What could not be read was not asked about: it is told to go on somehow.
        uri.map_or_else(|_| Told::status(404), |uri| Told::redirect(&uri))
    };
    let pass = || match &profile.allow {
        Pass::Advance(status) => Told::status(*status),
        Pass::Redirect(template) => to(template),
    };
    match &answer.treatment {
        Treatment::Allow => pass(),
        Treatment::Block { sip, q850, reason: words } => {
            let told = refuse(profile, *sip, answer);
            let has_reason = told.headers.iter().any(|(name, _)| *name == "Reason");
            if profile.reason && !has_reason { told.with("Reason", reason(*q850, words)) } else { told }
        }
        Treatment::Divert { target } => Told::redirect(&bracketed(target)),
        Treatment::Mask => profile.mask.as_ref().map_or_else(pass, to),
        Treatment::Monetise => profile.monetise.as_ref().map_or_else(pass, to),
    }
}

fn refuse(profile: &super::profile::Checked, by_rule: u16, answer: &Answer) -> Told {
    match &profile.block {
        Refuse::ByRule if ends_the_call(by_rule) && profile.allow != Pass::Advance(by_rule) => {
            Told::status(by_rule)
        }
        Refuse::ByRule | Refuse::Decline => Told::status(603),
        Refuse::NetworkBlocked { contacts, location } => {
            let call = String::from_utf8_lossy(&answer.call.text()).into_owned();
            let value =
                format!("SIP;cause=603;text=\"v=analytics1{contacts};id={call}\";location={location}");
            Told { phrase: "Network Blocked", ..Told::status(603) }.with("Reason", value)
        }
        Refuse::Rejected(card) => match card {
            Some(card) => Told::status(608).with("Call-Info", card.clone()),
            None => Told::status(608),
        },
    }
}

/// Whether a switch that gets this status from the exchange behind it gives up, and does not try another way: what says
/// that a route or a server failed (408, 480, 5xx) invites it to.
const fn ends_the_call(status: u16) -> bool {
    matches!(status, 400..=699) && !matches!(status, 401 | 407 | 408 | 480 | 487 | 500..=599)
}

/// The phrase of a status (RFC 3261 §21, RFC 8197, RFC 8688).
const fn phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Moved Temporarily",
        400 => "Bad Request",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 | 606 => "Not Acceptable",
        410 => "Gone",
        480 => "Temporarily Unavailable",
        481 => "Call/Transaction Does Not Exist",
        484 => "Address Incomplete",
        486 => "Busy Here",
        488 => "Not Acceptable Here",
        500 => "Server Internal Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Server Time-out",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        607 => "Unwanted",
        608 => "Rejected",
        _ => "Refused",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::adapter::dip::profile::{ProfileOptions, Redress};
    use crate::call::CallId;

    const INVITE: &[u8] = b"INVITE sip:+48601@fw SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
        From: <sip:+4479@a>;tag=1\r\nTo: <sip:2@h>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n";

    fn said(options: &ProfileOptions, treatment: Treatment) -> String {
        let answer = Answer { call: CallId(1), treatment, ..Answer::default() };
        let told = tell(&Profile::new(options).unwrap(), &answer, INVITE);
        let headers = told.headers.iter().map(|(name, value)| format!("|{name}: {value}"));
        format!("{} {}{}", told.status, told.phrase, headers.collect::<String>())
    }

    fn block(sip: u16) -> Treatment {
        Treatment::Block { sip, q850: 21, reason: "flash \"call\"".into() }
    }

    #[test]
    fn passes_calls_as_the_switch_understands() {
        let options = ProfileOptions::default();
        for treatment in [Treatment::Allow, Treatment::Mask, Treatment::Monetise] {
            assert_eq!(said(&options, treatment), "404 Not Found");
        }
        let options = ProfileOptions {
            allow: "302 sip:{called}@next".into(),
            mask: Some("sip:{called}@mask?Privacy=id".into()),
            monetise: Some("sip:{called};tgrp=charged@pay;class={class}".into()),
            ..options
        };
        assert_eq!(said(&options, Treatment::Allow), "302 Moved Temporarily|Contact: <sip:+48601@next>");
        assert_eq!(
            said(&options, Treatment::Mask),
            "302 Moved Temporarily|Contact: <sip:+48601@mask?Privacy=id>"
        );
        assert_eq!(
            said(&options, Treatment::Monetise),
            "302 Moved Temporarily|Contact: <sip:+48601;tgrp=charged@pay;class=normal>"
        );
        let divert = Treatment::Divert { target: "sip:hear@ivr>;x".into() };
        assert_eq!(said(&options, divert), "302 Moved Temporarily|Contact: <sip:hear@ivr%3E;x>");
    }

    #[test]
    fn refuses_in_each_way() {
        let profile = |block: &str| ProfileOptions {
            block: block.into(),
            redress: Redress { url: Some("https://why.example/c".into()), ..Redress::default() },
            ..ProfileOptions::default()
        };
        let q850 = "Reason: Q.850;cause=21;text=\"flash call\"";
        assert_eq!(said(&profile("603"), block(403)), format!("603 Decline|{q850}"));
        assert_eq!(
            said(&profile("608"), block(403)),
            format!("608 Rejected|Call-Info: <https://why.example/c>;purpose=jwscard|{q850}")
        );
        assert_eq!(
            said(&profile("603+"), block(403)),
            "603 Network Blocked|Reason: SIP;cause=603;text=\"v=analytics1;url=https://why.example/c;\
             id=00000000000000000000000001\";location=TN"
        );
        assert_eq!(said(&profile("rule"), block(403)), format!("403 Forbidden|{q850}"));
        let quiet = ProfileOptions { reason: false, ..profile("rule") };
        assert_eq!(said(&quiet, block(607)), "607 Unwanted");
    }

    #[test]
    fn no_block_sends_a_call_another_way() {
        let options = ProfileOptions { block: "rule".into(), reason: false, ..ProfileOptions::default() };
        for status in [404, 408, 480, 500, 503, 302, 200, 0] {
            assert_eq!(said(&options, block(status)), "603 Decline", "{status}");
        }
    }
}
