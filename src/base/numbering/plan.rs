//! The home plan: prefixes and lengths, asked of libphonenumber once.
//!
//! The library shows no metadata, so it is asked by example: a prefix is one of the home country's when a known number
//! written with it is read as that number.

use arrayvec::ArrayVec;
use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberType, Region};

use crate::base::digits::Digits;

/// International prefixes in use in the world (ITU operational bulletin, dialling procedures), longest first. Where a
/// carrier is chosen by further digits, those of the larger carriers.
const INTERNATIONAL_PREFIXES: [&str; 26] = [
    "0011", "0014", "0015", "0021", "0023", "0025", "0031", "0041", "0043", "000", "001", "002", "005",
    "006", "007", "008", "009", "010", "011", "119", "810", "990", "994", "999", "00", "99",
];
/// National prefixes in use in the world, longest first.
const NATIONAL_PREFIXES: [&str; 5] = ["06", "80", "0", "1", "8"];
/// Service types whose numbers a plan's prefixes are tried with.
const TYPES: [PhoneNumberType; 3] =
    [PhoneNumberType::FixedLine, PhoneNumberType::Mobile, PhoneNumberType::TollFree];
/// Numbers tried for each length and leading three digits.
const SAMPLES: u64 = 8;

/// What may come before a number: as it is written, and as numbers are compared with it.
#[derive(Clone, Debug, Default)]
pub(super) struct Prefix {
    pub text: ArrayVec<u8, 4>,
    pub digits: Digits,
}

impl Prefix {
    /// Of up to four ASCII digits, which all are.
    fn new(text: &str) -> Self {
        Self { text: text.bytes().take(4).collect(), digits: text.bytes().take(4).collect() }
    }
}

/// What the home country's plan says, as far as reading numbers needs it.
#[derive(Debug)]
pub(super) struct Plan {
    /// Country code.
    pub code: Prefix,
    /// International prefixes, longest first; `00` is always there.
    pub international_prefixes: Vec<Prefix>,
    /// National prefix, empty when the plan has none.
    pub national_prefix: Prefix,
    /// National numbers may begin with zero, as in Italy.
    pub keeps_zero: bool,
    /// Bit *n*: some national number has *n* digits.
    lengths: u32,
    /// Bit *n*: some fixed or mobile number has *n* digits.
    subscriber_lengths: u32,
    /// By the first three digits of a national number, bit *n*: such numbers of *n* digits exist. Only for plans where
    /// a number that begins with the home code's digits can be read with and without it.
    allocated: Vec<u32>,
}

impl Plan {
    /// The plan of `region`; `None` when the library has none.
    pub fn of(region: Region) -> Option<Self> {
        let country_code = PHONE_NUMBER_UTIL.get_country_code_for_region(region)?;
        let examples: Vec<PhoneNumber> = TYPES
            .into_iter()
            .filter_map(|ty| PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, ty).ok())
            .collect();
        let mut plan = Self {
            code: Prefix::new(&country_code.to_string()),
            international_prefixes: international_prefixes(region, country_code),
            national_prefix: Prefix::new(national_prefix(region, &examples)),
            keeps_zero: examples.iter().any(PhoneNumber::italian_leading_zero),
            lengths: 0,
            subscriber_lengths: 0,
            allocated: Vec::new(),
        };
        for length in 1..=15 {
            let number = national(country_code, length, 0);
            let is = |ty| {
                let answer = PHONE_NUMBER_UTIL.is_possible_number_for_type_with_reason(&number, ty);
                answer == Ok(NumberLengthType::IsPossible)
            };
            plan.lengths |= u32::from(
                PHONE_NUMBER_UTIL.is_possible_number_with_reason(&number) == Ok(NumberLengthType::IsPossible),
            ) << length;
            plan.subscriber_lengths |=
                u32::from(is(PhoneNumberType::FixedLine) || is(PhoneNumberType::Mobile)) << length;
        }
        if plan.subscriber_lengths & (plan.subscriber_lengths << plan.code.digits.len()) != 0 {
            plan.allocated = allocated(country_code, plan.subscriber_lengths);
        }
        Some(plan)
    }

    /// The plan of no country.
    pub fn none() -> Self {
        Self {
            code: Prefix::default(),
            international_prefixes: vec![Prefix::new("00")],
            national_prefix: Prefix::default(),
            keeps_zero: false,
            lengths: 0,
            subscriber_lengths: 0,
            allocated: Vec::new(),
        }
    }

    /// Whether a national number of the plan may have this many digits.
    pub fn fits(&self, length: usize) -> bool {
        has_bit(self.lengths, length)
    }

    /// Whether a fixed or mobile number of the plan may have this many digits.
    pub fn fits_subscriber(&self, length: usize) -> bool {
        has_bit(self.subscriber_lengths, length)
    }

    /// Fewest digits of a national number.
    pub fn shortest(&self) -> usize {
        self.lengths.trailing_zeros() as usize
    }

    /// Whether national numbers that begin with these digits, and are as long, are in use.
    pub fn is_allocated(&self, digits: Digits) -> bool {
        let prefix = digits.leading(3).value().unwrap_or_default() as usize;
        self.allocated.get(prefix).is_some_and(|lengths| has_bit(*lengths, digits.len()))
    }
}

fn has_bit(bits: u32, index: usize) -> bool {
    index < 32 && bits >> index & 1 == 1
}

/// A number of `length` national digits that begins with those of `start`, for asking about.
fn national(country_code: i32, length: u32, start: u64) -> PhoneNumber {
    let number = if start == 0 { 10_u64.pow(length - 1) } else { start };
    PhoneNumber { country_code, national_number: number, ..PhoneNumber::default() }
}

fn international_prefixes(region: Region, country_code: i32) -> Vec<Prefix> {
    // A number of another country, so that the prefix alone can explain its country code.
    let (code, number) = if country_code == 49 { (48, 221_234_567) } else { (49, 30_123_456) };
    let is_read = |prefix: &str| {
        let answer = PHONE_NUMBER_UTIL.parse(format!("{prefix}{code}{number}"), Some(region));
        answer.is_ok_and(|parsed| (parsed.country_code, parsed.national_number) == (code, number))
    };
    let mut prefixes: Vec<&str> =
        INTERNATIONAL_PREFIXES.into_iter().filter(|prefix| is_read(prefix)).collect();
    if !prefixes.contains(&"00") {
        prefixes.push("00");
    }
    prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.len()));
    prefixes.into_iter().map(Prefix::new).collect()
}

fn national_prefix(region: Region, examples: &[PhoneNumber]) -> &'static str {
    let is_read = |prefix: &&str| {
        examples.iter().any(|example| {
            let digits = rlibphonenumber::get_national_significant_number_owned(example);
            PHONE_NUMBER_UTIL.parse(format!("{prefix}{digits}"), Some(region)).as_ref() == Ok(example)
        })
    };
    NATIONAL_PREFIXES.into_iter().find(is_read).unwrap_or("")
}

/// By leading three digits, the lengths at which sampled numbers are valid. Numbers that begin with zero keep it.
fn allocated(country_code: i32, lengths: u32) -> Vec<u32> {
    let is_valid = |prefix: u64, length: u32| {
        let unit = 10_u64.pow(length.saturating_sub(3));
        (0..SAMPLES).any(|sample| {
            // Spreads the samples over the block; the factor is prime to ten.
            let number = prefix * unit + (sample * 1_234_567_891 + 2_345_678) % unit;
            let zeros = if prefix < 10 { 2 } else { i32::from(prefix < 100) };
            let mut asked = national(country_code, length, number);
            if zeros > 0 {
                asked.italian_leading_zero = Some(true);
                asked.number_of_leading_zeros = Some(zeros);
            }
            PHONE_NUMBER_UTIL.is_valid_number(&asked)
        })
    };
    (0..1000)
        .map(|prefix| {
            (4..=15)
                .filter(|length| has_bit(lengths, *length as usize) && is_valid(prefix, *length))
                .fold(0, |bits, length| bits | 1 << length)
        })
        .collect()
}
