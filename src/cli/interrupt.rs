//! Ctrl-C, and what a service manager sends to end a program: reading ends, and what was read is not lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::Failure;
use crate::clock::Stopwatch;

/// Exit code of a run that was ended early, whether or not it wrote what it had read.
pub(super) const CODE: u8 = 130;

/// The flag is set by the first SIGINT or SIGTERM; what was read is then judged, written and reported. The second ends
/// the program. SIGHUP is left as it is, so that `nohup` keeps its meaning.
pub(super) fn watch() -> Result<Arc<AtomicBool>, Failure> {
    let failed = |error| Failure::new(1, format!("cannot watch for Ctrl-C: {error}"));
    let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(failed)?;
    let interrupted = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&interrupted);
    let watch = move || {
        let mut first: Option<Stopwatch> = None;
        for _ in signals.forever() {
            match &first {
                None => {
                    first = Some(Stopwatch::start());
                    flag.store(true, Ordering::Relaxed);
                }
                // One press may come as two signals, to the process and to its group.
                Some(first) if first.seconds() < 1.0 => {}
                Some(_) => std::process::exit(CODE.into()),
            }
        }
    };
    thread::Builder::new().name("signals".to_owned()).spawn(watch).map_err(failed)?;
    Ok(interrupted)
}
