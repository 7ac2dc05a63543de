//! Where messages go, and what is counted on the way.

use std::net::IpAddr;

use super::hep::{self, Useless};
use super::paths::sip;
use super::skip::{Skip, Skips};
use super::wrappers::Wrappers;
use super::{Whole, ss7};
use crate::base::fault::{Faults, Kind, Layer};
use crate::base::frame::{Envelope, MtpPlan, Pdu};
use crate::base::time::At;
use crate::wire::DecodeError;

/// What was counted.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub faults: Faults,
    pub skips: Skips,
    pub pdus: u64,
}

/// Where messages go, and what is counted on the way.
pub(super) struct Sink<'s, F> {
    pub out: &'s mut F,
    pub counts: &'s mut Counts,
    pub mtp: MtpPlan,
    pub wrappers: &'s Wrappers,
    pub at: At,
    pub frame: u64,
}

impl<F: FnMut(Pdu<'_>)> Sink<'_, F> {
    pub fn emit(&mut self, envelope: Envelope, bytes: &[u8]) {
        self.counts.pdus += 1;
        (self.out)(Pdu { at: self.at, seq: self.counts.pdus, frame: self.frame, envelope, bytes });
    }

    pub fn whole(&mut self, whole: Whole<'_>) {
        match whole {
            Whole::Adapted(adaptation, bytes) => ss7::adapted(adaptation, bytes, self),
            Whole::Sip { src, dst, transport, bytes } => sip((src, dst, transport), bytes, self),
        }
    }

    /// A packet of a capture agent, sent from there. The message has the time of the frame that brought it.
    pub fn agent(&mut self, sender: IpAddr, bytes: &[u8]) {
        if !self.wrappers.may_wrap(sender) {
            return self.skip(Skip::NotOpened);
        }
        match crate::wire::hep::Packet::parse(bytes) {
            Ok(packet) => match hep::open(&packet, |whole| self.whole(whole)) {
                Ok(()) => {}
                Err(Useless::Compressed) => self.fault(Layer::Hep, Kind::BadSyntax),
                Err(Useless::Payload) => self.skip(Skip::HepOther),
            },
            Err(error) => self.refuse(error),
        }
    }

    pub fn fault(&mut self, layer: Layer, kind: Kind) {
        self.counts.faults.count(layer, kind);
    }

    pub fn refuse(&mut self, error: DecodeError) {
        self.fault(error.layer, error.kind);
    }

    pub fn skip(&mut self, skip: Skip) {
        self.counts.skips.count(skip);
    }
}
