//! Addresses that a message names: of a hop in Via, of a URI in Route or the request line. RFC 3261 §18.2.2 (where a
//! response goes), §19.1.2 (default port); RFC 3581 §4 (`rport`).
//!
//! Only literal addresses are read: whoever must not wait cannot ask for names. `maddr` is not followed: it would let a
//! sender choose where others are answered. Must not: send, or say whether an address is to be trusted.

use std::net::{IpAddr, SocketAddr};

use crate::wire::sip::address::Uri;
use crate::wire::sip::value::parameter;

/// Port of SIP over UDP and TCP (RFC 3261 §19.1.2).
pub const SIP_PORT: u16 = 5060;

/// Host and port of `SIP/2.0/UDP host:port;…`, the host with its brackets.
#[must_use]
pub fn sent_by(via: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let end = via.iter().position(|octet| *octet == b';').unwrap_or(via.len());
    let protocol_and_host = via.get(..end)?.trim_ascii();
    let start = protocol_and_host.iter().rposition(u8::is_ascii_whitespace)?.checked_add(1)?;
    let host = protocol_and_host.get(start..)?;
    let bracket = host.iter().position(|octet| *octet == b']').unwrap_or_default();
    let colon = host.get(bracket..)?.iter().position(|octet| *octet == b':');
    let Some(colon) = colon.and_then(|colon| colon.checked_add(bracket)) else { return Some((host, None)) };
    Some((host.get(..colon)?, read_port(host.get(colon.checked_add(1)?..)?)))
}

/// The address that a Via's sent-by is, when it is one.
#[must_use]
pub fn via_address(via: &[u8]) -> Option<SocketAddr> {
    let (host, port) = sent_by(via)?;
    Some(SocketAddr::new(read_address(host)?, port.unwrap_or(SIP_PORT)))
}

/// Where a response with this topmost Via goes: the address that the request was seen to come from, else the sent-by;
/// `None` when that is a name.
#[must_use]
pub fn response_address(via: &[u8]) -> Option<SocketAddr> {
    let (host, port) = sent_by(via)?;
    let address = parameter(via, b"received").and_then(read_address).or_else(|| read_address(host))?;
    let seen = parameter(via, b"rport").and_then(read_port);
    Some(SocketAddr::new(address, seen.or(port).unwrap_or(SIP_PORT)))
}

/// The address that a URI's host is, when it is one; `text` is what the URI was read from.
#[must_use]
pub fn uri_address(text: &[u8], uri: &Uri<'_>) -> Option<SocketAddr> {
    let address = read_address(uri.host)?;
    let end = uri.host.as_ptr().addr().checked_sub(text.as_ptr().addr())?.checked_add(uri.host.len())?;
    let Some([b':', port @ ..]) = text.get(end..) else { return Some(SocketAddr::new(address, SIP_PORT)) };
    let digits = port.iter().position(|octet| !octet.is_ascii_digit()).unwrap_or(port.len());
    Some(SocketAddr::new(address, read_port(port.get(..digits)?)?))
}

/// An address as a host is written: with brackets when it is one of IPv6, which some leave out in `received`.
pub(super) fn read_address(host: &[u8]) -> Option<IpAddr> {
    let host = match host {
        [b'[', inner @ .., b']'] => inner,
        host => host,
    };
    str::from_utf8(host).ok()?.parse().ok()
}

fn read_port(digits: &[u8]) -> Option<u16> {
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_response_goes_where_the_request_was_seen_to_come_from() {
        for (via, expected) in [
            ("SIP/2.0/UDP 192.0.2.1:5080;branch=1", Some("192.0.2.1:5080")),
            ("SIP/2.0/UDP 192.0.2.1", Some("192.0.2.1:5060")),
            ("SIP/2.0/UDP host:5080;received=192.0.2.7", Some("192.0.2.7:5080")),
            ("SIP / 2.0 / UDP h;rport=9;received=192.0.2.7", Some("192.0.2.7:9")),
            ("SIP/2.0/UDP 192.0.2.1:5080;rport", Some("192.0.2.1:5080")),
            ("SIP/2.0/UDP [2001:db8::1]:5081;maddr=192.0.2.9", Some("[2001:db8::1]:5081")),
            ("SIP/2.0/UDP h;received=2001:db8::2", Some("[2001:db8::2]:5060")),
            ("SIP/2.0/UDP host:5080", None),
            ("", None),
        ] {
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(response_address(via.as_bytes()), expected, "{via}");
        }
        assert_eq!(
            via_address(b"SIP/2.0/UDP 192.0.2.1;received=192.0.2.7"),
            Some("192.0.2.1:5060".parse().unwrap())
        );
    }

    #[test]
    fn reads_the_address_of_a_uri() {
        for (text, expected) in [
            ("sip:+48601@192.0.2.1:5080;lr", Some("192.0.2.1:5080")),
            ("sip:192.0.2.1;lr", Some("192.0.2.1:5060")),
            ("sip:1@[2001:db8::1]:5081?x=y", Some("[2001:db8::1]:5081")),
            ("sip:1@192.0.2.1:99999", None),
            ("sip:1@host:5080", None),
            ("tel:+48601", None),
        ] {
            let uri = Uri::parse(text.as_bytes()).unwrap();
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(uri_address(text.as_bytes(), &uri), expected, "{text}");
        }
    }
}
