//! Parameters found by pointer, and the list of optional ones. ITU-T Q.763 §1.5 to §1.8; codes in table 5.

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;
use crate::wire::isup::Message;

/// Calling party number (§3.10).
pub const CALLING_NUMBER: u8 = 0x0A;
/// Redirecting number (§3.44): the party that forwarded the call last.
pub const REDIRECTING_NUMBER: u8 = 0x0B;
/// Cause indicators (§3.12).
pub const CAUSE_INDICATORS: u8 = 0x12;
/// Redirection information (§3.45).
pub const REDIRECTION_INFORMATION: u8 = 0x13;
/// User service information (§3.57): what kind of line and coding the caller has.
pub const USER_SERVICE_INFORMATION: u8 = 0x1D;
/// Original called number (§3.39): the party first called.
pub const ORIGINAL_CALLED_NUMBER: u8 = 0x28;
/// Hop counter (§3.80).
pub const HOP_COUNTER: u8 = 0x3D;
/// Generic number (§3.26).
pub const GENERIC_NUMBER: u8 = 0xC0;
/// First octet of a generic number that is an additional calling party number (§3.26 a).
pub const ADDITIONAL_CALLING: u8 = 0x06;
/// End of optional parameters (§3.20): one octet, no length.
const END: u8 = 0x00;

/// Content of a parameter and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Its code (table 5); 0 for a mandatory one, which is known by its place.
    pub code: u8,
    /// Octets from the start of the message to the content.
    pub offset: usize,
    /// What follows the length octet.
    pub content: &'a [u8],
}

impl Parameter<'_> {
    /// An error that points at the content.
    #[must_use]
    pub fn error(&self, kind: Kind) -> DecodeError {
        DecodeError { layer: Layer::Isup, offset: u32::try_from(self.offset).unwrap_or(u32::MAX), kind }
    }

    /// Writes it as an optional parameter.
    pub fn emit(code: u8, content: &[u8], out: &mut Vec<u8>) {
        out.push(code);
        out.push(u8::try_from(content.len()).unwrap_or(u8::MAX));
        out.extend(content.iter().take(usize::from(u8::MAX)));
    }

    /// Writes the end of the optional part.
    pub fn emit_end(out: &mut Vec<u8>) {
        out.push(END);
    }
}

/// Where the pointers of a message type lie: after its mandatory fixed part, one for each mandatory variable
/// parameter and one for the optional part. Octets from the start of the message.
#[derive(Clone, Copy, Debug)]
pub struct Pointers {
    /// The first pointer.
    pub start: usize,
    /// One past the last.
    pub end: usize,
}

impl<'a> Message<'a> {
    /// The mandatory variable parameter that the pointer at `pointers.start` finds.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when the message ends before the pointer or within the parameter, [`Kind::BadLength`] for a
    /// pointer of zero or into the pointers themselves.
    #[inline]
    pub fn variable(&self, pointers: Pointers) -> Result<Parameter<'a>, DecodeError> {
        let mut cursor = self.follow(pointers.start, pointers.end)?;
        let length = cursor.u8()?;
        let offset = cursor.position();
        Ok(Parameter { code: 0, offset, content: cursor.take(usize::from(length))? })
    }

    /// The optional parameters, by the last pointer; none when it is zero.
    #[inline]
    #[must_use]
    pub fn optional(&self, pointers: Pointers) -> Optional<'a> {
        let at = pointers.end.saturating_sub(1);
        Optional(match self.bytes().get(at) {
            Some(0) => None,
            _ => Some(self.follow(at, pointers.end)),
        })
    }

    /// A cursor at what the pointer at `at` points to: its value counts octets from the pointer itself (§1.5).
    #[inline]
    fn follow(&self, at: usize, pointers_end: usize) -> Result<Cursor<'a>, DecodeError> {
        let mut cursor = Cursor::new(Layer::Isup, self.bytes());
        cursor.skip(at)?;
        let target = at.saturating_add(usize::from(cursor.u8()?));
        if target < pointers_end || target >= self.bytes().len() {
            return Err(Parameter { code: 0, offset: at, content: &[] }.error(Kind::BadLength));
        }
        cursor.skip(target.saturating_sub(cursor.position()))?;
        Ok(cursor)
    }
}

/// Walks the optional part. After an error it ends.
#[derive(Clone, Copy, Debug)]
pub struct Optional<'a>(Option<Result<Cursor<'a>, DecodeError>>);

impl<'a> Iterator for Optional<'a> {
    type Item = Result<Parameter<'a>, DecodeError>;

    /// The next parameter; an error when its length overruns the message ([`Kind::Truncated`]) or when the message ends
    /// without the octet that ends the optional part ([`Kind::Missing`]).
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let item = match &mut self.0 {
            None => return None,
            Some(Err(error)) => Err(*error),
            Some(Ok(cursor)) => read_one(cursor),
        };
        if !matches!(item, Ok(Some(_))) {
            self.0 = None;
        }
        item.transpose()
    }
}

#[inline]
fn read_one<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Parameter<'a>>, DecodeError> {
    if cursor.is_empty() {
        return Err(cursor.error(Kind::Missing));
    }
    let code = cursor.u8()?;
    if code == END {
        return Ok(None);
    }
    let length = cursor.u8()?;
    let offset = cursor.position();
    Ok(Some(Parameter { code, offset, content: cursor.take(usize::from(length))? }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A message of one mandatory variable parameter and an optional part, as REL.
    const POINTERS: Pointers = Pointers { start: 3, end: 5 };

    fn error(offset: u32, kind: Kind) -> DecodeError {
        DecodeError { layer: Layer::Isup, offset, kind }
    }

    #[test]
    fn follows_pointers() {
        let bytes = [1, 0, 0x0C, 2, 4, 2, 0x80, 0x90, 0x0A, 1, 7, 0x3D, 0, 0];
        let message = Message::parse(&bytes).unwrap();
        let cause = message.variable(POINTERS).unwrap();
        assert_eq!(cause, Parameter { code: 0, offset: 6, content: &[0x80, 0x90] });
        let optional: Vec<_> = message.optional(POINTERS).collect();
        assert_eq!(
            optional,
            [
                Ok(Parameter { code: 0x0A, offset: 10, content: &[7] }),
                Ok(Parameter { code: 0x3D, offset: 13, content: &[] })
            ]
        );
    }

    #[test]
    fn catches_pointers_that_lie() {
        for (bytes, kind, offset) in [
            (&[1, 0, 0x0C][..], Kind::Truncated, 3),
            (&[1, 0, 0x0C, 0, 0, 2, 0x80, 0x90], Kind::BadLength, 3),
            (&[1, 0, 0x0C, 1, 0, 2, 0x80, 0x90], Kind::BadLength, 3),
            (&[1, 0, 0x0C, 5, 0, 2, 0x80, 0x90], Kind::BadLength, 3),
            (&[1, 0, 0x0C, 2, 0, 3, 0x80, 0x90], Kind::Truncated, 6),
        ] {
            let message = Message::parse(bytes).unwrap();
            assert_eq!(message.variable(POINTERS), Err(error(offset, kind)), "{bytes:?}");
        }
    }

    #[test]
    fn ends_the_optional_part_at_its_first_fault() {
        for (tail, expected) in [
            (&[0x0A, 1, 7][..], error(11, Kind::Missing)),
            (&[0x0A, 1, 7, 0x0B, 9, 1], error(13, Kind::Truncated)),
            (&[0x0A, 1, 7, 0x0B], error(12, Kind::Truncated)),
        ] {
            let bytes = [&[1, 0, 0x0C, 2, 4, 2, 0x80, 0x90], tail].concat();
            let walk: Vec<_> = Message::parse(&bytes).unwrap().optional(POINTERS).collect();
            assert_eq!(walk.len(), 2);
            assert_eq!(walk.last(), Some(&Err(expected)), "{tail:?}");
        }
        let lying = [1, 0, 0x0C, 2, 9, 2, 0x80, 0x90];
        let walk: Vec<_> = Message::parse(&lying).unwrap().optional(POINTERS).collect();
        assert_eq!(walk, [Err(error(4, Kind::BadLength))]);
    }
}
