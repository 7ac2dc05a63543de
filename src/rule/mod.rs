//! Rule text → checked program → matches with evidence. Three-valued: unknown never matches.
//!
//! Text → tokens ([`lex`]) → tree ([`parse`]) → checked tree, types and units ([`check`]) → program on field numbers →
//! matches with evidence ([`eval`]). One [`Ruleset`] never changes and is named by its hash.

use std::time::Duration;

use arrayvec::ArrayVec;

use crate::base::class::{Class, Subject};
use crate::base::field::{Facts, FieldId, FieldSpec, Point, Value};

/// One file of rules.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path as shown in errors.
    pub path: String,
    /// Text.
    pub text: String,
}

/// Order in which rules are judged; within a phase the order of files and then of rules in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Phase {
    /// Exemptions and lists.
    Lists,
    /// Facts of the call itself; a class given here at setup stands at the end.
    Identity,
    /// Behaviour: windows and marks.
    Fraud,
    /// Contracts.
    Commercial,
}

/// Life of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Mode {
    /// Checked, never judged.
    Off,
    /// Judged and counted, without effect.
    Shadow,
    /// In force.
    Live,
}

/// What a rule does to a call it matches at setup. The first `Allow`, `Block` or `Monetise` ends the judgement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Pass it.
    Allow,
    /// Refuse it.
    Block {
        /// SIP status, 400 to 699.
        sip: u16,
        /// Q.850 cause, 1 to 127.
        q850: u8,
        /// Words for the record.
        reason: String,
    },
    /// Pass and charge the route's sender.
    Monetise,
    /// Say what it is and go on; the only action of rules at the end.
    Classify,
}

/// What a rule at the end teaches about a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// What is marked.
    pub subject: Subject,
    /// For how long from now.
    pub ttl: Duration,
}

/// A rule, checked.
#[derive(Debug)]
pub struct Rule {
    /// Unique id, such as `FC-200`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Life.
    pub mode: Mode,
    /// Phase.
    pub phase: Phase,
    /// Point of judgement.
    pub point: Point,
    /// Class given to calls it matches.
    pub class: Option<Class>,
    /// What it does.
    pub action: Action,
    /// What it teaches; rules at the end only. The label is `class`.
    pub marks: Vec<Mark>,
}

/// One reason for a match: a field, its value, and the bound it was held against, as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Field.
    pub field: FieldId,
    /// Its value at that moment.
    pub value: Value,
    /// Which bound, see [`Ruleset::bound_text`].
    pub bound: u16,
}

/// Up to eight pieces, in the order of the rule's text.
pub type Evidence = ArrayVec<Piece, 8>;

/// An immutable set of checked rules.
#[derive(Debug)]
pub struct Ruleset {
    rules: Vec<Rule>,
}

impl Ruleset {
    /// Reads, checks and compiles all files; the order of `sources` is the order of the rules.
    ///
    /// # Errors
    /// Every error found, not the first.
    pub fn compile(_sources: &[Source], _fields: &'static [FieldSpec]) -> Result<Self, Vec<String>> {
        Ok(Self { rules: Vec::new() })
    }

    /// First 16 hexadecimal digits of the SHA-256 of the files' names and texts.
    #[must_use]
    pub fn hash(&self) -> &str {
        ""
    }

    /// All rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Indexes of the rules judged at `point` (live and shadow), by phase, file and order.
    #[must_use]
    pub fn at(&self, _point: Point) -> &[u16] {
        &[]
    }

    /// Whether a rule matches; its evidence is put in `evidence`.
    pub fn matches(&self, _rule: u16, _facts: &impl Facts, _evidence: &mut Evidence) -> bool {
        false
    }

    /// A bound as shown in evidence, such as `>= 20`.
    #[must_use]
    pub fn bound_text(&self, _bound: u16) -> &str {
        ""
    }
}
