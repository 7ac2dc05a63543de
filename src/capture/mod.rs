//! Capture files → frames of one run, in order of time. An edge: reads files and standard input.
//!
//! In: paths of pcap and pcapng files, plain or packed with gzip or zstd; `-` is standard input. Out: [`Frame`]s with
//! a run-wide number and a time that never goes backwards. A damaged file ends where the damage is, with a fault counted
//! and a line in [`Capture::problems`]; it never ends the run. Must not: decode frames.
//!
//! [`Frame`]: crate::base::frame::Frame

mod error;
mod merge;
mod source;
mod timeline;

pub use error::{CaptureError, Reason};
pub use merge::Capture;
pub use timeline::Timeline;

#[cfg(test)]
mod tests;
