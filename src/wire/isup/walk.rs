//! Every parameter of any message, one after another: to show a message, and to check one.
//!
//! A receiving exchange discards a message whose pointers or lengths lie (Q.764 §2.9.5.1). The walk goes on as far as
//! something can still be read, and says of each parameter what is wrong with it.

use arrayvec::ArrayVec;

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;
use crate::wire::isup::layout::{Layout, Rest};
use crate::wire::isup::name::Name;
use crate::wire::isup::parameter::{Optional, Parameter, Pointers, REPEATABLE};
use crate::wire::isup::{Message, Variant};

/// Most mandatory variable parameters that a message type has.
const VARIABLE_MAX: usize = 2;

/// Which part of a message a parameter is in (Q.763 §1.3 to §1.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Mandatory, of fixed length.
    Fixed,
    /// Mandatory, found by a pointer.
    Variable,
    /// Optional.
    Optional,
    /// All that follows the message type, whose format only the network that sent it knows.
    Opaque,
}

/// A parameter that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The parameter, with its code; 0 when [`Place::Opaque`].
    pub parameter: Parameter<'a>,
    /// Where it was.
    pub place: Place,
    /// [`Kind::Conflict`]: the message had it before, and it may stand there once; [`Kind::Overlap`]: its octets are part
    /// of another one's.
    pub fault: Option<Kind>,
    variant: Variant,
}

impl Found<'_> {
    /// By which standard it is read.
    #[must_use]
    pub const fn variant(&self) -> Variant {
        self.variant
    }

    /// What it is called; `None` for a code that is in no table.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        match self.place {
            Place::Opaque => None,
            _ => Name::of(self.variant, self.parameter.code).map(|name| name.name),
        }
    }
}

impl<'a> Message<'a> {
    /// How this message is laid out; `None` when its type is not one of its variant's.
    #[inline]
    #[must_use]
    pub fn layout(&self) -> Option<&'static Layout> {
        Layout::of(self.variant, self.message_type)
    }

    /// All its parameters in the order fixed, variable, optional.
    #[must_use]
    pub fn parameters(&self) -> Parameters<'a> {
        Parameters { message: *self, step: Step::Fixed(0, 0), taken: ArrayVec::new(), seen: [0; 4] }
    }
}

impl Layout {
    /// Where its pointers are.
    #[must_use]
    pub fn pointers(&self) -> Pointers {
        let fixed = self.fixed.iter().fold(0_usize, |sum, (_, octets)| sum.saturating_add(*octets));
        match self.rest {
            Rest::Optional => Pointers::with_optional(fixed, self.variable.len()),
            Rest::Nothing | Rest::Opaque => Pointers::after(fixed, self.variable.len()),
        }
    }
}

/// Walks the parameters of a message: each one found, or the fault in its place.
#[derive(Clone, Debug)]
pub struct Parameters<'a> {
    message: Message<'a>,
    step: Step<'a>,
    /// First octet, and the one past the last, of the variable parameters read.
    taken: ArrayVec<(usize, usize), VARIABLE_MAX>,
    /// A bit for each code read.
    seen: [u64; 4],
}

/// What comes next.
#[derive(Clone, Debug)]
enum Step<'a> {
    /// Number of the parameter and its first octet, from the message type.
    Fixed(usize, usize),
    /// Number of the pointer.
    Variable(usize),
    Rest,
    Optional(Optional<'a>),
    End,
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<Found<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some(layout) = self.message.layout() else { return self.unknown() };
            match &mut self.step {
                Step::Fixed(index, at) => match layout.fixed.get(*index) {
                    Some((code, octets)) => {
                        let place = (index.saturating_add(1), at.saturating_add(*octets));
                        let (code, at) = (*code, *at);
                        return Some(self.fixed(code, (at, *octets), place));
                    }
                    None => self.step = Step::Variable(0),
                },
                Step::Variable(index) => match layout.variable.get(*index) {
                    Some(code) => {
                        let index = *index;
                        return Some(self.variable(*code, layout.pointers(), index));
                    }
                    None => self.step = Step::Rest,
                },
                Step::Rest => match layout.rest {
                    Rest::Optional => self.step = Step::Optional(self.message.optional(layout.pointers())),
                    Rest::Opaque => return self.opaque(),
                    Rest::Nothing => self.step = Step::End,
                },
                Step::Optional(optional) => {
                    let next = optional.next()?;
                    return Some(next.map(|parameter| self.found(parameter, Place::Optional)));
                }
                Step::End => return None,
            }
        }
    }
}

impl<'a> Parameters<'a> {
    /// Of a type without a layout nothing can be found.
    fn unknown(&mut self) -> Option<Result<Found<'a>, DecodeError>> {
        let is_first = matches!(self.step, Step::Fixed(..));
        self.step = Step::End;
        is_first.then(|| Err(self.message.error_at_type(Kind::Unsupported)))
    }

    /// A fixed parameter. When the message ends in it, there are no pointers either.
    fn fixed(
        &mut self,
        code: u8,
        (at, octets): (usize, usize),
        (index, next): (usize, usize),
    ) -> Result<Found<'a>, DecodeError> {
        let mut cursor = Cursor::new(Layer::Isup, self.message.bytes());
        let offset = self.message.offset(self.message.parameters).saturating_add(at);
        let content = cursor.skip(offset).and_then(|()| cursor.take(octets));
        self.step = if content.is_ok() { Step::Fixed(index, next) } else { Step::End };
        Ok(self.found(Parameter { code, offset, content: content? }, Place::Fixed))
    }

    /// A variable parameter. A pointer that lies keeps none of the others from being followed.
    fn variable(&mut self, code: u8, pointers: Pointers, index: usize) -> Result<Found<'a>, DecodeError> {
        self.step = Step::Variable(index.saturating_add(1));
        let parameter = self.message.variable(pointers, index)?;
        Ok(self.found(Parameter { code, ..parameter }, Place::Variable))
    }

    fn opaque(&mut self) -> Option<Result<Found<'a>, DecodeError>> {
        self.step = Step::End;
        let content = self.message.parameter_octets();
        let parameter = Parameter { code: 0, offset: self.message.offset(content), content };
        (!content.is_empty()).then(|| Ok(self.found(parameter, Place::Opaque)))
    }

    fn found(&mut self, parameter: Parameter<'a>, place: Place) -> Found<'a> {
        let fault = match place {
            Place::Fixed | Place::Opaque => None,
            Place::Variable | Place::Optional if self.overlaps(parameter, place) => Some(Kind::Overlap),
            Place::Variable => None,
            Place::Optional if REPEATABLE.contains(&parameter.code) => None,
            Place::Optional => self.is_seen(parameter.code).then_some(Kind::Conflict),
        };
        self.note(parameter.code);
        Found { parameter, place, fault, variant: self.message.variant }
    }

    /// Whether one of its octets is a pointer, or part of a variable parameter read before. Takes it in, if it is one itself.
    fn overlaps(&mut self, parameter: Parameter<'_>, place: Place) -> bool {
        let before = if place == Place::Optional { 2 } else { 1 };
        let start = parameter.offset.saturating_sub(before);
        let end = parameter.offset.saturating_add(parameter.content.len());
        let overlaps = self.taken.iter().any(|(other, other_end)| start < *other_end && *other < end);
        if place == Place::Variable {
            // There are no more of them than there is room for.
            let _ = self.taken.try_push((start, end));
        }
        let pointers = self.message.layout().map(Layout::pointers);
        let is_first_octet = Parameter { offset: start.saturating_add(1), ..parameter };
        overlaps || pointers.is_some_and(|pointers| self.message.is_among(pointers, is_first_octet))
    }

    fn is_seen(&self, code: u8) -> bool {
        self.seen.get(usize::from(code >> 6)).is_some_and(|word| word >> (code & 63) & 1 == 1)
    }

    fn note(&mut self, code: u8) {
        if let Some(word) = self.seen.get_mut(usize::from(code >> 6)) {
            *word |= 1 << (code & 63);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use proptest::prelude::*;

    use super::*;
    use crate::wire::isup::emit_header_as;

    const VARIANTS: [Variant; 4] = [Variant::Ansi, Variant::Bicc, Variant::China, Variant::Itu];

    /// A message of this type with every mandatory parameter, each octet of one its number, and one hop counter.
    fn whole(variant: Variant, layout: &Layout) -> Vec<u8> {
        let mut bytes = Vec::new();
        emit_header_as(variant, 77, layout.message_type, &mut bytes);
        for (index, (_, octets)) in layout.fixed.iter().enumerate() {
            bytes.extend(std::iter::repeat_n(index as u8, *octets));
        }
        let has_optional = layout.rest == Rest::Optional;
        let pointers = layout.variable.len() + usize::from(has_optional);
        for index in 0..pointers {
            // Each content is two octets, and its length one.
            bytes.push((pointers - index + 3 * index) as u8);
        }
        for index in 0..layout.variable.len() {
            bytes.extend([2, index as u8, 0x55]);
        }
        if has_optional {
            bytes.extend([0x3D, 1, 9, 0]);
        }
        bytes
    }

    fn walk(variant: Variant, bytes: &[u8]) -> Vec<Result<Found<'_>, DecodeError>> {
        Message::parse_as(variant, bytes).unwrap().parameters().collect()
    }

    #[test]
    fn every_message_type_is_walked_as_its_table_says() {
        for (variant, layout) in Layout::all() {
            let bytes = whole(variant, layout);
            let found: Vec<Found<'_>> = walk(variant, &bytes).into_iter().map(Result::unwrap).collect();
            let fixed = layout.fixed.iter().map(|(code, _)| (*code, Place::Fixed));
            let variable = layout.variable.iter().map(|code| (*code, Place::Variable));
            let optional = (layout.rest == Rest::Optional).then_some((0x3D, Place::Optional));
            let expected: Vec<_> = fixed.chain(variable).chain(optional).collect();
            let places: Vec<_> = found.iter().map(|found| (found.parameter.code, found.place)).collect();
            assert_eq!(places, expected, "{}", layout.acronym);
            assert!(found.iter().all(|found| found.name().is_some() && found.fault.is_none()));
        }
    }

    #[test]
    fn a_message_cut_anywhere_is_told_so() {
        for (variant, layout) in Layout::all() {
            let bytes = whole(variant, layout);
            let header = variant.cic_length() + 1;
            for length in header..bytes.len() {
                let walked = walk(variant, &bytes[..length]);
                let pointer = header + layout.fixed.iter().map(|(_, octets)| octets).sum::<usize>();
                let is_old_form = variant == Variant::Ansi && layout.variable.is_empty() && length == pointer;
                assert!(is_old_form || walked.iter().any(Result::is_err), "{} {length}", layout.acronym);
            }
        }
    }

    #[test]
    fn names_pointers_and_lengths_that_lie() {
        let error = |offset, kind| Err(DecodeError { layer: Layer::Isup, offset, kind });
        let faults = |bytes: &[u8]| {
            walk(Variant::Itu, bytes)
                .into_iter()
                .filter_map(|found| match found {
                    Ok(found) => found.fault.map(|kind| Ok((found.parameter.code, kind))),
                    Err(error) => Some(Err(error)),
                })
                .collect::<Vec<_>>()
        };
        // REL: the cause's pointer past the end; the optional part is still found.
        assert_eq!(faults(&[1, 0, 0x0C, 99, 4, 2, 0x80, 0x90, 0]), [error(3, Kind::BadLength)]);
        // REL: the cause begins where the pointer to the optional part is.
        assert_eq!(
            faults(&[1, 0, 0x0C, 1, 2, 0x80, 0x90]),
            [Ok((0x12, Kind::Overlap)), error(7, Kind::Truncated)]
        );
        // CQR: both pointers to the same octets.
        assert_eq!(faults(&[1, 0, 0x2B, 2, 1, 1, 0]), [Ok((0x26, Kind::Overlap))]);
        // REL: the optional part begins within the cause.
        assert_eq!(faults(&[1, 0, 0x0C, 2, 2, 3, 0x3D, 1, 0x90, 0]), [Ok((0x3D, Kind::Overlap))]);
        // ANM: a hop counter twice, generic numbers as often as one likes, and an optional part that runs over.
        let optional = [1, 0, 9, 1, 0x3D, 1, 5, 0xC0, 1, 6, 0xC0, 1, 6, 0x3D, 1, 6, 0x0A, 9, 0];
        assert_eq!(faults(&optional), [Ok((0x3D, Kind::Conflict)), error(18, Kind::Truncated)]);
        // IAM: the message ends within the fixed part.
        assert_eq!(faults(&[1, 0, 1, 0, 0x20]), [error(4, Kind::Truncated)]);
        assert_eq!(faults(&[1, 0, 0x7E, 0]), [error(2, Kind::Unsupported)]);
    }

    #[test]
    fn carries_what_has_no_format() {
        let walked = walk(Variant::Itu, &[1, 0, 0x31, 7, 8, 9]);
        let found = walked[0].unwrap();
        assert_eq!(
            (found.place, found.parameter.content, found.name()),
            (Place::Opaque, &[7, 8, 9][..], None)
        );
        assert_eq!(walked.len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_to_an_end(bytes in proptest::collection::vec(any::<u8>(), 5..300)) {
            for variant in VARIANTS {
                let found = walk(variant, &bytes);
                prop_assert!(found.len() <= bytes.len());
                for found in found.into_iter().flatten() {
                    let content = found.parameter.content;
                    let there = bytes.get(found.parameter.offset..found.parameter.offset + content.len());
                    prop_assert_eq!(there, Some(content));
                }
            }
        }

        #[test]
        fn a_wrong_octet_ends_the_walk_no_worse(at in 3..40_usize, value: u8, index in 0..57_usize) {
            let (variant, layout) = Layout::all().nth(index).unwrap();
            let mut bytes = whole(variant, layout);
            if let Some(octet) = bytes.get_mut(at) {
                *octet = value;
            }
            let _ = walk(variant, &bytes);
            prop_assert_eq!(Message::parse_as(variant, &bytes).unwrap().message_type, layout.message_type);
        }
    }
}
