//! Words every layer shares: time, digits, numbers, ranges, lists, routes, fields, faults, frames. Uses nothing else of ours.

pub mod caret;
pub mod class;
pub mod digits;
pub mod fail_open;
pub mod fault;
pub mod field;
pub mod fingerprint;
pub mod frame;
pub mod interval;
pub mod lists;
pub mod map;
pub mod network;
pub mod number;
pub mod numbering;
pub mod range;
pub mod roaming;
pub mod route;
pub mod sheet;
pub mod text;
pub mod time;
