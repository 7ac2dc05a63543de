//! Call progress: something happened while the call is being set up. ITU-T Q.763 table 23; event information §3.21.

use crate::wire::DecodeError;
use crate::wire::isup::{Message, MessageType, emit_header};

/// Event indicator (§3.21), 7 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event(pub u8);

impl Event {
    /// The called side is alerted.
    pub const ALERTING: Self = Self(1);
    /// Progress.
    pub const PROGRESS: Self = Self(2);
    /// In-band information or a pattern is now available.
    pub const IN_BAND: Self = Self(3);
    /// Call forwarded on no reply.
    pub const FORWARDED_NO_REPLY: Self = Self(5);
}

/// A call progress message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpg {
    /// What happened.
    pub event: Event,
}

impl Cpg {
    /// Reads it. The top bit, presentation restricted, is not part of the event.
    ///
    /// # Errors
    /// When the message ends before the event.
    #[inline]
    pub fn parse(message: &Message<'_>) -> Result<Self, DecodeError> {
        let [information] = message.fixed()?;
        Ok(Self { event: Event(information & 0x7F) })
    }

    /// Writes the whole message, without optional part.
    pub fn emit(self, cic: u32, out: &mut Vec<u8>) {
        emit_header(cic, MessageType::CALL_PROGRESS, out);
        out.extend([self.event.0 & 0x7F, 0]);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_what_it_wrote_and_ignores_the_top_bit() {
        for event in (0..0x80).map(Event) {
            let mut bytes = Vec::new();
            Cpg { event }.emit(1, &mut bytes);
            assert_eq!(Cpg::parse(&Message::parse(&bytes).unwrap()), Ok(Cpg { event }));
        }
        let restricted = Message::parse(&[1, 0, 0x2C, 0x82, 0]).unwrap();
        assert_eq!(Cpg::parse(&restricted), Ok(Cpg { event: Event::PROGRESS }));
        assert!(Cpg::parse(&Message::parse(&[1, 0, 0x2C]).unwrap()).is_err());
    }
}
