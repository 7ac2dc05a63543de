//! Packets that the kernel queues for a verdict. Linux netlink(7) and `linux/netfilter/nfnetlink_queue.h`: what goes to
//! the kernel (binding a queue, verdicts) and what comes from it (packets, errors).
//!
//! Headers are in the byte order of the host, attributes in network order. The kernel is no stranger, but its messages
//! are read as if it were: what does not fit is an error, and never a panic.

use crate::base::fault::Kind;

/// Subsystem of queues, in the high octet of a message's type.
const SUBSYSTEM: u16 = 3 << 8;
const MSG_PACKET: u16 = SUBSYSTEM;
const MSG_VERDICT: u16 = SUBSYSTEM | 1;
const MSG_CONFIG: u16 = SUBSYSTEM | 2;
const MSG_ERROR: u16 = 2;

const FLAG_REQUEST: u16 = 1;
const FLAG_ACK: u16 = 4;

/// `struct nlmsghdr` and `struct nfgenmsg`.
const HEADER: usize = 16;
const FAMILY: usize = 4;

const ATTR_PACKET_HEADER: u16 = 1;
const ATTR_VERDICT_HEADER: u16 = 2;
const ATTR_PAYLOAD: u16 = 10;
const ATTR_WHOLE_LENGTH: u16 = 13;
const ATTR_BUFFER: u16 = 14;
/// The high bits of an attribute's type are flags.
const ATTR_TYPE: u16 = 0x3fff;

/// `NFQA_SKB_GSO`: several segments in one, to be cut later.
const BUFFER_SEGMENTS: u32 = 2;

/// The longest payload that fits an attribute, in octets.
pub const PAYLOAD_MAX: usize = 65_531;

/// What a queue is told about itself. Each is acknowledged by a [`Message::Status`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Config {
    /// Makes the queue this socket's.
    Bind,
    /// Copies packets, at most so many octets of each.
    Copy(u32),
    /// Lets packets pass that the queue has no room for, instead of dropping them.
    FailOpen,
    /// Most packets that wait for a verdict.
    Length(u32),
    /// Gives the queue back; what waits in it is dropped, so answer that first.
    Unbind,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Goes on as it is.
    Accept,
    /// Goes nowhere.
    Drop,
    /// Goes on with these octets instead, from the IP header on; at most [`PAYLOAD_MAX`].
    Replace(&'a [u8]),
}

/// One message of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Of a kind not used here.
    Other,
    /// Waits for a verdict.
    Packet(Packet<'a>),
    /// The answer to a request: 0, or the negative number of an error (errno).
    Status(i32),
}

/// A packet that waits for a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Names it in the verdict. Counts up from 1; a number left out is a packet that nobody took.
    pub id: u32,
    /// From the IP header on.
    pub payload: &'a [u8],
    /// The payload is not all of it.
    pub is_cut: bool,
    /// The payload is several packets in one.
    pub is_many: bool,
}

/// Appends a request to set `queue` up.
pub fn put_config(out: &mut Vec<u8>, queue: u16, config: Config) {
    let start = begin(out, MSG_CONFIG, FLAG_REQUEST | FLAG_ACK, queue);
    // NFQNL_CFG_CMD_BIND, NFQNL_CFG_CMD_UNBIND; NFQNL_COPY_PACKET; NFQA_CFG_F_FAIL_OPEN.
    match config {
        Config::Bind => put_attribute(out, 1, &[&[1, 0, 0, 0]]),
        Config::Unbind => put_attribute(out, 1, &[&[2, 0, 0, 0]]),
        Config::Copy(octets) => put_attribute(out, 2, &[&octets.to_be_bytes(), &[2]]),
        Config::Length(packets) => put_attribute(out, 3, &[&packets.to_be_bytes()]),
        Config::FailOpen => {
            put_attribute(out, 4, &[&1_u32.to_be_bytes()]);
            put_attribute(out, 5, &[&1_u32.to_be_bytes()]);
        }
    }
    end(out, start);
}

/// Appends a verdict. Many may go in one datagram; the kernel acts on them in order. A payload that is too long for an
/// attribute is left as it was.
pub fn put_verdict(out: &mut Vec<u8>, queue: u16, id: u32, verdict: Verdict<'_>) {
    let start = begin(out, MSG_VERDICT, FLAG_REQUEST, queue);
    let code = u32::from(verdict != Verdict::Drop);
    put_attribute(out, ATTR_VERDICT_HEADER, &[&code.to_be_bytes(), &id.to_be_bytes()]);
    if let Verdict::Replace(payload) = verdict
        && payload.len() <= PAYLOAD_MAX
    {
        put_attribute(out, ATTR_PAYLOAD, &[payload]);
    }
    end(out, start);
}

fn begin(out: &mut Vec<u8>, message_type: u16, flags: u16, queue: u16) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&message_type.to_ne_bytes());
    out.extend_from_slice(&flags.to_ne_bytes());
    // Number of the request and port of the sender: the kernel fills in what it needs. Family and version are 0.
    out.extend_from_slice(&[0; 10]);
    out.extend_from_slice(&queue.to_be_bytes());
    start
}

fn put_attribute(out: &mut Vec<u8>, attribute: u16, parts: &[&[u8]]) {
    let start = out.len();
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&attribute.to_ne_bytes());
    for part in parts {
        out.extend_from_slice(part);
    }
    let length = out.len().saturating_sub(start) as u16;
    if let Some(place) = out.get_mut(start..).and_then(|attribute| attribute.first_chunk_mut::<2>()) {
        *place = length.to_ne_bytes();
    }
    out.resize(out.len().next_multiple_of(4), 0);
}

fn end(out: &mut [u8], start: usize) {
    let length = out.len().saturating_sub(start) as u32;
    if let Some(place) = out.get_mut(start..).and_then(|message| message.first_chunk_mut::<4>()) {
        *place = length.to_ne_bytes();
    }
}

/// The messages of one datagram. Ends after the first that cannot be read.
pub fn messages(datagram: &[u8]) -> impl Iterator<Item = Result<Message<'_>, Kind>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let message = split_message(&mut rest).and_then(|(kind, body)| read(kind, body));
        if message.is_err() {
            rest = &[];
        }
        Some(message)
    })
}

fn split_message<'a>(rest: &mut &'a [u8]) -> Result<(u16, &'a [u8]), Kind> {
    let head: &[u8; HEADER] = rest.first_chunk().ok_or(Kind::Truncated)?;
    let [l0, l1, l2, l3, t0, t1, ..] = *head;
    let length = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
    let body = rest.get(HEADER..length).ok_or(Kind::BadLength)?;
    *rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    Ok((u16::from_ne_bytes([t0, t1]), body))
}

fn read(kind: u16, body: &[u8]) -> Result<Message<'_>, Kind> {
    match kind {
        MSG_ERROR => {
            let code = body.first_chunk().ok_or(Kind::Truncated)?;
            Ok(Message::Status(i32::from_ne_bytes(*code)))
        }
        MSG_PACKET => read_packet(body.get(FAMILY..).ok_or(Kind::Truncated)?).map(Message::Packet),
        _ => Ok(Message::Other),
    }
}

fn read_packet(mut attributes: &[u8]) -> Result<Packet<'_>, Kind> {
    let (mut id, mut whole_length) = (None, None);
    let mut packet = Packet { id: 0, payload: &[], is_cut: false, is_many: false };
    while !attributes.is_empty() {
        let (attribute, value) = split_attribute(&mut attributes)?;
        let number = || value.first_chunk().map(|octets| u32::from_be_bytes(*octets));
        match attribute & ATTR_TYPE {
            ATTR_PACKET_HEADER => id = number(),
            ATTR_PAYLOAD => packet.payload = value,
            ATTR_WHOLE_LENGTH => whole_length = number(),
            ATTR_BUFFER => packet.is_many = number().is_some_and(|flags| flags & BUFFER_SEGMENTS != 0),
            _ => {}
        }
    }
    packet.id = id.ok_or(Kind::Missing)?;
    packet.is_cut = whole_length.is_some_and(|length| length as usize > packet.payload.len());
    Ok(packet)
}

fn split_attribute<'a>(rest: &mut &'a [u8]) -> Result<(u16, &'a [u8]), Kind> {
    let [l0, l1, t0, t1] = *rest.first_chunk().ok_or(Kind::Truncated)?;
    let length = usize::from(u16::from_ne_bytes([l0, l1]));
    let value = rest.get(4..length).ok_or(Kind::BadLength)?;
    *rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    Ok((u16::from_ne_bytes([t0, t1]), value))
}

/// One line of `/proc/net/netfilter/nfnetlink_queue`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KernelCounts {
    /// Packets that wait for a verdict.
    pub waiting: u64,
    /// Packets dropped because the queue was full; 0 when it fails open.
    pub queue_dropped: u64,
    /// Packets dropped because the socket was full; 0 when it fails open.
    pub user_dropped: u64,
    /// Number of the last packet given to the socket, or meant for it.
    pub last_id: u64,
}

impl KernelCounts {
    /// Finds the line of `queue`.
    #[must_use]
    pub fn parse(text: &str, queue: u16) -> Option<Self> {
        text.lines().find_map(|line| {
            let mut numbers = line.split_ascii_whitespace().map(|word| word.parse::<u64>().ok());
            let [number, _port, waiting, _mode, _range, queue_dropped, user_dropped, last_id] =
                std::array::from_fn(|_| numbers.next().flatten());
            (number? == u64::from(queue)).then_some(Self {
                waiting: waiting?,
                queue_dropped: queue_dropped?,
                user_dropped: user_dropped?,
                last_id: last_id?,
            })
        })
    }
}

/// A packet as the kernel queues it, for tests.
pub fn put_packet(out: &mut Vec<u8>, queue: u16, packet: &Packet<'_>) {
    let start = begin(out, MSG_PACKET, 0, queue);
    put_attribute(out, ATTR_PACKET_HEADER, &[&packet.id.to_be_bytes(), &[0x08, 0x00, 2]]);
    if packet.is_cut {
        let whole = u32::try_from(packet.payload.len()).unwrap_or(u32::MAX).saturating_add(1);
        put_attribute(out, ATTR_WHOLE_LENGTH, &[&whole.to_be_bytes()]);
    }
    if packet.is_many {
        put_attribute(out, ATTR_BUFFER, &[&BUFFER_SEGMENTS.to_be_bytes()]);
    }
    put_attribute(out, ATTR_PAYLOAD, &[packet.payload]);
    end(out, start);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn writes_what_the_header_file_says() {
        let mut out = Vec::new();
        put_config(&mut out, 0x0102, Config::Copy(0xffff));
        assert_eq!(out.len(), 32);
        assert_eq!(out[..4], 32_u32.to_ne_bytes());
        assert_eq!(out[4..6], 0x0302_u16.to_ne_bytes());
        assert_eq!(out[6..8], 5_u16.to_ne_bytes());
        assert_eq!(out[16..20], [0, 0, 1, 2]);
        assert_eq!(out[20..22], 9_u16.to_ne_bytes());
        assert_eq!(out[24..], [0, 0, 0xff, 0xff, 2, 0, 0, 0]);

        out.clear();
        put_verdict(&mut out, 7, 9, Verdict::Replace(b"packet"));
        assert_eq!(out[4..6], 0x0301_u16.to_ne_bytes());
        assert_eq!(out[24..32], [0, 0, 0, 1, 0, 0, 0, 9]);
        assert_eq!(out[36..], *b"packet\0\0");
        out.clear();
        put_verdict(&mut out, 7, 9, Verdict::Drop);
        assert_eq!((out.len(), &out[24..28]), (32, &[0; 4][..]));
    }

    #[test]
    fn reads_what_the_kernel_sends() {
        let first = Packet { id: 7, payload: b"hello", is_cut: true, is_many: false };
        let second = Packet { id: 8, payload: &[], is_cut: false, is_many: true };
        let mut datagram = Vec::new();
        put_packet(&mut datagram, 0, &first);
        put_packet(&mut datagram, 0, &second);
        datagram.extend_from_slice(&20_u32.to_ne_bytes());
        datagram.extend_from_slice(&[2_u16.to_ne_bytes(), [0; 2]].concat());
        datagram.extend_from_slice(&[0; 8]);
        datagram.extend_from_slice(&(-16_i32).to_ne_bytes());
        let found: Vec<_> = messages(&datagram).collect();
        assert_eq!(
            found,
            [Ok(Message::Packet(first)), Ok(Message::Packet(second)), Ok(Message::Status(-16))]
        );
        assert_eq!(messages(&datagram[..30]).last(), Some(Err(Kind::BadLength)));
        assert_eq!(messages(&datagram[..10]).last(), Some(Err(Kind::Truncated)));
    }

    #[test]
    fn reads_the_counters_of_one_queue() {
        let text = "    0   1234     0 2 65531     0     0        3  1\n    5   1235    11 2 65531    12    13       14  1\n";
        let counts = KernelCounts { waiting: 11, queue_dropped: 12, user_dropped: 13, last_id: 14 };
        assert_eq!(KernelCounts::parse(text, 5), Some(counts));
        assert_eq!(KernelCounts::parse(text, 1), None);
        assert_eq!(KernelCounts::parse("5 x\n", 5), None);
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200), length in 0..220_u32) {
            for (place, octet) in bytes.iter_mut().zip(length.to_ne_bytes().into_iter().chain(MSG_PACKET.to_ne_bytes())) {
                *place = octet;
            }
            let found = messages(&bytes).count();
            prop_assert!(found <= bytes.len().div_ceil(HEADER).max(1));
        }
    }
}
