//! Attacks that the rules on behaviour find, and the honest traffic that looks like each of them.
//!
//! Attacks are built from what is published of them, look-alikes from the traps of `docs/detectors-behaviour.md`.

#[path = "common/world.rs"]
mod world;

use tollgate::base::class::{Class, Decision};
use tollgate::call::ReleasedBy::{Called, Calling};
use world::{ABROAD, CHECKED, Dice, ENTERPRISE, Judged, Made, NATIONAL, ON_NET, OWN_OUT, judge};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// A home mobile number.
const fn mobile(index: u64) -> u64 {
    48_601_000_000 + index
}

/// A home mobile number anywhere in its range.
fn any_mobile(dice: &mut Dice) -> u64 {
    mobile(dice.below(900_000))
}

fn satellite(index: u64) -> u64 {
    881_651_400_000 + index * 37
}

/// A caller who dials `count` numbers, one every `step`, and what `outcome` makes of each call.
fn dials(
    (route, caller): (u16, u64),
    (count, step): (u64, u64),
    mut called: impl FnMut(u64) -> u64,
    mut outcome: impl FnMut(u64, Made) -> Made,
) -> Vec<Made> {
    (0..count).map(|index| outcome(index, Made::new(index * step, route, caller, called(index)))).collect()
}

/// How an attack is expected to be seen.
struct Seen {
    class: Class,
    /// Calls of this class once the first was seen, in percent of all from there.
    from_then_on: usize,
    /// Calls before the first one seen, at most.
    leak_max: usize,
    /// Whether any call is blocked.
    blocks: bool,
}

fn check(name: &str, calls: &[Made], seen: &Seen) {
    let judged = judge(calls);
    let first = judged.iter().position(|call| call.class == seen.class);
    let first = first.unwrap_or_else(|| panic!("{name}: not seen at all: {:?}", judged.last()));
    assert!(first <= seen.leak_max, "{name}: first seen at call {first}");
    let after = &judged[first..];
    let right = after.iter().filter(|call| call.class == seen.class).count();
    assert!(right * 100 >= after.len() * seen.from_then_on, "{name}: {right} of {}", after.len());
    let others: Vec<&Judged> =
        judged.iter().filter(|call| ![seen.class, Class::Normal].contains(&call.class)).collect();
    assert!(others.is_empty(), "{name}: taken for something else: {:?}", others[0]);
    let blocked = judged.iter().filter(|call| call.decision == Decision::Block).count();
    assert_eq!(blocked > 0, seen.blocks, "{name}: {blocked} blocked");
}

fn check_normal(name: &str, calls: &[Made]) {
    let normal = Judged { decision: Decision::Allow, class: Class::Normal };
    for (index, judged) in judge(calls).into_iter().enumerate() {
        assert_eq!(judged, normal, "{name}: call {index}, {:?}", calls[index]);
    }
}

// Robocalls.

/// Of a hundred: so many to numbers that do not exist, so many answered, so many of these hung up on within 15 s.
fn robot(invalid: u64, answered: u64, brief: u64) -> Vec<Made> {
    let (mut dice, mut outcomes) = (Dice::new(1), Dice::new(2));
    dials(
        (ABROAD[0], 12_025_550_100),
        (500, 6 * SECOND),
        |_| any_mobile(&mut dice),
        |_, call| {
            if outcomes.percent(invalid) {
                call.refused(404)
            } else if outcomes.percent(answered) {
                let is_brief = outcomes.percent(brief);
                let talk = if is_brief { outcomes.between(3, 13) } else { outcomes.between(20, 40) };
                call.answered(8 * SECOND, talk * SECOND, if is_brief { Called } else { Calling })
            } else {
                call
            }
        },
    )
}

#[test]
fn robocalls_are_named() {
    let seen = Seen { class: Class::Robocall, from_then_on: 90, leak_max: 220, blocks: false };
    check("few answer", &robot(1, 12, 90), &seen);
    check("numbers made up", &robot(20, 30, 80), &seen);
    check("ringless voicemail", &ringless(60), &Seen { leak_max: 30, ..seen });
}

/// Pairs of attempts: the second is set up while the first occupies the line.
fn ringless(subscribers: u64) -> Vec<Made> {
    let mut dice = Dice::new(3);
    let pair = |index: u64| {
        let called = any_mobile(&mut dice);
        let at = index * 30 * SECOND;
        let mut first = Made::new(at, ABROAD[1], 12_025_550_101, called);
        (first.alert, first.end) = (Some(1_800), 2_600);
        let mut second = Made::new(at + 1_200, ABROAD[1], 12_025_550_101, called);
        second.alert = None;
        [first, second.answered(900, 25 * SECOND, Calling)]
    };
    (0..subscribers).flat_map(pair).collect()
}

#[test]
fn who_calls_many_and_is_heard_is_no_robot() {
    // Answered in percent, hung up on within 15 s in percent of these.
    for (name, count, step, answered, brief) in [
        ("a clinic's reminders", 2_000, 300, 40, 15),
        ("a school's alert", 1_500, 200, 45, 25),
        ("a predictive dialler on a good day", 900, 4 * SECOND, 35, 45),
        ("a predictive dialler on a bad day", 900, 4 * SECOND, 24, 65),
        ("a survey that few take", 600, 6 * SECOND, 14, 50),
    ] {
        for (seed, route) in
            [(1, NATIONAL), (2, ENTERPRISE), (3, ON_NET), (4, ABROAD[2]), (5, ENTERPRISE), (6, NATIONAL)]
        {
            check_normal(name, &campaign((route, seed), (count, step), (answered, brief)));
        }
    }
}

fn campaign(
    (route, seed): (u16, u64),
    (count, step): (u64, u64),
    (answered, brief): (u64, u64),
) -> Vec<Made> {
    let (mut dice, mut outcomes) = (Dice::new(seed), Dice::new(seed + 100));
    dials(
        (route, if route == ABROAD[2] { 442_071_234_500 } else { 48_221_234_500 }),
        (count, step),
        |_| any_mobile(&mut dice),
        |_, call| {
            if outcomes.percent(3) {
                call.refused(404)
            } else if outcomes.percent(answered) {
                let is_brief = outcomes.percent(brief);
                let talk = if is_brief { outcomes.between(4, 14) } else { outcomes.between(18, 90) };
                call.answered(7 * SECOND, talk * SECOND, if is_brief { Called } else { Calling })
            } else {
                call
            }
        },
    )
}

#[test]
fn couriers_and_salesmen_are_called_back() {
    let mut dice = Dice::new(6);
    for (name, talk_min, talk_max) in [("a courier", 8, 35), ("a salesman", 40, 300)] {
        let mut calls = Vec::new();
        for index in 0..160 {
            let (at, other) = (index * 4 * MINUTE, any_mobile(&mut dice));
            let call = Made::new(at, ON_NET, mobile(950_000), other);
            let talk = dice.between(talk_min, talk_max) * SECOND;
            let answered = dice.percent(55);
            calls.push(if answered { call.answered(9 * SECOND, talk, Calling) } else { call });
            if !answered && dice.percent(20) {
                let back = Made::new(at + MINUTE, ON_NET, other, mobile(950_000));
                calls.push(back.answered(5 * SECOND, 20 * SECOND, Called));
            }
        }
        check_normal(name, &calls);
    }
}

#[test]
fn one_call_tried_over_several_routes_is_one_call() {
    let mut calls = Vec::new();
    for index in 0..30 {
        let (caller, called) = (33_612_340_000 + index * 101, mobile(index * 77));
        for (step, route) in (0..).zip(ABROAD) {
            let attempt = Made::new(index * 20 * SECOND + step * SECOND, route, caller, called);
            calls.push(if step < 2 {
                attempt.refused(503)
            } else {
                attempt.answered(6 * SECOND, MINUTE, Called)
            });
        }
    }
    check_normal("one call over three routes", &calls);
}

// Toll fraud.

#[test]
fn toll_fraud_is_blocked() {
    let seen = Seen { class: Class::Irsf, from_then_on: 90, leak_max: 12, blocks: true };
    let form = dials((OWN_OUT, 48_221_234_501), (40, 30 * SECOND), satellite, |_, call| {
        call.answered(3 * SECOND, 4 * MINUTE, Calling)
    });
    check("a web form filled in by a robot", &form, &seen);
    let hacked = dials(
        (OWN_OUT, 48_221_234_502),
        (60, 10 * SECOND),
        |index| satellite(index % 3),
        |_, call| call.answered(2 * SECOND, 30 * MINUTE, Calling),
    );
    check("a hacked exchange", &hacked, &seen);
    let hijacked: Vec<Made> = (0..60)
        .map(|index| {
            let mut call = Made::new(index * 8 * SECOND, OWN_OUT, 33_612_340_000 + index, satellite(1));
            call.diverting = Some(mobile(77));
            call.answered(2 * SECOND, 20 * MINUTE, Calling)
        })
        .collect();
    check("a hijacked forwarding", &hijacked, &seen);
}

#[test]
fn toll_fraud_through_own_trunks_is_blocked() {
    let seen = Seen { class: Class::Irsf, from_then_on: 90, leak_max: 12, blocks: true };
    for (name, route) in [("a customer's exchange", ENTERPRISE), ("a subscriber's", ON_NET)] {
        let hacked = dials(
            (route, 48_221_234_502),
            (60, 10 * SECOND),
            |index| satellite(index % 3),
            |_, call| call.answered(2 * SECOND, 30 * MINUTE, Calling),
        );
        check(name, &hacked, &seen);
    }
    for (name, route) in [("through from abroad", ABROAD[0]), ("from another operator", NATIONAL)] {
        let calls = dials((route, 33_612_340_000), (60, 10 * SECOND), satellite, |_, call| {
            call.answered(2 * SECOND, 30 * MINUTE, Calling)
        });
        let judged = judge(&calls);
        assert!(judged.iter().all(|call| call.class != Class::Irsf), "{name}: no customer of ours pays");
    }
}

#[test]
fn only_whoever_pays_may_be_known_for_good() {
    let forwarded = |caller: u64, diverting: u64| {
        let call = |index: u64| {
            let mut call = Made::new(index * 8 * SECOND, OWN_OUT, caller, satellite(index));
            call.diverting = Some(diverting);
            call.answered(2 * SECOND, 20 * MINUTE, Calling)
        };
        judge(&(0..60).map(call).collect::<Vec<_>>())
    };
    let blocked = |judged: Vec<Judged>| judged.iter().any(|call| call.decision == Decision::Block);
    assert!(blocked(forwarded(CHECKED, mobile(79))), "a checked caller does not vouch for who forwards");
    assert!(!blocked(forwarded(mobile(80), CHECKED)), "who pays is checked");
}

#[test]
fn who_has_reason_to_call_satellites_is_spared() {
    let mut dice = Dice::new(7);
    let office: Vec<Made> = (0..200)
        .map(|index| {
            let call = Made::new(index * 15 * MINUTE, OWN_OUT, 48_587_000_000, satellite(dice.below(12)));
            call.answered(9 * SECOND, dice.between(1, 8) * MINUTE, Calling)
        })
        .collect();
    check_normal("a shipping office", &office);
    let owner: Vec<Made> = (0..12)
        .map(|index| {
            let mut call = Made::new(index * 5 * MINUTE, OWN_OUT, any_mobile(&mut dice), satellite(1));
            call.diverting = Some(mobile(78));
            call.answered(9 * SECOND, 3 * MINUTE, Called)
        })
        .collect();
    check_normal("an owner at sea who forwards his calls", &owner);
    let televote = dials(
        (OWN_OUT, 48_221_234_503),
        (60, 5 * SECOND),
        |index| 48_701_000_000 + index,
        |_, call| call.answered(SECOND, 10 * SECOND, Calling),
    );
    check_normal("premium numbers at home", &televote);
}

#[test]
fn after_a_day_a_number_is_known() {
    let round = |day: u64| {
        dials((OWN_OUT, 48_587_000_001), (20, 20 * SECOND), satellite, move |_, mut call| {
            call.at += day * (DAY + HOUR);
            call.answered(9 * SECOND, 30 * SECOND, Calling)
        })
    };
    let judged = judge(&[round(0), round(1)].concat());
    assert!(judged[..20].iter().any(|call| call.decision == Decision::Block), "new on the first day");
    assert!(judged[20..].iter().all(|call| call.decision == Decision::Allow && call.class == Class::Normal));
}

// Bypass.

/// One call at a time for 20 hours, every other one answered.
fn sim_card(step: u64, talk: u64) -> Vec<Made> {
    let mut dice = Dice::new(8);
    dials(
        (ON_NET, mobile(960_000)),
        (20 * HOUR / step, step),
        |_| any_mobile(&mut dice),
        |index, call| {
            if index % 2 == 0 { call.answered(8 * SECOND, talk, Calling) } else { call }
        },
    )
}

#[test]
fn a_sim_box_is_named() {
    let seen = Seen { class: Class::SimBox, from_then_on: 45, leak_max: 260, blocks: false };
    check("one card of a SIM box", &sim_card(4 * MINUTE, 170 * SECOND), &seen);
    check_normal("a mobile that calls all day, briefly", &sim_card(4 * MINUTE, 30 * SECOND));
}

/// An hour of calls that leave over three routes; on the first, a share of answers is false.
fn carriers(false_percent: u64, talk_min: u64) -> Vec<Made> {
    let mut dice = Dice::new(9);
    (0..3_600)
        .map(|index| {
            let route = ABROAD[(index % 3) as usize];
            let call =
                Made::new(index * SECOND, route, any_mobile(&mut dice), 33_612_000_000 + dice.below(100_000));
            let call = call.outbound();
            if route == ABROAD[0] && dice.percent(false_percent) {
                call.answered(200, dice.between(talk_min, 12) * SECOND, Calling)
            } else if dice.percent(50) {
                call.answered(dice.between(3, 15) * SECOND, dice.between(20, 240) * SECOND, Calling)
            } else {
                call
            }
        })
        .collect()
}

#[test]
fn false_answers_are_named_and_no_others() {
    let calls = carriers(70, 3);
    let judged = judge(&calls);
    let is_false = |made: &Made| made.answer.is_some_and(|answer| answer - made.alert.unwrap() <= SECOND);
    let (mut named, mut missed) = (0, 0);
    for (made, judged) in calls.iter().zip(&judged).skip(2_000) {
        assert_eq!(judged.decision, Decision::Allow);
        assert!(
            judged.class == Class::Normal || (judged.class == Class::FalseAnswer && is_false(made)),
            "{made:?}"
        );
        if is_false(made) {
            *if judged.class == Class::FalseAnswer { &mut named } else { &mut missed } += 1;
        }
    }
    assert!(named > 300 && missed < 20, "{named} named, {missed} missed");
}

#[test]
fn a_route_with_menus_answers_at_once_without_being_false() {
    check_normal("a tenth are menus given up at once", &carriers(10, 3));
}

/// An hour of conversations from abroad; on the first route a share of the numbers is replaced by some of no block.
fn conversations(replaced_percent: u64) -> Vec<Made> {
    let mut dice = Dice::new(10);
    (0..900)
        .map(|index| {
            let route = ABROAD[(index % 3) as usize];
            let is_replaced = route == ABROAD[0] && dice.percent(replaced_percent);
            // No Spanish number begins with 2.
            let caller = if is_replaced { 34_200_000_000 } else { 33_612_000_000 } + dice.below(1_000_000);
            let call = Made::new(index * 4 * SECOND, route, caller, any_mobile(&mut dice));
            call.answered(8 * SECOND, dice.between(40, 300) * SECOND, Called)
        })
        .collect()
}

#[test]
fn replaced_numbers_are_named() {
    let calls = conversations(20);
    let judged = judge(&calls);
    let is_replaced = |made: &Made| made.calling < 34_300_000_000 && made.calling > 34_000_000_000;
    for (made, judged) in calls.iter().zip(&judged).skip(600) {
        let expected = if is_replaced(made) { Class::Refiled } else { Class::Normal };
        assert_eq!((judged.class, judged.decision), (expected, Decision::Allow), "{made:?}");
    }
    check_normal("now and then a block opened last week", &conversations(2));
}

/// One foreign mobile in conversations over three routes.
fn shown_number(answered: u64, talk_s: u64) -> Vec<Made> {
    let (mut dice, mut outcomes) = (Dice::new(11), Dice::new(12));
    dials(
        (ABROAD[0], 33_612_345_678),
        (300, 8 * SECOND),
        |_| any_mobile(&mut dice),
        |index, mut call| {
            call.route = ABROAD[(index % 3) as usize];
            let talk = outcomes.between(talk_s, 2 * talk_s) * SECOND;
            if outcomes.percent(answered) { call.answered(8 * SECOND, talk, Called) } else { call }
        },
    )
}

#[test]
fn one_number_on_strangers_calls_is_named() {
    let seen = Seen { class: Class::Refiled, from_then_on: 50, leak_max: 60, blocks: false };
    check("a number put on strangers' calls", &shown_number(60, 120), &seen);
    check_normal("a call centre abroad that shows a mobile", &shown_number(28, 60));
}

// Scans and floods.

#[test]
fn scans_are_named_and_blocked() {
    let seen = Seen { class: Class::Scan, from_then_on: 90, leak_max: 60, blocks: true };
    let scanned = |sequential: bool, invalid: u64, count: u64| {
        let (mut dice, mut outcomes) = (Dice::new(13), Dice::new(14));
        dials(
            (ABROAD[1], 12_025_550_102),
            (count, 3 * SECOND),
            |index| if sequential { mobile(500_000 + index * 3) } else { any_mobile(&mut dice) },
            |_, mut call| {
                if outcomes.percent(invalid) {
                    return call.refused(404);
                }
                // Cut as soon as it rings it would end like a flash call, which is named first.
                call.end = 15_000;
                call
            },
        )
    };
    check("number after number", &scanned(true, 30, 500), &seen);
    let at_random = Seen { leak_max: 210, blocks: false, ..seen };
    check("at random", &scanned(false, 55, 500), &at_random);
}

#[test]
fn a_mark_by_forged_calls_does_not_block_whose_number_was_forged() {
    let victim = 12_025_550_103;
    let mut calls = vec![Made::new(0, ABROAD[1], victim, mobile(1)).answered(8 * SECOND, MINUTE, Calling)];
    let mut outcomes = Dice::new(17);
    let forged = dials(
        (ABROAD[1], victim),
        (300, 3 * SECOND),
        |index| mobile(500_000 + index * 3),
        |_, mut call| {
            call.at += 10 * MINUTE;
            call.end = 15_000;
            if outcomes.percent(30) { call.refused(404) } else { call }
        },
    );
    calls.extend(forged);
    let later = calls.len();
    let own = |index: u64| {
        let at = 2 * HOUR + index * 20 * MINUTE;
        Made::new(at, ABROAD[1], victim, mobile(2 + index)).answered(8 * SECOND, MINUTE, Calling)
    };
    calls.extend((0..5).map(own));
    let judged = judge(&calls);
    assert!(judged[1..later].iter().any(|call| call.class == Class::Scan), "the forged calls are a scan");
    assert!(judged[later..].iter().all(|call| call.decision == Decision::Allow), "{:?}", &judged[later..]);
}

#[test]
fn who_rings_number_after_number_with_reason_is_spared() {
    let mut outcomes = Dice::new(15);
    let drill = dials(
        (ENTERPRISE, 48_221_234_504),
        (500, SECOND),
        |index| 48_225_550_000 + index,
        |_, call| if outcomes.percent(70) { call.answered(5 * SECOND, 20 * SECOND, Calling) } else { call },
    );
    check_normal("an emergency drill over all extensions", &drill);
    let mut dice = Dice::new(16);
    let outage = dials(
        (ENTERPRISE, 48_221_234_505),
        (1_000, 500),
        |_| any_mobile(&mut dice),
        |_, call| call.refused(404),
    );
    check_normal("reminders while a register is out of order", &outage);
}

/// Three and a half days with a few calls an hour to a number, and then `flood`.
fn after_quiet_days(called: u64, flood: impl Iterator<Item = Made>) -> Vec<Made> {
    let mut dice = Dice::new(17);
    let quiet = (0..250).map(|index| {
        let call = Made::new(index * 20 * MINUTE, ON_NET, any_mobile(&mut dice), called);
        call.answered(6 * SECOND, MINUTE, Called)
    });
    let mut calls: Vec<Made> = quiet.collect();
    calls.extend(flood.map(|mut call| {
        call.at += 7 * DAY / 2;
        call
    }));
    calls
}

/// Ten minutes of calls from home numbers that nobody has.
fn spoofed_flood(called: u64) -> impl Iterator<Item = Made> {
    let mut dice = Dice::new(18);
    // No Polish number begins with 0.
    (0..1_000).map(move |index| {
        let caller = 480_000_000_000 / 10 + dice.below(10_000_000);
        Made::new(index * 600, NATIONAL, caller, called).refused(486)
    })
}

#[test]
fn floods_are_named() {
    let seen = Seen { class: Class::Tdos, from_then_on: 95, leak_max: 290, blocks: false };
    check("from numbers nobody has", &after_quiet_days(mobile(1), spoofed_flood(mobile(1))), &seen);
    let at_once: Vec<Made> = spoofed_flood(mobile(2)).collect();
    check("on a number not known yet", &at_once, &Seen { leak_max: 160, ..seen });
    let few: Vec<Made> = (0..600)
        .map(|index| Made::new(index * SECOND, NATIONAL, 48_221_234_510 + index % 5, mobile(3)).refused(486))
        .collect();
    check("from five callers", &few, &Seen { leak_max: 160, ..seen });
}

#[test]
fn people_who_rush_are_no_flood() {
    let (mut dice, mut outcomes) = (Dice::new(19), Dice::new(20));
    let mut rush = |count: u64, step: u64, callers: u64, answered: u64| -> Vec<Made> {
        (0..count)
            .map(|index| {
                let call = Made::new(index * step, ON_NET, mobile(dice.below(callers)), 48_225_551_234);
                if outcomes.percent(answered) {
                    call.answered(500, 4 * SECOND, Called)
                } else {
                    call.refused(486)
                }
            })
            .collect()
    };
    for (name, calls) in [
        ("a televote", rush(3_000, 200, 800_000, 95)),
        ("a contest, redialled by 400", rush(3_000, 200, 400, 2)),
        ("a storm of calls back to a number shown in its owner's name", rush(2_000, 300, 800_000, 10)),
        ("missed-call banking", rush(1_000, 600, 800_000, 0)),
    ] {
        check_normal(name, &after_quiet_days(48_225_551_234, calls.into_iter()));
    }
}

#[test]
fn machines_that_call_one_number_are_no_flood() {
    let alarm: Vec<Made> = (0..360)
        .map(|index| {
            let mut call = Made::new(index * 10 * SECOND, ENTERPRISE, 48_221_234_520, mobile(4));
            call.end = 8_000;
            call
        })
        .collect();
    check_normal("an alarm panel that is not answered", &alarm);
    let conference: Vec<Made> = (0..250)
        .map(|index| {
            let call = Made::new(index * 500, ENTERPRISE, 48_221_234_521, 48_225_559_999);
            call.answered(SECOND, 30 * MINUTE, Calling)
        })
        .collect();
    check_normal("an office that dials into its conference", &conference);
}

#[test]
fn an_outage_with_its_redials_is_nobodys_fault() {
    let mut dice = Dice::new(21);
    let mut calls = Vec::new();
    for caller in 0..500 {
        let (begun, called) = (dice.below(10 * MINUTE), any_mobile(&mut dice));
        for redial in 0..6 {
            let call = Made::new(begun + redial * 12 * SECOND, NATIONAL, mobile(970_000 + caller), called);
            let is_over = redial == 5;
            calls.push(if is_over { call.answered(6 * SECOND, MINUTE, Calling) } else { call.refused(503) });
        }
    }
    check_normal("redials after an outage", &calls);
}
