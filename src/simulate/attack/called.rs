//! Whom a campaign calls, and what happens at that end.

use std::time::Duration;

use serde::Deserialize;

use crate::simulate::attack::sweep::Sweep;
use crate::simulate::attempt::{End, Side};
use crate::simulate::draw::{Rng, below, between, chance, gamma, lognormal};
use crate::simulate::world::World;

/// What a call comes to: time to alerting, and end.
pub(super) type Course = (Option<Duration>, End);

/// `called = { ... }`: the called numbers of a campaign.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Called {
    /// In which order they are dialled.
    #[serde(default)]
    pub order: Dialled,
    /// Share of them that nobody has, 0 to 1. People mistype fewer than 2 in 100 (assumption).
    #[serde(default = "invalid")]
    pub invalid_share: Sweep,
    /// So many subscribers and no others; all when left out.
    pub among: Option<Sweep>,
}

/// In which order numbers are dialled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialled {
    /// Subscribers at random.
    #[default]
    Random,
    /// One number after the other of the operator's blocks.
    Sequential,
}

const fn invalid() -> Sweep {
    Sweep::between(0.0, 0.02)
}

impl Default for Called {
    fn default() -> Self {
        Self { order: Dialled::Random, invalid_share: invalid(), among: None }
    }
}

impl Called {
    /// Sequential numbers with this share that nobody has.
    pub(super) const fn sequential(invalid_share: Sweep) -> Self {
        Self { order: Dialled::Sequential, invalid_share, among: None }
    }

    /// The called numbers of one campaign.
    ///
    /// # Errors
    /// A figure out of its range.
    pub(super) fn targets(&self, world: &World, rng: &mut Rng) -> Result<Targets, String> {
        let all = world.subscribers();
        let among = match self.among {
            Some(among) => among.within("among", 1.0, 10_000_000.0)?.count(rng).min(all),
            None => all,
        };
        let start = world.subscriber(below(rng, all));
        Ok(Targets {
            invalid_share: self.invalid_share.share("invalid-share")?.draw(rng),
            first: below(rng, all),
            next: (self.order == Dialled::Sequential).then_some(start),
            among,
        })
    }
}

/// The called numbers of one campaign.
pub(super) struct Targets {
    invalid_share: f64,
    first: u64,
    among: u64,
    next: Option<String>,
}

impl Targets {
    /// The number to dial next, and whether somebody has it.
    pub fn pick(&mut self, world: &World, rng: &mut Rng) -> (String, bool) {
        let is_valid = !chance(rng, self.invalid_share);
        if let Some(next) = &mut self.next {
            *next = successor(next);
            return (next.clone(), is_valid);
        }
        let all = world.subscribers();
        let index = match is_valid {
            true => (self.first + below(rng, self.among)) % all,
            // Numbers behind the last subscriber: nobody has them unless every number is taken.
            false => all + below(rng, all),
        };
        (world.subscriber(index), is_valid)
    }
}

/// The number after this one, of as many digits; the last four begin again after 9999.
fn successor(number: &str) -> String {
    let (head, tail) = number.split_at(number.len().saturating_sub(4));
    let value: u64 = tail.parse().unwrap_or_default();
    format!("{head}{:0width$}", (value + 1) % 10_u64.pow(tail.len() as u32), width = tail.len())
}

/// Share of calls that networks lose: 1–5 % of a route (assumption, the lower end).
const LOST_SHARE: f64 = 0.02;
/// Share of handsets that are off or out of reach (assumption).
const ABSENT_SHARE: f64 = 0.05;
/// Share of handsets in another call (assumption).
const BUSY_SHARE: f64 = 0.03;
/// Share of people who refuse a stranger's ringing call, if it rings long enough (assumption).
const REFUSED_SHARE: f64 = 0.04;
/// Share of people who answer a number they do not know, if it rings long enough (Hiya 2019).
pub(super) const ANSWER_SHARE: f64 = 0.24;

/// How a caller behaves towards a called handset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller {
    /// How long it lets the handset ring.
    pub patience: Duration,
    /// Cause of its release when it gives up.
    pub cause: u8,
    /// Share of people who answer it, if it rings long enough.
    pub answer_share: f64,
    /// From answer to end.
    pub talk: Duration,
    /// Who ends an answered call.
    pub by: Side,
}

impl Caller {
    /// What becomes of a call to a number that somebody has. Whoever acts first ends the ringing.
    pub fn calls(self, rng: &mut Rng) -> Course {
        if let Some(lost) = unreachable(rng) {
            return lost;
        }
        let alert_after = Some(alerting(rng));
        let refuses = chance(rng, REFUSED_SHARE).then(|| time_to_act(rng));
        let answers = chance(rng, self.answer_share).then(|| time_to_act(rng));
        if let Some(ring) = answers.filter(|ring| *ring < self.patience) {
            return (alert_after, End::Answered { ring, talk: self.talk, by: self.by });
        }
        let end = match refuses.filter(|after| *after < self.patience) {
            Some(after) => End::Refused { after, cause: 21 },
            None => End::GivenUp { after: self.patience, cause: self.cause },
        };
        (alert_after, end)
    }
}

/// From setup to alerting.
pub(super) fn alerting(rng: &mut Rng) -> Duration {
    Duration::from_millis(300) + lognormal(rng, 1.8, 0.5, 9.0)
}

/// From alerting to answer or refusal by a person: 8.67 s on average over the world (tawkon); the shape is an
/// assumption.
pub(super) fn time_to_act(rng: &mut Rng) -> Duration {
    Duration::from_millis(500) + gamma(rng, 8.2, 2.2, 55.0)
}

/// What becomes of a call to a number that nobody has: unallocated, incomplete, out of order.
pub(super) fn invalid_number(rng: &mut Rng) -> Course {
    let cause = match below(rng, 10) {
        0..7 => 1,
        7..9 => 28,
        _ => 27,
    };
    (None, End::Refused { after: between(rng, 0.3, 2.5), cause })
}

/// An end without alerting, for the share of calls that meet one.
pub(super) fn unreachable(rng: &mut Rng) -> Option<Course> {
    let mut drawn = f64::from(below(rng, 10_000) as u32) / 10_000.0;
    for (share, cause) in [(LOST_SHARE, 34), (ABSENT_SHARE, 20), (BUSY_SHARE, 17)] {
        if drawn < share {
            return Some((None, End::Refused { after: between(rng, 0.5, 4.0), cause }));
        }
        drawn -= share;
    }
    None
}

/// A call of one person to another: answered, unanswered or refused as people's calls are.
pub(super) fn conversation(rng: &mut Rng) -> Course {
    let talk = lognormal(rng, 65.0, 1.1, 7_200.0);
    let by = if chance(rng, 0.5) { Side::Calling } else { Side::Called };
    // 60 % answered in all: networks call 60 to 70 % of seizures very good, 40 to 50 % normal.
    Caller { patience: lognormal(rng, 22.0, 0.5, 60.0), cause: 16, answer_share: 0.75, talk, by }.calls(rng)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::attack::testing::world;

    #[test]
    fn sequential_numbers_are_dialled_one_after_the_other() {
        let world = world(1.0);
        let mut rng = world.rng("test");
        let called = Called::sequential(Sweep::fixed(0.5));
        let mut targets = called.targets(&world, &mut rng).unwrap();
        let picked: Vec<(String, bool)> = (0..1_000).map(|_| targets.pick(&world, &mut rng)).collect();
        let valid = picked.iter().filter(|(_, is_valid)| *is_valid).count();
        assert!((430..570).contains(&valid), "{valid}");
        let digits = |text: &str| text.parse::<u64>().unwrap();
        let steps = picked.windows(2).filter(|pair| digits(&pair[1].0) == digits(&pair[0].0) + 1);
        assert!(steps.count() >= 998);
    }

    #[test]
    fn only_so_many_subscribers_are_called() {
        let world = world(1.0);
        let mut rng = world.rng("test");
        let called =
            Called { among: Some(Sweep::fixed(7.0)), invalid_share: Sweep::fixed(0.0), ..Called::default() };
        let mut targets = called.targets(&world, &mut rng).unwrap();
        let picked: std::collections::BTreeSet<String> =
            (0..200).map(|_| targets.pick(&world, &mut rng).0).collect();
        assert_eq!(picked.len(), 7);
    }

    #[test]
    fn a_longer_ring_is_answered_more_often() {
        let mut rng = world(1.0).rng("test");
        let mut answered = |patience: u64| {
            let patience = Duration::from_secs(patience);
            let talk = Duration::from_secs(10);
            let caller = Caller { patience, cause: 16, answer_share: ANSWER_SHARE, talk, by: Side::Called };
            (0..2_000).filter(|_| matches!(caller.calls(&mut rng).1, End::Answered { .. })).count()
        };
        let (short, long) = (answered(1), answered(30));
        assert!(short < 40, "{short}");
        // 24 % of the nine in ten that ring.
        assert!((370..500).contains(&long), "{long}");
    }
}
