//! What a switch's call records tell of finished calls → [`Told`]: CSV with a header, or JSON lines. `docs/feed.md` has the
//! columns.
//!
//! A line that cannot be used is refused with what is wrong and what would be right, and spoils no other. Numbers are
//! read as signalling has them. Must not: judge, or know which calls there are.

mod row;

use csv::{ReaderBuilder, StringRecord};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::base::caret::nearest;
use crate::base::network::Network;
use crate::base::time::At;
use crate::call::Told;

use row::Row;
pub use row::{AHEAD_MAX, COLUMNS};

/// Most lines of one request.
pub const LINES_MAX: usize = 10_000;
/// Most refused lines that are told apart; the others are counted.
pub const REFUSED_MAX: usize = 100;

/// How the records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The first line has the columns' names (RFC 4180). A record is one line.
    Csv,
    /// One object a line.
    JsonLines,
}

impl Form {
    /// The form with this media type, parameters apart.
    #[must_use]
    pub fn of_media_type(text: &str) -> Option<Self> {
        let name = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match name.as_str() {
            "text/csv" => Some(Self::Csv),
            "application/jsonl" | "application/x-ndjson" | "application/json-lines" => Some(Self::JsonLines),
            _ => None,
        }
    }

    /// Its media type (RFC 7111; JSON lines have none that is registered).
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::JsonLines => "application/x-ndjson",
        }
    }
}

/// What is wrong, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// What.
    pub what: String,
    /// What to do.
    pub fix: String,
}

impl Wrong {
    fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into() }
    }
}

/// A line that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Its number in the request, from 1.
    pub line: u64,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub fix: String,
}

/// What was read of one request.
#[derive(Debug, Default)]
pub struct Batch {
    /// Finished calls.
    pub told: Vec<Told>,
    /// How many lines were refused.
    pub refused: u64,
    /// The first [`REFUSED_MAX`] of them.
    pub errors: Vec<Refused>,
}

impl Batch {
    fn take(&mut self, line: u64, result: Result<Told, Wrong>) {
        match result {
            Ok(told) => self.told.push(told),
            Err(Wrong { what, fix }) => {
                self.refused += 1;
                if self.errors.len() < REFUSED_MAX {
                    self.errors.push(Refused { line, what, fix });
                }
            }
        }
    }
}

/// Reads records at `now`, by the wall clock. Empty lines count, and say nothing.
///
/// # Errors
/// When nothing of it can be used: a header that is wrong, or more than [`LINES_MAX`] lines.
pub fn read(bytes: &[u8], form: Form, network: &Network, now: At) -> Result<Batch, Refused> {
    let lines = bytes.split(|byte| *byte == b'\n').count();
    if lines > LINES_MAX + 2 {
        let what = format!("{lines} lines in one request");
        return Err(Refused { line: 1, what, fix: format!("send at most {LINES_MAX} at a time") });
    }
    match form {
        Form::Csv => csv(bytes, network, now),
        Form::JsonLines => Ok(json_lines(bytes, network, now)),
    }
}

fn csv(bytes: &[u8], network: &Network, now: At) -> Result<Batch, Refused> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let mut reader = ReaderBuilder::new().flexible(true).has_headers(false).from_reader(bytes);
    let mut batch = Batch::default();
    let mut columns: Option<Vec<&'static str>> = None;
    let mut record = StringRecord::new();
    loop {
        let read = reader.read_record(&mut record);
        let line = match &read {
            Ok(_) => record.position().map(csv::Position::line),
            Err(error) => error.position().map(csv::Position::line),
        }
        .unwrap_or_default();
        match (read, &columns) {
            (Ok(false), _) => return Ok(batch),
            (Ok(true), None) => columns = Some(header(&record)?),
            (Ok(true), Some(columns)) => {
                batch.take(line, csv_row(&record, columns).and_then(|row| row.told(network, now)))
            }
            (Err(error), Some(_)) if matches!(error.kind(), csv::ErrorKind::Utf8 { .. }) => {
                batch.take(line, Err(Wrong::new("the line is no UTF-8", "write it as UTF-8")));
            }
            (Err(error), _) => {
                return Err(Refused {
                    line,
                    what: error.to_string(),
                    fix: "write it as RFC 4180 has it".into(),
                });
            }
        }
    }
}

fn header(record: &StringRecord) -> Result<Vec<&'static str>, Refused> {
    let mut columns = Vec::new();
    for name in record {
        let name = name.trim();
        let column = known(name).and_then(|column| match columns.contains(&column) {
            true => Err(Wrong::new(format!("the column `{name}` is there twice"), "keep one of them")),
            false => Ok(column),
        });
        columns.push(column.map_err(|Wrong { what, fix }| Refused { line: 1, what, fix })?);
    }
    Ok(columns)
}

fn csv_row(record: &StringRecord, columns: &[&'static str]) -> Result<Row, Wrong> {
    if record.len() != columns.len() {
        return Err(Wrong::new(
            format!("{} values for {} columns", record.len(), columns.len()),
            "write as many as the header has; a value with a comma in quotes",
        ));
    }
    let mut row = Row::default();
    for (column, value) in columns.iter().zip(record) {
        row.set(column, value.trim())?;
    }
    Ok(row)
}

fn json_lines(bytes: &[u8], network: &Network, now: At) -> Batch {
    let mut batch = Batch::default();
    for (line, text) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        if !text.trim_ascii().is_empty() {
            batch.take(line, json_row(text).and_then(|row| row.told(network, now)));
        }
    }
    batch
}

fn json_row(text: &[u8]) -> Result<Row, Wrong> {
    let value = serde_json::from_slice(text)
        .map_err(|error| Wrong::new(format!("no JSON: {error}"), "write one object a line"))?;
    let Value::Object(object) = value else {
        return Err(Wrong::new("no JSON object", "write one object a line"));
    };
    let mut row = Row::default();
    for (name, value) in &object {
        let column = known(name)?;
        match value {
            Value::Null => {}
            Value::String(text) => row.set(column, text.trim())?,
            Value::Number(number) => row.set(column, &number.to_string())?,
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                return Err(Wrong::new(format!("`{name}` is neither text nor a number"), "write it as text"));
            }
        }
    }
    Ok(row)
}

/// The column with this name.
fn known(name: &str) -> Result<&'static str, Wrong> {
    COLUMNS.iter().find(|column| **column == name).copied().ok_or_else(|| {
        // Only so much of what somebody else wrote is said again.
        let shown: String = name.chars().take(40).collect();
        let fix = match nearest(&shown, COLUMNS) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("leave it out, or name it as one of {}", COLUMNS.join(", ")),
        };
        Wrong::new(format!("there is no column `{shown}`"), fix)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CSV: &str = "call_id,calling,called,setup_at,answer_at,end_at,released_by,sip_status\n\
        a@b,+48601234567,+48221234567,2026-11-21T20:15:00Z,2026-11-21T20:15:09Z,2026-11-21T20:15:30Z,calling,200\n\
        c@d,+48601234567,\"+48221234567\",1795000000,,1795000012,,487\n";

    /// 2026-11-22T00:00:00Z.
    const NOW: At = At::from_nanos(1_795_305_600_000_000_000);

    fn of_csv(text: &str) -> Result<Batch, Refused> {
        read(text.as_bytes(), Form::Csv, &Network::unknown(), NOW)
    }

    fn of_json(text: &str) -> Batch {
        read(text.as_bytes(), Form::JsonLines, &Network::unknown(), NOW).unwrap()
    }

    #[test]
    fn both_forms_say_the_same() {
        let csv = of_csv(CSV).unwrap();
        let json = of_json(concat!(
            r#"{"call_id":"a@b","calling":"+48601234567","called":"+48221234567","setup_at":"2026-11-21T20:15:00Z","#,
            r#""answer_at":"2026-11-21T20:15:09Z","end_at":"2026-11-21T20:15:30Z","released_by":"calling","sip_status":200}"#,
            "\n\n",
            r#"{"call_id":"c@d","calling":"+48601234567","called":"+48221234567","setup_at":1795000000,"answer_at":null,"#,
            r#""end_at":1795000012000,"sip_status":"487"}"#,
        ));
        assert_eq!(
            (csv.told.len(), csv.refused, json.refused),
            (2, 0, 0),
            "{:?} {:?}",
            csv.errors,
            json.errors
        );
        assert_eq!(format!("{:?}", csv.told), format!("{:?}", json.told));
        assert_eq!(csv.told[0].setup.calling.number.unwrap().to_string(), "+48601234567");
    }

    #[test]
    fn refuses_lines_one_by_one() {
        let text = format!("{CSV}x,1\ne@f,+48601234567,+48221234567,tomorrow,,1795000012,,\n");
        let batch = of_csv(&text).unwrap();
        assert_eq!((batch.told.len(), batch.refused), (2, 2));
        assert_eq!((batch.errors[0].line, batch.errors[1].line), (4, 5));
        assert_eq!(batch.errors[0].what, "2 values for 8 columns");
        assert!(batch.errors[1].what.contains("`setup_at` is `tomorrow`"), "{:?}", batch.errors[1]);
        let batch = of_json("[]\n{\"calling\":true}\n{\n{\"anwser_at\":1}");
        let lines: Vec<u64> = batch.errors.iter().map(|error| error.line).collect();
        assert_eq!((batch.told.len(), lines), (0, vec![1, 2, 3, 4]));
        assert_eq!(batch.errors[3].fix, "did you mean `answer_at`?");
        let many = of_json(&"x\n".repeat(LINES_MAX));
        assert_eq!((many.refused, many.errors.len()), (LINES_MAX as u64, REFUSED_MAX));
    }

    #[test]
    fn what_is_yet_to_come_is_refused() {
        let text = "call_id,setup_at,end_at,ring_ms\n\
            a,1795305598,1795305605,\nb,1795305598,1795305606,\nc,2062-01-01T00:00:00Z,,9000\nd,1795305598,,9000\n";
        let batch = of_csv(text).unwrap();
        let lines: Vec<u64> = batch.errors.iter().map(|error| error.line).collect();
        assert_eq!((batch.told.len(), lines), (1, vec![3, 4, 5]));
        assert!(batch.errors[0].what.contains("2026-11-22T00:00:06"), "{:?}", batch.errors[0]);
        assert!(batch.errors.iter().all(|error| error.what.contains("ahead") && !error.fix.is_empty()));
    }

    #[test]
    fn a_header_that_is_wrong_refuses_all() {
        let refused = of_csv("call_id,start\na,b\n").unwrap_err();
        assert_eq!((refused.line, refused.what.as_str()), (1, "there is no column `start`"));
        assert!(of_csv("call_id,call_id\na,b\n").unwrap_err().what.contains("twice"));
        let long = "\n".repeat(LINES_MAX + 2);
        assert!(read(long.as_bytes(), Form::JsonLines, &Network::unknown(), NOW).is_err());
    }

    #[test]
    fn knows_its_media_types() {
        for form in [Form::Csv, Form::JsonLines] {
            assert_eq!(Form::of_media_type(form.media_type()), Some(form));
        }
        assert_eq!(Form::of_media_type("Text/CSV; charset=utf-8"), Some(Form::Csv));
        assert_eq!(Form::of_media_type("application/json"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), lead in 0..3_usize) {
            let network = Network::unknown();
            let lead = ["", "call_id,setup_at,end_at\n", "{\"call_id\":\""][lead];
            let all = [lead.as_bytes(), &bytes].concat();
            let _ = read(&all, Form::Csv, &network, NOW);
            let _ = read(&all, Form::JsonLines, &network, NOW);
        }
    }
}
