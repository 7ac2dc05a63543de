//! Files of test calls and of published prefixes, CSV or JSON lines → labels. Every row is checked, and a file with a finding is
//! refused as a whole.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::base::caret::Caret;
use crate::base::range::Range;
use crate::base::sheet::{FINDINGS_MAX, read_rows};
use crate::base::time::At;
use crate::campaign::labels::{LABELS_MAX, NUMBER, TIME, service};
use crate::campaign::{CODE_LENGTH, Label, Labels, PREFIX_MIN, SEEN_WIDTH, Source, WIDTH_MAX, block, number};

/// Columns of test calls: those needed, and those that may be there.
const CALLS: (&[&str], &[&str]) = (&["called", "at", "service", "seen_cli"], &["expected_prefix"]);
/// Columns of published prefixes.
const PREFIXES: (&[&str], &[&str]) = (&["prefix", "service"], &["code_length", "at"]);

/// A label, and when it was true; `None` when the file does not say.
type Read = (Label, Option<At>);
/// What is wrong with a row: the column and why.
type Wrong = (usize, String);
/// Reads a row by its cells.
type Reader = fn(&dyn Fn(usize) -> String) -> Result<Read, Wrong>;
/// Columns needed and possible, and who reads them.
type Form = ((&'static [&'static str], &'static [&'static str]), Reader);

/// The form of a file or line that has the column `prefix`, or has it not.
const fn form(is_prefixes: bool) -> Form {
    if is_prefixes { (PREFIXES, prefix) } else { (CALLS, call) }
}

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Rows read.
    pub rows: usize,
    /// Labels that are new or last longer now.
    pub changed: usize,
}

/// Reads a file and adds what it says to `labels`. Rows without a time count as seen `now`, unless they are known already.
///
/// # Errors
/// Every finding, with its place; `labels` are then as they were.
pub fn import(
    (path, text): (&str, &str),
    (now, lasts): (At, Duration),
    labels: &mut Labels,
) -> Result<Imported, Vec<Caret>> {
    // Spreadsheets begin a file with a byte order mark.
    let text = text.trim_start_matches('\u{feff}');
    let is_json = text.trim_start().starts_with('{');
    let rows = if is_json { json_lines(path, text) } else { sheet(path, text) }?;
    let mut imported = Imported { rows: rows.len(), changed: 0 };
    let mut merged = labels.clone();
    for (label, at) in rows {
        if at.is_none() && merged.contains(&label) {
            continue;
        }
        imported.changed += usize::from(merged.add(label, at.unwrap_or(now), lasts));
    }
    if merged.len() > LABELS_MAX {
        let message = format!("with this file there would be more than {LABELS_MAX} labels");
        return Err(vec![Caret::new(path, text, 0..0, message)]);
    }
    *labels = merged;
    Ok(imported)
}

/// A test call. Cells in the order of [`CALLS`].
fn call(cell: &dyn Fn(usize) -> String) -> Result<Read, Wrong> {
    let wrong = |column, message: &str| (column, message.to_owned());
    let called = number(&cell(0)).ok_or_else(|| wrong(0, NUMBER))?;
    let at = At::parse(&cell(1)).ok_or_else(|| wrong(1, TIME))?;
    let service = service(&cell(2)).map_err(|message| (2, message))?;
    let seen = match cell(3).as_str() {
        "" => None,
        text => Some(number(text).ok_or_else(|| wrong(3, NUMBER))?),
    };
    let expected = cell(4);
    let expected = expected.strip_prefix('+').unwrap_or(&expected);
    let promised = match expected {
        "" => None,
        prefix => Some(block(prefix, CODE_LENGTH).ok_or_else(|| (4, prefix_text()))?),
    };
    let range = match seen {
        // What a network sees is what it must recognise, whatever was promised.
        Some(seen) => {
            let digits = seen.value().to_string();
            let code = digits.strip_prefix(expected).filter(|_| promised.is_some());
            code.and_then(|code| block(expected, u8::try_from(code.len()).ok()?))
                .or_else(|| Some(Range::of(seen, SEEN_WIDTH)))
        }
        None => promised,
    };
    Ok((Label { source: Source::TestCall, service, range, call: Some((called, at)), seen }, Some(at)))
}

/// A published prefix. Cells in the order of [`PREFIXES`].
fn prefix(cell: &dyn Fn(usize) -> String) -> Result<Read, Wrong> {
    let width = match cell(2).as_str() {
        "" => CODE_LENGTH,
        text => {
            let width = text.parse().ok().filter(|width| (1..=WIDTH_MAX).contains(width));
            width.ok_or_else(|| (2, format!("a code has 1 to {WIDTH_MAX} digits")))?
        }
    };
    let text = cell(0);
    let range = block(text.strip_prefix('+').unwrap_or(&text), width).ok_or_else(|| (0, prefix_text()))?;
    let service = service(&cell(1)).map_err(|message| (1, message))?;
    let at = match cell(3).as_str() {
        "" => None,
        text => Some(At::parse(text).ok_or_else(|| (3, TIME.to_owned()))?),
    };
    Ok((Label { source: Source::Published, service, range: Some(range), call: None, seen: None }, at))
}

fn prefix_text() -> String {
    format!("a prefix is `+` and at least {PREFIX_MIN} digits, and with its code no longer than a number")
}

fn sheet(path: &str, text: &str) -> Result<Vec<Read>, Vec<Caret>> {
    let header = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let is_prefixes = header.split(',').any(|name| name.trim().trim_matches('"') == "prefix");
    let ((needed, more), read) = form(is_prefixes);
    let mut rows = Vec::new();
    read_rows((path, text), needed, more, |row, findings| {
        match read(&|column| row.cell(column).to_owned()) {
            Ok(_) if rows.len() == LABELS_MAX => {
                findings.push(row.finding(0, format!("more than {LABELS_MAX} rows")));
            }
            Ok(label) => rows.push(label),
            Err((column, message)) => findings.push(row.finding(column, message)),
        }
    })?;
    Ok(rows)
}

fn json_lines(path: &str, text: &str) -> Result<Vec<Read>, Vec<Caret>> {
    let (mut rows, mut findings) = (Vec::new(), Vec::new());
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let place = start..start + line.trim_end().len();
        start += line.len();
        if line.trim().is_empty() {
            continue;
        }
        match json_row(line) {
            Ok(row) if rows.len() < LABELS_MAX => rows.push(row),
            Ok(_) => findings.push(Caret::new(path, text, place, format!("more than {LABELS_MAX} rows"))),
            Err((key, message)) => {
                let quoted = key.map(|key| format!("\"{key}\""));
                let at = quoted.as_ref().and_then(|key| Some((line.find(key.as_str())?, key.len())));
                let place =
                    at.map_or(place.clone(), |(at, length)| place.start + at..place.start + at + length);
                findings.push(Caret::new(path, text, place, message));
            }
        }
        if findings.len() >= FINDINGS_MAX {
            break;
        }
    }
    if findings.is_empty() { Ok(rows) } else { Err(findings) }
}

/// One object, or the key that is wrong and why.
fn json_row(line: &str) -> Result<Read, (Option<String>, String)> {
    let object: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| (None, format!("no JSON object: {error}")))?;
    let ((needed, more), read) = form(object.contains_key("prefix"));
    let names: Vec<&str> = needed.iter().chain(more).copied().collect();
    let mut cells = BTreeMap::new();
    for (key, value) in &object {
        let Some(column) = names.iter().position(|name| name == key) else {
            return Err((Some(key.clone()), format!("unknown key `{key}`; keys: {}", names.join(", "))));
        };
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Null => String::new(),
            _ => return Err((Some(key.clone()), format!("`{key}` is a string"))),
        };
        cells.insert(column, text);
    }
    if let Some(name) = needed.iter().find(|name| !object.contains_key(**name)) {
        return Err((None, format!("no key `{name}`")));
    }
    read(&|column| cells.get(&column).cloned().unwrap_or_default())
        .map_err(|(column, message)| (names.get(column).map(|name| (*name).to_owned()), message))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::campaign::labels::EXPIRES_AFTER;

    const CALLS_FILE: &str = "called,at,service,seen_cli,expected_prefix\n\
        +48601000001,2026-11-21T20:15:03Z,app,+447400123456,+4474001\n\
        +48601000002,2026-11-21T20:16:03Z,app,+447400199999,\n\
        48601000003,2026-11-21T20:17:03+01:00,app,,+4474001\n\
        +48601000004,2026-11-21T20:18:03Z,app,,\n\
        +48601000005,2026-11-21T20:18:03Z,app,+33123456789,+4474001\n";

    fn now() -> At {
        At::parse("2026-11-22T00:00:00Z").unwrap()
    }

    fn ranges(text: &str) -> Vec<String> {
        let mut labels = Labels::default();
        import(("f", text), (now(), EXPIRES_AFTER), &mut labels).unwrap();
        labels.iter().map(|(label, _)| label.range.map_or("none".into(), |range| range.to_string())).collect()
    }

    fn findings(text: &str) -> Vec<(usize, usize, String)> {
        let mut labels = Labels::default();
        let findings = import(("f", text), (now(), EXPIRES_AFTER), &mut labels).unwrap_err();
        assert!(labels.is_empty(), "half imported");
        findings.into_iter().map(|finding| (finding.line, finding.column, finding.message)).collect()
    }

    #[test]
    fn test_calls_say_where_they_came_from() {
        let mut found = ranges(CALLS_FILE);
        found.sort();
        assert_eq!(found, ["+331234567xx", "+4474001999xx", "+4474001xxxx", "+4474001xxxxx", "none"]);
    }

    #[test]
    fn published_prefixes_are_blocks() {
        let text = "prefix,service,code_length\n+4474001,app,5\n4474002,app,\n+4474003,\"a, b\",6\n";
        assert_eq!(ranges(text), ["+4474003xxxxxx", "+4474001xxxxx", "+4474002xxxx"]);
    }

    #[test]
    fn files_of_spreadsheets_are_read() {
        let plain = "prefix,service\n+4474001,app\n";
        for text in [
            "\u{feff}prefix,service\r\n+4474001,app\r\n",
            "\"prefix\",\"service\"\n\"+4474001\",\"app\"\n",
            "\u{feff}\"service\",\"prefix\"\napp,+4474001\n",
            "\u{feff}{\"prefix\":\"+4474001\",\"service\":\"app\"}\n",
        ] {
            assert_eq!(ranges(text), ranges(plain), "{text}");
        }
        assert_eq!(findings("\u{feff}prefix,service\nx,app\n")[0].0, 2);
    }

    #[test]
    fn lines_of_json_say_the_same() {
        let json = "{\"prefix\":\"+4474001\",\"service\":\"app\",\"code_length\":5}\n\n\
                    {\"prefix\":\"4474002\",\"service\":\"app\",\"code_length\":null}\n\
                    {\"called\":\"48601000003\",\"at\":\"2026-11-21T20:17:03Z\",\"service\":\"app\",\"seen_cli\":null}";
        assert_eq!(ranges(json), ["+4474001xxxxx", "+4474002xxxx", "none"]);
    }

    #[test]
    fn the_same_file_twice_changes_nothing() {
        let prefixes = "prefix,service\n+4474001,app\n";
        for text in [CALLS_FILE, prefixes] {
            let mut labels = Labels::default();
            let first = import(("f", text), (now(), EXPIRES_AFTER), &mut labels).unwrap();
            assert_eq!(first.rows, first.changed);
            let before = labels.text();
            let later = now() + Duration::from_hours(100);
            let again = import(("f", text), (later, EXPIRES_AFTER), &mut labels).unwrap();
            assert_eq!((again.rows, again.changed, labels.text()), (first.rows, 0, before));
        }
    }

    #[test]
    fn every_wrong_row_is_shown_and_none_is_taken() {
        let text = "called,at,service,seen_cli\n+48601000001,2026-11-21T20:15:03Z,app,\nx,2026-11-21T20:15:03Z,app,\n\
                    +48601000001,monday,app,\n+48601000001,2026-11-21T20:15:03Z,app,1\n";
        let places: Vec<_> = findings(text).into_iter().map(|(line, column, _)| (line, column)).collect();
        assert_eq!(places, [(3, 1), (4, 14), (5, 39)]);
        assert_eq!(findings("prefix,service\n+44,app\n")[0].0, 2);
        assert_eq!(findings("prefix,service,code_length\n+4474001,app,9\n")[0].2, "a code has 1 to 6 digits");
        let json = "{\"prefix\":\"+4474001\",\"service\":\"app\"}\n{\"prefix\":\"x\",\"service\":\"app\"}\n{\"a\":1}\nno\n";
        let found = findings(&format!("{json}{{\"called\":\"48601000001\"}}"));
        let places: Vec<_> = found.iter().map(|(line, column, _)| (*line, *column)).collect();
        assert_eq!(places, [(2, 2), (3, 2), (4, 1), (5, 1)]);
        assert_eq!(found[3].2, "no key `at`");
    }

    proptest! {
        #[test]
        fn any_text_is_imported_or_refused(text in "(?s)(called,at,service,seen_cli\n|prefix,service\n|\\{)[ -~é\n]{0,200}") {
            let mut labels = Labels::default();
            let _ = import(("f", &text), (now(), EXPIRES_AFTER), &mut labels);
        }
    }
}
