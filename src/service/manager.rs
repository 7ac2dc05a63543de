//! The service manager: told how the service is, and its watchdog fed.

use std::convert::Infallible;
use std::sync::Arc;

use crossbeam_channel::Sender;
use sd_notify::NotifyState;

use crate::clock::Stopwatch;
use crate::service::spawn_every;
use crate::service::status::Status;

/// Called by the loop whenever it turns: feeds the service manager's watchdog, so that a loop that is stuck is restarted.
#[must_use]
pub fn pulse(status: Arc<Status>) -> Box<dyn FnMut() + Send> {
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

/// An end is no loop that is stuck, though the loop that feeds the watchdog is gone; it has a bound of its own. Fed until
/// what is returned is dropped.
#[must_use]
pub fn feed_watchdog() -> Option<Sender<Infallible>> {
    let every = sd_notify::watchdog_enabled()? / 2;
    let (alive, _) = spawn_every("watchdog", every, || notify(&[NotifyState::Watchdog])).ok()?;
    Some(alive)
}

/// Without a service manager this does nothing.
pub fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(event = "notify_failed", %error, "the service manager was not told");
    }
}
