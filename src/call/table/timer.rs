//! Timers of calls, and room for new ones: what waits longest makes way.

use crate::base::fault::{Kind, Layer};
use crate::base::time::At;
use crate::call::deadline::{Timer, Wait};
use crate::call::event::{ReleasedBy, Stamp, Stamped};
use crate::call::machine::State;
use crate::call::table::{CallTable, Entry};

/// Timers kept for each call that may be held, those included that no longer apply: a call arms so many in its life.
pub(super) const TIMERS_PER_CALL: usize = 4;
/// What calls wait for, in the order in which they make room.
pub(super) const EVICTED_FIRST: [Wait; 5] = [Wait::Linger, Wait::Cancel, Wait::Told, Wait::Setup, Wait::Talk];

impl CallTable {
    /// Fires the timers due at or before `now`.
    pub fn advance(&mut self, now: At, out: &mut Vec<Stamped>) {
        self.now = self.now.max(now);
        while let Some(timer) = self.deadlines.pop(self.now) {
            if is_in_force(&self.entries, &timer) {
                self.fire(timer, out);
            }
        }
    }

    fn fire(&mut self, timer: Timer, out: &mut Vec<Stamped>) {
        let stamp = Stamp { at: timer.deadline, by_message: false, seq: timer.seq, part: 0 };
        match timer.wait {
            Wait::Linger => self.remove(timer.slot),
            Wait::Cancel => self.end(timer.slot, (stamp.at, stamp), ReleasedBy::Calling, out),
            Wait::Setup if self.held(timer.slot).is_some_and(|entry| entry.state == State::Cancelled) => {
                self.end(timer.slot, (stamp.at, stamp), ReleasedBy::Calling, out);
            }
            // The caller did not answer a challenge.
            Wait::Setup if self.held(timer.slot).is_some_and(Entry::is_challenged) => {
                self.end(timer.slot, (stamp.at, stamp), ReleasedBy::Network, out);
            }
            Wait::Setup | Wait::Talk => {
                self.faults.count(Layer::Call, Kind::Expired);
                self.end(timer.slot, (stamp.at, stamp), ReleasedBy::Timeout, out);
            }
            Wait::Told => self.end(timer.slot, (stamp.at, stamp), ReleasedBy::Timeout, out),
        }
    }

    /// Makes room: the call that has lingered longest; failing that, the one that has waited longest is closed.
    pub(super) fn evict(&mut self, stamp: Stamp, out: &mut Vec<Stamped>) {
        self.faults.count(Layer::Call, Kind::Evicted);
        for wait in EVICTED_FIRST {
            while let Some(timer) = self.deadlines.pop_oldest(wait) {
                if !is_in_force(&self.entries, &timer) {
                    continue;
                }
                if wait != Wait::Linger {
                    self.end(timer.slot, (stamp.at, stamp), ReleasedBy::Timeout, out);
                }
                self.remove(timer.slot);
                return;
            }
        }
    }

    pub(super) fn rearm(&mut self, slot: u32, wait: Wait, stamp: Stamp) {
        self.deadlines.arm(wait, stamp.at, stamp.seq, slot);
        if let Some(entry) = self.entry(slot) {
            entry.timer_seq = stamp.seq;
        }
    }
}

pub(super) fn is_in_force(entries: &[Option<Entry>], timer: &Timer) -> bool {
    let entry = entries.get(timer.slot as usize).and_then(Option::as_ref);
    entry.is_some_and(|entry| entry.timer_seq == timer.seq && timer.wait == wait_of(entry))
}

/// Timer in force.
const fn wait_of(entry: &Entry) -> Wait {
    match entry.state {
        State::Proceeding | State::Alerting if entry.is_only_asked => Wait::Told,
        State::Proceeding | State::Alerting => Wait::Setup,
        State::Cancelled if entry.is_in_doubt => Wait::Setup,
        State::Cancelled => Wait::Cancel,
        State::Answered => Wait::Talk,
        State::Ended => Wait::Linger,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::map::Seed;
    use crate::call::table::CallOptions;
    use crate::call::table::tests::{network, on_circuit, response, setup, signal};
    use crate::signal::{Leg, Signal, What};

    #[test]
    fn timers_fire_without_a_packet_and_are_stamped_with_their_deadline() {
        let mut table = CallTable::new(CallOptions::default(), network());
        let mut out = Vec::new();
        table.handle(1, signal(10, 1, setup()), &mut out);
        table.advance(At::from_nanos(1_000_000_000_000), &mut out);
        assert_eq!(
            out[1].stamp,
            Stamp { at: At::from_nanos(250_000_000_000), by_message: false, seq: 1, part: 0 }
        );
        assert_eq!(out[1].event.call().released_by, Some(ReleasedBy::Timeout));
        assert_eq!(table.faults().of(Layer::Call, Kind::Expired), 1);
        assert!(table.is_empty());
    }

    #[test]
    fn a_challenge_that_is_not_answered_is_no_timeout() {
        let mut table = CallTable::new(CallOptions::default(), network());
        let mut out = Vec::new();
        let leg = Leg::Sip(b"a@b").hash(Seed::default());
        table.handle(leg, signal(0, 1, setup()), &mut out);
        table.handle(leg, response(1, 2, What::Refuse, 407, 7), &mut out);
        table.advance(At::from_nanos(1_000_000_000_000), &mut out);
        let call = out[1].event.call();
        assert_eq!((call.released_by, call.sip_status), (Some(ReleasedBy::Network), Some(407)));
        assert_eq!(table.faults().of(Layer::Call, Kind::Expired), 0);
    }

    #[test]
    fn a_flood_of_setups_is_bounded() {
        let mut table = CallTable::new(CallOptions { calls_max: 100, ..CallOptions::default() }, network());
        let mut out = Vec::new();
        for seq in 0..10_000_u64 {
            let call_id: &'static [u8] = Box::leak(seq.to_string().into_bytes().into_boxed_slice());
            let signal = Signal { leg: Leg::Sip(call_id), ..signal(1, seq, setup()) };
            table.handle(signal.leg.hash(Seed::default()), signal, &mut out);
        }
        assert_eq!(table.len(), 100);
        assert_eq!(table.entries.len(), 100);
        assert_eq!(table.faults().of(Layer::Call, Kind::Evicted), 9_900);
        assert_eq!(out.len(), 10_000 + 9_900, "every call that made room was told as ended");
    }

    /// A timer of an ended call stays in its queue, for up to four hours after an answer: were they not swept out, a
    /// flood of short calls would fill the memory.
    #[test]
    fn timers_of_ended_calls_are_bounded() {
        let options = CallOptions { calls_max: 10, ..CallOptions::default() };
        let mut table = CallTable::new(options, network());
        let mut out = Vec::new();
        let mut send = |signal: Signal<'static>| {
            table.handle(signal.leg.hash(Seed::default()), signal, &mut out);
            assert!(table.deadlines.len() <= 10 * TIMERS_PER_CALL + 3, "{}", table.deadlines.len());
        };
        send(on_circuit(signal(0, 1, setup()), 1, 10));
        for seq in 1..1_000_u64 {
            send(on_circuit(signal(1, 4 * seq, setup()), 2, 10));
            send(on_circuit(signal(1, 4 * seq + 1, What::Answer), 2, 20));
            send(on_circuit(signal(1, 4 * seq + 2, What::Release), 2, 10));
        }
        table.advance(At::from_nanos(240_000_000_000), &mut out);
        assert_eq!(table.len(), 0);
        assert_eq!(table.faults().of(Layer::Call, Kind::Expired), 1, "the timer of the first call was kept");
    }
}
