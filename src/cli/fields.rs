//! `tollgate fields`: what rules can read.

use std::io::{self, Write};

use crate::base::caret::nearest;
use crate::cli::Failure;
use crate::feature::fields;

/// Prints the table of fields; with a word, the rows in which it occurs.
pub fn run(word: Option<&str>) -> Result<(), Failure> {
    let document = fields::markdown();
    // The document begins with its heading and how to renew it; here begins what the table means.
    let (_, table) = document.split_once("*Known at*").unwrap_or_default();
    let shown = match word {
        None => format!("*Known at*{table}"),
        Some(word) => matching(table, word)?,
    };
    Failure::printed(io::stdout().lock().write_all(shown.as_bytes()))
}

/// Head and matching rows of the table.
fn matching(table: &str, word: &str) -> Result<String, Failure> {
    let lines = || table.lines().filter(|line| line.starts_with('|'));
    let wanted = word.to_lowercase();
    let rows: Vec<&str> = lines().skip(2).filter(|line| line.to_lowercase().contains(&wanted)).collect();
    if rows.is_empty() {
        let names = fields::FIELDS.iter().map(|field| field.name);
        let help = nearest(word, names).map_or(String::new(), |name| format!("; did you mean `{name}`?"));
        return Err(Failure::new(1, format!("no field has `{word}` in its name or meaning{help}")));
    }
    Ok(lines().take(2).chain(rows).fold(String::new(), |text, line| text + line + "\n"))
}
