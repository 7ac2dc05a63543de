//! The head of a signed setup → what its signatures are about. RFC 8224 §4, §6.2; Date: RFC 3261 §20.17.
//!
//! Read where packets do not wait: a head is gone through a second time for what most setups do not have.

use arrayvec::ArrayVec;

use crate::base::fault::Kind;
use crate::base::network::Network;
use crate::base::number::Party;
use crate::base::route::{Direction, RouteId};
use crate::base::time::At;
use crate::signal::sip::{Plan, SIGNED_HEAD_MAX, party};
use crate::wire::DecodeError;
use crate::wire::sip::Message;
use crate::wire::sip::address::{Address, Uri};
use crate::wire::sip::lines::header_lines;
use crate::wire::sip::start::Start;
use crate::wire::sip::value::elements;

/// Most Identity values read: one for the caller, and one each time that the call was sent on.
pub const IDENTITIES_MAX: usize = 8;

/// What a signed setup says, as far as its signatures are about it.
#[derive(Clone, Debug)]
pub struct Signed<'a> {
    /// Identity header values.
    pub identities: ArrayVec<&'a [u8], IDENTITIES_MAX>,
    /// There are more of them, or may be.
    pub has_more: bool,
    /// Date header.
    pub date: Option<At>,
    /// From.
    pub from: Party,
    /// To.
    pub to: Party,
    /// URI of From.
    pub from_uri: Uri<'a>,
    /// URI of To.
    pub to_uri: Uri<'a>,
    /// Request-URI.
    pub target: Uri<'a>,
}

impl<'a> Signed<'a> {
    /// Reads a head; numbers as the call's route has them. `None` when it is no INVITE that can be read.
    #[must_use]
    pub fn read(head: &'a [u8], (route, direction): (RouteId, Direction), network: &Network) -> Option<Self> {
        let message = Message::parse(head).ok()?;
        let Start::Request { uri: target, .. } = message.start else { return None };
        let is_inbound = direction == Direction::Inbound;
        let plan = |is_theirs| {
            let hint = network.routes.route(route).format(is_theirs);
            Plan { numbering: &network.numbering, hint }
        };
        let to_uri = message.head.to.and_then(Address::parse).map_or_else(Uri::default, |to| to.uri);
        let from_uri = message.from.uri;
        let mut signed = Self {
            identities: ArrayVec::new(),
            has_more: head.len() >= SIGNED_HEAD_MAX || message.faults.iter().any(is_cut),
            date: None,
            from: party(&from_uri, plan(is_inbound)),
            to: party(&to_uri, plan(!is_inbound)),
            from_uri,
            to_uri,
            target: Uri::parse(target).unwrap_or_default(),
        };
        for (name, value) in header_lines(head) {
            if name.eq_ignore_ascii_case(b"identity") || name.eq_ignore_ascii_case(b"y") {
                for identity in elements(value) {
                    signed.has_more |= signed.identities.try_push(identity).is_err();
                }
            } else if name.eq_ignore_ascii_case(b"date") {
                signed.date = signed.date.or_else(|| date(value));
            }
        }
        Some(signed)
    }
}

const fn is_cut(fault: &DecodeError) -> bool {
    matches!(fault.kind, Kind::TooMany | Kind::Truncated)
}

/// `Sat, 13 Nov 2010 23:29:00 GMT`.
fn date(value: &[u8]) -> Option<At> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let text = str::from_utf8(value).ok()?;
    let (_, rest) = text.split_once(',')?;
    let mut words = rest.split_ascii_whitespace();
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|known| month.eq_ignore_ascii_case(known))? + 1;
    let is_utc = words.next()?.eq_ignore_ascii_case("GMT") && words.next().is_none();
    let is_plain = day.len() <= 2 && year.len() == 4;
    (is_utc && is_plain).then(|| At::parse(&format!("{year}-{month:02}-{day:0>2}T{time}Z")))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_signatures_are_about() {
        let head = b"INVITE sip:+48601000003@b.example SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\
            From: <sip:+48601000001@a.example>;tag=1\r\nTo: <tel:+48601000002>\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n\
            Identity: a.b.c;info=<https://e/1,2>,\r\n d.e.f;info=<https://e/3>\r\nDate: Sat, 13 Nov 2010 23:29:00 GMT\r\n\
            y: ..g;info=<https://e/4>\r\n\r\n";
        let signed = Signed::read(head, (RouteId::UNKNOWN, Direction::Inbound), &Network::unknown()).unwrap();
        let identities: Vec<_> = signed.identities.iter().map(|one| String::from_utf8_lossy(one)).collect();
        assert_eq!(
            identities,
            ["a.b.c;info=<https://e/1,2>", "d.e.f;info=<https://e/3>", "..g;info=<https://e/4>"]
        );
        assert_eq!(
            signed.date.map(|at| at.to_string()[..19].to_owned()).as_deref(),
            Some("2010-11-13T23:29:00")
        );
        let numbers =
            [signed.from.number, signed.to.number].map(|number| number.map(|number| number.value()));
        assert_eq!(numbers, [Some(48_601_000_001), Some(48_601_000_002)]);
        assert_eq!((signed.has_more, signed.target.user), (false, &b"+48601000003"[..]));
    }

    #[test]
    fn a_date_is_of_one_form() {
        assert!(date(b"Thu, 1 Jan 1970 00:00:00 GMT").is_some());
        for bad in [
            "",
            "13 Nov 2010 23:29:00 GMT",
            "Sat, 13 Nov 2010 23:29:00 CET",
            "Sat, 13 Nox 2010 23:29:00 GMT",
            "Sat, 31 Feb 2010 23:29:00 GMT",
            "Sat, 13 Nov 2010 25:29:00 GMT",
            "Sat, 13 Nov 2010 23:29:00 GMT x",
        ] {
            assert_eq!(date(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn more_than_are_read_is_said() {
        let many = "Identity: a.b.c;info=<x>\r\n".repeat(IDENTITIES_MAX + 1);
        let head = format!("INVITE sip:1@h SIP/2.0\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n{many}\r\n");
        let signed =
            Signed::read(head.as_bytes(), (RouteId::UNKNOWN, Direction::Inbound), &Network::unknown());
        let signed = signed.unwrap();
        assert!(signed.has_more && signed.identities.is_full());
    }
}
