//! Frames → whole messages.
//!
//! In: a [`Frame`] with packet time. Out: zero or more [`Pdu`]s, in the order in which they become whole, numbered
//! from 1: SIP from UDP datagrams, TCP streams and SCTP, ISUP and BICC from M3UA, M2UA, M2PA and MTP. Frames that are not signalling are counted
//! by [`Skip`], frames that are broken by [`Faults`]; nothing else keeps a frame from coming out.
//! Must not: know what a message says, or read a clock.

mod carrier;
mod chunk;
mod fragment;
mod framing;
mod head;
pub mod hep;
mod hep_stream;
mod options;
mod paths;
mod pieces;
mod recent;
mod sink;
mod skip;
mod ss7;
mod start_line;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod websocket;
mod wrappers;

use std::net::SocketAddr;

use self::chunk::Chunks;
use self::fragment::Fragments;
pub use self::options::AssembleOptions;
use self::paths::Paths;
use self::recent::Recent;
use self::sink::{Counts, Sink};
pub use self::skip::{Skip, Skips};
pub use self::start_line::looks_like_sip;
use self::stream::Streams;
pub use self::wrappers::Wrappers;
use crate::base::fault::Faults;
use crate::base::frame::{Frame, Link, MtpPlan, Pdu, Transport};
use crate::base::time::At;
use crate::wire::net::Packet;
use crate::wire::sigtran::Adaptation;

/// What came without frames, as a capture agent sends it: put together by someone else.
#[derive(Clone, Copy, Debug)]
pub enum Whole<'a> {
    /// One message of an adaptation layer of SIGTRAN.
    Adapted(Adaptation, &'a [u8]),
    /// What travelled as one SIP message.
    Sip {
        /// Sender.
        src: SocketAddr,
        /// Receiver.
        dst: SocketAddr,
        /// How it travelled.
        transport: Transport,
        /// The message.
        bytes: &'a [u8],
    },
}

/// Puts messages together. Its output depends on the frames only, not on [`Assembler::tick`].
#[derive(Debug)]
pub struct Assembler {
    fragments: Fragments,
    recent: Recent,
    streams: Streams,
    chunks: Chunks,
    mtp: MtpPlan,
    wrappers: Wrappers,
    counts: Counts,
}

impl Assembler {
    /// With nothing seen yet.
    #[must_use]
    pub fn new(options: AssembleOptions) -> Self {
        let AssembleOptions { seed, datagrams_max, fragment_bytes_max, fragment_wait, .. } = options;
        let streams = stream::Limits {
            flows_max: options.flows_max,
            flow_bytes_max: options.flow_bytes_max,
            bytes_max: options.stream_bytes_max,
            gap_wait: options.gap_wait,
        };
        let chunks = chunk::Limits {
            associations_max: options.associations_max,
            association_bytes_max: options.association_bytes_max,
            bytes_max: options.chunk_bytes_max,
            order_wait: options.order_wait,
        };
        Self {
            fragments: Fragments::new(datagrams_max, fragment_bytes_max, fragment_wait, seed),
            recent: Recent::new(options.duplicates_max, options.duplicate_window, seed),
            streams: Streams::new(streams, seed),
            chunks: Chunks::new(chunks, seed),
            mtp: options.mtp,
            wrappers: options.wrappers,
            counts: Counts::default(),
        }
    }

    /// Takes a frame and hands on the messages it makes whole. Frames come in order of time.
    pub fn push(&mut self, frame: Frame<'_>, out: &mut impl FnMut(Pdu<'_>)) {
        self.tick(frame.at, out);
        let Self { fragments, recent, streams, chunks, mtp, wrappers, counts } = self;
        let mut sink = Sink { out, counts, mtp: *mtp, wrappers, at: frame.at, frame: frame.number };
        if matches!(frame.link, Link::Mtp2WithHeader | Link::Mtp2 | Link::Mtp3) {
            return ss7::link(frame.link, frame.bytes, &mut sink);
        }
        match Packet::parse(&frame) {
            Ok(Some(packet)) => {
                Paths { fragments, recent, streams, chunks }.take(packet, &mut sink);
            }
            Ok(None) => sink.skip(Skip::NotIp),
            Err(error) => sink.refuse(error),
        }
    }

    /// Takes what is whole already, as number `number` among the frames, at a time that never goes backwards.
    pub fn push_whole(&mut self, (at, number): (At, u64), whole: Whole<'_>, out: &mut impl FnMut(Pdu<'_>)) {
        self.tick(at, out);
        let Self { mtp, wrappers, counts, .. } = self;
        Sink { out, counts, mtp: *mtp, wrappers, at, frame: number }.whole(whole);
    }

    /// Lets time pass without a frame: what was waited for in vain until `at` is given up, and what was found behind
    /// it comes out, with the time of the deadline.
    pub fn tick(&mut self, at: At, out: &mut impl FnMut(Pdu<'_>)) {
        self.fragments.expire(at, &mut self.counts.faults);
        self.tick_until(at, out);
    }

    /// The input has ended: what waits for something that did not come comes out, with the time of its deadline.
    pub fn finish(&mut self, out: &mut impl FnMut(Pdu<'_>)) {
        self.tick_until(At::from_nanos(u64::MAX), out);
    }

    fn tick_until(&mut self, at: At, out: &mut impl FnMut(Pdu<'_>)) {
        let Self { streams, chunks, counts, mtp, wrappers, .. } = self;
        let mut sink = Sink { out, counts, mtp: *mtp, wrappers, at, frame: 0 };
        // One deadline after the other, whoever's it is: what comes out never goes backwards in time.
        while let Some(due) =
            [streams.due(), chunks.due()].into_iter().flatten().min().filter(|due| *due <= at)
        {
            streams.expire(due, &mut sink);
            chunks.expire(due, &mut sink);
        }
    }

    /// What was broken so far.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.counts.faults
    }

    /// What was no signalling so far.
    #[must_use]
    pub const fn skips(&self) -> &Skips {
        &self.counts.skips
    }

    /// Messages handed on so far.
    #[must_use]
    pub const fn pdus(&self) -> u64 {
        self.counts.pdus
    }
}
