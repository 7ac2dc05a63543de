//! `tollgate verify`: is a billing file as it was written?

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::billing::{GENESIS, VerifyError, verify};
use crate::cli::Failure;

/// Walks the hash chain of a billing file; `last` is the hash that it must end with.
pub fn run(path: &Path, last: Option<&str>) -> Result<(), Failure> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| Failure::input(path, &error))?;
    match verify(BufReader::new(file)) {
        Ok(verified) if last.is_some_and(|last| !last.trim().eq_ignore_ascii_case(&verified.last_hash)) => {
            Err(Failure::new(
                65,
                format!(
                    "{shown}: {} records, unbroken, but the last hash is {}: lines are missing at its end, or it is another run's",
                    verified.records, verified.last_hash
                ),
            ))
        }
        Ok(verified) if verified.records == 0 => {
            let known = if last.is_some() {
                ""
            } else {
                "; whether it should be, the hash in the report says (--last)"
            };
            println!("{shown}: an empty bill, no record; last hash {GENESIS}{known}");
            Ok(())
        }
        Ok(verified) => {
            println!("{shown}: {} records, unbroken; last hash {}", verified.records, verified.last_hash);
            Ok(())
        }
        Err(VerifyError::Broken(line)) => Err(Failure::new(
            65,
            format!(
                "{shown}:{line}: the chain is broken: this line was changed, or the one before it is missing"
            ),
        )),
        Err(VerifyError::Io(error)) => Err(Failure::input(path, &error)),
    }
}
