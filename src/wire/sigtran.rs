//! What the adaptation layers of SIGTRAN share: a common header of eight octets and parameters of tag, length and value.
//! RFC 4666 §3.1 and §3.2 (M3UA), RFC 3331 §3.1 (M2UA), RFC 3868 §3.1 (SUA), RFC 4233 §3.1 (IUA); M2PA has the header
//! only (RFC 4165 §2.1). Classes and types are numbered once for all of them (IANA "Message Classes").

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::cursor::Cursor;

/// Octets of the common header.
pub const HEADER_LENGTH: usize = 8;
const VERSION: u8 = 1;

/// One adaptation layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Adaptation {
    /// ISDN Q.921 users, RFC 4233.
    Iua,
    /// MTP2 peers, RFC 4165.
    M2pa,
    /// MTP2 users, RFC 3331.
    M2ua,
    /// MTP3 users, RFC 4666.
    M3ua,
    /// SCCP users, RFC 3868.
    Sua,
}

impl Adaptation {
    /// All of them, in the order of the enum.
    pub const ALL: [Self; 5] = [Self::Iua, Self::M2pa, Self::M2ua, Self::M3ua, Self::Sua];

    /// Its name in counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Iua => "iua",
            Self::M2pa => "m2pa",
            Self::M2ua => "m2ua",
            Self::M3ua => "m3ua",
            Self::Sua => "sua",
        }
    }

    /// Where its faults are counted.
    #[must_use]
    pub const fn layer(self) -> Layer {
        match self {
            Self::Iua => Layer::Iua,
            Self::M2pa => Layer::M2pa,
            Self::M2ua => Layer::M2ua,
            Self::M3ua => Layer::M3ua,
            Self::Sua => Layer::Sua,
        }
    }

    /// The payload protocol identifier of its chunks (IANA "SCTP Payload Protocol Identifiers").
    #[must_use]
    pub const fn payload_protocol(self) -> u32 {
        match self {
            Self::Iua => 1,
            Self::M2pa => 5,
            Self::M2ua => 2,
            Self::M3ua => 3,
            Self::Sua => 4,
        }
    }

    /// The one that a payload protocol identifier names. Some senders write it in the byte order of their own.
    #[must_use]
    pub fn of_payload_protocol(protocol: u32) -> Option<Self> {
        let names = |adaptation: &Self| {
            let own = adaptation.payload_protocol();
            protocol == own || protocol == own.swap_bytes()
        };
        Self::ALL.into_iter().find(names)
    }

    /// The one that a port is registered for.
    #[must_use]
    pub const fn of_port(port: u16) -> Option<Self> {
        match port {
            2904 => Some(Self::M2ua),
            2905 => Some(Self::M3ua),
            3565 => Some(Self::M2pa),
            9900 => Some(Self::Iua),
            14_001 => Some(Self::Sua),
            _ => None,
        }
    }

    /// The only one whose messages of a class carry something for its users.
    #[must_use]
    pub const fn of_class(class: u8) -> Option<Self> {
        match class {
            1 => Some(Self::M3ua),
            5 => Some(Self::Iua),
            6 | 10 => Some(Self::M2ua),
            7 | 8 => Some(Self::Sua),
            11 => Some(Self::M2pa),
            _ => None,
        }
    }
}

/// One message: class, type and what follows the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Message class.
    pub class: u8,
    /// Message type within the class.
    pub kind: u8,
    /// What follows the common header.
    pub body: &'a [u8],
    layer: Layer,
}

impl<'a> Message<'a> {
    /// Reads the common header of a message of this layer.
    ///
    /// # Errors
    /// [`Kind::Truncated`] when the message is shorter than it says by more than padding, [`Kind::BadLength`] when it
    /// says less than a header, [`Kind::Unsupported`] when its version is not 1.
    #[inline]
    pub fn parse(layer: Layer, bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(layer, bytes);
        let [version, _, class, kind] = cursor.array()?;
        if version != VERSION {
            return Err(cursor.error(Kind::Unsupported));
        }
        let length = usize::try_from(cursor.u32()?).unwrap_or(usize::MAX);
        let Some(length) = length.checked_sub(HEADER_LENGTH) else {
            return Err(cursor.error(Kind::BadLength));
        };
        // Senders differ on whether the length counts the last parameter's padding, up to three octets.
        let there = cursor.rest().len();
        let length = if length.saturating_sub(there) <= 3 { length.min(there) } else { length };
        Ok(Self { class, kind, body: cursor.take(length)?, layer })
    }

    /// Its parameters.
    #[must_use]
    pub const fn parameters(&self) -> Parameters<'a> {
        Parameters { cursor: Cursor::new(self.layer, self.body) }
    }

    /// Whether bytes of an unnamed protocol are surely one message: version, a class and type that exist, and a length
    /// that is that of the whole.
    #[must_use]
    pub fn is_sure(bytes: &[u8]) -> bool {
        let stated =
            bytes.get(4..HEADER_LENGTH).and_then(|length| length.try_into().ok()).map(u32::from_be_bytes);
        matches!(bytes, [VERSION, 0, class, kind, ..] if kind_name(*class, *kind).is_some())
            && stated.is_some_and(|stated| u32::try_from(bytes.len()).is_ok_and(|length| stated == length))
    }
}

/// One parameter (RFC 4666 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameter<'a> {
    /// Parameter tag.
    pub tag: u16,
    /// Its value, without padding.
    pub value: &'a [u8],
}

impl Parameter<'_> {
    /// Writes a parameter whose value comes in two parts, with its padding. Both together must be shorter than 65,532 octets.
    pub fn emit(tag: u16, head: &[u8], tail: &[u8], out: &mut Vec<u8>) {
        let length = head.len().saturating_add(tail.len());
        let stated = u16::try_from(length.saturating_add(4)).unwrap_or(u16::MAX);
        out.extend_from_slice(&tag.to_be_bytes());
        out.extend_from_slice(&stated.to_be_bytes());
        out.extend_from_slice(head);
        out.extend_from_slice(tail);
        out.extend(std::iter::repeat_n(0, length.wrapping_neg() & 3));
    }
}

/// Parameters of a message, in order; ends at the first error.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'a> {
    cursor: Cursor<'a>,
}

impl<'a> Parameters<'a> {
    /// The value of the first parameter with this tag.
    ///
    /// # Errors
    /// [`Kind::Missing`] when there is none, [`Kind::Truncated`] or [`Kind::BadLength`] when one before it is broken.
    #[inline]
    pub fn find(mut self, tag: u16) -> Result<&'a [u8], DecodeError> {
        while !self.cursor.is_empty() {
            let parameter = self.read()?;
            if parameter.tag == tag {
                return Ok(parameter.value);
            }
        }
        Err(self.cursor.error(Kind::Missing))
    }

    #[inline]
    fn read(&mut self) -> Result<Parameter<'a>, DecodeError> {
        let (tag, length) = (self.cursor.u16()?, self.cursor.u16()?);
        let length = usize::from(length).checked_sub(4).ok_or_else(|| self.cursor.error(Kind::BadLength))?;
        let value = self.cursor.take(length)?;
        // The last one's padding may be missing: the length does not count it.
        let padding = length.wrapping_neg() & 3;
        self.cursor.skip(padding.min(self.cursor.rest().len()))?;
        Ok(Parameter { tag, value })
    }
}

impl<'a> Iterator for Parameters<'a> {
    type Item = Result<Parameter<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.cursor.is_empty() {
            return None;
        }
        let parameter = self.read();
        if parameter.is_err() {
            let _ = self.cursor.skip(self.cursor.rest().len());
        }
        Some(parameter)
    }
}

/// Writes a common header before the body of a message. The body must be shorter than 4 GiB.
pub fn emit_header(class: u8, kind: u8, body: usize, out: &mut Vec<u8>) {
    let length = u32::try_from(body.saturating_add(HEADER_LENGTH)).unwrap_or(u32::MAX);
    out.extend_from_slice(&[VERSION, 0, class, kind]);
    out.extend_from_slice(&length.to_be_bytes());
}

/// Message classes that are numbered: 0 to 11.
pub const CLASSES: usize = 12;
/// Most types a class has, from 0.
pub const KINDS: usize = 16;

/// Types of each class, from 0; empty where there is none.
const KIND_NAMES: [&[&str]; CLASSES] = [
    &["mgmt_err", "mgmt_ntfy", "mgmt_tei_req", "mgmt_tei_conf", "mgmt_tei_ind"],
    &["", "data"],
    &["", "ssnm_duna", "ssnm_dava", "ssnm_daud", "ssnm_scon", "ssnm_dupu", "ssnm_drst"],
    &["", "aspsm_up", "aspsm_down", "aspsm_beat", "aspsm_up_ack", "aspsm_down_ack", "aspsm_beat_ack"],
    &["", "asptm_active", "asptm_inactive", "asptm_active_ack", "asptm_inactive_ack"],
    &[
        "",
        "qptm_data_req",
        "qptm_data_ind",
        "qptm_unit_data_req",
        "qptm_unit_data_ind",
        "qptm_establish_req",
        "qptm_establish_conf",
        "qptm_establish_ind",
        "qptm_release_req",
        "qptm_release_conf",
        "qptm_release_ind",
    ],
    &[
        "",
        "maup_data",
        "maup_establish_req",
        "maup_establish_conf",
        "maup_release_req",
        "maup_release_conf",
        "maup_release_ind",
        "maup_state_req",
        "maup_state_conf",
        "maup_state_ind",
        "maup_retrieval_req",
        "maup_retrieval_conf",
        "maup_retrieval_ind",
        "maup_retrieval_complete_ind",
        "maup_congestion_ind",
        "maup_data_ack",
    ],
    &["", "cl_cldt", "cl_cldr"],
    &[
        "", "co_core", "co_coak", "co_coref", "co_relre", "co_relco", "co_resco", "co_resre", "co_codt",
        "co_coda", "co_coerr", "co_coit",
    ],
    &["", "rkm_reg_req", "rkm_reg_rsp", "rkm_dereg_req", "rkm_dereg_rsp"],
    &["", "iim_reg_req", "iim_reg_rsp", "iim_dereg_req", "iim_dereg_rsp"],
    &["", "user_data", "link_status"],
];

/// Name of a type of message for counters: its class and what the standards call it. `None` when it is not numbered.
#[must_use]
pub fn kind_name(class: u8, kind: u8) -> Option<&'static str> {
    let name = KIND_NAMES.get(usize::from(class))?.get(usize::from(kind))?;
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_layer_is_known_by_identifier_port_and_class() {
        for adaptation in Adaptation::ALL {
            let protocol = adaptation.payload_protocol();
            assert_eq!(Adaptation::of_payload_protocol(protocol), Some(adaptation));
            assert_eq!(Adaptation::of_payload_protocol(protocol << 24), Some(adaptation));
            assert_eq!(
                (0..=u16::MAX).filter(|port| Adaptation::of_port(*port) == Some(adaptation)).count(),
                1
            );
            assert!((0..12).any(|class| Adaptation::of_class(class) == Some(adaptation)));
        }
        assert_eq!(Adaptation::of_payload_protocol(0), None);
        assert_eq!(Adaptation::of_payload_protocol(46), None);
    }

    #[test]
    fn is_sure_of_whole_messages_only() {
        assert!(Message::is_sure(&[1, 0, 3, 1, 0, 0, 0, 8]));
        for other in [
            [1, 0, 3, 7, 0, 0, 0, 8],
            [2, 0, 3, 1, 0, 0, 0, 8],
            [1, 0, 3, 1, 0, 0, 0, 9],
            [1, 1, 3, 1, 0, 0, 0, 8],
        ] {
            assert!(!Message::is_sure(&other), "{other:?}");
        }
        assert!(!Message::is_sure(&[1, 0, 3, 1]));
    }

    #[test]
    fn every_type_has_room_in_the_counts() {
        assert!(KIND_NAMES.iter().all(|kinds| kinds.len() <= KINDS));
        assert_eq!((kind_name(3, 1), kind_name(1, 0), kind_name(12, 0)), (Some("aspsm_up"), None, None));
    }

    proptest! {
        #[test]
        fn what_is_emitted_is_read_back(
            class: u8, kind: u8,
            parameters in prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u8>(), 0..20)), 0..6),
            cut in 0..3_usize,
        ) {
            let mut body = Vec::new();
            for (tag, value) in &parameters {
                let (head, tail) = value.split_at(value.len() / 2);
                Parameter::emit(*tag, head, tail, &mut body);
            }
            let mut bytes = Vec::new();
            emit_header(class, kind, body.len(), &mut bytes);
            bytes.extend_from_slice(&body);
            let padding = parameters.last().map_or(0, |(_, value)| value.len().wrapping_neg() & 3);
            bytes.truncate(bytes.len() - cut.min(padding));
            let message = Message::parse(Layer::M3ua, &bytes).unwrap();
            prop_assert_eq!((message.class, message.kind), (class, kind));
            let read: Vec<_> = message.parameters().map(Result::unwrap).collect();
            let expected: Vec<_> = parameters.iter().map(|(tag, value)| Parameter { tag: *tag, value }).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn any_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 8..60), real: bool) {
            if real {
                bytes[..7].copy_from_slice(&[1, 0, 1, 1, 0, 0, 0]);
            }
            if let Ok(message) = Message::parse(Layer::Sua, &bytes) {
                let count = message.parameters().count();
                prop_assert!(count <= bytes.len() / 4 + 1);
            }
        }
    }
}
