//! How the people of a route end their calls: what is usual there, against which a robot is measured.
//!
//! Each route learns the share of every [`Ending`] by hour of the day, and how high the evidence against blocks of
//! its people climbed before it fell back. Shares begin at those below and move to the route's own as calls come in:
//! where it is custom to ring once, ringing once says little. A block of 10,000 numbers counts once a minute, and not
//! while it is suspected: one sender, however loud, is not what is usual.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use crate::base::route::RouteId;
use crate::feature::clock::left;
use crate::feature::ending::{ENDINGS, Ending};
use crate::feature::evidence::{MODELS, Model, Nats};
use crate::feature::slices::{self, Page, Part, Slots};

/// Shares of endings among people's calls, in the order of [`Ending`], where nothing is known of the route yet. About
/// half of calls are answered (normal answer-seizure ratios are 40 to 70 %), callers who are not wait some 15 s, and
/// 5 to 8 % give up within 4 s; how these split is an assumption, and soon replaced by what the route shows.
const USUAL: [f32; ENDINGS] = [0.03, 0.01, 0.03, 0.02, 0.08, 0.10, 0.04, 0.41, 0.15, 0.13];
/// Calls that [`USUAL`] weighs as much as.
const USUAL_WEIGHT: f32 = 200.0;
/// Calls that a route's shares over all hours weigh as much as, in each hour's.
const ALL_HOURS_WEIGHT: f32 = 500.0;
/// Calls an hour's shares remember: from there on, old ones fade.
const MEMORY: f32 = 20_000.0;

/// Shares of endings among the calls of a sender of each model, in the order of [`Ending`]. Telephones that are busy or
/// off are as many for a sender as for people.
const SENDERS: [[f32; ENDINGS]; MODELS] = [
    // Cuts at or after alerting, or the handset that reads the code rejects. Some calls are answered in spite of it.
    [0.11, 0.21, 0.24, 0.16, 0.05, 0.03, 0.01, 0.05, 0.02, 0.12],
    // Lets it ring once or twice: the longer, the more answer.
    [0.02, 0.05, 0.40, 0.03, 0.27, 0.02, 0.01, 0.07, 0.02, 0.11],
    // Is answered, speaks a code and hangs up; or the handset answers, reads the number and drops the call.
    [0.03, 0.02, 0.03, 0.03, 0.02, 0.49, 0.27, 0.03, 0.02, 0.06],
];
/// Endings of answered calls.
const ANSWERED: [Ending; 3] = [Ending::AnsweredBriefly, Ending::AnsweredDropped, Ending::Answered];
const MODEL_LIST: [Model; MODELS] = [Model::Cut, Model::Ring, Model::Spoken];
/// Most that one call can say for or against a sender.
const SAYS_MAX: Nats = 2.6;

/// Bins of 5 dB for the evidence that people's blocks reached.
const BINS: usize = 32;
/// Excursions from which on their quantile is used.
const EXCURSIONS_MIN: u32 = 1_000;
/// Evidence that is enough where too little is known of the route: a billion to one.
pub const BOUND_DB: u32 = 90;
/// Most that is ever asked for; evidence does not grow past [`CAP`](super::evidence::CAP).
const BOUND_DB_MAX: u32 = 130;
/// What the bound keeps from the highest of a thousand excursions.
const MARGIN_DB: u32 = 20;

/// Half-life of the share of calls cut before ringing, in seconds: an outage shows in minutes.
const OUTAGE_HALF_LIFE_S: f32 = 120.0;
/// Calls that a route's usual share of them weighs as much as.
const OUTAGE_WEIGHT: f32 = 100.0;

/// What is usual on one route.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Profile {
    /// Calls by hour of the day (UTC) and ending.
    hours: [[f32; ENDINGS]; 24],
    /// Calls by ending.
    all: [f32; ENDINGS],
    /// Excursions of evidence against people's blocks by their peaks.
    peaks: [u32; BINS],
    /// Calls of the last minutes cut before ringing, all calls, and the second these were faded at.
    outage: (f32, f32, u32),
}

impl Default for Profile {
    fn default() -> Self {
        Self { hours: [[0.0; ENDINGS]; 24], all: [0.0; ENDINGS], peaks: [0; BINS], outage: (0.0, 0.0, 0) }
    }
}

impl Profile {
    fn outage_now(&self, second: u32) -> (f32, f32) {
        let (cut, all, faded_at) = self.outage;
        let fade = left(faded_at, second, OUTAGE_HALF_LIFE_S);
        (cut * fade, all * fade)
    }
}

/// What is usual on every route.
#[derive(Clone, Debug, Default)]
pub struct Baselines {
    /// By route; as many as the network file names, which bounds it.
    profiles: Vec<Profile>,
}

impl Baselines {
    /// What an ending says for each model of sender against the people of `route` at this second: the logarithm of how
    /// many times likelier it is. Of a call that was answered, what [`Self::answer_says`] does not say yet.
    #[must_use]
    pub fn says(&self, route: RouteId, second: u32, ending: Ending) -> [Nats; MODELS] {
        let usual = self.usual(route, second, ending);
        let was_answered = ANSWERED.contains(&ending);
        MODEL_LIST.map(|model| {
            if was_answered && model != Model::Spoken {
                return 0.0;
            }
            likelier(SENDERS[model as usize][ending as usize], usual)
        })
    }

    /// What an answer says: that nobody waits for one in vain is known long before the talk is over.
    #[must_use]
    pub fn answer_says(&self, route: RouteId, second: u32) -> [Nats; MODELS] {
        let usual: f32 = ANSWERED.map(|ending| self.usual(route, second, ending)).iter().sum();
        MODEL_LIST.map(|model| {
            if model == Model::Spoken {
                return 0.0;
            }
            likelier(ANSWERED.map(|ending| SENDERS[model as usize][ending as usize]).iter().sum(), usual)
        })
    }

    /// Counts a call among what is usual.
    pub fn count(&mut self, route: RouteId, second: u32, ending: Ending) {
        let profile = self.profile_mut(route);
        for counts in [&mut profile.hours[hour(second)], &mut profile.all] {
            counts[ending as usize] += 1.0;
            if counts.iter().sum::<f32>() > MEMORY {
                counts.iter_mut().for_each(|count| *count *= 0.5);
            }
        }
        let (cut, all) = profile.outage_now(second);
        let is_cut = ending == Ending::CutBeforeRinging;
        profile.outage = (cut + f32::from(u8::from(is_cut)), all + 1.0, second);
    }

    /// Notes how far the evidence against a block of people had climbed when it was gone again. What climbed high enough
    /// to be acted on was no people's.
    pub fn excursion(&mut self, route: RouteId, peak: Nats) {
        if decibels(peak) >= self.bound_db(route) {
            return;
        }
        let bin = (decibels(peak) / 5) as usize;
        let profile = self.profile_mut(route);
        profile.peaks[bin.min(BINS - 1)] += 1;
        if profile.peaks.iter().sum::<u32>() > 1_000_000 {
            profile.peaks.iter_mut().for_each(|count| *count /= 2);
        }
    }

    /// [`Self::bound_db`] as a logarithm.
    #[must_use]
    pub fn bound(&self, route: RouteId) -> Nats {
        self.bound_db(route) as f32 * std::f32::consts::LN_10 / 10.0
    }

    /// Evidence that is enough to act on, in dB: the start value, or what all but one in a thousand excursions of the
    /// route's people stayed below and a margin, whichever is more.
    #[must_use]
    pub fn bound_db(&self, route: RouteId) -> u32 {
        let Some(profile) = self.profiles.get(usize::from(route.0)) else { return BOUND_DB };
        let total: u32 = profile.peaks.iter().sum();
        if total < EXCURSIONS_MIN {
            return BOUND_DB;
        }
        let mut above = 0;
        let highest = (0..BINS).rev().find(|bin| {
            above += profile.peaks[*bin];
            above > total / 1_000
        });
        let quantile = highest.map_or(0, |bin| (bin as u32 + 1) * 5);
        (quantile + MARGIN_DB).clamp(BOUND_DB, BOUND_DB_MAX)
    }

    /// Share of an ending among the route's people: of the hour, drawn to all hours where the hour has few calls, and
    /// these to the usual ones.
    fn usual(&self, route: RouteId, second: u32, ending: Ending) -> f32 {
        let index = ending as usize;
        let Some(profile) = self.profiles.get(usize::from(route.0)) else { return USUAL[index] };
        let drawn = |counts: &[f32; ENDINGS], to: f32, weight: f32| {
            (counts[index] + to * weight) / (counts.iter().sum::<f32>() + weight)
        };
        let all = drawn(&profile.all, USUAL[index], USUAL_WEIGHT);
        let usual = drawn(&profile.hours[hour(second)], all, ALL_HOURS_WEIGHT);
        if ending != Ending::CutBeforeRinging {
            return usual;
        }
        // When nothing gets through, people hang up before it rings, all at once and from everywhere.
        let (cut, all) = profile.outage_now(second);
        usual.max((cut + usual * OUTAGE_WEIGHT) / (all + OUTAGE_WEIGHT))
    }

    fn profile_mut(&mut self, route: RouteId) -> &mut Profile {
        let index = usize::from(route.0);
        if self.profiles.len() <= index {
            self.profiles.resize(index + 1, Profile::default());
        }
        &mut self.profiles[index]
    }
}

impl Slots for Baselines {
    type Head = ();
    type Slot = Profile;

    fn head(&self) -> Self::Head {}

    fn slot(&self, index: usize) -> Option<impl Serialize> {
        self.profiles.get(index)
    }

    fn take<E: Error>(
        (): Self::Head,
        mut next: impl FnMut() -> Result<Option<Self::Slot>, E>,
    ) -> Result<Self, E> {
        let mut profiles = Vec::new();
        while let Some(profile) = next()? {
            if profiles.len() > usize::from(u16::MAX) {
                return Err(E::custom("there are more routes than there can be"));
            }
            profiles.push(profile);
        }
        Ok(Self { profiles })
    }
}

impl Part for Baselines {
    fn write(&self, place: usize, page: &mut Page<'_>) -> postcard::Result<Option<usize>> {
        slices::write(self, place, page)
    }
}

impl<'de> Deserialize<'de> for Baselines {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        slices::read(from)
    }
}

fn likelier(senders: f32, usual: f32) -> Nats {
    (senders / usual).ln().clamp(-SAYS_MAX, SAYS_MAX)
}

/// Evidence in decibels: ten times the decimal logarithm of how many times likelier a sender is.
#[must_use]
pub fn decibels(evidence: Nats) -> u32 {
    (evidence * 10.0 / std::f32::consts::LN_10).round().max(0.0) as u32
}

const fn hour(second: u32) -> usize {
    (second / 3_600 % 24) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: RouteId = RouteId(3);
    const NOON: u32 = 1_700_000_000 / 86_400 * 86_400 + 12 * 3_600;

    #[test]
    fn shares_are_whole() {
        let sum = |shares: &[f32]| shares.iter().sum::<f32>();
        for shares in SENDERS.iter().chain([&USUAL]) {
            assert!((sum(shares) - 1.0).abs() < 1e-5, "{shares:?}");
        }
    }

    #[test]
    fn where_ringing_once_is_custom_it_says_little() {
        let mut baselines = Baselines::default();
        let says = |baselines: &Baselines, second| {
            baselines.says(ROUTE, second, Ending::CutFirstRing)[Model::Ring as usize]
        };
        let before = says(&baselines, NOON);
        for call in 0..5_000 {
            let ending = if call % 3 == 0 { Ending::CutFirstRing } else { Ending::Answered };
            baselines.count(ROUTE, NOON, ending);
        }
        let (noon, midnight) = (says(&baselines, NOON), says(&baselines, NOON + 12 * 3_600));
        assert!(before > 2.5 && noon < 0.5, "{before} {noon}");
        assert!(
            (noon - midnight).abs() < 0.05,
            "an hour without calls is like the others: {noon} {midnight}"
        );
    }

    #[test]
    fn in_an_outage_hanging_up_before_it_rings_says_nothing() {
        let mut baselines = Baselines::default();
        let says = |baselines: &Baselines, second| {
            baselines.says(ROUTE, second, Ending::CutBeforeRinging)[Model::Cut as usize]
        };
        (0..20_000).for_each(|_| baselines.count(ROUTE, NOON, Ending::Answered));
        assert!(says(&baselines, NOON) > 1.3);
        (0..100).for_each(|_| baselines.count(ROUTE, NOON + 1_800, Ending::CutBeforeRinging));
        assert!(says(&baselines, NOON + 1_800) < 0.0);
        assert!(says(&baselines, NOON + 3_600) > 1.0, "an hour later it is over");
    }

    #[test]
    fn the_bound_rises_with_what_people_reach() {
        let mut baselines = Baselines::default();
        assert_eq!(baselines.bound_db(ROUTE), BOUND_DB);
        (0..995).for_each(|_| baselines.excursion(ROUTE, 2.0));
        (0..5).for_each(|_| baselines.excursion(ROUTE, 18.0));
        // 18 nats are 78 dB, so below 80; five of a thousand are more than one.
        assert_eq!(baselines.bound_db(ROUTE), 100);
        (0..200_000).for_each(|_| baselines.excursion(ROUTE, 2.0));
        assert_eq!(baselines.bound_db(ROUTE), BOUND_DB);
    }
}
