//! The world's country codes: which country a number belongs to, by its first digits.
//!
//! ITU-T E.164 annex: country codes have one to three digits and none begins another. Most belong to one country; a
//! few are shared, and there the digits that follow decide.

use std::sync::OnceLock;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, Region};

use crate::base::field::Country;
use crate::base::number::Number;

/// Pseudo-country of global services (satellite, international freephone and the like: +800, +808, +870, +878, +881,
/// +882, +883, +888, +979): `XG`, of the codes that ISO 3166-1 leaves to users.
pub const GLOBAL_SERVICE: Country = Country(*b"XG");

/// Country code of the North American plan.
const NANP: u16 = 1;

/// What a country code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    /// Assigned to nobody.
    Unassigned,
    /// One country, or [`GLOBAL_SERVICE`].
    One(u8, Country),
    /// Shared: country code, main country.
    Shared(u8, Country),
}

/// Country codes by the first three digits of a number.
#[derive(Debug)]
pub(super) struct World {
    /// 1,000 entries; a code of fewer digits fills all that begin with it.
    by_digits: Vec<Entry>,
    /// Countries of the North American plan by area code: 1,000 entries. There the area code decides, always.
    by_area_code: OnceLock<Vec<Country>>,
}

impl World {
    /// Asks the library for every country code.
    pub fn new() -> Self {
        let mut by_digits = vec![Entry::Unassigned; 1000];
        for code in PHONE_NUMBER_UTIL.get_supported_calling_codes() {
            let Some(mut regions) = PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(code) else {
                continue;
            };
            let is_shared = regions.len() > 1;
            let Some(main) = regions.next().and_then(country) else { continue };
            let digit_count = code.ilog10() as u8 + 1;
            let entry =
                if is_shared { Entry::Shared(digit_count, main) } else { Entry::One(digit_count, main) };
            let unit = 10_usize.pow(3 - u32::from(digit_count));
            let first = code as usize * unit;
            by_digits[first..first + unit].fill(entry);
        }
        Self { by_digits, by_area_code: OnceLock::new() }
    }

    /// Country of a number.
    pub fn country(&self, number: Number) -> Option<Country> {
        match self.by_digits[leading_digits(number, 3)] {
            Entry::Unassigned => None,
            Entry::One(_, country) => Some(country),
            Entry::Shared(1, _) if leading_digits(number, 1) == usize::from(NANP) => {
                self.by_area_code.get_or_init(area_codes).get(leading_digits(number, 4) % 1000).copied()
            }
            Entry::Shared(code_digits, main) => {
                let asked = library_number(number, code_digits);
                let region = PHONE_NUMBER_UTIL.get_region_for_number(&asked);
                Some(region.and_then(country).unwrap_or(main))
            }
        }
    }

    /// Whether the country code is assigned, to a country or to a global service.
    pub fn is_assigned(&self, number: Number) -> bool {
        self.by_digits[leading_digits(number, 3)] != Entry::Unassigned
    }

    /// Whether the number begins with this country code.
    pub fn has_code(number: Number, code: &[u8]) -> bool {
        let value = code.iter().fold(0, |value, digit| value * 10 + usize::from(digit - b'0'));
        !code.is_empty() && leading_digits(number, code.len() as u32) == value
    }

    /// The number as the library wants it; `None` when its country code is assigned to nobody.
    pub fn library_number(&self, number: Number) -> Option<PhoneNumber> {
        match self.by_digits[leading_digits(number, 3)] {
            Entry::Unassigned => None,
            Entry::One(code_digits, _) | Entry::Shared(code_digits, _) => {
                Some(library_number(number, code_digits))
            }
        }
    }
}

/// Country of each North American area code. A thousand questions to the library: a tenth of a second, so asked only
/// when a number with code 1 is.
fn area_codes() -> Vec<Country> {
    let country_of = |area: u64| {
        let national_number = area * 10_000_000 + 2_345_678;
        let asked = PhoneNumber { country_code: NANP.into(), national_number, ..PhoneNumber::default() };
        PHONE_NUMBER_UTIL.get_region_for_number(&asked).and_then(country).unwrap_or(Country(*b"US"))
    };
    (0..1000).map(country_of).collect()
}

/// The library's region as a country.
fn country(region: Region) -> Option<Country> {
    match region {
        Region::World => Some(GLOBAL_SERVICE),
        other => Country::parse(&other.as_region_str()),
    }
}

/// Powers of ten up to the length of a number: cheaper to look up than to multiply for each call.
const POWERS: [u64; 16] = {
    let mut powers = [1; 16];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// The first `count` digits; a number has at least five.
fn leading_digits(number: Number, count: u32) -> usize {
    (number.value() / POWERS[(number.digit_count() - count) as usize]) as usize
}

/// Splits a number after its country code. Zeros that follow the code are kept apart, as the library does.
fn library_number(number: Number, code_digits: u8) -> PhoneNumber {
    let national_digits = number.digit_count() - u32::from(code_digits);
    let unit = POWERS[national_digits as usize];
    let national_number = number.value() % unit;
    let zeros = national_digits - national_number.checked_ilog10().map_or(0, |log| log + 1);
    let mut asked = PhoneNumber {
        country_code: (number.value() / unit) as i32,
        national_number,
        ..PhoneNumber::default()
    };
    if zeros > 0 {
        asked.italian_leading_zero = Some(true);
        asked.number_of_leading_zeros = Some(zeros as i32);
    }
    asked
}
