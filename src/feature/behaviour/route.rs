//! How a route behaves in each direction, beside its peers: other routes of its class in the same direction.
//!
//! False answers show as calls answered too often, too fast and too briefly; a calling number replaced to get a better
//! price shows in where a route's callers come from.

use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::base::field::Country;
use crate::base::network::Network;
use crate::base::number::Number;
use crate::base::numbering::NumberKind;
use crate::base::route::{Direction, RouteClass, RouteId};
use crate::call::Call;
use crate::feature::behaviour::caller::{Talk, mean};
use crate::feature::behaviour::outcome::is_answered_at_once;
use crate::feature::slices::{self, Page, Part, Slots};
use crate::feature::window::{Sum, Tick, Window};

/// Least calls and talks in 1 hour of a route that others are compared with.
const PEER_CALLS_MIN: u64 = 50;
/// Least peers that make a comparison.
const PEERS_MIN: usize = 2;
/// Countries of the European Economic Area (ISO 3166-1): between them termination is capped (Regulation (EU)
/// 2021/654), so operators there charge calls from elsewhere more, and a number from here is worth pretending to.
#[rustfmt::skip]
const EEA: [Country; 30] = [
    Country(*b"AT"), Country(*b"BE"), Country(*b"BG"), Country(*b"CY"), Country(*b"CZ"), Country(*b"DE"),
    Country(*b"DK"), Country(*b"EE"), Country(*b"ES"), Country(*b"FI"), Country(*b"FR"), Country(*b"GR"),
    Country(*b"HR"), Country(*b"HU"), Country(*b"IE"), Country(*b"IS"), Country(*b"IT"), Country(*b"LI"),
    Country(*b"LT"), Country(*b"LU"), Country(*b"LV"), Country(*b"MT"), Country(*b"NL"), Country(*b"NO"),
    Country(*b"PL"), Country(*b"PT"), Country(*b"RO"), Country(*b"SE"), Country(*b"SI"), Country(*b"SK"),
];

/// As many as there can be numbers of routes, in two directions.
const TRUNKS_MAX: usize = 2 << 16;

type Hour = Sum<{ Window::Hour.bucket_ticks() }, u32>;

/// One direction of a route.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Trunk {
    attempts: Hour,
    answered: Hour,
    at_once: Hour,
    talks: Hour,
    brief: Hour,
    at_once_and_brief: Hour,
    talk: Hour,
    origins_24h: Origins<{ Window::Day.bucket_ticks() }>,
    origins_7d: Origins<{ Window::Week.bucket_ticks() }>,
    peers: Option<Peers>,
}

/// Where calling numbers of a route come from.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Origins<const TICKS: u32> {
    all: Sum<TICKS, u32>,
    cheap: Sum<TICKS, u32>,
    unallocated: Sum<TICKS, u32>,
}

/// Median figures of a route's peers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Peers {
    /// Mean talk, in tenths of a second.
    pub talk_mean: f64,
    /// Share of calls answered.
    pub answered_share: f64,
}

/// Figures of a route, in the direction of a call, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Figures {
    /// Calls counted in 1 hour.
    pub attempts_1h: u64,
    /// Of these, answered.
    pub answered_1h: u64,
    /// Of these, answered within a second of alerting.
    pub at_once_1h: u64,
    /// Talks that ended in 1 hour.
    pub talks_1h: u64,
    /// Of these, brief.
    pub brief_1h: u64,
    /// Of these, brief after an answer at once.
    pub at_once_and_brief_1h: u64,
    /// Mean length of these talks.
    pub talk_mean_1h: Option<Duration>,
    /// What its peers do; none when fewer than two are busy.
    pub peers: Option<Peers>,
    /// Calling numbers from abroad, of these cheap, of these unallocated, in 24 hours.
    pub origins_24h: [u64; 3],
    /// The same in 7 days.
    pub origins_7d: [u64; 3],
}

/// All routes.
#[derive(Clone, Debug)]
pub(super) struct Trunks {
    /// By twice the route's number, one more for outbound.
    trunks: Vec<Trunk>,
    limit: usize,
    /// The bucket of an hour in which peers were last compared.
    compared: u32,
}

impl Trunks {
    /// Room for `routes` routes.
    pub fn new(routes: usize) -> Self {
        Self { trunks: Vec::new(), limit: routes.saturating_mul(2), compared: 0 }
    }

    /// Counts a call that was answered or ended unanswered; whether there was room for its route.
    pub fn counted(&mut self, call: &Call, tick: Tick, network: &Network) -> bool {
        let bucket = tick.0 / Window::Hour.bucket_ticks();
        if bucket > self.compared {
            self.compared = bucket;
            self.compare(tick, network);
        }
        let index = index(call.route, call.direction);
        if index >= self.limit {
            return false;
        }
        if index >= self.trunks.len() {
            self.trunks.resize_with(index + 1, Trunk::default);
        }
        let trunk = &mut self.trunks[index];
        trunk.attempts.add(tick, 1);
        trunk.answered.add(tick, u32::from(call.answer_at.is_some()));
        trunk.at_once.add(tick, u32::from(is_answered_at_once(call)));
        if let Some(caller) = foreign_caller(call, network) {
            trunk.came_from(caller, tick, network);
        }
        true
    }

    /// Counts a talk that is over.
    pub fn hung_up(&mut self, (route, direction): (RouteId, Direction), tick: Tick, talk: Talk) {
        let Some(trunk) = self.trunks.get_mut(index(route, direction)) else { return };
        trunk.talks.add(tick, 1);
        trunk.brief.add(tick, u32::from(talk.is_brief()));
        trunk.at_once_and_brief.add(tick, u32::from(talk.is_at_once_and_brief()));
        trunk.talk.add(tick, talk.deciseconds());
    }

    /// The figures of a route at `now`; none when it was never counted.
    pub fn figures(&self, route: RouteId, direction: Direction, now: Tick) -> Option<Figures> {
        self.trunks.get(index(route, direction)).map(|trunk| trunk.figures(now))
    }

    /// Octets of memory with every route in use.
    pub const fn bytes_max(&self) -> usize {
        self.limit * size_of::<Trunk>()
    }

    /// Gives every route the median of its peers. Asked for once in 5 minutes: a route's own figures are always fresh,
    /// those of its peers are up to 5 minutes old.
    fn compare(&mut self, now: Tick, network: &Network) {
        for class in RouteClass::ALL {
            for outbound in [0, 1] {
                let group: Vec<usize> = (outbound..self.trunks.len())
                    .step_by(2)
                    .filter(|index| {
                        network.routes.all().get(index / 2).is_some_and(|route| route.class == class)
                    })
                    .collect();
                self.compare_group(&group, now);
            }
        }
    }

    fn compare_group(&mut self, group: &[usize], now: Tick) {
        let busy: Vec<(usize, f64, f64)> = group
            .iter()
            .filter_map(|index| {
                let (attempts, answered, talks, talk) = self.trunks[*index].volume(now);
                let is_busy = attempts.min(talks) >= PEER_CALLS_MIN;
                is_busy.then(|| (*index, talk as f64 / talks as f64, answered as f64 / attempts as f64))
            })
            .collect();
        let (mut talks, mut shares): (Vec<f64>, Vec<f64>) =
            busy.iter().map(|(_, talk, share)| (*talk, *share)).unzip();
        talks.sort_by(f64::total_cmp);
        shares.sort_by(f64::total_cmp);
        for index in group {
            let own = busy.iter().find(|(busy, ..)| busy == index);
            let talk_mean = median_without(&talks, own.map(|own| own.1));
            let answered_share = median_without(&shares, own.map(|own| own.2));
            self.trunks[*index].peers = talk_mean
                .zip(answered_share)
                .map(|(talk_mean, answered_share)| Peers { talk_mean, answered_share });
        }
    }
}

/// When peers were last compared stands before the routes: what was compared meanwhile is compared again.
impl Slots for Trunks {
    /// Limit, and the bucket in which peers were last compared.
    type Head = (usize, u32);
    type Slot = Trunk;

    fn head(&self) -> Self::Head {
        (self.limit, self.compared)
    }

    fn slot(&self, index: usize) -> Option<impl Serialize> {
        self.trunks.get(index)
    }

    fn take<E: Error>(
        (limit, compared): Self::Head,
        mut next: impl FnMut() -> Result<Option<Self::Slot>, E>,
    ) -> Result<Self, E> {
        let mut trunks = Vec::new();
        while let Some(trunk) = next()? {
            if trunks.len() >= limit.min(TRUNKS_MAX) {
                return Err(E::custom("there are more routes than their limit"));
            }
            trunks.push(trunk);
        }
        Ok(Self { trunks, limit, compared })
    }
}

impl Part for Trunks {
    fn write(&self, place: usize, page: &mut Page<'_>) -> postcard::Result<Option<usize>> {
        slices::write(self, place, page)
    }
}

impl<'de> Deserialize<'de> for Trunks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        slices::read(from)
    }
}

impl Trunk {
    fn came_from(&mut self, caller: Number, tick: Tick, network: &Network) {
        let is_cheap = is_cheap_origin(caller, network);
        let is_unallocated = is_cheap && network.numbering.kind(caller) == NumberKind::Unallocated;
        let counts = [1, u32::from(is_cheap), u32::from(is_unallocated)];
        self.origins_24h.add(tick, counts);
        self.origins_7d.add(tick, counts);
    }

    /// Attempts, answered, talks, and tenths of a second of talk in 1 hour.
    fn volume(&self, now: Tick) -> (u64, u64, u64, u64) {
        (self.attempts.total(now), self.answered.total(now), self.talks.total(now), self.talk.total(now))
    }

    fn figures(&self, now: Tick) -> Figures {
        let (attempts_1h, answered_1h, talks_1h, talk) = self.volume(now);
        Figures {
            attempts_1h,
            answered_1h,
            at_once_1h: self.at_once.total(now),
            talks_1h,
            brief_1h: self.brief.total(now),
            at_once_and_brief_1h: self.at_once_and_brief.total(now),
            talk_mean_1h: mean(talk, talks_1h),
            peers: self.peers,
            origins_24h: self.origins_24h.totals(now),
            origins_7d: self.origins_7d.totals(now),
        }
    }
}

impl<const TICKS: u32> Origins<TICKS> {
    fn add(&mut self, tick: Tick, [all, cheap, unallocated]: [u32; 3]) {
        self.all.add(tick, all);
        self.cheap.add(tick, cheap);
        self.unallocated.add(tick, unallocated);
    }

    fn totals(&self, now: Tick) -> [u64; 3] {
        [self.all.total(now), self.cheap.total(now), self.unallocated.total(now)]
    }
}

const fn index(route: RouteId, direction: Direction) -> usize {
    route.0 as usize * 2 + direction as usize
}

/// Whether a number is of another country than home, and both lie where calls between them are cheap, see `EEA`.
#[must_use]
pub fn is_cheap_origin(number: Number, network: &Network) -> bool {
    let home = network.numbering.home();
    let country = network.numbering.country(number);
    EEA.contains(&home) && country.is_some_and(|country| country != home && EEA.contains(&country))
}

/// The calling number of a call from abroad.
fn foreign_caller(call: &Call, network: &Network) -> Option<Number> {
    let is_from_abroad = call.direction == Direction::Inbound
        && network.routes.route(call.route).class == RouteClass::International;
    if is_from_abroad { call.calling.number } else { None }
}

/// The median of sorted values, one of which, `own`, is left out; none when too few are left.
fn median_without(sorted: &[f64], own: Option<f64>) -> Option<f64> {
    let left_out = own.and_then(|own| sorted.iter().position(|value| *value >= own));
    let count = sorted.len() - usize::from(left_out.is_some());
    if count < PEERS_MIN {
        return None;
    }
    let nth = |nth: usize| sorted.get(nth + usize::from(left_out.is_some_and(|own| nth >= own)));
    Some((nth((count - 1) / 2)? + nth(count / 2)?) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_leaves_its_own_out() {
        let sorted = [1.0, 2.0, 3.0, 10.0];
        assert_eq!(median_without(&sorted, None), Some(2.5));
        assert_eq!(median_without(&sorted, Some(10.0)), Some(2.0));
        assert_eq!(median_without(&sorted, Some(1.0)), Some(3.0));
        assert_eq!(median_without(&sorted[..2], Some(1.0)), None, "one peer is no crowd");
        assert_eq!(median_without(&[2.0, 2.0, 2.0], Some(2.0)), Some(2.0));
    }
}
