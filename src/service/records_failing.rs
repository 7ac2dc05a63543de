//! Which files of records cannot be written now: told once when that begins, and once when it ends.

use std::collections::BTreeSet;
use std::io;

use prometheus::IntGauge;

/// The files that fail, by kind.
#[derive(Debug)]
pub struct Failing {
    files: BTreeSet<&'static str>,
    /// 1 while any does.
    gauge: IntGauge,
}

impl Failing {
    /// None yet.
    #[must_use]
    pub const fn new(gauge: IntGauge) -> Self {
        Self { files: BTreeSet::new(), gauge }
    }

    /// What became of an attempt to have a file on the disk. Where there was nothing to be written, `false`, nothing is
    /// known about the disk either.
    pub fn look_at(&mut self, file: &'static str, outcome: &io::Result<bool>) {
        match outcome {
            Err(error) => self.begin(file, error),
            Ok(true) => self.end(file),
            Ok(false) => {}
        }
    }

    /// A file cannot be written.
    pub fn begin(&mut self, file: &'static str, error: &io::Error) {
        if self.files.insert(file) {
            tracing::error!(event = "records_failing", file, %error, "records cannot be written");
        }
        self.gauge.set(1);
    }

    fn end(&mut self, file: &'static str) {
        if self.files.remove(file) {
            tracing::info!(event = "records_recovered", file, "records are written again");
        }
        self.gauge.set(i64::from(!self.files.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_file_says_nothing_of_the_other() {
        let gauge = IntGauge::new("failing", "failing").unwrap();
        let mut failing = Failing::new(gauge.clone());
        let full = || Err(io::Error::from(io::ErrorKind::StorageFull));
        failing.look_at("billing", &full());
        failing.look_at("calls", &Ok(true));
        failing.look_at("billing", &Ok(false));
        assert_eq!(gauge.get(), 1, "nothing was written to bills since");
        failing.look_at("calls", &full());
        failing.look_at("billing", &Ok(true));
        assert_eq!(gauge.get(), 1, "calls fail");
        failing.look_at("calls", &Ok(true));
        assert_eq!(gauge.get(), 0);
    }
}
