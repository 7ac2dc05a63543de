//! `tollgate man` and `tollgate completions`: what a package installs beside the program, made from the table of commands.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::{Arguments, Failure};

/// Of the first page, after what is made from the commands.
const SECTIONS: &str = r#".SH EXIT STATUS
.TP
\fB0\fR
done
.TP
\fB1\fR
a run that failed
.TP
\fB2\fR
wrong usage
.TP
\fB3\fR
configuration or rules with errors
.TP
\fB65\fR, \fB66\fR, \fB73\fR, \fB74\fR, \fB77\fR
bad data; no such file; output cannot be made; input or output failed; not permitted
.TP
\fB130\fR
ended early by Ctrl\-C or SIGTERM
.SH SIGNALS
Of \fBtollgate run\fR:
.TP
\fBSIGHUP\fR
read rules and prices again; those in force stay when anything is wrong with the new ones
.TP
\fBSIGTERM\fR, \fBSIGINT\fR
let calls pass from now on, write everything that was taken in, keep what was learned, end; a second one ends at once
.SH FILES
.TP
\fI/etc/tollgate/tollgate.toml\fR
configuration of the service; its neighbours are \fInetwork.toml\fR and \fIrules/\fR
.TP
\fI/var/lib/tollgate/\fR
records, bills, and what was learned
.TP
\fI/usr/share/doc/tollgate/\fR
documents; \fIoperations.md\fR is where an operator begins
"#;

/// Writes a page for the program and one for each command.
pub fn pages(directory: &Path) -> Result<(), Failure> {
    let written = write_pages(directory);
    written.map_err(|error| Failure::output(directory, &error))
}

fn write_pages(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut program = Arguments::command().disable_help_subcommand(true);
    program.build();
    fs::write(directory.join("tollgate.1"), page(&program)? + SECTIONS)?;
    program.get_subcommands().try_for_each(|command| write_page(directory, command, "tollgate"))
}

fn write_page(directory: &Path, command: &Command, parent: &str) -> io::Result<()> {
    if command.is_hide_set() {
        return Ok(());
    }
    let name = format!("{parent}-{}", command.get_name());
    fs::write(directory.join(format!("{name}.1")), page(command)?)?;
    command.get_subcommands().try_for_each(|command| write_page(directory, command, &name))
}

/// What a command says at the end of its help is examples.
fn page(command: &Command) -> io::Result<String> {
    let mut page = Vec::new();
    Man::new(command.clone()).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).replace(".SH EXTRA", ".SH EXAMPLES"))
}

/// Prints the completions.
pub fn completions(shell: Shell) -> Result<(), Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "tollgate", &mut text);
    io::stdout().write_all(&text).map_err(|error| Failure::output(Path::new("standard output"), &error))
}
