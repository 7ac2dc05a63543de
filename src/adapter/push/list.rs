//! The list that a switch shall hold, and what it is known to hold. Time is given; nothing is sent from here.
//!
//! Bounded: when it is full, what ends first gives way to what lasts longer. What ended needs no word to the switch,
//! which forgets it by itself at the same moment.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::base::class::Class;
use crate::base::map::{Map, Seed};
use crate::base::range::Range;
use crate::base::route::RouteClass;
use crate::base::time::At;

/// What an entry is about: a block of numbers, or one, as calling number of calls on routes of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Class of the routes; a number forged abroad says nothing against its owner at home.
    pub place: RouteClass,
    /// The block.
    pub range: Range,
}

/// What is said of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value {
    /// Source of what.
    pub class: Class,
    /// When it is forgotten; whole seconds.
    pub expires: At,
}

/// One change of the switch's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Of what.
    pub key: Key,
    /// What it shall be; `None`: it shall not be there.
    pub value: Option<Value>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    wanted: Option<Value>,
    /// What the switch has acknowledged; `Some(None)`: that it is not there.
    held: Option<Option<Value>>,
    /// Since when the two have differed.
    since: Option<At>,
}

/// Why an entry is not in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// It ended before it came.
    Ended,
    /// The list is full of longer ones.
    Full,
}

/// The list.
#[derive(Debug)]
pub struct List {
    slots: Map<Key, Slot>,
    by_end: BTreeSet<(At, Key)>,
    pending: BTreeSet<(At, Key)>,
    /// Entries that the switch would forget too early, by when it would.
    ahead: BTreeSet<(At, Key)>,
    acknowledged: usize,
    max: usize,
}

/// How long before the switch would forget an entry that has been prolonged it is told so, at the latest.
const REFRESH: Duration = Duration::from_secs(60);

impl List {
    /// An empty list for `max` entries.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self {
            slots: Map::with_hasher(Seed::default()),
            by_end: BTreeSet::new(),
            pending: BTreeSet::new(),
            ahead: BTreeSet::new(),
            acknowledged: 0,
            max,
        }
    }

    /// Wants an entry. One that is there already and ends later stays as it is, unless its class is another.
    ///
    /// # Errors
    /// Why it is not wanted.
    pub fn want(&mut self, key: Key, value: Value, now: At) -> Result<(), Left> {
        if value.expires <= now {
            return Err(Left::Ended);
        }
        let old = self.slots.get(&key).and_then(|slot| slot.wanted);
        if old.is_some_and(|old| old.class == value.class && old.expires >= value.expires) {
            return Ok(());
        }
        if old.is_none() && self.by_end.len() >= self.max {
            match self.by_end.first().copied() {
                Some((end, first)) if end < value.expires => self.unwant(first, now),
                _ => return Err(Left::Full),
            }
        }
        self.change(key, now, |slot| slot.wanted = Some(value));
        Ok(())
    }

    /// Wants it no more.
    pub fn unwant(&mut self, key: Key, now: At) {
        if self.slots.contains_key(&key) {
            self.change(key, now, |slot| slot.wanted = None);
        }
    }

    /// Wants these and no others.
    pub fn replace(&mut self, wanted: &BTreeMap<Key, Value>, now: At) {
        let others: Vec<Key> =
            self.by_end.iter().map(|(_, key)| *key).filter(|key| !wanted.contains_key(key)).collect();
        for key in others {
            self.unwant(key, now);
        }
    }

    /// Forgets what has ended, as the switch does; finds what it would forget too early.
    pub fn expire(&mut self, now: At) {
        while let Some((end, key)) = self.ahead.first().copied()
            && end <= now + REFRESH
        {
            self.change(key, now, |_| {});
        }
        while let Some((end, key)) = self.by_end.first().copied()
            && end <= now
        {
            self.change(key, now, |slot| *slot = Slot::default());
        }
    }

    /// The oldest changes that the switch has not acknowledged, at most so many.
    #[must_use]
    pub fn due(&self, most: usize) -> Vec<Change> {
        let change = |(_, key): &(At, Key)| Some(Change { key: *key, value: self.slots.get(key)?.wanted });
        self.pending.iter().take(most).filter_map(change).collect()
    }

    /// The switch has taken a change.
    pub fn acknowledge(&mut self, change: Change, now: At) {
        self.change(change.key, now, |slot| slot.held = Some(change.value));
    }

    /// Takes what the switch says it holds for what it holds. What it holds and should not is removed from it if
    /// `prune`: as long as not all that should be there is known, it is left alone.
    pub fn compare(&mut self, held: &BTreeMap<Key, Value>, prune: bool, now: At) {
        let known: BTreeSet<Key> = self.slots.keys().copied().collect();
        for key in known {
            self.change(key, now, |slot| slot.held = Some(held.get(&key).copied()));
        }
        for (key, value) in held {
            // What is not wanted may be as much again as what is; the rest ends by itself.
            if prune && !self.slots.contains_key(key) && self.slots.len() < self.max.saturating_mul(2) {
                self.change(*key, now, |slot| slot.held = Some(Some(*value)));
            }
        }
    }

    /// The switch holds nothing: it was started anew.
    pub fn forget_held(&mut self, now: At) {
        self.compare(&BTreeMap::new(), false, now);
    }

    /// Every entry that is wanted, in order of its end.
    pub fn wanted(&self) -> impl Iterator<Item = Change> {
        self.by_end
            .iter()
            .filter_map(|(_, key)| Some(Change { key: *key, value: self.slots.get(key)?.wanted }))
    }

    /// How many entries are wanted.
    #[must_use]
    pub fn wanted_count(&self) -> usize {
        self.by_end.len()
    }

    /// How many of them the switch has acknowledged, if with an earlier end.
    #[must_use]
    pub const fn acknowledged_count(&self) -> usize {
        self.acknowledged
    }

    /// Changes that the switch has not acknowledged.
    #[must_use]
    pub fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// How long the oldest of them has been waiting.
    #[must_use]
    pub fn lag(&self, now: At) -> Duration {
        self.pending.first().map_or(Duration::ZERO, |(since, _)| now.since(*since))
    }

    /// Changes a slot, and what is kept of it elsewhere.
    fn change(&mut self, key: Key, now: At, how: impl FnOnce(&mut Slot)) {
        let mut slot = self.slots.get(&key).copied().unwrap_or_default();
        let old = slot;
        how(&mut slot);
        if let Some(wanted) = old.wanted {
            self.by_end.remove(&(wanted.expires, key));
        }
        if let Some(wanted) = slot.wanted {
            self.by_end.insert((wanted.expires, key));
        }
        self.acknowledged -= usize::from(old.is_acknowledged());
        self.acknowledged += usize::from(slot.is_acknowledged());
        if let Some(since) = old.since {
            self.pending.remove(&(since, key));
        } else if let Some(end) = old.ends_early() {
            self.ahead.remove(&(end, key));
        }
        slot.since = slot.is_to_be_told(now).then(|| old.since.unwrap_or(now));
        if let Some(since) = slot.since {
            self.pending.insert((since, key));
        } else if let Some(end) = slot.ends_early() {
            self.ahead.insert((end, key));
        }
        if slot.wanted.is_none() && slot.since.is_none() {
            self.slots.remove(&key);
        } else {
            self.slots.insert(key, slot);
        }
    }
}

impl Slot {
    fn is_acknowledged(&self) -> bool {
        let class = |value: Value| value.class;
        self.wanted.is_some() && self.held.flatten().map(class) == self.wanted.map(class)
    }

    /// When the switch would forget it, if that is too early.
    fn ends_early(&self) -> Option<At> {
        let (wanted, held) = (self.wanted?, self.held??);
        (held.expires < wanted.expires).then_some(held.expires)
    }

    /// Whether the switch should hear of it. A block that is marked again with every call is told again when the switch
    /// would forget it a tenth of its time too early, or soon.
    fn is_to_be_told(&self, now: At) -> bool {
        match (self.wanted, self.held) {
            (None, None | Some(None)) => false,
            (None, Some(Some(held))) => held.expires > now,
            (Some(_), None | Some(None)) => true,
            (Some(wanted), Some(Some(held))) => {
                wanted.class != held.class
                    || wanted.expires < held.expires
                    || wanted.expires.since(held.expires) * 10 > wanted.expires.since(now)
                    || held.expires < wanted.expires && held.expires <= now + REFRESH
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: u64) -> At {
        At::from_nanos(seconds * 1_000_000_000)
    }

    fn key(text: &str) -> Key {
        Key { place: RouteClass::International, range: Range::parse(text).unwrap() }
    }

    fn until(seconds: u64) -> Value {
        Value { class: Class::Wangiri, expires: at(seconds) }
    }

    /// Acknowledges all that is due.
    fn settle(list: &mut List, now: At) -> usize {
        let due = list.due(usize::MAX);
        for change in &due {
            list.acknowledge(*change, now);
        }
        due.len()
    }

    #[test]
    fn entries_wait_until_they_are_acknowledged() {
        let mut list = List::new(10);
        let (one, two) = (key("+4860123xxxx"), key("+48601234567"));
        list.want(one, until(1_000), at(10)).unwrap();
        list.want(two, until(2_000), at(20)).unwrap();
        assert_eq!(
            (list.wanted_count(), list.acknowledged_count(), list.lag(at(30))),
            (2, 0, Duration::from_secs(20))
        );
        let due = list.due(1);
        assert_eq!(due, [Change { key: one, value: Some(until(1_000)) }], "the oldest first");
        list.acknowledge(due[0], at(30));
        assert_eq!((list.acknowledged_count(), list.lag(at(30))), (1, Duration::from_secs(10)));
        assert_eq!(settle(&mut list, at(30)), 1);
        assert_eq!((list.acknowledged_count(), list.lag(at(30))), (2, Duration::ZERO));
        list.unwant(one, at(40));
        assert_eq!(list.due(9), [Change { key: one, value: None }]);
        settle(&mut list, at(41));
        assert_eq!((list.wanted_count(), list.pending_count(), list.slots.len()), (1, 0, 1));
        list.expire(at(2_000));
        assert_eq!((list.wanted_count(), list.pending_count(), list.slots.len()), (0, 0, 0));
        assert_eq!(list.want(one, until(1_000), at(1_000)), Err(Left::Ended));
    }

    #[test]
    fn a_change_while_another_is_under_way_is_not_lost() {
        let mut list = List::new(10);
        let one = key("+4860123xxxx");
        list.want(one, until(1_000), at(0)).unwrap();
        let under_way = list.due(1);
        list.want(one, Value { class: Class::Flash, expires: at(500) }, at(1)).unwrap();
        list.acknowledge(under_way[0], at(2));
        assert_eq!(list.acknowledged_count(), 0);
        assert_eq!(list.due(1)[0].value.unwrap().class, Class::Flash);
    }

    #[test]
    fn longer_life_is_told_by_tenths() {
        let mut list = List::new(10);
        let one = key("+4860123xxxx");
        list.want(one, until(1_000), at(0)).unwrap();
        settle(&mut list, at(0));
        list.want(one, until(1_050), at(50)).unwrap();
        assert_eq!(list.pending_count(), 0);
        list.expire(at(939));
        assert_eq!(list.pending_count(), 0);
        list.expire(at(940));
        assert_eq!(list.due(1)[0].value, Some(until(1_050)), "before the switch forgets it");
        settle(&mut list, at(940));
        list.want(one, until(2_000), at(941)).unwrap();
        assert_eq!(list.due(1)[0].value, Some(until(2_000)));
    }

    #[test]
    fn a_full_list_keeps_what_lasts_longest() {
        let mut list = List::new(2);
        let keys = [key("+4860123xxxx"), key("+4860124xxxx"), key("+4860125xxxx")];
        list.want(keys[0], until(100), at(0)).unwrap();
        list.want(keys[1], until(200), at(0)).unwrap();
        assert_eq!(list.want(keys[2], until(50), at(0)), Err(Left::Full));
        list.want(keys[2], until(300), at(0)).unwrap();
        let kept: Vec<Key> = list.wanted().map(|change| change.key).collect();
        assert_eq!(kept, keys[1..]);
        assert_eq!(list.pending_count(), 2, "the first was never told");
    }

    #[test]
    fn compares_with_what_the_switch_holds() {
        let keys = [key("+4860123xxxx"), key("+4860124xxxx"), key("+4860125xxxx"), key("+4860126xxxx")];
        let held = BTreeMap::from([
            (keys[0], until(1_000)),
            (keys[1], Value { class: Class::Flash, expires: at(1_000) }),
            (keys[3], until(1_000)),
        ]);
        for (prune, expected) in [(false, vec![1, 2]), (true, vec![1, 2, 3])] {
            let mut list = List::new(10);
            for key in &keys[..3] {
                list.want(*key, until(1_000), at(0)).unwrap();
            }
            list.compare(&held, prune, at(0));
            let due: Vec<usize> = list
                .due(9)
                .iter()
                .map(|change| keys.iter().position(|key| *key == change.key).unwrap())
                .collect();
            assert_eq!((due, list.acknowledged_count()), (expected, 1));
            list.forget_held(at(0));
            assert_eq!((list.pending_count(), list.acknowledged_count()), (3, 0));
        }
    }

    #[test]
    fn a_snapshot_drops_the_others() {
        let mut list = List::new(10);
        let (one, two) = (key("+4860123xxxx"), key("+4860124xxxx"));
        list.want(one, until(100), at(0)).unwrap();
        list.want(two, until(100), at(0)).unwrap();
        settle(&mut list, at(0));
        list.replace(&BTreeMap::from([(two, until(100))]), at(1));
        assert_eq!(list.due(9), [Change { key: one, value: None }]);
    }

    proptest! {
        /// Whatever happens, the books agree, the bound holds, and a switch that does as it is told ends up with the list.
        #[test]
        fn a_switch_that_listens_holds_the_list(steps in proptest::collection::vec((0..5_u8, 0..20_u64, 1..50_u64), 0..200)) {
            let mut list = List::new(8);
            let mut switch: BTreeMap<Key, Value> = BTreeMap::new();
            let mut now = 0;
            for (step, which, span) in steps {
                let key = key(&format!("+486{which:02}xxxxxx"));
                match step {
                    0 => now += span,
                    1 => { let _ = list.want(key, until(now + span), at(now)); }
                    2 => list.unwant(key, at(now)),
                    3 => {
                        for change in list.due(3) {
                            match change.value {
                                Some(value) => { switch.insert(change.key, value); }
                                None => { switch.remove(&change.key); }
                            }
                            list.acknowledge(change, at(now));
                        }
                    }
                    _ => {
                        switch.clear();
                        list.forget_held(at(now));
                    }
                }
                list.expire(at(now));
                switch.retain(|_, value| value.expires > at(now));
                prop_assert!(list.wanted_count() <= 8);
                let wanted: Vec<Change> = list.wanted().collect();
                prop_assert_eq!(wanted.len(), list.wanted_count());
                prop_assert!(list.acknowledged_count() <= list.wanted_count());
            }
            while list.pending_count() > 0 {
                for change in list.due(3) {
                    match change.value {
                        Some(value) => { switch.insert(change.key, value); }
                        None => { switch.remove(&change.key); }
                    }
                    list.acknowledge(change, at(now));
                }
            }
            let wanted: BTreeMap<Key, Class> = list.wanted().map(|change| (change.key, change.value.unwrap().class)).collect();
            let held: BTreeMap<Key, Class> = switch.iter().map(|(key, value)| (*key, value.class)).collect();
            prop_assert_eq!(held, wanted);
        }
    }
}
