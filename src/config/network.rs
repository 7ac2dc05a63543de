//! The network file as it is meant: routes, home plan, roaming states, rate card. `docs/network-file.md` describes it.

use std::collections::BTreeMap;
use std::path::Path;

use ipnet::IpNet;
use toml::Spanned;

use crate::base::caret::Caret;
use crate::base::field::Country;
use crate::base::frame::{Mtp, MtpPlan};
use crate::base::network::{Network, emergency_numbers};
use crate::base::numbering::Numbering;
use crate::base::route::{NumberFormat, Route, RouteClass, Routes};
use crate::billing::RateCard;
use crate::call::LegOptions;
use crate::campaign::Labels;
use crate::config::error::{Error, read_text};
use crate::config::legs::read_legs;
use crate::config::lists::load_lists;
use crate::config::look_ups::read_look_ups;
use crate::config::raw::{Findings, NETWORK_INDICATORS, RawMtp, RawNetwork, RawRoute, count, suggest};
use crate::config::roaming::parse_roaming;
use crate::config::stir::read_stir;
use crate::{lookup, stir};

/// Most routes of a file; a route's id has 16 bits, and counters are kept by route.
const ROUTES_MAX: usize = 10_000;
/// Standards of the message transfer part.
const STANDARDS: [(&str, Mtp); 3] = [("ansi", Mtp::Ansi), ("china", Mtp::China), ("itu", Mtp::Itu)];
const NUMBER_FORMATS: [&str; 3] = ["auto", "international", "national"];

/// What a network file and the files it names come to.
#[derive(Debug)]
pub struct Loaded {
    /// The network.
    pub network: Network,
    /// Prices, when the file names a rate card.
    pub rate_card: Option<RateCard>,
    /// How to ask for roaming states, when the file says whom.
    pub look_ups: Option<lookup::Options>,
    /// How to verify who signed for calls, when the file says so.
    pub stir: Option<stir::Options>,
    /// Labels of test-call campaigns, when the file names some.
    pub labels: Labels,
    /// How legs of one call are joined.
    pub legs: LegOptions,
    /// How many subscribers the operator has, about: how much is remembered goes by it.
    pub subscribers: usize,
}

/// Subscribers of an operator that does not say how many.
pub const SUBSCRIBERS: usize = 1_000_000;
/// Most that are taken for true: more than any operator has.
const SUBSCRIBERS_MAX: usize = 1_000_000_000;

/// Reads a network file and the files it names, whose paths are relative to its directory.
///
/// # Errors
/// The network file that cannot be read; else every finding in it and in the files it names.
pub fn load_network(path: &Path) -> Result<Loaded, Error> {
    load_network_by(path, &read_text)
}

/// The same with another way to read a file, for networks that are not on a disk.
///
/// # Errors
/// As [`load_network`].
pub fn load_network_by(path: &Path, read: &Read<'_>) -> Result<Loaded, Error> {
    let text = read(path)?;
    let shown = path.display().to_string();
    let mut findings = Findings::new(&shown, &text);
    let raw = RawNetwork::read(&text, &mut findings);
    let emergency = emergency(&raw, &mut findings);
    let mtp = mtp(&raw.mtp, &mut findings);
    let routes = routes(&raw.routes, mtp, &mut findings);
    let numbering = numbering(&raw, &mut findings);
    let directory = path.parent().unwrap_or(Path::new(""));
    let mut files = Files { read, directory, findings: Vec::new() };
    let rate_card = raw.rate_card.as_ref().and_then(|file| files.read(file, &mut findings, RateCard::parse));
    let labels = raw.labels.as_ref().and_then(|file| files.read(file, &mut findings, Labels::parse));
    // Without a home plan no number can be read; the finding about `home` comes first.
    let roaming = raw.roaming.file.as_ref().zip(numbering.as_ref()).and_then(|(file, numbering)| {
        files.read(file, &mut findings, |path, text| parse_roaming(path, text, numbering))
    });
    let look_ups = read_look_ups(&raw.roaming, files.directory, &mut findings);
    let legs = read_legs(&raw.legs, &mut findings);
    let stir = read_stir(&raw.stir, &mut files, &mut findings);
    let subscribers = count(&raw.subscribers, SUBSCRIBERS, 1..=SUBSCRIBERS_MAX, &mut findings);
    let lists = load_lists(&raw.lists, &routes, &mut files, &mut findings);
    let mut all: Vec<String> = findings.into_sorted().iter().map(Caret::to_string).collect();
    all.append(&mut files.findings);
    match numbering {
        Some(numbering) if all.is_empty() => {
            let emergency = emergency_numbers(numbering.home(), &emergency);
            let network = Network {
                routes: Routes::new(routes),
                numbering,
                roaming: roaming.unwrap_or_default(),
                emergency,
                lists,
                mtp,
            };
            let labels = labels.unwrap_or_default();
            Ok(Loaded { network, rate_card, look_ups, stir, labels, legs, subscribers })
        }
        _ => Err(Error::Invalid(all)),
    }
}

/// Reads a file of text by its path.
pub type Read<'a> = dyn Fn(&Path) -> Result<String, Error> + 'a;

/// Files that the network file names.
pub(super) struct Files<'a> {
    read: &'a Read<'a>,
    pub(super) directory: &'a Path,
    findings: Vec<String>,
}

impl Files<'_> {
    /// The same of a file of at most `bytes_max` octets.
    pub(super) fn read_limited<T>(
        &mut self,
        file: &Spanned<String>,
        bytes_max: u64,
        findings: &mut Findings<'_>,
        parse: impl FnOnce(&str, &str) -> Result<T, Vec<Caret>>,
    ) -> Option<T> {
        let path = self.directory.join(file.get_ref());
        if std::fs::metadata(&path).is_ok_and(|data| data.len() > bytes_max) {
            findings.add(file.span(), format!("{}: more than {bytes_max} octets", path.display()), "");
            return None;
        }
        self.read(file, findings, parse)
    }

    /// Reads and parses one. A file that cannot be read is a finding where it is named.
    pub(super) fn read<T>(
        &mut self,
        file: &Spanned<String>,
        findings: &mut Findings<'_>,
        parse: impl FnOnce(&str, &str) -> Result<T, Vec<Caret>>,
    ) -> Option<T> {
        let path = self.directory.join(file.get_ref());
        match (self.read)(&path) {
            Ok(text) => match parse(&path.display().to_string(), &text) {
                Ok(value) => return Some(value),
                Err(carets) => self.findings.extend(carets.iter().map(Caret::to_string)),
            },
            Err(Error::Invalid(more)) => self.findings.extend(more),
            Err(error) => findings.add(file.span(), error.to_string(), "paths are relative to this file"),
        }
        None
    }
}

fn numbering(raw: &RawNetwork, findings: &mut Findings<'_>) -> Option<Numbering> {
    let home = raw.home.as_ref()?;
    let numbering = Country::parse(home.get_ref()).and_then(|country| Numbering::new(country).ok());
    if numbering.is_none() {
        let message = format!("no numbering plan of a country `{}`", home.get_ref());
        findings.add(home.span(), message, "two capitals of ISO 3166-1, such as PL");
    }
    numbering
}

fn emergency(raw: &RawNetwork, findings: &mut Findings<'_>) -> Vec<String> {
    for number in &raw.emergency {
        let is_short = (2..=6).contains(&number.get_ref().len());
        if !is_short || !number.get_ref().bytes().all(|byte| byte.is_ascii_digit()) {
            findings.add(number.span(), "an emergency number has 2 to 6 digits, as dialled", "");
        }
    }
    raw.emergency.iter().map(|number| number.get_ref().clone()).collect()
}

/// Whose message transfer part each network uses.
fn mtp(raw: &RawMtp, findings: &mut Findings<'_>) -> MtpPlan {
    let words = STANDARDS.map(|(word, _)| word);
    let mut read = |text: &Option<Spanned<String>>| {
        word("standard", text.as_ref()?, &words, findings).map(|index| STANDARDS[index].1)
    };
    let mut plan = read(&raw.all).map(MtpPlan::all).unwrap_or_default();
    for (indicator, text) in (0..).zip(&raw.networks) {
        if let Some(standard) = read(text) {
            plan.set(indicator, standard);
        }
    }
    plan
}

fn routes(raw: &[RawRoute], mtp: MtpPlan, findings: &mut Findings<'_>) -> Vec<Route> {
    if let Some(route) = raw.get(ROUTES_MAX) {
        findings.add(route.span.clone(), format!("more than {ROUTES_MAX} routes"), "");
    }
    let mut taken = Taken::default();
    raw.iter()
        .take(ROUTES_MAX)
        .map(|raw| {
            let name = name(raw, &mut taken, findings);
            let class = class(raw, findings);
            if raw.peers.is_empty() && raw.point_codes.is_empty() {
                let message =
                    format!("the route `{name}` has neither peers nor point codes, so no call is on it");
                findings.add(raw.span.clone(), message, "add `peers` or `point-codes`");
            }
            Route {
                peers: peers(raw, &name, &mut taken, findings),
                point_codes: point_codes(raw, &name, (mtp, &mut taken), findings),
                number_format: number_format(raw, findings),
                progress_is_alerting: raw.progress_is_alerting,
                sender: sender(raw, class, findings),
                // A file with a class unknown is refused as a whole.
                class: class.unwrap_or(RouteClass::International),
                name,
            }
        })
        .collect()
}

/// What earlier routes are called and where they are: each name, network and point code belongs to one route.
#[derive(Default)]
struct Taken {
    names: BTreeMap<String, ()>,
    networks: BTreeMap<IpNet, String>,
    point_codes: BTreeMap<(u8, u32), String>,
}

fn name(raw: &RawRoute, taken: &mut Taken, findings: &mut Findings<'_>) -> String {
    let Some(name) = &raw.name else { return String::new() };
    let text = name.get_ref();
    if text == "unknown" {
        findings.add(name.span(), "`unknown` is the name of the route of all other calls", "choose another");
    } else if text.is_empty() || text.len() > 64 || text.chars().any(|letter| letter.is_control()) {
        findings.add(name.span(), "a name has 1 to 64 bytes and no control characters", "");
    } else if taken.names.insert(text.clone(), ()).is_some() {
        findings.add(name.span(), format!("a second route `{text}`"), "names are unique");
    }
    text.clone()
}

/// None when it is not known, so that nothing is said of what depends on it.
fn class(raw: &RawRoute, findings: &mut Findings<'_>) -> Option<RouteClass> {
    word("class", raw.class.as_ref()?, &RouteClass::NAMES, findings).map(|index| RouteClass::ALL[index])
}

fn peers(raw: &RawRoute, name: &str, taken: &mut Taken, findings: &mut Findings<'_>) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for peer in &raw.peers {
        let network = match read_network(peer.get_ref()) {
            Ok(network) => network,
            Err((message, help)) => {
                findings.add(peer.span(), message, help);
                continue;
            }
        };
        match taken.networks.insert(network, name.to_owned()) {
            Some(other) => {
                findings.add(peer.span(), format!("{network} is in the route `{other}` already"), "")
            }
            None => networks.push(network),
        }
    }
    networks
}

/// A network, or an address alone; what is wrong otherwise, and what may help.
pub(super) fn read_network(text: &str) -> Result<IpNet, (String, String)> {
    let address = || text.parse::<std::net::IpAddr>().map(IpNet::from);
    let Ok(network) = text.parse().or_else(|_| address()) else {
        let help = "such as 192.0.2.10, 192.0.2.0/24 or 2001:db8::/64";
        return Err((format!("`{text}` is not an address or network"), help.to_owned()));
    };
    if let IpNet::V6(v6) = network
        && let Some(v4) = v6.addr().to_ipv4_mapped()
    {
        // Packets of IPv4 are known by their addresses of IPv4, whatever socket they come to.
        return Err((format!("`{text}` is an address of IPv4 in one of IPv6"), format!("write `{v4}`")));
    }
    if network != network.trunc() {
        let help = format!("did you mean `{}`?", network.trunc());
        return Err((format!("`{network}` has bits beyond its prefix length"), help));
    }
    Ok(network)
}

fn point_codes(
    raw: &RawRoute,
    name: &str,
    (mtp, taken): (MtpPlan, &mut Taken),
    findings: &mut Findings<'_>,
) -> Vec<(u8, u32)> {
    let indicator = raw.network_indicator.as_ref().and_then(|text| read_indicator(text, findings));
    if raw.network_indicator.is_none()
        && let Some(first) = raw.point_codes.first()
    {
        let help = "add `network-indicator`: international, national or 0 to 3";
        findings.add(first.span(), "point codes mean something only within a network", help);
    }
    let mut codes = Vec::new();
    for code in &raw.point_codes {
        let standard = indicator.map(|indicator| mtp.of(indicator)).unwrap_or_default();
        let Some(value) = standard.read_point_code(code.get_ref()) else {
            let message = format!("`{}` is not a point code of {} bits", code.get_ref(), standard.bits());
            let help = match standard {
                Mtp::Itu => "such as 4237 or 2-17-5 (3, 8 and 3 bits); see `mtp` for codes of 24 bits",
                Mtp::Ansi | Mtp::China => "such as 66051 or 1-2-3 (8 bits each)",
            };
            findings.add(code.span(), message, help);
            continue;
        };
        let Some(indicator) = indicator else { continue };
        match taken.point_codes.insert((indicator, value), name.to_owned()) {
            Some(other) => {
                findings.add(
                    code.span(),
                    format!("point code {value} is in the route `{other}` already"),
                    "",
                );
            }
            None => codes.push((indicator, value)),
        }
    }
    codes
}

fn read_indicator(text: &Spanned<String>, findings: &mut Findings<'_>) -> Option<u8> {
    match text.get_ref().parse::<u8>() {
        Ok(value @ 0..=3) => Some(value),
        Ok(_) => {
            findings.add(text.span(), "a network indicator is 0 to 3", "");
            None
        }
        Err(_) => word("network indicator", text, &NETWORK_INDICATORS, findings).map(|index| index as u8),
    }
}

fn number_format(raw: &RawRoute, findings: &mut Findings<'_>) -> NumberFormat {
    let format = raw.number_format.as_ref();
    match format.and_then(|format| word("number format", format, &NUMBER_FORMATS, findings)) {
        Some(1) => NumberFormat::International,
        Some(2) => NumberFormat::National,
        _ => NumberFormat::Auto,
    }
}

fn sender(raw: &RawRoute, class: Option<RouteClass>, findings: &mut Findings<'_>) -> Option<String> {
    let is_white = class? == RouteClass::White;
    match &raw.sender {
        Some(sender) if !is_white => {
            findings.add(sender.span(), "only a route of class white has a `sender`", "");
        }
        Some(sender) if sender.get_ref().is_empty() => {
            findings.add(sender.span(), "a sender has a name", "as in the rate card");
        }
        None if is_white => {
            let message = "a route of class white has no `sender`";
            findings.add(raw.span.clone(), message, "add who pays, as named in the rate card");
        }
        _ => {}
    }
    raw.sender.as_ref().map(|sender| sender.get_ref().clone())
}

/// Index of a word in a closed list; none, and a finding, when it is another.
fn word(what: &str, text: &Spanned<String>, words: &[&str], findings: &mut Findings<'_>) -> Option<usize> {
    let index = words.iter().position(|word| word == text.get_ref());
    if index.is_none() {
        let message = format!("unknown {what} `{}`", text.get_ref());
        findings.add(text.span(), message, suggest(text.get_ref(), words));
    }
    index
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::route::{Direction, RouteId};

    const RATES: &str = "sender,dest_prefix,valid_from,valid_to,tier_from,currency,price\nacme,+48,2026-01-01,,0,EUR,0.0065\n";

    const LABELS: &str = "source,service,range,called,seen_cli,first_seen,last_seen,expires\n\
        published,app,+4474001xxxx,,,2026-11-01T00:00:00Z,2026-11-01T00:00:00Z,2026-12-01T00:00:00Z\n";

    /// Loads `text` as `network.toml` beside `roaming.csv` and `rates.csv`; findings show paths without the directory.
    fn load(text: &str) -> Result<Loaded, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("network.toml");
        std::fs::write(&path, text).unwrap();
        std::fs::write(directory.path().join("rates.csv"), RATES).unwrap();
        std::fs::write(directory.path().join("labels.csv"), LABELS).unwrap();
        std::fs::write(directory.path().join("roaming.csv"), "number,state\n+48601000001,roaming\n").unwrap();
        std::fs::write(directory.path().join("bad.csv"), "number,state\nx,y\n").unwrap();
        load_network(&path).map_err(|error| {
            assert_eq!(error.exit_code(), 3);
            error.to_string().replace(&format!("{}/", directory.path().display()), "")
        })
    }

    #[test]
    fn reads_the_whole_file() {
        let loaded = load(
            r#"
            home = "PL"
            emergency = ["116117"]

            [[route]]
            name = "carrier-a"
            class = "international"
            peers = ["192.0.2.10", "198.51.100.0/24", "2001:db8::/64"]
            point-codes = [100, "2-17-5", "300"]
            network-indicator = "international"
            number-format = "international"
            progress-is-alerting = true

            [[route]]
            name = "otp"
            class = "white"
            sender = "acme"
            point-codes = [4237]
            network-indicator = 2

            [roaming]
            file = "roaming.csv"

            [billing]
            rate-card = "rates.csv"

            [campaigns]
            labels = "labels.csv"
            "#,
        )
        .unwrap();
        assert_eq!(loaded.labels.seeds().len(), 1);
        let network = &loaded.network;
        let route = network.routes.route(RouteId(1));
        assert_eq!(route.point_codes, [(0, 100), (0, 4237), (0, 300)]);
        assert_eq!(route.number_format, NumberFormat::International);
        assert!(route.progress_is_alerting);
        let of =
            |address: &str| network.routes.of_addresses(address.parse().unwrap(), "::1".parse().unwrap());
        assert_eq!(of("2001:db8::7"), (RouteId(1), Direction::Inbound));
        assert_eq!(of("192.0.2.11"), (RouteId::UNKNOWN, Direction::Inbound));
        assert_eq!(network.routes.of_point_codes(2, 4237, 1).0, RouteId(2));
        assert_eq!(network.routes.route(RouteId(2)).sender.as_deref(), Some("acme"));
        assert_eq!(network.emergency, ["112", "116117", "911", "997", "998", "999"]);
        assert_eq!(network.roaming.len(), 1);
        assert!(loaded.rate_card.is_some());
    }

    #[test]
    fn the_example_of_the_manual_loads() {
        let manual = include_str!("../../docs/network-file.md");
        let example = manual.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        assert_eq!(load(example).unwrap().network.routes.all().len(), 3);
    }

    #[test]
    fn a_home_country_is_enough() {
        let loaded = load("home = \"PL\"\n").unwrap();
        assert_eq!(loaded.network.routes.all().len(), 1);
        assert!(loaded.rate_card.is_none());
    }

    #[test]
    fn shows_every_finding_with_carets() {
        let shown = load(
            r#"home = "PL"
routes = 1
[[route]]
name = "a"
class = "whte"
peers = ["192.0.2.1/24"]
[[route]]
name = "a"
class = "national"
peers = ["192.0.2.7", "192.0.2.7"]
sender = "acme"
"#,
        )
        .unwrap_err();
        assert_eq!(
            shown,
            "network.toml:2:1: the network file has no key `routes`\n  routes = 1\n  ^^^^^^ did you mean `route`?\n\
             network.toml:5:9: unknown class `whte`\n  class = \"whte\"\n          ^^^^^^ did you mean `white`?\n\
             network.toml:6:10: `192.0.2.1/24` has bits beyond its prefix length\n  peers = [\"192.0.2.1/24\"]\n  \
             \x20        ^^^^^^^^^^^^^^ did you mean `192.0.2.0/24`?\n\
             network.toml:8:8: a second route `a`\n  name = \"a\"\n         ^^^ names are unique\n\
             network.toml:10:23: 192.0.2.7/32 is in the route `a` already\n  peers = [\"192.0.2.7\", \"192.0.2.7\"]\n  \
             \x20                     ^^^^^^^^^^^\n\
             network.toml:11:10: only a route of class white has a `sender`\n  sender = \"acme\"\n           ^^^^^^"
        );
    }

    #[test]
    fn names_what_is_wrong() {
        for (text, expected) in [
            ("", "network.toml:1:1: the network file has no `home`"),
            ("home = \"XX\"", "network.toml:1:8: no numbering plan of a country `XX`"),
            ("home = 48", "network.toml:1:8: `home` is a string, not an integer"),
            ("home = \"PL\"\nhome = \"DE\"", "network.toml:2:1: "),
            ("home = \"PL\"\nemergency = [\"1-1-2\"]", "network.toml:2:14: an emergency number has 2 to 6"),
            ("home = \"PL\"\nroute = 1", "network.toml:2:9: `route` is a list, not an integer"),
            (
                "home = \"PL\"\n[[route]]\nclass = \"national\"\npeers = [\"::1\"]",
                "network.toml:2:1: a route has no `name`",
            ),
            (
                "home = \"PL\"\n[[route]]\nname = \"a\"\npeers = [\"::1\"]",
                "network.toml:2:1: a route has no `class`",
            ),
            (
                "home = \"PL\"\n[[route]]\nname = \"unknown\"\nclass = \"national\"\npeers = [\"::1\"]",
                "network.toml:3:8: `unknown` is",
            ),
            (
                "home = \"PL\"\n[[route]]\nname = \"a\"\nclass = \"national\"",
                "network.toml:2:1: the route `a` has neither",
            ),
            (
                "home = \"PL\"\n[[route]]\nname = \"a\"\nclass = \"white\"\npeers = [\"::1\"]",
                "network.toml:2:1: a route of class white has no",
            ),
            ("home = \"PL\"\n[roaming]\nfile = \"none.csv\"", "network.toml:3:8: none.csv: no such file"),
            ("home = \"PL\"\n[roaming]\nfile = \"bad.csv\"", "bad.csv:2:1: not a number"),
            ("home = \"PL\"\n[roaming]", "network.toml:2:1: `roaming` has neither `file` nor `url`"),
            (
                "home = \"PL\"\n[billing]\nrate-card = \"roaming.csv\"",
                "roaming.csv:1:1: the header has no column `currency`",
            ),
            (
                "home = \"PL\"\n[billing]\nratecard = \"rates.csv\"",
                "network.toml:2:1: `billing` has no `rate-card`",
            ),
        ] {
            let shown = load(text).unwrap_err();
            assert!(shown.starts_with(expected), "{text}:\n{shown}");
        }
    }

    #[test]
    fn point_codes_are_those_of_their_network() {
        let read = |mtp: &str| {
            let text = format!(
                "home = \"US\"\n{mtp}\n[[route]]\nname = \"a\"\nclass = \"national\"\n\
                 point-codes = [\"5-255-7\", 70000]\nnetwork-indicator = \"national\"\n",
            );
            load(&text).map(|loaded| {
                (loaded.network.mtp, loaded.network.routes.route(RouteId(1)).point_codes.clone())
            })
        };
        let codes = vec![(2, 5 << 16 | 255 << 8 | 7), (2, 70_000)];
        assert_eq!(read("mtp = \"ansi\"").unwrap(), (MtpPlan::all(Mtp::Ansi), codes.clone()));
        let mut plan = MtpPlan::default();
        plan.set(2, Mtp::China);
        assert_eq!(read("mtp = { international = \"itu\", national = \"china\" }").unwrap(), (plan, codes));
        assert!(
            read("").is_err()
                && read("mtp = \"ainsi\"").is_err()
                && read("mtp = { home = \"itu\" }").is_err()
        );
    }

    #[test]
    fn checks_point_codes() {
        for (keys, expected) in [
            ("point-codes = [1]", "network.toml:5:16: point codes mean something only within a network"),
            (
                "point-codes = [16384]\nnetwork-indicator = 0",
                "network.toml:5:16: `16384` is not a point code",
            ),
            ("point-codes = [\"8-0-0\"]\nnetwork-indicator = 0", "network.toml:5:16: `8-0-0` is not"),
            ("point-codes = [\"1-2\"]\nnetwork-indicator = 0", "network.toml:5:16: `1-2` is not"),
            ("point-codes = [-1]\nnetwork-indicator = 0", "network.toml:5:16: `-1` is not"),
            (
                "point-codes = [1, 1]\nnetwork-indicator = 0",
                "network.toml:5:19: point code 1 is in the route `a`",
            ),
            (
                "point-codes = [true]\nnetwork-indicator = 0",
                "network.toml:5:16: each of `point-codes` is a string or",
            ),
            ("point-codes = [1]\nnetwork-indicator = 4", "network.toml:6:21: a network indicator is 0 to 3"),
            (
                "point-codes = [1]\nnetwork-indicator = \"natonal\"",
                "network.toml:6:21: unknown network indicator",
            ),
            ("peers = [\"10.0.0.256\"]", "network.toml:5:10: `10.0.0.256` is not an address"),
            (
                "peers = [\"::1\"]\nnumber-format = \"e164\"",
                "network.toml:6:17: unknown number format `e164`",
            ),
            (
                "peers = [\"::1\"]\nprogress-is-alerting = 1",
                "network.toml:6:24: `progress-is-alerting` is true",
            ),
        ] {
            let text = format!("home = \"PL\"\n[[route]]\nname = \"a\"\nclass = \"national\"\n{keys}\n");
            let shown = load(&text).unwrap_err();
            assert!(shown.contains(expected), "{keys}:\n{shown}");
        }
    }

    #[test]
    fn a_missing_network_file_has_its_own_code() {
        let error = load_network(Path::new("/nonexistent/network.toml")).unwrap_err();
        assert_eq!(error.exit_code(), 66);
        assert_eq!(error.to_string(), "/nonexistent/network.toml: no such file or directory");
    }
}
