//! Calling numbers that are not the caller's.

use std::sync::Arc;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::attack::called::{Called, Caller, Targets, alerting, invalid_number, time_to_act};
use crate::simulate::attack::campaign::{Desk, Method};
use crate::simulate::attack::ranges::{Odd, odd_in};
use crate::simulate::attack::sweep::Sweep;
use crate::simulate::attempt::{Attempt, Calling, End, Side, TrunkId, Truth};
use crate::simulate::countries::Block;
use crate::simulate::draw::{Rng, below, between, chance, choose, lognormal};
use crate::simulate::world::World;

/// Callers who claim a number.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Spoofed {
    /// What they claim.
    pub claims: Claim,
    /// How many numbers they claim in all, 1 to 1,000,000; another for every call when left out. Numbers that follow
    /// from the called number are always others.
    pub identities: Option<Sweep>,
    /// Share of people who answer when it rings long enough, 0 to 1: 24 % for unknown numbers, more for numbers that
    /// look familiar (53 % for known businesses, Hiya 2019).
    #[serde(default = "answer_share")]
    pub answer_share: Sweep,
    /// Median length of a talk in seconds, 1 to 3,600: 11 s for spam, 35 s for callers nobody identified (Hiya 2019).
    #[serde(default = "talk")]
    pub talk_s: Sweep,
    /// Called numbers.
    #[serde(default)]
    pub called: Called,
}

/// What is claimed: the rows of the checks that regulators demand on calls from abroad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Claim {
    /// The number that is called.
    Called,
    /// Police, fire brigade, ambulance.
    Emergency,
    /// A subscriber who would have forwarded a call of another operator's mobile.
    ForgedDiversion,
    /// The operator's own subscriber, who is at home and in a call at that moment.
    InCallAtHome,
    /// A name or a word.
    Letters,
    /// A fixed number of the home country.
    NationalFixed,
    /// A mobile number of another operator of the home country.
    NationalMobile,
    /// A number that begins as the called one does.
    Neighbour,
    /// The operator's own subscriber, who is at home.
    OwnAtHome,
    /// A premium rate number of the home country.
    Premium,
    /// A service number of a few digits.
    ShortCode,
    /// A toll-free number, which nobody calls from: the plainest of do-not-originate lists.
    TollFree,
    /// More than the 15 digits of E.164.
    TooLong,
    /// Fewer than five digits.
    TooShort,
    /// A number of the home country that was never allocated.
    Unallocated,
}

const fn answer_share() -> Sweep {
    Sweep::between(0.15, 0.5)
}

const fn talk() -> Sweep {
    Sweep::between(11.0, 60.0)
}

/// Words that callers put where a number belongs (assumption).
const WORDS: [&str; 8] =
    ["Bank", "Police", "Support", "Helpdesk24", "anonymous1", "Courier", "unknown", "NoReply"];

impl Claim {
    const fn kind(self) -> &'static str {
        match self {
            Self::Called => "spoofed_called",
            Self::Emergency => "spoofed_emergency",
            Self::ForgedDiversion => "spoofed_diversion",
            Self::InCallAtHome => "spoofed_in_call",
            Self::Letters => "spoofed_letters",
            Self::NationalFixed => "spoofed_national_fixed",
            Self::NationalMobile => "spoofed_national_mobile",
            Self::Neighbour => "spoofed_neighbour",
            Self::OwnAtHome => "spoofed_own",
            Self::Premium => "spoofed_premium",
            Self::ShortCode => "spoofed_short_code",
            Self::TollFree => "spoofed_toll_free",
            Self::TooLong => "spoofed_too_long",
            Self::TooShort => "spoofed_too_short",
            Self::Unallocated => "spoofed_unallocated",
        }
    }
}

impl Claim {
    /// Whether it needs numbers that are known of a few home countries alone.
    const fn is_odd(self) -> bool {
        matches!(self, Self::Emergency | Self::Premium | Self::ShortCode | Self::TollFree | Self::Unallocated)
    }
}

impl Spoofed {
    pub(super) fn method(&self, desk: &mut Desk) -> Result<Box<dyn Method>, String> {
        let (world, rng) = (&desk.world, &mut desk.rng);
        let home_by = world.trunks_for(&[RouteClass::International, RouteClass::National], true);
        if self.claims == Claim::InCallAtHome && home_by.is_empty() {
            return Err("claims: no trunk takes the call that is made at home".into());
        }
        let odd = odd_in(world.home().iso);
        if self.claims.is_odd() && odd.is_none() {
            return Err(format!("claims: no such numbers are known in {}", world.home().iso));
        }
        let identities = match self.identities {
            Some(identities) => identities.within("identities", 1.0, 1_000_000.0)?.count(rng),
            None => u64::from(u32::MAX),
        };
        Ok(Box::new(Impostor {
            claims: self.claims,
            answer_share: self.answer_share.share("answer-share")?.draw(rng),
            talk: self.talk_s.within("talk-s", 1.0, 3_600.0)?.draw(rng),
            targets: self.called.targets(world, rng)?,
            first: below(rng, 1_000_000),
            identities,
            home_by,
            odd,
        }))
    }
}

struct Impostor {
    claims: Claim,
    answer_share: f64,
    talk: f64,
    targets: Targets,
    /// Index of the first claimed number.
    first: u64,
    identities: u64,
    home_by: Vec<TrunkId>,
    /// Known whenever the claim asks for it.
    odd: Option<&'static Odd>,
}

impl Method for Impostor {
    fn call(&mut self, at: At, desk: &mut Desk) {
        let world = Arc::clone(&desk.world);
        let rng = &mut desk.rng;
        let (called, is_valid) = self.targets.pick(&world, rng);
        let Some(calling) = self.claim(&called, &world, rng) else { return };
        let course = match is_valid {
            true => {
                let talk = lognormal(rng, self.talk, 0.9, 3_600.0);
                let by = if chance(rng, 0.6) { Side::Called } else { Side::Calling };
                let patience = between(rng, 18.0, 35.0);
                Caller { patience, cause: desk.cause, answer_share: self.answer_share, talk, by }.calls(rng)
            }
            false => invalid_number(rng),
        };
        let diverting = (self.claims == Claim::ForgedDiversion)
            .then(|| world.subscriber(below(rng, world.subscribers())));
        let truth = desk.truth("spoofed", self.claims.kind());
        let at = match &calling {
            Calling::Shown(owner) if self.claims == Claim::InCallAtHome => self.call_at_home(at, owner, desk),
            _ => at,
        };
        let attempt = desk.attempt(at, (String::new(), called), truth).with(course);
        desk.push(Attempt { calling, diverting, ..attempt });
    }
}

impl Impostor {
    fn claim(&self, called: &str, world: &World, rng: &mut Rng) -> Option<Calling> {
        let index = self.first + below(rng, self.identities);
        let digits = |length: u64, rng: &mut Rng| -> String {
            (0..length).map(|_| char::from(b'0' + below(rng, 10) as u8)).collect()
        };
        let one_of = |list: &[&str], rng: &mut Rng| {
            choose(rng, list).map(|word| Calling::Malformed((*word).to_owned()))
        };
        Some(Calling::Shown(match self.claims {
            Claim::Called => called.to_owned(),
            Claim::Emergency => return one_of(self.odd?.emergency, rng),
            Claim::Letters => return one_of(&WORDS, rng),
            Claim::ShortCode => return one_of(self.odd?.short, rng),
            Claim::TooLong => {
                let length = 16 + below(rng, 5) - world.home().code.len() as u64;
                return Some(Calling::Malformed(format!("{}{}", world.home().code, digits(length, rng))));
            }
            Claim::TooShort => {
                let length = 1 + below(rng, 4);
                return Some(Calling::Malformed(digits(length, rng)));
            }
            Claim::ForgedDiversion | Claim::NationalMobile => world.other_mobile(index),
            Claim::NationalFixed => world.other_fixed(index),
            Claim::InCallAtHome | Claim::OwnAtHome => self.subscriber_at_home(index, world, rng),
            Claim::Neighbour => {
                // All but the last two or three digits, which makes six or seven of nine.
                let same = called.len() - 2 - below(rng, 2) as usize;
                let tail = digits((called.len() - same) as u64, rng);
                format!("{}{tail}", &called[..same])
            }
            Claim::Premium => number_of(self.odd?.premium, index),
            Claim::TollFree => number_of(self.odd?.toll_free, index),
            Claim::Unallocated => number_of(self.odd?.unallocated, index),
        }))
    }

    /// The subscriber of this index, or the next who is at home.
    fn subscriber_at_home(&self, index: u64, world: &World, rng: &mut Rng) -> String {
        const TRIES: u64 = 1_000;
        let all = world.subscribers();
        let owner = (0..TRIES).map(|step| (index + step) % all).find(|owner| !world.is_roaming(*owner));
        world.subscriber(owner.unwrap_or_else(|| below(rng, all)))
    }

    /// The owner of the number calls somebody; the moment during their talk at which the other call arrives.
    fn call_at_home(&self, at: At, owner: &str, desk: &mut Desk) -> At {
        let rng = &mut desk.rng;
        let Some(trunk) = desk.world.pick_trunk(&self.home_by, rng) else { return at };
        let other = desk.world.other_end(trunk, rng);
        let (alert_after, ring) = (alerting(rng), time_to_act(rng));
        let end = End::Answered { ring, talk: between(rng, 90.0, 600.0), by: Side::Calling };
        let arrives_at = at + alert_after + ring + between(rng, 5.0, 60.0);
        let parties = (owner.to_owned(), other);
        let call = Attempt::new(at, trunk, parties, Truth::normal("home_call")).outbound();
        desk.push(call.with((Some(alert_after), end)));
        arrives_at
    }
}

fn number_of((prefix, digits): Block, index: u64) -> String {
    // Coprime to every power of ten, so that neighbours in the index are no neighbours in the block.
    const STRIDE: u64 = 7_919;
    let tail = index % 1_000_000_000 * STRIDE % 10_u64.pow(digits);
    format!("{prefix}{tail:0width$}", width = digits as usize)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::simulate::attack::testing::{attempts, is_answered, share};

    fn spoofed(claim: &str, rest: &str) -> Vec<Attempt> {
        let attack = "family = 'spoofed'\ntrunk = 'intl'\ncalls-per-s = 1\ncalls = 1000\n";
        attempts(1.0, &format!("{attack}claims = '{claim}'\n{rest}"))
    }

    #[test]
    fn every_claim_has_its_shape() {
        let shown = |claim: &str, fits: fn(&str) -> bool| {
            let calls = spoofed(claim, "");
            assert_eq!(calls.len(), 1_000);
            assert!(calls.iter().all(|call| fits(call.calling.text().unwrap())), "{claim}");
        };
        let is_mobile = |text: &str| text.starts_with("486") || text.starts_with("485");
        shown("emergency", |text| ["112", "997", "998", "999"].contains(&text));
        shown("letters", |text| text.chars().any(char::is_alphabetic));
        shown("national-fixed", |text| text.len() == 11 && text.starts_with("48"));
        shown("national-mobile", is_mobile);
        shown("own-at-home", is_mobile);
        shown("premium", |text| text.starts_with("48703"));
        shown("short-code", |text| text.len() < 7);
        shown("toll-free", |text| text.starts_with("48800"));
        shown("too-long", |text| (16..=20).contains(&text.len()));
        shown("too-short", |text| (1..5).contains(&text.len()));
        shown("unallocated", |text| text.starts_with("48991"));
    }

    #[test]
    fn claims_that_follow_from_the_called_number() {
        assert!(spoofed("called", "").iter().all(|call| call.calling.text() == Some(&call.called)));
        for call in spoofed("neighbour", "") {
            assert_eq!(call.calling.text().unwrap()[..8], call.called[..8]);
        }
    }

    #[test]
    fn owners_are_at_home() {
        let world = crate::simulate::attack::testing::world(1.0);
        let roamers: BTreeSet<String> =
            (0..world.subscribers()).filter(|i| world.is_roaming(*i)).map(|i| world.subscriber(i)).collect();
        let calls = spoofed("own-at-home", "");
        assert!(!roamers.is_empty());
        assert!(calls.iter().all(|call| !roamers.contains(call.calling.text().unwrap())));
    }

    #[test]
    fn an_owner_talks_at_home_when_the_other_call_arrives() {
        let calls = spoofed("in-call-at-home", "");
        let forged: Vec<&Attempt> = calls.iter().filter(|call| call.truth.label == "spoofed").collect();
        assert!(forged.len() > 900);
        for call in forged {
            let at_home = calls.iter().any(|other| {
                other.is_outbound
                    && other.calling == call.calling
                    && (other.setup_at..other.end_at()).contains(&call.setup_at)
            });
            assert!(at_home);
        }
        assert!(calls.iter().filter(|call| call.is_outbound).all(|call| call.truth.campaign == 0));
    }

    #[test]
    fn forged_diversions_name_a_subscriber() {
        assert!(spoofed("forged-diversion", "").iter().all(|call| call.diverting.is_some()));
    }

    #[test]
    fn few_identities_are_used_again() {
        let calls = spoofed("national-fixed", "identities = 5\nanswer-share = 0.4");
        assert!(calls.iter().filter_map(|call| call.calling.text()).collect::<BTreeSet<_>>().len() <= 5);
        let answered = share(&calls, is_answered);
        assert!((0.28..0.42).contains(&answered), "{answered}");
    }
}
