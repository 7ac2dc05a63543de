//! Why a command failed: words for a person, an exit code for a script.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;

/// What is said on standard error, and the exit code.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) code: u8,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(code: u8, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string() }
    }

    /// For an input that cannot be read.
    pub(super) fn input(path: &Path, error: &io::Error) -> Self {
        let code = match error.kind() {
            io::ErrorKind::NotFound => 66,
            io::ErrorKind::PermissionDenied => 77,
            _ => 74,
        };
        Self::new(code, format!("{}: {}", path.display(), said(error)))
    }

    /// For an output that cannot be made or written: 73 when there is no place for it, 74 when writing failed, as it does
    /// on a full disk.
    pub(super) fn output(path: &Path, error: &io::Error) -> Self {
        let message = format!("{}: {}; nothing under that name was changed", path.display(), said(error));
        Self::new(output_code(error), message)
    }

    /// For standard output; a reader that closed the pipe early is no failure.
    pub(super) fn printed(written: io::Result<()>) -> Result<(), Self> {
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Self::new(74, format!("standard output: {}", said(&error))))
            }
            _ => Ok(()),
        }
    }
}

/// Says something on standard error. Whoever closed it does not want to hear it.
pub(super) fn say(what: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{what}");
}

/// Exit code for an output, as in sysexits.h.
pub(super) fn output_code(error: &io::Error) -> u8 {
    match error.kind() {
        io::ErrorKind::PermissionDenied => 77,
        io::ErrorKind::AlreadyExists
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::NotFound
        | io::ErrorKind::ReadOnlyFilesystem => 73,
        _ => 74,
    }
}

/// What the system said, in words that say what to do.
pub(super) fn said(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AlreadyExists => "there is a file of that name; give a directory".to_owned(),
        io::ErrorKind::IsADirectory => "that is a directory; give a file".to_owned(),
        io::ErrorKind::NotADirectory => "that is a file, or goes through one; give a directory".to_owned(),
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "permission denied; run as a user who may, or change its mode".to_owned()
        }
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        io::ErrorKind::StorageFull => "no space is left on the disk".to_owned(),
        _ => {
            let text = error.to_string();
            text.split_once(" (os error").map_or(text.clone(), |(words, _)| words.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_and_a_disk_are_told_apart() {
        let codes = [
            (io::ErrorKind::NotFound, 73),
            (io::ErrorKind::ReadOnlyFilesystem, 73),
            (io::ErrorKind::StorageFull, 74),
            (io::ErrorKind::PermissionDenied, 77),
        ];
        for (kind, code) in codes {
            assert_eq!(Failure::output(Path::new("out"), &kind.into()).code, code, "{kind}");
        }
        assert_eq!(Failure::input(Path::new("in"), &io::ErrorKind::NotFound.into()).code, 66);
    }

    #[test]
    fn numbers_of_the_system_are_left_out() {
        let error = io::Error::from_raw_os_error(5);
        assert!(error.to_string().contains("os error 5"));
        assert!(!said(&error).contains("os error") && !said(&error).is_empty());
    }
}
