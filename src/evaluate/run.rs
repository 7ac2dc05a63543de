//! One run: frames through the pipeline, records against the truth.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::base::network::Network;
use crate::clock::Stopwatch;
use crate::engine::Options;
use crate::evaluate::join::Join;
use crate::evaluate::names::Names;
use crate::evaluate::report::RunResult;
use crate::evaluate::truth::Truths;
use crate::judge::Judge;
use crate::pipeline::{self, Frames, Threads};
use crate::rule::Ruleset;

/// What a run is judged with.
pub struct Setting<'a> {
    /// The network that the frames are of.
    pub network: &'a Arc<Network>,
    /// The rules.
    pub ruleset: &'a Arc<Ruleset>,
    /// Limits.
    pub options: &'a Options,
    /// How the work is cut.
    pub threads: Threads,
    /// Words of the truth, shared by all runs of an evaluation.
    pub names: &'a Names,
    /// One unwanted call in this many reaches a test number.
    pub test_one_in: u64,
    /// Counted up with every record.
    pub seen: Arc<AtomicU64>,
}

/// Runs all frames, judged by `judge`, and holds every record against the truth.
pub fn run(
    name: &str,
    (frames, truths): (&mut dyn Frames, Box<dyn Truths>),
    judge: Judge,
    setting: &Setting<'_>,
) -> RunResult {
    let started = Stopwatch::start();
    let Setting { network, ruleset, options, threads, names, test_one_in, seen } = setting;
    let join = Join::new((network, ruleset), (truths, names), *test_one_in, Arc::clone(seen));
    let finished = pipeline::run_with(frames, network, judge, (options, *threads), join);
    RunResult { name: name.to_owned(), outcomes: finished.sink.finish(), seconds: started.seconds() }
}
