//! Telephone numbers in ISUP. ITU-T Q.763 §3.9 (called), §3.10 (calling), §3.39 (original called), §3.44 (redirecting):
//! one layout, in which the called number leaves presentation and screening spare.

use arrayvec::ArrayVec;

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

/// Numbering plan indicator of ITU-T E.164 (§3.9 d).
pub const PLAN_E164: u8 = 1;
/// Screening indicator: user provided, verified and passed (§3.10 f).
pub const SCREENING_PASSED: u8 = 1;
/// Screening indicator: network provided (§3.10 f).
pub const SCREENING_NETWORK: u8 = 3;
/// Address signal that ends the number: no more digits will follow (§3.9 e).
const END_SIGNAL: u8 = 0xF;
/// What [`END_SIGNAL`] is read as before it is stripped.
const END_DIGIT: u8 = digit_of(END_SIGNAL);

/// A number as signalled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Digits in ASCII; the codes 11 and 12 and the spare ones are `A` to `E`. Cut after [`RAW_MAX`].
    pub digits: ArrayVec<u8, RAW_MAX>,
    /// The end signal (ST) followed the digits.
    pub ended: bool,
}

impl Number {
    /// Reads the content of a parameter. The digits end at the first end signal.
    ///
    /// # Errors
    /// [`Kind::BadLength`] under two octets.
    #[inline]
    pub fn parse(parameter: Parameter<'_>) -> Result<Self, DecodeError> {
        let [first, second, signals @ ..] = parameter.content else {
            return Err(parameter.error(Kind::BadLength));
        };
        let (digits, ended) = read_signals(signals, first & 0x80 != 0);
        Ok(Self {
            nature: NatureOfAddress(first & 0x7F),
            flag: second & 0x80 != 0,
            plan: second >> 4 & 7,
            presentation: match second >> 2 & 3 {
                0 => Presentation::Allowed,
                1 => Presentation::Restricted,
                2 => Presentation::NotAvailable,
                _ => Presentation::Reserved,
            },
            screening: second & 3,
            digits,
            ended,
        })
    }

    /// Content of the parameter that says it.
    #[must_use]
    pub fn content(&self) -> ArrayVec<u8, { RAW_MAX / 2 + 3 }> {
        let signals = self.digits.iter().copied().map(signal_of).chain(self.ended.then_some(END_SIGNAL));
        let is_odd = signals.clone().count() & 1 == 1;
        let mut content = ArrayVec::new();
        content.push(u8::from(is_odd) << 7 | self.nature.0 & 0x7F);
        content.push(
            u8::from(self.flag) << 7
                | (self.plan & 7) << 4
                | (self.presentation as u8) << 2
                | self.screening & 3,
        );
        let mut signals = signals;
        while let Some(low) = signals.next() {
            content.push(signals.next().unwrap_or_default() << 4 | low);
        }
        content
    }
}

/// Unpacks address signals, the low half of each octet first; with an odd count the last high half is filler.
#[inline]
fn read_signals(octets: &[u8], is_odd: bool) -> (ArrayVec<u8, RAW_MAX>, bool) {
    let mut digits = [0; RAW_MAX];
    for ([low, high], octet) in digits.as_chunks_mut().0.iter_mut().zip(octets) {
        *low = digit_of(octet & 0xF);
        *high = digit_of(octet >> 4);
    }
    let count = octets.len().saturating_mul(2).saturating_sub(usize::from(is_odd)).min(RAW_MAX);
    let end = digits.iter().take(count).position(|digit| *digit == END_DIGIT);
    let mut digits = ArrayVec::from(digits);
    digits.truncate(end.unwrap_or(count));
    (digits, end.is_some())
}

#[inline]
const fn digit_of(signal: u8) -> u8 {
    if signal < 10 { b'0'.wrapping_add(signal) } else { b'A'.wrapping_add(signal.wrapping_sub(10)) }
}

const fn signal_of(digit: u8) -> u8 {
    match digit {
        b'A'..=b'E' => digit.wrapping_sub(b'A').wrapping_add(10),
        _ => digit & 0xF,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]

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
            presentation: [
                Presentation::Allowed,
                Presentation::Restricted,
                Presentation::NotAvailable,
                Presentation::Reserved,
            ]
            .into_iter()
            .nth(usize::from(presentation))
            .unwrap(),
            screening,
            // A number that fills the buffer has no room left in which to see the end signal.
            ended: ended && digits.len() < RAW_MAX,
            digits: digits.into_iter().collect(),
        })
    }

    #[test]
    fn reads_an_odd_called_number_with_end_signal() {
        let number = Number::parse(parameter(&[0x03, 0x90, 0x84, 0x06, 0x21, 0xF3])).unwrap();
        assert_eq!(number.digits.as_slice(), b"4860123");
        assert!(number.ended && number.flag);
        assert_eq!((number.nature, number.plan), (NatureOfAddress::NATIONAL, PLAN_E164));
        let odd = Number::parse(parameter(&[0x84, 0x17, 0x21, 0x43, 0x05])).unwrap();
        assert_eq!(odd.digits.as_slice(), b"12345");
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

    proptest! {
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
