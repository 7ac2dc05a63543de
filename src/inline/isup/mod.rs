//! Blocks and masks calls of ISUP over M3UA over SCTP, in the path of two exchanges and without being an exchange.
//! `docs/inline-isup.md` has the state machine, why it is safe, and its limits.
//!
//! In: whole IP packets, one at a time, in the order they came, with what was answered to the questions about them. Out:
//! each packet as it is, or another in its place; and the messages as the exchange that called sees them, for whoever
//! follows calls. DATA chunks are changed, never taken out: sequence numbers count chunks, not octets, so both ends of
//! an association find it whole. Packet time is the only time. Must not: hold a packet, or judge.

mod block;
mod circuit;
mod count;
mod flow;
mod message;
mod packet;
mod plan;

use std::sync::Arc;
use std::time::Duration;

use arrayvec::ArrayVec;

pub use self::count::{Counts, Tally};

use self::block::{Block, Mark, Reply};
use self::circuit::Circuits;
use self::flow::{Flows, Sight};
use self::packet::{Carried, Parts, Piece, Rebuilt, Whole};
use self::plan::Plan;
use crate::base::fault::Faults;
use crate::base::frame::{Envelope, Pdu, RoutingLabel, UserPart};
use crate::base::map::Seed;
use crate::base::network::Network;
use crate::base::time::At;
use crate::judge::Treatment;
use crate::wire::sctp::Header;

/// Most questions about one packet; IAMs beyond pass unasked. An Ethernet packet has room for no more than 22.
pub const QUESTIONS_MAX: usize = 24;

/// Limits of a [`Rewriter`].
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Longest IP packet that a change may make, in octets. A packet that was longer as it came may stay so.
    pub mtu: usize,
    /// How long an unanswered call or a block that makes no progress is remembered. Less than T1, 15 s (Q.764 annex A):
    /// what an exchange repeats must find us out of its way.
    pub hold: Duration,
    /// Circuits remembered, of about 100 octets each.
    pub circuits_max: usize,
    /// Directions of associations remembered; each takes 600 octets, and 24 for each of its last 4,096 chunks that was
    /// changed.
    pub flows_max: usize,
    /// Seed of keyed hashes.
    pub seed: Seed,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mtu: 1500,
            hold: Duration::from_secs(10),
            circuits_max: 65_536,
            flows_max: 1024,
            seed: Seed::default(),
        }
    }
}

/// An IAM that needs a verdict.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Names the IAM within its packet: the sequence number of its chunk.
    pub tsn: u32,
    /// The IAM. Whoever feeds PDUs numbers it.
    pub pdu: Pdu<'a>,
}

/// What was answered to a question.
#[derive(Clone, Debug)]
pub struct Answered {
    /// As in the question.
    pub tsn: u32,
    /// What to do with the call.
    pub treatment: Treatment,
}

/// Who said a message that call state may want to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An exchange.
    Exchange,
    /// Nobody: the REL or RLC of a blocked call, as the exchange that called gets it. Whoever ruled knows the call's end.
    Ruling,
}

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It goes on as it came.
    Accept,
    /// It is lost on the way. Its sender sends its chunks again, as it does when a network loses them.
    Drop,
    /// This one goes on in its place, between the same addresses.
    Replace(Vec<u8>),
}

/// Rewrites the packets between exchanges.
#[derive(Debug)]
pub struct Rewriter {
    options: Options,
    network: Arc<Network>,
    flows: Flows,
    circuits: Circuits,
    counts: Counts,
    faults: Faults,
}

impl Rewriter {
    /// One that knows nothing yet. The network says which numbers are emergency numbers.
    #[must_use]
    pub fn new(options: Options, network: Arc<Network>) -> Self {
        Self {
            options,
            network,
            flows: Flows::new(options.flows_max, options.seed),
            circuits: Circuits::new(options.circuits_max, options.hold, options.seed),
            counts: Counts::default(),
            faults: Faults::default(),
        }
    }

    /// What was done so far.
    #[must_use]
    pub const fn counts(&self) -> &Counts {
        &self.counts
    }

    /// What could not be read so far.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The direction of an association that an IP packet belongs to: its ports and its verification tag. `None` when it is
    /// not one whole packet of SCTP.
    #[must_use]
    pub fn direction(packet: &[u8]) -> Option<(u16, u16, u32)> {
        let Header { src_port, dst_port, verification_tag } = Parts::parse(packet).ok()?.header;
        Some((src_port, dst_port, verification_tag))
    }

    /// The IAMs of an IP packet that need a verdict, in their order: not those of emergency and test calls, nor copies
    /// of one seen before. None for most packets: no need to wait.
    #[must_use]
    pub fn questions<'a>(&self, at: At, packet: &'a [u8]) -> ArrayVec<Question<'a>, QUESTIONS_MAX> {
        let mut questions = ArrayVec::new();
        let Ok(parts) = Parts::parse(packet) else { return questions };
        let flow = self.flows.get(parts.header);
        for piece in parts.pieces(self.network.mtp) {
            let Carried::Isup { data, label, message } = piece.carried else { continue };
            let is_first = || flow.is_none_or(|flow| flow.sight(data.tsn, data.payload) == Sight::First);
            if !questions.is_full() && self.is_askable(label, &message) && is_first() {
                questions.push(Question { tsn: data.tsn, pdu: pdu(at, label, message.bytes()) });
            }
        }
        // Last, because it is the dearest and nearly always true.
        if questions.is_empty() || parts.is_sealed() { questions } else { ArrayVec::new() }
    }

    /// Decides what becomes of a packet. An IAM without a ruling passes. Hands every ISUP message that came first to
    /// `seen`, as the exchange that called on its circuit sees it, but not the IAMs with a ruling: they were questions.
    pub fn handle(
        &mut self,
        at: At,
        packet: &[u8],
        rulings: &[Answered],
        mut seen: impl FnMut(Origin, Pdu<'_>),
    ) -> Outcome {
        self.advance(at);
        let parts = match Parts::parse(packet) {
            Ok(parts) => parts,
            Err(why) => {
                match why {
                    Whole::Fragment => self.counts.count(Tally::IpFragment),
                    Whole::Malformed(error) => self.faults.count(error.layer, error.kind),
                    Whole::Other => {}
                }
                return Outcome::Accept;
            }
        };
        let Some(first_tsn) = parts.first_tsn() else { return Outcome::Accept };
        if !parts.is_sealed() {
            self.counts.count(Tally::Checksum);
            return Outcome::Accept;
        }
        if self.flows.touch(parts.header, first_tsn).1 {
            self.counts.count(Tally::FlowEvicted);
        }
        let mut rebuilt = Rebuilt::new(&parts, self.options.mtu);
        for piece in parts.pieces(self.network.mtp) {
            if !self.handle_piece(&piece, (at, rulings), &mut rebuilt, &mut |origin, label, bytes| {
                seen(origin, pdu(at, label, bytes));
            }) {
                // It and all behind it are as good as lost on the way, and come again.
                self.counts.count(Tally::Deferred);
                rebuilt.cut();
                break;
            }
        }
        rebuilt.finish()
    }

    fn advance(&mut self, at: At) {
        let counts = &mut self.counts;
        self.circuits.advance(at, |entry| {
            if let Some((_, Block { reply: Reply::Release, .. })) = entry.blocked {
                counts.count(Tally::Unanswered);
            }
        });
    }

    /// Adds a chunk to the packet that goes on, changed or not. `false` when it cannot be: then nothing has happened.
    fn handle_piece(
        &mut self,
        piece: &Piece<'_>,
        (at, rulings): (At, &[Answered]),
        rebuilt: &mut Rebuilt<'_>,
        show: &mut dyn FnMut(Origin, RoutingLabel, &[u8]),
    ) -> bool {
        if let Carried::Malformed(error) = piece.carried {
            self.faults.count(error.layer, error.kind);
        }
        let header = rebuilt.header;
        let Some(data) = piece.carried.data() else { return rebuilt.push(piece, None) };
        let sight = self.flows.get(header).map_or(Sight::Passed, |flow| flow.sight(data.tsn, data.payload));
        if let (Sight::First, Carried::Isup { label, message, .. }) = (sight, piece.carried)
            && self.needs_order(label, &message)
            && self.flows.get(header).is_some_and(|flow| flow.turns_back(at, data.tsn))
        {
            return false;
        }
        let mut plan = match (sight, piece.carried) {
            (Sight::Passed, _) => Plan::default(),
            (Sight::Changed(change), _) => Plan::again(change),
            (Sight::First, Carried::Isup { label, message, .. }) => {
                let ruling = rulings.iter().find(|ruling| ruling.tsn == data.tsn);
                let mark = Mark { tag: header.verification_tag, tsn: data.tsn };
                self.plan(label, &message, mark, ruling.map(|ruling| &ruling.treatment))
            }
            (Sight::First, _) if data.first && data.last => Plan::default(),
            (Sight::First, _) => Plan::noting(Tally::Fragmented),
        };
        let changed = plan.change.and_then(|change| piece.changed(change));
        if changed.is_none() && plan.change.is_some() {
            plan = Plan::default();
        }
        if !rebuilt.push(piece, changed.as_deref()) {
            return false;
        }
        if sight == Sight::First {
            let change = plan.change.map(|change| (data.payload, change));
            self.flows.touch(header, data.tsn).0.note(at, data.tsn, change);
            if let Carried::Isup { label, message, .. } = piece.carried
                && !rulings.iter().any(|ruling| ruling.tsn == data.tsn)
            {
                plan.show(label, &message, show);
            }
        }
        self.commit(&plan);
        true
    }
}

const fn pdu(at: At, label: RoutingLabel, bytes: &[u8]) -> Pdu<'_> {
    Pdu { at, seq: 0, frame: 0, envelope: Envelope::Isup { label, part: UserPart::Isup }, bytes }
}
