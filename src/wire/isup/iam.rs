//! Initial address message: a call wants to be set up. ITU-T Q.763 table 32; parameters §3.5, §3.9 to §3.11, §3.23,
//! §3.35, §3.39, §3.44, §3.45, §3.54, §3.80.

use crate::base::fault::Kind;
use crate::wire::DecodeError;
use crate::wire::isup::number::Number;
use crate::wire::isup::parameter::{self, Parameter, Pointers};
use crate::wire::isup::{HEADER_LENGTH, Lax, Message, MessageType, emit_header};

/// Octets of the mandatory fixed part.
const FIXED_LENGTH: usize = 5;
const POINTERS: Pointers =
    Pointers { start: HEADER_LENGTH.saturating_add(FIXED_LENGTH), end: HEADER_LENGTH.saturating_add(7) };

/// Bits of the presentation indicator (§3.10 e), and its value for restricted.
const PRESENTATION: u8 = 0x0C;
const PRESENTATION_RESTRICTED: u8 = 0x04;

/// Calling party's category: ordinary calling subscriber (§3.11).
pub const CATEGORY_ORDINARY: u8 = 0x0A;
/// Calling party's category: test call (§3.11).
pub const CATEGORY_TEST: u8 = 0x0D;
/// Transmission medium requirement: 3.1 kHz audio (§3.54).
pub const MEDIUM_AUDIO: u8 = 0x03;

/// An initial address message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Iam {
    /// Nature of connection indicators (§3.35): satellite, continuity check, echo control.
    pub nature_of_connection: u8,
    /// Forward call indicators (§3.23), first octet first.
    pub forward_call: [u8; 2],
    /// Calling party's category (§3.11).
    pub category: u8,
    /// Transmission medium requirement (§3.54).
    pub transmission_medium: u8,
    /// Called party number.
    pub called: Number,
    /// Calling party number.
    pub calling: Option<Number>,
    /// Who forwarded the call last.
    pub redirecting: Option<Number>,
    /// Who was called first.
    pub original_called: Option<Number>,
    /// Redirection information (§3.45): indicator and original reason, counter and reason.
    pub redirection_information: Option<[u8; 2]>,
    /// How many more exchanges the call may pass (§3.80), 0 to 31.
    pub hop_counter: Option<u8>,
}

impl Iam {
    /// Reads it. A fault in the optional part leaves the rest readable; of a parameter sent twice the first counts.
    ///
    /// # Errors
    /// When the fixed part or the called number cannot be read.
    #[inline]
    pub fn parse(message: &Message<'_>) -> Result<Lax<Self>, DecodeError> {
        Self::parse_noting(message, |_| {})
    }

    /// The same; hands every optional parameter to `note`, in their order.
    ///
    /// # Errors
    /// As [`Iam::parse`].
    #[inline]
    pub fn parse_noting(
        message: &Message<'_>,
        mut note: impl FnMut(Parameter<'_>),
    ) -> Result<Lax<Self>, DecodeError> {
        let [nature_of_connection, forward_1, forward_2, category, transmission_medium] =
            message.fixed::<FIXED_LENGTH>()?;
        let mut iam = Self {
            nature_of_connection,
            forward_call: [forward_1, forward_2],
            category,
            transmission_medium,
            called: Number::parse(message.variable(POINTERS)?)?,
            ..Self::default()
        };
        let mut fault = None;
        for parameter in message.optional(POINTERS) {
            if let Err(error) = parameter.and_then(|parameter| {
                note(parameter);
                iam.take(parameter)
            }) {
                fault.get_or_insert(error);
            }
        }
        Ok(Lax { repr: iam, fault })
    }

    #[inline]
    fn take(&mut self, parameter: Parameter<'_>) -> Result<(), DecodeError> {
        match parameter.code {
            parameter::CALLING_NUMBER => set_number(&mut self.calling, parameter),
            parameter::REDIRECTING_NUMBER => set_number(&mut self.redirecting, parameter),
            parameter::ORIGINAL_CALLED_NUMBER => set_number(&mut self.original_called, parameter),
            parameter::REDIRECTION_INFORMATION => {
                // The second octet, counter and reason of the last redirection, may be missing (§3.45).
                self.redirection_information = match *parameter.content {
                    [indicator, reason, ..] => Some([indicator, reason]),
                    [indicator] => Some([indicator, 0]),
                    [] => return Err(parameter.error(Kind::BadLength)),
                };
                Ok(())
            }
            parameter::HOP_COUNTER => {
                let [counter, ..] = parameter.content else {
                    return Err(parameter.error(Kind::BadLength));
                };
                self.hop_counter = Some(counter & 0x1F);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Writes the whole message.
    pub fn emit(&self, cic: u16, out: &mut Vec<u8>) {
        emit_header(cic, MessageType::INITIAL_ADDRESS, out);
        let [forward_1, forward_2] = self.forward_call;
        out.extend([
            self.nature_of_connection,
            forward_1,
            forward_2,
            self.category,
            self.transmission_medium,
        ]);
        let called = self.called.content();
        let called_length = u8::try_from(called.len()).unwrap_or(u8::MAX);
        let has_optional = self.calling.is_some()
            || self.redirecting.is_some()
            || self.original_called.is_some()
            || self.redirection_information.is_some()
            || self.hop_counter.is_some();
        // From its own octet the first pointer passes the second; the second passes the called number and its length.
        out.extend([2, if has_optional { called_length.saturating_add(2) } else { 0 }, called_length]);
        out.extend_from_slice(&called);
        if has_optional {
            self.emit_optional(out);
        }
    }

    fn emit_optional(&self, out: &mut Vec<u8>) {
        for (code, number) in [
            (parameter::CALLING_NUMBER, &self.calling),
            (parameter::REDIRECTING_NUMBER, &self.redirecting),
            (parameter::ORIGINAL_CALLED_NUMBER, &self.original_called),
        ] {
            if let Some(number) = number {
                Parameter::emit(code, &number.content(), out);
            }
        }
        if let Some(information) = self.redirection_information {
            Parameter::emit(parameter::REDIRECTION_INFORMATION, &information, out);
        }
        if let Some(counter) = self.hop_counter {
            Parameter::emit(parameter::HOP_COUNTER, &[counter & 0x1F], out);
        }
        Parameter::emit_end(out);
    }
}

/// A copy of an initial address message that lets nobody be shown the calling number: where presentation is allowed it
/// is restricted (§3.10 e), also of the additional calling party number (§3.26 a), which is shown in its place. Length
/// and all else stay. `None` when there is nothing to restrict.
#[must_use]
pub fn restrict_calling(message: &Message<'_>) -> Option<Vec<u8>> {
    let mut bytes = message.bytes().to_vec();
    let mut is_changed = false;
    for parameter in message.optional(POINTERS).flatten() {
        let skipped = match (parameter.code, parameter.content.first()) {
            (parameter::CALLING_NUMBER, _) => 1,
            (parameter::GENERIC_NUMBER, Some(&parameter::ADDITIONAL_CALLING)) => 2,
            _ => continue,
        };
        let is_whole = skipped < parameter.content.len();
        if let Some(octet) = bytes.get_mut(parameter.offset.saturating_add(skipped)).filter(|_| is_whole)
            && *octet & PRESENTATION == 0
        {
            *octet |= PRESENTATION_RESTRICTED;
            is_changed = true;
        }
    }
    is_changed.then_some(bytes)
}

#[inline]
fn set_number(slot: &mut Option<Number>, parameter: Parameter<'_>) -> Result<(), DecodeError> {
    if slot.is_some() {
        return Err(parameter.error(Kind::Conflict));
    }
    *slot = Some(Number::parse(parameter)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use crate::base::fault::Layer;
    use crate::wire::isup::number::tests::any_number;
    use crate::wire::isup::number::{NatureOfAddress, PLAN_E164, Presentation};
    use proptest::option;
    use proptest::prelude::*;

    /// Circuit 9; called 48221234567 with end signal, calling +447700900123 restricted, hop counter 12.
    const CALL: [u8; 33] = [
        0x09, 0x00, 0x01, 0x11, 0x20, 0x01, 0x0A, 0x03, 0x02, 0x0A, 0x08, 0x04, 0x10, 0x84, 0x22, 0x21, 0x43,
        0x65, 0xF7, 0x0A, 0x08, 0x04, 0x17, 0x44, 0x77, 0x00, 0x09, 0x10, 0x32, 0x3D, 0x01, 0x0C, 0x00,
    ];

    fn parse(bytes: &[u8]) -> Result<Lax<Iam>, DecodeError> {
        Iam::parse(&Message::parse(bytes).unwrap())
    }

    fn any_iam() -> impl Strategy<Value = Iam> {
        let numbers = (
            any_number(),
            option::of(any_number()),
            option::of(any_number()),
            option::of(any_number()),
            option::of(any::<[u8; 2]>()),
        );
        (any::<[u8; 5]>(), numbers, option::of(0..32_u8)).prop_map(|(fixed, numbers, hop_counter)| {
            let (called, calling, redirecting, original_called, redirection_information) = numbers;
            Iam {
                nature_of_connection: fixed[0],
                forward_call: [fixed[1], fixed[2]],
                category: fixed[3],
                transmission_medium: fixed[4],
                called,
                calling,
                redirecting,
                original_called,
                redirection_information,
                hop_counter,
            }
        })
    }

    #[test]
    fn reads_a_call() {
        let Lax { repr: iam, fault } = parse(&CALL).unwrap();
        assert_eq!(fault, None);
        assert_eq!(iam.called.digits.as_slice(), b"48221234567");
        assert_eq!((iam.called.nature, iam.called.plan), (NatureOfAddress::INTERNATIONAL, PLAN_E164));
        let calling = iam.calling.unwrap();
        assert_eq!(calling.digits.as_slice(), b"447700900123");
        assert_eq!(calling.presentation, Presentation::Restricted);
        assert_eq!((iam.category, iam.transmission_medium), (CATEGORY_ORDINARY, MEDIUM_AUDIO));
        assert_eq!(iam.hop_counter, Some(12));
    }

    #[test]
    fn keeps_the_call_when_the_optional_part_is_broken() {
        let mut bytes = CALL;
        bytes[30] = 9;
        let Lax { repr: iam, fault } = parse(&bytes).unwrap();
        assert_eq!(fault, Some(DecodeError { layer: Layer::Isup, offset: 31, kind: Kind::Truncated }));
        assert!(iam.calling.is_some());
        bytes[9] = 0xFF;
        let Lax { repr: iam, fault } = parse(&bytes).unwrap();
        assert_eq!(fault, Some(DecodeError { layer: Layer::Isup, offset: 9, kind: Kind::BadLength }));
        assert!(iam.calling.is_none());
    }

    #[test]
    fn the_first_of_two_calling_numbers_counts() {
        let twice = [&CALL[..29], &CALL[19..29], &[0]].concat();
        let Lax { repr: iam, fault } = parse(&twice).unwrap();
        assert_eq!(fault.map(|fault| (fault.offset, fault.kind)), Some((31, Kind::Conflict)));
        assert!(iam.calling.is_some());
    }

    #[test]
    fn needs_the_called_number() {
        for length in 3..19 {
            assert!(parse(&CALL[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn restricting_the_calling_number_changes_two_bits() {
        let mut call = CALL.to_vec();
        call[22] = 0x13;
        call.pop();
        call.extend([0xC0, 3, 0x06, 0x04, 0x10, 0xC0, 3, 0x05, 0x04, 0x10, 0x00]);
        let restricted = restrict_calling(&Message::parse(&call).unwrap()).unwrap();
        let changed: Vec<_> = (0..call.len()).filter(|index| call[*index] != restricted[*index]).collect();
        assert_eq!((changed, restricted[22]), (vec![22, 36], 0x17));
        assert_eq!(parse(&restricted).unwrap().repr.calling.unwrap().presentation, Presentation::Restricted);
        assert_eq!(restrict_calling(&Message::parse(&CALL).unwrap()), None, "it is already");
        assert_eq!(restrict_calling(&Message::parse(&call[..20]).unwrap()), None);
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(iam in any_iam(), cic in 0..4096_u16) {
            let mut bytes = Vec::new();
            iam.emit(cic, &mut bytes);
            let message = Message::parse(&bytes).unwrap();
            prop_assert_eq!((message.cic, message.message_type), (cic, MessageType::INITIAL_ADDRESS));
            prop_assert_eq!(Iam::parse(&message).unwrap(), Lax { repr: iam, fault: None });
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 3..300)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn a_call_with_a_wrong_octet_is_read_or_refused(at in 3..CALL.len(), value: u8) {
            let mut bytes = CALL;
            bytes[at] = value;
            let _ = parse(&bytes);
        }
    }
}
