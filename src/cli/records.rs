//! What a replay does with the judge's outputs: counts every call, rates the monetised ones, writes both down.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::base::class::Decision;
use crate::base::network::Network;
use crate::base::time::At;
use crate::billing::{Charge, GENESIS, Ledger, Memory, RateCard, Rater, Totals};
use crate::call::CallEvent;
use crate::cli::Failure;
use crate::cli::failure::said;
use crate::feature::fields;
use crate::journal::{CallsWriter, WholeFile};
use crate::judge::{CallRecord, Judge, Output};
use crate::lookup::{LookUps, Outcome, Resolver, Source};
use crate::metrics::Tally;
use crate::pipeline::Sink;
use crate::stir::{self, Verifications};

/// A file of the output directory, or nowhere when there is none.
enum Target {
    File(WholeFile),
    Nowhere,
}

impl Target {
    fn create(out: Option<&Path>, name: &str) -> Result<Self, Failure> {
        let Some(out) = out else { return Ok(Self::Nowhere) };
        let path = out.join(name);
        WholeFile::create(&path).map(Self::File).map_err(|error| Failure::output(&path, &error))
    }

    fn finish(self, files: &mut Vec<String>) -> Result<(), Failure> {
        let Self::File(file) = self else { return Ok(()) };
        let path = file.path().to_owned();
        file.finish().map_err(|error| Failure::output(&path, &error))?;
        files.push(path.display().to_string());
        Ok(())
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Nowhere => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Nowhere => Ok(()),
        }
    }
}

/// All who are asked before a call is judged.
#[derive(Default)]
struct Outside {
    roaming: Option<LookUps<Target>>,
    stir: Option<Verifications<Target>>,
}

impl Resolver for Outside {
    fn fetch(&mut self, judge: &Judge, events: &mut dyn Iterator<Item = &CallEvent>) {
        match (&mut self.roaming, &mut self.stir) {
            (Some(roaming), None) => roaming.fetch(judge, events),
            (None, Some(stir)) => stir.fetch(judge, events),
            (Some(roaming), Some(stir)) => {
                let events: Vec<&CallEvent> = events.collect();
                roaming.fetch(judge, &mut events.iter().copied());
                stir.fetch(judge, &mut events.iter().copied());
            }
            (None, None) => {}
        }
    }

    fn resolve(&mut self, judge: &mut Judge, event: &CallEvent) {
        if let Some(roaming) = &mut self.roaming {
            roaming.resolve(judge, event);
        }
        if let Some(stir) = &mut self.stir {
            stir.resolve(judge, event);
        }
    }
}

/// Takes the records on the judge's thread.
pub struct Records {
    network: Arc<Network>,
    out: Option<PathBuf>,
    calls: Option<CallsWriter<Target>>,
    ledger: Ledger<Target>,
    rater: Rater,
    outside: Outside,
    /// Counts of calls.
    pub tally: Tally,
    /// Billing records by sender and result.
    pub results: BTreeMap<(String, &'static str), u64>,
    /// First and last setup.
    pub setups: Option<(At, At)>,
    /// When the last call was over.
    pub last_end: Option<At>,
    seen: Arc<AtomicU64>,
    /// Set when writing failed: there is no use in reading on.
    stop: Arc<AtomicBool>,
    error: Option<io::Error>,
}

impl Records {
    /// Makes the directory and its files; `seen` is counted up with every record, `stop` set when one cannot be written.
    pub fn open(
        out: Option<&Path>,
        network: &Arc<Network>,
        rate_card: Option<RateCard>,
        (seen, stop): (Arc<AtomicU64>, Arc<AtomicBool>),
    ) -> Result<Self, Failure> {
        if let Some(out) = out {
            fs::create_dir_all(out).map_err(|error| Failure::output(out, &error))?;
        }
        let calls = match Target::create(out, "calls.jsonl")? {
            Target::Nowhere => None,
            file => Some(CallsWriter::new(file, &fields::FIELDS)),
        };
        Ok(Self {
            network: Arc::clone(network),
            out: out.map(Path::to_owned),
            calls,
            ledger: Ledger::new(Target::create(out, "billing.jsonl")?, GENESIS),
            rater: Rater::new(rate_card.unwrap_or_default()),
            outside: Outside::default(),
            tally: Tally::new(network.routes.all().len()),
            results: BTreeMap::new(),
            setups: None,
            last_end: None,
            seen,
            stop,
            error: None,
        })
    }

    /// Asks `source` where subscribers are; its answers hold for `hold` and are written down with the records.
    pub fn with_look_ups(mut self, source: Box<dyn Source>, hold: Duration) -> Result<Self, Failure> {
        let journal = Target::create(self.out.as_deref(), "roaming-answers.jsonl")?;
        self.outside.roaming = Some(LookUps::new(Arc::clone(&self.network), source, hold, journal));
        Ok(self)
    }

    /// Asks `source` what is to be said of signatures; what it says is written down with the records if `is_recorded`.
    pub fn with_verification(
        mut self,
        source: Box<dyn stir::Source>,
        is_recorded: bool,
    ) -> Result<Self, Failure> {
        let journal =
            is_recorded.then(|| Target::create(self.out.as_deref(), "stir-answers.jsonl")).transpose()?;
        self.outside.stir = Some(Verifications::new(source, journal));
        Ok(self)
    }

    /// What became of questions about subscribers, by result, those that occurred.
    pub fn look_ups(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.outside.roaming.as_ref().map(LookUps::counts).into_iter().flatten().copied();
        Outcome::NAMES.into_iter().zip(counts).filter(|(_, count)| *count > 0)
    }

    /// Rates on from where an earlier run ended.
    pub fn resume(&mut self, rated: Memory) {
        self.rater.resume(rated);
    }

    /// What a later run must know to rate on, when this one is over.
    pub fn take_memory(&mut self) -> Memory {
        self.rater.take_memory()
    }

    /// Sums of what was rated.
    pub fn totals(&self) -> &Totals {
        self.ledger.totals()
    }

    /// Hash of the last billing record.
    pub fn last_hash(&self) -> &str {
        self.ledger.last_hash()
    }

    /// Gives the files their names, `metrics.prom` with them; the paths of all.
    pub fn finish(self, metrics: &[u8]) -> Result<Vec<String>, Failure> {
        if let Some(error) = self.error {
            return Err(Failure::new(
                74,
                format!("writing records failed: {}; no file was given its name", said(&error)),
            ));
        }
        let mut files = Vec::new();
        let broken = |error: io::Error| Failure::new(74, format!("writing records failed: {}", said(&error)));
        if let Some(calls) = self.calls {
            calls.into_inner().finish(&mut files)?;
        }
        self.ledger.finish().map_err(broken)?.finish(&mut files)?;
        if let Some(look_ups) = self.outside.roaming {
            look_ups.finish().map_err(broken)?.finish(&mut files)?;
        }
        if let Some(stir) = self.outside.stir
            && let Some(journal) = stir.finish().map_err(broken)?
        {
            journal.finish(&mut files)?;
        }
        let mut prom = Target::create(self.out.as_deref(), "metrics.prom")?;
        prom.write_all(metrics).map_err(broken)?;
        prom.finish(&mut files)?;
        Ok(files)
    }

    fn record(&mut self, record: &CallRecord) -> io::Result<()> {
        self.seen.fetch_add(1, Ordering::Relaxed);
        self.tally.count(record, &self.network.lists.known_good);
        let at = record.call.setup_at;
        let (first, last) = self.setups.unwrap_or((at, at));
        self.setups = Some((first.min(at), last.max(at)));
        self.last_end = self.last_end.max(Some(record.call.end_at.unwrap_or(at)));
        if let Some(calls) = &mut self.calls {
            calls.write(record, &self.network)?;
        }
        if record.verdict.decision == Decision::Monetise { self.bill(record) } else { Ok(()) }
    }

    fn bill(&mut self, record: &CallRecord) -> io::Result<()> {
        let charge = Charge::new(record, &self.network);
        let rated = self.rater.rate(&charge);
        let result = rated.reason.map_or("rated", |reason| reason.name());
        *self.results.entry((charge.sender.to_owned(), result)).or_default() += 1;
        self.ledger.append(&rated)
    }
}

impl Sink for Records {
    fn resolver(&mut self) -> Option<&mut dyn Resolver> {
        let is_anybody_asked = self.outside.roaming.is_some() || self.outside.stir.is_some();
        is_anybody_asked.then_some(&mut self.outside as &mut dyn Resolver)
    }

    fn take(&mut self, _: &Judge, output: Output) {
        if self.error.is_some() {
            return;
        }
        if let Output::Record(record) = output {
            self.error = self.record(&record).err();
            if self.error.is_some() {
                self.stop.store(true, Ordering::Relaxed);
            }
        }
    }
}
