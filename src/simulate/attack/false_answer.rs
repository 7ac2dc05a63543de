//! A carrier that answers calls before the called party does, and charges for the time.

use std::time::Duration;

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::attack::called::{Course, alerting, conversation, unreachable};
use crate::simulate::attack::campaign::{Desk, Method};
use crate::simulate::attack::sweep::Sweep;
use crate::simulate::attempt::{Attempt, End, Side, Truth};
use crate::simulate::draw::{Rng, below, between, chance, lognormal, normal, seconds};

/// A route out whose carrier answers itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct FalseAnswer {
    /// How it answers.
    #[serde(default)]
    pub answers: Answers,
    /// Share of the calls on the route it does that with, 0 to 1 (assumption).
    #[serde(default = "share")]
    pub share: Sweep,
    /// From alerting to the false answer, in seconds; 0 to 30. Constant or near nothing (patent US 9203952).
    #[serde(default = "ring")]
    pub ring_s: Sweep,
    /// Spread of that span: sigma of a lognormal; 0 to 2 (assumption).
    #[serde(default = "jitter")]
    pub jitter: Sweep,
}

/// How a carrier answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answers {
    /// It sends the call on, but charges from before the true answer.
    Early,
    /// It sends the call nowhere, and plays a ringing tone or a voice until the caller gives up.
    #[default]
    Instead,
}

const fn share() -> Sweep {
    Sweep::between(0.1, 0.6)
}

const fn ring() -> Sweep {
    Sweep::between(0.05, 1.0)
}

const fn jitter() -> Sweep {
    Sweep::between(0.0, 0.4)
}

impl FalseAnswer {
    pub(super) fn method(&self, desk: &mut Desk) -> Result<Box<dyn Method>, String> {
        let rng = &mut desk.rng;
        Ok(Box::new(Carrier {
            answers: self.answers,
            share: self.share.share("share")?.draw(rng),
            ring: self.ring_s.within("ring-s", 0.0, 30.0)?.draw(rng),
            jitter: self.jitter.within("jitter", 0.0, 2.0)?.draw(rng),
        }))
    }
}

struct Carrier {
    answers: Answers,
    share: f64,
    ring: f64,
    jitter: f64,
}

impl Method for Carrier {
    fn call(&mut self, at: At, desk: &mut Desk) {
        let trunk = desk.trunk_at(at);
        let rng = &mut desk.rng;
        let caller = desk.world.subscriber(below(rng, desk.world.subscribers()));
        let called = desk.world.other_end(trunk, rng);
        let is_false = chance(rng, self.share);
        let course = match (is_false, self.answers) {
            (false, _) => conversation(rng),
            (true, Answers::Early) => self.early(rng),
            (true, Answers::Instead) => self.instead(rng),
        };
        let is_answered = matches!(course.1, End::Answered { .. });
        let truth = match self.answers {
            Answers::Early => desk.truth("false_answer", "answered_early"),
            Answers::Instead => desk.truth("false_answer", "answered_instead"),
        };
        let truth = if is_false && is_answered { truth } else { Truth::normal("same_carrier") };
        // The callers are the operator's own subscribers: nothing in what they send is the attacker's.
        desk.push(Attempt::new(at, trunk, (caller, called), truth).outbound().with(course));
    }
}

impl Carrier {
    fn ring(&self, rng: &mut Rng) -> Duration {
        seconds(self.ring * (self.jitter * normal(rng)).exp())
    }

    /// Whoever hears nobody hangs up; completed calls of up to 15 s are its mark (patent US 9203952).
    fn instead(&self, rng: &mut Rng) -> Course {
        let talk = lognormal(rng, 8.0, 0.5, 60.0);
        let by = if chance(rng, 0.9) { Side::Calling } else { Side::Called };
        (Some(alerting(rng)), End::Answered { ring: self.ring(rng), talk, by })
    }

    fn early(&self, rng: &mut Rng) -> Course {
        if let Some(lost) = unreachable(rng) {
            return lost;
        }
        let ring = self.ring(rng);
        // What would have happened: an answer after a longer ring, or none, which now counts as a talk as well.
        let (by, true_span) = match conversation(rng).1 {
            End::Answered { ring, talk, by } => (by, ring + talk),
            End::GivenUp { after, .. } | End::Refused { after, .. } => (Side::Calling, after),
            _ => (Side::Calling, Duration::ZERO),
        };
        let talk = true_span.saturating_sub(ring).max(Duration::from_millis(500)) + between(rng, 0.0, 0.3);
        (Some(alerting(rng)), End::Answered { ring, talk, by })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::attack::testing::{attempts, is_answered, share};

    fn run(rest: &str) -> Vec<Attempt> {
        let attack = "family = 'false-answer'\ntrunk = 'intl-2'\ncalls-per-s = 0.5\n";
        attempts(2.0, &format!("{attack}{rest}"))
    }

    #[test]
    fn false_answers_come_at_once_and_are_short() {
        let calls = run("share = 0.4\nring-s = 0.3");
        let (wrong, right): (Vec<Attempt>, Vec<Attempt>) =
            calls.into_iter().partition(|call| call.truth.label == "false_answer");
        let found = wrong.len() as f64 / (wrong.len() + right.len()) as f64;
        assert!((0.36..0.44).contains(&found), "{found}");
        assert!(wrong.iter().all(|call| {
            matches!(call.end, End::Answered { ring, .. } if ring < Duration::from_millis(1_500))
                && call.is_outbound
        }));
        let short =
            share(&wrong, |call| matches!(call.end, End::Answered { talk, .. } if talk.as_secs() <= 15));
        assert!(short > 0.8, "{short}");
        assert!((0.5..0.75).contains(&share(&right, is_answered)));
    }

    #[test]
    fn early_answers_hide_calls_nobody_took() {
        let calls = run("answers = 'early'\nshare = 1\nring-s = 2");
        assert!(share(&calls, is_answered) > 0.85);
    }
}
