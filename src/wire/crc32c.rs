//! CRC32c, the checksum of SCTP (RFC 9260 appendix A): polynomial 0x1EDC6F41, bits reflected, eight octets at a time.
#![allow(
    clippy::indexing_slicing,
    reason = "tables of 256 are indexed with octets, the rows with constants below 8"
)]
#![allow(clippy::arithmetic_side_effects, reason = "loop counters that end at 8 and 256")]

/// The polynomial, reflected.
const POLYNOMIAL: u32 = 0x82F6_3B78;
/// What an octet does to the sum when 0 to 7 octets follow it.
static TABLES: [[u32; 256]; 8] = tables();

/// The sum over `parts`, one after the other.
#[must_use]
pub fn crc32c(parts: &[&[u8]]) -> u32 {
    !parts.iter().fold(u32::MAX, |crc, part| update(crc, part))
}

fn update(mut crc: u32, bytes: &[u8]) -> u32 {
    let (blocks, rest) = bytes.as_chunks::<8>();
    for block in blocks {
        let word = u64::from_le_bytes(*block) ^ u64::from(crc);
        let octets = word.to_le_bytes();
        crc = 0;
        for (octet, table) in octets.iter().zip(TABLES.iter().rev()) {
            crc ^= table[usize::from(*octet)];
        }
    }
    rest.iter().fold(crc, |crc, octet| crc >> 8 ^ TABLES[0][usize::from(crc.to_le_bytes()[0] ^ octet)])
}

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut octet = 0;
    while octet < 256 {
        let (mut crc, mut bit) = (octet as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][octet] = crc;
        octet += 1;
    }
    let mut row = 1;
    while row < 8 {
        let mut octet = 0;
        while octet < 256 {
            let before = tables[row - 1][octet];
            tables[row][octet] = before >> 8 ^ tables[0][(before & 0xFF) as usize];
            octet += 1;
        }
        row += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sums_as_the_standards_do() {
        // RFC 3720 appendix B.4, and the usual check value.
        assert_eq!(crc32c(&[&[0; 32]]), 0x8A91_36AA);
        assert_eq!(crc32c(&[&[0xFF; 32]]), 0x62A8_AB43);
        assert_eq!(crc32c(&[b"123456789"]), 0xE306_9283);
        assert_eq!(crc32c(&[]), 0);
    }

    proptest! {
        #[test]
        fn parts_add_up(bytes in prop::collection::vec(any::<u8>(), 0..100), cut in 0..100_usize) {
            let (head, tail) = bytes.split_at(cut.min(bytes.len()));
            prop_assert_eq!(crc32c(&[head, tail]), crc32c(&[&bytes]));
        }
    }
}
