//! Parts of a row of octets that arrive in any order: each octet is kept once, the first copy of it.

/// Octets a piece costs beside its data.
const OVERHEAD: usize = 48;

/// Disjoint pieces in order of position.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    list: Vec<(u64, Vec<u8>)>,
    octets: usize,
}

impl Pieces {
    /// Adds what is new of `bytes`. False when a part that was there already differs.
    pub fn insert(&mut self, start: u64, bytes: &[u8]) -> bool {
        let end = start + bytes.len() as u64;
        let range = |from: u64, to: u64| &bytes[(from - start) as usize..(to - start) as usize];
        let mut same = true;
        let mut at = start;
        let mut place = self.list.partition_point(|(first, held)| first + held.len() as u64 <= start);
        while at < end {
            let next = self.list.get(place).map_or(end, |(first, _)| end.min(*first));
            if at < next {
                self.octets += (next - at) as usize;
                self.list.insert(place, (at, range(at, next).to_vec()));
                at = next;
            } else if let Some((first, held)) = self.list.get(place) {
                let stop = end.min(first + held.len() as u64);
                same &= range(at, stop) == &held[(at - first) as usize..(stop - first) as usize];
                at = stop;
            }
            place += 1;
        }
        same
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
        self.octets + self.list.len() * OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against a plain row of octets.
        #[test]
        fn keeps_the_first_copy_of_each_octet(
            parts in prop::collection::vec((0..40_u64, prop::collection::vec(0..3_u8, 0..12)), 0..12)
        ) {
            let mut pieces = Pieces::default();
            let mut row = [None; 64];
            for (start, bytes) in parts {
                let mut same = true;
                for (place, octet) in row.iter_mut().skip(start as usize).zip(&bytes) {
                    same &= *place.get_or_insert(*octet) == *octet;
                }
                prop_assert_eq!(pieces.insert(start, &bytes), same);
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
