//! A stream of octets → HEP packets of version 3, cut by their length.
//!
//! Where the stream makes no sense it is searched for the next `HEP3`. However it is cut, the packets are the same.

use memchr::memmem;

use crate::wire::hep::{HEADER, MAGIC, length};

/// What the stream turned out to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// The stream makes no sense from here to the next packet.
    Lost,
    /// One whole packet.
    Packet(&'a [u8]),
}

/// Cuts one connection.
#[derive(Debug, Default)]
pub struct Framer {
    /// The packet that is not whole yet: less than 64 KiB.
    held: Vec<u8>,
    is_lost: bool,
}

impl Framer {
    /// In the middle of a stream: silently searches for a packet.
    pub const fn lost() -> Self {
        Self { held: Vec::new(), is_lost: true }
    }

    /// Octets of memory.
    pub const fn cost(&self) -> usize {
        self.held.capacity()
    }

    /// A stream that ends now ends within a packet.
    #[must_use]
    pub const fn is_within(&self) -> bool {
        !self.held.is_empty() && !self.is_lost
    }

    /// Takes the next octets of the stream.
    pub fn feed(&mut self, bytes: &[u8], out: &mut impl FnMut(Found<'_>)) {
        self.held.extend_from_slice(bytes);
        let mut start = 0;
        loop {
            let rest = self.held.get(start..).unwrap_or_default();
            let Some(header) = rest.first_chunk::<HEADER>() else { break };
            match length(header) {
                Some(length) => {
                    let Some(packet) = rest.get(..length) else { break };
                    self.is_lost = false;
                    out(Found::Packet(packet));
                    start += length;
                }
                None => {
                    if !self.is_lost {
                        out(Found::Lost);
                    }
                    self.is_lost = true;
                    // The last octets may be the first of a packet.
                    let tail = rest.len().saturating_sub(MAGIC.len() - 1).max(1);
                    let next = memmem::find(rest.get(1..).unwrap_or_default(), &MAGIC);
                    start += next.map_or(tail, |next| next + 1);
                }
            }
        }
        self.held.drain(..start);
        if self.held.is_empty() {
            self.held = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let (mut framer, mut found) = (Framer::default(), Vec::new());
        for part in parts {
            framer.feed(part, &mut |item| {
                found.push(match item {
                    Found::Lost => "lost".to_owned(),
                    Found::Packet(packet) => packet.escape_ascii().to_string(),
                });
            });
            assert!(framer.held.len() < 65_536);
        }
        found
    }

    #[test]
    fn finds_packets_between_garbage() {
        let stream = b"HEP3\0\x08abHEP3\0\x02....HEHEP3\0\x06noise, and much of itHEP3\0\x07xHEP3\0\x09";
        let expected = [r"HEP3\x00\x08ab", "lost", r"HEP3\x00\x06", "lost", r"HEP3\x00\x07x"];
        assert_eq!(run([&stream[..]]), expected);
        assert_eq!(run(stream.chunks(1)), expected);
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same(
            parts in prop::collection::vec(prop::sample::select(vec![
                &b"HEP3\0\x08ab"[..], b"HEP3\0\x06", b"HEP3", b"\0\x05", b"HE", b"junk", b"HEP3\x01\0", b"\xff",
            ]), 0..40),
            cuts in prop::collection::vec(1..20_usize, 1..20),
        ) {
            let stream = parts.concat();
            let (mut rest, mut segments) = (&stream[..], Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (head, tail) = rest.split_at(rest.len().min(*cut));
                segments.push(head);
                rest = tail;
            }
            prop_assert_eq!(run(segments), run([&stream[..]]));
        }
    }
}
