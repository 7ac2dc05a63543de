//! What rules and features agree on: types and units of fields, their values, and the row that describes one.

use std::fmt;
use std::time::Duration;

use crate::base::number::Number;

/// Index of a field in the table of fields (`feature::fields`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub u16);

/// ISO 3166-1 alpha-2 code of a country.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(pub [u8; 2]);

impl Country {
    /// Reads two capital letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Some(Self([*a, *b])),
            _ => None,
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.0).unwrap_or("??"))
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a whole number counts. Two counts compare only when their units are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// Call attempts.
    Calls,
    /// Distinct telephone numbers.
    Numbers,
    /// A code of a standard (SIP status, Q.850 cause): equality and order only.
    Code,
    /// Decibels of evidence: 10 dB are ten times likelier, 90 dB a billion times.
    Decibels,
    /// Routes.
    Routes,
    /// A multiple of what is usual.
    Times,
}

/// Type of a field or literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    /// True or false.
    Bool,
    /// A whole number of something.
    Int(Unit),
    /// A share, 0 to 1, written in percent.
    Ratio,
    /// A span of time, written with its unit (`300ms`, `4s`, `10m`, `24h`).
    Duration,
    /// An E.164 number or a prefix of one, written as a string that begins with `+`.
    Number,
    /// A country, written as its ISO 3166-1 alpha-2 code.
    Country,
    /// One of a closed list of words.
    Enum(&'static [&'static str]),
    /// Octets as a peer sent them, read by [`Facts::text`]: compared without regard to the case of ASCII letters.
    /// No field that rules read has it; those of other conditions may.
    Text,
}

/// Value of a field at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// Not known: a comparison with it is neither true nor false.
    Unknown,
    /// Of type [`Type::Bool`].
    Bool(bool),
    /// Of type [`Type::Int`].
    Int(i64),
    /// Of type [`Type::Ratio`], 0.0 to 1.0.
    Ratio(f64),
    /// Of type [`Type::Duration`].
    Duration(Duration),
    /// Of type [`Type::Number`].
    Number(Number),
    /// Of type [`Type::Country`].
    Country(Country),
    /// Of type [`Type::Enum`]: index into its words.
    Word(u8),
}

impl Value {
    /// The value as people read it: `20`, `1.3 %`, `2.531s`, `+48601234567`, `PL`, `flash`.
    #[must_use]
    pub const fn shown(self, ty: Type) -> Shown {
        Shown { value: self, ty }
    }
}

/// A value to be printed; its type gives words their names.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    value: Value,
    ty: Type,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.value, self.ty) {
            (Value::Unknown, _) => f.write_str("unknown"),
            (Value::Bool(value), _) => write!(f, "{value}"),
            (Value::Int(value), _) => write!(f, "{value}"),
            (Value::Ratio(share), _) => write!(f, "{:.1} %", share * 100.0),
            (Value::Duration(span), _) => write!(f, "{:.3}s", span.as_secs_f64()),
            (Value::Number(number), _) => write!(f, "{number}"),
            (Value::Country(country), _) => write!(f, "{country}"),
            (Value::Word(index), Type::Enum(words)) => {
                f.write_str(words.get(usize::from(index)).copied().unwrap_or("?"))
            }
            (Value::Word(index), _) => write!(f, "{index}"),
        }
    }
}

/// When a rule is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Point {
    /// At INVITE or IAM: may decide.
    Setup,
    /// When the call has ended: may classify and teach.
    End,
}

/// A field as rules see it.
#[derive(Clone, Copy, Debug)]
pub struct FieldSpec {
    /// Name in rule text, such as `caller.attempts_10m`.
    pub name: &'static str,
    /// Type and unit.
    pub ty: Type,
    /// Known at setup too; else at the end only.
    pub at_setup: bool,
    /// One line for people.
    pub meaning: &'static str,
}

/// Where a rule reads its fields from.
pub trait Facts {
    /// Value of a field now; [`Value::Unknown`] of one of type [`Type::Text`].
    fn value(&self, field: FieldId) -> Value;

    /// What a field of type [`Type::Text`] says now; `None` when that is not known.
    fn text(&self, field: FieldId) -> Option<&[u8]> {
        let _ = field;
        None
    }
}
