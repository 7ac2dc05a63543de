//! What every source shares: numbers, trunks, the rhythm of the day, and random numbers by name.

use std::time::Duration;

use rand::SeedableRng;
use sha2::{Digest, Sha256};
use toml::Spanned;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::attempt::TrunkId;
use crate::simulate::countries::{Block, NATIONS, Nation};
use crate::simulate::draw::{Rng, below, chance, weighted};
use crate::simulate::placed::{Finding, Placed};
use crate::simulate::scenario::{Scenario, Transport, TrunkSpec, Ways};
use crate::simulate::whereabouts::{Stay, Whereabouts, unit_of};

/// Highest value of [`World::rate_at`].
pub const RATE_MAX: f64 = 2.2;
/// Calls of people by hour of the local day: few at night, a summit before noon, another after work. The busiest hour
/// has 8.7 % of the day; networks plan for 10 to 12 %.
const DAY: [f64; 24] = [
    0.10, 0.05, 0.03, 0.03, 0.04, 0.10, 0.30, 0.75, 1.35, 1.85, 2.15, 2.20, 2.00, 1.80, 1.80, 1.90, 2.10,
    2.15, 1.75, 1.25, 0.80, 0.45, 0.20, 0.10,
];
/// Turns indices into numbers that do not follow each other; coprime to every power of ten.
const STRIDE: u64 = 7_368_787;
/// Share of calls to and from mobiles, where the plan has both.
const MOBILE_SHARE: f64 = 0.8;

/// An interconnect.
#[derive(Clone, Debug, PartialEq)]
pub struct Trunk {
    /// Name of the route.
    pub name: String,
    /// Class of the route.
    pub class: RouteClass,
    /// What it speaks.
    pub transport: Transport,
    /// Who is on the other side.
    pub carrier: String,
    /// Which way calls are set up.
    pub ways: Ways,
    /// Share of its class's ordinary traffic, before normalisation.
    pub weight: f64,
    /// Who pays for flash calls.
    pub sender: Option<String>,
    /// SIP elements of the other side.
    pub elements: u8,
    /// ISUP circuits.
    pub circuits: u16,
}

impl Trunk {
    /// Whether calls are set up this way.
    #[must_use]
    pub const fn takes(&self, is_outbound: bool) -> bool {
        match self.ways {
            Ways::Both => true,
            Ways::In => !is_outbound,
            Ways::Out => is_outbound,
        }
    }
}

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
        let trunks = trunks(&scenario.trunks)?;
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

    /// Mobile number of a subscriber, from 0: digits, country code first. Indices from [`Self::subscribers`] on give
    /// numbers of the operator that nobody has, until they begin again.
    #[must_use]
    pub fn subscriber(&self, index: u64) -> String {
        number_in(own(self.home.mobile), index)
    }

    /// A fixed number of the operator, such as those of its business customers; consecutive indices are consecutive
    /// numbers, 10,000 a block.
    #[must_use]
    pub fn own_fixed(&self, index: u64) -> String {
        let blocks = own(self.home.fixed);
        let (prefix, digits) = block_at(blocks, index / 10_000);
        sequential(prefix, digits, index % 10_000)
    }

    /// Somebody of another operator of the country, mobile.
    #[must_use]
    pub fn other_mobile(&self, index: u64) -> String {
        number_in(others(self.home.mobile), index)
    }

    /// Somebody of another operator of the country, fixed.
    #[must_use]
    pub fn other_fixed(&self, index: u64) -> String {
        number_in(others(self.home.fixed), index)
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

    /// Somebody's mobile number in a country.
    #[must_use]
    pub fn mobile_in(&self, nation: &Nation, index: u64) -> String {
        number_in(nation.mobile, index)
    }

    /// Somebody's fixed number in a country.
    #[must_use]
    pub fn fixed_in(&self, nation: &Nation, index: u64) -> String {
        number_in(nation.fixed, index)
    }

    /// Somebody abroad, mobile, by weight of countries.
    pub fn foreign_mobile(&self, rng: &mut Rng) -> String {
        let nation = self.pick_nation(rng);
        number_in(nation.mobile, below(rng, u64::from(u32::MAX)))
    }

    /// Somebody abroad, by weight of countries, mobile or fixed.
    pub fn foreign_person(&self, rng: &mut Rng) -> String {
        let nation = self.pick_nation(rng);
        let blocks = if chance(rng, MOBILE_SHARE) { nation.mobile } else { nation.fixed };
        number_in(blocks, below(rng, u64::from(u32::MAX)))
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

    /// Every trunk, in the order of the file.
    #[must_use]
    pub fn trunks(&self) -> &[Trunk] {
        &self.trunks
    }

    /// A trunk.
    ///
    /// # Panics
    /// When `id` is not of this world.
    #[must_use]
    pub fn trunk(&self, id: TrunkId) -> &Trunk {
        &self.trunks[usize::from(id.0)]
    }

    /// The trunk with this name.
    #[must_use]
    pub fn trunk_named(&self, name: &str) -> Option<TrunkId> {
        let index = self.trunks.iter().position(|trunk| trunk.name == name)?;
        u16::try_from(index).ok().map(TrunkId)
    }

    /// Trunks of these classes that take calls this way.
    #[must_use]
    pub fn trunks_for(&self, classes: &[RouteClass], is_outbound: bool) -> Vec<TrunkId> {
        let fits = |trunk: &Trunk| classes.contains(&trunk.class) && trunk.takes(is_outbound);
        (0_u16..)
            .zip(&self.trunks)
            .filter(|(_, trunk)| fits(trunk))
            .map(|(index, _)| TrunkId(index))
            .collect()
    }

    /// One of these trunks, by weight; `None` of none.
    pub fn pick_trunk(&self, among: &[TrunkId], rng: &mut Rng) -> Option<TrunkId> {
        let index = weighted(rng, among.iter().map(|id| self.trunk(*id).weight));
        among.get(index).copied()
    }

    /// Somebody at the far end of a trunk: abroad on an international one, else of another operator of the country.
    pub fn other_end(&self, trunk: TrunkId, rng: &mut Rng) -> String {
        if self.trunk(trunk).class == RouteClass::International {
            return self.foreign_person(rng);
        }
        let is_mobile = chance(rng, MOBILE_SHARE);
        let index = below(rng, u64::from(u32::MAX));
        if is_mobile { self.other_mobile(index) } else { self.other_fixed(index) }
    }
}

fn finding<T>(at: &Spanned<T>, message: &str) -> Finding {
    Finding { span: at.span(), message: message.to_owned() }
}

fn trunks(specs: &[Placed<TrunkSpec>]) -> Result<Vec<Trunk>, Finding> {
    const TRUNKS_MAX: usize = 500;
    let mut trunks: Vec<Trunk> = Vec::with_capacity(specs.len());
    for spec in specs {
        let trunk = trunk(spec.get_ref()).map_err(|message| spec.finding(message))?;
        if trunks.iter().any(|other| other.name == trunk.name) {
            return Err(spec.finding(format!("name: two trunks have the name `{}`", trunk.name)));
        }
        if trunks.len() == TRUNKS_MAX {
            return Err(spec.finding(format!("more than {TRUNKS_MAX} trunks")));
        }
        trunks.push(trunk);
    }
    Ok(trunks)
}

fn trunk(spec: &TrunkSpec) -> Result<Trunk, String> {
    let class = match spec.class.as_str() {
        "international" => RouteClass::International,
        "national" => RouteClass::National,
        "on-net" => RouteClass::OnNet,
        "enterprise" => RouteClass::Enterprise,
        "white" => RouteClass::White,
        _ => return Err("class: international, national, on-net, enterprise or white".into()),
    };
    let is_name =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !is_name(&spec.name) || spec.name == "unknown" {
        return Err("name: letters, digits and `-`; `unknown` is taken".into());
    }
    if (class == RouteClass::White) != spec.sender.is_some() {
        return Err("sender: needed for class white, refused elsewhere".into());
    }
    if spec.sender.as_deref().is_some_and(|sender| !is_name(sender)) {
        return Err("sender: letters, digits and `-`".into());
    }
    if !(1..=8).contains(&spec.elements) {
        return Err("elements: 1 to 8".into());
    }
    if !(2..=16_382).contains(&spec.circuits) {
        return Err("circuits: 2 to 16382".into());
    }
    if !(spec.weight >= 0.0 && spec.weight.is_finite()) {
        return Err("weight: 0 or more".into());
    }
    Ok(Trunk {
        name: spec.name.clone(),
        class,
        transport: spec.transport,
        carrier: spec.carrier.clone().unwrap_or_else(|| spec.name.clone()),
        ways: spec.ways,
        weight: spec.weight,
        sender: spec.sender.clone(),
        elements: spec.elements,
        circuits: spec.circuits,
    })
}

/// The operator's own blocks: the first half of the country's.
fn own(blocks: &'static [Block]) -> &'static [Block] {
    &blocks[..blocks.len().div_ceil(2)]
}

/// The other operators' blocks.
fn others(blocks: &'static [Block]) -> &'static [Block] {
    &blocks[blocks.len() / 2..]
}

/// Numbers that differ, from index 0 on.
fn capacity(blocks: &[Block]) -> u64 {
    let smallest = blocks.iter().map(|(_, digits)| 10_u64.pow(*digits)).min().unwrap_or_default();
    smallest * blocks.len() as u64
}

fn block_at(blocks: &'static [Block], index: u64) -> Block {
    blocks.get((index % blocks.len().max(1) as u64) as usize).copied().unwrap_or(("", 0))
}

fn number_in(blocks: &'static [Block], index: u64) -> String {
    let (prefix, digits) = block_at(blocks, index);
    let room = 10_u64.pow(digits);
    let within = (index / blocks.len().max(1) as u64) % room;
    sequential(prefix, digits, within * STRIDE % room)
}

fn sequential(prefix: &str, digits: u32, index: u64) -> String {
    format!("{prefix}{:0width$}", index % 10_u64.pow(digits), width = digits as usize)
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

    #[test]
    fn numbers_differ_up_to_the_capacity() {
        let blocks: &[Block] = &[("481", 3), ("482", 3)];
        let numbers: std::collections::BTreeSet<String> =
            (0..capacity(blocks)).map(|index| number_in(blocks, index)).collect();
        assert_eq!(numbers.len(), 2_000);
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
