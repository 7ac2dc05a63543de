//! The file of labels: what is known of flash calls from outside, each with its source and its times.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::caret::Caret;
use crate::base::class::Class;
use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::sheet::{Row, read_rows};
use crate::base::time::At;
use crate::campaign::number;
use crate::judge::SeedMark;

/// Most labels of a file.
pub const LABELS_MAX: usize = 500_000;
/// How long a label holds after it was last seen, if nothing else is said.
pub const EXPIRES_AFTER: Duration = Duration::from_hours(30 * 24);
/// Longest name of a service, in bytes.
const SERVICE_MAX: usize = 64;
const COLUMNS: [&str; 8] =
    ["source", "service", "range", "called", "seen_cli", "first_seen", "last_seen", "expires"];

/// Where a label comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The sender says from where it calls.
    Published,
    /// A call that somebody ordered and waited for.
    TestCall,
}

impl Source {
    /// Names in the file, in the order of the enum.
    pub const NAMES: [&'static str; 2] = ["published", "test_call"];
}

/// What a label is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// Where it comes from.
    pub source: Source,
    /// Who sends, such as an application's name.
    pub service: String,
    /// From where it is sent; `None` of a test call of which nothing arrived.
    pub range: Option<Range>,
    /// Of a test call: who was called, and when.
    pub call: Option<(Number, At)>,
    /// Of a test call: the calling number that arrived.
    pub seen: Option<Number>,
}

/// From when to when a label was true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// First seen.
    pub first: At,
    /// Last seen.
    pub last: At,
    /// Holds until then.
    pub expires: At,
}

/// All labels, each once, in a fixed order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(BTreeMap<Label, Times>);

impl Labels {
    /// Reads a file of labels.
    ///
    /// # Errors
    /// Every finding, with its place.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<Caret>> {
        let mut labels = Self::default();
        read_rows((path, text), &COLUMNS, &[], |row, findings| match read(row) {
            Ok(_) if labels.len() == LABELS_MAX => {
                findings.push(row.finding(0, format!("more than {LABELS_MAX} labels")));
            }
            Ok((label, times)) => {
                labels.0.insert(label, times);
            }
            Err((column, message)) => findings.push(row.finding(column, message)),
        })?;
        Ok(labels)
    }

    /// The file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = COLUMNS.join(",");
        text.push('\n');
        for (label, times) in &self.0 {
            let shown = |value: Option<String>| value.unwrap_or_default();
            let cells = [
                Source::NAMES[label.source as usize].to_owned(),
                quoted(&label.service),
                shown(label.range.map(|range| range.to_string())),
                shown(label.call.map(|(called, _)| called.to_string())),
                shown(label.seen.map(|seen| seen.to_string())),
                times.first.to_string(),
                times.last.to_string(),
                times.expires.to_string(),
            ];
            text.push_str(&cells.join(","));
            text.push('\n');
        }
        text
    }

    /// Adds a label that was true at `at`; whether that changes anything. What is known already lasts longer if it was seen
    /// later than before.
    pub fn add(&mut self, label: Label, at: At, lasts: Duration) -> bool {
        let known = self.0.get_mut(&label);
        let Some(known) = known else {
            self.0.insert(label, Times { first: at, last: at, expires: at + lasts });
            return true;
        };
        let before = *known;
        known.first = before.first.min(at);
        if at > before.last {
            (known.last, known.expires) = (at, before.expires.max(at + lasts));
        }
        *known != before
    }

    /// Whether it is known.
    #[must_use]
    pub fn contains(&self, label: &Label) -> bool {
        self.0.contains_key(label)
    }

    /// All, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&Label, &Times)> {
        self.0.iter()
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The marks to begin with: for each block one for each span of time in which some label of it holds.
    #[must_use]
    pub fn seeds(&self) -> Vec<SeedMark> {
        let span = |(label, times): (&Label, &Times)| Some((label.range?, times.first, times.expires));
        let mut spans: Vec<(Range, At, At)> = self.0.iter().filter_map(span).collect();
        spans.sort_unstable();
        let mut seeds: Vec<SeedMark> = Vec::new();
        for (range, from, until) in spans {
            match seeds.last_mut().filter(|seed| seed.range == range && from <= seed.until) {
                Some(seed) => seed.until = seed.until.max(until),
                None => seeds.push(SeedMark { range, class: Class::Flash, from, until }),
            }
        }
        seeds
    }
}

/// A row, or the column that is wrong and why.
fn read(row: &Row<'_>) -> Result<(Label, Times), (usize, String)> {
    let source = Source::NAMES.iter().position(|name| *name == row.cell(0));
    let source = match source {
        Some(0) => Source::Published,
        Some(_) => Source::TestCall,
        None => return Err((0, format!("a source is {}", Source::NAMES.join(" or ")))),
    };
    let service = service(row.cell(1)).map_err(|message| (1, message))?;
    let time = |column| At::parse(row.cell(column)).ok_or_else(|| (column, TIME.to_owned()));
    let times = Times { first: time(5)?, last: time(6)?, expires: time(7)? };
    let party = |column| match row.cell(column) {
        "" => Ok(None),
        text => number(text).map(Some).ok_or_else(|| (column, NUMBER.to_owned())),
    };
    let range = match row.cell(2) {
        "" => None,
        text => Some(Range::parse(text).ok_or((2, "a range is written as `+4474001xxxx`".to_owned()))?),
    };
    let call = party(3)?.map(|called| (called, times.first));
    if call.is_some() != (source == Source::TestCall) {
        return Err((3, "test calls have a called number, and only they".to_owned()));
    }
    Ok((Label { source, service, range, call, seen: party(4)? }, times))
}

/// How a time is written.
pub(super) const TIME: &str = "a time is written as `2026-11-21T20:15:03Z`";
/// How a number is written.
pub(super) const NUMBER: &str = "a number is `+` and 5 to 15 digits, country code first";

/// Reads the name of a service.
pub(super) fn service(text: &str) -> Result<String, String> {
    if (1..=SERVICE_MAX).contains(&text.len()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(format!("a service has a name of 1 to {SERVICE_MAX} bytes"))
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(hour: u64) -> At {
        At::from_nanos(1_763_000_000_000_000_000) + Duration::from_hours(hour)
    }

    fn published(range: &str) -> Label {
        let range = Range::parse(range);
        Label { source: Source::Published, service: "app".into(), range, call: None, seen: None }
    }

    #[test]
    fn seen_again_lasts_longer_and_never_shorter() {
        let mut labels = Labels::default();
        let label = published("+4474001xxxx");
        let day = Duration::from_hours(24);
        assert!(labels.add(label.clone(), at(5), day));
        assert!(!labels.add(label.clone(), at(5), day));
        assert!(labels.add(label.clone(), at(7), day));
        assert!(labels.add(label.clone(), at(1), day));
        assert!(!labels.add(label, at(6), day * 9));
        assert_eq!(
            labels.iter().next().unwrap().1,
            &Times { first: at(1), last: at(7), expires: at(7) + day }
        );
    }

    #[test]
    fn a_block_is_seeded_once() {
        let mut labels = Labels::default();
        let day = Duration::from_hours(24);
        labels.add(published("+4474001xxxx"), at(5), day);
        labels.add(Label { service: "other".into(), ..published("+4474001xxxx") }, at(2), day);
        let class = Class::Flash;
        let range = Range::parse("+4474001xxxx").unwrap();
        assert_eq!(labels.seeds(), [SeedMark { range, class, from: at(2), until: at(29) }]);
    }

    #[test]
    fn a_block_is_marked_only_while_a_label_holds() {
        let mut labels = Labels::default();
        let named = |service: &str| Label { service: service.into(), ..published("+4474001xxxx") };
        let day = Duration::from_hours(24);
        // Names in another order than times; the second begins when the first ends, and so goes on.
        for (service, hour) in [("b", 0), ("a", 24), ("d", 30), ("c", 4_000)] {
            labels.add(named(service), at(hour), day);
        }
        let spans: Vec<_> = labels.seeds().iter().map(|seed| (seed.from, seed.until)).collect();
        assert_eq!(spans, [(at(0), at(54)), (at(4_000), at(4_024))]);
    }

    #[test]
    fn refuses_what_is_no_label() {
        let head = COLUMNS.join(",");
        let times = "2026-11-01T00:00:00Z,2026-11-01T00:00:00Z,2026-12-01T00:00:00Z";
        for (row, column) in [
            (format!("heard,app,+4474001xxxx,,,{times}"), 1),
            (format!("published,,+4474001xxxx,,,{times}"), 11),
            (format!("published,app,4474001,,,{times}"), 15),
            (format!("published,app,+4474001xxxx,+48601000001,,{times}"), 28),
            (format!("test_call,app,,,,{times}"), 16),
            (format!("test_call,app,,+48601000001,x,{times}"), 29),
            ("published,app,+4474001xxxx,,,monday,,".to_owned(), 30),
        ] {
            let findings = Labels::parse("l.csv", &format!("{head}\n{row}\n")).unwrap_err();
            assert_eq!((findings.len(), findings[0].line, findings[0].column), (1, 2, column), "{row}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(
            rows in proptest::collection::vec(("[a-z ,\"é]{1,10}", 10_000..99_999_u64, 0..7_u8, any::<bool>(), 0..99_u64), 0..20)
        ) {
            let mut labels = Labels::default();
            for (service, prefix, width, is_call, hour) in rows {
                let Ok(service) = super::service(service.trim()) else { continue };
                let range = crate::campaign::block(&prefix.to_string(), width);
                let number = crate::campaign::number("48601000001").unwrap();
                let call = is_call.then_some((number, at(hour)));
                let source = if is_call { Source::TestCall } else { Source::Published };
                labels.add(Label { source, service, range, call, seen: call.map(|_| number) }, at(hour), EXPIRES_AFTER);
            }
            prop_assert_eq!(Labels::parse("l.csv", &labels.text()).unwrap(), labels);
        }
    }
}
