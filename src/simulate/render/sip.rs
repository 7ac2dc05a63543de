//! Plays an attempt as SIP between two elements: which message is sent when. RFC 3261.

use std::net::Ipv4Addr;

use crate::simulate::attempt::{Attempt, End, Oddity, Side};
use crate::simulate::render::sip_text::{self, Extra, Identity, Message, PORT, Party};
use crate::simulate::render::style::SipStyle;
use crate::simulate::render::{Micros, micros, span};

/// How long an element takes to answer a request that needs no person.
const REPLY_AFTER: Micros = 6_000;
/// Timer T1: until the first retransmission (§17.1.1.1).
const T1: Micros = 500_000;
/// Most retransmissions of an INVITE (timer B, §17.1.1.2).
const RETRANSMISSIONS_MAX: u8 = 6;

/// A message to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// When.
    pub at: Micros,
    /// Sender and receiver.
    pub between: (Ipv4Addr, Ipv4Addr),
    /// It answers a request, and so goes back the way that came.
    pub is_response: bool,
    /// The message.
    pub text: String,
}

/// Between whom a call is played, and how.
#[derive(Clone, Copy, Debug)]
pub struct Course<'a> {
    /// Elements that set up the call, and are called.
    pub between: (Ipv4Addr, Ipv4Addr),
    /// Element that a fork reaches too.
    pub second: Ipv4Addr,
    /// `UDP` or `TCP`.
    pub transport: &'static str,
    /// How the calling side writes.
    pub style: &'a SipStyle,
}

/// Adds an attempt's messages.
pub fn play(attempt: &Attempt, course: &Course<'_>, identity: Identity, out: &mut Vec<Sent>) {
    let (caller, callee) = course.between;
    let party = Party { attempt, caller, callee, transport: course.transport, style: course.style };
    let setup_at = micros(attempt.setup_at);
    let alert_at = setup_at + span(attempt.alert_after.unwrap_or_default());
    let mut dialog = Dialog { party, identity, setup_at, alert_at, out };
    dialog.set_up();
    if attempt.oddity == Oddity::Forked {
        dialog.fork(course.second);
    }
    match attempt.end {
        End::Answered { ring, talk, by } => dialog.answer(alert_at + span(ring), span(talk), by),
        End::EarlyMedia { after, by: Side::Calling, cause } | End::GivenUp { after, cause } => {
            dialog.cancel(alert_at + span(after), cause);
        }
        End::EarlyMedia { after, by: Side::Called, cause } | End::Refused { after, cause } => {
            dialog.refuse(alert_at + span(after), cause);
        }
        End::Reset { after } => dialog.refuse(alert_at + span(after), CAUSE_NO_CIRCUIT),
        End::Never | End::Silent { .. } => {}
    }
}

/// No circuit available (Q.850 34), which SIP says as 503.
const CAUSE_NO_CIRCUIT: u8 = 34;

/// Keep-alives between two elements: OPTIONS and its 200 (§11). `token` makes it differ from others.
#[must_use]
pub fn keep_alive(at: Micros, (caller, callee): (Ipv4Addr, Ipv4Addr), token: u64) -> [Sent; 2] {
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
    [
        Sent { at, between: (caller, callee), is_response: false, text: request },
        Sent { at: at + REPLY_AFTER, between: (callee, caller), is_response: true, text: response },
    ]
}

/// A call being played.
struct Dialog<'a> {
    party: Party<'a>,
    identity: Identity,
    setup_at: Micros,
    alert_at: Micros,
    out: &'a mut Vec<Sent>,
}

impl Dialog<'_> {
    /// INVITE, 100, and 180 when the call alerts, 183 when there are media instead.
    fn set_up(&mut self) {
        self.invite(self.setup_at);
        for after in self.retransmissions() {
            self.invite(self.setup_at + after);
        }
        self.respond(self.setup_at + REPLY_AFTER, 100, ("INVITE", 1));
        if self.party.attempt.alert_after.is_some() {
            let has_media = matches!(self.party.attempt.end, End::EarlyMedia { .. });
            self.respond(self.alert_at, if has_media { 183 } else { 180 }, ("INVITE", 1));
        }
    }

    /// When a message is sent again, counted from the first time: T1, then twice as long each time. TCP does so itself.
    fn retransmissions(&self) -> impl Iterator<Item = Micros> + use<> {
        let times = match self.party.attempt.oddity {
            Oddity::Retransmitted { times } if self.party.transport == "UDP" => {
                times.min(RETRANSMISSIONS_MAX)
            }
            _ => 0,
        };
        (1..=times).map(|time| T1 * ((1 << time) - 1))
    }

    fn invite(&mut self, at: Micros) {
        let message = Message {
            status: None,
            method: "INVITE",
            cseq: 1,
            has_to_tag: false,
            has_sdp: true,
            extra: Extra::Calling,
        };
        self.send(at, Side::Calling, message);
    }

    fn answer(&mut self, at: Micros, talk: Micros, by: Side) {
        self.respond(at, 200, ("INVITE", 1));
        for after in self.retransmissions() {
            self.respond(at + after, 200, ("INVITE", 1));
        }
        self.renew_branch();
        self.request(at + 40_000, Side::Calling, ("ACK", 1), Extra::None);
        let end_at = at + talk;
        if self.party.attempt.oddity == Oddity::Reinvited {
            let middle = at + (end_at - at) / 2;
            self.renew_branch();
            self.request(middle, Side::Calling, ("INVITE", 2), Extra::None);
            self.respond(middle + REPLY_AFTER, 200, ("INVITE", 2));
            self.request(middle + 2 * REPLY_AFTER, Side::Calling, ("ACK", 2), Extra::None);
        }
        self.renew_branch();
        self.request(end_at, by, ("BYE", 3), Extra::Reason(16));
        self.respond_from(end_at + REPLY_AFTER, by.other(), 200, ("BYE", 3));
    }

    fn cancel(&mut self, at: Micros, cause: u8) {
        let extra = if cause == 16 { Extra::None } else { Extra::Reason(cause) };
        self.request(at, Side::Calling, ("CANCEL", 1), extra);
        self.respond(at + REPLY_AFTER, 200, ("CANCEL", 1));
        self.respond(at + 2 * REPLY_AFTER, 487, ("INVITE", 1));
        self.request(at + 4 * REPLY_AFTER, Side::Calling, ("ACK", 1), Extra::None);
    }

    fn refuse(&mut self, at: Micros, cause: u8) {
        let status = status_of(cause);
        self.respond(at, status, ("INVITE", 1));
        for after in self.retransmissions() {
            self.respond(at + after, status, ("INVITE", 1));
        }
        self.request(at + 2 * REPLY_AFTER, Side::Calling, ("ACK", 1), Extra::None);
    }

    /// The same INVITE to another element on another branch, cancelled once the first has come to its end.
    fn fork(&mut self, second: Ipv4Addr) {
        let first = (self.party.callee, self.identity.branch.clone(), self.identity.to_tag.clone());
        self.party.callee = second;
        self.renew_branch();
        self.identity.to_tag.push('2');
        self.invite(self.setup_at + 300);
        self.respond(self.setup_at + REPLY_AFTER + 300, 100, ("INVITE", 1));
        let Attempt { alert_after, end, .. } = *self.party.attempt;
        if alert_after.is_some() && !matches!(end, End::EarlyMedia { .. }) {
            self.respond(self.alert_at + 80_000, 180, ("INVITE", 1));
        }
        let over = match end {
            End::Answered { ring, .. } => Some((ring, Extra::Elsewhere)),
            End::EarlyMedia { after, .. }
            | End::GivenUp { after, .. }
            | End::Refused { after, .. }
            | End::Reset { after } => Some((after, Extra::None)),
            End::Never | End::Silent { .. } => None,
        };
        if let Some((after, extra)) = over {
            let at = self.alert_at + span(after) + 20_000;
            self.request(at, Side::Calling, ("CANCEL", 1), extra);
            self.respond(at + REPLY_AFTER, 200, ("CANCEL", 1));
            self.respond(at + 2 * REPLY_AFTER, 487, ("INVITE", 1));
            self.request(at + 4 * REPLY_AFTER, Side::Calling, ("ACK", 1), Extra::None);
        }
        (self.party.callee, self.identity.branch, self.identity.to_tag) = first;
    }

    fn renew_branch(&mut self) {
        self.identity.branch.push('1');
    }

    fn respond(&mut self, at: Micros, status: u16, method: (&'static str, u32)) {
        self.respond_from(at, Side::Called, status, method);
    }

    fn respond_from(&mut self, at: Micros, side: Side, status: u16, (method, cseq): (&'static str, u32)) {
        let message = Message {
            status: Some(status),
            method,
            cseq,
            has_to_tag: status > 100,
            has_sdp: matches!(status, 183 | 200) && method == "INVITE",
            extra: Extra::None,
        };
        self.send(at, side, message);
    }

    /// A request within the call. ACK to a failure and CANCEL bear the INVITE's branch (§9.1, §17.1.1.3).
    fn request(&mut self, at: Micros, side: Side, (method, cseq): (&'static str, u32), extra: Extra) {
        let has_to_tag = method != "CANCEL";
        let has_sdp = method == "INVITE";
        self.send(at, side, Message { status: None, method, cseq, has_to_tag, has_sdp, extra });
    }

    fn send(&mut self, at: Micros, side: Side, message: Message) {
        let text = sip_text::write(&self.party, &self.identity, side, &message);
        let Party { caller, callee, .. } = self.party;
        let between = match side {
            Side::Calling => (caller, callee),
            Side::Called => (callee, caller),
        };
        self.out.push(Sent { at, between, is_response: message.status.is_some(), text });
    }
}

/// Q.850 cause to SIP status (RFC 3398 §7.2.4.1).
const fn status_of(cause: u8) -> u16 {
    match cause {
        1 => 404,
        17 => 486,
        18 => 408,
        19 | 20 | 31 => 480,
        21 => 603,
        27 => 502,
        28 => 484,
        34 => 503,
        57 => 403,
        _ => 500,
    }
}
