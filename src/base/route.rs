//! Routes: which interconnect a call came in by or went out on. Filled in from the network file.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::base::map::{Map, Seed};

/// Index of a route in [`Routes`]. [`RouteId::UNKNOWN`] is always there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RouteId(pub u16);

impl RouteId {
    /// The route named `unknown`, class international, of calls that match no other.
    pub const UNKNOWN: RouteId = RouteId(0);
}

/// What kind of interconnect a route is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum RouteClass {
    /// A carrier from abroad.
    International,
    /// Another operator of the same country.
    National,
    /// The operator's own network.
    OnNet,
    /// A business customer's trunk.
    Enterprise,
    /// A contracted route for flash calls.
    White,
    /// The operator's own subscribers' calls leaving.
    Outbound,
}

impl RouteClass {
    /// Names as in the network file, in the order of the enum.
    pub const NAMES: [&'static str; 6] =
        ["international", "national", "on-net", "enterprise", "white", "outbound"];
    /// Every class, in the order of the enum.
    pub const ALL: [RouteClass; 6] = [
        RouteClass::International,
        RouteClass::National,
        RouteClass::OnNet,
        RouteClass::Enterprise,
        RouteClass::White,
        RouteClass::Outbound,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }

    /// Whether our own subscribers or customers are on the other side: their calls come in, and may leave again.
    #[must_use]
    pub const fn is_own(self) -> bool {
        matches!(self, Self::OnNet | Self::Enterprise)
    }

    /// Whether somebody else is on the other side, who may send what he likes: another operator or a customer.
    #[must_use]
    pub const fn is_outside(self) -> bool {
        matches!(self, Self::International | Self::National | Self::Enterprise | Self::White)
    }
}

/// Whether a call enters the operator's network or leaves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Direction {
    /// From the route's other side.
    #[default]
    Inbound,
    /// To the route's other side, or by a route of class outbound.
    Outbound,
}

/// Where on its way through the operator's network a call is seen, from the least telling place to the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Between elements that no route names.
    Unknown,
    /// Going out by a route.
    Out,
    /// Set up by an element of the operator's own network.
    Own,
    /// Coming in from somebody else.
    In,
}

impl Direction {
    /// Names, in the order of the enum.
    pub const NAMES: [&'static str; 2] = ["inbound", "outbound"];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

/// How a route sends numbers that say nothing about themselves (no `+`, no `00`, nature of address unknown).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum NumberFormat {
    /// By their shape: national when they fit the home plan, else international.
    #[default]
    Auto,
    /// As `Auto`, written by somebody abroad: international when they can be, else national. Not in the network file;
    /// see [`Route::format`].
    AutoAbroad,
    /// Country code first.
    International,
    /// National (significant) numbers, with or without the national prefix.
    National,
}

/// One `[[route]]` of the network file.
#[derive(Clone, Debug)]
pub struct Route {
    /// Unique name.
    pub name: String,
    /// Class.
    pub class: RouteClass,
    /// The other side's SIP elements.
    pub peers: Vec<IpNet>,
    /// Adjacent point codes with their network indicator.
    pub point_codes: Vec<(u8, u32)>,
    /// Hint for bare numbers.
    pub number_format: NumberFormat,
    /// SIP 183 on this route means that the called side is alerted.
    pub progress_is_alerting: bool,
    /// Contracted sender, on white routes.
    pub sender: Option<String>,
}

impl Route {
    /// How bare numbers are to be read: those of its other side (who calls in, whom we call), or those of ours. Somebody
    /// abroad writes his numbers with the country code, with or without a sign of it.
    #[must_use]
    pub fn format(&self, is_theirs: bool) -> NumberFormat {
        match self.number_format {
            NumberFormat::Auto if is_theirs && self.class == RouteClass::International => {
                NumberFormat::AutoAbroad
            }
            format => format,
        }
    }

    /// A route of which only name and class are known.
    #[must_use]
    pub fn new(name: &str, class: RouteClass) -> Self {
        Self {
            name: name.to_owned(),
            class,
            peers: Vec::new(),
            point_codes: Vec::new(),
            number_format: NumberFormat::Auto,
            progress_is_alerting: false,
            sender: None,
        }
    }
}

/// All routes, and the tables that find one by address.
#[derive(Debug)]
pub struct Routes {
    routes: Vec<Route>,
    /// By prefix length, longest first: network address → route.
    by_network: Vec<(u8, Map<IpAddr, RouteId>)>,
    by_point_code: Map<(u8, u32), RouteId>,
}

impl Routes {
    /// Builds the tables. The route `unknown` is put first. Of two routes that name the same address the first wins;
    /// the network file's checks refuse that.
    #[must_use]
    pub fn new(configured: Vec<Route>) -> Self {
        let unknown = Route::new("unknown", RouteClass::International);
        let routes: Vec<Route> = std::iter::once(unknown).chain(configured).collect();
        let mut by_length: std::collections::BTreeMap<u8, Map<IpAddr, RouteId>> =
            std::collections::BTreeMap::new();
        let mut by_point_code = Map::with_hasher(Seed::default());
        for (index, route) in routes.iter().enumerate() {
            let id = RouteId(index as u16);
            for peer in &route.peers {
                let length = peer.prefix_len() + if peer.addr().is_ipv4() { 96 } else { 0 };
                let table = by_length.entry(length).or_insert_with(|| Map::with_hasher(Seed::default()));
                table.entry(peer.network()).or_insert(id);
            }
            for code in &route.point_codes {
                by_point_code.entry(*code).or_insert(id);
            }
        }
        Self { routes, by_network: by_length.into_iter().rev().collect(), by_point_code }
    }

    /// The route with this id.
    #[must_use]
    pub fn route(&self, id: RouteId) -> &Route {
        &self.routes[usize::from(id.0)]
    }

    /// All routes; the index is the id.
    #[must_use]
    pub fn all(&self) -> &[Route] {
        &self.routes
    }

    /// Route of a call set up from `src` to `dst`: by where it comes from, failing that by where it goes to.
    #[must_use]
    pub fn of_addresses(&self, src: IpAddr, dst: IpAddr) -> (RouteId, Direction) {
        self.choose(self.of_peer(src), || self.of_peer(dst))
    }

    /// Route of a call set up from `opc` to `dpc`.
    #[must_use]
    pub fn of_point_codes(&self, network_indicator: u8, opc: u32, dpc: u32) -> (RouteId, Direction) {
        let find = |code| self.of_point_code(network_indicator, code);
        self.choose(find(opc), || find(dpc))
    }

    /// Where a call of this route and direction is seen.
    #[must_use]
    pub fn place(&self, (route, direction): (RouteId, Direction)) -> Place {
        match direction {
            _ if route == RouteId::UNKNOWN => Place::Unknown,
            Direction::Outbound => Place::Out,
            Direction::Inbound if self.route(route).class.is_outside() => Place::In,
            Direction::Inbound => Place::Own,
        }
    }

    /// Whether a call of this route and direction leaves for somebody else, where the rules look at the way out.
    #[must_use]
    pub fn is_exit(&self, (route, direction): (RouteId, Direction)) -> bool {
        let class = self.route(route).class;
        self.place((route, direction)) == Place::Out && (class.is_outside() || class == RouteClass::Outbound)
    }

    /// The route with this name.
    #[must_use]
    pub fn of_name(&self, name: &str) -> Option<RouteId> {
        self.routes.iter().position(|route| route.name == name).map(|index| RouteId(index as u16))
    }

    /// The route of the element with this address, as the other side.
    #[must_use]
    pub fn of_peer(&self, address: IpAddr) -> Option<RouteId> {
        self.by_network.iter().find_map(|(length, table)| {
            let own_length = if address.is_ipv4() { length.checked_sub(96)? } else { *length };
            let network = IpNet::new(address, own_length).ok()?.network();
            table.get(&network).copied()
        })
    }

    /// The route of the exchange with this point code, as the other side.
    #[must_use]
    pub fn of_point_code(&self, network_indicator: u8, code: u32) -> Option<RouteId> {
        self.by_point_code.get(&(network_indicator, code)).copied()
    }

    /// Where a call goes to is looked up only when nobody is known where it comes from.
    fn choose(&self, from: Option<RouteId>, to: impl FnOnce() -> Option<RouteId>) -> (RouteId, Direction) {
        match from {
            Some(id) if self.route(id).class == RouteClass::Outbound => (id, Direction::Outbound),
            Some(id) => (id, Direction::Inbound),
            None => to().map_or((RouteId::UNKNOWN, Direction::Inbound), |id| (id, Direction::Outbound)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(name: &str, class: RouteClass, peers: &[&str], point_codes: &[(u8, u32)]) -> Route {
        Route {
            name: name.into(),
            class,
            peers: peers.iter().map(|peer| peer.parse().unwrap()).collect(),
            point_codes: point_codes.to_vec(),
            number_format: NumberFormat::Auto,
            progress_is_alerting: false,
            sender: None,
        }
    }

    fn routes() -> Routes {
        Routes::new(vec![
            route("wide", RouteClass::International, &["10.0.0.0/8", "2001:db8::/32"], &[(0, 100)]),
            route("narrow", RouteClass::National, &["10.1.0.0/16", "10.1.2.3/16"], &[(2, 100), (2, 200)]),
            route("one", RouteClass::White, &["10.1.2.3/32", "2001:db8::1/128"], &[]),
            route("ours", RouteClass::Outbound, &["192.0.2.0/24"], &[(2, 300)]),
            route("all-v6", RouteClass::National, &["::/0"], &[]),
        ])
    }

    #[test]
    fn the_longest_prefix_wins() {
        let routes = routes();
        for (src, expected) in [
            ("10.200.0.1", "wide"),
            ("10.1.9.9", "narrow"),
            ("10.1.2.3", "one"),
            ("10.1.2.4", "narrow"),
            ("11.0.0.1", "unknown"),
            ("2001:db8::1", "one"),
            ("2001:db8::2", "wide"),
            ("2001:db9::2", "all-v6"),
            // An IPv4 peer and its IPv4-mapped form are the same element only when the file says so.
            ("::ffff:10.1.2.3", "all-v6"),
        ] {
            let (id, direction) = routes.of_addresses(src.parse().unwrap(), "203.0.113.1".parse().unwrap());
            assert_eq!(routes.route(id).name, expected, "{src}");
            assert_eq!(direction, Direction::Inbound, "{src}");
        }
    }

    #[test]
    fn direction_is_by_the_side_that_is_known() {
        let routes = routes();
        for (src, dst, expected, direction) in [
            ("10.1.2.3", "192.0.2.1", "one", Direction::Inbound),
            ("203.0.113.1", "10.1.2.3", "one", Direction::Outbound),
            ("192.0.2.1", "10.1.2.3", "ours", Direction::Outbound),
            ("203.0.113.1", "203.0.113.2", "unknown", Direction::Inbound),
        ] {
            let (id, found) = routes.of_addresses(src.parse().unwrap(), dst.parse().unwrap());
            assert_eq!((routes.route(id).name.as_str(), found), (expected, direction), "{src} {dst}");
        }
    }

    #[test]
    fn point_codes_belong_to_their_network() {
        let routes = routes();
        for (indicator, opc, dpc, expected, direction) in [
            (0, 100, 1, "wide", Direction::Inbound),
            (2, 100, 1, "narrow", Direction::Inbound),
            (2, 1, 200, "narrow", Direction::Outbound),
            (2, 300, 200, "ours", Direction::Outbound),
            (0, 200, 1, "unknown", Direction::Inbound),
        ] {
            let (id, found) = routes.of_point_codes(indicator, opc, dpc);
            assert_eq!(
                (routes.route(id).name.as_str(), found),
                (expected, direction),
                "{indicator} {opc} {dpc}"
            );
        }
        assert_eq!(routes.route(RouteId::UNKNOWN).name, "unknown");
        assert_eq!(routes.all().len(), 6);
    }
}
