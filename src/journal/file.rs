//! Output files that are either whole or not there: written under a temporary name, renamed when finished.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that gets its name when [`WholeFile::finish`] is called; until then it is `NAME.part`.
#[derive(Debug)]
pub struct WholeFile {
    path: PathBuf,
    part: PathBuf,
    writer: BufWriter<File>,
}

impl WholeFile {
    /// Creates `path`'s temporary file.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn create(path: &Path) -> io::Result<Self> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let writer = BufWriter::with_capacity(256 * 1024, File::create(&part)?);
        Ok(Self { path: path.to_owned(), part, writer })
    }

    /// Where it will be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes the temporary file away again.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn discard(self) -> io::Result<()> {
        fs::remove_file(&self.part)
    }

    /// Writes what is left to the disk and gives the file its name.
    ///
    /// # Errors
    /// As the operating system says; the temporary file then stays.
    pub fn finish(self) -> io::Result<()> {
        self.writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()?;
        fs::rename(&self.part, &self.path)
    }
}

impl Write for WholeFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_its_name_only_when_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("calls.jsonl");
        let mut file = WholeFile::create(&path).unwrap();
        file.write_all(b"{}\n").unwrap();
        assert!(!path.exists());
        file.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{}\n");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        WholeFile::create(&path).unwrap().discard().unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(fs::read(&path).unwrap(), b"{}\n");
    }
}
