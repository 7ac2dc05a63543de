//! Service and loader have a core each.

use nix::sched::{CpuSet, sched_setaffinity};
use nix::unistd::Pid;

const SERVER: usize = 0;
const LOADER: usize = 1;

/// Starts a server, which stays on its core; this thread goes to the loader's.
pub fn apart<T>(start: impl FnOnce() -> T) -> T {
    pin(SERVER);
    let started = start();
    pin(LOADER);
    started
}

fn pin(core: usize) {
    let mut cores = CpuSet::new();
    if cores.set(core).and_then(|()| sched_setaffinity(Pid::from_raw(0), &cores)).is_err() {
        println!("cannot run on core {core} alone");
    }
}
