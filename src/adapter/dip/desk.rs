//! What a message to the dip asks for, whatever it came by. RFC 3261 §8.2, §9.2, §11.2, §17.2.
//!
//! In: one SIP message. Out: what to do with it. A dip keeps no transactions: what it answers is made of the request alone,
//! so that a request that comes again gets the same octets. Must not: read or write a socket.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::adapter::Gate;
use crate::adapter::dip::answer::{Told, tell};
use crate::adapter::dip::counts::{DipCounts, Kind};
use crate::adapter::dip::profile::Profile;
use crate::base::fail_open::FailOpen;
use crate::base::map::Seed;
use crate::clock::Stopwatch;
use crate::judge::Answer;
use crate::signal::sip::is_emergency;
use crate::wire::sip::address::Address;
use crate::wire::sip::ingress::ingress;
use crate::wire::sip::respond::{Response, respond, to_tag, transaction};
use crate::wire::sip::start::{Start, is_token_octet};
use crate::wire::sip::{Message, Method};

/// Methods that a dip takes.
const ALLOW: (&str, &str) = ("Allow", "INVITE, ACK, CANCEL, OPTIONS");

/// What all listeners of a dip share.
#[derive(Debug)]
pub(super) struct Desk {
    pub gate: Gate,
    pub counts: DipCounts,
    pub profile: Profile,
    pub peer_header: String,
    pub deadline: Duration,
    pub seed: Seed,
    pub stopping: AtomicBool,
}

/// What to do with a message.
#[derive(Debug)]
pub(super) enum Step<'a> {
    /// Ask about the call that it sets up.
    Ask { message: Message<'a>, transaction: u64 },
    /// Say this at once.
    Say { message: Message<'a>, said: Said },
    /// Nothing.
    Skip(Kind),
}

/// What is said without being asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// The call may go on: an emergency call, or the dip is about to end.
    Pass(Option<FailOpen>),
    /// This status.
    Status(u16, &'static str, Kind),
}

impl Desk {
    /// Where a call came from before the switch that asks: that is its route.
    pub fn ingress(&self, request: &[u8], switch: SocketAddr) -> SocketAddr {
        ingress(request, &self.peer_header).unwrap_or(switch)
    }

    /// Whether the dip shall end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether this asks about a call that is no emergency call, told by its first line alone.
    pub fn may_drop(&self, bytes: &[u8]) -> bool {
        called(bytes).is_some_and(|uri| !is_emergency(uri, self.gate.network()))
    }

    /// Looks at one message.
    pub fn look<'a>(&self, bytes: &'a [u8]) -> Step<'a> {
        match bytes {
            [b'A', b'C', b'K', b' ', ..] => return Step::Skip(Kind::Ack),
            [b'S' | b's', b'I' | b'i', b'P' | b'p', b'/', ..] => return Step::Skip(Kind::Response),
            [b'\r' | b'\n' | 0, ..] if bytes.iter().all(|octet| matches!(octet, b'\r' | b'\n' | 0)) => {
                return Step::Skip(Kind::KeepAlive);
            }
            [b'\r' | b'\n', ..] => {}
            [first, ..] if is_token_octet(*first) => {}
            [] => return Step::Skip(Kind::KeepAlive),
            _ => return Step::Skip(Kind::NotSip),
        }
        let Ok(message) = Message::parse(bytes) else { return Step::Skip(Kind::Unreadable) };
        let Start::Request { method, uri, .. } = message.start else { return Step::Skip(Kind::Response) };
        let said = match method {
            Method::Ack => return Step::Skip(Kind::Ack),
            Method::Cancel => Said::Status(200, "OK", Kind::Cancel),
            // A switch that probes sends its calls elsewhere before the dip is gone.
            Method::Options if self.is_stopping() => Said::Status(503, "Service Unavailable", Kind::Options),
            Method::Options => Said::Status(200, "OK", Kind::Options),
            Method::Invite if is_emergency(uri, self.gate.network()) => Said::Pass(None),
            Method::Invite if has_to_tag(&message) => {
                Said::Status(481, "Call/Transaction Does Not Exist", Kind::InDialog)
            }
            Method::Invite if self.is_stopping() => Said::Pass(Some(FailOpen::Draining)),
            Method::Invite => {
                let transaction = transaction(self.seed, &message);
                return Step::Ask { message, transaction };
            }
            _ => Said::Status(405, "Method Not Allowed", Kind::MethodNotAllowed),
        };
        Step::Say { message, said }
    }

    /// Writes what is said at once, and counts it.
    pub fn say(&self, message: &Message<'_>, said: Said, request: &Request<'_>, out: &mut Vec<u8>) {
        let transaction = transaction(self.seed, message);
        match said {
            Said::Status(status, phrase, kind) => {
                self.counts.count(kind);
                let extra = [ALLOW];
                let with_methods = matches!(kind, Kind::MethodNotAllowed | Kind::Options);
                let response = Response {
                    status,
                    phrase,
                    to_tag: Some(&to_tag(transaction)),
                    source: Some(request.source),
                    extra: if with_methods { &extra } else { &[] },
                };
                self.put(request.bytes, &response, out);
            }
            Said::Pass(why) => {
                let answer = why.map_or_else(|| Ok(Answer::default()), Err);
                self.settle(answer, transaction, request, out);
            }
        }
    }

    /// Writes the answer to an INVITE, and counts it.
    pub fn settle(
        &self,
        answer: Result<Answer, FailOpen>,
        transaction: u64,
        request: &Request<'_>,
        out: &mut Vec<u8>,
    ) {
        let answer = self.gate.settle(answer, request.since);
        self.repeat(&answer, transaction, request, out);
    }

    /// Writes the answer to an INVITE.
    pub fn repeat(&self, answer: &Answer, transaction: u64, request: &Request<'_>, out: &mut Vec<u8>) {
        let Told { status, phrase, headers } = tell(&self.profile, answer, request.bytes);
        let [mut first, mut second] = [("", ""); 2];
        for (slot, (name, value)) in [&mut first, &mut second].into_iter().zip(&headers) {
            *slot = (name, value.as_str());
        }
        let extra = [first, second];
        let response = Response {
            status,
            phrase,
            to_tag: Some(&to_tag(transaction)),
            source: Some(request.source),
            extra: extra.get(..headers.len()).unwrap_or_default(),
        };
        self.put(request.bytes, &response, out);
    }

    fn put(&self, request: &[u8], response: &Response<'_>, out: &mut Vec<u8>) {
        if !respond(request, response, out) {
            self.counts.count(Kind::Unreadable);
        }
    }
}

/// A request as an answer needs it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request<'a> {
    /// Its octets, of which the head is enough.
    pub bytes: &'a [u8],
    /// Who sent it.
    pub source: SocketAddr,
    /// Since when it is here.
    pub since: Stopwatch,
}

/// Request-URI of an INVITE whose first line is just as RFC 3261 §7.1 has it: any other may hide whom it calls.
fn called(bytes: &[u8]) -> Option<&[u8]> {
    let line = bytes.split(|octet| *octet == b'\r').next()?;
    let mut parts = line.split(|octet| *octet == b' ');
    let (Some(b"INVITE"), Some(uri), Some(b"SIP/2.0"), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let has_scheme =
        |scheme: &[u8]| uri.get(..scheme.len()).is_some_and(|own| own.eq_ignore_ascii_case(scheme));
    [&b"sip:"[..], b"sips:", b"tel:"].into_iter().any(has_scheme).then_some(uri)
}

fn has_to_tag(message: &Message<'_>) -> bool {
    message.head.to.and_then(Address::parse).is_some_and(|to| to.tag().is_some())
}

/// The head of a message: what an answer is made of.
pub(super) fn head<'a>(bytes: &'a [u8], message: &Message<'_>) -> &'a [u8] {
    let body = message.body.as_ptr().addr().saturating_sub(bytes.as_ptr().addr());
    if message.body.is_empty() { bytes } else { bytes.get(..body).unwrap_or(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_first_line_says_who_is_called() {
        let uri = |line: &str| called(format!("{line}\r\nVia: x\r\n\r\n").as_bytes()).map(<[u8]>::to_vec);
        assert_eq!(uri("INVITE SIP:112@h SIP/2.0"), Some(b"SIP:112@h".to_vec()));
        for line in [
            "INVITE  sip:112@h SIP/2.0",
            "INVITE <sip:112@h> SIP/2.0",
            "INVITE sip:1 12@h SIP/2.0",
            "INVITE sip:1 SIP/2.0 ",
            "INVITE urn:service:sos SIP/2.0",
            "INVITE sip:1@h SIP/3.0",
            "invite sip:1@h SIP/2.0",
            "OPTIONS sip:1@h SIP/2.0",
        ] {
            assert_eq!(uri(line), None, "{line}");
        }
    }
}
