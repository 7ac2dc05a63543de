use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, LazyLock};
use std::thread;

use crossbeam_channel::{Receiver, bounded};
use serde_json::{Value, json};

use super::*;
use crate::adapter::{Asked, Query, Standing};
use crate::base::class::{Class, Decision};
use crate::base::fail_open::FailOpen;
use crate::base::network::Network;
use crate::call::CallId;
use crate::judge::{Answer, Treatment};
use crate::metrics::Live;

/// The document, read.
static OPENAPI: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(DOCUMENT).unwrap());

/// A server with somebody behind it who judges by the name of the call.
struct Bench {
    server: Server,
    standing: Arc<Standing>,
    live: Live,
    feed: Receiver<Vec<Told>>,
    agent: ureq::Agent,
}

impl Bench {
    fn new(change: impl FnOnce(&mut HttpOptions)) -> Self {
        let mut options = HttpOptions::new("127.0.0.1:0".parse().unwrap());
        options.deadline = Duration::from_secs(20);
        change(&mut options);
        let live = Live::new().unwrap();
        let standing = Arc::new(Standing::default());
        let (queries, asked) = bounded::<Query>(64);
        let (feed, fed) = bounded(1);
        let gate =
            Gate::new(queries, (Arc::new(Network::unknown()), Arc::clone(&standing)), live.adapter("http"));
        let server = Server::start(options, gate, feed, live.registry()).unwrap();
        thread::spawn(move || judge(&asked));
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_idle_connections(0);
        Self { server, standing, live, feed: fed, agent: config.build().new_agent() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/v1/{path}", self.server.address())
    }

    fn post(&self, path: &str, media_type: &str, body: &[u8]) -> (u16, Value) {
        let mut response =
            self.agent.post(self.url(path)).header("content-type", media_type).send(body).unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        (response.status().as_u16(), serde_json::from_str(&text).unwrap())
    }

    fn decide(&self, body: &Value) -> (u16, Value) {
        self.post("decisions", "application/json", body.to_string().as_bytes())
    }

    fn failed_open(&self, why: FailOpen) -> u64 {
        self.live.adapter("http").fail_open_count(why)
    }
}

/// `a…` and `b…` are blocked, `3…` diverted, of `f…` nothing is heard, the others pass.
fn judge(asked: &Receiver<Query>) {
    let mut unheard = Vec::new();
    for query in asked {
        let Asked::Setup { call_id, .. } = &query.asked else { panic!("{:?}", query.asked) };
        let rule = Some("SP-200".into());
        let verdict = |treatment| Answer { call: CallId(1), class: Class::Spoofed, rule, treatment };
        let answer = match call_id.first() {
            Some(b'a' | b'b') => {
                let reason = "home fixed number from abroad".into();
                verdict(Treatment::Block { sip: 603, q850: 21, reason })
            }
            Some(b'3') => verdict(Treatment::Divert { target: "sip:announcement@192.0.2.99".into() }),
            Some(b'f') => {
                unheard.push(query);
                continue;
            }
            _ => Answer { call: CallId(1), ..Answer::default() },
        };
        query.reply.answer(Ok(answer));
    }
}

fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    value.pointer(path).unwrap_or_else(|| panic!("no {path}"))
}

#[test]
fn the_examples_of_the_document_are_what_is_answered() {
    let bench = Bench::new(|_| {});
    let path = "/paths/~1v1~1decisions/post";
    let asked = at(&OPENAPI, &format!("{path}/requestBody/content/application~1json/examples"));
    let answered = at(&OPENAPI, &format!("{path}/responses/200/content/application~1json/examples"));
    let asked = asked.as_object().unwrap();
    assert_eq!(asked.len(), 4);
    for (name, example) in asked {
        let (status, body) = bench.decide(&example["value"]);
        assert_eq!((status, &body), (200, &answered[name]["value"]), "{name}");
    }
    assert_eq!(bench.failed_open(FailOpen::Deadline), 1);
    assert_eq!(bench.failed_open(FailOpen::NotUnderstood), 1);
    let served =
        bench.agent.get(bench.url("openapi.json")).call().unwrap().body_mut().read_to_string().unwrap();
    assert_eq!(served, DOCUMENT);
}

/// Names of the properties of a schema.
fn properties(schema: &str) -> BTreeSet<String> {
    let properties = at(&OPENAPI, &format!("/components/schemas/{schema}/properties"));
    properties.as_object().unwrap().keys().cloned().collect()
}

fn fields(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn the_document_has_every_field() {
    let setup = serde_json::to_value(decisions::Request::default()).unwrap();
    assert_eq!(fields(&setup), properties("Setup"));
    let decided = decisions::Decided::failed_open(String::new(), FailOpen::Deadline, None);
    assert_eq!(fields(&serde_json::to_value(&decided).unwrap()), properties("Decision"));
    let block = decisions::Told::Block { sip_status: 603, q850_cause: 21, reason: String::new() };
    assert_eq!(fields(&serde_json::to_value(&block).unwrap()), properties("BlockTreatment"));
    let names = |path: &str| -> BTreeSet<String> {
        let names = at(&OPENAPI, path).as_array().unwrap().iter();
        names.filter_map(|name| name.as_str().map(str::to_owned)).collect()
    };
    let set = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    let decision = "/components/schemas/Decision/properties";
    assert_eq!(names(&format!("{decision}/decision/enum")), set(&Decision::NAMES));
    assert_eq!(names(&format!("{decision}/class/enum")), set(&Class::NAMES));
    let unjudged = [&FailOpen::NAMES[..], &[decisions::EMERGENCY]].concat();
    assert_eq!(names(&format!("{decision}/unjudged/enum")), set(&unjudged));
    assert_eq!(names("/components/schemas/Nature/enum"), set(&crate::signal::plain::NATURE_NAMES));
}

#[test]
fn a_batch_is_answered_in_order_by_one_deadline() {
    let bench = Bench::new(|_| {});
    let call = |id: &str| json!({"call_id": id, "calling": "+447700900123", "called": "+48601234567"});
    let calls = vec![call("f1"), call("b1"), call("c1"), call("f2"), call("31")];
    for body in [json!({"calls": calls, "deadline_ms": 1_000}), json!({"calls": calls[1..3]})] {
        let (status, answer) = bench.decide(&body);
        let found: Vec<(&str, &str)> = answer["decisions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["call_id"].as_str().unwrap(), one["decision"].as_str().unwrap()))
            .collect();
        let all = [("f1", "allow"), ("b1", "block"), ("c1", "allow"), ("f2", "allow"), ("31", "divert")];
        let expected = if found.len() == 5 { &all[..] } else { &all[1..3] };
        assert_eq!((status, &found[..]), (200, expected));
    }
    assert_eq!(bench.failed_open(FailOpen::Deadline), 2);
    let many = json!(vec![call("b"); decisions::CALLS_MAX + 1]);
    assert_eq!(bench.decide(&many).1["code"], "malformed");
    bench.standing.drain();
    let (_, answer) = bench.decide(&call("b9"));
    assert_eq!((&answer["decision"], &answer["unjudged"]), (&json!("allow"), &json!("draining")));
}

#[test]
fn problems_are_told_as_such() {
    let bench = Bench::new(|options| options.body_max = 1_000);
    let large = vec![b' '; 1_001];
    for (path, media_type, body, status, code) in [
        ("decisions", "application/json", &b"{"[..], 400, "malformed"),
        (
            "decisions",
            "application/json",
            br#"{"call_id":"x","called":"1","direction":"up"}"#,
            400,
            "malformed",
        ),
        ("decisions", "text/plain", b"{}", 415, "media_type"),
        ("decisions", "application/json", &large, 413, "too_large"),
        ("feed", "application/json", b"{}", 415, "media_type"),
        ("feed", "text/csv", b"colour\n", 400, "malformed"),
        ("elsewhere", "application/json", b"{}", 404, "no_such_path"),
        ("openapi.json", "application/json", b"{}", 405, "method"),
    ] {
        let (found, problem) = bench.post(path, media_type, body);
        assert_eq!((found, &problem["code"]), (status, &json!(code)), "{problem}");
        assert_eq!(fields(&problem), properties("Problem"));
        assert_eq!(problem["status"], status);
        let codes = at(&OPENAPI, "/components/schemas/Problem/properties/code/enum");
        assert!(codes.as_array().unwrap().contains(&json!(code)));
    }
    assert_eq!(bench.failed_open(FailOpen::NotUnderstood), 4);
}

#[test]
fn finished_calls_are_handed_on_or_asked_for_again() {
    let bench = Bench::new(|_| {});
    let csv = b"call_id,setup_at,end_at\na,100,110\nb,100,90\n";
    let (status, taken) = bench.post("feed", "text/csv", csv);
    assert_eq!((status, &taken["accepted"], &taken["refused"]), (200, &json!(1), &json!(1)));
    assert_eq!(taken["errors"][0]["line"], 3);
    assert_eq!(fields(&taken), properties("Taken"));
    assert_eq!(fields(&taken["errors"][0]), properties("Refused"));
    let line = br#"{"call_id":"c","setup_at":100,"end_at":110}"#;
    let (status, problem) = bench.post("feed", "application/x-ndjson", line);
    assert_eq!((status, &problem["code"]), (503, &json!("queue_full")), "nobody has taken the first batch");
    assert_eq!(bench.feed.recv().unwrap()[0].call_id.as_deref(), Some(&b"a"[..]));
    assert_eq!(bench.post("feed", "application/x-ndjson", line).0, 200);
    assert_eq!(bench.feed.recv().unwrap()[0].call_id.as_deref(), Some(&b"c"[..]));
}

#[test]
fn a_token_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, "s3cret\n").unwrap();
    let bench = Bench::new(|options| options.token_file = Some(path.clone()));
    let body = json!({"call_id": "b", "called": "+48601234567"}).to_string();
    for (shown, status) in
        [(None, 401), (Some("Bearer s3cre"), 401), (Some("Basic s3cret"), 401), (Some("bearer s3cret"), 200)]
    {
        let mut request = bench.agent.post(bench.url("decisions")).header("content-type", "application/json");
        if let Some(shown) = shown {
            request = request.header("authorization", shown);
        }
        let response = request.send(&body).unwrap();
        assert_eq!(response.status().as_u16(), status, "{shown:?}");
        assert_eq!(response.headers().contains_key("www-authenticate"), status == 401);
    }
    let live = Live::new().unwrap();
    let start = |options| {
        let gate =
            Gate::new(bounded(1).0, (Arc::new(Network::unknown()), Arc::default()), live.adapter("http"));
        Server::start(options, gate, bounded(1).0, live.registry())
    };
    let error = start(HttpOptions::new("0.0.0.0:0".parse().unwrap())).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn requests_beyond_the_limit_are_refused_and_idle_connections_closed() {
    let bench = Bench::new(|options| {
        options.requests_max = 0;
        options.feeds_max = 0;
        options.idle = Duration::from_millis(20);
        options.connections_max = 1;
    });
    let mut idle = TcpStream::connect(bench.server.address()).unwrap();
    idle.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    idle.write_all(b"POST /v1/dec").unwrap();
    // The others wait until the only place is free again.
    let (status, problem) = bench.decide(&json!({"call_id": "b", "called": "1"}));
    assert_eq!((status, &problem["code"]), (503, &json!("busy")));
    assert_eq!(idle.read(&mut [0; 1]).unwrap_or_default(), 0, "closed");
    assert_eq!(bench.post("feed", "text/csv", b"").0, 503);
    assert_eq!(bench.failed_open(FailOpen::StateFull), 1);
    let counted: BTreeMap<String, f64> = bench
        .live
        .gather()
        .iter()
        .filter(|family| family.name() == "tollgate_http_responses_total")
        .flat_map(|family| family.get_metric())
        .map(|metric| (metric.get_label()[0].value().to_owned(), metric.get_counter().get_value()))
        .collect();
    assert_eq!(counted, BTreeMap::from([("decisions".to_owned(), 1.0), ("feed".to_owned(), 1.0)]));
}
