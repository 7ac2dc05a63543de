//! Fields of the call itself: what its signalling says, and how it ended.

use crate::base::field::{Type, Value};
use crate::base::network::RoamingState;
use crate::base::number::Shape;
use crate::base::numbering::NumberKind;
use crate::base::route::{RouteClass, RouteId};
use crate::call::{Protocol, ReleasedBy};
use crate::feature::fields::{CODE, Row, code, duration, end_row, number, row, word};
use crate::feature::outcome::Outcome;

/// Words of a direction, in the order of the enum.
const DIRECTIONS: &[&str] = &["inbound", "outbound"];

/// Known at setup.
pub(super) const CALL: &[Row] = &[
    row("protocol", Type::Enum(&Protocol::NAMES), "Signalling protocol", |m| word(m.call.protocol() as u8)),
    row("direction", Type::Enum(DIRECTIONS), "Into or out of the operator's network", |m| {
        word(m.call.direction as u8)
    }),
    row(
        "leaving",
        Type::Bool,
        "Outbound, or from an on-net or enterprise route to a number that is not of the home country",
        |m| Value::Bool(m.is_leaving()),
    ),
    row("route.class", Type::Enum(&RouteClass::NAMES), "Class of the route", |m| {
        word(m.network.routes.route(m.call.route).class as u8)
    }),
    row("route.configured", Type::Bool, "The network file names the route: it is not `unknown`", |m| {
        Value::Bool(m.call.route != RouteId::UNKNOWN)
    }),
    row("home", Type::Country, "The operator's country", |m| Value::Country(m.network.numbering.home())),
    row("caller.number", Type::Number, "Calling number", |m| number(m.call.calling.number)),
    row("caller.country", Type::Country, "Country of the calling number", |m| m.country(&m.call.calling)),
    row(
        "caller.kind",
        Type::Enum(&NumberKind::NAMES),
        "Kind of the calling number by its numbering plan",
        |m| m.caller_kind(),
    ),
    row("caller.national", Type::Bool, "The calling number is of the home country", |m| {
        m.is_national(&m.call.calling)
    }),
    row("caller.shape", Type::Enum(&Shape::NAMES), "What is wrong with the calling number", |m| {
        word(m.call.calling.shape as u8)
    }),
    row("caller.code_assigned", Type::Bool, "The calling number's country code is assigned", |m| {
        m.call
            .calling
            .number
            .map_or(Value::Unknown, |number| Value::Bool(m.network.numbering.is_assigned(number)))
    }),
    row("caller.restricted", Type::Bool, "The caller asked that the number not be shown", |m| {
        Value::Bool(m.call.calling.restricted)
    }),
    row(
        "caller.roaming",
        Type::Enum(&RoamingState::NAMES),
        "Where the calling subscriber is; `home` from 10 minutes after a change on",
        |m| {
            let state = m.call.calling.number.and_then(|number| m.roaming(number));
            state.map_or(Value::Unknown, |state| word(state as u8))
        },
    ),
    row("caller.is_called", Type::Bool, "Calling and called number are the same", |m| {
        match (m.call.calling.number, m.call.called.number) {
            (Some(calling), Some(called)) => Value::Bool(calling == called),
            _ => Value::Unknown,
        }
    }),
    row("called.number", Type::Number, "Called number", |m| number(m.call.called.number)),
    row("called.country", Type::Country, "Country of the called number", |m| m.country(&m.call.called)),
    row(
        "called.kind",
        Type::Enum(&NumberKind::NAMES),
        "Kind of the called number by its numbering plan",
        |m| m.kind(&m.call.called),
    ),
    row("called.shape", Type::Enum(&Shape::NAMES), "What is wrong with the called number", |m| {
        word(m.call.called.shape as u8)
    }),
    row("diverted", Type::Bool, "The call was forwarded", |m| Value::Bool(m.call.diverting.is_some())),
    row("diverting.country", Type::Country, "Country of the last diverting number", |m| {
        m.call.diverting.as_ref().map_or(Value::Unknown, |party| m.country(party))
    }),
];

/// Known at the end.
pub(super) const END: &[Row] = &[
    end_row("answered", Type::Bool, "The call was answered", |m| Value::Bool(m.call.answer_at.is_some())),
    end_row("alerted", Type::Bool, "The called side was alerted", |m| Value::Bool(m.call.alert_at.is_some())),
    end_row("ring_time", Type::Duration, "From alerting to answer, or to the end", |m| {
        duration(m.call.ring_time())
    }),
    end_row("setup_time", Type::Duration, "From setup to alerting, or to answer", |m| {
        duration(m.call.setup_time())
    }),
    end_row("talk_time", Type::Duration, "From answer to the end", |m| duration(m.call.talk_time())),
    end_row(
        "short_unanswered",
        Type::Bool,
        "Cut within 4 s of ringing (8 s of setup when it never rang), or rejected after 0.3 to 4 s",
        |m| Value::Bool(Outcome::of(m.call).short_unanswered),
    ),
    end_row("one_ring", Type::Bool, "Given up by the caller after 1 to 12 s of ringing", |m| {
        Value::Bool(Outcome::of(m.call).one_ring)
    }),
    end_row("released_by", Type::Enum(&ReleasedBy::NAMES), "Who ended the call", |m| {
        m.call.released_by.map_or(Value::Unknown, |by| word(by as u8))
    }),
    end_row("sip_status", CODE, "Final SIP status", |m| code(m.call.sip_status)),
    end_row("q850_cause", CODE, "Q.850 cause of the release", |m| code(m.call.q850_cause.map(u16::from))),
];
