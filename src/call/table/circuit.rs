//! Circuits that are seized again, and reset. ITU-T Q.764 §2.9.

use std::time::Duration;

use crate::base::fault::{Kind, Layer};
use crate::call::deadline::Wait;
use crate::call::event::{CallEvent, ReleasedBy, Stamp, Stamped};
use crate::call::machine::State;
use crate::call::table::slots::new_call;
use crate::call::table::{CallTable, Entry};
use crate::signal::{Circuit, Leg, Signal, What};

/// Longest time between two copies of an IAM: SCTP repeats within RTO.Max divided by a few (RFC 9260 §16), taps within
/// less; a circuit is not released and seized again for the same two numbers so soon.
const REPEATED_MAX: Duration = Duration::from_secs(2);

impl CallTable {
    /// An IAM on a circuit in use. From the other side before anything came back it is a dual seizure (Q.764 §2.9.1):
    /// the exchange with the higher point code controls the even circuits, the other the odd ones, and the call of the
    /// one that does not control backs off. Else the release of the earlier call was not seen.
    pub(super) fn seize_again(&mut self, slot: u32, hash: u64, signal: Signal<'_>, out: &mut Vec<Stamped>) {
        let (Some(entry), Leg::Isup(circuit)) = (self.entry(slot), signal.leg) else { return };
        if is_repeated(entry, &signal) {
            self.faults.count(Layer::Call, Kind::Duplicate);
            return;
        }
        if entry.state == State::Ended {
            // A call that was refused where it was asked about, and then seen here.
            self.remove(slot);
            let _ = self.insert(hash, signal, Wait::Setup, out);
            return;
        }
        let is_dual = signal.sender != entry.sender && entry.state == State::Proceeding && !entry.heard_back;
        let controlling = if circuit.cic.is_multiple_of(2) { circuit.high } else { circuit.low };
        if is_dual && entry.sender == controlling {
            entry.is_contested = true;
            let stamp = Stamp::message(self.now, signal.seq);
            if let What::Setup(setup) = signal.what {
                let mut call = new_call(&signal.leg, signal.at, signal.seq, setup, signal.sender);
                out.push(Stamped { stamp, event: CallEvent::Setup(call.clone()) });
                call.end_at = Some(signal.at);
                call.released_by = Some(ReleasedBy::Network);
                out.push(Stamped { stamp, event: CallEvent::End(call) });
            }
            return;
        }
        if !is_dual {
            self.faults.count(Layer::Call, Kind::Unexpected);
        }
        let stamp = Stamp::message(self.now, signal.seq);
        self.end(slot, (signal.at, stamp), ReleasedBy::Network, out);
        let own = self.insert(hash, signal, Wait::Setup, out);
        if let Some(entry) = own.and_then(|slot| self.entry(slot)) {
            entry.is_contested = is_dual;
        }
    }

    /// GRS: resets the circuits of the range that this table holds (Q.764 §2.9.3.2).
    pub(super) fn reset_group(
        &mut self,
        first: Circuit,
        count: u16,
        signal: &Signal<'_>,
        out: &mut Vec<Stamped>,
    ) {
        for offset in 0..count {
            let leg = Leg::Isup(Circuit { cic: first.cic.wrapping_add(offset.into()), ..first });
            if let Some(slot) = self.find(leg.hash(self.options.seed), &leg) {
                let stamp = Stamp { part: offset, ..Stamp::message(self.now, signal.seq) };
                self.end(slot, (signal.at, stamp), ReleasedBy::Network, out);
            }
        }
    }
}

/// Whether an IAM is the one that set the call up, seen again: at a second tap point, or sent again on another path.
/// Exchanges do not repeat an IAM, so the same numbers a moment later are no new call.
pub(super) fn is_repeated(entry: &Entry, signal: &Signal<'_>) -> bool {
    let What::Setup(setup) = &signal.what else { return false };
    signal.sender == entry.sender
        && signal.at.since(entry.call.setup_at) <= REPEATED_MAX
        && setup.calling == entry.call.calling
        && entry.dialling.began_with(setup, entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::event::CallKey;
    use crate::call::table::tests::{ends, on_circuit, run, setup, signal};

    #[test]
    fn dual_seizure_leaves_the_call_of_the_controlling_exchange() {
        for (cic, loser) in [(4, 10), (5, 20)] {
            let (events, table) =
                run([on_circuit(signal(0, 1, setup()), cic, 10), on_circuit(signal(0, 2, setup()), cic, 20)]);
            let ended = ends(&events);
            assert_eq!(ended.len(), 1);
            assert!(matches!(ended[0].key, CallKey::Isup { opc, .. } if opc == loser), "{cic}");
            assert_eq!(ended[0].released_by, Some(ReleasedBy::Network));
            assert_eq!(table.len(), 1);
        }
    }

    #[test]
    fn an_iam_seen_twice_is_one_call() {
        let (events, table) = run([
            on_circuit(signal(0, 1, setup()), 4, 10),
            on_circuit(signal(0, 2, setup()), 4, 10),
            on_circuit(signal(1, 3, What::Alert), 4, 20),
            on_circuit(signal(1, 4, setup()), 4, 10),
            on_circuit(signal(9, 5, What::Release), 4, 10),
            on_circuit(signal(9, 6, What::Release), 4, 10),
        ]);
        assert_eq!(events.len(), 2);
        assert_eq!(ends(&events)[0].ring_time(), Some(Duration::from_secs(8)));
        assert_eq!(table.faults().of(Layer::Call, Kind::Duplicate), 2);
    }

    /// Q.764 §2.1.4, §2.1.7: ACM and ANM go backward.
    #[test]
    fn an_exchange_cannot_answer_its_own_iam() {
        let (events, table) = run([
            on_circuit(signal(0, 1, setup()), 4, 10),
            on_circuit(signal(1, 2, What::Alert), 4, 10),
            on_circuit(signal(1, 3, What::Answer), 4, 10),
            on_circuit(signal(2, 4, What::Alert), 4, 20),
            on_circuit(signal(9, 5, What::Release), 4, 10),
        ]);
        let call = ends(&events)[0];
        assert_eq!((call.answer_at, call.ring_time()), (None, Some(Duration::from_secs(7))));
        assert_eq!(table.faults().of(Layer::Call, Kind::WrongWay), 2);
    }

    #[test]
    fn a_group_reset_ends_the_calls_of_its_circuits() {
        let (events, table) = run([
            on_circuit(signal(0, 1, setup()), 4, 10),
            on_circuit(signal(0, 2, setup()), 5, 10),
            on_circuit(signal(0, 3, setup()), 9, 10),
            on_circuit(signal(1, 4, What::GroupReset { count: 4 }), 4, 20),
        ]);
        assert_eq!(ends(&events).len(), 2);
        assert_eq!(table.len(), 1);
    }
}
