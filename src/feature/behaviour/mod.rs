//! How numbers and routes behave: what callers do all day, what comes to a called number, who pays for expensive calls
//! abroad, how a route compares with its peers.
//!
//! In: calls as they begin, are counted (answered, or ended unanswered) and hang up. Out: figures for the fields in
//! `fields/behaviour.rs`. Every call counts once, as everywhere; its talk is known when it hangs up.
//!
//! Must not: judge, read a clock, or walk a table in hash order. Every table has a limit; what gives way is counted.

pub mod called;
pub mod caller;
pub mod flight;
pub mod outcome;
pub mod payer;
pub mod route;
pub mod voicemail;

use std::hash::BuildHasher;

use serde::Deserialize;

use crate::base::fault::{Faults, Kind, Layer};
use crate::base::map::Seed;
use crate::base::network::Network;
use crate::base::number::Number;
use crate::base::route::{Direction, RouteId};
use crate::base::time::At;
use crate::call::Call;
use crate::feature::behaviour::called::{Arrival, Called};
use crate::feature::behaviour::caller::{Attempt, Caller, Talk};
use crate::feature::behaviour::outcome::is_odd;
use crate::feature::behaviour::payer::{Contact, Payer};
use crate::feature::behaviour::route::Trunks;
use crate::feature::behaviour::voicemail::Cuts;
use crate::feature::clock::seconds;
use crate::feature::distinct::Pool;
use crate::feature::slices::Part;
use crate::feature::table::Table;
use crate::feature::window::{Beat, Tick};

/// Most keys in each table of behaviour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calling numbers.
    pub callers: usize,
    /// Called numbers.
    pub called: usize,
    /// Numbers that pay for calls to high-cost numbers abroad.
    pub payers: usize,
    /// Pairs of a payer and a high-cost number it called.
    pub contacts: usize,
    /// Pairs whose last attempt was cut early.
    pub cuts: usize,
    /// Routes, each counted twice: in and out.
    pub routes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            callers: 1_000_000,
            called: 1_000_000,
            payers: 50_000,
            contacts: 200_000,
            cuts: 200_000,
            routes: 10_001,
        }
    }
}

/// Keys in each table of behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Calling numbers.
    pub callers: usize,
    /// Called numbers.
    pub called: usize,
    /// Numbers that pay for calls to high-cost numbers abroad.
    pub payers: usize,
    /// Pairs of a payer and a high-cost number.
    pub contacts: usize,
    /// Pairs whose last attempt was cut early, with those too old to count.
    pub cuts: usize,
}

/// All that is known of behaviour.
#[derive(Clone, Debug, Deserialize)]
pub struct Behaviour {
    seed: Seed,
    callers: Table<u64, Caller>,
    called: Table<u64, Called>,
    payers: Table<u64, Payer>,
    /// When a payer first called a high-cost number.
    contacts: Table<(u64, u64), Contact>,
    cuts: Cuts,
    routes: Trunks,
}

/// What behaviour shares with the other windows.
pub(super) struct Shared<'a> {
    /// Slots for distinct counts.
    pub pool: &'a mut Pool,
    /// What had to give way.
    pub faults: &'a mut Faults,
}

impl Shared<'_> {
    fn note<V>(&mut self, evicted: Option<V>) {
        if evicted.is_some() {
            self.faults.count(Layer::Feature, Kind::Evicted);
        }
    }
}

impl Behaviour {
    /// Nothing known yet.
    pub(super) fn new(limits: Limits, seed: Seed) -> Self {
        Self {
            seed,
            callers: Table::new(limits.callers, seed),
            called: Table::new(limits.called, seed),
            payers: Table::new(limits.payers, seed),
            contacts: Table::new(limits.contacts, seed),
            cuts: Cuts::new(limits.cuts, seed),
            routes: Trunks::new(limits.routes),
        }
    }

    /// What is kept in a file, in the order of the fields.
    pub(super) fn parts(&self) -> [&dyn Part; 7] {
        let Self { seed, callers, called, payers, contacts, cuts, routes } = self;
        [seed, callers, called, payers, contacts, cuts.part(), routes]
    }

    /// Reads what counting `call` will touch. The sum means nothing: it makes the reads happen.
    pub(super) fn warm(&self, call: &Call) -> u32 {
        let caller = call.calling.number.and_then(|number| self.callers.first(&number.value()));
        let called = call.called.number.and_then(|number| self.called.first(&number.value()));
        caller.map_or(0, Caller::warm) ^ called.map_or(0, Called::warm)
    }

    /// A call is in flight from now on.
    pub(super) fn begun(&mut self, call: &Call, network: &Network, mut shared: Shared<'_>) {
        self.count_payer(call, network, &mut shared);
        let (tick, rank) = (Tick::of(call.setup_at), seconds(call.setup_at));
        if let Some(caller) = call.calling.number {
            let (known, evicted) = self.callers.touch(caller.value(), rank);
            known.in_flight.begin(tick);
            shared.note(evicted);
        }
        if let Some((payer, _)) = high_cost_call(call, network) {
            let (known, evicted) = self.payers.touch(payer.value(), rank);
            known.in_flight.begin(tick);
            shared.note(evicted);
        }
    }

    /// A call was refused. Who tries to spend more is counted all the same: what is dialled is known at setup.
    pub(super) fn refused(&mut self, call: &Call, network: &Network, mut shared: Shared<'_>) {
        self.count_payer(call, network, &mut shared);
    }

    /// Counts a call that was answered, or ended unanswered, at `at`.
    pub(super) fn counted(&mut self, call: &Call, at: At, network: &Network, mut shared: Shared<'_>) {
        let (tick, rank) = (Tick::of(at), seconds(at));
        if let Some(caller) = call.calling.number {
            let (known, evicted) = self.callers.touch(caller.value(), rank);
            known.attempt(tick, Attempt::of(call, network));
            shared.note(evicted);
        }
        self.count_called(call, at, network, &mut shared);
        let exit = call.on_exit();
        for seen in std::iter::once(call).chain(&exit) {
            if !self.routes.counted(seen, tick, network) {
                shared.faults.count(Layer::Feature, Kind::Evicted);
            }
        }
        shared.note(self.cuts.counted(call, rank));
    }

    /// A call is over: it is no longer in flight, and if it was answered its talk counts.
    pub(super) fn hung_up(&mut self, call: &Call, at: At, network: &Network, mut shared: Shared<'_>) {
        let (tick, rank) = (Tick::of(at), seconds(at));
        let talk = Talk::of(call, self.cuts.is_ringless(call));
        if let Some(caller) = call.calling.number {
            let (known, evicted) = self.callers.touch(caller.value(), rank);
            known.in_flight.end();
            if let Some(talk) = talk {
                known.talked(tick, talk);
            }
            shared.note(evicted);
        }
        if let Some((payer, _)) = high_cost_call(call, network) {
            let (known, evicted) = self.payers.touch(payer.value(), rank);
            known.in_flight.end();
            if let Some(talk) = talk {
                known.talked(tick, talk.deciseconds());
            }
            shared.note(evicted);
        }
        if let Some(talk) = talk {
            self.routes.hung_up(call.way(), tick, talk);
            if let Some(route) = call.leaves_by {
                self.routes.hung_up((route, Direction::Outbound), tick, talk);
            }
        }
    }

    /// A call that came in leaves by this leg, which may cost what was not known when it came in.
    pub(super) fn goes_out(&mut self, leg: &Call, network: &Network, mut shared: Shared<'_>) {
        self.count_payer(leg, network, &mut shared);
        if let Some((payer, _)) = high_cost_call(leg, network) {
            let (known, evicted) = self.payers.touch(payer.value(), seconds(leg.setup_at));
            known.in_flight.begin(Tick::of(leg.setup_at));
            shared.note(evicted);
        }
    }

    /// Keys in each table.
    pub(super) fn sizes(&self) -> Sizes {
        Sizes {
            callers: self.callers.len(),
            called: self.called.len(),
            payers: self.payers.len(),
            contacts: self.contacts.len(),
            cuts: self.cuts.len(),
        }
    }

    /// Octets of memory with every table full and every key busy.
    pub(super) fn bytes_max(&self) -> usize {
        self.callers.bytes_max()
            + self.callers.limit() * Caller::BUSY_BYTES
            + self.called.bytes_max()
            + self.called.limit() * Called::BUSY_BYTES
            + self.payers.bytes_max()
            + self.contacts.bytes_max()
            + self.cuts.bytes_max()
            + self.routes.bytes_max()
    }

    /// Slots that the sets of called numbers took from the pool.
    pub(super) fn borrowed(&self) -> usize {
        self.called.iter().map(|(_, called)| called.borrowed()).sum()
    }

    pub(super) fn caller(&self, number: Number, at: At) -> caller::Figures {
        self.callers
            .get(&number.value())
            .map_or_else(caller::Figures::default, |known| known.figures(Tick::of(at)))
    }

    pub(super) fn called(&self, number: Number, at: At) -> called::Figures {
        self.called
            .get(&number.value())
            .map_or_else(called::Figures::default, |known| known.figures(Beat::of(at)))
    }

    /// Calls to `number` usual in 10 minutes of this hour of the day; none while too little is known.
    pub(super) fn usual_10m(&self, number: Number, at: At) -> Option<u32> {
        self.called.get(&number.value())?.usual_10m(Tick::of(at))
    }

    /// Calls that others made to `number` in 24 hours and in 7 days.
    pub(super) fn received(&self, number: Number, at: At) -> [u64; 2] {
        self.called.get(&number.value()).map_or([0; 2], |known| known.received(Tick::of(at)))
    }

    /// What whoever pays for `call` spends on high-cost calls abroad; none when the call is no such call.
    pub(super) fn payer(&self, call: &Call, network: &Network, at: At) -> Option<payer::Figures> {
        let (payer, called) = high_cost_call(call, network)?;
        let mut figures = self
            .payers
            .get(&payer.value())
            .map_or_else(payer::Figures::default, |known| known.figures(Tick::of(at)));
        let contact = self.contacts.get(&(payer.value(), called.value()));
        figures.is_known = contact.is_some_and(|contact| !contact.is_new(Tick::of(at)));
        Some(figures)
    }

    pub(super) fn route(&self, route: RouteId, direction: Direction, at: At) -> Option<route::Figures> {
        self.routes.figures(route, direction, Tick::of(at))
    }

    pub(super) fn is_ringless(&self, call: &Call) -> bool {
        self.cuts.is_ringless(call)
    }

    fn count_called(&mut self, call: &Call, at: At, network: &Network, shared: &mut Shared<'_>) {
        let Some(called) = call.called.number else { return };
        let caller =
            call.calling.number.map_or(0, |number| ((self.seed.hash_one(number) >> 32) as u32).max(1));
        let (known, evicted) = self.called.touch(called.value(), seconds(at));
        known.add(Arrival::of(call, caller, at), shared.pool, || is_odd(&call.calling, network, at));
        if let Some(evicted) = evicted {
            shared.pool.give_back(evicted.borrowed());
            shared.faults.count(Layer::Feature, Kind::Evicted);
        }
    }

    fn count_payer(&mut self, call: &Call, network: &Network, shared: &mut Shared<'_>) {
        let Some((payer, called)) = high_cost_call(call, network) else { return };
        let (tick, rank) = (Tick::of(call.setup_at), seconds(call.setup_at));
        let (contact, evicted) = self.contacts.touch((payer.value(), called.value()), rank);
        let is_new = contact.meet(tick);
        shared.note(evicted);
        let called_hash = (self.seed.hash_one(called) >> 32) as u32;
        let (known, evicted) = self.payers.touch(payer.value(), rank);
        known.attempt(tick, called_hash, is_new);
        shared.note(evicted);
    }
}

/// Who pays for a call that leaves for a high-cost number abroad, and that number; none for any other call.
fn high_cost_call(call: &Call, network: &Network) -> Option<(Number, Number)> {
    if call.leaves_by.is_none() && !network.is_leaving(call.way(), call.called.number) {
        return None;
    }
    let called = call.called.number?;
    // As of the setup: a list that expires meanwhile must not end what it did not begin.
    if network.numbering.is_home(called) || !network.is_high_cost(called, call.setup_at) {
        return None;
    }
    Some((payer_of(call)?, called))
}

/// Who pays for a call that leaves: whoever forwarded it, else the caller.
pub(super) fn payer_of(call: &Call) -> Option<Number> {
    call.diverting.as_ref().unwrap_or(&call.calling).number
}
