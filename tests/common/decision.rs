//! A decision loop at work, with somebody at each of its queues, and the thread that writes its records.
#![allow(dead_code, reason = "not everyone who shares this file needs all of it")]

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use prometheus::{Histogram, HistogramOpts, Registry};

use tollgate::adapter::{Asked, Query, Reply, Waker};
use tollgate::base::fail_open::FailOpen;
use tollgate::base::network::Network;
use tollgate::billing::RateCard;
use tollgate::call::{CallOptions, Legs, Told};
use tollgate::clock::Deadline;
use tollgate::engine::Shard;
use tollgate::journal::DirectoryLock;
use tollgate::judge::{Answer, Judge, JudgeOptions};
use tollgate::rule::Ruleset;
use tollgate::service::decision::{Decision, Inbox, Learned, Order, Outlets};
use tollgate::service::look_ups::LookUps;
use tollgate::service::records::{Records, RecordsOptions};
use tollgate::service::records_metrics::RecordsMetrics;
use tollgate::signal::Setup;
use tollgate::source::{self, Outlet};

/// What a loop is made of, where it matters.
pub struct LoopOptions {
    pub network: Arc<Network>,
    pub ruleset: Arc<Ruleset>,
    pub call: CallOptions,
    pub judge: JudgeOptions,
    pub look_ups: Option<LookUps>,
    pub lag: Duration,
    /// Most questions that wait.
    pub queries: usize,
    /// Most records on their way to the disk.
    pub records: usize,
}

impl Default for LoopOptions {
    fn default() -> Self {
        Self {
            network: Arc::new(Network::unknown()),
            ruleset: Arc::new(Ruleset::empty()),
            call: CallOptions::default(),
            judge: JudgeOptions::default(),
            look_ups: None,
            lag: Duration::ZERO,
            queries: 100,
            records: 4_096,
        }
    }
}

/// The loop; its records go to a directory of its own.
pub struct Loop {
    pub network: Arc<Network>,
    pub queries: Sender<Query>,
    pub outlet: Outlet,
    pub told: Sender<Vec<Told>>,
    pub orders: Sender<Order>,
    pub decision: JoinHandle<Learned>,
    pub records: Records,
    pub folder: tempfile::TempDir,
}

impl Loop {
    pub fn start(options: LoopOptions) -> Self {
        let LoopOptions { network, ruleset, call, judge, look_ups, lag, queries, records } = options;
        let folder = tempfile::tempdir().unwrap();
        let records = RecordsOptions {
            directory: folder.path().to_owned(),
            sync_every: Duration::from_secs(1),
            queue: records,
        };
        let metrics = RecordsMetrics::new(&Registry::new(), &network).unwrap();
        let lock = DirectoryLock::take(folder.path()).unwrap();
        let rated = (RateCard::default(), Default::default());
        let (records, desk) = Records::start(&records, lock, &network, rated, metrics).unwrap();
        let outlets = Outlets {
            desk,
            marks: None,
            setup_seconds: Histogram::with_opts(HistogramOpts::new("setup", "setup")).unwrap(),
            lag,
            pulse: Box::new(|| {}),
        };
        let judge = Judge::new(ruleset, Arc::clone(&network), judge);
        let shard = Shard::new(&network, call, true);
        let legs = Legs::new(call.legs, &network, call.seed);
        let decision = Decision::new(&network, (shard, legs, judge), (outlets, look_ups));
        let (queries, asked) = bounded(queries);
        let (outlet, batches) = source::queue(16);
        let (told, fed) = bounded(16);
        let (orders, ordered) = bounded(16);
        let inbox = Inbox { queries: asked, batches, told: fed, orders: ordered };
        let decision = std::thread::spawn(move || decision.run(&inbox));
        Self { network, queries, outlet, told, orders, decision, records, folder }
    }

    /// Asks about a call; where the answer comes.
    pub fn put(&self, call_id: &str, setup: Setup, deadline: Deadline) -> Answers {
        let (slot, answer) = bounded(1);
        let asked = Asked::Setup { call_id: call_id.as_bytes().into(), setup: Box::new(setup) };
        self.queries.send(Query { asked, deadline, reply: Box::new(Slot(slot)) }).unwrap();
        answer
    }

    /// Ends it, and has all records written.
    pub fn end(self, by: Deadline) -> tempfile::TempDir {
        self.orders.send(Order::Stop).unwrap();
        self.decision.join().unwrap();
        drop(self.records.stop(by));
        self.folder
    }
}

/// Where the answer to one question comes.
pub type Answers = Receiver<Result<Answer, FailOpen>>;

struct Slot(Sender<Result<Answer, FailOpen>>);

impl Reply for Slot {
    fn hand_over(self: Box<Self>, answer: Result<Answer, FailOpen>) -> Option<Arc<Waker>> {
        let _ = self.0.send(answer);
        None
    }
}
