//! Small cases on one ISUP route each.

use tollgate::simulate::render::association::Link;

use crate::call::{Call, Micros, Truth};
use crate::case::Case;
use crate::fraud::{self, Campaign, Cutter, Wangiri};
use crate::interconnect::START;
use crate::look_alikes;
use crate::network::{Bearer, INTL_ISUP_1, NAT_ISUP_1, Route};
use crate::people;
use crate::random::{Random, micros};

const TRUTH: Truth = Truth { kind: "people", label: "normal" };

/// All of them.
pub fn cases(seed: u64) -> Vec<Case> {
    let random = &mut Random::new(seed);
    vec![
        flash_range(random),
        wangiri(random),
        spoofed_cli(random),
        resets(random),
        fragmented(random),
        flash_hundred(random),
    ]
}

fn case(name: &'static str, route: Route, calls: Vec<Call>) -> Case {
    Case {
        name,
        routes: vec![route],
        calls,
        messages: Vec::new(),
        roaming: Vec::new(),
        is_demonstration: false,
    }
}

/// A block of 10,000 numbers cut and rejected while they ring, and people who call from the same block.
fn flash_range(random: &mut Random) -> Case {
    let campaign = |kind, from, cutter, subscribers_from| Campaign {
        kind,
        label: "flash",
        route: INTL_ISUP_1.name,
        block: "3360000",
        from,
        count: 60,
        every: 1.0,
        cutter,
        subscribers_from,
    };
    let mut calls = campaign("flash_cut", START, Cutter::Sender(0.5, 2.5), 0).calls(random);
    let later = START + micros(70.0);
    calls.extend(campaign("flash_rejected", later, Cutter::Handset(1.0, 3.0), 4_000).calls(random));
    calls.extend(people::neighbours("3360000", INTL_ISUP_1.name, START, 8, random));
    case("isup-flash-range", INTL_ISUP_1, calls)
}

/// A hundred numbers that nobody is meant to answer, in a block of 10,000 where people live.
fn flash_hundred(random: &mut Random) -> Case {
    let mut calls: Vec<Call> = (0..60)
        .map(|index| {
            let at: Micros = START + micros(2.0 * index as f64);
            let parties = (people::in_block("336000041", 2, random), people::subscriber(index));
            let truth = Truth { kind: "flash_cut", label: "flash" };
            Call::new(at, INTL_ISUP_1.name, parties, truth).with(people::cut(0.5, 2.5, 16, random))
        })
        .collect();
    for hundred in ["336000007", "336000052", "336000090"] {
        calls.extend(people_from(hundred, 2, 15, random));
    }
    case("isup-flash-hundred", INTL_ISUP_1, calls)
}

/// One number that rings many once, calls back, and people who call from the same country.
fn wangiri(random: &mut Random) -> Case {
    let attack = Wangiri {
        route: INTL_ISUP_1.name,
        callings: vec!["252610000123".into()],
        from: START,
        count: 90,
        every: 0.8,
        subscribers_from: 0,
        back_route: INTL_ISUP_1.name,
        back_one_in: 30,
    };
    let mut calls = attack.calls(random);
    calls.extend(people_from("25261000", 4, 12, random));
    case("isup-wangiri", INTL_ISUP_1, calls)
}

/// Numbers that cannot be the caller's, and look-alikes that can.
fn spoofed_cli(random: &mut Random) -> Case {
    let roamers: Vec<String> = (13_500..13_506).map(people::subscriber).collect();
    let calls = fraud::borrowed_numbers(&[INTL_ISUP_1.name], START, &roamers, random);
    let abroad = roamers.iter().map(|number| (number.clone(), "roaming"));
    let roaming = abroad.chain((14_000..14_010).map(|index| (people::subscriber(index), "home"))).collect();
    Case { roaming, ..case("isup-spoofed-cli", INTL_ISUP_1, calls) }
}

/// RSC, GRS and dual seizure among people's calls.
fn resets(random: &mut Random) -> Case {
    let route = NAT_ISUP_1.name;
    let mut calls = Vec::new();
    for index in 0..8_u64 {
        let at = START + random.below(60_000_000);
        let parties = (people::other_mobile(index), people::subscriber(index));
        calls.push(Call::new(at, route, parties, TRUTH).with(people::answered(random)));
    }
    let parties = (people::other_mobile(70), people::subscriber(70));
    let reset = Call::new(START + micros(5.0), route, parties, TRUTH);
    let course = (Some(micros(1.0)), crate::call::End::Reset { after: micros(7.0) });
    calls.push(reset.with(course));
    calls.extend(look_alikes::dual_seizure(route, START + micros(20.0), 941, random));
    let (cut, messages) = look_alikes::group_reset(route, START + micros(40.0), random);
    calls.extend(cut);
    Case { messages, ..case("isup-resets", NAT_ISUP_1, calls) }
}

/// User messages cut into DATA chunks of at most 40 octets, and several messages in a packet.
fn fragmented(random: &mut Random) -> Case {
    let Bearer::Isup(link) = INTL_ISUP_1.bearer else { unreachable!("an ISUP route") };
    let route = Route { bearer: Bearer::Isup(Link { fragment_over: 40, ..link }), ..INTL_ISUP_1 };
    let mut calls = Vec::new();
    for burst in 0..5_u64 {
        let at = START + burst * 8_000_000;
        for index in 0..4_u64 {
            let number = burst * 4 + index;
            let parties = (people::in_block("4915120000", 3, random), people::subscriber(number));
            let call = Call::new(at + index * 600, route.name, parties, TRUTH);
            // The same course for all of a burst keeps its messages close enough to share packets.
            let ring = micros(4.0 + burst as f64);
            let end = crate::call::End::Answered {
                ring,
                talk: micros(9.0 + 5.0 * burst as f64),
                by: crate::call::Side::Calling,
            };
            calls.push(call.with((Some(micros(1.5)), end)));
        }
    }
    case("isup-fragmented", route, calls)
}

/// People who call from a block, within two minutes.
fn people_from(block: &str, digits: usize, count: u64, random: &mut Random) -> Vec<Call> {
    (0..count)
        .map(|index| {
            let at: Micros = START + random.below(120_000_000);
            let parties = (people::in_block(block, digits, random), people::subscriber(18_000 + index));
            let call = Call::new(at, INTL_ISUP_1.name, parties, TRUTH);
            match random.below(10) {
                0..7 => call.with(people::answered(random)),
                7 | 8 => call.with(people::unanswered(random)),
                _ => call.with(people::declined(4.0, 10.0, random)),
            }
        })
        .collect()
}
