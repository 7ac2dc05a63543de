//! A list pushed to real switches: Kamailio with the look-up of `deploy/kamailio`, and a receiver over HTTP. All on loopback.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, never, unbounded};
use prometheus::Registry;
use serde_json::{Value, json};
use tollgate::adapter::push::client::ClientOptions;
use tollgate::adapter::push::kamailio::Kamailio;
use tollgate::adapter::push::webhook::Webhook;
use tollgate::adapter::push::{Push, PushOptions, Snapshot};
use tollgate::base::class::{Class, Subject};
use tollgate::base::lists::{NEVER, Prefix};
use tollgate::base::network::Network;
use tollgate::base::range::Range;
use tollgate::base::route::RouteId;
use tollgate::base::time::At;
use tollgate::clock::{self, Deadline};
use tollgate::judge::Marked;

/// Waits for a condition, 20 s at most.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Deadline::after(Duration::from_secs(20));
    while !is_so() {
        assert!(!deadline.left().is_zero(), "waited for: {what}");
        let _ = never::<()>().recv_timeout(Duration::from_millis(20));
    }
}

fn mark(range: &str, class: Class) -> Marked {
    let range = Range::parse(range).unwrap();
    let subject = if range.width() == 0 { Subject::Caller } else { Subject::CallerRange };
    let (at, ttl) = (clock::now(), Duration::from_secs(3_600));
    Marked { subject, range, route: RouteId::UNKNOWN, class, at, ttl, rule: "WG-100".into() }
}

/// A network with one caller known to be good.
fn network() -> Arc<Network> {
    let mut network = Network::unknown();
    network.lists.known_good.insert(Prefix::from_digits(b"48601239999").unwrap(), (), NEVER);
    Arc::new(network)
}

fn options() -> PushOptions {
    PushOptions {
        check_every: Duration::from_millis(50),
        pause: (Duration::from_millis(20), Duration::from_millis(200)),
        ..PushOptions::new("test")
    }
}

/// The value of a series, by family and label; 0 when there is none.
fn metric(registry: &Registry, name: &str, label: &str) -> f64 {
    let families = registry.gather();
    let family = families.iter().find(|family| family.name() == name);
    let metrics = family.map(|family| family.get_metric()).unwrap_or_default();
    let found = metrics
        .iter()
        .find(|metric| label.is_empty() || metric.get_label().iter().any(|pair| pair.value() == label));
    found.map_or(0.0, |metric| metric.get_counter().get_value() + metric.get_gauge().get_value())
}

fn acknowledged(registry: &Registry) -> f64 {
    metric(registry, "tollgate_push_entries", "acknowledged")
}

fn reconciliations(registry: &Registry, cause: &str) -> f64 {
    metric(registry, "tollgate_push_reconciliations_total", cause)
}

/// A Kamailio of its own, killed at the end.
struct Switch {
    folder: tempfile::TempDir,
    port: u16,
    child: Option<Child>,
}

impl Switch {
    /// `None` where Kamailio is not installed.
    fn new() -> Option<Self> {
        let modules = modules()?;
        let folder = tempfile::tempdir().unwrap();
        // A port that is free for TCP is tried for UDP too; both are asked for again below.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/kamailio/push.cfg");
        let text = format!(
            r#"#!KAMAILIO
#!define TOLLGATE_PUSH_PORT {port}
debug=0
log_stderror=yes
children=1
listen=udp:127.0.0.1:{port}
listen=tcp:127.0.0.1:{port}
tcp_accept_no_cl=yes
mpath="{}/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xhttp.so"
loadmodule "jsonrpcs.so"
loadmodule "htable.so"
include_file "{}"
request_route {{
    $var(tg_number) = $fU;
    $var(tg_routes) = $hdr(X-Routes);
    route(TOLLGATE_LIST);
    if ($var(tg_class) != "") {{ sl_send_reply("603", "$var(tg_class)"); exit; }}
    sl_send_reply("404", "not listed");
}}
"#,
            modules.display(),
            recipe.display()
        );
        fs::write(folder.path().join("kamailio.cfg"), text).unwrap();
        let mut switch = Self { folder, port, child: None };
        switch.start();
        Some(switch)
    }

    fn start(&mut self) {
        let folder = self.folder.path();
        let log = fs::File::create(folder.join("log")).unwrap();
        let child = Command::new("kamailio")
            .args(["-DD", "-m", "64", "-f"])
            .arg(folder.join("kamailio.cfg"))
            .arg("-Y")
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(child.unwrap());
        until("Kamailio answers", || self.rpc("htable.stats", &json!([])).is_some());
    }

    /// `kill -9` of all its processes.
    fn kill(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let parent = child.id();
        let children =
            fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        let all: Vec<String> = std::iter::once(parent.to_string())
            .chain(children.split_whitespace().map(str::to_owned))
            .collect();
        let _ = Command::new("kill").arg("-9").args(&all).stderr(Stdio::null()).status();
        let _ = child.wait();
        until("its processes are gone", || {
            !all.iter().any(|id| Path::new("/proc").join(id).exists() && is_alive(id))
        });
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/RPC", self.port)
    }

    fn rpc(&self, method: &str, parameters: &Value) -> Option<Value> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(Duration::from_secs(5)))
            .http_status_as_error(false);
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).to_string();
        let mut response = config
            .build()
            .new_agent()
            .post(self.url())
            .content_type("application/json")
            .send(request)
            .ok()?;
        serde_json::from_str(&response.body_mut().read_to_string().ok()?).ok()
    }

    /// Its table, without the mark.
    fn table(&self) -> BTreeMap<String, String> {
        let dump = self.rpc("htable.dump", &json!(["tollgate"])).unwrap_or_default();
        let slots = dump["result"].as_array().cloned().unwrap_or_default();
        let items = slots.iter().flat_map(|slot| slot["slot"].as_array().cloned().unwrap_or_default());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        items
            .map(|item| (text(&item["name"]), text(&item["value"])))
            .filter(|(name, _)| name != "tollgate:epoch")
            .collect()
    }

    /// Status line of its answer to a call by this number.
    fn call(&self, number: &str, routes: &str) -> String {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let port = socket.local_addr().unwrap().port();
        let invite = format!(
            "INVITE sip:1@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{port}\r\n\
             From: <sip:{number}@127.0.0.1>;tag=1\r\nTo: <sip:1@127.0.0.1>\r\nCall-ID: {port}\r\nCSeq: 1 INVITE\r\n\
             X-Routes: {routes}\r\nMax-Forwards: 9\r\nContent-Length: 0\r\n\r\n"
        );
        socket.send_to(invite.as_bytes(), ("127.0.0.1", self.port)).unwrap();
        let mut answer = [0; 2_000];
        let length = socket.recv(&mut answer).unwrap();
        String::from_utf8_lossy(&answer[..length]).lines().next().unwrap().to_owned()
    }

    fn push(&self, registry: &Registry) -> Push {
        let kamailio = Kamailio::new(&ClientOptions::new(&self.url()), "tollgate").unwrap();
        Push::start(options(), network(), Box::new(kamailio), registry).unwrap()
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A process that waits to be collected is dead.
fn is_alive(id: &str) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn modules() -> Option<PathBuf> {
    let places = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib", "/usr/lib64"];
    places
        .iter()
        .map(|place| Path::new(place).join("kamailio/modules"))
        .find(|path| path.join("htable.so").exists())
}

fn names(table: &BTreeMap<String, String>) -> Vec<&str> {
    table.keys().map(String::as_str).collect()
}

#[test]
fn kamailio_has_the_list_and_gets_it_back() {
    let Some(mut switch) = Switch::new() else {
        eprintln!("SKIPPED: Kamailio with its module htable is not installed");
        return;
    };
    let registry = Registry::new();
    let push = switch.push(&registry);
    push.offer(&mark("+4860123xxxx", Class::Wangiri));
    for marked in [mark("+4860124xxxx", Class::Wangiri), mark("+447700900123", Class::Flash)] {
        push.offer(&marked);
    }
    push.offer(&mark("+4860125xxxx", Class::Scan));
    until("two are acknowledged", || acknowledged(&registry) >= 2.0);
    let own = ["international:447700900123", "international:4860124xxxx"];
    assert_eq!(names(&switch.table()), own, "one has a caller known to be good in it, one another class");
    assert_eq!(metric(&registry, "tollgate_push_left_out_total", "known_good"), 1.0);
    assert_eq!(metric(&registry, "tollgate_push_left_out_total", "not_chosen"), 1.0);
    assert!(switch.table()["international:447700900123"].starts_with("flash:"));
    for (number, routes, expected) in [
        ("+48601244567", "international", "SIP/2.0 603 wangiri"),
        ("48601240000", "international", "SIP/2.0 603 wangiri"),
        ("+48601244567", "national", "SIP/2.0 404 not listed"),
        ("+4860124456", "international", "SIP/2.0 404 not listed"),
        ("+486012445678", "international", "SIP/2.0 404 not listed"),
        ("+447700900123", "international", "SIP/2.0 603 flash"),
        ("anonymous", "international", "SIP/2.0 404 not listed"),
    ] {
        assert_eq!(switch.call(number, routes), expected, "{number} {routes}");
    }
    until("the list is sealed", || reconciliations(&registry, "start") >= 1.0 && switch.has_seal());

    // The switch is killed, and comes back with nothing.
    switch.kill();
    push.offer(&mark("+4860126xxxx", Class::Wangiri));
    until("it is missed", || metric(&registry, "tollgate_push_changes_total", "unreachable") >= 1.0);
    until("the lag is seen", || metric(&registry, "tollgate_push_lag_seconds", "") > 0.0);
    switch.start();
    let all = ["international:447700900123", "international:4860124xxxx", "international:4860126xxxx"];
    until("the list is back", || names(&switch.table()) == all);
    until("that is known", || {
        acknowledged(&registry) == 3.0 && metric(&registry, "tollgate_push_lag_seconds", "") == 0.0
    });
    assert!(reconciliations(&registry, "restart") >= 1.0);
    until("the list is sealed", || switch.has_seal());

    // Somebody removes an entry by hand.
    switch.rpc("htable.delete", &json!(["tollgate", all[1]])).unwrap();
    until("the list is whole", || names(&switch.table()) == all);
    assert!(reconciliations(&registry, "short") >= 1.0);
}

impl Switch {
    fn has_seal(&self) -> bool {
        self.rpc("htable.get", &json!(["tollgate", "tollgate:epoch"]))
            .is_some_and(|answer| answer["result"].is_object())
    }
}

#[test]
fn a_daemon_that_comes_back_compares() {
    let Some(switch) = Switch::new() else {
        eprintln!("SKIPPED: Kamailio with its module htable is not installed");
        return;
    };
    let registry = Registry::new();
    let push = switch.push(&registry);
    let marks = [mark("+4860124xxxx", Class::Wangiri), mark("+4860126xxxx", Class::Wangiri)];
    marks.iter().for_each(|marked| push.offer(marked));
    until("both are acknowledged", || acknowledged(&registry) >= 2.0);
    drop(push);
    assert_eq!(switch.table().len(), 2, "the switch keeps its list when nobody tells it anything");

    let registry = Registry::new();
    let push = switch.push(&registry);
    until("it is compared", || reconciliations(&registry, "start") >= 1.0);
    assert_eq!(switch.table().len(), 2, "nothing is removed before all marks are known");
    assert!(push.wants_snapshot());
    let fresh = mark("+4860127xxxx", Class::Flash);
    push.snapshot(Snapshot { network: network(), marks: vec![marks[1].clone(), fresh] });
    assert!(!push.wants_snapshot());
    let expected = ["international:4860126xxxx", "international:4860127xxxx"];
    until("what is not marked any more is gone", || names(&switch.table()) == expected);
    until("that is known", || acknowledged(&registry) == 2.0);
    assert_eq!(
        metric(&registry, "tollgate_push_changes_total", "acknowledged"),
        2.0,
        "one removed, one added; what was there was not told again"
    );
}

/// A receiver that answers with the statuses it is given, then with 204.
fn receiver(statuses: Receiver<u16>) -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/list", listener.local_addr().unwrap());
    let (seen, requests) = unbounded();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let Some(request) = read_request(&mut stream) else { continue };
            let status = statuses.try_recv().unwrap_or(204);
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(answer.as_bytes());
            if seen.send(request).is_err() {
                return;
            }
        }
    });
    (url, requests)
}

fn read_request(stream: &mut impl Read) -> Option<(String, Value)> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4_096];
        let length = stream.read(&mut part).ok().filter(|length| *length > 0)?;
        bytes.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(value) = serde_json::from_str(body)
        {
            return Some((head.split(' ').next()?.to_owned(), value));
        }
    }
}

fn webhook(url: &str, registry: &Registry, options: PushOptions) -> Push {
    let webhook = Webhook::new(&ClientOptions::new(url)).unwrap();
    Push::start(options, network(), Box::new(webhook), registry).unwrap()
}

fn next(requests: &Receiver<(String, Value)>) -> (String, Value) {
    requests.recv_timeout(Duration::from_secs(20)).unwrap()
}

fn statuses(all: &[u16]) -> (Sender<u16>, Receiver<u16>) {
    let (sender, receiver) = bounded(16);
    all.iter().for_each(|status| sender.send(*status).unwrap());
    (sender, receiver)
}

#[test]
fn a_receiver_is_told_until_it_acknowledges_and_gets_all_when_it_asks() {
    let registry = Registry::new();
    let (answers, queue) = statuses(&[503, 200]);
    let (url, requests) = receiver(queue);
    let push = webhook(&url, &registry, options());
    push.offer(&mark("+4860124xxxx", Class::Wangiri));
    let (method, first) = next(&requests);
    assert_eq!((method.as_str(), &first["version"], &first["sequence"]), ("POST", &json!(1), &json!(0)));
    let entry = &first["add"][0];
    assert_eq!(
        (&entry["prefix"], &entry["digits"], &entry["routes"], &entry["class"]),
        (&json!("4860124"), &json!(11), &json!("international"), &json!("wangiri"))
    );
    assert!(At::of_rfc3339(entry["expires"].as_str().unwrap()).is_some_and(|end| end > clock::now()));
    let (_, again) = next(&requests);
    assert_eq!(again, first, "not acknowledged: told again");
    until("it is acknowledged", || acknowledged(&registry) == 1.0);

    push.snapshot(Snapshot { network: network(), marks: vec![mark("+4860126xxxx", Class::Flash)] });
    let (method, all) = next(&requests);
    assert_eq!((method.as_str(), &all["sequence"]), ("PUT", &json!(1)));
    assert_eq!(
        (all["entries"].as_array().unwrap().len(), &all["entries"][0]["prefix"]),
        (1, &json!("4860126"))
    );
    until("that is acknowledged", || acknowledged(&registry) == 1.0);

    answers.send(409).unwrap();
    push.offer(&mark("+4860127xxxx", Class::Flash));
    let (method, change) = next(&requests);
    assert_eq!((method.as_str(), &change["add"][0]["prefix"]), ("POST", &json!("4860127")));
    let (method, all) = next(&requests);
    assert_eq!((method.as_str(), all["entries"].as_array().unwrap().len()), ("PUT", 2));
    assert_eq!(all["epoch"], first["epoch"]);
    assert_eq!(reconciliations(&registry, "out_of_step"), 1.0);
}

#[test]
fn a_dry_run_tells_nobody() {
    let registry = Registry::new();
    let (_answers, queue) = statuses(&[]);
    let (url, requests) = receiver(queue);
    let push = webhook(&url, &registry, PushOptions { dry_run: true, ..options() });
    push.offer(&mark("+4860124xxxx", Class::Wangiri));
    until("it is counted", || metric(&registry, "tollgate_push_changes_total", "dry_run") == 1.0);
    drop(push);
    assert!(requests.is_empty());
}

#[test]
fn a_full_queue_asks_for_all_marks() {
    let registry = Registry::new();
    // Nobody answers there, and the first request holds the thread for its time limit.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/list", silent.local_addr().unwrap());
    let options =
        PushOptions { queue_max: 2, pause: (Duration::from_secs(60), Duration::from_secs(60)), ..options() };
    let webhook =
        Webhook::new(&ClientOptions { timeout: Duration::from_secs(1), ..ClientOptions::new(&url) }).unwrap();
    let push = Push::start(options, network(), Box::new(webhook), &registry).unwrap();
    push.snapshot(Snapshot { network: network(), marks: Vec::new() });
    until("the thread is held", || silent.accept().is_ok());
    assert!(!push.wants_snapshot());
    for number in 0..10 {
        push.offer(&mark(&format!("+48601{number}xxxxx"), Class::Wangiri));
    }
    assert_eq!(metric(&registry, "tollgate_push_left_out_total", "queue_full"), 8.0);
    until("all marks are asked for when there is room", || push.wants_snapshot());
}
