//! The matrix of calling numbers: route × kind of number × roaming state × forwarding × exemption × list → decision.
//! Every row must hold, and none when an emergency number is called.
//!
//! `UPDATE_EXPECT=1 cargo test --test cli_matrix` renews the table in `docs/detectors-identity.md`.

#[path = "common/cli_rows.rs"]
mod cli_rows;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cli_rows::{Row, State, rows};
use tollgate::base::class::Decision;
use tollgate::base::network::{Network, RoamingState};
use tollgate::base::number::{Number, Party, Shape};
use tollgate::base::numbering::Nature;
use tollgate::base::route::{Direction, NumberFormat, RouteId};
use tollgate::base::time::{At, DAY};
use tollgate::call::{Call, CallEvent, CallId, CallKey, Claims, Setup};
use tollgate::config;
use tollgate::feature::Limits;
use tollgate::feature::fields::FIELDS;
use tollgate::feature::presence::PresenceLimits;
use tollgate::judge::{Judge, JudgeOptions, Output, Verdict};
use tollgate::rule::{Mode, Ruleset};

const NETWORK: &str = r#"
home = "PL"
[[route]]
name = "intl-a"
class = "international"
peers = ["192.0.2.1"]
[[route]]
name = "intl-b"
class = "international"
peers = ["192.0.2.2"]
[[route]]
name = "national"
class = "national"
peers = ["192.0.2.3"]
[[route]]
name = "on-net"
class = "on-net"
peers = ["192.0.2.4"]
[[route]]
name = "enterprise"
class = "enterprise"
peers = ["192.0.2.5"]
[[route]]
name = "white"
class = "white"
sender = "acme"
peers = ["192.0.2.6"]
[lists]
dno = "dno.csv"
unallocated = "unallocated.csv"
protected = "protected.csv"
high-cost = "high-cost.csv"
known-good = "known-good.csv"
cli-exempt = "cli-exempt.csv"
"#;
const LISTS: [(&str, &str); 6] = [
    (
        "dno.csv",
        "prefix,owner,reason,expires\n+48222000000,bank,hotline,\n+48601777777,test,ended,2026-01-31\n",
    ),
    ("unallocated.csv", "prefix,owner,reason,expires\n+4417999,regulator,never given out,\n"),
    ("protected.csv", "prefix,owner,reason,expires\n19115,city,short code,\n+4822333,bank,protected,\n"),
    ("high-cost.csv", "prefix,owner,reason,expires\n+2477,fraud,seen,\n"),
    ("known-good.csv", "prefix,owner,reason,expires\n+48100000002,care,ticket 7,2026-12-31\n"),
    (
        "cli-exempt.csv",
        "prefix,owner,reason,expires,route,proof\n+4822444,pbx,contract 1,2026-12-31,intl-b,cloud_pbx\n\
         +48601444,shop,contract 2,2026-12-31,intl-b,hosted_abroad\n\
         +4822555,gone,contract 3,2026-01-31,intl-b,home_origin\n",
    ),
];
/// Subscriber whom rows call unless they say otherwise.
const CALLED: &str = "+48601999999";
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn every_row_holds() {
    let bench = Bench::new();
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for row in rows() {
        let (decision, rule) = bench.judge(&row, row.called.unwrap_or(CALLED));
        seen.insert(rule.clone());
        if (decision, rule.as_str()) != (row.decision, row.rule) {
            wrong.push(format!(
                "{} ({}): {} by {rule}",
                row.what,
                row.route,
                Decision::NAMES[decision as usize]
            ));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    let file =
        bench.ruleset.rules().iter().filter(|rule| rule.id.starts_with("SP-") && rule.mode == Mode::Live);
    let missing: Vec<&str> = file.map(|rule| &*rule.id).filter(|id| !seen.contains(*id)).collect();
    assert!(missing.is_empty(), "no row decided by {missing:?}");
}

#[test]
fn no_row_touches_an_emergency_call() {
    let bench = Bench::new();
    let rows = rows();
    assert!(rows.len() > 70, "only {} rows", rows.len());
    for row in rows {
        for called in ["112", "+48112", "0048997"] {
            let (decision, rule) = bench.judge(&row, called);
            assert_eq!((decision, rule.as_str()), (Decision::Allow, "–"), "{} to {called}", row.what);
        }
    }
}

#[test]
fn the_document_shows_the_matrix() {
    const START: &str = "<!-- matrix: tests/cli_matrix.rs -->\n";
    const END: &str = "<!-- end of matrix -->";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/detectors-identity.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(START).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    let table = table();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, format!("{before}{START}{table}{END}{after}")).unwrap();
    } else {
        assert!(shown == table, "renew with UPDATE_EXPECT=1 cargo test --test cli_matrix");
    }
}

fn table() -> String {
    let mut text = String::from(
        "\n| Call | Route | Calling number | State | Forwarded by | Before | Decision |\n|---|---|---|---|---|---|---|\n",
    );
    for row in rows() {
        let state = match row.state {
            State::NotAsked => "",
            State::Is(state) => RoamingState::NAMES[state as usize],
        };
        let forwarded = row.diverting.map_or(String::new(), |number| match row.diversions {
            1 => format!("`{number}`"),
            times => format!("`{number}`, {times} times"),
        });
        let talk = row.have_talked.then(|| "they talked the day before".to_owned());
        let calls = row.before.iter();
        let before: Vec<String> = calls
            .map(|(route, from, to, minutes)| format!("`{from}` → `{to}` on {route}, {minutes} min ago"))
            .chain(talk)
            .collect();
        let caller = if row.caller.is_empty() { String::new() } else { format!("`{}`", row.caller) };
        let decision = match row.decision {
            Decision::Allow if row.rule == "–" => "allow".to_owned(),
            decision => format!("{}, `{}`", Decision::NAMES[decision as usize], row.rule),
        };
        let direction = if row.is_outbound { " (out)" } else { "" };
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "| {} | {}{direction} | {caller} | {state} | {forwarded} | {} | {decision} |",
            row.what,
            row.route,
            before.join("; "),
        );
    }
    text.push('\n');
    text
}

/// The network and the shipped rules, loaded once.
struct Bench {
    network: Arc<Network>,
    ruleset: Arc<Ruleset>,
}

impl Bench {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in LISTS.into_iter().chain([("network.toml", NETWORK)]) {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let network = config::load_network(&directory.path().join("network.toml")).unwrap().network;
        let rules = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("rules");
        let ruleset = config::load_rules(&rules, &FIELDS).unwrap();
        Self { network: Arc::new(network), ruleset: Arc::new(ruleset) }
    }

    /// Decision and rule of a row, by a judge that knows only what the row says.
    fn judge(&self, row: &Row, called: &str) -> (Decision, String) {
        let presence = PresenceLimits { at_home: 8, pairs: 8, answers: 8 };
        let features = Limits {
            callers: 8,
            ranges_100: 8,
            ranges_10k: 8,
            missed: 8,
            marks: 8,
            suspects: 8,
            distinct_slots: 8,
            presence,
            ..Limits::default()
        };
        let options = JudgeOptions { features, ..JudgeOptions::default() };
        let mut judge = Judge::new(Arc::clone(&self.ruleset), Arc::clone(&self.network), options);
        let now = At::of_date("2026-06-01").unwrap() + DAY / 2;
        for (route, from, to, minutes) in row.before {
            let at = At::from_nanos(now.nanos() - (MINUTE * *minutes).as_nanos() as u64);
            let call = Call { setup_at: at, ..self.call(route, from, to, at) };
            self.verdict(&mut judge, call);
        }
        if row.have_talked {
            self.talk(&mut judge, (called, row.caller), At::from_nanos(now.nanos() - DAY.as_nanos() as u64));
        }
        if let State::Is(state) = row.state {
            let number = number(row.caller);
            judge.roaming(number, Some(state), (now, now + MINUTE));
        }
        if let Some((number_of, state)) = row.diverting_state {
            judge.roaming(number(number_of), Some(state), (now, now + MINUTE));
        }
        let verdict = self.verdict(&mut judge, self.call_of(row, called, now));
        let rule = verdict.rule.map_or("–", |index| &*self.ruleset.rules()[usize::from(index)].id);
        (verdict.decision, rule.to_owned())
    }

    fn talk(&self, judge: &mut Judge, (from, to): (&str, &str), at: At) {
        let mut call = self.call("national", from, to, at);
        let mut out = Vec::new();
        judge.handle(at, CallEvent::Setup(call.clone()), &mut out);
        call.answer_at = Some(at + MINUTE);
        judge.handle(at + MINUTE, CallEvent::Answer(call.clone()), &mut out);
        call.end_at = Some(at + 2 * MINUTE);
        judge.handle(at + 2 * MINUTE, CallEvent::End(call), &mut out);
    }

    fn verdict(&self, judge: &mut Judge, call: Call) -> Verdict {
        let mut out = Vec::new();
        judge.handle(call.setup_at, CallEvent::Setup(call), &mut out);
        match out.pop() {
            Some(Output::Verdict { verdict, .. }) => verdict,
            other => panic!("{other:?}"),
        }
    }

    fn call_of(&self, row: &Row, called: &str, at: At) -> Call {
        let mut call = self.call(row.route, row.caller, called, at);
        call.direction = if row.is_outbound { Direction::Outbound } else { Direction::Inbound };
        call.calling.restricted = row.is_restricted;
        call.diverting = row.diverting.map(|raw| self.party(raw));
        call.claims = Claims {
            diversions: row.diversions,
            first_called: row.first_called.or(row.diverting).and_then(|raw| self.party(raw).number),
            shows_other: row.shows_other.then_some(true),
            ..Claims::default()
        };
        call
    }

    fn call(&self, route: &str, from: &str, to: &str, at: At) -> Call {
        let routes = self.network.routes.all();
        let route = routes.iter().position(|known| known.name == route).unwrap();
        let setup = Setup {
            route: RouteId(route as u16),
            calling: self.party(from),
            called: self.party(to),
            ..Setup::default()
        };
        Call { id: CallId(1), ..Call::new(CallKey::Isup { opc: 1, dpc: 2, cic: 3 }, at.nanos(), at, setup) }
    }

    fn party(&self, raw: &str) -> Party {
        let party = self.network.numbering.party(raw.as_bytes(), Nature::Unknown, NumberFormat::Auto);
        assert_eq!(party.number.is_some(), party.shape == Shape::Valid);
        party
    }
}

fn number(raw: &str) -> Number {
    Number::from_digits(raw.trim_start_matches('+').as_bytes()).unwrap()
}
