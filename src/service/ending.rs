//! How a service ends in time, whatever hangs: every wait has a bound, and what is given up is named.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded, unbounded};

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

/// Longest that sources and adapters may take of it; the rest is for what they have taken in.
pub const PARTS_WITHIN: Duration = Duration::from_secs(10);

/// Tells all parts to stop, each on a thread of its own: one that hangs keeps none of the others. Whether all did.
#[must_use]
pub fn stop_parts(parts: Vec<Box<dyn Adapter>>, by: Deadline) -> bool {
    let (stopped_in, stopped) = unbounded();
    let mut stopping: Vec<Option<&str>> = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        stopping.push(Some(part.name()));
        let stopped_in = stopped_in.clone();
        // One that gets no thread, or panics, does not say that it stopped: it counts as stuck.
        let _ = spawn("stop", move || {
            part.stop();
            let _ = stopped_in.send(index);
        });
    }
    drop(stopped_in);
    while let Ok(index) = stopped.recv_timeout(by.left()) {
        if let Some(name) = stopping.get_mut(index).and_then(Option::take) {
            tracing::info!(event = "part_stopped", part = name, "stopped");
        }
    }
    for name in stopping.iter().flatten() {
        tracing::error!(event = "part_stuck", part = name, "it does not stop; it is given up");
    }
    stopping.iter().all(Option::is_none)
}

/// What a thread ends with, if it does in time.
#[must_use]
pub fn joined<T: Send + 'static>(thread: JoinHandle<T>, by: Deadline) -> Option<thread::Result<T>> {
    joining(thread)?.recv_timeout(by.left()).ok()
}

/// Where it is told what a thread ends with; `None` when the system gives no thread that waits for it.
#[must_use]
pub fn joining<T: Send + 'static>(thread: JoinHandle<T>) -> Option<Receiver<thread::Result<T>>> {
    let (ended_in, ended) = bounded(1);
    spawn("join", move || drop(ended_in.send(thread.join()))).ok()?;
    Some(ended)
}

/// Waits for a save that is under way; whether none is any more.
#[must_use]
pub fn save_is_over(saving: Option<JoinHandle<()>>, by: Deadline) -> bool {
    let is_over = saving.is_none_or(|saving| joined(saving, by).is_some());
    if !is_over {
        snapshot::not_kept(&HUNG);
    }
    is_over
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
    match saving.ok().and_then(|saving| joined(saving, by)) {
        Some(Ok(is_kept)) => is_kept,
        Some(Err(_)) => {
            snapshot::not_kept(&"the thread that writes it panicked");
            false
        }
        None => {
            snapshot::not_kept(&HUNG);
            false
        }
    }
}

/// Why what was learned is not kept.
const HUNG: &str = "the disk does not answer";

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Sender, never};

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

    struct Healthy(Sender<()>);

    impl Adapter for Healthy {
        fn name(&self) -> &'static str {
            "healthy"
        }

        fn stop(self: Box<Self>) {
            self.0.send(()).unwrap();
        }
    }

    struct Faulty;

    impl Adapter for Faulty {
        fn name(&self) -> &'static str {
            "faulty"
        }

        fn stop(self: Box<Self>) {
            panic!("as a test wants");
        }
    }

    #[test]
    fn whoever_hangs_keeps_none_of_the_others() {
        let (stopped_in, stopped) = bounded(1);
        let parts: Vec<Box<dyn Adapter>> =
            vec![Box::new(Stuck(never())), Box::new(Faulty), Box::new(Healthy(stopped_in.clone()))];
        assert!(!stop_parts(parts, Deadline::after(Duration::from_millis(50))));
        stopped.recv_timeout(Duration::from_secs(30)).unwrap();
        let late = Deadline::after(Duration::from_secs(30));
        assert!(!stop_parts(vec![Box::new(Faulty)], late), "nobody knows what it left behind");
        assert!(stop_parts(vec![Box::new(Healthy(stopped_in))], late));
    }

    #[test]
    fn the_parts_leave_time_for_what_they_have_taken_in() {
        assert!(PARTS_WITHIN * 2 < END_WITHIN);
    }

    #[test]
    fn whoever_hangs_is_given_up() {
        let by = Deadline::after(Duration::from_millis(20));
        assert!(!stop_parts(vec![Box::new(Stuck(never()))], by));
        assert!(stop_parts(Vec::new(), by));
        assert!(!save_is_over(Some(thread::spawn(|| never().recv().unwrap_or(()))), by));
        assert!(joined(thread::spawn(|| never::<()>().recv()), by).is_none());
        let late = Deadline::after(Duration::from_secs(10));
        assert!(matches!(joined(thread::spawn(|| 7), late), Some(Ok(7))));
    }
}
