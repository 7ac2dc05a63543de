//! Fields of whose number the calling number is: what lists say of it, where its owner was of late, and what
//! the call says of having been forwarded.

use arrayvec::ArrayVec;

use crate::base::field::{Type, Unit, Value};
use crate::base::lists::{PrefixSet, Proof};
use crate::base::network::RoamingState;
use crate::base::number::{Number, Party};
use crate::base::numbering::NumberKind;
use crate::feature::fields::{Moment, Row, duration, int, row, truth};

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
    row(
        "caller.known_abroad",
        Type::Bool,
        "The calling subscriber's state is known to be `roaming`, or was within 10 minutes",
        |m| Value::Bool(m.is_known_abroad()),
    ),
    row("caller.at_home_ago", Type::Duration, "Since the calling number last made a call at home", |m| {
        let caller = m.call.calling.number;
        duration(caller.and_then(|number| m.store.presence().at_home_ago(number, m.at)))
    }),
    row(
        "caller.shows_other",
        Type::Bool,
        "Another number is shown than the network asserts (SIP From, ISUP additional calling party number)",
        |m| truth(m.call.claims.shows_other),
    ),
    row("diversions", Type::Int(Unit::Numbers), "How often the call was forwarded, as it says", |m| {
        int(u32::from(m.call.claims.diversions))
    }),
    row(
        "diverting.plausible",
        Type::Bool,
        "The last diverting number can be one, and its owner may be abroad",
        |m| m.call.diverting.as_ref().map_or(Value::Bool(false), |party| plausible(m, party)),
    ),
    row(
        "diverting.called_5m",
        Type::Bool,
        "The caller called the diverting or the first called number through us within 5 minutes",
        |m| called_lately(m).map_or(Value::Unknown, Value::Bool),
    ),
];

/// A foreign number may forward. One of ours may when its owner is abroad: the visited network forwards a call that it
/// could not deliver. Such a call came to us first, whoever made it, so we may have seen it.
fn plausible(m: &Moment<'_>, party: &Party) -> Value {
    let Some(number) = party.number else { return Value::Bool(false) };
    let (numbering, lists) = (&m.network.numbering, &m.network.lists);
    let is_party = [m.call.calling.number, m.call.called.number].contains(&Some(number));
    let is_nobodys = lists.dno.covers(number, m.at) || lists.unallocated.covers(number, m.at);
    if is_party || is_nobodys {
        return Value::Bool(false);
    }
    if !numbering.is_home(number) {
        // Plans of others are known less well than the home plan: a block may have been opened lately.
        return Value::Bool(numbering.is_possible(number));
    }
    let kind = numbering.kind(number);
    if kind == NumberKind::Unallocated {
        return Value::Bool(false);
    }
    match m.roaming(number) {
        Some(state) => Value::Bool(state == RoamingState::Roaming),
        None if called_lately(m) == Some(true) => Value::Bool(true),
        None if matches!(kind, NumberKind::Mobile | NumberKind::FixedOrMobile) => Value::Unknown,
        None => Value::Bool(false),
    }
}

fn called_lately(m: &Moment<'_>) -> Option<bool> {
    let diverting = m.call.diverting.as_ref().and_then(|party| party.number);
    let called: ArrayVec<Number, 2> = diverting.into_iter().chain(m.call.claims.first_called).collect();
    m.store.presence().has_called(m.call.calling.number?, &called, m.at)
}

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
