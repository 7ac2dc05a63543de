//! A message → a [`Signal`]: what it says about a call, in the same shape for SIP and ISUP. No heap, no state.
//!
//! In: a [`Pdu`]. Out: zero or one signal, or the fault that kept it from being one.
//! Must not: know whether the call exists.

mod claims;
mod equipment;
pub mod isup;
pub mod plain;
pub mod signed;
pub mod sip;

use std::hash::BuildHasher;
use std::net::SocketAddr;

pub use claims::{Attestation, Category, Claims, Correlation, TrunkGroup, Verstat};

use crate::base::fault::Faults;
use crate::base::frame::{Envelope, Mtp, Pdu, RoutingLabel, UserPart};
use crate::base::map::{Seed, keyed_hash};
use crate::base::network::Network;
use crate::base::number::{Number, Party, Raw};
use crate::base::numbering::Nature;
use crate::base::route::{Direction, NumberFormat, RouteId};
use crate::base::time::At;
use crate::wire::DecodeError;
use crate::wire::isup::MessageType;
use crate::wire::sip::Method;

/// Which call leg a signal belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leg<'a> {
    /// The Call-ID.
    Sip(&'a [u8]),
    /// The circuit.
    Isup(Circuit),
}

impl Leg<'_> {
    /// Keyed hash: chooses the shard, and the place in its table of calls.
    #[must_use]
    pub fn hash(&self, seed: Seed) -> u64 {
        match self {
            Self::Sip(call_id) => keyed_hash(seed, call_id),
            Self::Isup(circuit) => seed.hash_one(circuit),
        }
    }
}

/// A circuit between two exchanges, the same for both directions (Q.763 §1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Circuit {
    /// Whose point codes these are.
    pub standard: Mtp,
    /// Network indicator.
    pub network_indicator: u8,
    /// ISUP or BICC: each counts its circuits for itself.
    pub part: UserPart,
    /// The smaller of the two point codes.
    pub low: u32,
    /// The larger of the two.
    pub high: u32,
    /// Circuit identification code, or call instance code of BICC.
    pub cic: u32,
}

impl Circuit {
    /// The circuit that a message with this label and CIC is about.
    #[must_use]
    pub fn new(label: RoutingLabel, part: UserPart, cic: u32) -> Self {
        let (low, high) = (label.opc.min(label.dpc), label.opc.max(label.dpc));
        let RoutingLabel { standard, network_indicator, .. } = label;
        Self { standard, network_indicator, part, low, high, cic }
    }
}

/// What a call setup says about the call, beyond its leg.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    /// Route the call belongs to.
    pub route: RouteId,
    /// Into or out of the operator's network.
    pub direction: Direction,
    /// SIP: P-Asserted-Identity when it holds a number, else Remote-Party-ID, else From. ISUP: calling party number.
    pub calling: Party,
    /// SIP: Request-URI. ISUP: called party number.
    pub called: Party,
    /// Last diverting number: SIP Diversion or History-Info; ISUP redirecting number. `None` when not diverted.
    pub diverting: Option<Party>,
    /// How digits that come later are read on to the called number; `None` when it is whole, as one in SIP is.
    pub overlap: Option<Overlap>,
    /// What it says beside its numbers.
    pub claims: Claims,
    /// What names the same call on its other legs.
    pub correlation: Correlation,
    /// Fingerprint of the equipment that sent the setup: a fixed hash of what it chose to write and how, apart from
    /// what the call is about. SIP: User-Agent, order of the headers, shape of Contact and Via, origin, session name and
    /// codecs of the SDP. ISUP: which optional parameters, and the fixed ones. 0: not known.
    pub equipment: u32,
}

/// What the digits of a called number say of themselves, for when more of them come (Q.764 §2.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Nature of address.
    pub nature: Nature,
    /// How the route writes numbers.
    pub format: NumberFormat,
}

/// What comes after a setup and belongs to it.
#[derive(Clone, Debug, Default)]
pub struct More {
    /// Further digits of the called number; empty when there are none.
    pub digits: Raw,
    /// These are the last.
    pub is_last: bool,
    /// The number to be shown for the calling one.
    pub shown: Option<Number>,
}

/// What a signal says.
#[derive(Clone, Debug)]
pub enum What {
    /// INVITE outside a dialog; IAM.
    Setup(Setup),
    /// ISUP SAM: more digits of the called number; SGM: optional parameters that did not fit into the IAM.
    More(More),
    /// The other side works on it: SIP 100, 181–183 and others; ISUP ACM or CPG without alerting.
    Progress,
    /// The called side is alerted: SIP 180 (183 by the route's hint, see [`Signal::progress_183`]); ISUP ACM with
    /// "subscriber free" or CPG "alerting".
    Alert,
    /// SIP 2xx to INVITE; ISUP ANM or CON.
    Answer,
    /// SIP CANCEL.
    Cancel,
    /// INVITE within a dialog, by its To tag (RFC 3261 §14): changes nothing.
    Reinvite,
    /// SIP final response 300–699 to INVITE; the status is in [`Signal::sip_status`].
    Refuse,
    /// SIP BYE; ISUP REL.
    Release,
    /// ISUP RLC: the circuit is idle again.
    ReleaseComplete,
    /// ISUP RSC: this circuit is reset.
    Reset,
    /// ISUP GRS: the circuits from this one on, `count` of them (1 to 32), are reset.
    GroupReset {
        /// How many circuits (Q.763 §3.43: range + 1).
        count: u16,
    },
    /// Part of a call, changes nothing: ACK, PRACK, UPDATE, their responses; SUS, RES and others.
    Other,
}

/// What a message says about a call.
#[derive(Clone, Debug)]
pub struct Signal<'a> {
    /// Packet time.
    pub at: At,
    /// The PDU's number.
    pub seq: u64,
    /// The call leg.
    pub leg: Leg<'a>,
    /// What it says.
    pub what: What,
    /// ISUP: originating point code. SIP: keyed 32-bit hash of the From tag. Tells one side of the call from the other
    /// (a BYE's From tag is the tag of whoever hangs up).
    pub sender: u32,
    /// SIP response to an INVITE, and BYE: keyed 32-bit hash of the To tag; with `sender` it names the dialog (RFC 3261
    /// §12). 0: there is none, or the message is another.
    pub receiver: u32,
    /// From where to where it went, where that is known and tells anything: for SIP.
    pub between: Option<(SocketAddr, SocketAddr)>,
    /// SIP: CSeq number. ISUP: 0.
    pub cseq: u32,
    /// SIP: keyed 32-bit hash of the top Via's branch: the same in an INVITE, its retransmissions, its CANCEL and the
    /// responses to it (RFC 3261 §9.1, §17.1.3), another in each fork. ISUP: 0.
    pub branch: u32,
    /// SIP: status of a response.
    pub sip_status: Option<u16>,
    /// SIP 183: alerting if the call's route says so.
    pub progress_183: bool,
    /// Q.850 cause: ISUP cause indicators, or SIP `Reason: Q.850;cause=` (RFC 3326), else those of an ISUP REL in the body.
    pub q850_cause: Option<u8>,
    /// ISUP: location of the cause (Q.850 §2.2.3): 0 is the user.
    pub cause_location: Option<u8>,
    /// SIP setup with an Identity header (RFC 8224 §4): the message up to its empty line, for what a signature is about stands in
    /// several headers; 16,384 octets of it at most. Empty for all else.
    pub identity: &'a [u8],
}

/// What decoding needs to know of the network.
#[derive(Debug)]
pub struct Context {
    /// Routes and home plan.
    pub network: std::sync::Arc<Network>,
    /// Seed of keyed hashes.
    pub seed: Seed,
}

/// Counts of messages by what they are: SIP methods and status classes, ISUP message types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// By `wire::sip::Method as usize`, requests.
    pub sip_requests: [u64; 16],
    /// Responses by hundreds: index 1 is 1xx, 6 is 6xx.
    pub sip_responses: [u64; 7],
    /// By ISUP message type code (Q.763 table 4).
    pub isup: Vec<u64>,
    /// What could not be decoded.
    pub faults: Faults,
}

impl Counts {
    /// Protocol, kind and count of the messages that occurred.
    pub fn by_kind(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        const CLASSES: [&str; 7] = ["0xx", "1xx", "2xx", "3xx", "4xx", "5xx", "6xx"];
        let requests =
            Method::NAMES.into_iter().zip(self.sip_requests).map(|(name, count)| ("sip", name, count));
        let responses = CLASSES.into_iter().zip(self.sip_responses).map(|(name, count)| ("sip", name, count));
        let isup = (0..=u8::MAX)
            .zip(&self.isup)
            .map(|(code, count)| ("isup", MessageType(code).name().unwrap_or("other"), *count));
        requests.chain(responses).chain(isup).filter(|(_, _, count)| *count > 0)
    }

    /// Adds another's counts to these.
    pub fn merge(&mut self, other: &Self) {
        let add =
            |own: &mut [u64], more: &[u64]| own.iter_mut().zip(more).for_each(|(own, more)| *own += more);
        add(&mut self.sip_requests, &other.sip_requests);
        add(&mut self.sip_responses, &other.sip_responses);
        self.isup.resize(self.isup.len().max(other.isup.len()), 0);
        add(&mut self.isup, &other.isup);
        self.faults.merge(&other.faults);
    }
}

/// Decodes one PDU.
///
/// # Errors
/// The fault that makes it unusable as a signal; the caller counts it. Faults that leave it usable are counted in
/// `counts.faults` here.
pub fn decode<'a>(
    pdu: &Pdu<'a>,
    context: &Context,
    counts: &mut Counts,
) -> Result<Option<Signal<'a>>, DecodeError> {
    match pdu.envelope {
        Envelope::Sip { src, dst, .. } => sip::decode(pdu, (src, dst), context, counts),
        Envelope::Isup { label, part } => isup::decode(pdu, label, part, context, counts),
    }
}

/// Which shard a PDU goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The shard that owns legs with this hash.
    Leg(u64),
    /// Every shard: it is about a group of circuits.
    All,
    /// Any one shard: it has no leg, and is only counted.
    None,
}

/// Finds the shard key without a full parse; always the same for all PDUs of a leg.
#[must_use]
pub fn key(pdu: &Pdu<'_>, seed: Seed) -> Key {
    match pdu.envelope {
        Envelope::Sip { .. } => match crate::wire::sip::find_call_id(pdu.bytes) {
            Some(call_id) => Key::Leg(keyed_hash(seed, call_id)),
            None => Key::None,
        },
        Envelope::Isup { label, part } => isup::key(label, part, pdu.bytes, seed),
    }
}
