//! Captures at another time.

use std::fs;
use std::path::Path;

/// A classic pcap file of a case, moved by so many seconds.
pub fn moved(name: &str, seconds: u32) -> Vec<u8> {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name);
    let mut bytes = match fs::read(case.join("input.pcap")) {
        Ok(bytes) => bytes,
        Err(_) => zstd::decode_all(&fs::read(case.join("input.pcap.zst")).unwrap()[..]).unwrap(),
    };
    // draft-ietf-opsawg-pcap: a header of 24 octets, then each record with 16 octets before it.
    let is_little = bytes[3] == 0xA1;
    assert!(is_little && bytes[2] == 0xB2, "no classic pcap");
    let word = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut at = 24;
    while at < bytes.len() {
        let moved = word(&bytes, at) + seconds;
        bytes[at..at + 4].copy_from_slice(&moved.to_le_bytes());
        at += 16 + word(&bytes, at + 8) as usize;
    }
    bytes
}
