//! Frames and packets in UDP: GENEVE, RFC 8926 §3.4.

use super::link::Next;

/// As registered.
pub(super) const PORT: u16 = 6081;

const CONTROL_AND_CRITICAL: u8 = 0xc0;

/// `None` when it is not GENEVE: another version, options longer than the datagram, or something in a reserved place.
/// Control packets carry nothing.
pub(super) fn next(payload: &[u8]) -> Option<Next<'_>> {
    let (&[first, flags, p0, p1, _, _, _, reserved], rest) = payload.split_first_chunk()?;
    let (version, options) = (first >> 6, usize::from(first & 0x3f).saturating_mul(4));
    if version != 0 || flags & !CONTROL_AND_CRITICAL != 0 || reserved != 0 {
        return None;
    }
    let rest = rest.get(options..)?;
    match u16::from_be_bytes([p0, p1]) {
        ethertype @ (0x0800 | 0x86dd | 0x6558 | 0x8847 | 0x8848) => Some(Next::EtherType(ethertype, rest)),
        _ => None,
    }
}
