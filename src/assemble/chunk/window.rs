//! Which transmission sequence numbers were seen lately.

/// Sequence numbers that are remembered, back from the newest. A sender has fewer in flight.
pub(super) const RECENT: u32 = 1024;

/// The [`RECENT`] numbers up to the newest.
#[derive(Debug)]
pub(super) struct Window {
    newest: u32,
    /// A bit for each, by number modulo `RECENT`.
    seen: [u64; RECENT as usize / 64],
}

/// What a number is among those seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sight {
    /// Seen before.
    Again,
    /// Far from all others: the association was opened again.
    Anew,
    /// New.
    Fresh,
}

impl Window {
    /// One in which `tsn` will be the first.
    pub const fn new(tsn: u32) -> Self {
        Self { newest: tsn.wrapping_sub(1), seen: [0; RECENT as usize / 64] }
    }

    /// Remembers a number. One far from the others begins a new window.
    pub fn note(&mut self, tsn: u32) -> Sight {
        let ahead = tsn.wrapping_sub(self.newest);
        let is_far = !self.is_near(tsn);
        if is_far {
            self.seen = [0; RECENT as usize / 64];
            self.newest = tsn;
        } else if (1..=RECENT).contains(&ahead) {
            for step in 1..=ahead {
                let (word, bit) = place(self.newest.wrapping_add(step));
                self.seen[word] &= !bit;
            }
            self.newest = tsn;
        }
        let (word, bit) = place(tsn);
        let is_fresh = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        match (is_far, is_fresh) {
            (true, _) => Sight::Anew,
            (false, true) => Sight::Fresh,
            (false, false) => Sight::Again,
        }
    }

    /// Whether a number is within reach of the newest.
    pub const fn is_near(&self, tsn: u32) -> bool {
        let ahead = tsn.wrapping_sub(self.newest);
        (ahead >= 1 && ahead <= RECENT) || self.newest.wrapping_sub(tsn) < RECENT
    }

    /// Whether a number is so old that it is not remembered.
    pub const fn is_past(&self, tsn: u32) -> bool {
        self.newest.wrapping_sub(tsn) >= RECENT
    }
}

const fn place(tsn: u32) -> (usize, u64) {
    let slot = tsn % RECENT;
    ((slot / 64) as usize, 1 << (slot % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_exactly_the_recent_numbers() {
        let mut window = Window::new(u32::MAX - 5);
        let numbers = || (0..3 * RECENT).map(|step| step.wrapping_sub(6));
        assert!(numbers().all(|tsn| window.note(tsn) == Sight::Fresh));
        assert!(numbers().skip(2 * RECENT as usize).all(|tsn| window.note(tsn) == Sight::Again));
        assert_eq!(window.note(2 * RECENT - 7), Sight::Anew, "one too old to be remembered");
    }
}
