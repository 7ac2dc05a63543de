//! The demonstration: ten minutes at the borders of a mobile operator in Poland.

use crate::call::Micros;
use crate::case::Case;
use crate::fraud::{self, Campaign, Cutter, Wangiri};
use crate::look_alikes;
use crate::network;
use crate::people;
use crate::random::{Random, micros};

/// Monday, 2026-11-16, 10:00:00 UTC.
pub const START: Micros = 1_794_823_200_000_000;
/// New calls are set up for this long.
const SPAN_S: f64 = 600.0;
const PEOPLE_COUNT: usize = 4_300;
/// Subscribers who are abroad.
const ROAMERS: std::ops::Range<u64> = 13_500..13_540;
/// Subscribers known to be at home, spoofed ones among them.
const AT_HOME: std::ops::Range<u64> = 14_000..14_300;

/// The case, the same for the same seed.
pub fn case(seed: u64) -> Case {
    let random = &mut Random::new(seed);
    let mut calls = people::calls(PEOPLE_COUNT, START, micros(SPAN_S), random);
    for campaign in campaigns() {
        calls.extend(campaign.calls(random));
        if campaign.kind != "flash_contracted" {
            calls.extend(people::neighbours(campaign.block, campaign.route, START, 8, random));
        }
    }
    for attack in attacks() {
        calls.extend(attack.calls(random));
    }
    let roamers: Vec<String> = ROAMERS.map(people::subscriber).collect();
    let abroad = ["intl-sip-1", "intl-sip-2", "intl-isup-1"];
    calls.extend(fraud::borrowed_numbers(&abroad, START, &roamers, random));
    calls.extend(look_alikes::behaviours(START, random));
    let (oddities, messages) = look_alikes::oddities(START, random);
    calls.extend(oddities);
    for (index, seconds) in [150.0, 420.0].into_iter().enumerate() {
        let cic = 941 + 4 * index as u16;
        calls.extend(look_alikes::dual_seizure("nat-isup-1", START + micros(seconds), cic, random));
    }
    Case {
        name: "interconnect",
        routes: network::ALL.to_vec(),
        calls,
        messages,
        roaming: roaming_states(&roamers),
        is_demonstration: true,
    }
}

/// Three flash campaigns without a contract, and one with.
fn campaigns() -> [Campaign; 5] {
    let at = |seconds| START + micros(seconds);
    let campaign = |kind, route, block, from, cutter, subscribers_from| Campaign {
        kind,
        label: "flash",
        route,
        block,
        from,
        count: 150,
        every: 1.0,
        cutter,
        subscribers_from,
    };
    let sender = Cutter::Sender(0.5, 2.5);
    let handset = Cutter::Handset(1.0, 3.0);
    let by_sip = campaign("flash_cut", "intl-sip-1", "44740000", at(60.0), sender, 0);
    let by_isup = campaign("flash_cut", "intl-isup-1", "3360000", at(140.0), sender, 4_000);
    let rejected = campaign("flash_rejected", "intl-sip-2", "3161000", at(220.0), handset, 8_000);
    let rejected_isup = Campaign {
        count: 60,
        every: 2.0,
        ..campaign("flash_rejected", "intl-isup-1", "3161000", at(300.0), handset, 0)
    };
    let contracted = Campaign {
        every: 3.0,
        ..campaign("flash_contracted", "white-acme", "3247000", at(30.0), sender, 12_000)
    };
    [by_sip, by_isup, rejected, rejected_isup, contracted]
}

/// One number, and a few numbers of a hundred in turn.
fn attacks() -> [Wangiri; 2] {
    let single = Wangiri {
        route: "intl-sip-2",
        callings: vec!["252610000123".into()],
        from: START + micros(90.0),
        count: 180,
        every: 0.8,
        subscribers_from: 4_000,
        back_route: "own-out",
        back_one_in: 40,
    };
    let rotating = Wangiri {
        route: "intl-sip-1",
        callings: [12, 34, 56, 78].map(|tail| format!("216280000{tail}")).into(),
        from: START + micros(200.0),
        count: 120,
        every: 0.7,
        subscribers_from: 8_000,
        back_route: "own-out",
        back_one_in: 40,
    };
    [single, rotating]
}

fn roaming_states(roamers: &[String]) -> Vec<(String, &'static str)> {
    let abroad = roamers.iter().map(|number| (number.clone(), "roaming"));
    abroad.chain(AT_HOME.map(|index| (people::subscriber(index), "home"))).collect()
}
