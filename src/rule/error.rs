//! What is wrong with a rule file: findings with their place, and the name that was probably meant.

use std::ops::Range;

use crate::base::caret::Caret;

/// A finding in a rule file; its `Display` shows the line with carets.
pub type RuleError = Caret;

/// A finding within the text of one `when`; places are bytes of that text.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub span: Range<usize>,
    pub message: String,
    pub help: Option<String>,
}

impl Fault {
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The findings of one file.
pub(super) struct Findings<'a> {
    pub path: &'a str,
    pub text: &'a str,
    pub errors: Vec<RuleError>,
}

impl Findings<'_> {
    pub fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.errors.push(Caret::new(self.path, self.text, span, message));
    }

    pub fn add_with_help(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.errors.push(Caret::new(self.path, self.text, span, message).with_help(help));
    }

    /// Takes over what was found in the string value `value`, which stands at `span` with its quotes.
    pub fn add_faults(&mut self, faults: Vec<Fault>, value: &str, span: Range<usize>) {
        let start = self.start_of(value, span.clone());
        for fault in faults {
            let place = start.map_or(span.clone(), |start| start + fault.span.start..start + fault.span.end);
            let error = Caret::new(self.path, self.text, place, fault.message);
            self.errors.push(Caret { help: fault.help, ..error });
        }
    }

    /// Where the content of a string begins in the file; none when escapes make the two differ.
    fn start_of(&self, value: &str, span: Range<usize>) -> Option<usize> {
        let raw = self.text.get(span.clone())?;
        let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") { 3 } else { 1 };
        let body = raw.get(quotes..raw.len().checked_sub(quotes)?)?;
        // TOML 1.0 "String": a newline right after the opening quotes of a multi-line string is not part of it.
        let content = body.strip_prefix("\r\n").or_else(|| body.strip_prefix('\n')).unwrap_or(body);
        let skipped = quotes + body.len() - content.len();
        (content == value).then_some(span.start + skipped)
    }
}
