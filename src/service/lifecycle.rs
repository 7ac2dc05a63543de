//! From start to end: what the service manager is told, signals, reloads, what is kept.
//!
//! ```text
//! learned ─▶ loop ─▶ records, listener, parts ─▶ READY ─▶ … SIGHUP: reload … ─▶ SIGTERM: drain ─▶ records, state ─▶ end
//! ```

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use prometheus::{Histogram, HistogramOpts};
use sd_notify::NotifyState;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::adapter::{Adapter, Standing};
use crate::base::map::Seed;
use crate::base::network::Network;
use crate::billing::Memory;
use crate::clock::{self, Stopwatch};
use crate::engine::Shard;
use crate::feature::Store;
use crate::journal::state::StateError;
use crate::judge::Judge;
use crate::metrics::Live;
use crate::service::admin::{Admin, Shown};
use crate::service::contracts::Contracts;
use crate::service::decision::{Decision, Learned, Order, Outlets};
use crate::service::look_ups::{LookUpOptions, LookUps};
use crate::service::records::Records;
use crate::service::records_metrics::RecordsMetrics;
use crate::service::snapshot::Snapshot;
use crate::service::status::Status;
use crate::service::{Hub, Queues, Reloaded, Settings, StateOptions, queues, snapshot, spawn};

/// How often the state of parts is looked at.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Bounds of the time from a question to its verdict, in seconds.
const SETUP_SECONDS: [f64; 10] =
    [0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.001, 0.005, 0.01, 0.05];

/// Runs a service until SIGTERM or SIGINT.
///
/// # Errors
/// What could not be started, in words for the operator. Whatever had been started is stopped again.
pub fn run(settings: Settings) -> Result<(), String> {
    let signals = watch_signals()?;
    Service::start(settings)?.serve(&signals)
}

/// The first signal of each kind; a second SIGTERM ends the program at once.
fn watch_signals() -> Result<Receiver<i32>, String> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])
        .map_err(|error| format!("cannot watch for signals: {error}"))?;
    let (sender, receiver) = unbounded();
    let watch = move || {
        let mut is_ending = false;
        for signal in signals.forever() {
            if signal != SIGHUP && std::mem::replace(&mut is_ending, true) {
                std::process::exit(130);
            }
            // One reload is enough for all who want one; an end is never forgotten.
            if signal != SIGHUP || sender.is_empty() {
                let _ = sender.send(signal);
            }
        }
    };
    spawn("signals", watch)?;
    Ok(receiver)
}

struct Service {
    parts: Vec<Box<dyn Adapter>>,
    orders: Sender<Order>,
    decision: JoinHandle<Learned>,
    records: Records,
    admin: Admin,
    status: Arc<Status>,
    standing: Arc<Standing>,
    state: Option<StateOptions>,
    network: Arc<Network>,
    seed: Seed,
    reload: Box<dyn FnMut() -> Result<Reloaded, String> + Send>,
    contracts: Contracts,
    saving: Option<JoinHandle<()>>,
    /// Keeps the loop's queues open, also those that no part uses.
    hub: Hub,
}

impl Service {
    fn start(mut settings: Settings) -> Result<Self, String> {
        let live = Live::new().map_err(|error| format!("metrics: {error}"))?;
        let (status, standing) = (Arc::new(Status::default()), Arc::new(Standing::default()));
        let kept = kept(&settings);
        let seed = kept.seed;
        settings.options = settings.options.seeded(seed);
        let Queues { hub, orders, marks, inbox, mut watched } = queues(&settings, &live, &standing);
        let network = Arc::clone(&settings.network);

        let (store, rated) = kept.learned.unzip();
        let judge = judge(&settings, store);
        let metrics =
            RecordsMetrics::new(live.registry(), &network).map_err(|error| format!("metrics: {error}"))?;
        let contracts = Contracts::new(live.registry()).map_err(|error| format!("metrics: {error}"))?;
        let card = std::mem::take(&mut settings.rate_card);
        contracts.load(&network, &card);
        let (records, desk) =
            Records::start(&settings.records, &network, (card, rated.unwrap_or_default()), metrics)
                .map_err(|error| no_records(&settings.records.directory, &error))?;
        watched.push(records.queue());
        let outlets = Outlets {
            desk,
            marks: settings.pushes_lists.then_some(marks),
            setup_seconds: setup_seconds(&live)?,
            lag: settings.lag,
            pulse: pulse(Arc::clone(&status)),
        };
        let shard = Shard::new(&network, settings.options.call, true);
        let decision =
            Decision::new(&network, (shard, judge), (outlets, look_ups(settings.look_ups.take())?));
        let decision = spawn("decision", move || decision.run(&inbox))?;

        let shown = Shown {
            network: Arc::clone(&network),
            live,
            status: Arc::clone(&status),
            standing: Arc::clone(&standing),
            orders: orders.clone(),
            queues: watched.into(),
            sources: Arc::clone(&hub.sources),
            options: settings.options.clone(),
        };
        let admin = Admin::start(settings.admin, shown)
            .map_err(|error| format!("admin: cannot listen on {}: {error}", settings.admin.listen))?;
        tracing::info!(event = "admin_listening", address = %admin.address, "metrics and health");
        let mut service = Self {
            parts: Vec::new(),
            orders,
            decision,
            records,
            admin,
            status,
            standing,
            state: settings.state,
            network,
            seed,
            reload: settings.reload,
            contracts,
            saving: None,
            hub,
        };
        match settings.parts.into_iter().try_for_each(|part| {
            service.parts.push(part(&service.hub)?);
            Ok(())
        }) {
            Ok(()) => Ok(service),
            Err(error) => {
                // The state of a run that never was is no state: the one before is kept.
                service.state = None;
                service.end();
                Err(error)
            }
        }
    }

    fn serve(mut self, signals: &Receiver<i32>) -> Result<(), String> {
        self.status.reloaded(Some(clock::now().nanos() / 1_000_000_000));
        self.status.started();
        notify(&[NotifyState::Ready]);
        tracing::info!(event = "started", parts = self.parts.len(), "calls are judged");
        let mut since_saved = Stopwatch::start();
        loop {
            match signals.recv_timeout(WATCH_EVERY) {
                Ok(SIGHUP) => self.reload(),
                Ok(_) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            self.status.set_troubles(self.parts.iter().filter_map(|part| part.trouble()).collect());
            if self.decision.is_finished() || self.records.is_finished() {
                self.end();
                return Err("the decision loop or the records' thread ended: see the log".to_owned());
            }
            let due =
                self.state.as_ref().is_some_and(|state| since_saved.seconds() >= state.every.as_secs_f64());
            if due && self.saving.as_ref().is_none_or(JoinHandle::is_finished) {
                since_saved = Stopwatch::start();
                self.save_in_background();
            }
        }
        self.end();
        Ok(())
    }

    /// Everything that can be read anew is. Of what is wrong, that before stays; a reload is good when all of it is.
    fn reload(&mut self) {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            notify(&[NotifyState::Reloading, now]);
        }
        let mut is_good = self.reload_rules();
        for part in &self.parts {
            if let Err(error) = part.reload() {
                is_good = false;
                tracing::error!(event = "reload_failed", part = part.name(), %error, "what it has stays");
            }
        }
        self.status.reloaded(is_good.then(|| clock::now().nanos() / 1_000_000_000));
        notify(&[NotifyState::Ready]);
    }

    /// Rules and prices are read anew; whether they were.
    fn reload_rules(&mut self) -> bool {
        match (self.reload)() {
            Ok(read) => {
                let hash = read.ruleset.hash().to_owned();
                self.contracts.load(&self.network, &read.rate_card);
                self.records.load(read.rate_card);
                let _ = self.orders.send(Order::Load(read.ruleset));
                tracing::info!(event = "reloaded", ruleset = hash, "rules and prices were read again");
                true
            }
            Err(error) => {
                tracing::error!(event = "reload_failed", part = "rules", %error, "those in force stay");
                false
            }
        }
    }

    fn save_in_background(&mut self) {
        let Some(state) = self.state.clone() else { return };
        let (reply, answer) = bounded(1);
        if self.orders.send(Order::Copy(reply)).is_err() {
            return;
        }
        // Without what was rated, the file that is there is better.
        let Some(memory) = self.records.memory() else { return };
        let (network, seed) = (Arc::clone(&self.network), self.seed);
        let save = move || {
            if let Ok(learned) = answer.recv() {
                save(&state.path, &network, (&learned, &memory, seed));
            }
        };
        self.saving = spawn("state", save).ok();
    }

    /// Calls pass from now on; what was taken in is judged and written; what was learned is kept.
    fn end(self) {
        notify(&[NotifyState::Stopping]);
        self.status.draining();
        self.standing.drain();
        tracing::info!(event = "draining", "calls pass from now on");
        for part in self.parts {
            let name = part.name();
            part.stop();
            tracing::info!(event = "part_stopped", part = name, "stopped");
        }
        let _ = self.orders.send(Order::Stop);
        let learned = self.decision.join();
        let memory = self.records.stop();
        if let Some(saving) = self.saving {
            let _ = saving.join();
        }
        match (&self.state, learned) {
            (Some(state), Ok(learned)) => {
                save(&state.path, &self.network, (&learned, &memory, self.seed));
            }
            (_, Err(_)) => {
                tracing::error!(event = "decision_panicked", "what was learned is lost since the last copy")
            }
            (None, Ok(_)) => {}
        }
        self.admin.stop();
        tracing::info!(event = "ended", "everything taken in is written");
    }
}

fn save(path: &Path, network: &Network, content: (&Learned, &Memory, Seed)) {
    let watch = Stopwatch::start();
    match snapshot::save(path, network, content) {
        Ok(()) => {
            tracing::info!(event = "state_saved", seconds = watch.seconds(), "what was learned is kept")
        }
        Err(error) => tracing::error!(event = "state_not_saved", %error, "what was learned is not kept"),
    }
}

fn no_records(directory: &Path, error: &io::Error) -> String {
    let help = match error.kind() {
        io::ErrorKind::WouldBlock => "; end it, or give this one a `[records] directory` of its own",
        _ => "",
    };
    format!("{}: {error}{help}", directory.display())
}

fn look_ups(options: Option<LookUpOptions>) -> Result<Option<LookUps>, String> {
    let started = options.map(LookUps::start).transpose();
    started.map_err(|error| format!("the system gives no thread for look-ups: {error}"))
}

/// What an earlier run learned.
fn kept(settings: &Settings) -> Snapshot {
    let path = settings.state.as_ref().map(|state| &*state.path);
    let kept = snapshot::load(path, &settings.network);
    if let (Some(error), Some(path)) = (&kept.refused, path) {
        set_aside(path, error);
    }
    kept
}

/// A judge that goes on with what was learned.
fn judge(settings: &Settings, learned: Option<Store>) -> Judge {
    let shared = (Arc::clone(&settings.ruleset), Arc::clone(&settings.network));
    let mut judge = Judge::new(shared.0, shared.1, settings.options.judge);
    judge.seed_marks(&settings.seed_marks);
    if let Some(store) = learned {
        judge.resume(store);
    }
    judge
}

/// A file that cannot be taken is not written over.
fn set_aside(path: &Path, error: &StateError) {
    let aside = path.with_extension("refused");
    tracing::error!(event = "state_refused", %error, "begins knowing nothing");
    if let Err(error) = fs::rename(path, &aside) {
        tracing::error!(event = "state_not_set_aside", %error, "the file will be written over");
    }
}

fn setup_seconds(live: &Live) -> Result<Histogram, String> {
    let options =
        HistogramOpts::new("tollgate_decision_duration_seconds", "What the decision loop takes for a setup");
    let made = Histogram::with_opts(options.buckets(SETUP_SECONDS.to_vec()));
    let registered = made.and_then(|made| live.registry().register(Box::new(made.clone())).map(|()| made));
    registered.map_err(|error| format!("metrics: {error}"))
}

/// Called by the loop whenever it turns: feeds the service manager's watchdog, so that a loop that is stuck is restarted.
fn pulse(status: Arc<Status>) -> Box<dyn FnMut() + Send> {
    let every = sd_notify::watchdog_enabled().map(|span| span.as_secs_f64() / 2.0);
    let mut fed = Stopwatch::start();
    Box::new(move || {
        status.turned();
        if every.is_some_and(|every| fed.seconds() >= every) {
            notify(&[NotifyState::Watchdog]);
            fed = Stopwatch::start();
        }
    })
}

/// Without a service manager this does nothing.
fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(event = "notify_failed", %error, "the service manager was not told");
    }
}
