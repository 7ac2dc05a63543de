//! SCTP packets and chunks. RFC 9260 §3. Written without the reader in `wire`, so that both cannot be wrong alike.

/// Payload protocol identifier of M3UA.
const PPID_M3UA: u32 = 3;
/// Receiver window that either side offers, in octets.
const WINDOW: u32 = 131_072;
/// Streams that either side offers: 0 for management, the others for traffic.
pub const STREAMS: u16 = 5;

/// A packet: common header with CRC32c, and chunks, each already padded.
pub fn packet(ports: (u16, u16), tag: u32, chunks: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(12 + chunks.len());
    packet.extend(ports.0.to_be_bytes());
    packet.extend(ports.1.to_be_bytes());
    packet.extend(tag.to_be_bytes());
    packet.extend([0; 4]);
    packet.extend(chunks);
    let crc = crc32c(&packet);
    packet[8..12].copy_from_slice(&crc.to_le_bytes());
    packet
}

fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let mut chunk = vec![kind, flags];
    chunk.extend(((4 + value.len()) as u16).to_be_bytes());
    chunk.extend(value);
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

/// What places a DATA chunk in its stream.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Transmission sequence number.
    pub tsn: u32,
    /// Stream.
    pub stream: u16,
    /// Number within the stream.
    pub ssn: u16,
    /// First and last fragment of its user message.
    pub ends: (bool, bool),
}

/// DATA (§3.3.1).
pub fn data(place: Place, payload: &[u8]) -> Vec<u8> {
    let (is_first, is_last) = place.ends;
    let mut value = place.tsn.to_be_bytes().to_vec();
    value.extend(place.stream.to_be_bytes());
    value.extend(place.ssn.to_be_bytes());
    value.extend(PPID_M3UA.to_be_bytes());
    value.extend(payload);
    chunk(0, u8::from(is_first) << 1 | u8::from(is_last), &value)
}

/// INIT (§3.3.2), or INIT ACK (§3.3.3) when it carries a state cookie.
pub fn init(tag: u32, first_tsn: u32, cookie: Option<&[u8]>) -> Vec<u8> {
    let mut value = tag.to_be_bytes().to_vec();
    value.extend(WINDOW.to_be_bytes());
    value.extend(STREAMS.to_be_bytes());
    value.extend(STREAMS.to_be_bytes());
    value.extend(first_tsn.to_be_bytes());
    if let Some(cookie) = cookie {
        value.extend(7_u16.to_be_bytes());
        value.extend(((4 + cookie.len()) as u16).to_be_bytes());
        value.extend(cookie);
    }
    chunk(if cookie.is_some() { 2 } else { 1 }, 0, &value)
}

/// SACK without gaps (§3.3.4).
pub fn sack(cumulative_tsn: u32) -> Vec<u8> {
    let mut value = cumulative_tsn.to_be_bytes().to_vec();
    value.extend(WINDOW.to_be_bytes());
    value.extend([0; 4]);
    chunk(3, 0, &value)
}

/// HEARTBEAT (§3.3.5), or its acknowledgement (§3.3.6), with the sender's own information.
pub fn heartbeat(is_ack: bool, information: u64) -> Vec<u8> {
    let mut value = vec![0, 1, 0, 12];
    value.extend(information.to_be_bytes());
    chunk(if is_ack { 5 } else { 4 }, 0, &value)
}

/// COOKIE ECHO (§3.3.11).
pub fn cookie_echo(cookie: &[u8]) -> Vec<u8> {
    chunk(10, 0, cookie)
}

/// COOKIE ACK (§3.3.12).
pub fn cookie_ack() -> Vec<u8> {
    chunk(11, 0, &[])
}

/// CRC32c (appendix A), octet by octet.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| crc >> 8 ^ CRC32C[((crc ^ u32::from(*byte)) & 0xFF) as usize];
    !bytes.iter().fold(u32::MAX, step)
}

/// What each octet does to the sum.
const CRC32C: [u32; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let (mut crc, mut bit) = (octet as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82F6_3B78 } else { crc >> 1 };
            bit += 1;
        }
        table[octet] = crc;
        octet += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_as_the_standard_does() {
        // RFC 3720 appendix B.4: 32 octets of zero; and the usual check value of "123456789".
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    }
}
