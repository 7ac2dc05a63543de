//! Digits as they were dialled or shown, four bits each: ISUP sends them so (Q.763 §3.9), with codes above 9 beside them.
//!
//! Sixteen octets hold what takes 32 characters. So digits are compared, cut, put together and made a number in a few
//! operations on whole words, where characters take a loop.

use std::fmt;

use arrayvec::ArrayVec;

/// Most digits kept.
pub const CAPACITY: usize = 32;

/// Up to [`CAPACITY`] digits. Each is 0 to 9, or a code above that which only ISUP has: a letter from `A` on as text.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Digits {
    /// The first digit in the four lowest bits; zeros behind the last. In octets, lest a number of 128 bits align whatever
    /// holds one to 16 octets.
    packed: [u8; CAPACITY / 2],
    count: u8,
}

impl Digits {
    /// The first `count` of the digits in `packed`, of which the first is in the four lowest bits.
    #[inline]
    #[must_use]
    pub const fn of_packed(packed: u128, count: usize) -> Self {
        if count >= CAPACITY {
            return Self { packed: packed.to_le_bytes(), count: CAPACITY as u8 };
        }
        let kept = packed & !(u128::MAX << (4 * count));
        Self { packed: kept.to_le_bytes(), count: count as u8 }
    }

    /// Reads ASCII digits; `None` when there are more than [`CAPACITY`], or others among them.
    #[inline]
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let length = text.len();
        if length > CAPACITY {
            return None;
        }
        let mut packed = 0;
        let Some(last) = text.last_chunk() else {
            let digit = |byte: &u8| byte.is_ascii_digit().then(|| u128::from(byte & 0xF));
            for byte in text.iter().rev() {
                packed = packed << 4 | digit(byte)?;
            }
            return Some(Self::of_packed(packed, length));
        };
        for (place, eight) in text.as_chunks().0.iter().enumerate() {
            packed |= u128::from(eight_digits(*eight)?) << (32 * place);
        }
        // The last eight may overlap those before, which puts the same digits in the same place once more.
        packed |= u128::from(eight_digits(*last)?) << (4 * (length - 8));
        Some(Self { packed: packed.to_le_bytes(), count: length as u8 })
    }

    #[inline]
    const fn word(self) -> u128 {
        u128::from_le_bytes(self.packed)
    }

    /// How many there are.
    #[inline]
    #[must_use]
    pub const fn len(self) -> usize {
        self.count as usize
    }

    /// There are none.
    #[inline]
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.count == 0
    }

    /// Whether none is above 9.
    #[inline]
    #[must_use]
    pub const fn are_decimal(self) -> bool {
        let word = self.word();
        !has_letter(word as u64) && !has_letter((word >> 64) as u64)
    }

    /// Whether the first is zero.
    #[inline]
    #[must_use]
    pub const fn begin_with_zero(self) -> bool {
        self.count > 0 && self.packed[0] & 0xF == 0
    }

    /// What follows `prefix`; `None` when they do not begin with it.
    #[inline]
    #[must_use]
    pub fn strip_prefix(self, prefix: Self) -> Option<Self> {
        let rest = self.len().checked_sub(prefix.len())?;
        let bits = 4 * prefix.len() as u32;
        let differing = self.word() ^ prefix.word();
        if differing.trailing_zeros() < bits {
            return None;
        }
        let packed = self.word().checked_shr(bits).unwrap_or_default();
        Some(Self { packed: packed.to_le_bytes(), count: rest as u8 })
    }

    /// The first `count` of them, or all.
    #[inline]
    #[must_use]
    pub const fn leading(self, count: usize) -> Self {
        if count >= self.len() { self } else { Self::of_packed(self.word(), count) }
    }

    /// These, and `more` behind them, as far as there is room.
    #[inline]
    #[must_use]
    pub fn then(self, more: Self) -> Self {
        let behind = more.word().checked_shl(4 * u32::from(self.count)).unwrap_or_default();
        let count = (self.len() + more.len()).min(CAPACITY);
        Self { packed: (self.word() | behind).to_le_bytes(), count: count as u8 }
    }

    /// The number they are in decimal; `None` when there are more than 16, or one above 9.
    #[inline]
    #[must_use]
    pub fn value(self) -> Option<u64> {
        let word = self.word() as u64;
        if self.count > 16 || has_letter(word) {
            return None;
        }
        // To the upper end, so that the zeros are in front; from there by neighbours: the first of two counts ten times the
        // second, then of pairs a hundred times, and so on. Nothing of it exceeds its half of the word.
        let word = word.checked_shl(64 - 4 * u32::from(self.count)).unwrap_or_default();
        let join = |tens: u64, factor: u64, units: u64| tens.wrapping_mul(factor).wrapping_add(units);
        let pairs = join(word & 0x0F0F_0F0F_0F0F_0F0F, 10, word >> 4 & 0x0F0F_0F0F_0F0F_0F0F);
        let fours = join(pairs & 0x00FF_00FF_00FF_00FF, 100, pairs >> 8 & 0x00FF_00FF_00FF_00FF);
        let eights = join(fours & 0x0000_FFFF_0000_FFFF, 10_000, fours >> 16 & 0x0000_FFFF_0000_FFFF);
        Some(join(eights & 0xFFFF_FFFF, 100_000_000, eights >> 32))
    }

    /// In ASCII.
    #[inline]
    #[must_use]
    pub fn text(self) -> ArrayVec<u8, CAPACITY> {
        let mut text = [0; CAPACITY];
        let (first, last) = text.split_at_mut(CAPACITY / 2);
        let (first_packed, last_packed) = self.packed.split_at(CAPACITY / 4);
        put_characters(first_packed, first);
        // Hardly any number is so long.
        if self.len() > first.len() {
            put_characters(last_packed, last);
        }
        let mut text = ArrayVec::from(text);
        text.truncate(self.len());
        text
    }
}

/// Four bits each of eight digits in ASCII, all at once. `None` when one of them is no digit.
#[inline]
fn eight_digits(text: [u8; 8]) -> Option<u32> {
    const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
    const HALVES: u64 = u64::from_le_bytes([0xF0; 8]);
    let word = u64::from_le_bytes(text);
    // Six more than 9 begins the next sixteen.
    let next = word.wrapping_add(u64::from_le_bytes([6; 8]));
    if word & HALVES != ZEROS || next & HALVES != ZEROS {
        return None;
    }
    let wide = word & !HALVES;
    let wide = (wide | wide >> 4) & 0x00FF_00FF_00FF_00FF;
    let wide = (wide | wide >> 8) & 0x0000_FFFF_0000_FFFF;
    Some((wide | wide >> 16) as u32)
}

/// Whether one of sixteen digits is above 9: eight, and two or four more.
#[inline]
const fn has_letter(word: u64) -> bool {
    word & (word << 1 | word << 2) & 0x8888_8888_8888_8888 != 0
}

/// Writes the characters of digits into twice as many octets.
#[inline]
fn put_characters(packed: &[u8], text: &mut [u8]) {
    for (eight, four) in text.as_chunks_mut().0.iter_mut().zip(packed.as_chunks().0) {
        *eight = characters(*four);
    }
}

/// The characters of eight digits, all at once: each is moved to an octet of its own, and made a character there.
#[inline]
fn characters(digits: [u8; 4]) -> [u8; 8] {
    let wide = u64::from(u32::from_le_bytes(digits));
    let wide = (wide | wide << 16) & 0x0000_FFFF_0000_FFFF;
    let wide = (wide | wide << 8) & 0x00FF_00FF_00FF_00FF;
    let wide = (wide | wide << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    // Six more bring 10 and above over 16: those are letters, which come seven after the digits.
    let letters = (wide.wrapping_add(0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
    wide.wrapping_add(0x3030_3030_3030_3030).wrapping_add(letters.wrapping_mul(7)).to_le_bytes()
}

/// Of characters: `0` to `9`, `A` to `F`. Of any other the four lowest bits count, and none beyond [`CAPACITY`].
impl FromIterator<u8> for Digits {
    fn from_iter<I: IntoIterator<Item = u8>>(text: I) -> Self {
        let (mut packed, mut count) = (0, 0);
        for byte in text.into_iter().take(CAPACITY) {
            let digit = if byte.is_ascii_uppercase() { byte - b'A' + 10 } else { byte };
            packed |= u128::from(digit & 0xF) << (4 * count);
            count += 1;
        }
        Self::of_packed(packed, count)
    }
}

impl fmt::Debug for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digits(text: &str) -> Digits {
        text.bytes().collect()
    }

    #[test]
    fn only_digits_are_read() {
        assert_eq!(Digits::parse(b""), Some(Digits::default()));
        assert_eq!(Digits::parse(&[b'1'; CAPACITY]), Some(digits(&"1".repeat(CAPACITY))));
        assert_eq!(Digits::parse(&[b'1'; CAPACITY + 1]), None);
        for text in ["+1", "12345/", "1234567:", "A2345678", "12345678901234 "] {
            assert_eq!(Digits::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn codes_above_nine_are_letters() {
        assert_eq!(digits("12ABCDEF").to_string(), "12ABCDEF");
        for (text, are_decimal) in
            [("", true), ("0123456789", true), ("12A", false), ("F", false), ("8E", false)]
        {
            assert_eq!(digits(text).are_decimal(), are_decimal, "{text}");
        }
        assert_eq!(digits("12A").value(), None);
    }

    #[test]
    fn what_has_no_room_is_cut() {
        let long = digits(&"1".repeat(40));
        assert_eq!((long.len(), long.then(digits("2"))), (CAPACITY, long));
        assert_eq!(long.strip_prefix(long), Some(Digits::default()));
        assert_eq!(digits(&"9".repeat(17)).value(), None);
        assert_eq!(digits(&"9".repeat(16)).value(), Some(9_999_999_999_999_999));
    }

    proptest! {
        #[test]
        fn they_are_what_their_text_is(text in "[0-9]{0,32}", other in "[0-9]{0,4}", count in 0..40_usize) {
            let all = digits(&text);
            prop_assert_eq!(Digits::parse(text.as_bytes()), Some(all));
            prop_assert_eq!(all.to_string(), text.as_str());
            prop_assert_eq!((all.len(), all.is_empty()), (text.len(), text.is_empty()));
            prop_assert_eq!(all.begin_with_zero(), text.starts_with('0'));
            prop_assert_eq!(all.strip_prefix(digits(&other)), text.strip_prefix(&other).map(digits));
            prop_assert_eq!(all.leading(count), digits(&text[..count.min(text.len())]));
            prop_assert_eq!(digits(&other).then(all), digits(&format!("{other}{text}")));
            prop_assert_eq!(digits(&other).then(all).strip_prefix(digits(&other)), Some(all.leading(CAPACITY - other.len())));
            let value = if text.is_empty() { Some(0) } else { text.parse().ok().filter(|_| text.len() <= 16) };
            prop_assert_eq!(all.value(), value);
        }

        #[test]
        fn an_octet_that_is_no_digit_is_found(at in 0..12_usize, octet: u8) {
            let mut text = *b"481234567890";
            text[at] = octet;
            prop_assert_eq!(Digits::parse(&text).is_some(), octet.is_ascii_digit());
        }
    }
}
