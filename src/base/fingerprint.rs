//! A hash that is the same everywhere: in every run, on every node, in a snapshot. For what equipment sends, which is compared
//! with what it sent before. Unlike [`crate::base::map::keyed_hash`] it has no key, so it must choose no bucket and no shard.

/// Odd, with its bits well mixed: the golden ratio, as in Knuth's multiplicative hashing (TAOCP volume 3, §6.4).
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// What was folded in so far, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Default for Fingerprint {
    fn default() -> Self {
        Self(FACTOR)
    }
}

impl Fingerprint {
    /// Folds in a number.
    #[inline]
    pub fn word(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(FACTOR);
    }

    /// Folds in octets, and how many they are. The last word overlaps the one before: no octet is folded alone.
    #[inline]
    pub fn octets(&mut self, octets: &[u8]) {
        self.0 = self.0.wrapping_add(octets.len() as u64);
        if let Some(last) = octets.last_chunk::<8>() {
            for word in octets.as_chunks::<8>().0 {
                self.word(u64::from_le_bytes(*word));
            }
            self.word(u64::from_le_bytes(*last));
        } else if let (Some(first), Some(last)) = (octets.first_chunk::<4>(), octets.last_chunk::<4>()) {
            self.halves(*first, *last);
        } else {
            self.word(octets.iter().fold(0, |word, octet| word << 8 | u64::from(*octet)));
        }
    }

    /// Folds in five octets as [`Fingerprint::octets`] does. For some that stand in no slice: to be written into one and read from
    /// it as a word, they would have to go through memory.
    #[inline]
    pub fn five(&mut self, [first, second, third, fourth, fifth]: [u8; 5]) {
        self.0 = self.0.wrapping_add(5);
        self.halves([first, second, third, fourth], [second, third, fourth, fifth]);
    }

    #[inline]
    fn halves(&mut self, first: [u8; 4], last: [u8; 4]) {
        self.word(u64::from(u32::from_le_bytes(first)) << 32 | u64::from(u32::from_le_bytes(last)));
    }

    /// Folds in a text whose digits change from call to call: each run of them counts as one `#`.
    #[inline]
    pub fn without_digits(&mut self, text: &[u8]) {
        let mut in_digits = false;
        for octet in text {
            if !octet.is_ascii_digit() {
                self.word(u64::from(*octet));
            } else if !in_digits {
                self.word(u64::from(b'#'));
            }
            in_digits = octet.is_ascii_digit();
        }
        self.word(0);
    }

    /// Folds in all that another one holds.
    #[inline]
    pub fn join(&mut self, other: Self) {
        self.word(other.0);
    }

    /// All of it in 32 bits; never 0, which stands for "not known".
    #[must_use]
    pub fn finish(self) -> u32 {
        let mixed = (self.0 ^ self.0 >> 32).wrapping_mul(FACTOR);
        ((mixed >> 32) as u32).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(fold: impl Fn(&mut Fingerprint)) -> u32 {
        let mut print = Fingerprint::default();
        fold(&mut print);
        print.finish()
    }

    #[test]
    fn it_never_changes() {
        // Snapshots hold such values: a change here needs another version of theirs.
        assert_eq!(of(|_| {}), 0xAB16_9EB8);
        assert_eq!(of(|print| print.octets(b"Via: SIP/2.0")), 0x25B9_D288);
    }

    #[test]
    fn order_length_and_text_count() {
        let all = [
            of(|print| print.octets(b"ab")),
            of(|print| print.octets(b"ba")),
            of(|print| print.octets(b"ab\0")),
            of(|print| print.octets(b"\0ab")),
            of(|print| print.octets(b"abcdefgh")),
            of(|print| print.octets(b"abcdefghi")),
            of(|print| (print.octets(b"a"), print.octets(b"b")).0),
        ];
        let distinct: std::collections::BTreeSet<u32> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn five_octets_are_as_in_a_slice() {
        assert_eq!(of(|print| print.five(*b"abcde")), of(|print| print.octets(b"abcde")));
    }

    #[test]
    fn digits_count_as_one_place() {
        let text = |text: &str| of(|print| print.without_digits(text.as_bytes()));
        assert_eq!(text("call-7"), text("call-12345"));
        assert_ne!(text("call-7"), text("call-"));
        assert_ne!(text("call-7"), text("call-7-7"));
    }
}
