//! M3UA messages and their Protocol Data parameter. RFC 4666 §3.1, §3.2, §3.3.1.

use crate::base::fault::{Kind, Layer};
use crate::base::frame::{MtpPlan, RoutingLabel};
use crate::wire::cursor::Cursor;
use crate::wire::sigtran::{self, HEADER_LENGTH, Parameter};
use crate::wire::{DecodeError, mtp3};

const CLASS_TRANSFER: u8 = 1;
const TYPE_DATA: u8 = 1;
const TAG_PROTOCOL_DATA: u16 = 0x0210;
/// Before RFC 3332 gave Protocol Data its own label, it was a message of level 3, in two kinds.
const TAG_DRAFT: u16 = 0x0002;
const TAG_DRAFT_TTC: u16 = 0x0003;

/// One message: its class and type, and its parameters unread.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a>(sigtran::Message<'a>);

impl<'a> Message<'a> {
    /// Reads the common header.
    ///
    /// # Errors
    /// As [`sigtran::Message::parse`].
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        sigtran::Message::parse(Layer::M3ua, bytes).map(Self)
    }

    /// It carries a user part's message (DATA); all else is management.
    #[must_use]
    pub const fn is_data(&self) -> bool {
        self.0.class == CLASS_TRANSFER && self.0.kind == TYPE_DATA
    }

    /// The Protocol Data parameter of a DATA message, wherever it stands among the others; `plan` says whose point codes
    /// it holds.
    ///
    /// # Errors
    /// [`Kind::Missing`] when there is none, [`Kind::Truncated`] or [`Kind::BadLength`] when a parameter is broken.
    #[inline]
    pub fn protocol_data(&self, plan: MtpPlan) -> Result<ProtocolData<'a>, DecodeError> {
        ProtocolData::parse(self.0.parameters().find(TAG_PROTOCOL_DATA)?, plan)
    }

    /// What a DATA message of a draft carries: a message of level 3 from its service information octet on under tag 2, or
    /// from its length indicator on (Japan's TTC) under tag 3, which RFC 4666 leaves unused (§3.2).
    ///
    /// # Errors
    /// As [`Message::protocol_data`], and as [`mtp3::Message::parse`].
    pub fn draft_data(&self, plan: MtpPlan) -> Result<mtp3::Message<'a>, DecodeError> {
        let mut parameters = self.0.parameters();
        let is_draft = |parameter: &Parameter<'_>| matches!(parameter.tag, TAG_DRAFT | TAG_DRAFT_TTC);
        let Some(Parameter { tag, value }) = parameters.find_map(|parameter| parameter.ok().filter(is_draft))
        else {
            return Err(Cursor::new(Layer::M3ua, self.0.body).error(Kind::Missing));
        };
        mtp3::Message::parse(value.get(usize::from(tag == TAG_DRAFT_TTC)..).unwrap_or_default(), plan)
    }
}

/// Writes a DATA message again with another message of the user part in it. Everything else stays, in its order; both
/// lengths and the padding are made right.
///
/// # Errors
/// As [`Message::parse`] and [`Message::protocol_data`]; [`Kind::BadLength`] when it would be too long.
pub fn replace_user(message: &[u8], user: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let parsed = Message::parse(message)?.0;
    let error = |kind| Cursor::new(Layer::M3ua, parsed.body).error(kind);
    let start = out.len();
    out.extend_from_slice(message.get(..HEADER_LENGTH).unwrap_or_default());
    let mut is_replaced = false;
    for parameter in parsed.parameters() {
        let Parameter { tag, value } = parameter?;
        let is_ours = tag == TAG_PROTOCOL_DATA && !is_replaced;
        let (head, tail) = if is_ours { (value.get(..12).unwrap_or(value), user) } else { (value, &[][..]) };
        let length = head.len().saturating_add(tail.len()).saturating_add(4);
        u16::try_from(length).map_err(|_| error(Kind::BadLength))?;
        is_replaced |= is_ours;
        Parameter::emit(tag, head, tail, out);
    }
    let length = u32::try_from(out.len().saturating_sub(start)).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(field) = out.get_mut(start.saturating_add(4)..start.saturating_add(HEADER_LENGTH)) {
        field.copy_from_slice(&length);
    }
    if is_replaced { Ok(()) } else { Err(error(Kind::Missing)) }
}

/// Protocol Data (§3.3.1): a routing label in whole octets, and the user part's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolData<'a> {
    /// Point codes, network indicator and link selection.
    pub label: RoutingLabel,
    /// Service indicator: 3 SCCP, 5 ISUP, 13 BICC.
    pub service_indicator: u8,
    /// Message priority; 0 outside national networks that use it.
    pub priority: u8,
    /// The user part's message.
    pub user: &'a [u8],
}

impl<'a> ProtocolData<'a> {
    /// Reads the value of the parameter. Its point codes have 32 bits; `plan` says whose they are.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when shorter than 12 octets.
    #[inline]
    pub fn parse(value: &'a [u8], plan: MtpPlan) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::M3ua, value);
        let (opc, dpc) = (cursor.u32()?, cursor.u32()?);
        let [service_indicator, network_indicator, priority, sls] = cursor.array()?;
        let standard = plan.of_point_codes(network_indicator, opc, dpc);
        let label = RoutingLabel { standard, opc, dpc, network_indicator, sls };
        Ok(Self { label, service_indicator, priority, user: cursor.rest() })
    }

    /// Writes a DATA message that holds this parameter only. The user part's message must be shorter than 65,500 octets.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let RoutingLabel { opc, dpc, network_indicator, sls, .. } = self.label;
        let mut head = [0; 12];
        let fixed = [self.service_indicator, network_indicator, self.priority, sls];
        let octets = opc.to_be_bytes().into_iter().chain(dpc.to_be_bytes()).chain(fixed);
        head.iter_mut().zip(octets).for_each(|(place, octet)| *place = octet);
        let parameter = self.user.len().saturating_add(16).next_multiple_of(4);
        sigtran::emit_header(CLASS_TRANSFER, TYPE_DATA, parameter, out);
        Parameter::emit(TAG_PROTOCOL_DATA, &head, self.user, out);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use crate::base::frame::Mtp;
    use proptest::prelude::*;

    const LABEL: RoutingLabel =
        RoutingLabel { standard: Mtp::Itu, opc: 200, dpc: 400, network_indicator: 2, sls: 5 };

    fn sample(user: &[u8]) -> ProtocolData<'_> {
        ProtocolData { label: LABEL, service_indicator: 5, priority: 0, user }
    }

    #[test]
    fn finds_the_data_behind_a_routing_context() {
        let mut plain = Vec::new();
        sample(b"isup").emit(&mut plain);
        let mut bytes = plain[..8].to_vec();
        bytes.extend_from_slice(&[0, 6, 0, 8, 0, 0, 0, 1]);
        bytes.extend_from_slice(&plain[8..]);
        bytes[7] += 8;
        assert_eq!(Message::parse(&bytes).unwrap().protocol_data(MtpPlan::default()), Ok(sample(b"isup")));
    }

    #[test]
    fn another_user_message_leaves_the_rest_as_it_was() {
        let mut plain = Vec::new();
        sample(b"isup+").emit(&mut plain);
        let context = [0, 6, 0, 8, 0, 0, 0, 1];
        let correlation = [0, 0x13, 0, 8, 0, 0, 0, 9];
        let mut bytes = [&plain[..8], &context, &plain[8..], &correlation].concat();
        bytes[7] += 16;
        for (user, growth) in [(&b"rel"[..], -4), (b"rel-rlc!", 0), (b"release-2", 4)] {
            let mut again = Vec::new();
            replace_user(&bytes, user, &mut again).unwrap();
            let message = Message::parse(&again).unwrap();
            assert_eq!(message.protocol_data(MtpPlan::default()), Ok(sample(user)));
            assert_eq!(again.len() as i64, bytes.len() as i64 + growth);
            assert_eq!(usize::from(again[7]), again.len());
            assert_eq!((&again[8..16], &again[again.len() - 8..]), (&context[..], &correlation[..]));
        }
        assert_eq!(
            replace_user(&[1, 0, 1, 1, 0, 0, 0, 8], b"", &mut Vec::new()).unwrap_err().kind,
            Kind::Missing
        );
    }

    #[test]
    fn padding_may_be_counted_or_not_there() {
        let mut bytes = Vec::new();
        sample(b"isup+").emit(&mut bytes);
        let short = &bytes[..bytes.len() - 3];
        assert_eq!(Message::parse(short).unwrap().protocol_data(MtpPlan::default()), Ok(sample(b"isup+")));
        let cut = &bytes[..bytes.len() - 4];
        assert_eq!(Message::parse(cut).unwrap_err().kind, Kind::Truncated);
    }

    #[test]
    fn wide_point_codes_are_of_24_bits() {
        let mut bytes = Vec::new();
        let label = RoutingLabel { standard: Mtp::Ansi, opc: 0x01_02_03, ..LABEL };
        ProtocolData { label, ..sample(b"isup") }.emit(&mut bytes);
        let read = |plan| Message::parse(&bytes).unwrap().protocol_data(plan).unwrap().label;
        assert_eq!(read(MtpPlan::default()), label);
        assert_eq!(read(MtpPlan::all(Mtp::China)).standard, Mtp::China);
    }

    #[test]
    fn what_a_draft_carries_is_a_message_of_level_3() {
        let of_tag = |tag: u16, value: &[u8]| {
            let mut bytes = Vec::new();
            sigtran::emit_header(CLASS_TRANSFER, TYPE_DATA, 12, &mut bytes);
            Parameter::emit(tag, value, &[], &mut bytes);
            let message = Message::parse(&bytes).unwrap();
            assert_eq!(message.protocol_data(MtpPlan::default()).unwrap_err().kind, Kind::Missing);
            message.draft_data(MtpPlan::default()).map(|message| (message.label.opc, message.user.to_vec()))
        };
        let unit = [7, 0xc5, 0x83, 0xaf, 0x40, 0x5b, 0xd5, 0];
        assert_eq!(of_tag(2, &unit[1..]), Ok((11_522, vec![0xd5, 0])));
        assert_eq!(of_tag(3, &unit), Ok((11_522, vec![0xd5, 0])));
        assert_eq!(of_tag(4, &unit).unwrap_err().kind, Kind::Missing);
    }

    #[test]
    fn management_is_not_data() {
        let up = Message::parse(&[1, 0, 3, 1, 0, 0, 0, 8]).unwrap();
        assert!(!up.is_data());
        assert_eq!(up.protocol_data(MtpPlan::default()).unwrap_err().kind, Kind::Missing);
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_read_back(user in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = Vec::new();
            sample(&user).emit(&mut bytes);
            let message = Message::parse(&bytes).unwrap();
            prop_assert!(message.is_data() && bytes.len() % 4 == 0);
            prop_assert_eq!(message.protocol_data(MtpPlan::default()), Ok(sample(&user)));
        }

        #[test]
        fn any_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 8..60), real: bool) {
            if real {
                bytes[..7].copy_from_slice(&[1, 0, 1, 1, 0, 0, 0]);
            }
            let _ = Message::parse(&bytes).and_then(|message| message.protocol_data(MtpPlan::default()));
        }
    }
}
