//! Fields of what the setup says beside its numbers: what kind of subscriber calls, who vouches for the number, and whether it
//! can be read in two ways.

use crate::base::field::{Type, Value};
use crate::call::{Attestation, Category, Verstat};
use crate::feature::fields::{CODE, Row, code, number, row, truth, word};

pub(super) const CLAIMS: &[Row] = &[
    row(
        "caller.category",
        Type::Enum(&Category::NAMES),
        "Kind of subscriber that calls, as the setup says: `cpc` (SIP), calling party's category (ISUP)",
        |m| m.call.claims.category.map_or(Value::Unknown, |category| word(category as u8)),
    ),
    row(
        "caller.verstat",
        Type::Enum(&Verstat::NAMES),
        "What a network before us says it found when it verified the calling number (SIP `verstat`)",
        |m| m.call.claims.verstat.map_or(Value::Unknown, |verstat| word(verstat as u8)),
    ),
    row(
        "caller.attestation",
        Type::Enum(&Attestation::NAMES),
        "How well the originating network says it knows that the caller may use the number: `a` full, `b` partial, `c` gateway",
        |m| m.call.claims.attestation.map_or(Value::Unknown, |attestation| word(attestation as u8)),
    ),
    row(
        "caller.name_shows_other",
        Type::Bool,
        "The display name is a telephone number, and not the calling number (SIP)",
        |m| truth(m.call.claims.name_shows_other),
    ),
    row(
        "caller.isup_disagrees",
        Type::Bool,
        "The ISUP message inside the INVITE names another calling number",
        |m| truth(m.call.claims.isup_caller_differs),
    ),
    row(
        "called.isup_disagrees",
        Type::Bool,
        "The ISUP message inside the INVITE names another called number",
        |m| truth(m.call.claims.isup_called_differs),
    ),
    row(
        "called.ported",
        Type::Bool,
        "The called number is ported, says the setup; unknown when no database was asked",
        |m| truth(m.call.claims.is_ported),
    ),
    row(
        "called.routing_number",
        Type::Number,
        "Routing number of a ported called number, when it is an international one",
        |m| number(m.call.claims.routing_number),
    ),
    row("hops", CODE, "How many more hops the call may take: Max-Forwards (SIP), hop counter (ISUP)", |m| {
        code(m.call.claims.hops.map(u16::from))
    }),
    row(
        "ambiguous",
        Type::Bool,
        "Switches may read the setup in more than one way: contradicting headers or parameters, stray line ends, disguised digits",
        |m| Value::Bool(m.call.claims.is_ambiguous),
    ),
];
