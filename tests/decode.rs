//! `tollgate decode` from the outside: every message has its line, whatever is in it, and what `docs/decode.md` shows is
//! what is printed (`UPDATE_EXPECT=1 cargo test --test decode` renews it).

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tollgate::inspect::fields;
use tollgate::simulate::render::packet;

const FORKS: &str = "captures/sip-proxy-forks/input.pcap.zst";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

fn tollgate(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.current_dir(root()).args(arguments).env_remove("NO_COLOR");
    command
}

/// Exit code, standard output, standard error.
fn outcome(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = tollgate(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn decoded(arguments: &[&str]) -> String {
    let (code, printed, said) = outcome(&[&["decode"], arguments].concat());
    assert_eq!(code, 0, "{arguments:?}: {said}");
    printed
}

fn objects(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Folder and capture of every case.
fn captures() -> Vec<(PathBuf, String)> {
    let folders = fs::read_dir(root().join("captures")).unwrap().map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for folder in folders {
        for name in ["input.pcap", "input.pcap.zst"] {
            if folder.join(name).is_file() {
                found.push((folder.clone(), folder.join(name).display().to_string()));
            }
        }
    }
    found.sort();
    assert!(found.len() >= 10, "only {} captures", found.len());
    found
}

#[test]
fn every_message_that_a_replay_counts_has_a_line_and_a_replays_call() {
    for (folder, capture) in captures() {
        let network = folder.join("network.toml").display().to_string();
        let out = tempfile::tempdir().unwrap();
        let directory = out.path().display().to_string();
        let replay = ["replay", "--network", &network, "--out", &directory, "--format", "json", &capture];
        let (_, report, _) = outcome(&replay);
        let report: Value = serde_json::from_str(&report).unwrap();
        let counted: u64 =
            report["messages"].as_array().unwrap().iter().map(|row| row["count"].as_u64().unwrap()).sum();
        let lines = decoded(&["--network", &network, &capture]);
        assert_eq!(lines.lines().count() as u64, counted, "{capture}");
        let messages = objects(&decoded(&["--json", "--network", &network, &capture]));
        assert_eq!(messages.len() as u64, counted, "{capture}");
        let of_messages: BTreeSet<&str> =
            messages.iter().filter_map(|message| message["call"].as_str()).collect();
        let records = objects(&fs::read_to_string(out.path().join("calls.jsonl")).unwrap());
        let of_records: BTreeSet<&str> =
            records.iter().map(|record| record["id"].as_str().unwrap()).collect();
        assert!(of_records.is_subset(&of_messages), "{capture}");
        // Until a leg is joined its messages are of a call of their own.
        let legs: BTreeSet<&str> = records
            .iter()
            .flat_map(|record| record["legs"].as_array().into_iter().flatten())
            .filter_map(|leg| leg["call_key"].as_str())
            .collect();
        for message in messages.iter().filter(|message| !message["call"].is_null()) {
            let is_recorded = of_records.contains(message["call"].as_str().unwrap());
            let is_of_leg = || names(message).iter().any(|name| legs.contains(name.as_str()));
            assert!(is_recorded || is_of_leg(), "{capture}: {message}");
        }
    }
}

/// What records call the leg of a message: its Call-ID, or its circuit from either end.
fn names(message: &Value) -> Vec<String> {
    let circuit = |from: &str, to: &str| format!("{}-{}-{}", message[from], message[to], message["cic"]);
    match message["call_id"].as_str() {
        Some(call_id) => vec![call_id.to_owned()],
        None => vec![circuit("opc", "dpc"), circuit("dpc", "opc")],
    }
}

#[test]
fn the_document_shows_what_is_printed() {
    let isup = "captures/isup-fragmented/input.pcap";
    let first_lines = |text: String, count: usize| {
        text.lines().take(count).fold(String::new(), |text, line| text + line + "\n")
    };
    let lines = first_lines(decoded(&[FORKS]), 6) + &first_lines(decoded(&[isup]), 4);
    holds("lines", &lines);
    let call = decoded(&["--json", FORKS]);
    let call = objects(&call)[0]["call"].as_str().unwrap().to_owned();
    holds("ladder", &decoded(&["--width", "100", "--ladder", &call[18..], FORKS]));
    holds("isup-ladder", &decoded(&["--width", "80", "--ascii", "--ladder", "8321-5017-1", isup]));
    holds("object", decoded(&["--json", isup]).lines().next().unwrap());
    let path = root().join("docs/decode.md");
    let document = fs::read_to_string(&path).unwrap();
    assert!(document.contains(&fields::markdown()), "the table of fields is\n{}", fields::markdown());
    let names: Vec<&str> = fields::FIELDS.iter().map(|field| field.name).collect();
    let (_, help, _) = outcome(&["decode", "--help"]);
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains(&format!("Its fields: {}.", names.join(" "))), "{help}");
}

/// Compares a part of the document, or renews it.
fn holds(mark: &str, text: &str) {
    let path = root().join("docs/decode.md");
    let document = fs::read_to_string(&path).unwrap();
    let (start, end) = (format!("<!-- {mark}: tests/decode.rs -->\n"), format!("<!-- end of {mark} -->"));
    let (before, rest) = document.split_once(&start).unwrap_or_else(|| panic!("no mark {mark}"));
    let (shown, after) = rest.split_once(&end).unwrap();
    let block = format!("```\n{}\n```\n", text.trim_end());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, format!("{before}{start}{block}{end}{after}")).unwrap();
    } else {
        assert!(shown == block, "{mark}: renew with UPDATE_EXPECT=1 cargo test --test decode; now:\n{text}");
    }
}

#[test]
fn every_key_is_in_the_document() {
    let document = fs::read_to_string(root().join("docs/decode.md")).unwrap();
    let capture = "captures/interconnect/input.pcap.zst";
    let mut keys = BTreeSet::new();
    for object in objects(&decoded(&["--json", "--all", capture])) {
        keys.extend(object.as_object().unwrap().keys().cloned());
    }
    assert!(keys.len() > 20, "{keys:?}");
    let missing: Vec<_> = keys.iter().filter(|key| !document.contains(&format!("| `{key}` |"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn messages_are_found_by_filter_number_host_and_call() {
    let all = objects(&decoded(&["--json", FORKS]));
    let found = |arguments: &[&str]| objects(&decoded(&[&["--json", FORKS], arguments].concat()));
    let expected = |wanted: &dyn Fn(&Value) -> bool| -> Vec<Value> {
        let wanted: Vec<Value> = all.iter().filter(|message| wanted(message)).cloned().collect();
        assert!(!wanted.is_empty() && wanted.len() < all.len());
        wanted
    };
    let cancels = expected(&|message| message["method"] == "CANCEL");
    assert_eq!(found(&["--filter", "method == CANCEL"]), cancels);
    let failures = expected(&|message| message["status"].as_u64().is_some_and(|status| status >= 400));
    assert_eq!(found(&["--filter", "status >= 400"]), failures);
    let at = expected(&|message| {
        [&message["src"], &message["dst"]]
            .iter()
            .any(|place| place.as_str().unwrap().starts_with("127.0.1.3:"))
    });
    assert_eq!(found(&["--host", "127.0.1.3"]), at);
    assert_eq!(found(&["--host", "127.0.1.3/32"]), at);
    let first = &all[0];
    let call = expected(&|message| message["call"] == first["call"]);
    let name = first["call"].as_str().unwrap();
    assert_eq!(found(&["--call", name]), call);
    assert_eq!(found(&["--call", &name[18..].to_lowercase()]), call);
    assert_eq!(found(&["--call", first["call_id"].as_str().unwrap()]), call);
    let called = first["called"].as_str().unwrap();
    let by_number = expected(&|message| message["called"] == called || message["calling"] == called);
    assert_eq!(found(&["--number", called]), by_number);
    assert_eq!(
        found(&["--filter", &format!("called == \"{called}\" or calling == \"{called}\"")]),
        by_number
    );
    let isup = "captures/isup-fragmented/input.pcap";
    let circuit = objects(&decoded(&["--json", isup, "--call", "5017-8321-3"]));
    assert!(circuit.len() > 4 && circuit.iter().all(|message| message["cic"] == 3));
}

#[test]
fn a_wrong_filter_is_shown_with_its_place() {
    let (code, printed, said) = outcome(&["decode", "--filter", "methd == INVITE", FORKS]);
    assert_eq!((code, printed.as_str()), (2, ""));
    assert!(said.contains("  methd == INVITE\n  ^^^^^ did you mean `method`"), "{said}");
    assert_eq!(outcome(&["decode", "--ladder", "NOSUCHCALL", FORKS]).0, 1);
    assert_eq!(outcome(&["decode", "no/such/file.pcap"]).0, 66);
    assert_eq!(outcome(&["decode", "--write", "x.pcapng", "-"]).0, 2);
    assert_eq!(outcome(&["decode", "-", "-"]).0, 2);
    assert_eq!(outcome(&["decode", "--host", "example", FORKS]).0, 2);
    assert_eq!(outcome(&["decode", "Cargo.toml"]).0, 65);
}

#[test]
fn the_frames_of_a_call_are_a_capture_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("call.pcapng").display().to_string();
    for capture in [
        FORKS,
        "captures/isup-fragmented/input.pcap",
        "captures/sip-tcp/input.pcap.zst",
        "captures/sip-ipv6/input.pcap.zst",
    ] {
        let calls: BTreeSet<String> = objects(&decoded(&["--json", capture]))
            .iter()
            .filter_map(|message| message["call"].as_str().map(str::to_owned))
            .collect();
        // One by its name; of a condition on one message the whole call.
        for call in calls.iter().take(3) {
            let wanted = decoded(&["--call", call, capture]);
            let condition = format!("call == \"{call}\" and kind in {{\"INVITE\", \"IAM\"}}");
            for asked in [["--call", call], ["--filter", &condition]] {
                let _ = decoded(&[&asked[..], &["--write", &file, capture]].concat());
                assert_eq!(decoded(&["--call", call, &file]), wanted, "{capture} {call}");
                assert!(!decoded(&[&file]).is_empty());
            }
        }
        check_by_tshark(&file);
    }
    // All of them, without what is no signalling.
    let _ = decoded(&["--write", &file, FORKS]);
    assert_eq!(decoded(&[&file]), decoded(&[FORKS]));
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["call.pcapng"]);
}

/// Another decoder reads a file, too.
#[test]
fn a_capture_is_never_written_over_and_a_place_is_tried_first() {
    let dir = tempfile::tempdir().unwrap();
    let capture = dir.path().join("in.pcap");
    fs::copy(root().join("captures/isup-wangiri/input.pcap"), &capture).unwrap();
    let before = fs::read(&capture).unwrap();
    let other_name = dir.path().join("same.pcap");
    std::os::unix::fs::symlink(&capture, &other_name).unwrap();
    let nowhere = dir.path().join("no/such/place.pcap");
    for (path, code) in [(&capture, 2), (&other_name, 2), (&nowhere, 73), (&dir.path().to_owned(), 73)] {
        let arguments = ["decode", capture.to_str().unwrap(), "--write", path.to_str().unwrap()];
        let (found, printed, said) = outcome(&arguments);
        assert_eq!((found, printed.as_str()), (code, ""), "{said}");
    }
    assert_eq!(fs::read(&capture).unwrap(), before);
    for name in ["--call", "--ladder"] {
        let (code, _, said) = outcome(&["decode", capture.to_str().unwrap(), name, " "]);
        assert!(code == 2 && said.contains("name of a call"), "{said}");
    }
}

#[test]
fn frames_are_written_even_if_nobody_reads_what_is_printed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("out.pcapng");
    let input = root().join("captures/isup-wangiri/input.pcap");
    let arguments = ["decode", input.to_str().unwrap(), "--number", "48", "--write", file.to_str().unwrap()];
    let whole = decoded(&arguments[1..4]);
    // Both ends of standard output and standard error are closed before anything is printed.
    let mut child = tollgate(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(decoded(&[file.to_str().unwrap(), "--number", "48"]).lines().count(), whole.lines().count());
}

fn check_by_tshark(file: &str) {
    let ran = Command::new("tshark")
        .args(["-r", file, "-Y", "sip || isup", "-T", "fields", "-e", "frame.number"])
        .output();
    match ran {
        Ok(run) => {
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
            assert!(run.stdout.iter().filter(|byte| **byte == b'\n').count() > 2, "{file}");
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "SKIPPED: tshark: {error}");
        }
    }
}

/// A capture of SIP messages in UDP between two hosts.
fn capture_of(messages: &[&[u8]]) -> Vec<u8> {
    let all: Vec<_> = messages.iter().map(|message| ((1, 2), *message)).collect();
    capture_between(&all)
}

/// The same between hosts of these numbers.
fn capture_between(messages: &[((u8, u8), &[u8])]) -> Vec<u8> {
    let mut file = packet::file_header().to_vec();
    let host = |number: u8| (Ipv4Addr::new(192, 0, 2, number), 5060);
    for (index, ((src, dst), message)) in messages.iter().enumerate() {
        let frame = packet::udp((host(*src), host(*dst)), index as u16, message);
        file.extend(packet::record_header(1_700_000_000_000_000 + index as u64, frame.len()));
        file.extend(frame);
    }
    file
}

#[test]
fn what_a_terminal_would_obey_does_not_reach_it() {
    let hostile = "\x1b]0-owned\x07\x1b[2J\u{202e}\u{9b}31m\u{200b}\r";
    let long = "9".repeat(5_000);
    let message = |from: &str, call_id: &str| {
        format!(
            "INVITE sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:{from}@a>;tag=1\r\n\
             To: <sip:b@b>\r\nCall-ID: {call_id}\r\nCSeq: 1 INVITE\r\nUser-Agent: {from}\r\nPrivacy: {from}\r\n\
             Reason: {from}\r\nP-Asserted-Identity: <sip:{from}@a>\r\n\r\n"
        )
    };
    let messages = [
        message(hostile, "one"),
        message("1", &format!("x{hostile}y")),
        message(&long, &long),
        format!("SIP/2.0 200 {hostile}{hostile}\r\n\r\n"),
        format!(
            "SIP/2.0 486 {hostile}\r\nVia: a\r\nFrom: a\r\nTo: b\r\nCall-ID: one\r\nCSeq: 1 INVITE{hostile}\r\n\r\n"
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.pcap");
    let bytes: Vec<&[u8]> = messages.iter().map(String::as_bytes).collect();
    fs::write(&path, capture_of(&bytes)).unwrap();
    let path = path.display().to_string();
    let ways: [&[&str]; 5] = [&[], &["--verbose"], &["--json"], &["--all"], &["--ladder", "one"]];
    for way in ways {
        let printed = decoded(&[way, &[&path]].concat());
        assert!(printed.lines().count() >= 2, "{way:?}: {printed}");
        let bad: Vec<char> = printed
            .chars()
            .filter(|mark| {
                mark.is_control() && *mark != '\n' || ('\u{200b}'..='\u{2069}').contains(mark) && *mark != '…'
            })
            .collect();
        assert!(bad.is_empty(), "{way:?}: {bad:?}");
        if !way.contains(&"--json") && !way.contains(&"--verbose") {
            let longest = printed.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(longest < 700, "{way:?}: {longest}");
        }
    }
    assert_eq!(decoded(&[&path]).lines().count(), messages.len());
    assert_eq!(objects(&decoded(&["--json", &path]))[0]["from"], hostile);
}

#[test]
fn legs_of_one_call_are_one_ladder() {
    let message = |start: &str, call_id: &str, method: &str| {
        format!(
            "{start}\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK{call_id}\r\nFrom: <sip:+441132960111@a>;tag=1\r\n\
             To: <sip:+48601000001@b>{}\r\nCall-ID: {call_id}\r\nCSeq: 1 {method}\r\n\
             P-Charging-Vector: icid-value=one-call\r\n\r\n",
            if start.starts_with("INVITE") { "" } else { ";tag=2" },
        )
    };
    let invite = |call_id| message("INVITE sip:+48601000001@b SIP/2.0", call_id, "INVITE");
    let bye = |call_id| message("BYE sip:+48601000001@b SIP/2.0", call_id, "BYE");
    let ok = |call_id, method| message("SIP/2.0 200 OK", call_id, method);
    let messages = [
        ((1, 2), invite("in")),
        ((2, 3), invite("out")),
        ((3, 2), ok("out", "INVITE")),
        ((2, 1), ok("in", "INVITE")),
        ((1, 2), bye("in")),
        ((2, 3), bye("out")),
        ((3, 2), ok("out", "BYE")),
        ((2, 1), ok("in", "BYE")),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("legs.pcap");
    let bytes: Vec<_> = messages.iter().map(|(between, text)| (*between, text.as_bytes())).collect();
    fs::write(&path, capture_between(&bytes)).unwrap();
    let path = path.display().to_string();
    let calls: BTreeSet<String> =
        objects(&decoded(&["--json", &path])).iter().map(|message| message["call"].to_string()).collect();
    assert_eq!(calls.len(), 1, "{calls:?}");
    let drawn = decoded(&["--ladder", "in", &path]);
    assert!(drawn.contains("192.0.2.3") && drawn.lines().count() == messages.len() + 3, "{drawn}");
    assert_eq!(drawn, decoded(&["--ladder", "out", &path]));
}

#[test]
fn what_cannot_be_read_says_where() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.pcap");
    let no_call_id = b"OPTIONS sip:a SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n";
    fs::write(&path, capture_of(&[no_call_id, b"\r\n\r\n", b"what is this"])).unwrap();
    let path = path.display().to_string();
    let printed = decoded(&["--all", &path]);
    let lines: Vec<&str> = printed.lines().collect();
    assert!(lines[0].contains("! sip missing at octet "), "{printed}");
    assert!(lines[1].contains("keep_alive  frame 2  UDP"), "{printed}");
    assert!(lines[2].contains("! sip not_recognised  frame 3  UDP"), "{printed}");
    let objects = objects(&decoded(&["--all", "--json", &path]));
    assert_eq!(objects[0]["faults"][0]["kind"], "missing");
    assert_eq!((&objects[1]["kind"], &objects[1]["why"]), (&"skipped".into(), &"keep_alive".into()));
    assert_eq!((&objects[2]["kind"], &objects[2]["layer"]), (&"fault".into(), &"sip".into()));
    let (_, _, said) = outcome(&["decode", &path]);
    assert!(said.starts_with("1 messages of 0 calls in 3 frames\n"), "{said}");
    assert!(said.contains("keep_alive 1") && said.contains("sip missing 1"), "{said}");
}

#[test]
fn a_pipe_is_read_as_it_comes_and_a_closed_one_ends_quietly() {
    let bytes = zstd::decode_all(&fs::read(root().join(FORKS)).unwrap()[..]).unwrap();
    let mut run = tollgate(&["decode", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first line comes while the input goes on.
    let mut input = run.stdin.take().unwrap();
    input.write_all(&bytes[..bytes.len() / 2]).unwrap();
    let mut line = String::new();
    let mut output = std::io::BufReader::new(run.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut output, &mut line).unwrap();
    assert!(line.contains("INVITE"), "{line}");
    drop(output);
    let _ = input.write_all(&bytes[bytes.len() / 2..]);
    drop(input);
    let output = run.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}

#[test]
fn colour_is_for_terminals_and_whoever_asks() {
    let plain = decoded(&[FORKS]);
    assert!(!plain.contains('\x1b'));
    let painted = decoded(&["--color", "always", FORKS]);
    let mut bare = String::new();
    for part in painted.split('\x1b') {
        bare += part.strip_prefix('[').map_or(part, |part| part.split_once('m').unwrap().1);
    }
    assert_eq!(bare, plain);
}

/// A terminal of 80 by 24 that `script` makes.
#[cfg(target_os = "linux")]
#[test]
fn a_screen_is_drawn_on_a_terminal_and_the_terminal_given_back() {
    let program = env!("CARGO_BIN_EXE_tollgate");
    let command = format!("stty cols 80 rows 24; {program} top --speed max {FORKS}; stty -a");
    let run = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(root())
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut run) = run else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no script");
        return;
    };
    let (mut input, mut output) = (run.stdin.take().unwrap(), run.stdout.take().unwrap());
    let mut shown = Vec::new();
    let mut read_until = |mark: &str| {
        let mut some = [0; 4096];
        while !String::from_utf8_lossy(&shown).contains(mark) {
            let count = std::io::Read::read(&mut output, &mut some).unwrap();
            assert!(count > 0, "{mark}: {}", String::from_utf8_lossy(&shown));
            shown.extend_from_slice(&some[..count]);
        }
    };
    read_until("ended");
    input.write_all(b"q").unwrap();
    // The alternate screen is left (xterm: private mode 1049), and lines are edited again.
    read_until("\x1b[?1049l");
    read_until(" icanon");
    drop(input);
    assert!(run.wait().unwrap().success());
    assert_eq!(outcome(&["top", FORKS]).0, 2, "no terminal");
    assert_eq!(outcome(&["top"]).0, 2, "no input");
}

#[test]
fn captures_of_others_are_decoded() {
    let Some(data) = common::test_data() else { return };
    let mut files = Vec::new();
    for folder in fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir())
    {
        let inside = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        files.extend(inside.filter(|path| {
            let name = path.display().to_string();
            [".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz"].iter().any(|end| name.ends_with(end))
        }));
    }
    assert!(files.len() > 50, "only {} captures", files.len());
    let mut messages = 0;
    for file in &files {
        let name = file.display().to_string();
        let (code, printed, said) = outcome(&["decode", "--all", "--json", &name]);
        // Files of link types that are not read are refused.
        assert!(matches!(code, 0 | 65), "{name}: {code}: {said}");
        let lines = objects(&printed);
        let of_messages = lines.iter().filter(|line| line["protocol"].is_string()).count();
        if code == 0 {
            let counted = said.split_once(" messages of").unwrap().0.replace(',', "");
            assert_eq!(counted, of_messages.to_string(), "{name}");
        }
        messages += of_messages;
    }
    assert!(messages > 5_000, "only {messages} messages");
}
