//! Lines appended to files that are named by their time, for as long as a service runs: `calls-20261122T10.jsonl`.
//!
//! A file holds whole lines only: what a crash or a full disk left of a line is cut off before the next is written.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::base::time::At;

/// How often a new file begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    /// Each day, UTC.
    Day,
    /// Each hour.
    Hour,
}

/// Appends lines.
#[derive(Debug)]
pub struct Rolling {
    directory: PathBuf,
    prefix: &'static str,
    every: Every,
    open: Option<Open>,
    /// What is to be cut before anything is appended.
    torn: Option<Torn>,
}

/// A file that may hold lines which its writer was told are not there.
#[derive(Debug)]
struct Torn {
    name: String,
    /// Octets of what was appended before.
    length: u64,
}

#[derive(Debug)]
struct Open {
    name: String,
    file: File,
    /// Octets of whole lines.
    length: u64,
    is_synced: bool,
}

/// Longest line that a crash may have torn, and longest that is read back.
const LINE_MAX: u64 = 65_536;

impl Rolling {
    /// Files `PREFIX-TIME.jsonl` in `directory`.
    #[must_use]
    pub const fn new(directory: PathBuf, prefix: &'static str, every: Every) -> Self {
        Self { directory, prefix, every, open: None, torn: None }
    }

    /// Appends whole lines to the file of the time `at`: all of them, or none.
    ///
    /// # Errors
    /// As the operating system says; the same lines may be given again.
    pub fn append(&mut self, at: At, lines: &[u8]) -> io::Result<()> {
        let open = self.file_of(at)?;
        let written = open.file.seek(SeekFrom::Start(open.length)).and_then(|_| open.file.write_all(lines));
        if let Err(error) = written {
            // What is there of the lines is cut off; should that fail too, it is done before anything else is appended.
            if open.file.set_len(open.length).is_err() {
                self.torn = self.open.take().map(|Open { name, length, .. }| Torn { name, length });
            }
            return Err(error);
        }
        open.length += lines.len() as u64;
        open.is_synced = false;
        Ok(())
    }

    /// Sees to it that what was appended is on the disk; whether there was anything that was not.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn sync(&mut self) -> io::Result<bool> {
        let Some(open) = self.open.as_mut().filter(|open| !open.is_synced) else { return Ok(false) };
        open.file.sync_data()?;
        open.is_synced = true;
        Ok(true)
    }

    /// Cuts off what a crash has left of a line at the end of the newest file: when its time is over, nobody opens it again.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn mend(&self) -> io::Result<()> {
        let Some(newest) = self.files()?.pop() else { return Ok(()) };
        let mut file = OpenOptions::new().read(true).write(true).open(newest)?;
        let length = whole_lines(&mut file)?;
        if length < file.metadata()?.len() {
            file.set_len(length)?;
        }
        Ok(())
    }

    /// Files so far, oldest first.
    fn files(&self) -> io::Result<Vec<PathBuf>> {
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let stem = name.strip_prefix(self.prefix).and_then(|rest| rest.strip_prefix('-'));
            if stem.is_some_and(|stem| stem.ends_with(".jsonl")) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Takes away what a write that failed has left, whole lines too: they will be given again.
    fn cut_torn(&mut self) -> io::Result<()> {
        let Some(Torn { name, length }) = &self.torn else { return Ok(()) };
        match OpenOptions::new().write(true).open(self.directory.join(name)) {
            Ok(file) => {
                if file.metadata()?.len() > *length {
                    file.set_len(*length)?;
                }
                // With it, what was appended before and is not on the disk yet.
                file.sync_data()?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        self.torn = None;
        Ok(())
    }

    fn file_of(&mut self, at: At) -> io::Result<&mut Open> {
        self.cut_torn()?;
        let name = self.name_of(at);
        if self.open.as_ref().is_some_and(|open| open.name != name) {
            self.sync()?;
            self.open = None;
        }
        if self.open.is_none() {
            let path = self.directory.join(&name);
            let mut file =
                OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
            let length = whole_lines(&mut file)?;
            file.set_len(length)?;
            // The name itself shall survive a crash.
            File::open(&self.directory)?.sync_all()?;
            self.open = Some(Open { name, file, length, is_synced: true });
        }
        self.open.as_mut().ok_or_else(|| io::Error::other("no file"))
    }

    fn name_of(&self, at: At) -> String {
        let text = at.to_string();
        let (date, hour) = (text.get(..10).unwrap_or_default().replace('-', ""), text.get(11..13));
        match self.every {
            Every::Day => format!("{}-{date}.jsonl", self.prefix),
            Every::Hour => format!("{}-{date}T{}.jsonl", self.prefix, hour.unwrap_or_default()),
        }
    }
}

/// Octets of a file up to the end of its last whole line.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let start = length.saturating_sub(LINE_MAX);
    let tail = tail_of(file, start)?;
    Ok(memchr::memrchr(b'\n', &tail).map_or(start, |at| start + at as u64 + 1))
}

/// How a file of lines ends.
#[derive(Debug)]
pub struct Ending {
    /// Its last whole line, without the line break; of one longer than 64 KiB only the end.
    pub line: Option<Vec<u8>>,
    /// What comes after that line; the end of it where it is long.
    pub rest: Vec<u8>,
}

impl Ending {
    /// Reads the end of a file.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut tail = tail_of(&mut file, length.saturating_sub(2 * LINE_MAX))?;
        let Some(end) = memchr::memrchr(b'\n', &tail) else { return Ok(Self { line: None, rest: tail }) };
        let rest = tail.split_off(end + 1);
        tail.truncate(end);
        let line = tail.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        Ok(Self { line: Some(line.to_vec()), rest })
    }

    /// Takes the rest away from the file that this was read of.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn cut(&self, path: &Path) -> io::Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let file = OpenOptions::new().write(true).open(path)?;
        file.set_len(file.metadata()?.len().saturating_sub(self.rest.len() as u64))?;
        file.sync_data()
    }
}

fn tail_of(file: &mut File, start: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.take(2 * LINE_MAX).read_to_end(&mut tail)?;
    Ok(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> At {
        At::parse(text).unwrap()
    }

    #[test]
    fn a_file_an_hour() {
        let folder = tempfile::tempdir().unwrap();
        let mut lines = Rolling::new(folder.path().to_owned(), "calls", Every::Hour);
        lines.append(at("2026-11-22T10:59:59Z"), b"one\n").unwrap();
        lines.append(at("2026-11-22T11:00:00Z"), b"two\n").unwrap();
        lines.sync().unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(
            (read("calls-20261122T10.jsonl"), read("calls-20261122T11.jsonl")),
            ("one\n".into(), "two\n".into())
        );
    }

    #[test]
    fn a_torn_line_is_cut_off_before_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("billing-20261122.jsonl");
        let mut lines = Rolling::new(folder.path().to_owned(), "billing", Every::Day);
        fs::write(&path, "one\ntwo\nthr").unwrap();
        let ending = Ending::of(&path).unwrap();
        assert_eq!((ending.line.as_deref(), &ending.rest[..]), (Some(&b"two"[..]), &b"thr"[..]));
        lines.append(at("2026-11-22T10:00:00Z"), b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthree\n");
    }

    #[test]
    fn lines_of_a_write_that_failed_are_not_there_twice() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("billing-20261122.jsonl");
        let mut lines = Rolling::new(folder.path().to_owned(), "billing", Every::Day);
        lines.append(at("2026-11-22T10:00:00Z"), b"one\n").unwrap();
        // A disk that took whole lines before it failed, and does not let them be taken back.
        fs::write(&path, "one\ntwo\nthr").unwrap();
        lines.open.as_mut().unwrap().file = File::open(&path).unwrap();
        lines.append(at("2026-11-22T10:00:01Z"), b"two\nthree\n").unwrap_err();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nthr");
        lines.append(at("2026-11-23T00:00:00Z"), b"two\nthree\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\n", "they are in the next day's file");
        let next = folder.path().join("billing-20261123.jsonl");
        assert_eq!(fs::read_to_string(next).unwrap(), "two\nthree\n");
    }

    #[test]
    fn a_torn_line_is_cut_off_from_a_file_whose_time_is_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("billing-20261122.jsonl");
        let mut lines = Rolling::new(folder.path().to_owned(), "billing", Every::Day);
        lines.mend().unwrap();
        fs::write(&path, "one\ntwo\nthr").unwrap();
        lines.mend().unwrap();
        lines.append(at("2026-11-23T00:00:00Z"), b"three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }
}
