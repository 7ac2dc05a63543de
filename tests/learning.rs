//! What the judge learns with the shipped rules, and whom it spares: senders of every kind among people of every kind,
//! call by call through the judge. A call that is blocked shows nothing more of itself, as in a switch.

#[path = "common/calls.rs"]
mod calls;

use calls::{Play, Way, scatter, stranger};
use tollgate::base::class::{Class, Decision};

/// Passed calls of a campaign before it is caught, at one call a second.
const LEAK_MAX: usize = 25;

#[test]
fn flash_calls_of_every_ending_are_caught_within_the_leak() {
    for (name, way) in [
        ("cut at ringing", Way::Cut { ring_ms: 400 }),
        ("cut in the first ring", Way::Cut { ring_ms: 2_000 }),
        ("cut late", Way::Cut { ring_ms: 6_500 }),
        ("cut before ringing", Way::CutBeforeRinging { after_ms: 2_500 }),
        ("rejected by the handset", Way::Rejected { ring_ms: 1_500 }),
        ("spoken", Way::Answered { ring_ms: 3_000, talk_ms: 6_000 }),
    ] {
        let mut play = Play::new();
        for index in 0..400_u64 {
            play.call("abroad", 447_400_010_000 + scatter(index, 10_000), stranger(index), way);
            play.wait_ms(1_000);
        }
        let passed = play.passed();
        let leak_max = if matches!(way, Way::Answered { .. }) { 40 } else { LEAK_MAX + 5 };
        assert!(passed <= leak_max, "{name}: {passed} of 400 passed");
    }
}

#[test]
fn a_block_is_marked_as_wide_as_its_sender_uses_it() {
    for (width, spread) in [(2_u8, 100_u64), (3, 1_000), (4, 10_000), (5, 100_000), (6, 1_000_000)] {
        let mut play = Play::new();
        let first = 447_400_000_000;
        for index in 0..300 {
            play.call("abroad", first + scatter(index, spread), stranger(index), Way::Cut { ring_ms: 1_500 });
            play.wait_ms(1_000);
        }
        let marked = play.widest_finding(Class::Flash);
        assert_eq!(marked, Some(width), "numbers spread over {spread}");
        // Of more the rules are in shadow.
        let is_blocked = width < 5;
        assert_eq!(play.passed() <= 40, is_blocked, "spread over {spread}: {} passed", play.passed());
    }
}

#[test]
fn a_sender_that_uses_its_numbers_in_turn_is_followed_from_hundred_to_hundred() {
    let mut play = Play::new();
    for index in 0..3_000 {
        play.call("abroad", 447_400_010_000 + index, stranger(index), Way::Cut { ring_ms: 1_500 });
        play.wait_ms(1_000);
    }
    assert!(play.passed() <= 150, "{} of 3,000 passed", play.passed());
    assert!(play.widest_finding(Class::Flash) >= Some(3));
}

#[test]
fn people_of_a_marked_block_are_spared_once_they_are_known() {
    let mut play = Play::new();
    let person = |index: u64| 447_400_010_000 + index * 131 % 10_000;
    for index in 0..60 {
        play.call(
            "abroad",
            person(index),
            stranger(index),
            Way::Answered { ring_ms: 7_000, talk_ms: 90_000 },
        );
        play.wait_ms(20_000);
    }
    play.wait_ms(600_000);
    for index in 0..500 {
        play.call(
            "abroad",
            447_400_010_000 + scatter(index, 10_000),
            stranger(index),
            Way::Cut { ring_ms: 1_500 },
        );
        play.wait_ms(1_000);
    }
    assert!(play.blocked() > 75, "only {} of 500 blocked", play.blocked());
    let blocked_before = play.blocked();
    for index in 0..60 {
        play.call(
            "abroad",
            person(index),
            stranger(9_000 + index),
            Way::Answered { ring_ms: 7_000, talk_ms: 90_000 },
        );
        play.wait_ms(5_000);
    }
    assert_eq!(play.blocked(), blocked_before, "people who talked before were blocked");
}

#[test]
fn whom_our_subscribers_call_is_known_too() {
    let mut play = Play::new();
    let person = 447_400_011_234;
    play.call("out", stranger(1), person, Way::Answered { ring_ms: 5_000, talk_ms: 40_000 });
    play.wait_ms(100_000);
    campaign(&mut play, "abroad", 300);
    let verdict = play.call("abroad", person, stranger(77_777), Way::Cut { ring_ms: 9_000 });
    assert_eq!(verdict.decision, Decision::Allow);
    let verdict = play.call("abroad", person + 1, stranger(77_778), Way::Cut { ring_ms: 9_000 });
    assert_eq!(verdict.decision, Decision::Block);
}

#[test]
fn who_is_refused_and_calls_again_gets_through_and_frees_the_block() {
    let mut play = Play::new();
    campaign(&mut play, "abroad", 200);
    let mut refused = 0;
    for index in 0..30 {
        // The block now belongs to people, who call again when they are refused.
        let (caller, called) = (447_400_010_000 + scatter(1_000 + index, 10_000), stranger(50_000 + index));
        let talk = Way::Answered { ring_ms: 8_000, talk_ms: 60_000 };
        if play.call("abroad", caller, called, talk).decision == Decision::Block {
            refused += 1;
            play.wait_ms(15_000);
            assert_eq!(play.call("abroad", caller, called, talk).decision, Decision::Allow, "call {index}");
        }
        play.wait_ms(90_000);
    }
    assert!((1..=5).contains(&refused), "{refused} of 30 were refused");
}

#[test]
fn a_sender_that_always_calls_twice_gains_nothing() {
    let mut play = Play::new();
    for index in 0..600 {
        let (caller, called) = (447_400_010_000 + scatter(index, 10_000), stranger(index));
        play.call("abroad", caller, called, Way::Cut { ring_ms: 1_500 });
        play.wait_ms(10_000);
        play.call("abroad", caller, called, Way::Cut { ring_ms: 1_500 });
        play.wait_ms(1_000);
    }
    assert!(play.passed() <= 60, "{} of 1,200 passed", play.passed());
}

#[test]
fn an_unconfirmed_mark_is_tested_and_a_reassigned_block_is_free_within_hours() {
    let mut play = Play::new();
    campaign(&mut play, "abroad", 300);
    play.wait_ms(2 * 3_600_000);
    let mut blocked_at = Vec::new();
    for index in 0..600 {
        let (caller, called) = (447_400_010_000 + scatter(5_000 + index, 10_000), stranger(80_000 + index));
        let talk = Way::Answered { ring_ms: 8_000, talk_ms: 60_000 };
        if play.call("abroad", caller, called, talk).decision == Decision::Block {
            blocked_at.push(index);
        }
        play.wait_ms(60_000);
    }
    let last = blocked_at.last().copied().unwrap_or(0);
    assert!(last < 120, "still blocked at minute {last} of people's calls ({} in all)", blocked_at.len());
}

#[test]
fn a_forged_number_says_nothing_against_its_owner_at_home() {
    let mut play = Play::new();
    for index in 0..200 {
        let own = 48_601_000_000 + scatter(index, 10_000);
        play.call("abroad", own, stranger(index), Way::Cut { ring_ms: 1_500 });
        play.wait_ms(1_000);
    }
    assert!(play.blocked() > 100);
    let verdict = play.call("country", 48_601_000_777, stranger(99_999), Way::Cut { ring_ms: 9_000 });
    assert_eq!(verdict.decision, Decision::Allow);
}

#[test]
fn sims_of_a_farm_are_caught_one_by_one_in_everybodys_blocks() {
    let mut play = Play::new();
    people(&mut play, "country", 600);
    let before = play.passed();
    let farm: Vec<u64> = (0..10).map(|sim| 48_790_000_000 + sim * 7_654_321 % 9_999_999).collect();
    for index in 0..1_000_usize {
        play.call("country", farm[index % 10], stranger(200_000 + index as u64), Way::Cut { ring_ms: 1_500 });
        play.wait_ms(2_000);
    }
    let passed = play.passed() - before;
    assert!(passed <= 10 * 20, "{passed} of 1,000 passed from ten numbers");
}

#[test]
fn scattered_numbers_through_one_piece_of_equipment_are_caught_by_it() {
    let mut play = Play::new();
    people(&mut play, "abroad", 500);
    let before = play.passed();
    play.equipment(0xfeed);
    for index in 0..500 {
        let caller = 30_000_000_000 + scatter(index, 900_000_000) * 7;
        play.call("abroad", caller, stranger(300_000 + index), Way::Cut { ring_ms: 1_500 });
        play.wait_ms(1_000);
    }
    assert!(play.passed() - before <= 40, "{} passed", play.passed() - before);
}

#[test]
fn wangiri_is_caught_by_number_and_by_block() {
    for numbers in [1, 4, 20] {
        let mut play = Play::new();
        for index in 0..600 {
            let caller = 216_280_000_000 + index % numbers * 5;
            play.call("abroad", caller, stranger(index), Way::Cut { ring_ms: 3_000 + index % 5 * 1_000 });
            play.wait_ms(700);
        }
        // Few numbers are caught each by itself, many by their block.
        let leak_max = if numbers <= 4 { 20 * numbers as usize } else { 45 };
        assert!(play.passed() <= leak_max, "{numbers} numbers: {} of 600 passed", play.passed());
    }
}

type Script = fn(&mut Play);

/// Calls that look like a sender's, and are not.
const LOOK_ALIKES: [(&str, Script); 9] = [
    ("a courier rings briefly at many doors", |play| {
        for index in 0..300 {
            let talk = Way::Answered { ring_ms: 9_000, talk_ms: 12_000 };
            let way = if index % 5 < 2 { talk } else { Way::Cut { ring_ms: 9_000 + index % 7 * 1_000 } };
            play.call("country", 48_790_000_001, stranger(index), way);
            play.wait_ms(180_000);
        }
    }),
    ("an alarm dials one number and hangs up", |play| {
        for _ in 0..300 {
            play.call("country", 48_790_000_002, stranger(5), Way::Cut { ring_ms: 2_000 });
            play.wait_ms(60_000);
        }
    }),
    ("many vote by ringing one number", |play| {
        for index in 0..3_000 {
            let caller = 48_790_100_000 + scatter(index, 100_000);
            play.call("country", caller, 48_600_000_999, Way::Rejected { ring_ms: 500 });
            play.wait_ms(50);
        }
    }),
    ("a dialler's pool abandons some calls", |play| {
        for index in 0..2_000 {
            // Each number of the pool does all of these in turn.
            let way = match (index + index / 100) % 20 {
                0 => Way::Cut { ring_ms: 1_000 },
                1..=6 => Way::Answered { ring_ms: 9_000, talk_ms: 25_000 },
                _ => Way::RangOut,
            };
            play.call("country", 48_790_200_000 + scatter(index, 100), stranger(index), way);
            play.wait_ms(500);
        }
    }),
    ("a clinic reminds its patients", |play| {
        for index in 0..2_000 {
            let talk = Way::Answered { ring_ms: 9_000, talk_ms: 20_000 };
            let way = if index % 5 < 2 { talk } else { Way::RangOut };
            play.call("country", 48_790_300_000, stranger(index), way);
            play.wait_ms(300);
        }
    }),
    ("friends ring once on purpose, and talk at other times", |play| {
        for index in 0..2_000 {
            let talk = Way::Answered { ring_ms: 9_000, talk_ms: 50_000 };
            let way = if index % 3 == 0 { Way::Cut { ring_ms: 3_000 } } else { talk };
            play.call("abroad", 234_803_100_000 + scatter(index % 400, 10_000), stranger(index % 500), way);
            play.wait_ms(2_000);
        }
    }),
    ("people hunt for a free trunk", |play| {
        for index in 0..1_000 {
            let (caller, called) = (447_400_020_000 + scatter(index, 10_000), stranger(index));
            play.call("abroad", caller, called, Way::CutBeforeRinging { after_ms: 1_500 });
            play.wait_ms(1_500);
            play.call("abroad-2", caller, called, Way::Answered { ring_ms: 8_000, talk_ms: 70_000 });
            play.wait_ms(3_000);
        }
    }),
    ("nothing gets through for ten minutes, and everybody tries again", |play| {
        people(play, "country", 2_000);
        for index in 0..4_000 {
            let caller = 48_790_000_000 + scatter(index / 4, 10_000_000);
            play.call("country", caller, stranger(index / 4), Way::CutBeforeRinging { after_ms: 5_000 });
            play.wait_ms(150);
        }
    }),
    ("everybody calls a victim back", |play| {
        for index in 0..2_000 {
            let caller = 48_790_400_000 + scatter(index, 100_000);
            play.call("country", caller, 48_600_000_998, Way::Cut { ring_ms: 3_500 });
            play.wait_ms(200);
        }
    }),
];

#[test]
fn look_alikes_are_never_blocked() {
    for (name, script) in LOOK_ALIKES {
        let mut play = Play::new();
        script(&mut play);
        assert_eq!(play.blocked(), 0, "{name}");
    }
}

/// A campaign from `+4474000 1xxxx`, one call a second.
fn campaign(play: &mut Play, route: &str, calls: u64) {
    for index in 0..calls {
        play.call(
            route,
            447_400_010_000 + scatter(index, 10_000),
            stranger(index),
            Way::Cut { ring_ms: 1_500 },
        );
        play.wait_ms(1_000);
    }
}

/// People's calls: six in ten answered, others ring out, some misdialled.
fn people(play: &mut Play, route: &str, calls: u64) {
    for index in 0..calls {
        let way = match index % 20 {
            0 => Way::Cut { ring_ms: 2_000 },
            1..=12 => Way::Answered { ring_ms: 8_000, talk_ms: 80_000 },
            _ => Way::RangOut,
        };
        play.call(route, 48_790_000_000 + scatter(index, 10_000_000), stranger(400_000 + index), way);
        play.wait_ms(1_000);
    }
}
