//! WebSocket frames, and the handshake that begins a connection for SIP. RFC 6455 §4, §5; RFC 7118 §4.
//!
//! Must not: keep what it has read; [`assemble`](crate::assemble) puts frames together.

use std::fmt;

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// Octets of the longest header.
pub const HEADER_MAX: usize = 14;
/// Octets of the longest control frame's payload (RFC 6455 §5.5).
pub const CONTROL_MAX: u64 = 125;

const FIN: u8 = 0x80;
/// Set on the first frame of a message that is compressed (RFC 7692 §6).
const RESERVED: u8 = 0x70;
const MASK: u8 = 0x80;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// A further part of a message.
    Continuation,
    /// The first part of a message, text or binary.
    Data,
    /// Close, ping, pong.
    Control,
}

/// The head of a frame; its payload follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The last frame of its message.
    pub is_final: bool,
    /// An extension has changed the payload: it is compressed.
    pub is_extended: bool,
    /// What it is.
    pub opcode: Opcode,
    /// The payload is masked with this.
    pub mask: Option<[u8; 4]>,
    /// Octets of the payload.
    pub length: u64,
    /// Octets of the header itself, 2 to [`HEADER_MAX`].
    pub size: usize,
}

impl Header {
    /// Reads a header.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when more octets are needed, [`Kind::BadSyntax`] for an opcode that is not assigned or a
    /// control frame in parts, [`Kind::BadLength`] for a control frame that is too long or a length of 2⁶³ or more.
    pub fn parse(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::WebSocket, bytes);
        let [first, second] = cursor.array()?;
        let is_final = first & FIN != 0;
        let opcode = match first & 0x0f {
            0 => Opcode::Continuation,
            1 | 2 => Opcode::Data,
            8..=10 if is_final => Opcode::Control,
            _ => return Err(cursor.error(Kind::BadSyntax)),
        };
        let length = match second & !MASK {
            126 => u64::from(cursor.u16()?),
            127 => u64::from_be_bytes(cursor.array()?),
            short => u64::from(short),
        };
        if length >> 63 != 0 || opcode == Opcode::Control && length > CONTROL_MAX {
            return Err(cursor.error(Kind::BadLength));
        }
        let mask = if second & MASK != 0 { Some(cursor.array()?) } else { None };
        let is_extended = first & RESERVED != 0;
        Ok(Self { is_final, is_extended, opcode, mask, length, size: cursor.position() })
    }

    /// Writes the header, in as few octets as go; data as binary, control as ping.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let opcode = match self.opcode {
            Opcode::Continuation => 0,
            Opcode::Data => 2,
            Opcode::Control => 9,
        };
        let fin = if self.is_final { FIN } else { 0 };
        out.push(opcode | fin | if self.is_extended { 0x40 } else { 0 });
        let mask = if self.mask.is_some() { MASK } else { 0 };
        match (u8::try_from(self.length), u16::try_from(self.length)) {
            (Ok(short @ 0..126), _) => out.push(mask | short),
            (_, Ok(length)) => {
                out.push(mask | 126);
                out.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                out.push(mask | 127);
                out.extend_from_slice(&self.length.to_be_bytes());
            }
        }
        out.extend_from_slice(self.mask.as_ref().map_or(&[], |mask| &mask[..]));
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, {} octets{}", self.opcode, self.length, if self.is_final { ", last" } else { "" })
    }
}

/// Takes the mask off a payload from its first octet on, or puts it on (RFC 6455 §5.3).
pub fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for (octet, key) in payload.iter_mut().zip(mask.into_iter().cycle()) {
        *octet ^= key;
    }
}

/// Whether a head of HTTP, with its first line, asks for a connection that speaks SIP, or grants it: both ends name the
/// protocol (RFC 7118 §4.1).
#[must_use]
pub fn is_sip_handshake(head: &[u8]) -> bool {
    let mut lines = head.split(|octet| *octet == b'\n').map(<[u8]>::trim_ascii);
    let first = lines.next().unwrap_or_default();
    if !first.starts_with(b"GET ") && !first.starts_with(b"HTTP/1.1 101") {
        return false;
    }
    let (mut upgrades, mut speaks_sip) = (false, false);
    for line in lines {
        let mut parts = line.splitn(2, |octet| *octet == b':');
        let (name, value) = (parts.next().unwrap_or_default().trim_ascii(), parts.next().unwrap_or_default());
        let mut words = value.split(|octet| *octet == b',').map(<[u8]>::trim_ascii);
        if name.eq_ignore_ascii_case(b"Upgrade") {
            upgrades |= words.any(|word| word.eq_ignore_ascii_case(b"websocket"));
        } else if name.eq_ignore_ascii_case(b"Sec-WebSocket-Protocol") {
            speaks_sip |= words.any(|word| word.eq_ignore_ascii_case(b"sip"));
        }
    }
    upgrades && speaks_sip
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;

    const ASKED: &[u8] = b"GET / HTTP/1.1\r\nHost: sip-ws.example.com\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: xmpp, SIP\r\nSec-WebSocket-Version: 13\r\n\r\n";

    #[test]
    fn knows_a_handshake_for_sip() {
        assert!(is_sip_handshake(ASKED));
        assert!(is_sip_handshake(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: WebSocket\r\nsec-websocket-protocol: sip\r\n\r\n"
        ));
        assert!(!is_sip_handshake(b"GET / HTTP/1.1\r\nSec-WebSocket-Protocol: sip\r\n\r\n"));
        assert!(!is_sip_handshake(
            b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sips\r\n\r\n"
        ));
        assert!(!is_sip_handshake(
            b"HTTP/1.1 403 No\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n"
        ));
        assert!(!is_sip_handshake(b""));
    }

    #[test]
    fn refuses_what_no_frame_is() {
        let kind = |bytes: &[u8]| Header::parse(bytes).unwrap_err().kind;
        assert_eq!(kind(&[0x83, 0]), Kind::BadSyntax);
        assert_eq!(kind(&[0x09, 0]), Kind::BadSyntax);
        assert_eq!(kind(&[0x89, 126, 0, 126]), Kind::BadLength);
        assert_eq!(kind(&[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0]), Kind::BadLength);
        assert_eq!(kind(&[0x82, 0x81, 1, 2, 3]), Kind::Truncated);
    }

    #[test]
    fn masks_as_the_standard_shows() {
        // RFC 6455 §5.7: a masked "Hello".
        let bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let header = Header::parse(&bytes).unwrap();
        let mut payload = bytes[header.size..].to_vec();
        unmask(&mut payload, header.mask.unwrap());
        assert_eq!((&payload[..], header.length), (&b"Hello"[..], 5));
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(
            length in prop_oneof![0..200_u64, 65_000..66_000_u64, 0..1_u64 << 63],
            mask: Option<[u8; 4]>,
            (is_final, is_extended) in any::<(bool, bool)>(),
            opcode in prop::sample::select(vec![Opcode::Continuation, Opcode::Data, Opcode::Control]),
        ) {
            let is_control = opcode == Opcode::Control;
            let length = if is_control { length % 126 } else { length };
            let header = Header { is_final: is_final || is_control, is_extended, opcode, mask, length, size: 0 };
            let mut bytes = Vec::new();
            header.emit(&mut bytes);
            prop_assert!(bytes.len() <= HEADER_MAX);
            prop_assert_eq!(Header::parse(&bytes), Ok(Header { size: bytes.len(), ..header }));
        }

        #[test]
        fn any_bytes_never_panic(bytes: Vec<u8>) {
            let _ = Header::parse(&bytes);
            let _ = is_sip_handshake(&bytes);
        }
    }
}
