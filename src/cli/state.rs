//! `--state`: what a run learned, read at its start and written while it lasts and at its end.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::base::network::Network;
use crate::base::time::At;
use crate::cli::Failure;
use crate::journal::state::{self, StateError};
use crate::judge::Judge;

/// Keeps the state file of a run.
pub struct Keeper {
    path: PathBuf,
    every: Duration,
    /// Packet time of the last call, and when the state was last written.
    now: At,
    saved: At,
}

impl Keeper {
    /// Lets the judge go on with the file, if it is there.
    pub fn open(
        (path, every): (PathBuf, Duration),
        judge: &mut Judge,
        network: &Network,
    ) -> Result<Self, Failure> {
        let (mut now, shown) = (At::default(), path.display());
        match state::load(&path, network) {
            Ok((header, store)) => {
                now = At::parse(&header.at).unwrap_or_default();
                if header.ruleset != judge.ruleset().hash() {
                    eprintln!("{shown}: learned with the rules {}, goes on with others", header.ruleset);
                }
                judge.resume(store);
            }
            Err(StateError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(StateError::Io(error)) => return Err(Failure::input(&path, &error)),
            Err(error) => return Err(Failure::new(65, format!("{shown}: {error}"))),
        }
        Ok(Self { path, every, now, saved: now })
    }

    /// Notes that a call ended at `at`, and writes the state when it is time to.
    pub fn pass(&mut self, at: At, judge: &Judge, network: &Network) -> io::Result<()> {
        self.now = self.now.max(at);
        if self.saved == At::default() {
            self.saved = self.now;
        }
        if self.now.since(self.saved) < self.every { Ok(()) } else { self.save(judge, network) }
    }

    /// Writes the state.
    pub fn save(&mut self, judge: &Judge, network: &Network) -> io::Result<()> {
        self.saved = self.now;
        state::save(&self.path, judge, network, self.now)
    }

    /// Where it is.
    pub fn path(&self) -> &PathBuf {
        &self.path
    }
}

/// Reads a span such as `90s`, `10m` or `6h`, of at least a second.
pub fn span(text: &str) -> Result<Duration, String> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => 0,
    };
    let span = digits.parse::<u32>().unwrap_or(0).saturating_mul(seconds);
    if span == 0 {
        Err("write a span such as 90s, 10m or 6h".to_owned())
    } else {
        Ok(Duration::from_secs(span.into()))
    }
}
