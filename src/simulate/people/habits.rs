//! What people do with a ringing phone, and what networks do for them.
//!
//! Cited: TransNexus and Hiya (calls a day, relations, answer shares, durations), tawkon (time to answer), kolmisoft
//! (durations). What nobody published is an assumption, said so beside its default; sweep it.

use std::time::Duration;

use serde::Deserialize;

use crate::simulate::attempt::{End, Side};
use crate::simulate::draw::{Rng, between, chance, gamma, lognormal, seconds, weighted};
use crate::simulate::people::check;

/// Time to alerting, and end.
pub(super) type Course = (Option<Duration>, End);

/// What two parties are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// A business that the other one knows.
    Business,
    /// People who call each other.
    Contact,
    /// A number the other one has never seen.
    Stranger,
}

/// `[population.habits]`: figures of people's calls. Shares are 0 to 1.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Habits {
    /// Share of calls with strangers. Hiya 2019: 61 of 215 calls a month.
    pub strangers: f64,
    /// Share of those that are with businesses. Assumption.
    pub businesses: f64,
    /// Share of calls with people abroad. Assumption.
    pub abroad: f64,
    /// How many contacts a person has. Assumption.
    pub contacts: u64,
    /// Share of answered calls from contacts. Hiya 2019.
    pub answered_contact: f64,
    /// From known businesses. Hiya 2019.
    pub answered_business: f64,
    /// From unknown numbers. Hiya 2019.
    pub answered_stranger: f64,
    /// Mean time from alerting to answer, in seconds: 8.67 worldwide, 0.75 to 1.30 of that by country. tawkon.
    pub answer_mean_s: f64,
    /// Shape of its gamma distribution: 2.2 gives a median of 7 s and a 95th percentile of 20 s. Assumption.
    pub answer_shape: f64,
    /// Median time after which a caller gives up, in seconds, lognormal. Assumption; the weakest figure of all.
    pub patience_median_s: f64,
    /// Its sigma. Assumption.
    pub patience_sigma: f64,
    /// Share of unanswered calls that were dialled by mistake and cut within 4 s. With the short end of the patience
    /// 5 to 8 % of unanswered calls ring for less than 4 s. Assumption.
    pub misdials: f64,
    /// Median time from setup to alerting, in seconds. Assumption.
    pub alert_median_s: f64,
    /// Mean duration between contacts, in seconds, lognormal: 100 to 180. SIU 2013, kolmisoft.
    pub talk_mean_s: f64,
    /// Its sigma. Assumption.
    pub talk_sigma: f64,
    /// Mean duration with unknown numbers, in seconds. Hiya 2019.
    pub talk_stranger_mean_s: f64,
    /// Share of subscribers with voicemail. Assumption. Networks divert after 20 to 30 s (ucall).
    pub voicemail: f64,
    /// Share of calls to a busy phone. Assumption.
    pub busy: f64,
    /// Share of calls to a phone that is off. Assumption.
    pub unreachable: f64,
    /// Share of calls refused by hand. Assumption.
    pub refused: f64,
    /// Share of strangers' calls to numbers nobody has. Assumption, below 2 %.
    pub unallocated: f64,
    /// Share of calls that the network fails, most of it in bursts: 1 to 5 %. Assumption.
    pub network_failures: f64,
    /// Share of unanswered calls that are tried again. Assumption.
    pub redials: f64,
    /// Median time until then, in seconds, lognormal. Assumption.
    pub redial_after_s: f64,
    /// Share of missed calls from contacts that are called back. Assumption.
    pub called_back: f64,
    /// The same from strangers. Assumption.
    pub called_back_stranger: f64,
    /// Median time until a call back, in seconds, lognormal. Assumption.
    pub called_back_after_s: f64,
    /// Share of people outside the operator with a mobile number. Assumption.
    pub mobiles: f64,
    /// Share of answered calls whose media change in the middle, by hold or codec. Assumption.
    pub reinvited: f64,
    /// Share of calls from abroad whose number a carrier loses. Assumption.
    pub unavailable: f64,
    /// Share of callers who hide their number. Assumption.
    pub withheld: f64,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            strangers: 0.28,
            businesses: 0.3,
            abroad: 0.25,
            contacts: 30,
            answered_contact: 0.70,
            answered_business: 0.53,
            answered_stranger: 0.24,
            answer_mean_s: 8.67,
            answer_shape: 2.2,
            patience_median_s: 15.0,
            patience_sigma: 0.6,
            misdials: 0.05,
            alert_median_s: 2.5,
            talk_mean_s: 140.0,
            talk_sigma: 1.1,
            talk_stranger_mean_s: 35.0,
            voicemail: 0.3,
            busy: 0.06,
            unreachable: 0.06,
            refused: 0.04,
            unallocated: 0.01,
            network_failures: 0.02,
            redials: 0.3,
            redial_after_s: 45.0,
            called_back: 0.4,
            called_back_stranger: 0.1,
            called_back_after_s: 900.0,
            mobiles: 0.85,
            reinvited: 0.02,
            unavailable: 0.005,
            withheld: 0.015,
        }
    }
}

impl Habits {
    /// # Errors
    /// A figure out of its range.
    pub(super) fn check(&self) -> Result<(), String> {
        for (name, share) in [
            ("strangers", self.strangers),
            ("businesses", self.businesses),
            ("abroad", self.abroad),
            ("answered-contact", self.answered_contact),
            ("answered-business", self.answered_business),
            ("answered-stranger", self.answered_stranger),
            ("misdials", self.misdials),
            ("voicemail", self.voicemail),
            ("busy", self.busy),
            ("unreachable", self.unreachable),
            ("refused", self.refused),
            ("unallocated", self.unallocated),
            ("network-failures", self.network_failures),
            ("redials", self.redials),
            ("called-back", self.called_back),
            ("called-back-stranger", self.called_back_stranger),
            ("mobiles", self.mobiles),
            ("reinvited", self.reinvited),
            ("unavailable", self.unavailable),
            ("withheld", self.withheld),
        ] {
            check::share(name, share)?;
        }
        for (name, figure) in [
            ("contacts", self.contacts as f64),
            ("answer-mean-s", self.answer_mean_s),
            ("answer-shape", self.answer_shape),
            ("patience-median-s", self.patience_median_s),
            ("patience-sigma", self.patience_sigma),
            ("alert-median-s", self.alert_median_s),
            ("talk-mean-s", self.talk_mean_s),
            ("talk-sigma", self.talk_sigma),
            ("talk-stranger-mean-s", self.talk_stranger_mean_s),
        ] {
            check::positive(name, figure, 1_000.0)?;
        }
        check::positive("redial-after-s", self.redial_after_s, 3_600.0)?;
        check::positive("called-back-after-s", self.called_back_after_s, 6.0 * 3_600.0)?;
        Ok(())
    }

    /// What becomes of a call that the network carries.
    pub(super) fn course(&self, rng: &mut Rng, relation: Relation) -> Course {
        let answered = match relation {
            Relation::Business => self.answered_business,
            Relation::Contact => self.answered_contact,
            Relation::Stranger => self.answered_stranger,
        };
        let unallocated = if relation == Relation::Stranger { self.unallocated } else { 0.0 };
        let before_ringing = [self.busy, self.unreachable, self.refused, unallocated];
        let rung_out = (1.0 - answered - before_ringing.iter().sum::<f64>()).max(0.0);
        let [busy, unreachable, refused, unallocated] = before_ringing;
        let shares = [answered, busy, unreachable, refused, unallocated, rung_out];
        match weighted(rng, shares.into_iter()) {
            0 => self.answered(rng, relation),
            1 => (None, End::Refused { after: self.alerting(rng), cause: 17 }),
            2 => self.unreachable(rng),
            3 => self.refused(rng),
            4 => (None, End::Refused { after: between(rng, 0.2, 2.0), cause: 1 }),
            _ => self.rung_out(rng),
        }
    }

    /// Answered by a human.
    pub(super) fn answered(&self, rng: &mut Rng, relation: Relation) -> Course {
        let by = if chance(rng, 0.5) { Side::Calling } else { Side::Called };
        let (ring, talk) = (self.answer(rng), self.talk(rng, relation));
        (Some(self.alerting(rng)), End::Answered { ring, talk, by })
    }

    /// From alerting to answer.
    pub(super) fn answer(&self, rng: &mut Rng) -> Duration {
        gamma(rng, self.answer_mean_s, self.answer_shape, 58.0).max(Duration::from_millis(300))
    }

    /// From answer to end.
    pub(super) fn talk(&self, rng: &mut Rng, relation: Relation) -> Duration {
        let mean = match relation {
            Relation::Business | Relation::Contact => self.talk_mean_s,
            Relation::Stranger => self.talk_stranger_mean_s,
        };
        lognormal_of_mean(rng, mean, self.talk_sigma, 7_200.0)
    }

    /// From setup to alerting.
    pub(super) fn alerting(&self, rng: &mut Rng) -> Duration {
        Duration::from_millis(300) + lognormal(rng, self.alert_median_s, 0.4, 12.0)
    }

    /// Alerting, and nobody comes: until the caller gives up, voicemail answers, or the network has had enough.
    pub(super) fn rung_out(&self, rng: &mut Rng) -> Course {
        /// Networks end alerting after a minute or so.
        const NO_ANSWER_S: f64 = 60.0;
        let alert_after = Some(self.alerting(rng));
        let patience = self.patience(rng);
        let diverted_after = between(rng, 20.0, 30.0);
        if patience > diverted_after && chance(rng, self.voicemail) {
            return (alert_after, self.greeted(rng, diverted_after));
        }
        if patience.as_secs_f64() >= NO_ANSWER_S {
            return (alert_after, End::Refused { after: seconds(NO_ANSWER_S), cause: 19 });
        }
        (alert_after, End::GivenUp { after: patience, cause: 16 })
    }

    /// How long a caller lets it ring.
    pub(super) fn patience(&self, rng: &mut Rng) -> Duration {
        if chance(rng, self.misdials) {
            return between(rng, 0.3, 4.0);
        }
        lognormal(rng, self.patience_median_s, self.patience_sigma, 90.0)
    }

    /// A voicemail box answers. Many callers hang up on the greeting.
    fn greeted(&self, rng: &mut Rng, ring: Duration) -> End {
        let talk = if chance(rng, 0.6) { between(rng, 1.0, 8.0) } else { lognormal(rng, 25.0, 0.6, 180.0) };
        End::Answered { ring, talk, by: Side::Calling }
    }

    /// Off or out of reach: voicemail at once, an announcement, or a bare refusal.
    fn unreachable(&self, rng: &mut Rng) -> Course {
        let searched = between(rng, 2.0, 6.0);
        if chance(rng, self.voicemail) {
            return (None, self.greeted(rng, searched));
        }
        if chance(rng, 0.5) {
            let (after, by) = (lognormal(rng, 6.0, 0.4, 30.0), Side::Calling);
            return (Some(searched), End::EarlyMedia { after, by, cause: 16 });
        }
        let cause = if chance(rng, 0.7) { 20 } else { 18 };
        (None, End::Refused { after: searched, cause })
    }

    /// Refused by hand, which takes a look at the display.
    fn refused(&self, rng: &mut Rng) -> Course {
        let cause = if chance(rng, 0.5) { 21 } else { 17 };
        (Some(self.alerting(rng)), End::Refused { after: lognormal(rng, 5.0, 0.5, 30.0), cause })
    }
}

/// Lognormal with this mean and sigma; at most `most` seconds.
pub(super) fn lognormal_of_mean(rng: &mut Rng, mean: f64, sigma: f64, most: f64) -> Duration {
    lognormal(rng, mean * (-sigma * sigma / 2.0).exp(), sigma, most)
}

/// The network has no way through: no circuit, out of order, temporary failure, congestion.
pub(super) fn network_failure(rng: &mut Rng) -> Course {
    let cause = [34, 38, 41, 42][weighted(rng, [4.0, 2.0, 3.0, 2.0].into_iter())];
    (None, End::Refused { after: between(rng, 0.05, 4.0), cause })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::people::testing::{median, percentile, share, world_of};

    const DRAWS: usize = 20_000;

    fn courses(relation: Relation) -> Vec<Course> {
        let mut rng = world_of("").rng("habits");
        (0..DRAWS).map(|_| Habits::default().course(&mut rng, relation)).collect()
    }

    fn by_people(course: &Course) -> bool {
        matches!(course, (Some(_), End::Answered { ring, .. }) if ring.as_secs_f64() < 20.0)
    }

    #[test]
    fn answers_as_often_as_hiya_counted() {
        for (relation, expected) in
            [(Relation::Contact, 0.70), (Relation::Business, 0.53), (Relation::Stranger, 0.24)]
        {
            let found = share(&courses(relation), by_people);
            assert!((found - expected).abs() < 0.05, "{relation:?} {found}");
        }
    }

    #[test]
    fn answers_as_fast_as_tawkon_measured() {
        let rings: Vec<f64> = courses(Relation::Contact)
            .iter()
            .filter_map(|course| match course {
                (Some(_), End::Answered { ring, .. }) => Some(ring.as_secs_f64()),
                _ => None,
            })
            .collect();
        let mean = rings.iter().sum::<f64>() / rings.len() as f64;
        assert!((mean - 8.67).abs() < 0.5, "{mean}");
        assert!((6.5..8.0).contains(&median(&rings)), "{}", median(&rings));
        assert!((17.0..23.0).contains(&percentile(&rings, 0.95)), "{}", percentile(&rings, 0.95));
    }

    #[test]
    fn callers_give_up_around_fifteen_seconds_with_few_misdials() {
        let given_up: Vec<f64> = courses(Relation::Stranger)
            .iter()
            .filter_map(|course| match course {
                (_, End::GivenUp { after, .. }) => Some(after.as_secs_f64()),
                _ => None,
            })
            .collect();
        assert!((13.0..16.0).contains(&median(&given_up)), "{}", median(&given_up));
        let short = share(&given_up, |after| *after < 4.0);
        assert!((0.05..0.08).contains(&short), "{short}");
    }

    #[test]
    fn people_talk_for_two_to_three_minutes() {
        let mut rng = world_of("").rng("talk");
        let mut mean = |relation| {
            let total: f64 =
                (0..DRAWS).map(|_| Habits::default().talk(&mut rng, relation).as_secs_f64()).sum();
            total / DRAWS as f64
        };
        assert!((100.0..180.0).contains(&mean(Relation::Contact)));
        assert!((30.0..40.0).contains(&mean(Relation::Stranger)));
    }
}
