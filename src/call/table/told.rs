//! What switches tell of finished calls, joined with the calls of the table: one record a call, whoever tells of it, under
//! whatever name, and however late. A call record comes minutes after the end of a call, and may come again.

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::time::Duration;

use crate::base::fault::{Kind, Layer};
use crate::base::map::{Parts, Seed};
use crate::base::number::Number;
use crate::base::time::At;
use crate::call::event::{Call, CallEvent, CallKey, ReleasedBy, Stamp, Stamped};
use crate::call::machine::State;
use crate::call::table::slots::key_of;
use crate::call::table::{CallOptions, CallTable, Entry};
use crate::call::told::Told;
use crate::signal::{Leg, Setup};

/// Keys of a call: its Call-ID; this and the called number; both numbers and when. 0: it has no such key.
type Keys = [u64; 3];
/// Calling and called number.
type Numbers = (Number, Number);

/// Calls by what their call records name, those that are over too.
#[derive(Debug)]
pub(super) struct Known {
    calls: Parts<u64, KnownCall>,
    /// When each became known, its number, and its keys.
    order: VecDeque<(At, u64, Keys)>,
    options: CallOptions,
}

#[derive(Clone, Copy, Debug)]
struct KnownCall {
    setup_at: At,
    called: Option<Number>,
    seq: u64,
    slot: u32,
    /// Its call record has come.
    is_told: bool,
}

/// The key of a Call-ID that stands for several calls: forwarded ones, to each of their called numbers.
pub(super) fn named(seed: Seed, hash: u64, called: Option<Number>) -> u64 {
    seed.hash_one((hash, called)).max(1)
}

/// Whether these are not two different called numbers: a call forwarded under the same Call-ID is another call.
fn may_be_same(one: Option<Number>, other: Option<Number>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one == other)
}

impl Known {
    /// Knows no call.
    pub fn new(options: &CallOptions) -> Self {
        Self { calls: Parts::with_hasher(options.seed), order: VecDeque::new(), options: *options }
    }

    /// Notes a call that has just been set up.
    pub fn note(&mut self, now: At, slot: u32, entry: &Entry) {
        if self.options.told_max == 0 {
            return;
        }
        let call = &entry.call;
        let name = if matches!(call.key, CallKey::Sip(_)) { entry.hash } else { 0 };
        let [name, named] = self.names(name, call.called.number);
        let about = self.about(call.calling.number.zip(call.called.number), self.span(call.setup_at));
        let (setup_at, called) = (call.setup_at, call.called.number);
        let known = KnownCall { setup_at, called, seq: call.seq, slot, is_told: false };
        self.insert(now, [name, named, about], known);
    }

    fn insert(&mut self, now: At, keys: Keys, call: KnownCall) {
        while let Some((at, seq, keys)) = self.order.front().copied()
            && (self.order.len() >= self.options.told_max || now.since(at) > self.options.told_hold)
        {
            self.order.pop_front();
            for key in keys {
                // A later call of the same name has a place of its own in the order.
                if self.calls.get(&key).is_some_and(|call| call.seq == seq) {
                    self.calls.remove(&key);
                }
            }
        }
        if self.options.told_max > 0 {
            self.order.push_back((now, call.seq, keys));
            for key in keys.into_iter().filter(|key| *key != 0) {
                self.calls.insert(key, call);
            }
        }
    }

    /// The keys of its names.
    fn names(&self, name: u64, called: Option<Number>) -> [u64; 2] {
        if name == 0 { [0; 2] } else { [name, named(self.options.seed, name, called)] }
    }

    /// The key of a call's numbers and about when it was set up.
    fn about(&self, numbers: Option<Numbers>, span: u64) -> u64 {
        numbers.map_or(0, |numbers| self.options.seed.hash_one((numbers, span)).max(1))
    }

    /// The key of what was told: a name, or else the calling number; the called number, for a name may stand for several
    /// calls of one second; and when exactly the call was set up.
    fn exactly(&self, name: u64, setup: &Setup, at: At) -> u64 {
        let calling = (name == 0).then_some(setup.calling.number);
        self.options.seed.hash_one((at.nanos(), name, calling, setup.called.number)).max(1)
    }

    /// Time in steps that are short beside what may lie between two setups that are one.
    fn span(&self, at: At) -> u64 {
        let step = (self.options.join / 8).max(Duration::from_secs(1)).as_nanos();
        at.nanos() / u64::try_from(step).unwrap_or(u64::MAX)
    }

    /// What was told before if this was; else the call that this is told of, and a key of it: by name, else by numbers and
    /// time.
    fn find(&self, name: u64, setup: &Setup, setup_at: At) -> Option<(u64, KnownCall)> {
        let get = |key: u64| Some((key, *self.calls.get(&key).filter(|_| key != 0)?));
        let numbers = setup.calling.number.zip(setup.called.number);
        if let Some(found) = get(self.exactly(name, setup, setup_at)) {
            return Some(found);
        }
        let [name, named] = self.names(name, setup.called.number);
        let is_it = |call: &KnownCall| !call.is_told && may_be_same(call.called, setup.called.number);
        let by_name = [named, name].into_iter().filter_map(get).find(|(_, call)| is_it(call));
        by_name.or_else(|| {
            let join = self.options.join;
            let spans = self.span(setup_at.before(join))..=self.span(setup_at + join);
            let distance =
                |call: &KnownCall| call.setup_at.since(setup_at).max(setup_at.since(call.setup_at));
            numbers
                .into_iter()
                .flat_map(|numbers| {
                    spans.clone().filter_map(move |span| get(self.about(Some(numbers), span)))
                })
                .filter(|(_, call)| !call.is_told && distance(call) <= join)
                .min_by_key(|(_, call)| distance(call))
        })
    }
}

impl CallTable {
    /// Takes what a switch tells of a finished call, at `at`, as input number `seq`. A call that was never seen is set up
    /// and ended at once. One that has been recorded already is not recorded again: `call late`, or `call duplicate` when
    /// this was told before.
    pub fn told(&mut self, told: Told, (hash, at, seq): (u64, At, u64), out: &mut Vec<Stamped>) {
        self.advance(at, out);
        let found = self.known.find(hash, &told.setup, told.setup_at);
        if found.is_some_and(|(_, call)| call.is_told) {
            self.faults.count(Layer::Call, Kind::Duplicate);
            return;
        }
        self.remember(found, &told, (hash, seq));
        let leg = told.call_id.as_deref().map(Leg::Sip);
        let live = match found {
            Some((_, call)) => self.live(call.slot).filter(|live| *live == call.seq).map(|_| call.slot),
            // It was forgotten, for want of room.
            None => {
                let by_name =
                    leg.as_ref().and_then(|leg| self.find_named(hash, leg, told.setup.called.number));
                let slot = by_name.or_else(|| self.joinable(&told.setup, told.setup_at, self.options.join));
                slot.filter(|slot| self.live(*slot).is_some())
            }
        };
        let stamp = Stamp::message(self.now, seq);
        if let Some(slot) = live {
            self.end_told(slot, told, stamp, out);
        } else if found.is_some() {
            self.faults.count(Layer::Call, Kind::Late);
        } else {
            let key = key_of(&leg.unwrap_or(Leg::Sip(&seq.to_be_bytes())), 0);
            let call = Call::new(key, seq, told.setup_at.min(stamp.at), told.setup.clone());
            out.push(Stamped { stamp, event: CallEvent::Setup(call.clone()) });
            tell_end(call, &told, stamp, out);
        }
    }

    /// The call of this Call-ID to this number.
    fn find_named(&self, hash: u64, leg: &Leg<'_>, called: Option<Number>) -> Option<u32> {
        let own = named(self.options.seed, hash, called);
        [own, hash]
            .into_iter()
            .filter_map(|key| self.find(key, leg))
            .find(|slot| self.held(*slot).is_some_and(|entry| may_be_same(entry.call.called.number, called)))
    }

    /// Remembers that this was told, and that the call found has its call record.
    fn remember(&mut self, found: Option<(u64, KnownCall)>, told: &Told, (hash, seq): (u64, u64)) {
        let (setup_at, known) = (told.setup_at, &mut self.known);
        let (calling, called) = (told.setup.calling.number, told.setup.called.number);
        let numbers = calling.zip(called);
        let [name, named] = known.names(hash, called);
        if let Some((found_by, found)) = found {
            for key in [found_by, name, named, known.about(numbers, known.span(found.setup_at))] {
                if let Some(call) = known.calls.get_mut(&key).filter(|call| call.seq == found.seq) {
                    call.is_told = true;
                }
            }
        }
        let key = known.exactly(hash, &told.setup, setup_at);
        let call = KnownCall { setup_at, called, seq, slot: u32::MAX, is_told: true };
        known.insert(self.now, [key, 0, 0], call);
    }

    /// The number of the call in this place, if it has not ended.
    fn live(&self, slot: u32) -> Option<u64> {
        let entry = self.held(slot)?;
        (entry.state != State::Ended).then_some(entry.call.seq)
    }

    fn end_told(&mut self, slot: u32, told: Told, stamp: Stamp, out: &mut Vec<Stamped>) {
        let Some(entry) = self.entry(slot) else { return };
        let mut call = entry.call.clone();
        if entry.is_only_asked {
            // All its times are of one clock.
            call.setup_at = told.setup_at.min(stamp.at);
        }
        entry.state = State::Ended;
        let told = match (call.answer_at, told.answer_at) {
            // Answered by the clock of a tap: the talk time is told all the same, by one clock.
            (Some(seen), Some(answer_at)) => {
                Told { answer_at: None, end_at: seen + told.end_at.since(answer_at), ..told }
            }
            _ => told,
        };
        tell_end(call, &told, stamp, out);
        self.remove(slot);
    }
}

/// Tells the end of a call with the times and codes that others told.
fn tell_end(mut call: Call, told: &Told, stamp: Stamp, out: &mut Vec<Stamped>) {
    // Times that others tell may contradict each other, those that were seen, and the time now: what is kept is in order,
    // and none of it ahead.
    let seen_at =
        call.setup_at.max(call.alert_at.unwrap_or_default()).max(call.answer_at.unwrap_or_default());
    let end_at = told.end_at.min(stamp.at).max(seen_at);
    let answer_at = told.answer_at.map(|at| at.min(end_at).max(seen_at));
    let rang_until = call.answer_at.or(answer_at).unwrap_or(end_at);
    call.alert_at = call.alert_at.or(told.alert_at.map(|at| at.min(rang_until).max(call.setup_at)));
    if answer_at.is_some() {
        call.answer_at = answer_at;
        out.push(Stamped { stamp, event: CallEvent::Answer(call.clone()) });
    }
    call.end_at = Some(end_at);
    call.released_by = told.released_by.or(Some(ReleasedBy::Network));
    call.sip_status = told.sip_status.or(call.sip_status);
    call.q850_cause = told.q850_cause.or(call.q850_cause);
    out.push(Stamped { stamp, event: CallEvent::End(call) });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::network::Network;
    use crate::call::table::asked::tests::{CALL_ID, Play, SECOND, circuit, of, party, setup, signal};
    use crate::signal::{Signal, What};

    const CALLER: u64 = 33_123_456_789;

    /// Where calls are told of, an hour after their setup at the latest.
    fn play() -> Play {
        let options = CallOptions {
            join: 5 * SECOND,
            told_wait: 3600 * SECOND,
            told_max: 1_000,
            ..CallOptions::default()
        };
        Play(CallTable::new(options, Arc::new(Network::unknown())), Vec::new())
    }

    fn at(seconds: u64) -> At {
        At::from_nanos(seconds * 1_000_000_000)
    }

    /// Set up at a second, it rang a second later for two seconds.
    fn told(setup_s: u64, call_id: Option<&[u8]>) -> Told {
        Told {
            call_id: call_id.map(Box::from),
            setup: of(setup(CALLER)),
            setup_at: at(setup_s),
            alert_at: Some(at(setup_s + 1)),
            end_at: at(setup_s + 3),
            released_by: Some(ReleasedBy::Calling),
            ..Told::default()
        }
    }

    const NAME: Option<&[u8]> = Some(b"dip@switch");

    fn tell(play: &mut Play, told: Told, at_s: u64, seq: u64) {
        let hash = told.call_id.as_deref().map_or(0, |id| Leg::Sip(id).hash(Seed::default()));
        play.0.told(told, (hash, at(at_s), seq), &mut play.1);
    }

    /// Setups, ends, and what was told late and again.
    fn counts(play: &Play) -> [u64; 4] {
        let fault = |kind| play.0.faults().of(Layer::Call, kind);
        let told = [play.setups() as u64, play.ends().len() as u64];
        [told[0], told[1], fault(Kind::Late), fault(Kind::Duplicate)]
    }

    #[test]
    fn what_a_switch_tells_ends_the_call() {
        let mut play = play();
        play.ask(signal(1, 1, CALL_ID, setup(CALLER)));
        tell(&mut play, told(1, NAME), 5, 2);
        assert_eq!(counts(&play), [1, 1, 0, 0]);
        assert_eq!(play.ends()[0].ring_time(), Some(2 * SECOND));
        // Told of without having been asked about: set up and ended.
        let unknown = Told { answer_at: Some(at(109)), ..told(100, None) };
        tell(&mut play, unknown, 106, 3);
        assert_eq!(counts(&play), [2, 2, 0, 0]);
        assert_eq!(play.ends()[1].talk_time(), Some(Duration::ZERO), "times are kept in order");
    }

    #[test]
    fn a_call_is_recorded_once_however_late_it_is_told_of() {
        for (name, told_s) in [(NAME, 250), (None, 250), (NAME, 1_800), (None, 1_800)] {
            let mut play = play();
            play.ask(signal(1, 1, CALL_ID, setup(CALLER)));
            tell(&mut play, told(2, name), told_s, 2);
            assert_eq!(counts(&play), [1, 1, 0, 0], "{name:?} {told_s}");
            assert_eq!(play.ends()[0].ring_time(), Some(2 * SECOND));
        }
        // Recorded as it stood, at 3,601 s: while its Call-ID lingers, and long after.
        for (name, told_s) in [(NAME, 3_610), (None, 3_610), (NAME, 9_000), (None, 9_000)] {
            let mut play = play();
            play.ask(signal(1, 1, CALL_ID, setup(CALLER)));
            play.0.advance(at(3_605), &mut play.1);
            assert_eq!(counts(&play), [1, 1, 0, 0]);
            tell(&mut play, told(2, name), told_s, 2);
            assert_eq!(counts(&play), [1, 1, 1, 0], "{name:?} {told_s}");
        }
    }

    #[test]
    fn a_call_that_was_refused_or_seen_elsewhere_is_recorded_once() {
        let mut refused = play();
        let call = refused.ask(signal(1, 1, CALL_ID, setup(CALLER)));
        refused.0.refuse(call, at(1), (603, 21), &mut refused.1);
        let mut seen = play();
        seen.ask(signal(1, 1, CALL_ID, setup(CALLER)));
        seen.see(signal(1, 2, circuit(), setup(CALLER)));
        seen.see(Signal { sender: 20, ..signal(200, 3, circuit(), What::Release) });
        for mut play in [refused, seen] {
            assert_eq!(counts(&play), [1, 1, 0, 0]);
            tell(&mut play, told(1, NAME), 1_000, 4);
            assert_eq!(counts(&play), [1, 1, 1, 0]);
        }
    }

    #[test]
    fn what_is_told_again_is_not_recorded_again() {
        for name in [NAME, None] {
            let mut play = play();
            tell(&mut play, told(100, name), 200, 1);
            tell(&mut play, told(100, name), 200, 2);
            tell(&mut play, told(100, name), 50_000, 3);
            assert_eq!(counts(&play), [1, 1, 0, 2], "{name:?}");
            // The same two numbers a moment later: a redial.
            tell(&mut play, told(103, name), 50_000, 4);
            assert_eq!(counts(&play), [2, 2, 0, 2], "{name:?}");
            tell(&mut play, told(100, name), 50_000, 5);
            tell(&mut play, told(103, name), 50_000, 6);
            assert_eq!(counts(&play), [2, 2, 0, 4], "{name:?}");
        }
        let mut play = play();
        play.ask(signal(1, 1, CALL_ID, setup(CALLER)));
        for seq in 2..5 {
            tell(&mut play, told(1, NAME), 60, seq);
        }
        tell(&mut play, told(4, Some(b"redial")), 60, 5);
        assert_eq!(counts(&play), [2, 2, 0, 2]);
    }

    #[test]
    fn redials_are_told_apart_without_a_name() {
        let mut play = play();
        play.ask(signal(1, 1, CALL_ID, setup(CALLER)));
        play.ask(signal(4, 2, Leg::Sip(b"redial@switch"), setup(CALLER)));
        tell(&mut play, told(1, None), 60, 3);
        tell(&mut play, told(4, None), 60, 4);
        assert_eq!(counts(&play), [2, 2, 0, 0]);
        let seqs: Vec<u64> = play.ends().iter().map(|call| call.seq).collect();
        assert_eq!(seqs, [1, 2]);
    }

    #[test]
    fn each_of_two_calls_of_one_call_id_is_told_of() {
        let mut play = play();
        play.ask(signal(1, 1, CALL_ID, setup(CALLER)));
        play.see(signal(1, 2, CALL_ID, setup(CALLER)));
        play.ask(signal(2, 3, CALL_ID, What::Setup(onward())));
        tell(&mut play, Told { setup: onward(), ..told(2, NAME) }, 60, 4);
        assert_eq!(counts(&play), [2, 1, 0, 0]);
        assert_eq!(play.ends()[0].seq, 3);
        tell(&mut play, told(1, NAME), 60, 5);
        assert_eq!(counts(&play), [2, 2, 0, 0]);
    }

    /// To somebody else, under the same Call-ID.
    fn onward() -> Setup {
        Setup { called: party(882_160_000_001), ..of(setup(CALLER)) }
    }

    fn seqs(play: &Play) -> Vec<u64> {
        play.ends().iter().map(|call| call.seq).collect()
    }

    #[test]
    fn a_forwarded_call_and_the_first_are_each_told_of() {
        let mut play = play();
        play.ask(signal(1, 1, CALL_ID, setup(CALLER)));
        let second = play.ask(signal(2, 2, CALL_ID, What::Setup(onward())));
        assert_eq!(counts(&play), [2, 0, 0, 0]);
        assert_eq!(play.ask(signal(2, 3, CALL_ID, What::Setup(onward()))), second);
        tell(&mut play, told(1, NAME), 60, 4);
        tell(&mut play, Told { setup: onward(), ..told(2, NAME) }, 60, 5);
        assert_eq!((counts(&play), seqs(&play)), ([2, 2, 0, 0], vec![1, 2]));
    }

    #[test]
    fn a_tap_that_sees_only_the_forwarded_call_takes_it_for_no_other() {
        let mut play = play();
        play.ask(signal(1, 1, CALL_ID, setup(CALLER)));
        let second = play.ask(signal(2, 2, CALL_ID, What::Setup(onward())));
        play.see(signal(2, 3, CALL_ID, What::Setup(onward())));
        play.see(Signal { sip_status: Some(200), branch: 3, ..signal(5, 4, CALL_ID, What::Answer) });
        // Each is known when it is asked about again.
        assert_eq!(play.ask(signal(5, 5, CALL_ID, setup(CALLER))).seq, 1);
        assert_eq!(play.ask(signal(5, 6, CALL_ID, What::Setup(onward()))), second);
        play.see(signal(9, 7, CALL_ID, What::Release));
        assert_eq!((counts(&play), seqs(&play)), ([2, 1, 0, 0], vec![2]));
        assert_eq!(play.ends()[0].talk_time(), Some(4 * SECOND));
        tell(&mut play, told(1, NAME), 60, 8);
        assert_eq!((counts(&play), seqs(&play)), ([2, 2, 0, 0], vec![2, 1]));
        tell(&mut play, Told { setup: onward(), ..told(2, NAME) }, 60, 9);
        assert_eq!(counts(&play), [2, 2, 1, 0]);
    }

    #[test]
    fn two_calls_of_one_call_id_in_one_second_are_no_duplicates() {
        let mut play = play();
        for seq in [1, 3] {
            tell(&mut play, told(100, NAME), 200, seq);
            tell(&mut play, Told { setup: onward(), ..told(100, NAME) }, 200, seq + 1);
        }
        assert_eq!(counts(&play), [2, 2, 0, 2]);
    }

    #[test]
    fn what_is_told_of_another_called_number_ends_no_call() {
        let mut play = play();
        play.ask(signal(1, 1, CALL_ID, setup(CALLER)));
        tell(&mut play, Told { setup: onward(), ..told(1, NAME) }, 60, 2);
        assert_eq!((counts(&play), seqs(&play)), ([2, 1, 0, 0], vec![2]));
        tell(&mut play, told(1, NAME), 60, 3);
        assert_eq!((counts(&play), seqs(&play)), ([2, 2, 0, 0], vec![2, 1]));
        // Nor where the call asked about was forgotten; but one whose called number nobody tells.
        let options = CallOptions { told_max: 1, told_wait: 3600 * SECOND, ..CallOptions::default() };
        let mut play = Play(CallTable::new(options, Arc::new(Network::unknown())), Vec::new());
        play.ask(signal(1, 1, CALL_ID, setup(CALLER)));
        tell(&mut play, Told { setup: onward(), ..told(1, NAME) }, 60, 2);
        assert_eq!((counts(&play), seqs(&play)), ([2, 1, 0, 0], vec![2]));
        tell(&mut play, Told { setup: Setup::default(), ..told(1, NAME) }, 60, 3);
        assert_eq!((counts(&play), seqs(&play)), ([2, 2, 0, 0], vec![2, 1]));
    }

    #[test]
    fn no_time_lies_ahead() {
        let mut play = play();
        play.ask(signal(1, 1, CALL_ID, setup(CALLER)));
        let ahead = |name| Told {
            alert_at: Some(at(1 << 30)),
            answer_at: Some(at(1 << 31)),
            end_at: at(1 << 32),
            ..told(1, name)
        };
        tell(&mut play, ahead(NAME), 60, 2);
        tell(&mut play, Told { setup_at: at(1 << 30), ..ahead(Some(b"unseen")) }, 60, 3);
        assert_eq!(counts(&play), [2, 2, 0, 0]);
        for call in play.ends() {
            let times = [Some(call.setup_at), call.alert_at, call.answer_at, call.end_at];
            assert!(times.iter().all(|time| time.is_some_and(|time| time <= at(60))), "{times:?}");
            assert!(times.is_sorted(), "{times:?}");
        }
    }

    #[test]
    fn a_call_that_a_tap_saw_answered_keeps_its_talk_time() {
        // The switch's clock is 12 s behind; it may not say when the call was answered.
        for (answer_at, expected_s) in [(Some(at(8)), 7), (None, 0)] {
            let mut play = play();
            play.ask(signal(1, 1, CALL_ID, setup(CALLER)));
            play.see(signal(1, 2, CALL_ID, setup(CALLER)));
            play.see(Signal { sip_status: Some(200), branch: 2, ..signal(20, 3, CALL_ID, What::Answer) });
            tell(&mut play, Told { answer_at, end_at: at(15), ..told(1, NAME) }, 60, 4);
            let call = play.ends()[0];
            assert_eq!((call.answer_at, call.end_at), (Some(at(20)), Some(at(20 + expected_s))));
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let options = CallOptions { told_max: 10, ..CallOptions::default() };
        let mut play = Play(CallTable::new(options, Arc::new(Network::unknown())), Vec::new());
        for call in 0..1_000 {
            tell(&mut play, told(call, None), 2_000, call);
        }
        assert_eq!((play.0.known.calls.len(), play.0.known.order.len()), (10, 10));
        // And in time.
        tell(&mut play, told(1_500, None), 2_000 + 25 * 3_600, 1_000);
        assert_eq!((play.0.known.calls.len(), play.0.known.order.len()), (1, 1));
    }
}
