//! How an attempt looks on the wire: attempt → messages with their times → packets → frames.
//!
//! [`sip`] and [`isup`] play an attempt as messages; [`sip_text`] and [`style`] say how the equipment writes them;
//! [`tcp`], [`association`] with [`m3ua`] and [`sctp`], and [`packet`] carry them. One encoder for all made captures,
//! written apart from the readers in `wire`, except for the contents of ISUP messages.

pub mod association;
pub mod isup;
pub mod m3ua;
pub mod packet;
pub mod sctp;
pub mod sip;
pub mod sip_text;
pub mod style;
pub mod tcp;

use std::time::Duration;

use crate::base::time::At;

/// Microseconds, the unit of a capture file; moments count from the Unix epoch.
pub type Micros = u64;

/// A moment in whole microseconds.
#[must_use]
pub const fn micros(at: At) -> Micros {
    at.nanos() / 1_000
}

/// A span in whole microseconds.
#[must_use]
pub fn span(span: Duration) -> Micros {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
