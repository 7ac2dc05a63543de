//! Classic pcap: a file header of 24 octets, then records of 16 octets and a frame. draft-ietf-opsawg-pcap §4 and §5.

use crate::base::fault::{Kind, Layer};
use crate::base::frame::Link;
use crate::base::time::At;
use crate::wire::cursor::Cursor;
use crate::wire::pcap::{FileError, MAX_CAPTURED, Order, Record, Step, link_of, malformed};

/// Octets of the file header.
pub const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// What the magic number says: who wrote it and in which unit fractions of a second are.
#[derive(Clone, Copy, Debug)]
pub struct Precision {
    order: Order,
    nanos_per_tick: u64,
}

impl Precision {
    /// # Errors
    /// [`FileError::NotACapture`]; [`Kind::Unsupported`] for the "modified" format, whose records are longer.
    pub const fn of_magic(magic: [u8; 4]) -> Result<Self, FileError> {
        let (order, nanos_per_tick) = match magic {
            [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, 1_000),
            [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, 1_000),
            [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, 1),
            [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, 1),
            [0xa1, 0xb2, 0xcd, 0x34] | [0x34, 0xcd, 0xb2, 0xa1] => {
                return Err(malformed(0, Kind::Unsupported));
            }
            _ => return Err(FileError::NotACapture),
        };
        Ok(Self { order, nanos_per_tick })
    }
}

/// A file whose header has been read.
#[derive(Debug)]
pub struct Classic {
    precision: Precision,
    link: Link,
}

impl Classic {
    /// # Errors
    /// [`Kind::Unsupported`] for a version other than 2.4, whose lengths may be swapped;
    /// [`FileError::UnknownLinkType`].
    pub fn new(precision: Precision, header: &[u8; FILE_HEADER]) -> Result<Self, FileError> {
        let mut cursor = Cursor::new(Layer::File, header);
        cursor.skip(4)?;
        let version = (precision.order.u16(&mut cursor)?, precision.order.u16(&mut cursor)?);
        if version != (2, 4) {
            return Err(malformed(4, Kind::Unsupported));
        }
        cursor.skip(12)?;
        // The upper half holds the length of the frame check sequence and reserved bits (§4).
        let link_type = precision.order.u32(&mut cursor)? & 0xffff;
        let link = link_of(link_type).ok_or(FileError::UnknownLinkType(link_type))?;
        Ok(Self { precision, link })
    }

    /// One record.
    #[inline]
    pub fn step(&self, bytes: &[u8]) -> Result<Step, FileError> {
        let Some(header) = bytes.first_chunk::<RECORD_HEADER>() else { return Ok(Step::Need(RECORD_HEADER)) };
        let order = self.precision.order;
        let mut cursor = Cursor::new(Layer::File, header);
        let seconds = u64::from(order.u32(&mut cursor)?);
        let ticks = u64::from(order.u32(&mut cursor)?);
        let captured = order.u32(&mut cursor)?;
        let wire_length = order.u32(&mut cursor)?.max(captured);
        if captured > MAX_CAPTURED {
            return Err(malformed(8, Kind::BadLength));
        }
        let length = captured as usize;
        let consumed = RECORD_HEADER.saturating_add(length);
        if bytes.len() < consumed {
            return Ok(Step::Need(consumed));
        }
        // Below 2^32 seconds and 2^32 ticks of at most a microsecond, this stays below 2^63.
        let fraction = ticks.wrapping_mul(self.precision.nanos_per_tick);
        let at = At::from_nanos(seconds.wrapping_mul(1_000_000_000).wrapping_add(fraction));
        let record = Record { at, link: self.link, start: RECORD_HEADER, length, wire_length };
        Ok(Step::Record { record, consumed })
    }
}
