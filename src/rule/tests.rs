//! Rules good and bad, as the fraud team would write them.

use std::cell::Cell;

use super::*;
use crate::base::field::{Country, Type, Unit};
use crate::base::number::Number;

const CLASSES: &[&str] = &["international", "transit", "on-net"];

/// A small table of every type and unit.
const FIELDS: &[FieldSpec] = &[
    field("caller", Type::Number, true),
    field("called", Type::Number, true),
    field("caller.country", Type::Country, true),
    field("home", Type::Country, true),
    field("route.class", Type::Enum(CLASSES), true),
    field("caller.attempts_10m", Type::Int(Unit::Calls), true),
    field("caller.answered_10m", Type::Int(Unit::Calls), true),
    field("caller.called_10m", Type::Int(Unit::Numbers), true),
    field("caller.answer_share_24h", Type::Ratio, true),
    field("caller.new", Type::Bool, true),
    field("caller.hidden", Type::Bool, true),
    field("ring_time", Type::Duration, false),
    field("answered", Type::Bool, false),
    field("release_cause", Type::Int(Unit::Code), false),
];

const fn field(name: &'static str, ty: Type, at_setup: bool) -> FieldSpec {
    FieldSpec { name, ty, at_setup, meaning: "" }
}

fn id_of(name: &str) -> FieldId {
    FieldId(FIELDS.iter().position(|spec| spec.name == name).unwrap() as u16)
}

/// Facts by field, and how many were read.
struct Known {
    values: Vec<Value>,
    reads: Cell<u32>,
}

impl Known {
    fn new(facts: &[(&str, Value)]) -> Self {
        let mut values = vec![Value::Unknown; FIELDS.len()];
        for (name, value) in facts {
            values[usize::from(id_of(name).0)] = *value;
        }
        Self { values, reads: Cell::new(0) }
    }
}

impl Facts for Known {
    fn value(&self, field: FieldId) -> Value {
        self.reads.set(self.reads.get() + 1);
        self.values[usize::from(field.0)]
    }
}

fn source(path: &str, text: impl Into<String>) -> Source {
    Source { path: path.to_owned(), text: text.into() }
}

/// A file with one rule at the end that has this condition, on line 7 from column 8 on.
fn file_with(when: &str) -> Source {
    let head = "schema = 1\n[[rule]]\nid = \"A-1\"\nname = \"n\"\nphase = \"fraud\"\non = \"end\"\n";
    source("rules/a.toml", format!("{head}when = '''\n{when}'''\nclass = \"flash\"\n"))
}

fn ruleset(when: &str) -> Ruleset {
    Ruleset::compile(&[file_with(when)], FIELDS).unwrap_or_else(|errors| panic!("{}", errors[0]))
}

#[test]
fn look() {
    for when in ["caller.attempt_10m > 3", "caller.attempts_10m > caller.called_10m and route.class in {transit, onnet}", "(answered", "answered = true"] {
        for e in Ruleset::compile(&[file_with(when)], FIELDS).unwrap_err() { println!("{e}"); }
    }
    let t = "schema = 2\nx = 1\n[[rule]]\nid=\"A 1\"\nmod = \"live\"\non=\"setup\"\nclass=\"flas\"\nwhen=\"answered \\n and x\"\naction = { block = { sip = 5_03, q850 = 41, reason = 3, k = 3 } }\nmark = [ { subject = \"x\", ttl = \"3\" } ]\n[[rule]]\n[rule.x]\n";
    for e in Ruleset::compile(&[source("b", t)], FIELDS).unwrap_err() { println!("{e}"); }
    for e in Ruleset::compile(&[source("b", "a = \nb = [\n c = \"")], FIELDS).unwrap_err() { println!("{e}"); }
}
