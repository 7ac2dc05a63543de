//! One test call, seen from its caller: what is sent, and what answers mean. RFC 3261 §9.1, §13.2.2, §17.1.1. Pure.
//!
//! In: messages that came to the caller's or the far end's socket. Out: messages to send. The call is given up as soon as
//! it is known where it goes: cancelled while it rings, released when it was answered.

use std::net::SocketAddr;

use crate::cli::selftest::conclusion::Outcome;
use crate::wire::sip::address::Uri;
use crate::wire::sip::respond::{Response, respond};
use crate::wire::sip::start::Start;
use crate::wire::sip::{Message, Method};

/// Header that every test call carries, with a value of its own.
const MARK: &str = "X-Tollgate-Selftest";

/// A test call.
#[derive(Debug)]
pub(super) struct TestCall {
    /// Names the call: Call-ID, branch, tag and mark are made of it.
    pub token: String,
    /// Calling number.
    pub caller: String,
    /// Called number.
    pub called: String,
    /// The switch.
    pub switch: SocketAddr,
    /// The caller's socket.
    pub local: SocketAddr,
    /// What is known of it.
    pub outcome: Option<Outcome>,
    /// Whether a response came: the INVITE is sent no more.
    pub is_answered: bool,
    is_cancelled: bool,
}

impl TestCall {
    pub fn new(
        token: String,
        (caller, called): (&str, &str),
        (switch, local): (SocketAddr, SocketAddr),
    ) -> Self {
        let (caller, called) = (caller.to_owned(), called.to_owned());
        let (outcome, is_answered, is_cancelled) = (None, false, false);
        Self { token, caller, called, switch, local, outcome, is_answered, is_cancelled }
    }

    /// The INVITE.
    pub fn invite(&self) -> Vec<u8> {
        let sdp = format!(
            "v=0\r\no=- 1 1 IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\na=inactive\r\n",
            family = if self.local.is_ipv6() { "IP6" } else { "IP4" },
            ip = self.local.ip(),
        );
        let more = format!(
            "Contact: <sip:{caller}@{local}>\r\n{MARK}: {token}\r\nAllow: INVITE, ACK, BYE, CANCEL\r\n\
             P-Asserted-Identity: <sip:{caller}@{host}>\r\nContent-Type: application/sdp\r\n",
            caller = self.caller,
            local = self.local,
            host = host(self.local),
            token = self.token,
        );
        self.request("INVITE", ("", ""), &more, &sdp)
    }

    /// Takes a message that came to the caller; what to send for it.
    pub fn heard(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        let Ok(message) = Message::parse(bytes) else { return Vec::new() };
        let Start::Response { status } = message.start else { return self.asked(bytes, &message) };
        if message.call_id != self.call_id().as_bytes() || message.method != Method::Invite {
            return Vec::new();
        }
        self.is_answered = true;
        let to = message.head.to.map(|to| String::from_utf8_lossy(to).into_owned());
        let to = to.unwrap_or_else(|| format!("<sip:{}@{}>", self.called, self.switch));
        match status {
            // Somebody is called; that is all there is to know.
            180..200 if !self.is_cancelled => {
                self.outcome = Some(Outcome::Reached);
                self.is_cancelled = true;
                vec![self.request("CANCEL", ("", ""), "", "")]
            }
            100..200 => Vec::new(),
            200..300 => {
                self.outcome = Some(Outcome::Reached);
                vec![self.request("ACK", (&to, "-ack"), "", ""), self.request("BYE", (&to, "-bye"), "", "")]
            }
            _ => {
                self.outcome = self.outcome.or(Some(Outcome::Refused(status)));
                vec![self.request("ACK", (&to, ""), "", "")]
            }
        }
    }

    /// A request that came to the far end: the call, when it carries the mark or its numbers. What to answer.
    pub fn arrived(&mut self, bytes: &[u8], from: SocketAddr) -> Option<Vec<u8>> {
        let message = Message::parse(bytes).ok()?;
        let Start::Request { method: Method::Invite, uri, .. } = message.start else { return None };
        let mark = format!("{MARK}: {}", self.token);
        let is_marked = memchr::memmem::find(bytes, mark.as_bytes()).is_some();
        let same = |one: &[u8], other: &str| digits(one).eq(digits(other.as_bytes()));
        let has_numbers =
            same(Uri::parse(uri)?.user, &self.called) && same(message.from.uri.user, &self.caller);
        if !is_marked && !has_numbers {
            return None;
        }
        self.outcome = Some(Outcome::Reached);
        let response = Response {
            status: 486,
            phrase: "Busy Here",
            to_tag: Some("far-end"),
            source: Some(from),
            extra: &[],
        };
        let mut out = Vec::new();
        respond(bytes, &response, &mut out).then_some(out)
    }

    /// A switch may release a call that was answered, or ask whether we are there.
    fn asked(&self, bytes: &[u8], message: &Message<'_>) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        let ok = Response { status: 200, phrase: "OK", to_tag: Some("tollgate"), ..Response::default() };
        if message.method != Method::Ack && respond(bytes, &ok, &mut out) { vec![out] } else { Vec::new() }
    }

    fn call_id(&self) -> String {
        format!("selftest-{}", self.token)
    }

    fn request(&self, method: &str, (to, branch): (&str, &str), more: &str, body: &str) -> Vec<u8> {
        let Self { token, caller, called, switch, local, .. } = self;
        let to = if to.is_empty() { format!("<sip:{called}@{}>", host(*switch)) } else { to.to_owned() };
        let number = if method == "BYE" { 2 } else { 1 };
        format!(
            "{method} sip:{called}@{switch} SIP/2.0\r\nVia: SIP/2.0/UDP {local};branch=z9hG4bK{token}{branch};rport\r\n\
             Max-Forwards: 70\r\nFrom: <sip:{caller}@{from}>;tag={token}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n\
             CSeq: {number} {method}\r\n{more}Content-Length: {length}\r\n\r\n{body}",
            from = host(*local),
            call_id = self.call_id(),
            length = body.len(),
        )
        .into_bytes()
    }
}

fn digits(text: &[u8]) -> impl Iterator<Item = &u8> {
    text.iter().filter(|octet| octet.is_ascii_digit())
}

fn host(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call() -> TestCall {
        let (switch, local) = ("192.0.2.1:5060".parse().unwrap(), "[2001:db8::1]:5071".parse().unwrap());
        TestCall::new("t1".into(), ("+9910001", "+9910002"), (switch, local))
    }

    fn response(call: &TestCall, status: u16) -> Vec<u8> {
        let mut out = Vec::new();
        let response = Response { status, phrase: "x", to_tag: Some("b"), ..Response::default() };
        assert!(respond(&call.invite(), &response, &mut out));
        out
    }

    fn start_of(sent: &[Vec<u8>]) -> Vec<Method> {
        let method = |bytes: &Vec<u8>| {
            let message = Message::parse(bytes).unwrap();
            assert_eq!(message.faults.as_slice(), []);
            message.method
        };
        sent.iter().map(method).collect()
    }

    #[test]
    fn gives_up_a_call_as_soon_as_it_knows() {
        let mut ringing = call();
        assert_eq!(ringing.heard(&response(&call(), 100)), Vec::<Vec<u8>>::new());
        assert_eq!(start_of(&ringing.heard(&response(&call(), 183))), [Method::Cancel]);
        assert_eq!(start_of(&ringing.heard(&response(&call(), 487))), [Method::Ack]);
        assert_eq!(ringing.outcome, Some(Outcome::Reached));
        let mut answered = call();
        assert_eq!(start_of(&answered.heard(&response(&call(), 200))), [Method::Ack, Method::Bye]);
        assert_eq!(answered.outcome, Some(Outcome::Reached));
        let mut refused = call();
        assert_eq!(start_of(&refused.heard(&response(&call(), 603))), [Method::Ack]);
        assert_eq!(refused.outcome, Some(Outcome::Refused(603)));
        let mut other = call();
        let stranger = String::from_utf8(response(&call(), 603)).unwrap().replace("selftest-t1", "other");
        assert!(other.heard(stranger.as_bytes()).is_empty() && other.outcome.is_none());
    }

    #[test]
    fn knows_its_call_at_the_far_end() {
        let from = "192.0.2.1:5060".parse().unwrap();
        let sent = String::from_utf8(call().invite()).unwrap();
        let rewritten = sent.replace(MARK, "X-Gone").replace("sip:+9910002@", "sip:9910002@");
        let stranger = rewritten.replace("9910001", "9910009");
        for (arrives, is_known) in [(&sent, true), (&rewritten, true), (&stranger, false)] {
            let mut call = call();
            assert_eq!(call.arrived(arrives.as_bytes(), from).is_some(), is_known, "{arrives}");
            assert_eq!(call.outcome.is_some(), is_known);
        }
    }
}
