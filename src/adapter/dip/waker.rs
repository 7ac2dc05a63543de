//! Wakes a thread that waits for its socket when answers are there, with as few system calls as may be.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::eventfd::{EfdFlags, EventFd};

/// An event counter, written to only while the thread sleeps.
#[derive(Debug)]
pub(super) struct Waker {
    event: EventFd,
    sleeping: AtomicBool,
}

impl Waker {
    /// A waker for a thread that is awake.
    pub fn new() -> nix::Result<Self> {
        let event = EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { event, sleeping: AtomicBool::new(false) })
    }

    /// What becomes readable when the thread is woken.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }

    /// The thread is about to sleep. What others hand it, it must look for once more after this.
    pub fn sleep(&self) {
        self.sleeping.store(true, Ordering::SeqCst);
    }

    /// The thread is awake.
    pub fn awake(&self) {
        if !self.sleeping.swap(false, Ordering::SeqCst) {
            // Somebody woke it, or is about to: a count left behind costs one needless round.
            let _ = self.event.read();
        }
    }

    /// Wakes the thread if it sleeps; something was handed to it before.
    pub fn wake(&self) {
        if self.sleeping.swap(false, Ordering::SeqCst) {
            // Fails only when the counter is full, and the thread then awake.
            let _ = self.event.write(1);
        }
    }
}
