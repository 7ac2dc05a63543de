//! Cases of calls that are seen in several places, among calls that look like further legs and are none.

use std::net::Ipv4Addr;

use tollgate::simulate::render::association::Link;

use crate::call::{Call, Micros, Truth};
use crate::fraud::{Campaign, Cutter};
use crate::interconnect::START;
use crate::legs::{Leg, LegsCase, Seen, Way};
use crate::network::{Bearer, INTL_ISUP_1, INTL_SIP_1, OWN_SIP, Route};
use crate::people;
use crate::random::{Random, micros};

const CARRIER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 10);
const BORDER: Ipv4Addr = OWN_SIP[0];
/// An application server: it sets up a call of its own for each that it gets.
const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 20);
const CORE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 30);
/// The subscribers' own side, in SIP.
const CORE_ROUTE: Route = Route { name: "core", class: "on-net", sender: None, bearer: Bearer::Sip(&[CORE]) };
/// The subscribers' own side, in ISUP: behind a gateway.
const GATEWAY: Link = Link {
    network_indicator: 2,
    far_code: 310,
    own_code: 300,
    far_address: Ipv4Addr::new(192, 0, 2, 41),
    own_address: Ipv4Addr::new(192, 0, 2, 40),
    fragment_over: 1_400,
    home_code: "48",
};
const EXCHANGE_ROUTE: Route =
    Route { name: "exchange", class: "on-net", sender: None, bearer: Bearer::Isup(GATEWAY) };
/// Elements of our own that no route names.
const WITHIN: &str = "unknown";

const PEOPLE: Truth = Truth { kind: "people", label: "normal" };

/// All of them.
pub fn cases(seed: u64) -> Vec<LegsCase> {
    let random = &mut Random::new(seed);
    vec![sip_hops(random), gateway(random)]
}

/// A call between two numbers, from abroad.
fn from_abroad(at: Micros, (calling, called): (u64, u64), kind: &'static str) -> Call {
    let parties = (format!("4474000111{calling:02}"), people::subscriber(called));
    Call::new(at, INTL_SIP_1.name, parties, Truth { kind, ..PEOPLE })
}

/// A moment in the first two minutes, on a grid of its own for each index.
fn spread(index: u64, every: f64, random: &mut Random) -> Micros {
    START + micros(every * index as f64) + random.seconds(0.0, every * 0.8)
}

fn hop(route: &'static str, between: (Ipv4Addr, Ipv4Addr), later: Micros, by: &'static str) -> Leg {
    let way = Way::Sip { between, is_proxied: by == "call_id" };
    Leg { route, way, outbound: false, later, by }
}

/// What names a call on all its hops.
#[derive(Clone, Copy)]
enum Named {
    Icid,
    Session,
}

impl Named {
    fn by(self) -> &'static str {
        match self {
            Self::Icid => "icid",
            Self::Session => "session",
        }
    }

    fn line(self, value: u64) -> String {
        match self {
            Self::Icid => {
                format!("P-Charging-Vector: icid-value={value:016x};icid-generated-at={BORDER}\r\n")
            }
            Self::Session => {
                format!("Session-ID: {value:016x}{value:016x};remote={:032x}\r\n", 0)
            }
        }
    }
}

/// From the carrier through the border, a proxy, and the application server to the core.
fn inwards(call: Call, named: Named, value: u64) -> Seen {
    let legs = vec![
        hop(INTL_SIP_1.name, (CARRIER, BORDER), 0, ""),
        hop(WITHIN, (BORDER, SERVER), 2_000, "call_id"),
        hop(CORE_ROUTE.name, (SERVER, CORE), 5_000, named.by()),
    ];
    Seen { call, legs, names: named.line(value) }
}

/// From the core through the application server and the border, here a back-to-back user agent, to the carrier.
fn outwards(call: Call, named: Named, value: u64) -> Seen {
    let legs = vec![
        hop(CORE_ROUTE.name, (CORE, SERVER), 0, ""),
        hop(WITHIN, (SERVER, BORDER), 2_000, named.by()),
        hop(INTL_SIP_1.name, (BORDER, CARRIER), 5_000, named.by()),
    ];
    Seen { call: Call { route: CORE_ROUTE.name, ..call }, legs, names: named.line(value) }
}

/// Hops that a proxy joins by the Call-ID, and an application server by a header.
fn sip_hops(random: &mut Random) -> LegsCase {
    let mut calls = Vec::new();
    for index in 0..24 {
        let named = if index % 2 == 0 { Named::Icid } else { Named::Session };
        let call = from_abroad(spread(index, 5.0, random), (index, 100 + index), "people");
        calls.push(inwards(call.with(course(index, random)), named, random.next()));
    }
    for index in 0..8 {
        let parties = (people::subscriber(200 + index), people::foreign(random));
        let call = Call::new(spread(index, 15.0, random), CORE_ROUTE.name, parties, PEOPLE);
        calls.push(outwards(call.with(people::answered(random)), Named::Icid, random.next()));
    }
    calls.extend(redials(random).into_iter().map(|call| inwards(call, Named::Icid, random.next())));
    calls.extend(forwarded(random));
    calls.extend(one_name_for_many(random));
    LegsCase {
        name: "legs-sip-hops",
        routes: vec![INTL_SIP_1, CORE_ROUTE],
        numbers: None,
        calls,
        twice: (CARRIER, BORDER),
    }
}

/// How people's calls go, one after the other.
fn course(index: u64, random: &mut Random) -> people::Course {
    match index % 6 {
        0 => people::unanswered(random),
        1 => people::declined(4.0, 10.0, random),
        2 => people::refused(17, random),
        _ => people::answered(random),
    }
}

/// Who gives up and dials the same number again, so many seconds after: two calls each.
fn redials(random: &mut Random) -> Vec<Call> {
    let mut calls = Vec::new();
    for (index, after) in [0.4, 0.9, 2.0, 6.0].into_iter().enumerate() {
        let at = START + micros(10.0 + 25.0 * index as f64);
        let parties = (30 + index as u64, 130 + index as u64);
        let (alert_after, ring) = (micros(1.2), micros(5.0));
        let end = crate::call::End::GivenUp { after: ring, cause: 16 };
        calls.push(from_abroad(at, parties, "redial").with((Some(alert_after), end)));
        let again = at + alert_after + ring + micros(after);
        calls.push(from_abroad(again, parties, "redial").with(people::answered(random)));
    }
    calls
}

/// A call that its subscriber forwards abroad keeps its name (RFC 7315 §5.6), and is another call that is paid for.
fn forwarded(random: &mut Random) -> Vec<Seen> {
    let mut calls = Vec::new();
    for index in 0..4 {
        let at = START + micros(15.0 + 20.0 * index as f64);
        let value = random.next();
        let talk = people::answered(random);
        let call = from_abroad(at, (40 + index, 140 + index), "forwarded").with(talk);
        let onward =
            Call { called: people::foreign(random), diverting: Some(call.called.clone()), ..call.clone() };
        let onward = Call { setup_at: at + micros(0.12), ..onward }.with(people::answered(random));
        calls.push(inwards(call, Named::Icid, value));
        calls.push(outwards(onward, Named::Icid, value));
    }
    calls
}

/// A sender of flash calls who writes the name of one call into all of them.
fn one_name_for_many(random: &mut Random) -> Vec<Seen> {
    let campaign = Campaign {
        kind: "flash_cut",
        label: "flash",
        route: INTL_SIP_1.name,
        block: "44740002",
        from: START + micros(20.0),
        count: 60,
        every: 1.0,
        cutter: Cutter::Sender(0.5, 2.5),
        subscribers_from: 4_000,
    };
    let value = random.next();
    let calls = campaign.calls(random);
    calls.into_iter().map(|call| inwards(call, Named::Session, value)).collect()
}

/// In by SIP, on by ISUP.
fn to_exchange(call: Call) -> Seen {
    let legs = vec![
        hop(INTL_SIP_1.name, (CARRIER, BORDER), 0, ""),
        Leg { route: EXCHANGE_ROUTE.name, way: Way::Isup, outbound: true, later: 90_000, by: "numbers" },
    ];
    Seen { call, legs, names: String::new() }
}

/// In by ISUP, on by SIP.
fn to_core(call: Call) -> Seen {
    let route = INTL_ISUP_1.name;
    let legs = vec![
        Leg { route, way: Way::Isup, outbound: false, later: 0, by: "" },
        hop(CORE_ROUTE.name, (BORDER, CORE), 60_000, "numbers"),
    ];
    Seen { call: Call { route, ..call }, legs, names: String::new() }
}

/// Seen on the exchange's side alone.
fn exchange_only(call: Call) -> Seen {
    let route = EXCHANGE_ROUTE.name;
    let legs = vec![Leg { route, way: Way::Isup, outbound: true, later: 0, by: "" }];
    Seen { call: Call { route, outbound: true, ..call }, legs, names: String::new() }
}

/// Both sides of a gateway, which hands on nothing but the numbers.
fn gateway(random: &mut Random) -> LegsCase {
    let mut calls = Vec::new();
    for index in 0..24 {
        let call = from_abroad(spread(index, 5.0, random), (index, 100 + index), "people");
        calls.push(to_exchange(call.with(course(index, random))));
    }
    for index in 0..12 {
        let call = from_abroad(spread(index, 10.0, random), (50 + index, 150 + index), "people");
        calls.push(to_core(call.with(course(index, random))));
    }
    calls.extend(redials(random).into_iter().map(to_exchange));
    calls.extend(beside(random));
    LegsCase {
        name: "legs-gateway",
        routes: vec![INTL_SIP_1, INTL_ISUP_1, EXCHANGE_ROUTE, CORE_ROUTE],
        numbers: Some("1s"),
        calls,
        twice: (GATEWAY.far_address, GATEWAY.own_address),
    }
}

/// Calls that share a number, or both, with one that goes through the gateway.
fn beside(random: &mut Random) -> Vec<Seen> {
    let mut calls = Vec::new();
    for index in 0..4 {
        let at = START + micros(8.0 + 25.0 * index as f64);
        let talk = |random: &mut Random| people::answered(random);
        let first = |kind| from_abroad(at, (70 + index, 170 + index), kind);
        let (later, between) = (micros(0.3), |called| (70 + index, called));
        // One caller, two numbers at once: each call has its own leg.
        calls.push(to_exchange(first("two_at_once").with(talk(random))));
        let second = from_abroad(at + later, between(180 + index), "two_at_once");
        calls.push(to_exchange(second.with(talk(random))));
        // And a third, of which the SIP side is not seen.
        let third = from_abroad(at + 2 * later, between(190 + index), "one_side");
        calls.push(exchange_only(third.with(talk(random))));
        // The same two numbers by another carrier, at nearly the same time: that comes in, and has a leg of its own.
        let other = first("other_carrier");
        calls.push(to_core(Call { setup_at: at + micros(0.5), ..other }.with(talk(random))));
        // The same two once more on the exchange's side, while they talk: too late for a leg.
        let late = first("second_line");
        let late = Call { setup_at: at + micros(1.4), ..late }.with(people::unanswered(random));
        calls.push(exchange_only(late));
    }
    calls
}
