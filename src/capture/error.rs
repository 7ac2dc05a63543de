//! Why a capture cannot be read at all, what to do about it, and the exit code that says so.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// A file that cannot be opened as a capture.
#[derive(Debug)]
pub struct CaptureError {
    /// The file; `-` is standard input.
    pub path: PathBuf,
    /// What is the matter with it.
    pub reason: Reason,
}

/// What is the matter with a file.
#[derive(Debug)]
pub enum Reason {
    /// Its compression is broken before the first record.
    Damaged(io::Error),
    /// It may not be read.
    Denied,
    /// It is empty, or begins with something other than a pcap or pcapng header.
    NotACapture,
    /// There is none.
    NotFound,
    /// Its frames are of this LINKTYPE_, which is not read.
    UnknownLinkType(u32),
    /// Reading failed.
    Unreadable(io::Error),
    /// It is a capture of a kind or version that is not read.
    Unsupported,
}

impl CaptureError {
    pub(super) fn new(path: &Path, reason: Reason) -> Self {
        Self { path: path.to_owned(), reason }
    }

    /// For a failed open or read.
    pub(super) fn of_io(path: &Path, error: io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => Reason::NotFound,
            io::ErrorKind::PermissionDenied => Reason::Denied,
            _ if error.raw_os_error().is_some() => Reason::Unreadable(error),
            _ => Reason::Damaged(error),
        };
        Self::new(path, reason)
    }

    /// Exit code of the program, as in sysexits.h: 65 bad data, 66 no such file, 74 read error, 77 not permitted.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self.reason {
            Reason::Damaged(_) | Reason::NotACapture | Reason::UnknownLinkType(_) | Reason::Unsupported => 65,
            Reason::NotFound => 66,
            Reason::Unreadable(_) => 74,
            Reason::Denied => 77,
        }
    }
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.reason {
            Reason::Damaged(error) => {
                write!(
                    f,
                    "{path}: the compressed data are damaged ({error}); copy the file again from where it was made"
                )
            }
            Reason::Denied => {
                write!(f, "{path}: permission denied; run as a user who may read it, or change its mode")
            }
            Reason::NotACapture => write!(
                f,
                "{path}: not a capture; give a pcap or pcapng file as tcpdump, dumpcap or tshark write it, \
                 plain or packed with gzip or zstd"
            ),
            Reason::NotFound => {
                write!(f, "{path}: no such file; check the path, or use - for standard input")
            }
            Reason::UnknownLinkType(number) => write!(
                f,
                "{path}: frames of link type {number} are not read; capture on Ethernet, on the \"any\" interface or as \
                 raw IP, or write MTP2 or MTP3 (link types 139 to 141)"
            ),
            Reason::Unreadable(error) if error.kind() == io::ErrorKind::IsADirectory => {
                write!(f, "{path}: a directory; name the captures in it, such as {path}/*.pcap")
            }
            Reason::Unreadable(error) => {
                write!(f, "{path}: cannot be read ({error}); check the file and its disk")
            }
            Reason::Unsupported => write!(
                f,
                "{path}: a capture format or version that is not read; convert it with: editcap -F pcapng {path} new.pcapng"
            ),
        }
    }
}

impl Error for CaptureError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.reason {
            Reason::Damaged(error) | Reason::Unreadable(error) => Some(error),
            _ => None,
        }
    }
}
