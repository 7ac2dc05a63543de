//! A message with some of its header lines changed. RFC 3261 §7.3: what is not named stays as it was, octet for octet,
//! and so does the body.

use crate::wire::sip::head::split_header;
use crate::wire::sip::lines::{End, Line, Lines};

/// What becomes of a header line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Stays as it is.
    Keep,
    /// Goes, with all its values.
    Remove,
    /// Gets this value, which holds no line break.
    Value(Vec<u8>),
}

/// Appends `message` to `out`, with another start line when there is one, what `edit` says of each header by name (as
/// written, compact or not) and trimmed value, and the line `last` at the end of the head when it is not empty; whether it
/// could: not when the head is cut short or has too many lines. `out` is then as it was.
#[must_use]
pub fn edit(
    message: &[u8],
    start_line: Option<&[u8]>,
    mut edit: impl FnMut(&[u8], &[u8]) -> Edit,
    last: &str,
    out: &mut Vec<u8>,
) -> bool {
    let before = out.len();
    let mut lines = Lines::new(message);
    if let Some(line) = lines.next() {
        put_line(out, start_line.unwrap_or(line.bytes));
    }
    while let Some(Line { bytes, .. }) = lines.next() {
        let Some((name, value)) = split_header(bytes) else {
            put_line(out, bytes);
            continue;
        };
        match edit(name, value.trim_ascii()) {
            Edit::Keep => put_line(out, bytes),
            Edit::Remove => {}
            Edit::Value(value) => {
                out.extend_from_slice(name);
                out.extend_from_slice(b": ");
                put_line(out, &value);
            }
        }
    }
    if lines.end != End::Blank {
        out.truncate(before);
        return false;
    }
    if !last.is_empty() {
        put_line(out, last.as_bytes());
    }
    put_line(out, b"");
    out.extend_from_slice(lines.rest());
    true
}

fn put_line(out: &mut Vec<u8>, line: &[u8]) {
    out.extend_from_slice(line);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_what_is_named_and_nothing_else() {
        let message = b"INVITE a SIP/2.0\r\nFrom : x\r\nodd line\r\nTo: y\r\n\tz\r\nX:1\r\n\r\nbody\r\n";
        let of = |name: &[u8], value: &[u8]| match name {
            b"From" => Edit::Value([value, b"!"].concat()),
            b"X" => Edit::Remove,
            _ => Edit::Keep,
        };
        let mut out = b"-".to_vec();
        assert!(edit(message, Some(b"INVITE b SIP/2.0"), of, "Privacy: id", &mut out));
        assert_eq!(
            out,
            b"-INVITE b SIP/2.0\r\nFrom: x!\r\nodd line\r\nTo: y\r\n\tz\r\nPrivacy: id\r\n\r\nbody\r\n"
        );
        out.clear();
        assert!(edit(message, None, |_, _| Edit::Keep, "", &mut out));
        assert_eq!(out, message);
        assert!(!edit(b"INVITE a SIP/2.0\r\nFrom: x\r\n", None, |_, _| Edit::Keep, "", &mut out));
        assert_eq!(out, message);
    }
}
