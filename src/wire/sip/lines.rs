//! Lines of a message head. RFC 3261 §7.3.1: CRLF ends a line unless white space follows (folding); an empty line ends
//! the head.

use crate::wire::sip::head::split_header;
use crate::wire::sip::near::near_control;

/// Most lines read of one head, start line and headers: as many as the longest message has room for, with a letter, a colon and a
/// line end each. Fewer would let a call hide its headers behind others, which switches read to the end.
pub const LINES_MAX: usize = 65_536 / 3;
/// Longest line, folds included, that is not noted as a fault, in octets.
pub const LINE_MAX: usize = 8_192;

/// Name and value of each header of a head, as all readers of messages see them.
pub fn header_lines(message: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut lines = Lines::new(message);
    lines.next();
    std::iter::from_fn(move || {
        loop {
            if let Some((name, value)) = split_header(lines.next()?.bytes) {
                return Some((name, value.trim_ascii()));
            }
        }
    })
}

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
    /// Where white space stands before the first header, which some take for a part of the start line.
    pub(super) indented: Option<usize>,
    /// Whether a line ended with CRLF, one within a fold included.
    has_crlf: bool,
    /// What stands astray in the lines returned.
    stray: Stray,
}

/// What in a head some receivers take for the end of a line or of the text, and we do not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stray {
    /// Where the first CR is that ends nothing, or the first NUL.
    pub(super) offset: Option<usize>,
    /// A NUL behind a backslash is legal in a quoted string (RFC 3261 §25.1 `quoted-pair`).
    pub(super) has_escaped_nul: bool,
}

impl<'a> Lines<'a> {
    /// Starts at the start line; empty lines before it are skipped (RFC 3261 §7.5).
    pub(super) fn new(message: &'a [u8]) -> Self {
        let mut rest = message;
        while let [b'\r' | b'\n', after @ ..] = rest {
            rest = after;
        }
        Self {
            message,
            rest,
            count: 0,
            end: End::Open,
            bare_lf: None,
            indented: None,
            has_crlf: false,
            stray: Stray::default(),
        }
    }

    /// What follows the lines read: the body, when the head ended with an empty line.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Octets from the start of the message to what follows the lines read.
    pub(super) const fn offset(&self) -> usize {
        self.message.len().saturating_sub(self.rest.len())
    }

    /// Whether LF alone ends some lines and CRLF others.
    pub(super) const fn are_mixed(&self) -> bool {
        self.bare_lf.is_some() && self.has_crlf
    }

    /// What stands astray in the lines read.
    pub(super) const fn stray(&self) -> Stray {
        self.stray
    }

    /// The next line; nothing at the end of the head.
    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<Line<'a>> {
        // Nearly all lines: some text, CRLF, and no fold.
        if let Some((bytes @ [_, ..], [b'\r', b'\n', after @ ..])) =
            near_control(self.rest).and_then(|end| self.rest.split_at_checked(end))
            && !matches!(after, [b' ' | b'\t', ..])
            && self.count < LINES_MAX
        {
            let offset = self.offset();
            self.count = self.count.wrapping_add(1);
            self.has_crlf = true;
            self.rest = after;
            return Some(Line { offset, bytes });
        }
        self.next_otherwise()
    }

    /// The same for whatever the line is.
    fn next_otherwise(&mut self) -> Option<Line<'a>> {
        if let [b'\r', b'\n', body @ ..] = self.rest {
            self.has_crlf = true;
            self.rest = body;
            return self.stop(End::Blank);
        }
        if let [b'\n', body @ ..] = self.rest {
            self.bare_lf = self.bare_lf.or_else(|| self.has_crlf.then(|| self.offset()));
            self.rest = body;
            return self.stop(End::Blank);
        }
        if self.count == LINES_MAX {
            return self.stop(End::TooMany);
        }
        let Some((line, after)) = self.split_line() else {
            return self.stop(End::Cut);
        };
        let offset = self.offset();
        self.count = self.count.saturating_add(1);
        self.rest = after;
        Some(Line { offset, bytes: line })
    }

    fn stop(&mut self, end: End) -> Option<Line<'a>> {
        self.end = end;
        None
    }

    /// The first line with its folds and without its end, and what follows that. One search finds line ends and what may be
    /// taken for one.
    fn split_line(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let mut at = 0_usize;
        let mut stray = self.stray;
        loop {
            at = at.checked_add(near_control(self.rest.get(at..)?)?)?;
            let (line, found) = self.rest.split_at_checked(at)?;
            let after = match found {
                [b'\r', b'\n', after @ ..] => {
                    self.has_crlf = true;
                    after
                }
                [b'\n', after @ ..] => {
                    self.bare_lf = self.bare_lf.or_else(|| Some(self.offset()));
                    after
                }
                [octet, ..] => {
                    stray.see(*octet, line, || self.offset().checked_add(at));
                    at = at.checked_add(1)?;
                    continue;
                }
                [] => return None,
            };
            if !matches!(after.first(), Some(b' ' | b'\t')) {
                self.stray = stray;
                return Some((line, after));
            }
            if self.count == 0 {
                self.stray = stray;
                return Some((line, self.without_indent(after)));
            }
            at = self.rest.len().checked_sub(after.len())?;
        }
    }
}

impl<'a> Lines<'a> {
    /// Nothing is folded into a start line (RFC 3261 §25.1): what follows it is a header, without the white space before it.
    #[cold]
    fn without_indent(&mut self, after: &'a [u8]) -> &'a [u8] {
        self.indented = self.message.len().checked_sub(after.len());
        let blanks = after.iter().position(|octet| !matches!(octet, b' ' | b'\t')).unwrap_or_default();
        match after.get(blanks..) {
            // A line of white space is no empty line.
            Some([b'\r' | b'\n', ..]) | None => after,
            Some(header) => header,
        }
    }
}

impl Stray {
    /// Notes an octet that ends no line, with what is before it in its line.
    fn see(&mut self, octet: u8, before: &[u8], offset: impl Fn() -> Option<usize>) {
        match octet {
            0 if before.ends_with(b"\\") => self.has_escaped_nul = true,
            0 | b'\r' => self.offset = self.offset.or_else(offset),
            _ => {}
        }
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
    fn notes_where_others_may_see_other_lines() {
        for (message, is_ambiguous) in [
            (&b"a\r\nb\r\n\r\n"[..], false),
            (b"a\nb\n\n", false),
            (b"a\r\nb\nc\r\n\r\n", true),
            (b"a\r\nb\r\n\nbody", true),
            (b"a\r\nb\rc: d\r\n\r\n", true),
            (b"a\r\nb\r\r\n\r\n", true),
            (b"a\r\nb\0\r\n\r\n", true),
            (b"a\r\nb\r\n\r\nbody\0\rbody\n", false),
        ] {
            let mut walk = Lines::new(message);
            while walk.next().is_some() {}
            let is_odd = walk.are_mixed() || walk.stray() != Stray::default();
            assert_eq!((is_odd, walk.end), (is_ambiguous, End::Blank), "{message:?}");
        }
        assert_eq!(lines(b"a\rb\0c\r\r\n\r\n").0, [b"a\rb\0c\r"]);
    }

    #[test]
    fn joins_folds_and_drops_half_lines() {
        for (message, expected, end) in [
            (&b"\r\n\r\na\r\nb:\r\n c\r\n\r\nbody\n"[..], &[&b"a"[..], b"b:\r\n c"][..], End::Blank),
            (b"a\nb\n\nbody", &[b"a", b"b"], End::Blank),
            (b"a\r\n b: c\r\n d\r\n\r\n", &[b"a", b"b: c\r\n d"], End::Blank),
            (b"a\r\n \r\nb: c\r\n\r\n", &[b"a", b" ", b"b: c"], End::Blank),
            (b"a\r\nb: half", &[b"a"], End::Cut),
            (b"a\r\nb: x\r\n half", &[b"a"], End::Cut),
            (b"", &[], End::Cut),
        ] {
            assert_eq!(lines(message), (expected.to_vec(), end), "{message:?}");
        }
        assert_eq!(lines(&b"x\n".repeat(30_000)).0.len(), LINES_MAX);
    }
}
