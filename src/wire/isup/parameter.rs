//! Parameters found by pointer, and the list of optional ones. ITU-T Q.763 §1.5 to §1.8; codes in table 5.

use crate::base::fault::Kind;
use crate::wire::DecodeError;
use crate::wire::isup::{Message, Variant, error};

/// Transmission medium requirement (§3.54).
pub const TRANSMISSION_MEDIUM_REQUIREMENT: u8 = 0x02;
/// Called party number (§3.9).
pub const CALLED_NUMBER: u8 = 0x04;
/// Subsequent number (§3.51): more digits of the called number.
pub const SUBSEQUENT_NUMBER: u8 = 0x05;
/// Nature of connection indicators (§3.35).
pub const NATURE_OF_CONNECTION_INDICATORS: u8 = 0x06;
/// Forward call indicators (§3.23).
pub const FORWARD_CALL_INDICATORS: u8 = 0x07;
/// Optional forward call indicators (§3.38).
pub const OPTIONAL_FORWARD_CALL_INDICATORS: u8 = 0x08;
/// Calling party's category (§3.11).
pub const CALLING_CATEGORY: u8 = 0x09;
/// Calling party number (§3.10).
pub const CALLING_NUMBER: u8 = 0x0A;
/// Redirecting number (§3.44): the party that forwarded the call last.
pub const REDIRECTING_NUMBER: u8 = 0x0B;
/// Redirection number (§3.46): where the call is forwarded to.
pub const REDIRECTION_NUMBER: u8 = 0x0C;
/// Information request indicators (§3.29).
pub const INFORMATION_REQUEST_INDICATORS: u8 = 0x0E;
/// Information indicators (§3.28).
pub const INFORMATION_INDICATORS: u8 = 0x0F;
/// Continuity indicators (§3.18).
pub const CONTINUITY_INDICATORS: u8 = 0x10;
/// Backward call indicators (§3.5).
pub const BACKWARD_CALL_INDICATORS: u8 = 0x11;
/// Cause indicators (§3.12).
pub const CAUSE_INDICATORS: u8 = 0x12;
/// Redirection information (§3.45).
pub const REDIRECTION_INFORMATION: u8 = 0x13;
/// Circuit group supervision message type (§3.13).
pub const GROUP_SUPERVISION_TYPE: u8 = 0x15;
/// Range and status (§3.43).
pub const RANGE_AND_STATUS: u8 = 0x16;
/// Facility indicator (§3.22).
pub const FACILITY_INDICATOR: u8 = 0x18;
/// User service information (§3.57): what kind of line and coding the caller has.
pub const USER_SERVICE_INFORMATION: u8 = 0x1D;
/// User-to-user information (§3.61).
pub const USER_TO_USER_INFORMATION: u8 = 0x20;
/// Connected number (§3.16): who answered.
pub const CONNECTED_NUMBER: u8 = 0x21;
/// Suspend/resume indicators (§3.52).
pub const SUSPEND_RESUME_INDICATORS: u8 = 0x22;
/// Transit network selection (§3.53).
pub const TRANSIT_NETWORK_SELECTION: u8 = 0x23;
/// Event information (§3.21).
pub const EVENT_INFORMATION: u8 = 0x24;
/// Circuit state indicator (§3.14).
pub const CIRCUIT_STATE_INDICATOR: u8 = 0x26;
/// Original called number (§3.39): the party first called.
pub const ORIGINAL_CALLED_NUMBER: u8 = 0x28;
/// Optional backward call indicators (§3.37).
pub const OPTIONAL_BACKWARD_CALL_INDICATORS: u8 = 0x29;
/// Generic notification indicator (§3.25).
pub const GENERIC_NOTIFICATION: u8 = 0x2C;
/// Hop counter (§3.80).
pub const HOP_COUNTER: u8 = 0x3D;
/// Location number (§3.30).
pub const LOCATION_NUMBER: u8 = 0x3F;
/// Call transfer number (§3.64).
pub const CALL_TRANSFER_NUMBER: u8 = 0x45;
/// Called IN number (§3.73).
pub const CALLED_IN_NUMBER: u8 = 0x6F;
/// Application transport (§3.82).
pub const APPLICATION_TRANSPORT: u8 = 0x78;
/// Called directory number (§3.86).
pub const CALLED_DIRECTORY_NUMBER: u8 = 0x7D;
/// Original called IN number (§3.87).
pub const ORIGINAL_CALLED_IN_NUMBER: u8 = 0x7F;
/// Generic number (§3.26); generic address (T1.113).
pub const GENERIC_NUMBER: u8 = 0xC0;
/// Generic digits (§3.24).
pub const GENERIC_DIGITS: u8 = 0xC1;
/// Jurisdiction information (T1.113): the first six digits of where the call comes from.
pub const JURISDICTION: u8 = 0xC4;
/// Carrier identification (T1.113).
pub const CARRIER_IDENTIFICATION: u8 = 0xC5;
/// Notification indicator (T1.113).
pub const NOTIFICATION: u8 = 0xE1;
/// Circuit group characteristic indicator (T1.113).
pub const CIRCUIT_CHARACTERISTIC_INDICATOR: u8 = 0xE5;
/// Circuit validation response indicator (T1.113).
pub const CIRCUIT_VALIDATION_RESPONSE: u8 = 0xE6;
/// Originating line information (T1.113).
pub const ORIGINATING_LINE: u8 = 0xEA;
/// Charge number (T1.113): who pays.
pub const CHARGE_NUMBER: u8 = 0xEB;
/// Charge information of the Chinese standard.
pub const CHARGE_INFORMATION: u8 = 0xFE;
/// First octet of a generic number that is an additional calling party number (§3.26 a).
pub const ADDITIONAL_CALLING: u8 = 0x06;
/// What may stand in a message more than once (Q.763 tables 21 to 53, T1.113.3). Of anything else the first counts.
pub const REPEATABLE: [u8; 5] =
    [GENERIC_NOTIFICATION, APPLICATION_TRANSPORT, GENERIC_NUMBER, GENERIC_DIGITS, NOTIFICATION];
/// End of optional parameters (§3.20): one octet, no length.
const END: u8 = 0x00;

/// Content of a parameter and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Its code (table 5); 0 for a mandatory one, which is known by its place, unless [`Message::parameters`] found it.
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
        error(self.offset, kind)
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
/// parameter and one for the optional part. Octets from the message type.
#[derive(Clone, Copy, Debug)]
pub struct Pointers {
    start: usize,
    end: usize,
}

impl Pointers {
    /// After a mandatory fixed part of so many octets, so many mandatory variable parameters, and no optional part.
    #[must_use]
    pub const fn after(fixed: usize, variable: usize) -> Self {
        Self { start: fixed, end: fixed.saturating_add(variable) }
    }

    /// The same with an optional part.
    #[must_use]
    pub const fn with_optional(fixed: usize, variable: usize) -> Self {
        Self { start: fixed, end: fixed.saturating_add(variable).saturating_add(1) }
    }
}

impl<'a> Message<'a> {
    /// The mandatory variable parameter that the pointer with this number, from 0, finds.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when the message ends before the pointer or within the parameter, [`Kind::BadLength`] for a
    /// pointer of zero or past the end. One to another pointer is followed, as exchanges do that check no more than the
    /// length (Q.764 §2.9.5.1): see [`Message::is_among`].
    #[inline]
    pub fn variable(&self, pointers: Pointers, index: usize) -> Result<Parameter<'a>, DecodeError> {
        let [length, rest @ ..] = self.follow(pointers.start.saturating_add(index))? else {
            return Err(error(self.bytes().len(), Kind::Truncated));
        };
        let offset = self.offset(rest);
        match rest.get(..usize::from(*length)) {
            Some(content) => Ok(Parameter { code: 0, offset, content }),
            None => Err(error(offset, Kind::Truncated)),
        }
    }

    /// The optional parameters, by the last pointer; none when it is zero, or when a message of T1.113 ends before it.
    #[inline]
    #[must_use]
    pub fn optional(&self, pointers: Pointers) -> Optional<'a> {
        let at = pointers.end.saturating_sub(1);
        let rest = match self.parameter_octets().get(at) {
            Some(0) => None,
            None if self.variant == Variant::Ansi && self.parameter_octets().len() == at => None,
            _ => Some(self.follow(at)),
        };
        Optional { length: self.bytes().len(), rest }
    }

    /// Whether a parameter lies among the pointers, which no exchange writes.
    #[inline]
    #[must_use]
    pub fn is_among(&self, pointers: Pointers, parameter: Parameter<'_>) -> bool {
        // Its length octet is the first thing of it that may not.
        parameter.offset <= self.offset(self.parameter_octets()).saturating_add(pointers.end)
    }

    /// Whether octets of a mandatory parameter are octets of the optional part too, which comes last (§1.5).
    #[inline]
    #[must_use]
    pub fn is_in_optional(&self, pointers: Pointers, parameter: Parameter<'_>) -> bool {
        let header = self.bytes().len().saturating_sub(self.parameter_octets().len());
        let at = pointers.end.saturating_sub(1);
        match self.parameter_octets().get(at) {
            None | Some(0) => false,
            Some(distance) => {
                let start = header.saturating_add(at).saturating_add(usize::from(*distance));
                parameter.offset.saturating_add(parameter.content.len()) > start
            }
        }
    }

    /// The message from what the pointer at `at` points to, which is not its end: its value counts octets from the pointer
    /// itself (§1.5).
    #[inline]
    fn follow(&self, at: usize) -> Result<&'a [u8], DecodeError> {
        match self.parameter_octets().get(at..) {
            Some(from @ [distance, ..]) => match from.get(usize::from(*distance)..) {
                Some(target @ [_, ..]) if *distance > 0 => Ok(target),
                _ => Err(error(self.offset(from), Kind::BadLength)),
            },
            _ => Err(error(self.bytes().len(), Kind::Truncated)),
        }
    }
}

/// Walks the optional part. After an error it ends.
#[derive(Clone, Copy, Debug)]
pub struct Optional<'a> {
    /// Octets of the message.
    length: usize,
    /// What is left of it, or the error that is to be told; `None` at the end.
    rest: Option<Result<&'a [u8], DecodeError>>,
}

impl<'a> Iterator for Optional<'a> {
    type Item = Result<Parameter<'a>, DecodeError>;

    /// The next parameter; an error when its length overruns the message ([`Kind::Truncated`]) or when the message ends
    /// without the octet that ends the optional part ([`Kind::Missing`]).
    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = match self.rest.take()? {
            Ok(rest) => rest,
            Err(error) => return Some(Err(error)),
        };
        match rest {
            [END, ..] => None,
            [code, length, rest @ ..] => {
                let offset = self.length.saturating_sub(rest.len());
                let Some((content, rest)) = rest.split_at_checked(usize::from(*length)) else {
                    return Some(Err(error(offset, Kind::Truncated)));
                };
                self.rest = Some(Ok(rest));
                Some(Ok(Parameter { code: *code, offset, content }))
            }
            [_] => Some(Err(error(self.length, Kind::Truncated))),
            [] => Some(Err(error(self.length, Kind::Missing))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::base::fault::Layer;

    /// A message of one mandatory variable parameter and an optional part, as REL.
    const POINTERS: Pointers = Pointers::with_optional(0, 1);

    fn error(offset: u32, kind: Kind) -> DecodeError {
        DecodeError { layer: Layer::Isup, offset, kind }
    }

    #[test]
    fn follows_pointers() {
        let bytes = [1, 0, 0x0C, 2, 4, 2, 0x80, 0x90, 0x0A, 1, 7, 0x3D, 0, 0];
        let message = Message::parse(&bytes).unwrap();
        let cause = message.variable(POINTERS, 0).unwrap();
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
            (&[1, 0, 0x0C, 5, 0, 2, 0x80, 0x90], Kind::BadLength, 3),
            (&[1, 0, 0x0C, 2, 0, 3, 0x80, 0x90], Kind::Truncated, 6),
        ] {
            let message = Message::parse(bytes).unwrap();
            assert_eq!(message.variable(POINTERS, 0), Err(error(offset, kind)), "{bytes:?}");
        }
    }

    #[test]
    fn follows_a_pointer_to_a_pointer_and_tells() {
        let message = Message::parse(&[1, 0, 0x0C, 1, 2, 0x80, 0x90]).unwrap();
        let cause = message.variable(POINTERS, 0).unwrap();
        assert_eq!((cause.content, message.is_among(POINTERS, cause)), (&[0x80, 0x90][..], true));
        let message = Message::parse(&[1, 0, 0x0C, 2, 0, 2, 0x80, 0x90]).unwrap();
        assert!(!message.is_among(POINTERS, message.variable(POINTERS, 0).unwrap()));
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
        let bare = [1, 0, 0x10];
        let pointers = Pointers::with_optional(0, 0);
        assert_eq!(Message::parse_as(Variant::Ansi, &bare).unwrap().optional(pointers).next(), None);
        let walk: Vec<_> = Message::parse(&bare).unwrap().optional(pointers).collect();
        assert_eq!(walk, [Err(error(3, Kind::Truncated))]);
        let lying = [1, 0, 0x0C, 2, 9, 2, 0x80, 0x90];
        let walk: Vec<_> = Message::parse(&lying).unwrap().optional(POINTERS).collect();
        assert_eq!(walk, [Err(error(4, Kind::BadLength))]);
    }
}
