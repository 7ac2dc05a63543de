//! Base64 with the alphabet for addresses, without padding. RFC 4648 §5, as RFC 7515 §2 uses it.

/// Whether all octets are of the alphabet; so are none.
#[must_use]
pub fn is_alphabet(text: &[u8]) -> bool {
    text.iter().all(|byte| value(*byte).is_some())
}

/// The octets that a text stands for; `None` when it stands for none, or is not the one text that does: bits that are not used are zero.
#[must_use]
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len().saturating_mul(3) / 4);
    let (mut bits, mut held) = (0_u32, 0_u32);
    for byte in text {
        bits = bits << 6 | value(*byte)?;
        held = held.saturating_add(6);
        if held >= 8 {
            held = held.saturating_sub(8);
            octets.push((bits >> held) as u8);
            bits &= (1_u32 << held).saturating_sub(1);
        }
    }
    (held < 6 && bits == 0).then_some(octets)
}

/// The same without taking memory. An octet that is not of the alphabet ends its group of four; bits not used are not looked at.
pub fn octets(text: &[u8]) -> impl Iterator<Item = u8> {
    text.chunks(4).flat_map(|group| {
        let count = group.iter().map_while(|byte| value(*byte)).count();
        let word =
            group.iter().take(count).filter_map(|byte| value(*byte)).fold(0, |word, bits| word << 6 | bits);
        let word = word << 6_usize.saturating_mul(4_usize.saturating_sub(count));
        let [_, octets @ ..] = word.to_be_bytes();
        octets.into_iter().take(count.saturating_sub(1))
    })
}

/// The one text that stands for these octets.
#[must_use]
pub fn encode(octets: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(octets.len().saturating_mul(4).div_ceil(3));
    for group in octets.chunks(3) {
        let word = group.iter().fold(0_u32, |word, octet| word << 8 | u32::from(*octet));
        let word = word << 8_usize.saturating_mul(3_usize.saturating_sub(group.len()));
        for place in 0..=group.len() {
            let shift = 18_usize.saturating_sub(place.saturating_mul(6));
            let index = (word >> shift & 0x3F) as usize;
            text.push(char::from(ALPHABET.get(index).copied().unwrap_or_default()));
        }
    }
    text
}

const fn value(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte.wrapping_sub(b'A'),
        b'a'..=b'z' => byte.wrapping_sub(b'a').wrapping_add(26),
        b'0'..=b'9' => byte.wrapping_sub(b'0').wrapping_add(52),
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    };
    Some(value as u32)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_as_the_standard_says() {
        for (text, octets) in [("", ""), ("Zg", "f"), ("Zm8", "fo"), ("Zm9v", "foo"), ("Zm9vYg", "foob")] {
            assert_eq!(decode(text.as_bytes()).unwrap(), octets.as_bytes());
            assert_eq!(encode(octets.as_bytes()), text);
        }
        assert_eq!(decode(b"-_8"), Some(vec![0xFB, 0xFF]));
        for bad in ["Z", "Zm9vY", "Zh", "Zm9=", "Zg==", "+/8", "Zm 9v", "Zm9v\n"] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_again(octets in vec(any::<u8>(), 0..200)) {
            let text = encode(&octets);
            prop_assert_eq!(super::octets(text.as_bytes()).collect::<Vec<_>>(), octets.clone());
            prop_assert_eq!(decode(text.as_bytes()), Some(octets));
        }

        #[test]
        fn octets_have_one_text(text in "[A-Za-z0-9_-]{0,40}") {
            if let Some(octets) = decode(text.as_bytes()) {
                prop_assert_eq!(encode(&octets), text);
            }
        }
    }
}
