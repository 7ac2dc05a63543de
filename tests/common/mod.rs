//! What the tests of the whole program share.

use std::io::Write;
use std::path::PathBuf;

/// Folder of test data that is not part of this repository (torture messages, captures): `TOLLGATE_TEST_DATA`, else
/// `../shared/data` beside the package. `None`, said loudly, when it is not there.
pub fn test_data() -> Option<PathBuf> {
    let folder = std::env::var_os("TOLLGATE_TEST_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    // Not `eprintln!`, whose output the harness keeps to itself when a test passes.
    let _ =
        writeln!(std::io::stderr(), "SKIPPED: no test data at {}; set TOLLGATE_TEST_DATA", folder.display());
    None
}
