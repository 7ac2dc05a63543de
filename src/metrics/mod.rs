//! What is counted over a run, and its form for Prometheus.
//!
//! Labels come from closed lists or from the operator's own configuration (routes, rules, senders), never from the
//! wire: no number, Call-ID or free text ever becomes one, so the number of series is bounded.

pub mod live;
pub mod prom;
pub mod tally;

pub use live::{AdapterMetrics, Live};
pub use tally::{RouteTally, Tally};
