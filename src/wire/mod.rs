//! Bytes ⇄ typed messages. No state, no calls, no rules: one protocol a file or folder, each naming its standard.
//!
//! Fields are read through [`cursor::Cursor`], never by index; malformed input is a [`DecodeError`] that names the
//! layer, the offset and the kind, and never a panic.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

pub mod certificate;
pub mod crc32c;
pub mod cursor;
pub mod der;
pub mod hep;
pub mod isup;
pub mod m2pa;
pub mod m2ua;
pub mod m3ua;
pub mod mtp3;
pub mod net;
pub mod nfnetlink;
pub mod passport;
pub mod pcap;
pub mod sctp;
pub mod sigtran;
pub mod sip;
pub mod websocket;

use crate::base::fault::{Kind, Layer};

/// Why bytes could not be decoded, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// Protocol that refused.
    pub layer: Layer,
    /// Octets from the start of that protocol's unit.
    pub offset: u32,
    /// What was wrong.
    pub kind: Kind,
}
