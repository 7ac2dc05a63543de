//! Fields of whether who signed for the call may, and did (STIR).

use crate::base::field::Type;
use crate::call::{StirReason, StirVerdict};
use crate::feature::fields::{Row, row, word};

pub(super) const SIGNED: &[Row] = &[
    row(
        "stir.verdict",
        Type::Enum(&StirVerdict::NAMES),
        "Whether the signatures on the call's numbers hold",
        |m| word(m.call.stir.verdict as u8),
    ),
    row("stir.reason", Type::Enum(&StirReason::NAMES), "Why `stir.verdict` is what it is", |m| {
        word(m.call.stir.reason as u8)
    }),
];
