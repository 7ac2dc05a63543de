//! INVITEs of a Call-ID that is in use. A proxy keeps the Call-ID, so hops and forks of a call share it; but whoever sends
//! calls writes it, and may write the same one for all of them. What comes in from somebody else for other numbers, or by
//! another way, is a call beside the first. It is found by its branch, and once it is answered by its caller's tag.

use std::hash::BuildHasher;
use std::sync::Arc;

use crate::base::map::keyed_hash;
use crate::base::number::Party;
use crate::base::route::Place;
use crate::base::time::At;
use crate::call::deadline::Wait;
use crate::call::event::{CallEvent, CallKey, Stamp, Stamped};
use crate::call::leg::{CallLeg, JoinedBy};
use crate::call::machine::State;
use crate::call::table::asked::is_about_others;
use crate::call::table::told::named;
use crate::call::table::{CallTable, Entry, Fork, new_call};
use crate::signal::{Setup, Signal, What};

/// What an INVITE is to the call whose Call-ID it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Invited {
    /// A call of its own.
    Another,
    /// Where the call comes in, which is seen only now.
    Entry,
    /// The same once more, a further hop or a fork.
    Same,
}

/// Whether these are two numbers; one that is not known is another than one that is.
fn differ(one: &Party, other: &Party) -> bool {
    match (one.number, other.number) {
        (Some(one), Some(other)) => one != other,
        (None, None) => one.raw != other.raw,
        _ => true,
    }
}

impl CallTable {
    /// What an INVITE is to the call in this place, whose Call-ID it has.
    pub(super) fn invited(&self, slot: u32, signal: &Signal<'_>) -> Invited {
        let (What::Setup(setup), Some(entry)) = (&signal.what, self.held(slot)) else { return Invited::Same };
        if entry.is_only_asked {
            return Invited::Same;
        }
        let (call, routes) = (&entry.call, &self.network.routes);
        let way = (setup.route, setup.direction);
        let [place, known] = [way, call.way()].map(|way| routes.place(way));
        let is_live = matches!(entry.state, State::Proceeding | State::Alerting);
        let is_sooner = match place {
            Place::In => signal.at <= call.setup_at + self.options.legs.skew,
            _ => signal.at < call.setup_at,
        };
        let is_same_hop = signal.cseq == entry.cseq && !is_about_others(call, setup);
        match place {
            Place::In if !entry.was_asked && differ(&call.called, &setup.called) => Invited::Another,
            Place::In if is_about_others(call, setup) => Invited::Another,
            Place::Unknown if is_of_another(&call.calling, &setup.calling) => Invited::Another,
            // A switch may ask without saying by which way a call came.
            _ if entry.was_asked => Invited::Same,
            _ if place > known && is_live && is_sooner && is_same_hop => Invited::Entry,
            Place::In if way != call.way() => Invited::Another,
            _ => Invited::Same,
        }
    }

    /// Follows a call beside the first of its Call-ID.
    pub(super) fn invite_beside(
        &mut self,
        first: Option<u32>,
        hash: u64,
        signal: Signal<'_>,
        out: &mut Vec<Stamped>,
    ) {
        let What::Setup(setup) = &signal.what else { return };
        let by_number = named(self.options.seed, hash, setup.called.number);
        let by_branch = self.beside(hash, signal.branch);
        // One branch for several calls is no name of any but the first.
        let is_taken = |slot: u32| self.held(slot).is_some_and(|entry| is_about_others(&entry.call, setup));
        let is_first = |slot: u32| {
            self.held(slot).is_some_and(|entry| entry.forks.iter().any(|fork| fork.branch == signal.branch))
        };
        let is_other = first.is_some_and(is_first) || self.find(by_branch, &signal.leg).is_some_and(is_taken);
        let own = if is_other { by_number } else { by_branch };
        let asked = self.find(by_number, &signal.leg);
        if let Some(slot) = asked
            && self.held(slot).is_some_and(|entry| entry.is_only_asked)
        {
            self.see_asked(slot, &signal);
            self.rename(slot, own);
            self.put_beside(slot);
            return;
        }
        if let Some(slot) = self.find(own, &signal.leg) {
            let is_over = self.held(slot).is_some_and(|entry| entry.state == State::Ended);
            if !(is_over && self.held(slot).is_some_and(|entry| entry.cseq < signal.cseq)) {
                return;
            }
            self.remove(slot);
        }
        if let Some(slot) = self.insert(own, signal, Wait::Setup, out) {
            self.put_beside(slot);
        }
    }

    fn put_beside(&mut self, slot: u32) {
        if let Some(entry) = self.entry(slot)
            && !std::mem::replace(&mut entry.is_beside, true)
        {
            self.beside_count += 1;
        }
    }

    /// The call comes in where this INVITE is seen: what it was taken for is a leg of it.
    pub(super) fn comes_in(&mut self, slot: u32, signal: Signal<'_>, out: &mut Vec<Stamped>) {
        let stamp = Stamp::message(self.now, signal.seq);
        let What::Setup(setup) = signal.what else { return };
        let Some(entry) = self.entry(slot) else { return };
        let old = &entry.call;
        let mut call = new_call(&signal.leg, signal.at, signal.seq, setup, signal.sender);
        let legs = call.legs.get_or_insert_default();
        legs.push(CallLeg {
            key: old.key.clone(),
            route: old.route,
            direction: old.direction,
            setup_at: old.setup_at,
            by: JoinedBy::CallId,
        });
        if let Some(more) = &old.legs {
            legs.append((**more).clone());
        }
        (call.alert_at, call.sip_status) = (old.alert_at, old.sip_status);
        let instead_of = Some(old.seq);
        let _ = entry.forks.try_push(Fork { branch: signal.branch, open: true });
        entry.call = call.clone();
        call.instead_of = instead_of;
        call.identity = (!signal.identity.is_empty()).then(|| Arc::from(signal.identity));
        out.push(Stamped { stamp, event: CallEvent::Setup(call) });
        self.note(slot);
    }

    /// The call that a message is about which is no setup: by its branch; by the tag of its caller, the first of the Call-ID
    /// before others, while it lives; else the first.
    pub(super) fn find_spoken_of(&self, hash: u64, signal: &Signal<'_>) -> Option<u32> {
        let first = self.find(hash, &signal.leg);
        if self.beside_count == 0 {
            return first;
        }
        let entry = first.and_then(|slot| self.held(slot));
        if entry.is_some_and(|entry| entry.forks.iter().any(|fork| fork.branch == signal.branch)) {
            return first;
        }
        let find = |name| self.find(name, &signal.leg);
        let talks = |entry: &Entry| entry.state == State::Answered && entry.sender == signal.sender;
        find(self.beside(hash, signal.branch))
            .or_else(|| first.filter(|_| entry.is_some_and(talks)))
            .or_else(|| find(self.dialog(hash, signal.sender)))
            .or(first)
    }

    /// A call beside another is answered: later messages of it have other branches.
    pub(super) fn name_by_dialog(&mut self, slot: u32) {
        let Some((is_beside, sender, hash)) = self.held(slot).map(|entry| {
            let hash = if let CallKey::Sip(call_id) = &entry.call.key {
                keyed_hash(self.options.seed, call_id)
            } else {
                entry.hash
            };
            (entry.is_beside, entry.sender, hash)
        }) else {
            return;
        };
        if is_beside {
            self.rename(slot, self.dialog(hash, sender));
        }
    }

    fn beside(&self, hash: u64, branch: u32) -> u64 {
        self.options.seed.hash_one((hash, branch, "branch"))
    }

    fn dialog(&self, hash: u64, sender: u32) -> u64 {
        self.options.seed.hash_one((hash, sender, "tag"))
    }
}

/// Whether two calling numbers are known and not the same.
fn is_of_another(one: &Party, other: &Party) -> bool {
    one.number.zip(other.number).is_some_and(|(one, other)| one != other)
}

/// Notes a further hop or fork of a call.
pub(super) fn note_leg(entry: &mut Entry, at: At, setup: &Setup) {
    let key = entry.call.key.clone();
    entry.call.legs.get_or_insert_default().push(CallLeg {
        key,
        route: setup.route,
        direction: setup.direction,
        setup_at: at,
        by: JoinedBy::CallId,
    });
}
