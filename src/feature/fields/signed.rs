//! Fields of who signed for the call, and of whether that is true (STIR).

use crate::base::field::{Type, Value};
use crate::call::{Attestation, StirReason, StirVerdict};
use crate::feature::fields::{Row, row, word};

pub(super) const SIGNED: &[Row] = &[
    row(
        "caller.attestation",
        Type::Enum(&Attestation::NAMES),
        "How well who signed or sent the call says to know the caller; true only if `stir.verdict` is `valid`",
        |m| m.call.claims.attestation.map_or(Value::Unknown, |attestation| word(attestation as u8)),
    ),
    row("stir.verdict", Type::Enum(&StirVerdict::NAMES), "Whether the signatures on the call's numbers hold", |m| {
        word(m.call.stir.verdict as u8)
    }),
    row("stir.reason", Type::Enum(&StirReason::NAMES), "Why `stir.verdict` is what it is", |m| {
        word(m.call.stir.reason as u8)
    }),
];
