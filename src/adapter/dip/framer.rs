//! The octets of a connection → messages, cut by Content-Length. RFC 3261 §18.3; RFC 5626 §3.5.1 (keep-alives).
//!
//! A peer that asks is expected to speak SIP from the first octet on: what is none ends the connection, it is not searched.
//! Must not: hold more than one message of the longest kind, and what one read brings.

use std::ops::Range;

use memchr::memchr;

use crate::base::fault::Kind;
use crate::wire::sip::Message;
use crate::wire::sip::start::is_token_octet;

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// No SIP, a length that cannot be read, or a message that is too long.
    Bad,
    /// A message, in these octets of [`Framer::bytes`].
    Message(Range<usize>),
    /// More octets are needed.
    More,
    /// A keep-alive that wants an answer.
    Ping,
}

/// Cuts what one peer sends.
#[derive(Debug)]
pub(super) struct Framer {
    held: Vec<u8>,
    /// Where what is not yet handed on begins.
    start: usize,
    /// Octets of it in which no head ends.
    searched: usize,
    /// Its length with its body, once its head is read.
    length: Option<usize>,
    max: usize,
}

impl Framer {
    /// For messages of up to `max` octets.
    pub const fn new(max: usize) -> Self {
        Self { held: Vec::new(), start: 0, searched: 0, length: None, max }
    }

    /// Adds octets that came; all that came before was asked for with [`Self::next`].
    pub fn push(&mut self, octets: &[u8]) {
        self.held.drain(..self.start.min(self.held.len()));
        self.start = 0;
        self.held.extend_from_slice(octets);
    }

    /// Whether a message has begun and is not whole.
    pub fn is_inside(&self) -> bool {
        self.rest().iter().any(|octet| !matches!(octet, b'\r' | b'\n'))
    }

    /// The octets of a message, until the next are added.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.held.get(range).unwrap_or_default()
    }

    /// What comes next.
    pub fn next(&mut self) -> Next {
        while self.length.is_none() {
            match self.rest() {
                [b'\r', b'\n', b'\r', b'\n', ..] => {
                    self.start += 4;
                    return Next::Ping;
                }
                [] | [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r'] => return Next::More,
                [b'\n', ..] => self.start += 1,
                [b'\r', b'\n', ..] => self.start += 2,
                [first, ..] if !is_token_octet(*first) => return Next::Bad,
                rest => match end_of_head(rest, self.searched) {
                    Ok(head) => match length(rest.get(..head).unwrap_or_default()) {
                        Some(length) if length <= self.max => self.length = Some(length),
                        _ => return Next::Bad,
                    },
                    Err(_) if rest.len() > self.max => return Next::Bad,
                    Err(searched) => {
                        self.searched = searched;
                        return Next::More;
                    }
                },
            }
        }
        let Some(length) = self.length.filter(|length| *length <= self.rest().len()) else {
            return Next::More;
        };
        let range = self.start..self.start.saturating_add(length);
        (self.start, self.searched, self.length) = (range.end, 0, None);
        Next::Message(range)
    }

    fn rest(&self) -> &[u8] {
        self.held.get(self.start..).unwrap_or_default()
    }
}

/// Octets up to the empty line and with it, of which that many were searched; how many need not be again when there is none.
fn end_of_head(bytes: &[u8], mut searched: usize) -> Result<usize, usize> {
    while let Some(found) = memchr(b'\n', bytes.get(searched..).unwrap_or_default()) {
        let line = searched.saturating_add(found);
        match bytes.get(line..).unwrap_or_default() {
            [_, b'\n', ..] => return Ok(line.saturating_add(2)),
            [_, b'\r', b'\n', ..] => return Ok(line.saturating_add(3)),
            // What follows may make it the last line.
            [] | [_] | [_, b'\r'] => return Err(line),
            _ => searched = line.saturating_add(1),
        }
    }
    Err(bytes.len())
}

/// Length of the message with this head; `None` when it cannot be known. Without Content-Length there is no body.
fn length(head: &[u8]) -> Option<usize> {
    let message = Message::parse(head).ok()?;
    if message.faults.iter().any(|fault| matches!(fault.kind, Kind::TooMany | Kind::Truncated)) {
        return None;
    }
    let Some(text) = message.head.content_length else { return Some(head.len()) };
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    head.len().checked_add(str::from_utf8(text).ok()?.parse().ok()?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    fn message(id: usize, body: &str) -> String {
        format!(
            "INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/TCP h\r\nCall-ID: {id}\r\nCSeq: 1 INVITE\r\nl: {}\r\n\r\n{body}",
            body.len()
        )
    }

    /// Everything that is found in these pieces, messages by their text, until it is bad.
    fn found(pieces: &[&[u8]]) -> Vec<String> {
        let mut framer = Framer::new(1_000);
        let mut all = Vec::new();
        for piece in pieces {
            framer.push(piece);
            loop {
                match framer.next() {
                    Next::More => break,
                    Next::Ping => all.push("ping".to_owned()),
                    Next::Bad => {
                        all.push("bad".to_owned());
                        return all;
                    }
                    Next::Message(range) => {
                        all.push(String::from_utf8_lossy(framer.bytes(range)).into_owned());
                    }
                }
            }
            assert!(framer.held.len() <= 2_000);
        }
        all
    }

    #[test]
    fn ends_what_is_no_sip() {
        for bad in [
            "\u{16}\u{3}\u{1}".to_owned(),
            "GET / HTTP/1.1\r\n\r\n".to_owned(),
            message(1, "").replace("l: 0", "l: x"),
            message(1, "").replace("l: 0", "l: 99999999999999999999"),
            message(1, "").replace("l: 0", "l: 1000"),
            "A".repeat(1_001),
        ] {
            assert_eq!(found(&[bad.as_bytes()]), ["bad"], "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(sizes in prop::collection::vec(0..300_usize, 1..5), cuts in prop::collection::vec(1..80_usize, 1..8), lf in any::<bool>()) {
            let mut stream = String::from("\r\n\r\n");
            let mut expected = vec!["ping".to_owned()];
            for (index, size) in sizes.into_iter().enumerate() {
                let text = message(index, &"\n\r\nx".repeat(size / 4));
                let text = if lf { text.replacen("\r\n\r\n", "\n\n", 1) } else { text };
                stream.push_str(if index % 2 == 0 { "\r\n" } else { "" });
                stream.push_str(&text);
                expected.push(text);
            }
            let (mut pieces, mut rest) = (Vec::new(), stream.as_bytes());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() { break; }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            prop_assert_eq!(found(&pieces), expected);
        }

        #[test]
        fn any_octets_do_no_harm(octets: Vec<u8>) {
            found(&[&octets]);
        }
    }
}
