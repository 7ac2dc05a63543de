//! Fields of the sliding windows over a calling number and the blocks it lies in.

use crate::base::field::{Type, Value};
use crate::feature::fields::{CALLS, NUMBERS, Row, int, row, share};

/// The rows of one key's figures: `$name` in rules, `$of` reads them from a moment, `$what` for people.
macro_rules! figures {
    ($name:literal, $of:ident, $what:literal, [$($field:literal: $ty:expr, $meaning:literal, $get:expr;)*]) => {
        [$(row(
            concat!($name, ".", $field),
            $ty,
            concat!($meaning, " ", $what),
            |moment| moment.$of().map_or(Value::Unknown, $get),
        )),*]
    };
}

/// Rows that callers and blocks of them share.
macro_rules! calls {
    ($name:literal, $of:ident, $what:literal) => {
        figures!($name, $of, $what, [
            "attempts_10m": CALLS, "Calls in 10 minutes", |f| int(f.ten_minutes.attempts);
            "attempts_1h": CALLS, "Calls in 1 hour", |f| int(f.hour.attempts);
            "answered_1h": CALLS, "Answered calls in 1 hour", |f| int(f.hour.answered);
            "answered_share_1h": Type::Ratio, "Answered share of calls in 1 hour",
                |f| share(f.hour.answered, f.hour.attempts);
            "short_unanswered_10m": CALLS, "Calls cut or rejected soon in 10 minutes",
                |f| int(f.ten_minutes.short_unanswered);
            "short_unanswered_1h": CALLS, "Calls cut or rejected soon in 1 hour",
                |f| int(f.hour.short_unanswered);
            "short_unanswered_share_10m": Type::Ratio, "Share of calls cut or rejected soon in 10 minutes",
                |f| share(f.ten_minutes.short_unanswered, f.ten_minutes.attempts);
            "short_unanswered_share_1h": Type::Ratio, "Share of calls cut or rejected soon in 1 hour",
                |f| share(f.hour.short_unanswered, f.hour.attempts);
            "distinct_called_10m": NUMBERS, "Distinct called numbers in 10 minutes",
                |f| int(f.ten_minutes.called);
            "distinct_called_1h": NUMBERS, "Distinct called numbers in 1 hour", |f| int(f.hour.called);
            "distinct_called_share_10m": Type::Ratio, "Distinct called numbers by calls in 10 minutes",
                |f| share(f.ten_minutes.called, f.ten_minutes.attempts);
            "distinct_called_share_1h": Type::Ratio, "Distinct called numbers by calls in 1 hour",
                |f| share(f.hour.called, f.hour.attempts);
        ])
    };
}

/// Rows of keys that Wangiri shows in.
macro_rules! one_ring {
    ($name:literal, $of:ident, $what:literal) => {
        figures!($name, $of, $what, [
            "one_ring_10m": CALLS, "Calls given up after one or two rings in 10 minutes",
                |f| int(f.ten_minutes.one_ring);
            "one_ring_1h": CALLS, "Calls given up after one or two rings in 1 hour", |f| int(f.hour.one_ring);
        ])
    };
}

/// Rows of blocks: how many of their numbers call.
macro_rules! callers {
    ($name:literal, $of:ident, $what:literal) => {
        figures!($name, $of, $what, [
            "distinct_callers_10m": NUMBERS, "Distinct calling numbers in 10 minutes",
                |f| int(f.ten_minutes.callers);
            "distinct_callers_1h": NUMBERS, "Distinct calling numbers in 1 hour", |f| int(f.hour.callers);
            "distinct_callers_share_10m": Type::Ratio, "Distinct calling numbers by calls in 10 minutes",
                |f| share(f.ten_minutes.callers, f.ten_minutes.attempts);
            "distinct_callers_share_1h": Type::Ratio, "Distinct calling numbers by calls in 1 hour",
                |f| share(f.hour.callers, f.hour.attempts);
        ])
    };
}

const CALLER_DAY: &[Row] = &figures!("caller", caller, "by the caller", [
    "attempts_24h": CALLS, "Calls in 24 hours", |f| int(f.day.attempts);
    "answered_24h": CALLS, "Answered calls in 24 hours", |f| int(f.day.answered);
]);

/// The groups of rows, in the order of the document.
pub(super) const GROUPS: [&[Row]; 8] = [
    &calls!("caller", caller, "by the caller"),
    CALLER_DAY,
    &one_ring!("caller", caller, "by the caller"),
    &calls!("caller_range_100", range_100, "by its block of 100 on this route"),
    &one_ring!("caller_range_100", range_100, "by its block of 100 on this route"),
    &callers!("caller_range_100", range_100, "by its block of 100 on this route"),
    &calls!("caller_range_10k", range_10k, "by its block of 10,000 on this route"),
    &callers!("caller_range_10k", range_10k, "by its block of 10,000 on this route"),
];
