//! One message → what a person wants to know of it. A file for each protocol; none knows of calls or of lines.

mod isup;
mod sip;
pub mod unit;

use std::fmt;
use std::net::SocketAddr;

use arrayvec::ArrayVec;

use crate::base::frame::{Envelope, Mtp, Pdu, PointCode, RoutingLabel, Transport, UserPart};
use crate::base::number::RAW_MAX;
use crate::inspect::text::Visible;
use crate::wire::DecodeError;
use crate::wire::isup::Variant;

/// Most facts shown beside what a message is.
pub const FACTS_MAX: usize = 8;
/// Most faults of a message that are shown.
pub const FAULTS_MAX: usize = 4;

/// What a message says.
#[derive(Clone, Debug)]
pub struct Said<'a> {
    /// `sip`, `isup` or `bicc`.
    pub protocol: &'static str,
    /// How it travelled: `udp`, `tcp`, `sctp`, `ws`; empty where that is not known.
    pub transport: &'static str,
    /// Sender.
    pub src: Place,
    /// Receiver.
    pub dst: Place,
    /// What it is: method, status, or type of message. `?` when it could not be read.
    pub kind: Word<'a>,
    /// Words of a status line.
    pub reason: &'a [u8],
    /// SIP: the method, of a response that of the request it answers.
    pub method: Option<&'a [u8]>,
    /// SIP: status of a response.
    pub status: Option<u16>,
    /// Caller as this message names them.
    pub from: Option<Word<'a>>,
    /// Called side as this message names it.
    pub to: Option<Word<'a>>,
    /// SIP: Call-ID.
    pub call_id: Option<&'a [u8]>,
    /// SIP: number of CSeq.
    pub cseq: Option<u32>,
    /// SIP: User-Agent.
    pub user_agent: Option<&'a [u8]>,
    /// ISUP: routing label.
    pub label: Option<RoutingLabel>,
    /// ISUP: circuit identification code; BICC: call instance code.
    pub cic: Option<u32>,
    /// Q.850 cause.
    pub cause: Option<u8>,
    /// Other facts worth a word, by name, in the order in which they are shown.
    pub facts: ArrayVec<(&'static str, Word<'a>), FACTS_MAX>,
    /// What was wrong with it.
    pub faults: ArrayVec<DecodeError, FAULTS_MAX>,
}

impl<'a> Said<'a> {
    /// Describes a whole message. One that cannot be read is described by its fault.
    #[must_use]
    pub fn of(pdu: &Pdu<'a>) -> Self {
        match pdu.envelope {
            Envelope::Sip { src, dst, transport } => {
                let transport = match transport {
                    Transport::Sctp => "sctp",
                    Transport::Tcp => "tcp",
                    Transport::Udp => "udp",
                    Transport::WebSocket => "ws",
                };
                let blank = Self::blank("sip", (Place::Address(src), Place::Address(dst)));
                sip::describe(pdu.bytes, Self { transport, ..blank })
            }
            Envelope::Isup { label, part } => {
                let point = |code| Place::Point(PointCode { standard: label.standard, code });
                let protocol = match part {
                    UserPart::Bicc => "bicc",
                    UserPart::Isup => "isup",
                };
                let blank = Self::blank(protocol, (point(label.opc), point(label.dpc)));
                let variant = Variant::of(label.standard, part);
                isup::describe(pdu.bytes, variant, Self { label: Some(label), ..blank })
            }
        }
    }

    /// Every header or parameter of a message, a line each, for whoever wants to see all of it.
    pub fn detail(pdu: &Pdu<'_>, line: &mut dyn FnMut(&dyn fmt::Display)) {
        match pdu.envelope {
            Envelope::Sip { .. } => sip::detail(pdu.bytes, line),
            Envelope::Isup { label, part } => {
                isup::detail(pdu.bytes, Variant::of(label.standard, part), line);
            }
        }
    }

    /// What kind of thing it is, for whoever paints it.
    #[must_use]
    pub fn tone(&self) -> Tone {
        if !self.faults.is_empty() {
            return Tone::Faulty;
        }
        let is_failure = self.cause.is_some_and(|cause| !matches!(cause, 16 | 31));
        match (self.status, self.kind.bytes()) {
            (Some(..200), _) | (_, b"ACM" | b"CPG") => Tone::Progress,
            (Some(200..300), _) | (_, b"ANM" | b"CON") => Tone::Success,
            (Some(_), _) => Tone::Failure,
            _ if is_failure => Tone::Failure,
            (_, b"INVITE" | b"IAM") => Tone::Setup,
            _ => Tone::Plain,
        }
    }

    fn blank(protocol: &'static str, (src, dst): (Place, Place)) -> Self {
        Self {
            protocol,
            transport: "",
            src,
            dst,
            kind: Word::Sent(b"?"),
            reason: b"",
            method: None,
            status: None,
            from: None,
            to: None,
            call_id: None,
            cseq: None,
            user_agent: None,
            label: None,
            cic: None,
            cause: None,
            facts: ArrayVec::new(),
            faults: ArrayVec::new(),
        }
    }

    /// Notes a fact while there is room.
    fn fact(&mut self, name: &'static str, value: Word<'a>) {
        let _ = self.facts.try_push((name, value));
    }

    /// Notes a fault while there is room: the first ones tell the story.
    fn fault(&mut self, fault: DecodeError) {
        let _ = self.faults.try_push(fault);
    }
}

/// What kind of thing a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Something is wrong with it.
    Faulty,
    /// The call did not come about, or ended otherwise than people end calls.
    Failure,
    /// Any other.
    Plain,
    /// The call is on its way.
    Progress,
    /// A call begins.
    Setup,
    /// It is answered, or something else succeeded.
    Success,
}

/// Where a message came from or went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Address and port.
    Address(SocketAddr),
    /// Signalling point code: a number, in 24 bits its three parts.
    Point(PointCode),
}

impl Place {
    /// Without its port.
    #[must_use]
    pub fn host(self) -> impl fmt::Display {
        Host(self)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => fmt::Display::fmt(address, f),
            Self::Point(point) if point.standard == Mtp::Itu => fmt::Display::fmt(&point.code, f),
            Self::Point(point) => fmt::Display::fmt(point, f),
        }
    }
}

struct Host(Place);

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Place::Address(address) => fmt::Display::fmt(&address.ip(), f),
            Place::Point(_) => fmt::Display::fmt(&self.0, f),
        }
    }
}

/// A few octets to show: as sent, or made of what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word<'a> {
    /// As sent.
    Sent(&'a [u8]),
    /// A telephone number put together from its signals.
    Made(ArrayVec<u8, { RAW_MAX + 1 }>),
    /// A word of ours.
    Named(&'static str),
    /// A number.
    Count(u64),
}

impl Word<'_> {
    /// The octets; none of a number.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Sent(bytes) => bytes,
            Self::Made(bytes) => bytes,
            Self::Named(text) => text.as_bytes(),
            Self::Count(_) => b"",
        }
    }
}

/// Safe to show, and cut when long.
impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => fmt::Display::fmt(count, f),
            _ => fmt::Display::fmt(&Visible::up_to(self.bytes(), WORD_MAX), f),
        }
    }
}

/// Most characters of a word that are shown: longer than any telephone number or method.
const WORD_MAX: usize = 48;
