//! Calls out to numbers that cost much and pay whoever holds them.

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::attack::called::{Course, alerting};
use crate::simulate::attack::campaign::{Desk, Method};
use crate::simulate::attack::numbers::{Numbers, Pool};
use crate::simulate::attack::sweep::Sweep;
use crate::simulate::attempt::{Attempt, Calling, End, Side};
use crate::simulate::draw::{Rng, below, between, chance, lognormal};
use crate::simulate::world::World;

/// Somebody who makes others call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Irsf {
    /// Whose lines make the calls.
    pub through: Through,
    /// How many lines, 1 to 100,000; as [`Through`] says when left out.
    pub lines: Option<Sweep>,
    /// Median length of a call in seconds, 1 to 86,400; as [`Through`] says when left out (assumption).
    pub talk_s: Option<Sweep>,
    /// Spread of that length: sigma of a lognormal; 0 to 2 (assumption). Machines that hold a call are regular.
    #[serde(default = "spread")]
    pub spread: Sweep,
    /// Share of calls that are answered, 0 to 1 (assumption).
    #[serde(default = "answer_share")]
    pub answer_share: Sweep,
    /// Called numbers; a few blocks in countries where calls cost much when left out.
    #[serde(default = "numbers")]
    pub numbers: Numbers,
}

/// Whose lines make the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Through {
    /// Subscribers whose calls somebody forwarded abroad.
    Forwarding,
    /// A business that calls back whoever filled in a form ("Wangiri 2.0"): one line, short calls, never the same number.
    Forms,
    /// A hacked exchange of a business: a few lines, many long calls at a time.
    Pbx,
    /// Subscriptions bought for it: many lines that keep calling one range for a regular time (traffic pumping).
    Subscriptions,
}

const fn spread() -> Sweep {
    Sweep::between(0.1, 0.8)
}

const fn answer_share() -> Sweep {
    Sweep::between(0.7, 0.98)
}

fn numbers() -> Numbers {
    Numbers::high_cost(Sweep::between(1.0, 6.0))
}

impl Through {
    const fn kind(self) -> &'static str {
        match self {
            Self::Forwarding => "forward_hijack",
            Self::Forms => "wangiri_forms",
            Self::Pbx => "pbx_hacked",
            Self::Subscriptions => "traffic_pumping",
        }
    }

    const fn usual_lines(self) -> Sweep {
        match self {
            Self::Forms => Sweep::fixed(1.0),
            Self::Forwarding | Self::Pbx => Sweep::between(1.0, 8.0),
            Self::Subscriptions => Sweep::between(20.0, 300.0),
        }
    }

    const fn usual_talk(self) -> Sweep {
        match self {
            Self::Forms => Sweep::between(20.0, 90.0),
            Self::Forwarding | Self::Pbx => Sweep::between(180.0, 1_800.0),
            Self::Subscriptions => Sweep::between(120.0, 900.0),
        }
    }
}

impl Irsf {
    pub(super) fn method(&self, desk: &mut Desk) -> Result<Box<dyn Method>, String> {
        let (world, rng) = (&desk.world, &mut desk.rng);
        let lines = self.lines.unwrap_or(self.through.usual_lines());
        let lines = lines.within("lines", 1.0, 100_000.0)?.count(rng);
        let first = below(rng, 10_000_000);
        let line = |nth: u64| self.line(first.wrapping_add(nth), world);
        let talk = self.talk_s.unwrap_or(self.through.usual_talk());
        Ok(Box::new(Payer {
            through: self.through,
            lines: (0..lines).map(line).collect(),
            free_at: vec![At::default(); lines as usize],
            talk: talk.within("talk-s", 1.0, 86_400.0)?.draw_log(rng),
            spread: self.spread.within("spread", 0.0, 2.0)?.draw(rng),
            answer_share: self.answer_share.share("answer-share")?.draw(rng),
            pool: self.numbers.pool(world, rng)?,
        }))
    }

    fn line(&self, index: u64, world: &World) -> String {
        match self.through {
            // Extensions follow each other in the block of a business.
            Through::Forms | Through::Pbx => world.own_fixed(index),
            Through::Forwarding | Through::Subscriptions => world.subscriber(index % world.subscribers()),
        }
    }
}

struct Payer {
    through: Through,
    lines: Vec<String>,
    free_at: Vec<At>,
    talk: f64,
    spread: f64,
    answer_share: f64,
    pool: Pool,
}

impl Method for Payer {
    fn call(&mut self, at: At, desk: &mut Desk) {
        let rng = &mut desk.rng;
        let nth = below(rng, self.lines.len() as u64) as usize;
        // A subscription holds one call at a time; a trunk of a business, and forwarding, hold many.
        if self.through == Through::Subscriptions && self.free_at[nth] > at {
            return;
        }
        let Some((_, called)) = self.pool.take(at, rng) else { return };
        let line = self.lines[nth].clone();
        let (calling, diverting) = match self.through {
            Through::Forwarding => (desk.world.foreign_mobile(rng), Some(line)),
            _ => (line, None),
        };
        let course = self.course(rng);
        let truth = desk.truth("irsf", self.through.kind());
        let attempt = desk.attempt(at, (String::new(), called), truth).with(course);
        self.free_at[nth] = attempt.end_at();
        desk.push(Attempt { calling: Calling::Shown(calling), diverting, ..attempt });
    }
}

impl Payer {
    fn course(&self, rng: &mut Rng) -> Course {
        if !chance(rng, self.answer_share) {
            let cause = if chance(rng, 0.6) { 1 } else { 34 };
            return (None, End::Refused { after: between(rng, 0.8, 4.0), cause });
        }
        let talk = lognormal(rng, self.talk, self.spread, 86_400.0);
        let by = if self.through == Through::Forms { Side::Calling } else { Side::Called };
        (Some(alerting(rng)), End::Answered { ring: between(rng, 0.3, 5.0), talk, by })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::simulate::attack::testing::{attempts, is_answered, refusal, share};

    fn irsf(through: &str, rest: &str) -> Vec<Attempt> {
        let attack = "family = 'irsf'\ntrunk = 'intl'\ncalls-per-s = 0.1\n";
        attempts(14.0, &format!("{attack}through = '{through}'\n{rest}"))
    }

    fn callers(calls: &[Attempt]) -> usize {
        calls.iter().filter_map(|call| call.calling.text()).collect::<BTreeSet<_>>().len()
    }

    #[test]
    fn a_hacked_exchange_holds_many_long_calls_when_nobody_watches() {
        let calls = irsf("pbx", "hours = 'unwatched'\nlines = 2\ntalk-s = 600");
        assert!(calls.iter().all(|call| call.is_outbound && call.truth.kind == "pbx_hacked"));
        assert!(callers(&calls) <= 2);
        let middle = calls[calls.len() / 2].setup_at;
        let at_once = calls.iter().filter(|call| call.setup_at <= middle && call.end_at() > middle).count();
        assert!(at_once > 20, "{at_once}");
        // It begins at 18, ten hours after the scenario.
        assert!(
            calls[0].setup_at
                >= crate::simulate::attack::testing::world(1.0).start()
                    + std::time::Duration::from_secs(36_000)
        );
    }

    #[test]
    fn forwarded_calls_name_who_forwards() {
        let calls = irsf("forwarding", "lines = 3");
        assert_eq!(
            calls.iter().filter_map(|call| call.diverting.as_deref()).collect::<BTreeSet<_>>().len(),
            3
        );
        assert!(callers(&calls) > 100);
    }

    #[test]
    fn forms_make_one_business_call_many_numbers() {
        let calls = irsf("forms", "");
        assert_eq!(callers(&calls), 1);
        let called: BTreeSet<&str> = calls.iter().map(|call| call.called.as_str()).collect();
        assert!(called.len() > calls.len() / 3);
        assert!(share(&calls, is_answered) > 0.65);
    }

    #[test]
    fn subscriptions_call_one_range_one_call_at_a_time() {
        let calls = irsf("subscriptions", "lines = 40\nnumbers = { countries = ['LV'], size = 1000 }");
        let ranges: BTreeSet<&str> = calls.iter().map(|call| &call.called[..8]).collect();
        assert_eq!((ranges.len(), callers(&calls)), (1, 40));
    }

    #[test]
    fn needs_a_trunk_out() {
        assert!(
            refusal("family = 'irsf'\ntrunk = 'none'\ncalls-per-s = 1\nthrough = 'pbx'")
                .contains("there is no `none`")
        );
    }
}
