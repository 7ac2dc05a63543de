//! Chunks that say what becomes of an association or of its data. RFC 9260 §3.3.3, §3.3.7, §3.3.9, §3.3.13; RFC 3758 §3.2;
//! RFC 8260 §2.3.1.

use super::Chunk;
use crate::base::fault::Layer;
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

const INIT_ACK: u8 = 2;
const ABORT: u8 = 6;
const SHUTDOWN_ACK: u8 = 8;
const SHUTDOWN_COMPLETE: u8 = 14;
const FORWARD_TSN: u8 = 192;
const I_FORWARD_TSN: u8 = 194;

/// What a chunk says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control<'a> {
    /// The association ends.
    End {
        /// T bit: the packet's tag is that of the other direction, because its sender knew no better (RFC 9260 §8.5.1).
        is_reflected: bool,
    },
    /// The sender gives up on messages.
    Forward(Forward<'a>),
    /// INIT ACK: an association begins.
    Opened {
        /// Tag of the packets that will answer this one.
        answer_tag: u32,
    },
}

/// What a sender gives up on (FORWARD-TSN, I-FORWARD-TSN).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward<'a> {
    /// The receiver counts all numbers up to this one as received.
    pub cumulative: u32,
    /// I-FORWARD-TSN: entries hold message identifiers of I-DATA, not stream sequence numbers of DATA.
    pub is_interleaved: bool,
    entries: &'a [u8],
}

/// Up to where a stream is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Stream identifier.
    pub stream: u16,
    /// Of the unordered messages (I-FORWARD-TSN only).
    pub unordered: bool,
    /// Last stream sequence number or message identifier that will not come.
    pub sequence: u32,
}

impl<'a> Control<'a> {
    /// Reads a chunk. `None` when it says nothing of this kind.
    ///
    /// # Errors
    /// [`Kind::Truncated`](crate::base::fault::Kind::Truncated) when its fixed part is cut.
    pub fn parse(chunk: Chunk<'a>) -> Result<Option<Self>, DecodeError> {
        let mut cursor = Cursor::new(Layer::Sctp, chunk.value);
        Ok(Some(match chunk.kind {
            ABORT | SHUTDOWN_COMPLETE => Self::End { is_reflected: chunk.flags & 1 != 0 },
            SHUTDOWN_ACK => Self::End { is_reflected: false },
            INIT_ACK => Self::Opened { answer_tag: cursor.u32()? },
            FORWARD_TSN | I_FORWARD_TSN => {
                let cumulative = cursor.u32()?;
                let is_interleaved = chunk.kind == I_FORWARD_TSN;
                Self::Forward(Forward { cumulative, is_interleaved, entries: cursor.rest() })
            }
            _ => return Ok(None),
        }))
    }
}

impl Forward<'_> {
    /// Its streams, in order; a part of an entry at the end is passed over.
    pub fn streams(&self) -> impl Iterator<Item = Passed> {
        let mut cursor = Cursor::new(Layer::Sctp, self.entries);
        let is_interleaved = self.is_interleaved;
        let mut read = move || {
            let stream = cursor.u16()?;
            if is_interleaved {
                let flags = cursor.u16()?;
                return Ok(Passed { stream, unordered: flags & 1 != 0, sequence: cursor.u32()? });
            }
            Ok::<_, DecodeError>(Passed { stream, unordered: false, sequence: u32::from(cursor.u16()?) })
        };
        std::iter::from_fn(move || read().ok())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;
    use proptest::prelude::*;

    fn read(kind: u8, flags: u8, value: &[u8]) -> Option<Control<'_>> {
        Control::parse(Chunk { kind, flags, value }).unwrap()
    }

    #[test]
    fn knows_how_an_association_begins_and_ends() {
        assert_eq!(read(INIT_ACK, 0, &[0, 0, 0, 9, 1]), Some(Control::Opened { answer_tag: 9 }));
        assert_eq!(read(ABORT, 1, &[]), Some(Control::End { is_reflected: true }));
        assert_eq!(read(SHUTDOWN_ACK, 1, &[]), Some(Control::End { is_reflected: false }));
        assert_eq!(read(SHUTDOWN_COMPLETE, 0, &[]), Some(Control::End { is_reflected: false }));
        assert_eq!(read(3, 0, &[0; 12]), None);
        assert!(Control::parse(Chunk { kind: INIT_ACK, flags: 0, value: &[0; 3] }).is_err());
    }

    #[test]
    fn knows_what_a_sender_gives_up_on() {
        let Some(Control::Forward(plain)) = read(FORWARD_TSN, 0, &[0, 0, 1, 0, 0, 2, 0, 7, 0, 3, 0, 8, 9])
        else {
            panic!()
        };
        let passed = |stream, unordered, sequence| Passed { stream, unordered, sequence };
        assert_eq!(plain.cumulative, 256);
        assert_eq!(plain.streams().collect::<Vec<_>>(), [passed(2, false, 7), passed(3, false, 8)]);
        let Some(Control::Forward(wide)) = read(I_FORWARD_TSN, 0, &[0, 0, 1, 0, 0, 2, 0, 1, 0, 1, 0, 7])
        else {
            panic!()
        };
        assert_eq!(wide.streams().collect::<Vec<_>>(), [passed(2, true, 65_543)]);
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(kind: u8, flags: u8, value in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(Some(Control::Forward(forward))) = Control::parse(Chunk { kind, flags, value: &value }) {
                prop_assert!(forward.streams().count() <= value.len() / 4);
            }
        }
    }
}
