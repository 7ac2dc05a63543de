//! Marks: what ended calls taught about a calling number or a block of them, until it expires.
//!
//! A mark on a number holds on every route; a mark on a block holds on the route it was learned on. For call-backs,
//! which leave by another route, each block's newest mark is kept once more for any route.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use crate::base::class::{Class, Subject};
use crate::base::field::{FieldId, Value};
use crate::base::map::Seed;
use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::route::RouteId;
use crate::base::time::At;
use crate::call::{Call, CallId};
use crate::feature::table::Table;

/// One reason for a mark: a field, its value then, and the bound it was held against, in whatever numbering the ruleset
/// has for bounds.
pub type Witness = (FieldId, Value, u16);

/// What a rule wants remembered of a call.
#[derive(Clone, Copy, Debug)]
pub struct Lesson<'a> {
    /// What to mark.
    pub subject: Subject,
    /// As what.
    pub class: Class,
    /// For how long from now.
    pub ttl: Duration,
    /// Index of the rule.
    pub rule: u16,
    /// Why.
    pub evidence: &'a [Witness],
}

/// What a mark is on: a block of numbers (of one, for a caller), on a route or on any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkKey {
    /// The number or block.
    pub range: Range,
    /// The route; `None` is any.
    pub route: Option<RouteId>,
    /// What the mark was taken from.
    pub subject: Subject,
}

impl MarkKey {
    /// Key of the mark that holds for `number` as a `subject` of calls on `route`.
    #[must_use]
    pub const fn new(subject: Subject, number: Number, route: Option<RouteId>) -> Self {
        let (width, route) = match subject {
            Subject::Caller => (0, None),
            Subject::CallerRange100 => (2, route),
            Subject::CallerRange10k => (4, route),
        };
        Self { range: Range::of(number, width), route, subject }
    }
}

/// Two words: a derived hash would feed five parts to the hasher, and a setup looks up five keys.
impl Hash for MarkKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.range.prefix());
        let route = self.route.map_or(0, |route| u64::from(route.0) + 1);
        state.write_u64(route << 8 | self.subject as u64);
    }
}

/// A mark.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mark {
    /// As what.
    pub class: Class,
    /// When it was made; renewals leave it.
    pub made: At,
    /// When it ends.
    pub until: At,
    /// Index of the rule that made it.
    pub rule: u16,
    /// Call that made it.
    pub call: CallId,
    /// Why, as it was when it was made.
    pub evidence: Box<[Witness]>,
    serial: u64,
}

/// All marks.
#[derive(Debug)]
pub struct Marks {
    table: Table<MarkKey, Option<Mark>>,
    made: u64,
}

/// What became of a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Learned {
    /// A mark that was not in force before.
    pub is_new: bool,
    /// Marks that gave way to it.
    pub evicted: u32,
}

impl Marks {
    /// Room for `limit` marks.
    #[must_use]
    pub fn new(limit: usize, seed: Seed) -> Self {
        Self { table: Table::new(limit, seed), made: 0 }
    }

    /// Marks the subject of a call. One of the same class in force is prolonged; one of another gives way. `None` when
    /// the call has no calling number.
    pub fn learn(&mut self, call: &Call, at: At, lesson: &Lesson<'_>) -> Option<Learned> {
        let number = call.calling.number?;
        let key = MarkKey::new(lesson.subject, number, Some(call.route));
        let mut learned = self.put(key, call.id, at, lesson);
        if lesson.subject == Subject::CallerRange100 {
            learned.evicted += self.put(MarkKey { route: None, ..key }, call.id, at, lesson).evicted;
        }
        Some(learned)
    }

    /// Class of the mark in force at `at`.
    #[must_use]
    pub fn class(&self, key: MarkKey, at: At) -> Option<Class> {
        self.mark(key, at).map(|mark| mark.class)
    }

    /// The mark in force at `at`.
    #[must_use]
    pub fn mark(&self, key: MarkKey, at: At) -> Option<&Mark> {
        self.table.get(&key)?.as_ref().filter(|mark| at < mark.until)
    }

    /// The marks in force at `at`, in the order they were made. The copies for any route are left out.
    #[must_use]
    pub fn in_force(&self, at: At) -> Vec<(MarkKey, &Mark)> {
        let is_copy = |key: &MarkKey| key.subject != Subject::Caller && key.route.is_none();
        let mut marks: Vec<_> = self
            .table
            .iter()
            .filter(|(key, _)| !is_copy(key))
            .filter_map(|(key, mark)| Some((*key, mark.as_ref().filter(|mark| at < mark.until)?)))
            .collect();
        marks.sort_unstable_by_key(|(_, mark)| mark.serial);
        marks
    }

    /// Marks kept, with copies and expired ones.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether nothing was ever marked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// Octets of memory at the limit, without evidence.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.table.bytes_max()
    }

    fn put(&mut self, key: MarkKey, call: CallId, at: At, lesson: &Lesson<'_>) -> Learned {
        let until = at + lesson.ttl;
        // What expires first gives way first.
        let (slot, evicted) = self.table.touch(key, seconds(until));
        let evicted = u32::from(evicted.is_some());
        if let Some(mark) = slot
            && mark.class == lesson.class
            && at < mark.until
        {
            mark.until = mark.until.max(until);
            return Learned { is_new: false, evicted };
        }
        self.made += 1;
        *slot = Some(Mark {
            class: lesson.class,
            made: at,
            until,
            rule: lesson.rule,
            call,
            evidence: lesson.evidence.into(),
            serial: self.made,
        });
        Learned { is_new: true, evicted }
    }
}

/// Whole seconds since the Unix epoch, as tables rank their keys.
pub(super) const fn seconds(at: At) -> u32 {
    let seconds = at.nanos() / 1_000_000_000;
    if seconds > u32::MAX as u64 { u32::MAX } else { seconds as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::tests::call;

    const HOUR: Duration = Duration::from_secs(3600);

    fn lesson(class: Class, ttl: Duration, evidence: &[Witness]) -> Lesson<'_> {
        Lesson { subject: Subject::Caller, class, ttl, rule: 1, evidence }
    }

    #[test]
    fn expires_is_prolonged_and_is_replaced() {
        let mut marks = Marks::new(10, Seed(1));
        let call = call("48600000001", "48700000001");
        let key = MarkKey::new(Subject::Caller, call.calling.number.unwrap(), Some(call.route));
        let start = call.setup_at;
        let why = [(FieldId(3), Value::Int(20), 1)];
        let mut is_new = |at, class, ttl, why| {
            let learned = marks.learn(&call, at, &lesson(class, ttl, why)).unwrap();
            (learned.is_new, marks.mark(key, at).unwrap().clone())
        };
        assert!(is_new(start, Class::Flash, HOUR, &why).0);
        let (again, mark) = is_new(start + HOUR / 2, Class::Flash, HOUR, &[]);
        assert!(!again);
        assert_eq!((mark.made, mark.until, &mark.evidence[..]), (start, start + HOUR * 3 / 2, &why[..]));
        assert!(!is_new(start + HOUR / 2, Class::Flash, HOUR / 60, &[]).0);
        let (other, mark) = is_new(start + HOUR, Class::Wangiri, HOUR, &[]);
        assert!(other);
        assert_eq!((mark.class, mark.made), (Class::Wangiri, start + HOUR));
        assert!(is_new(start + HOUR * 2, Class::Wangiri, HOUR, &[]).0);
        assert_eq!(marks.class(key, start + HOUR * 3), None);
    }

    #[test]
    fn are_listed_in_the_order_they_were_made_and_bounded() {
        let mut marks = Marks::new(3, Seed(1));
        for tail in 0..5 {
            let call = call(&format!("4860000000{tail}"), "48700000001");
            // What is marked first lasts longest: the one that expires first gives way.
            let ttl = HOUR * (10 - tail);
            let learned = marks.learn(&call, call.setup_at, &lesson(Class::Flash, ttl, &[])).unwrap();
            assert_eq!(learned.evicted, u32::from(tail >= 3));
        }
        let at = call("48600000000", "48700000001").setup_at;
        let kept: Vec<_> = marks.in_force(at).iter().map(|(key, _)| key.range.to_string()).collect();
        assert_eq!(kept, ["+48600000000", "+48600000001", "+48600000004"]);
        assert!(marks.in_force(at + HOUR * 10).is_empty());
    }
}
