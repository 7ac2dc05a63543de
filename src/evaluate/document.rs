//! A report as sections of text, tables and charts, and its three forms: plain text, Markdown, one self-contained HTML
//! page.

use std::fmt::Write;

use crate::evaluate::svg::{Chart, escaped};

/// A report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// What it is.
    pub title: String,
    /// What it is about, below the title.
    pub about: String,
    /// Its parts.
    pub sections: Vec<Section>,
}

/// A part with a heading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    /// Heading.
    pub title: String,
    /// Sentences, a paragraph each.
    pub text: Vec<String>,
    /// Tables, below the text.
    pub tables: Vec<Table>,
    /// Charts, below the tables; plain text leaves them out.
    pub charts: Vec<Chart>,
}

/// A table. The first column is words, the others are figures. Rows have as many cells as the head.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Names of columns.
    pub head: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    #[must_use]
    pub fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }
}

impl Section {
    /// A section with one table.
    #[must_use]
    pub fn of(title: &str, text: &[&str], table: Table) -> Self {
        let text = text.iter().map(|&line| line.to_owned()).collect();
        Self { title: title.to_owned(), text, tables: vec![table], charts: Vec::new() }
    }

    /// Whether there is nothing that its text could be about.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.charts.is_empty() && !self.has_rows()
    }

    /// Whether there is something to show besides charts.
    fn has_rows(&self) -> bool {
        self.tables.iter().any(|table| !table.rows.is_empty())
    }
}

// Writing to a string cannot fail.
impl Document {
    /// For a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("{}\n", self.title);
        if !self.about.is_empty() {
            wrapped(&mut out, &self.about);
        }
        for section in self.sections.iter().filter(|section| section.has_rows()) {
            let _ = write!(out, "\n{}\n", section.title);
            section.text.iter().for_each(|line| wrapped(&mut out, line));
            for table in section.tables.iter().filter(|table| !table.rows.is_empty()) {
                text_table(&mut out, table);
            }
        }
        out
    }

    /// For a file among others; charts are left out.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n", self.title);
        if !self.about.is_empty() {
            let _ = writeln!(out, "\n{}", self.about);
        }
        let cell = |text: &String| text.replace('|', "\\|");
        for section in self.sections.iter().filter(|section| section.has_rows()) {
            let _ = writeln!(out, "\n## {}", section.title);
            section.text.iter().for_each(|line| {
                let _ = writeln!(out, "\n{line}");
            });
            for table in section.tables.iter().filter(|table| !table.rows.is_empty()) {
                let row = |cells: &[String]| {
                    format!("| {} |\n", cells.iter().map(cell).collect::<Vec<_>>().join(" | "))
                };
                let _ = write!(
                    out,
                    "\n{}|---|{}\n",
                    row(&table.head),
                    "--:|".repeat(table.head.len().saturating_sub(1))
                );
                table.rows.iter().for_each(|cells| out.push_str(&row(cells)));
            }
        }
        out
    }

    /// For a browser, without anything from elsewhere.
    #[must_use]
    pub fn html(&self) -> String {
        let title = escaped(&self.title);
        let mut out = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style></head>\n\
             <body><h1>{title}</h1>\n<p>{}</p>\n",
            escaped(&self.about)
        );
        for section in &self.sections {
            let _ = writeln!(out, "<section><h2>{}</h2>", escaped(&section.title));
            for line in &section.text {
                let _ = writeln!(out, "<p>{}</p>", escaped(line));
            }
            for table in section.tables.iter().filter(|table| !table.rows.is_empty()) {
                html_table(&mut out, table);
            }
            section.charts.iter().for_each(|chart| {
                let _ = writeln!(out, "<figure>{}</figure>", chart.svg());
            });
            out.push_str("</section>\n");
        }
        out.push_str("</body></html>\n");
        out
    }
}

const STYLE: &str = "body{font:15px/1.5 sans-serif;max-width:90em;margin:2em auto;padding:0 1em;color:#222}\
    table{border-collapse:collapse;margin:1em 0;display:block;overflow-x:auto}\
    th,td{border-bottom:1px solid #ddd;padding:.25em .7em;text-align:right;white-space:nowrap}\
    th:first-child,td:first-child{text-align:left}thead th{border-bottom:2px solid #888}\
    figure{margin:1em 0}svg{width:100%}h2{margin-top:2em}";
/// Columns of a terminal that paragraphs are wrapped to.
const COLUMNS: usize = 110;

fn html_table(out: &mut String, table: &Table) {
    let row = |cells: &[String], tag: &str| {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect();
        format!("<tr>{cells}</tr>")
    };
    let _ = writeln!(out, "<table><thead>{}</thead><tbody>", row(&table.head, "th"));
    table.rows.iter().for_each(|cells| {
        let _ = writeln!(out, "{}", row(cells, "td"));
    });
    out.push_str("</tbody></table>\n");
}

fn text_table(out: &mut String, table: &Table) {
    let width = |column: usize| {
        let cells = table.rows.iter().chain([&table.head]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.head.len()).map(width).collect();
    for row in [&table.head].into_iter().chain(&table.rows) {
        let mut line = String::from(" ");
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(line, " {cell:<width$}"),
                _ => write!(line, "  {cell:>width$}"),
            };
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

fn wrapped(out: &mut String, text: &str) {
    let mut column = 0;
    for word in text.split_whitespace() {
        let width = word.chars().count();
        let gap = if column == 0 { "  " } else { " " };
        if column > 0 && column + 1 + width > COLUMNS {
            let _ = write!(out, "\n  {word}");
            column = 2 + width;
        } else {
            let _ = write!(out, "{gap}{word}");
            column += gap.len() + width;
        }
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Document {
        let mut table = Table::new(&["class", "calls"]);
        table.rows.push(vec!["a|b".into(), "1,000".into()]);
        let mut section = Section::of("Calls <all>", &["One & two."], table);
        section.charts.push(Chart { title: "C".into(), ..Chart::default() });
        Document { title: "Title".into(), about: "Monday & Tuesday.".into(), sections: vec![section] }
    }

    #[test]
    fn has_three_forms() {
        let document = document();
        assert_eq!(
            document.text(),
            "Title\n  Monday & Tuesday.\n\nCalls <all>\n  One & two.\n  class  calls\n  a|b    1,000\n"
        );
        let markdown = document.markdown();
        assert!(markdown.starts_with("# Title\n\nMonday & Tuesday.\n\n## "), "{markdown}");
        assert!(
            markdown.contains(
                "\n## Calls <all>\n\nOne & two.\n\n| class | calls |\n|---|--:|\n| a\\|b | 1,000 |\n"
            ),
            "{markdown}"
        );
        let html = document.html();
        assert!(
            html.contains("<p>Monday &amp; Tuesday.</p>")
                && html.contains("<h2>Calls &lt;all&gt;</h2>")
                && html.contains("<td>1,000</td>")
                && html.contains("<svg ")
        );
        assert!(!html.replace("http://www.w3.org/2000/svg", "").contains("http"), "a page of its own");
    }

    #[test]
    fn long_paragraphs_are_wrapped() {
        let mut out = String::new();
        wrapped(&mut out, &"word ".repeat(60));
        assert!(
            out.lines().count() == 3
                && out.lines().all(|line| line.len() <= COLUMNS && line.starts_with("  w"))
        );
    }
}
