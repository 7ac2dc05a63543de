//! Marks: what ended calls taught about a calling number or a block of them, until it expires.
//!
//! A mark on a number holds on every route; a mark on a block holds on the route it was learned on. For call-backs,
//! which leave by another route, each block's newest mark is kept once more for any route.

use std::hash::{Hash, Hasher};
use std::time::Duration;

use crate::base::class::{Class, Subject};
use crate::base::map::Seed;
use crate::base::number::Number;
use crate::base::range::Range;
use crate::base::route::RouteId;
use crate::base::time::At;
use crate::call::Call;
use crate::feature::table::Table;

/// What a rule wants remembered of a call.
#[derive(Clone, Copy, Debug)]
pub struct Lesson {
    /// What to mark.
    pub subject: Subject,
    /// As what.
    pub class: Class,
    /// For how long from now.
    pub ttl: Duration,
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
        let route = if matches!(subject, Subject::Caller) { None } else { route };
        Self { range: Range::of(number, subject.width()), route, subject }
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mark {
    class: Class,
    until: At,
}

/// All marks.
#[derive(Debug)]
pub struct Marks {
    table: Table<MarkKey, Mark>,
}

impl Marks {
    /// Room for `limit` marks.
    #[must_use]
    pub fn new(limit: usize, seed: Seed) -> Self {
        Self { table: Table::new(limit, seed) }
    }

    /// Marks the subject of a call: one of the same class in force is prolonged, one of another gives way. Nothing when
    /// the call has no calling number. How many marks gave way for want of room.
    pub fn learn(&mut self, call: &Call, at: At, lesson: Lesson) -> u32 {
        let Some(number) = call.calling.number else { return 0 };
        let key = MarkKey::new(lesson.subject, number, Some(call.route));
        let mut evicted = self.put(key, at, lesson);
        if lesson.subject == Subject::CallerRange100 {
            evicted += self.put(MarkKey { route: None, ..key }, at, lesson);
        }
        evicted
    }

    /// Class of the mark in force at `at`.
    #[must_use]
    pub fn class(&self, key: MarkKey, at: At) -> Option<Class> {
        self.table.get(&key).filter(|mark| at < mark.until).map(|mark| mark.class)
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

    /// Octets of memory at the limit.
    #[must_use]
    pub fn bytes_max(&self) -> usize {
        self.table.bytes_max()
    }

    fn put(&mut self, key: MarkKey, at: At, lesson: Lesson) -> u32 {
        let mut until = at + lesson.ttl;
        // What expires first gives way first.
        let (mark, evicted) = self.table.touch(key, seconds(until));
        let evicted = u32::from(evicted.is_some());
        if mark.class == lesson.class && at < mark.until {
            until = until.max(mark.until);
        }
        *mark = Mark { class: lesson.class, until };
        evicted
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

    #[test]
    fn expires_is_prolonged_and_is_replaced() {
        let mut marks = Marks::new(10, Seed(1));
        let call = call("48600000001", "48700000001");
        let key = MarkKey::new(Subject::Caller, call.calling.number.unwrap(), Some(call.route));
        let start = call.setup_at;
        let mut learn = |at, class, ttl| {
            marks.learn(&call, at, Lesson { subject: Subject::Caller, class, ttl });
            [HOUR / 2, HOUR, HOUR * 3 / 2].map(|later| marks.class(key, start + later))
        };
        let (flash, wangiri) = (Some(Class::Flash), Some(Class::Wangiri));
        assert_eq!(learn(start, Class::Flash, HOUR), [flash, None, None]);
        assert_eq!(learn(start + HOUR / 2, Class::Flash, HOUR), [flash, flash, None]);
        assert_eq!(learn(start + HOUR / 2, Class::Flash, HOUR / 60), [flash, flash, None], "never shortened");
        assert_eq!(learn(start + HOUR, Class::Wangiri, HOUR), [wangiri, wangiri, wangiri]);
    }

    #[test]
    fn what_expires_first_makes_room() {
        let mut marks = Marks::new(3, Seed(1));
        let calls: Vec<Call> = (0..5).map(|tail| call(&format!("4860000000{tail}"), "48700000001")).collect();
        for (tail, call) in (0_u32..).zip(&calls) {
            // What is marked first lasts longest.
            let lesson = Lesson { subject: Subject::Caller, class: Class::Flash, ttl: HOUR * (10 - tail) };
            assert_eq!(marks.learn(call, call.setup_at, lesson), u32::from(tail >= 3));
        }
        let is_kept = |call: &Call| {
            let key = MarkKey::new(Subject::Caller, call.calling.number.unwrap(), None);
            marks.class(key, call.setup_at).is_some()
        };
        assert_eq!(calls.iter().map(is_kept).collect::<Vec<_>>(), [true, true, false, false, true]);
        assert_eq!(marks.len(), 3);
    }
}
