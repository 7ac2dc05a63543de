//! A running service: the decision loop, and around it sources, adapters, records, and the listener for operators.
//!
//! In: [`Settings`], made by `config`. Out: nothing but what its parts do, until it is told to end; then everything that
//! was taken in has been judged and written. It reloads without losing a call, begins with what an earlier run learned,
//! and tells the service manager how it is. Must not: read configuration files itself.

pub mod adapters;
pub mod admin;
pub mod chain;
pub mod contracts;
pub mod copying;
pub mod decision;
pub mod ending;
pub mod exposition;
pub mod given;
pub mod inline;
pub mod lifecycle;
pub mod log;
pub mod look_ups;
pub mod manager;
pub mod overheard;
pub mod records;
pub mod records_failing;
pub mod records_metrics;
pub mod snapshot;
pub mod sources;
pub mod status;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::adapter::{Adapter, Gate, Query, Standing};
use crate::base::map::Seed;
use crate::base::network::Network;
use crate::billing::RateCard;
use crate::call::Told;
use crate::engine::Options;
use crate::judge::{Marked, SeedMark};
use crate::metrics::Live;
use crate::rule::Ruleset;
use crate::service::admin::AdminOptions;
use crate::service::exposition::Watched;
use crate::service::look_ups::LookUpOptions;
use crate::service::records::RecordsOptions;
use crate::service::sources::Sources;
use crate::source::{self, Outlet};

pub use lifecycle::run;

/// What a service is made of.
pub struct Settings {
    /// The operator's network.
    pub network: Arc<Network>,
    /// Rules in force at the start.
    pub ruleset: Arc<Ruleset>,
    /// Prices.
    pub rate_card: RateCard,
    /// Whom to ask where subscribers are.
    pub look_ups: Option<LookUpOptions>,
    /// Marks to begin with.
    pub seed_marks: Vec<SeedMark>,
    /// Limits and timers.
    pub options: Options,
    /// What was learned, kept over restarts; nothing is without it.
    pub state: Option<StateOptions>,
    /// Records.
    pub records: RecordsOptions,
    /// The listener for operators and their Prometheus.
    pub admin: AdminOptions,
    /// Most questions waiting for the loop: a switch's patience divided by what a question takes.
    pub queries_max: usize,
    /// How far the time of sources stays behind the clock at most.
    pub lag: Duration,
    /// Whether somebody pushes lists, and takes marks.
    pub pushes_lists: bool,
    /// Starts sources and adapters, in this order, and names what cannot be started.
    pub parts: Vec<Part>,
    /// Reads the configuration again.
    pub reload: Box<dyn FnMut() -> Result<Reloaded, String> + Send>,
}

/// Where what was learned is kept.
#[derive(Clone, Debug)]
pub struct StateOptions {
    /// The file.
    pub path: PathBuf,
    /// How often it is written, beside at the end.
    pub every: Duration,
}

/// What a reload can change while calls last.
pub struct Reloaded {
    /// Rules.
    pub ruleset: Arc<Ruleset>,
    /// Prices.
    pub rate_card: RateCard,
}

/// A source or adapter that can be started; says what went wrong in words for the operator.
pub type Part = Box<dyn FnOnce(&Hub) -> Result<Box<dyn Adapter>, String> + Send>;

/// What parts may connect to.
pub struct Hub {
    queries: Sender<Query>,
    /// For sources, and for adapters that see calls end: messages on their way to the loop.
    pub outlet: Outlet,
    /// Counts of sources.
    pub sources: Arc<Sources>,
    /// For whoever is told of finished calls.
    pub told: Sender<Vec<Told>>,
    /// For whoever wants something of the loop itself.
    pub orders: Sender<decision::Order>,
    /// For whoever pushes lists: what is marked from now on.
    pub marks: Receiver<Marked>,
    /// The operator's network.
    pub network: Arc<Network>,
    /// Keys the hashes of this run.
    pub seed: Seed,
    /// Counts, and the registry for a part's own.
    pub live: Live,
    standing: Arc<Standing>,
}

impl Hub {
    /// A way to the decision loop for the adapter of this name.
    #[must_use]
    pub fn gate(&self, name: &'static str) -> Gate {
        let shared = (Arc::clone(&self.network), Arc::clone(&self.standing));
        Gate::new(self.queries.clone(), shared, self.live.adapter(name))
    }
}

/// Batches of messages on their way to the loop; each holds some hundred.
const BATCHES_MAX: usize = 64;
/// Deliveries of finished calls on their way to the loop.
const TOLD_MAX: usize = 64;
/// Marks on their way to whoever pushes lists.
const MARKS_MAX: usize = 10_000;
/// Orders on their way to the loop.
const ORDERS_MAX: usize = 16;

/// The queues between the loop and everything else: one end for the loop, the other for the parts.
fn queues(settings: &Settings, live: &Live, standing: &Arc<Standing>) -> Queues {
    let (queries_in, queries) = bounded(settings.queries_max.max(1));
    let (outlet, batches) = source::queue(BATCHES_MAX);
    let (told_in, told) = bounded(TOLD_MAX);
    let (orders_in, orders) = bounded(ORDERS_MAX);
    let (marks_in, marks) = bounded(MARKS_MAX);
    let hub = Hub {
        queries: queries_in,
        outlet,
        sources: Arc::default(),
        told: told_in,
        orders: orders_in.clone(),
        marks,
        network: Arc::clone(&settings.network),
        seed: settings.options.call.seed,
        live: live.clone(),
        standing: Arc::clone(standing),
    };
    let watched = vec![
        Watched::sender("questions", &hub.queries),
        Watched::sender("batches", hub.outlet.sender()),
        Watched::sender("told", &hub.told),
        Watched::sender("orders", &orders_in),
        Watched::receiver("marks", &hub.marks),
    ];
    Queues {
        hub,
        watched,
        orders: orders_in,
        marks: marks_in,
        inbox: decision::Inbox { queries, batches, told, orders },
    }
}

struct Queues {
    hub: Hub,
    watched: Vec<Watched>,
    orders: Sender<decision::Order>,
    marks: Sender<Marked>,
    inbox: decision::Inbox,
}

/// A thread with a name, for those who watch the process.
/// A thread that does something every so often, until what is returned first is dropped.
fn spawn_every(
    name: &str,
    every: Duration,
    mut work: impl FnMut() + Send + 'static,
) -> Result<(Sender<Infallible>, JoinHandle<()>), String> {
    let (alive, ended) = bounded(0);
    let thread = spawn(name, move || {
        while ended.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
            work();
        }
    })?;
    Ok((alive, thread))
}

fn spawn<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, String> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| format!("the system gives no thread: {error}"))
}
