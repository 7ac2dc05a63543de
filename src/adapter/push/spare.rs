//! Numbers that no list of ours may name: emergency numbers, and callers whom a person has checked.

use std::collections::BTreeMap;

use crate::base::network::Network;
use crate::base::number::{DIGITS_MAX, Number, Party};
use crate::base::range::Range;
use crate::base::time::At;

/// Digits of numbers, filled up to 15 with zeros, so that a prefix is an interval.
type Start = u64;

/// The numbers to spare, for one network.
#[derive(Debug, Default)]
pub(super) struct Spared {
    /// Known good prefixes: where each begins, how many digits it has, and until when it counts.
    known_good: BTreeMap<(Start, u32), At>,
    emergency: Vec<Number>,
}

impl Spared {
    /// Those of this network.
    pub(super) fn of(network: &Network) -> Self {
        let known_good = network.lists.known_good.sorted().into_iter().map(|(prefix, until)| {
            ((start(prefix.value(), prefix.digit_count()), prefix.digit_count()), until)
        });
        let code = network.numbering.home_code();
        let written = network.emergency.iter().flat_map(|number| [number.clone(), format!("{code}{number}")]);
        let emergency = written.filter_map(|digits| Number::from_digits(digits.as_bytes()).ok());
        let is_emergency = |number: &Number| network.is_emergency(&Party::from(*number));
        Self { known_good: known_good.collect(), emergency: emergency.filter(is_emergency).collect() }
    }

    /// Whether an emergency number is in the block.
    pub(super) fn has_emergency(&self, range: Range) -> bool {
        self.emergency.iter().any(|number| Range::of(*number, range.width()) == range)
    }

    /// Whether a caller who is known to be good is in the block, or the block is.
    pub(super) fn has_known_good(&self, range: Range, at: At) -> bool {
        let digits = range.prefix().max(1).ilog10() + 1;
        let from = start(range.prefix(), digits);
        let Some(to) = range.prefix().checked_add(1).map(|next| start(next, digits)) else { return false };
        let within = self.known_good.range((from, 0)..(to, 0)).any(|(_, until)| at < *until);
        within
            || (1..=digits).any(|length| {
                let prefix = range.prefix() / 10_u64.pow(digits - length);
                self.known_good.get(&(start(prefix, length), length)).is_some_and(|until| at < *until)
            })
    }
}

/// The digits, filled up; the next prefix after all nines has one digit more, and still sorts behind.
fn start(digits: u64, count: u32) -> Start {
    digits.saturating_mul(10_u64.pow(DIGITS_MAX.saturating_sub(count)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::field::Country;
    use crate::base::lists::{NEVER, Prefix};
    use crate::base::numbering::Numbering;

    fn range(text: &str) -> Range {
        Range::parse(text).unwrap()
    }

    #[test]
    fn finds_what_is_in_a_block_and_what_a_block_is_in() {
        let mut network = Network {
            numbering: Numbering::new(Country(*b"PL")).unwrap(),
            emergency: vec!["112".into(), "116117".into()],
            ..Network::unknown()
        };
        let noon = At::from_nanos(1_000);
        for (prefix, until) in [("4860123", NEVER), ("447700900123", NEVER), ("999", noon)] {
            network.lists.known_good.insert(Prefix::from_digits(prefix.as_bytes()).unwrap(), (), until);
        }
        let spared = Spared::of(&network);
        for (text, expected) in [
            ("+48601234567", true),
            ("+486012xxxxx", true),
            ("+4860123xxxx", true),
            ("+4860124xxxx", false),
            ("+4860122xxxx", false),
            ("+44770090xxxx", true),
            ("+447700900123", true),
            ("+447700900124", false),
            ("+4477009001230", true),
            ("+99912345", true),
            ("+998xxxxxx", false),
        ] {
            assert_eq!(spared.has_known_good(range(text), At::default()), expected, "{text}");
        }
        assert!(!spared.has_known_good(range("+99912345"), noon), "no longer");
        for (text, expected) in [
            ("+48112", true),
            ("+481xx", true),
            ("+481xxx", false),
            ("+116117", true),
            ("+4811xxxx", true),
            ("+4812xxxx", false),
        ] {
            let Some(range) = Range::parse(text) else { continue };
            assert_eq!(spared.has_emergency(range), expected, "{text}");
        }
    }
}
