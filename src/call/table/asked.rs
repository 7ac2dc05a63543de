//! Calls that a switch asks about before it carries them. What becomes of them is seen elsewhere, on a tap or in what a
//! switch tells of finished calls, perhaps under another Call-ID or on a circuit: then numbers and time join the two.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::map::{Parts, Seed};
use crate::base::number::Number;
use crate::base::route::RouteId;
use crate::base::time::At;
use crate::call::deadline::Wait;
use crate::call::event::{Call, CallId, ReleasedBy, Stamp, Stamped};
use crate::call::machine::State;
use crate::call::table::circuit::is_repeated;
use crate::call::table::fork::{Fork, transaction};
use crate::call::table::slots::key_of;
use crate::call::table::told::named;
use crate::call::table::{CallTable, Entry};
use crate::signal::{Leg, Setup, Signal, What};

/// A call that was asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedCall {
    /// [`Call::seq`].
    pub seq: u64,
    /// [`Call::id`].
    pub id: CallId,
    slot: u32,
}

/// Calling and called number.
type Numbers = (Number, Number);

/// Live calls by their numbers, for as long as they may be asked about or told of.
#[derive(Debug)]
pub(super) struct Joins {
    calls: Parts<Numbers, Joinable>,
    order: VecDeque<(At, Numbers)>,
    max: usize,
    hold: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Joinable {
    at: At,
    slot: u32,
    seq: u64,
}

impl Joins {
    /// At most `max` calls, each for `hold`.
    pub fn new(max: usize, hold: Duration, seed: Seed) -> Self {
        Self { calls: Parts::with_hasher(seed), order: VecDeque::new(), max, hold }
    }

    fn insert(&mut self, numbers: Numbers, call: Joinable) {
        while let Some((at, oldest)) = self.order.front().copied()
            && (self.order.len() >= self.max || call.at.since(at) > self.hold)
        {
            self.order.pop_front();
            // A later call of the same two numbers has a place of its own in the order.
            if self.calls.get(&oldest).is_some_and(|call| call.at == at) {
                self.calls.remove(&oldest);
            }
        }
        self.order.push_back((call.at, numbers));
        self.calls.insert(numbers, call);
    }
}

/// How soon after a question its refusal is seen on a tap.
const REFUSED_SEEN_WITHIN: Duration = Duration::from_secs(1);

pub(super) fn is_about_others(call: &Call, setup: &Setup) -> bool {
    let differ = |known: Option<Number>, asked: Option<Number>| {
        known.zip(asked).is_some_and(|(known, asked)| known != asked)
    };
    differ(call.called.number, setup.called.number) || differ(call.calling.number, setup.calling.number)
}

fn numbers_of(setup: &Setup) -> Option<Numbers> {
    Some((setup.calling.number?, setup.called.number?))
}

impl CallTable {
    /// Takes a setup that a switch asks about; `hash` is that of its leg. The same call for a retransmission, for a fork,
    /// and for a call that a tap has seen a moment before. `None` for what is no setup.
    pub fn ask(&mut self, hash: u64, signal: Signal<'_>, out: &mut Vec<Stamped>) -> Option<AskedCall> {
        self.advance(signal.at, out);
        let What::Setup(setup) = &signal.what else { return None };
        if let Some(slot) = self.find(hash, &signal.leg) {
            if matches!(signal.leg, Leg::Isup(_))
                && self.entry(slot).is_some_and(|entry| !is_repeated(entry, &signal))
            {
                return self.ask_on_used(slot, hash, signal, out);
            }
            if self.entry(slot).is_some_and(|entry| is_about_others(&entry.call, setup)) {
                return self.ask_forwarded(slot, hash, signal, out);
            }
            if !self.is_new_attempt(slot, &signal) {
                return self.asked(slot);
            }
            self.remove(slot);
        } else if let Some(slot) = self.joinable(setup, signal.at, self.options.join)
            && self.entry(slot).is_some_and(|entry| !entry.is_only_asked && entry.state != State::Ended)
        {
            return self.asked(slot);
        }
        self.ask_new(hash, signal, out)
    }

    /// The call in this place has ended, and this is no retransmission of its setup.
    fn is_new_attempt(&mut self, slot: u32, signal: &Signal<'_>) -> bool {
        self.entry(slot)
            .is_some_and(|entry| entry.state == State::Ended && !entry.has_fork(transaction(signal)))
    }

    /// Forwarded: the same Call-ID, for somebody else. While the first call is carried, the Call-ID stands for its messages,
    /// and where calls are told of, its call record is still to come; then the question is known by whom it is for as well.
    fn ask_forwarded(
        &mut self,
        first: u32,
        hash: u64,
        signal: Signal<'_>,
        out: &mut Vec<Stamped>,
    ) -> Option<AskedCall> {
        let What::Setup(setup) = &signal.what else { return None };
        let own = named(self.options.seed, hash, setup.called.number);
        if let Some(slot) = self.find(own, &signal.leg) {
            if !self.is_new_attempt(slot, &signal) {
                return self.asked(slot);
            }
            self.remove(slot);
        }
        let is_told = self.options.told_max > 0;
        match self.entry(first) {
            Some(entry) if (is_told || !entry.is_only_asked) && entry.state != State::Ended => {
                self.ask_new(own, signal, out)
            }
            _ => self.ask_on_used(first, hash, signal, out),
        }
    }

    /// The circuit was free to whoever seized it: the end of the call before is still on its way here.
    fn ask_on_used(
        &mut self,
        slot: u32,
        hash: u64,
        signal: Signal<'_>,
        out: &mut Vec<Stamped>,
    ) -> Option<AskedCall> {
        if self.entry(slot).is_some_and(|entry| entry.state == State::Ended) {
            self.remove(slot);
        } else {
            let stamp = Stamp::message(self.now, signal.seq);
            self.end(slot, (signal.at, stamp), ReleasedBy::Network, out);
        }
        self.ask_new(hash, signal, out)
    }

    fn ask_new(&mut self, hash: u64, signal: Signal<'_>, out: &mut Vec<Stamped>) -> Option<AskedCall> {
        // The question went to us: that is no way of the call.
        let slot = self.insert(hash, Signal { between: None, ..signal }, Wait::Told, out)?;
        let entry = self.entry(slot)?;
        // The question is no way to the called side: its answer ends nothing.
        entry.forks.iter_mut().for_each(|fork| fork.open = false);
        self.asked(slot)
    }

    /// The switch was told to refuse a call, and nobody will see it do so: it ends now.
    pub fn refuse(&mut self, call: AskedCall, at: At, (sip, q850): (u16, u8), out: &mut Vec<Stamped>) {
        let Some(entry) = self.entry(call.slot).filter(|entry| entry.call.seq == call.seq) else { return };
        if !entry.is_only_asked || entry.state == State::Ended {
            return;
        }
        (entry.call.sip_status, entry.call.q850_cause) = (Some(sip), Some(q850));
        self.end(call.slot, (at, Stamp::message(self.now, call.seq)), ReleasedBy::Network, out);
    }

    /// Notes a call that may be asked about or told of later.
    pub(super) fn note(&mut self, slot: u32) {
        let Some(entry) = self.entries.get(slot as usize).and_then(Option::as_ref) else { return };
        let call = &entry.call;
        self.known.note(self.now, slot, entry);
        if self.options.join.is_zero() {
            return;
        }
        if let (Some(calling), Some(called)) = (call.calling.number, call.called.number) {
            let joinable = Joinable { at: call.setup_at, slot, seq: call.seq };
            self.joins.insert((calling, called), joinable);
        }
    }

    /// A setup seen on a tap is that of a call that was asked about a moment before: from now on its messages are those
    /// of the tap. Whether there is such a call.
    pub(super) fn adopt(&mut self, hash: u64, signal: &Signal<'_>) -> bool {
        let What::Setup(setup) = &signal.what else { return false };
        let Some(slot) = self.joinable(setup, signal.at, self.options.join) else { return false };
        let is_it = |entry: &&mut Entry| {
            // A call that was refused long ago is not the one that is carried now.
            let is_fresh = signal.at.since(entry.call.setup_at) <= REFUSED_SEEN_WITHIN;
            entry.is_only_asked && (entry.state != State::Ended || is_fresh)
        };
        let Some(entry) = self.entry(slot).filter(is_it) else { return false };
        entry.circuit = if let Leg::Isup(circuit) = signal.leg { Some(circuit) } else { None };
        entry.call.key = key_of(&signal.leg, signal.sender);
        self.see_asked(slot, signal);
        self.rename(slot, hash);
        if let Some(entry) = self.entries.get(slot as usize).and_then(Option::as_ref) {
            self.known.note(self.now, slot, entry);
        }
        true
    }

    /// Which call a tap sees set up, of the first of its Call-ID and the one that was forwarded, where both were asked
    /// about. A forwarded one takes the Call-ID, for the messages to come are its own; the first is then known by whom it
    /// is for.
    pub(super) fn seen_first(&mut self, first: u32, hash: u64, signal: &Signal<'_>) -> u32 {
        let (What::Setup(setup), Some(entry)) = (&signal.what, self.entry(first)) else { return first };
        if !entry.is_only_asked || !is_about_others(&entry.call, setup) {
            return first;
        }
        let called = entry.call.called.number;
        let Some(forwarded) = self.find(named(self.options.seed, hash, setup.called.number), &signal.leg)
        else {
            return first;
        };
        self.rename(first, named(self.options.seed, hash, called));
        self.rename(forwarded, hash);
        forwarded
    }

    /// The call in this place is found under this hash from now on.
    pub(super) fn rename(&mut self, slot: u32, hash: u64) {
        let Some(entry) = self.entry(slot) else { return };
        let old = std::mem::replace(&mut entry.hash, hash);
        self.take_from_index(slot, old);
        self.put_in_index(slot, hash);
    }

    /// A call that was asked about is seen: from now on its messages are those of the tap, its times too, and somebody will
    /// see its end.
    pub(super) fn see_asked(&mut self, slot: u32, signal: &Signal<'_>) {
        let stamp = Stamp::message(self.now, signal.seq);
        let fork = Fork::new(signal, self.options.seed);
        let Some(entry) = self.entry(slot) else { return };
        (entry.is_only_asked, entry.was_asked) = (false, true);
        (entry.sender, entry.cseq) = (signal.sender, signal.cseq);
        entry.forks.clear();
        entry.call.hop = fork.ways[0];
        entry.forks.push(fork);
        if entry.state == State::Proceeding {
            entry.call.setup_at = signal.at;
        }
        if matches!(entry.state, State::Proceeding | State::Alerting) {
            self.rearm(slot, Wait::Setup, stamp);
        }
    }

    fn asked(&self, slot: u32) -> Option<AskedCall> {
        let call = &self.held(slot)?.call;
        Some(AskedCall { seq: call.seq, id: call.id, slot })
    }

    /// The call of these numbers that was set up within `within` of `at`, on the same route where both are known.
    pub(super) fn joinable(&self, setup: &Setup, at: At, within: Duration) -> Option<u32> {
        if self.options.join.is_zero() {
            return None;
        }
        let call = self.joins.calls.get(&numbers_of(setup)?)?;
        let entry = self.held(call.slot)?;
        let is_near = at.since(call.at).max(call.at.since(at)) <= within;
        let routes = [entry.call.route, setup.route];
        let is_same_route = routes[0] == routes[1] || routes.contains(&RouteId::UNKNOWN);
        (entry.call.seq == call.seq && is_near && is_same_route).then_some(call.slot)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::fault::{Kind, Layer};
    use crate::base::frame::{Mtp, RoutingLabel, UserPart};
    use crate::base::network::Network;
    use crate::base::number::Party;
    use crate::call::event::CallEvent;
    use crate::call::table::CallOptions;
    use crate::signal::Circuit;

    pub(crate) const CALL_ID: Leg<'static> = Leg::Sip(b"dip@switch");

    fn table() -> CallTable {
        let options = CallOptions { join: Duration::from_secs(5), ..CallOptions::default() };
        CallTable::new(options, Arc::new(Network::unknown()))
    }

    pub(crate) const SECOND: Duration = Duration::from_secs(1);

    pub(crate) fn party(number: u64) -> Party {
        Party::from(Number::from_digits(number.to_string().as_bytes()).unwrap())
    }

    pub(crate) fn of(what: What) -> Setup {
        if let What::Setup(setup) = what { setup } else { Setup::default() }
    }

    pub(crate) fn setup(caller: u64) -> What {
        What::Setup(Setup { calling: party(caller), called: party(48_600_000_001), ..Setup::default() })
    }

    pub(crate) fn signal(seconds: u64, seq: u64, leg: Leg<'static>, what: What) -> Signal<'static> {
        Signal {
            at: At::from_nanos(seconds * 1_000_000_000),
            seq,
            leg,
            what,
            sender: 1,
            receiver: 0,
            between: None,
            cseq: 1,
            branch: seq as u32,
            sip_status: None,
            progress_183: false,
            q850_cause: None,
            cause_location: None,
            identity: b"",
        }
    }

    pub(crate) fn circuit() -> Leg<'static> {
        let label = RoutingLabel { standard: Mtp::Itu, opc: 1, dpc: 20, network_indicator: 2, sls: 0 };
        Leg::Isup(Circuit::new(label, UserPart::Isup, 4))
    }

    /// A table, and what it told.
    pub(crate) struct Play(pub CallTable, pub Vec<Stamped>);

    impl Play {
        pub(crate) fn ask(&mut self, signal: Signal<'static>) -> AskedCall {
            self.0.ask(signal.leg.hash(Seed::default()), signal, &mut self.1).unwrap()
        }

        pub(crate) fn see(&mut self, signal: Signal<'static>) {
            self.0.handle(signal.leg.hash(Seed::default()), signal, &mut self.1);
        }

        pub(crate) fn ends(&self) -> Vec<&Call> {
            let events = self.1.iter().map(|stamped| &stamped.event);
            events
                .filter_map(|event| if let CallEvent::End(call) = event { Some(call) } else { None })
                .collect()
        }

        pub(crate) fn setups(&self) -> usize {
            self.1.iter().filter(|stamped| matches!(stamped.event, CallEvent::Setup(_))).count()
        }
    }

    #[test]
    fn a_question_asked_again_is_the_same_call() {
        let mut play = Play(table(), Vec::new());
        let first = play.ask(signal(0, 1, CALL_ID, setup(33_123_456_789)));
        let again = Signal { branch: 1, ..signal(1, 2, CALL_ID, setup(33_123_456_789)) };
        let fork = signal(1, 3, CALL_ID, setup(33_123_456_789));
        assert_eq!((play.ask(again).seq, play.ask(fork).seq), (first.seq, first.seq));
        assert_eq!(play.setups(), 1);
    }

    #[test]
    fn a_call_of_which_nobody_tells_the_end_is_closed_and_no_fault() {
        let mut play = Play(table(), Vec::new());
        play.ask(signal(0, 1, CALL_ID, setup(33_123_456_789)));
        play.0.advance(At::from_nanos(1_000_000_000_000), &mut play.1);
        assert_eq!((play.ends()[0].end_at, play.ends()[0].released_by), (None, None), "nobody knows");
        assert_eq!(play.0.faults().nonzero().next(), None);
    }

    #[test]
    fn a_refused_call_has_ended_and_stays_known() {
        let mut play = Play(table(), Vec::new());
        let call = play.ask(signal(0, 1, CALL_ID, setup(33_123_456_789)));
        let at = At::from_nanos(5);
        play.0.refuse(call, at, (603, 21), &mut play.1);
        play.0.refuse(call, at, (603, 21), &mut play.1);
        assert_eq!((play.ends().len(), play.ends()[0].sip_status), (1, Some(603)));
        let again = Signal { branch: 1, ..signal(1, 2, CALL_ID, setup(33_123_456_789)) };
        assert_eq!(play.ask(again), call);
        assert_eq!(play.setups(), 1);
    }

    #[test]
    fn the_end_is_seen_on_a_tap_of_the_same_call_id() {
        let mut play = Play(table(), Vec::new());
        play.ask(signal(0, 1, CALL_ID, setup(33_123_456_789)));
        play.see(signal(0, 2, CALL_ID, setup(33_123_456_789)));
        play.see(Signal { sip_status: Some(180), branch: 2, ..signal(1, 3, CALL_ID, What::Alert) });
        play.see(Signal { branch: 2, ..signal(3, 4, CALL_ID, What::Cancel) });
        play.see(Signal { sip_status: Some(487), branch: 2, ..signal(3, 5, CALL_ID, What::Refuse) });
        assert_eq!(play.setups(), 1);
        assert_eq!(play.ends()[0].ring_time(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn the_end_is_seen_on_a_circuit_with_the_same_numbers() {
        let mut play = Play(table(), Vec::new());
        let call = play.ask(signal(1, 1, CALL_ID, setup(33_123_456_789)));
        play.see(signal(1, 2, circuit(), setup(33_123_456_789)));
        play.see(Signal { sender: 20, ..signal(2, 3, circuit(), What::Alert) });
        // Asked again, under the Call-ID of the question.
        assert_eq!(play.ask(signal(3, 4, CALL_ID, setup(33_123_456_789))).seq, call.seq);
        play.see(signal(4, 5, circuit(), What::Release));
        assert_eq!((play.setups(), play.ends().len()), (1, 1));
        assert_eq!(play.ends()[0].id, call.id);
        assert_eq!(play.ends()[0].ring_time(), Some(Duration::from_secs(2)));
    }

    #[test]
    fn a_call_that_a_tap_saw_first_is_not_set_up_again() {
        let mut play = Play(table(), Vec::new());
        play.see(signal(1, 1, circuit(), setup(33_123_456_789)));
        assert_eq!(play.ask(signal(1, 2, CALL_ID, setup(33_123_456_789))).seq, 1);
        assert_eq!(play.ask(signal(1, 3, CALL_ID, setup(33_999_999_999))).seq, 3);
        assert_eq!(play.setups(), 2);
    }

    #[test]
    fn a_forwarded_call_is_judged_for_whom_it_is_forwarded_to() {
        let mut play = Play(table(), Vec::new());
        let first = play.ask(signal(0, 1, CALL_ID, setup(33_123_456_789)));
        let party = |digits: &[u8]| Party::from(Number::from_digits(digits).unwrap());
        let onward =
            Setup { calling: party(b"33123456789"), called: party(b"882160000001"), ..Setup::default() };
        let second = play.ask(signal(1, 2, CALL_ID, What::Setup(onward)));
        assert_ne!(first.seq, second.seq);
        assert_eq!((play.setups(), play.ends().len()), (2, 1));
    }

    #[test]
    fn a_forwarded_call_is_judged_for_itself_while_a_tap_sees_the_first() {
        let mut play = Play(table(), Vec::new());
        let first = play.ask(signal(0, 1, CALL_ID, setup(33_123_456_789)));
        play.see(signal(0, 2, CALL_ID, setup(33_123_456_789)));
        let onward = || What::Setup(Setup { called: party(882_160_000_001), ..of(setup(33_123_456_789)) });
        let second = play.ask(signal(1, 3, CALL_ID, onward()));
        assert_ne!(first.seq, second.seq);
        assert_eq!((play.setups(), play.ends().len()), (2, 0));
        // Each is known when it is asked about again, also when the first is over.
        assert_eq!(play.ask(signal(2, 4, CALL_ID, onward())), second);
        assert_eq!(play.ask(signal(2, 5, CALL_ID, setup(33_123_456_789))).seq, first.seq);
        play.see(Signal { sip_status: Some(486), branch: 2, ..signal(3, 6, CALL_ID, What::Refuse) });
        assert_eq!(play.ends()[0].seq, first.seq);
        assert_eq!(play.ask(signal(4, 7, CALL_ID, onward())), second);
        assert_eq!(play.setups(), 2);
    }

    #[test]
    fn a_forwarded_call_that_timed_out_is_judged_anew() {
        let mut play = Play(table(), Vec::new());
        let onward = || What::Setup(Setup { called: party(882_160_000_001), ..of(setup(33_123_456_789)) });
        play.ask(signal(0, 1, CALL_ID, setup(33_123_456_789)));
        play.see(signal(0, 2, CALL_ID, setup(33_123_456_789)));
        play.see(Signal { sip_status: Some(200), branch: 2, ..signal(1, 3, CALL_ID, What::Answer) });
        let second = play.ask(signal(1, 4, CALL_ID, onward()));
        let late = || Signal { branch: 4, ..signal(245, 5, CALL_ID, onward()) };
        assert_eq!(play.ask(late()), second, "a retransmission");
        assert_eq!((play.setups(), play.ends().len()), (2, 1));
        let anew = play.ask(signal(245, 6, CALL_ID, onward()));
        assert_eq!((anew.seq, play.setups()), (6, 3));
        assert_eq!(play.ask(signal(246, 7, CALL_ID, onward())), anew);
    }

    #[test]
    fn times_are_those_of_the_tap_however_late_its_messages_come() {
        let mut play = Play(table(), Vec::new());
        let of_tap = Leg::Sip(b"tapped@carrier");
        play.see(signal(10, 1, of_tap, setup(33_123_456_789)));
        // Somebody asks about another call two seconds later, while the rest is still on its way.
        play.ask(signal(14, 2, CALL_ID, setup(33_999_999_999)));
        play.see(Signal { sip_status: Some(180), branch: 1, ..signal(11, 3, of_tap, What::Alert) });
        play.see(Signal { branch: 1, ..signal(13, 4, of_tap, What::Cancel) });
        play.see(Signal { sip_status: Some(487), branch: 1, ..signal(13, 5, of_tap, What::Refuse) });
        let call = play.ends()[0];
        assert_eq!((call.setup_time(), call.ring_time()), (Some(SECOND), Some(2 * SECOND)));
        // What happens is told in order all the same.
        assert!(play.1.is_sorted_by_key(|stamped| stamped.stamp.at));
    }

    #[test]
    fn a_call_that_is_seen_waits_as_one_that_is_seen() {
        let options = CallOptions { told_wait: 3600 * SECOND, ..CallOptions::default() };
        let mut play = Play(CallTable::new(options, Arc::new(Network::unknown())), Vec::new());
        play.ask(signal(0, 1, CALL_ID, setup(33_123_456_789)));
        play.0.advance(At::from_nanos(0) + 300 * SECOND, &mut play.1);
        assert_eq!(play.ends().len(), 0);
        play.see(signal(301, 2, CALL_ID, setup(33_123_456_789)));
        play.0.advance(At::from_nanos(0) + 600 * SECOND, &mut play.1);
        assert_eq!(play.ends()[0].released_by, Some(ReleasedBy::Timeout));
        assert_eq!(play.0.faults().of(Layer::Call, Kind::Expired), 1);
    }

    #[test]
    fn a_redial_is_a_call_of_its_own() {
        // A tap saw the first call cut.
        let mut play = Play(table(), Vec::new());
        play.see(signal(1, 1, Leg::Sip(b"trunk@carrier"), setup(33_123_456_789)));
        play.see(Signal { branch: 1, ..signal(2, 2, Leg::Sip(b"trunk@carrier"), What::Cancel) });
        let cut = Signal {
            sip_status: Some(487),
            branch: 1,
            ..signal(2, 3, Leg::Sip(b"trunk@carrier"), What::Refuse)
        };
        play.see(cut);
        assert_eq!(play.ask(signal(3, 4, CALL_ID, setup(33_123_456_789))).seq, 4);
        // The first was refused where it was asked about, and the second carried by another way.
        let mut play = Play(table(), Vec::new());
        let call = play.ask(signal(1, 1, CALL_ID, setup(33_123_456_789)));
        play.0.refuse(call, At::from_nanos(1_000_000_001), (603, 21), &mut play.1);
        play.see(signal(4, 2, circuit(), setup(33_123_456_789)));
        assert_eq!(play.setups(), 2);
    }

    #[test]
    fn calls_far_apart_are_not_joined() {
        let mut play = Play(table(), Vec::new());
        play.ask(signal(1, 1, CALL_ID, setup(33_123_456_789)));
        play.see(signal(7, 2, circuit(), setup(33_123_456_789)));
        assert_eq!(play.setups(), 2);
    }

    #[test]
    fn a_refused_call_that_a_tap_sees_is_no_second_call() {
        for leg in [circuit(), Leg::Sip(b"trunk@carrier")] {
            let mut play = Play(table(), Vec::new());
            let call = play.ask(signal(1, 1, CALL_ID, setup(33_123_456_789)));
            play.0.refuse(call, At::from_nanos(1_000_000_001), (603, 21), &mut play.1);
            play.see(signal(2, 2, leg, setup(33_123_456_789)));
            play.see(Signal { sender: 20, ..signal(2, 3, leg, What::Release) });
            assert_eq!((play.setups(), play.ends().len()), (1, 1));
            assert_eq!(play.0.faults().nonzero().next(), None);
            // The circuit is free for the next call.
            play.see(signal(9, 4, leg, setup(33_777_777_777)));
            assert_eq!(play.setups(), 2);
        }
    }

    #[test]
    fn another_call_on_the_circuit_is_asked_about_anew() {
        let mut play = Play(table(), Vec::new());
        let first = play.ask(signal(1, 1, circuit(), setup(33_123_456_789)));
        play.see(Signal { sender: 20, ..signal(2, 2, circuit(), What::Alert) });
        assert_eq!(play.ask(signal(2, 3, circuit(), setup(33_123_456_789))), first);
        // Its release has not come yet.
        let next = play.ask(signal(20, 4, circuit(), setup(33_777_777_777)));
        assert_ne!(next, first);
        assert_eq!((play.setups(), play.ends().len()), (2, 1));
    }

    #[test]
    fn joins_are_bounded() {
        let mut joins = Joins::new(10, Duration::from_secs(60), Seed::default());
        for number in 0..1_000_u64 {
            let number = Number::from_digits((48_600_000_000 + number).to_string().as_bytes()).unwrap();
            joins.insert((number, number), Joinable { at: At::from_nanos(1), slot: 0, seq: 0 });
        }
        assert_eq!((joins.calls.len(), joins.order.len()), (10, 10));
    }
}
