//! What is known of one key: its recent calls as a short list, or its windows once there are many.
//!
//! Most keys are seen a few times and never again, so a key costs a list of [`FEW`] calls of 12 octets and no heap. Both
//! forms count by the same ticks and give the same figures.

use arrayvec::ArrayVec;
use serde::{Deserialize, Serialize};

use crate::feature::distinct::{Distinct, Pool};
use crate::feature::outcome::Outcome;
use crate::feature::window::{MEASURES, Ring, Tick, Window};

/// Calls kept as a list.
pub const FEW: usize = 8;

/// A call as a key counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Tick × 8, and a bit each for answered, short unanswered, one ring.
    stamp: u32,
    caller: u32,
    called: u32,
}

impl Event {
    /// A call counted at `tick` between numbers with these hashes, 0 for a number not known.
    #[must_use]
    pub fn new(tick: Tick, outcome: Outcome, caller: u32, called: u32) -> Self {
        let bits = u32::from(outcome.answered)
            | u32::from(outcome.short_unanswered) << 1
            | u32::from(outcome.one_ring) << 2;
        Self { stamp: tick.0 << 3 | bits, caller, called }
    }

    const fn tick(self) -> Tick {
        Tick(self.stamp >> 3)
    }

    const fn increments(self) -> [u16; MEASURES] {
        [1, (self.stamp & 1) as u16, (self.stamp >> 1 & 1) as u16, (self.stamp >> 2 & 1) as u16]
    }
}

/// What a key is, which says what its windows hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A calling number: up to 24 hours, and whom it called.
    Caller,
    /// A block of calling numbers on a route: up to 1 hour, who called and whom.
    Range,
}

impl Scope {
    const fn longest(self) -> Window {
        match self {
            Self::Caller => Window::Day,
            Self::Range => Window::Hour,
        }
    }
}

/// Counts over one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calls answered or ended.
    pub attempts: u32,
    /// Of these, answered.
    pub answered: u32,
    /// Of these, short unanswered; see [`Outcome::short_unanswered`].
    pub short_unanswered: u32,
    /// Of these, with one ring; see [`Outcome::one_ring`].
    pub one_ring: u32,
    /// Distinct calling numbers; of a range, and not over 24 hours.
    pub callers: u32,
    /// Distinct called numbers; not over 24 hours.
    pub called: u32,
}

impl Counts {
    const fn new([attempts, answered, short_unanswered, one_ring]: [u32; MEASURES]) -> Self {
        Self { attempts, answered, short_unanswered, one_ring, callers: 0, called: 0 }
    }

    fn add(&mut self, [attempts, answered, short_unanswered, one_ring]: [u16; MEASURES]) {
        self.attempts += u32::from(attempts);
        self.answered += u32::from(answered);
        self.short_unanswered += u32::from(short_unanswered);
        self.one_ring += u32::from(one_ring);
    }
}

/// Counts over each window at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// 10 minutes.
    pub ten_minutes: Counts,
    /// 1 hour.
    pub hour: Counts,
    /// 24 hours; of a caller.
    pub day: Counts,
}

/// What is known of one key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Tally {
    /// The last calls, oldest first.
    Few(ArrayVec<Event, FEW>),
    /// Windows.
    Many(Box<Windows>),
}

/// The windows of a key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Windows {
    ten_minutes: Ring<{ Window::TenMinutes.bucket_ticks() }>,
    hour: Ring<{ Window::Hour.bucket_ticks() }>,
    day: Option<Box<Ring<{ Window::Day.bucket_ticks() }>>>,
    callers: Option<Distinct>,
    called: Distinct,
}

impl Default for Tally {
    fn default() -> Self {
        Self::Few(ArrayVec::new())
    }
}

impl Tally {
    /// Most octets on the heap of one key, without what its sets take from the pool.
    pub const BUSY_BYTES: usize = size_of::<Windows>()
        + size_of::<Ring<{ Window::Day.bucket_ticks() }>>()
        + 2 * Distinct::HEAP_BYTES_MIN;

    /// Counts a call. Calls come in order of time.
    pub fn add(&mut self, scope: Scope, event: Event, pool: &mut Pool) {
        match self {
            Self::Few(few) => {
                if few.is_full() {
                    let since = scope.longest().since(event.tick());
                    few.retain(|old| old.tick() >= since);
                }
                if few.try_push(event).is_ok() {
                    return;
                }
                let mut windows = Windows::new(scope, few[0].tick());
                for old in few.iter().copied().chain([event]) {
                    windows.add(old, pool);
                }
                *self = Self::Many(Box::new(windows));
            }
            Self::Many(windows) => windows.add(event, pool),
        }
    }

    /// The figures at `now`.
    #[must_use]
    pub fn figures(&self, scope: Scope, now: Tick) -> Figures {
        match self {
            Self::Few(few) => count_few(few, scope, now),
            Self::Many(windows) => windows.figures(now),
        }
    }

    /// Reads what the next call will touch. The sum means nothing: it makes the reads happen.
    #[must_use]
    pub fn warm(&self, caller: u32, called: u32) -> u32 {
        match self {
            Self::Few(few) => few.last().map_or(0, |event| event.called),
            Self::Many(windows) => {
                let callers = windows.callers.as_ref().map_or(0, |set| set.warm(caller));
                let day = windows.day.as_ref().map_or(0, |day| day.warm());
                let rings = windows.ten_minutes.warm() ^ windows.hour.warm();
                windows.called.warm(called) ^ callers ^ rings ^ day
            }
        }
    }

    /// Slots taken from the pool; to be given back when it is dropped.
    #[must_use]
    pub fn borrowed(&self) -> usize {
        match self {
            Self::Few(_) => 0,
            Self::Many(windows) => {
                windows.called.borrowed() + windows.callers.as_ref().map_or(0, Distinct::borrowed)
            }
        }
    }
}

fn count_few(few: &[Event], scope: Scope, now: Tick) -> Figures {
    let mut figures = Figures::default();
    let since = [Window::TenMinutes, Window::Hour, Window::Day].map(|window| window.since(now));
    for (index, event) in few.iter().enumerate() {
        if event.tick() < since[2] {
            continue;
        }
        // A number counts once, where it was seen last.
        let later = &few[index + 1..];
        let is_last_of = |number: fn(&Event) -> u32| {
            u32::from(number(event) != 0 && later.iter().all(|other| number(other) != number(event)))
        };
        let (caller, called) = (is_last_of(|event| event.caller), is_last_of(|event| event.called));
        for (counts, since) in [(&mut figures.ten_minutes, since[0]), (&mut figures.hour, since[1])] {
            if event.tick() >= since {
                counts.add(event.increments());
                counts.callers += caller;
                counts.called += called;
            }
        }
        if scope == Scope::Caller {
            figures.day.add(event.increments());
        }
    }
    if scope == Scope::Caller {
        figures.ten_minutes.callers = 0;
        figures.hour.callers = 0;
    }
    figures
}

impl Windows {
    fn new(scope: Scope, now: Tick) -> Self {
        Self {
            ten_minutes: Ring::default(),
            hour: Ring::default(),
            day: (scope == Scope::Caller).then(Box::default),
            callers: (scope == Scope::Range).then(|| Distinct::new(now)),
            called: Distinct::new(now),
        }
    }

    fn add(&mut self, event: Event, pool: &mut Pool) {
        let (tick, increments) = (event.tick(), event.increments());
        self.ten_minutes.add(tick, increments);
        self.hour.add(tick, increments);
        if let Some(day) = &mut self.day {
            day.add(tick, increments);
        }
        if let Some(callers) = &mut self.callers
            && event.caller != 0
        {
            callers.insert(event.caller, tick, pool);
        }
        if event.called != 0 {
            self.called.insert(event.called, tick, pool);
        }
    }

    fn figures(&self, now: Tick) -> Figures {
        let mut figures = Figures {
            ten_minutes: Counts::new(self.ten_minutes.counts(now)),
            hour: Counts::new(self.hour.counts(now)),
            day: self.day.as_ref().map_or_else(Counts::default, |day| Counts::new(day.counts(now))),
        };
        [figures.ten_minutes.called, figures.hour.called] = self.called.counts(now);
        if let Some(callers) = &self.callers {
            [figures.ten_minutes.callers, figures.hour.callers] = callers.counts(now);
        }
        figures
    }
}
