//! Garbage of each kind, given to the program itself: it is counted under its reason, and the call after it passes. And
//! what the program says of input that it cannot read.

#[path = "common/frames.rs"]
#[allow(dead_code, reason = "shared with tests that need more of it")]
mod frames;

use std::path::Path;

/// A call that comes after the garbage.
const LATE_CALL: u32 = 5_000;

/// Garbage of one kind: what the frames are, and under which names the report counts it.
#[derive(Clone)]
struct Garbage {
    name: &'static str,
    /// Time in milliseconds, frame, octets that the snap length cut.
    frames: Vec<(u32, Vec<u8>, u32)>,
    faults: &'static [(&'static str, &'static str, u64)],
}

impl Garbage {
    fn of(name: &'static str, frame: Vec<u8>, faults: &'static [(&'static str, &'static str, u64)]) -> Self {
        Self { name, frames: vec![(0, frame, 0)], faults }
    }
}

#[test]
fn garbage_is_counted_under_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("garbage.pcap");
    let kinds = [lying_lengths(), broken_sip(), broken_signalling_system_7(), broken_in_time()].concat();
    for Garbage { name, mut frames, faults } in kinds {
        // An honest call comes after it, and passes.
        frames.push((90_000, frames::udp(frames::sip("INVITE", LATE_CALL).as_bytes()), 0));
        std::fs::write(&path, frames::pcap(&frames)).unwrap();
        let report = report_on(&path);
        assert_eq!(counted(&report), expected(faults), "{name}");
        assert_eq!(report["frames"], frames.len() as u64, "{name}");
        let calls = &report["routes"][0];
        assert!(calls["allowed"].as_u64().unwrap() >= 1, "{name}: {calls}");
    }
}

fn lying_lengths() -> Vec<Garbage> {
    let honest = frames::udp(frames::sip("INVITE", 1).as_bytes());
    let with = |offset: usize, octets: &[u8]| altered(&honest, offset, octets);
    let signalling = frames::sctp(7, 1, (true, true), &frames::iam(1));
    let mut cut = Garbage::of(
        "snap length",
        honest[..honest.len() - 10].to_vec(),
        &[("ip", "truncated", 1), ("sip", "truncated", 1)],
    );
    cut.frames[0].2 = 10;
    vec![
        cut,
        Garbage::of("frame ends in the IP header", honest[..20].to_vec(), &[("ip", "truncated", 1)]),
        Garbage::of(
            "IP longer than its frame",
            with(frames::IP_LENGTH, &[0xff, 0xff]),
            &[("ip", "bad_length", 1)],
        ),
        Garbage::of("IP header of no length", with(14, &[0x40]), &[("ip", "bad_length", 1)]),
        Garbage::of("IP of no version", with(14, &[0xf5]), &[("ip", "bad_syntax", 1)]),
        Garbage::of(
            "UDP longer than IP",
            with(frames::UDP_LENGTH, &[0xff, 0xff]),
            &[("udp", "bad_length", 1)],
        ),
        Garbage::of("UDP of no length", with(frames::UDP_LENGTH, &[0, 0]), &[("udp", "bad_length", 1)]),
        Garbage::of(
            "SCTP chunk longer than its packet",
            altered(&signalling, frames::SCTP_CHUNK + 2, &[0xff, 0xff]),
            &[("sctp", "truncated", 1)],
        ),
        Garbage::of(
            "SCTP chunk of no length",
            altered(&signalling, frames::SCTP_CHUNK + 2, &[0, 0]),
            &[("sctp", "bad_length", 1)],
        ),
        Garbage::of(
            "M3UA longer than its chunk",
            altered(&signalling, frames::M3UA + 4, &[0xff; 4]),
            &[("m3ua", "truncated", 1)],
        ),
        Garbage::of(
            "M3UA shorter than its header",
            altered(&signalling, frames::M3UA + 4, &[0, 0, 0, 7]),
            &[("m3ua", "bad_length", 1)],
        ),
        Garbage::of(
            "M3UA parameter of no length",
            altered(&signalling, frames::M3UA + 10, &[0, 0]),
            &[("m3ua", "bad_length", 1)],
        ),
    ]
}

fn broken_sip() -> Vec<Garbage> {
    let invite = frames::sip("INVITE", 1);
    let sent = |name, text: String, faults| Garbage::of(name, frames::udp(text.as_bytes()), faults);
    vec![
        sent("not SIP", "\u{7}what is this".to_owned(), &[("sip", "not_recognised", 1)]),
        sent("SIP of the future", invite.replacen("SIP/2.0\r", "SIP/9.0\r", 1), &[("sip", "unsupported", 1)]),
        sent(
            "a line of 9,000 octets",
            invite.replace("CSeq", &format!("X-A: {}\r\nCSeq", "a".repeat(9_000))),
            &[("sip", "too_many", 1)],
        ),
        sent("letters in CSeq", invite.replace("CSeq: 1", "CSeq: one"), &[("sip", "bad_syntax", 1)]),
        sent(
            "letters in Content-Length",
            invite.replace("Length: 0", "Length: none"),
            &[("sip", "bad_syntax", 1)],
        ),
        sent("body longer than sent", invite.replace("Length: 0", "Length: 9"), &[("sip", "bad_length", 1)]),
        sent("no Call-ID", invite.replace("Call-ID", "X-ID"), &[("sip", "missing", 1)]),
        sent(
            "two callers",
            invite.replace("To:", "From: <sip:+48600000000@a>;tag=b\r\nTo:"),
            &[("sip", "conflict", 1)],
        ),
        sent("a release of no call", frames::sip("BYE", 1), &[("call", "unexpected", 1)]),
    ]
}

fn broken_signalling_system_7() -> Vec<Garbage> {
    let sent = |name, m3ua: &[u8], faults| Garbage::of(name, frames::sctp(7, 1, (true, true), m3ua), faults);
    vec![
        sent("M3UA of version 9", &altered(&frames::iam(1), 0, &[9]), &[("m3ua", "unsupported", 1)]),
        sent("M3UA without protocol data", &altered(&frames::iam(1), 8, &[0, 4]), &[("m3ua", "missing", 1)]),
        sent("ISUP without type", &frames::m3ua(5, &[1, 0]), &[("isup", "truncated", 1)]),
        sent("IAM that ends early", &frames::m3ua(5, &[1, 0, 1, 0, 0]), &[("isup", "truncated", 1)]),
        sent(
            "pointer behind the end",
            &frames::m3ua(5, &[1, 0, 1, 0, 0, 0, 10, 3, 99, 0]),
            &[("isup", "bad_length", 1)],
        ),
        sent("BICC, cut short", &frames::m3ua(13, &[1, 0, 0, 0, 1]), &[("isup", "truncated", 1)]),
    ]
}

fn broken_in_time() -> Vec<Garbage> {
    let invite = || frames::sip("INVITE", 1).into_bytes();
    let datagram = frames::datagram(&invite());
    let head = frames::fragment(17, (1, 0, true), &datagram[..64]);
    let other = frames::fragment(17, (1, 56, true), &[0; 64]);
    let half = frames::tcp(10_000, 1, &invite()[..100]);
    let whole = |at_ms| (at_ms, frames::udp(&invite()), 0);
    vec![
        Garbage {
            name: "a clock that runs backwards",
            frames: vec![whole(60_000), whole(0), whole(30_000)],
            faults: &[("file", "clock_backwards", 2)],
        },
        Garbage {
            name: "fragments that contradict each other",
            frames: vec![(0, head.clone(), 0), (1, other, 0)],
            faults: &[("ip", "overlap", 1)],
        },
        Garbage { name: "a lost fragment", frames: vec![(0, head, 0)], faults: &[("ip", "expired", 1)] },
        Garbage {
            name: "a lost segment",
            frames: vec![(0, half, 0), (1, frames::tcp(10_000, 150, &invite()), 0)],
            faults: &[("tcp", "gap", 1)],
        },
        Garbage {
            name: "a segment sent twice",
            frames: vec![
                (0, frames::tcp(10_000, 1, &invite()), 0),
                (1, frames::tcp(10_000, 1, &invite()), 0),
            ],
            faults: &[("tcp", "duplicate", 1)],
        },
        Garbage {
            name: "a chunk sent twice",
            frames: vec![(0, frames::sctp(7, 1, (true, true), &frames::iam(1)), 0); 2],
            faults: &[("sctp", "duplicate", 1)],
        },
    ]
}

fn altered(bytes: &[u8], offset: usize, octets: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[offset..offset + octets.len()].copy_from_slice(octets);
    bytes
}

/// A number with letters is no fault of the message but a fact about the call, on which a rule acts.
#[test]
fn a_number_with_letters_is_no_fault() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("letters.pcap");
    let frame = frames::udp(frames::sip_from("INVITE", 1, "+4860CALLME").as_bytes());
    std::fs::write(&path, frames::pcap(&[(0, frame, 0)])).unwrap();
    let report = report_on(&path);
    assert_eq!(counted(&report), []);
    assert_eq!(report["classes"][0]["class"], "spoofed");
    assert_eq!(report["classes"][0]["blocked"], 1);
}

/// What is there of a capture is read, and the report says where it ends.
#[test]
fn a_capture_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.pcap");
    let frame = frames::udp(frames::sip("INVITE", 1).as_bytes());
    let whole = frames::pcap(&[(0, frame.clone(), 0), (1, frame, 0)]);
    std::fs::write(&path, &whole[..whole.len() - 10]).unwrap();
    let report = report_on(&path);
    assert_eq!(counted(&report), expected(&[("file", "truncated", 1)]));
    assert_eq!((&report["frames"], &report["calls"]), (&1.into(), &1.into()));
    let problem = report["problems"][0].as_str().unwrap();
    assert!(problem.contains("cut.pcap: at octet") && problem.contains("ends within a record"), "{problem}");
}

/// What the program reports on a capture.
fn report_on(path: &Path) -> serde_json::Value {
    let output = tollgate(&["replay", "--format", "json", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Faults of a report, in order of name.
fn counted(report: &serde_json::Value) -> Vec<(String, String, u64)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let faults = report["faults"].as_array().unwrap().iter();
    let mut counts: Vec<_> = faults
        .map(|fault| (text(&fault["of"]), text(&fault["what"]), fault["count"].as_u64().unwrap()))
        .collect();
    counts.sort();
    counts
}

fn expected(faults: &[(&str, &str, u64)]) -> Vec<(String, String, u64)> {
    faults.iter().map(|(of, what, count)| ((*of).to_owned(), (*what).to_owned(), *count)).collect()
}

fn tollgate(arguments: &[&str]) -> std::process::Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_tollgate")).args(arguments).output().unwrap()
}

#[test]
fn exit_codes() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = file("good.pcap", &frames::pcap(&[(0, frames::udp(frames::sip("INVITE", 1).as_bytes()), 0)]));
    let text = file("text.pcap", b"this is no capture at all, whatever its name");
    let empty = file("empty.pcap", b"");
    let radio = file("radio.pcap", &altered(&frames::pcap(&[(0, vec![0; 60], 0)]), 20, &[127]));
    let network = file("network.toml", b"home = \"PL\"\nhouse = 1\n\n[[route]]\nname = 3\n");
    let rule = file(
        "rules/a.toml",
        b"schema = 1\n[[rule]]\nid = \"A-1\"\nname = \"A\"\nmode = \"live\"\nphase = \"fraud\"\non = \"setup\"\n\
          class = \"flash\"\nwhen = \"caller.setup_5m > 3\"\naction = \"allow\"\n",
    );
    let rules = rule.trim_end_matches("/a.toml");
    let missing = format!("{good}.not");
    let cases: [(&[&str], i32, &[&str]); 11] = [
        (&["replay", &good], 0, &[]),
        (&["replay", &missing], 66, &["good.pcap.not: no such file"]),
        (&["replay", &good, &missing], 66, &["good.pcap.not: no such file"]),
        (&["replay", &text], 65, &["text.pcap: not a capture"]),
        (&["replay", &empty], 65, &["empty.pcap: not a capture"]),
        (&["replay", &radio], 65, &["radio.pcap: frames of link type 127 are not read"]),
        (
            &["replay", "--network", &network, &good],
            3,
            &["network.toml:2:1:", "network.toml:5:8:", "\n  house", "^^^^^"],
        ),
        (&["replay", "--rules", rules, &good], 3, &["a.toml:9:9:", "caller.setup_5m > 3", "^^^^^^^^^^^^^^^"]),
        (&["check", "--rules", rules], 3, &["a.toml:9:9:", "^^^^^^^^^^^^^^^"]),
        (&["replay", "--network", &missing, &good], 66, &["good.pcap.not: no such file"]),
        (&["replay", "--colour", &good], 2, &["unexpected argument '--colour'", "Usage: tollgate replay"]),
    ];
    for (arguments, code, said) in cases {
        let output = tollgate(arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
        assert_eq!(output.stdout.is_empty(), code != 0, "{arguments:?}");
        said.iter().for_each(|text| assert!(errors.contains(text), "{arguments:?}: {text:?} in\n{errors}"));
    }
}
