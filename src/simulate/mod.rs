//! Made traffic: a scenario and a seed → call attempts with their truth → frames of a capture.
//!
//! ```text
//! Scenario ─▶ World ─▶ sources ─▶ Merge ─▶ Attempt ─▶ Traffic ─▶ frames
//!             numbers,   people,             one call    render,  ╲
//!             trunks     attack              as a script border    truth
//! ```
//!
//! [`scenario`] is the file as written. [`world`] is what every source shares: numbers, trunks, the rhythm of the day,
//! and a stream of random numbers for each source by its name. A [`source`] gives attempts in order of setup; those of
//! people are in [`people`], those of attackers in [`attack`]. [`whereabouts`] says who is abroad when. An [`attempt`] says what happens and to whom, and
//! nothing of how a protocol says it; [`render`] does. [`traffic`] plays all of it, [`border`] knows the addresses.
//!
//! The same scenario and seed give the same bytes. Nothing here knows how a call is judged: traffic that knew the
//! rules would prove nothing about them. No file, clock or thread.

pub mod arrivals;
pub mod attack;
pub mod attempt;
pub mod border;
pub mod countries;
pub mod draw;
pub mod people;
pub mod placed;
pub mod render;
pub mod scenario;
pub mod source;
pub mod traffic;
pub mod whereabouts;
pub mod world;

pub use scenario::Scenario;
pub use traffic::{Traffic, TrueCall};
