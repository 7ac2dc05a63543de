//! What comes to a called number: how many calls a minute, from whom, and how that compares with the same hour of the
//! days before.
//!
//! A number that is called now and then is a short list of the last minutes; windows come with a rush.

use arrayvec::ArrayVec;
use serde::{Deserialize, Serialize};

use crate::base::time::At;
use crate::call::Call;
use crate::feature::distinct::{Distinct, Pool};
use crate::feature::window::{Beat, Minute, Ring, Sum, Tick, Window};

/// Calls kept as a list.
pub const FEW: usize = 6;
/// Calls in 10 minutes that are no rush.
pub const CALM: usize = 3;

/// A call as the called number counts it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Arrival {
    beat: Beat,
    /// Hash of the calling number; 0 for none.
    caller: u32,
    is_answered: bool,
    is_odd: bool,
}

impl Arrival {
    /// Of a call that was answered or ended unanswered at `at`; `caller` is the hash of its calling number.
    #[must_use]
    pub fn of(call: &Call, caller: u32, at: At) -> Self {
        Self { beat: Beat::of(at), caller, is_answered: call.answer_at.is_some(), is_odd: false }
    }

    const fn increments(self) -> [u16; 4] {
        [1, self.is_answered as u16, self.is_odd as u16, 0]
    }
}

/// What comes to one called number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Called {
    arrivals: Arrivals,
    day: Sum<{ Window::Day.bucket_ticks() }, u16>,
    week: Sum<{ Window::Week.bucket_ticks() }, u16>,
    usual: Usual,
}

/// Figures of a called number at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Calls counted in 1 minute.
    pub attempts_1m: u32,
    /// Calls counted in 10 minutes.
    pub attempts_10m: u32,
    /// Of these, answered.
    pub answered_10m: u32,
    /// Of these, from numbers that nobody has, see [`is_odd`](super::outcome::is_odd); the first [`CALM`] do not count.
    pub odd_10m: u32,
    /// Distinct calling numbers in 10 minutes.
    pub callers_10m: u32,
}

impl Called {
    /// Most octets on the heap of one called number, without what its set takes from the pool.
    pub const BUSY_BYTES: usize =
        size_of::<Windows>() + Distinct::HEAP_BYTES_MIN + size_of::<[u16; HOURS as usize]>();

    /// Counts a call. Asks whether its caller `is_odd`, which takes a while, in a rush alone.
    pub fn add(&mut self, mut arrival: Arrival, pool: &mut Pool, is_odd: impl FnOnce() -> bool) {
        arrival.is_odd = self.arrivals.is_rush(arrival.beat) && is_odd();
        let tick = arrival.beat.tick();
        self.day.add(tick, 1);
        self.week.add(tick, 1);
        self.usual.add(tick);
        self.arrivals.add(arrival, pool);
    }

    /// The figures at `now`.
    #[must_use]
    pub fn figures(&self, now: Beat) -> Figures {
        match &self.arrivals {
            Arrivals::Few(few) => count_few(few, now),
            Arrivals::Many(windows) => windows.figures(now),
        }
    }

    /// Calls usual in 10 minutes of this hour of the day, rounded; none until the number has been known for 3 days.
    #[must_use]
    pub fn usual_10m(&self, now: Tick) -> Option<u32> {
        self.usual.ten_minutes(now)
    }

    /// Calls counted in 24 hours and in 7 days.
    #[must_use]
    pub fn received(&self, now: Tick) -> [u64; 2] {
        [self.day.total(now), self.week.total(now)]
    }

    /// Slots taken from the pool; to be given back when it is dropped.
    #[must_use]
    pub fn borrowed(&self) -> usize {
        match &self.arrivals {
            Arrivals::Few(_) => 0,
            Arrivals::Many(windows) => windows.callers.borrowed(),
        }
    }

    /// Reads what the next call will touch.
    pub(super) fn warm(&self) -> u32 {
        match &self.arrivals {
            Arrivals::Few(few) => few.last().map_or(0, |arrival| arrival.caller),
            Arrivals::Many(windows) => windows.ten_minutes.warm(),
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Arrivals {
    Few(ArrayVec<Arrival, FEW>),
    Many(Box<Windows>),
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::Few(ArrayVec::new())
    }
}

impl Arrivals {
    fn is_rush(&self, now: Beat) -> bool {
        match self {
            Self::Few(few) => {
                let since = Window::TenMinutes.since(now.tick());
                few.iter().filter(|arrival| arrival.beat.tick() >= since).count() >= CALM
            }
            Self::Many(_) => true,
        }
    }

    fn add(&mut self, arrival: Arrival, pool: &mut Pool) {
        match self {
            Self::Few(few) => {
                if few.is_full() {
                    let since = Window::TenMinutes.since(arrival.beat.tick());
                    few.retain(|old| old.beat.tick() >= since);
                }
                if few.try_push(arrival).is_ok() {
                    return;
                }
                let mut windows = Windows::new(few[0].beat);
                few.iter().chain([&arrival]).for_each(|old| windows.add(*old, pool));
                *self = Self::Many(Box::new(windows));
            }
            Self::Many(windows) => windows.add(arrival, pool),
        }
    }
}

/// The windows of a number that many call.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Windows {
    minute: Minute,
    ten_minutes: Ring<{ Window::TenMinutes.bucket_ticks() }>,
    callers: Distinct,
}

impl Windows {
    fn new(now: Beat) -> Self {
        Self { minute: Minute::default(), ten_minutes: Ring::default(), callers: Distinct::new(now.tick()) }
    }

    fn add(&mut self, arrival: Arrival, pool: &mut Pool) {
        self.minute.add(arrival.beat, arrival.increments());
        self.ten_minutes.add(arrival.beat.tick(), arrival.increments());
        if arrival.caller != 0 {
            self.callers.insert(arrival.caller, arrival.beat.tick(), pool);
        }
    }

    fn figures(&self, now: Beat) -> Figures {
        let [attempts_10m, answered_10m, odd_10m, _] = self.ten_minutes.counts(now.tick());
        let [callers_10m, _] = self.callers.counts(now.tick());
        let [attempts_1m, ..] = self.minute.counts(now);
        Figures { attempts_1m, attempts_10m, answered_10m, odd_10m, callers_10m }
    }
}

fn count_few(few: &[Arrival], now: Beat) -> Figures {
    let mut figures = Figures::default();
    let (minute, ten_minutes) = (now.minute_since(), Window::TenMinutes.since(now.tick()));
    for (index, arrival) in few.iter().enumerate().filter(|(_, arrival)| arrival.beat.tick() >= ten_minutes) {
        figures.attempts_1m += u32::from(arrival.beat >= minute);
        figures.attempts_10m += 1;
        figures.answered_10m += u32::from(arrival.is_answered);
        figures.odd_10m += u32::from(arrival.is_odd);
        // A number counts once, where it was seen last.
        let is_last =
            arrival.caller != 0 && few[index + 1..].iter().all(|later| later.caller != arrival.caller);
        figures.callers_10m += u32::from(is_last);
    }
    figures
}

/// Hours of a day, in UTC: all that matters is that the same hour comes back.
const HOURS: u32 = 24;
/// Ticks in an hour.
const HOUR_TICKS: u32 = 3600 / Tick::SECONDS as u32;
/// Days that an average reaches back.
const DAYS_MAX: u32 = 7;
/// Hours until an average says something.
const WARM_HOURS: u32 = 3 * HOURS;
/// Averages are in quarters of a call.
const QUARTERS: u32 = 4;
/// Least calls in an hour that averages are kept for: fewer than one in 10 minutes is as good as none.
const WORTH_KEEPING: u16 = 6;

/// How many calls are usual in each hour of the day.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Usual {
    /// First hour since the epoch that a call was counted in.
    first: u32,
    /// The newest hour, and its calls so far.
    hour: u32,
    count: u16,
    /// Average of each hour of the day over the last days, in quarters of a call; none while all are small.
    averages: Option<Box<[u16; HOURS as usize]>>,
}

impl Usual {
    fn add(&mut self, tick: Tick) {
        let hour = tick.0 / HOUR_TICKS;
        if self.hour == 0 {
            (self.first, self.hour) = (hour, hour);
        }
        self.advance(hour);
        self.count = self.count.saturating_add(1);
    }

    /// Calls usual in 10 minutes of the hour of `now`, rounded; none while too little is known.
    fn ten_minutes(&self, now: Tick) -> Option<u32> {
        let hour = now.0 / HOUR_TICKS;
        if self.hour == 0 || hour.saturating_sub(self.first) < WARM_HOURS {
            return None;
        }
        let mut current = self.clone();
        current.advance(hour);
        let quarters = current.averages.map_or(0, |averages| u32::from(averages[(hour % HOURS) as usize]));
        Some((quarters + 3 * QUARTERS) / (6 * QUARTERS))
    }

    /// Closes the hours before `hour`: that of the calls counted, and those without any.
    fn advance(&mut self, hour: u32) {
        if hour.saturating_sub(self.hour) > HOURS * DAYS_MAX {
            *self = Self { first: self.first, hour, ..Self::default() };
        }
        if self.averages.is_none() && self.count < WORTH_KEEPING && self.hour < hour {
            (self.hour, self.count) = (hour, 0);
        }
        while self.hour < hour {
            self.close();
        }
    }

    fn close(&mut self) {
        if self.averages.is_none() && self.count >= WORTH_KEEPING {
            self.averages = Some(Box::default());
        }
        if let Some(averages) = &mut self.averages {
            let average = &mut averages[(self.hour % HOURS) as usize];
            // While fewer days are known than the average reaches back, each weighs the same.
            let days = i64::from(((self.hour - self.first) / HOURS + 1).min(DAYS_MAX));
            let now = i64::from(u32::from(self.count) * QUARTERS);
            let moved = i64::from(*average) + (now - i64::from(*average)) / days;
            *average = u16::try_from(moved).unwrap_or(u16::MAX);
        }
        self.hour += 1;
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls an hour at each hour of a day, for some days from hour 480,000 on.
    fn usual(days: u32, calls: impl Fn(u32) -> u32) -> Usual {
        let mut usual = Usual::default();
        for hour in 0..days * HOURS {
            for _ in 0..calls(hour % HOURS) {
                usual.add(Tick((480_000 + hour) * HOUR_TICKS));
            }
        }
        usual
    }

    fn at(day: u32, hour: u32) -> Tick {
        Tick((480_000 + day * HOURS + hour) * HOUR_TICKS)
    }

    #[test]
    fn each_hour_of_the_day_has_its_own_usual() {
        let busy_at_noon = usual(7, |hour| if hour == 12 { 60 } else { 6 });
        assert_eq!(busy_at_noon.ten_minutes(at(7, 12)), Some(10));
        assert_eq!(busy_at_noon.ten_minutes(at(7, 3)), Some(1));
        assert_eq!(usual(3, |_| 60).ten_minutes(at(2, 23)), None, "not warm");
        assert_eq!(usual(4, |hour| u32::from(hour == 1)).ten_minutes(at(4, 1)), Some(0), "known to be quiet");
    }

    #[test]
    fn what_ceased_is_forgotten() {
        let ceased = usual(7, |_| 60);
        assert_eq!(ceased.ten_minutes(at(8, 12)), Some(9));
        assert!(ceased.ten_minutes(at(13, 12)).unwrap() < 6);
        assert_eq!(ceased.ten_minutes(at(30, 12)), Some(0));
    }

    #[test]
    fn one_rush_does_not_become_usual() {
        let mut rush = usual(7, |_| 6);
        for _ in 0..6_000 {
            rush.add(at(7, 12));
        }
        assert_eq!(rush.ten_minutes(at(7, 12)), Some(1), "the hour that lasts is not part of it");
        assert_eq!(rush.ten_minutes(at(8, 12)), Some(144));
    }
}
