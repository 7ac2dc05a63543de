//! M2UA: MTP level 2 at a signalling gateway, its users behind SCTP. RFC 3331 §3.3.1. A Data message carries a message of
//! MTP level 3; everything else of the class works the link.

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;
use crate::wire::sigtran::{self, Parameter};

const CLASS: u8 = 6;
const DATA: u8 = 1;
/// Interface Identifier as a number (§3.2.1).
const INTERFACE: u16 = 0x0001;
/// Protocol Data 1: from the service information octet on (§3.3.1.1).
const PROTOCOL_DATA: u16 = 0x0300;
/// Protocol Data 2, of Japan's TTC: from the length indicator on.
const PROTOCOL_DATA_TTC: u16 = 0x0301;

/// One Data message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<'a> {
    /// Which link of the gateway; `None` when it is named by text, or not at all.
    pub interface: Option<u32>,
    /// Protocol Data 2 was sent: the octet before the message is the length indicator, whose high bits are a priority.
    pub is_ttc: bool,
    /// The message of level 3, from its service information octet on.
    pub mtp3: &'a [u8],
}

impl<'a> Data<'a> {
    /// Reads a message. `None` when it is not Data.
    ///
    /// # Errors
    /// As [`sigtran::Message::parse`]; [`Kind::Missing`] when a Data message has no protocol data, [`Kind::Truncated`] or
    /// [`Kind::BadLength`] when a parameter is broken.
    pub fn parse(bytes: &'a [u8]) -> Result<Option<Self>, DecodeError> {
        let message = sigtran::Message::parse(Layer::M2ua, bytes)?;
        if (message.class, message.kind) != (CLASS, DATA) {
            return Ok(None);
        }
        let mut interface = None;
        for parameter in message.parameters() {
            let Parameter { tag, value } = parameter?;
            let mut cursor = Cursor::new(Layer::M2ua, value);
            match tag {
                INTERFACE => interface = Some(cursor.u32()?),
                PROTOCOL_DATA => return Ok(Some(Self { interface, is_ttc: false, mtp3: value })),
                PROTOCOL_DATA_TTC => {
                    cursor.skip(1)?;
                    return Ok(Some(Self { interface, is_ttc: true, mtp3: cursor.rest() }));
                }
                _ => {}
            }
        }
        Err(Cursor::new(Layer::M2ua, message.body).error(Kind::Missing))
    }

    /// Writes the message with its header. Level 3 must be shorter than 65,500 octets.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        if let Some(interface) = self.interface {
            Parameter::emit(INTERFACE, &interface.to_be_bytes(), &[], &mut body);
        }
        let (tag, head) =
            if self.is_ttc { (PROTOCOL_DATA_TTC, &[0_u8][..]) } else { (PROTOCOL_DATA, &[][..]) };
        Parameter::emit(tag, head, self.mtp3, &mut body);
        sigtran::emit_header(CLASS, DATA, body.len(), out);
        out.extend_from_slice(&body);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_data_carries_something() {
        assert_eq!(Data::parse(&[1, 0, 6, 2, 0, 0, 0, 8]), Ok(None));
        assert_eq!(Data::parse(&[1, 0, 3, 1, 0, 0, 0, 8]), Ok(None));
        assert_eq!(Data::parse(&[1, 0, 6, 1, 0, 0, 0, 8]).unwrap_err().kind, Kind::Missing);
        let broken = [1, 0, 6, 1, 0, 0, 0, 12, 3, 0, 0, 3];
        assert_eq!(Data::parse(&broken).unwrap_err().kind, Kind::BadLength);
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_read_back(
            interface: Option<u32>, is_ttc: bool, mtp3 in prop::collection::vec(any::<u8>(), 0..60),
        ) {
            let data = Data { interface, is_ttc, mtp3: &mtp3 };
            let mut bytes = Vec::new();
            data.emit(&mut bytes);
            prop_assert_eq!(Data::parse(&bytes), Ok(Some(data)));
        }

        #[test]
        fn any_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 8..60), real: bool) {
            if real {
                bytes[..7].copy_from_slice(&[1, 0, CLASS, DATA, 0, 0, 0]);
            }
            let _ = Data::parse(&bytes);
        }
    }
}
