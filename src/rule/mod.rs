//! Rule text → checked program → matches with evidence. Three-valued: unknown never matches.
//!
//! A file is a TOML envelope (`envelope`, with its `keys` and `effect`s) around conditions: text → tokens
//! (`lex`) → tree (`parse`, where the grammar is) → checked tree, types and units (`check`) → program on field
//! numbers → matches with evidence (`eval`). One [`Ruleset`] never changes and is named by its hash. Whatever is
//! wrong in any file is reported at once, with its place (`error`). `docs/rules.md` is the reference for people.

mod because;
mod check;
mod effect;
mod envelope;
mod error;
mod eval;
mod keys;
mod lex;
mod parse;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use sha2::{Digest, Sha256};

use crate::base::class::{Class, Subject};
use crate::base::field::{Facts, FieldId, FieldSpec, Point, Value};
use crate::base::text::hex;
use crate::rule::because::{Because, FIELDS_MAX};
use crate::rule::envelope::{Draft, File};
use crate::rule::eval::{Bounds, Program};

pub use crate::rule::error::RuleError;

/// Longest text of a condition, in bytes.
const CONDITION_MAX: usize = 4096;

/// A condition by itself, over any table of fields: what `when` is to a rule, without the rule.
#[derive(Debug)]
pub struct Condition(Program);

impl Condition {
    /// Reads and checks a text of up to 4,096 bytes; `name` stands for its path in findings.
    ///
    /// # Errors
    /// Everything that is wrong with it, by line and column.
    pub fn parse(name: &str, text: &str, fields: &[FieldSpec]) -> Result<Self, Vec<RuleError>> {
        let refused = |message: String| vec![RuleError::new(name, text, 0..text.len(), message)];
        if text.len() > CONDITION_MAX {
            return Err(refused(format!("longer than {CONDITION_MAX} bytes")));
        }
        let node = check::condition(text, fields, false).map_err(|faults| {
            let shown = faults.into_iter().map(|fault| RuleError {
                help: fault.help,
                ..RuleError::new(name, text, fault.span, fault.message)
            });
            shown.collect::<Vec<_>>()
        })?;
        let program = Program::new(node, &mut Bounds::default());
        program.map(Self).ok_or_else(|| refused("too many different bounds".to_owned()))
    }

    /// Whether it is true: unknown is not.
    #[must_use]
    pub fn matches(&self, facts: &impl Facts) -> bool {
        self.0.matches(facts)
    }
}

/// Most rules of a set.
const RULES_MAX: usize = 10_000;

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

impl Phase {
    /// Names in rules, in the order of the enum.
    pub const NAMES: [&'static str; 4] = ["lists", "identity", "fraud", "commercial"];
    /// Every phase, in the order of the enum.
    pub const ALL: [Phase; 4] = [Phase::Lists, Phase::Identity, Phase::Fraud, Phase::Commercial];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
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

impl Mode {
    /// Names in rules, in the order of the enum.
    pub const NAMES: [&'static str; 3] = ["off", "shadow", "live"];
    /// Every mode, in the order of the enum.
    pub const ALL: [Mode; 3] = [Mode::Off, Mode::Shadow, Mode::Live];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// What a rule does to a call it matches at setup. The first action but `Classify` ends the judgement.
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
        reason: Arc<str>,
    },
    /// Send it elsewhere.
    Divert {
        /// Where to: a SIP or tel URI.
        to: Arc<str>,
    },
    /// Pass it without its calling number.
    Mask,
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
    pub id: Arc<str>,
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
    /// What it says of itself; see [`Ruleset::because`].
    because: Option<Because>,
}

/// One reason for a match: a field, its value, and the bound it was held against, as written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Field.
    pub field: FieldId,
    /// Its value at that moment.
    pub value: Value,
    /// Which bound, see [`Ruleset::bound_text`]; [`Piece::TOLD`] for a value of the rule's sentence.
    pub bound: u16,
}

impl Piece {
    /// The bound of a piece that is no reason, but a value to be told in [`Ruleset::because`].
    pub const TOLD: u16 = u16::MAX;

    /// Whether it belongs to the rule's sentence, not to its reasons.
    #[must_use]
    pub const fn is_told(&self) -> bool {
        self.bound == Self::TOLD
    }
}

/// Most reasons of one match.
const REASONS_MAX: usize = 8;

/// Up to eight reasons in the order of the rule's text, then up to four values of its sentence.
pub type Evidence = ArrayVec<Piece, { REASONS_MAX + FIELDS_MAX }>;

/// An immutable set of checked rules.
#[derive(Debug)]
pub struct Ruleset {
    hash: String,
    rules: Vec<Rule>,
    programs: Vec<Program>,
    bounds: Vec<String>,
    at_setup: Vec<u16>,
    at_end: Vec<u16>,
}

impl Ruleset {
    /// A set without rules, as compiled from no files.
    #[must_use]
    pub fn empty() -> Self {
        Self::build(hash_of(&[]), Vec::new(), Vec::new(), Vec::new())
    }

    /// Reads, checks and compiles all files; the order of `sources` is the order of the rules.
    ///
    /// # Errors
    /// Every error found, not the first, by path, line and column.
    pub fn compile(sources: &[Source], fields: &[FieldSpec]) -> Result<Self, Vec<RuleError>> {
        let mut files: Vec<_> = sources.iter().map(|source| envelope::read(source, fields)).collect();
        find_duplicates(&mut files);
        let mut bounds = Bounds::default();
        let (mut rules, mut programs) = (Vec::new(), Vec::new());
        for file in &mut files {
            for Draft { rule, node, span } in std::mem::take(&mut file.drafts) {
                match Program::new(node, &mut bounds) {
                    Some(program) => programs.push(program),
                    None => file.findings.add(span.clone(), "more than 65,535 different bounds in all rules"),
                }
                rules.push(rule);
                if rules.len() == RULES_MAX + 1 {
                    file.findings.add(span, format!("more than {RULES_MAX} rules in all files"));
                }
            }
        }
        let mut errors: Vec<_> = files.into_iter().flat_map(|file| file.findings.errors).collect();
        if errors.is_empty() {
            return Ok(Self::build(hash_of(sources), rules, programs, bounds.into_texts()));
        }
        errors.sort();
        Err(errors)
    }

    fn build(hash: String, rules: Vec<Rule>, programs: Vec<Program>, bounds: Vec<String>) -> Self {
        let judged_at = |point| {
            let judged =
                rules.iter().zip(0_u16..).filter(|(rule, _)| rule.point == point && rule.mode != Mode::Off);
            let mut order: Vec<_> = judged.map(|(rule, index)| (rule.phase, index)).collect();
            order.sort_unstable();
            order.into_iter().map(|(_, index)| index).collect()
        };
        let (at_setup, at_end) = (judged_at(Point::Setup), judged_at(Point::End));
        Self { hash, rules, programs, bounds, at_setup, at_end }
    }

    /// First 16 hexadecimal digits of the SHA-256 of the files' names and texts.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// All rules.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Indexes of the rules judged at `point` (live and shadow), by phase, file and order.
    #[must_use]
    pub fn at(&self, point: Point) -> &[u16] {
        match point {
            Point::Setup => &self.at_setup,
            Point::End => &self.at_end,
        }
    }

    /// Whether a rule matches; `evidence` is then its reasons and what its sentence tells, and empty if not.
    pub fn matches(&self, rule: u16, facts: &impl Facts, evidence: &mut Evidence) -> bool {
        evidence.clear();
        let Some(program) = self.programs.get(usize::from(rule)) else {
            return false;
        };
        let matched = program.matches(facts);
        if matched {
            program.explain(facts, evidence);
            if let Some(because) = self.rules.get(usize::from(rule)).and_then(|rule| rule.because.as_ref()) {
                because.tell(facts, evidence);
            }
        }
        matched
    }

    /// Writes what a rule says of itself in one sentence, filled in with what its match told in `evidence`; whether it
    /// says anything.
    pub fn because(&self, rule: u16, evidence: &[Piece], fields: &[FieldSpec], out: &mut String) -> bool {
        let because = self.rules.get(usize::from(rule)).and_then(|rule| rule.because.as_ref());
        if let Some(because) = because {
            because.fill(evidence, fields, out);
        }
        because.is_some()
    }

    /// A bound as shown in evidence, such as `>= 20`; empty for a number that no reason of this set has.
    #[must_use]
    pub fn bound_text(&self, bound: u16) -> &str {
        self.bounds.get(usize::from(bound)).map_or("", String::as_str)
    }
}

/// A finding for each id that was used before, in whatever file.
fn find_duplicates(files: &mut [File<'_>]) {
    let mut places: BTreeMap<String, String> = BTreeMap::new();
    for file in files {
        for id in std::mem::take(&mut file.ids) {
            let span = id.span();
            let id = id.into_inner();
            if let Some(place) = places.get(&id) {
                file.findings.add(span, format!("the id `{id}` is already used at {place}"));
            } else {
                let place = RuleError::new(file.findings.path, file.findings.text, span, "");
                places.insert(id, format!("{}:{}", place.path, place.line));
            }
        }
    }
}

/// Folders do not count: the same files elsewhere are the same rules.
fn hash_of(sources: &[Source]) -> String {
    let mut hasher = Sha256::new();
    for Source { path, text } in sources {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        for part in [name, "\0", text, "\0"] {
            hasher.update(part);
        }
    }
    hex(&hasher.finalize()[..8])
}

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;
