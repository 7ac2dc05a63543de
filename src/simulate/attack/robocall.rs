//! A voice from a machine: many calls, few answers, short talks. Also messages left in voicemail without a ring.

use std::time::Duration;

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::attack::called::{
    Called, Caller, Course, Targets, alerting, invalid_number, unreachable,
};
use crate::simulate::attack::campaign::{Desk, Method};
use crate::simulate::attack::numbers::{Numbers, Pool};
use crate::simulate::attack::sweep::Sweep;
use crate::simulate::attempt::{End, Side};
use crate::simulate::draw::{Rng, between, chance, lognormal, seconds};

/// A dialler with a recorded voice.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Robocall {
    /// Share of people who answer when it rings long enough, 0 to 1 (assumption: fewer than the 24 % of
    /// unknown callers in Hiya 2019, or not many more).
    #[serde(default = "answer_share")]
    pub answer_share: Sweep,
    /// Median length of a talk in seconds, 1 to 600: spam lasts 11 s, callers nobody identified 35 s (Hiya 2019).
    #[serde(default = "talk")]
    pub talk_s: Sweep,
    /// Seconds until it gives up, 5 to 120; before voicemail takes the call, which is at 20 to 30 s.
    #[serde(default = "ring_out")]
    pub ring_out_s: Sweep,
    /// Calling numbers: one when left out.
    #[serde(default = "Numbers::single")]
    pub numbers: Numbers,
    /// Called numbers.
    #[serde(default)]
    pub called: Called,
}

const fn answer_share() -> Sweep {
    Sweep::between(0.05, 0.3)
}

const fn talk() -> Sweep {
    Sweep::between(8.0, 35.0)
}

const fn ring_out() -> Sweep {
    Sweep::between(15.0, 30.0)
}

impl Robocall {
    pub(super) fn method(&self, desk: &mut Desk) -> Result<Box<dyn Method>, String> {
        let (world, rng) = (&desk.world, &mut desk.rng);
        Ok(Box::new(Dialler {
            answer_share: self.answer_share.share("answer-share")?.draw(rng),
            talk: self.talk_s.within("talk-s", 1.0, 600.0)?.draw(rng),
            ring_out: seconds(self.ring_out_s.within("ring-out-s", 5.0, 120.0)?.draw(rng)),
            pool: self.numbers.pool(world, rng)?,
            targets: self.called.targets(world, rng)?,
        }))
    }
}

struct Dialler {
    answer_share: f64,
    talk: f64,
    ring_out: Duration,
    pool: Pool,
    targets: Targets,
}

impl Method for Dialler {
    fn call(&mut self, at: At, desk: &mut Desk) {
        let rng = &mut desk.rng;
        let (called, is_valid) = self.targets.pick(&desk.world, rng);
        let Some((index, calling)) = self.pool.take(at, rng) else { return };
        // Whoever is bored hangs up; the machine does when its text is over.
        let talk = lognormal(rng, self.talk, 0.8, 300.0);
        let by = if chance(rng, 0.8) { Side::Called } else { Side::Calling };
        let answer_share = self.answer_share;
        let caller = Caller { patience: self.ring_out, cause: desk.cause, answer_share, talk, by };
        let course = if is_valid { caller.calls(rng) } else { invalid_number(rng) };
        let truth = desk.truth("robocall", "robocall");
        let attempt = desk.attempt(at, (calling, called), truth).with(course);
        self.pool.hold(index, attempt.end_at());
        desk.push(attempt);
    }
}

/// A message left in voicemail without a ring: the first call keeps the line busy, the second meets voicemail (as
/// in patent US 11303754).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ringless {
    /// From setup of the first call to that of the second, in seconds; 0.2 to 10 (assumption).
    #[serde(default = "lead")]
    pub lead_s: Sweep,
    /// Median length of the message in seconds, 1 to 300 (assumption).
    #[serde(default = "message")]
    pub message_s: Sweep,
    /// Share of handsets with voicemail, 0 to 1 (assumption).
    #[serde(default = "voicemail_share")]
    pub voicemail_share: Sweep,
    /// Calling numbers: one when left out.
    #[serde(default = "Numbers::single")]
    pub numbers: Numbers,
    /// Called numbers.
    #[serde(default)]
    pub called: Called,
}

const fn lead() -> Sweep {
    Sweep::between(0.5, 2.5)
}

const fn message() -> Sweep {
    Sweep::between(12.0, 35.0)
}

const fn voicemail_share() -> Sweep {
    Sweep::between(0.4, 0.9)
}

impl Ringless {
    pub(super) fn method(&self, desk: &mut Desk) -> Result<Box<dyn Method>, String> {
        let (world, rng) = (&desk.world, &mut desk.rng);
        Ok(Box::new(Dropper {
            lead: seconds(self.lead_s.within("lead-s", 0.2, 10.0)?.draw(rng)),
            message: self.message_s.within("message-s", 1.0, 300.0)?.draw(rng),
            voicemail_share: self.voicemail_share.share("voicemail-share")?.draw(rng),
            pool: self.numbers.pool(world, rng)?,
            targets: self.called.targets(world, rng)?,
        }))
    }
}

struct Dropper {
    lead: Duration,
    message: f64,
    voicemail_share: f64,
    pool: Pool,
    targets: Targets,
}

impl Method for Dropper {
    fn call(&mut self, at: At, desk: &mut Desk) {
        let rng = &mut desk.rng;
        let (called, is_valid) = self.targets.pick(&desk.world, rng);
        let Some((index, calling)) = self.pool.take(at, rng) else { return };
        let (first, second) = if is_valid { self.pair(desk.cause, rng) } else { (invalid_number(rng), None) };
        let truth = desk.truth("robocall", "ringless_voicemail");
        let attempt = desk.attempt(at, (calling.clone(), called.clone()), truth).with(first);
        self.pool.hold(index, attempt.end_at());
        desk.push(attempt);
        if let Some(course) = second {
            let attempt = desk.attempt(at + self.lead, (calling, called), truth).with(course);
            self.pool.hold(index, attempt.end_at());
            desk.push(attempt);
        }
    }
}

impl Dropper {
    /// The call that keeps the line, and the one that meets voicemail.
    fn pair(&self, cause: u8, rng: &mut Rng) -> (Course, Option<Course>) {
        if let Some(lost) = unreachable(rng) {
            return (lost, None);
        }
        // The first is given up as soon as the second is under way, mostly before the handset rings.
        let (alert_after, held) = (alerting(rng), self.lead + between(rng, 0.1, 0.8));
        let first = match held.checked_sub(alert_after) {
            Some(after) => (Some(alert_after), End::GivenUp { after, cause }),
            None => (None, End::GivenUp { after: held, cause }),
        };
        if !chance(rng, self.voicemail_share) {
            return (first, Some((None, End::Refused { after: between(rng, 0.4, 1.5), cause: 17 })));
        }
        let talk = lognormal(rng, self.message, 0.15, 300.0);
        let end = End::Answered { ring: between(rng, 0.05, 0.8), talk, by: Side::Calling };
        (first, Some((Some(between(rng, 0.4, 1.8)), end)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::simulate::attack::testing::{attempts, is_answered, share};
    use crate::simulate::attempt::Attempt;

    fn run(family: &str, rest: &str) -> Vec<Attempt> {
        attempts(3.0, &format!("family = '{family}'\ntrunk = 'nat'\ncalls-per-s = 1\ncalls = 2000\n{rest}"))
    }

    #[test]
    fn a_share_answers_and_talks_briefly() {
        let calls = run("robocall", "answer-share = 0.2\ntalk-s = 11\nring-out-s = 30");
        let answered = share(&calls, is_answered);
        assert!((0.14..0.22).contains(&answered), "{answered}");
        let mut talks: Vec<u64> = calls
            .iter()
            .filter_map(|call| match call.end {
                End::Answered { talk, .. } => Some(talk.as_millis() as u64),
                _ => None,
            })
            .collect();
        talks.sort_unstable();
        assert!((9_000..13_000).contains(&talks[talks.len() / 2]));
        assert_eq!(calls.iter().filter_map(|call| call.calling.text()).collect::<BTreeSet<_>>().len(), 1);
    }

    #[test]
    fn rotating_numbers_are_many() {
        let calls = run("robocall", "numbers = { used = 300, countries = ['PL'], line = 'fixed' }");
        let numbers: BTreeSet<&str> = calls.iter().filter_map(|call| call.calling.text()).collect();
        assert!(numbers.len() > 250, "{}", numbers.len());
    }

    #[test]
    fn ringless_calls_come_in_pairs() {
        let calls = run("ringless", "lead-s = 1\nvoicemail-share = 0.8\ncalled = { invalid-share = 0 }");
        let mut by_called: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
        calls.iter().for_each(|call| by_called.entry(&call.called).or_default().push(call));
        let pairs = by_called.values().filter(|calls| {
            calls.len() >= 2
                && calls[0].calling == calls[1].calling
                && calls[1].setup_at.since(calls[0].setup_at) == Duration::from_secs(1)
        });
        assert!(pairs.count() > by_called.len() * 8 / 10);
        let left = share(&calls, is_answered);
        assert!((0.33..0.45).contains(&left), "{left}");
    }
}
