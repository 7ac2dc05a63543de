//! So many calls to one line that no other gets through.

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::attack::called::{alerting, time_to_act};
use crate::simulate::attack::campaign::{Desk, Method};
use crate::simulate::attack::numbers::{Numbers, Pool};
use crate::simulate::attack::sweep::Sweep;
use crate::simulate::attempt::{Calling, End, Side};
use crate::simulate::draw::{Rng, below, between, chance, lognormal};

/// A flood of one called number.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Tdos {
    /// Calls that the victim takes at a time: 1 for a person, more for a hotline; 1 to 1,000 (assumption).
    #[serde(default = "lines")]
    pub lines: Sweep,
    /// Median length of an answered call in seconds, 1 to 3,600 (assumption).
    #[serde(default = "talk")]
    pub talk_s: Sweep,
    /// Share of calls whose calling number is no number, 0 to 1 (assumption).
    #[serde(default = "malformed_share")]
    pub malformed_share: Sweep,
    /// Share of calls that do not show their number, 0 to 1 (assumption).
    #[serde(default = "malformed_share")]
    pub withheld_share: Sweep,
    /// Calling numbers: 500 blocks of 100 anywhere when left out.
    #[serde(default = "numbers")]
    pub numbers: Numbers,
}

const fn lines() -> Sweep {
    Sweep::between(1.0, 30.0)
}

const fn talk() -> Sweep {
    Sweep::between(5.0, 60.0)
}

const fn malformed_share() -> Sweep {
    Sweep::between(0.0, 0.2)
}

fn numbers() -> Numbers {
    Numbers { blocks: Sweep::fixed(500.0), size: 100, ..Numbers::default() }
}

impl Tdos {
    pub(super) fn method(&self, desk: &mut Desk) -> Result<Box<dyn Method>, String> {
        let (world, rng) = (&desk.world, &mut desk.rng);
        let lines = self.lines.within("lines", 1.0, 1_000.0)?.count(rng);
        // A hotline has a fixed number.
        let victim = match lines {
            1 => world.subscriber(below(rng, world.subscribers())),
            _ => world.own_fixed(below(rng, 1_000)),
        };
        Ok(Box::new(Flood {
            talk: self.talk_s.within("talk-s", 1.0, 3_600.0)?.draw(rng),
            malformed_share: self.malformed_share.share("malformed-share")?.draw(rng),
            withheld_share: self.withheld_share.share("withheld-share")?.draw(rng),
            pool: self.numbers.pool(world, rng)?,
            free_at: vec![At::default(); lines as usize],
            victim,
        }))
    }
}

struct Flood {
    talk: f64,
    malformed_share: f64,
    withheld_share: f64,
    pool: Pool,
    victim: String,
    free_at: Vec<At>,
}

impl Method for Flood {
    fn call(&mut self, at: At, desk: &mut Desk) {
        let Some((index, calling)) = self.pool.take(at, &mut desk.rng) else { return };
        let truth = desk.truth("tdos", "tdos");
        let mut attempt = desk.attempt(at, (calling, self.victim.clone()), truth);
        let rng = &mut desk.rng;
        attempt.calling = self.disguise(attempt.calling, rng);
        let line = self.free_at.iter_mut().find(|free_at| **free_at <= at);
        let course = match &line {
            None => (None, End::Refused { after: between(rng, 0.3, 1.2), cause: 17 }),
            Some(_) => {
                let talk = lognormal(rng, self.talk, 0.7, 3_600.0);
                (Some(alerting(rng)), End::Answered { ring: time_to_act(rng), talk, by: Side::Called })
            }
        };
        let attempt = attempt.with(course);
        if let Some(free_at) = line {
            *free_at = attempt.end_at();
        }
        self.pool.hold(index, attempt.end_at());
        desk.push(attempt);
    }
}

impl Flood {
    fn disguise(&self, calling: Calling, rng: &mut Rng) -> Calling {
        let Calling::Shown(number) = calling else { return calling };
        if chance(rng, self.malformed_share) {
            return Calling::Malformed(format!("{:03}", below(rng, 1_000)));
        }
        if chance(rng, self.withheld_share) { Calling::Withheld(number) } else { Calling::Shown(number) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::simulate::attack::testing::{attempts, is_answered, share};

    #[test]
    fn many_numbers_call_one_that_is_mostly_busy() {
        let calls = attempts(
            1.0,
            "family = 'tdos'\ntrunk = 'intl'\ncalls-per-s = 1\nlines = 1\nmalformed-share = 0.1",
        );
        assert_eq!(calls.iter().map(|call| &call.called).collect::<BTreeSet<_>>().len(), 1);
        let callers: BTreeSet<&str> = calls.iter().filter_map(|call| call.calling.text()).collect();
        assert!(callers.len() > calls.len() / 2);
        let answered = share(&calls, is_answered);
        assert!(answered > 0.005 && answered < 0.2, "{answered}");
        let malformed = share(&calls, |call| matches!(call.calling, Calling::Malformed(_)));
        assert!((0.07..0.13).contains(&malformed), "{malformed}");
    }
}
