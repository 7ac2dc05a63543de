//! Certificates fetched by the address in a PASSporT, from servers that give them, and from those that do all they can not to.

#[path = "stir/made.rs"]
mod made;
#[path = "stir/server.rs"]
mod server;

use std::sync::Arc;
use std::time::Duration;

use made::{CALLED, CALLER, NOW, Signer, Trust, network, options, shaken, signed};
use server::{Reply, Server, answer};
use tollgate::call::{Stir, StirReason, StirVerdict};
use tollgate::clock::Stopwatch;
use tollgate::stir::{FetchOptions, Options, Question, Source, Verifier};

/// Long enough for a busy machine; only what is never answered takes it.
const PATIENT: Duration = Duration::from_secs(30);

struct Bench {
    folder: tempfile::TempDir,
    signer: Signer,
    options: Options,
    server: Server,
}

impl Bench {
    fn new(reply: impl Fn(&str, &str) -> Reply + Send + Sync + 'static) -> Self {
        let trust = Trust::new("STI");
        let signer = trust.usual();
        let pem = signer.pem.clone();
        let server = Server::start(move |path| reply(path, &pem));
        let folder = tempfile::tempdir().unwrap();
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, &server.ca).unwrap();
        let fetch = FetchOptions {
            hosts: vec![format!("localhost:{}", server.port)],
            ca_file: Some(ca_file),
            allows_private: true,
            hold: Duration::from_secs(3600),
            concurrency: 2,
        };
        let options = Options { fetch: Some(fetch), deadline: PATIENT, ..options(trust.anchors(), []) };
        Self { folder, signer, options, server }
    }

    fn verifier(&self) -> Verifier {
        assert!(self.folder.path().exists());
        Verifier::start(&self.options, &Arc::new(network())).unwrap()
    }

    fn question(&self, seq: u64, x5u: &str) -> Question {
        signed(seq, &[self.signer.identity("shaken", x5u, &shaken("A", CALLER, CALLED, NOW))])
    }

    fn ask(&self, path: &str) -> (StirVerdict, StirReason) {
        said(self.verifier().ask(&[self.question(1, &self.server.url(path))])[0])
    }
}

const fn said(stir: Stir) -> (StirVerdict, StirReason) {
    (stir.verdict, stir.reason)
}

const VALID: (StirVerdict, StirReason) = (StirVerdict::Valid, StirReason::None);
const FAILED: (StirVerdict, StirReason) = (StirVerdict::Unverified, StirReason::FetchFailed);

#[test]
fn a_certificate_is_fetched_once_for_all_calls() {
    let bench = Bench::new(|_, pem| answer("200 OK", "", pem));
    let mut verifier = bench.verifier();
    let url = bench.server.url("a.pem");
    let questions: Vec<Question> = (0..50).map(|seq| bench.question(seq, &url)).collect();
    assert!(verifier.ask(&questions).into_iter().all(|stir| said(stir) == VALID));
    assert!(verifier.ask(&questions).into_iter().all(|stir| said(stir) == VALID));
    assert_eq!(bench.server.asked(), 1);
}

#[test]
fn whatever_is_no_certificate_verifies_nothing() {
    let bench = Bench::new(|path, pem| match path {
        "missing" => answer("404 Not Found", "", "no"),
        "moved" => answer("302 Found", "location: /a.pem\r\n", ""),
        "elsewhere" => answer("302 Found", "location: http://169.254.169.254/\r\n", ""),
        "text" => answer("200 OK", "", "no certificate"),
        "many" => answer("200 OK", "", &pem.repeat(10)),
        "empty" => answer("200 OK", "", ""),
        "no-http" => Reply::Say(b"\x00\xff\r\n\r\n".to_vec()),
        "half" => Reply::Say(format!("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{pem}").into_bytes()),
        _ => answer("200 OK", "", pem),
    });
    let bad = (StirVerdict::Invalid, StirReason::BadCertificate);
    for (path, expected) in [
        ("a.pem", VALID),
        ("missing", FAILED),
        ("moved", FAILED),
        ("elsewhere", FAILED),
        ("text", bad),
        ("many", bad),
        ("empty", bad),
        ("no-http", FAILED),
        ("half", FAILED),
    ] {
        assert_eq!(bench.ask(path), expected, "{path}");
    }
}

#[test]
fn a_body_without_an_end_is_not_read_to_its_end() {
    let bench = Bench::new(|path, _| match path {
        "long" => {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 500000000\r\n\r\n".to_vec();
            Reply::Pour([head, vec![b'x'; 65_536]].concat())
        }
        "header" => Reply::Pour(b"HTTP/1.1 200 OK\r\nx: y\r\n".to_vec()),
        _ => Reply::Pour(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\nxxxxxxxx\r\n".to_vec()),
    });
    for path in ["long", "header", "chunked"] {
        assert_eq!(bench.ask(path), FAILED, "{path}");
    }
}

#[test]
fn a_server_that_is_silent_costs_a_deadline_and_nobody_else_waits_for_it() {
    let mut bench = Bench::new(|path, pem| match path {
        "silent" => Reply::Silence,
        _ => answer("200 OK", "", pem),
    });
    let (silent, good) = (bench.server.url("silent"), bench.server.url("a.pem"));
    let mut verifier = bench.verifier();
    assert_eq!(said(verifier.ask(&[bench.question(1, &good)])[0]), VALID);
    drop(verifier);
    bench.options.deadline = Duration::from_millis(500);
    let mut verifier = bench.verifier();
    // One that is known does not wait behind those that are not.
    let watch = Stopwatch::start();
    let questions: Vec<Question> = (0..20)
        .map(|seq| bench.question(seq, &silent))
        .chain([bench.question(20, "https://cr.example.com/a")])
        .collect();
    let answers = verifier.ask(&questions);
    assert!(watch.seconds() < 20.0, "a verdict waited for a silent server");
    let timeout = (StirVerdict::Unverified, StirReason::Timeout);
    assert!(answers[..20].iter().all(|stir| said(*stir) == timeout), "{answers:?}");
    assert_eq!(said(answers[20]), (StirVerdict::Unverified, StirReason::X5uRefused));
}

#[test]
fn a_server_whom_nobody_vouches_for_is_not_believed() {
    let mut bench = Bench::new(|_, pem| answer("200 OK", "", pem));
    if let Some(fetch) = &mut bench.options.fetch {
        fetch.ca_file = None;
    }
    assert_eq!(bench.ask("a.pem"), FAILED);
    if let Some(fetch) = &mut bench.options.fetch {
        fetch.allows_private = false;
    }
    assert_eq!(bench.ask("a.pem"), (StirVerdict::Unverified, StirReason::X5uRefused));
}

#[test]
fn what_was_not_to_be_had_is_not_asked_for_again_at_once() {
    let bench = Bench::new(|_, _| answer("500 Broken", "", ""));
    let mut verifier = bench.verifier();
    let url = bench.server.url("a.pem");
    for seq in 0..5 {
        assert_eq!(said(verifier.ask(&[bench.question(seq, &url)])[0]), FAILED);
    }
    assert_eq!(bench.server.asked(), 1);
}
