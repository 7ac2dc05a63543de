//! The table of fields: one row each, from which the rule checker, the `fields` command and `docs/FIELDS.md` are made.
//!
//! A field that a call cannot have (figures of a caller without a number, the ring time of a call that never rang) is
//! unknown. Figures include the call itself once it has been answered or has ended.

use std::cell::OnceCell;
use std::fmt::{self, Write as _};
use std::time::Duration;

use crate::base::class::{Class, Subject};
use crate::base::field::{Facts, FieldId, FieldSpec, Point, Type, Unit, Value};
use crate::base::network::{Network, RoamingState};
use crate::base::number::{Number, Party, Shape};
use crate::base::numbering::NumberKind;
use crate::base::route::{Direction, RouteClass, RouteId};
use crate::base::time::At;
use crate::call::{Call, Protocol, ReleasedBy};
use crate::feature::Store;
use crate::feature::mark::MarkKey;
use crate::feature::outcome::Outcome;
use crate::feature::tally::Figures;
use crate::feature::window::Tick;

/// Words of a direction, in the order of the enum.
const DIRECTIONS: &[&str] = &["inbound", "outbound"];
/// Words of a mark: `none`, then every class.
const MARKS: &[&str] = &{
    let mut words = ["none"; Class::NAMES.len() + 1];
    let mut index = 0;
    while index < Class::NAMES.len() {
        words[index + 1] = Class::NAMES[index];
        index += 1;
    }
    words
};
const CALLS: Type = Type::Int(Unit::Calls);
const NUMBERS: Type = Type::Int(Unit::Numbers);
const CODE: Type = Type::Int(Unit::Code);

/// All fields, as rules see them; the index is the [`FieldId`].
pub static FIELDS: [FieldSpec; COUNT] = {
    let mut fields = [ROWS[0].spec; COUNT];
    let mut index = 0;
    while index < COUNT {
        fields[index] = ROWS[index].spec;
        index += 1;
    }
    fields
};

/// The field with this name.
#[must_use]
pub fn find(name: &str) -> Option<FieldId> {
    FIELDS.iter().position(|field| field.name == name).map(|index| FieldId(index as u16))
}

/// The document `docs/FIELDS.md`.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from(MARKDOWN_HEAD);
    for field in &FIELDS {
        let point = if field.at_setup { "setup, end" } else { "end" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{}` | {} | {point} | {} |", field.name, TypeText(field.ty), field.meaning);
    }
    text
}

const MARKDOWN_HEAD: &str = "\
# Fields that rules read

Made from the table in `src/feature/fields.rs`; renew with `UPDATE_EXPECT=1 cargo test`. *Known at* says in which rules a
field may stand. Windows end now and begin on a boundary of a twelfth of their length: 10 minutes cover 550 to 600 s.
A call counts once, when it is answered or when it ends unanswered. What is not known is neither equal nor unequal to
anything.

| Field | Type | Known at | Meaning |
|---|---|---|---|
";

struct TypeText(Type);

impl fmt::Display for TypeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Type::Bool => "true or false",
            Type::Int(Unit::Calls) => "count of calls",
            Type::Int(Unit::Numbers) => "count of numbers",
            Type::Int(Unit::Code) => "code",
            Type::Ratio => "share",
            Type::Duration => "duration",
            Type::Number => "number",
            Type::Country => "country",
            Type::Enum(words) => return write!(f, "one of {}", words.join(", ")),
        })
    }
}

/// A call at one moment: gives the value of any field, and looks each key up once, when a field first asks for it.
#[derive(Debug)]
pub struct Moment<'a> {
    store: &'a Store,
    network: &'a Network,
    call: &'a Call,
    point: Point,
    at: At,
    caller: OnceCell<Figures>,
    range_100: OnceCell<Figures>,
    range_10k: OnceCell<Figures>,
}

impl<'a> Moment<'a> {
    pub(super) const fn new(
        store: &'a Store,
        network: &'a Network,
        call: &'a Call,
        point: Point,
        at: At,
    ) -> Self {
        Self {
            store,
            network,
            call,
            point,
            at,
            caller: OnceCell::new(),
            range_100: OnceCell::new(),
            range_10k: OnceCell::new(),
        }
    }

    fn caller(&self) -> Option<&Figures> {
        let caller = self.call.calling.number?;
        Some(self.caller.get_or_init(|| self.store.caller_figures(caller, Tick::of(self.at))))
    }

    fn range_100(&self) -> Option<&Figures> {
        let (caller, route) = (self.call.calling.number?, self.call.route);
        Some(self.range_100.get_or_init(|| self.store.range_100_figures(caller, route, Tick::of(self.at))))
    }

    fn range_10k(&self) -> Option<&Figures> {
        let (caller, route) = (self.call.calling.number?, self.call.route);
        Some(self.range_10k.get_or_init(|| self.store.range_10k_figures(caller, route, Tick::of(self.at))))
    }

    fn mark(&self, subject: Subject, party: &Party, route: Option<RouteId>) -> Value {
        let Some(number) = party.number else { return Value::Unknown };
        let class = self.store.class(MarkKey::new(subject, number, route), self.at);
        Value::Word(class.map_or(0, |class| class as u8 + 1))
    }

    fn country(&self, party: &Party) -> Value {
        let country = party.number.and_then(|number| self.network.numbering.country(number));
        country.map_or(Value::Unknown, Value::Country)
    }

    fn kind(&self, party: &Party) -> Value {
        party.number.map_or(Value::Unknown, |number| Value::Word(self.network.numbering.kind(number) as u8))
    }

    fn is_national(&self, party: &Party) -> Value {
        party.number.map_or(Value::Unknown, |number| Value::Bool(self.network.numbering.is_home(number)))
    }

    fn roaming(&self) -> Value {
        let state = self.call.calling.number.and_then(|number| self.network.roaming.get(&number));
        state.map_or(Value::Unknown, |state| Value::Word(*state as u8))
    }

    fn has_missed(&self) -> Value {
        match (self.call.direction, self.call.calling.number, self.call.called.number) {
            (Direction::Inbound, ..) => Value::Bool(false),
            (Direction::Outbound, Some(caller), Some(called)) => {
                Value::Bool(self.store.has_missed(caller, called, self.at))
            }
            (Direction::Outbound, ..) => Value::Unknown,
        }
    }
}

impl Facts for Moment<'_> {
    fn value(&self, field: FieldId) -> Value {
        match ROWS.get(usize::from(field.0)) {
            Some(row) if row.spec.at_setup || self.point == Point::End => (row.get)(self),
            _ => Value::Unknown,
        }
    }
}

/// A field and how it is read.
#[derive(Clone, Copy)]
struct Row {
    spec: FieldSpec,
    get: fn(&Moment<'_>) -> Value,
}

const fn row(name: &'static str, ty: Type, meaning: &'static str, get: fn(&Moment<'_>) -> Value) -> Row {
    Row { spec: FieldSpec { name, ty, at_setup: true, meaning }, get }
}

const fn end_row(name: &'static str, ty: Type, meaning: &'static str, get: fn(&Moment<'_>) -> Value) -> Row {
    Row { spec: FieldSpec { name, ty, at_setup: false, meaning }, get }
}

/// The rows of one key's figures: `$name` in rules, `$of` reads them from a moment, `$what` for people.
macro_rules! figures {
    ($name:literal, $of:ident, $what:literal, [$($field:literal: $ty:expr, $meaning:literal, $get:expr;)*]) => {
        [$(row(
            concat!($name, ".", $field),
            $ty,
            concat!($meaning, " ", $what),
            |moment| moment.$of().map_or(Value::Unknown, $get),
        )),*]
    };
}

/// Rows that callers and blocks of them share.
macro_rules! calls {
    ($name:literal, $of:ident, $what:literal) => {
        figures!($name, $of, $what, [
            "attempts_10m": CALLS, "Calls in 10 minutes", |f| int(f.ten_minutes.attempts);
            "attempts_1h": CALLS, "Calls in 1 hour", |f| int(f.hour.attempts);
            "answered_1h": CALLS, "Answered calls in 1 hour", |f| int(f.hour.answered);
            "answered_share_1h": Type::Ratio, "Answered share of calls in 1 hour",
                |f| share(f.hour.answered, f.hour.attempts);
            "short_unanswered_10m": CALLS, "Calls cut or rejected soon in 10 minutes",
                |f| int(f.ten_minutes.short_unanswered);
            "short_unanswered_1h": CALLS, "Calls cut or rejected soon in 1 hour",
                |f| int(f.hour.short_unanswered);
            "short_unanswered_share_10m": Type::Ratio, "Share of calls cut or rejected soon in 10 minutes",
                |f| share(f.ten_minutes.short_unanswered, f.ten_minutes.attempts);
            "short_unanswered_share_1h": Type::Ratio, "Share of calls cut or rejected soon in 1 hour",
                |f| share(f.hour.short_unanswered, f.hour.attempts);
            "distinct_called_10m": NUMBERS, "Distinct called numbers in 10 minutes",
                |f| int(f.ten_minutes.called);
            "distinct_called_1h": NUMBERS, "Distinct called numbers in 1 hour", |f| int(f.hour.called);
            "distinct_called_share_10m": Type::Ratio, "Distinct called numbers by calls in 10 minutes",
                |f| share(f.ten_minutes.called, f.ten_minutes.attempts);
            "distinct_called_share_1h": Type::Ratio, "Distinct called numbers by calls in 1 hour",
                |f| share(f.hour.called, f.hour.attempts);
        ])
    };
}

/// Rows of keys that Wangiri shows in.
macro_rules! one_ring {
    ($name:literal, $of:ident, $what:literal) => {
        figures!($name, $of, $what, [
            "one_ring_10m": CALLS, "Calls given up after one or two rings in 10 minutes",
                |f| int(f.ten_minutes.one_ring);
            "one_ring_1h": CALLS, "Calls given up after one or two rings in 1 hour", |f| int(f.hour.one_ring);
        ])
    };
}

/// Rows of blocks: how many of their numbers call.
macro_rules! callers {
    ($name:literal, $of:ident, $what:literal) => {
        figures!($name, $of, $what, [
            "distinct_callers_10m": NUMBERS, "Distinct calling numbers in 10 minutes",
                |f| int(f.ten_minutes.callers);
            "distinct_callers_1h": NUMBERS, "Distinct calling numbers in 1 hour", |f| int(f.hour.callers);
            "distinct_callers_share_10m": Type::Ratio, "Distinct calling numbers by calls in 10 minutes",
                |f| share(f.ten_minutes.callers, f.ten_minutes.attempts);
            "distinct_callers_share_1h": Type::Ratio, "Distinct calling numbers by calls in 1 hour",
                |f| share(f.hour.callers, f.hour.attempts);
        ])
    };
}

const CALL: &[Row] = &[
    row("protocol", Type::Enum(&Protocol::NAMES), "Signalling protocol", |m| word(m.call.protocol() as u8)),
    row("direction", Type::Enum(DIRECTIONS), "Into or out of the operator's network", |m| {
        word(m.call.direction as u8)
    }),
    row("route.class", Type::Enum(&RouteClass::NAMES), "Class of the route", |m| {
        word(m.network.routes.route(m.call.route).class as u8)
    }),
    row("home", Type::Country, "The operator's country", |m| Value::Country(m.network.numbering.home())),
    row("caller.number", Type::Number, "Calling number", |m| number(m.call.calling.number)),
    row("caller.country", Type::Country, "Country of the calling number", |m| m.country(&m.call.calling)),
    row(
        "caller.kind",
        Type::Enum(&NumberKind::NAMES),
        "Kind of the calling number by its numbering plan",
        |m| m.kind(&m.call.calling),
    ),
    row("caller.national", Type::Bool, "The calling number is of the home country", |m| {
        m.is_national(&m.call.calling)
    }),
    row("caller.shape", Type::Enum(&Shape::NAMES), "What is wrong with the calling number", |m| {
        word(m.call.calling.shape as u8)
    }),
    row("caller.code_assigned", Type::Bool, "The calling number's country code is assigned", |m| {
        m.call
            .calling
            .number
            .map_or(Value::Unknown, |number| Value::Bool(m.network.numbering.is_assigned(number)))
    }),
    row("caller.restricted", Type::Bool, "The caller asked that the number not be shown", |m| {
        Value::Bool(m.call.calling.restricted)
    }),
    row("caller.roaming", Type::Enum(&RoamingState::NAMES), "Where the calling subscriber is", |m| {
        m.roaming()
    }),
    row("caller.is_called", Type::Bool, "Calling and called number are the same", |m| {
        match (m.call.calling.number, m.call.called.number) {
            (Some(calling), Some(called)) => Value::Bool(calling == called),
            _ => Value::Unknown,
        }
    }),
    row("called.number", Type::Number, "Called number", |m| number(m.call.called.number)),
    row("called.country", Type::Country, "Country of the called number", |m| m.country(&m.call.called)),
    row(
        "called.kind",
        Type::Enum(&NumberKind::NAMES),
        "Kind of the called number by its numbering plan",
        |m| m.kind(&m.call.called),
    ),
    row("called.shape", Type::Enum(&Shape::NAMES), "What is wrong with the called number", |m| {
        word(m.call.called.shape as u8)
    }),
    row("diverted", Type::Bool, "The call was forwarded", |m| Value::Bool(m.call.diverting.is_some())),
    row("diverting.country", Type::Country, "Country of the last diverting number", |m| {
        m.call.diverting.as_ref().map_or(Value::Unknown, |party| m.country(party))
    }),
];

const MARK: &[Row] = &[
    row("caller.mark", Type::Enum(MARKS), "Mark on the calling number", |m| {
        m.mark(Subject::Caller, &m.call.calling, None)
    }),
    row(
        "caller_range_100.mark",
        Type::Enum(MARKS),
        "Mark on the caller's block of 100 numbers on this route",
        |m| m.mark(Subject::CallerRange100, &m.call.calling, Some(m.call.route)),
    ),
    row(
        "caller_range_10k.mark",
        Type::Enum(MARKS),
        "Mark on the caller's block of 10,000 numbers on this route",
        |m| m.mark(Subject::CallerRange10k, &m.call.calling, Some(m.call.route)),
    ),
    row("called.mark", Type::Enum(MARKS), "Mark the called number has as a caller", |m| {
        m.mark(Subject::Caller, &m.call.called, None)
    }),
    row(
        "called_range_100.mark",
        Type::Enum(MARKS),
        "Newest mark on the called number's block of 100 as callers",
        |m| m.mark(Subject::CallerRange100, &m.call.called, None),
    ),
    row(
        "pair.missed_24h",
        Type::Bool,
        "The caller missed a call from abroad from the called block of 100",
        |m| m.has_missed(),
    ),
];

const CALLER_DAY: &[Row] = &figures!("caller", caller, "by the caller", [
    "attempts_24h": CALLS, "Calls in 24 hours", |f| int(f.day.attempts);
    "answered_24h": CALLS, "Answered calls in 24 hours", |f| int(f.day.answered);
]);

const END: &[Row] = &[
    end_row("answered", Type::Bool, "The call was answered", |m| Value::Bool(m.call.answer_at.is_some())),
    end_row("alerted", Type::Bool, "The called side was alerted", |m| Value::Bool(m.call.alert_at.is_some())),
    end_row("ring_time", Type::Duration, "From alerting to answer, or to the end", |m| {
        duration(m.call.ring_time())
    }),
    end_row("setup_time", Type::Duration, "From setup to alerting, or to answer", |m| {
        duration(m.call.setup_time())
    }),
    end_row("talk_time", Type::Duration, "From answer to the end", |m| duration(m.call.talk_time())),
    end_row(
        "short_unanswered",
        Type::Bool,
        "Cut within 4 s of ringing (8 s of setup when it never rang), or rejected after 0.3 to 4 s",
        |m| Value::Bool(Outcome::of(m.call).short_unanswered),
    ),
    end_row("one_ring", Type::Bool, "Given up by the caller after 1 to 12 s of ringing", |m| {
        Value::Bool(Outcome::of(m.call).one_ring)
    }),
    end_row("released_by", Type::Enum(&ReleasedBy::NAMES), "Who ended the call", |m| {
        m.call.released_by.map_or(Value::Unknown, |by| word(by as u8))
    }),
    end_row("sip_status", CODE, "Final SIP status", |m| code(m.call.sip_status)),
    end_row("q850_cause", CODE, "Q.850 cause of the release", |m| code(m.call.q850_cause.map(u16::from))),
];

/// The rows, in the order of the document.
const GROUPS: [&[Row]; 11] = [
    CALL,
    MARK,
    &calls!("caller", caller, "by the caller"),
    CALLER_DAY,
    &one_ring!("caller", caller, "by the caller"),
    &calls!("caller_range_100", range_100, "by its block of 100 on this route"),
    &one_ring!("caller_range_100", range_100, "by its block of 100 on this route"),
    &callers!("caller_range_100", range_100, "by its block of 100 on this route"),
    &calls!("caller_range_10k", range_10k, "by its block of 10,000 on this route"),
    &callers!("caller_range_10k", range_10k, "by its block of 10,000 on this route"),
    END,
];

static ROWS: [Row; COUNT] = flatten();

const COUNT: usize = {
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
};

const fn flatten() -> [Row; COUNT] {
    let mut rows = [CALL[0]; COUNT];
    let (mut count, mut group) = (0, 0);
    while group < GROUPS.len() {
        let mut index = 0;
        while index < GROUPS[group].len() {
            rows[count] = GROUPS[group][index];
            count += 1;
            index += 1;
        }
        group += 1;
    }
    rows
}

const fn word(index: u8) -> Value {
    Value::Word(index)
}

fn int(count: u32) -> Value {
    Value::Int(i64::from(count))
}

fn number(number: Option<Number>) -> Value {
    number.map_or(Value::Unknown, Value::Number)
}

fn duration(span: Option<Duration>) -> Value {
    span.map_or(Value::Unknown, Value::Duration)
}

fn code(code: Option<u16>) -> Value {
    code.map_or(Value::Unknown, |code| Value::Int(i64::from(code)))
}

/// A share, 1 at most: an estimate of distinct numbers may exceed the calls.
fn share(part: u32, whole: u32) -> Value {
    if whole == 0 { Value::Unknown } else { Value::Ratio((f64::from(part) / f64::from(whole)).min(1.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_the_document_is_current() {
        let names: std::collections::BTreeSet<_> = FIELDS.iter().map(|field| field.name).collect();
        assert_eq!(names.len(), FIELDS.len());
        assert_eq!(find("q850_cause").map(|id| FIELDS[usize::from(id.0)].name), Some("q850_cause"));
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/FIELDS.md");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(path, markdown()).unwrap();
        }
        let is_current = std::fs::read_to_string(path).unwrap() == markdown();
        assert!(is_current, "docs/FIELDS.md is not what the table says; renew it with UPDATE_EXPECT=1");
    }
}
