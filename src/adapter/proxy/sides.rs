//! The two sides of a proxy: who belongs where, and where a request goes. RFC 3261 §16.5, §16.6 steps 6 and 7.
//!
//! A request goes from one side to the other and never back to its own, and only to the other side's networks: the proxy is
//! no relay for strangers. Names are not looked up, since nothing may wait: what names no address takes a next hop.

use std::net::SocketAddr;

use ipnet::IpNet;

use crate::adapter::proxy::hops::Hops;
use crate::adapter::proxy::options::{ProxyOptions, SideOptions};
use crate::wire::sip::Message;
use crate::wire::sip::address::Uri;
use crate::wire::sip::forward::Path;
use crate::wire::sip::place::uri_address;
use crate::wire::sip::start::Start;

/// A side of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Where calls come from that are asked about.
    Carriers,
    /// The operator's own switches.
    Core,
}

impl Side {
    pub const BOTH: [Self; 2] = [Self::Carriers, Self::Core];

    pub const fn other(self) -> Self {
        match self {
            Self::Carriers => Self::Core,
            Self::Core => Self::Carriers,
        }
    }
}

/// Why a request goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoWay {
    /// To an address outside the other side's networks.
    Foreign,
    /// There is no next hop.
    Unroutable,
}

/// One side.
#[derive(Debug)]
pub(super) struct Place {
    /// Where it listens.
    pub local: SocketAddr,
    /// Where its requests go.
    pub hops: Hops,
    networks: Vec<IpNet>,
}

impl Place {
    fn new(local: SocketAddr, side: &SideOptions, options: &ProxyOptions) -> Self {
        let hops = Hops::new(&side.next_hops, options.seed, options.probes_missed_max);
        let hosts = side.next_hops.iter().map(|hop| IpNet::from(hop.ip()));
        Self { local, hops, networks: side.networks.iter().copied().chain(hosts).collect() }
    }

    /// Whether this address may send to us here, and be sent to.
    pub fn holds(&self, address: SocketAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address.ip()))
    }
}

/// Both sides.
#[derive(Debug)]
pub(super) struct Sides {
    carriers: Place,
    core: Place,
    /// Addresses that are ours.
    pub own: Vec<SocketAddr>,
}

impl Sides {
    pub fn new(options: &ProxyOptions, [carriers, core]: [SocketAddr; 2]) -> Self {
        let own = if carriers == core { vec![carriers] } else { vec![carriers, core] };
        let carriers = Place::new(carriers, &options.carriers, options);
        Self { carriers, core: Place::new(core, &options.core, options), own }
    }

    pub const fn at(&self, side: Side) -> &Place {
        match side {
            Side::Carriers => &self.carriers,
            Side::Core => &self.core,
        }
    }

    /// The side that a sender to one of `here` belongs to.
    pub fn of(&self, here: &[Side], source: SocketAddr) -> Option<Side> {
        here.iter().copied().find(|side| self.at(*side).holds(source))
    }

    /// Our addresses as a dialog records them, for a request that goes out on this side: the one nearest to it on top.
    pub fn recorded(&self, to: Side) -> Vec<SocketAddr> {
        let mut recorded = vec![self.at(to).local, self.at(to.other()).local];
        recorded.dedup();
        recorded
    }

    /// Where a request goes that came from this side.
    ///
    /// A Route decides; behind a Route of ours, so does the request's URI. Otherwise it is a next hop, for the ACK to a refusal
    /// as for its INVITE: nothing but a Route of ours tells a message in a dialog from those.
    pub fn way(&self, from: Side, message: &Message<'_>, bytes: &[u8]) -> Result<SocketAddr, NoWay> {
        let there = self.at(from.other());
        let path = Path::of(bytes, &self.own);
        let named = match (path.next, message.start) {
            (Some(_), _) => path.next_address(),
            (None, Start::Request { uri, .. }) => {
                Uri::parse(uri).and_then(|parsed| uri_address(uri, &parsed))
            }
            (None, Start::Response { .. }) => None,
        };
        let is_bound = path.next.is_some() || path.was_routed || there.hops.is_empty();
        match named.filter(|address| !self.own.contains(address)) {
            Some(address) if there.hops.has(address) => Ok(address),
            Some(address) if is_bound => {
                if there.holds(address) {
                    Ok(address)
                } else {
                    Err(NoWay::Foreign)
                }
            }
            _ => there.hops.choose(message.call_id).ok_or(NoWay::Unroutable),
        }
    }

    /// Whether a request's URI names us, and no Route leads further.
    pub fn is_for_us(&self, message: &Message<'_>, bytes: &[u8]) -> bool {
        let Start::Request { uri, .. } = message.start else { return false };
        let address = Uri::parse(uri).and_then(|parsed| uri_address(uri, &parsed));
        address.is_some_and(|address| self.own.contains(&address))
            && Path::of(bytes, &self.own).next.is_none()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::base::map::Seed;

    fn sides(carrier_hops: &[&str]) -> Sides {
        let side = |listen: &str, network: &str, hops: &[&str]| SideOptions {
            listen: listen.parse().unwrap(),
            networks: vec![network.parse().unwrap()],
            next_hops: hops.iter().map(|hop| hop.parse().unwrap()).collect(),
        };
        let carriers = side("192.0.2.1:5060", "192.0.2.0/24", carrier_hops);
        let core = side("198.51.100.1:5060", "198.51.100.0/24", &["198.51.100.8:5060", "203.0.113.8:5070"]);
        let listen = [carriers.listen, core.listen];
        Sides::new(&ProxyOptions::between(carriers, core, Seed(1)), listen)
    }

    fn way(sides: &Sides, from: Side, uri: &str, route: &str) -> Result<String, NoWay> {
        let text = format!(
            "INVITE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n{route}From: <sip:1@h>;tag=a\r\n\
             To: <sip:2@h>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n"
        );
        let message = Message::parse(text.as_bytes()).unwrap();
        sides.way(from, &message, text.as_bytes()).map(|address| address.to_string())
    }

    #[test]
    fn knows_who_belongs_where() {
        let sides = sides(&[]);
        let of = |here: &[Side], source: &str| sides.of(here, source.parse().unwrap());
        assert_eq!(of(&[Side::Carriers], "192.0.2.77:9"), Some(Side::Carriers));
        assert_eq!(of(&[Side::Carriers], "198.51.100.8:5060"), None);
        assert_eq!(of(&Side::BOTH, "203.0.113.8:1"), Some(Side::Core));
        assert_eq!(of(&Side::BOTH, "203.0.113.9:5070"), None);
        assert_eq!(
            sides.recorded(Side::Core),
            ["198.51.100.1:5060", "192.0.2.1:5060"].map(|own| own.parse().unwrap())
        );
    }

    #[test]
    fn goes_where_route_and_uri_say_and_nowhere_else() {
        let sides = sides(&[]);
        let chosen = way(&sides, Side::Carriers, "sip:2@fw.example", "").unwrap();
        let ours = "Route: <sip:192.0.2.1;lr>,<sip:198.51.100.1;lr>\r\n";
        let beyond = "Route: <sip:192.0.2.1;lr>,<sip:198.51.100.9:5090;lr>\r\n";
        let foreign = "Route: <sip:203.0.113.9;lr>\r\n";
        for (from, uri, route, expected) in [
            (Side::Carriers, "sip:2@192.0.2.1", "", Ok(chosen.as_str())),
            (Side::Carriers, "sip:2@198.51.100.8", "", Ok("198.51.100.8:5060")),
            (Side::Carriers, "sip:2@203.0.113.8:5070", "", Ok("203.0.113.8:5070")),
            // Not said by a Route of ours: whatever a stranger's URI says, it goes to a next hop.
            (Side::Carriers, "sip:2@198.51.100.77", "", Ok(chosen.as_str())),
            (Side::Carriers, "sip:2@203.0.113.9", "", Ok(chosen.as_str())),
            (Side::Carriers, "tel:+48601", "", Ok(chosen.as_str())),
            (Side::Carriers, "sip:2@198.51.100.77:5071", ours, Ok("198.51.100.77:5071")),
            (Side::Carriers, "sip:2@203.0.113.9", ours, Err(NoWay::Foreign)),
            (Side::Carriers, "sip:2@192.0.2.5", ours, Err(NoWay::Foreign)),
            (Side::Carriers, "sip:2@name", ours, Ok(chosen.as_str())),
            (Side::Carriers, "sip:2@203.0.113.9", beyond, Ok("198.51.100.9:5090")),
            (Side::Carriers, "sip:2@198.51.100.77", foreign, Err(NoWay::Foreign)),
            (Side::Core, "sip:2@192.0.2.5:5062", ours, Ok("192.0.2.5:5062")),
            (Side::Core, "sip:2@192.0.2.5:5062", "", Ok("192.0.2.5:5062")),
            (Side::Core, "sip:2@198.51.100.5", "", Err(NoWay::Foreign)),
            (Side::Core, "sip:2@carrier.example", "", Err(NoWay::Unroutable)),
        ] {
            assert_eq!(way(&sides, from, uri, route), expected.map(str::to_owned), "{from:?} {uri} {route}");
        }
        let with_hop = self::sides(&["192.0.2.50:5060"]);
        assert_eq!(way(&with_hop, Side::Core, "sip:2@carrier.example", ""), Ok("192.0.2.50:5060".to_owned()));
    }
}
