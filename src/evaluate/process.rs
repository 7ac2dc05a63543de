//! What the system says of this process: processor time of a thread, memory. Linux tells both in `/proc`; elsewhere
//! there is no answer.

use std::fs;

/// Processor time that the calling thread has used, in seconds.
#[must_use]
pub fn thread_seconds() -> Option<f64> {
    // First number: nanoseconds on a processor (Documentation/scheduler/sched-stats.rst).
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: u64 = text.split_ascii_whitespace().next()?.parse().ok()?;
    Some(nanos as f64 / 1e9)
}

/// Memory that the process holds now, and the most it held, in octets.
#[must_use]
pub fn memory() -> Option<(u64, u64)> {
    let text = fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes = |name: &str| -> Option<u64> {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    Some((kibibytes("VmRSS:")?.saturating_mul(1024), kibibytes("VmHWM:")?.saturating_mul(1024)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_sensible_where_there_are_any() {
        if let Some((now, most)) = memory() {
            assert!(now > 100_000 && most >= now / 2, "{now} {most}");
        }
        assert!(thread_seconds().is_none_or(|seconds| seconds >= 0.0));
    }
}
