//! One direction of an association: its paths, the numbers seen, fragments that wait, the order of its streams.

use std::net::IpAddr;

use arrayvec::ArrayVec;

use super::order::{Message, Order, Place};
use super::part::{MessageId, Part, Parts};
use super::window::{Sight, Window};
use super::{Outlet, Sender};
use crate::base::fault::Kind;
use crate::base::frame::Pdu;
use crate::wire::DecodeError;
use crate::wire::sctp::control::Forward;
use crate::wire::sctp::interleaved::{I_DATA, InterleavedData};
use crate::wire::sctp::{Chunk, DATA, Data};

/// Pairs of addresses that an association is known to use.
const PATHS_MAX: usize = 8;

#[derive(Debug)]
pub(super) struct Association {
    paths: ArrayVec<(IpAddr, IpAddr), PATHS_MAX>,
    window: Window,
    parts: Parts,
    order: Order,
    /// What is being waited for.
    pub gap: Option<(u16, u32)>,
    /// Frame that last brought something.
    pub frame: u64,
    /// Addresses and ports it last came from.
    pub sender: Sender,
}

impl Association {
    /// One of which nothing is known but that `tsn` comes now.
    pub fn new(sender: Sender, tsn: u32) -> Self {
        let mut paths = ArrayVec::new();
        paths.push(sender.path());
        let (parts, order) = (Parts::default(), Order::default());
        Self { paths, window: Window::new(tsn), parts, order, gap: None, frame: 0, sender }
    }

    /// Whether a packet between these addresses belongs to it: they are known, or its number is near those seen, as it
    /// is when the sender changes to another path (RFC 9260 §6.4) and as it hardly is in another association that happens
    /// to have the same tag.
    pub fn takes(&mut self, path: (IpAddr, IpAddr), tsn: u32) -> bool {
        if self.paths.contains(&path) {
            return true;
        }
        let is_near = self.window.is_near(tsn);
        if is_near {
            let _ = self.paths.try_push(path);
        }
        is_near
    }

    /// Octets held.
    pub const fn cost(&self) -> usize {
        self.parts.cost() + self.order.cost()
    }

    /// What the message that waits longest waits for.
    pub fn current_gap(&self) -> Option<(u16, u32)> {
        self.order.gap()
    }

    /// Takes a chunk of data; hands on the messages that are whole and next.
    pub fn accept<F: FnMut(Pdu<'_>)>(
        &mut self,
        part: &Part<'_>,
        bytes_max: usize,
        out: &mut Outlet<'_, '_, F>,
    ) {
        match self.window.note(part.tsn) {
            Sight::Again => return out.fault(Kind::Duplicate),
            Sight::Anew => self.restart(out),
            Sight::Fresh => {}
        }
        if part.first && part.last {
            let bytes = out.is_read(part.protocol).then_some(part.payload);
            self.hand_on(part.message, Message { protocol: part.protocol, bytes }, out);
        } else {
            if self.parts.drop_past(&self.window) {
                out.fault(Kind::Gap);
            }
            if let Some((protocol, whole)) = self.parts.push(part) {
                let bytes = out.is_read(protocol).then_some(&whole[..]);
                self.hand_on(part.message, Message { protocol, bytes }, out);
            }
        }
        if self.parts.is_too_much(bytes_max) {
            self.parts.clear();
            out.fault(Kind::TooMany);
        }
        if self.order.is_too_much(bytes_max) {
            out.fault(Kind::TooMany);
            self.order.close(&mut |message| out.message(&message));
        }
    }

    /// The sender gives up on what it has not sent yet again.
    pub fn pass<F: FnMut(Pdu<'_>)>(&mut self, forward: &Forward<'_>, out: &mut Outlet<'_, '_, F>) {
        if !self.window.is_near(forward.cumulative) {
            return;
        }
        if self.parts.drop_until(forward.cumulative) {
            out.fault(Kind::Gap);
        }
        for passed in forward.streams().filter(|passed| !passed.unordered) {
            let place = place(forward.is_interleaved, passed.stream, passed.sequence);
            self.order.pass(place, &mut |message| out.message(&message));
        }
    }

    /// What was waited for does not come.
    pub fn skip_gap<F: FnMut(Pdu<'_>)>(&mut self, out: &mut Outlet<'_, '_, F>) {
        out.fault(Kind::Gap);
        self.order.skip_gap(&mut |message| out.message(&message));
    }

    /// Hands on what waits; the streams begin anew.
    pub fn close<F: FnMut(Pdu<'_>)>(&mut self, out: &mut Outlet<'_, '_, F>) {
        if self.parts.cost() > 0 {
            out.fault(Kind::Gap);
        }
        self.order.close(&mut |message| out.message(&message));
    }

    fn restart<F: FnMut(Pdu<'_>)>(&mut self, out: &mut Outlet<'_, '_, F>) {
        self.close(out);
        self.parts.clear();
    }

    fn hand_on<F: FnMut(Pdu<'_>)>(
        &mut self,
        id: MessageId,
        message: Message<'_>,
        out: &mut Outlet<'_, '_, F>,
    ) {
        if id.unordered {
            return out.message(&message);
        }
        let place = place(id.is_interleaved, id.stream, id.sequence);
        self.order.push(place, message, &mut |message| out.message(&message));
    }
}

fn place(is_interleaved: bool, stream: u16, sequence: u32) -> Place {
    if is_interleaved {
        Place::by_message(stream, sequence)
    } else {
        Place::by_stream_sequence(stream, sequence as u16)
    }
}

impl<'a> Part<'a> {
    /// What a chunk carries. `None` when it is no chunk of data.
    pub fn read(chunk: Chunk<'a>) -> Result<Option<Self>, DecodeError> {
        match chunk.kind {
            DATA => Data::parse(chunk).map(|data| Some(Self::plain(&data))),
            I_DATA => InterleavedData::parse(chunk).map(|data| Some(Self::interleaved(&data))),
            _ => Ok(None),
        }
    }

    fn plain(data: &Data<'a>) -> Self {
        let Data { tsn, stream, stream_sequence, protocol, first, last, unordered, payload } = *data;
        let sequence = if unordered { 0 } else { u32::from(stream_sequence) };
        let message = MessageId { is_interleaved: false, stream, unordered, sequence };
        Self { tsn, message, index: tsn, first, last, protocol: Some(protocol), payload }
    }

    fn interleaved(data: &InterleavedData<'a>) -> Self {
        let InterleavedData { tsn, stream, message, protocol, fragment, last, unordered, payload } = *data;
        let message = MessageId { is_interleaved: true, stream, unordered, sequence: message };
        Self { tsn, message, index: fragment, first: protocol.is_some(), last, protocol, payload }
    }
}
