//! pcapng: blocks of a type, a length, a body and the length again. draft-ietf-opsawg-pcapng §3.1 and §4.
//!
//! Read are section headers (§4.1), interface descriptions (§4.2), simple (§4.3) and enhanced (§4.4) packet blocks and
//! the obsolete packet block (appendix A); all others are passed over without being held in memory.

use crate::base::fault::{Kind, Layer};
use crate::base::frame::Link;
use crate::base::time::At;
use crate::wire::cursor::Cursor;
use crate::wire::pcap::{FileError, MAX_CAPTURED, MAX_UNIT, Order, Record, Step, link_of, malformed};

/// Block type of the section header; reads the same in both byte orders.
pub const SECTION_HEADER: u32 = 0x0a0d_0d0a;
pub(super) const INTERFACE_DESCRIPTION: u32 = 0x0000_0001;
const PACKET: u32 = 0x0000_0002;
const SIMPLE_PACKET: u32 = 0x0000_0003;
pub(super) const ENHANCED_PACKET: u32 = 0x0000_0006;

/// What tells the byte order of a section.
pub(super) const BYTE_ORDER: u32 = 0x1a2b_3c4d;
/// Octets of type and both lengths: the shortest block.
pub(super) const FRAMING: u32 = 12;
/// Octets from the start of a block to its body.
const BODY: usize = 8;
/// The longest block passed over that is believed, in octets.
const MAX_SKIPPED: u32 = 16 * 1024 * 1024;
/// The most interfaces of one section.
const MAX_INTERFACES: usize = 4096;

/// A file whose sections are being read.
#[derive(Debug, Default)]
pub struct Ng {
    order: Order,
    /// Of the current section.
    interfaces: Vec<Interface>,
    /// Any interface so far has a link that is read.
    any_known: bool,
    /// Length at the head of a block passed over, to be met again at its end.
    trailer: Option<u32>,
    /// Time of the latest frame: a simple packet block has none of its own.
    latest: At,
}

#[derive(Clone, Copy, Debug)]
struct Interface {
    link_type: u32,
    link: Option<Link>,
    /// Octets captured of a frame; 0 is no limit.
    snap_length: u32,
    clock: Clock,
}

impl Ng {
    /// One block.
    #[inline]
    pub fn step(&mut self, bytes: &[u8]) -> Result<Step, FileError> {
        if let Some(length) = self.trailer {
            return self.end_skipped(bytes, length);
        }
        let Some(head) = bytes.first_chunk::<{ FRAMING as usize }>() else {
            return Ok(Step::Need(FRAMING as usize));
        };
        let mut cursor = Cursor::new(Layer::File, head);
        let is_section = cursor.u32()? == SECTION_HEADER;
        if is_section {
            cursor.skip(4)?;
            self.order = order_of(cursor.u32()?)?;
        }
        let mut cursor = Cursor::new(Layer::File, head);
        let block_type = self.order.u32(&mut cursor)?;
        let length = self.order.u32(&mut cursor)?;
        let is_read =
            is_section || matches!(block_type, INTERFACE_DESCRIPTION..=SIMPLE_PACKET | ENHANCED_PACKET);
        let length_max = if is_read { MAX_UNIT } else { MAX_SKIPPED };
        if length < FRAMING || length % 4 != 0 || length > length_max {
            return Err(malformed(4, Kind::BadLength));
        }
        let consumed = length as usize;
        if !is_read {
            self.trailer = Some(length);
            return Ok(Step::Skip { consumed: consumed.saturating_sub(4) });
        }
        let Some(block) = bytes.get(..consumed) else { return Ok(Step::Need(consumed)) };
        self.read_block(block_type, length, block)
    }

    /// At the end of a block passed over.
    pub const fn is_within(&self) -> bool {
        self.trailer.is_some()
    }

    fn end_skipped(&mut self, bytes: &[u8], length: u32) -> Result<Step, FileError> {
        let Some(trailer) = bytes.first_chunk::<4>() else { return Ok(Step::Need(4)) };
        self.trailer = None;
        self.check_trailer(trailer, length, 0)?;
        Ok(Step::Skip { consumed: 4 })
    }

    fn check_trailer(&self, trailer: &[u8], length: u32, offset: u32) -> Result<(), FileError> {
        let again = self.order.u32(&mut Cursor::new(Layer::File, trailer))?;
        if again == length { Ok(()) } else { Err(malformed(offset, Kind::Conflict)) }
    }

    /// A block that is wholly there and of a type that is read.
    #[inline]
    fn read_block(&mut self, block_type: u32, length: u32, block: &[u8]) -> Result<Step, FileError> {
        let mut cursor = Cursor::new(Layer::File, block);
        let body_end = block.len().saturating_sub(4);
        self.check_trailer(block.get(body_end..).unwrap_or_default(), length, length.saturating_sub(4))?;
        cursor.skip(BODY)?;
        let packet = match block_type {
            ENHANCED_PACKET => self.enhanced_packet(&mut cursor)?,
            PACKET => self.packet(&mut cursor)?,
            SIMPLE_PACKET => self.simple_packet(&mut cursor)?,
            INTERFACE_DESCRIPTION => {
                self.add_interface(cursor)?;
                return Ok(Step::Skip { consumed: block.len() });
            }
            _ => {
                self.begin_section(&mut cursor)?;
                return Ok(Step::Skip { consumed: block.len() });
            }
        };
        let start = cursor.position();
        if packet.captured > MAX_CAPTURED || packet.captured as usize > body_end.saturating_sub(start) {
            return Err(malformed(u32::try_from(start).unwrap_or(u32::MAX), Kind::BadLength));
        }
        let Some(link) = packet.interface.link else {
            return self.foreign(packet.interface.link_type, block.len());
        };
        self.latest = packet.at;
        let wire_length = packet.wire_length.max(packet.captured);
        let record = Record { at: packet.at, link, start, length: packet.captured as usize, wire_length };
        Ok(Step::Record { record, consumed: block.len() })
    }

    fn foreign(&self, link_type: u32, consumed: usize) -> Result<Step, FileError> {
        if self.any_known {
            Ok(Step::Foreign { link_type, consumed })
        } else {
            Err(FileError::UnknownLinkType(link_type))
        }
    }

    /// Section header block, §4.1. The section length is not used: sections follow each other as blocks do.
    fn begin_section(&mut self, cursor: &mut Cursor<'_>) -> Result<(), FileError> {
        cursor.skip(4)?;
        let major = self.order.u16(cursor)?;
        if major != 1 {
            return Err(malformed(12, Kind::Unsupported));
        }
        self.interfaces.clear();
        Ok(())
    }

    /// Interface description block, §4.2.
    fn add_interface(&mut self, mut cursor: Cursor<'_>) -> Result<(), FileError> {
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(malformed(0, Kind::TooMany));
        }
        let link_type = u32::from(self.order.u16(&mut cursor)?);
        cursor.skip(2)?;
        let snap_length = self.order.u32(&mut cursor)?;
        let clock = self.clock_of_options(cursor)?;
        let link = link_of(link_type);
        self.any_known |= link.is_some();
        self.interfaces.push(Interface { link_type, link, snap_length, clock });
        Ok(())
    }

    /// if_tsresol (9) and if_tsoffset (14), §4.2, among the options (§3.5), which may lack their end mark.
    fn clock_of_options(&self, mut cursor: Cursor<'_>) -> Result<Clock, FileError> {
        let mut clock = Clock::default();
        // What is left ends with the four octets of the trailing length.
        while cursor.rest().len() > 4 {
            let code = self.order.u16(&mut cursor)?;
            let length = usize::from(self.order.u16(&mut cursor)?);
            if code == 0 {
                break;
            }
            if length > cursor.rest().len().saturating_sub(4) {
                return Err(cursor.error(Kind::BadLength).into());
            }
            let value = cursor.take(length)?;
            cursor.skip(length.wrapping_neg() % 4)?;
            match (code, value) {
                (9, [resolution]) => clock.unit = Unit::of_resolution(*resolution),
                (14, _) => {
                    let seconds = value.try_into().map_err(|_| cursor.error(Kind::BadLength))?;
                    clock.offset_ns = self.order.i64(seconds).saturating_mul(1_000_000_000);
                }
                (9, _) => return Err(cursor.error(Kind::BadLength).into()),
                _ => {}
            }
        }
        Ok(clock)
    }

    /// Enhanced packet block, §4.4.
    #[inline]
    fn enhanced_packet(&self, cursor: &mut Cursor<'_>) -> Result<Packet, FileError> {
        let interface = self.order.u32(cursor)?;
        self.timed_packet(interface, cursor)
    }

    /// The obsolete packet block, appendix A: like the enhanced one, with a shorter interface number and a drop count.
    fn packet(&self, cursor: &mut Cursor<'_>) -> Result<Packet, FileError> {
        let interface = u32::from(self.order.u16(cursor)?);
        cursor.skip(2)?;
        self.timed_packet(interface, cursor)
    }

    #[inline]
    fn timed_packet(&self, interface: u32, cursor: &mut Cursor<'_>) -> Result<Packet, FileError> {
        let interface = self.interface(interface)?;
        let high = u64::from(self.order.u32(cursor)?);
        let low = u64::from(self.order.u32(cursor)?);
        let captured = self.order.u32(cursor)?;
        let wire_length = self.order.u32(cursor)?;
        Ok(Packet { at: interface.clock.time(high << 32 | low), interface, captured, wire_length })
    }

    /// Simple packet block, §4.3: on the first interface, without a time; it is given that of the frame before it.
    fn simple_packet(&self, cursor: &mut Cursor<'_>) -> Result<Packet, FileError> {
        let interface = self.interface(0)?;
        let wire_length = self.order.u32(cursor)?;
        let captured =
            if interface.snap_length == 0 { wire_length } else { wire_length.min(interface.snap_length) };
        Ok(Packet { at: self.latest, interface, captured, wire_length })
    }

    #[inline]
    fn interface(&self, number: u32) -> Result<Interface, FileError> {
        self.interfaces.get(number as usize).copied().ok_or(malformed(8, Kind::Missing))
    }
}

/// A packet block's fixed part.
struct Packet {
    at: At,
    interface: Interface,
    captured: u32,
    wire_length: u32,
}

fn order_of(byte_order_magic: u32) -> Result<Order, FileError> {
    match byte_order_magic {
        BYTE_ORDER => Ok(Order::Big),
        0x4d3c_2b1a => Ok(Order::Little),
        _ => Err(FileError::NotACapture),
    }
}

/// How an interface counts time.
#[derive(Clone, Copy, Debug, Default)]
struct Clock {
    unit: Unit,
    /// if_tsoffset, in nanoseconds.
    offset_ns: i64,
}

/// The unit of a timestamp.
#[derive(Clone, Copy, Debug)]
enum Unit {
    /// A power of ten of at least a nanosecond: so many nanoseconds.
    Nanos(u64),
    /// A smaller power of ten: so many of them to the nanosecond.
    PerNano(u64),
    /// 2 to the minus this many seconds; at most 127.
    BinaryFraction(u8),
}

impl Default for Unit {
    /// Microseconds, unless if_tsresol says otherwise.
    fn default() -> Self {
        Self::Nanos(1_000)
    }
}

impl Unit {
    /// if_tsresol: the top bit chooses powers of two, the rest is the negated exponent.
    fn of_resolution(resolution: u8) -> Self {
        let exponent = resolution & 0x7f;
        if resolution & 0x80 != 0 {
            return Self::BinaryFraction(exponent);
        }
        let power = 10u64.checked_pow(u32::from(exponent.abs_diff(9))).unwrap_or(u64::MAX);
        if exponent <= 9 { Self::Nanos(power) } else { Self::PerNano(power) }
    }
}

impl Clock {
    /// Saturates at both ends of representable time.
    #[inline]
    fn time(self, ticks: u64) -> At {
        let nanos = match self.unit {
            Unit::Nanos(nanos) => ticks.saturating_mul(nanos),
            Unit::PerNano(per_nano) => ticks.checked_div(per_nano).unwrap_or(0),
            Unit::BinaryFraction(exponent) => {
                let nanos = u128::from(ticks).wrapping_mul(1_000_000_000) >> exponent;
                u64::try_from(nanos).unwrap_or(u64::MAX)
            }
        };
        At::from_nanos(nanos.saturating_add_signed(self.offset_ns))
    }
}
