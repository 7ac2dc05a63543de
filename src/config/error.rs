//! Why the configuration cannot be used, and the exit code that says so.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Findings in files that could be read, each ready to be shown.
    Invalid(Vec<String>),
    /// A file or directory that is not there.
    Missing(PathBuf),
    /// A file or directory that we may not read.
    Permission(PathBuf),
    /// A file or directory that could not be read, and what the system says.
    Io(PathBuf, String),
}

impl Error {
    /// Exit code: 3 for invalid configuration, else as in sysexits.h: 66 no input, 74 input or output error, 77
    /// permission denied.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Invalid(_) => 3,
            Self::Missing(_) => 66,
            Self::Io(..) => 74,
            Self::Permission(_) => 77,
        }
    }

    /// What the system said of `path`.
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(path.to_owned()),
            io::ErrorKind::PermissionDenied => Self::Permission(path.to_owned()),
            io::ErrorKind::IsADirectory => {
                Self::Io(path.to_owned(), "a directory; give the file itself".to_owned())
            }
            io::ErrorKind::NotADirectory => Self::Io(
                path.to_owned(),
                "not a directory; rules are given as a directory of files whose names end in .toml"
                    .to_owned(),
            ),
            _ => Self::Io(path.to_owned(), error.to_string()),
        }
    }
}

/// Findings shown; a file of another kind altogether would fill the screen many times over.
const SHOWN_MAX: usize = 50;

/// Findings one below the other, without a newline at the end.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(findings) => {
                f.write_str(&findings[..findings.len().min(SHOWN_MAX)].join("\n"))?;
                match findings.len().saturating_sub(SHOWN_MAX) {
                    0 => Ok(()),
                    more => write!(f, "\nand {more} more"),
                }
            }
            Self::Missing(path) => write!(f, "{}: no such file or directory", path.display()),
            Self::Permission(path) => write!(f, "{}: permission denied", path.display()),
            Self::Io(path, message) => write!(f, "{}: {message}", path.display()),
        }
    }
}

impl std::error::Error for Error {}

/// Reads a file of text.
pub(super) fn read_text(path: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(path).map_err(|error| Error::io(path, &error))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        Error::Invalid(vec![format!("{}:{line}: the file is not UTF-8 text", path.display())])
    })
}
