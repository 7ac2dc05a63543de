//! Encapsulated ISUP in a message's body. RFC 3204 §3.1 (`application/ISUP`), RFC 2046 §5.1 (multipart), RFC 2045 §6
//! (encodings); used as ITU-T Q.1912.5 and RFC 3372 say.
//!
//! In: Content-Type and the body. Out: the octets of the first ISUP message in it, with what it was read in spite of. Nothing is
//! copied or decoded: a part in base64 is not read. Must not: look into the ISUP message.

use memchr::memchr;

use crate::base::fault::Kind;
use crate::wire::sip::head::split_header;
use crate::wire::sip::lines::{End, Lines};
use crate::wire::sip::value::{parameter, parameters};

/// Multiparts within multiparts that are gone into; an honest message has one.
pub const DEPTH_MAX: usize = 4;
/// Parts looked at, of all multiparts together.
pub const PARTS_MAX: usize = 16;
/// Longest boundary (RFC 2046 §5.1.1), in octets.
const BOUNDARY_MAX: usize = 70;

/// Which ISUP an encapsulated message is of, as its `version` or `base` says (RFC 3204 §3.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// ANSI T1.113.
    Ansi,
    /// ITU-T Q.763, also in its European and national forms; what a message that does not say is taken for.
    #[default]
    Itu,
    /// None that is known here.
    Other,
}

impl Version {
    /// From the parameters of the Content-Type: `base` says what a version of one's own is derived from.
    fn of(content_type: &[u8]) -> Self {
        let named = |name| parameter(content_type, name).filter(|value: &&[u8]| !value.is_empty());
        let known = |text: &[u8]| {
            let begins =
                |word: &[u8]| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
            if [&b"ansi"[..], b"gr", b"t1.113"].iter().any(|word| begins(word)) {
                Self::Ansi
            } else if [&b"itu"[..], b"etsi", b"nxv", b"q.763", b"iso"].iter().any(|word| begins(word)) {
                Self::Itu
            } else {
                Self::Other
            }
        };
        let version = named(b"version").map(known);
        match (version, named(b"base").map(known)) {
            (None, None) => Self::Itu,
            (Some(Self::Other) | None, Some(base)) => base,
            (Some(version), _) => version,
        }
    }
}

/// An ISUP message within a SIP message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isup<'a> {
    /// Which ISUP.
    pub version: Version,
    /// From the message type on: there is no circuit identification code (RFC 3204 §3.1).
    pub bytes: &'a [u8],
}

/// What was found in a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found<'a> {
    /// The first ISUP message.
    pub isup: Option<Isup<'a>>,
    /// The first thing that was wrong with the body's parts. [`Kind::Conflict`]: there are two ISUP messages that differ, or two
    /// boundaries.
    pub fault: Option<Kind>,
    parts: usize,
}

/// Looks for an ISUP message in a body of this Content-Type.
#[must_use]
pub fn find<'a>(content_type: &[u8], body: &'a [u8]) -> Found<'a> {
    let mut found = Found::default();
    found.look_into(content_type, body, 0);
    found
}

impl<'a> Found<'a> {
    fn look_into(&mut self, content_type: &[u8], body: &'a [u8], depth: usize) {
        let media = parameters(content_type).next().unwrap_or_default();
        if media.eq_ignore_ascii_case(b"application/isup") {
            let isup = Isup { version: Version::of(content_type), bytes: body };
            if *self.isup.get_or_insert(isup) != isup {
                self.note(Kind::Conflict);
            }
        } else if media.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(b"multipart/")) {
            if depth == DEPTH_MAX {
                return self.note(Kind::TooMany);
            }
            self.look_into_parts(content_type, body, depth);
        }
    }

    fn look_into_parts(&mut self, content_type: &[u8], body: &'a [u8], depth: usize) {
        let Some(boundary) = self.boundary(content_type) else { return self.note(Kind::BadSyntax) };
        let mut parts = Parts { rest: body, boundary };
        if !parts.skip_preamble() {
            return self.note(Kind::Truncated);
        }
        loop {
            let (part, is_last) = match parts.next() {
                Some(next) => next,
                // The closing boundary is missing: what is there is read.
                None => {
                    self.note(Kind::Truncated);
                    (parts.rest, true)
                }
            };
            if self.parts == PARTS_MAX {
                return self.note(Kind::TooMany);
            }
            self.parts = self.parts.saturating_add(1);
            self.look_into_part(part, depth);
            if is_last {
                return;
            }
        }
    }

    /// The boundary parameter; one that is there twice is a trick.
    fn boundary<'b>(&mut self, content_type: &'b [u8]) -> Option<&'b [u8]> {
        let named = parameters(content_type)
            .filter(|piece| piece.get(..8).is_some_and(|name| name.eq_ignore_ascii_case(b"boundary")));
        if named.count() > 1 {
            self.note(Kind::Conflict);
        }
        parameter(content_type, b"boundary")
            .filter(|name| (1..=BOUNDARY_MAX).contains(&name.len()) && !name.contains(&b'\n'))
    }

    fn look_into_part(&mut self, part: &'a [u8], depth: usize) {
        let (mut content_type, mut is_encoded) = (&b""[..], false);
        let mut lines = Lines::new(part);
        let mut body = part;
        // A part without headers begins with its empty line, which a message's reader would skip.
        if !matches!(part, [b'\r' | b'\n', ..]) {
            while let Some(line) = lines.next() {
                let Some((name, value)) = split_header(line.bytes) else { continue };
                if name.eq_ignore_ascii_case(b"content-type") || name.eq_ignore_ascii_case(b"c") {
                    if !content_type.is_empty() {
                        self.note(Kind::Conflict);
                        continue;
                    }
                    content_type = value.trim_ascii();
                } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
                    let plain = [&b"binary"[..], b"8bit", b"7bit"];
                    is_encoded = !plain.iter().any(|known| value.trim_ascii().eq_ignore_ascii_case(known));
                }
            }
            if lines.end != End::Blank {
                return;
            }
            body = lines.rest();
        }
        let media = parameters(content_type).next().unwrap_or_default();
        if is_encoded && media.eq_ignore_ascii_case(b"application/isup") {
            return self.note(Kind::Unsupported);
        }
        self.look_into(content_type, body, depth.saturating_add(1));
    }

    fn note(&mut self, kind: Kind) {
        // Two readings outweigh what is merely broken.
        if kind == Kind::Conflict || self.fault.is_none() {
            self.fault = Some(kind);
        }
    }
}

/// The parts between boundaries.
struct Parts<'a, 'b> {
    rest: &'a [u8],
    boundary: &'b [u8],
}

impl<'a> Parts<'a, '_> {
    /// Goes to behind the first boundary line; whether there is one.
    fn skip_preamble(&mut self) -> bool {
        self.next().is_some_and(|(_, is_last)| !is_last)
    }

    /// What stands before the next boundary line, without the line end that belongs to the boundary, and whether that closes the
    /// multipart.
    fn next(&mut self) -> Option<(&'a [u8], bool)> {
        let mut line = 0_usize;
        loop {
            let (before, from) = self.rest.split_at_checked(line)?;
            // A boundary stands at the beginning of a line: nowhere else is it looked for, so that each octet is looked at once.
            line = memchr(b'\n', from)
                .and_then(|end| line.checked_add(end)?.checked_add(1))
                .unwrap_or(usize::MAX);
            let Some(after) = from.strip_prefix(b"--").and_then(|from| from.strip_prefix(self.boundary))
            else {
                continue;
            };
            let (after, is_last) = match after {
                [b'-', b'-', after @ ..] => (after, true),
                _ => (after, false),
            };
            // White space may follow on the line (RFC 2046 §5.1.1), and nothing else: it is another boundary then.
            let text = after.iter().position(|octet| !matches!(octet, b' ' | b'\t')).unwrap_or(after.len());
            match after.get(text..)? {
                [b'\r', b'\n', next @ ..] | [b'\n', next @ ..] => self.rest = next,
                [] => self.rest = b"",
                _ if is_last => self.rest = b"",
                _ => continue,
            }
            return Some((without_line_end(before), is_last));
        }
    }
}

/// The line end before a boundary belongs to it.
fn without_line_end(before: &[u8]) -> &[u8] {
    match before {
        [part @ .., b'\r', b'\n'] | [part @ .., b'\n'] => part,
        _ => before,
    }
}

#[cfg(test)]
mod tests {
    use memchr::memmem;
    use proptest::prelude::*;

    use super::*;

    const IAM: &[u8] = b"\x01\x00\r\n\x0a--\x03";

    fn isup(version: Version) -> Option<Isup<'static>> {
        Some(Isup { version, bytes: IAM })
    }

    fn part(headers: &str, body: &[u8]) -> Vec<u8> {
        [b"--b1\r\n", headers.as_bytes(), b"\r\n", body, b"\r\n"].concat()
    }

    #[test]
    fn an_isup_body_says_which_isup() {
        for (content_type, version) in [
            ("application/ISUP", Version::Itu),
            ("application/isup ; version=itu-t92+", Version::Itu),
            ("application/ISUP;version=ansi88;base=ansi88", Version::Ansi),
            ("application/ISUP;version=nxv3;base=etsi121", Version::Itu),
            ("application/ISUP;version=\"own\";base=ANSI92", Version::Ansi),
            ("application/ISUP;version=own", Version::Other),
            ("application/ISUP;base=itu-t", Version::Itu),
        ] {
            assert_eq!(find(content_type.as_bytes(), IAM).isup, isup(version), "{content_type}");
        }
        assert_eq!(find(b"application/sdp", IAM), Found::default());
        assert_eq!(find(b"", IAM), Found::default());
    }

    #[test]
    fn an_isup_part_is_found_among_others() {
        let sdp = part("Content-Type: application/sdp\r\n", b"v=0\r\n--b11\r\n");
        let own = part("Content-Transfer-Encoding: binary\r\nContent-Type: application/ISUP\r\n", IAM);
        let bare = part("", b"text");
        let close = b"--b1--\r\nepilogue".to_vec();
        let all = [&b"preamble\r\n"[..], &sdp, &bare, &own, &close].concat();
        for content_type in ["multipart/mixed;boundary=b1", "Multipart/Alternative; x=y; Boundary=\"b1\""] {
            let found = find(content_type.as_bytes(), &all);
            assert_eq!((found.isup, found.fault), (isup(Version::Itu), None), "{content_type}");
        }
        let outer = "multipart/mixed;boundary=out";
        let nested =
            [b"--out \r\nContent-Type: multipart/mixed;boundary=b1\r\n\r\n", &all[..], b"\r\n--out--"]
                .concat();
        assert_eq!(find(outer.as_bytes(), &nested).isup, isup(Version::Itu));
    }

    #[test]
    fn tricks_with_parts_are_noted() {
        let own = part("c: application/ISUP\r\n", IAM);
        let other = part("c: application/ISUP\r\n", b"\x0c");
        let encoded = part("Content-Transfer-Encoding: base64\r\nc: application/ISUP\r\n", b"AQA=");
        let close = b"--b1--".to_vec();
        let mixed = "multipart/mixed;boundary=b1";
        for (content_type, parts, has_isup, fault) in [
            (mixed, vec![&own], true, Some(Kind::Truncated)),
            (mixed, vec![&own, &own, &close], true, None),
            (mixed, vec![&own, &other, &close], true, Some(Kind::Conflict)),
            (mixed, vec![&encoded, &close], false, Some(Kind::Unsupported)),
            ("multipart/mixed;boundary=b1;boundary=b2", vec![&own, &close], true, Some(Kind::Conflict)),
            ("multipart/mixed", vec![&own, &close], false, Some(Kind::BadSyntax)),
            ("multipart/mixed;boundary=b2", vec![&own, &close], false, Some(Kind::Truncated)),
            ("multipart/mixed;boundary=", vec![&own, &close], false, Some(Kind::BadSyntax)),
        ] {
            let body: Vec<u8> = parts.into_iter().flatten().copied().collect();
            let found = find(content_type.as_bytes(), &body);
            assert_eq!((found.isup.is_some(), found.fault), (has_isup, fault), "{content_type}");
        }
        let many = [part("", b"x").repeat(20), own].concat();
        assert_eq!(find(mixed.as_bytes(), &many).fault, Some(Kind::TooMany));
        let deep = b"--b1\r\nc: multipart/mixed;boundary=b1\r\n\r\n".repeat(10);
        let found = find(mixed.as_bytes(), &deep);
        assert!(found.isup.is_none() && found.fault.is_some());
    }

    #[test]
    fn a_body_that_is_nearly_all_boundary_has_none() {
        let boundary = "a".repeat(BOUNDARY_MAX);
        let content_type = format!("multipart/mixed;boundary={boundary}");
        let whole = [&b"a".repeat(65_000), &b"\r\n--"[..], boundary.as_bytes(), b"--"].concat();
        for (body, fault) in [
            (b"a".repeat(65_536), Some(Kind::Truncated)),
            (b"--".repeat(32_768), Some(Kind::Truncated)),
            (format!("--{}\n", &boundary[1..]).repeat(900).into_bytes(), Some(Kind::Truncated)),
            (whole, Some(Kind::Truncated)),
        ] {
            assert_eq!(find(content_type.as_bytes(), &body), Found { fault, ..Found::default() });
        }
        let folded = find(b"multipart/mixed;boundary=\"a\r\n b\"", b"--a\r\n b\r\n");
        assert_eq!(folded.fault, Some(Kind::BadSyntax));
    }

    const PIECES: [&[u8]; 11] = [
        b"--b1",
        b"--b2",
        b"--",
        b"\r\n",
        b"\n",
        b" ",
        b"c: multipart/mixed;boundary=b2",
        b"c: application/isup",
        b"c: multipart/x;boundary=b1",
        b"\x01\x02",
        b"Content-Type:",
    ];

    proptest! {
        #[test]
        fn any_parts_are_looked_at_without_panic(
            pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40),
        ) {
            let body = pieces.concat();
            let found = find(b"multipart/mixed;boundary=\"b1\"", &body);
            prop_assert!(found.parts <= PARTS_MAX);
        }

        #[test]
        fn a_part_is_found_whatever_its_octets(octets: Vec<u8>, before in "[ -~]{0,20}") {
            prop_assume!(memmem::find(&octets, b"\n--b1").is_none());
            prop_assume!(!octets.starts_with(b"--b1"));
            let body = [
                before.as_bytes(), b"\r\n--b1\r\nContent-Type: application/ISUP;version=itu-t\r\n\r\n", &octets,
                b"\r\n--b1--\r\n",
            ].concat();
            let found = find(b"multipart/mixed;boundary=b1", &body);
            prop_assert_eq!((found.isup.map(|isup| isup.bytes), found.fault), (Some(&octets[..]), None));
        }
    }
}
