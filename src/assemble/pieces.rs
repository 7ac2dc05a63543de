//! Parts of a row of octets that arrive in any order: each octet is kept once, the first copy of it. What continues a
//! piece becomes part of it, so that pieces are counted by the holes between them.

/// Octets a piece costs beside its data.
const OVERHEAD: usize = 48;

/// Disjoint pieces in order of position.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    list: Vec<(u64, Vec<u8>)>,
    octets: usize,
    /// What the pieces have room for, octets.
    reserved: usize,
}

/// How much of what was added was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// All of it, in one piece.
    All,
    /// All or some of it, with other octets in their place.
    Differs,
    /// Nothing.
    Nothing,
    /// Some of it.
    Some,
}

impl Pieces {
    /// Adds what is new of `bytes`, and says how much was not.
    pub fn insert(&mut self, start: u64, bytes: &[u8]) -> Known {
        let end = start + bytes.len() as u64;
        let range = |from: u64, to: u64| &bytes[(from - start) as usize..(to - start) as usize];
        let (mut same, mut fresh, mut met) = (true, false, 0);
        let mut at = start;
        let mut place = self.list.partition_point(|(first, held)| first + held.len() as u64 <= start);
        while at < end {
            let next = self.list.get(place).map_or(end, |(first, _)| end.min(*first));
            if at < next {
                fresh = true;
                self.octets += (next - at) as usize;
                place = self.put(place, at, range(at, next));
                at = next;
            } else if let Some((first, held)) = self.list.get(place) {
                met += 1;
                let stop = end.min(first + held.len() as u64);
                same &= range(at, stop) == &held[(at - first) as usize..(stop - first) as usize];
                at = stop;
                place += 1;
            }
        }
        match (same, fresh, met) {
            (false, ..) => Known::Differs,
            (_, _, 0) => Known::Nothing,
            (_, false, 1) => Known::All,
            _ => Known::Some,
        }
    }

    /// Puts a piece in before `place`, or at the end of the piece that it continues; the place behind it.
    fn put(&mut self, place: usize, at: u64, bytes: &[u8]) -> usize {
        let before = place.checked_sub(1).and_then(|place| self.list.get_mut(place));
        if let Some((first, held)) = before
            && *first + held.len() as u64 == at
        {
            self.reserved -= held.capacity();
            held.extend_from_slice(bytes);
            self.reserved += held.capacity();
            return place;
        }
        self.reserved += bytes.len();
        self.list.insert(place, (at, bytes.to_vec()));
        place + 1
    }

    /// One piece holds all of these octets.
    pub fn covers(&self, start: u64, end: u64) -> bool {
        let place = self.list.partition_point(|(first, held)| first + held.len() as u64 <= start);
        self.list.get(place).is_some_and(|(first, held)| *first <= start && end <= first + held.len() as u64)
    }

    /// Where the first piece starts.
    pub fn start(&self) -> Option<u64> {
        self.list.first().map(|(first, _)| *first)
    }

    /// Where the last piece ends; 0 when there is none.
    pub fn end(&self) -> u64 {
        self.list.last().map_or(0, |(first, held)| first + held.len() as u64)
    }

    /// Takes the first piece when it starts at `position`.
    pub fn take_at(&mut self, position: u64) -> Option<Vec<u8>> {
        if self.start()? != position {
            return None;
        }
        let (_, bytes) = self.list.remove(0);
        self.octets -= bytes.len();
        self.reserved -= bytes.capacity();
        Some(bytes)
    }

    /// All octets in order, as if there were no holes.
    pub fn join(&self) -> Vec<u8> {
        let mut whole = Vec::with_capacity(self.octets);
        self.list.iter().for_each(|(_, bytes)| whole.extend_from_slice(bytes));
        whole
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Number of pieces.
    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// Octets of data.
    pub fn octets(&self) -> usize {
        self.octets
    }

    /// Octets of memory, nearly.
    pub fn cost(&self) -> usize {
        self.reserved + self.list.len() * OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn says_how_much_was_there() {
        let mut pieces = Pieces::default();
        assert_eq!(pieces.insert(4, b"efgh"), Known::Nothing);
        assert_eq!(pieces.insert(8, b"ij"), Known::Nothing);
        assert_eq!((pieces.count(), pieces.insert(5, b"fghi")), (1, Known::All));
        assert_eq!(pieces.insert(5, b"fgXi"), Known::Differs);
        assert_eq!(pieces.insert(2, b"cdef"), Known::Some);
        assert_eq!(pieces.insert(20, b"x"), Known::Nothing);
        assert_eq!(pieces.insert(9, b"jklmnopqrstx"), Known::Some);
        assert_eq!(pieces.join(), b"cdefghijklmnopqrstx");
        assert!(pieces.cost() >= pieces.octets());
        while let Some(start) = pieces.start() {
            pieces.take_at(start);
        }
        assert_eq!((pieces.cost(), pieces.octets()), (0, 0));
    }

    proptest! {
        /// Against a plain row of octets.
        #[test]
        fn keeps_the_first_copy_of_each_octet(
            parts in prop::collection::vec((0..40_u64, prop::collection::vec(0..3_u8, 0..12)), 0..12)
        ) {
            let mut pieces = Pieces::default();
            let mut row = [None; 64];
            for (start, bytes) in parts {
                let (mut same, mut known) = (true, 0);
                for (place, octet) in row.iter_mut().skip(start as usize).zip(&bytes) {
                    known += usize::from(place.is_some());
                    same &= *place.get_or_insert(*octet) == *octet;
                }
                let found = pieces.insert(start, &bytes);
                prop_assert_eq!(found == Known::Differs, !same);
                prop_assert_eq!(found == Known::Nothing, known == 0);
                prop_assert!(found != Known::All || known == bytes.len());
            }
            let kept: Vec<u8> = row.iter().flatten().copied().collect();
            prop_assert_eq!(pieces.octets(), kept.len());
            prop_assert_eq!(pieces.join(), kept);
            let first = row.iter().position(Option::is_some).map(|first| first as u64);
            prop_assert_eq!(pieces.start(), first);
            prop_assert_eq!(pieces.end(), row.iter().rposition(Option::is_some).map_or(0, |last| last as u64 + 1));
        }
    }
}
