//! INVITEs of a Call-ID that is known: the same once more, a further hop or a fork, the answer to a challenge, or another call.
//! A Call-ID tells calls apart no more than whoever writes it wants, and CSeq orders the requests of one dialog only: what
//! comes with another From tag is of another (RFC 3261 §8.1.1, §12.2.1.1).

use crate::base::fault::{Kind, Layer};
use crate::base::map::Seed;
use crate::base::number::Party;
use crate::base::route::Place;
use crate::call::deadline::Wait;
use crate::call::event::Stamped;
use crate::call::hop::Hop;
use crate::call::legs::is_same_called;
use crate::call::machine::State;
use crate::call::table::asked::is_about_others;
use crate::call::table::beside::note_leg;
use crate::call::table::fork::{Fork, transaction};
use crate::call::table::{CallTable, Entry};
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
            _ if self.is_another(entry, setup, signal) => Invited::Another,
            // A switch may ask without saying by which way a call came.
            _ if entry.was_asked => Invited::Same,
            _ if place > known && is_live && is_sooner && is_same_hop => Invited::Entry,
            Place::In if way != call.way() => Invited::Another,
            _ => Invited::Same,
        }
    }

    /// Whether an INVITE can be no hop, no fork and no second try of a call that lives.
    fn is_another(&self, entry: &Entry, setup: &Setup, signal: &Signal<'_>) -> bool {
        if entry.state == State::Ended || entry.has_fork(transaction(signal)) {
            return false;
        }
        let (known, called) = (&entry.call.called, &setup.called);
        let is_for_another = differ(known, called) && !is_same_called(known, called);
        let way = Hop::of(signal, self.options.seed);
        let is_here = entry.went(way);
        let is_challenged = entry.is_challenged();
        if signal.sender != entry.sender {
            // Another element writes its own tag, but does not sit between the same two, unless the call came back.
            return is_for_another || entry.is_there(way) && !is_challenged && !entry.is_refused_on(way);
        }
        if signal.cseq == entry.cseq {
            return false;
        }
        // Digits come one by one: each INVITE has those of the one before (RFC 3578 §3).
        let is_longer = called.raw.len() > known.raw.len() && called.raw.starts_with(&known.raw);
        if is_for_another && !is_longer {
            return true;
        }
        let is_elsewhere = way.is_known() && (!is_here || entry.is_refused_on(way));
        match entry.state {
            _ if is_elsewhere => false,
            _ if signal.cseq < entry.cseq => way.is_known() || signal.cseq != entry.past_cseq,
            // Where responses are seen, a challenge would have been.
            State::Proceeding => way.is_known() && entry.heard_back && !is_challenged && !is_longer,
            _ => true,
        }
    }

    /// Another INVITE of a call: a retransmission, a fork, the answer to a challenge, or a new attempt after it has ended.
    pub(super) fn invite_again(&mut self, slot: u32, hash: u64, signal: Signal<'_>, out: &mut Vec<Stamped>) {
        self.last.1 = Some(slot);
        let seed = self.options.seed;
        let Some(entry) = self.entry(slot) else { return };
        if entry.is_only_asked {
            // The question came first; this is the call itself.
            self.see_asked(slot, &signal);
            return;
        }
        if let Some(fork) = entry.fork(transaction(&signal)) {
            fork.is_seen_on(Hop::of(&signal, seed));
            return;
        }
        if entry.try_again_within(&signal, seed) {
            return;
        }
        match entry.state {
            State::Ended => {
                self.remove(slot);
                let _ = self.insert(hash, signal, Wait::Setup, out);
            }
            _ if signal.cseq < entry.cseq => {}
            State::Answered => self.faults.count(Layer::Call, Kind::Unexpected),
            _ if signal.cseq == entry.cseq => {
                let What::Setup(setup) = &signal.what else { return };
                let fork = Fork::new(&signal, seed);
                let is_full = !entry.follow(fork);
                if is_full && is_about_others(&entry.call, setup) {
                    // No call has so many forks for other numbers.
                    self.invite_beside(Some(slot), hash, signal, out);
                    return;
                }
                note_leg(entry, signal.at, fork.ways[0], setup);
                if is_full {
                    // It is not followed; the call then ends with those that are.
                    self.faults.count(Layer::Call, Kind::TooMany);
                }
            }
            _ => entry.try_again(&signal, Fork::new(&signal, seed)),
        }
    }
}

impl Entry {
    /// The last that was heard is a challenge (RFC 3261 §22).
    pub(super) fn is_challenged(&self) -> bool {
        self.state == State::Proceeding && matches!(self.call.sip_status, Some(401 | 407))
    }

    /// An element on the way tries again where it was refused, which the caller need not know of. Whether it is that.
    pub(super) fn try_again_within(&mut self, signal: &Signal<'_>, seed: Seed) -> bool {
        let fork = Fork::new(signal, seed);
        if matches!(&signal.what, What::Setup(setup) if is_about_others(&self.call, setup)) {
            return false;
        }
        let Some(refused) = self.refused_on(fork.ways[0]) else { return false };
        refused.is_past = true;
        let _ = self.follow(fork);
        true
    }

    /// The caller tries again, in the same call.
    pub(super) fn try_again(&mut self, signal: &Signal<'_>, fork: Fork) {
        self.past_cseq = self.cseq;
        self.cseq = signal.cseq;
        for past in &mut self.forks {
            (past.open, past.is_past) = (false, true);
        }
        let _ = self.follow(fork);
        if self.is_challenged() {
            self.call.sip_status = None;
        }
    }
}

/// Whether these are two numbers; one that is not known is another than one that is.
fn differ(one: &Party, other: &Party) -> bool {
    match (one.number, other.number) {
        (Some(one), Some(other)) => one != other,
        (None, None) => one.raw != other.raw,
        _ => true,
    }
}

/// Whether two calling numbers are known and not the same.
fn is_of_another(one: &Party, other: &Party) -> bool {
    one.number.zip(other.number).is_some_and(|(one, other)| one != other)
}
