//! Plays call scripts as SIP over UDP between two elements. RFC 3261; RFC 3325, RFC 5806, RFC 3326, RFC 7315.

use std::fmt::Write;
use std::net::Ipv4Addr;

use crate::call::{Call, End, Micros, Oddity, Shown, Side};
use crate::pcap::Recording;
use crate::random::Random;

const PORT: u16 = 5060;
/// How long an element takes to answer a request that needs no person.
const REPLY_AFTER: Micros = 6_000;
/// Timer T1: until the first retransmission (§17.1.1.1).
const T1: Micros = 500_000;

/// A call being played.
struct Dialog<'a> {
    call: &'a Call,
    caller: Ipv4Addr,
    callee: Ipv4Addr,
    call_id: String,
    from_tag: String,
    to_tag: String,
    branch: String,
    recording: &'a mut Recording,
}

/// A request or response to be written.
struct Message<'a> {
    start: String,
    method: &'a str,
    cseq: u32,
    has_to_tag: bool,
    has_sdp: bool,
    extra: String,
}

/// Adds a call's messages; returns its Call-ID. A forked call reaches `second` too.
pub fn play(
    call: &Call,
    between: (Ipv4Addr, Ipv4Addr),
    second: Ipv4Addr,
    random: &mut Random,
    recording: &mut Recording,
) -> String {
    let (caller, callee) = between;
    let token = random.next();
    let mut dialog = Dialog {
        call,
        caller,
        callee,
        call_id: format!("{token:016x}@{caller}"),
        from_tag: format!("{:08x}", random.next() as u32),
        to_tag: format!("{:08x}", random.next() as u32),
        branch: format!("z9hG4bK{:08x}", random.next() as u32),
        recording,
    };
    dialog.set_up();
    if call.oddity == Oddity::Forked {
        dialog.fork(second);
    }
    match call.end {
        End::Answered { ring, by, .. } => dialog.answer(call.alert_at() + ring, by),
        End::GivenUp { cause, .. } => dialog.cancel(cause),
        End::Refused { cause, .. } => dialog.refuse(cause),
        End::Reset { .. } | End::Silent | End::Never => {}
    }
    dialog.call_id
}

/// Adds keep-alives between two elements: OPTIONS and its 200 (§11).
pub fn keep_alive(at: Micros, between: (Ipv4Addr, Ipv4Addr), random: &mut Random, recording: &mut Recording) {
    let (caller, callee) = between;
    let token = random.next();
    let lines = |start: &str, tag: &str| {
        format!(
            "{start}\r\nVia: SIP/2.0/UDP {caller}:{PORT};branch=z9hG4bK{token:08x}\r\nMax-Forwards: 70\r\n\
             From: <sip:ping@{caller}>;tag={:06x}\r\nTo: <sip:{callee}>{tag}\r\nCall-ID: {token:016x}@{caller}\r\n\
             CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
            token & 0xFF_FFFF
        )
    };
    let request = lines(&format!("OPTIONS sip:{callee}:{PORT} SIP/2.0"), "");
    let response = lines("SIP/2.0 200 OK", ";tag=up");
    recording.udp(at, ((caller, PORT), (callee, PORT)), request.as_bytes());
    recording.udp(at + REPLY_AFTER, ((callee, PORT), (caller, PORT)), response.as_bytes());
}

impl Dialog<'_> {
    /// INVITE, 100, and 180 when the call alerts.
    fn set_up(&mut self) {
        let at = self.call.setup_at;
        self.invite(at);
        if self.call.oddity == Oddity::Retransmitted {
            self.invite(at + T1);
        }
        self.respond(at + REPLY_AFTER, 100, ("INVITE", 1));
        if self.call.alert_after.is_some() {
            self.respond(self.call.alert_at(), 180, ("INVITE", 1));
        }
    }

    fn invite(&mut self, at: Micros) {
        let extra = self.identity();
        let start = format!("INVITE {} SIP/2.0", self.request_uri());
        let message = Message { start, method: "INVITE", cseq: 1, has_to_tag: false, has_sdp: true, extra };
        self.send(at, Side::Calling, message);
    }

    fn answer(&mut self, at: Micros, by: Side) {
        self.respond(at, 200, ("INVITE", 1));
        if self.call.oddity == Oddity::Retransmitted {
            self.respond(at + T1, 200, ("INVITE", 1));
        }
        self.renew_branch();
        self.request(at + 40_000, Side::Calling, ("ACK", 1), String::new());
        let end_at = self.call.end_at();
        if self.call.oddity == Oddity::Reinvited {
            let middle = at + (end_at - at) / 2;
            self.renew_branch();
            self.request(middle, Side::Calling, ("INVITE", 2), String::new());
            self.respond(middle + REPLY_AFTER, 200, ("INVITE", 2));
            self.request(middle + 2 * REPLY_AFTER, Side::Calling, ("ACK", 2), String::new());
        }
        self.renew_branch();
        self.request(end_at, by, ("BYE", 3), reason(16));
        self.respond_from(end_at + REPLY_AFTER, by.other(), 200, ("BYE", 3));
    }

    fn cancel(&mut self, cause: u8) {
        let at = self.call.end_at();
        let extra = if cause == 16 { String::new() } else { reason(cause) };
        self.request(at, Side::Calling, ("CANCEL", 1), extra);
        self.respond(at + REPLY_AFTER, 200, ("CANCEL", 1));
        self.respond(at + 2 * REPLY_AFTER, 487, ("INVITE", 1));
        self.request(at + 4 * REPLY_AFTER, Side::Calling, ("ACK", 1), String::new());
    }

    fn refuse(&mut self, cause: u8) {
        let at = self.call.end_at();
        let status = status_of(cause);
        self.respond(at, status, ("INVITE", 1));
        if self.call.oddity == Oddity::Retransmitted {
            self.respond(at + T1, status, ("INVITE", 1));
        }
        self.request(at + 2 * REPLY_AFTER, Side::Calling, ("ACK", 1), String::new());
    }

    /// The same INVITE to another element on another branch, cancelled once the first has answered.
    fn fork(&mut self, second: Ipv4Addr) {
        let first = (self.callee, self.branch.clone(), self.to_tag.clone());
        self.callee = second;
        self.renew_branch();
        self.to_tag = format!("{}2", self.to_tag);
        self.invite(self.call.setup_at + 300);
        self.respond(self.call.setup_at + REPLY_AFTER + 300, 100, ("INVITE", 1));
        self.respond(self.call.alert_at() + 80_000, 180, ("INVITE", 1));
        if let End::Answered { ring, .. } = self.call.end {
            let at = self.call.alert_at() + ring + 20_000;
            let elsewhere = "Reason: SIP;cause=200;text=\"Call completed elsewhere\"\r\n";
            self.request(at, Side::Calling, ("CANCEL", 1), elsewhere.into());
            self.respond(at + REPLY_AFTER, 200, ("CANCEL", 1));
            self.respond(at + 2 * REPLY_AFTER, 487, ("INVITE", 1));
            self.request(at + 4 * REPLY_AFTER, Side::Calling, ("ACK", 1), String::new());
        }
        (self.callee, self.branch, self.to_tag) = first;
    }

    fn renew_branch(&mut self) {
        self.branch = format!("{}1", self.branch);
    }

    fn respond(&mut self, at: Micros, status: u16, method: (&str, u32)) {
        self.respond_from(at, Side::Called, status, method);
    }

    fn respond_from(&mut self, at: Micros, side: Side, status: u16, (method, cseq): (&str, u32)) {
        let message = Message {
            start: format!("SIP/2.0 {status} {}", phrase(status)),
            method,
            cseq,
            has_to_tag: status > 100,
            has_sdp: status == 200 && method == "INVITE",
            extra: String::new(),
        };
        self.send(at, side, message);
    }

    /// A request within the call. ACK to a failure and CANCEL bear the INVITE's branch (§9.1, §17.1.1.3).
    fn request(&mut self, at: Micros, side: Side, (method, cseq): (&str, u32), extra: String) {
        let in_dialog = method != "CANCEL";
        let start = if side == Side::Called {
            format!("{method} sip:{}:{PORT} SIP/2.0", self.caller)
        } else {
            format!("{method} {} SIP/2.0", self.request_uri())
        };
        let has_sdp = method == "INVITE";
        self.send(at, side, Message { start, method, cseq, has_to_tag: in_dialog, has_sdp, extra });
    }

    fn send(&mut self, at: Micros, side: Side, message: Message<'_>) {
        let text = self.text(side, &message);
        let (src, dst) = match side {
            Side::Calling => (self.caller, self.callee),
            Side::Called => (self.callee, self.caller),
        };
        self.recording.udp(at, ((src, PORT), (dst, PORT)), text.as_bytes());
    }

    fn text(&self, side: Side, message: &Message<'_>) -> String {
        let is_response = message.start.starts_with("SIP/2.0");
        // A response repeats what its request said of its sender; a BYE from the called side turns the two around.
        let from_called = message.method == "BYE" && (side == Side::Called) != is_response;
        let (sender, from, to) = match from_called {
            false => (self.caller, self.calling_line(), self.called_line(message.has_to_tag)),
            true => (self.callee, self.called_line(true), self.calling_line()),
        };
        let body =
            if message.has_sdp { sdp(if is_response { self.callee } else { sender }) } else { String::new() };
        let mut text = format!(
            "{}\r\nVia: SIP/2.0/UDP {sender}:{PORT};branch={}\r\nFrom: {from}\r\nTo: {to}\r\nCall-ID: {}\r\n\
             CSeq: {} {}\r\n",
            message.start, self.branch, self.call_id, message.cseq, message.method
        );
        if !is_response {
            text.push_str("Max-Forwards: 66\r\n");
        }
        if message.has_sdp {
            let contact = if is_response { self.callee } else { self.caller };
            let _ = write!(text, "Contact: <sip:{contact}:{PORT}>\r\nContent-Type: application/sdp\r\n");
        }
        text.push_str(&message.extra);
        let _ = write!(text, "Content-Length: {}\r\n\r\n{body}", body.len());
        text
    }

    /// Headers of an INVITE that say who calls.
    fn identity(&self) -> String {
        let mut lines = String::new();
        let caller = self.caller;
        if self.call.shown != Shown::Unavailable {
            let _ =
                write!(lines, "P-Asserted-Identity: <sip:+{}@{caller};user=phone>\r\n", self.call.calling);
        }
        if self.call.shown != Shown::Yes {
            lines.push_str("Privacy: id\r\n");
        }
        if let Some(diverting) = &self.call.diverting {
            let _ = write!(
                lines,
                "Diversion: <sip:+{diverting}@{caller};user=phone>;reason=unconditional;counter=1\r\n"
            );
        }
        let icid = self.call_id.get(..12).unwrap_or_default();
        let _ = write!(lines, "P-Charging-Vector: icid-value={icid};icid-generated-at={caller}\r\n");
        lines.push_str("Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE\r\nSupported: timer\r\n");
        lines
    }

    fn request_uri(&self) -> String {
        format!("sip:{}@{}:{PORT};user=phone", dialled(&self.call.called), self.callee)
    }

    fn calling_line(&self) -> String {
        match self.call.shown {
            Shown::Yes => {
                format!("<sip:+{}@{};user=phone>;tag={}", self.call.calling, self.caller, self.from_tag)
            }
            _ => format!("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag={}", self.from_tag),
        }
    }

    fn called_line(&self, has_tag: bool) -> String {
        let tag = if has_tag { format!(";tag={}", self.to_tag) } else { String::new() };
        // A domain rather than the callee's address: the branches of a fork share the To.
        format!("<sip:{}@ims.example.net;user=phone>{tag}", dialled(&self.call.called))
    }
}

/// Short codes are sent as they are.
fn dialled(digits: &str) -> String {
    if digits.len() < 5 { digits.into() } else { format!("+{digits}") }
}

fn reason(cause: u8) -> String {
    format!("Reason: Q.850;cause={cause}\r\n")
}

/// Q.850 cause to SIP status (RFC 3398 §7.2.4.1).
const fn status_of(cause: u8) -> u16 {
    match cause {
        1 => 404,
        17 => 486,
        18 => 408,
        19 | 20 => 480,
        21 => 603,
        34 => 503,
        _ => 500,
    }
}

const fn phrase(status: u16) -> &'static str {
    match status {
        100 => "Trying",
        180 => "Ringing",
        200 => "OK",
        404 => "Not Found",
        408 => "Request Timeout",
        480 => "Temporarily Unavailable",
        486 => "Busy Here",
        487 => "Request Terminated",
        503 => "Service Unavailable",
        603 => "Decline",
        _ => "Server Internal Error",
    }
}

fn sdp(address: Ipv4Addr) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\nm=audio 20000 RTP/AVP 8 101\r\n\
         a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\n"
    )
}
