//! What happened to a call, and everything known of it so far.

use std::fmt;
use std::hash::Hasher;
use std::sync::Arc;
use std::time::Duration;

use siphasher::sip128::{Hasher128, SipHasher24};

use crate::base::number::Party;
use crate::base::route::{Direction, RouteId};
use crate::base::time::At;
use crate::call::hop::Hop;
use crate::call::leg::LegList;
use crate::call::stir::Stir;
use crate::signal::{Claims, Correlation, Setup};

/// Signalling protocol of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Protocol {
    /// RFC 3261.
    Sip,
    /// ITU-T Q.761–Q.764.
    Isup,
}

impl Protocol {
    /// Names in records and rules, in the order of the enum.
    pub const NAMES: [&'static str; 2] = ["sip", "isup"];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// Who ended the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ReleasedBy {
    /// The calling side hung up or gave up.
    Calling,
    /// The called side hung up or rejected.
    Called,
    /// An exchange, proxy or circuit reset ended it.
    Network,
    /// No end was seen; a timer of ours closed it.
    Timeout,
}

impl ReleasedBy {
    /// Names in records and rules, in the order of the enum.
    pub const NAMES: [&'static str; 4] = ["calling", "called", "network", "timeout"];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// What names a call in its own protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallKey {
    /// SIP: the Call-ID, as seen.
    Sip(Arc<[u8]>),
    /// ISUP and BICC: point codes as in the IAM, and circuit; prints as `opc-dpc-cic`.
    Isup {
        /// Originating point code of the IAM.
        opc: u32,
        /// Destination point code of the IAM.
        dpc: u32,
        /// Circuit identification code, or call instance code of BICC.
        cic: u32,
    },
}

impl CallKey {
    /// The protocol it is of.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::Sip(_) => Protocol::Sip,
            Self::Isup { .. } => Protocol::Isup,
        }
    }
}

/// Deterministic identity of a call: a ULID of its setup time in milliseconds and 80 bits of a fixed hash of its
/// key and setup time. Two nodes that see the same call give it the same id. Prints as 26 characters of Crockford's
/// base 32, which sort by time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u128);

impl CallId {
    /// The id of a call with this key, set up at this time.
    #[must_use]
    pub fn new(key: &CallKey, setup_at: At) -> Self {
        let mut hasher = SipHasher24::new();
        match key {
            CallKey::Sip(call_id) => hasher.write(call_id),
            CallKey::Isup { opc, dpc, cic } => {
                hasher.write(&opc.to_be_bytes());
                hasher.write(&dpc.to_be_bytes());
                // Circuits of ISUP, of two octets, are hashed as that: their calls keep their ids.
                match u16::try_from(*cic) {
                    Ok(circuit) => hasher.write(&circuit.to_be_bytes()),
                    Err(_) => hasher.write(&cic.to_be_bytes()),
                }
            }
        }
        hasher.write(&setup_at.nanos().to_be_bytes());
        let hash = hasher.finish128().as_u128();
        let milliseconds = u128::from(setup_at.nanos() / 1_000_000);
        Self(milliseconds << 80 | hash >> 48)
    }

    /// The 26 characters.
    #[must_use]
    pub fn text(self) -> [u8; 26] {
        const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut text = [0; 26];
        // Machine words of 12 characters each, and the 13 bits above them: shifting 128 bits at a time is slow.
        let words = [(self.0 >> 120) as u64, (self.0 >> 60) as u64, self.0 as u64];
        for (index, byte) in text.iter_mut().rev().enumerate() {
            *byte = ALPHABET[(words[2 - index / 12] >> (5 * (index % 12)) & 31) as usize];
        }
        text
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.text()).unwrap_or_default())
    }
}

/// Everything known of a call attempt so far.
#[derive(Clone, Debug)]
pub struct Call {
    /// Deterministic identity.
    pub id: CallId,
    /// Number of the PDU that set it up: unique in a run, orders calls, names the call between call table and judge.
    pub seq: u64,
    /// Name in its own protocol.
    pub key: CallKey,
    /// Route it belongs to.
    pub route: RouteId,
    /// Into or out of the operator's network.
    pub direction: Direction,
    /// From where to where its INVITE went; not known in ISUP.
    pub hop: Hop,
    /// Calling number.
    pub calling: Party,
    /// Called number.
    pub called: Party,
    /// Last diverting number of a forwarded call.
    pub diverting: Option<Party>,
    /// What the setup said of how its numbers came about.
    pub claims: Claims,
    /// What names the call on its other legs.
    pub correlation: Correlation,
    /// Its other legs; none where none was seen.
    pub legs: Option<Box<LegList>>,
    /// Route to somebody else by which another leg of it leaves.
    pub leaves_by: Option<RouteId>,
    /// [`Call::seq`] of what was taken for the call before it was seen where it comes in.
    pub instead_of: Option<u64>,
    /// Fingerprint of the equipment that sent the setup; see [`crate::signal::Setup::equipment`]. 0: not known.
    pub equipment: u32,
    /// Head of a signed setup, for whoever verifies; only with the event that tells of the setup. See
    /// [`crate::signal::Signal::identity`].
    pub identity: Option<Arc<[u8]>>,
    /// What verification said of its signatures.
    pub stir: Stir,
    /// INVITE or IAM.
    pub setup_at: At,
    /// First alerting.
    pub alert_at: Option<At>,
    /// Answer.
    pub answer_at: Option<At>,
    /// End: CANCEL, final response, BYE, REL, or the deadline of the timer that closed it.
    pub end_at: Option<At>,
    /// Who ended it.
    pub released_by: Option<ReleasedBy>,
    /// Final SIP status of the INVITE.
    pub sip_status: Option<u16>,
    /// Q.850 cause of the release.
    pub q850_cause: Option<u8>,
}

impl Call {
    /// The attempt that the PDU `seq` set up at `setup_at`, of which nothing more is known yet.
    #[must_use]
    pub fn new(key: CallKey, seq: u64, setup_at: At, setup: Setup) -> Self {
        Self {
            id: CallId::new(&key, setup_at),
            seq,
            key,
            route: setup.route,
            direction: setup.direction,
            hop: Hop::default(),
            calling: setup.calling,
            called: setup.called,
            diverting: setup.diverting,
            claims: setup.claims,
            correlation: setup.correlation,
            legs: None,
            leaves_by: None,
            instead_of: None,
            equipment: setup.equipment,
            identity: None,
            stir: Stir::default(),
            setup_at,
            alert_at: None,
            answer_at: None,
            end_at: None,
            released_by: None,
            sip_status: None,
            q850_cause: None,
        }
    }

    /// Its protocol.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.key.protocol()
    }

    /// Where it is seen: route and direction.
    #[must_use]
    pub const fn way(&self) -> (RouteId, Direction) {
        (self.route, self.direction)
    }

    /// The same call as it is seen where it leaves; `None` when no leg of it leaves by another way than this.
    #[must_use]
    pub fn on_exit(&self) -> Option<Self> {
        let route = self.leaves_by?;
        Some(Self { route, direction: Direction::Outbound, leaves_by: None, legs: None, ..self.clone() })
    }

    /// From setup to alerting, or to answer when it was answered without alerting.
    #[must_use]
    pub fn setup_time(&self) -> Option<Duration> {
        self.alert_at.or(self.answer_at).map(|at| at.since(self.setup_at))
    }

    /// From alerting to answer, or to the end when it was not answered; known once either happened.
    #[must_use]
    pub fn ring_time(&self) -> Option<Duration> {
        self.answer_at.or(self.end_at).and_then(|end| Some(end.since(self.alert_at?)))
    }

    /// From answer to the end.
    #[must_use]
    pub fn talk_time(&self) -> Option<Duration> {
        Some(self.end_at?.since(self.answer_at?))
    }
}

/// What happened to a call.
#[derive(Clone, Debug)]
pub enum CallEvent {
    /// A new attempt, at INVITE or IAM.
    Setup(Call),
    /// Answered; `call.answer_at` is set.
    Answer(Call),
    /// Ended; the whole call.
    End(Call),
}

impl CallEvent {
    /// The call as it stands after the event.
    #[must_use]
    pub const fn call(&self) -> &Call {
        match self {
            Self::Setup(call) | Self::Answer(call) | Self::End(call) => call,
        }
    }
}

/// Place of an event in the one order that does not depend on shards: by time, what a timer did before what a message
/// did, then by the number of the PDU that said it or armed the timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Time of the message, or deadline of the timer.
    pub at: At,
    /// `false` for a timer.
    pub by_message: bool,
    /// Number of the PDU.
    pub seq: u64,
    /// Of a PDU about several circuits: which of them, from 0.
    pub part: u16,
}

impl Stamp {
    /// Of what the PDU `seq` said at `at`.
    #[must_use]
    pub const fn message(at: At, seq: u64) -> Self {
        Self { at, by_message: true, seq, part: 0 }
    }
}

/// An event and its place in the order.
#[derive(Clone, Debug)]
pub struct Stamped {
    /// The place.
    pub stamp: Stamp,
    /// The event.
    pub event: CallEvent,
}
