//! What every source shares: numbers, trunks, the rhythm of the day, and random numbers by name.

mod number;
mod trunk;

use std::time::Duration;

use rand::SeedableRng;
use sha2::{Digest, Sha256};
use toml::Spanned;

use crate::base::time::At;
use crate::simulate::countries::{NATIONS, Nation};
use crate::simulate::draw::{Rng, below, weighted};
use crate::simulate::placed::Finding;
use crate::simulate::scenario::Scenario;
use crate::simulate::whereabouts::{Stay, Whereabouts, unit_of};

pub use trunk::Trunk;

use number::{capacity, own};

/// Highest value of [`World::rate_at`].
pub const RATE_MAX: f64 = 2.2;
/// Calls of people by hour of the local day: few at night, a summit before noon, another after work. The busiest hour
/// has 8.7 % of the day; networks plan for 10 to 12 %.
const DAY: [f64; 24] = [
    0.10, 0.05, 0.03, 0.03, 0.04, 0.10, 0.30, 0.75, 1.35, 1.85, 2.15, 2.20, 2.00, 1.80, 1.80, 1.90, 2.10,
    2.15, 1.75, 1.25, 0.80, 0.45, 0.20, 0.10,
];

/// What every source shares.
#[derive(Debug)]
pub struct World {
    seed: u64,
    start: At,
    span: Duration,
    home: &'static Nation,
    subscribers: u64,
    whereabouts: Whereabouts,
    states_known: f64,
    trunks: Vec<Trunk>,
}

impl World {
    /// The world of a scenario.
    ///
    /// # Errors
    /// What the scenario asks for and cannot have.
    pub fn new(scenario: &Scenario, seed: u64) -> Result<Self, Finding> {
        let (span, operator) = (&scenario.scenario, &scenario.operator);
        let start = moment(*span.start.get_ref())
            .ok_or_else(|| finding(&span.start, "start: a time with its offset, year 2000 to 2199"))?;
        let hours = *span.hours.get_ref();
        if !(hours > 0.0 && hours <= 8_784.0) {
            return Err(finding(&span.hours, "hours: above 0, at most 8784"));
        }
        let Some(home) = NATIONS.iter().find(|nation| nation.iso == operator.country.get_ref()) else {
            let known: Vec<&str> = NATIONS.iter().map(|nation| nation.iso).collect();
            return Err(finding(&operator.country, &format!("country: one of {}", known.join(", "))));
        };
        let subscribers = *operator.subscribers.get_ref();
        let room = capacity(own(home.mobile)).min(10_000_000);
        if !(1..=room).contains(&subscribers) {
            return Err(finding(&operator.subscribers, &format!("subscribers: 1 to {room} in {}", home.iso)));
        }
        for (name, share) in [("roaming", &operator.roaming), ("states-known", &operator.states_known)] {
            if !(0.0..=1.0).contains(share.get_ref()) {
                return Err(finding(share, &format!("{name}: 0 to 1")));
            }
        }
        let trunks = trunk::trunks(&scenario.trunks)?;
        let (roaming, states_known) = (*operator.roaming.get_ref(), *operator.states_known.get_ref());
        let span = Duration::from_secs_f64(hours * 3_600.0);
        let whereabouts = Whereabouts { seed, start, span, subscribers, abroad: roaming };
        Ok(Self { seed, start, span, home, subscribers, whereabouts, states_known, trunks })
    }

    /// When the first call may be set up.
    #[must_use]
    pub const fn start(&self) -> At {
        self.start
    }

    /// When no call is set up any more.
    #[must_use]
    pub fn end(&self) -> At {
        self.start + self.span
    }

    /// A generator for the source with this name: its numbers depend on the seed and the name alone, so that one more
    /// source changes no other. Names: `population/INDEX/...`, `attack/INDEX/...`.
    #[must_use]
    pub fn rng(&self, name: &str) -> Rng {
        let digest = Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(name).finalize();
        Rng::from_seed(digest.into())
    }

    /// How much people call at this moment, 1 being the mean of the day; at most [`RATE_MAX`]. By the home country's
    /// clock, without summer time.
    #[must_use]
    pub fn rate_at(&self, at: At) -> f64 {
        rate_of(self.hour_at(at, self.home))
    }

    /// The hour of the day there, 0 to 24 without 24, minutes as fractions.
    #[must_use]
    pub fn hour_at(&self, at: At, nation: &Nation) -> f64 {
        let seconds = (at.nanos() / 1_000_000_000) as i64 + i64::from(nation.utc_offset_h) * 3_600;
        seconds.rem_euclid(86_400) as f64 / 3_600.0
    }

    /// Day of the week in the home country, 0 for Monday to 6 for Sunday.
    #[must_use]
    pub fn weekday_at(&self, at: At) -> u8 {
        let seconds = (at.nanos() / 1_000_000_000) as i64 + i64::from(self.home.utc_offset_h) * 3_600;
        // 1970-01-01 was a Thursday.
        (seconds.div_euclid(86_400) + 3).rem_euclid(7) as u8
    }

    /// Home country.
    #[must_use]
    pub const fn home(&self) -> &'static Nation {
        self.home
    }

    /// How many subscribers the operator has.
    #[must_use]
    pub const fn subscribers(&self) -> u64 {
        self.subscribers
    }

    /// Every country but the home country, people's calls by [`Nation::weight`].
    pub fn foreign(&self) -> impl Iterator<Item = &'static Nation> + Clone {
        let home = self.home.iso;
        NATIONS.iter().filter(move |nation| nation.iso != home)
    }

    /// A country abroad that people call or are called from, by weight.
    pub fn pick_nation(&self, rng: &mut Rng) -> &'static Nation {
        let index = weighted(rng, self.foreign().map(|nation| nation.weight));
        self.foreign().nth(index).unwrap_or(self.home)
    }

    /// Who is where.
    #[must_use]
    pub const fn whereabouts(&self) -> &Whereabouts {
        &self.whereabouts
    }

    /// Whether this subscriber is abroad at any time of the scenario.
    #[must_use]
    pub fn is_roaming(&self, index: u64) -> bool {
        self.whereabouts.stay(index) != Stay::Home
    }

    /// Whether the operator knows where this subscriber is.
    #[must_use]
    pub fn is_state_known(&self, index: u64) -> bool {
        unit_of(index, !self.seed) < self.states_known
    }

    /// Index of a subscriber who is abroad all the time; `None` when hardly any is.
    pub fn pick_roamer(&self, rng: &mut Rng) -> Option<u64> {
        const TRIES: usize = 100_000;
        (0..TRIES)
            .map(|_| below(rng, self.subscribers))
            .find(|index| self.whereabouts.stay(*index) == Stay::Abroad)
    }

    /// Index of a subscriber who is at home all the time; `None` when hardly any is.
    pub fn pick_at_home(&self, rng: &mut Rng) -> Option<u64> {
        const TRIES: usize = 100_000;
        (0..TRIES).map(|_| below(rng, self.subscribers)).find(|index| !self.is_roaming(*index))
    }
}

fn finding<T>(at: &Spanned<T>, message: &str) -> Finding {
    Finding { span: at.span(), message: message.to_owned() }
}

/// Between the figures of two hours in a straight line.
fn rate_of(hour: f64) -> f64 {
    let mean = DAY.iter().sum::<f64>() / 24.0;
    let (this, part) = (hour as usize % 24, hour.fract());
    (DAY[this] * (1.0 - part) + DAY[(this + 1) % 24] * part) / mean
}

/// A written time as a moment, without its fraction of a second; `None` without date, time or offset, or outside the
/// years 2000 to 2199.
fn moment(written: toml::value::Datetime) -> Option<At> {
    use toml::value::Offset;
    let (date, time) = (written.date?, written.time?);
    let minutes = match written.offset? {
        Offset::Custom { minutes } => i64::from(minutes),
        Offset::Z => 0,
    };
    if !(2000..2200).contains(&date.year) {
        return None;
    }
    let day = At::of_date(&date.to_string())?;
    let second = i64::from(time.second.unwrap_or_default());
    let seconds = i64::from(time.hour) * 3_600 + (i64::from(time.minute) - minutes) * 60 + second;
    day.nanos().checked_add_signed(seconds * 1_000_000_000).map(At::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rhythm_of_a_day_has_mean_one() {
        let steps = 24 * 60;
        let rates: Vec<f64> = (0..steps).map(|step| rate_of(f64::from(step) / 60.0)).collect();
        let mean = rates.iter().sum::<f64>() / f64::from(steps);
        assert!((mean - 1.0).abs() < 1e-6, "{mean}");
        assert!(rates.iter().all(|rate| (0.0..=RATE_MAX).contains(rate)));
    }

    #[test]
    fn reads_times_as_jiff_does() {
        for text in [
            "2026-11-16T08:00:00Z",
            "2024-02-29T23:59:59+02:00",
            "2000-03-01T00:00:00-05:30",
            "2199-12-31T12:00:00Z",
        ] {
            let expected: jiff::Timestamp = text.parse().unwrap();
            let found = moment(text.parse().unwrap()).unwrap();
            assert_eq!(i128::from(found.nanos()), expected.as_nanosecond(), "{text}");
        }
        let read = |text: &str| moment(text.parse().unwrap()).map(|at| at.to_string());
        assert_eq!(read("2026-11-16T08:00:00.9Z").as_deref(), Some("2026-11-16T08:00:00.000000000Z"));
        assert_eq!(read("2026-11-16T08:00:00"), None);
        assert_eq!(read("1999-12-31T23:59:59Z"), None);
        assert_eq!(read("2200-01-01T00:00:00Z"), None);
    }

    fn small() -> World {
        let text = include_str!("../../scenarios/small.toml");
        World::new(&Scenario::parse("small.toml", text).unwrap(), 1).unwrap()
    }

    #[test]
    fn subscribers_roam_in_their_share_and_differ() {
        let world = small();
        let is_abroad = |index: &u64| world.whereabouts().stay(*index) == Stay::Abroad;
        let abroad = (0..world.subscribers()).filter(is_abroad).count();
        // 2 % of 20,000, give or take five deviations.
        assert!((300..=500).contains(&abroad), "{abroad}");
        let numbers: std::collections::BTreeSet<String> =
            (0..world.subscribers()).map(|index| world.subscriber(index)).collect();
        assert_eq!(numbers.len() as u64, world.subscribers());
        assert!(!numbers.contains(&world.other_mobile(7)));
        let roamer = world.pick_roamer(&mut world.rng("test")).unwrap();
        assert!(is_abroad(&roamer) && world.is_roaming(roamer));
    }

    #[test]
    fn streams_depend_on_their_names() {
        let world = small();
        let first = |name: &str| below(&mut world.rng(name), u64::MAX);
        assert_eq!(first("attack/0/flash"), first("attack/0/flash"));
        assert_ne!(first("attack/0/flash"), first("attack/1/flash"));
    }

    #[test]
    fn knows_day_and_hour() {
        let world = small();
        // 2026-11-16 is a Monday; the scenario begins at 09:00 UTC, 10:00 in Poland.
        assert_eq!((world.weekday_at(world.start()), world.hour_at(world.start(), world.home())), (0, 10.0));
    }
}
