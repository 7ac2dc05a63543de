//! Tollgate in the path of ISUP: three network namespaces, two exchanges whose association is carried in packets of IP, and
//! a real queue of the kernel between them. The exchanges check every message they get against Q.764; their time runs four
//! times as fast as ours. A scripted decision loop allows two calls of five, masks one and blocks two.

#[path = "inline_isup/association.rs"]
#[allow(dead_code, reason = "not everyone who shares this file needs all of it")]
mod association;
#[path = "inline_isup/exchange.rs"]
#[allow(dead_code, reason = "not everyone who shares this file needs all of it")]
mod exchange;
#[path = "inline_isup/host.rs"]
mod host;
#[path = "common/namespaces.rs"]
mod namespaces;
#[path = "common/scripted.rs"]
mod scripted;
#[path = "inline_isup/service.rs"]
mod service;

use std::sync::Arc;
use std::time::Duration;

use tollgate::adapter::inline::InlineOptions;
use tollgate::base::network::Network;
use tollgate::inline::isup::Options;
use tollgate::inline::isup_judge::IsupJudge;
use tollgate::judge::Treatment;
use tollgate::wire::isup::Message;

use exchange::call_of;
use host::Host;
use namespaces::{Hosts, ROLE, Role};
use scripted::play_tollgate;
use service::{Links, Service};

/// Microseconds.
type Micros = u64;
const SECOND: Micros = 1_000_000;
const CALLS: u32 = 40;

/// Makes the test program play a role.
const AS_ROLE: [&str; 4] = ["--exact", "role", "--ignored", "--nocapture"];

#[test]
fn calls_are_blocked_masked_or_left_alone() {
    let hosts = match Hosts::new("isup") {
        Ok(hosts) => hosts,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let links = Links::new(&hosts);
    let tollgate = Hosts::role(&hosts.tollgate, "tollgate", &AS_ROLE);
    let (near, far) = play(&hosts, "near");
    let counts = tollgate.stop("COUNTS");
    let (mut blocked, mut rang) = (0, 0);
    for call in 0..CALLS {
        let (sent, arrived) = (near.iams("sent", call), far.iams("rang", call));
        match treatment(call) {
            Treatment::Block { .. } => {
                assert_eq!(near.ending(call), "Released(21)", "call {call} {counts}");
                assert!(arrived.is_empty(), "call {call} rang");
                blocked += 1;
            }
            Treatment::Mask => assert_eq!(arrived, sent.iter().map(|iam| masked(iam)).collect::<Vec<_>>()),
            _ => {
                assert_eq!(arrived, sent, "call {call}");
                rang += 1;
            }
        }
    }
    assert!(blocked == 16 && rang == 16);
    assert!(counts.contains("fail_open=0") && counts.contains("bypassed=0"), "{counts}");
    assert!(counts.contains("(\"isup\", \"blocked\", 16), (\"isup\", \"masked\", 8)"), "{counts}");
    only_what_must_be_changed(&links, &counts);
}

/// Both ends of the path saw the same packets, but for hops and those that Tollgate says it rewrote.
fn only_what_must_be_changed(links: &Links, counts: &str) {
    let [carrier, switch] = ["carrier", "switch"].map(|link| links.packets(link));
    let mut changed = 0;
    for (before, after) in [(&carrier[0], &switch[0]), (&switch[1], &carrier[1])] {
        assert!(before.len() > 100 && before.len() == after.len(), "{} {}", before.len(), after.len());
        changed += before.iter().zip(after).filter(|(before, after)| before != after).count();
    }
    assert!(changed > 0 && counts.contains(&format!(" replaced={changed} ")), "{changed} {counts}");
}

#[test]
fn calls_pass_in_order_when_nobody_answers() {
    let hosts = match Hosts::new("mute") {
        Ok(hosts) => hosts,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let links = Links::new(&hosts);
    let tollgate = Hosts::role(&hosts.tollgate, "silent", &AS_ROLE);
    let (near, far) = play(&hosts, "near");
    let counts = tollgate.stop("COUNTS");
    for call in 0..CALLS {
        assert_eq!(near.iams("sent", call), far.iams("rang", call), "call {call}");
    }
    let [carrier, switch] = ["carrier", "switch"].map(|link| links.packets(link));
    assert_eq!((&carrier[0], &carrier[1]), (&switch[0], &switch[1]));
    assert!(counts.contains(&format!("fail_open={CALLS} ")) && counts.contains("replaced=0 "), "{counts}");
    // Else nothing was to be kept in order.
    assert!(!counts.contains(" queued=0 "), "{counts}");
}

#[test]
fn the_service_blocks_spoofed_callers() {
    let hosts = match Hosts::new("run") {
        Ok(hosts) => hosts,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let service = Service::new(&hosts);
    let (near, far) = play(&hosts, "spoofing");
    for call in 0..CALLS {
        let (sent, arrived) = (near.iams("sent", call), far.iams("rang", call));
        if is_spoofed(call) {
            assert_eq!((near.ending(call), arrived.len()), ("Released(21)", 0), "call {call}");
        } else {
            assert_eq!(arrived, sent, "call {call}");
        }
    }
    let records = service.records();
    let blocked: Vec<_> = records.iter().filter(|record| record.contains("\"decision\":\"block\"")).collect();
    assert_eq!(blocked.len(), 16);
    for record in blocked {
        let is_whole = record.contains("\"rule\":\"SP-200\"") && record.contains("\"q850_cause\":21");
        assert!(is_whole && record.contains("\"calling\":\"+48225000"), "{record}");
    }
    // Those that were let go ended as the exchanges ended them.
    let normal = |record: &&String| record.contains("420601007") && record.contains("\"end_at\":\"");
    assert_eq!(records.iter().filter(normal).count(), 24);
    for (series, count) in [
        ("tollgate_inline_events_total{event=\"blocked\",protocol=\"isup\"}", 16),
        ("tollgate_inline_events_total{event=\"released\",protocol=\"isup\"}", 16),
        ("tollgate_inline_packets_total{result=\"unseen\"}", 0),
    ] {
        let metrics = service.metrics();
        assert!(metrics.lines().any(|line| line == format!("{series} {count}")), "{series} {metrics}");
    }
}

/// Runs the calls; what either exchange has to report.
fn play(hosts: &Hosts, caller: &str) -> (Report, Report) {
    let far = Hosts::role(&hosts.switch, "far", &AS_ROLE);
    let mut near: Role = Hosts::role(&hosts.carrier, caller, &AS_ROLE);
    near.line("DONE");
    let far = Report(far.stop("REPORT"));
    (Report(near.stop("REPORT")), far)
}

/// Words of an exchange: `sent/CALL/HEX`, `rang/CALL/HEX`, `ended/CALL/HOW`.
struct Report(String);

impl Report {
    fn of(&self, what: &str, call: u32) -> impl Iterator<Item = &str> {
        let start = format!("{what}/{call}/");
        self.0.split(' ').filter_map(move |word| word.strip_prefix(&start))
    }

    fn iams(&self, what: &str, call: u32) -> Vec<Vec<u8>> {
        let octets = |text: &str| {
            let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
            pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
        };
        self.of(what, call).map(octets).collect()
    }

    fn ending(&self, call: u32) -> &str {
        self.of("ended", call).next().unwrap_or("nothing")
    }
}

fn is_spoofed(call: u32) -> bool {
    call % 5 > 2
}

/// What becomes of a call.
fn treatment(call: u32) -> Treatment {
    match call % 5 {
        0 | 1 => Treatment::Allow,
        2 => Treatment::Mask,
        _ => Treatment::Block { sip: 603, q850: 21, reason: "scripted".into() },
    }
}

/// The IAM with both numbers restricted, found by where its encoder puts them.
fn masked(iam: &[u8]) -> Vec<u8> {
    let mut masked = iam.to_vec();
    for (pattern, skip) in [(&[0x0A, 7][..], 3), (&[0xC0, 9], 4)] {
        let at = masked.windows(2).position(|window| window == pattern).unwrap();
        masked[at + skip] |= 0x04;
    }
    masked
}

// --- roles ---------------------------------------------------------------------------------------------------------

#[test]
#[ignore = "a part of the others: they start it in a namespace"]
fn role() {
    match std::env::var(ROLE).as_deref() {
        // A scripted loop is never late; but the system may be slow.
        Ok("tollgate") => play_tollgate(
            judge(),
            waiting(5_000),
            Some(|iam| treatment(call_of(&Message::parse(iam).unwrap()))),
        ),
        Ok("silent") => play_tollgate(judge(), waiting(20), None),
        Ok("near") => Host::new(0).run(),
        Ok("spoofing") => {
            let mut host = Host::new(0);
            // Fixed telephones of Poland do not call from abroad; those of Czechia do.
            host.exchange.caller = |call| if is_spoofed(call) { "48225000" } else { "420601007" };
            host.run();
        }
        Ok("far") => Host::new(1).run(),
        _ => {}
    }
}

fn judge() -> Box<IsupJudge> {
    Box::new(IsupJudge::new(Arc::new(Network::unknown()), Options::default()))
}

fn waiting(milliseconds: u64) -> InlineOptions {
    InlineOptions { deadline: Duration::from_millis(milliseconds), ..InlineOptions::default() }
}

/// The headers of IP are the kernel's.
fn ipv4(_: (u8, u8), _: u8, payload: &[u8]) -> Vec<u8> {
    [&[0; 20], payload].concat()
}

fn ipv6(_: (u8, u8), _: u8, _: &[u8]) -> Vec<u8> {
    Vec::new()
}
