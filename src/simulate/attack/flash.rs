//! One-time passwords in the last digits of calling numbers.
//!
//! The code is the end of the calling number, so a sender needs many numbers and no conversation. What varies is who
//! ends the call and when, which numbers are used, and how the sender hides.

use std::time::Duration;

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::attack::called::{
    ANSWER_SHARE, Called, Caller, Course, Targets, alerting, invalid_number, unreachable,
};
use crate::simulate::attack::campaign::{Desk, Method};
use crate::simulate::attack::numbers::{Numbers, Pool};
use crate::simulate::attack::sweep::Sweep;
use crate::simulate::attempt::{End, Side};
use crate::simulate::draw::{Rng, below, between, chance, lognormal, normal, seconds, weighted};

/// A sender of codes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Flash {
    /// How its calls end.
    #[serde(default)]
    pub ends: Ends,
    /// From alerting to the end that `ends` names, in seconds; 0 to 60. For `cut-early` from setup. When left out: cut
    /// after 0.2 to 2 s (GMS: flash calls ring less than 2 s), cut early after 0.6 to 2.5 s (assumption), refused or
    /// answered by the handset after 0.5 to 4 s (Sinch's Android SDK hangs up as soon as the number matches).
    pub ring_s: Option<Sweep>,
    /// Spread of that span: sigma of a lognormal; 0 to 2 (assumption).
    #[serde(default = "jitter")]
    pub jitter: Sweep,
    /// Share of handsets with the software that ends calls, for `refused` and `answered-by-handset` (assumption: iOS
    /// lets none do it).
    #[serde(default = "handset_share")]
    pub handset_share: Sweep,
    /// After how long the sender gives up on other handsets, in seconds: 12 to 17 (`dialTimeout` in Sinch's tests).
    #[serde(default = "dial_timeout")]
    pub dial_timeout_s: Sweep,
    /// How long a spoken code takes, in seconds: 3 to 12 (assumption).
    #[serde(default = "speech")]
    pub speech_s: Sweep,
    /// Share of calls that come again within 180 s from another number: the user asks for a new code (assumption).
    #[serde(default = "retry_share")]
    pub retry_share: Sweep,
    /// Share of answered conversations with accomplices that the sender mixes in.
    #[serde(default = "none")]
    pub filler_share: Sweep,
    /// Calling numbers.
    #[serde(default)]
    pub numbers: Numbers,
    /// Called numbers.
    #[serde(default)]
    pub called: Called,
}

/// How calls with a code end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ends {
    /// Software on the handset answers, and drops the call at once.
    AnsweredByHandset,
    /// The sender gives up at alerting or after it.
    #[default]
    Cut,
    /// The sender gives up before alerting or with it.
    CutEarly,
    /// Software on the handset refuses the call.
    Refused,
    /// Somebody answers, and a voice says the code.
    Spoken,
}

const fn jitter() -> Sweep {
    Sweep::between(0.05, 0.3)
}

const fn handset_share() -> Sweep {
    Sweep::between(0.5, 0.9)
}

const fn dial_timeout() -> Sweep {
    Sweep::between(12.0, 17.0)
}

const fn speech() -> Sweep {
    Sweep::between(3.0, 12.0)
}

const fn retry_share() -> Sweep {
    Sweep::between(0.02, 0.12)
}

const fn none() -> Sweep {
    Sweep::fixed(0.0)
}

/// Share of users who pick up a call that will tell them their code: they wait for it (assumption).
const AWAITED_ANSWER_SHARE: f64 = 0.85;
/// Accomplices who take the conversations of a sender (assumption).
const ACCOMPLICES: u64 = 60;

impl Ends {
    const fn usual_ring(self) -> Sweep {
        match self {
            Self::AnsweredByHandset | Self::Refused => Sweep::between(0.5, 4.0),
            Self::Cut => Sweep::between(0.2, 2.0),
            Self::CutEarly => Sweep::between(0.6, 2.5),
            Self::Spoken => Sweep::between(25.0, 40.0),
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::AnsweredByHandset => "flash_answered",
            Self::Cut => "flash_cut",
            Self::CutEarly => "flash_cut_early",
            Self::Refused => "flash_refused",
            Self::Spoken => "flash_spoken",
        }
    }
}

impl Flash {
    pub(super) fn method(&self, desk: &mut Desk) -> Result<Box<dyn Method>, String> {
        let (world, rng) = (&desk.world, &mut desk.rng);
        let ring = self.ring_s.unwrap_or(self.ends.usual_ring());
        Ok(Box::new(Sender {
            ends: self.ends,
            ring: ring.within("ring-s", 0.0, 60.0)?.draw(rng),
            jitter: self.jitter.within("jitter", 0.0, 2.0)?.draw(rng),
            handset_share: self.handset_share.share("handset-share")?.draw(rng),
            dial_timeout: seconds(self.dial_timeout_s.within("dial-timeout-s", 1.0, 120.0)?.draw(rng)),
            speech: self.speech_s.within("speech-s", 0.1, 60.0)?.draw(rng),
            retry_share: self.retry_share.share("retry-share")?.draw(rng),
            filler_share: self.filler_share.share("filler-share")?.draw(rng),
            pool: self.numbers.pool(world, rng)?,
            targets: self.called.targets(world, rng)?,
            accomplices: below(rng, world.subscribers()),
        }))
    }
}

struct Sender {
    ends: Ends,
    ring: f64,
    jitter: f64,
    handset_share: f64,
    dial_timeout: Duration,
    speech: f64,
    retry_share: f64,
    filler_share: f64,
    pool: Pool,
    targets: Targets,
    accomplices: u64,
}

impl Method for Sender {
    fn call(&mut self, at: At, desk: &mut Desk) {
        if chance(&mut desk.rng, self.filler_share) {
            return self.converse(at, desk);
        }
        let (called, is_valid) = self.targets.pick(&desk.world, &mut desk.rng);
        if !is_valid {
            let course = invalid_number(&mut desk.rng);
            return self.send(at, called, course, desk).map_or((), drop);
        }
        let course = self.course(desk.cause, &mut desk.rng);
        let ended_at = self.send(at, called.clone(), course, desk);
        if let Some(ended_at) = ended_at.filter(|_| chance(&mut desk.rng, self.retry_share)) {
            let again_at = ended_at + between(&mut desk.rng, 15.0, 150.0);
            let course = self.course(desk.cause, &mut desk.rng);
            self.send(again_at, called, course, desk);
        }
    }
}

impl Sender {
    /// Makes one call from the next number; when it ends, unless no number is free.
    fn send(&mut self, at: At, called: String, course: Course, desk: &mut Desk) -> Option<At> {
        let (index, calling) = self.pool.take(at, &mut desk.rng)?;
        let truth = desk.truth("flash", self.ends.kind());
        let attempt = desk.attempt(at, (calling, called), truth).with(course);
        let ended_at = attempt.end_at();
        self.pool.hold(index, ended_at);
        desk.push(attempt);
        Some(ended_at)
    }

    fn converse(&mut self, at: At, desk: &mut Desk) {
        let rng = &mut desk.rng;
        let Some((index, calling)) = self.pool.take(at, rng) else { return };
        let accomplice = (self.accomplices + below(rng, ACCOMPLICES)) % desk.world.subscribers();
        let ring = between(rng, 1.5, 9.0);
        let end = End::Answered { ring, talk: lognormal(rng, 45.0, 0.9, 1_800.0), by: Side::Called };
        let course = (Some(alerting(rng)), end);
        let parties = (calling, desk.world.subscriber(accomplice));
        let attempt = desk.attempt(at, parties, desk.truth("flash", "flash_filler")).with(course);
        self.pool.hold(index, attempt.end_at());
        desk.push(attempt);
    }

    fn course(&self, cause: u8, rng: &mut Rng) -> Course {
        let span = seconds(self.ring * (self.jitter * normal(rng)).exp());
        // Whoever answers a call without a word hears it end at once.
        let silent = Caller {
            patience: span,
            cause,
            answer_share: ANSWER_SHARE,
            talk: between(rng, 0.1, 0.6),
            by: Side::Calling,
        };
        match self.ends {
            Ends::Cut => silent.calls(rng),
            Ends::CutEarly => cut_early(span, cause, rng),
            Ends::Spoken => {
                // Read by a machine: the same words take the same time, give or take.
                let talk = seconds(self.speech * (1.0 + 0.06 * normal(rng)));
                Caller { answer_share: AWAITED_ANSWER_SHARE, talk, ..silent }.calls(rng)
            }
            Ends::AnsweredByHandset | Ends::Refused => {
                if !chance(rng, self.handset_share) {
                    return Caller { patience: self.dial_timeout, ..silent }.calls(rng);
                }
                unreachable(rng).unwrap_or_else(|| (Some(alerting(rng)), self.by_handset(span, rng)))
            }
        }
    }

    fn by_handset(&self, span: Duration, rng: &mut Rng) -> End {
        if self.ends == Ends::AnsweredByHandset {
            return End::Answered { ring: span, talk: between(rng, 0.2, 1.5), by: Side::Called };
        }
        // A refusal reaches the caller as 603, 486 or 480, as handset and network have it (weights are assumptions).
        let cause = [21, 17, 19][weighted(rng, [0.45, 0.45, 0.1].into_iter())];
        End::Refused { after: span, cause }
    }
}

/// Given up `span` after setup, or within 0.3 s of alerting when that comes first.
fn cut_early(span: Duration, cause: u8, rng: &mut Rng) -> Course {
    if let Some(lost) = unreachable(rng) {
        return lost;
    }
    let alert_after = alerting(rng);
    match span.checked_sub(alert_after) {
        None => (None, End::GivenUp { after: span, cause }),
        Some(_) => (Some(alert_after), End::GivenUp { after: between(rng, 0.02, 0.3), cause }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::simulate::attack::testing::{attempts, is_answered, refusal, share};
    use crate::simulate::attempt::Attempt;

    fn flash(rest: &str) -> Vec<Attempt> {
        attempts(2.0, &format!("family = 'flash'\ntrunk = 'intl'\ncalls-per-s = 1\ncalls = 2000\n{rest}"))
    }

    fn ring_s(attempt: &Attempt) -> Option<f64> {
        attempt.alert_after?;
        match attempt.end {
            End::GivenUp { after, .. } | End::Refused { after, .. } => Some(after.as_secs_f64()),
            _ => None,
        }
    }

    #[test]
    fn cut_calls_ring_as_long_as_is_said() {
        let calls = flash("ring-s = 1.0\njitter = 0.1");
        let mut rings: Vec<f64> = calls.iter().filter_map(ring_s).collect();
        rings.sort_by(f64::total_cmp);
        let median = rings[rings.len() / 2];
        assert!((0.95..1.05).contains(&median), "{median}");
        assert!(share(&calls, is_answered) < 0.02);
        assert!(calls.iter().all(|call| call.truth.label == "flash" && call.truth.kind == "flash_cut"));
    }

    #[test]
    fn early_cuts_hardly_ring() {
        let calls = flash("ends = 'cut-early'");
        assert!(calls.iter().filter_map(ring_s).all(|ring| ring <= 0.3));
        assert!(share(&calls, |call| call.alert_after.is_none()) > 0.3);
    }

    #[test]
    fn handsets_refuse_with_three_causes() {
        let calls = flash("ends = 'refused'\nhandset-share = 0.8\nring-s = 2");
        let refused = |cause: u8| {
            share(&calls, |call| {
                call.alert_after.is_some()
                    && matches!(call.end, End::Refused { cause: found, .. } if found == cause)
            })
        };
        assert!(refused(21) > 0.25 && refused(17) > 0.25 && refused(19) > 0.03);
        // The others ring until the sender gives up.
        assert!(share(&calls, |call| ring_s(call).is_some_and(|ring| (12.0..17.0).contains(&ring))) > 0.05);
    }

    #[test]
    fn spoken_codes_are_answered_for_a_regular_time() {
        let calls = flash("ends = 'spoken'\nspeech-s = 8");
        assert!(share(&calls, is_answered) > 0.6);
        for call in &calls {
            if let End::Answered { talk, by, .. } = call.end {
                assert!(by == Side::Calling && (5.5..10.5).contains(&talk.as_secs_f64()), "{talk:?}");
            }
        }
    }

    #[test]
    fn handsets_answer_and_drop() {
        let calls = flash("ends = 'answered-by-handset'\nhandset-share = 1");
        assert!(share(&calls, is_answered) > 0.85);
    }

    #[test]
    fn filler_is_a_share_of_the_calls() {
        let calls = flash("filler-share = 0.3\nretry-share = 0");
        let filler = share(&calls, |call| call.truth.kind == "flash_filler");
        assert!((0.26..0.34).contains(&filler), "{filler}");
    }

    #[test]
    fn retries_come_from_a_sibling_within_three_minutes() {
        let calls = flash("retry-share = 0.1\ncalled = { invalid-share = 0 }");
        let mut by_called: BTreeMap<&str, Vec<&Attempt>> = BTreeMap::new();
        calls.iter().for_each(|call| by_called.entry(&call.called).or_default().push(call));
        let retries = by_called.values().flat_map(|calls| calls.windows(2)).filter(|pair| {
            let gap = pair[1].setup_at.since(pair[0].setup_at);
            gap < Duration::from_secs(180) && pair[0].calling != pair[1].calling
        });
        let found = retries.count() as f64 / calls.len() as f64;
        assert!((0.06..0.14).contains(&found), "{found}");
    }

    #[test]
    fn sim_cards_are_used_again() {
        let calls = flash("numbers = { sims = 150, countries = ['PL'] }");
        let used: BTreeSet<&str> = calls.iter().filter_map(|call| call.calling.text()).collect();
        assert!(used.len() <= 150 && used.len() > 140, "{}", used.len());
    }

    #[test]
    fn a_campaign_moves_to_another_trunk() {
        let calls = flash("moves-to = ['intl-2']\nmoves-every-s = 600\nretry-share = 0");
        let moved = calls.iter().position(|call| call.trunk != calls[0].trunk).unwrap();
        assert!((500..700).contains(&moved), "{moved}");
        assert!(calls[moved..].iter().all(|call| call.trunk == calls[moved].trunk));
    }

    #[test]
    fn campaigns_differ_in_numbers_and_rate() {
        let calls = attempts(
            1.0,
            "family = 'flash'\ntrunk = 'intl'\ncampaigns = 8\ncalls-per-s = [0.05, 1]\nafter-s = [0, 600]",
        );
        let mut counts = [0_u32; 9];
        calls.iter().for_each(|call| counts[call.truth.campaign as usize] += 1);
        assert!(counts[0] == 0 && counts[1..].iter().all(|count| *count > 50), "{counts:?}");
        assert!(counts[1..].iter().max() > counts[1..].iter().min().map(|least| least * 2).as_ref());
    }

    #[test]
    fn the_same_seed_gives_the_same_calls() {
        assert_eq!(flash(""), flash(""));
    }

    #[test]
    fn refuses_what_cannot_be() {
        let attack = |rest: &str| refusal(&format!("family = 'flash'\ncalls-per-s = 1\n{rest}"));
        assert_eq!(attack("trunk = 'none'"), "trunk: there is no `none`");
        assert!(attack("trunk = 'intl'\nring-s = -1").starts_with("ring-s"));
        assert!(attack("trunk = 'intl'\nmoves-to = ['intl-2']").starts_with("moves-every-s"));
        assert!(attack("trunk = 'intl'\nring = 1").contains("unknown key `ring`"));
        assert!(attack("").contains("trunk"));
    }
}
