//! `tollgate verify`: is a billing file as it was written?

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use crate::billing::{VerifyError, verify};
use crate::cli::Failure;

/// Walks the hash chain of a billing file.
pub fn run(path: &Path) -> Result<(), Failure> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| Failure::input(path, &error))?;
    match verify(BufReader::new(file)) {
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
