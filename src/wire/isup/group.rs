//! Messages about a group of circuits: reset, blocking and unblocking, queries. ITU-T Q.763 tables 40 to 42, circuit
//! group supervision message type §3.13, circuit state indicator §3.14, range and status §3.43; Q.764 §2.8.2, §2.8.3.

use crate::base::fault::Kind;
use crate::wire::DecodeError;
use crate::wire::isup::parameter::{Parameter, Pointers};
use crate::wire::isup::{Message, MessageType, emit_header};

/// Most circuits that one message is about (§3.43 a).
pub const RANGE_MAX: u16 = 256;

/// Circuits from the message's own on, with a bit of status for each (§3.43).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeAndStatus {
    /// How many circuits: the range octet plus one, 1 to [`RANGE_MAX`].
    pub count: u16,
    /// Status bits, the first circuit's the lowest of the first octet; none set when the message has no status.
    pub status: [u8; 32],
}

impl RangeAndStatus {
    /// So many circuits, 1 to [`RANGE_MAX`], none of them marked.
    #[must_use]
    pub fn of(count: u16) -> Self {
        Self { count: count.clamp(1, RANGE_MAX), status: [0; 32] }
    }

    /// Reads the content of a parameter.
    ///
    /// # Errors
    /// [`Kind::BadLength`] when there is no range, or fewer status bits than circuits, though not none.
    #[inline]
    pub fn parse(parameter: Parameter<'_>) -> Result<Self, DecodeError> {
        let Some((range, bits)) = parameter.content.split_first() else {
            return Err(parameter.error(Kind::BadLength));
        };
        let mut group = Self::of(u16::from(*range).saturating_add(1));
        if !bits.is_empty() && bits.len() < group.status_length() {
            return Err(parameter.error(Kind::BadLength));
        }
        let length = group.status_length();
        group.status.iter_mut().zip(bits.iter().take(length)).for_each(|(to, from)| *to = *from);
        Ok(group)
    }

    /// Whether the circuit with this number, from 0, is marked.
    #[must_use]
    pub fn is_marked(&self, index: u16) -> bool {
        let octet = self.status.get(usize::from(index >> 3)).copied().unwrap_or_default();
        index < self.count && octet >> (index & 7) & 1 == 1
    }

    /// Marks a circuit.
    pub fn mark(&mut self, index: u16) {
        if let Some(octet) = self.status.get_mut(usize::from(index >> 3)) {
            *octet |= 1 << (index & 7);
        }
    }

    fn status_length(&self) -> usize {
        usize::from(self.count.div_ceil(8))
    }

    /// Writes length, range, and the status if it is asked for.
    fn emit(&self, has_status: bool, out: &mut Vec<u8>) {
        let bits = if has_status { self.status_length() } else { 0 };
        out.push(u8::try_from(bits.saturating_add(1)).unwrap_or(u8::MAX));
        out.push(u8::try_from(self.count.saturating_sub(1)).unwrap_or(u8::MAX));
        out.extend(self.status.iter().take(bits));
    }
}

/// Why a group is blocked or unblocked (§3.13).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supervision {
    /// For maintenance: calls on the circuits go on.
    Maintenance,
    /// Because of a hardware failure: calls on the circuits are over (Q.764 §2.8.2.2).
    Hardware,
    /// Reserved for national use.
    National,
    /// Spare.
    Spare,
}

impl Supervision {
    /// From the two lowest bits of its octet.
    #[must_use]
    pub const fn of_octet(octet: u8) -> Self {
        match octet & 3 {
            0 => Self::Maintenance,
            1 => Self::Hardware,
            2 => Self::National,
            _ => Self::Spare,
        }
    }
}

/// CGB, CGU, CGBA or CGUA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupSupervision {
    /// Why.
    pub kind: Supervision,
    /// Which circuits: those that are marked.
    pub group: RangeAndStatus,
}

impl GroupSupervision {
    const POINTERS: Pointers = Pointers::after(1, 1);

    /// Reads it.
    ///
    /// # Errors
    /// When the kind or the range cannot be found or read.
    #[inline]
    pub fn parse(message: &Message<'_>) -> Result<Self, DecodeError> {
        let [kind] = message.fixed()?;
        let group = RangeAndStatus::parse(message.variable(Self::POINTERS, 0)?)?;
        Ok(Self { kind: Supervision::of_octet(kind), group })
    }

    /// Writes the whole message, of one of the four types.
    pub fn emit(&self, cic: u32, message_type: MessageType, out: &mut Vec<u8>) {
        emit_header(cic, message_type, out);
        out.extend([self.kind as u8, 1]);
        self.group.emit(true, out);
    }
}

/// CQR: the states of circuits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupStates<'a> {
    /// Which circuits.
    pub group: RangeAndStatus,
    /// An octet for each (§3.14).
    pub states: &'a [u8],
}

impl<'a> GroupStates<'a> {
    const POINTERS: Pointers = Pointers::after(0, 2);

    /// Reads it.
    ///
    /// # Errors
    /// When a part cannot be found or read, or [`Kind::BadLength`] when there are fewer states than circuits.
    pub fn parse(message: &Message<'a>) -> Result<Self, DecodeError> {
        let group = RangeAndStatus::parse(message.variable(Self::POINTERS, 0)?)?;
        let states = message.variable(Self::POINTERS, 1)?;
        match states.content.get(..usize::from(group.count)) {
            Some(octets) => Ok(Self { group, states: octets }),
            None => Err(states.error(Kind::BadLength)),
        }
    }

    /// Writes the whole message.
    pub fn emit(&self, cic: u32, out: &mut Vec<u8>) {
        emit_header(cic, MessageType::GROUP_QUERY_RESPONSE, out);
        // The first parameter, its length and its range, lies between the second pointer and the states.
        out.extend([2, 3]);
        self.group.emit(false, out);
        out.push(u8::try_from(self.states.len()).unwrap_or(u8::MAX));
        out.extend(self.states.iter().take(usize::from(u8::MAX)));
    }
}

/// Writes a CQM: a query about so many circuits.
pub fn emit_query(cic: u32, count: u16, out: &mut Vec<u8>) {
    emit_header(cic, MessageType::GROUP_QUERY, out);
    out.push(1);
    RangeAndStatus::of(count).emit(false, out);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn any_group() -> impl Strategy<Value = RangeAndStatus> {
        (1..=RANGE_MAX, proptest::collection::vec(0..RANGE_MAX, 0..32)).prop_map(|(count, marked)| {
            let mut group = RangeAndStatus::of(count);
            marked.into_iter().filter(|index| *index < count).for_each(|index| group.mark(index));
            group
        })
    }

    #[test]
    fn a_status_for_each_circuit_or_for_none() {
        let parse = |content| RangeAndStatus::parse(Parameter { code: 0x16, offset: 5, content });
        assert_eq!(parse(&[7]).unwrap(), RangeAndStatus::of(8));
        let group = parse(&[9, 0b1000_0001, 0b11]).unwrap();
        let marked: Vec<u16> = (0..20).filter(|index| group.is_marked(*index)).collect();
        assert_eq!((group.count, marked), (10, vec![0, 7, 8, 9]));
        assert!(parse(&[]).is_err());
        assert!(parse(&[9, 0xFF]).is_err());
    }

    #[test]
    fn a_query_is_answered_with_a_state_for_each() {
        let mut query = Vec::new();
        emit_query(32, 3, &mut query);
        assert_eq!(query, [32, 0, 0x2A, 1, 1, 2]);
        let mut bytes = Vec::new();
        let answer = GroupStates { group: RangeAndStatus::of(3), states: &[0, 12, 4] };
        answer.emit(32, &mut bytes);
        assert_eq!(GroupStates::parse(&Message::parse(&bytes).unwrap()), Ok(answer));
        bytes.pop();
        assert!(GroupStates::parse(&Message::parse(&bytes).unwrap()).is_err());
        let few = [32, 0, 0x2B, 2, 3, 1, 2, 2, 0, 12];
        assert!(GroupStates::parse(&Message::parse(&few).unwrap()).is_err());
    }

    proptest! {
        #[test]
        fn reads_what_it_wrote(kind: u8, group in any_group()) {
            let supervision = GroupSupervision { kind: Supervision::of_octet(kind), group };
            for message_type in [MessageType::GROUP_BLOCKING, MessageType::GROUP_UNBLOCKING_ACK] {
                let mut bytes = Vec::new();
                supervision.emit(4095, message_type, &mut bytes);
                prop_assert_eq!(GroupSupervision::parse(&Message::parse(&bytes).unwrap()), Ok(supervision));
            }
        }
    }
}
