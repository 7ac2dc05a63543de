//! Initial address message: a call wants to be set up. ITU-T Q.763 table 32, T1.113.3; parameters §3.5, §3.9 to §3.11,
//! §3.23, §3.26, §3.35, §3.39, §3.44, §3.45, §3.54, §3.57, §3.80.

use arrayvec::ArrayVec;

use crate::base::fault::Kind;
use crate::wire::DecodeError;
use crate::wire::isup::number::{GenericNumber, Number};
use crate::wire::isup::parameter::{self, Parameter, Pointers};
use crate::wire::isup::{Lax, Message, MessageType, Variant, emit_header_as};

/// One variable parameter behind five fixed octets.
const POINTERS: Pointers = Pointers::with_optional(5, 1);
/// Of T1.113: the user service information comes before the called number, and there is no transmission medium
/// requirement.
const ANSI_POINTERS: Pointers = Pointers::with_optional(4, 2);
/// Longest user service information (Q.763 §3.57), in octets; what is longer is cut.
const SERVICE_MAX: usize = 11;

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
    /// Transmission medium requirement (§3.54). Not in T1.113.
    pub transmission_medium: u8,
    /// User service information (§3.57): mandatory in T1.113, else empty when it is not sent.
    pub user_service: ArrayVec<u8, SERVICE_MAX>,
    /// Called party number.
    pub called: Number,
    /// Called directory number (§3.86), where the called number is a network's routing number (national use).
    pub called_directory: Option<Number>,
    /// Calling party number.
    pub calling: Option<Number>,
    /// The number to be shown for the calling one: generic number "additional calling party number" (§3.26).
    pub additional_calling: Option<Number>,
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
    pub fn parse(message: &Message<'_>) -> Result<Lax<Self>, DecodeError> {
        let mut repr = Self::default();
        let fault = repr.read(message, |_| {})?;
        Ok(Lax { repr, fault })
    }

    /// The same into one that is empty, so that none is moved; hands every optional parameter to `note`, in their order. The
    /// first fault in the optional part.
    ///
    /// # Errors
    /// As [`Iam::parse`].
    #[inline]
    pub fn read(
        &mut self,
        message: &Message<'_>,
        mut note: impl FnMut(Parameter<'_>),
    ) -> Result<Option<DecodeError>, DecodeError> {
        let (called, pointers) = match message.variant {
            Variant::Ansi => (self.take_ansi(message)?, ANSI_POINTERS),
            Variant::Bicc | Variant::China | Variant::Itu => (self.take_itu(message)?, POINTERS),
        };
        self.called.read(called)?;
        let is_elsewhere = message.is_among(pointers, called) || message.is_in_optional(pointers, called);
        let mut fault = is_elsewhere.then(|| called.error(Kind::Overlap));
        if message.variant == Variant::Ansi
            && let Err(error) = self.take_service(message, &mut note)
        {
            fault.get_or_insert(error);
        }
        for parameter in message.optional(pointers) {
            let taken = match parameter {
                Ok(parameter) => {
                    note(parameter);
                    self.take(parameter)
                }
                Err(error) => Err(error),
            };
            fault = fault.or(taken.err());
        }
        Ok(fault)
    }

    /// Whether exchanges may read another call of a message that has a fault: any of its faults counts, wherever it stands.
    /// That is a called number that cannot be read, a pointer or a length that leads elsewhere, octets of two parameters, or
    /// a parameter twice that is not the same twice.
    #[cold]
    #[must_use]
    pub fn is_ambiguous(message: &Message<'_>) -> bool {
        let Ok(Lax { repr: own, .. }) = Self::parse(message) else { return true };
        let is_ansi = message.variant == Variant::Ansi;
        let (pointers, index) = if is_ansi { (ANSI_POINTERS, 1) } else { (POINTERS, 0) };
        let is_elsewhere = message.variable(pointers, index).is_ok_and(|called| {
            message.is_among(pointers, called) || message.is_in_optional(pointers, called)
        });
        is_elsewhere
            || is_ansi && message.variable(pointers, 0).is_err()
            || message.optional(pointers).any(|parameter| match parameter {
                Ok(parameter) => own.is_contradicted(parameter),
                // Without the octet that ends it all read the same.
                Err(error) => error.kind != Kind::Missing,
            })
    }

    /// Whether a parameter says something else than what was read of one with its code: exchanges may take either.
    fn is_contradicted(&self, parameter: Parameter<'_>) -> bool {
        let mut alone = Self::default();
        // One that cannot be read says nothing, which may be something else, too.
        let _ = alone.take(parameter);
        match (parameter.code, parameter.content.first()) {
            (parameter::CALLING_NUMBER, _) => alone.calling != self.calling,
            (parameter::CALLED_DIRECTORY_NUMBER, _) => alone.called_directory != self.called_directory,
            (parameter::REDIRECTING_NUMBER, _) => alone.redirecting != self.redirecting,
            (parameter::ORIGINAL_CALLED_NUMBER, _) => alone.original_called != self.original_called,
            (parameter::REDIRECTION_INFORMATION, _) => {
                alone.redirection_information != self.redirection_information
            }
            (parameter::HOP_COUNTER, _) => alone.hop_counter != self.hop_counter,
            (parameter::GENERIC_NUMBER, Some(&parameter::ADDITIONAL_CALLING)) => {
                alone.additional_calling != self.additional_calling
            }
            _ => false,
        }
    }

    /// The mandatory parts by Q.763, up to the called number.
    #[inline]
    fn take_itu<'a>(&mut self, message: &Message<'a>) -> Result<Parameter<'a>, DecodeError> {
        let [nature_of_connection, forward_1, forward_2, category, transmission_medium] = message.fixed()?;
        self.nature_of_connection = nature_of_connection;
        self.forward_call = [forward_1, forward_2];
        self.category = category;
        self.transmission_medium = transmission_medium;
        message.variable(POINTERS, 0)
    }

    /// The same by T1.113.
    fn take_ansi<'a>(&mut self, message: &Message<'a>) -> Result<Parameter<'a>, DecodeError> {
        let [nature_of_connection, forward_1, forward_2, category] = message.fixed()?;
        self.nature_of_connection = nature_of_connection;
        self.forward_call = [forward_1, forward_2];
        self.category = category;
        message.variable(ANSI_POINTERS, 1)
    }

    /// The mandatory user service information of T1.113: a call whose pointer to it lies is still one.
    fn take_service(
        &mut self,
        message: &Message<'_>,
        note: &mut impl FnMut(Parameter<'_>),
    ) -> Result<(), DecodeError> {
        let service = message.variable(ANSI_POINTERS, 0)?;
        note(Parameter { code: parameter::USER_SERVICE_INFORMATION, ..service });
        self.user_service = service.content.iter().copied().take(SERVICE_MAX).collect();
        Ok(())
    }

    #[inline]
    fn take(&mut self, parameter: Parameter<'_>) -> Result<(), DecodeError> {
        match parameter.code {
            parameter::CALLING_NUMBER => set_number(&mut self.calling, parameter),
            parameter::CALLED_DIRECTORY_NUMBER => set_number(&mut self.called_directory, parameter),
            parameter::REDIRECTING_NUMBER => set_number(&mut self.redirecting, parameter),
            parameter::ORIGINAL_CALLED_NUMBER => set_number(&mut self.original_called, parameter),
            parameter::REDIRECTION_INFORMATION => set(&mut self.redirection_information, parameter, two),
            parameter::HOP_COUNTER => set(&mut self.hop_counter, parameter, |parameter| {
                Ok(parameter.content.first().ok_or(parameter.error(Kind::BadLength))? & 0x1F)
            }),
            parameter::GENERIC_NUMBER
                if parameter.content.first() == Some(&parameter::ADDITIONAL_CALLING) =>
            {
                set(&mut self.additional_calling, parameter, |parameter| {
                    GenericNumber::parse(parameter).map(|generic| generic.number)
                })
            }
            parameter::USER_SERVICE_INFORMATION if self.user_service.is_empty() => {
                self.user_service = parameter.content.iter().copied().take(SERVICE_MAX).collect();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Writes the whole message by Q.763.
    pub fn emit(&self, cic: u32, out: &mut Vec<u8>) {
        self.emit_as(Variant::Itu, cic, out);
    }

    /// Writes the whole message.
    pub fn emit_as(&self, variant: Variant, cic: u32, out: &mut Vec<u8>) {
        emit_header_as(variant, cic, MessageType::INITIAL_ADDRESS, out);
        let [forward_1, forward_2] = self.forward_call;
        out.extend([self.nature_of_connection, forward_1, forward_2, self.category]);
        let called = self.called.content();
        let octets = |content: &[u8]| u8::try_from(content.len()).unwrap_or(u8::MAX);
        let mut optional = Vec::new();
        self.emit_optional(variant, &mut optional);
        // From its own octet a pointer passes those behind it, and the contents before its own with their lengths.
        let mut distance = octets(&called).saturating_add(2);
        if variant == Variant::Ansi {
            let service = octets(&self.user_service);
            out.extend([3, service.saturating_add(3)]);
            distance = distance.saturating_add(service).saturating_add(1);
        } else {
            out.extend([self.transmission_medium, 2]);
        }
        out.push(if optional.is_empty() { 0 } else { distance });
        if variant == Variant::Ansi {
            out.push(octets(&self.user_service));
            out.extend_from_slice(&self.user_service);
        }
        out.push(octets(&called));
        out.extend_from_slice(&called);
        out.extend(optional);
    }

    fn emit_optional(&self, variant: Variant, out: &mut Vec<u8>) {
        for (code, number) in [
            (parameter::CALLING_NUMBER, &self.calling),
            (parameter::REDIRECTING_NUMBER, &self.redirecting),
            (parameter::ORIGINAL_CALLED_NUMBER, &self.original_called),
            (parameter::CALLED_DIRECTORY_NUMBER, &self.called_directory),
        ] {
            if let Some(number) = number {
                Parameter::emit(code, &number.content(), out);
            }
        }
        if let Some(information) = self.redirection_information {
            Parameter::emit(parameter::REDIRECTION_INFORMATION, &information, out);
        }
        if variant != Variant::Ansi && !self.user_service.is_empty() {
            Parameter::emit(parameter::USER_SERVICE_INFORMATION, &self.user_service, out);
        }
        if let Some(counter) = self.hop_counter {
            Parameter::emit(parameter::HOP_COUNTER, &[counter & 0x1F], out);
        }
        if let Some(number) = &self.additional_calling {
            let generic = GenericNumber { qualifier: parameter::ADDITIONAL_CALLING, number: *number };
            Parameter::emit(parameter::GENERIC_NUMBER, &generic.content(), out);
        }
        if !out.is_empty() {
            Parameter::emit_end(out);
        }
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

/// Redirection information: its second octet, counter and reason of the last redirection, may be missing (§3.45).
#[inline]
fn two(parameter: Parameter<'_>) -> Result<[u8; 2], DecodeError> {
    match *parameter.content {
        [indicator, reason, ..] => Ok([indicator, reason]),
        [indicator] => Ok([indicator, 0]),
        [] => Err(parameter.error(Kind::BadLength)),
    }
}

/// See [`set`].
fn set_number(slot: &mut Option<Number>, parameter: Parameter<'_>) -> Result<(), DecodeError> {
    if slot.is_some() {
        return Err(parameter.error(Kind::Conflict));
    }
    let read = slot.insert(Number::default()).read(parameter);
    if read.is_err() {
        *slot = None;
    }
    read
}

/// Of what is sent twice the first counts (Q.764 §2.9.5.2).
#[inline]
fn set<T>(
    slot: &mut Option<T>,
    parameter: Parameter<'_>,
    read: impl FnOnce(Parameter<'_>) -> Result<T, DecodeError>,
) -> Result<(), DecodeError> {
    if slot.is_some() {
        return Err(parameter.error(Kind::Conflict));
    }
    *slot = Some(read(parameter)?);
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
            option::of(any_number()),
            proptest::collection::vec(any::<u8>(), 0..=SERVICE_MAX),
        );
        (any::<[u8; 5]>(), numbers, option::of(0..32_u8)).prop_map(|(fixed, numbers, hop_counter)| {
            let (called, calling, redirecting, original_called, redirection_information, additional, service) =
                numbers;
            Iam {
                nature_of_connection: fixed[0],
                forward_call: [fixed[1], fixed[2]],
                category: fixed[3],
                transmission_medium: fixed[4],
                user_service: service.into_iter().collect(),
                called,
                called_directory: None,
                calling,
                additional_calling: additional,
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
        assert_eq!(iam.called.digits.text().as_slice(), b"48221234567");
        assert_eq!((iam.called.nature, iam.called.plan), (NatureOfAddress::INTERNATIONAL, PLAN_E164));
        let calling = iam.calling.unwrap();
        assert_eq!(calling.digits.text().as_slice(), b"447700900123");
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
        // That it is there twice is a fault; that both say the same leaves nothing to choose.
        assert!(!Iam::is_ambiguous(&Message::parse(&twice).unwrap()));
        let mut other = twice;
        other[37] ^= 1;
        let Lax { repr: iam, fault } = parse(&other).unwrap();
        assert_eq!((iam.calling, fault.is_some()), (parse(&CALL).unwrap().repr.calling, true));
        assert!(Iam::is_ambiguous(&Message::parse(&other).unwrap()));
    }

    #[test]
    fn needs_the_called_number() {
        for length in 3..19 {
            assert!(parse(&CALL[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_pointer_that_lies_costs_no_more_than_what_it_finds() {
        // T1.113: the user service information lies past the end, and the called number among the pointers.
        let mut bytes = Vec::new();
        let number = parse(&CALL).unwrap().repr.called;
        Iam { called: number, ..Iam::default() }.emit_as(Variant::Ansi, 9, &mut bytes);
        bytes[7] = 0xFF;
        let Lax { repr: iam, fault } =
            Iam::parse(&Message::parse_as(Variant::Ansi, &bytes).unwrap()).unwrap();
        let expected = DecodeError { layer: Layer::Isup, offset: 7, kind: Kind::BadLength };
        assert_eq!((iam.called, fault), (number, Some(expected)));
        let among = [9, 0, 1, 0, 0, 0, 10, 3, 1, 4, 0x04, 0x10, 0x84, 0x06, 0];
        let Lax { repr: iam, fault } = parse(&among).unwrap();
        assert_eq!(
            (iam.called.digits.text().as_slice(), fault.map(|fault| fault.kind)),
            (&b"4860"[..], Some(Kind::Overlap))
        );
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
        fn reads_what_it_wrote(iam in any_iam(), cic: u32) {
            for variant in [Variant::Ansi, Variant::Bicc, Variant::China, Variant::Itu] {
                let is_ansi = variant == Variant::Ansi;
                let transmission_medium = if is_ansi { 0 } else { iam.transmission_medium };
                let iam = Iam { transmission_medium, ..iam.clone() };
                let mut bytes = Vec::new();
                iam.emit_as(variant, cic, &mut bytes);
                let message = Message::parse_as(variant, &bytes).unwrap();
                let expected = (cic & variant.cic_max(), MessageType::INITIAL_ADDRESS);
                prop_assert_eq!((message.cic, message.message_type), expected);
                prop_assert_eq!(Iam::parse(&message).unwrap(), Lax { repr: iam.clone(), fault: None });
                prop_assert!(message.parameters().all(|found| found.is_ok_and(|found| found.fault.is_none())));
            }
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
