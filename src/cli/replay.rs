//! `tollgate replay`: captures in, report and records out.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::base::network::Network;
use crate::capture::Capture;
use crate::cli::load::SetUp;
use crate::cli::progress::Watched;
use crate::cli::records::Records;
use crate::cli::report::{self, BillLine, Count, Report};
use crate::cli::state::Keeper;
use crate::cli::{Failure, Format, ReplayArguments, interrupt, load, look_ups, signatures};
use crate::feature::fields;
use crate::journal::WholeFile;
use crate::metrics::prom;
use crate::pipeline::{self, Finished};
use crate::rule::Ruleset;

/// Replays captures.
pub fn run(arguments: &ReplayArguments) -> Result<(), Failure> {
    let loaded = load::network(arguments.network.as_deref())?;
    let ruleset = Arc::new(load::rules(arguments.rules.as_deref())?);
    let limits = load::limits(&loaded);
    let network = Arc::new(loaded.network);
    if arguments.captures.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::new(2, "standard input (-) can be read once; name it once"));
    }
    if let Some(path) = &arguments.state {
        // Before the run, not after it.
        let probed = WholeFile::create(path).and_then(WholeFile::discard);
        probed.map_err(|error| Failure::output(path, &error))?;
    }
    let capture =
        Capture::open(&arguments.captures).map_err(|error| Failure::new(error.exit_code(), error))?;
    let calls = Arc::new(AtomicU64::new(0));
    let interrupted = interrupt::watch()?;
    let kept = arguments.state.clone().map(|path| Keeper::open(path, arguments.state_seed, &network));
    let (keeper, learned) = kept.transpose()?.unzip();
    if let Some(keeper) = &keeper {
        keeper.check_begin(capture.begins_at())?;
    }
    let marks = loaded.labels.seeds();
    let seed = keeper.as_ref().map_or(load::SEED, Keeper::seed);
    let SetUp { options, threads, mut judge } =
        load::set_up((&network, &ruleset), (&marks, limits, loaded.legs), (arguments.shards, seed));
    let mut sink = Records::open(
        arguments.out.as_deref(),
        &network,
        loaded.rate_card,
        (Arc::clone(&calls), Arc::clone(&interrupted)),
    )?;
    if let Some((source, hold)) = look_ups::source(arguments, loaded.look_ups)? {
        sink = sink.with_look_ups(source, hold)?;
    }
    if let Some((source, is_recorded)) = signatures::source(arguments, loaded.stir.as_ref(), &network)? {
        sink = sink.with_verification(source, is_recorded)?;
    }
    let mut frames = Watched::new(capture, calls, Arc::clone(&interrupted));
    if let (Some(keeper), Some(learned)) = (&keeper, learned.flatten()) {
        keeper.compare_rules(&learned, ruleset.hash());
        judge.resume(learned.store);
        sink.resume(learned.rated);
    }
    let mut finished = pipeline::run_with(&mut frames, &network, judge, (&options, threads), sink);
    let seconds = frames.seconds();
    let capture = frames.finish();
    finished.counts.faults.merge(capture.faults());
    let mut report = summary(&finished, &capture, (&network, &ruleset));
    report.seconds = seconds;
    report.interrupted = interrupted.load(Ordering::Relaxed);
    let metrics = metrics(&finished, (&network, &ruleset))?;
    let (rated, last_end) = (finished.sink.take_memory(), finished.sink.last_end);
    report.files = finished.sink.finish(&metrics)?;
    if let Some(keeper) = keeper {
        report.files.push(keeper.save(&finished.judge, (&network, &rated), last_end)?);
    }
    print(&report, arguments.format)?;
    if report.interrupted {
        return Err(Failure::new(interrupt::CODE, "interrupted: report and files cover what was read"));
    }
    Ok(())
}

fn summary(
    finished: &Finished<Records>,
    capture: &Capture,
    (network, ruleset): (&Network, &Ruleset),
) -> Report {
    let records = &finished.sink;
    let total = records.tally.total();
    let findings = finished.judge.findings();
    let (ranges, ranges_total) = report::range_lines(findings, (network, ruleset, &fields::FIELDS));
    Report {
        version: env!("CARGO_PKG_VERSION"),
        ruleset: ruleset.hash().to_owned(),
        interrupted: false,
        bytes: capture.bytes_read(),
        frames: capture.frames(),
        seconds: 0.0,
        first_setup_at: records.setups.map(|(first, _)| first.to_string()),
        last_setup_at: records.setups.map(|(_, last)| last.to_string()),
        calls: total.total(),
        routes: report::route_lines(&records.tally, network),
        classes: report::class_lines(&total),
        ranges,
        ranges_total,
        billing: bill_lines(records),
        billing_last_hash: records.last_hash().to_owned(),
        messages: finished.counts.by_kind().map(count).collect(),
        adaptation: finished.assembler.skips().messages().map(count).collect(),
        faults: report::fault_counts(&finished.counts.faults),
        skipped: skipped(finished).map(|(what, count)| Count::new("frames", what, count)).collect(),
        problems: capture.problems().to_vec(),
        files: Vec::new(),
    }
}

fn bill_lines(records: &Records) -> Vec<BillLine> {
    let lines = records.totals().iter().map(|((sender, currency), total)| BillLine {
        sender: sender.clone(),
        currency: currency.clone(),
        records: total.records,
        billable: total.billable,
        amount: total.amount.to_string(),
    });
    lines.collect()
}

fn count((of, what, count): (&'static str, &'static str, u64)) -> Count {
    Count::new(of, what, count)
}

fn skipped(finished: &Finished<Records>) -> impl Iterator<Item = (&'static str, u64)> {
    finished.assembler.skips().iter().filter(|(_, count)| *count > 0)
}

fn metrics(
    finished: &Finished<Records>,
    (network, ruleset): (&Network, &Ruleset),
) -> Result<Vec<u8>, Failure> {
    let results = finished.sink.results.iter();
    let snapshot = prom::Snapshot {
        network,
        ruleset,
        tally: &finished.sink.tally,
        shadow_matches: finished.judge.shadow_matches(),
        faults: &finished.counts.faults,
        legs: finished.legs,
        messages: finished.counts.by_kind().chain(finished.assembler.skips().messages()).collect(),
        skipped: skipped(finished).collect(),
        state_limits: Vec::new(),
        state_keys: finished.judge.store().sizes().by_table().collect(),
        look_ups: finished.sink.look_ups().collect(),
        stir: finished.judge.stir_counts(),
        billing: results.map(|((sender, result), count)| (sender.clone(), *result, *count)).collect(),
    };
    prom::encode(&snapshot).map_err(|error| Failure::new(1, format!("metrics: {error}")))
}

/// Prints the report; a reader that closed the pipe early is no failure.
fn print(report: &Report, format: Format) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let written = match format {
        Format::Text => write!(out, "{report}"),
        Format::Json => serde_json::to_writer_pretty(&mut out, report)
            .map_err(io::Error::from)
            .and_then(|()| writeln!(out)),
    };
    Failure::printed(written)
}
