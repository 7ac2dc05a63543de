//! What was learned, written a slice at a time: calls go on changing it between two slices, and no slice takes long.
//!
//! A store is a row of parts, always in the same order. A part is one small value, or a table: its head, then its slots, each
//! behind an octet that says so, and an octet that says that it was the last. A [`Cursor`] goes through parts and slots once.
//! Slots do not move, so a key that nobody touches meanwhile is written once, as it is. Of one that is touched the file has what
//! it was when the cursor passed; of one that gave way behind the cursor and came back before it, both: the later one is newer.
//! So every table is valid by itself, and whatever spans several is counted anew when a file is read.

use std::fmt;
use std::marker::PhantomData;

use postcard::ser_flavors::Flavor;
use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::{Deserializer, Serialize};

/// Octets from which on a slice is full.
pub(super) const SLICE_OCTETS: usize = 64 << 10;
/// Room for the slot that fills a slice: a number with windows and two sets of distinct numbers at their largest has 13 kilooctets.
const SLOT_OCTETS: usize = 16 << 10;
/// What a value weighs at least, in octets: a table of empty slots shall not be one slice.
const WEIGHT_MIN: usize = 16;

/// How far a store is written.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    part: usize,
    /// Place in the part: 0 is its head.
    place: usize,
}

impl Cursor {
    /// Writes the next slice of `parts` behind what is in `out`, `most` octets and what is left of the slot that fills it; whether
    /// there is more.
    ///
    /// # Errors
    /// None, as long as every value says its length.
    pub(super) fn slice(
        &mut self,
        parts: &[&dyn Part],
        out: &mut Vec<u8>,
        most: usize,
    ) -> postcard::Result<bool> {
        out.reserve(most + SLOT_OCTETS);
        let mut page = Page { full_at: out.len() + most, out, padding: 0 };
        while let Some(part) = parts.get(self.part) {
            match part.write(self.place, &mut page)? {
                Some(place) => {
                    self.place = place;
                    return Ok(true);
                }
                None => *self = Self { part: self.part + 1, place: 0 },
            }
        }
        Ok(false)
    }
}

/// Where a slice is written.
pub(super) struct Page<'a> {
    out: &'a mut Vec<u8>,
    full_at: usize,
    /// What light values weigh beyond their octets.
    padding: usize,
}

impl Page<'_> {
    fn put<T: Serialize>(&mut self, value: &T) -> postcard::Result<()> {
        let before = self.out.len();
        postcard::serialize_with_flavor(value, Octets(self.out))?;
        self.padding += WEIGHT_MIN.saturating_sub(self.out.len() - before);
        Ok(())
    }

    const fn is_full(&self) -> bool {
        self.out.len() + self.padding >= self.full_at
    }
}

/// Octets behind those that are there already.
struct Octets<'a>(&'a mut Vec<u8>);

impl Flavor for Octets<'_> {
    type Output = ();

    fn try_push(&mut self, octet: u8) -> postcard::Result<()> {
        self.0.push(octet);
        Ok(())
    }

    fn try_extend(&mut self, octets: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(octets);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// A part of a store: a small value, or something of [`Slots`].
pub(super) trait Part {
    /// Writes from a place on until the page is full or the part ends: then there is no place to go on at.
    fn write(&self, place: usize, page: &mut Page<'_>) -> postcard::Result<Option<usize>>;
}

impl<T: Serialize> Part for T {
    fn write(&self, _: usize, page: &mut Page<'_>) -> postcard::Result<Option<usize>> {
        page.put(self)?;
        Ok(None)
    }
}

/// What is written slot by slot. Slots stay where they are; new ones are added behind the last.
pub(super) trait Slots: Sized {
    /// What is to be known before the first slot.
    type Head: Serialize + DeserializeOwned;
    /// A slot as it is read.
    type Slot: DeserializeOwned;

    /// The head as of now.
    fn head(&self) -> Self::Head;

    /// A slot as it is written; `None` behind the last.
    fn slot(&self, index: usize) -> Option<impl Serialize>;

    /// Takes a head and the slots that follow it, from an earlier one and from a file that may lie: what is refused has its reason,
    /// and there is a most to what is taken.
    fn take<E: Error>(
        head: Self::Head,
        next: impl FnMut() -> Result<Option<Self::Slot>, E>,
    ) -> Result<Self, E>;
}

/// [`Part::write`] of something with slots.
pub(super) fn write<T: Slots>(
    slots: &T,
    mut place: usize,
    page: &mut Page<'_>,
) -> postcard::Result<Option<usize>> {
    if place == 0 {
        page.put(&slots.head())?;
        place = 1;
    }
    while let Some(slot) = slots.slot(place - 1) {
        if page.is_full() {
            return Ok(Some(place));
        }
        page.put(&Some(slot))?;
        place += 1;
    }
    page.put(&None::<()>)?;
    Ok(None)
}

/// Reads what [`write`] wrote.
pub(super) fn read<'de, D: Deserializer<'de>, T: Slots>(from: D) -> Result<T, D::Error> {
    // How many slots there are stands nowhere: the last one says so.
    from.deserialize_tuple(usize::MAX, Reading(PhantomData))
}

struct Reading<T>(PhantomData<T>);

impl<'de, T: Slots> Visitor<'de> for Reading<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a table's head and its slots")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<T, A::Error> {
        let head = from.next_element()?.ok_or_else(|| A::Error::custom("a table has no head"))?;
        T::take(head, || Ok(from.next_element::<Option<T::Slot>>()?.flatten()))
    }
}

/// Refuses more slots of a type than memory can be had for: a number in a file must not end the program.
pub(super) fn check_room<T, E: Error>(slots: usize) -> Result<(), E> {
    Vec::<T>::new().try_reserve_exact(slots).map_err(|_| E::custom("a table is larger than memory"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::base::class::{Class, Subject};
    use crate::base::field::{Country, Facts, Point};
    use crate::base::map::Seed;
    use crate::base::network::{Network, RoamingState};
    use crate::base::numbering::Numbering;
    use crate::base::route::{Direction, Route, RouteClass, RouteId, Routes};
    use crate::call::{Call, ReleasedBy};
    use crate::feature::fields::{self, FIELDS};
    use crate::feature::known::{Day, Known, Seen};
    use crate::feature::mark::Lesson;
    use crate::feature::people::PeopleLimits;
    use crate::feature::presence::PresenceLimits;
    use crate::feature::table::Table;
    use crate::feature::tests::call;
    use crate::feature::{Limits, Store, behaviour};

    /// Slices of a few slots, with something done between two of them.
    fn sliced<T>(
        of: &mut T,
        parts: impl Fn(&T) -> Vec<&dyn Part>,
        mut between: impl FnMut(&mut T),
    ) -> Vec<u8> {
        let (mut cursor, mut out) = (Cursor::default(), Vec::new());
        while cursor.slice(&parts(of), &mut out, 40).unwrap() {
            between(of);
        }
        out
    }

    fn whole(store: &Store) -> Vec<u8> {
        let (mut cursor, mut out) = (Cursor::default(), Vec::new());
        while store.slice(&mut cursor, &mut out).unwrap() {}
        out
    }

    #[test]
    fn a_key_that_came_back_is_there_once_as_it_was_last() {
        let mut table: Table<u16, u32> = Table::new(8, Seed(1));
        // The first key is the one touched longest ago: any new key takes its slot, and it comes back in another.
        (0..8).for_each(|key| *table.touch(key, u32::from(key)).0 = 1);
        let mut returns = [100, 0].into_iter();
        let out = sliced(
            &mut table,
            |table| vec![table],
            |table| returns.by_ref().for_each(|key| *table.touch(key, 50).0 = 2),
        );
        let read: Table<u16, u32> = postcard::from_bytes(&out).unwrap();
        assert_eq!(read.iter().filter(|(key, _)| **key == 0).count(), 1);
        assert_eq!((read.get(&0), table.get(&0)), (Some(&2), Some(&2)));
        assert!(read.len() < 8, "a key is there twice, and two took the slots of others: {}", read.len());
    }

    proptest! {
        /// Whatever is put in between two slices.
        #[test]
        fn a_table_keeps_every_key_that_was_not_touched_meanwhile(
            limit in 1_usize..40,
            before in prop::collection::vec(0_u16..64, 0..200),
            between in prop::collection::vec(prop::collection::vec(0_u16..64, 0..6), 0..30),
        ) {
            let mut table: Table<u16, u32> = Table::new(limit, Seed(1));
            let (mut time, mut history) = (0, Vec::new());
            let mut touch = |table: &mut Table<u16, u32>, key: u16| {
                time += 1;
                *table.touch(key, time).0 = time;
                history.push((key, time));
            };
            before.iter().for_each(|key| touch(&mut table, *key));
            let mut turns = between.into_iter();
            let out = sliced(&mut table, |table| vec![table], |table| {
                turns.next().into_iter().flatten().for_each(|key| touch(table, key));
            });
            let read: Table<u16, u32> = postcard::from_bytes(&out).unwrap();
            prop_assert_eq!(read.limit(), limit);
            for (key, value) in table.iter().filter(|(_, value)| **value as usize <= before.len()) {
                prop_assert_eq!(read.get(key), Some(value), "{} was not touched", key);
            }
            for (key, value) in read.iter() {
                prop_assert!(history.contains(&(*key, *value)), "{} never had {}", key, value);
                prop_assert_eq!(read.iter().filter(|(other, _)| *other == key).count(), 1);
            }
        }

        #[test]
        fn a_table_written_at_once_goes_on_as_the_same(
            limit in 1_usize..40,
            before in prop::collection::vec(0_u16..64, 0..200),
            after in prop::collection::vec(0_u16..64, 0..200),
        ) {
            let mut table: Table<u16, u32> = Table::new(limit, Seed(1));
            for (time, key) in (0..).zip(before) {
                *table.touch(key, time).0 = time;
            }
            let mut read: Table<u16, u32> =
                postcard::from_bytes(&sliced(&mut table, |table| vec![table], |_| {})).unwrap();
            for (time, key) in (1_000..).zip(after) {
                let (one, other) = (table.touch(key, time).1, read.touch(key, time).1);
                prop_assert_eq!(one, other);
            }
            prop_assert_eq!(table.iter().collect::<Vec<_>>(), read.iter().collect::<Vec<_>>());
        }

        #[test]
        fn a_set_keeps_every_key_that_did_not_give_way(
            before in prop::collection::vec(0_u64..500, 1..200),
            between in prop::collection::vec(prop::collection::vec(500_u64..1_000, 0..20), 0..30),
        ) {
            let mut known = Known::new(200, 30, Seed(1));
            before.iter().for_each(|key| _ = known.insert(*key, Day(20_000)));
            let mut turns = between.into_iter();
            let out = sliced(&mut known, |known| vec![known], |known| {
                turns.next().into_iter().flatten().for_each(|key| _ = known.insert(key, Day(20_001)));
            });
            let mut read: Known = postcard::from_bytes(&out).unwrap();
            for key in before.iter().filter(|key| known.contains(**key, Day(20_001))) {
                prop_assert!(read.contains(*key, Day(20_001)), "{} did not give way", key);
            }
            prop_assert_eq!(read.bytes_max(), known.bytes_max());
            let held = (0..1_000).filter(|key| read.contains(*key, Day(20_001))).count();
            prop_assert_eq!(read.len(), held);
            prop_assert_eq!(read.insert(before[0], Day(20_040)), Seen::New);
        }
    }

    fn small() -> Store {
        let people = PeopleLimits { known: 40, pairs: 40, called: 40, blocks: 200, refused: 40 };
        let limits = Limits {
            callers: 40,
            ranges_100: 40,
            ranges_10k: 40,
            missed: 40,
            marks: 40,
            suspects: 200,
            people,
            distinct_slots: 64,
            presence: PresenceLimits { at_home: 40, pairs: 40, answers: 40 },
            behaviour: behaviour::Limits {
                callers: 40,
                called: 40,
                payers: 40,
                contacts: 40,
                cuts: 40,
                routes: 4,
            },
        };
        Store::new(limits, Seed(7))
    }

    fn network() -> Network {
        let routes = [RouteClass::International; 3].map(|class| Route::new("", class));
        let numbering = Numbering::new(Country(*b"PL")).unwrap();
        Network { routes: Routes::new(routes.into()), numbering, ..Network::unknown() }
    }

    /// Calls of a block of callers on a route: cut ones, talks, refused ones, calls out, a mark, an answer about roaming.
    fn play(store: &mut Store, network: &Network, (block, route): (u32, u16), calls: u32) {
        for index in 0..calls {
            let mut call =
                call(&format!("4870{block:04}{:03}", index % 7), &format!("4860{block:04}{index:03}"));
            call.route = RouteId(route);
            call.setup_at = call.setup_at + Duration::from_secs(u64::from(index) * 5);
            call.alert_at = Some(call.setup_at + Duration::from_secs(1));
            call.end_at = Some(call.setup_at + Duration::from_secs(3));
            call.released_by = Some(ReleasedBy::Calling);
            call.equipment = block;
            if index % 3 == 0 {
                call.answer_at = call.alert_at;
                call.end_at = Some(call.setup_at + Duration::from_secs(90));
            }
            if index % 5 == 0 {
                call.direction = Direction::Outbound;
            }
            whole_call(store, network, &call);
            let lesson =
                Lesson { subject: Subject::Caller, class: Class::Flash, ttl: Duration::from_secs(3_600) };
            store.mark(&call, network, call.setup_at, lesson);
            let who = call.called.number.unwrap();
            store.roaming(
                who,
                Some(RoamingState::Roaming),
                (call.setup_at, call.setup_at + Duration::from_secs(900)),
            );
        }
    }

    fn whole_call(store: &mut Store, network: &Network, call: &Call) {
        store.present(call, network);
        if call.equipment % 11 == 10 {
            store.refused(call, network);
            return;
        }
        store.begun(call, network);
        store.answered(call, network, false);
        store.hung_up(call, network);
        store.ended(call, network, false);
    }

    fn figures(store: &Store, network: &Network, (block, route): (u32, u16)) -> Vec<String> {
        let mut call = call(&format!("4870{block:04}001"), &format!("4860{block:04}001"));
        call.route = RouteId(route);
        let now = call.setup_at + Duration::from_secs(300);
        let moment = store.moment(network, &call, Point::Setup, now);
        FIELDS.iter().map(|field| format!("{:?}", moment.value(fields::find(field.name).unwrap()))).collect()
    }

    #[test]
    fn a_store_goes_on_as_it_was_written() {
        let (mut store, network) = (small(), network());
        for block in 0..12 {
            play(&mut store, &network, (block, 1 + block as u16 % 3), 60);
        }
        assert!(store.borrowed() > 0, "no set grew");
        let written = whole(&store);
        let mut read: Store = postcard::from_bytes(&written).unwrap();
        assert!(whole(&read) == written, "what is read is not what was written");
        assert_eq!((read.sizes(), read.pool.left()), (store.sizes(), store.pool.left()));
        let after = |store: &mut Store| {
            play(store, &network, (99, 2), 60);
            (whole(store), store.sizes())
        };
        assert!(after(&mut read) == after(&mut store), "it does not go on in the same way");
    }

    #[test]
    fn what_is_not_touched_meanwhile_is_judged_as_before() {
        let (mut store, network) = (small(), network());
        play(&mut store, &network, (1, 1), 30);
        let before = figures(&store, &network, (1, 1));
        let fresh = figures(&small(), &network, (1, 1));
        let learned = before.iter().zip(&fresh).filter(|(one, other)| one != other).count();
        assert!(learned > 10, "only {learned} fields say anything");
        let mut turn = 0;
        let out = sliced(&mut store, Store::parts, |store| {
            turn += 1;
            // Of other callers, to others, on another route; fewer than there is room for.
            if turn <= 12 {
                play(store, &network, (2, 2), turn);
            }
        });
        assert!(turn > 12, "only {turn} slices");
        let read: Store = postcard::from_bytes(&out).unwrap();
        assert_eq!(figures(&read, &network, (1, 1)), before);
        assert_eq!(read.pool.left(), 64_usize.saturating_sub(read.borrowed()));
    }

    #[test]
    fn a_slice_is_bounded_and_leaves_no_table_out() {
        let mut store = small();
        play(&mut store, &network(), (1, 1), 60);
        let (mut cursor, mut out, mut slices) = (Cursor::default(), Vec::new(), 0);
        loop {
            let before = out.len();
            let is_more = cursor.slice(&store.parts(), &mut out, 100).unwrap();
            slices += 1;
            assert!(out.len() - before < 100 + SLOT_OCTETS, "{} octets", out.len() - before);
            if !is_more {
                break;
            }
        }
        assert!(slices > 100, "{slices}");
        assert!(out == whole(&store));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// Its checksum fits all the same.
        #[test]
        fn a_file_that_lies_is_refused_or_is_a_store(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            static WRITTEN: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| {
                let mut store = small();
                (0..3).for_each(|block| play(&mut store, &network(), (block, 1), 30));
                whole(&store)
            });
            let mut octets = WRITTEN.clone();
            changes.iter().for_each(|(at, octet)| *at.get_mut(&mut octets) = *octet);
            if let Ok(mut read) = postcard::from_bytes::<Store>(&octets) {
                prop_assert!(read.bytes_max() < 1 << 40);
                play(&mut read, &network(), (1, 1), 20);
                figures(&read, &network(), (1, 1));
            }
        }
    }
}
