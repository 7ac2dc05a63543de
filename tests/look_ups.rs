//! Asking a server where subscribers are: whatever it does, the answer is there by the deadline, or is unknown.

#[path = "common/roaming_server.rs"]
mod roaming_server;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier, Mutex};
use std::time::Duration;

use roaming_server::{Request, Server, error, response, roaming};
use tollgate::base::network::RoamingState;
use tollgate::base::number::Number;
use tollgate::base::time::At;
use tollgate::call::CallId;
use tollgate::lookup::{Answer, Client, ClientOptions, Outcome, Pool, Question, Source};

/// Long enough for a busy machine; only what is never answered takes it.
const PATIENT: Duration = Duration::from_secs(30);
/// For servers that never answer.
const SHORT: Duration = Duration::from_millis(100);

fn question(tail: u64) -> Question {
    let number = Number::from_digits(format!("4860100{tail:04}").as_bytes()).unwrap();
    Question { at: At::from_nanos(1_700_000_000_000_000_000 + tail), call: CallId(7), number }
}

fn client(url: String) -> ClientOptions {
    ClientOptions { url, token_file: None, ca_file: None, connections: 4 }
}

fn pool(options: &ClientOptions, threads: usize, deadline: Duration) -> Pool {
    Pool::start(Client::new(options).unwrap(), threads, deadline).unwrap()
}

fn ask_one(server: &Server, deadline: Duration) -> Answer {
    pool(&client(server.url()), 1, deadline).ask(&[question(1)])[0]
}

#[test]
fn asks_as_the_api_says_and_reads_its_answer() {
    let (seen_in, seen) = channel();
    let server = Server::start(move |request| {
        seen_in.send(request.clone()).unwrap();
        roaming(request.number.ends_with('1'), request)
    });
    let answers = pool(&client(server.url()), 1, PATIENT).ask(&[question(1), question(2)]);
    let states = [RoamingState::Roaming, RoamingState::Home];
    assert_eq!(answers, states.map(|state| Answer { state: Some(state), outcome: Outcome::Answered }));
    let first: Request = seen.recv().unwrap();
    assert_eq!(first.path, "/device-roaming-status/v1/retrieve");
    assert_eq!(first.number, "+48601000001");
    assert_eq!(first.correlator.as_deref(), Some("00000000000000000000000007"));
    assert_eq!(first.token, None);
}

#[test]
fn whatever_is_no_answer_is_unknown() {
    let garbage = |body: &'static str| move |request: &Request| response("200 OK", body, request);
    let huge = |request: &Request| {
        let filler = "x".repeat(1_000_000);
        response("200 OK", &format!("{{\"roaming\":false,\"filler\":\"{filler}\"}}"), request)
    };
    let cases: Vec<(&str, Server, Outcome)> = vec![
        ("404", Server::start(|r| error(404, "IDENTIFIER_NOT_FOUND", r)), Outcome::Unknown),
        ("422", Server::start(|r| error(422, "SERVICE_NOT_APPLICABLE", r)), Outcome::Unknown),
        ("400", Server::start(|r| error(400, "INVALID_ARGUMENT", r)), Outcome::Failed),
        ("401", Server::start(|r| error(401, "UNAUTHENTICATED", r)), Outcome::Failed),
        ("429", Server::start(|r| error(429, "QUOTA_EXCEEDED", r)), Outcome::Failed),
        ("500", Server::start(|r| error(500, "INTERNAL", r)), Outcome::Failed),
        ("redirection", Server::start(|r| response("302 Found\r\nlocation: /", "", r)), Outcome::Failed),
        ("no JSON", Server::start(garbage("roaming")), Outcome::Failed),
        ("another object", Server::start(garbage("{\"roam\":true}")), Outcome::Failed),
        ("another type", Server::start(garbage("{\"roaming\":\"true\"}")), Outcome::Failed),
        ("huge", Server::start(huge), Outcome::Failed),
        ("no HTTP", Server::start(|_| b"\x00\xff\r\n\r\n".to_vec()), Outcome::Failed),
    ];
    for (what, server, outcome) in cases {
        assert_eq!(ask_one(&server, PATIENT), Answer::none(outcome), "{what}");
        assert_eq!(server.asked(), 1, "{what}");
    }
}

#[test]
fn nobody_at_home() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(pool(&client(url), 1, PATIENT).ask(&[question(1)]), [Answer::none(Outcome::Failed)]);
}

/// A server that answers when the test is over: its end of the channel goes away.
fn silent() -> (Server, Sender<()>) {
    let (release, wait) = channel();
    let wait = Mutex::new(wait);
    let server = Server::start(move |request| {
        let _ = wait.lock().unwrap().recv();
        roaming(true, request)
    });
    (server, release)
}

#[test]
fn a_server_that_is_silent_costs_a_deadline_and_then_a_rest() {
    let (server, release) = silent();
    let mut pool = pool(&client(server.url()), 4, SHORT);
    for round in 0..3 {
        assert_eq!(pool.ask(&[question(round)]), [Answer::none(Outcome::TimedOut)]);
    }
    assert_eq!(pool.ask(&[question(4), question(5)]), [Answer::none(Outcome::Skipped); 2]);
    drop(release);
}

#[test]
fn an_answer_that_dribbles_in_is_given_up_by_the_deadline() {
    let (release, wait) = channel::<()>();
    let wait = Mutex::new(wait);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{").unwrap();
        let _ = wait.lock().unwrap().recv();
    });
    assert_eq!(pool(&client(url), 1, SHORT).ask(&[question(1)]), [Answer::none(Outcome::TimedOut)]);
    drop(release);
}

#[test]
fn as_many_questions_are_under_way_as_there_are_threads() {
    let (under_way, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now, peak, both) = (Arc::clone(&under_way), Arc::clone(&most), Barrier::new(2));
    let server = Server::start(move |request| {
        peak.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        // Two at a time, or the test does not end.
        both.wait();
        now.fetch_sub(1, Ordering::SeqCst);
        roaming(true, request)
    });
    let questions: Vec<Question> = (0..8).map(question).collect();
    let answers = pool(&client(server.url()), 2, PATIENT).ask(&questions);
    assert!(answers.iter().all(|answer| answer.outcome == Outcome::Answered), "{answers:?}");
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[test]
fn what_cannot_wait_in_line_is_not_asked() {
    let (server, release) = silent();
    let questions: Vec<Question> = (0..3_000).map(question).collect();
    let answers = pool(&client(server.url()), 1, SHORT).ask(&questions);
    let count = |outcome| answers.iter().filter(|answer| answer.outcome == outcome).count();
    // A thousand and 24 wait, and one or none was taken from the line by then.
    assert!((1_024..=1_026).contains(&count(Outcome::TimedOut)), "{}", count(Outcome::TimedOut));
    assert_eq!(count(Outcome::TimedOut) + count(Outcome::Skipped), 3_000);
    drop(release);
}

#[test]
fn a_token_is_read_again_when_it_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("token");
    fs::write(&path, "old\n").unwrap();
    let server = Server::start(|request| match request.token.as_deref() {
        Some("new") => roaming(true, request),
        _ => error(401, "UNAUTHENTICATED", request),
    });
    let options = ClientOptions { token_file: Some(path.clone()), ..client(server.url()) };
    let mut pool = pool(&options, 1, PATIENT);
    assert_eq!(pool.ask(&[question(1)]), [Answer::none(Outcome::Failed)]);
    assert_eq!(server.asked(), 1, "the same token is not tried twice");
    fs::write(&path, "new\n").unwrap();
    assert_eq!(pool.ask(&[question(2)])[0].outcome, Outcome::Answered);
    assert_eq!(pool.ask(&[question(3)])[0].outcome, Outcome::Answered);
    assert_eq!(server.asked(), 4);
    fs::write(&path, "two words\n").unwrap();
    assert_eq!(Client::new(&options).unwrap_err().0, path);
}

/// The states of a capture's file, told by a server, give the same records as the file; and so do the recorded answers,
/// without the server.
#[test]
fn a_replay_asks_and_its_answers_can_be_replayed() {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/isup-spoofed-cli");
    let states = fs::read_to_string(case.join("roaming.csv")).unwrap();
    let server =
        Server::start(move |request| match states.lines().find(|row| row.starts_with(&request.number)) {
            Some(row) => roaming(row.ends_with("roaming"), request),
            None => error(404, "IDENTIFIER_NOT_FOUND", request),
        });
    let directory = tempfile::tempdir().unwrap();
    let network = fs::read_to_string(case.join("network.toml")).unwrap();
    let from_file = "file = \"roaming.csv\"";
    assert!(network.contains(from_file), "{network}");
    let asking = format!("url = \"{}\"\ndeadline = \"10s\"", server.url());
    let path = directory.path().join("network.toml");
    fs::write(&path, network.replace(from_file, &asking)).unwrap();

    let replay = |network: &Path, out: &str, more: &[&Path]| -> PathBuf {
        let out = directory.path().join(out);
        let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
        command.arg("replay").arg("--out").arg(&out).arg("--network").arg(network);
        if let [answers] = more {
            command.arg("--roaming-answers").arg(answers);
        }
        let run = command.arg(case.join("input.pcap")).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        out
    };
    let read = |out: &Path, name: &str| fs::read_to_string(out.join(name)).unwrap();
    let by_file = replay(&case.join("network.toml"), "by-file", &[]);
    let asked = replay(&path, "asked", &[]);
    let count = server.asked();
    assert!(count > 10, "only {count} questions");
    let replayed = replay(&path, "replayed", &[&asked.join("roaming-answers.jsonl")]);
    assert_eq!(server.asked(), count, "nobody is asked again");
    assert_eq!(read(&asked, "calls.jsonl"), read(&by_file, "calls.jsonl"));
    for name in ["calls.jsonl", "billing.jsonl", "metrics.prom", "roaming-answers.jsonl"] {
        assert_eq!(read(&asked, name), read(&replayed, name), "{name}");
    }
    assert!(!by_file.join("roaming-answers.jsonl").exists());
    let metrics = read(&asked, "metrics.prom");
    let line = |result| format!("tollgate_roaming_lookups_total{{result=\"{result}\"}}");
    assert!(metrics.contains(&line("answered")), "{metrics}");
}
