//! A stream of octets → SIP messages, cut by Content-Length. RFC 3261 §18.3, §20.14; RFC 5626 §3.5.1 (keep-alives).
//!
//! Where the stream makes no sense it is searched, line by line, for the next start line. However the stream is cut
//! into segments, the messages and the faults are the same. A message inside one segment is handed on without a copy.
//!
//! Lines are those of the decoder ([`wire::sip`](crate::wire::sip)): LF ends one, folded lines belong together, only an
//! empty line ends the head. Of Content-Length values that differ the smallest counts, and what follows it is searched for
//! a start line: a message that only some receivers see is seen, and the stream goes on whatever the receiver believed.

use memchr::memchr;

use super::head::{content_length, message_length};
use super::start_line::{START_LINE_MAX, is_start_line, may_be_start_line};
use crate::base::fault::{Kind, Layer};

/// Longest message, in octets with its body. RFC 3261 §18.1.1 asks for 65,535.
pub(super) const MESSAGE_MAX: usize = 65_536;

/// What the stream turned out to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// One whole message.
    Message(&'a [u8]),
    /// Something to count.
    Fault(Layer, Kind),
}

/// Cuts one direction of one connection.
#[derive(Debug, Default)]
pub(super) struct Framer {
    held: Vec<u8>,
    reader: Reader,
}

impl Framer {
    /// Begins in the middle of a stream: silently searches for a start line.
    pub fn lost() -> Self {
        Self { held: Vec::new(), reader: Reader { sync: Sync::Lost, ..Reader::default() } }
    }

    /// Octets of memory that an incomplete message takes; 0 when there is none.
    pub fn cost(&self) -> usize {
        self.held.capacity()
    }

    /// Drops the incomplete message, because what comes next does not continue it. True when there was one.
    pub fn break_off(&mut self) -> bool {
        let broken = !self.held.is_empty();
        *self = Self::lost();
        broken
    }

    /// Takes the next octets of the stream.
    pub fn feed(&mut self, mut data: &[u8], out: &mut impl FnMut(Found<'_>)) {
        while !data.is_empty() {
            if let Some(length) = self.plain(data) {
                let (message, rest) = data.split_at(length);
                out(Found::Message(message));
                data = rest;
                continue;
            }
            let before = self.held.len();
            if before > 0 {
                self.held.extend_from_slice(data);
            }
            let bytes = if before > 0 { &self.held[..] } else { data };
            let length = match self.reader.read(bytes, out) {
                Step::More => {
                    if before == 0 {
                        self.held.extend_from_slice(data);
                    }
                    return;
                }
                Step::Message(length) => {
                    out(Found::Message(&bytes[..length]));
                    length
                }
                Step::Skip(length) => length,
            };
            // Had what was held been enough, the step would have been taken then; so the rest is a tail of `data`.
            data = &data[length.saturating_sub(before).max(1)..];
            self.held = Vec::new();
            self.reader = Reader { sync: self.reader.sync, ..Reader::default() };
        }
    }

    /// Length of the message that is whole at the beginning of `data`, if there is one beyond doubt: what reading line by line
    /// would find.
    #[inline]
    fn plain(&mut self, data: &[u8]) -> Option<usize> {
        if !self.held.is_empty() || self.reader.sync == Sync::LostInLine {
            return None;
        }
        let data = &data[..data.len().min(MESSAGE_MAX)];
        let length = message_length(data).filter(|length| *length <= data.len())?;
        self.reader.sync = Sync::Found;
        Some(length)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Sync {
    /// At the start of a message or in one.
    #[default]
    Found,
    /// At the start of a line that may be a start line.
    Lost,
    /// In the middle of a line that is none.
    LostInLine,
}

enum Step {
    More,
    Message(usize),
    Skip(usize),
}

/// Length of the body as the head states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Stated {
    /// Not a number.
    Bad,
    /// Several that differ; the smallest.
    Conflict(usize),
    #[default]
    No,
    Once(usize),
}

/// The header line before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum Last {
    /// A Content-Length with its value.
    Length,
    /// A Content-Length whose value may follow.
    LengthWithout,
    #[default]
    Other,
    /// None: the start line.
    Start,
}

/// How far a message has been read.
#[derive(Debug, Default)]
struct Reader {
    sync: Sync,
    /// Offset of the first line not yet read.
    line: usize,
    /// Offset up to which its end was looked for.
    searched: usize,
    /// What the Content-Length lines say so far.
    stated: Stated,
    /// What a folded line would continue.
    last: Last,
    /// Length of the message, once its header is read.
    length: Option<usize>,
}

impl Reader {
    /// Reads on in `bytes`, which begin where the last message or skip ended. The same bytes come again, with more
    /// behind them, after [`Step::More`].
    fn read(&mut self, bytes: &[u8], out: &mut impl FnMut(Found<'_>)) -> Step {
        if self.sync == Sync::LostInLine {
            let Some(end) = memchr(b'\n', bytes) else { return Step::Skip(bytes.len()) };
            self.sync = Sync::Lost;
            return Step::Skip(end + 1);
        }
        let empty = bytes.iter().position(|octet| !matches!(octet, b'\r' | b'\n' | 0)).unwrap_or(bytes.len());
        if empty > 0 {
            return Step::Skip(empty);
        }
        while self.length.is_none() {
            let limit = if self.line == 0 { START_LINE_MAX } else { MESSAGE_MAX };
            let window = &bytes[..bytes.len().min(limit)];
            let Some(end) = memchr(b'\n', &window[self.searched..]) else {
                self.searched = window.len();
                // What cannot become a start line is not held until its end.
                let is_none = self.line == 0 && !may_be_start_line(window);
                return if is_none || window.len() == limit {
                    self.lose(window.len(), Sync::LostInLine, out)
                } else {
                    Step::More
                };
            };
            let end = self.searched + end + 1;
            if let Some(step) = self.read_line(&bytes[self.line..end - 1], end, out) {
                return step;
            }
            (self.line, self.searched) = (end, end);
        }
        match self.length {
            Some(length) if length <= bytes.len() => Step::Message(length),
            _ => Step::More,
        }
    }

    /// One line of the header, without its LF; the next begins at `end`.
    fn read_line(&mut self, line: &[u8], end: usize, out: &mut impl FnMut(Found<'_>)) -> Option<Step> {
        if self.line == 0 {
            if !is_start_line(line) {
                return Some(self.lose(end, Sync::Lost, out));
            }
            self.sync = Sync::Found;
            self.last = Last::Start;
            return None;
        }
        match line {
            [] | [b'\r'] => return self.end_head(end, out),
            // Nothing is folded into a start line.
            [b' ' | b'\t', ..] if self.last != Last::Start => match (self.last, line.trim_ascii()) {
                (_, []) | (Last::Other | Last::Start, _) => {}
                (Last::Length, _) => self.stated = Stated::Bad,
                (Last::LengthWithout, value) => self.state(value),
            },
            _ => {
                self.close_line();
                // White space that is no fold stands before the first header only. A CR is none: to the decoder it is a part of the name.
                let start =
                    line.iter().position(|octet| !matches!(octet, b' ' | b'\t')).unwrap_or(line.len());
                match content_length(&line[start..]) {
                    None => {}
                    Some([]) => self.last = Last::LengthWithout,
                    Some(value) => self.state(value),
                }
            }
        }
        None
    }

    /// The line before is not continued.
    fn close_line(&mut self) {
        if self.last == Last::LengthWithout {
            self.stated = Stated::Bad;
        }
        self.last = Last::Other;
    }

    /// The value of a Content-Length.
    fn state(&mut self, value: &[u8]) {
        self.last = Last::Length;
        let is_number = value.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(value).ok().filter(|_| is_number);
        let number = number.and_then(|text| text.parse().ok());
        self.stated = match (self.stated, number) {
            (Stated::Bad, _) | (_, None) => Stated::Bad,
            (Stated::No, Some(number)) => Stated::Once(number),
            (Stated::Once(before), Some(number)) if before == number => Stated::Once(number),
            (Stated::Once(before) | Stated::Conflict(before), Some(number)) => {
                Stated::Conflict(before.min(number))
            }
        };
    }

    /// The empty line.
    fn end_head(&mut self, end: usize, out: &mut impl FnMut(Found<'_>)) -> Option<Step> {
        self.close_line();
        let fault = match self.stated {
            Stated::Bad => Some(Kind::BadSyntax),
            Stated::Conflict(_) => Some(Kind::Conflict),
            Stated::No => Some(Kind::Missing),
            Stated::Once(_) => None,
        };
        if let Some(kind) = fault {
            out(Found::Fault(Layer::Tcp, kind));
        }
        // What follows may be the rest of the body.
        if matches!(self.stated, Stated::Bad | Stated::Conflict(_)) {
            self.sync = Sync::Lost;
        }
        let body = match self.stated {
            Stated::Bad | Stated::No => 0,
            Stated::Conflict(body) | Stated::Once(body) => body,
        };
        let length = end.saturating_add(body);
        if length > MESSAGE_MAX {
            self.sync = Sync::Lost;
            out(Found::Fault(Layer::Tcp, Kind::BadLength));
            return Some(Step::Skip(end));
        }
        self.length = Some(length);
        None
    }

    /// What is here is not SIP. Counted once until the next start line.
    fn lose(&mut self, length: usize, sync: Sync, out: &mut impl FnMut(Found<'_>)) -> Step {
        if self.line > 0 {
            out(Found::Fault(Layer::Tcp, Kind::BadLength));
        } else if self.sync == Sync::Found {
            out(Found::Fault(Layer::Sip, Kind::NotRecognised));
        }
        self.sync = sync;
        Step::Skip(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What comes out, as text.
    fn run<'a>(segments: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let (mut framer, mut found) = (Framer::default(), Vec::new());
        for segment in segments {
            framer.feed(segment, &mut |item| {
                found.push(match item {
                    Found::Message(bytes) => bytes.escape_ascii().to_string(),
                    Found::Fault(layer, kind) => format!("{layer:?} {kind:?}"),
                });
            });
            assert!(framer.held.len() <= MESSAGE_MAX);
        }
        found
    }

    #[test]
    fn cuts_several_messages_of_a_segment() {
        let stream =
            b"\r\n\r\nBYE sip:a SIP/2.0\r\nl:2\r\n\r\nhiSIP/2.0 200 OK\r\nCONTENT-length : 0\r\n\r\n\r\n\r\n";
        assert_eq!(
            run([&stream[..]]),
            [r"BYE sip:a SIP/2.0\r\nl:2\r\n\r\nhi", r"SIP/2.0 200 OK\r\nCONTENT-length : 0\r\n\r\n"]
        );
    }

    #[test]
    fn a_start_line_may_be_as_long_as_a_message_and_has_no_folds() {
        let long = format!("BYE sip:a;x={} SIP/2.0\r\nl: 0\r\n\r\n", "y".repeat(9_000));
        for stream in
            [&long[..], "BYE sip:a SIP/2.0\r\n l: 2\r\n\r\nhi", "BYE sip:\ra SIP/2.0\r\nl: 0\r\n\r\n"]
        {
            let whole = [stream.as_bytes().escape_ascii().to_string()];
            assert_eq!(run([stream.as_bytes()]), whole);
            assert_eq!(run(stream.as_bytes().chunks(7)), whole);
        }
    }

    /// The decoder takes such a line for another header; so must whoever counts its octets, however they come.
    #[test]
    fn a_length_behind_a_stray_cr_is_none() {
        for (head, found) in [
            ("l: 2\r\n\rl: 0\r\n\r\n", vec!["hi"]),
            ("\rl: 2\r\nl: 0\r\n\r\n", vec![""]),
            (" \rl: 2\r\nl: 0\r\n\r\n", vec![""]),
        ] {
            let stream = format!("BYE sip:a SIP/2.0\r\n{head}hi");
            let message =
                |body: &str| format!("BYE sip:a SIP/2.0\r\n{head}{body}").escape_default().to_string();
            let expected: Vec<String> = found.into_iter().map(message).collect();
            for size in 1..stream.len() {
                assert_eq!(run(stream.as_bytes().chunks(size)), expected, "{head:?} {size}");
            }
        }
    }

    #[test]
    fn what_cannot_be_a_start_line_is_not_held() {
        let mut framer = Framer::default();
        let mut faults = 0;
        framer.feed(&[0x16; 40], &mut |_| faults += 1);
        framer.feed(&[0x16; 40], &mut |_| faults += 1);
        assert_eq!((framer.cost(), faults), (0, 1));
    }

    #[test]
    fn finds_its_way_back() {
        let stream = b"garbage\r\nmore\r\nBYE sip:a SIP/2.0\r\nl: 0\r\n\r\n";
        assert_eq!(run([&stream[..]]), ["Sip NotRecognised", r"BYE sip:a SIP/2.0\r\nl: 0\r\n\r\n"]);
        let stream = b"ACK sip:a SIP/2.0\r\nl: 99999999\r\n\r\njunk\r\nBYE sip:a SIP/2.0\r\nl: 0\r\n\r\n";
        assert_eq!(run([&stream[..]]), ["Tcp BadLength", r"BYE sip:a SIP/2.0\r\nl: 0\r\n\r\n"]);
    }

    #[test]
    fn endless_lines_and_headers_are_bounded() {
        let mut stream = vec![b'A'; 100_000];
        stream.extend_from_slice(b"\r\nBYE sip:a SIP/2.0\r\n");
        let line = b"X: y\r\n".repeat(20_000);
        stream.extend_from_slice(&line);
        stream.extend_from_slice(b"BYE sip:b SIP/2.0\r\nl: 0\r\n\r\n");
        let expected = ["Sip NotRecognised", "Tcp BadLength", r"BYE sip:b SIP/2.0\r\nl: 0\r\n\r\n"];
        assert_eq!(run([&stream[..]]), expected);
        assert_eq!(run(stream.chunks(1)), expected);
    }

    #[test]
    fn a_length_that_is_none_counts_as_zero() {
        let stream = b"BYE sip:a SIP/2.0\r\nContent-Length: -5\r\n\r\n";
        assert_eq!(run([&stream[..]])[0], "Tcp BadSyntax");
        assert_eq!(run([&b"BYE sip:a SIP/2.0\r\n\r\n"[..]])[0], "Tcp Missing");
    }

    #[test]
    fn lengths_that_differ_are_a_conflict_and_hide_nothing() {
        let stream =
            b"BYE sip:a SIP/2.0\r\nl: 3\r\nContent-Length: 30\r\n\r\nabcBYE sip:b SIP/2.0\r\nl: 0\r\n\r\n";
        let expected = [
            "Tcp Conflict",
            r"BYE sip:a SIP/2.0\r\nl: 3\r\nContent-Length: 30\r\n\r\nabc",
            r"BYE sip:b SIP/2.0\r\nl: 0\r\n\r\n",
        ];
        assert_eq!(run([&stream[..]]), expected);
        let same = b"BYE sip:a SIP/2.0\r\nl: 3\r\nl:03\r\n\r\nabc";
        assert_eq!(run([&same[..]]), [r"BYE sip:a SIP/2.0\r\nl: 3\r\nl:03\r\n\r\nabc"]);
    }

    #[test]
    fn lines_are_those_of_the_decoder() {
        for head in [
            &b"Content-Length:\r\n 4\r\n\r\n"[..],
            b"l \t: 4\r\n  \r\n\r\n",
            b"Subject: x\r\n l: 9\r\n \r\nl: 4\r\n\r\n",
            b"Subject: a\rb\r\nl: 4\n\n",
            b" \r\nl: 4\r\n\r\n",
        ] {
            let message = [b"BYE sip:a SIP/2.0\r\n", head, b"body"].concat();
            let stream = [&message[..], b"BYE sip:b SIP/2.0\r\nl: 0\r\n\r\n"].concat();
            let found = run([&stream[..]]);
            assert_eq!((&found[0], found.len()), (&message.escape_ascii().to_string(), 2), "{found:?}");
        }
        for head in
            [&b"l: 1\r\n 2\r\n\r\n"[..], b"l: 4\rX: y\r\n\r\n", b"l:\r\nl: 4\r\n\r\n", b"l: 0x4\r\n\r\n"]
        {
            let stream =
                [b"BYE sip:a SIP/2.0\r\n", head, b"body\r\nBYE sip:b SIP/2.0\r\nl: 0\r\n\r\n"].concat();
            let found = run([&stream[..]]);
            assert_eq!((&found[0][..], found.len()), ("Tcp BadSyntax", 3), "{found:?}");
        }
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same(
            parts in prop::collection::vec(prop::sample::select(vec![
                &b"INVITE sip:a SIP/2.0\r\n"[..], b"Content-Length: 7\r\n", b"l: 3\r\n", b"l: 70000\r\n", b"\r\n",
                b"\r\n\r\n", b"\n", b" ", b" 5\r\n", b"l:\r\n", b"body", b"SIP/2.0 180 Ringing\r\n", b"\0\xff", b"Via: SIP/2.0/TCP x\r\n", b"\r",
            ]), 0..40),
            cuts in prop::collection::vec(1..30_usize, 1..20),
        ) {
            let stream = parts.concat();
            let (mut rest, mut segments) = (&stream[..], Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (head, tail) = rest.split_at(rest.len().min(*cut));
                segments.push(head);
                rest = tail;
            }
            prop_assert_eq!(run(segments), run([&stream[..]]));
            prop_assert_eq!(run(stream.chunks(1)), run([&stream[..]]));
        }
    }
}
