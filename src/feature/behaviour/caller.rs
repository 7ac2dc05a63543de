//! What a number does as a caller: whom it tries, how long it talks, what is in flight.
//!
//! As in [`crate::feature::tally`], a caller begins as a short list and gets windows once it is busy. Both forms count by
//! the same ticks and give the same figures.

use std::time::Duration;

use arrayvec::ArrayVec;
use serde::{Deserialize, Serialize};

use crate::base::network::Network;
use crate::base::number::Number;
use crate::base::route::{Direction, RouteClass, RouteId};
use crate::call::{Call, ReleasedBy};
use crate::feature::behaviour::flight::InFlight;
use crate::feature::behaviour::outcome::{BRIEF_MAX, is_answered_at_once, is_invalid};
use crate::feature::window::{Ring, Sum, Tick, Window};

/// Attempts and talks kept as a list.
pub const FEW: usize = 12;
/// Called numbers that the next one is compared with.
const RECENT: usize = 4;
/// Farthest that a called number lies from a recent one to be called *in sequence*.
const NEAR: u32 = 10;
/// Routes from abroad remembered; more are not told apart.
const ROUTES: usize = 4;

/// An attempt as its caller counts it.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    called: Option<Number>,
    is_invalid: bool,
    /// The route, when the call came in from abroad.
    from_abroad: Option<RouteId>,
}

impl Attempt {
    /// Of a call that was answered or ended unanswered.
    #[must_use]
    pub fn of(call: &Call, network: &Network) -> Self {
        let is_from_abroad = call.direction == Direction::Inbound
            && network.routes.route(call.route).class == RouteClass::International;
        Self {
            called: call.called.number,
            is_invalid: is_invalid(call),
            from_abroad: is_from_abroad.then_some(call.route),
        }
    }
}

/// A talk that is over.
#[derive(Clone, Copy, Debug)]
pub struct Talk {
    milliseconds: u32,
    is_hung_up_on: bool,
    is_ringless: bool,
    is_at_once: bool,
}

impl Talk {
    /// Of a call that has ended; none when it was not answered.
    #[must_use]
    pub fn of(call: &Call, is_ringless: bool) -> Option<Self> {
        let span = call.talk_time()?;
        Some(Self {
            milliseconds: u32::try_from(span.as_millis()).unwrap_or(u32::MAX),
            is_hung_up_on: span <= BRIEF_MAX && call.released_by == Some(ReleasedBy::Called),
            is_ringless,
            is_at_once: is_answered_at_once(call),
        })
    }

    /// Its length in tenths of a second.
    #[must_use]
    pub const fn deciseconds(self) -> u32 {
        self.milliseconds / 100
    }

    /// Whether it was no longer than [`BRIEF_MAX`].
    #[must_use]
    pub const fn is_brief(self) -> bool {
        self.milliseconds as u128 <= BRIEF_MAX.as_millis()
    }

    /// Whether it was brief after an answer at once: what false answers look like.
    #[must_use]
    pub const fn is_at_once_and_brief(self) -> bool {
        self.is_at_once && self.is_brief()
    }
}

/// What one number does as a caller.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Caller {
    /// Calls in flight.
    pub in_flight: InFlight,
    deeds: Deeds,
    /// The last called numbers, by their lowest 32 bits, oldest first.
    recent: ArrayVec<u32, RECENT>,
    /// Routes it came in by from abroad, and when it last did.
    routes: ArrayVec<(RouteId, Tick), ROUTES>,
}

/// Figures of a caller at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Calls counted in 1 hour.
    pub attempts_1h: u32,
    /// Of these, to numbers that do not exist.
    pub invalid_1h: u32,
    /// Of these, to a number within `NEAR` of one of the last few.
    pub sequential_1h: u32,
    /// Talks that ended in 1 hour.
    pub talks_1h: u32,
    /// Of these, of [`BRIEF_MAX`] at most.
    pub brief_1h: u32,
    /// Of these, brief and ended by the called side.
    pub hung_up_on_1h: u32,
    /// Of these, with a voicemail reached behind a first attempt, see [`super::voicemail`].
    pub ringless_1h: u32,
    /// How long these talks were in all, in tenths of a second.
    pub talk_1h: u64,
    /// How long the talks that ended in 24 hours were in all, in tenths of a second.
    pub talk_24h: u64,
    /// Routes it came in by from abroad in 10 minutes, `ROUTES` at most.
    pub routes_10m: u32,
    /// Calls in flight.
    pub in_flight: u32,
}

impl Caller {
    /// Most octets on the heap of one caller.
    pub const BUSY_BYTES: usize = size_of::<Windows>();

    /// Counts an attempt.
    pub fn attempt(&mut self, tick: Tick, attempt: Attempt) {
        let is_sequential = attempt.called.is_some_and(|called| self.is_sequential(called));
        self.deeds.add(Deed::attempt(tick, attempt.is_invalid, is_sequential));
        if let Some(route) = attempt.from_abroad {
            self.came_by(route, tick);
        }
    }

    /// Counts a talk that is over.
    pub fn talked(&mut self, tick: Tick, talk: Talk) {
        self.deeds.add(Deed::talk(tick, talk));
    }

    /// The figures at `now`.
    #[must_use]
    pub fn figures(&self, now: Tick) -> Figures {
        let mut figures = match &self.deeds {
            Deeds::Few(few) => count_few(few, now),
            Deeds::Many(windows) => windows.figures(now),
        };
        let since = Window::TenMinutes.since(now);
        figures.routes_10m = self.routes.iter().filter(|(_, tick)| *tick >= since).count() as u32;
        figures.in_flight = self.in_flight.count(now);
        figures
    }

    /// Reads what the next call will touch.
    pub(super) fn warm(&self) -> u32 {
        match &self.deeds {
            Deeds::Few(few) => few.last().map_or(0, |deed| deed.stamp),
            Deeds::Many(windows) => windows.attempts.warm() ^ windows.talks.warm(),
        }
    }

    /// Whether `called` lies near a recently called number; notes it as one of them. Calling the same number again is no
    /// step in a sequence.
    fn is_sequential(&mut self, called: Number) -> bool {
        // Numbers 2^32 apart would be taken for neighbours: of a caller's last four, none ever are.
        let called = called.value() as u32;
        let is_near = |recent: &u32| {
            (1..=NEAR).contains(&called.wrapping_sub(*recent).min(recent.wrapping_sub(called)))
        };
        let is_sequential = self.recent.iter().any(is_near);
        if let Some(known) = self.recent.iter().position(|recent| *recent == called) {
            self.recent.remove(known);
        } else if self.recent.is_full() {
            self.recent.remove(0);
        }
        self.recent.push(called);
        is_sequential
    }

    fn came_by(&mut self, route: RouteId, tick: Tick) {
        if let Some((_, last)) = self.routes.iter_mut().find(|(known, _)| *known == route) {
            *last = tick;
            return;
        }
        if self.routes.is_full() {
            let oldest = (0..ROUTES).min_by_key(|index| self.routes[*index].1).unwrap_or(0);
            self.routes.swap_remove(oldest);
        }
        self.routes.push((route, tick));
    }
}

/// An attempt, or a talk that ended.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Deed {
    /// Tick × 8, and a bit each: a talk; of a talk, ringless; of an attempt invalid, of a talk hung up on.
    stamp: u32,
    /// Of a talk its length in milliseconds; of an attempt 1 when it was in sequence.
    amount: u32,
}

impl Deed {
    const fn attempt(tick: Tick, is_invalid: bool, is_sequential: bool) -> Self {
        Self { stamp: tick.0 << 3 | is_invalid as u32, amount: is_sequential as u32 }
    }

    const fn talk(tick: Tick, talk: Talk) -> Self {
        let bits = 4 | (talk.is_ringless as u32) << 1 | talk.is_hung_up_on as u32;
        Self { stamp: tick.0 << 3 | bits, amount: talk.milliseconds }
    }

    const fn tick(self) -> Tick {
        Tick(self.stamp >> 3)
    }

    const fn is_talk(self) -> bool {
        self.stamp & 4 != 0
    }

    /// What it adds to the counts of attempts or of talks.
    const fn increments(self) -> [u16; 4] {
        let (low, middle) = ((self.stamp & 1) as u16, (self.stamp >> 1 & 1) as u16);
        if self.is_talk() {
            [1, (self.amount as u128 <= BRIEF_MAX.as_millis()) as u16, low, middle]
        } else {
            [1, low, self.amount as u16, 0]
        }
    }

    /// Whether any window still counts it.
    fn is_live(self, now: Tick) -> bool {
        let window = if self.is_talk() { Window::Day } else { Window::Hour };
        self.tick() >= window.since(now)
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Deeds {
    Few(ArrayVec<Deed, FEW>),
    Many(Box<Windows>),
}

impl Default for Deeds {
    fn default() -> Self {
        Self::Few(ArrayVec::new())
    }
}

impl Deeds {
    fn add(&mut self, deed: Deed) {
        match self {
            Self::Few(few) => {
                if few.is_full() {
                    few.retain(|old| old.is_live(deed.tick()));
                }
                if few.try_push(deed).is_ok() {
                    return;
                }
                let mut windows = Box::<Windows>::default();
                few.iter().chain([&deed]).for_each(|deed| windows.add(*deed));
                *self = Self::Many(windows);
            }
            Self::Many(windows) => windows.add(deed),
        }
    }
}

/// The windows of a busy caller.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Windows {
    /// Attempts; of these invalid, in sequence.
    attempts: Ring<{ Window::Hour.bucket_ticks() }>,
    /// Talks; of these brief, hung up on, ringless.
    talks: Ring<{ Window::Hour.bucket_ticks() }>,
    talk_1h: Sum<{ Window::Hour.bucket_ticks() }, u32>,
    talk_24h: Sum<{ Window::Day.bucket_ticks() }, u32>,
}

impl Windows {
    fn add(&mut self, deed: Deed) {
        if deed.is_talk() {
            self.talks.add(deed.tick(), deed.increments());
            self.talk_1h.add(deed.tick(), deed.amount / 100);
            self.talk_24h.add(deed.tick(), deed.amount / 100);
        } else {
            self.attempts.add(deed.tick(), deed.increments());
        }
    }

    fn figures(&self, now: Tick) -> Figures {
        let mut figures = Figures::default();
        figures.count(self.attempts.counts(now), self.talks.counts(now));
        figures.talk_1h = self.talk_1h.total(now);
        figures.talk_24h = self.talk_24h.total(now);
        figures
    }
}

impl Figures {
    /// Mean length of the talks that ended in 1 hour; none when none did.
    #[must_use]
    pub fn talk_mean_1h(&self) -> Option<Duration> {
        mean(self.talk_1h, u64::from(self.talks_1h))
    }

    fn count(&mut self, attempts: [u32; 4], talks: [u32; 4]) {
        [self.attempts_1h, self.invalid_1h, self.sequential_1h, _] = attempts;
        [self.talks_1h, self.brief_1h, self.hung_up_on_1h, self.ringless_1h] = talks;
    }
}

fn count_few(few: &[Deed], now: Tick) -> Figures {
    let (mut attempts, mut talks, mut figures) = ([0; 4], [0; 4], Figures::default());
    let (hour, day) = (Window::Hour.since(now), Window::Day.since(now));
    for deed in few {
        if deed.tick() >= hour {
            let counts = if deed.is_talk() { &mut talks } else { &mut attempts };
            counts.iter_mut().zip(deed.increments()).for_each(|(count, more)| *count += u32::from(more));
        }
        if deed.is_talk() {
            let length = u64::from(deed.amount / 100);
            figures.talk_1h += if deed.tick() >= hour { length } else { 0 };
            figures.talk_24h += if deed.tick() >= day { length } else { 0 };
        }
    }
    figures.count(attempts, talks);
    figures
}

/// A mean from a sum in tenths of a second.
pub(super) fn mean(deciseconds: u64, count: u64) -> Option<Duration> {
    (deciseconds * 100).checked_div(count).map(Duration::from_millis)
}

/// A span of tenths of a second.
#[must_use]
pub fn span(deciseconds: u64) -> Duration {
    Duration::from_millis(deciseconds * 100)
}
