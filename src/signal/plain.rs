//! A setup in plain words → [`Setup`]: for whoever speaks neither SIP nor ISUP, such as an API or call records.
//!
//! In: numbers as text, route and direction. Out: what the same call's INVITE or IAM would say: numbers are read by the
//! readers of those, so that a call has one calling number however it is told.

use std::net::IpAddr;

use crate::base::network::Network;
use crate::base::number::Party;
use crate::base::numbering::Nature;
use crate::base::route::{Direction, RouteClass, RouteId};
use crate::signal::sip::{self, Plan};
use crate::signal::{Claims, Correlation, Setup};
use crate::wire::sip::address::Uri;

/// Names of [`Nature`] in plain words, with what they mean.
const NATURES: [(&str, Nature); 4] = [
    ("international", Nature::International),
    ("national", Nature::National),
    ("subscriber", Nature::Subscriber),
    ("unknown", Nature::Unknown),
];

/// Names of natures of address, for whoever has to say which there are.
pub const NATURE_NAMES: [&str; 4] = ["international", "national", "subscriber", "unknown"];
/// Names of directions.
pub const DIRECTION_NAMES: [&str; 2] = ["inbound", "outbound"];

/// The nature of address (Q.763 §3.9 b) with this name.
#[must_use]
pub fn nature(name: &str) -> Option<Nature> {
    NATURES.iter().find(|(known, _)| *known == name).map(|(_, nature)| *nature)
}

/// The direction with this name.
#[must_use]
pub fn direction(name: &str) -> Option<Direction> {
    match name {
        "inbound" => Some(Direction::Inbound),
        "outbound" => Some(Direction::Outbound),
        _ => None,
    }
}

/// A number in plain words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spoken<'a> {
    /// As signalled: what a SIP URI has before the `@`, a whole sip or tel URI, or the digits of an ISUP number.
    pub text: &'a str,
    /// ISUP nature of address of those digits; `None`: `text` is read as SIP has it.
    pub nature: Option<Nature>,
    /// The caller asked that the number not be shown.
    pub restricted: bool,
}

/// A call setup in plain words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain<'a> {
    /// Route, and the direction when it is told; else it follows from the route's class.
    pub route: (RouteId, Option<Direction>),
    /// Calling number: what the network asserts; failing that, what is shown.
    pub calling: Spoken<'a>,
    /// Number shown to the called, where it is told beside an asserted one: SIP From.
    pub shown: Option<&'a str>,
    /// Called number.
    pub called: Spoken<'a>,
    /// Last diverting number of a forwarded call.
    pub diverting: Option<Spoken<'a>>,
    /// How often it was forwarded; 1 when there is a diverting number and this is not told.
    pub diversions: Option<u8>,
    /// Who was called first.
    pub first_called: Option<Spoken<'a>>,
}

impl Plain<'_> {
    /// What it says.
    #[must_use]
    pub fn setup(&self, network: &Network) -> Setup {
        let (route, told) = self.route;
        let class = network.routes.route(route).class;
        let by_class = if class == RouteClass::Outbound { Direction::Outbound } else { Direction::Inbound };
        let direction = told.unwrap_or(by_class);
        let plan = |is_theirs| Plan {
            numbering: &network.numbering,
            hint: network.routes.route(route).format(is_theirs),
        };
        let is_inbound = direction == Direction::Inbound;
        let (callers, called) = (plan(is_inbound), plan(!is_inbound));
        let calling = party(self.calling, callers);
        let shown = self.shown.and_then(|text| party(Spoken { text, ..Spoken::default() }, callers).number);
        let diverting = self.diverting.map(|spoken| party(spoken, callers));
        let once = u8::from(diverting.is_some());
        Setup {
            overlap: None,
            route,
            direction,
            claims: Claims {
                diversions: self.diversions.unwrap_or(once),
                first_called: self.first_called.and_then(|spoken| party(spoken, callers).number),
                shows_other: calling.number.zip(shown).map(|(asserted, shown)| asserted != shown),
                ..Claims::default()
            },
            correlation: Correlation::default(),
            calling,
            called: party(self.called, called),
            diverting,
            equipment: 0,
        }
    }
}

/// Where a call comes from, or goes to, in plain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'a> {
    /// Address of the SIP element on the other side.
    Peer(IpAddr),
    /// Network indicator and point code of the exchange on the other side.
    PointCode(u8, u32),
    /// Name of the route in the network file.
    Route(&'a str),
}

impl Place<'_> {
    /// Its route; `None` for a name that no route has. Addresses and point codes of no route are on
    /// [`RouteId::UNKNOWN`], as they are in signalling.
    #[must_use]
    pub fn route(self, network: &Network) -> Option<RouteId> {
        match self {
            Self::Peer(address) => Some(network.routes.of_peer(address).unwrap_or(RouteId::UNKNOWN)),
            Self::PointCode(indicator, code) => {
                Some(network.routes.of_point_code(indicator, code).unwrap_or(RouteId::UNKNOWN))
            }
            Self::Route(name) => network.routes.of_name(name),
        }
    }
}

fn party(spoken: Spoken<'_>, plan: Plan<'_>) -> Party {
    let text = spoken.text.trim().as_bytes();
    let mut party = match spoken.nature {
        Some(_) if text.is_empty() => Party::default(),
        Some(nature) => plan.numbering.party(text, nature, plan.hint),
        None => {
            let mut uri = Uri::parse(text).unwrap_or_default();
            if uri == Uri::default() {
                uri.user = text;
            }
            sip::party(&uri, plan)
        }
    };
    party.restricted |= spoken.restricted;
    party
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::field::Country;
    use crate::base::number::Shape;
    use crate::base::numbering::Numbering;
    use crate::base::route::{Route, Routes};

    fn network() -> Network {
        let abroad = Route {
            peers: vec!["192.0.2.0/24".parse().unwrap()],
            point_codes: vec![(2, 300)],
            ..Route::new("abroad", RouteClass::International)
        };
        let routes = Routes::new(vec![abroad, Route::new("ours", RouteClass::Outbound)]);
        Network { routes, numbering: Numbering::new(Country(*b"PL")).unwrap(), ..Network::unknown() }
    }

    fn said(text: &str) -> Spoken<'_> {
        Spoken { text, ..Spoken::default() }
    }

    #[test]
    fn numbers_are_read_as_signalling_has_them() {
        let network = network();
        for (spoken, expected) in [
            (said("+48601234567"), Ok("+48601234567")),
            (said("0048601234567"), Ok("+48601234567")),
            (said(" 601234567 "), Ok("+48601234567")),
            (said("%2B48601234567"), Ok("+48601234567")),
            (said("sip:+48601234567@192.0.2.1;user=phone"), Ok("+48601234567")),
            (said("tel:601234567;phone-context=+48"), Ok("+48601234567")),
            (Spoken { nature: Some(Nature::National), ..said("601234567") }, Ok("+48601234567")),
            (Spoken { nature: Some(Nature::International), ..said("48601234567") }, Ok("+48601234567")),
            (Spoken { nature: Some(Nature::International), ..said("") }, Err((Shape::Absent, false))),
            (said("anonymous"), Err((Shape::Absent, true))),
            (said("sip:anonymous@anonymous.invalid"), Err((Shape::Absent, true))),
            (said("112"), Err((Shape::TooShort, false))),
        ] {
            let setup = Plain { calling: spoken, ..Plain::default() }.setup(&network);
            match expected {
                Ok(number) => assert_eq!(setup.calling.number.unwrap().to_string(), number, "{spoken:?}"),
                Err((shape, restricted)) => {
                    assert_eq!(
                        (setup.calling.shape, setup.calling.restricted),
                        (shape, restricted),
                        "{spoken:?}"
                    );
                }
            }
        }
        let hidden = Spoken { restricted: true, ..said("+48601234567") };
        assert!(Plain { calling: hidden, ..Plain::default() }.setup(&network).calling.restricted);
    }

    #[test]
    fn the_route_follows_from_where_the_call_comes_from() {
        let network = network();
        for (place, expected) in [
            (Place::Peer("192.0.2.7".parse().unwrap()), Some(RouteId(1))),
            (Place::Peer("203.0.113.7".parse().unwrap()), Some(RouteId::UNKNOWN)),
            (Place::PointCode(2, 300), Some(RouteId(1))),
            (Place::PointCode(0, 300), Some(RouteId::UNKNOWN)),
            (Place::Route("ours"), Some(RouteId(2))),
            (Place::Route("nobody"), None),
        ] {
            assert_eq!(place.route(&network), expected, "{place:?}");
        }
        let direction = |route| Plain { route, ..Plain::default() }.setup(&network).direction;
        assert_eq!(direction((RouteId(1), None)), Direction::Inbound);
        assert_eq!(direction((RouteId(2), None)), Direction::Outbound);
        assert_eq!(direction((RouteId(1), Some(Direction::Outbound))), Direction::Outbound);
    }

    #[test]
    fn claims_follow_from_what_is_told_beside_the_numbers() {
        let network = network();
        let plain = Plain {
            calling: said("+48601234567"),
            shown: Some("+48601234568"),
            diverting: Some(said("+48600000001")),
            first_called: Some(said("+48600000002")),
            ..Plain::default()
        };
        let claims = plain.setup(&network).claims;
        assert_eq!((claims.diversions, claims.shows_other), (1, Some(true)));
        assert_eq!(claims.first_called.unwrap().to_string(), "+48600000002");
        let told = Plain { shown: Some("00 48601234567"), diversions: Some(3), ..plain };
        let claims = told.setup(&network).claims;
        assert_eq!((claims.diversions, claims.shows_other), (3, Some(false)));
    }
}
