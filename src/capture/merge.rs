//! Several capture files as one run: the earliest frame first, numbered, its time never before the one before it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::fault::{Faults, Layer};
use crate::base::frame::Frame;
use crate::base::time::At;
use crate::capture::CaptureError;
use crate::capture::source::{Source, Stop};
use crate::capture::timeline::Timeline;
use crate::wire::pcap::FileError;

/// The frames of one or more capture files, merged by time.
pub struct Capture {
    /// In the order in which they were given.
    sources: Vec<Source>,
    /// The files that stand at a frame, the earliest on top: the file's own time of the frame, then the order in which
    /// the files were given.
    heads: BinaryHeap<Reverse<(At, usize)>>,
    /// The frame on top has been handed out.
    is_lent: bool,
    timeline: Timeline,
    frames: u64,
    faults: Faults,
    problems: Vec<String>,
    progress: Arc<AtomicU64>,
    total_bytes: Option<u64>,
}

impl Capture {
    /// Opens files, of which `-` is standard input, and reads each up to its first frame.
    ///
    /// # Errors
    /// The first file that cannot be read as a capture at all.
    pub fn open(paths: &[impl AsRef<Path>]) -> Result<Self, CaptureError> {
        let mut capture = Self::empty();
        capture.total_bytes = paths.iter().map(|path| file_size(path.as_ref())).sum();
        for path in paths {
            capture.add(Source::open(path.as_ref(), &capture.progress)?)?;
        }
        Ok(capture)
    }

    /// Reads a capture from `input`; `name` stands for the path in messages.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_reader(name: &str, input: impl Read + Send + 'static) -> Result<Self, CaptureError> {
        let mut capture = Self::empty();
        capture.add(Source::new(Path::new(name), input, &capture.progress)?)?;
        Ok(capture)
    }

    fn empty() -> Self {
        Self {
            sources: Vec::new(),
            heads: BinaryHeap::new(),
            is_lent: false,
            timeline: Timeline::default(),
            frames: 0,
            faults: Faults::default(),
            problems: Vec::new(),
            progress: Arc::default(),
            total_bytes: None,
        }
    }

    fn add(&mut self, mut source: Source) -> Result<(), CaptureError> {
        let first = source.advance();
        if let Err(stop @ Stop::Malformed { error: FileError::UnknownLinkType(_), .. }) = first {
            return Err(source.refusal(stop));
        }
        self.sources.push(source);
        let order = self.sources.len() - 1;
        match first {
            Ok(Some(at)) => self.heads.push(Reverse((at, order))),
            ended => self.end(order, ended.err()),
        }
        Ok(())
    }

    /// The next frame, until every file is at its end or at damage.
    #[inline]
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend from its own buffer")]
    pub fn next(&mut self) -> Option<Frame<'_>> {
        if self.is_lent {
            self.advance();
        }
        let Reverse((at, source)) = *self.heads.peek()?;
        self.is_lent = true;
        self.frames += 1;
        let now = self.timeline.tell(at, &mut self.faults);
        Some(self.sources[source].frame(now, self.frames))
    }

    /// Moves the file on top past the frame that was handed out.
    #[inline]
    fn advance(&mut self) {
        self.is_lent = false;
        let Some(mut top) = self.heads.peek_mut() else { return };
        let source = top.0.1;
        match self.sources[source].advance() {
            Ok(Some(at)) => top.0.0 = at,
            ended => {
                PeekMut::pop(top);
                self.end(source, ended.err());
            }
        }
    }

    /// Counts and words what is to be said of a file that has ended.
    #[cold]
    fn end(&mut self, source: usize, stop: Option<Stop>) {
        let source = &self.sources[source];
        self.faults.merge(source.faults());
        self.problems.extend(source.foreign_note());
        if let Some(stop) = stop {
            self.faults.count(Layer::File, stop.kind());
            self.problems.push(source.stop_note(&stop));
        }
    }

    /// Time of the first frame; `None` where there is none, or it has been handed out.
    #[must_use]
    pub fn begins_at(&self) -> Option<At> {
        self.heads.peek().filter(|_| self.frames == 0).map(|Reverse((at, _))| *at)
    }

    /// Frames handed out so far.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// What was wrong with the files so far.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// A sentence for each file that was not read to its end or not in full: which, where, what, and how many frames
    /// were read before.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }

    /// Octets read so far of all files, as they are on disk.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.progress.load(Ordering::Relaxed)
    }

    /// The count behind [`bytes_read`](Self::bytes_read), for another thread to look at.
    #[must_use]
    pub fn progress(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.progress)
    }

    /// Octets of all files as they are on disk; `None` when one of them is a pipe or the like.
    #[must_use]
    pub const fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }
}

fn file_size(path: &Path) -> Option<u64> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|metadata| metadata.len())
}
