//! The PASSporTs of one call: read, held against the call, and then, with their certificates, judged. RFC 8224 §6.2 (steps of a
//! verifier), RFC 8588 §6, RFC 8946 §5 (calls sent on).
//!
//! What needs no certificate is checked first: a PASSporT for another call costs no work with keys.

use std::sync::Arc;
use std::time::Duration;

use crate::base::network::Network;
use crate::base::number::Party;
use crate::base::time::At;
use crate::call::stir::Origid;
use crate::call::{Attestation, Stir, StirReason, StirVerdict};
use crate::signal::signed::Signed;
use crate::stir::{Anchors, Chain, Question};
use crate::wire::passport::number::Canonical;
use crate::wire::passport::{Claims, Header, Identity, Kin, Token, claims};
use crate::wire::sip::address::Uri;

/// Most PASSporTs of one call, those within others included.
pub(super) const PASSPORTS_MAX: usize = 8;
/// How long a telephone may ring until its call is sent on: what was signed before that was signed so long ago.
const SENT_ON_WITHIN: Duration = Duration::from_secs(5 * 60);

/// The certificate at an address, or why there is none.
pub type Found = Result<Arc<Chain>, StirReason>;

/// One PASSporT.
#[derive(Debug)]
struct Passport {
    kin: Kin,
    x5u: String,
    claims: Claims,
    /// What was signed.
    text: Vec<u8>,
    signature: [u8; 64],
}

/// The PASSporTs of one call that are to be verified, each about the call as the one before left it.
#[derive(Debug)]
pub struct Case {
    passports: Vec<Passport>,
    at: At,
    attestation: Option<Attestation>,
    origid: Option<Origid>,
}

impl Case {
    /// Reads the PASSporTs of a setup, and holds them against its numbers.
    ///
    /// # Errors
    /// What is to be said of the call when that is known without certificates.
    pub fn read(question: &Question, network: &Network) -> Result<Self, Stir> {
        let signed = Signed::read(&question.head, (question.route, question.direction), network)
            .ok_or(Stir::unverified(StirReason::TooMany))?;
        let mut case = Self { passports: Vec::new(), at: question.at, attestation: None, origid: None };
        let read = case.collect(&signed).and_then(|()| case.choose()).and_then(|()| case.order());
        read.map_err(|stir| case.claimed(stir))?;
        let fits = fits_caller(&case.first().claims.orig, question, &signed)
            .and_then(|()| case.fits_called(question, &signed));
        fits.map_err(|stir| case.claimed(stir))?;
        Ok(case)
    }

    /// Addresses of the certificates it needs.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        self.passports.iter().map(|passport| passport.x5u.as_str())
    }

    /// Judges it with the certificates that `find` gives. The worst that is true of one of its PASSporTs is true of the call.
    pub fn judge(&self, find: impl Fn(&str) -> Found, (anchors, freshness): (&Anchors, Duration)) -> Stir {
        let of_each =
            self.passports.iter().map(|passport| passport.verify(find(&passport.x5u), self.at, anchors));
        let bad = of_each.filter_map(Result::err).map(verdict_of);
        let worst = bad.min_by_key(|stir| severity(stir.verdict));
        let stir = worst.unwrap_or_else(|| {
            let verdict = if self.is_fresh(freshness) { StirVerdict::Valid } else { StirVerdict::Stale };
            let reason = if verdict == StirVerdict::Stale { StirReason::Stale } else { StirReason::None };
            Stir::new(verdict, reason)
        });
        self.claimed(stir)
    }

    /// With what the first PASSporT claims.
    const fn claimed(&self, stir: Stir) -> Stir {
        Stir { attestation: self.attestation, origid: self.origid, ..stir }
    }

    /// Reads all PASSporTs of kinds that are read.
    fn collect(&mut self, signed: &Signed<'_>) -> Result<(), Stir> {
        if signed.has_more {
            return Err(Stir::unverified(StirReason::TooMany));
        }
        for value in &signed.identities {
            let identity = Identity::parse(value).map_err(|_| Stir::invalid(StirReason::Malformed))?;
            let ppt = identity.ppt.map(String::from_utf8_lossy);
            if Kin::of(ppt.as_deref()) == Kin::Other {
                continue;
            }
            let passport =
                if identity.token.is_compact() { rebuilt(&identity, signed)? } else { full(&identity)? };
            self.add(passport)?;
        }
        if self.passports.is_empty() { Err(Stir::unverified(StirReason::Extension)) } else { Ok(()) }
    }

    /// Adds a PASSporT, and the one in it.
    fn add(&mut self, passport: Passport) -> Result<(), Stir> {
        if passport.kin == Kin::Other {
            return Ok(());
        }
        if self.passports.len() >= PASSPORTS_MAX {
            return Err(Stir::unverified(StirReason::TooMany));
        }
        if passport.kin == Kin::Shaken && self.attestation.is_none() {
            let letter = passport.claims.attest.as_deref().unwrap_or_default();
            // Capitals are meant (RFC 8588 §4).
            self.attestation =
                Attestation::parse(letter.as_bytes()).filter(|_| letter.bytes().all(|byte| byte < b'a'));
            self.origid = passport.claims.origid.as_deref().and_then(Origid::parse);
            if self.attestation.is_none() || passport.claims.origid.is_none() {
                return Err(Stir::invalid(StirReason::Malformed));
            }
        }
        let within = passport.claims.opt.clone().filter(|_| passport.kin == Kin::Div);
        self.passports.push(passport);
        match within {
            Some(text) => {
                let token = Token::parse(text.as_bytes()).ok().filter(|token| !token.is_compact());
                let token = token.ok_or(Stir::invalid(StirReason::Malformed))?;
                self.add(of_token(&token, None)?)
            }
            None => Ok(()),
        }
    }

    /// Of those that say who calls, keeps the one kind that says it best: shaken, the plain one, others.
    fn choose(&mut self) -> Result<(), Stir> {
        let best = [Kin::Shaken, Kin::Plain, Kin::Rich];
        let best = best.into_iter().find(|kin| self.passports.iter().any(|passport| passport.kin == *kin));
        match best {
            Some(best) => {
                self.passports.retain(|passport| passport.kin == best || passport.kin == Kin::Div);
                Ok(())
            }
            None => Err(Stir::unverified(StirReason::Div)),
        }
    }

    /// Puts those about a call that was sent on in the order in which it was: each was made by whom the one before is for.
    fn order(&mut self) -> Result<(), Stir> {
        let (mut first, mut rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.passports).into_iter().partition(|passport| passport.kin != Kin::Div);
        let orig = first.first().map(|passport| passport.claims.orig.clone());
        while !rest.is_empty() {
            let before = first.last().map(|passport| &passport.claims.dest);
            let follows = |passport: &Passport| {
                let by = passport.claims.div.as_ref();
                let is_of_same = orig.as_ref().is_some_and(|orig| same(orig, &passport.claims.orig));
                is_of_same && before.zip(by).is_some_and(|(dest, by)| dest.iter().any(|one| same(one, by)))
            };
            let next = rest.iter().position(follows).ok_or(Stir::invalid(StirReason::Div))?;
            first.push(rest.swap_remove(next));
        }
        self.passports = first;
        Ok(())
    }

    /// The first PASSporT: there is one once they are chosen.
    fn first(&self) -> &Passport {
        &self.passports[0]
    }

    /// Whether the last PASSporT is for whom the call is for now. A call that nobody signed for sending on is for whom it was
    /// first for, though its target may have been written anew on its way.
    fn fits_called(&self, question: &Question, signed: &Signed<'_>) -> Result<(), Stir> {
        let last = &self.passports[self.passports.len() - 1];
        let now = |dest: &claims::Party| is_party(dest, &question.called, &signed.target);
        let first = |dest: &claims::Party| is_party(dest, &signed.to, &signed.to_uri);
        let is_for = |passport: &Passport, is_sent_on: bool| {
            passport.claims.dest.iter().any(|dest| now(dest) || !is_sent_on && first(dest))
        };
        let firsts = self.passports.iter().filter(|passport| passport.kin != Kin::Div);
        let fits = match last.kin {
            Kin::Div => is_for(last, true),
            _ => firsts.into_iter().all(|passport| is_for(passport, false)),
        };
        if fits { Ok(()) } else { Err(Stir::invalid(StirReason::Dest)) }
    }

    /// Whether the last PASSporT was signed for this setup, and each before it no longer ago than a telephone rings.
    fn is_fresh(&self, freshness: Duration) -> bool {
        let last = self.passports.len() - 1;
        self.passports.iter().enumerate().all(|(index, passport)| {
            let is_before = index < last && self.passports[last].kin == Kin::Div;
            let past = if is_before { freshness + SENT_ON_WITHIN } else { freshness };
            let signed = At::from_nanos(passport.claims.iat.saturating_mul(1_000_000_000));
            // `iat` has whole seconds: the fraction of the setup's is not held against it.
            let at = At::from_nanos(self.at.nanos() / 1_000_000_000 * 1_000_000_000);
            at.since(signed) <= past && signed.since(at) <= freshness
        })
    }
}

impl Passport {
    /// Whether who signed it may, and did.
    fn verify(&self, found: Found, at: At, anchors: &Anchors) -> Result<(), StirReason> {
        let chain = found?;
        if !chain.has_signed(&self.text, &self.signature) {
            return Err(StirReason::Signature);
        }
        chain.holds(at, anchors)?;
        // Who sends a call on speaks for the number that it was for (RFC 8946 §4.1).
        let own = if self.kin == Kin::Div { self.claims.div.as_ref() } else { Some(&self.claims.orig) };
        if own.is_some_and(|own| may_speak(&chain, own)) { Ok(()) } else { Err(StirReason::NotCovered) }
    }
}

/// Whether a certificate is of somebody who may speak for this party: a telephone number is in its list of them (RFC 8226), the
/// host of any other identity is its subject (RFC 8224 §6.2 step 2).
fn may_speak(chain: &Chain, party: &claims::Party) -> bool {
    match (party.number(), party) {
        (Some(number), _) => chain.authority().is_some_and(|authority| authority.covers(&number)),
        (None, claims::Party::Number(_)) => false,
        (None, claims::Party::Uri(text)) => {
            let host = Uri::parse(text.as_bytes()).and_then(|uri| str::from_utf8(uri.host).ok());
            host.is_some_and(|host| chain.is_of_host(host))
        }
    }
}

/// A PASSporT that is there in full.
fn full(identity: &Identity<'_>) -> Result<Passport, Stir> {
    let alg = identity.alg.unwrap_or(b"ES256");
    if alg != b"ES256" {
        return Err(Stir::invalid(StirReason::Algorithm));
    }
    let passport = of_token(&identity.token, identity.ppt)?;
    if passport.x5u.as_bytes() == identity.info { Ok(passport) } else { Err(Stir::invalid(StirReason::X5u)) }
}

fn of_token(token: &Token<'_>, ppt: Option<&[u8]>) -> Result<Passport, Stir> {
    let malformed = Stir::invalid(StirReason::Malformed);
    let header = Header::parse(token.header).map_err(|_| malformed)?;
    if !header.typ.eq_ignore_ascii_case("passport") {
        return Err(malformed);
    }
    if header.alg != "ES256" {
        return Err(Stir::invalid(StirReason::Algorithm));
    }
    if header.is_critical {
        return Err(Stir::unverified(StirReason::Extension));
    }
    if ppt.is_some_and(|ppt| header.ppt.as_deref().map(str::as_bytes) != Some(ppt)) {
        return Err(malformed);
    }
    let kin = Kin::of(header.ppt.as_deref());
    let claims = Claims::parse(token.payload).map_err(|_| malformed)?;
    if kin == Kin::Div && claims.div.is_none() {
        return Err(malformed);
    }
    Ok(Passport {
        kin,
        x5u: header.x5u.ok_or(malformed)?,
        claims,
        text: token.signed.to_vec(),
        signature: token.signature().ok_or(malformed)?,
    })
}

/// A PASSporT of which only the signature is there: the rest is as the message has it (RFC 8224 §4.1.1). Only the plain kind can be
/// built again, and only between numbers.
fn rebuilt(identity: &Identity<'_>, signed: &Signed<'_>) -> Result<Passport, Stir> {
    let malformed = Stir::invalid(StirReason::Malformed);
    if identity.alg.is_some_and(|alg| alg != b"ES256") {
        return Err(Stir::invalid(StirReason::Algorithm));
    }
    let x5u = str::from_utf8(identity.info).map_err(|_| malformed)?.to_owned();
    let date = signed.date.filter(|_| identity.ppt.is_none()).ok_or(malformed)?;
    let (orig, dest) = canonical(&signed.from).zip(canonical(&signed.to)).ok_or(malformed)?;
    let iat = date.nanos() / 1_000_000_000;
    let payload = Claims::rebuilt(orig, dest, iat);
    let text = format!("{}.{payload}", Header::rebuilt(&x5u)).into_bytes();
    let claims = Claims::parse(payload.as_bytes()).map_err(|_| malformed)?;
    Ok(Passport {
        kin: Kin::Plain,
        x5u,
        claims,
        text,
        signature: identity.token.signature().ok_or(malformed)?,
    })
}

/// Whether who calls is whom the PASSporT is about: the number that the network asserts, where it does (ATIS-1000074 §5.3.1), else
/// From. What was signed for another number than is asserted says nothing of that one.
fn fits_caller(orig: &claims::Party, question: &Question, signed: &Signed<'_>) -> Result<(), Stir> {
    let (shown, from) = (canonical(&question.calling), canonical(&signed.from));
    let is_froms = is_party(orig, &signed.from, &signed.from_uri);
    let is_number = shown.is_some() && orig.number() == shown;
    // A name is no word for a number: somebody else gives out the numbers.
    if is_number || is_froms && question.calling.number.is_none() && (shown.is_none() || shown == from) {
        return Ok(());
    }
    // Who is hidden on the last part of the way cannot be held against what was signed on the first.
    let is_other = (shown.is_some() || from.is_some()) && !is_froms;
    Err(if is_other { Stir::invalid(StirReason::Orig) } else { Stir::unverified(StirReason::Orig) })
}

/// Whether a claim names this party.
fn is_party(claim: &claims::Party, party: &Party, uri: &Uri<'_>) -> bool {
    let is_number = claim.number().is_some_and(|number| canonical(party) == Some(number));
    let is_uri = |text: &str| {
        Uri::parse(text.as_bytes()).is_some_and(|claimed| {
            claimed.user == uri.user && claimed.host.eq_ignore_ascii_case(uri.host) && !uri.user.is_empty()
        })
    };
    is_number || matches!(claim, claims::Party::Uri(text) if is_uri(text))
}

/// A number as it is compared: international, or else as it was sent, such as a short code.
fn canonical(party: &Party) -> Option<Canonical> {
    match party.number {
        Some(number) => Canonical::parse(&number.digits()),
        None => Canonical::parse(&party.raw),
    }
}

fn same(one: &claims::Party, other: &claims::Party) -> bool {
    match (one.number(), other.number()) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one == other,
        _ => false,
    }
}

/// What follows from a reason that one PASSporT is not good.
const fn verdict_of(reason: StirReason) -> Stir {
    match reason {
        StirReason::FetchFailed
        | StirReason::NoCertificate
        | StirReason::QueueFull
        | StirReason::Timeout
        | StirReason::X5uRefused => Stir::unverified(reason),
        _ => Stir::invalid(reason),
    }
}

const fn severity(verdict: StirVerdict) -> u8 {
    match verdict {
        StirVerdict::Invalid => 0,
        StirVerdict::Unverified => 1,
        StirVerdict::Stale => 2,
        StirVerdict::None | StirVerdict::Valid => 3,
    }
}
