//! `tollgate feed` against the interface it feeds.

use std::fs;
use std::process::{Command, Output};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded, never};
use tollgate::adapter::Gate;
use tollgate::adapter::http::{HttpOptions, Server};
use tollgate::base::network::Network;
use tollgate::call::Told;
use tollgate::clock::Deadline;
use tollgate::metrics::Live;

fn server(capacity: usize) -> (Server, Receiver<Vec<Told>>, Live) {
    let live = Live::new().unwrap();
    let (queries, _) = bounded(1);
    let (feed, fed) = bounded(capacity);
    let gate = Gate::new(queries, (Arc::new(Network::unknown()), Arc::default()), live.adapter("http"));
    let options = HttpOptions::new("127.0.0.1:0".parse().unwrap());
    (Server::start(options, gate, feed, live.registry()).unwrap(), fed, live)
}

/// Whether lines were not taken because the queue was full.
fn were_deferred(live: &Live) -> bool {
    let families = live.gather();
    let lines = families.iter().filter(|family| family.name() == "tollgate_feed_lines_total");
    lines
        .flat_map(|family| family.get_metric())
        .any(|metric| metric.get_label()[0].value() == "deferred" && metric.get_counter().get_value() > 0.0)
}

/// Exit code, standard output, standard error.
fn feed(to: &str, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    let Output { status, stdout, stderr } =
        command.args(["feed", "--to", to]).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

#[test]
fn tells_a_file_in_batches_and_names_what_is_wrong() {
    let (server, fed, live) = server(1);
    let to = format!("http://{}", server.address());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cdr.csv");
    let mut text = "call_id,setup_at,end_at\n".to_owned();
    for call in 0..25 {
        text.push_str(&match call {
            7 => "seven,100,90\n".to_owned(),
            12 => "\n".to_owned(),
            _ => format!("{call}@x,100,110\n"),
        });
    }
    fs::write(&path, text).unwrap();
    let file = path.display().to_string();
    // The queue holds one batch: the others are sent again until it has room.
    let taker = thread::spawn(move || {
        let mut calls = Vec::new();
        let end = Deadline::after(Duration::from_secs(60));
        while !were_deferred(&live) && !end.left().is_zero() {
            let _ = never::<()>().recv_timeout(Duration::from_millis(10));
        }
        assert!(were_deferred(&live));
        while calls.len() < 23 {
            calls.extend(fed.recv_timeout(Duration::from_secs(60)).unwrap());
        }
        (calls, fed)
    });
    let (code, said, wrong) = feed(&to, &[&file, "--batch", "5"]);
    assert_eq!(
        (code, said.as_str()),
        (65, format!("{file}: 23 records told, 1 refused\n").as_str()),
        "{wrong}"
    );
    assert!(wrong.contains(&format!("{file}:9: the times are not in order")), "{wrong}");
    let (calls, fed) = taker.join().unwrap();
    let names: Vec<_> = calls.iter().map(|told| told.call_id.clone().unwrap()).collect();
    assert_eq!((names.len(), &*names[22]), (23, &b"24@x"[..]));

    let (code, said, wrong) = feed(&to, &[&file, "--from-line", "25"]);
    assert_eq!(
        (code, said.as_str()),
        (0, format!("{file}: 2 records told, 0 refused\n").as_str()),
        "{wrong}"
    );
    assert_eq!(fed.recv().unwrap().len(), 2);
}

#[test]
fn gives_up_and_says_where_to_go_on() {
    let (server, _fed, _) = server(1);
    let to = format!("http://{}", server.address());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("calls.jsonl");
    let line = |id: u32| format!("{{\"call_id\":\"{id}\",\"setup_at\":100,\"end_at\":110}}\n");
    fs::write(&path, format!("{}\n{}{}", line(1), line(2), line(3))).unwrap();
    let file = path.display().to_string();
    // The first batch fills the queue; nobody takes it.
    let (code, _, wrong) = feed(&to, &[&file, "--batch", "2", "--give-up-after", "0"]);
    assert_eq!(code, 74, "{wrong}");
    assert!(wrong.contains("go on with --from-line 4"), "{wrong}");
    let path = folder.path().join("odd.csv");
    fs::write(&path, "call_id,start\na,1\n").unwrap();
    let (code, _, wrong) = feed(&to, &[&path.display().to_string()]);
    assert!(code == 65 && wrong.contains("there is no column `start`"), "{code} {wrong}");
    drop(server);
    let (code, _, wrong) = feed(&to, &[&file, "--give-up-after", "0"]);
    assert_eq!(code, 74, "{wrong}");
    let (code, _, _) = feed(&to, &["/nowhere/at/all.csv"]);
    assert_eq!(code, 66);
}
