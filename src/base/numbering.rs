//! Numbering plans: from what was dialled or shown to one E.164 number, its country and its kind.
//!
//! The plans are libphonenumber's. Its parser is too slow to see every number, so what reading a number needs (prefixes
//! and lengths of the home plan, the world's country codes) is asked of it once, when the tables are built.

mod plan;
mod read;
mod world;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberType, Region};

use crate::base::field::Country;
use crate::base::number::Number;

use plan::Plan;
use world::World;

pub use world::GLOBAL_SERVICE;

/// What a number says of itself beside its digits: ISUP nature of address (Q.763 §3.9 b), or the form of a SIP user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Nature {
    /// National (significant) number: NAI 3.
    National,
    /// International number, country code first: NAI 4; a leading `+`.
    International,
    /// Subscriber number, no area code: NAI 1. Cannot become E.164 without the area.
    Subscriber,
    /// Nothing said: NAI 2, or bare digits.
    Unknown,
}

/// Kind of service a number belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum NumberKind {
    /// Geographic.
    Fixed,
    /// Mobile.
    Mobile,
    /// The plan does not tell fixed from mobile (as in the NANP).
    FixedOrMobile,
    /// Premium rate.
    Premium,
    /// Toll free.
    TollFree,
    /// Shared cost.
    SharedCost,
    /// Voice over IP.
    Voip,
    /// Personal, universal access, pager, voicemail.
    Other,
    /// In no allocated block of its country's plan.
    Unallocated,
}

impl NumberKind {
    /// Names in rules, in the order of the enum.
    pub const NAMES: [&'static str; 9] = [
        "fixed",
        "mobile",
        "fixed_or_mobile",
        "premium",
        "toll_free",
        "shared_cost",
        "voip",
        "other",
        "unallocated",
    ];
}

/// Stands for the home country where none is known: a code that ISO 3166-1 leaves to its users.
pub const NO_HOME: Country = Country(*b"ZZ");

/// The home plan and the world's, from libphonenumber's metadata.
#[derive(Debug)]
pub struct Numbering {
    home: Country,
    plan: Plan,
    world: World,
}

impl Numbering {
    /// The plan seen from `home`. Takes some tens of milliseconds.
    ///
    /// # Errors
    /// The country itself, when the metadata has no plan for it.
    pub fn new(home: Country) -> Result<Self, Country> {
        let region = Region::from_code(&home.to_string()).map_err(|_| home)?;
        let plan = Plan::of(region).ok_or(home)?;
        Ok(Self { home, plan, world: World::new() })
    }

    /// The world's plans seen from nowhere: national numbers cannot be read and count as absent, and no number is of
    /// the home country, [`NO_HOME`].
    #[must_use]
    pub fn without_home() -> Self {
        Self { home: NO_HOME, plan: Plan::none(), world: World::new() }
    }

    /// The home country.
    #[must_use]
    pub const fn home(&self) -> Country {
        self.home
    }

    /// Country code of the home country, such as `48`.
    #[must_use]
    pub fn home_code(&self) -> &str {
        // Made of ASCII digits, so the conversion cannot fail.
        std::str::from_utf8(&self.plan.code.text).unwrap_or_default()
    }

    /// International prefixes of the home country, such as `00` or `011`, longest first.
    pub fn international_prefixes(&self) -> impl Iterator<Item = &[u8]> {
        self.plan.international_prefixes.iter().map(|prefix| &prefix.text[..])
    }

    /// National prefix of the home country, such as `0`; empty when there is none.
    #[must_use]
    pub fn national_prefix(&self) -> &[u8] {
        &self.plan.national_prefix.text
    }

    /// Country of a number; `None` when its country code is assigned to none, [`GLOBAL_SERVICE`] when it belongs to
    /// no country. A number in no allocated block of a shared country code is given to the code's main country.
    #[must_use]
    pub fn country(&self, number: Number) -> Option<Country> {
        self.world.country(number)
    }

    /// Whether a number is of the home country. Asks the library only where its country code is shared.
    #[must_use]
    pub fn is_home(&self, number: Number) -> bool {
        World::has_code(number, &self.plan.code.text) && self.country(number) == Some(self.home)
    }

    /// Whether a number's country code is assigned.
    #[must_use]
    pub fn is_assigned(&self, number: Number) -> bool {
        self.world.is_assigned(number)
    }

    /// Whether a number has as many digits as numbers of its country have. Says less than [`Numbering::kind`], and stays
    /// true when a country opens a block.
    #[must_use]
    pub fn is_possible(&self, number: Number) -> bool {
        self.world.library_number(number).is_some_and(|asked| PHONE_NUMBER_UTIL.is_possible_number(&asked))
    }

    /// Kind of service of a number, by its country's plan. Asks the library: a few tenths of a microsecond.
    #[must_use]
    pub fn kind(&self, number: Number) -> NumberKind {
        let Some(asked) = self.world.library_number(number) else { return NumberKind::Unallocated };
        match PHONE_NUMBER_UTIL.get_number_type(&asked) {
            PhoneNumberType::FixedLine => NumberKind::Fixed,
            PhoneNumberType::Mobile => NumberKind::Mobile,
            PhoneNumberType::FixedLineOrMobile => NumberKind::FixedOrMobile,
            PhoneNumberType::TollFree => NumberKind::TollFree,
            PhoneNumberType::PremiumRate => NumberKind::Premium,
            PhoneNumberType::SharedCost => NumberKind::SharedCost,
            PhoneNumberType::VoIP => NumberKind::Voip,
            PhoneNumberType::PersonalNumber
            | PhoneNumberType::Pager
            | PhoneNumberType::UAN
            | PhoneNumberType::VoiceMail => NumberKind::Other,
            PhoneNumberType::Unknown => NumberKind::Unallocated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::number::{Party, RAW_MAX, Shape};
    use crate::base::route::NumberFormat;
    use proptest::prelude::*;

    pub(super) fn home(code: &str) -> Numbering {
        Numbering::new(Country::parse(code).unwrap()).unwrap()
    }

    pub(super) fn shown(party: &Party) -> String {
        party.number.map_or_else(|| Shape::NAMES[party.shape as usize].into(), |number| number.to_string())
    }

    #[test]
    fn refuses_countries_without_a_plan() {
        assert_eq!(Numbering::new(Country(*b"ZZ")).unwrap_err(), Country(*b"ZZ"));
        assert_eq!(Numbering::new(Country(*b"XG")).unwrap_err(), Country(*b"XG"));
    }

    #[test]
    fn knows_the_home_prefixes() {
        for (country, code, national, international) in [
            ("PL", "48", "", "00"),
            ("DE", "49", "0", "00"),
            ("US", "1", "1", "011"),
            ("IT", "39", "", "00"),
            ("RU", "7", "8", "810"),
            ("HU", "36", "06", "00"),
            ("JP", "81", "0", "010"),
            ("AU", "61", "0", "0011"),
        ] {
            let plan = home(country);
            assert_eq!(plan.home_code(), code, "{country}");
            assert_eq!(plan.national_prefix(), national.as_bytes(), "{country}");
            assert!(
                plan.international_prefixes().any(|prefix| prefix == international.as_bytes()),
                "{country}"
            );
            assert!(plan.international_prefixes().any(|prefix| prefix == b"00"), "{country}");
        }
    }

    #[test]
    fn knows_countries_and_kinds() {
        let plan = home("PL");
        for (digits, country, kind) in [
            ("48601234567", Some("PL"), NumberKind::Mobile),
            ("48221234567", Some("PL"), NumberKind::Fixed),
            ("48800123456", Some("PL"), NumberKind::TollFree),
            ("48701234567", Some("PL"), NumberKind::Premium),
            ("48112", Some("PL"), NumberKind::Unallocated),
            ("48123", Some("PL"), NumberKind::Unallocated),
            ("12125551234", Some("US"), NumberKind::FixedOrMobile),
            ("16475551234", Some("CA"), NumberKind::FixedOrMobile),
            ("18765551234", Some("JM"), NumberKind::Mobile),
            ("10005551234", Some("US"), NumberKind::Unallocated),
            ("77012345678", Some("KZ"), NumberKind::Mobile),
            ("74951234567", Some("RU"), NumberKind::Fixed),
            ("447911123456", Some("GG"), NumberKind::Mobile),
            ("447400123456", Some("GB"), NumberKind::Mobile),
            ("390612345678", Some("IT"), NumberKind::Fixed),
            ("390669812345", Some("VA"), NumberKind::Fixed),
            ("35318123456", Some("IE"), NumberKind::Fixed),
            ("38349123456", Some("XK"), NumberKind::Mobile),
            ("870301234567", Some("XG"), NumberKind::Mobile),
            ("80012345678", Some("XG"), NumberKind::TollFree),
            ("21012345678", None, NumberKind::Unallocated),
            ("99912345678", None, NumberKind::Unallocated),
        ] {
            let number = Number::from_digits(digits.as_bytes()).unwrap();
            assert_eq!(
                plan.country(number).map(|country| country.to_string()).as_deref(),
                country,
                "{digits}"
            );
            assert_eq!(plan.kind(number), kind, "{digits}");
            let is_impossible = country.is_none() || digits.len() < 6;
            assert_eq!(plan.is_possible(number), !is_impossible, "{digits}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(raw in proptest::collection::vec(any::<u8>(), 0..60), nature in 0..4, hint in 0..4) {
            static PLAN: std::sync::LazyLock<Numbering> = std::sync::LazyLock::new(|| home("IT"));
            let nature = [Nature::National, Nature::International, Nature::Subscriber, Nature::Unknown][nature as usize];
            let hint = [NumberFormat::Auto, NumberFormat::AutoAbroad, NumberFormat::International, NumberFormat::National][hint as usize];
            let party = PLAN.party(&raw, nature, hint);
            prop_assert_eq!(party.number.is_some(), party.shape == Shape::Valid);
            prop_assert_eq!(party.raw.as_slice(), &raw[..raw.len().min(RAW_MAX)]);
        }

        #[test]
        fn any_number_has_a_kind(value in 10_000u64..1_000_000_000_000_000) {
            static PLAN: std::sync::LazyLock<Numbering> = std::sync::LazyLock::new(|| home("IT"));
            let number = Number::from_digits(value.to_string().as_bytes()).unwrap();
            let (country, kind) = (PLAN.country(number), PLAN.kind(number));
            prop_assert!(country.is_some() || kind == NumberKind::Unallocated);
        }
    }
}
