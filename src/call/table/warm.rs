//! Calls fetched into the processor's caches before they are needed. Nothing here changes anything.

use std::hint::black_box;

use crate::base::time::At;
use crate::call::event::CallKey;
use crate::call::table::timer::{EVICTED_FIRST, is_in_force};
use crate::call::table::{CallTable, Entry};

/// Calls fetched ahead of their timers at once.
const WARM_DUE_MAX: usize = 512;

impl CallTable {
    /// Fetches the call of a leg with this hash into the processor's caches. Changes nothing.
    pub fn warm(&self, hash: u64) {
        let has_hash = |slot: &u32| self.held(*slot).is_some_and(|entry| entry.hash == hash);
        if let Some(slot) = self.index.find(hash, has_hash) {
            black_box(self.held(*slot).map(Entry::warm));
        }
    }

    /// Fetches the calls whose timers are due at or before `until`, some of them. Changes nothing.
    pub fn warm_due(&self, until: At) {
        for timer in
            self.deadlines.due(until).take(WARM_DUE_MAX).filter(|timer| is_in_force(&self.entries, timer))
        {
            if let Some(entry) = self.held(timer.slot) {
                black_box(self.index.find(entry.hash, |slot| *slot == timer.slot));
            }
        }
    }

    /// Fetches the calls that will make room for the next `count` setups, when the table is full. Changes nothing.
    pub fn warm_evicted(&self, count: usize) {
        if self.index.len() + count <= self.options.calls_max {
            return;
        }
        for timer in self.deadlines.oldest(EVICTED_FIRST).take(count) {
            if is_in_force(&self.entries, timer) {
                let entry = self.held(timer.slot);
                black_box(entry.map(Entry::warm));
                black_box(entry.map(|entry| self.index.find(entry.hash, |slot| *slot == timer.slot)));
            }
        }
    }
}

impl Entry {
    /// Reads every cache line of it, and of the Call-ID. The sum means nothing: it makes the reads happen.
    fn warm(&self) -> u64 {
        let call = &self.call;
        let key = if let CallKey::Sip(call_id) = &call.key { call_id.last().copied() } else { None };
        let times = [call.setup_at, call.alert_at.unwrap_or_default(), call.end_at.unwrap_or_default()];
        let numbers = [call.calling.raw.len(), call.called.raw.len()];
        let diverted = call.diverting.as_ref().map_or(0, |party| party.raw.len());
        let own = u64::from(self.cseq) ^ self.timer_seq ^ self.forks.len() as u64;
        times.iter().fold(own, |sum, at| sum ^ at.nanos())
            ^ numbers.iter().fold(diverted, |sum, length| sum ^ length) as u64
            ^ u64::from(key.unwrap_or_default())
    }
}
