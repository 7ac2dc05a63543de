//! Homer Encapsulation Protocol: a message as a capture agent saw it, with where and when. HEP3 Network Protocol
//! Specification, revision 36, for version 3; versions 1 and 2 as Kamailio and OpenSIPS still send them.
//!
//! Version 3 is `HEP3`, the length of the whole, and chunks of a vendor, a type, a length and a value. Chunks of other
//! vendors and of types not named here are passed over. Versions 1 and 2 carry SIP only, one message a datagram.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::base::fault::{Kind, Layer};
use crate::base::time::At;
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// What a packet of version 3 begins with.
pub const MAGIC: [u8; 4] = *b"HEP3";
/// Octets of `HEP3` and the length: as much as is needed to know how long the packet is.
pub const HEADER: usize = 6;
/// Payload is SIP.
pub const SIP: u8 = 0x01;
/// Payload is M2UA.
pub const M2UA: u8 = 0x08;
/// Payload is M3UA.
pub const M3UA: u8 = 0x09;
/// Payload is M2PA.
pub const M2PA: u8 = 0x0d;

const CHUNK_HEADER: u16 = 6;
const FAMILY: u16 = 0x0001;
const IP_PROTOCOL: u16 = 0x0002;
const SRC_V4: u16 = 0x0003;
const DST_V4: u16 = 0x0004;
const SRC_V6: u16 = 0x0005;
const DST_V6: u16 = 0x0006;
const SRC_PORT: u16 = 0x0007;
const DST_PORT: u16 = 0x0008;
const SECONDS: u16 = 0x0009;
const MICROS: u16 = 0x000a;
const PROTOCOL: u16 = 0x000b;
const AGENT: u16 = 0x000c;
const KEY: u16 = 0x000e;
const PAYLOAD: u16 = 0x000f;
const COMPRESSED: u16 = 0x0010;
const CORRELATION: u16 = 0x0011;

/// Address families as the systems number them that agents run on.
const INET: u8 = 2;
const INET6: u8 = 10;
const UDP: u8 = 17;

/// What was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// Packed with zlib (chunk 0x0010).
    Compressed(&'a [u8]),
    /// As it was.
    Plain(&'a [u8]),
}

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Sender of the message; port 0 when the agent does not say.
    pub src: SocketAddr,
    /// Receiver of the message; port 0 when the agent does not say.
    pub dst: SocketAddr,
    /// Protocol above IP, as in the IP header: 17 UDP, 6 TCP, 132 SCTP.
    pub ip_protocol: u8,
    /// When the agent saw it, in whole microseconds; version 1 does not say, and some agents say 0.
    pub at: Option<At>,
    /// What the payload is: [`SIP`], [`M2UA`], [`M3UA`], [`M2PA`] and many others.
    pub protocol: u8,
    /// Number of the agent; 0 when it does not say.
    pub agent: u32,
    /// The word by which the agent is known.
    pub key: Option<&'a [u8]>,
    /// What the agent thinks the message belongs to; a Call-ID, often.
    pub correlation: Option<&'a [u8]>,
    /// The message.
    pub payload: Payload<'a>,
}

impl<'a> Packet<'a> {
    /// Reads one packet of any version; octets after it are not looked at.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when it is cut, [`Kind::BadLength`] when a length cannot be true, [`Kind::Missing`] without
    /// addresses, protocol or payload, [`Kind::NotRecognised`] when it is no HEP.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match bytes {
            [b'H', b'E', b'P', b'3', ..] => Self::parse_chunks(bytes),
            [1 | 2, 16 | 40, ..] => Self::parse_fixed(bytes),
            [] => Err(Cursor::new(Layer::Hep, bytes).error(Kind::Truncated)),
            _ => Err(Cursor::new(Layer::Hep, bytes).error(Kind::NotRecognised)),
        }
    }

    fn parse_chunks(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Hep, bytes);
        cursor.skip(MAGIC.len())?;
        let length = usize::from(cursor.u16()?);
        if length < HEADER {
            return Err(cursor.error(Kind::BadLength));
        }
        let body = bytes.get(..length).ok_or_else(|| cursor.error(Kind::Truncated))?;
        let mut cursor = Cursor::new(Layer::Hep, body);
        cursor.skip(HEADER)?;
        let mut parts = Parts::default();
        while !cursor.is_empty() {
            let (vendor, chunk) = (cursor.u16()?, cursor.u16()?);
            let length = cursor.u16()?.checked_sub(CHUNK_HEADER);
            let length = length.ok_or_else(|| cursor.error(Kind::BadLength))?;
            let at = cursor;
            let value = cursor.take(usize::from(length))?;
            if vendor == 0 {
                parts.add(chunk, value).ok_or_else(|| at.error(Kind::BadLength))?;
            }
        }
        parts.whole().ok_or_else(|| cursor.error(Kind::Missing))
    }

    /// Versions 1 and 2: version, length of header and addresses, family, protocol, ports, addresses; in version 2 then
    /// the time and the agent, in the byte order of the agent, which is little-endian in practice.
    fn parse_fixed(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::Hep, bytes);
        let [version, length, family, ip_protocol] = cursor.array()?;
        let ports = (cursor.u16()?, cursor.u16()?);
        let (src, dst): (IpAddr, IpAddr) = match (family, length) {
            (INET, 16) => {
                (Ipv4Addr::from(cursor.array::<4>()?).into(), Ipv4Addr::from(cursor.array::<4>()?).into())
            }
            (INET6, 40) => {
                (Ipv6Addr::from(cursor.array::<16>()?).into(), Ipv6Addr::from(cursor.array::<16>()?).into())
            }
            _ => return Err(cursor.error(Kind::NotRecognised)),
        };
        let (mut at, mut agent) = (None, 0);
        if version == 2 {
            let (seconds, micros) =
                (u32::from_le_bytes(cursor.array()?), u32::from_le_bytes(cursor.array()?));
            at = time(seconds, micros);
            agent = u32::from(u16::from_le_bytes(cursor.array()?));
            cursor.skip(2)?;
        }
        Ok(Self {
            src: SocketAddr::new(src.to_canonical(), ports.0),
            dst: SocketAddr::new(dst.to_canonical(), ports.1),
            ip_protocol,
            at,
            protocol: SIP,
            agent,
            key: None,
            correlation: None,
            payload: Payload::Plain(cursor.rest()),
        })
    }

    /// Writes it in version 3. All its parts together must be shorter than 65,400 octets.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&[0; 2]);
        let mut chunk = |kind: u16, value: &[u8]| {
            let length = u16::try_from(value.len()).unwrap_or(u16::MAX).saturating_add(CHUNK_HEADER);
            out.extend_from_slice(&[0; 2]);
            out.extend_from_slice(&kind.to_be_bytes());
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(value);
        };
        let is_v4 = self.src.is_ipv4() && self.dst.is_ipv4();
        chunk(FAMILY, &[if is_v4 { INET } else { INET6 }]);
        chunk(IP_PROTOCOL, &[self.ip_protocol]);
        match (self.src.ip(), self.dst.ip()) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                chunk(SRC_V4, &src.octets());
                chunk(DST_V4, &dst.octets());
            }
            (src, dst) => {
                chunk(SRC_V6, &mapped(src).octets());
                chunk(DST_V6, &mapped(dst).octets());
            }
        }
        chunk(SRC_PORT, &self.src.port().to_be_bytes());
        chunk(DST_PORT, &self.dst.port().to_be_bytes());
        if let Some(at) = self.at {
            let seconds = u32::try_from(at.nanos() / 1_000_000_000).unwrap_or(u32::MAX);
            // Less than 10^9 nanoseconds are less than 10^6 microseconds.
            let micros = (at.nanos() % 1_000_000_000 / 1_000) as u32;
            chunk(SECONDS, &seconds.to_be_bytes());
            chunk(MICROS, &micros.to_be_bytes());
        }
        chunk(PROTOCOL, &[self.protocol]);
        chunk(AGENT, &self.agent.to_be_bytes());
        for (kind, value) in [(KEY, self.key), (CORRELATION, self.correlation)] {
            if let Some(value) = value {
                chunk(kind, value);
            }
        }
        match self.payload {
            Payload::Compressed(bytes) => chunk(COMPRESSED, bytes),
            Payload::Plain(bytes) => chunk(PAYLOAD, bytes),
        }
        let length = u16::try_from(out.len().saturating_sub(start)).unwrap_or(u16::MAX).to_be_bytes();
        for (octet, value) in out.iter_mut().skip(start).skip(MAGIC.len()).zip(length) {
            *octet = value;
        }
    }
}

/// How long the packet of version 3 is that these octets begin with; `None` when they begin with no such packet.
#[must_use]
pub fn length(header: &[u8; HEADER]) -> Option<usize> {
    let [b'H', b'E', b'P', b'3', high, low] = *header else { return None };
    Some(usize::from(u16::from_be_bytes([high, low]))).filter(|length| *length >= HEADER)
}

/// What the chunks said so far; the first of each type counts.
#[derive(Default)]
struct Parts<'a> {
    ip_protocol: Option<u8>,
    src: Option<IpAddr>,
    dst: Option<IpAddr>,
    src_port: Option<u16>,
    dst_port: Option<u16>,
    seconds: Option<u32>,
    micros: Option<u32>,
    protocol: Option<u8>,
    agent: Option<u32>,
    key: Option<&'a [u8]>,
    correlation: Option<&'a [u8]>,
    payload: Option<Payload<'a>>,
}

impl<'a> Parts<'a> {
    /// `None` when the value has not the length that its type has.
    fn add(&mut self, chunk: u16, value: &'a [u8]) -> Option<()> {
        match chunk {
            IP_PROTOCOL => first(&mut self.ip_protocol, u8::from_be_bytes(value.try_into().ok()?)),
            SRC_V4 | SRC_V6 => first(&mut self.src, address(value)?),
            DST_V4 | DST_V6 => first(&mut self.dst, address(value)?),
            SRC_PORT => first(&mut self.src_port, u16::from_be_bytes(value.try_into().ok()?)),
            DST_PORT => first(&mut self.dst_port, u16::from_be_bytes(value.try_into().ok()?)),
            SECONDS => first(&mut self.seconds, u32::from_be_bytes(value.try_into().ok()?)),
            MICROS => first(&mut self.micros, u32::from_be_bytes(value.try_into().ok()?)),
            PROTOCOL => first(&mut self.protocol, u8::from_be_bytes(value.try_into().ok()?)),
            AGENT => first(&mut self.agent, u32::from_be_bytes(value.try_into().ok()?)),
            KEY => first(&mut self.key, value),
            CORRELATION => first(&mut self.correlation, value),
            PAYLOAD => first(&mut self.payload, Payload::Plain(value)),
            COMPRESSED => first(&mut self.payload, Payload::Compressed(value)),
            // The family too: the addresses say it.
            _ => {}
        }
        Some(())
    }

    /// `None` when something is missing that must be there.
    fn whole(self) -> Option<Packet<'a>> {
        Some(Packet {
            src: SocketAddr::new(self.src?, self.src_port.unwrap_or(0)),
            dst: SocketAddr::new(self.dst?, self.dst_port.unwrap_or(0)),
            ip_protocol: self.ip_protocol.unwrap_or(UDP),
            at: self.seconds.and_then(|seconds| time(seconds, self.micros.unwrap_or(0))),
            protocol: self.protocol?,
            agent: self.agent.unwrap_or(0),
            key: self.key,
            correlation: self.correlation,
            payload: self.payload?,
        })
    }
}

fn first<T>(place: &mut Option<T>, value: T) {
    place.get_or_insert(value);
}

/// Some agents write an IPv4 address in the form for IPv6, whatever the chunk's type says.
fn address(value: &[u8]) -> Option<IpAddr> {
    let address: IpAddr = match value.len() {
        4 => Ipv4Addr::from(*value.first_chunk::<4>()?).into(),
        16 => Ipv6Addr::from(*value.first_chunk::<16>()?).into(),
        _ => return None,
    };
    Some(address.to_canonical())
}

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// `None` for no time at all, and for a fraction that is none.
fn time(seconds: u32, micros: u32) -> Option<At> {
    let nanos =
        u64::from(seconds).checked_mul(1_000_000_000)?.checked_add(u64::from(micros).checked_mul(1_000)?)?;
    (seconds > 0 && micros < 1_000_000).then(|| At::from_nanos(nanos))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use proptest::prelude::*;

    fn packet(payload: Payload<'_>) -> Packet<'_> {
        Packet {
            src: "192.0.2.1:5060".parse().unwrap(),
            dst: "192.0.2.2:5070".parse().unwrap(),
            ip_protocol: 6,
            at: Some(At::from_nanos(1_700_000_000_000_001_000)),
            protocol: SIP,
            agent: 2001,
            key: Some(b"word"),
            correlation: None,
            payload,
        }
    }

    fn fault(bytes: &[u8]) -> Kind {
        Packet::parse(bytes).unwrap_err().kind
    }

    #[test]
    fn what_is_cut_or_lacks_a_part_is_refused() {
        let mut bytes = Vec::new();
        packet(Payload::Plain(b"OPTIONS")).emit(&mut bytes);
        for length in 0..bytes.len() {
            let kind = fault(&bytes[..length]);
            assert!(matches!(kind, Kind::Truncated | Kind::NotRecognised), "{length}: {kind:?}");
        }
        assert_eq!(length(bytes.first_chunk().unwrap()), Some(bytes.len()));
        assert_eq!(fault(b"HEP3\0\x05"), Kind::BadLength);
        assert_eq!(fault(b"HEP3\0\x06"), Kind::Missing);
        assert_eq!(fault(b"HEP3\0\x0c\0\0\0\x0f\0\x05"), Kind::BadLength);
        assert_eq!(fault(b"HEP3\0\x0e\0\0\0\x0b\0\x08\0\x01"), Kind::BadLength);
        assert_eq!(fault(b"INVITE sip:a SIP/2.0\r\n\r\n"), Kind::NotRecognised);
    }

    #[test]
    fn chunks_of_others_are_passed_over() {
        let mut bytes = Vec::new();
        packet(Payload::Compressed(b"zz")).emit(&mut bytes);
        bytes.extend_from_slice(b"\0\x02\0\x0b\0\x09odd\0\0\0\x21\0\x08ab");
        let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        bytes[4..6].copy_from_slice(&length);
        assert_eq!(Packet::parse(&bytes), Ok(packet(Payload::Compressed(b"zz"))));
    }

    #[test]
    fn versions_1_and_2_carry_sip() {
        let mut bytes = vec![1, 16, 2, 17, 0x13, 0xc4, 0x13, 0xc6, 192, 0, 2, 1, 192, 0, 2, 2];
        let first = [&bytes[..], b"SIP/2.0"].concat();
        let read = Packet::parse(&first).unwrap();
        assert_eq!((read.src.to_string(), read.at), ("192.0.2.1:5060".to_owned(), None));
        assert_eq!((read.protocol, read.payload), (SIP, Payload::Plain(b"SIP/2.0")));
        bytes[0] = 2;
        bytes.extend([0x2e, 0x6f, 0xa7, 0x5d, 0x94, 0xad, 0, 0, 1, 0, 0, 0]);
        let second = [&bytes[..], b"SIP/2.0"].concat();
        let read = Packet::parse(&second).unwrap();
        assert_eq!(read.at, Some(At::from_nanos(1_571_254_062_044_436_000)));
        assert_eq!((read.agent, read.payload), (1, Payload::Plain(b"SIP/2.0")));
        assert_eq!(fault(&second[..20]), Kind::Truncated);
        assert_eq!(fault(&[2, 40, 2, 17, 0, 0, 0, 0, 0]), Kind::NotRecognised);
    }

    prop_compose! {
        fn any_address()(v4: bool, octets: [u8; 16], port: u16) -> SocketAddr {
            let [a, b, c, d, ..] = octets;
            let ip: IpAddr = if v4 { Ipv4Addr::new(a, b, c, d).into() } else { Ipv6Addr::from(octets).into() };
            SocketAddr::new(ip.to_canonical(), port)
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(
            src in any_address(), dst in any_address(), ip_protocol: u8, protocol: u8, agent: u32,
            micros in prop::option::of(1_000_000..4_000_000_000_000_000_u64),
            key in prop::option::of(prop::collection::vec(any::<u8>(), 0..20)),
            correlation in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
            payload in prop::collection::vec(any::<u8>(), 0..3000), packed: bool,
        ) {
            let payload = if packed { Payload::Compressed(&payload) } else { Payload::Plain(&payload) };
            let (key, correlation) = (key.as_deref(), correlation.as_deref());
            let at = micros.map(|micros| At::from_nanos(micros * 1_000));
            let packet = Packet { src, dst, ip_protocol, at, protocol, agent, key, correlation, payload };
            let mut bytes = Vec::new();
            packet.emit(&mut bytes);
            prop_assert_eq!(Packet::parse(&bytes), Ok(packet));
        }

        #[test]
        fn any_bytes_never_panic(mut bytes: Vec<u8>) {
            let _ = Packet::parse(&bytes);
            bytes.splice(0..0, [b'H', b'E', b'P', b'3', 0, 40]);
            let _ = Packet::parse(&bytes);
        }
    }
}
