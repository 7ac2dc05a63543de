//! Addresses and URIs. RFC 3261 §19.1, §20.10, §25.1 (name-addr, addr-spec); RFC 3966 (tel).

use crate::wire::sip::near::near;
use crate::wire::sip::value::{is_word, parameter, quoted_length};

/// Scheme of a URI.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// `sip`
    Sip,
    /// `sips`
    Sips,
    /// `tel`
    Tel,
    /// Any other; the whole URI is taken for the user part, so that `urn:service:sos` (RFC 5031) can be told.
    #[default]
    Other,
}

impl Scheme {
    fn of(name: &[u8]) -> Self {
        match name {
            [b's' | b'S', b'i' | b'I', b'p' | b'P'] => Self::Sip,
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S'] => Self::Sips,
            [b't' | b'T', b'e' | b'E', b'l' | b'L'] => Self::Tel,
            _ => Self::Other,
        }
    }
}

/// A URI in its pieces, escapes kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uri<'a> {
    /// Scheme.
    pub scheme: Scheme,
    /// SIP: the user part without password and without the parameters of a telephone number in it. tel: the number.
    /// Other: all of it.
    pub user: &'a [u8],
    /// SIP: all that stands before the `@`.
    pub user_info: &'a [u8],
    /// Host, with its brackets when it is an IPv6 reference; empty for a tel URI.
    pub host: &'a [u8],
    /// Parameters of the number: of the user part in a SIP URI, of a tel URI.
    number_parameters: &'a [u8],
    /// Parameters of a SIP URI.
    parameters: &'a [u8],
    /// An `@` stands behind the host.
    has_late_at: bool,
}

impl<'a> Uri<'a> {
    /// Reads a URI; `None` when it has no scheme.
    // What is read in pieces and then moved as a whole stands still until the pieces are written: here and in `sip` the pieces go
    // where they stay.
    #[inline(always)]
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        // Nearly all.
        if let [b's', b'i', b'p', b':', rest @ ..] = bytes {
            return Some(Self::sip(Scheme::Sip, rest));
        }
        let (scheme, rest) = split_off(bytes, near([b':'], bytes)?);
        let scheme = Scheme::of(scheme.trim_ascii());
        match scheme {
            Scheme::Sip | Scheme::Sips => Some(Self::sip(scheme, rest)),
            Scheme::Tel => {
                let (user, number_parameters) = split_off(rest, find(rest, near([b';', b'?'], rest)));
                Some(Self { scheme, user, number_parameters, ..Self::default() })
            }
            Scheme::Other => Some(Self { scheme, user: bytes, ..Self::default() }),
        }
    }

    #[inline(always)]
    fn sip(scheme: Scheme, rest: &'a [u8]) -> Self {
        let (user_info, host) = match near([b'@'], rest) {
            Some(at) => split_off(rest, at),
            None => (&b""[..], rest),
        };
        let (user, after) = match near([b':', b';'], user_info) {
            Some(end) => user_info.split_at_checked(end).unwrap_or_default(),
            None => (user_info, &b""[..]),
        };
        let number_parameters = match after {
            [b';', parameters @ ..] => {
                parameters.get(..find(parameters, near([b':'], parameters))).unwrap_or_default()
            }
            _ => b"",
        };
        let host_end = match host {
            [b'[', ..] => near([b']'], host).and_then(|end| end.checked_add(1)),
            _ => near([b':', b';', b'?'], host),
        };
        let (host, after) = host.split_at_checked(find(host, host_end)).unwrap_or_default();
        if after.is_empty() {
            return Self { scheme, user, user_info, host, number_parameters, ..Self::default() };
        }
        let has_late_at = !user_info.is_empty() && near([b'@'], after).is_some();
        // Parameters begin behind the port, and end where headers begin.
        let (_port, after) = split_at(after, near([b';', b'?'], after));
        let parameters = match after {
            [b';', after @ ..] => split_at(after, near([b'?'], after)).0,
            _ => b"",
        };
        Self { scheme, user, user_info, host, number_parameters, parameters, has_late_at }
    }

    /// Whether it says that it means a telephone number: a tel URI, or `user=phone` (RFC 3261 §19.1.1).
    #[must_use]
    pub fn says_telephone(&self) -> bool {
        let is_phone = |user: &[u8]| is_word(user, b"phone");
        self.scheme == Scheme::Tel
            || !self.parameters.is_empty() && value_of(self.parameters, b"user").is_some_and(is_phone)
    }

    /// Whether a second `@` stands behind the one that ends the user part here, in the host or behind it: some take the last one.
    #[must_use]
    pub fn has_second_at(&self) -> bool {
        self.has_late_at || near([b'@'], self.host).is_some()
    }

    /// Calls `take` with names and values of its parameters as written, first those of the number, then those of the URI: `cpc`,
    /// `verstat`, `rn` and others belong to the number (RFC 3966 §5.1), but are put in either place.
    #[inline]
    pub fn each_parameter(&self, mut take: impl FnMut(&'a [u8], &'a [u8])) {
        for parameters in [self.number_parameters, self.parameters] {
            let mut rest = parameters;
            while let Some((name, value)) = next_pair(&mut rest) {
                take(name, value);
            }
        }
    }

    /// Whether it has none.
    #[must_use]
    pub const fn is_bare(&self) -> bool {
        self.number_parameters.is_empty() && self.parameters.is_empty()
    }

    /// Trunk group that a telephone number came by or shall go by (RFC 4904 §4), wherever in the URI it was put.
    #[must_use]
    pub fn trunk_group(&self) -> Option<&'a [u8]> {
        [self.number_parameters, self.parameters]
            .into_iter()
            .filter(|parameters| !parameters.is_empty())
            .find_map(|parameters| value_of(parameters, b"tgrp"))
    }

    /// The `phone-context` of a local number (RFC 3966 §5.1.5): `+` and digits, or a domain name.
    #[must_use]
    pub fn phone_context(&self) -> Option<&'a [u8]> {
        if self.number_parameters.is_empty() {
            return None;
        }
        value_of(self.number_parameters, b"phone-context")
    }

    /// Names and values of the parameters of the number alone, as written.
    pub fn number_parameters(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut rest = self.number_parameters;
        std::iter::from_fn(move || next_pair(&mut rest))
    }
}

/// An address of a From, To, P-Asserted-Identity, Diversion or History-Info header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address<'a> {
    /// The URI.
    pub uri: Uri<'a>,
    /// Name before it, without its quotes, escapes kept; empty when there is none.
    pub name: &'a [u8],
    /// Header parameters after it.
    pub parameters: &'a [u8],
    /// The bracket before the URI is never closed: some read no address in it.
    pub is_open: bool,
}

impl<'a> Address<'a> {
    /// Reads `"Name" <uri>;parameters` or `uri;parameters`, one element of a list; `None` when there is no URI in it.
    #[must_use]
    pub fn parse(value: &'a [u8]) -> Option<Self> {
        let mut value = value.trim_ascii();
        let mut name = &b""[..];
        if let [b'"', ..] = value {
            let (quoted, after) = value.split_at_checked(quoted_length(value))?;
            name = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
            value = after.trim_ascii_start();
        }
        let bracket = match value {
            [b'<', ..] => Some(0),
            _ => bracket_of_name(value),
        };
        match bracket {
            Some(bracket) => {
                let (before, inside) = split_off(value, bracket);
                if bracket > 0 && name.is_empty() {
                    name = before.trim_ascii_end();
                }
                let end = near([b'>'], inside);
                let (uri, parameters) = split_off(inside, find(inside, end));
                Some(Self { uri: Uri::parse(uri.trim_ascii())?, name, parameters, is_open: end.is_none() })
            }
            None => Self::without_brackets(value),
        }
    }

    /// All parameters are the header's then (RFC 3261 §20.10), save those of the user part. A quote cannot be URI.
    fn without_brackets(value: &'a [u8]) -> Option<Self> {
        let unquoted = value.get(..find(value, near([b'"'], value)))?;
        let host = near([b'@'], unquoted).unwrap_or_default();
        let after = near([b';'], value.get(host..)?).and_then(|found| found.checked_add(host));
        let (uri, parameters) = value.split_at_checked(find(value, after))?;
        Some(Self { uri: Uri::parse(uri.trim_ascii_end())?, name: b"", parameters, is_open: false })
    }

    /// The `tag` parameter; `None` when it is empty.
    #[must_use]
    pub fn tag(&self) -> Option<&'a [u8]> {
        parameter(self.parameters, b"tag").filter(|tag| !tag.is_empty())
    }
}

/// Takes the next name and value off `a=b;c;d=e`, in which nothing is quoted (RFC 3261 §25.1 `uri-parameter`).
#[inline]
fn next_pair<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    while !rest.is_empty() {
        let (piece, after) = split_off(rest, find(rest, near([b';'], rest)));
        *rest = after;
        let (name, value) = split_off(piece, find(piece, near([b'='], piece)));
        let name = trimmed(name);
        if !name.is_empty() {
            return Some((name, trimmed(value)));
        }
    }
    None
}

/// White space has no place in a URI; where it is, some pass over it.
#[inline]
fn trimmed(text: &[u8]) -> &[u8] {
    match text {
        [b'!'..=0xFF, .., b'!'..=0xFF] | [b'!'..=0xFF] | [] => text,
        _ => text.trim_ascii(),
    }
}

/// Value of the first of them with this name.
fn value_of<'a>(parameters: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = parameters;
    while let Some((found, value)) = next_pair(&mut rest) {
        if is_word(found, name) {
            return Some(value);
        }
    }
    None
}

/// Where the `<` is that follows an unquoted name; `None` when the value is a bare URI. A name with a colon is taken
/// for a name when what stands before the colon is no scheme known here: no URI holds a `<`.
fn bracket_of_name(value: &[u8]) -> Option<usize> {
    let first = near([b'<', b':'], value)?;
    let (before, after) = value.split_at_checked(first)?;
    if after.starts_with(b"<") {
        return Some(first);
    }
    if Scheme::of(before) == Scheme::Other { near([b'<'], value) } else { None }
}

/// What is before the octet that was found, and what begins with it.
fn split_at(bytes: &[u8], found: Option<usize>) -> (&[u8], &[u8]) {
    found.and_then(|at| bytes.split_at_checked(at)).unwrap_or((bytes, b""))
}

/// What is before the octet at `at`, and what is after it.
fn split_off(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    let (before, after) = bytes.split_at_checked(at).unwrap_or((bytes, b""));
    (before, after.get(1..).unwrap_or_default())
}

/// Where it was found, or the end.
fn find(bytes: &[u8], found: Option<usize>) -> usize {
    found.unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_uris() {
        for (text, scheme, user, host, context) in [
            ("sip:+48601@h.example:5060;user=phone", Scheme::Sip, "+48601", "h.example", None),
            ("SIPS:alice:secret@[2001:db8::1]:5061?x=y", Scheme::Sips, "alice", "[2001:db8::1]", None),
            ("sip:601;phone-context=+48:pw@h", Scheme::Sip, "601", "h", Some("+48")),
            ("sip:601;isub=1;Phone-Context=a.example@h;lr", Scheme::Sip, "601", "h", Some("a.example")),
            ("sip:h.example;lr", Scheme::Sip, "", "h.example", None),
            ("tel:+48-601", Scheme::Tel, "+48-601", "", None),
            ("tel:112;phone-context=+48", Scheme::Tel, "112", "", Some("+48")),
            ("urn:service:sos", Scheme::Other, "urn:service:sos", "", None),
            ("sip:", Scheme::Sip, "", "", None),
        ] {
            let uri = Uri::parse(text.as_bytes()).unwrap();
            assert_eq!(
                (uri.scheme, uri.user, uri.host),
                (scheme, user.as_bytes(), host.as_bytes()),
                "{text}"
            );
            assert_eq!(uri.phone_context(), context.map(str::as_bytes), "{text}");
        }
        assert_eq!(Uri::parse(b"alice"), None);
    }

    #[test]
    fn reads_parameters_of_the_number_and_of_the_uri() {
        for (text, expected) in [
            ("sip:+48601;cpc=test;;npdi@h;user=phone?X=;y=z", "cpc=test npdi= user=phone"),
            ("tel:+48601;rn=+48500;npdi", "rn=+48500 npdi="),
            ("sip:1@[::1]:5060;a=1;b", "a=1 b="),
            ("sip:1@h?a=1;b=2", ""),
            ("sip:1:pw;x=y@h;lr", "lr="),
        ] {
            let uri = Uri::parse(text.as_bytes()).unwrap();
            let mut found = Vec::new();
            uri.each_parameter(|name, value| {
                found.push([name, b"=", value].concat().escape_ascii().to_string())
            });
            assert_eq!(
                (found.join(" "), uri.is_bare()),
                (expected.to_owned(), expected.is_empty()),
                "{text}"
            );
        }
    }

    #[test]
    fn keeps_the_display_name() {
        for (text, name) in [
            ("\"Bell, \\\" A.\" <sip:1@h>", "Bell, \\\" A."),
            ("+48 601 <sip:1@h>", "+48 601"),
            ("\"\" <sip:1@h>", ""),
            ("<sip:1@h>", ""),
            ("sip:1@h", ""),
        ] {
            assert_eq!(Address::parse(text.as_bytes()).unwrap().name, name.as_bytes(), "{text}");
        }
    }

    #[test]
    fn reads_addresses() {
        for (text, user, tag) in [
            ("<sip:1@h>;tag=a", "1", Some("a")),
            ("sip:1@h;tag=a", "1", Some("a")),
            ("sip:1@h", "1", None),
            ("sip:1;phone-context=+48@h;tag=a", "1", Some("a")),
            ("sip:h;tag=a", "", Some("a")),
            ("sip:h;x=\"@\";tag=a", "", Some("a")),
            ("tel:1;tag=a", "1", Some("a")),
            ("\"Bell, <sip:9@h> \\\" \\\\\" <sip:1@h;tag=no>;x=\";tag=no\" ; TAG\r\n = a", "1", Some("a")),
            ("\"no brackets\" sip:1@h;tag=a", "1", Some("a")),
            ("Zażółć gęślą <sip:1@h>;tag=", "1", None),
            ("Ltd: Sales <sip:1@h>;tag=a", "1", Some("a")),
            ("< sip:1@h >", "1", None),
            ("<sip:1@h", "1", None),
            ("<sip:1@h>tag=a", "1", Some("a")),
        ] {
            let address = Address::parse(text.as_bytes()).unwrap();
            assert_eq!(
                (address.uri.user, address.tag()),
                (user.as_bytes(), tag.map(str::as_bytes)),
                "{text}"
            );
        }
        for none in ["", "alice", "<>", "\"open <sip:1@h>", "<alice@h>"] {
            assert_eq!(Address::parse(none.as_bytes()), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in "[<>\"\\\\@:;?,= sipteltag\\[\\]%1+]{0,40}") {
            if let Some(address) = Address::parse(bytes.as_bytes()) {
                let _ = (address.tag(), address.uri.phone_context());
            }
        }
    }
}
