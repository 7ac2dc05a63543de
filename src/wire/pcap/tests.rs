#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects)]

use super::*;
use proptest::prelude::*;

fn bytes32(order: Order, number: u32) -> [u8; 4] {
    if order == Order::Little { number.to_le_bytes() } else { number.to_be_bytes() }
}

fn bytes16(order: Order, number: u16) -> [u8; 2] {
    if order == Order::Little { number.to_le_bytes() } else { number.to_be_bytes() }
}

fn words(order: Order, numbers: &[u32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| bytes32(order, *number)).collect()
}

fn classic(order: Order, magic: u32, link_type: u32) -> Vec<u8> {
    let mut file = bytes32(order, magic).to_vec();
    file.extend([bytes16(order, 2), bytes16(order, 4)].concat());
    file.extend(words(order, &[0, 0, 65_535, link_type]));
    file
}

fn block(order: Order, block_type: u32, body: &[u8]) -> Vec<u8> {
    let padding = body.len().wrapping_neg() % 4;
    let length = bytes32(order, (12 + body.len() + padding) as u32);
    [&bytes32(order, block_type), &length, body, &vec![0; padding], &length].concat()
}

fn section(order: Order) -> Vec<u8> {
    let mut body = bytes32(order, 0x1a2b_3c4d).to_vec();
    body.extend([bytes16(order, 1), bytes16(order, 0)].concat());
    body.extend([0xff; 8]);
    block(order, 0x0a0d_0d0a, &body)
}

fn interface(order: Order, link_type: u16, snap_length: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut body = [bytes16(order, link_type), [0, 0]].concat();
    body.extend(bytes32(order, snap_length));
    for (code, value) in options {
        body.extend([bytes16(order, *code), bytes16(order, value.len() as u16)].concat());
        body.extend(*value);
        body.extend(vec![0; value.len().wrapping_neg() % 4]);
    }
    block(order, 1, &body)
}

fn enhanced(order: Order, interface: u32, ticks: u64, frame: &[u8]) -> Vec<u8> {
    let length = frame.len() as u32;
    let mut body = words(order, &[interface, (ticks >> 32) as u32, ticks as u32, length, length + 1]);
    body.extend(frame);
    block(order, 6, &body)
}

/// Everything a file says: records with their bytes, foreign link types, and how it ends.
#[derive(Debug, Default, PartialEq)]
struct Reading {
    frames: Vec<(u64, Link, Vec<u8>, u32)>,
    foreign: Vec<u32>,
    error: Option<FileError>,
    is_cut: bool,
}

/// Reads a file, giving the parser no more than `window` octets unless it asks for more.
fn read(file: &[u8], window: usize) -> Reading {
    let mut reading = Reading::default();
    let (mut parser, mut position, mut window_now) = (Parser::default(), 0usize, window);
    while position <= file.len() {
        let rest = &file[position..];
        let consumed = match parser.step(&rest[..window_now.min(rest.len())]) {
            Ok(Step::Record { record, consumed }) => {
                let bytes = rest[record.start..record.start + record.length].to_vec();
                reading.frames.push((record.at.nanos(), record.link, bytes, record.wire_length));
                consumed
            }
            Ok(Step::Skip { consumed }) => consumed,
            Ok(Step::Foreign { link_type, consumed }) => {
                reading.foreign.push(link_type);
                consumed
            }
            Ok(Step::Need(count)) if count <= rest.len() => {
                assert!(count > window_now && count <= MAX_UNIT as usize);
                window_now = count;
                continue;
            }
            Ok(Step::Need(_)) => {
                reading.is_cut = !rest.is_empty() || parser.is_within();
                return reading;
            }
            Err(error) => {
                reading.error = Some(error);
                return reading;
            }
        };
        assert!(consumed > 0, "a step that does not move on");
        position += consumed;
        window_now = window;
    }
    reading.is_cut = true;
    reading
}

#[test]
fn classic_in_both_orders_and_precisions() {
    for order in [Order::Big, Order::Little] {
        for (magic, nanos) in [(0xa1b2_c3d4, 7_000_001_000), (0xa1b2_3c4d, 7_000_000_001)] {
            let mut file = classic(order, magic, 0xf000_0001);
            file.extend(words(order, &[7, 1, 3, 90]));
            file.extend(b"abc");
            file.extend(words(order, &[u32::MAX, 999_999, 0, 0]));
            let reading = read(&file, 0);
            assert_eq!(reading.frames[0], (nanos, Link::Ethernet, b"abc".to_vec(), 90));
            assert_eq!(reading.frames[1].2, b"");
            assert_eq!((reading.frames.len(), reading.error, reading.is_cut), (2, None, false));
        }
    }
}

#[test]
fn classic_refusals() {
    let malformed_at = |offset, kind| Some(malformed(offset, kind));
    assert_eq!(read(b"", 0), Reading::default());
    assert_eq!(read(b"INVITE sip:", 0).error, Some(FileError::NotACapture));
    assert_eq!(read(&classic(Order::Big, 0xa1b2_cd34, 1), 0).error, malformed_at(0, Kind::Unsupported));
    assert_eq!(read(&classic(Order::Big, 0xa1b2_c3d4, 189), 0).error, Some(FileError::UnknownLinkType(189)));
    let mut old = classic(Order::Big, 0xa1b2_c3d4, 1);
    old[7] = 3;
    assert_eq!(read(&old, 0).error, malformed_at(4, Kind::Unsupported));
    let mut file = classic(Order::Little, 0xa1b2_c3d4, 1);
    assert!(read(&file[..23], 0).is_cut);
    file.extend(words(Order::Little, &[7, 1, MAX_CAPTURED, MAX_CAPTURED]));
    assert!(read(&file, 0).is_cut);
    file.extend(vec![0; MAX_CAPTURED as usize]);
    assert_eq!(read(&file, 0).frames.len(), 1);
    file.extend(words(Order::Little, &[7, 1, MAX_CAPTURED + 1, 0]));
    assert_eq!(read(&file, 0).error, malformed_at(8, Kind::BadLength));
}

#[test]
fn ng_sections_interfaces_and_units() {
    use Order::{Big, Little};
    let offset = 1_000_i64.to_le_bytes();
    let file = [
        section(Big),
        interface(Big, 1, 0, &[]),
        enhanced(Big, 0, 2_000_001, b"microseconds"),
        section(Little),
        interface(Little, 276, 0, &[(2, b"any"), (9, &[9]), (0, b"")]),
        interface(Little, 101, 0, &[(9, &[0x80 | 10])]),
        interface(Little, 141, 0, &[(9, &[12]), (14, &offset)]),
        interface(Little, 139, 0, &[(9, &[127])]),
        block(Little, 4, b"names, passed over"),
        enhanced(Little, 0, 5_000_000_003, b"nanoseconds"),
        enhanced(Little, 1, 1_536, b"1024ths"),
        enhanced(Little, 2, 2_000_000_001_999, b"picoseconds"),
        enhanced(Little, 3, u64::MAX, b""),
    ]
    .concat();
    let frames = read(&file, 0).frames;
    let expected = [
        (2_000_001_000, Link::Ethernet, "microseconds"),
        (5_000_000_003, Link::LinuxSll2, "nanoseconds"),
        (1_500_000_000, Link::RawIp, "1024ths"),
        (1_002_000_000_001, Link::Mtp3, "picoseconds"),
        (1, Link::Mtp2WithHeader, ""),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(at, link, text)| (*at, *link, text.as_bytes().to_vec(), text.len() as u32 + 1))
        .collect();
    assert_eq!(frames, expected);
    assert_eq!(read(&file, 4096).frames, expected);
}

#[test]
fn ng_simple_and_obsolete_packets() {
    let order = Order::Little;
    let obsolete = [words(order, &[0x0003_0000, 0, 4_000_000, 2, 2]), b"ab".to_vec()].concat();
    let simple = [words(order, &[100]), b"cdef".to_vec()].concat();
    let file = [
        section(order),
        interface(order, 1, 4, &[]),
        block(order, 3, &simple),
        block(order, 2, &obsolete),
        block(order, 3, &simple),
    ]
    .concat();
    let reading = read(&file, 0);
    let simple_at = |at| (at, Link::Ethernet, b"cdef".to_vec(), 100);
    let obsolete = (4_000_000_000, Link::Ethernet, b"ab".to_vec(), 2);
    assert_eq!(reading.frames, [simple_at(0), obsolete, simple_at(4_000_000_000)]);
}

#[test]
fn ng_passes_over_foreign_interfaces_beside_known_ones() {
    let order = Order::Big;
    let usb = [section(order), interface(order, 189, 0, &[])].concat();
    let alone = [usb.clone(), enhanced(order, 0, 1, b"usb")].concat();
    assert_eq!(read(&alone, 0).error, Some(FileError::UnknownLinkType(189)));
    let both =
        [usb, interface(order, 1, 0, &[]), enhanced(order, 0, 1, b"usb"), enhanced(order, 1, 2, b"ethernet")]
            .concat();
    let reading = read(&both, 0);
    assert_eq!((reading.foreign, reading.frames.len(), reading.error), (vec![189], 1, None));
}

#[test]
fn ng_damage() {
    let order = Order::Little;
    let begin = [section(order), interface(order, 1, 0, &[])].concat();
    let error_after = |damage: &[u8]| read(&[&begin, damage].concat(), 0).error;
    let good = enhanced(order, 0, 1, b"frame");
    let with = |at: usize, value: u8| {
        let mut bad = good.clone();
        bad[at] = value;
        bad
    };
    let length = good.len() as u8;
    assert_eq!(error_after(&with(4, 11)), Some(malformed(4, Kind::BadLength)));
    assert_eq!(error_after(&with(4, length + 1)), Some(malformed(4, Kind::BadLength)));
    assert_eq!(error_after(&with(6, 0xff)), Some(malformed(4, Kind::BadLength)));
    assert_eq!(error_after(&with(8, 1)), Some(malformed(8, Kind::Missing)));
    assert_eq!(error_after(&with(20, 9)), Some(malformed(28, Kind::BadLength)));
    assert_eq!(error_after(&with(good.len() - 4, 0)), Some(malformed(36, Kind::Conflict)));
    let mut passed_over = block(order, 0x0bad, b"data");
    assert_eq!(error_after(&passed_over), None);
    assert!(read(&[&begin[..], &passed_over[..12]].concat(), 0).is_cut);
    passed_over[12] = 0;
    assert_eq!(error_after(&passed_over), Some(malformed(0, Kind::Conflict)));
    let option_too_long = interface(order, 1, 0, &[(9, &[0; 8])]);
    assert_eq!(error_after(&option_too_long), Some(malformed(28, Kind::BadLength)));
    let mut second_version = section(order);
    second_version[12] = 2;
    assert_eq!(error_after(&second_version), Some(malformed(12, Kind::Unsupported)));
}

/// A file with every kind of block, to be damaged.
fn sample(is_ng: bool) -> Vec<u8> {
    let order = Order::Little;
    if is_ng {
        return [
            section(order),
            interface(order, 1, 0, &[(9, &[6]), (14, &[0; 8])]),
            interface(order, 189, 0, &[]),
            block(order, 5, b"statistics"),
            enhanced(order, 0, 1, b"one"),
            enhanced(order, 1, 2, b"foreign"),
            block(order, 3, &[3, 0, 0, 0, 1, 2, 3]),
            section(Order::Big),
            interface(Order::Big, 1, 0, &[]),
            enhanced(Order::Big, 0, 3, b"two"),
        ]
        .concat();
    }
    let mut file = classic(order, 0xa1b2_c3d4, 1);
    for text in ["one", "two", "three"] {
        file.extend(words(order, &[1, 2, text.len() as u32, 60]));
        file.extend(text.as_bytes());
    }
    file
}

proptest! {
    #[test]
    fn any_bytes_any_window(bytes in prop::collection::vec(any::<u8>(), 0..200), window in 0usize..100) {
        for begin in [b"".to_vec(), sample(false), sample(true)] {
            let file = [begin, bytes.clone()].concat();
            prop_assert_eq!(read(&file, window), read(&file, usize::MAX));
        }
    }

    #[test]
    fn any_damage_any_window(
        is_ng: bool, hits in prop::collection::vec((any::<usize>(), any::<u8>()), 0..4), window in 0usize..100,
    ) {
        let mut file = sample(is_ng);
        for (place, value) in hits {
            let place = place % file.len();
            file[place] = value;
        }
        prop_assert_eq!(read(&file, window), read(&file, usize::MAX));
    }
}
