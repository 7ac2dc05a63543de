//! What an INVITE says of its caller, of those who forwarded it, and of the call itself. RFC 3325, RFC 5806, RFC 7044, RFC 4694,
//! RFC 4904, RFC 7315, RFC 7989; `cpc` and `verstat` in 3GPP TS 24.229 §7.2A.

use arrayvec::ArrayVec;

use crate::base::map::Seed;
use crate::base::number::{Number, Party};
use crate::base::numbering::Nature;
use crate::signal::sip::party::{Plan, is_disguised, is_withheld, names_telephone, number_of_name, party};
use crate::signal::{Attestation, Category, Claims, Correlation, TrunkGroup, Verstat};
use crate::wire::passport;
use crate::wire::sip::Message;
use crate::wire::sip::address::{Address, Uri};
use crate::wire::sip::head::Head;
use crate::wire::sip::near::near;
use crate::wire::sip::value::{elements, hides_caller, is_word, named_values, parameter, parameters};

/// The calling number, and puts into `claims` what else is said of the caller.
///
/// P-Asserted-Identity goes first when it holds a telephone number: a network asserts up to two identities, one of them a number
/// (RFC 3325 §9.1). Failing that Remote-Party-ID of the calling party, unless it says that nobody checked it. Failing that From,
/// which is the caller's own word. P-Preferred-Identity is what the caller would like to be, and counts nowhere.
pub(super) fn calling(message: &Message<'_>, plan: Plan<'_>, claims: &mut Claims) -> Party {
    let from = &message.from.uri;
    let asserted = asserted(message, plan, claims);
    let (remote, is_private) = remote_party(message, plan, claims);
    take_parameters(from, claims);
    let mut calling = match asserted.or_else(|| Some((party(&remote?, plan), remote?))) {
        Some((calling, uri)) => {
            // Nearly always the same, octet for octet. A global number has no context.
            let is_same = from.user == uri.user
                && (uri.user.starts_with(b"+") || from.phone_context() == uri.phone_context());
            let other = (!is_same).then(|| party(from, plan));
            let shown = other.as_ref().unwrap_or(&calling);
            claims.is_ambiguous |= is_disguised(from, shown);
            claims.shows_other = calling.number.zip(shown.number).map(|(asserted, shown)| asserted != shown);
            calling
        }
        None => {
            let shown = party(from, plan);
            claims.is_ambiguous |= is_disguised(from, &shown);
            shown
        }
    };
    calling.restricted |= is_private || message.head.privacy.is_some_and(hides_caller) || is_withheld(from);
    if !message.from.name.is_empty()
        && let (Some(named), Some(number)) = (number_of_name(message.from.name, plan), calling.number)
    {
        claims.name_shows_other = Some(named != number);
    }
    calling
}

/// The first asserted identity that is a telephone number. A second one that is another number leaves it open who calls.
fn asserted<'a>(message: &Message<'a>, plan: Plan<'_>, claims: &mut Claims) -> Option<(Party, Uri<'a>)> {
    let mut first: Option<(Party, Uri<'a>)> = None;
    each_address(&message.head.asserted, |Address { uri, .. }| {
        take_parameters(&uri, claims);
        let found = party(&uri, plan);
        claims.is_ambiguous |= is_disguised(&uri, &found);
        if names_telephone(&uri, &found) {
            match &first {
                Some((first, _)) => claims.is_ambiguous |= first.number != found.number,
                None => first = Some((found, uri)),
            }
        }
    });
    first
}

/// The caller as Remote-Party-ID has it, and whether its number is to be kept from the called (draft-ietf-sip-privacy-04 §5).
fn remote_party<'a>(message: &Message<'a>, plan: Plan<'_>, claims: &mut Claims) -> (Option<Uri<'a>>, bool) {
    let (mut caller, mut is_private) = (None, false);
    each_address(&message.head.remote_parties, |Address { uri, parameters, .. }| {
        let (mut is_of_other, mut is_unchecked, mut hides) = (false, false, false);
        for (name, value) in named_values(parameters) {
            // Without `party` it is the caller's, in a request.
            is_of_other |= is_word(name, b"party") && !is_word(value, b"calling");
            is_unchecked |= is_word(name, b"screen") && is_word(value, b"no");
            hides |= is_word(name, b"privacy") && (is_word(value, b"full") || is_word(value, b"uri"));
        }
        if is_of_other {
            return;
        }
        take_parameters(&uri, claims);
        is_private |= hides;
        let named = party(&uri, plan);
        if names_telephone(&uri, &named) && !is_unchecked {
            claims.is_ambiguous |= is_disguised(&uri, &named);
            caller = caller.or(Some(uri));
        }
    });
    (caller, is_private)
}

/// What parameters of a caller's number say; the first to say something counts.
fn take_parameters(uri: &Uri<'_>, claims: &mut Claims) {
    if uri.is_bare() {
        return;
    }
    uri.each_parameter(|name, value| {
        if is_word(name, b"cpc") {
            claims.category = claims.category.or(Category::of_cpc(value));
        } else if claims.verstat.is_none()
            && is_word(name, b"verstat")
            && let Some((verstat, attestation)) = Verstat::parse(value)
        {
            (claims.verstat, claims.attestation) = (Some(verstat), attestation);
        }
    });
}

/// What is said of the called number and of the call: porting, trunk group, hops, attestation.
pub(super) fn take_rest(message: &Message<'_>, target: &Uri<'_>, plan: Plan<'_>, claims: &mut Claims) {
    claims.hops = message.max_forwards;
    if claims.attestation.is_none() {
        let signed = || passport::claimed_attestation(message.head.identity[0]);
        claims.attestation = message.head.attestation.and_then(attestation).or_else(|| {
            // A PASSporT has capitals (RFC 8588 §4).
            signed().filter(u8::is_ascii_uppercase).and_then(|letter| Attestation::parse(&[letter]))
        });
    }
    let coming_by = message.head.contact.and_then(trunk_group_of_contact);
    claims.trunk_group = coming_by.map(TrunkGroup::new).unwrap_or_default();
    if target.is_bare() {
        return;
    }
    target.each_parameter(|name, value| {
        if is_word(name, b"rn") {
            claims.is_ported = Some(true);
            if value.starts_with(b"+") {
                claims.routing_number = plan.numbering.party(value, Nature::International, plan.hint).number;
            }
        } else if is_word(name, b"npdi") {
            claims.is_ported = claims.is_ported.or(Some(false));
        } else if coming_by.is_none() && is_word(name, b"tgrp") {
            claims.trunk_group = TrunkGroup::new(value);
        }
    });
}

fn attestation(value: &[u8]) -> Option<Attestation> {
    let first = parameters(value).next()?;
    Attestation::parse(first.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or(first))
}

/// The trunk group that a Contact names. Its parameters stand before the `@` (RFC 4904 §5): of most Contacts that is all that is
/// looked at.
fn trunk_group_of_contact(contact: &[u8]) -> Option<&[u8]> {
    let at = near([b'@', b';'], contact)?;
    if contact.get(at) == Some(&b'@') {
        return None;
    }
    Address::parse(contact)?.uri.trunk_group()
}

/// What names this call on its other legs.
pub(super) fn correlation(head: &Head<'_>, seed: Seed) -> Correlation {
    let of_text = |text: Option<&[u8]>| text.map_or(0, |text| Correlation::of_text(seed, text));
    Correlation {
        icid: of_text(head.charging_vector.and_then(|vector| parameter(vector, b"icid-value"))),
        session: head.session.map_or(0, |session| {
            let (local, remote) = session_ids(session);
            Correlation::of_session(seed, local, remote)
        }),
        call: of_text(head.correlation),
    }
}

/// The two identifiers of a Session-ID (RFC 7989 §5), 0 for one that is null, missing or none. RFC 7329 had one only.
fn session_ids(value: &[u8]) -> (u128, u128) {
    let read = |text: &[u8]| {
        let is_whole = text.len() == 32 && text.iter().all(u8::is_ascii_hexdigit);
        let digits = str::from_utf8(text).ok().filter(|_| is_whole);
        digits.and_then(|digits| u128::from_str_radix(digits, 16).ok()).unwrap_or_default()
    };
    let local = parameters(value).next().map_or(0, read);
    (local, parameter(value, b"remote").map_or(0, read))
}

/// Who forwarded the call last; puts into `claims` how often it was forwarded and who was called first. Diversion goes before
/// History-Info.
pub(super) fn diverting(
    message: &Message<'_>,
    called: Called<'_>,
    plan: Plan<'_>,
    claims: &mut Claims,
) -> Option<Party> {
    if message.head.diversions.is_empty() && message.head.history.is_empty() {
        return None;
    }
    diverted(message, plan, claims).or_else(|| retargeted(message, called, plan, claims))
}

/// Who is called now.
#[derive(Clone, Copy)]
pub(super) struct Called<'a> {
    pub(super) target: &'a Uri<'a>,
    pub(super) number: Option<Number>,
    /// How called numbers are read.
    pub(super) plan: Plan<'a>,
}

impl Called<'_> {
    /// Whether this is another way to write the same.
    fn is(self, uri: &Uri<'_>) -> bool {
        uri.user == self.target.user || self.number.is_some() && party(uri, self.plan).number == self.number
    }
}

/// Diversion: the first value is the last diversion. One that cannot be read makes way for History-Info.
fn diverted(message: &Message<'_>, plan: Plan<'_>, claims: &mut Claims) -> Option<Party> {
    let mut values = message.head.diversions.iter().flat_map(|line| elements(line));
    let last = values.find_map(Address::parse)?;
    let mut diverting = party(&last.uri, plan);
    let (mut times, is_private) = diversion(last.parameters);
    diverting.restricted |= is_private;
    let mut first = None;
    for address in values.filter_map(Address::parse) {
        times = times.saturating_add(diversion(address.parameters).0);
        first = Some(address.uri);
    }
    claims.diversions = times;
    claims.first_called = first.map_or(diverting.number, |uri| party(&uri, plan).number);
    Some(diverting)
}

/// How often a Diversion value says that the call was forwarded by that number, and whether the number is to be kept from the
/// called: once, and no, unless it says otherwise (RFC 5806 §4).
fn diversion(parameters: &[u8]) -> (u8, bool) {
    let (mut times, mut is_private) = (None, false);
    for (name, value) in named_values(parameters) {
        if times.is_none() && is_word(name, b"counter") {
            times = str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        } else if is_word(name, b"privacy") {
            is_private |= is_word(value, b"full") || is_word(value, b"uri");
        }
    }
    (times.unwrap_or(1).max(1), is_private)
}

/// History-Info. Where entries say what sent the call on, whoever stands before the last such one did. Else it is the last entry,
/// before the one that stands for this request, that names someone else than is called now: an entry for the called number is a
/// change of host or of how it is written, and no diversion.
fn retargeted(
    message: &Message<'_>,
    called: Called<'_>,
    plan: Plan<'_>,
    claims: &mut Claims,
) -> Option<Party> {
    let entries = history(&message.head.history);
    let is_told = entries.iter().any(says_why);
    let mut diverting = None;
    for (index, entry) in entries.iter().enumerate().skip(1) {
        let from = if is_told && !says_why(entry) { None } else { source(entry, &entries[..index]) };
        if let Some(uri) = from.filter(|uri| !called.is(uri)) {
            claims.diversions = claims.diversions.saturating_add(1);
            claims.first_called = claims.first_called.or_else(|| party(&uri, plan).number);
            diverting = Some(uri);
        }
    }
    Some(party(&diverting?, plan))
}

/// Entries of History-Info that are held against each other: the first, and the last ones.
const HISTORY_MAX: usize = 16;

fn history<'a>(lines: &[&'a [u8]]) -> ArrayVec<Address<'a>, HISTORY_MAX> {
    let mut entries = ArrayVec::new();
    each_address(lines, |entry| {
        if entries.is_full() {
            entries.remove(1);
        }
        entries.push(entry);
    });
    entries
}

/// Whether an entry says that it was put in another's place: for whom (`mp`, RFC 7044 §5), or why (`cause` of its URI, RFC 4458 §2).
fn says_why(entry: &Address<'_>) -> bool {
    let mut says = parameter(entry.parameters, b"mp").is_some();
    entry.uri.each_parameter(|name, _| says |= is_word(name, b"cause"));
    says
}

/// In whose place an entry was put: of the one that it names by its index, else of the one before.
fn source<'a>(entry: &Address<'a>, before: &[Address<'a>]) -> Option<Uri<'a>> {
    let mapped = parameter(entry.parameters, b"mp");
    let named = mapped
        .and_then(|mapped| before.iter().find(|entry| parameter(entry.parameters, b"index") == Some(mapped)));
    named.or(before.last()).map(|entry| entry.uri)
}

/// Each address that can be read in these header lines. Called back, as an iterator over both would move every address twice.
#[inline]
fn each_address<'a>(lines: &[&'a [u8]], mut take: impl FnMut(Address<'a>)) {
    for element in lines.iter().flat_map(|line| elements(line)) {
        if let Some(address) = Address::parse(element) {
            take(address);
        }
    }
}
