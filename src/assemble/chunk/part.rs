//! Fragments of user messages, until a message is whole. RFC 9260 §6.9, RFC 8260 §2.2.3.

use super::window::Window;

/// Fragments that wait, an association.
const PARTS_MAX: usize = 64;
/// Octets a fragment costs beside its data.
const PART_OVERHEAD: usize = 64;

/// A chunk of data of either kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    /// Transmission sequence number.
    pub tsn: u32,
    /// The message it belongs to.
    pub message: MessageId,
    /// Its place in the message: of DATA the transmission sequence number, of I-DATA the fragment sequence number.
    pub index: u32,
    /// First fragment.
    pub first: bool,
    /// Last fragment.
    pub last: bool,
    /// Payload protocol identifier; not known of later fragments of I-DATA.
    pub protocol: Option<u32>,
    /// User data.
    pub payload: &'a [u8],
}

/// What the fragments of a message have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MessageId {
    /// I-DATA.
    pub is_interleaved: bool,
    /// Stream identifier.
    pub stream: u16,
    /// U bit.
    pub unordered: bool,
    /// Stream sequence number or message identifier; 0 of unordered DATA, where it means nothing (RFC 9260 §3.3.1).
    pub sequence: u32,
}

/// Fragments of one direction of an association, in order of message and place.
#[derive(Debug, Default)]
pub(super) struct Parts {
    parts: Vec<Held>,
    cost: usize,
}

#[derive(Debug)]
struct Held {
    tsn: u32,
    message: MessageId,
    index: u32,
    first: bool,
    last: bool,
    protocol: Option<u32>,
    bytes: Vec<u8>,
}

impl Parts {
    /// Octets held.
    pub const fn cost(&self) -> usize {
        self.cost
    }

    /// Whether there are more than an honest sender leaves, or they take more than `bytes_max`.
    pub fn is_too_much(&self, bytes_max: usize) -> bool {
        self.parts.len() > PARTS_MAX || self.cost > bytes_max
    }

    /// Forgets them all.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Takes a fragment; hands out the message that it completes, with the protocol of its first fragment.
    pub fn push(&mut self, part: &Part<'_>) -> Option<(Option<u32>, Vec<u8>)> {
        let is_before = |held: &Held| {
            held.message < part.message
                || held.message == part.message && held.index.wrapping_sub(part.index) as i32 <= 0
        };
        let place = self.parts.partition_point(is_before);
        let Part { tsn, message, index, first, last, protocol, payload } = *part;
        self.cost += payload.len() + PART_OVERHEAD;
        self.parts
            .insert(place, Held { tsn, message, index, first, last, protocol, bytes: payload.to_vec() });
        self.take_whole(place)
    }

    /// The message that the fragment at `here` completes: a run without a hole, from a first to a last.
    fn take_whole(&mut self, here: usize) -> Option<(Option<u32>, Vec<u8>)> {
        let joined = |pair: &[Held]| {
            pair[1].message == pair[0].message
                && pair[1].index == pair[0].index.wrapping_add(1)
                && !pair[0].last
                && !pair[1].first
        };
        let mut start = here;
        while start > 0 && joined(&self.parts[start - 1..=start]) {
            start -= 1;
        }
        let mut end = here + 1;
        while end < self.parts.len() && joined(&self.parts[end - 1..=end]) {
            end += 1;
        }
        if !self.parts[start].first || !self.parts[end - 1].last {
            return None;
        }
        let protocol = self.parts[start].protocol;
        let mut message = Vec::new();
        for part in self.parts.drain(start..end) {
            self.cost -= part.bytes.len() + PART_OVERHEAD;
            message.extend_from_slice(&part.bytes);
        }
        Some((protocol, message))
    }

    /// Forgets fragments so old that what they lack will not come. Whether there were any.
    pub fn drop_past(&mut self, window: &Window) -> bool {
        self.retain(|held| !window.is_past(held.tsn))
    }

    /// Forgets fragments that their sender gave up on. Whether there were any.
    pub fn drop_until(&mut self, tsn: u32) -> bool {
        self.retain(|held| held.tsn.wrapping_sub(tsn) as i32 > 0)
    }

    fn retain(&mut self, keep: impl FnMut(&Held) -> bool) -> bool {
        let before = self.parts.len();
        self.parts.retain(keep);
        if self.parts.len() == before {
            return false;
        }
        self.cost = self.parts.iter().map(|part| part.bytes.len() + PART_OVERHEAD).sum();
        true
    }
}
