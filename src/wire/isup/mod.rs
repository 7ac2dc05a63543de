//! ISDN user part, as used on international and national trunks. ITU-T Q.763 (formats), Q.764 (what they mean).
//!
//! In: the octets of one message from the circuit identification code on (MTP3 and M3UA are read before). Out: its
//! type, a Repr for the types that matter to a call ([`iam`], [`sam`], [`acm`] with CON, [`cpg`],
//! [`release`], [`reset`], [`group`]), and for every type its parameters one after another ([`walk`]).
//! A message has three parts (Q.763 §1): mandatory of fixed length, mandatory of variable length found by pointers,
//! and optional, a list of code, length and content; [`parameter`] reads the last two. Which type has which parameters
//! is in [`layout`], what they are called in [`name`], and what they say in [`content`].
//!
//! The same messages are written by four standards, which differ in little: [`Variant`].

pub mod acm;
pub mod apm;
pub mod content;
pub mod cpg;
pub mod digits;
pub mod group;
pub mod iam;
pub mod indicator;
pub mod layout;
pub mod name;
pub mod number;
pub mod parameter;
pub mod release;
pub mod reset;
pub mod sam;
pub mod walk;

use std::fmt;

use crate::base::fault::{Kind, Layer};
use crate::base::frame::{Mtp, UserPart};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;
use crate::wire::isup::layout::{Layout, Rest};

/// Which standard a message is written by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Variant {
    /// ANSI T1.113: circuit codes of 14 bits, another IAM, and parameters of its own.
    Ansi,
    /// ITU-T Q.1902.3: as Q.763, with a call instance code of four octets.
    Bicc,
    /// As Q.763, with messages for metering and operators.
    China,
    /// ITU-T Q.763: circuit codes of 12 bits.
    #[default]
    Itu,
}

impl Variant {
    /// Whose format the messages of a user part have in a network.
    #[must_use]
    pub const fn of(standard: Mtp, part: UserPart) -> Self {
        match (part, standard) {
            (UserPart::Bicc, _) => Self::Bicc,
            (UserPart::Isup, Mtp::Ansi) => Self::Ansi,
            (UserPart::Isup, Mtp::China) => Self::China,
            (UserPart::Isup, Mtp::Itu) => Self::Itu,
        }
    }

    /// Octets of the circuit identification or call instance code.
    #[must_use]
    pub const fn cic_length(self) -> usize {
        match self {
            Self::Bicc => 4,
            Self::Ansi | Self::China | Self::Itu => 2,
        }
    }

    const fn cic_bits(self) -> u32 {
        u32::BITS.saturating_sub(self.cic_max().leading_zeros())
    }

    /// The largest code: 12 bits (Q.763 §1.2), 14 (T1.113.3 §1.2), 32 (Q.1902.3 §5.3.1).
    #[must_use]
    pub const fn cic_max(self) -> u32 {
        match self {
            Self::Ansi => 0x3FFF,
            Self::Bicc => u32::MAX,
            Self::China | Self::Itu => 0x0FFF,
        }
    }
}

/// A message as it lies in its octets.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Circuit identification code or, of BICC, call instance code. 0 in a message without one.
    pub cic: u32,
    /// The bits above it, which are spare (Q.763 §1.2).
    pub spare: u8,
    /// Message type.
    pub message_type: MessageType,
    /// Whose format it has.
    pub variant: Variant,
    bytes: &'a [u8],
    /// What follows the message type.
    parameters: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads circuit identification code (least significant octet first) and message type by Q.763.
    ///
    /// # Errors
    /// [`Truncated`](crate::base::fault::Kind::Truncated) under three octets.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        Self::parse_as(Variant::Itu, bytes)
    }

    /// The same by another standard.
    ///
    /// # Errors
    /// [`Truncated`](crate::base::fault::Kind::Truncated) when it ends before the message type.
    #[inline]
    pub fn parse_as(variant: Variant, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Isup, bytes);
        let (code, message_type) = if variant == Variant::Bicc {
            let [first, second, third, fourth, message_type] = cursor.array()?;
            (u32::from_le_bytes([first, second, third, fourth]), message_type)
        } else {
            let [first, second, message_type] = cursor.array()?;
            (u32::from(u16::from_le_bytes([first, second])), message_type)
        };
        Ok(Self {
            cic: code & variant.cic_max(),
            spare: (code & !variant.cic_max()).checked_shr(variant.cic_bits()).unwrap_or_default() as u8,
            message_type: MessageType(message_type),
            variant,
            bytes,
            parameters: cursor.rest(),
        })
    }

    /// Reads a message that begins with its type, as SIP carries it (RFC 3204 §3.1).
    ///
    /// # Errors
    /// [`Truncated`](crate::base::fault::Kind::Truncated) when it is empty.
    #[inline]
    pub fn parse_without_circuit(variant: Variant, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Isup, bytes);
        let message_type = MessageType(cursor.u8()?);
        Ok(Self { cic: 0, spare: 0, message_type, variant, bytes, parameters: cursor.rest() })
    }

    /// The first `N` octets of the mandatory fixed part.
    ///
    /// # Errors
    /// [`Truncated`](crate::base::fault::Kind::Truncated) when the message ends before.
    #[inline]
    pub fn fixed<const N: usize>(&self) -> Result<[u8; N], DecodeError> {
        let octets = self.parameters.first_chunk().copied();
        octets.ok_or_else(|| error(self.offset(self.parameters), Kind::Truncated))
    }

    /// An error that points at the message type.
    #[must_use]
    pub fn error_at_type(&self, kind: Kind) -> DecodeError {
        error(self.offset(self.parameters).saturating_sub(1), kind)
    }

    /// The whole message.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// What follows the message type.
    #[must_use]
    pub const fn parameter_octets(&self) -> &'a [u8] {
        self.parameters
    }

    /// Octets from the start of the message to `rest`, which is its end.
    #[inline]
    const fn offset(&self, rest: &[u8]) -> usize {
        self.bytes.len().saturating_sub(rest.len())
    }
}

/// An error so many octets from the start of a message.
fn error(offset: usize, kind: Kind) -> DecodeError {
    DecodeError { layer: Layer::Isup, offset: u32::try_from(offset).unwrap_or(u32::MAX), kind }
}

/// A message read as far as it goes: sense was made of the part that must be there, and what was wrong behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lax<T> {
    /// What could be read.
    pub repr: T,
    /// The first fault in what could not.
    pub fault: Option<DecodeError>,
}

/// Writes a header of Q.763.
pub fn emit_header(cic: u32, message_type: MessageType, out: &mut Vec<u8>) {
    emit_header_as(Variant::Itu, cic, message_type, out);
}

/// Writes a header. What a circuit code is too large for is cut off.
pub fn emit_header_as(variant: Variant, cic: u32, message_type: MessageType, out: &mut Vec<u8>) {
    let code = (cic & variant.cic_max()).to_le_bytes();
    out.extend(code.into_iter().take(variant.cic_length()));
    out.push(message_type.0);
}

/// Writes a message without mandatory parameters: RSC and BLO have no more than a header; ANM and RLC end in the
/// pointer to the optional part, which is zero here, none.
pub fn emit_bare(cic: u32, message_type: MessageType, out: &mut Vec<u8>) {
    emit_header(cic, message_type, out);
    let layout = Layout::of(Variant::Itu, message_type);
    if layout.is_some_and(|layout| layout.rest == Rest::Optional) {
        out.push(0);
    }
}

/// Message type code (Q.763 table 4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(pub u8);

impl MessageType {
    /// IAM.
    pub const INITIAL_ADDRESS: Self = Self(0x01);
    /// SAM.
    pub const SUBSEQUENT_ADDRESS: Self = Self(0x02);
    /// ACM.
    pub const ADDRESS_COMPLETE: Self = Self(0x06);
    /// CON.
    pub const CONNECT: Self = Self(0x07);
    /// ANM.
    pub const ANSWER: Self = Self(0x09);
    /// REL.
    pub const RELEASE: Self = Self(0x0C);
    /// RLC.
    pub const RELEASE_COMPLETE: Self = Self(0x10);
    /// SUS.
    pub const SUSPEND: Self = Self(0x0D);
    /// RES.
    pub const RESUME: Self = Self(0x0E);
    /// CCR: a continuity check of an idle circuit.
    pub const CONTINUITY_CHECK_REQUEST: Self = Self(0x11);
    /// RSC.
    pub const RESET_CIRCUIT: Self = Self(0x12);
    /// BLO.
    pub const BLOCKING: Self = Self(0x13);
    /// UBL.
    pub const UNBLOCKING: Self = Self(0x14);
    /// BLA.
    pub const BLOCKING_ACK: Self = Self(0x15);
    /// UBA.
    pub const UNBLOCKING_ACK: Self = Self(0x16);
    /// GRS.
    pub const GROUP_RESET: Self = Self(0x17);
    /// CGB.
    pub const GROUP_BLOCKING: Self = Self(0x18);
    /// CGU.
    pub const GROUP_UNBLOCKING: Self = Self(0x19);
    /// CGBA.
    pub const GROUP_BLOCKING_ACK: Self = Self(0x1A);
    /// CGUA.
    pub const GROUP_UNBLOCKING_ACK: Self = Self(0x1B);
    /// CQM.
    pub const GROUP_QUERY: Self = Self(0x2A);
    /// CQR.
    pub const GROUP_QUERY_RESPONSE: Self = Self(0x2B);
    /// SGM: optional parameters that did not fit into the message before it.
    pub const SEGMENTATION: Self = Self(0x38);
    /// APM.
    pub const APPLICATION_TRANSPORT: Self = Self(0x41);
    /// UCIC: the circuit is not equipped.
    pub const UNEQUIPPED_CIRCUIT: Self = Self(0x2E);
    /// GRA.
    pub const GROUP_RESET_ACK: Self = Self(0x29);
    /// CPG.
    pub const CALL_PROGRESS: Self = Self(0x2C);

    /// Acronym (Q.762 table 1, T1.113.1), whichever variant has the type; `None` when none has.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        [Variant::Itu, Variant::Ansi, Variant::China]
            .into_iter()
            .find_map(|variant| Layout::of(variant, self))
            .map(|layout| layout.acronym)
    }
}

/// The acronym, or the code in hexadecimal.
impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:02X}", self.0),
        }
    }
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_the_circuit_code_backwards_and_keeps_the_spare_bits_apart() {
        let message = Message::parse(&[0x0C, 0xFB, 0x10, 0x00]).unwrap();
        assert_eq!((message.cic, message.spare), (2828, 0xF));
        assert_eq!(message.message_type.to_string(), "RLC");
        assert_eq!(MessageType(0xFB).to_string(), "0xFB");
    }

    #[test]
    fn each_standard_has_its_own_circuit_code() {
        let octets = [0x0C, 0xFB, 0x10, 0x00, 0x10];
        for (variant, expected) in [
            (Variant::Itu, (0x0B0C, 0xF, "RLC")),
            (Variant::China, (0x0B0C, 0xF, "RLC")),
            (Variant::Ansi, (0x3B0C, 3, "RLC")),
            (Variant::Bicc, (0x0010_FB0C, 0, "RLC")),
        ] {
            let message = Message::parse_as(variant, &octets).unwrap();
            let name = message.message_type.name().unwrap();
            assert_eq!((message.cic, message.spare, name), expected, "{variant:?}");
        }
        let body = Message::parse_without_circuit(Variant::Itu, &[0x0C, 2, 0, 2, 0x80, 0x90]).unwrap();
        assert_eq!((body.cic, body.message_type), (0, MessageType::RELEASE));
        assert_eq!(body.parameters().count(), 1);
    }

    #[test]
    fn refuses_less_than_a_header() {
        let error = DecodeError { layer: Layer::Isup, offset: 0, kind: Kind::Truncated };
        assert_eq!(Message::parse(&[1, 0]).unwrap_err(), error);
    }

    #[test]
    fn writes_messages_without_parameters() {
        let mut out = Vec::new();
        emit_bare(0x1FFF, MessageType::RESET_CIRCUIT, &mut out);
        emit_bare(1, MessageType::ANSWER, &mut out);
        assert_eq!(out, [0xFF, 0x0F, 0x12, 0x01, 0x00, 0x09, 0x00]);
    }
}
