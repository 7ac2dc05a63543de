//! INVITEs of a Call-ID that is in use. A proxy keeps the Call-ID, so hops and forks of a call share it; but whoever sends
//! calls writes it, and may write the same one for all of them. What is another call (see `again`) is followed beside the
//! first. It is found by its caller's tag; where another has that too, by this and its CSeq, or by its branch, and once it is
//! answered by its dialog.

use std::hash::BuildHasher;
use std::sync::Arc;

use crate::base::map::keyed_hash;
use crate::base::time::At;
use crate::call::deadline::Wait;
use crate::call::event::{CallEvent, CallKey, Stamp, Stamped};
use crate::call::hop::Hop;
use crate::call::leg::{CallLeg, JoinedBy};
use crate::call::machine::State;
use crate::call::table::again::Invited;
use crate::call::table::asked::is_about_others;
use crate::call::table::dialog::tags;
use crate::call::table::fork::{Fork, transaction};
use crate::call::table::slots::new_call;
use crate::call::table::told::named;
use crate::call::table::{CallTable, Entry};
use crate::signal::{Setup, Signal, What};

impl CallTable {
    /// Follows a call beside the first of its Call-ID.
    pub(super) fn invite_beside(
        &mut self,
        first: Option<u32>,
        hash: u64,
        signal: Signal<'_>,
        out: &mut Vec<Stamped>,
    ) {
        let What::Setup(setup) = &signal.what else { return };
        let names = self.names(hash, &signal);
        let known = names.map(|name| self.find(name, &signal.leg));
        for slot in known.into_iter().flatten().filter(|slot| Some(*slot) != first && self.is_live(*slot)) {
            match self.invited(slot, &signal) {
                Invited::Another => {}
                Invited::Entry => return self.comes_in(slot, signal, out),
                Invited::Same => return self.invite_again(slot, hash, signal, out),
            }
        }
        let own = transaction(&signal);
        let by_number = named(self.options.seed, hash, setup.called.number);
        let by_branch = self.by_transaction(hash, own);
        // One branch for several calls is no name of any but the first.
        let is_taken = |slot: u32| self.held(slot).is_some_and(|entry| is_about_others(&entry.call, setup));
        let has_it = |slot: u32| self.held(slot).is_some_and(|entry| entry.has_fork(own));
        let is_other = known.into_iter().chain([first]).flatten().any(has_it)
            || self.find(by_branch, &signal.leg).is_some_and(is_taken);
        let name = match known.iter().position(Option::is_none) {
            _ if is_other => by_number,
            Some(free) if signal.sender != 0 => names[free],
            _ => by_branch,
        };
        let asked = self.find(by_number, &signal.leg);
        if let Some(slot) = asked
            && self.held(slot).is_some_and(|entry| entry.is_only_asked)
        {
            self.see_asked(slot, &signal);
            self.rename(slot, name);
            self.put_beside(slot);
            self.last.1 = Some(slot);
            return;
        }
        if let Some(slot) = self.find(name, &signal.leg) {
            if self.is_live(slot) || has_it(slot) {
                self.last.1 = Some(slot);
                return;
            }
            self.remove(slot);
        }
        if let Some(slot) = self.insert(name, signal, Wait::Setup, out) {
            self.put_beside(slot);
        }
    }

    /// Whether an INVITE has the tag, or tag and CSeq, of a call that lives beside the first, and the first has not.
    pub(super) fn is_of_one_beside(&self, first: u32, hash: u64, signal: &Signal<'_>) -> bool {
        let Some(first) = self.held(first).filter(|_| self.beside_count > 0) else { return false };
        let of = |entry: &Entry| {
            entry.state != State::Ended
                && entry.sender == signal.sender
                && (first.sender != signal.sender || entry.cseq == signal.cseq && first.cseq != signal.cseq)
        };
        let names = self.names(hash, signal);
        names
            .into_iter()
            .filter_map(|name| self.find(name, &signal.leg))
            .any(|slot| self.held(slot).is_some_and(of))
    }

    fn is_live(&self, slot: u32) -> bool {
        self.held(slot).is_some_and(|entry| entry.state != State::Ended)
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
        self.last.1 = Some(slot);
        let stamp = Stamp::message(self.now, signal.seq);
        let fork = Fork::new(&signal, self.options.seed);
        let What::Setup(setup) = signal.what else { return };
        let Some(entry) = self.entry(slot) else { return };
        let old = &entry.call;
        let mut call = new_call(&signal.leg, signal.at, signal.seq, setup, signal.sender);
        call.hop = fork.ways[0];
        let legs = call.legs.get_or_insert_default();
        legs.push(CallLeg {
            key: old.key.clone(),
            route: old.route,
            direction: old.direction,
            hop: old.hop,
            setup_at: old.setup_at,
            by: JoinedBy::CallId,
        });
        if let Some(more) = &old.legs {
            legs.append((**more).clone());
        }
        (call.alert_at, call.sip_status) = (old.alert_at, old.sip_status);
        let instead_of = Some(old.seq);
        match entry.fork(fork.transaction) {
            Some(known) => known.is_seen_on(fork.ways[0]),
            None => _ = entry.follow(fork),
        }
        entry.call = call.clone();
        call.instead_of = instead_of;
        call.identity = (!signal.identity.is_empty()).then(|| Arc::from(signal.identity));
        out.push(Stamped { stamp, event: CallEvent::Setup(call) });
        self.note(slot);
    }

    /// The call that a message is about which is no setup: by its transaction; by its dialog; by the tag of its caller, the first
    /// of the Call-ID before others; else the first.
    pub(super) fn find_spoken_of(&self, hash: u64, signal: &Signal<'_>) -> Option<u32> {
        let first = self.find(hash, &signal.leg);
        if self.beside_count == 0 {
            return first;
        }
        let entry = first.and_then(|slot| self.held(slot));
        let own = transaction(signal);
        if entry.is_some_and(|entry| entry.has_fork(own)) {
            return first;
        }
        let find = |name| self.find(name, &signal.leg);
        let is_of = |entry: &Entry| tags(signal).is_some_and(|tags| entry.dialogs.has(tags));
        let talks = |entry: &Entry| {
            entry.state == State::Answered
                && entry.dialogs.is_empty()
                && [signal.sender, signal.receiver].contains(&entry.sender)
        };
        let by_tag = |tag: u32| find(self.by_tag(hash, tag)).filter(|_| tag != 0);
        let asked_by = |slot: &u32| self.held(*slot).is_some_and(|entry| entry.has_fork(own));
        find(self.by_transaction(hash, own))
            .or_else(|| self.names(hash, signal).into_iter().filter_map(find).find(asked_by))
            .or_else(|| first.filter(|_| entry.is_some_and(is_of)))
            .or_else(|| find(self.by_tag(hash, tags(signal)?)))
            .or_else(|| first.filter(|_| entry.is_some_and(talks)))
            .or_else(|| by_tag(signal.sender))
            .or_else(|| by_tag(signal.receiver))
            .or(first)
    }

    /// A call beside another is answered: later messages of it have other branches. It is found by its caller's tag from now
    /// on; where another has that name, by its dialog.
    pub(super) fn name_by_tag(&mut self, slot: u32, signal: &Signal<'_>) {
        let Some(entry) = self.held(slot).filter(|entry| entry.is_beside) else { return };
        let CallKey::Sip(call_id) = &entry.call.key else { return };
        let hash = keyed_hash(self.options.seed, call_id);
        let names = [Some(entry.sender), tags(signal)].map(|tag| self.by_tag(hash, tag.unwrap_or_default()));
        let is_free = |name: &u64| self.find(*name, &signal.leg).is_none_or(|other| other == slot);
        if let Some(name) = names.into_iter().find(is_free) {
            self.rename(slot, name);
        }
    }

    /// What a call beside another may be found by, whatever the hop: its caller's tag; this and its CSeq.
    fn names(&self, hash: u64, signal: &Signal<'_>) -> [u64; 2] {
        [self.by_tag(hash, signal.sender), self.options.seed.hash_one((hash, signal.sender, signal.cseq))]
    }

    fn by_transaction(&self, hash: u64, transaction: u32) -> u64 {
        self.options.seed.hash_one((hash, transaction, "branch"))
    }

    fn by_tag(&self, hash: u64, tag: u32) -> u64 {
        self.options.seed.hash_one((hash, tag, "tag"))
    }
}

/// Notes a further hop or fork of a call.
pub(super) fn note_leg(entry: &mut Entry, at: At, hop: Hop, setup: &Setup) {
    let key = entry.call.key.clone();
    entry.call.legs.get_or_insert_default().push(CallLeg {
        key,
        route: setup.route,
        direction: setup.direction,
        hop,
        setup_at: at,
        by: JoinedBy::CallId,
    });
}
