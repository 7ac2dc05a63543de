//! Timers of calls. Each kind has one constant span, so each is a queue in order of deadline: arming and firing are
//! O(1), and the next deadline is the smallest of the queues' fronts. A timer that no longer applies is not removed but
//! skipped when its turn comes, unless the owner has them swept out before.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::time::At;

/// What a timer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Wait {
    /// A final response, answer or release after the setup.
    Setup,
    /// The final response after a CANCEL.
    Cancel,
    /// The end of an answered call.
    Talk,
    /// Late retransmissions after the end.
    Linger,
    /// What others tell of the end of a call that was only asked about.
    Told,
}

/// An armed timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    /// When it fires.
    pub deadline: At,
    /// Number of the PDU that armed it.
    pub seq: u64,
    /// Place of the call in its table.
    pub slot: u32,
    /// What it waits for.
    pub wait: Wait,
}

/// All timers of a table of calls.
#[derive(Debug)]
pub struct Deadlines {
    spans: [Duration; 5],
    queues: [VecDeque<Timer>; 5],
    /// No timer fires before this.
    quiet_until: At,
}

impl Deadlines {
    /// `spans` in the order of [`Wait`].
    #[must_use]
    pub fn new(spans: [Duration; 5]) -> Self {
        Self { spans, queues: Default::default(), quiet_until: At::default() }
    }

    /// Arms a timer from `now`, which must not go backwards.
    pub fn arm(&mut self, wait: Wait, now: At, seq: u64, slot: u32) -> At {
        let deadline = now + self.spans[wait as usize];
        self.quiet_until = self.quiet_until.min(deadline);
        self.queues[wait as usize].push_back(Timer { deadline, seq, slot, wait });
        deadline
    }

    /// The timers whose deadline is at or before `until`, by kind.
    pub fn due(&self, until: At) -> impl Iterator<Item = &Timer> {
        self.queues
            .iter()
            .flat_map(move |queue| queue.iter().take_while(move |timer| timer.deadline <= until))
    }

    /// Takes the next timer whose deadline is at or before `now`: the earliest, of two at once the one armed first.
    pub fn pop(&mut self, now: At) -> Option<Timer> {
        // Nearly every message comes before the next deadline: one comparison.
        if now < self.quiet_until {
            return None;
        }
        let fronts = self.queues.iter().filter_map(VecDeque::front);
        let Some(next) = fronts.min_by_key(|timer| (timer.deadline, timer.seq)).copied() else {
            self.quiet_until = At::from_nanos(u64::MAX);
            return None;
        };
        if next.deadline > now {
            self.quiet_until = next.deadline;
            return None;
        }
        self.queues[next.wait as usize].pop_front()
    }

    /// The timers that were armed first, kind by kind.
    pub fn oldest(&self, kinds: [Wait; 5]) -> impl Iterator<Item = &Timer> {
        kinds.into_iter().flat_map(|wait| &self.queues[wait as usize])
    }

    /// Takes the timer of this kind that was armed first, due or not.
    pub fn pop_oldest(&mut self, wait: Wait) -> Option<Timer> {
        self.queues[wait as usize].pop_front()
    }

    /// Timers kept, with those that no longer apply.
    pub(super) fn len(&self) -> usize {
        self.queues.iter().map(VecDeque::len).sum()
    }

    /// Sweeps out the timers that no longer apply.
    pub(super) fn retain(&mut self, mut applies: impl FnMut(&Timer) -> bool) {
        self.queues.iter_mut().for_each(|queue| queue.retain(&mut applies));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_in_order_of_deadline_across_kinds() {
        let second = Duration::from_secs;
        let mut deadlines = Deadlines::new([second(10), second(1), second(100), second(5), second(1000)]);
        let start = At::from_nanos(0);
        deadlines.arm(Wait::Setup, start, 1, 1);
        deadlines.arm(Wait::Linger, start, 2, 2);
        deadlines.arm(Wait::Cancel, start + second(4), 3, 3);
        assert_eq!(deadlines.pop(start + second(4)), None);
        let slots: Vec<u32> =
            std::iter::from_fn(|| deadlines.pop(start + second(20))).map(|t| t.slot).collect();
        assert_eq!(slots, [2, 3, 1]);
    }
}
