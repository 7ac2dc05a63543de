//! Calls that a switch asks about, a tap sees and call records tell of, all through the decision loop.

#[path = "common/decision.rs"]
mod decision;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};
use serde_json::Value;
use tollgate::base::field::Country;
use tollgate::base::frame::{Envelope, Pdu, Transport};
use tollgate::base::map::Seed;
use tollgate::base::network::{Network, RoamingState};
use tollgate::base::number::{Number, Party};
use tollgate::base::numbering::Numbering;
use tollgate::base::route::{Direction, Route, RouteClass, RouteId, Routes};
use tollgate::base::time::At;
use tollgate::call::{CallOptions, Setup, Told};
use tollgate::clock::{self, Deadline};
use tollgate::engine::batch::Batch;
use tollgate::feature::fields;
use tollgate::judge::{Answer, Treatment};
use tollgate::lookup::{self, Outcome, Question};
use tollgate::rule::{Ruleset, Source};
use tollgate::service::decision::{Counted, Order};
use tollgate::service::look_ups::{LookUpOptions, LookUps};
use tollgate::signal::{self, Correlation};

use decision::{Answers, Loop, LoopOptions};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A decision loop, asked, told and shown.
struct Bench(Loop);

impl Bench {
    fn start(options: CallOptions) -> Self {
        Self::with(LoopOptions { call: options, ..LoopOptions::default() })
    }

    fn with(options: LoopOptions) -> Self {
        Self(Loop::start(LoopOptions { lag: Duration::from_secs(2), queries: 16, ..options }))
    }

    /// Asks about a call, and waits for the answer.
    fn ask(&self, call_id: &str, called: &str) -> Answer {
        self.put(call_id, setup(called)).recv_timeout(PATIENCE).unwrap().unwrap()
    }

    fn put(&self, call_id: &str, setup: Setup) -> Answers {
        self.0.put(call_id, setup, Deadline::after(PATIENCE))
    }

    /// Tells what a tap saw, and waits until it has been taken in.
    fn see(&self, messages: &[(At, String)]) {
        let (src, dst) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap());
        let before = self.messages();
        let mut batch = Batch::default();
        for (at, text) in messages {
            let is_response = text.starts_with("SIP/2.0");
            let (src, dst) = if is_response { (dst, src) } else { (src, dst) };
            let envelope = Envelope::Sip { src, dst, transport: Transport::Udp };
            let pdu = Pdu { at: *at, seq: 0, frame: 0, envelope, bytes: text.as_bytes() };
            batch.push(&pdu, signal::key(&pdu, Seed::default()));
            batch.until = *at;
        }
        self.0.outlet.sender().send(batch).unwrap();
        let end = Deadline::after(PATIENCE);
        while self.messages() < before + messages.len() as u64 {
            assert!(!end.left().is_zero());
        }
    }

    fn messages(&self) -> u64 {
        self.count().counts.by_kind().map(|(_, _, count)| count).sum()
    }

    fn count(&self) -> Box<Counted> {
        let (reply, counted) = bounded(1);
        self.0.orders.send(Order::Count(reply)).unwrap();
        Box::new(counted.recv_timeout(PATIENCE).unwrap())
    }

    /// Ends it; the records it wrote.
    fn end(self) -> Vec<Value> {
        records(self.0.end(Deadline::after(PATIENCE)).path())
    }
}

fn records(folder: &Path) -> Vec<Value> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let calls = files.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("calls-"));
    let text: String = calls.map(|path| fs::read_to_string(path).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn party(digits: &str) -> Party {
    Party::from(Number::from_digits(digits.as_bytes()).unwrap())
}

fn setup(called: &str) -> Setup {
    Setup { calling: party("33123456789"), called: party(called), ..Setup::default() }
}

fn message(start: &str, cseq: &str) -> String {
    format!(
        "{start}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:+33123456789@x>;tag=1\r\n\
         To: <sip:+48600000001@x>\r\nCall-ID: tapped@carrier\r\nCSeq: 1 {cseq}\r\nContent-Length: 0\r\n\r\n"
    )
}

/// A call of which a tap two seconds behind sees the setup before another one is asked about, and the rest after.
#[test]
fn a_tap_that_lags_and_a_switch_that_asks() {
    let bench = Bench::start(CallOptions { join: Duration::from_secs(5), ..CallOptions::default() });
    let start = clock::now().before(Duration::from_secs(2));
    let after = |milliseconds| start + Duration::from_millis(milliseconds);
    bench.see(&[(after(0), message("INVITE sip:+48600000001@x SIP/2.0", "INVITE"))]);
    bench.ask("asked@switch", "48600000002");
    bench.see(&[(after(150), message("SIP/2.0 180 Ringing", "INVITE"))]);
    bench.ask("asked-too@switch", "48600000003");
    bench.see(&[
        (after(950), message("CANCEL sip:+48600000001@x SIP/2.0", "CANCEL")),
        (after(1_000), message("SIP/2.0 487 Request Terminated", "INVITE")),
    ]);
    let records = bench.end();
    assert_eq!(records.len(), 3, "{records:#?}");
    let tapped = records.iter().find(|record| record["call_key"] == "tapped@carrier").unwrap();
    assert!(tapped["setup_ms"] == 150 && tapped["ring_ms"] == 800, "{tapped:#}");
    assert_eq!(tapped["setup_at"], start.to_string());
}

#[test]
fn call_records_that_come_late_and_twice() {
    let options = CallOptions { told_max: 100, ..CallOptions::default() };
    let bench = Bench::start(options);
    bench.ask("asked@switch", "48600000002");
    let now = clock::now();
    let told = Told {
        call_id: Some(Box::from(&b"asked@switch"[..])),
        setup: setup("48600000002"),
        setup_at: now.before(Duration::from_secs(90)),
        alert_at: Some(now.before(Duration::from_secs(88))),
        answer_at: Some(now.before(Duration::from_secs(80))),
        end_at: now,
        ..Told::default()
    };
    bench.0.told.send(vec![told.clone()]).unwrap();
    bench.0.told.send(vec![told.clone(), Told { call_id: Some(Box::from(&b"x"[..])), ..told }]).unwrap();
    let end = Deadline::after(PATIENCE);
    let duplicates = || {
        let counted = bench.count();
        let found = counted.counts.faults.nonzero().find(|(_, kind, _)| *kind == "duplicate");
        found.map_or(0, |(_, _, count)| count)
    };
    while duplicates() < 1 {
        assert!(!end.left().is_zero());
    }
    let records = bench.end();
    assert_eq!(records.len(), 2, "{records:#?}");
    assert!(records.iter().all(|record| record["ring_ms"] == 8_000 && record["talk_ms"] == 80_000));
}

const AT_HOME: &str = r#"
schema = 1

[[rule]]
id     = "TEST-1"
name   = "At home, and calling from abroad"
mode   = "live"
phase  = "lists"
on     = "setup"
class  = "spoofed"
when   = "caller.roaming == home"
because = "{caller.number} is at home."
action = { block = { sip = 603, q850 = 21, reason = "at home" } }
"#;

/// Says that a subscriber is at home, once it is told to answer.
struct Slow(Receiver<()>);

impl lookup::Source for Slow {
    fn ask(&mut self, questions: &[Question]) -> Vec<lookup::Answer> {
        let _ = self.0.recv();
        let answer = lookup::Answer { state: Some(RoamingState::Home), outcome: Outcome::Answered };
        questions.iter().map(|_| answer).collect()
    }
}

/// However many setups one answer releases, and each of them is refused: the loop's stack does not grow with them.
#[test]
fn many_setups_wait_for_one_answer() {
    let network = Network {
        routes: Routes::new(vec![Route::new("abroad", RouteClass::International)]),
        numbering: Numbering::new(Country::parse("PL").unwrap()).unwrap(),
        ..Network::unknown()
    };
    let (go, told) = bounded(1);
    let options = LookUpOptions {
        sources: vec![Box::new(Slow(told))],
        deadline: PATIENCE,
        hold: PATIENCE,
        verifier: None,
    };
    let rules = [Source { path: "test.toml".into(), text: AT_HOME.into() }];
    let look_ups = LookUps::start(options).unwrap();
    let ruleset = Arc::new(Ruleset::compile(&rules, &fields::FIELDS).unwrap());
    let bench = Bench::with(LoopOptions {
        network: Arc::new(network),
        ruleset,
        look_ups: Some(look_ups),
        ..LoopOptions::default()
    });
    let answers: Vec<_> = (0..3_000)
        .map(|call| {
            let setup = Setup {
                route: RouteId(1),
                direction: Direction::Inbound,
                calling: party("48601000001"),
                ..setup("48221234567")
            };
            bench.put(&format!("{call}@switch"), setup)
        })
        .collect();
    bench.count();
    assert!(answers.iter().all(Receiver::is_empty), "all of them wait");
    go.send(()).unwrap();
    for answer in answers {
        let answer = answer.recv_timeout(PATIENCE).unwrap().unwrap();
        assert!(matches!(answer.treatment, Treatment::Block { sip: 603, .. }), "{answer:?}");
    }
    assert_eq!(bench.end().len(), 3_000);
}

/// Two switches ask about the same call, each on its own leg: it is judged once, and both are told the same.
#[test]
fn whoever_asks_about_a_further_leg_is_told_what_holds_for_the_call() {
    let network = Network {
        routes: Routes::new(vec![
            Route::new("abroad", RouteClass::International),
            Route::new("core", RouteClass::OnNet),
        ]),
        ..Network::unknown()
    };
    let rules = AT_HOME.replace("caller.roaming == home", "direction == inbound");
    let rules = rules.replace("{ block = { sip = 603, q850 = 21, reason = \"at home\" } }", "\"mask\"");
    let rules = [Source { path: "test.toml".into(), text: rules }];
    let bench = Bench::with(LoopOptions {
        network: Arc::new(network),
        ruleset: Arc::new(Ruleset::compile(&rules, &fields::FIELDS).unwrap()),
        ..LoopOptions::default()
    });
    let ask = |call_id: &str, (route, direction): (u16, Direction), icid: u64| {
        let correlation = Correlation { icid, ..Correlation::default() };
        let setup = Setup { route: RouteId(route), direction, correlation, ..setup("48600000001") };
        bench.put(call_id, setup).recv_timeout(PATIENCE).unwrap().unwrap()
    };
    let first = ask("in@border", (1, Direction::Inbound), 7);
    let further = ask("on@core", (2, Direction::Outbound), 7);
    assert_eq!((&first.treatment, &further), (&Treatment::Mask, &first));
    assert_eq!(ask("on@core", (2, Direction::Outbound), 7), first, "asked again");
    let other = ask("other@core", (2, Direction::Outbound), 8);
    assert_eq!(other.treatment, Treatment::Allow);
    assert_eq!(bench.count().legs.by_kind().map(|(_, count)| count).sum::<u64>(), 1);
    let records = bench.end();
    assert_eq!(records.len(), 2);
    let call = records.iter().find(|record| record["call_key"] == "in@border").unwrap();
    assert_eq!((&call["legs"][0]["call_key"], &call["decision"]), (&"on@core".into(), &"mask".into()));
}

/// The switch that asks does not say which way the call came; the tap sees it come in from a carrier, once and again.
#[test]
fn a_question_without_a_route_and_the_call_on_one() {
    let carrier =
        Route { peers: vec!["192.0.2.1/32".parse().unwrap()], ..Route::new("a", RouteClass::International) };
    let network = Network { routes: Routes::new(vec![carrier]), ..Network::unknown() };
    let bench = Bench::with(LoopOptions { network: Arc::new(network), ..LoopOptions::default() });
    let start = clock::now().before(Duration::from_secs(2));
    let after = |milliseconds| start + Duration::from_millis(milliseconds);
    bench.ask("tapped@carrier", "48600000001");
    let invite = || message("INVITE sip:+48600000001@x SIP/2.0", "INVITE");
    bench.see(&[(after(0), invite()), (after(500), invite())]);
    let challenged = invite().replace("CSeq: 1", "CSeq: 2").replace("z9hG4bK1", "z9hG4bK2");
    bench.see(&[(after(600), challenged)]);
    let records = bench.end();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["call_key"], "tapped@carrier");
}
