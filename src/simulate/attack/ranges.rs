//! Ranges that attackers call from and to: allocated by their national plans, and empty of people.
//!
//! People's numbers come from the blocks of [`NATIONS`]. A sender who rents numbers gets blocks of their own, so the
//! ranges here lie beside those (a test compares them). Countries with `is_high_cost` are those that wholesale lists
//! of international revenue share numbers name most; nothing is said of who holds a number in them.

use crate::simulate::countries::{Block, NATIONS};

/// A country, or a satellite network by its code, with ranges that can be rented.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rented {
    /// ISO 3166-1 alpha-2, or the code of a satellite network.
    pub name: &'static str,
    /// A call there costs much, and pays whoever holds the number.
    pub is_high_cost: bool,
    /// Mobile numbers.
    pub mobile: Block,
    /// Fixed numbers.
    pub fixed: Option<Block>,
}

const fn rented(name: &'static str, is_high_cost: bool, mobile: Block, fixed: Option<Block>) -> Rented {
    Rented { name, is_high_cost, mobile, fixed }
}

/// Every country, by its letters; satellite networks first.
#[rustfmt::skip]
pub(super) const RENTED: &[Rented] = &[
    rented("870", true, ("87077", 7), None),
    rented("881", true, ("88163", 7), None),
    rented("882", true, ("88216", 8), None),
    rented("AL", true, ("35569", 7), Some(("355422", 5))),
    rented("AT", false, ("43650", 7), Some(("43316", 6))),
    rented("AZ", true, ("99450", 7), Some(("99412", 7))),
    rented("BA", true, ("38761", 6), Some(("387332", 5))),
    rented("BE", false, ("32468", 6), Some(("3292", 6))),
    rented("BY", true, ("375291", 6), Some(("37517", 7))),
    rented("CD", true, ("24381", 7), None),
    rented("CH", false, ("4178", 7), Some(("4161", 7))),
    rented("CU", true, ("535", 7), Some(("537", 7))),
    rented("CZ", false, ("420775", 6), Some(("42053", 7))),
    rented("DE", false, ("49157", 8), Some(("4940", 8))),
    rented("DK", false, ("45601", 5), Some(("45361", 5))),
    rented("EE", false, ("3725", 7), Some(("3726", 6))),
    rented("ES", false, ("34611", 6), Some(("34952", 6))),
    rented("FI", false, ("35844", 7), Some(("358313", 6))),
    rented("FR", false, ("3375", 7), Some(("3352", 7))),
    rented("GB", false, ("447770", 6), Some(("44113496", 4))),
    rented("GN", true, ("22466", 7), None),
    rented("HU", false, ("3670", 7), Some(("3662", 6))),
    rented("IE", false, ("35385", 7), Some(("35361", 6))),
    rented("IT", false, ("39333", 7), Some(("39011", 7))),
    rented("LK", true, ("9477", 7), Some(("94112", 6))),
    rented("LT", true, ("37062", 6), None),
    rented("LV", true, ("37126", 6), None),
    rented("MD", true, ("37369", 6), Some(("37322", 6))),
    rented("MG", true, ("26133", 7), None),
    rented("MV", true, ("96079", 5), None),
    rented("NL", false, ("31630", 6), Some(("3130", 7))),
    rented("NO", false, ("4791", 6), Some(("4769", 6))),
    rented("PG", true, ("6757", 7), None),
    rented("PK", true, ("92300", 7), Some(("922132", 6))),
    rented("PL", false, ("48530", 6), Some(("48585", 6))),
    rented("PT", false, ("35193", 7), Some(("351253", 6))),
    rented("RO", false, ("40730", 6), Some(("40268", 6))),
    rented("RS", true, ("38163", 7), Some(("381212", 6))),
    rented("SE", false, ("46721", 6), Some(("4640", 6))),
    rented("SK", false, ("421940", 6), Some(("42137", 7))),
    rented("SL", true, ("23230", 6), None),
    rented("SO", true, ("25263", 7), None),
    rented("TN", true, ("21650", 6), Some(("21674", 6))),
    rented("TR", false, ("90552", 7), Some(("90232", 7))),
    rented("UA", false, ("38063", 7), Some(("38048", 7))),
    rented("US", false, ("1917200", 4), Some(("1917300", 4))),
    rented("ZW", true, ("26377", 7), None),
];

/// The ranges of this name.
pub(super) fn rented_in(name: &str) -> Option<&'static Rented> {
    RENTED.iter().find(|rented| rented.name == name)
}

/// Numbers of a home country that nobody calls from: calling numbers that only a forger sends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Odd {
    /// ISO 3166-1 alpha-2.
    pub iso: &'static str,
    /// Premium rate.
    pub premium: Block,
    /// Toll free: they are called, they do not call. The plainest of the numbers on do-not-originate lists.
    pub toll_free: Block,
    /// In no allocated block of the plan.
    pub unallocated: Block,
    /// Emergency services.
    pub emergency: &'static [&'static str],
    /// Service numbers of a few digits.
    pub short: &'static [&'static str],
}

/// Home countries for which odd numbers are known.
pub(super) const ODD: &[Odd] = &[
    Odd {
        iso: "CZ",
        premium: ("420900", 6),
        toll_free: ("420800", 6),
        unallocated: ("420630", 6),
        emergency: &["112", "150", "155", "158"],
        short: &["1180", "14110"],
    },
    Odd {
        iso: "IE",
        premium: ("3531550", 6),
        toll_free: ("3531800", 6),
        unallocated: ("35384", 7),
        emergency: &["112", "999"],
        short: &["11811", "50005"],
    },
    Odd {
        iso: "PL",
        premium: ("48703", 6),
        toll_free: ("48800", 6),
        unallocated: ("48991", 6),
        emergency: &["112", "997", "998", "999"],
        short: &["118913", "19115"],
    },
];

/// The odd numbers of this country.
pub(super) fn odd_in(iso: &str) -> Option<&'static Odd> {
    ODD.iter().find(|odd| odd.iso == iso)
}

/// Blocks in which people of a country live, mobile or fixed.
pub(super) fn people_in(iso: &str, is_mobile: bool) -> Option<&'static [Block]> {
    let nation = NATIONS.iter().find(|nation| nation.iso == iso)?;
    Some(if is_mobile { nation.mobile } else { nation.fixed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::field::Country;
    use crate::base::number::Number;
    use crate::base::numbering::{NumberKind, Numbering};

    fn numbers((prefix, digits): Block) -> impl Iterator<Item = Number> {
        ["00000000", "12345678", "50505050", "99999999", "80317264"].into_iter().map(move |tail| {
            let text = format!("{prefix}{}", &tail[..digits as usize]);
            Number::from_digits(text.as_bytes()).unwrap()
        })
    }

    #[test]
    fn ranges_are_allocated_where_they_say() {
        let numbering = Numbering::new(Country::parse("PL").unwrap()).unwrap();
        let mut wrong = Vec::new();
        for rented in RENTED {
            for block in [Some(rented.mobile), rented.fixed].into_iter().flatten() {
                for number in numbers(block) {
                    let country = numbering.country(number).map(|country| country.to_string());
                    let is_there = rented.name.starts_with(|c: char| c.is_ascii_digit())
                        || country.as_deref() == Some(rented.name);
                    if numbering.kind(number) == NumberKind::Unallocated || !is_there {
                        wrong.push(format!("{} {number}: {:?}", rented.name, numbering.kind(number)));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        assert!(RENTED.is_sorted_by(|a, b| a.name < b.name));
    }

    #[test]
    fn nobody_lives_in_rented_ranges() {
        let people: Vec<Block> = NATIONS
            .iter()
            .filter(|nation| nation.weight > 0.0)
            .flat_map(|n| [n.mobile, n.fixed].concat())
            .collect();
        for rented in RENTED {
            for (prefix, _) in [Some(rented.mobile), rented.fixed].into_iter().flatten() {
                let lives =
                    people.iter().find(|(other, _)| other.starts_with(prefix) || prefix.starts_with(other));
                assert_eq!(lives, None, "{}", rented.name);
            }
        }
    }

    #[test]
    fn odd_numbers_are_of_their_kind() {
        for odd in ODD {
            let numbering = Numbering::new(Country::parse(odd.iso).unwrap()).unwrap();
            for (block, kind) in [
                (odd.premium, NumberKind::Premium),
                (odd.toll_free, NumberKind::TollFree),
                (odd.unallocated, NumberKind::Unallocated),
            ] {
                for number in numbers(block) {
                    assert_eq!(numbering.kind(number), kind, "{} {number}", odd.iso);
                }
            }
        }
    }
}
