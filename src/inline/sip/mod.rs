//! SIP over UDP in the path: an INVITE that is refused goes no further and is answered in the switch's name; one whose
//! caller is to be hidden goes on without its number. RFC 3261 §9.2, §17.1.1.3, §17.2.1; RFC 3326 (Reason).
//!
//! A packet is one message. Refused: the response is made of the INVITE's own lines, so that every retransmission gets the
//! same octets; its To tag is a keyed hash of the transaction, by which the ACK is known and kept away without a table. What
//! was decided about a transaction is remembered for 32 s (64·T1, as long as it may be sent again), so that its
//! retransmissions and its CANCEL meet the same treatment even when the first answer was late. `mask.rs` says how a caller is
//! hidden.
//!
//! Fragments pass, as does what cannot be read: counted. SIP over TCP does not come here. An emergency call passes at once.

pub mod mask;

use std::sync::Arc;
use std::time::Duration;

use crate::base::frame::{Envelope, Transport};
use crate::base::map::{Seed, keyed_hash};
use crate::base::network::Network;
use crate::base::time::At;
use crate::inline::recent::Recent;
use crate::inline::sip::mask::Masked;
use crate::inline::udp::{Datagram, Seen, forge, replace};
use crate::inline::{Answered, Look, PacketJudge, Question, Ruling, Work};
use crate::judge::Treatment;
use crate::signal::sip::is_emergency;
use crate::wire::sip::address::Address;
use crate::wire::sip::respond::{Response, destination, reason, respond, to_tag, transaction};
use crate::wire::sip::start::Start;
use crate::wire::sip::{Message, Method};

/// How SIP is handled in the path, and limits of what is remembered.
#[derive(Clone, Copy, Debug)]
pub struct SipOptions {
    /// Most transactions whose treatment is remembered; one that is forgotten too early is asked about again.
    pub decided_max: usize,
    /// How long: as long as an INVITE may be sent again (RFC 3261 §17.1.1.2, timer B).
    pub decided_span: Duration,
    /// Most calls whose caller is hidden; the oldest goes, and its later messages pass as they are.
    pub masked_max: usize,
    /// The longest that the caller of a call stays hidden.
    pub masked_span: Duration,
    /// Longest From and Contact that are kept to be brought back, in octets.
    pub identity_max: usize,
    /// Leaves P-Asserted-Identity to a switch of the same trust domain (RFC 3325 §2.4), which honours `Privacy: id`.
    pub keep_asserted: bool,
    /// Longest IPv6 packet that may be made of a shorter one, in octets.
    pub mtu: usize,
    /// Seed of keyed hashes. Instances that share a link share it, so that one knows what another answered.
    pub seed: Seed,
}

impl Default for SipOptions {
    fn default() -> Self {
        Self {
            decided_max: 262_144,
            decided_span: Duration::from_secs(32),
            masked_max: 100_000,
            masked_span: Duration::from_secs(4 * 3_600),
            identity_max: 512,
            keep_asserted: false,
            mtu: 1_500,
            seed: Seed::default(),
        }
    }
}

/// What was done, and what passed for want of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SipCounts {
    /// ACKs and CANCELs of refused calls, kept away.
    pub absorbed: u64,
    /// INVITEs kept away and answered, retransmissions too.
    pub answered: u64,
    /// Emergency calls that passed unasked.
    pub emergency: u64,
    /// Memories that the oldest had to leave because they were full.
    pub evicted: u64,
    /// Fragments of datagrams, which passed.
    pub fragments: u64,
    /// Messages of masked calls that were rewritten.
    pub masked: u64,
    /// Messages that should have been answered or rewritten and could not be; they passed.
    pub not_carried_out: u64,
    /// Datagrams that are no SIP message; they passed. Keep-alives of white space and NULs are none of them.
    pub not_understood: u64,
    /// INVITEs seen before.
    pub retransmissions: u64,
}

/// Judges packets of SIP over UDP.
#[derive(Debug)]
pub struct SipJudge {
    options: SipOptions,
    network: Arc<Network>,
    decided: Recent<Treatment>,
    masked: Recent<Masked>,
    counts: SipCounts,
    /// The message being written.
    message: Vec<u8>,
}

/// A packet with its message.
#[derive(Clone, Copy)]
struct Sip<'a> {
    packet: &'a [u8],
    datagram: Datagram<'a>,
    message: &'a Message<'a>,
}

impl PacketJudge for SipJudge {
    fn name(&self) -> &'static str {
        "sip"
    }

    fn look(&mut self, at: At, packet: &[u8], work: &mut Work) -> Look {
        let datagram = match Seen::of(packet) {
            Seen::Datagram(datagram) => datagram,
            Seen::Fragment => {
                self.counts.fragments = self.counts.fragments.saturating_add(1);
                return Look::Done(Ruling::Accept);
            }
            Seen::Other => return Look::NotMine,
        };
        // Keep-alives (RFC 5626 §3.5.1, and NULs as some send them).
        if datagram.payload.iter().all(|octet| matches!(octet, b'\r' | b'\n' | b' ' | 0)) {
            return Look::Done(Ruling::Accept);
        }
        let Ok(message) = Message::parse(datagram.payload) else {
            self.counts.not_understood = self.counts.not_understood.saturating_add(1);
            return Look::Done(Ruling::Accept);
        };
        let sip = Sip { packet, datagram, message: &message };
        match message.start {
            Start::Request { method: Method::Invite, uri, .. } if to_tag_of(&message).is_none() => {
                self.invite(at, sip, uri, work)
            }
            Start::Request { method, .. } => Look::Done(self.request(at, sip, method, work)),
            Start::Response { .. } => Look::Done(self.pass_on(at, sip, work)),
        }
    }

    fn rule(&mut self, at: At, packet: &[u8], answers: &[Answered], work: &mut Work) -> Ruling {
        let (Seen::Datagram(datagram), Some(Answered { treatment, .. })) =
            (Seen::of(packet), answers.first())
        else {
            return Ruling::Accept;
        };
        let Ok(message) = Message::parse(datagram.payload) else { return Ruling::Accept };
        let transaction = transaction(self.options.seed, &message);
        self.count_eviction(|judge| judge.decided.insert(at, transaction, treatment.clone()));
        self.carry_out(at, Sip { packet, datagram, message: &message }, treatment, work)
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        let counts = &self.counts;
        vec![
            ("absorbed", counts.absorbed),
            ("answered", counts.answered),
            ("emergency", counts.emergency),
            ("evicted", counts.evicted),
            ("fragments", counts.fragments),
            ("masked", counts.masked),
            ("not_carried_out", counts.not_carried_out),
            ("not_understood", counts.not_understood),
            ("retransmissions", counts.retransmissions),
        ]
    }
}

impl SipJudge {
    /// Remembers nothing yet.
    #[must_use]
    pub fn new(network: Arc<Network>, options: SipOptions) -> Self {
        Self {
            options,
            network,
            decided: Recent::new(options.seed, options.decided_span, options.decided_max),
            masked: Recent::new(options.seed, options.masked_span, options.masked_max),
            counts: SipCounts::default(),
            message: Vec::new(),
        }
    }

    fn invite(&mut self, at: At, sip: Sip<'_>, target: &[u8], work: &mut Work) -> Look {
        if is_emergency(target, &self.network) {
            self.counts.emergency = self.counts.emergency.saturating_add(1);
            work.see(&sip.datagram);
            return Look::Done(Ruling::Accept);
        }
        let key = transaction(self.options.seed, sip.message);
        if let Some(treatment) = self.decided.get(at, key).cloned() {
            self.counts.retransmissions = self.counts.retransmissions.saturating_add(1);
            work.see(&sip.datagram);
            return Look::Done(self.carry_out(at, sip, &treatment, work));
        }
        let message = Box::from(sip.datagram.payload);
        work.questions.push(Question { key, envelope: envelope(&sip.datagram), message });
        Look::Held
    }

    fn request(&mut self, at: At, sip: Sip<'_>, method: Method, work: &mut Work) -> Ruling {
        let transaction = transaction(self.options.seed, sip.message);
        let is_ours = match method {
            Method::Ack => to_tag_of(sip.message) == Some(to_tag(transaction).as_bytes()),
            Method::Cancel => self.decided.get(at, transaction).is_some_and(is_refusal),
            _ => false,
        };
        if !is_ours {
            return self.pass_on(at, sip, work);
        }
        work.see(&sip.datagram);
        // The INVITE has its final response: the CANCEL changes nothing, and is answered all the same (RFC 3261 §9.2).
        let response = Response { status: 200, phrase: "OK", ..Response::default() };
        if method == Method::Cancel && !self.answer(sip, transaction, response, work) {
            return Ruling::Accept;
        }
        self.counts.absorbed = self.counts.absorbed.saturating_add(1);
        Ruling::Drop
    }

    fn carry_out(&mut self, at: At, sip: Sip<'_>, treatment: &Treatment, work: &mut Work) -> Ruling {
        let transaction = transaction(self.options.seed, sip.message);
        let is_answered = match treatment {
            Treatment::Allow | Treatment::Monetise => return Ruling::Accept,
            Treatment::Mask => {
                let masked = Masked::of(sip.message, self.options.identity_max);
                let key = keyed_hash(self.options.seed, sip.message.call_id);
                self.count_eviction(|judge| judge.masked.insert(at, key, masked));
                return self.rewrite(at, sip, work);
            }
            Treatment::Block { sip: status, q850, reason: words } => {
                let reason = reason(*q850, words);
                let extra = [("Reason", reason.as_str())];
                let response = Response {
                    status: *status,
                    phrase: phrase(*status),
                    extra: &extra,
                    ..Response::default()
                };
                self.answer(sip, transaction, response, work)
            }
            Treatment::Divert { target } => {
                let contact = format!("<{target}>");
                let extra = [("Contact", contact.as_str())];
                let phrase = "Moved Temporarily";
                self.answer(
                    sip,
                    transaction,
                    Response { status: 302, phrase, extra: &extra, ..Response::default() },
                    work,
                )
            }
        };
        if !is_answered {
            return Ruling::Accept;
        }
        self.counts.answered = self.counts.answered.saturating_add(1);
        Ruling::Drop
    }

    /// Forges the switch's response; whether it could, counted when not.
    fn answer(&mut self, sip: Sip<'_>, transaction: u64, response: Response<'_>, work: &mut Work) -> bool {
        let (tag, source) = (to_tag(transaction), sip.datagram.src);
        let response = Response { to_tag: Some(&tag), source: Some(source), ..response };
        self.message.clear();
        let (from, to) = (sip.datagram.dst, destination(sip.message, source));
        let mut packet = Vec::new();
        if !respond(sip.datagram.payload, &response, &mut self.message)
            || !forge(from, to, &self.message, &mut packet)
        {
            self.counts.not_carried_out = self.counts.not_carried_out.saturating_add(1);
            return false;
        }
        work.forged.push(packet);
        let envelope = Envelope::Sip { src: from, dst: to, transport: Transport::Udp };
        work.seen.push((envelope, Box::from(&*self.message)));
        true
    }

    /// Not to be decided about: goes on, rewritten when it belongs to a masked call.
    fn pass_on(&mut self, at: At, sip: Sip<'_>, work: &mut Work) -> Ruling {
        work.see(&sip.datagram);
        if self.masked.is_empty() { Ruling::Accept } else { self.rewrite(at, sip, work) }
    }

    fn rewrite(&mut self, at: At, sip: Sip<'_>, work: &mut Work) -> Ruling {
        let key = keyed_hash(self.options.seed, sip.message.call_id);
        let Some(masked) = self.masked.get(at, key) else { return Ruling::Accept };
        self.message.clear();
        let (bytes, keep_asserted) = (sip.datagram.payload, self.options.keep_asserted);
        if masked.rewrite(bytes, sip.message, keep_asserted, &mut self.message)
            && replace(sip.packet, &sip.datagram, &self.message, self.options.mtu, &mut work.packet)
        {
            self.counts.masked = self.counts.masked.saturating_add(1);
            return Ruling::Replace;
        }
        self.counts.not_carried_out = self.counts.not_carried_out.saturating_add(1);
        Ruling::Accept
    }

    fn count_eviction(&mut self, insert: impl FnOnce(&mut Self) -> bool) {
        if insert(self) {
            self.counts.evicted = self.counts.evicted.saturating_add(1);
        }
    }
}

impl Work {
    fn see(&mut self, datagram: &Datagram<'_>) {
        self.seen.push((envelope(datagram), Box::from(datagram.payload)));
    }
}

const fn envelope(datagram: &Datagram<'_>) -> Envelope {
    Envelope::Sip { src: datagram.src, dst: datagram.dst, transport: Transport::Udp }
}

const fn is_refusal(treatment: &Treatment) -> bool {
    matches!(treatment, Treatment::Block { .. } | Treatment::Divert { .. })
}

fn to_tag_of<'a>(message: &Message<'a>) -> Option<&'a [u8]> {
    message.head.to.and_then(Address::parse).and_then(|to| to.tag())
}

/// Reason phrases of refusals (RFC 3261 §21.4, §21.6; RFC 8197, RFC 8688).
#[must_use]
pub const fn phrase(status: u16) -> &'static str {
    match status {
        403 => "Forbidden",
        404 => "Not Found",
        410 => "Gone",
        480 => "Temporarily Unavailable",
        484 => "Address Incomplete",
        486 => "Busy Here",
        488 => "Not Acceptable Here",
        600 => "Busy Everywhere",
        603 => "Decline",
        604 => "Does Not Exist Anywhere",
        606 => "Not Acceptable",
        607 => "Unwanted",
        _ => "Rejected",
    }
}

#[cfg(test)]
mod tests;
