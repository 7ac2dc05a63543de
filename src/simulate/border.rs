//! The operator's border as the traffic shows it: addresses and point codes of every trunk, and the files that tell
//! Tollgate of them.
//!
//! Addresses are of the three networks kept for documentation (RFC 5737): 192.0.2.0/24 is the operator's, the other two
//! are everybody else's.

use std::fmt::Write;
use std::net::Ipv4Addr;

use crate::base::network::RoamingState;
use crate::base::route::RouteClass;
use crate::simulate::render::association::Link;
use crate::simulate::scenario::Transport;
use crate::simulate::world::{Trunk, World};

/// The operator's session border controllers.
pub const OWN_SIP: [Ipv4Addr; 2] = [Ipv4Addr::new(192, 0, 2, 10), Ipv4Addr::new(192, 0, 2, 11)];
/// Address of the operator's exchange.
const OWN_EXCHANGE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 40);
/// Its point codes in the international and in the national network.
const OWN_CODES: [u32; 2] = [5_017, 300];
/// First point codes of others in the two networks.
const FAR_CODES: [u32; 2] = [8_321, 1_201];
/// How many addresses others have.
const FAR_ADDRESSES: usize = 2 * 254;
/// Most octets of a user message in one DATA chunk.
const FRAGMENT_OVER: usize = 1_400;

/// What a trunk runs on.
#[derive(Clone, Debug)]
pub enum Bearer {
    /// Two exchanges.
    Isup(Link),
    /// The other side's elements.
    Sip {
        /// Their addresses; never empty.
        elements: Vec<Ipv4Addr>,
        /// `UDP` or `TCP`.
        transport: &'static str,
    },
}

/// Addresses and point codes for every trunk of the world, in its order.
///
/// # Errors
/// When there are more elements than addresses.
pub fn lay_out(world: &World) -> Result<Vec<Bearer>, String> {
    let mut addresses = (0..FAR_ADDRESSES).map(|index| {
        let host = (index % 254 + 1) as u8;
        if index < 254 { Ipv4Addr::new(198, 51, 100, host) } else { Ipv4Addr::new(203, 0, 113, host) }
    });
    let mut address = || {
        addresses.next().ok_or_else(|| format!("the trunks have more than {FAR_ADDRESSES} elements in all"))
    };
    let mut used = [0; 2];
    let mut bearers = Vec::with_capacity(world.trunks().len());
    for trunk in world.trunks() {
        bearers.push(match trunk.transport {
            Transport::Isup => {
                let is_national = trunk.class != RouteClass::International;
                let plane = usize::from(is_national);
                used[plane] += 1;
                Bearer::Isup(Link {
                    network_indicator: if is_national { 2 } else { 0 },
                    far_code: FAR_CODES[plane] + 8 * (used[plane] - 1),
                    own_code: OWN_CODES[plane],
                    far_address: address()?,
                    own_address: OWN_EXCHANGE,
                    fragment_over: FRAGMENT_OVER,
                    home_code: world.home().code,
                })
            }
            Transport::SipTcp | Transport::SipUdp => Bearer::Sip {
                elements: (0..trunk.elements).map(|_| address()).collect::<Result<_, _>>()?,
                transport: if trunk.transport == Transport::SipTcp { "TCP" } else { "UDP" },
            },
        });
    }
    Ok(bearers)
}

/// The network file.
#[must_use]
pub fn network_toml(world: &World, bearers: &[Bearer], has_exempt: bool) -> String {
    let mut text = format!("# Written by `tollgate simulate`.\nhome = \"{}\"\n", world.home().iso);
    for (trunk, bearer) in world.trunks().iter().zip(bearers) {
        // Writing to a string cannot fail.
        let _ = write_route(&mut text, trunk, bearer);
    }
    text.push_str("\n[roaming]\nfile = \"roaming.csv\"\n");
    if world.trunks().iter().any(|trunk| trunk.sender.is_some()) {
        text.push_str("\n[billing]\nrate-card = \"rates.csv\"\n");
    }
    if has_exempt {
        text.push_str("\n[lists]\ncli-exempt = \"cli-exempt.csv\"\n");
    }
    text
}

fn write_route(text: &mut String, trunk: &Trunk, bearer: &Bearer) -> std::fmt::Result {
    let class = RouteClass::NAMES[trunk.class as usize];
    write!(text, "\n[[route]]\nname = \"{}\"\nclass = \"{class}\"\n", trunk.name)?;
    if let Some(sender) = &trunk.sender {
        writeln!(text, "sender = \"{sender}\"")?;
    }
    match bearer {
        Bearer::Isup(link) => writeln!(
            text,
            "point-codes = [{}]\nnetwork-indicator = {}",
            link.far_code, link.network_indicator
        ),
        Bearer::Sip { elements, .. } => {
            let list: Vec<String> = elements.iter().map(|address| format!("\"{address}\"")).collect();
            writeln!(text, "peers = [{}]", list.join(", "))
        }
    }
}

/// The lines of `roaming.csv` with their newlines, a subscriber's together: of those whose state the operator knows, with
/// the moment at which it hears of a change.
pub fn roaming_csv(world: &World) -> impl Iterator<Item = String> + '_ {
    let rows = (0..world.subscribers()).filter(|index| world.is_state_known(*index)).map(|index| {
        let (number, (first, updates)) = (world.subscriber(index), world.whereabouts().updates(index));
        let name = |state: RoamingState| RoamingState::NAMES[state as usize];
        let mut rows = format!("+{number},{},\n", name(first));
        for (since, state) in updates {
            // Writing to a string cannot fail.
            let _ = writeln!(rows, "+{number},{},{since}", name(state));
        }
        rows
    });
    std::iter::once("number,state,since\n".to_owned()).chain(rows)
}

/// `cli-exempt.csv`, when there are home numbers with proof that they may come in from abroad.
#[must_use]
pub fn exempt_csv(world: &World, prefixes: &[String]) -> Option<String> {
    if prefixes.is_empty() {
        return None;
    }
    let mut text = "prefix,owner,reason,expires,route,proof\n".to_owned();
    for prefix in prefixes {
        for trunk in world.trunks().iter().filter(|trunk| trunk.class == RouteClass::International) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "+{prefix},Cloud PBX,made traffic,2199-12-31,{},cloud_pbx", trunk.name);
        }
    }
    Some(text)
}

/// `rates.csv`, when a contracted sender needs one: one price an attempt to the home country.
#[must_use]
pub fn rates_csv(world: &World) -> Option<String> {
    let senders: std::collections::BTreeSet<&str> =
        world.trunks().iter().filter_map(|trunk| trunk.sender.as_deref()).collect();
    if senders.is_empty() {
        return None;
    }
    let mut text = "sender,dest_prefix,valid_from,valid_to,tier_from,currency,price,unit\n".to_owned();
    for sender in senders {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{sender},+{},2000-01-01,2200-01-01,0,EUR,0.0065,attempt", world.home().code);
    }
    Some(text)
}
