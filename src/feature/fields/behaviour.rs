//! Fields of how callers, called numbers, payers and routes behave.

use std::cell::OnceCell;

use crate::base::field::{Type, Unit, Value};
use crate::feature::behaviour::route::{Peers, is_cheap_origin};
use crate::feature::behaviour::{called, caller, payer, payer_of, route};
use crate::feature::fields::{CALLS, Moment, NUMBERS, Row, duration, end_row, int, row, share};

/// The figures of a moment, each looked up when a field first asks for it; none when the call has no such thing.
#[derive(Debug)]
pub(super) struct Cells {
    caller: OnceCell<Option<caller::Figures>>,
    received: OnceCell<Option<[u64; 2]>>,
    payer: OnceCell<Option<payer::Figures>>,
    called: OnceCell<Option<called::Figures>>,
    route: OnceCell<Option<route::Figures>>,
}

impl Cells {
    pub(super) const fn new() -> Self {
        Self {
            caller: OnceCell::new(),
            received: OnceCell::new(),
            payer: OnceCell::new(),
            called: OnceCell::new(),
            route: OnceCell::new(),
        }
    }
}

fn caller(m: &Moment<'_>, get: fn(&caller::Figures) -> Value) -> Value {
    let figures = || m.call.calling.number.map(|number| m.store.behaviour.caller(number, m.at));
    m.behaviour.caller.get_or_init(figures).as_ref().map_or(Value::Unknown, get)
}

fn received(m: &Moment<'_>, get: fn(&[u64; 2]) -> Value) -> Value {
    let figures = || m.call.calling.number.map(|number| m.store.behaviour.received(number, m.at));
    m.behaviour.received.get_or_init(figures).as_ref().map_or(Value::Unknown, get)
}

fn payer(m: &Moment<'_>, get: fn(&payer::Figures) -> Value) -> Value {
    let figures = || m.store.behaviour.payer(m.call, m.network, m.at);
    m.behaviour.payer.get_or_init(figures).as_ref().map_or(Value::Unknown, get)
}

fn called(m: &Moment<'_>, get: fn(&called::Figures) -> Value) -> Value {
    let figures = || m.call.called.number.map(|number| m.store.behaviour.called(number, m.at));
    m.behaviour.called.get_or_init(figures).as_ref().map_or(Value::Unknown, get)
}

fn route(m: &Moment<'_>, get: fn(&route::Figures) -> Value) -> Value {
    let figures = || m.store.behaviour.route(m.call.route, m.call.direction, m.at);
    m.behaviour.route.get_or_init(figures).as_ref().map_or(Value::Unknown, get)
}

/// The calling number as a caller.
pub(super) const CALLER: &[Row] = &[
    row(
        "caller.invalid_share_1h",
        Type::Ratio,
        "Share of its calls in 1 hour to numbers that do not exist",
        |m| caller(m, |f| share(f.invalid_1h, f.attempts_1h)),
    ),
    row(
        "caller.sequential_share_1h",
        Type::Ratio,
        "Share of its calls in 1 hour to a number within 10 of one of the last four it called",
        |m| caller(m, |f| share(f.sequential_1h, f.attempts_1h)),
    ),
    row("caller.brief_1h", CALLS, "Its answered calls of 15 s at most that ended in 1 hour", |m| {
        caller(m, |f| int(f.brief_1h))
    }),
    row(
        "caller.brief_share_1h",
        Type::Ratio,
        "Their share of its answered calls that ended in 1 hour",
        |m| caller(m, |f| share(f.brief_1h, f.talks_1h)),
    ),
    row(
        "caller.hung_up_on_share_1h",
        Type::Ratio,
        "Share of its answered calls that ended in 1 hour which the called side ended within 15 s",
        |m| caller(m, |f| share(f.hung_up_on_1h, f.talks_1h)),
    ),
    row("caller.talk_mean_1h", Type::Duration, "Mean talk of its calls that ended in 1 hour", |m| {
        caller(m, |f| duration(f.talk_mean_1h()))
    }),
    row("caller.talk_24h", Type::Duration, "Talk of its calls that ended in 24 hours, in all", |m| {
        caller(m, |f| Value::Duration(caller::span(f.talk_24h)))
    }),
    row(
        "caller.ringless_1h",
        CALLS,
        "Its calls that ended in 1 hour and had reached voicemail behind a first attempt, see `pair.ringless`",
        |m| caller(m, |f| int(f.ringless_1h)),
    ),
    row("caller.concurrent", CALLS, "Its other calls that have begun and are not over", |m| {
        caller(m, |f| int(f.in_flight))
    }),
    row(
        "caller.routes_10m",
        Type::Int(Unit::Routes),
        "Routes it came in by from abroad in 10 minutes, 4 at most",
        |m| caller(m, |f| int(f.routes_10m)),
    ),
    row("caller.received_24h", CALLS, "Calls that others made to it in 24 hours", |m| {
        received(m, |received| calls(received[0]))
    }),
    row("caller.received_7d", CALLS, "Calls that others made to it in 7 days", |m| {
        received(m, |received| calls(received[1]))
    }),
    row(
        "caller.received_share_24h",
        Type::Ratio,
        "Share of calls that others made to it among all calls from and to it in 24 hours",
        received_share,
    ),
    row(
        "caller.cheap_origin",
        Type::Bool,
        "Calling number and home are of two countries of the European Economic Area, between which calls are cheap",
        |m| {
            m.call
                .calling
                .number
                .map_or(Value::Unknown, |number| Value::Bool(is_cheap_origin(number, m.network)))
        },
    ),
];

/// Who pays for a call that leaves for an expensive number abroad.
pub(super) const PAYER: &[Row] = &[
    row(
        "payer.high_cost_attempts_1h",
        CALLS,
        "Calls to high-cost numbers abroad in 1 hour by whoever pays for this one: the diverting number, else the caller",
        |m| payer(m, |f| int(f.attempts_1h)),
    ),
    row(
        "payer.high_cost_new_share_1h",
        Type::Ratio,
        "Share of these to numbers first called less than 24 hours before",
        |m| payer(m, |f| share(f.new_1h, f.attempts_1h)),
    ),
    row(
        "payer.high_cost_called_10m",
        NUMBERS,
        "Distinct high-cost numbers abroad called in 10 minutes, 32 at most",
        |m| payer(m, |f| int(f.called_10m)),
    ),
    row(
        "payer.high_cost_called_1h",
        NUMBERS,
        "Distinct high-cost numbers abroad called in 1 hour, 32 at most",
        |m| payer(m, |f| int(f.called_1h)),
    ),
    row(
        "payer.high_cost_talk_24h",
        Type::Duration,
        "Talk with high-cost numbers abroad that ended in 24 hours, in all",
        |m| payer(m, |f| Value::Duration(caller::span(f.talk_24h))),
    ),
    row(
        "payer.high_cost_concurrent",
        CALLS,
        "Its other calls to high-cost numbers abroad that have begun and are not over",
        |m| payer(m, |f| int(f.in_flight)),
    ),
    row(
        "payer.high_cost_known",
        Type::Bool,
        "The called high-cost number was first called 24 hours ago or earlier",
        |m| payer(m, |f| Value::Bool(f.is_known)),
    ),
    row(
        "payer.known_good",
        Type::Bool,
        "Somebody has checked whoever pays if the call leaves, the diverting number or else the caller, says the list",
        |m| {
            let payer = payer_of(m.call);
            Value::Bool(payer.is_some_and(|number| m.network.lists.known_good.covers(number, m.at)))
        },
    ),
];

/// The called number.
pub(super) const CALLED: &[Row] = &[
    row("called.attempts_1m", CALLS, "Calls to it in 1 minute", |m| called(m, |f| int(f.attempts_1m))),
    row("called.attempts_10m", CALLS, "Calls to it in 10 minutes", |m| called(m, |f| int(f.attempts_10m))),
    row("called.answered_share_10m", Type::Ratio, "Answered share of calls to it in 10 minutes", |m| {
        called(m, |f| share(f.answered_10m, f.attempts_10m))
    }),
    row("called.distinct_callers_10m", NUMBERS, "Distinct numbers that called it in 10 minutes", |m| {
        called(m, |f| int(f.callers_10m))
    }),
    row(
        "called.odd_callers_share_10m",
        Type::Ratio,
        "Share of calls to it in 10 minutes from numbers that nobody has: malformed, unassigned, unallocated at home",
        |m| called(m, |f| share(f.odd_10m, f.attempts_10m)),
    ),
    row(
        "called.usual_10m",
        CALLS,
        "Calls to it usual in 10 minutes of this hour of the day, over 7 days; known after 3",
        |m| usual_10m(m).map_or(Value::Unknown, int),
    ),
    row(
        "called.surge_10m",
        Type::Int(Unit::Times),
        "Calls to it in 10 minutes by what is usual, or by 1 when less is",
        surge_10m,
    ),
];

/// The route, in the direction of the call.
pub(super) const ROUTE: &[Row] = &[
    row("route.attempts_1h", CALLS, "Calls in 1 hour on the route in this direction", |m| {
        route(m, |f| calls(f.attempts_1h))
    }),
    row("route.answered_share_1h", Type::Ratio, "Answered share of these", |m| {
        route(m, |f| portion(f.answered_1h, f.attempts_1h))
    }),
    row(
        "route.answered_at_once_share_1h",
        Type::Ratio,
        "Share of the answered ones that rang 1 s at most",
        |m| route(m, |f| portion(f.at_once_1h, f.answered_1h)),
    ),
    row("route.brief_share_1h", Type::Ratio, "Share of the answered ones that talked 15 s at most", |m| {
        route(m, |f| portion(f.brief_1h, f.talks_1h))
    }),
    row(
        "route.false_answer_share_1h",
        Type::Ratio,
        "Share of the answered ones that rang 1 s at most and talked 15 s at most",
        |m| route(m, |f| portion(f.at_once_and_brief_1h, f.talks_1h)),
    ),
    row("route.talk_mean_1h", Type::Duration, "Mean talk of the answered ones", |m| {
        route(m, |f| duration(f.talk_mean_1h))
    }),
    row(
        "route.peers_answered_share_1h",
        Type::Ratio,
        "Median answered share of the other busy routes of its class; known when there are two",
        |m| peers(m, |_, peers| Value::Ratio(peers.answered_share)),
    ),
    row("route.peers_talk_mean_1h", Type::Duration, "Median of their mean talk", |m| {
        peers(m, |_, peers| Value::Duration(caller::span(peers.talk_mean as u64)))
    }),
    row(
        "route.answered_above_peers_1h",
        Type::Ratio,
        "By how much the route's answered share is above its peers'; 0 % when it is not",
        |m| peers(m, answered_above_peers),
    ),
    row(
        "route.talk_of_peers_1h",
        Type::Ratio,
        "The route's mean talk by its peers'; 100 % when it is no shorter",
        |m| peers(m, talk_of_peers),
    ),
    row(
        "route.cheap_origin_share_24h",
        Type::Ratio,
        "Share of `caller.cheap_origin` among callers from abroad in 24 hours",
        |m| route(m, |f| cheap(f.origins_24h)),
    ),
    row("route.cheap_origin_share_7d", Type::Ratio, "The same in 7 days", |m| {
        route(m, |f| cheap(f.origins_7d))
    }),
    row(
        "route.cheap_origin_rise_7d",
        Type::Ratio,
        "By how much the share of 24 hours is above that of 7 days; 0 % when it is not",
        |m| route(m, cheap_rise),
    ),
    row(
        "route.unallocated_origin_share_24h",
        Type::Ratio,
        "Share of numbers in no allocated block among those of cheap origin in 24 hours",
        |m| route(m, |f| portion(f.origins_24h[2], f.origins_24h[1])),
    ),
];

/// The pair, at the end.
pub(super) const END: &[Row] = &[end_row(
    "pair.ringless",
    Type::Bool,
    "Set up within 60 s of an attempt of the same pair that was cut within 3 s, and answered at once or during it",
    |m| Value::Bool(m.store.behaviour.is_ringless(m.call)),
)];

fn received_share(m: &Moment<'_>) -> Value {
    let made = m.caller().map_or(0, |figures| u64::from(figures.day.attempts));
    let received = m.call.calling.number.map(|number| m.store.behaviour.received(number, m.at)[0]);
    received.map_or(Value::Unknown, |received| portion(received, made + received))
}

fn usual_10m(m: &Moment<'_>) -> Option<u32> {
    m.store.behaviour.usual_10m(m.call.called.number?, m.at)
}

fn surge_10m(m: &Moment<'_>) -> Value {
    let Some(usual) = usual_10m(m) else { return Value::Unknown };
    let Some(called) = m.call.called.number else { return Value::Unknown };
    let attempts = m.behaviour.called.get_or_init(|| Some(m.store.behaviour.called(called, m.at)));
    attempts.map_or(Value::Unknown, |figures| int(figures.attempts_10m / usual.max(1)))
}

fn peers(m: &Moment<'_>, get: fn(&route::Figures, Peers) -> Value) -> Value {
    let with_peers =
        m.behaviour.route.get_or_init(|| m.store.behaviour.route(m.call.route, m.call.direction, m.at));
    let peers = with_peers.as_ref().and_then(|figures| Some((figures, figures.peers?)));
    peers.map_or(Value::Unknown, |(figures, peers)| get(figures, peers))
}

fn answered_above_peers(figures: &route::Figures, peers: Peers) -> Value {
    match portion(figures.answered_1h, figures.attempts_1h) {
        Value::Ratio(own) => Value::Ratio((own - peers.answered_share).max(0.0)),
        _ => Value::Unknown,
    }
}

fn talk_of_peers(figures: &route::Figures, peers: Peers) -> Value {
    let Some(own) = figures.talk_mean_1h else { return Value::Unknown };
    let peers = peers.talk_mean / 10.0;
    if peers > 0.0 { Value::Ratio((own.as_secs_f64() / peers).min(1.0)) } else { Value::Unknown }
}

fn cheap([all, cheap, _]: [u64; 3]) -> Value {
    portion(cheap, all)
}

fn cheap_rise(figures: &route::Figures) -> Value {
    match (cheap(figures.origins_24h), cheap(figures.origins_7d)) {
        (Value::Ratio(day), Value::Ratio(week)) => Value::Ratio((day - week).max(0.0)),
        _ => Value::Unknown,
    }
}

fn calls(count: u64) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// A share of counts that may be large.
fn portion(part: u64, whole: u64) -> Value {
    if whole == 0 { Value::Unknown } else { Value::Ratio((part as f64 / whole as f64).min(1.0)) }
}
