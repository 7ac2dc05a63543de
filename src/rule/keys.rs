//! A TOML table, read key by key: what is missing, unknown or of another type becomes a finding, and reading goes on.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::base::caret::nearest;
use crate::rule::error::Findings;

/// A value with its place in the file.
pub(super) type Entry<'t> = Spanned<DeValue<'t>>;

/// The keys of a table not yet read.
pub(super) struct Keys<'t> {
    pub span: Range<usize>,
    table: DeTable<'t>,
    known: Vec<&'static str>,
}

impl<'t> Keys<'t> {
    pub fn new(table: DeTable<'t>, span: Range<usize>) -> Self {
        Self { span, table, known: Vec::new() }
    }

    /// The keys of an entry; none, and a finding, when it is no table.
    pub fn of(entry: Entry<'t>, what: &str, findings: &mut Findings<'_>) -> Option<Self> {
        let span = entry.span();
        match entry.into_inner() {
            DeValue::Table(table) => Some(Self::new(table, span)),
            other => {
                findings.add(span, format!("{what} is a table, not {}", kind(&other)));
                None
            }
        }
    }

    /// A finding for each key of `names` that is not there.
    pub fn require(&self, names: &[&str], what: &str, findings: &mut Findings<'_>) {
        for name in names.iter().filter(|name| !self.table.contains_key(**name)) {
            findings.add(self.span.clone(), format!("{what} has no `{name}`"));
        }
    }

    /// Takes a value of any type.
    pub fn take(&mut self, name: &'static str) -> Option<Entry<'t>> {
        self.known.push(name);
        self.table.remove(name)
    }

    /// Takes a string.
    pub fn text(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Option<Spanned<String>> {
        let entry = self.take(name)?;
        let span = entry.span();
        match entry.into_inner() {
            DeValue::String(text) => Some(Spanned::new(span, text.into_owned())),
            other => {
                findings.add(span, format!("`{name}` is a string, not {}", kind(&other)));
                None
            }
        }
    }

    /// Takes a whole number.
    pub fn integer(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Option<Spanned<i64>> {
        let entry = self.take(name)?;
        let span = entry.span();
        let Some(integer) = entry.get_ref().as_integer() else {
            findings.add(span, format!("`{name}` is a whole number, not {}", kind(entry.get_ref())));
            return None;
        };
        match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(value) => Some(Spanned::new(span, value)),
            Err(_) => {
                findings.add(span, format!("`{name}` is too large"));
                None
            }
        }
    }

    /// Takes a list.
    pub fn list(&mut self, name: &'static str, findings: &mut Findings<'_>) -> Option<Vec<Entry<'t>>> {
        let entry = self.take(name)?;
        let span = entry.span();
        match entry.into_inner() {
            DeValue::Array(list) => Some(list.into_iter().collect()),
            other => {
                findings.add(span, format!("`{name}` is a list, not {}", kind(&other)));
                None
            }
        }
    }

    /// A finding for each key nobody took.
    pub fn finish(self, what: &str, findings: &mut Findings<'_>) {
        for key in self.table.keys() {
            let message = format!("{what} has no key `{}`", key.get_ref());
            match nearest(key.get_ref(), self.known.iter().copied()) {
                Some(name) => findings.add_with_help(key.span(), message, format!("did you mean `{name}`?")),
                None => {
                    findings.add_with_help(key.span(), message, format!("keys: {}", self.known.join(", ")))
                }
            }
        }
    }
}

/// Reads a word of a closed list as its index; none, and a finding, when it is another.
pub(super) fn word(
    text: &Spanned<String>,
    name: &str,
    words: &[&str],
    findings: &mut Findings<'_>,
) -> Option<usize> {
    let found = words.iter().position(|word| word == text.get_ref());
    if found.is_none() {
        let message = format!("`{}` is no {name}", text.get_ref().escape_debug());
        findings.add_with_help(text.span(), message, format!("one of {}", words.join(", ")));
    }
    found
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
