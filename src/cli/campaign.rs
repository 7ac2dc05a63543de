//! `tollgate campaign`: labels in, and what they say of a run.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::time::Duration;

use crate::base::caret::Caret;
use crate::campaign::Labels;
use crate::campaign::import;
use crate::campaign::recall::{Matcher, Recall, Share};
use crate::cli::{Failure, Format, ImportArguments, RecallArguments};
use crate::clock;
use crate::journal::WholeFile;

/// Longest line of a file of records, in octets.
const LINE_MAX: u64 = 1 << 20;

/// Adds a file to the labels, all of it or nothing.
pub fn import(arguments: &ImportArguments) -> Result<(), Failure> {
    let text = read(&arguments.file)?;
    let path = &arguments.labels;
    let mut labels = match fs::exists(path) {
        Ok(false) => Labels::default(),
        _ => labels(path)?,
    };
    let lasts = Duration::from_hours(u64::from(arguments.expires) * 24);
    let shown = arguments.file.display().to_string();
    let imported = import::import((&shown, &text), (clock::now(), lasts), &mut labels)
        .map_err(|findings| refused(&findings, "\nnothing was imported"))?;
    if imported.changed > 0 {
        let failed = |error: io::Error| Failure::output(path, &error);
        let mut file = WholeFile::create(path).map_err(failed)?;
        file.write_all(labels.text().as_bytes()).map_err(failed)?;
        file.finish().map_err(failed)?;
    }
    println!(
        "{shown}: {} rows, {} labels new or prolonged; {} has {} now",
        imported.rows,
        imported.changed,
        path.display(),
        labels.len()
    );
    Ok(())
}

/// Matches the test calls among the labels with the records of a run.
pub fn recall(arguments: &RecallArguments) -> Result<(), Failure> {
    let labels = labels(&arguments.labels)?;
    let path = &arguments.calls;
    let failed = |error: io::Error| Failure::input(path, &error);
    let mut records = BufReader::new(File::open(path).map_err(failed)?);
    let mut matcher = Matcher::new(&labels);
    let mut line = String::new();
    for number in 1_u64.. {
        line.clear();
        if records.by_ref().take(LINE_MAX).read_line(&mut line).map_err(failed)? == 0 {
            break;
        }
        let taken = matcher.take(line.trim_end());
        taken.map_err(|message| Failure::new(65, format!("{}:{number}: {message}", path.display())))?;
    }
    print(&matcher.finish(), arguments.format)
}

fn labels(path: &Path) -> Result<Labels, Failure> {
    Labels::parse(&path.display().to_string(), &read(path)?).map_err(|findings| refused(&findings, ""))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => Failure::new(65, format!("{}: not UTF-8 text", path.display())),
        _ => Failure::input(path, &error),
    })
}

fn refused(findings: &[Caret], end: &str) -> Failure {
    let shown: Vec<String> = findings.iter().map(Caret::to_string).collect();
    Failure::new(65, shown.join("\n") + end)
}

fn print(recall: &Recall, format: Format) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = match format {
        Format::Json => serde_json::to_writer_pretty(&mut out, recall)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out)),
        Format::Text => text(recall, &mut out),
    };
    Failure::printed(written)
}

fn text(recall: &Recall, out: &mut impl Write) -> io::Result<()> {
    writeln!(
        out,
        "{:<20} {:<18} {:>6} {:>8} {:>10} {:>6} {:>7}  {:<24} stopped",
        "Service", "route", "calls", "blocked", "monetised", "found", "missed", "recognised"
    )?;
    for share in &recall.shares {
        let Share { service, route, calls, blocked, monetised, found, missed, .. } = share;
        let route = if route.is_empty() { "all" } else { route };
        writeln!(
            out,
            "{service:<20} {route:<18} {calls:>6} {blocked:>8} {monetised:>10} {found:>6} {missed:>7}  {:<24} {}",
            percent(share.recognised, share.recognised_95),
            percent(share.stopped, share.stopped_95)
        )?;
    }
    writeln!(out, "Test calls without a record: {}", recall.without_record)
}

/// `97.5 % (91.3 to 99.7)`
fn percent(share: Option<f64>, [low, high]: [f64; 2]) -> String {
    share.map_or_else(String::new, |share| {
        format!("{:.1} % ({:.1} to {:.1})", share * 100.0, low * 100.0, high * 100.0)
    })
}
