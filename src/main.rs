//! The `tollgate` program: picks a command and turns its outcome into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    tollgate::cli::run(std::env::args_os())
}
