//! Holds a process to a share of a core: by cgroup v2 (`cpu.max`), else by v1 (`cpu.cfs_quota_us`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Microseconds of every so many that the process may run. The period is short, so that it is stopped for a few milliseconds
/// at most.
const QUOTA: u32 = 1_000;
const PERIOD: u32 = 5_000;

/// A group of its own; gone when dropped, if the process is.
pub struct Share(PathBuf);

impl Share {
    /// Holds the process, or says why not.
    pub fn hold(process: u32) -> Option<Self> {
        match Self::try_hold(process) {
            Ok(share) => {
                println!("the service has {} % of its core", QUOTA * 100 / PERIOD);
                Some(share)
            }
            Err(error) => {
                println!("SKIPPED: the service has all of its core, as control groups say: {error}");
                None
            }
        }
    }

    fn try_hold(process: u32) -> io::Result<Self> {
        let v2 = Path::new("/sys/fs/cgroup/cgroup.controllers");
        let controllers = fs::read_to_string(v2).unwrap_or_default();
        let has_v2 = controllers.split_ascii_whitespace().any(|name| name == "cpu");
        let root = Path::new(if has_v2 { "/sys/fs/cgroup" } else { "/sys/fs/cgroup/cpu" });
        if has_v2 {
            fs::write(root.join("cgroup.subtree_control"), "+cpu")?;
        }
        let group = Self(root.join(format!("tollgate-overload-{process}")));
        fs::create_dir(&group.0)?;
        if has_v2 {
            fs::write(group.0.join("cpu.max"), format!("{QUOTA} {PERIOD}"))?;
        } else {
            fs::write(group.0.join("cpu.cfs_period_us"), PERIOD.to_string())?;
            fs::write(group.0.join("cpu.cfs_quota_us"), QUOTA.to_string())?;
        }
        fs::write(group.0.join("cgroup.procs"), process.to_string())?;
        Ok(group)
    }
}

impl Drop for Share {
    /// Its processes go back to where they came from.
    fn drop(&mut self) {
        let root = self.0.parent().unwrap_or(Path::new("/")).join("cgroup.procs");
        for process in fs::read_to_string(self.0.join("cgroup.procs")).unwrap_or_default().lines() {
            let _ = fs::write(&root, process);
        }
        let _ = fs::remove_dir(&self.0);
    }
}
