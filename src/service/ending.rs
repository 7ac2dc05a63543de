//! How a service ends in time, whatever hangs: every wait has a bound, and what is given up is named.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{bounded, unbounded};

use crate::adapter::Adapter;
use crate::base::map::Seed;
use crate::base::network::Network;
use crate::billing::Memory;
use crate::clock::Deadline;
use crate::service::decision::Learned;
use crate::service::snapshot::{self, NO_MEMORY};
use crate::service::{StateOptions, spawn};

/// Longest that an end may take, but for the listener for operators, which takes two seconds at most; `TimeoutStopSec` of the
/// unit is longer.
pub const END_WITHIN: Duration = Duration::from_secs(40);

/// Tells each part to stop, and waits for it. Whether all did.
#[must_use]
pub fn stop_parts(parts: Vec<Box<dyn Adapter>>, by: Deadline) -> bool {
    let (stopped_in, stopped) = unbounded();
    let names: Vec<_> = parts.iter().map(|part| part.name()).collect();
    let stop = move || {
        for part in parts {
            part.stop();
            let _ = stopped_in.send(());
        }
    };
    let _stopping = spawn("stop", stop);
    for name in names {
        if stopped.recv_timeout(by.left()).is_err() {
            tracing::error!(event = "part_stuck", part = name, "it does not stop; it is given up");
            return false;
        }
        tracing::info!(event = "part_stopped", part = name, "stopped");
    }
    true
}

/// What a thread ends with, if it does in time.
#[must_use]
pub fn joined<T: Send + 'static>(thread: JoinHandle<T>, by: Deadline) -> Option<thread::Result<T>> {
    let (ended_in, ended) = bounded(1);
    spawn("join", move || drop(ended_in.send(thread.join()))).ok()?;
    ended.recv_timeout(by.left()).ok()
}

/// Keeps what was learned; whether it is kept.
#[must_use]
pub fn keep_at_end(
    state: StateOptions,
    network: Arc<Network>,
    (learned, memory, seed): (Learned, Option<Memory>, Seed),
    by: Deadline,
) -> bool {
    let Some(memory) = memory else {
        snapshot::not_kept(&NO_MEMORY);
        return false;
    };
    let saving = spawn("state", move || snapshot::keep(&state.path, &network, (&learned, &memory, seed)));
    let is_over = saving.is_ok_and(|saving| joined(saving, by).is_some());
    if !is_over {
        snapshot::not_kept(&"the disk does not answer");
    }
    is_over
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Receiver, never};

    use super::*;

    struct Stuck(Receiver<()>);

    impl Adapter for Stuck {
        fn name(&self) -> &'static str {
            "stuck"
        }

        fn stop(self: Box<Self>) {
            let _ = self.0.recv();
        }
    }

    #[test]
    fn whoever_hangs_is_given_up() {
        let by = Deadline::after(Duration::from_millis(20));
        assert!(!stop_parts(vec![Box::new(Stuck(never()))], by));
        assert!(stop_parts(Vec::new(), by));
        assert!(joined(thread::spawn(|| never::<()>().recv()), by).is_none());
        let late = Deadline::after(Duration::from_secs(10));
        assert!(matches!(joined(thread::spawn(|| 7), late), Some(Ok(7))));
    }
}
