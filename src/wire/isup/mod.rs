//! ISDN user part, as used on international and national trunks. ITU-T Q.763 (formats), Q.764 (what they mean).
//!
//! In: the octets of one message from the circuit identification code on (MTP3 and M3UA are read before). Out: its
//! type, and a Repr for the types that matter to a call: [`iam`], [`acm`] (also CON), [`cpg`], [`release`], [`reset`].
//! A message has three parts (Q.763 §1): mandatory of fixed length, mandatory of variable length found by pointers,
//! and optional, a list of code, length and content; [`parameter`] reads the last two.
//!
//! The ANSI variant (T1.113: 14-bit circuit codes, 24-bit point codes, other parameters) is not read.

pub mod acm;
pub mod cpg;
mod encapsulated;
pub mod iam;
pub mod number;
pub mod parameter;
pub mod release;
pub mod reset;

use std::fmt;

pub use encapsulated::encapsulated;

use crate::base::fault::Layer;
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// Octets before the first parameter: circuit identification code and message type.
pub const HEADER_LENGTH: usize = 3;
/// Circuit identification codes are 12 bits (Q.763 §1.2).
pub const CIC_MAX: u16 = 0x0FFF;

/// A message as it lies in its octets.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Circuit identification code, 12 bits.
    pub cic: u16,
    /// The four bits above it, which Q.763 §1.2 leaves spare.
    pub spare: u8,
    /// Message type.
    pub message_type: MessageType,
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// Reads circuit identification code (least significant octet first) and message type.
    ///
    /// # Errors
    /// [`Truncated`](crate::base::fault::Kind::Truncated) under three octets.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let [low, high, message_type] = Cursor::new(Layer::Isup, bytes).array()?;
        let cic = u16::from_le_bytes([low, high]) & CIC_MAX;
        Ok(Self { cic, spare: high >> 4, message_type: MessageType(message_type), bytes })
    }

    /// The first `N` octets of the mandatory fixed part.
    ///
    /// # Errors
    /// [`Truncated`](crate::base::fault::Kind::Truncated) when the message ends before.
    #[inline]
    pub fn fixed<const N: usize>(&self) -> Result<[u8; N], DecodeError> {
        let mut cursor = Cursor::new(Layer::Isup, self.bytes);
        cursor.skip(HEADER_LENGTH)?;
        cursor.array()
    }

    /// The whole message.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// A message read as far as it goes: sense was made of the part that must be there, and what was wrong behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lax<T> {
    /// What could be read.
    pub repr: T,
    /// The first fault in what could not.
    pub fault: Option<DecodeError>,
}

/// Writes a header.
pub fn emit_header(cic: u16, message_type: MessageType, out: &mut Vec<u8>) {
    out.extend_from_slice(&(cic & CIC_MAX).to_le_bytes());
    out.push(message_type.0);
}

/// Writes a message without mandatory parameters: RSC and BLO have no more than a header; ANM and RLC end in the
/// pointer to the optional part, which is zero here, none.
pub fn emit_bare(cic: u16, message_type: MessageType, out: &mut Vec<u8>) {
    emit_header(cic, message_type, out);
    if matches!(message_type, MessageType::ANSWER | MessageType::RELEASE_COMPLETE) {
        out.push(0);
    }
}

/// Message type code (Q.763 table 4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(pub u8);

impl MessageType {
    /// IAM.
    pub const INITIAL_ADDRESS: Self = Self(0x01);
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
    /// UCIC: the circuit is not equipped.
    pub const UNEQUIPPED_CIRCUIT: Self = Self(0x2E);
    /// GRA.
    pub const GROUP_RESET_ACK: Self = Self(0x29);
    /// CPG.
    pub const CALL_PROGRESS: Self = Self(0x2C);

    /// Acronym in table 4; `None` when the table has no such type.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0x01 => "IAM",
            0x02 => "SAM",
            0x03 => "INR",
            0x04 => "INF",
            0x05 => "COT",
            0x06 => "ACM",
            0x07 => "CON",
            0x08 => "FOT",
            0x09 => "ANM",
            0x0C => "REL",
            0x0D => "SUS",
            0x0E => "RES",
            0x10 => "RLC",
            0x11 => "CCR",
            0x12 => "RSC",
            0x13 => "BLO",
            0x14 => "UBL",
            0x15 => "BLA",
            0x16 => "UBA",
            0x17 => "GRS",
            0x18 => "CGB",
            0x19 => "CGU",
            0x1A => "CGBA",
            0x1B => "CGUA",
            0x1F => "FAR",
            0x20 => "FAA",
            0x21 => "FRJ",
            0x24 => "LPA",
            0x27 => "DRS",
            0x28 => "PAM",
            0x29 => "GRA",
            0x2A => "CQM",
            0x2B => "CQR",
            0x2C => "CPG",
            0x2D => "USR",
            0x2E => "UCIC",
            0x2F => "CFN",
            0x30 => "OLM",
            0x31 => "CRG",
            0x32 => "NRM",
            0x33 => "FAC",
            0x34 => "UPT",
            0x35 => "UPA",
            0x36 => "IDR",
            0x37 => "IRS",
            0x38 => "SGM",
            0x40 => "LOP",
            0x41 => "APM",
            0x42 => "PRI",
            0x43 => "SDN",
            _ => return None,
        })
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
    use crate::base::fault::Kind;

    #[test]
    fn reads_the_circuit_code_backwards_and_keeps_the_spare_bits_apart() {
        let message = Message::parse(&[0x0C, 0xFB, 0x10, 0x00]).unwrap();
        assert_eq!((message.cic, message.spare), (2828, 0xF));
        assert_eq!(message.message_type.to_string(), "RLC");
        assert_eq!(MessageType(0xFE).to_string(), "0xFE");
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
