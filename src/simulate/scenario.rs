//! A scenario as written: TOML → [`Scenario`], or every finding with its place.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use crate::base::caret::Caret;
use crate::simulate::attack::Attack;
use crate::simulate::people::Population;
use crate::simulate::placed::{self, Finding, Placed};
use crate::simulate::source::Source;
use crate::simulate::world::World;

/// A scenario file.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// `[scenario]`
    pub scenario: Span,
    /// `[operator]`
    pub operator: Operator,
    /// `[[trunk]]`
    pub trunks: Vec<Placed<TrunkSpec>>,
    /// `[[population]]`
    pub populations: Vec<Placed<Population>>,
    /// `[[attack]]`
    pub attacks: Vec<Placed<Attack>>,
}

/// Tables that a scenario has.
const TABLES: [&str; 5] = ["scenario", "operator", "trunk", "population", "attack"];

/// `[scenario]`: what and when.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Span {
    /// Name, for people.
    pub name: String,
    /// When it begins, with its offset from UTC; years 2000 to 2199.
    pub start: Spanned<Datetime>,
    /// How long calls are set up, in hours; above 0, at most 8,784. Calls end later.
    pub hours: Spanned<f64>,
}

/// `[operator]`: whose network it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Operator {
    /// Home country: ISO 3166-1 alpha-2, one of [`NATIONS`](crate::simulate::countries::NATIONS).
    pub country: Spanned<String>,
    /// How many subscribers; 1 to 10,000,000 and to what the country's own mobile blocks hold.
    pub subscribers: Spanned<u64>,
    /// Share of subscribers who are abroad, 0 to 1.
    #[serde(default = "roaming")]
    pub roaming: Spanned<f64>,
    /// Share of subscribers whose roaming state the operator knows, 0 to 1.
    #[serde(default = "states_known")]
    pub states_known: Spanned<f64>,
}

fn roaming() -> Spanned<f64> {
    Spanned::new(0..0, 0.02)
}

fn states_known() -> Spanned<f64> {
    Spanned::new(0..0, 1.0)
}

/// `[[trunk]]`: an interconnect.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TrunkSpec {
    /// Name of the route; unique.
    pub name: String,
    /// Class of the route, as in the network file; not `outbound`.
    pub class: String,
    /// What it speaks.
    pub transport: Transport,
    /// Who is on the other side; the trunk's name when left out.
    pub carrier: Option<String>,
    /// Which way calls are set up.
    #[serde(default)]
    pub ways: Ways,
    /// Share of its class's ordinary traffic, before normalisation; 0 for none.
    #[serde(default = "weight")]
    pub weight: f64,
    /// Who pays for flash calls; needed for class `white`, refused elsewhere.
    pub sender: Option<String>,
    /// SIP: elements of the other side, 1 to 8.
    #[serde(default = "elements")]
    pub elements: u8,
    /// ISUP: circuits, 2 to 16,382.
    #[serde(default = "circuits")]
    pub circuits: u16,
}

const fn weight() -> f64 {
    1.0
}

const fn elements() -> u8 {
    2
}

const fn circuits() -> u16 {
    4_000
}

/// What a trunk speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// ISUP over M3UA and SCTP.
    Isup,
    /// SIP over TCP.
    SipTcp,
    /// SIP over UDP.
    SipUdp,
}

/// Which way calls are set up on a trunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ways {
    /// Both.
    #[default]
    Both,
    /// Towards the operator.
    In,
    /// Away from the operator.
    Out,
}

impl Scenario {
    /// Reads the text of the file `path`.
    ///
    /// # Errors
    /// What cannot be read, each at its place.
    pub fn parse(path: &str, text: &str) -> Result<Self, Vec<Caret>> {
        let mut findings = Vec::new();
        let scenario = DeTable::parse(text)
            .map_err(|error| Finding {
                span: error.span().unwrap_or(text.len()..text.len()),
                message: error.message().replace('\n', ", "),
            })
            .map_err(|finding| findings.push(finding))
            .ok()
            .and_then(|file| read_file(file.get_ref(), &mut findings));
        match scenario {
            Some(scenario) if findings.is_empty() => Ok(scenario),
            _ => {
                let mut carets: Vec<Caret> =
                    findings.iter().map(|finding| finding.caret(path, text)).collect();
                carets.sort();
                Err(carets)
            }
        }
    }
}

/// Reads every table as far as it can be read.
fn read_file(file: &DeTable<'_>, findings: &mut Vec<Finding>) -> Option<Scenario> {
    for (key, _) in file.iter().filter(|(key, _)| !TABLES.contains(&&**key.get_ref())) {
        let message = placed::unknown_key(key.get_ref(), TABLES.into_iter());
        findings.push(Finding { span: key.span(), message });
    }
    let scenario = one(file, "scenario", findings);
    let operator = one(file, "operator", findings);
    let trunks = many(file, "trunk", findings);
    let populations = many(file, "population", findings);
    let attacks = many(file, "attack", findings);
    Some(Scenario { scenario: scenario?, operator: operator?, trunks, populations, attacks })
}

fn one<T: DeserializeOwned + Clone>(
    file: &DeTable<'_>,
    name: &str,
    findings: &mut Vec<Finding>,
) -> Option<T> {
    let found = match file.get(name) {
        Some(value) => placed::read::<T>(value),
        None => Err(Finding { span: 0..0, message: format!("[{name}] is missing") }),
    };
    found.map_err(|finding| findings.push(finding)).ok().map(|placed| placed.get_ref().clone())
}

fn many<T: DeserializeOwned>(file: &DeTable<'_>, name: &str, findings: &mut Vec<Finding>) -> Vec<Placed<T>> {
    let values: Vec<_> = match file.get(name) {
        Some(value) => match value.get_ref() {
            DeValue::Array(list) => list.iter().collect(),
            _ => {
                findings.push(Finding {
                    span: value.span(),
                    message: format!("write [[{name}]], in two brackets"),
                });
                Vec::new()
            }
        },
        None => Vec::new(),
    };
    let read = |value| placed::read::<T>(value).map_err(|finding| findings.push(finding)).ok();
    values.into_iter().filter_map(read).collect()
}

impl Scenario {
    /// Moves its beginning.
    pub fn start_at(&mut self, start: Datetime) {
        self.scenario.start = Spanned::new(self.scenario.start.span(), start);
    }

    /// Every source: of the populations first, then of the attacks, in the order of the file.
    ///
    /// # Errors
    /// What a source refuses, with the place of its table.
    pub fn sources(&self, world: &Arc<World>) -> Result<Vec<Box<dyn Source>>, Finding> {
        let mut sources = Vec::new();
        for (index, spec) in self.populations.iter().enumerate() {
            let made = spec.get_ref().sources(world, index);
            sources.extend(made.map_err(|message| spec.finding(message))?);
        }
        let mut campaign = 1_u32;
        for (index, spec) in self.attacks.iter().enumerate() {
            let made = spec.get_ref().sources(world, index, campaign);
            sources.extend(made.map_err(|message| spec.finding(message))?);
            campaign = campaign.saturating_add(spec.get_ref().campaigns());
        }
        Ok(sources)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::source::Merge;

    const SMALL: &str = include_str!("../../scenarios/small.toml");

    #[test]
    fn attempts_come_in_order_and_end() {
        let scenario = Scenario::parse("small.toml", SMALL).unwrap();
        let world = Arc::new(World::new(&scenario, 1).unwrap());
        let mut merge = Merge::new(scenario.sources(&world).unwrap());
        let attempts: Vec<_> = std::iter::from_fn(|| merge.next()).collect();
        assert!(attempts.is_sorted_by_key(|attempt| attempt.setup_at));
        assert!(attempts.iter().any(|attempt| attempt.truth.family == "flash"));
        assert!(attempts.iter().any(|attempt| attempt.truth.label == "normal"));
        assert!(
            attempts
                .iter()
                .all(|attempt| attempt.setup_at >= world.start() && attempt.setup_at < world.end())
        );
    }

    #[test]
    fn says_where_and_what_and_all_at_once() {
        for (from, to, said) in [
            ("calls-per-s", "calls-per-sec", "unknown key `calls-per-sec`; did you mean `calls-per-s`?"),
            ("for-s = 300", "for-s = \"a\"", "invalid type: string \"a\", expected f64"),
            ("for-s = 300", "for-s = 99999999999999999999999", "this number is too large"),
            ("hours = 0.2", "hours = 99999999999999999999999", "this number is too large"),
            ("\"ordinary\"", "\"ordinari\"", "unknown variant `ordinari`, expected one of"),
            ("[operator]", "[operater]", "unknown key `operater`; did you mean `operator`?"),
            ("hours = 0.2", "hours = \"x\"", "invalid type: string \"x\", expected f64"),
        ] {
            assert!(SMALL.contains(from));
            let text = SMALL.replacen(from, to, 1);
            let findings = Scenario::parse("small.toml", &text).unwrap_err();
            let finding = findings.iter().find(|finding| finding.message.starts_with(said));
            let finding = finding.unwrap_or_else(|| panic!("{to}: {findings:?}"));
            let changed: String = finding.source_line.chars().skip(finding.caret_start).collect();
            let place = to.split(" = ").last().unwrap().trim_start_matches('[').trim_end_matches(']');
            assert!(changed.starts_with(place), "{to}: {finding}");
        }
        let text = SMALL.replace("class =", "clas =");
        assert_eq!(Scenario::parse("small.toml", &text).unwrap_err().len(), 4);
    }

    #[test]
    fn a_time_that_cannot_be_is_named_by_its_own_key() {
        for (table, key) in [
            (
                "kind = \"neighbours\"\nblocks = [\"+44740000\"]\ncalls-per-day = 9\nnew-after-s = -1",
                "new-after-s",
            ),
            ("kind = \"emergency\"\ncalls-per-day = 9\ndrill-for-s = -1", "drill-for-s"),
        ] {
            let text = format!("{SMALL}\n[[population]]\n{table}\n");
            let scenario = Scenario::parse("t.toml", &text).unwrap();
            let world = Arc::new(World::new(&scenario, 1).unwrap());
            let finding = scenario.sources(&world).map(|_| ()).unwrap_err();
            assert!(finding.message.starts_with(&format!("{key}: ")), "{finding:?}");
            assert_eq!(&text[finding.span.clone()], "-1", "{finding:?}");
        }
    }

    #[test]
    fn says_what_cannot_be_had() {
        for (from, to, said) in [
            ("hours = 0.2", "hours = 0", "hours: above 0"),
            ("\"PL\"", "\"XX\"", "country: one of AT"),
            ("20_000", "0", "subscribers: 1 to"),
            ("class = \"national\"", "class = \"x\"", "class: international"),
            ("\"nat-sip-1\"", "\"intl-sip-1\"", "name: two trunks"),
            ("trunk = \"intl-sip-1\"", "trunk = \"nope\"", "trunk: there is no `nope`"),
            ("after-s = 60", "after-s = 720", "after-s: the scenario ends after 720 s"),
            ("after-s = 60", "after-s = [1, 721]", "after-s: the scenario ends after 720 s"),
        ] {
            assert!(SMALL.contains(from));
            let text = SMALL.replacen(from, to, 1);
            let scenario = Scenario::parse("small.toml", &text).unwrap();
            let finding = World::new(&scenario, 1)
                .and_then(|world| scenario.sources(&Arc::new(world)).map(|_| ()))
                .unwrap_err();
            assert!(finding.message.starts_with(said), "{to}: {finding:?}");
            let value = to.split(" = ").last().unwrap();
            assert!(text[finding.span.clone()].starts_with(value), "{to}: {finding:?}");
        }
    }
}
