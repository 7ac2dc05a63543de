//! What the judge says: a verdict at setup, a record at the end, and what it found out about ranges.

use std::sync::Arc;
use std::time::Duration;

use crate::base::class::{Class, Decision, Subject};
use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::route::RouteId;
use crate::base::time::At;
use crate::call::Call;
use crate::rule::{Piece, Ruleset};

/// How a call was judged at setup.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What the switch is told.
    pub decision: Decision,
    /// What the call is taken for.
    pub class: Class,
    /// Index of the rule that said so; `None` when no rule matched.
    pub rule: Option<u16>,
    /// What made the rule match, and what its sentence tells.
    pub evidence: Box<[Piece]>,
}

/// Everything known of a finished call, and how it was judged.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// The call.
    pub call: Call,
    /// The verdict at setup.
    pub verdict: Verdict,
    /// What it turned out to be.
    pub final_class: Class,
    /// Index of the rule at the end that said so, in the rules then in force.
    pub final_rule: Option<u16>,
    /// The rules that [`CallRecord::rule`] is of: rules may be loaded while a call lasts.
    pub ruleset: Arc<Ruleset>,
    /// What made that rule match, and what its sentence tells.
    pub final_evidence: Box<[Piece]>,
}

impl CallRecord {
    /// The rule the record names: the one that decided at setup, else the one that classified at the end.
    #[must_use]
    pub fn rule(&self) -> Option<u16> {
        self.verdict.rule.or(self.final_rule)
    }

    /// The evidence of that rule.
    #[must_use]
    pub const fn evidence(&self) -> &[Piece] {
        if self.verdict.rule.is_some() { &self.verdict.evidence } else { &self.final_evidence }
    }
}

/// A block of numbers, or equipment, was marked or marked again.
#[derive(Clone, Debug)]
pub struct Marked {
    /// What was marked.
    pub subject: Subject,
    /// The block of numbers; of one number, unless the subject is a block. Where `subject` is equipment it says nothing.
    pub range: Range,
    /// Route of the call that taught it.
    pub route: RouteId,
    /// As what.
    pub class: Class,
    /// When.
    pub at: At,
    /// For how long from then.
    pub ttl: Duration,
    /// Id of the rule that did.
    pub rule: Arc<str>,
}

/// A subject found to be the source of a kind of call.
#[derive(Clone, Debug)]
pub struct Finding {
    /// What was marked.
    pub subject: Subject,
    /// The block of numbers that was marked; of one number, unless the subject is a block.
    pub range: Range,
    /// Calling number of the call that gave the latest evidence; with `subject` it names the range.
    pub caller: Number,
    /// Fingerprint of that call's equipment; where `subject` is equipment, that was marked.
    pub equipment: u32,
    /// Route it was first found on.
    pub route: RouteId,
    /// What it is the source of.
    pub class: Class,
    /// Index of the rule that gave the latest evidence.
    pub rule: u16,
    /// When it was first marked.
    pub since: At,
    /// When it was last seen at it.
    pub last: At,
    /// How many calls confirmed it at their end. Blocked calls confirm nothing.
    pub calls: u64,
    /// The latest evidence.
    pub evidence: Box<[Piece]>,
}
