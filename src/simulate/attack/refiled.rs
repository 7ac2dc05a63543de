//! Calls whose origin is rewritten, so that they cost the carrier less.

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::attack::called::conversation;
use crate::simulate::attack::campaign::{Desk, Method};
use crate::simulate::attack::numbers::{Numbers, Pool};
use crate::simulate::attack::sweep::Sweep;
use crate::simulate::attempt::{Attempt, Truth};
use crate::simulate::draw::{below, chance};

/// A carrier that replaces calling numbers. The calls themselves are people's.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Refiled {
    /// Seconds during which numbers stay as they are, before the carrier begins; 0 to 31,622,400.
    #[serde(default = "none")]
    pub honest_s: Sweep,
    /// Share of calls whose number it replaces from then on, 0 to 1 (assumption).
    #[serde(default = "share")]
    pub share: Sweep,
    /// True origin of the calls: letters of countries where people live.
    pub origins: Vec<String>,
    /// Numbers put in place of the true ones: of a cheap origin.
    pub numbers: Numbers,
}

const fn none() -> Sweep {
    Sweep::fixed(0.0)
}

const fn share() -> Sweep {
    Sweep::between(0.2, 1.0)
}

impl Refiled {
    pub(super) fn method(&self, desk: &mut Desk) -> Result<Box<dyn Method>, String> {
        let (world, rng) = (&desk.world, &mut desk.rng);
        let blocks = Sweep::fixed(1_000.0);
        let origins = Numbers {
            countries: self.origins.clone(),
            in_people_blocks: true,
            blocks,
            size: 1,
            ..Numbers::default()
        };
        if self.origins.is_empty() {
            return Err("origins: one country at least".into());
        }
        Ok(Box::new(Carrier {
            honest_s: self.honest_s.within("honest-s", 0.0, 31_622_400.0)?.draw(rng),
            share: self.share.share("share")?.draw(rng),
            people: origins.pool(world, rng)?,
            pool: self.numbers.pool(world, rng)?,
            first_at: None,
        }))
    }
}

struct Carrier {
    honest_s: f64,
    share: f64,
    people: Pool,
    pool: Pool,
    first_at: Option<At>,
}

impl Method for Carrier {
    fn call(&mut self, at: At, desk: &mut Desk) {
        let first_at = *self.first_at.get_or_insert(at);
        let is_honest =
            at.since(first_at).as_secs_f64() < self.honest_s || !chance(&mut desk.rng, self.share);
        let rng = &mut desk.rng;
        let from = if is_honest { &mut self.people } else { &mut self.pool };
        let Some((index, calling)) = from.take(at, rng) else { return };
        let parties = (calling, desk.world.subscriber(below(rng, desk.world.subscribers())));
        let course = conversation(rng);
        // People's own equipment varies; what they have in common is the carrier's.
        let attempt = match is_honest {
            true => Attempt::new(at, desk.trunk_at(at), parties, Truth::normal("same_carrier")),
            false => desk.attempt(at, parties, desk.truth("refiled", "refiled")),
        };
        let attempt = attempt.with(course);
        from.hold(index, attempt.end_at());
        desk.push(attempt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::attack::testing::{attempts, is_answered, share};

    #[test]
    fn numbers_change_after_an_honest_hour() {
        let calls = attempts(
            2.0,
            "family = 'refiled'\ntrunk = 'intl'\ncalls-per-s = 0.5\norigins = ['UA', 'TR']\nhonest-s = 3600\nshare = 0.8\n\
             numbers = { countries = ['DE'], order = 'sequential', blocks = 1 }",
        );
        let (refiled, honest): (Vec<Attempt>, Vec<Attempt>) =
            calls.into_iter().partition(|call| call.truth.label == "refiled");
        assert!(honest.iter().all(|call| {
            let number = call.calling.text().unwrap();
            call.truth.campaign == 0 && (number.starts_with("380") || number.starts_with("90"))
        }));
        let replaced = refiled.len() as f64 / 1_800.0;
        assert!((0.7..0.9).contains(&replaced), "{replaced}");
        let digits = |call: &Attempt| call.calling.text().unwrap().parse::<u64>().unwrap();
        assert!(
            refiled.windows(2).filter(|pair| digits(&pair[1]) == digits(&pair[0]) + 1).count()
                >= refiled.len() - 2
        );
        assert!(share(&refiled, is_answered) > 0.5);
    }
}
