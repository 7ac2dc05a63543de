//! Puts a thread to sleep until its socket or its answers want it, with as few system calls as may be.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arrayvec::ArrayVec;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::time::TimeSpec;

/// Wakes a thread to which something was handed: an event counter, written to only while the thread sleeps.
#[derive(Debug)]
pub struct Waker {
    event: EventFd,
    sleeping: AtomicBool,
}

impl Waker {
    /// A waker for a thread that is awake.
    ///
    /// # Errors
    /// When the system gives no descriptor.
    pub fn new() -> nix::Result<Self> {
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { event, sleeping: AtomicBool::new(false) })
    }

    /// Sleeps until it is woken, `source` can be read, or `left` is over; not at all when `is_wanted`, asked when whatever is
    /// handed over from then on wakes it, finds that there is something already. May also wake for nothing.
    pub(super) fn sleep(
        &self,
        source: Option<BorrowedFd<'_>>,
        left: Option<Duration>,
        is_wanted: impl FnOnce() -> bool,
    ) {
        self.sleeping.store(true, Ordering::SeqCst);
        if !is_wanted() {
            let sources = source.into_iter().chain([self.event.as_fd()]);
            let mut wanted: ArrayVec<PollFd<'_>, 2> =
                sources.map(|source| PollFd::new(source, PollFlags::POLLIN)).collect();
            // A signal wakes it for nothing, which does no harm.
            let _ = ppoll(&mut wanted, left.map(TimeSpec::from), None);
            if wanted.last().is_some_and(|event| event.any() == Some(true)) {
                let _ = self.event.read();
            }
        }
        // Whoever is about to wake it leaves a count behind, which costs one needless round.
        self.sleeping.store(false, Ordering::SeqCst);
    }

    /// Wakes the thread if it sleeps; something was handed to it before.
    pub fn wake(&self) {
        if self.sleeping.swap(false, Ordering::SeqCst) {
            // Fails only when the counter is full, and the thread then awake.
            let _ = self.event.write(1);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_count_left_behind_costs_one_round() {
        let waker = Waker::new().unwrap();
        waker.event.write(1).unwrap();
        waker.sleep(None, Some(Duration::from_secs(60)), || false);
        assert!(waker.event.read().is_err(), "nothing is left to wake it again");
    }
}
