//! Which files are meant, and in which order they were written.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Files of a directory that are looked at; more are not expected beside those that a writer keeps.
const FILES_MAX: usize = 65_536;

/// What a file is, whatever it is called: device and inode.
pub type Id = (u64, u64);

/// A file as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub id: Id,
    /// When it was last written to: seconds and nanoseconds.
    pub modified: (i64, i64),
    /// Octets.
    pub length: u64,
}

/// Device and inode.
pub fn id_of(metadata: &Metadata) -> Id {
    (metadata.dev(), metadata.ino())
}

/// Where the files are and what they are called.
#[derive(Debug)]
pub struct Place {
    directory: PathBuf,
    pattern: String,
}

impl Place {
    /// Of a directory, or of a file name in one.
    pub fn of(path: &Path) -> Self {
        if path.is_dir() {
            return Self { directory: path.to_owned(), pattern: "*".to_owned() };
        }
        let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let pattern = path.file_name().map(|name| name.to_string_lossy().into_owned());
        Self {
            directory: directory.unwrap_or(Path::new(".")).to_owned(),
            pattern: pattern.unwrap_or_else(|| "*".to_owned()),
        }
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The files there are, the one written to last at the end; of two written to at once, by name.
    pub fn list(&self) -> io::Result<Vec<Entry>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.directory)?.take(FILES_MAX) {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with('.') || !matches(self.pattern.as_bytes(), name.as_bytes()) {
                continue;
            }
            // One that went away since is not there.
            let Ok(metadata) = fs::metadata(entry.path()) else { continue };
            if metadata.is_file() {
                files.push(Entry {
                    path: entry.path(),
                    id: id_of(&metadata),
                    modified: (metadata.mtime(), metadata.mtime_nsec()),
                    length: metadata.len(),
                });
            }
        }
        files.sort_by(|a, b| (a.modified, &a.path).cmp(&(b.modified, &b.path)));
        Ok(files)
    }
}

/// Whether a name fits a pattern in which `*` is any octets and `?` any one.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut p, mut n) = (0, 0);
    // After a star: where the pattern goes on, and the first octet that the star does not yet stand for.
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(octet) if *octet == b'?' || *octet == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (p, n) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|octet| *octet == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_patterns() {
        let fits = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        assert!(
            fits("*", "x") && fits("a*b*c", "a-b-b-c") && fits("cap?.pcap", "cap1.pcap") && fits("a*", "a")
        );
        assert!(!fits("a*b", "abc") && !fits("?", "") && !fits("cap?.pcap", "cap12.pcap") && !fits("", "a"));
    }

    #[test]
    fn files_come_in_the_order_of_their_writing() {
        let directory = tempfile::tempdir().unwrap();
        for (name, age) in [("b.pcap", 30), ("a.pcap", 20), ("c.pcap", 30), (".d.pcap", 10), ("e.txt", 10)] {
            let file = fs::File::create(directory.path().join(name)).unwrap();
            let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000 - age);
            file.set_modified(at).unwrap();
        }
        fs::create_dir(directory.path().join("f.pcap")).unwrap();
        let list = |path: PathBuf| {
            let files = Place::of(&path).list().unwrap();
            files
                .iter()
                .map(|file| file.path.file_name().unwrap().to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(list(directory.path().join("*.pcap")), ["b.pcap", "c.pcap", "a.pcap"]);
        assert_eq!(list(directory.path().to_owned()), ["b.pcap", "c.pcap", "a.pcap", "e.txt"]);
    }
}
