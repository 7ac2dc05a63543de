//! A short run of every fuzz target on mutated seeds. Deterministic: the seed of each iteration is its number.
//!
//! `TOLLGATE_FUZZ_ITERATIONS` sets how many inputs each target gets, `TOLLGATE_FUZZ_SECONDS` (as `./dev fuzz` sets it)
//! for how long it gets them instead. An input that fails is kept in `fuzz/artifacts`. With `TOLLGATE_FUZZ_SEEDS` the
//! seeds are written to that folder, one folder a target, for a fuzzer that is guided by coverage.

#[path = "stir/made.rs"]
mod made;
#[path = "../fuzz/targets.rs"]
mod targets;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};

use tollgate::assemble::{AssembleOptions, Assembler};
use tollgate::base::frame::{Envelope, Mtp, RoutingLabel};
use tollgate::base::time::At;
use tollgate::capture::Capture;
use tollgate::clock::Stopwatch;
use tollgate::wire::sctp::interleaved::InterleavedData;
use tollgate::wire::websocket::Opcode;
use tollgate::wire::{hep, m2pa, m2ua, m3ua, mtp3, nfnetlink, sctp, websocket};

const ITERATIONS: u64 = 30_000;
/// Messages of captures that a target begins with, at most.
const MESSAGES_MAX: usize = 64;
/// Mutated inputs do not grow beyond this, in octets.
const LENGTH_MAX: usize = 64 * 1024;

#[test]
fn capture() {
    let plain = [pcap(), pcapng()];
    let packed = [gzip(&plain[0]), zstd::encode_all(&plain[1][..], 1).unwrap()];
    let mut seeds = [plain, packed].concat();
    seeds.extend(captures().iter().map(|path| {
        let mut bytes = fs::read(path).unwrap();
        bytes.truncate(LENGTH_MAX / 2);
        bytes
    }));
    fuzz("capture", targets::capture, &seeds);
}

#[test]
fn frames() {
    let link_number = |link| targets::LINKS.iter().position(|other| *other == link).unwrap() as u8;
    let mut seeds = vec![
        sequence(0, &[&ethernet(17, &udp(INVITE)), &ethernet(17, &udp(INVITE))]),
        sequence(
            0,
            &[
                &ethernet(6, &tcp(1, b"")),
                &ethernet(6, &tcp(1, &INVITE[..90])),
                &ethernet(6, &tcp(91, &INVITE[90..])),
            ],
        ),
        sequence(0, &[&ethernet(132, &sctp_packet())]),
        sequence(0, &wrapped().iter().map(|frame| &frame[..]).collect::<Vec<_>>()),
        sequence(link_number(tollgate::base::frame::Link::Mtp3), &[&mtp3_message(), &mtp3_message()]),
    ];
    for path in captures() {
        let mut capture = Capture::open(&[path]).unwrap();
        let mut seed = Vec::new();
        while let Some(frame) = capture.next().filter(|_| seed.len() < LENGTH_MAX / 8) {
            if seed.is_empty() {
                seed.push(link_number(frame.link));
            }
            push_frame(&mut seed, frame.bytes);
        }
        seeds.push(seed);
    }
    fuzz("frames", targets::frames, &seeds);
}

#[test]
fn stream() {
    let mut twice = vec![0x41];
    twice.extend([INVITE, b"\r\n\r\n", INVITE].concat());
    let mut agent = vec![0x82];
    hep_packet().emit(&mut agent);
    hep_packet().emit(&mut agent);
    fuzz("stream", targets::stream, &[twice, agent]);
}

#[test]
fn websocket() {
    let mut frames = vec![0xc3];
    let mut push = |is_final, opcode, payload: &[u8]| {
        let (length, mask) = (payload.len() as u64, Some([1, 2, 3, 4]));
        websocket::Header { is_final, is_extended: false, opcode, mask, length, size: 0 }.emit(&mut frames);
        let start = frames.len();
        frames.extend(payload);
        websocket::unmask(&mut frames[start..], [1, 2, 3, 4]);
    };
    push(true, Opcode::Data, INVITE);
    push(false, Opcode::Data, &INVITE[..50]);
    push(true, Opcode::Control, b"ping");
    push(true, Opcode::Continuation, &INVITE[50..]);
    fuzz("websocket", targets::websocket, &[frames]);
}

#[test]
fn hep() {
    let packet = hep_packet();
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    packet.emit(&mut v4);
    hep::Packet { src: "[2001:db8::1]:5060".parse().unwrap(), ..packet }.emit(&mut v6);
    let fixed = [&[2, 16, 2, 17, 0x13, 0xc4, 0x13, 0xc4][..], &[10; 8], &[1; 12], INVITE].concat();
    fuzz("hep", targets::hep, &[v4, v6, fixed]);
}

#[test]
fn sip() {
    let ringing =
        b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nf: <tel:+48221234567>;tag=1\r\n\
        t: <sip:1@b>;tag=2\r\ni: x@y\r\nCSeq: 1 INVITE\r\nReason: Q.850;cause=16\r\nl: 0\r\n\r\n";
    let mut seeds = vec![INVITE.to_vec(), ringing.to_vec(), with_isup()];
    seeds.extend(messages(|envelope| matches!(envelope, Envelope::Sip { .. })));
    fuzz("sip", targets::sip, &seeds);
}

/// An INVITE that says all there is to say, with an ISUP message in its body.
fn with_isup() -> Vec<u8> {
    let head = "INVITE sip:+48601234567;npdi;rn=+48500@b;user=phone SIP/2.0\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\n\
        f: \"+48 22\" <sip:+4822%31234567;cpc=test@a>;tag=1\r\nt: <sip:1@b>\r\ni: 7\r\nCSeq: 1 INVITE\r\n\
        Remote-Party-ID: <sip:1@a>;party=calling;screen=yes\r\nIdentity: a..b;info=<c>\r\nX-CID: 8\r\n\
        P-Charging-Vector: icid-value=\"x\"\r\nSession-ID: ab30317f1a784dc48ff824d0d3715d86\r\n\
        m: <sip:1;tgrp=g;trunk-context=h@a>\r\nc: multipart/mixed;boundary=b1\r\n\r\n\
        --b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1\r\nc: multipart/x;boundary=\"b2\"\r\n\r\n\
        --b2\r\nContent-Type: application/ISUP;version=itu-t92+\r\n\r\n";
    let iam = b"\x01\x11\x20\x01\x0a\x03\x02\x0a\x08\x04\x10\x84\x22\x21\x43\x65\xf7\x0a\x08\x04\x17\x44\x77\x00\x09\x10\x32\x00";
    [head.as_bytes(), iam, b"\r\n--b2--\r\n--b1--\r\n"].concat()
}

#[test]
fn passport() {
    let made = made::Trust::new("STI").usual();
    let payload = made::shaken("A", made::CALLER, made::CALLED, made::NOW);
    let plain = payload.replace("\"attest\":\"A\",", "");
    let header = format!("{{\"alg\":\"ES256\",\"typ\":\"passport\",\"x5u\":\"{}\"}}", made::X5U);
    let token = made.token(&header, &plain);
    let seeds = [
        made.shaken("A"),
        made.div(made::CALLED, "12155551214", made::NOW),
        format!("{token};info=<{}>", made::X5U),
        format!("..{};info=<{}>;alg=ES256", token.rsplit('.').next().unwrap(), made::X5U),
    ];
    fuzz("passport", targets::passport, &seeds.map(String::into_bytes));
}

#[test]
fn certificate() {
    let trust = made::Trust::new("STI");
    let (usual, bare) = (trust.usual(), trust.provider(None, (2022, 2030)));
    let ders = [&usual.pem, &bare.pem, &trust.root].map(|pem| made::der(pem));
    fuzz("certificate", targets::certificate, &[&ders[..], &[usual.pem.into_bytes()]].concat());
}

#[test]
fn sip_forward() {
    let routed = b"BYE sip:1@a SIP/2.0\r\nVia: SIP/2.0/UDP a;rport;branch=z9hG4bK1, SIP/2.0/UDP b\r\nMax-Forwards: 9\r\n\
        Route: <sip:192.0.2.2;lr>, <sip:192.0.2.1:5060>\r\nroute: <sip:c>\r\nf: <tel:1>;tag=1\r\nt: <sip:1@b>;tag=2\r\n\
        i: x@y\r\nCSeq: 1 BYE\r\nl: 0\r\n\r\n";
    fuzz("sip_forward", targets::sip_forward, &[INVITE.to_vec(), routed.to_vec()]);
}

#[test]
fn isup() {
    let release = [1, 0, 0x0c, 2, 0, 2, 0x80, 0x90].to_vec();
    let group_reset = [1, 0, 0x17, 1, 1, 31].to_vec();
    let address_complete = [1, 0, 0x06, 0x16, 0x04, 0].to_vec();
    let mut seeds = vec![iam(), release, group_reset, address_complete];
    seeds.extend(messages(|envelope| matches!(envelope, Envelope::Isup { .. })));
    fuzz("isup", targets::isup, &seeds);
}

#[test]
fn isup_walk() {
    let of = |choice: u8, message: &[u8]| [&[choice][..], message].concat();
    // The same call by T1.113, where its user service information comes before the called number, and by BICC.
    let ansi = [&[1, 0, 1, 0, 0x60, 0x01, 0x0a, 3, 5, 12, 2, 0x90, 0xa2][..], &iam()[10..]].concat();
    let bicc = [&[1, 0, 0, 0][..], &iam()[2..]].concat();
    let states = [1, 0, 0x2b, 2, 3, 1, 1, 2, 0, 12].to_vec();
    let transport = [1, 0, 0x41, 1, 0x78, 4, 0x85, 0x80, 0xc0, 1, 0].to_vec();
    let seeds = [of(0, &ansi), of(1, &bicc), of(2, &states), of(3, &iam()), of(3, &transport)];
    assert!(seeds.iter().all(|seed| targets::isup_walk(seed)));
    fuzz("isup_walk", targets::isup_walk, &seeds);
}

#[test]
fn m3ua() {
    fuzz("m3ua", targets::m3ua, &[m3ua_message()]);
}

#[test]
fn m2pa() {
    let mut message = Vec::new();
    m2pa::UserData { backward: 1, forward: 2, priority: 0, mtp3: &mtp3_message() }.emit(&mut message);
    fuzz(
        "m2pa",
        targets::m2pa,
        &[message, vec![1, 0, 11, 2, 0, 0, 0, 20, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 4]],
    );
}

#[test]
fn m2ua() {
    let message = |is_ttc| {
        let mut message = Vec::new();
        m2ua::Data { interface: Some(1), is_ttc, mtp3: &mtp3_message() }.emit(&mut message);
        message
    };
    fuzz("m2ua", targets::m2ua, &[message(false), message(true)]);
}

#[test]
fn sigtran() {
    fuzz(
        "sigtran",
        targets::sigtran,
        &[m3ua_message(), vec![1, 0, 3, 1, 0, 0, 0, 16, 0, 4, 0, 6, 1, 2, 0, 0]],
    );
}

#[test]
fn mtp() {
    let unit = |link: u8, head: &[u8]| [&[link], head, &mtp3_message()].concat();
    let seeds = [unit(7, b""), unit(6, &[0, 0, 0x3f]), unit(5, &[0, 0, 0, 0, 0, 0, 0x3f])];
    fuzz("mtp", targets::mtp, &seeds);
}

#[test]
fn sctp() {
    let mut interleaved = sctp_packet();
    let (unordered, payload) = (false, &m3ua_message()[..]);
    let data = |tsn, protocol, fragment, last| InterleavedData {
        tsn,
        stream: 1,
        message: 7,
        protocol,
        fragment,
        last,
        unordered,
        payload,
    };
    data(8, Some(3), 0, false).emit(&mut interleaved);
    data(9, None, 1, true).emit(&mut interleaved);
    interleaved
        .extend([192, 0, 0, 12, 0, 0, 0, 9, 0, 1, 0, 2, 194, 0, 0, 16, 0, 0, 0, 9, 0, 1, 0, 1, 0, 0, 0, 3]);
    fuzz("sctp", targets::sctp, &[sctp_packet(), interleaved.clone()]);
    fuzz(
        "frames_sctp",
        targets::frames,
        &[sequence(0, &[&ethernet(132, &interleaved), &ethernet(132, &sctp_packet())])],
    );
}

#[test]
fn nfnetlink() {
    let mut seed = Vec::new();
    for id in 1..3 {
        let packet = nfnetlink::Packet { id, payload: INVITE, is_cut: id == 2, is_many: false };
        nfnetlink::put_packet(&mut seed, 0, &packet);
    }
    fuzz("nfnetlink", targets::nfnetlink, &[seed]);
}

#[test]
fn inline_sip() {
    let ipv4 = ethernet(17, &udp(INVITE))[14..].to_vec();
    let length = (8 + INVITE.len() as u16).to_be_bytes();
    let ipv6 =
        [&[0x60, 0, 0, 0, length[0], length[1], 17, 64][..], &[1; 16], &[2; 16], &udp(INVITE)].concat();
    fuzz("inline_sip", targets::inline_sip, &[ipv4, ipv6]);
}

#[test]
fn inline_isup() {
    // The IAM, the answer to what takes its place, and what the exchanges say then, by ruling.
    let said = |ruling: u8| {
        let far = RoutingLabel { opc: LABEL.dpc, dpc: LABEL.opc, ..LABEL };
        let short = |kind: u8| vec![1, 0, kind, 0];
        let release = vec![1, 0, 0x0c, 2, 0, 2, 0x80, 0x90];
        let messages =
            [(LABEL, iam()), (far, short(0x16)), (LABEL, release), (far, short(0x16)), (LABEL, short(0x10))];
        let mut seed = Vec::new();
        for (tsn, (label, user)) in (1..).zip(messages) {
            let packet = exchange_packet(label, tsn, &user);
            seed.push(ruling);
            seed.extend((packet.len() as u16).to_be_bytes());
            seed.extend(packet);
        }
        seed
    };
    fuzz("inline_isup", targets::inline_isup, &[said(0), said(1), said(2)]);
}

#[test]
fn rule() {
    let rules =
        files(&project("rules")).into_iter().filter(|path| path.extension().is_some_and(|end| end == "toml"));
    fuzz("rule", targets::rule, &rules.map(|path| fs::read(path).unwrap()).collect::<Vec<_>>());
}

#[test]
fn inspect() {
    let sip = messages(|envelope| matches!(envelope, Envelope::Sip { .. }));
    let isup = messages(|envelope| matches!(envelope, Envelope::Isup { .. }));
    let with = |which: u8, messages: Vec<Vec<u8>>| {
        messages.into_iter().map(move |message| [&[which][..], &message].concat())
    };
    let seeds: Vec<Vec<u8>> = with(0, sip).chain(with(1, isup)).collect();
    fuzz("inspect", targets::inspect, &seeds);
}

#[test]
fn filter() {
    let texts = [
        "method == INVITE and src == \"198.51.100.20\" or cause in {34, 38}",
        "not (user_agent contains friendly) and calling starts_with \"+48\" and frame between 1 and 20",
    ];
    fuzz("filter", targets::filter, &texts.map(|text| text.as_bytes().to_vec()));
}

#[test]
fn network() {
    fuzz("network", targets::network, &[NETWORK.into()]);
}

#[test]
fn roaming() {
    fuzz(
        "roaming",
        targets::roaming,
        &[
            b"number,state\n+48601234567,roaming\n\"+48601234568\",home\n".to_vec(),
            b"number,state,since\n+48601234567,home,\n+48601234567,roaming,2026-11-21T20:15:03Z\n".to_vec(),
        ],
    );
}

#[test]
fn rate_card() {
    fuzz("rate_card", targets::rate_card, &[RATE_CARD.into()]);
}

// --- the loop ----------------------------------------------------------------------------------------------------

/// Whether it could make anything of the input.
type Target = fn(&[u8]) -> bool;

/// Gives `target` the seeds as they are, of which it must make something, then mutated ones.
fn fuzz(name: &str, target: Target, seeds: &[Vec<u8>]) {
    for (number, seed) in seeds.iter().enumerate() {
        assert!(run(name, target, seed, 0), "{name}: seed {number} is not understood");
    }
    if let Some(folder) = env::var_os("TOLLGATE_FUZZ_SEEDS") {
        return write_seeds(&Path::new(&folder).join(name), seeds);
    }
    let number = |name| env::var(name).ok().map(|text| text.parse::<u64>().expect("a whole number"));
    let seconds = number("TOLLGATE_FUZZ_SECONDS");
    let iterations = number("TOLLGATE_FUZZ_ITERATIONS").unwrap_or(ITERATIONS);
    let watch = Stopwatch::start();
    let mut done = 0;
    while seconds.map_or(done < iterations, |seconds| watch.seconds() < seconds as f64) {
        done += 1;
        run(name, target, &Mutator::new(done).mutate(seeds), done);
    }
    println!("{name}: {done} mutated inputs in {:.1} s", watch.seconds());
}

fn write_seeds(folder: &Path, seeds: &[Vec<u8>]) {
    fs::create_dir_all(folder).unwrap();
    for (number, seed) in seeds.iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), seed).unwrap();
    }
}

fn run(name: &str, target: Target, input: &[u8], iteration: u64) -> bool {
    catch_unwind(AssertUnwindSafe(|| target(input))).unwrap_or_else(|panic| {
        let folder = project("fuzz/artifacts").join(name);
        let path = folder.join(format!("smoke-{iteration}"));
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, input)).unwrap();
        eprintln!("{name}: iteration {iteration} failed; its input is in {}", path.display());
        resume_unwind(panic)
    })
}

/// Makes new inputs of old ones: xorshift64* decides.
struct Mutator(u64);

impl Mutator {
    fn new(iteration: u64) -> Self {
        Self(iteration.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        ((self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize) % bound
    }

    fn mutate(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut input = seeds[self.below(seeds.len())].clone();
        for _ in 0..1 + self.below(6) {
            if input.is_empty() {
                break;
            }
            let place = self.below(input.len());
            match self.below(7) {
                0 => input[place] ^= 1 << self.below(8),
                1 => input[place] = [0, 1, 0x20, 0x7f, 0x80, 0xff, b'"', b'\n'][self.below(8)],
                2 => input.truncate(place),
                3 => self.set_length_field(&mut input, place),
                4 => self.splice(&mut input, place, seeds),
                5 => self.repeat(&mut input, place),
                _ => {
                    input.drain(place..(place + 1 + self.below(16)).min(input.len()));
                }
            }
        }
        input.truncate(LENGTH_MAX);
        input
    }

    /// Writes a number as lengths are written: one, two or four octets, either end first, near a bound.
    fn set_length_field(&mut self, input: &mut [u8], place: usize) {
        let left = input.len() - place;
        let bounds = [0, left, input.len(), 0xff, 0xffff, u32::MAX as usize];
        let number = (bounds[self.below(6)] + self.below(5)).wrapping_sub(2) as u32;
        let (big, little) = (number.to_be_bytes(), number.to_le_bytes());
        let forms = [&big[3..], &big[2..], &little[..2], &big[..], &little[..]];
        let form = forms[self.below(forms.len())];
        let width = form.len().min(left);
        input[place..place + width].copy_from_slice(&form[..width]);
    }

    /// Goes on with the end of another seed.
    fn splice(&mut self, input: &mut Vec<u8>, place: usize, seeds: &[Vec<u8>]) {
        let other = &seeds[self.below(seeds.len())];
        if !other.is_empty() {
            input.truncate(place);
            input.extend_from_slice(&other[self.below(other.len())..]);
        }
    }

    /// Writes a piece of the input again, many times over.
    fn repeat(&mut self, input: &mut Vec<u8>, place: usize) {
        let end = (place + 1 + self.below(32)).min(input.len());
        let times = [1, 2, 40][self.below(3)];
        let piece = input[place..end].repeat(times);
        input.splice(place..place, piece);
    }
}

// --- seeds -------------------------------------------------------------------------------------------------------

const INVITE: &[u8] = b"INVITE sip:+48601234567@b.example;user=phone SIP/2.0\r\nVia: SIP/2.0/UDP a.example;branch=z9hG4bK1\r\n\
    From: \"A\" <sip:+48221234567@a.example>;tag=1\r\nTo: <sip:+48601234567@b.example>\r\nCall-ID: 1@a.example\r\n\
    CSeq: 1 INVITE\r\nP-Asserted-Identity: <tel:+48221234567>\r\nDiversion: <sip:+48221234568@a.example>;reason=unconditional\r\n\
    History-Info: <sip:1@b>;index=1, <sip:2@b>;index=1.1;cause=302\r\nPrivacy: id\r\nMax-Forwards: 70\r\n\
    Content-Length: 3\r\n\r\nv=0";

const NETWORK: &str = r#"
home = "PL"
emergency = ["116117"]

[[route]]
name = "carrier-a"
class = "international"
peers = ["192.0.2.10", "198.51.100.0/24", "2001:db8::/64"]
point-codes = [4237, "2-17-6"]
network-indicator = "international"
number-format = "auto"
progress-is-alerting = false

[[route]]
name = "otp"
class = "white"
peers = ["203.0.113.5"]
sender = "acme-verify"

[roaming]
file = "roaming.csv"

[billing]
rate-card = "rates.csv"
"#;

const RATE_CARD: &str = "sender,dest_prefix,valid_from,valid_to,tier_from,currency,price,unit\n\
    acme-verify,+49,2026-01-01,2027-01-01,0,EUR,0.0065,attempt\n\
    acme-verify,+49,2026-01-01,2027-01-01,1000000,EUR,0.0052,attempt\n\
    acme-verify,+,2026-01-01,,0,EUR,0.01,alerted\n";

/// Capture files that come with the project.
fn captures() -> Vec<PathBuf> {
    let folders = files(&project("captures"));
    let inputs = folders.iter().flat_map(|folder| files(folder));
    inputs
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("input.pcap")))
        .collect()
}

/// Messages of the project's captures, a few of each kind: those of other lengths than the ones before.
fn messages(is_wanted: fn(&Envelope) -> bool) -> Vec<Vec<u8>> {
    let mut found = BTreeMap::new();
    for path in captures() {
        let mut capture = Capture::open(&[path]).unwrap();
        let mut assembler = Assembler::new(AssembleOptions::default());
        while let Some(frame) = capture.next() {
            assembler.push(frame, &mut |pdu| {
                if is_wanted(&pdu.envelope) && found.len() < MESSAGES_MAX {
                    found.entry(pdu.bytes.len()).or_insert_with(|| pdu.bytes.to_vec());
                }
            });
        }
    }
    found.into_values().collect()
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What is in a folder, by name; nothing when there is none.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn pcap() -> Vec<u8> {
    let mut file = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0].to_vec();
    file.extend([0, 0, 65_535, 1].map(u32::to_le_bytes).concat());
    for micros in 0..3 {
        let frame = ethernet(17, &udp(INVITE));
        let length = frame.len() as u32;
        file.extend([1, micros, length, length].map(u32::to_le_bytes).concat());
        file.extend(frame);
    }
    file
}

fn pcapng() -> Vec<u8> {
    let block = |block_type: u32, body: &[u8]| {
        let body = [body, &[0; 3][..body.len().wrapping_neg() % 4]].concat();
        let length = (12 + body.len() as u32).to_le_bytes();
        [&block_type.to_le_bytes(), &length, &body[..], &length].concat()
    };
    let section = [&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..], &[0xff; 8]].concat();
    let frame = ethernet(17, &udp(INVITE));
    let length = frame.len() as u32;
    let enhanced = [[0, 0, 7, length, length].map(u32::to_le_bytes).concat(), frame.clone()].concat();
    let simple = [length.to_le_bytes().to_vec(), frame].concat();
    let interface = [1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0, 14, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    let foreign = [189, 0, 0, 0, 0, 0, 0, 0];
    [
        block(0x0a0d_0d0a, &section),
        block(1, &interface),
        block(1, &foreign),
        block(6, &enhanced),
        block(3, &simple),
        block(5, b"statistics"),
    ]
    .concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn hep_packet() -> hep::Packet<'static> {
    hep::Packet {
        src: "192.0.2.1:5060".parse().unwrap(),
        dst: "192.0.2.2:5060".parse().unwrap(),
        ip_protocol: 17,
        at: Some(At::from_nanos(1_700_000_000_000_001_000)),
        protocol: hep::SIP,
        agent: 7,
        key: Some(b"word"),
        correlation: Some(b"1@a.example"),
        payload: hep::Payload::Plain(INVITE),
    }
}

/// A message in GRE, VXLAN and GTP-U, behind a tag, labels and a session.
fn wrapped() -> Vec<Vec<u8>> {
    let frame = ethernet(17, &udp(INVITE));
    let ip = &frame[14..];
    let over_udp = |port: u16, head: &[u8], inner: &[u8]| {
        let mut datagram = udp(&[head, inner].concat());
        datagram[2..4].copy_from_slice(&port.to_be_bytes());
        ethernet(17, &datagram)
    };
    let [high, low] = (ip.len() as u16).to_be_bytes();
    vec![
        ethernet(47, &[&[0x30, 0, 0x65, 0x58, 0, 0, 0, 1, 0, 0, 0, 2], &frame[..]].concat()),
        ethernet(47, &[&[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 1, 0, 0, 0, 0], &frame[..]].concat()),
        over_udp(4789, &[8, 0, 0, 0, 0, 0, 1, 0], &frame),
        over_udp(6081, &[1, 0, 0x65, 0x58, 0, 0, 1, 0, 0, 0, 0, 0], &frame),
        over_udp(2152, &[0x34, 255, high, low, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0], ip),
        [&[2; 12][..], &[0x81, 0, 0, 1, 0x88, 0x47, 0, 1, 1, 64, 0, 0, 0, 0], &frame[..]].concat(),
        [&[2; 12][..], &[0x88, 0x64, 0x11, 0, 0, 1, high, low, 0, 0x21], ip].concat(),
    ]
}

/// An input of [`targets::frames`].
fn sequence(link: u8, frames: &[&[u8]]) -> Vec<u8> {
    let mut seed = vec![link];
    for frame in frames {
        push_frame(&mut seed, frame);
    }
    seed
}

fn push_frame(seed: &mut Vec<u8>, frame: &[u8]) {
    let length = u16::try_from(frame.len()).unwrap_or(u16::MAX);
    seed.push(1);
    seed.extend(length.to_be_bytes());
    seed.extend(&frame[..usize::from(length)]);
}

/// Ethernet and IPv4 around a payload of this protocol.
fn ethernet(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let [high, low] = (20 + payload.len() as u16).to_be_bytes();
    let ip = [0x45, 0, high, low, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    [&[2; 12][..], &[8, 0], &ip, payload].concat()
}

fn udp(payload: &[u8]) -> Vec<u8> {
    let [high, low] = (8 + payload.len() as u16).to_be_bytes();
    [&[0x13, 0xc4, 0x13, 0xc4, high, low, 0, 0], payload].concat()
}

fn tcp(sequence: u32, payload: &[u8]) -> Vec<u8> {
    let flags = if payload.is_empty() { 2 } else { 0x18 };
    let sequence = sequence.wrapping_sub(u32::from(payload.is_empty())).to_be_bytes();
    [&[0x13, 0xc4, 0x13, 0xc4], &sequence[..], &[0; 4], &[0x50, flags, 0xff, 0xff, 0, 0, 0, 0], payload]
        .concat()
}

const LABEL: RoutingLabel =
    RoutingLabel { standard: Mtp::Itu, opc: 100, dpc: 200, network_indicator: 2, sls: 1 };

fn iam() -> Vec<u8> {
    let mut message =
        vec![1, 0, 0x01, 0x00, 0x60, 0x01, 0x0a, 0x03, 2, 9, 7, 0x03, 0x10, 0x84, 0x06, 0x21, 0x43, 0x65];
    message.extend([
        0x0a, 7, 0x04, 0x13, 0x84, 0x22, 0x21, 0x43, 0x65, 0x0b, 4, 0x04, 0x10, 0x21, 0x43, 0x13, 2, 0, 1,
        0x3d, 1, 9, 0,
    ]);
    message
}

fn m3ua_message() -> Vec<u8> {
    let user = iam();
    let mut message = Vec::new();
    m3ua::ProtocolData { label: LABEL, service_indicator: 5, priority: 0, user: &user }.emit(&mut message);
    message
}

fn mtp3_message() -> Vec<u8> {
    let mut message = Vec::new();
    mtp3::Message { service_indicator: 5, label: LABEL, user: &iam() }.emit(&mut message);
    message
}

/// An IP packet with one message of ISUP, its checksum left to be filled in.
fn exchange_packet(label: RoutingLabel, tsn: u32, user: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    m3ua::ProtocolData { label, service_indicator: 5, priority: 0, user }.emit(&mut payload);
    let mut packet = Vec::new();
    sctp::Header { src_port: 2905, dst_port: 2905, verification_tag: label.opc }.emit(&mut packet);
    let (first, last, unordered) = (true, true, false);
    let data = sctp::Data {
        tsn,
        stream: 1,
        stream_sequence: 1,
        protocol: 3,
        first,
        last,
        unordered,
        payload: &payload,
    };
    data.emit(&mut packet);
    ethernet(132, &packet).split_off(14)
}

fn sctp_packet() -> Vec<u8> {
    let mut packet = Vec::new();
    sctp::Header { src_port: 2905, dst_port: 2905, verification_tag: 7 }.emit(&mut packet);
    let message = m3ua_message();
    let (start, end) = message.split_at(20);
    for (tsn, payload) in [(1, start), (2, end), (3, &message)] {
        let (first, last) = (tsn != 2, tsn != 1);
        let data = sctp::Data {
            tsn,
            stream: 1,
            stream_sequence: 1,
            protocol: 3,
            first,
            last,
            unordered: false,
            payload,
        };
        data.emit(&mut packet);
    }
    packet
}
