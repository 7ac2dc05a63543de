//! From start to end: what the service manager is told, signals, reloads, what is kept.
//!
//! ```text
//! learned ─▶ loop ─▶ records, listener, parts ─▶ READY ─▶ … SIGHUP: reload … ─▶ SIGTERM: drain ─▶ records, state ─▶ end
//! ```

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
use crate::call::Legs;
use crate::clock::{self, Deadline, Stopwatch};
use crate::engine::Shard;
use crate::feature::Store;
use crate::journal::DirectoryLock;
use crate::judge::Judge;
use crate::metrics::Live;
use crate::service::admin::{Admin, Shown};
use crate::service::contracts::Contracts;
use crate::service::decision::{Decision, Learned, Order, Outlets};
use crate::service::ending::{END_WITHIN, PARTS_WITHIN, joined, keep_at_end, save_is_over, stop_parts};
use crate::service::look_ups::{LookUpOptions, LookUps};
use crate::service::manager::{feed_watchdog, notify, pulse};
use crate::service::records::Records;
use crate::service::records_metrics::RecordsMetrics;
use crate::service::snapshot::{NO_MEMORY, Snapshot};
use crate::service::status::Status;
use crate::service::{Hub, Queues, Reloaded, Settings, StateOptions, queues, snapshot, spawn};

/// How often the state of parts is looked at.
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Longest wait until the loop takes an order.
const ORDER_WITHIN: Duration = Duration::from_secs(2);
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
        // First of all: what another service writes, records or state, is not to be mended or set aside.
        let lock = DirectoryLock::take(&settings.records.directory)
            .map_err(|error| no_records(&settings.records.directory, &error))?;
        let Snapshot { seed, learned, .. } = snapshot::begin(settings.state.as_ref(), &settings.network);
        settings.options = settings.options.seeded(seed);
        let Queues { hub, orders, marks, inbox, mut watched } = queues(&settings, &live, &standing);
        let network = Arc::clone(&settings.network);

        let (store, rated) = learned.unzip();
        let judge = judge(&settings, store);
        let metrics =
            RecordsMetrics::new(live.registry(), &network).map_err(|error| format!("metrics: {error}"))?;
        let contracts = Contracts::new(live.registry()).map_err(|error| format!("metrics: {error}"))?;
        let card = std::mem::take(&mut settings.rate_card);
        contracts.load(&network, &card);
        let (records, desk) =
            Records::start(&settings.records, lock, &network, (card, rated.unwrap_or_default()), metrics)
                .map_err(|error| no_records(&settings.records.directory, &error))?;
        watched.push(records.queue());
        let outlets = Outlets {
            desk,
            marks: settings.pushes_lists.then_some(marks),
            setup_seconds: setup_seconds(&live)?,
            lag: settings.lag,
            pulse: pulse(Arc::clone(&status)),
        };
        let decision = decision(&mut settings, judge, outlets)?;
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
                let _ = service.end();
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
            self.records.turn();
            if self.decision.is_finished() || self.records.is_finished() {
                let _ = self.end();
                return Err("the decision loop or the records' thread ended: see the log".to_owned());
            }
            let due =
                self.state.as_ref().is_some_and(|state| since_saved.seconds() >= state.every.as_secs_f64());
            if due && self.saving.as_ref().is_none_or(JoinHandle::is_finished) {
                since_saved = Stopwatch::start();
                self.save_in_background();
            }
        }
        self.end()
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
        let read = (self.reload)().and_then(|read| {
            let ordered = self.orders.send_timeout(Order::Load(Arc::clone(&read.ruleset)), ORDER_WITHIN);
            ordered.map_err(|_| "the decision loop takes no orders".to_owned()).map(|()| read)
        });
        match read {
            Ok(read) => {
                let hash = read.ruleset.hash().to_owned();
                self.contracts.load(&self.network, &read.rate_card);
                self.records.load(read.rate_card);
                tracing::info!(event = "reloaded", ruleset = hash, "rules and prices were read again");
                true
            }
            Err(error) => {
                tracing::error!(event = "reload_failed", part = "rules", %error, "those in force stay");
                false
            }
        }
    }

    /// Whoever holds it up holds up a thread of its own only.
    fn save_in_background(&mut self) {
        let Some(state) = self.state.clone() else { return };
        let (to, pieces) = bounded(snapshot::PIECES_MAX);
        if self.orders.try_send(Order::Copy(to)).is_err() {
            return;
        }
        let (network, seed, rated) = (Arc::clone(&self.network), self.seed, self.records.rated());
        let save = move || match rated.memory() {
            Some(memory) => snapshot::keep_pieces(&state.path, &network, (seed, &memory), &pieces),
            None => snapshot::not_kept(&NO_MEMORY),
        };
        self.saving = spawn("state", save).ok();
    }

    /// Calls pass from now on; what was taken in is judged and written; what was learned is kept. Whatever hangs is given up
    /// in time.
    ///
    /// # Errors
    /// When something was given up, which the log names.
    fn end(self) -> Result<(), String> {
        let by = Deadline::after(END_WITHIN);
        notify(&[NotifyState::Stopping]);
        let _fed = feed_watchdog();
        self.status.draining();
        self.standing.drain();
        tracing::info!(event = "draining", "calls pass from now on");
        let losses = self.records.losses();
        let mut is_whole = stop_parts(self.parts, Deadline::after(PARTS_WITHIN));
        let _ = self.orders.send_timeout(Order::Stop, by.left());
        let learned = joined(self.decision, by);
        match &learned {
            Some(Ok(_)) => {}
            Some(Err(_)) => {
                tracing::error!(event = "decision_panicked", "what was learned is lost since the last copy");
            }
            None => tracing::error!(event = "decision_stuck", "what was learned is lost since the last copy"),
        }
        let written = self.records.stop(by);
        let [records, bills] = losses.so_far();
        if records + bills > 0 {
            tracing::error!(
                event = "records_lost",
                records,
                bills,
                "these were not written since the end began"
            );
        }
        is_whole &= records + bills == 0 && written.as_ref().is_some_and(|written| written.is_synced);
        let memory = written.map(|written| written.memory);
        let is_free = save_is_over(self.saving, by);
        match (self.state, learned) {
            (Some(state), Some(Ok(learned))) => {
                let (network, seed) = (self.network, self.seed);
                is_whole &= is_free && keep_at_end(state, network, (learned, memory, seed), by);
            }
            (_, learned) => is_whole &= matches!(learned, Some(Ok(_))),
        }
        self.admin.stop();
        if is_whole {
            tracing::info!(event = "ended", "everything taken in is written");
            Ok(())
        } else {
            Err("not everything could be written or kept: see the log".to_owned())
        }
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

/// The loop, which is yet to run.
fn decision(settings: &mut Settings, judge: Judge, outlets: Outlets) -> Result<Decision, String> {
    let (call, network) = (settings.options.call, &settings.network);
    let shard = Shard::new(network, call, true);
    let legs = Legs::new(call.legs, network, call.seed);
    let look_ups = look_ups(settings.look_ups.take())?;
    Ok(Decision::new(network, (shard, legs, judge), (outlets, look_ups)))
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

fn setup_seconds(live: &Live) -> Result<Histogram, String> {
    let options =
        HistogramOpts::new("tollgate_decision_duration_seconds", "What the decision loop takes for a setup");
    let made = Histogram::with_opts(options.buckets(SETUP_SECONDS.to_vec()));
    let registered = made.and_then(|made| live.registry().register(Box::new(made.clone())).map(|()| made));
    registered.map_err(|error| format!("metrics: {error}"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crossbeam_channel::never;

    use super::*;
    use crate::billing::RateCard;
    use crate::engine::Options;
    use crate::rule::Ruleset;
    use crate::service::admin::AdminOptions;
    use crate::service::records::RecordsOptions;

    fn settings(folder: &Path) -> Settings {
        Settings {
            network: Arc::new(Network::unknown()),
            ruleset: Arc::new(Ruleset::empty()),
            rate_card: RateCard::default(),
            look_ups: None,
            seed_marks: Vec::new(),
            options: Options::default(),
            state: Some(StateOptions { path: folder.join("state"), every: Duration::from_secs(900) }),
            records: RecordsOptions {
                directory: folder.to_owned(),
                sync_every: Duration::from_millis(10),
                queue: 10,
            },
            admin: AdminOptions { listen: ([127, 0, 0, 1], 0).into() },
            queries_max: 10,
            lag: Duration::ZERO,
            pushes_lists: false,
            parts: Vec::new(),
            reload: Box::new(|| Err("nothing to read".to_owned())),
        }
    }

    #[test]
    fn a_second_service_leaves_the_state_of_the_first_alone() {
        let folder = tempfile::tempdir().unwrap();
        let _first = DirectoryLock::take(folder.path()).unwrap();
        fs::write(folder.path().join("state"), "of another version").unwrap();
        let refused = Service::start(settings(folder.path())).err().unwrap();
        assert!(refused.contains("another service writes here"), "{refused}");
        assert_eq!(fs::read_to_string(folder.path().join("state")).unwrap(), "of another version");
    }

    #[test]
    fn an_end_that_cannot_keep_the_state_says_so() {
        let folder = tempfile::tempdir().unwrap();
        Service::start(settings(folder.path())).unwrap().end().unwrap();
        let mut settings = settings(folder.path());
        settings.state.as_mut().unwrap().path = folder.path().join("missing").join("state");
        assert!(Service::start(settings).unwrap().end().unwrap_err().contains("not everything"));
    }

    #[test]
    fn a_service_whose_records_died_ends_and_keeps_the_state_of_before() {
        let folder = tempfile::tempdir().unwrap();
        let service = Service::start(settings(folder.path())).unwrap();
        let standing = Arc::clone(&service.standing);
        service.records.panic();
        assert!(service.serve(&never()).unwrap_err().contains("records' thread"));
        assert!(standing.fail_open().is_some(), "calls pass");
        assert!(
            !folder.path().join("state").exists(),
            "what was rated is lost: no state is better than half of one"
        );
    }
}
