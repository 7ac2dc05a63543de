//! A running service among real peers: Kamailio is the operator's switch, sipp are carriers and subscribers, each on a host
//! of its own. What was decided is compared with what happened to the call on both sides, with records and with metrics.

#[path = "common/daemon.rs"]
mod daemon;
#[path = "common/namespaces.rs"]
mod namespaces;
#[path = "end_to_end/plan.rs"]
mod plan;
#[path = "end_to_end/stage.rs"]
mod stage;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use daemon::{Daemon, Metrics, wait_for};
use plan::Kind;
use serde_json::Value;
use stage::{CHARGED, SUBSCRIBERS, Stage};

/// Where Tollgate listens for its operator: on its own host.
const ADMIN: &str = "127.0.0.1:9464";
/// Flash calls and Wangiri calls that must have been refused: a campaign is caught within a third of its calls.
const CAUGHT_MIN: usize = 20;

/// Where diverted calls go.
const ANNOUNCEMENT: &str = CHARGED;
/// How the numbers begin that are hidden: of flash calls, which ring only, and of people, who talk.
const MASKED: [&str; 2] = ["+447700900", "+4930231251"];
const RULES: &str = r#"
schema = 1

[[rule]]
id = "OWN-1"
name = "Numbers that are not shown"
mode = "live"
phase = "commercial"
on = "setup"
class = "flash"
when = 'caller.number starts_with "+447700900" or caller.number starts_with "+4930231251"'
action = "mask"
because = "{caller.number} is one of those that are not shown."

[[rule]]
id = "OWN-2"
name = "Home numbers from abroad: announcement"
mode = "live"
phase = "commercial"
on = "setup"
class = "spoofed"
when = 'caller.number starts_with "+4822"'
action = { divert = { to = "sip:notice@10.77.2.12:5060" } }
because = "{caller.number} is a number of this country that calls from abroad."
"#;

/// The switch asks about each call as the shipped recipe has it; how calls end is seen on the carriers' wire.
#[test]
fn as_a_dip() {
    let stage = match Stage::new("dip", &["DIP"]) {
        Ok(stage) => stage,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let daemon = start(
        &stage,
        "[[capture]]\ninterfaces = [\"eth1\"]\nfilter = \"udp port 5060\"\n\
         [dip]\nudp = [\"10.77.2.1:5070\"]\ndeadline = \"250ms\"\nmonetise = \"sip:{called}@10.77.2.12:5060\"\n",
    );
    stage.place_calls("10.77.2.2:5060");
    check(&stage, daemon, ("dip", CHARGED));
}

/// As above, but the switch tells by HEP how calls end.
#[test]
fn as_a_dip_that_hears_ends_by_hep() {
    let stage = match Stage::new("hep", &["DIP", "HEP"]) {
        Ok(stage) => stage,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let daemon = start(
        &stage,
        "[[hep]]\nudp = \"10.77.2.1:9060\"\n\
         [dip]\nudp = [\"10.77.2.1:5070\"]\ndeadline = \"250ms\"\nmonetise = \"sip:{called}@10.77.2.12:5060\"\n",
    );
    stage.place_calls("10.77.2.2:5060");
    check(&stage, daemon, ("dip", CHARGED));
}

/// The operator's rules hide the numbers of some callers, and send others to an announcement.
#[test]
fn masked_and_diverted() {
    let stage = match Stage::new("mask", &["DIP", "MASK"]) {
        Ok(stage) => stage,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let folder = stage.folder.path();
    fs::create_dir(folder.join("rules")).unwrap();
    fs::write(folder.join("rules/own.toml"), RULES).unwrap();
    let mut daemon = start(
        &stage,
        "[[capture]]\ninterfaces = [\"eth1\"]\nfilter = \"udp port 5060\"\n\
         [dip]\nudp = [\"10.77.2.1:5070\"]\ndeadline = \"250ms\"\nmask = \"sip:{called}@10.77.2.11:5060?Privacy=id\"\n",
    );
    stage.place_calls("10.77.2.2:5060");
    let (_, metrics) = all_over(&stage, &mut daemon);
    let records = daemon.records("calls-");
    counted(&metrics, &records, "dip");
    let decisions: BTreeMap<_, _> =
        records.iter().map(|record| (text(record, "call_key"), text(record, "decision"))).collect();
    let [at_subscribers, at_announcement] = [SUBSCRIBERS, ANNOUNCEMENT].map(|ip| stage.said_at(ip));
    let mut seen = BTreeMap::from([("allow", 0), ("divert", 0), ("mask", 0)]);
    for carrier in &stage.carriers {
        let at_carrier = stage.said_at(carrier.name);
        for (call_id, call) in carrier.call_ids() {
            let is_masked = MASKED.iter().any(|start| call.calling.starts_with(start));
            let is_diverted = call.kind == Kind::Spoofed;
            let expected = if is_masked {
                "mask"
            } else if is_diverted {
                "divert"
            } else {
                "allow"
            };
            assert_eq!(decisions[&*call_id], expected, "{call_id}");
            *seen.get_mut(expected).unwrap() += 1;
            let (here, there) = if is_diverted {
                (&at_announcement, &at_subscribers)
            } else {
                (&at_subscribers, &at_announcement)
            };
            assert!(!there.contains_key(&call_id), "{call_id} rang where it should not");
            let said = &here[&call_id];
            assert_eq!(said.contains(&call.calling), !is_masked, "{said}");
            for part in ["From: \"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=", "\nPrivacy: id\r\n"] {
                assert_eq!(said.contains(part), is_masked, "{part}: {said}");
            }
            assert_eq!(said.contains("P-Asserted-Identity:"), !is_masked, "{said}");
            // The caller knows nothing of it.
            let said = &at_carrier[&call_id];
            assert!(!said.contains("anonymous") && said.contains(&call.calling), "{said}");
        }
    }
    assert!(seen.values().all(|count| *count >= 20), "{seen:?}");
}

/// Nobody answers the switch: it waits as long as the recipe says, and carries every call.
#[test]
fn calls_pass_when_the_dip_is_gone() {
    let stage = match Stage::new("gone", &["DIP"]) {
        Ok(stage) => stage,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    stage.place_calls("10.77.2.2:5060");
    let planned = stage.carriers.iter().flat_map(|carrier| carrier.call_ids());
    assert_eq!(stage.rang_at(SUBSCRIBERS), planned.map(|(call_id, _)| call_id).collect());
    assert_eq!(stage.rang_at(CHARGED), BTreeSet::new());
}

/// Carriers know the proxy for the operator's network; the switch behind it carries what it marks to where it is charged.
#[test]
fn as_a_proxy() {
    let stage = match Stage::new("proxy", &[]) {
        Ok(stage) => stage,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let daemon = start(
        &stage,
        "[proxy]\ndeadline = \"250ms\"\nmonetise-header = [\"X-Charged\", \"yes\"]\n\
         [proxy.carriers]\nlisten = \"10.77.1.1:5060\"\nnetworks = [\"10.77.1.0/24\"]\n\
         [proxy.core]\nlisten = \"10.77.2.1:5060\"\nnext-hops = [\"10.77.2.2:5060\"]\n",
    );
    stage.place_calls("10.77.1.1:5060");
    check(&stage, daemon, ("sip-proxy", CHARGED));
}

#[test]
fn in_the_path_of_packets() {
    let stage = match Stage::new("packets", &[]) {
        Ok(stage) => stage,
        Err(why) => return println!("SKIPPED: {why}"),
    };
    let daemon = start(&stage, "[inline]\nsip-ports = [5060]\nipv6 = false\ndeadline = \"250ms\"\n");
    stage.place_calls("10.77.2.2:5060");
    // The switch is told nothing of contracts: it carries these calls like the others.
    check(&stage, daemon, ("inline", SUBSCRIBERS));
}

fn start(stage: &Stage, parts: &str) -> Daemon {
    let rules = if stage.folder.path().join("rules").exists() { "rules = \"rules\"\n" } else { "" };
    let text = format!(
        "{rules}[admin]\nlisten = \"{ADMIN}\"\n[records]\ndirectory = \"records\"\nsync = \"100ms\"\n{parts}"
    );
    fs::write(stage.folder.path().join("tollgate.toml"), text).unwrap();
    Daemon::start(stage.folder.path(), Some(&stage.hosts.tollgate), ADMIN)
}

/// Everything that must hold when all calls are over, for an adapter and where it has charged calls go.
fn check(stage: &Stage, mut daemon: Daemon, (adapter, charged_at): (&str, &str)) {
    let (planned, metrics) = all_over(stage, &mut daemon);
    let records = daemon.records("calls-");
    let by_call: BTreeMap<String, &Value> =
        records.iter().map(|record| (text(record, "call_key").to_owned(), record)).collect();
    assert_eq!(by_call.keys().collect::<Vec<_>>(), planned.keys().collect::<Vec<_>>());
    assert_eq!(records.len(), planned.len(), "a call has two records");

    as_they_should_be(&planned, &by_call);
    treated_as_decided(stage, &by_call, charged_at);
    billed(&daemon, &by_call);
    counted(&metrics, &records, adapter);
}

/// Waits until all calls are over, and ends the service: what was planned, and the metrics.
fn all_over(stage: &Stage, daemon: &mut Daemon) -> (BTreeMap<String, Kind>, Metrics) {
    let planned: BTreeMap<String, Kind> = stage
        .carriers
        .iter()
        .flat_map(|carrier| carrier.call_ids())
        .map(|(call_id, call)| (call_id, call.kind))
        .collect();
    let metrics = wait_for("all calls to be over", || {
        let metrics = daemon.metrics();
        (metrics.sum("tollgate_calls_total", &[]) >= planned.len() as u64).then_some(metrics)
    });
    daemon.stop();
    (planned, metrics)
}

/// What kind of call gets which decision.
fn as_they_should_be(planned: &BTreeMap<String, Kind>, by_call: &BTreeMap<String, &Value>) {
    let mut blocked: BTreeMap<&str, usize> = BTreeMap::new();
    for (call_id, kind) in planned {
        let record = by_call[call_id];
        let decision = text(record, "decision");
        match kind {
            Kind::Person => assert_eq!(decision, "allow", "{record}"),
            Kind::Spoofed => assert_eq!(decision, "block", "{record}"),
            Kind::White => assert_eq!(decision, "monetise", "{record}"),
            Kind::Flash | Kind::Wangiri => {
                assert!(matches!(decision, "allow" | "block"), "{record}");
                if decision == "block" {
                    *blocked.entry(text(record, "class")).or_default() += 1;
                }
            }
        }
    }
    for class in ["flash", "wangiri"] {
        let count = blocked.get(class).copied().unwrap_or(0);
        assert!(count >= CAUGHT_MIN, "only {count} calls were blocked as {class}");
    }
}

/// Whoever is blocked is refused on the side of the carrier and unknown on the side of the called; whoever is allowed
/// rings; whoever is charged rings where charged calls go.
fn treated_as_decided(stage: &Stage, by_call: &BTreeMap<String, &Value>, charged_at: &str) {
    let (outcomes, rang, charged) = (stage.outcomes(), stage.rang_at(SUBSCRIBERS), stage.rang_at(CHARGED));
    for (call_id, record) in by_call {
        let is_refused = outcomes[call_id] == BTreeSet::from([603]);
        let is_charged_apart = charged_at == CHARGED;
        let expected = match text(record, "decision") {
            "block" => (true, false, false),
            "monetise" => (false, !is_charged_apart, is_charged_apart),
            _ => (false, true, false),
        };
        let seen = (is_refused, rang.contains(call_id), charged.contains(call_id));
        assert_eq!(seen, expected, "refused, rang, charged: {:?} {record}", outcomes[call_id]);
        if let ("block", Some(status)) = (text(record, "decision"), record["sip_status"].as_u64()) {
            assert_eq!(status, 603, "{record}");
        }
    }
    let strangers = rang.union(&charged).find(|call_id| !by_call.contains_key(*call_id));
    assert_eq!(strangers, None);
}

/// Charged calls and no others are on the bill, whose chain holds.
fn billed(daemon: &Daemon, by_call: &BTreeMap<String, &Value>) {
    let billed: BTreeSet<String> =
        daemon.records("billing-").iter().map(|bill| text(bill, "call_id").to_owned()).collect();
    let charged = by_call.values().filter(|record| text(record, "decision") == "monetise");
    assert_eq!(billed, charged.map(|record| text(record, "id").to_owned()).collect());
    let files = daemon.files("billing-");
    assert!(!files.is_empty());
    let verified = Command::new(env!("CARGO_BIN_EXE_tollgate")).arg("verify").args(files).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// Metrics say of calls, of decisions and of answers what the records say.
fn counted(metrics: &Metrics, records: &[Value], adapter: &str) {
    assert_eq!(
        metrics.sum("tollgate_fail_open_total", &[]),
        0,
        "{}",
        of_family(metrics, "tollgate_fail_open")
    );
    let adapter = format!("adapter=\"{adapter}\"");
    let routes: BTreeSet<&str> = records.iter().map(|record| text(record, "route")).collect();
    for route in routes {
        let count = records.iter().filter(|record| text(record, "route") == route).count() as u64;
        assert_eq!(metrics.sum("tollgate_calls_total", &[&format!("route=\"{route}\"")]), count, "{route}");
    }
    assert_eq!(metrics.sum("tollgate_calls_total", &[]), records.len() as u64);
    for decision in ["allow", "block", "divert", "mask", "monetise"] {
        let count = records.iter().filter(|record| text(record, "decision") == decision).count() as u64;
        let decided = metrics.sum("tollgate_decisions_total", &[&format!("verdict=\"{decision}\"")]);
        let told =
            metrics.sum("tollgate_switch_responses_total", &[&adapter, &format!("treatment=\"{decision}\"")]);
        let shown = of_family(metrics, "tollgate_switch_responses");
        assert_eq!((decided, told), (count, count), "{decision}: {shown}");
    }
}

fn of_family(metrics: &Metrics, start: &str) -> String {
    metrics.0.lines().filter(|line| line.starts_with(start)).collect::<Vec<_>>().join("\n")
}

fn text<'a>(object: &'a Value, member: &str) -> &'a str {
    object[member].as_str().unwrap_or_default()
}
