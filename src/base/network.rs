//! What the operator told us of its network: routes, home plan, roaming states, emergency numbers. Never changes while
//! a run lasts; made by `config` from the network file.

use std::collections::BTreeSet;

use arrayvec::ArrayVec;
use serde::{Deserialize, Serialize};

use crate::base::field::Country;
use crate::base::frame::MtpPlan;
use crate::base::lists::Lists;
use crate::base::number::{Number, Party, RAW_MAX};
use crate::base::numbering::{NumberKind, Numbering};
use crate::base::roaming::RoamingStates;
use crate::base::route::{Direction, RouteId, Routes};
use crate::base::time::At;

/// Where a subscriber of ours is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum RoamingState {
    /// In the home network.
    Home,
    /// Abroad.
    Roaming,
}

impl RoamingState {
    /// Names in rules and in `roaming.csv`, in the order of the enum.
    pub const NAMES: [&'static str; 2] = ["home", "roaming"];
}

/// The operator's network.
#[derive(Debug)]
pub struct Network {
    /// Routes by address and point code.
    pub routes: Routes,
    /// Home plan, and the world's.
    pub numbering: Numbering,
    /// Roaming states of subscribers, where known.
    pub roaming: RoamingStates,
    /// Emergency numbers as dialled, such as `112`, sorted.
    pub emergency: Vec<String>,
    /// Lists of numbers.
    pub lists: Lists,
    /// Whose point codes each of its SS7 networks has.
    pub mtp: MtpPlan,
}

impl Network {
    /// A network of which nothing is known: no home, no routes, and the world's two common emergency numbers.
    #[must_use]
    pub fn unknown() -> Self {
        Self {
            routes: Routes::new(Vec::new()),
            numbering: Numbering::without_home(),
            roaming: RoamingStates::default(),
            emergency: vec!["112".to_owned(), "911".to_owned()],
            lists: Lists::default(),
            mtp: MtpPlan::default(),
        }
    }

    /// Whether a call that comes or goes by `route` leaves our network for another: it is outbound, or it comes from a
    /// trunk of our own, of subscribers or customers, for a number that is not of the home country.
    #[must_use]
    pub fn is_leaving(&self, (route, direction): (RouteId, Direction), called: Option<Number>) -> bool {
        direction == Direction::Outbound
            || self.routes.route(route).class.is_own()
                && called.is_some_and(|called| !self.numbering.is_home(called))
    }

    /// Whether `called` is an emergency number: as dialled, with an international, home country or national prefix
    /// before it, or with a separator in it; or an emergency service by name (RFC 5031 `urn:service:sos`).
    #[must_use]
    pub fn is_emergency(&self, called: &Party) -> bool {
        let end = called.raw.iter().position(|byte| *byte == b';').unwrap_or(called.raw.len());
        let (raw, parameters) = called.raw.split_at(end);
        if raw.get(..SOS.len()).is_some_and(|start| start.eq_ignore_ascii_case(SOS)) {
            return true;
        }
        !self.is_elsewhere(parameters)
            && (self
                .is_written(raw, |digits| self.emergency.iter().any(|number| number.as_bytes() == digits))
                || self.is_in_home_area(raw))
    }

    /// Whether an emergency number stands behind the prefix of a home area, as one dialled within it does (RFC 3966 §5.1.5). What may
    /// be a number as a whole is that number.
    fn is_in_home_area(&self, raw: &[u8]) -> bool {
        let code = self.numbering.home_code().as_bytes();
        let Some(digits) = raw.strip_prefix(b"+").filter(|_| !code.is_empty()) else { return false };
        digits
            .strip_prefix(code)
            .is_some_and(|local| self.emergency.iter().any(|number| local.ends_with(number.as_bytes())))
            && Number::from_digits(digits).is_ok_and(|number| !self.numbering.is_possible(number))
    }

    /// Whether a local number stands behind a global prefix that is not the home country's (RFC 3966 §5.1.5): it is the end of
    /// another number then.
    fn is_elsewhere(&self, parameters: &[u8]) -> bool {
        parameters.split(|byte| *byte == b';').any(|parameter| {
            let Some((name, [b'=', b'+', prefix @ ..])) = parameter.split_at_checked(CONTEXT.len()) else {
                return false;
            };
            name.eq_ignore_ascii_case(CONTEXT)
                && !prefix
                    .iter()
                    .filter(|byte| byte.is_ascii_digit())
                    .eq(self.numbering.home_code().as_bytes())
        })
    }

    /// Whether digits dialled so far may become an emergency number when more follow (Q.764 §2.1.2: digits come one after
    /// another), as dialled or with a prefix before it.
    #[must_use]
    pub fn may_become_emergency(&self, dialled: &[u8]) -> bool {
        let begins =
            |digits: &[u8]| self.emergency.iter().any(|number| number.as_bytes().starts_with(digits));
        let code = self.numbering.home_code().as_bytes();
        // What so far is only a part of a prefix may become anything.
        begins(dialled)
            || code.starts_with(dialled)
            || self.numbering.national_prefix().starts_with(dialled)
            || self.numbering.international_prefixes().any(|prefix| {
                prefix.starts_with(dialled)
                    || dialled.strip_prefix(prefix).is_some_and(|rest| code.starts_with(rest))
            })
            || self.is_written(dialled, begins)
    }

    /// Whether a number is one that no caller from outside may show: on the protected list, a short code of that list,
    /// or an emergency number.
    #[must_use]
    pub fn is_protected(&self, party: &Party, at: At) -> bool {
        party.number.is_some_and(|number| self.lists.protected.covers(number, at))
            || self.is_emergency(party)
            || !self.lists.short_codes.is_empty()
                && self.is_written(&party.raw, |digits| self.lists.short_codes.contains(digits))
    }

    /// Whether a number costs whoever calls it: on the list, of a global service that bills the caller, or premium rate
    /// by its plan.
    #[must_use]
    pub fn is_high_cost(&self, number: Number, at: At) -> bool {
        self.lists.high_cost.covers(number, at)
            || HIGH_COST_SERVICES.iter().any(|code| number.digits().starts_with(code))
            || self.numbering.kind(number) == NumberKind::Premium
    }

    /// Whether a short code is listed: as it is, or behind an international, home country or national prefix. What was cut, or
    /// holds digits of another script, is no short code, whatever digits are left.
    fn is_written(&self, raw: &[u8], is_listed: impl Fn(&[u8]) -> bool) -> bool {
        if raw.len() >= RAW_MAX || !raw.is_ascii() {
            return false;
        }
        let digits: ArrayVec<u8, RAW_MAX> = raw.iter().copied().filter(u8::is_ascii_digit).collect();
        let code = self.numbering.home_code().as_bytes();
        is_listed(&digits)
            || digits.strip_prefix(code).is_some_and(&is_listed)
            || digits.strip_prefix(self.numbering.national_prefix()).is_some_and(&is_listed)
            || self
                .numbering
                .international_prefixes()
                .filter_map(|prefix| digits.strip_prefix(prefix)?.strip_prefix(code))
                .any(is_listed)
    }
}

/// Global services whose calls cost as much as premium rate: Inmarsat, mobile satellite systems, shared networks,
/// international premium rate (ITU-T E.164 annex to Operational Bulletin, country codes assigned).
const HIGH_COST_SERVICES: [&[u8]; 5] = [b"870", b"881", b"882", b"883", b"979"];

/// Says where a local number is dialled (RFC 3966 §5.1.5).
const CONTEXT: &[u8] = b"phone-context";

/// Emergency services by name, of whatever kind (RFC 5031 §4.2).
const SOS: &[u8] = b"urn:service:sos";

/// Emergency numbers that work from every mobile telephone (3GPP TS 22.101 §10.1).
const EMERGENCY_EVERYWHERE: [&str; 2] = ["112", "911"];

/// National emergency numbers beside these, by country. What a country adds later, or calls an emergency number
/// without being one in law, the operator adds in the network file.
#[rustfmt::skip]
const EMERGENCY_BY_COUNTRY: &[(&str, &[&str])] = &[
    ("AE", &["997", "998", "999"]),
    ("AL", &["127", "128", "129"]),
    ("AM", &["101", "102", "103"]),
    ("AR", &["100", "101", "107"]),
    ("AT", &["122", "133", "140", "141", "144"]),
    ("AU", &["000", "106"]),
    ("AZ", &["101", "102", "103"]),
    ("BA", &["122", "123", "124"]),
    ("BD", &["999"]),
    ("BE", &["100", "101"]),
    ("BG", &["150", "160", "166"]),
    ("BH", &["999"]),
    ("BO", &["110", "118", "119"]),
    ("BR", &["190", "191", "192", "193", "194", "197", "198", "199"]),
    ("BY", &["101", "102", "103", "104"]),
    ("CH", &["117", "118", "144", "1414"]),
    ("CL", &["131", "132", "133"]),
    ("CN", &["110", "119", "120", "122"]),
    ("CO", &["123"]),
    ("CU", &["104", "105", "106"]),
    ("CY", &["199"]),
    ("CZ", &["150", "155", "156", "158"]),
    ("DE", &["110"]),
    ("DZ", &["14", "17"]),
    ("EC", &["101", "102"]),
    ("EE", &["110"]),
    ("EG", &["122", "123", "180"]),
    ("ES", &["061", "062", "080", "085", "091", "092"]),
    ("FR", &["15", "17", "18", "114", "115", "119", "191", "196"]),
    ("GB", &["999"]),
    ("GH", &["191", "192", "193"]),
    ("GR", &["100", "108", "166", "199"]),
    ("HK", &["999"]),
    ("HR", &["192", "193", "194", "195"]),
    ("HU", &["104", "105", "107"]),
    ("ID", &["110", "113", "115", "118", "119"]),
    ("IE", &["999"]),
    ("IL", &["100", "101", "102"]),
    ("IN", &["100", "101", "102", "108"]),
    ("IQ", &["104", "115", "122"]),
    ("IR", &["110", "115", "125"]),
    ("IT", &["113", "114", "115", "118"]),
    ("JP", &["110", "118", "119"]),
    ("KE", &["999"]),
    ("KR", &["119"]),
    ("KZ", &["101", "102", "103", "104"]),
    ("LB", &["125", "140", "175"]),
    ("LK", &["110", "118", "119", "1990"]),
    ("LU", &["113"]),
    ("LV", &["110", "113"]),
    ("MA", &["15", "19", "150", "177"]),
    ("ME", &["122", "123", "124"]),
    ("MK", &["192", "193", "194"]),
    ("MO", &["999"]),
    ("MY", &["994", "999"]),
    ("NO", &["110", "113"]),
    ("NP", &["100", "101", "102"]),
    ("NZ", &["111"]),
    ("OM", &["9999"]),
    ("PE", &["105", "106", "116"]),
    ("PK", &["15", "16", "115", "1122"]),
    ("PL", &["997", "998", "999"]),
    ("PY", &["128", "131", "132"]),
    ("QA", &["999"]),
    ("RS", &["192", "193", "194"]),
    ("RU", &["101", "102", "103", "104"]),
    ("SA", &["997", "998", "999"]),
    ("SG", &["995", "999"]),
    ("SI", &["113"]),
    ("SK", &["150", "155", "158"]),
    ("TH", &["191", "199", "1669"]),
    ("TN", &["190", "197", "198"]),
    ("TR", &["110", "155", "156", "177"]),
    ("TW", &["110", "119"]),
    ("UA", &["101", "102", "103", "104"]),
    ("UY", &["104", "105"]),
    ("UZ", &["101", "102", "103"]),
    ("VE", &["171"]),
    ("VN", &["113", "114", "115"]),
    ("ZA", &["107", "10111", "10177"]),
];

/// Emergency numbers of a country, with `more` of the operator's own: sorted, each once.
#[must_use]
pub fn emergency_numbers(home: Country, more: &[String]) -> Vec<String> {
    let home = home.to_string();
    let national = EMERGENCY_BY_COUNTRY
        .iter()
        .find(|(country, _)| *country == home)
        .map_or(&[][..], |(_, numbers)| numbers);
    let built_in = EMERGENCY_EVERYWHERE.iter().chain(national).map(|number| (*number).to_owned());
    let all: BTreeSet<String> = built_in.chain(more.iter().cloned()).collect();
    all.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::number::Raw;
    use crate::base::numbering::Nature;
    use crate::base::route::NumberFormat;

    fn network(home: &str) -> Network {
        let home = Country::parse(home).unwrap();
        Network {
            routes: Routes::new(Vec::new()),
            numbering: Numbering::new(home).unwrap(),
            roaming: RoamingStates::default(),
            emergency: emergency_numbers(home, &["116117".into()]),
            lists: Lists::default(),
            mtp: MtpPlan::default(),
        }
    }

    #[test]
    fn finds_emergency_calls_however_dialled() {
        for (home, raw, expected) in [
            ("PL", "112", true),
            ("PL", "+48112", true),
            ("PL", "0048112", true),
            ("PL", "48112", true),
            ("PL", "1-1-2", true),
            ("PL", "112;phone-context=+48", true),
            ("PL", "+48 997", true),
            ("PL", "911", true),
            ("PL", "116117", true),
            ("PL", "urn:service:sos.police", true),
            ("PL", "URN:service:SOS", true),
            ("PL", "601112112", false),
            ("PL", "+48601112112", false),
            ("PL", "48601112997", false),
            ("PL", "49112", false),
            ("PL", "1122", false),
            ("PL", "110", false),
            ("PL", "", false),
            ("PL", "anonymous", false),
            ("DE", "0112", true),
            ("DE", "110", true),
            ("US", "+1911", true),
            ("US", "0111911", true),
            ("AU", "000", true),
            ("AU", "+61000", true),
            ("FR", "15", true),
            ("FR", "+3315", true),
        ] {
            let network = network(home);
            let called = network.numbering.party(raw.as_bytes(), Nature::Unknown, NumberFormat::Auto);
            assert_eq!(network.is_emergency(&called), expected, "{home} {raw}");
        }
    }

    #[test]
    fn the_end_of_another_number_is_no_emergency_call() {
        for (raw, expected) in [
            ("112;phone-context=+48", true),
            ("112;phone-context=ims.example", true),
            ("112;isub=1;Phone-Context=+4-8", true),
            ("+4822112", true),
            ("+48221234112", false),
            ("+4922112", false),
            ("112;phone-context=+8821300", false),
            ("112;isub=1;PHONE-CONTEXT=+8821", false),
            ("112;phone-context=+481", false),
            ("112;phone-context=+", false),
            ("112٨٨٢", false),
            // 29 separators make 32 octets: more may have been cut.
            ("112-----------------------------", false),
            ("112----------------------------", true),
        ] {
            let called = Party { raw: Raw::try_from(raw.as_bytes()).unwrap(), ..Party::default() };
            assert_eq!(network("PL").is_emergency(&called), expected, "{raw}");
        }
    }

    #[test]
    fn a_number_dialled_in_part_may_become_an_emergency_number() {
        for (home, dialled, expected) in [
            ("PL", "", true),
            ("PL", "11", true),
            ("PL", "112", true),
            ("PL", "4", true),
            ("PL", "4811", true),
            ("PL", "004", true),
            ("PL", "004811", true),
            ("PL", "1121", false),
            ("PL", "60", false),
            ("PL", "0049", false),
            ("PL", "48601234567", false),
            ("DE", "011", true),
            ("DE", "0171", false),
        ] {
            assert_eq!(network(home).may_become_emergency(dialled.as_bytes()), expected, "{home} {dialled}");
        }
    }

    #[test]
    fn tables_are_in_order() {
        assert!(EMERGENCY_BY_COUNTRY.is_sorted_by(|a, b| a.0 < b.0));
        for (country, numbers) in EMERGENCY_BY_COUNTRY {
            assert!(Numbering::new(Country::parse(country).unwrap()).is_ok(), "{country}");
            assert!(
                numbers.iter().all(|number| number.bytes().all(|byte| byte.is_ascii_digit())),
                "{country}"
            );
        }
    }
}
