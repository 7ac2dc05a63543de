//! Fields of whose number the calling number is: what lists say of it.

use crate::base::field::{Type, Value};
use crate::base::lists::{PrefixSet, Proof};
use crate::base::number::Party;
use crate::feature::fields::{Moment, Row, row};

/// Words of an exemption: `none`, then every proof.
const PROOFS: &[&str] = &["none", Proof::NAMES[0], Proof::NAMES[1], Proof::NAMES[2]];

pub(super) const IDENTITY: &[Row] = &[
    row("caller.on_dno_list", Type::Bool, "The calling number never originates calls, says the list", |m| {
        listed(m, &m.network.lists.dno)
    }),
    row("caller.on_unallocated_list", Type::Bool, "Nobody has the calling number, says the list", |m| {
        listed(m, &m.network.lists.unallocated)
    }),
    row(
        "caller.protected",
        Type::Bool,
        "The calling number is on the protected list, a short code of it, or an emergency number",
        |m| Value::Bool(m.network.is_protected(&m.call.calling, m.at)),
    ),
    row(
        "caller.high_cost",
        Type::Bool,
        "Calls to the calling number are expensive, as `called.high_cost`",
        |m| high_cost(m, &m.call.calling),
    ),
    row(
        "called.high_cost",
        Type::Bool,
        "On the list, premium rate by its plan, or of +870, +881, +882, +883, +979",
        |m| high_cost(m, &m.call.called),
    ),
    row("caller.known_good", Type::Bool, "Somebody has checked the caller, says the list", |m| {
        listed(m, &m.network.lists.known_good)
    }),
    row("caller.exempt", Type::Bool, "The calling number may come in on this route, says the list", |m| {
        Value::Bool(exemption(m).is_some())
    }),
    row("caller.exempt_proof", Type::Enum(PROOFS), "What that exemption rests on", |m| {
        Value::Word(exemption(m).map_or(0, |proof| proof as u8 + 1))
    }),
];

/// A caller without a number is on no list: that is known.
fn listed(m: &Moment<'_>, list: &PrefixSet<()>) -> Value {
    Value::Bool(m.call.calling.number.is_some_and(|number| list.covers(number, m.at)))
}

fn exemption(m: &Moment<'_>) -> Option<Proof> {
    m.network.lists.exemption(m.call.route, m.call.calling.number?, m.at)
}

fn high_cost(m: &Moment<'_>, party: &Party) -> Value {
    party.number.map_or(Value::Unknown, |number| Value::Bool(m.network.is_high_cost(number, m.at)))
}
