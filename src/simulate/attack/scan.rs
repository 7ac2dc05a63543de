//! Which numbers are alive: called numbers one after the other, given up as soon as one rings.

use std::time::Duration;

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::attack::called::{Called, Targets, alerting, invalid_number, unreachable};
use crate::simulate::attack::campaign::{Desk, Method};
use crate::simulate::attack::numbers::{Numbers, Pool};
use crate::simulate::attack::sweep::Sweep;
use crate::simulate::attempt::End;
use crate::simulate::draw::{between, seconds};

/// A scanner.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Scan {
    /// From alerting to the end at most, in seconds; 0.01 to 10 (assumption).
    #[serde(default = "cut")]
    pub cut_s: Sweep,
    /// Calling numbers: one when left out.
    #[serde(default = "Numbers::single")]
    pub numbers: Numbers,
    /// Called numbers: sequential, 20–60 % of which nobody has, when left out (assumption; plans are filled to
    /// different degrees).
    #[serde(default = "called")]
    pub called: Called,
}

const fn cut() -> Sweep {
    Sweep::between(0.05, 0.5)
}

const fn called() -> Called {
    Called::sequential(Sweep::between(0.2, 0.6))
}

impl Scan {
    pub(super) fn method(&self, desk: &mut Desk) -> Result<Box<dyn Method>, String> {
        let (world, rng) = (&desk.world, &mut desk.rng);
        Ok(Box::new(Scanner {
            cut: seconds(self.cut_s.within("cut-s", 0.01, 10.0)?.draw(rng)),
            pool: self.numbers.pool(world, rng)?,
            targets: self.called.targets(world, rng)?,
        }))
    }
}

struct Scanner {
    cut: Duration,
    pool: Pool,
    targets: Targets,
}

impl Method for Scanner {
    fn call(&mut self, at: At, desk: &mut Desk) {
        let rng = &mut desk.rng;
        let (called, is_valid) = self.targets.pick(&desk.world, rng);
        let Some((index, calling)) = self.pool.take(at, rng) else { return };
        let after = between(rng, 0.01, self.cut.as_secs_f64());
        let course = match is_valid {
            false => invalid_number(rng),
            true => unreachable(rng)
                .unwrap_or_else(|| (Some(alerting(rng)), End::GivenUp { after, cause: desk.cause })),
        };
        let attempt = desk.attempt(at, (calling, called), desk.truth("scan", "scan")).with(course);
        self.pool.hold(index, attempt.end_at());
        desk.push(attempt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::attack::testing::{attempts, share};

    #[test]
    fn sequential_numbers_many_invalid_none_rings_long() {
        let calls = attempts(
            1.0,
            "family = 'scan'\ntrunk = 'intl-2'\ncalls-per-s = 1\ncalled = { order = 'sequential', invalid-share = 0.4 }",
        );
        let invalid = share(&calls, |call| matches!(call.end, End::Refused { cause: 1 | 27 | 28, .. }));
        assert!((0.35..0.45).contains(&invalid), "{invalid}");
        let number = |text: &str| text.parse::<u64>().unwrap();
        let steps = calls.windows(2).filter(|pair| number(&pair[1].called) == number(&pair[0].called) + 1);
        assert!(steps.count() >= calls.len() - 3);
        assert!(calls.iter().all(|call| match call.end {
            End::GivenUp { after, .. } => after <= Duration::from_millis(500),
            _ => true,
        }));
    }
}
