//! Honest calls that resemble fraud in one respect, and signalling that is out of the ordinary.

use tollgate::simulate::render::association::{End as Exchange, Sent};
use tollgate::wire::isup::reset::GroupReset;

use crate::call::{Call, End, Micros, Oddity, Side, Truth};
use crate::people::{self, Course};
use crate::random::{Random, micros};

fn normal(kind: &'static str) -> Truth {
    Truth { kind, label: "normal" }
}

/// All behaviours of people and businesses below.
pub fn behaviours(start: Micros, random: &mut Random) -> Vec<Call> {
    let mut calls = ring_once_friends(start, random);
    calls.extend(courier(start, random));
    calls.extend(call_centre(start, random));
    calls.extend(televote(start, random));
    calls.extend(reminders(start, random));
    calls.extend(hunting(start, random));
    calls.extend(emergency(start, random));
    calls
}

/// "Ring me once when you are there": the same pair again and again, and a call back.
fn ring_once_friends(start: Micros, random: &mut Random) -> Vec<Call> {
    let mut calls = Vec::new();
    for pair in 0..10 {
        let route = if pair % 2 == 0 { "intl-sip-1" } else { "nat-sip-1" };
        let friend = if pair % 2 == 0 { people::foreign(random) } else { people::other_mobile(9_000 + pair) };
        let own = people::subscriber(13_000 + pair);
        let mut at = start + random.seconds(0.0, 200.0);
        for _ in 0..3 {
            let parties = (friend.clone(), own.clone());
            calls.push(
                Call::new(at, route, parties, normal("ring_once_friend"))
                    .with(people::cut(1.5, 5.0, 16, random)),
            );
            at += random.seconds(30.0, 100.0);
        }
        let back = Call::new(at, "own-out", (own, friend), normal("friend_calls_back"));
        calls.push(Call { outbound: true, ..back }.with(people::answered(random)));
    }
    calls
}

/// One driver, sixty doors; two in five do not answer.
fn courier(start: Micros, random: &mut Random) -> Vec<Call> {
    let moments = spread(60, start + micros(20.0), 9.0, random);
    let call = |(index, at): (usize, Micros), random: &mut Random| {
        let parties = (people::other_mobile(777), people::subscriber(12_000 + index as u64));
        let course = match random.chance(0.6) {
            true => people::answered(random),
            false => people::cut(8.0, 25.0, 16, random),
        };
        Call::new(at, "nat-sip-1", parties, normal("courier")).with(course)
    };
    moments.into_iter().enumerate().map(|item| call(item, random)).collect()
}

/// A hundred numbers of one business, at home and abroad; three in ten are answered, the others ring for at least 12 s.
fn call_centre(start: Micros, random: &mut Random) -> Vec<Call> {
    let moments = spread(180, start, 3.0, random);
    let call = |(index, at): (usize, Micros), random: &mut Random| {
        let (route, pool) = match index % 3 {
            0 => ("intl-sip-2", "493020091"),
            _ => ("nat-isup-1", "481230091"),
        };
        let calling = people::in_block(pool, 2, random);
        let parties = (calling, people::subscriber(11_000 + index as u64));
        let course = match random.chance(0.3) {
            true => people::answered(random),
            false => people::cut(12.0, 30.0, 16, random),
        };
        Call::new(at, route, parties, normal("call_centre")).with(course)
    };
    moments.into_iter().enumerate().map(|item| call(item, random)).collect()
}

/// Many callers, one number, short answers, many busy.
fn televote(start: Micros, random: &mut Random) -> Vec<Call> {
    let moments = spread(90, start + micros(300.0), 0.6, random);
    let call = |at: Micros, random: &mut Random| {
        let parties = (people::other_mobile(random.below(10_000)), people::fixed_line(999));
        let course = match random.chance(0.6) {
            true => {
                let (ring, talk) = (random.seconds(0.4, 1.0), random.seconds(3.5, 5.5));
                (Some(micros(0.7)), End::Answered { ring, talk, by: Side::Called })
            }
            false => people::refused(17, random),
        };
        let route = if random.chance(0.5) { "nat-isup-1" } else { "nat-sip-1" };
        Call::new(at, route, parties, normal("televote")).with(course)
    };
    moments.into_iter().map(|at| call(at, random)).collect()
}

/// A clinic reminds its patients: one number, many called, an announcement for those who answer.
fn reminders(start: Micros, random: &mut Random) -> Vec<Call> {
    let moments = spread(140, start + micros(120.0), 2.0, random);
    let call = |(index, at): (usize, Micros), random: &mut Random| {
        let parties = (people::other_fixed(500), people::subscriber(10_000 + index as u64));
        let course = match random.chance(0.45) {
            true => {
                let (alert_after, end) = people::answered(random);
                let ring = if let End::Answered { ring, .. } = end { ring } else { micros(6.0) };
                (alert_after, End::Answered { ring, talk: random.seconds(14.0, 18.0), by: Side::Calling })
            }
            false => people::cut(24.0, 26.0, 16, random),
        };
        Call::new(at, "nat-isup-1", parties, normal("reminder")).with(course)
    };
    moments.into_iter().enumerate().map(|item| call(item, random)).collect()
}

/// A carrier finds one trunk without success and takes the next: two attempts of one call.
fn hunting(start: Micros, random: &mut Random) -> Vec<Call> {
    let mut calls = Vec::new();
    for turn in 0..20 {
        let at = start + random.seconds(0.0, 560.0);
        let parties = (people::foreign(random), people::subscriber(random.below(20_000)));
        let first: Course = match turn % 2 {
            0 => (None, End::Refused { after: micros(0.2), cause: 34 }),
            _ => (None, End::GivenUp { after: random.seconds(2.0, 4.0), cause: 16 }),
        };
        calls.push(Call::new(at, "intl-sip-1", parties.clone(), normal("hunting")).with(first));
        let next = at + micros(4.2);
        calls.push(Call::new(next, "intl-sip-2", parties, normal("hunting")).with(people::answered(random)));
    }
    calls
}

/// Calls to 112, one of them cut while it rings.
fn emergency(start: Micros, random: &mut Random) -> Vec<Call> {
    let call = |at: f64, route, from: u64, course| {
        let parties = (people::subscriber(from), "112".into());
        let call = Call::new(start + micros(at), route, parties, normal("emergency"));
        Call { outbound: true, ..call }.with(course)
    };
    vec![
        call(75.0, "own-out", 3_112, people::answered(random)),
        call(215.0, "nat-isup-1", 4_112, people::answered(random)),
        call(330.0, "own-out", 5_112, people::cut(1.0, 2.0, 16, random)),
    ]
}

/// Retransmissions, re-INVITEs, forks, calls without end, a circuit reset, and a group reset with its calls.
pub fn oddities(start: Micros, random: &mut Random) -> (Vec<Call>, Vec<(&'static str, Sent)>) {
    let mut calls = Vec::new();
    let mut add = |kind, route, oddity, course: fn(&mut Random) -> Course, count: u32| {
        for _ in 0..count {
            let at = start + random.seconds(0.0, 590.0);
            let parties =
                (people::other_mobile(random.below(9_000)), people::subscriber(random.below(20_000)));
            let course = course(random);
            calls.push(Call { oddity, ..Call::new(at, route, parties, normal(kind)) }.with(course));
        }
    };
    add("retransmitted", "nat-sip-1", Oddity::Retransmitted, people::answered, 15);
    add("retransmitted", "nat-sip-1", Oddity::Retransmitted, |random| people::refused(17, random), 5);
    add("reinvited", "nat-sip-1", Oddity::Reinvited, people::answered, 20);
    add("forked", "nat-sip-1", Oddity::Forked, people::answered, 12);
    add(
        "without_end",
        "nat-sip-1",
        Oddity::None,
        |random| (Some(micros(1.0 + random.unit())), End::Never),
        6,
    );
    let reset: fn(&mut Random) -> Course =
        |random| (Some(people::post_dial_delay(random)), End::Reset { after: random.seconds(2.0, 20.0) });
    add("circuit_reset", "nat-isup-1", Oddity::None, reset, 4);
    let at = start + micros(400.0);
    let (cut_calls, messages) = group_reset("nat-isup-1", at, random);
    calls.extend(cut_calls);
    (calls, messages)
}

/// Four calls on circuits 961 to 964, which a reset of 961 to 992 from the far exchange cuts.
pub fn group_reset(
    route: &'static str,
    at: Micros,
    random: &mut Random,
) -> (Vec<Call>, Vec<(&'static str, Sent)>) {
    let calls = (0..4_u16).map(|index| {
        let parties =
            (people::other_mobile(8_000 + u64::from(index)), people::subscriber(9_000 + u64::from(index)));
        let setup_at = at - random.seconds(3.0, 20.0);
        let call = Call::new(setup_at, route, parties, normal("group_reset"));
        let course = (Some(micros(1.2)), End::Silent);
        Call { oddity: Oddity::OnCircuit(961 + index), ..call }.with(course)
    });
    let group = GroupReset { count: 32 };
    let (mut reset, mut ack) = (Vec::new(), Vec::new());
    group.emit(961, &mut reset);
    group.emit_ack(961, &mut ack);
    let messages = vec![
        (route, Sent { at, from: Exchange::Far, bytes: reset }),
        (route, Sent { at: at + 30_000, from: Exchange::Own, bytes: ack }),
    ];
    (calls.collect(), messages)
}

/// Both exchanges seize circuit `cic` at once. The far one controls it; the own one gives way without a word and takes
/// the next circuit (Q.764 §2.9.1.4).
pub fn dual_seizure(route: &'static str, at: Micros, cic: u16, random: &mut Random) -> Vec<Call> {
    let inbound = (people::other_mobile(u64::from(cic)), people::subscriber(u64::from(cic)));
    let outbound = (people::subscriber(u64::from(cic) + 1), people::other_mobile(u64::from(cic) + 1));
    let truth = normal("dual_seizure");
    let on = |cic, call: Call| Call { oddity: Oddity::OnCircuit(cic), ..call };
    let out = |at, parties| Call { outbound: true, ..Call::new(at, route, parties, truth) };
    vec![
        on(cic, Call::new(at, route, inbound, truth)).with(people::answered(random)),
        on(cic, out(at + 4_000, outbound.clone())).with((None, End::Silent)),
        on(cic + 1, out(at + 90_000, outbound)).with(people::answered(random)),
    ]
}

/// `count` moments from `from`, `every` seconds apart on average.
fn spread(count: usize, from: Micros, every: f64, random: &mut Random) -> Vec<Micros> {
    let mut at = from;
    (0..count)
        .map(|_| {
            at += random.seconds(0.2 * every, 1.8 * every);
            at
        })
        .collect()
}
