//! Finding an octet that is near: names, numbers and parameters are a few octets long, and there setting up a search by the
//! processor's widest vectors takes longer than the search. Looks at sixteen octets at a time.

use wide::u8x16;

const BLOCK: usize = size_of::<u8x16>();
const WORD: usize = size_of::<u64>();

/// Place of the first octet that is one of `wanted`.
#[inline]
#[must_use]
pub fn near<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> Option<usize> {
    first(bytes, |block| {
        let is_one = wanted.map(|octet| block.simd_eq(u8x16::splat(octet)));
        is_one.into_iter().fold(u8x16::ZERO, |found, more| found | more)
    })
}

/// Place of the first octet that is CR, LF, NUL or another control character before these.
#[inline]
pub(super) fn near_control(bytes: &[u8]) -> Option<usize> {
    first(bytes, |block| block.min(u8x16::splat(b'\r')).simd_eq(block))
}

/// Place of the first octet that is marked.
#[inline]
fn first(bytes: &[u8], mark: impl Fn(u8x16) -> u8x16) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for (index, block) in blocks.iter().enumerate() {
        let found = mark(u8x16::new(*block)).to_bitmask();
        if found != 0 {
            return Some(index.wrapping_mul(BLOCK).wrapping_add(found.trailing_zeros() as usize));
        }
    }
    // Looked at together with octets before it, where there are any: a loop over it would take longer than all before.
    let (block, start) = match bytes.last_chunk::<BLOCK>() {
        Some(last) => (u8x16::new(*last), bytes.len().wrapping_sub(BLOCK)),
        None => (few(rest), 0),
    };
    let found = mark(block).to_bitmask();
    let place = start.wrapping_add(found.trailing_zeros() as usize);
    if found != 0 && place < bytes.len() { Some(place) } else { None }
}

/// Less than sixteen octets, with zeros after them.
#[inline]
fn few(bytes: &[u8]) -> u8x16 {
    let (low, high) = match (bytes.first_chunk::<WORD>(), bytes.last_chunk::<WORD>()) {
        (Some(low), Some(high)) => {
            // What of it is in the other word already goes.
            let unwanted = (BLOCK.wrapping_sub(bytes.len()) as u32).wrapping_mul(u8::BITS);
            (u64::from_le_bytes(*low), u64::from_le_bytes(*high).checked_shr(unwanted).unwrap_or_default())
        }
        _ => (fewer(bytes), 0),
    };
    u8x16::new((u128::from(high) << u64::BITS | u128::from(low)).to_le_bytes())
}

/// Up to seven octets as a word with zeros above.
#[inline]
fn fewer(bytes: &[u8]) -> u64 {
    if let (Some(low), Some(high)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        // Two halves that overlap.
        let shift = (bytes.len().wrapping_sub(4) as u32).wrapping_mul(u8::BITS);
        return u64::from(u32::from_le_bytes(*low))
            | u64::from(u32::from_le_bytes(*high)).wrapping_shl(shift);
    }
    bytes.iter().rev().fold(0, |word, octet| word << u8::BITS | u64::from(*octet))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_plain_loop_finds(
            bytes in prop::collection::vec(prop_oneof![Just(b':'), Just(b';'), Just(b'9'), Just(0), any::<u8>()], 0..40),
            skip in 0..40_usize,
        ) {
            let bytes = bytes.get(skip..).unwrap_or_default();
            let plain = |wanted: &[u8]| bytes.iter().position(|octet| wanted.contains(octet));
            prop_assert_eq!(near([b':'], bytes), plain(b":"));
            prop_assert_eq!(near([b';', b':', 0xff], bytes), plain(b";:\xff"));
            prop_assert_eq!(near([0], bytes), plain(b"\0"));
            prop_assert_eq!(near_control(bytes), bytes.iter().position(|octet| *octet <= b'\r'));
        }
    }
}
