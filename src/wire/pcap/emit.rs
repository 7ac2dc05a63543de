//! Writing pcapng: a section, an interface for each link type, frames with nanoseconds. draft-ietf-opsawg-pcapng §4.1 to
//! §4.3.

use crate::base::frame::{Frame, Link};
use crate::wire::pcap::ng::{BYTE_ORDER, ENHANCED_PACKET, FRAMING, INTERFACE_DESCRIPTION, SECTION_HEADER};

/// Option `if_tsresol` (§4.2): the power of ten of a tick.
const TIME_RESOLUTION: u16 = 9;
const NANOSECONDS: u8 = 9;

/// LINKTYPE_ value under which frames of this link are written.
#[must_use]
pub const fn number_of(link: Link) -> u16 {
    match link {
        Link::Null => 0,
        Link::Ethernet => 1,
        Link::RawIp => 101,
        Link::LinuxSll => 113,
        Link::Mtp2WithHeader => 139,
        Link::Mtp2 => 140,
        Link::Mtp3 => 141,
        Link::LinuxSll2 => 276,
    }
}

/// Writes what a file begins with.
pub fn section(out: &mut Vec<u8>) {
    let mut body = BYTE_ORDER.to_le_bytes().to_vec();
    body.extend([1, 0, 0, 0]);
    // The length of the section is not known.
    body.extend([0xff; 8]);
    block(SECTION_HEADER, &body, out);
}

/// Writes an interface; the first is number 0. It stands before its frames.
pub fn interface(link: Link, out: &mut Vec<u8>) {
    let mut body = number_of(link).to_le_bytes().to_vec();
    // No limit of length; then the option and the end of options.
    body.extend([0; 6]);
    body.extend(TIME_RESOLUTION.to_le_bytes());
    body.extend([1, 0, NANOSECONDS, 0, 0, 0, 0, 0, 0, 0]);
    block(INTERFACE_DESCRIPTION, &body, out);
}

/// Writes a frame of an interface.
pub fn frame(interface: u32, frame: &Frame<'_>, out: &mut Vec<u8>) {
    let nanos = frame.at.nanos();
    let captured = u32::try_from(frame.bytes.len()).unwrap_or(u32::MAX);
    let mut body = interface.to_le_bytes().to_vec();
    for word in [(nanos >> 32) as u32, nanos as u32, captured, frame.wire_length] {
        body.extend(word.to_le_bytes());
    }
    body.extend_from_slice(frame.bytes);
    block(ENHANCED_PACKET, &body, out);
}

fn block(kind: u32, body: &[u8], out: &mut Vec<u8>) {
    let padding = body.len().wrapping_neg() & 3;
    let body_length = u32::try_from(body.len().saturating_add(padding)).unwrap_or(u32::MAX);
    let length = body_length.saturating_add(FRAMING).to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(length);
    out.extend_from_slice(body);
    out.extend(std::iter::repeat_n(0, padding));
    out.extend(length);
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::base::time::At;
    use crate::wire::pcap::{Parser, Step, link_of};
    use proptest::prelude::*;

    const LINKS: [Link; 8] = [
        Link::Null,
        Link::Ethernet,
        Link::RawIp,
        Link::LinuxSll,
        Link::Mtp2WithHeader,
        Link::Mtp2,
        Link::Mtp3,
        Link::LinuxSll2,
    ];

    #[test]
    fn every_link_is_read_back() {
        for link in LINKS {
            assert_eq!(link_of(number_of(link).into()), Some(link));
        }
    }

    proptest! {
        #[test]
        fn frames_are_read_back(
            frames in prop::collection::vec((any::<u64>(), 0usize..8, any::<Vec<u8>>(), 0u32..9), 0..10),
        ) {
            let mut file = Vec::new();
            section(&mut file);
            LINKS.into_iter().for_each(|link| interface(link, &mut file));
            for (at, link, bytes, more) in &frames {
                let wire_length = bytes.len() as u32 + more;
                let frame =
                    Frame { at: At::from_nanos(*at), number: 1, link: LINKS[*link], bytes, wire_length };
                super::frame(*link as u32, &frame, &mut file);
            }
            let (mut parser, mut rest, mut read) = (Parser::default(), &file[..], Vec::new());
            while !rest.is_empty() {
                match parser.step(rest).unwrap() {
                    Step::Record { record, consumed } => {
                        let bytes = rest[record.start..record.start + record.length].to_vec();
                        read.push((record.at, record.link, bytes, record.wire_length));
                        rest = &rest[consumed..];
                    }
                    Step::Skip { consumed } => rest = &rest[consumed..],
                    other => panic!("{other:?}"),
                }
            }
            let written: Vec<_> = frames
                .iter()
                .map(|(at, link, bytes, more)| {
                    (At::from_nanos(*at), LINKS[*link], bytes.clone(), bytes.len() as u32 + more)
                })
                .collect();
            prop_assert_eq!(read, written);
        }
    }
}
