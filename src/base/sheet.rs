//! CSV files that people write: a header, then rows. Every finding is shown at its place, and reading goes on.

use std::ops::Range;

use csv::{ReaderBuilder, StringRecord};

use crate::base::caret::Caret;

/// Findings after which the rest of a file is not read.
pub const FINDINGS_MAX: usize = 1_000;

/// One row, seen by the names of its columns.
#[derive(Debug)]
pub struct Row<'a> {
    path: &'a str,
    text: &'a str,
    record: &'a StringRecord,
    /// Where each asked column is in the record.
    columns: &'a [Option<usize>],
}

impl Row<'_> {
    /// The cell of an asked column, without blanks around it; empty when the file has no such column.
    #[must_use]
    pub fn cell(&self, column: usize) -> &str {
        self.columns[column].and_then(|index| self.record.get(index)).unwrap_or("")
    }

    /// A finding at the cell of an asked column.
    #[must_use]
    pub fn finding(&self, column: usize, message: impl Into<String>) -> Caret {
        Caret::new(self.path, self.text, self.span(self.columns[column]), message)
    }

    /// Place of a cell; of the whole line when the line quotes cells, as then they cannot be counted off.
    fn span(&self, index: Option<usize>) -> Range<usize> {
        let start = start_of(self.text, self.record);
        let line = self.text[start..].lines().next().unwrap_or("");
        let whole = start..start + line.len();
        let Some(index) = index.filter(|_| !line.contains('"')) else { return whole };
        let Some(cell) = line.split(',').nth(index) else { return whole };
        let before: usize = line.split(',').take(index).map(|cell| cell.len() + 1).sum();
        let blanks = cell.len() - cell.trim_start().len();
        start + before + blanks..start + before + blanks + cell.trim().len()
    }
}

/// Reads a file of rows. `required` and then `optional` columns are asked for; `each` sees every row of the right width
/// and says what is wrong with it.
///
/// # Errors
/// Every finding: columns that are missing or unknown, rows of another width, and what `each` said.
pub fn read_rows(
    (path, text): (&str, &str),
    required: &[&str],
    optional: &[&str],
    mut each: impl FnMut(&Row<'_>, &mut Vec<Caret>),
) -> Result<(), Vec<Caret>> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut record = StringRecord::new();
    let mut findings = Vec::new();
    // Text is UTF-8 and rows may have any width, so the reader has nothing to refuse.
    if !reader.read_record(&mut record).unwrap_or(false) {
        let message = format!("the file is empty; its first line is `{}`", required.join(","));
        return Err(vec![Caret::new(path, text, 0..0, message)]);
    }
    let header = record.clone();
    let columns = columns((path, text), &header, (required, optional), &mut findings);
    if !findings.is_empty() {
        return Err(findings);
    }
    while reader.read_record(&mut record).unwrap_or(false) {
        let row = Row { path, text, record: &record, columns: &columns };
        if record.len() == header.len() {
            each(&row, &mut findings);
        } else {
            let message = format!("{} cells where the header has {}", record.len(), header.len());
            findings.push(Caret::new(path, text, row.span(None), message));
        }
        if findings.len() >= FINDINGS_MAX {
            let message = format!("more than {FINDINGS_MAX} findings; the rest of the file was not read");
            findings.push(Caret::new(path, text, row.span(None), message));
            break;
        }
    }
    if findings.is_empty() { Ok(()) } else { Err(findings) }
}

fn columns(
    (path, text): (&str, &str),
    header: &StringRecord,
    (required, optional): (&[&str], &[&str]),
    findings: &mut Vec<Caret>,
) -> Vec<Option<usize>> {
    let names = || required.iter().chain(optional);
    let place = start_of(text, header)..text.find('\n').unwrap_or(text.len());
    for (index, name) in header.iter().enumerate() {
        if !names().any(|known| known == &name) {
            let message = format!(
                "unknown column `{name}`; columns: {}",
                names().copied().collect::<Vec<_>>().join(", ")
            );
            findings.push(Caret::new(path, text, place.clone(), message));
        } else if header.iter().take(index).any(|earlier| earlier == name) {
            findings.push(Caret::new(path, text, place.clone(), format!("column `{name}` is there twice")));
        }
    }
    let find = |name: &&str| header.iter().position(|column| column == *name);
    for name in required.iter().filter(|name| find(name).is_none()) {
        findings.push(Caret::new(path, text, place.clone(), format!("the header has no column `{name}`")));
    }
    names().map(find).collect()
}

/// First byte of a record: the reader counts blank lines before it in.
fn start_of(text: &str, record: &StringRecord) -> usize {
    let at = record.position().map_or(0, |position| position.byte() as usize).min(text.len());
    at + text[at..].find(|character: char| character != '\n' && character != '\r').unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let mut seen = Vec::new();
        let result = read_rows(("a.csv", text), &["name", "age"], &["note"], |row, findings| {
            if row.cell(1).parse::<u8>().is_err() {
                findings.push(row.finding(1, "no age"));
            }
            seen.push(format!("{}/{}/{}", row.cell(0), row.cell(1), row.cell(2)));
        });
        (seen, result.err().unwrap_or_default().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn columns_may_come_in_any_order() {
        let (rows, findings) = read("age, name\n7, Ann \n\n8,\"B, C\"\n");
        assert_eq!((rows, findings), (vec!["Ann/7/".into(), "B, C/8/".into()], vec![]));
    }

    #[test]
    fn shows_every_finding_at_its_place() {
        let (_, findings) = read("name,age\nAnn,x\r\n\nBob\nŁucja, old\n");
        assert_eq!(
            findings,
            [
                "a.csv:2:5: no age\n  Ann,x\n      ^",
                "a.csv:4:1: 1 cells where the header has 2\n  Bob\n  ^^^",
                "a.csv:5:8: no age\n  Łucja, old\n         ^^^",
            ]
        );
    }

    #[test]
    fn refuses_headers_it_does_not_know() {
        let (_, findings) = read("name,agee,name\n");
        assert!(
            findings[0].starts_with("a.csv:1:1: unknown column `agee`; columns: name, age, note"),
            "{findings:?}"
        );
        assert!(findings[1].contains("`name` is there twice"), "{findings:?}");
        assert!(findings[2].contains("no column `age`"), "{findings:?}");
        assert!(read("").1[0].contains("the file is empty"));
    }

    #[test]
    fn stops_at_a_thousand_findings() {
        let text = format!("name,age\n{}", "x,y\n".repeat(5_000));
        assert_eq!(read(&text).1.len(), FINDINGS_MAX + 1);
    }
}
