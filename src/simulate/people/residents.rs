//! People whose numbers lie in given blocks: next to a campaign's, or where one was.

use std::sync::Arc;

use serde::Deserialize;

use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::simulate::arrivals::Arrivals;
use crate::simulate::attempt::TrunkId;
use crate::simulate::countries::Nation;
use crate::simulate::draw::{below, chance, choose};
use crate::simulate::people::check;
use crate::simulate::people::habits::{Habits, Relation};
use crate::simulate::people::hash::{is_away, mix, unit};
use crate::simulate::people::paced::{Maker, Paced, afternoon, attempts_an_occasion, seconds_long};
use crate::simulate::people::talk::{Call, Kinds, Peer, Talk};
use crate::simulate::source::{Agenda, Source};
use crate::simulate::world::World;

const NEIGHBOUR: Kinds = Kinds::all("neighbour");
const NEW_NEIGHBOUR: Kinds = Kinds::all("neighbour_new");
const REASSIGNED: Kinds = Kinds::all("reassigned");

/// People who live in the same blocks as a campaign's numbers, and call the operator's subscribers and are called by
/// them as ever.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Neighbours {
    /// Prefixes of the blocks, country code first; 1 to 64, all of one country.
    pub blocks: Vec<String>,
    /// Digits that follow a prefix: 2 to 4 for blocks of 100 to 10,000.
    #[serde(default = "digits")]
    pub digits: u32,
    /// Share of a block's numbers that belong to people; above 0, at most 1. Assumption.
    #[serde(default = "density")]
    pub density: f64,
    /// Calls of one of them with the operator's subscribers a day, both directions together. Assumption: those abroad
    /// share their calls among many operators.
    #[serde(default = "one")]
    pub calls_per_day: f64,
    /// Share of them who have had their number for a short time: they call from `new-after-s` on only. Assumption.
    #[serde(default)]
    pub new: f64,
    /// Seconds after the start of the scenario.
    #[serde(default)]
    pub new_after_s: f64,
    /// The trunk their calls take; by country when left out.
    pub trunk: Option<String>,
    /// How people call.
    #[serde(default)]
    pub habits: Habits,
}

/// A range that a campaign had, given to people afterwards.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Reassigned {
    /// As in [`Neighbours`].
    pub blocks: Vec<String>,
    /// As in [`Neighbours`].
    #[serde(default = "digits")]
    pub digits: u32,
    /// As in [`Neighbours`].
    #[serde(default = "density")]
    pub density: f64,
    /// As in [`Neighbours`].
    #[serde(default = "one")]
    pub calls_per_day: f64,
    /// When the campaign ends, in seconds after the start of the scenario.
    pub campaign_ends_s: f64,
    /// How much later the first of them calls, in seconds. Assumption: regulators ask for weeks, some wait for nothing.
    pub rest_s: f64,
    /// As in [`Neighbours`].
    pub trunk: Option<String>,
    /// How people call.
    #[serde(default)]
    pub habits: Habits,
}

const fn digits() -> u32 {
    4
}

const fn density() -> f64 {
    0.3
}

const fn one() -> f64 {
    1.0
}

impl Neighbours {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::share("new", self.new)?;
        check::after("new-after-s", self.new_after_s)?;
        let starts = world.start() + seconds_long(self.new_after_s);
        residents(self, world, name, |maker| {
            (maker.kinds, maker.newcomers) = ([NEIGHBOUR, NEW_NEIGHBOUR], (self.new, starts));
        })
    }
}

impl Reassigned {
    pub(super) fn sources(&self, world: &Arc<World>, name: &str) -> Result<Vec<Box<dyn Source>>, String> {
        check::after("campaign-ends-s", self.campaign_ends_s)?;
        check::after("rest-s", self.rest_s)?;
        let starts = world.start() + seconds_long(self.campaign_ends_s + self.rest_s);
        let as_neighbours = Neighbours {
            blocks: self.blocks.clone(),
            digits: self.digits,
            density: self.density,
            calls_per_day: self.calls_per_day,
            new: 1.0,
            new_after_s: 0.0,
            trunk: self.trunk.clone(),
            habits: self.habits.clone(),
        };
        residents(&as_neighbours, world, name, |maker| {
            (maker.kinds, maker.newcomers) = ([REASSIGNED; 2], (1.0, starts));
        })
    }
}

fn residents(
    spec: &Neighbours,
    world: &Arc<World>,
    name: &str,
    settle: impl Fn(&mut Residents),
) -> Result<Vec<Box<dyn Source>>, String> {
    check::count("blocks", spec.blocks.len() as u64, 64)?;
    check::positive("density", spec.density, 1.0)?;
    check::positive("calls-per-day", spec.calls_per_day, 1_000.0)?;
    if !(2..=4).contains(&spec.digits) {
        return Err("digits: 2 to 4".into());
    }
    let is_prefix =
        |text: &String| (2..=13).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(block) = spec.blocks.iter().find(|block| !is_prefix(block)) {
        return Err(format!("blocks: `{block}` is not 2 to 13 digits"));
    }
    let mut nations = spec.blocks.iter().map(|block| check::country_of(block));
    let nation = nations.next().flatten().ok_or("blocks: of no country that is known")?;
    if nations.any(|other| other.is_none_or(|other| other.iso != nation.iso)) {
        return Err("blocks: of several countries".into());
    }
    if let Some(block) = spec.blocks.iter().find(|block| !has_length(block, spec.digits, nation)) {
        return Err(format!("blocks: numbers in `{block}` do not have {} digits more", spec.digits));
    }
    let is_home = nation.iso == world.home().iso;
    let class = if is_home { RouteClass::National } else { RouteClass::International };
    let trunk = spec.trunk.as_deref();
    let trunk = match trunk {
        Some(_) => check::trunks(world, trunk, &[class], false)?.first().copied(),
        None => None,
    };
    let maker = |part| {
        let mut talk = Talk::new(world, &format!("{name}/{part}"), &spec.habits)?;
        // The same people in the trial and in the calls.
        talk.salt = below(&mut world.rng(&format!("{name}/people")), u64::MAX);
        let numbers = numbers_of(spec, talk.salt);
        let newcomers = (0.0, world.start());
        let mut maker = Residents { talk, numbers, nation, trunk, kinds: [NEIGHBOUR; 2], newcomers };
        settle(&mut maker);
        Ok::<_, String>(maker)
    };
    let mut trial = maker("trial")?;
    let count = trial.numbers.len() as f64;
    // Everybody has their number in the trial, whatever the hour.
    let starts = std::mem::replace(&mut trial.newcomers.1, world.start()).max(world.start());
    let each = attempts_an_occasion(&mut trial, afternoon(world));
    let moments = Arrivals::daily(world, count * spec.calls_per_day / each);
    let mut maker = maker("calls")?;
    maker.newcomers.1 = starts;
    Ok(vec![Paced::boxed(world, name, [moments], maker)])
}

/// Whether numbers of this block are as long as those around it, where that is known.
fn has_length(block: &str, digits: u32, nation: &Nation) -> bool {
    let length = block.len() + digits as usize;
    let around = nation.mobile.iter().chain(nation.fixed).find(|(prefix, _)| block.starts_with(prefix));
    around.is_none_or(|(prefix, more)| prefix.len() + *more as usize == length)
}

/// The numbers of these blocks that people have; one of each block at least.
fn numbers_of(spec: &Neighbours, salt: u64) -> Vec<String> {
    let room = 10_u64.pow(spec.digits);
    let mut numbers = Vec::new();
    for (block, prefix) in (0_u64..).zip(&spec.blocks) {
        let first = mix(salt, block) % room;
        let tails =
            (0..room).filter(|tail| *tail == first || unit(mix(mix(salt, block), tail + 1)) < spec.density);
        numbers.extend(tails.map(|tail| format!("{prefix}{tail:0width$}", width = spec.digits as usize)));
    }
    numbers
}

struct Residents {
    talk: Talk,
    numbers: Vec<String>,
    nation: &'static Nation,
    trunk: Option<TrunkId>,
    /// Of those who had their number before, and of the others.
    kinds: [Kinds; 2],
    /// Share of the others, and when they begin.
    newcomers: (f64, At),
}

impl Maker for Residents {
    fn make(&mut self, at: At, out: &mut Agenda) {
        let talk = &mut self.talk;
        let Some(number) = choose(&mut talk.rng, &self.numbers) else { return };
        let somebody = number.bytes().fold(talk.salt, |hash, byte| mix(hash, u64::from(byte)));
        let is_new = unit(mix(somebody, 1)) < self.newcomers.0;
        if (is_new && at < self.newcomers.1) || talk.sleeps(at, self.nation) {
            return;
        }
        let is_stranger = chance(&mut talk.rng, talk.habits.strangers);
        let relation = if is_stranger { Relation::Stranger } else { Relation::Contact };
        let contact = match relation {
            Relation::Stranger => below(&mut talk.rng, u64::MAX),
            Relation::Business | Relation::Contact => talk.contact_of(somebody),
        };
        let index = contact % talk.world.subscribers();
        let is_outbound = chance(&mut talk.rng, 0.5);
        let own = talk.world.subscriber(index);
        let peer = Peer { number: number.clone(), nation: self.nation, trunk: self.trunk };
        let mut call = Call { at, own: &own, peer: &peer, is_outbound, relation, is_away: false };
        call.is_away = is_away(&talk.world, index) || !self.takes_outbound();
        self.talk.converse(call, self.kinds[usize::from(is_new)], out);
    }
}

impl Residents {
    /// Whether the named trunk, if there is one, takes calls to them.
    fn takes_outbound(&self) -> bool {
        self.trunk.is_none_or(|trunk| self.talk.world.trunk(trunk).takes(true))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::simulate::attempt::Attempt;
    use crate::simulate::people::testing::{
        attempts_of, calling, distinct, is_answered, of_kind, refusal_of, share, world_of,
    };

    #[test]
    fn neighbours_live_in_their_blocks_and_call_as_people_do() {
        let attempts = attempts_of(
            "kind = \"neighbours\"\nblocks = [\"447400123\"]\ndigits = 3\ndensity = 0.4\nnew = 0.2\nnew-after-s = 43_200",
        );
        let is_inside = |number: &str| number.len() == 12 && number.starts_with("447400123");
        let fits = |one: &Attempt| is_inside(if one.is_outbound { &one.called } else { calling(one) });
        assert!(share(&attempts, |one| fits(one) || one.calling.text().is_none()) == 1.0);
        let inbound: Vec<_> = attempts.iter().filter(|one| !one.is_outbound).cloned().collect();
        let callers = distinct(&inbound, calling);
        assert!((100..=260).contains(&callers), "{callers} of some 400 residents call on a day");
        let answered = share(&attempts, is_answered);
        assert!((0.45..0.65).contains(&answered), "{answered}");
        let noon = world_of("").start() + Duration::from_secs(43_200);
        let new = of_kind(&attempts, "neighbour_new");
        assert!(!new.is_empty() && new.iter().all(|one| one.setup_at >= noon));
        assert!(of_kind(&attempts, "neighbour").iter().any(|one| one.setup_at < noon));
    }

    #[test]
    fn a_range_is_reassigned_after_the_campaign() {
        let attempts = attempts_of(
            "kind = \"reassigned\"\nblocks = [\"4860112\"]\ndigits = 4\ncampaign-ends-s = 36_000\nrest-s = 3_600",
        );
        let first = world_of("").start() + Duration::from_secs(39_600);
        assert!(attempts.iter().all(|one| one.setup_at >= first && one.truth.kind == "reassigned"));
        assert!(attempts.len() > 500);
    }

    #[test]
    fn refuses_blocks_that_are_none() {
        let refused = |blocks: &str| refusal_of(&format!("kind = \"neighbours\"\nblocks = {blocks}"));
        assert_eq!(refused("[]"), "blocks: 1 to 64");
        assert_eq!(refused("[\"48x\"]"), "blocks: `48x` is not 2 to 13 digits");
        assert_eq!(refused("[\"4860112\", \"447400\"]"), "blocks: of several countries");
        assert_eq!(refused("[\"99912\"]"), "blocks: of no country that is known");
        assert_eq!(refused("[\"486011\"]"), "blocks: numbers in `486011` do not have 4 digits more");
    }
}
