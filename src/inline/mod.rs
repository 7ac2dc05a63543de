//! Packets in the path of two switches → what becomes of them. Pure: who holds the packets and asks for verdicts is an
//! adapter.
//!
//! [`sip`] refuses, masks and diverts calls of SIP over UDP. It is a [`PacketJudge`]: it looks at a packet, says what must be
//! asked first, and carries the treatment out. [`isup`] blocks and masks calls of ISUP over M3UA and SCTP; it needs the
//! packets of a direction in their order, and [`isup_judge`] says which stand in one line. What they cannot read passes, and
//! is counted. Must not: read a clock, wait, or judge.
#![deny(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects
)]

pub mod isup;
pub mod isup_judge;
pub mod packet;
pub mod recent;
pub mod sip;
pub mod udp;

use crate::base::frame::Envelope;
use crate::base::time::At;
use crate::judge::Treatment;

/// What a packet's first look comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing is to be asked.
    Done(Ruling),
    /// The packet waits for the answers to [`Work::questions`].
    Held,
    /// None of this judge's business.
    NotMine,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// Goes on as it is.
    Accept,
    /// Goes nowhere.
    Drop,
    /// [`Work::packet`] goes on in its place.
    Replace,
}

/// A setup to be judged before its packet goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Names the setup: a retransmission has the same.
    pub key: u64,
    /// How the message came.
    pub envelope: Envelope,
    /// The message.
    pub message: Box<[u8]>,
}

/// What was answered to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// As in the question.
    pub key: u64,
    /// What to do with the call; [`Treatment::Allow`] when nothing was answered in time.
    pub treatment: Treatment,
}

/// What a judge of packets leaves for whoever holds them. Emptied before every look.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// To be asked; a ruling needs an answer to each, in this order.
    pub questions: Vec<Question>,
    /// Messages that call state should see, in their order; questions are not among them.
    pub seen: Vec<(Envelope, Box<[u8]>)>,
    /// What replaces the packet, from the IP header on.
    pub packet: Vec<u8>,
    /// Packets to be sent, from the IP header on.
    pub forged: Vec<Vec<u8>>,
}

impl Work {
    /// Nothing asked, seen, replaced or forged.
    pub fn clear(&mut self) {
        self.questions.clear();
        self.seen.clear();
        self.packet.clear();
        self.forged.clear();
    }
}

/// Judges the packets of one protocol.
pub trait PacketJudge: Send {
    /// The protocol, for counts.
    fn name(&self) -> &'static str;

    /// Names the line that a packet stands in: while one of a line is held, those that came later wait behind it, and are
    /// looked at when it has been ruled on, in the order they came. `None` for packets that need no order.
    fn line(&self, _packet: &[u8]) -> Option<u64> {
        None
    }

    /// A packet arrived.
    fn look(&mut self, at: At, packet: &[u8], work: &mut Work) -> Look;

    /// The questions about a held packet were answered: one answer each, in their order.
    fn rule(&mut self, at: At, packet: &[u8], answers: &[Answered], work: &mut Work) -> Ruling;

    /// Counts so far: a name from a closed list, how many.
    fn counts(&self) -> Vec<(&'static str, u64)>;
}
