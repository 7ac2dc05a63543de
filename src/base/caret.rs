//! A finding in a text file, shown as `path:line:column: message`, the line itself, and carets below the place.
//!
//! Whatever people write (rules, the network file) is refused in this one look.

use std::fmt;
use std::ops::Range;

use memchr::{memchr_iter, memrchr};

/// Longest piece of a source line that is shown, in characters.
const SHOWN_MAX: usize = 160;
/// How much of a longer line is shown before the place, in characters.
const SHOWN_BEFORE: usize = 60;

/// A finding in a text file. Findings sort by path, line and column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Caret {
    /// Path as given by whoever read the file.
    pub path: String,
    /// Line of the place, from 1.
    pub line: usize,
    /// Column of the place in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The line, cut to what is worth showing; tabs and control characters are blanks.
    pub source_line: String,
    /// First character of `source_line` that has a caret below it, from 0.
    pub caret_start: usize,
    /// How many carets, at least 1; a place that goes on past its line ends with the line.
    pub caret_width: usize,
    /// What to do about it, shown after the carets.
    pub help: Option<String>,
}

impl Caret {
    /// A finding at the bytes `span` of `text`. A span outside the text means its end.
    #[must_use]
    pub fn new(path: &str, text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = text.floor_char_boundary(span.start);
        let line_start = memrchr(b'\n', &text.as_bytes()[..start]).map_or(0, |newline| newline + 1);
        let line = text[line_start..].lines().next().unwrap_or("");
        let before = text[line_start..start].chars().count();
        let line_end = line_start + line.len();
        let end = text.floor_char_boundary(span.end).clamp(start, line_end.max(start));
        let first_shown =
            if line.chars().count() > SHOWN_MAX { before.saturating_sub(SHOWN_BEFORE) } else { 0 };
        let source_line: String = line.chars().skip(first_shown).take(SHOWN_MAX).map(visible).collect();
        let caret_start = before - first_shown;
        let caret_room = source_line.chars().count().saturating_sub(caret_start);
        Self {
            path: path.to_owned(),
            line: memchr_iter(b'\n', &text.as_bytes()[..line_start]).count() + 1,
            column: before + 1,
            message: message.into(),
            source_line,
            caret_start,
            caret_width: text[start..end].chars().count().min(caret_room).max(1),
            help: None,
        }
    }

    /// The same finding with advice.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Blanks for what would move the carets or talk to the terminal.
fn visible(character: char) -> char {
    if character.is_control() { ' ' } else { character }
}

impl fmt::Display for Caret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}:{}: {}", self.path, self.line, self.column, self.message)?;
        writeln!(f, "  {}", self.source_line)?;
        write!(f, "  {:start$}{:^<width$}", "", "", start = self.caret_start, width = self.caret_width)?;
        match &self.help {
            Some(help) => write!(f, " {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Caret {}

/// The name nearest to `wanted`, when it is near enough to have been meant.
#[must_use]
pub fn nearest<'n>(wanted: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    const LENGTH_MAX: usize = 64;
    if wanted.len() > LENGTH_MAX {
        return None;
    }
    let far = wanted.len() / 3 + 1;
    names
        .into_iter()
        .map(|name| (edit_distance(wanted, name), name))
        .filter(|(distance, _)| *distance <= far && *distance < wanted.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Least number of bytes to insert, delete or replace that makes `a` of `b` (Levenshtein).
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (line, from) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = line + 1;
        for (column, to) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn points_at_the_place() {
        let text = "schema = 1\nwhen = \"caller.setup_5m > 200\"\n";
        let start = text.find("caller").unwrap();
        let finding =
            Caret::new("rules/wangiri.toml", text, start..start + 15, "unknown field `caller.setup_5m`")
                .with_help("did you mean `caller.setups_5m` (calls)?");
        assert_eq!(
            finding.to_string(),
            "rules/wangiri.toml:2:9: unknown field `caller.setup_5m`\n\
             \x20 when = \"caller.setup_5m > 200\"\n\
             \x20         ^^^^^^^^^^^^^^^ did you mean `caller.setups_5m` (calls)?"
        );
    }

    #[test]
    fn counts_characters_and_blanks_tabs() {
        let finding = Caret::new("a", "é\t\"ł\" x\r\nnext", 3..7, "odd");
        assert_eq!(finding.to_string(), "a:1:3: odd\n  é \"ł\" x\n    ^^^");
    }

    #[test]
    fn ends_with_the_line_and_with_the_text() {
        let finding = Caret::new("a", "one two\nthree", 4..13, "odd");
        assert_eq!((finding.line, finding.column, finding.caret_width), (1, 5, 3));
        let finding = Caret::new("a", "one\n", 400..500, "odd");
        assert_eq!((finding.line, finding.column, finding.caret_width), (2, 1, 1));
    }

    #[test]
    fn cuts_long_lines() {
        let text = format!("{}here{}", "x".repeat(5_000), "y".repeat(5_000));
        let finding = Caret::new("a", &text, 5_000..5_004, "odd");
        assert_eq!((finding.column, finding.caret_start, finding.caret_width), (5_001, SHOWN_BEFORE, 4));
        assert_eq!(finding.source_line.len(), SHOWN_MAX);
        assert!(finding.source_line[SHOWN_BEFORE..].starts_with("here"));
    }

    proptest! {
        #[test]
        fn any_span_of_any_text_can_be_shown(text in "(?s).{0,300}", start in 0usize..400, end in 0usize..400) {
            let finding = Caret::new("a", &text, start..end, "odd");
            prop_assert!(finding.caret_width >= 1 && finding.column >= 1 && finding.line >= 1);
            prop_assert!(finding.to_string().starts_with("a:"));
        }
    }

    #[test]
    fn names_the_nearest() {
        let names = ["caller.attempts_10m", "caller.called_10m", "home", "route.class"];
        for (wanted, meant) in [
            ("caller.attempt_10m", Some("caller.attempts_10m")),
            ("caller.caled_10m", Some("caller.called_10m")),
            ("hone", Some("home")),
            ("x", None),
            ("something.else.entirely", None),
        ] {
            assert_eq!(nearest(wanted, names), meant, "{wanted}");
        }
        assert_eq!((edit_distance("", "abc"), edit_distance("abc", "")), (3, 3));
    }
}
