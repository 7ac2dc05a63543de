//! The table of fields: one row each, from which the rule checker, the `fields` command and `docs/FIELDS.md` are made.
//!
//! A field that a call cannot have (figures of a caller without a number, the ring time of a call that never rang) is
//! unknown. Figures include the call itself once it has been answered or has ended.

mod behaviour;
mod call;
mod claims;
mod identity;
mod learned;
mod signed;
mod suspicion;
mod windows;

use std::cell::OnceCell;
use std::fmt::{self, Write as _};
use std::time::Duration;

use arrayvec::ArrayVec;

use crate::base::class::Subject;
use crate::base::field::{Facts, FieldId, FieldSpec, Point, Type, Unit, Value};
use crate::base::network::{Network, RoamingState};
use crate::base::number::{Number, Party};
use crate::base::numbering::NumberKind;
use crate::base::range::Range;
use crate::base::route::RouteClass;
use crate::base::time::At;
use crate::call::Call;
use crate::feature::Store;
use crate::feature::clock::seconds;
use crate::feature::evidence::{MODELS, Nats, Row as Evidence};
use crate::feature::mark::{Mark, MarkKey, Place};
use crate::feature::standing::{Standing, standing};
use crate::feature::tally::Figures;
use crate::feature::window::Tick;

const CALLS: Type = Type::Int(Unit::Calls);
const NUMBERS: Type = Type::Int(Unit::Numbers);
const CODE: Type = Type::Int(Unit::Code);
const DECIBELS: Type = Type::Int(Unit::Decibels);

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

Made from the table in `src/feature/fields/`; renew with `UPDATE_EXPECT=1 cargo test`. *Known at* says in which rules a
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
            Type::Int(Unit::Decibels) => "dB of evidence",
            Type::Int(Unit::Routes) => "count of routes",
            Type::Int(Unit::Times) => "multiple",
            Type::Ratio => "share",
            Type::Duration => "duration",
            Type::Number => "number",
            Type::Country => "country",
            Type::Enum(words) => return write!(f, "one of {}", words.join(", ")),
            Type::Text => "text",
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
    marks: OnceCell<ArrayVec<(Range, &'a Mark), 10>>,
    standing: OnceCell<Option<Standing>>,
    /// What is known of the caller itself.
    own: OnceCell<Evidence>,
    /// Most evidence against a block around the caller, by model.
    blocks: OnceCell<[Nats; MODELS]>,
    /// Kind of the calling number: several rules ask for it, and the answer is the dearest of all.
    caller_kind: OnceCell<NumberKind>,
    behaviour: behaviour::Cells,
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
            marks: OnceCell::new(),
            standing: OnceCell::new(),
            own: OnceCell::new(),
            blocks: OnceCell::new(),
            caller_kind: OnceCell::new(),
            behaviour: behaviour::Cells::new(),
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

    fn mark(&self, subject: Subject, party: &Party, place: Place) -> Value {
        let Some(number) = party.number else { return Value::Unknown };
        let key = MarkKey::block(subject, Range::of(number, subject.width()), place);
        let mark = self.store.marks.get(key, self.at);
        word(mark.map_or(0, |mark| mark.class as u8 + 1))
    }

    /// Where marks must hold to count for this call.
    fn place(&self) -> Place {
        Place::Class(self.route_class())
    }

    fn route_class(&self) -> RouteClass {
        self.network.routes.route(self.call.route).class
    }

    /// The marked blocks around `caller`.
    fn marks(&self, caller: Number) -> &[(Range, &'a Mark)] {
        self.marks.get_or_init(|| self.store.marks.around(caller, self.route_class(), self.at))
    }

    /// What is known of `caller`.
    fn own(&self, caller: Number) -> &Evidence {
        self.own.get_or_init(|| self.store.suspicion.caller(caller))
    }

    fn of_caller(&self, read: impl Fn(&Store, Number) -> Value) -> Value {
        self.call.calling.number.map_or(Value::Unknown, |caller| read(self.store, caller))
    }

    /// How the caller stands with the marks on blocks around it.
    fn standing(&self) -> Option<Standing> {
        *self.standing.get_or_init(|| {
            let caller = self.call.calling.number?;
            standing(
                (&self.store.suspicion, &self.store.people),
                (caller, self.call.route),
                self.marks(caller),
                seconds(self.at),
            )
        })
    }

    fn equipment_mark(&self) -> Option<&Mark> {
        (self.call.equipment != 0).then_some(())?;
        self.store.marks.get(MarkKey::equipment(self.call.equipment, self.place()), self.at)
    }

    fn equipment_purity(&self) -> Value {
        let Some(caller) = self.call.calling.number.filter(|_| self.call.equipment != 0) else {
            return Value::Unknown;
        };
        let purity = self.store.suspicion.equipment_purity(caller, self.call.route, self.call.equipment);
        purity.map_or(Value::Unknown, |purity| Value::Ratio(f64::from(purity)))
    }

    /// Whether the call is drawn to test a mark that would decide on it.
    fn is_probe(&self) -> bool {
        let Some(caller) = self.call.calling.number else { return false };
        let own = self.store.marks.get(MarkKey::number(caller, self.place()), self.at);
        let own = [own, self.equipment_mark()];
        // The mark that was confirmed last decides: one of them in doubt does not put the others in doubt.
        let draws = |mark: &Mark| mark.is_probe(self.call.id, seconds(self.at), self.store.seed);
        let mut marked =
            own.into_iter().flatten().chain(self.marks(caller).iter().map(|(_, mark)| *mark)).peekable();
        marked.peek().is_some() && marked.all(draws)
    }

    fn country(&self, party: &Party) -> Value {
        let country = party.number.and_then(|number| self.network.numbering.country(number));
        country.map_or(Value::Unknown, Value::Country)
    }

    fn caller_kind(&self) -> Value {
        let Some(number) = self.call.calling.number else { return Value::Unknown };
        Value::Word(*self.caller_kind.get_or_init(|| self.network.numbering.kind(number)) as u8)
    }

    fn kind(&self, party: &Party) -> Value {
        party.number.map_or(Value::Unknown, |number| Value::Word(self.network.numbering.kind(number) as u8))
    }

    fn is_national(&self, party: &Party) -> Value {
        party.number.map_or(Value::Unknown, |number| Value::Bool(self.network.numbering.is_home(number)))
    }

    /// What was answered when somebody was asked, else what the network file says of the moment of the setup.
    fn roaming(&self, number: Number) -> Option<RoamingState> {
        let answered = self.store.presence().answered(number, self.at).flatten();
        answered.or_else(|| self.network.roaming.at(number, self.call.setup_at))
    }

    /// Whether the calling subscriber is known to be abroad, or was until minutes ago.
    fn is_known_abroad(&self) -> bool {
        let Some(number) = self.call.calling.number else { return false };
        match self.store.presence().answered(number, self.at).flatten() {
            Some(state) => state == RoamingState::Roaming,
            None => self.network.roaming.is_abroad(number, self.call.setup_at),
        }
    }

    fn is_leaving(&self) -> bool {
        self.call.leaves_by.is_some() || self.network.is_leaving(self.call.way(), self.call.called.number)
    }

    fn has_missed(&self) -> Value {
        match (self.call.calling.number, self.call.called.number) {
            _ if !self.is_leaving() => Value::Bool(false),
            (Some(caller), Some(called)) => Value::Bool(self.store.has_missed(caller, called, self.at)),
            _ => Value::Unknown,
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

/// The rows, in the order of the document. A new file of fields adds a line.
const GROUPS: [&[Row]; 21] = [
    call::CALL,
    claims::CLAIMS,
    identity::IDENTITY,
    signed::SIGNED,
    learned::MARK,
    windows::GROUPS[0],
    windows::GROUPS[1],
    windows::GROUPS[2],
    windows::GROUPS[3],
    windows::GROUPS[4],
    windows::GROUPS[5],
    windows::GROUPS[6],
    windows::GROUPS[7],
    suspicion::SUSPICION,
    behaviour::CALLER,
    behaviour::PAYER,
    behaviour::CALLED,
    behaviour::ROUTE,
    call::END,
    suspicion::SUSPICION_END,
    behaviour::END,
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
    let mut rows = [GROUPS[0][0]; COUNT];
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

fn truth(known: Option<bool>) -> Value {
    known.map_or(Value::Unknown, Value::Bool)
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
