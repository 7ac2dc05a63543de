//! The operator's network as the captures show it: routes, addresses, point codes; and `network.toml`, which says so.

use std::fmt::Write;
use std::net::Ipv4Addr;

use tollgate::simulate::render::association::Link;

/// The operator's session border controllers.
pub const OWN_SIP: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 10), Ipv4Addr::new(192, 0, 2, 11)];
/// Address of the operator's exchange.
const OWN_SIGTRAN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 40);
/// The operator's country code.
const HOME_CODE: &str = "48";

/// What a route runs on.
#[derive(Clone, Copy)]
pub enum Bearer {
    /// The other side's SIP elements.
    Sip(&'static [Ipv4Addr]),
    Isup(Link),
}

/// A route.
#[derive(Clone, Copy)]
pub struct Route {
    pub name: &'static str,
    pub class: &'static str,
    pub sender: Option<&'static str>,
    pub bearer: Bearer,
}

/// The first international SIP route.
pub const INTL_SIP_1: Route = Route {
    name: "intl-sip-1",
    class: "international",
    sender: None,
    bearer: Bearer::Sip(&[Ipv4Addr::new(198, 51, 100, 10), Ipv4Addr::new(198, 51, 100, 11)]),
};
const INTL_SIP_2: Route = Route {
    name: "intl-sip-2",
    class: "international",
    sender: None,
    bearer: Bearer::Sip(&[Ipv4Addr::new(203, 0, 113, 20)]),
};
const NAT_SIP_1: Route = Route {
    name: "nat-sip-1",
    class: "national",
    sender: None,
    bearer: Bearer::Sip(&[Ipv4Addr::new(198, 51, 100, 130)]),
};
const WHITE_ACME: Route = Route {
    name: "white-acme",
    class: "white",
    sender: Some("acme-verify"),
    bearer: Bearer::Sip(&[Ipv4Addr::new(203, 0, 113, 200)]),
};
const OWN_OUT: Route =
    Route { name: "own-out", class: "outbound", sender: None, bearer: Bearer::Sip(&OWN_SIP) };
/// The international ISUP route: network indicator 0.
pub const INTL_ISUP_1: Route = Route {
    name: "intl-isup-1",
    class: "international",
    sender: None,
    bearer: Bearer::Isup(Link {
        network_indicator: 0,
        far_code: 8_321,
        own_code: 5_017,
        far_address: Ipv4Addr::new(198, 51, 100, 40),
        own_address: OWN_SIGTRAN,
        fragment_over: 1_400,
        home_code: HOME_CODE,
    }),
};
/// The national ISUP route: network indicator 2.
pub const NAT_ISUP_1: Route = Route {
    name: "nat-isup-1",
    class: "national",
    sender: None,
    bearer: Bearer::Isup(Link {
        network_indicator: 2,
        far_code: 1_201,
        own_code: 300,
        far_address: Ipv4Addr::new(203, 0, 113, 40),
        own_address: OWN_SIGTRAN,
        fragment_over: 1_400,
        home_code: HOME_CODE,
    }),
};
/// Every route of the demonstration.
pub const ALL: [Route; 7] = [INTL_SIP_1, INTL_SIP_2, INTL_ISUP_1, NAT_ISUP_1, NAT_SIP_1, WHITE_ACME, OWN_OUT];

/// The network file that describes `routes`.
pub fn toml(routes: &[Route], has_roaming: bool) -> String {
    let mut text = String::from("# Written by `make-captures`.\nhome = \"PL\"\n");
    for route in routes {
        let Route { name, class, sender, bearer } = route;
        let _ = write!(text, "\n[[route]]\nname = \"{name}\"\nclass = \"{class}\"\n");
        if let Some(sender) = sender {
            let _ = writeln!(text, "sender = \"{sender}\"");
        }
        let _ = match bearer {
            Bearer::Sip(peers) => {
                let list: Vec<String> = peers.iter().map(|peer| format!("\"{peer}\"")).collect();
                writeln!(text, "peers = [{}]", list.join(", "))
            }
            Bearer::Isup(link) => writeln!(
                text,
                "point-codes = [{}]\nnetwork-indicator = {}",
                link.far_code, link.network_indicator
            ),
        };
    }
    if has_roaming {
        text.push_str("\n[roaming]\nfile = \"roaming.csv\"\n");
    }
    if routes.iter().any(|route| route.sender.is_some()) {
        text.push_str("\n[billing]\nrate-card = \"rates.csv\"\n");
    }
    text
}

/// Prices of the contracted senders' calls.
pub const RATES: &str = "\
sender,dest_prefix,valid_from,valid_to,tier_from,currency,price,unit
acme-verify,+48,2026-01-01,2027-01-01,0,EUR,0.0065,attempt
acme-verify,+48,2026-01-01,2027-01-01,100,EUR,0.0052,attempt
";
