//! Capture files: classic pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng).
//!
//! In: the bytes of a file from the current position on. Out: one [`Step`]: a record, bytes to pass over, or how many
//! bytes are missing. The [`Parser`] never reads a file itself and keeps no bytes, so any chunking of the file gives
//! the same records. Must not: decode frames.

mod classic;
pub mod emit;
mod ng;

use std::fmt;

use crate::base::fault::{Kind, Layer};
use crate::base::frame::Link;
use crate::base::time::At;
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// The longest captured frame believed, in octets; tcpdump's own largest snap length.
pub const MAX_CAPTURED: u32 = 256 * 1024;

/// The longest header, record or block that must be in memory at once, in octets: a frame and as much again for the
/// options of its block. [`Step::Need`] never asks for more.
pub const MAX_UNIT: u32 = 2 * MAX_CAPTURED;

/// What the bytes at the current position are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A frame.
    Record {
        /// The frame.
        record: Record,
        /// Octets to the next step.
        consumed: usize,
    },
    /// Nothing for the reader. `consumed` may be more than what was given.
    Skip {
        /// Octets to the next step.
        consumed: usize,
    },
    /// A frame of an interface whose link type is not read, beside other interfaces that are.
    Foreign {
        /// LINKTYPE_ value.
        link_type: u32,
        /// Octets to the next step.
        consumed: usize,
    },
    /// At least this many octets from the current position are needed; at the end of the file, the file is cut.
    Need(usize),
}

/// One captured frame, by its place in the bytes that were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Time as the file says it.
    pub at: At,
    /// What the frame begins with.
    pub link: Link,
    /// Octets from the current position to the frame.
    pub start: usize,
    /// Captured octets.
    pub length: usize,
    /// Octets on the wire; never less than `length`.
    pub wire_length: u32,
}

/// Why a file cannot be read any further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileError {
    /// The first bytes are no capture header.
    NotACapture,
    /// The file holds frames of this LINKTYPE_ only, which is not read.
    UnknownLinkType(u32),
    /// A header, record or block that cannot be true, or of a version that is not read; the offset counts from the
    /// current position.
    Malformed(DecodeError),
}

impl From<DecodeError> for FileError {
    fn from(error: DecodeError) -> Self {
        Self::Malformed(error)
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotACapture => f.write_str("not a pcap or pcapng header"),
            Self::UnknownLinkType(number) => write!(f, "link type {number} is not read"),
            Self::Malformed(DecodeError { kind: Kind::BadLength, .. }) => {
                f.write_str("a length that cannot be true")
            }
            Self::Malformed(DecodeError { kind: Kind::Conflict, .. }) => {
                f.write_str("the lengths at both ends of a block differ")
            }
            Self::Malformed(DecodeError { kind: Kind::Missing, .. }) => {
                f.write_str("a frame of an interface that is not described")
            }
            Self::Malformed(DecodeError { kind: Kind::Unsupported, .. }) => {
                f.write_str("a format or version that is not read")
            }
            Self::Malformed(DecodeError { kind, .. }) => {
                f.write_str(Kind::NAMES.get(*kind as usize).copied().unwrap_or("malformed"))
            }
        }
    }
}

/// Reads one file, step by step, whichever of the formats it is.
#[derive(Debug, Default)]
pub struct Parser(Format);

#[derive(Debug, Default)]
enum Format {
    #[default]
    Unread,
    Classic(classic::Classic),
    Ng(ng::Ng),
}

impl Parser {
    /// The current position is within a block: a file that ends here is cut, though no octet is left over.
    #[must_use]
    pub const fn is_within(&self) -> bool {
        matches!(&self.0, Format::Ng(ng) if ng.is_within())
    }

    /// What `bytes`, the file from the current position on, begin with. The caller moves on by `consumed`.
    ///
    /// # Errors
    /// See [`FileError`]; nothing sensible follows one.
    #[inline]
    pub fn step(&mut self, bytes: &[u8]) -> Result<Step, FileError> {
        match &mut self.0 {
            Format::Classic(classic) => classic.step(bytes),
            Format::Ng(ng) => ng.step(bytes),
            Format::Unread => self.open(bytes),
        }
    }

    fn open(&mut self, bytes: &[u8]) -> Result<Step, FileError> {
        let Some(magic) = bytes.first_chunk::<4>() else { return Ok(Step::Need(4)) };
        if *magic == ng::SECTION_HEADER.to_be_bytes() {
            let mut ng = ng::Ng::default();
            let step = ng.step(bytes)?;
            if !matches!(step, Step::Need(_)) {
                self.0 = Format::Ng(ng);
            }
            return Ok(step);
        }
        let precision = classic::Precision::of_magic(*magic)?;
        let Some(header) = bytes.first_chunk() else { return Ok(Step::Need(classic::FILE_HEADER)) };
        self.0 = Format::Classic(classic::Classic::new(precision, header)?);
        Ok(Step::Skip { consumed: classic::FILE_HEADER })
    }
}

/// Byte order of a file or section: that of the machine that wrote it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Big,
    Little,
}

impl Order {
    #[inline]
    fn u16(self, cursor: &mut Cursor<'_>) -> Result<u16, DecodeError> {
        let number = cursor.u16()?;
        Ok(if self == Self::Little { number.swap_bytes() } else { number })
    }

    #[inline]
    fn u32(self, cursor: &mut Cursor<'_>) -> Result<u32, DecodeError> {
        let number = cursor.u32()?;
        Ok(if self == Self::Little { number.swap_bytes() } else { number })
    }

    fn i64(self, bytes: [u8; 8]) -> i64 {
        if self == Self::Little { i64::from_le_bytes(bytes) } else { i64::from_be_bytes(bytes) }
    }
}

const fn malformed(offset: u32, kind: Kind) -> FileError {
    FileError::Malformed(DecodeError { layer: Layer::File, offset, kind })
}

/// The link of a LINKTYPE_ number of the tcpdump registry, where it is read. On Linux a live capture calls them the same, but for
/// raw IP, which is 12.
#[must_use]
pub const fn link_of(link_type: u32) -> Option<Link> {
    match link_type {
        0 | 108 => Some(Link::Null),
        1 => Some(Link::Ethernet),
        12 | 14 | 101 | 228 | 229 => Some(Link::RawIp),
        113 => Some(Link::LinuxSll),
        139 => Some(Link::Mtp2WithHeader),
        140 => Some(Link::Mtp2),
        141 => Some(Link::Mtp3),
        276 => Some(Link::LinuxSll2),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
