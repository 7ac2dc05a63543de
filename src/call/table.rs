//! The live calls of one shard. Bounded: when full, the call that has waited longest makes room, ended calls first.

mod again;
pub mod asked;
mod beside;
mod dialog;
mod fork;
mod overlap;
pub mod told;

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;
use hashbrown::HashTable;

use crate::base::fault::{Faults, Kind, Layer};
use crate::base::map::Seed;
use crate::base::network::Network;
use crate::base::time::At;
use crate::call::deadline::{Deadlines, Timer, Wait};
use crate::call::event::{Call, CallEvent, CallKey, ReleasedBy, Stamp, Stamped};
use crate::call::hop::Hop;
use crate::call::legs::LegOptions;
use crate::call::machine::{Codes, Effect, Side, State, step};
use crate::call::table::again::Invited;
use crate::call::table::asked::Joins;
use crate::call::table::dialog::Dialogs;
use crate::call::table::fork::{FORKS_MAX, Fork, transaction};
use crate::call::table::overlap::Dialling;
use crate::call::table::told::Known;
use crate::signal::{Circuit, Leg, Setup, Signal, What};

/// Limits and timers of a table of calls.
#[derive(Clone, Copy, Debug)]
pub struct CallOptions {
    /// Most calls held at once, live or lingering; each takes about 600 octets, and up to 128 more of timers.
    pub calls_max: usize,
    /// An attempt with no answer and no end is closed after this. Longer than SIP's Timer C (over 3 minutes, RFC 3261
    /// §16.6) and ISUP's T9 (90 seconds to 3 minutes, Q.764 annex A).
    pub setup_max: Duration,
    /// A cancelled INVITE whose final response is not seen ends after 64·T1 (RFC 3261 §9.1).
    pub cancel_max: Duration,
    /// An answered call with no end is closed after this.
    pub talk_max: Duration,
    /// A call that was asked about and one seen on a tap are the same when their numbers are, and their setups are no
    /// further apart than this. Zero: they are joined by Call-ID only.
    pub join: Duration,
    /// How long an ended SIP call absorbs retransmissions: Timer H, 64·T1 (RFC 3261 §17.2.1).
    pub linger: Duration,
    /// A call that was only asked about is closed after this, without an end, when nobody has told one.
    pub told_wait: Duration,
    /// How long calls are remembered by what their call records name, so that each is recorded once: longer than
    /// `told_wait`.
    pub told_hold: Duration,
    /// Most calls, and call records, remembered so; each takes about 200 octets. Zero where nobody tells of calls.
    pub told_max: usize,
    /// How legs of one call are joined.
    pub legs: LegOptions,
    /// Seed of keyed hashes; the same as of the signals' hashes.
    pub seed: Seed,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            calls_max: 400_000,
            setup_max: Duration::from_secs(240),
            cancel_max: Duration::from_secs(32),
            talk_max: Duration::from_secs(4 * 3600),
            join: Duration::ZERO,
            linger: Duration::from_secs(32),
            told_wait: Duration::from_secs(240),
            told_hold: Duration::from_secs(24 * 3600),
            told_max: 0,
            legs: LegOptions::default(),
            seed: Seed::default(),
        }
    }
}

/// Longest Call-ID kept, in octets; longer ones are compared by their beginning and their keyed hash.
const CALL_ID_MAX: usize = 256;
/// Timers kept for each call that may be held, those included that no longer apply: a call arms so many in its life.
const TIMERS_PER_CALL: usize = 4;
/// Calls fetched ahead of their timers at once.
const WARM_DUE_MAX: usize = 512;
/// Longest time between two copies of an IAM: SCTP repeats within RTO.Max divided by a few (RFC 9260 §16), taps within
/// less; a circuit is not released and seized again for the same two numbers so soon.
const REPEATED_MAX: Duration = Duration::from_secs(2);
/// What calls wait for, in the order in which they make room.
const EVICTED_FIRST: [Wait; 5] = [Wait::Linger, Wait::Cancel, Wait::Told, Wait::Setup, Wait::Talk];
#[derive(Debug)]
struct Entry {
    hash: u64,
    circuit: Option<Circuit>,
    state: State,
    sender: u32,
    cseq: u32,
    /// CSeq of the INVITE before, which was challenged.
    past_cseq: u32,
    dialogs: Dialogs,
    forks: ArrayVec<Fork, FORKS_MAX>,
    /// The called side has said something.
    heard_back: bool,
    /// Something of it came from an element to which its INVITE went: a tap sees both ways there.
    is_heard_there: bool,
    dialling: Dialling,
    cancelled_at: Option<At>,
    /// Whether it was cancelled is in doubt: it waits as long as any other.
    is_in_doubt: bool,
    /// A switch asked about it, and nothing else was seen of it.
    is_only_asked: bool,
    /// A switch asked about it, and then it was seen.
    was_asked: bool,
    /// Both exchanges seized its circuit: which call is left they may settle otherwise than is taken here.
    is_contested: bool,
    /// Another call has its Call-ID.
    is_beside: bool,
    /// The PDU that armed the timer in force.
    timer_seq: u64,
    call: Call,
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

/// The live calls of one shard.
#[derive(Debug)]
pub struct CallTable {
    options: CallOptions,
    network: Arc<Network>,
    index: HashTable<u32>,
    entries: Vec<Option<Entry>>,
    free: Vec<u32>,
    deadlines: Deadlines,
    joins: Joins,
    known: Known,
    /// Calls held beside others of the same Call-ID.
    beside_count: usize,
    /// Leg of the last signal, and which of its calls that was about.
    last: (u64, Option<u32>),
    faults: Faults,
    now: At,
}

impl CallTable {
    /// An empty table.
    #[must_use]
    pub fn new(options: CallOptions, network: Arc<Network>) -> Self {
        Self {
            network,
            deadlines: Deadlines::new([
                options.setup_max,
                options.cancel_max,
                options.talk_max,
                options.linger,
                options.told_wait,
            ]),
            known: Known::new(&options),
            joins: Joins::new(options.calls_max, options.setup_max, options.seed),
            options,
            index: HashTable::new(),
            entries: Vec::new(),
            free: Vec::new(),
            beside_count: 0,
            last: (0, None),
            faults: Faults::default(),
            now: At::default(),
        }
    }

    /// What went wrong so far: evictions, expiries, messages of no live call.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The call whose leg has this hash, live or lingering: for whoever shows which call a message belongs to. Of several with
    /// one Call-ID, that of the last signal.
    #[must_use]
    pub fn of_leg(&self, hash: u64) -> Option<&Call> {
        let has_hash = |slot: &u32| self.held(*slot).is_some_and(|entry| entry.hash == hash);
        let spoken_of = self.last.1.filter(|_| self.last.0 == hash).and_then(|slot| self.held(slot));
        let first = || self.index.find(hash, has_hash).and_then(|slot| self.held(*slot));
        spoken_of.or_else(first).map(|entry| &entry.call)
    }

    /// Calls held, live and lingering.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Holds no call.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Takes one signal; `hash` is that of its leg. Timers due at or before it fire first. One from the past counts as of
    /// the latest time known, but for the times of its call: those are as its source has them.
    pub fn handle(&mut self, hash: u64, signal: Signal<'_>, out: &mut Vec<Stamped>) {
        self.advance(signal.at, out);
        self.last = (hash, None);
        match (&signal.what, signal.leg) {
            (What::GroupReset { count }, Leg::Isup(first)) => self.reset_group(first, *count, &signal, out),
            (What::Setup(_), _) => self.setup(hash, signal, out),
            _ => match self.find_spoken_of(hash, &signal) {
                Some(slot) => self.progress(slot, &signal, out),
                None if is_expected_without_call(&signal.what) => {}
                None if matches!(signal.what, What::Reinvite) => {
                    self.faults.count(Layer::Call, Kind::NoDialog)
                }
                None => self.faults.count(Layer::Call, Kind::Unexpected),
            },
        }
    }

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

    /// Fires the timers due at or before `now`.
    pub fn advance(&mut self, now: At, out: &mut Vec<Stamped>) {
        self.now = self.now.max(now);
        while let Some(timer) = self.deadlines.pop(self.now) {
            if is_in_force(&self.entries, &timer) {
                self.fire(timer, out);
            }
        }
    }

    /// Ends the run: every call that still lives is told as it stands, without an end, in the order of setup.
    pub fn finish(&mut self, out: &mut Vec<Stamped>) {
        let live =
            self.entries.iter_mut().filter_map(Option::take).filter(|entry| entry.state != State::Ended);
        let mut calls: Vec<Call> = live.map(|entry| entry.call).collect();
        calls.sort_by_key(|call| call.seq);
        let at = self.now;
        out.extend(
            calls
                .into_iter()
                .map(|call| Stamped { stamp: Stamp::message(at, call.seq), event: CallEvent::End(call) }),
        );
        self.index.clear();
        self.entries.clear();
        self.free.clear();
    }

    fn setup(&mut self, hash: u64, signal: Signal<'_>, out: &mut Vec<Stamped>) {
        match (self.find(hash, &signal.leg), signal.leg) {
            (None, Leg::Sip(_)) if self.find_spoken_of(hash, &signal).is_some() => {
                self.invite_beside(None, hash, signal, out);
            }
            (None, _) if self.adopt(hash, &signal) => {}
            (None, _) => {
                let _ = self.insert(hash, signal, Wait::Setup, out);
            }
            (Some(slot), Leg::Sip(_)) => {
                let slot = self.seen_first(slot, hash, &signal);
                match self.invited(slot, &signal) {
                    _ if self.is_of_one_beside(slot, hash, &signal) => {
                        self.invite_beside(Some(slot), hash, signal, out);
                    }
                    Invited::Another => self.invite_beside(Some(slot), hash, signal, out),
                    Invited::Entry => self.comes_in(slot, signal, out),
                    Invited::Same => self.invite_again(slot, hash, signal, out),
                }
            }
            (Some(slot), Leg::Isup(_)) => self.seize_again(slot, hash, signal, out),
        }
    }

    /// An IAM on a circuit in use. From the other side before anything came back it is a dual seizure (Q.764 §2.9.1):
    /// the exchange with the higher point code controls the even circuits, the other the odd ones, and the call of the
    /// one that does not control backs off. Else the release of the earlier call was not seen.
    fn seize_again(&mut self, slot: u32, hash: u64, signal: Signal<'_>, out: &mut Vec<Stamped>) {
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

    /// Takes in a new call, which waits for `wait` at first.
    fn insert(&mut self, hash: u64, signal: Signal<'_>, wait: Wait, out: &mut Vec<Stamped>) -> Option<u32> {
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

    /// A message of a known call that is not a setup.
    fn progress(&mut self, slot: u32, signal: &Signal<'_>, out: &mut Vec<Stamped>) {
        self.last.1 = Some(slot);
        if let What::More(more) = &signal.what {
            return self.go_on(slot, more, signal);
        }
        let way = Hop::of(signal, self.options.seed);
        if let Some(entry) = self.entry(slot).filter(|entry| !entry.is_heard_there) {
            entry.hear(way);
        }
        if self.is_wrong_way(slot, signal) {
            if !self.held(slot).is_some_and(|entry| entry.is_of_callees(signal)) {
                self.faults.count(Layer::Call, Kind::WrongWay);
            }
            return;
        }
        let Some(entry) = self.entries.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let rings = signal.progress_183 && self.network.routes.route(entry.call.route).progress_is_alerting;
        let side = entry.side_of(signal, self.options.seed);
        let is_response = signal.sip_status.is_some();
        if is_response && signal.cseq != entry.cseq && !entry.awaits(transaction(signal)) {
            return;
        }
        let is_bye = matches!(signal.what, What::Release) && entry.circuit.is_none();
        let (goes_on, fault) = match entry.state {
            State::Answered if is_bye && entry.is_swapped(signal, self.options.seed) => {
                (true, Some(Kind::Unexpected))
            }
            _ => entry.follow_dialogs(signal),
        };
        if let Some(fault) = fault {
            self.faults.count(Layer::Call, fault);
        }
        if goes_on {
            return;
        }
        entry.heard_back |= is_response || side == Side::Called;
        entry.dialling.stop(&signal.what, side);
        if matches!(signal.what, What::Refuse | What::Cancel) && !close_fork(entry, signal) {
            return;
        }
        let codes = Codes {
            sip_status: signal.sip_status,
            q850_cause: signal.q850_cause,
            cause_location: signal.cause_location,
        };
        let what = match &signal.what {
            _ if rings => &What::Alert,
            // It may end an early dialog of several, or none: the final response tells (RFC 3261 §15.1.2). The called side
            // may not send one yet (§15).
            What::Release if entry.circuit.is_none() && !entry.is_answered() => &What::Cancel,
            what => what,
        };
        let (state, effect) = step(entry.state, what, side, codes);
        let rings_on = entry.state == State::Cancelled && (rings || matches!(signal.what, What::Alert));
        entry.state = state;
        self.apply(slot, effect, signal, out);
        if rings_on {
            self.doubt(slot, signal);
        }
    }

    fn apply(&mut self, slot: u32, effect: Effect, signal: &Signal<'_>, out: &mut Vec<Stamped>) {
        let stamp = Stamp::message(self.now, signal.seq);
        let Some(entry) = self.entry(slot) else { return };
        match effect {
            // A challenge; kept for the end, should the caller not answer it.
            Effect::Nothing if matches!(signal.what, What::Refuse) && entry.state == State::Proceeding => {
                entry.call.sip_status = signal.sip_status;
            }
            Effect::Nothing => {}
            Effect::Alert => entry.call.alert_at = Some(signal.at),
            Effect::Answer => {
                entry.call.answer_at = Some(signal.at);
                entry.call.sip_status = signal.sip_status;
                entry.cancelled_at = None;
                out.push(Stamped { stamp, event: CallEvent::Answer(entry.call.clone()) });
                self.rearm(slot, Wait::Talk, stamp);
                self.name_by_tag(slot, signal);
            }
            Effect::Cancel => {
                entry.cancelled_at = Some(signal.at);
                entry.call.q850_cause = signal.q850_cause;
                // A BYE may be of no dialog, which nobody but the called side knows.
                entry.is_in_doubt = matches!(signal.what, What::Release) && !entry.is_only_asked;
                if !entry.is_in_doubt {
                    self.rearm(slot, Wait::Cancel, stamp);
                }
            }
            Effect::End(by) => {
                if signal.sip_status.is_some() {
                    entry.call.sip_status = signal.sip_status;
                }
                entry.call.q850_cause = signal.q850_cause.or(entry.call.q850_cause);
                self.end(slot, (signal.at, stamp), by, out);
            }
        }
    }

    /// A call that was cancelled rings still: the CANCEL may have gone nowhere, and the call be answered after all.
    fn doubt(&mut self, slot: u32, signal: &Signal<'_>) {
        let Some(entry) = self.entry(slot) else { return };
        if !std::mem::replace(&mut entry.is_in_doubt, true) {
            self.rearm(slot, Wait::Setup, Stamp::message(self.now, signal.seq));
        }
    }

    /// Tells the end, at the time of the CANCEL if there was one. A circuit is free at once; a Call-ID lingers.
    fn end(&mut self, slot: u32, (at, stamp): (At, Stamp), by: ReleasedBy, out: &mut Vec<Stamped>) {
        let Some(entry) = self.entry(slot) else { return };
        entry.state = State::Ended;
        // Nobody has promised to tell the end of a call that was only asked about: that none is known says nothing of it.
        if !(entry.is_only_asked && by == ReleasedBy::Timeout) {
            entry.call.end_at = Some(entry.cancelled_at.unwrap_or(at));
            entry.call.released_by = Some(by);
        }
        let frees_circuit = entry.circuit.is_some();
        out.push(Stamped { stamp, event: CallEvent::End(entry.call.clone()) });
        if frees_circuit {
            self.remove(slot);
        } else {
            self.rearm(slot, Wait::Linger, stamp);
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
    fn evict(&mut self, stamp: Stamp, out: &mut Vec<Stamped>) {
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

    /// GRS: resets the circuits of the range that this table holds (Q.764 §2.9.3.2).
    fn reset_group(&mut self, first: Circuit, count: u16, signal: &Signal<'_>, out: &mut Vec<Stamped>) {
        for offset in 0..count {
            let leg = Leg::Isup(Circuit { cic: first.cic.wrapping_add(offset.into()), ..first });
            if let Some(slot) = self.find(leg.hash(self.options.seed), &leg) {
                let stamp = Stamp { part: offset, ..Stamp::message(self.now, signal.seq) };
                self.end(slot, (signal.at, stamp), ReleasedBy::Network, out);
            }
        }
    }

    fn rearm(&mut self, slot: u32, wait: Wait, stamp: Stamp) {
        self.deadlines.arm(wait, stamp.at, stamp.seq, slot);
        if let Some(entry) = self.entry(slot) {
            entry.timer_seq = stamp.seq;
        }
    }

    fn find(&self, hash: u64, leg: &Leg<'_>) -> Option<u32> {
        let is_it = |slot: &u32| self.held(*slot).is_some_and(|entry| entry.is_leg(hash, leg));
        self.index.find(hash, is_it).copied()
    }

    /// The call in this place.
    fn held(&self, slot: u32) -> Option<&Entry> {
        self.entries.get(slot as usize).and_then(Option::as_ref)
    }

    /// The same, to be changed.
    fn entry(&mut self, slot: u32) -> Option<&mut Entry> {
        self.entries.get_mut(slot as usize).and_then(Option::as_mut)
    }

    /// Drops a call where it lies: most of it has not been looked at for long, and is not fetched for this.
    fn remove(&mut self, slot: u32) {
        let Some(place) = self.entries.get_mut(slot as usize) else { return };
        let Some((hash, is_beside)) = place.as_ref().map(|entry| (entry.hash, entry.is_beside)) else {
            return;
        };
        *place = None;
        self.beside_count -= usize::from(is_beside);
        self.take_from_index(slot, hash);
        self.free.push(slot);
    }

    fn put_in_index(&mut self, slot: u32, hash: u64) {
        let entries = &self.entries;
        let hash_of = |slot: &u32| entries[*slot as usize].as_ref().map_or(0, |entry| entry.hash);
        self.index.insert_unique(hash, slot, hash_of);
    }

    fn take_from_index(&mut self, slot: u32, hash: u64) {
        if let Ok(found) = self.index.find_entry(hash, |other| *other == slot) {
            found.remove();
        }
    }
}

fn is_in_force(entries: &[Option<Entry>], timer: &Timer) -> bool {
    let entry = entries.get(timer.slot as usize).and_then(Option::as_ref);
    entry.is_some_and(|entry| entry.timer_seq == timer.seq && timer.wait == wait_of(entry))
}

/// Whether an IAM is the one that set the call up, seen again: at a second tap point, or sent again on another path.
/// Exchanges do not repeat an IAM, so the same numbers a moment later are no new call.
fn is_repeated(entry: &Entry, signal: &Signal<'_>) -> bool {
    let What::Setup(setup) = &signal.what else { return false };
    signal.sender == entry.sender
        && signal.at.since(entry.call.setup_at) <= REPEATED_MAX
        && setup.calling == entry.call.calling
        && entry.dialling.began_with(setup, entry)
}

/// Closes the branch a refusal or CANCEL is about. `true` when it is the call's last open one, so that the message
/// speaks for the call.
fn close_fork(entry: &mut Entry, signal: &Signal<'_>) -> bool {
    let own = transaction(signal);
    let others_open = entry.forks.iter().any(|fork| fork.open && fork.transaction != own);
    if let Some(fork) = entry.fork(own) {
        fork.open = false;
        fork.is_refused |= matches!(signal.what, What::Refuse);
    }
    !others_open
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

/// Messages that say nothing of a call we should know: part of other transactions, or of an idle circuit.
const fn is_expected_without_call(what: &What) -> bool {
    matches!(
        what,
        What::Other
            | What::More(_)
            | What::Progress
            | What::ReleaseComplete
            | What::Reset
            | What::GroupReset { .. }
    )
}

fn cut(call_id: &[u8]) -> &[u8] {
    &call_id[..call_id.len().min(CALL_ID_MAX)]
}

fn new_call(leg: &Leg<'_>, at: At, seq: u64, setup: Setup, sender: u32) -> Call {
    Call::new(key_of(leg, sender), seq, at, setup)
}

fn key_of(leg: &Leg<'_>, sender: u32) -> CallKey {
    match leg {
        Leg::Sip(call_id) => CallKey::Sip(Arc::from(cut(call_id))),
        Leg::Isup(circuit) => {
            let dpc = if sender == circuit.low { circuit.high } else { circuit.low };
            CallKey::Isup { opc: sender, dpc, cic: circuit.cic }
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::field::Country;
    use crate::base::frame::{Mtp, RoutingLabel, UserPart};
    use crate::base::numbering::Numbering;
    use crate::base::roaming::RoamingStates;
    use crate::base::route::{NumberFormat, Route, RouteClass, RouteId, Routes};

    pub(in crate::call) fn signal(seconds: u64, seq: u64, what: What) -> Signal<'static> {
        Signal {
            at: At::from_nanos(seconds * 1_000_000_000),
            seq,
            leg: Leg::Sip(b"a@b"),
            what,
            sender: 1,
            receiver: 0,
            between: None,
            cseq: 1,
            branch: 7,
            sip_status: None,
            progress_183: false,
            q850_cause: None,
            cause_location: None,
            identity: b"",
        }
    }

    fn response(seconds: u64, seq: u64, what: What, status: u16, branch: u32) -> Signal<'static> {
        Signal { sip_status: Some(status), branch, ..signal(seconds, seq, what) }
    }

    fn on_circuit(mut signal: Signal<'static>, cic: u32, from: u32) -> Signal<'static> {
        let label = RoutingLabel { standard: Mtp::Itu, opc: 10, dpc: 20, network_indicator: 2, sls: 0 };
        signal.leg = Leg::Isup(Circuit::new(label, UserPart::Isup, cic));
        signal.sender = from;
        signal.branch = 0;
        signal
    }

    fn run(signals: impl IntoIterator<Item = Signal<'static>>) -> (Vec<CallEvent>, CallTable) {
        let mut table = CallTable::new(CallOptions::default(), network());
        let mut out = Vec::new();
        for signal in signals {
            table.handle(signal.leg.hash(Seed::default()), signal, &mut out);
        }
        (out.into_iter().map(|stamped| stamped.event).collect(), table)
    }

    fn network() -> Arc<Network> {
        let poland = Country::parse("PL").unwrap();
        Arc::new(Network {
            routes: Routes::new(Vec::new()),
            numbering: Numbering::new(poland).unwrap(),
            roaming: RoamingStates::default(),
            emergency: Vec::new(),
            ..Network::unknown()
        })
    }

    fn ends(events: &[CallEvent]) -> Vec<&Call> {
        events
            .iter()
            .filter_map(|event| if let CallEvent::End(call) = event { Some(call) } else { None })
            .collect()
    }

    fn setup() -> What {
        What::Setup(Setup::default())
    }

    #[test]
    fn retransmissions_make_no_second_call() {
        let (events, table) = run([
            signal(0, 1, setup()),
            signal(1, 2, setup()),
            response(2, 3, What::Refuse, 486, 7),
            signal(3, 4, setup()),
            response(3, 5, What::Refuse, 486, 7),
        ]);
        assert_eq!(events.len(), 2);
        assert_eq!(ends(&events)[0].released_by, Some(ReleasedBy::Called));
        assert_eq!(table.len(), 1, "lingers");
    }

    #[test]
    fn a_new_branch_after_the_end_is_a_new_attempt() {
        let again = Signal { branch: 8, ..signal(3, 4, setup()) };
        let (events, _) = run([signal(0, 1, setup()), response(2, 3, What::Refuse, 503, 7), again]);
        assert!(matches!(events[2], CallEvent::Setup(_)));
    }

    #[test]
    fn a_fork_that_fails_does_not_end_the_call() {
        let fork = Signal { branch: 8, ..signal(0, 2, setup()) };
        let (events, _) = run([
            signal(0, 1, setup()),
            fork,
            response(1, 3, What::Refuse, 486, 8),
            response(2, 4, What::Alert, 180, 7),
            response(5, 5, What::Answer, 200, 7),
            Signal { cseq: 2, ..signal(9, 6, What::Release) },
        ]);
        let call = ends(&events)[0];
        assert_eq!(call.talk_time(), Some(Duration::from_secs(4)));
        assert_eq!(call.ring_time(), Some(Duration::from_secs(3)));
        assert_eq!(call.sip_status, Some(200));
    }

    #[test]
    fn a_cancelled_call_ends_when_it_was_cancelled() {
        let (events, _) = run([
            signal(0, 1, setup()),
            response(1, 2, What::Alert, 180, 7),
            signal(3, 3, What::Cancel),
            response(4, 4, What::Refuse, 487, 7),
        ]);
        let call = ends(&events)[0];
        assert_eq!(call.ring_time(), Some(Duration::from_secs(2)));
        assert_eq!((call.released_by, call.sip_status), (Some(ReleasedBy::Calling), Some(487)));
    }

    #[test]
    fn a_183_rings_on_routes_that_say_so() {
        let route = |name: &str, progress_is_alerting| Route {
            name: name.to_owned(),
            class: RouteClass::International,
            peers: Vec::new(),
            point_codes: Vec::new(),
            number_format: NumberFormat::Auto,
            progress_is_alerting,
            sender: None,
        };
        let routes = Routes::new(vec![route("early-media", false), route("ringing", true)]);
        let network = Arc::new(Network { routes, ..Network::unknown() });
        for (id, ring) in [(1, None), (2, Some(Duration::from_secs(2)))] {
            let mut table = CallTable::new(CallOptions::default(), Arc::clone(&network));
            let mut out = Vec::new();
            let setup = What::Setup(Setup { route: RouteId(id), ..Setup::default() });
            let progress = Signal { progress_183: true, ..response(1, 2, What::Progress, 183, 7) };
            for signal in [signal(0, 1, setup), progress, response(3, 3, What::Refuse, 486, 7)] {
                table.handle(signal.leg.hash(Seed::default()), signal, &mut out);
            }
            assert_eq!(out.pop().unwrap().event.call().ring_time(), ring);
        }
    }

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

    /// What `CallOptions` and the limits in docs/ARCHITECTURE.md say of it.
    #[test]
    fn a_call_takes_little() {
        assert!(size_of::<Entry>() <= 700, "{}", size_of::<Entry>());
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
