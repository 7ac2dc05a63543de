//! Words of `truth.csv` as small numbers, the same in every run of an evaluation.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Different words that are told apart; what comes after them counts as one, [`OTHERS`].
const NAMES_MAX: usize = 4_096;
/// Name of all words beyond the limit.
const OTHERS: &str = "(others)";

/// A kind or a family. The default is the empty word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u16);

impl Name {
    /// Whether it is the empty word.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The words and their numbers; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Names(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    words: Vec<String>,
    numbers: BTreeMap<String, u16>,
}

impl Names {
    /// The number of a word, which is new or not.
    #[must_use]
    pub fn name(&self, word: &str) -> Name {
        if word.is_empty() {
            return Name::default();
        }
        let mut table = self.lock();
        let word = if table.words.len() < NAMES_MAX { word } else { OTHERS };
        if let Some(number) = table.numbers.get(word) {
            return Name(*number);
        }
        table.words.push(word.to_owned());
        // One more than the limit at most, and that is below 65,536.
        let number = u16::try_from(table.words.len()).unwrap_or(u16::MAX);
        table.numbers.insert(word.to_owned(), number);
        Name(number)
    }

    /// The word of a number.
    #[must_use]
    pub fn word(&self, name: Name) -> String {
        match usize::from(name.0) {
            0 => String::new(),
            number => self.lock().words.get(number - 1).cloned().unwrap_or_default(),
        }
    }

    /// A thread that panicked while it held the table left it whole: each change is one push and one insert.
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_and_are_bounded() {
        let names = Names::default();
        let beep = names.name("beep");
        assert_eq!(names.clone().name("beep"), beep);
        assert_eq!((names.word(beep), names.word(Name::default())), ("beep".to_owned(), String::new()));
        assert!(names.name("").is_empty() && !beep.is_empty());
        for word in 0..2 * NAMES_MAX {
            let _ = names.name(&word.to_string());
        }
        assert_eq!(names.word(names.name("late")), OTHERS);
        assert_eq!(names.lock().words.len(), NAMES_MAX + 1);
    }
}
