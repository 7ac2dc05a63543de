//! Application transport: what other applications say along a call, such as the bearer of BICC. ITU-T Q.765 §11, Q.763
//! §3.82; in an APM, PRI, IAM and others. Segmented messages are not put together: no fact is read from them.

use crate::base::fault::Kind;
use crate::wire::DecodeError;
use crate::wire::isup::parameter::Parameter;

/// Application transport parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplicationTransport<'a> {
    /// Application context identifier, up to 14 bits: 5 is the bearer association of BICC (Q.765.5).
    pub context: u16,
    /// Release the call when the application is not known.
    pub releases_call: bool,
    /// Say so when it is not known.
    pub sends_notification: bool,
    /// The first segment of a sequence.
    pub is_first: bool,
    /// How many segments follow, 0 to 9.
    pub segments_left: u8,
    /// Which sequence a segment belongs to, 7 bits, where there are several.
    pub sequence: Option<u8>,
    /// What the application says.
    pub information: &'a [u8],
}

/// The bit that ends a group of octets.
const LAST: u8 = 0x80;

impl<'a> ApplicationTransport<'a> {
    /// Reads the content of a parameter.
    ///
    /// # Errors
    /// [`Kind::BadLength`] when it ends within its indicators.
    pub fn parse(parameter: Parameter<'a>) -> Result<Self, DecodeError> {
        let short = || parameter.error(Kind::BadLength);
        let (context, rest) = match parameter.content {
            [first, rest @ ..] if first & LAST != 0 => (u16::from(first & 0x7F), rest),
            [first, second, rest @ ..] => (u16::from(second & 0x7F) << 7 | u16::from(first & 0x7F), rest),
            _ => return Err(short()),
        };
        let [instructions, segment, rest @ ..] = rest else { return Err(short()) };
        let (sequence, information) = match rest {
            rest if segment & LAST != 0 => (None, rest),
            [sequence, rest @ ..] => (Some(sequence & 0x7F), rest),
            [] => return Err(short()),
        };
        Ok(Self {
            context,
            releases_call: instructions & 1 != 0,
            sends_notification: instructions & 2 != 0,
            is_first: segment & 0x40 != 0,
            segments_left: segment & 0x3F,
            sequence,
            information,
        })
    }

    /// Writes the content of the parameter that says it.
    pub fn emit(&self, out: &mut Vec<u8>) {
        let low = (self.context & 0x7F) as u8;
        if self.context > 0x7F {
            out.extend([low, LAST | (self.context >> 7 & 0x7F) as u8]);
        } else {
            out.push(LAST | low);
        }
        out.push(LAST | u8::from(self.sends_notification) << 1 | u8::from(self.releases_call));
        let segment = u8::from(self.is_first) << 6 | self.segments_left & 0x3F;
        match self.sequence {
            Some(sequence) => out.extend([segment, LAST | sequence & 0x7F]),
            None => out.push(LAST | segment),
        }
        out.extend_from_slice(self.information);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn parameter(content: &[u8]) -> Parameter<'_> {
        Parameter { code: 0x78, offset: 9, content }
    }

    #[test]
    fn needs_its_indicators() {
        for content in [&[][..], &[0x85], &[0x05], &[0x05, 0x80], &[0x85, 0x80], &[0x85, 0x80, 0x00]] {
            let error = ApplicationTransport::parse(parameter(content)).unwrap_err();
            assert_eq!((error.offset, error.kind), (9, Kind::BadLength), "{content:02X?}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(
            context in 0..0x4000_u16,
            flags: [bool; 3],
            segments_left in 0..10_u8,
            sequence in proptest::option::of(0..0x80_u8),
            information in proptest::collection::vec(any::<u8>(), 0..50),
        ) {
            let [releases_call, sends_notification, is_first] = flags;
            let transport = ApplicationTransport {
                context,
                releases_call,
                sends_notification,
                is_first,
                segments_left,
                sequence,
                information: &information,
            };
            let mut content = Vec::new();
            transport.emit(&mut content);
            prop_assert_eq!(ApplicationTransport::parse(parameter(&content)), Ok(transport));
        }
    }
}
