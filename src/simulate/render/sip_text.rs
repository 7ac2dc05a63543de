//! How one SIP message is written. RFC 3261; RFC 3325, RFC 5806, RFC 3326, RFC 7315.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::Ipv4Addr;

use crate::simulate::attempt::{Attempt, Calling, Side};
use crate::simulate::render::style::{Header, SipStyle};

/// SIP's port.
pub const PORT: u16 = 5060;

/// What identifies a dialog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Call-ID.
    pub call_id: String,
    /// Tag of the calling side.
    pub from_tag: String,
    /// Tag of the called side.
    pub to_tag: String,
    /// Branch of the INVITE.
    pub branch: String,
}

/// A call as its messages need to know it.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// The call.
    pub attempt: &'a Attempt,
    /// Element that sets it up.
    pub caller: Ipv4Addr,
    /// Element that is called.
    pub callee: Ipv4Addr,
    /// `UDP` or `TCP`.
    pub transport: &'static str,
    /// How the calling side writes.
    pub style: &'a SipStyle,
}

/// A request or response.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    /// What it says: nothing for a request, the status of a response.
    pub status: Option<u16>,
    /// Method.
    pub method: &'static str,
    /// Sequence number.
    pub cseq: u32,
    /// To has a tag.
    pub has_to_tag: bool,
    /// There is a session description.
    pub has_sdp: bool,
    /// What it says beside.
    pub extra: Extra,
}

/// What a message says beside the headers that all have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Who calls: in the first INVITE.
    Calling,
    /// Another branch answered.
    Elsewhere,
    /// Nothing.
    None,
    /// Why the call ends: Q.850.
    Reason(u8),
}

/// The whole message, sent by `side`.
#[must_use]
pub fn write(party: &Party<'_>, identity: &Identity, side: Side, message: &Message) -> String {
    let is_response = message.status.is_some();
    // A response repeats what its request said of its sender; a BYE from the called side turns the two around.
    let is_from_called = message.method == "BYE" && (side == Side::Called) != is_response;
    let sender = if is_from_called { party.callee } else { party.caller };
    let has_sdp = message.has_sdp;
    let body = match (has_sdp, is_response) {
        (false, _) => String::new(),
        (true, true) => sdp(party.callee, &SipStyle::plain()),
        (true, false) => sdp(sender, party.style),
    };
    // Only what the calling side sends of itself has its equipment's style.
    let plain = SipStyle::plain();
    let style = if is_response || is_from_called { &plain } else { party.style };
    let mut writer = Writer {
        text: String::with_capacity(1_300),
        party,
        identity,
        message,
        is_from_called,
        sender,
        style,
    };
    writer.start(side);
    for header in style.order {
        writer.header(*header, body.len());
    }
    writer.text.push_str("\r\n");
    writer.text.push_str(&body);
    writer.text
}

struct Writer<'a> {
    text: String,
    party: &'a Party<'a>,
    identity: &'a Identity,
    message: &'a Message,
    is_from_called: bool,
    sender: Ipv4Addr,
    style: &'a SipStyle,
}

impl Writer<'_> {
    fn put(&mut self, arguments: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = self.text.write_fmt(arguments);
    }

    fn start(&mut self, side: Side) {
        let Message { status, method, .. } = *self.message;
        match status {
            Some(status) => self.put(format_args!("SIP/2.0 {status} {}\r\n", phrase(status))),
            None if side == Side::Called => {
                self.put(format_args!("{method} sip:{}:{PORT} SIP/2.0\r\n", self.party.caller));
            }
            None => {
                let Party { attempt, callee, .. } = *self.party;
                let called = dialled(&attempt.called);
                self.put(format_args!("{method} sip:{called}@{callee}:{PORT};user=phone SIP/2.0\r\n"));
            }
        }
    }

    fn name(&self, long: &'static str, short: &'static str) -> &'static str {
        if self.style.is_compact { short } else { long }
    }

    fn header(&mut self, header: Header, length: usize) {
        let (Party { transport, .. }, sender) = (*self.party, self.sender);
        let is_request = self.message.status.is_none();
        match header {
            Header::CallId => {
                let name = self.name("Call-ID", "i");
                self.put(format_args!("{name}: {}\r\n", self.identity.call_id));
            }
            Header::Contact if self.message.has_sdp => {
                let contact = if is_request { self.party.caller } else { self.party.callee };
                let (name, kind) = (self.name("Contact", "m"), self.name("Content-Type", "c"));
                let suffix = if transport == "TCP" { ";transport=tcp" } else { "" };
                self.put(format_args!(
                    "{name}: <sip:{contact}:{PORT}{suffix}>\r\n{kind}: application/sdp\r\n"
                ));
            }
            Header::CSeq => {
                self.put(format_args!("CSeq: {} {}\r\n", self.message.cseq, self.message.method));
            }
            Header::From => {
                self.text.push_str(self.name("From: ", "f: "));
                if self.is_from_called { self.called_line(true) } else { self.calling_line() }
            }
            Header::Identity => self.extra(),
            Header::Length => {
                let name = self.name("Content-Length", "l");
                self.put(format_args!("{name}: {length}\r\n"));
            }
            Header::MaxForwards if is_request => {
                self.put(format_args!("Max-Forwards: {}\r\n", self.style.max_forwards));
            }
            Header::To => {
                self.text.push_str(self.name("To: ", "t: "));
                if self.is_from_called {
                    self.calling_line()
                } else {
                    self.called_line(self.message.has_to_tag)
                }
            }
            Header::UserAgent if is_request => {
                if let Some(user_agent) = &self.style.user_agent {
                    let _ = write!(self.text, "User-Agent: {user_agent}\r\n");
                }
            }
            Header::Via => {
                let (name, branch) = (self.name("Via", "v"), &self.identity.branch);
                let _ = write!(self.text, "{name}: SIP/2.0/{transport} {sender}:{PORT};branch={branch}\r\n");
            }
            Header::Contact | Header::MaxForwards | Header::UserAgent => {}
        }
    }

    fn extra(&mut self) {
        match self.message.extra {
            Extra::Calling => self.calling(),
            Extra::Elsewhere => {
                self.text.push_str("Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n");
            }
            Extra::None => {}
            Extra::Reason(cause) => self.put(format_args!("Reason: Q.850;cause={cause}\r\n")),
        }
    }

    /// Headers of an INVITE that say who calls.
    fn calling(&mut self) {
        let Party { attempt, caller, .. } = *self.party;
        if let Some(text) = attempt.calling.text() {
            let user = user(&attempt.calling, text);
            self.put(format_args!("P-Asserted-Identity: <sip:{user}@{caller};user=phone>\r\n"));
        }
        if !matches!(attempt.calling, Calling::Shown(_) | Calling::Malformed(_)) {
            self.text.push_str("Privacy: id\r\n");
        }
        if let Some(diverting) = &attempt.diverting {
            self.put(format_args!(
                "Diversion: <sip:+{diverting}@{caller};user=phone>;reason=unconditional;counter=1\r\n"
            ));
        }
        if self.style.has_charging_vector {
            let icid = self.identity.call_id.get(..12).unwrap_or_default();
            let _ = write!(self.text, "P-Charging-Vector: icid-value={icid};icid-generated-at={caller}\r\n");
        }
        let SipStyle { allow, supported, .. } = *self.style;
        self.put(format_args!("Allow: {allow}\r\n"));
        if !supported.is_empty() {
            let name = self.name("Supported", "k");
            self.put(format_args!("{name}: {supported}\r\n"));
        }
    }

    fn calling_line(&mut self) {
        let Party { attempt, caller, .. } = *self.party;
        let tag = &self.identity.from_tag;
        let _ = match (&attempt.calling, &attempt.presented) {
            (Calling::Shown(_) | Calling::Malformed(_), Some(presented)) => {
                write!(self.text, "<sip:+{presented}@{caller};user=phone>;tag={tag}\r\n")
            }
            (calling @ (Calling::Shown(text) | Calling::Malformed(text)), None) => {
                write!(self.text, "<sip:{}@{caller};user=phone>;tag={tag}\r\n", user(calling, text))
            }
            (Calling::Unavailable | Calling::Withheld(_), _) => {
                write!(self.text, "\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag={tag}\r\n")
            }
        };
    }

    fn called_line(&mut self, has_tag: bool) {
        // A domain rather than the callee's address: the branches of a fork share the To.
        let called = dialled(&self.party.attempt.called);
        self.put(format_args!("<sip:{called}@ims.example.net;user=phone>"));
        if has_tag {
            self.put(format_args!(";tag={}", self.identity.to_tag));
        }
        self.text.push_str("\r\n");
    }
}

/// User part of a calling number. What a URI cannot hold is escaped (RFC 3261 §25.1), at most 64 characters of it.
fn user<'a>(calling: &Calling, text: &'a str) -> Cow<'a, str> {
    const LONGEST: usize = 64;
    if !matches!(calling, Calling::Malformed(_)) {
        return Cow::Owned(format!("+{text}"));
    }
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"+-_.!~*'()&=$,;?/".contains(&byte);
    if text.len() <= LONGEST && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let escaped = text.bytes().take(LONGEST).map(|byte| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    Cow::Owned(escaped.collect())
}

/// Short codes are sent as they are.
fn dialled(digits: &str) -> String {
    if digits.len() < 5 { digits.into() } else { format!("+{digits}") }
}

const fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        183 => "Session Progress",
        200 => "OK",
        403 => "Forbidden",
        404 => "Not Found",
        408 => "Request Timeout",
        480 => "Temporarily Unavailable",
        484 => "Address Incomplete",
        486 => "Busy Here",
        487 => "Request Terminated",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        603 => "Decline",
        _ => "Server Internal Error",
    }
}

fn sdp(address: Ipv4Addr, style: &SipStyle) -> String {
    let SipStyle { origin, session, media: (formats, attributes), .. } = style;
    format!(
        "v=0\r\no={origin} 1 1 IN IP4 {address}\r\ns={session}\r\nc=IN IP4 {address}\r\nt=0 0\r\n\
         m=audio 20000 RTP/AVP {formats}\r\n{attributes}"
    )
}
