//! SIP. RFC 3261 §7, §25: start line, headers, addresses, over the bytes as they are. Nothing is copied or allocated.
//!
//! In: the bytes of one message. Out: a [`Message`] of slices, with the faults it was read in spite of; an error when
//! it cannot be used. Reads what receivers in the field read: compact forms, folding, white space around the colon,
//! LF alone, any octets in text. Must not: rewrite, judge, or look into the body.

pub mod address;
pub mod body;
pub mod edit;
pub mod forward;
pub mod head;
pub mod ingress;
pub mod lines;
pub mod lint;
mod name;
pub mod near;
pub mod place;
pub mod respond;
pub mod start;
pub mod value;
pub mod view;

use std::fmt;

use arrayvec::ArrayVec;

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::sip::address::Address;
use crate::wire::sip::head::{Head, is_call_id, split_header};
use crate::wire::sip::lines::{End, Line, Lines, Stray};
use crate::wire::sip::start::{Start, StartLine};

/// Most faults noted of one message, the first ones.
pub const FAULTS_MAX: usize = 4;
/// Faults a message was read in spite of.
pub type Faults = ArrayVec<DecodeError, FAULTS_MAX>;

/// Method of a request, and of the request that a response answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Method {
    /// RFC 3261 §13.
    Invite,
    /// RFC 3261 §13.
    Ack,
    /// RFC 3261 §15.
    Bye,
    /// RFC 3261 §9.
    Cancel,
    /// RFC 3261 §10.
    Register,
    /// RFC 3261 §11.
    Options,
    /// RFC 3262.
    Prack,
    /// RFC 3311.
    Update,
    /// RFC 6086.
    Info,
    /// RFC 6665.
    Subscribe,
    /// RFC 6665.
    Notify,
    /// RFC 3903.
    Publish,
    /// RFC 3428.
    Message,
    /// RFC 3515.
    Refer,
    /// Any other.
    #[default]
    Other,
}

impl Method {
    /// Names as sent, in the order of the enum; `other` for any other.
    pub const NAMES: [&'static str; 15] = [
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "REGISTER",
        "OPTIONS",
        "PRACK",
        "UPDATE",
        "INFO",
        "SUBSCRIBE",
        "NOTIFY",
        "PUBLISH",
        "MESSAGE",
        "REFER",
        "other",
    ];

    /// The method with this name in whatever case. Names are case-sensitive (RFC 3261 §7.1), but many receivers read
    /// `invite` as INVITE; the start line notes a fault.
    #[must_use]
    pub(super) fn of_any_case(token: &[u8]) -> Self {
        const LONGEST: usize = 9;
        let mut upper = [0; LONGEST];
        let Some(upper) = upper.get_mut(..token.len()) else { return Self::Other };
        upper.copy_from_slice(token);
        upper.make_ascii_uppercase();
        Self::of(upper)
    }

    /// The method with exactly this name.
    #[must_use]
    pub fn of(token: &[u8]) -> Self {
        match token {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"REGISTER" => Self::Register,
            b"OPTIONS" => Self::Options,
            b"PRACK" => Self::Prack,
            b"UPDATE" => Self::Update,
            b"INFO" => Self::Info,
            b"SUBSCRIBE" => Self::Subscribe,
            b"NOTIFY" => Self::Notify,
            b"PUBLISH" => Self::Publish,
            b"MESSAGE" => Self::Message,
            b"REFER" => Self::Refer,
            _ => Self::Other,
        }
    }

    /// Its name, for counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES.get(self as usize).copied().unwrap_or("other")
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// CSeq header (RFC 3261 §20.16).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// Number; saturated when it is over 32 bits, which is a fault.
    pub number: u32,
    /// Name of the method, as sent; it may be none, which is a fault.
    pub token: &'a [u8],
}

/// One message.
#[derive(Clone, Debug)]
pub struct Message<'a> {
    /// Start line.
    pub start: Start<'a>,
    /// Method of the request, or of the request that this response answers.
    pub method: Method,
    /// Call-ID, never empty; the same that [`find_call_id`] finds.
    pub call_id: &'a [u8],
    /// CSeq.
    pub cseq: CSeq<'a>,
    /// From; empty when it is missing or unreadable, which is a fault.
    pub from: Address<'a>,
    /// Max-Forwards; none when it is missing or over 255 (RFC 3261 §20.22), which is a fault.
    pub max_forwards: Option<u8>,
    /// Headers as sent.
    pub head: Head<'a>,
    /// What follows the empty line, at most Content-Length octets of it.
    pub body: &'a [u8],
    /// What is wrong with it.
    pub faults: Faults,
    /// Whether others may read it otherwise: headers that contradict each other, a line that is no header, behind which some
    /// read no further, line ends that some take for none, a quote or bracket of From that is never closed, a method in another
    /// case, more lines than are read.
    pub is_ambiguous: bool,
}

impl<'a> Message<'a> {
    /// Reads one message. A flawed one is read as far as it can be, with its faults noted.
    ///
    /// # Errors
    /// When the start line cannot be read, or Call-ID or CSeq is missing, or CSeq has no number.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut faults = Faults::new();
        let mut lines = Lines::new(bytes);
        let Some(line) = lines.next() else {
            return Err(error(lines.offset(), Kind::NotRecognised));
        };
        let StartLine { start, flawed, is_misspelt } =
            StartLine::parse(line.bytes).map_err(|kind| error(line.offset, kind))?;
        if flawed {
            note(&mut faults, line.offset, Kind::BadSyntax);
        }
        let is_invite = matches!(start, Start::Request { method: Method::Invite, .. });
        let mut head = Head::default();
        head.read(&mut lines, is_invite, &mut faults);
        let stray = lines.stray();
        for offset in [lines.bare_lf, lines.indented, stray.offset].into_iter().flatten() {
            note(&mut faults, offset, Kind::BadSyntax);
        }
        let body = body(&lines, &head, &mut faults);
        let offset_of = |value: &[u8]| value.as_ptr().addr().saturating_sub(bytes.as_ptr().addr());

        let missing = || error(lines.offset(), Kind::Missing);
        let call_id = head.call_id.filter(|value| !value.is_empty()).ok_or_else(missing)?;
        let cseq = head.cseq.ok_or_else(missing)?;
        let (cseq, is_whole) = read_cseq(cseq, offset_of(cseq), &mut faults)?;
        let mut is_ambiguous = is_misspelt
            || head.is_ambiguous
            || lines.are_mixed()
            || lines.indented.is_some()
            || stray != Stray::default();
        is_ambiguous |= lines.end == End::TooMany || !is_whole;
        let method = match start {
            Start::Request { method, token, .. } => {
                if is_whole && token != cseq.token {
                    note(&mut faults, offset_of(cseq.token), Kind::Conflict);
                    is_ambiguous = true;
                }
                method
            }
            Start::Response { .. } => Method::of_any_case(cseq.token),
        };
        for required in [head.from, head.to, head.via] {
            if required.is_none() {
                note(&mut faults, lines.offset(), Kind::Missing);
            }
        }
        let from = head.from.map_or_else(Address::default, |value| {
            Address::parse(value).unwrap_or_else(|| {
                note(&mut faults, offset_of(value), Kind::BadSyntax);
                is_ambiguous |= is_unclosed(value);
                Address::default()
            })
        });
        if from.is_open {
            note(&mut faults, head.from.map_or(0, offset_of), Kind::BadSyntax);
            is_ambiguous = true;
        }
        if let Some(to) = head.to.filter(|to| is_unclosed(to)) {
            note(&mut faults, offset_of(to), Kind::BadSyntax);
            is_ambiguous = true;
        }
        let max_forwards = head.max_forwards.and_then(|text| {
            let hops = value::number(text).and_then(|hops| u8::try_from(hops).ok());
            if hops.is_none() {
                note(&mut faults, offset_of(text), Kind::BadSyntax);
            }
            hops
        });
        Ok(Self { start, method, call_id, cseq, from, max_forwards, head, body, faults, is_ambiguous })
    }
}

/// Call-ID of a message: the first Call-ID (or `i`) header, as [`Message::parse`] finds it; `None` when it is empty.
/// Reads no further than that header.
#[must_use]
pub fn find_call_id(message: &[u8]) -> Option<&[u8]> {
    let mut lines = Lines::new(message);
    lines.next()?;
    while let Some(Line { bytes, .. }) = lines.next() {
        if matches!(bytes.first(), Some(b'C' | b'c' | b'I' | b'i'))
            && let Some((name, value)) = split_header(bytes)
            && is_call_id(name)
        {
            return Some(value.trim_ascii()).filter(|value| !value.is_empty());
        }
    }
    None
}

/// Notes how the head ended, and holds Content-Length against the octets that are there.
fn body<'a>(lines: &Lines<'a>, head: &Head<'a>, faults: &mut Faults) -> &'a [u8] {
    match lines.end {
        End::Blank => {}
        End::TooMany => {
            note(faults, lines.offset(), Kind::TooMany);
            return b"";
        }
        End::Cut | End::Open => {
            note(faults, lines.offset(), Kind::Truncated);
            return b"";
        }
    }
    let rest = lines.rest();
    let Some(text) = head.content_length else { return rest };
    let Some(length) = value::number(text) else {
        note(faults, lines.offset(), Kind::BadSyntax);
        return rest;
    };
    // On UDP more octets than Content-Length may follow, and are ignored (RFC 3261 §18.3).
    usize::try_from(length).ok().and_then(|length| rest.get(..length)).unwrap_or_else(|| {
        note(faults, lines.offset(), Kind::BadLength);
        rest
    })
}

/// CSeq, and whether it names a method. A request does without: its method is in the request line.
fn read_cseq<'a>(
    value: &'a [u8],
    offset: usize,
    faults: &mut Faults,
) -> Result<(CSeq<'a>, bool), DecodeError> {
    let end = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    let (digits, token) = value.split_at_checked(end).unwrap_or_default();
    let number = value::number(digits).ok_or_else(|| error(offset, Kind::BadSyntax))?;
    let text = token.trim_ascii_start();
    let method = if Method::of(text) == Method::Other { start::token(text) } else { text };
    let is_whole = text.len() < token.len() && !method.is_empty() && method.len() == text.len();
    // RFC 3261 §8.1.1.5: less than 2^31.
    if number > i32::MAX as u64 || !is_whole {
        note(faults, offset, Kind::BadSyntax);
    }
    Ok((CSeq { number: u32::try_from(number).unwrap_or(u32::MAX), token: method }, is_whole))
}

/// A display name whose quote is never closed: whatever stands in it may be taken for a header or an address.
fn is_unclosed(value: &[u8]) -> bool {
    value.starts_with(b"\"") && value::quoted_length(value) == value.len() && Address::parse(value).is_none()
}

fn error(offset: usize, kind: Kind) -> DecodeError {
    DecodeError { layer: Layer::Sip, offset: u32::try_from(offset).unwrap_or(u32::MAX), kind }
}

fn note(faults: &mut Faults, offset: usize, kind: Kind) {
    // The first ones tell the story; a message with more is no worse.
    let _ = faults.try_push(error(offset, kind));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    const HEAD: &str = "v: SIP/2.0/UDP h;branch=z9hG4bK1\r\nf: <sip:1@h>;tag=a\r\nt: <sip:2@h>\r\n\
        CSeq: 7 INVITE\r\n";

    fn invite(more: &str) -> Vec<u8> {
        format!("INVITE sip:2@h SIP/2.0\r\n{HEAD}{more}").into_bytes()
    }

    #[test]
    fn reads_what_receivers_read() {
        let bytes = b"\r\nINVITE sip:2@h SIP/2.0\r\nCALL-id\t : \r\n a@b \r\nvIa: 1\r\nVia: 2\r\n\
            from: \"\xc5\xbb \\\" <\"\r\n\t<sip:1@h>\r\n ; Tag = x\r\nTO:<sip:2@h>\r\ncseq: 0009\r\n INVITE\r\n\
            P-Asserted-Identity: <sip:3@h>, <tel:+4>\r\nl: 2\r\n\r\nbody";
        let message = Message::parse(bytes).unwrap();
        assert_eq!(message.faults.as_slice(), []);
        assert_eq!(message.call_id, b"a@b");
        assert_eq!((message.method, message.cseq.number), (Method::Invite, 9));
        assert_eq!((message.from.uri.user, message.from.tag()), (&b"1"[..], Some(&b"x"[..])));
        assert_eq!(message.head.via, Some(&b"1"[..]));
        assert_eq!(message.head.asserted.as_slice(), [b"<sip:3@h>, <tel:+4>"]);
        assert_eq!(message.body, b"bo");
    }

    #[test]
    fn notes_faults_and_reads_on() {
        for (more, kinds) in [
            ("i: 1\r\n\r\n", &[][..]),
            ("i: 1\r\n", &[Kind::Truncated]),
            ("i: 1\r\nf: <sip:9", &[Kind::Truncated]),
            ("i: 1\n\n", &[Kind::BadSyntax]),
            ("i: 1\r\nl: 1\r\n\r\n", &[Kind::BadLength]),
            ("i: 1\r\nl: 99999999999999999999999\r\n\r\n", &[Kind::BadLength]),
            ("i: 1\r\nl: -1\r\n\r\n", &[Kind::BadSyntax]),
            ("i: 1\r\nl: 0\r\nl: 0\r\n\r\n", &[]),
            ("i: 1\r\nl: 0\r\nContent-Length: 1\r\n\r\n", &[Kind::Conflict]),
            ("i: 1\r\nCall-ID: 2\r\nFrom: 2\r\nTo: 2\r\n\r\n", &[Kind::Conflict; 3]),
            ("i: 1\r\nno colon\r\n: no name\r\n\r\n", &[Kind::BadSyntax; 2]),
        ] {
            let bytes = invite(more);
            let message = Message::parse(&bytes).unwrap();
            let found: Vec<Kind> = message.faults.iter().map(|fault| fault.kind).collect();
            assert_eq!((message.call_id, found.as_slice()), (&b"1"[..], kinds), "{more:?}");
            assert_eq!(message.from.uri.user, b"1", "{more:?}");
        }
    }

    #[test]
    fn stops_at_its_limits() {
        let many = "x:\n".repeat(22_000);
        let bytes = invite(&format!("i: 1\r\n{many}f: late\r\n\r\n"));
        let message = Message::parse(&bytes).unwrap();
        assert!(message.faults.iter().any(|fault| fault.kind == Kind::TooMany) && message.is_ambiguous);
        let bytes = invite(&format!("x: {}\r\ni: 1\r\n\r\n", "y".repeat(9_000)));
        assert_eq!(Message::parse(&bytes).unwrap().faults.first().unwrap().kind, Kind::TooMany);
        let late = format!("INVITE sip:2@h SIP/2.0\r\n{many}i: 1\r\n\r\n");
        assert_eq!(find_call_id(late.as_bytes()), None);
    }

    #[test]
    fn refuses_what_is_no_use() {
        for (bytes, kind) in [
            (invite("i:\r\n\r\n"), Kind::Missing),
            (invite("i:\r\ni: 1\r\n\r\n"), Kind::Missing),
            (invite("\r\ni: 1\r\n\r\n"), Kind::Missing),
            (b"INVITE sip:2@h SIP/2.0\r\ni: 1\r\n\r\n".to_vec(), Kind::Missing),
            (b"INVITE sip:2@h SIP/2.0\r\ni: 1\r\nCSeq: INVITE\r\n\r\n".to_vec(), Kind::BadSyntax),
            (b"INVITE sip:2@h SIP/2.0\r\ni: 1\r\nCSeq: \r\n\r\n".to_vec(), Kind::BadSyntax),
            (b"\r\n\r\n".to_vec(), Kind::NotRecognised),
            (b"".to_vec(), Kind::NotRecognised),
        ] {
            assert_eq!(Message::parse(&bytes).unwrap_err().kind, kind, "{bytes:?}");
        }
    }

    #[test]
    fn names_methods_both_ways() {
        for name in Method::NAMES {
            assert_eq!(Method::of(name.as_bytes()).to_string(), name);
        }
    }

    /// The dispatcher shards by what `find_call_id` says: it must be what the shard reads.
    fn same_call_id(bytes: &[u8]) -> Result<(), TestCaseError> {
        match Message::parse(bytes) {
            Ok(message) => prop_assert_eq!(find_call_id(bytes), Some(message.call_id)),
            Err(error) => prop_assert!(error.offset as usize <= bytes.len()),
        }
        Ok(())
    }

    const PIECES: [&[u8]; 28] = [
        b"\r\n",
        b"\r\n",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b",",
        b";",
        b"\"",
        b"<",
        b">",
        b"\0",
        b"Call-ID",
        b"call-id: a@b\r\n",
        b"i",
        b"i: 1\r\n",
        b"I :\r\n 2\r\n",
        b"Call-ID: \r\n",
        b"Call-I",
        b"CSeq: 1 INVITE\r\n",
        b"CSeq: 2 BYE\r\n",
        b"From: <sip:1@h>;tag=1\r\n",
        b"t: x\r\n",
        b"l: 3\r\n",
        b"SIP/2.0 200 OK\r\n",
        b"INVITE sip:1@h SIP/2.0\r\n",
    ];

    proptest! {
        #[test]
        fn call_id_is_the_same_in_any_bytes(bytes in vec(any::<u8>(), 0..300)) {
            same_call_id(&bytes)?;
        }

        #[test]
        fn call_id_is_the_same_in_shuffled_pieces(pieces in vec(select(&PIECES[..]), 0..24)) {
            let mut bytes = b"INVITE sip:1@h SIP/2.0\r\nCSeq: 1 INVITE".to_vec();
            bytes.extend(pieces.concat());
            same_call_id(&bytes)?;
            same_call_id(&pieces.concat())?;
        }

        #[test]
        fn call_id_is_the_same_in_mutated_messages(
            changes in vec((0..200_usize, select(&PIECES[..]), 0..3_usize), 0..6),
            cut in 0..400_usize,
        ) {
            let mut bytes = invite("Call-ID: abc@h\r\ni: def\r\nl: 4\r\n\r\nbody");
            for (at, piece, removed) in changes {
                let at = at.min(bytes.len());
                let end = at.saturating_add(removed).min(bytes.len());
                bytes.splice(at..end, piece.iter().copied());
            }
            bytes.truncate(cut);
            same_call_id(&bytes)?;
        }
    }
}
