//! What a parameter says, by its code: for whoever shows a message. What has no form here is carried as its octets.

use std::fmt;

use arrayvec::ArrayVec;

use crate::base::fault::Kind;
use crate::base::number::RAW_MAX;
use crate::wire::DecodeError;
use crate::wire::isup::Variant;
use crate::wire::isup::apm::ApplicationTransport;
use crate::wire::isup::digits::{Carrier, GenericDigits, jurisdiction};
use crate::wire::isup::group::RangeAndStatus;
use crate::wire::isup::indicator::{Redirection, category_name, event_name, reason_name};
use crate::wire::isup::number::{GenericNumber, Number, SubsequentNumber};
use crate::wire::isup::parameter::{self, Parameter};
use crate::wire::isup::release::{CODING_ITU, CauseIndicators};
use crate::wire::isup::walk::Found;

/// What a parameter says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// Calling party's category, in words.
    Category(&'static str),
    /// Cause indicators.
    Cause(CauseIndicators<'a>),
    /// Carrier identification, transit network selection.
    Carrier(Carrier),
    /// Generic digits.
    Digits(GenericDigits<'a>),
    /// Event information, in words.
    Event(&'static str),
    /// Hop counter.
    Hops(u8),
    /// Jurisdiction information.
    Jurisdiction(ArrayVec<u8, RAW_MAX>),
    /// Any of the parameters that are numbers.
    Number(Number),
    /// Generic number.
    Generic(GenericNumber),
    /// What is carried as it is.
    Octets(&'a [u8]),
    /// Range and status.
    Range(RangeAndStatus),
    /// Redirection information.
    Redirection(Redirection),
    /// Subsequent number.
    Subsequent(SubsequentNumber),
    /// Application transport.
    Transport(ApplicationTransport<'a>),
}

impl<'a> Content<'a> {
    /// Reads what a parameter with a code says.
    ///
    /// # Errors
    /// When it is too short for what its code stands for.
    pub fn parse(variant: Variant, parameter: Parameter<'a>) -> Result<Self, DecodeError> {
        let first = || parameter.content.first().copied().ok_or(parameter.error(Kind::BadLength));
        Ok(match parameter.code {
            parameter::CALLING_CATEGORY => Self::Category(category_name(variant, first()?)),
            parameter::CAUSE_INDICATORS => Self::Cause(CauseIndicators::parse(parameter)?),
            parameter::TRANSIT_NETWORK_SELECTION if variant == Variant::Ansi => {
                Self::Carrier(Carrier::parse_ansi(parameter)?)
            }
            parameter::TRANSIT_NETWORK_SELECTION => Self::Carrier(Carrier::parse_transit(parameter)?),
            parameter::CARRIER_IDENTIFICATION if variant == Variant::Ansi => {
                Self::Carrier(Carrier::parse_ansi(parameter)?)
            }
            parameter::GENERIC_DIGITS => Self::Digits(GenericDigits::parse(parameter)?),
            parameter::EVENT_INFORMATION => Self::Event(event_name(first()?)),
            parameter::HOP_COUNTER => Self::Hops(first()? & 0x1F),
            parameter::JURISDICTION if variant == Variant::Ansi => {
                Self::Jurisdiction(jurisdiction(parameter))
            }
            parameter::GENERIC_NUMBER => Self::Generic(GenericNumber::parse(parameter)?),
            parameter::RANGE_AND_STATUS => Self::Range(RangeAndStatus::parse(parameter)?),
            parameter::REDIRECTION_INFORMATION => Self::Redirection(Redirection::parse(parameter)?),
            parameter::SUBSEQUENT_NUMBER => Self::Subsequent(SubsequentNumber::parse(parameter)?),
            parameter::APPLICATION_TRANSPORT => Self::Transport(ApplicationTransport::parse(parameter)?),
            code if is_number(variant, code) => Self::Number(Number::parse(parameter)?),
            _ => Self::Octets(parameter.content),
        })
    }
}

impl<'a> Found<'a> {
    /// What it says.
    ///
    /// # Errors
    /// As [`Content::parse`].
    pub fn content(&self) -> Result<Content<'a>, DecodeError> {
        Content::parse(self.variant(), self.parameter)
    }
}

const fn is_number(variant: Variant, code: u8) -> bool {
    match code {
        parameter::CALLED_NUMBER
        | parameter::CALLING_NUMBER
        | parameter::REDIRECTING_NUMBER
        | parameter::REDIRECTION_NUMBER
        | parameter::CONNECTED_NUMBER
        | parameter::ORIGINAL_CALLED_NUMBER
        | parameter::LOCATION_NUMBER
        | parameter::CALL_TRANSFER_NUMBER
        | parameter::CALLED_IN_NUMBER
        | parameter::CALLED_DIRECTORY_NUMBER
        | parameter::ORIGINAL_CALLED_IN_NUMBER => true,
        parameter::CHARGE_NUMBER => matches!(variant, Variant::Ansi),
        _ => false,
    }
}

/// In a line, without line breaks or characters that cannot be shown.
impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Category(name) | Self::Event(name) => f.write_str(name),
            Self::Cause(cause) => {
                write!(f, "{}, location {}", cause.cause.value, cause.cause.location)?;
                if cause.cause.coding == CODING_ITU {
                    Ok(())
                } else {
                    write!(f, ", coding {}", cause.cause.coding)
                }
            }
            Self::Carrier(carrier) => write!(f, "{}, plan {}", text(&carrier.digits), carrier.plan),
            Self::Digits(digits) => match digits.digits() {
                Some(found) => write!(f, "{}, type {}", text(&found), digits.kind),
                None => write!(f, "coding {}, type {}", digits.encoding.0, digits.kind),
            },
            Self::Hops(hops) => write!(f, "{hops}"),
            Self::Jurisdiction(digits) => f.write_str(text(digits)),
            Self::Number(number) => show(number, f),
            Self::Generic(generic) => {
                write!(f, "{}: ", generic.qualifier_name())?;
                show(&generic.number, f)
            }
            Self::Octets(octets) => octets.iter().try_for_each(|octet| write!(f, "{octet:02x}")),
            Self::Range(range) => {
                let marked = (0..range.count).filter(|index| range.is_marked(*index)).count();
                write!(f, "{} circuits, {marked} marked", range.count)
            }
            Self::Redirection(redirection) => write!(
                f,
                "{} times, first {}, last {}",
                redirection.counter,
                reason_name(redirection.original_reason),
                reason_name(redirection.reason)
            ),
            Self::Subsequent(number) => {
                write!(f, "{}{}", number.digits, if number.ended { " ST" } else { "" })
            }
            Self::Transport(transport) => write!(
                f,
                "context {}, {} segments left, {} octets",
                transport.context,
                transport.segments_left,
                transport.information.len()
            ),
        }
    }
}

fn show(number: &Number, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let end = if number.ended { " ST" } else { "" };
    let (nature, presentation) = (number.nature.name(), number.presentation.name());
    write!(f, "{}{end}, {nature}, {presentation}, screening {}", number.digits, number.screening)
}

/// Digits are ASCII, so the conversion cannot fail.
fn text(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn says_what_is_in_a_parameter() {
        for (variant, code, content, expected) in [
            (Variant::Itu, 0x0A, &[0x04, 0x13, 0x84, 0x06][..], "4860, international, allowed, screening 3"),
            (Variant::Itu, 0x04, &[0x03, 0x10, 0x21, 0xF3], "123 ST, national, allowed, screening 0"),
            (Variant::Itu, 0x09, &[0x0D], "test call"),
            (Variant::Itu, 0x12, &[0x84, 0x95], "21, location 4"),
            (Variant::Ansi, 0x12, &[0xC2, 0x97], "23, location 2, coding 2"),
            (Variant::Itu, 0x13, &[0x33, 0x21], "1 times, first unconditional, last no reply"),
            (Variant::Itu, 0x16, &[0x02, 0x05], "3 circuits, 2 marked"),
            (Variant::Itu, 0x23, &[0x92, 0x21, 0x03], "123, plan 2"),
            (Variant::Itu, 0x3D, &[0xFF], "31"),
            (Variant::Itu, 0x78, &[0x85, 0x80, 0xC0, 1, 2], "context 5, 0 segments left, 2 octets"),
            (
                Variant::Itu,
                0xC0,
                &[0x06, 0x04, 0x10, 0x84],
                "additional calling: 48, international, allowed, screening 0",
            ),
            (Variant::Itu, 0xC4, &[1, 0xAB], "01ab"),
            (Variant::Ansi, 0xC4, &[0x12, 0x52, 0x55], "212555"),
            (Variant::Ansi, 0xC5, &[0x21, 0x82, 0x08], "288, plan 1"),
        ] {
            let said = Content::parse(variant, Parameter { code, offset: 0, content }).unwrap();
            assert_eq!(said.to_string(), expected, "{code:02X}");
        }
    }

    proptest! {
        #[test]
        fn any_parameter_is_shown_in_a_line(code: u8, content in proptest::collection::vec(any::<u8>(), 0..60)) {
            for variant in [Variant::Ansi, Variant::Bicc, Variant::China, Variant::Itu] {
                let parameter = Parameter { code, offset: 0, content: &content };
                if let Ok(said) = Content::parse(variant, parameter) {
                    prop_assert!(said.to_string().bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                }
            }
        }
    }
}
