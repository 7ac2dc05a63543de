//! Log lines: one JSON object each, on standard error, where a service manager keeps them.
//!
//! Every line has an `event` from the list in `docs/operations.md`. No telephone number, Call-ID or address of a caller is
//! ever logged.

use tracing_subscriber::EnvFilter;

/// Form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For programs.
    #[default]
    Json,
    /// For people.
    Text,
}

/// Begins logging; `filter` is such as `info` or `warn,tollgate::service=debug`.
///
/// # Errors
/// What is wrong with the filter.
pub fn start(filter: &str, format: LogFormat) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| error.to_string())?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match format {
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).try_init(),
        LogFormat::Text => lines.try_init(),
    };
    started.map_err(|error| error.to_string())
}
