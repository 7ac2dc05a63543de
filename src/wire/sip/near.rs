//! Finding an octet that is near: names, numbers and parameters are a few octets long, and there setting up a search by the
//! processor's widest vectors takes longer than the search. Looks at sixteen octets at a time, and at a machine word where
//! there are less.

use wide::u8x16;

const BLOCK: usize = size_of::<u8x16>();
const WORD: usize = size_of::<u64>();
const ONES: u64 = u64::from_ne_bytes([0x01; WORD]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; WORD]);

/// Place of the first octet that is one of `wanted`.
#[inline]
pub(super) fn near<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> Option<usize> {
    first(
        bytes,
        |block| {
            let is_one = wanted.map(|octet| block.simd_eq(u8x16::splat(octet)));
            is_one.into_iter().fold(u8x16::ZERO, |found, more| found | more)
        },
        |word| {
            let wanted = wanted.map(|octet| ONES.wrapping_mul(octet.into()));
            wanted.into_iter().fold(0, |found, octet| found | zero_octets(word ^ octet))
        },
    )
}

/// Place of the first octet that is CR, LF, NUL or another control character before these.
#[inline]
pub(super) fn near_control(bytes: &[u8]) -> Option<usize> {
    const AFTER_CR: u64 = ONES.wrapping_mul(b'\r' as u64 + 1);
    first(
        bytes,
        |block| block.min(u8x16::splat(b'\r')).simd_eq(block),
        |word| word.wrapping_sub(AFTER_CR) & !word & HIGHS,
    )
}

/// Place of the first octet that is marked: in a block by all its bits, in a word by its high bit, and there what is above it may
/// be marked wrongly.
#[inline]
fn first(bytes: &[u8], of_block: impl Fn(u8x16) -> u8x16, of_word: impl Fn(u64) -> u64) -> Option<usize> {
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    for (index, block) in blocks.iter().enumerate() {
        let found = of_block(u8x16::new(*block)).to_bitmask();
        if found != 0 {
            return index.wrapping_mul(BLOCK).checked_add(found.trailing_zeros() as usize);
        }
    }
    // What is left is looked at together with octets before it, where there are any: a loop over it would take longer than all
    // that is before.
    if let Some(last) = bytes.last_chunk::<BLOCK>() {
        let seen = BLOCK.wrapping_sub(rest.len());
        let found = of_block(u8x16::new(*last)).to_bitmask().checked_shr(seen as u32).unwrap_or_default();
        return bytes
            .len()
            .checked_sub(rest.len())?
            .checked_add(found.trailing_zeros() as usize)
            .filter(|_| found != 0);
    }
    let place = |marks: u64| (marks.trailing_zeros() / u8::BITS) as usize;
    if let (Some(low), Some(high)) = (bytes.first_chunk::<WORD>(), bytes.last_chunk::<WORD>()) {
        let found = of_word(u64::from_le_bytes(*low));
        if found != 0 {
            return Some(place(found));
        }
        let found = of_word(u64::from_le_bytes(*high));
        return bytes.len().checked_sub(WORD)?.checked_add(place(found)).filter(|_| found != 0);
    }
    let found = of_word(few_octets(bytes));
    Some(place(found)).filter(|place| *place < bytes.len())
}

/// Up to seven octets as a word with zeros above.
#[inline]
fn few_octets(bytes: &[u8]) -> u64 {
    if let (Some(low), Some(high)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        // Two halves that overlap.
        let shift = (bytes.len().wrapping_sub(4) as u32).wrapping_mul(u8::BITS);
        return u64::from(u32::from_le_bytes(*low))
            | u64::from(u32::from_le_bytes(*high)).wrapping_shl(shift);
    }
    bytes.iter().rev().fold(0, |word, octet| word << u8::BITS | u64::from(*octet))
}

/// The high bit of each octet that is zero. Octets above such a one may be marked wrongly, by the borrow.
#[inline]
const fn zero_octets(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
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
