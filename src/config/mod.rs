//! What the operator writes → what the program runs on: the network file with the files it names, and the rules.
//!
//! In: paths. Out: [`Loaded`] and [`Ruleset`](crate::rule::Ruleset), or every finding at once, each at its place.

pub mod error;
pub mod legs;
pub mod lists;
pub mod look_ups;
pub mod network;
pub mod raw;
pub mod roaming;
pub mod rules;
pub mod service;
pub mod stir;

pub use error::Error;
pub use network::{Loaded, SUBSCRIBERS, load_network, load_network_by};
pub use rules::{load_rules, read_rules};
pub use service::{Service, load_service};
