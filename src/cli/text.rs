//! The report as text.

use std::fmt;

use crate::base::text::grouped;
use crate::cli::report::{Count, Report, RouteLine};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        if self.calls == 0 {
            writeln!(f, "\nNo call was found.")?;
        } else {
            self.routes(f)?;
            self.classes(f)?;
            self.ranges(f)?;
            self.billing(f)?;
        }
        self.input(f)?;
        if !self.files.is_empty() {
            writeln!(f, "\nWritten: {}", self.files.join(", "))?;
        }
        Ok(())
    }
}

impl Report {
    fn head(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Tollgate {} · rules {}", self.version, self.ruleset)?;
        let messages: u64 = self.messages.iter().map(|count| count.count).sum();
        writeln!(
            f,
            "{} calls in {} messages, {} frames, {} on disk, in {:.2} s",
            grouped(self.calls),
            grouped(messages),
            grouped(self.frames),
            octets(self.bytes),
            self.seconds
        )?;
        if let (Some(first), Some(last)) = (&self.first_setup_at, &self.last_setup_at) {
            writeln!(f, "{} to {}", seconds_only(first), seconds_only(last))?;
        }
        if self.interrupted {
            writeln!(f, "Interrupted: what follows covers the part that was read.")?;
        }
        Ok(())
    }

    fn routes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<18} {:<14} {:>9} {:>9} {:>9} {:>10} {:>9} {:>10} {:>8}",
            "Calls by route", "class", "SIP", "ISUP", "answered", "allowed", "blocked", "monetised", "missed"
        )?;
        self.routes.iter().try_for_each(|line| route_line(f, line))
    }

    fn classes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<18} {:>9} {:>9} {:>9} {:>10}",
            "What they were", "calls", "allowed", "blocked", "monetised"
        )?;
        for line in &self.classes {
            let calls = line.allowed + line.blocked + line.monetised;
            writeln!(
                f,
                "  {:<16} {:>9} {:>9} {:>9} {:>10}",
                line.class,
                grouped(calls),
                grouped(line.allowed),
                grouped(line.blocked),
                grouped(line.monetised)
            )?;
        }
        Ok(())
    }

    fn ranges(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ranges.is_empty() {
            return writeln!(f, "\nNo range was found to be a source of flash calls or Wangiri.");
        }
        writeln!(f, "\nRanges found ({} of {})", self.ranges.len(), self.ranges_total)?;
        for line in &self.ranges {
            writeln!(
                f,
                "  {} on {}: {}, since {}, confirmed by {} (rule {})",
                line.range,
                line.route,
                line.class,
                seconds_only(&line.since),
                calls(line.calls),
                line.rule
            )?;
            if let Some(because) = &line.because {
                wrapped(f, because)?;
            }
            wrapped(f, &line.evidence)?;
        }
        Ok(())
    }

    fn billing(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.billing.is_empty() {
            return writeln!(f, "\nNothing to bill.");
        }
        writeln!(f, "\nTo be billed")?;
        for line in &self.billing {
            writeln!(
                f,
                "  {}: {} {} for {} of {} monetised calls",
                line.sender,
                line.amount,
                line.currency,
                grouped(line.billable),
                grouped(line.records)
            )?;
        }
        writeln!(f, "  last hash {}", self.billing_last_hash)
    }

    fn input(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        counts(f, "Messages", &self.messages)?;
        counts(f, "Adaptation layers", &self.adaptation)?;
        counts(f, "Frames without signalling", &self.skipped)?;
        if self.faults.is_empty() {
            writeln!(f, "\nNothing was dropped or malformed.")?;
        } else {
            counts(f, "Dropped or malformed", &self.faults)?;
        }
        self.problems.iter().try_for_each(|problem| writeln!(f, "  {problem}"))
    }
}

fn route_line(f: &mut fmt::Formatter<'_>, line: &RouteLine) -> fmt::Result {
    writeln!(
        f,
        "  {:<16} {:<14} {:>9} {:>9} {:>9} {:>10} {:>9} {:>10} {:>8}",
        line.route,
        line.class,
        grouped(line.sip),
        grouped(line.isup),
        grouped(line.answered),
        grouped(line.allowed),
        grouped(line.blocked),
        grouped(line.monetised),
        grouped(line.missed)
    )
}

/// `SIP INVITE 1,204 · 180 901 · …`, a line for each protocol or layer.
fn counts(f: &mut fmt::Formatter<'_>, title: &str, counts: &[Count]) -> fmt::Result {
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for count in counts {
        let shown = format!("{} {}", count.what, grouped(count.count));
        match groups.iter_mut().find(|(of, _)| *of == count.of) {
            Some((_, shown_before)) => shown_before.push(shown),
            None => groups.push((&count.of, vec![shown])),
        }
    }
    groups.iter().try_for_each(|(of, shown)| writeln!(f, "  {of:<8} {}", shown.join(" · ")))
}

/// A sentence below its heading, indented, in lines of up to 110 characters.
fn wrapped(f: &mut fmt::Formatter<'_>, sentence: &str) -> fmt::Result {
    const WIDTH: usize = 104;
    let mut line = String::new();
    for word in sentence.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > WIDTH {
            writeln!(f, "      {line}")?;
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    writeln!(f, "      {line}")
}

/// `2.1 MB`
fn octets(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// `1 call`, `12 calls`
fn calls(count: u64) -> String {
    if count == 1 { "1 call".to_owned() } else { format!("{} calls", grouped(count)) }
}

/// An RFC 3339 time without its fraction.
fn seconds_only(time: &str) -> String {
    match time.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => time.to_owned(),
    }
}
