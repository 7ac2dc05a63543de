//! Files in every packing, cut and damaged, and merged.

use std::io::{self, Cursor, Read, Write};
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::base::fault::{Kind, Layer};

/// A classic little-endian Ethernet file with these times in microseconds and frames.
fn pcap(frames: &[(u32, &[u8])]) -> Vec<u8> {
    let mut file = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0].to_vec();
    file.extend([0, 0, 65_535, 1].map(u32::to_le_bytes).concat());
    for (micros, frame) in frames {
        let length = frame.len() as u32;
        file.extend([micros / 1_000_000, micros % 1_000_000, length, length].map(u32::to_le_bytes).concat());
        file.extend(*frame);
    }
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut packer = zstd::Encoder::new(Vec::new(), 1).unwrap();
    packer.include_checksum(true).unwrap();
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// Hands out at most `chunk` octets a read.
struct Dripping {
    input: Cursor<Vec<u8>>,
    chunk: usize,
}

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.chunk);
        self.input.read(&mut buffer[..count])
    }
}

fn open(file: &[u8]) -> Result<Capture, CaptureError> {
    Capture::from_reader("test.pcap", Cursor::new(file.to_vec()))
}

/// Time, number and bytes of every frame.
fn drain(capture: &mut Capture) -> Vec<(u64, u64, Vec<u8>)> {
    let mut frames = Vec::new();
    while let Some(frame) = capture.next() {
        frames.push((frame.at.nanos(), frame.number, frame.bytes.to_vec()));
    }
    frames
}

const FRAMES: [(u32, &[u8]); 3] = [(1, b"one"), (2, b"two"), (4_000_000, b"three")];

fn expected() -> Vec<(u64, u64, Vec<u8>)> {
    let frame = |at, number, text: &[u8]| (at, number, text.to_vec());
    vec![frame(1_000, 1, b"one"), frame(2_000, 2, b"two"), frame(4_000_000_000, 3, b"three")]
}

#[test]
fn plain_and_packed() {
    let file = pcap(&FRAMES);
    let (head, tail) = file.split_at(50);
    let skippable = [&[0x52, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 7, 7][..], &zstd(&file)].concat();
    let packings = [
        file.clone(),
        gzip(&file),
        [gzip(head), gzip(tail)].concat(),
        zstd(&file),
        [zstd(head), zstd(tail)].concat(),
        skippable,
    ];
    for packed in packings {
        let mut capture = open(&packed).unwrap();
        assert_eq!(drain(&mut capture), expected());
        assert!(capture.next().is_none());
        assert_eq!(capture.bytes_read(), packed.len() as u64);
        assert_eq!((capture.faults().nonzero().count(), capture.problems().len()), (0, 0));
    }
}

#[test]
fn a_cut_file_gives_its_whole_records() {
    let file = pcap(&FRAMES);
    let mut capture = open(&file[..file.len() - 1]).unwrap();
    assert_eq!(drain(&mut capture), expected()[..2]);
    assert_eq!(capture.faults().of(Layer::File, Kind::Truncated), 1);
    assert_eq!(
        capture.problems(),
        ["test.pcap: at octet 82: ends within a record; 2 frames before it were read"]
    );
}

#[test]
fn a_cut_packed_file_gives_what_unpacks() {
    let frame = [0x55; 500];
    let file = pcap(&[(1, &frame[..]); 4000]);
    for packed in [gzip(&file), zstd(&file)] {
        let mut capture = open(&packed[..packed.len() - 1]).unwrap();
        assert!(drain(&mut capture).len() > 3000);
        assert_eq!(capture.faults().of(Layer::File, Kind::Truncated), 1);
        assert!(capture.problems()[0].contains("ends within a record"));
    }
}

#[test]
fn a_damaged_packed_file_is_counted() {
    let mut state = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(800_000)
    .collect();
    let frames: Vec<(u32, &[u8])> = noise.chunks(50_000).map(|frame| (5_000_000, frame)).collect();
    let file = [pcap(&FRAMES), pcap(&frames)[24..].to_vec()].concat();
    for mut packed in [gzip(&file), zstd(&file)] {
        let middle = packed.len() - 40;
        packed[middle..middle + 8].fill(0xff);
        let mut capture = open(&packed).unwrap();
        assert!(drain(&mut capture).len() >= 3);
        assert_eq!((capture.faults().nonzero().count(), capture.problems().len()), (1, 1));
    }
}

#[test]
fn a_corrupt_record_ends_its_file_only() {
    let mut bad = pcap(&[(1, b"one"), (2, b"two")]);
    bad[24 + 16 + 3 + 11] = 0x80;
    let mut capture = open(&bad).unwrap();
    assert_eq!(drain(&mut capture), expected()[..1]);
    assert_eq!(capture.faults().of(Layer::File, Kind::BadLength), 1);
    assert_eq!(
        capture.problems(),
        ["test.pcap: at octet 51: a length that cannot be true; 1 frames before it were read"]
    );
}

#[test]
fn skips_blocks_longer_than_the_buffer() {
    let block = |block_type: u32, body: &[u8]| {
        let length = 12 + body.len() as u32;
        [&block_type.to_le_bytes(), &length.to_le_bytes(), body, &length.to_le_bytes()].concat()
    };
    let section =
        block(0x0a0d_0d0a, &[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    let interface = block(1, &[1, 0, 0, 0, 0, 0, 0, 0]);
    let foreign = block(1, &[189, 0, 0, 0, 0, 0, 0, 0]);
    let packet = |number: u8| {
        block(6, &[[number, 0, 0, 0], [0; 4], [9, 0, 0, 0], [4, 0, 0, 0], [4, 0, 0, 0], *b"text"].concat())
    };
    let long = block(0x0bad, &vec![1; 3_000_000]);
    let file = [section, interface, foreign, packet(0), long, packet(1), packet(0)].concat();
    let mut capture = open(&file).unwrap();
    assert_eq!(drain(&mut capture), [(9_000, 1, b"text".to_vec()), (9_000, 2, b"text".to_vec())]);
    assert_eq!(capture.faults().of(Layer::File, Kind::Unsupported), 1);
    assert_eq!(
        capture.problems(),
        ["test.pcap: 1 frames of link type 189, which is not read, were passed over"]
    );
    let mut cut = open(&file[..1_000_000]).unwrap();
    assert_eq!(drain(&mut cut).len(), 1);
    assert_eq!(cut.faults().of(Layer::File, Kind::Truncated), 1);
}

fn write_files(files: &[Vec<u8>]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..files.len()).map(|number| folder.path().join(format!("{number}.pcap"))).collect();
    for (path, file) in paths.iter().zip(files) {
        std::fs::write(path, file).unwrap();
    }
    (folder, paths)
}

#[test]
fn merges_by_time_then_by_order_given() {
    let first = pcap(&[(10, b"a"), (30, b"c"), (20, b"late"), (50, b"f")]);
    let second = gzip(&pcap(&[(20, b"b"), (30, b"d"), (40, b"e")]));
    let total = first.len() + second.len() + pcap(&[]).len();
    let (_folder, paths) = write_files(&[first, pcap(&[]), second]);
    let mut capture = Capture::open(&paths).unwrap();
    assert_eq!(capture.total_bytes(), Some(total as u64));
    let frames = drain(&mut capture);
    let texts: Vec<_> = frames.iter().map(|frame| String::from_utf8_lossy(&frame.2)).collect();
    assert_eq!(texts, ["a", "b", "c", "late", "d", "e", "f"]);
    let times: Vec<_> = frames.iter().map(|frame| frame.0 / 1_000).collect();
    assert_eq!(times, [10, 20, 30, 30, 30, 40, 50]);
    assert_eq!(frames.iter().map(|frame| frame.1).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(capture.faults().of(Layer::File, Kind::ClockBackwards), 1);
    assert_eq!((capture.bytes_read(), capture.frames()), (total as u64, 7));
}

#[test]
fn refuses_with_a_reason_and_an_exit_code() {
    let mut modified = pcap(&[]);
    modified[..4].copy_from_slice(&[0x34, 0xcd, 0xb2, 0xa1]);
    let mut foreign = pcap(&[]);
    foreign[20] = 189;
    let cases: [(&[u8], u8, &str); 7] = [
        (b"", 65, "not a capture"),
        (b"INVITE sip:x SIP/2.0\r\n", 65, "not a capture"),
        (&pcap(&[])[..20], 65, "not a capture"),
        (&modified, 65, "editcap"),
        (&foreign, 65, "link type 189"),
        (&gzip(b"")[..], 65, "not a capture"),
        (&[0x1f, 0x8b, 8, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff], 65, "test.pcap"),
    ];
    for (file, code, text) in cases {
        let error = open(file).err().unwrap();
        assert_eq!(error.exit_code(), code, "{error}");
        assert!(error.to_string().contains(text), "{error}");
    }
    let missing = Capture::open(&["/nowhere/at/all.pcap"]).err().unwrap();
    assert_eq!((missing.exit_code(), missing.to_string().contains("no such file")), (66, true));
    let folder = tempfile::tempdir().unwrap();
    let error = Capture::open(&[folder.path()]).err().unwrap();
    assert_eq!(error.exit_code(), 74, "{error}");
}

#[test]
fn one_damaged_time_does_not_put_the_rest_in_the_past() {
    let times = |seconds: &[u32]| -> (Vec<u64>, u64, u64) {
        let mut file = pcap(&[]);
        for second in seconds {
            file.extend([*second, 0, 1, 1].map(u32::to_le_bytes).concat());
            file.push(b'x');
        }
        let mut capture = open(&file).unwrap();
        let mut seen = Vec::new();
        while let Some(frame) = capture.next() {
            seen.push(frame.at.nanos() / 1_000_000_000);
        }
        let count = |kind| capture.faults().of(Layer::File, kind);
        (seen, count(Kind::ClockForwards), count(Kind::ClockBackwards))
    };
    assert_eq!(times(&[10, 4_000_000_000, 11, 12]), (vec![10, 10, 11, 12], 1, 0));
    assert_eq!(times(&[0, 1_700_000_000, 1_700_000_001]), (vec![0, 0, 1_700_000_001], 1, 0));
    assert_eq!(times(&[20, 10, 30]), (vec![20, 20, 30], 0, 1));
    // A clock set back: time goes on at its pace, and is the clock's own again once that has caught up.
    assert_eq!(times(&[100, 60, 63, 70, 130, 131]), (vec![100, 100, 103, 110, 130, 131], 0, 3));
    // One frame an hour ahead shifts what follows, but no time between two frames.
    assert_eq!(times(&[10, 3_610, 11, 12, 20]), (vec![10, 3_610, 3_610, 3_611, 3_619], 0, 3));
}

proptest! {
    #[test]
    fn any_chunking_gives_the_same_frames(
        lengths in prop::collection::vec(0usize..3000, 1..40), chunk in 1usize..5000, packing in 0..3, cut in 0usize..40,
    ) {
        let noise: Vec<u8> = (0..3000u32).map(|number| number as u8).collect();
        let frames: Vec<(u32, &[u8])> = lengths.iter().map(|length| (5, &noise[..*length])).collect();
        let file = pcap(&frames);
        let file = match packing { 0 => file, 1 => gzip(&file), _ => zstd(&file) };
        let file = &file[..file.len() - cut.min(file.len() / 2)];
        let Ok(mut whole) = open(file) else { return Ok(()) };
        let dripping = Dripping { input: Cursor::new(file.to_vec()), chunk };
        let mut drip = Capture::from_reader("test.pcap", dripping).unwrap();
        prop_assert_eq!(drain(&mut whole), drain(&mut drip));
        prop_assert_eq!(whole.faults(), drip.faults());
        prop_assert_eq!(whole.problems(), drip.problems());
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), packing in 0..3) {
        let file = [pcap(&FRAMES), bytes].concat();
        let file = match packing { 0 => file, 1 => gzip(&file), _ => zstd(&file) };
        prop_assert!(drain(&mut open(&file).unwrap()).len() >= 3);
    }
}
