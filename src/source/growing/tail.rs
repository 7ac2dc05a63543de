//! One capture file that grows: hands on each record as soon as all of it is there.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::listing::{Entry, Id, id_of};
use crate::base::fault::{Kind, Layer};
use crate::source::Feeder;
use crate::wire::pcap::{FileError, Parser, Step};

/// Octets read at once.
const BLOCK: usize = 128 * 1024;
/// By so many first octets a capture is known: a file header and the time of the first record.
const HEAD: usize = 40;

/// A file being read.
#[derive(Debug)]
pub struct Tail {
    path: PathBuf,
    id: Id,
    file: File,
    /// What it begins with, as far as it was there.
    head: Vec<u8>,
    parser: Parser,
    buffer: Vec<u8>,
    /// Read but not yet consumed: `buffer[start..end]`.
    start: usize,
    end: usize,
    /// Octets still to be passed over that were not there yet.
    skip: usize,
    /// Octets read.
    offset: u64,
    /// Nothing sensible follows.
    is_broken: bool,
}

/// What a file begins with.
pub fn head(path: &Path) -> io::Result<Vec<u8>> {
    head_of(&File::open(path)?)
}

fn head_of(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let count = file.read_at(&mut head, 0)?;
    head.truncate(count);
    Ok(head)
}

impl Tail {
    /// Opens a file that was listed.
    pub fn open(entry: &Entry) -> io::Result<Self> {
        let file = File::open(&entry.path)?;
        let id = id_of(&file.metadata()?);
        Ok(Self {
            path: entry.path.clone(),
            id,
            file,
            head: Vec::new(),
            parser: Parser::default(),
            buffer: vec![0; BLOCK],
            start: 0,
            end: 0,
            skip: 0,
            offset: 0,
            is_broken: false,
        })
    }

    /// What file it is.
    pub const fn id(&self) -> Id {
        self.id
    }

    /// What has been read ends within a record.
    pub const fn is_within(&self) -> bool {
        !self.is_broken && (self.start < self.end || self.skip > 0 || self.parser.is_within())
    }

    /// When it was last written to, and its length.
    pub fn state(&self) -> Option<((i64, i64), u64)> {
        let metadata = self.file.metadata().ok()?;
        Some(((metadata.mtime(), metadata.mtime_nsec()), metadata.len()))
    }

    /// What it begins with.
    pub fn into_head(self) -> Vec<u8> {
        self.head
    }

    /// Hands on all that has been written by now.
    pub fn read(&mut self, feeder: &mut Feeder) {
        if self.is_anew() {
            tracing::warn!(file = %self, "written anew; reading it from its start");
            feeder.counts().interrupted += 1;
            if let Err(error) = self.begin_again() {
                return self.give_up(feeder, Kind::Gap, &error);
            }
        }
        while !self.is_broken && !feeder.is_over() {
            match self.file.read(&mut self.buffer[self.end..]) {
                Ok(0) => return,
                Ok(count) => {
                    self.end += count;
                    self.offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return self.give_up(feeder, Kind::Gap, &error),
            }
            if let Err(error) = self.hand_on(feeder) {
                let kind = match &error {
                    FileError::Malformed(error) => error.kind,
                    FileError::NotACapture => Kind::NotRecognised,
                    FileError::UnknownLinkType(_) => Kind::Unsupported,
                };
                return self.give_up(feeder, kind, &error);
            }
            feeder.idle();
        }
    }

    /// The records in the buffer. Leaves room in it for what is needed next.
    fn hand_on(&mut self, feeder: &mut Feeder) -> Result<(), FileError> {
        let need = loop {
            let skipped = self.skip.min(self.end - self.start);
            self.start += skipped;
            self.skip -= skipped;
            if self.skip > 0 {
                break 0;
            }
            let bytes = &self.buffer[self.start..self.end];
            match self.parser.step(bytes)? {
                Step::Record { record, consumed } => {
                    let frame = &bytes[record.start..record.start + record.length];
                    feeder.frame(record.at, record.link, (frame, record.wire_length));
                    self.start += consumed;
                }
                Step::Foreign { consumed, .. } => {
                    feeder.fault(Layer::File, Kind::Unsupported);
                    self.skip = consumed;
                }
                Step::Skip { consumed } => self.skip = consumed,
                Step::Need(count) => break count,
            }
        };
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        // Of what is needed not all is there, so there is room for at least an octet.
        let room = need.max(self.end + 1);
        if self.buffer.len() < room {
            self.buffer.resize(room, 0);
        }
        Ok(())
    }

    /// The file is shorter than what was read of it, or begins otherwise.
    fn is_anew(&mut self) -> bool {
        let (Ok(metadata), Ok(head)) = (self.file.metadata(), head_of(&self.file)) else { return false };
        let is_anew = metadata.len() < self.offset || !head.starts_with(&self.head);
        self.head = head;
        is_anew
    }

    fn begin_again(&mut self) -> io::Result<()> {
        self.file.rewind()?;
        self.parser = Parser::default();
        (self.start, self.end, self.skip, self.offset) = (0, 0, 0, 0);
        self.is_broken = false;
        Ok(())
    }

    /// Reads no more of it, unless it is written anew.
    fn give_up(&mut self, feeder: &mut Feeder, kind: Kind, error: &dyn fmt::Display) {
        tracing::warn!(file = %self, %error, "not read any further");
        feeder.fault(Layer::File, kind);
        self.is_broken = true;
    }
}

impl fmt::Display for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.display().fmt(f)
    }
}
