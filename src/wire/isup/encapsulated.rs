//! A message within a SIP message. RFC 3204 §3.1: from the message type on, without the routing label and the circuit
//! identification code, which mean nothing outside the network that they are of.

use arrayvec::ArrayVec;

use crate::base::fault::{Kind, Layer};
use crate::wire::DecodeError;
use crate::wire::isup::Message;

/// Longest message read, from its message type on, in octets: MTP carries up to 272 (Q.704 §2.3.8).
pub const LENGTH_MAX: usize = 510;
/// Stands for the circuit identification code that is not there.
const NO_CIC: [u8; 2] = [0; 2];

/// Reads an encapsulated message of ITU-T's ISUP; what `read` makes of it. Its circuit identification code is 0.
///
/// # Errors
/// [`Kind::Truncated`] when it is empty, [`Kind::BadLength`] over [`LENGTH_MAX`].
pub fn encapsulated<T>(bytes: &[u8], read: impl FnOnce(&Message<'_>) -> T) -> Result<T, DecodeError> {
    let mut whole = ArrayVec::<u8, { LENGTH_MAX + NO_CIC.len() }>::from_iter(NO_CIC);
    whole.try_extend_from_slice(bytes).map_err(|_| DecodeError {
        layer: Layer::Isup,
        offset: 0,
        kind: Kind::BadLength,
    })?;
    Message::parse(&whole).map(|message| read(&message))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::wire::isup::MessageType;
    use crate::wire::isup::release::{Cause, Release};

    #[test]
    fn reads_what_stands_behind_the_circuit() {
        let mut bytes = Vec::new();
        Release { cause: Cause { coding: 0, location: 4, value: 21 } }.emit(7, &mut bytes);
        let inside = bytes.get(2..).unwrap();
        let found = encapsulated(inside, |message| (message.message_type, Release::parse(message)));
        let (message_type, release) = found.unwrap();
        assert_eq!((message_type, release.unwrap().cause.value), (MessageType::RELEASE, 21));
        assert_eq!(encapsulated(b"", |_| ()).unwrap_err().kind, Kind::Truncated);
        assert_eq!(encapsulated(&[1; 600], |_| ()).unwrap_err().kind, Kind::BadLength);
    }
}
