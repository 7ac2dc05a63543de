//! One ring, then silence: numbers that cost much to call back.

use std::time::Duration;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::attack::called::{ANSWER_SHARE, Called, Caller, Targets, alerting, invalid_number};
use crate::simulate::attack::campaign::{Desk, Method};
use crate::simulate::attack::numbers::{Numbers, Pool};
use crate::simulate::attack::sweep::Sweep;
use crate::simulate::attempt::{Attempt, Calling, End, Side, TrunkId};
use crate::simulate::draw::{Rng, between, chance, lognormal, normal, seconds};

/// A dialler that wants to be called back.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wangiri {
    /// How long it rings, in seconds; 0.5 to 60. One ring is some 6 s where tones follow the cycle of 2 s on, 4 s off.
    #[serde(default = "ring")]
    pub ring_s: Sweep,
    /// Spread of that span: sigma of a lognormal; 0 to 2 (assumption).
    #[serde(default = "jitter")]
    pub jitter: Sweep,
    /// Share of handsets it rings once more after half a minute to ten (assumption).
    #[serde(default = "repeat_share")]
    pub repeat_share: Sweep,
    /// Share of people who call back after a ring: some 5 % (market source), swept.
    #[serde(default = "callback_share")]
    pub callback_share: Sweep,
    /// Mean length of a call back in seconds, 10 to 3,600: music keeps people waiting (above 60; assumption).
    #[serde(default = "callback_talk")]
    pub callback_talk_s: Sweep,
    /// Calling numbers; one number of a country where calls cost much when left out.
    #[serde(default = "numbers")]
    pub numbers: Numbers,
    /// Called numbers. Random dialling meets many that nobody has.
    #[serde(default = "called")]
    pub called: Called,
}

const fn ring() -> Sweep {
    Sweep::between(1.0, 6.0)
}

const fn jitter() -> Sweep {
    Sweep::between(0.15, 0.6)
}

const fn repeat_share() -> Sweep {
    Sweep::between(0.0, 0.2)
}

const fn callback_share() -> Sweep {
    Sweep::between(0.02, 0.08)
}

const fn callback_talk() -> Sweep {
    Sweep::between(60.0, 180.0)
}

fn numbers() -> Numbers {
    Numbers { size: 1, ..Numbers::high_cost(Sweep::fixed(1.0)) }
}

fn called() -> Called {
    Called { invalid_share: Sweep::between(0.02, 0.3), ..Called::default() }
}

/// How long people wait before they call back: half within ten minutes, nearly all within a day (assumption).
const BACK_MEDIAN_S: f64 = 600.0;
const BACK_SIGMA: f64 = 1.8;

impl Wangiri {
    pub(super) fn method(&self, desk: &mut Desk) -> Result<Box<dyn Method>, String> {
        let (world, rng) = (&desk.world, &mut desk.rng);
        let callback_share = self.callback_share.share("callback-share")?.draw(rng);
        let back_by = world.trunks_for(&[RouteClass::International], true);
        if callback_share > 0.0 && back_by.is_empty() {
            return Err("callback-share: no international trunk takes calls out".into());
        }
        Ok(Box::new(Dialler {
            ring: self.ring_s.within("ring-s", 0.5, 60.0)?.draw(rng),
            jitter: self.jitter.within("jitter", 0.0, 2.0)?.draw(rng),
            repeat_share: self.repeat_share.share("repeat-share")?.draw(rng),
            callback_talk: self.callback_talk_s.within("callback-talk-s", 10.0, 3_600.0)?.draw(rng),
            pool: self.numbers.pool(world, rng)?,
            targets: self.called.targets(world, rng)?,
            callback_share,
            back_by,
        }))
    }
}

struct Dialler {
    ring: f64,
    jitter: f64,
    repeat_share: f64,
    callback_share: f64,
    callback_talk: f64,
    pool: Pool,
    targets: Targets,
    back_by: Vec<TrunkId>,
}

impl Method for Dialler {
    fn call(&mut self, at: At, desk: &mut Desk) {
        let (called, is_valid) = self.targets.pick(&desk.world, &mut desk.rng);
        let Some(calls) = self.ring(at, (&called, is_valid), desk) else { return };
        if is_valid && chance(&mut desk.rng, self.repeat_share) {
            let again_at = calls.end_at() + between(&mut desk.rng, 30.0, 600.0);
            self.ring(again_at, (&called, true), desk);
        }
    }
}

impl Dialler {
    fn ring(&mut self, at: At, (called, is_valid): (&str, bool), desk: &mut Desk) -> Option<Attempt> {
        let rng = &mut desk.rng;
        let (index, calling) = self.pool.take(at, rng)?;
        let course = match is_valid {
            true => self.caller(desk.cause, rng).calls(rng),
            false => invalid_number(rng),
        };
        let truth = desk.truth("wangiri", "wangiri");
        let attempt = desk.attempt(at, (calling, called.to_owned()), truth).with(course);
        self.pool.hold(index, attempt.end_at());
        desk.push(attempt.clone());
        let is_missed = attempt.alert_after.is_some() && matches!(attempt.end, End::GivenUp { .. });
        if is_missed && chance(&mut desk.rng, self.callback_share) {
            self.call_back(&attempt, desk);
        }
        Some(attempt)
    }

    fn caller(&self, cause: u8, rng: &mut Rng) -> Caller {
        let patience = seconds(self.ring * (self.jitter * normal(rng)).exp());
        let talk = between(rng, 0.2, 2.0);
        Caller { patience, cause, answer_share: ANSWER_SHARE, talk, by: Side::Calling }
    }

    /// The subscriber calls the number that rang. It answers at once, and the fee runs.
    fn call_back(&self, missed: &Attempt, desk: &mut Desk) {
        let at = missed.end_at() + lognormal(&mut desk.rng, BACK_MEDIAN_S, BACK_SIGMA, 86_400.0);
        let Some(trunk) = desk.world.pick_trunk(&self.back_by, &mut desk.rng) else { return };
        let Calling::Shown(back_to) = &missed.calling else { return };
        let rng = &mut desk.rng;
        // Mean of a lognormal: median · e^(σ²/2).
        const SIGMA: f64 = 1.0;
        let talk = lognormal(rng, self.callback_talk / (SIGMA * SIGMA / 2.0).exp(), SIGMA, 3_600.0);
        let ring = between(rng, 0.3, 4.0);
        let by = if chance(rng, 0.95) { Side::Calling } else { Side::Called };
        let course =
            (Some(alerting(rng)), End::Answered { ring, talk: talk.max(Duration::from_secs(2)), by });
        let parties = (missed.called.clone(), back_to.clone());
        let truth = desk.truth("wangiri_callback", "callback");
        desk.push(Attempt::new(at, trunk, parties, truth).outbound().with(course));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::simulate::attack::testing::{attempts, refusal, share};

    fn wangiri(rest: &str) -> Vec<Attempt> {
        attempts(24.0, &format!("family = 'wangiri'\ntrunk = 'intl'\ncalls-per-s = 1\ncalls = 3000\n{rest}"))
    }

    #[test]
    fn one_number_rings_many_and_some_call_back() {
        let calls =
            wangiri("ring-s = 4\ncallback-share = 0.05\nrepeat-share = 0\ncalled = { invalid-share = 0.1 }");
        let (back, rings): (Vec<Attempt>, Vec<Attempt>) =
            calls.into_iter().partition(|call| call.is_outbound);
        assert_eq!(rings.len(), 3_000);
        let numbers: BTreeSet<&str> = rings.iter().filter_map(|call| call.calling.text()).collect();
        assert_eq!(numbers.len(), 1);
        // 5 % of the four in five that ring in vain.
        assert!((80..160).contains(&back.len()), "{}", back.len());
        for call in &back {
            assert_eq!((call.truth.label, call.truth.position), ("wangiri_callback", 0));
            assert!(numbers.contains(call.called.as_str()));
            let missed = rings.iter().find(|ring| Some(ring.called.as_str()) == call.calling.text()).unwrap();
            assert!(missed.end_at() <= call.setup_at);
        }
        let invalid = share(&rings, |call| matches!(call.end, End::Refused { cause: 1 | 27 | 28, .. }));
        assert!((0.08..0.12).contains(&invalid), "{invalid}");
    }

    #[test]
    fn bursts_by_night_stay_in_the_night() {
        let calls = wangiri("hours = 'night'\nburst-s = 300\npause-s = 1500\ncallback-share = 0");
        // From 8 in the morning: 14 to 22 hours later.
        let start = crate::simulate::attack::testing::world(24.0).start();
        for call in &calls {
            // A handset may ring once more some minutes after its first ring.
            let seconds = call.setup_at.since(start).as_secs_f64();
            assert!((14.0 * 3_600.0..22.25 * 3_600.0).contains(&seconds), "{seconds}");
        }
        assert!(calls.len() > 2_500);
    }

    #[test]
    fn needs_a_way_back() {
        let attack = "family = 'wangiri'\ntrunk = 'intl'\ncalls-per-s = 1\n";
        assert_eq!(
            refusal(&format!("{attack}callback-share = 2")),
            "callback-share: 0 to 1, one figure or two in ascending order"
        );
    }
}
