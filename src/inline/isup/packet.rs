//! An SCTP packet in its parts, and put together again.

use super::Outcome;
use super::message::Change;
use crate::base::frame::{Mtp, MtpPlan, RoutingLabel};
use crate::inline::packet::Ip;
use crate::wire::isup::Message;
use crate::wire::sctp::{self, Chunk, DATA, Data, HEADER_LENGTH, Header};
use crate::wire::{DecodeError, m3ua, mtp3, net};

/// Why a packet has no parts to look at.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whole {
    /// A part of a datagram of SCTP.
    Fragment,
    /// It cannot be read.
    Malformed(DecodeError),
    /// No SCTP.
    Other,
}

/// A packet of SCTP.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    ip: Ip<'a>,
    pub header: Header,
}

impl<'a> Parts<'a> {
    pub fn parse(packet: &'a [u8]) -> Result<Self, Whole> {
        let ip = Ip::parse(packet).map_err(Whole::Malformed)?;
        if ip.protocol != net::SCTP {
            return Err(Whole::Other);
        }
        if ip.is_fragment {
            return Err(Whole::Fragment);
        }
        let (header, _) = Header::parse(ip.payload).map_err(Whole::Malformed)?;
        Ok(Self { ip, header })
    }

    pub fn is_sealed(&self) -> bool {
        sctp::is_sealed(self.ip.payload)
    }

    /// The chunks, in order, without a gap between them, with point codes as `plan` says. What cannot be read is the last.
    pub fn pieces(&self, plan: MtpPlan) -> impl Iterator<Item = Piece<'a>> {
        let Self { ip: Ip { payload, .. }, header } = *self;
        let mut chunks = Header::parse(payload).ok().map(|(_, chunks)| chunks);
        std::iter::from_fn(move || {
            let rest = chunks.as_mut()?;
            let start = rest.consumed();
            let chunk = rest.next()?;
            let end = if chunk.is_ok() { rest.consumed() } else { payload.len() };
            if chunk.is_err() {
                chunks = None;
            }
            let raw = payload.get(start..end).unwrap_or_default();
            let carried = chunk.and_then(|chunk| Carried::read(header, chunk, plan));
            Some(Piece { raw, carried: carried.unwrap_or_else(Carried::Malformed) })
        })
    }

    /// The sequence number of the first chunk that carries M3UA.
    pub fn first_tsn(&self) -> Option<u32> {
        self.pieces(MtpPlan::default()).find_map(|piece| piece.carried.data()).map(|data| data.tsn)
    }
}

/// A chunk, with its padding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    raw: &'a [u8],
    pub carried: Carried<'a>,
}

/// What a chunk carries.
#[derive(Clone, Copy, Debug)]
pub(super) enum Carried<'a> {
    /// A message of ISUP.
    Isup { data: Data<'a>, label: RoutingLabel, message: Message<'a> },
    /// M3UA, but no message of ISUP, or not the whole of one.
    M3ua(Data<'a>),
    /// What cannot be read.
    Malformed(DecodeError),
    /// Anything else.
    Other,
}

impl<'a> Carried<'a> {
    fn read(header: Header, chunk: Chunk<'a>, plan: MtpPlan) -> Result<Self, DecodeError> {
        if chunk.kind != DATA {
            return Ok(Self::Other);
        }
        let data = Data::parse(chunk)?;
        if !data.is_m3ua(header) {
            return Ok(Self::Other);
        }
        if !(data.first && data.last) {
            return Ok(Self::M3ua(data));
        }
        let message = m3ua::Message::parse(data.payload)?;
        if !message.is_data() {
            return Ok(Self::M3ua(data));
        }
        let carried = message.protocol_data(plan)?;
        // The messages of T1.113 are others: they pass as they are.
        if carried.service_indicator != mtp3::ISUP || carried.label.standard == Mtp::Ansi {
            return Ok(Self::M3ua(data));
        }
        Ok(Self::Isup { data, label: carried.label, message: Message::parse(carried.user)? })
    }

    /// The chunk, when it carries M3UA.
    pub const fn data(&self) -> Option<Data<'a>> {
        match self {
            Self::Isup { data, .. } | Self::M3ua(data) => Some(*data),
            Self::Malformed(_) | Self::Other => None,
        }
    }
}

impl Piece<'_> {
    /// The whole chunk after a change. `None` when the change means nothing to what it carries.
    pub fn changed(&self, change: Change) -> Option<Vec<u8>> {
        let Carried::Isup { data, message, .. } = self.carried else { return None };
        let user = change.apply(message.bytes())?;
        let mut payload = Vec::with_capacity(data.payload.len().saturating_add(8));
        m3ua::replace_user(data.payload, &user, &mut payload).ok()?;
        let mut chunk = Vec::with_capacity(payload.len().saturating_add(20));
        Data { payload: &payload, ..data }.emit(&mut chunk);
        // There are more flags than are read: acknowledge at once (RFC 9260 §3.3.1).
        *chunk.get_mut(1)? = *self.raw.get(1)?;
        Some(chunk)
    }
}

/// A packet that is put together again, once one of its chunks is not what it was.
#[derive(Debug)]
pub(super) struct Rebuilt<'a> {
    pub header: Header,
    ip: Ip<'a>,
    /// Octets of the SCTP packet taken over so far, while nothing was changed.
    taken: usize,
    out: Option<Vec<u8>>,
    /// Most octets of the SCTP packet.
    limit: usize,
}

impl<'a> Rebuilt<'a> {
    pub fn new(parts: &Parts<'a>, mtu: usize) -> Self {
        let ip = parts.ip;
        let limit = mtu.min(usize::from(u16::MAX)).saturating_sub(ip.headers.len()).max(ip.payload.len());
        Self { header: parts.header, ip, taken: HEADER_LENGTH, out: None, limit }
    }

    /// Adds a chunk. `false`, and it is not added, when the packet would be too long; the first always is.
    pub fn push(&mut self, piece: &Piece<'_>, changed: Option<&[u8]>) -> bool {
        let chunk = changed.unwrap_or(piece.raw);
        let length = self.out.as_ref().map_or(self.taken, Vec::len);
        if length > HEADER_LENGTH && length.saturating_add(chunk.len()) > self.limit {
            return false;
        }
        if changed.is_none() && self.out.is_none() {
            self.taken = self.taken.saturating_add(chunk.len());
        } else {
            self.out().extend_from_slice(chunk);
        }
        true
    }

    /// The packet ends here.
    pub fn cut(&mut self) {
        self.out();
    }

    fn out(&mut self) -> &mut Vec<u8> {
        let so_far = self.ip.payload.get(..self.taken).unwrap_or_default();
        self.out.get_or_insert_with(|| so_far.to_vec())
    }

    pub fn finish(self) -> Outcome {
        let Some(mut payload) = self.out else { return Outcome::Accept };
        if payload.len() <= HEADER_LENGTH {
            return Outcome::Drop;
        }
        sctp::seal(&mut payload);
        self.ip.with_payload(&payload).map_or(Outcome::Accept, Outcome::Replace)
    }
}
