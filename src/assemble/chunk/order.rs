//! Whole user messages in the order of their streams. RFC 9260 §6.6, RFC 8260 §2.2.2.
//!
//! A receiver hands on the ordered messages of a stream by their numbers, whatever order they came in: what was lost and
//! sent again comes before what was sent after it. Here too, as long as what is missing comes within a time and a number
//! of messages; after that, and for numbers that cannot be placed, messages go on as they came.

/// Ordered messages that wait for one before them, an association.
const WAITING_MAX: usize = 64;
/// How far ahead of the next a message is waited for, in messages of its stream.
const AHEAD_MAX: u32 = 1024;
/// Streams whose order is kept, an association. Messages of others go on as they come.
const STREAMS_MAX: usize = 256;
/// Octets a waiting message costs beside its data, and a stream.
const OVERHEAD: usize = 64;
const STREAM_COST: usize = 8;

/// A user message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Payload protocol identifier of its first chunk.
    pub protocol: Option<u32>,
    /// What it says; nothing when it is of no protocol that is read.
    pub bytes: Option<&'a [u8]>,
}

/// A place in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Stream identifier.
    pub stream: u16,
    /// The number, so that neighbours are `step` apart and it wraps with 32 bits.
    number: u32,
    step: u32,
}

impl Place {
    /// By stream sequence number, of 16 bits.
    pub const fn by_stream_sequence(stream: u16, sequence: u16) -> Self {
        Self { stream, number: (sequence as u32) << 16, step: 1 << 16 }
    }

    /// By message identifier, of 32 bits.
    pub const fn by_message(stream: u16, message: u32) -> Self {
        Self { stream, number: message, step: 1 }
    }

    const fn after(self) -> u32 {
        self.number.wrapping_add(self.step)
    }

    /// How many messages it is behind (below 0), or ahead of, a number.
    const fn distance(self, from: u32) -> i32 {
        self.number.wrapping_sub(from) as i32 / self.step as i32
    }
}

/// Streams of one direction of an association.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// Number of the next message of each stream, by stream.
    next: Vec<(u16, u32)>,
    /// In the order they came.
    waiting: Vec<Waiting>,
    bytes: usize,
}

#[derive(Debug)]
struct Waiting {
    place: Place,
    protocol: Option<u32>,
    bytes: Option<Vec<u8>>,
}

impl Order {
    /// Octets held.
    pub const fn cost(&self) -> usize {
        self.bytes + self.next.len() * STREAM_COST
    }

    /// Whether more messages wait than an honest sender makes wait, or they take more than `bytes_max`.
    pub const fn is_too_much(&self, bytes_max: usize) -> bool {
        self.waiting.len() > WAITING_MAX || self.bytes > bytes_max
    }

    /// What the message that waits longest waits for: stream and number. `None` when none waits.
    pub fn gap(&self) -> Option<(u16, u32)> {
        let Place { stream, .. } = self.waiting.first()?.place;
        self.find(stream).map(|(_, next)| (stream, next))
    }

    /// Takes an ordered message, and hands on what is next now.
    pub fn push(&mut self, place: Place, message: Message<'_>, out: &mut impl FnMut(Message<'_>)) {
        let Ok(index) = self.next.binary_search_by_key(&place.stream, |(stream, _)| *stream) else {
            out(message);
            return self.begin(place);
        };
        let distance = place.distance(self.next[index].1);
        if distance < 0 {
            // What came before it went on without it.
            return out(message);
        }
        if distance == 0 {
            self.next[index].1 = place.after();
            out(message);
            return self.drain(index, out);
        }
        if distance.unsigned_abs() <= AHEAD_MAX {
            let bytes = message.bytes.map(<[u8]>::to_vec);
            self.bytes += bytes.as_ref().map_or(0, Vec::len) + OVERHEAD;
            return self.waiting.push(Waiting { place, protocol: message.protocol, bytes });
        }
        while self.pass_one(index, out) {}
        self.next[index].1 = place.after();
        out(message);
    }

    /// The sender gives up on the messages of a stream up to this one.
    pub fn pass(&mut self, until: Place, out: &mut impl FnMut(Message<'_>)) {
        let Some((index, next)) = self.find(until.stream) else { return };
        if until.distance(next) < 0 {
            return;
        }
        while let Some(lowest) = self.lowest(index)
            && self.waiting[lowest].place.distance(until.after()) < 0
        {
            self.pass_one(index, out);
        }
        if until.distance(self.next[index].1) >= 0 {
            self.next[index].1 = until.after();
        }
        self.drain(index, out);
    }

    /// Gives up on what the message that waits longest waits for, and hands on what is next then.
    pub fn skip_gap(&mut self, out: &mut impl FnMut(Message<'_>)) {
        let Some(Waiting { place, .. }) = self.waiting.first() else { return };
        if let Some((index, _)) = self.find(place.stream) {
            self.pass_one(index, out);
            self.drain(index, out);
        }
    }

    /// Hands on all that wait, each stream in its order, and forgets the streams.
    pub fn close(&mut self, out: &mut impl FnMut(Message<'_>)) {
        while !self.waiting.is_empty() {
            self.skip_gap(out);
        }
        *self = Self::default();
    }

    fn begin(&mut self, place: Place) {
        if self.next.len() < STREAMS_MAX
            && let Err(index) = self.next.binary_search_by_key(&place.stream, |(stream, _)| *stream)
        {
            self.next.insert(index, (place.stream, place.after()));
        }
    }

    fn find(&self, stream: u16) -> Option<(usize, u32)> {
        let index = self.next.binary_search_by_key(&stream, |(stream, _)| *stream).ok()?;
        Some((index, self.next[index].1))
    }

    /// Which waiting message of a stream comes first.
    fn lowest(&self, index: usize) -> Option<usize> {
        let (stream, next) = self.next[index];
        let of_stream = self.waiting.iter().enumerate().filter(|(_, waiting)| waiting.place.stream == stream);
        of_stream.min_by_key(|(_, waiting)| waiting.place.distance(next)).map(|(index, _)| index)
    }

    /// Hands on the waiting messages that are next without a gap.
    fn drain(&mut self, index: usize, out: &mut impl FnMut(Message<'_>)) {
        if self.waiting.is_empty() {
            return;
        }
        while let Some(lowest) = self.lowest(index)
            && self.waiting[lowest].place.distance(self.next[index].1) <= 0
        {
            self.pass_one(index, out);
        }
    }

    /// Hands on the waiting message of a stream that comes first. Whether there was one.
    fn pass_one(&mut self, index: usize, out: &mut impl FnMut(Message<'_>)) -> bool {
        let Some(lowest) = self.lowest(index) else { return false };
        let Waiting { place, protocol, bytes } = self.waiting.remove(lowest);
        self.bytes -= bytes.as_ref().map_or(0, Vec::len) + OVERHEAD;
        if place.distance(self.next[index].1) >= 0 {
            self.next[index].1 = place.after();
        }
        out(Message { protocol, bytes: bytes.as_deref() });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The numbers handed on when these come, as messages of one octet.
    fn run(order: &mut Order, numbers: &[u16]) -> Vec<u8> {
        let mut found = Vec::new();
        for number in numbers {
            let bytes = [*number as u8];
            let message = Message { protocol: Some(3), bytes: Some(&bytes) };
            order.push(Place::by_stream_sequence(1, *number), message, &mut |message| {
                found.extend_from_slice(message.bytes.unwrap());
            });
        }
        found
    }

    #[test]
    fn what_was_lost_comes_before_what_was_sent_after_it() {
        let mut order = Order::default();
        assert_eq!(run(&mut order, &[7, 9, 10]), [7]);
        assert_eq!(order.gap(), Some((1, 8 << 16)));
        assert_eq!(run(&mut order, &[8, 11]), [8, 9, 10, 11]);
        assert_eq!(order.gap(), None);
        assert_eq!(order.cost(), STREAM_COST);
    }

    #[test]
    fn one_too_late_or_too_early_goes_on_as_it_came() {
        let mut order = Order::default();
        assert_eq!(run(&mut order, &[7, 6, 8]), [7, 6, 8]);
        assert_eq!(run(&mut order, &[11, 10]), [0; 0]);
        assert_eq!(run(&mut order, &[9 + 2000]), [10, 11, (2009 % 256) as u8]);
        assert_eq!(run(&mut order, &[2010]), [(2010 % 256) as u8]);
    }

    #[test]
    fn what_is_given_up_on_is_not_waited_for() {
        let mut order = Order::default();
        let mut found = Vec::new();
        assert_eq!(run(&mut order, &[0, 2, 5, 7]), [0]);
        order.pass(Place::by_stream_sequence(1, 3), &mut |message| found.push(message.bytes.unwrap()[0]));
        assert_eq!(order.gap(), Some((1, 4 << 16)));
        order.skip_gap(&mut |message| found.push(message.bytes.unwrap()[0]));
        assert_eq!(found, [2, 5]);
        order.close(&mut |message| found.push(message.bytes.unwrap()[0]));
        assert_eq!((found, order.cost()), (vec![2, 5, 7], 0));
    }

    #[test]
    fn streams_beyond_the_limit_are_not_kept() {
        let mut order = Order::default();
        for stream in 0..2000 {
            for number in [0, 9] {
                let message = Message { protocol: None, bytes: None };
                order.push(Place::by_message(stream, number), message, &mut |_| {});
            }
        }
        assert_eq!(order.next.len(), STREAMS_MAX);
        assert_eq!(order.waiting.len(), STREAMS_MAX);
    }

    proptest! {
        #[test]
        fn any_order_within_reach_comes_out_in_order(
            keys in prop::collection::vec(any::<u32>(), 1..60), first in prop::sample::select(vec![0_u16, 65_500]),
        ) {
            let mut numbers: Vec<(u32, u16)> = keys.into_iter().zip(1..).collect();
            numbers.sort_unstable();
            let mut shuffled = vec![first];
            shuffled.extend(numbers.iter().map(|(_, number)| first.wrapping_add(*number)));
            let mut order = Order::default();
            let found = run(&mut order, &shuffled);
            shuffled.sort_unstable_by_key(|number| number.wrapping_sub(first));
            prop_assert_eq!(found, shuffled.iter().map(|number| *number as u8).collect::<Vec<_>>());
            prop_assert_eq!(order.gap(), None);
        }

        #[test]
        fn nothing_is_lost_or_doubled(numbers in prop::collection::vec(any::<u16>(), 0..200)) {
            let mut order = Order::default();
            let mut found = run(&mut order, &numbers);
            order.close(&mut |message| found.extend_from_slice(message.bytes.unwrap()));
            let mut sent: Vec<u8> = numbers.iter().map(|number| *number as u8).collect();
            sent.sort_unstable();
            found.sort_unstable();
            prop_assert_eq!(found, sent);
        }
    }
}
