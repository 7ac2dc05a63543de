//! SIP message → signal. RFC 3261 §12, §15, §16; RFC 3325 for the calling number; RFC 5806, RFC 7044 for diversion.

use std::net::SocketAddr;

use crate::base::frame::Pdu;
use crate::signal::{Context, Counts, Signal};
use crate::wire::DecodeError;

/// Decodes one SIP message.
///
/// # Errors
/// When it has no usable start line, Call-ID or CSeq.
pub fn decode<'a>(
    _pdu: &Pdu<'a>,
    _between: (SocketAddr, SocketAddr),
    _context: &Context,
    _counts: &mut Counts,
) -> Result<Option<Signal<'a>>, DecodeError> {
    Ok(None)
}
