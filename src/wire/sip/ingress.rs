//! Which element a call came from before the switch that asks about it: as the switch says in a header of its own, else as
//! the Via below its own says (RFC 3261 §18.2.1).
//!
//! In: an INVITE as a switch sent it on. Out: an address. Must not: say whether the switch is to be believed.

use std::net::{IpAddr, SocketAddr};

use crate::wire::sip::head::split_header;
use crate::wire::sip::lines::{Line, Lines};
use crate::wire::sip::place::{SIP_PORT, read_address, response_address};
use crate::wire::sip::value::elements;

/// Header in which a switch names the address of the trunk that a call came in by, unless another was agreed upon.
pub const PEER_HEADER: &str = "X-Tollgate-Peer";

/// The address that the header `name` gives, else that of the second Via; `None` when there is neither.
#[must_use]
pub fn ingress(request: &[u8], name: &str) -> Option<SocketAddr> {
    let mut lines = Lines::new(request);
    let mut below = None;
    let mut vias = 0_usize;
    // The request line.
    let _ = lines.next();
    while let Some(Line { bytes, .. }) = lines.next() {
        let Some((found, value)) = split_header(bytes) else { continue };
        if found.eq_ignore_ascii_case(name.as_bytes()) {
            return address(value.trim_ascii());
        }
        if found.eq_ignore_ascii_case(b"via") || found.eq_ignore_ascii_case(b"v") {
            for via in elements(value) {
                vias = vias.saturating_add(1);
                if vias == 2 {
                    below = response_address(via);
                }
            }
        }
    }
    below
}

/// An address, or an address and a port.
fn address(text: &[u8]) -> Option<SocketAddr> {
    let host: Option<IpAddr> = read_address(text);
    let both = || std::str::from_utf8(text).ok()?.parse().ok();
    host.map(|host| SocketAddr::new(host, SIP_PORT)).or_else(both)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite(headers: &str) -> Option<String> {
        let text = format!("INVITE sip:1@192.0.2.1 SIP/2.0\r\n{headers}\r\n\r\n");
        ingress(text.as_bytes(), PEER_HEADER).map(|address| address.to_string())
    }

    #[test]
    fn a_switch_says_where_a_call_came_in() {
        let own = "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa";
        for (headers, expected) in [
            ("x-tollgate-peer: 198.51.100.7", Some("198.51.100.7:5060")),
            ("X-Tollgate-Peer: 198.51.100.7:5070", Some("198.51.100.7:5070")),
            ("X-Tollgate-Peer: [2001:db8::7]:5070", Some("[2001:db8::7]:5070")),
            ("X-Tollgate-Peer: 2001:db8::7", Some("[2001:db8::7]:5060")),
            ("X-Tollgate-Peer: carrier.example\r\nVia: SIP/2.0/UDP 198.51.100.7", None),
            ("v: SIP/2.0/UDP carrier.example;received=198.51.100.7", Some("198.51.100.7:5060")),
            ("Via: SIP/2.0/TCP 198.51.100.7:5080, SIP/2.0/UDP 10.0.0.1", Some("198.51.100.7:5080")),
            ("Max-Forwards: 70", None),
        ] {
            assert_eq!(invite(&format!("{own}\r\n{headers}")).as_deref(), expected, "{headers}");
        }
    }
}
