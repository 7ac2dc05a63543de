//! `tollgate fields`: what rules can read.

use crate::cli::Failure;
use crate::feature::fields;

/// Prints the table of fields.
pub fn run() -> Result<(), Failure> {
    print!("{}", fields::markdown());
    Ok(())
}
