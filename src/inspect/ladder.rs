//! One call as a picture: participants side by side, a line for each message, time going down.

use std::fmt::Write;

use crate::base::time::At;
use crate::inspect::cause;
use crate::inspect::describe::{Place, Said, Tone};
use crate::inspect::follow::Entry;
use crate::inspect::text::Visible;

/// Columns of a line before the first participant: seconds since the first message, and since the one before.
const GUTTER: usize = 22;
/// Room to the right of the last participant, for half of its name.
const TAIL: usize = 11;
/// Widest and narrowest distance between two participants.
const SPACING_MAX: usize = 40;
const SPACING_MIN: usize = 10;
/// Narrowest paper; a terminal that says less is drawn on as if it were so wide.
const WIDTH_MIN: usize = 40;

/// What a ladder is drawn on.
#[derive(Clone, Copy, Debug)]
pub struct Paper {
    /// Columns.
    pub width: usize,
    /// ASCII only.
    pub ascii: bool,
}

/// One line of a ladder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What stands there, no wider than the paper.
    pub text: String,
    /// What kind of message it is.
    pub tone: Tone,
}

/// The messages of a call.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    arrows: Vec<Arrow>,
    max: usize,
    left_out: u64,
}

#[derive(Clone, Debug)]
struct Arrow {
    at: At,
    src: Place,
    dst: Place,
    label: String,
    tone: Tone,
}

impl Ladder {
    /// Of at most so many messages, the first ones.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self { max, ..Self::default() }
    }

    /// Adds a message.
    pub fn push(&mut self, entry: &Entry<'_>) {
        if self.arrows.len() >= self.max {
            self.left_out += 1;
            return;
        }
        let said = &entry.said;
        let arrow =
            Arrow { at: entry.pdu.at, src: said.src, dst: said.dst, label: label(said), tone: said.tone() };
        self.arrows.push(arrow);
    }

    /// How many messages it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arrows.len()
    }

    /// It has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrows.is_empty()
    }

    /// Messages beyond the most it has room for.
    #[must_use]
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// Draws it. Where there are too many participants for the paper, each line names its two.
    #[must_use]
    pub fn draw(&self, paper: Paper) -> Vec<Line> {
        let paper = Paper { width: paper.width.max(WIDTH_MIN), ..paper };
        let places = self.places();
        let room = paper.width - GUTTER - TAIL;
        let spacing = (room / places.len().saturating_sub(1).max(1)).min(SPACING_MAX);
        if spacing < SPACING_MIN {
            return self.list(&places, paper);
        }
        let sheet = Sheet { paper, spacing, ends: places.len() };
        let mut lines = sheet.heads(&places);
        let first = self.arrows.first().map_or(At::default(), |arrow| arrow.at);
        let mut before = first;
        for arrow in &self.arrows {
            let time = times(arrow.at, (first, before));
            before = arrow.at;
            lines.push(Line { text: sheet.arrow(&time, arrow, &places), tone: arrow.tone });
        }
        lines
    }

    /// The participants in the order in which they appear: by address alone, unless one talks to itself at another port.
    fn places(&self) -> Places {
        let by_port = self.arrows.iter().any(|arrow| {
            arrow.src != arrow.dst && arrow.src.host().to_string() == arrow.dst.host().to_string()
        });
        let mut places = Places { by_port, names: Vec::new() };
        for place in self.arrows.iter().flat_map(|arrow| [arrow.src, arrow.dst]) {
            let name = places.name(place);
            if !places.names.contains(&name) {
                places.names.push(name);
            }
        }
        places
    }

    fn list(&self, places: &Places, paper: Paper) -> Vec<Line> {
        let first = self.arrows.first().map_or(At::default(), |arrow| arrow.at);
        let mut before = first;
        let mut lines = Vec::new();
        for arrow in &self.arrows {
            let time = times(arrow.at, (first, before));
            before = arrow.at;
            let between = if paper.ascii { "->" } else { "→" };
            let (src, dst) = (places.name(arrow.src), places.name(arrow.dst));
            let text = format!("{time}{src} {between} {dst}  {}", arrow.label);
            lines.push(Line { text: fit(&text, paper), tone: arrow.tone });
        }
        lines
    }
}

/// `  0.012345   +0.012  `
fn times(at: At, (first, before): (At, At)) -> String {
    let (since, step) = (at.since(first).as_secs_f64(), at.since(before).as_secs_f64());
    let text = format!("{since:>11.6} {step:>+8.3}");
    format!("{text:<width$}", width = GUTTER - 1)
}

/// Names of participants.
struct Places {
    by_port: bool,
    names: Vec<String>,
}

impl Places {
    fn name(&self, place: Place) -> String {
        if self.by_port { place.to_string() } else { place.host().to_string() }
    }

    fn len(&self) -> usize {
        self.names.len()
    }

    fn index(&self, place: Place) -> usize {
        let name = self.name(place);
        self.names.iter().position(|known| *known == name).unwrap_or_default()
    }
}

/// Where things stand on the paper.
struct Sheet {
    paper: Paper,
    spacing: usize,
    ends: usize,
}

impl Sheet {
    const fn column(&self, index: usize) -> usize {
        GUTTER + index * self.spacing
    }

    const fn bar(&self) -> char {
        if self.paper.ascii { '|' } else { '│' }
    }

    /// Names above the columns; letters, and what they stand for, when a name is wider than its column.
    fn heads(&self, places: &Places) -> Vec<Line> {
        let plain = |text: String| Line { text: text.trim_end().to_owned(), tone: Tone::Plain };
        let fits = places.names.iter().all(|name| name.len() < self.spacing.min(2 * TAIL));
        let letters = |index: usize| char::from(b'A' + (index % 26) as u8).to_string();
        let mut lines = Vec::new();
        if !fits {
            for (index, name) in places.names.iter().enumerate() {
                lines.push(plain(fit(&format!("{:>GUTTER$}  {name}", letters(index)), self.paper)));
            }
        }
        let mut head = String::new();
        for (index, name) in places.names.iter().enumerate() {
            let shown = if fits { name.clone() } else { letters(index) };
            let start =
                self.column(index).saturating_sub(shown.len() / 2).max(head.len() + usize::from(index > 0));
            head = format!("{head:<start$}{shown}");
        }
        lines.push(plain(head));
        lines
    }

    fn arrow(&self, time: &str, arrow: &Arrow, places: &Places) -> String {
        let mut cells: Vec<char> = time.chars().collect();
        cells.resize(self.paper.width, ' ');
        for index in 0..self.ends {
            self.put(&mut cells, self.column(index), self.bar());
        }
        let (from, to) = (places.index(arrow.src), places.index(arrow.dst));
        let (left, right) = (self.column(from.min(to)), self.column(from.max(to)));
        if from == to {
            let mark = if self.paper.ascii { '@' } else { '↻' };
            self.put(&mut cells, left + 1, mark);
            self.write(
                &mut cells,
                left + 3,
                &fit_to(&arrow.label, self.spacing.saturating_sub(4), self.paper),
            );
            return finished(&cells, self.paper);
        }
        let (line, head) = match (self.paper.ascii, from < to) {
            (true, true) => ('-', '>'),
            (true, false) => ('-', '<'),
            (false, true) => ('─', '▶'),
            (false, false) => ('─', '◀'),
        };
        (left + 1..right).for_each(|at| self.put(&mut cells, at, line));
        self.put(&mut cells, if from < to { right - 1 } else { left + 1 }, head);
        let label = fit_to(&arrow.label, right - left - 4, self.paper);
        let wide = label.chars().count();
        // Beside the head there is a blank, on whichever end it is.
        let start = left + (right - left + 1 + usize::from(from > to) - wide) / 2;
        self.write(&mut cells, start - 1, &format!(" {label} "));
        finished(&cells, self.paper)
    }

    fn put(&self, cells: &mut [char], at: usize, mark: char) {
        if let Some(cell) = cells.get_mut(at) {
            *cell = mark;
        }
    }

    fn write(&self, cells: &mut [char], start: usize, text: &str) {
        text.chars().enumerate().for_each(|(index, mark)| self.put(cells, start + index, mark));
    }
}

fn finished(cells: &[char], paper: Paper) -> String {
    fit(cells.iter().collect::<String>().trim_end(), paper)
}

/// No wider than the paper, and in ASCII where it must be.
fn fit(text: &str, paper: Paper) -> String {
    fit_to(text, paper.width, paper)
}

fn fit_to(text: &str, width: usize, paper: Paper) -> String {
    let plain = |mark: char| if paper.ascii && !mark.is_ascii() { '?' } else { mark };
    if text.chars().count() <= width {
        return text.chars().map(plain).collect();
    }
    let end = if paper.ascii { '~' } else { '…' };
    text.chars().take(width.saturating_sub(1)).map(plain).chain([end]).collect()
}

/// What stands on an arrow.
fn label(said: &Said<'_>) -> String {
    let mut text = said.kind.to_string();
    let reason = Visible::up_to(said.reason, 40).to_string();
    if !reason.is_empty() {
        let _ = write!(text, " {reason}");
    }
    match (said.status, said.method, &said.to) {
        (Some(_), Some(method), _) if method != b"INVITE" => {
            let _ = write!(text, " ({})", Visible::up_to(method, 20));
        }
        (None, _, Some(to)) if matches!(said.kind.bytes(), b"INVITE" | b"IAM") => {
            let _ = write!(text, " {to}");
        }
        _ => {}
    }
    if let Some(cause) = said.cause {
        let _ = write!(text, " {cause}");
        if let Some(name) = cause::name(cause) {
            let _ = write!(text, " {name}");
        }
    }
    if !said.faults.is_empty() {
        text.push_str(" !");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ladder(arrows: &[(u64, &str, &str, &str)]) -> Ladder {
        let arrows = arrows.iter().map(|(millis, src, dst, label)| Arrow {
            at: At::from_nanos(1_000_000_000 + millis * 1_000_000),
            src: Place::Address(src.parse().unwrap()),
            dst: Place::Address(dst.parse().unwrap()),
            label: (*label).to_owned(),
            tone: Tone::Plain,
        });
        Ladder { arrows: arrows.collect(), max: 100, left_out: 0 }
    }

    fn drawn(ladder: &Ladder, paper: Paper) -> String {
        let lines = ladder.draw(paper);
        lines.iter().fold(String::new(), |text, line| text + &line.text + "\n")
    }

    const A: &str = "192.0.2.1:5060";
    const B: &str = "198.51.100.2:5060";
    const C: &str = "203.0.113.3:40000";

    #[test]
    fn draws_arrows_between_participants() {
        let call = ladder(&[
            (0, A, B, "INVITE +48601000001"),
            (2, B, C, "INVITE +48601000001"),
            (1_302, C, A, "180 Ringing"),
            (1_303, A, A, "to itself"),
        ]);
        let shown = drawn(&call, Paper { width: 80, ascii: false });
        let expected = [
            "                  192.0.2.1            198.51.100.2            203.0.113.3",
            "   0.000000   +0.000  │ INVITE +48601000001 ▶│                      │",
            "   0.002000   +0.002  │                      │ INVITE +48601000001 ▶│",
            "   1.302000   +1.300  │◀─────────────── 180 Ringing ────────────────│",
            "   1.303000   +0.001  │↻ to itself           │                      │",
        ];
        assert_eq!(shown.lines().collect::<Vec<_>>(), expected, "\n{shown}");
    }

    #[test]
    fn participants_at_one_address_are_told_apart_by_port() {
        let call = ladder(&[(0, "127.0.0.1:5060", "127.0.0.1:5070", "INVITE")]);
        let shown = drawn(&call, Paper { width: 100, ascii: true });
        assert!(shown.contains("127.0.0.1:5060") && shown.contains("127.0.0.1:5070"), "{shown}");
        assert!(shown.is_ascii() && shown.contains("--- INVITE --"), "{shown}");
    }

    #[test]
    fn a_long_label_leaves_the_head() {
        let long = "100 trying -- your call is important to us";
        let call = ladder(&[(0, A, B, long), (1, B, A, long)]);
        let shown = drawn(&call, Paper { width: 52, ascii: false });
        let ends: Vec<&str> = shown.lines().skip(1).map(|line| line.split_once('│').unwrap().1).collect();
        assert_eq!(ends, [" 100 trying -- … ▶│", "◀ 100 trying -- … │"], "{shown}");
    }

    #[test]
    fn names_too_long_for_their_column_are_letters() {
        let long = "[2001:db8:1111:2222:3333:4444:5555:6666]:5060";
        let shown = drawn(&ladder(&[(0, long, A, "INVITE")]), Paper { width: 80, ascii: false });
        assert!(
            shown.starts_with("                     A  2001:db8:1111:2222:3333:4444:5555:6666\n"),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn never_wider_than_the_paper(
            width in 0usize..200,
            ascii in any::<bool>(),
            arrows in prop::collection::vec((0u64..100_000, 0u8..14, 0u8..14, "[ -~é]{0,60}"), 0..20),
        ) {
            let arrows: Vec<_> = arrows
                .iter()
                .map(|(at, src, dst, label)| {
                    (*at, format!("10.0.0.{src}:5060"), format!("10.0.0.{dst}:5060"), label.clone())
                })
                .collect();
            let arrows: Vec<_> =
                arrows.iter().map(|(at, src, dst, label)| (*at, &src[..], &dst[..], &label[..])).collect();
            let call = ladder(&arrows);
            for line in call.draw(Paper { width, ascii }) {
                prop_assert!(line.text.chars().count() <= width.max(WIDTH_MIN), "{line:?}");
                prop_assert!(!ascii || line.text.is_ascii());
            }
        }
    }
}
