//! Which call each message belongs to, by the same table of calls that records are made with.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use crate::base::frame::{Envelope, Pdu};
use crate::base::map::{Map, Seed};
use crate::base::network::Network;
use crate::base::time::At;
use crate::call::{Call, CallEvent, CallId, CallOptions, Legs, Placed, Protocol, Stamped};
use crate::engine::Shard;
use crate::inspect::describe::Said;
use crate::signal::{self, Counts, Key};
use crate::wire::isup::{Message, MessageType, Variant};

/// Calls on circuits that have ended and are still shown, each about 500 octets.
const RECENT_MAX: usize = 65_536;
/// How long a release is repeated or completed: T1 and T5 begin at up to 60 s (Q.764 annex A).
const RECENT_HOLD: Duration = Duration::from_secs(60);

/// Further legs that have ended and still belong to their call, 32 octets each.
const LEGS_MAX: usize = 65_536;

/// What happened to a call, and when.
pub type Told = (At, Placed);

/// A message, what it says, and its call.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// The message.
    pub pdu: Pdu<'a>,
    /// What it says.
    pub said: Said<'a>,
    /// The leg it belongs to, as far as it has been seen.
    pub call: Option<&'a Call>,
    /// The call that the leg is of, as far as that is known; records of that call have this id.
    pub id: Option<CallId>,
}

/// A message and its call, before anyone has asked what it says.
#[derive(Clone, Copy, Debug)]
pub struct Passed<'a> {
    /// The message.
    pub pdu: Pdu<'a>,
    /// As in [`Entry`].
    pub call: Option<&'a Call>,
    /// As in [`Entry`].
    pub id: Option<CallId>,
}

impl<'a> Passed<'a> {
    /// With what it says.
    #[must_use]
    pub fn entry(&self) -> Entry<'a> {
        let Self { pdu, call, id } = *self;
        Entry { pdu, said: Said::of(&pdu), call, id }
    }
}

/// Follows calls message by message.
#[derive(Debug)]
pub struct Follower {
    shard: Shard,
    legs: Legs,
    seed: Seed,
    recent: Recent,
    /// Calls of further legs that have ended, by the leg's number.
    ended: Map<u64, CallId>,
    ended_order: VecDeque<u64>,
    events: Vec<Stamped>,
    calls: u64,
}

impl Follower {
    /// Follows the calls of a network.
    #[must_use]
    pub fn new(network: &Arc<Network>, options: CallOptions) -> Self {
        let seed = options.seed;
        Self {
            shard: Shard::new(network, options, true),
            legs: Legs::new(options.legs, network, seed),
            seed,
            recent: Recent::new(seed),
            ended: Map::with_hasher(seed),
            ended_order: VecDeque::new(),
            events: Vec::new(),
            calls: 0,
        }
    }

    /// Takes a message and says it in words; what happened to calls is put to `told`, for whoever judges them.
    pub fn take<'a>(&'a mut self, pdu: &Pdu<'a>, told: &mut Vec<Told>) -> Entry<'a> {
        self.follow(pdu, told).entry()
    }

    /// The same without words.
    pub fn follow<'a>(&'a mut self, pdu: &Pdu<'a>, told: &mut Vec<Told>) -> Passed<'a> {
        let key = signal::key(pdu, self.seed);
        self.shard.handle(pdu, key, &mut self.events);
        self.tell(key, told);
        let live = self.shard.call_of(key);
        let call = match key {
            Key::Leg(hash) if live.is_none() && releases(pdu) => self.recent.get(hash, pdu.at),
            _ => live,
        };
        let id = call.map(|call| {
            let joined = self.legs.call_of(call.seq).map(|(_, id)| id);
            joined.or_else(|| self.ended.get(&call.seq).copied()).unwrap_or(call.id)
        });
        Passed { pdu: *pdu, call, id }
    }

    /// Fires the timers due at or before `now`.
    pub fn advance(&mut self, now: At, told: &mut Vec<Told>) {
        self.shard.advance(now, &mut self.events);
        self.tell(Key::None, told);
    }

    /// Ends the run.
    pub fn finish(&mut self, told: &mut Vec<Told>) {
        self.shard.finish(&mut self.events);
        self.tell(Key::None, told);
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

    /// Says whose each event is. A leg is forgotten when it ends, but its last messages are still to come.
    fn tell(&mut self, key: Key, told: &mut Vec<Told>) {
        let mut events = std::mem::take(&mut self.events);
        for stamped in events.drain(..) {
            let at = stamped.stamp.at;
            if let CallEvent::End(call) = &stamped.event {
                self.end(call);
                // A circuit is free at once. A timer that fired on the way is of another call.
                if let Key::Leg(hash) = key
                    && stamped.stamp.by_message
                    && call.protocol() == Protocol::Isup
                {
                    self.recent.put(hash, at, call);
                }
            }
            let placed = self.legs.place(stamped);
            self.calls += u64::from(matches!(placed, Placed::Call(CallEvent::Setup(_))));
            told.push((at, placed));
        }
        self.events = events;
    }

    fn end(&mut self, leg: &Call) {
        let Some((_, id)) = self.legs.call_of(leg.seq) else { return };
        if self.ended_order.len() >= LEGS_MAX
            && let Some(oldest) = self.ended_order.pop_front()
        {
            self.ended.remove(&oldest);
        }
        self.ended_order.push_back(leg.seq);
        self.ended.insert(leg.seq, id);
    }
}

/// REL and RLC, which go on after the end of their call.
fn releases(pdu: &Pdu<'_>) -> bool {
    let is_release = |message: Message<'_>| {
        matches!(message.message_type, MessageType::RELEASE | MessageType::RELEASE_COMPLETE)
    };
    let Envelope::Isup { label, part } = pdu.envelope else { return false };
    Message::parse_as(Variant::of(label.standard, part), pdu.bytes).is_ok_and(is_release)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::frame::Transport;
    use crate::call::CallKey;
    use crate::signal::Setup;

    #[test]
    fn calls_that_share_a_call_id_have_each_its_own_messages() {
        let network = Arc::new(Network::unknown());
        let mut follower = Follower::new(&network, CallOptions::default());
        let address = |host: u8| std::net::SocketAddr::from(([192, 0, 2, host], 5060));
        let mut id_of = |seq: u64, called: &str, is_answer: bool| {
            let start =
                if is_answer { "SIP/2.0 180 Ringing" } else { &format!("INVITE sip:{called}@h SIP/2.0") };
            let text = format!(
                "{start}\r\nVia: SIP/2.0/UDP a;branch=z9{called}\r\nFrom: <sip:+4822@a>;tag=f{called}\r\n\
                 To: <sip:{called}@h>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
            );
            let (src, dst) = if is_answer { (address(2), address(1)) } else { (address(1), address(2)) };
            let envelope = Envelope::Sip { src, dst, transport: Transport::Udp };
            let at = At::from_nanos(seq * 1_000_000);
            let pdu = Pdu { at, seq, frame: seq, envelope, bytes: text.as_bytes() };
            follower.take(&pdu, &mut Vec::new()).id
        };
        let (first, second) = (id_of(1, "+48601000001", false), id_of(2, "+48602000002", false));
        assert!(first.is_some() && second.is_some() && first != second);
        assert_eq!(id_of(3, "+48601000001", true), first);
        assert_eq!(id_of(4, "+48602000002", true), second);
        assert_eq!(id_of(5, "+48601000001", false), first, "sent again");
    }

    #[test]
    fn calls_that_have_ended_make_room_by_number_and_by_age() {
        let mut recent = Recent::new(Seed(1));
        let key = CallKey::Isup { opc: 1, dpc: 2, cic: 3 };
        let call = Call::new(key, 0, At::default(), Setup::default());
        let at = |seconds: u64| At::from_nanos(seconds * 1_000_000_000);
        for hash in 0..RECENT_MAX as u64 + 100 {
            recent.put(hash, at(1), &call);
        }
        assert_eq!((recent.calls.len(), recent.order.len()), (RECENT_MAX, RECENT_MAX));
        assert!(recent.get(99, at(1)).is_none() && recent.get(100, at(1)).is_some());
        // One circuit over and over holds one call.
        (0..1_000).for_each(|_| recent.put(7, at(1), &call));
        assert_eq!((recent.calls.len(), recent.order.len()), (RECENT_MAX - 999, RECENT_MAX));
        recent.put(8, at(100), &call);
        assert_eq!((recent.calls.len(), recent.order.len()), (1, 1));
    }
}
