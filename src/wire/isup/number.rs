//! Telephone numbers in ISUP: one layout for all of them. ITU-T Q.763 §3.9 (called), §3.10 (calling), §3.16 (connected),
//! §3.30 (location), §3.39 (original called), §3.44 (redirecting), §3.46 (redirection), §3.64 (call transfer), §3.73 and
//! §3.87 (called IN), §3.86 (called directory); T1.113.3 charge number. Where one of them has no presentation, screening
//! or flag, those bits are spare. With a qualifier in front it is the generic number (§3.26), without its second octet
//! the subsequent number (§3.51).

use arrayvec::ArrayVec;

use crate::base::digits::Digits;
use crate::base::fault::Kind;
use crate::base::number::RAW_MAX;
use crate::wire::DecodeError;
use crate::wire::isup::parameter::Parameter;

/// Nature of address indicator (§3.9 b), 7 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NatureOfAddress(pub u8);

impl NatureOfAddress {
    /// Subscriber number.
    pub const SUBSCRIBER: Self = Self(1);
    /// Unknown (national use).
    pub const UNKNOWN: Self = Self(2);
    /// National (significant) number.
    pub const NATIONAL: Self = Self(3);
    /// International number.
    pub const INTERNATIONAL: Self = Self(4);
    /// Network routing number in national format (national use).
    pub const ROUTING_NATIONAL: Self = Self(6);
    /// Network routing number, and the called directory number behind it (national use).
    pub const ROUTING_CONCATENATED: Self = Self(8);

    /// In words; T1.113 uses other codes for charge numbers and for operators.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            1 => "subscriber",
            2 => "unknown",
            3 => "national",
            4 => "international",
            5 => "network specific",
            6 => "network routing, national",
            7 => "network routing, network specific",
            8 => "network routing, with called directory number",
            0x70..=0x7E => "reserved for national use",
            _ => "spare",
        }
    }
}

/// Address presentation restricted indicator (§3.10 e).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Presentation {
    /// Presentation allowed.
    #[default]
    Allowed,
    /// Presentation restricted.
    Restricted,
    /// Address not available: there are no digits.
    NotAvailable,
    /// Reserved for restriction by the network.
    Reserved,
}

impl Presentation {
    /// From the two lowest bits.
    const fn of_bits(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::Allowed,
            1 => Self::Restricted,
            2 => Self::NotAvailable,
            _ => Self::Reserved,
        }
    }

    /// In words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Restricted => "restricted",
            Self::NotAvailable => "not available",
            Self::Reserved => "restricted by the network",
        }
    }
}

/// Numbering plan indicator that says nothing: spare (§3.9 d), unknown in T1.113.
pub const PLAN_UNKNOWN: u8 = 0;
/// Numbering plan indicator of ITU-T E.164 (§3.9 d).
pub const PLAN_E164: u8 = 1;
/// Screening indicator: user provided, verified and passed (§3.10 f).
pub const SCREENING_PASSED: u8 = 1;
/// Screening indicator: network provided (§3.10 f).
pub const SCREENING_NETWORK: u8 = 3;
/// Address signal that ends the number: no more digits will follow (§3.9 e).
const END_SIGNAL: u8 = 0xF;

/// A number as signalled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Number {
    /// Nature of address.
    pub nature: NatureOfAddress,
    /// Bit 8 of the second octet: called number, routing to an internal number not allowed; calling number, incomplete.
    pub flag: bool,
    /// Numbering plan, 3 bits; [`PLAN_E164`] as a rule.
    pub plan: u8,
    /// May the number be shown. Spare in a called number.
    pub presentation: Presentation,
    /// Who vouches for it, 2 bits. Spare in all but calling and generic numbers.
    pub screening: u8,
    /// The digits, with the codes 11 and 12 and the spare ones as `A` to `E`. Cut after [`RAW_MAX`].
    pub digits: Digits,
    /// The end signal (ST) followed the digits.
    pub ended: bool,
}

/// A generic number (§3.26): a number, and what it is to the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenericNumber {
    /// Number qualifier indicator (§3.26 a), such as [`ADDITIONAL_CALLING`](super::parameter::ADDITIONAL_CALLING).
    pub qualifier: u8,
    /// The number.
    pub number: Number,
}

impl GenericNumber {
    /// Reads the content of a parameter.
    ///
    /// # Errors
    /// [`Kind::BadLength`] under three octets.
    #[inline]
    pub fn parse(parameter: Parameter<'_>) -> Result<Self, DecodeError> {
        let Some((qualifier, content)) = parameter.content.split_first() else {
            return Err(parameter.error(Kind::BadLength));
        };
        let offset = parameter.offset.saturating_add(1);
        let number = Number::parse(Parameter { offset, content, ..parameter })?;
        Ok(Self { qualifier: *qualifier, number })
    }

    /// Content of the parameter that says it.
    #[must_use]
    pub fn content(&self) -> ArrayVec<u8, { RAW_MAX / 2 + 4 }> {
        let mut content = ArrayVec::new();
        content.push(self.qualifier);
        content.extend(self.number.content());
        content
    }

    /// The qualifier in words.
    #[must_use]
    pub const fn qualifier_name(&self) -> &'static str {
        match self.qualifier {
            0x00 => "dialled digits",
            0x01 => "additional called",
            0x02 => "user provided, failed screening",
            0x03 => "user provided, not screened",
            0x04 => "redirecting terminating",
            0x05 => "additional connected",
            0x06 => "additional calling",
            0x07 => "additional original called",
            0x08 => "additional redirecting",
            0x09 => "additional redirection",
            0x80..=0xFE => "national",
            _ => "spare",
        }
    }
}

/// A subsequent number (§3.51): digits that come after those of the called number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubsequentNumber {
    /// The digits, with the codes 11 and 12 and the spare ones as `A` to `E`. Cut after [`RAW_MAX`].
    pub digits: Digits,
    /// The end signal (ST) followed the digits.
    pub ended: bool,
}

impl SubsequentNumber {
    /// Reads the content of a parameter. The digits end at the first end signal.
    ///
    /// # Errors
    /// [`Kind::BadLength`] when it is empty.
    #[inline]
    pub fn parse(parameter: Parameter<'_>) -> Result<Self, DecodeError> {
        let [first, signals @ ..] = parameter.content else {
            return Err(parameter.error(Kind::BadLength));
        };
        let (digits, ended) = read_signals(signals, first & 0x80 != 0);
        Ok(Self { digits, ended })
    }

    /// Content of the parameter that says it.
    #[must_use]
    pub fn content(&self) -> ArrayVec<u8, { RAW_MAX / 2 + 2 }> {
        let mut content = ArrayVec::new();
        let digits = self.digits.text();
        let signals = signals_of(&digits, self.ended);
        content.push(u8::from(signals.is_odd) << 7);
        content.extend(signals);
        content
    }
}

impl Number {
    /// Reads the content of a parameter. The digits end at the first end signal.
    ///
    /// # Errors
    /// [`Kind::BadLength`] under two octets.
    #[inline]
    pub fn parse(parameter: Parameter<'_>) -> Result<Self, DecodeError> {
        let mut number = Self::default();
        number.read(parameter)?;
        Ok(number)
    }

    /// The same in place: whoever keeps a number lets it be read to where he keeps it. To be moved there, the whole would have
    /// to wait for its parts.
    ///
    /// # Errors
    /// As [`Number::parse`].
    #[inline]
    pub(super) fn read(&mut self, parameter: Parameter<'_>) -> Result<(), DecodeError> {
        let [first, second, signals @ ..] = parameter.content else {
            return Err(parameter.error(Kind::BadLength));
        };
        (self.digits, self.ended) = read_signals(signals, first & 0x80 != 0);
        self.nature = NatureOfAddress(first & 0x7F);
        self.flag = second & 0x80 != 0;
        self.plan = second >> 4 & 7;
        self.presentation = Presentation::of_bits(second >> 2);
        self.screening = second & 3;
        Ok(())
    }

    /// Content of the parameter that says it.
    #[must_use]
    pub fn content(&self) -> ArrayVec<u8, { RAW_MAX / 2 + 3 }> {
        let digits = self.digits.text();
        let signals = signals_of(&digits, self.ended);
        let mut content = ArrayVec::new();
        content.push(u8::from(signals.is_odd) << 7 | self.nature.0 & 0x7F);
        content.push(
            u8::from(self.flag) << 7
                | (self.plan & 7) << 4
                | (self.presentation as u8) << 2
                | self.screening & 3,
        );
        content.extend(signals);
        content
    }
}

/// Digits of octets, in ASCII, without an end signal and what follows it.
pub(super) fn unpacked(octets: &[u8], is_odd: bool) -> ArrayVec<u8, RAW_MAX> {
    read_signals(octets, is_odd).0.text()
}

/// Octets of digits.
pub(super) fn packed(digits: &[u8]) -> impl Iterator<Item = u8> {
    signals_of(digits, false)
}

/// Packs digits, and the end signal if they are ended, two to an octet.
fn signals_of(digits: &[u8], ended: bool) -> Signals<'_> {
    Signals { is_odd: (digits.len() & 1 == 1) != ended, digits, end: ended.then_some(END_SIGNAL) }
}

/// Octets of signals still to be written.
struct Signals<'a> {
    is_odd: bool,
    digits: &'a [u8],
    end: Option<u8>,
}

impl Signals<'_> {
    fn signal(&mut self) -> Option<u8> {
        match self.digits {
            [first, rest @ ..] => {
                self.digits = rest;
                Some(signal_of(*first))
            }
            [] => self.end.take(),
        }
    }
}

impl Iterator for Signals<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let low = self.signal()?;
        Some(self.signal().unwrap_or_default() << 4 | low)
    }
}

/// Reads address signals, the low half of each octet first; with an odd count the last high half is filler. What
/// follows an end signal is no longer part of the number.
#[inline]
fn read_signals(octets: &[u8], is_odd: bool) -> (Digits, bool) {
    let signals = word_of(octets);
    // A bit where all four of a signal are set, which END_SIGNAL alone has.
    let pairs = signals & signals >> 1;
    let ends = pairs & pairs >> 2 & u128::from_le_bytes([0x11; SIGNALS_MAX]);
    let end = (ends.trailing_zeros() >> 2) as usize;
    let count = octets.len().saturating_mul(2).saturating_sub(usize::from(is_odd)).min(RAW_MAX);
    (Digits::of_packed(signals, count.min(end)), end < count)
}

/// Octets that the signals of the longest number kept take.
const SIGNALS_MAX: usize = RAW_MAX / 2;

/// The octets as one word, the first in its lowest bits; of more than 16 the first. Those of all but the shortest numbers are
/// read as their first and their last half, which may overlap: the same then stands in the same place twice. A copy octet by
/// octet would have to be complete before the word could be read from it.
#[inline]
fn word_of(octets: &[u8]) -> u128 {
    let bits_before = |last: usize| (octets.len().saturating_sub(last) as u32).saturating_mul(u8::BITS);
    if let Some(all) = octets.first_chunk() {
        u128::from_le_bytes(*all)
    } else if let (Some(first), Some(last)) = (octets.first_chunk(), octets.last_chunk()) {
        let last = u128::from(u64::from_le_bytes(*last)).wrapping_shl(bits_before(8));
        u128::from(u64::from_le_bytes(*first)) | last
    } else if let (Some(first), Some(last)) = (octets.first_chunk(), octets.last_chunk()) {
        let last = u64::from(u32::from_le_bytes(*last)).wrapping_shl(bits_before(4));
        u128::from(u64::from(u32::from_le_bytes(*first)) | last)
    } else {
        octets.iter().rev().fold(0, |word, octet| word << 8 | u128::from(*octet))
    }
}

const fn signal_of(digit: u8) -> u8 {
    match digit {
        b'A'..=b'E' => digit.wrapping_sub(b'A').wrapping_add(10),
        _ => digit & 0xF,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;

    fn parameter(content: &[u8]) -> Parameter<'_> {
        Parameter { code: 0, offset: 10, content }
    }

    pub(crate) fn any_number() -> impl Strategy<Value = Number> {
        let digits = proptest::collection::vec(prop_oneof![b'0'..=b'9', b'A'..=b'E'], 0..=RAW_MAX);
        let flags = (any::<bool>(), any::<bool>(), 0..8_u8, 0..4_u8, 0..4_u8, 0..0x80_u8);
        (digits, flags).prop_map(|(digits, (flag, ended, plan, presentation, screening, nature))| Number {
            nature: NatureOfAddress(nature),
            flag,
            plan,
            presentation: Presentation::of_bits(presentation),
            screening,
            // A number that fills the buffer has no room left in which to see the end signal.
            ended: ended && digits.len() < RAW_MAX,
            digits: digits.into_iter().collect(),
        })
    }

    #[test]
    fn reads_an_odd_called_number_with_end_signal() {
        let number = Number::parse(parameter(&[0x03, 0x90, 0x84, 0x06, 0x21, 0xF3])).unwrap();
        assert_eq!(number.digits.text().as_slice(), b"4860123");
        assert!(number.ended && number.flag);
        assert_eq!((number.nature, number.plan), (NatureOfAddress::NATIONAL, PLAN_E164));
        let odd = Number::parse(parameter(&[0x84, 0x17, 0x21, 0x43, 0x05])).unwrap();
        assert_eq!(odd.digits.text().as_slice(), b"12345");
        assert_eq!((odd.presentation, odd.screening), (Presentation::Restricted, SCREENING_NETWORK));
    }

    #[test]
    fn reads_a_number_that_is_not_available() {
        let number = Number::parse(parameter(&[0x00, 0x0B])).unwrap();
        assert_eq!(number.presentation, Presentation::NotAvailable);
        assert!(number.digits.is_empty());
        assert_eq!(Number::parse(parameter(&[0x84])), Err(parameter(&[]).error(Kind::BadLength)));
    }

    #[test]
    fn cuts_what_no_number_is_long_enough_for() {
        let number = Number::parse(parameter(&[0x21; 255])).unwrap();
        assert_eq!(number.digits.len(), RAW_MAX);
    }

    #[test]
    fn every_signal_is_read() {
        let all = parameter(&[0x03, 0x10, 0x10, 0x32, 0x54, 0x76, 0x98, 0xBA, 0xDC, 0x0E]);
        let odd =
            Number::parse(Parameter { content: &[&[0x83], &all.content[1..]].concat(), ..all }).unwrap();
        assert_eq!(odd.digits.text().as_slice(), b"0123456789ABCDE");
        // The filler of an odd number is not read, whatever it is, and nothing after an end signal is.
        for (content, digits, ended) in [
            (&[0x83, 0x10, 0x21, 0xF3][..], &b"123"[..], false),
            (&[0x03, 0x10, 0x21, 0xF3], b"123", true),
            (&[0x03, 0x10, 0x2F, 0x43], b"", true),
            (&[0x83, 0x10, 0xF1, 0x55, 0x05], b"1", true),
            (&[0x83, 0x10], b"", false),
            (&[0x83, 0x10, 0x07], b"7", false),
        ] {
            let number = Number::parse(parameter(content)).unwrap();
            assert_eq!((number.digits.text().as_slice(), number.ended), (digits, ended), "{content:02X?}");
        }
    }

    proptest! {
        #[test]
        fn reads_the_generic_number_it_wrote(qualifier: u8, number in any_number()) {
            let generic = GenericNumber { qualifier, number };
            prop_assert_eq!(GenericNumber::parse(parameter(&generic.content())).unwrap(), generic);
        }

        #[test]
        fn reads_the_subsequent_number_it_wrote(number in any_number()) {
            let Number { digits, ended, .. } = number;
            let subsequent = SubsequentNumber { digits, ended };
            prop_assert_eq!(SubsequentNumber::parse(parameter(&subsequent.content())).unwrap(), subsequent);
        }

        #[test]
        fn reads_what_it_wrote(number in any_number()) {
            prop_assert_eq!(Number::parse(parameter(&number.content())).unwrap(), number);
        }

        #[test]
        fn any_content_is_read_or_refused(content in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(Number::parse(parameter(&content)).is_ok(), content.len() >= 2);
        }
    }
}
