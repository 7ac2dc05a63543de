//! Where calls lie in the table, and how they are found: by the hash of their leg.

use std::sync::Arc;

use arrayvec::ArrayVec;

use crate::base::time::At;
use crate::call::deadline::Wait;
use crate::call::event::{Call, CallEvent, CallKey, Stamp, Stamped};
use crate::call::machine::State;
use crate::call::table::dialog::Dialogs;
use crate::call::table::fork::Fork;
use crate::call::table::overlap::Dialling;
use crate::call::table::timer::{TIMERS_PER_CALL, is_in_force};
use crate::call::table::{CallTable, Entry};
use crate::signal::{Leg, Setup, Signal, What};

/// Longest Call-ID kept, in octets; longer ones are compared by their beginning and their keyed hash.
const CALL_ID_MAX: usize = 256;

impl CallTable {
    /// Takes in a new call, which waits for `wait` at first.
    pub(super) fn insert(
        &mut self,
        hash: u64,
        signal: Signal<'_>,
        wait: Wait,
        out: &mut Vec<Stamped>,
    ) -> Option<u32> {
        let first = Fork::new(&signal, self.options.seed);
        let What::Setup(setup) = signal.what else { return None };
        let stamp = Stamp::message(self.now, signal.seq);
        if self.index.len() >= self.options.calls_max {
            self.evict(stamp, out);
        }
        let dialling = Dialling::new(&setup);
        let call =
            Call { hop: first.ways[0], ..new_call(&signal.leg, signal.at, signal.seq, setup, signal.sender) };
        let identity = (!signal.identity.is_empty()).then(|| Arc::from(signal.identity));
        out.push(Stamped { stamp, event: CallEvent::Setup(Call { identity, ..call.clone() }) });
        let mut forks = ArrayVec::new();
        forks.push(first);
        let entry = Entry {
            hash,
            circuit: if let Leg::Isup(circuit) = signal.leg { Some(circuit) } else { None },
            state: State::Proceeding,
            sender: signal.sender,
            cseq: signal.cseq,
            past_cseq: signal.cseq,
            dialogs: Dialogs::default(),
            forks,
            heard_back: false,
            is_heard_there: false,
            dialling,
            cancelled_at: None,
            is_in_doubt: false,
            is_only_asked: wait == Wait::Told,
            was_asked: false,
            is_contested: false,
            is_beside: false,
            timer_seq: signal.seq,
            call,
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            (self.entries.len() - 1) as u32
        });
        self.entries[slot as usize] = Some(entry);
        self.put_in_index(slot, hash);
        self.deadlines.arm(wait, stamp.at, stamp.seq, slot);
        if self.deadlines.len() > self.options.calls_max.saturating_mul(TIMERS_PER_CALL) {
            let Self { deadlines, entries, .. } = self;
            deadlines.retain(|timer| is_in_force(entries, timer));
        }
        self.note(slot);
        self.last.1 = Some(slot);
        Some(slot)
    }

    pub(super) fn find(&self, hash: u64, leg: &Leg<'_>) -> Option<u32> {
        let is_it = |slot: &u32| self.held(*slot).is_some_and(|entry| entry.is_leg(hash, leg));
        self.index.find(hash, is_it).copied()
    }

    /// The call in this place.
    pub(super) fn held(&self, slot: u32) -> Option<&Entry> {
        self.entries.get(slot as usize).and_then(Option::as_ref)
    }

    /// The same, to be changed.
    pub(super) fn entry(&mut self, slot: u32) -> Option<&mut Entry> {
        self.entries.get_mut(slot as usize).and_then(Option::as_mut)
    }

    /// Drops a call where it lies: most of it has not been looked at for long, and is not fetched for this.
    pub(super) fn remove(&mut self, slot: u32) {
        let Some(place) = self.entries.get_mut(slot as usize) else { return };
        let Some((hash, is_beside)) = place.as_ref().map(|entry| (entry.hash, entry.is_beside)) else {
            return;
        };
        *place = None;
        self.beside_count -= usize::from(is_beside);
        self.take_from_index(slot, hash);
        self.free.push(slot);
    }

    pub(super) fn put_in_index(&mut self, slot: u32, hash: u64) {
        let entries = &self.entries;
        let hash_of = |slot: &u32| entries[*slot as usize].as_ref().map_or(0, |entry| entry.hash);
        self.index.insert_unique(hash, slot, hash_of);
    }

    pub(super) fn take_from_index(&mut self, slot: u32, hash: u64) {
        if let Ok(found) = self.index.find_entry(hash, |other| *other == slot) {
            found.remove();
        }
    }
}

impl Entry {
    fn is_leg(&self, hash: u64, leg: &Leg<'_>) -> bool {
        self.hash == hash
            && match (leg, &self.call.key) {
                (Leg::Sip(call_id), CallKey::Sip(own)) => **own == *cut(call_id),
                (Leg::Isup(circuit), _) => self.circuit == Some(*circuit),
                _ => false,
            }
    }
}

fn cut(call_id: &[u8]) -> &[u8] {
    &call_id[..call_id.len().min(CALL_ID_MAX)]
}

pub(super) fn new_call(leg: &Leg<'_>, at: At, seq: u64, setup: Setup, sender: u32) -> Call {
    Call::new(key_of(leg, sender), seq, at, setup)
}

pub(super) fn key_of(leg: &Leg<'_>, sender: u32) -> CallKey {
    match leg {
        Leg::Sip(call_id) => CallKey::Sip(Arc::from(cut(call_id))),
        Leg::Isup(circuit) => {
            let dpc = if sender == circuit.low { circuit.high } else { circuit.low };
            CallKey::Isup { opc: sender, dpc, cic: circuit.cic }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `CallOptions` and the limits in docs/ARCHITECTURE.md say of it.
    #[test]
    fn a_call_takes_little() {
        assert!(size_of::<Entry>() <= 700, "{}", size_of::<Entry>());
    }
}
