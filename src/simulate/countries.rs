//! Countries that calls come from and go to: blocks of their numbering plans, and how often people call them.
//!
//! A block is a prefix with its country code and how many digits follow. The blocks lie in ranges that national plans
//! allocate (`Numbering` agrees, a test asks it); who holds a number in them is not known here, and no number is
//! anybody's on purpose.

/// A prefix with its country code, and how many digits follow.
pub type Block = (&'static str, u32);

/// A country.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nation {
    /// ISO 3166-1 alpha-2.
    pub iso: &'static str,
    /// Country code, such as `48`.
    pub code: &'static str,
    /// Hours from UTC, without summer time.
    pub utc_offset_h: i8,
    /// Share of international calls, before normalisation; 0 where people hardly ever call.
    pub weight: f64,
    /// Mobile numbers.
    pub mobile: &'static [Block],
    /// Fixed numbers.
    pub fixed: &'static [Block],
}

const fn nation(
    (iso, code): (&'static str, &'static str),
    utc_offset_h: i8,
    weight: f64,
    mobile: &'static [Block],
    fixed: &'static [Block],
) -> Nation {
    Nation { iso, code, utc_offset_h, weight, mobile, fixed }
}

/// Every country, by its code letters.
#[rustfmt::skip]
pub const NATIONS: &[Nation] = &[
    nation(("AT", "43"), 1, 4.0, &[("43664", 7), ("43676", 7)], &[("4315", 6), ("43732", 6)]),
    nation(("AU", "61"), 10, 1.0, &[("61412", 6), ("61491", 6)], &[("6128", 7), ("6139", 7)]),
    nation(("BE", "32"), 1, 4.0, &[("32475", 6), ("32486", 6)], &[("3225", 6), ("3234", 6)]),
    nation(("CH", "41"), 1, 3.0, &[("4179", 7), ("4176", 7)], &[("4144", 7), ("4122", 7)]),
    nation(("CZ", "420"), 1, 6.0, &[("420601", 6), ("420731", 6)], &[("4202222", 5), ("42054", 7)]),
    nation(("DE", "49"), 1, 20.0, &[("491512", 7), ("49170", 7), ("49176", 8)], &[("4930", 8), ("4989", 8)]),
    nation(("DK", "45"), 1, 2.0, &[("45204", 5), ("45305", 5)], &[("45335", 5), ("45702", 5)]),
    nation(("ES", "34"), 1, 4.0, &[("34600", 6), ("34650", 6)], &[("34912", 6), ("34932", 6)]),
    nation(("FI", "358"), 2, 1.0, &[("35840", 7), ("35850", 7)], &[("35892", 6), ("35832", 6)]),
    nation(("FR", "33"), 1, 6.0, &[("3361", 7), ("3366", 7)], &[("3314", 7), ("3347", 7)]),
    nation(("GB", "44"), 0, 14.0, &[("447400", 6), ("447900", 6)], &[("4420794", 5), ("44161496", 4)]),
    nation(("GN", "224"), 0, 0.0, &[("22462", 7), ("22465", 7)], &[("2243045", 4)]),
    nation(("HU", "36"), 1, 2.0, &[("3620", 7), ("3630", 7)], &[("361", 7), ("3652", 6)]),
    nation(("IE", "353"), 0, 5.0, &[("35386", 7), ("35387", 7)], &[("3531", 7), ("35321", 7)]),
    nation(("IN", "91"), 5, 2.0, &[("9198", 8), ("9199", 8)], &[("91112", 7), ("91222", 7)]),
    nation(("IT", "39"), 1, 5.0, &[("39347", 7), ("39320", 7)], &[("3906", 8), ("3902", 8)]),
    nation(("LT", "370"), 2, 2.0, &[("37061", 6), ("37068", 6)], &[("37052", 6), ("37037", 6)]),
    nation(("LV", "371"), 2, 0.5, &[("37120", 6), ("37129", 6)], &[("37167", 6), ("37163", 6)]),
    nation(("MG", "261"), 3, 0.0, &[("26132", 7), ("26134", 7)], &[("2612022", 5)]),
    nation(("MV", "960"), 5, 0.0, &[("9607", 6), ("9609", 6)], &[("960330", 4)]),
    nation(("NL", "31"), 1, 8.0, &[("31612", 6), ("31620", 6)], &[("3120", 7), ("3110", 7)]),
    nation(("NO", "47"), 1, 5.0, &[("4740", 6), ("4790", 6)], &[("4722", 6), ("4755", 6)]),
    nation(("PL", "48"), 1, 8.0,
        &[("48601", 6), ("48603", 6), ("48605", 6), ("48607", 6), ("48691", 6), ("48693", 6), ("48695", 6), ("48697", 6),
          ("48501", 6), ("48503", 6), ("48505", 6), ("48507", 6), ("48511", 6), ("48513", 6), ("48515", 6), ("48517", 6)],
        &[("4822500", 4), ("4822600", 4), ("48123", 6), ("48713", 6)]),
    nation(("PT", "351"), 0, 1.0, &[("35191", 7), ("35196", 7)], &[("35121", 7), ("35122", 7)]),
    nation(("RO", "40"), 2, 2.0, &[("40722", 6), ("40740", 6)], &[("40213", 6), ("40264", 6)]),
    nation(("SE", "46"), 1, 4.0, &[("46701", 6), ("46730", 6)], &[("468", 7), ("4631", 7)]),
    nation(("SK", "421"), 1, 2.0, &[("421905", 6), ("421915", 6)], &[("42125", 7), ("42155", 7)]),
    nation(("SL", "232"), 0, 0.0, &[("23276", 6), ("23278", 6)], &[("2322225", 4)]),
    nation(("SO", "252"), 3, 0.0, &[("25261", 7), ("25290", 7)], &[("2521", 6)]),
    nation(("TN", "216"), 1, 0.2, &[("21620", 6), ("21698", 6)], &[("21671", 6), ("21673", 6)]),
    nation(("TR", "90"), 3, 1.5, &[("90532", 7), ("90542", 7)], &[("90212", 7), ("90312", 7)]),
    nation(("UA", "380"), 2, 12.0, &[("38050", 7), ("38067", 7)], &[("38044", 7), ("38032", 7)]),
    nation(("US", "1"), -5, 6.0, &[("1212200", 4), ("1415200", 4), ("1305200", 4)], &[("1212300", 4), ("1312300", 4)]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::field::Country;
    use crate::base::number::Number;
    use crate::base::numbering::{NumberKind, Numbering};

    #[test]
    fn blocks_are_of_the_kind_and_country_they_say() {
        let numbering = Numbering::new(Country::parse("PL").unwrap()).unwrap();
        let mut wrong = Vec::new();
        for nation in NATIONS {
            for (kind, blocks) in [(NumberKind::Mobile, nation.mobile), (NumberKind::Fixed, nation.fixed)] {
                for (prefix, digits) in blocks {
                    for tail in ["00000000", "12345678", "50505050", "99999999", "80317264"] {
                        let text = format!("{prefix}{}", &tail[..*digits as usize]);
                        let number = Number::from_digits(text.as_bytes()).unwrap();
                        let found = numbering.kind(number);
                        let fits = found == kind || found == NumberKind::FixedOrMobile;
                        let country = numbering.country(number).map(|country| country.to_string());
                        if !fits || country.as_deref() != Some(nation.iso) || !prefix.starts_with(nation.code)
                        {
                            wrong.push(format!("{} {text}: {found:?} {country:?}", nation.iso));
                        }
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        assert!(NATIONS.is_sorted_by(|a, b| a.iso < b.iso));
    }
}
