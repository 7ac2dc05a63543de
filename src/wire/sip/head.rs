//! Headers: one pass over the lines of a head that keeps slices of the headers a firewall asks about. RFC 3261 §7.3,
//! §20 (compact forms in §7.3.3).

use arrayvec::ArrayVec;

use crate::base::fault::Kind;
use crate::base::fingerprint::Fingerprint;
use crate::wire::sip::lines::{LINE_MAX, Lines};
use crate::wire::sip::name::Name;
use crate::wire::sip::near::near;
use crate::wire::sip::value::hides_caller;
use crate::wire::sip::{Faults, note};

/// P-Asserted-Identity header lines kept (RFC 3325 §9.1: at most two values).
const ASSERTED_MAX: usize = 2;
/// Diversion header lines kept.
const DIVERSION_MAX: usize = 8;
/// History-Info header lines kept, the first and the last ones.
const HISTORY_MAX: usize = 8;
/// Reason header lines kept, the first ones.
const REASON_MAX: usize = 4;
/// Remote-Party-ID header lines kept, the first ones: one for the caller, one for the called.
const REMOTE_PARTY_MAX: usize = 2;

/// Header values as sent, trimmed of white space. Of a header that may stand once only, the first.
#[derive(Clone, Debug, Default)]
pub struct Head<'a> {
    /// The first Via line; its first value is the topmost.
    pub via: Option<&'a [u8]>,
    /// From.
    pub from: Option<&'a [u8]>,
    /// To.
    pub to: Option<&'a [u8]>,
    /// Call-ID.
    pub call_id: Option<&'a [u8]>,
    /// CSeq.
    pub cseq: Option<&'a [u8]>,
    /// Contact, the first line.
    pub contact: Option<&'a [u8]>,
    /// User-Agent.
    pub user_agent: Option<&'a [u8]>,
    /// Content-Length.
    pub content_length: Option<&'a [u8]>,
    /// Content-Type.
    pub content_type: Option<&'a [u8]>,
    /// Max-Forwards.
    pub max_forwards: Option<&'a [u8]>,
    /// P-Charging-Vector (RFC 7315 §4.6).
    pub charging_vector: Option<&'a [u8]>,
    /// Session-ID (RFC 7989).
    pub session: Option<&'a [u8]>,
    /// The first header by which an element names the call on another leg, such as X-CID.
    pub correlation: Option<&'a [u8]>,
    /// Attestation-Info or P-Attestation-Indicator.
    pub attestation: Option<&'a [u8]>,
    /// Identity lines (RFC 8224 §4), the first two; empty where there is none.
    pub identity: [&'a [u8]; 2],
    /// Remote-Party-ID lines, the first two; each may hold a list.
    pub remote_parties: ArrayVec<&'a [u8], REMOTE_PARTY_MAX>,
    /// P-Asserted-Identity lines (RFC 3325), the first two; each may hold a list.
    pub asserted: ArrayVec<&'a [u8], ASSERTED_MAX>,
    /// Diversion lines (RFC 5806), the first seven and the last; each may hold a list. The first value is the last
    /// diversion.
    pub diversions: ArrayVec<&'a [u8], DIVERSION_MAX>,
    /// History-Info lines (RFC 7044), the first and the last seven; each may hold a list.
    pub history: ArrayVec<&'a [u8], HISTORY_MAX>,
    /// Privacy (RFC 3323): the first line that hides the caller, else the first.
    pub privacy: Option<&'a [u8]>,
    /// Reason lines (RFC 3326), the first four; each may hold a list.
    pub reasons: ArrayVec<&'a [u8], REASON_MAX>,
    /// Names of all headers as written and in their order, of an INVITE: how its sender writes. Headers that come and go with
    /// the call (Diversion, History-Info, Privacy, Reason) are left out.
    pub names: Fingerprint,
    /// Whether a header that may stand once stands twice with different values, who calls is said in more lines than are kept, or a
    /// line is no header: which one counts, and whether what follows is read, is up to the reader.
    pub is_ambiguous: bool,
}

impl<'a> Head<'a> {
    /// Reads the lines after the start line.
    #[inline]
    pub(super) fn read(&mut self, lines: &mut Lines<'a>, is_invite: bool, faults: &mut Faults) {
        while let Some(line) = lines.next() {
            if line.bytes.len() > LINE_MAX {
                note(faults, line.offset, Kind::TooMany);
            }
            let fault = match split_header(line.bytes) {
                Some((name, value)) => {
                    let known = Name::of(name);
                    if is_invite && known.is_none_or(Name::is_of_every_call) {
                        self.names.word(abridged(line.bytes, name.len()));
                    }
                    // Most headers are not kept: their values are not looked at.
                    known.and_then(|known| self.keep(known, value.trim_ascii()).err())
                }
                None => Some(Kind::BadSyntax),
            };
            if let Some(kind) = fault {
                self.is_ambiguous = true;
                note(faults, line.offset, kind);
            }
        }
    }

    #[inline]
    fn keep(&mut self, name: Name, value: &'a [u8]) -> Result<(), Kind> {
        match name {
            Name::Attestation => first(&mut self.attestation, value),
            Name::ChargingVector => first(&mut self.charging_vector, value),
            Name::Contact => first(&mut self.contact, value),
            Name::Correlation => first(&mut self.correlation, value),
            Name::Session => first(&mut self.session, value),
            Name::UserAgent => first(&mut self.user_agent, value),
            Name::CSeq => once(&mut self.cseq, value),
            Name::CallId => once(&mut self.call_id, value),
            Name::ContentLength => once(&mut self.content_length, value),
            Name::ContentType => once(&mut self.content_type, value),
            Name::MaxForwards => once(&mut self.max_forwards, value),
            Name::From => once(&mut self.from, value),
            Name::To => once(&mut self.to, value),
            Name::Via => first(&mut self.via, value),
            Name::Diversion => {
                // The last says who was called first, the first who forwarded last: what is between may go.
                if self.diversions.is_full() {
                    self.diversions.pop();
                }
                self.diversions.push(value);
                Ok(())
            }
            Name::Privacy => {
                // Whoever asks to be hidden is: some proxies add what they ask themselves in a line of its own.
                let is_open = self.privacy.is_some_and(|first| !hides_caller(first));
                self.privacy = self.privacy.filter(|_| !is_open || !hides_caller(value)).or(Some(value));
                Ok(())
            }
            Name::Asserted => all(&mut self.asserted, value),
            Name::RemoteParty => all(&mut self.remote_parties, value),
            Name::Identity => {
                if let Some(slot) = self.identity.iter_mut().find(|slot| slot.is_empty()) {
                    *slot = value;
                }
                Ok(())
            }
            Name::Reason => {
                let _ = self.reasons.try_push(value);
                Ok(())
            }
            Name::History => {
                // The first says who was called first.
                if self.history.is_full() {
                    self.history.remove(1);
                }
                self.history.push(value);
                Ok(())
            }
        }
    }
}

/// A header that may stand once: a second one must say the same.
fn once<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8]) -> Result<(), Kind> {
    match slot {
        Some(first) if *first != value => return Err(Kind::Conflict),
        Some(_) => {}
        None => *slot = Some(value),
    }
    Ok(())
}

/// A header that may stand several times: one more than are kept must say the same as one of them.
fn all<'a, const MAX: usize>(lines: &mut ArrayVec<&'a [u8], MAX>, value: &'a [u8]) -> Result<(), Kind> {
    match lines.try_push(value) {
        Err(_) if !lines.contains(&value) => Err(Kind::TooMany),
        _ => Ok(()),
    }
}

fn first<'a>(slot: &mut Option<&'a [u8]>, value: &'a [u8]) -> Result<(), Kind> {
    slot.get_or_insert(value);
    Ok(())
}

/// Name of a header line, and its value not yet trimmed; `None` without a colon or a name.
#[inline]
pub(super) fn split_header(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let (name, value) = line.split_at_checked(near([b':'], line)?)?;
    let name = name.trim_ascii_end();
    if name.is_empty() {
        return None;
    }
    Some((name, value.get(1..)?))
}

/// Call-ID or its compact form.
#[inline]
pub(super) fn is_call_id(name: &[u8]) -> bool {
    Name::of(name) == Some(Name::CallId)
}

/// Length and first seven octets of the name that a line begins with, as written: no two names in use share them.
#[inline]
fn abridged(line: &[u8], length: usize) -> u64 {
    let start = match line.first_chunk::<8>() {
        Some(start) => u64::from_be_bytes(*start),
        None => line.iter().chain(&[0; 8]).take(8).fold(0, |word, octet| word << 8 | u64::from(*octet)),
    };
    // 1 to 7 octets of it, then the length; a name is never empty.
    let unused = 64_usize.saturating_sub(length.clamp(1, 7).saturating_mul(8)) as u32;
    let kept = start & u64::MAX.checked_shl(unused).unwrap_or_default();
    kept | length as u64 & 0xFF
}
