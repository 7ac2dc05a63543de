//! Any text is refused or read, never a panic; any condition judges as a naive reading of its tree does.

use proptest::prelude::*;

use super::tests::{FIELDS, Known, file_with, id_of, source};
use super::*;
use crate::base::field::Country;
use crate::base::number::Number;

const OPS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];
const INTS: [&str; 2] = ["caller.attempts_10m", "caller.answered_10m"];
const BOOLS: [&str; 3] = ["caller.new", "caller.hidden", "answered"];
const WORDS: [&str; 3] = ["international", "transit", "on-net"];
const COUNTRIES: [&str; 2] = ["PL", "LV"];
const PREFIXES: [&str; 3] = ["4", "486", "48601234567"];

/// A condition, built without the parser. Indexes point into the lists above.
#[derive(Clone, Debug)]
enum Tree {
    Any(Vec<Tree>),
    All(Vec<Tree>),
    Not(Box<Tree>),
    Atom(Atom),
}

#[derive(Clone, Debug)]
enum Atom {
    Bare(usize),
    Bool(usize, bool),
    Int(usize, usize, i64),
    IntField(usize),
    IntIn(usize, Vec<i64>),
    IntBetween(usize, i64, i64),
    Share(usize, u8),
    Ring(usize, u64),
    Class(Vec<usize>),
    NotClass(usize),
    Country(usize),
    Abroad,
    Prefix(usize),
}

impl Tree {
    /// The text, with parentheses only where the grammar needs them.
    fn text(&self) -> String {
        let part = |tree: &Tree, bare: bool| if bare { tree.text() } else { format!("({})", tree.text()) };
        match self {
            Tree::Any(parts) => parts.iter().map(Tree::text).collect::<Vec<_>>().join(" or "),
            Tree::All(parts) => {
                let text = |tree: &Tree| part(tree, !matches!(tree, Tree::Any(_)));
                parts.iter().map(text).collect::<Vec<_>>().join("\n and ")
            }
            Tree::Not(inner) => {
                format!("not {}", part(inner, matches!(**inner, Tree::Atom(_) | Tree::Not(_))))
            }
            Tree::Atom(atom) => format!("{} {}", atom.field(), atom.rest()),
        }
    }

    /// Kleene's tables, as printed in the reference.
    fn outcome(&self, facts: &Known) -> Option<bool> {
        let all = |outcomes: Vec<Option<bool>>, stop: bool| {
            if outcomes.contains(&Some(stop)) {
                Some(stop)
            } else if outcomes.contains(&None) {
                None
            } else {
                Some(!stop)
            }
        };
        match self {
            Tree::Any(parts) => all(parts.iter().map(|part| part.outcome(facts)).collect(), true),
            Tree::All(parts) => all(parts.iter().map(|part| part.outcome(facts)).collect(), false),
            Tree::Not(part) => part.outcome(facts).map(|outcome| !outcome),
            Tree::Atom(atom) => atom.outcome(facts),
        }
    }

    /// Fields of the terms that make the outcome `wanted`: all of them, or the first side that does.
    fn reasons(&self, facts: &Known, wanted: bool) -> Option<Vec<&'static str>> {
        match (self, wanted) {
            (Tree::Not(part), _) => part.reasons(facts, !wanted),
            (Tree::Any(parts), true) | (Tree::All(parts), false) => {
                parts.iter().find_map(|part| part.reasons(facts, wanted))
            }
            (Tree::Any(parts), false) | (Tree::All(parts), true) => {
                let all: Option<Vec<_>> = parts.iter().map(|part| part.reasons(facts, wanted)).collect();
                all.map(|all| all.concat())
            }
            (Tree::Atom(atom), _) => (atom.outcome(facts) == Some(wanted)).then(|| vec![atom.field()]),
        }
    }
}

impl Atom {
    fn field(&self) -> &'static str {
        match self {
            Atom::Bare(field) | Atom::Bool(field, _) => BOOLS[*field],
            Atom::Int(field, ..) | Atom::IntIn(field, _) | Atom::IntBetween(field, ..) => INTS[*field],
            Atom::IntField(_) => INTS[0],
            Atom::Share(..) => "caller.answer_share_24h",
            Atom::Ring(..) => "ring_time",
            Atom::Class(_) | Atom::NotClass(_) => "route.class",
            Atom::Country(_) | Atom::Abroad => "caller.country",
            Atom::Prefix(_) => "caller",
        }
    }

    fn rest(&self) -> String {
        let set = |items: Vec<String>| format!("in {{{}}}", items.join(","));
        match self {
            Atom::Bare(_) => String::new(),
            Atom::Bool(_, value) => format!("== {value}"),
            Atom::Int(_, op, value) => format!("{} {value}", OPS[*op]),
            Atom::IntField(op) => format!("{} {}", OPS[*op], INTS[1]),
            Atom::IntIn(_, items) => set(items.iter().map(i64::to_string).collect()),
            Atom::IntBetween(_, low, high) => format!("between {low} and {high}"),
            Atom::Share(op, percent) => format!("{} {percent}.50%", OPS[*op]),
            Atom::Ring(op, ms) => format!("{} {ms}ms", OPS[*op]),
            Atom::Class(items) => set(items.iter().map(|item| WORDS[*item].to_owned()).collect()),
            Atom::NotClass(item) => format!("!= {}", WORDS[*item]),
            Atom::Country(country) => format!("== {}", COUNTRIES[*country]),
            Atom::Abroad => "!= home".to_owned(),
            Atom::Prefix(prefix) => format!("starts_with \"+{}\"", PREFIXES[*prefix]),
        }
    }

    fn outcome(&self, facts: &Known) -> Option<bool> {
        let value = facts.value(id_of(self.field()));
        match (self, value) {
            (_, Value::Unknown) => None,
            (Atom::Bare(_), Value::Bool(value)) => Some(value),
            (Atom::Bool(_, wanted), Value::Bool(value)) => Some(value == *wanted),
            (Atom::Int(_, op, bound), Value::Int(value)) => Some(compare(*op, value, *bound)),
            (Atom::IntField(op), Value::Int(value)) => match facts.value(id_of(INTS[1])) {
                Value::Int(other) => Some(compare(*op, value, other)),
                _ => None,
            },
            (Atom::IntIn(_, items), Value::Int(value)) => Some(items.contains(&value)),
            (Atom::IntBetween(_, low, high), Value::Int(value)) => Some(value >= *low && value <= *high),
            (Atom::Share(op, percent), Value::Ratio(value)) => {
                Some(compare(*op, value, f64::from(u16::from(*percent) * 10 + 5) / 1_000.0))
            }
            (Atom::Ring(op, ms), Value::Duration(value)) => {
                Some(compare(*op, value.as_millis(), u128::from(*ms)))
            }
            (Atom::Class(items), Value::Word(value)) => Some(items.contains(&usize::from(value))),
            (Atom::NotClass(item), Value::Word(value)) => Some(usize::from(value) != *item),
            (Atom::Country(item), Value::Country(value)) => Some(value.to_string() == COUNTRIES[*item]),
            (Atom::Abroad, value) => match facts.value(id_of("home")) {
                Value::Unknown => None,
                home => Some(value != home),
            },
            (Atom::Prefix(prefix), Value::Number(value)) => {
                Some(value.to_string()[1..].starts_with(PREFIXES[*prefix]))
            }
            _ => unreachable!("facts have the types of their fields"),
        }
    }
}

fn compare<T: PartialOrd>(op: usize, a: T, b: T) -> bool {
    [a == b, a != b, a < b, a <= b, a > b, a >= b][op]
}

fn atom() -> impl Strategy<Value = Atom> {
    prop_oneof![
        (0..3usize).prop_map(Atom::Bare),
        (0..3usize, any::<bool>()).prop_map(|(field, value)| Atom::Bool(field, value)),
        (0..2usize, 0..6usize, 0..4i64).prop_map(|(field, op, value)| Atom::Int(field, op, value)),
        (0..6usize).prop_map(Atom::IntField),
        (0..2usize, prop::collection::vec(0..4i64, 1..4))
            .prop_map(|(field, items)| Atom::IntIn(field, items)),
        (0..2usize, 0..4i64, 0..4i64).prop_map(|(field, low, high)| Atom::IntBetween(field, low, high)),
        (0..6usize, 0..3u8).prop_map(|(op, percent)| Atom::Share(op, percent)),
        (0..6usize, 0..3u64).prop_map(|(op, ms)| Atom::Ring(op, ms)),
        prop::collection::vec(0..3usize, 1..3).prop_map(Atom::Class),
        (0..3usize).prop_map(Atom::NotClass),
        (0..2usize).prop_map(Atom::Country),
        Just(Atom::Abroad),
        (0..3usize).prop_map(Atom::Prefix),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    atom().prop_map(Tree::Atom).prop_recursive(5, 60, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::Any),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Tree::All),
            inner.prop_map(|part| Tree::Not(Box::new(part))),
        ]
    })
}

fn maybe(known: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    prop_oneof![1 => Just(Value::Unknown), 3 => known].boxed()
}

fn facts() -> impl Strategy<Value = Known> {
    let country =
        || maybe((0..2usize).prop_map(|item| Value::Country(Country::parse(COUNTRIES[item]).unwrap())));
    let number = ["48601234567", "48701234567", "371200000"];
    let caller = (0..3usize)
        .prop_map(move |item| Value::Number(Number::from_digits(number[item].as_bytes()).unwrap()));
    let fields: Vec<BoxedStrategy<Value>> = FIELDS
        .iter()
        .map(|spec| match spec.name {
            "caller" | "called" => maybe(caller.clone()),
            "caller.country" | "home" => country(),
            "route.class" => maybe((0..3u8).prop_map(Value::Word)),
            "caller.answer_share_24h" => maybe((0..6u32).prop_map(|n| Value::Ratio(f64::from(n) / 200.0))),
            "ring_time" => maybe((0..4u64).prop_map(|ms| Value::Duration(Duration::from_millis(ms)))),
            "caller.new" | "caller.hidden" | "answered" => maybe(any::<bool>().prop_map(Value::Bool)),
            _ => maybe((0..5i64).prop_map(Value::Int)),
        })
        .collect();
    fields.prop_map(Known::from_values)
}

/// Texts made of what rules are made of, so that some go far.
fn rule_like() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "and",
        "or",
        "not",
        "in",
        "between",
        "starts_with",
        "(",
        ")",
        "{",
        "}",
        ",",
        "==",
        "!=",
        "<",
        ">=",
        "=",
        "caller",
        "caller.new",
        "answered",
        "route.class",
        "transit",
        "PL",
        "caller.attempts_10m",
        "ring_time",
        "20",
        "2%",
        "0.5%",
        "4s",
        "1.5s",
        "7d",
        "99999999999999999999d",
        "1e9%",
        "\"+48\"",
        "'+48'",
        "\"",
        "'",
        "#",
        "\n",
        "é",
        "-",
        "_",
        "true",
        "\u{0}",
        "\\",
        "[[rule]]\n",
        "when = ",
        "action = ",
        "mark = [",
        "id = ",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn judges_as_a_naive_reading_does(tree in tree(), facts in facts()) {
        let text = tree.text();
        let rules = Ruleset::compile(&[file_with(&text)], FIELDS).map_err(|errors| {
            TestCaseError::fail(errors[0].to_string())
        })?;
        let mut evidence = Evidence::new();
        let matched = rules.matches(0, &facts, &mut evidence);
        prop_assert_eq!(matched, tree.outcome(&facts) == Some(true), "{}", &text);
        let fields: Vec<_> = evidence.iter().map(|piece| FIELDS[usize::from(piece.field.0)].name).collect();
        let mut reasons = tree.reasons(&facts, true).unwrap_or_default();
        reasons.truncate(8);
        prop_assert_eq!(fields, reasons, "{}", &text);
        for piece in &evidence {
            prop_assert_eq!(piece.value, facts.value(piece.field));
            let bound = rules.bound_text(piece.bound);
            let (not, bound) = bound.strip_prefix("not ").map_or(("", bound), |bound| ("not ", bound));
            let alone = format!("{not}{} {bound}", FIELDS[usize::from(piece.field.0)].name);
            let alone = Ruleset::compile(&[file_with(&alone)], FIELDS).unwrap();
            prop_assert!(alone.matches(0, &facts, &mut Evidence::new()), "{} of {}", bound, &text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(condition in rule_like(), noise in "(?s).{0,60}", file in rule_like()) {
        let noisy = format!("schema = 1\n[[rule]]\n{file}{noise}");
        for source in [file_with(&condition), file_with(&noise), source("a", noise.as_str()), source("a", noisy)] {
            if let Err(errors) = Ruleset::compile(&[source], FIELDS) {
                prop_assert!(errors.iter().all(|error| !error.to_string().is_empty()));
            }
        }
    }
}
