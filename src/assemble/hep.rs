//! What capture agents pack: a HEP packet → the message in it. For agents that are listened to, and for their traffic in a
//! capture.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::Whole;
pub use super::hep_stream::{Found, Framer};
use crate::base::fault::Layer;
use crate::base::frame::Transport;
use crate::wire::cursor::Cursor;
use crate::wire::hep::{self, MAGIC, Packet, Payload};
use crate::wire::net::{SCTP, TCP};
use crate::wire::sigtran::Adaptation;

/// Port of capture agents' receivers, by habit.
const PORT: u16 = 9060;
/// Octets of an unpacked payload, at most: as many as a message may have.
const UNPACKED_MAX: usize = 65_536;

/// Why a packet holds no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Useless {
    /// It does not unpack, or to more than 64 KiB.
    Compressed,
    /// Its payload is of a protocol that is not read.
    Payload,
}

/// Hands on the message in a packet, unpacked if need be.
///
/// # Errors
/// There is none that is read.
pub fn open<T>(packet: &Packet<'_>, take: impl FnOnce(Whole<'_>) -> T) -> Result<T, Useless> {
    let adaptation = match packet.protocol {
        hep::SIP => None,
        hep::M2PA => Some(Adaptation::M2pa),
        hep::M2UA => Some(Adaptation::M2ua),
        hep::M3UA => Some(Adaptation::M3ua),
        _ => return Err(Useless::Payload),
    };
    let unpacked;
    let bytes = match packet.payload {
        Payload::Plain(payload) => payload,
        Payload::Compressed(packed) => {
            unpacked = unpack(packed).ok_or(Useless::Compressed)?;
            &unpacked
        }
    };
    if let Some(adaptation) = adaptation {
        return Ok(take(Whole::Adapted(adaptation, bytes)));
    }
    let transport = match packet.ip_protocol {
        SCTP => Transport::Sctp,
        TCP => Transport::Tcp,
        _ => Transport::Udp,
    };
    Ok(take(Whole::Sip { src: packet.src, dst: packet.dst, transport, bytes }))
}

/// A datagram of an agent: by what it begins with, or in versions 1 and 2, which begin with little, by its port and that it
/// can be read.
#[inline]
pub(super) fn is_likely((src_port, dst_port): (u16, u16), bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
        || (src_port == PORT || dst_port == PORT)
            && matches!(bytes, [1 | 2, 16 | 40, ..])
            && Packet::parse(bytes).is_ok()
}

/// Unpacks zlib (RFC 1950) or gzip (RFC 1952), by which agents differ. `None` when it is neither, or too long.
fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let Some(body) = gzip_body(packed) else { return inflate(packed, true).map(|(bytes, _)| bytes) };
    let (bytes, tail) = inflate(body, false)?;
    let mut crc = Crc::new();
    crc.update(&bytes);
    let stated = tail.first_chunk().map(|octets| u32::from_le_bytes(*octets));
    (stated == Some(crc.sum())).then_some(bytes)
}

/// The octets, and what follows them.
fn inflate(packed: &[u8], is_zlib: bool) -> Option<(Vec<u8>, &[u8])> {
    let mut inflater = Decompress::new(is_zlib);
    let mut bytes = Vec::with_capacity(packed.len().saturating_mul(4).clamp(64, UNPACKED_MAX + 1));
    loop {
        let (read, written) = (inflater.total_in(), bytes.len());
        let rest = packed.get(usize::try_from(read).ok()?..)?;
        let status = inflater.decompress_vec(rest, &mut bytes, FlushDecompress::None).ok()?;
        if bytes.len() > UNPACKED_MAX {
            return None;
        }
        if status == Status::StreamEnd {
            return Some((bytes, packed.get(usize::try_from(inflater.total_in()).ok()?..)?));
        }
        if bytes.len() == bytes.capacity() {
            bytes.reserve_exact(bytes.len().min(UNPACKED_MAX + 1 - bytes.len()));
        } else if (inflater.total_in(), bytes.len()) == (read, written) {
            return None;
        }
    }
}

/// What follows a gzip header (RFC 1952 §2.3); `None` when there is none.
fn gzip_body(packed: &[u8]) -> Option<&[u8]> {
    const HEADER_CHECK: u8 = 0x02;
    const EXTRA: u8 = 0x04;
    const NAME: u8 = 0x08;
    const COMMENT: u8 = 0x10;
    let mut cursor = Cursor::new(Layer::Hep, packed);
    let [0x1f, 0x8b, 8, flags, ..] = cursor.array::<10>().ok()? else { return None };
    if flags & EXTRA != 0 {
        let length = u16::from_le_bytes(cursor.array().ok()?);
        cursor.skip(usize::from(length)).ok()?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = memchr::memchr(0, cursor.rest())?;
            cursor.skip(end + 1).ok()?;
        }
    }
    if flags & HEADER_CHECK != 0 {
        cursor.skip(2).ok()?;
    }
    Some(cursor.rest())
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use flate2::{Compression, GzBuilder};
    use proptest::prelude::*;
    use std::io::Write;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn unpacks_both_kinds_up_to_a_length() {
        let longest = vec![b'x'; UNPACKED_MAX];
        for bytes in [&b"INVITE"[..], b"", &longest] {
            assert_eq!(unpack(&zlib(bytes)).as_deref(), Some(bytes));
            assert_eq!(unpack(&gzip(bytes)).as_deref(), Some(bytes));
        }
        for bomb in [vec![0; UNPACKED_MAX + 1], vec![0; 10_000_000]] {
            assert_eq!(unpack(&zlib(&bomb)), None);
            assert_eq!(unpack(&gzip(&bomb)), None);
        }
        assert_eq!(unpack(b"what is this"), None);
    }

    #[test]
    fn a_gzip_header_may_have_a_name() {
        let builder = GzBuilder::new().filename("a").comment("b").extra(vec![1, 2, 3]);
        let mut encoder = builder.write(Vec::new(), Compression::best());
        encoder.write_all(b"INVITE").unwrap();
        let mut packed = encoder.finish().unwrap();
        assert_eq!(unpack(&packed), Some(b"INVITE".to_vec()));
        let check = packed.len() - 8;
        packed[check] ^= 1;
        assert_eq!(unpack(&packed), None);
    }

    proptest! {
        #[test]
        fn unpacks_what_was_packed_and_refuses_what_is_cut(
            bytes in prop::collection::vec(0..4_u8, 0..3000),
            cut in any::<prop::sample::Index>(),
            noise in any::<Vec<u8>>(),
        ) {
            for packed in [zlib(&bytes), gzip(&bytes)] {
                prop_assert_eq!(unpack(&packed), Some(bytes.clone()));
                prop_assert_eq!(unpack(&packed[..cut.index(packed.len() - 4)]), None);
            }
            let _ = unpack(&noise);
        }
    }
}
