//! The course of a campaign: how many calls pass before it is caught, and what is let through after that.
//!
//! A campaign, a range or a number is *caught* at the first of its calls that is stopped and from which on at least
//! [`STOPPED_MIN`] of [`WINDOW`] calls are stopped. Probes, calls let through on purpose, are neither side of that.
//! When it ends sooner, the calls that are left decide, in the same proportion, if they are at least [`TAIL_MIN`].

use std::collections::VecDeque;

use crate::base::time::At;

/// Calls over which a catch must hold.
pub const WINDOW: usize = 20;
/// How many of them must be stopped: nine of ten.
pub const STOPPED_MIN: usize = 18;
/// With fewer calls than this nothing can be said about a catch.
pub const TAIL_MIN: usize = 5;

/// What was done with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Let through.
    Passed,
    /// Let through on purpose, to see how it ends.
    Probe,
    /// Blocked, or charged.
    Stopped,
}

/// Calls of a campaign so far. Takes them in the order of their setup.
#[derive(Clone, Debug)]
pub struct Course {
    first_at: At,
    calls: u64,
    passed: u64,
    probes: u64,
    caught: Option<Catch>,
    /// The latest calls, until it is caught.
    recent: VecDeque<Step>,
    after: After,
}

#[derive(Clone, Copy, Debug)]
struct Step {
    at: At,
    calls_before: u64,
    passed_before: u64,
    is_stopped: bool,
}

/// When it was caught.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Catch {
    /// Calls before the first stopped one, probes not counted.
    pub passed: u64,
    /// Calls of any outcome before that one.
    pub calls: u64,
    /// From the first call to that one.
    pub seconds: f64,
}

/// Calls from the catch on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// Calls that were no probes.
    pub calls: u64,
    /// Those of them that were stopped.
    pub stopped: u64,
}

/// A course that has ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ended {
    /// All calls.
    pub calls: u64,
    /// Let through, but for probes.
    pub passed: u64,
    /// Let through on purpose.
    pub probes: u64,
    /// When it was caught, if it was.
    pub caught: Option<Catch>,
    /// What followed.
    pub after: After,
}

impl Ended {
    /// Whether it had calls enough to be caught.
    #[must_use]
    pub const fn is_countable(&self) -> bool {
        self.calls - self.probes >= TAIL_MIN as u64
    }
}

impl Course {
    /// A course that begins with a call at this moment, which is still to be [taken](Course::take).
    #[must_use]
    pub fn new(first_at: At) -> Self {
        Self {
            first_at,
            calls: 0,
            passed: 0,
            probes: 0,
            caught: None,
            recent: VecDeque::new(),
            after: After::default(),
        }
    }

    /// How many calls there were.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// One more call, set up no earlier than the one before.
    pub fn take(&mut self, at: At, outcome: Outcome) {
        let step = Step {
            at,
            calls_before: self.calls,
            passed_before: self.passed,
            is_stopped: outcome == Outcome::Stopped,
        };
        self.calls += 1;
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Probe => {
                self.probes += 1;
                return;
            }
            Outcome::Stopped => {}
        }
        if self.caught.is_some() {
            self.after.calls += 1;
            self.after.stopped += u64::from(step.is_stopped);
            return;
        }
        self.recent.push_back(step);
        if self.recent.len() == WINDOW && !self.is_caught_by(STOPPED_MIN) {
            self.recent.pop_front();
        }
    }

    /// The end of the course.
    #[must_use]
    pub fn finish(mut self) -> Ended {
        while self.caught.is_none() && self.recent.len() >= TAIL_MIN {
            let stopped_min = (self.recent.len() * STOPPED_MIN).div_ceil(WINDOW);
            if !self.is_caught_by(stopped_min) {
                self.recent.pop_front();
            }
        }
        let Self { calls, passed, probes, caught, after, .. } = self;
        Ended { calls, passed, probes, caught, after }
    }

    /// Notes the catch if the recent calls begin with it.
    fn is_caught_by(&mut self, stopped_min: usize) -> bool {
        let stopped = self.recent.iter().filter(|step| step.is_stopped).count();
        let Some(first) = self.recent.front().filter(|step| step.is_stopped && stopped >= stopped_min) else {
            return false;
        };
        let seconds = first.at.since(self.first_at).as_secs_f64();
        self.caught = Some(Catch { passed: first.passed_before, calls: first.calls_before, seconds });
        self.after = After { calls: self.recent.len() as u64, stopped: stopped as u64 };
        self.recent = VecDeque::new();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// `x` stopped, `.` passed, `p` probe; one call a second.
    fn ended(calls: &str) -> Ended {
        let mut course = Course::new(At::from_nanos(0));
        for (second, call) in (0..).zip(calls.bytes()) {
            let outcome = match call {
                b'x' => Outcome::Stopped,
                b'p' => Outcome::Probe,
                _ => Outcome::Passed,
            };
            course.take(At::from_nanos(second * 1_000_000_000), outcome);
        }
        course.finish()
    }

    #[test]
    fn a_catch_must_hold() {
        let caught = ended(&format!("...x....{}", "x".repeat(30)));
        assert_eq!(caught.caught, Some(Catch { passed: 7, calls: 8, seconds: 8.0 }));
        assert_eq!((caught.passed, caught.after), (7, After { calls: 30, stopped: 30 }));
        assert_eq!(ended(&"x.".repeat(50)).caught, None, "one of two stopped is no catch");
        let with_gaps = ended(&format!("..{}", "xxxxxxxxx.".repeat(4)));
        assert_eq!(with_gaps.caught.map(|caught| caught.passed), Some(2));
        assert_eq!(with_gaps.after, After { calls: 40, stopped: 36 });
    }

    #[test]
    fn probes_are_neither_side() {
        let caught = ended(&format!("..{}", "xxxp".repeat(10)));
        assert_eq!(caught.caught.map(|caught| (caught.passed, caught.calls)), Some((2, 2)));
        assert_eq!((caught.probes, caught.after), (10, After { calls: 30, stopped: 30 }));
    }

    #[test]
    fn a_short_course_is_judged_by_what_there_is() {
        assert_eq!(ended("...xxxxx").caught.map(|caught| caught.passed), Some(3));
        assert_eq!(ended("....xxxx").caught, None, "four calls say nothing");
        assert!(!ended("xxxx").is_countable() && ended("xxxxx").is_countable());
        assert_eq!(ended(".".repeat(100).as_str()).passed, 100);
    }

    proptest! {
        /// The definition, on the whole list at once.
        #[test]
        fn is_the_definition(calls in proptest::collection::vec(0_u8..10, 0..120)) {
            let text: String = calls.iter().map(|call| match call { 0 => 'p', 1 => '.', _ => 'x' }).collect();
            let plain: Vec<bool> = text.bytes().filter(|call| *call != b'p').map(|call| call == b'x').collect();
            let found = (0..plain.len()).find(|start| {
                let rest = &plain[*start..plain.len().min(start + WINDOW)];
                let stopped = rest.iter().filter(|stopped| **stopped).count();
                rest[0] && rest.len() >= TAIL_MIN && stopped * WINDOW >= rest.len() * STOPPED_MIN
            });
            let expected = found.map(|start| plain[..start].iter().filter(|stopped| !**stopped).count() as u64);
            let ended = ended(&text);
            prop_assert_eq!(ended.caught.map(|caught| caught.passed), expected);
            if let Some(start) = found {
                prop_assert_eq!(ended.after.calls, (plain.len() - start) as u64);
            }
        }
    }
}
