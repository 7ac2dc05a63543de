//! ISUP over M3UA and SCTP for whoever holds packets: the [`Rewriter`], with every direction of an association as one line.
//!
//! Every packet of SCTP is handled, in the order of its line: sequence numbers are followed in those without a setup, too.
//! What call state should see is what the exchanges say; the end of a call that was blocked on the word of the decision loop
//! is known to it.

use std::sync::Arc;

use crate::base::map::keyed_hash;
use crate::base::network::Network;
use crate::base::time::At;
use crate::inline::isup::{Answered as Ruled, Options, Origin, Outcome, Rewriter};
use crate::inline::packet::Ip;
use crate::inline::{Answered, Look, PacketJudge, Question, Ruling, Work};
use crate::wire::net;

/// Judges packets of ISUP.
#[derive(Debug)]
pub struct IsupJudge {
    options: Options,
    rewriter: Rewriter,
}

impl IsupJudge {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(network: Arc<Network>, options: Options) -> Self {
        Self { options, rewriter: Rewriter::new(options, network) }
    }

    fn handle(&mut self, at: At, packet: &[u8], rulings: &[Ruled], work: &mut Work) -> Ruling {
        let seen = &mut work.seen;
        let outcome = self.rewriter.handle(at, packet, rulings, |origin, pdu| {
            if origin == Origin::Exchange {
                seen.push((pdu.envelope, Box::from(pdu.bytes)));
            }
        });
        match outcome {
            Outcome::Accept => Ruling::Accept,
            Outcome::Drop => Ruling::Drop,
            Outcome::Replace(other) => {
                work.packet = other;
                Ruling::Replace
            }
        }
    }
}

impl PacketJudge for IsupJudge {
    fn name(&self) -> &'static str {
        "isup"
    }

    fn line(&self, packet: &[u8]) -> Option<u64> {
        let (src_port, dst_port, tag) = Rewriter::direction(packet)?;
        let [ports, tag] = [(u32::from(src_port) << 16) | u32::from(dst_port), tag].map(u32::to_be_bytes);
        Some(keyed_hash(self.options.seed, &[ports, tag].concat()))
    }

    fn look(&mut self, at: At, packet: &[u8], work: &mut Work) -> Look {
        if !Ip::parse(packet).is_ok_and(|ip| ip.protocol == net::SCTP) {
            return Look::NotMine;
        }
        let line = self.line(packet).unwrap_or_default();
        work.questions.extend(self.rewriter.questions(at, packet).into_iter().map(|question| Question {
            key: key(line, question.tsn),
            envelope: question.pdu.envelope,
            message: Box::from(question.pdu.bytes),
        }));
        if work.questions.is_empty() {
            return Look::Done(self.handle(at, packet, &[], work));
        }
        Look::Held
    }

    fn rule(&mut self, at: At, packet: &[u8], answers: &[Answered], work: &mut Work) -> Ruling {
        let ruled = |answer: &Answered| Ruled { tsn: tsn(answer.key), treatment: answer.treatment.clone() };
        let rulings: Vec<_> = answers.iter().map(ruled).collect();
        self.handle(at, packet, &rulings, work)
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let faults = self.rewriter.faults().nonzero().map(|(_, _, count)| count);
        let malformed = ("malformed", faults.fold(0, u64::saturating_add));
        self.rewriter.counts().iter().chain([malformed]).collect()
    }
}

/// Names an IAM: a part of its line's name, and its sequence number, from which the ruling finds it again.
const fn key(line: u64, tsn: u32) -> u64 {
    line & !(u32::MAX as u64) | tsn as u64
}

const fn tsn(key: u64) -> u32 {
    key as u32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;

    /// An IPv4 packet with a header of SCTP and nothing else.
    fn packet(protocol: u8, ports: [u8; 4], tag: u8) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 32, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend(ports);
        packet.extend([0, 0, 0, tag, 0, 0, 0, 0]);
        packet
    }

    #[test]
    fn every_direction_of_an_association_is_a_line() {
        let judge = IsupJudge::new(Arc::new(Network::unknown()), Options::default());
        let line = |ports, tag| judge.line(&packet(132, ports, tag)).unwrap();
        let first = line([11, 89, 11, 90], 1);
        assert_eq!(line([11, 89, 11, 90], 1), first);
        assert!(line([11, 90, 11, 89], 1) != first && line([11, 89, 11, 90], 2) != first);
        assert_eq!(judge.line(&packet(17, [11, 89, 11, 90], 1)), None);
    }

    #[test]
    fn others_packets_are_left_to_others() {
        let mut judge = IsupJudge::new(Arc::new(Network::unknown()), Options::default());
        let mut work = Work::default();
        let mut look = |packet: &[u8]| judge.look(At::default(), packet, &mut work);
        assert_eq!(look(&packet(17, [11, 89, 11, 90], 1)), Look::NotMine);
        assert_eq!(look(&packet(132, [11, 89, 11, 90], 1)), Look::Done(Ruling::Accept));
        assert_eq!(look(b"no packet"), Look::NotMine);
    }

    #[test]
    fn a_question_names_its_chunk() {
        for number in [0, 7, u32::MAX] {
            assert_eq!(tsn(key(u64::MAX, number)), number);
        }
        assert_ne!(key(1 << 40, 7), key(2 << 40, 7));
    }
}
