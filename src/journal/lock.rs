//! Who writes to a directory: one process at a time, told by a lock that ends with it, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::process;

/// Name of the file that is locked. It stays, and says nothing by being there.
const NAME: &str = "lock";
/// Octets read of what the holder wrote: a number.
const HOLDER_MAX: u64 = 20;

/// A directory that is ours until this is dropped, or the process ends.
#[derive(Debug)]
pub struct DirectoryLock(File);

impl DirectoryLock {
    /// Takes the directory.
    ///
    /// # Errors
    /// Of kind [`io::ErrorKind::WouldBlock`] when another process has it; else as the operating system says.
    pub fn take(directory: &Path) -> io::Result<Self> {
        let path = directory.join(NAME);
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
        match file.try_lock() {
            Ok(()) => {
                let lock = Self(file);
                lock.touch();
                Ok(lock)
            }
            Err(TryLockError::WouldBlock) => {
                Err(io::Error::new(io::ErrorKind::WouldBlock, holder(&mut file)))
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Writes anew who holds it, so that a cleaner that goes by age leaves the file alone. On a full disk nobody can be
    /// told; the lock holds all the same.
    pub fn touch(&self) {
        let mut file = &self.0;
        let _ = file.rewind().and_then(|()| file.set_len(0)).and_then(|()| write!(file, "{}", process::id()));
    }
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    match file.take(HOLDER_MAX).read_to_string(&mut text) {
        Ok(_) if !text.is_empty() => format!("another service writes here, process {text}"),
        _ => "another service writes here".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = DirectoryLock::take(folder.path()).unwrap();
        let refused = DirectoryLock::take(folder.path()).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(refused.to_string(), format!("another service writes here, process {}", process::id()));
        drop(first);
        DirectoryLock::take(folder.path()).unwrap();
    }
}
