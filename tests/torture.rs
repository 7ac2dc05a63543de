//! SIP torture messages: RFC 4475 (protocol) and RFC 5118 (IPv6). The valid ones parse without a fault; those that a
//! receiver must be able to tell are refused or carry a fault; none is lost silently.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use tollgate::base::fault::Kind;
use tollgate::base::map::Seed;
use tollgate::wire::sip::forward::{Branch, Forward, backward, forward};
use tollgate::wire::sip::start::Start;
use tollgate::wire::sip::{Message, find_call_id};

/// What is found wrong with each message that is not plainly valid; nothing for those wrong only in parts that are
/// not read here (Contact, other headers, the meaning of a URI).
const FOUND: [(&str, &[Kind]); 25] = [
    ("badaspec", &[]),
    ("badbranch", &[]),
    ("badinv01", &[]),
    ("badvers", &[Kind::Unsupported]),
    ("bcast", &[]),
    ("bigcode", &[Kind::BadSyntax]),
    ("clerr", &[Kind::BadLength]),
    ("cparam01", &[]),
    ("cparam02", &[]),
    ("escruri", &[]),
    ("insuf", &[Kind::Missing]),
    ("inv2543", &[]),
    ("invut", &[]),
    ("ltgtruri", &[Kind::BadSyntax]),
    ("lwsruri", &[Kind::BadSyntax]),
    ("mcl01", &[Kind::Conflict]),
    ("mismatch01", &[Kind::Conflict]),
    ("novelsc", &[]),
    ("regaut01", &[]),
    ("regbadct", &[]),
    ("scalar02", &[Kind::BadSyntax]),
    ("scalarlg", &[Kind::BadSyntax]),
    ("sdp01", &[]),
    ("trws", &[Kind::BadSyntax]),
    ("unksm2", &[]),
];

#[test]
fn torture_messages_are_read_as_their_rfc_says() {
    let Some(data) = common::test_data() else { return };
    let folder = data.join("sip_torture");
    let mut expected: BTreeMap<String, Vec<Kind>> =
        FOUND.iter().map(|(name, kinds)| ((*name).to_owned(), kinds.to_vec())).collect();
    for (table, verdict_column) in [("rfc4475", 4), ("rfc5118", 2)] {
        for (name, verdict) in verdicts(&folder.join(format!("{table}_verdicts.tsv")), verdict_column) {
            let bytes = std::fs::read(folder.join(table).join(format!("{name}.dat"))).unwrap();
            let found = match Message::parse(&bytes) {
                Ok(message) => {
                    assert_eq!(find_call_id(&bytes), Some(message.call_id), "{name}");
                    message.faults.iter().map(|fault| fault.kind).collect()
                }
                Err(fault) => vec![fault.kind],
            };
            let expected = if verdict == "valid" { Some(vec![]) } else { expected.remove(&name) };
            assert_eq!(Some(found), expected, "{table} {name} ({verdict})");
        }
    }
    assert_eq!(expected, BTreeMap::new(), "named above, but not in the data");
}

/// Every request that can be read goes on as it was, but for what a proxy changes; a response without a second Via goes nowhere.
#[test]
fn torture_messages_go_through_a_proxy() {
    let Some(data) = common::test_data() else { return };
    let folder = data.join("sip_torture");
    let mut counts = [0; 2];
    for (table, verdict_column) in [("rfc4475", 4), ("rfc5118", 2)] {
        for (name, verdict) in verdicts(&folder.join(format!("{table}_verdicts.tsv")), verdict_column) {
            let bytes = std::fs::read(folder.join(table).join(format!("{name}.dat"))).unwrap();
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
            assert_eq!(forward(&bytes, &how, &mut sent), Ok(()), "{table} {name} ({verdict})");
            assert_eq!(kept(&sent), kept(&bytes), "{name}");
            counts[1] += 1;
        }
    }
    assert_eq!(counts, [3, 35]);
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

/// Message name and verdict from each row of a table.
fn verdicts(table: &Path, verdict_column: usize) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(table).unwrap();
    let rows = text.lines().skip(1).map(|row| row.split('\t').collect::<Vec<_>>());
    rows.map(|row| (row[0].trim_end_matches(".dat").to_owned(), row[verdict_column].to_owned())).collect()
}
