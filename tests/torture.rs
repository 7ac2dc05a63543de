//! SIP torture messages: RFC 4475 (protocol) and RFC 5118 (IPv6). The valid ones parse without a fault; those that a
//! receiver must be able to tell are refused or carry a fault; none is lost silently.

mod common;
#[path = "common/torture.rs"]
mod printed;

use std::collections::BTreeMap;
use std::path::Path;

use tollgate::base::fault::Kind;
use tollgate::base::map::Seed;
use tollgate::wire::sip::forward::{Branch, Forward, Stopped, backward, forward};
use tollgate::wire::sip::lint::lint;
use tollgate::wire::sip::start::Start;
use tollgate::wire::sip::{Message, find_call_id};

use crate::printed::PRINTED;

/// What is found wrong with each message that is not plainly valid.
const FOUND: [(&str, &[Kind]); 37] = [
    ("badaspec", &[]),
    ("badbranch", &[]),
    ("baddate", &[]),
    ("baddn", &[]),
    ("badinv01", &[]),
    ("badvers", &[Kind::Unsupported]),
    ("bcast", &[]),
    ("bext01", &[]),
    ("bigcode", &[Kind::BadSyntax]),
    ("clerr", &[Kind::BadLength]),
    ("cparam01", &[]),
    ("cparam02", &[]),
    ("escruri", &[]),
    ("insuf", &[Kind::Missing]),
    ("inv2543", &[]),
    ("invut", &[]),
    ("ipv6-bad", &[]),
    ("ltgtruri", &[Kind::BadSyntax]),
    ("lwsruri", &[Kind::BadSyntax]),
    ("lwsstart", &[Kind::BadSyntax]),
    ("mcl01", &[Kind::Conflict]),
    ("mismatch01", &[Kind::Conflict]),
    ("mismatch02", &[Kind::Conflict]),
    ("multi01", &[Kind::Conflict; 4]),
    ("ncl", &[Kind::BadSyntax]),
    ("novelsc", &[]),
    ("quotbal", &[Kind::BadSyntax]),
    ("regaut01", &[]),
    ("regbadct", &[]),
    ("regescrt", &[]),
    ("scalar02", &[Kind::BadSyntax; 2]),
    ("scalarlg", &[Kind::BadSyntax]),
    ("sdp01", &[]),
    ("trws", &[Kind::BadSyntax]),
    ("unkscm", &[]),
    ("unksm2", &[]),
    ("zeromf", &[]),
];

/// Messages with which nothing is wrong that can be seen on the way, and who it matters to.
const FOR_OTHERS: [(&str, &str); 8] = [
    ("bext01", "what extensions are required is for proxies and the called telephone to know"),
    ("cparam01", "a parameter of Contact is for the registrar to know"),
    ("cparam02", "a parameter of a Contact's URI is for the registrar to know"),
    ("invut", "the type of the body is for the called telephone to know"),
    ("regaut01", "the scheme of authorisation is for the registrar to know"),
    ("regescrt", "headers in a Contact's URI are for the registrar to know"),
    ("sdp01", "what the caller accepts is for the called telephone to know"),
    ("zeromf", "the proxy does not send it on, and answers 483"),
];

/// Messages that are valid and yet read in two ways.
const AMBIGUOUS: [(&str, &str); 1] = [("intmeth", "a NUL in a quoted name, which ends the text to some")];

const HEADING: &str = "\n## Torture messages\n";
const INTRODUCTION: &str = "
Messages of RFC 4475 and RFC 5118 that try a receiver. `tests/torture.rs` writes this part. A fault is counted and shown by its
kind; what no call depends on is said in words by `wire::sip::lint`; *ambiguous* is a fact for rules.

| Message | Section | Title | The RFC | We |
|---|---|---|---|---|
";

#[test]
fn torture_messages_are_read_as_their_rfc_says() {
    let data = common::test_data();
    let mut expected: BTreeMap<&str, &[Kind]> = BTreeMap::from(FOUND);
    let mut text = format!("{HEADING}{INTRODUCTION}");
    for Torture { name, section, title, verdict, bytes } in torture(data.as_deref()) {
        let mut said = Vec::new();
        let found: Vec<Kind> = match Message::parse(&bytes) {
            Ok(message) => {
                assert_eq!(find_call_id(&bytes), Some(message.call_id), "{name}");
                said.push("read".to_owned());
                let reason = AMBIGUOUS.iter().find(|(known, _)| *known == name);
                if verdict == "valid" {
                    assert_eq!(message.is_ambiguous, reason.is_some(), "{name}");
                }
                if message.is_ambiguous {
                    said.push(
                        reason.map_or("ambiguous".into(), |(_, reason)| format!("ambiguous: {reason}")),
                    );
                }
                message.faults.iter().map(|fault| fault.kind).collect()
            }
            Err(fault) => {
                said.push("refused".to_owned());
                vec![fault.kind]
            }
        };
        said.extend(found.iter().map(|kind| format!("`{}`", Kind::NAMES[*kind as usize])));
        let notes = lint(&bytes);
        said.extend(notes.iter().map(|note| note.what.to_owned()));
        if verdict == "valid" {
            // Transactions of RFC 2543 are legal.
            let is_legal = notes.iter().all(|note| note.what.ends_with("as RFC 2543 has it"));
            assert!(found.is_empty() && is_legal, "{name}: {found:?} {notes:?}");
        } else {
            assert_eq!(Some(found.as_slice()), expected.remove(&*name), "{name} ({verdict})");
            let reason = FOR_OTHERS.iter().find(|(known, _)| *known == name).map(|(_, reason)| *reason);
            assert_eq!(said.len() == 1, reason.is_some(), "{name} ({verdict}): {said:?}");
            said.extend(reason.map(str::to_owned));
        }
        text += &format!("| {name} | {section} | {title} | {verdict} | {} |\n", said.join("; "));
    }
    if data.is_some() {
        assert_eq!(expected, BTreeMap::new(), "named above, but no message");
        let of = |rfc: &str| text.lines().filter(|row| row.contains(&format!("| {rfc} §"))).count();
        assert_eq!((of("RFC 4475"), of("RFC 5118")), (49, 12), "all that the RFCs print");
        hold_against_document(&text);
    }
}

/// This part of the document is the last one.
fn hold_against_document(text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (before, written) = document.split_at(document.find(HEADING).unwrap_or(document.len()));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, format!("{before}{text}")).unwrap();
    } else {
        assert!(
            written == text,
            "docs/conformance.md is out of date: run with UPDATE_EXPECT=1 and read the diff"
        );
    }
}

/// Messages that another project tests its parser with, and what is wrong with those that are not as they should be.
const TEXTS: [(&str, &[Kind], &str); 14] = [
    ("bad_uri.sip", &[Kind::Missing], "no Via"),
    ("bad_via2.sip", &[Kind::Unsupported], "SIP/2.0/UDP for a version"),
    ("invite1.sip", &[Kind::Missing], "no To"),
    ("invite3-callid.sip", &[Kind::Missing], "no Call-ID"),
    ("invite4-cseq.sip", &[Kind::BadSyntax], "a CSeq without a method"),
    ("message02.sip", &[Kind::Missing], "no Call-ID"),
    ("ms-invite-00-rpl.sip", &[Kind::Truncated], "the head does not end"),
    ("req-test1.sip", &[Kind::BadSyntax], "two spaces before the version"),
    ("req-tm1.sip", &[Kind::BadSyntax], "two spaces before the version"),
    ("req1.sip", &[Kind::Missing], "no Call-ID"),
    ("req2.sip", &[Kind::Missing], "no Call-ID"),
    ("sg.sip", &[Kind::BadSyntax], "two CR at an end of line"),
    ("short_nonce.sip", &[Kind::Truncated], "the head does not end"),
    ("short_reply.sip", &[Kind::Missing], "no Call-ID"),
];

#[test]
fn messages_of_a_proxy_s_tests_are_read() {
    let Some(data) = common::test_data() else { return };
    let mut flawed: BTreeMap<String, Vec<Kind>> = BTreeMap::new();
    let mut count = 0;
    for entry in std::fs::read_dir(data.join("sip_text/kamailio")).unwrap() {
        let path = entry.unwrap().path();
        // Kept as text: the lines end as an editor left them.
        let bytes = std::fs::read_to_string(&path).unwrap().replace("\r\n", "\n").replace('\n', "\r\n");
        let bytes = bytes.into_bytes();
        let faults = match Message::parse(&bytes) {
            Ok(message) => message.faults.iter().map(|fault| fault.kind).collect(),
            Err(fault) => vec![fault.kind],
        };
        if !faults.is_empty() {
            flawed.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), faults);
        }
        count += 1;
    }
    let expected = TEXTS.iter().map(|(name, kinds, _)| ((*name).to_owned(), kinds.to_vec())).collect();
    assert_eq!(flawed, expected);
    assert_eq!(count, 30);
}

/// Every request that can be read goes on as it was, but for what a proxy changes; a response without a second Via goes nowhere.
#[test]
fn torture_messages_go_through_a_proxy() {
    let data = common::test_data();
    let mut counts = [0; 2];
    for Torture { name, verdict, bytes, .. } in torture(data.as_deref()) {
        let Ok(message) = Message::parse(&bytes) else { continue };
        if let Start::Response { .. } = message.start {
            let mut back = Vec::new();
            let next = backward(&bytes, &mut back);
            assert!(next.is_some() || back.is_empty(), "{name}");
            counts[0] += 1;
            continue;
        }
        let own = ["192.0.2.1:5060".parse().unwrap()];
        let branch = Branch::of(Seed(1), &message, own[0]);
        let source = "203.0.113.9:5060".parse().unwrap();
        let how = Forward { source, sent_by: own[0], branch, own: &own, record_route: &[], extra: None };
        let mut sent = Vec::new();
        if name == "zeromf" {
            assert_eq!(forward(&bytes, &how, &mut sent), Err(Stopped::TooManyHops));
            continue;
        }
        assert_eq!(forward(&bytes, &how, &mut sent), Ok(()), "{name} ({verdict})");
        assert_eq!(kept(&sent), kept(&bytes), "{name}");
        counts[1] += 1;
    }
    assert_eq!(counts, if data.is_some() { [4, 53] } else { [1, 18] });
}

/// The lines that a proxy does not touch, and what follows them.
fn kept(message: &[u8]) -> Vec<&[u8]> {
    let start = message.iter().position(|octet| !matches!(octet, b'\r' | b'\n')).unwrap_or_default();
    let mut lines = Vec::new();
    let mut is_touched = false;
    for line in message[start..].split_inclusive(|octet| *octet == b'\n') {
        // A fold belongs to the line before it.
        if !matches!(line.first(), Some(b' ' | b'\t')) {
            let name = line.split(|octet| *octet == b':').next().unwrap().trim_ascii().to_ascii_lowercase();
            is_touched = [&b"via"[..], b"v", b"max-forwards"].contains(&name.as_slice());
        }
        if !is_touched {
            lines.push(line);
        }
    }
    lines
}

/// A torture message.
struct Torture {
    name: String,
    section: String,
    title: String,
    verdict: String,
    bytes: Vec<u8>,
}

/// All of them, by RFC and section: those that are printed here, and those of the test data.
fn torture(data: Option<&Path>) -> Vec<Torture> {
    let mut all: Vec<Torture> = PRINTED
        .iter()
        .map(|printed| Torture {
            name: printed.name.to_owned(),
            section: printed.section.to_owned(),
            title: printed.title.to_owned(),
            verdict: printed.verdict.to_owned(),
            bytes: printed.bytes(),
        })
        .collect();
    for table in ["rfc4475", "rfc5118"] {
        all.extend(data.into_iter().flat_map(|data| kept_in(&data.join("sip_torture"), table)));
    }
    let numbers = |section: &str| -> Vec<u32> {
        section.split([' ', '§', '.']).filter_map(|number| number.parse().ok()).collect()
    };
    all.sort_by_key(|torture| numbers(&torture.section));
    all
}

/// Those of one RFC that the test data has.
fn kept_in(folder: &Path, table: &str) -> Vec<Torture> {
    let text = std::fs::read_to_string(folder.join(format!("{table}_verdicts.tsv"))).unwrap();
    let rows = text.lines().skip(1).map(|row| row.split('\t').map(str::to_owned).collect::<Vec<_>>());
    rows.map(|row| {
        let name = row[0].trim_end_matches(".dat").to_owned();
        let bytes = std::fs::read(folder.join(table).join(format!("{name}.dat"))).unwrap();
        let (section, rest) = if table == "rfc4475" {
            (format!("RFC 4475 §{}", row[2]), &row[3..])
        } else {
            let known = SECTIONS.iter().find(|(known, _)| *known == name);
            (format!("RFC 5118 §{}", known.unwrap().1), &row[1..])
        };
        Torture { name, section, title: rest[0].clone(), verdict: rest[1].clone(), bytes }
    })
    .collect()
}

/// Where RFC 5118 has the messages that the test data numbers.
const SECTIONS: [(&str, &str); 7] = [
    ("ipv6-01", "4.1"),
    ("ipv6-03", "4.3"),
    ("ipv6-04", "4.4"),
    ("ipv6-06", "4.5"),
    ("ipv6-07", "4.6"),
    ("ipv6-09", "4.8"),
    ("ipv6-10", "4.9"),
];
