//! Which frames made a message: fragments of its datagram, segments of its stream, chunks of its association. For whoever
//! writes the frames of some calls into a capture of their own.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};

use crate::base::frame::Frame;
use crate::base::map::{Map, Seed};
use crate::wire::net::{self, Packet, Tcp};
use crate::wire::sctp;

/// Streams, fragmented datagrams and associations whose frames are remembered; the one remembered longest makes room.
const WAITING_MAX: usize = 8_192;
/// Frames remembered of each.
const PIECES_MAX: usize = 64;
/// Streams of which frames are kept, each about 150 octets; of more, only the frames that completed a message are.
const STREAMS_MAX: usize = 500_000;

/// What a frame is part of, when a message may need more than one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Flow {
    /// One direction of an SCTP association, of which this frame holds part of a message.
    Association(IpAddr, IpAddr, u32),
    /// A fragmented datagram.
    Datagram(IpAddr, IpAddr, u32),
    /// One direction of a TCP connection.
    Stream(SocketAddr, SocketAddr),
}

/// Both directions of a connection.
type Connection = (SocketAddr, SocketAddr);

impl Flow {
    fn of(frame: &Frame<'_>) -> Option<Self> {
        let packet = Packet::parse(frame).ok()??;
        if let Some(place) = packet.fragment {
            return Some(Self::Datagram(packet.src, packet.dst, place.identification));
        }
        match packet.protocol {
            net::TCP => {
                let tcp = Tcp::parse(packet.payload).ok()?;
                let (src, dst) = ((packet.src, tcp.src_port), (packet.dst, tcp.dst_port));
                Some(Self::Stream(src.into(), dst.into()))
            }
            net::SCTP => {
                let (header, mut chunks) = sctp::Header::parse(packet.payload).ok()?;
                let is_part = |chunk: sctp::Chunk<'_>| {
                    chunk.kind == sctp::DATA
                        && sctp::Data::parse(chunk).is_ok_and(|data| !(data.first && data.last))
                };
                let flow = Self::Association(packet.src, packet.dst, header.verification_tag);
                chunks.any(|chunk| chunk.is_ok_and(is_part)).then_some(flow)
            }
            _ => None,
        }
    }
}

/// The frames to keep.
#[derive(Debug)]
pub struct Kept {
    exact: Frames,
    /// First and last frame of the connection to keep, and all between.
    streams: Map<Connection, (u64, u64)>,
    waiting: Map<Flow, VecDeque<u64>>,
    order: VecDeque<Flow>,
    now: Option<Flow>,
}

impl Kept {
    /// Nothing yet.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            exact: Frames::default(),
            streams: Map::with_hasher(seed),
            waiting: Map::with_hasher(seed),
            order: VecDeque::new(),
            now: None,
        }
    }

    /// Takes note of a frame, before its messages are told.
    pub fn see(&mut self, frame: &Frame<'_>) {
        self.now = Flow::of(frame);
        let Some(flow) = self.now else { return };
        if !self.waiting.contains_key(&flow) {
            if self.order.len() >= WAITING_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.waiting.remove(&oldest);
            }
            self.order.push_back(flow);
        }
        let frames = self.waiting.entry(flow).or_default();
        // Of a stream its beginning is enough, and what was complete last.
        if frames.len() >= PIECES_MAX {
            frames.pop_front();
        }
        if !matches!(flow, Flow::Stream(..)) || frames.is_empty() {
            frames.push_back(frame.number);
        }
    }

    /// A message came out of the frame noted last, `number`; it is one to keep, or not.
    pub fn message(&mut self, number: u64, keep: bool) {
        if keep {
            self.exact.set(number);
        }
        let Some(flow) = self.now else { return };
        let Some(frames) = self.waiting.get_mut(&flow) else { return };
        match flow {
            Flow::Stream(src, dst) => {
                let connection = (src.min(dst), src.max(dst));
                let first = frames.front().copied().unwrap_or(number);
                if keep && (self.streams.len() < STREAMS_MAX || self.streams.contains_key(&connection)) {
                    let range = self.streams.entry(connection).or_insert((first, number));
                    *range = (range.0.min(first), number);
                }
                // The next message may begin in this frame.
                frames.clear();
                frames.push_back(number);
            }
            Flow::Association(..) | Flow::Datagram(..) => {
                if keep {
                    frames.iter().for_each(|frame| self.exact.set(*frame));
                }
            }
        }
    }

    /// No message comes out of the frame noted last any more.
    pub fn seen(&mut self, number: u64, completed: bool) {
        if let Some(flow @ Flow::Association(..)) = self.now
            && completed
            && let Some(frames) = self.waiting.get_mut(&flow)
        {
            // The part that completed one message may come with the first part of the next.
            frames.retain(|frame| *frame == number);
        }
    }

    /// Whether a frame is one to keep.
    #[must_use]
    pub fn has(&self, frame: &Frame<'_>) -> bool {
        if self.exact.has(frame.number) {
            return true;
        }
        if self.streams.is_empty() {
            return false;
        }
        let Some(Flow::Stream(src, dst)) = Flow::of(frame) else { return false };
        let range = self.streams.get(&(src.min(dst), src.max(dst)));
        range.is_some_and(|(first, last)| (*first..=*last).contains(&frame.number))
    }
}

/// A set of frame numbers, a bit each.
#[derive(Debug, Default)]
struct Frames(Vec<u64>);

impl Frames {
    fn set(&mut self, number: u64) {
        let Ok(word) = usize::try_from(number / 64) else { return };
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (number % 64);
    }

    fn has(&self, number: u64) -> bool {
        let word = usize::try_from(number / 64).ok().and_then(|word| self.0.get(word));
        word.is_some_and(|word| word >> (number % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::frame::Link;
    use crate::base::time::At;

    #[test]
    fn frames_are_a_set() {
        let mut frames = Frames::default();
        [1, 64, 1_000].into_iter().for_each(|number| frames.set(number));
        let held: Vec<u64> = (0..2_000).filter(|number| frames.has(*number)).collect();
        assert_eq!(held, [1, 64, 1_000]);
    }

    /// A frame with the first part of a datagram, or with a segment, from a host of its own.
    fn frame(number: u32, protocol: u8) -> Vec<u8> {
        let flags: [u8; 2] = if protocol == net::TCP { [0, 0] } else { [0x20, 0] };
        let [a, b, c, d] = number.to_be_bytes();
        let ip = [0x45, 0, 0, 48, 0, 7, flags[0], flags[1], 64, protocol, 0, 0, a, b, c, d, 10, 0, 0, 1];
        let tcp = [0x13, 0xc4, 0x13, 0xc4, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x18, 0, 0, 0, 0, 0, 0];
        [&[2; 12][..], &[8, 0], &ip, &tcp, &[b'x'; 8]].concat()
    }

    fn see(kept: &mut Kept, number: u64, bytes: &[u8]) {
        let (at, wire_length) = (At::default(), bytes.len() as u32);
        kept.see(&Frame { at, number, link: Link::Ethernet, bytes, wire_length });
    }

    #[test]
    fn a_flood_is_bounded_and_the_newest_is_kept() {
        for protocol in [net::UDP, net::TCP] {
            let mut kept = Kept::new(Seed(1));
            for number in 1..=3 * WAITING_MAX as u32 {
                see(&mut kept, number.into(), &frame(number, protocol));
                assert!(kept.order.len() <= WAITING_MAX && kept.waiting.len() == kept.order.len());
            }
            // Of one datagram no more than so many frames.
            let last = frame(1, protocol);
            (0..1_000).for_each(|number| see(&mut kept, 100_000 + number, &last));
            assert!(kept.waiting.values().all(|frames| frames.len() <= PIECES_MAX));
            kept.message(100_999, true);
            assert!(kept.has(&Frame {
                at: At::default(),
                number: 100_999,
                link: Link::Ethernet,
                bytes: &last,
                wire_length: 0
            }));
        }
    }
}
