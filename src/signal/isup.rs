//! ISUP message → signal. ITU-T Q.763, Q.764 §2.

use crate::base::frame::{Pdu, RoutingLabel};
use crate::base::map::Seed;
use crate::signal::{Context, Counts, Key, Signal};
use crate::wire::DecodeError;

/// Decodes one ISUP message.
///
/// # Errors
/// When its type, or a mandatory part of a message that matters to a call, cannot be read.
pub fn decode<'a>(
    _pdu: &Pdu<'a>,
    _label: RoutingLabel,
    _context: &Context,
    _counts: &mut Counts,
) -> Result<Option<Signal<'a>>, DecodeError> {
    Ok(None)
}

/// Shard key: by circuit; a group reset goes to all.
#[must_use]
pub fn key(_label: RoutingLabel, _bytes: &[u8], _seed: Seed) -> Key {
    Key::None
}
