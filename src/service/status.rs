//! How the service is: whether the decision loop turns, and what keeps it from being ready.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{self, Stopwatch};

/// Longest that the loop may not have turned before it counts as stuck.
const STUCK_AFTER: Duration = Duration::from_secs(5);

/// Shared by the loop, the lifecycle and the listener for operators.
#[derive(Debug)]
pub struct Status {
    since: Stopwatch,
    began_s: u64,
    /// Milliseconds after the start at which the loop last turned.
    turned_ms: AtomicU64,
    is_started: AtomicBool,
    is_draining: AtomicBool,
    is_reload_good: AtomicBool,
    reloaded_s: AtomicU64,
    troubles: Mutex<Vec<String>>,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            since: Stopwatch::start(),
            began_s: clock::now().nanos() / 1_000_000_000,
            turned_ms: AtomicU64::new(0),
            is_started: AtomicBool::new(false),
            is_draining: AtomicBool::new(false),
            is_reload_good: AtomicBool::new(true),
            reloaded_s: AtomicU64::new(0),
            troubles: Mutex::default(),
        }
    }
}

impl Status {
    /// When the service began, in Unix seconds.
    #[must_use]
    pub const fn began_s(&self) -> u64 {
        self.began_s
    }

    /// The loop has turned.
    pub fn turned(&self) {
        self.turned_ms.store(self.milliseconds(), Ordering::Relaxed);
    }

    /// Whether the loop turns.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let behind = self.milliseconds().saturating_sub(self.turned_ms.load(Ordering::Relaxed));
        u128::from(behind) < STUCK_AFTER.as_millis()
    }

    /// Everything was started.
    pub fn started(&self) {
        self.is_started.store(true, Ordering::Relaxed);
    }

    /// The service is about to end.
    pub fn draining(&self) {
        self.is_draining.store(true, Ordering::Relaxed);
    }

    /// The configuration was read again, at this Unix time in seconds, or could not be.
    pub fn reloaded(&self, at_s: Option<u64>) {
        self.is_reload_good.store(at_s.is_some(), Ordering::Relaxed);
        if let Some(at_s) = at_s {
            self.reloaded_s.store(at_s, Ordering::Relaxed);
        }
    }

    /// Whether the last reload was good, and when the last good one was, in Unix seconds.
    #[must_use]
    pub fn reload(&self) -> (bool, u64) {
        (self.is_reload_good.load(Ordering::Relaxed), self.reloaded_s.load(Ordering::Relaxed))
    }

    /// What sources and adapters complain about now.
    pub fn set_troubles(&self, troubles: Vec<String>) {
        if let Ok(mut kept) = self.troubles.lock() {
            *kept = troubles;
        }
    }

    /// What keeps the service from being ready; nothing when it is.
    #[must_use]
    pub fn unready(&self) -> Vec<String> {
        let mut why = Vec::new();
        if !self.is_started.load(Ordering::Relaxed) {
            why.push("starting".to_owned());
        }
        if self.is_draining.load(Ordering::Relaxed) {
            why.push("draining".to_owned());
        }
        if !self.is_alive() {
            why.push("the decision loop is stuck".to_owned());
        }
        if let Ok(troubles) = self.troubles.lock() {
            why.extend(troubles.iter().cloned());
        }
        why
    }

    fn milliseconds(&self) -> u64 {
        (self.since.seconds() * 1_000.0) as u64
    }
}
