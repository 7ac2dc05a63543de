//! What each call truly is: `truth.csv`, joined to records by the call's key and the time of its setup.

use std::io::Read;
use std::time::Duration;

use csv::{ByteRecord, ReaderBuilder};

use crate::base::caret::Caret;
use crate::base::class::Class;
use crate::base::map::{Seed, keyed_hash};
use crate::base::time::At;
use crate::call::{Call, CallKey};
use crate::evaluate::names::{Name, Names};

/// Columns that are read; the first three must be there. `route` and `position` are for people: a record knows its
/// route, and the order of setups gives the position.
const COLUMNS: [&str; 8] =
    ["call_key", "kind", "label", "setup_at", "family", "campaign", "route", "position"];
const REQUIRED: usize = 3;
/// Findings shown of one file.
const FINDINGS_MAX: usize = 20;
/// A record belongs to the row of its key whose setup is nearest, within this span.
pub(super) const NEAR: Duration = Duration::from_secs(2);
/// Only tells keys apart within a run; nobody who could choose them waits for an answer.
const SEED: Seed = Seed(0x7472_7574_6873_3a31);

/// What a call truly is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truth {
    /// Its class; `Normal` for legitimate calls.
    pub label: Class,
    /// What kind of behaviour made it.
    pub kind: Name,
    /// Family of the attack; empty when not told.
    pub family: Name,
    /// Campaign; 0 when not told.
    pub campaign: u32,
}

/// Where the truth about finished calls comes from.
pub trait Truths: Send {
    /// The truth about this call, which is asked for once.
    fn take(&mut self, call: &Call) -> Option<Truth>;
    /// How many calls it tells of that nobody asked for, at the end of a run.
    fn left(&mut self) -> u64;
}

/// Hash of a call's key as `calls.jsonl` and `truth.csv` write it.
#[must_use]
pub fn key_hash(text: &[u8]) -> u64 {
    keyed_hash(SEED, text)
}

/// The same of the key itself.
#[must_use]
pub fn call_hash(key: &CallKey) -> u64 {
    match key {
        CallKey::Sip(call_id) => key_hash(call_id),
        CallKey::Isup { opc, dpc, cic } => key_hash(format!("{opc}-{dpc}-{cic}").as_bytes()),
    }
}

/// All rows of a file: 32 octets each.
#[derive(Debug, Default)]
pub struct TruthFile {
    /// By key, and by setup or place in the file.
    rows: Vec<Entry>,
    has_setup: bool,
    taken: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    key: u64,
    /// Nanoseconds of the setup; the place in the file when no setup is told.
    order: u64,
    truth: Truth,
    is_taken: bool,
}

impl TruthFile {
    /// Reads its text; `path` is for findings.
    ///
    /// # Errors
    /// What is wrong with it, ready to be shown.
    pub fn read(path: &str, input: impl Read, names: &Names) -> Result<Self, String> {
        let mut reader = ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(input);
        let failed = |error: csv::Error| format!("{path}: {error}");
        let header = reader.byte_headers().map_err(failed)?;
        let (columns, width) = (columns(path, header)?, header.len());
        let mut file = Self { rows: Vec::new(), has_setup: columns[3].is_some(), taken: 0 };
        let mut findings = Vec::new();
        let mut record = ByteRecord::new();
        while reader.read_byte_record(&mut record).map_err(failed)? {
            let read = match record.len() == width {
                true => entry(&record, &columns, names),
                false => Err((None, format!("{} cells where the header has {width}", record.len()))),
            };
            match read {
                Ok(entry) => {
                    let order = if file.has_setup { entry.order } else { file.rows.len() as u64 };
                    file.rows.push(Entry { order, ..entry });
                }
                Err((column, message)) => findings.push(finding(path, &record, (column, message))),
            }
            if findings.len() == FINDINGS_MAX {
                findings.push(format!("{path}: the rest was not read"));
                break;
            }
        }
        if !findings.is_empty() {
            return Err(findings.join("\n"));
        }
        file.rows.sort_unstable_by_key(|entry| (entry.key, entry.order));
        Ok(file)
    }

    /// How many calls it tells of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it tells of none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Which row is the call's.
    fn find(&self, key: u64, setup_at: At) -> Option<usize> {
        if !self.has_setup {
            // Rows of a key are taken in their order, so those taken are the first of them.
            let next = self.rows.partition_point(|entry| (entry.key, !entry.is_taken) < (key, true));
            return self.rows.get(next).is_some_and(|entry| entry.key == key).then_some(next);
        }
        let (near, setup) = (NEAR.as_nanos() as u64, setup_at.nanos());
        let earliest = setup.saturating_sub(near);
        let start = self.rows.partition_point(|entry| (entry.key, entry.order) < (key, earliest));
        let near_rows = self.rows[start..]
            .iter()
            .take_while(|entry| entry.key == key && entry.order <= setup.saturating_add(near))
            .zip(start..);
        near_rows
            .filter(|(entry, _)| !entry.is_taken)
            .min_by_key(|(entry, _)| entry.order.abs_diff(setup))
            .map(|(_, index)| index)
    }
}

impl Truths for TruthFile {
    fn take(&mut self, call: &Call) -> Option<Truth> {
        let index = self.find(call_hash(&call.key), call.setup_at)?;
        self.rows[index].is_taken = true;
        self.taken += 1;
        Some(self.rows[index].truth)
    }

    fn left(&mut self) -> u64 {
        self.rows.len() as u64 - self.taken
    }
}

/// Where each of [`COLUMNS`] is.
fn columns(path: &str, header: &ByteRecord) -> Result<[Option<usize>; COLUMNS.len()], String> {
    let found = COLUMNS.map(|name| header.iter().position(|cell| cell == name.as_bytes()));
    match found.iter().take(REQUIRED).position(Option::is_none) {
        Some(missing) => {
            let message = format!("there is no column `{}`", COLUMNS[missing]);
            Err(finding(path, header, (None, message)))
        }
        None => Ok(found),
    }
}

/// What is wrong with a row, and in which of its cells.
type Wrong = (Option<usize>, String);

/// Shown with the row's cells, as far as they are text: the file is not held in memory.
fn finding(path: &str, record: &ByteRecord, (cell, message): Wrong) -> String {
    let cells: Vec<_> = record.iter().map(String::from_utf8_lossy).collect();
    let text = cells.join(",");
    let span = match cell.and_then(|index| Some((index, cells.get(index)?))) {
        Some((index, cell)) => {
            let start: usize = cells.iter().take(index).map(|cell| cell.len() + 1).sum();
            start..start + cell.len()
        }
        None => 0..text.len(),
    };
    let mut caret = Caret::new(path, &text, span, message);
    caret.line = record.position().map_or(1, |position| position.line() as usize);
    caret.to_string()
}

fn entry(
    record: &ByteRecord,
    columns: &[Option<usize>; COLUMNS.len()],
    names: &Names,
) -> Result<Entry, Wrong> {
    let cell = |column: usize| columns[column].and_then(|index| record.get(index)).unwrap_or_default();
    let text = |column: usize| {
        let not_text = |_| (columns[column], format!("`{}` is not UTF-8 text", COLUMNS[column]));
        std::str::from_utf8(cell(column)).map_err(not_text)
    };
    let wrong = |column: usize, message: &str| (columns[column], message.to_owned());
    let label = text(2)?;
    let class = Class::from_name(label).ok_or_else(|| {
        let shown: String = label.chars().take(40).collect();
        wrong(2, &format!("`{}` is no class; one of {}", shown.escape_debug(), Class::NAMES.join(", ")))
    })?;
    let order = match columns[3] {
        Some(_) => moment(text(3)?)
            .ok_or_else(|| wrong(3, "`setup_at` is no time such as 2026-11-16T10:00:00.000000000Z"))?,
        None => At::default(),
    };
    let campaign = match text(5)? {
        "" => 0,
        digits => digits.parse().map_err(|_| wrong(5, "`campaign` is no number below 4,294,967,296"))?,
    };
    let truth = Truth { label: class, kind: names.name(text(1)?), family: names.name(text(4)?), campaign };
    Ok(Entry { key: key_hash(cell(0)), order: order.nanos(), truth, is_taken: false })
}

/// Reads RFC 3339 in UTC with up to nine digits of a second's fraction, from 1970 on.
fn moment(text: &str) -> Option<At> {
    At::parse(text).filter(|_| text.ends_with('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<TruthFile, String> {
        TruthFile::read("truth.csv", text.as_bytes(), &Names::default())
    }

    #[test]
    fn a_key_that_comes_again_is_told_apart_by_its_setup() {
        let mut file = read(
            "call_key,kind,label,route,setup_at,family,campaign,position\n\
             1-2-3,people,normal,a,2026-11-16T10:00:00Z,,,\n\
             1-2-3,flash_cut,flash,a,2026-11-16T10:01:00.5Z,cut,7,1\n\
             1-2-3,people,normal,a,2026-11-16T10:02:00Z,,,\n",
        )
        .unwrap();
        let at = |text| moment(text).unwrap();
        let key = key_hash(b"1-2-3");
        // The first call was not seen; the second still finds its own row.
        assert_eq!(file.find(key, at("2026-11-16T10:01:00.400000000Z")), Some(1));
        file.rows[1].is_taken = true;
        assert_eq!(file.find(key, at("2026-11-16T10:01:00.4Z")), None);
        assert_eq!(file.find(key, at("2026-11-16T10:02:01Z")), Some(2));
        assert_eq!(file.rows[1].truth.campaign, 7);
        assert_eq!(file.find(key_hash(b"1-2-4"), at("2026-11-16T10:00:00Z")), None);
    }

    #[test]
    fn without_times_rows_go_in_their_order() {
        let mut file = read("call_key,kind,label\na,x,normal\nb,x,normal\na,y,flash\n").unwrap();
        let key = key_hash(b"a");
        let first = file.find(key, At::default()).unwrap();
        assert_eq!(file.rows[first].truth.label, Class::Normal);
        file.rows[first].is_taken = true;
        let second = file.find(key, At::default()).unwrap();
        assert_eq!(file.rows[second].truth.label, Class::Flash);
    }

    #[test]
    fn findings_have_their_line() {
        let error = read("call_key,kind,label\na,x,normal\nb,x,flush\n").unwrap_err();
        assert!(error.starts_with("truth.csv:3:5: `flush` is no class; one of normal, flash"), "{error}");
        assert_eq!(
            read("call_key,kind\n").unwrap_err(),
            "truth.csv:1:1: there is no column `label`\n  call_key,kind\n  ^^^^^^^^^^^^^"
        );
        assert_eq!(
            read("call_key,kind,label\na,normal\n").unwrap_err(),
            "truth.csv:2:1: 2 cells where the header has 3\n  a,normal\n  ^^^^^^^^"
        );
        assert!(read("call_key,kind,label,setup_at\na,x,flash,noon\n").unwrap_err().contains("no time"));
        let many = format!("call_key,kind,label\n{}", "a,b,c\n".repeat(100));
        assert_eq!(read(&many).unwrap_err().lines().count(), 3 * FINDINGS_MAX + 1);
    }

    #[test]
    fn times_are_in_utc() {
        assert_eq!(moment("2026-11-16T10:00:00.5Z").map(At::nanos), Some(1_794_823_200_500_000_000));
        for text in
            ["2026-11-16T10:00:00+00:00", "2026-11-16T10:00:00", "2026-02-30T10:00:00Z", "noon", "Z", ""]
        {
            assert_eq!(moment(text), None, "{text}");
        }
    }
}
