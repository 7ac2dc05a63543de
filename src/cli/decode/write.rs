//! The frames of some calls as a capture of their own.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::base::frame::{Frame, Link};
use crate::base::map::Set;
use crate::base::network::Network;
use crate::call::CallId;
use crate::capture::Capture;
use crate::cli::Failure;
use crate::cli::decode::select::Selection;
use crate::cli::decode::walk::{Route, Visitor, walk};
use crate::cli::load::SEED;
use crate::inspect::Entry;
use crate::inspect::flow::Kept;
use crate::journal::WholeFile;
use crate::wire::pcap::emit;

/// Most calls whose frames are written.
const CALLS_MAX: usize = 1_000_000;

/// Calls of messages that were wanted.
#[derive(Debug)]
pub struct Calls {
    ids: Set<CallId>,
    full: bool,
}

impl Calls {
    /// None yet.
    pub fn new() -> Self {
        Self { ids: Set::with_hasher(SEED), full: false }
    }

    /// Adds the call of a message.
    pub fn add(&mut self, entry: &Entry<'_>) {
        let Some(id) = entry.id else { return };
        if self.ids.len() < CALLS_MAX {
            self.ids.insert(id);
        } else if !self.ids.contains(&id) {
            self.full = true;
        }
    }
}

/// Whether the file can be made, before hours of reading: its directory is there and can be written to, and it is none of the captures
/// themselves, which it would take the place of.
pub fn check(path: &Path, captures: &[PathBuf]) -> Result<(), Failure> {
    let is_itself = |capture: &&PathBuf| match (fs::metadata(path), fs::metadata(capture)) {
        (Ok(file), Ok(capture)) => (file.dev(), file.ino()) == (capture.dev(), capture.ino()),
        _ => false,
    };
    if let Some(capture) = captures.iter().find(is_itself) {
        let message = format!("--write {}: that is a capture to read; name another file", capture.display());
        return Err(Failure::new(2, message));
    }
    if path.is_dir() {
        return Err(Failure::output(path, &io::ErrorKind::IsADirectory.into()));
    }
    let tried = WholeFile::create(path).and_then(WholeFile::discard);
    tried.map_err(|error| Failure::output(path, &error))
}

/// Reads the captures twice more and writes what belongs to the calls, or to messages wanted by themselves; says what it
/// wrote. The file has its name when it is whole.
pub fn write(
    path: &Path,
    route: &Route<'_>,
    (selection, calls): (&Selection, &Calls),
) -> Result<String, Failure> {
    if calls.full {
        return Err(Failure::new(1, format!("more than {CALLS_MAX} calls match; ask for fewer")));
    }
    let mut marks = Marks { kept: Kept::new(SEED), selection, calls, network: route.network };
    if walk(route, &mut marks)?.interrupted {
        return Ok(format!("{} was not written", path.display()));
    }
    let file = WholeFile::create(path).map_err(|error| Failure::output(path, &error))?;
    let capture = Capture::open(route.captures).map_err(|error| Failure::new(error.exit_code(), error))?;
    let frames = copy(capture, &marks.kept, file).map_err(|error| Failure::output(path, &error))?;
    Ok(format!("Written: {}, {frames} frames", path.display()))
}

fn copy(mut capture: Capture, kept: &Kept, mut file: WholeFile) -> io::Result<u64> {
    let (mut out, mut links, mut frames): (Vec<u8>, Vec<Link>, u64) = (Vec::new(), Vec::new(), 0);
    emit::section(&mut out);
    while let Some(frame) = capture.next() {
        if !kept.has(&frame) {
            continue;
        }
        let interface = links.iter().position(|link| *link == frame.link).unwrap_or_else(|| {
            emit::interface(frame.link, &mut out);
            links.push(frame.link);
            links.len() - 1
        });
        emit::frame(u32::try_from(interface).unwrap_or(u32::MAX), &frame, &mut out);
        frames += 1;
        file.write_all(&out)?;
        out.clear();
    }
    file.write_all(&out)?;
    file.finish()?;
    Ok(frames)
}

/// Marks the frames to write.
struct Marks<'m> {
    kept: Kept,
    selection: &'m Selection,
    calls: &'m Calls,
    network: &'m Network,
}

impl Visitor for Marks<'_> {
    fn frame(&mut self, frame: &Frame<'_>) {
        self.kept.see(frame);
    }

    fn message(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let of_call = entry.id.is_some_and(|id| self.calls.ids.contains(&id));
        let keep = of_call || self.selection.is_all() || self.selection.has(entry, self.network);
        self.kept.message(entry.pdu.frame, keep);
        Ok(())
    }

    fn seen(&mut self, frame: &Frame<'_>, messages: u64) -> io::Result<()> {
        self.kept.seen(frame.number, messages > 0);
        Ok(())
    }
}
