//! Frames in UDP: VXLAN, RFC 7348 §5, with the group policy and generic protocol extensions (draft-smith-vxlan-group-policy,
//! draft-ietf-nvo3-vxlan-gpe §3).

use super::link::Next;

/// As registered.
pub(super) const PORT: u16 = 4789;
/// As Linux had it before.
pub(super) const LINUX_PORT: u16 = 8472;
/// With the generic protocol extension.
pub(super) const GPE_PORT: u16 = 4790;

const INSTANCE: u8 = 0x08;
const NEXT_PROTOCOL: u8 = 0x04;
/// Never set; in text it is, in letters.
const RESERVED: u8 = 0x40;

/// `None` when it is not VXLAN: no valid instance, or something where there is nothing.
pub(super) fn next(payload: &[u8]) -> Option<Next<'_>> {
    let (&[flags, _, _, protocol, _, _, _, reserved], rest) = payload.split_first_chunk()?;
    if flags & INSTANCE == 0 || flags & RESERVED != 0 || reserved != 0 {
        return None;
    }
    if flags & NEXT_PROTOCOL == 0 {
        return Some(Next::Ethernet(rest));
    }
    match protocol {
        1 | 2 => Some(Next::Ip(rest)),
        3 => Some(Next::Ethernet(rest)),
        5 => Some(Next::Mpls(rest)),
        _ => None,
    }
}
