//! A range that changed hands: how long people on it are still blocked for what was there before them.

use crate::base::time::At;

/// Calls of the new holders of one range, in the order of their setup.
#[derive(Clone, Copy, Debug)]
pub struct Release {
    first_at: At,
    calls: u64,
    blocked: u64,
    /// When the last call was blocked, and how many calls there had been by then, itself included.
    last_blocked: Option<(At, u64)>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Released {
    /// All calls.
    pub calls: u64,
    /// Calls that were blocked.
    pub blocked: u64,
    /// Calls up to the last blocked one, itself included; 0 when none was.
    pub calls_until: u64,
    /// Seconds from the first call to the last blocked one; 0 when none was.
    pub seconds: f64,
    /// Whether a call passed after the last blocked one.
    pub is_over: bool,
}

impl Release {
    /// Before its first call, at this moment, is [taken](Release::take).
    #[must_use]
    pub const fn new(first_at: At) -> Self {
        Self { first_at, calls: 0, blocked: 0, last_blocked: None }
    }

    /// One more call.
    pub fn take(&mut self, at: At, is_blocked: bool) {
        self.calls += 1;
        if is_blocked {
            self.blocked += 1;
            self.last_blocked = Some((at, self.calls));
        }
    }

    /// The end.
    #[must_use]
    pub fn finish(self) -> Released {
        let (seconds, calls_until) = match self.last_blocked {
            Some((at, calls)) => (at.since(self.first_at).as_secs_f64(), calls),
            None => (0.0, 0),
        };
        let is_over = calls_until < self.calls;
        Released { calls: self.calls, blocked: self.blocked, calls_until, seconds, is_over }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_up_to_the_last_blocked_call() {
        let released = |blocked: &[bool]| {
            let mut release = Release::new(At::from_nanos(0));
            for (second, is_blocked) in (0..).zip(blocked) {
                release.take(At::from_nanos(second * 1_000_000_000), *is_blocked);
            }
            release.finish()
        };
        let some = released(&[true, false, true, false]);
        assert_eq!((some.calls_until, some.blocked, some.seconds, some.is_over), (3, 2, 2.0, true));
        let none = released(&[false, false]);
        assert_eq!((none.calls_until, none.seconds, none.is_over), (0, 0.0, true));
        assert!(!released(&[false, true]).is_over);
    }
}
