//! One call is one call: legs of it that are seen at several places are joined, where the events of all shards come together
//! in one order. In: events, in that order. Out: each event, and whether it is a call's or a further leg's ([`Placed`]).
//!
//! A call is where it comes in from somebody else; failing that, where it was seen first. What comes in from somebody else is
//! never a further leg, whatever it says: `docs/decisions/0015-legs-of-a-call.md` says why. Only setups that something names,
//! or that numbers may join, cost anything here.

mod alike;

use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;

use crate::base::map::{Parts, Seed, keyed_hash};
use crate::base::network::Network;
use crate::base::route::RouteId;
use crate::base::time::At;
use crate::call::event::{Call, CallEvent, CallId, CallKey, Stamped};
use crate::call::leg::{CallLeg, JoinedBy, LegList};
use crate::call::legs::alike::{Alike, compare};

pub use alike::Apart;
pub(in crate::call) use alike::is_same_called;

/// How legs of one call are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LegOptions {
    /// How far apart setups of one call may be, when a header names them alike. Zero: only legs of one Call-ID are joined.
    pub within: Duration,
    /// The same when only their numbers tell. Zero: numbers join nothing.
    pub numbers: Duration,
    /// How far clocks of two tap points may differ: a call may come in this much after it was seen further on.
    pub skew: Duration,
    /// Most further legs of one call; those beyond are calls of their own.
    pub legs_max: u64,
    /// Most calls held that may have further legs, and most further legs; about 900 and 50 octets each.
    pub calls_max: usize,
}

impl Default for LegOptions {
    fn default() -> Self {
        Self {
            within: Duration::from_secs(10),
            numbers: Duration::ZERO,
            skew: Duration::from_millis(20),
            legs_max: 16,
            calls_max: 400_000,
        }
    }
}

/// What was joined, and what was not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LegCounts {
    /// Further legs by what told, in the order of [`JoinedBy`]; those of one Call-ID once their call is over.
    pub joined: [u64; JoinedBy::NAMES.len()],
    /// Setups that something pointed to a call, and that were taken for another, in the order of [`Apart`].
    pub apart: [u64; Apart::NAMES.len()],
}

impl LegCounts {
    /// Further legs, by what told.
    pub fn by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        JoinedBy::NAMES.into_iter().zip(self.joined)
    }

    /// Setups kept apart, by why.
    pub fn by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Apart::NAMES.into_iter().zip(self.apart)
    }
}

/// An event, and whose it is.
#[derive(Clone, Debug)]
pub enum Placed {
    /// A call's.
    Call(CallEvent),
    /// The setup of a call where it comes in; `instead_of` was taken for it until now. `exit`: that leaves for somebody else.
    Entry {
        /// The setup.
        event: CallEvent,
        /// What was taken for the call, as it was set up.
        instead_of: Box<Call>,
        /// The same is where the call leaves.
        is_exit: bool,
    },
    /// The setup of a further leg by which the call `of` leaves for somebody else.
    Exit {
        /// The leg.
        leg: Box<Call>,
        /// The call, as it was set up.
        of: Box<Call>,
    },
    /// Of a further leg; nothing comes of it.
    Leg,
}

/// A call that may have further legs.
#[derive(Debug)]
struct Known {
    call: Call,
    legs: LegList,
    leaves_by: Option<RouteId>,
    over: Option<At>,
    /// New legs may still join it: it is in the order.
    is_open: bool,
    /// The live leg that numbers alone joined; 0: none. Of these a call has one at a time.
    by_numbers: u64,
}

/// What names a call: in what way, and a hash.
type Name = (JoinedBy, u64);
/// A call has four names at most: three headers or its Call-ID, and its numbers.
const NAMES_MAX: usize = 5;
/// So many calls in a row that name no other leg by its Call-ID, and Call-IDs are no longer noted.
const HEADERS_AWAITED: u32 = 10_000;

/// Joins legs.
#[derive(Debug)]
pub struct Legs {
    options: LegOptions,
    network: Arc<Network>,
    seed: Seed,
    known: Parts<u64, Known>,
    known_count: usize,
    /// Live further legs, and their calls.
    members: Parts<u64, u64>,
    member_count: usize,
    /// The two latest calls of each name, the latest first; 0: none.
    named: Parts<Name, [u64; 2]>,
    /// Calls that legs may join, the earliest first.
    order: VecDeque<(At, u64, ArrayVec<Name, NAMES_MAX>)>,
    /// Setups since one named another leg.
    since_header: u32,
    counts: LegCounts,
}

impl Legs {
    /// Knows no call.
    #[must_use]
    pub fn new(options: LegOptions, network: &Arc<Network>, seed: Seed) -> Self {
        Self {
            options,
            network: Arc::clone(network),
            seed,
            known: Parts::with_hasher(seed),
            known_count: 0,
            members: Parts::with_hasher(seed),
            member_count: 0,
            named: Parts::with_hasher(seed),
            order: VecDeque::new(),
            since_header: 0,
            counts: LegCounts::default(),
        }
    }

    /// What was joined so far.
    #[must_use]
    pub const fn counts(&self) -> &LegCounts {
        &self.counts
    }

    /// Calls held that may have further legs, and live further legs.
    #[must_use]
    pub const fn sizes(&self) -> [usize; 2] {
        [self.known_count, self.member_count]
    }

    /// The call that a further leg is of, by their [`Call::seq`].
    #[must_use]
    pub fn call_of(&self, leg: u64) -> Option<(u64, CallId)> {
        let mut seq = *self.members.get(&leg)?;
        // A call that was seen where it comes in took the place of another at most once.
        if let Some(entry) = self.members.get(&seq) {
            seq = *entry;
        }
        Some((seq, self.known.get(&seq)?.call.id))
    }

    /// Takes one event, and says whose it is. The records of calls come to name their legs.
    pub fn place(&mut self, Stamped { stamp, event }: Stamped) -> Placed {
        match event {
            CallEvent::Setup(call) => self.setup(stamp.at, call),
            CallEvent::Answer(mut call) => {
                if self.is_member(call.seq) {
                    return Placed::Leg;
                }
                call.leaves_by = self.held(call.seq).and_then(|known| known.leaves_by).or(call.leaves_by);
                Placed::Call(CallEvent::Answer(call))
            }
            CallEvent::End(call) => self.end(call),
        }
    }

    fn setup(&mut self, now: At, mut call: Call) -> Placed {
        self.expire(now);
        if let Some(instead_of) = call.instead_of.take() {
            return self.enters_under_its_name(now, instead_of, call);
        }
        let names = self.names(&call);
        if names.is_empty() {
            return Placed::Call(CallEvent::Setup(call));
        }
        let mut apart = None;
        for name in &names {
            match self.find(*name, &call) {
                Some(Ok((seq, Alike::Leg))) => return self.join(seq, call, name.0),
                Some(Ok((seq, Alike::Entry))) => return self.enter(now, seq, (call, names.clone()), name.0),
                Some(Err(reason)) => apart = apart.or(Some(reason)),
                None => {}
            }
        }
        if let Some(reason) = apart {
            self.counts.apart[reason as usize] += 1;
        }
        self.note(now, Box::new(call.clone()), names);
        Placed::Call(CallEvent::Setup(call))
    }

    /// What names a call; nothing where nothing can be joined.
    fn names(&mut self, call: &Call) -> ArrayVec<Name, NAMES_MAX> {
        let mut names = ArrayVec::new();
        if !self.options.within.is_zero() {
            let told = call.correlation;
            self.since_header = if told.call == 0 { self.since_header.saturating_add(1) } else { 0 };
            for name in [
                (JoinedBy::Icid, told.icid),
                (JoinedBy::Session, told.session),
                (JoinedBy::Header, told.call),
            ] {
                if name.1 != 0 {
                    names.push(name);
                }
            }
            if let CallKey::Sip(call_id) = &call.key
                && self.since_header < HEADERS_AWAITED
            {
                names.push((JoinedBy::Header, keyed_hash(self.seed, call_id)));
            }
        }
        if !self.options.numbers.is_zero()
            && let (Some(calling), Some(called)) = (call.calling.number, call.called.number)
        {
            names.push((JoinedBy::Numbers, self.seed.hash_one((calling, called))));
        }
        names
    }

    /// The call of this name that this setup is of, or why it is of none.
    fn find(&self, name: Name, call: &Call) -> Option<Result<(u64, Alike), Apart>> {
        let mut found: Option<Result<(u64, Alike), Apart>> = None;
        for seq in self.named.get(&name)?.iter().copied().filter(|seq| *seq != 0) {
            // One of the same Call-ID or circuit has been told apart already.
            let Some(known) = self.known.get(&seq).filter(|known| known.call.key != call.key) else {
                continue;
            };
            let rules = (&self.network.routes, &self.options);
            let compared = compare((&known.call, known.over), call, name.0, rules);
            let this = compared.and_then(|alike| {
                if is_beside(known, call) {
                    Err(Apart::SameHop)
                } else if known.legs.count() >= self.options.legs_max {
                    Err(Apart::TooMany)
                } else if self.member_count >= self.options.calls_max {
                    Err(Apart::Full)
                } else if name.0 == JoinedBy::Numbers && known.by_numbers != 0 {
                    Err(Apart::Ambiguous)
                } else {
                    Ok((seq, alike))
                }
            });
            found = match (found, this) {
                (Some(Ok(_)), Ok(_)) if name.0 == JoinedBy::Numbers => return Some(Err(Apart::Ambiguous)),
                (Some(Ok(first)), _) => Some(Ok(first)),
                (_, Ok(this)) => Some(Ok(this)),
                (Some(Err(first)), Err(_)) => Some(Err(first)),
                (None, this) => Some(this),
            };
        }
        found
    }

    /// `leg` is one of the call `seq`.
    fn join(&mut self, seq: u64, leg: Call, by: JoinedBy) -> Placed {
        let is_exit = self.network.routes.is_exit(leg.way());
        let Some(known) = self.known.get_mut(&seq) else { return Placed::Call(CallEvent::Setup(leg)) };
        self.counts.joined[by as usize] += 1;
        known.legs.push(as_leg(&leg, by));
        if by == JoinedBy::Numbers {
            known.by_numbers = leg.seq;
        }
        let is_other_exit = is_exit && known.call.way() != leg.way();
        if is_other_exit {
            known.leaves_by = Some(leg.route);
        }
        let of = is_other_exit.then(|| Box::new(known.call.clone()));
        self.member_count += usize::from(self.members.insert(leg.seq, seq).is_none());
        of.map_or(Placed::Leg, |of| Placed::Exit { leg: Box::new(leg), of })
    }

    /// The call `seq` comes in where this setup is seen: that is the call from now on, and what was known a leg of it.
    fn enter(
        &mut self,
        now: At,
        seq: u64,
        (call, names): (Call, ArrayVec<Name, NAMES_MAX>),
        by: JoinedBy,
    ) -> Placed {
        let Some(old) = self.forget(seq) else { return Placed::Call(CallEvent::Setup(call)) };
        self.counts.joined[by as usize] += 1;
        self.member_count += usize::from(self.members.insert(seq, call.seq).is_none());
        let own_exit = self.network.routes.is_exit(old.call.way());
        self.note(now, Box::new(call.clone()), names);
        if let Some(known) = self.known.get_mut(&call.seq) {
            known.legs.push(as_leg(&old.call, by));
            known.legs.append(old.legs);
            known.leaves_by = if own_exit { Some(old.call.route) } else { old.leaves_by };
            known.by_numbers = if by == JoinedBy::Numbers { seq } else { old.by_numbers };
        }
        let event = CallEvent::Setup(call);
        Placed::Entry { event, instead_of: Box::new(old.call), is_exit: own_exit }
    }

    /// The same where both have one Call-ID, and the table of calls has found it.
    fn enters_under_its_name(&mut self, now: At, seq: u64, call: Call) -> Placed {
        let first = call.legs.as_ref().and_then(|legs| legs.named.first());
        let Some(first) = first else { return Placed::Call(CallEvent::Setup(call)) };
        let (route, direction) = (first.route, first.direction);
        let old = self.forget(seq);
        let mut instead_of = old.as_ref().map_or_else(|| call.clone(), |old| old.call.clone());
        (instead_of.seq, instead_of.route, instead_of.direction) = (seq, route, direction);
        let is_exit = self.network.routes.is_exit((route, direction));
        let names = self.names(&call);
        if is_exit || old.is_some() || !names.is_empty() {
            self.note(now, Box::new(call.clone()), names);
        }
        if let Some(known) = self.known.get_mut(&call.seq) {
            let (legs, by_numbers, leaves_by) =
                old.map(|old| (old.legs, old.by_numbers, old.leaves_by)).unwrap_or_default();
            known.legs = legs;
            known.by_numbers = by_numbers;
            known.leaves_by = if is_exit { Some(route) } else { leaves_by };
        }
        Placed::Entry { event: CallEvent::Setup(call), instead_of: Box::new(instead_of), is_exit }
    }

    fn end(&mut self, mut call: Call) -> Placed {
        if self.member_count > 0
            && let Some(of) = self.members.remove(&call.seq)
        {
            self.member_count -= 1;
            if let Some(known) = self.known.get_mut(&of).filter(|known| known.by_numbers == call.seq) {
                known.by_numbers = 0;
            }
            return Placed::Leg;
        }
        if let Some(own) = &call.legs {
            self.counts.joined[JoinedBy::CallId as usize] += own.count();
        }
        let seq = call.seq;
        let Some(known) = self.held_mut(seq) else { return Placed::Call(CallEvent::End(call)) };
        known.over = Some(call.end_at.unwrap_or(known.call.setup_at));
        call.leaves_by = known.leaves_by.or(call.leaves_by);
        if known.legs.count() > 0 {
            call.legs.get_or_insert_default().append(std::mem::take(&mut known.legs));
        }
        if !known.is_open {
            self.forget(seq);
        }
        Placed::Call(CallEvent::End(call))
    }

    /// Takes in a call that further legs may join.
    fn note(&mut self, now: At, call: Box<Call>, names: ArrayVec<Name, NAMES_MAX>) {
        if self.known_count >= self.options.calls_max {
            // The oldest closes before its time; when it lives on with its legs, this one is not taken in.
            self.counts.apart[Apart::Full as usize] += 1;
            self.close_oldest();
        }
        if self.known_count >= self.options.calls_max {
            return;
        }
        let seq = call.seq;
        for name in &names {
            let slots = self.named.get(name).copied().unwrap_or_default();
            if slots[0] != seq {
                self.named.insert(*name, [seq, slots[0]]);
            }
        }
        self.order.push_back((now, seq, names));
        let known = Known {
            // The head of a signed setup is for whoever verifies now.
            call: Call { identity: None, ..*call },
            legs: LegList::default(),
            leaves_by: None,
            over: None,
            is_open: true,
            by_numbers: 0,
        };
        self.known_count += usize::from(self.known.insert(seq, known).is_none());
    }

    /// Forgets calls that nothing can join any more.
    fn expire(&mut self, now: At) {
        let hold = self.options.within.max(self.options.numbers);
        while self.order.front().is_some_and(|(at, _, _)| now.since(*at) > hold) {
            self.close_oldest();
        }
    }

    /// Nothing joins the oldest call any more; with legs, it is held until it is over.
    fn close_oldest(&mut self) {
        let Some((_, seq, names)) = self.order.pop_front() else { return };
        for name in names {
            let Some(slots) = self.named.get_mut(&name) else { continue };
            *slots = match *slots {
                [first, second] if first == seq => [second, 0],
                [first, second] if second == seq => [first, 0],
                both => both,
            };
            if *slots == [0; 2] {
                self.named.remove(&name);
            }
        }
        let Some(known) = self.known.get_mut(&seq) else { return };
        known.is_open = false;
        if known.over.is_some() || known.legs.count() == 0 && known.leaves_by.is_none() {
            self.forget(seq);
        }
    }

    fn forget(&mut self, seq: u64) -> Option<Known> {
        let known = self.known.remove(&seq)?;
        self.known_count -= 1;
        Some(known)
    }

    fn is_member(&self, seq: u64) -> bool {
        self.member_count > 0 && self.members.get(&seq).is_some()
    }

    fn held(&self, seq: u64) -> Option<&Known> {
        if self.known_count > 0 { self.known.get(&seq) } else { None }
    }

    fn held_mut(&mut self, seq: u64) -> Option<&mut Known> {
        if self.known_count > 0 { self.known.get_mut(&seq) } else { None }
    }
}

/// Whether a setup goes between the same two as the call or a leg of it, and nothing came back to whom it is from: a call that
/// passes an element twice has been sent back from there.
fn is_beside(known: &Known, call: &Call) -> bool {
    let (own, legs) = (known.call.legs.as_deref(), &known.legs);
    let named = own.into_iter().chain([legs]).flat_map(|legs| &legs.named);
    let hops = || named.clone().map(|leg| leg.hop).chain([known.call.hop]);
    let there = hops().filter(|hop| *hop == call.hop).count();
    let back = hops().filter(|hop| hop.to == call.hop.from).count();
    call.hop.is_known() && there > 0 && back < there
}

fn as_leg(call: &Call, by: JoinedBy) -> CallLeg {
    CallLeg {
        key: call.key.clone(),
        route: call.route,
        direction: call.direction,
        hop: call.hop,
        setup_at: call.setup_at,
        by,
    }
}
