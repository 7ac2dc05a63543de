//! Which call each message belongs to, by the same table of calls that records are made with.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::frame::{Envelope, Pdu, UserPart};
use crate::base::map::{Map, Seed};
use crate::base::time::At;
use crate::call::{Call, CallEvent, Protocol, Stamped};
use crate::engine::Shard;
use crate::inspect::describe::Said;
use crate::signal::{self, Counts, Key};
use crate::wire::isup::{Message, MessageType};

/// Calls on circuits that have ended and are still shown, each about 500 octets.
const RECENT_MAX: usize = 65_536;
/// How long a release is repeated or completed: T1 and T5 begin at up to 60 s (Q.764 annex A).
const RECENT_HOLD: Duration = Duration::from_secs(60);

/// A message, what it says, and its call.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The message.
    pub pdu: Pdu<'a>,
    /// What it says.
    pub said: Said<'a>,
    /// The call it belongs to, as far as it has been seen.
    pub call: Option<&'a Call>,
}

/// Follows calls message by message.
#[derive(Debug)]
pub struct Follower {
    shard: Shard,
    seed: Seed,
    recent: Recent,
    calls: u64,
}

impl Follower {
    /// Follows calls in `shard`, whose hashes are keyed by `seed`.
    #[must_use]
    pub fn new(shard: Shard, seed: Seed) -> Self {
        Self { shard, seed, recent: Recent::new(seed), calls: 0 }
    }

    /// Takes a message; what happened to calls is put to `events`, for whoever judges them.
    pub fn take<'a>(&'a mut self, pdu: &Pdu<'a>, events: &mut Vec<Stamped>) -> Entry<'a> {
        let key = signal::key(pdu, self.seed);
        let seen = events.len();
        self.shard.handle(pdu, key, events);
        self.note(key, events.get(seen..).unwrap_or_default());
        let said = Said::of(pdu);
        let live = self.shard.call_of(key);
        let call = match key {
            Key::Leg(hash) if live.is_none() && releases(pdu) => self.recent.get(hash, pdu.at),
            _ => live,
        };
        Entry { pdu: *pdu, said, call }
    }

    /// Fires the timers due at or before `now`.
    pub fn advance(&mut self, now: At, events: &mut Vec<Stamped>) {
        let seen = events.len();
        self.shard.advance(now, events);
        self.note(Key::None, events.get(seen..).unwrap_or_default());
    }

    /// Ends the run.
    pub fn finish(&mut self, events: &mut Vec<Stamped>) {
        self.shard.finish(events);
    }

    /// Messages and faults counted so far, as a replay counts them.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shard.counts()
    }

    /// Calls set up so far.
    #[must_use]
    pub const fn calls(&self) -> u64 {
        self.calls
    }

    /// A circuit is free when its call ends, but its release is still to be completed.
    fn note(&mut self, key: Key, events: &[Stamped]) {
        for stamped in events {
            match (&stamped.event, key) {
                (CallEvent::Setup(_), _) => self.calls += 1,
                // A timer that fired on the way is of another call.
                (CallEvent::End(call), Key::Leg(hash))
                    if stamped.stamp.by_message && call.protocol() == Protocol::Isup =>
                {
                    self.recent.put(hash, stamped.stamp.at, call);
                }
                _ => {}
            }
        }
    }
}

/// REL and RLC, which go on after the end of their call.
fn releases(pdu: &Pdu<'_>) -> bool {
    let is_release = |message: Message<'_>| {
        matches!(message.message_type, MessageType::RELEASE | MessageType::RELEASE_COMPLETE)
    };
    matches!(pdu.envelope, Envelope::Isup { part: UserPart::Isup, .. })
        && Message::parse(pdu.bytes).is_ok_and(is_release)
}

/// The last call of circuits, the one put in first making room.
#[derive(Debug)]
struct Recent {
    calls: Map<u64, (At, Call)>,
    order: VecDeque<(At, u64)>,
}

impl Recent {
    fn new(seed: Seed) -> Self {
        Self { calls: Map::with_hasher(seed), order: VecDeque::new() }
    }

    fn put(&mut self, hash: u64, at: At, call: &Call) {
        while let Some((first, hash)) = self.order.front().copied()
            && (self.order.len() >= RECENT_MAX || at.since(first) > RECENT_HOLD)
        {
            self.order.pop_front();
            // A later call of the circuit stays.
            if self.calls.get(&hash).is_some_and(|(ended, _)| *ended == first) {
                self.calls.remove(&hash);
            }
        }
        self.order.push_back((at, hash));
        self.calls.insert(hash, (at, call.clone()));
    }

    fn get(&self, hash: u64, now: At) -> Option<&Call> {
        self.calls.get(&hash).filter(|(ended, _)| now.since(*ended) <= RECENT_HOLD).map(|(_, call)| call)
    }
}
