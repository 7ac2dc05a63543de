//! Files that are written while they are read.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::thread;

use tollgate::assemble::{Skip, Wrappers};
use tollgate::base::fault::{Kind, Layer};
use tollgate::base::frame::Link;
use tollgate::base::time::At;
use tollgate::source::growing::{self, Begin, GrowingOptions};
use tollgate::source::{Inlet, Running, queue};

use super::{Seen, await_that, frames, messages, take};

type Frames = [(At, Link, Vec<u8>)];

fn follow(path: &Path, begin: Begin) -> (Running, Inlet) {
    let (outlet, inlet) = queue(64);
    let options = GrowingOptions { path: path.to_owned(), begin, ..GrowingOptions::default() };
    (growing::run(&options, &outlet).unwrap(), inlet)
}

fn link_type(link: Link) -> u32 {
    match link {
        Link::Ethernet => 1,
        Link::LinuxSll => 113,
        Link::RawIp => 101,
        Link::LinuxSll2 => 276,
        other => panic!("{other:?}"),
    }
}

/// A pcap file with nanoseconds.
fn pcap(frames: &Frames) -> Vec<u8> {
    let mut file = [0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0].to_vec();
    file.extend([0, 0, 262_144, link_type(frames[0].1)].map(u32::to_le_bytes).concat());
    for (at, _, bytes) in frames {
        let (seconds, nanos) = ((at.nanos() / 1_000_000_000) as u32, (at.nanos() % 1_000_000_000) as u32);
        let length = bytes.len() as u32;
        file.extend([seconds, nanos, length, length].map(u32::to_le_bytes).concat());
        file.extend(bytes);
    }
    file
}

/// A pcapng file with nanoseconds, and blocks that are passed over.
fn pcapng(frames: &Frames) -> Vec<u8> {
    let block = |block_type: u32, body: &[u8]| {
        let body = [body, &[0; 3][..body.len().wrapping_neg() % 4]].concat();
        let length = (12 + body.len() as u32).to_le_bytes();
        [&block_type.to_le_bytes(), &length, &body[..], &length].concat()
    };
    let section = [&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..], &[0xff; 8]].concat();
    let interface =
        [&[link_type(frames[0].1) as u8, 0, 0, 0, 0, 0, 4, 0][..], &[9, 0, 1, 0, 9, 0, 0, 0]].concat();
    let mut file = [block(0x0a0d_0d0a, &section), block(1, &interface)].concat();
    for (at, _, bytes) in frames {
        let length = bytes.len() as u32;
        let fixed = [0, (at.nanos() >> 32) as u32, at.nanos() as u32, length, length];
        file.extend(block(6, &[&fixed.map(u32::to_le_bytes).concat(), &bytes[..]].concat()));
        file.extend(block(5, b"statistics"));
    }
    file
}

/// Appends in pieces of odd lengths, so that most end within a record.
fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    let mut rest = bytes;
    for step in (1..).map(|index: usize| index * 7919 % 611 + 1) {
        let (piece, tail) = rest.split_at(step.min(rest.len()));
        file.write_all(piece).unwrap();
        rest = tail;
        if rest.is_empty() {
            break;
        }
        thread::yield_now();
    }
}

#[test]
fn each_record_comes_once_however_the_file_grows() {
    let (frames, expected) = (frames("sip-wangiri"), messages("sip-wangiri"));
    for (name, bytes) in [("a.pcap", pcap(&frames)), ("a.pcapng", pcapng(&frames))] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(name);
        let (running, inlet) = follow(directory.path(), Begin::NewestFile);
        let seen = thread::scope(|scope| {
            scope.spawn(|| append(&path, &bytes));
            take(&inlet, expected.len())
        });
        assert!(seen == expected, "{name}");
        let counts = running.stop();
        assert_eq!((counts.packets, counts.opened), (frames.len() as u64, 1), "{name}");
        assert_eq!(counts.faults.nonzero().collect::<Vec<_>>(), [], "{name}");
    }
}

#[test]
fn the_next_file_is_read_when_the_one_before_is_at_its_end() {
    let (frames, expected) = (frames("sip-wangiri"), messages("sip-wangiri"));
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("0.pcap"), pcap(&frames[..5])).unwrap();
    let old = File::options().write(true).open(path("0.pcap")).unwrap();
    old.set_modified(std::time::UNIX_EPOCH).unwrap();
    let (first, second, third) = (&frames[..20], &frames[20..31], &frames[31..]);
    // The first ends within a record.
    let mut bytes = pcap(first);
    bytes.extend(&pcap(second)[24..50]);
    append(&path("1.pcap"), &bytes);

    let (running, inlet) = follow(&path("*.pcap"), Begin::NewestFile);
    let mut seen = Vec::new();
    super::take_until(&inlet, &mut seen, |seen: &[Seen]| seen.len() >= messages_of(first, &expected));
    fs::rename(path("1.pcap"), path("1.pcap.old")).unwrap();
    append(&path("2.pcap"), &pcapng(second));
    append(&path("3.pcap"), &pcap(third));
    super::take_until(&inlet, &mut seen, |seen: &[Seen]| seen.len() >= expected.len());
    assert!(seen == expected);
    let counts = running.stop();
    assert_eq!(
        (counts.packets, counts.opened),
        (frames.len() as u64, 3),
        "the one before the newest is not read"
    );
    assert_eq!(counts.faults.nonzero().collect::<Vec<_>>(), [("file", "truncated", 1)]);
}

/// How many messages are in the first frames: those not later than the last of them.
fn messages_of(frames: &Frames, messages: &[Seen]) -> usize {
    let last = frames.last().unwrap().0;
    messages.iter().filter(|message| message.at <= last).count()
}

#[test]
fn a_file_written_anew_is_read_from_its_start() {
    let (frames, expected) = (frames("sip-wangiri"), messages("sip-wangiri"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("ring0");
    append(&path, &pcap(&frames[..30]));
    let (running, inlet) = follow(&path, Begin::NewestFile);
    let mut seen = Vec::new();
    let first = messages_of(&frames[..30], &expected);
    super::take_until(&inlet, &mut seen, |seen: &[Seen]| seen.len() >= first);
    // Shorter than what was read at first, then longer.
    File::create(&path).unwrap();
    await_that("the cut is seen", || running.counts().interrupted == 1);
    append(&path, &pcap(&frames[30..]));
    super::take_until(&inlet, &mut seen, |seen: &[Seen]| seen.len() >= expected.len());
    assert!(seen == expected);
    assert_eq!(running.stop().faults.nonzero().count(), 0);
}

#[test]
fn all_files_from_the_oldest_and_what_is_no_capture() {
    let (frames, expected) = (frames("sip-wangiri"), messages("sip-wangiri"));
    let directory = tempfile::tempdir().unwrap();
    for (index, part) in [&frames[..7], &frames[7..9], &frames[9..]].into_iter().enumerate() {
        // The names are in the other order than the times.
        let path = directory.path().join(format!("{}.pcap", 9 - index));
        fs::write(&path, pcap(part)).unwrap();
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000 + 2 * index as u64);
        File::options().write(true).open(&path).unwrap().set_modified(at).unwrap();
    }
    let text = directory.path().join("notes");
    fs::write(&text, "this is no capture at all").unwrap();
    let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_001);
    File::options().write(true).open(&text).unwrap().set_modified(at).unwrap();
    let (running, inlet) = follow(directory.path(), Begin::AllFiles);
    assert!(take(&inlet, expected.len()) == expected);
    let counts = running.stop();
    assert_eq!((counts.opened, counts.faults.of(Layer::File, Kind::NotRecognised)), (4, 1));
}

#[test]
fn a_directory_that_is_not_there_is_named() {
    let (outlet, _inlet) = queue(1);
    let options = GrowingOptions { path: "/nowhere/at/all/*.pcap".into(), ..GrowingOptions::default() };
    let error = growing::run(&options, &outlet).unwrap_err();
    assert!(error.to_string().starts_with("/nowhere/at/all: "), "{error}");
}

/// Ethernet frames as a mirror at 203.0.113.9 sends them in VXLAN.
fn mirrored(frames: &Frames) -> Vec<(At, Link, Vec<u8>)> {
    let wrapped = frames.iter().map(|(at, link, bytes)| {
        assert_eq!(*link, Link::Ethernet);
        let length = |more: usize| ((bytes.len() + more) as u16).to_be_bytes();
        let ip =
            [&[0x45, 0][..], &length(36), &[0, 0, 0, 0, 64, 17, 0, 0, 203, 0, 113, 9, 192, 0, 2, 1]].concat();
        let udp = [&[0xc0, 0, 0x12, 0xb5][..], &length(16), &[0, 0]].concat();
        let vxlan = [8, 0, 0, 0, 0, 0, 7, 0];
        (*at, Link::RawIp, [&ip, &udp, &vxlan[..], bytes].concat())
    });
    wrapped.collect()
}

#[test]
fn what_somebody_else_wraps_stays_closed() {
    let name = "sip-wangiri";
    let (frames, expected) = (mirrored(&frames(name)), messages(name));
    let wrappers = |named: &str| Wrappers::only(&[named.parse().unwrap()]);
    for (wrappers, is_opened) in
        [(Wrappers::default(), true), (wrappers("203.0.113.9/32"), true), (wrappers("203.0.113.8/32"), false)]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pcap");
        fs::write(&path, pcap(&frames)).unwrap();
        let mut options = GrowingOptions { path, begin: Begin::AllFiles, ..GrowingOptions::default() };
        options.feed.assemble.wrappers = wrappers;
        let (outlet, inlet) = queue(64);
        let running = growing::run(&options, &outlet).unwrap();
        if is_opened {
            assert!(take(&inlet, expected.len()) == expected);
        } else {
            await_that("all frames are read", || running.counts().packets == frames.len() as u64);
        }
        let counts = running.stop();
        let not_opened = if is_opened { 0 } else { frames.len() as u64 };
        let pdus = if is_opened { expected.len() as u64 } else { 0 };
        assert_eq!((counts.skips.of(Skip::NotOpened), counts.pdus), (not_opened, pdus));
    }
}
