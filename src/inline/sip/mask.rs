//! A call whose caller is hidden. RFC 3323 §4.1 (what an anonymous request looks like), RFC 3325 §9 (P-Asserted-Identity,
//! P-Preferred-Identity, `Privacy: id`), RFC 8224 (Identity, whose token holds the number).
//!
//! Lines change their length, and both ways are mapped: towards the switch the caller is anonymous in every message of the
//! call, towards the carrier its own From, To and request URI come back. RFC 3261 §12 matches dialogs by tags, which stay,
//! and would do without the way back; RFC 2543 compares URIs, and a carrier that routes by the user part of its Contact
//! needs it again. Digits overwritten in place would have spared the map, but not the number in Identity, nor that in
//! messages of a call that is already up.

use crate::wire::sip::Message;
use crate::wire::sip::address::{Address, Scheme, Uri};
use crate::wire::sip::edit::{Edit, edit};
use crate::wire::sip::start::Start;
use crate::wire::sip::value::hides_caller;

const ANONYMOUS: &[u8] = b"\"Anonymous\" <sip:anonymous@anonymous.invalid>";
const ANONYMOUS_USER: &[u8] = b"anonymous";

/// What was hidden of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masked {
    /// The caller's tag.
    tag: Box<[u8]>,
    /// Name and URI of its From; empty when they are too long to keep, and then do not come back.
    identity: Box<[u8]>,
    /// User part of its Contact, with all that stands before the `@`; empty when it has none.
    contact: Box<[u8]>,
}

/// Which way a message of a masked call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    FromCaller,
    ToCaller,
}

impl Masked {
    /// What will be hidden of the call that this INVITE sets up; of each part at most `length_max` octets are kept.
    #[must_use]
    pub fn of(invite: &Message<'_>, length_max: usize) -> Self {
        let keep = |bytes: &[u8]| if bytes.len() <= length_max { Box::from(bytes) } else { Box::default() };
        let from = invite.head.from.unwrap_or_default();
        let name_and_uri = from.len().saturating_sub(invite.from.parameters.len());
        let contact = invite.head.contact.and_then(Address::parse).map(|contact| contact.uri);
        Self {
            tag: Box::from(invite.from.tag().unwrap_or_default()),
            identity: keep(from.get(..name_and_uri).unwrap_or_default().trim_ascii_end()),
            contact: keep(contact.and_then(|uri| user_info(&uri)).unwrap_or_default()),
        }
    }

    /// Writes a message of this call as the other side is to see it; whether it could. One that belongs to another dialog of
    /// the same Call-ID stays as it is.
    #[must_use]
    pub fn rewrite(
        &self,
        bytes: &[u8],
        message: &Message<'_>,
        keep_asserted: bool,
        out: &mut Vec<u8>,
    ) -> bool {
        match self.way(message) {
            Some(Way::FromCaller) => self.hide(bytes, message, keep_asserted, out),
            Some(Way::ToCaller) => self.bring_back(bytes, message, out),
            None => false,
        }
    }

    fn way(&self, message: &Message<'_>) -> Option<Way> {
        let is_request = matches!(message.start, Start::Request { .. });
        if message.from.tag().unwrap_or_default() == &*self.tag {
            Some(if is_request { Way::FromCaller } else { Way::ToCaller })
        } else if message.head.to.is_some_and(|to| self.is_callers(to)) {
            Some(if is_request { Way::ToCaller } else { Way::FromCaller })
        } else {
            None
        }
    }

    fn is_callers(&self, value: &[u8]) -> bool {
        Address::parse(value).is_some_and(|address| address.tag() == Some(&*self.tag))
    }

    fn hide(&self, bytes: &[u8], message: &Message<'_>, keep_asserted: bool, out: &mut Vec<u8>) -> bool {
        let is_request = matches!(message.start, Start::Request { .. });
        let asks = message.head.privacy.is_some_and(hides_caller);
        let mut has_privacy = false;
        let change = |name: &[u8], value: &[u8]| match Name::of(name) {
            Some(Name::From) if is_request => anonymous(value),
            Some(Name::To) if !is_request => anonymous(value),
            Some(Name::Contact) => without_user(value),
            Some(Name::Asserted) if keep_asserted => Edit::Keep,
            Some(Name::Asserted | Name::Revealing) => Edit::Remove,
            Some(Name::Privacy) if is_request && !asks && !has_privacy => {
                has_privacy = true;
                Edit::Value(with_id(value))
            }
            _ => Edit::Keep,
        };
        let last = if is_request && message.head.privacy.is_none() { "Privacy: id" } else { "" };
        edit(bytes, None, change, last, out)
    }

    fn bring_back(&self, bytes: &[u8], message: &Message<'_>, out: &mut Vec<u8>) -> bool {
        let is_request = matches!(message.start, Start::Request { .. });
        let change = |name: &[u8], value: &[u8]| match Name::of(name) {
            Some(Name::From) if !is_request => self.identified(value),
            Some(Name::To) if is_request => self.identified(value),
            _ => Edit::Keep,
        };
        edit(bytes, self.start_line(message).as_deref(), change, "", out)
    }

    /// Name and URI as the caller wrote them, with the parameters as they are.
    fn identified(&self, value: &[u8]) -> Edit {
        match Address::parse(value) {
            Some(address) if !self.identity.is_empty() => {
                Edit::Value(with_parameters(&self.identity, address.parameters))
            }
            _ => Edit::Keep,
        }
    }

    /// The request line with the user of the caller's Contact.
    fn start_line(&self, message: &Message<'_>) -> Option<Vec<u8>> {
        let Start::Request { token, uri, .. } = message.start else { return None };
        let parsed = Uri::parse(uri)?;
        if self.contact.is_empty() || user_info(&parsed)? != ANONYMOUS_USER {
            return None;
        }
        let scheme = scheme(&parsed)?;
        let after = uri.get(scheme.len().saturating_add(ANONYMOUS_USER.len())..)?;
        Some([token, b" ", scheme, &self.contact, after, b" SIP/2.0"].concat())
    }
}

/// Headers that tell who calls.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Asserted,
    Contact,
    From,
    Privacy,
    /// Goes altogether.
    Revealing,
    To,
}

impl Name {
    fn of(name: &[u8]) -> Option<Self> {
        let known: [(&[u8], Self); 15] = [
            (b"f", Self::From),
            (b"from", Self::From),
            (b"t", Self::To),
            (b"to", Self::To),
            (b"m", Self::Contact),
            (b"contact", Self::Contact),
            (b"privacy", Self::Privacy),
            (b"p-asserted-identity", Self::Asserted),
            (b"p-preferred-identity", Self::Revealing),
            (b"remote-party-id", Self::Revealing),
            (b"identity", Self::Revealing),
            (b"y", Self::Revealing),
            (b"identity-info", Self::Revealing),
            (b"reply-to", Self::Revealing),
            (b"call-info", Self::Revealing),
        ];
        known.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, found)| *found)
    }
}

fn anonymous(value: &[u8]) -> Edit {
    let parameters = Address::parse(value).map(|address| address.parameters).unwrap_or_default();
    Edit::Value(with_parameters(ANONYMOUS, parameters))
}

fn with_parameters(name_and_uri: &[u8], parameters: &[u8]) -> Vec<u8> {
    let parameters = parameters.trim_ascii();
    let separator: &[u8] = if parameters.is_empty() || parameters.starts_with(b";") { b"" } else { b";" };
    [name_and_uri, separator, parameters].concat()
}

fn with_id(privacy: &[u8]) -> Vec<u8> {
    if privacy.is_empty() || privacy.eq_ignore_ascii_case(b"none") {
        return b"id".to_vec();
    }
    [privacy, b";id"].concat()
}

/// A Contact whose display name is gone and whose user part is `anonymous`.
fn without_user(value: &[u8]) -> Edit {
    let Some(uri) = Address::parse(value).map(|address| address.uri) else { return Edit::Keep };
    let (Some(scheme), Some(user)) = (scheme(&uri), user_info(&uri)) else { return Edit::Keep };
    let start = user.as_ptr().addr().saturating_sub(value.as_ptr().addr());
    let (Some(before), Some(after)) = (value.get(..start), value.get(start.saturating_add(user.len())..))
    else {
        return Edit::Keep;
    };
    let bracket: &[u8] = if before.contains(&b'<') { b"<" } else { b"" };
    Edit::Value([bracket, scheme, ANONYMOUS_USER, after].concat())
}

/// `sip:` or `sips:`; none of other URIs.
fn scheme(uri: &Uri<'_>) -> Option<&'static [u8]> {
    match uri.scheme {
        Scheme::Sip => Some(b"sip:"),
        Scheme::Sips => Some(b"sips:"),
        Scheme::Tel | Scheme::Other => None,
    }
}

/// What stands before the `@` of a SIP URI: user, its parameters, password.
fn user_info<'a>(uri: &Uri<'a>) -> Option<&'a [u8]> {
    scheme(uri).and(Some(uri.user_info)).filter(|user| !user.is_empty())
}
