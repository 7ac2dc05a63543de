//! Signals → what happened to calls. One table of live calls a shard; timers fire in packet time.
//!
//! In: [`Signal`](crate::signal::Signal)s in time order. Out: [`CallEvent`]s. Must not: judge.

pub mod event;

pub use event::{Call, CallEvent, CallId, CallKey, Protocol, ReleasedBy};
