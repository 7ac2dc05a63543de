//! Signals → what happened to calls. One table of live calls a shard; timers fire in packet time. Where the events of all
//! shards come together, legs of one call are joined (`legs`).
//!
//! In: [`Signal`](crate::signal::Signal)s in time order. Out: [`CallEvent`]s, [`Stamped`] so that the events of several
//! tables merge into one order. Must not: judge.

pub mod deadline;
pub mod event;
pub mod hop;
pub mod leg;
pub mod legs;
pub mod machine;
pub mod stir;
pub mod table;
pub mod told;

pub use event::{Call, CallEvent, CallId, CallKey, Protocol, ReleasedBy, Stamp, Stamped};
pub use hop::Hop;
pub use leg::{CallLeg, JoinedBy, LegList};
pub use legs::{LegCounts, LegOptions, Legs, Placed};
pub use stir::{Stir, StirReason, StirVerdict};
pub use table::asked::AskedCall;
pub use table::{CallOptions, CallTable};
pub use told::Told;

pub use crate::signal::{Attestation, Category, Claims, Setup, Verstat};
