//! Messages that go on and answers of ours: what one thread sends. RFC 3261 §16.6, §16.7, §16.11, §8.2.6.
//!
//! In: a message with its side, and for a call what was decided. Out: datagrams at both sockets, and what the decision loop
//! is shown. Must not: ask, or hold anything.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::adapter::batch::Outbox;
use crate::adapter::inline::Tap;
use crate::adapter::proxy::Shared;
use crate::adapter::proxy::counts::Kind;
use crate::adapter::proxy::sides::{NoWay, Side};
use crate::base::frame::{Envelope, Transport};
use crate::base::map::keyed_hash;
use crate::clock;
use crate::inline::sip::phrase;
use crate::judge::Treatment;
use crate::wire::sip::address::Address;
use crate::wire::sip::forward::{Branch, Forward, Stopped, backward, forward, top_via};
use crate::wire::sip::place::{response_address, via_address};
use crate::wire::sip::respond::{Response, destination, reason, respond, to_tag, transaction};
use crate::wire::sip::{Message, Method};

/// A message that came.
#[derive(Clone, Copy)]
pub(super) struct Received<'a> {
    pub side: Side,
    pub source: SocketAddr,
    pub bytes: &'a [u8],
    pub message: &'a Message<'a>,
}

impl<'a> Received<'a> {
    /// The tag of To: the message belongs to a dialog, or acknowledges a refusal.
    pub fn to_tag(self) -> Option<&'a [u8]> {
        self.message.head.to.and_then(Address::parse).and_then(|to| to.tag())
    }
}

/// Why a request is answered instead of passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    pub phrase: &'static str,
    pub kind: Kind,
}

impl Refusal {
    pub const STRANGER: Self = Self { status: 403, phrase: "Forbidden", kind: Kind::Stranger };
    pub const MALFORMED: Self = Self { status: 400, phrase: "Bad Request", kind: Kind::Malformed };
    const FOREIGN: Self = Self { status: 403, phrase: "Forbidden", kind: Kind::Foreign };
    const LOOP: Self = Self { status: 482, phrase: "Loop Detected", kind: Kind::Loop };
    const TOO_MANY_HOPS: Self = Self { status: 483, phrase: "Too Many Hops", kind: Kind::TooManyHops };
    const UNROUTABLE: Self = Self { status: 404, phrase: "Not Found", kind: Kind::Unroutable };
}

impl From<Stopped> for Refusal {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Cut | Stopped::NoVia => Self::MALFORMED,
            Stopped::TooManyHops => Self::TOO_MANY_HOPS,
        }
    }
}

/// What a thread sends, and shows to the loop.
pub(super) struct Post {
    shared: Arc<Shared>,
    carriers: Outbox,
    core: Outbox,
    tap: Box<dyn Tap>,
    /// A message on its way through, and before that without its number.
    out: Vec<u8>,
    masked: Vec<u8>,
}

impl Post {
    pub fn new(shared: Arc<Shared>, tap: Box<dyn Tap>) -> Self {
        Self {
            shared,
            carriers: Outbox::new(),
            core: Outbox::new(),
            tap,
            out: Vec::new(),
            masked: Vec::new(),
        }
    }

    /// Sends what was written so far.
    pub fn flush(&mut self) {
        let Shared { counts, sockets: [carriers, core], .. } = &*self.shared;
        let unsent = self.carriers.send(carriers) + self.core.send(core);
        counts.add(Kind::Unsent, unsent as u64);
    }

    /// Where a request that may pass goes.
    pub fn way(&self, received: &Received<'_>) -> Result<SocketAddr, Refusal> {
        let Shared { sides, options, .. } = &*self.shared;
        let local = sides.at(received.side).local;
        if Branch::of(options.seed, received.message, local).is_loop(received.bytes, &sides.own) {
            return Err(Refusal::LOOP);
        }
        sides.way(received.side, received.message, received.bytes).map_err(|no_way| match no_way {
            NoWay::Foreign => Refusal::FOREIGN,
            NoWay::Unroutable => Refusal::UNROUTABLE,
        })
    }

    /// Passes a request on, or answers why not.
    pub fn pass(&mut self, received: &Received<'_>, treatment: &Treatment) {
        let passed = self.way(received).and_then(|to| self.pass_to(to, received, treatment));
        if let Err(refusal) = passed {
            self.refuse(received, refusal);
        }
    }

    fn pass_to(
        &mut self,
        to: SocketAddr,
        received: &Received<'_>,
        treatment: &Treatment,
    ) -> Result<(), Refusal> {
        let Received { side, source, bytes, message } = *received;
        let shared = Arc::clone(&self.shared);
        let (sides, options) = (&shared.sides, &shared.options);
        if *treatment == Treatment::Mask && shared.masks.insert(message) {
            shared.counts.count(Kind::MaskedEvicted);
        }
        let is_masked = self.mask(received);
        let recorded = sides.recorded(side.other());
        let begins_dialog = matches!(message.method, Method::Invite | Method::Refer | Method::Subscribe);
        let is_recorded = begins_dialog && (options.record_route || is_masked);
        let price = options.monetise_header.as_ref().filter(|_| *treatment == Treatment::Monetise);
        let how = Forward {
            source,
            sent_by: sides.at(side.other()).local,
            branch: Branch::of(options.seed, message, sides.at(side).local),
            own: &sides.own,
            record_route: if is_recorded { &recorded } else { &[] },
            extra: price.map(|(name, value)| (name.as_str(), value.as_str())),
        };
        self.out.clear();
        forward(if is_masked { &self.masked } else { bytes }, &how, &mut self.out)?;
        shared.counts.count(Kind::Request);
        self.send(received, to);
        Ok(())
    }

    /// Passes a response on, which must be one to what we sent.
    pub fn pass_back(&mut self, received: &Received<'_>, status: u16) {
        let Received { side, source, bytes, message } = *received;
        let shared = Arc::clone(&self.shared);
        let (here, there) = (shared.sides.at(side), shared.sides.at(side.other()));
        let Some(via) = top_via(message).filter(|via| via_address(via) == Some(here.local)) else {
            return shared.counts.count(Kind::NotOurs);
        };
        if here.hops.take(status, via, source) {
            return shared.counts.count(Kind::Probed);
        }
        if Branch::transaction_of(via).is_none() {
            return shared.counts.count(Kind::NotOurs);
        }
        let is_masked = self.mask(received);
        self.out.clear();
        let next = backward(if is_masked { &self.masked } else { bytes }, &mut self.out);
        let Some(to) = next.and_then(response_address) else { return shared.counts.count(Kind::Malformed) };
        if !there.holds(to) {
            return shared.counts.count(Kind::Foreign);
        }
        shared.counts.count(Kind::Response);
        self.send(received, to);
    }

    /// Writes the message to `masked` as the other side is to see it, when it belongs to a call without its number.
    fn mask(&mut self, received: &Received<'_>) -> bool {
        self.masked.clear();
        let done = self.shared.masks.rewrite(received.bytes, received.message, &mut self.masked);
        match done {
            Some(true) => self.shared.counts.count(Kind::Masked),
            Some(false) => self.shared.counts.count(Kind::NotMasked),
            None => {}
        }
        done == Some(true)
    }

    /// Sends what is in `out` to the other side, and shows the loop how it looks on that of the carriers.
    fn send(&mut self, received: &Received<'_>, to: SocketAddr) {
        let shared = Arc::clone(&self.shared);
        let carriers = shared.sides.at(Side::Carriers).local;
        let out = std::mem::take(&mut self.out);
        match received.side {
            Side::Carriers => self.see((received.source, carriers), received.bytes),
            Side::Core => self.see((carriers, to), &out),
        }
        self.put(received.side.other(), to, |outbox| outbox.extend_from_slice(&out));
        self.out = out;
    }

    /// Shows the loop a message from `src` to `dst`.
    fn see(&mut self, (src, dst): (SocketAddr, SocketAddr), bytes: &[u8]) {
        self.tap.see(clock::now(), Envelope::Sip { src, dst, transport: Transport::Udp }, bytes);
    }

    /// Answers a request instead of passing it on.
    pub fn refuse(&mut self, received: &Received<'_>, refusal: Refusal) {
        self.shared.counts.count(refusal.kind);
        self.say(received, (refusal.status, refusal.phrase), None);
    }

    /// What a call is told that is refused or sent elsewhere.
    pub fn turn_away(&mut self, received: &Received<'_>, treatment: &Treatment) {
        match treatment {
            Treatment::Block { sip, q850, reason: words } => {
                let reason = reason(*q850, words);
                self.say(received, (*sip, phrase(*sip)), Some(("Reason", &reason)));
            }
            Treatment::Divert { target } => {
                let contact = format!("<{target}>");
                self.say(received, (302, "Moved Temporarily"), Some(("Contact", &contact)));
            }
            Treatment::Allow | Treatment::Mask | Treatment::Monetise => self.pass(received, treatment),
        }
    }

    /// A CANCEL of an INVITE that is held: the call ends here, and the loop sees it end.
    pub fn cancel(&mut self, invite: &Received<'_>, cancel: &Received<'_>) {
        let here = self.shared.sides.at(Side::Carriers).local;
        self.see((invite.source, here), invite.bytes);
        self.see((cancel.source, here), cancel.bytes);
        self.say(cancel, (200, "OK"), None);
        self.say(invite, (487, "Request Terminated"), None);
        let out = std::mem::take(&mut self.out);
        self.see((here, invite.source), &out);
        self.out = out;
    }

    /// Sends a response of ours, the same for the same request; nothing to an ACK (RFC 3261 §17.1.1.3).
    pub fn say(&mut self, to: &Received<'_>, (status, phrase): (u16, &str), extra: Option<(&str, &str)>) {
        self.out.clear();
        if to.message.method == Method::Ack {
            return;
        }
        let tag = to_tag(transaction(self.shared.options.seed, to.message));
        let response =
            Response { status, phrase, to_tag: Some(&tag), source: Some(to.source), extra: extra.as_slice() };
        self.put_response(to.side, destination(to.message, to.source), (to.bytes, &response));
    }

    /// Answers what could not be read, if it holds what an answer needs.
    pub fn say_malformed(&mut self, (side, source): (Side, SocketAddr), bytes: &[u8]) {
        let Refusal { status, phrase, kind } = Refusal::MALFORMED;
        self.shared.counts.count(kind);
        if bytes.starts_with(b"ACK ")
            || bytes.get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"SIP/"))
        {
            return;
        }
        let tag = to_tag(keyed_hash(self.shared.options.seed, bytes));
        let response = Response { status, phrase, to_tag: Some(&tag), source: Some(source), extra: &[] };
        self.out.clear();
        self.put_response(side, source, (bytes, &response));
    }

    fn put_response(&mut self, side: Side, to: SocketAddr, (request, response): (&[u8], &Response<'_>)) {
        let mut out = std::mem::take(&mut self.out);
        if respond(request, response, &mut out) {
            self.put(side, to, |outbox| outbox.extend_from_slice(&out));
        }
        self.out = out;
    }

    /// Sends a message on this side.
    pub fn put(&mut self, side: Side, to: SocketAddr, write: impl FnOnce(&mut Vec<u8>)) {
        let is_full = |post: &mut Self| post.outbox(side).is_full();
        if is_full(self) {
            self.flush();
        }
        self.outbox(side).add(to, write);
    }

    const fn outbox(&mut self, side: Side) -> &mut Outbox {
        match side {
            Side::Carriers => &mut self.carriers,
            Side::Core => &mut self.core,
        }
    }
}
