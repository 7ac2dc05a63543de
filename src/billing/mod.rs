//! Charged calls → rated records → a ledger whose lines are chained by hash.
//!
//! In: a [`Charge`] for each monetised call that ended. Out: one JSON line each, billable or not, and the [`Totals`] of
//! the report. Amounts are decimals, never floats. Must not: drop a call, or write one under two ids.

pub mod ledger;
pub mod memory;
pub mod rate;
pub mod rate_card;

pub use ledger::{GENESIS, Ledger, Totals, Verified, VerifyError, verify};
pub use memory::Memory;
pub use rate::{BillingRecord, Charge, Rater};
pub use rate_card::RateCard;
