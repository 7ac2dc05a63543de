//! Tree → checked condition: names become field numbers, types and units agree, `not` goes down to the terms.

use std::ops::Range;

use crate::base::caret::nearest;
use crate::base::field::{Country, FieldId, FieldSpec, Type, Unit, Value};
use crate::base::number::Number;
use crate::rule::error::Fault;
use crate::rule::eval::{Node, TERMS_MAX, Term, Test, TextTest};
use crate::rule::lex::{self, Literal, Op};
use crate::rule::parse::{self, Operand, Tree};

/// Reads and checks the text of a `when`; all faults found, syntax first.
pub(super) fn condition(text: &str, fields: &[FieldSpec], at_setup: bool) -> Result<Node, Vec<Fault>> {
    let tokens = lex::tokens(text).map_err(|fault| vec![fault])?;
    let tree = parse::parse(&tokens).map_err(|fault| vec![fault])?;
    let mut checker = Checker { fields, at_setup, terms: 0, faults: Vec::new() };
    let node = checker.node(&tree, true);
    if checker.terms > TERMS_MAX {
        let message = format!("{} terms; a rule has at most {TERMS_MAX}", checker.terms);
        checker.faults.push(Fault::new(0..text.len(), message).with_help("each value of a set is a term"));
    }
    match node {
        Some(node) if checker.faults.is_empty() => Ok(node),
        _ => Err(checker.faults),
    }
}

/// The field that a text outside a condition names, which stands at `span`.
pub(super) fn named_field(
    name: &str,
    span: Range<usize>,
    fields: &[FieldSpec],
    at_setup: bool,
) -> Result<FieldId, Fault> {
    let mut checker = Checker { fields, at_setup, terms: 0, faults: Vec::new() };
    let known = checker.field(&Operand { text: name, literal: None, span: span.clone() });
    match (known, checker.faults.pop()) {
        (_, Some(fault)) => Err(fault),
        (Some(known), None) => Ok(known.id),
        // A field that is not found is a fault.
        (None, None) => Err(Fault::new(span, "unknown field")),
    }
}

struct Checker<'f> {
    fields: &'f [FieldSpec],
    at_setup: bool,
    terms: usize,
    faults: Vec<Fault>,
}

/// A field found in the table.
#[derive(Clone, Copy)]
struct Known<'f> {
    id: FieldId,
    spec: &'f FieldSpec,
}

impl<'f> Checker<'f> {
    /// None, and a fault, when something is wrong below.
    fn node(&mut self, tree: &Tree<'_>, wanted: bool) -> Option<Node> {
        match tree {
            Tree::Not(part) => self.node(part, !wanted),
            Tree::Any(parts) => {
                let parts = self.nodes(parts, wanted)?;
                Some(if wanted { Node::Any(parts) } else { Node::All(parts) })
            }
            Tree::All(parts) => {
                let parts = self.nodes(parts, wanted)?;
                Some(if wanted { Node::All(parts) } else { Node::Any(parts) })
            }
            Tree::Term(term) => self.term(term, wanted).map(Node::Term),
        }
    }

    fn nodes(&mut self, trees: &[Tree<'_>], wanted: bool) -> Option<Vec<Node>> {
        // Every part is looked at, also after a fault.
        let parts: Vec<_> = trees.iter().map(|tree| self.node(tree, wanted)).collect();
        parts.into_iter().collect()
    }

    fn term(&mut self, term: &parse::Term<'_>, wanted: bool) -> Option<Term> {
        self.terms += if let parse::Test::In(items) = &term.test { items.len() } else { 1 };
        let field = self.field(&term.field)?;
        let test = match &term.test {
            parse::Test::Bare => self.bare(&term.field, field)?,
            parse::Test::Compare(op, operand) => self.compare(field, *op, operand)?,
            parse::Test::In(items) => self.set(field, items)?,
            parse::Test::Between(low, high) => self.between(field, low, high)?,
            parse::Test::StartsWith(operand) => self.starts_with(&term.field, field, operand)?,
            parse::Test::Contains(operand) => self.contains(&term.field, field, operand)?,
        };
        Some(Term { field: field.id, test, wanted, bound: bound_text(&term.test, wanted) })
    }

    fn bare(&mut self, operand: &Operand<'_>, field: Known<'f>) -> Option<Test> {
        if field.spec.ty == Type::Bool {
            return Some(Test::Compare(Op::Equal, Value::Bool(true)));
        }
        let message = format!("{} is no condition by itself", described(field.spec));
        self.faults.push(Fault::new(operand.span.clone(), message).with_help("compare it with something"));
        None
    }

    fn compare(&mut self, field: Known<'f>, op: Op, operand: &Operand<'_>) -> Option<Test> {
        let ordered = matches!(field.spec.ty, Type::Int(_) | Type::Ratio | Type::Duration);
        if !ordered && !matches!(op, Op::Equal | Op::NotEqual) {
            let message = format!("{} has no order: `{}` has no meaning", described(field.spec), op_text(op));
            self.faults.push(Fault::new(operand.span.clone(), message).with_help("use `==`, `!=` or `in`"));
            return None;
        }
        // `caller.roaming == home` means the word, though a field is called `home` too.
        let is_own_word = matches!(field.spec.ty, Type::Enum(words) if words.contains(&operand.text));
        let is_field = self.find(operand.text).is_some() || !has_words(field.spec.ty);
        if operand.literal.is_none() && is_field && !is_own_word {
            let other = self.field(operand)?;
            return self.compare_field(field, op, operand, other);
        }
        if field.spec.ty == Type::Text {
            let how = if op == Op::Equal { TextTest::Equal } else { TextTest::NotEqual };
            return self.text(field.spec, operand, how);
        }
        self.literal(field.spec, operand).map(|value| Test::Compare(op, value))
    }

    fn compare_field(
        &mut self,
        field: Known<'f>,
        op: Op,
        operand: &Operand<'_>,
        other: Known<'f>,
    ) -> Option<Test> {
        if field.spec.ty == other.spec.ty && field.spec.ty != Type::Text {
            return Some(Test::CompareField(op, other.id));
        }
        let message = format!("cannot compare {} with {}", described(field.spec), described(other.spec));
        self.faults.push(Fault::new(operand.span.clone(), message));
        None
    }

    fn set(&mut self, field: Known<'f>, items: &[Operand<'_>]) -> Option<Test> {
        if field.spec.ty == Type::Text {
            let texts: Vec<_> = items.iter().map(|item| self.words(field.spec, item)).collect();
            let texts = texts.into_iter().collect::<Option<Box<[Box<str>]>>>()?;
            return Some(Test::Text { how: TextTest::Equal, texts });
        }
        let values: Vec<_> = items.iter().map(|item| self.literal(field.spec, item)).collect();
        values.into_iter().collect::<Option<Box<[Value]>>>().map(Test::In)
    }

    fn between(&mut self, field: Known<'f>, low: &Operand<'_>, high: &Operand<'_>) -> Option<Test> {
        if !matches!(field.spec.ty, Type::Int(_) | Type::Ratio | Type::Duration) {
            let message = format!("{} has no order: `between` has no meaning", described(field.spec));
            self.faults.push(Fault::new(low.span.clone(), message).with_help("use `==`, `!=` or `in`"));
            return None;
        }
        let (from, to) = (self.literal(field.spec, low), self.literal(field.spec, high));
        Some(Test::Between(from?, to?))
    }

    fn starts_with(&mut self, operand: &Operand<'_>, field: Known<'f>, prefix: &Operand<'_>) -> Option<Test> {
        match field.spec.ty {
            Type::Number => {}
            Type::Text => return self.text(field.spec, prefix, TextTest::StartsWith),
            _ => {
                let message = format!("{} has no prefix", described(field.spec));
                let fault = Fault::new(operand.span.clone(), message);
                self.faults.push(fault.with_help("`starts_with` is for telephone numbers"));
                return None;
            }
        }
        let digits = match prefix.literal {
            Some(Literal::Digits(digits)) => digits,
            Some(Literal::Text(_)) => return self.no_number(prefix),
            _ => return self.mismatch(field.spec, prefix),
        };
        // The lexer lets 1 to 15 digits pass.
        let (prefix, digit_count) = (digits.parse().ok()?, digits.len() as u32);
        Some(Test::StartsWith { prefix, digit_count })
    }

    fn contains(&mut self, operand: &Operand<'_>, field: Known<'f>, part: &Operand<'_>) -> Option<Test> {
        if field.spec.ty == Type::Text {
            return self.text(field.spec, part, TextTest::Contains);
        }
        let message = format!("{} is no text", described(field.spec));
        self.faults.push(Fault::new(operand.span.clone(), message).with_help("`contains` is for texts"));
        None
    }

    fn text(&mut self, spec: &FieldSpec, operand: &Operand<'_>, how: TextTest) -> Option<Test> {
        self.words(spec, operand).map(|text| Test::Text { how, texts: Box::new([text]) })
    }

    /// The text an operand means: a string, or a word as it stands.
    fn words(&mut self, spec: &FieldSpec, operand: &Operand<'_>) -> Option<Box<str>> {
        match operand.literal {
            None => Some(operand.text.into()),
            Some(Literal::Text(text)) => Some(text.into()),
            Some(Literal::Digits(digits)) => Some(format!("+{digits}").into()),
            _ => self.mismatch(spec, operand),
        }
    }

    /// The value an operand means for a field; none, and a fault, when it has another type.
    fn literal(&mut self, spec: &FieldSpec, operand: &Operand<'_>) -> Option<Value> {
        let value = match (spec.ty, operand.literal) {
            (Type::Bool, Some(Literal::Bool(value))) => Value::Bool(value),
            (Type::Int(_), Some(Literal::Int(value))) => Value::Int(value),
            (Type::Ratio, Some(Literal::Ratio(value))) => Value::Ratio(value),
            (Type::Duration, Some(Literal::Duration(value))) => Value::Duration(value),
            (Type::Number, Some(Literal::Digits(digits))) => match Number::from_digits(digits.as_bytes()) {
                Ok(number) => Value::Number(number),
                Err(_) => return self.short_number(operand),
            },
            (Type::Number, Some(Literal::Text(_))) => return self.no_number(operand),
            (Type::Country, None) => match Country::parse(operand.text) {
                Some(country) => Value::Country(country),
                None => return self.no_country(operand),
            },
            (Type::Enum(words), None) => match words.iter().position(|word| *word == operand.text) {
                Some(index) => Value::Word(u8::try_from(index).ok()?),
                None => return self.no_word(spec, words, operand),
            },
            _ => return self.mismatch(spec, operand),
        };
        Some(value)
    }

    fn mismatch<T>(&mut self, spec: &FieldSpec, operand: &Operand<'_>) -> Option<T> {
        let message = format!("cannot compare {} with {}", described(spec), operand_text(operand));
        self.faults.push(Fault::new(operand.span.clone(), message).with_help(how_to_write(spec.ty)));
        None
    }

    fn no_number<T>(&mut self, operand: &Operand<'_>) -> Option<T> {
        let message = format!("{} is no telephone number", operand.text);
        let help = "a telephone number is `+` and 1 to 15 digits in quotes";
        self.faults.push(Fault::new(operand.span.clone(), message).with_help(help));
        None
    }

    fn short_number<T>(&mut self, operand: &Operand<'_>) -> Option<T> {
        let message = format!("{} is no whole telephone number", operand.text);
        self.faults
            .push(Fault::new(operand.span.clone(), message).with_help("for a prefix use `starts_with`"));
        None
    }

    fn no_country<T>(&mut self, operand: &Operand<'_>) -> Option<T> {
        let message = format!("`{}` is neither a country nor a field", operand.text);
        self.faults.push(Fault::new(operand.span.clone(), message).with_help(how_to_write(Type::Country)));
        None
    }

    fn no_word<T>(&mut self, spec: &FieldSpec, words: &[&str], operand: &Operand<'_>) -> Option<T> {
        let message = format!("`{}` is not a word of `{}`", operand.text, spec.name);
        let help = format!("one of {}", words.join(", "));
        self.faults.push(Fault::new(operand.span.clone(), message).with_help(help));
        None
    }

    fn field(&mut self, operand: &Operand<'_>) -> Option<Known<'f>> {
        let Some(known) = self.find(operand.text) else {
            let fault = Fault::new(operand.span.clone(), format!("unknown field `{}`", operand.text));
            let meant = nearest(operand.text, self.fields.iter().map(|spec| spec.name));
            let help = meant
                .and_then(|name| self.find(name))
                .map(|known| format!("did you mean `{}` ({})?", known.spec.name, type_text(known.spec.ty)));
            self.faults.push(Fault { help, ..fault });
            return None;
        };
        if self.at_setup && !known.spec.at_setup {
            let message = format!("`{}` is not known at setup", known.spec.name);
            let fault = Fault::new(operand.span.clone(), message);
            self.faults.push(fault.with_help("only rules with on = \"end\" can read it"));
        }
        Some(known)
    }

    fn find(&self, name: &str) -> Option<Known<'f>> {
        let index = self.fields.iter().position(|spec| spec.name == name)?;
        Some(Known { id: FieldId(u16::try_from(index).ok()?), spec: &self.fields[index] })
    }
}

/// Whether values of this type are written as words.
const fn has_words(ty: Type) -> bool {
    matches!(ty, Type::Country | Type::Enum(_) | Type::Text)
}

fn described(spec: &FieldSpec) -> String {
    format!("`{}` ({})", spec.name, type_text(spec.ty))
}

const fn type_text(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "true or false",
        Type::Int(Unit::Calls) => "calls",
        Type::Int(Unit::Numbers) => "numbers",
        Type::Int(Unit::Code) => "a code",
        Type::Int(Unit::Decibels) => "dB of evidence",
        Type::Int(Unit::Routes) => "routes",
        Type::Int(Unit::Times) => "times",
        Type::Ratio => "a share",
        Type::Duration => "a duration",
        Type::Number => "a telephone number",
        Type::Country => "a country",
        Type::Enum(_) => "a word",
        Type::Text => "a text",
    }
}

fn operand_text(operand: &Operand<'_>) -> String {
    let kind = match operand.literal {
        None => "a word",
        Some(Literal::Bool(_)) => "true or false",
        Some(Literal::Int(_)) => "a whole number",
        Some(Literal::Ratio(_)) => "a share",
        Some(Literal::Duration(_)) => "a duration",
        Some(Literal::Digits(_)) => "a telephone number",
        Some(Literal::Text(_)) => "a text",
    };
    format!("`{}` ({kind})", operand.text)
}

const fn how_to_write(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "write `true` or `false`",
        Type::Int(_) => "write a whole number, such as `20` or `1_000`",
        Type::Ratio => "write a share in percent, such as `2%` or `0.5%`",
        Type::Duration => "write a duration, such as `300ms`, `4s`, `10m`, `24h` or `7d`",
        Type::Number => "write a telephone number, such as `\"+48601234567\"`",
        Type::Country => "write two capital letters, such as `PL`",
        Type::Enum(_) => "write one of its words, without quotes",
        Type::Text => "write a text in quotes, such as `\"198.51.100.20\"`",
    }
}

const fn op_text(op: Op) -> &'static str {
    match op {
        Op::Equal => "==",
        Op::NotEqual => "!=",
        Op::Less => "<",
        Op::LessOrEqual => "<=",
        Op::Greater => ">",
        Op::GreaterOrEqual => ">=",
    }
}

/// What a value was held against, such that "value, then this" is true of every match.
fn bound_text(test: &parse::Test<'_>, wanted: bool) -> String {
    let text = |operand: &Operand<'_>| operand.text.replace('\'', "\"");
    let bound = match test {
        parse::Test::Bare => return format!("== {wanted}"),
        parse::Test::Compare(op, operand) => format!("{} {}", op_text(*op), text(operand)),
        parse::Test::In(items) => format!("in {{{}}}", items.iter().map(text).collect::<Vec<_>>().join(", ")),
        parse::Test::Between(low, high) => format!("between {} and {}", text(low), text(high)),
        parse::Test::StartsWith(operand) => format!("starts_with {}", text(operand)),
        parse::Test::Contains(operand) => format!("contains {}", text(operand)),
    };
    if wanted { bound } else { format!("not {bound}") }
}
