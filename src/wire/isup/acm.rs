//! Address complete and connect: the called side has all digits (ACM) or answers at once (CON). ITU-T Q.763 tables 21
//! and 27; backward call indicators §3.5.

use crate::wire::DecodeError;
use crate::wire::isup::{Message, MessageType, emit_header};

/// Called party's status (§3.5 b).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CalledStatus {
    /// No indication: alerting may follow in a CPG.
    #[default]
    NoIndication,
    /// Subscriber free: the called side is alerted.
    SubscriberFree,
    /// Connect when free (national use).
    ConnectWhenFree,
    /// Spare.
    Spare,
}

/// An address complete message, or a connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acm {
    /// Backward call indicators, first octet first.
    pub backward_call: [u8; 2],
}

impl Acm {
    /// Indicators with this status: charge, ordinary subscriber, ISUP all the way, ISDN access.
    #[must_use]
    pub const fn with_status(status: CalledStatus) -> Self {
        Self { backward_call: [0x12 | (status as u8) << 2, 0x14] }
    }

    /// Reads it.
    ///
    /// # Errors
    /// When the message ends before the indicators do.
    #[inline]
    pub fn parse(message: &Message<'_>) -> Result<Self, DecodeError> {
        Ok(Self { backward_call: message.fixed()? })
    }

    /// Called party's status: bits D and C of the first octet.
    #[inline]
    #[must_use]
    pub const fn called_status(self) -> CalledStatus {
        let [first, _] = self.backward_call;
        match first >> 2 & 3 {
            0 => CalledStatus::NoIndication,
            1 => CalledStatus::SubscriberFree,
            2 => CalledStatus::ConnectWhenFree,
            _ => CalledStatus::Spare,
        }
    }

    /// Writes the whole message, an ACM or a CON, without optional part.
    pub fn emit(self, cic: u32, message_type: MessageType, out: &mut Vec<u8>) {
        emit_header(cic, message_type, out);
        out.extend(self.backward_call);
        out.push(0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_what_it_wrote() {
        for octets in 0..=u16::MAX {
            let acm = Acm { backward_call: octets.to_be_bytes() };
            let mut bytes = Vec::new();
            acm.emit(77, MessageType::CONNECT, &mut bytes);
            assert_eq!(Acm::parse(&Message::parse(&bytes).unwrap()), Ok(acm));
        }
        for status in [
            CalledStatus::NoIndication,
            CalledStatus::SubscriberFree,
            CalledStatus::ConnectWhenFree,
            CalledStatus::Spare,
        ] {
            assert_eq!(Acm::with_status(status).called_status(), status);
        }
    }

    #[test]
    fn needs_both_octets() {
        assert!(Acm::parse(&Message::parse(&[1, 0, 6, 0x16]).unwrap()).is_err());
    }
}
