//! Dashboards and alerts against a real Prometheus that scrapes a real service: every query runs, and shows something
//! where there is something to show. And what comes in from outside makes no series.

#[path = "common/frames.rs"]
#[allow(dead_code, reason = "shared with tests that need more of it")]
mod frames;
#[path = "common/moved.rs"]
mod moved;
#[path = "common/service.rs"]
mod service;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proptest::test_runner::{RngAlgorithm, TestRng};
use rand::{Rng, RngExt};
use serde_json::Value;
use service::{Running, Service, free_addresses, get, sum, wait_for};

/// What a run without such a thing has no series of: a part of the query, and why.
const MAY_BE_EMPTY: &[(&str, &str)] = &[
    ("tollgate_dip_", "no switch asks by SIP"),
    ("tollgate_inline_", "nothing is in the path"),
    ("tollgate_overheard_", "nothing is in the path"),
    ("tollgate_proxy_", "no switch asks by SIP"),
    ("tollgate_push_", "no list is pushed"),
    ("tollgate_roaming_lookups_total", "nobody is asked"),
    ("result=\"no_rate\"", "every call has a price"),
    ("reason=\"evicted\"", "no table was full"),
    ("tollgate_ruleset_activated_timestamp_seconds{instance=~\".*\"}[1m]", "rules did not change"),
];

#[test]
fn every_query_of_every_dashboard_shows_something() {
    let Some((service, server)) = scraped() else { return };
    let mut wrong = Vec::new();
    let mut asked = 0;
    for (place, query) in dashboard_queries().into_iter().chain(rule_queries()) {
        let filled =
            query.replace("$__rate_interval", "20s").replace("$instance", ".*").replace("$route", ".*");
        let answer = server.query(&filled);
        asked += 1;
        let may_be_empty =
            place.contains("rules.yml") || MAY_BE_EMPTY.iter().any(|(part, _)| filled.contains(part));
        if answer["status"] != "success" {
            wrong.push(format!("{place}: {filled}: {}", answer["error"]));
        } else if answer["data"]["result"].as_array().is_none_or(Vec::is_empty) && !may_be_empty {
            wrong.push(format!("{place}: nothing: {filled}"));
        }
    }
    assert!(asked > 100, "only {asked} queries");
    assert!(wrong.is_empty(), "{wrong:#?}");
    drop(service);
}

#[test]
fn what_dashboards_and_alerts_name_is_there() {
    let service = busy_service();
    let text = service.scrape();
    let shown: BTreeSet<_> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let mut missing = BTreeSet::new();
    for (place, query) in dashboard_queries().into_iter().chain(rule_queries()) {
        for name in metrics_of(&query) {
            let family = ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end));
            let is_there =
                shown.contains(name.as_str()) || family.is_some_and(|family| shown.contains(family));
            let may_be_missing = MAY_BE_EMPTY.iter().any(|(part, _)| name.starts_with(part));
            if !is_there && !may_be_missing {
                missing.insert(format!("{place}: {name}"));
            }
        }
    }
    assert!(shown.len() > 40, "{shown:?}");
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn promtool_finds_the_exposition_well_made() {
    let service = busy_service();
    let text = service.scrape();
    let Some(mut promtool) =
        start("promtool", Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()))
    else {
        return;
    };
    promtool.0.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(promtool.0.wait().unwrap().success());
}

/// Random methods, status codes, Call-IDs, numbers, routes and paths: nothing of it becomes a label.
#[test]
fn hostile_traffic_makes_no_series() {
    let service = busy_service();
    let before = series(&service.scrape());
    let mut random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let word = |random: &mut TestRng| -> String {
        (0..random.random_range(3..12)).map(|_| random.random_range(b'A'..=b'Z') as char).collect()
    };
    let mut captured = Vec::new();
    for call in 0..3_000_u32 {
        let method = word(&mut random);
        let caller = format!("+{}", random.random_range(10_000_000_000_u64..999_999_999_999_999));
        let text = match call % 3 {
            0 => frames::sip_from(&method, call, &caller),
            1 => frames::sip_from("INVITE", call, &caller),
            _ => frames::sip(&format!("{} {method}", random.random_range(0..2_000)), call),
        };
        let mut bytes = text.replace("call-", &format!("secret{}-", word(&mut random))).into_bytes();
        if call % 7 == 0 {
            let place = random.random_range(0..bytes.len());
            bytes[place] = random.next_u32() as u8;
        }
        captured.push((call, frames::udp(&bytes), 0));
    }
    service.feed("hostile.pcap", &frames::pcap(&captured));
    for call in 0..300 {
        let (route, peer) = (word(&mut random), random.next_u32().to_be_bytes());
        let place = match call % 3 {
            0 => format!("\"route\":\"{route}\""),
            1 => format!("\"peer\":\"{}\"", std::net::Ipv4Addr::from(peer)),
            _ => format!("\"sender\":\"{route}\""),
        };
        let number = random.random_range(10_000_000_000_u64..999_999_999_999_999);
        let body = format!(
            "{{\"call_id\":\"secret{call}\",\"calling\":\"+{number}\",\"called\":\"+48601234567\",{place}}}"
        );
        let (status, _) = service.ask(&body);
        assert!(status < 500, "{status}");
        let _ = get(&format!("http://{}/{}", service.http, word(&mut random)));
    }
    let text = wait_for("the capture", || {
        let text = service.scrape();
        (sum(&text, "tollgate_messages_total", "kind=\"other\"") >= 800.0).then_some(text)
    });
    let after = series(&text);
    assert!(after.len() < 2_000, "{} series", after.len());
    assert!(!text.contains("secret"), "a Call-ID is a label");
    let number = after.iter().find(|series| digits_in_a_row(series) >= 7);
    assert!(number.is_none(), "{number:?}");
    let fresh: Vec<_> = after.difference(&before).filter(|series| !is_of_a_closed_list(series)).collect();
    assert!(fresh.is_empty(), "{fresh:#?}");
    let hosts = text.lines().find(|line| line.contains("a.example"));
    assert!(hosts.is_none(), "{hosts:?}");
}

/// Families that have series only for what has happened. Each word of theirs is one of the program's.
fn is_of_a_closed_list(series: &str) -> bool {
    let documents = ["docs/metrics.md", "docs/records.md", "docs/http-api.md", "docs/sources.md"];
    let documents = documents.map(|path| fs::read_to_string(root().join(path)).unwrap_or_default()).concat();
    let family = series.split('{').next().unwrap_or_default();
    let may_grow = [
        "tollgate_billing_records_total",
        "tollgate_decisions_total",
        "tollgate_faults_total",
        "tollgate_final_class_total",
        "tollgate_frames_skipped_total",
        "tollgate_http_responses_total",
        "tollgate_messages_total",
    ];
    // Messages of SIP by kind: 14 methods, `other`, seven hundreds of responses; each is checked by its form.
    let is_word = |value: &str| {
        documents.contains(&format!("`{value}`"))
            || ["unknown", "carrier-a", "acme", "isup", "sip"].contains(&value)
            || value.len() == 3 && (value.ends_with("xx") || value.bytes().all(|byte| byte.is_ascii_digit()))
            || tollgate::wire::sip::Method::NAMES.contains(&value)
    };
    may_grow.contains(&family) && labels(series).iter().all(|value| is_word(value))
}

fn labels(series: &str) -> Vec<&str> {
    series.split('"').skip(1).step_by(2).collect()
}

/// The longest row of digits in a label's value.
fn digits_in_a_row(series: &str) -> usize {
    // Hashes of rules are sixteen hexadecimal digits of our own.
    let values = labels(series).into_iter().filter(|_| !series.starts_with("tollgate_ruleset_info"));
    values
        .flat_map(|value| value.split(|letter: char| !letter.is_ascii_digit()))
        .map(str::len)
        .max()
        .unwrap_or(0)
}

fn series(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| Some(line.rsplit_once(' ')?.0.to_owned())).collect()
}

/// A service that has seen flash calls, Wangiri and calls of a white route, and was asked.
fn busy_service() -> Service {
    let service = Service::start();
    for case in ["sip-white-route", "sip-flash-cancel", "sip-wangiri"] {
        service.feed(&format!("{case}.pcap"), &moved::moved(case, 0));
    }
    // A message without its headers, and media.
    let media = [&[0x40, 0, 0x42, 0, 0, 20, 0, 0][..], &[0x80; 12]].concat();
    let noise = [frames::udp(b"INVITE sip:a@b.example SIP/2.0\r\n\r\n"), frames::ipv4(17, &media)];
    service.feed("noise.pcap", &frames::pcap(&noise.map(|frame| (0, frame, 0))));
    ask_some(&service);
    wait_for("calls of every kind", || {
        let text = service.scrape();
        let has =
            |verdict: &str| sum(&text, "tollgate_decisions_total", &format!("verdict=\"{verdict}\"")) > 0.0;
        let is_noise_seen = ["tollgate_faults_total", "tollgate_frames_skipped_total"]
            .iter()
            .all(|name| sum(&text, name, "") > 0.0);
        (is_noise_seen && has("allow") && has("monetise") && has("block")).then_some(())
    });
    service
}

fn ask_some(service: &Service) {
    for call in 0..20 {
        let body = format!(
            "{{\"call_id\":\"asked{call}\",\"calling\":\"+447700900123\",\"called\":\"+48601234567\",\
             \"peer\":\"127.0.10.1\"}}"
        );
        assert_eq!(service.ask(&body).0, 200);
    }
}

struct Server {
    address: std::net::SocketAddr,
    _program: Running,
    _folder: tempfile::TempDir,
}

impl Server {
    fn query(&self, query: &str) -> Value {
        let encoded: String = query.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let (_, body) = get(&format!("http://{}/api/v1/query?query={encoded}", self.address));
        serde_json::from_str(&body).unwrap_or_default()
    }
}

/// A busy service, and a Prometheus that has scraped it for some seconds with the shipped rules; `None`, said loudly, when
/// Prometheus is not installed.
fn scraped() -> Option<(Service, Server)> {
    let folder = tempfile::tempdir().unwrap();
    let [address] = free_addresses();
    let service = busy_service();
    let configuration = format!(
        "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\n\
         rule_files: ['{}']\n\
         scrape_configs:\n- job_name: tollgate\n  static_configs: [{{targets: ['{}']}}]\n",
        root().join("deploy/prometheus/tollgate-service-rules.yml").display(),
        service.admin
    );
    let file = folder.path().join("prometheus.yml");
    fs::write(&file, configuration).unwrap();
    let program = start(
        "prometheus",
        Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    )?;
    let server = Server { address, _program: program, _folder: folder };
    wait_for("Prometheus to listen", || std::net::TcpStream::connect(address).ok());
    wait_for("six scrapes", || {
        ask_some(&service);
        let answer = server.query("count_over_time(tollgate_up[1m]) >= 6");
        answer["data"]["result"].as_array().filter(|found| !found.is_empty()).map(|_| ())
    });
    Some((service, server))
}

/// A program, or the word that it is not there.
fn start(name: &str, command: &mut Command) -> Option<Running> {
    match command.spawn() {
        Ok(child) => Some(Running(child)),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "SKIPPED: {name}: {error}");
            None
        }
    }
}

/// Every query of the dashboards, with its place.
fn dashboard_queries() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut seen = 0;
    for entry in fs::read_dir(root().join("deploy/grafana")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        seen += 1;
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        assert_eq!(dashboard["uid"], name.as_str(), "its file is named after it");
        collect(&dashboard, &name, &mut found);
    }
    assert_eq!(seen, 5);
    found
}

fn collect(value: &Value, place: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(object) => {
            let place = object
                .get("title")
                .and_then(Value::as_str)
                .map_or(place.to_owned(), |t| format!("{place}: {t}"));
            if let Some(query) = object.get("expr").and_then(Value::as_str) {
                found.push((place.clone(), query.to_owned()));
            }
            object.values().for_each(|value| collect(value, &place, found));
        }
        Value::Array(values) => values.iter().for_each(|value| collect(value, place, found)),
        _ => {}
    }
}

/// Every query of the rules for services.
fn rule_queries() -> Vec<(String, String)> {
    let name = "tollgate-service-rules.yml";
    let text = fs::read_to_string(root().join("deploy/prometheus").join(name)).unwrap();
    let mut found: Vec<(String, String)> = Vec::new();
    let mut is_open = false;
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if let Some(query) = line.strip_prefix("    expr: ") {
            is_open = query == "|";
            found.push((name.to_owned(), if is_open { String::new() } else { query.to_owned() }));
        } else if is_open && line.starts_with("      ") {
            found.last_mut().unwrap().1.push_str(line);
        } else {
            is_open = false;
        }
    }
    assert!(found.len() > 30, "{}", found.len());
    found
}

/// Names in a query that are metrics of the program itself.
fn metrics_of(query: &str) -> Vec<String> {
    let words =
        query.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_' || letter == ':'));
    let ours = words.filter(|word| word.starts_with("tollgate_") || word.starts_with("process_"));
    ours.map(str::to_owned).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
