//! Checked conditions → flat programs → matches with evidence.
//!
//! Three-valued logic costs nothing here: a checked condition has its `not`s pushed down to the terms (De Morgan's
//! laws hold in Kleene's logic too), so that a term holds when its outcome is known and the wanted one, and *false*
//! and *unknown* need not be told apart any more. Each step names the step to go on with for either case.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use arrayvec::ArrayVec;

use crate::base::field::{Facts, FieldId, Value};
use crate::base::number::{DIGITS_MAX, Number};
use crate::rule::lex::Op;
use crate::rule::{Evidence, Piece, REASONS_MAX};

/// Most terms of one rule; each value of a set counts as one.
pub(super) const TERMS_MAX: usize = 256;
/// Step number that says the rule matches.
const MATCH: u16 = u16::MAX;
/// Step number that says it does not.
const NO_MATCH: u16 = u16::MAX - 1;

/// A checked condition without `not`.
#[derive(Debug)]
pub(super) enum Node {
    Any(Vec<Node>),
    All(Vec<Node>),
    Term(Term),
}

/// A checked term.
#[derive(Debug)]
pub(super) struct Term {
    pub field: FieldId,
    pub test: Test,
    /// The outcome that makes the term hold: false below a `not`.
    pub wanted: bool,
    /// As shown in evidence.
    pub bound: String,
}

/// What the value of a field is held against.
#[derive(Debug)]
pub(super) enum Test {
    Compare(Op, Value),
    CompareField(Op, FieldId),
    In(Box<[Value]>),
    Between(Value, Value),
    /// Leading digits of a number.
    StartsWith {
        prefix: u64,
        digit_count: u32,
    },
    /// What a field of text says, against each of these; the outcome that is wanted is of any of them.
    Text {
        how: TextTest,
        texts: Box<[Box<str>]>,
    },
}

/// How a text is held against another, without regard to the case of ASCII letters.
#[derive(Clone, Copy, Debug)]
pub(super) enum TextTest {
    Contains,
    Equal,
    NotEqual,
    StartsWith,
}

impl TextTest {
    fn holds(self, text: &[u8], other: &[u8]) -> bool {
        match self {
            Self::Contains => {
                other.is_empty() || text.windows(other.len()).any(|part| part.eq_ignore_ascii_case(other))
            }
            Self::Equal => text.eq_ignore_ascii_case(other),
            Self::NotEqual => !text.eq_ignore_ascii_case(other),
            Self::StartsWith => {
                text.get(..other.len()).is_some_and(|start| start.eq_ignore_ascii_case(other))
            }
        }
    }
}

impl Test {
    /// Whether the field passes; none when that is not known.
    fn outcome(&self, field: FieldId, facts: &impl Facts) -> Option<bool> {
        if let Self::Text { how, texts } = self {
            let text = facts.text(field)?;
            return Some(texts.iter().any(|other| how.holds(text, other.as_bytes())));
        }
        let value = facts.value(field);
        match self {
            // Told above.
            Self::Text { .. } => None,
            Self::Compare(op, literal) => order(value, *literal).map(|order| holds(*op, order)),
            Self::CompareField(op, other) => order(value, facts.value(*other)).map(|order| holds(*op, order)),
            Self::In(items) => {
                let known = value != Value::Unknown;
                known.then(|| items.iter().any(|item| order(value, *item) == Some(Ordering::Equal)))
            }
            Self::Between(low, high) => {
                let above = order(value, *low)? != Ordering::Less;
                Some(above && order(value, *high)? != Ordering::Greater)
            }
            Self::StartsWith { prefix, digit_count } => match value {
                Value::Number(number) => Some(starts_with(number, *prefix, *digit_count)),
                _ => None,
            },
        }
    }
}

/// How two values of one type stand to each other; none when one is unknown.
fn order(a: Value, b: Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Bool(a), Value::Bool(b)) => Some(a.cmp(&b)),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(&b)),
        (Value::Ratio(a), Value::Ratio(b)) => a.partial_cmp(&b),
        (Value::Duration(a), Value::Duration(b)) => Some(a.cmp(&b)),
        (Value::Number(a), Value::Number(b)) => Some(a.cmp(&b)),
        (Value::Country(a), Value::Country(b)) => Some(a.cmp(&b)),
        (Value::Word(a), Value::Word(b)) => Some(a.cmp(&b)),
        _ => None,
    }
}

const fn holds(op: Op, order: Ordering) -> bool {
    match op {
        Op::Equal => order.is_eq(),
        Op::NotEqual => order.is_ne(),
        Op::Less => order.is_lt(),
        Op::LessOrEqual => order.is_le(),
        Op::Greater => order.is_gt(),
        Op::GreaterOrEqual => order.is_ge(),
    }
}

fn starts_with(number: Number, prefix: u64, digit_count: u32) -> bool {
    // Both counts are at most DIGITS_MAX, so the power fits.
    const { assert!(10_u64.checked_pow(DIGITS_MAX).is_some()) };
    match number.digit_count().checked_sub(digit_count) {
        Some(rest) => number.value() / 10_u64.pow(rest) == prefix,
        None => false,
    }
}

/// A term in its place.
#[derive(Debug)]
struct Step {
    field: FieldId,
    test: Test,
    wanted: bool,
    bound: u16,
    /// Next step when the term holds.
    then: u16,
    /// Next step when it does not.
    otherwise: u16,
    /// Going `otherwise`, terms from this step on belong to a side of an `or` that failed: no evidence.
    undo: u16,
}

impl Step {
    fn holds(&self, facts: &impl Facts) -> bool {
        self.test.outcome(self.field, facts) == Some(self.wanted)
    }
}

/// A condition ready to run: its terms in the order of the text.
#[derive(Debug)]
pub(super) struct Program {
    steps: Box<[Step]>,
}

impl Program {
    /// Lays out a checked condition of at most [`TERMS_MAX`] terms; none when `bounds` is full.
    pub fn new(node: Node, bounds: &mut Bounds) -> Option<Self> {
        let mut steps = Vec::with_capacity(term_count(&node));
        lay(node, Exits { then: MATCH, otherwise: NO_MATCH, undo: 0 }, &mut steps, bounds)?;
        Some(Self { steps: steps.into_boxed_slice() })
    }

    /// Whether the condition is true. Reads fields in the order of the text, and only those it needs.
    pub fn matches(&self, facts: &impl Facts) -> bool {
        let mut at = 0;
        // Steps only lead forward, so this ends.
        while let Some(step) = self.steps.get(usize::from(at)) {
            at = if step.holds(facts) { step.then } else { step.otherwise };
        }
        at == MATCH
    }

    /// The first terms that made a match, with the values they saw.
    pub fn explain(&self, facts: &impl Facts, evidence: &mut Evidence) {
        let mut held: ArrayVec<u16, TERMS_MAX> = ArrayVec::new();
        let mut at = 0;
        while let Some(step) = self.steps.get(usize::from(at)) {
            if step.holds(facts) {
                held.push(at);
                at = step.then;
            } else {
                held.retain(|held| *held < step.undo);
                at = step.otherwise;
            }
        }
        for step in held.into_iter().take(REASONS_MAX).filter_map(|held| self.steps.get(usize::from(held))) {
            evidence.push(Piece { field: step.field, value: facts.value(step.field), bound: step.bound });
        }
    }
}

/// Where a part of a condition leads.
#[derive(Clone, Copy)]
struct Exits {
    then: u16,
    otherwise: u16,
    undo: u16,
}

fn lay(node: Node, exits: Exits, steps: &mut Vec<Step>, bounds: &mut Bounds) -> Option<()> {
    match node {
        Node::Term(term) => {
            let bound = bounds.number(term.bound)?;
            let Exits { then, otherwise, undo } = exits;
            let Term { field, test, wanted, .. } = term;
            steps.push(Step { field, test, wanted, bound, then, otherwise, undo });
        }
        Node::All(parts) => {
            let last = parts.len().saturating_sub(1);
            for (index, part) in parts.into_iter().enumerate() {
                let after = (steps.len() + term_count(&part)) as u16;
                let then = if index == last { exits.then } else { after };
                lay(part, Exits { then, ..exits }, steps, bounds)?;
            }
        }
        Node::Any(parts) => {
            let last = parts.len().saturating_sub(1);
            for (index, part) in parts.into_iter().enumerate() {
                let before = steps.len() as u16;
                let after = (steps.len() + term_count(&part)) as u16;
                let here = Exits { otherwise: after, undo: before, ..exits };
                lay(part, if index == last { exits } else { here }, steps, bounds)?;
            }
        }
    }
    Some(())
}

fn term_count(node: &Node) -> usize {
    match node {
        Node::Any(parts) | Node::All(parts) => parts.iter().map(term_count).sum(),
        Node::Term(_) => 1,
    }
}

/// The different bounds of a rule set, numbered.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    texts: Vec<String>,
    numbers: BTreeMap<String, u16>,
}

impl Bounds {
    fn number(&mut self, text: String) -> Option<u16> {
        if let Some(number) = self.numbers.get(&text) {
            return Some(*number);
        }
        let number = u16::try_from(self.texts.len()).ok().filter(|number| *number != Piece::TOLD)?;
        self.texts.push(text.clone());
        self.numbers.insert(text, number);
        Some(number)
    }

    /// The texts by number.
    pub fn into_texts(self) -> Vec<String> {
        self.texts
    }
}
