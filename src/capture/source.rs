//! One capture file: finds out how it is packed, reads it in large blocks, and lends one frame at a time from the block.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

use crate::base::fault::{Faults, Kind, Layer};
use crate::base::frame::{Frame, Link};
use crate::base::time::At;
use crate::capture::{CaptureError, Reason};
use crate::wire::pcap::{FileError, Parser, Record, Step};

/// Octets read at once: large enough that system calls do not count, small enough to stay in a second-level cache.
const BLOCK: usize = 256 * 1024;

/// A capture file, standing at one of its frames.
pub struct Source {
    path: PathBuf,
    input: Box<dyn Read + Send>,
    parser: Parser,
    buffer: Vec<u8>,
    /// Read but not yet consumed: `buffer[start..end]`.
    start: usize,
    end: usize,
    /// Octets of the unpacked file before `buffer[0]`.
    before: u64,
    /// The frame moved to last, and where its first octet is in `buffer`.
    record: Record,
    first: usize,
    frames: u64,
    faults: Faults,
    /// Link type of the first frame passed over.
    foreign: Option<u32>,
}

/// Why a file ended before its end.
#[derive(Debug)]
pub enum Stop {
    /// It ends within a record.
    Cut,
    /// Reading or unpacking failed.
    Io(io::Error),
    /// What it says cannot be, `offset` octets from the start of the unpacked file.
    Malformed {
        /// Octets from the start.
        offset: u64,
        /// What is wrong.
        error: FileError,
    },
}

impl Source {
    /// Opens a path (`-` is standard input) and reads to the first frame. Octets read are added to `progress`.
    pub fn open(path: &Path, progress: &Arc<AtomicU64>) -> Result<Self, CaptureError> {
        if path.as_os_str() == "-" {
            return Self::new(path, io::stdin(), progress);
        }
        let file = File::open(path).map_err(|error| CaptureError::of_io(path, error))?;
        Self::new(path, file, progress)
    }

    /// Reads `input` as a capture, up to its header.
    pub fn new(
        path: &Path,
        input: impl Read + Send + 'static,
        progress: &Arc<AtomicU64>,
    ) -> Result<Self, CaptureError> {
        let input = unpack(Counted { input, progress: Arc::clone(progress) })
            .map_err(|error| CaptureError::of_io(path, error))?;
        let mut source = Self {
            path: path.to_owned(),
            input,
            parser: Parser::default(),
            buffer: vec![0; BLOCK],
            start: 0,
            end: 0,
            before: 0,
            record: Record { at: At::default(), link: Link::Ethernet, start: 0, length: 0, wire_length: 0 },
            first: 0,
            frames: 0,
            faults: Faults::default(),
            foreign: None,
        };
        source.read_header()?;
        Ok(source)
    }

    fn read_header(&mut self) -> Result<(), CaptureError> {
        match self.step() {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err(self.refusal(Stop::Cut)),
            Err(stop) => Err(self.refusal(stop)),
        }
    }

    /// Why a file is not read at all, when it stopped before its first frame.
    pub fn refusal(&self, stop: Stop) -> CaptureError {
        let reason = match stop {
            Stop::Io(error) => return CaptureError::of_io(&self.path, error),
            Stop::Malformed { error: FileError::UnknownLinkType(number), .. } => {
                Reason::UnknownLinkType(number)
            }
            _ if stop.kind() == Kind::Unsupported => Reason::Unsupported,
            _ => Reason::NotACapture,
        };
        CaptureError::new(&self.path, reason)
    }

    /// Moves to the next frame and says its time; `None` at the end of the file.
    #[inline]
    pub fn advance(&mut self) -> Result<Option<At>, Stop> {
        loop {
            match self.step()? {
                None => return Ok(None),
                Some(Step::Record { record, .. }) => {
                    self.frames += 1;
                    return Ok(Some(record.at));
                }
                Some(Step::Foreign { link_type, .. }) => {
                    self.foreign.get_or_insert(link_type);
                    self.faults.count(Layer::File, Kind::Unsupported);
                }
                Some(Step::Skip { .. } | Step::Need(_)) => {}
            }
        }
    }

    /// The frame moved to last, as number `number` of the run, at `at`.
    #[inline]
    pub fn frame(&self, at: At, number: u64) -> Frame<'_> {
        let Record { link, wire_length, length, .. } = self.record;
        let bytes = &self.buffer[self.first..self.first + length];
        Frame { at, number, link, bytes, wire_length }
    }

    /// Frames passed over because of their link type.
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// A sentence about frames passed over, when there were any.
    pub fn foreign_note(&self) -> Option<String> {
        let frames = self.faults.of(Layer::File, Kind::Unsupported);
        self.foreign.map(|link_type| {
            format!(
                "{}: {frames} frames of link type {link_type}, which is not read, were passed over",
                self.name()
            )
        })
    }

    /// A sentence about why reading stopped.
    pub fn stop_note(&self, stop: &Stop) -> String {
        let (offset, what) = match stop {
            Stop::Cut => (self.offset() + (self.end - self.start) as u64, "ends within a record".to_owned()),
            Stop::Io(error) => (self.offset(), error.to_string()),
            Stop::Malformed { offset, error } => (*offset, error.to_string()),
        };
        format!("{}: at octet {offset}: {what}; {} frames before it were read", self.name(), self.frames)
    }

    /// One step of the parser, with the bytes it needs; `None` at the end of the file.
    #[inline]
    fn step(&mut self) -> Result<Option<Step>, Stop> {
        loop {
            let step = match self.parser.step(&self.buffer[self.start..self.end]) {
                Ok(step) => step,
                Err(error) => return Err(Stop::Malformed { offset: self.offset_of(&error), error }),
            };
            match step {
                Step::Record { record, consumed } => {
                    self.first = self.start + record.start;
                    self.record = record;
                    self.start += consumed;
                }
                Step::Skip { consumed } | Step::Foreign { consumed, .. } => self.skip(consumed)?,
                Step::Need(count) => {
                    if self.fill(count)? {
                        continue;
                    }
                    return if self.start == self.end && !self.parser.is_within() {
                        Ok(None)
                    } else {
                        Err(Stop::Cut)
                    };
                }
            }
            return Ok(Some(step));
        }
    }

    /// Reads until `count` octets are there; false when the file ends before.
    #[cold]
    fn fill(&mut self, count: usize) -> Result<bool, Stop> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.before += self.start as u64;
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() < count {
            self.buffer.resize(count, 0);
        }
        while self.end < count {
            if self.read_more()? == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Passes over `count` octets, of which not all need to be in the buffer.
    fn skip(&mut self, count: usize) -> Result<(), Stop> {
        let mut left = count;
        while left > self.end - self.start {
            left -= self.end - self.start;
            self.before += self.end as u64;
            (self.start, self.end) = (0, 0);
            if self.read_more()? == 0 {
                return Err(Stop::Cut);
            }
        }
        self.start += left;
        Ok(())
    }

    fn read_more(&mut self) -> Result<usize, Stop> {
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(Stop::Cut),
                Err(error) => return Err(Stop::Io(error)),
            }
        }
    }

    /// Octets of the unpacked file before what is next.
    fn offset(&self) -> u64 {
        self.before + self.start as u64
    }

    fn offset_of(&self, error: &FileError) -> u64 {
        match error {
            FileError::Malformed(error) => self.offset() + u64::from(error.offset),
            FileError::NotACapture | FileError::UnknownLinkType(_) => self.offset(),
        }
    }

    fn name(&self) -> impl std::fmt::Display + '_ {
        self.path.display()
    }
}

impl Stop {
    /// Under what it is counted.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Cut => Kind::Truncated,
            Self::Io(error) if error.raw_os_error().is_some() => Kind::Gap,
            Self::Io(_) => Kind::BadSyntax,
            Self::Malformed { error: FileError::Malformed(error), .. } => error.kind,
            Self::Malformed { error: FileError::NotACapture, .. } => Kind::NotRecognised,
            Self::Malformed { error: FileError::UnknownLinkType(_), .. } => Kind::Unsupported,
        }
    }
}

/// The file as it is on disk.
type Packed<R> = Chain<Cursor<Vec<u8>>, R>;

/// Unpacks what begins with the mark of gzip (RFC 1952 §2.3.1) or zstd (RFC 8878 §3.1; a skippable frame may come first).
fn unpack(mut input: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut magic = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut magic)?;
    let kind: [u8; 4] = magic.as_slice().try_into().unwrap_or_default();
    let packed: Packed<_> = Cursor::new(magic).chain(input);
    Ok(match kind {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(BufReader::with_capacity(BLOCK, packed))),
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
            Box::new(zstd::stream::read::Decoder::with_buffer(BufReader::with_capacity(BLOCK, packed))?)
        }
        _ => Box::new(packed),
    })
}

/// Adds what is read to a shared count.
struct Counted<R> {
    input: R,
    progress: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.progress.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
