//! `tollgate verify`: are billing files as they were written?

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::billing::{GENESIS, VerifyError, verify};
use crate::cli::Failure;

/// What a chain is held against, besides itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ends<'a> {
    /// The hash that it goes on after; without it, it is a beginning.
    pub after: Option<&'a str>,
    /// The hash that it must end with.
    pub last: Option<&'a str>,
}

/// Walks the hash chain of billing files, each of which goes on where the one before it ends.
pub fn run(files: &[PathBuf], ends: Ends<'_>) -> Result<(), Failure> {
    let mut hash = ends.after.unwrap_or(GENESIS).trim().to_ascii_lowercase();
    let mut said = Vec::new();
    for (path, is_first) in files.iter().zip(std::iter::once(true).chain(std::iter::repeat(false))) {
        let file = File::open(path).map_err(|error| Failure::input(path, &error))?;
        let verified = verify(BufReader::new(file), &hash)
            .map_err(|error| broken(path, &error, is_first && ends.after.is_none()))?;
        hash = verified.last_hash;
        said.push(match verified.records {
            0 => format!("{}: an empty bill, no record; last hash {hash}", path.display()),
            records => format!("{}: {records} records, unbroken; last hash {hash}", path.display()),
        });
    }
    if ends.last.is_some_and(|last| !last.trim().eq_ignore_ascii_case(&hash)) {
        let what = "but that is not the last hash: lines are missing at its end, or it is another run's";
        return Err(Failure::new(65, format!("{}, {what}", said.join("\n"))));
    }
    let is_open = hash == GENESIS && ends.last.is_none();
    let known = if is_open { "; whether it should be, the hash in the report says (--last)" } else { "" };
    println!("{}{known}", said.join("\n"));
    Ok(())
}

fn broken(path: &Path, error: &VerifyError, may_go_on: bool) -> Failure {
    let line = match error {
        VerifyError::Broken(line) => line,
        VerifyError::Io(error) => return Failure::input(path, error),
    };
    let what = "the chain is broken: this line was changed, or the one before it is missing";
    let help = if *line == 1 && may_go_on {
        "; a service goes on where its file of the day before ends: give that file first, or its last hash with --after"
    } else {
        ""
    };
    Failure::new(65, format!("{}:{line}: {what}{help}", path.display()))
}
