//! UDP. RFC 768.

use crate::base::fault::Layer;
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// One UDP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp<'a> {
    /// Sender's port.
    pub src_port: u16,
    /// Receiver's port.
    pub dst_port: u16,
    /// The data.
    pub payload: &'a [u8],
    /// The length field differs from the length of the IP payload. When it is smaller, the payload ends there.
    pub length_differs: bool,
}

impl<'a> Udp<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`Kind::Truncated`](crate::base::fault::Kind::Truncated) when shorter than 8 octets.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Udp, bytes);
        let [s0, s1, d0, d1, l0, l1, _, _] = cursor.array()?;
        let stated = usize::from(u16::from_be_bytes([l0, l1])).checked_sub(8);
        let rest = cursor.rest();
        Ok(Self {
            src_port: u16::from_be_bytes([s0, s1]),
            dst_port: u16::from_be_bytes([d0, d1]),
            payload: stated.and_then(|length| rest.get(..length)).unwrap_or(rest),
            length_differs: stated != Some(rest.len()),
        })
    }
}
