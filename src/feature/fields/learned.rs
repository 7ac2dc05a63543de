//! Fields of what earlier calls taught: marks, and calls that were missed.

use crate::base::class::{Class, Subject};
use crate::base::field::Type;
use crate::feature::fields::{Row, row};
use crate::feature::mark::Place;

/// Words of a mark: `none`, then every class.
pub(super) const MARKS: &[&str] = &{
    let mut words = ["none"; Class::NAMES.len() + 1];
    let mut index = 0;
    while index < Class::NAMES.len() {
        words[index + 1] = Class::NAMES[index];
        index += 1;
    }
    words
};

pub(super) const MARK: &[Row] = &[
    row("caller.mark", Type::Enum(MARKS), "Mark on the calling number, on routes of this class", |m| {
        m.mark(Subject::Caller, &m.call.calling, m.place())
    }),
    row(
        "caller_range_100.mark",
        Type::Enum(MARKS),
        "Mark on the caller's block of 100 numbers, on routes of this class",
        |m| m.mark(Subject::CallerRange100, &m.call.calling, m.place()),
    ),
    row(
        "caller_range_10k.mark",
        Type::Enum(MARKS),
        "Mark on the caller's block of 10,000 numbers, on routes of this class",
        |m| m.mark(Subject::CallerRange10k, &m.call.calling, m.place()),
    ),
    row("called.mark", Type::Enum(MARKS), "Mark the called number has as a caller", |m| {
        m.mark(Subject::Caller, &m.call.called, Place::Any)
    }),
    row(
        "called_range_100.mark",
        Type::Enum(MARKS),
        "Newest mark on the called number's block of 100 as callers",
        |m| m.mark(Subject::CallerRange100, &m.call.called, Place::Any),
    ),
    row(
        "pair.missed_24h",
        Type::Bool,
        "The caller missed a call from abroad from the called block of 100",
        |m| m.has_missed(),
    ),
];
