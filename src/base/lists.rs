//! Lists of numbers that the operator or a regulator keeps: prefixes with an end, found by the longest that fits.
//!
//! A look-up costs a few nanoseconds: most numbers share no first three digits with any prefix of a list and are told
//! apart by one bit; the others take one probe for each prefix length in use. Made by `config`; never changes in a run.

use crate::base::map::{Map, Seed, Set};
use crate::base::number::{DIGITS_MAX, Number};
use crate::base::route::RouteId;
use crate::base::time::At;

/// Most prefixes of one list.
pub const PREFIXES_MAX: usize = 500_000;
/// Longest short code of a list, in digits.
pub const SHORT_CODE_MAX: usize = 6;

/// Every list of a network. A list that was not given is empty.
#[derive(Debug, Default)]
pub struct Lists {
    /// Do not originate: numbers that only ever receive calls, so whoever shows one is not their owner.
    pub dno: PrefixSet<()>,
    /// Ranges that nobody has.
    pub unallocated: PrefixSet<()>,
    /// Numbers that must not be shown from outside: a protected number list.
    pub protected: PrefixSet<()>,
    /// Short codes as dialled, which are no E.164 numbers and so never a calling number.
    pub short_codes: Set<Vec<u8>>,
    /// Numbers that cost whoever calls them: premium rate, satellite, ranges abused for it.
    pub high_cost: PrefixSet<()>,
    /// Callers whom a person has checked.
    pub known_good: PrefixSet<()>,
    /// Home numbers that may come in from abroad, by the route they may come in on.
    pub cli_exempt: Map<RouteId, PrefixSet<Proof>>,
}

impl Lists {
    /// Entries of each list, with those that have ended, by the list's name in the network file.
    #[must_use]
    pub fn sizes(&self) -> [(&'static str, usize); 7] {
        [
            ("dno", self.dno.len()),
            ("unallocated", self.unallocated.len()),
            ("protected", self.protected.len()),
            ("short-codes", self.short_codes.len()),
            ("high-cost", self.high_cost.len()),
            ("known-good", self.known_good.len()),
            ("cli-exempt", self.cli_exempt.values().map(PrefixSet::len).sum()),
        ]
    }

    /// Why home numbers that begin as `number` does may come in on `route`; `None` when they may not.
    #[must_use]
    pub fn exemption(&self, route: RouteId, number: Number, at: At) -> Option<Proof> {
        self.cli_exempt.get(&route)?.find(number, at)
    }
}

/// What an exemption rests on: the operator has seen proof that the number is the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Proof {
    /// A cloud exchange abroad that serves a customer at home, whose right to the number it has shown.
    CloudPbx,
    /// The call begins at home and is only carried through another country.
    HomeOrigin,
    /// The customer's own equipment stands abroad.
    HostedAbroad,
}

impl Proof {
    /// Names in lists and rules, in the order of the enum.
    pub const NAMES: [&'static str; 3] = ["cloud_pbx", "home_origin", "hosted_abroad"];

    /// All, in the order of the names.
    pub const ALL: [Self; 3] = [Self::CloudPbx, Self::HomeOrigin, Self::HostedAbroad];
}

/// The digits that numbers begin with: 1 to 15 of them, the first not zero, so that their value tells their count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Prefix(u64);

impl Prefix {
    /// Reads ASCII digits, country code first, without `+`; `None` when there are none, too many, others than digits,
    /// or a leading zero.
    #[must_use]
    pub fn from_digits(digits: &[u8]) -> Option<Self> {
        let fits = (1..=DIGITS_MAX as usize).contains(&digits.len());
        let is_number = digits.iter().all(u8::is_ascii_digit) && digits.first() != Some(&b'0');
        (fits && is_number).then(|| {
            // At most 15 digits, which 64 bits hold.
            Self(digits.iter().fold(0, |value, digit| value * 10 + u64::from(digit - b'0')))
        })
    }

    /// The digits as one integer.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// How many digits it has (1 to 15).
    #[must_use]
    pub const fn digit_count(self) -> u32 {
        self.0.ilog10() + 1
    }
}

/// Prefixes with a value each, until a moment each.
#[derive(Debug)]
pub struct PrefixSet<V> {
    entries: Map<u64, Entry<V>>,
    /// Bit *n*: some prefix has *n* digits.
    lengths: u16,
    /// By the first three digits of a number, one bit: some prefix begins like it.
    leads: [u64; LEADS / 64 + 1],
}

#[derive(Clone, Copy, Debug)]
struct Entry<V> {
    value: V,
    until: At,
}

/// Values of three digits.
const LEADS: usize = 1_000;
/// No end.
pub const NEVER: At = At::from_nanos(u64::MAX);

impl<V> Default for PrefixSet<V> {
    fn default() -> Self {
        Self { entries: Map::with_hasher(Seed::default()), lengths: 0, leads: [0; LEADS / 64 + 1] }
    }
}

impl<V: Copy> PrefixSet<V> {
    /// Adds a prefix that counts before `until`; [`NEVER`] for always. Of two entries for a prefix the one that ends
    /// later stays. Whether the prefix was new; one beyond [`PREFIXES_MAX`] is not taken.
    pub fn insert(&mut self, prefix: Prefix, value: V, until: At) -> bool {
        if let Some(known) = self.entries.get_mut(&prefix.0) {
            if known.until < until {
                *known = Entry { value, until };
            }
            return false;
        }
        if self.entries.len() >= PREFIXES_MAX {
            return false;
        }
        self.entries.insert(prefix.0, Entry { value, until });
        self.lengths |= 1 << prefix.digit_count();
        let (first, width) = match prefix.digit_count() {
            1 => (prefix.0 * 100, 100),
            2 => (prefix.0 * 10, 10),
            digits => (prefix.0 / 10_u64.pow(digits - 3), 1),
        };
        for lead in first..first + width {
            self.leads[lead as usize / 64] |= 1 << (lead % 64);
        }
        true
    }

    /// Value of the longest prefix of `number` that counts at `at`.
    #[must_use]
    pub fn find(&self, number: Number, at: At) -> Option<V> {
        let digits = number.digit_count();
        let lead = number.value() / 10_u64.pow(digits - 3);
        if self.leads[lead as usize / 64] >> (lead % 64) & 1 == 0 {
            return None;
        }
        // Bits 1 to `digits`: a number has 15 at most, and 15 of them fill the word.
        let mut lengths = self.lengths & u16::MAX >> (15 - digits);
        while lengths != 0 {
            let length = lengths.ilog2();
            lengths &= !(1 << length);
            let prefix = number.value() / 10_u64.pow(digits - length);
            if let Some(entry) = self.entries.get(&prefix).filter(|entry| at < entry.until) {
                return Some(entry.value);
            }
        }
        None
    }

    /// Whether some prefix of `number` counts at `at`.
    #[must_use]
    pub fn covers(&self, number: Number, at: At) -> bool {
        self.find(number, at).is_some()
    }

    /// Every prefix in order of its digits, with the moment before which it counts.
    #[must_use]
    pub fn sorted(&self) -> Vec<(Prefix, At)> {
        let mut all: Vec<(Prefix, At)> =
            self.entries.iter().map(|(prefix, entry)| (Prefix(*prefix), entry.until)).collect();
        all.sort_unstable();
        all
    }

    /// Prefixes, with those that have ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn prefix(digits: &str) -> Prefix {
        Prefix::from_digits(digits.as_bytes()).unwrap()
    }

    fn number(digits: &str) -> Number {
        Number::from_digits(digits.as_bytes()).unwrap()
    }

    const NOON: At = At::from_nanos(1_700_000_000_000_000_000);

    #[test]
    fn the_longest_prefix_in_force_counts() {
        let mut set = PrefixSet::default();
        assert!(set.insert(prefix("4"), 1, NEVER));
        assert!(set.insert(prefix("4860"), 2, NEVER));
        assert!(set.insert(prefix("48601234567"), 3, NOON));
        assert!(!set.insert(prefix("48601234567"), 4, At::default()), "the later end stays");
        let before = At::from_nanos(NOON.nanos() - 1);
        assert_eq!(set.find(number("48601234567"), before), Some(3));
        assert_eq!(set.find(number("48601234567"), NOON), Some(2));
        assert_eq!(set.find(number("48701234567"), NOON), Some(1));
        assert_eq!(set.find(number("33123456789"), NOON), None);
        assert_eq!(set.find(number("486012345678"), before), Some(3), "a prefix of a longer number");
        assert_eq!(set.len(), 3);
    }

    #[test]
    fn the_longest_of_numbers_is_searched_as_any_other() {
        let mut set = PrefixSet::default();
        set.insert(prefix("4822"), 1, NEVER);
        set.insert(prefix("482212345678901"), 2, NEVER);
        assert_eq!(set.find(number("482212345678900"), NOON), Some(1));
        assert_eq!(set.find(number("482212345678901"), NOON), Some(2));
        assert_eq!(set.find(number("482312345678901"), NOON), None);
    }

    #[test]
    fn refuses_what_is_no_prefix() {
        for digits in ["", "0", "048", "4x", "+48", "1234567890123456"] {
            assert_eq!(Prefix::from_digits(digits.as_bytes()), None, "{digits}");
        }
    }

    #[test]
    fn has_a_limit() {
        let mut set = PrefixSet::default();
        let full =
            (0..PREFIXES_MAX + 10).filter(|more| set.insert(Prefix(10_000_000 + *more as u64), (), NEVER));
        assert_eq!(full.count(), PREFIXES_MAX);
        assert_eq!(set.len(), PREFIXES_MAX);
    }

    #[test]
    fn an_exemption_holds_on_its_route() {
        let mut lists = Lists::default();
        lists.cli_exempt.entry(RouteId(2)).or_default().insert(prefix("4822"), Proof::CloudPbx, NEVER);
        let caller = number("48221234567");
        assert_eq!(lists.exemption(RouteId(2), caller, NOON), Some(Proof::CloudPbx));
        assert_eq!(lists.exemption(RouteId(3), caller, NOON), None);
        assert!(Proof::ALL.iter().enumerate().all(|(index, proof)| *proof as usize == index));
    }

    proptest! {
        /// As a walk over all prefixes would find.
        #[test]
        fn finds_what_a_plain_search_finds(
            prefixes in prop::collection::vec((1_u64..9_999, 0_u64..4), 0..40),
            (digits, seed) in (5_u32..=15, 0_u64..1_000_000_000_000_000),
            now in 0_u64..4,
        ) {
            let least = 10_u64.pow(digits - 1);
            let value = least + seed % (9 * least);
            let mut set = PrefixSet::default();
            for (digits, until) in &prefixes {
                set.insert(Prefix(*digits), *digits, At::from_nanos(*until));
            }
            let found = prefixes
                .iter()
                .filter(|(digits, until)| {
                    now < *until && value.to_string().starts_with(&digits.to_string())
                })
                .map(|(digits, _)| *digits)
                .max();
            prop_assert_eq!(set.find(number(&value.to_string()), At::from_nanos(now)), found);
        }
    }
}
