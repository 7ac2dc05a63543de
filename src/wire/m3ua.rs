//! M3UA messages and their Protocol Data parameter. RFC 4666 §3.1, §3.2, §3.3.1.

use crate::base::fault::{Kind, Layer};
use crate::base::frame::{Mtp, RoutingLabel};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

const VERSION: u8 = 1;
const CLASS_TRANSFER: u8 = 1;
const TYPE_DATA: u8 = 1;
const TAG_PROTOCOL_DATA: u16 = 0x0210;

/// One message: its class and type, and its parameters unread.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Message class: 0 management, 1 transfer, 2 SS7 network management, 3 and 4 state and traffic of the server.
    pub class: u8,
    /// Message type within the class.
    pub kind: u8,
    parameters: Cursor<'a>,
}

impl<'a> Message<'a> {
    /// Reads the common header.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when the message is cut, [`Kind::Unsupported`] when the version is not 1,
    /// [`Kind::BadLength`] when the length is less than the header's.
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::M3ua, bytes);
        let [version, _, class, kind] = cursor.array()?;
        if version != VERSION {
            return Err(cursor.error(Kind::Unsupported));
        }
        let length = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
        if length < 8 {
            return Err(cursor.error(Kind::BadLength));
        }
        // Senders differ on whether the length counts the last parameter's padding, up to three octets.
        let missing = length.saturating_sub(bytes.len());
        let end = if missing <= 3 { length.min(bytes.len()) } else { length };
        cursor.take(end.saturating_sub(8)).map(|_| ())?;
        let parameters = bytes.get(8..end).unwrap_or_default();
        Ok(Self { class, kind, parameters: Cursor::new(Layer::M3ua, parameters) })
    }

    /// It carries a user part's message (DATA); all else is management.
    #[must_use]
    pub const fn is_data(&self) -> bool {
        self.class == CLASS_TRANSFER && self.kind == TYPE_DATA
    }

    /// The Protocol Data parameter of a DATA message.
    ///
    /// # Errors
    /// [`Kind::Missing`] when there is none, [`Kind::Truncated`] or [`Kind::BadLength`] when a parameter is broken.
    #[inline]
    pub fn protocol_data(&self) -> Result<ProtocolData<'a>, DecodeError> {
        let mut cursor = self.parameters;
        while !cursor.is_empty() {
            let tag = cursor.u16()?;
            let length = usize::from(cursor.u16()?).checked_sub(4);
            let length = length.ok_or_else(|| cursor.error(Kind::BadLength))?;
            let value = cursor.take(length)?;
            if tag == TAG_PROTOCOL_DATA {
                return ProtocolData::parse(value);
            }
            let padding = length.wrapping_neg() & 3;
            cursor.skip(padding.min(cursor.rest().len()))?;
        }
        Err(cursor.error(Kind::Missing))
    }
}

/// Writes a DATA message again with another message of the user part in it. Everything else stays, in its order; both
/// lengths and the padding are made right.
///
/// # Errors
/// As [`Message::parse`] and [`Message::protocol_data`]; [`Kind::BadLength`] when it would be too long.
pub fn replace_user(message: &[u8], user: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    let mut cursor = Message::parse(message)?.parameters;
    let start = out.len();
    out.extend_from_slice(message.get(..8).unwrap_or_default());
    let mut is_replaced = false;
    while !cursor.is_empty() {
        let tag = cursor.u16()?;
        let length = usize::from(cursor.u16()?).checked_sub(4);
        let length = length.ok_or_else(|| cursor.error(Kind::BadLength))?;
        let value = cursor.take(length)?;
        cursor.skip((length.wrapping_neg() & 3).min(cursor.rest().len()))?;
        let is_ours = tag == TAG_PROTOCOL_DATA && !is_replaced;
        let (head, tail) = if is_ours { (value.get(..12).unwrap_or(value), user) } else { (value, &[][..]) };
        let length = head.len().saturating_add(tail.len());
        let stated = u16::try_from(length.saturating_add(4)).map_err(|_| cursor.error(Kind::BadLength))?;
        is_replaced |= is_ours;
        out.extend_from_slice(&tag.to_be_bytes());
        out.extend_from_slice(&stated.to_be_bytes());
        out.extend_from_slice(head);
        out.extend_from_slice(tail);
        out.extend(std::iter::repeat_n(0, length.wrapping_neg() & 3));
    }
    let length = u32::try_from(out.len().saturating_sub(start)).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(field) = out.get_mut(start.saturating_add(4)..start.saturating_add(8)) {
        field.copy_from_slice(&length);
    }
    if is_replaced { Ok(()) } else { Err(cursor.error(Kind::Missing)) }
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
    /// Reads the value of the parameter.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when shorter than 12 octets.
    #[inline]
    pub fn parse(value: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(Layer::M3ua, value);
        let (opc, dpc) = (cursor.u32()?, cursor.u32()?);
        let [service_indicator, network_indicator, priority, sls] = cursor.array()?;
        let label = RoutingLabel { standard: Mtp::Itu, opc, dpc, network_indicator, sls };
        Ok(Self { label, service_indicator, priority, user: cursor.rest() })
    }

    /// Writes a DATA message that holds this parameter only. The user part's message must be shorter than 65,500 octets.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let padding = self.user.len().wrapping_neg() & 3;
        let parameter = u16::try_from(self.user.len().saturating_add(16)).unwrap_or(u16::MAX);
        let message = u32::from(parameter).saturating_add(8).next_multiple_of(4);
        out.extend_from_slice(&[VERSION, 0, CLASS_TRANSFER, TYPE_DATA]);
        out.extend_from_slice(&message.to_be_bytes());
        out.extend_from_slice(&TAG_PROTOCOL_DATA.to_be_bytes());
        out.extend_from_slice(&parameter.to_be_bytes());
        out.extend_from_slice(&self.label.opc.to_be_bytes());
        out.extend_from_slice(&self.label.dpc.to_be_bytes());
        out.extend_from_slice(&[
            self.service_indicator,
            self.label.network_indicator,
            self.priority,
            self.label.sls,
        ]);
        out.extend_from_slice(self.user);
        out.extend(std::iter::repeat_n(0, padding));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
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
        assert_eq!(Message::parse(&bytes).unwrap().protocol_data(), Ok(sample(b"isup")));
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
            assert_eq!(message.protocol_data(), Ok(sample(user)));
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
        assert_eq!(Message::parse(short).unwrap().protocol_data(), Ok(sample(b"isup+")));
        let cut = &bytes[..bytes.len() - 4];
        assert_eq!(Message::parse(cut).unwrap_err().kind, Kind::Truncated);
    }

    #[test]
    fn management_is_not_data() {
        let up = Message::parse(&[1, 0, 3, 1, 0, 0, 0, 8]).unwrap();
        assert!(!up.is_data());
        assert_eq!(up.protocol_data().unwrap_err().kind, Kind::Missing);
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_read_back(user in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = Vec::new();
            sample(&user).emit(&mut bytes);
            let message = Message::parse(&bytes).unwrap();
            prop_assert!(message.is_data() && bytes.len() % 4 == 0);
            prop_assert_eq!(message.protocol_data(), Ok(sample(&user)));
        }

        #[test]
        fn any_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 8..60), real: bool) {
            if real {
                bytes[..7].copy_from_slice(&[1, 0, 1, 1, 0, 0, 0]);
            }
            let _ = Message::parse(&bytes).and_then(|message| message.protocol_data());
        }
    }
}
