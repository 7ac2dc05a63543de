//! Finding an octet that is near: names, numbers and parameters are a few octets long, and there setting up a vector
//! search takes longer than the search. Looks at a machine word at a time.

const WORD: usize = size_of::<u64>();
const ONES: u64 = u64::from_ne_bytes([0x01; WORD]);
const HIGHS: u64 = u64::from_ne_bytes([0x80; WORD]);

/// Place of the first octet that is one of `wanted`.
#[inline]
pub(super) fn near<const N: usize>(wanted: [u8; N], bytes: &[u8]) -> Option<usize> {
    let (words, rest) = bytes.as_chunks::<WORD>();
    let mut before = 0_usize;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let found = wanted
            .iter()
            .fold(0, |found, octet| found | zero_octets(word ^ ONES.wrapping_mul((*octet).into())));
        if found != 0 {
            return before.checked_add((found.trailing_zeros() / u8::BITS) as usize);
        }
        before = before.saturating_add(WORD);
    }
    rest.iter().position(|octet| wanted.contains(octet)).and_then(|place| before.checked_add(place))
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
            bytes in prop::collection::vec(prop_oneof![Just(b':'), Just(b';'), Just(b'9'), any::<u8>()], 0..40),
            skip in 0..40_usize,
        ) {
            let bytes = bytes.get(skip..).unwrap_or_default();
            let plain = |wanted: &[u8]| bytes.iter().position(|octet| wanted.contains(octet));
            prop_assert_eq!(near([b':'], bytes), plain(b":"));
            prop_assert_eq!(near([b';', b':', 0xff], bytes), plain(b";:\xff"));
        }
    }
}
