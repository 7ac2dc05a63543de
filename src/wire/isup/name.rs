//! Every parameter code with its name. ITU-T Q.763 table 5 (1999), which Q.1902.3 shares, with later amendments; ANSI
//! T1.113.3, where it has codes of its own or other names.

use crate::wire::isup::Variant;

/// What a parameter code is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    /// Its code.
    pub code: u8,
    /// Its name.
    pub name: &'static str,
    /// Where its format is described.
    pub section: &'static str,
}

impl Name {
    /// The name of a code, if the variant has one.
    #[must_use]
    pub fn of(variant: Variant, code: u8) -> Option<&'static Self> {
        let own: &[Self] = match variant {
            Variant::Ansi => &ANSI,
            Variant::China => &CHINA,
            Variant::Bicc | Variant::Itu => &[],
        };
        own.iter().chain(&ITU).find(|name| name.code == code)
    }

    /// Every name: those of Q.763, then those of T1.113 and of the Chinese standard.
    pub fn all() -> impl Iterator<Item = (Variant, &'static Self)> {
        let itu = ITU.iter().map(|name| (Variant::Itu, name));
        let ansi = ANSI.iter().map(|name| (Variant::Ansi, name));
        itu.chain(ansi).chain(CHINA.iter().map(|name| (Variant::China, name)))
    }
}

const fn name(code: u8, name: &'static str, section: &'static str) -> Name {
    Name { code, name, section }
}

/// Q.763 table 5, in the order of the codes.
const ITU: [Name; 104] = [
    name(0x00, "end of optional parameters", "Q.763 §3.20"),
    name(0x01, "call reference", "Q.763 §3.8"),
    name(0x02, "transmission medium requirement", "Q.763 §3.54"),
    name(0x03, "access transport", "Q.763 §3.3"),
    name(0x04, "called party number", "Q.763 §3.9"),
    name(0x05, "subsequent number", "Q.763 §3.51"),
    name(0x06, "nature of connection indicators", "Q.763 §3.35"),
    name(0x07, "forward call indicators", "Q.763 §3.23"),
    name(0x08, "optional forward call indicators", "Q.763 §3.38"),
    name(0x09, "calling party's category", "Q.763 §3.11"),
    name(0x0A, "calling party number", "Q.763 §3.10"),
    name(0x0B, "redirecting number", "Q.763 §3.44"),
    name(0x0C, "redirection number", "Q.763 §3.46"),
    name(0x0D, "connection request", "Q.763 §3.17"),
    name(0x0E, "information request indicators", "Q.763 §3.29"),
    name(0x0F, "information indicators", "Q.763 §3.28"),
    name(0x10, "continuity indicators", "Q.763 §3.18"),
    name(0x11, "backward call indicators", "Q.763 §3.5"),
    name(0x12, "cause indicators", "Q.763 §3.12"),
    name(0x13, "redirection information", "Q.763 §3.45"),
    name(0x15, "circuit group supervision message type", "Q.763 §3.13"),
    name(0x16, "range and status", "Q.763 §3.43"),
    name(0x18, "facility indicator", "Q.763 §3.22"),
    name(0x1A, "closed user group interlock code", "Q.763 §3.15"),
    name(0x1D, "user service information", "Q.763 §3.57"),
    name(0x1E, "signalling point code", "Q.763 §3.50"),
    name(0x20, "user-to-user information", "Q.763 §3.61"),
    name(0x21, "connected number", "Q.763 §3.16"),
    name(0x22, "suspend/resume indicators", "Q.763 §3.52"),
    name(0x23, "transit network selection", "Q.763 §3.53"),
    name(0x24, "event information", "Q.763 §3.21"),
    name(0x25, "circuit assignment map", "Q.763 §3.69"),
    name(0x26, "circuit state indicator", "Q.763 §3.14"),
    name(0x27, "automatic congestion level", "Q.763 §3.4"),
    name(0x28, "original called number", "Q.763 §3.39"),
    name(0x29, "optional backward call indicators", "Q.763 §3.37"),
    name(0x2A, "user-to-user indicators", "Q.763 §3.60"),
    name(0x2B, "origination ISC point code", "Q.763 §3.40"),
    name(0x2C, "generic notification indicator", "Q.763 §3.25"),
    name(0x2D, "call history information", "Q.763 §3.7"),
    name(0x2E, "access delivery information", "Q.763 §3.2"),
    name(0x2F, "network specific facility", "Q.763 §3.36"),
    name(0x30, "user service information prime", "Q.763 §3.58"),
    name(0x31, "propagation delay counter", "Q.763 §3.42"),
    name(0x32, "remote operations", "Q.763 §3.48"),
    name(0x33, "service activation", "Q.763 §3.49"),
    name(0x34, "user teleservice information", "Q.763 §3.59"),
    name(0x35, "transmission medium used", "Q.763 §3.56"),
    name(0x36, "call diversion information", "Q.763 §3.6"),
    name(0x37, "echo control information", "Q.763 §3.19"),
    name(0x38, "message compatibility information", "Q.763 §3.33"),
    name(0x39, "parameter compatibility information", "Q.763 §3.41"),
    name(0x3A, "MLPP precedence", "Q.763 §3.34"),
    name(0x3B, "MCID request indicators", "Q.763 §3.31"),
    name(0x3C, "MCID response indicators", "Q.763 §3.32"),
    name(0x3D, "hop counter", "Q.763 §3.80"),
    name(0x3E, "transmission medium requirement prime", "Q.763 §3.55"),
    name(0x3F, "location number", "Q.763 §3.30"),
    name(0x40, "redirection number restriction", "Q.763 §3.47"),
    name(0x43, "call transfer reference", "Q.763 §3.65"),
    name(0x44, "loop prevention indicators", "Q.763 §3.67"),
    name(0x45, "call transfer number", "Q.763 §3.64"),
    name(0x4B, "CCSS", "Q.763 §3.63"),
    name(0x4C, "forward GVNS", "Q.763 §3.66"),
    name(0x4D, "backward GVNS", "Q.763 §3.62"),
    name(0x4E, "redirect capability", "Q.763 §3.96"),
    name(0x5B, "network management controls", "Q.763 §3.68"),
    name(0x65, "correlation id", "Q.763 §3.70"),
    name(0x66, "SCF id", "Q.763 §3.71"),
    name(0x6E, "call diversion treatment indicators", "Q.763 §3.72"),
    name(0x6F, "called IN number", "Q.763 §3.73"),
    name(0x70, "call offering treatment indicators", "Q.763 §3.74"),
    name(0x71, "charged party identification", "Q.763 §3.75"),
    name(0x72, "conference treatment indicators", "Q.763 §3.76"),
    name(0x73, "display information", "Q.763 §3.77"),
    name(0x74, "UID action indicators", "Q.763 §3.78"),
    name(0x75, "UID capability indicators", "Q.763 §3.79"),
    name(0x77, "redirect counter", "Q.763 §3.97"),
    name(0x78, "application transport", "Q.763 §3.82"),
    name(0x79, "collect call request", "Q.763 §3.81"),
    name(0x7A, "CCNR possible indicator", "Q.763 §3.83"),
    name(0x7B, "pivot capability", "Q.763 §3.84"),
    name(0x7C, "pivot routing indicators", "Q.763 §3.85"),
    name(0x7D, "called directory number", "Q.763 §3.86"),
    name(0x7F, "original called IN number", "Q.763 §3.87"),
    name(0x81, "calling geodetic location", "Q.763 §3.88"),
    name(0x82, "HTR information", "Q.763 §3.89"),
    name(0x84, "network routing number", "Q.763 §3.90"),
    name(0x85, "query on release capability", "Q.763 §3.91"),
    name(0x86, "pivot status", "Q.763 §3.92"),
    name(0x87, "pivot counter", "Q.763 §3.93"),
    name(0x88, "pivot routing forward information", "Q.763 §3.94"),
    name(0x89, "pivot routing backward information", "Q.763 §3.95"),
    name(0x8A, "redirect status", "Q.763 §3.98"),
    name(0x8B, "redirect forward information", "Q.763 §3.99"),
    name(0x8C, "redirect backward information", "Q.763 §3.100"),
    name(0x8D, "number portability forward information", "Q.763 §3.101"),
    name(0x8E, "forward CAT indicators", "Q.763, amendments"),
    name(0x8F, "backward CAT indicators", "Q.763, amendments"),
    name(0x96, "automatic re-routing", "Q.1902.3 §6.107"),
    name(0xA6, "IEPS call information", "Q.763, amendments"),
    name(0xA8, "VED information", "Q.763, amendments"),
    name(0xC0, "generic number", "Q.763 §3.26"),
    name(0xC1, "generic digits", "Q.763 §3.24"),
];

/// Codes and names of T1.113 alone.
const ANSI: [Name; 23] = [
    name(0x17, "call modification indicators", "T1.113.3"),
    name(0x1B, "index", "T1.113.3"),
    name(0x3A, "precedence", "T1.113.3"),
    name(0xC0, "generic address", "T1.113.3"),
    name(0xC2, "operator services information", "T1.113.3"),
    name(0xC3, "egress service", "T1.113.3"),
    name(0xC4, "jurisdiction information", "T1.113.3"),
    name(0xC5, "carrier identification", "T1.113.3"),
    name(0xC6, "business group", "T1.113.3"),
    name(0xC7, "generic name", "T1.113.3"),
    name(0xE1, "notification indicator", "T1.113.3"),
    name(0xE3, "transaction request", "T1.113.3"),
    name(0xE5, "circuit group characteristic indicator", "T1.113.3"),
    name(0xE6, "circuit validation response indicator", "T1.113.3"),
    name(0xE7, "outgoing trunk group number", "T1.113.3"),
    name(0xE8, "circuit identification name", "T1.113.3"),
    name(0xE9, "common language location identification", "T1.113.3"),
    name(0xEA, "originating line information", "T1.113.3"),
    name(0xEB, "charge number", "T1.113.3"),
    name(0xEC, "service code", "T1.113.3"),
    name(0xED, "special processing request", "T1.113.3"),
    name(0xEE, "carrier selection information", "T1.113.3"),
    name(0xEF, "network transport", "T1.113.3"),
];

/// Of the Chinese standard alone.
const CHINA: [Name; 1] = [name(0xFE, "charge information", "national")];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::wire::isup::layout::Layout;

    #[test]
    fn a_code_has_one_name_in_each_table() {
        for table in [&ITU[..], &ANSI, &CHINA] {
            assert!(table.is_sorted_by(|before, after| before.code < after.code));
        }
        for (variant, name) in Name::all() {
            assert_eq!(Name::of(variant, name.code), Some(name));
        }
        assert_eq!(Name::of(Variant::Ansi, 0xC0).unwrap().name, "generic address");
        assert_eq!(Name::of(Variant::Bicc, 0xC0).unwrap().name, "generic number");
        assert_eq!(Name::of(Variant::Itu, 0xEB), None);
    }

    #[test]
    fn every_mandatory_parameter_has_a_name() {
        for (variant, layout) in Layout::all() {
            let codes = layout.fixed.iter().map(|(code, _)| code).chain(layout.variable);
            for code in codes {
                assert!(Name::of(variant, *code).is_some(), "{}: {code:02X}", layout.acronym);
            }
        }
    }
}
