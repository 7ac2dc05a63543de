//! The live calls of one shard. Bounded: when full, the call that has waited longest makes room, ended calls first.

mod again;
pub mod asked;
mod beside;
mod circuit;
mod dialog;
mod fork;
mod options;
mod overlap;
mod progress;
mod slots;
mod timer;
pub mod told;
mod warm;

use std::sync::Arc;

use arrayvec::ArrayVec;
use hashbrown::HashTable;

use crate::base::fault::{Faults, Kind, Layer};
use crate::base::network::Network;
use crate::base::time::At;
use crate::call::deadline::{Deadlines, Wait};
use crate::call::event::{Call, CallEvent, Stamp, Stamped};
use crate::call::machine::State;
use crate::call::table::again::Invited;
use crate::call::table::asked::Joins;
use crate::call::table::dialog::Dialogs;
use crate::call::table::fork::{FORKS_MAX, Fork};
use crate::call::table::overlap::Dialling;
use crate::call::table::told::Known;
use crate::signal::{Circuit, Leg, Signal, What};

pub use options::CallOptions;

/// A call in the table.
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
    /// one Call-ID, that of the last signal; the first, where that was of none.
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::base::field::Country;
    use crate::base::frame::{Mtp, RoutingLabel, UserPart};
    use crate::base::map::Seed;
    use crate::base::numbering::Numbering;
    use crate::base::roaming::RoamingStates;
    use crate::base::route::Routes;
    use crate::call::event::ReleasedBy;
    use crate::signal::Setup;

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

    pub(super) fn response(seconds: u64, seq: u64, what: What, status: u16, branch: u32) -> Signal<'static> {
        Signal { sip_status: Some(status), branch, ..signal(seconds, seq, what) }
    }

    pub(super) fn on_circuit(mut signal: Signal<'static>, cic: u32, from: u32) -> Signal<'static> {
        let label = RoutingLabel { standard: Mtp::Itu, opc: 10, dpc: 20, network_indicator: 2, sls: 0 };
        signal.leg = Leg::Isup(Circuit::new(label, UserPart::Isup, cic));
        signal.sender = from;
        signal.branch = 0;
        signal
    }

    pub(super) fn run(signals: impl IntoIterator<Item = Signal<'static>>) -> (Vec<CallEvent>, CallTable) {
        let mut table = CallTable::new(CallOptions::default(), network());
        let mut out = Vec::new();
        for signal in signals {
            table.handle(signal.leg.hash(Seed::default()), signal, &mut out);
        }
        (out.into_iter().map(|stamped| stamped.event).collect(), table)
    }

    pub(super) fn network() -> Arc<Network> {
        let poland = Country::parse("PL").unwrap();
        Arc::new(Network {
            routes: Routes::new(Vec::new()),
            numbering: Numbering::new(poland).unwrap(),
            roaming: RoamingStates::default(),
            emergency: Vec::new(),
            ..Network::unknown()
        })
    }

    pub(super) fn ends(events: &[CallEvent]) -> Vec<&Call> {
        events
            .iter()
            .filter_map(|event| if let CallEvent::End(call) = event { Some(call) } else { None })
            .collect()
    }

    pub(super) fn setup() -> What {
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
}
