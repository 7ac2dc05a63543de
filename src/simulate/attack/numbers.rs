//! Which numbers a campaign uses: blocks in sequence or at random, scattered blocks, a few numbers, SIM cards.

use serde::Deserialize;

use crate::base::time::At;
use crate::simulate::attack::ranges::{RENTED, people_in, rented_in};
use crate::simulate::attack::sweep::Sweep;
use crate::simulate::countries::Block;
use crate::simulate::draw::{Rng, below, choose};
use crate::simulate::world::World;

/// Most numbers that are kept one by one.
const LISTED_MAX: f64 = 100_000.0;

/// `numbers = { ... }`: the numbers of a campaign.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Numbers {
    /// Where they are: letters of countries, or codes of satellite networks. None: any range that can be rented.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Mobile or fixed.
    #[serde(default)]
    pub line: Line,
    /// Blocks by their leading digits, country code first, in place of `countries`: one block each, such as those in
    /// which a population of neighbours lives.
    #[serde(default)]
    pub prefixes: Vec<String>,
    /// Among people's numbers, instead of ranges where nobody lives.
    #[serde(default)]
    pub in_people_blocks: bool,
    /// How many blocks; 1 to 100,000.
    #[serde(default = "one")]
    pub blocks: Sweep,
    /// Numbers of a block: 1, 10, 100 and so on to 1,000,000.
    #[serde(default = "block_size")]
    pub size: u64,
    /// In which order they are used.
    #[serde(default)]
    pub order: Order,
    /// So many numbers of the blocks and no others; 1 to 100,000.
    pub used: Option<Sweep>,
    /// So many SIM cards instead of blocks: mobile numbers among people's, each in one call at a time; 1 to 100,000.
    pub sims: Option<Sweep>,
}

const fn one() -> Sweep {
    Sweep::fixed(1.0)
}

/// Numbers that a flash sender rents at once: its code is the last four digits of 10,000.
const fn block_size() -> u64 {
    10_000
}

/// Mobile or fixed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// Fixed.
    Fixed,
    /// Mobile.
    #[default]
    Mobile,
}

/// In which order numbers are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// At random, as codes are.
    #[default]
    Random,
    /// One after the other.
    Sequential,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            countries: Vec::new(),
            prefixes: Vec::new(),
            line: Line::Mobile,
            in_people_blocks: false,
            blocks: one(),
            size: block_size(),
            order: Order::Random,
            used: None,
            sims: None,
        }
    }
}

impl Numbers {
    /// One number.
    pub(super) fn single() -> Self {
        Self { size: 1, ..Self::default() }
    }

    /// Numbers of countries where calls cost much, in so many blocks of 1,000.
    pub(super) fn high_cost(blocks: Sweep) -> Self {
        let countries = RENTED.iter().filter(|rented| rented.is_high_cost);
        let countries = countries.map(|rented| rented.name.to_owned()).collect();
        Self { countries, blocks, size: 1_000, ..Self::default() }
    }

    /// The numbers of one campaign.
    ///
    /// # Errors
    /// A figure out of its range, a country whose ranges are not known.
    pub(super) fn pool(&self, world: &World, rng: &mut Rng) -> Result<Pool, String> {
        let blocks = self.blocks.within("blocks", 1.0, LISTED_MAX)?.count(rng);
        if let Some(sims) = self.sims {
            let count = sims.within("sims", 1.0, LISTED_MAX)?.count(rng);
            let numbers: Result<Vec<String>, String> = (0..count).map(|_| self.sim(world, rng)).collect();
            return Ok(Pool {
                free_at: vec![At::default(); count as usize],
                ..Pool::listed(numbers?, self.order)
            });
        }
        if !matches!(self.size, 1 | 10 | 100 | 1_000 | 10_000 | 100_000 | 1_000_000) {
            return Err("numbers: size is a power of ten, 1 to 1000000".into());
        }
        let prefixes = match self.prefixes.is_empty() {
            true => self.drawn(blocks, world, rng)?,
            false => self.written()?,
        };
        let ranged = Pool::ranged(prefixes, self.size, (self.order, rng));
        let Some(used) = self.used else { return Ok(ranged) };
        let used = used.within("used", 1.0, LISTED_MAX)?.count(rng);
        Ok(Pool::listed((0..used).map(|_| ranged.number_at(below(rng, ranged.count))).collect(), self.order))
    }

    fn sim(&self, world: &World, rng: &mut Rng) -> Result<String, String> {
        let index = below(rng, u64::from(u32::MAX));
        let home = world.home().iso;
        match choose(rng, &self.countries) {
            Some(name) if name == home => Ok(world.other_mobile(index)),
            Some(name) => {
                let found = world.foreign().find(|nation| nation.iso == name);
                let nation =
                    found.ok_or_else(|| format!("numbers: no people's numbers known in `{name}`"))?;
                Ok(world.mobile_in(nation, index))
            }
            None => Ok(world.foreign_mobile(rng)),
        }
    }

    fn written(&self) -> Result<Vec<String>, String> {
        let tail = self.size.ilog10() as usize;
        let is_block = |prefix: &String| {
            (7..=15).contains(&(prefix.len() + tail)) && prefix.bytes().all(|b| b.is_ascii_digit())
        };
        match self.prefixes.iter().find(|prefix| !is_block(prefix)) {
            None => Ok(self.prefixes.clone()),
            Some(prefix) => Err(format!("numbers: `{prefix}` with {tail} digits more is no number")),
        }
    }

    /// Country code and leading digits of so many blocks: every country as likely, then every range of it.
    fn drawn(&self, blocks: u64, world: &World, rng: &mut Rng) -> Result<Vec<String>, String> {
        let ranges: Vec<Vec<Block>> = match self.countries.is_empty() {
            true => {
                let abroad = RENTED.iter().filter(|rented| rented.name != world.home().iso);
                abroad.map(|rented| self.ranges_in(rented.name)).filter(|ranges| !ranges.is_empty()).collect()
            }
            false => self.countries.iter().map(|name| self.ranges_in(name)).collect(),
        };
        if let Some(none) = ranges.iter().position(Vec::is_empty) {
            let (name, line) = (&self.countries[none], self.line.name());
            return Err(format!("numbers: no block of {} {line} numbers known in `{name}`", self.size));
        }
        let mut prefix = || {
            let (prefix, digits) = choose(rng, &ranges).and_then(|ranges| choose(rng, ranges)).copied()?;
            let head = below(rng, 10_u64.pow(digits) / self.size);
            let width = (digits - self.size.ilog10()) as usize;
            Some(if width == 0 { prefix.to_owned() } else { format!("{prefix}{head:0width$}") })
        };
        let drawn: Option<Vec<String>> = (0..blocks).map(|_| prefix()).collect();
        drawn.ok_or_else(|| format!("numbers: no block of {} numbers known", self.size))
    }

    /// Ranges of a country that hold a block.
    fn ranges_in(&self, name: &str) -> Vec<Block> {
        let is_mobile = self.line == Line::Mobile;
        let ranges = match self.in_people_blocks {
            true => people_in(name, is_mobile).unwrap_or_default().to_vec(),
            false => rented_in(name)
                .and_then(|rented| if is_mobile { Some(rented.mobile) } else { rented.fixed })
                .into_iter()
                .collect(),
        };
        ranges.into_iter().filter(|(_, digits)| 10_u64.pow(*digits) >= self.size).collect()
    }
}

impl Line {
    const fn name(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::Mobile => "mobile",
        }
    }
}

/// The numbers of one campaign.
pub(super) struct Pool {
    /// Numbers, or what they begin with.
    prefixes: Vec<String>,
    /// Numbers behind each prefix.
    size: u64,
    count: u64,
    order: Order,
    next: u64,
    /// When each SIM card is free again; empty when the numbers are none.
    free_at: Vec<At>,
}

impl Pool {
    fn listed(numbers: Vec<String>, order: Order) -> Self {
        let count = numbers.len() as u64;
        Self { prefixes: numbers, size: 1, count, order, next: 0, free_at: Vec::new() }
    }

    fn ranged(prefixes: Vec<String>, size: u64, (order, rng): (Order, &mut Rng)) -> Self {
        let count = prefixes.len() as u64 * size;
        Self { prefixes, size, count, order, next: below(rng, count), free_at: Vec::new() }
    }

    /// The number of a call at this moment and its index; `None` when every SIM card is in a call.
    pub fn take(&mut self, at: At, rng: &mut Rng) -> Option<(u64, String)> {
        const TRIES: usize = 32;
        for _ in 0..TRIES {
            let index = self.following(rng);
            if self.free_at.get(index as usize).is_none_or(|free_at| *free_at <= at) {
                return Some((index, self.number_at(index)));
            }
        }
        None
    }

    /// The number is in a call until then.
    pub fn hold(&mut self, index: u64, until: At) {
        if let Some(free_at) = self.free_at.get_mut(index as usize) {
            *free_at = until;
        }
    }

    fn following(&mut self, rng: &mut Rng) -> u64 {
        match self.order {
            Order::Random => below(rng, self.count),
            Order::Sequential => {
                self.next = (self.next + 1) % self.count.max(1);
                self.next
            }
        }
    }

    fn number_at(&self, index: u64) -> String {
        let prefix = self.prefixes.get((index / self.size) as usize).map_or("", String::as_str);
        match self.size {
            1 => prefix.to_owned(),
            size => format!("{prefix}{:0width$}", index % size, width = size.ilog10() as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::simulate::attack::testing::world;

    fn pool(text: &str) -> (Pool, Rng) {
        let world = world(1.0);
        let numbers: Numbers = toml::from_str(text).unwrap();
        let mut rng = world.rng("test");
        (numbers.pool(&world, &mut rng).unwrap(), rng)
    }

    fn taken(text: &str, count: usize) -> Vec<String> {
        let (mut pool, mut rng) = pool(text);
        (0..count).map(|_| pool.take(At::default(), &mut rng).unwrap().1).collect()
    }

    #[test]
    fn a_block_at_random_holds_as_many_different_numbers_as_it_should() {
        let numbers = taken("countries = ['AT']", 1_000);
        let different: BTreeSet<&String> = numbers.iter().collect();
        // 10,000 · (1 − e^(−0.1)) = 952 of 1,000.
        assert!((930..975).contains(&different.len()), "{}", different.len());
        assert!(numbers.iter().all(|number| number[..8] == numbers[0][..8] && number.len() == 12));
    }

    #[test]
    fn sequential_numbers_follow_each_other_across_blocks() {
        let numbers = taken("countries = ['AT']\norder = 'sequential'\nblocks = 3\nsize = 100", 300);
        let different: BTreeSet<&String> = numbers.iter().collect();
        assert_eq!(different.len(), 300);
        let steps = numbers
            .windows(2)
            .filter(|pair| pair[1].parse::<u64>().unwrap() == pair[0].parse::<u64>().unwrap() + 1);
        assert!(steps.count() >= 296);
    }

    #[test]
    fn scattered_numbers_share_no_block() {
        let numbers = taken("blocks = 500\nsize = 1", 2_000);
        let blocks: BTreeSet<&str> = numbers.iter().map(|number| &number[..number.len() - 4]).collect();
        assert!(blocks.len() > 400, "{}", blocks.len());
    }

    #[test]
    fn blocks_as_written() {
        let numbers = taken("prefixes = ['44740012', '48691123']", 200);
        assert!(
            numbers.iter().all(|number| number.starts_with("44740012") || number.starts_with("48691123"))
        );
        assert!(numbers.iter().all(|number| number.len() == 12));
    }

    #[test]
    fn only_so_many_numbers_are_used() {
        let numbers = taken("used = 20\nsize = 100", 500);
        assert!(numbers.into_iter().collect::<BTreeSet<_>>().len() <= 20);
    }

    #[test]
    fn a_sim_card_is_in_one_call_at_a_time() {
        let (mut pool, mut rng) = pool("sims = 3\ncountries = ['PL']");
        for _ in 0..3 {
            let (index, number) = pool.take(At::default(), &mut rng).unwrap();
            assert!(number.starts_with("48"));
            pool.hold(index, At::from_nanos(10));
        }
        assert_eq!(pool.take(At::from_nanos(9), &mut rng), None);
        assert!(pool.take(At::from_nanos(10), &mut rng).is_some());
    }

    #[test]
    fn refuses_what_cannot_be() {
        let world = world(1.0);
        for text in [
            "prefixes = ['4474x']",
            "size = 3",
            "countries = ['XX']",
            "blocks = 0",
            "countries = ['MV']\nsize = 1_000_000",
        ] {
            let numbers: Numbers = toml::from_str(text).unwrap();
            assert!(numbers.pool(&world, &mut world.rng("test")).is_err(), "{text}");
        }
    }
}
