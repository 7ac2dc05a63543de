//! People's calls: how long they ring, who answers, and the numbers people call from.

use crate::call::{Call, End, Micros, Side, Truth};
use crate::random::{Random, micros};

/// When an attempt alerts and how it ends.
pub type Course = (Option<Micros>, End);

/// Blocks of foreign numbers that people call from, each with how many digits follow; the last two hold the Wangiri
/// numbers too. The first three lie beside the blocks of the flash campaigns, whose own people are [`neighbours`].
pub const ABROAD: [(&str, usize); 12] = [
    ("44740001", 4),
    ("3360001", 4),
    ("3161001", 4),
    ("4915120000", 3),
    ("38050000", 4),
    ("1212200", 4),
    ("47400000", 2),
    ("42060100", 4),
    ("39312000", 4),
    ("34600000", 3),
    ("25261000", 4),
    ("2162800009", 1),
];

/// One of the operator's mobile subscribers, 0 to 19,999.
pub fn subscriber(index: u64) -> String {
    format!("4860{}{index:06}", if index.is_multiple_of(2) { 1 } else { 3 })
}

/// One of the operator's fixed lines, 0 to 9,999.
pub fn fixed_line(index: u64) -> String {
    format!("4822500{index:04}")
}

/// A mobile of another operator of the country.
pub fn other_mobile(index: u64) -> String {
    format!("48505{index:06}")
}

/// A fixed line of another operator of the country.
pub fn other_fixed(index: u64) -> String {
    format!("4812300{index:04}")
}

/// A number from abroad.
pub fn foreign(random: &mut Random) -> String {
    let (block, digits) = *random.choose(&ABROAD);
    in_block(block, digits, random)
}

/// A number from this block.
pub fn in_block(block: &str, digits: usize, random: &mut Random) -> String {
    format!("{block}{:0digits$}", random.below(10_u64.pow(digits as u32)))
}

/// People whose numbers lie in two hundreds of a rented block of 10,000: `count` calls in ten minutes, the first of
/// each hundred answered within the first minute.
pub fn neighbours(
    block: &str,
    route: &'static str,
    start: Micros,
    count: u64,
    random: &mut Random,
) -> Vec<Call> {
    let truth = Truth { kind: "neighbour", label: "normal" };
    (0..count)
        .map(|index| {
            let hundred = format!("{block}{}", ["41", "87"][index as usize % 2]);
            let parties = (in_block(&hundred, 2, random), subscriber(18_000 + random.below(2_000)));
            let is_first = index < 2;
            let at = start + random.seconds(0.0, if is_first { 20.0 } else { 600.0 });
            let course = match random.below(10) {
                _ if is_first => answered(random),
                0..7 => answered(random),
                7 | 8 => unanswered(random),
                _ => declined(4.0, 10.0, random),
            };
            Call::new(at, route, parties, truth).with(course)
        })
        .collect()
}

/// Time from setup to alerting.
pub fn post_dial_delay(random: &mut Random) -> Micros {
    micros(0.3) + random.lognormal(1.3, 0.5, 7.0)
}

/// A call between people who are there: the mean time to answer is 8.7 s.
pub fn answered(random: &mut Random) -> Course {
    let ring = micros(0.8) + random.lognormal(6.5, 0.64, 40.0);
    let talk = micros(1.0) + random.lognormal(38.0, 1.0, 170.0);
    let by = if random.chance(0.55) { Side::Calling } else { Side::Called };
    (Some(post_dial_delay(random)), End::Answered { ring, talk, by })
}

/// Nobody answers, and the caller gives up.
pub fn unanswered(random: &mut Random) -> Course {
    (Some(post_dial_delay(random)), End::GivenUp { after: random.seconds(15.0, 40.0), cause: 16 })
}

/// The network says no before anything alerts.
pub fn refused(cause: u8, random: &mut Random) -> Course {
    (None, End::Refused { after: random.seconds(0.3, 2.5), cause })
}

/// The called person declines after this many seconds of ringing.
pub fn declined(from: f64, to: f64, random: &mut Random) -> Course {
    let cause = if random.chance(0.6) { 21 } else { 17 };
    (Some(post_dial_delay(random)), End::Refused { after: random.seconds(from, to), cause })
}

/// Cut by the caller after this many seconds of ringing.
pub fn cut(from: f64, to: f64, cause: u8, random: &mut Random) -> Course {
    (Some(post_dial_delay(random)), End::GivenUp { after: random.seconds(from, to), cause })
}

/// How people's calls go in all, with a name for it.
fn any_course(random: &mut Random) -> (&'static str, Course) {
    match random.below(100) {
        0..62 => ("answered", answered(random)),
        62..78 => ("unanswered", unanswered(random)),
        78..85 => ("busy", refused(17, random)),
        85..89 => ("not_found", refused(1, random)),
        89..93 => ("declined", declined(3.0, 15.0, random)),
        93..95 => ("absent", refused(20, random)),
        _ => ("misdial", cut(0.3, 4.0, 16, random)),
    }
}

/// `count` calls on all routes, in and out, within `span` from `start`; one in five repeats an earlier pair.
pub fn calls(count: usize, start: Micros, span: Micros, random: &mut Random) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::with_capacity(count);
    let mut moments: Vec<Micros> = (0..count).map(|_| start + random.below(span)).collect();
    moments.sort_unstable();
    for at in moments {
        let (kind, course) = any_course(random);
        let truth = Truth { kind, label: "normal" };
        let call = if !calls.is_empty() && random.chance(0.2) {
            Call { setup_at: at, truth, ..random.choose(&calls).clone() }
        } else {
            between_people(at, truth, random)
        };
        calls.push(call.with(course));
    }
    calls
}

fn between_people(at: Micros, truth: Truth, random: &mut Random) -> Call {
    let own =
        if random.chance(0.9) { subscriber(random.below(20_000)) } else { fixed_line(random.below(900)) };
    let national = match random.chance(0.7) {
        true => other_mobile(random.below(10_000)),
        false => other_fixed(random.below(9_000)),
    };
    let inbound = |route, other| Call::new(at, route, (other, own.clone()), truth);
    let outbound =
        |route, other| Call { outbound: true, ..Call::new(at, route, (own.clone(), other), truth) };
    match random.below(100) {
        0..12 => inbound("intl-sip-1", foreign(random)),
        12..22 => inbound("intl-sip-2", foreign(random)),
        22..31 => inbound("intl-isup-1", foreign(random)),
        31..34 => outbound("intl-isup-1", foreign(random)),
        34..48 => inbound("nat-isup-1", national),
        48..58 => outbound("nat-isup-1", national),
        58..74 => inbound("nat-sip-1", national),
        74..79 => outbound("own-out", foreign(random)),
        _ => outbound("own-out", national),
    }
}
