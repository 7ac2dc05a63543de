//! One direction of a WebSocket connection → SIP messages, one of each WebSocket message. RFC 6455 §5, RFC 7118 §5.
//!
//! In: the octets of a stream from its handshake on, or from any frame on. Control frames between the parts of a message
//! are passed over; masks are taken off. A message in one frame without a mask, as servers send, is handed on without a
//! copy. Compressed messages (RFC 7692) are counted as unsupported. Where the stream makes no sense, it is looked at again
//! at the next segment.

use super::framing::{Found, MESSAGE_MAX};
use super::start_line::{START_LINE_MAX, looks_like_sip};
use crate::base::fault::{Kind, Layer};
use crate::wire::websocket::{Header, Opcode, is_sip_handshake, unmask};

/// Longest handshake, in octets: cookies and tokens of several KiB travel in it.
const HANDSHAKE_MAX: usize = 16 << 10;
/// Octets looked at for a start line in a frame that is met in the middle of a stream.
const GLIMPSE: usize = 1024;
const _: () = assert!(GLIMPSE <= START_LINE_MAX);

/// What a handshake begins with, from either end.
pub(super) const HANDSHAKES: [&[u8]; 2] = [b"GET ", b"HTTP/1."];

/// Reads one direction of one connection.
#[derive(Debug)]
pub(super) struct Reader {
    state: State,
    /// The handshake or frame that is not whole yet.
    held: Vec<u8>,
    /// Octets that `held` must have before it is worth a look.
    need: usize,
    /// Earlier parts of the message.
    message: Vec<u8>,
    /// Octets of a payload still to be passed over.
    skip: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No message begun.
    Between,
    Handshake,
    /// The frames make no sense.
    Lost,
    /// Parts of a message that is not wanted, until its last.
    Refusing,
    /// Parts of a message have come.
    Within,
}

/// What became of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fed {
    /// It goes on.
    Going,
    /// It was no handshake for SIP; [`Reader::take_held`] has what came.
    NoHandshake,
}

impl Reader {
    /// From the handshake on.
    pub fn opening() -> Self {
        Self { state: State::Handshake, held: Vec::new(), need: 0, message: Vec::new(), skip: 0 }
    }

    /// From a frame on.
    pub fn midway() -> Self {
        Self { state: State::Between, ..Self::opening() }
    }

    /// Octets of memory.
    pub fn cost(&self) -> usize {
        self.held.capacity() + self.message.capacity()
    }

    /// A stream that ends here ends within something.
    pub fn is_within(&self) -> bool {
        self.state == State::Within || !self.held.is_empty()
    }

    /// What has come of a handshake that is none.
    pub fn take_held(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    /// Drops what is not whole, because what comes next does not continue it.
    pub fn break_off(&mut self) {
        *self = Self { state: State::Lost, ..Self::opening() };
    }

    /// Takes the next octets of the stream.
    pub fn feed(&mut self, mut data: &[u8], out: &mut impl FnMut(Found<'_>)) -> Fed {
        if self.state == State::Handshake {
            self.held.extend_from_slice(data);
            let Some(end) = head_end(&self.held) else {
                return if self.held.len() < HANDSHAKE_MAX { Fed::Going } else { Fed::NoHandshake };
            };
            if !is_sip_handshake(&self.held[..end]) {
                return Fed::NoHandshake;
            }
            self.state = State::Between;
            let held = std::mem::take(&mut self.held);
            self.frames(&held[end..], out);
            return Fed::Going;
        }
        if self.state == State::Lost {
            if !begins_sip(data) {
                return Fed::Going;
            }
            self.state = State::Between;
        }
        let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(data.len());
        self.skip -= skipped as u64;
        data = &data[skipped..];
        if self.held.is_empty() {
            self.frames(data, out);
            return Fed::Going;
        }
        self.held.extend_from_slice(data);
        if self.held.len() >= self.need {
            let held = std::mem::take(&mut self.held);
            self.frames(&held, out);
        }
        Fed::Going
    }

    /// From the first octet of a frame on. What is not whole at the end is kept.
    fn frames(&mut self, mut bytes: &[u8], out: &mut impl FnMut(Found<'_>)) {
        while !bytes.is_empty() {
            let header = match Header::parse(bytes) {
                Ok(header) => header,
                Err(error) if error.kind == Kind::Truncated => {
                    (self.held, self.need) = (bytes.to_vec(), 0);
                    return;
                }
                Err(error) => {
                    out(Found::Fault(error.layer, error.kind));
                    return self.break_off();
                }
            };
            let rest = &bytes[header.size..];
            let length = usize::try_from(header.length).unwrap_or(usize::MAX);
            if !self.wants(&header, out) {
                self.skip = header.length - rest.len().min(length) as u64;
                bytes = rest.get(length..).unwrap_or_default();
                continue;
            }
            let Some((payload, tail)) = rest.split_at_checked(length) else {
                (self.held, self.need) = (bytes.to_vec(), header.size + length);
                return;
            };
            self.take(&header, payload, out);
            bytes = tail;
        }
    }

    /// Whether a frame's payload is to be read; what is not is counted here, but for control frames.
    fn wants(&mut self, header: &Header, out: &mut impl FnMut(Found<'_>)) -> bool {
        let refused = match (header.opcode, self.state) {
            (Opcode::Control, _) => return false,
            (Opcode::Continuation, State::Within) => None,
            (Opcode::Continuation, State::Refusing) => {
                self.state = if header.is_final { State::Between } else { State::Refusing };
                return false;
            }
            // The rest of a message whose beginning was not seen, or nobody's.
            (Opcode::Continuation, _) => Some(Kind::Unexpected),
            (Opcode::Data, State::Within) => {
                self.message = Vec::new();
                self.state = State::Between;
                out(Found::Fault(Layer::WebSocket, Kind::Truncated));
                None
            }
            (Opcode::Data, _) => None,
        };
        let is_too_long = self.message.len() as u64 + header.length > MESSAGE_MAX as u64;
        let refused = match refused {
            None if header.is_extended => Some(Kind::Unsupported),
            None if is_too_long => Some(Kind::BadLength),
            refused => refused,
        };
        if let Some(kind) = refused {
            out(Found::Fault(Layer::WebSocket, kind));
            self.message = Vec::new();
            self.state = if header.is_final { State::Between } else { State::Refusing };
        }
        refused.is_none()
    }

    fn take(&mut self, header: &Header, payload: &[u8], out: &mut impl FnMut(Found<'_>)) {
        if header.is_final && header.mask.is_none() && self.message.is_empty() {
            self.state = State::Between;
            return out(Found::Message(payload));
        }
        let before = self.message.len();
        self.message.extend_from_slice(payload);
        if let Some(mask) = header.mask {
            unmask(&mut self.message[before..], mask);
        }
        if header.is_final {
            self.state = State::Between;
            out(Found::Message(&std::mem::take(&mut self.message)));
        } else {
            self.state = State::Within;
        }
    }
}

/// Whether octets from the middle of a stream are a frame that begins a SIP message.
pub(super) fn begins_sip(bytes: &[u8]) -> bool {
    // Text or binary, not compressed: the cheapest question first, because it is asked of every stream.
    if !matches!(bytes.first(), Some(0x01 | 0x02 | 0x81 | 0x82)) {
        return false;
    }
    let Ok(header) = Header::parse(bytes) else { return false };
    let payload = bytes.get(header.size..).unwrap_or_default();
    let length = usize::try_from(header.length).unwrap_or(usize::MAX).min(payload.len()).min(GLIMPSE);
    let mut glimpse = [0; GLIMPSE];
    let glimpse = &mut glimpse[..length];
    glimpse.copy_from_slice(&payload[..length]);
    if let Some(mask) = header.mask {
        unmask(glimpse, mask);
    }
    header.length <= MESSAGE_MAX as u64 && looks_like_sip(glimpse)
}

/// Whether octets that begin as HTTP go on as a handshake for SIP, as far as they go.
pub(super) fn is_likely_handshake(bytes: &[u8]) -> bool {
    is_sip_handshake(&bytes[..head_end(bytes).unwrap_or(bytes.len()).min(HANDSHAKE_MAX)])
}

/// Where the head ends, behind its empty line.
fn head_end(bytes: &[u8]) -> Option<usize> {
    let window = &bytes[..bytes.len().min(HANDSHAKE_MAX)];
    memchr::memmem::find(window, b"\r\n\r\n").map(|end| end + 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::websocket::HEADER_MAX;
    use proptest::prelude::*;

    const ASKED: &[u8] = b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: sip\r\n\r\n";
    const BYE: &[u8] = b"BYE sip:a SIP/2.0\r\n\r\n";

    fn frame(opcode: Opcode, is_final: bool, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
        let length = payload.len() as u64;
        let header = Header { is_final, is_extended: false, opcode, mask, length, size: 0 };
        let mut bytes = Vec::new();
        header.emit(&mut bytes);
        assert!(bytes.len() <= HEADER_MAX);
        let start = bytes.len();
        bytes.extend_from_slice(payload);
        unmask(&mut bytes[start..], mask.unwrap_or_default());
        bytes
    }

    fn run<'a>(mut reader: Reader, parts: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
        let mut found = Vec::new();
        for part in parts {
            let fed = reader.feed(part, &mut |item| {
                found.push(match item {
                    Found::Message(bytes) => bytes.escape_ascii().to_string(),
                    Found::Fault(layer, kind) => format!("{layer:?} {kind:?}"),
                });
            });
            assert!(reader.held.len() <= HEADER_MAX + MESSAGE_MAX && reader.message.len() <= MESSAGE_MAX);
            if fed == Fed::NoHandshake {
                found.push("no handshake".to_owned());
                break;
            }
        }
        found
    }

    #[test]
    fn control_frames_pass_between_the_parts_of_a_message() {
        let mask = Some([1, 2, 3, 4]);
        let stream = [
            ASKED,
            &frame(Opcode::Data, false, mask, &BYE[..7]),
            &frame(Opcode::Control, true, mask, b"ping"),
            &frame(Opcode::Continuation, true, mask, &BYE[7..]),
            &frame(Opcode::Data, true, None, BYE),
        ];
        let bye = BYE.escape_ascii().to_string();
        assert_eq!(run(Reader::opening(), stream), [bye.clone(), bye]);
    }

    #[test]
    fn what_is_not_read_is_counted_and_passed_over() {
        let mut packed = frame(Opcode::Data, false, None, b"zzz");
        packed[0] |= 0x40;
        let stream = [
            frame(Opcode::Continuation, true, None, b"tail"),
            packed,
            frame(Opcode::Continuation, true, None, b"zz"),
            frame(Opcode::Data, true, None, &[b'x'; MESSAGE_MAX + 1]),
            frame(Opcode::Data, false, None, &[b'x'; MESSAGE_MAX]),
            frame(Opcode::Continuation, false, None, b"x"),
            frame(Opcode::Continuation, true, None, b"x"),
            frame(Opcode::Data, false, None, b"begun"),
            frame(Opcode::Data, true, None, BYE),
        ]
        .concat();
        let expected = [
            "WebSocket Unexpected",
            "WebSocket Unsupported",
            "WebSocket BadLength",
            "WebSocket BadLength",
            "WebSocket Truncated",
            r"BYE sip:a SIP/2.0\r\n\r\n",
        ];
        assert_eq!(run(Reader::midway(), [&stream[..]]), expected);
        assert_eq!(run(Reader::midway(), stream.chunks(1000)), expected);
    }

    #[test]
    fn finds_its_way_back_at_a_segment() {
        let next = frame(Opcode::Data, true, Some([9, 8, 7, 6]), BYE);
        let found = run(Reader::midway(), [&b"\xff\xffwhat is this"[..], b"more", &next]);
        assert_eq!(found, ["WebSocket BadSyntax", r"BYE sip:a SIP/2.0\r\n\r\n"]);
    }

    #[test]
    fn a_handshake_for_something_else_is_none() {
        assert_eq!(run(Reader::opening(), [&b"GET / HTTP/1.1\r\n\r\n"[..]]), ["no handshake"]);
        assert_eq!(run(Reader::opening(), [&[b'G'; 20_000][..]]), ["no handshake"]);
    }

    proptest! {
        #[test]
        fn any_cut_gives_the_same(
            parts in prop::collection::vec(
                (0..3_u8, any::<bool>(), any::<Option<[u8; 4]>>(), prop::collection::vec(any::<u8>(), 0..200)),
                0..10,
            ),
            cuts in prop::collection::vec(1..90_usize, 1..20),
        ) {
            let mut stream = ASKED.to_vec();
            for (opcode, is_final, mask, payload) in &parts {
                let opcode = [Opcode::Continuation, Opcode::Data, Opcode::Control][usize::from(*opcode)];
                let is_control = opcode == Opcode::Control;
                let payload = if is_control { &payload[..payload.len().min(125)] } else { payload };
                stream.extend_from_slice(&frame(opcode, *is_final || is_control, *mask, payload));
            }
            let (mut rest, mut segments) = (&stream[..], Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (head, tail) = rest.split_at(rest.len().min(*cut));
                segments.push(head);
                rest = tail;
            }
            prop_assert_eq!(run(Reader::opening(), segments), run(Reader::opening(), [&stream[..]]));
        }

        #[test]
        fn any_bytes_never_panic(parts: Vec<Vec<u8>>, midway: bool) {
            let reader = if midway { Reader::midway() } else { Reader::opening() };
            run(reader, parts.iter().map(|part| &part[..]));
            parts.iter().for_each(|part| assert!(!begins_sip(part) || part.len() > 2));
        }
    }
}
