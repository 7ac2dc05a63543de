//! Tables of a TOML file read one by one, so that every finding is shown at once, each at its own key.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::base::caret::{Caret, nearest};

/// What a file asks for and cannot have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Its place in the file.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
}

impl Finding {
    /// It, to be shown with its place in the file `path` with this text.
    #[must_use]
    pub fn caret(&self, path: &str, text: &str) -> Caret {
        Caret::new(path, text, self.span.clone(), &self.message)
    }
}

/// A table as read, and where its keys are.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    value: T,
    head: Range<usize>,
    /// Keys with the places of their values.
    keys: Vec<(String, Range<usize>)>,
}

impl<T> Placed<T> {
    /// What was read.
    #[must_use]
    pub const fn get_ref(&self) -> &T {
        &self.value
    }

    /// What was read, to be changed.
    pub const fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// A finding in this table: a message that begins with one of its keys and a colon is about that key's value.
    #[must_use]
    pub fn finding(&self, message: String) -> Finding {
        let key = message.split(':').next().unwrap_or_default();
        let value = self.keys.iter().find(|(name, _)| name == key);
        Finding { span: value.map_or_else(|| self.head.clone(), |(_, span)| span.clone()), message }
    }
}

/// Reads one table.
///
/// # Errors
/// What is wrong, at the key that is.
pub fn read<T: DeserializeOwned>(value: &Spanned<DeValue<'_>>) -> Result<Placed<T>, Finding> {
    let head = value.span();
    let DeValue::Table(table) = value.get_ref() else {
        return Err(Finding { span: head, message: "a table is needed here".into() });
    };
    match T::deserialize(ValueDeserializer::from(value.clone())) {
        Ok(value) => {
            let keys = table.iter().map(|(key, value)| (key.get_ref().to_string(), value.span())).collect();
            Ok(Placed { value, head, keys })
        }
        Err(error) => {
            let place = error.span().filter(|span| *span != head);
            Err(explain::<T>(table, &head, (place, error.message())))
        }
    }
}

/// Tells more than the parser does: which key it is, and which one was meant.
fn explain<T: DeserializeOwned>(
    table: &DeTable<'_>,
    head: &Range<usize>,
    (place, message): (Option<Range<usize>>, &str),
) -> Finding {
    let is_too_large = ["` as i128", "` as u128"].iter().any(|wide| message.contains(wide));
    let message =
        if is_too_large { "this number is too large".to_owned() } else { message.replace('\n', ", ") };
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field")
        && let Some(unknown) = quoted.next()
    {
        let key = table.iter().find(|(key, _)| key.get_ref() == unknown);
        let span = key.map_or_else(|| head.clone(), |(key, _)| key.span());
        return Finding { span, message: unknown_key(unknown, quoted) };
    }
    if message.starts_with("missing field") {
        return Finding { span: head.clone(), message };
    }
    let span = place.or_else(|| culprit::<T>(table, head, &message));
    Finding { span: span.unwrap_or_else(|| head.clone()), message }
}

/// Words for a key that is not known, where these are.
pub fn unknown_key<'n>(key: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    match nearest(key, known.clone()) {
        Some(meant) => format!("unknown key `{key}`; did you mean `{meant}`?"),
        None => format!("unknown key `{key}`; there are {}", known.collect::<Vec<_>>().join(", ")),
    }
}

/// The value without which the complaint is another one. A reader of one of several kinds of table forgets places.
fn culprit<T: DeserializeOwned>(
    table: &DeTable<'_>,
    head: &Range<usize>,
    message: &str,
) -> Option<Range<usize>> {
    let without = |skipped: &str| {
        let rest: DeTable<'_> = table
            .iter()
            .filter(|(key, _)| key.get_ref() != skipped)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        let rest = Spanned::new(head.clone(), DeValue::Table(rest));
        T::deserialize(ValueDeserializer::from(rest)).err().map(|error| error.message().replace('\n', ", "))
    };
    // Without the key that says which kind of table it is, any complaint is another one.
    let is_culprit =
        |key: &str| !matches!(key, "family" | "kind") && without(key).as_deref() != Some(message);
    table.iter().find(|(key, _)| is_culprit(key.get_ref())).map(|(_, value)| value.span())
}
