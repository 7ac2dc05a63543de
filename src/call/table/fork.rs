//! The branches that an INVITE took, and which way its responses travel. A response goes back to where its request came from
//! (RFC 3261 §18.2.2), from whatever address; one that goes the way of the request answers nothing: the caller may have written
//! it, so that a call looks answered, or over.

use std::net::SocketAddr;
use std::time::Duration;

use arrayvec::ArrayVec;

use crate::base::map::Seed;
use crate::base::route::Place;
use crate::call::hop::Hop;
use crate::call::machine::{Side, State};
use crate::call::table::{CallTable, Entry};
use crate::signal::{Signal, What};

/// Forks of one INVITE followed; more are counted and not followed.
pub(super) const FORKS_MAX: usize = 4;
/// Ways of one INVITE kept: an element that changes addresses alone hands on the same message.
const WAYS_MAX: usize = 2;

/// An element that takes longer to answer an INVITE says 100 before (RFC 3261 §17.2.1).
const TRYING_MAX: Duration = Duration::from_millis(200);

/// One branch that an INVITE took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fork {
    /// See [`transaction`].
    pub transaction: u32,
    /// The From tag of its INVITE.
    pub sender: u32,
    /// From where to where the INVITE went.
    pub ways: [Hop; WAYS_MAX],
    /// Its final response is awaited.
    pub open: bool,
    /// It was refused or challenged, and nobody has tried again.
    pub is_refused: bool,
    /// Of an earlier INVITE of the call, which was challenged.
    pub is_past: bool,
}

impl Fork {
    /// The branch that this INVITE takes.
    pub fn new(signal: &Signal<'_>, seed: Seed) -> Self {
        let ways = [Hop::of(signal, seed), Hop::default()];
        let (transaction, sender) = (transaction(signal), signal.sender);
        Self { transaction, sender, ways, open: true, is_refused: false, is_past: false }
    }

    /// Notes the same INVITE on another way.
    pub fn is_seen_on(&mut self, way: Hop) {
        if way.is_known()
            && !self.ways.contains(&way)
            && let Some(free) = self.ways.iter_mut().find(|known| !known.is_known())
        {
            *free = way;
        }
    }
}

/// Names the transaction of a message: the same for an INVITE, its retransmissions, its CANCEL and the responses to it, for
/// they have its branch, CSeq and From tag (RFC 3261 §8.2.6.2, §9.1); another for each fork and each call.
pub(super) const fn transaction(signal: &Signal<'_>) -> u32 {
    signal.branch ^ signal.sender.rotate_left(11) ^ signal.cseq.wrapping_mul(0x9E37_79B9)
}

impl Entry {
    pub(super) fn fork(&mut self, transaction: u32) -> Option<&mut Fork> {
        self.forks.iter_mut().find(|fork| fork.transaction == transaction)
    }

    pub(super) fn has_fork(&self, transaction: u32) -> bool {
        self.forks.iter().any(|fork| fork.transaction == transaction)
    }

    /// Notes that something of the call came from an element to which its INVITE went.
    pub(super) fn hear(&mut self, way: Hop) {
        let goes_to = |fork: &Fork| fork.ways.iter().any(|asked| asked.to == way.from);
        self.is_heard_there |= way.is_known() && self.forks.iter().any(goes_to);
    }

    /// Whether a response to this one speaks of the call, whatever its CSeq: an element within may count its own.
    pub(super) fn awaits(&self, transaction: u32) -> bool {
        self.forks.iter().any(|fork| fork.transaction == transaction && !fork.is_past)
    }

    /// Whether it answers a later INVITE of the dialog, which the called side sent (RFC 3261 §14.1).
    pub(super) fn is_of_callees(&self, signal: &Signal<'_>) -> bool {
        self.call.answer_at.is_some() && signal.sender != self.sender && !self.has_fork(transaction(signal))
    }

    /// Whether a BYE has the tags of its dialog the wrong way round: From is its sender's (RFC 3261 §12.2.1.1), so the caller's
    /// where the INVITE came from. Both of an element that has another's are left alone.
    pub(super) fn is_swapped(&self, signal: &Signal<'_>, seed: Seed) -> bool {
        let way = Hop::of(signal, seed);
        let sent =
            |way: Hop, tag: u32| self.forks.iter().any(|fork| fork.sender == tag && fork.ways.contains(&way));
        match (self.went(way), self.went(way.back())) {
            (true, false) => !sent(way, signal.sender) && sent(way, signal.receiver),
            (false, true) => sent(way.back(), signal.sender) && !sent(way.back(), signal.receiver),
            _ => false,
        }
    }

    /// Whether an INVITE of the call went this way.
    pub(super) fn went(&self, way: Hop) -> bool {
        way.is_known() && self.forks.iter().any(|fork| fork.ways.contains(&way))
    }

    /// Whether an INVITE of the call is on this way still: one that came back may go there again.
    pub(super) fn is_there(&self, way: Hop) -> bool {
        let is_on = |fork: &Fork, way: Hop| !fork.is_past && fork.ways.contains(&way);
        let went = |way: Hop| self.forks.iter().filter(|fork| is_on(fork, way)).count();
        way.is_known() && went(way) > went(way.back())
    }

    /// The branch that was refused on this way, while the call goes on by another: who sits there may try again, with
    /// credentials (RFC 3261 §22.2, §22.3) or without.
    pub(super) fn refused_on(&mut self, way: Hop) -> Option<&mut Fork> {
        let at = self.find_refused_on(way)?;
        self.forks.get_mut(at)
    }

    /// Whether there is one.
    pub(super) fn is_refused_on(&self, way: Hop) -> bool {
        self.find_refused_on(way).is_some()
    }

    fn find_refused_on(&self, way: Hop) -> Option<usize> {
        let is_live = matches!(self.state, State::Proceeding | State::Alerting) && way.is_known();
        let goes_on = |fork: &Fork| fork.open && !fork.ways.contains(&way);
        let is_refused = |fork: &Fork| fork.is_refused && !fork.is_past && fork.ways.contains(&way);
        // Who waits for another response there does not try again: a copy of an INVITE is refused too (RFC 3261 §8.2.2.2).
        let waits = |fork: &Fork| fork.open && fork.ways.contains(&way);
        let is_within = self.forks.iter().any(goes_on) && !self.forks.iter().any(waits);
        (is_live && is_within).then(|| self.forks.iter().position(is_refused))?
    }

    /// Follows one more branch; those of earlier INVITEs make room. Whether there was room.
    pub(super) fn follow(&mut self, fork: Fork) -> bool {
        if self.forks.is_full()
            && let Some(past) = self.forks.iter().position(|fork| fork.is_past)
        {
            self.forks.remove(past);
        }
        self.forks.try_push(fork).is_ok()
    }

    /// Which side sent a message that is no response: by its way, failing that by its tag.
    pub(super) fn side_of(&self, signal: &Signal<'_>, seed: Seed) -> Side {
        if matches!(signal.what, What::Release) {
            let way = Hop::of(signal, seed);
            match (self.went(way), self.went(way.back())) {
                (true, false) => return Side::Calling,
                (false, true) => return Side::Called,
                _ => {}
            }
        }
        if signal.sender == self.sender { Side::Calling } else { Side::Called }
    }
}

impl CallTable {
    /// Whether the called side cannot have sent this, though only that may say so: an answer, an alerting or a refusal.
    pub(super) fn is_wrong_way(&self, slot: u32, signal: &Signal<'_>) -> bool {
        let Some(entry) = self.held(slot).filter(|entry| !entry.is_only_asked) else { return false };
        match (&signal.what, entry.circuit) {
            // Where both exchanges have one code, nothing tells them apart.
            (What::Alert | What::Answer, Some(circuit)) => {
                signal.sender == entry.sender && circuit.low != circuit.high && !entry.is_contested
            }
            (What::Progress | What::Alert | What::Answer | What::Refuse, None) => {
                self.goes_there(entry, signal)
            }
            _ => false,
        }
    }

    /// Whether a response travels there, not back.
    fn goes_there(&self, entry: &Entry, signal: &Signal<'_>) -> bool {
        let way = Hop::of(signal, self.options.seed);
        let own = transaction(signal);
        let is_followed = entry.has_fork(own);
        let about = entry.forks.iter().filter(|fork| !is_followed || fork.transaction == own);
        let ways: ArrayVec<Hop, { FORKS_MAX * WAYS_MAX }> =
            about.flat_map(|fork| fork.ways).filter(|way| way.is_known()).collect();
        if !way.is_known() || ways.is_empty() || ways.contains(&way.back()) {
            return false;
        }
        if !is_followed && !self.is_seen_both_ways(entry, signal) {
            return false;
        }
        if ways.contains(&way) {
            return true;
        }
        // Whoever asked gets the response, from whatever address.
        let is_back = is_followed && ways.iter().any(|asked| asked.from == way.to);
        !is_back && self.is_from_origin(entry, signal)
    }

    /// Whether what the element says is seen too, to which the INVITE went. A tap of what it receives alone has the response to
    /// the INVITE that it sent on, but not that INVITE. Until something of it could have been seen, it may be.
    fn is_seen_both_ways(&self, entry: &Entry, signal: &Signal<'_>) -> bool {
        let ways = || entry.forks.iter().flat_map(|fork| fork.ways).filter(|way| way.is_known());
        entry.is_heard_there
            || signal.at < entry.call.setup_at + TRYING_MAX
            || ways().any(|onward| ways().any(|way| way.to == onward.from))
    }

    /// Whether it comes in from where the call came in, from another address. A response to an INVITE that went back there has
    /// the branch of that; and within one network both sides may have one route.
    fn is_from_origin(&self, entry: &Entry, signal: &Signal<'_>) -> bool {
        let (way, routes) = (entry.call.way(), &self.network.routes);
        let is_there = |address: SocketAddr| routes.of_peer(address.ip()) == Some(way.0);
        routes.place(way) == Place::In
            && signal.between.is_some_and(|(src, dst)| is_there(src) && !is_there(dst))
    }
}
