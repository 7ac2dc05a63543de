//! Messages as lines of text.

use std::fmt::{self, Write as _};
use std::io::{self, Write};

use arrayvec::ArrayString;

use crate::base::time::At;
use crate::cli::decode::paint::Paint;
use crate::cli::decode::walk::Aside;
use crate::inspect::text::Visible;
use crate::inspect::{Entry, Said, Tone, cause};

/// Widest an address column becomes: an IPv6 address with its port.
const PLACE_MAX: usize = 47;
/// Width of the column that says what a message is; longer texts push the rest of their line.
const KIND: usize = 18;
/// Most characters of a status line's words that are shown.
const REASON_MAX: usize = 24;
/// How much of a call's name a line shows: its end, which is drawn by hash.
pub const SHORT: usize = 8;

/// How lines look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Seconds since the first message instead of the time.
    pub relative: bool,
    /// Headers and parameters beneath each line.
    pub verbose: bool,
    /// Colour.
    pub paint: Paint,
}

/// Writes lines. Columns of addresses widen with what comes, and stay so.
#[derive(Debug)]
pub struct Lines {
    look: Look,
    first: Option<At>,
    width: usize,
    line: String,
}

impl Lines {
    /// Nothing written yet.
    pub fn new(look: Look) -> Self {
        Self { look, first: None, width: 0, line: String::new() }
    }

    /// Writes a message.
    pub fn message(&mut self, entry: &Entry<'_>, out: &mut dyn Write) -> io::Result<()> {
        let Entry { said, id, pdu, .. } = entry;
        self.line.clear();
        self.begin(pdu.at);
        self.place((&said.src, &said.dst));
        let paint = self.look.paint;
        match id {
            Some(id) => put(&mut self.line, paint.call(*id, short(&id.text()))),
            None => put(&mut self.line, format_args!("{:<SHORT$}", "-")),
        }
        let kind = Kind(said);
        put(&mut self.line, format_args!("  {}", paint.tone(said.tone(), format_args!("{kind:<KIND$}"))));
        self.about(said);
        self.end(out)?;
        if self.look.verbose {
            let mut written = Ok(());
            Said::detail(pdu, &mut |text| {
                if written.is_ok() {
                    written = writeln!(out, "    {}", paint.dim(text));
                }
            });
            written?;
        }
        Ok(())
    }

    /// Writes what came without a message.
    pub fn aside(&mut self, aside: &Aside, out: &mut dyn Write) -> io::Result<()> {
        self.line.clear();
        self.begin(aside.at);
        match &aside.unit.between {
            Some((src, dst)) => self.place((src, dst)),
            None => self.place((&"", &"")),
        }
        let paint = self.look.paint;
        put(&mut self.line, format_args!("{:<SHORT$}  ", "-"));
        match aside.fault {
            true => {
                put(&mut self.line, paint.tone(Tone::Faulty, format_args!("! {} {}", aside.layer, aside.why)))
            }
            false => put(&mut self.line, paint.dim(aside.why)),
        }
        put(&mut self.line, format_args!("  frame {}", aside.frame));
        if !aside.unit.what.is_empty() {
            put(&mut self.line, format_args!("  {}", aside.unit.what));
        }
        self.end(out)
    }

    fn begin(&mut self, at: At) {
        let first = *self.first.get_or_insert(at);
        if self.look.relative {
            put(&mut self.line, format_args!("{:>13.6}  ", at.since(first).as_secs_f64()));
        } else {
            let text = at.rfc3339();
            // Microseconds are what captures have, as a rule.
            put(&mut self.line, format_args!("{}Z  ", &text[..26]));
        }
    }

    fn place(&mut self, (src, dst): (&dyn fmt::Display, &dyn fmt::Display)) {
        for (index, place) in [src, dst].into_iter().enumerate() {
            let mut text: ArrayString<64> = ArrayString::new();
            let _ = write!(text, "{place}");
            self.width = self.width.max(text.len().min(PLACE_MAX));
            let width = self.width;
            put(&mut self.line, format_args!("{text:<width$}{}", [" → ", "  "][index]));
        }
    }

    /// Numbers and everything else worth a word.
    fn about(&mut self, said: &Said<'_>) {
        let line = &mut self.line;
        let named = |line: &mut String, name: &str, value: &dyn fmt::Display| {
            put(line, format_args!("  {name} {value}"));
        };
        match (&said.from, &said.to) {
            (Some(from), Some(to)) => put(line, format_args!("  {from} → {to}")),
            (Some(from), None) => put(line, format_args!("  from {from}")),
            (None, Some(to)) => put(line, format_args!("  to {to}")),
            (None, None) => {}
        }
        if let Some(cic) = said.cic {
            named(line, "cic", &cic);
        }
        if let Some(cseq) = said.cseq {
            named(line, "cseq", &cseq);
            if let (Some(_), Some(method)) = (said.status, said.method) {
                put(line, format_args!(" {}", Visible::up_to(method, 20)));
            }
        }
        if let Some(cause) = said.cause {
            named(line, "cause", &cause);
            if let Some(name) = cause::name(cause) {
                put(line, format_args!(" {name}"));
            }
        }
        for (name, value) in &said.facts {
            named(line, name, value);
        }
        for fault in &said.faults {
            let (layer, kind) = (fault.layer.name(), fault.kind.name());
            let text = format_args!("! {layer} {kind} at octet {}", fault.offset);
            put(line, format_args!("  {}", self.look.paint.tone(Tone::Faulty, text)));
        }
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.line.truncate(self.line.trim_end().len());
        self.line.push('\n');
        out.write_all(self.line.as_bytes())
    }
}

/// The end of a call's name.
pub fn short(text: &[u8; 26]) -> &str {
    std::str::from_utf8(&text[26 - SHORT..]).unwrap_or_default()
}

/// A text cannot fail to take more.
fn put(line: &mut String, text: impl fmt::Display) {
    let _ = write!(line, "{text}");
}

/// `INVITE`, `180 Ringing`, `ACM subscriber free`; pads as it is told.
struct Kind<'s>(&'s Said<'s>);

impl fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text: ArrayString<256> = ArrayString::new();
        let Said { kind, reason, .. } = self.0;
        let _ = write!(text, "{kind}");
        if !reason.is_empty() {
            let _ = write!(text, " {}", Visible::up_to(reason, REASON_MAX));
        }
        f.pad(&text)
    }
}
