//! How each message type is laid out: which parameters are mandatory, in which order, and whether optional ones follow.
//! ITU-T Q.763 §4, tables 21 to 53 (1999), which Q.1902.3 shares; ANSI T1.113.3; codes in Q.763 table 4.

use crate::wire::isup::parameter::{
    BACKWARD_CALL_INDICATORS, CALLED_NUMBER, CALLING_CATEGORY, CAUSE_INDICATORS, CHARGE_INFORMATION,
    CIRCUIT_CHARACTERISTIC_INDICATOR, CIRCUIT_STATE_INDICATOR, CIRCUIT_VALIDATION_RESPONSE,
    CONTINUITY_INDICATORS, EVENT_INFORMATION, FACILITY_INDICATOR, FORWARD_CALL_INDICATORS,
    GROUP_SUPERVISION_TYPE, INFORMATION_INDICATORS, INFORMATION_REQUEST_INDICATORS,
    NATURE_OF_CONNECTION_INDICATORS, RANGE_AND_STATUS, SUBSEQUENT_NUMBER, SUSPEND_RESUME_INDICATORS,
    TRANSMISSION_MEDIUM_REQUIREMENT, USER_SERVICE_INFORMATION, USER_TO_USER_INFORMATION,
};
use crate::wire::isup::{MessageType, Variant};

/// What a message type is called and how it is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Its code.
    pub message_type: MessageType,
    /// Its acronym (Q.762 table 1).
    pub acronym: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Mandatory parameters of fixed length: code and octets, in order.
    pub fixed: &'static [(u8, usize)],
    /// Mandatory parameters of variable length: codes, in the order of their pointers.
    pub variable: &'static [u8],
    /// What comes after the mandatory parameters.
    pub rest: Rest,
}

/// What comes after the mandatory parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing.
    Nothing,
    /// What only the network that sends it can read, or another whole message (PAM).
    Opaque,
    /// Optional parameters, by a pointer.
    Optional,
}

use Rest::{Nothing, Opaque, Optional};

impl Layout {
    /// The layout of a message type, if the variant has it.
    #[inline]
    #[must_use]
    pub fn of(variant: Variant, message_type: MessageType) -> Option<&'static Self> {
        let own: &[Self] = match variant {
            Variant::Ansi => &ANSI,
            Variant::China => &CHINA,
            Variant::Bicc | Variant::Itu => &[],
        };
        own.iter().find(|layout| layout.message_type == message_type).or_else(|| {
            let place = ITU_PLACES.get(usize::from(message_type.0)).copied().unwrap_or_default();
            ITU.get(usize::from(place))
        })
    }

    /// Every layout: those of Q.763, then what T1.113 and the Chinese standard write differently or besides.
    pub fn all() -> impl Iterator<Item = (Variant, &'static Self)> {
        let itu = ITU.iter().map(|layout| (Variant::Itu, layout));
        let ansi = ANSI.iter().map(|layout| (Variant::Ansi, layout));
        itu.chain(ansi).chain(CHINA.iter().map(|layout| (Variant::China, layout)))
    }

    const fn bare(code: u8, acronym: &'static str, name: &'static str) -> Self {
        Self { message_type: MessageType(code), acronym, name, fixed: &[], variable: &[], rest: Nothing }
    }

    const fn with(mut self, fixed: &'static [(u8, usize)], variable: &'static [u8], rest: Rest) -> Self {
        self.fixed = fixed;
        self.variable = variable;
        self.rest = rest;
        self
    }

    const fn then(mut self, rest: Rest) -> Self {
        self.rest = rest;
        self
    }
}

const BACKWARD: &[(u8, usize)] = &[(BACKWARD_CALL_INDICATORS, 2)];
const CONNECTION: (u8, usize) = (NATURE_OF_CONNECTION_INDICATORS, 1);
const FACILITY: &[(u8, usize)] = &[(FACILITY_INDICATOR, 1)];
const FORWARD: (u8, usize) = (FORWARD_CALL_INDICATORS, 2);
const CATEGORY: (u8, usize) = (CALLING_CATEGORY, 1);
const GROUP: &[(u8, usize)] = &[(GROUP_SUPERVISION_TYPE, 1)];
const MEDIUM: (u8, usize) = (TRANSMISSION_MEDIUM_REQUIREMENT, 1);
const RANGE: &[u8] = &[RANGE_AND_STATUS];
const SUSPENSION: &[(u8, usize)] = &[(SUSPEND_RESUME_INDICATORS, 1)];

/// Q.763 table 4. Of the types reserved for what the versions of 1984 and 1988 used, the names only.
const ITU: [Layout; 57] = [
    Layout::bare(0x01, "IAM", "initial address").with(
        &[CONNECTION, FORWARD, CATEGORY, MEDIUM],
        &[CALLED_NUMBER],
        Optional,
    ),
    Layout::bare(0x02, "SAM", "subsequent address").with(&[], &[SUBSEQUENT_NUMBER], Optional),
    Layout::bare(0x03, "INR", "information request").with(
        &[(INFORMATION_REQUEST_INDICATORS, 2)],
        &[],
        Optional,
    ),
    Layout::bare(0x04, "INF", "information").with(&[(INFORMATION_INDICATORS, 2)], &[], Optional),
    Layout::bare(0x05, "COT", "continuity").with(&[(CONTINUITY_INDICATORS, 1)], &[], Nothing),
    Layout::bare(0x06, "ACM", "address complete").with(BACKWARD, &[], Optional),
    Layout::bare(0x07, "CON", "connect").with(BACKWARD, &[], Optional),
    Layout::bare(0x08, "FOT", "forward transfer").then(Optional),
    Layout::bare(0x09, "ANM", "answer").then(Optional),
    Layout::bare(0x0C, "REL", "release").with(&[], &[CAUSE_INDICATORS], Optional),
    Layout::bare(0x0D, "SUS", "suspend").with(SUSPENSION, &[], Optional),
    Layout::bare(0x0E, "RES", "resume").with(SUSPENSION, &[], Optional),
    Layout::bare(0x10, "RLC", "release complete").then(Optional),
    Layout::bare(0x11, "CCR", "continuity check request"),
    Layout::bare(0x12, "RSC", "reset circuit"),
    Layout::bare(0x13, "BLO", "blocking"),
    Layout::bare(0x14, "UBL", "unblocking"),
    Layout::bare(0x15, "BLA", "blocking acknowledgement"),
    Layout::bare(0x16, "UBA", "unblocking acknowledgement"),
    Layout::bare(0x17, "GRS", "circuit group reset").with(&[], RANGE, Nothing),
    Layout::bare(0x18, "CGB", "circuit group blocking").with(GROUP, RANGE, Nothing),
    Layout::bare(0x19, "CGU", "circuit group unblocking").with(GROUP, RANGE, Nothing),
    Layout::bare(0x1A, "CGBA", "circuit group blocking acknowledgement").with(GROUP, RANGE, Nothing),
    Layout::bare(0x1B, "CGUA", "circuit group unblocking acknowledgement").with(GROUP, RANGE, Nothing),
    Layout::bare(0x1C, "CMR", "call modification request (1988)").then(Opaque),
    Layout::bare(0x1D, "CMC", "call modification completed (1988)").then(Opaque),
    Layout::bare(0x1E, "CMRJ", "call modification reject (1988)").then(Opaque),
    Layout::bare(0x1F, "FAR", "facility request").with(FACILITY, &[], Optional),
    Layout::bare(0x20, "FAA", "facility accepted").with(FACILITY, &[], Optional),
    Layout::bare(0x21, "FRJ", "facility reject").with(FACILITY, &[CAUSE_INDICATORS], Optional),
    Layout::bare(0x22, "FAD", "facility deactivated (1984)").then(Opaque),
    Layout::bare(0x23, "FAI", "facility information (1984)").then(Opaque),
    Layout::bare(0x24, "LPA", "loop back acknowledgement"),
    Layout::bare(0x25, "CSVR", "CUG selection and validation request (1984)").then(Opaque),
    Layout::bare(0x26, "CSVS", "CUG selection and validation response (1984)").then(Opaque),
    Layout::bare(0x27, "DRS", "delayed release (1988)").then(Opaque),
    Layout::bare(0x28, "PAM", "pass-along").then(Opaque),
    Layout::bare(0x29, "GRA", "circuit group reset acknowledgement").with(&[], RANGE, Nothing),
    Layout::bare(0x2A, "CQM", "circuit group query").with(&[], RANGE, Nothing),
    Layout::bare(0x2B, "CQR", "circuit group query response").with(
        &[],
        &[RANGE_AND_STATUS, CIRCUIT_STATE_INDICATOR],
        Nothing,
    ),
    Layout::bare(0x2C, "CPG", "call progress").with(&[(EVENT_INFORMATION, 1)], &[], Optional),
    Layout::bare(0x2D, "USR", "user-to-user information").with(&[], &[USER_TO_USER_INFORMATION], Optional),
    Layout::bare(0x2E, "UCIC", "unequipped circuit identification code"),
    Layout::bare(0x2F, "CFN", "confusion").with(&[], &[CAUSE_INDICATORS], Optional),
    Layout::bare(0x30, "OLM", "overload"),
    Layout::bare(0x31, "CRG", "charge information").then(Opaque),
    Layout::bare(0x32, "NRM", "network resource management").then(Optional),
    Layout::bare(0x33, "FAC", "facility").then(Optional),
    Layout::bare(0x34, "UPT", "user part test").then(Optional),
    Layout::bare(0x35, "UPA", "user part available").then(Optional),
    Layout::bare(0x36, "IDR", "identification request").then(Optional),
    Layout::bare(0x37, "IRS", "identification response").then(Optional),
    Layout::bare(0x38, "SGM", "segmentation").then(Optional),
    Layout::bare(0x40, "LOP", "loop prevention").then(Optional),
    Layout::bare(0x41, "APM", "application transport").then(Optional),
    Layout::bare(0x42, "PRI", "pre-release information").then(Optional),
    Layout::bare(0x43, "SDM", "subsequent directory number").then(Optional),
];

/// What T1.113 writes differently, and its own types.
const ANSI: [Layout; 6] = [
    Layout::bare(0x01, "IAM", "initial address").with(
        &[CONNECTION, FORWARD, CATEGORY],
        &[USER_SERVICE_INFORMATION, CALLED_NUMBER],
        Optional,
    ),
    Layout::bare(0xE9, "CRA", "circuit reservation acknowledgement"),
    Layout::bare(0xEA, "CRM", "circuit reservation").with(&[CONNECTION], &[], Nothing),
    Layout::bare(0xEB, "CVR", "circuit validation response").with(
        &[(CIRCUIT_VALIDATION_RESPONSE, 1), (CIRCUIT_CHARACTERISTIC_INDICATOR, 1)],
        &[],
        Optional,
    ),
    Layout::bare(0xEC, "CVT", "circuit validation test"),
    Layout::bare(0xED, "EXM", "exit").then(Optional),
];

/// What the Chinese standard adds for metering and operators.
const CHINA: [Layout; 3] = [
    Layout::bare(0xFC, "CCL", "calling party clearing").then(Optional),
    Layout::bare(0xFD, "MPM", "metering pulse").with(&[(CHARGE_INFORMATION, 2)], &[], Optional),
    Layout::bare(0xFE, "OPR", "operator").then(Optional),
];

/// Where in [`ITU`] each code is; past its end for one that is not there.
static ITU_PLACES: [u8; 256] = places();

#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]
const fn places() -> [u8; 256] {
    let mut places = [u8::MAX; 256];
    let mut place = 0;
    while place < ITU.len() {
        places[ITU[place].message_type.0 as usize] = place as u8;
        place += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn every_row_is_found_under_its_code() {
        for (variant, layout) in Layout::all() {
            assert_eq!(Layout::of(variant, layout.message_type), Some(layout));
        }
        for variant in [Variant::Bicc, Variant::Itu] {
            let known = (0..=u8::MAX).filter(|code| Layout::of(variant, MessageType(*code)).is_some());
            assert_eq!(known.count(), ITU.len());
            assert_eq!(Layout::of(variant, MessageType(0xED)), None);
        }
    }

    #[test]
    fn the_variants_differ_where_their_standards_do() {
        let of = |variant, code| Layout::of(variant, MessageType(code)).unwrap();
        assert_eq!(of(Variant::Itu, 1).fixed.len(), 4);
        assert_eq!(of(Variant::Ansi, 1).variable, [USER_SERVICE_INFORMATION, CALLED_NUMBER]);
        assert_eq!(of(Variant::Ansi, 0xED).acronym, "EXM");
        assert_eq!(of(Variant::China, 0xFC).acronym, "CCL");
        assert_eq!(of(Variant::Ansi, 6), of(Variant::Bicc, 6));
    }
}
