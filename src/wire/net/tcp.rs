//! TCP segments. RFC 9293 §3.1.

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// One TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp<'a> {
    /// Sender's port.
    pub src_port: u16,
    /// Receiver's port.
    pub dst_port: u16,
    /// Sequence number of the first octet, or of the SYN.
    pub sequence: u32,
    /// FIN flag.
    pub fin: bool,
    /// SYN flag.
    pub syn: bool,
    /// RST flag.
    pub rst: bool,
    /// The data.
    pub payload: &'a [u8],
}

impl<'a> Tcp<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when the header is cut, [`Kind::BadLength`] when the data offset is less than 5.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Tcp, bytes);
        let (src_port, dst_port) = (cursor.u16()?, cursor.u16()?);
        let (sequence, _acknowledgement) = (cursor.u32()?, cursor.u32()?);
        let [data_offset, flags] = cursor.array()?;
        let options = usize::from(data_offset >> 4).saturating_mul(4).checked_sub(20);
        let options = options.ok_or_else(|| cursor.error(Kind::BadLength))?;
        cursor.skip(options.saturating_add(6))?;
        let (fin, syn, rst) = (flags & 1 != 0, flags & 2 != 0, flags & 4 != 0);
        Ok(Self { src_port, dst_port, sequence, fin, syn, rst, payload: cursor.rest() })
    }
}
