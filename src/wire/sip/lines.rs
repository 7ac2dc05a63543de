//! Lines of a message head. RFC 3261 §7.3.1: CRLF ends a line unless white space follows (folding); an empty line ends
//! the head.

use memchr::memchr;

/// Most lines read of one head, start line and headers; no honest message comes near.
pub const LINES_MAX: usize = 256;
/// Longest line, folds included, that is not noted as a fault, in octets.
pub const LINE_MAX: usize = 8_192;

/// How the head ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Not yet seen.
    Open,
    /// By the empty line.
    Blank,
    /// The bytes ended first. A line without its end is not returned: half a number is a wrong number.
    Cut,
    /// [`LINES_MAX`] lines were read.
    TooMany,
}

/// One line, with its folds and without its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// Octets from the start of the message.
    pub(super) offset: usize,
    /// From the first octet of the line on.
    pub(super) bytes: &'a [u8],
}

/// Walks the lines of a head. Every reader of messages uses this walk, so that all see the same lines.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines<'a> {
    message: &'a [u8],
    rest: &'a [u8],
    count: usize,
    /// How it ended, once `next` returned nothing.
    pub(super) end: End,
    /// Where the first line was that ended with LF alone.
    pub(super) bare_lf: Option<usize>,
}

impl<'a> Lines<'a> {
    /// Starts at the start line; empty lines before it are skipped (RFC 3261 §7.5).
    pub(super) fn new(message: &'a [u8]) -> Self {
        let mut rest = message;
        while let [b'\r' | b'\n', after @ ..] = rest {
            rest = after;
        }
        Self { message, rest, count: 0, end: End::Open, bare_lf: None }
    }

    /// What follows the lines read: the body, when the head ended with an empty line.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Octets from the start of the message to what follows the lines read.
    pub(super) const fn offset(&self) -> usize {
        self.message.len().saturating_sub(self.rest.len())
    }

    /// The next line; nothing at the end of the head.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Line<'a>> {
        if let [b'\n', body @ ..] | [b'\r', b'\n', body @ ..] = self.rest {
            self.rest = body;
            return self.stop(End::Blank);
        }
        if self.count == LINES_MAX {
            return self.stop(End::TooMany);
        }
        let Some((line, after)) = split_line(self.rest) else {
            return self.stop(End::Cut);
        };
        let offset = self.offset();
        self.count = self.count.saturating_add(1);
        self.rest = after;
        if let [bytes @ .., b'\r'] = line {
            return Some(Line { offset, bytes });
        }
        self.bare_lf = self.bare_lf.or(Some(offset));
        Some(Line { offset, bytes: line })
    }

    fn stop(&mut self, end: End) -> Option<Line<'a>> {
        self.end = end;
        None
    }
}

/// The first line without its LF, and what follows the LF.
#[inline]
fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut end = memchr(b'\n', bytes)?;
    loop {
        let (line, after) = (bytes.get(..end)?, bytes.get(end.checked_add(1)?..)?);
        if !matches!(after.first(), Some(b' ' | b'\t')) {
            return Some((line, after));
        }
        end = end.checked_add(memchr(b'\n', after)?)?.checked_add(1)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(message: &[u8]) -> (Vec<&[u8]>, End) {
        let mut lines = Lines::new(message);
        let all = std::iter::from_fn(|| lines.next()).map(|line| line.bytes).collect();
        (all, lines.end)
    }

    #[test]
    fn joins_folds_and_drops_half_lines() {
        for (message, expected, end) in [
            (&b"\r\n\r\na\r\nb:\r\n c\r\n\r\nbody\n"[..], &[&b"a"[..], b"b:\r\n c"][..], End::Blank),
            (b"a\nb\n\nbody", &[b"a", b"b"], End::Blank),
            (b"a\r\nb: half", &[b"a"], End::Cut),
            (b"a\r\nb: x\r\n half", &[b"a"], End::Cut),
            (b"", &[], End::Cut),
        ] {
            assert_eq!(lines(message), (expected.to_vec(), end), "{message:?}");
        }
        assert_eq!(lines(&b"x\n".repeat(300)).0.len(), LINES_MAX);
    }
}
