//! Numbers as text: for records that are written by the million, for hashes, for people.

/// The last decimal digits of a value, two at a time, as many as `text` holds.
pub fn put_digits(text: &mut [u8], mut value: u64) {
    let mut pairs = text.rchunks_exact_mut(2);
    for pair in &mut pairs {
        let two = (value % 100) as u8;
        pair.copy_from_slice(&[b'0' + two / 10, b'0' + two % 10]);
        value /= 100;
    }
    if let [first] = pairs.into_remainder() {
        *first = b'0' + (value % 10) as u8;
    }
}

/// Lower-case hexadecimal, two digits an octet.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}

/// `12,345`
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_as_many_digits_as_there_is_room() {
        let shown = |width: usize, value| {
            let mut text = vec![b'x'; width];
            put_digits(&mut text, value);
            String::from_utf8(text).unwrap()
        };
        assert_eq!([shown(1, 7), shown(2, 7), shown(3, 12_345), shown(0, 9)], ["7", "07", "345", ""]);
        assert_eq!(hex(&[0x00, 0x9f, 0xff]), "009fff");
    }

    #[test]
    fn groups_digits() {
        assert_eq!(
            [grouped(0), grouped(999), grouped(1_000), grouped(1_234_567)],
            ["0", "999", "1,000", "1,234,567"]
        );
    }
}
