//! Reads the records of calls as they are written, and gives their room on the disk back: each call must be there once.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nix::fcntl::{FallocateFlags, fallocate};

use crate::copying;
use crate::service::pause;

/// Octets read at once.
const CHUNK: usize = 1 << 20;
/// Lines shown of calls that were recorded twice.
const SHOWN: usize = 4;
/// A member of every record.
const KEY: &[u8] = b"\"call_key\":\"";

/// What was read so far.
#[derive(Default)]
pub struct Seen {
    pub lines: AtomicU64,
    pub twice: AtomicU64,
    /// Lines that name no call of ours.
    pub strange: AtomicU64,
}

/// Reads until told to stop, and then once more to the end; which calls were recorded.
pub fn run(directory: PathBuf, seen: Arc<Seen>, stop: Arc<AtomicBool>) -> Recorded {
    let mut reader =
        Reader { directory, seen, file: None, rest: Vec::new(), calls: Recorded::default(), shown: 0 };
    loop {
        let is_last = stop.load(Ordering::Relaxed);
        while reader.read() {}
        if is_last {
            return reader.calls;
        }
        pause(Duration::from_millis(500));
    }
}

/// Calls that were recorded.
#[derive(Default)]
pub struct Recorded {
    pub asked: Calls,
    pub copied: Calls,
}

/// A set of calls by number.
#[derive(Default)]
pub struct Calls(Vec<u64>);

impl Calls {
    /// Whether it is there.
    pub fn contains(&self, number: u32) -> bool {
        self.0.get(number as usize / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    /// Whether it is new.
    fn insert(&mut self, number: u32) -> bool {
        let index = number as usize / 64;
        if self.0.len() <= index {
            self.0.resize(index + 1, 0);
        }
        let is_new = !self.contains(number);
        self.0[index] |= 1 << (number % 64);
        is_new
    }
}

struct Reader {
    directory: PathBuf,
    seen: Arc<Seen>,
    file: Option<(PathBuf, File, u64)>,
    /// The beginning of a line whose end is not written yet.
    rest: Vec<u8>,
    calls: Recorded,
    shown: usize,
}

impl Reader {
    /// Reads a piece; whether there was one.
    fn read(&mut self) -> bool {
        let next = self.next_file();
        let Some((path, file, read)) = &mut self.file else {
            self.file = next.and_then(|path| Some((path.clone(), open(&path)?, 0)));
            return self.file.is_some();
        };
        let start = self.rest.len();
        self.rest.resize(start + CHUNK, 0);
        let count =
            file.seek(SeekFrom::Start(*read)).and_then(|_| file.read(&mut self.rest[start..])).unwrap_or(0);
        self.rest.truncate(start + count);
        *read += count as u64;
        if count == 0 {
            // Another file is begun only when this one is whole.
            let is_over = next.is_some();
            if is_over {
                let _ = fs::remove_file(path);
                self.file = None;
            }
            return is_over;
        }
        // What is read needs no room; where the file system cannot do that, the file goes with its hour.
        let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let _ = fallocate(&*file, flags, 0, (*read & !0xFFF) as i64);
        self.take_lines();
        true
    }

    /// The first file behind the one that is being read.
    fn next_file(&self) -> Option<PathBuf> {
        let mut files = files(&self.directory, "calls-");
        files.retain(|path| self.file.as_ref().is_none_or(|(current, ..)| path > current));
        files.into_iter().next()
    }

    fn take_lines(&mut self) {
        let Some(end) = memchr::memrchr(b'\n', &self.rest) else { return };
        let rest = self.rest.split_off(end + 1);
        let lines = std::mem::replace(&mut self.rest, rest);
        for line in lines.split(|octet| *octet == b'\n').filter(|line| !line.is_empty()) {
            self.seen.lines.fetch_add(1, Ordering::Relaxed);
            let is_new = match number_of(line) {
                Some((number, true)) => self.calls.copied.insert(number),
                Some((number, false)) => self.calls.asked.insert(number),
                None => {
                    self.seen.strange.fetch_add(1, Ordering::Relaxed);
                    continue;
                }
            };
            if !is_new {
                self.seen.twice.fetch_add(1, Ordering::Relaxed);
                if self.shown < SHOWN {
                    self.shown += 1;
                    println!("recorded once more: {}", String::from_utf8_lossy(line));
                }
            }
        }
    }
}

fn open(path: &Path) -> Option<File> {
    OpenOptions::new().read(true).write(true).open(path).ok()
}

/// The number of the call that a record is about, and whether it was a copy of messages that told of it.
fn number_of(line: &[u8]) -> Option<(u32, bool)> {
    let start = memchr::memmem::find(line, KEY)? + KEY.len();
    let (digits, rest) = line.get(start..)?.split_at_checked(8)?;
    let number = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    Some((number, rest.starts_with(copying::DOMAIN.as_bytes())))
}

/// Files whose names begin so, oldest first.
pub fn files(directory: &Path, start: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    files.retain(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start)));
    files.sort();
    files
}
