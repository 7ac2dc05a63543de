//! What a message can be changed into. ITU-T Q.763 tables 32 to 39.

use crate::wire::isup::iam::restrict_calling;
use crate::wire::isup::release::{CODING_ITU, Cause, LOCATION_REMOTE_PUBLIC, Release};
use crate::wire::isup::{Message, MessageType, emit_bare};

/// A change to one message. The same change of the same message always gives the same octets, so a retransmitted one
/// is made again from the change alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Into an RLC: the exchange that waits for one gets it.
    Complete,
    /// Into a UBA, which an exchange that did not ask for it discards in every state of a call (Q.764 §2.8.2.3).
    Filler,
    /// The IAM without a calling number to show.
    Mask,
    /// Into a UBL, which an exchange answers with a UBA in every state of a call, also when the circuit is not blocked
    /// (Q.764 §2.8.2.3).
    Probe,
    /// Into a REL with this cause of Q.850.
    Release(u8),
    /// Into an RSC: an exchange whose IAM has had no answer yet tries another circuit (Q.764 §2.8.1).
    Reset,
}

impl Change {
    /// The message as it becomes. `None` when the change means nothing to it.
    pub fn apply(self, user: &[u8]) -> Option<Vec<u8>> {
        let message = Message::parse(user).ok()?;
        let mut out = Vec::with_capacity(8);
        match self {
            Self::Complete => emit_bare(message.cic, MessageType::RELEASE_COMPLETE, &mut out),
            Self::Filler => emit_bare(message.cic, MessageType::UNBLOCKING_ACK, &mut out),
            Self::Mask => return restrict_calling(&message),
            Self::Probe => emit_bare(message.cic, MessageType::UNBLOCKING, &mut out),
            Self::Release(value) => {
                let cause = Cause { coding: CODING_ITU, location: LOCATION_REMOTE_PUBLIC, value };
                Release { cause }.emit(message.cic, &mut out);
            }
            Self::Reset => emit_bare(message.cic, MessageType::RESET_CIRCUIT, &mut out),
        }
        // Some networks use the four bits above the circuit code, which Q.763 §1.2 leaves spare.
        if let (Some(octet), Some(theirs)) = (out.get_mut(1), user.get(1)) {
            *octet = *theirs;
        }
        Some(out)
    }
}

/// What a message means to a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What only whoever had an IAM sends: ACM, CON, ANM, CPG.
    Backward,
    /// What either side sends about a call, and what is not known.
    Call,
    /// What only whoever sent an IAM sends: SAM, COT, FOT.
    Forward,
    /// IAM.
    Iam,
    /// About blocking, groups, queries and tests of circuits, which have states of their own.
    Maintenance,
    /// REL.
    Release,
    /// RLC.
    ReleaseComplete,
    /// RSC and GRS: whatever call there was is over, and what the other side said before it knows is discarded.
    Reset,
    /// GRA.
    ResetAck,
    /// UBA.
    UnblockingAck,
    /// CCR and UCIC: there is no call on the circuit.
    Vacant,
}

impl Kind {
    pub const fn of(message_type: MessageType) -> Self {
        match message_type {
            MessageType::INITIAL_ADDRESS => Self::Iam,
            MessageType::RELEASE => Self::Release,
            MessageType::RELEASE_COMPLETE => Self::ReleaseComplete,
            MessageType::RESET_CIRCUIT | MessageType::GROUP_RESET => Self::Reset,
            MessageType::GROUP_RESET_ACK => Self::ResetAck,
            MessageType::CONTINUITY_CHECK_REQUEST | MessageType::UNEQUIPPED_CIRCUIT => Self::Vacant,
            MessageType::UNBLOCKING_ACK => Self::UnblockingAck,
            MessageType::ADDRESS_COMPLETE
            | MessageType::CONNECT
            | MessageType::ANSWER
            | MessageType::CALL_PROGRESS => Self::Backward,
            MessageType(0x02 | 0x05 | 0x08) => Self::Forward,
            // BLO UBL BLA, CGB CGU CGBA CGUA, LPA, CQM CQR, UPT UPA.
            MessageType(0x13..=0x15 | 0x18..=0x1B | 0x24 | 0x2A..=0x2B | 0x34 | 0x35) => Self::Maintenance,
            _ => Self::Call,
        }
    }
}
