//! What an engineer sees of signalling: every message in words, the call it belongs to, one call's ladder.
//!
//! In: whole messages ([`Pdu`](crate::base::frame::Pdu)) in order of time. Out: an [`Entry`] for each: what it says
//! ([`Said`]), and its call. [`fields`] lets conditions ask about entries, [`ladder`] draws those of a call. Whatever a
//! peer sent is made safe to show in one place, [`text`]. Must not: judge, print, or read a clock.

pub mod cause;
pub mod describe;
pub mod fields;
pub mod flow;
mod follow;
pub mod ladder;
pub mod text;

pub use describe::{Place, Said, Tone, Word};
pub use follow::{Entry, Follower, Passed, Told};
