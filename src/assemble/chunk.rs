//! SCTP chunks of data → user messages of SIGTRAN's adaptation layers and of SIP. RFC 9260 §3.3.1, §6.6, §6.9; RFC 8260.
//!
//! In: SCTP packets with packet time. Out: user messages, each as soon as it is whole and next in its stream, as its
//! receiver hands them on: [`order`] says for how long one is waited for. A message in one chunk that is next is handed
//! on without a copy. A transmission sequence number seen before is not delivered again.
//!
//! A direction of an association is known by its ports and its verification tag, on whatever path its packets come:
//! what is sent again over another path is known again, without the INIT having been seen. Packets whose ports and tag
//! are those of one association and whose addresses and numbers are not, are another's; so are packets of other addresses
//! whose tag was not drawn at random.

mod association;
mod order;
mod part;
mod window;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use self::association::Association;
use self::order::Message;
use self::part::Part;
use super::sink::Sink;
use super::skip::Skip;
use super::ss7;
use super::table::Table;
use crate::base::fault::{Kind, Layer};
use crate::base::frame::Pdu;
use crate::base::map::Seed;
use crate::base::time::At;
use crate::wire::DecodeError;
use crate::wire::sctp::control::Control;
use crate::wire::sctp::{Checksum, Chunk, Header};

/// Tags are drawn at random (RFC 9260 §5.3.1). One below this is a generator's, and may be that of many associations.
const RANDOM_MIN: u32 = 1 << 16;

/// Ports, verification tag, and addresses when another association has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    ports: (u16, u16),
    tag: u32,
    apart: Option<(IpAddr, IpAddr)>,
}

/// Bounds of [`Chunks`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Association directions kept.
    pub associations_max: usize,
    /// Octets of fragments, and of messages that wait for others, an association.
    pub association_bytes_max: usize,
    /// Octets held, all associations.
    pub bytes_max: usize,
    /// How long a message waits for one before it in its stream.
    pub order_wait: Duration,
}

/// One packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    /// Address it comes from.
    pub src: IpAddr,
    /// Address it goes to.
    pub dst: IpAddr,
    /// All of it, or the beginning.
    pub bytes: &'a [u8],
    /// All of it is there.
    pub is_whole: bool,
}

/// Directions of associations that carry signalling; the one longest silent first.
#[derive(Debug)]
pub(super) struct Chunks {
    associations: Table<Key, Association>,
    /// When to give up on what an association waits for, earliest first: every wait is equally long.
    waiting: Table<Key, At>,
    held: usize,
    limits: Limits,
}

/// Where messages go.
struct Outlet<'o, 's, F> {
    sink: &'o mut Sink<'s, F>,
    sender: Sender,
}

/// Who sends: ports and addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sender {
    src: SocketAddr,
    dst: SocketAddr,
}

impl Sender {
    const fn path(&self) -> (IpAddr, IpAddr) {
        (self.src.ip(), self.dst.ip())
    }

    const fn ports(&self) -> (u16, u16) {
        (self.src.port(), self.dst.port())
    }
}

impl Key {
    fn new(sender: Sender, tag: u32) -> Self {
        Self { ports: sender.ports(), tag, apart: (tag < RANDOM_MIN).then(|| sender.path()) }
    }
}

impl Chunks {
    pub fn new(limits: Limits, seed: Seed) -> Self {
        let table_max = limits.associations_max;
        let (associations, waiting) = (Table::new(table_max, seed), Table::new(table_max, seed));
        Self { associations, waiting, held: 0, limits }
    }

    /// When the next wait ends.
    pub fn due(&self) -> Option<At> {
        self.waiting.oldest().map(|(_, deadline)| *deadline)
    }

    /// Gives up on what was waited for too long. What waited for it has the time of the deadline.
    pub fn expire<F: FnMut(Pdu<'_>)>(&mut self, at: At, sink: &mut Sink<'_, F>) {
        while self.due().is_some_and(|deadline| deadline <= at) {
            let Some((key, deadline)) = self.waiting.pop_oldest() else { return };
            let Some(association) = self.associations.get_mut(&key) else { continue };
            let before = association.cost();
            association.gap = None;
            (sink.at, sink.frame) = (deadline, association.frame);
            let sender = association.sender;
            association.skip_gap(&mut Outlet { sink, sender });
            self.settle(key, before, sink);
        }
    }

    /// Takes a packet.
    pub fn push<F: FnMut(Pdu<'_>)>(&mut self, packet: Packet<'_>, sink: &mut Sink<'_, F>) {
        let (header, chunks) = match Header::parse(packet.bytes) {
            Ok(parsed) => parsed,
            Err(error) => return sink.refuse(error),
        };
        let sender = Sender {
            src: SocketAddr::new(packet.src, header.src_port),
            dst: SocketAddr::new(packet.dst, header.dst_port),
        };
        let mut is_ours = false;
        let mut key = None;
        for chunk in chunks {
            match chunk.and_then(|chunk| Part::read(chunk).map(|part| (chunk, part))) {
                Ok((_, Some(part))) => is_ours |= self.data((sender, header), &part, &mut key, sink),
                Ok((chunk, None)) => match self.control((sender, header), chunk, sink) {
                    // RFC 9260 §3.3.7: nothing behind it counts.
                    Ok(true) => break,
                    Ok(false) => {}
                    Err(error) => sink.refuse(error),
                },
                Err(error) => {
                    is_ours = true;
                    sink.refuse(error);
                }
            }
        }
        if !is_ours {
            sink.skip(Skip::SctpOther);
        } else if packet.is_whole && Checksum::of(packet.bytes) == Checksum::Wrong {
            sink.fault(Layer::Sctp, Kind::BadChecksum);
        }
        while self.held > self.limits.bytes_max {
            let Some((evicted, association)) = self.associations.pop_oldest() else { return };
            self.evict(evicted, association, sink);
        }
    }

    /// Takes a chunk of data; `key` is that of the packet's association, once it is known. Whether it is signalling.
    fn data<F: FnMut(Pdu<'_>)>(
        &mut self,
        (sender, header): (Sender, Header),
        part: &Part<'_>,
        known: &mut Option<Key>,
        sink: &mut Sink<'_, F>,
    ) -> bool {
        let is_named = ss7::is_signalling(part.protocol, sender.ports(), part.payload);
        let key = match *known {
            Some(key) => key,
            None => {
                let (key, is_there) = self.find((sender, header), part.tsn);
                if !is_there && !is_named {
                    return false;
                }
                let make = || Association::new(sender, part.tsn);
                let (_, evicted) = self.associations.touch_or_insert(key, make);
                if let Some((evicted, association)) = evicted {
                    self.evict(evicted, association, sink);
                }
                *known = Some(key);
                key
            }
        };
        let Some(association) = self.associations.newest_if(&key) else { return false };
        let before = association.cost();
        (association.frame, association.sender) = (sink.frame, sender);
        let mut out = Outlet { sink, sender };
        association.accept(part, self.limits.association_bytes_max, &mut out);
        if association.cost() != before || association.gap.is_some() {
            self.settle(key, before, sink);
        }
        is_named || ss7::may_be_signalling(part.protocol)
    }

    /// The key that a packet's association has or will have, and whether it is there.
    fn find(&mut self, (sender, header): (Sender, Header), tsn: u32) -> (Key, bool) {
        let key = Key::new(sender, header.verification_tag);
        let apart = Key { apart: Some(sender.path()), ..key };
        if key == apart {
            return (key, self.associations.get_mut(&key).is_some());
        }
        match self.associations.get_mut(&key).map(|association| association.takes(sender.path(), tsn)) {
            Some(true) => (key, true),
            Some(false) => (apart, self.associations.get_mut(&apart).is_some()),
            None => (key, false),
        }
    }

    /// Takes a chunk that is no data. Whether it ends the association, or opens it anew.
    fn control<F: FnMut(Pdu<'_>)>(
        &mut self,
        (sender, header): (Sender, Header),
        chunk: Chunk<'_>,
        sink: &mut Sink<'_, F>,
    ) -> Result<bool, DecodeError> {
        let receiver = Sender { src: sender.dst, dst: sender.src };
        let tag = header.verification_tag;
        match Control::parse(chunk)? {
            Some(Control::End { is_reflected }) => {
                self.forget(if is_reflected { receiver } else { sender }, tag, sink);
                Ok(true)
            }
            Some(Control::Opened { answer_tag }) => {
                self.forget(sender, tag, sink);
                self.forget(receiver, answer_tag, sink);
                Ok(true)
            }
            Some(Control::Forward(forward)) => {
                let (key, _) = self.find((sender, header), forward.cumulative);
                let Some(association) = self.associations.get_mut(&key) else { return Ok(false) };
                let before = association.cost();
                association.pass(&forward, &mut Outlet { sink, sender });
                self.settle(key, before, sink);
                Ok(false)
            }
            None => Ok(false),
        }
    }

    /// A direction has ended, or begins anew; so does one between these addresses that was kept apart.
    fn forget<F: FnMut(Pdu<'_>)>(&mut self, sender: Sender, tag: u32, sink: &mut Sink<'_, F>) {
        let key = Key::new(sender, tag);
        for key in [key, Key { apart: Some(sender.path()), ..key }] {
            if let Some(association) = self.associations.remove(&key) {
                self.close(key, association, sink);
            }
        }
    }

    fn evict<F: FnMut(Pdu<'_>)>(&mut self, key: Key, association: Association, sink: &mut Sink<'_, F>) {
        self.close(key, association, sink);
        sink.fault(Layer::Sctp, Kind::Evicted);
    }

    fn close<F: FnMut(Pdu<'_>)>(&mut self, key: Key, mut association: Association, sink: &mut Sink<'_, F>) {
        self.held = self.held.saturating_sub(association.cost());
        self.waiting.remove(&key);
        let sender = association.sender;
        association.close(&mut Outlet { sink, sender });
    }

    /// Books what an association holds after a change, and starts or stops its wait.
    fn settle<F: FnMut(Pdu<'_>)>(&mut self, key: Key, before: usize, sink: &Sink<'_, F>) {
        let Some(association) = self.associations.get_mut(&key) else { return };
        self.held = self.held.saturating_sub(before) + association.cost();
        let gap = association.current_gap();
        if gap != association.gap {
            association.gap = gap;
            self.waiting.remove(&key);
            if gap.is_some() {
                self.waiting.insert(key, sink.at + self.limits.order_wait);
            }
        }
    }
}

impl<F: FnMut(Pdu<'_>)> Outlet<'_, '_, F> {
    /// Whether a message of this protocol is looked at.
    fn is_read(&self, protocol: Option<u32>) -> bool {
        ss7::may_be_signalling(protocol)
    }

    fn message(&mut self, message: &Message<'_>) {
        if let Some(bytes) = message.bytes {
            ss7::user_message(message.protocol, (self.sender.src, self.sender.dst), bytes, self.sink);
        }
    }

    fn fault(&mut self, kind: Kind) {
        self.sink.fault(Layer::Sctp, kind);
    }
}

#[cfg(test)]
mod tests;
