//! Captures made by others: each replays without a panic, and each message in it reads as another decoder, tshark,
//! reads it. What differs is named in [`ALLOWED`] with its reason, and in `docs/conformance.md`, which this test writes
//! (`UPDATE_EXPECT=1`) and holds against what it finds.

mod common;
#[path = "common/level_3.rs"]
mod level_3;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tollgate::assemble::{AssembleOptions, Assembler};
use tollgate::base::frame::{Envelope, Mtp, MtpPlan, Pdu};
use tollgate::base::network::Network;
use tollgate::capture::Capture;
use tollgate::config;
use tollgate::engine::{Engine, Options};
use tollgate::feature::fields;
use tollgate::judge::Output;
use tollgate::rule::Ruleset;
use tollgate::wire::isup::content::Content;
use tollgate::wire::isup::number::Number;
use tollgate::wire::isup::release::CODING_ITU;
use tollgate::wire::isup::{self, Variant, parameter};
use tollgate::wire::mtp3;
use tollgate::wire::sip::address::{Address, Scheme, Uri};
use tollgate::wire::sip::start::Start;
use tollgate::wire::sip::{self};

const FOLDERS: [&str; 9] =
    ["camel_tcap", "hep", "isup_ss7", "isup_vectors", "sctp", "sip_attack", "sip_fuzz", "sip_pcap", "stir"];

const SIP_FIELDS: [&str; 9] = [
    "sip.Method",
    "sip.Status-Code",
    "sip.CSeq",
    "sip.Call-ID",
    "sip.r-uri.user",
    "sip.from.user",
    "sip.to.user",
    "sip.P-Asserted-Identity",
    "sip.Reason",
];
const ISUP_FIELDS: [&str; 10] = [
    "isup.message_type",
    "isup.cic",
    "mtp3.opc",
    "mtp3.dpc",
    "isup.called",
    "isup.called_party_nature_of_address_indicator",
    "isup.calling",
    "isup.redirecting",
    "isup.original_called_number",
    "isup.cause_indicator",
];

/// Of messages of other user parts of SS7.
const MTP_FIELDS: [&str; 3] = ["mtp3.service_indicator", "mtp3.opc", "mtp3.dpc"];
/// User parts whose messages are compared as ISUP.
const CALL_PARTS: [u8; 2] = [mtp3::ISUP, mtp3::BICC];

/// A capture with the point codes of ANSI, as tshark sees by itself.
const ANSI: &str = "ws-ansi_map_win.pcap";

/// Stands in [`ALLOWED`] for a frame in which one side found messages of a protocol and the other none.
const NO_SIP: &str = "SIP";
const NO_ISUP: &str = "ISUP";
const NO_MTP: &str = "MTP";

/// Differences that are known: file, frame (0: any), field, and why.
const ALLOWED: &[(&str, u64, &str, &str)] = &[
    ("arkime-m3ua_synthetic.pcap", 32, NO_ISUP, "the frame before it again: its TSN was seen"),
    (
        "arkime-m3ua_synthetic.pcap",
        66,
        NO_MTP,
        "the last fragment of a message, compared only where it is whole",
    ),
    ("ws-japan_tcap_over_m2pa.pcap", 0, "mtp3.opc", "Japan's point codes of 16 bits are not read"),
    ("initconf-SIP-Bruteforce-Single-IP.pcap", 0, NO_SIP, "from a port that tshark takes for PacketCable's"),
    (
        FUZZ,
        0,
        NO_SIP,
        "octets changed at random: no start line, Call-ID or CSeq is left; refused, and counted as a fault",
    ),
    (FUZZ, 182, "sip.Call-ID", "a NUL in it, at which tshark stops"),
    (
        FUZZ,
        227,
        "sip.CSeq",
        "a method with an octet in it that no method has: we read up to there, and note a fault",
    ),
    (FUZZ, 432, "sip.to.user", "the bytes end within the line, which we then do not read"),
    ("sipnab-sip-488-codec-reject.pcapng", 5, "sip.r-uri.user", ONE_LETTER),
    ("sipnab-sip-488-codec-reject.pcapng", 0, "sip.to.user", ONE_LETTER),
    (
        "suricata-sip-body-large.pcap",
        9,
        NO_SIP,
        "longer than 65,536 octets, the most that is put together from TCP",
    ),
    (
        "suricata-sip-header-multi-value.pcap",
        1,
        "sip.to.user",
        "two To headers: we keep the first and count a fault",
    ),
    ("ws-h223-over-rtp.pcap", 0, "sip.from.user", "a tel URI, in which tshark sees no user part"),
    (
        "zeek-sip-junk-before-request.pcap",
        2,
        NO_SIP,
        "neither Call-ID nor CSeq: refused, and counted as a fault",
    ),
];

/// Captures that are only replayed, since there is nothing to compare, and why.
const WITHOUT_ORACLE: [(&str, &str); 6] = [
    (
        "hep/sip3-hep-udpwrap.pcap",
        "tshark 4.0 does not read HEP; the same datagrams are read in `tests/sources/hep.rs`",
    ),
    ("sctp/arkime-sctp-www.pcap", NO_SIGNALLING),
    ("sctp/ndpi-sctp.cap", NO_SIGNALLING),
    ("sctp/pkts-sctp-test.cap", NO_SIGNALLING),
    ("sctp/pkts-sctp001.pcap", NO_SIGNALLING),
    ("sctp/pkts-sctp_init_collision.cap", NO_SIGNALLING),
];
/// Of these we must find no message either.
const NO_SIGNALLING: &str = "no SIP or SS7 in it";

const FUZZ: &str = "ndpi-fuzz-2006-06-26-2594.pcap";
const ONE_LETTER: &str = "tshark shows no user part of one letter";

#[test]
fn captures_of_others_replay() {
    let Some(data) = common::test_data() else { return };
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("rules");
    let ruleset = Arc::new(config::load_rules(&rules, &fields::FIELDS).unwrap());
    let networks = [Arc::new(Network::unknown()), Arc::new(small_network())];
    let mut calls = 0;
    for (_, path) in captures(&data) {
        for network in &networks {
            calls += replay(&path, network, &ruleset);
        }
    }
    assert!(calls > 2_000, "{calls} calls");
}

/// A capture that nobody compares, or a table of tshark that nobody reads, is noticed.
#[test]
fn every_capture_has_an_oracle_or_a_reason_why_not() {
    let Some(data) = common::test_data() else { return };
    let is_capture = |path: &Path| {
        path.extension().is_some_and(|kind| ["cap", "pcap", "pcapng"].iter().any(|known| kind == *known))
    };
    let mut all = BTreeSet::new();
    let mut folders = vec![data.clone()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if is_capture(&path) {
                all.insert(path.strip_prefix(&data).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let known: BTreeSet<String> = captures(&data).into_iter().map(|(name, _)| name).collect();
    assert_eq!(known, all, "left: what is compared; right: what is there");
    let oracles: BTreeSet<String> = std::fs::read_dir(data.join("oracle"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned())
        .collect();
    let without = |name: &str| WITHOUT_ORACLE.iter().any(|(known, _)| *known == name);
    let compared: BTreeSet<String> =
        all.iter().filter(|name| !without(name)).map(|name| oracle_name(name)).collect();
    assert_eq!(compared, oracles, "left: captures without a reason; right: tables of tshark");
    assert!(
        WITHOUT_ORACLE.iter().all(|(name, _)| all.contains(*name)),
        "a reason for a capture that is not there"
    );
}

fn oracle_name(capture: &str) -> String {
    format!("{}.tsv", capture.replace('/', "__"))
}

/// Replays one capture; how many calls were in it.
fn replay(path: &Path, network: &Arc<Network>, ruleset: &Arc<Ruleset>) -> usize {
    let mut capture = Capture::open(&[path]).unwrap();
    let mut engine = Engine::new(network, Arc::clone(ruleset), Options::default());
    let mut outputs = Vec::new();
    while let Some(frame) = capture.next() {
        engine.frame(frame, &mut outputs);
    }
    engine.finish(&mut outputs);
    let (verdicts, records): (Vec<_>, Vec<_>) =
        outputs.iter().partition(|output| matches!(output, Output::Verdict { .. }));
    assert_eq!(verdicts.len(), records.len(), "{}: verdicts and records", path.display());
    records.len()
}

/// Poland, with the two exchanges of the load generator's capture and the addresses of laboratories.
fn small_network() -> Network {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.toml");
    std::fs::write(
        &path,
        "home = \"PL\"\n\
         [[route]]\nname = \"abroad\"\nclass = \"international\"\npoint-codes = [1, 2]\n\
         network-indicator = \"international\"\n\
         [[route]]\nname = \"laboratory\"\nclass = \"international\"\npeers = [\"192.168.0.0/16\", \"10.0.0.0/8\"]\n",
    )
    .unwrap();
    config::load_network(&path).unwrap().network
}

/// What one side found in one frame.
#[derive(Default)]
struct Reading {
    sip: usize,
    isup: usize,
    /// Messages of other user parts.
    mtp: usize,
    /// Values of each field, in the order of the messages, joined by commas as tshark joins them.
    values: BTreeMap<&'static str, String>,
}

/// What one side found, by number of the frame.
type Readings = BTreeMap<u64, Reading>;

/// Where two sides differ.
struct Difference {
    frame: u64,
    field: &'static str,
    ours: String,
    theirs: String,
}

/// One capture, compared.
struct Compared {
    file: String,
    origin: String,
    frames: u64,
    /// Why it is not compared.
    why_not: Option<&'static str>,
    sip: usize,
    isup: usize,
    mtp: usize,
    differences: Vec<Difference>,
}

#[test]
fn messages_read_as_tshark_reads_them() {
    let Some(data) = common::test_data() else { return };
    let manifest = std::fs::read_to_string(data.join("MANIFEST.tsv")).unwrap();
    let compared: Vec<Compared> =
        captures(&data).iter().map(|(name, path)| compare(&data, &manifest, name, path)).collect();
    hold_against_allowed(&compared);
    let sip: usize = compared.iter().map(|capture| capture.sip).sum();
    let isup: usize = compared.iter().map(|capture| capture.isup).sum();
    let mtp: usize = compared.iter().map(|capture| capture.mtp).sum();
    println!("compared {sip} SIP and {isup} ISUP messages, {mtp} of other user parts");
    assert!(sip > 9_500 && isup > 5_300 && mtp > 60, "{sip} SIP and {isup} ISUP messages, {mtp} others");
    hold_against_document(&document(&compared));
}

/// Compares one capture with its oracle, if there is one.
fn compare(data: &Path, manifest: &str, name: &str, path: &Path) -> Compared {
    let listed = manifest.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let listed = listed.into_iter().find(|columns| columns[0] == name).unwrap();
    let (frames, ours) = read_ourselves(path);
    assert_eq!(frames.to_string(), listed[8], "{name}: frames");
    let why_not = WITHOUT_ORACLE.iter().find(|(known, _)| *known == name).map(|(_, why)| *why);
    let theirs = why_not.map_or_else(
        || {
            let oracle = std::fs::read(data.join("oracle").join(oracle_name(name))).unwrap();
            read_oracle(&String::from_utf8_lossy(&oracle))
        },
        |_| Readings::new(),
    );
    if why_not == Some(NO_SIGNALLING) {
        let found = |reading: &Reading| reading.sip + reading.isup + reading.mtp > 0;
        assert!(!ours.values().any(found), "{name}: {NO_SIGNALLING}");
    }
    let both = |count: fn(&Reading) -> usize| {
        ours.iter().filter_map(|(frame, own)| Some(count(own).min(count(theirs.get(frame)?)))).sum()
    };
    Compared {
        sip: both(|reading| reading.sip),
        isup: both(|reading| reading.isup),
        mtp: both(|reading| reading.mtp),
        differences: if why_not.is_none() { differences(&ours, &theirs) } else { Vec::new() },
        file: name.split('/').next_back().unwrap().to_owned(),
        origin: listed[1].split(" (").next().unwrap().to_owned(),
        frames,
        why_not,
    }
}

fn differences(ours: &Readings, theirs: &Readings) -> Vec<Difference> {
    let none = Reading::default();
    let frames: BTreeSet<u64> = ours.keys().chain(theirs.keys()).copied().collect();
    let mut found = Vec::new();
    for frame in frames {
        let (own, other) = (ours.get(&frame).unwrap_or(&none), theirs.get(&frame).unwrap_or(&none));
        let mut check = |all: &'static str, counts: (usize, usize), fields: &[&'static str]| {
            if (counts.0 == 0) != (counts.1 == 0) {
                let count = |count: usize| format!("{count} messages");
                found.push(Difference { frame, field: all, ours: count(counts.0), theirs: count(counts.1) });
                return;
            }
            for field in fields.iter().copied().filter(|_| counts.0 > 0) {
                let value = |reading: &Reading| reading.values.get(field).cloned().unwrap_or_default();
                let (ours, theirs) = (value(own), value(other));
                if ours != theirs {
                    found.push(Difference { frame, field, ours, theirs });
                }
            }
        };
        check(NO_SIP, (own.sip, other.sip), &SIP_FIELDS);
        check(NO_ISUP, (own.isup, other.isup), &ISUP_FIELDS);
        check(NO_MTP, (own.mtp, other.mtp), &MTP_FIELDS);
    }
    found
}

// --- our side ----------------------------------------------------------------------------------------------------

/// How many frames there are, and what is in those with messages.
fn read_ourselves(path: &Path) -> (u64, Readings) {
    let mut capture = Capture::open(&[path]).unwrap();
    let is_ansi = path.file_name().is_some_and(|name| name == ANSI);
    let mtp = MtpPlan::all(if is_ansi { Mtp::Ansi } else { Mtp::Itu });
    // tshark shows what a mirror port sent twice, twice.
    let mut assembler =
        Assembler::new(AssembleOptions { mtp, duplicates_max: 0, ..AssembleOptions::default() });
    let mut readings = Readings::new();
    while let Some(frame) = capture.next() {
        assembler.push(frame, &mut |pdu| read_pdu(&pdu, readings.entry(pdu.frame).or_default()));
        let others = level_3::of_frame(&frame, mtp).into_iter();
        for (indicator, label) in others.filter(|(indicator, _)| !CALL_PARTS.contains(indicator)) {
            let reading = readings.entry(frame.number).or_default();
            reading.mtp += 1;
            reading.add("mtp3.service_indicator", &indicator.to_string());
            reading.add("mtp3.opc", &label.opc.to_string());
            reading.add("mtp3.dpc", &label.dpc.to_string());
        }
    }
    (capture.frames(), readings)
}

fn read_pdu(pdu: &Pdu<'_>, reading: &mut Reading) {
    match pdu.envelope {
        Envelope::Sip { .. } => {
            let Ok(message) = sip::Message::parse(pdu.bytes) else { return };
            reading.sip += 1;
            read_sip(&message, &mut |field, value| reading.add(field, &String::from_utf8_lossy(value)));
        }
        Envelope::Isup { label, part } => {
            let variant = Variant::of(label.standard, part);
            let Ok(message) = isup::Message::parse_as(variant, pdu.bytes) else { return };
            reading.isup += 1;
            reading.add("mtp3.opc", &label.opc.to_string());
            reading.add("mtp3.dpc", &label.dpc.to_string());
            read_isup(&message, &mut |field, value| reading.add(field, &value));
        }
    }
}

impl Reading {
    fn add(&mut self, field: &'static str, value: &str) {
        match self.values.get_mut(field) {
            Some(values) => *values = format!("{values},{value}"),
            None => drop(self.values.insert(field, value.to_owned())),
        }
    }
}

fn read_sip(message: &sip::Message<'_>, add: &mut impl FnMut(&'static str, &[u8])) {
    match message.start {
        Start::Request { token, uri, .. } => {
            add("sip.Method", token);
            add_user(Uri::parse(uri), "sip.r-uri.user", add);
        }
        Start::Response { status } => add("sip.Status-Code", status.to_string().as_bytes()),
    }
    let token = String::from_utf8_lossy(message.cseq.token);
    add("sip.CSeq", format!("{} {token}", message.cseq.number).as_bytes());
    add("sip.Call-ID", message.call_id);
    add_user(Some(message.from.uri), "sip.from.user", add);
    add_user(message.head.to.and_then(Address::parse).map(|to| to.uri), "sip.to.user", add);
    message.head.asserted.iter().for_each(|value| add("sip.P-Asserted-Identity", value));
    message.head.reasons.iter().for_each(|value| add("sip.Reason", value));
}

fn add_user(uri: Option<Uri<'_>>, field: &'static str, add: &mut impl FnMut(&'static str, &[u8])) {
    if let Some(uri) = uri.filter(|uri| uri.scheme != Scheme::Other && !uri.user.is_empty()) {
        add(field, uri.user);
    }
}

fn read_isup(message: &isup::Message<'_>, add: &mut impl FnMut(&'static str, String)) {
    add("isup.message_type", message.message_type.0.to_string());
    // tshark has a field of another name for the call instance code of BICC.
    if message.variant != Variant::Bicc {
        add("isup.cic", message.cic.to_string());
    }
    for found in message.parameters().flatten() {
        let field = match found.parameter.code {
            parameter::CALLED_NUMBER => "isup.called",
            parameter::CALLING_NUMBER => "isup.calling",
            parameter::REDIRECTING_NUMBER => "isup.redirecting",
            parameter::ORIGINAL_CALLED_NUMBER => "isup.original_called_number",
            parameter::CAUSE_INDICATORS => "isup.cause_indicator",
            _ => continue,
        };
        match found.content() {
            Ok(Content::Number(number)) => {
                add(field, digits(&number));
                if found.parameter.code == parameter::CALLED_NUMBER {
                    let nature = number.nature.0.to_string();
                    add("isup.called_party_nature_of_address_indicator", nature);
                }
            }
            // Of other codings tshark shows octets.
            Ok(Content::Cause(indicators)) if indicators.cause.coding == CODING_ITU => {
                add(field, indicators.cause.value.to_string());
            }
            _ => {}
        }
    }
}

/// As tshark shows them: the signal that ends a number is an F.
fn digits(number: &Number) -> String {
    format!("{}{}", number.digits, if number.ended { "F" } else { "" })
}

// --- their side --------------------------------------------------------------------------------------------------

/// Reads a table of tshark: a row a frame, named by the columns of the first.
fn read_oracle(text: &str) -> Readings {
    let mut lines = text.lines();
    let columns: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let column = |name: &str| columns.iter().position(|column| *column == name).unwrap();
    let frame = column("frame.number");
    let fields = SIP_FIELDS.iter().chain(&ISUP_FIELDS).map(|field| (*field, column(field)));
    let fields: Vec<(&'static str, usize)> = fields.collect();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('\t').collect();
        let present = fields.iter().filter(|(_, column)| !cells[*column].is_empty());
        let values = present.map(|(field, column)| (*field, cells[*column].to_owned())).collect();
        let count = |name: &str| cells[column(name)].split(',').filter(|value| !value.is_empty()).count();
        let sip = count("sip.Method") + count("sip.Status-Code");
        let isup = count("isup.message_type");
        let mut reading = Reading { sip, isup, values, mtp: 0 };
        // Of M3UA the service indicator stands in a column of its own, and in decimals.
        let indicators = [cells[column("mtp3.service_indicator")], cells[column("m3ua.protocol_data_si")]];
        let indicators = indicators.into_iter().flat_map(|cell| cell.split(',')).filter_map(|text| {
            text.strip_prefix("0x").map_or_else(|| text.parse().ok(), |hex| u8::from_str_radix(hex, 16).ok())
        });
        for indicator in indicators.filter(|indicator| !CALL_PARTS.contains(indicator)) {
            reading.mtp += 1;
            reading.add("mtp3.service_indicator", &indicator.to_string());
        }
        (cells[frame].parse().unwrap(), reading)
    };
    lines.map(row).collect()
}

// --- what is allowed ---------------------------------------------------------------------------------------------

/// The entry that allows a difference.
fn allowed(file: &str, difference: &Difference) -> Option<usize> {
    ALLOWED.iter().position(|(name, frame, field, _)| {
        *name == file && (*frame == 0 || *frame == difference.frame) && *field == difference.field
    })
}

/// Every difference has an entry, and every entry a difference.
fn hold_against_allowed(compared: &[Compared]) {
    let mut unused: BTreeSet<usize> = (0..ALLOWED.len()).collect();
    let mut unknown = String::new();
    for capture in compared {
        for difference in &capture.differences {
            let Difference { frame, field, ours, theirs } = difference;
            match allowed(&capture.file, difference) {
                Some(entry) => drop(unused.remove(&entry)),
                None => {
                    let _ = writeln!(
                        unknown,
                        "{} frame {frame} {field}: we {ours:?}, tshark {theirs:?}",
                        capture.file
                    );
                }
            }
        }
    }
    assert!(unknown.is_empty(), "differences that no entry of ALLOWED names:\n{unknown}");
    let unused: Vec<_> = unused.into_iter().map(|entry| ALLOWED[entry]).collect();
    assert!(unused.is_empty(), "entries of ALLOWED without a difference: {unused:#?}");
}

// --- the document ------------------------------------------------------------------------------------------------

fn document(compared: &[Compared]) -> String {
    let mut text = String::from(HEAD);
    for capture in compared {
        let Compared { file, origin, frames, sip, isup, mtp, .. } = capture;
        let differences = match (capture.why_not, capture.differences.len()) {
            (Some(why), _) => format!("replayed only: {why}"),
            (None, 0) => "none".to_owned(),
            (None, count) => count.to_string(),
        };
        let _ = writeln!(text, "| {file} | {origin} | {frames} | {sip} | {isup} | {mtp} | {differences} |");
    }
    let sum = |count: fn(&Compared) -> usize| compared.iter().map(count).sum::<usize>();
    let _ = writeln!(
        text,
        "| **all {}** | | {} | {} | {} | {} | {} |",
        compared.len(),
        compared.iter().map(|capture| capture.frames).sum::<u64>(),
        sum(|capture| capture.sip),
        sum(|capture| capture.isup),
        sum(|capture| capture.mtp),
        sum(|capture| capture.differences.len()),
    );
    text.push_str(DIFFERENCES);
    for (entry, (file, frame, field, why)) in ALLOWED.iter().enumerate() {
        let of_file = compared.iter().filter(|capture| capture.file == *file);
        let differences = of_file.flat_map(|capture| &capture.differences);
        let count = differences.filter(|difference| allowed(file, difference) == Some(entry)).count();
        let frame = if *frame == 0 { "any".to_owned() } else { frame.to_string() };
        let _ = writeln!(text, "| {file} | {frame} | {field} | {count} | {why} |");
    }
    text
}

const HEAD: &str = "\
# Conformance

Captures made by other projects, decoded frame by frame by Tollgate and by tshark 4.0.17. A SIP message is compared in
method, status, CSeq, Call-ID, user parts of request URI, From and To, P-Asserted-Identity and Reason; an ISUP message
in type, circuit, point codes, called number and its nature of address, calling, redirecting and original called
numbers, and the cause wherever there is one; a message of another user part of SS7 in user part and point codes. Every capture also replays through the whole program with the shipped rules,
with and without a network file, with a verdict and a record for each call.

`tests/oracle.rs` writes this page (`UPDATE_EXPECT=1`) and fails when it is not true. The captures are not part of
this repository.

| Capture | Origin | Frames | SIP messages | ISUP messages | Others of SS7 | Differences |
|---|---|---:|---:|---:|---:|---:|
";

const DIFFERENCES: &str = "
## Differences

`SIP`, `ISUP` and `MTP` in place of a field: only one of the two found messages in the frame.

| Capture | Frame | Field | Times | Why |
|---|---|---|---:|---|
";

fn hold_against_document(text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance.md");
    // What follows is written by tests/torture.rs.
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let (written, rest) = written.split_at(written.find("\n## Torture messages\n").unwrap_or(written.len()));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, format!("{text}{rest}")).unwrap();
        return;
    }
    assert!(
        written == text,
        "docs/conformance.md is out of date: run with UPDATE_EXPECT=1 and read the diff"
    );
}

/// Name within the data (`folder/file`) and path of every capture, in order of names.
fn captures(data: &Path) -> Vec<(String, PathBuf)> {
    let files = FOLDERS.into_iter().flat_map(|folder| {
        let entries = std::fs::read_dir(data.join(folder)).unwrap().map(|entry| entry.unwrap());
        entries.map(move |entry| (format!("{folder}/{}", entry.file_name().to_str().unwrap()), entry.path()))
    });
    let mut captures: Vec<_> =
        files.filter(|(name, _)| ![".tsv", ".pem", ".bin"].iter().any(|end| name.ends_with(end))).collect();
    captures.sort();
    captures
}
