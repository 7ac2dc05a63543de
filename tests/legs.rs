//! One call is one call: legs of it are joined, and what is another call is not, whatever it says of itself.

#[path = "common/hops.rs"]
mod hops;

use std::path::Path;
use std::sync::Arc;

use hops::*;
use serde_json::Value;
use tollgate::call::{LegOptions, Legs};
use tollgate::config;
use tollgate::engine::{Engine, Options};
use tollgate::feature::fields::FIELDS;
use tollgate::pipeline::Threads;
use tollgate::rule::{Ruleset, Source};

/// Index of a reason in the counts of what was kept apart.
fn apart(scene: &Scene, reason: &str) -> u64 {
    let counts = scene.play(Threads::default()).counts;
    counts.by_reason().find(|(name, _)| *name == reason).unwrap().1
}

fn joined(scene: &Scene) -> Vec<(&'static str, u64)> {
    let counts = scene.play(Threads::default()).counts;
    counts.by_kind().filter(|(_, count)| *count > 0).collect()
}

/// What each call is: key, route, legs.
type Expected<'a> = [(&'a str, &'a str, &'a [&'a str])];

#[track_caller]
fn assert_calls(scene: &Scene, expected: &Expected<'_>) -> Vec<Value> {
    let records = scene.records();
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let expected: Vec<_> = expected
        .iter()
        .map(|(key, route, legs)| ((*key).to_owned(), (*route).to_owned(), owned(legs)))
        .collect();
    assert_eq!(shown(&records), expected);
    records
}

/// A call from abroad through our border to our exchange, each side with a Call-ID of its own.
fn through_the_border(named: impl Fn(Hop) -> Hop) -> Scene {
    let mut scene = Scene::new();
    scene.talk(0, &named(Hop::new((CARRIER, BORDER), "in")));
    scene.talk(10, &named(Hop::new((BORDER, CORE), "on")));
    scene
}

#[test]
fn a_call_through_a_proxy() {
    let mut scene = Scene::new();
    scene.talk(0, &Hop::new((CARRIER, BORDER), "one"));
    scene.talk(10, &Hop::new((BORDER, CORE), "one"));
    let records = assert_calls(&scene, &[("one", "carrier", &["one@core:call_id"])]);
    assert_eq!(records[0]["talk_ms"], 4_000);
    assert_eq!(records[0]["legs"][0]["direction"], "outbound");
    assert_eq!(joined(&scene), [("call_id", 1)]);
}

#[test]
fn a_call_through_a_back_to_back_user_agent() {
    let one = ("in", "carrier");
    let scene = through_the_border(|hop| hop.icid("1234bc9876e"));
    let records = assert_calls(&scene, &[(one.0, one.1, &["on@core:icid"])]);
    let leg = &records[0]["legs"][0];
    assert_eq!((&leg["protocol"], &leg["direction"]), (&"sip".into(), &"outbound".into()));
    assert!(leg["setup_at"].as_str().unwrap() > records[0]["setup_at"].as_str().unwrap());
    assert_eq!((&records[0]["released_by"], &records[0]["talk_ms"]), (&"calling".into(), &4_000.into()));

    let session = "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000";
    let scene = through_the_border(|hop| hop.header(session));
    assert_calls(&scene, &[(one.0, one.1, &["on@core:session"])]);
}

#[test]
fn a_leg_that_names_the_other_by_its_call_id() {
    let mut scene = Scene::new();
    scene.talk(0, &Hop::new((CARRIER, BORDER), "in"));
    scene.talk(10, &Hop::new((BORDER, CORE), "on").header("X-CID: in"));
    assert_calls(&scene, &[("in", "carrier", &["on@core:header"])]);
    // Both name a third.
    let scene = through_the_border(|hop| hop.header("X-CID: third"));
    assert_calls(&scene, &[("in", "carrier", &["on@core:header"])]);
}

#[test]
fn hops_that_no_route_names() {
    let mut scene = through_the_border(|hop| hop.icid("i"));
    scene.talk(20, &Hop::new((BORDER, INNER), "within").icid("i"));
    assert_calls(&scene, &[("in", "carrier", &["on@core:icid", "within@unknown:icid"])]);
    // A number is not known there: that is too little to believe.
    let mut scene = Scene::new();
    scene.talk(0, &Hop::new((CARRIER, BORDER), "in").icid("i"));
    scene.talk(20, &Hop::new((BORDER, INNER), "within").icid("i").numbers("anonymous", "+48601000001"));
    assert_calls(&scene, &[("in", "carrier", &[]), ("within", "unknown", &[])]);
}

#[test]
fn nothing_is_joined_where_it_is_not_wanted() {
    let mut scene = through_the_border(|hop| hop.icid("i"));
    scene.legs.within = std::time::Duration::ZERO;
    assert_calls(&scene, &[("in", "carrier", &[]), ("on", "core", &[])]);
    assert_eq!(joined(&scene), []);
}

#[test]
fn a_routing_number_in_front_is_the_same_called_number() {
    let mut scene = Scene::new();
    scene.talk(0, &Hop::new((CARRIER, BORDER), "in").icid("i"));
    scene.talk(9, &Hop::new((BORDER, CORE), "on").icid("i").numbers("+447700900123", "+48260601000001"));
    assert_calls(&scene, &[("in", "carrier", &["on@core:icid"])]);
}

#[test]
fn both_sides_of_a_gateway_by_numbers() {
    let numbers = ("+447700900123", "+48601000001");
    let mut scene = Scene::new();
    scene.refused(0, &Hop::new((CARRIER, BORDER), "in"), "486 Busy Here", 4_020);
    scene.circuit(300, (GATEWAY_CODE, CORE_CODE, 7), numbers);
    let off = [("1-2-7", "core", &[][..]), ("in", "carrier", &[])];
    assert_calls(&scene, &off);
    let scene = scene.by_numbers(4_000);
    let records = assert_calls(&scene, &[("in", "carrier", &["1-2-7@core:numbers"])]);
    assert_eq!(records[0]["legs"][0]["protocol"], "isup");

    // The other way round: in by ISUP, on by SIP.
    let mut scene = Scene::new().by_numbers(4_000);
    scene.circuit(0, (CARRIER_CODE, GATEWAY_CODE, 7), numbers);
    scene.refused(300, &Hop::new((BORDER, CORE), "on"), "486 Busy Here", 3_600);
    assert_calls(&scene, &[("3-1-7", "carrier", &["on@core:numbers"])]);
    // Too late.
    let scene = scene.by_numbers(299);
    assert_calls(&scene, &[("3-1-7", "carrier", &[]), ("on", "core", &[])]);
}

#[test]
fn numbers_that_point_to_two_calls_join_none() {
    let mut scene = Scene::new().by_numbers(4_000);
    let on = Hop::new((BORDER, CORE), "on");
    scene.talk(0, &Hop::new((CARRIER, BORDER), "first"));
    scene.talk(500, &Hop::new((OTHER, BORDER), "second"));
    scene.talk(800, &on);
    assert_calls(&scene, &[("first", "carrier", &[]), ("on", "core", &[]), ("second", "other", &[])]);
    assert_eq!(apart(&scene, "ambiguous"), 1);
    // One trunk after the other: the first was refused.
    let mut scene = Scene::new().by_numbers(4_000);
    scene.talk(0, &Hop::new((CARRIER, BORDER), "in"));
    scene.refused(50, &on, "503 Service Unavailable", 20);
    scene.talk(90, &Hop::new((BORDER, CORE), "on-again"));
    assert_calls(&scene, &[("in", "carrier", &["on@core:numbers", "on-again@core:numbers"])]);
    // While it is tried, no second one is.
    let mut scene = Scene::new().by_numbers(4_000);
    scene.talk(0, &Hop::new((CARRIER, BORDER), "in"));
    scene.talk(50, &on);
    scene.talk(90, &Hop::new((BORDER, CORE), "on-again"));
    assert_calls(&scene, &[("in", "carrier", &["on@core:numbers"]), ("on-again", "core", &[])]);
}

#[test]
fn two_tap_points() {
    // The same packet twice.
    let hop = Hop::new((CARRIER, BORDER), "in");
    let mut scene = Scene::new();
    scene.talk(0, &hop);
    scene.talk(2, &hop);
    assert_calls(&scene, &[("in", "carrier", &[])]);
    // Before and behind a proxy of the carrier's.
    let mut scene = Scene::new();
    scene.talk(0, &Hop::new((CARRIER, [192, 0, 2, 2]), "in").branch("a"));
    scene.talk(2, &Hop::new(([192, 0, 2, 2], BORDER), "in").branch("b"));
    assert_calls(&scene, &[("in", "carrier", &["in@carrier:call_id"])]);
    // An IAM at two points.
    let mut scene = Scene::new();
    let numbers = ("+447700900123", "+48601000001");
    scene.circuit(0, (CARRIER_CODE, GATEWAY_CODE, 7), numbers);
    scene.circuit(2, (CARRIER_CODE, GATEWAY_CODE, 7), numbers);
    assert_calls(&scene, &[("3-1-7", "carrier", &[])]);
}

#[test]
fn a_fork_to_several_telephones() {
    let mut scene = Scene::new();
    scene.talk(0, &Hop::new((CARRIER, BORDER), "in"));
    scene.refused(5, &Hop::new((BORDER, CORE), "in").branch("f1"), "486 Busy Here", 300);
    scene.talk(6, &Hop::new((BORDER, CORE), "in").branch("f2"));
    let records = assert_calls(&scene, &[("in", "carrier", &["in@core:call_id", "in@core:call_id"])]);
    assert_eq!(records[0]["talk_ms"], 4_000);
}

/// A forwarded call keeps the icid (RFC 7315 §5.6), and is another call.
#[test]
fn a_forwarded_call_is_a_new_one() {
    let mut scene = through_the_border(|hop| hop.icid("i"));
    let onward = Hop::new((CORE, BORDER), "onward")
        .icid("i")
        .header("Diversion: <sip:+48601000001@b.example>;reason=no-answer;counter=1");
    scene.talk(3_000, &onward.clone().numbers("+447700900123", "+48602000002"));
    let first = ("in", "carrier", &["on@core:icid"][..]);
    assert_calls(&scene, &[first, ("onward", "core", &[])]);
    assert_eq!(apart(&scene, "forwarded"), 1);
    // To the same number again, as when a mailbox sends a call back.
    let mut scene = through_the_border(|hop| hop.icid("i"));
    scene.talk(3_000, &onward);
    assert_calls(&scene, &[first, ("onward", "core", &[])]);
    // Nobody says who forwarded it; but it is for somebody else.
    let mut scene = through_the_border(|hop| hop.icid("i"));
    let silent = Hop::new((CORE, BORDER), "onward").icid("i").numbers("+447700900123", "+48602000002");
    scene.talk(3_000, &silent);
    assert_calls(&scene, &[first, ("onward", "core", &[])]);
    assert_eq!(apart(&scene, "other_numbers"), 1);
    // A call that came in forwarded goes on so.
    let diverted = "Diversion: <sip:+48605000005@b.example>;reason=no-answer;counter=1";
    let scene = through_the_border(|hop| hop.icid("i").header(diverted));
    assert_calls(&scene, &[first]);
}

/// A call of ours goes out by one carrier and comes back by another: what comes in is judged, for that is how a number of
/// ours comes from abroad.
#[test]
fn what_comes_back_from_abroad_is_a_call_of_its_own() {
    let home =
        |between, call_id: &str| Hop::new(between, call_id).icid("i").numbers("+48601000009", "+48601000001");
    let session = "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000";
    for back_ms in [25, 800, 3_000] {
        let mut scene = Scene::new().by_numbers(4_000);
        scene.talk(0, &home((CORE, BORDER), "out").header(session));
        scene.talk(5, &home((BORDER, OTHER), "out-on").header(session));
        scene.talk(back_ms + 5, &home((CARRIER, BORDER), "back").header(session));
        scene.talk(back_ms + 9, &home((BORDER, CORE), "back-on").header(session));
        let records = scene.records();
        let back = records.iter().find(|record| record["call_key"] == "back").unwrap();
        assert_eq!((&back["route"], &back["decision"]), (&"carrier".into(), &"block".into()), "{back_ms}");
        assert_eq!(records.iter().filter(|record| record["call_key"] == "out").count(), 1);
        assert_eq!(records.len(), 2, "{back_ms}");
    }
    // Through proxies, with one Call-ID all the way.
    let mut scene = Scene::new();
    scene.talk(0, &home((CORE, BORDER), "one").branch("a"));
    scene.talk(5, &home((BORDER, OTHER), "one").branch("b"));
    scene.talk(800, &home((CARRIER, BORDER), "one").branch("c"));
    let records = assert_calls(&scene, &[("one", "carrier", &[]), ("one", "core", &["one@other:call_id"])]);
    let back = records.iter().find(|record| record["route"] == "carrier").unwrap();
    assert_eq!(back["decision"], "block");
    // The tags are those of one dialog, so the first BYE behind that of the other call ends it.
    assert_eq!(back["talk_ms"], 3_205);
}

/// Our own subscribers' exchange copies one name to many calls to one number, at once or one after the other.
#[test]
fn calls_side_by_side_are_no_legs_of_each_other() {
    let session = "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000";
    for way in [(CORE, BORDER), (BORDER, CORE), (BORDER, OTHER), (BORDER, INNER)] {
        let mut scene = Scene::new();
        for index in 0..20 {
            scene.talk(index * 200, &Hop::new(way, &format!("c{index}")).header(session));
        }
        assert_eq!(scene.records().len(), 20, "{way:?}");
        assert_eq!(apart(&scene, "same_hop"), 19, "{way:?}");
    }
}

/// An application server is asked twice by the same switch: for the caller, and for the called (3GPP TS 23.228 §5.4.3).
#[test]
fn a_call_that_passes_an_element_twice_is_one_call() {
    let mut scene = Scene::new();
    scene.talk(0, &Hop::new((CARRIER, BORDER), "in").icid("i"));
    for (at, between, call_id) in [
        (2, (BORDER, INNER), "to"),
        (4, (INNER, BORDER), "from"),
        (6, (BORDER, INNER), "again"),
        (8, (INNER, BORDER), "back"),
        (10, (BORDER, CORE), "on"),
    ] {
        scene.talk(at, &Hop::new(between, call_id).icid("i"));
    }
    assert_eq!(scene.records().len(), 1);
}

/// Whoever sends calls writes their names. None of them hides behind another.
#[test]
fn a_forged_name_hides_no_call() {
    let flash = |index: u32| (format!("+4477009{index:05}"), format!("+4860100{index:04}"));
    let session = "Session-ID: ab30317f1a784dc48ff824d0d3715d86;remote=00000000000000000000000000000000";
    for named in [
        |hop: Hop, _: u32| hop.icid("known"),
        |hop: Hop, _: u32| hop.header("X-CID: first"),
        |hop: Hop, index: u32| Hop { call_id: "first".to_owned(), ..hop }.branch(&format!("b{index}")),
    ] {
        let mut scene = Scene::new().by_numbers(4_000);
        let genuine = Hop::new((CARRIER, BORDER), "first").icid("known").header(session);
        scene.talk(0, &genuine);
        for index in 0..40 {
            let (calling, called) = flash(index);
            let hop = Hop::new((OTHER, BORDER), &format!("forged-{index}")).numbers(&calling, &called);
            scene.refused(50 + u64::from(index) * 10, &named(hop, index), "487 Request Terminated", 900);
        }
        // And by the same carrier as the genuine one.
        for index in 40..80 {
            let (calling, called) = flash(index);
            let hop = Hop::new((CARRIER, BORDER), &format!("forged-{index}")).numbers(&calling, &called);
            scene.refused(50 + u64::from(index) * 10, &named(hop, index), "487 Request Terminated", 900);
        }
        let records = scene.records();
        assert_eq!(records.len(), 81);
        assert!(records.iter().all(|record| record["legs"].is_null()));
        let ended = records.iter().filter(|record| record["sip_status"] == 487).count();
        assert_eq!(ended, 80, "each is followed to its own end");
        let talked = records.iter().find(|record| record["sip_status"] == 200).unwrap();
        assert_eq!((&talked["called"], &talked["talk_ms"]), (&"+48601000001".into(), &4_000.into()));
    }
}

/// One Call-ID and one branch for all calls: each is judged and counted at setup, though nobody could tell their ends apart.
#[test]
fn one_branch_for_all_calls_hides_none() {
    let mut scene = Scene::new();
    for index in 0..20 {
        let hop = Hop::new((OTHER, BORDER), "all")
            .branch("all")
            .numbers("+447700900123", &format!("+486010000{index:02}"));
        scene.invite(index * 10, &hop);
        scene.invite(index * 10 + 5, &hop);
    }
    assert_eq!(scene.records().len(), 20);
}

/// A forged name neither takes the place of a call of ours, save in the moment before it was set up.
#[test]
fn a_forged_name_takes_no_call_away() {
    let mut scene = Scene::new();
    scene.talk(0, &Hop::new((BORDER, OTHER), "ours").icid("known"));
    scene.talk(100, &Hop::new((OTHER, BORDER), "forged").icid("known"));
    assert_calls(&scene, &[("forged", "other", &[]), ("ours", "other", &[])]);
    assert_eq!(apart(&scene, "comes_in"), 1);
}

#[test]
fn a_caller_who_dials_again_makes_two_calls() {
    for icid in ["same", ""] {
        let mut scene = Scene::new().by_numbers(4_000);
        for (at, call_id) in [(0, "first"), (700, "second")] {
            let hop = Hop::new((CARRIER, BORDER), call_id);
            let hop = if icid.is_empty() { hop } else { hop.icid(icid) };
            scene.refused(at, &hop, "487 Request Terminated", 500);
        }
        assert_calls(&scene, &[("first", "carrier", &[]), ("second", "carrier", &[])]);
    }
    // Each with the leg by which it goes on.
    let mut scene = Scene::new().by_numbers(4_000);
    for (at, call_id) in [(0, "a"), (700, "b")] {
        scene.refused(at, &Hop::new((CARRIER, BORDER), call_id), "487 Request Terminated", 500);
        let on = Hop::new((BORDER, CORE), &format!("{call_id}-on"));
        scene.refused(at + 20, &on, "487 Request Terminated", 470);
    }
    assert_calls(
        &scene,
        &[("a", "carrier", &["a-on@core:numbers"]), ("b", "carrier", &["b-on@core:numbers"])],
    );
}

/// The later hop was captured first: clocks of two tap points differ by a few milliseconds.
#[test]
fn legs_out_of_order() {
    let mut scene = Scene::new();
    scene.talk(0, &Hop::new((BORDER, CORE), "on").icid("i"));
    scene.talk(6, &Hop::new((CARRIER, BORDER), "in").icid("i"));
    let records = assert_calls(&scene, &[("in", "carrier", &["on@core:icid"])]);
    assert_eq!(records[0]["talk_ms"], 4_000);
    // Of one Call-ID.
    let mut scene = Scene::new();
    scene.talk(0, &Hop::new((BORDER, CORE), "one").branch("b"));
    scene.talk(6, &Hop::new((CARRIER, BORDER), "one").branch("a"));
    let records = assert_calls(&scene, &[("one", "carrier", &["one@core:call_id"])]);
    assert_eq!(records[0]["talk_ms"], 4_000);
}

/// A call is judged where it comes in; where it leaves for somebody else, that way out is judged too, and it stays one call.
#[test]
fn the_way_out_is_judged_too() {
    let rules = "schema = 1\n[[rule]]\nid = \"T-1\"\nname = \"out\"\nmode = \"live\"\nphase = \"fraud\"\non = \"setup\"\n\
                 class = \"irsf\"\nwhen = \"direction == outbound and route.class == international\"\n\
                 because = \"out\"\naction = { block = { sip = 603, q850 = 21, reason = \"out\" } }\n\
                 [[rule]]\nid = \"T-2\"\nname = \"end\"\nmode = \"live\"\nphase = \"fraud\"\non = \"end\"\n\
                 class = \"false_answer\"\nwhen = \"direction == outbound and answered\"\nbecause = \"out\"\n";
    let compile = |text: &str| {
        let source = Source { path: "t.toml".to_owned(), text: text.to_owned() };
        Arc::new(Ruleset::compile(&[source], &FIELDS).unwrap())
    };
    let out =
        |between, call_id: &str| Hop::new(between, call_id).icid("i").numbers("+48601000009", "+24770000010");
    let mut scene = Scene::new();
    scene.talk(0, &out((CORE, BORDER), "ours"));
    scene.talk(5, &out((BORDER, OTHER), "out"));
    let records = scene.play_by(Threads::default(), &compile(rules)).records();
    assert_eq!(shown(&records), [("ours".into(), "core".into(), vec!["out@other:icid".into()])]);
    assert_eq!((&records[0]["decision"], &records[0]["rule"]), (&"block".into(), &"T-1".into()));
    // At the end, when the setup passed.
    let at_end = format!("schema = 1\n{}", &rules[rules.find("[[rule]]\nid = \"T-2\"").unwrap()..]);
    let records = scene.play_by(Threads::default(), &compile(&at_end)).records();
    assert_eq!(
        (&records[0]["decision"], &records[0]["final_class"]),
        (&"allow".into(), &"false_answer".into())
    );
    assert_eq!((records.len(), &records[0]["route"]), (1, &"core".into()));
}

/// A crowd of calls of all kinds, the same at any number of shards and any size of batches.
#[test]
fn shards_do_not_show() {
    let mut scene = Scene::new().by_numbers(4_000);
    for index in 0..60_u64 {
        let at = index * 37;
        let calling = format!("+44770090{index:04}");
        let hop = |between, name: &str| {
            Hop::new(between, &format!("{name}-{index}")).numbers(&calling, "+48601000001")
        };
        match index % 5 {
            0 => {
                scene.talk(at, &hop((CARRIER, BORDER), "in").icid(&calling));
                scene.talk(at + 3, &hop((BORDER, CORE), "on").icid(&calling));
            }
            1 => {
                scene.talk(at, &hop((CARRIER, BORDER), "in"));
                scene.circuit(at + 40, (GATEWAY_CODE, CORE_CODE, index as u32), (&calling, "+48601000001"));
            }
            2 => {
                scene.talk(at, &hop((CARRIER, BORDER), "one").branch(&format!("a{index}")));
                scene.talk(at + 2, &hop((BORDER, INNER), "one").branch(&format!("b{index}")));
            }
            3 => {
                scene.talk(at, &hop((BORDER, CORE), "on").icid(&calling));
                scene.talk(at + 4, &hop((CARRIER, BORDER), "in").icid(&calling));
            }
            _ => {
                scene.talk(at, &hop((CARRIER, BORDER), "in").header("X-CID: x"));
                scene.talk(at + 4, &hop((PBX, BORDER), "in").header("X-CID: x"));
            }
        }
    }
    let expected = scene.play(Threads { shards: 1, batch_pdus: 1, ..Threads::default() });
    // What comes in by two routes is two calls.
    assert_eq!(expected.records().len(), 72);
    assert!(expected.counts.joined.iter().sum::<u64>() >= 48);
    for (shards, batch_pdus) in [(1, 256), (2, 7), (8, 1), (8, 1_000)] {
        let played = scene.play(Threads { shards, batch_pdus, ..Threads::default() });
        assert!(played.lines == expected.lines, "{shards} shards, batches of {batch_pdus}");
        assert_eq!(played.counts, expected.counts);
    }
}

/// What a flood of names may take.
#[test]
fn a_flood_is_bounded() {
    let mut scene = Scene::new().by_numbers(4_000);
    scene.legs = LegOptions { calls_max: 20, legs_max: 3, ..scene.legs };
    for index in 0..300_u64 {
        let hop = Hop::new((CARRIER, BORDER), &format!("in-{index}")).icid(&format!("{}", index / 2));
        scene.invite(index, &hop);
        scene
            .invite(index, &Hop::new((BORDER, CORE), &format!("on-{index}")).icid(&format!("{}", index / 2)));
    }
    let network = Arc::new(network());
    let rules = config::load_rules(&Path::new(env!("CARGO_MANIFEST_DIR")).join("rules"), &FIELDS).unwrap();
    let mut options = Options::default();
    options.call.legs = scene.legs;
    let mut engine = Engine::new(&network, Arc::new(rules), options);
    let mut outputs = Vec::new();
    scene.each_frame(|frame| {
        engine.frame(frame, &mut outputs);
        assert!(Legs::sizes(engine.legs()).iter().all(|size| *size <= 20));
    });
    engine.finish(&mut outputs);
    let records =
        outputs.iter().filter(|output| matches!(output, tollgate::judge::Output::Record(_))).count();
    let joined: u64 = engine.legs().counts().joined.iter().sum();
    assert_eq!(records as u64 + joined, 600);
    assert!(joined >= 20, "{joined}");
    // A call has so many legs and no more: a further one begins another.
    let mut scene = Scene::new();
    scene.legs.legs_max = 6;
    scene.talk(0, &Hop::new((CARRIER, BORDER), "in").icid("i"));
    for index in 0..9 {
        let core = [CORE[0], CORE[1], CORE[2], 1 + index as u8];
        scene.talk(10 + index, &Hop::new((BORDER, core), &format!("on-{index}")).icid("i"));
    }
    let records = scene.records();
    assert_eq!(records.len(), 2);
    let call = records.iter().find(|record| record["call_key"] == "in").unwrap();
    assert_eq!((call["legs"].as_array().unwrap().len(), &call["legs_more"]), (4, &2.into()));
    assert_eq!(apart(&scene, "too_many"), 1);
}
