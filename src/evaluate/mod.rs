//! How well calls are judged: records held against the truth about each call.
//!
//! ```text
//! capture + truth.csv ─▶ pipeline ─▶ Join ─▶ Counts, Campaigns ─▶ Figures ─▶ Document
//!                                                                    │         (text, HTML, Markdown)
//!                                                                    └──▶ requirements, spreads, sweeps, JSON
//! ```
//!
//! In: the judge's outputs, and what each call truly is. Out: figures with their bounds. `docs/evaluate.md` defines
//! every figure. Memory grows with campaigns and with calls that live, not with calls. Nothing here changes how a call
//! is judged.

pub mod campaigns;
pub mod counts;
pub mod course;
pub mod curve;
pub mod document;
pub mod estimate;
pub mod figure;
pub mod join;
pub mod judged;
pub mod live;
pub mod names;
pub mod process;
pub mod release;
pub mod report;
pub mod require;
pub mod run;
pub mod statistics;
pub mod svg;
pub mod sweep;
pub mod truth;
